package server

import (
	"strings"

	"saoma/backend/pay"
	"saoma/backend/wire"
)

// deviceOf judges a browser by its User-Agent. WeChat's desktop form says MicroMessenger too, but cannot pay there;
// a tablet does not say Mobile on Android and says Macintosh on iPadOS, and its screen is large enough for a code.
func deviceOf(userAgent string) wire.Device {
	says := func(word string) bool { return strings.Contains(strings.ToLower(userAgent), word) }
	switch {
	case says("windowswechat"), says("macwechat"):
		return wire.DeviceDesktop
	case says("micromessenger"):
		return wire.DeviceWeChat
	case says("mobile"), says("iphone"), says("ipod"):
		return wire.DeviceMobile
	}
	return wire.DeviceDesktop
}

// channels are the merchant's ways to pay that end on the device.
func channels(m pay.Merchant, d wire.Device) []string {
	here := map[wire.Device]pay.Channel{
		wire.DeviceDesktop: pay.Native, wire.DeviceWeChat: pay.JSAPI, wire.DeviceMobile: pay.H5,
	}[d]
	if !m.Takes(here) {
		return []string{}
	}
	return []string{string(here)}
}
