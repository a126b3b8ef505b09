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
	if err := c.retire(ctx, id); err != nil {
		return Order{}, fmt.Errorf("renew %s: %w", id, err)
	}
	// A crash here leaves the order expired, which is what it is.
	var o Order
	var a Attempt
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		if o, err = tx.Order(ctx, id); err != nil {
			return err
		}
		if _, err := o.State.On(Renewed); err != nil {
			return err
		}
		switch _, err := tx.LiveAttempt(ctx, id); {
		case err == nil: // somebody else renews at this moment
			return &Error{Code: Busy, Message: "a new code is on its way"}
		case !errors.Is(err, ErrNoRow):
			return err
		}
		m, ok := c.Merchants.ByID(o.Merchant)
		if !ok {
			return fmt.Errorf("merchant %s is not configured", o.Merchant)
		}
		now := c.Now()
		life := o.ExpiresAt.Sub(o.CreatedAt)
		o.ExpiresAt = now.Add(min(max(life, ExpiresInMin), ExpiresInDefault))
		if a, err = c.newAttempt(m, o, now); err != nil {
			return err
		}
		return tx.InsertAttempt(ctx, a)
	})
	if err != nil {
		return Order{}, fmt.Errorf("renew %s: %w", id, notFound(err))
	}
	return c.prepay(ctx, o, a)
}

// retire makes the live attempt of an order unpayable, if there is one, and so the order expired.
func (c *Cashier) retire(ctx context.Context, id OrderID) error {
	var a Attempt
	err := c.Store.View(ctx, func(tx Tx) error {
		o, err := tx.Order(ctx, id)
		if err != nil {
			return notFound(err)
		}
		if o.State != Pending {
			return nil
		}
		a, err = tx.LiveAttempt(ctx, id)
		return err
	})
	if err != nil || a.OutTradeNo == "" {
		return err
	}
	if err := c.shut(ctx, a); err != nil {
		return err
	}
	_, err = c.finish(ctx, a, TimedOut)
	return err
}
