package main

import (
	"net/http"
	"testing"
	"time"
)

// limited is a demo whose limits can be reached.
func limited(t *testing.T) *world {
	t.Helper()
	return openWorld(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, func(c *config) { c.Merchants[0].Limits = limitsConfig{Requests: 5, Checkouts: 2} })
}

func wantLimited(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || a.header.Get("RateLimit") == "" ||
		a.header.Get("RateLimit-Policy") == "" || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d %v %s; want 429 and when to come again", what, a.status, a.header, a.body)
	}
}

// Each of the limits holds, says how it stands, and ends by itself.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	w := limited(t)
	o := w.latte(t)
	cart := `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}]}`
	for name, c := range map[string]struct {
		quota      int
		status     int
		method     string
		path, body string
		headers    []string
	}{
		"requests":     {4, 200, "GET", "/v1/orders", "", []string{w.secret()}}, // the latte was one
		"checkouts":    {2, 201, "POST", "/v1/checkouts", cart, []string{w.origin()}},
		"actions":      {60, 200, "POST", "/v1/checkouts/" + o.Token + "/check", "", nil},
		"unauthorized": {60, 401, "GET", "/v1/orders", "", []string{"Authorization: Bearer sk_wrong"}},
	} {
		for i := range c.quota {
			if a := w.call(t, c.method, c.path, c.body, c.headers...); a.status != c.status || a.header.Get("RateLimit") == "" {
				t.Errorf("%s, call %d: %d %v %s; want %d", name, i, a.status, a.header, a.body, c.status)
			}
		}
	}
	// Virtual time stands nearly still: the real seconds that the calls took bring back less than one of the small quotas.
	cases := []struct {
		what, method, path, body string
		headers                  []string
	}{
		{"checkouts", "POST", "/v1/checkouts", cart, []string{w.origin()}},
		{"requests", "GET", "/v1/orders", "", []string{w.secret()}},
	}
	for _, c := range cases {
		wantLimited(t, c.what, w.call(t, c.method, c.path, c.body, c.headers...))
	}
	w.forward(time.Minute)
	for _, c := range cases {
		if a := w.call(t, c.method, c.path, c.body, c.headers...); a.status >= 400 {
			t.Errorf("%s, a minute later: %d %s", c.what, a.status, a.body)
		}
	}
}
