package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

// sell puts a product on the shop's shelf.
func (s *shop) sell(t *testing.T, p pay.Product) pay.Product {
	t.Helper()
	_, p, err := s.Cashier.PutProduct(t.Context(), p, pay.AnyVersion)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// change runs something on the books.
func (s *shop) change(t *testing.T, f func(context.Context, pay.Tx) error) {
	t.Helper()
	if err := s.Cashier.Store.Update(t.Context(), func(tx pay.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// wantLogged fails unless the newest entry of the shop's staff log is this.
func (s *shop) wantLogged(t *testing.T, a pay.Action, name, subject string) {
	t.Helper()
	list, _, err := s.BackOffice.Entries(t.Context(), "cafe", "", 1)
	if err != nil || len(list) != 1 {
		t.Fatalf("the log is %v, %v", list, err)
	}
	if e := list[0]; e.Action != a || e.Name != name || e.Subject != subject || e.Address != "192.0.2.7" || e.At.IsZero() {
		t.Errorf("the log says %+v; want %s of %q by %s", e, a, subject, name)
	}
}

func inEnglish(c *client) *client {
	c.cookies[lookCookie] = &http.Cookie{Name: lookCookie, Value: "en.light"}
	return c
}

func TestProductsAreEdited(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	c := inEnglish(s.as(t, "owner"))
	token := c.token(t, "products/~new")
	post := func(path string, fields url.Values) (int, string) {
		fields.Set("form", token)
		res, body := c.do(t, "POST", Prefix+path, fields)
		return res.StatusCode, body
	}
	form := func() url.Values {
		return url.Values{"sku": {"latte"}, "name": {"Latte"}, "price": {"28.10"}, "counted": {"yes"}, "stock": {"5"}, "sale": {"on"}}
	}
	for field, bad := range map[string]string{"sku": "a b", "name": "", "price": "0", "stock": "-1", "picture": "http://x.example/a.png"} {
		f := form()
		f.Set(field, bad)
		if status, body := post("products", f); status != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s %q: %d %s", field, bad, status, body)
		}
	}
	if status, body := post("products", form()); status != http.StatusSeeOther {
		t.Fatalf("%d %s", status, body)
	}
	s.wantLogged(t, pay.ProductChanged, "owner", "latte")
	if status, body := post("products", form()); status != http.StatusUnprocessableEntity || !strings.Contains(body, "is there already") {
		t.Errorf("the same once more: %d", status)
	}

	// Somebody orders one while the owner writes another price: the stock is not written back.
	s.change(t, func(ctx context.Context, tx pay.Tx) error {
		_, _, err := tx.AddStock(ctx, "cafe", "latte", -1)
		return err
	})
	edit := form()
	edit.Set("price", "29")
	edit.Set("version", "1")
	edit.Set("was", "5")
	status, body := post("products/latte", edit)
	if status != http.StatusConflict || !strings.Contains(body, "changed meanwhile") || !strings.Contains(body, `name="stock" value="4"`) ||
		!strings.Contains(body, `name="price" value="29"`) || !strings.Contains(body, `name="version" value="2"`) {
		t.Errorf("an edit over a sale: %d %s", status, body)
	}
	edit.Set("version", "2")
	edit.Set("stock", "4")
	if status, _ := post("products/latte", edit); status != http.StatusSeeOther {
		t.Errorf("saved again: %d", status)
	}
	if status, _ := post("products/latte/switch", url.Values{"to": {"off"}, "next": {Prefix + "products?q=lat"}}); status != http.StatusSeeOther {
		t.Errorf("switched: %d", status)
	}
	p, err := s.Cashier.Product(t.Context(), "cafe", "latte")
	if err != nil || p.Price != 2900 || p.Stock != 4 || !p.Off {
		t.Errorf("the product is %+v, %v", p, err)
	}
	if _, body := c.get(t, "products?show=off&q=LAT"); !strings.Contains(body, "¥29.00") {
		t.Errorf("the list is %s", body)
	}
	if status, _ := post("products/latte/delete", url.Values{}); status != http.StatusSeeOther {
		t.Errorf("deleted: %d", status)
	}
	s.wantLogged(t, pay.ProductRemoved, "owner", "latte")
}

func TestKeysAreShownOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	c := inEnglish(s.as(t, "owner"))
	form := url.Values{"form": {c.token(t, "keys")}, "name": {"till"}, "hours": {"24"}}
	secretOf := func(path string) string {
		t.Helper()
		_, body := c.do(t, "POST", Prefix+path, form)
		_, rest, _ := strings.Cut(body, `<output class="secret code">`)
		secret, _, _ := strings.Cut(rest, "</output>")
		if !strings.HasPrefix(secret, "sk_") {
			t.Fatalf("no key in %s", body)
		}
		return secret
	}
	opens := func(secret string) bool {
		m, err := s.Cashier.Authenticate(t.Context(), secret)
		return err == nil && m.ID == "cafe"
	}
	s.Cashier.NewToken = func() pay.Token { return pay.Token("secret-" + s.Cashier.NewName()) }
	old := secretOf("keys")
	s.wantLogged(t, pay.KeyMade, "owner", "till")
	list, err := s.Cashier.Keys(t.Context(), "cafe")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	id := string(list[0].ID)
	fresh := secretOf("keys/" + id + "/roll")
	s.wantLogged(t, pay.KeyRolled, "owner", "till")
	if !opens(old) || !opens(fresh) {
		t.Error("not both open during the overlap")
	}
	for _, path := range []string{"keys", "keys/" + id, "log"} {
		if _, body := c.get(t, path); strings.Contains(body, old) || strings.Contains(body, fresh) {
			t.Errorf("%s shows a key", path)
		}
	}
	c.do(t, "POST", Prefix+"keys/"+id+"/revoke", form)
	s.wantLogged(t, pay.KeyRevoked, "owner", "till")
	if opens(old) || !opens(fresh) {
		t.Error("revoked and opens, or the wrong one is")
	}
}

func TestFilesForBookkeeping(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "books", pay.RoleAccountant)
	report := pay.Reconciliation{Merchant: "cafe", Day: "2026-01-02", At: time.Now(), Differing: 1,
		Differences: []pay.Difference{{Kind: pay.Unknown, OutTradeNo: "=cmd|' /C calc'!A0", Theirs: 705}}}
	s.change(t, func(ctx context.Context, tx pay.Tx) error { return tx.SaveReconciliation(ctx, report) })
	c := inEnglish(s.as(t, "books"))
	if rows := c.table(t, "reports/2026-01-02/csv"); len(rows) != 2 || rows[1][2] != "'=cmd|' /C calc'!A0" || rows[1][6] != "7.05" {
		t.Errorf("the differences are %q", rows)
	}
	s.wantLogged(t, pay.Exported, "books", "2026-01-02")
	for _, what := range []string{"orders", "payments", "refunds"} {
		if rows := c.table(t, "export?what="+what+"&from=2026-01-01&to=2026-12-31"); len(rows) != 1 {
			t.Errorf("the %s are %q", what, rows)
		}
	}
	for _, bad := range []string{"from=&to=", "from=2026-01-02&to=2026-01-01", "from=2020-01-01&to=2026-01-01"} {
		if res, _ := c.get(t, "export?what=orders&"+bad); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %s", bad, res.Status)
		}
	}
}

