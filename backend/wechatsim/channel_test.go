package wechatsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	jsapiPath = "/v3/pay/transactions/jsapi"
	h5APIPath = "/v3/pay/transactions/h5"
	wechatUA  = "Mozilla/5.0 (iPhone) Mobile/15E148 MicroMessenger/8.0.60"
	phoneUA   = "Mozilla/5.0 (iPhone) Version/18.0 Mobile/15E148 Safari/604.1"
)

// jsapi is the body of a JSAPI order for a customer.
func (s *shop) jsapi(number, openid string) string {
	return s.order(number, `,"payer":{"openid":"`+openid+`"}`)
}

// h5 is the body of an H5 order.
func (s *shop) h5(number string) string {
	return s.order(number, `,"scene_info":{"payer_client_ip":"203.0.113.9","h5_info":{"type":"Wap"}}`)
}

// one is the only field of an answer.
func (s *shop) one(a answer, name string) string {
	s.t.Helper()
	a.want(200, "").wantNumber("0")
	if err := s.verify(a.header, a.body); err != nil {
		s.t.Fatal(err)
	}
	value, _ := fields(s.t, a.body)[name].(string)
	if value == "" || len(fields(s.t, a.body)) != 1 {
		s.t.Fatalf("answer %s, want %s", a.body, name)
	}
	return value
}

// browse opens an address of the simulator as a browser does.
func (s *shop) browse(address, userAgent, referer string) *httptest.ResponseRecorder {
	s.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequest("GET", u.RequestURI(), nil)
	r.Header.Set("User-Agent", userAgent)
	if referer != "" {
		r.Header.Set("Referer", referer)
	}
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, r)
	return w
}

// bridge is the call of a page that does all right.
func (s *shop) bridge(prepayID string) BridgeCall {
	c := BridgeCall{AppID: s.merchant.AppID, TimeStamp: fmt.Sprint(s.now().Unix()), NonceStr: "593BEC0C930BF1AF",
		Package: "prepay_id=" + prepayID, SignType: "RSA"}
	c.PaySign = s.sign(c.AppID + "\n" + c.TimeStamp + "\n" + c.NonceStr + "\n" + c.Package + "\n")
	return c
}

func TestJSAPI(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	openid := s.sim.LogIn("小红")
	id := s.one(s.send("POST", jsapiPath, s.jsapi("ORDER0001", openid)), "prepay_id")
	if !strings.HasPrefix(id, "wx20") || len(id) > 64 {
		t.Errorf("prepay_id %q", id)
	}
	if _, err := s.sim.Pay(id, ""); err == nil {
		t.Error("a prepay_id was scanned like a code")
	}
	trade, err := s.sim.PayJSAPI(s.bridge(id), "")
	if err != nil || trade.Payer != "小红" || trade.OpenID != openid {
		t.Fatalf("%+v, %v", trade, err)
	}
	if q := s.query("ORDER0001"); q["trade_type"] != "JSAPI" || q["trade_state"] != "SUCCESS" ||
		q["payer"].(map[string]any)["openid"] != openid {
		t.Errorf("the query says %v", q)
	}
}

