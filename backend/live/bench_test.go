package live

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// open upgrades a bare connection, so that the client's side of the measurement weighs next to nothing.
func open(b *testing.B, address, path string) net.Conn {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path)
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

// openMany opens one socket per topic and waits until each has got its snapshot.
func openMany(b *testing.B, h *Hub, n int) []net.Conn {
	b.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Serve(w, r, r.URL.Path, message("{}"))
	}))
	b.Cleanup(srv.Close)
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = open(b, strings.TrimPrefix(srv.URL, "http://"), fmt.Sprintf("/%d", i))
		if err := skipSnapshot(conns[i]); err != nil {
			b.Fatal(err)
		}
	}
	return conns
}

// skipSnapshot reads byte by byte, to leave no buffer behind.
func skipSnapshot(conn net.Conn) error {
	var seen []byte
	one := make([]byte, 1)
	for !strings.HasSuffix(string(seen), "\r\n\r\n\x81\x02{}") {
		if _, err := conn.Read(one); err != nil {
			return err
		}
		seen = append(seen, one...)
	}
	return nil
}

// BenchmarkPublish is the time from Publish to the arrival at the one browser of one of 1,000 topics.
func BenchmarkPublish(b *testing.B) {
	h := NewHub(Options{})
	conns := openMany(b, h, 1000)
	reader := bufio.NewReader(nil)
	msg := []byte(strings.Repeat("x", 1000))
	frame := make([]byte, len(msg)+4)
	i := 0
	for b.Loop() {
		h.Publish(fmt.Sprintf("/%d", i%len(conns)), msg, 0)
		reader.Reset(conns[i%len(conns)])
		for got := 0; got < len(frame); {
			n, err := reader.Read(frame[got:])
			if err != nil {
				b.Fatal(err)
			}
			got += n
		}
		i++
	}
}

// BenchmarkIdleSocket reports what one waiting browser costs in heap and stacks; the kernel's part comes on
// top. Both ends are counted, but the client's is a bare connection.
func BenchmarkIdleSocket(b *testing.B) {
	const n = 2000
	for b.Loop() {
		h := NewHub(Options{})
		before := inUse()
		conns := openMany(b, h, n)
		b.ReportMetric(float64(inUse()-before)/n, "B/socket")
		for _, conn := range conns {
			_ = conn.Close()
		}
		if err := h.Close(b.Context(), codeRestart); err != nil {
			b.Fatal(err)
		}
	}
}

func inUse() int64 {
	runtime.GC()
	runtime.GC() // the second empties what the first left in pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse + stats.StackInuse)
}
