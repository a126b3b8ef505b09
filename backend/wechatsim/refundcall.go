package wechatsim

import (
	"cmp"
	"fmt"
	"math/bits"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// refundTable is the request of POST /v3/refund/domestic/refunds. It has no mchid and no appid: they are refused.
func refundTable() []field {
	return []field{
		{name: "transaction_id", kind: text, min: 1, max: 32},
		{name: "out_trade_no", kind: text, min: 6, max: 32, form: formOutTradeNo},
		{name: "out_refund_no", kind: text, required: true, max: 64, form: formOutRefundNo},
		{name: "reason", kind: text, size: 80},
		{name: "notify_url", kind: text, max: 256, form: formNotifyURL},
		{name: "funds_account", kind: text, form: oneOf("AVAILABLE", "UNSETTLED")},
		{name: "amount", kind: object, required: true, fields: []field{
			{name: "refund", kind: whole, required: true, min: 1},
			{name: "total", kind: whole, required: true, min: 1},
			{name: "currency", kind: text, required: true, max: 16, form: formCurrency},
			{name: "from", kind: list, fields: []field{
				{name: "account", kind: text, required: true, form: oneOf("AVAILABLE", "UNAVAILABLE")},
				{name: "amount", kind: whole, required: true, min: 1},
			}},
		}},
		{name: "goods_detail", kind: list, fields: []field{
			{name: "merchant_goods_id", kind: text, required: true, max: 32},
			{name: "wechatpay_goods_id", kind: text, max: 32},
			{name: "goods_name", kind: text, max: 256},
			{name: "unit_price", kind: whole, required: true},
			{name: "refund_amount", kind: whole, required: true},
			{name: "refund_quantity", kind: whole, required: true},
		}},
	}
}

func formOutRefundNo(value string) string {
	if strings.Trim(value, alphanumeric+"_-|*@") != "" {
		return "只能包含数字、大小写字母和 _-|*@"
	}
	return ""
}

// refundSource is from which account of a profit-sharing merchant a part of a refund is paid.
type refundSource struct {
	Account string `json:"account"`
	Amount  int64  `json:"amount"` // fen
}

// refundRequest is what the simulator uses of it.
type refundRequest struct {
	SubMchID      string `json:"sub_mchid"`
	TransactionID string `json:"transaction_id"`
	OutTradeNo    string `json:"out_trade_no"`
	OutRefundNo   string `json:"out_refund_no"`
	Reason        string `json:"reason"`
	NotifyURL     string `json:"notify_url"`
	FundsAccount  string `json:"funds_account"`
	Amount        struct {
		Refund int64          `json:"refund"` // fen
		Total  int64          `json:"total"`  // fen
		From   []refundSource `json:"from"`
	} `json:"amount"`
}

// refundAnswer is what the API says about a refund.
type refundAnswer struct {
	RefundID            string       `json:"refund_id"`
	OutRefundNo         string       `json:"out_refund_no"`
	TransactionID       string       `json:"transaction_id"`
	OutTradeNo          string       `json:"out_trade_no"`
	Channel             string       `json:"channel"`
	UserReceivedAccount string       `json:"user_received_account"`
	SuccessTime         string       `json:"success_time,omitempty"`
	CreateTime          string       `json:"create_time"`
	Status              RefundState  `json:"status"`
	FundsAccount        string       `json:"funds_account"`
	Amount              refundAmount `json:"amount"`
}

// refundAmount is all in fen. The payer's and the settled amounts equal the full ones: there are no coupons here.
type refundAmount struct {
	Total            int64          `json:"total"`
	Refund           int64          `json:"refund"`
	From             []refundSource `json:"from,omitempty"`
	PayerTotal       int64          `json:"payer_total"`
	PayerRefund      int64          `json:"payer_refund"`
	SettlementTotal  int64          `json:"settlement_total"`
	SettlementRefund int64          `json:"settlement_refund"`
	DiscountRefund   int64          `json:"discount_refund"`
	Currency         string         `json:"currency"`
}

func (r *refund) answer() refundAnswer {
	return refundAnswer{
		RefundID: r.RefundID, OutRefundNo: r.OutRefundNo, TransactionID: r.TransactionID, OutTradeNo: r.OutTradeNo,
		Channel: r.Channel, UserReceivedAccount: r.Receiver, SuccessTime: r.successTime(),
		CreateTime: rfc3339(r.CreatedAt), Status: r.State, FundsAccount: r.FundsAccount,
		Amount: refundAmount{Total: r.Total, Refund: r.Amount, From: r.from, PayerTotal: r.Total, PayerRefund: r.Amount,
			SettlementTotal: r.Total, SettlementRefund: r.Amount, Currency: r.Currency},
	}
}

// successTime is absent until the money is back.
func (r *refund) successTime() string {
	if r.State != RefundSucceeded {
		return ""
	}
	return rfc3339(r.EndedAt)
}

// createRefund accepts a refund, or tells how a known one stands.
func (s *Server) createRefund(c call) (result, error) {
	var q refundRequest
	params, err := decode(c.body, s.withSubMchID(refundTable()), &q)
	if err != nil {
		return nil, err
	}
	if err := s.checkSubMchID(q.SubMchID, "body"); err != nil {
		return nil, err
	}
	if (q.TransactionID == "") == (q.OutTradeNo == "") {
		return nil, refuseField(numberParameter, "/out_trade_no", nil, "transaction_id和out_trade_no必须且只能填写一个")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.book.refunds[q.OutRefundNo]; known != nil {
		if known.params != params {
			return nil, invalidRequest("订单退款请求的参数与之前同一商户退款单号的请求不一致")
		}
		return known.answer(), nil
	}
	r, err := s.acceptRefund(q, params, c.now)
	if err != nil {
		return nil, err
	}
	return r.answer(), nil
}

// acceptRefund enters a new refund and sets it off. A refused one leaves no trace: its number may be used again. The
// caller holds s.mu.
func (s *Server) acceptRefund(q refundRequest, params string, now time.Time) (*refund, error) {
	t := s.book.byID[q.TransactionID]
	if q.OutTradeNo != "" {
		t = s.book.find(q.OutTradeNo, now)
	}
	if t != nil && t.SubMchID != q.SubMchID {
		t = nil // another merchant's of the service provider
	}
	r := &refund{params: params, trade: t, from: q.Amount.From, Refund: Refund{OutRefundNo: q.OutRefundNo,
		Reason: q.Reason, NotifyURL: q.NotifyURL, Amount: q.Amount.Refund, Total: q.Amount.Total,
		FundsAccount: cmp.Or(q.FundsAccount, "AVAILABLE")}}
	if err := r.check(now); err != nil {
		return nil, err
	}
	r.fee = share(t.fee, r.Amount, t.Total)
	if err := s.faults.RefundOutcome.refusal(); err != nil {
		return nil, err
	}
	if r.cost() > s.book.account.balances[t.SubMchID] {
		return nil, notEnough()
	}
	s.book.addRefund(r, now)
	s.setOff(r)
	return r, nil
}

// check holds a new refund against its order.
func (r *refund) check(now time.Time) error {
	t := r.trade
	if t == nil || !t.paid() {
		return refundNotExist("订单不存在，或尚未支付")
	}
	switch {
	case now.After(t.PaidAt.Add(refundLife)):
		return invalidRequest("订单已经超过可退款的最大期限")
	case r.Total != t.Total:
		return invalidRequest("订单金额与原订单不一致")
	case r.Amount > t.Total-t.refunded():
		return invalidRequest("申请退款金额大于订单的可退金额")
	case len(r.from) > 0 && !t.profitSharing:
		return invalidRequest("非分账订单不能指定出资账户")
	case len(t.refunds) >= refundCount:
		return invalidRequest(fmt.Sprintf("一笔订单最多退款 %d 次", refundCount))
	case len(t.refunds) > 0 && now.Before(t.refunds[len(t.refunds)-1].CreatedAt.Add(refundGap)):
		return &refusal{status: http.StatusTooManyRequests, number: numberFrequency, Code: "FREQUENCY_LIMITED",
			Message: "同一订单的多次退款请间隔1分钟以上"}
	}
	return nil
}

// share is the part of a fee, in fen, that belongs to part of total; rounded down.
func share(fee, part, total int64) int64 {
	if fee == 0 || part == total {
		return fee
	}
	high, low := bits.Mul64(uint64(fee), uint64(part))
	quotient, _ := bits.Div64(high, low, uint64(total))
	return int64(quotient)
}

// queryRefund tells how a refund stands.
func (s *Server) queryRefund(c call) (result, error) {
	number := c.PathValue("no")
	if n := utf8.RuneCountInString(number); n > 64 || formOutRefundNo(number) != "" {
		return nil, wrongParameter(numberParameter, detail{Field: "/out_refund_no", Value: number, Location: "url",
			Issue: "最多64个字符，只能包含数字、大小写字母和 _-|*@"})
	}
	subMchID := c.URL.Query().Get("sub_mchid")
	if err := s.checkSubMchID(subMchID, "query"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.book.refunds[number]
	if r == nil || r.trade.SubMchID != subMchID {
		return nil, refundNotExist("退款单不存在")
	}
	return r.answer(), nil
}

func refundNotExist(message string) error {
	return &refusal{status: http.StatusNotFound, number: numberNotPublished, Code: "RESOURCE_NOT_EXISTS",
		Message: message}
}

func notEnough() error {
	return &refusal{status: http.StatusForbidden, number: numberNotPublished, Code: "NOT_ENOUGH",
		Message: "基本账户余额不足，请充值后重新发起"}
}
