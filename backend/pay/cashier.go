package pay

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// A Cashier (收银员) applies the rules: it makes orders, takes money in and closes what nobody paid. Its
// fields are set once, before its first use; its methods may be called from many goroutines.
type Cashier struct {
	Store         Store
	Gateway       Gateway
	RefundGateway RefundGateway
	BillGateway   BillGateway
	Merchants     *Merchants
	Now           func() time.Time
	NewName       func() string // unique, growing with time, at most 32 of [0-9A-Za-z]: an out_trade_no
	NewToken      func() Token  // unguessable: at least 128 random bits

	// Pace waits until the sweep may make n more checks of a merchant, which are as many calls to WeChat Pay, or
	// some more at expiry. nil: at once.
	Pace func(ctx context.Context, m MerchantID, n int) error

	// Committed is told of every order whose change was committed and of what happened, after the commit and before
	// whoever asked for the change is answered. It must not block.
	Committed func(Order, Kind)

	// RenderWebhook renders the body of a webhook about an [Order], a [Refund] or a [Reconciliation]; nil: about nothing,
	// for a test. If it is nil no webhooks are written.
	RenderWebhook  func(t WebhookType, at time.Time, subject any) []byte
	WebhookGateway WebhookGateway

	// Told is told, after the commit, of a merchant for whom there may be webhooks to be sent. Tried is told of every try
	// that was recorded, with the delivery as it then stands. They must not block; nil: nobody wants to know.
	Told  func(MerchantID)
	Tried func(Delivery, DeliveryTry)

	asked askedLog
}

// CreateOrder stores an order with its first attempt and asks WeChat Pay for the code. With trouble at
// WeChat Pay it returns an error of code [Unavailable] beside the stored order, which is still [Created]:
// the sweep goes on asking, and who watches the order sees the code when it comes.
func (c *Cashier) CreateOrder(ctx context.Context, n NewOrder) (Order, error) {
	m, ok := c.Merchants.ByID(n.Merchant)
	if !ok {
		return Order{}, &Error{Code: NotFound, Message: "no such merchant"}
	}
	o, a, err := c.open(ctx, m, n)
	switch {
	case err != nil:
		return Order{}, err
	case a.OutTradeNo != "":
	case o.State == Created: // made before by the same request, and somebody is asking WeChat Pay
		return o, &Error{Code: Unavailable, Message: "WeChat Pay has not answered yet; ask again"}
	case o.State == Cancelled: // by ourselves, when WeChat Pay refused it: nobody else has heard of it
		return o, &Error{Code: Declined, Message: "WeChat Pay refused the order"}
	default:
		return o, nil
	}
	// A crash here leaves an order that no browser has heard of. Nobody can pay it; the sweep closes it.
	return c.prepay(ctx, o, a)
}

