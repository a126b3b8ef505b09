package bus_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"saoma/backend/bus"
)

// startNATS runs a real NATS at the address.
func startNATS(t *testing.T, address string) *server.Server {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{Host: tcp.IP.String(), Port: tcp.Port, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS does not start")
	}
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// A listener is a bus and what it hears.
type listener struct {
	*bus.Bus
	heard  chan string
	missed atomic.Int64
}

func listen(t *testing.T, address string) *listener {
	t.Helper()
	l := &listener{heard: make(chan string, 100)}
	var err error
	l.Bus, err = bus.Connect("nats://"+address, bus.Options{
		Heard:  func(topic string, version int64) { l.heard <- fmt.Sprint(topic, " ", version) },
		Missed: func() { l.missed.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("not in a minute: " + what)
		}
	}
}

func (l *listener) hears(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-l.heard:
		if got != want {
			t.Errorf("heard %q; want %q", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("did not hear %q in a minute", want)
	}
}

func TestNews(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	startNATS(t, address)
	one, other := listen(t, address), listen(t, address)
	for _, l := range []*listener{one, other} {
		eventually(t, "connected", l.Up)
	}
	other.Listen("dashboard cafe", true)
	other.Listen("dashboard cafe", true) // twice is once
	other.Listen("ord_2", true)
	other.Listen("ord_2", false)
	one.Listen("dashboard cafe", true)
	for _, l := range []*listener{one, other} {
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	one.Publish("ord_2", 1)          // nobody listens any more
	one.Publish("dashboard cafe", 7) // not told to the one who says it
	one.Publish("dashboard cafe", 8)
	other.hears(t, "dashboard cafe 7")
	other.hears(t, "dashboard cafe 8")
	other.Publish("dashboard cafe", 9)
	one.hears(t, "dashboard cafe 9")
	if n := len(one.heard) + len(other.heard); n != 0 {
		t.Errorf("heard %d messages too many", n)
	}
}

// NATS goes and comes back: the bus says so, and that something may have been missed, and goes on.
func TestNATSAway(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	one, other := listen(t, address), listen(t, address) // before it is there
	other.Listen("dashboard cafe", true)
	if one.Up() || one.Flush(t.Context()) == nil {
		t.Error("up without NATS")
	}
	one.Publish("dashboard cafe", 1) // lost, and does not block
	for round := range int64(2) {
		s := startNATS(t, address)
		eventually(t, "connected", func() bool { return one.Up() && other.Up() })
		eventually(t, "told that something was missed", func() bool { return other.missed.Load() > round })
		if err := other.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		one.Publish("dashboard cafe", 2+round)
		other.hears(t, fmt.Sprint("dashboard cafe ", 2+round))
		s.Shutdown()
		s.WaitForShutdown()
		eventually(t, "down", func() bool { return !one.Up() && !other.Up() })
	}
}

// What a server says while it is away is lost, so it says afterwards that it was away.
func TestAnotherWasAway(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	startNATS(t, address)
	one := listen(t, address)
	eventually(t, "connected, and settled", func() bool { return one.Up() && one.missed.Load() > 0 })
	before := one.missed.Load()
	other := listen(t, address)
	eventually(t, "another is connected", other.Up)
	eventually(t, "told of it", func() bool { return one.missed.Load() > before })
}

func TestNoAddress(t *testing.T) {
	t.Parallel()
	_, err := bus.Connect("nats://user:hunter22@[", bus.Options{})
	if err == nil || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("%v; want an error without the password", err)
	}
}
