package main

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The modal, the kiosk, and what each of them does at the end.

const (
	theElement = `document.querySelector('saoma-checkout')`
	theDialog  = theElement + `.shadowRoot.querySelector('dialog')`
)

func (v *window) press(t *testing.T, key string) {
	t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.KeyEvent(key)); err != nil {
		t.Fatalf("press a key: %v", err)
	}
}

// With the keyboard only: open, go round, leave from within the frame, and be back where one was.
func TestEmbedModalByKeyboard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag+`<body><p>Tea</p><a href="#">A link</a>
		<button data-saoma-items="latte:1">Pay</button><input>`+strings.Repeat("<p>A long page</p>", 100))
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	v.run(t, `document.querySelector('[data-saoma-items]').focus(); window.before = document.querySelector('a').getBoundingClientRect().left`)
	v.press(t, kb.Enter)
	o := v.scanned(t)
	v.wantTold(t, "ready", o)
	v.wantTrue(t, "the keyboard is in the frame", theElement+`.shadowRoot.activeElement?.localName === 'iframe'`)
	got := evaluate[string](t, v, `(() => {
		const page = getComputedStyle(document.documentElement);
		const jump = document.querySelector('a').getBoundingClientRect().left - before;
		return [page.overflowY, jump, `+theDialog+`.matches(':modal'), `+theDialog+`.ariaLabel].join(' ');
	})()`)
	if got != "hidden 0 true 微信支付" {
		t.Errorf("the page behind, its jump, the dialog: %s", got)
	}
	for range 12 {
		v.press(t, kb.Tab)
		if at := evaluate[string](t, v, `document.activeElement.localName`); at != "saoma-checkout" && at != "body" {
			t.Fatalf("Tab leads behind the modal, to <%s>", at)
		}
	}
	v.run(t, theElement+`.shadowRoot.querySelector('iframe').focus()`)
	eventually(t, "the keyboard is in the frame", func() bool {
		var in bool
		return v.inFrame(`document.hasFocus()`, &in) && in
	})
	v.press(t, kb.Escape)
	v.wantTrue(t, "Escape in the frame closes", `!`+theDialog+`.open`)
	got = evaluate[string](t, v, `[document.activeElement.textContent, getComputedStyle(document.documentElement).overflowY].join(' ')`)
	if got != "Pay visible" {
		t.Errorf("the focus, and the page: %s", got)
	}
	if n := v.times(t, "close"); n != 1 {
		t.Errorf("told %d times of close", n)
	}
	v.press(t, kb.Enter)
	v.wantTrue(t, "it is open again", theDialog+`.open`)
	v.run(t, `document.addEventListener('close', (e) => e.preventDefault(), { once: true })`)
	v.run(t, theElement+`.close()`)
	if !evaluate[bool](t, v, theDialog+`.open`) {
		t.Error("close was prevented, and it is closed")
	}
	v.run(t, theElement+`.close()`)
	if evaluate[bool](t, v, theDialog+`.open`) {
		t.Error("it is still open")
	}
	v.wantNoFaults(t)
}

// Who has paid is led to the return address; the shop may prevent it.
func TestEmbedPaidLeads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script   string
		navigate bool
	}{
		"to the return address":      {`element.returnUrl = '/thanks.html?a=1'`, true},
		"nowhere if prevented":       {`element.returnUrl = '/thanks.html'; element.addEventListener('paid', (e) => e.preventDefault())`, false},
		"never into a script":        {`element.returnUrl = 'javascript:location.assign("/thanks.html")'`, false},
		"nowhere without an address": {``, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.servePages(pageStart+loaderTag, map[string]string{"thanks.html": pageStart + "Thank you"})
			v := w.open(t, "/page.html", haste)
			v.wantTrue(t, "the loader is there", `!!window.Saoma`)
			v.run(t, `const element = document.createElement('saoma-checkout'); element.items = 'latte'; `+c.script+`; document.body.append(element)`)
			o := v.scanned(t)
			v.wantTold(t, "ready", o)
			v.live(t)
			v.run(t, `haste = 20`)
			w.pays(t, o)
			if c.navigate {
				v.wantTrue(t, "the customer is thanked", `location.pathname + location.search === '/thanks.html?a=1'`)
				return
			}
			v.wantTold(t, "paid", o)
			v.run(t, `await new Promise((done) => setTimeout(done, 6_000))`) // hurried, like the loader's own
			if at := evaluate[string](t, v, `location.pathname`); at != "/page.html" {
				t.Errorf("the customer was led to %s", at)
			}
		})
	}
}

