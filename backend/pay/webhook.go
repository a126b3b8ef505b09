package pay

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A WebhookType is what a webhook tells a merchant's server.
//
// A shop needs to hear of what changes what it owes its customer, and of nothing else:
//
//   - Late money (after expiry or cancel) is [WebhookOrderPaid] with late set, also after an [WebhookOrderExpired] of the same order.
//     Where the merchant's rule is [LateRefund] it is no WebhookOrderPaid, because goods must not go out for it: the shop hears
//     of the refund and then [WebhookOrderRefunded].
//   - A partial refund is [WebhookRefundSucceeded] alone. The refund that gives back the last fen is that, followed by
//     WebhookOrderRefunded.
//   - A second payment of an order that is paid goes back by itself. For the shop neither has happened: the order stays
//     as it was, and nothing is sent. Its history has both.
//   - A refund that WeChat Pay gave up, or that a person must help along (abnormal), is [WebhookRefundFailed]. An abnormal
//     one may still succeed.
type WebhookType string

// The types.
const (
	WebhookOrderPaid       WebhookType = "order.paid"
	WebhookOrderExpired    WebhookType = "order.expired" // it may be renewed, and paid after all
	WebhookOrderCancelled  WebhookType = "order.cancelled"
	WebhookOrderRefunded   WebhookType = "order.refunded" // the whole amount
	WebhookRefundSucceeded WebhookType = "refund.succeeded"
	WebhookRefundFailed    WebhookType = "refund.failed"
	WebhookReconciled      WebhookType = "reconciliation.finished"

	// WebhookTest means nothing. It is sent on a person's wish, once.
	WebhookTest WebhookType = "webhook.test"
)

// WebhookTypes lists every type.
func WebhookTypes() []WebhookType {
	return []WebhookType{WebhookOrderPaid, WebhookOrderExpired, WebhookOrderCancelled, WebhookOrderRefunded, WebhookRefundSucceeded, WebhookRefundFailed,
		WebhookReconciled, WebhookTest}
}

// A Delivery is one webhook. It is written in the transaction of the change it tells of, with the body as it is sent,
// byte for byte, so that what is heard is what was committed, however much later it is heard.
//
// It is sent at least once: a crash between the answer of the merchant's server and our note of it leads to a
// repeat. ID is the same in every try, also of one sent again by hand, so that the merchant's server can tell.
//
// Deliveries of one order are sent in the order of the changes, each when the one before it was delivered or given
// up. Those of different orders do not wait for one another.
type Delivery struct {
	ID       DeliveryID // the header webhook-id
	Merchant MerchantID
	Type     WebhookType
	Order    OrderID // empty: of no order
	Subject  string  // what it tells of: the id of an order or a refund, the day of a reconciliation
	// Version tells two things of the same subject and type apart: an order's version, a refund's state, the moment of
	// a reconciliation. The same is never written twice.
	Version string
	Body    []byte // JSON: type, timestamp, data

	State     DeliveryState
	CreatedAt time.Time // the body's timestamp
	NextAt    time.Time // of the next try; zero: not before an earlier one of the order has ended, or none
	Tries     int       // since it was made, or sent again by hand
	DoneAt    time.Time // when it was delivered or given up; zero until then
	Status    int       // HTTP status of the last answer; 0: none yet, or no answer
	Trouble   string    // why the last try failed; empty if it did not
}

// A DeliveryID names a delivery.
type DeliveryID string

// A DeliveryState is where a delivery is.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaiting   DeliveryState = "waiting"
	DeliveryDelivered DeliveryState = "delivered" // answered with a status of 200 to 299
	DeliveryFailed    DeliveryState = "failed"    // given up after three days of trying
)

// DeliveryStates lists every state.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryWaiting, DeliveryDelivered, DeliveryFailed}
}

