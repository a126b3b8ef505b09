package wechatsim

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const partnerPath = "/v3/pay/partner/transactions/"

// newProvider is a service provider with two merchants.
func newProvider(t *testing.T) (s *shop, a, b SubMerchant) {
	t.Helper()
	s = newShop(t, func(o *Options) {
		a, b = o.Merchant.RegisterSubMerchant("甲店"), o.Merchant.RegisterSubMerchant("乙店")
	})
	return s, a, b
}

// partnerOrder is a request body with the least of fields.
func (s *shop) partnerOrder(number string, of SubMerchant, extra string) string {
	return fmt.Sprintf(`{"sp_appid":"%s","sp_mchid":"%s","sub_mchid":"%s","description":"拿铁","out_trade_no":"%s",`+
		`"notify_url":"https://shop.example/notify","amount":{"total":1280}%s}`,
		s.merchant.AppID, s.merchant.MchID, of.MchID, number, extra)
}

func (s *shop) partnerPrepay(number string, of SubMerchant) string {
	s.t.Helper()
	return s.codeURL(s.send("POST", partnerPath+"native", s.partnerOrder(number, of, "")))
}

func (s *shop) partnerQuery(number string, of SubMerchant) answer {
	s.t.Helper()
	return s.send("GET", partnerPath+"out-trade-no/"+number+"?sp_mchid="+s.merchant.MchID+"&sub_mchid="+of.MchID, "")
}

func TestProviderSellsForItsMerchants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, a, b := newProvider(t)
		s.pay(s.partnerPrepay("ORDER0001", a))
		synctest.Wait()
		got := fields(t, s.partnerQuery("ORDER0001", a).want(200, "").body)
		_, told, err := s.open(s.inbox.all()[0])
		if err != nil {
			t.Fatal(err)
		}
		for what, x := range map[string]map[string]any{"query": got, "callback": told} {
			if x["sp_mchid"] != s.merchant.MchID || x["sub_mchid"] != a.MchID || x["sp_appid"] != s.merchant.AppID ||
				x["mchid"] != nil || x["appid"] != nil || x["sub_appid"] != nil || x["trade_state"] != "SUCCESS" {
				t.Errorf("the %s says %v", what, x)
			}
			if payer := x["payer"].(map[string]any); payer["sp_openid"] == nil || payer["openid"] != nil {
				t.Errorf("the %s says the payer is %v", what, payer)
			}
		}
		s.partnerQuery("ORDER0001", b).want(404, "ORDER_NOT_EXIST")
		if s.sim.SubBalance(a.MchID) != openingBalance+1280-13 || s.sim.SubBalance(b.MchID) != openingBalance ||
			s.sim.Balance() != openingBalance {
			t.Errorf("balances %d, %d, %d", s.sim.SubBalance(a.MchID), s.sim.SubBalance(b.MchID), s.sim.Balance())
		}
		back := func(of SubMerchant) answer {
			return s.send("POST", refundPath, fmt.Sprintf(`{"sub_mchid":"%s","out_trade_no":"ORDER0001","out_refund_no":"R1",`+
				`"notify_url":"https://shop.example/refunds","amount":{"refund":1280,"total":1280,"currency":"CNY"}}`, of.MchID))
		}
		back(b).want(404, "RESOURCE_NOT_EXISTS")
		back(a).want(200, "")
		s.send("GET", refundPath+"/R1?sub_mchid="+b.MchID, "").want(404, "RESOURCE_NOT_EXISTS")
		s.send("GET", refundPath+"/R1?sub_mchid="+a.MchID, "").want(200, "")
		time.Sleep(time.Minute)
		synctest.Wait()
		_, told, err = s.open(s.inbox.all()[1])
		if err != nil || told["sp_mchid"] != s.merchant.MchID || told["sub_mchid"] != a.MchID || told["mchid"] != nil ||
			told["refund_status"] != "SUCCESS" {
			t.Errorf("the refund's callback says %v, %v", told, err)
		}
	})
}

