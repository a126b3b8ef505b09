package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// What customers are told when there is no checkout for them just now: calm, true, and in their language.

const bun = `{"name":"豆沙包","price":300,"stock":1}`

func (w *world) bake(t *testing.T, body string) {
	t.Helper()
	if a := w.call(t, "PUT", "/v1/products/bun", body, w.secret()); a.status >= 300 {
		t.Fatalf("PUT /v1/products/bun: %d %s", a.status, a.body)
	}
}

// A problem has words for the customer where they help, in the language of the page, or else of the browser.
func TestRefusalsInFiveLanguages(t *testing.T) {
	t.Parallel()
	w := openWorld(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, func(c *config) { c.Merchants[0].Limits = limitsConfig{Checkouts: 7} })
	w.bake(t, bun)
	refused := func(query, sku, accepts string) (status int, message string) {
		a := w.call(t, "POST", "/v1/checkouts"+query, `{"key":"pk_demo","items":[{"sku":"`+sku+`","quantity":2}]}`, w.origin(), "Accept-Language: "+accepts)
		var p struct{ Message string }
		a.json(t, &p)
		return a.status, p.Message
	}
	words := []struct{ query, accepts, soldOut, many string }{
		{"?lang=zh-CN", "en", "部分商品库存不足。", "当前请求较多，请稍候。"},
		{"?lang=zh-Hant-HK", "en", "部分商品庫存不足。", "目前請求較多，請稍候。"},
		{"?lang=en-GB", "ja", "Part of this order is out of stock.", "Many requests just now. One moment, please."},
		{"?lang=ja", "en", "在庫が足りない商品があります。", "ただいま混み合っています。少しお待ちください。"},
		{"", "ko-KR,en;q=0.5", "재고가 부족한 상품이 있습니다.", "지금은 요청이 많습니다. 잠시만 기다려 주세요."},
		{"?lang=" + strings.Repeat("x", 300), "en", "Part of this order is out of stock.", "Many requests just now. One moment, please."},
	}
	for _, c := range words {
		if status, got := refused(c.query, "bun", c.accepts); status != http.StatusConflict || got != c.soldOut {
			t.Errorf("%s, sold out: %d %q; want %q", c.query, status, got, c.soldOut)
		}
	}
	if status, got := refused("", "yacht", "en"); status != http.StatusUnprocessableEntity || got != "" {
		t.Errorf("what only the shop can mend: %d, and customers are told %q", status, got)
	}
	for _, c := range words {
		if status, got := refused(c.query, "bun", c.accepts); status != http.StatusTooManyRequests || got != c.many {
			t.Errorf("%s, too many: %d %q; want %q", c.query, status, got, c.many)
		}
	}
}

const theNote = theElement + `.shadowRoot.querySelector('.note')`

// Sold out is said in the place of the frame, with another try; so is a server that has too many, and there the try
// comes by itself, when the server said.
func TestEmbedRefused(t *testing.T) {
	t.Parallel()
	w := limited(t) // two checkouts, and then one in half a minute
	w.bake(t, bun)
	v := w.openPage(t, pageStart+loaderTag+`<saoma-checkout items="bun:2"></saoma-checkout>`)
	said := func(text string) string {
		return `!` + theNote + `.hidden && ` + theNote + `.querySelector('[role=alert]')?.textContent === '` + text + `'`
	}
	v.wantTrue(t, "sold out is said", said("部分商品库存不足。"))
	if got := evaluate[string](t, v, `(({ code, note, retryAfter }) => [code, note, retryAfter].join())(told[0].detail.error)`); got != "out_of_stock,部分商品库存不足。," {
		t.Errorf("the shop is told %s", got)
	}
	v.run(t, theNote+`.querySelector('button').click()`)
	v.wantTrue(t, "it was tried again", `told.filter((e) => e.name === 'failed').length === 2`)
	v.run(t, theNote+`.querySelector('button').click()`)
	v.wantTrue(t, "that there are too many is said", said("当前请求较多，请稍候。"))
	if got := evaluate[string](t, v, `(({ code, retryAfter }) => [code, retryAfter > 0 && retryAfter <= 30].join())(told[2].detail.error)`); got != "too_many_requests,true" {
		t.Errorf("the shop is told %s", got)
	}
	// With the goods back and a minute gone, the next wish is served.
	w.bake(t, strings.Replace(bun, `"stock":1`, `"stock":2`, 1))
	w.forward(time.Minute)
	v.run(t, theElement+`.items = 'bun:1,bun:1'`)
	v.wantTrue(t, "there is a checkout", `told.some((e) => e.name === 'ready')`)
	v.scanned(t)
}

// The pause that a server asks for is over when it says, without anybody's doing.
func TestEmbedComesAgainAfterThePause(t *testing.T) {
	t.Parallel()
	w := limited(t)
	cart := `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}]}`
	for range 2 {
		w.call(t, "POST", "/v1/checkouts", cart, w.origin())
	}
	v := w.openPage(t, pageStart+loaderTag+`<main></main>`, haste)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	v.run(t, `haste = 10; document.querySelector('main').innerHTML = '<saoma-checkout items="latte" lang="en"></saoma-checkout>'`)
	v.wantTrue(t, "it says so", theNote+`.textContent.startsWith('Many requests just now. One moment, please.')`)
	w.forward(time.Minute)
	v.wantTrue(t, "there is a checkout", `told.some((e) => e.name === 'ready')`)
	if n := w.orders(t); n != 3 {
		t.Errorf("%d orders", n)
	}
}

// buy makes an order of one thing.
func (w *world) buy(t *testing.T, sku string) (o order) {
	t.Helper()
	a := w.call(t, "POST", "/v1/orders", `{"items":[{"sku":"`+sku+`","quantity":1}]}`, w.secret())
	if a.status != http.StatusCreated {
		t.Fatalf("POST /v1/orders: %d %s", a.status, a.body)
	}
	a.json(t, &o)
	return o
}

// In the frame: the goods of an order that expired went to somebody else, and an impatient finger is slowed down.
func TestRefusedInTheFrame(t *testing.T) {
	t.Parallel()
	for name, before := range poorly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bake(t, bun)
			mine := w.buy(t, "bun")
			w.forward(16 * time.Minute)
			w.wantStatus(t, mine.ID, "expired")
			w.buy(t, "bun")
			v := w.openAt(t, w.checkout(mine, ""), before)
			seen := func(busy string) bool {
				return evaluate[bool](t, v, `document.documentElement.dataset.busy === '`+busy+`' && document.querySelector('.if-`+busy+`').checkVisibility()`)
			}
			v.clickOn(t, "renew")
			eventually(t, "sold out is said", func() bool { return seen("soldout") })

			o := w.latte(t)
			v.navigate(t, w.checkout(o, ""))
			eventually(t, "that there are too many is said", func() bool {
				for range 3 { // somebody else's impatience
					for w.call(t, "POST", "/v1/checkouts/"+o.Token+"/check", "").status != http.StatusTooManyRequests {
					}
				}
				evaluate[bool](t, v, `document.documentElement.dataset.busy || document.querySelector('[data-act=check]').click(), true`)
				return seen("many")
			})
		})
	}
}
