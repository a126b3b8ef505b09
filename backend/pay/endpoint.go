package pay

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// An Endpoint is how the merchant's server that takes the webhooks has been doing.
type Endpoint struct {
	Merchant MerchantID
	// URL is a digest of the address this is about. With another one in the configuration all begins afresh.
	URL   string
	State EndpointState

	Failures     int       // tries that failed since the last that did not
	FailingSince time.Time // the first of them
	StoppedAt    time.Time // zero unless it is stopped or gone
	Probes       int       // since then
	Reason       string    // of the last failure

	// NextAt is when something may be sent again: the next probe, or what the server asked for with Retry-After. Zero: at
	// once, or, if it is gone, never.
	NextAt time.Time
}

// An EndpointState is whether webhooks are sent to a merchant's server.
type EndpointState string

// The states of an endpoint. In the two where little or nothing is sent, new deliveries wait and are kept.
const (
	EndpointOn      EndpointState = "on"
	EndpointStopped EndpointState = "stopped" // it has failed for long: one delivery at a time is tried now and then
	EndpointGone    EndpointState = "gone"    // it answered 410: nothing is sent until a person says so, or the address changes
)

// freshEndpoint is the state of an address nothing is known of.
func freshEndpoint(m Merchant) Endpoint {
	return Endpoint{Merchant: m.ID, URL: digestText(m.WebhookURL), State: EndpointOn}
}

func digestText(s string) string {
	d := DigestOf(s)
	return hex.EncodeToString(d[:])
}

// endpointOf reads the state of the endpoint that the merchant has now.
func endpointOf(ctx context.Context, tx WebhookTx, m Merchant) (Endpoint, error) {
	e, err := tx.Endpoint(ctx, m.ID)
	if errors.Is(err, ErrNoRow) || err == nil && e.URL != digestText(m.WebhookURL) {
		return freshEndpoint(m), nil
	}
	return e, err
}

// room says how many deliveries may be sent to the endpoint at now, of the most that are wanted.
func (e Endpoint) room(now time.Time, most int) int {
	switch {
	case e.State == EndpointGone, now.Before(e.NextAt):
		return 0
	case e.State == EndpointStopped:
		return min(most, 1)
	}
	return most
}

// probing takes note that a delivery is sent to a stopped endpoint, to see whether it works again.
func (e Endpoint) probing(now time.Time) Endpoint {
	pauses := [...]time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, WebhookProbeEvery}
	e.NextAt = now.Add(max(pauses[min(e.Probes, len(pauses)-1)], WebhookLease))
	e.Probes++
	return e
}

// after says how the endpoint stands after a try.
func (e Endpoint) after(t DeliveryTry, a WebhookAnswer) Endpoint {
	if t.Trouble == "" {
		if e.State != EndpointOn && t.At.Before(e.StoppedAt) {
			return e // sent before it stopped: no proof that it works again
		}
		return Endpoint{Merchant: e.Merchant, URL: e.URL, State: EndpointOn}
	}
	if e.Failures == 0 {
		e.FailingSince = t.At
	}
	e.Failures++
	e.Reason = t.Trouble
	end := t.At.Add(t.Took)
	switch {
	case e.State == EndpointGone:
		return e
	case t.Status == statusGone:
		e.State, e.StoppedAt, e.NextAt = EndpointGone, end, time.Time{}
		return e
	case e.State == EndpointOn && e.Failures >= WebhookFailuresMax && end.Sub(e.FailingSince) >= WebhookFailingMax:
		e.State, e.StoppedAt, e.Probes = EndpointStopped, end, 0
		e = e.probing(end)
	}
	if a.RetryAfter > 0 {
		if asked := end.Add(min(a.RetryAfter, RetryAfterMax)); asked.After(e.NextAt) {
			e.NextAt = asked
		}
	}
	return e
}

// statusGone is HTTP's 410: the Standard Webhooks specification has it mean that no more webhooks are wanted.
const statusGone = 410

// An EndpointReport is what an operator wants to know of an endpoint.
type EndpointReport struct {
	Endpoint
	Configured bool      // the merchant has a webhook_url
	Waiting    int       // deliveries not sent yet
	Oldest     time.Time // when the oldest of them was made; zero if none is
}

// WebhookEndpoint tells how the merchant's endpoint stands.
func (c *Cashier) WebhookEndpoint(ctx context.Context, id MerchantID) (r EndpointReport, err error) {
	m, ok := c.Merchants.ByID(id)
	if !ok {
		return r, &Error{Code: NotFound, Message: "no such merchant"}
	}
	err = c.Store.View(ctx, func(tx Tx) error {
		r = EndpointReport{Configured: m.WebhookURL != ""}
		if r.Endpoint, err = endpointOf(ctx, tx, m); err != nil {
			return err
		}
		r.Waiting, r.Oldest, err = tx.DeliveryBacklog(ctx, id)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("look at the webhook endpoint of %s: %w", id, err)
	}
	return r, nil
}

// EnableWebhooks has the merchant's webhooks sent again, all that wait at once, whatever stopped them.
func (c *Cashier) EnableWebhooks(ctx context.Context, id MerchantID) error {
	return c.EnableWebhooksBy(ctx, id, Actor{})
}

// EnableWebhooksBy is the same, in the name of somebody of the staff.
func (c *Cashier) EnableWebhooksBy(ctx context.Context, id MerchantID, by Actor) error {
	m, err := c.withWebhook(id)
	if err != nil {
		return err
	}
	now := c.Now()
	err = c.Store.Update(ctx, func(tx Tx) error {
		if err := tx.PutEndpoint(ctx, freshEndpoint(m)); err != nil {
			return err
		}
		if _, err := tx.HurryDeliveries(ctx, id, now.Add(WebhookLease), now); err != nil {
			return err
		}
		return c.logStaff(ctx, tx, by, WebhooksEnabled, "", nil)
	})
	if err != nil {
		return fmt.Errorf("enable the webhooks of %s: %w", id, err)
	}
	c.told(id)
	return nil
}

// withWebhook finds a merchant that has an endpoint.
func (c *Cashier) withWebhook(id MerchantID) (Merchant, error) {
	m, ok := c.Merchants.ByID(id)
	if !ok {
		return m, &Error{Code: NotFound, Message: "no such merchant"}
	}
	if m.WebhookURL == "" || c.RenderWebhook == nil {
		return m, &Error{Code: Conflict, Message: "the merchant has no webhook_url"}
	}
	return m, nil
}
