package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/nats-io/nats-server/v2/server"

	"saoma/backend/pay"
	"saoma/backend/store"
	"saoma/backend/store/postgrestest"
	"saoma/backend/wechatsim"
	"saoma/backend/wire"
)

// Three servers share a PostgreSQL and a NATS behind a load balancer. Customers order, watch and pay wherever it sends
// them, and meanwhile a server is killed, NATS goes away and comes back, PostgreSQL is restarted: everybody sees the end
// of his order, and the books hold what WeChat Pay holds.
func TestThreeServers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, (*fleet).balance)
	ctx, stop := context.WithCancel(t.Context())
	var shops sync.WaitGroup
	defer func() { stop(); shops.Wait() }()
	for n := range 6 {
		shops.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				f.sell(ctx, fmt.Sprintf("shop%d-%d", n, i))
			}
		})
	}
	f.sells(t, 30)
	f.kill(t, 0)
	f.sells(t, 20)
	f.run(t, 0)

	f.nats.Shutdown()
	f.nats.WaitForShutdown()
	eventually(t, "a server says that the bus is away", func() bool { return strings.Contains(f.readyz(1), "bus is away") })
	f.sells(t, 20)
	f.nats = startNATS(t, f.news)
	eventually(t, "the bus is back", func() bool { return f.readyz(1) == "" })
	f.sells(t, 20)

	if err := errors.Join(f.postgres.Stop(), f.postgres.Run(t.Context())); err != nil {
		t.Fatal(err)
	}
	f.sells(t, 30)
	stop()
	shops.Wait()
	f.audit(t)
	slices.Sort(f.waits)
	t.Logf("%d sales; paid → seen by a browser at any server: median %v, longest %v", len(f.waits), f.waits[len(f.waits)/2], f.waits[len(f.waits)-1])
}

// A fleet is the servers and what they share.
type fleet struct {
	t        *testing.T
	postgres *postgrestest.Cluster
	nats     *server.Server
	news     string // its address
	sim      *simulator
	program  string
	file     string // of the configuration
	secret   string
	address  [3]string
	process  [3]*exec.Cmd
	balancer *httptest.Server
	turn     atomic.Int64
	log      logs
	ended    func(error) // told how a browser's socket ended before its order did; nil: that is of no matter

	sold  atomic.Int64
	mu    sync.Mutex
	waits []time.Duration // from payment to the browser
}

func newFleet(t *testing.T, balance func(*fleet) http.Handler) *fleet {
	t.Helper()
	f := &fleet{t: t, program: filepath.Join(t.TempDir(), "saoma")}
	var err error
	if f.postgres, err = postgrestest.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.postgres.Remove(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			said := f.log.String()
			t.Logf("the programs said, in the end:\n%s", said[max(0, len(said)-10_000):])
		}
	})
	f.news = freeAddress(t)
	f.nats = startNATS(t, f.news)
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", f.program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	f.balancer = httptest.NewServer(balance(f))
	t.Cleanup(f.balancer.Close)
	folder := dataFolder(t)
	f.sim = simulate(t, folder, wechatsim.Options{Speed: 1000})
	f.configure(t, folder)
	for n := range f.address {
		f.address[n] = steadyAddress(t)
		f.run(t, n)
	}
	return f
}

func startNATS(t *testing.T, address string) *server.Server {
	t.Helper()
	host, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{Host: host.IP.String(), Port: host.Port, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("NATS does not start")
	}
	return s
}

// configure writes one configuration for all servers.
func (f *fleet) configure(t *testing.T, folder string) {
	t.Helper()
	f.secret = writeConfig(t, folder, strings.TrimPrefix(f.balancer.URL, "http://"))
	f.file = filepath.Join(folder, "saoma.toml")
	text, err := os.ReadFile(f.file)
	if err != nil {
		t.Fatal(err)
	}
	more := fmt.Sprintf("database = %q\nbus = %q\n", f.postgres.URL("postgres"), "nats://"+f.news)
	if err := os.WriteFile(f.file, append([]byte(more), text...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// balance sends requests to the servers in turn, whether they live or not.
func (f *fleet) balance() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			n := f.turn.Add(1) % int64(len(f.address))
			r.SetURL(&url.URL{Scheme: "http", Host: f.address[n]})
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, 0),
	}
}

// run starts a server and waits until it is ready.
func (f *fleet) run(t *testing.T, n int) {
	t.Helper()
	f.process[n] = exec.CommandContext(t.Context(), f.program, "-config", f.file, "-listen", f.address[n])
	f.process[n].Stderr = &f.log
	if err := f.process[n].Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server is ready", func() bool { return f.readyz(n) == "" })
}

