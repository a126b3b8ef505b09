package wechatsim

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// jsapi is POST /v3/pay/transactions/jsapi. The openid must be one that this WeChat has given to the merchant's
// official account: see LogIn.
func jsapi() method {
	return method{tradeType: TypeJSAPI, scene: sceneField(false, formIP), answer: "prepay_id"}
}

// A BridgeCall is what a page hands to WeixinJSBridge.invoke('getBrandWCPayRequest', …).
type BridgeCall struct {
	AppID     string `json:"appId"`
	TimeStamp string `json:"timeStamp"` // seconds
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"` // prepay_id=…
	SignType  string `json:"signType"`
	PaySign   string `json:"paySign"`
}

// PayJSAPI lets payer pay in the page that makes the call, "" being whoever is logged in. A call that WeChat's app
// would not take is an error of its own kind; otherwise the errors are those of Pay.
func (s *Server) PayJSAPI(c BridgeCall, payer string) (Trade, error) {
	if err := s.checkBridgeCall(c); err != nil {
		return Trade{}, err
	}
	s.mu.Lock()
	payer = cmp.Or(payer, s.payer)
	s.mu.Unlock()
	return s.pay(TypeJSAPI, strings.TrimPrefix(c.Package, "prepay_id="), payer)
}

// checkBridgeCall is what WeChat's app looks at before it shows the sum.
func (s *Server) checkBridgeCall(c BridgeCall) error {
	id, isID := strings.CutPrefix(c.Package, "prepay_id=")
	switch {
	case c.AppID != s.pageAppID(id):
		return errors.New("appId错误")
	case c.TimeStamp == "" || strings.Trim(c.TimeStamp, digits) != "":
		return errors.New("timeStamp必须是秒数的字符串")
	case c.NonceStr == "" || len(c.NonceStr) > 32:
		return errors.New("nonceStr必须有1到32个字符")
	case !isID || id == "":
		return errors.New("package必须是prepay_id=…")
	case c.SignType != "RSA":
		return errors.New("signType必须是RSA")
	case !s.signedByMerchant(lines(c.AppID, c.TimeStamp, c.NonceStr, c.Package), c.PaySign):
		return errors.New("支付验证签名失败")
	}
	return nil
}

// pageAppID is the appid under which the payer of an order is known, that of the merchant if there is no such order.
func (s *Server) pageAppID(prepayID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.book.byCode[prepayID]; t != nil {
		return t.pageAppID
	}
	return s.merchant.AppID
}

// signedByMerchant reports whether any of the merchant's keys has signed; a call of the page does not say which.
func (s *Server) signedByMerchant(message []byte, signature string) bool {
	for _, key := range s.keys.requests {
		if verify(key, message, signature) == nil {
			return true
		}
	}
	return false
}

// sheet is the page that bridge.js opens: what WeChat shows over the merchant's page.
func (s *Server) sheet(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c := BridgeCall{q.Get("appId"), q.Get("timeStamp"), q.Get("nonceStr"), q.Get("package"), q.Get("signType"), q.Get("paySign")}
	data := checkoutData{Kind: "jsapi", Call: c, Does: q.Get("does"), Merchant: s.merchant.Name, Payer: s.whoPays()}
	page, err := url.Parse(q.Get("page"))
	switch {
	case err != nil || !s.registered(page.Host):
		data.Trouble = "当前页面的URL未注册"
	default:
		if err := s.checkBridgeCall(c); err != nil {
			data.Trouble = err.Error()
		}
	}
	s.show(w, http.StatusOK, s.withTrade(data, strings.TrimPrefix(c.Package, "prepay_id=")))
}

func (s *Server) whoPays() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.payer
}

func (s *Server) paySheet(body io.Reader) (any, error) {
	var q struct {
		BridgeCall
		Payer string `json:"payer"`
	}
	if err := readControl(body, &q); err != nil {
		return nil, err
	}
	if err := s.checkBridgeCall(q.BridgeCall); err != nil {
		return nil, &controlError{http.StatusBadRequest, "bad_call", err.Error()}
	}
	t, err := s.PayJSAPI(q.BridgeCall, q.Payer)
	if err != nil {
		return nil, err
	}
	return struct {
		Order Trade `json:"order"`
	}{t}, nil
}
