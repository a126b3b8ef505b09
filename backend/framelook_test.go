package main

import (
	"bytes"
	"image"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// lookAs applies what a shop wishes, as the frame's script does.
func (v *window) lookAs(t *testing.T, properties string) {
	t.Helper()
	evaluate[bool](t, v, `window.saomaLook.look(`+properties+`), true`)
}

// hostile are looks that no shop should want.
var hostile = map[string]string{
	"white on white":      `{'--saoma-text': '#fff', '--saoma-surface': '#fff', '--saoma-muted': 'white', '--saoma-danger': '#fffffe', '--saoma-accent': '#fff', '--saoma-accent-text': '#fff'}`,
	"black on black":      `{'--saoma-text': '#000', '--saoma-surface': '#000', '--saoma-muted': 'black', '--saoma-warning': '#111', '--saoma-danger': '#100'}`,
	"middle grey":         `{'--saoma-surface': '#777', '--saoma-text': '#777', '--saoma-muted': '#787878', '--saoma-accent': '#777', '--saoma-accent-text': '#888', '--saoma-warning': '#777', '--saoma-danger': '#777'}`,
	"transparent":         `{'--saoma-surface': 'transparent', '--saoma-text': 'rgb(0 0 0 / .05)', '--saoma-muted': 'transparent'}`,
	"yellow":              `{'--saoma-surface': 'yellow', '--saoma-text': 'oklch(95% .2 110)', '--saoma-accent': 'lime', '--saoma-accent-text': 'hsl(60 100% 60%)'}`,
	"no colours at all":   `{'--saoma-text': 'url(https://evil.example/)', '--saoma-surface': 'var(--saoma-text)', '--saoma-muted': 'red; background: url(x)', '--saoma-accent': 'inherit', '--saoma-danger': 7, '--saoma-warning': null}`,
	"measures out of use": `{'--saoma-font-size': '400px', '--saoma-spacing': '-9px', '--saoma-radius': '1e9px', '--saoma-code-size': '1px', '--saoma-max-width': '10px', '--saoma-font': 'url(x)', '--saoma-shadow': 'none; color: red'}`,
	"nothing":             `{}`,
}

// unreadable lists the words on the page whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3).
const unreadable = `(() => {
	const rgba = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return [r, g, b, a] };
	const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b };
	const out = [];
	for (const e of document.querySelectorAll('.saoma *')) {
		const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
		if (!own || e.id === 'saoma-said' || !e.checkVisibility({visibilityProperty: true})) continue;
		let paper = e, behind;
		while ((behind = rgba(getComputedStyle(paper).backgroundColor))[3] < 1) paper = paper.parentElement;
		const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind)];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) out.push(e.className + ' ' + e.textContent + ' ' + ratio.toFixed(2));
	}
	return out;
})()`

// Whatever a shop sets, every word can be read and the code can be scanned.
func TestHostileLooks(t *testing.T) {
	t.Parallel()
	s := buildStages(t)
	for _, sc := range []scene{
		{name: "scan", of: "pending", act: press("help", ".helping")}, {name: "sure", of: "pending", act: press("ask", `[data-quit=asking]`)},
		{name: "slow", of: "slow", act: wait(`[data-link=slow]`)}, {name: "paid", of: "part", query: "mode=modal"}, {name: "expired", of: "expired"},
	} {
		v := s.show(t, sc, "en")
		if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(460, 640)); err != nil {
			t.Fatal(err)
		}
		for _, theme := range []string{"light", "dark"} {
			dress(t, v, theme)
			for name, look := range hostile {
				v.lookAs(t, look)
				for _, text := range evaluate[[]string](t, v, unreadable) {
					t.Errorf("%s, %s, %s: %s", sc.name, theme, name, text)
				}
				if over := evaluate[int](t, v, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("%s, %s, %s: %d pixels too wide", sc.name, theme, name, over)
				}
				if sc.name == "scan" && theme == "dark" {
					wantCode(t, v, s.orders["pending"].CodeURL)
				}
			}
		}
	}
}

