package pay_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

func asError(err error, e **pay.Error) bool { return errors.As(err, e) }

// Every field in which a notice can differ from the attempt keeps it from settling, and is recorded.
func TestANoticeThatDoesNotFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	good := w.notice()
	bad := []func(*pay.Notice){
		func(n *pay.Notice) { n.MchID = "1900000002" },
		func(n *pay.Notice) { n.AppID = "wx0000000000000002" },
		func(n *pay.Notice) { n.Total++ },
		func(n *pay.Notice) { n.Total-- },
		func(n *pay.Notice) { n.Total = 0 },
		func(n *pay.Notice) { n.Total = -n.Total },
		func(n *pay.Notice) { n.Currency = "USD" },
		func(n *pay.Notice) { n.Currency = "" },
		func(n *pay.Notice) { n.TransactionID = "" },
	}
	for i, spoil := range bad {
		n := good
		spoil(&n)
		if _, err := w.Settle(t.Context(), n); pay.CodeOf(err) != pay.Disagreement {
			t.Errorf("notice %d: got %v; want %s", i, err, pay.Disagreement)
		}
		if got := w.wantState(t, o.ID, pay.Pending); got.Version != o.Version {
			t.Errorf("notice %d: the order moved to version %d", i, got.Version)
		}
		if got := w.kinds(t, o.ID); len(got) != 3+i || got[len(got)-1] != pay.Mismatched {
			t.Errorf("notice %d: events %v; want one more mismatch", i, got)
		}
	}
	if _, err := w.Settle(t.Context(), good); err != nil {
		t.Errorf("the good notice: %v", err)
	}
	w.wantState(t, o.ID, pay.Paid)
}

func TestANoticeOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	others := w.notice()
	others.Merchant = "other"
	if _, err := w.Settle(t.Context(), others); pay.CodeOf(err) != pay.NotFound {
		t.Errorf("another merchant's notice: %v", err)
	}
	if got := w.kinds(t, o.ID); len(got) != 2 {
		t.Errorf("another merchant writes into the order's history: %v", got)
	}
	n := w.notice()
	n.OutTradeNo = "NOBODY"
	if _, err := w.Settle(t.Context(), n); pay.CodeOf(err) != pay.NotFound {
		t.Errorf("got %v; want %s", err, pay.NotFound)
	}
}

// An attempt is paid once: a second payment of the same number cannot be, and is not swallowed.
func TestASecondTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	n := w.notice()
	if _, err := w.Settle(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	n.TransactionID += "9"
	if _, err := w.Settle(t.Context(), n); pay.CodeOf(err) != pay.Disagreement {
		t.Errorf("got %v; want %s", err, pay.Disagreement)
	}
	w.wantState(t, o.ID, pay.Paid)
}

func TestTenNoticesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.order(t)
	n := w.notice()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if got, err := w.Settle(t.Context(), n); err != nil || got.State != pay.Paid {
				t.Errorf("got %s, %v; want every one of them acknowledged", got.State, err)
			}
		})
	}
	wg.Wait()
	if got, want := w.kinds(t, o.ID), []pay.Kind{pay.Opened, pay.Prepaid, pay.Succeeded}; !slices.Equal(got, want) {
		t.Errorf("events %v; want %v", got, want)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.committed) != 3 {
		t.Errorf("told of %d changes; want 3", len(w.committed))
	}
}

func TestLateMoney(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *world, pay.Order){
		"after expiry": func(t *testing.T, w *world, _ pay.Order) {
			w.forward(pay.ExpiresInDefault + time.Second)
			w.sweep(t)
		},
		"after cancel": func(t *testing.T, w *world, o pay.Order) {
			if _, err := w.Cancel(t.Context(), o.ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.order(t)
			end(t, w, o)
			if got := w.read(t, o.ID).State; got != pay.Expired && got != pay.Cancelled {
				t.Fatalf("the order is %s", got)
			}
			if _, err := w.Settle(t.Context(), w.notice()); err != nil {
				t.Fatal(err)
			}
			if paid := w.wantState(t, o.ID, pay.Paid); !paid.Late {
				t.Error("not marked late")
			}
		})
	}
}

