package pay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
)

// A hookTest is our program in virtual time with one merchant's server, which answers as the test says.
type hookTest struct {
	*simulation
	*process
	t        *testing.T
	shop     *hookShop
	requests atomic.Int64
	mu       sync.Mutex
	at       []time.Time // of all requests
}

const baker = pay.MerchantID("bakery")

func inVirtualTime(t *testing.T, test func(h *hookTest)) {
	t.Helper()
	merchants, err := smallMerchants()
	if err != nil {
		t.Fatal(err)
	}
	address, temp := inMemory(t), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := newSimulation(merchants, address, temp, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.open(0)
		if err != nil {
			t.Fatal(err)
		}
		h := &hookTest{simulation: s, process: p, t: t, shop: s.hooks[baker]}
		test(h)
		for _, sim := range s.sims {
			if err := sim.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := s.kill(); err != nil {
			t.Error(err)
		}
		if h.shop.offence != nil {
			t.Error(h.shop.offence)
		}
	})
}

// answers sets what the merchant's server does. Its first word on every request is whether it takes it.
func (h *hookTest) answers(f func(w http.ResponseWriter, r *http.Request) (takes bool)) {
	h.shop.mu.Lock()
	defer h.shop.mu.Unlock()
	h.shop.answer = func(w http.ResponseWriter, r *http.Request) {
		h.requests.Add(1)
		h.mu.Lock()
		h.at = append(h.at, time.Now())
		h.mu.Unlock()
		if !f(w, r) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			h.t.Error(err)
		}
		h.shop.take(r.Header, body)
	}
}

func (h *hookTest) well() { h.answers(func(http.ResponseWriter, *http.Request) bool { return true }) }
func (h *hookTest) sick() {
	h.answers(func(http.ResponseWriter, *http.Request) bool { return false })
}

// run delivers for a while, as the program does; over days it looks less often, which is cheaper.
func (h *hookTest) run(d time.Duration) {
	h.t.Helper()
	ctx, stop := context.WithTimeout(h.t.Context(), d)
	defer stop()
	var posting sync.Map
	for ctx.Err() == nil {
		h.deliver(ctx, &posting)
		pause(ctx, min(max(d/2000, 500*time.Millisecond), 30*time.Second))
	}
	h.loops.Wait()
}

