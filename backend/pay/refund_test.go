package pay_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// paid makes an order of 28.00 yuan that is paid.
func (w *world) paid(t *testing.T) pay.Order {
	t.Helper()
	o := w.order(t)
	w.pays(t, o)
	eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
	return w.read(t, o.ID)
}

// minute passes for both clocks: WeChat Pay wants one between two refunds.
func (w *world) minute() {
	w.forward(time.Minute)
	w.simAhead.Add(int64(time.Minute))
}

func (w *world) refunds(t *testing.T, id pay.OrderID) (list []pay.Refund) {
	t.Helper()
	err := w.Store.View(t.Context(), func(tx pay.Tx) (err error) {
		list, err = tx.Refunds(t.Context(), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (w *world) refund(t *testing.T, id pay.RefundID) (r pay.Refund) {
	t.Helper()
	err := w.Store.View(t.Context(), func(tx pay.Tx) (err error) {
		r, err = tx.Refund(t.Context(), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) wantRefund(t *testing.T, id pay.RefundID, want pay.RefundState) {
	t.Helper()
	eventually(t, "refund is "+string(want), func() bool { return w.refund(t, id).State == want })
}

// Every state of a refund with every next one, against a second copy of the table written by hand.
func TestEveryRefundState(t *testing.T) {
	t.Parallel()
	moves := map[string]bool{
		"requested processing": true, "requested succeeded": true, "requested abnormal": true, "requested closed": true,
		"processing succeeded": true, "processing abnormal": true, "processing closed": true,
		"abnormal processing": true, "abnormal succeeded": true, "abnormal closed": true,
	}
	for _, from := range pay.RefundStates() {
		for _, to := range pay.RefundStates() {
			got, err := from.To(to)
			want := moves[string(from)+" "+string(to)]
			if got != want || (err == nil) != (want || from == to) {
				t.Errorf("%s to %s: moves %t, %v; want %t", from, to, got, err, want)
			}
		}
	}
}

func TestRefundInParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.paid(t)
	for i, amount := range []pay.Fen{1000, 800, 1000} {
		r, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: amount, Reason: "少了一块蛋糕"})
		if err != nil || r.State != pay.RefundProcessing || r.WeChatID == "" {
			t.Fatalf("refund %d: %+v, %v", i, r, err)
		}
		w.wantRefund(t, r.ID, pay.RefundSucceeded)
		w.minute()
	}
	end := w.wantState(t, o.ID, pay.Refunded)
	if end.Refunded != end.Total || end.Version != o.Version+3 {
		t.Errorf("in the end %+v", end)
	}
	if _, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: 1}); pay.CodeOf(err) != pay.Conflict {
		t.Errorf("more than was paid: %v", err)
	}
	want := []pay.Kind{"created", "prepaid", "succeeded",
		"refund_requested", "refund_processing", "partly_refunded",
		"refund_requested", "refund_processing", "partly_refunded",
		"refund_requested", "refund_processing", "refunded"}
	if got := w.kinds(t, o.ID); !slices.Equal(got, want) {
		t.Errorf("events %v; want %v", got, want)
	}
}

// Whatever WeChat Pay answers first, the money goes back once.
func TestRefundInTrouble(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]wechatsim.Faults{
		"500, not done":       {Refund: wechatsim.CallFaults{ErrorBefore: 2}},
		"500, yet done":       {Refund: wechatsim.CallFaults{ErrorAfter: 2}},
		"too many":            {Refund: wechatsim.CallFaults{TooMany: 2}},
		"bad signature":       {Refund: wechatsim.CallFaults{BadSignature: 1}},
		"not enough":          {RefundOutcome: wechatsim.RefundFaults{NotEnough: 2}},
		"callbacks lost":      {Callback: wechatsim.CallbackFaults{Lose: -1}},
		"queries fail too":    {Refund: wechatsim.CallFaults{ErrorAfter: 1}, QueryRefund: wechatsim.CallFaults{ErrorBefore: 2}},
		"callback sent twice": {Callback: wechatsim.CallbackFaults{Double: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.paid(t)
			w.sim.SetFaults(f)
			r, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: o.Total})
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "refunded", func() bool {
				w.forward(time.Minute)
				w.sweep(t)
				return w.read(t, o.ID).State == pay.Refunded
			})
			if got := w.sim.Refunds(); len(got) != 1 || got[0].OutRefundNo != string(r.ID) {
				t.Errorf("WeChat Pay has %+v; want the one refund", got)
			}
			if got := w.refund(t, r.ID); got.Trouble != "" || got.DoneAt.IsZero() {
				t.Errorf("the refund is %+v", got)
			}
		})
	}
}

// A refund that is not done yet says why.
func TestRefundSaysItsTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.paid(t)
	w.sim.SetBalance(0)
	r, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: 100})
	if err != nil || r.State != pay.RefundRequested || !strings.Contains(r.Trouble, "NOT_ENOUGH") || strings.Contains(r.Trouble, "\n") {
		t.Fatalf("got %+v, %v; want it requested, for want of money", r, err)
	}
	w.sim.SetBalance(1_000_000)
	w.forward(time.Minute)
	w.sweep(t)
	w.wantRefund(t, r.ID, pay.RefundSucceeded)
}

