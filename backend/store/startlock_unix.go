//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockFolder keeps other programs from opening a database in the folder until unlock is called or this one ends. The folder
// is locked and not a file: nothing is left behind, and no file of SQLite is opened, whose locks would end when it is closed.
func lockFolder(ctx context.Context, folder string) (unlock func() error, err error) {
	const again = 10 * time.Millisecond
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f.Close, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return nil, errors.Join(fmt.Errorf("lock %s: %w", folder, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock %s: %w", folder, ctx.Err()), f.Close())
		case <-time.After(again):
		}
	}
}
