package wechat

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/pay"
)

// newUpstream is a WeChat Pay that does what answer does.
func newUpstream(t *testing.T, answer http.HandlerFunc) *Gateway {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	return newGateway(t, srv.URL, nil)
}

// answers signs body with WeChat Pay's key and sends it.
func answers(status int, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Request-Id", "08F78BB5AF0610D302-0")
		sign(w.Header(), keys().wechats, time.Now(), body)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// refuses is an error answer, which WeChat Pay does not sign.
func refuses(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Request-Id", "08F78BB5AF0610D302-268498688")
		w.Header().Set("Set-Cookie", "session=s3cr3t")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// authorized checks a request as WeChat Pay does (doc 4012365342) and returns its body.
func authorized(t *testing.T, r *http.Request) []byte {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	part := func(name string) string {
		match := regexp.MustCompile(name + `="([^"]*)"`).FindStringSubmatch(r.Header.Get("Authorization"))
		if match == nil {
			return ""
		}
		return match[1]
	}
	a := testAccount()
	if part("mchid") != a.MchID || part("serial_no") != a.Serial || r.Header.Get("Wechatpay-Serial") != keyID {
		t.Errorf("wrong names in the headers %v", r.Header)
	}
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("content type %q", r.Header.Get("Content-Type"))
	}
	signature, err := base64.StdEncoding.DecodeString(part("signature"))
	if err != nil {
		t.Error(err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n",
		r.Method, r.RequestURI, part("timestamp"), part("nonce_str"), body))
	if err := rsa.VerifyPKCS1v15(&keys().ours.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
	}
	return body
}

func TestPrepay(t *testing.T) {
	t.Parallel()
	// Not how any encoder would write it: the bytes must arrive untouched.
	request := []byte("{ \"description\":\"拿铁 <&>\\u0026\" ,\n\"out_trade_no\": \"ORDER0001\"}\n ")
	g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if body := authorized(t, r); !bytes.Equal(body, request) {
			t.Errorf("sent %q, want %q", body, request)
		}
		if r.RequestURI != "/v3/pay/transactions/native" {
			t.Errorf("sent to %s", r.RequestURI)
		}
		answers(200, []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1","new":null}`))(w, r)
	})
	got, err := g.Prepay(t.Context(), cafe, pay.Native, request)
	if want := "weixin://wxpay/bizpayurl?pr=JyC91EIz1"; err != nil || got != want {
		t.Errorf("code_url %q, %v, want %q", got, err, want)
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	paid := func(change object) []byte {
		o := payment()
		for key, value := range change {
			o[key] = value
		}
		return encode(o)
	}
	unpaid := func(state string) []byte {
		return encode(object{
			"appid": "wxd678efh567hg6787", "mchid": "1900007291", "out_trade_no": number, "trade_state": state,
			"trade_state_desc": "订单未支付",
		})
	}
	notice := paymentNotice(pay.FromQuery)
	for name, test := range map[string]struct {
		body []byte
		want pay.Trade
	}{
		"not paid": {unpaid("NOTPAY"), pay.Trade{State: pay.TradeNotPaid}},
		"closed":   {unpaid("CLOSED"), pay.Trade{State: pay.TradeClosed}},
		"paid":     {paid(nil), pay.Trade{State: pay.TradeSuccess, Notice: notice}},
		"refunded": {paid(object{"trade_state": "REFUND"}), pay.Trade{State: pay.TradeRefunded, Notice: notice}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
				authorized(t, r)
				if want := "/v3/pay/transactions/out-trade-no/ORDER0001?mchid=1900007291"; r.RequestURI != want {
					t.Errorf("asked %s, want %s", r.RequestURI, want)
				}
				answers(200, test.body)(w, r)
			})
			got, err := g.Query(t.Context(), cafe, number)
			if err != nil || got.State != test.want.State {
				t.Fatalf("%v, %v, want %v", got.State, err, test.want.State)
			}
			wantNotice(t, got.Notice, test.want.Notice)
		})
	}
	for name, body := range map[string][]byte{
		"another order":           paid(object{"out_trade_no": "ORDER0002"}),
		"no order":                paid(object{"out_trade_no": nil}),
		"a state of other kinds":  unpaid("USERPAYING"),
		"a state we do not know":  unpaid("SUCCESS\n"),
		"no state":                unpaid(""),
		"paid, but no number":     paid(object{"transaction_id": ""}),
		"paid, but nothing":       paid(object{"amount": object{"total": 0, "currency": "CNY"}}),
		"paid, but no amount":     paid(object{"amount": nil}),
		"paid, but parts of fen":  paid(object{"amount": object{"total": 1.5, "currency": "CNY"}}),
		"paid, but text for fen":  paid(object{"amount": object{"total": "100", "currency": "CNY"}}),
		"paid, but a huge number": paid(object{"amount": object{"total": 1e300, "currency": "CNY"}}),
		"no JSON":                 []byte("<html>"),
		"nothing":                 nil,
		"null":                    []byte("null"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newUpstream(t, answers(200, body)).Query(t.Context(), cafe, number)
			e := gatewayError(t, err)
			wantFailure(t, err, "query", pay.Unsure, "")
			if e.RequestID != "08F78BB5AF0610D302-0" || e.Status != 200 {
				t.Errorf("status %d, request %q, want them kept", e.Status, e.RequestID)
			}
		})
	}
}

func TestUnreadableSuccessTime(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]any{"missing": nil, "empty": "", "another form": "20260101120000"} {
		o := payment()
		o["success_time"] = text
		trade, err := newUpstream(t, answers(200, encode(o))).Query(t.Context(), cafe, number)
		if err != nil {
			t.Errorf("%s: a payment is lost for want of its time: %v", name, err)
		}
		if ago := time.Since(trade.Notice.PaidAt); ago < 0 || ago > time.Minute {
			t.Errorf("%s: paid at %v, want the time of the signature", name, trade.Notice.PaidAt)
		}
	}
}

func TestCloseOrder(t *testing.T) {
	t.Parallel()
	g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if body := strings.TrimSpace(string(authorized(t, r))); body != `{"mchid":"1900007291"}` {
			t.Errorf("sent %s", body)
		}
		if want := "/v3/pay/transactions/out-trade-no/ORDER0001/close"; r.RequestURI != want {
			t.Errorf("asked %s, want %s", r.RequestURI, want)
		}
		answers(204, nil)(w, r)
	})
	if err := g.Close(t.Context(), cafe, number); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const field = `,"detail":{"field":"/amount/total","value":"WECHATPAY2-SHA256-RSA2048 mchid=","issue":"值低于最小值 1"}`
	long := strings.Repeat("长", 99_999)
	for name, test := range map[string]struct {
		status  int
		body    string
		outcome pay.Outcome
		code    string
		text    string
	}{
		"unknown":          {404, `{"code":"ORDER_NOT_EXIST","message":"订单不存在"}`, pay.Missing, "ORDER_NOT_EXIST", "订单不存在"},
		"unknown, but 400": {400, `{"code":"ORDER_NOT_EXIST"}`, pay.Refused, "ORDER_NOT_EXIST", "400"},
		"other 404":        {404, `{"code":"RESOURCE_NOT_EXISTS"}`, pay.Refused, "RESOURCE_NOT_EXISTS", "404"},
		"unknown path":     {404, ``, pay.Unsure, "", "something in between"},
		"method":           {405, ``, pay.Unsure, "", "something in between"},
		"field":            {400, `{"code":"PARAM_ERROR"` + field + `}`, pay.Refused, "PARAM_ERROR", "total; issue 值低于最小值 1"},
		"closed":           {400, `{"code":"ORDER_CLOSED"}`, pay.Refused, "ORDER_CLOSED", "268498688"},
		"signature":        {401, `{"code":"SIGN_ERROR","message":"错误\n\n的签名"}`, pay.Refused, "SIGN_ERROR", "错误  的签名"},
		"used":             {403, `{"code":"OUT_TRADE_NO_USED"}`, pay.Refused, "OUT_TRADE_NO_USED", "403"},
		"proxy":            {403, `<html>blocked</html>`, pay.Unsure, "", "something in between"},
		"proxy in JSON":    {403, `{"code":1020,"message":"blocked"}`, pay.Unsure, "", "something in between"},
		"no code":          {400, `{"code":"no such\r\nCode","message":"x"}`, pay.Unsure, "", "something in between"},
		"time-out":         {408, `{"code":"PARAM_ERROR"}`, pay.Unsure, "PARAM_ERROR", "408"},
		"too many":         {429, `{"code":"FREQUENCY_LIMITED"}`, pay.Unsure, "FREQUENCY_LIMITED", "429"},
		"too many, older":  {403, `{"code":"RATELIMIT_EXCEEDED"}`, pay.Unsure, "RATELIMIT_EXCEEDED", "403"},
		"system":           {500, `{"code":"SYSTEM_ERROR","message":"系统异常"}`, pay.Unsure, "SYSTEM_ERROR", "系统异常"},
		"system 404":       {500, `{"code":"ORDER_NOT_EXIST"}`, pay.Unsure, "ORDER_NOT_EXIST", "500"},
		"page":             {500, `<html>Internal Server Error</html>`, pay.Unsure, "", "500"},
		"gateway":          {502, ``, pay.Unsure, "", "502"},
		"redirect":         {302, ``, pay.Unsure, "", "302"},
		"not changed":      {304, ``, pay.Unsure, "", "304"},
		"long text":        {400, `{"code":"PARAM_ERROR","message":"` + long + `"}`, pay.Refused, "PARAM_ERROR", "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Error("followed a redirect")
				}
				w.Header().Set("Location", "/elsewhere")
				refuses(test.status, test.body)(w, r)
			})
			_, err := g.Prepay(t.Context(), cafe, pay.Native, []byte(`{}`))
			e := gatewayError(t, err)
			wantFailure(t, err, "prepay", test.outcome, test.code)
			if e.Status != test.status || e.RequestID != "08F78BB5AF0610D302-268498688" {
				t.Errorf("status %d, request %q, want them kept", e.Status, e.RequestID)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("error %q, want %q in it", err, test.text)
			}
		})
	}
}

