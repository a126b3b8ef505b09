package pay_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
)

// A webhook is sent again with its id and body; the shop recognises it. One that waits is tried at once.
func TestResend(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		ctx := h.t.Context()
		h.well()
		id := h.cancelled(baker)
		h.run(time.Second)
		d := h.of(id)[0]
		if d.State != pay.DeliveryDelivered || d.Tries != 1 {
			t.Fatalf("delivered: %+v", d)
		}
		if _, err := h.Resend(ctx, baker, d.ID); err != nil {
			t.Fatal(err)
		}
		h.run(time.Second)
		if h.requests.Load() != 2 || h.taken() != 1 {
			t.Errorf("%d requests of %d webhooks; want the same twice", h.requests.Load(), h.taken())
		}
		if _, err := h.Resend(ctx, "cafe", d.ID); pay.CodeOf(err) != pay.NotFound {
			t.Errorf("another merchant's: %v", err)
		}

		h.sick()
		id = h.cancelled(baker)
		h.run(10 * time.Minute)
		before := h.requests.Load()
		if _, err := h.Resend(ctx, baker, h.of(id)[0].ID); err != nil {
			t.Fatal(err)
		}
		h.run(time.Second)
		if h.requests.Load() != before+1 {
			t.Error("one that waits was not tried at once")
		}
	})
}

// A shop that lost its data asks for everything since a time.
func TestResendSince(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		h.well()
		h.cancelled(baker)
		h.run(time.Second)
		since := time.Now()
		h.refunded()
		h.run(time.Minute)
		before := h.requests.Load()
		n, err := h.ResendSince(h.t.Context(), baker, since)
		if err != nil || n != 3 {
			t.Fatalf("%d, %v; want 3", n, err)
		}
		h.run(time.Minute)
		if got := h.requests.Load() - before; got != 3 || h.taken() != 4 {
			t.Errorf("%d sent again, %d different ones; want 3 of 4", got, h.taken())
		}
		if n, err := h.ResendSince(h.t.Context(), baker, since, pay.DeliveryFailed); n != 0 || err != nil {
			t.Errorf("%d failed ones, %v", n, err)
		}
	})
}

// A test says at once what came of it, and is neither tried nor sent again.
func TestATestWebhook(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		ctx := h.t.Context()
		h.well()
		d, try, err := h.TestWebhook(ctx, baker)
		if err != nil || d.State != pay.DeliveryDelivered || try.Status != 200 || d.Type != pay.WebhookTest {
			t.Errorf("well: %+v, %+v, %v", d, try, err)
		}
		h.answers(func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "wrong secret", http.StatusUnauthorized)
			return true
		})
		d, try, err = h.TestWebhook(ctx, baker)
		if err != nil || d.State != pay.DeliveryFailed || try.Trouble != "answered 401" || try.Excerpt != "wrong secret" {
			t.Errorf("sick: %+v, %+v, %v", d, try, err)
		}
		h.run(time.Hour)
		if h.requests.Load() != 2 {
			t.Errorf("%d requests; want 2", h.requests.Load())
		}
		if _, err := h.Resend(ctx, baker, d.ID); pay.CodeOf(err) != pay.Conflict {
			t.Errorf("sent again: %v", err)
		}
	})
}

// A crash after the shop has taken a webhook and before we note it: the same comes again, with its id, and once only.
func TestACrashBetweenPostAndRecord(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		h.answers(func(http.ResponseWriter, *http.Request) bool {
			if h.requests.Load() == 1 {
				h.killed.Store(true)
			}
			return true
		})
		id := h.cancelled(baker)
		_, _ = h.Deliver(h.t.Context(), baker, nil)
		if err := h.kill(); err != nil {
			t.Fatal(err)
		}
		p, err := h.open(0)
		if err != nil {
			t.Fatal(err)
		}
		h.process = p
		if d := h.of(id)[0]; d.State != pay.DeliveryWaiting {
			t.Fatalf("after the crash it is %s", d.State)
		}
		h.run(2 * pay.WebhookLease)
		if d := h.of(id)[0]; d.State != pay.DeliveryDelivered || h.requests.Load() != 2 || h.taken() != 1 {
			t.Errorf("%s after %d requests of %d webhooks; want the same twice", d.State, h.requests.Load(), h.taken())
		}
	})
}

// When the program ends, what is under way is waited for a little; what is broken off counts as not tried.
func TestStoppingWhileAServerHangs(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		h.answers(func(_ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return false
		})
		id := h.cancelled(baker)
		ctx, stop := context.WithTimeout(h.t.Context(), time.Second)
		defer stop()
		began := time.Now()
		if _, err := h.Deliver(ctx, baker, nil); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != time.Second+pay.WebhookGrace {
			t.Errorf("it took %v to stop", took)
		}
		if d := h.of(id)[0]; d.Tries != 0 || d.NextAt.After(time.Now()) || h.endpoint().Failures != 0 {
			t.Errorf("broken off: %+v", d)
		}
	})
}

// What is committed while others are under way does not wait for them.
func TestMoreWhileAServerHangs(t *testing.T) {
	t.Parallel()
	inVirtualTime(t, func(h *hookTest) {
		first := h.cancelled(baker)
		h.shop.first = h.of(first)[0].ID
		h.answers(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("webhook-id") == string(h.shop.first) {
				<-r.Context().Done()
				return false
			}
			return true
		})
		more := make(chan struct{}, 1)
		h.Told = func(pay.MerchantID) {
			select {
			case more <- struct{}{}:
			default:
			}
		}
		ctx, stop := context.WithCancel(h.t.Context())
		var sending sync.WaitGroup
		sending.Go(func() { _, _ = h.Deliver(ctx, baker, more) })
		time.Sleep(time.Second)
		h.cancelled(baker)
		time.Sleep(time.Second)
		if got, want := h.types(), []pay.WebhookType{pay.WebhookOrderCancelled}; !slices.Equal(got, want) {
			t.Errorf("taken %v; want %v", got, want)
		}
		stop()
		sending.Wait()
	})
}
