package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

const teaOrigin = "https://tea.example"

// An intruder is a merchant with everything of its own, keys at WeChat Pay too, who tries what it can on another's.
type intruder struct {
	*world
	sim    *simulator // the intruder's WeChat Pay
	tap    wiretap
	theirs belongings
	own    order
}

func newIntruder(t *testing.T) *intruder {
	t.Helper()
	x := &intruder{}
	x.sim = simulate(t, t.TempDir(), wechatsim.Options{Transport: &x.tap})
	x.world = twoMerchants(t, func(c *config) {
		own := (&demo{sim: x.sim}).config(x.sim.Merchant(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}).Merchants[0]
		c.Merchants[1].WeChat, c.Merchants[1].Origins = own.WeChat, []string{teaOrigin}
	})
	x.theirs = x.belongings(t)
	x.call(t, "POST", "/v1/orders", `{"items":[{"sku":"tea","quantity":1}]}`, otherSecret).json(t, &x.own)
	if err := x.service.gateway.Echo(t.Context(), demoMerchant, "theirs", x.url+"/notify/"+demoMerchant+"/echo"); err != nil {
		t.Fatal(err)
	}
	x.world.tap.answered(t, "/notify/"+demoMerchant+"/echo", http.StatusNoContent)
	x.call(t, "GET", "/checkout/"+x.theirs.token, "") // its customer has it open
	eventually(t, "the page is recorded as shown", func() bool { return slices.Contains(x.kinds(t, x.theirs.order), "shown") })
	return x
}

var pinnedLoader = regexp.MustCompile(`/v\d+\.\d+\.\d+/`)

// A trespass is how a route is tried.
type trespass func(t *testing.T, x *intruder, method, path string)

// trespasses has every route of the server, as the server lists them.
func trespasses(theirs belongings) map[string]trespass {
	all := map[string]trespass{
		"GET /v1/checkouts/{token}":         byToken,
		"POST /v1/checkouts/{token}/renew":  byToken,
		"POST /v1/checkouts/{token}/cancel": byToken,
		"POST /v1/checkouts/{token}/check":  byToken,
		"GET /v1/checkouts/{token}/live":    byToken,
		"GET /checkout/{token}":             byPage,
		"GET /checkout/{token}/wechat":      byPage,
		"GET /checkout/{token}/h5":          byPage,

		"POST /v1/checkouts":                       byCart,
		"POST /v1/orders":                          byKey(""),
		"GET /v1/orders":                           byKey(""),
		"GET /v1/orders/{id}":                      byKey(theirs.order),
		"POST /v1/orders/{id}/cancel":              byKey(theirs.order),
		"GET /v1/orders/{id}/events":               byKey(theirs.order),
		"POST /v1/orders/{id}/refunds":             byKey(theirs.paid),
		"GET /v1/refunds/{id}":                     byKey(theirs.refund),
		"PUT /v1/products/{sku}":                   byKey("bun"),
		"GET /v1/products/{sku}":                   byKey("latte"),
		"DELETE /v1/products/{sku}":                byKey("latte"),
		"GET /v1/products":                         byKey(""),
		"POST /v1/reconciliations":                 byKey(""),
		"GET /v1/reconciliations/{date}":           byKey(theirs.day),
		"GET /v1/webhooks/deliveries":              byKey(""),
		"GET /v1/webhooks/deliveries/{id}":         byKey(theirs.delivery),
		"POST /v1/webhooks/deliveries/{id}/resend": byKey(theirs.delivery),
		"POST /v1/webhooks/resend":                 byKey(""),
		"POST /v1/webhooks/test":                   byKey(""),
		"GET /v1/webhooks/endpoint":                byKey(""),
		"POST /v1/webhooks/endpoint/enable":        byKey(""),

		"POST /notify/{merchant}/payment": byPayment,
		"POST /notify/{merchant}/refund":  byRefund,
		"POST /notify/{merchant}/echo":    byEcho,

		"/dashboard/": byKey(""), // its own routes: TestOtherShopsAreUnknown in package dashboard
	}
	for _, nobodys := range []string{"GET /healthz", "GET /readyz", "GET /metrics", "GET /assets/{file}", "GET /v1/saoma.js", "GET /v1/saoma.d.ts",
		"GET /v1/warm", "GET /v1/sri.json", "GET /v{version}/saoma.js", "/"} {
		all[nobodys] = byKey("")
	}
	for _, document := range []string{"GET /docs", "GET /openapi.json", "GET /openapi.yaml", "GET /openapi-3.0.json", "GET /openapi-3.0.yaml"} {
		all[document] = func(*testing.T, *intruder, string, string) {} // the same for all, made before there are merchants
	}
	return all
}

