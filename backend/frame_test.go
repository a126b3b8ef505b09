package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

func (w *world) checkout(o order, query string) string {
	return w.url + "/checkout/" + o.Token + "?lang=zh-CN&theme=light&mode=inline&" + query
}

// alone waits until a checkout that stands alone shows a status.
func (v *window) alone(t *testing.T, status string) {
	t.Helper()
	eventually(t, "the page shows "+status, func() bool {
		return evaluate[bool](t, v, `document.querySelector('main')?.dataset.status === '`+status+`'`)
	})
}

func (v *window) clickOn(t *testing.T, act string) {
	t.Helper()
	evaluate[bool](t, v, `document.querySelector('[data-act=`+act+`]').click(), true`)
}

// drawing is what the code on the page is drawn by.
const drawn = `document.querySelector('.code path:last-child')?.getAttribute('d') || ''`

func (v *window) drawing(t *testing.T) string {
	t.Helper()
	return evaluate[string](t, v, drawn)
}

// drawsOther waits until there is another code on the page. Photographs are taken afterwards: Chromium never
// delivers one of a page that loads itself again meanwhile.
func (v *window) drawsOther(t *testing.T, old string) {
	t.Helper()
	eventually(t, "there is another code on the page", func() bool {
		now := v.look(drawn) // nothing while the page loads itself again
		return now != "" && now != old
	})
}

// poorly are the browsers with and without the Go program.
var poorly = map[string]string{"with the program": "", "without": "delete window.WebAssembly"}

// An order that expired gets a new code in place, with one press.
func TestRenewInPlace(t *testing.T) {
	t.Parallel()
	for name, before := range poorly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.latte(t)
			w.forward(16 * time.Minute)
			w.wantStatus(t, o.ID, "expired")
			v := w.openAt(t, w.checkout(o, ""), before)
			v.clickOn(t, "renew")
			v.alone(t, "pending")
			fresh := w.read(t, o.ID)
			if got := v.scan(t); got != fresh.CodeURL || got == o.CodeURL {
				t.Errorf("the screen shows %q; the order has %q, and had %q", got, fresh.CodeURL, o.CodeURL)
			}
			w.pays(t, fresh)
			v.alone(t, "paid")
			v.wantNoFaults(t)
		})
	}
}

// WeChat Pay takes longer for the new code than the page says that it waits. When the code comes after all, the shop is
// told that it was renewed.
func TestRenewedAfterAll(t *testing.T) {
	t.Parallel()
	const later = `for (const clock of [performance, Date]) { const now = clock.now.bind(clock);
		clock.now = () => now() + Number(document.documentElement?.dataset.later || 0) }
		const ask = window.fetch; // a browser lists an answer whose body nobody reads when it pleases
		window.fetch = async (url, ...more) => {
			const answer = await ask(url, ...more);
			if (String(url).endsWith('/renew')) document.documentElement.dataset.answered = '';
			return answer;
		}`
	w := newWorld(t)
	o := w.latte(t)
	v := parent(t, w, o, "", "", later)
	v.live(t)
	var loaded float64
	if !v.inFrame(`performance.timeOrigin`, &loaded) {
		t.Fatal("the frame does not answer")
	}
	w.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{ErrorBefore: -1}})
	v.tell(t, map[string]any{"type": "renew"})
	w.wantStatus(t, o.ID, "created")
	eventually(t, "a minute goes by", func() bool {
		var now float64
		if v.inFrame(`performance.timeOrigin`, &now) && now != loaded {
			t.Skip("the page has loaded itself again, as it does on a machine that is too busy to draw, and waits no more")
		}
		var answered bool // until then the wait has not begun
		return v.inFrame(`'answered' in document.documentElement.dataset && Boolean(document.documentElement.dataset.later = 61000)`, &answered) && answered
	})
	v.hears(t, "refused", `m.what === 'renew'`)
	w.sim.SetFaults(wechatsim.Faults{})
	v.hears(t, "renewed", "true")
	v.hears(t, "order", `m.order.status === 'pending'`)
	if n := evaluate[int](t, v, `heard.filter((m) => m.type === 'renewed').length`); n != 1 {
		t.Errorf("told %d times of renewed", n)
	}
}

