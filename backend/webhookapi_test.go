package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const hookSecret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

// A hooked world's merchant has a server of the test's for its webhooks.
type hookedWorld struct {
	*world
	mu     sync.Mutex
	bodies [][]byte
	status int // of its answers
}

func newHookedWorld(t *testing.T) *hookedWorld {
	t.Helper()
	h := &hookedWorld{status: http.StatusNoContent}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		key, err2 := standardwebhooks.NewWebhook(hookSecret)
		if err != nil || err2 != nil || key.Verify(body, r.Header) != nil {
			t.Errorf("received what does not verify: %s, %v, %v", body, err, err2)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.bodies = append(h.bodies, body)
		w.WriteHeader(h.status)
	}))
	t.Cleanup(server.Close)
	h.world = openWorld(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, func(c *config) {
		c.Merchants[0].WebhookURL, c.Merchants[0].WebhookSecret = server.URL+"/hooks", hookSecret
	})
	return h
}

// received are all webhooks of a type.
func (h *hookedWorld) received(kind string) (list [][]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.bodies {
		if strings.HasPrefix(string(b), `{"type":"`+kind+`",`) {
			list = append(list, b)
		}
	}
	return list
}

// A webhook's data is the order just as the API showed it at that moment, and comes without being asked for.
func TestTheWebhookOfAPayment(t *testing.T) {
	t.Parallel()
	h := newHookedWorld(t)
	o := h.latte(t)
	h.pays(t, o)
	eventually(t, "the webhook arrives", func() bool { return len(h.received("order.paid")) == 1 })
	var hook struct {
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(h.received("order.paid")[0], &hook); err != nil {
		t.Fatal(err)
	}
	shown := h.call(t, "GET", "/v1/orders/"+o.ID, "", h.secret())
	if !bytes.Equal(hook.Data, bytes.TrimSpace(shown.body)) || time.Since(hook.Timestamp) > time.Minute {
		t.Errorf("the webhook says at %v\n%s\nand the API\n%s", hook.Timestamp, hook.Data, shown.body)
	}
	h.call(t, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":2800}`, h.secret())
	eventually(t, "the shop hears of the refund", func() bool {
		return len(h.received("refund.succeeded")) == 1 && len(h.received("order.refunded")) == 1
	})
}

// A delivery as the tests read it.
type delivery struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Order  string `json:"order_id"`
	Status string `json:"status"`
	Answer int    `json:"answer"`
	Body   string `json:"body"`
	All    []struct {
		Answer  int    `json:"answer"`
		Trouble string `json:"trouble"`
	} `json:"all_tries"`
}

func (h *hookedWorld) ask(t *testing.T, method, path, body string, out any) {
	t.Helper()
	a := h.call(t, method, "/v1/webhooks/"+path, body, h.secret())
	if a.status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	a.json(t, out)
}

func TestWebhooksByTheAPI(t *testing.T) {
	t.Parallel()
	h := newHookedWorld(t)
	h.mu.Lock()
	h.status = http.StatusInternalServerError
	h.mu.Unlock()
	o := h.latte(t)
	h.call(t, "POST", "/v1/orders/"+o.ID+"/cancel", "", h.secret())
	var list struct{ Data []delivery }
	eventually(t, "a failed try is shown", func() bool {
		h.ask(t, "GET", "deliveries?order="+o.ID+"&status=waiting&type=order.cancelled", "", &list)
		return len(list.Data) == 1 && list.Data[0].Answer == 500
	})
	d := list.Data[0]
	h.ask(t, "GET", "deliveries/"+d.ID, "", &d)
	if d.Order != o.ID || len(d.All) == 0 || d.All[0].Trouble != "answered 500" || !strings.HasPrefix(d.Body, `{"type":"order.cancelled"`) {
		t.Errorf("the delivery: %+v", d)
	}
	var test delivery
	h.ask(t, "POST", "test", "", &test)
	if test.Status != "failed" || test.Type != "webhook.test" || len(test.All) != 1 {
		t.Errorf("the test: %+v", test)
	}

	h.mu.Lock()
	h.status = http.StatusOK
	h.mu.Unlock()
	h.ask(t, "POST", "deliveries/"+d.ID+"/resend", "", &d)
	eventually(t, "it is delivered", func() bool {
		h.ask(t, "GET", "deliveries/"+d.ID, "", &d)
		return d.Status == "delivered"
	})
	var count struct{ Count int }
	h.ask(t, "POST", "resend", `{"since":"2020-01-01T00:00:00Z"}`, &count)
	if count.Count != 1 {
		t.Errorf("%d are sent again; want 1", count.Count)
	}
	var endpoint struct{ Status string }
	h.ask(t, "POST", "endpoint/enable", "", &endpoint)
	h.ask(t, "GET", "endpoint", "", &endpoint)
	if endpoint.Status != "on" {
		t.Errorf("the endpoint is %q", endpoint.Status)
	}
	for _, bad := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "deliveries/msg_0", "", http.StatusNotFound},
		{"POST", "deliveries/msg_0/resend", "", http.StatusNotFound},
		{"POST", "deliveries/" + test.ID + "/resend", "", http.StatusConflict},
		{"POST", "resend", `{}`, http.StatusUnprocessableEntity},
		{"POST", "resend", `{"since":"yesterday"}`, http.StatusUnprocessableEntity},
		{"GET", "deliveries?status=lost", "", http.StatusUnprocessableEntity},
	} {
		if a := h.call(t, bad.method, "/v1/webhooks/"+bad.path, bad.body, h.secret()); a.status != bad.status {
			t.Errorf("%s %s: %d %s; want %d", bad.method, bad.path, a.status, a.body, bad.status)
		}
	}
	if a := h.call(t, "GET", "/v1/webhooks/deliveries", ""); a.status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", a.status)
	}
}

// The demo's shop knows from the webhook alone what was paid: its thank-you page needs nobody else.
func TestTheDemosShopLearnsByWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	w.pays(t, o)
	eventually(t, "the shop was told", func() bool {
		told, ok := w.shop.hooks.order(o.ID)
		return ok && told.Status == "paid"
	})
	w.shop.server = "http://" + closedAddress(t) // Saoma cannot be asked
	res, err := http.Get(w.shop.url + "/orders/" + o.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var shown struct{ Status, Number string }
	if err := json.NewDecoder(res.Body).Decode(&shown); err != nil || shown.Status != "paid" || shown.Number == "" {
		t.Errorf("the page shows %+v, %v", shown, err)
	}

	forged, err := http.Post(w.shop.url+"/hooks/saoma", "application/json", strings.NewReader(`{"type":"order.paid","data":{"id":"ord_1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = forged.Body.Close() }()
	if _, ok := w.shop.hooks.order("ord_1"); ok || forged.StatusCode != http.StatusUnauthorized {
		t.Errorf("what Saoma did not sign is answered %d", forged.StatusCode)
	}
}

// closedAddress is one where nobody listens.
func closedAddress(t *testing.T) string {
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