// What a service provider gets wrong, in WeChat Pay's words.
func TestProviderMistakes(t *testing.T) {
	t.Parallel()
	s, a, b := newProvider(t)
	stranger := SubMerchant{MchID: "1700000000"}
	s.partnerPrepay("ORDER0001", a)
	for name, c := range map[string]struct {
		answer  answer
		status  int
		code    string
		message string
	}{
		"a direct call":             {s.send("POST", nativePath, s.order("ORDER0002", "")), 400, "PARAM_ERROR", "受理机构必须传入sub_mch_id"},
		"a direct query":            {s.send("GET", "/v3/pay/transactions/out-trade-no/ORDER0001?mchid="+s.merchant.MchID, ""), 400, "PARAM_ERROR", "受理机构必须传入sub_mch_id"},
		"a direct close":            {s.close("ORDER0001"), 400, "PARAM_ERROR", "受理机构必须传入sub_mch_id"},
		"a direct refund":           {s.refund("ORDER0001", "R1", 1), 400, "PARAM_ERROR", "受理机构必须传入sub_mch_id"},
		"a stranger":                {s.send("POST", partnerPath+"native", s.partnerOrder("ORDER0002", stranger, "")), 400, "PARAM_ERROR", "受理关系不存在"},
		"a stranger's query":        {s.partnerQuery("ORDER0001", stranger), 400, "PARAM_ERROR", "受理关系不存在"},
		"a number of another's":     {s.send("POST", partnerPath+"native", s.partnerOrder("ORDER0001", b, "")), 403, "OUT_TRADE_NO_USED", ""},
		"another's appid":           {s.send("POST", partnerPath+"native", s.partnerOrder("ORDER0002", a, `,"sub_appid":"`+b.AppID+`"`)), 400, "APPID_MCHID_NOT_MATCH", ""},
		"the names of direct calls": {s.send("POST", partnerPath+"native", s.order("ORDER0002", "")), 400, "PARAM_ERROR", "appid"},
		"a bill of a stranger":      {s.send("GET", "/v3/bill/tradebill?bill_date=2026-01-01&sub_mchid=1", ""), 400, "PARAM_ERROR", "受理关系不存在"},
		"two openids": {s.send("POST", partnerPath+"jsapi", s.partnerOrder("ORDER0002", a, `,"payer":{"sp_openid":"o","sub_openid":"o"}`)),
			400, "PARAM_ERROR", "sp_openid"},
	} {
		c.answer.want(c.status, c.code)
		if !strings.Contains(c.answer.error.Message, c.message) {
			t.Errorf("%s: %q; want %q", name, c.answer.error.Message, c.message)
		}
	}
	direct := newShop(t)
	direct.send("POST", partnerPath+"native", direct.partnerOrder("ORDER0001", a, "")).want(400, "PARAM_ERROR")
}

// The bill of one merchant has its rows only; without a sub_mchid there are those of all.
func TestProviderBills(t *testing.T) {
	t.Parallel()
	clock := &handClock{now: noon()}
	var a, b SubMerchant
	s := newShop(t, func(o *Options) {
		o.Now = clock.time
		a, b = o.Merchant.RegisterSubMerchant("甲店"), o.Merchant.RegisterSubMerchant("乙店")
	})
	s.pay(s.partnerPrepay("ORDER0001", a))
	s.pay(s.partnerPrepay("ORDER0002", b))
	clock.advance(24 * time.Hour)
	for subMchID, want := range map[string][]string{
		"": {"`ORDER0001", "`ORDER0002"}, "&sub_mchid=" + a.MchID: {"`ORDER0001"}, "&sub_mchid=" + b.MchID: {"`ORDER0002"},
	} {
		file, _ := s.download(s.bill("/v3/bill/tradebill?bill_date=2026-01-02" + subMchID))
		if got := strings.Count(file, "`ORDER"); got != len(want) {
			t.Errorf("%q: %d rows in %s", subMchID, got, file)
		}
		for _, row := range want {
			if !strings.Contains(file, row) {
				t.Errorf("%q: no %s", subMchID, row)
			}
		}
		if subMchID != "" && !strings.Contains(file, ",`"+strings.TrimPrefix(subMchID, "&sub_mchid=")+",`") {
			t.Errorf("%q is not in its bill: %s", subMchID, file)
		}
	}
	// Its own account has nothing.
	s.send("GET", "/v3/bill/fundflowbill?bill_date=2026-01-02", "").want(400, "NO_STATEMENT_EXIST")
}

func TestProviderIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m, err := OpenMerchant(dir)
	if err != nil {
		t.Fatal(err)
	}
	a := m.RegisterSubMerchant("甲店")
	other, err := m.IssueCredential()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(dir, "http://127.0.0.1:9090"); err != nil {
		t.Fatal(err)
	}
	again, err := OpenMerchant(dir)
	if err != nil || len(again.SubMerchants) != 1 || again.SubMerchants[0] != a || len(again.Others) != 1 ||
		again.Others[0].Serial != other.Serial {
		t.Errorf("opened again: %+v, %+v, %v", again.SubMerchants, again.Others, err)
	}
}

// Either of the merchant's API certificates signs.
func TestEitherCredentialSigns(t *testing.T) {
	t.Parallel()
	var other Credential
	s := newShop(t, func(o *Options) {
		var err error
		if other, err = o.Merchant.IssueCredential(); err != nil {
			t.Fatal(err)
		}
	})
	s.prepay("ORDER0001")
	first := *s.merchant
	s.merchant = &Merchant{AppID: first.AppID, MchID: first.MchID, Serial: other.Serial, PrivateKeyPEM: other.PrivateKeyPEM,
		PublicKeyID: first.PublicKeyID, PublicKeyPEM: first.PublicKeyPEM}
	s.prepay("ORDER0002")
	s.merchant.Serial = first.Serial // of another key
	s.send("POST", nativePath, s.order("ORDER0003", "")).want(401, "SIGN_ERROR")
	if _, err := (&Merchant{Others: make([]Credential, 2)}).IssueCredential(); err == nil {
		t.Error("a fourth certificate is issued")
	}
}
