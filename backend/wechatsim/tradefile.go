package wechatsim

import (
	"cmp"
	"io"
	"iter"
	"strconv"
	"time"
)

// A tradeKind is the bill_type of a trade bill (交易账单). Each kind has the columns of those before it and some more.
type tradeKind int

const (
	kindSuccess tradeKind = iota // payments
	kindAll                      // payments and refunds
	kindRefund                   // refunds
)

// A tradeRow is one line of a trade bill: a payment, or a refund when refundID is set. Amounts are in fen.
type tradeRow struct {
	subMchID                      string // empty: a direct merchant
	paidAt                        time.Time
	outTradeNo, transactionID     string
	openID                        string
	tradeType                     string // empty: NATIVE
	description, attach, deviceID string
	total                         int64 // of the order
	fee                           int64 // what WeChat Pay keeps; negative when it gives it back

	refundID, outRefundNo string
	refundStatus          string
	acceptedAt            time.Time
	succeededAt           time.Time // zero: not yet when the bill was made
	amount                int64     // of the refund
}

func (r *tradeRow) isRefund() bool { return r.refundID != "" }

// A tradeLayout says which of the forms a trade bill has.
type tradeLayout struct {
	kind         tradeKind
	old          bool // the format of a few old merchants
	short        bool // the summary has the 4 fields that the page gives a SUCCESS bill; real ones have 7
	appID, mchID string
}

// writeTrades writes a whole trade bill and says how many rows it has.
func writeTrades(w io.Writer, l tradeLayout, rows iter.Seq[tradeRow]) (n int64, err error) {
	columns := l.columns()
	names := make([]string, 0, len(columns))
	for _, c := range columns {
		names = append(names, c.name)
	}
	x := newSheet(w)
	if err := x.titles(names...); err != nil {
		return 0, err
	}
	var sum tradeSum
	for r := range rows {
		for _, c := range columns {
			x.next()
			x.line = c.put(x.line, &r)
		}
		if err := x.end(); err != nil {
			return 0, err
		}
		sum.add(&r)
	}
	if err := sum.write(x, l.short); err != nil {
		return 0, err
	}
	return sum.rows, x.w.Flush()
}

// A tradeSum is the summary of a trade bill.
type tradeSum struct {
	rows                 int64
	paid, refunded, fees int64 // fen
}

func (m *tradeSum) add(r *tradeRow) {
	m.rows++
	m.fees += r.fee
	if r.isRefund() {
		m.refunded += r.amount
	} else {
		m.paid += r.total
	}
}

func (m *tradeSum) write(x *sheet, short bool) error {
	rows, fees := strconv.FormatInt(m.rows, 10), string(appendFee(nil, m.fees))
	names := []string{"总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额",
		"申请退款总金额"}
	values := []string{rows, yuan(m.paid), yuan(m.refunded), yuan(0), fees, yuan(m.paid), yuan(m.refunded)}
	if short {
		names = []string{"总交易单数", "应结订单总金额", "手续费总金额", "订单总金额"}
		values = []string{rows, yuan(m.paid), fees, yuan(m.paid)}
	}
	if err := x.titles(names...); err != nil {
		return err
	}
	x.put(values...)
	return x.end()
}

// A tradeColumn is one column of trade bills.
type tradeColumn struct {
	name string
	put  func(dst []byte, r *tradeRow) []byte
	from tradeKind // the narrowest kind that has it
	old  string    // its name in old-format bills: "" is the same, "-" is no such column
}

// columns are those of this layout, in their order.
func (l tradeLayout) columns() []tradeColumn {
	var list []tradeColumn
	for _, c := range l.allColumns() {
		if c.from > l.kind || l.old && c.old == "-" {
			continue
		}
		if l.old && c.old != "" {
			c.name = c.old
		}
		list = append(list, c)
	}
	return list
}

