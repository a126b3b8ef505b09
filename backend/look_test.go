package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"saoma/backend/pay"
)

// The looks of a merchant and of a shop's page are painted by the server, in the first frame.

// painted is what the page's colours and measures are.
const paintedLooks = `(() => {
	const style = getComputedStyle(document.documentElement), rgb = (value) => {
		document.head.style.color = value;
		return document.head.style.color ? getComputedStyle(document.head).color : value;
	};
	const names = 'accent accent-text background surface text muted border success warning danger radius font-size type'.split(' ');
	return names.map((name) => '--saoma-' + name).concat('--ink', '--soft', '--warm', '--on-success')
		.map((name) => name + ' ' + rgb(style.getPropertyValue(name).trim())).concat(document.documentElement.classList.contains('type-large'), style.fontSize);
})()`

// The server and the frame's script make the same of the same looks, in each theme.
func TestServerAndScriptAgreeOnLooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.openAt(t, w.checkout(o, ""))
	for _, looks := range []pay.Looks{
		{"accent": "#7c3aed"},
		{"surface": "#777", "text": "#777", "muted": "#787878", "accent": "#777", "accent-text": "#888", "warning": "#777", "danger": "#778"},
		{"surface": "#101418cc", "text": "rgb(255 255 255 / .4)", "success": "#fffbe6", "radius": "4px", "font-size": "18px", "type": "large"},
		{"background": "#fdf6e3", "border": "rgb(1, 2, 3)", "danger": "#f00", "warning": "#ff0"},
	} {
		query, wish := url.Values{}, map[string]string{}
		for name, value := range looks {
			query.Set("--saoma-"+name, value)
			wish["--saoma-"+name] = value
		}
		script, err := json.Marshal(wish)
		if err != nil {
			t.Fatal(err)
		}
		for _, theme := range []string{"light", "dark"} {
			dress(t, v, theme)
			both := resultOf[[][]string](t, v, `
				const html = await (await fetch('`+w.checkout(o, query.Encode())+`')).text();
				const sheet = new CSSStyleSheet();
				sheet.replaceSync(html.match(/<style id="saoma-look">(.*?)<.style>/)[1]);
				document.adoptedStyleSheets = [sheet];
				document.documentElement.classList.toggle('type-large', /<html[^>]* type-large/.test(html));
				const server = `+paintedLooks+`.map(String);
				document.adoptedStyleSheets = [];
				saomaLook.look(`+string(script)+`);
				const script = `+paintedLooks+`.map(String);
				saomaLook.look({});
				return [server, script]`)
			for i, server := range both[0] {
				if script := both[1][i]; server != script {
					t.Errorf("%s, %v: the server paints %s; the script %s", theme, looks, server, script)
				}
			}
		}
	}
	v.wantNoFaults(t)
}

// A shop's colours and measures are there before any script has run, and nothing moves when the scripts come. What the
// server cannot read holds the first frame until a script has.
func TestEmbedLooksFromTheFirstFrame(t *testing.T) {
	t.Parallel()
	for name, accent := range map[string]string{"a colour that the server reads": "#7c3aed", "one that it does not": "oklch(54.1% 0.2466 293.01)"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			// The first thing that is painted: frames of an animation come before their painting.
			first := `if (window.parent !== window) new PerformanceObserver((list) => {
				const is = getComputedStyle(document.querySelector('main')), root = document.documentElement;
				root.dataset.first ??= [getComputedStyle(root).getPropertyValue('--saoma-accent'), is.borderRadius, is.fontSize].join(' ');
			}).observe({type: 'paint', buffered: true});`
			v := w.openPage(t, pageStart+`<style>html { --saoma-accent: `+accent+`; --saoma-radius: 5px; --saoma-type: large }</style>`+loaderTag+
				`<saoma-checkout items="latte:1"></saoma-checkout><p>Below</p>`, first)
			v.wantTold(t, "ready", v.scanned(t))
			v.live(t)
			var got string
			if !v.inFrame(`document.documentElement.dataset.first`, &got) || !strings.HasSuffix(got, " 5px 22px") {
				t.Errorf("first painted: %q", got)
			}
			if strings.HasPrefix(accent, "#") && !strings.HasPrefix(got, "rgb(124 58 237)") {
				t.Errorf("first painted: %q", got)
			}
			eventually(t, "the script has taken over", func() bool {
				var own bool
				return v.inFrame(`!document.getElementById('saoma-look') && document.documentElement.style.length > 10`, &own) && own
			})
			var moved float64
			if !v.inFrame(`Number(document.documentElement.dataset.shift || 0)`, &moved) || moved > 0 {
				t.Errorf("the frame's layout moved by %g", moved)
			}
			v.wantNoFaults(t)
		})
	}
}

// A merchant's looks stand in the configuration. The shop's page has the last word.
func TestLooksOfAMerchant(t *testing.T) {
	t.Parallel()
	w := openWorld(t, serveCommand{Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t)}, func(c *config) {
		c.Merchants[0].Looks = pay.Looks{"theme": "dark", "accent": "#7c3aed", "radius": "3px", "type": "large", "surface": "#222"}
	})
	o := w.latte(t)
	v := w.openAt(t, o.CheckoutURL+"?mode=inline")
	const style = `(() => { const root = getComputedStyle(document.documentElement), main = getComputedStyle(document.querySelector('main'));
		return [root.getPropertyValue('--saoma-accent'), main.backgroundColor, main.borderRadius, root.fontSize, root.colorScheme].join(', ') })()`
	if got, want := evaluate[string](t, v, style), "rgb(124 58 237), rgb(34, 34, 34), 3px, 22px, dark"; got != want {
		t.Errorf("alone: %s; want %s", got, want)
	}
	v.lookAs(t, `{}`) // a page that sets nothing
	if got, want := evaluate[string](t, v, style), "rgb(124 58 237), rgb(34, 34, 34), 3px, 22px, dark"; got != want {
		t.Errorf("in a page that sets nothing: %s; want %s", got, want)
	}
	v.lookAs(t, `{'--saoma-radius': '9px', '--saoma-type': 'normal', '--saoma-accent': 'rgb(0 0 200)'}`)
	if got, want := evaluate[string](t, v, style), "rgb(0 0 200), rgb(34, 34, 34), 9px, 16px, dark"; got != want {
		t.Errorf("in a page that sets some: %s; want %s", got, want)
	}
	v.wantNoFaults(t)
}