// The shop's own colours are kept where they can be read.
func TestALookIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.openAt(t, w.checkout(w.latte(t), ""))
	v.lookAs(t, `{'--saoma-accent': '#7c3aed', '--saoma-surface': 'rgb(250 245 255)', '--saoma-text': 'rebeccapurple', '--saoma-radius': '4px',
		'--saoma-font-size': '18px', '--saoma-type': 'normal', '--saoma-code-size': '300px'}`)
	for name, want := range map[string]string{"color": "rgb(102, 51, 153)", "backgroundColor": "rgb(250, 245, 255)", "borderRadius": "4px", "fontSize": "18px"} {
		if got := evaluate[string](t, v, `getComputedStyle(document.querySelector('main')).`+name); got != want {
			t.Errorf("%s is %s; want %s", name, got, want)
		}
	}
	if got := evaluate[float64](t, v, `document.querySelector('.code').getBoundingClientRect().width`); got <= 264 || got > 300 {
		t.Errorf("the code is %g pixels wide; want it near 300", got)
	}
	v.lookAs(t, `{'--saoma-type': 'large'}`)
	if got := evaluate[string](t, v, `getComputedStyle(document.querySelector('main')).fontSize`); got != "22px" {
		t.Errorf("big type is of %s", got)
	}
}

// wantCode reads the code from the pixels, and looks at the pixels: black and white, whole modules, four of them quiet.
func wantCode(t *testing.T, v *window, content string) {
	t.Helper()
	var picture image.Image
	eventually(t, "the code can be read from the screen", func() bool {
		png, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if picture, _, err = image.Decode(bytes.NewReader(png)); err != nil {
			t.Fatal(err)
		}
		bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
		return err == nil && code.GetText() == content
	})
	box := evaluate[[]float64](t, v, `(() => { const b = document.querySelector('.code').getBoundingClientRect(), d = devicePixelRatio;
		return [b.left * d, b.top * d, b.width * d, Number(document.querySelector('.code').getAttribute('viewBox').split(' ')[2]), b.width] })()`)
	modules, width := int(box[3]), box[2]
	side := width / box[3]
	if box[4] < 200 {
		t.Errorf("the code is %g CSS pixels wide", box[4])
	}
	if diff := side - float64(int(side+.5)); diff > .01 || diff < -.01 {
		t.Errorf("a module is %g pixels wide", side)
	}
	size := int(side + .5)
	left, top := int(box[0]+.5), int(box[1]+.5)
	shade := func(x, y int) uint32 { r, _, _, _ := picture.At(x, y).RGBA(); return r >> 8 }
	for row := range modules {
		y := top + row*size + size/2
		run, last := 0, shade(left, y)
		for x := left; x < left+modules*size; x++ {
			c := shade(x, y)
			if c != 0 && c != 255 {
				t.Fatalf("row %d, pixel %d: grey %d", row, x, c)
			}
			if column := (x - left) / size; c == 0 && (column < 4 && x-left < 4*size-1 || column >= modules-4 && x-left > (modules-4)*size) {
				t.Fatalf("row %d: the quiet zone is dark at %d", row, x-left)
			}
			if c != last {
				if run%size != 0 && x-run > left { // the first run may begin a rounding earlier
					t.Fatalf("row %d: a run of %d pixels; modules are of %d", row, run, size)
				}
				run, last = 0, c
			}
			run++
		}
	}
}

// A screen may have 1.25 pixels to a CSS pixel; modules are whole all the same, in every theme.
func TestTheCodeOnEveryScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.openFor(t, 5*time.Minute, "about:blank") // one window: ten would all be painted until the end
	for _, theme := range []string{"light", "dark"} {
		for _, scale := range []float64{1, 1.25, 1.5, 2, 3} {
			v.navigate(t, w.url+"/checkout/"+o.Token+"?mode=page&theme="+theme)
			for _, width := range []int64{320, 460} {
				if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(width, 430, chromedp.EmulateScale(scale))); err != nil {
					t.Fatal(err)
				}
				wantCode(t, v, o.CodeURL)
				if t.Failed() {
					t.Fatalf("that was %s, %g×, %d pixels", theme, scale, width)
				}
			}
		}
	}
}

