package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"saoma/backend/wechatsim"
)

// metrics is what Prometheus would read.
func (w *world) metrics(t *testing.T) string {
	t.Helper()
	a := w.call(t, "GET", "/metrics", "", w.secret())
	if a.status != http.StatusOK {
		t.Fatalf("GET /metrics: %d %s", a.status, a.body)
	}
	return string(a.body)
}

// metric reads the value of one series.
func (w *world) metric(t *testing.T, series string) float64 {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(w.metrics(t))
	if line == nil {
		return 0
	}
	v, err := strconv.ParseFloat(line[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{
		Prepay:   wechatsim.CallFaults{ErrorBefore: 1},
		Callback: wechatsim.CallbackFaults{ProbeSignature: 1, Double: 1},
	})
	o := w.latte(t)
	conn, _ := dialLive(t, w, o.Token, "")
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one socket is counted", func() bool { return w.metric(t, "saoma_sockets") == 1 })
	w.pays(t, o)
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	w.wantStatus(t, o.ID, "paid")
	for series, want := range map[string]float64{
		`saoma_order_changes_total{change="created",merchant="cafe"}`:                   1,
		`saoma_order_changes_total{change="prepaid",merchant="cafe"}`:                   1,
		`saoma_order_changes_total{change="succeeded",merchant="cafe"}`:                 1,
		`saoma_callbacks_total{kind="payment",merchant="cafe",outcome="probe"}`:         1,
		`saoma_push_seconds_count`:                                                      1,
		`saoma_wechat_calls_total{operation="prepay",result="SYSTEM_ERROR"}`:            1,
		`saoma_wechat_calls_total{operation="prepay",result="ok"}`:                      1,
		`saoma_wechat_call_seconds_count{operation="prepay"}`:                           2,
		`saoma_http_requests_total{class="2xx",route="POST /v1/orders"}`:                1,
		`saoma_http_requests_total{class="1xx",route="GET /v1/checkouts/{token}/live"}`: 1,
		`saoma_due{kind="refund"}`:                                                      0,
	} {
		eventually(t, fmt.Sprintf("%s is %v", series, want), func() bool { return w.metric(t, series) == want })
	}
	eventually(t, "a webhook is counted", func() bool {
		return w.metric(t, `saoma_webhook_tries_total{merchant="cafe",outcome="delivered"}`) >= 1
	})
	text := w.metrics(t)
	for _, name := range []string{"saoma_store_batch_size_count", "saoma_store_waiting", "saoma_due_late_seconds", "saoma_webhooks_waiting", "saoma_callback_seconds_bucket",
		"go_build_info", "go_goroutines", "process_open_fds"} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("there is no %s", name)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
}

// What strangers send makes no new series.
func TestMetricsStaySmall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	visit := func(n int) {
		name := strings.Repeat(strconv.Itoa(n), 5)
		for _, path := range []string{"/notify/" + name + "/payment", "/v1/orders/" + name, "/" + name, "/v1/checkouts/" + name} {
			w.call(t, "GET", path, "")
			w.call(t, "POST", path, `{"`+name+`":1}`)
		}
		w.call(t, "M"+name, "/v1/orders", "")
	}
	visit(0)
	w.metrics(t)
	before := strings.Count(w.metrics(t), "\nsaoma_")
	for n := range 20 {
		visit(n)
	}
	if after := strings.Count(w.metrics(t), "\nsaoma_"); after != before {
		t.Errorf("%d series have become %d", before, after)
	}
}

func TestWhoSeesMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, h := range []string{"X-A: b", "Authorization: Bearer ", "Authorization: Bearer x", "Authorization: Basic " + w.secretKey} {
		if a := w.call(t, "GET", "/metrics", "", h); a.status != http.StatusUnauthorized || strings.Contains(string(a.body), "saoma_") {
			t.Errorf("%s: %d %s", h, a.status, a.body)
		}
	}
	closed := openWorld(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, func(c *config) { c.Metrics = "" })
	for _, h := range []string{"X-A: b", "Authorization: Bearer ", closed.secret()} {
		if a := closed.call(t, "GET", "/metrics", "", h); a.status != http.StatusNotFound || strings.Contains(string(a.body), "saoma_") {
			t.Errorf("without a token, %s: %d %s", h, a.status, a.body)
		}
	}
}
