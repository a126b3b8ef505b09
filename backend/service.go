package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/time/rate"

	"saoma"
	"saoma/backend/live"
	"saoma/backend/pay"
	"saoma/backend/server"
	"saoma/backend/server/dashboard"
	"saoma/backend/store"
	"saoma/backend/webhook"
	"saoma/backend/wechat"
	"saoma/backend/wire"
)

const (
	sweepEvery     = 500 * time.Millisecond // how late a due attempt is looked at, at most
	wechatRetries  = 2                      // of a call that may be repeated, within its time limit
	houseEvery     = 30 * time.Minute       // also how often an unfinished bill is asked for again
	handshakeLimit = 200 * time.Millisecond // of those who come while the program leaves
	shutdownLimit  = 25 * time.Second       // for requests under way when the program is told to end: two calls to WeChat Pay
	goodbyeLimit   = 3 * time.Second        // for browsers to go once they were told
	goodbyeRate    = 2500                   // browsers a second that are told to come again: what is nothing to another server
	goodbyesLimit  = 10 * time.Second       // for all to be told, 25,000 of them
)

// A service is the running server with all its parts.
type service struct {
	store *store.Store
	hub   *live.Hub

	connections *server.Connections
	news        *news // nil: this server is the only one
	cashier     *pay.Cashier
	gateway     *wechat.Gateway
	server      *server.Server
	http        *http.Server
	config      config                 // as it is in use; read by who may reload it
	inUse       atomic.Pointer[config] // the same for all others
	log         *slog.Logger
	file        string        // the configuration's; empty: the demo's
	leaving     chan struct{} // closed before draining
	draining    chan struct{}

	dashboard *dashboard.Dashboard
	sender    *webhook.Sender
	deliverer *deliverer
	seen      seenQueue

	listener net.Listener

	stop  context.CancelFunc // ends the sweep
	loops sync.WaitGroup
}

// options are what a test may want otherwise.
type options struct {
	now       func() time.Time                // nil: time.Now
	committed func(pay.Order)                 // called after each commit, before anything else is done about it
	wrap      func(net.Listener) net.Listener // around the server's listener, to cut its connections
	configure func(*config)                   // alters the demo's configuration
	capacity  func(*server.Capacity)          // alters how much is taken on at once
	callbacks http.RoundTripper               // carries the callbacks of the demo's simulator; nil: the network
}

// newService opens the books and connects the parts. Nothing runs yet.
func newService(ctx context.Context, c config, log *slog.Logger, o options) (*service, error) {
	merchants, accounts, err := c.merchants()
	if err != nil {
		return nil, err
	}
	log = slog.New(server.LogRequests(log.Handler()))
	metrics := server.NewMetrics()
	gateway, err := wechat.New(accounts, wechat.Options{
		Log: log, TempDir: c.dataFolder(), Retries: wechatRetries,
		Called: metrics.CalledWeChat,
	})
	if err != nil {
		return nil, err
	}
	sender, err := webhook.New(c.endpoints(), webhook.Options{Now: o.now})
	if err != nil {
		return nil, err
	}
	books, err := store.Open(ctx, c.databaseAddress())
	if err != nil {
		return nil, err
	}
	if o.now == nil {
		o.now = time.Now
	}
	s := &service{store: books, gateway: gateway, sender: sender, config: c, log: log, leaving: make(chan struct{}), draining: make(chan struct{})}
	s.inUse.Store(&c)
	s.deliverer = newDeliverer(s)
	capacity := server.CapacityOf(descriptors())
	if o.capacity != nil {
		o.capacity(&capacity)
	}
	listening := func(string, bool) {}
	if c.Bus != "" {
		if s.news, err = newNews(c.Bus, books, log); err != nil {
			return nil, errors.Join(err, books.Close())
		}
		listening = s.news.bus.Listen
	}
	s.hub = live.NewHub(live.Options{
		Listening:   listening,
		Subprotocol: wire.Subprotocol,
		// The server has compared the origin with the merchant's before it hands a socket over.
		CheckOrigin: func(*http.Request) bool { return true },
		CloseSlow:   wire.CloseSlow,
		SocketsMax:  capacity.Sockets,
		Pushed:      metrics.Pushed,
		Log:         log,
	})
	s.cashier = &pay.Cashier{
		Store: books, Gateway: gateway, RefundGateway: gateway, BillGateway: gateway, Merchants: pay.NewMerchants(merchants), Now: o.now,
		Pace:           newPace(),
		NewName:        func() string { return ulid.Make().String() },
		NewToken:       func() pay.Token { return pay.Token(rand.Text()) },
		WebhookGateway: sender, Told: s.deliverer.told, Tried: func(d pay.Delivery, t pay.DeliveryTry) {
			s.deliverer.tried(d, t)
			metrics.TriedWebhook(d, t)
		},
	}
	s.connections = server.NewConnections(func() int { return capacity.Beside(s.hub.Len()) })
	s.observe(metrics, capacity)
	handler, err := s.handler(c, gateway, metrics, o, capacity)
	if err != nil {
		return nil, errors.Join(err, books.Close())
	}
	s.http = s.newHTTP(handler)
	return s, nil
}