// By no route that there is, a merchant sees or changes anything of another's.
func TestMerchantsAreKeptApart(t *testing.T) {
	t.Parallel()
	x := newIntruder(t)
	x.quiet(t)
	db := x.books(t)
	before := x.rows(t, db, demoMerchant)
	all := trespasses(x.theirs)
	routes := x.service.server.Routes()
	for _, route := range routes {
		route = pinnedLoader.ReplaceAllString(route, "/v{version}/")
		try, ok := all[route]
		if !ok {
			t.Errorf("%s has no entry in trespasses: say how another merchant may try it", route)
			continue
		}
		method, path, found := strings.Cut(route, " ")
		if !found {
			method, path = http.MethodGet, route
		}
		try(t, x, method, path)
		delete(all, route)
	}
	for route := range all {
		t.Errorf("there is no route %s", route)
	}
	after := x.rows(t, db, demoMerchant)
	for _, name := range []string{"orders", "products", "reservations", "refunds", "reconciliations", "secret_keys", "idempotency", "deliveries",
		"endpoints", "echoes", "staff", "staff_log"} {
		if before[name] != after[name] {
			t.Errorf("%s of the merchant have changed:\n%s\nwere\n%s", name, after[name], before[name])
		}
	}
	if got := x.read(t, x.theirs.order); got.Status != "pending" || got.Version != 2 {
		t.Errorf("the order is %+v", got)
	}
}

// wantNothing wants an answer to show nothing of the other merchant.
func (x *intruder) wantNothing(t *testing.T, what string, a answer) {
	t.Helper()
	for _, secret := range []string{x.theirs.order, x.theirs.paid, x.theirs.refund, x.theirs.delivery, x.secretKey, "豆沙包", "拿铁", "table-7"} {
		if strings.Contains(string(a.body)+fmt.Sprint(a.header), secret) {
			t.Errorf("%s shows %s of another merchant: %s", what, secret, a.body)
		}
	}
}

// byKey calls with the intruder's secret key; subject is what of the other merchant the path names.
func byKey(subject string) trespass {
	return func(t *testing.T, x *intruder, method, path string) {
		t.Helper()
		name := method + " " + path
		path = strings.NewReplacer("{id}", subject, "{sku}", subject, "{date}", subject, "{file}", "nothing").Replace(path)
		a := x.call(t, method, path, intrusion(name), otherSecret, "Origin: "+teaOrigin)
		if subject != "" && method != http.MethodPut && a.status != http.StatusNotFound {
			t.Errorf("%s on what is another's: %d %s; want 404", name, a.status, a.body)
		}
		x.wantNothing(t, name, a)
	}
}

// byToken knows an order's token, which is its key, and asks from a page of the intruder's; or has no more than its id.
func byToken(t *testing.T, x *intruder, method, path string) {
	t.Helper()
	for token, want := range map[string]int{x.theirs.token: http.StatusForbidden, x.theirs.order: http.StatusNotFound} {
		at := strings.Replace(path, "{token}", token, 1)
		a := x.call(t, method, at, "", "Origin: "+teaOrigin, otherSecret)
		if strings.HasSuffix(path, "/live") {
			conn, status := dialLive(t, x.world, token, teaOrigin)
			if a.status = status; conn != nil {
				_, text, err := conn.ReadMessage()
				a = answer{status: http.StatusNotFound, body: text}
				if err == nil {
					t.Errorf("%s of %s is open: %s", path, token, text)
				}
			}
		}
		if a.status != want {
			t.Errorf("%s %s: %d %s; want %d", method, at, a.status, a.body, want)
		}
		x.wantNothing(t, method+" "+path, a)
	}
}

// byCart puts the other's goods into a cart, from the intruder's page or under the intruder's key.
func byCart(t *testing.T, x *intruder, method, path string) {
	t.Helper()
	for name, c := range map[string]struct {
		key, sku, origin string
		want             int
	}{
		"from our page":          {demoPublishableKey, "latte", teaOrigin, http.StatusForbidden},
		"our key on their page":  {"pk_other", "tea", x.shop.url, http.StatusForbidden},
		"their goods by our key": {"pk_other", "bun", teaOrigin, http.StatusUnprocessableEntity},
	} {
		cart := fmt.Sprintf(`{"key":%q,"items":[{"sku":%q,"quantity":1}]}`, c.key, c.sku)
		a := x.call(t, method, path, cart, "Origin: "+c.origin)
		if a.status != c.want {
			t.Errorf("%s: %d %s; want %d", name, a.status, a.body, c.want)
		}
		x.wantNothing(t, name, a)
	}
}

// byPage opens the other's checkout with the intruder's address to go back to, and with what WeChat gave for an order of
// the intruder's.
func byPage(t *testing.T, x *intruder, _, path string) {
	t.Helper()
	at := x.url + strings.Replace(path, "{token}", x.theirs.token, 1) + "?back=" + url.QueryEscape(teaOrigin+"/cart")
	_, there := x.follow(t, x.url+"/checkout/"+x.own.Token+"/wechat", uaWeChat)
	code := "&code=0000&state=" + there.Query().Get("state")
	for _, agent := range []string{uaWeChat, uaDesktop, "Mozilla/5.0 (Linux; Android 14) Mobile"} {
		for _, more := range []string{"", code} {
			_, to := x.follow(t, at+more, agent)
			if s := to.String(); strings.Contains(s, "tea.example") || strings.Contains(s, x.sim.Merchant().AppID) {
				t.Errorf("%s leads to %s", path, s)
			}
		}
	}
	a := x.call(t, "GET", strings.TrimPrefix(at, x.url), "")
	if strings.Contains(string(a.body)+fmt.Sprint(a.header), "tea.example") {
		t.Errorf("%s names the intruder's page: %v %s", path, a.header, a.body)
	}
}

