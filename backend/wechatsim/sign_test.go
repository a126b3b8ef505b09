package wechatsim

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAuthorizationRefused(t *testing.T) {
	t.Parallel()
	at := func(offset time.Duration) func(*draft) {
		return func(d *draft) { d.timestamp = fmt.Sprint(noon().Add(offset).Unix()) }
	}
	cases := []struct {
		name string
		edit func(*draft)
		text string // in the message
	}{
		{"another scheme", func(d *draft) { d.scheme = "WECHATPAY2-SM2-WITH-SM3" }, "认证类型"},
		{"scheme in lower case", func(d *draft) { d.scheme = strings.ToLower(d.scheme) }, "认证类型"},
		{"scheme alone", func(d *draft) { d.authorization = scheme }, "格式错误"},
		{"nothing after scheme", func(d *draft) { d.authorization = scheme + " " }, "格式错误"},
		{"two spaces", func(d *draft) { d.scheme += " " }, "格式错误"},
		{"empty item", func(d *draft) { d.nonce = "" }, "格式错误"},
		{"four items", func(d *draft) {
			d.authorization = scheme + ` mchid="1",nonce_str="2",signature="3",timestamp="4"`
		}, "格式错误"},
		{"six items", func(d *draft) { d.serial += `",extra="1` }, "格式错误"},
		{"item twice", func(d *draft) { d.serial += `",serial_no="` + d.serial }, "格式错误"},
		{"without quotes", func(d *draft) {
			d.authorization = scheme + ` mchid=1,nonce_str=2,signature=3,timestamp=4,serial_no=5`
		}, "格式错误"},
		{"trailing comma", func(d *draft) {
			d.authorization = scheme + ` mchid="1",nonce_str="2",signature="3",timestamp="4",serial_no="5",`
		}, "格式错误"},
		{"space after comma", func(d *draft) {
			d.authorization = scheme + ` mchid="1", nonce_str="2",signature="3",timestamp="4",serial_no="5"`
		}, "格式错误"},
		{"open quote", func(d *draft) { d.serial += `",` }, "格式错误"},
		{"timestamp not a number", func(d *draft) { d.timestamp = "soon" }, "timestamp"},
		{"clock behind", at(-301 * time.Second), "5分钟"},
		{"clock ahead", at(301 * time.Second), "5分钟"},
		{"clock before signature", func(d *draft) { at(-time.Hour)(d); d.signature = "AAAA" }, "5分钟"},
		{"another merchant", func(d *draft) { d.mchID = "1900000001" }, "序列号"},
		{"another serial", func(d *draft) { d.serial = strings.Repeat("A", 40) }, "序列号"},
		{"signature not base64", func(d *draft) { d.signature = "WECHATPAY/SIGNTEST/!" }, "错误的签名"},
		{"signature of no request", func(d *draft) { d.signature = strings.Repeat("AAAA", 86) }, "错误的签名"},
		{"body changed after signing", func(d *draft) { d.body += " " }, "错误的签名"},
		{"query changed after signing", func(d *draft) { d.target += "?a=b" }, "错误的签名"},
		{"method changed after signing", func(d *draft) { d.method = "GET"; d.target = "/v3/certificates" }, "错误的签名"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, func(o *Options) { o.Now = noon })
			a := s.send("POST", nativePath, s.order("ORDER0001", ""), c.edit).want(401, "SIGN_ERROR")
			if !strings.Contains(a.error.Message, c.text) {
				t.Errorf("message %q, want %q in it", a.error.Message, c.text)
			}
			if id := a.header.Get("Request-ID"); id != "" {
				t.Errorf("a 401 carries Request-ID %q", id)
			}
			if n := len(s.sim.Trades()); n != 0 {
				t.Errorf("%d orders made", n)
			}
		})
	}
}

func TestAuthorizationMissing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	r := s.request("POST", nativePath, "{}")
	r.Header.Del("Authorization")
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, r)
	s.read(w.Result()).want(401, "SIGN_ERROR")
}

func TestAuthorizationInAnyOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(o *Options) { o.Now = noon })
	body := s.order("ORDER0001", "")
	timestamp := fmt.Sprint(noon().Add(-5 * time.Minute).Unix()) // the oldest that is taken
	signature := s.sign("POST\n" + nativePath + "\n" + timestamp + "\nabc\n" + body + "\n")
	s.codeURL(s.send("POST", nativePath, body, func(d *draft) {
		d.authorization = fmt.Sprintf(`%s serial_no="%s",timestamp="%s",signature="%s",nonce_str="abc",mchid="%s"`,
			scheme, s.merchant.Serial, timestamp, signature, s.merchant.MchID)
	}))
}

// A Go client writes | and * in a path as %7C and %2A, and signs what it writes.
func TestSignatureOverEscapedPath(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.prepay("A|B*0001")
	for _, number := range []string{url.PathEscape("A|B*0001"), "A%7CB%2A0001", "A%7cB*0001"} {
		if got := s.query(number)["out_trade_no"]; got != "A|B*0001" {
			t.Errorf("query of %s finds %v", number, got)
		}
	}
}

// A handler in front may rewrite the URL, as http.StripPrefix does; what was signed is what was sent.
func TestTargetIsWhatWasSent(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/gateway/v3/a%7cb?mchid=1", nil)
	r.URL.Path, r.URL.RawPath = "/v3/a|b", ""
	if got := target(r); got != "/gateway/v3/a%7cb?mchid=1" {
		t.Errorf("target %q", got)
	}
}

// A request that was made in this process and never crossed a wire has no RequestURI.
func TestTargetWithoutRequestURI(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/v3/a%7Cb?mchid=1", nil)
	r.RequestURI = ""
	if got := target(r); got != "/v3/a%7Cb?mchid=1" {
		t.Errorf("target %q", got)
	}
}
