package pay_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// A bill is WeChat Pay's bill of a day, written by a test.
type bill struct {
	rows  []pay.BillRow
	funds *pay.FundSums // nil: what the rows come to
	spoil pay.BillSums  // added to the true sums
	err   error
}

func (b bill) TradeBill(_ context.Context, _ pay.MerchantID, _ string, row func(pay.BillRow) error) (pay.BillSums, error) {
	sums := b.sums()
	for _, r := range b.rows {
		if err := row(r); err != nil {
			return pay.BillSums{}, err
		}
	}
	sums.Rows += b.spoil.Rows
	sums.Total += b.spoil.Total
	return sums, b.err
}

func (b bill) FundFlow(context.Context, pay.MerchantID, string) (pay.FundSums, error) {
	if b.funds != nil {
		return *b.funds, b.err
	}
	sums := b.sums()
	return pay.FundSums{In: sums.Total, Out: sums.Refunds}, b.err
}

func (b bill) sums() (s pay.BillSums) {
	for _, r := range b.rows {
		s.Rows++
		s.Total += r.Total
		s.Refunds += r.RefundAmount
	}
	return s
}

// noon moves the cashier's clock to noon in Beijing, far from every midnight, and returns the day.
func (w *world) noon() (day string) {
	now := w.Now().In(beijing())
	w.forward(time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, now.Location()).Sub(now))
	return w.today()
}

func (w *world) today() (day string) { return w.Now().In(beijing()).Format(time.DateOnly) }

func beijing() *time.Location { return time.FixedZone("UTC+8", 8*60*60) }

