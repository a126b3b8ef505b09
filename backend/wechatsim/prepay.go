package wechatsim

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// The trade_type of the three ways to pay.
const (
	TypeNative = "NATIVE"
	TypeJSAPI  = "JSAPI"
	TypeH5     = "MWEB"
)

// A method is one of the calls that make an order.
type method struct {
	partner   bool // of service providers
	tradeType string
	scene     field  // scene_info
	answer    string // the one field of the answer
}

// native is POST /v3/pay/transactions/native.
func native() method {
	return method{tradeType: TypeNative, scene: sceneField(false, formIP), answer: "code_url"}
}

// table is the request of a method. limit_pay is left out on purpose: only SDKs have it, today's pages do not.
func (m method) table() []field {
	goods := []field{
		{name: "merchant_goods_id", kind: text, required: true, max: 32},
		{name: "wechatpay_goods_id", kind: text, max: 32},
		{name: "goods_name", kind: text, max: 256},
		{name: "quantity", kind: whole, required: true},
		{name: "unit_price", kind: whole, required: true},
	}
	list := append(payeeFields(m.partner, true), []field{
		{name: "description", kind: text, required: true, max: 127},
		{name: "out_trade_no", kind: text, required: true, min: 6, max: 32, form: formOutTradeNo},
		{name: "time_expire", kind: text, max: 64, form: formTime},
		{name: "attach", kind: text, max: 128},
		{name: "notify_url", kind: text, required: true, max: 255, form: formNotifyURL},
		{name: "goods_tag", kind: text, max: 32},
		{name: "support_fapiao", kind: flag},
		{name: "amount", kind: object, required: true, fields: []field{
			{name: "total", kind: whole, required: true, min: 1},
			{name: "currency", kind: text, max: 16, form: formCurrency},
		}},
		{name: "detail", kind: object, size: 6144, fields: []field{
			{name: "cost_price", kind: whole},
			{name: "invoice_id", kind: text, max: 32},
			{name: "goods_detail", kind: list, min: 1, fields: goods},
		}},
		m.scene,
		{name: "settle_info", kind: object, fields: []field{{name: "profit_sharing", kind: flag}}},
	}...)
	if m.tradeType == TypeJSAPI {
		list = append(list, payerField(m.partner))
	}
	return list
}

func sceneField(required bool, formOfIP func(string) string, own ...field) field {
	store := []field{
		{name: "id", kind: text, required: true, max: 32},
		{name: "name", kind: text, max: 256},
		{name: "area_code", kind: text, max: 32},
		{name: "address", kind: text, max: 512},
	}
	return field{name: "scene_info", kind: object, required: required, fields: append([]field{
		{name: "payer_client_ip", kind: text, required: true, max: 45, form: formOfIP},
		{name: "device_id", kind: text, max: 32},
		{name: "store_info", kind: object, fields: store},
	}, own...)}
}

// prepayRequest is what the simulator uses of it.
type prepayRequest struct {
	payee
	Description string    `json:"description"`
	OutTradeNo  string    `json:"out_trade_no"`
	TimeExpire  time.Time `json:"time_expire"`
	Attach      string    `json:"attach"`
	NotifyURL   string    `json:"notify_url"`
	Amount      struct {
		Total    int64  `json:"total"` // fen
		Currency string `json:"currency"`
	} `json:"amount"`
	SceneInfo struct {
		DeviceID string `json:"device_id"`
	} `json:"scene_info"`
	SettleInfo struct {
		ProfitSharing bool `json:"profit_sharing"`
	} `json:"settle_info"`
	Payer payer `json:"payer"`
}

func formOutTradeNo(value string) string {
	if strings.Trim(value, alphanumeric+"_-|*") != "" {
		return "只能包含数字、大小写字母和 _-|*"
	}
	return ""
}