// A JSAPI order is one customer's: the openid must be known, and nobody else can pay.
func TestJSAPIOfAnotherCustomer(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.send("POST", jsapiPath, s.jsapi("ORDER0001", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")).want(400, "PARAM_ERROR")
	if a.error.Detail == nil || a.error.Detail.Field != "/payer/openid" || a.error.Detail.Value != nil {
		t.Errorf("detail %+v", a.error.Detail)
	}
	s.send("POST", jsapiPath, s.order("ORDER0001", "")).want(400, "PARAM_ERROR")
	id := s.one(s.send("POST", jsapiPath, s.jsapi("ORDER0001", s.sim.LogIn(""))), "prepay_id")
	if _, err := s.sim.PayJSAPI(s.bridge(id), "小红"); err == nil {
		t.Error("another customer paid")
	}
}

// Each of the five signed values is looked at.
func TestBridgeCalls(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.one(s.send("POST", jsapiPath, s.jsapi("ORDER0001", s.sim.LogIn(""))), "prepay_id")
	for name, spoil := range map[string]func(*BridgeCall){
		"appId":     func(c *BridgeCall) { c.AppID = "wx0" },
		"timeStamp": func(c *BridgeCall) { c.TimeStamp = "2026-01-01" },
		"time":      func(c *BridgeCall) { c.TimeStamp += "0" },
		"nonceStr":  func(c *BridgeCall) { c.NonceStr = strings.Repeat("n", 33) },
		"nonce":     func(c *BridgeCall) { c.NonceStr += "n" },
		"package":   func(c *BridgeCall) { c.Package = id },
		"prepay_id": func(c *BridgeCall) { c.Package += "0" },
		"signType":  func(c *BridgeCall) { c.SignType = "MD5" },
		"paySign":   func(c *BridgeCall) { c.PaySign = "AAAA" },
	} {
		c := s.bridge(id)
		spoil(&c)
		if _, err := s.sim.PayJSAPI(c, ""); err == nil {
			t.Errorf("paid with a wrong %s", name)
		}
	}
	s.wantState("ORDER0001", "NOTPAY")
}

func TestH5(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(o *Options) { o.Domains = []string{"pay.example"} })
	page := s.one(s.send("POST", h5APIPath, s.h5("ORDER0001")), "h5_url")
	if len(page) > 256 || !strings.Contains(page, "?") {
		t.Errorf("h5_url %q", page)
	}
	back := "&redirect_url=" + url.QueryEscape("https://pay.example/checkout/x")
	const from = "https://pay.example/"
	for name, c := range map[string][4]string{
		"no Referer":        {page + back, phoneUA, "", "Referer"},
		"a foreign Referer": {page + back, phoneUA, "https://shop.example/", "Referer"},
		"inside WeChat":     {page + back, wechatUA, from, "微信外"},
		"a foreign return":  {page + "&redirect_url=" + url.QueryEscape("https://evil.example/"), phoneUA, from, "redirect_url"},
		"another package":   {strings.Replace(page, "package=", "package=0", 1), phoneUA, from, "失效"},
		"no order":          {strings.Replace(page, "prepay_id=", "prepay_id=0", 1), phoneUA, from, "失效"},
	} {
		if w := s.browse(c[0], c[1], c[2]); !strings.Contains(w.Body.String(), c[3]) || strings.Contains(w.Body.String(), `id="pay"`) {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
	id := s.sim.Trades()[0].PrepayID
	if w := s.browse(page+back, phoneUA, from); !strings.Contains(w.Body.String(), "¥12.80") ||
		!strings.Contains(w.Body.String(), `data-return="https://pay.example/checkout/x"`) {
		t.Fatalf("the page is %s", w.Body)
	}
	if trade, err := s.sim.PayH5(id, "小红"); err != nil || trade.Payer != "小红" {
		t.Fatalf("%+v, %v", trade, err)
	}
	if q := s.query("ORDER0001"); q["trade_type"] != "MWEB" || q["trade_state"] != "SUCCESS" {
		t.Errorf("the query says %v", q)
	}
}

func TestH5Refusals(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for field, extra := range map[string]string{
		"/scene_info":                 "",
		"/scene_info/payer_client_ip": `,"scene_info":{"payer_client_ip":"127.0.0.1","h5_info":{"type":"Wap"}}`,
		"/scene_info/h5_info":         `,"scene_info":{"payer_client_ip":"203.0.113.9"}`,
		"/scene_info/h5_info/type":    `,"scene_info":{"payer_client_ip":"203.0.113.9","h5_info":{"type":"wap"}}`,
		"/payer":                      `,"payer":{"openid":"x"},"scene_info":{"payer_client_ip":"::1","h5_info":{"type":"Wap"}}`,
	} {
		a := s.send("POST", h5APIPath, s.order("ORDER0001", extra)).want(400, "PARAM_ERROR")
		if a.error.Detail == nil || a.error.Detail.Field != field {
			t.Errorf("%s: detail %+v", field, a.error.Detail)
		}
	}
	// h5_info is unknown to the other calls.
	s.send("POST", nativePath, s.h5("ORDER0001")).want(400, "PARAM_ERROR")
}

// An h5_url can be opened for five minutes. What was opened in time can be paid later, and a repeated request gives
// another page and kills the first.
func TestH5URLExpires(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	page := s.one(s.send("POST", h5APIPath, s.h5("ORDER0001")), "h5_url")
	clock.advance(5 * time.Minute)
	const from = "https://pay.example/"
	if w := s.browse(page, phoneUA, from); !strings.Contains(w.Body.String(), "失效") {
		t.Errorf("opened after five minutes: %s", w.Body)
	}
	second := s.one(s.send("POST", h5APIPath, s.h5("ORDER0001")), "h5_url")
	clock.advance(5*time.Minute - time.Second)
	if w := s.browse(page, phoneUA, from); !strings.Contains(w.Body.String(), "失效") {
		t.Error("the first page lives")
	}
	if w := s.browse(second, phoneUA, from); !strings.Contains(w.Body.String(), `id="pay"`) {
		t.Fatalf("the second page: %s", w.Body)
	}
	clock.advance(time.Hour)
	if _, err := s.sim.PayH5(s.sim.Trades()[0].PrepayID, ""); err != nil {
		t.Error(err)
	}
}

// A number is one for all methods.
func TestOneNumberForAllMethods(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	openid := s.sim.LogIn("")
	bodies := map[string]string{nativePath: s.order("ORDER0001", ""), jsapiPath: s.jsapi("ORDER0001", openid), h5APIPath: s.h5("ORDER0001")}
	s.codeURL(s.send("POST", nativePath, bodies[nativePath]))
	s.send("POST", jsapiPath, bodies[jsapiPath]).want(403, "OUT_TRADE_NO_USED")
	s.send("POST", h5APIPath, bodies[h5APIPath]).want(403, "OUT_TRADE_NO_USED")
	s.close("ORDER0001").want(204, "")
	s.send("POST", h5APIPath, bodies[h5APIPath]).want(400, "ORDER_CLOSED")
	// Also when the bodies are the same to a letter.
	same := s.order("ORDER0002", "")
	s.codeURL(s.send("POST", nativePath, same))
	a := s.send("POST", jsapiPath, same)
	if a.status == 200 {
		t.Errorf("answer %s", a.body)
	}
}

func (s *shop) authorizeURL(edit func(url string) string) string {
	u := "/connect/oauth2/authorize?appid=" + s.merchant.AppID + "&redirect_uri=" +
		url.QueryEscape("https://pay.example/back?x=1") + "&response_type=code&scope=snsapi_base&state=S1"
	if edit != nil {
		u = edit(u)
	}
	return u
}

// exchange asks for the openid that a code stands for.
func (s *shop) exchange(code, secret string) map[string]any {
	s.t.Helper()
	w := s.browse("/sns/oauth2/access_token?appid="+s.merchant.AppID+"&secret="+secret+"&code="+code+
		"&grant_type=authorization_code", "shop/1", "")
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return got
}

func TestSilentRedirect(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	openid := s.sim.LogIn("小红")
	code := func() string {
		w := s.browse(s.authorizeURL(nil), wechatUA, "")
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != http.StatusFound || to.Host != "pay.example" || to.Query().Get("state") != "S1" ||
			to.Query().Get("x") != "1" {
			t.Fatalf("%d %s", w.Code, w.Header().Get("Location"))
		}
		return to.Query().Get("code")
	}
	one := code()
	if got := s.exchange(one, "wrong"); got["errcode"] != 40125.0 {
		t.Errorf("with a wrong secret: %v", got)
	}
	if got := s.exchange(one, s.merchant.AppSecret); got["openid"] != openid || got["scope"] != "snsapi_base" || got["expires_in"] != 7200.0 {
		t.Errorf("exchanged for %v", got)
	}
	if got := s.exchange(one, s.merchant.AppSecret); got["errcode"] != 40163.0 || got["openid"] != nil {
		t.Errorf("a second time: %v", got)
	}
	late := code()
	clock.advance(5 * time.Minute)
	if got := s.exchange(late, s.merchant.AppSecret); got["errcode"] != 40029.0 {
		t.Errorf("after five minutes: %v", got)
	}
}

func TestSilentRedirectRefusals(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(o *Options) { o.Domains = []string{"pay.example"} })
	swap := func(old, new string) func(string) string {
		return func(u string) string { return strings.Replace(u, old, new, 1) }
	}
	for name, u := range map[string]string{
		"another appid":    s.authorizeURL(swap(s.merchant.AppID, "wx0")),
		"another host":     s.authorizeURL(swap("pay.example", "evil.example")),
		"another scope":    s.authorizeURL(swap("snsapi_base", "snsapi_userinfo")),
		"another type":     s.authorizeURL(swap("=code", "=token")),
		"another order":    s.authorizeURL(swap("&response_type=code&scope=snsapi_base", "&scope=snsapi_base&response_type=code")),
		"an odd state":     s.authorizeURL(swap("S1", "S-1")),
		"a long state":     s.authorizeURL(swap("S1", strings.Repeat("S", 129))),
		"no state":         s.authorizeURL(swap("&state=S1", "")),
		"another protocol": s.authorizeURL(swap("https%3A", "ftp%3A")),
	} {
		if w := s.browse(u, wechatUA, ""); w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Header().Get("Location"))
		}
	}
	if w := s.browse(s.authorizeURL(nil), phoneUA, ""); w.Code != http.StatusBadRequest {
		t.Errorf("outside WeChat: %d", w.Code)
	}
}