// took lets the customer pay at WeChat Pay and returns what its bill will say. We hear of it only if told.
func (w *world) took(t *testing.T, told bool) (pay.Order, pay.BillRow) {
	t.Helper()
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	o := w.order(t)
	w.pays(t, o)
	trade, a := w.trade(), w.accounts[shop]
	n := w.notice()
	n.TransactionID, n.PaidAt = trade.TransactionID, w.Now()
	if told {
		if _, err := w.Settle(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	return o, pay.BillRow{
		At: n.PaidAt, AppID: a.AppID, MchID: a.MchID, TransactionID: n.TransactionID, OutTradeNo: n.OutTradeNo, Total: n.Total,
	}
}

// gaveBack refunds a part of an order and returns what the bill will say of it.
func (w *world) gaveBack(t *testing.T, o pay.Order, paid pay.BillRow) pay.BillRow {
	t.Helper()
	r, err := w.Refund(t.Context(), pay.NewRefund{Order: o.ID, Amount: 100})
	if err != nil {
		t.Fatal(err)
	}
	paid.Refund, paid.Total, paid.At = true, 0, w.Now()
	paid.RefundID, paid.WeChatID, paid.RefundAmount = r.ID, r.WeChatID, r.Amount
	return paid
}

func (w *world) reconcile(t *testing.T, day string, b bill) pay.Reconciliation {
	t.Helper()
	w.BillGateway = b
	r, err := w.Reconcile(t.Context(), shop, day)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The bill is changed in a known number of rows: exactly those come out, each by its name, and a payment that only
// the bill had is in the books afterwards.
func TestReconcileFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noon()
	rapid.Check(t, func(r *rapid.T) {
		day := w.today() // noon of it; each run goes on to the next
		var rows []pay.BillRow
		want := make(map[pay.DifferenceKind]int)
		var lost []pay.OrderID
		for range rapid.IntRange(0, 4).Draw(r, "orders") {
			told := rapid.Bool().Draw(r, "told")
			o, paid := w.took(t, told)
			if !told {
				want[pay.OnlyTheirs]++
				lost = append(lost, o.ID)
				rows = append(rows, paid)
				continue
			}
			mine := []pay.BillRow{paid}
			if rapid.Bool().Draw(r, "refunded") {
				mine = append(mine, w.gaveBack(t, o, paid))
			}
			for _, row := range mine {
				switch rapid.SampledFrom([]string{"agrees", "agrees", "missing", "off"}).Draw(r, "row") {
				case "missing":
					want[pay.OnlyOurs]++
					continue
				case "off":
					want[pay.AmountOff]++
					want[pay.OnlyOurs]++ // no row of the bill confirms ours
					if row.Refund {
						row.RefundAmount++
					} else {
						row.Total++
					}
				}
				rows = append(rows, row)
			}
		}
		for i := range rapid.IntRange(0, 2).Draw(r, "strangers") {
			want[pay.Unknown]++
			rows = append(rows, pay.BillRow{OutTradeNo: fmt.Sprint("STRANGER", i), TransactionID: "42", Total: 1, MchID: w.accounts[shop].MchID})
		}
		rows = rapid.Permutation(rows).Draw(r, "order of rows")
		w.forward(24 * time.Hour)
		report := w.reconcile(t, day, bill{rows: rows})
		got := make(map[pay.DifferenceKind]int)
		for _, d := range report.Differences {
			got[d.Kind]++
		}
		if !maps.Equal(got, want) {
			r.Fatalf("found %v; want %v\n%+v", got, want, report.Differences)
		}
		for _, id := range lost {
			if got := w.read(t, id); got.State != pay.Paid {
				r.Fatalf("order %s is %s though the bill has it", id, got.State)
			}
		}
		if report.Rows != int64(len(rows)) || report.Differing != int64(len(report.Differences)) {
			r.Fatalf("the report counts %+v", report)
		}
	})
}

func TestReconcileAgrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := w.noon()
	var rows []pay.BillRow
	for range 3 {
		o, paid := w.took(t, true)
		rows = append(rows, paid, w.gaveBack(t, o, paid))
	}
	w.forward(24 * time.Hour)
	for range 2 { // and again
		r := w.reconcile(t, day, bill{rows: rows})
		if r.Differing != 0 || r.Rows != 6 || r.Agreeing != 6 || r.Payments != 3*2800 || r.Refunds != 3*100 {
			t.Errorf("report %+v; want all six rows to agree", r)
		}
	}
	var stored pay.Reconciliation
	err := w.Store.View(t.Context(), func(tx pay.Tx) (err error) {
		stored, err = tx.Reconciliation(t.Context(), shop, day)
		return err
	})
	if err != nil || stored.Agreeing != 6 || stored.Day != day {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

func TestReconcileTheSums(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bill bill
		want pay.DifferenceKind
	}{
		"a row too many":          {bill{spoil: pay.BillSums{Rows: -1}}, pay.SumsOff},
		"a reversed payment code": {bill{spoil: pay.BillSums{Rows: 1}}, ""},
		"the total is off":        {bill{spoil: pay.BillSums{Total: 1}}, pay.SumsOff},
		"less money came in":      {bill{funds: &pay.FundSums{In: 2799}}, pay.FundsOff},
		"more money moved":        {bill{funds: &pay.FundSums{In: 9999, Out: 9999}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			day := w.noon()
			_, row := w.took(t, true)
			w.forward(24 * time.Hour)
			c.bill.rows = []pay.BillRow{row}
			r := w.reconcile(t, day, c.bill)
			if c.want == "" && r.Differing != 0 || c.want != "" && (r.Differing != 1 || r.Differences[0].Kind != c.want) {
				t.Errorf("differences %+v; want %s", r.Differences, c.want)
			}
		})
	}
}

func TestReconcileWithoutABill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := w.noon()
	w.took(t, true)
	if _, err := w.Reconcile(t.Context(), shop, day); pay.CodeOf(err) != pay.Invalid {
		t.Errorf("today: %v; want %s", err, pay.Invalid)
	}
	w.forward(24 * time.Hour)
	w.BillGateway = bill{err: pay.ErrBillNotReady}
	if _, err := w.Reconcile(t.Context(), shop, day); !errors.Is(err, pay.ErrBillNotReady) {
		t.Errorf("not ready: %v", err)
	}
	if r := w.reconcile(t, day, bill{err: pay.ErrNoBill}); r.Differing != 1 || r.Differences[0].Kind != pay.OnlyOurs {
		t.Errorf("no bill at all: %+v; want our payment missing there", r.Differences)
	}
	for _, bad := range []string{"", "2026-13-01", "yesterday", "2999-01-01", "2020-01-01"} {
		if _, err := w.Reconcile(t.Context(), shop, bad); pay.CodeOf(err) != pay.Invalid {
			t.Errorf("day %q: %v", bad, err)
		}
	}
	if _, err := w.Reconcile(t.Context(), "nobody", day); pay.CodeOf(err) != pay.NotFound {
		t.Errorf("an unknown merchant: %v", err)
	}
}

// A day is due from ten o'clock of the next, until there is a report, for a week.
func TestWhichDaysAreDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if days, err := w.DueReconciliations(t.Context(), shop); err != nil || len(days) != 0 {
		t.Errorf("before anything happened: %v, %v", days, err)
	}
	day := w.noon()
	w.took(t, true)
	due := func(want ...string) {
		t.Helper()
		if days, err := w.DueReconciliations(t.Context(), shop); err != nil || !slices.Equal(days, want) {
			t.Errorf("due %v, %v; want %v", days, err, want)
		}
	}
	due()
	w.forward(21*time.Hour + 59*time.Minute) // 09:59
	due()
	w.forward(2 * time.Minute)
	due(day)
	w.reconcile(t, day, bill{})
	due()
	w.forward(30 * 24 * time.Hour)
	if days, err := w.DueReconciliations(t.Context(), shop); err != nil || len(days) != pay.ReconcileBack {
		t.Errorf("after a month: %v, %v; want %d days", days, err, pay.ReconcileBack)
	}
}