// A DeliveryTry is one POST of a delivery.
type DeliveryTry struct {
	Number  int // 1, 2, 3, … over the whole life of the delivery
	At      time.Time
	Took    time.Duration
	Status  int    // HTTP status; 0: no answer
	Trouble string // why it failed; empty if it did not
	Excerpt string // the beginning of the answer's body, printable
}

// A WebhookGateway posts webhooks to merchants' servers.
type WebhookGateway interface {
	// PostWebhook signs and posts the body and takes at most [WebhookLimit]. Whatever goes wrong stands in the answer.
	PostWebhook(ctx context.Context, m MerchantID, id DeliveryID, at time.Time, body []byte) WebhookAnswer
}

// A WebhookAnswer is what came of a POST.
type WebhookAnswer struct {
	Status     int           // HTTP status; 0: no answer
	Trouble    string        // why there was no answer, one line without secrets
	Excerpt    string        // the beginning of the body, printable, at most some hundred bytes
	RetryAfter time.Duration // what the server asks us to wait; 0: nothing asked
}

// WebhookTx reads and writes deliveries and the state of the merchants' endpoints.
type WebhookTx interface {
	Delivery(context.Context, DeliveryID) (Delivery, error)
	Deliveries(context.Context, DeliveryFilter) ([]Delivery, error)
	// InsertDelivery writes a delivery behind the others of its order: if one of them is waiting, NextAt is made zero. If the
	// same was written before it does nothing.
	InsertDelivery(context.Context, Delivery) error
	// UpdateDelivery writes what may change. When the delivery has ended, the next of its order is to be sent at now.
	UpdateDelivery(ctx context.Context, d Delivery, now time.Time) error
	// AnyDeliveryDue reports whether a delivery of the merchant is to be sent at now, whatever its endpoint's state.
	AnyDeliveryDue(ctx context.Context, m MerchantID, now time.Time) (bool, error)
	// ClaimDeliveries returns deliveries that are due, the longest first, and moves their NextAt to until, so that nobody
	// else claims them meanwhile. There are never two of the same order.
	ClaimDeliveries(ctx context.Context, m MerchantID, now, until time.Time, limit int) ([]Delivery, error)
	// HurryDeliveries makes what is to be sent after the given moment due now, and returns how many.
	HurryDeliveries(ctx context.Context, m MerchantID, after, now time.Time) (int, error)
	// ReviveDelivery makes a delivery that has ended wait again, in its place among those of its order.
	ReviveDelivery(ctx context.Context, id DeliveryID, now time.Time) error
	// ReviveDeliveries makes waiting again what ended in one of the states and was made at since or later, tests excepted,
	// and returns how many.
	ReviveDeliveries(ctx context.Context, m MerchantID, since, now time.Time, states []DeliveryState) (int, error)
	InsertDeliveryTry(context.Context, DeliveryID, DeliveryTry) error
	DeliveryTries(context.Context, DeliveryID) ([]DeliveryTry, error) // oldest first
	// DeliveryBacklog counts those that wait, and says when the oldest of them was made.
	DeliveryBacklog(context.Context, MerchantID) (waiting int, oldest time.Time, err error)

	Endpoint(context.Context, MerchantID) (Endpoint, error)
	PutEndpoint(context.Context, Endpoint) error
}

// A DeliveryFilter chooses a merchant's deliveries, newest first. Zero fields do not filter.
type DeliveryFilter struct {
	Merchant MerchantID
	Order    OrderID
	Type     WebhookType
	State    DeliveryState
	Before   DeliveryID // only deliveries older than this one: the cursor
	Limit    int        // 1 to ListMax
}

// tell writes a delivery, in the transaction of the change it tells of. The subject is an [Order], a [Refund] or a
// [Reconciliation]. A merchant without an endpoint is told nothing, also not later.
func (c *Cashier) tell(ctx context.Context, tx Tx, d Delivery, subject any) error {
	m, ok := c.Merchants.ByID(d.Merchant)
	if !ok || m.WebhookURL == "" || c.RenderWebhook == nil {
		return nil
	}
	d = c.newDelivery(d, subject)
	if err := tx.InsertDelivery(ctx, d); err != nil {
		return fmt.Errorf("write the webhook %s of %s: %w", d.Type, d.Subject, err)
	}
	return nil
}

