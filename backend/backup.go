package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

type backupCommand struct {
	Config string `help:"The configuration, which names the database." required:"" placeholder:"FILE"`
	To     string `help:"Where the copy goes. There must be no such file yet." required:"" placeholder:"FILE"`
}

// Run copies the database, which may be in use, verifies the copy, and only then gives it its name.
func (c backupCommand) Run(ctx context.Context, out io.Writer) (err error) {
	from, err := sqliteOf(c.Config)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(c.To); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: a backup replaces nothing", c.To)
	}
	partial := c.To + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a backup that was interrupted
		return fmt.Errorf("back up: %w", err)
	}
	defer func() { _ = os.Remove(partial) }() // not there any more if all went well
	if err := store.BackupSQLite(ctx, from, partial); err != nil {
		return err
	}
	contents, err := verifyBackup(ctx, partial)
	if err != nil {
		return err
	}
	// Link refuses to replace, where rename would not.
	if err := os.Link(partial, c.To); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if err := errors.Join(os.Remove(partial), store.SyncFolder(c.To)); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return sayContents(out, "backed up to "+c.To, contents)
}

// sqliteOf returns the file of the database that a configuration names. The rest of the configuration may be broken.
func sqliteOf(config string) (file string, err error) {
	c, err := readConfig(config)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(c.Database, sqliteScheme) {
		return "", errors.New("this is for SQLite; PostgreSQL has tools of its own: pg_dump and pg_restore, or continuous archiving")
	}
	return c.databaseFile(), nil
}

// verifyBackup looks at a whole backup: the file is not damaged, and nobody has altered the history.
func verifyBackup(ctx context.Context, file string) (c store.Contents, err error) {
	books, err := store.OpenBackup(ctx, file)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, books.Close()) }()
	if err := books.Integrity(ctx, false); err != nil {
		return c, err
	}
	if _, _, err := (&pay.Cashier{Store: books}).Verify(ctx); err != nil {
		return c, err
	}
	return books.Contents(ctx)
}

func sayContents(out io.Writer, what string, c store.Contents) error {
	last := "no event yet"
	if !c.Newest.IsZero() {
		last = "the last of " + c.Newest.UTC().Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(out, "%s: %d orders, %d events, %s; verified\n", what, c.Orders, c.Events, last)
	return err
}