// allColumns are the 29 columns of a REFUND bill.
func (l tradeLayout) allColumns() []tradeColumn {
	zone := beijing()
	type row = *tradeRow
	constant := func(value string) func([]byte, row) []byte {
		return func(dst []byte, _ row) []byte { return append(dst, value...) }
	}
	// either writes one text in the rows of payments and another in those of refunds.
	either := func(payment, refund func(row) string) func([]byte, row) []byte {
		return func(dst []byte, r row) []byte {
			if r.isRefund() {
				return append(dst, refund(r)...)
			}
			return append(dst, payment(r)...)
		}
	}
	value := func(of func(row) string) func([]byte, row) []byte { return either(of, of) }
	is := func(s string) func(row) string { return func(row) string { return s } }
	merchantText := func(of func(row) string) func([]byte, row) []byte {
		return func(dst []byte, r row) []byte { return appendText(dst, of(r), r.isRefund()) }
	}
	total := either(func(r row) string { return yuan(r.total) }, is("0.00"))
	refunded := either(is("0.00"), func(r row) string { return yuan(r.amount) })
	return []tradeColumn{
		{name: "交易时间", put: func(dst []byte, r row) []byte {
			// In an ALL bill a refund's row is dated by the refund, in a REFUND bill by the payment.
			if r.isRefund() && l.kind == kindAll {
				return appendTime(dst, r.acceptedAt, zone)
			}
			return appendTime(dst, r.paidAt, zone)
		}},
		{name: "公众账号ID", put: constant(l.appID)},
		{name: "商户号", put: constant(l.mchID)},
		{name: "特约商户号", put: value(func(r row) string { return cmp.Or(r.subMchID, "0") })},
		{name: "设备号", put: merchantText(func(r row) string { return r.deviceID })},
		{name: "微信订单号", put: value(func(r row) string { return r.transactionID })},
		{name: "商户订单号", put: value(func(r row) string { return r.outTradeNo })},
		{name: "用户标识", put: value(func(r row) string { return r.openID })},
		{name: "交易类型", put: value(func(r row) string { return cmp.Or(r.tradeType, TypeNative) })},
		{name: "交易状态", put: either(is("SUCCESS"), is("REFUND"))},
		{name: "付款银行", put: constant("OTHERS")},
		{name: "货币种类", put: constant("CNY")},
		{name: "应结订单金额", old: "总金额", put: total},
		{name: "代金券金额", old: "企业红包金额", put: constant("0.00")},
		{name: "退款申请时间", from: kindRefund, put: func(dst []byte, r row) []byte {
			return appendTime(dst, r.acceptedAt, zone)
		}},
		{name: "退款成功时间", from: kindRefund, put: func(dst []byte, r row) []byte {
			if r.succeededAt.IsZero() {
				return dst
			}
			return appendTime(dst, r.succeededAt, zone)
		}},
		{name: "微信退款单号", from: kindAll, put: either(is("0"), func(r row) string { return r.refundID })},
		{name: "商户退款单号", from: kindAll, put: either(is("0"), func(r row) string { return r.outRefundNo })},
		{name: "退款金额", from: kindAll, put: refunded},
		{name: "充值券退款金额", from: kindAll, put: constant("0.00")},
		{name: "退款类型", from: kindAll, put: either(is(""), is("ORIGINAL"))},
		{name: "退款状态", from: kindAll, put: either(is(""), func(r row) string { return r.refundStatus })},
		{name: "商品名称", put: merchantText(func(r row) string { return r.description })},
		{name: "商户数据包", put: merchantText(func(r row) string { return r.attach })},
		{name: "手续费", put: func(dst []byte, r row) []byte { return appendFee(dst, r.fee) }},
		{name: "费率", put: constant(feeRate)},
		{name: "订单金额", old: "-", put: total},
		{name: "申请退款金额", from: kindAll, old: "-", put: refunded},
		{name: "费率备注", old: "-", put: constant("")},
	}
}
