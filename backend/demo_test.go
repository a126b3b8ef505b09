package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/server"
	"saoma/backend/wechatsim"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(crashFolder); folder != "" {
		runDoomed(folder)
		return
	}
	if file := newerThanDist(); file != "" {
		fmt.Fprintf(os.Stderr, "%s is newer than public/dist, which is what would be tested: run make build\n", file)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// newerThanDist names a file that has changed since make built what browsers load, if there is one.
func newerThanDist() string {
	built, err := os.Stat("../public/dist/.built")
	if err != nil {
		return "" // the sources are served
	}
	for _, pattern := range []string{"../public/*.*", "../widget/*.go", "../widget/ui/*.go", "wire/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return err.Error()
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err == nil && info.ModTime().After(built.ModTime()) && !strings.HasSuffix(file, "_test.go") {
				return strings.TrimPrefix(file, "../")
			}
		}
	}
	return ""
}

// keys are the simulated merchant's, made once: RSA takes long under the race detector.
var keys = sync.OnceValues(func() (folder string, err error) {
	if folder, err = os.MkdirTemp("", "saoma-test-keys-"); err != nil {
		return "", err
	}
	_, err = wechatsim.OpenMerchant(folder)
	return folder, err
})

// A world is the whole demo, on free ports, with all its parts real. Tests move the server's clock.
type world struct {
	*demo
	ahead atomic.Int64 // nanoseconds that the server's clock is ahead
	log   logs
	wire  *cutter
	tap   wiretap
}

// A cutter is a listener whose connections can be cut, as by a network that goes away.
type cutter struct {
	net.Listener
	mu    sync.Mutex
	away  bool
	conns []net.Conn
}

func (c *cutter) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		away := c.away
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
		if !away {
			return conn, nil
		}
		_ = conn.Close() // there is no network
	}
}

// cut drops every connection and, until mend, every new one.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = true
	for _, conn := range c.conns {
		_ = conn.Close() // some are closed already
	}
	c.conns = nil
}

func (c *cutter) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = false
}

// logs collects what the program logs.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// dataFolder is a fresh data folder that has the shared keys already.
func dataFolder(t *testing.T) string {
	t.Helper()
	from, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	if err := os.CopyFS(filepath.Join(data, "sim"), os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return data
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return openWorld(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	})
}

// scanOnly is a demo whose merchant takes payments by scanned codes only.
func scanOnly(t *testing.T) *world {
	t.Helper()
	return openWorld(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, func(c *config) { c.Merchants[0].WeChat.Channels = []string{"native"} })
}

func openWorld(t *testing.T, c serveCommand, configure ...func(*config)) *world {
	t.Helper()
	return openWorldWith(t, c, nil, configure...)
}

// openWorldWith is openWorld whose server takes on so much at once.
func openWorldWith(t *testing.T, c serveCommand, capacity func(*server.Capacity), configure ...func(*config)) *world {
	t.Helper()
	w := &world{}
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	var err error
	w.demo, err = startDemo(t.Context(), c, log, options{
		now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) },
		wrap: func(l net.Listener) net.Listener {
			w.wire = &cutter{Listener: l}
			return w.wire
		},
		callbacks: &w.tap,
		capacity:  capacity,
		configure: func(c *config) {
			for _, change := range configure {
				change(c)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the program logged:\n%s", w.log.String())
		}
	})
	return w
}

// forward moves the server's clock.
func (w *world) forward(d time.Duration) { w.ahead.Add(int64(d)) }

// An answer is what came back from a call.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// call makes one HTTP request. Headers are "Name: value".
func (w *world) call(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, b}
}

func (w *world) secret() string { return "Authorization: Bearer " + w.secretKey }
func (w *world) origin() string { return "Origin: " + w.shop.url }

// An order as the tests read it.
type order struct {
	ID            string            `json:"id"`
	Status        string            `json:"status"`
	Version       int64             `json:"version"`
	Amount        int64             `json:"amount"`
	CodeURL       string            `json:"code_url"`
	Token         string            `json:"token"`
	CheckoutURL   string            `json:"checkout_url"`
	ReturnURL     string            `json:"return_url"`
	Refunded      int64             `json:"amount_refunded"`
	TransactionID string            `json:"transaction_id"`
	Metadata      map[string]string `json:"metadata"`
	Late          bool              `json:"late"`
}

// latte makes an order of a latte by the merchants' API.
func (w *world) latte(t *testing.T) (o order) {
	t.Helper()
	a := w.call(t, "POST", "/v1/orders", `{"items":[{"sku":"latte","quantity":1}],"reference":"table-7"}`, w.secret())
	if a.status != http.StatusCreated {
		t.Fatalf("POST /v1/orders: %d %s", a.status, a.body)
	}
	a.json(t, &o)
	return o
}

func (w *world) read(t *testing.T, id string) (o order) {
	t.Helper()
	a := w.call(t, "GET", "/v1/orders/"+id, "", w.secret())
	if a.status != http.StatusOK {
		t.Fatalf("GET /v1/orders/%s: %d %s", id, a.status, a.body)
	}
	a.json(t, &o)
	return o
}

func (w *world) pays(t *testing.T, o order) {
	t.Helper()
	if _, err := w.sim.Pay(o.CodeURL, ""); err != nil {
		t.Fatal(err)
	}
}

func (w *world) wantStatus(t *testing.T, id, want string) {
	t.Helper()
	eventually(t, id+" is "+want, func() bool { return w.read(t, id).Status == want })
}

// orders counts the orders in the books.
func (w *world) orders(t *testing.T) (n int) {
	t.Helper()
	err := w.service.store.View(t.Context(), func(tx pay.Tx) error {
		list, err := tx.Orders(t.Context(), pay.OrderFilter{Merchant: demoMerchant, Limit: pay.ListMax})
		n = len(list)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// eventually waits for what others bring about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for pause := 5 * time.Millisecond; !is(); pause = min(2*pause, 80*time.Millisecond) {
		select {
		case <-ctx.Done():
			t.Fatalf("never came true: %s", what)
		case <-time.After(pause): // a browser that is asked all the time has no time to get there
		}
	}
}
