package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"

	"saoma/backend/pay"
)

var _ pay.RefundGateway = (*Gateway)(nil)

const (
	refundPath = "/v3/refund/domestic/refunds"

	// refundIDMax and transactionIDMax are WeChat Pay's, in bytes.
	refundIDMax      = 64
	transactionIDMax = 32
)

// A refundRequest is the body of POST /v3/refund/domestic/refunds (doc 4013071036), exactly the fields that we
// use. It has no mchid and no appid: with them it would be refused.
type refundRequest struct {
	SubMchID      string `json:"sub_mchid,omitempty"` // of a service provider's merchant
	TransactionID string `json:"transaction_id"`
	OutRefundNo   string `json:"out_refund_no"`
	Reason        string `json:"reason,omitempty"`
	NotifyURL     string `json:"notify_url"`
	Amount        struct {
		Refund   pay.Fen `json:"refund"`
		Total    pay.Fen `json:"total"`
		Currency string  `json:"currency"`
	} `json:"amount"`
}

// ComposeRefund implements [pay.RefundGateway]. What WeChat Pay would refuse for certain is refused here,
// before it is stored for ever.
func (g *Gateway) ComposeRefund(t pay.RefundTerms) ([]byte, error) {
	a := g.account(t.Merchant)
	if a == nil {
		return nil, fmt.Errorf("merchant %.40q has no account", string(t.Merchant))
	}
	if a.RefundNotifyURL == "" {
		// Without one in the request, the news of a refund goes to the platform's address in the form of
		// version 2 of the API, or nowhere.
		return nil, fmt.Errorf("the account of merchant %.40q has no address for refund callbacks", string(t.Merchant))
	}
	if err := checkRefund(t); err != nil {
		return nil, err
	}
	r := refundRequest{
		SubMchID: a.SubMchID, TransactionID: t.TransactionID, OutRefundNo: string(t.ID), Reason: t.Reason, NotifyURL: a.RefundNotifyURL,
	}
	r.Amount.Refund, r.Amount.Total, r.Amount.Currency = t.Amount, t.Total, pay.Currency
	return json.Marshal(r)
}

// subMchID is the parameter that calls of a service provider have beside those of a direct merchant, after a mark.
func (a Account) subMchID(mark string) string {
	if a.SubMchID == "" {
		return ""
	}
	return mark + "sub_mchid=" + url.QueryEscape(a.SubMchID)
}

func checkRefund(t pay.RefundTerms) error {
	// WeChat Pay also takes |*@ in a number, but they need escaping in paths.
	if n := len(t.ID); n == 0 || n > refundIDMax || strings.Trim(string(t.ID), capitals+letters+digits+"_-") != "" {
		return fmt.Errorf("out_refund_no %.80q must be 1 to %d letters, digits, _ and -", string(t.ID), refundIDMax)
	}
	if n := len(t.TransactionID); n == 0 || n > transactionIDMax ||
		strings.Trim(t.TransactionID, capitals+letters+digits) != "" {
		return fmt.Errorf("transaction_id %.40q must be 1 to %d letters and digits", t.TransactionID, transactionIDMax)
	}
	switch {
	case t.Amount <= 0:
		return fmt.Errorf("refund must be above 0 fen, not %d", t.Amount)
	case t.Amount > t.Total:
		return fmt.Errorf("refund must be at most the total of %d fen, not %d", t.Total, t.Amount)
	case len(t.Reason) > pay.ReasonMax:
		return fmt.Errorf("reason must have at most %d bytes, not %d", pay.ReasonMax, len(t.Reason))
	}
	return checkText("reason", t.Reason)
}

// Refund implements [pay.RefundGateway]. The request is posted and signed byte for byte as given.
func (g *Gateway) Refund(ctx context.Context, m pay.MerchantID, request []byte) (pay.RefundReport, error) {
	const op = "refund"
	var asked refundRequest
	if err := json.Unmarshal(request, &asked); err != nil || asked.OutRefundNo == "" {
		// Nothing was sent now, but perhaps before: whoever reads the books must not take this for a refusal.
		return pay.RefundReport{}, &pay.GatewayError{
			Op: op, Outcome: pay.Unsure, Err: errors.New("the stored request has no out_refund_no"),
		}
	}
	a, err := g.call(ctx, op, m, http.StatusOK, func(ctx context.Context, a *account) (*core.APIResult, error) {
		return a.client.Post(ctx, consts.WechatPayAPIServer+refundPath, request)
	})
	if err != nil {
		return pay.RefundReport{}, err
	}
	return a.refund(op, m, pay.RefundID(asked.OutRefundNo))
}

