package wechatsim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// control calls the simulator's own side, which knows no signature.
func (s *shop) control(method, target, body string) (int, map[string]any, http.Header) {
	s.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, r)
	return w.Code, fields(s.t, w.Body.String()), w.Header()
}

func TestOrdersForThePhone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	code := s.prepay("ORDER0001")
	s.prepay("ORDER0002")
	status, got, header := s.control("GET", "/_sim/orders", "")
	orders := got["orders"].([]any)
	if status != 200 || len(orders) != 2 || got["merchant"] != s.merchant.Name || got["mchid"] != s.merchant.MchID {
		t.Fatalf("%d %v", status, got)
	}
	if header.Get("Cache-Control") != "no-store" || header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers %v", header)
	}
	first := orders[1].(map[string]any)
	if first["code_url"] != code || first["total"] != 1280.0 || first["state"] != "NOTPAY" || first["paid_at"] != nil {
		t.Errorf("order %v", first)
	}
	if list, ok := first["callbacks"].([]any); !ok || len(list) != 0 {
		t.Errorf("callbacks %v, want an empty list", first["callbacks"])
	}
	if _, err := time.Parse(time.RFC3339, got["now"].(string)); err != nil {
		t.Error(err)
	}
}

func TestOrdersForThePhoneAreBounded(t *testing.T) {
	t.Parallel()
	m, err := sharedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(*m)
	for range 150 {
		b.newCode(b.add(Trade{OutTradeNo: randomOf(digits, 20), TradeType: TypeNative}, "", time.Time{}, noon()), "", noon())
	}
	if got := b.newest(newestOrders, noon()); len(got) != 100 || got[0].OutTradeNo != b.all[149].OutTradeNo {
		t.Errorf("%d orders", len(got))
	}
	if n := len(b.newest(0, noon())); n != 150 {
		t.Errorf("%d orders without a bound", n)
	}
}

func TestScanAndPayByControl(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := `{"code_url":"` + s.prepay("ORDER0001") + `","payer":"小红"}`
	status, got, _ := s.control("POST", "/_sim/scan", body)
	order := got["order"].(map[string]any)
	if status != 200 || order["scanned_by"] != "小红" || order["state"] != "NOTPAY" {
		t.Errorf("scan: %d %v", status, got)
	}
	status, got, _ = s.control("POST", "/_sim/pay", strings.Replace(body, "小红", "小明", 1))
	if status != 409 || got["error"] != "other_payer" || got["message"] != "商家订单信息有误，请重新下单支付" {
		t.Errorf("pay by another account: %d %v", status, got)
	}
	status, got, _ = s.control("POST", "/_sim/pay", body)
	if order := got["order"].(map[string]any); status != 200 || order["payer"] != "小红" || order["state"] != "SUCCESS" {
		t.Errorf("pay: %d %v", status, got)
	}
	status, got, _ = s.control("POST", "/_sim/pay", body)
	if status != 409 || got["error"] != "already_paid" {
		t.Errorf("pay again: %d %v", status, got)
	}
	status, got, _ = s.control("POST", "/_sim/pay", `{"code_url":"weixin://nobody"}`)
	if status != 404 || got["error"] != "unknown_code" {
		t.Errorf("unknown code: %d %v", status, got)
	}
}

