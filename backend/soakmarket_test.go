package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"saoma/backend/wire"
)

const (
	stalls      = 3                      // merchants
	stallEvery  = 300 * time.Millisecond // a customer comes to each: 10 a second to all
	marketRoom  = 100                    // customers at once; who comes to a full market turns round
	shoppingMax = 30 * time.Second       // for one customer, on a busy machine
)

// A market is the program with several merchants, each with an API key of its own and a server for its webhooks.
type market struct {
	*siege
	keys  []string // secret ones, by merchant
	hooks *httptest.Server
	room  chan struct{}

	sold, left, refunded, turnedAway, delivered atomic.Int64
	came                                        int // customers
}

func newMarket(t *testing.T) *market {
	t.Helper()
	m := &market{siege: newSiege(t), room: make(chan struct{}, marketRoom)}
	m.hooks = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if m.delivered.Add(1)%50 == 0 {
			w.WriteHeader(http.StatusInternalServerError) // it comes again
		}
	}))
	t.Cleanup(m.hooks.Close)
	m.configure()
	m.start()
	t.Cleanup(m.kill)
	eventually(t, "the program answers", func() bool { return healthy(t, m.url) })
	return m
}

// configure makes more merchants of the one that the simulator knows.
func (m *market) configure() {
	m.t.Helper()
	file := filepath.Join(m.data, "saoma.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		m.t.Fatal(err)
	}
	head, merchant, _ := strings.Cut(string(text), "[[merchant]]")
	all := fmt.Sprintf("metrics_token = %q\n%s", m.secretKey, head)
	for n := range stalls {
		stall := regexp.MustCompile(`(?m)^id .*$`).ReplaceAllString(merchant, fmt.Sprintf(`id = "stall%d"`, n))
		stall = strings.NewReplacer(m.secretKey, m.secretKey+fmt.Sprint(n), "[merchant.wechat]",
			fmt.Sprintf("webhook_private = true\nwebhook_url = %q\nwebhook_secret = %q\n[merchant.wechat]", m.hooks.URL, hookSecret)).Replace(stall)
		stall = regexp.MustCompile(`(?m)^publishable_key.*$`).ReplaceAllString(stall, fmt.Sprintf(`publishable_key = "pk_stall%d"`, n))
		all += "[[merchant]]" + stall + "\n"
		m.keys = append(m.keys, m.secretKey+fmt.Sprint(n))
	}
	if err := os.WriteFile(file, []byte(all), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *market) tally() string {
	return fmt.Sprintf("%d sold, %d of them refunded, %d left, %d turned round at a full market, %d webhooks",
		m.sold.Load(), m.refunded.Load(), m.left.Load(), m.turnedAway.Load(), m.delivered.Load())
}

// open lets customers come for a while, always as many, and returns what the program held meanwhile.
func (m *market) open(while time.Duration) (held []holdings) {
	var crowd sync.WaitGroup
	defer crowd.Wait()
	customers, samples := time.NewTicker(stallEvery/stalls), time.NewTicker(max(while/300, 250*time.Millisecond))
	defer customers.Stop()
	defer samples.Stop()
	for end := time.After(while); ; {
		select {
		case <-end:
			return held
		case <-samples.C:
			held = append(held, m.holdings())
		case <-customers.C:
			n := m.came
			m.came++
			select {
			case m.room <- struct{}{}:
				crowd.Go(func() { defer func() { <-m.room }(); m.customer(n) })
			default:
				m.turnedAway.Add(1)
			}
		}
	}
}

// hangUp has all connections end on which nothing goes on, so that they are not counted.
func (m *market) hangUp() {
	m.client.CloseIdleConnections()
	m.hooks.CloseClientConnections()
	m.sim.http.SetKeepAlivesEnabled(false)
	m.sim.http.SetKeepAlivesEnabled(true)
}

// call is a merchant's call, or with an empty key a browser's.
func (m *market) call(ctx context.Context, method, path, key, body string, want int) (o order, ok bool) {
	req, err := http.NewRequestWithContext(ctx, method, m.url+path, strings.NewReader(body))
	if err != nil {
		m.t.Error(err)
		return o, false
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := m.client.Do(req)
	if err != nil {
		m.t.Errorf("%s %s: %v", method, path, err)
		return o, false
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want || json.Unmarshal(text, &o) != nil {
		m.t.Errorf("%s %s: %d %s, %v; want %d", method, path, res.StatusCode, text, err, want)
		return o, false
	}
	return o, true
}

// customer is one of the kinds that there are.
func (m *market) customer(n int) {
	ctx, cancel := context.WithTimeout(m.t.Context(), shoppingMax)
	defer cancel()
	key := m.keys[n%stalls]
	o, ok := m.call(ctx, http.MethodPost, "/v1/orders", key, fmt.Sprintf(`{"amount":100,"description":"tea","reference":"%d","expires_in":60}`, n), http.StatusCreated)
	if !ok {
		return
	}
	watch := m.watch
	if n/stalls%3 == 1 {
		watch = m.poll
	}
	switch n / stalls % 8 {
	case 6: // looks at it and goes without a word; the order expires
		m.glance(ctx, o)
		m.left.Add(1)
	case 7: // likewise, and the shop clears the table
		m.glance(ctx, o)
		m.call(ctx, http.MethodPost, "/v1/orders/"+o.ID+"/cancel", key, "", http.StatusOK)
		m.left.Add(1)
	default:
		if !watch(ctx, o, func() { m.buy(o) }) {
			m.t.Errorf("%s is paid, and its browser has not seen it", o.ID)
			return
		}
		m.sold.Add(1)
		if n/stalls%8 == 0 {
			m.refund(ctx, o, key)
		}
	}
}

func (m *market) buy(o order) {
	if _, err := m.sim.Pay(o.CodeURL, ""); err != nil {
		m.t.Errorf("pay %s: %v", o.ID, err)
	}
}

func (m *market) refund(ctx context.Context, o order, key string) {
	if _, ok := m.call(ctx, http.MethodPost, "/v1/orders/"+o.ID+"/refunds", key, `{"amount":40}`, http.StatusCreated); ok {
		m.refunded.Add(1)
	}
}

// watch keeps a socket open until the order is paid, and has that done once it is there.
func (m *market) watch(ctx context.Context, o order, pay func()) (seen bool) {
	conn := m.dial(ctx, o)
	if conn == nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	for first := true; ; first = false {
		var message wire.Message
		if err := conn.ReadJSON(&message); err != nil {
			m.t.Errorf("watch %s: %v", o.ID, err)
			return false
		}
		if message.Order.Status == wire.StatusPaid {
			return true
		}
		if first {
			pay()
		}
	}
}

// glance opens a socket, reads what it says, and is gone.
func (m *market) glance(ctx context.Context, o order) {
	conn := m.dial(ctx, o)
	if conn == nil {
		return
	}
	if _, _, err := conn.ReadMessage(); err != nil {
		m.t.Errorf("watch %s: %v", o.ID, err)
	}
	_ = conn.NetConn().Close()
}

func (m *market) dial(ctx context.Context, o order) *websocket.Conn {
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: shoppingMax}
	conn, res, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(m.url, "http")+"/v1/checkouts/"+o.Token+"/live", nil)
	if err != nil {
		m.t.Errorf("watch %s: %v", o.ID, err)
		return nil
	}
	_ = res.Body.Close() // it has no body
	_ = conn.SetReadDeadline(time.Now().Add(shoppingMax))
	return conn
}

// poll asks by long polls until the order is paid, and has that done meanwhile.
func (m *market) poll(ctx context.Context, o order, pay func()) (seen bool) {
	var paying sync.WaitGroup
	defer paying.Wait()
	paying.Go(pay)
	for version := o.Version; ; {
		now, ok := m.call(ctx, http.MethodGet, fmt.Sprintf("/v1/checkouts/%s?after=%d&wait=5", o.Token, version), "", "", http.StatusOK)
		if !ok {
			return false
		}
		if now.Status == string(wire.StatusPaid) {
			return true
		}
		version = now.Version
	}
}