// QueryRefund implements [pay.RefundGateway].
func (g *Gateway) QueryRefund(ctx context.Context, m pay.MerchantID, id pay.RefundID) (pay.RefundReport, error) {
	const op = "query refund"
	a, err := g.call(ctx, op, m, http.StatusOK, func(ctx context.Context, a *account) (*core.APIResult, error) {
		return a.client.Get(ctx, consts.WechatPayAPIServer+refundPath+"/"+url.PathEscape(string(id))+a.subMchID("?"))
	})
	if err != nil {
		// Here it is the number that WeChat Pay does not know; after a POST it is the payment.
		if e, ok := errors.AsType[*pay.GatewayError](err); ok &&
			e.Status == http.StatusNotFound && e.Code == "RESOURCE_NOT_EXISTS" {
			e.Outcome = pay.Missing
		}
		return pay.RefundReport{}, err
	}
	return a.refund(op, m, id)
}

// refund reads an answer as what it says of the refund that was asked for.
func (a answer) refund(op string, m pay.MerchantID, id pay.RefundID) (pay.RefundReport, error) {
	r, err := decodeRefund(a.body)
	if err != nil {
		return pay.RefundReport{}, a.unsure(op, err)
	}
	// The signature of an answer does not cover the question.
	if r.OutRefundNo != string(id) {
		return pay.RefundReport{}, a.unsure(op, fmt.Errorf("the answer is about out_refund_no %.80q", r.OutRefundNo))
	}
	report, err := r.report(r.Status, a.signedAt)
	if err != nil {
		return pay.RefundReport{}, a.unsure(op, err)
	}
	report.Merchant, report.Source = m, pay.FromQuery
	return report, nil
}

// A refund is the answer to a refund or its query (doc 4013071041) and the decrypted resource of a refund
// callback (doc 4013071196). Fields that we do not use, or that WeChat Pay may add, are left out.
type refund struct {
	payee                // only in callbacks, without appids
	RefundID      string `json:"refund_id"`
	OutRefundNo   string `json:"out_refund_no"`
	TransactionID string `json:"transaction_id"`
	OutTradeNo    string `json:"out_trade_no"`
	Status        string `json:"status"`        // only in answers
	RefundStatus  string `json:"refund_status"` // the same, only in callbacks
	SuccessTime   string `json:"success_time"`
	Amount        struct {
		Refund   pay.Fen `json:"refund"` // what was asked for; payer_refund is smaller when coupons were used
		Total    pay.Fen `json:"total"`
		Currency string  `json:"currency"` // not in callbacks
	} `json:"amount"`
}

func decodeRefund(text []byte) (refund, error) {
	var r refund
	if err := json.Unmarshal(text, &r); err != nil {
		return refund{}, fmt.Errorf("decode the refund: %w", err)
	}
	return r, nil
}

// refundState returns our word for WeChat Pay's status, or "".
func refundState(status string) pay.RefundState {
	switch status {
	case "PROCESSING":
		return pay.RefundProcessing
	case "SUCCESS":
		return pay.RefundSucceeded
	case "ABNORMAL":
		return pay.RefundAbnormal
	case "CLOSED":
		return pay.RefundClosed
	}
	return ""
}

// report makes the statement about the refund. Whether amounts and names are those of our refund is for the
// domain to see. A refund does not get lost for want of a readable success_time: then it counts from when
// WeChat Pay signed the statement.
func (r refund) report(status string, signedAt time.Time) (pay.RefundReport, error) {
	state := refundState(status)
	switch {
	case state == "":
		return pay.RefundReport{}, fmt.Errorf("the refund's status %.40q is none that we know", status)
	case r.OutRefundNo == "" || r.RefundID == "" || r.OutTradeNo == "" || r.TransactionID == "":
		return pay.RefundReport{}, errors.New("the refund lacks one of its four numbers")
	case r.Amount.Refund <= 0 || r.Amount.Total <= 0:
		return pay.RefundReport{}, fmt.Errorf("the refund is of %d fen out of %d", r.Amount.Refund, r.Amount.Total)
	case r.Amount.Currency != "" && r.Amount.Currency != pay.Currency:
		return pay.RefundReport{}, fmt.Errorf("the refund is in %.16q, not in %s", r.Amount.Currency, pay.Currency)
	}
	report := pay.RefundReport{
		ID: pay.RefundID(r.OutRefundNo), WeChatID: r.RefundID, OutTradeNo: r.OutTradeNo,
		TransactionID: r.TransactionID, State: state, Amount: r.Amount.Refund, Total: r.Amount.Total,
	}
	if state == pay.RefundSucceeded {
		doneAt, err := time.Parse(time.RFC3339, r.SuccessTime)
		if err != nil {
			doneAt = signedAt
		}
		report.DoneAt = doneAt
	}
	return report, nil
}