// cancelled makes an order of which the shop is told that it was cancelled.
func (h *hookTest) cancelled(m pay.MerchantID) pay.OrderID {
	h.t.Helper()
	o, err := h.CreateOrder(h.t.Context(), pay.NewOrder{Merchant: m, Amount: 100, Description: "面包"})
	if err == nil {
		_, err = h.Cancel(h.t.Context(), o.ID)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return o.ID
}

// refunded makes an order that was paid and refunded in full: three webhooks.
func (h *hookTest) refunded() pay.OrderID {
	h.t.Helper()
	ctx := h.t.Context()
	o, err := h.CreateOrder(ctx, pay.NewOrder{Merchant: baker, Amount: 100, Description: "面包"})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.sims[baker].Pay(o.CodeURL, ""); err != nil {
		h.t.Fatal(err)
	}
	time.Sleep(time.Second) // the callback
	r, err := h.Refund(ctx, pay.NewRefund{Order: o.ID, Amount: 100})
	if err != nil {
		h.t.Fatal(err)
	}
	for r.State != pay.RefundSucceeded {
		time.Sleep(10 * time.Second)
		err := h.Store.View(ctx, func(tx pay.Tx) (err error) {
			r, err = tx.Refund(ctx, r.ID)
			return err
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	return o.ID
}

func (h *hookTest) of(id pay.OrderID) []pay.Delivery {
	h.t.Helper()
	list, err := h.Deliveries(h.t.Context(), pay.DeliveryFilter{Merchant: baker, Order: id, Limit: pay.ListMax})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

func (h *hookTest) endpoint() pay.EndpointReport {
	h.t.Helper()
	r, err := h.WebhookEndpoint(h.t.Context(), baker)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *hookTest) taken() int {
	h.shop.mu.Lock()
	defer h.shop.mu.Unlock()
	return len(h.shop.took)
}

// types are what the shop was told, in the order in which it took it.
func (h *hookTest) types() (list []pay.WebhookType) {
	h.shop.mu.Lock()
	defer h.shop.mu.Unlock()
	for _, id := range h.shop.took {
		var b struct{ Type pay.WebhookType }
		if err := json.Unmarshal([]byte(h.shop.bodies[id]), &b); err != nil {
			h.t.Error(err)
		}
		list = append(list, b.Type)
	}
	return list
}

// A webhook that is never taken is tried for three days, closely at first, and given up. What follows it in its order
// is sent then.
func TestThreeDaysOfTrying(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		h.answers(func(_ http.ResponseWriter, r *http.Request) bool {
			return r.Header.Get("webhook-id") != string(h.shop.first)
		})
		id := h.refunded()
		first := h.of(id)[0]
		h.shop.first = first.ID
		h.run(5 * 24 * time.Hour)
		d, tries, err := h.Delivery(h.t.Context(), baker, first.ID)
		if err != nil {
			t.Fatal(err)
		}
		lasted := tries[len(tries)-1].At.Sub(tries[0].At)
		if d.State != pay.DeliveryFailed || len(tries) != d.Tries || lasted < 66*time.Hour || lasted > 80*time.Hour {
			t.Errorf("%s after %d tries in %v; want it given up after three days", d.State, len(tries), lasted)
		}
		for i := range min(6, len(tries)-2) {
			if a, b := tries[i+1].At.Sub(tries[i].At), tries[i+2].At.Sub(tries[i+1].At); b < a+a/2 {
				t.Errorf("pause %d is %v, the next %v; want it to grow", i, a, b)
			}
		}
		if got, want := h.types(), []pay.WebhookType{pay.WebhookRefundSucceeded, pay.WebhookOrderRefunded}; !slices.Equal(got, want) {
			t.Errorf("taken %v; want %v", got, want)
		}
	})
}

// Webhooks of one order arrive in the order of what happened, whatever fails meanwhile; other orders do not wait.
func TestInOrderPerOrder(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		id := h.refunded()
		list := h.of(id)
		if len(list) != 3 || list[0].NextAt.IsZero() || !list[1].NextAt.IsZero() || !list[2].NextAt.IsZero() {
			t.Fatalf("written %+v; want three, of which the first is on its way", list)
		}
		h.answers(func(_ http.ResponseWriter, r *http.Request) bool {
			return r.Header.Get("webhook-id") != string(list[0].ID)
		})
		h.cancelled(baker)
		h.run(time.Minute)
		if got, want := h.types(), []pay.WebhookType{pay.WebhookOrderCancelled}; !slices.Equal(got, want) {
			t.Errorf("taken %v; want %v of the other order alone", got, want)
		}
		h.well()
		h.run(time.Hour)
		want := []pay.WebhookType{pay.WebhookOrderCancelled, pay.WebhookOrderPaid, pay.WebhookRefundSucceeded, pay.WebhookOrderRefunded}
		if got := h.types(); !slices.Equal(got, want) {
			t.Errorf("taken %v; want %v", got, want)
		}
	})
}

// A server that hangs takes up its own places and nobody else's.
func TestAHangingServerHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		var now, most atomic.Int64
		h.answers(func(_ http.ResponseWriter, r *http.Request) bool {
			n := now.Add(1)
			defer now.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			<-r.Context().Done()
			return false
		})
		for range 3 * pay.WebhookParallel {
			h.cancelled(baker)
		}
		h.cancelled("cafe")
		h.run(10 * time.Second)
		if most.Load() != pay.WebhookParallel {
			t.Errorf("%d at once; want %d", most.Load(), pay.WebhookParallel)
		}
		if cafe := h.hooks["cafe"]; len(cafe.took) != 1 {
			t.Errorf("the café took %d; want 1", len(cafe.took))
		}
	})
}

