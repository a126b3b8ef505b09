package live

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// A frame waits to be written: a text message, or a close with its code already formatted.
type frame struct {
	kind  int // websocket.TextMessage or websocket.CloseMessage
	data  []byte
	since time.Time // when it was published; zero for what was not
}

// frames returns a message, unless nil, and then a close, unless 0.
func frames(msg []byte, closeCode int) []frame {
	var list []frame
	if msg != nil {
		list = append(list, frame{kind: websocket.TextMessage, data: msg})
	}
	if closeCode != 0 {
		list = append(list, frame{kind: websocket.CloseMessage, data: websocket.FormatCloseMessage(closeCode, "")})
	}
	return list
}

// A socket is one browser. Its life is that of its read goroutine: whoever wants it gone closes the
// connection or sets a read deadline, and the reader cleans up.
type socket struct {
	hub   *Hub
	conn  *websocket.Conn
	topic string // empty if it was only opened to be told to go

	mu      sync.Mutex
	queue   []frame // to be written; nil when idle
	writing bool    // somebody empties the queue, or Serve will
	closing bool    // nothing more goes into the queue
	pinged  bool    // and no pong came yet
}

// send queues a message, a close, or both, and returns at once.
func (s *socket) send(msg []byte, closeCode int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := frames(msg, closeCode)
	if msg != nil {
		next[0].since = time.Now()
	}
	if s.closing || len(next) == 0 {
		return
	}
	if len(s.queue)+len(next) > queueMax {
		s.giveUp()
		return
	}
	s.queue = append(s.queue, next...)
	s.closing = closeCode != 0
	s.startWriting()
}

// begin puts what the snapshot said before everything published since, writes all of it, and reads from
// then on in a goroutine of its own. [Hub.add] has counted that goroutine already.
func (s *socket) begin(msg []byte, closeCode int) {
	s.mu.Lock()
	s.queue = append(frames(msg, 0), s.queue...)
	if closeCode != 0 && !s.closing {
		s.queue = append(s.queue, frames(nil, closeCode)...)
		s.closing = true
	}
	s.mu.Unlock()
	s.write()
	go s.read()
}

// giveUp closes with the code for slow browsers in place of all that was not written. The caller holds mu.
func (s *socket) giveUp() {
	s.hub.options.Log.Info("live: browser does not read or answer, closing")
	s.queue = frames(nil, s.hub.options.CloseSlow)
	s.closing = true
	s.startWriting()
}

// startWriting sees to it that somebody empties the queue. The caller holds mu. The reader has not ended,
// or closing would be set: the hub's count of goroutines is above zero and may be added to.
func (s *socket) startWriting() {
	if !s.writing {
		s.writing = true
		s.hub.running.Go(s.write)
	}
}

// write empties the queue. At most one goroutine is in it for one socket.
func (s *socket) write() {
	for {
		f, ok := s.next()
		if !ok {
			return
		}
		if err := s.writeFrame(f); err != nil {
			s.writeFailed(err)
			return
		}
	}
}

func (s *socket) next() (frame, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		s.queue, s.writing = nil, false
		return frame{}, false
	}
	f := s.queue[0]
	s.queue = s.queue[1:]
	return f, true
}

func (s *socket) writeFrame(f frame) error {
	deadline := time.Now().Add(s.hub.options.WriteWait)
	if f.kind != websocket.CloseMessage {
		if err := s.conn.SetWriteDeadline(deadline); err != nil {
			return err
		}
		err := s.conn.WriteMessage(f.kind, f.data)
		if err == nil && !f.since.IsZero() {
			s.hub.options.Pushed(time.Since(f.since))
		}
		return err
	}
	if err := s.conn.WriteControl(f.kind, f.data, deadline); err != nil {
		return err
	}
	// The browser answers with a close of its own (RFC 6455, 5.5.1), which ends the reader. Closing the
	// connection at once could destroy what it has not read yet.
	return s.conn.SetReadDeadline(deadline)
}

// writeFailed ends a socket that cannot be written to: half a frame may be out, so no close frame either.
func (s *socket) writeFailed(err error) {
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		s.hub.options.Log.Info("live: browser does not read, cut off")
	}
	s.drop()
}

// drop cuts the connection, which ends the reader and the writer.
func (s *socket) drop() {
	_ = s.conn.Close() // the only error is that it was closed before
}

// ping asks whether the browser is still there, and gives it up if it did not answer the last time. It is
// called by the sweep, which a ping cannot hold up: two bytes always fit into the kernel's buffer while
// no message waits in front of it.
func (s *socket) ping() {
	ask := false
	s.mu.Lock()
	switch {
	case s.writing || s.closing: // the deadline of that write or close decides
	case s.pinged:
		s.giveUp()
	default:
		s.pinged, ask = true, true
	}
	s.mu.Unlock()
	if !ask {
		return
	}
	deadline := time.Now().Add(s.hub.options.WriteWait)
	if err := s.conn.WriteControl(websocket.PingMessage, nil, deadline); err != nil {
		s.drop()
	}
}

func (s *socket) pong(string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pinged = false
	return nil
}

// read handles the browser's control frames until the connection ends, then removes the socket. A browser
// has nothing to say here: a text or binary message is refused.
func (s *socket) read() {
	defer s.hub.running.Done()
	for {
		if _, _, err := s.conn.NextReader(); err != nil {
			break // gone, told to go, too slow to go, or talking nonsense: nothing differs from here on
		}
		s.send(nil, websocket.CloseUnsupportedData)
	}
	s.mu.Lock()
	s.queue, s.closing = nil, true
	s.mu.Unlock()
	s.hub.remove(s)
	s.drop()
}
