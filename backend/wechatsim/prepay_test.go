package wechatsim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// full is a request with every documented field.
func (s *shop) full(number string) string {
	return s.order(number, `,"time_expire":"2030-01-01T12:00:00+08:00","attach":"桌号 8","goods_tag":"WXG",
		"support_fapiao":true,"detail":{"cost_price":1500,"invoice_id":"wx123","goods_detail":[
		{"merchant_goods_id":"latte","wechatpay_goods_id":"1001","goods_name":"拿铁","quantity":1,"unit_price":1280}]},
		"scene_info":{"payer_client_ip":"2001:db8::1","device_id":"till-1","store_info":{"id":"0001","name":"街角",
		"area_code":"440305","address":"广东省深圳市"}},"settle_info":{"profit_sharing":false}`)
}

func TestPrepayEveryField(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	code := s.codeURL(s.send("POST", nativePath, s.full("aZ0_-|*")))
	if !strings.HasPrefix(code, "weixin://wxpay/bizpayurl?pr=") || len(code) > 64 {
		t.Errorf("code_url %q", code)
	}
	got := s.sim.Trades()[0]
	if got.OutTradeNo != "aZ0_-|*" || got.Description != "拿铁" || got.Attach != "桌号 8" || got.Total != 1280 ||
		got.Currency != "CNY" || got.DeviceID != "till-1" || got.State != StateNotPaid || got.CodeURL != code ||
		got.NotifyURL != "https://shop.example/notify" {
		t.Errorf("trade %+v", got)
	}
}