// open stores the order and its first attempt. If the same request made an order before, it returns that, and no
// attempt.
func (c *Cashier) open(ctx context.Context, m Merchant, n NewOrder) (o Order, a Attempt, err error) {
	f := n.check(m)
	if err := f.err(); err != nil {
		return o, a, err
	}
	now := c.Now()
	err = c.Store.Update(ctx, func(tx Tx) error {
		o, a = Order{}, Attempt{}
		made, err := n.Once.made(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		if made != "" {
			o, err = tx.Order(ctx, OrderID(made))
			return err
		}
		items, total, err := n.total(ctx, tx)
		if err != nil {
			return err
		}
		o = c.newOrder(n, items, total, now)
		if a, err = c.newAttempt(m, o, n.Way, now); err != nil {
			return err
		}
		if err := insert(ctx, tx, o, a); err != nil {
			return err
		}
		if err := reserve(ctx, tx, o); err != nil {
			return err
		}
		return n.Once.keep(ctx, tx, m.ID, string(o.ID), now)
	})
	if err != nil {
		return Order{}, Attempt{}, fmt.Errorf("open an order: %w", err)
	}
	if a.OutTradeNo != "" {
		c.committed(o, Opened)
	}
	return o, a, nil
}

// total says what an order comes to, by the catalogue or by the amount named.
func (n NewOrder) total(ctx context.Context, tx CatalogTx) ([]Item, Fen, error) {
	if len(n.Lines) == 0 {
		return nil, n.Amount, nil
	}
	var f fields
	items, total, err := price(ctx, tx, n.Merchant, n.Lines, &f)
	if err != nil {
		return nil, 0, err
	}
	if len(f) == 0 && total > TotalMax {
		f.add("items", fmt.Sprintf("must come to at most %d fen", TotalMax))
	}
	return items, total, f.err()
}

// insert writes a new order.
func insert(ctx context.Context, tx Tx, o Order, a Attempt) error {
	if err := tx.InsertOrder(ctx, o); err != nil {
		return err
	}
	if err := tx.InsertAttempt(ctx, a); err != nil {
		return err
	}
	e := Event{Order: o.ID, Version: o.Version, Kind: Opened, At: o.CreatedAt, Detail: map[string]string{
		"out_trade_no": a.OutTradeNo, "total": strconv.FormatInt(int64(o.Total), 10), "channel": string(a.Channel),
	}}
	return recordFirst(ctx, tx, e)
}

func (c *Cashier) newOrder(n NewOrder, items []Item, total Fen, now time.Time) Order {
	life := n.ExpiresIn
	if life == 0 {
		life = ExpiresInDefault
	}
	description := n.Description
	if description == "" {
		description = describe(items)
	}
	return Order{
		ID:          OrderID("ord_" + c.NewName()),
		Merchant:    n.Merchant,
		Token:       c.NewToken(),
		State:       Created,
		Version:     1,
		Total:       total,
		Description: description,
		Reference:   n.Reference,
		Items:       items,
		Metadata:    n.Metadata,
		Channel:     n.Way.channel(),
		ReturnURL:   n.ReturnURL,
		CreatedAt:   bookTime(now),
		ExpiresAt:   bookTime(now.Add(life)),
	}
}

func (c *Cashier) newAttempt(m Merchant, o Order, w Way, now time.Time) (Attempt, error) {
	name := c.NewName()
	request, err := c.Gateway.Compose(Prepay{
		Merchant: m.ID, OutTradeNo: name, Total: o.Total, Description: o.Description, ExpiresAt: o.ExpiresAt, Way: w,
	})
	if err != nil {
		return Attempt{}, fmt.Errorf("compose the prepay request: %w", err)
	}
	return Attempt{
		OutTradeNo: name, Order: o.ID, Merchant: m.ID, State: AttemptRequested, Channel: w.channel(), Payer: w.payer(),
		MchID: m.MchID, AppID: m.AppID, SubMchID: m.SubMchID, Total: o.Total, Request: request,
		CreatedAt: now, ExpiresAt: o.ExpiresAt,
		// Not before our own call has come to an end one way or the other.
		CheckAt: now.Add(PrepaySettle),
	}, nil
}

// prepay asks for what a new attempt is paid by, twice if the first failure was quick.
func (c *Cashier) prepay(ctx context.Context, o Order, a Attempt) (Order, error) {
	began := c.Now()
	books := context.WithoutCancel(ctx) // what happened is recorded though the customer may have left
	result, err := c.Gateway.Prepay(a.about(ctx), a.Merchant, a.Channel, a.Request)
	switch {
	case err == nil:
	case outcomeOf(err) != Unsure:
		// Refused at the first time of asking: WeChat Pay holds nothing of this number.
		return c.refused(ctx, o, a, &Error{Code: Declined, Message: "WeChat Pay refused the order", Err: err})
	case c.Now().Sub(began) < PrepayRetryWithin && ctx.Err() == nil:
		result, err = c.Gateway.Prepay(a.about(ctx), a.Merchant, a.Channel, a.Request)
	}
	if err != nil {
		// Done or not done: from here on the sweep asks and replays. It need not wait for us any more.
		if hurryErr := c.hurry(books, a); hurryErr != nil {
			return o, hurryErr
		}
		return o, &Error{Code: Unavailable, Message: "WeChat Pay did not answer; ask again", Err: err}
	}
	// A crash here loses the result. The sweep replays the stored request and gets another one.
	return c.recordResult(books, a, result)
}

// refused ends an attempt that WeChat Pay has refused, for the reason given. An order that was payable before in
// another channel is given a code again: what the merchant has not opened at WeChat Pay must not cost the sale.
func (c *Cashier) refused(ctx context.Context, o Order, a Attempt, reason *Error) (Order, error) {
	books := context.WithoutCancel(ctx)
	first := o.Version == 1 // nobody else has heard of the order
	if first || a.Channel == Native {
		kind := TimedOut
		if first {
			kind = CalledOff
		}
		if _, err := c.finish(books, a, kind); err != nil {
			return o, err
		}
		return o, reason
	}
	o, fresh, err := c.replace(books, o.ID, a, Way{Channel: Native})
	if err != nil {
		return o, err
	}
	if o, err = c.prepay(ctx, o, fresh); err != nil {
		return o, err
	}
	return o, reason
}

// recordResult stores what an attempt that has nothing yet is paid by; the order follows if it was waiting for it.
func (c *Cashier) recordResult(ctx context.Context, a Attempt, result string) (o Order, err error) {
	var kind Kind
	name, changed := a.OutTradeNo, false
	err = c.Store.Update(ctx, func(tx Tx) error {
		changed = false
		if a, err = tx.Attempt(ctx, name); err != nil {
			return err
		}
		if o, err = tx.Order(ctx, a.Order); err != nil {
			return err
		}
		if a.State != AttemptRequested {
			return nil // paid or closed before the answer arrived: the result is of no use any more
		}
		a.State, a.PrepayResult, a.PrepaidAt = AttemptOpen, result, c.Now()
		a.CheckAt = a.nextCheck(c.Now())
		kind = Prepaid
		if o.State != Created {
			kind = Renewed
		}
		_, unwanted := o.State.On(kind)
		if unwanted != nil {
			a.CheckAt = c.Now() // paid or cancelled meanwhile: the sweep closes the attempt
		}
		if err := tx.UpdateAttempt(ctx, a, AttemptRequested); err != nil || unwanted != nil {
			return err
		}
		changed = true
		o.ExpiresAt, o.Channel = a.ExpiresAt, a.Channel
		o.CodeURL = ""
		if a.Channel == Native {
			o.CodeURL = a.PrepayResult
		}
		o, err = c.advance(ctx, tx, o, kind, map[string]string{"out_trade_no": a.OutTradeNo, "channel": string(a.Channel)})
		return err
	})
	if err != nil {
		return Order{}, fmt.Errorf("record the prepay result of %s: %w", name, err)
	}
	if changed {
		c.committed(o, kind)
	}
	return o, nil
}

// hurry lets the sweep look at an attempt that is still without a code at once.
func (c *Cashier) hurry(ctx context.Context, a Attempt) error {
	err := c.Store.Update(ctx, func(tx Tx) error {
		a, err := tx.Attempt(ctx, a.OutTradeNo)
		if err != nil || a.State != AttemptRequested {
			return err
		}
		a.CheckAt = c.Now().Add(a.retryDelay())
		return tx.UpdateAttempt(ctx, a, AttemptRequested)
	})
	if err != nil {
		return fmt.Errorf("hand %s to the sweep: %w", a.OutTradeNo, err)
	}
	return nil
}

// advance is the only code that changes the state of an order. It appends the event that says why, and returns the order
// as it now stands in the books, if the caller has seen to the CodeURL: that is the attempt's.
func (c *Cashier) advance(ctx context.Context, tx Tx, o Order, k Kind, detail map[string]string) (Order, error) {
	next, err := o.State.On(k)
	if err != nil {
		return Order{}, err
	}
	o.State = next
	o.Version++
	o.ExpiresAt, o.PaidAt = bookTime(o.ExpiresAt), bookTime(o.PaidAt)
	if err := tx.UpdateOrder(ctx, o); err != nil {
		return Order{}, err
	}
	e := Event{Order: o.ID, Version: o.Version, Kind: k, At: c.Now(), Detail: detail}
	if err := record(ctx, tx, e); err != nil {
		return Order{}, err
	}
	return o, c.tellOfOrder(ctx, tx, o, k, detail["second"] == "true")
}

func (c *Cashier) committed(o Order, k Kind) {
	if c.Committed != nil {
		c.Committed(o, k)
	}
	if o.State != Created && o.State != Pending {
		c.told(o.Merchant)
	}
}

// Find returns the order that a browser holds the token of.
func (c *Cashier) Find(ctx context.Context, t Token) (o Order, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		o, err = tx.OrderByToken(ctx, t)
		return err
	})
	if err != nil {
		return Order{}, fmt.Errorf("find the order of a token: %w", notFound(err))
	}
	return o, nil
}
