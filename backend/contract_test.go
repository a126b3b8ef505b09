package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"saoma/backend/wechatsim"
)

// A contract is the API document, and what was seen of it.
type contract struct {
	calls []*contractCall
}

// A contractCall is one call of the document.
type contractCall struct {
	name    string // as "POST /v1/orders/{id}/cancel"
	method  string
	path    string
	matches *regexp.Regexp
	secret  bool
	body    bool
	query   bool // it has parameters beside those in its path
	answers map[int]contractAnswer
	seen    map[int]bool
}

// A contractAnswer is what a call is answered by: a content type and a schema, or no body.
type contractAnswer struct {
	kind   string
	schema *jsonschema.Schema
}

type openAPI struct {
	Paths map[string]map[string]struct {
		Security    []map[string][]string
		Parameters  []struct{ In string }
		RequestBody *struct{}
		Responses   map[string]struct {
			Content map[string]json.RawMessage
		}
	}
}

// readContract reads the document that the server serves.
func readContract(t *testing.T, w *world) *contract {
	t.Helper()
	text := w.call(t, "GET", "/openapi.json", "").body
	var doc openAPI
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020) // OpenAPI 3.1's own
	compiler.AssertFormat()
	if err := compiler.AddResource("openapi.json", whole); err != nil {
		t.Fatal(err)
	}
	c := &contract{}
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	for path, methods := range doc.Paths {
		for method, op := range methods {
			call := &contractCall{
				name: strings.ToUpper(method) + " " + path, method: strings.ToUpper(method), path: path,
				matches: regexp.MustCompile("^" + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, `[^/]+`) + "$"),
				body:    op.RequestBody != nil, answers: map[int]contractAnswer{}, seen: map[int]bool{},
			}
			for _, s := range op.Security {
				_, call.secret = s["secret_key"]
			}
			for _, p := range op.Parameters {
				call.query = call.query || p.In != "path"
			}
			for status, r := range op.Responses {
				var n int
				if _, err := fmt.Sscan(status, &n); err != nil {
					t.Errorf("%s documents the answer %q: every status is named", call.name, status)
				}
				var a contractAnswer
				for kind := range r.Content {
					a.kind = kind
					at := fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%s/content/%s/schema", escape.Replace(path), method, status, escape.Replace(kind))
					if a.schema, err = compiler.Compile(at); err != nil {
						t.Fatal(err)
					}
				}
				call.answers[n] = a
			}
			c.calls = append(c.calls, call)
		}
	}
	slices.SortFunc(c.calls, func(a, b *contractCall) int { return strings.Compare(a.name, b.name) })
	return c
}

