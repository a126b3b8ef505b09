package wechatsim

import (
	"fmt"
	"unicode/utf8"
)

// transaction is the answer to a query, and the content of a payment's callback. Fields that are not sure before the
// payment are absent until then, not empty.
type transaction struct {
	payee
	OutTradeNo     string     `json:"out_trade_no"`
	TransactionID  string     `json:"transaction_id,omitempty"`
	TradeType      string     `json:"trade_type,omitempty"`
	TradeState     State      `json:"trade_state"`
	TradeStateDesc string     `json:"trade_state_desc"`
	BankType       string     `json:"bank_type,omitempty"`
	Attach         *string    `json:"attach,omitempty"` // "" when paid without one
	SuccessTime    string     `json:"success_time,omitempty"`
	Payer          *payer     `json:"payer,omitempty"`
	Amount         amount     `json:"amount"`
	SceneInfo      *sceneInfo `json:"scene_info,omitempty"`
}

type payer struct {
	OpenID    string `json:"openid,omitempty"`
	SpOpenID  string `json:"sp_openid,omitempty"`
	SubOpenID string `json:"sub_openid,omitempty"`
}

type amount struct {
	Total         int64  `json:"total"`                 // fen
	PayerTotal    int64  `json:"payer_total,omitempty"` // fen; equal to Total: there are no coupons here
	Currency      string `json:"currency"`
	PayerCurrency string `json:"payer_currency,omitempty"`
}

type sceneInfo struct {
	DeviceID string `json:"device_id"`
}

// transaction is how WeChat Pay describes an order to its merchant.
func (t *trade) transaction(m *Merchant) transaction {
	x := transaction{
		payee: t.payee(m), OutTradeNo: t.OutTradeNo, TradeState: t.State,
		Amount: amount{Total: t.Total, Currency: t.Currency},
	}
	switch t.State {
	case StateNotPaid:
		x.TradeStateDesc = "订单未支付"
	case StateClosed:
		x.TradeStateDesc = "订单已关闭"
	case StatePaid, StateRefunded:
		attach := t.Attach
		x.TradeStateDesc = "支付成功"
		if t.State == StateRefunded {
			x.TradeStateDesc = "转入退款"
		}
		x.TransactionID, x.TradeType, x.BankType = t.TransactionID, t.TradeType, "OTHERS"
		x.Attach, x.SuccessTime = &attach, rfc3339(t.PaidAt)
		x.Payer = t.payer(m)
		x.Amount.PayerTotal, x.Amount.PayerCurrency = t.Total, t.Currency
		if t.DeviceID != "" {
			x.SceneInfo = &sceneInfo{DeviceID: t.DeviceID}
		}
	}
	return x
}

// queryByNumber tells the merchant about an order in any state.
func (s *Server) queryByNumber(c call) (result, error) {
	number := c.PathValue("no")
	if err := s.checkLookup(c, "out_trade_no", number, 6); err != nil {
		return nil, err
	}
	if c.customerPays {
		s.customerPays(c.Context(), number)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.book.find(number, c.now)
	if t == nil || t.SubMchID != c.URL.Query().Get("sub_mchid") {
		return nil, orderNotExist()
	}
	if t.paid() && take(&s.faults.Stale) {
		before := trade{Trade: t.Trade}
		before.State = StateNotPaid
		return before.transaction(s.merchant), nil
	}
	return t.transaction(s.merchant), nil
}

// queryByID knows paid orders only: before, an order has no transaction_id.
func (s *Server) queryByID(c call) (result, error) {
	id := c.PathValue("id")
	if err := s.checkLookup(c, "transaction_id", id, 1); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.book.byID[id]
	if t == nil || t.SubMchID != c.URL.Query().Get("sub_mchid") {
		return nil, orderNotExist()
	}
	return t.transaction(s.merchant), nil
}

// checkLookup checks what both queries send: a number of at most 32 characters in the path, the merchant in the query.
func (s *Server) checkLookup(c call, name, value string, shortest int) error {
	q := c.URL.Query()
	named := payee{MchID: q.Get("mchid"), SpMchID: q.Get("sp_mchid"), SubMchID: q.Get("sub_mchid")}
	if err := s.checkPayee(c, named, "query"); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(value); n < shortest || n > 32 {
		return wrongParameter(numberOutOfRange, detail{Field: "/" + name, Value: value, Location: "url",
			Issue: fmt.Sprintf("长度应为 %d 到 32", shortest)})
	}
	return nil
}
