package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The loader in pages of all kinds: what a shop may do with it, and what may happen to it there.

// loaderTag is what a shop copies into its page.
const loaderTag = `<script async src="{{saoma}}/v1/saoma.js" data-key="pk_demo"></script>`

// openPage opens a page of the shop's origin that has this markup.
func (w *world) openPage(t *testing.T, markup string, before ...string) *window {
	t.Helper()
	w.servePages(markup, nil)
	return w.open(t, "/page.html", before...)
}

// servePages has the shop's origin serve a page, /page.html, and others beside it, in place of the shop's own and under no
// policy but theirs. Call it before anything is asked of the shop.
func (w *world) servePages(markup string, others map[string]string) {
	pages := map[string]string{"/page.html": markup}
	for name, contents := range others {
		pages["/"+name] = contents
	}
	w.shop.http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.Header().Set("Cache-Control", "no-cache")
		_, _ = io.WriteString(rw, strings.ReplaceAll(page, "{{saoma}}", w.url)) // the browser may have left
	})
}

const pageStart = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><link rel="icon" href="data:,">`

// run executes a script in the shop's page, which may await.
func (v *window) run(t *testing.T, script string) {
	t.Helper()
	_ = resultOf[bool](t, v, script+"; return true")
}

// resultOf executes a script in the shop's page, which may await, and returns what it returns.
func resultOf[T any](t *testing.T, v *window, script string) T {
	t.Helper()
	value, err := chromedp.Run(v.ctx, chromedp.Evaluate[T]("(async () => { "+script+" })()", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return value
}

// wantTrue waits until an expression is true in the shop's page.
func (v *window) wantTrue(t *testing.T, what, expression string) {
	t.Helper()
	eventually(t, what, func() bool { return evaluate[bool](t, v, expression) })
}

// times counts how often the shop was told of an event.
func (v *window) times(t *testing.T, name string) int {
	t.Helper()
	return evaluate[int](t, v, `told.filter((e) => e.name === '`+name+`').length`)
}

// warned reports whether a script warned of something.
func (v *window) warned(text string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return strings.Contains(strings.Join(v.advice, "\n"), text)
}

// Strict policies: our origin, or a nonce, and nothing unsafe.
func TestEmbedUnderStrictPolicies(t *testing.T) {
	t.Parallel()
	const trusted = "; require-trusted-types-for 'script'; trusted-types 'none'"
	for name, c := range map[string]struct{ policy, tag string }{
		"our origin": {
			"default-src 'none'; img-src data:; script-src {{saoma}}; frame-src {{saoma}}; connect-src {{saoma}}" + trusted, loaderTag,
		},
		"a nonce": {
			"default-src 'none'; img-src data:; script-src 'nonce-n0nce' 'strict-dynamic'; frame-src {{saoma}}; connect-src {{saoma}}; style-src 'nonce-n0nce'" + trusted,
			strings.Replace(loaderTag, "async", `async nonce="n0nce"`, 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.openPage(t, pageStart+`<meta http-equiv="Content-Security-Policy" content="`+c.policy+`">`+c.tag+
				`<button data-saoma-items="latte:1">Pay</button><p>`)
			v.wantTrue(t, "the loader is there", `!!window.Saoma`)
			v.run(t, `document.querySelector('button').focus(); document.querySelector('button').click()`)
			o := v.scanned(t)
			v.wantTold(t, "ready", o)
			w.pays(t, o)
			v.wantTold(t, "paid", o)
			v.wantTold(t, "close", o)
			v.wantNoFaults(t)
		})
	}
}

func TestEmbedInsideAnotherFrame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.servePages(pageStart+`<iframe src="/inner.html" width="600" height="900"></iframe>`, map[string]string{
		"inner.html": pageStart + loaderTag + `<saoma-checkout items="latte:1"></saoma-checkout>`,
	})
	v := w.open(t, "/page.html")
	o := v.scanned(t)
	w.pays(t, o)
	v.wantTrue(t, "the inner page is told", `frames[0].document.querySelector('saoma-checkout').state === 'paid'`)
	v.wantNoFaults(t)
}

// Three on one page keep to themselves, each in its language and with the key of its own.
func TestEmbedThreeOnOnePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag+`<saoma-checkout id="a" items="latte:1"></saoma-checkout>
		<saoma-checkout id="b" items="latte:2, cake" lang="en" key="pk_demo"></saoma-checkout>
		<saoma-checkout id="c" order="`+w.latte(t).Token+`" lang="ja"></saoma-checkout>`)
	v.wantTrue(t, "all three are ready", `told.filter((e) => e.name === 'ready').length === 3`)
	id := evaluate[string](t, v, `told.find((e) => e.name === 'ready' && e.detail.amount === 7400).detail.orderId`)
	w.pays(t, w.read(t, id))
	v.wantTrue(t, "the second is paid", `b.state === 'paid'`)
	if got := evaluate[string](t, v, `a.state + ' ' + c.state`); got != "pending pending" {
		t.Errorf("the others are %s", got)
	}
	if n := v.times(t, "paid"); n != 1 {
		t.Errorf("told %d times of paid", n)
	}
	v.wantNoFaults(t)
}

// An element that is taken out, at whatever moment, takes all it had with it.
func TestEmbedRemovedInMidFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag+`<main></main>`)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	v.run(t, `
		const pass = (ms) => new Promise((done) => setTimeout(done, ms));
		for (const moment of [null, 0, 5, 20, 60, 150, 400]) {
			const element = document.createElement('saoma-checkout');
			element.items = 'latte:1';
			element.mode = ['inline', 'modal', 'kiosk'][moment % 3];
			document.querySelector('main').append(element);
			element.open();
			if (moment !== null) await pass(moment);
			if (moment % 2) element.remove();
			else element.destroy();
			element.close(); element.cancel(); element.renew(); element.destroy();
		}
		const moved = document.createElement('saoma-checkout');
		moved.id = 'moved';
		moved.items = 'cake';
		document.querySelector('main').append(moved);
		await new Promise((done) => moved.addEventListener('ready', done));
		document.body.prepend(moved);`)
	v.wantTrue(t, "the one that moved is in its place", `moved.state === 'pending' && moved.shadowRoot.querySelectorAll('iframe').length === 1`)
	v.live(t) // the only one
	v.run(t, `moved.remove()`)
	eventually(t, "nobody listens any more", func() bool { return w.service.hub.Len() == 0 })
	if n := evaluate[int](t, v, `document.querySelectorAll('saoma-checkout, body iframe').length + document.adoptedStyleSheets.length`); n != 0 {
		t.Errorf("%d things are left behind", n)
	}
	v.wantNoFaults(t)
}

func TestEmbedLoadedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag+strings.Replace(loaderTag, "saoma.js", "saoma.js?again", 1)+
		`<button data-saoma-items="latte:1">Pay</button>`)
	eventually(t, "the second copy warns", func() bool { return v.warned("loaded twice") })
	v.run(t, `document.querySelector('button').click()`)
	v.scanned(t)
	if n := evaluate[int](t, v, `document.querySelectorAll('saoma-checkout').length`); n != 1 || w.orders(t) != 1 {
		t.Errorf("one press made %d elements and %d orders", n, w.orders(t))
	}
	v.wantNoFaults(t)
}

// The script comes last: behind the elements, behind properties set by a framework, and behind the page's load.
func TestEmbedLateScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+`<saoma-checkout></saoma-checkout>`)
	v.run(t, `
		const element = document.querySelector('saoma-checkout');
		element.items = [{ sku: 'latte', quantity: 2 }, { sku: 'cake' }];
		element.returnUrl = '/thanks.html';
		const script = document.createElement('script');
		script.dataset.key = 'pk_demo';
		script.src = '`+w.url+`/v1/saoma.js';
		document.head.append(script);`)
	o := v.scanned(t)
	if o.Amount != 7400 {
		t.Errorf("the order is of %d fen", o.Amount)
	}
	got := evaluate[string](t, v, `(() => {
		const e = document.querySelector('saoma-checkout');
		e.sound = true; e.sound = false; e.backAfter = 3;
		return [e.getAttribute('items'), e.getAttribute('return-url'), e.hasAttribute('sound'), e.getAttribute('back-after')].join(' ');
	})()`)
	if got != "latte:2,cake:1 /thanks.html false 3" {
		t.Errorf("the attributes are %s", got)
	}
	v.wantNoFaults(t)
}

// Buttons that come late, nested and in a shadow tree; the same press comes back to the same order.
func TestEmbedLateButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag+`<main></main>`)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	v.run(t, `
		const root = document.querySelector('main').attachShadow({ mode: 'open' });
		const button = document.createElement('button');
		button.dataset.saomaItems = 'latte:1';
		button.dataset.saomaReference = 'table-9';
		button.dataset.saomaLang = 'en';
		const inner = document.createElement('b');
		inner.textContent = 'Pay';
		button.append(inner);
		root.append(button);
		inner.click();`)
	o := v.scanned(t)
	v.wantTold(t, "ready", o)
	const box = `document.querySelector('saoma-checkout').shadowRoot.querySelector('dialog')`
	v.run(t, box+`.querySelector('button').click()`)
	v.wantTrue(t, "it is closed", `!`+box+`.open`)
	v.run(t, `document.querySelector('main').shadowRoot.querySelector('b').click()`)
	v.wantTrue(t, "it is open again", box+`.open`)
	if n := w.orders(t); n != 1 {
		t.Errorf("two presses made %d orders", n)
	}
	v.run(t, `document.querySelector('saoma-checkout').close()`)
	w.pays(t, o) // the phone had the code already
	v.wantTold(t, "paid", o)
	v.wantTrue(t, "what is over is taken away", `!document.querySelector('saoma-checkout')`)
	v.run(t, `document.querySelector('main').shadowRoot.querySelector('b').click()`)
	eventually(t, "the next press makes the next order", func() bool { return w.orders(t) == 2 })
	v.wantNoFaults(t)
}

// A page that comes back from the back-forward cache shows what happened in between.
func TestEmbedBackAndForward(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.servePages(pageStart+loaderTag+`<saoma-checkout items="latte:1"></saoma-checkout>`, map[string]string{"other.html": pageStart})
	v := w.open(t, "/page.html", `addEventListener('pageshow', (e) => { window.restored = e.persisted })`)
	o := v.scanned(t)
	v.live(t)
	v.navigate(t, w.shop.url+"/other.html")
	eventually(t, "the page that was left keeps no socket", func() bool { return w.service.hub.Len() == 0 })
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	v.back(t)
	v.wantTrue(t, "it was not loaded again", `window.restored`)
	v.wantShown(t, "paid")
	v.wantTold(t, "paid", o)
	v.wantNoFaults(t) // a browser that has to cut the socket itself says so
}

func (v *window) navigate(t *testing.T, url string) {
	t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
}

// back goes back in the window's history. A page from the cache fires no load event to wait for.
func (v *window) back(t *testing.T) {
	t.Helper()
	if _, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](`history.back(), true`)); err != nil && v.ctx.Err() != context.Canceled {
		t.Fatal(err)
	}
}

// A pointer over a button has our frame's files loaded ahead, once, so that the checkout finds them in the cache.
func TestEmbedWarmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag+`<button data-saoma-items="latte:1">Pay</button>`)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	v.run(t, `
		const button = document.querySelector('button');
		const added = new Promise((done) => new MutationObserver(() => done()).observe(document.head, { childList: true }));
		for (let n = 0; n < 3; n++) button.dispatchEvent(new PointerEvent('pointerover', { bubbles: true, composed: true }));
		Saoma.preload();
		await added;`)
	if n := evaluate[int](t, v, `document.querySelectorAll('iframe').length`); n != 1 {
		t.Errorf("%d frames load ahead", n)
	}
	v.wantTrue(t, "it has loaded", `performance.getEntriesByName('`+w.url+`/v1/warm').length === 1`)
	v.run(t, `document.querySelector('button').click()`)
	v.scanned(t)
	v.live(t)
	var fetched string
	const assets = `performance.getEntriesByType('resource').filter((e) => e.name.includes('/assets/') && e.transferSize > 0)
		.map((e) => e.name).join(' ')`
	if !v.inFrame(assets, &fetched) || fetched != "" {
		t.Errorf("the frame fetched again: %s", fetched)
	}
	v.wantNoFaults(t)
}
