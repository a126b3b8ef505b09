package wechat

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"saoma/backend/pay"
)

// A transaction is the answer to a query (doc 4012791880) and the decrypted resource of a payment callback
// (doc 4012791882). Of an unpaid one only the names and the state are there. Fields that we do not use, or
// that WeChat Pay may add, are left out.
type transaction struct {
	payee
	OutTradeNo    string         `json:"out_trade_no"`
	TransactionID string         `json:"transaction_id"`
	TradeState    pay.TradeState `json:"trade_state"`
	SuccessTime   string         `json:"success_time"`
	Amount        struct {
		Total    pay.Fen `json:"total"` // what was asked for; payer_total is smaller when coupons were used
		Currency string  `json:"currency"`
	} `json:"amount"`
}

func decodeTransaction(text []byte) (transaction, error) {
	var t transaction
	if err := json.Unmarshal(text, &t); err != nil {
		return transaction{}, fmt.Errorf("decode the transaction: %w", err)
	}
	return t, nil
}

// trade reads a transaction as the answer to a query.
func (t transaction) trade(m pay.MerchantID, signedAt time.Time) (pay.Trade, error) {
	switch t.TradeState {
	case pay.TradeNotPaid, pay.TradeClosed:
		return pay.Trade{State: t.TradeState}, nil
	case pay.TradeSuccess, pay.TradeRefunded:
		n, err := t.notice(m, pay.FromQuery, signedAt)
		if err != nil {
			return pay.Trade{}, err
		}
		return pay.Trade{State: t.TradeState, Notice: n}, nil
	}
	// REVOKED, USERPAYING and PAYERROR belong to payment codes, which we do not take.
	return pay.Trade{}, fmt.Errorf("trade_state %.40q is not one of a payment by code, page or browser", string(t.TradeState))
}

// notice makes the statement that the trade was paid. Whether the amounts and names are the right ones is
// for [pay.Cashier.Settle] to see. A payment does not get lost for want of a readable success_time: then it
// counts from when WeChat Pay signed the statement.
func (t transaction) notice(m pay.MerchantID, source pay.Source, signedAt time.Time) (pay.Notice, error) {
	switch {
	case t.OutTradeNo == "":
		return pay.Notice{}, fmt.Errorf("a paid transaction has no out_trade_no")
	case t.TransactionID == "":
		return pay.Notice{}, fmt.Errorf("a paid transaction has no transaction_id")
	case t.Amount.Total <= 0:
		return pay.Notice{}, fmt.Errorf("a paid transaction has a total of %d fen", t.Amount.Total)
	}
	paidAt, err := time.Parse(time.RFC3339, t.SuccessTime)
	if err != nil {
		paidAt = signedAt
	}
	return pay.Notice{
		Merchant: m, Source: source, OutTradeNo: t.OutTradeNo,
		// Only one of the two forms is there. That it is the one of this merchant shows in SubMchID.
		MchID: cmp.Or(t.MchID, t.SpMchID), AppID: cmp.Or(t.AppID, t.SpAppID), SubMchID: t.SubMchID,
		TransactionID: t.TransactionID, Total: t.Amount.Total, Currency: t.Amount.Currency, PaidAt: paidAt,
	}, nil
}
