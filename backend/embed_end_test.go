package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// After the payment: where the customer is led, and what is refunded later.

// A return address goes into the order as a whole address, and one that is no web page never does.
func TestEmbedReturnURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag, `if (window.top === window) {
		const { fetch } = window;
		window.sent = [];
		window.fetch = (url, options) => { sent.push(JSON.parse(options.body).return_url ?? ''); return fetch(url, options); };
	}`)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	for given, want := range map[string]string{
		`'/thanks?order={ORDER_ID}#a'`:          w.shop.url + "/thanks?order={ORDER_ID}#a",
		`'thanks.html'`:                         w.shop.url + "/thanks.html",
		`' ` + w.shop.url + `/b '`:              w.shop.url + "/b",
		`'javascript:alert(1)'`:                 "",
		`' JaVa\nScRiPt:location="http://x.y"'`: "",
		`'data:text/html,<p>http://x.y'`:        "",
		`'httpx://shop.example/'`:               "",
		`'mailto:a@shop.example'`:               "",
		`''`:                                    "",
		`null`:                                  "",
	} {
		got := resultOf[string](t, v, `
			const element = Object.assign(document.createElement('saoma-checkout'), { items: 'latte', returnUrl: `+given+` });
			document.body.append(element);
			while (!sent.length) await new Promise(requestAnimationFrame);
			element.destroy();
			return sent.pop();`)
		if got != want {
			t.Errorf("%s: the order's address is %q; want %q", given, got, want)
		}
	}
}

// A refund that comes after the result is the shop's own doing: nobody is told and nobody is led anywhere. The promise
// that was kept stays kept. Who comes back to the page sees what became of the money.
func TestEmbedRefundAfterTheResult(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ fen, status, receipt string }{
		"in part": {"800", "paid", "8.00"},
		"in full": {"2800", "refunded", "28.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.openPage(t, pageStart+loaderTag+`<saoma-checkout items="latte:1"></saoma-checkout>`)
			o := v.scanned(t)
			v.live(t)
			w.pays(t, o)
			v.wantTold(t, "paid", o)
			v.run(t, `window.result = `+theElement+`.result; window.kept = await result`)
			a := w.call(t, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":`+c.fen+`}`, w.secret())
			if a.status != 201 {
				t.Fatalf("refund: %d %s", a.status, a.body)
			}
			eventually(t, "the money is given back", func() bool { return w.read(t, o.ID).Refunded > 0 })
			if got := evaluate[string](t, v, theElement+`.state + ' ' + kept.status`); got != "paid paid" {
				t.Errorf("before anybody looks: %s", got)
			}
			// This is what a browser says of a page whose tab is looked at again.
			v.inFrame(`document.dispatchEvent(new Event('visibilitychange')), true`, new(bool))
			eventually(t, "the receipt says so", func() bool {
				var text string
				return v.inFrame(`document.querySelector('.facts:not(.lines)').innerText`, &text) && strings.Contains(text, c.receipt)
			})
			v.wantTrue(t, "the element knows", theElement+`.state === '`+c.status+`'`)
			got := resultOf[string](t, v, `return [(await result).status, (await `+theElement+`.result).status, told.map((e) => e.name)].join(' ')`)
			if want := "paid " + c.status + " ready,paid"; got != want {
				t.Errorf("the results, and what the shop was told: %s; want %s", got, want)
			}
			v.wantNoFaults(t)
		})
	}
}

// Where scrollbars take room, as on most desktops, nothing moves: the frame grows to what it shows and has none, a
// modal in a low window has one.
func TestEmbedClassicScrollbars(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	const place = `<style>saoma-checkout:not(:defined) { display: block; height: 668px }</style>` // as the README says
	w.servePages(pageStart+place+loaderTag+`<p>Tea</p><saoma-checkout order="`+o.Token+`"></saoma-checkout>
		<button data-saoma-items="latte:1">Pay</button>`+strings.Repeat("<p>A long page</p>", 50), nil)
	options := chromiumOptions(chromedp.WindowSize(900, 500), chromedp.Flag("hide-scrollbars", false))
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	browser, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	v := w.openIn(t, browser, time.Minute, w.shop.url+"/page.html")
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(900, 500)); err != nil {
		t.Fatal(err)
	}
	v.wantTold(t, "ready", o)
	v.live(t)
	if bar := evaluate[int](t, v, `innerWidth - document.documentElement.clientWidth`); bar < 10 {
		t.Fatalf("the scrollbars of this browser take %d pixels; want classic ones", bar)
	}
	v.wantStill(t)
	w.pays(t, o)
	v.wantShown(t, "paid")
	v.wantStill(t)
	// The inline one leaves, of which what is below takes notice; the modal's frame is the only one then.
	v.run(t, theElement+`.remove()
		for (let n = 0; n < 3; n++) await new Promise(requestAnimationFrame);
		document.documentElement.dataset.shift = 0;
		document.querySelector('button').click()`)
	v.wantTrue(t, "the modal is ready", `told.filter((e) => e.name === 'ready').length === 2`)
	v.live(t)
	v.wantStill(t)
	got := evaluate[string](t, v, `(() => {
		const page = document.documentElement, box = `+theDialog+`;
		return [innerWidth - page.clientWidth, box.scrollHeight > box.clientHeight, box.offsetWidth - box.clientWidth > 9, box.scrollWidth > box.clientWidth].join(' ');
	})()`)
	if got != "0 true true false" {
		t.Errorf("the page's bar, and what the modal does with too low a window: %s", got)
	}
}

// wantStill checks that nothing was shifted, in the page or in the frame, and that the frame has no scrollbars.
func (v *window) wantStill(t *testing.T) {
	t.Helper()
	const shift = `Number(document.documentElement.dataset.shift || 0)`
	var inFrame []float64
	if !v.inFrame(`[`+shift+`, innerWidth - document.documentElement.clientWidth, innerHeight - document.documentElement.clientHeight]`, &inFrame) {
		t.Fatal("there is no frame")
	}
	if inShop := evaluate[float64](t, v, shift); inShop > 0 || inFrame[0] > 0 {
		t.Errorf("the layout shifted by %g in the page and by %g in the frame", inShop, inFrame[0])
	}
	if inFrame[1] != 0 || inFrame[2] != 0 {
		t.Errorf("the frame has scrollbars of %g and %g pixels", inFrame[1], inFrame[2])
	}
}
