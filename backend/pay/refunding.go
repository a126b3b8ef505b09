package pay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// A NewRefund asks for money back.
type NewRefund struct {
	Order     OrderID
	Amount    Fen
	Reason    string
	Reference string
	By        Actor
	Once      Once
}

// Refund gives money of a paid order back. It is in the books before WeChat Pay is asked; with trouble there the
// refund is returned as requested, and the sweep goes on asking with the same number.
func (c *Cashier) Refund(ctx context.Context, n NewRefund) (Refund, error) {
	var r Refund
	repeated := false
	err := c.Store.Update(ctx, func(tx Tx) error {
		o, err := tx.Order(ctx, n.Order)
		if err != nil {
			return notFound(err)
		}
		made, err := n.Once.made(ctx, tx, o.Merchant)
		if err != nil {
			return err
		}
		if repeated = made != ""; repeated {
			r, err = tx.Refund(ctx, RefundID(made))
			return err
		}
		if o.State != Paid {
			return &Error{Code: Conflict, Message: "an order that is " + string(o.State) + " cannot be refunded"}
		}
		a, err := tx.PaidAttempt(ctx, o.ID, o.TransactionID)
		if err != nil {
			return err
		}
		if err := c.holds(a); err != nil {
			return err
		}
		if err := c.checkRefund(ctx, tx, o, a, n); err != nil {
			return err
		}
		r = c.newRefund(o, a, n.Amount)
		r.Reason, r.Reference = n.Reason, n.Reference
		if err := c.insertRefund(ctx, tx, o, a, &r, n.By); err != nil {
			return err
		}
		return n.Once.keep(ctx, tx, o.Merchant, string(r.ID), r.CreatedAt)
	})
	if err != nil {
		return Refund{}, fmt.Errorf("refund %s: %w", n.Order, err)
	}
	if repeated {
		return r, nil // asked for before; the sweep looks after it
	}
	// A crash here leaves the refund requested. The sweep sends the stored request.
	return c.sendRefund(context.WithoutCancel(ctx), r)
}

// checkRefund refuses what WeChat Pay would refuse, with words that say what is allowed (doc 4013071036).
func (c *Cashier) checkRefund(ctx context.Context, tx Tx, o Order, a Attempt, n NewRefund) error {
	var f fields
	if left := a.Total - a.Refunded; n.Amount < 1 || n.Amount > left {
		f.add("amount", fmt.Sprintf("must be from 1 to %d fen, which is what is left of the payment", left))
	}
	if len(n.Reason) > ReasonMax {
		f.add("reason", fmt.Sprintf("must have at most %d bytes, which is %d Chinese characters", ReasonMax, ReasonMax/3))
	}
	checkText(&f, "reason", n.Reason, ReasonMax)
	checkText(&f, "reference", n.Reference, ReferenceMax)
	if err := f.err(); err != nil {
		return err
	}
	refunds, err := tx.Refunds(ctx, o.ID)
	if err != nil {
		return err
	}
	now, count := c.Now(), 0
	var newest time.Time
	for _, r := range refunds {
		if r.OutTradeNo == a.OutTradeNo {
			newest = r.CreatedAt
			count++
		}
	}
	switch {
	case now.Sub(o.PaidAt) > RefundWithin:
		return &Error{Code: Conflict, Message: "WeChat Pay refunds within 365 days of the payment"}
	case count >= RefundsMax:
		return &Error{Code: Conflict, Message: fmt.Sprintf("WeChat Pay refunds a payment in at most %d parts", RefundsMax)}
	case now.Sub(newest) < RefundEvery:
		return &Error{Code: Busy, Message: fmt.Sprintf("WeChat Pay wants a minute between two refunds of a payment; ask again in %d s",
			int(newest.Add(RefundEvery).Sub(now).Seconds())+1)}
	}
	return nil
}

func (c *Cashier) newRefund(o Order, a Attempt, amount Fen) Refund {
	now := c.Now()
	return Refund{
		ID: RefundID("R" + c.NewName()), Order: o.ID, OutTradeNo: a.OutTradeNo, Merchant: a.Merchant,
		State: RefundRequested, Amount: amount, CreatedAt: now, CheckAt: now,
	}
}

// giveBack makes a refund of a whole payment by rule, after at the earliest; the sweep sends it.
func (c *Cashier) giveBack(ctx context.Context, tx Tx, o Order, a Attempt, after time.Duration) error {
	r := c.newRefund(o, a, a.Total-a.Refunded)
	r.Automatic = true
	r.CheckAt = r.CheckAt.Add(after)
	return c.insertRefund(ctx, tx, o, a, &r, Actor{})
}

