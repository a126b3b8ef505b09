package live

import (
	"context"
	"runtime"
	"testing"
	"time"
)

func woken(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return false
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	first, stopFirst := h.Watch("a")
	second, stopSecond := h.Watch("a")
	other, stopOther := h.Watch("b")

	stopSecond()
	stopSecond() // must not count twice, or the first would be forgotten
	if h.topics["a"] == nil {
		t.Fatal("topic a is gone, but is watched")
	}
	h.Publish("a", nil, 0)
	if !woken(first) || woken(other) {
		t.Errorf("woken: a %t, b %t, want true, false", woken(first), woken(other))
	}
	if !woken(second) {
		t.Error("a watcher that stopped shares the wake-up of the others")
	}
	again, stopAgain := h.Watch("a")
	stopFirst() // of the watch before: must not end the new one
	h.Publish("a", []byte("message"), 4500)
	if !woken(again) {
		t.Error("not woken by the second publish")
	}
	stopAgain()
	stopOther()
	if len(h.topics) != 0 {
		t.Errorf("%d topics left, want 0", len(h.topics))
	}
}

func TestWatchEndsWithTheHub(t *testing.T) {
	t.Parallel()
	h := NewHub(Options{})
	before, stop := h.Watch("a")
	if err := h.Close(context.Background(), codeRestart); err != nil {
		t.Fatal(err)
	}
	after, _ := h.Watch("a")
	if !woken(before) || !woken(after) {
		t.Errorf("woken: before %t, after %t, want both", woken(before), woken(after))
	}
	stop()
	if len(h.topics) != 0 {
		t.Errorf("%d topics left, want 0", len(h.topics))
	}
}

func TestWatchWhilePublishing(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 200 {
			changed, stop := h.Watch("a")
			select {
			case <-changed:
			case <-time.After(patience):
				t.Error("not woken")
			}
			stop()
		}
	}()
	for {
		select {
		case <-ended:
			return
		default:
			h.Publish("a", nil, 0)
			runtime.Gosched() // on a single processor the watcher has to get its turn
		}
	}
}
