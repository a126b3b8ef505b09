package wechatsim

import (
	"iter"
	"time"
)

// BillFaults spoil the next bills that are asked for. All that are set strike together, but for Creating, which leaves
// no bill to spoil. The hash is that of the spoilt file, unless WrongHash is set. MissingRow, OtherAmount and
// UnknownRow are for trade bills, ShortSummary is for SUCCESS bills: others do not use them up.
type BillFaults struct {
	// Creating answers 400 STATEMENT_CREATING, as before 10 o'clock.
	Creating int `json:"creating"`
	// WrongHash answers a hash_value that no file has.
	WrongHash int `json:"wrong_hash"`
	// ExpiredURL answers a download_url whose time is over.
	ExpiredURL int `json:"expired_url"`
	// OldLayout writes the headers and columns of old-format bills.
	OldLayout int `json:"old_layout"`
	// ShortSummary writes the summary of a SUCCESS bill in 4 fields, as the page has it, not in 7.
	ShortSummary int `json:"short_summary"`
	// MissingRow leaves out the first row: ours paid, not in the bill.
	MissingRow int `json:"missing_row"`
	// OtherAmount adds one fen to the first row that is left.
	OtherAmount int `json:"other_amount"`
	// UnknownRow adds a row that is no order of this merchant's program.
	UnknownRow int `json:"unknown_row"`
}

// A billSpoil is what is done to one bill.
type billSpoil struct {
	hash, expired, old, short, drop, amount bool
	unknown                                 *tradeRow
}

// next decides what happens to the next bill, whatever it is.
func (f *BillFaults) next() (billSpoil, error) {
	if take(&f.Creating) {
		return billSpoil{}, statementCreating()
	}
	return billSpoil{hash: take(&f.WrongHash), expired: take(&f.ExpiredURL), old: take(&f.OldLayout)}, nil
}

// flowFault decides what happens to a fund-flow bill.
func (s *Server) flowFault() (billSpoil, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.BillFile.next()
}

// tradeFault decides what happens to a trade bill.
func (s *Server) tradeFault(kind tradeKind, d day) (billSpoil, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &s.faults.BillFile
	x, err := f.next()
	if err != nil {
		return billSpoil{}, err
	}
	x.short = kind == kindSuccess && take(&f.ShortSummary)
	x.drop, x.amount = take(&f.MissingRow), take(&f.OtherAmount)
	if take(&f.UnknownRow) {
		x.unknown = unknownRow(kind, d)
	}
	return x, nil
}

// unknownRow is of one yuan, at noon.
func unknownRow(kind tradeKind, d day) *tradeRow {
	noon := d.start.Add(12 * time.Hour)
	date := noon.Format("20060102")
	r := &tradeRow{paidAt: noon, outTradeNo: "UNKNOWN" + randomOf(digits, 12), openID: "o" + randomOf(alphanumeric, 27),
		transactionID: "42000" + randomOf(digits, 5) + date + randomOf(digits, 10), description: "UNKNOWN", total: 100,
		fee: feeOf(100)}
	if kind == kindRefund {
		r.refundID = "503" + randomOf(digits, 7) + date + randomOf(digits, 11)
		r.outRefundNo, r.refundStatus = "UNKNOWN"+randomOf(digits, 12), string(RefundSucceeded)
		r.amount, r.fee, r.acceptedAt, r.succeededAt = r.total, -r.fee, noon, noon
	}
	return r
}

// rows spoils the rows of a trade bill, in the same way at each writing.
func (x billSpoil) rows(all iter.Seq[tradeRow]) iter.Seq[tradeRow] {
	return func(yield func(tradeRow) bool) {
		drop, amount := x.drop, x.amount
		for r := range all {
			if drop {
				drop = false
				continue
			}
			if amount {
				amount = false
				r.addFen()
			}
			if !yield(r) {
				return
			}
		}
		if x.unknown != nil {
			yield(*x.unknown)
		}
	}
}

// addFen makes a row say one fen more.
func (r *tradeRow) addFen() {
	if r.isRefund() {
		r.amount++
	} else {
		r.total++
	}
}