// The payer's card is dead; a person mends it in the merchant platform, and we hear of it.
func TestAbnormalRefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.paid(t)
	w.sim.SetFaults(wechatsim.Faults{RefundOutcome: wechatsim.RefundFaults{Abnormal: 1}})
	r, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: o.Total})
	if err != nil {
		t.Fatal(err)
	}
	w.wantRefund(t, r.ID, pay.RefundAbnormal)
	if w.refund(t, r.ID).Trouble == "" {
		t.Error("nobody is told what to do")
	}
	r = w.refund(t, r.ID)
	// Older news changes nothing, better news does.
	for _, state := range []pay.RefundState{pay.RefundAbnormal, pay.RefundSucceeded, pay.RefundProcessing, pay.RefundAbnormal} {
		_, err := w.SettleRefund(t.Context(), pay.RefundReport{
			Merchant: shop, Source: pay.FromCallback, ID: r.ID, WeChatID: r.WeChatID, OutTradeNo: r.OutTradeNo,
			State: state, Amount: r.Amount, Total: o.Total,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.wantState(t, o.ID, pay.Refunded)
}

// What WeChat Pay says of a refund must fit it.
func TestAReportThatDoesNotFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.paid(t)
	w.sim.SetFaults(wechatsim.Faults{RefundOutcome: wechatsim.RefundFaults{Stay: 1}})
	r, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: 100})
	if err != nil {
		t.Fatal(err)
	}
	good := pay.RefundReport{
		Merchant: shop, ID: r.ID, WeChatID: r.WeChatID, OutTradeNo: r.OutTradeNo, State: pay.RefundSucceeded, Amount: 100, Total: o.Total,
	}
	for i, spoil := range []func(*pay.RefundReport){
		func(p *pay.RefundReport) { p.OutTradeNo += "9" },
		func(p *pay.RefundReport) { p.Amount++ },
		func(p *pay.RefundReport) { p.Total++ },
		func(p *pay.RefundReport) { p.WeChatID = "" },
		func(p *pay.RefundReport) { p.WeChatID += "9" },
	} {
		report := good
		spoil(&report)
		if _, err := w.SettleRefund(t.Context(), report); pay.CodeOf(err) != pay.Disagreement {
			t.Errorf("report %d: got %v; want %s", i, err, pay.Disagreement)
		}
		if got := w.refund(t, r.ID).State; got != pay.RefundProcessing {
			t.Errorf("report %d: the refund is %s", i, got)
		}
	}
	unknown, others := good, good
	unknown.ID = "R0"
	others.Merchant = "other"
	for _, report := range []pay.RefundReport{unknown, others} {
		if _, err := w.SettleRefund(t.Context(), report); pay.CodeOf(err) != pay.NotFound {
			t.Errorf("a refund that is not the merchant's: %v", err)
		}
	}
}

// WeChat Pay gives a refund up: the money stayed with the merchant and can be refunded again.
func TestClosedRefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.paid(t)
	w.sim.SetFaults(wechatsim.Faults{RefundOutcome: wechatsim.RefundFaults{Closed: 1}})
	r, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: o.Total})
	if err != nil {
		t.Fatal(err)
	}
	w.wantRefund(t, r.ID, pay.RefundClosed)
	w.minute()
	again, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: o.Total})
	if err != nil || again.ID == r.ID {
		t.Fatalf("got %+v, %v; want a new refund", again, err)
	}
	w.wantRefund(t, again.ID, pay.RefundSucceeded)
	w.wantState(t, o.ID, pay.Refunded)
}

func TestWhatARefundMayAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open, paid := w.order(t), w.paid(t)
	for name, c := range map[string]struct {
		refund pay.NewRefund
		want   pay.Code
	}{
		"of nothing":          {pay.NewRefund{Order: paid.ID}, pay.Invalid},
		"negative":            {pay.NewRefund{Order: paid.ID, Amount: -1}, pay.Invalid},
		"above the total":     {pay.NewRefund{Order: paid.ID, Amount: paid.Total + 1}, pay.Invalid},
		"27 characters":       {pay.NewRefund{Order: paid.ID, Amount: 1, Reason: strings.Repeat("字", 27)}, pay.Invalid},
		"an emoji":            {pay.NewRefund{Order: paid.ID, Amount: 1, Reason: "😀"}, pay.Invalid},
		"of an unpaid order":  {pay.NewRefund{Order: open.ID, Amount: 1}, pay.Conflict},
		"of an unknown order": {pay.NewRefund{Order: "ord_nobody", Amount: 1}, pay.NotFound},
		"fine, 26 characters": {pay.NewRefund{Order: paid.ID, Amount: 1, Reason: strings.Repeat("字", 26)}, ""},
	} {
		if _, err := w.Refund(t.Context(), c.refund); pay.CodeOf(err) != c.want {
			t.Errorf("%s: got %v; want %q", name, err, c.want)
		}
	}
	if _, err := w.Refund(t.Context(), pay.NewRefund{Order: paid.ID, Amount: 1}); pay.CodeOf(err) != pay.Busy {
		t.Errorf("two within a minute: got %v; want %s", err, pay.Busy)
	}
	w.forward(366 * 24 * time.Hour)
	if _, err := w.Refund(t.Context(), pay.NewRefund{Order: paid.ID, Amount: 1}); pay.CodeOf(err) != pay.Conflict {
		t.Errorf("after a year: got %v; want %s", err, pay.Conflict)
	}
	if got := len(w.sim.Refunds()); got != 1 {
		t.Errorf("WeChat Pay was asked for %d refunds; want 1", got)
	}
}

