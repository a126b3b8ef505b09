package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// The codes of these tests; live gives them no meaning.
const (
	codeFinal   = 4500
	codeRestart = 4000
	codeSlow    = 4001
)

// patience is how long a test waits for what comes at once unless the code is broken.
const patience = 20 * time.Second

// newHub returns a hub that the test's end closes, and that must then have no goroutine left.
func newHub(t *testing.T, o Options) *Hub {
	t.Helper()
	o.Subprotocol, o.CloseSlow = "test.v1", codeSlow
	h := NewHub(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.Close(ctx, codeRestart); err != nil {
			t.Errorf("close: %v", err)
		}
		if n := h.Len(); n != 0 {
			t.Errorf("%d sockets after close, want 0", n)
		}
	})
	return h
}

// newServer serves every path of h as the topic of that name, with this snapshot.
func newServer(t *testing.T, h *Hub, snapshot func() ([]byte, int, error)) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Serve(w, r, r.URL.Path, snapshot)
	}))
	t.Cleanup(srv.Close)
	return "ws" + strings.TrimPrefix(srv.URL, "http")
}

func message(text string) func() ([]byte, int, error) {
	return func() ([]byte, int, error) { return []byte(text), 0, nil }
}

func dial(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"other", "test.v1"}, HandshakeTimeout: patience}
	conn, response, err := dialer.Dial(url, nil)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	if got := conn.Subprotocol(); got != "test.v1" {
		t.Fatalf("subprotocol %q, want test.v1", got)
	}
	return conn
}

func wantMessage(t *testing.T, conn *websocket.Conn, want string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	kind, got, err := conn.ReadMessage()
	if err != nil {
		t.Fatalf("read: %v, want %q", err, want)
	}
	if kind != websocket.TextMessage || string(got) != want {
		t.Fatalf("read kind %d %q, want text %q", kind, got, want)
	}
}

func wantClose(t *testing.T, conn *websocket.Conn, want int) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	_, got, err := conn.ReadMessage()
	if closed := (*websocket.CloseError)(nil); !errors.As(err, &closed) || closed.Code != want {
		t.Fatalf("read %q, %v, want close %d", got, err, want)
	}
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestSnapshotComesFirstAndNothingIsLost(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	url := newServer(t, h, func() ([]byte, int, error) {
		h.Publish("/a", []byte("published meanwhile"), 0)
		return []byte("snapshot"), 0, nil
	})
	conn := dial(t, url+"/a")
	wantMessage(t, conn, "snapshot")
	wantMessage(t, conn, "published meanwhile")
	h.Publish("/a", []byte("later"), 0)
	wantMessage(t, conn, "later")
}

func TestPublishReachesTheTopicOnly(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	url := newServer(t, h, message("hello"))
	here, there := make([]*websocket.Conn, 40), make([]*websocket.Conn, 5)
	for i := range here {
		here[i] = dial(t, url+"/here")
		wantMessage(t, here[i], "hello")
	}
	for i := range there {
		there[i] = dial(t, url+"/there")
		wantMessage(t, there[i], "hello")
	}
	if got := h.Len(); got != 45 {
		t.Errorf("%d sockets, want 45", got)
	}
	long := strings.Repeat("很长", 20_000) // beyond every buffer
	h.Publish("/here", []byte(long), 0)
	h.Publish("/there", []byte("for there"), 0)
	h.Publish("/nowhere", []byte("for nobody"), codeFinal)
	for _, conn := range here {
		wantMessage(t, conn, long)
	}
	for _, conn := range there {
		wantMessage(t, conn, "for there")
	}
}

func TestOrderIsKept(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	conn := dial(t, newServer(t, h, message("0"))+"/a")
	wantMessage(t, conn, "0")
	for i := range 500 {
		h.Publish("/a", fmt.Appendf(nil, "%d", i), 0)
		if i%queueMax == queueMax-1 { // never more unread than a socket may have
			for j := i - queueMax + 1; j <= i; j++ {
				wantMessage(t, conn, fmt.Sprint(j))
			}
		}
	}
}

// A closeCase is a way for a socket to end: by its snapshot (nil: the message "first"), or by what is done
// once it is open.
type closeCase struct {
	snapshot func(h *Hub) ([]byte, int, error)
	act      func(h *Hub, conn *websocket.Conn)
	messages []string
	code     int
}

