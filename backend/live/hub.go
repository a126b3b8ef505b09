// Package live pushes messages to browsers over WebSockets (RFC 6455), by topic. It knows nothing of
// orders: a topic is a string, a message is bytes.
//
// Messages are meant to be whole states, not events: a socket that falls behind is cut off, and its browser
// comes again for a fresh snapshot. An idle socket costs one goroutine that reads and no buffers for
// writing; a goroutine that writes exists only while there is something to write.
package live

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Bounds of one socket, in bytes unless said otherwise.
const (
	readBuffer  = 256 // holds any control frame (at most 125) with its header; browsers send nothing else
	writeBuffer = 512 // borrowed from a pool while writing; longer messages go out beside it, uncopied
	readLimit   = 512 // of a message that we refuse anyway
	queueMax    = 8   // frames; an order changes a few times in its life, so eight unread mean nobody reads
)

// Options of a [Hub].
type Options struct {
	// Subprotocol that a browser must offer (Sec-WebSocket-Protocol); empty: none is asked for.
	Subprotocol string

	// CheckOrigin decides who may connect; nil: pages of the same host, and clients that are no browsers.
	CheckOrigin func(*http.Request) bool

	PingEvery time.Duration // 0: 25 s, below the minute after which proxies drop a silent connection
	WriteWait time.Duration // 0: 2 s; how long one write may wait for the browser to read

	// CloseSlow is the close code for a browser that does not read or does not answer pings. It gets
	// through only if the connection still carries it; otherwise the browser sees 1006.
	CloseSlow int

	// SocketsMax bounds the open sockets, so that watchers cannot use up the process's file descriptors,
	// which callbacks need too. 0: no bound.
	SocketsMax int

	// Pushed is told how long each published message took until it was written to a socket; nil: nobody counts.
	// It must not block.
	Pushed func(took time.Duration)

	// Listening is told when a topic gets its first listener and when it has lost its last one, in that order for
	// each topic. It must not block, nor call the hub. nil: nobody wants to know.
	Listening func(topic string, on bool)

	Log *slog.Logger // nil: silent
}

func (o Options) withDefaults() Options {
	if o.PingEvery == 0 {
		o.PingEvery = 25 * time.Second
	}
	if o.WriteWait == 0 {
		o.WriteWait = 2 * time.Second
	}
	if o.CloseSlow == 0 {
		o.CloseSlow = websocket.CloseTryAgainLater
	}
	if o.Pushed == nil {
		o.Pushed = func(time.Duration) {}
	}
	if o.Listening == nil {
		o.Listening = func(string, bool) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// A Hub keeps the open sockets and who listens to what. Make one with [NewHub].
type Hub struct {
	options  Options
	upgrader websocket.Upgrader
	running  sync.WaitGroup // the sweep, and of every socket its reader and writer
	done     chan struct{}  // closed by Close

	// mu guards what follows. It is taken before a socket's own mutex, and nothing under it waits for the
	// network: one mutex serves some ten thousand sockets, so it is not sharded.
	mu       sync.Mutex
	topics   map[string]*topic
	sockets  map[*socket]struct{}
	opening  int // that will be among the sockets in a moment
	closed   bool
	lastCode int // what Close says to sockets
}

// NewHub returns a hub and starts its sweep, which ends with [Hub.Close].
func NewHub(o Options) *Hub {
	o = o.withDefaults()
	h := &Hub{
		options: o,
		upgrader: websocket.Upgrader{
			HandshakeTimeout: o.WriteWait,
			ReadBufferSize:   readBuffer,
			WriteBufferSize:  writeBuffer,
			WriteBufferPool:  &sync.Pool{},
			CheckOrigin:      o.CheckOrigin,
		},
		done:    make(chan struct{}),
		topics:  make(map[string]*topic),
		sockets: make(map[*socket]struct{}),
	}
	if o.Subprotocol != "" {
		h.upgrader.Subprotocols = []string{o.Subprotocol}
	}
	h.running.Go(h.sweep)
	return h
}

// Len returns the number of open sockets.
func (h *Hub) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sockets)
}

// Topics returns the topics that somebody listens to.
func (h *Hub) Topics() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.topics))
}

// Close tells every socket to come again, with code, wakes every watcher, and refuses new ones. It returns
// when all goroutines of the hub have ended; when ctx ends first, the sockets are cut off without a word.
func (h *Hub) Close(ctx context.Context, code int) error {
	h.beginClose(code)
	ended := make(chan struct{})
	go func() {
		h.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	left := h.list()
	for _, s := range left {
		s.drop()
	}
	return fmt.Errorf("live: %d sockets had to be cut off: %w", len(left), ctx.Err())
}

func (h *Hub) beginClose(code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed, h.lastCode = true, code
	close(h.done)
	for s := range h.sockets {
		s.send(nil, code)
	}
	for name, t := range h.topics {
		t.wake()
		h.dropIfEmpty(name, t)
	}
}

// sweep pings all sockets, one after the other: no timer and no goroutine per socket.
func (h *Hub) sweep() {
	ticker := time.NewTicker(h.options.PingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-h.done:
			return
		case <-ticker.C:
		}
		for _, s := range h.list() {
			s.ping()
		}
	}
}

func (h *Hub) list() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*socket, 0, len(h.sockets))
	for s := range h.sockets {
		list = append(list, s)
	}
	return list
}

// Full reports whether a new socket would be refused.
func (h *Hub) Full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.full()
}

// full is Full. The caller holds mu.
func (h *Hub) full() bool {
	return h.closed || h.options.SocketsMax > 0 && len(h.sockets)+h.opening >= h.options.SocketsMax
}

// reserve takes room for a socket, until opened.
func (h *Hub) reserve() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.full() {
		return false
	}
	h.opening++
	return true
}

func (h *Hub) opened() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opening--
}

// add registers a socket and counts its reader, which must be started. It reports false after Close.
func (h *Hub) add(s *socket) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.running.Add(1)
	h.sockets[s] = struct{}{}
	if s.topic != "" {
		t := h.topic(s.topic)
		t.sockets = append(t.sockets, s)
	}
	return true
}

func (h *Hub) remove(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sockets, s)
	t := h.topics[s.topic]
	if t == nil {
		return
	}
	if i := slices.Index(t.sockets, s); i >= 0 {
		t.sockets = slices.Delete(t.sockets, i, i+1)
	}
	h.dropIfEmpty(s.topic, t)
}
