package live

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// Serve turns the request into a socket of the topic and sends what snapshot returns as its first message.
// It returns then; the socket lives on. The snapshot is taken after subscribing, so that no change falls
// between the two. A closeCode from snapshot closes the socket after the message; an error closes it with
// 1011. What is no WebSocket request, or comes after [Hub.Close], is answered with an HTTP error.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, topic string,
	snapshot func() (msg []byte, closeCode int, err error),
) {
	s := h.open(w, r, topic)
	if s == nil {
		return
	}
	var msg []byte
	code := websocket.CloseInternalServerErr // stands if snapshot panics: the socket is not left half open
	defer func() { s.begin(msg, code) }()
	first, firstCode, err := snapshot()
	if err != nil {
		h.options.Log.Error("live: no snapshot", "err", err)
		return
	}
	msg, code = first, firstCode
}

// Refuse turns the request into a socket and closes it with code: scripts in a browser see close codes, but
// not the status of an upgrade that failed.
func (h *Hub) Refuse(w http.ResponseWriter, r *http.Request, code int) {
	if s := h.open(w, r, ""); s != nil {
		s.begin(nil, code)
	}
}

// open upgrades and registers. It returns nil if the request has been answered otherwise. What is
// published from now on waits for [socket.begin].
func (h *Hub) open(w http.ResponseWriter, r *http.Request, topic string) *socket {
	if !h.reserve() {
		w.Header().Set("Retry-After", "5") // seconds: a restart takes less
		http.Error(w, "no more connections for now", http.StatusServiceUnavailable)
		return nil
	}
	defer h.opened()
	if want := h.options.Subprotocol; want != "" && !slices.Contains(websocket.Subprotocols(r), want) {
		http.Error(w, "Sec-WebSocket-Protocol must offer "+want, http.StatusBadRequest)
		return nil
	}
	conn, err := h.upgrader.Upgrade(hijacker{w}, r, nil)
	if err != nil {
		h.options.Log.Debug("live: no upgrade", "err", err) // Upgrade has answered
		return nil
	}
	s := &socket{hub: h, conn: conn, topic: topic, writing: true}
	conn.SetReadLimit(readLimit)
	conn.SetPongHandler(s.pong)
	if h.add(s) {
		return s
	}
	goodbye := websocket.FormatCloseMessage(h.lastCode, "")
	_ = conn.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(h.options.WriteWait))
	s.drop() // the hub closed meanwhile; a browser that misses the code comes again anyhow
	return nil
}

// A hijacker finds the connection under the layers that middleware puts around a ResponseWriter, which
// gorilla/websocket does not look through.
type hijacker struct{ http.ResponseWriter }

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(h.ResponseWriter).Hijack()
}