func (s *service) newHTTP(handler http.Handler) *http.Server {
	h := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      time.Minute, // above the longest poll
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnState:         s.connections.Changed,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	// Long polls end once the server ends connections with their answers, so that nobody asks again on the same one.
	h.RegisterOnShutdown(func() { close(s.draining) })
	return h
}

// observe has the metrics show how the parts do.
func (s *service) observe(m *server.Metrics, c server.Capacity) {
	s.store.Observe(m.Batched)
	m.Gauge("saoma_store_waiting", "Changes that wait for the writer of the books.", func() float64 { return float64(s.store.Waiting()) })
	m.Gauge("saoma_sockets", "Open WebSockets.", func() float64 { return float64(s.hub.Len()) })
	m.Gauge("saoma_sockets_limit", "How many WebSockets may be open.", func() float64 { return float64(c.Sockets) })
	m.Gauge("saoma_connections", "Open connections, WebSockets aside.", func() float64 { return float64(s.connections.Len()) })
	m.Gauge("saoma_connections_limit", "How many connections may be open, WebSockets too, unless these leave less than 500 to others.", func() float64 { return float64(c.Connections) })
	m.Count("saoma_connections_closed_total", "Connections without a request that were closed to make room.",
		func() float64 { return float64(s.connections.Closed()) })
	m.Backlog(func(ctx context.Context) (pay.Backlog, error) { return s.store.Backlog(ctx, s.cashier.Now()) })
}

func (s *service) handler(c config, gateway *wechat.Gateway, metrics *server.Metrics, o options, capacity server.Capacity) (http.Handler, error) {
	public, err := fs.Sub(saoma.Public, "public")
	if err != nil {
		return nil, fmt.Errorf("find public/: %w", err)
	}
	settings, err := c.settings()
	if err != nil {
		return nil, err
	}
	h := &server.Server{
		Cashier: s.cashier, Callbacks: gateway, WeChat: gateway, LocalPayer: c.localPayer, Hub: s.hub, Files: public, PublicURL: c.PublicURL,
		Ready: s.store.Ping, Log: s.log, Leaving: s.leaving, Draining: s.draining,
		Metrics: metrics, Capacity: capacity,
	}
	h.Apply(settings)
	s.server = h
	s.cashier.RenderWebhook = h.RenderWebhook
	s.seen = newSeenQueue()
	h.Shown, h.Pushed = s.seen.shown, s.seen.pushed
	s.cashier.Committed = func(order pay.Order, kind pay.Kind) {
		if o.committed != nil {
			o.committed(order)
		}
		h.Push(order)
		if s.news != nil {
			s.news.tell(order)
		}
		metrics.OrderChanged(order, kind)
		s.dashboard.Changed(order)
	}
	s.dashboard = s.newDashboard(c, h)
	if s.news != nil {
		s.news.join(s.hub, h, s.dashboard)
		metrics.Gauge("saoma_bus_up", "1 while the bus between servers is connected.", s.news.up)
	}
	if h.Dashboard, err = s.dashboard.Handler(); err != nil {
		return nil, err
	}
	return h.Handler()
}

// start serves on the listener and sweeps, until close.
func (s *service) start(l net.Listener) {
	s.listener = l
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.loops.Go(func() { s.sweep(ctx) })
	s.loops.Go(func() { s.deliverer.run(ctx) })
	s.loops.Go(func() { s.keepHouse(ctx) })
	s.loops.Go(func() { s.dashboard.Run(ctx) })
	s.loops.Go(func() { s.keepCertificates(ctx) })
	s.loops.Go(func() { s.recordSeen(ctx) })
	if s.news != nil {
		s.loops.Go(func() { s.news.run(ctx) })
	}
	s.loops.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("stopped serving", "error", err)
		}
	})
}

