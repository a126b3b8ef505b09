package wechatsim

import (
	"iter"
	"slices"
	"time"
)

// billHour is when WeChat Pay makes the bills of the day before, Beijing time; at billReady they may be fetched.
const (
	billHour  = 9
	billReady = 10
)

// A day is a Beijing day of one merchant: all that bills are written from.
type day struct {
	start   time.Time // midnight in Beijing
	journal []entry   // what there was when the bill was asked for; later entries are not in it
}

func (d day) has(t time.Time) bool { return !t.Before(d.start) && t.Before(d.start.AddDate(0, 0, 1)) }

// of is the day of one merchant of a service provider, or with "" of the merchant itself.
func (d day) of(subMchID string) day {
	d.journal = slices.DeleteFunc(slices.Clone(d.journal), func(e entry) bool { return e.of != subMchID })
	return d
}

// madeAt is when WeChat Pay writes the bills of the day.
func (d day) madeAt() time.Time { return d.start.AddDate(0, 0, 1).Add(billHour * time.Hour) }

// payments are those of a crowd that are of this day, each with the balance before it.
func (d day) payments(e entry) iter.Seq2[Trade, int64] {
	return func(yield func(Trade, int64) bool) {
		balance := e.balance
		for i := range e.many.n {
			t := e.many.trade(i)
			if d.has(t.PaidAt) && !yield(t, balance) {
				return
			}
			balance += t.Total - feeOf(t.Total)
		}
	}
}

// tradeRows are the rows of a trade bill, in the order of booking.
func (s *Server) tradeRows(d day, kind tradeKind) iter.Seq[tradeRow] {
	return func(yield func(tradeRow) bool) {
		for _, e := range d.journal {
			switch {
			case e.many != nil && kind != kindRefund:
				for t := range d.payments(e) {
					if !yield(t.row(feeOf(t.Total))) {
						return
					}
				}
			case e.payment != nil && kind != kindRefund && d.has(e.at):
				if !yield(e.payment.row(e.payment.fee)) {
					return
				}
			case e.refund != nil && kind != kindSuccess && d.has(e.at):
				if !yield(s.refundRow(e.refund, d.madeAt())) {
					return
				}
			}
		}
	}
}

// row is an order's line. It reads nothing that changes after the payment.
func (t *Trade) row(fee int64) tradeRow {
	return tradeRow{subMchID: t.SubMchID, paidAt: t.PaidAt, outTradeNo: t.OutTradeNo, transactionID: t.TransactionID, openID: t.OpenID,
		tradeType: t.TradeType, description: t.Description, attach: t.Attach, deviceID: t.DeviceID, total: t.Total, fee: fee}
}

// refundRow is a refund's line, with the status that it had when the bill was made: it is written once and stays.
func (s *Server) refundRow(r *refund, madeAt time.Time) tradeRow {
	row := r.trade.row(-r.fee)
	row.refundID, row.outRefundNo, row.amount, row.acceptedAt = r.RefundID, r.OutRefundNo, r.Amount, r.CreatedAt
	s.mu.Lock()
	state, since := r.stateAt(madeAt)
	s.mu.Unlock()
	row.refundStatus = billStatus(state)
	if state == RefundSucceeded {
		row.succeededAt = since
	}
	return row
}

// billStatus is a refund's state in the words of bills, which are not those of the API. The pages list both sets and
// do not match them: FAIL is taken for a refund that failed, CHANGE for one that waits for another way.
func billStatus(state RefundState) string {
	switch state {
	case RefundClosed:
		return "FAIL"
	case RefundAbnormal:
		return "CHANGE"
	}
	return string(state)
}

// flowRows are the rows of the fund-flow bill of the merchant's only account. The published sample shows a refund; the
// names of the other two rows are ours.
func (s *Server) flowRows(d day) iter.Seq[flowRow] {
	return func(yield func(flowRow) bool) {
		for _, e := range d.journal {
			switch {
			case e.many != nil:
				for t, before := range d.payments(e) {
					if !yieldPayment(yield, &t, feeOf(t.Total), before) {
						return
					}
				}
			case !d.has(e.at):
			case e.payment != nil:
				if !yieldPayment(yield, &e.payment.Trade, e.payment.fee, e.balance) {
					return
				}
			case e.refund != nil:
				if !yield(e.refund.flow(e.balance)) {
					return
				}
			}
		}
	}
}

// yieldPayment gives the money that came, and the fee that went at once.
func yieldPayment(yield func(flowRow) bool, t *Trade, fee, before int64) bool {
	r := flowRow{at: t.PaidAt, businessNo: t.TransactionID, transactionID: t.TransactionID, voucher: t.OutTradeNo,
		what: "交易", amount: t.Total, balance: before + t.Total}
	if !yield(r) || fee == 0 {
		return fee == 0
	}
	r.what, r.out, r.amount, r.balance = "扣除交易手续费", true, fee, r.balance-fee
	return yield(r)
}

func (r *refund) flow(before int64) flowRow {
	return flowRow{at: r.CreatedAt, businessNo: r.RefundID, transactionID: r.TransactionID, voucher: r.OutRefundNo,
		what: "退款", out: true, amount: r.cost(), balance: before - r.cost(),
		remark: "退款总金额" + yuan(r.Amount) + "元;含手续费" + yuan(r.fee) + "元"}
}
