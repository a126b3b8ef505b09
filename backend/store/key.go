package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"saoma/backend/pay"
)

const selectKey = `SELECT id, merchant, name, hint, digest, created_at, used_at, expires_at FROM secret_keys `

func (t tx) Key(ctx context.Context, id pay.KeyID) (pay.SecretKey, error) {
	k, err := scanKey(t.QueryRowContext(ctx, selectKey+`WHERE id = $1`, id))
	if err != nil {
		return pay.SecretKey{}, noRow("secret key", err)
	}
	return k, nil
}

func (t tx) Keys(ctx context.Context, m pay.MerchantID) ([]pay.SecretKey, error) {
	rows, err := t.QueryContext(ctx, selectKey+`WHERE merchant = $1 ORDER BY id DESC`, m)
	if err != nil {
		return nil, fmt.Errorf("list secret keys: %w", err)
	}
	list, err := collect(rows, scanKey)
	if err != nil {
		return nil, fmt.Errorf("list secret keys: %w", err)
	}
	return list, nil
}

func (t tx) InsertKey(ctx context.Context, k pay.SecretKey) error {
	return t.change(ctx, "insert a secret key", `INSERT INTO secret_keys (id, merchant, name, hint, digest, created_at, used_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		k.ID, k.Merchant, k.Name, k.Hint, hex.EncodeToString(k.Digest[:]), millis(k.CreatedAt), millis(k.UsedAt), millis(k.ExpiresAt))
}

func (t tx) ExpireKey(ctx context.Context, id pay.KeyID, at time.Time) error {
	return t.change(ctx, "expire a secret key", `UPDATE secret_keys SET expires_at = $2 WHERE id = $1`, id, millis(at))
}

func (t tx) UseKey(ctx context.Context, id pay.KeyID, at time.Time) error {
	return t.change(ctx, "use a secret key", `UPDATE secret_keys SET used_at = $2 WHERE id = $1`, id, millis(at))
}

func scanKey(row scanner) (k pay.SecretKey, err error) {
	var digest string
	var created, used, expires int64
	if err := row.Scan(&k.ID, &k.Merchant, &k.Name, &k.Hint, &digest, &created, &used, &expires); err != nil {
		return k, err
	}
	sum, err := hex.DecodeString(digest)
	if err != nil || len(sum) != len(k.Digest) {
		return k, fmt.Errorf("the digest of key %s is damaged", k.ID)
	}
	k.Digest = pay.Digest(sum)
	k.CreatedAt, k.UsedAt, k.ExpiresAt = moment(created), moment(used), moment(expires)
	return k, nil
}