func TestPrepayRefusals(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("字", n) }
	with := func(extra string) func(*shop) string {
		return func(s *shop) string { return s.order("ORDER0001", extra) }
	}
	swap := func(old, new string) func(*shop) string {
		return func(s *shop) string { return strings.Replace(s.order("ORDER0001", ""), old, new, 1) }
	}
	goods := func(members string) func(*shop) string { return with(`,"detail":{"goods_detail":[{` + members + `}]}`) }
	const undefined, invalid, outOfRange = "270924358", "268435461", "268435464"
	cases := []struct {
		name   string
		body   func(*shop) string
		field  string // of the detail
		issue  string // in it
		number string
	}{
		{"unknown field", with(`,"sub_mchid":"1"`), "/sub_mchid", "未在API文档中定义", undefined},
		{"limit_pay", with(`,"limit_pay":["no_credit"]`), "/limit_pay", "未在API文档中定义", undefined},
		{"unknown inner field", swap(`"total":1280`, `"total":1280,"tax":1`), "/amount/tax", "未在API文档中定义", undefined},
		{"unknown in list", goods(`"merchant_goods_id":"a","quantity":1,"unit_price":1,"sku":"x"`),
			"/detail/goods_detail/0/sku", "未在API文档中定义", undefined},
		{"null", with(`,"attach":null`), "/attach", "null", invalid},
		{"null object", swap(`{"total":1280}`, `null`), "/amount", "null", invalid},
		{"emoji", swap("拿铁", "拿铁☕🍰"), "/description", "3字节", invalid},
		{"emoji escaped", swap("拿铁", `\ud83c\udf70`), "/description", "3字节", invalid},
		{"emoji in attach", with(`,"attach":"🍰"`), "/attach", "3字节", invalid},
		{"no description", swap(`"description":"拿铁",`, ""), "/description", "缺少", invalid},
		{"empty description", swap("拿铁", ""), "/description", "最小值 1", outOfRange},
		{"long description", swap("拿铁", long(128)), "/description", "最大值 127", outOfRange},
		{"long attach", with(`,"attach":"` + long(129) + `"`), "/attach", "最大值 128", outOfRange},
		{"long goods_tag", with(`,"goods_tag":"` + long(33) + `"`), "/goods_tag", "最大值 32", outOfRange},
		{"text as number", swap(`"拿铁"`, `5`), "/description", "类型", invalid},
		{"number as text", swap(`1280`, `"1280"`), "/amount/total", "类型", invalid},
		{"total zero", swap(`1280`, `0`), "/amount/total", "值低于最小值 1", outOfRange},
		{"total negative", swap(`1280`, `-1`), "/amount/total", "值低于最小值 1", outOfRange},
		{"total broken", swap(`1280`, `12.80`), "/amount/total", "整数", invalid},
		{"total with exponent", swap(`1280`, `1e3`), "/amount/total", "整数", invalid},
		{"total beyond int64", swap(`1280`, `9223372036854775808`), "/amount/total", "整数", invalid},
		{"no total", swap(`"total":1280`, ``), "/amount/total", "缺少", invalid},
		{"no amount", swap(`,"amount":{"total":1280}`, ``), "/amount", "缺少", invalid},
		{"amount a number", swap(`{"total":1280}`, `1280`), "/amount", "类型", invalid},
		{"dollars", swap(`1280`, `1280,"currency":"USD"`), "/amount/currency", "CNY", invalid},
		{"empty currency", swap(`1280`, `1280,"currency":""`), "/amount/currency", "CNY", invalid},
		{"short number", swap("ORDER0001", "ORDER"), "/out_trade_no", "最小值 6", outOfRange},
		{"long number", swap("ORDER0001", strings.Repeat("A", 33)), "/out_trade_no", "最大值 32", outOfRange},
		{"number with a slash", swap("ORDER0001", "ORDER/0001"), "/out_trade_no", "只能包含", invalid},
		{"number in Chinese", swap("ORDER0001", "订单号码一二三"), "/out_trade_no", "只能包含", invalid},
		{"notify_url with query", swap("/notify", "/notify?a=1"), "/notify_url", "不能携带参数", invalid},
		{"notify_url with bare query", swap("/notify", "/notify?"), "/notify_url", "不能携带参数", invalid},
		{"notify_url with fragment", swap("/notify", "/notify#a"), "/notify_url", "不能携带参数", invalid},
		{"notify_url without scheme", swap("https://", ""), "/notify_url", "完整URL", invalid},
		{"notify_url without host", swap("shop.example", ""), "/notify_url", "完整URL", invalid},
		{"notify_url of ftp", swap("https://", "ftp://"), "/notify_url", "完整URL", invalid},
		{"notify_url with control character", swap("/notify", `/\u0001`), "/notify_url", "完整URL", invalid},
		{"long notify_url", swap("/notify", "/"+strings.Repeat("n", 256)), "/notify_url", "最大值 255", outOfRange},
		{"no notify_url", swap(`"notify_url":"https://shop.example/notify",`, ""), "/notify_url", "缺少", invalid},
		{"time without zone", with(`,"time_expire":"2030-01-01T12:00:00"`), "/time_expire", "RFC 3339", invalid},
		{"time of APIv2", with(`,"time_expire":"20300101120000"`), "/time_expire", "RFC 3339", invalid},
		{"time with a comma", with(`,"time_expire":"2030-01-01T12:00:00,5Z"`), "/time_expire", "RFC 3339", invalid},
		{"time as number", with(`,"time_expire":1893470400`), "/time_expire", "类型", invalid},
		{"fapiao as text", with(`,"support_fapiao":"true"`), "/support_fapiao", "类型", invalid},
		{"scene without ip", with(`,"scene_info":{"device_id":"1"}`), "/scene_info/payer_client_ip", "缺少", invalid},
		{"scene with a name for ip", with(`,"scene_info":{"payer_client_ip":"localhost"}`),
			"/scene_info/payer_client_ip", "IP", invalid},
		{"store without id", with(`,"scene_info":{"payer_client_ip":"10.0.0.1","store_info":{"name":"a"}}`),
			"/scene_info/store_info/id", "缺少", invalid},
		{"detail without goods", with(`,"detail":{"goods_detail":[]}`), "/detail/goods_detail", "最小值 1", outOfRange},
		{"goods a number", with(`,"detail":{"goods_detail":[1]}`), "/detail/goods_detail/0", "类型", invalid},
		{"goods without quantity", goods(`"merchant_goods_id":"a","unit_price":1`),
			"/detail/goods_detail/0/quantity", "缺少", invalid},
		{"detail too large", goods(`"goods_name":"` + strings.Repeat("a", 6200) + `"`), "/detail", "6144", outOfRange},
		{"another mchid", func(s *shop) string {
			return strings.Replace(s.order("ORDER0001", ""), s.merchant.MchID, "1900000001", 1)
		}, "/mchid", "不一致", invalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			a := s.send("POST", nativePath, c.body(s)).want(400, "PARAM_ERROR").wantNumber(c.number)
			d := a.error.Detail
			if d == nil || d.Field != c.field || d.Location != "body" || !strings.Contains(d.Issue, c.issue) {
				t.Errorf("detail %+v, want field %s, issue %q", d, c.field, c.issue)
			}
			if !strings.Contains(a.error.Message, c.issue) {
				t.Errorf("message %q, want %q in it", a.error.Message, c.issue)
			}
			if n := len(s.sim.Trades()); n != 0 {
				t.Errorf("%d orders made", n)
			}
		})
	}
}

func TestPrepayShowsTheWrongValue(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.send("POST", nativePath, strings.Replace(s.order("ORDER0001", ""), "1280", "0", 1)).want(400, "PARAM_ERROR")
	if a.error.Detail.Value != 0.0 {
		t.Errorf("value %v, want 0", a.error.Detail.Value)
	}
}

