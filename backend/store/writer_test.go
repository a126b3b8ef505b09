package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// together has the changes wait for each other, so that they come in one batch: the first holds the writer until the
// others stand in line.
func together(t *testing.T, s *store.Store, changes ...func(pay.Tx) error) []error {
	t.Helper()
	holding, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Update(t.Context(), func(pay.Tx) error { close(holding); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-holding
	errs := make([]error, len(changes))
	for i, change := range changes {
		wg.Go(func() { errs[i] = s.Update(t.Context(), change) })
	}
	waitForSenders(len(changes))
	close(release)
	wg.Wait()
	return errs
}

// waitForSenders waits until so many goroutines stand in line for a writer.
func waitForSenders(n int) {
	buf := make([]byte, 8<<20) // some thousands of them
	for {
		stacks := string(buf[:runtime.Stack(buf, true)])
		waiting := 0
		for stack := range strings.SplitSeq(stacks, "\n\n") {
			if strings.Contains(stack, "[select") && strings.Contains(stack, "(*writer).update") {
				waiting++
			}
		}
		if waiting >= n {
			return
		}
		runtime.Gosched()
	}
}

func put(t *testing.T, sku string) func(pay.Tx) error {
	return func(tx pay.Tx) error {
		return tx.PutProduct(t.Context(), pay.Product{Merchant: "cafe", SKU: sku, Name: sku, Price: 100})
	}
}

func has(t *testing.T, s *store.Store, sku string) bool {
	t.Helper()
	err := s.View(t.Context(), func(tx pay.Tx) error {
		_, err := tx.Product(t.Context(), "cafe", sku)
		return err
	})
	if err != nil && !errors.Is(err, pay.ErrNoRow) {
		t.Fatal(err)
	}
	return err == nil
}

// One failure leaves nothing of itself, and all of the others that are committed with it.
func testBatchOneFails(t *testing.T, s *store.Store) {
	broken := errors.New("broken")
	errs := together(t, s,
		put(t, "a"),
		func(tx pay.Tx) error { return errors.Join(put(t, "b")(tx), broken) },
		func(tx pay.Tx) error { return tx.InsertAttempt(t.Context(), attempt(order(1), "T1")) }, // of no order: refused by the database
		put(t, "c"),
	)
	if errs[0] != nil || !errors.Is(errs[1], broken) || errs[2] == nil || errs[3] != nil {
		t.Errorf("errors: %v", errs)
	}
	if !has(t, s, "a") || has(t, s, "b") || !has(t, s, "c") {
		t.Errorf("a %t, b %t, c %t; want all but b", has(t, s, "a"), has(t, s, "b"), has(t, s, "c"))
	}
}

// A change is made once; those that stand in a batch with one that fails are made a second time, and that counts.
func testBatchIsMadeAgain(t *testing.T, s *store.Store) {
	broken := errors.New("broken")
	var runs [3]int
	counted := func(i int, err error) func(pay.Tx) error {
		return func(tx pay.Tx) error {
			runs[i]++
			return errors.Join(put(t, fmt.Sprint(i, runs[i]))(tx), err)
		}
	}
	if err := errors.Join(together(t, s, counted(0, nil), counted(1, nil), counted(2, nil))...); err != nil || runs != [3]int{1, 1, 1} {
		t.Errorf("when all is well they run %v times, %v; want once each", runs, err)
	}
	runs = [3]int{3, 3, 3}
	errs := together(t, s, counted(0, nil), counted(1, broken), counted(2, nil))
	if errs[0] != nil || !errors.Is(errs[1], broken) || errs[2] != nil {
		t.Errorf("errors: %v", errs)
	}
	for i, last := range runs {
		if made := has(t, s, fmt.Sprint(i, last)); made != (i != 1) {
			t.Errorf("the last run of change %d is made: %t", i, made)
		}
		for run := 4; run < last; run++ {
			if has(t, s, fmt.Sprint(i, run)) {
				t.Errorf("run %d of change %d is made beside the last", run, i)
			}
		}
	}
	before := runs
	errs = together(t, s, counted(0, nil), counted(1, broken), counted(2, nil))
	if errs[0] != nil || !errors.Is(errs[1], broken) || errs[2] != nil {
		t.Errorf("errors after a failure: %v", errs)
	}
	for i := range runs {
		if runs[i] != before[i]+1 || has(t, s, fmt.Sprint(i, runs[i])) != (i != 1) {
			t.Errorf("after a failure change %d runs %d times; want once", i, runs[i]-before[i])
		}
	}
}

// A change whose caller has gone before its turn is not made; one under way is not torn.
func TestBatchCallerGone(t *testing.T) {
	s, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(tx pay.Tx) error {
		cancel()
		return tx.PutProduct(ctx, pay.Product{Merchant: "cafe", SKU: "a", Name: "a", Price: 100})
	})
	if err != nil || !has(t, s, "a") {
		t.Errorf("the change under way: %v, made %t", err, has(t, s, "a"))
	}
	if err := s.Update(ctx, put(t, "b")); !errors.Is(err, context.Canceled) || has(t, s, "b") {
		t.Errorf("the change too late: %v, made %t", err, has(t, s, "b"))
	}
}

// A panic is the caller's. The writer lives on, and the others' changes stand.
func TestBatchOnePanics(t *testing.T) {
	s, _ := open(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			defer func() {
				if cry := recover(); (cry != nil) != (i%5 == 0) || cry != nil && cry != i {
					t.Errorf("change %d: recovered %v", i, cry)
				}
			}()
			err := s.Update(t.Context(), func(tx pay.Tx) error {
				if err := put(t, fmt.Sprint(i))(tx); err != nil {
					return err
				}
				if i%5 == 0 {
					panic(i)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 20 {
		if has(t, s, fmt.Sprint(i)) != (i%5 != 0) {
			t.Errorf("change %d is made: %t", i, i%5 == 0)
		}
	}
}

// Everybody sees what came before, in a batch as well.
func testBatchSeesEarlier(t *testing.T, s *store.Store) {
	insert(t, s, order(1))
	grow := func(tx pay.Tx) error {
		o, err := tx.Order(t.Context(), order(1).ID)
		if err != nil {
			return err
		}
		o.Version++
		return tx.UpdateOrder(t.Context(), o)
	}
	const n = 40
	changes := make([]func(pay.Tx) error, n)
	for i := range changes {
		changes[i] = grow
	}
	if err := errors.Join(together(t, s, changes...)...); err != nil {
		t.Fatal(err)
	}
	err := s.View(t.Context(), func(tx pay.Tx) error {
		o, err := tx.Order(t.Context(), order(1).ID)
		if o.Version != 1+n {
			t.Errorf("version %d; want %d", o.Version, 1+n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// After Close nothing hangs and nothing is written.
func TestUpdateAfterClose(t *testing.T) {
	s, err := store.OpenSQLite(t.Context(), t.TempDir()+"/saoma.db")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { _ = s.Update(t.Context(), put(t, fmt.Sprint(i))) }) // done or refused, but answered
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := s.Update(t.Context(), put(t, "late")); err == nil {
		t.Error("written after Close")
	}
}

// However many changes wait, an urgent one is made before them, and is not refused when they are.
func TestUrgentGoesFirst(t *testing.T) {
	s, _ := open(t)
	holding, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Update(t.Context(), func(pay.Tx) error { close(holding); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-holding
	var made []string // by the writer alone, one after the other
	for range store.WaitingMax {
		wg.Go(func() {
			if err := s.Update(t.Context(), func(pay.Tx) error { made = append(made, "plain"); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for s.Waiting() < store.WaitingMax {
		runtime.Gosched()
	}
	if err := s.Update(t.Context(), put(t, "refused")); pay.CodeOf(err) != pay.Overloaded {
		t.Errorf("one more: %v; want it refused", err)
	}
	wg.Go(func() {
		err := s.Update(pay.Urgent(t.Context()), func(pay.Tx) error { made = append(made, "urgent"); return nil })
		if err != nil {
			t.Error(err)
		}
	})
	for s.Waiting() < store.WaitingMax+1 {
		runtime.Gosched()
	}
	waitForSenders(store.WaitingMax + 1)
	close(release)
	wg.Wait()
	if len(made) != store.WaitingMax+1 || made[0] != "urgent" {
		t.Errorf("%d changes, the first %q; want the urgent one first of %d", len(made), made[0], store.WaitingMax+1)
	}
	if has(t, s, "refused") {
		t.Error("what was refused is made")
	}
}
