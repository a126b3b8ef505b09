package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"saoma/backend/store"
)

type restoreCommand struct {
	Config  string `help:"The configuration, which names the database." required:"" placeholder:"FILE"`
	From    string `help:"The backup." required:"" placeholder:"FILE"`
	Replace bool   `help:"If there is a database already, keep it under another name and put the backup in its place."`
}

// Run puts a verified copy of a backup in the place of the database, in one step. The server must not run.
func (c restoreCommand) Run(ctx context.Context, out io.Writer) error {
	file, err := sqliteOf(c.Config)
	if err != nil {
		return err
	}
	contents, err := verifyBackup(ctx, c.From)
	if err != nil {
		return err
	}
	partial := file + ".restoring"
	defer func() { _ = removeDatabase(partial) }() // nothing is left if all went well
	if err := copyBackup(ctx, c.From, partial); err != nil {
		return err
	}
	kept, err := makeRoom(ctx, file, c.Replace)
	if err != nil {
		return err
	}
	if err := errors.Join(os.Rename(partial, file), store.SyncFolder(file)); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := sayContents(out, "restored to "+file, contents); err != nil {
		return err
	}
	if kept != "" {
		_, err = fmt.Fprintf(out, "the database that was there is now %s\n", kept)
	}
	if err == nil && !contents.Newest.IsZero() {
		_, err = fmt.Fprintf(out, "what was paid since then is not in it: start the server, then saoma reconcile for %s and each later day\n",
			contents.Newest.In(time.FixedZone("", 8*60*60)).Format(time.DateOnly))
	}
	return err
}

// copyBackup copies a backup beside the place where it is to be, and has this program open it once, which brings an older
// one up to date.
func copyBackup(ctx context.Context, from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := removeDatabase(to); err != nil { // of a restore that was interrupted
		return fmt.Errorf("restore: %w", err)
	}
	if err := copyFile(from, to); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	books, err := store.OpenSQLite(ctx, to)
	if err != nil {
		return err
	}
	if err := books.Close(); err != nil {
		return err
	}
	return store.TakeOverSQLite(ctx, to)
}

func copyFile(from, to string) (err error) {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	return w.Sync()
}

// databaseParts are the endings of the files that one database may have.
var databaseParts = []string{"", "-wal", "-shm", "-journal"}

func removeDatabase(file string) error {
	var errs []error
	for _, part := range databaseParts {
		if err := os.Remove(file + part); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// makeRoom gives the database that is in the way a second name, under which it stays when the first is taken from it: so
// there is one at every moment. It returns that name, or none if nothing was in the way.
func makeRoom(ctx context.Context, file string, replace bool) (kept string, err error) {
	_, err = os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		for _, part := range databaseParts[1:] {
			if _, err := os.Lstat(file + part); err == nil {
				return "", fmt.Errorf("restore: %s is there without its database: move it away first; SQLite would apply it to the backup", file+part)
			}
		}
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	if !replace {
		return "", fmt.Errorf("%s is there already; -replace keeps it under another name and restores", file)
	}
	// Any other error is of a database that is damaged, which is what backups are for.
	if err := store.TakeOverSQLite(ctx, file); errors.Is(err, store.ErrInUse) {
		return "", fmt.Errorf("stop the server first: %w", err)
	}
	kept = file + ".before-" + time.Now().UTC().Format("20060102T150405Z")
	if err := os.Link(file, kept); err != nil {
		return "", fmt.Errorf("restore: keep what is there: %w", err)
	}
	for _, part := range databaseParts[1:] { // only damage leaves any
		if err := os.Rename(file+part, kept+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("restore: keep what is there: %w", err)
		}
	}
	return kept, nil
}
