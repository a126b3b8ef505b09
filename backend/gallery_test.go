package main

import (
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// A scene is one thing that a customer may see.
type scene struct {
	name  string
	of    string // whose order it shows: a key of orders
	query string // of the page's address, beside language and theme
	act   func(*testing.T, *window)
	phone bool     // the page is on a phone
	sizes [][2]int // CSS pixels; the usual ones if empty
}

// stages are three demos with an order in every state: in the second WeChat Pay gives no code, and in the third the
// merchant takes payments on phones.
type stages struct {
	*world
	mute   *world
	hand   *world
	orders map[string]order
}

var scenes = []scene{
	{name: "asking", of: "created"},
	{name: "WeChat Pay in trouble", of: "slow", act: wait(`[data-link=slow]`)},
	{name: "scan", of: "pending"},
	{name: "help", of: "pending", act: press("help", `.helping`)},
	{name: "asking whether it is paid", of: "pending", act: press("check", `[data-busy=check]`)},
	{name: "not paid", of: "pending", act: press("check", `[data-busy=unpaid]`)},
	{name: "too many calls", of: "pending", act: tooMany},
	{name: "out of stock", of: "sold", act: press("renew", `[data-busy=soldout]`)},
	{name: "sure?", of: "pending", act: press("ask", `[data-quit=asking]`)},
	{name: "offline", of: "pending", act: goOffline},
	{name: "a second device", of: "pending", phone: true},
	{name: "this phone", of: "here", phone: true},
	{name: "back on this phone", of: "gone", phone: true},
	{name: "WeChat did not open", of: "here", phone: true, query: "failed=h5"},
	{name: "enlarged", of: "pending", phone: true, act: press("enlarge", `.bright`), sizes: [][2]int{{320, 640}, {390, 660}}},
	{name: "paid", of: "paid"},
	{name: "paid late", of: "late"},
	{name: "paid, in the modal", of: "plain", query: "mode=modal"},
	{name: "refunded in part", of: "part"},
	{name: "refunded", of: "refunded"},
	{name: "expired", of: "expired"},
	{name: "cancelled", of: "cancelled"},
	{name: "no such order", of: "missing"},
	{name: "alone", of: "pending", query: "mode=page"},
	{name: "in big type", of: "pending", act: bigType},
	{name: "paid, in big type", of: "paid", act: bigType},
	{name: "kiosk", of: "pending", query: "mode=kiosk", sizes: [][2]int{{1280, 800}, {800, 1280}}},
	{name: "kiosk, paid", of: "paid", query: "mode=kiosk", sizes: [][2]int{{1280, 800}, {800, 1280}}},
}

// wait waits until something is on the page.
func wait(selector string) func(*testing.T, *window) {
	return func(t *testing.T, v *window) {
		t.Helper()
		eventually(t, selector+" is on the page", func() bool {
			return evaluate[bool](t, v, fmt.Sprintf(`!!document.querySelector(%q)`, selector))
		})
	}
}

// press presses a button and waits for what comes of it.
func press(act, selector string) func(*testing.T, *window) {
	return func(t *testing.T, v *window) {
		t.Helper()
		evaluate[bool](t, v, fmt.Sprintf(`document.querySelector('[data-act=%s]').click(), true`, act))
		wait(selector)(t, v)
		v.stay(t)
	}
}

// stay has what is said for a moment said until everybody has looked.
func (v *window) stay(t *testing.T) {
	t.Helper()
	evaluate[bool](t, v, `(() => { for (let id = setTimeout(() => {}); id > 0; id--) clearTimeout(id) })(), true`)
}

// tooMany has the customer ask after somebody else has, more often than anybody may.
func tooMany(t *testing.T, v *window) {
	t.Helper()
	check := strings.Replace(evaluate[string](t, v, `location.pathname`), "/checkout/", "/v1/checkouts/", 1) + "/check"
	const said = `document.documentElement.dataset.busy === 'many'`
	eventually(t, "that there are too many is said", func() bool {
		for range 3 {
			for v.call(t, "POST", check, "").status != http.StatusTooManyRequests {
			}
		}
		return evaluate[bool](t, v, `document.documentElement.dataset.busy || document.querySelector('[data-act=check]').click(), `+said)
	})
	v.stay(t)
}

func goOffline(t *testing.T, v *window) {
	t.Helper()
	v.wire.cut()
	t.Cleanup(v.wire.mend)
	wait(`[data-link=lost]`)(t, v)
}

func bigType(t *testing.T, v *window) {
	t.Helper()
	evaluate[bool](t, v, `document.documentElement.classList.add('type-large'), true`)
}

// buildStages makes the orders. The clock goes forward for those that expire, so the pending one comes last.
func buildStages(t *testing.T) stages {
	t.Helper()
	s := stages{scanOnly(t), newWorld(t), newWorld(t), map[string]order{}}
	for _, name := range []string{"expired", "late"} {
		s.orders[name] = s.make(t, name)
	}
	s.bake(t, bun)
	s.orders["sold"] = s.buy(t, "bun")
	s.forward(16 * time.Minute)
	s.wantStatus(t, s.orders["sold"].ID, "expired")
	s.buy(t, "bun") // the last one
	for _, name := range []string{"expired", "late"} {
		s.wantStatus(t, s.orders[name].ID, "expired")
	}
	s.settleLate(t, s.orders["late"])
	for _, name := range []string{"cancelled", "paid", "plain", "part", "refunded"} {
		s.orders[name] = s.make(t, name)
	}
	s.call(t, "POST", "/v1/orders/"+s.orders["cancelled"].ID+"/cancel", "", s.secret())
	for _, name := range []string{"paid", "plain", "part", "refunded"} {
		s.pays(t, s.orders[name])
		s.wantStatus(t, s.orders[name].ID, "paid")
	}
	s.refund(t, "part", 1800)
	s.refund(t, "refunded", 7400)
	s.wantStatus(t, s.orders["refunded"].ID, "refunded")
	s.wantStatus(t, s.orders["cancelled"].ID, "cancelled")
	s.orders["pending"], s.orders["missing"] = s.make(t, "pending"), order{Token: "none"}

	s.orders["here"], s.orders["gone"] = s.hand.latte(t), s.hand.latte(t)
	s.hand.switchTo(t, s.orders["gone"], uaPhone)

	s.mute.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{ErrorBefore: -1}})
	s.orders["slow"] = s.mute.asks(t)
	s.mute.forward(time.Minute)
	s.orders["created"] = s.mute.asks(t)
	return s
}

