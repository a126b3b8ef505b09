package dashboard

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

// table reads a file as Excel does: it begins with a byte order mark, its lines end with CRLF.
func (c *client) table(t *testing.T, path string) (rows [][]string) {
	t.Helper()
	res, body := c.get(t, path)
	text, marked := strings.CutPrefix(body, "\uFEFF")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !marked || res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/csv; charset=utf-8" ||
		!strings.Contains(res.Header.Get("Content-Disposition"), ".csv") || strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\r") {
		t.Fatalf("%s: %s %v %q", path, res.Status, err, body)
	}
	return rows
}

// hostile are texts that a spreadsheet may take for something else, and how they are written.
var hostile = []struct{ text, written string }{
	{"=1+1", "'=1+1"},
	{"+1", "'+1"},
	{"-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"},
	{"@SUM(A1)", "'@SUM(A1)"},
	{"＝1", "'＝1"},
	{"\t=1", "'\t=1"},
	{"\r=1", "'=1"}, // a bare return is left out
	{"\n=1", "'\n=1"},
	{`she said "no", twice`, `she said "no", twice`},
	{"two\nlines", "two\nlines"},
	{"拿铁，少糖", "拿铁，少糖"},
	{"☕️😀", "☕️😀"},
	{"a=1", "a=1"},
}

// pays writes a payment and a refund of it into the books, with a text that comes from outside wherever there may be one.
func (s *shop) paid(t *testing.T, m pay.MerchantID, text string, total pay.Fen) {
	t.Helper()
	o := s.order(t, pay.Order{Merchant: m, Total: total, Description: text, Reference: text})
	now := s.Cashier.Now()
	s.change(t, func(ctx context.Context, tx pay.Tx) error {
		a := pay.Attempt{OutTradeNo: text + s.Cashier.NewName(), Order: o.ID, Merchant: m, State: pay.AttemptOpen, Channel: pay.Native,
			Total: total, CreatedAt: now, ExpiresAt: now}
		if err := tx.InsertAttempt(ctx, a); err != nil {
			return err
		}
		a.State, a.PaidAt, a.TransactionID = pay.AttemptPaid, now, text
		if err := tx.UpdateAttempt(ctx, a, pay.AttemptOpen); err != nil {
			return err
		}
		return tx.InsertRefund(ctx, pay.Refund{ID: pay.RefundID(s.Cashier.NewName()), Order: o.ID, OutTradeNo: a.OutTradeNo, Merchant: m, State: pay.RefundSucceeded,
			Amount: 5, Reason: text, Reference: text, WeChatID: text, CreatedAt: now, AcceptedAt: now, DoneAt: now})
	})
}

func TestPaymentsAndRefundsForBookkeeping(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "books", pay.RoleAccountant)
	for _, h := range hostile {
		s.paid(t, "cafe", h.text, 1_234_505)
	}
	s.paid(t, "bakery", "Croissant", 777)
	c := inEnglish(s.as(t, "books"))
	at := s.Cashier.Now().In(beijing)
	day := at.Format(time.DateOnly)
	span := "&from=" + day + "&to=" + day
	wantMoney := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: the money is %q; want %s", what, got, want)
		}
	}
	payments, refunds, orders := c.table(t, "export?what=payments"+span), c.table(t, "export?what=refunds"+span), c.table(t, "export?what=orders"+span)
	for name, rows := range map[string][][]string{"payments": payments, "refunds": refunds, "orders": orders} {
		if len(rows) != 1+len(hostile) {
			t.Fatalf("%d rows of %s: %q", len(rows), name, rows)
		}
	}
	has := func(rows [][]string, column int, text string, whole bool) (found []string) {
		for _, row := range rows[1:] {
			if row[column] == text || !whole && strings.HasPrefix(row[column], text) {
				found = row
			}
		}
		return found
	}
	for _, h := range hostile {
		if row := has(payments, 3, h.written, true); row == nil || has(payments, 2, h.written, false) == nil {
			t.Errorf("no payment has %q: %q", h.written, payments)
		} else {
			wantMoney("payment", row[5], "12345.05")
			wantMoney("when", row[0], at.Format(time.DateTime))
		}
		row := has(refunds, 8, h.written, true)
		if row == nil || has(refunds, 9, h.written, true) == nil || has(refunds, 4, h.written, true) == nil {
			t.Errorf("no refund has %q: %q", h.written, refunds)
		} else {
			wantMoney("refund", row[5], "0.05")
		}
		if row := has(orders, 2, h.written, true); row == nil || row[3] != h.written {
			t.Errorf("no order has %q: %q", h.written, orders)
		}
	}
	chinese := s.as(t, "books")
	if rows := chinese.table(t, "export?what=payments"+span); rows[0][0] != "支付" || rows[0][5] != "金额" || rows[1][4] != "扫码" {
		t.Errorf("the Chinese head is %q", rows[0])
	}
}

// A report lists the first of its differences and says how many more there are, on the page and in the file.
func TestAReportSaysWhatItDoesNotList(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "books", pay.RoleAccountant)
	r := pay.Reconciliation{Merchant: "cafe", Day: "2026-01-02", At: time.Now(), Differing: 4321}
	for range pay.DifferencesMax {
		r.Differences = append(r.Differences, pay.Difference{Kind: pay.OnlyOurs, Ours: 100})
	}
	whole := pay.Reconciliation{Merchant: "cafe", Day: "2026-01-03", At: time.Now(), Differing: 1, Differences: r.Differences[:1]}
	s.change(t, func(ctx context.Context, tx pay.Tx) error {
		if err := tx.SaveReconciliation(ctx, whole); err != nil {
			return err
		}
		return tx.SaveReconciliation(ctx, r)
	})
	c := inEnglish(s.as(t, "books"))
	const more = "3,321 more were counted and are not listed"
	if _, body := c.get(t, "reports/2026-01-02"); !strings.Contains(body, more) {
		t.Error("the page does not say how many more there are")
	}
	rows := c.table(t, "reports/2026-01-02/csv")
	if last := rows[len(rows)-1]; len(rows) != pay.DifferencesMax+2 || !strings.Contains(last[0], more) {
		t.Errorf("%d rows, the last is %q", len(rows), last)
	}
	if _, body := c.get(t, "reports/2026-01-03"); strings.Contains(body, "more were counted") {
		t.Error("a report that lists all says that it does not")
	}
	if rows := c.table(t, "reports/2026-01-03/csv"); len(rows) != 2 {
		t.Errorf("%q", rows)
	}
}