// check holds an answer against the document.
func (c *contract) check(t *testing.T, method, path string, a answer) {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	i := slices.IndexFunc(c.calls, func(call *contractCall) bool { return call.method == method && call.matches.MatchString(path) })
	if i < 0 {
		t.Errorf("%s %s is not in the document", method, path)
		return
	}
	call := c.calls[i]
	want, ok := call.answers[a.status]
	if !ok {
		t.Errorf("%s: the answer %d is not in the document: %s", call.name, a.status, a.body)
		return
	}
	call.seen[a.status] = true
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if want.schema == nil {
		if strings.Contains(kind, "json") && len(a.body) > 0 && !strings.HasPrefix(path, "/notify/") {
			t.Errorf("%s: the answer %d has a body that is not in the document: %s", call.name, a.status, a.body)
		}
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err == nil {
		err = want.schema.Validate(value)
	}
	if err != nil || kind != want.kind {
		t.Errorf("%s: the answer %d, %s, is not as the document says: %v\n%s", call.name, a.status, kind, err, a.body)
	}
}

// ask makes a call and wants a certain answer, as the document has it.
func (c *contract) ask(t *testing.T, w *world, want int, method, path, body string, headers ...string) answer {
	t.Helper()
	a := w.call(t, method, path, body, headers...)
	c.check(t, method, path, a)
	if a.status != want {
		t.Errorf("%s %s %s: %d %s; want %d", method, path, body, a.status, a.body, want)
	}
	return a
}

// filled puts a name into the path that names nothing.
func (call *contractCall) filled() string {
	return strings.NewReplacer("{date}", "2000-01-01", "{merchant}", "cafe").Replace(
		regexp.MustCompile(`\{(token|id|sku)\}`).ReplaceAllString(call.path, "nothing"))
}

// Every documented answer of every call comes about, and each is as the document says.
func TestContract(t *testing.T) {
	t.Parallel()
	w := twoMerchants(t, func(c *config) {
		c.Merchants[1].WeChat.AppID = "wx0000000000000000" // WeChat Pay refuses its orders
		c.Merchants[1].webhookConfig = webhookConfig{}
	})
	c := readContract(t, w)
	c.refusals(t, w)
	c.orders(t, w)
	c.checkouts(t, w)
	c.refunds(t, w)
	c.products(t, w)
	c.reconciliations(t, w)
	c.webhooks(t, w)
	c.pages(t, w)
	c.tooMany(t)
	c.overloaded(t)
	for _, call := range c.calls {
		for status := range call.answers {
			if !call.seen[status] {
				t.Errorf("%s: the documented answer %d never came about", call.name, status)
			}
		}
	}
}

// refusals are those that follow from the shape of a call.
func (c *contract) refusals(t *testing.T, w *world) {
	for _, call := range c.calls {
		path := call.filled()
		has := func(status int) bool { _, ok := call.answers[status]; return ok }
		key := w.secret()
		if call.secret {
			c.ask(t, w, http.StatusUnauthorized, call.method, path, "")
			c.ask(t, w, http.StatusUnauthorized, call.method, path, "", "Authorization: Bearer sk_wrong")
		} else {
			key = w.origin()
		}
		if call.body && has(http.StatusUnprocessableEntity) {
			c.ask(t, w, http.StatusUnsupportedMediaType, call.method, path, "amount=1", key, "Content-Type: application/x-www-form-urlencoded")
			c.ask(t, w, http.StatusBadRequest, call.method, path, "{", key)
			c.ask(t, w, http.StatusRequestEntityTooLarge, call.method, path, `{"x":"`+strings.Repeat("x", bodyLimit)+`"}`, key)
			c.ask(t, w, http.StatusUnprocessableEntity, call.method, path, `{"nonsense":1}`, key)
		} else if has(http.StatusUnprocessableEntity) {
			c.ask(t, w, http.StatusUnprocessableEntity, call.method, path+"?nonsense=1", "", key)
		}
		if has(http.StatusNotFound) && !call.body && !strings.HasPrefix(path, "/notify/") {
			c.ask(t, w, http.StatusNotFound, call.method, path, "", key)
		}
	}
}

const bodyLimit = 64 << 10

func (c *contract) orders(t *testing.T, w *world) {
	s := w.secret()
	var o order
	c.ask(t, w, 201, "POST", "/v1/orders", `{"items":[{"sku":"latte","quantity":2}],"metadata":{"table":"7"},"reference":"r"}`, s).json(t, &o)
	c.ask(t, w, 409, "POST", "/v1/orders", `{"items":[{"sku":"bun","quantity":3}]}`, s)
	c.ask(t, w, 200, "GET", "/v1/orders?status=pending&reference=r&limit=1&created_after=2020-01-01T00:00:00Z", "", s)
	c.ask(t, w, 200, "GET", "/v1/orders/"+o.ID, "", s)
	c.ask(t, w, 200, "GET", "/v1/orders/"+o.ID+"/events", "", s)
	w.sim.SetFaults(wechatsim.Faults{Prepay: broken(), Query: broken(), Close: broken()})
	c.ask(t, w, 502, "POST", "/v1/orders", `{"amount":1,"description":"x"}`, s)
	c.ask(t, w, 502, "POST", "/v1/orders/"+o.ID+"/cancel", "", s)
	w.sim.SetFaults(wechatsim.Faults{})
	w.forward(10 * time.Second) // so that the circuit to WeChat Pay is closed again
	c.ask(t, w, 200, "POST", "/v1/orders/"+o.ID+"/cancel", "", s)
	paid := w.latte(t)
	w.pays(t, paid)
	w.wantStatus(t, paid.ID, "paid")
	c.ask(t, w, 200, "GET", "/v1/orders/"+paid.ID, "", s)
	c.ask(t, w, 409, "POST", "/v1/orders/"+paid.ID+"/cancel", "", s)
}

// broken is a call that always fails.
func broken() wechatsim.CallFaults { return wechatsim.CallFaults{ErrorBefore: -1} }

func (c *contract) checkouts(t *testing.T, w *world) {
	page, stranger := w.origin(), "Origin: https://evil.example"
	cart := `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}]}`
	var made struct{ Token string }
	c.ask(t, w, 201, "POST", "/v1/checkouts", cart, page).json(t, &made)
	c.ask(t, w, 401, "POST", "/v1/checkouts", strings.Replace(cart, "pk_demo", "pk_nobody", 1), page)
	c.ask(t, w, 403, "POST", "/v1/checkouts", cart, stranger)
	c.ask(t, w, 409, "POST", "/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"bun","quantity":3}]}`, page)
	c.ask(t, w, 502, "POST", "/v1/checkouts", `{"key":"pk_other","items":[{"sku":"tea","quantity":1}]}`, page)
	one := "/v1/checkouts/" + made.Token
	c.ask(t, w, 200, "GET", one+"?after=1&wait=1", "", page)
	c.ask(t, w, 403, "GET", one, "", stranger)
	for _, act := range []string{"/check", "/renew", "/cancel"} {
		c.ask(t, w, 403, "POST", one+act, "", stranger)
	}
	w.sim.SetFaults(wechatsim.Faults{Query: broken(), Close: broken()})
	c.ask(t, w, 502, "POST", one+"/renew", "", page)
	c.ask(t, w, 502, "POST", one+"/cancel", "", page)
	w.sim.SetFaults(wechatsim.Faults{})
	for _, act := range []string{"/check", "/renew", "/cancel"} {
		c.ask(t, w, 200, "POST", one+act, "", page)
	}
	c.ask(t, w, 409, "POST", one+"/renew", "", page)
	o := w.latte(t)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	c.ask(t, w, 409, "POST", "/v1/checkouts/"+o.Token+"/cancel", "", page)
	c.live(t, w, o.Token)
}

// live is no HTTP answer that a client library shows whole.
func (c *contract) live(t *testing.T, w *world, token string) {
	_, status := dialLive(t, w, token, w.shop.url)
	c.check(t, "GET", "/v1/checkouts/"+token+"/live", answer{status: status, header: http.Header{}})
	c.ask(t, w, 403, "GET", "/v1/checkouts/"+token+"/live", "", "Origin: https://evil.example")
	c.ask(t, w, 400, "GET", "/v1/checkouts/"+token+"/live", "")
}

func (c *contract) refunds(t *testing.T, w *world) {
	o := w.latte(t)
	path := "/v1/orders/" + o.ID + "/refunds"
	c.ask(t, w, 404, "POST", "/v1/orders/nothing/refunds", `{"amount":1}`, w.secret())
	c.ask(t, w, 409, "POST", path, `{"amount":1}`, w.secret())
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	var r refund
	c.ask(t, w, 201, "POST", path, `{"amount":1,"reason":"少了一杯"}`, w.secret()).json(t, &r)
	c.ask(t, w, 200, "GET", "/v1/refunds/"+r.ID, "", w.secret())
}

func (c *contract) products(t *testing.T, w *world) {
	s := w.secret()
	tea := `{"name":"茶杯","price":900,"stock":3}`
	c.ask(t, w, 201, "PUT", "/v1/products/teacup", tea, s)
	c.ask(t, w, 200, "PUT", "/v1/products/teacup", `{"name":"茶杯","price":900,"stock":null}`, s)
	c.ask(t, w, 412, "PUT", "/v1/products/teacup", tea, s, `If-Match: "99"`)
	c.ask(t, w, 200, "GET", "/v1/products/teacup", "", s)
	c.ask(t, w, 200, "GET", "/v1/products?active=true&limit=2", "", s)
	c.ask(t, w, 412, "DELETE", "/v1/products/teacup", "", s, `If-Match: "99"`)
	c.ask(t, w, 204, "DELETE", "/v1/products/teacup", "", s)
}

func (c *contract) reconciliations(t *testing.T, w *world) {
	// The bill of the day before is there after 10 o'clock only.
	day := time.Now().In(time.FixedZone("Beijing", 8*60*60)).AddDate(0, 0, -2).Format(time.DateOnly)
	body := `{"date":"` + day + `"}`
	w.sim.SetFaults(wechatsim.Faults{BillFile: wechatsim.BillFaults{Creating: 1}})
	c.ask(t, w, 409, "POST", "/v1/reconciliations", body, w.secret())
	w.sim.SetFaults(wechatsim.Faults{Bill: broken()})
	c.ask(t, w, 502, "POST", "/v1/reconciliations", body, w.secret())
	w.sim.SetFaults(wechatsim.Faults{})
	c.ask(t, w, 201, "POST", "/v1/reconciliations", body, w.secret())
	c.ask(t, w, 200, "GET", "/v1/reconciliations/"+day, "", w.secret())
}

func (c *contract) webhooks(t *testing.T, w *world) {
	s := w.secret()
	var list struct{ Data []struct{ ID, Type string } }
	c.ask(t, w, 200, "GET", "/v1/webhooks/deliveries?limit=50", "", s).json(t, &list)
	if len(list.Data) == 0 {
		t.Fatal("no webhook was made")
	}
	one := "/v1/webhooks/deliveries/" + list.Data[0].ID
	c.ask(t, w, 200, "GET", one, "", s)
	c.ask(t, w, 200, "POST", one+"/resend", "", s)
	c.ask(t, w, 200, "POST", "/v1/webhooks/resend", `{"since":"`+time.Now().UTC().Format(time.RFC3339)+`"}`, s)
	var test struct{ ID string }
	c.ask(t, w, 200, "POST", "/v1/webhooks/test", "", s).json(t, &test)
	c.ask(t, w, 409, "POST", "/v1/webhooks/deliveries/"+test.ID+"/resend", "", s)
	c.ask(t, w, 200, "GET", "/v1/webhooks/endpoint", "", s)
	c.ask(t, w, 200, "POST", "/v1/webhooks/endpoint/enable", "", s)
	// The other merchant has no server that takes webhooks.
	c.ask(t, w, 409, "POST", "/v1/webhooks/test", "", otherSecret)
	c.ask(t, w, 409, "POST", "/v1/webhooks/endpoint/enable", "", otherSecret)
	c.ask(t, w, 409, "POST", "/v1/webhooks/resend", `{"since":"`+time.Now().UTC().Format(time.RFC3339)+`"}`, otherSecret)
}

func (c *contract) pages(t *testing.T, w *world) {
	o := w.latte(t)
	c.ask(t, w, 200, "GET", "/checkout/"+o.Token, "")
	for _, what := range []string{"payment", "refund"} {
		c.ask(t, w, 401, "POST", "/notify/cafe/"+what, `{}`)
		c.ask(t, w, 404, "POST", "/notify/nobody/"+what, `{}`)
	}
	c.callbacks(t, w)
}

// callbacks are genuine ones of the simulator: good ones, those that say a wrong sum, and a self-test that goes astray.
func (c *contract) callbacks(t *testing.T, w *world) {
	w.tap.answered(t, "/notify/cafe/payment", http.StatusNoContent)
	w.tap.answered(t, "/notify/cafe/refund", http.StatusNoContent)
	o := w.latte(t)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{WrongAmount: 2}})
	c.ask(t, w, 201, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":1}`, w.secret())
	w.tap.answered(t, "/notify/cafe/refund", http.StatusConflict)
	w.pays(t, w.latte(t))
	w.tap.answered(t, "/notify/cafe/payment", http.StatusConflict)
	w.sim.SetFaults(wechatsim.Faults{})
	for _, what := range []string{"payment", "refund"} {
		if err := w.service.gateway.Echo(t.Context(), demoMerchant, "astray", w.url+"/notify/cafe/"+what); err != nil {
			t.Fatal(err)
		}
		w.tap.answered(t, "/notify/cafe/"+what, http.StatusBadRequest)
	}
	for _, h := range w.tap.all() {
		c.check(t, "POST", h.path, h.answer)
	}
}

// tooMany has every limited call over its limit.
func (c *contract) tooMany(t *testing.T) {
	w := twoMerchants(t, func(c *config) { c.Merchants[0].Limits = limitsConfig{Requests: 2, Checkouts: 1} })
	o := w.latte(t)
	w.call(t, "GET", "/v1/orders", "", w.secret())
	cart := `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}]}`
	w.call(t, "POST", "/v1/checkouts", cart, w.origin())
	for _, call := range c.calls {
		if _, ok := call.answers[http.StatusTooManyRequests]; !ok {
			continue
		}
		path, body, key := call.filled(), "", w.secret()
		if !call.secret {
			path, key = strings.Replace(call.path, "{token}", o.Token, 1), w.origin()
		}
		if call.path == "/v1/checkouts" {
			body = cart
		}
		// What is limited by the minute may be asked again after a second: on a slow machine that is soon.
		for tries := 0; w.call(t, call.method, path, body, key).status != http.StatusTooManyRequests && tries < 1000; tries++ {
		}
		a := c.ask(t, w, http.StatusTooManyRequests, call.method, path, body, key)
		wantLimited(t, call.name, a)
	}
}
