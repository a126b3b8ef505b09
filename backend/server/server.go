// Package server is Saoma's HTTP side. It decodes, asks package pay, and answers; it decides nothing about
// money. All routes stand in [Server.Handler]; the files are named after the nouns.
package server

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/singleflight"

	"saoma/backend/live"
	"saoma/backend/pay"
)

// A Server answers HTTP requests. Its fields are set once, before its first use.
type Server struct {
	Cashier   *pay.Cashier
	Callbacks Callbacks
	WeChat    WeChat
	Hub       *live.Hub
	Files     fs.FS  // the contents of public/
	PublicURL string // our own origin as browsers see it, "https://pay.example.com"
	Ready     func(context.Context) error
	Trouble   func() string // what is amiss though this server can serve; nil: nothing ever is
	Log       *slog.Logger

	Metrics *Metrics // nil: counted and shown nowhere

	// LocalPayer stands for the address of a browser on this very machine, whose own nobody outside knows. It is
	// for a demonstration; without it such a browser cannot pay by H5.
	LocalPayer netip.Addr

	// Joined waits until changes that other servers make from now on reach those who watch here. nil: there are none.
	Joined func(context.Context)

	// Leaving is closed some moments before Draining: requests are still taken, but /readyz fails, so that a load balancer
	// sends no more of them, and connections end with their next answer, so that none is cut off between two requests.
	Leaving <-chan struct{}

	// Draining is closed when the program is about to end: long polls are answered at once.
	Draining <-chan struct{}

	// Shown and Pushed are told what customers saw: the checkout page, and how many watched when the final state was
	// pushed. They must not block. nil: nobody wants to know.
	Shown  func(pay.Order)
	Pushed func(o pay.Order, watchers int)

	// Dashboard serves the staff's pages under /dashboard/. nil: there are none.
	Dashboard http.Handler

	Capacity Capacity // the zero value takes nothing on; see CapacityOf

	settings atomic.Pointer[Settings]

	routes  []string
	pages   *pages
	limits  limiter
	lanes   lanes
	flights singleflight.Group // requests under way, by Idempotency-Key
}

// Settings are what may be replaced while the server is in use.
type Settings struct {
	TrustedProxies []netip.Prefix // networks whose X-Forwarded-For is believed
	MetricsToken   pay.Digest     // of what opens /metrics; the zero value: nothing does
}

// Apply puts other settings in the place of those that the server has. Requests under way may end with the old ones.
func (s *Server) Apply(o Settings) { s.settings.Store(&o) }

func (s *Server) now() Settings {
	if o := s.settings.Load(); o != nil {
		return *o
	}
	return Settings{}
}

// Callbacks opens WeChat Pay's callbacks: it verifies, decrypts and decodes them.
type Callbacks interface {
	OpenPayment(m pay.MerchantID, h http.Header, body []byte) (pay.Notice, error)
	OpenEcho(m pay.MerchantID, h http.Header, body []byte) (message string, err error)
	OpenRefund(m pay.MerchantID, h http.Header, body []byte) (pay.RefundReport, error)
}

const (
	bodyMax     = 64 << 10         // bytes of any request body that we read
	pollWaitMax = 25 * time.Second // a long poll; shorter than the patience of the proxies between
	notifyLimit = 4 * time.Second  // WeChat Pay waits 5 s for the answer to a callback (doc 4012791882)
)

// Handler returns all routes.
func (s *Server) Handler() (http.Handler, error) {
	if s.Metrics == nil {
		s.Metrics = NewMetrics()
	}
	s.openLanes()
	mux := &router{ServeMux: http.NewServeMux()}
	api := s.newAPI(mux)
	files, shops, err := s.loadFiles()
	if err != nil {
		return nil, err
	}

	// For browsers, by publishable key or token.
	handle(s, api, post("/v1/checkouts", http.StatusCreated, "Make an order from the catalogue"), s.createCheckout)
	handle(s, api, get("/v1/checkouts/{token}", "Look at an order, or wait for news of it"), s.readCheckout)
	handle(s, api, post("/v1/checkouts/{token}/renew", http.StatusOK, "Get a new code after expiry"), s.renewCheckout)
	handle(s, api, post("/v1/checkouts/{token}/cancel", http.StatusOK, "Give an order up"), s.cancelCheckout)
	handle(s, api, post("/v1/checkouts/{token}/check", http.StatusOK, "Ask WeChat Pay now whether an order was paid"), s.checkCheckout)
	mux.HandleFunc("GET /v1/checkouts/{token}/live", s.in(&s.lanes.reads, s.callProblem, http.HandlerFunc(s.live)))
	mux.HandleFunc("GET /checkout/{token}", s.in(&s.lanes.reads, s.pageProblem, http.HandlerFunc(s.checkoutPage)))
	mux.HandleFunc("GET /checkout/{token}/wechat", s.in(&s.lanes.changes, s.pageProblem, http.HandlerFunc(s.payInWeChat)))
	mux.HandleFunc("GET /checkout/{token}/h5", s.in(&s.lanes.changes, s.pageProblem, http.HandlerFunc(s.payByH5)))

	// For merchants' servers, by secret key.
	handle(s, api, s.secret(post("/v1/orders", http.StatusCreated, "Make an order")), s.createOrder)
	handle(s, api, s.secret(get("/v1/orders", "List orders, newest first")), s.listOrders)
	handle(s, api, s.secret(get("/v1/orders/{id}", "Look at an order")), s.readOrder)
	handle(s, api, s.secret(post("/v1/orders/{id}/cancel", http.StatusOK, "Give an order up")), s.cancelOrder)
	handle(s, api, s.secret(get("/v1/orders/{id}/events", "What happened to an order")), s.listEvents)
	handle(s, api, s.secret(post("/v1/orders/{id}/refunds", http.StatusCreated, "Give money back")), s.createRefund)
	handle(s, api, s.secret(get("/v1/refunds/{id}", "Look at a refund")), s.readRefund)
	handle(s, api, s.secret(post("/v1/reconciliations", http.StatusCreated, "Compare a day's bill with the books")), s.createReconciliation)
	handle(s, api, s.secret(get("/v1/reconciliations/{date}", "What came of comparing a day's bill")), s.readReconciliation)
	s.handleProducts(api)
	s.handleWebhooks(api)

	// For WeChat Pay.
	mux.HandleFunc("POST /notify/{merchant}/payment", s.notify("payment", s.takePayment))
	mux.HandleFunc("POST /notify/{merchant}/refund", s.notify("refund", s.takeRefund))
	mux.HandleFunc("POST /notify/{merchant}/echo", s.notify("echo", s.takeEcho))

	// For operators.
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.metrics())

	// What browsers load of us.
	mux.Handle("GET /assets/{file}", files)
	mux.Handle("GET /v1/saoma.js", shops.evergreen)
	mux.Handle("GET /v1/saoma.d.ts", shops.types)
	mux.HandleFunc("GET /v1/warm", s.warm(files))
	mux.Handle("GET /v1/sri.json", shops.integrity)
	for version, loader := range shops.pinned {
		mux.Handle("GET /v"+version+"/saoma.js", loader)
	}
	if s.Dashboard != nil {
		mux.Handle("/dashboard/", s.in(&s.lanes.staff, s.pageProblem, s.Dashboard))
	}
	docs, err := s.document(api)
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /docs", docs)
	mux.HandleFunc("/", s.noRoute(mux.ServeMux))
	s.routes = mux.patterns

	return s.withLeaving(s.withRequestID(s.withCORS(s.Metrics.count(mux.ServeMux)))), nil
}

