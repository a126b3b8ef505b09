package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"saoma/backend/pay"
	"saoma/backend/store"
	"saoma/backend/wechatsim"
)

// The program is given this long between the announcement of its end and the end of its listening.
const drain = time.Second

// An ending is the program being told to end while much is going on, and what came of everything.
type ending struct {
	*siege
	http    http.Client // repeats nothing by itself: no request has an Idempotency-Key
	told    atomic.Bool // to end
	refused atomic.Int64
	late    atomic.Int64 // requests that were answered though the program was told to end

	mu   sync.Mutex
	made []order // that were promised
}

// do makes one request. A connection that is refused is none of the program's; whatever it took it must answer. It returns no
// answer once connections are refused.
func (e *ending) do(method, path, body string) (a answer, ok bool) {
	var on httptrace.GotConnInfo
	ctx := httptrace.WithClientTrace(e.t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { on = c }})
	req, err := http.NewRequestWithContext(ctx, method, e.url+path, strings.NewReader(body))
	if err != nil {
		e.t.Error(err)
		return a, false
	}
	req.Header.Set("Authorization", "Bearer "+e.secretKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := e.http.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		if !e.told.Load() {
			e.t.Errorf("%s %s: refused before it was told to end", method, path)
		}
		e.refused.Add(1)
		return a, false
	}
	// A server may close a connection that lies idle while a request is on its way (RFC 9112 §9.3.1). Whatever was answered since
	// the end was announced said "Connection: close", so only a connection that nobody used since then is left to be closed so.
	if err != nil && on.WasIdle && on.IdleTime >= drain {
		return e.do(method, path, body)
	}
	if err != nil {
		e.t.Errorf("%s %s was taken and not answered: %v (%+v)", method, path, err, on)
		return a, false
	}
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		e.t.Errorf("%s %s: half an answer: %v", method, path, err)
		return a, false
	}
	if e.told.Load() {
		e.late.Add(1)
	}
	return answer{res.StatusCode, res.Header, text}, true
}

// sell makes orders that are paid at once, until connections are refused.
func (e *ending) sell() {
	for {
		a, ok := e.do(http.MethodPost, "/v1/orders", `{"amount":100,"description":"tea"}`)
		if !ok {
			return
		}
		var o order
		if a.status != http.StatusCreated || json.Unmarshal(a.body, &o) != nil {
			e.t.Errorf("an order: %d %s", a.status, a.body)
			return
		}
		e.mu.Lock()
		e.made = append(e.made, o)
		e.mu.Unlock()
		if o.CodeURL != "" {
			e.pay(o.CodeURL)
		}
	}
}

// poll waits for news of an order, again and again.
func (e *ending) poll(o order) {
	for {
		a, ok := e.do(http.MethodGet, fmt.Sprintf("/v1/checkouts/%s?after=%d&wait=25", o.Token, o.Version), "")
		if !ok {
			return
		}
		if a.status != http.StatusOK || !strings.Contains(string(a.body), o.Token) {
			e.t.Errorf("a long poll: %d %s", a.status, a.body)
			return
		}
	}
}

// listen keeps a socket open to its end and returns the close code.
func (e *ending) listen(o order, opened func()) (code int, err error) {
	d := websocket.Dialer{Subprotocols: []string{"saoma.v1"}, HandshakeTimeout: 10 * time.Second}
	conn, res, err := d.DialContext(e.t.Context(), "ws"+strings.TrimPrefix(e.url, "http")+"/v1/checkouts/"+o.Token+"/live", nil)
	if err != nil {
		return 0, err
	}
	defer func() { _, _ = res.Body.Close(), conn.Close() }()
	for first := true; ; first = false {
		if _, _, err := conn.ReadMessage(); err != nil {
			if c, ok := errors.AsType[*websocket.CloseError](err); ok {
				return c.Code, nil
			}
			return 0, err
		}
		if first {
			opened()
		}
	}
}

