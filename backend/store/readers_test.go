package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// View within View is two that read at once.
func readTwice(ctx context.Context, s *store.Store) error {
	return s.View(ctx, func(pay.Tx) error {
		return s.View(ctx, func(pay.Tx) error { return nil })
	})
}

// Sessions that nobody needs take no memory.
func TestReadersAreOpenedWhenTheyAreNeeded(t *testing.T) {
	s, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "saoma.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for range 10 {
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Readers(); n != 1 {
		t.Errorf("for those who read one after the other, %d sessions were opened", n)
	}
	for range 10 {
		if err := readTwice(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Readers(); n != 2 {
		t.Errorf("for two who read at once, %d sessions were opened", n)
	}
}

// Whoever needs a session late does not make a new database in the place of one that was taken away.
func TestReadersDoNotMakeTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "saoma.db")
	s, err := store.OpenSQLite(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := readTwice(t.Context(), s); err == nil {
		t.Error("a file that is not there is read")
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was made anew: %v", err)
	}
}

// Close waits for those who read.
func TestReadToTheEnd(t *testing.T) {
	s, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "saoma.db"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	begun := make(chan struct{}, 100)
	for range 8 {
		all.Go(func() {
			for err := error(nil); err == nil; {
				err = s.View(t.Context(), func(tx pay.Tx) error {
					select {
					case begun <- struct{}{}:
					default:
					}
					_, err := tx.Orders(t.Context(), pay.OrderFilter{Merchant: "cafe", Limit: 1})
					if err != nil {
						t.Errorf("in the middle: %v", err)
					}
					return err
				})
			}
		})
	}
	for range cap(begun) {
		<-begun
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
}
