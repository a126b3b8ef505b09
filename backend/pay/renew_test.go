package pay_test

import (
	"slices"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// expired makes an order that has expired.
func (w *world) expired(t *testing.T) pay.Order {
	t.Helper()
	o := w.order(t)
	w.forward(pay.ExpiresInDefault + time.Second)
	w.sweep(t)
	return w.wantState(t, o.ID, pay.Expired)
}

func TestRenew(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T, *world) pay.Order{
		"after expiry":               func(t *testing.T, w *world) pay.Order { return w.expired(t) },
		"another account scanned it": func(t *testing.T, w *world) pay.Order { return w.order(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := begin(t, w)
			old := w.trade()
			fresh, err := w.Renew(t.Context(), o.ID)
			if err != nil || fresh.State != pay.Pending || fresh.ID != o.ID || fresh.CodeURL == old.CodeURL || fresh.CodeURL == "" ||
				!fresh.ExpiresAt.After(w.Now()) {
				t.Fatalf("renewed to %+v, %v", fresh, err)
			}
			trades := w.sim.Trades()
			if len(trades) != 2 || trades[1].State != wechatsim.StateClosed {
				t.Fatalf("WeChat Pay has %+v; want the old trade closed", trades)
			}
			if _, err := w.sim.Pay(old.CodeURL, ""); err == nil {
				t.Error("the old code can still be paid")
			}
			w.pays(t, fresh)
			eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
			if w.read(t, o.ID).Late {
				t.Error("marked late, though the new code was in time")
			}
		})
	}
}

func TestRenewOfAPaidOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	o := w.order(t)
	w.pays(t, o) // nobody has told us yet
	for range 2 {
		if _, err := w.Renew(t.Context(), o.ID); pay.CodeOf(err) != pay.Conflict {
			t.Errorf("got %v; want %s", err, pay.Conflict)
		}
	}
	w.wantState(t, o.ID, pay.Paid)
	if got := len(w.sim.Trades()); got != 1 {
		t.Errorf("WeChat Pay has %d trades; want 1", got)
	}
}

// While WeChat Pay does not close the old attempt, there is no new one.
func TestNoRenewWithoutClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	w.sim.SetFaults(wechatsim.Faults{Close: wechatsim.CallFaults{ErrorBefore: -1}})
	if _, err := w.Renew(t.Context(), o.ID); pay.CodeOf(err) != pay.Unavailable {
		t.Errorf("got %v; want %s", err, pay.Unavailable)
	}
	if got := w.wantState(t, o.ID, pay.Pending); got.CodeURL != o.CodeURL {
		t.Error("the code changed")
	}
}

func TestRenewInTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.expired(t)
	w.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{ErrorAfter: 3}})
	if _, err := w.Renew(t.Context(), o.ID); pay.CodeOf(err) != pay.Unavailable {
		t.Fatalf("got %v; want %s", err, pay.Unavailable)
	}
	if _, err := w.Renew(t.Context(), o.ID); pay.CodeOf(err) != pay.Busy {
		t.Errorf("a second wish: got %v; want %s", err, pay.Busy)
	}
	for range 3 {
		w.forward(10 * time.Second)
		w.sweep(t)
	}
	fresh := w.wantState(t, o.ID, pay.Pending)
	w.pays(t, fresh)
	eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
}

func TestRenewalsEndToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.expired(t)
	if _, err := w.Renew(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	w.forward(pay.ExpiresInDefault + time.Second)
	w.sweep(t)
	w.wantState(t, o.ID, pay.Expired)
	want := []pay.Kind{pay.Opened, pay.Prepaid, pay.TimedOut, pay.Renewed, pay.TimedOut}
	if got := w.kinds(t, o.ID); !slices.Equal(got, want) {
		t.Errorf("events %v; want %v", got, want)
	}
}

// forget makes our books believe that the newest attempt was closed, as after a close that WeChat Pay
// acknowledged and did not do. The customer can still pay it.
func (w *world) forget(t *testing.T, state pay.State) {
	t.Helper()
	w.tamper(t, `UPDATE attempts SET state = 'closed' WHERE state = 'open'`,
		`UPDATE orders SET state = '`+string(state)+`' WHERE state = 'pending'`)
}

// The customer pays both codes of an order: the second payment goes back at once.
func TestPaidTwice(t *testing.T) {
	t.Parallel()
	for name, newFirst := range map[string]bool{"the new code first": true, "the old code first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.order(t)
			old := o.CodeURL
			w.forget(t, pay.Expired)
			fresh, err := w.Renew(t.Context(), o.ID)
			if err != nil {
				t.Fatal(err)
			}
			codes := []string{old, fresh.CodeURL}
			if newFirst {
				slices.Reverse(codes)
			}
			for _, code := range codes {
				if _, err := w.sim.Pay(code, ""); err != nil {
					t.Fatal(err)
				}
				eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
			}
			first := w.read(t, o.ID).TransactionID
			eventually(t, "the second payment went back", func() bool {
				w.sweep(t)
				w.forward(time.Minute)
				list := w.refunds(t, o.ID)
				return len(list) == 1 && list[0].State == pay.RefundSucceeded
			})
			r, end := w.refunds(t, o.ID)[0], w.read(t, o.ID)
			if !r.Automatic || r.Amount != o.Total || end.State != pay.Paid || end.Refunded != 0 || end.TransactionID != first {
				t.Errorf("refund %+v of order %+v; want the second payment back and the order paid by the first", r, end)
			}
			if got := w.sim.Refunds(); len(got) != 1 || got[0].TransactionID == first {
				t.Errorf("WeChat Pay refunded %+v", got)
			}
		})
	}
}

// When one code is paid, the other is closed at once.
func TestTheOtherCodeIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	old := o.CodeURL
	w.forget(t, pay.Expired)
	fresh, err := w.Renew(t.Context(), o.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sim.Pay(old, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
	w.sweep(t)
	if _, err := w.sim.Pay(fresh.CodeURL, ""); err == nil {
		t.Error("the other code can still be paid")
	}
}

// Late money, where the merchant wants none: it goes back, also if WeChat Pay gives the first refund up.
func TestLateMoneyGoesBack(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]wechatsim.Faults{
		"at once":          {},
		"after a give-up":  {RefundOutcome: wechatsim.RefundFaults{Closed: 1}},
		"after a shortage": {RefundOutcome: wechatsim.RefundFaults{NotEnough: 3}},
	} {
		for _, state := range []pay.State{pay.Expired, pay.Cancelled} {
			t.Run(name+", "+string(state), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.late = pay.LateRefund
				w.start(t)
				o := w.order(t)
				w.forget(t, state)
				w.sim.SetFaults(f)
				w.pays(t, o)
				eventually(t, "refunded", func() bool {
					w.sweep(t)
					w.forward(10 * time.Minute)
					if len(w.refunds(t, o.ID)) == 2 {
						w.simAhead.Store(int64(2 * time.Minute)) // WeChat Pay wants a minute between two
					}
					return w.read(t, o.ID).State == pay.Refunded
				})
				if end := w.read(t, o.ID); !end.Late || end.Refunded != end.Total {
					t.Errorf("in the end %+v", end)
				}
			})
		}
	}
}