func formTime(value string) string {
	// UnmarshalText is stricter than time.Parse, and decode uses it again: what passes here passes there. Both take a
	// comma before a fraction of a second, which RFC 3339 does not.
	if err := new(time.Time).UnmarshalText([]byte(value)); err != nil || strings.Contains(value, ",") {
		return "不符合RFC 3339格式"
	}
	return ""
}

// formNotifyURL does not look at the host: a simulator has to call the machine that it runs on.
func formNotifyURL(value string) string {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "必须是以https://或http://开头的完整URL"
	case strings.ContainsAny(value, "?#"):
		return "不能携带参数"
	}
	return ""
}

func formCurrency(value string) string {
	if value != "CNY" {
		return "只支持CNY"
	}
	return ""
}

func formIP(value string) string {
	if _, err := netip.ParseAddr(value); err != nil {
		return "不是合法的IP地址"
	}
	return ""
}

// prepay makes an order, or gives a known one a new code, page or prepay_id.
func (s *Server) prepay(m method) func(call) (result, error) {
	table := m.table()
	return func(c call) (result, error) {
		var q prepayRequest
		params, err := decode(c.body, table, &q)
		if err != nil {
			return nil, err
		}
		if err := s.checkPayee(c, q.payee, "body"); err != nil {
			return nil, err
		}
		if err := s.checkAppIDs(c, q.payee); err != nil {
			return nil, err
		}
		t, err := s.order(q, m.tradeType, params, c)
		if err != nil {
			return nil, err
		}
		if c.customerPays {
			s.customerPays(c.Context(), q.OutTradeNo)
		}
		return map[string]string{m.answer: t.given()}, nil
	}
}

// order applies the rules of a repeated request (重入): with the same parameters to the same call it is given a new code
// and the old one dies; with any other it is refused, and so is a number that was paid or closed.
func (s *Server) order(q prepayRequest, tradeType, params string, c call) (Trade, error) {
	pageAppID, openid := cmp.Or(q.AppID, q.SpAppID), ""
	if tradeType == TypeJSAPI {
		var err error
		if pageAppID, err = q.Payer.appID(q.payee, c); err != nil {
			return Trade{}, err
		}
		openid = cmp.Or(q.Payer.OpenID, q.Payer.SpOpenID, q.Payer.SubOpenID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.book.find(q.OutTradeNo, c.now)
	switch {
	case t == nil:
		if payer := s.accounts[openid]; tradeType == TypeJSAPI && (payer == "" || openid != openID(pageAppID, payer)) {
			return Trade{}, wrongParameter(numberParameter, detail{Field: "/payer/openid", Location: "body",
				Issue: "无效的openid"})
		}
		t = s.book.add(Trade{
			OutTradeNo: q.OutTradeNo, Description: q.Description, Attach: q.Attach, NotifyURL: q.NotifyURL,
			Total: q.Amount.Total, Currency: cmp.Or(q.Amount.Currency, "CNY"), DeviceID: q.SceneInfo.DeviceID,
			TradeType: tradeType, OpenID: openid, SubMchID: q.SubMchID, SubAppID: q.SubAppID,
		}, params, q.TimeExpire, c.now)
		t.pageAppID = pageAppID
		t.profitSharing = q.SettleInfo.ProfitSharing
	case t.State == StateClosed:
		return Trade{}, &refusal{status: http.StatusBadRequest, number: numberClosed, Code: "ORDER_CLOSED",
			Message: "订单已关闭"}
	case t.paid():
		// The v3 pages name no code for this case; ORDERPAID is that of v2.
		return Trade{}, &refusal{status: http.StatusBadRequest, number: numberPaid, Code: "ORDERPAID", Message: "该订单已支付"}
	case t.params != params || t.TradeType != tradeType:
		return Trade{}, &refusal{status: http.StatusForbidden, number: numberDifferent, Code: "OUT_TRADE_NO_USED",
			Message: "201 商户订单号重复"}
	}
	s.book.newCode(t, "http://"+c.Host, c.now)
	return t.Trade, nil
}