// WeChat Pay is in trouble when a new code is asked for: the customer is told, and may try again.
func TestRenewIsRefused(t *testing.T) {
	t.Parallel()
	for name, before := range poorly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.latte(t)
			v := w.openAt(t, w.checkout(o, ""), before)
			old := v.drawing(t)
			w.sim.SetFaults(wechatsim.Faults{Close: wechatsim.CallFaults{ErrorBefore: -1}})
			v.clickOn(t, "renew")
			wait(`[data-busy=norenew]`)(t, v)
			if got := v.scan(t); got != o.CodeURL {
				t.Errorf("the screen shows %q; want the old code", got)
			}
			w.sim.SetFaults(wechatsim.Faults{})
			eventually(t, "there is a new code", func() bool {
				fresh := w.read(t, o.ID).CodeURL
				if fresh == o.CodeURL {
					evaluate[bool](t, v, `document.querySelector('[data-act=renew]')?.click(), true`)
				}
				return fresh != o.CodeURL && fresh != ""
			})
			v.drawsOther(t, old)
			if got, want := v.scan(t), w.read(t, o.ID).CodeURL; got != want {
				t.Errorf("the screen shows %q; want %q", got, want)
			}
		})
	}
}

// Nobody told us of the payment; the customer does.
func TestIHavePaid(t *testing.T) {
	t.Parallel()
	for name, before := range poorly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
			o := w.latte(t)
			v := w.openAt(t, w.checkout(o, ""), before)
			v.clickOn(t, "check")
			wait(`[data-busy=unpaid]`)(t, v)
			w.pays(t, o)
			w.forward(pay.AskEvery)
			eventually(t, "the page shows paid", func() bool {
				return evaluate[bool](t, v, `document.querySelector('[data-act=check]')?.click(),
					document.querySelector('main')?.dataset.status === 'paid'`)
			})
		})
	}
}

// What the customer says is looked into at once, and trouble at WeChat Pay is no error of theirs.
func TestCheckByTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	w.sim.SetFaults(wechatsim.Faults{Query: wechatsim.CallFaults{ErrorBefore: -1}, Callback: wechatsim.CallbackFaults{Lose: -1}})
	check := func() (got order) {
		a := w.call(t, "POST", "/v1/checkouts/"+o.Token+"/check", "", w.origin())
		if a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s", a.status, a.header, a.body)
		}
		if strings.Contains(string(a.body), "transaction_id") {
			t.Errorf("a browser is told too much: %s", a.body)
		}
		a.json(t, &got)
		return got
	}
	w.pays(t, o)
	if got := check(); got.Status != "pending" || got.ID != o.ID {
		t.Errorf("with WeChat Pay in trouble: %+v", got)
	}
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	w.forward(pay.AskEvery)
	if got := check(); got.Status != "paid" {
		t.Errorf("got %+v; want it paid", got)
	}
	if a := w.call(t, "POST", "/v1/checkouts/none/check", "", w.origin()); a.status != http.StatusNotFound {
		t.Errorf("no such token: %d %s", a.status, a.body)
	}
	if a := w.call(t, "POST", "/v1/checkouts/"+o.Token+"/check", "", "Origin: https://evil.example"); a.status != http.StatusForbidden {
		t.Errorf("another's page: %d %s", a.status, a.body)
	}
}

// The last second: the browser's countdown is at zero, and the payment wins.
func TestAPaymentInTheLastSecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	o := w.latte(t)
	v := w.openAt(t, w.checkout(o, ""))
	w.pays(t, o)
	w.forward(15 * time.Minute)
	v.alone(t, "paid")
	if w.read(t, o.ID).Late {
		t.Error("marked late")
	}
}

// held keeps the Go program back until the test lets it go.
const held = `(() => {
	const real = WebAssembly.instantiateStreaming;
	let go;
	const gate = new Promise((done) => (go = done));
	WebAssembly.instantiateStreaming = async (...a) => { await gate; return real(...a) };
	addEventListener('go', () => go());
})()`