// sweep looks after what is due until ctx ends: each merchant by itself, so that one whose WeChat Pay hangs does not
// hold up another.
func (s *service) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var under sync.Map // merchants that are being swept
	for {
		due, err := s.cashier.Due(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Error("sweep", "error", err)
		}
		for _, m := range due {
			if _, already := under.LoadOrStore(m, true); already {
				continue
			}
			s.loops.Go(func() {
				defer under.Delete(m)
				if n, err := s.cashier.Sweep(ctx, m); err != nil && ctx.Err() == nil {
					s.log.Warn("sweep", "merchant", m, "looked_at", n, "error", err)
				}
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// newPace bounds how fast each merchant is swept.
func newPace() func(context.Context, pay.MerchantID, int) error {
	var limits sync.Map // of *rate.Limiter, by merchant: merchants come and go
	return func(ctx context.Context, m pay.MerchantID, n int) error {
		limit, ok := limits.Load(m)
		if !ok {
			limit, _ = limits.LoadOrStore(m, rate.NewLimiter(pay.SweepRate, pay.SweepParallel))
		}
		return limit.(*rate.Limiter).WaitN(ctx, n)
	}
}

// keepHouse seals the days that have ended, forgets what is old and reconciles, now and then, until ctx ends.
func (s *service) keepHouse(ctx context.Context) {
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	for {
		roots, err := s.cashier.SealDays(ctx)
		for _, r := range roots {
			s.log.Info("day sealed", "day", r.Day, "events", r.Events, "root", r.Hash)
		}
		if err = errors.Join(err, s.cashier.ForgetKeys(ctx), s.cashier.Prune(ctx)); err != nil && ctx.Err() == nil {
			s.log.Error("keep house", "error", err)
		}
		s.tellStranded(ctx)
		s.reconcile(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// leave goes on serving for a while, and has load balancers and clients notice that this is about to end. Then nobody new comes,
// and whoever was at the door is let in.
func (s *service) leave(while time.Duration) {
	close(s.leaving)
	s.log.Info("about to end", "after", while.String())
	<-time.After(while)
	if err := server.TurnAway(s.listener); err != nil {
		s.log.Warn("about to end", "error", err)
	}
	<-time.After(handshakeLimit)
}

// close lets requests under way come to their end, tells browsers to come again, and closes the books.
func (s *service) close() error {
	// Browsers hear of what the last requests have done before they are told to come again.
	err := within(shutdownLimit, s.http.Shutdown)
	err = errors.Join(err, within(goodbyesLimit, func(ctx context.Context) error {
		s.hub.Dismiss(ctx, wire.CloseRestart, goodbyeRate)
		return nil
	}), within(goodbyeLimit, func(ctx context.Context) error { return s.hub.Close(ctx, wire.CloseRestart) }))
	if s.stop != nil {
		s.stop()
	}
	s.loops.Wait()
	s.sender.Close()
	if s.news != nil {
		s.news.bus.Close()
	}
	return errors.Join(err, s.store.Close())
}

func within(limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return f(ctx)
}

// runServer serves the merchants of a configuration until ctx ends.
func runServer(ctx context.Context, command serveCommand, log *slog.Logger, out io.Writer) error {
	file, listen := command.Config, command.Listen
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // before anybody can know that we run
	defer signal.Stop(hangups)
	c, err := loadConfigFor(file, listen)
	if err != nil {
		return err
	}
	s, err := newService(ctx, c, log, options{})
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	s.file = file
	l, err := server.Listen(ctx, c.Listen)
	if err != nil {
		return errors.Join(err, s.close())
	}
	s.start(l)
	if _, err := fmt.Fprintf(out, "saoma serves %s on http://%s\n", c.PublicURL, l.Addr()); err != nil {
		log.Warn("print the address", "error", err)
	}
	for {
		select {
		case <-hangups:
			s.reloadFile(ctx, file, listen)
		case <-ctx.Done():
			s.leave(command.Drain)
			return s.close()
		}
	}
}
