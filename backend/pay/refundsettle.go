package pay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// SettleRefund books what WeChat Pay says of a refund. It is the one door for that: answers, queries and callbacks
// come in here, any number of times and in any order.
func (c *Cashier) SettleRefund(ctx context.Context, report RefundReport) (r Refund, err error) {
	var refusal error
	r, err = c.changeRefund(ctx, report.Merchant, report.ID, func(r *Refund, total Fen) bool {
		refusal = nil
		if wrong := report.differs(*r, total); wrong != "" {
			refusal = &Error{Code: Disagreement, Message: "the report differs from the refund in " + wrong}
			return false
		}
		moves, staleErr := r.State.To(report.State)
		if staleErr != nil {
			return false // older news than what we know
		}
		r.WeChatID, r.Trouble = report.WeChatID, ""
		if report.State == RefundAbnormal {
			r.Trouble = "the payer's account takes no money: say in the merchant platform where it should go"
		}
		if r.AcceptedAt.IsZero() {
			r.AcceptedAt = c.Now()
		}
		r.State, r.DoneAt = report.State, report.DoneAt
		return moves
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return r, fmt.Errorf("settle refund %s: %w", report.ID, err)
	}
	return r, nil
}

// differs names what in the report is not as in the refund, or returns "".
func (p RefundReport) differs(r Refund, total Fen) string {
	var wrong []string
	for what, same := range map[string]bool{
		"out_trade_no":  p.OutTradeNo == r.OutTradeNo,
		"amount.refund": p.Amount == r.Amount, "amount.total": p.Total == total,
		"refund_id": p.WeChatID != "" && (r.WeChatID == "" || r.WeChatID == p.WeChatID),
	} {
		if !same {
			wrong = append(wrong, what)
		}
	}
	return strings.Join(wrong, ", ")
}

// closeRefund gives up a refund that WeChat Pay refused and does not know.
func (c *Cashier) closeRefund(ctx context.Context, r Refund, reason error) (Refund, error) {
	r, err := c.changeRefund(ctx, r.Merchant, r.ID, func(r *Refund, _ Fen) bool {
		if r.State != RefundRequested {
			return false
		}
		r.State, r.Trouble = RefundClosed, clip(reason.Error(), troubleMax)
		return true
	})
	if err != nil {
		return r, fmt.Errorf("close refund %s: %w", r.ID, err)
	}
	return r, nil
}

// postponeRefund writes down what the trouble is.
func (c *Cashier) postponeRefund(ctx context.Context, r Refund, reason error) (Refund, error) {
	r, err := c.changeRefund(ctx, r.Merchant, r.ID, func(r *Refund, _ Fen) bool {
		if r.State == RefundRequested {
			r.Trouble = clip(reason.Error(), troubleMax)
		}
		return false
	})
	if err != nil {
		return r, fmt.Errorf("postpone refund %s: %w", r.ID, err)
	}
	return r, nil
}

// changeRefund applies a change to a refund. If its state moves, the money set aside and the order follow, and the
// event is recorded. The total is that of the payment.
func (c *Cashier) changeRefund(ctx context.Context, m MerchantID, id RefundID, change func(r *Refund, total Fen) (moves bool)) (r Refund, err error) {
	var o Order
	orderMoved, moved := false, false
	err = c.Store.Update(ctx, func(tx Tx) error {
		orderMoved, moved = false, false
		r, err = tx.Refund(ctx, id)
		if errors.Is(err, ErrNoRow) || err == nil && r.Merchant != m {
			return &Error{Code: NotFound, Message: "no such refund", Err: err}
		}
		if err != nil {
			return err
		}
		a, err := tx.Attempt(ctx, r.OutTradeNo)
		if err != nil {
			return err
		}
		from := r.State
		moves := change(&r, a.Total)
		r.CheckAt = r.nextCheck(c.Now())
		if err := tx.UpdateRefund(ctx, r, from); err != nil || !moves {
			return err
		}
		moved = true
		o, orderMoved, err = c.follow(ctx, tx, r, a)
		return err
	})
	switch {
	case err != nil:
	case orderMoved:
		c.committed(o, returnKind(o))
	case moved:
		c.told(r.Merchant)
	}
	return r, err
}

// follow lets payment and order follow a refund that has moved.
func (c *Cashier) follow(ctx context.Context, tx Tx, r Refund, a Attempt) (o Order, moved bool, err error) {
	if o, err = tx.Order(ctx, r.Order); err != nil {
		return o, false, err
	}
	ofOrder := a.TransactionID == o.TransactionID // and not of a second payment, which was never the order's
	if ofOrder {
		if err := c.tellOfRefund(ctx, tx, r); err != nil {
			return o, false, err
		}
	}
	if r.State != RefundSucceeded || !ofOrder {
		err = record(ctx, tx, Event{
			Order: o.ID, Version: o.Version, Kind: refundKind(r.State), At: c.Now(), Detail: refundDetail(r),
		})
		if err == nil && r.State == RefundClosed {
			err = c.release(ctx, tx, o, a, r)
		}
		return o, false, err
	}
	o.Refunded += r.Amount
	o, err = c.advance(ctx, tx, o, returnKind(o), refundDetail(r))
	return o, true, err
}

// returnKind is what happens to an order when so much of it has gone back.
func returnKind(o Order) Kind {
	if o.Refunded == o.Total {
		return Returned
	}
	return PartReturned
}

// release puts back what a closed refund had set aside: the money stayed with the merchant. What should have
// gone back by rule is asked for again, with a new number.
func (c *Cashier) release(ctx context.Context, tx Tx, o Order, a Attempt, r Refund) error {
	a.Refunded -= r.Amount
	if err := tx.UpdateAttempt(ctx, a, AttemptPaid); err != nil || !r.Automatic {
		return err
	}
	return c.giveBack(ctx, tx, o, a, GiveBackAgain)
}

func refundKind(s RefundState) Kind { return Kind("refund_" + string(s)) }

// nextCheck is when a refund is looked at next: 1, 5, 10, 20 and 30 minutes after another (doc 4013071041), an
// abnormal one every six hours, since a person has to act.
func (r Refund) nextCheck(now time.Time) time.Time {
	steps := [...]time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute}
	switch {
	case r.State == RefundAbnormal:
		return now.Add(6 * time.Hour)
	case r.State == RefundRequested && r.Checks < 5:
		return now.Add(spread(time.Second<<r.Checks, string(r.ID), r.Checks))
	}
	return now.Add(spread(steps[min(r.Checks, len(steps)-1)], string(r.ID), r.Checks))
}
