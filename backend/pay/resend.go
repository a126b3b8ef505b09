package pay

import (
	"context"
	"fmt"
	"time"
)

// Resend sends a delivery again, with the same id and body, by the schedule of a new one. One that waits is tried at
// once. If the endpoint is stopped it is asked whether it works again.
func (c *Cashier) Resend(ctx context.Context, m MerchantID, id DeliveryID) (d Delivery, err error) {
	return c.ResendBy(ctx, m, id, Actor{})
}

// ResendBy is the same, in the name of somebody of the staff.
func (c *Cashier) ResendBy(ctx context.Context, m MerchantID, id DeliveryID, by Actor) (d Delivery, err error) {
	merchant, err := c.withWebhook(m)
	if err != nil {
		return d, err
	}
	found, _, err := c.Delivery(ctx, m, id)
	if err != nil {
		return Delivery{}, err
	}
	now := c.Now()
	err = c.Store.Update(ctx, func(tx Tx) error {
		if d, err = deliveryAndOrder(ctx, tx, found); err != nil {
			return err
		}
		switch {
		case d.Type == WebhookTest:
			return &Error{Code: Conflict, Message: "a test is not sent again; make another one"}
		case d.State != DeliveryWaiting:
			err = tx.ReviveDelivery(ctx, id, now)
		case d.NextAt.After(now.Add(WebhookLease)): // and not under way at this moment
			d.NextAt = now
			err = tx.UpdateDelivery(ctx, d, now)
		}
		if err != nil {
			return err
		}
		if err := c.probeNow(ctx, tx, merchant, now); err != nil {
			return err
		}
		if err := c.logStaff(ctx, tx, by, WebhookSent, string(id), nil); err != nil {
			return err
		}
		d, err = tx.Delivery(ctx, id)
		return err
	})
	if err != nil {
		return Delivery{}, fmt.Errorf("send %s again: %w", id, err)
	}
	c.told(m)
	return d, nil
}

// ResendSince sends again what was made at since or later and has ended in one of the states, all that has ended if none
// is named, and returns how many that is. More than [ResendMax] at once are refused.
func (c *Cashier) ResendSince(ctx context.Context, m MerchantID, since time.Time, states ...DeliveryState) (n int, err error) {
	return c.ResendSinceBy(ctx, m, since, Actor{}, states...)
}

// ResendSinceBy is the same, in the name of somebody of the staff.
func (c *Cashier) ResendSinceBy(ctx context.Context, m MerchantID, since time.Time, by Actor, states ...DeliveryState) (n int, err error) {
	merchant, err := c.withWebhook(m)
	if err != nil {
		return 0, err
	}
	if len(states) == 0 {
		states = []DeliveryState{DeliveryDelivered, DeliveryFailed}
	}
	now := c.Now()
	err = c.Store.Update(ctx, func(tx Tx) error {
		if n, err = tx.ReviveDeliveries(ctx, m, since, now, states); err != nil {
			return err
		}
		if n > ResendMax {
			return &Error{Code: Invalid, Message: "mend since", Fields: []Field{{"since", fmt.Sprintf(
				"must be later: %d deliveries are as young, and at most %d are sent again at once", n, ResendMax)}}}
		}
		if err := c.probeNow(ctx, tx, merchant, now); err != nil {
			return err
		}
		return c.logStaff(ctx, tx, by, WebhooksSent, since.Format(time.RFC3339), map[string]string{"count": fmt.Sprint(n)})
	})
	if err != nil {
		return 0, fmt.Errorf("send all since %s again: %w", since.Format(time.RFC3339), err)
	}
	c.told(m)
	return n, nil
}

// probeNow lets a stopped endpoint be tried at once, since a person expects it to work again.
func (c *Cashier) probeNow(ctx context.Context, tx Tx, m Merchant, now time.Time) error {
	e, err := endpointOf(ctx, tx, m)
	if err != nil || e.State != EndpointStopped || !e.NextAt.After(now) {
		return err
	}
	e.NextAt = now
	return tx.PutEndpoint(ctx, e)
}

// TestWebhook sends the merchant's endpoint a [WebhookTest] at once, whatever its state, and returns what came of it.
// An endpoint that takes it is on again.
func (c *Cashier) TestWebhook(ctx context.Context, id MerchantID) (d Delivery, t DeliveryTry, err error) {
	return c.TestWebhookBy(ctx, id, Actor{})
}

// TestWebhookBy is the same, in the name of somebody of the staff.
func (c *Cashier) TestWebhookBy(ctx context.Context, id MerchantID, by Actor) (d Delivery, t DeliveryTry, err error) {
	if _, err = c.withWebhook(id); err != nil {
		return d, t, err
	}
	d = c.newDelivery(Delivery{Merchant: id, Type: WebhookTest}, nil)
	d.Subject = string(d.ID)
	d.NextAt = d.CreatedAt.Add(WebhookLease) // it is under way: nobody else is to send it
	err = c.Store.Update(ctx, func(tx Tx) error {
		if err := tx.InsertDelivery(ctx, d); err != nil {
			return err
		}
		return c.logStaff(ctx, tx, by, WebhookTested, string(d.ID), nil)
	})
	if err != nil {
		return d, t, fmt.Errorf("write a test webhook of %s: %w", id, err)
	}
	// A crash here leaves the test to the delivering, which sends it once.
	if err := c.send(context.WithoutCancel(ctx), d); err != nil {
		return d, t, err
	}
	d, tries, err := c.Delivery(ctx, id, d.ID)
	if err != nil {
		return d, t, err
	}
	c.told(id)
	return d, tries[len(tries)-1], nil
}
