package pay

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Reconciliation (对账) is what came of comparing WeChat Pay's bill of a day with our books.
type Reconciliation struct {
	Merchant MerchantID `json:"merchant"`
	Day      string     `json:"date"` // 2026-11-23, in Beijing
	At       time.Time  `json:"finished_at"`

	Rows     int64    `json:"rows"`     // of the bill
	Agreeing int64    `json:"agreeing"` // rows that our books had as they are
	Payments Fen      `json:"payments"` // fen, by the bill's rows
	Refunds  Fen      `json:"refunds"`  // fen, by the bill's rows
	BillSums BillSums `json:"bill_sums"`
	FundSums FundSums `json:"fund_sums"`

	Differing   int64        `json:"differing"`   // all differences
	Differences []Difference `json:"differences"` // the first DifferencesMax of them
}

// Unlisted is how many differences were counted and are not among Differences.
func (r Reconciliation) Unlisted() int64 { return r.Differing - int64(len(r.Differences)) }

// A Difference is one thing that bill and books do not agree on.
type Difference struct {
	Kind          DifferenceKind `json:"kind"`
	Order         OrderID        `json:"order_id"` // ours, if we know one
	OutTradeNo    string         `json:"out_trade_no"`
	Refund        RefundID       `json:"refund_id"` // of a refund
	TransactionID string         `json:"transaction_id"`
	Ours          Fen            `json:"ours"`    // fen in our books
	Theirs        Fen            `json:"theirs"`  // fen in the bill
	Settled       bool           `json:"settled"` // we have booked it now, by the one door for money
}

// A DifferenceKind says who has what.
type DifferenceKind string

// The kinds of differences.
const (
	OnlyTheirs DifferenceKind = "missing_here"   // the bill has it as paid or refunded, we had not
	OnlyOurs   DifferenceKind = "missing_there"  // we have it as paid or refunded, the bill has not
	AmountOff  DifferenceKind = "amount_differs" // both have it, with other amounts or numbers
	Unknown    DifferenceKind = "unknown"        // the bill has a number that is not ours: lost data, or another system on the same mchid
	SumsOff    DifferenceKind = "sums_differ"    // the bill's last line is not the sum of its rows
	FundsOff   DifferenceKind = "funds_differ"   // the fund-flow bill shows less money than the trade bill
)

// ReconcileTx reads and writes what reconciliation needs.
type ReconcileTx interface {
	// Confirm writes the day of the bill on the payments and refunds that the books have just as the rows say, and
	// returns the rows for which they have none.
	Confirm(ctx context.Context, m MerchantID, day string, rows []BillRow) (others []BillRow, err error)
	// EachUnbilled goes through payments and refunds of a span of time that no bill has confirmed.
	EachUnbilledPayment(ctx context.Context, m MerchantID, begin, end time.Time, f func(Attempt) error) error
	EachUnbilledRefund(ctx context.Context, m MerchantID, begin, end time.Time, f func(Refund) error) error
	// SaveReconciliation replaces an earlier one of the same day.
	SaveReconciliation(context.Context, Reconciliation) error
	// Reconciliations returns a merchant's, the newest day first, those of days before the given one ("" for all).
	Reconciliations(ctx context.Context, m MerchantID, before string, limit int) ([]Reconciliation, error)
	Reconciliation(ctx context.Context, m MerchantID, day string) (Reconciliation, error)
}

// Reconcile compares the bill of a day with our books. What the bill has and we had not is settled. It may be asked
// for again at any time; the newest report stands. While the bill is not there yet the error wraps ErrBillNotReady.
func (c *Cashier) Reconcile(ctx context.Context, m MerchantID, day string) (Reconciliation, error) {
	begin, err := time.ParseInLocation(time.DateOnly, day, beijing())
	if err != nil {
		return Reconciliation{}, &Error{Code: Invalid, Message: "mend date", Fields: []Field{{"date", "must be a day, as 2026-11-23"}}}
	}
	if today, _, _ := dayOf(c.Now()); day >= today {
		return Reconciliation{}, &Error{Code: Invalid, Message: "mend date", Fields: []Field{{"date", "must be a day that has ended in Beijing"}}}
	}
	if begin.Before(c.Now().AddDate(0, -BillMonths, 0)) {
		return Reconciliation{}, &Error{Code: Invalid, Message: "mend date",
			Fields: []Field{{"date", fmt.Sprintf("must be within the last %d months, for which WeChat Pay has bills", BillMonths)}}}
	}
	if _, ok := c.Merchants.ByID(m); !ok {
		return Reconciliation{}, &Error{Code: NotFound, Message: "no such merchant"}
	}
	r := &reconciler{Cashier: c, report: Reconciliation{Merchant: m, Day: day, Differences: []Difference{}}}
	if err := r.run(ctx, begin); err != nil {
		if _, ok := errors.AsType[*GatewayError](err); ok && !errors.Is(err, ErrBillNotReady) {
			err = &Error{Code: Unavailable, Message: "WeChat Pay did not give the bill; ask again", Err: err}
		}
		return Reconciliation{}, fmt.Errorf("reconcile %s of %s: %w", day, m, err)
	}
	return r.report, nil
}