// Many ask at once for more than there is: what is set aside never exceeds the payment.
func TestRefundsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.paid(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _, _ = w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: o.Total}) }) // all but one are refused
	}
	wg.Wait()
	if got := w.sim.Refunds(); len(got) != 1 || got[0].Amount != int64(o.Total) {
		t.Errorf("WeChat Pay has %+v; want one refund of the total", got)
	}
}

// The same request makes one refund and one order, however often it comes; another with its key is refused.
func TestOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	key, other := pay.Once{Key: "k1", Request: "digest"}, pay.Once{Key: "k1", Request: "another"}
	ask := pay.NewOrder{Merchant: shop, Lines: []pay.Line{{SKU: "latte", Quantity: 1}}, Once: key}
	first, err := w.CreateOrder(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.CreateOrder(ctx, ask); err != nil || again.ID != first.ID {
		t.Errorf("again: %s, %v; want %s", again.ID, err, first.ID)
	}
	ask.Once = other
	if _, err := w.CreateOrder(ctx, ask); pay.CodeOf(err) != pay.KeyReused {
		t.Errorf("another request: %v; want %s", err, pay.KeyReused)
	}
	w.pays(t, first)
	eventually(t, "paid", func() bool { return w.read(t, first.ID).State == pay.Paid })
	give := pay.NewRefund{Order: first.ID, Amount: 100, Once: pay.Once{Key: "k2", Request: "digest"}}
	r, err := w.Refund(ctx, give)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.Refund(ctx, give); err != nil || again.ID != r.ID {
		t.Errorf("again: %s, %v; want %s", again.ID, err, r.ID)
	}
	if got := len(w.sim.Refunds()); got != 1 {
		t.Errorf("%d refunds; want 1", got)
	}
	w.forward(25 * time.Hour)
	if err := w.ForgetKeys(ctx); err != nil {
		t.Fatal(err)
	}
	ask.Once = other
	if again, err := w.CreateOrder(ctx, ask); err != nil || again.ID == first.ID {
		t.Errorf("a day later: %s, %v; want a new order", again.ID, err)
	}
}

// Refund arithmetic: whatever amounts are asked for, however they end, what is set aside is what is not closed, at
// most the payment, and the order knows what has gone back.
func TestRefundArithmetic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(r *rapid.T) {
		w.sim.SetFaults(wechatsim.Faults{})
		o := w.order(t)
		w.pays(t, o)
		eventually(t, "paid", func() bool { return w.read(t, o.ID).State == pay.Paid })
		w.simAhead.Store(0)
		for range rapid.IntRange(1, 3).Draw(r, "refunds") {
			f := wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}}
			f.RefundOutcome.Closed = rapid.IntRange(0, 1).Draw(r, "closed")
			w.sim.SetFaults(f)
			left := o.Total - setAside(w.refunds(t, o.ID))
			amount := pay.Fen(rapid.Int64Range(-1, 3000).Draw(r, "amount"))
			_, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: amount})
			if fits := amount >= 1 && amount <= left; fits != (err == nil) {
				r.Fatalf("%d fen of %d that are left: %v", amount, left, err)
			}
			w.minute()
			eventually(t, "at rest", func() bool {
				w.forward(5 * time.Minute)
				w.sweep(t)
				return !slices.ContainsFunc(w.refunds(t, o.ID), func(r pay.Refund) bool {
					return r.State == pay.RefundRequested || r.State == pay.RefundProcessing
				})
			})
		}
		end := w.read(t, o.ID)
		var back pay.Fen
		for _, x := range w.refunds(t, o.ID) {
			if x.State == pay.RefundSucceeded {
				back += x.Amount
			}
		}
		if end.Refunded != back || back > end.Total || (back == end.Total) != (end.State == pay.Refunded) {
			r.Fatalf("order %+v; %d fen went back", end, back)
		}
	})
}

func setAside(list []pay.Refund) (sum pay.Fen) {
	for _, r := range list {
		if r.State != pay.RefundClosed {
			sum += r.Amount
		}
	}
	return sum
}
