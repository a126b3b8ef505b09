package wechat

import (
	"errors"
	"fmt"
	"io"
	"time"

	"saoma/backend/pay"
)

// A tradeReader makes rows of a trade bill's records.
type tradeReader struct {
	account Account
	row     func(pay.BillRow) error
	zone    *time.Location

	// The columns that have other names in some bills.
	total, refundAmount, refundedAt string

	added pay.BillSums // of the rows so far
}

// readTrades gives out the rows of a merchant's trade bill and returns its sums.
func readTrades(text io.Reader, a Account, row func(pay.BillRow) error) (pay.BillSums, error) {
	t := tradeReader{
		account: a, row: row,
		zone: time.FixedZone("", 8*60*60), // Beijing, without daylight saving since 1991, and without tzdata
	}
	sums, err := readTable(text, t.begin, t.read)
	if err != nil {
		return pay.BillSums{}, err
	}
	total, err := t.sums(sums)
	if err != nil {
		return pay.BillSums{}, fmt.Errorf("the sums: %w", err)
	}
	return total, nil
}

// begin chooses the columns. Old bills (doc 4013071246) call the total 总金额 and have neither 订单金额 nor
// 申请退款金额; where WeChat Pay's own coupons were used (免充值券), their amounts are the smaller ones without them.
func (t *tradeReader) begin(c columns) error {
	t.total, t.refundAmount, t.refundedAt = "订单金额", "申请退款金额", "交易时间"
	if !c.has(t.total) && c.has("总金额") {
		t.total, t.refundAmount = "总金额", "退款金额"
	}
	if c.has("退款申请时间") { // in bills of refunds only, where 交易时间 is that of the payment
		t.refundedAt = "退款申请时间"
	}
	if t.account.SubMchID != "" {
		if err := c.need("特约商户号"); err != nil {
			return err
		}
	}
	return c.need("交易时间", "公众账号ID", "商户号", "微信订单号", "商户订单号", "交易状态", "货币种类", t.total)
}

func (t *tradeReader) read(r record) error {
	if got := string(r.field("商户号")); got != t.account.MchID {
		return fmt.Errorf("商户号 is %.40q, want %s: this is another merchant's bill", got, t.account.MchID)
	}
	if got := string(r.field("特约商户号")); t.account.SubMchID != "" && got != t.account.SubMchID {
		return fmt.Errorf("特约商户号 is %.40q, want %s: this is another merchant's bill", got, t.account.SubMchID)
	}
	b := pay.BillRow{
		MchID: t.account.MchID, SubMchID: t.account.SubMchID, AppID: r.text("公众账号ID"), TransactionID: r.text("微信订单号"), OutTradeNo: r.text("商户订单号"),
	}
	var err error
	switch state := string(r.field("交易状态")); state {
	case "SUCCESS":
		err = t.payment(r, &b)
	case "REFUND":
		err = t.refund(r, &b)
	case "REVOKED":
		return nil
	default:
		err = fmt.Errorf("交易状态 is %.40q, which we do not know", state)
	}
	switch {
	case err != nil:
		return err
	case b.TransactionID == "" || b.OutTradeNo == "":
		return errors.New("微信订单号 or 商户订单号 is empty")
	case string(r.field("货币种类")) != pay.Currency:
		return fmt.Errorf("货币种类 is %.16q, want %s", r.field("货币种类"), pay.Currency)
	}
	t.added.Total += b.Total
	t.added.Refunds += b.RefundAmount
	if t.added.Total < 0 || t.added.Refunds < 0 { // every amount is below MaxInt64
		return errors.New("the amounts add up to more than an int64 holds")
	}
	return t.row(b)
}

func (t *tradeReader) payment(r record, b *pay.BillRow) (err error) {
	if b.At, err = t.time(r, "交易时间"); err != nil {
		return err
	}
	b.Total, err = r.fen(t.total)
	return err
}

func (t *tradeReader) refund(r record, b *pay.BillRow) (err error) {
	if err = r.columns.need("微信退款单号", "商户退款单号", t.refundAmount); err != nil {
		return err
	}
	if b.At, err = t.time(r, t.refundedAt); err != nil {
		return err
	}
	b.Refund, b.WeChatID, b.RefundID = true, r.text("微信退款单号"), pay.RefundID(r.text("商户退款单号"))
	b.RefundAmount, err = r.fen(t.refundAmount)
	return err
}

func (t *tradeReader) time(r record, name string) (time.Time, error) {
	at, err := time.ParseInLocation(time.DateTime, r.text(name), t.zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is %.40q, want it like 2026-11-23 10:00:00", name, r.field(name))
	}
	return at, nil
}

// sums reads the last line, by the names of its own header. What some layouts do not state is added up from
// the rows: refunds in the layout of four columns, and amounts in old bills.
func (t *tradeReader) sums(r record) (pay.BillSums, error) {
	const rows, total, refunds = "总交易单数", "订单总金额", "申请退款总金额"
	needed := []string{rows, total}
	if t.total != "订单金额" { // an old bill
		needed = []string{rows}
	}
	if err := r.columns.need(needed...); err != nil {
		return pay.BillSums{}, err
	}
	sums := t.added
	var errs [3]error
	sums.Rows, errs[0] = r.count(rows)
	if r.columns.has(total) {
		sums.Total, errs[1] = r.fen(total)
	}
	if r.columns.has(refunds) {
		sums.Refunds, errs[2] = r.fen(refunds)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return pay.BillSums{}, err
	}
	return sums, nil
}

// readFunds returns the sums of a fund-flow bill (doc 4013071249).
func readFunds(text io.Reader) (sums pay.FundSums, err error) {
	isFunds := func(c columns) error { return c.need("记账时间", "收支类型", "收支金额(元)") }
	r, err := readTable(text, isFunds, func(record) error { return nil })
	if err != nil {
		return pay.FundSums{}, err
	}
	const rows, ins, in, outs, out = "资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额"
	if err := r.columns.need(rows, ins, in, outs, out); err != nil {
		return pay.FundSums{}, fmt.Errorf("the sums: %w", err)
	}
	var errs [5]error
	sums.Rows, errs[0] = r.count(rows)
	sums.Ins, errs[1] = r.count(ins)
	sums.Outs, errs[2] = r.count(outs)
	sums.In, errs[3] = r.fen(in)
	sums.Out, errs[4] = r.fen(out)
	if err := errors.Join(errs[:]...); err != nil {
		return pay.FundSums{}, fmt.Errorf("the sums: %w", err)
	}
	return sums, nil
}
