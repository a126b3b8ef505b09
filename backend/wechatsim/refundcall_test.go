package wechatsim

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const refundPath = "/v3/refund/domestic/refunds"

// refundBody asks for a part of an order of 1280 fen. extra adds members.
func refundBody(order, number string, fen int, extra string) string {
	return fmt.Sprintf(`{"out_trade_no":"%s","out_refund_no":"%s","notify_url":"https://shop.example/refunds",`+
		`"amount":{"refund":%d,"total":1280,"currency":"CNY"}%s}`, order, number, fen, extra)
}

func (s *shop) refund(order, number string, fen int) answer {
	s.t.Helper()
	return s.send("POST", refundPath, refundBody(order, number, fen, ""))
}

// refundFields gives the fields of a signed answer about a refund.
func (s *shop) refundFields(a answer) map[string]any {
	s.t.Helper()
	a.want(200, "").wantNumber("0")
	if err := s.verify(a.header, a.body); err != nil {
		s.t.Fatalf("answer does not verify: %v", err)
	}
	return fields(s.t, a.body)
}

func (s *shop) queryRefund(number string) map[string]any {
	s.t.Helper()
	return s.refundFields(s.send("GET", refundPath+"/"+number, ""))
}

// newPaidShop has one order of 1280 fen that was just paid, and a clock moved by hand.
func newPaidShop(t *testing.T) (*shop, *handClock) {
	t.Helper()
	s, clock := newShopAtNoon(t)
	s.pay(s.prepay("ORDER0001"))
	return s, clock
}

func TestRefundAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, clock := newPaidShop(t)
		trade := s.sim.Trades()[0]
		clock.advance(time.Hour)
		got := s.refundFields(s.send("POST", refundPath, refundBody("ORDER0001", "R|1*@-_z", 80, `,"reason":"洒了",
			"funds_account":"UNSETTLED","goods_detail":[{"merchant_goods_id":"latte","wechatpay_goods_id":"1001",
			"goods_name":"拿铁","unit_price":1280,"refund_amount":80,"refund_quantity":1}]`)))
		want := map[string]any{"refund_id": got["refund_id"], "out_refund_no": "R|1*@-_z",
			"transaction_id": trade.TransactionID, "out_trade_no": "ORDER0001", "channel": "ORIGINAL",
			"user_received_account": "支付用户零钱", "create_time": "2026-01-02T13:00:00+08:00", "status": "PROCESSING",
			"funds_account": "UNSETTLED", "amount": map[string]any{"total": 1280.0, "refund": 80.0,
				"payer_total": 1280.0, "payer_refund": 80.0, "settlement_total": 1280.0, "settlement_refund": 80.0,
				"discount_refund": 0.0, "currency": "CNY"}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("refund answers %v, want %v", got, want)
		}
		if id, _ := got["refund_id"].(string); len(id) != 29 || !strings.Contains(id, "20260102") {
			t.Errorf("refund_id %q", id)
		}
		if got := s.queryRefund("R%7C1*@-_z"); !reflect.DeepEqual(got, want) {
			t.Errorf("query answers %v, want %v", got, want)
		}
		clock.advance(time.Second)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		want["status"], want["success_time"] = "SUCCESS", "2026-01-02T13:00:01+08:00"
		if got := s.queryRefund("R%7C1*@-_z"); !reflect.DeepEqual(got, want) {
			t.Errorf("query answers %v, want %v", got, want)
		}
	})
}

func TestRefundByTransactionID(t *testing.T) {
	t.Parallel()
	s, _ := newPaidShop(t)
	id := s.sim.Trades()[0].TransactionID
	body := strings.Replace(refundBody("ORDER0001", "R1", 80, ""), `"out_trade_no":"ORDER0001"`,
		`"transaction_id":"`+id+`"`, 1)
	if got := s.refundFields(s.send("POST", refundPath, body)); got["out_trade_no"] != "ORDER0001" {
		t.Errorf("refund of %v", got["out_trade_no"])
	}
}