// The program arrives while the customer is doing something, and nothing of it is lost.
func TestTheTakeoverKeepsWhatWasBegun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.openAt(t, w.checkout(o, ""), held)
	wait(`#saoma-code`)(t, v)
	v.clickOn(t, "help")
	v.clickOn(t, "ask")
	evaluate[bool](t, v, `document.getElementById('saoma-keep').focus(), document.querySelector('main').painted = true, true`)
	evaluate[bool](t, v, `dispatchEvent(new Event('go')), true`)
	v.live(t)
	wait(`main:not([painted])`)(t, v)
	for _, is := range []string{
		`!document.querySelector('main').painted`, `document.querySelector('main').dataset.quit === 'asking'`,
		`document.activeElement.id === 'saoma-keep'`, `getComputedStyle(document.getElementById('saoma-help')).display === 'flex'`,
		`document.querySelector('[data-act=help]').getAttribute('aria-expanded') === 'true'`,
	} {
		eventually(t, is, func() bool { return evaluate[bool](t, v, is) })
	}
	v.wantNoFaults(t)
}

// markup tells the elements of the page with their attributes and words, without what may differ: the time.
const markup = `(() => {
	const tell = (node) => {
		if (node.nodeType === 3) return node.data.trim();
		if (node.id === 'saoma-left') return '<time>';
		const attributes = [...node.attributes].filter((a) => a.value).map((a) => a.name + '=' + a.value).sort().join(' ');
		return '<' + node.localName + ' ' + attributes + '>' + [...node.childNodes].map(tell).join('');
	};
	return tell(document.querySelector('main'));
})()`

// What the server paints is what the component makes of it, and nothing moves.
func TestTheSwapIsNotSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expired, cancelled := w.latte(t), w.latte(t)
	w.call(t, "POST", "/v1/checkouts/"+cancelled.Token+"/cancel", "", w.origin())
	w.forward(16 * time.Minute)
	w.wantStatus(t, expired.ID, "expired")
	v := w.openFor(t, 5*time.Minute, "about:blank", held) // one window: fifteen would all be painted until the end
	for status, o := range map[string]order{"pending": w.latte(t), "expired": expired, "cancelled": cancelled} {
		for _, lang := range []string{"zh-CN", "zh-TW", "en", "ja", "ko"} {
			v.navigate(t, w.url+"/checkout/"+o.Token+"?mode=inline&lang="+lang)
			wait(`main`)(t, v)
			painted := evaluate[string](t, v, markup)
			// What moved while the page arrived is another matter.
			if _, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](`new Promise((done) => requestAnimationFrame(() => setTimeout(() => {
				document.documentElement.dataset.shift = 0;
				document.querySelector('main').painted = true;
				dispatchEvent(new Event('go'));
				done(true);
			}, 100)))`, chromedp.EvalAwaitPromise)); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the component has taken over", func() bool {
				return evaluate[bool](t, v, `!document.querySelector('main').painted`)
			})
			if live := evaluate[string](t, v, markup); live != painted {
				t.Errorf("%s, %s: painted\n%s\nlive\n%s", status, lang, painted, live)
			}
			if shift := evaluate[float64](t, v, `Number(document.documentElement.dataset.shift || 0)`); shift > 0 {
				t.Errorf("%s, %s: the layout shifted by %g", status, lang, shift)
			}
		}
	}
}

// skewed is a local clock that tests set, before and while the page is there.
const skewed = `window.skew = %d; (() => {
	const Real = Date;
	window.Date = class extends Real {
		constructor(...a) { a.length ? super(...a) : super(Real.now() + skew) }
		static now() { return Real.now() + skew }
	};
})()`

// leftOn is how many seconds the screen says are left.
func (v *window) leftOn(t *testing.T) (seconds int) {
	t.Helper()
	var m, s int
	text := evaluate[string](t, v, `document.getElementById('saoma-left')?.textContent || ''`)
	if _, err := fmt.Sscanf(text, "%d:%d", &m, &s); err != nil {
		return -1
	}
	return m*60 + s
}

// The countdown is the server's: with a local clock that is an hour off, one that is set meanwhile, and after a sleep.
func TestTheCountdownIsTheServers(t *testing.T) {
	t.Parallel()
	for name, before := range poorly {
		for _, off := range []int{-3600_000, 3600_000} {
			t.Run(fmt.Sprintf("%s, %d s", name, off/1000), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				o := w.latte(t)
				v := w.openAt(t, w.checkout(o, ""), before, fmt.Sprintf(skewed, off))
				right := func() bool { left := v.leftOn(t); return left <= 900 && left > 840 }
				eventually(t, "the countdown is right", right)
				const asked = `performance.getEntriesByType('resource').filter((e) => e.name.includes('/v1/checkouts/')).length`
				evaluate[bool](t, v, fmt.Sprintf(`window.skew = %d, window.before = %s, true`, -off, asked))
				noticed := `!('before' in window) && document.readyState === 'complete'` // it has loaded itself again
				if before == "" {
					noticed = asked + ` > before`
				}
				eventually(t, "the clock's jump is noticed", func() bool {
					is, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](noticed))
					return err == nil && is
				})
				eventually(t, "the countdown is right again", right)
				v.wantNoFaults(t)
			})
		}
	}
}

