package pay

import (
	"context"
	"fmt"
	"time"
)

// How long what is of no money is kept. Orders, attempts, refunds, their events and the roots over these are kept for ever.
const (
	// DeliveriesKept is from the end of a webhook: as long as somebody may ask whether the shop's server was told, and at
	// least until the last refund of most sales. DeliveryTriesKept is of its tries, which only mending needs.
	DeliveriesKept    = 90 * 24 * time.Hour
	DeliveryTriesKept = 30 * 24 * time.Hour

	// ReportsKept is ten years, as bank statements are to be kept (会计档案管理办法, 财政部令第79号, annex).
	ReportsKept = 10 * 366 * 24 * time.Hour

	// pruneBatch is how many webhooks one transaction looks at: nobody waits long behind it.
	pruneBatch = 200
)

// PruneTx takes out of the books what is old and of no money. Of webhooks it looks at the oldest that come after an id, at
// most so many, and returns after which to go on: "" where what follows is younger than the time.
type PruneTx interface {
	// PruneDeliveries removes those that ended before the time, with their tries.
	PruneDeliveries(ctx context.Context, after DeliveryID, before time.Time, limit int) (next DeliveryID, err error)
	// PruneDeliveryTries removes the tries of those that ended before the time.
	PruneDeliveryTries(ctx context.Context, after DeliveryID, before time.Time, limit int) (next DeliveryID, err error)
	// PruneReconciliations removes the reports of days before the given one.
	PruneReconciliations(ctx context.Context, day string) error
}

// Prune takes out of the books what is old and of no money, a little at a time.
func (c *Cashier) Prune(ctx context.Context) error {
	now := c.Now()
	day, _, _ := dayOf(now.Add(-ReportsKept))
	err := c.Store.Update(ctx, func(tx Tx) error {
		if err := tx.PruneReconciliations(ctx, day); err != nil {
			return err
		}
		return tx.ForgetOldTries(ctx, now.Add(-TriesKept), now.Add(-AddressKnown))
	})
	if err == nil {
		err = c.prune(ctx, Tx.PruneDeliveryTries, now.Add(-DeliveryTriesKept))
	}
	if err == nil {
		err = c.prune(ctx, Tx.PruneDeliveries, now.Add(-DeliveriesKept))
	}
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	return nil
}

func (c *Cashier) prune(ctx context.Context, some func(Tx, context.Context, DeliveryID, time.Time, int) (DeliveryID, error), before time.Time) error {
	for after := DeliveryID(""); ; {
		var next DeliveryID
		err := c.Store.Update(ctx, func(tx Tx) (err error) {
			next, err = some(tx, ctx, after, before, pruneBatch)
			return err
		})
		if err != nil || next == "" {
			return err
		}
		after = next
	}
}
