package store

import (
	"context"

	"saoma/backend/pay"
)

// SyncLevel asks the writing connection how it syncs; the setting lives in the connection, not in the file.
func (s *Store) SyncLevel(ctx context.Context) (level int, err error) {
	err = s.Update(ctx, func(t pay.Tx) error {
		return t.(tx).QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&level)
	})
	return level, err
}
