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
	dbs     []*sql.DB
	writer  *writer
	readers chan *session
	all     []*session // that read
}

var _ pay.Store = (*Store)(nil)

// Close waits for changes under way and closes the database. What was committed is safe whether or not it is
// called. Nothing may be read any more.
func (s *Store) Close() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	for _, r := range s.all {
		errs = append(errs, r.close())
	}
	for _, db := range s.dbs {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	err := s.reading(ctx, func(r *session) error {
		var one int
		return r.QueryRowContext(ctx, `SELECT 1`).Scan(&one)
	})
	if err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	return nil
}

// View implements [pay.Store].
func (s *Store) View(ctx context.Context, f func(pay.Tx) error) error {
	return s.reading(ctx, func(r *session) (err error) {
		if err := r.run(ctx, "BEGIN"); err != nil {
			return err
		}
		defer func() {
			// There is nothing to commit; also when the caller has gone the connection must be free of it.
			err = errors.Join(err, r.run(context.WithoutCancel(ctx), "ROLLBACK"))
		}()
		return f(tx{r})
	})
}

// reading lends a session for reading.
func (s *Store) reading(ctx context.Context, f func(*session) error) error {
	select {
	case r := <-s.readers:
		defer func() { s.readers <- r }()
		return f(r)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Update implements [pay.Store]. f runs in another goroutine, in a transaction that may hold the changes of other
// callers as well; it sees theirs that came before, and the end of ctx does not interrupt it.
func (s *Store) Update(ctx context.Context, f func(pay.Tx) error) error {
	return s.writer.update(ctx, f)
}

// A tx implements [pay.Tx].
type tx struct{ *session }

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
