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
	conn  *sql.Conn
	stmts map[string]*sql.Stmt // by text; the texts are those in this package, some dozens

	// undisturbed lets statements run to their end though the caller has gone. SQLite undoes the whole transaction
	// when it interrupts a change in it, and a transaction may hold the changes of others.
	undisturbed bool
}

func newSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &session{conn: conn, stmts: make(map[string]*sql.Stmt)}, nil
}

func (s *session) close() error {
	var errs []error
	for _, stmt := range s.stmts {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
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
