package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestAnOrderByTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.call(t, "POST", "/v1/orders", `{"amount":1280,"description":"桂花乌龙","reference":"r1","metadata":{"table":"7"},
		"expires_in":60,"return_url":"https://shop.example/thanks","channel":"native"}`, w.secret())
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var o order
	a.json(t, &o)
	if o.Status != "pending" || o.Amount != 1280 || o.CodeURL == "" || o.Metadata["table"] != "7" ||
		o.CheckoutURL != w.url+"/checkout/"+o.Token {
		t.Fatalf("made %s", a.body)
	}
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	if paid := w.read(t, o.ID); paid.TransactionID == "" || paid.CodeURL != "" || paid.Late {
		t.Errorf("paid: %+v", paid)
	}
	var events struct{ Data []struct{ Type string } }
	w.call(t, "GET", "/v1/orders/"+o.ID+"/events", "", w.secret()).json(t, &events)
	if want := []struct{ Type string }{{"created"}, {"prepaid"}, {"succeeded"}}; !slices.Equal(events.Data, want) {
		t.Errorf("events %v; want %v", events.Data, want)
	}
}

// What a browser sees leaves out what is the merchant's own.
func TestTheBrowsersView(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.call(t, "POST", "/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":2}],"metadata":{"secret":"s"}}`, w.origin())
	if a.status != http.StatusCreated || a.header.Get("Access-Control-Allow-Origin") != w.shop.url {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	var made struct {
		Token       string
		CheckoutURL string `json:"checkout_url"`
		Order       order
	}
	a.json(t, &made)
	if made.Order.Amount != 5600 || made.Token != made.Order.Token || made.CheckoutURL != made.Order.CheckoutURL {
		t.Errorf("made %s", a.body)
	}
	view := w.call(t, "GET", "/v1/checkouts/"+made.Token, "")
	for _, private := range []string{"metadata", "transaction_id", "payer", "openid"} {
		if strings.Contains(string(view.body), private) || strings.Contains(string(a.body), private) {
			t.Errorf("a browser is told of %s: %s", private, view.body)
		}
	}
	if view.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q", view.header.Get("Cache-Control"))
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for range 5 {
		ids = append(ids, w.latte(t).ID)
	}
	slices.Reverse(ids)
	var got []string
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		var page struct {
			Data       []order
			NextCursor string `json:"next_cursor"`
		}
		w.call(t, "GET", "/v1/orders?limit=2&status=pending&reference=table-7&cursor="+cursor, "", w.secret()).json(t, &page)
		for _, o := range page.Data {
			got = append(got, o.ID)
		}
		cursor = page.NextCursor
	}
	if !slices.Equal(got, ids) {
		t.Errorf("listed %v; want %v", got, ids)
	}
	if a := w.call(t, "GET", "/v1/orders?created_after=2999-01-01T00:00:00Z", "", w.secret()); !strings.Contains(string(a.body), `"data":[]`) {
		t.Errorf("orders of the future: %s", a.body)
	}
}

func TestCancelByTokenAndByKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []func(order) string{
		func(o order) string { return "/v1/orders/" + o.ID + "/cancel" },
		func(o order) string { return "/v1/checkouts/" + o.Token + "/cancel" },
	} {
		o := w.latte(t)
		for range 2 {
			a := w.call(t, "POST", path(o), "", w.secret())
			if a.status != http.StatusOK || !strings.Contains(string(a.body), `"status":"cancelled"`) {
				t.Fatalf("cancel: %d %s", a.status, a.body)
			}
		}
	}
	o := w.latte(t)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	if a := w.call(t, "POST", "/v1/orders/"+o.ID+"/cancel", "", w.secret()); a.status != http.StatusConflict {
		t.Errorf("cancel of a paid order: %d %s", a.status, a.body)
	}
}

// A long poll is answered by the change, not by the end of its patience.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	path := fmt.Sprintf("/v1/checkouts/%s?after=%d&wait=25", o.Token, o.Version)
	answers := make(chan answer, 1)
	began := time.Now()
	go func() { answers <- w.call(t, "GET", path, "") }()
	w.pays(t, o)
	if a := <-answers; !strings.Contains(string(a.body), `"status":"paid"`) || time.Since(began) > 20*time.Second {
		t.Errorf("after %s: %s", time.Since(began), a.body)
	}
	// What has happened already is told at once; without news the order comes as it is.
	if a := w.call(t, "GET", path, ""); !strings.Contains(string(a.body), `"status":"paid"`) {
		t.Errorf("old news: %s", a.body)
	}
	other := w.latte(t)
	if a := w.call(t, "GET", fmt.Sprintf("/v1/checkouts/%s?after=%d&wait=1", other.Token, other.Version), ""); a.status != http.StatusOK ||
		!strings.Contains(string(a.body), `"status":"pending"`) {
		t.Errorf("no news: %d %s", a.status, a.body)
	}
}

// dialLive opens the socket of an order, or returns the status of the refusal.
func dialLive(t *testing.T, w *world, token, origin string) (*websocket.Conn, int) {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"saoma.v1"}, HandshakeTimeout: 10 * time.Second}
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	conn, res, err := d.DialContext(t.Context(), "ws"+strings.TrimPrefix(w.url, "http")+"/v1/checkouts/"+token+"/live", header)
	if res == nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		return nil, res.StatusCode
	}
	t.Cleanup(func() { _ = conn.Close() }) // the server may have closed it first
	return conn, res.StatusCode
}

// The socket hears of the order at once, and of its end, and is then told to stop.
func TestLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	conn, _ := dialLive(t, w, o.Token, w.shop.url)
	if got := conn.Subprotocol(); got != "saoma.v1" {
		t.Errorf("subprotocol %q", got)
	}
	var m struct {
		Type  string
		Now   time.Time
		Order order
	}
	for _, want := range []string{"pending", "paid"} {
		if err := conn.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
		if m.Type != "order" || m.Order.Status != want || m.Now.IsZero() {
			t.Fatalf("got %+v; want an order that is %s", m, want)
		}
		if want == "pending" {
			w.pays(t, o)
		}
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 4500) {
		t.Errorf("after the end: %v; want close code 4500", err)
	}
	late, _ := dialLive(t, w, o.Token, "")
	if err := late.ReadJSON(&m); err != nil || m.Order.Status != "paid" {
		t.Errorf("a late watcher got %+v, %v", m, err)
	}
	if _, _, err := late.ReadMessage(); !websocket.IsCloseError(err, 4500) {
		t.Errorf("a late watcher: %v; want close code 4500", err)
	}
	nobody, _ := dialLive(t, w, "nobody", "")
	if _, _, err := nobody.ReadMessage(); !websocket.IsCloseError(err, 4404) {
		t.Errorf("an unknown token: %v; want close code 4404", err)
	}
	if _, status := dialLive(t, w, o.Token, "https://evil.example"); status != http.StatusForbidden {
		t.Errorf("a stranger's page: %d", status)
	}
}

// Every bad request is refused with a problem that names the field, and leaves nothing behind.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}]}`
	mine := []string{w.origin()}
	server := []string{w.secret()}
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		status     int
		code       string
		field      string
	}{
		"unknown field":          {"/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}],"amount":1}`, mine, 422, "invalid_request", "amount"},
		"unknown field in item":  {"/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":1,"price":1}]}`, mine, 422, "invalid_request", "items[0].price"},
		"wrong type":             {"/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":"1"}]}`, mine, 422, "invalid_request", "items[0].quantity"},
		"a fraction":             {"/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":1.5}]}`, mine, 422, "invalid_request", "items[0].quantity"},
		"negative quantity":      {"/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":-1}]}`, mine, 422, "invalid_request", "items[0].quantity"},
		"huge quantity":          {"/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":99999999999999999999}]}`, mine, 422, "invalid_request", "items[0].quantity"},
		"unknown product":        {"/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"yacht","quantity":1}]}`, mine, 422, "invalid_request", "items[0].sku"},
		"no items":               {"/v1/checkouts", `{"key":"pk_demo","items":[]}`, mine, 422, "invalid_request", "items"},
		"items missing":          {"/v1/checkouts", `{"key":"pk_demo"}`, mine, 422, "invalid_request", "items"},
		"items null":             {"/v1/checkouts", `{"key":"pk_demo","items":null}`, mine, 422, "invalid_request", "items"},
		"not an object":          {"/v1/checkouts", `[]`, mine, 422, "invalid_request", ""},
		"not JSON":               {"/v1/checkouts", `{"key":`, mine, 400, "invalid_request", ""},
		"empty":                  {"/v1/checkouts", ``, mine, 400, "invalid_request", ""},
		"over 64 KiB":            {"/v1/checkouts", `{"key":"` + strings.Repeat("x", 65<<10) + `"}`, mine, 413, "body_too_large", ""},
		"a form":                 {"/v1/checkouts", good, []string{w.origin(), "Content-Type: text/plain"}, 415, "not_json", ""},
		"unknown key":            {"/v1/checkouts", `{"key":"pk_x","items":[{"sku":"latte","quantity":1}]}`, mine, 401, "unauthorized", "key"},
		"a stranger's origin":    {"/v1/checkouts", good, []string{"Origin: https://evil.example"}, 403, "origin_not_allowed", ""},
		"an origin's prefix":     {"/v1/checkouts", good, []string{w.origin() + "9"}, 403, "origin_not_allowed", ""},
		"origin null":            {"/v1/checkouts", good, []string{"Origin: null"}, 403, "origin_not_allowed", ""},
		"no origin":              {"/v1/checkouts", good, nil, 403, "origin_not_allowed", ""},
		"return to a stranger":   {"/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}],"return_url":"https://evil.example/"}`, mine, 422, "invalid_request", "return_url"},
		"no such token":          {"/v1/checkouts/nobody/cancel", ``, mine, 404, "not_found", ""},
		"no key":                 {"/v1/orders", `{}`, nil, 401, "unauthorized", ""},
		"the publishable key":    {"/v1/orders", `{}`, []string{"Authorization: Bearer pk_demo"}, 401, "unauthorized", ""},
		"the key without Bearer": {"/v1/orders", `{}`, []string{"Authorization: " + w.secretKey}, 401, "unauthorized", ""},
		"an empty order":         {"/v1/orders", `{}`, server, 422, "invalid_request", "amount"},
		"amount 0":               {"/v1/orders", `{"amount":0,"description":"x"}`, server, 422, "invalid_request", "amount"},
		"negative amount":        {"/v1/orders", `{"amount":-1,"description":"x"}`, server, 422, "invalid_request", "amount"},
		"amount as text":         {"/v1/orders", `{"amount":"1","description":"x"}`, server, 422, "invalid_request", "amount"},
		"huge amount":            {"/v1/orders", `{"amount":9223372036854775807,"description":"x"}`, server, 422, "invalid_request", "amount"},
		"emoji":                  {"/v1/orders", `{"amount":1,"description":"😀"}`, server, 422, "invalid_request", "description"},
		"too short a life":       {"/v1/orders", `{"amount":1,"description":"x","expires_in":59}`, server, 422, "invalid_request", "expires_in"},
		"too long a life":        {"/v1/orders", `{"amount":1,"description":"x","expires_in":7201}`, server, 422, "invalid_request", "expires_in"},
		"unknown channel":        {"/v1/orders", `{"amount":1,"description":"x","channel":"fax"}`, server, 422, "invalid_request", "channel"},
		"a script to return to":  {"/v1/orders", `{"amount":1,"description":"x","return_url":"javascript:alert(1)"}`, server, 422, "invalid_request", "return_url"},
		"no such order":          {"/v1/orders/ord_nobody/cancel", ``, server, 404, "not_found", ""},
		"no such call":           {"/v1/nothing", `{}`, server, 404, "not_found", ""},
	} {
		a := w.call(t, "POST", c.path, c.body, c.headers...)
		var p struct {
			Type, Title, Detail, Code string
			Status                    int
			RequestID                 string `json:"request_id"`
			Errors                    []struct{ Field, Message string }
		}
		if a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &p) != nil {
			t.Errorf("%s: %d %s %s; want a problem", name, a.status, a.header.Get("Content-Type"), a.body)
			continue
		}
		if a.status != c.status || p.Status != c.status || p.Code != c.code || p.Type == "" || p.Title == "" || p.Detail == "" ||
			p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id") {
			t.Errorf("%s: %d %s; want %d %s", name, a.status, a.body, c.status, c.code)
		}
		if c.field != "" && (len(p.Errors) == 0 || p.Errors[0].Field != c.field || p.Errors[0].Message == "") {
			t.Errorf("%s: names %v; want %s", name, p.Errors, c.field)
		}
		for _, inside := range []string{"goroutine", ".go:", "sql", "panic", w.secretKey} {
			if strings.Contains(string(a.body), inside) {
				t.Errorf("%s: the answer shows our inside: %s", name, a.body)
			}
		}
	}
	if n := w.orders(t); n != 0 {
		t.Errorf("%d orders were made by bad requests", n)
	}
	if n := len(w.sim.Trades()); n != 0 {
		t.Errorf("%d bad requests reached WeChat Pay", n)
	}
}