// An order of the shop's server: its own return address serves where the page gives none, in the shop's colours.
func TestEmbedOrderOfTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var o order
	w.call(t, "POST", "/v1/orders", `{"amount":100,"description":"tea","return_url":"`+w.shop.url+`/thanks.html"}`, w.secret()).json(t, &o)
	w.servePages(pageStart+loaderTag+`<saoma-checkout order="`+o.Token+`" style="--saoma-accent:#1677ff"></saoma-checkout>`,
		map[string]string{"thanks.html": pageStart + "Thank you"})
	v := w.open(t, "/page.html", haste)
	v.wantTold(t, "ready", o)
	v.live(t)
	eventually(t, "the frame wears the shop's colours", func() bool {
		var accent string
		return v.inFrame(`getComputedStyle(document.documentElement).getPropertyValue('--saoma-accent')`, &accent) && accent == "rgb(22 119 255)"
	})
	v.run(t, `haste = 20`)
	w.pays(t, o)
	v.wantTrue(t, "the customer is thanked", `location.pathname === '/thanks.html'`)
}

// haste lets a test make the timers of the shop's page, and so the loader's, that many times as fast.
const haste = `if (window.top === window) {
	const { setTimeout } = window;
	window.haste = 1;
	window.setTimeout = (act, ms, ...more) => setTimeout(act, ms / haste, ...more);
}`

// A kiosk fills the screen, and after each customer it begins again and keeps nothing of the last.
func TestEmbedKiosk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag+`<saoma-checkout mode="kiosk" items="latte:1" back-after="0.1"></saoma-checkout>`)
	for round := range 3 {
		eventually(t, "an order for the next customer", func() bool { return w.orders(t) == round+1 })
		o := v.scanned(t)
		v.wantTrue(t, "the shop is told", `told.filter((e) => e.name === 'ready').length === `+string(rune('1'+round)))
		got := evaluate[string](t, v, `(() => {
			const box = `+theDialog+`.getBoundingClientRect();
			const frame = `+theDialog+`.querySelector('iframe').getBoundingClientRect();
			return [box.left, box.top, box.width - innerWidth, box.height - innerHeight, frame.height - innerHeight,
				`+theElement+`.shadowRoot.querySelectorAll('dialog, iframe').length].join(' ');
		})()`)
		if got != "0 0 0 0 0 2" {
			t.Errorf("the kiosk does not fill the screen: %s", got)
		}
		v.press(t, kb.Escape)
		v.wantTrue(t, "Escape does not close it", theDialog+`.open`)
		eventually(t, "only one listens", func() bool { return w.service.hub.Len() == 1 })
		w.pays(t, o)
		w.wantStatus(t, o.ID, "paid")
	}
	v.wantTrue(t, "three were paid and left", `['paid', 'close'].every((name) => told.filter((e) => e.name === name).length === 3)`)
	v.wantNoFaults(t)
}

// A kiosk that a script opened over the shop's page is gone after its customer.
func TestEmbedKioskOverThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	v.run(t, `window.checkout = await Saoma.checkout({ mode: 'kiosk', items: 'latte', backAfter: 0.1 })`)
	o := v.scanned(t)
	w.pays(t, o)
	if got := resultOf[string](t, v, `return (await checkout.result).status`); got != "paid" {
		t.Errorf("the result is %s", got)
	}
	v.wantTrue(t, "it is gone", `!`+theElement)
	eventually(t, "nobody listens", func() bool { return w.service.hub.Len() == 0 })
	v.wantNoFaults(t)
}

// An order that is renewed may expire again, and is told so again; what was paid late has a result of its own.
func TestEmbedExpiresAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag+`<saoma-checkout items="latte:1"></saoma-checkout>`)
	o := v.scanned(t)
	v.live(t)
	for n := 1; n <= 2; n++ {
		w.forward(16 * time.Minute)
		v.wantTrue(t, "it expired", theElement+`.state === 'expired' && told.filter((e) => e.name === 'expired').length === `+string(rune('0'+n)))
		if got := resultOf[string](t, v, `return (await `+theElement+`.result).status`); got != "expired" {
			t.Errorf("the result is %s", got)
		}
		a := w.call(t, "POST", "/v1/checkouts/"+o.Token+"/renew", "{}")
		if a.status != 200 {
			t.Fatalf("renew: %d %s", a.status, a.body)
		}
		v.wantTrue(t, "it can be paid again", theElement+`.state === 'pending'`)
	}
	w.pays(t, w.read(t, o.ID))
	v.wantTold(t, "paid", o)
	if got := resultOf[string](t, v, `return (await `+theElement+`.result).status`); got != "paid" {
		t.Errorf("the result is %s", got)
	}
}
