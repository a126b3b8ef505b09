package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

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

// PlanOrders tells how SQLite would list orders.
func (s *Store) PlanOrders(ctx context.Context, f pay.OrderFilter) (steps []string, err error) {
	query, args := ordersQuery(f)
	return s.plan(ctx, query, args...)
}

// PlanDue tells how SQLite would look for merchants of whom something is due.
func (s *Store) PlanDue(ctx context.Context) (steps []string, err error) {
	return s.plan(ctx, dueMerchants, 1)
}

func (s *Store) plan(ctx context.Context, query string, args ...any) (steps []string, err error) {
	err = s.View(ctx, func(t pay.Tx) error {
		rows, err := t.(tx).QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			return err
		}
		steps, err = collect(rows, func(row scanner) (step string, err error) {
			var id, parent, unused int
			err = row.Scan(&id, &parent, &unused, &step)
			return step, err
		})
		return err
	})
	return steps, err
}

// Tables are those that Copy copies.
func Tables() []string { return tables[:] }

// WaitingMax is how many changes may wait.
const WaitingMax = waitingMax

// Migrate takes the steps, with all that is done about it when a database is opened.
func Migrate(ctx context.Context, address string, steps fs.FS) error {
	if file, ok := strings.CutPrefix(address, "sqlite:"); ok {
		db, err := sql.Open("sqlite", dsn(file))
		if err != nil {
			return err
		}
		return errors.Join(migrate(ctx, goose.DialectSQLite3, db, steps), db.Close())
	}
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return err
	}
	return preparePostgres(ctx, migratorOf(c), steps)
}

// Plans tells how SQLite does each statement that was asked of it since the store was opened.
func (s *Store) Plans(ctx context.Context) (map[string][]string, error) {
	plans := make(map[string][]string)
	for _, session := range append(s.writer.sessions, s.readers.all...) {
		for text := range session.stmts {
			switch word, _, _ := strings.Cut(text, " "); word {
			case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
				plans[text] = nil
			}
		}
	}
	var err error
	for text := range plans {
		if plans[text], err = s.plan(ctx, text, make([]any, versionsAtOnce+10)...); err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
	}
	return plans, nil
}

// Readers returns how many sessions for reading have been opened.
func (s *Store) Readers() (opened int) {
	for _, r := range s.readers.all {
		if r.conn != nil {
			opened++
		}
	}
	return opened
}