// A customer's own settings: forced colours, more contrast, paper.
func TestOtherMedia(t *testing.T) {
	t.Parallel()
	s := buildStages(t)
	set := func(v *window, medium string, features ...*emulation.MediaFeature) {
		t.Helper()
		p := emulation.SetEmulatedMediaParams{Media: medium, Features: features}
		if _, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, p); err != nil {
			t.Fatal(err)
		}
	}
	v := s.show(t, scene{of: "pending"}, "en")
	for _, scheme := range []string{"light", "dark"} {
		set(v, "", &emulation.MediaFeature{Name: "forced-colors", Value: "active"},
			&emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme})
		wantCode(t, v, s.orders["pending"].CodeURL)
		keepShot(t, v, "forced-"+scheme)
	}
	set(v, "", &emulation.MediaFeature{Name: "prefers-contrast", Value: "more"})
	if evaluate[bool](t, v, `getComputedStyle(document.querySelector('.how')).color !== getComputedStyle(document.querySelector('.amount')).color`) {
		t.Error("with more contrast the hint is still muted")
	}

	v = s.show(t, scene{of: "paid"}, "zh-CN")
	dress(t, v, "dark")
	v.lookAs(t, `{'--saoma-surface': '#300', '--saoma-text': '#fee'}`)
	set(v, "print")
	keepShot(t, v, "print")
	for selector, shown := range map[string]bool{".lines": true, ".no-invoice": true, ".result": true, ".back": false} {
		if got := evaluate[bool](t, v, `document.querySelector('`+selector+`').checkVisibility()`); got != shown {
			t.Errorf("on paper %s is shown: %t; want %t", selector, got, shown)
		}
	}
	if got := evaluate[string](t, v, `getComputedStyle(document.querySelector('main')).backgroundColor`); got != "rgb(255, 255, 255)" {
		t.Errorf("the paper is %s", got)
	}
	pdf, err := chromedp.Call(v.ctx, page.PrintToPDF, page.PrintToPDFParams{})
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(pdf.Data, []byte("/Type /Page\n")); n != 1 {
		t.Errorf("the receipt is of %d pages", n)
	}
}

// keepShot keeps a photograph beside the gallery's, if somebody wants to look.
func keepShot(t *testing.T, v *window, name string) {
	t.Helper()
	folder := os.Getenv("SAOMA_GALLERY")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(folder+"/"+name+".png", png, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// listens records what would be heard: a test machine has neither loudspeakers nor voices.
const listens = `(() => {
	window.sounds = [];
	speechSynthesis.speak = (u) => sounds.push(u.lang + ': ' + u.text);
	const start = OscillatorNode.prototype.start;
	OscillatorNode.prototype.start = function (at) { sounds.push(this.frequency.value); start.call(this, at) };
})()`

// Sound is off by default, and comes only once the customer has touched the page.
func TestSound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query string
		touch bool
		want  string
	}{
		"off": {"", true, ""}, "on, not touched": {"sound=1", false, ""}, "on": {"sound=1", true, "659,988,zh-CN: 微信收款二十八元"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.latte(t)
			v := w.openAt(t, w.checkout(o, c.query), listens)
			v.live(t)
			if c.touch {
				if err := chromedp.Do(v.ctx, chromedp.MouseClickXY(450, 40)); err != nil {
					t.Fatal(err)
				}
			}
			w.pays(t, o)
			v.alone(t, "paid")
			heard := func() string { return evaluate[string](t, v, `sounds.join()`) }
			if c.want != "" {
				eventually(t, "the payment is heard", func() bool { return heard() == c.want })
				return
			}
			if got := heard(); got != "" {
				t.Errorf("heard %s", got)
			}
		})
	}
}

