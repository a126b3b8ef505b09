package pay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Settle applies a notice to its order. It is the one door for money: callbacks, queries and bills all come
// in here. It may be told the same thing any number of times and at once; the first time counts.
//
// When it returns nil the payment is in the books for good and the callback may be acknowledged. A notice
// that does not fit its attempt is recorded and refused with [Disagreement].
func (c *Cashier) Settle(ctx context.Context, n Notice) (o Order, err error) {
	var refusal error
	changed := false
	err = c.Store.Update(ctx, func(tx Tx) error {
		refusal, changed = nil, false
		a, err := tx.Attempt(ctx, n.OutTradeNo)
		if errors.Is(err, ErrNoRow) || err == nil && a.Merchant != n.Merchant { // what one merchant's keys say is of no other's
			return &Error{Code: NotFound, Message: "no attempt of the merchant has this out_trade_no", Err: err}
		}
		if err != nil {
			return err
		}
		if o, err = tx.Order(ctx, a.Order); err != nil {
			return err
		}
		if wrong := n.differs(a); wrong != "" {
			refusal = &Error{Code: Disagreement, Message: "the notice differs from the attempt in " + wrong}
			return c.recordMismatch(ctx, tx, o, n, wrong)
		}
		if a.State == AttemptPaid {
			return nil // told again
		}
		changed = true
		o, err = c.take(ctx, tx, o, a, n)
		return err
	})
	switch {
	case err != nil:
		return Order{}, fmt.Errorf("settle %s: %w", n.OutTradeNo, err)
	case refusal != nil:
		return Order{}, fmt.Errorf("settle %s: %w", n.OutTradeNo, refusal)
	}
	// A crash here leaves the payment booked and nobody told: the browser takes a snapshot when it is back,
	// and WeChat Pay repeats a callback that was not answered.
	if changed {
		c.committed(o, Succeeded)
	}
	return o, nil
}

// take books the payment of an attempt. If the order was paid by another attempt already, or is late and the
// merchant wants no late money, the payment goes back.
func (c *Cashier) take(ctx context.Context, tx Tx, o Order, a Attempt, n Notice) (Order, error) {
	from := a.State
	a.State, a.TransactionID, a.PaidAt = AttemptPaid, n.TransactionID, n.PaidAt
	if err := tx.UpdateAttempt(ctx, a, from); err != nil {
		return Order{}, err
	}
	if from.Live() {
		o.CodeURL = "" // it was this attempt's
	}
	second := o.TransactionID != ""
	if !second {
		o.Late = o.State.settlesLate()
		o.TransactionID, o.PaidAt = n.TransactionID, n.PaidAt
	}
	o, err := c.advance(ctx, tx, o, Succeeded, map[string]string{
		"out_trade_no":   n.OutTradeNo,
		"transaction_id": n.TransactionID,
		"source":         string(n.Source),
		"late":           strconv.FormatBool(o.Late),
		"second":         strconv.FormatBool(second),
	})
	if err != nil {
		return Order{}, err
	}
	if !second {
		if err := c.sell(ctx, tx, o, from); err != nil {
			return Order{}, err
		}
	}
	if m, _ := c.Merchants.ByID(o.Merchant); second || o.Late && m.Late == LateRefund {
		return o, c.giveBack(ctx, tx, o, a, 0)
	}
	if from.Live() {
		return o, nil // an order has one that is live, at most
	}
	return o, c.hurryLive(ctx, tx, o)
}

// hurryLive lets the sweep look at once at an attempt that is still open beside the one that was paid.
func (c *Cashier) hurryLive(ctx context.Context, tx Tx, o Order) error {
	a, err := tx.LiveAttempt(ctx, o.ID)
	if errors.Is(err, ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	a.CheckAt = c.Now()
	return tx.UpdateAttempt(ctx, a, a.State)
}

func (c *Cashier) recordMismatch(ctx context.Context, tx Tx, o Order, n Notice, wrong string) error {
	return record(ctx, tx, Event{
		Order: o.ID, Version: o.Version, Kind: Mismatched, At: c.Now(), Detail: map[string]string{
			"out_trade_no": n.OutTradeNo, "transaction_id": n.TransactionID, "source": string(n.Source), "differs": wrong,
		},
	})
}

// differs names what in the notice is not as in the attempt, or returns "". The total is compared, never
// what the payer paid: coupons make that smaller.
func (n Notice) differs(a Attempt) string {
	var wrong []string
	check := func(what string, same bool) {
		if !same {
			wrong = append(wrong, what)
		}
	}
	check("mchid", n.MchID == a.MchID)
	check("sub_mchid", n.SubMchID == a.SubMchID)
	check("appid", n.AppID == a.AppID)
	check("out_trade_no", n.OutTradeNo == a.OutTradeNo)
	check("amount.total", n.Total == a.Total)
	check("amount.currency", n.Currency == Currency)
	check("transaction_id", n.TransactionID != "" && (a.TransactionID == "" || a.TransactionID == n.TransactionID))
	return strings.Join(wrong, ", ")
}
