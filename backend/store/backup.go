package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"saoma/backend/pay"
)

// BackupSQLite writes a consistent copy of the database in a file, which may be in use, to another file, which must not
// be there. The copy is one moment of the books: the last commit before the call, or a later one. It is on the disk, and
// its owner alone may read it. It has not been verified.
func BackupSQLite(ctx context.Context, from, to string) (err error) {
	if _, err := os.Stat(from); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(from))
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // SQLite takes an empty file, and keeps its mode
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, to); err != nil {
		return fmt.Errorf("back up %s: %w", from, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("back up %s: %w", from, err)
	}
	return SyncFolder(to)
}

// SyncFolder has the disk keep the names of a file's folder.
func SyncFolder(file string) error {
	d, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenBackup opens a database that [BackupSQLite] wrote, to look at it only: nothing in the file or beside it changes.
func OpenBackup(ctx context.Context, file string) (*Store, error) {
	d := sqliteDialect()
	d.writers = 0
	s := &Store{dialect: d}
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("open the backup: %w", err)
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: "mode=ro&_pragma=query_only(1)"}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("open the backup %s: %w", file, err)
	}
	s.dbs = append(s.dbs, db)
	if err := s.connect(ctx, db, db); err != nil {
		return nil, errors.Join(fmt.Errorf("open the backup %s: %w", file, err), s.Close())
	}
	return s, nil
}

// Contents say how much is in the books.
type Contents struct {
	Orders, Events int64
	Newest         time.Time // event; zero if there is none
}

// Contents counts orders and events, of which none is ever deleted.
func (s *Store) Contents(ctx context.Context) (c Contents, err error) {
	var newest int64
	err = s.View(ctx, func(t pay.Tx) error {
		return t.(tx).QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM orders), COUNT(*), COALESCE(MAX(at), 0) FROM events`).
			Scan(&c.Orders, &c.Events, &newest)
	})
	if err != nil {
		return Contents{}, fmt.Errorf("count orders and events: %w", err)
	}
	c.Newest = moment(newest)
	return c, nil
}

// ErrInUse is returned, wrapped, for a database that some program has open.
var ErrInUse = errors.New("a program has the database open")

// TakeOverSQLite makes sure that no program has the database in the file open, and leaves all of it in that one file,
// without a log beside it.
func TakeOverSQLite(ctx context.Context, file string) (err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?_pragma=busy_timeout(1000)")
	if err != nil {
		return fmt.Errorf("take over %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var mode string
	// SQLite leaves WAL only while nobody else has a connection.
	err = db.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode)
	const busy = 5
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == busy || err == nil && mode != "delete" {
		return fmt.Errorf("take over %s: %w", file, ErrInUse)
	}
	if err != nil {
		return fmt.Errorf("take over %s: %w", file, err)
	}
	return nil
}
