package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// A session is one connection and the statements it has prepared: parsing them takes as long as running them. It
// serves one caller at a time, and a statement whose rows are still being read must not be run again meanwhile.
type session struct {
	dialect
	db    *sql.DB
	conn  *sql.Conn            // nil: not opened yet, or broken
	stmts map[string]*sql.Stmt // by text; the texts are those in this package, some dozens

	// locks is said behind a SELECT of a row that the transaction is going to change.
	locks string

	// undisturbed lets statements run to their end though the caller has gone. SQLite undoes the whole transaction
	// when it interrupts a change in it, and a transaction may hold the changes of others.
	undisturbed bool

	// careful has the next batch of changes made behind savepoints.
	careful bool
}

func (s *session) connect(ctx context.Context) (err error) {
	s.stmts = make(map[string]*sql.Stmt)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return nil
}

// close gives the connection back. Where a broken one is made anew it may be a broken one, which can do no harm: what was
// reported as committed is.
func (s *session) close() error {
	if s.conn == nil {
		return nil
	}
	var errs []error
	for _, stmt := range s.stmts {
		errs = append(errs, stmt.Close())
	}
	err := errors.Join(append(errs, s.conn.Close())...)
	if s.reconnects {
		return nil
	}
	return err
}

// prepare has the statement in stmts.
func (s *session) prepare(ctx context.Context, text string) (err error) {
	if s.stmts[text] != nil {
		return nil
	}
	if s.stmts[text], err = s.conn.PrepareContext(ctx, text); err != nil { //nolint:sqlclosecheck // kept until close
		delete(s.stmts, text)
	}
	return err
}

func (s *session) patience(ctx context.Context) context.Context {
	if s.undisturbed {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (s *session) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	ctx = s.patience(ctx)
	if err := s.prepare(ctx, text); err != nil {
		return nil, err
	}
	return s.stmts[text].ExecContext(ctx, args...)
}

func (s *session) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	ctx = s.patience(ctx)
	if err := s.prepare(ctx, text); err != nil {
		return nil, err
	}
	return s.stmts[text].QueryContext(ctx, args...)
}

func (s *session) QueryRowContext(ctx context.Context, text string, args ...any) scanner {
	ctx = s.patience(ctx)
	if err := s.prepare(ctx, text); err != nil {
		return failedRow{err}
	}
	return s.stmts[text].QueryRowContext(ctx, args...)
}

// begin opens a transaction, and the connection where there is none yet. One that has broken meanwhile, because the server
// was started again, is made anew: nothing was done on it yet.
func (s *session) begin(ctx context.Context, text string) error {
	if s.conn != nil {
		err := s.run(ctx, text)
		if err == nil || !s.reconnects || ctx.Err() != nil {
			return err
		}
		_ = s.close() // it is broken
	}
	if err := s.connect(s.patience(ctx)); err != nil {
		return err
	}
	return s.run(ctx, text)
}

// run runs a statement without arguments and results, such as BEGIN.
func (s *session) run(ctx context.Context, text string) error {
	if _, err := s.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	return nil
}

// A scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// A failedRow is the row of a query that could not be asked.
type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }
