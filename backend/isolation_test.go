package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// belongings are a merchant's, one of each kind.
type belongings struct {
	order, token           string // of an order that waits to be paid
	paid, refund, delivery string
	day                    string // of a reconciliation
}

func (w *world) belongings(t *testing.T) (b belongings) {
	t.Helper()
	waiting := w.latte(t)
	b.order, b.token = waiting.ID, waiting.Token
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

// quiet waits until nothing is on its way any more: no refund, no webhook.
func (w *world) quiet(t *testing.T) {
	t.Helper()
	db := w.books(t)
	eventually(t, "all is quiet", func() bool {
		return len(rowsOf(t, db, `SELECT 1 FROM refunds WHERE state IN ('requested', 'processing')
			UNION ALL SELECT 1 FROM deliveries WHERE state = 'waiting'`)) == 0
	})
}
