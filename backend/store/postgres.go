package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// postgresDialect: several writers, which work beside each other and beside those of other servers. What a change
// reads of an order, an attempt or a refund is locked until it is committed, so that it holds then as well.
func postgresDialect() dialect {
	return dialect{
		beginView: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", beginChange: "BEGIN",
		lock: " FOR UPDATE", skip: " FOR UPDATE SKIP LOCKED",
		reconnects: true, again: metAnother,
		writers: 8, readers: 8, batchMax: 32,
	}
}

// metAnother reports what two servers do to each other: a deadlock, or the same row written by both, as with one
// Idempotency-Key sent to two servers. Whoever was second sees the other's row the next time.
func metAnother(err error) bool {
	const (
		serializationFailure = "40001"
		deadlockDetected     = "40P01"
		uniqueViolation      = "23505"
	)
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == serializationFailure || e.Code == deadlockDetected || e.Code == uniqueViolation)
}

// OpenPostgres opens the database at the address, "postgres://USER:PASSWORD@HOST/NAME", and brings its schema up to
// date. Servers that start at once wait for each other. Its errors do not hold the password.
func OpenPostgres(ctx context.Context, address string) (*Store, error) {
	return openPostgres(ctx, address, postgresDialect())
}

// Patient returns the address with which statements may take as long as they like: for what reads everything. An address of
// SQLite, which knows no such limits, and one that sets them itself stay as they are.
func Patient(address string) string {
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return address
	}
	q := u.Query()
	for _, limit := range [...]string{"statement_timeout", "idle_in_transaction_session_timeout"} {
		if !q.Has(limit) {
			q.Set(limit, "0")
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func openPostgres(ctx context.Context, address string, d dialect) (*Store, error) {
	s := &Store{dialect: d}
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	migrator := migratorOf(c)
	limit(c, map[string]string{"statement_timeout": "15s", "idle_in_transaction_session_timeout": "30s"})
	db := stdlib.OpenDB(*c)
	db.SetMaxIdleConns(s.writers + s.dialect.readers)
	s.dbs = append(s.dbs, db)
	err = checkDurable(ctx, db)
	if err == nil {
		err = preparePostgres(ctx, migrator, migrations())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s on %s: %w", c.Database, c.Host, err), s.Close())
	}
	if err := s.connect(ctx, db, db); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s on %s: %w", c.Database, c.Host, err), s.Close())
	}
	return s, nil
}

// limit sets what the address does not set itself. What has not ended after these limits ends by itself, so that no lock is
// held for ever by a server that has gone.
func limit(c *pgx.ConnConfig, limits map[string]string) {
	limits["lock_timeout"], limits["application_name"] = "10s", "saoma"
	for name, value := range limits {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
}

// migratorOf lets a migration take as long as it needs, for it may go through all that is there.
func migratorOf(c *pgx.ConnConfig) *pgx.ConnConfig {
	c = c.Copy()
	limit(c, map[string]string{"statement_timeout": "0"})
	return c
}

func checkDurable(ctx context.Context, db *sql.DB) error {
	for _, setting := range [...]string{"fsync", "synchronous_commit"} {
		var value string
		if err := db.QueryRowContext(ctx, `SELECT current_setting($1)`, setting).Scan(&value); err != nil {
			return fmt.Errorf("ask for %s: %w", setting, err)
		}
		if value == "off" {
			return fmt.Errorf("%s is off: what it reports as committed can be lost; turn it on", setting)
		}
	}
	return nil
}

// preparePostgres brings the schema up to date. Whoever comes second waits for the first, asking every second for five minutes.
func preparePostgres(ctx context.Context, c *pgx.ConnConfig, steps fs.FS) (err error) {
	db := stdlib.OpenDB(*c)
	defer func() { err = errors.Join(err, db.Close()) }()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	if err := migrate(ctx, goose.DialectPostgres, db, steps, goose.WithSessionLocker(locker)); err != nil {
		return err
	}
	return guardPostgres(ctx, db)
}

// guardPostgres makes the database itself refuse to alter history, as appendOnly does for SQLite. A trigger that is there stays:
// to make it anew has everybody wait who writes, and a server starts while others work.
func guardPostgres(ctx context.Context, db *sql.DB) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("guard the events: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("guard the events: %w", err), tx.Rollback())
		}
	}()
	for _, statement := range [...]string{
		`SELECT pg_advisory_xact_lock(hashtext('saoma: guard the events'))`, // servers that start at once
		`CREATE OR REPLACE FUNCTION only_appended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			RAISE EXCEPTION '% are only appended', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
		END $$`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for _, table := range [...]string{"events", "roots", "staff_log"} {
		if err := guardTable(ctx, tx, table, "no_change", "BEFORE UPDATE OR DELETE", "FOR EACH ROW"); err != nil {
			return err
		}
		if err := guardTable(ctx, tx, table, "no_truncate", "BEFORE TRUNCATE", ""); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func guardTable(ctx context.Context, tx *sql.Tx, table, name, when, each string) error {
	name = table + "_" + name
	var there bool
	const is = `SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = CAST($1 AS regclass) AND tgname = $2)`
	if err := tx.QueryRowContext(ctx, is, table, name).Scan(&there); err != nil || there {
		return err
	}
	_, err := tx.ExecContext(ctx, "CREATE TRIGGER "+name+" "+when+" ON "+table+" "+each+" EXECUTE FUNCTION only_appended()")
	return err
}
