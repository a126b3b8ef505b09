package pay

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// DueDeliveries returns the merchants who have webhooks to be sent.
func (c *Cashier) DueDeliveries(ctx context.Context) (due []MerchantID, err error) {
	now := c.Now()
	err = c.Store.View(ctx, func(tx Tx) error {
		for _, m := range c.Merchants.All() {
			is, err := c.deliveryDue(ctx, tx, m, now)
			if err != nil {
				return err
			}
			if is {
				due = append(due, m.ID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for webhooks to send: %w", err)
	}
	return due, nil
}

// deliveryDue reports whether something can be sent to the merchant now.
func (c *Cashier) deliveryDue(ctx context.Context, tx Tx, m Merchant, now time.Time) (bool, error) {
	if m.WebhookURL == "" {
		return false, nil
	}
	if due, err := tx.AnyDeliveryDue(ctx, m.ID, now); err != nil || !due {
		return false, err
	}
	e, err := endpointOf(ctx, tx, m)
	return e.room(now, 1) > 0, err
}

// Deliver sends the merchant's webhooks that are due, until none is; more says that there may be others by now. It
// returns how many it sent. The error tells of the books: what merchants' servers do wrong stands there.
//
// All it needs to know is in the books, so it goes on after a restart. Several may run for a merchant, also on
// several servers, because each claims what it sends. When ctx ends it sends nothing new, and gives what is under way
// [WebhookGrace] to come to an end.
func (c *Cashier) Deliver(ctx context.Context, m MerchantID, more <-chan struct{}) (sent int, err error) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		grace, end := context.WithTimeout(hard, WebhookGrace)
		defer end()
		<-grace.Done()
		cancel()
	})
	defer stop()

	ended := make(chan error, WebhookParallel)
	flying, enough := 0, false
	for {
		if !enough && ctx.Err() == nil && flying < WebhookParallel {
			list, e := c.claimDeliveries(ctx, m, WebhookParallel-flying)
			if e != nil {
				err, enough = errors.Join(err, e), true
			}
			for _, d := range list {
				flying++
				go func() { ended <- c.send(hard, d) }()
			}
		}
		if flying == 0 {
			return sent, err
		}
		select {
		case e := <-ended:
			flying--
			sent++
			if e != nil {
				err, enough = errors.Join(err, e), true
			}
		case <-more:
		}
	}
}

// claimDeliveries takes at most so many of what can be sent now.
func (c *Cashier) claimDeliveries(ctx context.Context, id MerchantID, most int) (list []Delivery, err error) {
	m, ok := c.Merchants.ByID(id)
	if !ok {
		return nil, nil
	}
	now := c.Now()
	// Most of the time nothing is due; looking does not take the write lock.
	due := false
	err = c.Store.View(ctx, func(tx Tx) error {
		due, err = c.deliveryDue(ctx, tx, m, now)
		return err
	})
	if err == nil && due {
		err = c.Store.Update(ctx, func(tx Tx) error {
			list = nil
			e, err := endpointOf(ctx, tx, m)
			if err != nil {
				return err
			}
			n := e.room(now, most)
			if n == 0 {
				return nil // somebody else was faster to hear that it has stopped
			}
			if list, err = tx.ClaimDeliveries(ctx, id, now, now.Add(WebhookLease), n); err != nil || len(list) == 0 {
				return err
			}
			if e.State == EndpointStopped {
				return tx.PutEndpoint(ctx, e.probing(now))
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("claim webhooks of %s: %w", id, err)
	}
	return list, nil
}

// send posts a claimed delivery and records what came of it.
func (c *Cashier) send(ctx context.Context, d Delivery) error {
	began := c.Now()
	a := c.WebhookGateway.PostWebhook(ctx, d.Merchant, d.ID, began, d.Body)
	t := DeliveryTry{At: began, Took: max(c.Now().Sub(began), 0), Status: a.Status, Excerpt: clip(a.Excerpt, excerptMax), Trouble: a.trouble()}
	// A crash here leaves the claim to run out, and the same is posted again.
	books := context.WithoutCancel(ctx)
	if ctx.Err() != nil && a.Status == 0 {
		return c.unclaim(books, d)
	}
	d, err := c.recordTry(books, d, t, a)
	if err != nil {
		return fmt.Errorf("record a try of %s: %w", d.ID, err)
	}
	if c.Tried != nil {
		c.Tried(d, t)
	}
	return nil
}

// deliveryAndOrder reads a delivery to change it. It reads the order first, as all do who write deliveries of an
// order: on a database with several writers that makes them wait for one another, and which delivery is the next of
// the order is decided by one at a time.
func deliveryAndOrder(ctx context.Context, tx Tx, d Delivery) (Delivery, error) {
	if d.Order != "" {
		if _, err := tx.Order(ctx, d.Order); err != nil {
			return Delivery{}, err
		}
	}
	return tx.Delivery(ctx, d.ID)
}

// trouble says in a line why a try failed, or returns "".
func (a WebhookAnswer) trouble() string {
	switch {
	case a.Status >= 200 && a.Status < 300:
		return ""
	case a.Trouble != "":
		return clip(a.Trouble, troubleMax)
	case a.Status >= 300 && a.Status < 400:
		return fmt.Sprintf("answered %d: redirects are not followed", a.Status)
	}
	return fmt.Sprintf("answered %d", a.Status)
}

// unclaim gives back a claim whose try was broken off because the program ends: that is no fault of the endpoint.
func (c *Cashier) unclaim(ctx context.Context, d Delivery) error {
	err := c.Store.Update(ctx, func(tx Tx) error {
		d, err := deliveryAndOrder(ctx, tx, d)
		if err != nil || d.State != DeliveryWaiting || d.NextAt.IsZero() {
			return err
		}
		d.NextAt = c.Now()
		return tx.UpdateDelivery(ctx, d, c.Now())
	})
	if err != nil {
		return fmt.Errorf("give back %s: %w", d.ID, err)
	}
	return nil
}

// recordTry writes down a try, and what follows from it for the delivery and for the endpoint.
func (c *Cashier) recordTry(ctx context.Context, claimed Delivery, t DeliveryTry, a WebhookAnswer) (d Delivery, err error) {
	err = c.Store.Update(ctx, func(tx Tx) error {
		if d, err = deliveryAndOrder(ctx, tx, claimed); err != nil {
			return err
		}
		m, _ := c.Merchants.ByID(d.Merchant)
		e, err := endpointOf(ctx, tx, m)
		if err != nil {
			return err
		}
		if err := tx.InsertDeliveryTry(ctx, d.ID, t); err != nil {
			return err
		}
		now := t.At.Add(t.Took)
		d = d.after(t, a)
		if err := tx.UpdateDelivery(ctx, d, now); err != nil {
			return err
		}
		return followEndpoint(ctx, tx, e, e.after(t, a), now)
	})
	return d, err
}

// followEndpoint writes the endpoint's state if it has changed. When it works again, all that waits for it is due.
func followEndpoint(ctx context.Context, tx Tx, from, to Endpoint, now time.Time) error {
	if from == to {
		return nil
	}
	if err := tx.PutEndpoint(ctx, to); err != nil {
		return err
	}
	if from.State == EndpointOn || to.State != EndpointOn {
		return nil
	}
	_, err := tx.HurryDeliveries(ctx, to.Merchant, now.Add(WebhookLease), now)
	return err
}

// after says where the delivery stands after a try.
func (d Delivery) after(t DeliveryTry, a WebhookAnswer) Delivery {
	d.Tries++
	d.Status, d.Trouble = t.Status, t.Trouble
	now := t.At.Add(t.Took)
	switch {
	case t.Trouble == "" && d.State != DeliveryDelivered:
		d.State, d.NextAt, d.DoneAt = DeliveryDelivered, time.Time{}, now
	case d.State != DeliveryWaiting, d.NextAt.IsZero(): // another try of the same, made after a claim had run out, was faster
	case d.Type == WebhookTest, d.Tries > len(webhookPauses):
		d.State, d.NextAt, d.DoneAt = DeliveryFailed, time.Time{}, now
	default:
		pause := spread(webhookPauses[d.Tries-1], string(d.ID), d.Tries)
		d.NextAt = now.Add(max(pause, min(a.RetryAfter, RetryAfterMax)))
	}
	return d
}

// webhookPauses are the pauses between tries, each made up to a quarter longer by spread: three days altogether. It
// is close together at first, for a server that is being restarted, and every four hours later, so that one that was
// mended does not wait for half a day.
var webhookPauses = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
	4 * time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour,
	4 * time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour,
}
