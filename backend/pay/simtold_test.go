package pay_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"saoma/backend/pay"
)

// tellings holds what browsers and shops are told of orders against the books. What is told is not read back from them.
type tellings struct {
	mu    sync.Mutex
	heard int
	wrong []error
}

func (t *tellings) compare(p *process, told pay.Order, k pay.Kind) {
	var kept pay.Order
	err := p.books.View(context.Background(), func(tx pay.Tx) (err error) {
		kept, err = tx.Order(context.Background(), told.ID)
		return err
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.wrong = append(t.wrong, fmt.Errorf("told of %s, %s: %w", told.ID, k, err))
	case kept.Version != told.Version:
		return // it has moved on meanwhile
	case kept.State != pay.Pending:
		told.CodeURL, kept.CodeURL = "", "" // of an attempt that is on its way out; nobody is shown it
	}
	t.heard++
	if !reflect.DeepEqual(told, kept) {
		t.wrong = append(t.wrong, fmt.Errorf("told of %s (%s)\n%+v, and the books have\n%+v", told.ID, k, told, kept))
	}
}

func (t *tellings) check() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.heard == 0 {
		return errors.New("nothing that was told could be held against the books")
	}
	return errors.Join(t.wrong[:min(3, len(t.wrong))]...)
}