// insertRefund writes a refund and sets its amount aside from what is left of the payment. The database refuses
// to set aside more than there is.
func (c *Cashier) insertRefund(ctx context.Context, tx Tx, o Order, a Attempt, r *Refund, by Actor) (err error) {
	r.Request, err = c.RefundGateway.ComposeRefund(RefundTerms{
		Merchant: r.Merchant, ID: r.ID, TransactionID: a.TransactionID, Amount: r.Amount, Total: a.Total, Reason: r.Reason,
	})
	if err != nil {
		return fmt.Errorf("compose the refund request: %w", err)
	}
	a.Refunded += r.Amount
	if err := tx.UpdateAttempt(ctx, a, AttemptPaid); err != nil {
		return err
	}
	if err := tx.InsertRefund(ctx, *r); err != nil {
		return err
	}
	detail := refundDetail(*r)
	if err := c.logStaff(ctx, tx, by, RefundMade, string(o.ID), map[string]string{"refund": detail["refund"], "amount": detail["amount"]}); err != nil {
		return err
	}
	return record(ctx, tx, Event{Order: o.ID, Version: o.Version, Kind: RefundAsked, At: r.CreatedAt, Detail: by.sign(detail)})
}

func refundDetail(r Refund) map[string]string {
	return map[string]string{
		"refund": string(r.ID), "amount": strconv.FormatInt(int64(r.Amount), 10), "out_trade_no": r.OutTradeNo,
		"state": string(r.State), "automatic": strconv.FormatBool(r.Automatic),
	}
}

// sendRefund sends the stored request and books what WeChat Pay says. Whatever the trouble, the refund stays
// requested and is returned as it stands: the same number is asked for again until there is an answer.
func (c *Cashier) sendRefund(ctx context.Context, r Refund) (Refund, error) {
	report, err := c.RefundGateway.Refund(r.about(ctx), r.Merchant, r.Request)
	if err == nil {
		return c.SettleRefund(ctx, report)
	}
	if outcomeOf(err) == Refused && !mayHelpLater(err) {
		// Also when our own earlier request, of which we heard nothing, may have been taken.
		if report, queryErr := c.RefundGateway.QueryRefund(r.about(ctx), r.Merchant, r.ID); queryErr == nil {
			return c.SettleRefund(ctx, report)
		} else if outcomeOf(queryErr) == Missing {
			return c.closeRefund(ctx, r, err)
		}
	}
	return c.postponeRefund(ctx, r, err)
}

// mayHelpLater reports whether a refused refund may succeed with the same request some time later: the merchant
// tops the balance up (NOT_ENOUGH).
func mayHelpLater(err error) bool {
	e, ok := errors.AsType[*GatewayError](err)
	return ok && e.Code == "NOT_ENOUGH"
}

// lookAtRefund asks where a claimed refund stands, and sends it again if WeChat Pay does not know it.
func (c *Cashier) lookAtRefund(ctx context.Context, r Refund) error {
	if _, err := c.changeRefund(ctx, r.Merchant, r.ID, func(r *Refund, _ Fen) bool { r.Checks++; return false }); err != nil {
		return err
	}
	if err := c.holdsRefund(ctx, r); err != nil {
		return fmt.Errorf("check refund %s: %w", r.ID, err)
	}
	report, err := c.RefundGateway.QueryRefund(r.about(ctx), r.Merchant, r.ID)
	switch {
	case err == nil:
		_, err = c.SettleRefund(ctx, report)
	case outcomeOf(err) == Missing && r.State == RefundRequested:
		_, err = c.sendRefund(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("check refund %s: %w", r.ID, err)
	}
	return nil
}

// holdsRefund is to refunds what holds is to attempts.
func (c *Cashier) holdsRefund(ctx context.Context, r Refund) (err error) {
	var a Attempt
	err = c.Store.View(ctx, func(tx Tx) error {
		a, err = tx.Attempt(ctx, r.OutTradeNo)
		return err
	})
	if err != nil {
		return err
	}
	return c.holds(a)
}

// troubleMax bounds what is kept of an error, in bytes.
const troubleMax = 300

// excerptMax bounds what is kept of a merchant's answer to a webhook, in bytes.
const excerptMax = 500

// clip cuts s to at most n bytes without breaking a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
