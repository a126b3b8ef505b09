package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"saoma/backend/wire"
)

// Three servers are replaced one after the other while shops sell. Nobody notices: every request is answered as if nothing
// were, every callback is accepted when it comes first, browsers are told to come again and see the end of their orders.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	var b *balancer
	f := newFleet(t, func(f *fleet) http.Handler { b = newBalancer(f); return b.handler() })
	var told atomic.Int64
	f.ended = func(err error) {
		if !websocket.IsCloseError(err, wire.CloseRestart) {
			t.Errorf("a browser's socket ended with %v; want it told to come again", err)
		}
		told.Add(1)
	}
	b.watch(t)

	ctx, stop := context.WithCancel(t.Context())
	var shops sync.WaitGroup
	defer func() { stop(); shops.Wait() }()
	for n := range 6 {
		shops.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				f.sell(ctx, fmt.Sprintf("shop%d-%d", n, i))
			}
		})
	}
	const patient = 30 // customers who look at a code until all servers have been replaced
	var orders []order
	var seen []chan struct{}
	for n := range patient {
		o, ok := f.order(t.Context(), fmt.Sprint("patient", n))
		if !ok {
			t.Fatal("no order")
		}
		watching := make(chan struct{})
		seen, orders = append(seen, make(chan struct{})), append(orders, o)
		go f.watch(t.Context(), o.Token, watching, seen[n])
		<-watching
	}
	for n := range f.process {
		f.sells(t, 20)
		f.replace(t, n)
		eventually(t, "the server is back", func() bool { return !b.out[n].Load() })
	}
	f.sells(t, 20)
	stop()
	shops.Wait()
	for n, o := range orders {
		if _, err := f.sim.Pay(o.CodeURL, ""); err != nil {
			t.Error(err)
		}
		select {
		case <-seen[n]:
		case <-time.After(30 * time.Second):
			t.Errorf("%s is paid, and its browser has not seen it", o.ID)
		}
	}
	if told.Load() < patient {
		t.Errorf("browsers were told %d times to come again; each of %d at least once", told.Load(), patient)
	}
	f.wantAllAccepted(t)
	f.audit(t)
	t.Logf("%d sales; browsers were told %d times to come again; %d requests were refused at the door and went to another server",
		f.sold.Load(), told.Load(), b.refused.Load())
}

// replace ends a server as a supervisor does, and starts it again.
func (f *fleet) replace(t *testing.T, n int) {
	t.Helper()
	if err := f.process[n].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := f.process[n].Wait(); err != nil {
		t.Fatalf("server %d ended with %v", n, err)
	}
	f.run(t, n)
}

// wantAllAccepted looks at how each callback of WeChat Pay was answered.
func (f *fleet) wantAllAccepted(t *testing.T) {
	t.Helper()
	for _, trade := range f.sim.Trades() {
		for _, d := range trade.Callbacks {
			if d.Status != http.StatusNoContent {
				t.Errorf("the callback of %s was answered %d %s", trade.OutTradeNo, d.Status, d.Err)
			}
		}
	}
}

// A balancer is a load balancer with health checks: a server whose /readyz fails gets nothing any more, and what a server did
// not even take goes to another one. Whatever else fails is an error.
type balancer struct {
	fleet     *fleet
	transport *http.Transport
	turn      atomic.Int64
	out       [3]atomic.Bool
	refused   atomic.Int64
}

func newBalancer(f *fleet) *balancer {
	// A server closes connections that lie idle when it ends, and a request may be on its way (RFC 9112 §9.3.1): a balancer
	// keeps none for as long as servers announce their end.
	return &balancer{fleet: f, transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 500 * time.Millisecond}}
}

func (b *balancer) handler() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "servers"}) // which one is chosen later, maybe twice
			r.Out.Host = r.In.Host
		},
		Transport: b,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				b.fleet.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
}

// watch checks the servers' health until the test has ended.
func (b *balancer) watch(t *testing.T) {
	for n := range b.out {
		go func() {
			for t.Context().Err() == nil {
				b.out[n].Store(b.fleet.readyz(n) != "")
				<-time.After(50 * time.Millisecond)
			}
		}()
	}
}

// RoundTrip sends a request to the next server that takes it.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	for range 2 * len(b.out) {
		n := b.turn.Add(1) % int64(len(b.out))
		if b.out[n].Load() {
			continue
		}
		out := r.Clone(r.Context())
		out.URL.Host = b.fleet.address[n]
		if out.Body = http.NoBody; len(body) > 0 {
			out.Body = io.NopCloser(bytes.NewReader(body))
		}
		res, err := b.transport.RoundTrip(out)
		if errors.Is(err, syscall.ECONNREFUSED) {
			b.refused.Add(1)
			continue
		}
		if err == nil && res.StatusCode >= http.StatusInternalServerError {
			b.fleet.t.Errorf("%s %s: %s", r.Method, r.URL.Path, res.Status)
		}
		return res, err
	}
	return nil, errors.New("no server takes it")
}
