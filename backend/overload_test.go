package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// A rush is more of everything than a small server has room for.
type rush struct {
	*world
	t      *testing.T
	client http.Client
	over   atomic.Bool

	refused sync.Map // what was ever answered 503

	mu   sync.Mutex
	made []string // orders that were promised
}

// again makes one request after the other until the rush is over. Each is answered: as wanted, or 503.
func (r *rush) again(want int, method, path, body string) {
	for !r.over.Load() {
		req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
		if err != nil {
			r.t.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+r.secretKey)
		req.Header.Set("Content-Type", "application/json")
		res, err := r.client.Do(req)
		if err != nil {
			r.t.Errorf("%s %s is not answered: %v", method, path, err)
			return
		}
		text, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			r.t.Errorf("%s %s: half an answer: %v", method, path, err)
			return
		}
		a := answer{res.StatusCode, res.Header, text}
		if a.status != want {
			wantOverloaded(r.t, method+" "+path, a)
			r.refused.Store(method+" "+path, true)
		} else if want == http.StatusCreated {
			var o order
			a.json(r.t, &o)
			r.mu.Lock()
			r.made = append(r.made, o.ID)
			r.mu.Unlock()
		}
	}
}

func (r *rush) wasRefused(method, path string) bool {
	_, ok := r.refused.Load(method + " " + path)
	return ok
}

// While there is more of everything than there is room for, every callback is accepted. Of the others some are refused,
// none hangs, and what was promised is in the books.
func TestCallbacksGoFirst(t *testing.T) {
	t.Parallel()
	w := openWorldWith(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, func(c *server.Capacity) { c.Changes, c.Reads, c.Polls = 2, 2, 2 },
		func(c *config) { c.Merchants[0].Limits = limitsConfig{Requests: limitMax} })
	r := &rush{world: w, t: t, client: http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	var paid []order
	for range 24 {
		paid = append(paid, w.latte(t))
	}
	watched := w.latte(t)
	poll := fmt.Sprintf("/v1/checkouts/%s?after=%d&wait=1", watched.Token, watched.Version)
	var crowd sync.WaitGroup
	for range 8 {
		crowd.Go(func() { r.again(http.StatusCreated, "POST", "/v1/orders", `{"amount":100,"description":"tea"}`) })
		crowd.Go(func() { r.again(http.StatusOK, "GET", "/v1/orders?limit=100", "") })
		crowd.Go(func() { r.again(http.StatusOK, "GET", poll, "") })
	}
	defer crowd.Wait()
	defer r.over.Store(true)
	eventually(t, "all lanes are full", func() bool {
		return r.wasRefused("POST", "/v1/orders") && r.wasRefused("GET", "/v1/orders?limit=100") && r.wasRefused("GET", poll)
	})
	for _, o := range paid {
		crowd.Go(func() { w.pays(t, o) })
	}
	eventually(t, "every payment is called back", func() bool { return len(w.tap.all()) >= len(paid) })
	r.over.Store(true)
	crowd.Wait()
	for _, h := range w.tap.all() {
		if h.answer.status != http.StatusNoContent {
			t.Errorf("a callback was answered %d %s", h.answer.status, h.answer.body)
		}
	}
	for _, o := range paid {
		if got := w.read(t, o.ID).Status; got != "paid" {
			t.Errorf("order %s is called back and %s", o.ID, got)
		}
	}
	for _, id := range r.made {
		w.read(t, id)
	}
	if n := w.metric(t, `saoma_requests_overloaded_total{lane="changes"}`); n < 1 {
		t.Errorf("%v refused orders are counted", n)
	}
	if n := w.metric(t, `saoma_requests_in_flight{lane="changes"}`); n != 0 {
		t.Errorf("%v changes are in flight afterwards", n)
	}
	if _, _, err := w.service.cashier.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