// A kiosk keeps its screen on and gets new codes by itself, day and night.
func TestKiosk(t *testing.T) {
	t.Parallel()
	const locks = `window.locks = 0; if (navigator.wakeLock) navigator.wakeLock.request = async () => { locks++ }`
	for name, before := range poorly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.latte(t)
			v := w.openAt(t, w.url+"/checkout/"+o.Token+"?mode=kiosk", before, locks)
			first := v.drawing(t)
			if evaluate[bool](t, v, `!!navigator.wakeLock`) {
				eventually(t, "the screen is kept on", func() bool { return evaluate[int](t, v, `locks`) > 0 })
				before := evaluate[int](t, v, `locks`)
				evaluate[bool](t, v, `document.dispatchEvent(new Event('visibilitychange')), true`)
				eventually(t, "the lock is taken again", func() bool { return evaluate[int](t, v, `locks`) > before })
			}
			w.forward(16 * time.Minute)
			v.drawsOther(t, first) // by itself
			if got, want := v.scan(t), w.read(t, o.ID).CodeURL; got != want {
				t.Errorf("the screen shows %q; want %q", got, want)
			}
			w.pays(t, w.read(t, o.ID))
			v.alone(t, "paid")
			if size := evaluate[float64](t, v, `document.querySelector('.mark').offsetWidth`); size < 250 {
				t.Errorf("the mark is %g pixels wide", size)
			}
		})
	}
}

// On a phone without another way the customer is told at once, and the shop's page too.
func TestASecondDevice(t *testing.T) {
	t.Parallel()
	s := buildStages(t)
	v := s.show(t, scene{of: "pending", phone: true}, "zh-CN")
	if !evaluate[bool](t, v, `document.querySelector('main').innerText.indexOf('另一台手机') < document.querySelector('main').innerText.indexOf('放大显示')`) {
		t.Error("the page does not say that another phone is needed")
	}
	p := parent(t, s.world, s.orders["pending"], "")
	if evaluate[bool](t, p, `heard.some((m) => m.type === 'needchannel')`) {
		t.Error("a desktop needs another channel")
	}
	agent := emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.60"}
	if _, err := chromedp.Call(p.ctx, emulation.SetUserAgentOverride, agent); err != nil {
		t.Fatal(err)
	}
	evaluate[bool](t, p, `document.querySelector('iframe').src += '&again', true`)
	p.hears(t, "needchannel", "true")
	if n := evaluate[int](t, p, `heard.filter((m) => m.type === 'needchannel').length`); n != 1 {
		t.Errorf("told %d times", n)
	}
	press("enlarge", ".bright")(t, v)
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(390, 660)); err != nil {
		t.Fatal(err)
	}
	wantCode(t, v, s.orders["pending"].CodeURL)
	if got := evaluate[float64](t, v, `document.querySelector('.code').getBoundingClientRect().width`); got < 320 {
		t.Errorf("enlarged, the code is %g pixels wide", got)
	}
}

// Whatever trouble is said on a narrow phone, in any language, nothing moves.
func TestTroubleMovesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.openAt(t, "about:blank", poorly["without"])
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(320, 800)); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"zh-CN", "zh-TW", "en", "ja", "ko"} {
		v.navigate(t, w.url+"/checkout/"+o.Token+"?mode=inline&theme=light&lang="+lang)
		for _, link := range []string{"lost", "crowded", "slow"} {
			got := evaluate[string](t, v, `(() => {
				const at = () => ['#saoma-scan', '#saoma-left', '.by'].map((s) => document.querySelector(s).getBoundingClientRect().top).join();
				const quiet = at(), root = document.getElementById('saoma');
				document.getElementById('saoma-heard').textContent = '12:34:56';
				root.dataset.link = '`+link+`';
				const said = document.querySelector('.if-`+link+`').checkVisibility({visibilityProperty: true}), now = at();
				root.dataset.link = '';
				return said && now === quiet ? '' : said + ' ' + quiet + ' → ' + now;
			})()`)
			if got != "" {
				t.Errorf("%s, %s: %s", lang, link, got)
			}
		}
	}
}

// The network goes away and the customer sees when we last knew; it comes back, and so does the payment.
func TestOffline(t *testing.T) {
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
			w.wire.cut()
			v.hears(t, "offline", "true")
			eventually(t, "the last check is shown", func() bool {
				var is bool
				return v.inFrame(`/^\d\d:\d\d:\d\d$/.test(document.getElementById('saoma-heard').textContent) &&
					document.querySelector('.if-lost').checkVisibility({visibilityProperty: true})`, &is) && is
			})
			w.pays(t, o)
			w.wire.mend()
			v.hears(t, "order", `m.order.status === 'paid' && m.order.return_url === ''`)
			if n := evaluate[int](t, v, `heard.filter((m) => m.type === 'offline').length`); n != 1 {
				t.Errorf("told %d times of it", n)
			}
		})
	}
}
