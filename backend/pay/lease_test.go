package pay_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// Work that is done once is done by one server; who dies in the middle holds it up for a while only.
func TestAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	under, release := make(chan struct{}), make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		done, err := w.Alone(t.Context(), "seal", time.Hour, func() error { close(under); <-release; return nil })
		if !done || err != nil {
			t.Errorf("the first: %t, %v", done, err)
		}
	})
	<-under
	idle := func() error { t.Error("done twice at once"); return nil }
	if done, err := w.Alone(t.Context(), "seal", time.Hour, idle); done || err != nil {
		t.Errorf("while another is at it: %t, %v", done, err)
	}
	if done, err := w.Alone(t.Context(), "other work", time.Hour, func() error { return nil }); !done || err != nil {
		t.Errorf("other work meanwhile: %t, %v", done, err)
	}
	w.ahead.Add(int64(time.Hour)) // the first is taken for dead
	if done, err := w.Alone(t.Context(), "seal", time.Hour, func() error { return nil }); !done || err != nil {
		t.Errorf("after the time of the first: %t, %v", done, err)
	}
	close(release)
	first.Wait()

	broken := errors.New("broken")
	ctx, cancel := context.WithCancel(t.Context())
	if done, err := w.Alone(ctx, "seal", time.Hour, func() error { cancel(); return broken }); !done || !errors.Is(err, broken) {
		t.Errorf("work that fails: %t, %v", done, err)
	}
	if done, err := w.Alone(t.Context(), "seal", time.Hour, func() error { return nil }); !done || err != nil {
		t.Errorf("after one that failed and left: %t, %v", done, err)
	}
}
