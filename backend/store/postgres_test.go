package store_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
	"saoma/backend/store/postgrestest"
)

// The server of the database is stopped, killed and started again under load. What was reported as committed is
// there, and the store goes on by itself.
func TestPostgresRestarts(t *testing.T) {
	t.Parallel()
	c, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	})
	s, err := store.Open(t.Context(), c.URL("postgres"))
	s = closed(t, s, err)
	insert(t, s, order(1))
	l := &load{store: s, end: make(chan struct{})}
	l.start(t)
	for _, end := range []func() error{c.Stop, c.Kill} {
		l.goesOn(t)
		if err := end(); err != nil {
			t.Fatal(err)
		}
		l.fails(t)
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.goesOn(t)
	}
	close(l.end)
	l.done.Wait()
	err = s.View(t.Context(), func(tx pay.Tx) error {
		o, err := tx.Order(t.Context(), order(1).ID)
		// A commit whose answer was lost may stand all the same, once for each writer and each end.
		if made := o.Version - 1; made < l.made.Load() || made > l.made.Load()+l.failed.Load() {
			t.Errorf("%d changes are there; %d were reported as committed, %d as failed", made, l.made.Load(), l.failed.Load())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	// The store can be closed though the server is gone.
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
}

// A load changes an order and reads it, until the end.
type load struct {
	store        *store.Store
	end          chan struct{}
	done         sync.WaitGroup
	made, failed atomic.Int64
	read         atomic.Int64
}

func (l *load) start(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	until := func(f func()) {
		l.done.Go(func() {
			for {
				select {
				case <-l.end:
					return
				default:
					f()
				}
			}
		})
	}
	for range 4 {
		until(func() {
			err := l.store.Update(ctx, func(tx pay.Tx) error {
				o, err := tx.Order(ctx, order(1).ID)
				if err != nil {
					return err
				}
				o.Version++
				return tx.UpdateOrder(ctx, o)
			})
			if err != nil {
				l.failed.Add(1)
				return
			}
			l.made.Add(1)
		})
		until(func() {
			err := l.store.View(ctx, func(tx pay.Tx) error { _, err := tx.Order(ctx, order(1).ID); return err })
			if err == nil {
				l.read.Add(1)
			}
		})
	}
}

func (l *load) goesOn(t *testing.T) { t.Helper(); grows(t, &l.made); grows(t, &l.read) }
func (l *load) fails(t *testing.T)  { t.Helper(); grows(t, &l.failed) }

// grows waits until n has grown by some.
func grows(t *testing.T, n *atomic.Int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for until := n.Load() + 20; n.Load() < until; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the load does not get on")
		}
	}
}

func TestPostgresRefused(t *testing.T) {
	t.Parallel()
	d := newPostgres(t)
	u, err := url.Parse(d.address)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		q := u.Query()
		q.Set(name, value)
		other := *u
		other.RawQuery = q.Encode()
		return other.String()
	}
	for name, c := range map[string]struct{ address, want string }{
		"commits that are not synced": {with("synchronous_commit", "off"), "synchronous_commit is off"},
		"no such database":            {strings.Replace(d.address, u.Path, "/nowhere", 1), "does not exist"},
		"no address":                  {"postgres://user:hunter22@[", "parse"},
		"nobody there":                {"postgres://user:hunter22@127.0.0.1:1/saoma", "refused"},
	} {
		s, err := store.Open(t.Context(), c.address)
		if err == nil {
			t.Errorf("%s: opened", name)
			err = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v; want it to say %q and no password", name, err, c.want)
		}
	}
}

// A caller who leaves takes its own reading along, not those of others.
func TestPostgresReaderGone(t *testing.T) {
	t.Parallel()
	s := newPostgres(t).open(t)
	insert(t, s, order(1))
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.View(ctx, func(tx pay.Tx) error {
			cancel()
			_, err := tx.Order(ctx, order(1).ID)
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who has left: %v", err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("the next caller: %v", err)
		}
	}
}
