package server

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"saoma/backend/pay"
	"saoma/backend/wire"
)

func TestDeviceOf(t *testing.T) {
	t.Parallel()
	const (
		windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
		mac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
		iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
		android = "Mozilla/5.0 (Linux; Android 14; %s) AppleWebKit/537.36 (KHTML, like Gecko) "
	)
	for agent, want := range map[string]wire.Device{
		"":                                     wire.DeviceDesktop,
		windows + "Chrome/141.0 Safari/537.36": wire.DeviceDesktop,
		mac + "Version/18.0 Safari/605.1.15":   wire.DeviceDesktop, // an iPad too
		iphone + "Version/18.0 Mobile/15E148 Safari/604.1":                            wire.DeviceMobile,
		android + "Chrome/141.0 Mobile Safari/537.36":                                 wire.DeviceMobile,
		android + "Chrome/141.0 Safari/537.36":                                        wire.DeviceDesktop, // a tablet
		iphone + "Mobile/15E148 MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI":       wire.DeviceWeChat,
		android + "Chrome/130.0 Mobile Safari/537.36 XWEB/1300 MicroMessenger/8.0.60": wire.DeviceWeChat,
		windows + "Chrome/122.0 MicroMessenger/7.0.20 WindowsWechat(0x63090a13)":      wire.DeviceDesktop,
		mac + "MicroMessenger/6.8.0(0x16080000) MacWechat/3.8.10(0x13080a11)":         wire.DeviceDesktop,
	} {
		if got := deviceOf(agent); got != want {
			t.Errorf("%q is taken for %s; want %s", agent, got, want)
		}
	}
}

func TestChannelsOfADevice(t *testing.T) {
	t.Parallel()
	plain, all := pay.Merchant{}, pay.Merchant{Channels: []pay.Channel{pay.Native, pay.JSAPI, pay.H5}}
	for _, c := range []struct {
		m    pay.Merchant
		d    wire.Device
		want []string
	}{
		{plain, wire.DeviceDesktop, []string{"native"}}, {plain, wire.DeviceMobile, []string{}},
		{plain, wire.DeviceWeChat, []string{}}, {all, wire.DeviceDesktop, []string{"native"}},
		{all, wire.DeviceMobile, []string{"h5"}}, {all, wire.DeviceWeChat, []string{"jsapi"}},
	} {
		if got := channels(c.m, c.d); !slices.Equal(got, c.want) {
			t.Errorf("on %s: %v; want %v", c.d, got, c.want)
		}
	}
}

// Customers are led back to pages of the merchant only.
func TestBackOf(t *testing.T) {
	t.Parallel()
	m := pay.Merchant{Origins: []string{"https://shop.example"}}
	o := pay.Order{ID: "ord_1"}
	for back, want := range map[string]string{
		"https://shop.example/table/?table=7":                  "https://shop.example/table/?table=7",
		"https://shop.example/k/?order={ORDER_ID}":             "https://shop.example/k/?order=ord_1",
		"https://shop.example/k/%7BORDER_ID%7D":                "https://shop.example/k/ord_1",
		"https://shop.example":                                 "https://shop.example",
		"https://shop.example@evil.example/":                   "",
		"https://evil.example/https://shop.example":            "",
		"http://shop.example/":                                 "",
		"javascript:alert(1)":                                  "",
		"//shop.example/":                                      "",
		"https://shop.example/" + strings.Repeat("a", backMax): "",
		"undefined": "", "": "",
	} {
		if got := backOf(url.Values{"back": {back}}, o, m); got != want {
			t.Errorf("%.60q leads back to %q; want %q", back, got, want)
		}
	}
}