func (f *fleet) kill(t *testing.T, n int) {
	t.Helper()
	if err := f.process[n].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = f.process[n].Wait() // killed
}

// readyz returns what a server says of itself, "" if all is well.
func (f *fleet) readyz(n int) string {
	res, err := http.Get("http://" + f.address[n] + "/readyz")
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return err.Error()
	}
	if res.StatusCode >= http.StatusInternalServerError {
		return res.Status
	}
	return string(body)
}

// sells waits until so many more orders were sold.
func (f *fleet) sells(t *testing.T, n int64) {
	t.Helper()
	until := f.sold.Load() + n
	eventually(t, fmt.Sprint(n, " more sales"), func() bool { return f.sold.Load() >= until })
}

// sell makes an order, has a browser watch it and a customer pay it, and waits until the browser sees that.
func (f *fleet) sell(ctx context.Context, key string) {
	o, ok := f.order(ctx, key)
	if !ok {
		return
	}
	seen := make(chan struct{})
	watching := make(chan struct{})
	go f.watch(f.t.Context(), o.Token, watching, seen)
	<-watching // a sale that was begun is finished
	if _, err := f.sim.Pay(o.CodeURL, ""); err != nil {
		if _, ok := errors.AsType[*wechatsim.PayError](err); !ok {
			f.t.Error(err)
		}
		return
	}
	paid := time.Now()
	select {
	case <-seen:
	case <-time.After(30 * time.Second):
		f.t.Errorf("%s is paid, and its browser has not seen it", o.ID)
	}
	f.mu.Lock()
	f.waits = append(f.waits, time.Since(paid))
	f.mu.Unlock()
	f.sold.Add(1)
}

// order asks until some server has made the order. The key makes it one order on all of them.
func (f *fleet) order(ctx context.Context, key string) (o order, ok bool) {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.balancer.URL+"/v1/orders",
			strings.NewReader(fmt.Sprintf(`{"amount":1280,"description":"tea","reference":%q}`, key)))
		if err != nil {
			f.t.Error(err)
			return o, false
		}
		req.Header.Set("Authorization", "Bearer "+f.secret)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			continue
		}
		err = json.NewDecoder(res.Body).Decode(&o)
		if err := errors.Join(err, res.Body.Close()); err == nil && res.StatusCode == http.StatusCreated && o.CodeURL != "" {
			return o, true
		}
		if res.StatusCode < http.StatusInternalServerError && res.StatusCode != http.StatusConflict && res.StatusCode != http.StatusCreated {
			f.t.Errorf("order %s: %s", key, res.Status)
			return o, false
		}
		<-time.After(10 * time.Millisecond) // as a client that is told to ask again
	}
	return o, false
}

// watch is a browser: it comes again whenever its socket ends, until it has seen the payment.
func (f *fleet) watch(ctx context.Context, token string, watching, seen chan struct{}) {
	first := sync.OnceFunc(func() { close(watching) })
	dialer := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: 5 * time.Second}
	address := "ws" + strings.TrimPrefix(f.balancer.URL, "http") + "/v1/checkouts/" + token + "/live"
	for ctx.Err() == nil {
		conn, res, err := dialer.DialContext(ctx, address, nil)
		if err != nil {
			<-time.After(20 * time.Millisecond)
			continue
		}
		_ = res.Body.Close() // it has no body
		for {
			var m wire.Message
			if err := conn.ReadJSON(&m); err != nil {
				if f.ended != nil {
					f.ended(err)
				}
				break // told to come again, or cut off
			}
			first()
			if m.Order.Status == wire.StatusPaid {
				close(seen)
				_ = conn.Close()
				return
			}
		}
		_ = conn.Close()
	}
}

// audit holds the books against WeChat Pay's.
func (f *fleet) audit(t *testing.T) {
	t.Helper()
	books, err := store.Open(t.Context(), f.postgres.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := books.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, _, err := (&pay.Cashier{Store: books}).Verify(t.Context()); err != nil {
		t.Error(err)
	}
	err = books.View(t.Context(), func(tx pay.Tx) error {
		for _, trade := range f.sim.Trades() {
			a, err := tx.Attempt(t.Context(), trade.OutTradeNo)
			if err != nil {
				t.Errorf("WeChat Pay has a trade that the books have not: %v", err)
				continue
			}
			o, err := tx.Order(t.Context(), a.Order)
			if paid := trade.TransactionID != ""; err != nil || paid != (a.State == pay.AttemptPaid) || paid != (o.State == pay.Paid) {
				t.Errorf("%s: at WeChat Pay %s, the attempt %s, the order %s, %v", trade.OutTradeNo, trade.State, a.State, o.State, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