func TestRefundParameters(t *testing.T) {
	t.Parallel()
	with := func(extra string) string { return refundBody("ORDER0001", "R1", 80, extra) }
	swap := func(old, new string) string { return strings.Replace(with(""), old, new, 1) }
	const undefined, invalid, outOfRange = "270924358", "268435461", "268435464"
	goods := `"merchant_goods_id":"a","unit_price":1,"refund_amount":1,"refund_quantity":1`
	goodsWith := func(old, new string) string {
		return with(`,"goods_detail":[{` + strings.Replace(goods, old, new, 1) + `}]`)
	}
	from := func(source string) string { return swap(`"CNY"`, `"CNY","from":[`+source+`]`) }
	cases := []struct{ name, body, field, issue, number string }{
		{"mchid", with(`,"mchid":"1"`), "/mchid", "未在API文档中定义", undefined},
		{"appid", with(`,"appid":"wx1"`), "/appid", "未在API文档中定义", undefined},
		{"sub_mchid", with(`,"sub_mchid":"1"`), "/sub_mchid", "未在API文档中定义", undefined},
		{"payer_refund", swap(`"CNY"`, `"CNY","payer_refund":1`), "/amount/payer_refund", "未在API文档中定义", undefined},
		{"null", with(`,"reason":null`), "/reason", "null", invalid},
		{"no order", swap(`"out_trade_no":"ORDER0001",`, ""), "/out_trade_no", "必须且只能", invalid},
		{"both orders", with(`,"transaction_id":"4200000000202601010000000001"`), "/out_trade_no", "必须且只能", invalid},
		{"short order", swap("ORDER0001", "ORDER"), "/out_trade_no", "最小值 6", outOfRange},
		{"order of a refund's letters", swap("ORDER0001", "ORDER@0001"), "/out_trade_no", "只能包含", invalid},
		{"long order", swap("ORDER0001", strings.Repeat("A", 33)), "/out_trade_no", "最大值 32", outOfRange},
		{"long transaction", swap(`"out_trade_no":"ORDER0001"`, `"transaction_id":"`+strings.Repeat("4", 33)+`"`),
			"/transaction_id", "最大值 32", outOfRange},
		{"empty transaction", with(`,"transaction_id":""`), "/transaction_id", "最小值 1", outOfRange},
		{"no number", swap(`"out_refund_no":"R1",`, ""), "/out_refund_no", "缺少", invalid},
		{"empty number", swap(`"R1"`, `""`), "/out_refund_no", "最小值 1", outOfRange},
		{"long number", swap(`"R1"`, `"`+strings.Repeat("R", 65)+`"`), "/out_refund_no", "最大值 64", outOfRange},
		{"number with a slash", swap(`"R1"`, `"R/1"`), "/out_refund_no", "只能包含", invalid},
		{"27 Chinese characters", with(`,"reason":"` + strings.Repeat("退", 27) + `"`), "/reason", "80 字节", outOfRange},
		{"81 letters", with(`,"reason":"` + strings.Repeat("r", 81) + `"`), "/reason", "最大值 80 字节", outOfRange},
		{"emoji", with(`,"reason":"🍰"`), "/reason", "3字节", invalid},
		{"notify_url with query", swap("/refunds", "/refunds?a=1"), "/notify_url", "不能携带参数", invalid},
		{"empty notify_url", swap("https://shop.example/refunds", ""), "/notify_url", "完整URL", invalid},
		{"long notify_url", swap("/refunds", "/"+strings.Repeat("n", 256)), "/notify_url", "最大值 256", outOfRange},
		{"funds_account", with(`,"funds_account":"BASIC"`), "/funds_account", "AVAILABLE、UNSETTLED", invalid},
		{"no amount", swap(`"amount"`, `"sum"`), "/sum", "未在API文档中定义", undefined},
		{"refund zero", swap(`"refund":80`, `"refund":0`), "/amount/refund", "最小值 1", outOfRange},
		{"refund negative", swap(`"refund":80`, `"refund":-80`), "/amount/refund", "最小值 1", outOfRange},
		{"refund broken", swap(`"refund":80`, `"refund":0.8`), "/amount/refund", "整数", invalid},
		{"no refund", swap(`"refund":80,`, ``), "/amount/refund", "缺少", invalid},
		{"no total", swap(`"total":1280,`, ``), "/amount/total", "缺少", invalid},
		{"no currency", swap(`,"currency":"CNY"`, ``), "/amount/currency", "缺少", invalid},
		{"dollars", swap(`CNY`, `USD`), "/amount/currency", "CNY", invalid},
		{"from nowhere", from(`{"account":"BASIC","amount":80}`), "/amount/from/0/account", "UNAVAILABLE", invalid},
		{"from nothing", from(`{"account":"AVAILABLE"}`), "/amount/from/0/amount", "缺少", invalid},
		{"goods without id", goodsWith(`"merchant_goods_id":"a",`, ""), "/goods_detail/0/merchant_goods_id", "缺少",
			invalid},
		{"goods without price", goodsWith(`"unit_price":1,`, ""), "/goods_detail/0/unit_price", "缺少", invalid},
		{"goods without amount", goodsWith(`"refund_amount":1,`, ""), "/goods_detail/0/refund_amount", "缺少", invalid},
		{"goods without quantity", goodsWith(`,"refund_quantity":1`, ""), "/goods_detail/0/refund_quantity", "缺少",
			invalid},
		{"goods of a prepay", goodsWith(`"refund_quantity"`, `"quantity"`), "/goods_detail/0/quantity", "未在API文档中定义",
			undefined},
	}
	s, _ := newPaidShop(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := s.send("POST", refundPath, c.body).want(400, "PARAM_ERROR").wantNumber(c.number)
			d := a.error.Detail
			if d == nil || d.Field != c.field || d.Location != "body" || !strings.Contains(d.Issue, c.issue) {
				t.Errorf("detail %+v, want field %s, issue %q", d, c.field, c.issue)
			}
		})
	}
	if n := len(s.sim.Refunds()); n != 0 {
		t.Errorf("%d refunds made", n)
	}
	s.wantState("ORDER0001", "SUCCESS")
	// At the bounds: 26 Chinese characters and 2 letters are 80 bytes.
	s.send("POST", refundPath, refundBody("ORDER0001", strings.Repeat("R", 64), 80,
		`,"reason":"`+strings.Repeat("退", 26)+`ab"`)).want(200, "")
}

