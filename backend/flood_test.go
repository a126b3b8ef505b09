package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A flooded program may open so many descriptors: far fewer than the flood has connections.
const (
	floodDescriptors = 800
	floodConnections = 3000
	floodSockets     = floodDescriptors - 2*floodDescriptors/8
)

// besiege starts the program with few descriptors and a metrics token.
func besiege(t *testing.T) *siege {
	t.Helper()
	s := newSiege(t)
	file := filepath.Join(s.data, "saoma.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(fmt.Appendf(nil, "metrics_token = %q\n", s.secretKey), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	s.process = exec.CommandContext(t.Context(), "/bin/sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$@"`, floodDescriptors),
		"sh", s.program, "-config", file)
	s.process.Stderr = &s.log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	eventually(t, "the program answers", func() bool { return healthy(t, s.url) })
	return s
}

// sale makes an order that a customer pays, and sees it paid.
func (s *siege) sale(key string) {
	s.t.Helper()
	o, ok := s.order(s.t.Context(), request{path: "/v1/orders", body: `{"amount":100,"description":"tea","reference":"` + key + `"}`, key: key})
	if !ok {
		return
	}
	s.pay(o.CodeURL)
	eventually(s.t, "order "+key+" is paid", func() bool { return s.becomes(s.t.Context(), "/v1/orders/"+o.ID, "paid") })
}

// holds tells how many goroutines and descriptors the program has.
func (s *siege) holds() (goroutines, descriptors int) {
	s.t.Helper()
	a, err := s.send(s.t.Context(), http.MethodGet, request{path: "/metrics"})
	if err != nil {
		s.t.Fatal(err)
	}
	read := func(name string) int {
		line := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(a.body)
		if line == nil {
			s.t.Fatalf("no %s in %d %s", name, a.status, a.body)
		}
		n, err := strconv.ParseFloat(string(line[1]), 64)
		if err != nil {
			s.t.Fatal(err)
		}
		return int(n)
	}
	return read("go_goroutines"), read("process_open_fds")
}

// Thousands of connections come, more than the program may have open: silent ones, half-sent headers, half-sent bodies,
// and ones that were served and stay. It serves meanwhile, and afterwards nothing of them is left.
func TestConnectionFlood(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	s.sale("before")
	goroutines, files := s.holds()
	var silent, served []net.Conn
	hangUp := func(all []net.Conn) {
		for _, c := range all {
			_ = c.Close() // most are closed by the program
		}
	}
	defer func() { hangUp(silent) }()
	defer func() { hangUp(served) }()
	for i := range floodConnections {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.url, "http://"), 10*time.Second)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		// A tenth is half a request, which keeps its place until its time is over: fewer than there is room for.
		switch {
		case i%20 == 0:
			_, _ = fmt.Fprint(conn, "GET /v1/orders HTTP/1.1\r\nHost: saoma\r\nX-Slow: ")
		case i%20 == 1:
			_, _ = fmt.Fprintf(conn, "POST /v1/orders HTTP/1.1\r\nHost: saoma\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{", s.secretKey)
		case i%2 == 0:
			served = append(served, conn)
			wantServed(t, conn)
			continue
		}
		silent = append(silent, conn)
		if i%1000 == 999 {
			s.client.CloseIdleConnections()
			s.sale(fmt.Sprint("at ", i))
		}
	}
	hangUp(served)
	eventually(t, "nothing is left of the flood", func() bool {
		g, f := s.holds()
		return g <= goroutines+20 && f <= files+20 // some are of the pools to WeChat Pay and of this client
	})
	s.sale("after")
}

// wantServed makes a small request, and leaves the connection open.
func wantServed(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: saoma\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("a new connection is not served: %v", err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusNoContent {
		t.Errorf("healthz: %d, %v", res.StatusCode, err)
	}
}

// When no more sockets can be open, a browser is told so, and hears the news by its long poll.
func TestSocketsAreBounded(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	o, ok := s.order(t.Context(), request{path: "/v1/orders", body: `{"amount":100,"description":"tea","reference":"seen"}`, key: "seen"})
	if !ok {
		t.Fatal("no order")
	}
	d := websocket.Dialer{Subprotocols: []string{"saoma.v1"}, HandshakeTimeout: 10 * time.Second}
	open := func() (*websocket.Conn, *http.Response, error) {
		return d.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/v1/checkouts/"+o.Token+"/live", nil)
	}
	var all []*websocket.Conn
	for range floodSockets {
		conn, res, err := open()
		if err != nil {
			t.Fatalf("socket %d: %v", len(all), err)
		}
		defer func() { _, _ = res.Body.Close(), conn.Close() }()
		all = append(all, conn)
	}
	_, res, err := open()
	if !errors.Is(err, websocket.ErrBadHandshake) || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Fatalf("one more: %v, %+v; want 503 and when to come again", err, res)
	}
	var p struct{ Code string }
	if err := errors.Join(json.NewDecoder(res.Body).Decode(&p), res.Body.Close()); err != nil || p.Code != "overloaded" {
		t.Errorf("one more: code %q, %v", p.Code, err)
	}
	polled := make(chan answer, 1)
	go func() {
		a, err := s.send(t.Context(), http.MethodGet, request{path: fmt.Sprintf("/v1/checkouts/%s?after=%d&wait=10", o.Token, o.Version)})
		if err != nil {
			t.Error(err)
		}
		polled <- a
	}()
	s.pay(o.CodeURL)
	if a := <-polled; !strings.Contains(string(a.body), `"status":"paid"`) {
		t.Errorf("the long poll: %d %s", a.status, a.body)
	}
	for i, conn := range all { // all of them hear of it, though none has read anything until now
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		var said string
		for {
			_, text, err := conn.ReadMessage()
			if err == nil {
				said = string(text)
				continue
			}
			if !websocket.IsCloseError(err, 4500) || !strings.Contains(said, `"status":"paid"`) {
				t.Fatalf("socket %d: %v after %s", i, err, said)
			}
			break
		}
	}
	eventually(t, "there is room again", func() bool {
		conn, res, err := open()
		return err == nil && errors.Join(res.Body.Close(), conn.Close()) == nil
	})
}
