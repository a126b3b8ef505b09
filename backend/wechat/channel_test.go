package wechat

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

func (s *shop) composeWay(t *testing.T, number string, w pay.Way) []byte {
	t.Helper()
	request, err := s.Compose(pay.Prepay{
		Merchant: cafe, OutTradeNo: number, Total: 2800, Description: "拿铁", ExpiresAt: time.Now().Add(15 * time.Minute), Way: w,
	})
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestComposeChannels(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for w, want := range map[pay.Way]string{
		{Channel: pay.JSAPI, OpenID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}: `"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}`,
		{Channel: pay.H5, ClientIP: "2001:db8::1"}:                   `"scene_info":{"payer_client_ip":"2001:db8::1","h5_info":{"type":"Wap"}}`,
	} {
		request := string(s.composeWay(t, number, w))
		if !strings.Contains(request, want) || strings.Count(request, "scene_info")+strings.Count(request, "payer\"") != 1 {
			t.Errorf("%s: %s", w.Channel, request)
		}
	}
	for _, w := range []pay.Way{{Channel: pay.JSAPI}, {Channel: pay.H5, ClientIP: "x"}, {Channel: "app"}} {
		if _, err := s.Compose(pay.Prepay{Merchant: cafe, OutTradeNo: number, Total: 1, Description: "x", ExpiresAt: time.Now(), Way: w}); err == nil {
			t.Errorf("%+v is composed", w)
		}
	}
}

func TestSimulatorJSAPI(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	way := pay.Way{Channel: pay.JSAPI, OpenID: s.sim.LogIn("小红")}
	id, err := s.Prepay(t.Context(), cafe, pay.JSAPI, s.composeWay(t, number, way))
	if err != nil {
		t.Fatal(err)
	}
	call, err := s.Bridge(cafe, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.sim.PayJSAPI(wechatsim.BridgeCall(call), ""); err != nil {
		t.Fatal(err)
	}
	if o := s.next(t); o.err != nil || o.notice.OutTradeNo != number || o.notice.Total != 2800 {
		t.Errorf("%+v", o)
	}
	s.wantState(t, number, pay.TradeSuccess)
}

func TestSimulatorH5(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	page, err := s.Prepay(t.Context(), cafe, pay.H5, s.composeWay(t, number, pay.Way{Channel: pay.H5, ClientIP: "203.0.113.9"}))
	if err != nil || !isPage(page) {
		t.Fatalf("%q, %v", page, err)
	}
	if _, err := s.sim.PayH5(s.sim.Trades()[0].PrepayID, ""); err != nil {
		t.Fatal(err)
	}
	if o := s.next(t); o.err != nil || o.notice.OutTradeNo != number {
		t.Errorf("%+v", o)
	}
}

// An answer that is not what the channel gives is not taken.
func TestResultOfAnotherChannel(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"https://pay.example/", "javascript:alert(1)?a", "weixin://x?a=1", "https://pay.example/?a=1#b", "?a=1"} {
		if isPage(bad) {
			t.Errorf("%q is taken for an h5_url", bad)
		}
	}
	var made prepayAnswer
	if err := json.Unmarshal([]byte(`{"code_url":"weixin://x"}`), &made); err != nil {
		t.Fatal(err)
	}
	if _, value := made.result(pay.H5); value != "" {
		t.Errorf("a code_url is taken for %q", value)
	}
}

// The signature that is printed on WeChat Pay's own page verifies over the lines that we sign.
func TestPaySignVector(t *testing.T) {
	t.Parallel()
	const signature = "mI35pfNEQV6777ke/1T+LJLQDNTm7yeoUJH+j/adPGhmCCi0PbgkvYQTRcXH0uibcLVtvFLdGLpmoYO9FV6lBBsTAjuhh5YOvQi0e2g3e0yy" +
		"titiNET9FEuqM0pjnKfRW4K6LIZDdbWJv9KhZUx3DrJa5TL7OJ7VdADVivxVySIlPVKjGwuCXzuXSJes0UcILgWQUMyha5/3nYofuHtS7r+KYyMuxD" +
		"+oJ9VM1Qdxk4UIG59CP5Y3wtYIFybyF3bdu1caHTRRX+DLyMXyYA/IrTmiW01c4RPjpHBX5Dk1sZyY1zVsWNsvMHr2e1NTWtBxKJ+qk5N61J7caYoepHFaxw=="
	wantVerified(t, officialKey, bridgeMessage(pay.BridgeCall{
		AppID: "wx2421b1c4370ec43b", TimeStamp: "1554208460", NonceStr: "593BEC0C930BF1AFEB40B4A08C8FB242",
		Package: "prepay_id=wx201410272009395522657a690389285100",
	}), signature)
}

// visit follows the silent redirect as WeChat's browser does, and returns what came back.
func (s *shop) visit(t *testing.T, address string) (code, state string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "MicroMessenger/8.0.60")
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode != http.StatusFound {
		t.Fatalf("the redirect answers %d, %v", answer.StatusCode, err)
	}
	return back.Query().Get("code"), back.Query().Get("state")
}

