package pay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// books are all that both sides have.
type books struct {
	orders   map[pay.OrderID]pay.Order
	refunds  map[pay.OrderID][]pay.Refund
	events   map[pay.OrderID][]pay.Event
	attempts map[string]pay.Attempt // of WeChat Pay's trades, by out_trade_no

	trades []wechatsim.Trade // WeChat Pay's, of all merchants
	backs  []wechatsim.Refund
}

// check holds both sides' books against each other.
func (s *simulation) check() error {
	ctx := context.Background()
	p := s.now.Load()
	b, err := s.readBooks(ctx, p)
	if err != nil {
		return err
	}
	var wrong []error
	bad := func(id pay.OrderID, format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s\n%s", fmt.Sprintf(format, args...), b.history(id)))
	}
	b.checkPayments(bad)
	b.checkRefunds(bad)
	b.checkOrders(pay.NewMerchants(s.merchants), bad)
	wrong = append(wrong, s.checkHooks(ctx, p, b, bad))
	for _, m := range s.merchants {
		wrong = append(wrong, s.checkBills(ctx, p, m.ID), s.checkStock(ctx, p, m, b))
	}
	if _, _, err := p.Verify(ctx); err != nil {
		wrong = append(wrong, err)
	}
	wrong = append(wrong, s.told.check())
	wrong = slices.DeleteFunc(wrong, func(err error) bool { return err == nil })
	if len(wrong) > 3 {
		wrong = append(wrong[:3], fmt.Errorf("and %d more", len(wrong)-3))
	}
	return errors.Join(wrong...)
}

func (s *simulation) readBooks(ctx context.Context, p *process) (books, error) {
	b := books{
		orders: map[pay.OrderID]pay.Order{}, refunds: map[pay.OrderID][]pay.Refund{}, events: map[pay.OrderID][]pay.Event{},
		attempts: map[string]pay.Attempt{},
	}
	for _, m := range s.merchants {
		b.trades = append(b.trades, s.sims[m.ID].Trades()...)
		b.backs = append(b.backs, s.sims[m.ID].Refunds()...)
	}
	err := p.View(ctx, func(tx pay.Tx) error {
		for _, m := range s.merchants {
			if err := b.read(ctx, tx, m.ID, 10*s.orders); err != nil {
				return err
			}
		}
		for _, t := range b.trades {
			a, err := tx.Attempt(ctx, t.OutTradeNo)
			if err != nil {
				return fmt.Errorf("WeChat Pay has a trade that we never stored: %w", err)
			}
			b.attempts[t.OutTradeNo] = a
		}
		return nil
	})
	return b, err
}

func (b books) read(ctx context.Context, tx pay.Tx, m pay.MerchantID, limit int) error {
	orders, err := tx.Orders(ctx, pay.OrderFilter{Merchant: m, Limit: limit})
	if err != nil {
		return err
	}
	for _, o := range orders {
		b.orders[o.ID] = o
		if b.refunds[o.ID], err = tx.Refunds(ctx, o.ID); err != nil {
			return err
		}
		if b.events[o.ID], err = tx.Events(ctx, o.ID); err != nil {
			return err
		}
	}
	return nil
}

// checkBills asks for every day's bill once more, on a good day. Nothing may differ, and the days' sums must be what
// WeChat Pay says of its trades and refunds: its bills are the third set of books.
func (s *simulation) checkBills(ctx context.Context, p *process, m pay.MerchantID) error {
	var payments, refunds int64
	zone := time.FixedZone("Beijing", 8*60*60)
	for at := s.began.In(zone); at.Before(time.Now().Add(-34 * time.Hour)); at = at.AddDate(0, 0, 1) {
		day := at.Format(time.DateOnly)
		if err := p.View(ctx, func(tx pay.Tx) error {
			_, err := tx.Reconciliation(ctx, m, day)
			return err
		}); err != nil {
			_, why := p.Reconcile(ctx, m, day)
			return fmt.Errorf("%s of %s was never reconciled: %w; now: %w", day, m, err, why)
		}
		r, err := p.Reconcile(ctx, m, day)
		if err != nil {
			return err
		}
		if r.Differing != 0 {
			return fmt.Errorf("%s %s: %d differences remain, the first %+v", m, day, r.Differing, r.Differences[0])
		}
		payments += int64(r.Payments)
		refunds += int64(r.Refunds)
	}
	for _, t := range s.sims[m].Trades() {
		if t.State == wechatsim.StatePaid || t.State == wechatsim.StateRefunded {
			payments -= t.Total
		}
	}
	for _, r := range s.sims[m].Refunds() {
		refunds -= r.Amount
	}
	if payments != 0 || refunds != 0 {
		return fmt.Errorf("%s: the bills have %+d fen of payments and %+d of refunds beside WeChat Pay's own books", m, payments, refunds)
	}
	return nil
}

type complain func(id pay.OrderID, format string, args ...any)

