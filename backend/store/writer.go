package store

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"saoma/backend/pay"
)

// errClosed is returned by what comes after Close.
var errClosed = errors.New("the database is closed")

// A writer changes the books, by one goroutine for each of its sessions: SQLite has one. Whatever waits when one gets
// to work is committed together, with one sync of the disk for all: that is what takes the time. Who comes alone does
// not wait for company.
//
// A crash anywhere before the commit leaves nothing of the batch, and nobody has been told otherwise.
type writer struct {
	sessions []*session
	queue    chan *change // unbuffered: those who wait are the queue
	urgent   chan *change // goes before it
	waiting  atomic.Int64 // how many they are
	batched  func(n int)  // is told of every batch that was committed
	closing  chan struct{}
	ended    sync.WaitGroup
}

// A change is what one caller wants done.
type change struct {
	ctx   context.Context
	do    func(pay.Tx) error
	err   error
	cry   any           // what do panicked with
	begun bool          // its turn has come; it may come twice
	done  chan struct{} // closed when err and cry are set for good
}

func newWriter(sessions []*session) *writer {
	w := &writer{sessions: sessions, queue: make(chan *change), urgent: make(chan *change), batched: func(int) {}, closing: make(chan struct{})}
	for _, s := range sessions {
		s.undisturbed, s.locks = true, s.lock
		w.ended.Go(func() { w.work(s) })
	}
	return w
}

// update has f done and committed, and returns what became of it.
func (w *writer) update(ctx context.Context, f func(pay.Tx) error) error {
	c := &change{ctx: ctx, do: f, done: make(chan struct{})}
	if err := w.queueUp(ctx, c); err != nil {
		return err
	}
	<-c.done // not the end of ctx: it may be committed all the same
	if c.cry != nil {
		panic(c.cry)
	}
	return c.err
}

// waitingMax bounds how many changes wait, but for urgent ones. On the slowest disk they are written within some
// seconds; who serves requests lets in fewer.
const waitingMax = 4096

// queueUp waits until the writer takes the change.
func (w *writer) queueUp(ctx context.Context, c *change) error {
	n, queue := w.waiting.Add(1), w.queue
	defer w.waiting.Add(-1)
	if pay.IsUrgent(ctx) {
		queue = w.urgent
	} else if n > waitingMax {
		return &pay.Error{Code: pay.Overloaded, Message: "too many changes wait to be written; ask again in some seconds"}
	}
	select {
	case queue <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closing:
		return errClosed
	}
}

// close waits for the batches under way.
func (w *writer) close() error {
	close(w.closing)
	w.ended.Wait()
	var errs []error
	for _, s := range w.sessions {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

func (w *writer) work(s *session) {
	for {
		c := w.next()
		if c == nil {
			select {
			case c = <-w.urgent:
			case c = <-w.queue:
			case <-w.closing:
				return
			}
		}
		batch := w.gather(c, s.batchMax)
		if s.commit(batch) {
			w.batched(len(batch))
		}
	}
}

// next returns the change whose turn it is, or nil if none waits.
func (w *writer) next() *change {
	select {
	case c := <-w.urgent:
		return c
	default:
	}
	select {
	case c := <-w.queue:
		return c
	default:
		return nil
	}
}

// gather takes those who wait beside the first. They get one turn of the scheduler to step up: without it, on a
// single core, hardly anybody ever waits.
func (w *writer) gather(first *change, most int) []*change {
	batch := []*change{first}
	runtime.Gosched()
	for len(batch) < most {
		c := w.next()
		if c == nil {
			break
		}
		batch = append(batch, c)
	}
	return batch
}

// commit does the changes of a batch in one transaction and tells the callers. It reports whether that went well.
func (s *session) commit(batch []*change) bool {
	err := s.transact(batch)
	if err != nil {
		for _, c := range batch {
			if c.err == nil {
				c.err = err // done, and undone with all the others
			}
		}
	}
	for _, c := range batch {
		close(c.done)
	}
	return err == nil
}

// transact returns why nothing of the batch was committed. What ails a single change stands in that.
//
// At first the changes are made one after the other with nothing between them: a savepoint has SQLite keep a copy of every
// page that comes after it, and hardly ever does one fail. If one does, all are undone and made again, each behind a
// savepoint, so that its failure leaves the others alone; and so is the next batch at once, for failures come in company:
// of a hundred who want the last cup, ninety-nine.
func (s *session) transact(batch []*change) error {
	if len(batch) == 1 || !s.careful {
		if err := s.try(batch, false); !errors.Is(err, errApart) {
			return err
		}
	}
	err := s.try(batch, true)
	s.careful = slices.ContainsFunc(batch, func(c *change) bool { return c.begun && c.err != nil })
	return err
}

// errApart says that a change has failed in company without savepoints.
var errApart = errors.New("a change has failed")

// try makes the changes in one transaction.
func (s *session) try(batch []*change, apart bool) (err error) {
	ctx := context.Background()
	if err := s.begin(ctx, s.beginChange); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = s.run(ctx, "ROLLBACK") // fails if the database has done it by itself
		}
	}()
	good := 0
	for _, c := range batch {
		if err := s.apply(ctx, c, apart); err != nil {
			return err
		}
		if c.err == nil {
			good++
		} else if c.begun && !apart && len(batch) > 1 {
			return errApart
		}
	}
	if good == 0 {
		return s.run(ctx, "ROLLBACK")
	}
	return s.run(ctx, "COMMIT")
}

// apply makes one change. Behind a savepoint its failure leaves the others alone. The error is of the whole transaction:
// some failures, such as a full disk, end it.
func (s *session) apply(ctx context.Context, c *change, apart bool) error {
	if !c.begun {
		if c.err = c.ctx.Err(); c.err != nil {
			return nil
		}
		c.begun = true
	}
	if !apart {
		c.attempt(tx{s})
		return nil
	}
	if err := s.run(ctx, "SAVEPOINT change"); err != nil {
		return err
	}
	c.attempt(tx{s})
	if c.err != nil {
		if err := s.run(ctx, "ROLLBACK TO change"); err != nil {
			return errors.Join(c.err, err)
		}
	}
	return s.run(ctx, "RELEASE change")
}

var errPanic = errors.New("the change panicked")

// attempt calls do. A panic is the caller's, not the writer's.
func (c *change) attempt(t tx) {
	defer func() {
		if c.cry = recover(); c.cry != nil {
			c.err = errPanic
		}
	}()
	c.err = c.do(t)
}