// TestUnverified has answers that say all is well, but prove nothing: the order may have been made.
func TestUnverified(t *testing.T) {
	t.Parallel()
	good := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1"}`)
	with := func(change func(h http.Header)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			sign(w.Header(), keys().wechats, time.Now(), good)
			change(w.Header())
			_, _ = w.Write(good)
		}
	}
	header := func(name, value string) http.HandlerFunc {
		return with(func(h http.Header) { h.Set(name, value) })
	}
	signedAt := func(at time.Time) http.HandlerFunc {
		return with(func(h http.Header) { sign(h, keys().wechats, at, good) })
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		text   string
	}{
		"stranger's key": {with(func(h http.Header) { sign(h, keys().strangers, time.Now(), good) }), "wrong signature"},
		"other body": {func(w http.ResponseWriter, _ *http.Request) {
			sign(w.Header(), keys().wechats, time.Now(), good)
			_, _ = w.Write(append([]byte(" "), good...))
		}, "wrong signature"},
		"unsigned":      {refuses(200, string(good)), "not verified"},
		"no signature":  {with(func(h http.Header) { h.Del("Wechatpay-Signature") }), "not verified"},
		"no base64":     {header("Wechatpay-Signature", "%%%"), "wrong signature"},
		"probe":         {header("Wechatpay-Signature", probePrefix+"c0k+ZP6cSbve"), "harmless"},
		"other key":     {header("Wechatpay-Serial", strings.Repeat("5A", 20)), "platform certificate"},
		"old":           {signedAt(time.Now().Add(-6 * time.Minute)), "expires"},
		"of the future": {signedAt(time.Now().Add(6 * time.Minute)), "expires"},
		"accepted":      {answers(202, good), "wanted 200"},
		"no content":    {answers(204, nil), "wanted 200"},
		"no code_url":   {answers(200, []byte(`{}`)), "code_url"},
		"not text":      {answers(200, []byte(`{"code_url":7}`)), "decode"},
		"a long one":    {answers(200, encode(object{"code_url": strings.Repeat("x", resultMax+1)})), "code_url"},
		"huge":          {answers(200, bytes.Repeat([]byte(" "), answerMax+1)), "longer than 1 MiB"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(good)
		}, "unexpected EOF"},
		"no HTTP": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, strings.Repeat("Authorization: \x1b[31m\x00", 500)+"\r\n\r\n")
				_ = conn.Close()
			}
		}, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newUpstream(t, test.answer).Prepay(t.Context(), cafe, pay.Native, []byte(`{}`))
			if err == nil {
				t.Fatalf("accepted, code_url %q", got)
			}
			wantFailure(t, err, "prepay", pay.Unsure, "")
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("error %q, want %q in it", err, test.text)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(nil)
	srv.Close()
	err := newGateway(t, srv.URL, nil).Close(t.Context(), cafe, number)
	wantFailure(t, err, "close", pay.Unsure, "")
	if !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "weixin.qq.com") {
		t.Errorf("error %q, want the true reason, without the host that was not called", err)
	}
}