func TestRefundOfNothing(t *testing.T) {
	t.Parallel()
	s, _ := newPaidShop(t)
	s.prepay("ORDER0002")
	s.prepay("ORDER0003")
	s.close("ORDER0003").want(204, "")
	for _, order := range []string{"ORDER0002", "ORDER0003", "ORDER0004"} {
		s.refund(order, "R1", 80).want(404, "RESOURCE_NOT_EXISTS")
	}
	body := strings.Replace(refundBody("", "R1", 80, ""), `"out_trade_no":""`, `"transaction_id":"42"`, 1)
	s.send("POST", refundPath, body).want(404, "RESOURCE_NOT_EXISTS")
	s.send("GET", refundPath+"/R1", "").want(404, "RESOURCE_NOT_EXISTS")
	s.refund("ORDER0001", "R1", 80).want(200, "") // a number that failed is free
}

func TestRefundRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, clock := newPaidShop(t)
		first := s.refundFields(s.refund("ORDER0001", "R1", 80))
		if again := s.refundFields(s.refund("ORDER0001", "R1", 80)); !reflect.DeepEqual(again, first) {
			t.Errorf("again %v, first %v", again, first)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		clock.advance(366 * 24 * time.Hour) // rules for new refunds do not touch a known one
		again := s.refundFields(s.refund("ORDER0001", "R1", 80))
		if again["status"] != "SUCCESS" || again["refund_id"] != first["refund_id"] {
			t.Errorf("after its end %v", again)
		}
		for name, body := range map[string]string{
			"amount": refundBody("ORDER0001", "R1", 81, ""),
			"order":  refundBody("ORDER0002", "R1", 80, ""),
			"reason": refundBody("ORDER0001", "R1", 80, `,"reason":"x"`),
			"url":    strings.Replace(refundBody("ORDER0001", "R1", 80, ""), "shop.example", "cafe.example", 1),
		} {
			a := s.send("POST", refundPath, body).want(400, "INVALID_REQUEST")
			if !strings.Contains(a.error.Message, "不一致") {
				t.Errorf("%s: %s", name, a.error.Message)
			}
		}
		if n := len(s.sim.Refunds()); n != 1 || s.sim.Balance() != openingBalance+1280-13-80 {
			t.Errorf("%d refunds, balance %d", n, s.sim.Balance())
		}
	})
}

func TestRefundIsNeverAboveThePayment(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	wrong := func(body, why string) {
		t.Helper()
		if a := s.send("POST", refundPath, body).want(400, "INVALID_REQUEST"); !strings.Contains(a.error.Message, why) {
			t.Errorf("message %q, want %q in it", a.error.Message, why)
		}
	}
	wrong(refundBody("ORDER0001", "R1", 1281, ""), "可退金额")
	wrong(strings.Replace(refundBody("ORDER0001", "R1", 80, ""), "1280", "1281", 1), "不一致")
	wrong(strings.Replace(refundBody("ORDER0001", "R1", 80, ""), `"CNY"`,
		`"CNY","from":[{"account":"AVAILABLE","amount":80}]`, 1), "分账")
	s.refund("ORDER0001", "R1", 1000).want(200, "")
	clock.advance(time.Minute)
	wrong(refundBody("ORDER0001", "R2", 281, ""), "可退金额")
	s.refund("ORDER0001", "R2", 280).want(200, "")
	clock.advance(time.Minute)
	wrong(refundBody("ORDER0001", "R3", 1, ""), "可退金额")
}

func TestRefundOfAProfitSharingOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pay(s.codeURL(s.send("POST", nativePath, s.order("ORDER0001", `,"settle_info":{"profit_sharing":true}`))))
	got := s.refundFields(s.send("POST", refundPath, strings.Replace(refundBody("ORDER0001", "R1", 80, ""), `"CNY"`,
		`"CNY","from":[{"account":"UNAVAILABLE","amount":80}]`, 1)))
	want := []any{map[string]any{"account": "UNAVAILABLE", "amount": 80.0}}
	if from := got["amount"].(map[string]any)["from"]; !reflect.DeepEqual(from, want) {
		t.Errorf("from %v", from)
	}
}

