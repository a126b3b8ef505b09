// Package store keeps the books in a database. The files order.go, attempt.go, event.go and their like
// hold the SQL for the file of the same name in package pay, one text for both databases; sqlite.go and postgres.go hold
// all that is peculiar to one.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"saoma/backend/pay"
)

// A Store is an open database. It implements [pay.Store].
type Store struct {
	dialect
	dbs     []*sql.DB
	writer  *writer
	readers *readers
}

var _ pay.Store = (*Store)(nil)

// A dialect is what one database wants otherwise than another.
type dialect struct {
	beginView, beginChange string

	// lock is said behind a SELECT of a row that is going to be changed, skip behind one of rows that are being claimed.
	lock, skip string

	// reconnects says that the database is a server, whose connections may break.
	reconnects bool

	// again says that a change was undone because it met another server's; done anew, it sees what that one did.
	again func(error) bool

	integrity, integrityQuick string // look for damage

	writers, readers int // sessions
	batchMax         int // changes that are committed together, so that the first of them does not wait for long
}

// Open opens the database that the address names, "sqlite:PATH" or "postgres://…", and brings its schema up to date.
func Open(ctx context.Context, address string) (*Store, error) {
	if file, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return OpenSQLite(ctx, file)
	}
	return OpenPostgres(ctx, address)
}

// connect opens the sessions.
func (s *Store) connect(ctx context.Context, write, read *sql.DB) (err error) {
	var writing []*session
	for range s.writers {
		w := &session{dialect: s.dialect, db: write}
		if err := w.connect(ctx); err != nil {
			return err
		}
		writing = append(writing, w)
	}
	s.writer = newWriter(writing)
	s.readers, err = newReaders(ctx, read, s.dialect)
	return err
}

// Close waits for changes and reads under way and closes the database. What was committed is safe whether or not it is
// called.
func (s *Store) Close() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	for _, db := range s.dbs {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// Observe has batched told how many changes each commit held. It is called before the first change, and batched must
// not block.
func (s *Store) Observe(batched func(changes int)) { s.writer.batched = batched }

// Waiting returns how many changes wait for the writer.
func (s *Store) Waiting() int { return int(s.writer.waiting.Load()) }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	err := s.readers.lend(ctx, func(r *session) error {
		if err := r.begin(ctx, r.beginView); err != nil {
			return err
		}
		return r.run(context.WithoutCancel(ctx), "ROLLBACK")
	})
	if err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	return nil
}

// View implements [pay.Store].
func (s *Store) View(ctx context.Context, f func(pay.Tx) error) error {
	return s.readers.lend(ctx, func(r *session) (err error) {
		if err := r.begin(ctx, r.beginView); err != nil {
			return err
		}
		defer func() {
			// There is nothing to commit; also when the caller has gone the connection must be free of it.
			err = errors.Join(err, r.run(context.WithoutCancel(ctx), "ROLLBACK"))
		}()
		return f(tx{r})
	})
}

// Update implements [pay.Store]. f runs in another goroutine, in a transaction that may hold the changes of other
// callers as well; it sees theirs that came before, and the end of ctx does not interrupt it. It is run again from its
// beginning when it met the change of another server.
func (s *Store) Update(ctx context.Context, f func(pay.Tx) error) error {
	const triesMax = 10
	for try := 1; ; try++ {
		err := s.writer.update(ctx, f)
		if err == nil || try == triesMax || !s.again(err) {
			return err
		}
	}
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
