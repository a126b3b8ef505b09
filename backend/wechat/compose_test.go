package wechat

import (
	"strings"
	"testing"
	"time"

	"saoma/backend/pay"
)

func TestCompose(t *testing.T) {
	t.Parallel()
	g := newGateway(t, "", nil)
	good := pay.Prepay{
		Merchant: cafe, OutTradeNo: number, Total: 1, Description: `拿铁 "大" <1>`,
		ExpiresAt: time.Date(2026, 1, 1, 4, 0, 0, 999_999_999, time.UTC),
	}
	got, err := g.Compose(good)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"appid":"wxd678efh567hg6787","mchid":"1900007291","description":"拿铁 \"大\" \u003c1\u003e",` +
		`"out_trade_no":"ORDER0001","time_expire":"2026-01-01T12:00:00+08:00",` +
		`"notify_url":"https://pay.example/notify/cafe/payment","amount":{"total":1,"currency":"CNY"}}`
	if string(got) != want {
		t.Errorf("composed\n%s, want\n%s", got, want)
	}
	for name, change := range map[string]func(p *pay.Prepay){
		"no number":          func(p *pay.Prepay) { p.OutTradeNo = "" },
		"a short number":     func(p *pay.Prepay) { p.OutTradeNo = "ORDER" },
		"a long number":      func(p *pay.Prepay) { p.OutTradeNo = strings.Repeat("1", 33) },
		"a number with |":    func(p *pay.Prepay) { p.OutTradeNo = "ORDER|0001" },
		"nothing to pay":     func(p *pay.Prepay) { p.Total = 0 },
		"less than nothing":  func(p *pay.Prepay) { p.Total = -100 },
		"no time":            func(p *pay.Prepay) { p.ExpiresAt = time.Time{} },
		"no description":     func(p *pay.Prepay) { p.Description = "" },
		"a long description": func(p *pay.Prepay) { p.Description = strings.Repeat("长", 128) },
		"an emoji":           func(p *pay.Prepay) { p.Description = "拿铁☕🎉" },
		"not UTF-8":          func(p *pay.Prepay) { p.Description = "caf\xe9" },
	} {
		p := good
		change(&p)
		if got, err := g.Compose(p); err == nil {
			t.Errorf("%s: composed %s", name, got)
		}
	}
	good.Description = strings.Repeat("长", 127)
	if _, err := g.Compose(good); err != nil {
		t.Errorf("127 characters: %v", err)
	}
}