func TestRefundsOfOneOrder(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	s.pay(s.prepay("ORDER0002"))
	for i := range 50 {
		s.refund("ORDER0001", fmt.Sprintf("R%d", i), 1).want(200, "")
		clock.advance(time.Minute - time.Second)
		s.refund("ORDER0001", "NEXT", 1).want(map[bool]int{true: 400, false: 429}[i == 49],
			map[bool]string{true: "INVALID_REQUEST", false: "FREQUENCY_LIMITED"}[i == 49])
		clock.advance(time.Second)
	}
	a := s.refund("ORDER0001", "R50", 1).want(400, "INVALID_REQUEST")
	if !strings.Contains(a.error.Message, "50") {
		t.Errorf("message %q", a.error.Message)
	}
	s.refund("ORDER0002", "R50", 1).want(200, "") // the rules are of one order
	if n := len(s.sim.Refunds()); n != 51 {
		t.Errorf("%d refunds", n)
	}
}

func TestRefundWithinAYear(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	clock.advance(365 * 24 * time.Hour)
	s.refund("ORDER0001", "R1", 1).want(200, "")
	clock.advance(time.Minute)
	a := s.refund("ORDER0001", "R2", 1).want(400, "INVALID_REQUEST")
	if !strings.Contains(a.error.Message, "期限") {
		t.Errorf("message %q", a.error.Message)
	}
}

func TestQueryRefundRefused(t *testing.T) {
	t.Parallel()
	s, _ := newPaidShop(t)
	s.refund("ORDER0001", "R1", 1).want(200, "")
	for target, field := range map[string]string{
		"/" + strings.Repeat("R", 65): "/out_refund_no", "/R%2F1": "/out_refund_no", "/R1?mchid=1": "/mchid",
		"/R1?sub_mchid=1": "/sub_mchid"} {
		a := s.send("GET", refundPath+target, "").want(400, "PARAM_ERROR")
		if a.error.Detail == nil || a.error.Detail.Field != field {
			t.Errorf("%s: detail %+v", target, a.error.Detail)
		}
	}
}

// The money of a merchant: payments less fees of 1.00%, less refunds, of which the fee comes back in proportion.
func TestBalance(t *testing.T) {
	t.Parallel()
	s, clock := newPaidShop(t)
	balance := int64(openingBalance + 1280 - 13)
	want := func(change int64) {
		t.Helper()
		balance += change
		if got := s.sim.Balance(); got != balance {
			t.Errorf("balance %d, want %d", got, balance)
		}
	}
	want(0)
	s.refund("ORDER0001", "R1", 640).want(200, "")
	want(-640 + 6)
	s.sim.SetBalance(99)
	balance = 99
	clock.advance(time.Minute)
	a := s.refund("ORDER0001", "R2", 101).want(403, "NOT_ENOUGH")
	if a.error.Message == "" || len(s.sim.Refunds()) != 1 {
		t.Errorf("%q, %d refunds", a.error.Message, len(s.sim.Refunds()))
	}
	s.send("GET", refundPath+"/R2", "").want(404, "RESOURCE_NOT_EXISTS")
	s.sim.SetBalance(100)
	balance = 100
	s.refund("ORDER0001", "R2", 101).want(200, "") // topped up: the same number; a fen of the fee comes back
	want(-100)
	s.pay(s.prepay("ORDER0002"))
	want(1280 - 13)
	clock.advance(time.Minute)
	s.refund("ORDER0002", "R3", 1280).want(200, "")
	want(-1280 + 13)
}

func TestFees(t *testing.T) {
	t.Parallel()
	for total, want := range map[int64]int64{1: 0, 49: 0, 50: 1, 149: 1, 150: 2, 1280: 13, 10_000: 100,
		9_223_372_036_854_775_807: 92_233_720_368_547_758} {
		if got := feeOf(total); got != want {
			t.Errorf("fee of %d is %d, want %d", total, got, want)
		}
	}
	for _, c := range []struct{ fee, part, total, want int64 }{{13, 640, 1280, 6}, {13, 1280, 1280, 13}, {0, 1, 49, 0},
		{13, 98, 1280, 0}, {13, 99, 1280, 1},
		{92_233_720_368_547_758, 9_223_372_036_854_775_806, 9_223_372_036_854_775_807, 92_233_720_368_547_757}} {
		if got := share(c.fee, c.part, c.total); got != c.want {
			t.Errorf("%d of %d have %d of the fee %d, want %d", c.part, c.total, got, c.fee, c.want)
		}
	}
}
