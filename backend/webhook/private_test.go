package webhook_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"saoma/backend/webhook"
)

// No name, number or notation leads into a private network. The addresses are refused before anything is sent to
// them, so none of this needs a network.
func TestPrivateAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"127.0.0.1", "127.8.9.1", "localhost", "[::1]", "0.0.0.0", "[::]",
		"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "[fd00::1]", "[fc00::1]",
		"169.254.169.254", "[fe80::1]", "[fd00:ec2::254]",
		"100.64.0.1", "100.100.100.200", "100.127.255.255",
		"224.0.0.1", "239.255.255.250", "[ff02::1]", "255.255.255.255", "240.0.0.1", "0.1.2.3",
		"192.0.0.8", "192.0.2.1", "198.18.0.1", "198.19.255.1", "198.51.100.7", "203.0.113.7", "192.88.99.1",
		"[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]",
		"[64:ff9b::127.0.0.1]", "[64:ff9b::a00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a00:1]",
		"[2002:7f00:1::]", "[2002:a00:1::]", "[2001::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[100::1]", "[4000::1]",
	} {
		a := post(t, sender(t, webhook.Endpoint{URL: "https://" + host + ":1/hooks"}))
		if a.Status != 0 || !strings.Contains(a.Trouble, "no public address") {
			// A machine without IPv6 refuses such an address by itself.
			if strings.HasPrefix(host, "[") && strings.Contains(a.Trouble, "unreachable") {
				continue
			}
			t.Errorf("%s: %+v; want it refused as no public address", host, a)
		}
	}
}

// A server that listens here is reached only where the configuration says so.
func TestAPrivateServer(t *testing.T) {
	t.Parallel()
	r := receive(t, func(http.ResponseWriter, *http.Request) {})
	_, port, err := net.SplitHostPort(r.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		a := post(t, sender(t, webhook.Endpoint{URL: "https://" + host + ":" + port}))
		if !strings.Contains(a.Trouble, "no public address") {
			t.Errorf("%s: %+v", host, a)
		}
	}
	if n := len(r.all()); n != 0 {
		t.Errorf("%d requests got through", n)
	}
	if a := post(t, sender(t, webhook.Endpoint{URL: r.URL, Private: true})); a.Status != 200 {
		t.Errorf("allowed: %+v", a)
	}
}