// Every payment that WeChat Pay took is on an order, or went back.
func (b books) checkPayments(bad complain) {
	returned := make(map[string]int64) // fen that WeChat Pay gave back, by out_trade_no
	for _, r := range b.backs {
		if r.State == wechatsim.RefundSucceeded {
			returned[r.OutTradeNo] += r.Amount
		}
	}
	for _, t := range b.trades {
		a := b.attempts[t.OutTradeNo]
		taken := t.State == wechatsim.StatePaid || t.State == wechatsim.StateRefunded
		if taken != (a.State == pay.AttemptPaid) {
			bad(a.Order, "WeChat Pay says %s of %s, we say %s", t.State, t.OutTradeNo, a.State)
			continue
		}
		if t.State == wechatsim.StateNotPaid {
			bad(a.Order, "%s can still be paid", t.OutTradeNo)
		}
		if !taken {
			continue
		}
		o := b.orders[a.Order]
		if a.TransactionID != t.TransactionID || int64(a.Total) != t.Total {
			bad(o.ID, "payment %s of %d fen is booked as %s of %d", t.TransactionID, t.Total, a.TransactionID, a.Total)
		}
		if o.TransactionID != t.TransactionID && returned[t.OutTradeNo] != t.Total {
			bad(o.ID, "payment %s is on no order, and %d of %d fen went back", t.TransactionID, returned[t.OutTradeNo], t.Total)
		}
	}
}

// Both sides have the same refunds, and never more went back than was paid.
func (b books) checkRefunds(bad complain) {
	ours := make(map[string]pay.Refund)
	for _, list := range b.refunds {
		for _, r := range list {
			ours[string(r.ID)] = r
			if r.State == pay.RefundRequested || r.State == pay.RefundProcessing {
				bad(r.Order, "refund %s is stuck: %s %s", r.ID, r.State, r.Trouble)
			}
		}
	}
	sums := make(map[string]int64)
	for _, r := range b.backs {
		mine, ok := ours[r.OutRefundNo]
		switch {
		case !ok:
			bad("", "WeChat Pay has refund %s, we do not", r.OutRefundNo)
		case (mine.State == pay.RefundSucceeded) != (r.State == wechatsim.RefundSucceeded), int64(mine.Amount) != r.Amount:
			bad(mine.Order, "refund %s: WeChat Pay says %s of %d fen, we say %s of %d", r.OutRefundNo, r.State, r.Amount, mine.State, mine.Amount)
		}
		if r.State == wechatsim.RefundSucceeded {
			sums[r.OutTradeNo] += r.Amount
		}
	}
	for number, sum := range sums {
		if a := b.attempts[number]; sum > int64(a.Total) || sum > int64(a.Refunded) {
			bad(a.Order, "%d fen went back of %d, %d set aside", sum, a.Total, a.Refunded)
		}
	}
}

// Every order has come to rest, was made once, and says of itself what happened to it.
func (b books) checkOrders(merchants *pay.Merchants, bad complain) {
	made := make(map[string]int)
	for _, o := range b.orders {
		m, _ := merchants.ByID(o.Merchant)
		made[o.Reference]++
		if made[o.Reference] > 1 {
			bad(o.ID, "%s has two orders", o.Reference)
		}
		if o.State == pay.Created || o.State == pay.Pending {
			bad(o.ID, "the order is stuck: %s", o.State)
		}
		first, moves := 0, int64(1)
		for _, e := range b.events[o.ID] {
			if e.Kind == pay.Succeeded && e.Detail["second"] == "false" {
				first++
			}
			moves = max(moves, e.Version)
		}
		paid := o.State == pay.Paid || o.State == pay.Refunded
		if paid != (first == 1) || first > 1 {
			bad(o.ID, "the order is %s and was paid %d times for the first time", o.State, first)
		}
		if moves != o.Version {
			bad(o.ID, "version %d, but the events go up to %d", o.Version, moves)
		}
		var back pay.Fen
		for _, r := range b.refunds[o.ID] {
			a := b.attempts[r.OutTradeNo]
			ofOrder := a.TransactionID == o.TransactionID
			if r.State == pay.RefundSucceeded && ofOrder {
				back += r.Amount
			}
			if r.Automatic && ofOrder && (!o.Late || m.Late != pay.LateRefund) {
				bad(o.ID, "the order's own payment went back by itself")
			}
		}
		if back != o.Refunded || (o.Refunded == o.Total) != (o.State == pay.Refunded) {
			bad(o.ID, "%d fen of %d went back; the order is %s and says %d", back, o.Total, o.State, o.Refunded)
		}
		if o.Late && m.Late == pay.LateRefund && o.State != pay.Refunded {
			bad(o.ID, "late money was kept though the merchant wants none")
		}
	}
}

// history tells what happened to an order, on both sides.
func (b books) history(id pay.OrderID) string {
	var out strings.Builder
	if o, ok := b.orders[id]; ok {
		fmt.Fprintf(&out, "  %s %s: %s, version %d, %d fen, refunded %d, late %t\n", o.ID, o.Reference, o.State, o.Version, o.Total, o.Refunded, o.Late)
	}
	for _, e := range b.events[id] {
		fmt.Fprintf(&out, "    %s %s %v\n", e.At.UTC().Format(time.DateTime), e.Kind, e.Detail)
	}
	for _, r := range b.refunds[id] {
		fmt.Fprintf(&out, "    refund %s of %s: %s, %d fen, %s\n", r.ID, r.OutTradeNo, r.State, r.Amount, r.Trouble)
	}
	for _, t := range b.trades {
		if b.attempts[t.OutTradeNo].Order == id {
			fmt.Fprintf(&out, "    WeChat Pay: %s %s, ours %s, paid at %s, %d callbacks\n", t.OutTradeNo, t.State,
				b.attempts[t.OutTradeNo].State, t.PaidAt.UTC().Format(time.DateTime), len(t.Callbacks))
		}
	}
	return out.String()
}
