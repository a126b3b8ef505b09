package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"saoma/backend/pay"
)

// Echo implements [pay.EchoTx].
func (t tx) Echo(ctx context.Context, m pay.MerchantID, message string) (pay.Echo, error) {
	e := pay.Echo{Merchant: m, Message: message}
	var at int64
	err := t.QueryRowContext(ctx, `SELECT trouble, at FROM echoes WHERE merchant = $1 AND message = $2`, m, message).
		Scan(&e.Trouble, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return pay.Echo{}, nil
	}
	if err != nil {
		return pay.Echo{}, fmt.Errorf("echo: %w", err)
	}
	e.At = moment(at)
	return e, nil
}

// PutEcho implements [pay.EchoTx].
func (t tx) PutEcho(ctx context.Context, e pay.Echo) error {
	return t.change(ctx, "put echo", `INSERT INTO echoes (merchant, message, trouble, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (merchant, message) DO UPDATE SET trouble = excluded.trouble, at = excluded.at`,
		e.Merchant, e.Message, e.Trouble, millis(e.At))
}

// ForgetEchoes implements [pay.EchoTx].
func (t tx) ForgetEchoes(ctx context.Context, m pay.MerchantID, before time.Time) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM echoes WHERE merchant = $1 AND at < $2`, m, millis(before)); err != nil {
		return fmt.Errorf("forget echoes: %w", err)
	}
	return nil
}