func TestHangingAnswers(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.ResponseWriter){
		"before the header": func(http.ResponseWriter) {},
		"in the body": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"code_url":`)
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := make(chan struct{})
			g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // or the server does not see the client leave
				begin(w)
				close(began)
				<-r.Context().Done()
			})
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				<-began
				cancel(errors.New("the customer left"))
			}()
			_, err := g.Prepay(ctx, cafe, pay.Native, []byte(`{}`))
			wantFailure(t, err, "prepay", pay.Unsure, "")
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCallLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, "", roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		start := time.Now()
		_, err := g.Query(t.Context(), cafe, number)
		wantFailure(t, err, "query", pay.Unsure, "")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != pay.CallLimit {
			t.Errorf("%v after %v, want a time-out after %v", err, time.Since(start), pay.CallLimit)
		}
	})
}

func TestHost(t *testing.T) {
	t.Parallel()
	for configured, want := range map[string]string{
		"":                         "https://api.mch.weixin.qq.com/v3/pay/transactions/native",
		"http://127.0.0.1:9090":    "http://127.0.0.1:9090/v3/pay/transactions/native",
		"https://api2.example.cn/": "https://api2.example.cn/v3/pay/transactions/native",
	} {
		g := newGateway(t, configured, roundTripper(func(r *http.Request) (*http.Response, error) {
			if got := r.URL.String(); got != want || r.Host != r.URL.Host {
				t.Errorf("called %s as host %s, want %s", got, r.Host, want)
			}
			return nil, errors.New("no network")
		}))
		if _, err := g.Prepay(t.Context(), cafe, pay.Native, []byte(`{}`)); err == nil {
			t.Error("no error without a network")
		}
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		seen[r.RemoteAddr] = true
		if len(seen)%2 == 1 {
			answers(204, nil)(w, r)
			return
		}
		refuses(500, `{"code":"SYSTEM_ERROR"}`)(w, r)
	})
	for range 5 {
		_ = g.Close(t.Context(), cafe, number)
	}
	if len(seen) != 1 {
		t.Errorf("%d connections for five calls, want 1", len(seen))
	}
}

func TestUnknownMerchant(t *testing.T) {
	t.Parallel()
	g := newGateway(t, "", nil)
	_, err := g.Prepay(t.Context(), "bakery", pay.Native, []byte(`{}`))
	wantFailure(t, err, "prepay", pay.Unsure, "")
	if _, err := g.Compose(pay.Prepay{Merchant: "bakery"}); err == nil {
		t.Error("composed for a merchant that is not ours")
	}
}
