package pay

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// The kinds that tell what a customer saw. They are recorded beside the order's life, when there is time.
const (
	Shown  Kind = "shown"  // the checkout page was first given to a browser
	Pushed Kind = "pushed" // a browser that watched was told the final state
)

// ShownTx takes note of what was shown.
type ShownTx interface {
	// MarkShown reports whether the order had not been shown before.
	MarkShown(ctx context.Context, id OrderID, at time.Time) (first bool, err error)
}

// RecordShown records that the checkout page of an order was given to a browser, the first time.
func (c *Cashier) RecordShown(ctx context.Context, id OrderID) error {
	return c.recordSeen(ctx, id, Shown, nil, func(tx Tx) (bool, error) { return tx.MarkShown(ctx, id, c.Now()) })
}

// RecordPushed records that so many browsers were told the order's final state.
func (c *Cashier) RecordPushed(ctx context.Context, id OrderID, watchers int) error {
	detail := map[string]string{"watchers": strconv.Itoa(watchers)}
	return c.recordSeen(ctx, id, Pushed, detail, func(Tx) (bool, error) { return true, nil })
}

func (c *Cashier) recordSeen(ctx context.Context, id OrderID, k Kind, detail map[string]string, wanted func(Tx) (bool, error)) error {
	err := c.Store.Update(ctx, func(tx Tx) error {
		o, err := tx.Order(ctx, id) // locks it, so that its history has one writer
		if err != nil {
			return err
		}
		if is, err := wanted(tx); err != nil || !is {
			return err
		}
		return record(ctx, tx, Event{Order: id, Version: o.Version, Kind: k, At: c.Now(), Detail: detail})
	})
	if err != nil {
		return fmt.Errorf("record that %s was %s: %w", id, k, err)
	}
	return nil
}
