package store

import "context"

// SyncLevel asks the writing connection how it syncs; the setting lives in the connection, not in the file.
func (s *Store) SyncLevel(ctx context.Context) (level int, err error) {
	err = s.write.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&level)
	return level, err
}
