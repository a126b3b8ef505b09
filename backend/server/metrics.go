package server

import (
	"bufio"
	"context"
	"crypto/subtle"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"saoma/backend/pay"
)

// Metrics are what operators count and time, for Prometheus. Every label has some dozens of values at most, whatever
// strangers send. Its methods may be called at once; make one with [NewMetrics].
type Metrics struct {
	registry *prometheus.Registry

	changes       *prometheus.CounterVec
	callbacks     *prometheus.CounterVec
	callbackTimes *prometheus.HistogramVec
	pushTimes     prometheus.Histogram
	wechatCalls   *prometheus.CounterVec
	wechatTimes   *prometheus.HistogramVec
	batches       prometheus.Histogram
	webhooks      *prometheus.CounterVec
	requests      *prometheus.CounterVec
}

// The bounds of histograms. Customers feel a tenth of a second; WeChat Pay gives up a callback after five.
func callbackBounds() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
}

func pushBounds() []float64 {
	return []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
}

func callBounds() []float64 { return []float64{.025, .05, .1, .2, .3, .5, .75, 1, 2, 3, 5, 10, 30} }

// NewMetrics returns metrics with nothing counted yet.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.changes = m.counter("saoma_order_changes_total",
		"What happened to orders: created, prepaid, succeeded (paid), timed_out, cancelled, renewed, …", "merchant", "change")
	m.callbacks = m.counter("saoma_callbacks_total",
		"Callbacks of WeChat Pay by outcome: accepted, probe, refused, disagreement or failed.", "merchant", "kind", "outcome")
	m.callbackTimes = m.histogram("saoma_callback_seconds",
		"From a callback's arrival to its answer, which waits for the commit.", callbackBounds(), "kind")
	m.pushTimes = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "saoma_push_seconds",
		Help: "From the commit of a change to its message written to a socket, each socket counted.", Buckets: pushBounds()})
	m.wechatCalls = m.counter("saoma_wechat_calls_total",
		`Tries of calls to WeChat Pay by how they ended: ok, its error code, other, no_answer, not_verified or http_5xx.`,
		"operation", "result")
	m.wechatTimes = m.histogram("saoma_wechat_call_seconds", "How long a try of a call to WeChat Pay took.", callBounds(), "operation")
	m.batches = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "saoma_store_batch_size",
		Help: "Changes committed together, by one sync of the disk.", Buckets: prometheus.ExponentialBuckets(1, 2, 9)})
	m.webhooks = m.counter("saoma_webhook_tries_total", "Tries of webhooks by outcome: delivered, failed (another one follows) or given_up.",
		"merchant", "outcome")
	m.requests = m.counter("saoma_http_requests_total", "HTTP requests by route and class of status.", "route", "class")
	m.registry.MustRegister(m.pushTimes, m.batches, collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histogram(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, labels)
	m.registry.MustRegister(h)
	return h
}

// OrderChanged counts a change of an order that was committed.
func (m *Metrics) OrderChanged(o pay.Order, k pay.Kind) {
	m.changes.WithLabelValues(string(o.Merchant), string(k)).Inc()
}

// Pushed times a message from its commit to its being written to a socket.
func (m *Metrics) Pushed(took time.Duration) { m.pushTimes.Observe(took.Seconds()) }

// Batched counts the changes of one commit.
func (m *Metrics) Batched(changes int) { m.batches.Observe(float64(changes)) }

// CalledWeChat counts and times a try of a call to WeChat Pay. The values of both words are the caller's own, never
// WeChat Pay's.
func (m *Metrics) CalledWeChat(operation, result string, took time.Duration) {
	m.wechatCalls.WithLabelValues(operation, result).Inc()
	m.wechatTimes.WithLabelValues(operation).Observe(took.Seconds())
}

// TriedWebhook counts a try of a webhook.
func (m *Metrics) TriedWebhook(d pay.Delivery, t pay.DeliveryTry) {
	outcome := "delivered"
	switch {
	case t.Trouble == "":
	case d.State == pay.DeliveryFailed:
		outcome = "given_up"
	default:
		outcome = "failed"
	}
	m.webhooks.WithLabelValues(string(d.Merchant), outcome).Inc()
}

// Gauge shows what f returns whenever somebody looks.
func (m *Metrics) Gauge(name, help string, f func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
}

// Count shows what f returns, which only grows, whenever somebody looks.
func (m *Metrics) Count(name, help string, f func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, f))
}

