package pay

import (
	"context"
	"errors"
	"fmt"
)

// Cancel gives an order up on the customer's or the shop's wish, once it is closed at WeChat Pay. If the
// customer was faster the money is settled and [Conflict] returned. Cancelling twice is no error.
func (c *Cashier) Cancel(ctx context.Context, id OrderID) (Order, error) {
	return c.CancelBy(ctx, id, Actor{})
}

// CancelBy is [Cashier.Cancel] on the wish of a member of the staff.
func (c *Cashier) CancelBy(ctx context.Context, id OrderID, by Actor) (Order, error) {
	var o Order
	var a Attempt
	err := c.Store.View(ctx, func(tx Tx) (err error) {
		if o, err = tx.Order(ctx, id); err != nil || o.State == Cancelled {
			return err
		}
		if _, err = o.State.On(CalledOff); err != nil {
			return err
		}
		a, err = tx.LiveAttempt(ctx, id)
		return err
	})
	if err != nil {
		return o, fmt.Errorf("cancel %s: %w", id, notFound(err))
	}
	if o.State == Cancelled {
		return o, nil
	}
	if err := c.shut(ctx, a); err != nil {
		return o, fmt.Errorf("cancel %s: %w", id, err)
	}
	return c.finishBy(ctx, a, CalledOff, by)
}

// shut makes an attempt unpayable at WeChat Pay, or settles it if it was paid, and then returns [Conflict].
// Any other error leaves the attempt as it was, to be shut later.
//
// A local timer proves nothing: WeChat Pay takes money until it has closed the trade itself. So the order is
// query, close, and again query when the close is refused, because then the customer was probably faster.
func (c *Cashier) shut(ctx context.Context, a Attempt) error {
	state, err := c.ask(ctx, a)
	switch {
	case err != nil:
		return err
	case state == TradeClosed:
		return nil
	case state == TradeUnknown && a.settling(c.Now()):
		return &Error{Code: Busy, Message: "the order is being made; ask again in some seconds"}
	case state == TradeUnknown:
		return nil
	}
	closeErr := c.Gateway.Close(a.about(ctx), a.Merchant, a.OutTradeNo)
	if closeErr == nil {
		return nil
	}
	if state, err = c.ask(ctx, a); err != nil || state == TradeClosed {
		return err
	}
	return &Error{Code: Unavailable, Message: "WeChat Pay did not close the order; ask again", Err: closeErr}
}

// ask queries an attempt. If it was paid the money is settled and [Conflict] returned.
func (c *Cashier) ask(ctx context.Context, a Attempt) (TradeState, error) {
	if err := c.holds(a); err != nil {
		return "", err
	}
	trade, err := c.Gateway.Query(a.about(ctx), a.Merchant, a.OutTradeNo)
	switch {
	case err != nil && outcomeOf(err) == Missing:
		return TradeUnknown, nil
	case err != nil:
		return "", &Error{Code: Unavailable, Message: "WeChat Pay did not answer; ask again", Err: err}
	case trade.State.Paid():
		if _, err := c.Settle(ctx, trade.Notice); err != nil {
			return "", err
		}
		return trade.State, &Error{Code: Conflict, Message: "the order has just been paid"}
	}
	return trade.State, nil
}

// finish closes an attempt that WeChat Pay has closed or never knew; the order follows by k.
func (c *Cashier) finish(ctx context.Context, a Attempt, k Kind) (Order, error) {
	return c.finishBy(ctx, a, k, Actor{})
}

func (c *Cashier) finishBy(ctx context.Context, a Attempt, k Kind, by Actor) (o Order, err error) {
	name, changed := a.OutTradeNo, false
	err = c.Store.Update(ctx, func(tx Tx) error {
		changed = false
		if a, err = tx.Attempt(ctx, name); err != nil {
			return err
		}
		if o, err = tx.Order(ctx, a.Order); err != nil {
			return err
		}
		if !a.State.Live() {
			return nil // somebody else closed it, or a callback settled it meanwhile
		}
		changed = true
		from := a.State
		a.State = AttemptClosed
		if err := tx.UpdateAttempt(ctx, a, from); err != nil {
			return err
		}
		if o.TransactionID == "" {
			if err := giveBackGoods(ctx, tx, o.ID); err != nil {
				return err
			}
		}
		if _, err := o.State.On(k); err != nil {
			changed = false // the order goes its own way: paid by another attempt, or expired long since
			return nil
		}
		o.CodeURL = ""
		if o, err = c.advance(ctx, tx, o, k, by.sign(map[string]string{"out_trade_no": a.OutTradeNo})); err != nil {
			return err
		}
		return c.logStaff(ctx, tx, by, OrderCancelled, string(o.ID), nil)
	})
	if err != nil {
		return Order{}, fmt.Errorf("close %s: %w", name, err)
	}
	if changed {
		c.committed(o, k)
	}
	return o, nil
}

// notFound turns the store's word for a missing row into one for the caller.
func notFound(err error) error {
	if errors.Is(err, ErrNoRow) {
		return &Error{Code: NotFound, Message: "no such order", Err: err}
	}
	return err
}
