package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A watcher is a browser's socket, as small as can be.
type watcher struct {
	conn  net.Conn
	got   time.Time     // when the message after the snapshot had arrived whole; zero: the socket ended before
	ended chan struct{} // closed when got is set for good
}

// watch opens a socket and reads the snapshot.
func watch(ctx context.Context, address, token string) (*watcher, error) {
	dialer := net.Dialer{}
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	w := &watcher{conn: c, ended: make(chan struct{})}
	if _, err := fmt.Fprintf(c, "GET /v1/checkouts/%s/live HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: saoma.v1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		token, address); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	// Byte by byte: nothing of the snapshot may be swallowed.
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); {
		if _, err := c.Read(one); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		head = append(head, one[0])
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
		return nil, errors.Join(fmt.Errorf("a socket is answered %.200s", head), c.Close())
	}
	if err := w.message(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	go w.listen()
	return w, nil
}

// listen waits for the news, and stays to answer pings.
func (w *watcher) listen() {
	told := sync.OnceFunc(func() { close(w.ended) })
	defer told()
	for w.message() == nil {
		if w.got.IsZero() {
			w.got = time.Now()
			told()
		}
	}
}

// message reads frames until a text has come whole, and answers pings as a browser does.
func (w *watcher) message() error {
	for {
		var head [4]byte
		if _, err := io.ReadFull(w.conn, head[:2]); err != nil {
			return err
		}
		size := int64(head[1] & 0x7f)
		if size == 126 {
			if _, err := io.ReadFull(w.conn, head[2:]); err != nil {
				return err
			}
			size = int64(binary.BigEndian.Uint16(head[2:]))
		}
		if _, err := io.CopyN(io.Discard, w.conn, size); err != nil {
			return err
		}
		const text, ping, pong = 0x81, 0x89, 0x8a
		switch head[0] {
		case text:
			return nil
		case ping:
			if _, err := w.conn.Write([]byte{pong, 0x80, 0, 0, 0, 0}); err != nil {
				return err
			}
		}
	}
}

// watchAll opens one socket for each token.
func watchAll(ctx context.Context, address string, tokens []string) ([]*watcher, error) {
	watchers := make([]*watcher, len(tokens))
	err := together(ctx, len(tokens), 32, func(ctx context.Context, i int) (err error) {
		watchers[i], err = watch(ctx, address, tokens[i])
		return err
	})
	return watchers, err
}

func hangUp(watchers []*watcher) {
	for _, w := range watchers {
		if w != nil {
			_ = w.conn.Close()
		}
	}
}

// push measures the time from sending a callback to the arrival of its news, with 8,000 browsers watching an order each
// and 1,000 callbacks a second.
func (b *bench) push(ctx context.Context) error {
	return b.withPaid(ctx, "push", 8000, func(s *shop, _ *process, orders []order) error {
		times, err := s.paced(ctx, orders, s.address, time.Millisecond)
		if err != nil {
			return err
		}
		p50, p99 := milliseconds(percentile(times, 50)), milliseconds(percentile(times, 99))
		b.add(
			row{Name: "callback to browser, 8,000 watch, 1,000/s, p50", Figure: p50, Unit: "ms", Target: 1, AtMost: true,
				Ratio: p50 / (b.probes.EchoP50 + 1000/b.probes.FsyncsPerSecond), Of: "bare echo p50 and one fsync"},
			row{Name: "callback to browser, 8,000 watch, 1,000/s, p99", Figure: p99, Unit: "ms", Target: 5, AtMost: true,
				Ratio: p99 / (b.probes.EchoP99 + b.probes.FsyncP99), Of: "bare echo p99 and fsync p99"},
		)
		return nil
	})
}

// paced watches every order at one server, sends the callbacks to the shop's at a steady pace, and returns how long each
// took to its browser.
func (s *shop) paced(ctx context.Context, orders []order, at string, every time.Duration) ([]time.Duration, error) {
	tokens := make([]string, len(orders))
	for i, o := range orders {
		tokens[i] = o.Token
	}
	watchers, err := watchAll(ctx, at, tokens)
	defer hangUp(watchers)
	if err != nil {
		return nil, err
	}
	sent, err := s.sendPaced(ctx, orders, every)
	if err != nil {
		return nil, err
	}
	late := time.After(time.Minute)
	times := make([]time.Duration, 0, len(orders))
	for i, w := range watchers {
		select {
		case <-w.ended:
		case <-late:
			return nil, fmt.Errorf("the browser of order %s waits for a minute", orders[i].ID)
		}
		if w.got.IsZero() {
			return nil, fmt.Errorf("the browser of order %s was told nothing", orders[i].ID)
		}
		times = append(times, w.got.Sub(sent[i]))
	}
	return times[len(times)/20:], nil // the first warm the server up
}

// sendPaced sends the callbacks one by one at a steady pace, over as many connections as that needs.
func (s *shop) sendPaced(ctx context.Context, orders []order, every time.Duration) ([]time.Time, error) {
	const connections = 32
	sent := make([]time.Time, len(orders))
	next := make(chan int)
	go func() {
		defer close(next)
		for began, i := time.Now(), 0; i < len(orders) && ctx.Err() == nil; i++ {
			time.Sleep(time.Until(began.Add(time.Duration(i) * every)))
			next <- i
		}
	}()
	return sent, together(ctx, connections, connections, func(ctx context.Context, _ int) error {
		p, err := dialPoster(ctx, s.address)
		if err != nil {
			return err
		}
		defer func() { _ = p.conn.Close() }()
		for i := range next {
			sent[i] = time.Now()
			if err == nil { // whoever failed goes on taking, so that the others end
				err = p.post(orders[i].callback)
			}
		}
		return err
	})
}

// watchers measures what an idle browser costs the server, each watching an order of its own.
func (b *bench) watchers(ctx context.Context) (err error) {
	s, err := openShop(b.dir, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	const most = 19_000 // of the 20,000 descriptors that a process commonly may have
	tokens, err := openOrders(ctx, s.database(), most)
	if err != nil {
		return err
	}
	p, err := b.start(ctx, "watchers", s.config, s.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	// What the program needs for the first of all is not what one more costs.
	first, err := watchAll(ctx, s.address, tokens[:200])
	hangUp(first)
	if err != nil {
		return err
	}
	before, err := p.memoryAtRest()
	if err != nil {
		return err
	}
	var all []*watcher
	defer func() { hangUp(all) }()
	for _, n := range []int{1000, 10_000, most} {
		more, err := watchAll(ctx, s.address, tokens[len(all):n])
		all = append(all, more...)
		if err != nil {
			return fmt.Errorf("with %d open: %w", len(all), err)
		}
		now, err := p.memoryAtRest()
		if err != nil {
			return err
		}
		for _, w := range all {
			select {
			case <-w.ended:
				return errors.New("an idle watcher was cut off")
			default:
			}
		}
		r := row{Name: fmt.Sprintf("idle watcher, %s of them", thousands(n)), Figure: (now - before) / float64(n), Unit: "KB"}
		r.Ratio, r.Of = r.Figure/b.probes.SocketKB, "a gorilla socket by the usual recipe"
		if n > 1000 {
			r.Target, r.AtMost = 7, true
		}
		b.add(r)
	}
	return nil
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