// loadFiles reads what browsers load of us.
func (s *Server) loadFiles() (files, shopFiles, error) {
	files, err := s.newFiles()
	if err != nil {
		return nil, shopFiles{}, err
	}
	shops, err := s.newShopFiles(files)
	if err != nil {
		return nil, shopFiles{}, err
	}
	s.pages, err = newPages(files)
	return files, shops, err
}

// handleProducts registers what merchants' servers may do with the catalogue, by secret key.
func (s *Server) handleProducts(api huma.API) {
	handle(s, api, s.secret(put("/v1/products/{sku}", http.StatusOK, "Put a product into the catalogue")), s.putProduct)
	handle(s, api, s.secret(get("/v1/products/{sku}", "Look at a product")), s.readProduct)
	handle(s, api, s.secret(remove("/v1/products/{sku}", "Take a product out of the catalogue")), s.deleteProduct)
	handle(s, api, s.secret(get("/v1/products", "List products, by SKU")), s.listProducts)
}

// handleWebhooks registers what merchants' servers may ask about their webhooks, by secret key.
func (s *Server) handleWebhooks(api huma.API) {
	handle(s, api, s.secret(get("/v1/webhooks/deliveries", "List webhooks, newest first")), s.listDeliveries)
	handle(s, api, s.secret(get("/v1/webhooks/deliveries/{id}", "Look at a webhook and its tries")), s.readDelivery)
	handle(s, api, s.secret(post("/v1/webhooks/deliveries/{id}/resend", http.StatusOK, "Send a webhook again")), s.resendDelivery)
	handle(s, api, s.secret(post("/v1/webhooks/resend", http.StatusOK, "Send all webhooks since a time again")), s.resendDeliveries)
	handle(s, api, s.secret(post("/v1/webhooks/test", http.StatusOK, "Send a test webhook now")), s.testWebhook)
	handle(s, api, s.secret(get("/v1/webhooks/endpoint", "How your server that takes webhooks has been doing")), s.readEndpoint)
	handle(s, api, s.secret(post("/v1/webhooks/endpoint/enable", http.StatusOK, "Have webhooks sent again")), s.enableEndpoint)
}

// Push tells every browser that watches the order how it stands now. It is called after the commit.
func (s *Server) Push(o pay.Order) {
	s.Show(o)
	s.Log.Info("order", "merchant", o.Merchant, "order", o.ID, "status", o.State, "version", o.Version,
		"late", o.Late)
}

// Show tells every browser that watches the order here, whoever changed it.
func (s *Server) Show(o pay.Order) {
	code := 0
	view := s.view(o)
	if view.Status.Final() {
		code = closeFinal
	}
	watchers := s.Hub.Publish(string(o.ID), s.message(view), code)
	if s.Pushed != nil && code == closeFinal {
		s.Pushed(o, watchers)
	}
}

func (s *Server) joined(ctx context.Context) {
	if s.Joined != nil {
		s.Joined(ctx)
	}
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNoContent)
}

// leaving reports whether the program is about to end.
func (s *Server) leaving() bool {
	select {
	case <-s.Leaving:
		return true
	default:
		return false
	}
}

// withLeaving ends connections with the answer once the program is about to end.
func (s *Server) withLeaving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.leaving() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.leaving() {
		http.Error(w, "about to end", http.StatusServiceUnavailable)
		return
	}
	if err := s.Ready(r.Context()); err != nil {
		s.Log.Warn("not ready", "error", err)
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	if s.Trouble != nil {
		if trouble := s.Trouble(); trouble != "" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = fmt.Fprintln(w, trouble) // 200: it serves
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