func TestRefundsByControl(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pay(s.prepay("ORDER0001"))
	s.sim.SetFaults(Faults{RefundOutcome: RefundFaults{Stay: -1}})
	s.refund("ORDER0001", "R1", 80).want(200, "")
	status, got, _ := s.control("GET", "/_sim/refunds", "")
	list := got["refunds"].([]any)
	if status != 200 || len(list) != 1 || got["now"] == nil {
		t.Fatalf("%d %v", status, got)
	}
	first := list[0].(map[string]any)
	if first["out_refund_no"] != "R1" || first["amount"] != 80.0 || first["state"] != "PROCESSING" ||
		first["ended_at"] != nil || len(first["callbacks"].([]any)) != 0 {
		t.Errorf("refund %v", first)
	}
	status, got, _ = s.control("POST", "/_sim/refunds", `{"out_refund_no":"R1","state":"SUCCESS"}`)
	if r := got["refund"].(map[string]any); status != 200 || r["state"] != "SUCCESS" || r["ended_at"] == nil {
		t.Errorf("finished: %d %v", status, got)
	}
	_, got, _ = s.control("GET", "/_sim/orders", "")
	order := got["orders"].([]any)[0].(map[string]any)
	if order["state"] != "REFUND" || order["refunds"].([]any)[0].(map[string]any)["state"] != "SUCCESS" {
		t.Errorf("order %v", order)
	}
}

func TestBalanceByControl(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pay(s.prepay("ORDER0001"))
	if status, got, _ := s.control("POST", "/_sim/balance", `{"balance":0}`); status != 200 || got["balance"] != 0.0 {
		t.Errorf("%d %v", status, got)
	}
	s.refund("ORDER0001", "R1", 80).want(403, "NOT_ENOUGH")
	s.control("POST", "/_sim/balance", `{"balance":80}`)
	s.refund("ORDER0001", "R1", 80).want(200, "")
	if _, got, _ := s.control("GET", "/_sim/balance", ""); got["balance"] != 0.0 {
		t.Errorf("read %v, want 80 less 80 fen, which are too few for a fee to come back", got)
	}
}

func TestFaultsByControl(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	status, got, _ := s.control("POST", "/_sim/faults",
		`{"prepay":{"error_after":2},"callback":{"lose":-1},"refuse_young_close":1}`)
	want := Faults{Prepay: CallFaults{ErrorAfter: 2}, Callback: CallbackFaults{Lose: -1}, RefuseYoungClose: 1}
	if status != 200 || s.sim.Faults() != want {
		t.Errorf("%d %v, set %+v", status, got, s.sim.Faults())
	}
	s.send("POST", nativePath, s.order("ORDER0001", "")).want(500, "SYSTEM_ERROR")
	_, got, _ = s.control("GET", "/_sim/faults", "")
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var back Faults
	if err := json.Unmarshal(text, &back); err != nil || back != s.sim.Faults() || back.Prepay.ErrorAfter != 1 {
		t.Errorf("read %+v: %v", back, err)
	}
	// What GET answers may be posted again; what is left out is switched off.
	if status, _, _ := s.control("POST", "/_sim/faults", string(text)); status != 200 || s.sim.Faults() != back {
		t.Errorf("%d, set %+v", status, s.sim.Faults())
	}
	if s.control("POST", "/_sim/faults", `{}`); s.sim.Faults() != (Faults{}) {
		t.Errorf("set %+v, want none", s.sim.Faults())
	}
}

func TestClockByControl(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(o *Options) { o.Now = noon })
	code := s.prepay("ORDER0001")
	status, got, _ := s.control("POST", "/_sim/clock", `{"offset_seconds":7200}`)
	if status != 200 || got["offset_seconds"] != 7200.0 || got["now"] != "2026-01-02T14:00:00+08:00" {
		t.Errorf("%d %v", status, got)
	}
	wantUnpayable(t, s, code, "", ErrDeadCode)
	s.send("POST", nativePath, s.order("ORDER0001", "")).want(401, "SIGN_ERROR") // its clock is two hours behind now
	s.now = func() time.Time { return noon().Add(2 * time.Hour) }
	s.prepay("ORDER0001")
	if _, got, _ := s.control("GET", "/_sim/clock", ""); got["offset_seconds"] != 7200.0 {
		t.Errorf("read %v", got)
	}
	s.control("POST", "/_sim/clock", `{"offset_seconds":0}`)
	if _, got, _ := s.control("GET", "/_sim/clock", ""); got["now"] != "2026-01-02T12:00:00+08:00" {
		t.Errorf("put back: %v", got)
	}
}

