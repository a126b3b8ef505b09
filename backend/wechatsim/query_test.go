package wechatsim

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQueryWhileUnpaid(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.codeURL(s.send("POST", nativePath, s.full("ORDER0001")))
	got := s.query("ORDER0001")
	want := map[string]any{"appid": s.merchant.AppID, "mchid": s.merchant.MchID, "out_trade_no": "ORDER0001",
		"trade_state": "NOTPAY", "trade_state_desc": "订单未支付",
		"amount": map[string]any{"total": 1280.0, "currency": "CNY"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("query answers %v, want %v", got, want)
	}
}

func TestQueryWhenPaid(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(o *Options) { o.Now = func() time.Time { return noon().UTC() } })
	trade := s.pay(s.codeURL(s.send("POST", nativePath, s.full("ORDER0001"))))
	want := map[string]any{"appid": s.merchant.AppID, "mchid": s.merchant.MchID, "out_trade_no": "ORDER0001",
		"transaction_id": trade.TransactionID, "trade_type": "NATIVE", "trade_state": "SUCCESS",
		"trade_state_desc": "支付成功", "bank_type": "OTHERS", "attach": "桌号 8",
		"success_time": "2026-01-02T12:00:00+08:00", "payer": map[string]any{"openid": trade.OpenID},
		"amount": map[string]any{"total": 1280.0, "payer_total": 1280.0, "currency": "CNY",
			"payer_currency": "CNY"},
		"scene_info": map[string]any{"device_id": "till-1"}}
	if got := s.query("ORDER0001"); !reflect.DeepEqual(got, want) {
		t.Errorf("query answers %v, want %v", got, want)
	}
	a := s.send("GET", "/v3/pay/transactions/id/"+trade.TransactionID+"?mchid="+s.merchant.MchID, "").want(200, "")
	if got := fields(t, a.body); !reflect.DeepEqual(got, want) {
		t.Errorf("query by id answers %v, want %v", got, want)
	}
	if len(trade.TransactionID) != 28 || len(trade.OpenID) != 28 || !strings.HasPrefix(trade.OpenID, "o") {
		t.Errorf("transaction_id %q, openid %q: want 28 characters each", trade.TransactionID, trade.OpenID)
	}
}

func TestQueryWithoutOptionalParts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pay(s.prepay("ORDER0001"))
	got := s.query("ORDER0001")
	if got["attach"] != "" {
		t.Errorf("attach %v, want an empty string", got["attach"])
	}
	if _, sent := got["scene_info"]; sent {
		t.Errorf("scene_info without a device: %v", got["scene_info"])
	}
}

func TestQueryWhenClosed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.prepay("ORDER0001")
	s.close("ORDER0001").want(204, "")
	got := s.query("ORDER0001")
	if got["trade_state"] != "CLOSED" || got["trade_state_desc"] != "订单已关闭" || len(got) != 6 {
		t.Errorf("query answers %v", slices.Sorted(maps.Keys(got)))
	}
}

func TestQueryRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.prepay("ORDER0001")
	const byNumber, byID = "/v3/pay/transactions/out-trade-no/", "/v3/pay/transactions/id/"
	mchID := "?mchid=" + s.merchant.MchID
	cases := []struct {
		target string
		status int
		code   string
		field  string
	}{
		{byNumber + "ORDER0002" + mchID, 404, "ORDER_NOT_EXIST", ""},
		{byID + "4200000000202601010000000001" + mchID, 404, "ORDER_NOT_EXIST", ""},
		{byID + "ORDER0001" + mchID, 404, "ORDER_NOT_EXIST", ""}, // unpaid: no transaction_id yet
		{byNumber + "ORDER0001", 400, "PARAM_ERROR", "/mchid"},
		{byNumber + "ORDER0001?mchid=", 400, "PARAM_ERROR", "/mchid"},
		{byNumber + "ORDER0001?mchid=1900000001", 400, "PARAM_ERROR", "/mchid"},
		{byID + "4200000000202601010000000001?mchid=1900000001", 400, "PARAM_ERROR", "/mchid"},
		{byNumber + "ORDER" + mchID, 400, "PARAM_ERROR", "/out_trade_no"},
		{byNumber + strings.Repeat("A", 33) + mchID, 400, "PARAM_ERROR", "/out_trade_no"},
		{byID + strings.Repeat("4", 33) + mchID, 400, "PARAM_ERROR", "/transaction_id"},
	}
	for _, c := range cases {
		a := s.send("GET", c.target, "").want(c.status, c.code)
		if c.status == 404 {
			a.wantNumber("268512771")
		} else if a.error.Detail == nil || a.error.Detail.Field != c.field {
			t.Errorf("%s: detail %+v, want field %s", c.target, a.error.Detail, c.field)
		}
	}
}

// By a fault, a query lags behind: it answers as before the payment.
func TestStaleQuery(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	code := s.codeURL(s.send("POST", nativePath, s.full("ORDER0001")))
	s.sim.SetFaults(Faults{Stale: 2})
	before := s.query("ORDER0001")
	s.prepay("ORDER0002")
	s.query("ORDER0002") // an unpaid order does not use it up
	trade := s.pay(code)
	if got := s.query("ORDER0001"); !reflect.DeepEqual(got, before) {
		t.Errorf("stale query answers %v, want %v", got, before)
	}
	id := "/v3/pay/transactions/id/" + trade.TransactionID + "?mchid=" + s.merchant.MchID
	if got := fields(t, s.send("GET", id, "").want(200, "").body); got["trade_state"] != "SUCCESS" {
		t.Errorf("query by id answers %v: whoever has the id knows of the payment", got)
	}
	s.refund("ORDER0001", "R1", 1).want(200, "")
	if got := s.query("ORDER0001"); !reflect.DeepEqual(got, before) {
		t.Errorf("stale query answers %v, want %v", got, before)
	}
	s.wantState("ORDER0001", "REFUND")
	if s.sim.Trades()[1].State != StateRefunded {
		t.Error("a stale answer changed the order")
	}
}
