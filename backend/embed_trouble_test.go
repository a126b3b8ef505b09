package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// What the loader does when things go wrong, and what it gives to those who wish us ill.

// hold has requests to matching addresses neither answered nor refused.
func (v *window) hold(t *testing.T, pattern string) {
	t.Helper()
	p := fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern}}}
	if _, err := chromedp.Call(v.ctx, fetch.Enable, p); err != nil {
		t.Fatal(err)
	}
}

// The promise is kept or refused in time, with a reason, and leaves nothing behind when it is refused.
func TestEmbedPromise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	const refusal = `
		const error = await Saoma.checkout(options).then(() => ({}), (error) => error);
		const left = document.querySelectorAll('saoma-checkout, body iframe').length + document.adoptedStyleSheets.length;
		return [error instanceof Saoma.SaomaError, error.code, left].join(' ')`
	check := func(name, options, want string) {
		t.Helper()
		if got := resultOf[string](t, v, `const options = `+options+`;`+refusal); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	check("no such product", `{ items: 'yacht' }`, "true invalid_request 0")
	check("no such merchant", `{ items: 'latte', key: 'pk_nobody' }`, "true unauthorized 0")
	check("no such order", `{ order: 'NOBODYS', timeout: 300 }`, "true timeout 0")
	check("nothing to pay", `{ timeout: 50 }`, "true timeout 0")
	check("closed", `(setTimeout(() => `+theElement+`.close(), 0), { items: 'latte' })`, "true closed 0")
	w.wire.cut()
	check("a dead server", `{ items: 'latte' }`, "true unreachable 0")
	w.wire.mend()
	v.hold(t, "*/v1/checkouts")
	check("a server that hangs", `{ items: 'latte', timeout: 200 }`, "true timeout 0")
	if _, err := chromedp.Call(v.ctx, fetch.Disable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	v.run(t, `window.checkout = await Saoma.checkout({ container: document.body, items: [{ sku: 'tea', quantity: 1 }] })`)
	o := w.read(t, evaluate[string](t, v, `told.findLast((e) => e.name === 'ready').detail.orderId`))
	if got := evaluate[string](t, v, `checkout.localName + ' ' + checkout.mode + ' ' + checkout.state`); got != "saoma-checkout inline pending" {
		t.Errorf("the promise is kept with %s", got)
	}
	v.run(t, `checkout.cancel()`)
	if got := resultOf[string](t, v, `return (await checkout.result).status`); got != "cancelled" {
		t.Errorf("the result is %s", got)
	}
	v.wantTold(t, "cancelled", o)
}

// A refused order offers another try, and two tries make one order.
func TestEmbedTriesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openPage(t, pageStart+loaderTag+`<main></main>`)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	w.wire.cut()
	v.run(t, `document.querySelector('main').innerHTML = '<saoma-checkout items="latte" lang="ko"></saoma-checkout>'`)
	const note = theElement + `.shadowRoot.querySelector('.note')`
	v.wantTrue(t, "it says so", `[...`+note+`.children].map((e) => e.textContent).join() === '열 수 없습니다,WeChat Pay ↻'`)
	if code := evaluate[string](t, v, `told.find((e) => e.name === 'failed').detail.error.code`); code != "unreachable" {
		t.Errorf("failed with %s", code)
	}
	w.wire.mend()
	v.run(t, note+`.querySelector('button').click()`)
	v.wantTold(t, "ready", v.scanned(t))
	if n := w.orders(t); n != 1 {
		t.Errorf("there are %d orders", n)
	}
}

// A frame that does not load is tried three times, and then there is a link to the checkout's own page.
func TestEmbedFrameBlocked(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]string{"it hangs": "", "a policy forbids it": "frame-src 'self'"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.openPage(t, pageStart+`<meta http-equiv="Content-Security-Policy" content="`+policy+`">`+loaderTag+`<main></main>`, haste)
			v.wantTrue(t, "the loader is there", `!!window.Saoma`)
			if policy == "" {
				v.hold(t, w.url+"/checkout/*")
			}
			o := w.latte(t)
			v.run(t, `
				haste = 20;
				window.tries = 0;
				const element = document.createElement('saoma-checkout');
				element.order = '`+o.Token+`';
				document.querySelector('main').append(element);
				new MutationObserver((all) => { for (const { addedNodes } of all) for (const n of addedNodes) tries += n.localName === 'iframe' })
					.observe(element.shadowRoot, { childList: true, subtree: true });`)
			v.wantTrue(t, "there is a link", `!!`+theElement+`.shadowRoot.querySelector('a')`)
			got := evaluate[string](t, v, `(() => {
				const root = `+theElement+`.shadowRoot;
				return [tries, root.querySelectorAll('iframe').length, root.querySelector('[role=alert]').textContent,
					root.querySelector('a').textContent, root.querySelector('a').pathname].join(' ');
			})()`)
			if want := "3 0 暂时打不开 微信支付 ↗ /checkout/" + o.Token; got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
			if n := v.times(t, "failed"); n != 1 {
				t.Errorf("told %d times of failed", n)
			}
		})
	}
}