// The program is told to end while orders, payments, long polls and sockets are under way. Everything that it took it answers;
// what it promised is there afterwards; browsers are told to come again; it ends by itself and in peace.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	s := newSiege(t)
	e := &ending{siege: s, http: http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	s.start("-drain", drain.String())
	eventually(t, "the program answers", func() bool { return healthy(t, s.url) })
	var watched []order
	for range 8 {
		o, ok := s.order(t.Context(), request{path: "/v1/orders", body: `{"amount":100,"description":"watched"}`, key: fmt.Sprint(len(watched))})
		if !ok {
			t.Fatal("no order to watch")
		}
		watched = append(watched, o)
	}
	var open sync.WaitGroup
	var crowd sync.WaitGroup
	for _, o := range watched {
		open.Add(1)
		crowd.Go(func() {
			code, err := e.listen(o, sync.OnceFunc(open.Done))
			if err != nil || code < 4000 || code > 4499 {
				t.Errorf("a socket ended with %d, %v; want it told to come again", code, err)
			}
		})
		crowd.Go(func() { e.poll(o) })
	}
	open.Wait()
	for range 6 {
		crowd.Go(e.sell)
	}
	count := func() int { e.mu.Lock(); defer e.mu.Unlock(); return len(e.made) }
	eventually(t, "business is good", func() bool { return count() > 50 })
	// One order hangs at WeChat Pay until its call runs out of time, long after the end was announced.
	s.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{HangAfter: 1}})
	eventually(t, "it hangs", func() bool { return s.sim.Faults().Prepay.HangAfter == 0 })

	began := time.Now()
	e.told.Store(true)
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is not ready any more, and still serves", func() bool {
		ready, ok := e.do(http.MethodGet, "/readyz", "")
		return ok && ready.status == http.StatusServiceUnavailable && ready.header.Get("Connection") != "keep-alive"
	})
	if err := s.process.Wait(); err != nil {
		t.Fatalf("it ended with %v:\n%s", err, s.log.String())
	}
	if took := time.Since(began); took > shutdownLimit+goodbyeLimit {
		t.Errorf("it took %v", took)
	}
	crowd.Wait()
	if e.late.Load() < 20 || e.refused.Load() == 0 {
		t.Errorf("%d requests were answered after it was told, %d refused: too little was going on", e.late.Load(), e.refused.Load())
	}
	for _, word := range []string{"panic", `"level":"ERROR"`} {
		if said := s.log.String(); strings.Contains(said, word) {
			t.Errorf("it said %s: %s", word, said)
		}
	}
	e.audit(t)
}

// audit looks at what is in the books afterwards.
func (e *ending) audit(t *testing.T) {
	t.Helper()
	books, err := store.OpenSQLite(t.Context(), filepath.Join(e.data, "saoma.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := books.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, _, err := (&pay.Cashier{Store: books}).Verify(t.Context()); err != nil {
		t.Error(err)
	}
	err = books.View(t.Context(), func(tx pay.Tx) error {
		for _, o := range e.made {
			if _, err := tx.Order(t.Context(), pay.OrderID(o.ID)); err != nil {
				t.Errorf("order %s was answered 201: %v", o.ID, err)
			}
		}
		for _, trade := range e.sim.Trades() {
			for _, d := range trade.Callbacks {
				a, err := tx.Attempt(t.Context(), trade.OutTradeNo)
				if d.Status == http.StatusNoContent && (err != nil || a.State != pay.AttemptPaid) {
					t.Errorf("the callback of %s was answered 204: %s, %v", trade.OutTradeNo, a.State, err)
				}
				if d.Status == 0 && !strings.Contains(d.Err, "refused") {
					t.Errorf("the callback of %s was taken and not answered: %s", trade.OutTradeNo, d.Err)
				}
				if d.Status >= 500 {
					t.Errorf("the callback of %s was answered %d", trade.OutTradeNo, d.Status)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// With nobody there it ends when the load balancer had its time, and a request that comes in that time is served.
func TestStopWhileIdle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	left := make(chan struct{})
	go func() { defer close(left); w.service.leave(300 * time.Millisecond) }()
	eventually(t, "it says so", func() bool { return w.call(t, "GET", "/readyz", "").status == http.StatusServiceUnavailable })
	if a := w.call(t, "GET", "/healthz", ""); a.status != http.StatusNoContent {
		t.Errorf("healthz: %d", a.status)
	}
	w.latte(t)
	<-left
}
