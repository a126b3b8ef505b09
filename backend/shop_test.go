package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"saoma"
)

// click clicks an element of the page.
func (v *window) click(t *testing.T, selector string) {
	t.Helper()
	if !evaluate[bool](t, v, `(() => { const e = document.querySelector(`+"`"+selector+"`"+`); e?.click(); return Boolean(e) })()`) {
		t.Fatalf("there is no %s", selector)
	}
}

// look evaluates an expression that is a text. A page that is just going away has none.
func (v *window) look(expression string) string {
	text, _ := chromedp.Run(v.ctx, chromedp.Evaluate[string](expression))
	return text
}

// more adds one of a product to the cart.
func (v *window) more(t *testing.T, sku string) {
	t.Helper()
	v.click(t, `[data-sku=`+sku+`] [data-step="1"]`)
}

func (v *window) wantText(t *testing.T, selector, want string) {
	t.Helper()
	eventually(t, selector+" says "+want, func() bool {
		return v.look("document.querySelector(`"+selector+"`)?.innerText || ''") == want
	})
}

func (v *window) wantOrderState(t *testing.T, want string) {
	t.Helper()
	eventually(t, "the page says "+want, func() bool {
		return v.look(`document.getElementById('order')?.dataset.state || ''`) == want
	})
}

// The web shop from the cart to the thank-you page.
func TestTheWebShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/")
	if !evaluate[bool](t, v, `document.getElementById('pay').disabled`) {
		t.Error("an empty cart can be paid")
	}
	v.more(t, "beans")
	v.more(t, "beans")
	v.more(t, "mug")
	v.wantText(t, "#total", "¥244.00")
	if err := chromedp.Do(v.ctx, chromedp.Reload()); err != nil {
		t.Fatal(err)
	}
	v.wantText(t, "#total", "¥244.00")
	if got := evaluate[string](t, v, `document.getElementById('pay').dataset.saomaItems`); got != "beans:2,mug:1" {
		t.Errorf("the button pays %q", got)
	}
	eventually(t, "Saoma's script is there", func() bool { return evaluate[bool](t, v, `'Saoma' in window`) })
	v.click(t, "#pay")
	o := v.scanned(t)
	if o.Amount != 24400 {
		t.Errorf("the order is of %d fen", o.Amount)
	}
	w.pays(t, o) // the page moves on by itself
	v.wantOrderState(t, "paid")
	v.wantText(t, "#number", "A01")
	v.wantText(t, "#order .total output", "¥244.00")
	inBeijing := `new Date(Date.parse(document.getElementById("when").dateTime) + 8 * 3600e3).toISOString().slice(11, 16)` // wherever the browser is
	if text := evaluate[string](t, v, `document.getElementById("when").textContent`); !strings.Contains(text, evaluate[string](t, v, inBeijing)) {
		t.Errorf("paid at %s, which the receipt says otherwise", text)
	}
	if n := evaluate[int](t, v, `document.querySelectorAll('#lines li').length`); n != 2 {
		t.Errorf("%d lines on the receipt", n)
	}
	if left := evaluate[int](t, v, `sessionStorage.length`); left != 0 {
		t.Errorf("%d carts are left after the payment", left)
	}
	v.wantNoFaults(t)
}

// The thank-you page believes nobody but the shop's server.
func TestTheThankYouPageIsNotFooled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.open(t, "/thanks/?order="+o.ID+"&status=paid")
	v.wantOrderState(t, "waiting")
	if text := evaluate[string](t, v, `document.getElementById('order').innerText`); strings.Contains(text, "谢谢") ||
		strings.Contains(text, "A0") {
		t.Errorf("an unpaid order is thanked for: %q", text)
	}
	w.pays(t, o)
	v.wantOrderState(t, "paid")
	for name, id := range map[string]string{
		"nobody's order":     "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV",
		"a changed id":       o.ID[:len(o.ID)-1] + "_",
		"another path":       "..%2Forders",
		"an id and a query":  o.ID + "%3Fx",
		"an id with a slash": o.ID + "%2Fevents",
		"no id":              "",
	} {
		if err := chromedp.Do(v.ctx, chromedp.Navigate(w.shop.url+"/thanks/?order="+id)); err != nil {
			t.Fatal(err)
		}
		t.Log(name)
		v.wantOrderState(t, "unknown")
	}
}