func TestBadQueries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	for path, want := range map[string]int{
		"/v1/orders?limit=0":                            422,
		"/v1/orders?limit=101":                          422,
		"/v1/orders?limit=x":                            422,
		"/v1/orders?status=lost":                        422,
		"/v1/orders?created_after=yesterday":            422,
		"/v1/orders?colour=red":                         422,
		"/v1/orders/ord_nobody":                         404,
		"/v1/orders/" + strings.Repeat("x", 100):        422,
		"/v1/checkouts/nobody":                          404,
		"/v1/checkouts/" + o.Token + "?wait=26":         422,
		"/v1/checkouts/" + o.Token + "?after=-1&wait=1": 422,
		"/v1/checkouts/" + o.Token + "?wait=a":          422,
	} {
		a := w.call(t, "GET", path, "", w.secret())
		if a.status != want || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s; want a problem %d", path, a.status, a.body, want)
		}
	}
}

// Pages of other origins may use what is for browsers only if the merchant says so, and nothing else at all.
func TestCORS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	for _, c := range []struct {
		method, path, origin string
		allowed              bool
	}{
		{"OPTIONS", "/v1/checkouts", w.shop.url, true},
		{"OPTIONS", "/v1/checkouts", "https://evil.example", false},
		{"OPTIONS", "/v1/orders", w.shop.url, false},
		{"GET", "/v1/checkouts/" + o.Token, w.shop.url, true},
		{"GET", "/v1/checkouts/" + o.Token, "https://evil.example", false},
		{"GET", "/v1/orders/" + o.ID, w.shop.url, false},
	} {
		a := w.call(t, c.method, c.path, "", "Origin: "+c.origin, w.secret())
		got := a.header.Get("Access-Control-Allow-Origin")
		if c.allowed && got != c.origin || !c.allowed && got != "" {
			t.Errorf("%s %s from %s: allowed %q", c.method, c.path, c.origin, got)
		}
		if a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s: credentials are allowed", c.method, c.path)
		}
	}
	if a := w.call(t, "GET", "/v1/checkouts/"+o.Token, "", "Origin: https://evil.example"); a.status != http.StatusForbidden {
		t.Errorf("a stranger's page reads an order: %d %s", a.status, a.body)
	}
}

func TestOperators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, want := range map[string]int{
		"/healthz": 204, "/readyz": 204, "/openapi.json": 200, "/v1/saoma.js": 200,
		"/assets/nothing.js": 404, "/assets/": 404, "/checkout/nobody": 404,
	} {
		if a := w.call(t, "GET", path, ""); a.status != want {
			t.Errorf("%s: %d; want %d", path, a.status, want)
		}
	}
}