// lanes shows how full they are, and how many requests found no room.
func (m *Metrics) lanes(all []*lane) {
	for _, l := range all {
		labels := prometheus.Labels{"lane": l.name}
		m.registry.MustRegister(
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "saoma_requests_in_flight", ConstLabels: labels,
				Help: "Requests that are being served."}, func() float64 { return float64(l.inside.Load()) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "saoma_requests_in_flight_limit", ConstLabels: labels,
				Help: "How many may be served at once."}, func() float64 { return float64(l.most()) }),
			prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "saoma_requests_overloaded_total", ConstLabels: labels,
				Help: "Requests refused with 503, for there was no room."}, func() float64 { return float64(l.refused.Load()) }),
		)
	}
}

// Backlog shows what the sweep has not come to yet whenever somebody looks.
func (m *Metrics) Backlog(count func(context.Context) (pay.Backlog, error)) {
	m.registry.MustRegister(&backlog{
		count: count,
		due: prometheus.NewDesc("saoma_due", "Attempts and refunds that are to be looked at and that nobody has claimed yet.",
			[]string{"kind"}, nil),
		webhooks: prometheus.NewDesc("saoma_webhooks_waiting", "Webhooks that have not been delivered yet.", nil, nil),
		late:     prometheus.NewDesc("saoma_due_late_seconds", "For how long the longest overdue of them has waited.", nil, nil),
	})
}

// A backlog is a collector that asks the books.
type backlog struct {
	count               func(context.Context) (pay.Backlog, error)
	due, late, webhooks *prometheus.Desc
}

func (b *backlog) Describe(ch chan<- *prometheus.Desc) { ch <- b.due; ch <- b.late; ch <- b.webhooks }

// scrapeLimit bounds what a look at the metrics may cost the books.
const scrapeLimit = 2 * time.Second

func (b *backlog) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	n, err := b.count(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(b.due, err)
		return
	}
	late := 0.0
	if !n.Since.IsZero() {
		late = max(time.Since(n.Since).Seconds(), 0)
	}
	ch <- prometheus.MustNewConstMetric(b.due, prometheus.GaugeValue, float64(n.Attempts), "attempt")
	ch <- prometheus.MustNewConstMetric(b.due, prometheus.GaugeValue, float64(n.Refunds), "refund")
	ch <- prometheus.MustNewConstMetric(b.webhooks, prometheus.GaugeValue, float64(n.Webhooks))
	ch <- prometheus.MustNewConstMetric(b.late, prometheus.GaugeValue, late)
}

// calledBack counts and times a callback that was answered. A merchant that is not configured is no label's value:
// anybody may post to its address.
func (m *Metrics) calledBack(merchant pay.MerchantID, kind, outcome string, took time.Duration) {
	m.callbacks.WithLabelValues(string(merchant), kind, outcome).Inc()
	m.callbackTimes.WithLabelValues(kind).Observe(took.Seconds())
}

// count counts requests by the route that the mux chose.
func (m *Metrics) count(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &classWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			route := r.Pattern // the mux has set it
			if route == "" {
				route = "none"
			}
			m.requests.WithLabelValues(route, strconv.Itoa(c.status/100)+"xx").Inc()
		}()
		mux.ServeHTTP(c, r)
	})
}

// A classWriter remembers the status. What else a ResponseWriter can do is found by Unwrap.
type classWriter struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (w *classWriter) WriteHeader(status int) {
	if !w.wrote && status >= http.StatusOK {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *classWriter) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Hijack takes the connection over, which becomes a WebSocket.
func (w *classWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

func (w *classWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// metrics shows the metrics to those who hold the token. Without one in the configuration there are none to be seen: a
// connection from this machine proves nothing, for reverse proxies make those for everybody.
func (s *Server) metrics() http.Handler {
	show := promhttp.HandlerFor(s.Metrics.registry, promhttp.HandlerOpts{Timeout: 2 * scrapeLimit})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := s.now().MetricsToken
		if want == (pay.Digest{}) {
			writeProblem(w, newProblem(r.Context(), http.StatusNotFound, string(pay.NotFound),
				"metrics are shown once metrics_token is set in the configuration"))
			return
		}
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		digest := pay.DigestOf(token)
		if !ok || subtle.ConstantTimeCompare(digest[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeProblem(w, newProblem(r.Context(), http.StatusUnauthorized, "unauthorized",
				"send Authorization: Bearer and the metrics_token of the configuration"))
			return
		}
		show.ServeHTTP(w, r)
	})
}
