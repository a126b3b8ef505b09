package store

import (
	"context"
	"fmt"
	"time"
)

func (t tx) TakeLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error) {
	res, err := t.ExecContext(ctx, `INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE leases.until <= $4`,
		name, holder, millis(until), millis(now))
	if err != nil {
		return false, fmt.Errorf("take the lease %s: %w", name, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("take the lease %s: %w", name, err)
	}
	return n == 1, nil
}

func (t tx) DropLease(ctx context.Context, name, holder string) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM leases WHERE name = $1 AND holder = $2`, name, holder); err != nil {
		return fmt.Errorf("drop the lease %s: %w", name, err)
	}
	return nil
}