// Bills name the method of each payment.
func TestBillOfAllMethods(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	s.pay(s.prepay("NATIVE01"))
	if _, err := s.sim.PayJSAPI(s.bridge(s.one(s.send("POST", jsapiPath, s.jsapi("JSAPI001", s.sim.LogIn(""))), "prepay_id")), ""); err != nil {
		t.Fatal(err)
	}
	s.send("POST", h5APIPath, s.h5("MWEB0001")).want(200, "")
	if _, err := s.sim.PayH5(s.sim.Trades()[0].PrepayID, ""); err != nil {
		t.Fatal(err)
	}
	clock.advance(24 * time.Hour)
	rows, _ := s.rows("/v3/bill/tradebill?bill_date=2026-01-02")
	got := map[string]string{}
	for _, row := range rows {
		got[row[6]] = row[8] // 商户订单号, 交易类型
	}
	if want := (map[string]string{"NATIVE01": "NATIVE", "JSAPI001": "JSAPI", "MWEB0001": "MWEB"}); !maps.Equal(got, want) {
		t.Errorf("the bill says %v; want %v", got, want)
	}
}

// The signature of a page's call that is printed on WeChat Pay's own page (doc 4012365339).
func TestPaySignVector(t *testing.T) {
	t.Parallel()
	message := lines("wx2421b1c4370ec43b", "1554208460", "593BEC0C930BF1AFEB40B4A08C8FB242",
		"prepay_id=wx201410272009395522657a690389285100")
	const signature = "mI35pfNEQV6777ke/1T+LJLQDNTm7yeoUJH+j/adPGhmCCi0PbgkvYQTRcXH0uibcLVtvFLdGLpmoYO9FV6lBBsTAjuhh5YOvQi0e2g3e0yy" +
		"titiNET9FEuqM0pjnKfRW4K6LIZDdbWJv9KhZUx3DrJa5TL7OJ7VdADVivxVySIlPVKjGwuCXzuXSJes0UcILgWQUMyha5/3nYofuHtS7r+KYyMuxD" +
		"+oJ9VM1Qdxk4UIG59CP5Y3wtYIFybyF3bdu1caHTRRX+DLyMXyYA/IrTmiW01c4RPjpHBX5Dk1sZyY1zVsWNsvMHr2e1NTWtBxKJ+qk5N61J7caYoepHFaxw=="
	if err := verify(publicKey(t, requestKey), message, signature); err != nil {
		t.Error(err)
	}
	if err := verify(publicKey(t, requestKey), message[:len(message)-1], signature); err == nil {
		t.Error("verifies without the last line break")
	}
}
