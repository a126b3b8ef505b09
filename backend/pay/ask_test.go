package pay_test

import (
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// The callback is lost and the sweep has not come yet; the customer says to have paid.
func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	o := w.order(t)
	if got, err := w.Check(t.Context(), o.ID); err != nil || got.State != pay.Pending {
		t.Fatalf("before the payment: %s, %v", got.State, err)
	}
	w.pays(t, o)
	if got, err := w.Check(t.Context(), o.ID); err != nil || got.State != pay.Pending {
		t.Fatalf("within %v of the last time WeChat Pay is not asked; got %s, %v", pay.AskEvery, got.State, err)
	}
	w.forward(pay.AskEvery)
	for range 2 { // of a paid order nothing is asked
		if got, err := w.Check(t.Context(), o.ID); err != nil || got.State != pay.Paid {
			t.Fatalf("after the payment: %s, %v", got.State, err)
		}
	}
}

// One order's impatient customer does not keep another's from being asked about.
func TestCheckOfTwoOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	a, b := w.order(t), w.order(t)
	w.pays(t, a)
	w.pays(t, b)
	for _, o := range []pay.Order{a, b} {
		if got, err := w.Check(t.Context(), o.ID); err != nil || got.State != pay.Paid {
			t.Errorf("%s is %s, %v", o.ID, got.State, err)
		}
	}
}

func TestCheckWithTroubleAtWeChatPay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	w.sim.SetFaults(wechatsim.Faults{Query: wechatsim.CallFaults{ErrorBefore: -1}})
	got, err := w.Check(t.Context(), o.ID)
	if pay.CodeOf(err) != pay.Unavailable || got.ID != o.ID || got.State != pay.Pending {
		t.Errorf("got %+v, %v; want the order beside %s", got, err, pay.Unavailable)
	}
}

// The clock is set back by an hour; the customer is not barred for an hour.
func TestCheckAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	o := w.order(t)
	if _, err := w.Check(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	w.pays(t, o)
	w.forward(-time.Hour)
	if got, err := w.Check(t.Context(), o.ID); err != nil || got.State != pay.Paid {
		t.Errorf("got %s, %v", got.State, err)
	}
}

func TestCheckOfWhatIsNotWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.expired(t)
	if got, err := w.Check(t.Context(), o.ID); err != nil || got.State != pay.Expired {
		t.Errorf("expired: %s, %v", got.State, err)
	}
	if _, err := w.Check(t.Context(), "ord_none"); pay.CodeOf(err) != pay.NotFound {
		t.Errorf("no order: %v", err)
	}
}
