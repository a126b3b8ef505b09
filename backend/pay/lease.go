package pay

import (
	"context"
	"fmt"
	"time"
)

// LeaseTx reads and writes leases, by which servers that share the books share out work that is done once.
type LeaseTx interface {
	// TakeLease gives the lease of that name to the holder until the moment, if nobody else holds it now.
	TakeLease(ctx context.Context, name, holder string, now, until time.Time) (taken bool, err error)
	// DropLease gives it back.
	DropLease(ctx context.Context, name, holder string) error
}

// Alone runs f unless another server that shares the books is at the work of that name; done says whether it did. A
// server that dies in the middle keeps the others from it for atMost, and so long may f take: the work must be such that
// doing it twice does no harm.
func (c *Cashier) Alone(ctx context.Context, name string, atMost time.Duration, f func() error) (done bool, err error) {
	holder := c.NewName()
	err = c.Store.Update(ctx, func(tx Tx) error {
		now := c.Now()
		done, err = tx.TakeLease(ctx, name, holder, now, now.Add(atMost))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("take the lease %s: %w", name, err)
	}
	if !done {
		return false, nil
	}
	defer func() {
		books := context.WithoutCancel(ctx) // who stops in the middle lets others go on at once
		drop := c.Store.Update(books, func(tx Tx) error { return tx.DropLease(books, name, holder) })
		if drop != nil && err == nil {
			err = fmt.Errorf("drop the lease %s: %w", name, drop)
		}
	}()
	return true, f()
}
