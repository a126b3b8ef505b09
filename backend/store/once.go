package store

import (
	"context"
	"fmt"
	"time"

	"saoma/backend/pay"
)

func (t tx) OnceSubject(ctx context.Context, m pay.MerchantID, key string) (subject, request string, err error) {
	err = t.QueryRowContext(ctx, `SELECT subject, request FROM idempotency WHERE merchant = $1 AND key = $2`, m, key).
		Scan(&subject, &request)
	if err != nil {
		return "", "", noRow("idempotency key", err)
	}
	return subject, request, nil
}

func (t tx) InsertOnce(ctx context.Context, m pay.MerchantID, o pay.Once, subject string, at time.Time) error {
	return t.change(ctx, "insert an idempotency key", `INSERT INTO idempotency (merchant, key, request, subject, answer, created_at)
		VALUES ($1, $2, $3, $4, '', $5)`, m, o.Key, o.Request, subject, millis(at))
}

func (t tx) OnceAnswer(ctx context.Context, m pay.MerchantID, key string) (answer string, err error) {
	err = t.QueryRowContext(ctx, `SELECT answer FROM idempotency WHERE merchant = $1 AND key = $2`, m, key).Scan(&answer)
	if err != nil {
		return "", noRow("idempotency key", err)
	}
	return answer, nil
}

func (t tx) SaveAnswer(ctx context.Context, m pay.MerchantID, key, answer string) error {
	_, err := t.ExecContext(ctx, `UPDATE idempotency SET answer = $3 WHERE merchant = $1 AND key = $2 AND answer = ''`, m, key, answer)
	if err != nil {
		return fmt.Errorf("save the answer of an idempotency key: %w", err)
	}
	return nil
}

func (t tx) ForgetOnce(ctx context.Context, before time.Time) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM idempotency WHERE created_at < $1`, millis(before)); err != nil {
		return fmt.Errorf("forget old idempotency keys: %w", err)
	}
	return nil
}
