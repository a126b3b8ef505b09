package ui

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

var painted = time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC)

// testPage is a page as the server would paint it, 15 minutes before the order's end.
func testPage(s wire.Status) wire.Page {
	paid := painted.Add(-time.Minute)
	p := wire.Page{
		Now: painted, Payee: "街角咖啡", Lang: "zh-CN", Origins: []string{"https://shop.example"},
		Order: wire.Order{
			ID: "ord_1", Status: s, Version: 3, Amount: 7400, Currency: "CNY", Reference: "T-42", Token: "tok",
			Items: []wire.Item{
				{SKU: "latte", Name: "拿铁", Price: 2800, Quantity: 2},
				{SKU: "cake", Name: "柠檬蛋糕", Price: 1800, Quantity: 1},
			},
			ReturnURL: "https://shop.example/thanks?a=1&b=2",
			CreatedAt: painted, ExpiresAt: painted.Add(15 * time.Minute),
		},
	}
	switch s {
	case wire.StatusPending:
		p.Order.CodeURL = "weixin://wxpay/bizpayurl?pr=NwY5Mz9"
	case wire.StatusRefunded:
		p.Order.AmountRefunded = 7400
		fallthrough
	case wire.StatusPaid:
		p.Order.PaidAt = &paid
	}
	return p
}

var (
	openingTag = regexp.MustCompile(`<[a-z][^>]*>`)
	attribute  = regexp.MustCompile(` ([a-z-]+)(?:="([^"]*)")?`)
	anyTag     = regexp.MustCompile(`<[^>]*>`)
)

// markup is the component's HTML with the attributes of each element in order: go-app writes them as they come
// out of a map.
func markup(c *Checkout) string {
	return openingTag.ReplaceAllStringFunc(app.HTMLString(c), func(tag string) string {
		attributes := attribute.FindAllString(tag, -1)
		slices.Sort(attributes)
		name, _, _ := strings.Cut(strings.Trim(tag, "<>"), " ")
		return "<" + name + strings.Join(attributes, "") + ">"
	})
}

// words is what is written on the page.
func words(c *Checkout) string {
	return strings.Join(strings.Fields(html.UnescapeString(anyTag.ReplaceAllString(markup(c), " "))), " ")
}

func TestEveryStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		page     wire.Page
		has, not []string // words
		code     bool
	}{
		{
			"created", testPage(wire.StatusCreated),
			[]string{"街角咖啡", "¥ 74.00", "拿铁 ×2、柠檬蛋糕", "正在向微信支付获取付款码"}, []string{"支付成功"}, false,
		},
		{
			"pending", testPage(wire.StatusPending),
			[]string{"打开微信扫一扫", "15:00", "取消支付"}, []string{"支付成功", "获取付款码"}, true,
		},
		{
			"paid", testPage(wire.StatusPaid),
			[]string{"支付成功", "2026-07-01 11:59:00", "T-42", "ord_1", "返回商家"},
			[]string{"扫一扫", "取消", "15:00", "款项"}, false,
		},
		{
			"paid late", late(testPage(wire.StatusPaid)),
			[]string{"支付成功", "款项在订单结束后到账"}, []string{"扫一扫"}, false,
		},
		{
			"refunded in part", refunded(testPage(wire.StatusPaid), 1800),
			[]string{"支付成功", "已退款 ¥18.00"}, nil, false,
		},
		{
			"refunded", testPage(wire.StatusRefunded),
			[]string{"已退款", "¥74.00", "原路退回"}, []string{"支付成功", "扫一扫"}, false,
		},
		{
			"expired", testPage(wire.StatusExpired),
			[]string{"二维码已过期", "换一个新码", "返回商家"}, []string{"扫一扫", "支付时间"}, false,
		},
		{
			"cancelled", testPage(wire.StatusCancelled),
			[]string{"订单已取消"}, []string{"扫一扫", "支付时间"}, false,
		},
		{
			"in English", inEnglish(testPage(wire.StatusPending)),
			[]string{"Scan with WeChat", "Time left to pay", "拿铁 ×2, 柠檬蛋糕"}, []string{"扫一扫"}, true,
		},
		{
			"paid, in English", inEnglish(testPage(wire.StatusPaid)),
			[]string{"Payment successful", "11:59:00 (Beijing)", "Back to the shop"}, nil, false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// A dead code in the order must not be drawn either.
			if !c.code && c.page.Order.Status != wire.StatusCreated {
				c.page.Order.CodeURL = "weixin://wxpay/bizpayurl?pr=dead"
			}
			checkout := &Checkout{Page: c.page}
			text := words(checkout)
			for _, want := range c.has {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not on the page: %s", want, text)
				}
			}
			for _, not := range c.not {
				if strings.Contains(text, not) {
					t.Errorf("%q is on the page: %s", not, text)
				}
			}
			if got := strings.Contains(markup(checkout), `id="saoma-code"`); got != c.code {
				t.Errorf("a code is shown: %t; want %t", got, c.code)
			}
			if strings.Contains(markup(checkout), " style=") {
				t.Error("an inline style, which the page's CSP refuses")
			}
			if !strings.Contains(markup(checkout), `role="status"`) {
				t.Error("the live region is not there from the start")
			}
		})
	}
}

func late(p wire.Page) wire.Page {
	p.Order.Late = true
	return p
}