// The whole way: the simulator's bill, with payments of all channels, downloaded, checked and compared.
func TestReconcileWithTheSimulator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	yesterday := time.Now().Add(-24 * time.Hour)
	var rows []pay.BillRow
	for range 3 {
		o := w.order(t)
		n := w.notice()
		n.TransactionID, n.PaidAt = fmt.Sprintf("42000000002026112300000%05d", len(rows)), yesterday
		rows = append(rows, pay.BillRow{OutTradeNo: n.OutTradeNo, TransactionID: n.TransactionID, Total: n.Total})
		if len(rows) == 3 {
			continue // of the last one only the bill tells
		}
		if _, err := w.Settle(t.Context(), n); err != nil {
			t.Fatal(o.ID, err)
		}
	}
	channels := [...]string{wechatsim.TypeNative, wechatsim.TypeJSAPI, wechatsim.TypeH5}
	w.sim.AddPaid(len(rows), func(i int) wechatsim.Trade {
		return wechatsim.Trade{
			TradeType: channels[i], OutTradeNo: rows[i].OutTradeNo, TransactionID: rows[i].TransactionID, Total: int64(rows[i].Total), PaidAt: yesterday, Description: "拿铁",
		}
	})
	day := yesterday.In(beijing()).Format(time.DateOnly)
	if time.Now().UTC().Hour() >= 16 || time.Now().UTC().Hour() < 2 {
		// Between midnight and 10:00 in Beijing WeChat Pay still writes the bill of yesterday.
		if _, err := w.Reconcile(t.Context(), shop, day); !errors.Is(err, pay.ErrBillNotReady) {
			t.Errorf("got %v; want the bill not ready", err)
		}
		return
	}
	r, err := w.Reconcile(t.Context(), shop, day)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows != 3 || r.Agreeing != 2 || r.Differing != 1 || r.Differences[0].Kind != pay.OnlyTheirs || !r.Differences[0].Settled {
		t.Errorf("report %+v; want two rows to agree and one to be settled", r)
	}
}

// Two merchants may share a merchant number, whose bill has the money of both. It tells neither of the other's orders.
func TestABillOfTwoMerchants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := w.noon()
	w.Merchants.Replace(append(w.Merchants.All(), pay.Merchant{ID: "other"}))
	o, paid := w.took(t, true)
	w.BillGateway = bill{rows: []pay.BillRow{paid, w.gaveBack(t, o, paid)}}
	w.forward(24 * time.Hour)
	r, err := w.Reconcile(t.Context(), "other", day)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Differences) != 2 {
		t.Fatalf("the differences are %+v", r.Differences)
	}
	for _, d := range r.Differences {
		if d.Kind != pay.Unknown || d.Order != "" || d.Ours != 0 {
			t.Errorf("%+v tells of another's order", d)
		}
	}
	if got := w.kinds(t, o.ID); slices.Contains(got, pay.Mismatched) {
		t.Errorf("another's bill writes into the order's history: %v", got)
	}
}
