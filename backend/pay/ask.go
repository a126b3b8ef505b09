package pay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Check asks WeChat Pay now whether an order was paid, on the word of a customer who says so, and returns the
// order as it then stands. Within [AskEvery] of the last time it only reads the books: an impatient finger must not
// use up the merchant's rate limit. With trouble at WeChat Pay it returns an error of code [Unavailable] beside
// the order.
func (c *Cashier) Check(ctx context.Context, id OrderID) (Order, error) {
	var a Attempt
	err := c.Store.View(ctx, func(tx Tx) (err error) {
		a, err = tx.LiveAttempt(ctx, id)
		return err
	})
	switch {
	case errors.Is(err, ErrNoRow): // nothing that could be paid
	case err != nil:
		return Order{}, fmt.Errorf("check the payment of %s: %w", id, err)
	case a.State != AttemptOpen: // nobody has its code yet; the sweep looks after it
	case c.asked.again(id, c.Now()):
		err = c.check(ctx, a)
		// Conflict: it was paid, and is in the books now. Busy: somebody else is at it.
		if code := CodeOf(err); code == Conflict || code == Busy {
			err = nil
		}
	}
	o, readErr := c.orderOf(ctx, Attempt{Order: id})
	if readErr != nil {
		return Order{}, fmt.Errorf("check the payment of %s: %w", id, notFound(readErr))
	}
	if err != nil && !errors.Is(err, ErrNoRow) {
		return o, fmt.Errorf("check the payment of %s: %w", id, err)
	}
	return o, nil
}

// An askedLog remembers which orders customers had us ask about a moment ago. It forgets them after [AskEvery],
// so that it is never larger than what is asked for in that time. It is this process's own: with several
// servers WeChat Pay is asked at most once for each of them. The zero askedLog is ready.
type askedLog struct {
	mu sync.Mutex
	at map[OrderID]time.Time
}

// again reports whether the order may be asked about at now, and takes note of it.
func (l *askedLog) again(id OrderID, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other, at := range l.at {
		if age := now.Sub(at); age >= AskEvery || age < 0 { // a clock that was set back must not bar anybody
			delete(l.at, other)
		}
	}
	if _, recent := l.at[id]; recent {
		return false
	}
	if l.at == nil {
		l.at = make(map[OrderID]time.Time)
	}
	l.at[id] = now
	return true
}
