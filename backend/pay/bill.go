package pay

import (
	"context"
	"errors"
	"time"
)

// A BillGateway downloads WeChat Pay's daily bills (对账单). A day is a Beijing day, "2026-11-23".
type BillGateway interface {
	// TradeBill calls row for every payment and refund of the day's bill, in the bill's order, and returns the sums
	// of its last line. The file's hash has been checked before the first call. An error of row ends it.
	TradeBill(ctx context.Context, m MerchantID, day string, row func(BillRow) error) (BillSums, error)

	// FundFlow returns the sums of the day's fund-flow bill (资金账单) of the basic account.
	FundFlow(ctx context.Context, m MerchantID, day string) (FundSums, error)
}

// ErrBillNotReady is returned, wrapped, while WeChat Pay still writes the bill (STATEMENT_CREATING): ask again in
// half an hour. ErrNoBill is returned, wrapped, for a day without trades (NO_STATEMENT_EXIST), which is final.
var (
	ErrBillNotReady = errors.New("the bill is not ready")
	ErrNoBill       = errors.New("nothing was traded that day")
)

// A BillRow is one payment or one refund of a trade bill.
type BillRow struct {
	At            time.Time // of the payment or of the refund's acceptance
	AppID, MchID  string
	SubMchID      string // empty without a service provider
	TransactionID string
	OutTradeNo    string
	Refund        bool     // a refund row; the next three are of it
	WeChatID      string   // WeChat Pay's refund_id
	RefundID      RefundID // our out_refund_no
	RefundAmount  Fen      // 申请退款金额: what was asked for, coupons included

	Total Fen // 订单金额, 0 in refund rows
}

// BillSums are the last line of a trade bill.
type BillSums struct {
	Rows    int64
	Total   Fen // 订单总金额
	Refunds Fen // 申请退款总金额
}

// FundSums are the last line of a fund-flow bill.
type FundSums struct {
	Rows, Ins, Outs int64
	In, Out         Fen
}