// A reconciler is one reconciliation under way.
type reconciler struct {
	*Cashier
	report Reconciliation
	batch  []BillRow
}

func (r *reconciler) run(ctx context.Context, begin time.Time) error {
	sums, err := r.BillGateway.TradeBill(ctx, r.report.Merchant, r.report.Day, func(row BillRow) error {
		r.batch = append(r.batch, row)
		if len(r.batch) == billBatch {
			return r.compare(ctx)
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrNoBill) {
		return err
	}
	if err := r.compare(ctx); err != nil {
		return err
	}
	r.report.BillSums = sums
	// The bill also counts rows of reversed payment codes, which are none of ours and have no amounts.
	if r.report.Payments != sums.Total || r.report.Refunds != sums.Refunds || r.report.Rows > sums.Rows {
		r.differs(Difference{Kind: SumsOff, Ours: r.report.Payments - r.report.Refunds, Theirs: sums.Total - sums.Refunds})
	}
	if err := r.funds(ctx); err != nil {
		return err
	}
	if err := r.unbilled(ctx, begin); err != nil {
		return err
	}
	r.report.At = r.Now()
	err = r.Store.Update(ctx, func(tx Tx) error {
		if err := tx.SaveReconciliation(ctx, r.report); err != nil {
			return err
		}
		return r.tellOfReconciliation(ctx, tx, r.report)
	})
	if err == nil {
		r.told(r.report.Merchant)
	}
	return err
}

// differs writes a difference down. All are counted; a bounded number is kept.
func (r *reconciler) differs(d Difference) {
	r.report.Differing++
	if len(r.report.Differences) < DifferencesMax {
		r.report.Differences = append(r.report.Differences, d)
	}
}

// compare holds a batch of rows against the books in one transaction, and settles afterwards what we did not have.
func (r *reconciler) compare(ctx context.Context) error {
	others, err := r.confirm(ctx, r.batch)
	if err != nil {
		return err
	}
	for _, row := range r.batch {
		r.report.Rows++
		r.report.Payments += row.Total
		r.report.Refunds += row.RefundAmount
	}
	r.report.Agreeing += int64(len(r.batch) - len(others))
	r.batch = r.batch[:0]
	for _, row := range others {
		if err := r.settle(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

func (r *reconciler) confirm(ctx context.Context, rows []BillRow) (others []BillRow, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	err = r.Store.Update(ctx, func(tx Tx) error {
		others, err = tx.Confirm(ctx, r.report.Merchant, r.report.Day, rows)
		return err
	})
	return others, err
}

// notice is what a row of the bill says of a payment. The bill has proved its origin by coming from WeChat Pay over
// a signed request, with the hash that a signed answer named.
func (row BillRow) notice(m MerchantID) Notice {
	return Notice{
		Merchant: m, Source: FromBill, MchID: row.MchID, AppID: row.AppID, SubMchID: row.SubMchID,
		OutTradeNo: row.OutTradeNo, TransactionID: row.TransactionID, Total: row.Total, Currency: Currency, PaidAt: row.At,
	}
}

// settle deals with a row that the books do not have as it is.
func (r *reconciler) settle(ctx context.Context, row BillRow) error {
	d := Difference{OutTradeNo: row.OutTradeNo, TransactionID: row.TransactionID, Refund: row.RefundID, Theirs: row.Total}
	if row.Refund {
		d.Theirs = row.RefundAmount
		return r.settleRefund(ctx, row, d)
	}
	var a Attempt
	err := r.Store.View(ctx, func(tx Tx) (err error) {
		if a, err = tx.Attempt(ctx, row.OutTradeNo); err == nil && a.Merchant != r.report.Merchant {
			return ErrNoRow // of another that shares the mchid
		}
		return err
	})
	if errors.Is(err, ErrNoRow) {
		d.Kind = Unknown
		r.differs(d)
		return nil
	}
	if err != nil {
		return err
	}
	d.Order, d.Ours = a.Order, a.Total
	switch _, err := r.Settle(ctx, row.notice(r.report.Merchant)); CodeOf(err) {
	case "":
		if err != nil {
			return err
		}
		d.Kind, d.Settled = OnlyTheirs, true
		if _, err := r.confirm(ctx, []BillRow{row}); err != nil {
			return err
		}
	case Disagreement:
		d.Kind = AmountOff
	default:
		return err
	}
	r.differs(d)
	return nil
}

func (r *reconciler) settleRefund(ctx context.Context, row BillRow, d Difference) error {
	var x Refund
	var a Attempt
	err := r.Store.View(ctx, func(tx Tx) (err error) {
		if x, err = tx.Refund(ctx, row.RefundID); err != nil {
			return err
		}
		if x.Merchant != r.report.Merchant {
			return ErrNoRow
		}
		a, err = tx.Attempt(ctx, x.OutTradeNo)
		return err
	})
	if errors.Is(err, ErrNoRow) {
		d.Kind = Unknown // somebody refunded in the merchant platform
		r.differs(d)
		return nil
	}
	if err != nil {
		return err
	}
	d.Order, d.Ours = x.Order, x.Amount
	_, err = r.SettleRefund(ctx, RefundReport{
		Merchant: r.report.Merchant, Source: FromBill, ID: x.ID, WeChatID: row.WeChatID, OutTradeNo: row.OutTradeNo,
		TransactionID: row.TransactionID, State: RefundProcessing, Amount: row.RefundAmount, Total: a.Total,
	})
	switch CodeOf(err) {
	case "":
		if err != nil {
			return err
		}
		d.Kind, d.Settled = OnlyTheirs, true
		if _, err := r.confirm(ctx, []BillRow{row}); err != nil {
			return err
		}
	case Disagreement:
		d.Kind = AmountOff
	default:
		return err
	}
	r.differs(d)
	return nil
}

// funds compares the fund-flow bill: all that customers paid must have come in, all refunds must have gone out. Other
// money moves there too (fees, withdrawals), so it may show more; and a refund costs less than its amount, because
// its part of the fee comes back (doc 4013071036). No fee is a tenth. A service provider's bill is of its own account;
// the money of its merchants goes to theirs, of which it sees none.
func (r *reconciler) funds(ctx context.Context) error {
	if m, _ := r.Merchants.ByID(r.report.Merchant); m.SubMchID != "" {
		return nil
	}
	sums, err := r.BillGateway.FundFlow(ctx, r.report.Merchant, r.report.Day)
	if err != nil && !errors.Is(err, ErrNoBill) {
		return err
	}
	r.report.FundSums = sums
	if sums.In < r.report.Payments || sums.Out < r.report.Refunds-r.report.Refunds/10 {
		r.differs(Difference{Kind: FundsOff, Ours: r.report.Payments - r.report.Refunds, Theirs: sums.In - sums.Out})
	}
	return nil
}

// unbilled finds what we have and the bill has not. A refund counts for the day on which WeChat Pay took it, which we
// know to some minutes only: what was taken close to midnight is looked for in the next day's bill.
func (r *reconciler) unbilled(ctx context.Context, begin time.Time) error {
	end := begin.AddDate(0, 0, 1)
	return r.Store.View(ctx, func(tx Tx) error {
		err := tx.EachUnbilledPayment(ctx, r.report.Merchant, begin, end, func(a Attempt) error {
			r.differs(Difference{Kind: OnlyOurs, Order: a.Order, OutTradeNo: a.OutTradeNo, TransactionID: a.TransactionID, Ours: a.Total})
			return nil
		})
		if err != nil {
			return err
		}
		return tx.EachUnbilledRefund(ctx, r.report.Merchant, begin.Add(-midnightSlack), end.Add(-midnightSlack), func(x Refund) error {
			r.differs(Difference{Kind: OnlyOurs, Order: x.Order, OutTradeNo: x.OutTradeNo, Refund: x.ID, Ours: x.Amount})
			return nil
		})
	})
}

const (
	billBatch     = 500              // rows that one transaction compares
	midnightSlack = 10 * time.Minute // see unbilled
)

// DueReconciliations returns the days before today, at most ReconcileBack of them, that a merchant has no report of
// and whose bill should be there.
func (c *Cashier) DueReconciliations(ctx context.Context, m MerchantID) (days []string, err error) {
	_, today, _ := dayOf(c.Now().Add(-BillHour))
	err = c.Store.View(ctx, func(tx Tx) error {
		first, err := tx.FirstEventAt(ctx)
		if errors.Is(err, ErrNoRow) {
			return nil // nothing has happened yet
		}
		if err != nil {
			return err
		}
		for back := ReconcileBack; back > 0; back-- {
			begin := today.AddDate(0, 0, -back)
			if !begin.AddDate(0, 0, 1).After(first) {
				continue
			}
			day, _, _ := dayOf(begin)
			if _, err := tx.Reconciliation(ctx, m, day); errors.Is(err, ErrNoRow) {
				days = append(days, day)
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find days to reconcile: %w", err)
	}
	return days, nil
}