func TestOpenID(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	want := s.sim.LogIn("小红")
	there, err := s.AuthorizeURL(cafe, "https://pay.example/checkout/tok/wechat?lang=en", "tok")
	if err != nil || !strings.HasSuffix(there, "#wechat_redirect") {
		t.Fatalf("%q, %v", there, err)
	}
	code, state := s.visit(t, there)
	if len(state) > stateMax || strings.Trim(state, digits+letters+capitals) != "" {
		t.Errorf("state %q", state)
	}
	secret := s.sim.Merchant().AppSecret
	refused := func(name, subject, code, state string) {
		got, err := s.OpenID(t.Context(), cafe, subject, code, state)
		if err == nil || got != "" || strings.Contains(err.Error(), secret) || code != "" && strings.Contains(err.Error(), code) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if code == "" && !errors.Is(err, ErrState) {
			t.Errorf("%s: %v; want ErrState", name, err)
		}
	}
	refused("another order's state", "other", "", state)
	refused("no state", "tok", "", "")
	refused("a short state", "tok", "", "x")
	refused("a forged state", "tok", "", state[:len(state)-1]+"g")
	refused("another code", "tok", "abc", state)
	if got, err := s.OpenID(t.Context(), cafe, "tok", code, state); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	refused("the code again", "tok", code, state)
}

func TestStateAges(t *testing.T) {
	t.Parallel()
	a := &account{Account: Account{AppSecret: "secret"}}
	now := time.Unix(1_700_000_000, 0)
	state := a.state("tok", now)
	if err := a.checkState(state, "tok", now.Add(stateLife-time.Second)); err != nil {
		t.Error(err)
	}
	if err := a.checkState(state, "tok", now.Add(stateLife)); !errors.Is(err, ErrState) {
		t.Errorf("too old: %v", err)
	}
	other := &account{Account: Account{AppSecret: "another"}}
	if err := other.checkState(state, "tok", now); !errors.Is(err, ErrState) {
		t.Errorf("another merchant's: %v", err)
	}
}

// Nothing secret stands in an error, whatever the other side does.
func TestOpenIDInTrouble(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"502":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"not JSON":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no openid": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"scope":"snsapi_base"}`)) },
		"odd openid": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"openid":"<script>"}`))
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			_ = c.Close()
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
		},
	}
	for name, answer := range answers {
		server := httptest.NewServer(answer)
		t.Cleanup(server.Close)
		s := newShop(t)
		a := s.account(cafe)
		a.OAuthURL = server.URL
		_, err := s.OpenID(t.Context(), cafe, "tok", "thecode", a.state("tok", time.Now()))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, secret := range []string{a.AppSecret, "thecode", "secret="} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