func TestControlRefusals(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pay(s.prepay("ORDER0000"))
	s.refund("ORDER0000", "R0", 80).want(200, "")
	if _, err := s.sim.FinishRefund("R0", RefundClosed); err != nil {
		t.Fatal(err)
	}
	code := s.prepay("ORDER0001")
	cases := []struct {
		method, target, body string
		status               int
		code                 string
	}{
		{"POST", "/_sim/pay", ``, 400, "invalid_request"},
		{"POST", "/_sim/pay", `{`, 400, "invalid_request"},
		{"POST", "/_sim/pay", `[]`, 400, "invalid_request"},
		{"POST", "/_sim/pay", `{"code_url":"` + code + `","amount":1}`, 400, "invalid_request"},
		{"POST", "/_sim/pay", `{"code_url":"` + code + `"}{}`, 400, "invalid_request"},
		{"POST", "/_sim/pay", `{"code_url":"` + strings.Repeat("a", maxBody) + `"}`, 400, "invalid_request"},
		{"POST", "/_sim/faults", `{"prepay":{"explode":1}}`, 400, "invalid_request"},
		{"POST", "/_sim/clock", `{"offset_seconds":1.5}`, 400, "invalid_request"},
		{"POST", "/_sim/clock", `{"offset_seconds":400000000}`, 400, "invalid_request"},
		{"POST", "/_sim/clock", `{"offset_seconds":-400000000}`, 400, "invalid_request"},
		{"POST", "/_sim/refunds", `{"out_refund_no":"R1","state":"SUCCESS"}`, 404, "unknown_refund"},
		{"POST", "/_sim/refunds", `{"out_refund_no":"R0","state":"CLOSED"}`, 409, "refund_ended"},
		{"POST", "/_sim/refunds", `{"out_refund_no":"R0","state":"PROCESSING"}`, 400, "invalid_request"},
		{"POST", "/_sim/refunds", `{"out_refund_no":"R0","status":"SUCCESS"}`, 400, "invalid_request"},
		{"POST", "/_sim/balance", `{}`, 400, "invalid_request"},
		{"POST", "/_sim/balance", `{"balance":0.5}`, 400, "invalid_request"},
		{"GET", "/_sim/pay", ``, 404, "not_found"},
		{"PUT", "/_sim/faults", `{}`, 404, "not_found"},
		{"GET", "/_sim/nothing", ``, 404, "not_found"},
	}
	for _, c := range cases {
		status, got, _ := s.control(c.method, c.target, c.body)
		if status != c.status || got["error"] != c.code || got["message"] == "" {
			t.Errorf("%s %s %.60s: %d %v, want %d %s", c.method, c.target, c.body, status, got, c.status, c.code)
		}
	}
	if s.sim.Trades()[0].State != StateNotPaid {
		t.Error("a refused call paid")
	}
}

// A page of any site can post a form to this address: it must not be able to pay with it.
func TestControlTakesNoForms(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := `{"code_url":"` + s.prepay("ORDER0001") + `"}`
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded",
		"multipart/form-data; boundary=x", "text/plain; application/json", "bad type;;"} {
		for _, target := range []string{"/_sim/pay", "/_sim/scan", "/_sim/faults", "/_sim/clock", "/_sim/refunds",
			"/_sim/balance", "/_sim/signing"} {
			r := httptest.NewRequest("POST", target, strings.NewReader(body))
			r.Header.Set("Content-Type", kind)
			w := httptest.NewRecorder()
			s.sim.ServeHTTP(w, r)
			if w.Code != 415 {
				t.Errorf("%s as %q: %d", target, kind, w.Code)
			}
		}
	}
	r := httptest.NewRequest("POST", "/_sim/pay", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("with a charset: %d %s", w.Code, w.Body)
	}
}
