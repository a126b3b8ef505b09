package pay

import (
	"context"
	"fmt"
)

// Reconciliations returns a page of a merchant's reports, the newest day first, and the cursor of the next, "" on the
// last.
func (c *Cashier) Reconciliations(ctx context.Context, m MerchantID, before string, limit int) (list []Reconciliation, next string, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		list, err = tx.Reconciliations(ctx, m, before, limit+1) // one more tells whether there is a next page
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list reconciliations of %s: %w", m, err)
	}
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].Day
	}
	return list, next, nil
}

// Reconciliation returns the report of a day, or an error that wraps ErrNoRow.
func (c *Cashier) Reconciliation(ctx context.Context, m MerchantID, day string) (r Reconciliation, err error) {
	err = c.Store.View(ctx, func(tx Tx) error {
		r, err = tx.Reconciliation(ctx, m, day)
		return err
	})
	if err != nil {
		return Reconciliation{}, fmt.Errorf("look at a reconciliation: %w", err)
	}
	return r, nil
}

// ReconcileBy is [Cashier.Reconcile] in the name of somebody of the staff. The log tells of what was asked for, whatever
// comes of it.
func (c *Cashier) ReconcileBy(ctx context.Context, day string, by Actor) (Reconciliation, error) {
	err := c.Store.Update(ctx, func(tx Tx) error { return c.logStaff(ctx, tx, by, BillReconciled, clip(day, ReferenceMax), nil) })
	if err != nil {
		return Reconciliation{}, fmt.Errorf("reconcile %s of %s: %w", day, by.Merchant, err)
	}
	return c.Reconcile(ctx, by.Merchant, day)
}
