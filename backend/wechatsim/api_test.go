package wechatsim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestUnknownPathAndMethod(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	cases := []struct {
		method, target string
		status         int
	}{
		{"GET", "/", 404},
		{"GET", "/v3", 404},
		{"POST", "/v3/pay/transactions/app", 404},
		{"GET", "/v3//certificates", 404},
		{"GET", "/v3/certificates/", 404},
		{"GET", "/v3/pay/transactions/out-trade-no/ORDER0001/close/x", 404},
		{"GET", nativePath, 405},
		{"HEAD", "/v3/certificates", 405},
		{"POST", "/v3/certificates", 405},
		{"DELETE", "/v3/pay/transactions/out-trade-no/ORDER0001", 405},
		{"GET", "/v3/pay/transactions/out-trade-no/ORDER0001/close", 405},
	}
	for _, c := range cases {
		a := s.send(c.method, c.target, "").want(c.status, "")
		if a.body != "" {
			t.Errorf("%s %s: body %q, want none", c.method, c.target, a.body)
		}
	}
}

func TestAcceptAndUserAgentAreNeeded(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, name := range []string{"Accept", "User-Agent"} {
		// Checked before the signature: who probes without a key learns this too.
		drop := func(d *draft) { d.header.Del(name); d.signature = "AAAA" }
		a := s.send("POST", nativePath, s.order("ORDER0001", ""), drop).want(400, "INVALID_REQUEST")
		if a.error.Message != "Http头缺少Accept或User-Agent" {
			t.Errorf("message %q", a.error.Message)
		}
	}
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := s.order("ORDER0001", `,"attach":"`+strings.Repeat("a", maxBody)+`"`)
	a := s.send("POST", nativePath, body).want(400, "INVALID_REQUEST")
	if !strings.Contains(a.error.Message, "65536") {
		t.Errorf("message %q, want the bound in it", a.error.Message)
	}
}

func TestCertificatesInPublicKeyMode(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, target := range []string{"/v3/certificates", "/v3/certificates?algorithm_type=RSA"} {
		a := s.send("GET", target, "").want(404, "RESOURCE_NOT_EXISTS")
		if !strings.HasPrefix(a.error.Message, "无可用的平台证书") {
			t.Errorf("message %q", a.error.Message)
		}
	}
}

func TestUnknownQueryParameter(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.prepay("ORDER0001")
	for _, target := range []string{"/v3/certificates?x=1", nativePath + "?x=1",
		"/v3/pay/transactions/out-trade-no/ORDER0001?mchid=" + s.merchant.MchID + "&x=1"} {
		method := "GET"
		if strings.HasPrefix(target, nativePath) {
			method = "POST"
		}
		a := s.send(method, target, "").want(400, "PARAM_ERROR").wantNumber("270924358")
		if d := a.error.Detail; d == nil || d.Field != "/x" || d.Location != "query" || d.Value != "1" {
			t.Errorf("%s: detail %+v", target, d)
		}
	}
	s.send("GET", "/v3/certificates?%zz", "").want(400, "INVALID_REQUEST")
}

// The same over a wire: what net/http does on its own must not spoil the rules.
func TestOverTheWire(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	server := httptest.NewServer(s.sim)
	t.Cleanup(server.Close)
	send := func(r *http.Request) answer {
		t.Helper()
		wire, err := http.NewRequest(r.Method, server.URL+r.URL.RequestURI(), r.Body)
		if err != nil {
			t.Fatal(err)
		}
		wire.Header = r.Header
		got, err := server.Client().Do(wire)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = got.Body.Close() }()
		return s.read(got)
	}
	code := s.codeURL(send(s.request("POST", nativePath, s.order("A|B*0001", ""))))
	send(s.request("GET", "/v3/pay/transactions/out-trade-no/A%7CB%2A0001?mchid="+s.merchant.MchID, "")).want(200, "")
	closed := send(s.request("POST", "/v3/pay/transactions/out-trade-no/A%7CB%2A0001/close",
		`{"mchid":"`+s.merchant.MchID+`"}`)).want(204, "")
	if err := s.verify(closed.header, ""); err != nil || closed.header.Get("Content-Type") != "" {
		t.Errorf("204 with headers %v does not verify: %v", closed.header, err)
	}
	if a := send(s.request("GET", nativePath, "")).want(405, ""); a.body != "" {
		t.Errorf("405 with body %q", a.body)
	}
	if _, err := s.sim.Pay(code, ""); err == nil {
		t.Error("a closed order was paid")
	}
}
