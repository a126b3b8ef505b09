package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"saoma/backend/server"
)

// What customers see in the shop's own page: the demo's shops with the checkout in them, and what the loader says when
// there is no frame.

// A shopScene is one page of a shop.
type shopScene struct {
	name   string
	world  *world
	path   string // without language
	before func()
	ready  string // a script expression: the page shows it
	act    func(*testing.T, *window)
}

// loaderPage is a plain shop that follows the theme of the browser and takes its language from the address.
const loaderPage = pageStart + `<meta name="viewport" content="width=device-width"><title>Shop</title>
<style>:root { color-scheme: light dark; font: 16px system-ui } body { margin: 24px }</style>
<script src="/lang.js"></script>` + loaderTag

// takeLang answers /lang.js beside the pages of a shop.
const takeLang = `document.documentElement.lang = new URLSearchParams(location.search).get('lang');
	if (location.pathname === '/link.html') haste = 20`

func buildShopScenes(t *testing.T) []shopScene {
	t.Helper()
	own, plain, busy, full := newWorld(t), newWorld(t), limited(t), crowded(t, func(c *server.Capacity) { c.Reads = 0 })
	thanks, kitchen := own.buys(t, "web-shop"), own.buys(t, "table-7")
	plain.bake(t, bun)
	element := func(attributes string) string {
		return loaderPage + `<saoma-checkout ` + attributes + `></saoma-checkout>`
	}
	none := `<meta http-equiv="Content-Security-Policy" content="frame-src 'none'">`
	plain.servePages("", map[string]string{
		"refused.html": element(`items="yacht"`),
		"soldout.html": element(`items="bun:2"`),
		"link.html":    none + element(`order="`+plain.latte(t).Token+`"`),
		"lang.js":      takeLang,
	})
	busy.servePages("", map[string]string{"many.html": element(`items="latte"`), "lang.js": takeLang})
	full.servePages("", map[string]string{"full.html": element(`order="` + full.latte(t).Token + `"`), "lang.js": takeLang})
	fill := func() { // up to the limit
		for busy.call(t, "POST", "/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}]}`, busy.origin()).status == http.StatusCreated {
		}
	}
	paid := `document.getElementById('order')?.dataset.state === 'paid'`
	said := theElement + `?.shadowRoot?.querySelector('[role=alert]') != null`
	loaded := `!!window.Saoma && document.readyState === 'complete'`
	fills := func(skus ...string) func(*testing.T, *window) {
		return func(t *testing.T, v *window) {
			for _, sku := range skus {
				v.more(t, sku)
			}
			v.click(t, "#bag")
		}
	}
	pays := func(button string, skus ...string) func(*testing.T, *window) {
		return func(t *testing.T, v *window) {
			for _, sku := range skus {
				v.more(t, sku)
			}
			v.click(t, button)
			v.wantTrue(t, "there is a checkout", `told.some((e) => e.name === 'ready')`)
		}
	}
	return []shopScene{
		{name: "story", world: own, path: "/story/?", ready: `document.readyState === 'complete'`},
		{name: "shop", world: own, path: "/?", ready: loaded},
		{name: "shop, the bag", world: own, path: "/?", ready: loaded, act: fills("beans", "mug", "beans")},
		{name: "shop, the checkout", world: own, path: "/?", ready: loaded, act: pays("#pay", "beans", "mug")},
		{name: "table", world: own, path: "/table/?table=7&", ready: loaded},
		{name: "table, the bag", world: own, path: "/table/?table=7&", ready: loaded, act: fills("noodles", "latte", "latte", "cake")},
		{name: "table, the checkout", world: own, path: "/table/?table=7&", ready: loaded, act: pays("#pay", "noodles", "latte")},
		{name: "counter", world: own, path: "/counter/?", ready: loaded},
		{name: "counter, the checkout", world: own, path: "/counter/?", ready: loaded, act: pays(`[data-saoma-items="latte:1"]`)},
		{name: "thanks", world: own, path: "/thanks/?order=" + thanks.ID + "&", ready: paid},
		{name: "kitchen", world: own, path: "/kitchen/?order=" + kitchen.ID + "&", ready: paid},
		{name: "loader, try again", world: plain, path: "/refused.html?", ready: said},
		{name: "loader, out of stock", world: plain, path: "/soldout.html?", ready: said},
		{name: "loader, too many", world: busy, path: "/many.html?", ready: said, before: fill},
		{name: "loader, a full server", world: full, path: "/full.html?", ready: theElement + `?.shadowRoot?.querySelector('.loaded') != null`},
		{name: "loader, a link", world: plain, path: "/link.html?", ready: said},
	}
}

// buys makes an order of some things and pays it.
func (w *world) buys(t *testing.T, reference string) (o order) {
	t.Helper()
	a := w.call(t, "POST", "/v1/orders", `{"items":[{"sku":"osmanthus","quantity":2},{"sku":"noodles","quantity":1},{"sku":"beans","quantity":1}],"reference":"`+
		reference+`"}`, w.secret())
	if a.status != http.StatusCreated {
		t.Fatalf("POST /v1/orders: %d %s", a.status, a.body)
	}
	a.json(t, &o)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	return o
}

// photographShop photographs a scene in a window of its own for each language and theme.
func photographShop(t *testing.T, s shopScene, lang, folder string) {
	t.Helper()
	for _, theme := range []string{"light", "dark"} {
		v := s.world.openAt(t, "about:blank", haste)
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}}
		if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		if s.before != nil {
			s.before()
		}
		v.navigate(t, s.world.shop.url+s.path+"lang="+strings.Replace(lang, "zh-CN", "zh", 1))
		v.wantTrue(t, s.name+" is shown", s.ready)
		if s.act != nil {
			s.act(t, v)
		}
		v.keepPictures(t, s.name, lang, theme, folder, [][2]int{{320, 800}, {390, 800}, {1280, 800}})
	}
}
