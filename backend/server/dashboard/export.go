package dashboard

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"saoma/backend/pay"
)

const (
	exportDays    = 366              // that one file may span
	exportPause   = 30 * time.Second // that a reader may take for a part
	exportFlush   = 500              // rows
	byteOrderMark = "\uFEFF"         // without it Excel takes UTF-8 for something else
)

// ledgerNames are the files that bookkeeping may take out.
var ledgerNames = []string{"orders", "payments", "refunds"}

const unlisted = "%s more were counted and are not listed. Mend what these have in common, then make the report again."

// A sheet writes a file for Excel, row by row, in the language of who asks.
type sheet struct {
	q    *request
	csv  *csv.Writer
	rows int
}

// newSheet begins a download. From then on trouble can only break it off.
func (q *request) newSheet(name string, columns ...string) (*sheet, error) {
	h := q.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.csv"`, q.shop.ID, name))
	if _, err := io.WriteString(q.w, byteOrderMark); err != nil {
		return nil, err
	}
	s := &sheet{q: q, csv: csv.NewWriter(q.w)}
	s.csv.UseCRLF = true
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = translate(q.look.Lang, c)
	}
	return s, s.csv.Write(titles)
}

// row writes a row. Money and times are ours; a text may come from outside and is kept from being a formula.
func (s *sheet) row(cells ...any) error {
	line := make([]string, len(cells))
	for i, c := range cells {
		switch v := c.(type) {
		case pay.Fen:
			line[i] = signedYuan(v)
		case time.Time:
			if !v.IsZero() {
				line[i] = v.In(beijing).Format(time.DateTime)
			}
		default:
			line[i] = harmless(fmt.Sprint(v))
		}
	}
	if s.rows++; s.rows%exportFlush == 0 {
		s.csv.Flush()
		// A long file may take longer than any page, as long as somebody reads it.
		_ = http.NewResponseController(s.q.w).SetWriteDeadline(time.Now().Add(exportPause)) // a test's has none
	}
	return s.csv.Write(line)
}

func (s *sheet) word(kind string, value any) string {
	return translate(s.q.look.Lang, kind+" "+fmt.Sprint(value))
}

// end writes what is left. With trouble the connection is cut, so that nobody takes half a file for the whole.
func (s *sheet) end(err error) error {
	s.csv.Flush()
	if err == nil {
		err = s.csv.Error()
	}
	if err == nil {
		return nil
	}
	if s.q.r.Context().Err() == nil {
		s.q.Log.Error("dashboard: export broken off", "path", s.q.r.URL.Path, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// harmless is a text that no spreadsheet takes for a formula (OWASP, CSV injection).
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) || strings.HasPrefix(text, "＝") || strings.HasPrefix(text, "＋") ||
		strings.HasPrefix(text, "－") || strings.HasPrefix(text, "＠") {
		return "'" + text
	}
	return text
}

// signedYuan writes an amount as a number that can be summed: 1234.50.
func signedYuan(f pay.Fen) string {
	if f < 0 {
		return "-" + plainYuan(-f)
	}
	return plainYuan(f)
}

// exportReport is the differences of one day.
func (d *Dashboard) exportReport(q *request) error {
	r, err := d.report(q)
	if err != nil {
		return err
	}
	if err := d.BackOffice.Log(q.r.Context(), q.by(), pay.Exported, r.Day, nil); err != nil {
		return err
	}
	s, err := q.newSheet("reconciliation-"+r.Day, "Difference", "Order", "Merchant’s number", "WeChat Pay’s number", "Refund’s number",
		"In our books", "In the bill", "Booked now")
	if err != nil {
		return nil // who asked has left
	}
	for _, x := range r.Differences {
		if err = s.row(s.word("difference", x.Kind), x.Order, x.OutTradeNo, x.TransactionID, x.Refund, x.Ours, x.Theirs, s.word("settled", x.Settled)); err != nil {
			break
		}
	}
	if n := r.Unlisted(); n > 0 && err == nil {
		err = s.row(translate(q.look.Lang, unlisted, grouped(n)), "", "", "", "", "", "", "")
	}
	return s.end(err)
}

// exportSpan reads from when to when; both days are included.
func (q *request) exportSpan() (s pay.LedgerSpan, ok bool) {
	from, err1 := time.ParseInLocation(time.DateOnly, q.value("from"), beijing)
	to, err2 := time.ParseInLocation(time.DateOnly, q.value("to"), beijing)
	s = pay.LedgerSpan{Merchant: q.shop.ID, From: from, To: to.AddDate(0, 0, 1)}
	days := s.To.Sub(from) / (24 * time.Hour)
	return s, err1 == nil && err2 == nil && days >= 1 && days <= exportDays
}

// exportLedger is the orders, payments or refunds of a span of days.
func (d *Dashboard) exportLedger(q *request) error {
	write, known := map[string]func(*request, string, pay.LedgerSpan) error{
		"orders": d.exportOrders, "payments": d.exportPayments, "refunds": d.exportRefunds,
	}[q.value("what")]
	if !known {
		return errNoPage
	}
	span, ok := q.exportSpan()
	if !ok {
		return q.failed(reportsPath, "Choose two days, the first one first, at most %s days apart.", strconv.Itoa(exportDays))
	}
	days := q.value("from") + "–" + q.value("to")
	if err := d.BackOffice.Log(q.r.Context(), q.by(), pay.Exported, q.value("what")+" "+days, nil); err != nil {
		return err
	}
	return write(q, q.value("what")+"-"+q.value("from")+"-"+q.value("to"), span)
}

func (d *Dashboard) exportOrders(q *request, name string, span pay.LedgerSpan) error {
	s, err := q.newSheet(name, "Made", "Order", "Description", "Reference", "Status", "Amount", "Refunded", "Paid", "WeChat Pay’s number", "Late")
	if err != nil {
		return nil // who asked has left
	}
	return s.end(d.Cashier.EachOrder(q.r.Context(), span, func(o pay.Order) error {
		return s.row(o.CreatedAt, o.ID, o.Description, o.Reference, s.word("state", o.State), o.Total, o.Refunded, o.PaidAt, o.TransactionID, s.word("settled", o.Late))
	}))
}

func (d *Dashboard) exportPayments(q *request, name string, span pay.LedgerSpan) error {
	s, err := q.newSheet(name, "Paid", "Order", "Merchant’s number", "WeChat Pay’s number", "Channel", "Amount", "Refunded")
	if err != nil {
		return nil // who asked has left
	}
	return s.end(d.Cashier.EachPayment(q.r.Context(), span, func(a pay.Attempt) error {
		return s.row(a.PaidAt, a.Order, a.OutTradeNo, a.TransactionID, s.word("channel", a.Channel), a.Total, a.Refunded)
	}))
}

func (d *Dashboard) exportRefunds(q *request, name string, span pay.LedgerSpan) error {
	s, err := q.newSheet(name, "Taken by WeChat Pay", "Refund’s number", "Order", "Merchant’s number", "WeChat Pay’s number", "Amount", "Status", "Arrived", "Reason", "Reference")
	if err != nil {
		return nil // who asked has left
	}
	return s.end(d.Cashier.EachRefund(q.r.Context(), span, func(r pay.Refund) error {
		return s.row(r.AcceptedAt, r.ID, r.Order, r.OutTradeNo, r.WeChatID, r.Amount, s.word("refund state", r.State), r.DoneAt, r.Reason, r.Reference)
	}))
}
