package dashboard

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

// noServer is a shop's server that cannot be reached.
type noServer struct{}

func (noServer) PostWebhook(context.Context, pay.MerchantID, pay.DeliveryID, time.Time, []byte) pay.WebhookAnswer {
	return pay.WebhookAnswer{Trouble: "no route to host"}
}

// A bakery is a shop, another one, with one of everything.
type bakery struct{ order, member, key, delivery, report, product string }

func (s *shop) openBakery(t *testing.T, m pay.MerchantID) bakery {
	t.Helper()
	s.Cashier.NewToken = func() pay.Token { return pay.Token("secret-" + s.Cashier.NewName()) }
	s.Cashier.Merchants.Replace([]pay.Merchant{{ID: "cafe", WebhookURL: "https://a.example"}, {ID: "bakery", WebhookURL: "https://b.example"}})
	s.Cashier.WebhookGateway = noServer{}
	s.Cashier.RenderWebhook = func(pay.WebhookType, time.Time, any) []byte { return []byte("{}") }
	s.Doctor = func(_ context.Context, m pay.MerchantID) []pay.Check {
		return []pay.Check{{Merchant: m, Name: string(m)}}
	}
	b := bakery{delivery: "msg_x9", report: "2026-01-02", product: "croissant"}
	b.member = string(s.hire(t, m, "baker", pay.RoleOwner).ID)
	b.order = string(s.order(t, pay.Order{Merchant: m, Total: 777, Description: "Croissant", Reference: "secret-7"}).ID)
	s.sell(t, pay.Product{Merchant: m, SKU: "croissant", Name: "Croissant", Price: 900})
	_, k, err := s.Cashier.NewKey(t.Context(), m, "Croissant")
	if err != nil {
		t.Fatal(err)
	}
	b.key = string(k.ID)
	s.change(t, func(ctx context.Context, tx pay.Tx) error {
		d := pay.Delivery{ID: "msg_x9", Merchant: m, Type: pay.WebhookTest, Subject: "Croissant", Body: []byte("{}"), State: pay.DeliveryWaiting, CreatedAt: time.Now()}
		if err := tx.InsertDelivery(ctx, d); err != nil {
			return err
		}
		return tx.SaveReconciliation(ctx, pay.Reconciliation{Merchant: m, Day: b.report})
	})
	return b
}

// ways says what of the bakery each route is tried on. "" names nothing of a shop's: what it shows is searched.
func (b bakery) ways() map[string]string {
	return map[string]string{
		"GET orders/{id}": b.order, "GET orders/{id}/refund": b.order, "POST orders/{id}/refund": b.order,
		"GET orders/{id}/cancel": b.order, "POST orders/{id}/cancel": b.order,
		"GET staff/{id}": b.member, "POST staff/{id}/role": b.member, "POST staff/{id}/disable": b.member, "POST staff/{id}/enable": b.member,
		"POST staff/{id}/password": b.member,
		"GET products/{sku}":       b.product, "POST products/{sku}": b.product, "POST products/{sku}/switch": b.product,
		"GET products/{sku}/delete": b.product, "POST products/{sku}/delete": b.product,
		"GET webhooks/{id}": b.delivery, "POST webhooks/{id}/resend": b.delivery,
		"GET reports/{day}": b.report, "GET reports/{day}/csv": b.report,
		"GET keys/{id}": b.key, "POST keys/{id}/roll": b.key, "POST keys/{id}/revoke": b.key,

		"GET {$}": "", "GET today": "", "GET orders": "", "GET staff": "", "POST staff": "", "GET log": "", "POST sign-out": "",
		"GET password": "", "POST password": "", "GET live": "", "GET sign-in": "", "POST sign-in": "", "POST look": "",
		"GET products": "", "GET products/~new": "", "POST products": "", "GET webhooks": "", "POST webhooks/test": "", "POST webhooks/enable": "",
		"GET webhooks/resend": "", "POST webhooks/resend": "", "GET reports": "", "POST reports": "", "GET export": "",
		"GET settings": "", "POST settings/check": "", "GET keys": "", "POST keys": "",
	}
}