func TestPrepayBodyIsNotAnObject(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, body := range []string{"", "[]", `"x"`, "null", "{", `{"appid":}`, s.order("ORDER0001", "") + "{}",
		s.order("ORDER0001", "") + "]", "{\"description\":\"\xff\"}"} {
		s.send("POST", nativePath, body).want(400, "INVALID_REQUEST")
	}
	s.codeURL(s.send("POST", nativePath, " "+s.order("ORDER0001", "")+" \r\n"))
}

func TestPrepayOfAnotherAppID(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := strings.Replace(s.order("ORDER0001", ""), s.merchant.AppID, "wx0000000000000000", 1)
	s.send("POST", nativePath, body).want(400, "APPID_MCHID_NOT_MATCH").wantNumber("268445527")
}

func TestLengthsAreInCharacters(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := strings.Replace(s.order("ORDER0001", ""), "拿铁", strings.Repeat("拿", 127), 1)
	s.codeURL(s.send("POST", nativePath, body))
}

func TestRepeatGivesANewCode(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.codeURL(s.send("POST", nativePath, s.full("ORDER0001")))
	// The same parameters in other clothes: white space, escapes and order do not matter.
	body := strings.Replace(s.full("ORDER0001"), `"appid":"`+s.merchant.AppID+`",`, "", 1)
	body = strings.TrimSuffix(body, "}") + ` , "appid" : "` + s.merchant.AppID + `"}`
	body = strings.Replace(body, `"桌号 8"`, `"\u684c\u53f7 8"`, 1)
	second := s.codeURL(s.send("POST", nativePath, body))
	if first == second {
		t.Fatal("the repeat gave the same code")
	}
	if n := len(s.sim.Trades()); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
	wantUnpayable(t, s, first, "", ErrDeadCode)
	s.pay(second)
	wantUnpayable(t, s, first, "", ErrAlreadyPaid)
}

func TestRepeatWithAnyOtherParameter(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	code := s.codeURL(s.send("POST", nativePath, s.full("ORDER0001")))
	for _, swap := range [][2]string{
		{`"total":1280`, `"total":1281`},
		{`"total":1280`, `"total":1280,"currency":"CNY"`},
		{`"拿铁","out`, `"拿铁 ","out`},
		{`桌号 8`, `桌号 9`},
		{`/notify`, `/notify2`},
		{`12:00:00`, `12:00:01`},
		{`2001:db8::1`, `2001:db8::2`},
		{`"quantity":1`, `"quantity":2`},
		{`"support_fapiao":true`, `"support_fapiao":false`},
		{`"goods_tag":"WXG",`, ``},
	} {
		body := strings.Replace(s.full("ORDER0001"), swap[0], swap[1], 1)
		if body == s.full("ORDER0001") {
			t.Fatalf("nothing to swap: %s", swap[0])
		}
		a := s.send("POST", nativePath, body).want(403, "OUT_TRADE_NO_USED").wantNumber("268498688")
		if a.error.Message != "201 商户订单号重复" {
			t.Errorf("message %q", a.error.Message)
		}
	}
	s.pay(code) // the refusals left the code alive
}

func TestRepeatOfAClosedNumber(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.prepay("ORDER0001")
	s.close("ORDER0001").want(204, "")
	s.send("POST", nativePath, s.order("ORDER0001", "")).want(400, "ORDER_CLOSED").wantNumber("268447914")
}

func TestRepeatOfAPaidNumber(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pay(s.prepay("ORDER0001"))
	s.send("POST", nativePath, s.order("ORDER0001", "")).want(400, "ORDERPAID").wantNumber("268449538")
	s.send("POST", nativePath, s.order("ORDER0001", `,"attach":"x"`)).want(400, "ORDERPAID")
	s.wantState("ORDER0001", "SUCCESS")
}

func TestTimeExpire(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	cases := []struct {
		wish, want time.Duration // after the order; wish 0: none
	}{
		{0, 7 * day},
		{-time.Hour, time.Minute},
		{59 * time.Second, time.Minute},
		{time.Minute, time.Minute},
		{time.Hour, time.Hour},
		{15 * day, 15 * day},
		{16 * day, 15 * day},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.wish), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, func(o *Options) { o.Now = noon })
			extra := ""
			if c.wish != 0 {
				extra = `,"time_expire":"` + noon().Add(c.wish).UTC().Format(time.RFC3339) + `"`
			}
			s.codeURL(s.send("POST", nativePath, s.order("ORDER0001", extra)))
			if got := s.sim.Trades()[0].PayableUntil.Sub(noon()); got != c.want {
				t.Errorf("payable for %v, want %v", got, c.want)
			}
		})
	}
}
