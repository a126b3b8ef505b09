package pay

import (
	"context"
	"errors"
	"fmt"
)

// Renew gives an order that expired a new code, and one that is pending too: when another account has scanned
// the old code, nobody else can pay it. The old attempt is closed at WeChat Pay before there is a new one, so
// that never two can be paid.
func (c *Cashier) Renew(ctx context.Context, id OrderID) (Order, error) {
	o, a, err := c.withLive(ctx, id)
	if err == nil {
		o, err = c.reopen(ctx, o, a, Way{Channel: Native})
	}
	if err != nil {
		return o, fmt.Errorf("renew %s: %w", id, err)
	}
	return o, nil
}

// withLive reads an order with its live attempt, the zero Attempt if it has none.
func (c *Cashier) withLive(ctx context.Context, id OrderID) (o Order, a Attempt, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		if o, err = tx.Order(ctx, id); err != nil {
			return notFound(err)
		}
		if a, err = tx.LiveAttempt(ctx, id); errors.Is(err, ErrNoRow) {
			return nil
		}
		return err
	})
	return o, a, err
}

// reopen closes the live attempt of an order, if there is one, and makes another, with a new deadline. The order it
// returns beside an error of code [Unavailable] has its new attempt, which the sweep goes on asking for.
func (c *Cashier) reopen(ctx context.Context, o Order, live Attempt, w Way) (Order, error) {
	switch {
	case live.OutTradeNo == "":
	case o.State == Expired: // somebody else renews at this moment
		return Order{}, &Error{Code: Busy, Message: "a new code is on its way"}
	default:
		if err := c.shut(ctx, live); err != nil {
			return Order{}, err
		}
	}
	// A crash here leaves the attempt in the books as payable; the sweep finds it closed, and the order expires.
	o, a, err := c.replace(ctx, o.ID, live, w)
	if err != nil {
		return Order{}, err
	}
	return c.prepay(ctx, o, a)
}

// replace closes an attempt that WeChat Pay does not let anybody pay any more, if there is one, and stores another
// one beside it. An order that could be paid waits for WeChat Pay again meanwhile; one that has expired stays so.
func (c *Cashier) replace(ctx context.Context, id OrderID, old Attempt, w Way) (o Order, a Attempt, err error) {
	changed := false
	err = c.Store.Update(ctx, func(tx Tx) error {
		changed = false
		if o, err = tx.Order(ctx, id); err != nil {
			return notFound(err)
		}
		holdsGoods, err := closeInBooks(ctx, tx, id, old)
		if err != nil {
			return err
		}
		m, ok := c.Merchants.ByID(o.Merchant)
		if !ok {
			return fmt.Errorf("merchant %s is not configured", o.Merchant)
		}
		now := c.Now()
		life := o.ExpiresAt.Sub(o.CreatedAt)
		o.ExpiresAt = now.Add(min(max(life, ExpiresInMin), ExpiresInDefault))
		if a, err = c.newAttempt(m, o, w, now); err != nil {
			return err
		}
		if _, renewable := o.State.On(Renewed); renewable != nil {
			changed = true
			o.Channel, o.CodeURL = a.Channel, ""
			o, err = c.advance(ctx, tx, o, Replaced, map[string]string{
				"out_trade_no": a.OutTradeNo, "channel": string(a.Channel), "closed": old.OutTradeNo})
			if err != nil {
				return err
			}
		}
		if !holdsGoods {
			if err := reserve(ctx, tx, o); err != nil {
				return err
			}
		}
		return tx.InsertAttempt(ctx, a)
	})
	if err != nil {
		return Order{}, Attempt{}, err
	}
	if changed {
		c.committed(o, Replaced)
	}
	return o, a, nil
}

// closeInBooks closes the attempt, unless somebody was faster with another one. It reports whether it was live until
// now: then the order still holds its goods.
func closeInBooks(ctx context.Context, tx Tx, id OrderID, old Attempt) (wasLive bool, err error) {
	live, err := tx.LiveAttempt(ctx, id)
	switch {
	case errors.Is(err, ErrNoRow):
		return false, nil
	case err != nil:
		return false, err
	case live.OutTradeNo != old.OutTradeNo:
		return true, &Error{Code: Busy, Message: "a new code is on its way"}
	}
	from := live.State
	live.State = AttemptClosed
	return true, tx.UpdateAttempt(ctx, live, from)
}
