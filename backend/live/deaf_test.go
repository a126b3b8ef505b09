package live

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Over a real network, whose buffers hold a lot, a browser that never reads is cut off, and holds up nobody else.
func TestDeafBrowserOverTheNetwork(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{WriteWait: 200 * time.Millisecond})
	url := newServer(t, h, message("hello"))
	deaf, quick := dial(t, url+"/a"), dial(t, url+"/a")
	wantMessage(t, deaf, "hello")
	wantMessage(t, quick, "hello")
	text := strings.Repeat("x", 64<<10)
	for i := 0; h.Len() == 2; i++ {
		said := fmt.Sprint(i, text)
		h.Publish("/a", []byte(said), 0)
		wantMessage(t, quick, said)
	}
	wantMessage(t, dial(t, url+"/a"), "hello")
	h.Publish("/a", []byte("more"), 0)
	wantMessage(t, quick, "more")
}

// A browser that does not answer is told to come again, if its connection still carries that.
func TestDeafBrowserIsTold(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{PingEvery: 50 * time.Millisecond, WriteWait: 2 * time.Second})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Serve(w, r, "a", message("hello"))
	}))
	t.Cleanup(srv.Close)
	var wire net.Conn
	d := websocket.Dialer{Subprotocols: []string{"test.v1"}, NetDial: func(network, address string) (c net.Conn, err error) {
		wire, err = net.Dial(network, address)
		return wire, err
	}}
	deaf, res, err := d.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = res.Body.Close(), wire.Close() })
	eventually(t, "it is given up", func() bool { return h.Len() == 0 })
	wantMessage(t, deaf, "hello")
	wantClose(t, deaf, codeSlow)
}
