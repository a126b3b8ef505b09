package store

import (
	"context"
	"strings"

	"saoma/backend/pay"
)

// SyncLevel asks the writing connection how it syncs; the setting lives in the connection, not in the file.
func (s *Store) SyncLevel(ctx context.Context) (level int, err error) {
	err = s.Update(ctx, func(t pay.Tx) error {
		return t.(tx).QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&level)
	})
	return level, err
}

// OpenWithOneWriter opens a database whose changes all go by one session.
func OpenWithOneWriter(ctx context.Context, address string) (*Store, error) {
	if strings.HasPrefix(address, "sqlite:") {
		return Open(ctx, address)
	}
	d := postgresDialect()
	d.writers, d.batchMax = 1, 256
	return openPostgres(ctx, address, d)
}
