package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"saoma/backend/wechatsim"
)

// debugWorld is a demo that logs all it can.
func debugWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	var err error
	w.demo, err = startDemo(t.Context(), serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// lines are the lines of the log with a message.
func (w *world) lines(t *testing.T, message string) (list []map[string]any) {
	t.Helper()
	for text := range strings.Lines(w.log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if line["msg"] == message {
			list = append(list, line)
		}
	}
	return list
}

// By the request id that a shop was answered an operator finds the order, and what WeChat Pay's support asks for.
func TestOneRequestInTheLog(t *testing.T) {
	t.Parallel()
	w := debugWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{ErrorBefore: 3}})
	a := w.call(t, "POST", "/v1/orders", `{"amount":1,"description":"tea"}`, w.secret(), "X-Request-Id: trace-0123456789")
	if a.status != http.StatusCreated || a.header.Get("X-Request-Id") != "trace-0123456789" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	var o order
	a.json(t, &o)
	failures := w.lines(t, "wechat pay call failed")
	if len(failures) != 1 {
		t.Fatalf("%d lines about the one call that failed: %v", len(failures), failures)
	}
	got := failures[0]
	wechatID, _ := got["wechat_request_id"].(string)
	number, _ := got["out_trade_no"].(string)
	if got["request"] != "trace-0123456789" || got["order"] != o.ID || got["merchant"] != demoMerchant || got["op"] != "prepay" ||
		got["code"] != "SYSTEM_ERROR" || got["tries"] != 3.0 || len(wechatID) < 16 {
		t.Errorf("logged %v", got)
	}
	if trades := w.sim.Trades(); len(trades) != 1 || trades[0].OutTradeNo != number {
		t.Errorf("out_trade_no %q; WeChat Pay has %+v", number, trades)
	}
	tries := w.lines(t, "wechat pay called")
	if len(tries) != 4 || slices.ContainsFunc(tries, func(l map[string]any) bool { return l["request"] != "trace-0123456789" }) {
		t.Errorf("the tries are %v", tries)
	}
}

// A busy day with trouble of every kind leaves no secret, no token and no payer's name in the log, at any level.
func TestLogsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	w := debugWorld(t)
	w.sim.SetFaults(wechatsim.Faults{
		Prepay:      wechatsim.CallFaults{ErrorBefore: 2, ErrorAfter: 1, BadSignature: 1, BadGateway: 1},
		Query:       wechatsim.CallFaults{ErrorBefore: 1, BadSignature: 1, BadGateway: 1},
		Refund:      wechatsim.CallFaults{ErrorBefore: 1},
		AccessToken: wechatsim.CallFaults{BadGateway: 1},
		Callback: wechatsim.CallbackFaults{Double: 2, BadSignature: 1, ProbeSignature: 1, UnknownSerial: 1, OldTimestamp: 1,
			Truncated: 1, NoResource: 1, WrongNonce: 1, WrongAmount: 1, OtherMerchant: 1},
	})
	secrets := map[string]string{"the API key": w.secretKey, "the API v3 key": w.sim.Merchant().APIv3Key,
		"the app secret": w.sim.Merchant().AppSecret, "an openid": w.sim.LogIn("")}
	for i, line := range strings.Split(strings.TrimSpace(string(w.sim.Merchant().PrivateKeyPEM)), "\n") {
		secrets[fmt.Sprintf("line %d of the private key", i)] = line
	}
	var mu sync.Mutex
	keep := func(what, secret string) {
		mu.Lock()
		defer mu.Unlock()
		secrets[what] = secret
	}
	var customers sync.WaitGroup
	for i := range 12 {
		customers.Go(func() { w.busyCustomer(t, i, keep) })
	}
	customers.Wait()
	said := w.log.String()
	if len(said) < 10_000 || !strings.Contains(said, `"level":"DEBUG"`) || !strings.Contains(said, "callback refused") {
		t.Fatalf("it was no busy day: %s", said)
	}
	for what, secret := range secrets {
		if secret == "" {
			t.Errorf("%s is empty", what)
		} else if i := strings.Index(said, secret); i >= 0 {
			t.Errorf("the log holds %s: %s", what, said[max(0, i-300):min(len(said), i+300)])
		}
	}
}

// busyCustomer orders, pays in one way or another, looks on, and may want the money back.
func (w *world) busyCustomer(t *testing.T, n int, keep func(what, secret string)) {
	o := w.latte(t)
	keep("the token of "+o.ID, o.Token)
	conn, _ := dialLive(t, w, o.Token, "")
	if conn == nil {
		t.Error("no socket")
		return
	}
	switch n % 4 {
	case 0: // inside WeChat, with a forged state, a stale code and then a good one
		_, there := w.follow(t, o.CheckoutURL+"/wechat", uaWeChat)
		there.Fragment = ""
		for range 3 {
			_, back := w.follow(t, there.String(), uaWeChat)
			keep("a code for "+o.ID, back.Query().Get("code"))
			keep("a state for "+o.ID, back.Query().Get("state"))
			w.follow(t, strings.Replace(back.String(), "state=", "state=1", 1), uaWeChat)
			w.follow(t, back.String(), uaWeChat)
		}
		w.call(t, "GET", "/checkout/"+o.Token, "", "User-Agent: "+uaWeChat)
	case 1:
		w.follow(t, o.CheckoutURL+"/h5", uaPhone, "Referer: "+w.url+"/")
	default:
		if fresh := w.read(t, o.ID); fresh.CodeURL != "" {
			_, _ = w.sim.Pay(fresh.CodeURL, "") // who may be too late
		}
		w.call(t, "POST", "/v1/checkouts/"+o.Token+"/check", "")
		w.call(t, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":1}`, w.secret())
		w.call(t, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":1,"nonsense":"`+o.Token+`"}`, w.secret())
	}
	w.call(t, "POST", "/v1/checkouts/"+o.Token+"/renew", "")
	w.call(t, "POST", "/v1/checkouts/"+o.Token+"/cancel", "")
	w.call(t, "GET", "/v1/orders/"+o.ID, "", "Authorization: Bearer "+w.secretKey+"x")
	w.call(t, "GET", "/metrics", "", w.secret())
}
