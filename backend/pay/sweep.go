package pay

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Sweep looks after the attempts and refunds that are due: it asks for payments whose callback was lost, replays
// requests that got no answer, and closes what has expired. It returns how many it looked at; the error
// joins what went wrong with single ones, each of which is tried again later.
//
// All it needs to know is in the books, so it goes on after a restart as if nothing had happened.
func (c *Cashier) Sweep(ctx context.Context) (int, error) {
	now := c.Now()
	var attempts []Attempt
	var refunds []Refund
	// Most of the time nothing is due; looking does not take the write lock.
	due := false
	err := c.Store.View(ctx, func(tx Tx) (err error) {
		due, err = tx.AnyDue(ctx, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for what is due: %w", err)
	}
	if !due {
		return 0, nil
	}
	err = c.Store.Update(ctx, func(tx Tx) (err error) {
		if attempts, err = tx.ClaimAttempts(ctx, now, now.Add(SweepLease), SweepBatch); err != nil {
			return err
		}
		refunds, err = tx.ClaimRefunds(ctx, now, now.Add(SweepLease), SweepBatch)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("claim what is due: %w", err)
	}
	return len(attempts) + len(refunds), errors.Join(
		sideBySide(attempts, func(a Attempt) error { return c.look(ctx, a) }),
		sideBySide(refunds, func(r Refund) error { return c.lookAtRefund(ctx, r) }))
}

// sideBySide calls f on every item, SweepParallel at a time, and joins what went wrong.
func sideBySide[T any](items []T, f func(T) error) error {
	errs := make([]error, len(items))
	var wg sync.WaitGroup
	slots := make(chan struct{}, SweepParallel)
	for i, item := range items {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = f(item)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
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
	codeURL, err := c.Gateway.Prepay(ctx, a.Merchant, a.Request)
	if err != nil {
		return &Error{Code: Unavailable, Message: "WeChat Pay gave no code", Err: err}
	}
	_, err = c.recordCode(ctx, a, codeURL)
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
