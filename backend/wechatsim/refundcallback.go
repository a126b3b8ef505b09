package wechatsim

import "time"

// refundNotice is the content of a refund's callback. Unlike the API's answer it calls the state refund_status.
type refundNotice struct {
	payee
	OutTradeNo          string      `json:"out_trade_no"`
	TransactionID       string      `json:"transaction_id"`
	OutRefundNo         string      `json:"out_refund_no"`
	RefundID            string      `json:"refund_id"`
	RefundStatus        RefundState `json:"refund_status"`
	SuccessTime         string      `json:"success_time,omitempty"`
	UserReceivedAccount string      `json:"user_received_account"`
	Amount              struct {
		Total       int64 `json:"total"` // all in fen
		Refund      int64 `json:"refund"`
		PayerTotal  int64 `json:"payer_total"`
		PayerRefund int64 `json:"payer_refund"`
	} `json:"amount"`
}

func (x refundNotice) withWrongAmount() message   { x.Amount.Refund++; return x }
func (x refundNotice) withOtherMerchant() message { x.payee = x.other(); return x }

// notification tells of the end of a refund.
func (r *refund) notification(m *Merchant, now time.Time) notification {
	named := r.trade.payee(m)
	named.AppID, named.SpAppID, named.SubAppID = "", "", ""
	x := refundNotice{payee: named, OutTradeNo: r.OutTradeNo, TransactionID: r.TransactionID,
		OutRefundNo: r.OutRefundNo, RefundID: r.RefundID, RefundStatus: r.State, SuccessTime: r.successTime(),
		UserReceivedAccount: r.Receiver}
	x.Amount.Total, x.Amount.PayerTotal = r.Total, r.Total
	x.Amount.Refund, x.Amount.PayerRefund = r.Amount, r.Amount
	summary := map[RefundState]string{RefundSucceeded: "退款成功", RefundAbnormal: "退款异常", RefundClosed: "退款关闭"}
	return notification{id: newID(), createdAt: now, url: r.NotifyURL, event: "REFUND." + string(r.State),
		kind: "refund", summary: summary[r.State], content: x, waits: resendWaits(), number: r.OutRefundNo,
		record: &r.Callbacks}
}
