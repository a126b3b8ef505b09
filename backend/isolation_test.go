package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// An intruder's way names what of another merchant a call is tried on, by the name of the call in the document.
// Empty: the call names nothing of a merchant's; its answer is searched for what is another's all the same.
func ways(theirs belongings) map[string]string {
	return map[string]string{
		"GET /v1/checkouts/{token}":         "token", // a token is its own key: whoever has it may look
		"POST /v1/checkouts/{token}/renew":  "token",
		"POST /v1/checkouts/{token}/cancel": "token",
		"POST /v1/checkouts/{token}/check":  "token",
		"GET /v1/checkouts/{token}/live":    "token",
		"GET /checkout/{token}":             "token",

		"POST /v1/checkouts":                       "",
		"POST /v1/orders":                          "",
		"GET /v1/orders":                           "",
		"GET /v1/orders/{id}":                      theirs.order,
		"POST /v1/orders/{id}/cancel":              theirs.order,
		"GET /v1/orders/{id}/events":               theirs.order,
		"POST /v1/orders/{id}/refunds":             theirs.paid,
		"GET /v1/refunds/{id}":                     theirs.refund,
		"PUT /v1/products/{sku}":                   "bun",
		"GET /v1/products/{sku}":                   "bun",
		"DELETE /v1/products/{sku}":                "bun",
		"GET /v1/products":                         "",
		"POST /v1/reconciliations":                 "",
		"GET /v1/reconciliations/{date}":           theirs.day,
		"GET /v1/webhooks/deliveries":              "",
		"GET /v1/webhooks/deliveries/{id}":         theirs.delivery,
		"POST /v1/webhooks/deliveries/{id}/resend": theirs.delivery,
		"POST /v1/webhooks/resend":                 "",
		"POST /v1/webhooks/test":                   "",
		"GET /v1/webhooks/endpoint":                "",
		"POST /v1/webhooks/endpoint/enable":        "",
		"POST /notify/{merchant}/payment":          "callback", // see TestBadCallbacks: another merchant's keys do not verify
		"POST /notify/{merchant}/refund":           "callback",
	}
}

// belongings are a merchant's, one of each kind.
type belongings struct{ order, paid, refund, delivery, day string }

func (w *world) belongings(t *testing.T) (b belongings) {
	t.Helper()
	b.order = w.latte(t).ID
	o := w.latte(t)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	b.paid = o.ID
	var r refund
	w.call(t, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":7,"reason":"theirs"}`, w.secret()).json(t, &r)
	b.refund = r.ID
	eventually(t, "a webhook of the payment", func() bool {
		var list struct{ Data []struct{ ID string } }
		w.call(t, "GET", "/v1/webhooks/deliveries", "", w.secret()).json(t, &list)
		if len(list.Data) > 0 {
			b.delivery = list.Data[0].ID
		}
		return len(list.Data) > 0
	})
	b.day = "2026-01-01"
	db := w.books(t)
	if _, err := db.ExecContext(t.Context(), `INSERT INTO reconciliations (merchant, day, at, report) VALUES (?, ?, 1, '{}')`, demoMerchant, b.day); err != nil {
		t.Fatal(err)
	}
	return b
}

// books is a connection of the test's own to the books.
func (w *world) books(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.data, "saoma.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// rows are all rows of the tables that hold what merchants have, by table; what another merchant owns is left out.
func (w *world) rows(t *testing.T, db *sql.DB, merchant string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, table := range columns(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`) {
		where := ""
		if slices.Contains(columns(t, db, `SELECT name FROM pragma_table_info('`+table+`')`), "merchant") && merchant != "" {
			where = " WHERE merchant = '" + merchant + "'"
		}
		all[table] = dump(t, db, `SELECT * FROM "`+table+`"`+where+` ORDER BY 1, 2`)
	}
	return all
}

func columns(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	for _, row := range rowsOf(t, db, query) {
		list = append(list, fmt.Sprint(row[0]))
	}
	return list
}

func dump(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var lines []string
	for _, row := range rowsOf(t, db, query) {
		lines = append(lines, fmt.Sprint(row...))
	}
	return strings.Join(lines, "\n")
}

func rowsOf(t *testing.T, db *sql.DB, query string) (all [][]any) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// A key of one merchant neither shows nor changes anything of another's, by no call that there is.
func TestMerchantsAreKeptApart(t *testing.T) {
	t.Parallel()
	w := twoMerchants(t)
	theirs := w.belongings(t)
	w.quiet(t)
	db := w.books(t)
	before := w.rows(t, db, demoMerchant)
	table := ways(theirs)
	for _, call := range readContract(t, w).calls {
		subject, ok := table[call.name]
		if !ok {
			t.Errorf("%s has no entry in ways: say what of another merchant it is to be tried on", call.name)
			continue
		}
		if subject == "token" || subject == "callback" {
			continue
		}
		path := strings.NewReplacer("{id}", subject, "{sku}", subject, "{date}", subject).Replace(call.path)
		a := w.call(t, call.method, path, intrusion(call.name), otherSecret, w.origin())
		if subject != "" && call.method != "PUT" && a.status != http.StatusNotFound {
			t.Errorf("%s on what is another's: %d %s; want 404", call.name, a.status, a.body)
		}
		for _, secret := range []string{theirs.order, theirs.paid, theirs.refund, theirs.delivery, "豆沙包", "拿铁", "table-7"} {
			if strings.Contains(string(a.body), secret) {
				t.Errorf("%s shows %s of another merchant: %s", call.name, secret, a.body)
			}
		}
	}
	after := w.rows(t, db, demoMerchant)
	for _, name := range []string{"orders", "products", "reservations", "refunds", "reconciliations", "secret_keys", "idempotency", "deliveries"} {
		if before[name] != after[name] {
			t.Errorf("%s of the merchant have changed:\n%s\nwere\n%s", name, after[name], before[name])
		}
	}
}

// intrusion is a good body for a call.
func intrusion(name string) string {
	body := map[string]any{
		"POST /v1/checkouts":           map[string]any{"key": "pk_other", "items": []any{map[string]any{"sku": "latte", "quantity": 1}}},
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

// quiet waits until nothing is on its way any more: no refund, no webhook.
func (w *world) quiet(t *testing.T) {
	t.Helper()
	db := w.books(t)
	eventually(t, "all is quiet", func() bool {
		return len(rowsOf(t, db, `SELECT 1 FROM refunds WHERE state IN ('requested', 'processing')
			UNION ALL SELECT 1 FROM deliveries WHERE state = 'waiting'`)) == 0
	})
}
