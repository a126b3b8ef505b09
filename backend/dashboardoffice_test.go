package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

// keepBooks puts into the books what the pages behind the counter show: a report with a difference of every kind, and a
// key of the shop's server.
func (w *world) keepBooks(t *testing.T, o order) pay.SecretKey {
	t.Helper()
	report := pay.Reconciliation{
		Merchant: demoMerchant, At: time.Now(), Rows: 412, Agreeing: 406, Payments: 1_234_567, Refunds: 4_500,
		FundSums: pay.FundSums{In: 1_234_567, Out: 4_500},
	}
	for i, kind := range []pay.DifferenceKind{pay.OnlyTheirs, pay.OnlyOurs, pay.AmountOff, pay.Unknown, pay.SumsOff, pay.FundsOff} {
		report.Differences = append(report.Differences, pay.Difference{
			Kind: kind, Order: pay.OrderID(o.ID), OutTradeNo: fmt.Sprintf("S%031d", i), TransactionID: fmt.Sprintf("4200%024d", i), Ours: 2800, Theirs: 2900,
			Settled: kind == pay.OnlyTheirs,
		})
	}
	agreeing := report
	agreeing.Differences = nil
	agreeing.Agreeing, agreeing.Day = 412, "2026-01-03"
	report.Day, report.Differing = "2026-01-02", 6
	err := w.service.store.Update(t.Context(), func(tx pay.Tx) error {
		if err := tx.SaveReconciliation(t.Context(), agreeing); err != nil {
			return err
		}
		return tx.SaveReconciliation(t.Context(), report)
	})
	if err != nil {
		t.Fatal(err)
	}
	cashier := w.service.cashier
	if _, _, err := cashier.NewKey(t.Context(), demoMerchant, "web server"); err != nil {
		t.Fatal(err)
	}
	_, k, err := cashier.NewKey(t.Context(), demoMerchant, "till 2")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := cashier.RollKey(t.Context(), demoMerchant, k.ID, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	soldOut := pay.Product{Merchant: demoMerchant, SKU: "cake", Name: "巴斯克蛋糕", Price: 3200, Limited: true}
	if _, _, err := cashier.PutProduct(t.Context(), soldOut, pay.AnyVersion); err != nil {
		t.Fatal(err)
	}
	return k
}

// officePages are the pages behind the counter, each in a state that has something to see.
func (w *world) officePages(t *testing.T, o order) []staffPage {
	t.Helper()
	k := w.keepBooks(t, o)
	d, _, err := w.service.cashier.TestWebhook(t.Context(), demoMerchant)
	if err != nil {
		t.Fatal(err)
	}
	return []staffPage{
		{name: "products", path: "products"},
		{name: "a product", path: "products/latte"},
		{name: "a product to delete", path: "products/latte/delete"},
		{name: "webhooks", path: "webhooks"},
		{name: "a webhook", path: "webhooks/" + string(d.ID)},
		{name: "webhooks to send again", path: "webhooks/resend?since=2026-01-02T08:00&what=all"},
		{name: "reports", path: "reports"},
		{name: "a report", path: "reports/2026-01-02"},
		{name: "keys", path: "keys"},
		{name: "a key", path: "keys/" + string(k.ID)},
		{name: "settings", path: "settings"},
		{name: "settings that were checked", path: "settings", act: w.checkSettings},
		{name: "a new key", path: "keys", act: func(t *testing.T, v *window) {
			v.fill(t, "name", "a server with a rather long name, in Shanghai")
			v.submit(t, "/dashboard/keys")
			v.arrivesAt(t, "output.secret")
		}},
		{name: "a product that is not right", path: "products/~new", act: func(t *testing.T, v *window) {
			v.fill(t, "sku", "a b")
			v.fill(t, "price", "-1")
			v.submit(t, "/dashboard/products")
			v.arrivesAt(t, "[role=alert], .wrong")
		}},
	}
}

// checkSettings has the doctor look. A page asks for that once in half a minute: the shop's clock goes on.
func (w *world) checkSettings(t *testing.T, v *window) {
	t.Helper()
	w.forward(time.Minute)
	v.submit(t, "/dashboard/settings/check")
	v.arrivesAt(t, ".checks")
}

// arrivesAt waits until the page that the form leads to has an element.
func (v *window) arrivesAt(t *testing.T, selector string) {
	t.Helper()
	eventually(t, "there is "+selector, func() bool {
		return v.look(fmt.Sprintf(`String(document.readyState === 'complete' && !!document.querySelector(%q))`, selector)) == "true"
	})
}

// An owner makes a product, takes it off sale and deletes it, sends a test webhook, makes a key and has the settings
// checked; the log then tells of all that.
func TestOfficeOnTheDashboard(t *testing.T) {
	t.Parallel()
	w, password := staffed(t)
	v := w.enter(t, "owner", password)
	v.dressed(t, "en", "light")

	v.goTo(t, "/dashboard/products/~new")
	v.fill(t, "sku", "mocha")
	v.fill(t, "name", "Mocha 摩卡")
	v.fill(t, "price", "32.5")
	v.submit(t, "/dashboard/products")
	v.says(t, "Mocha 摩卡 is saved.")
	v.says(t, "¥32.50")
	v.submit(t, "/products/mocha/switch")
	v.says(t, "Mocha 摩卡 is off sale.")
	v.goTo(t, "/dashboard/products/mocha/delete")
	v.submit(t, "/products/mocha/delete")
	v.says(t, "Mocha 摩卡 is deleted.")

	v.goTo(t, "/dashboard/webhooks")
	v.says(t, "healthy")
	v.submit(t, "/dashboard/webhooks/test")
	v.says(t, "The shop’s server took the test")

	v.goTo(t, "/dashboard/keys")
	v.fill(t, "name", "web server")
	v.submit(t, "/dashboard/keys")
	v.says(t, "The key for web server")
	secret := evaluate[string](t, v, `document.querySelector('output').innerText`)
	if a := w.call(t, "GET", "/v1/orders", "", "Authorization: Bearer "+strings.TrimSpace(secret)); a.status != 200 {
		t.Errorf("the key opens nothing: %d %s", a.status, a.body)
	}

	v.goTo(t, "/dashboard/settings")
	v.submit(t, "/dashboard/settings/check")
	v.says(t, "callback")
	v.says(t, "Nothing is broken.")

	v.goTo(t, "/dashboard/log")
	for _, did := range []string{"Changed a product", "Removed a product", "Sent a test webhook", "Made a key", "Checked the settings"} {
		v.says(t, did)
	}
	v.wantNoFaults(t)
}
