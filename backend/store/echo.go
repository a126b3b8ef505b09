package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"saoma/backend/pay"
)

// Echo implements [pay.EchoTx].
func (t tx) Echo(ctx context.Context, m pay.MerchantID) (pay.Echo, error) {
	e := pay.Echo{Merchant: m}
	var at int64
	err := t.QueryRowContext(ctx, `SELECT message, trouble, at FROM echoes WHERE merchant = $1`, m).Scan(&e.Message, &e.Trouble, &at)
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
		ON CONFLICT (merchant) DO UPDATE SET message = excluded.message, trouble = excluded.trouble, at = excluded.at`,
		e.Merchant, e.Message, e.Trouble, millis(e.At))
}