// parent is a shop's page of our own around a frame: it has the port, and remembers what it is told.
func parent(t *testing.T, w *world, o order, query string, before ...string) *window {
	t.Helper()
	v := w.open(t, "/modal.html", before...)
	evaluate[bool](t, v, `(() => {
		window.heard = [];
		const frame = document.createElement('iframe');
		frame.width = 400, frame.height = 700;
		frame.onload = () => {
			const {port1, port2} = new MessageChannel();
			window.port = port1;
			port1.onmessage = (e) => heard.push(e.data);
			frame.contentWindow.postMessage({type: 'saoma.connect', v: 1}, '`+w.url+`', [port2]);
		};
		frame.src = '`+w.checkout(o, query)+`';
		document.body.prepend(frame);
	})(), true`)
	v.hears(t, "order", "true")
	return v
}

// hears waits until the parent was told something: m is the message.
func (v *window) hears(t *testing.T, kind, is string) {
	t.Helper()
	eventually(t, "the parent hears "+kind+" with "+is, func() bool {
		return evaluate[bool](t, v, `heard.some((m) => m.type === '`+kind+`' && (`+is+`))`)
	})
}

func (v *window) tell(t *testing.T, message any) {
	t.Helper()
	b, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	evaluate[bool](t, v, `port.postMessage(`+string(b)+`), true`)
}

// The words between the loader and the frame.
func TestTheProtocol(t *testing.T) {
	t.Parallel()
	for name, before := range poorly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.latte(t)
			v := parent(t, w, o, "", before)
			if before == "" {
				v.live(t)
			}
			v.hears(t, "size", `m.height > 600`)
			for _, odd := range []any{map[string]any{"type": "constructor"}, map[string]any{"type": "nonsense"}, nil, 7, "look",
				map[string]any{"type": "look"}, map[string]any{"type": "theme", "theme": "pink"}} {
				v.tell(t, odd)
			}
			v.tell(t, map[string]any{"type": "theme", "theme": "dark"})
			v.tell(t, map[string]any{"type": "sound", "on": true})
			v.tell(t, map[string]any{"type": "look", "properties": map[string]string{"--saoma-radius": "3px"}})
			eventually(t, "the frame looks as it is told", func() bool {
				var is bool
				return v.inFrame(`document.documentElement.className.includes('theme-dark') && document.documentElement.classList.contains('sound') &&
					getComputedStyle(document.querySelector('main')).borderRadius === '3px'`, &is) && is
			})
			v.tell(t, map[string]any{"type": "renew"})
			v.hears(t, "renewed", "true")
			if got := w.read(t, o.ID); v.scan(t) != got.CodeURL || got.CodeURL == o.CodeURL {
				t.Error("the code was not renewed")
			}
			v.tell(t, map[string]any{"type": "focus"})
			v.tell(t, map[string]any{"type": "cancel"})
			v.hears(t, "order", "m.order.status === 'cancelled'")
			if evaluate[bool](t, v, `heard.some((m) => m.type === 'order' && m.order.status === 'expired')`) {
				t.Error("while it was renewed the order was called expired")
			}
			if evaluate[bool](t, v, `heard.some((m) => m.type === 'needchannel')`) {
				t.Error("a desktop needs no other channel")
			}
			v.wantNoFaults(t)
		})
	}
}

// Escape in the frame closes the modal around it; enlarged, it only ends that.
func TestEscape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := parent(t, w, w.latte(t), "")
	v.live(t)
	if !v.inFrame(`document.getElementById('saoma-check').focus(), true`, new(bool)) {
		t.Fatal("no button")
	}
	if err := chromedp.Do(v.ctx, chromedp.KeyEvent(kb.Escape)); err != nil {
		t.Fatal(err)
	}
	v.hears(t, "close", "true")
}
