package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
)

// readers are the sessions for reading. The one that came back last is lent first: what it has read and prepared is at hand,
// and sessions that only a rush needs are not opened before there is one, for each keeps pages and statements of its own.
type readers struct {
	turns   chan struct{} // one for each session that may be lent
	closing chan struct{}

	mu   sync.Mutex
	free []*session // the last one is the next
	all  []*session
}

func newReaders(ctx context.Context, db *sql.DB, d dialect) (*readers, error) {
	r := &readers{turns: make(chan struct{}, d.readers), closing: make(chan struct{})}
	for range d.readers {
		s := &session{dialect: d, db: db}
		// A server's connections are counted: whether it grants them all is to be seen now, not in a rush.
		if d.reconnects || len(r.all) == 0 {
			if err := s.connect(ctx); err != nil {
				return r, err
			}
		}
		r.turns <- struct{}{}
		r.all = append(r.all, s)
	}
	r.free = slices.Clone(r.all)
	slices.Reverse(r.free)
	return r, nil
}

// lend has f use a session that nobody else uses meanwhile.
func (r *readers) lend(ctx context.Context, f func(*session) error) error {
	select {
	case <-r.turns:
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closing:
		return errClosed
	}
	s := r.take()
	defer func() {
		r.mu.Lock()
		r.free = append(r.free, s)
		r.mu.Unlock()
		r.turns <- struct{}{}
	}()
	return f(s)
}

func (r *readers) take() *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.free) - 1
	s := r.free[last]
	r.free = r.free[:last]
	return s
}

// close waits for those who read. Nobody reads afterwards.
func (r *readers) close() error {
	close(r.closing)
	for range r.all {
		<-r.turns
	}
	var errs []error
	for _, s := range r.all {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}