func closeCases() map[string]closeCase {
	return map[string]closeCase{
		"final snapshot": {
			snapshot: func(*Hub) ([]byte, int, error) { return []byte("paid"), codeFinal, nil },
			messages: []string{"paid"}, code: codeFinal,
		},
		"final publish": {
			act:      func(h *Hub, _ *websocket.Conn) { h.Publish("/a", []byte("paid"), codeFinal) },
			messages: []string{"first", "paid"}, code: codeFinal,
		},
		"final publish during a final snapshot": {
			snapshot: func(h *Hub) ([]byte, int, error) {
				h.Publish("/a", []byte("paid"), codeFinal)
				h.Publish("/a", []byte("too late"), 0)
				return []byte("paid too"), codeFinal + 1, nil
			},
			messages: []string{"paid too", "paid"}, code: codeFinal,
		},
		"close without a message": {
			act:      func(h *Hub, _ *websocket.Conn) { h.Publish("/a", nil, codeFinal) },
			messages: []string{"first"}, code: codeFinal,
		},
		"no snapshot": {
			snapshot: func(*Hub) ([]byte, int, error) { return []byte("x"), codeFinal, errors.New("no database") },
			code:     websocket.CloseInternalServerErr,
		},
		"snapshot panics": {
			snapshot: func(*Hub) ([]byte, int, error) { panic(http.ErrAbortHandler) },
			code:     websocket.CloseInternalServerErr,
		},
		"the browser talks": {
			act: func(_ *Hub, conn *websocket.Conn) {
				_ = conn.WriteMessage(websocket.TextMessage, []byte("hello?"))
			},
			messages: []string{"first"}, code: websocket.CloseUnsupportedData,
		},
		"the browser leaves": {
			act: func(_ *Hub, conn *websocket.Conn) {
				_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1001, ""))
			},
			messages: []string{"first"}, code: 1001,
		},
	}
}

func TestCloseCodes(t *testing.T) {
	t.Parallel()
	for name, test := range closeCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, Options{})
			url := newServer(t, h, func() ([]byte, int, error) {
				if test.snapshot == nil {
					return []byte("first"), 0, nil
				}
				return test.snapshot(h)
			})
			conn := dial(t, url+"/a")
			if test.act != nil {
				eventually(t, "the socket is there", func() bool { return h.Len() == 1 })
				test.act(h, conn)
			}
			for _, want := range test.messages {
				wantMessage(t, conn, want)
			}
			wantClose(t, conn, test.code)
			eventually(t, "the socket is gone", func() bool { return h.Len() == 0 })
			if len(h.topics) != 0 {
				t.Errorf("%d topics left, want 0", len(h.topics))
			}
		})
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Refuse(w, r, 4404)
	}))
	t.Cleanup(srv.Close)
	wantClose(t, dial(t, "ws"+strings.TrimPrefix(srv.URL, "http")), 4404)
	eventually(t, "the socket is gone", func() bool { return h.Len() == 0 })
}

func TestNoUpgrade(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{SocketsMax: 1})
	url := newServer(t, h, message("hello"))
	upgrade := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {"test.v1"},
	}
	status := func(change map[string]string) int {
		request := httptest.NewRequest(http.MethodGet, "http://pay.example/a", nil)
		request.Header = upgrade.Clone()
		for key, value := range change {
			request.Header.Set(key, value)
		}
		recorder := httptest.NewRecorder()
		h.Serve(recorder, request, "/a", message("hello"))
		return recorder.Code
	}
	for want, change := range map[int]map[string]string{
		http.StatusBadRequest:          {"Sec-Websocket-Protocol": "test.v2"},
		http.StatusForbidden:           {"Origin": "https://evil.example"},
		http.StatusInternalServerError: nil, // a recorder is no connection; the request was fine
	} {
		if got := status(change); got != want {
			t.Errorf("%v: status %d, want %d", change, got, want)
		}
	}
	if got := status(map[string]string{"Upgrade": "h2c"}); got != http.StatusBadRequest {
		t.Errorf("no websocket: status %d, want 400", got)
	}
	wantMessage(t, dial(t, url+"/a"), "hello")
	if got := status(nil); got != http.StatusServiceUnavailable {
		t.Errorf("full: status %d, want 503", got)
	}
}

func TestBehindMiddleware(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Serve(layer{w}, r, "a", message("hello"))
	}))
	t.Cleanup(srv.Close)
	wantMessage(t, dial(t, "ws"+strings.TrimPrefix(srv.URL, "http")), "hello")
}

// A layer is what metrics and logs put around a ResponseWriter.
type layer struct{ inner http.ResponseWriter }

func (l layer) Header() http.Header         { return l.inner.Header() }
func (l layer) Write(p []byte) (int, error) { return l.inner.Write(p) }
func (l layer) WriteHeader(status int)      { l.inner.WriteHeader(status) }
func (l layer) Unwrap() http.ResponseWriter { return l.inner }
