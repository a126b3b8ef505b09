package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// orders measures how many orders are made, with WeChat Pay's signature and ours on each: the simulator, which answers,
// is on the same cores.
func (b *bench) orders(ctx context.Context) error {
	return b.withShop(ctx, "orders", func(s *shop, p *process) error {
		if _, _, err := s.make(ctx, 50); err != nil { // connections, statements
			return err
		}
		n := 2500 // fewer than are made before the sweep asks WeChat Pay about the first, five seconds later
		var took time.Duration
		server, load, err := p.spent(func() (err error) {
			_, took, err = s.make(ctx, n)
			return err
		})
		if err != nil {
			return err
		}
		rate, each := float64(n)/took.Seconds(), server.Seconds()*1e6/float64(n)
		signing := b.probes
		if err := signing.rsa(); err != nil { // a shared machine's pace changes within a minute: the better one counts
			return err
		}
		signing.SignMicroseconds = min(signing.SignMicroseconds, b.probes.SignMicroseconds)
		signing.VerifyMicroseconds = min(signing.VerifyMicroseconds, b.probes.VerifyMicroseconds)
		allowed := signing.signaturesPerSecond() / 2
		b.add(
			row{Name: "orders made, the simulator on the same cores", Figure: rate, Unit: "/s", Target: 0.75 * allowed,
				Ratio: rate / allowed, Of: "what two RSA signatures and their verifications allow"},
			row{Name: "  the server's own time for one", Figure: each, Unit: "µs",
				Ratio: each / signing.SignMicroseconds, Of: "an RSA signature"},
			row{Name: "  the simulator's and the load's", Figure: load.Seconds() * 1e6 / float64(n), Unit: "µs"},
		)
		return nil
	})
}

// callbacks measures how many callbacks are answered 204, by 64 connections that each wait for the answer.
func (b *bench) callbacks(ctx context.Context) error {
	return b.withPaid(ctx, "callbacks", b.times(12_000), func(s *shop, p *process, orders []order) error {
		warm := orders[:len(orders)/6]
		if _, _, err := s.send(ctx, warm); err != nil {
			return err
		}
		var times []time.Duration
		var took time.Duration
		server, load, err := p.spent(func() (err error) {
			times, took, err = s.send(ctx, orders[len(warm):])
			return err
		})
		if err != nil {
			return err
		}
		each := server.Seconds() * 1e6 / float64(len(times))
		rate := float64(len(times)) / took.Seconds()
		_, again, err := s.send(ctx, orders[len(warm):])
		if err != nil {
			return err
		}
		twice := float64(len(times)) / again.Seconds()
		b.add(
			row{Name: "callbacks durable", Figure: rate, Unit: "/s", Target: 8000,
				Ratio: rate / b.probes.GroupCommits, Of: "raw SQLite group commit"},
			row{Name: "  against RSA alone", Figure: rate, Unit: "/s",
				Ratio: rate / b.probes.verificationsPerSecond(), Of: "RSA verification on all cores"},
			row{Name: "  the server's own time for one", Figure: each, Unit: "µs",
				Ratio: each / b.probes.VerifyMicroseconds, Of: "an RSA verification"},
			row{Name: "  the load's", Figure: load.Seconds() * 1e6 / float64(len(times)), Unit: "µs"},
			row{Name: "  answered, p50", Figure: milliseconds(percentile(times, 50)), Unit: "ms"},
			row{Name: "  answered, p99", Figure: milliseconds(percentile(times, 99)), Unit: "ms",
				Ratio: milliseconds(percentile(times, 99)) / b.probes.FsyncP99, Of: "fsync p99"},
			row{Name: "  the same once more", Figure: twice, Unit: "/s",
				Ratio: twice / b.probes.verificationsPerSecond(), Of: "RSA verification on all cores"},
		)
		return nil
	})
}

// withPaid runs the program with so many orders that were paid, of which it has not heard. It is started again after
// they were made, so that nothing of that is in the measurement, and the sweep does not ask for them meanwhile: that they
// wait for so long is the bench's doing.
func (b *bench) withPaid(ctx context.Context, name string, n int, f func(*shop, *process, []order) error) (err error) {
	s, err := openShop(b.dir, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	orders, err := b.paid(ctx, s, n)
	if err != nil {
		return err
	}
	if err := putOff(ctx, "sqlite", "file:"+s.database()); err != nil {
		return err
	}
	p, err := b.start(ctx, name, s.config, s.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	return f(s, p, orders)
}

// paid has orders made by the program, and paid when it has ended, so that it cannot ask for them.
func (b *bench) paid(ctx context.Context, s *shop, n int) (orders []order, err error) {
	p, err := b.start(ctx, "", s.config, s.address)
	if err != nil {
		return nil, err
	}
	orders, _, err = s.make(ctx, n)
	if err := errors.Join(err, p.stop()); err != nil {
		return nil, err
	}
	return orders, s.pay(ctx, orders)
}

// times is how often something is done: more in the long form.
func (b *bench) times(n int) int {
	if b.long {
		return 4 * n
	}
	return n
}

// withShop runs the program with new books and a shop.
func (b *bench) withShop(ctx context.Context, name string, f func(*shop, *process) error) (err error) {
	s, err := openShop(b.dir, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p, err := b.start(ctx, name, s.config, s.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	return f(s, p)
}

// A poster is one connection over which callbacks go.
type poster struct {
	conn net.Conn
	in   *bufio.Reader
}

func dialPoster(ctx context.Context, address string) (*poster, error) {
	dialer := net.Dialer{}
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &poster{c, bufio.NewReaderSize(c, 1024)}, nil
}

// post sends one request and waits for the answer 204, which has no body.
func (p *poster) post(request []byte) error {
	if _, err := p.conn.Write(request); err != nil {
		return err
	}
	status, err := p.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 204")) {
		rest, _ := io.ReadAll(io.LimitReader(p.in, 300))
		return fmt.Errorf("a callback is answered %s%s", status, rest)
	}
	for len(bytes.TrimSpace(status)) > 0 {
		if status, err = p.in.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}

// send sends all callbacks over 64 connections, and says how long each took and all together.
func (s *shop) send(ctx context.Context, orders []order) ([]time.Duration, time.Duration, error) {
	const connections = 64
	posters := make(chan *poster, connections)
	for range connections {
		p, err := dialPoster(ctx, s.address)
		if err != nil {
			return nil, 0, err
		}
		defer func() { _ = p.conn.Close() }()
		posters <- p
	}
	times := make([]time.Duration, len(orders))
	began := time.Now()
	err := together(ctx, len(orders), connections, func(_ context.Context, i int) error {
		p := <-posters
		defer func() { posters <- p }()
		one := time.Now()
		err := p.post(orders[i].callback)
		times[i] = time.Since(one)
		return err
	})
	return times, time.Since(began), err
}
