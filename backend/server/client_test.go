package server

import (
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestClientIP(t *testing.T) {
	t.Parallel()
	s := &Server{}
	s.Apply(Settings{TrustedProxies: []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.0.0.0/8"),
	}})
	for _, c := range []struct {
		remote    string
		forwarded []string
		want      string // empty: an error
	}{
		{"203.0.113.9:1", nil, "203.0.113.9"},
		{"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"}, // nobody's proxy
		{"127.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"[::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
		{"[::ffff:127.0.0.1]:1", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"127.0.0.1:1", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"}, // the browser wrote the first itself
		{"127.0.0.1:1", []string{"203.0.113.9, 10.1.2.3"}, "203.0.113.9"},     // two proxies
		{"127.0.0.1:1", []string{"198.51.100.1", "203.0.113.9,10.1.2.3"}, "203.0.113.9"},
		{"127.0.0.1:1", []string{"unknown, 10.1.2.3"}, "10.1.2.3"},
		{"127.0.0.1:1", []string{"10.1.2.3"}, "10.1.2.3"}, // a browser in the proxies' own network
		{"127.0.0.1:1", nil, ""},
		{"127.0.0.1:1", []string{"nonsense"}, ""},
		{"127.0.0.1:1", []string{"127.0.0.1"}, ""},
		{"pipe", nil, ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		got, err := s.clientIP(r)
		if (err != nil) != (c.want == "") || err == nil && got.String() != c.want {
			t.Errorf("%s %q: %v, %v; want %q", c.remote, c.forwarded, got, err, c.want)
		}
	}
	s.LocalPayer = netip.MustParseAddr("192.0.2.1")
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "127.0.0.1:1"
	if got, err := s.clientIP(r); err != nil || got != s.LocalPayer {
		t.Errorf("in the demo %v, %v", got, err)
	}
}
