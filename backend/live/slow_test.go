package live

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// The tests of this file run on synctest's clock, over net.Pipe: a pipe holds nothing, so that a browser
// that does not read blocks the first byte.

// A pipeWriter is a ResponseWriter whose connection is one end of a pipe.
type pipeWriter struct {
	httptest.ResponseRecorder
	conn net.Conn
}

func (p *pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return p.conn, bufio.NewReadWriter(bufio.NewReader(p.conn), bufio.NewWriter(p.conn)), nil
}

// connect opens a socket of the topic "a" and reads its snapshot.
func connect(t *testing.T, h *Hub) *websocket.Conn {
	t.Helper()
	conn := upgrade(t, h, message("snapshot"))
	wantMessage(t, conn, "snapshot")
	synctest.Wait()
	return conn
}

func upgrade(t *testing.T, h *Hub, snapshot func() ([]byte, int, error)) *websocket.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		request, err := http.ReadRequest(bufio.NewReader(ours))
		if err != nil {
			t.Errorf("read request: %v", err)
			return
		}
		h.Serve(&pipeWriter{conn: ours}, request, "a", snapshot)
	}()
	dialer := websocket.Dialer{
		Subprotocols:   []string{"test.v1"},
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return theirs, nil },
	}
	conn, response, err := dialer.Dial("ws://pay.example/", nil)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestSlowReaderIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		slow, quick := connect(t, h), connect(t, h)
		start := time.Now()
		h.Publish("a", []byte("news"), 0)
		wantMessage(t, quick, "news")
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the slow one held up the publisher and the quick one for %v", waited)
		}
		time.Sleep(h.options.WriteWait + time.Millisecond)
		synctest.Wait()
		if got := h.Len(); got != 1 {
			t.Errorf("%d sockets, want only the quick one", got)
		}
		if _, _, err := slow.ReadMessage(); err == nil {
			t.Error("the slow one can still read")
		}
		h.Publish("a", []byte("more"), 0)
		wantMessage(t, quick, "more")
	})
}

func TestTooManyUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		conn := connect(t, h)
		h.Publish("a", []byte("first"), 0)
		synctest.Wait() // it is being written now, no longer in the queue
		for range queueMax + 1 {
			h.Publish("a", []byte("never read"), 0)
		}
		time.Sleep(h.options.WriteWait / 2) // then it does read
		wantMessage(t, conn, "first")
		wantClose(t, conn, codeSlow)
		synctest.Wait()
		if got := h.Len(); got != 0 {
			t.Errorf("%d sockets, want 0", got)
		}
	})
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		conn := connect(t, h)
		pings := 0
		answer := conn.PingHandler()
		conn.SetPingHandler(func(data string) error {
			pings++
			if pings > 10 {
				return nil // the browser's machine has gone to sleep
			}
			return answer(data)
		})
		start := time.Now()
		_ = conn.SetReadDeadline(time.Time{})
		_, _, err := conn.ReadMessage()
		if closed := (*websocket.CloseError)(nil); !errors.As(err, &closed) || closed.Code != codeSlow {
			t.Fatalf("read: %v, want close %d", err, codeSlow)
		}
		if pings != 11 {
			t.Errorf("%d pings, want 10 answered and one not", pings)
		}
		if got, want := time.Since(start), 12*25*time.Second; got != want {
			t.Errorf("closed after %v, want %v", got, want)
		}
	})
}

func TestPingUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		connect(t, h)
		time.Sleep(h.options.PingEvery + h.options.WriteWait + time.Millisecond)
		synctest.Wait()
		if got := h.Len(); got != 0 {
			t.Errorf("%d sockets, want 0", got)
		}
	})
}

func TestSilentAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		conn := connect(t, h)
		conn.SetCloseHandler(func(int, string) error { return nil }) // never answers
		h.Publish("a", nil, codeFinal)
		wantClose(t, conn, codeFinal)
		h.Publish("a", []byte("nothing comes after a close"), 0)
		synctest.Wait()
		if got := h.Len(); got != 1 {
			t.Fatalf("%d sockets, want 1 that may still answer", got)
		}
		time.Sleep(h.options.WriteWait + time.Millisecond)
		synctest.Wait()
		if got := h.Len(); got != 0 {
			t.Errorf("%d sockets, want 0", got)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		polite := connect(t, h)
		connect(t, h) // one that does not read
		closed := make(chan error, 1)
		start := time.Now()
		go func() { closed <- h.Close(context.Background(), codeRestart) }()
		wantClose(t, polite, codeRestart)
		if err := <-closed; err != nil {
			t.Errorf("close: %v", err)
		}
		if got := time.Since(start); got != h.options.WriteWait {
			t.Errorf("closing took %v, want %v: as long as a deaf browser may take", got, h.options.WriteWait)
		}
		recorder := httptest.NewRecorder()
		h.Serve(recorder, httptest.NewRequest(http.MethodGet, "/", nil), "a", message("x"))
		if recorder.Code != http.StatusServiceUnavailable {
			t.Errorf("after close: status %d, want 503", recorder.Code)
		}
	})
}

func TestCloseInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		connect(t, h)
		ctx, cancel := context.WithTimeout(t.Context(), h.options.WriteWait/4)
		defer cancel()
		if err := h.Close(ctx, codeRestart); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v, want deadline exceeded", err)
		}
		synctest.Wait()
		if got := h.Len(); got != 0 {
			t.Errorf("%d sockets, want 0", got)
		}
	})
}

func TestCloseDuringSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		ready := make(chan struct{})
		conn := upgrade(t, h, func() ([]byte, int, error) {
			<-ready
			return []byte("snapshot"), 0, nil
		})
		synctest.Wait() // in the snapshot
		closed := make(chan error, 1)
		go func() { closed <- h.Close(t.Context(), codeRestart) }()
		synctest.Wait()
		close(ready)
		wantMessage(t, conn, "snapshot")
		wantClose(t, conn, codeRestart)
		if err := <-closed; err != nil {
			t.Errorf("close: %v", err)
		}
	})
}