// Long ledgers are read in pages; none of it comes twice or not at all, also where many have the same time.
func TestTheLedgerIsWhole(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	at := s.Cashier.Now().Truncate(time.Millisecond)
	const many = 2*pay.LedgerPage + 7
	s.change(t, func(ctx context.Context, tx pay.Tx) error {
		for i := range many {
			o := pay.Order{Merchant: "cafe", ID: pay.OrderID("ord_" + s.Cashier.NewName()), Token: pay.Token(s.Cashier.NewName()), State: pay.Created, Version: 1,
				Total: 1, Channel: pay.Native, CreatedAt: at.Add(time.Duration(i/700) * time.Millisecond)}
			if err := tx.InsertOrder(ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
	seen := make(map[pay.OrderID]bool)
	err := s.Cashier.EachOrder(t.Context(), pay.LedgerSpan{Merchant: "cafe", From: at, To: at.Add(time.Hour)}, func(o pay.Order) error {
		seen[o.ID] = true
		return nil
	})
	if err != nil || len(seen) != many {
		t.Errorf("%d of %d, %v", len(seen), many, err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	s.Doctor = func(_ context.Context, m pay.MerchantID) []pay.Check {
		return []pay.Check{{Merchant: m, Name: "<b>", Result: pay.CheckBroken, Found: "found", Todo: "mend"}}
	}
	c := inEnglish(s.as(t, "owner"))
	form := url.Values{"form": {c.token(t, "settings")}}
	res, body := c.do(t, "POST", Prefix+"settings/check", form)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "&lt;b&gt;") || !strings.Contains(body, "To be mended: 1") {
		t.Errorf("%s %s", res.Status, body)
	}
	s.wantLogged(t, pay.SettingsChecked, "owner", "")
	if res, _ := c.do(t, "POST", Prefix+"settings/check", form); res.StatusCode != http.StatusSeeOther {
		t.Errorf("at once again: %s", res.Status)
	}
	s.ahead.Add(int64(checkEvery))
	if res, _ := c.do(t, "POST", Prefix+"settings/check", form); res.StatusCode != http.StatusOK {
		t.Errorf("later: %s", res.Status)
	}
}

// Text from outside stays text on every page of the office.
func TestOfficePagesHoldNoMarkupOfStrangers(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	const evil = `"><script>alert(1)</script>`
	s.Cashier.Merchants.Replace([]pay.Merchant{{ID: "cafe", Name: evil, WebhookURL: evil, Origins: []string{evil}}})
	s.sell(t, pay.Product{Merchant: "cafe", SKU: "x", Name: evil, Price: 1, Picture: "https://x.example/" + evil})
	s.change(t, func(ctx context.Context, tx pay.Tx) error {
		d := pay.Delivery{ID: "msg_x", Merchant: "cafe", Type: evil, Subject: evil, Body: []byte(evil), State: pay.DeliveryWaiting, CreatedAt: time.Now(), Trouble: evil}
		if err := tx.InsertDelivery(ctx, d); err != nil {
			return err
		}
		if err := tx.InsertDeliveryTry(ctx, d.ID, pay.DeliveryTry{At: time.Now(), Trouble: evil, Excerpt: evil}); err != nil {
			return err
		}
		return tx.SaveReconciliation(ctx, pay.Reconciliation{Merchant: "cafe", Day: "2026-01-02", Differences: []pay.Difference{
			{Kind: evil, Order: evil, OutTradeNo: evil, TransactionID: evil, Refund: evil},
		}})
	})
	c := inEnglish(s.as(t, "owner"))
	q := url.QueryEscape(evil)
	for _, path := range []string{"products", "products?q=" + q + "&show=" + q + "&after=" + q, "products/x", "products/x/delete", "webhooks?type=" + q + "&state=" + q + "&order=" + q,
		"webhooks", "webhooks/msg_x", "webhooks/resend?since=2026-01-02T08:00&what=" + q, "reports", "reports/2026-01-02", "settings", "keys"} {
		if res, body := c.get(t, path); res.StatusCode != http.StatusOK || strings.Contains(body, "<script>alert") || strings.Contains(body, " style=") {
			t.Errorf("%s: %s, with markup: %t", path, res.Status, strings.Contains(body, "<script>alert"))
		}
	}
}

// Every word of the office is there in both languages.
func TestOfficeWords(t *testing.T) {
	t.Parallel()
	check := func(kind, name string) {
		for _, words := range []map[string]string{chinese, englishOffice} {
			if words[kind+" "+name] == "" {
				t.Errorf("there is no word for %s %s", kind, name)
			}
		}
	}
	for _, s := range pay.DeliveryStates() {
		check("delivery", string(s))
	}
	for _, x := range pay.WebhookTypes() {
		check("event", string(x))
	}
	for _, k := range []pay.DifferenceKind{pay.OnlyTheirs, pay.OnlyOurs, pay.AmountOff, pay.Unknown, pay.SumsOff, pay.FundsOff} {
		check("difference", string(k))
	}
	for _, r := range []pay.CheckResult{pay.CheckOK, pay.CheckWarning, pay.CheckBroken, pay.CheckSkipped} {
		check("check", string(r))
	}
	for _, l := range []pay.LatePolicy{pay.LateAccept, pay.LateRefund} {
		check("late", string(l))
	}
	for _, l := range ledgerNames {
		check("ledger", l)
	}
	for _, show := range productShows {
		check("sale", show)
	}
	for _, text := range []string{noMoment, "Write a price in yuan, from 0.01 to 10,000,000.", "Write a whole number, 0 or more.", "Difference", "Merchant’s number",
		"Refund’s number", "In our books", "In the bill", "Booked now", "Description", "Taken by WeChat Pay", "Arrived", "Late"} {
		if chinese[text] == "" {
			t.Errorf("there is no Chinese for %q", text)
		}
	}
}
