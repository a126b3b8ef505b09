// Package store keeps the books in a database. The files order.go, attempt.go, event.go and catalog.go
// hold the SQL for the file of the same name in package pay; sqlite.go holds all that is peculiar to SQLite.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"saoma/backend/pay"
)

// A Store is an open database. It implements [pay.Store].
type Store struct {
	write *sql.DB // one connection: writers queue here instead of failing on each other's locks
	read  *sql.DB
}

var _ pay.Store = (*Store)(nil)

// Close closes the database. What was committed is safe whether or not it is called.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.write.Close())
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	return nil
}

// View implements [pay.Store].
func (s *Store) View(ctx context.Context, f func(pay.Tx) error) error {
	return run(ctx, s.read, f)
}

// Update implements [pay.Store].
func (s *Store) Update(ctx context.Context, f func(pay.Tx) error) error {
	return run(ctx, s.write, f)
}

func run(ctx context.Context, db *sql.DB, f func(pay.Tx) error) (err error) {
	sqlTx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			// Also after a failed commit: nothing of the transaction may stay.
			if e := sqlTx.Rollback(); e != nil && !errors.Is(e, sql.ErrTxDone) {
				err = errors.Join(err, fmt.Errorf("roll back: %w", e))
			}
		}
	}()
	if err = f(tx{sqlTx}); err != nil {
		return err
	}
	if err = sqlTx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// A tx implements [pay.Tx].
type tx struct{ *sql.Tx }

// change runs a statement that must change exactly one row, or returns ErrStale.
func (t tx) change(ctx context.Context, what, statement string, args ...any) error {
	res, err := t.ExecContext(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if n != 1 {
		return fmt.Errorf("%s: %w", what, pay.ErrStale)
	}
	return nil
}

// A scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// noRow puts the domain's word for a missing row into err, in place of the database's.
func noRow(what string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, pay.ErrNoRow)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, scan func(scanner) (T, error)) (list []T, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