func (s stages) make(t *testing.T, name string) (o order) {
	t.Helper()
	back := `,"return_url":"https://shop.example/thanks"`
	if name == "plain" {
		back = ""
	}
	a := s.call(t, "POST", "/v1/orders", `{"items":[{"sku":"latte","quantity":2},{"sku":"cake","quantity":1}],"reference":"T-42",`+
		`"expires_in":900`+back+`}`, s.secret())
	if a.status != http.StatusCreated {
		t.Fatalf("POST /v1/orders: %d %s", a.status, a.body)
	}
	a.json(t, &o)
	return o
}

// asks makes an order that WeChat Pay gives no code for.
func (w *world) asks(t *testing.T) order {
	t.Helper()
	a := w.call(t, "POST", "/v1/checkouts", `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}]}`, w.origin())
	var made struct{ Order order }
	a.json(t, &made)
	if made.Order.Status != "created" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return made.Order
}

// settleLate lets the money of an expired order arrive after all.
func (w *world) settleLate(t *testing.T, o order) {
	t.Helper()
	m := w.sim.Merchant()
	for _, trade := range w.sim.Trades() {
		if trade.CodeURL != o.CodeURL {
			continue
		}
		if _, err := w.service.cashier.Settle(t.Context(), pay.Notice{
			Merchant: demoMerchant, Source: pay.FromBill, MchID: m.MchID, AppID: m.AppID, OutTradeNo: trade.OutTradeNo,
			TransactionID: "4200000000" + trade.OutTradeNo, Total: pay.Fen(trade.Total), Currency: pay.Currency, PaidAt: time.Now(),
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.wantStatus(t, o.ID, "paid")
}

func (s stages) refund(t *testing.T, name string, fen int) {
	t.Helper()
	a := s.call(t, "POST", "/v1/orders/"+s.orders[name].ID+"/refunds", fmt.Sprintf(`{"amount":%d}`, fen), s.secret(),
		"Idempotency-Key: "+name)
	if a.status != http.StatusCreated {
		t.Fatalf("refund: %d %s", a.status, a.body)
	}
}

// show opens a scene in a window of its own.
func (s stages) show(t *testing.T, sc scene, lang string) *window {
	t.Helper()
	w := s.world
	switch sc.of {
	case "created", "slow":
		w = s.mute
	case "here", "gone":
		w = s.hand
	}
	v := w.openAt(t, "about:blank")
	if sc.phone {
		p := emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 " +
			"(KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36"}
		if _, err := chromedp.Call(v.ctx, emulation.SetUserAgentOverride, p); err != nil {
			t.Fatal(err)
		}
	}
	still := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, still); err != nil {
		t.Fatal(err)
	}
	query := sc.query
	if !strings.Contains(query, "mode=") {
		query += "&mode=inline"
	}
	url := w.url + "/checkout/" + s.orders[sc.of].Token + "?lang=" + lang + "&theme=light&" + query
	if err := chromedp.Do(v.ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	if sc.of == "pending" || w != s.world {
		eventually(t, "the component has taken over", func() bool { return w.service.hub.Len() > 0 })
	}
	if sc.act != nil {
		sc.act(t, v)
	}
	return v
}

// dress gives the page a theme, as the loader would.
func dress(t *testing.T, v *window, theme string) {
	t.Helper()
	evaluate[bool](t, v, `document.documentElement.classList.remove('theme-light', 'theme-dark'),
		document.documentElement.classList.add('theme-`+theme+`'), document.querySelector('meta[name=color-scheme]').content = '`+theme+`', true`)
}

// TestGallery photographs every scene in the themes, languages and widths that matter, for people to look at:
// make gallery.
func TestGallery(t *testing.T) {
	folder := os.Getenv("SAOMA_GALLERY")
	if folder == "" {
		t.Skip("make gallery runs this")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	langs := []string{"zh-CN", "en", "ja"}
	only := os.Getenv("SAOMA_SCENE")
	wanted := func(name string) bool { return only == "" || slices.Contains(strings.Split(only, ";"), name) }
	for _, sc := range buildShopScenes(t) {
		if !wanted(sc.name) {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			for _, lang := range langs {
				t.Run(lang, func(t *testing.T) { photographShop(t, sc, lang, folder) })
			}
		})
	}
	s := buildStages(t)
	for _, sc := range scenes {
		if !wanted(sc.name) {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			for _, lang := range langs {
				t.Run(lang, func(t *testing.T) { photograph(t, s.show(t, sc, lang), sc, lang, folder) })
			}
		})
	}
	if err := writeGallery(folder); err != nil {
		t.Fatal(err)
	}
	t.Logf("look at %s", filepath.Join(folder, "index.html"))
}

func photograph(t *testing.T, v *window, sc scene, lang, folder string) {
	t.Helper()
	sizes := sc.sizes
	if sizes == nil {
		sizes = [][2]int{{320, 800}, {390, 800}, {900, 760}}
	}
	for _, theme := range []string{"light", "dark"} {
		dress(t, v, theme)
		v.keepPictures(t, sc.name, lang, theme, folder, sizes)
	}
}

// keepPictures photographs the window in some sizes, in which nothing may be too wide.
func (v *window) keepPictures(t *testing.T, name, lang, theme, folder string, sizes [][2]int) {
	t.Helper()
	for _, size := range sizes {
		if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(int64(size[0]), int64(size[1]))); err != nil {
			t.Fatal(err)
		}
		if over := evaluate[int](t, v, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			t.Errorf("%s %s at %d px: %d px too wide", theme, lang, size[0], over)
		}
		png, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		file := fmt.Sprintf("%s_%s_%s_%d.png", strings.NewReplacer(" ", "-", ",", "", "?", "").Replace(name), lang, theme, size[0])
		if err := os.WriteFile(filepath.Join(folder, file), png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// writeGallery writes the page that shows all photographs in the folder.
func writeGallery(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.png"))
	if err != nil {
		return fmt.Errorf("list the photographs: %w", err)
	}
	var b strings.Builder
	b.WriteString(`<!doctype html><meta charset="utf-8"><title>Saoma: every state</title><style>
body { font: 14px system-ui; background: #888; margin: 16px } figure { display: inline-block; margin: 0 12px 12px 0; vertical-align: top }
figcaption { color: #fff } img { display: block } h2 { color: #fff; text-transform: capitalize }</style>`)
	last := ""
	for _, file := range files {
		name := filepath.Base(file)
		scene, rest, _ := strings.Cut(strings.TrimSuffix(name, ".png"), "_")
		if scene != last {
			fmt.Fprintf(&b, "<h2>%s</h2>", html.EscapeString(strings.ReplaceAll(scene, "-", " ")))
			last = scene
		}
		fmt.Fprintf(&b, `<figure><figcaption>%s</figcaption><img loading="lazy" src="%s"></figure>`,
			html.EscapeString(strings.ReplaceAll(rest, "_", " ")), html.EscapeString(name))
	}
	if err := os.WriteFile(filepath.Join(folder, "index.html"), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write the gallery: %w", err)
	}
	return nil
}