func refunded(p wire.Page, fen int64) wire.Page {
	p.Order.AmountRefunded = fen
	return p
}

func inEnglish(p wire.Page) wire.Page {
	p.Lang = "en"
	return p
}

// The server paints and the browser takes over: the same Page must make the same markup whenever it is drawn,
// or the customer sees the swap.
func TestThePaintIsStable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		page := testPage(wire.StatusPending)
		first := markup(&Checkout{Page: page})
		time.Sleep(time.Hour)
		if again := markup(&Checkout{Page: page}); again != first {
			t.Errorf("an hour later the same page is painted as\n%s\nand not as\n%s", again, first)
		}
	})
}

// Zero is not expiry: the server may be about to hear of a payment of the last second.
func TestAtZeroWeAreChecking(t *testing.T) {
	t.Parallel()
	p := testPage(wire.StatusPending)
	for left, over := range map[time.Duration]bool{time.Second: false, 0: true, -time.Hour: true} {
		p.Order.ExpiresAt = p.Now.Add(left)
		c := &Checkout{Page: p}
		if got := strings.Contains(markup(c), `class="deadline over"`); got != over {
			t.Errorf("with %v left we are checking: %t; want %t", left, got, over)
		}
		if strings.Contains(words(c), "已过期") {
			t.Errorf("with %v left the browser says expired by itself", left)
		}
	}
}

func TestTheCodeHasAName(t *testing.T) {
	t.Parallel()
	m := markup(&Checkout{Page: testPage(wire.StatusPending)})
	_, name, _ := strings.Cut(m, "<svg aria-label=")
	if want := `"微信支付二维码，金额 ¥74.00，收款方 街角咖啡"`; !strings.HasPrefix(html.UnescapeString(name), want) {
		t.Errorf("the code's name is %.200s; want %s", name, want)
	}
	if n := strings.Count(m, `role="img"`); n != 1 {
		t.Errorf("%d images; want the code", n)
	}
}

func TestManyItems(t *testing.T) {
	t.Parallel()
	o := testPage(wire.StatusPending).Order
	o.Items = nil
	for _, name := range []string{"甲", "乙", "丙", "丁", "戊"} {
		o.Items = append(o.Items, wire.Item{Name: name, Quantity: 2})
	}
	if got, want := what(o, textsOf("zh-CN")), "甲 ×2、乙 ×2、丙 ×2、等 4 件"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	o.Items, o.Description = nil, "七号桌"
	if got := what(o, textsOf("zh-CN")); got != "七号桌" {
		t.Errorf("without items: %q; want the description", got)
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for status, want := range map[wire.Status]string{
		wire.StatusPending: "微信支付 ¥74.00 · 街角咖啡", wire.StatusPaid: "已支付 ¥74.00 · 街角咖啡",
	} {
		if got := Title(testPage(status)); got != want {
			t.Errorf("%s: %q; want %q", status, got, want)
		}
	}
}

// Names and addresses come from merchants, and return_url even from any browser.
func TestNothingOfOthersBecomesMarkup(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><p x='\ &quot; ` + "\u00a0\u3000" + `true`
	p := testPage(wire.StatusPaid)
	p.Payee, p.Order.Reference, p.Order.Description, p.Order.ID = evil, evil, evil, evil
	p.Order.ReturnURL = "https://shop.example/?q=" + evil
	p.Order.Items[0].Name = evil
	for _, s := range []wire.Status{wire.StatusPending, wire.StatusPaid} {
		p.Order.Status, p.Order.CodeURL = s, "weixin://"+evil
		m := app.HTMLString(&Checkout{Page: p})
		if strings.Contains(m, "<script") || strings.Contains(m, "<p x") {
			t.Errorf("%s: markup got through: %s", s, m)
		}
		if s == wire.StatusPaid {
			href := regexp.MustCompile(`href="([^"]*)"`).FindStringSubmatch(m)
			if href == nil || html.UnescapeString(href[1]) != p.Order.ReturnURL {
				t.Errorf("the link back is %q; want %q", href, p.Order.ReturnURL)
			}
		}
	}
}

func TestOnlyPagesAreLinkedTo(t *testing.T) {
	t.Parallel()
	for url, linked := range map[string]bool{
		"https://shop.example/": true, "HTTP://shop.example/": true,
		"": false, "javascript:alert(1)": false, "data:text/html,x": false, "//shop.example": false, "/thanks": false,
	} {
		p := testPage(wire.StatusPaid)
		p.Order.ReturnURL = url
		if got := strings.Contains(markup(&Checkout{Page: p}), "<a "); got != linked {
			t.Errorf("return_url %q is linked to: %t; want %t", url, got, linked)
		}
	}
}

func TestAttributesSurvive(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"true", `"`, `\`, "a&amp;b", "¥1 · 微信", "no\u00a0break", "tab\there", "𠮷", ""} {
		m := app.HTMLString(app.Elem("i").Attr("aria-label", attr(value)))
		got := regexp.MustCompile(`aria-label="([^"]*)"`).FindStringSubmatch(m)
		if value == "" {
			if got != nil {
				t.Errorf("an empty value is written: %s", m)
			}
			continue
		}
		if got == nil || html.UnescapeString(got[1]) != value {
			t.Errorf("%q becomes %s", value, m)
		}
	}
}