// Every callback that WeChat Pay may send is answered well in the end, and none of the damaged ones settles.
func TestCallbacksOfAllKinds(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]wechatsim.CallbackFaults{
		"late":               {Late: 1, LateSeconds: 1},
		"twice":              {Double: 1},
		"in parallel":        {Parallel: 1, ParallelSends: 10},
		"probe":              {ProbeSignature: 1},
		"bad signature":      {BadSignature: 1},
		"unknown serial":     {UnknownSerial: 1},
		"old timestamp":      {OldTimestamp: 1},
		"truncated":          {Truncated: 1},
		"no resource":        {NoResource: 1},
		"wrong nonce":        {WrongNonce: 1},
		"no associated data": {NoAssociatedData: 1},
		"reordered":          {Reordered: 1},
		"lower case":         {LowerCase: 1},
		"wrong amount":       {WrongAmount: 1},
		"another mchid":      {OtherMerchant: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults(f)})
			o := w.order(t)
			w.pays(t, o)
			eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
			succeeded := 0
			for _, k := range w.kinds(t, o.ID) {
				if k == pay.Succeeded {
					succeeded++
				}
			}
			if succeeded != 1 {
				t.Errorf("events %v; want one success", w.kinds(t, o.ID))
			}
		})
	}
}

// Whatever callbacks, sweeps and cancellations are mixed in whatever order: an order is paid if and only if
// WeChat Pay took money for it, and in the end nothing is open.
func TestOrdersEndAsWeChatPaySaysTheyDid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(r *rapid.T) {
		w.sim.SetFaults(wechatsim.Faults{
			Prepay:   wechatsim.CallFaults{ErrorAfter: rapid.IntRange(0, 3).Draw(r, "prepay fails")},
			Query:    wechatsim.CallFaults{ErrorBefore: rapid.IntRange(0, 2).Draw(r, "query fails")},
			Close:    wechatsim.CallFaults{ErrorAfter: rapid.IntRange(0, 2).Draw(r, "close fails"), CustomerPays: rapid.IntRange(0, 1).Draw(r, "pays in close")},
			Callback: wechatsim.CallbackFaults{Lose: -1},
		})
		o, err := w.CreateOrder(t.Context(), pay.NewOrder{Merchant: shop, Lines: []pay.Line{{SKU: "latte", Quantity: 1}}})
		if err != nil && pay.CodeOf(err) != pay.Unavailable {
			r.Fatal(err)
		}
		number := w.trade().OutTradeNo
		for _, step := range rapid.SliceOfN(rapid.SampledFrom([]string{"pay", "callback", "sweep", "cancel", "wait"}), 0, 8).Draw(r, "steps") {
			trade := w.trade()
			switch step {
			case "pay":
				_, _ = w.sim.Pay(trade.CodeURL, "") // may be dead
			case "callback":
				if trade.State == wechatsim.StatePaid {
					n := w.notice()
					n.TransactionID = trade.TransactionID
					if _, err := w.Settle(t.Context(), n); err != nil {
						r.Fatalf("a true callback was refused: %v", err)
					}
				}
			case "sweep":
				w.sweep(t)
			case "cancel":
				_, _ = w.Cancel(t.Context(), o.ID) // may come too late
			case "wait":
				w.forward(time.Duration(rapid.IntRange(1, 600).Draw(r, "seconds")) * time.Second)
			}
		}
		for range 12 {
			w.forward(2 * time.Minute)
			w.sweep(t)
		}
		end, trade := w.read(t, o.ID), w.trade()
		if trade.OutTradeNo != number {
			r.Fatal("another trade came in between")
		}
		if taken := trade.State == wechatsim.StatePaid; taken != (end.State == pay.Paid) {
			r.Fatalf("WeChat Pay says %s, we say %s; events %v", trade.State, end.State, w.kinds(t, o.ID))
		}
		if end.State == pay.Created || end.State == pay.Pending || trade.State == wechatsim.StateNotPaid {
			r.Fatalf("stuck: WeChat Pay says %s, we say %s; events %v", trade.State, end.State, w.kinds(t, o.ID))
		}
	})
}
