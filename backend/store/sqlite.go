package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// sqliteDialect: one writer, for SQLite has one lock for writing, and some readers, which WAL lets go on beside it.
func sqliteDialect() dialect {
	return dialect{
		beginView: "BEGIN", beginChange: "BEGIN IMMEDIATE",
		integrity: "PRAGMA integrity_check(10)", integrityQuick: "PRAGMA quick_check(10)",
		again:   func(error) bool { return false },
		writers: 1, readers: 4, batchMax: 256,
	}
}

// versionFloor is the first SQLite in which two connections that write or checkpoint in the same moment
// cannot corrupt the file (the WAL-reset fix).
var versionFloor = [3]int{3, 51, 3}

// OpenSQLite opens the database in the file, made readable by its owner only if it is not there, and brings
// its schema up to date. The folder is made likewise.
func OpenSQLite(ctx context.Context, file string) (_ *Store, err error) {
	s := &Store{dialect: sqliteDialect()}
	if err := prepareFile(file); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	// Two that make a new file at once would both make its tables, and SQLite does not wait for another to turn on WAL.
	unlock, err := lockFolder(ctx, filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := errors.Join(s.open(ctx, file), unlock()); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", file, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, file string) error {
	// What a savepoint may have to undo is kept in memory, not in a file of its own: some pages, until the change is done.
	write, err := sql.Open("sqlite", dsn(file, "_txlock=immediate", "_pragma=temp_store(MEMORY)"))
	if err != nil {
		return err
	}
	s.dbs = append(s.dbs, write)
	write.SetMaxOpenConns(1)
	if err := prepare(ctx, write); err != nil {
		return err
	}
	// Readers come later as well: a file that has gone meanwhile is not made anew. They keep up to 1 MB of its pages, half of the
	// default and as fast: the system has the file in memory, and the next change makes them read anew. It takes twice as much.
	read, err := sql.Open("sqlite", dsn(file, "mode=rw", "_pragma=query_only(1)", "_pragma=cache_size(-1024)"))
	if err != nil {
		return err
	}
	s.dbs = append(s.dbs, read)
	return s.connect(ctx, write, read)
}

// prepareFile makes the file before SQLite does, which would leave it readable by everybody. One that is there is not touched:
// closing it would end the locks that this process has on it (POSIX, fcntl).
func prepareFile(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if info, err := os.Stat(file); err == nil && info.IsDir() { // of which SQLite says no more than that it cannot be opened
			return &fs.PathError{Op: "open", Path: file, Err: syscall.EISDIR}
		}
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func dsn(file string, more ...string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath()}
	u.RawQuery = strings.Join(append(more,
		// First, because the next pragmas may have to wait for a lock themselves.
		"_pragma=busy_timeout(5000)",
		"_pragma=journal_mode(WAL)",
		// The log is synced at every commit: a callback that was answered survives the loss of power.
		"_pragma=synchronous(FULL)",
		"_pragma=foreign_keys(1)",
	), "&")
	return u.String()
}

func prepare(ctx context.Context, db *sql.DB) error {
	if err := checkVersion(ctx, db); err != nil {
		return err
	}
	if err := migrate(ctx, goose.DialectSQLite3, db, migrations()); err != nil {
		return err
	}
	for _, guard := range appendOnly {
		if _, err := db.ExecContext(ctx, guard); err != nil {
			return fmt.Errorf("guard the events: %w", err)
		}
	}
	return nil
}

// appendOnly makes the database itself refuse to alter history.
var appendOnly = [...]string{
	`CREATE TRIGGER IF NOT EXISTS events_no_update BEFORE UPDATE ON events
	 BEGIN SELECT RAISE(ABORT, 'events are only appended'); END`,
	`CREATE TRIGGER IF NOT EXISTS events_no_delete BEFORE DELETE ON events
	 BEGIN SELECT RAISE(ABORT, 'events are only appended'); END`,
	`CREATE TRIGGER IF NOT EXISTS roots_no_update BEFORE UPDATE ON roots
	 BEGIN SELECT RAISE(ABORT, 'roots are only appended'); END`,
	`CREATE TRIGGER IF NOT EXISTS roots_no_delete BEFORE DELETE ON roots
	 BEGIN SELECT RAISE(ABORT, 'roots are only appended'); END`,
	`CREATE TRIGGER IF NOT EXISTS staff_log_no_update BEFORE UPDATE ON staff_log
	 BEGIN SELECT RAISE(ABORT, 'the staff log is only appended'); END`,
	`CREATE TRIGGER IF NOT EXISTS staff_log_no_delete BEFORE DELETE ON staff_log
	 BEGIN SELECT RAISE(ABORT, 'the staff log is only appended'); END`,
}

func checkVersion(ctx context.Context, db *sql.DB) error {
	var text string
	if err := db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&text); err != nil {
		return fmt.Errorf("ask for SQLite's version: %w", err)
	}
	var v [3]int
	if _, err := fmt.Sscanf(text, "%d.%d.%d", &v[0], &v[1], &v[2]); err != nil {
		return fmt.Errorf("read SQLite's version %q: %w", text, err)
	}
	for i, floor := range versionFloor {
		if v[i] != floor {
			if v[i] < floor {
				return fmt.Errorf("the SQLite in this program is %s; it must be at least %d.%d.%d, "+
					"older ones can corrupt the file", text, versionFloor[0], versionFloor[1], versionFloor[2])
			}
			break
		}
	}
	return nil
}
