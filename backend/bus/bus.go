// Package bus carries news between servers that share a database: "topic X has version V", over NATS. It knows
// nothing of orders, and nothing depends on it for the truth: a message that is lost, doubled or overtaken does no harm
// as long as whoever hears one reads the books, and reads them anyway after [Options.Missed] was called.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Options of a [Bus]. The functions are called from goroutines of the bus, one call at a time.
type Options struct {
	// Heard is told of a version that another server has of a topic this one listens to.
	Heard func(topic string, version int64)

	// Missed is called when messages may have been lost: after every new connection, also one of another server, and
	// when they came faster than Heard took them.
	Missed func()

	Log *slog.Logger // nil: silent
}

const (
	prefix       = "saoma." // of subjects
	everybody    = "saoma"  // the subject by which a server that was away says so
	queueMax     = 64 << 10 // messages that wait for Heard
	reconnect    = 250 * time.Millisecond
	reconnectJit = 250 * time.Millisecond
	flushLimit   = 5 * time.Second
	pingEvery    = 5 * time.Second // a server that has gone silently is noticed after two of these
)

// A Bus is a connection to NATS that makes itself anew whenever it breaks.
type Bus struct {
	options Options
	conn    *nats.Conn
	inbox   chan *nats.Msg
	missed  chan struct{}
	done    chan struct{}
	ended   sync.WaitGroup

	mu   sync.Mutex
	subs map[string]*nats.Subscription // by topic
}

// Connect returns a bus over the NATS at the address, "nats://HOST:4222", or several with commas between them. NATS
// need not be there yet: until it is, [Bus.Up] is false. An error is one of the address, and does not hold its password.
func Connect(address string, o Options) (*Bus, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &Bus{
		options: o, inbox: make(chan *nats.Msg, queueMax), missed: make(chan struct{}, 1), done: make(chan struct{}),
		subs: make(map[string]*nats.Subscription),
	}
	conn, err := nats.Connect(address,
		nats.Name("saoma"), nats.NoEcho(), // what this server has published it knows
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnect), nats.ReconnectJitter(reconnectJit, reconnectJit),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(-1), // news that is late is of no use: whoever comes back reads the books
		nats.ConnectHandler(b.connected), nats.ReconnectHandler(b.connected),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { o.Log.Warn("bus: connection lost", "error", err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			o.Log.Warn("bus", "error", err)
			if errors.Is(err, nats.ErrSlowConsumer) {
				b.miss()
			}
		}))
	if err != nil {
		// The error quotes the address, which may hold a password.
		return nil, errors.New("the address of the bus must be like nats://HOST:4222")
	}
	b.conn = conn
	if _, err := conn.ChanSubscribe(everybody, b.inbox); err != nil {
		conn.Close()
		return nil, fmt.Errorf("listen to the bus: %w", err)
	}
	b.ended.Go(b.listen)
	return b, nil
}

// connected is called after every new connection. What others said meanwhile was not heard here, and what was said here
// was heard by nobody: they are told so.
func (b *Bus) connected(conn *nats.Conn) {
	b.options.Log.Info("bus: connected")
	b.miss()
	if err := conn.Publish(everybody, nil); err != nil {
		b.options.Log.Warn("bus: cannot tell the others", "error", err)
	}
}

// miss remembers to call Missed.
func (b *Bus) miss() {
	select {
	case b.missed <- struct{}{}:
	default: // it is remembered already
	}
}

// listen hands over what is heard. One goroutine and one channel serve all topics: a subscription with a goroutine of
// its own would cost more than the socket it is for.
func (b *Bus) listen() {
	for {
		select {
		case m := <-b.inbox:
			if m.Subject == everybody {
				b.options.Missed()
				continue
			}
			topic, version, ok := parse(m)
			if !ok {
				b.options.Log.Warn("bus: not a message of ours", "subject", m.Subject)
				continue
			}
			b.options.Heard(topic, version)
		case <-b.missed:
			b.options.Missed()
		case <-b.done:
			return
		}
	}
}

func parse(m *nats.Msg) (topic string, version int64, ok bool) {
	topic, ok = strings.CutPrefix(m.Subject, prefix)
	version, err := strconv.ParseInt(string(m.Data), 10, 64)
	return strings.ReplaceAll(topic, "~", " "), version, ok && err == nil
}

// Up reports whether the bus is connected.
func (b *Bus) Up() bool { return b.conn.IsConnected() }

// subject is what NATS calls a topic. A topic may hold blanks, which a subject may not, but none of ".", "*", ">", "~".
func subject(topic string) string { return prefix + strings.ReplaceAll(topic, " ", "~") }

// Publish tells the servers that listen to the topic. It does not wait for the network, and while there is none it
// tells nobody.
func (b *Bus) Publish(topic string, version int64) {
	// The errors are those of a connection that is down, which Missed makes up for on the other side.
	_ = b.conn.Publish(subject(topic), strconv.AppendInt(nil, version, 10))
}

// Listen subscribes to a topic, and with on false ends that. It does not wait for the network: [Bus.Flush] does.
func (b *Bus) Listen(topic string, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sub := b.subs[topic]
	switch {
	case on && sub == nil:
		sub, err := b.conn.ChanSubscribe(subject(topic), b.inbox)
		if err != nil {
			b.options.Log.Warn("bus: cannot listen", "topic", topic, "error", err)
			return
		}
		b.subs[topic] = sub
	case !on && sub != nil:
		delete(b.subs, topic)
		if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.options.Log.Debug("bus: cannot end listening", "topic", topic, "error", err)
		}
	}
}

// Flush waits until NATS knows all that this server listens to: what is published from then on is heard. It is an
// error if there is no connection, or if it takes too long.
func (b *Bus) Flush(ctx context.Context) error {
	if !b.Up() {
		return nats.ErrDisconnected
	}
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	if err := b.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("flush the bus: %w", err)
	}
	return nil
}

// Close ends the connection. Nothing is heard any more when it returns.
func (b *Bus) Close() {
	close(b.done)
	b.conn.Close()
	b.ended.Wait()
}
