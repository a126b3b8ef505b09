package wechatsim

import (
	"io"
	"iter"
	"strconv"
	"time"
)

// A flowRow is one line of a fund-flow bill (资金账单). Amounts are in fen.
type flowRow struct {
	at            time.Time
	businessNo    string // transaction_id or refund_id
	transactionID string
	what          string
	out           bool  // money went away
	amount        int64 // never negative
	balance       int64 // after it
	remark        string
	voucher       string // the merchant's own number
}

// writeFlows writes a whole fund-flow bill and says how many rows it has. Older ones have full-width brackets.
func writeFlows(w io.Writer, mchID string, old bool, rows iter.Seq[flowRow]) (n int64, err error) {
	unit := "(元)"
	if old {
		unit = "（元）"
	}
	x := newSheet(w)
	err = x.titles("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型", "收支金额"+unit,
		"账户结余"+unit, "资金变更提交申请人", "备注", "业务凭证号")
	if err != nil {
		return 0, err
	}
	zone := beijing()
	var came, went int64    // rows
	var income, spent int64 // fen
	for r := range rows {
		x.next()
		x.line = appendTime(x.line, r.at, zone)
		direction := "收入"
		if r.out {
			direction = "支出"
			went, spent = went+1, spent+r.amount
		} else {
			came, income = came+1, income+r.amount
		}
		x.put(r.businessNo, r.transactionID, r.what, r.what, direction, yuan(r.amount), yuan(r.balance), mchID+"API",
			r.remark, r.voucher)
		if err := x.end(); err != nil {
			return 0, err
		}
	}
	if err := x.titles("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额"); err != nil {
		return 0, err
	}
	x.put(strconv.FormatInt(came+went, 10), strconv.FormatInt(came, 10), yuan(income), strconv.FormatInt(went, 10),
		yuan(spent))
	if err := x.end(); err != nil {
		return 0, err
	}
	return came + went, x.w.Flush()
}
