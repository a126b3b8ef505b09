package pay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Backlog is what nobody has come to yet.
type Backlog struct {
	Attempts, Refunds int64     // due, and claimed by nobody
	Since             time.Time // when the longest overdue of them became due; zero if there is none
	Webhooks          int64     // not delivered yet, due or not
}

// Due returns the merchants of whom an attempt or a refund is to be looked at. What is due of a merchant that is not
// configured is passed by: see [Cashier.Stranded].
func (c *Cashier) Due(ctx context.Context) (due []MerchantID, err error) {
	now := c.Now()
	err = c.Store.View(ctx, func(tx Tx) error {
		due, err = tx.DueMerchants(ctx, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for what is due: %w", err)
	}
	return slices.DeleteFunc(due, func(m MerchantID) bool {
		_, known := c.Merchants.ByID(m)
		return !known
	}), nil
}

// Stranded returns what nobody looks after: payments and refunds under way whose merchant is not configured, or has
// another WeChat Pay account now. They stay in the books as they are until the configuration has the account again,
// and then go on by themselves; meanwhile customers may pay unnoticed. It is for an operator to be told.
func (c *Cashier) Stranded(ctx context.Context) (stranded []UnderWay, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		stranded, err = tx.UnderWay(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for what is stranded: %w", err)
	}
	return slices.DeleteFunc(stranded, func(u UnderWay) bool {
		return c.holds(Attempt{Merchant: u.Merchant, MchID: u.MchID, SubMchID: u.SubMchID}) == nil
	}), nil
}

// Sweep looks after the attempts and refunds of a merchant that are due, until none is: it asks for payments whose
// callback was lost, replays requests that got no answer, and closes what has expired. It returns how many it
// looked at; the error tells of single ones that went wrong, each of which is tried again later.
//
// All it needs to know is in the books, so it goes on after a restart as if nothing had happened. One sweep of a
// merchant at a time is enough; two do no harm, because each claims what it looks at.
func (c *Cashier) Sweep(ctx context.Context, m MerchantID) (looked int, err error) {
	s := sweep{Cashier: c, merchant: m, ended: make(chan error, SweepParallel)}
	for {
		if err := s.launch(ctx); err != nil {
			s.fail(err)
			s.enough = true
		}
		if s.flying == 0 {
			return s.looked, s.err()
		}
		s.land(<-s.ended)
	}
}

// A sweep is one Sweep under way.
type sweep struct {
	*Cashier
	merchant MerchantID
	ended    chan error // of checks under way
	flying   int        // checks under way
	looked   int
	enough   bool // nothing more is claimed

	failed, inRow int
	first         error
}

// launch claims what is due and starts to check it. Only what starts at once is claimed, so that no claim runs out
// while it waits. One check that hangs holds up nobody; half of the places are filled at a time, so that many are
// claimed by one commit.
func (s *sweep) launch(ctx context.Context) error {
	if s.enough || s.flying > SweepParallel/2 || ctx.Err() != nil {
		return nil
	}
	checks, err := s.claim(ctx, SweepParallel-s.flying)
	if err != nil || len(checks) == 0 {
		return err
	}
	if s.Pace != nil {
		if err := s.Pace(ctx, s.merchant, len(checks)); err != nil {
			return fmt.Errorf("wait for a turn: %w", err) // the claims run out
		}
	}
	for _, check := range checks {
		s.flying++
		go func() { s.ended <- check(ctx) }()
	}
	return nil
}

// land counts a check that has ended. When nothing but failures comes, WeChat Pay is in trouble or the merchant's
// circuit is open: the rest is as well looked at a moment later.
func (s *sweep) land(err error) {
	s.flying--
	s.looked++
	if err == nil {
		s.inRow = 0
		return
	}
	s.fail(err)
	if s.inRow++; s.inRow >= SweepParallel {
		s.enough = true
	}
}

func (s *sweep) fail(err error) {
	s.failed++
	if s.first == nil {
		s.first = err
	}
}

func (s *sweep) err() error {
	if s.failed > 1 {
		return fmt.Errorf("%w; and %d more", s.first, s.failed-1)
	}
	return s.first
}

// claim takes at most so many of what is due. Refunds come first: they are few, and somebody waits for the money.
func (s *sweep) claim(ctx context.Context, most int) (checks []func(context.Context) error, err error) {
	now := s.Now()
	// Most of the time nothing is due; looking does not take the write lock.
	due := false
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		due, err = tx.AnyDue(ctx, s.merchant, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for what is due: %w", err)
	}
	if !due {
		return nil, nil
	}
	var refunds []Refund
	var attempts []Attempt
	err = s.Store.Update(ctx, func(tx Tx) (err error) {
		if refunds, err = tx.ClaimRefunds(ctx, s.merchant, now, now.Add(SweepLease), most); err != nil {
			return err
		}
		attempts, err = tx.ClaimAttempts(ctx, s.merchant, now, now.Add(SweepLease), most-len(refunds))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim what is due: %w", err)
	}
	for _, r := range refunds {
		checks = append(checks, func(ctx context.Context) error { return s.lookAtRefund(ctx, r) })
	}
	for _, a := range attempts {
		checks = append(checks, func(ctx context.Context) error { return s.look(ctx, a) })
	}
	return checks, nil
}

// look checks one claimed attempt and says when to look again. A crash in here leaves the claim to run out.
func (c *Cashier) look(ctx context.Context, a Attempt) error {
	err := c.check(ctx, a)
	// Paid after all, or asked for too early: as good an end as any.
	if code := CodeOf(err); code == Conflict || code == Busy {
		err = nil
	}
	if later := c.lookAgain(ctx, a); later != nil {
		return errors.Join(err, later)
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", a.OutTradeNo, err)
	}
	return nil
}

// check does for an attempt what its age asks for.
func (c *Cashier) check(ctx context.Context, a Attempt) error {
	o, err := c.orderOf(ctx, a)
	if err != nil {
		return err
	}
	if settled := o.State == Paid || o.State == Refunded; settled || a.expired(c.Now()) {
		if err := c.shut(ctx, a); err != nil {
			return err
		}
		_, err := c.finish(ctx, a, TimedOut)
		return err
	}
	state, err := c.ask(ctx, a)
	if err != nil {
		return err
	}
	switch {
	case state == TradeClosed: // in the merchant platform, behind our back: nobody can pay it
		_, err = c.finish(ctx, a, TimedOut)
		return err
	case a.State == AttemptRequested:
		return c.replay(ctx, a)
	}
	return nil
}

func (c *Cashier) orderOf(ctx context.Context, a Attempt) (o Order, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		o, err = tx.Order(ctx, a.Order)
		return err
	})
	return o, err
}

// replay sends the stored request once more, after a query has shown that nobody paid it.
func (c *Cashier) replay(ctx context.Context, a Attempt) error {
	result, err := c.Gateway.Prepay(a.about(ctx), a.Merchant, a.Channel, a.Request)
	if err != nil {
		return &Error{Code: Unavailable, Message: "WeChat Pay gave no code", Err: err}
	}
	_, err = c.recordResult(ctx, a, result)
	return err
}

// lookAgain puts a live attempt back into the schedule.
func (c *Cashier) lookAgain(ctx context.Context, a Attempt) error {
	err := c.Store.Update(ctx, func(tx Tx) error {
		a, err := tx.Attempt(ctx, a.OutTradeNo)
		if err != nil || !a.State.Live() {
			return err
		}
		a.Checks++
		if a.State == AttemptRequested {
			a.CheckAt = c.Now().Add(a.retryDelay())
		} else {
			a.CheckAt = a.nextCheck(c.Now())
		}
		return tx.UpdateAttempt(ctx, a, a.State)
	})
	if err != nil {
		return fmt.Errorf("schedule %s: %w", a.OutTradeNo, err)
	}
	return nil
}