func (c *Cashier) newDelivery(d Delivery, subject any) Delivery {
	now := c.Now()
	d.ID = DeliveryID("msg_" + c.NewName())
	d.State, d.CreatedAt, d.NextAt = DeliveryWaiting, now, now
	d.Body = c.RenderWebhook(d.Type, now, subject)
	return d
}

// tellOfOrder writes what a shop must hear of an order that has just moved by k.
func (c *Cashier) tellOfOrder(ctx context.Context, tx Tx, o Order, k Kind, second bool) error {
	t := c.newsOf(o, k, second)
	if t == "" {
		return nil
	}
	return c.tell(ctx, tx, Delivery{
		Merchant: o.Merchant, Type: t, Order: o.ID, Subject: string(o.ID), Version: fmt.Sprint(o.Version),
	}, o)
}

// newsOf says which type tells of an order's move, "" if none. See [WebhookType] for the reasons.
func (c *Cashier) newsOf(o Order, k Kind, second bool) WebhookType {
	switch k {
	case Succeeded:
		m, _ := c.Merchants.ByID(o.Merchant)
		if second || o.Late && m.Late == LateRefund {
			return ""
		}
		return WebhookOrderPaid
	case TimedOut:
		return WebhookOrderExpired
	case CalledOff:
		return WebhookOrderCancelled
	case Returned:
		return WebhookOrderRefunded
	}
	return ""
}

// tellOfRefund writes what a shop must hear of a refund of its order's payment that has just moved.
func (c *Cashier) tellOfRefund(ctx context.Context, tx Tx, r Refund) error {
	var t WebhookType
	switch r.State {
	case RefundSucceeded:
		t = WebhookRefundSucceeded
	case RefundAbnormal, RefundClosed:
		t = WebhookRefundFailed
	default:
		return nil
	}
	return c.tell(ctx, tx, Delivery{
		Merchant: r.Merchant, Type: t, Order: r.Order, Subject: string(r.ID), Version: string(r.State),
	}, r)
}

func (c *Cashier) tellOfReconciliation(ctx context.Context, tx Tx, r Reconciliation) error {
	return c.tell(ctx, tx, Delivery{
		Merchant: r.Merchant, Type: WebhookReconciled, Subject: r.Day, Version: r.At.UTC().Format(time.RFC3339Nano),
	}, r)
}

// told lets the delivering of a merchant's webhooks look for what was committed.
func (c *Cashier) told(m MerchantID) {
	if c.Told != nil {
		c.Told(m)
	}
}

// Deliveries lists a merchant's deliveries, newest first.
func (c *Cashier) Deliveries(ctx context.Context, f DeliveryFilter) (list []Delivery, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		list, err = tx.Deliveries(ctx, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return list, nil
}

// Delivery returns a delivery of the merchant with all its tries, the oldest first.
func (c *Cashier) Delivery(ctx context.Context, m MerchantID, id DeliveryID) (d Delivery, tries []DeliveryTry, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		if d, err = ownDelivery(ctx, tx, m, id); err != nil {
			return err
		}
		tries, err = tx.DeliveryTries(ctx, id)
		return err
	})
	if err != nil {
		return Delivery{}, nil, fmt.Errorf("look at delivery %s: %w", id, err)
	}
	return d, tries, nil
}

// ownDelivery reads a delivery. Another merchant's is as unknown as none.
func ownDelivery(ctx context.Context, tx Tx, m MerchantID, id DeliveryID) (Delivery, error) {
	d, err := tx.Delivery(ctx, id)
	if errors.Is(err, ErrNoRow) || err == nil && d.Merchant != m {
		return Delivery{}, &Error{Code: NotFound, Message: "no such delivery"}
	}
	return d, err
}
