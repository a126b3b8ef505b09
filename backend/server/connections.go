package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Connections keeps how many are open within a bound, so that a flood of them leaves descriptors for the books and for
// calls to WeChat Pay. When there are too many, the one that has been without a request for the longest is closed, as a
// server may do at any time (RFC 9112 §9.5): who is being served stays, and the new one may bring a callback. Those that
// have become WebSockets are counted by somebody else; most leaves room for them.
type Connections struct {
	most func() int

	mu    sync.Mutex
	open  map[net.Conn]*list.Element // its place among the quiet ones; nil while it has a request
	quiet list.List                  // of net.Conn: the longest without a request first

	closed atomic.Int64
}

// NewConnections returns a bound that is asked for at each new connection.
func NewConnections(most func() int) *Connections {
	return &Connections{most: most, open: make(map[net.Conn]*list.Element)}
}

// Len returns how many are open, WebSockets aside.
func (c *Connections) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// Closed returns how many were closed because there were too many.
func (c *Connections) Closed() int { return int(c.closed.Load()) }

// Changed is for [http.Server.ConnState].
func (c *Connections) Changed(conn net.Conn, state http.ConnState) {
	most := 0
	if state == http.StateNew {
		most = c.most()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if place := c.open[conn]; place != nil {
		c.quiet.Remove(place)
	}
	switch state {
	case http.StateNew:
		c.open[conn] = c.quiet.PushBack(conn)
		if len(c.open) > most {
			c.close(c.quiet.Front().Value.(net.Conn)) // the new one itself if all others have requests
		}
	case http.StateIdle:
		if _, ok := c.open[conn]; ok {
			c.open[conn] = c.quiet.PushBack(conn)
		}
	case http.StateActive:
		if _, ok := c.open[conn]; ok {
			c.open[conn] = nil
		}
	default:
		delete(c.open, conn)
	}
}

// close closes a quiet connection. The caller holds mu.
func (c *Connections) close(conn net.Conn) {
	c.quiet.Remove(c.open[conn])
	delete(c.open, conn)
	c.closed.Add(1)
	_ = conn.Close() // the server notices, and has nothing to say
}
