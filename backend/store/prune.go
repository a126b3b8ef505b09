package store

import (
	"context"
	"fmt"
	"time"

	"saoma/backend/pay"
)

// The ids of deliveries grow with time, so that the oldest are found without an index of their own.

func (t tx) PruneDeliveries(ctx context.Context, after pay.DeliveryID, before time.Time, limit int) (pay.DeliveryID, error) {
	const page = `SELECT id, created_at, state, done_at FROM deliveries WHERE id > $1 ORDER BY id LIMIT $2`
	return t.pruneDeliveries(ctx, page, after, before, limit, func(id pay.DeliveryID) error {
		_, err := t.ExecContext(ctx, `DELETE FROM delivery_tries WHERE delivery = $1`, id)
		if err == nil {
			_, err = t.ExecContext(ctx, `DELETE FROM deliveries WHERE id = $1`, id)
		}
		return err
	})
}

func (t tx) PruneDeliveryTries(ctx context.Context, after pay.DeliveryID, before time.Time, limit int) (pay.DeliveryID, error) {
	// What has no tries any more is not walked through again.
	const page = `SELECT id, created_at, state, done_at FROM deliveries WHERE id IN (
			SELECT delivery FROM delivery_tries WHERE delivery > $1 GROUP BY delivery ORDER BY delivery LIMIT $2)
		ORDER BY id`
	return t.pruneDeliveries(ctx, page, after, before, limit, func(id pay.DeliveryID) error {
		_, err := t.ExecContext(ctx, `DELETE FROM delivery_tries WHERE delivery = $1`, id)
		return err
	})
}

// pruneDeliveries goes through a page of deliveries and removes something of each that ended before the time.
func (t tx) pruneDeliveries(ctx context.Context, page string, after pay.DeliveryID, before time.Time, limit int, remove func(pay.DeliveryID) error,
) (next pay.DeliveryID, err error) {
	rows, err := t.QueryContext(ctx, page+t.locks, after, limit)
	if err != nil {
		return "", fmt.Errorf("find old deliveries: %w", err)
	}
	list, err := collect(rows, func(row scanner) (d pay.Delivery, err error) {
		var created, done int64
		err = row.Scan(&d.ID, &created, &d.State, &done)
		d.CreatedAt, d.DoneAt = moment(created), moment(done)
		return d, err
	})
	if err != nil {
		return "", fmt.Errorf("find old deliveries: %w", err)
	}
	if len(list) == limit && list[limit-1].CreatedAt.Before(before) {
		next = list[limit-1].ID
	}
	for _, d := range list {
		if d.State == pay.DeliveryWaiting || !d.DoneAt.Before(before) {
			continue
		}
		if err := remove(d.ID); err != nil {
			return "", fmt.Errorf("prune delivery %s: %w", d.ID, err)
		}
	}
	return next, nil
}

func (t tx) PruneReconciliations(ctx context.Context, day string) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM reconciliations WHERE day < $1`, day); err != nil {
		return fmt.Errorf("prune reconciliations: %w", err)
	}
	return nil
}