// An endpoint that is dead for days is stopped: it gets a few probes, not every webhook's tries. What was made meanwhile
// waits, and arrives as soon as it works again.
func TestADeadEndpointIsStopped(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		h.sick()
		const orders = 40
		for range orders {
			h.cancelled(baker)
		}
		h.run(time.Hour)
		e := h.endpoint()
		if e.State != pay.EndpointStopped || e.Waiting != orders || e.Reason != "answered 500" || e.Failures < pay.WebhookFailuresMax {
			t.Fatalf("after an hour: %+v", e)
		}
		before := h.requests.Load()
		late := h.refunded()
		h.run(24 * time.Hour)
		if n := h.requests.Load() - before; n < 90 || n > 110 {
			t.Errorf("%d requests in a day; want a probe every %v", n, pay.WebhookProbeEvery)
		}
		if d := h.of(late)[0]; d.State != pay.DeliveryWaiting {
			t.Errorf("what was made meanwhile is %s", d.State)
		}
		h.well()
		h.run(pay.WebhookProbeEvery + time.Minute)
		if e := h.endpoint(); e.State != pay.EndpointOn || e.Waiting != 0 || e.Failures != 0 || !e.StoppedAt.IsZero() {
			t.Errorf("working again: %+v", e)
		}
		if h.taken() != orders+3 {
			t.Errorf("%d taken; want %d", h.taken(), orders+3)
		}
	})
}

// 410 stops the endpoint at once, for good: until somebody says otherwise, or the address changes.
func TestGone(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(*hookTest) error{
		"by hand": func(h *hookTest) error { return h.EnableWebhooks(context.Background(), baker) },
		"by a test": func(h *hookTest) error {
			_, try, err := h.TestWebhook(context.Background(), baker)
			if try.Trouble != "" {
				return fmt.Errorf("the test: %s", try.Trouble)
			}
			return err
		},
		"by another address": func(h *hookTest) error {
			list := h.Merchants.All()
			for i := range list {
				list[i].WebhookURL += "/new"
			}
			h.Merchants.Replace(list)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVirtualTime(t, func(h *hookTest) {
				h.answers(func(w http.ResponseWriter, _ *http.Request) bool {
					w.WriteHeader(http.StatusGone)
					return false
				})
				h.cancelled(baker)
				h.run(2 * 24 * time.Hour)
				h.cancelled(baker)
				if e := h.endpoint(); e.State != pay.EndpointGone || h.requests.Load() != 1 || e.Waiting != 2 {
					t.Fatalf("%d requests, %+v; want one, and both waiting", h.requests.Load(), e)
				}
				h.well()
				if err := back(h); err != nil {
					t.Fatal(err)
				}
				h.run(time.Minute)
				if e := h.endpoint(); e.State != pay.EndpointOn || e.Waiting != 0 {
					t.Errorf("afterwards: %+v", e)
				}
			})
		})
	}
}

// What a server asks us to wait is waited, by everything that is for it; not more than a day.
func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]time.Duration{"1800": 30 * time.Minute, "9999999": pay.RetryAfterMax} {
		inVirtualTime(t, func(h *hookTest) {
			h.answers(func(w http.ResponseWriter, _ *http.Request) bool {
				if h.requests.Load() > 1 {
					return true
				}
				w.Header().Set("Retry-After", asked)
				w.WriteHeader(http.StatusTooManyRequests)
				return false
			})
			h.cancelled(baker)
			h.run(time.Second)
			h.cancelled(baker)
			h.run(want + time.Minute)
			if len(h.at) != 3 || h.at[1].Sub(h.at[0]) < want || h.at[2].Sub(h.at[0]) > want+time.Minute {
				t.Errorf("Retry-After %s: requests at %v", asked, h.at)
			}
		})
	}
}