// A page's policy that stops us: the console says which line mends it.
func TestEmbedPolicyAdvice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ policy, advice string }{
		"frames of others":  {"frame-src 'self' https://a.example; img-src *", "frame-src 'self' https://a.example {{saoma}}"},
		"no line of frames": {"default-src 'none'; script-src {{saoma}}; connect-src {{saoma}}", "frame-src {{saoma}}"},
		"calls":             {"connect-src 'self'", "connect-src 'self' {{saoma}}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.openPage(t, pageStart+`<meta http-equiv="Content-Security-Policy" content="`+c.policy+`">`+loaderTag+
				`<saoma-checkout items="latte"></saoma-checkout>`)
			want := "the Content-Security-Policy needs: " + strings.ReplaceAll(c.advice, "{{saoma}}", w.url)
			eventually(t, "advice: "+want, func() bool { return v.warned(want) })
		})
	}
}

// A stranger's page cannot frame a checkout, and a stranger beside a checkout in a shop's page gets no port.
func TestEmbedHostileParent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		page := pageStart + `<iframe src="` + w.url + "/checkout/" + r.FormValue("token") + `"></iframe>`
		if r.URL.Path == "/beside" {
			page = pageStart + `<script>
				setInterval(() => {
					const { port1, port2 } = new MessageChannel();
					port1.onmessage = (e) => parent.postMessage('stolen', '*');
					parent.frames[0].postMessage({ type: 'saoma.connect', v: 1 }, '*', [port2]);
				}, 20);
				setTimeout(() => parent.postMessage('tried', '*'), 500);
			</script>`
		}
		_, _ = rw.Write([]byte(page))
	}))
	t.Cleanup(stranger.Close)
	o := w.latte(t)
	v := w.openPage(t, pageStart+`<script>heard = []; onmessage = (e) => heard.push(e.data)</script>
		<iframe src="{{saoma}}/checkout/`+o.Token+`?mode=inline"></iframe><iframe src="`+stranger.URL+`/beside"></iframe>`)
	v.wantTrue(t, "the stranger tried", `heard.includes('tried')`)
	v.run(t, `
		const { port1, port2 } = new MessageChannel();
		window.own = [];
		port1.onmessage = (e) => own.push(e.data);
		frames[0].postMessage({ type: 'saoma.connect', v: 1 }, '`+w.url+`', [port2]);`)
	v.wantTrue(t, "the shop's page is answered", `own.some((m) => m.type === 'order' && m.order.id === '`+o.ID+`')`)
	if evaluate[bool](t, v, `heard.includes('stolen')`) {
		t.Error("the stranger has a port to the checkout")
	}
	before := len(v.faults)
	v.navigate(t, stranger.URL+"/?token="+o.Token)
	eventually(t, "the browser refuses the frame", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return strings.Contains(strings.Join(v.faults[before:], "\n"), "frame-ancestors")
	})
}

// A frame that is led away to a stranger gets nothing, is believed nothing, and is replaced.
func TestEmbedHostileFrame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = rw.Write([]byte(pageStart + `<script>
			onmessage = (e) => parent.postMessage({ stolen: e.data, ports: e.ports.length }, '*');
			const order = { id: 'x', status: 'paid', version: 99, amount: 1, currency: 'CNY' };
			const { port1, port2 } = new MessageChannel();
			parent.postMessage({ type: 'order', order }, '*', [port2]);
			port1.postMessage({ type: 'order', order });
			parent.postMessage('tried', '*');
		</script>`))
	}))
	t.Cleanup(stranger.Close)
	v := w.openPage(t, pageStart+`<script>heard = []; onmessage = (e) => heard.push(e.data)</script>`+loaderTag+
		`<saoma-checkout items="latte"></saoma-checkout>`)
	o := v.scanned(t)
	v.wantTold(t, "ready", o)
	v.run(t, theElement+`.shadowRoot.querySelector('iframe').contentWindow.location = '`+stranger.URL+`'`)
	v.wantTrue(t, "the stranger tried", `heard.includes('tried')`)
	v.wantShown(t, "pending") // in a new frame
	v.live(t)
	if evaluate[bool](t, v, `heard.some((m) => m.stolen) || told.some((e) => e.name === 'paid')`) {
		t.Error("the stranger got a message, or was believed")
	}
	w.pays(t, o)
	v.wantTold(t, "paid", o)
}
