package webhook

import (
	"net/netip"
	"testing"
)

// Addresses of the internet are let through, also when an IPv6 one stands for an IPv4 one.
func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "223.5.5.5", "203.0.114.1",
		"2400:3200::1", "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
	} {
		if !isPublic(netip.MustParseAddr(text)) {
			t.Errorf("%s is refused", text)
		}
	}
	if isPublic(netip.MustParseAddr("fe80::1%eth0")) || isPublic(netip.MustParseAddr("2400:3200::1%eth0")) {
		t.Error("an address with a zone is let through")
	}
	for _, address := range []string{"", "shop.example:443", "8.8.8.8"} {
		if refusePrivate("tcp", address, nil) == nil {
			t.Errorf("%q is let through", address)
		}
	}
}
