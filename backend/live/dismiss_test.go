package live

import (
	"context"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A parting is how a socket ended, and how many messages had come.
type parting struct {
	messages int
	err      error
}

// newCrowd opens so many sockets and returns how they end.
func newCrowd(t *testing.T, h *Hub, n int) (ends chan parting) {
	t.Helper()
	url := newServer(t, h, message("hello"))
	ends = make(chan parting, n)
	for range n {
		conn := dial(t, url+"/a")
		wantMessage(t, conn, "hello")
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		go func() {
			var p parting
			for ; p.err == nil; p.messages++ {
				_, _, p.err = conn.ReadMessage()
			}
			p.messages--
			ends <- p
		}()
	}
	return ends
}

// wantTold waits for the next socket that was told to come again.
func wantTold(t *testing.T, ends chan parting, messages int) {
	t.Helper()
	if p := <-ends; !websocket.IsCloseError(p.err, codeRestart) || p.messages != messages {
		t.Errorf("after %d messages it ended with %v; want %d and close %d", p.messages, p.err, messages, codeRestart)
	}
}

// A crowd is told to come again little by little.
func TestDismiss(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	const crowd, perSecond = 60, 200
	ends := newCrowd(t, h, crowd)
	began := time.Now()
	h.Dismiss(t.Context(), codeRestart, perSecond)
	for range crowd {
		wantTold(t, ends, 0)
	}
	// The ticks of a busy machine may come late, and one of them may then be waited for less.
	if took, least := time.Since(began), time.Second*(crowd-10)/perSecond; took < least {
		t.Errorf("%d sockets were gone after %v; want it to take %v at least", crowd, took, least)
	}
	eventually(t, "the hub has none left", func() bool { return h.Len() == 0 })
	wantMessage(t, dial(t, newServer(t, h, message("hello"))+"/a"), "hello") // and is still there
}

// Whoever has not been told yet hears all news, and when there is no more time he is left alone.
func TestDismissedLater(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	const crowd, perSecond = 20, 1 // only the first ones will ever be told
	ends := newCrowd(t, h, crowd)
	ctx, cancel := context.WithCancel(t.Context())
	dismissed := make(chan struct{})
	go func() { defer close(dismissed); h.Dismiss(ctx, codeRestart, perSecond) }()
	wantTold(t, ends, 0)
	h.Publish("/a", []byte("news"), 0)
	wantTold(t, ends, 1)
	cancel()
	<-dismissed
	if h.Len() == 0 {
		t.Error("all have been told, though there was no time for that")
	}
}