// A number is given once per order, and to paid orders only.
func TestPickUpNumbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	read := func(id string) (o orderView) {
		t.Helper()
		res, err := http.Get(w.shop.url + "/orders/" + id)
		if err != nil {
			t.Fatal(err)
		}
		b := readAll(t, res)
		answer{res.StatusCode, res.Header, b}.json(t, &o)
		return o
	}
	first, second, unpaid := w.latte(t), w.latte(t), w.latte(t)
	for _, o := range []order{first, second} {
		w.pays(t, o)
		w.wantStatus(t, o.ID, "paid")
	}
	for _, o := range []order{first, second} {
		if one, two := read(o.ID), read(o.ID); one.Number == "" || one.Number != two.Number || one.Table != "7" {
			t.Errorf("%+v, then %+v", one, two)
		}
	}
	if a, b := read(first.ID).Number, read(second.ID).Number; a == b {
		t.Errorf("two orders have the number %s", a)
	}
	if got := read(unpaid.ID); got.Number != "" || got.Status != "pending" {
		t.Errorf("not paid: %+v", got)
	}
}

// The restaurant's table on a phone, from the menu to the kitchen.
func TestTheTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/table/?table=7")
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(390, 844)); err != nil {
		t.Fatal(err)
	}
	if wide := evaluate[int](t, v, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("the page is %d px wide", wide)
	}
	small := evaluate[[]string](t, v, `[...document.querySelectorAll('button, .categories a')].filter((e) => {
		const r = e.getBoundingClientRect();
		return r.width > 0 && (r.height < 40 || r.width < 40);
	}).map((e) => e.outerHTML)`)
	if len(small) > 0 {
		t.Errorf("too small to be touched: %s", small)
	}
	v.click(t, `.categories a[href="#sweets"]`)
	eventually(t, "the bar marks the sweets", func() bool {
		return evaluate[string](t, v, `document.querySelector('.categories [aria-current]')?.hash || ''`) == "#sweets"
	})
	v.more(t, "noodles")
	v.more(t, "noodles")
	v.more(t, "tea")
	v.wantText(t, "#total", "¥96.80")
	v.click(t, "#bag")
	if shown := evaluate[int](t, v, `document.getElementById('list').offsetHeight`); shown == 0 {
		t.Error("the list does not open")
	}
	eventually(t, "Saoma's script is there", func() bool { return evaluate[bool](t, v, `'Saoma' in window`) })
	v.click(t, "#pay")
	o := v.scanned(t)
	w.pays(t, o) // the page moves on by itself
	v.wantOrderState(t, "paid")
	v.wantText(t, "#order .if-paid h1", "您的订单已到厨房")
	v.wantText(t, "#number", "A01")
	v.wantText(t, "[data-table]", "7")
	v.wantNoFaults(t)
}

// The kiosk at the counter: one touch, the code, paid, and back to the start for the next customer.
func TestTheCounter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/counter/")
	eventually(t, "Saoma's script is there", func() bool { return evaluate[bool](t, v, `'Saoma' in window`) })
	v.click(t, `[data-saoma-items="latte:1"]`)
	o := v.scanned(t)
	if o.Amount != 2800 {
		t.Errorf("the order is of %d fen", o.Amount)
	}
	w.pays(t, o)
	v.wantTold(t, "paid", o)
	eventually(t, "the kiosk is back at its start", func() bool {
		return evaluate[bool](t, v, `!document.querySelector('saoma-checkout')?.shadowRoot.querySelector('dialog')?.open`)
	})
	v.wantNoFaults(t)
}

// The other language: every text changes, also those of the page around and of what is made later.
func TestTheShopInEnglish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/", "/table/?table=7", "/modal.html", "/counter/", "/story/", "/thanks/?order=ord_X", "/kitchen/?order=ord_X", "/timed.html"} {
		t.Run(path, func(t *testing.T) { // its window is closed before the next one is opened
			v := w.open(t, path)
			v.click(t, "[data-language]")
			text := evaluate[string](t, v, `document.title + document.body.innerText.replace('中文', '').replace('扫码', '')`)
			for _, r := range text {
				if r >= 0x4e00 && r < 0xa000 {
					t.Errorf("still in Chinese: %s", text)
					break
				}
			}
		})
	}
}

