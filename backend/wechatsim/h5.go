package wechatsim

import (
	"cmp"
	"io"
	"net/http"
	"net/netip"
	"net/url"
)

// h5Path is the path of an h5_url, which is opaque to a merchant.
const h5Path = "/_sim/h5"

// h5 is POST /v3/pay/transactions/h5.
func h5() method {
	info := field{name: "h5_info", kind: object, required: true, fields: []field{
		{name: "type", kind: text, required: true, max: 32, form: oneOf("Wap", "iOS", "Android")},
		{name: "app_name", kind: text, max: 64},
		{name: "app_url", kind: text, max: 128},
		{name: "bundle_id", kind: text, max: 128},
		{name: "package_name", kind: text, max: 128},
	}}
	return method{tradeType: TypeH5, scene: sceneField(true, formClientIP, info), answer: "h5_url"}
}

// formClientIP wants the customer's own address. WeChat Pay's page forbids 127.0.0.1; a merchant that sends it has
// taken its own proxy for the customer.
func formClientIP(value string) string {
	a, err := netip.ParseAddr(value)
	switch {
	case err != nil:
		return "不是合法的IP地址"
	case a.Unmap().IsLoopback() || a.IsUnspecified():
		return "必须是用户的真实IP地址"
	}
	return ""
}

// PayH5 lets a customer pay in the page of an h5_url that was opened in time. Errors are those of Pay.
func (s *Server) PayH5(prepayID, payer string) (Trade, error) { return s.pay(TypeH5, prepayID, payer) }

// h5Page is the page of an h5_url. A phone's browser opens it from the merchant's page, as the Referer shows.
func (s *Server) h5Page(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	referer, err := url.Parse(r.Referer())
	wrong := ""
	switch {
	case inWeChat(r):
		wrong = "请在微信外打开订单，进行支付"
	case r.Referer() == "":
		wrong = "商家参数格式有误，请联系商家解决：没有Referer"
	case err != nil || !s.registered(referer.Host):
		wrong = "商家存在未配置的参数，请联系商家解决：Referer的域名未注册"
	case !s.mayReturn(q.Get("redirect_url")):
		wrong = "商家存在未配置的参数，请联系商家解决：redirect_url的域名未注册"
	}
	if wrong == "" {
		wrong = s.openH5(q.Get("prepay_id"), r)
	}
	if wrong != "" {
		s.showTrouble(w, http.StatusOK, wrong)
		return
	}
	s.show(w, http.StatusOK, s.withTrade(checkoutData{
		Kind: "h5", Merchant: s.merchant.Name, Payer: s.whoPays(), Return: q.Get("redirect_url"), PrepayID: q.Get("prepay_id"),
	}, q.Get("prepay_id")))
}

func (s *Server) mayReturn(to string) bool {
	if to == "" {
		return true
	}
	u, err := url.Parse(to)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && s.registered(u.Host)
}

// openH5 opens the page of an order and says why it cannot be.
func (s *Server) openH5(prepayID string, r *http.Request) (wrong string) {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.book.byCode[prepayID]
	if t == nil || t.TradeType != TypeH5 || "http://"+r.Host+h5Path+"?prepay_id="+prepayID+"&package="+
		r.URL.Query().Get("package") != t.H5URL {
		return "支付请求已失效，请重新发起支付"
	}
	if !now.Before(t.CodeExpiresAt) && t.opened != prepayID {
		return "支付请求已失效，请重新发起支付"
	}
	t.opened = prepayID
	return ""
}

func (s *Server) payH5(body io.Reader) (any, error) {
	var q struct {
		PrepayID string `json:"prepay_id"`
		Payer    string `json:"payer"`
	}
	if err := readControl(body, &q); err != nil {
		return nil, err
	}
	t, err := s.PayH5(q.PrepayID, cmp.Or(q.Payer, s.whoPays()))
	if err != nil {
		return nil, err
	}
	return struct {
		Order Trade `json:"order"`
	}{t}, nil
}