// By no route that there is, a shop sees or changes anything of another's.
func TestOtherShopsAreUnknown(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	s.hire(t, "cafe", "leaver", pay.RoleOwner)
	b := s.openBakery(t, "bakery")
	before := s.bakerysRows(t)
	c, leaver := s.as(t, "owner"), s.as(t, "leaver")
	forms := url.Values{
		"form": {c.token(t, "password")}, "amount": {"1"}, "key": {"k"}, "role": {"cashier"}, "hours": {"1"}, "version": {"1"}, "name": {"mine"}, "price": {"1"},
		"to": {"off"}, "since": {"2020-01-01T00:00"}, "what": {"orders"}, "date": {"2999-01-01"}, "sku": {"bun"}, "from": {"2026-01-01"}, "order": {b.order},
	}
	ways := b.ways()
	for _, r := range append(s.routes(), s.openRoutes()...) {
		subject, ok := ways[r.pattern]
		if !ok {
			t.Errorf("%s has no entry in ways: say what of another shop it is to be tried on", r.pattern)
			continue
		}
		delete(ways, r.pattern)
		method, path, _ := strings.Cut(r.pattern, " ")
		path = Prefix + strings.NewReplacer("{id}", subject, "{sku}", subject, "{day}", subject, "{$}", "").Replace(path)
		who, form := c, forms
		if r.pattern == "POST sign-out" {
			who, form = leaver, url.Values{"form": {leaver.token(t, "password")}}
		}
		if method == "GET" {
			form = nil
		}
		res, body := who.do(t, method, path, form)
		if subject != "" && res.StatusCode != http.StatusNotFound {
			t.Errorf("%s on what is another's: %s; want 404", r.pattern, res.Status)
		}
		s.wantNoBakery(t, r.pattern, body)
	}
	for route := range ways {
		t.Errorf("there is no route %s", route)
	}
	for _, q := range []string{b.order, "secret-7", "7.77", "croissan"} {
		for _, list := range []string{"orders?q=", "products?q=", "webhooks?order=", "log?after=", "staff?name="} {
			_, body := c.get(t, list+q)
			s.wantNoBakery(t, list+q, strings.ReplaceAll(body, q, ""))
		}
	}
	if after := s.bakerysRows(t); after != before {
		t.Errorf("the bakery's books were\n%s\nand are\n%s", before, after)
	}
	if _, body := s.as(t, "baker").get(t, "orders?q=7.77"); !strings.Contains(body, "Croissant") {
		t.Error("the baker does not find it")
	}
}

func (s *shop) wantNoBakery(t *testing.T, what, body string) {
	t.Helper()
	for _, theirs := range []string{"Croissant", "baker", "secret-7", "b.example"} {
		if strings.Contains(body, theirs) {
			t.Errorf("%s shows %s", what, theirs)
		}
	}
}

// bakerysRows are all rows of the bakery in the books.
func (s *shop) bakerysRows(t *testing.T) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var all strings.Builder
	for _, table := range []string{"orders", "products", "secret_keys", "deliveries", "reconciliations", "staff", "staff_log", "endpoints", "refunds"} {
		if err := dump(t.Context(), &all, db, table); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func dump(ctx context.Context, to io.Writer, db *sql.DB, table string) error {
	rows, err := db.QueryContext(ctx, `SELECT * FROM `+table+` WHERE merchant = 'bakery' ORDER BY 1, 2`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(to, table, row)
	}
	return rows.Err()
}

// Every form there is counts only with the token of this very browser, and from a page of ours.
func TestEveryForgedFormIsRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	s.hire(t, "cafe", "other", pay.RoleOwner)
	c, other, visitor := s.as(t, "owner"), s.as(t, "other"), s.visit()
	own := c.token(t, "password")
	forgeries := map[string]struct{ token, header string }{
		"no token":       {"", ""},
		"a wrong token":  {strings.Repeat("0", 32), ""},
		"another's":      {other.token(t, "password"), ""},
		"a visitor's":    {visitor.token(t, "sign-in"), ""},
		"another site":   {own, "Sec-Fetch-Site: cross-site"},
		"a sister site":  {own, "Sec-Fetch-Site: same-site"},
		"another origin": {own, "Origin: https://evil.example"},
	}
	n := 0
	for _, r := range append(s.routes(), s.openRoutes()...) {
		method, path, _ := strings.Cut(r.pattern, " ")
		if method == "GET" {
			continue
		}
		n++
		path = Prefix + strings.NewReplacer("{id}", "nothing", "{sku}", "nothing").Replace(path)
		for name, f := range forgeries {
			headers := []string{"Accept: text/html"}
			if f.header != "" {
				headers = append(headers, f.header)
			}
			if res, _ := c.do(t, method, path, url.Values{"form": {f.token}}, headers...); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %s: %s", r.pattern, name, res.Status)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d forms were tried", n)
	}
	if res, _ := c.get(t, "password"); res.StatusCode != http.StatusOK {
		t.Errorf("a forged form has signed the owner out: %s", res.Status)
	}
}