// Everything on one screen: the order in the left frame, the payment in the right one, by the phone's own buttons.
func TestTheStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/story/")
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(1440, 900)); err != nil {
		t.Fatal(err)
	}
	const shop = `document.getElementById('shop').contentDocument`
	eventually(t, "the shop is there", func() bool {
		return evaluate[bool](t, v, `Boolean(document.getElementById('shop').contentWindow.Saoma)`)
	})
	evaluate[bool](t, v, shop+`.querySelector('[data-sku=jar] [data-step="1"]').click(), `+shop+`.getElementById('pay').click(), true`)
	phone := &phoneFrame{v}
	phone.press(t, `#waiting button`)
	phone.press(t, `#pay:not([hidden])`)
	phone.wantText(t, "#result-amount", "¥36.00")
	eventually(t, "the shop is thankful", func() bool {
		return v.look(shop+`.getElementById('order')?.dataset.state || ''`) == "paid"
	})
	v.wantNoFaults(t)
}

// A phoneFrame is the simulator's page in the story, of another origin than the page around it.
type phoneFrame struct{ *window }

// read evaluates an expression in the phone, in a world of its own, and reports whether it has a value.
func (p *phoneFrame) read(expression string, into any) bool {
	tree, err := chromedp.Call(p.ctx, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return false
	}
	for _, f := range tree.FrameTree.ChildFrames {
		if !strings.HasPrefix(f.Frame.URL, p.sim.url) {
			continue
		}
		world, err := chromedp.Call(p.ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: f.Frame.ID})
		if err != nil {
			return false // it is loading
		}
		byValue := true
		value, err := chromedp.Call(p.ctx, runtime.Evaluate, runtime.EvaluateParams{
			Expression: expression, ContextID: world.ExecutionContextID, ReturnByValue: &byValue,
		})
		return err == nil && value.ExceptionDetails == nil && value.Result != nil && json.Unmarshal(value.Result.Value, into) == nil
	}
	return false
}

func (p *phoneFrame) press(t *testing.T, selector string) {
	t.Helper()
	eventually(t, "the phone shows "+selector, func() bool {
		var done bool
		return p.read("(() => { const e = document.querySelector(`"+selector+"`); if (!e?.checkVisibility()) return false; e.click(); return true })()", &done) && done
	})
}

func (p *phoneFrame) wantText(t *testing.T, selector, want string) {
	t.Helper()
	eventually(t, "the phone says "+want, func() bool {
		var got string
		return p.read("document.querySelector(`"+selector+"`).innerText", &got) && got == want
	})
}

// Everything that the menu names is there: a picture, a name in both languages, a price.
func TestTheMenu(t *testing.T) {
	t.Parallel()
	files, err := fs.Sub(saoma.Public, "public/shop")
	if err != nil {
		t.Fatal(err)
	}
	m, err := readMenu(files)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range m.products() {
		if p.Name == "" || p.English == "" || p.Note == "" || p.NoteEnglish == "" || p.Price < 100 || seen[p.SKU] {
			t.Errorf("not complete, or twice: %+v", p)
		}
		seen[p.SKU] = true
		if _, err := fs.Stat(files, "pictures/"+p.SKU+".svg"); err != nil {
			t.Error(err)
		}
	}
}

// The policies name what a shop needs of Saoma, and nothing unsafe.
func TestTheShopsPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/", "/table/?table=7", "/thanks/", "/story/", "/minimal.html"} {
		res, err := http.Get(w.shop.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body := string(readAll(t, res))
		policy := res.Header.Get("Content-Security-Policy")
		if res.StatusCode != http.StatusOK || !strings.Contains(policy, "script-src 'self' "+w.url+";") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %d, %q", path, res.StatusCode, policy)
		}
		for _, inline := range []string{"<style", " style=", "<script>", " onclick"} {
			if strings.Contains(body, inline) {
				t.Errorf("%s has %s", path, inline)
			}
		}
	}
	for _, path := range []string{"/parts.html", "/nothing/", "/../shop.go", "/menu.html"} {
		res, err := http.Get(w.shop.url + path)
		if err != nil {
			t.Fatal(err)
		}
		if b := readAll(t, res); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, res.StatusCode, b)
		}
	}
}

func readAll(t *testing.T, res *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return b
}
