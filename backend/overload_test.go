package main

import (
	"net/http"
	"strings"
	"testing"

	"saoma/backend/server"
)

// crowded is a demo with little room.
func crowded(t *testing.T, capacity func(*server.Capacity)) *world {
	t.Helper()
	return openWorldWith(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, capacity)
}

// overloaded has every call come to a server that has no room at all.
func (c *contract) overloaded(t *testing.T) {
	w := crowded(t, func(c *server.Capacity) { *c = server.Capacity{Connections: c.Connections} })
	for _, call := range c.calls {
		key := w.secret()
		if !call.secret {
			key = w.origin()
		}
		body := ""
		if call.body {
			body = "{}"
		}
		a := c.ask(t, w, http.StatusServiceUnavailable, call.method, call.filled(), body, key)
		wantOverloaded(t, call.name, a)
	}
}

func wantOverloaded(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("%s: %d %v %s; want 503 and when to come again", what, a.status, a.header, a.body)
	}
	if kind := a.header.Get("Content-Type"); kind == "application/problem+json" && !strings.Contains(string(a.body), `"code":"overloaded"`) {
		t.Errorf("%s: %s; want the code overloaded", what, a.body)
	}
}