// byCallback sends what each one's WeChat Pay has said to the other's address.
func byCallback(t *testing.T, x *intruder, path string) {
	t.Helper()
	at := func(m string) string { return strings.Replace(path, "{merchant}", m, 1) }
	for to, g := range map[string]genuine{
		at(demoMerchant):  x.tap.answered(t, at(otherMerchant), http.StatusNoContent),
		at(otherMerchant): x.world.tap.answered(t, at(demoMerchant), http.StatusNoContent),
	} {
		var headers []string
		for name := range g.header {
			headers = append(headers, name+": "+g.header.Get(name))
		}
		if a := x.call(t, "POST", to, string(g.body), headers...); a.status != http.StatusUnauthorized {
			t.Errorf("a callback of other keys at %s: %d %s", to, a.status, a.body)
		}
	}
}

// byPayment has the intruder's own WeChat Pay say that the other's order was paid.
func byPayment(t *testing.T, x *intruder, _, path string) {
	t.Helper()
	x.payOwn(t, x.own.CodeURL)
	byCallback(t, x, path)
	number := string(rowsOf(t, x.books(t), `SELECT out_trade_no FROM attempts WHERE order_id = '`+x.theirs.order+`'`)[0][0].(string))
	x.payOwn(t, x.prepay(t, number))
	x.wantRefusal(t, path)
}

// byRefund has it say that the other's money went back.
func byRefund(t *testing.T, x *intruder, _, path string) {
	t.Helper()
	var own order
	x.call(t, "POST", "/v1/orders", `{"amount":700,"description":"tea"}`, otherSecret).json(t, &own)
	x.payOwn(t, own.CodeURL)
	eventually(t, "the intruder's order is paid", func() bool {
		return strings.Contains(string(x.call(t, "GET", "/v1/orders/"+own.ID, "", otherSecret).body), `"paid"`)
	})
	if a := x.call(t, "POST", "/v1/orders/"+own.ID+"/refunds", `{"amount":1}`, otherSecret); a.status != http.StatusCreated {
		t.Fatalf("refund: %d %s", a.status, a.body)
	}
	byCallback(t, x, path)
	x.payOwn(t, x.prepay(t, "OWNNUMBER")) // WeChat Pay refunds of one payment once a minute
	request, err := x.service.gateway.ComposeRefund(pay.RefundTerms{
		Merchant: otherMerchant, ID: pay.RefundID(x.theirs.refund), TransactionID: x.sim.Trades()[0].TransactionID, Amount: 7, Total: 2800,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.service.gateway.Refund(t.Context(), otherMerchant, request); err != nil {
		t.Fatal(err)
	}
	x.wantRefusal(t, path)
}

func byEcho(t *testing.T, x *intruder, _, path string) {
	t.Helper()
	if err := x.service.gateway.Echo(t.Context(), otherMerchant, "mine", x.url+"/notify/"+otherMerchant+"/echo"); err != nil {
		t.Fatal(err)
	}
	byCallback(t, x, path)
}

// prepay makes an order at the intruder's WeChat Pay under a number of the other's.
func (x *intruder) prepay(t *testing.T, outTradeNo string) (codeURL string) {
	t.Helper()
	request, err := x.service.gateway.Compose(pay.Prepay{
		Merchant: otherMerchant, OutTradeNo: outTradeNo, Total: 2800, Description: "拿铁", ExpiresAt: time.Now().Add(10 * time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	if codeURL, err = x.service.gateway.Prepay(t.Context(), otherMerchant, pay.Native, request); err != nil {
		t.Fatal(err)
	}
	return codeURL
}

func (x *intruder) payOwn(t *testing.T, codeURL string) {
	t.Helper()
	if _, err := x.sim.Pay(codeURL, ""); err != nil {
		t.Fatal(err)
	}
}

// wantRefusal waits until the intruder's WeChat Pay was told that what it said is of nothing.
func (x *intruder) wantRefusal(t *testing.T, path string) {
	t.Helper()
	at := strings.Replace(path, "{merchant}", otherMerchant, 1)
	eventually(t, "a refusal at "+at, func() bool {
		list := x.tap.all()
		last := list[len(list)-1]
		return last.path == at && last.answer.status == http.StatusNotFound
	})
}

// intrusion is a good body for a call.
func intrusion(name string) string {
	body := map[string]any{
		"POST /v1/orders":              map[string]any{"items": []any{map[string]any{"sku": "bun", "quantity": 1}}},
		"POST /v1/orders/{id}/refunds": map[string]any{"amount": 1},
		"PUT /v1/products/{sku}":       map[string]any{"name": "不是豆包", "price": 1},
		"POST /v1/webhooks/resend":     map[string]any{"since": "2020-01-01T00:00:00Z"},
		"POST /v1/reconciliations":     map[string]any{"date": "2026-01-01"},
	}[name]
	if body == nil {
		return ""
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(text)
}
