package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// axe is axe-core's source. npm fetches it once, as the lock file beside it says.
var axe = sync.OnceValues(func() (string, error) {
	folder := filepath.Join("testdata", "axe")
	file := filepath.Join(folder, "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(file); err != nil {
		npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		npm.Dir = folder
		if out, err := npm.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm ci: %w\n%s", err, out)
		}
	}
	b, err := os.ReadFile(file)
	return string(b), err
})

// No scene breaks a rule of axe-core, in either theme, and each fits on a narrow phone and into a window that is zoomed in.
func TestAxe(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("axe-core comes by npm, which is not installed")
	}
	source, err := axe()
	if err != nil {
		t.Fatal(err)
	}
	s := buildStages(t)
	rules := map[string][]string{"dark": {"color-contrast", "link-in-text-block"}} // what colours can make wrong, after the light theme
	for i, sc := range scenes {
		t.Run(sc.name, func(t *testing.T) {
			lang := []string{"zh-CN", "en", "ja", "ko", "zh-TW"}[i%5]
			v := s.show(t, sc, lang)
			evaluate[bool](t, v, source+`;true`)
			for _, theme := range []string{"light", "dark"} {
				dress(t, v, theme)
				for _, broken := range axeRun(t, v, rules[theme]...) {
					t.Errorf("%s, %s: %s", theme, lang, broken)
				}
			}
			wantFits(t, v)
		})
	}
}

// axeRun returns what axe-core finds wrong with the page, by the rules that are named; by all without any.
func axeRun(t *testing.T, v *window, rules ...string) []string {
	t.Helper()
	only := `['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']`
	if len(rules) > 0 {
		only = `['` + strings.Join(rules, `', '`) + `']`
	}
	broken, err := chromedp.Run(v.ctx, chromedp.Evaluate[[]string](
		`axe.run(document, {resultTypes: ['violations'], runOnly: `+only+`})
			.then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ': ' + n.html + ' ' + n.failureSummary)))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return broken
}

// A customer without a mouse gets everywhere, in the order in which the page is read.
func TestKeyboardOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.openAt(t, w.url+"/checkout/"+o.Token+"?lang=en&mode=inline")
	v.live(t)
	tab := func(keys string) string {
		t.Helper()
		if err := chromedp.Do(v.ctx, chromedp.KeyEvent(keys)); err != nil {
			t.Fatal(err)
		}
		return evaluate[string](t, v, `document.activeElement.id`)
	}
	var got []string
	for range 3 {
		got = append(got, tab(kb.Tab))
	}
	if want := []string{"saoma-check", "saoma-help-act", "saoma-cancel"}; !slices.Equal(got, want) {
		t.Fatalf("the tab key goes to %q; want %q", got, want)
	}
	// Giving up: the harmless answer has the focus, and with it one comes back.
	tab(kb.Enter)
	eventually(t, "the focus is on the way back", func() bool {
		return evaluate[string](t, v, `document.activeElement.id`) == "saoma-keep"
	})
	tab(kb.Enter)
	eventually(t, "the focus is where it was", func() bool {
		return evaluate[string](t, v, `document.activeElement.id`) == "saoma-cancel"
	})
	// Help, and the large view, which Escape ends.
	tab(kb.Shift)
	evaluate[bool](t, v, `document.querySelector('[data-act=help]').focus(), true`)
	tab(kb.Enter)
	if !evaluate[bool](t, v, `document.querySelector('[data-act=help]').getAttribute('aria-expanded') === 'true'`) {
		t.Error("the button does not say that the help is open")
	}
	evaluate[bool](t, v, `document.querySelector('[data-act=enlarge]').focus(), true`)
	if id := tab(kb.Enter); id != "saoma-restore" {
		t.Errorf("enlarged, the focus is on %q", id)
	}
	if id := tab(kb.Escape); id != "saoma-enlarge" {
		t.Errorf("restored, the focus is on %q", id)
	}
	w.pays(t, o)
	eventually(t, "the result has the focus", func() bool {
		return evaluate[string](t, v, `document.activeElement.id`) == "saoma-result"
	})
	v.wantNoFaults(t)
}

// recordSaid remembers what a screen reader is told.
const recordSaid = `addEventListener('DOMContentLoaded', () => {
	window.said = [];
	new MutationObserver(() => {
		const text = document.getElementById('saoma-said').textContent;
		if (text && text !== said.at(-1)) said.push(text);
	}).observe(document.body, {subtree: true, childList: true, characterData: true});
})`

// What is seen is also said, once: the last half minute, and the result.
func TestWhatIsSaid(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"with the program": "", "without": "delete window.WebAssembly"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			o := w.latte(t)
			w.forward(15*time.Minute - 42*time.Second)
			v := w.openAt(t, w.url+"/checkout/"+o.Token+"?lang=en&mode=inline", before, recordSaid)
			count := func(text string) int {
				n := 0
				for _, s := range evaluate[[]string](t, v, `window.said || []`) {
					if strings.Contains(s, text) {
						n++
					}
				}
				return n
			}
			// On a slow machine the page may come too late for the half minute.
			eventually(t, "the last seconds are announced", func() bool { return count("30 seconds left") == 1 || count("10 seconds left") == 1 })
			evaluate[bool](t, v, `Object.defineProperty(document, 'hasFocus', {value: () => false}), true`)
			if name == "with the program" {
				w.pays(t, o)
				eventually(t, "the result is said", func() bool { return count("Payment successful") == 1 })
				return
			}
			w.pays(t, o) // the page loads itself again, and the heading has the focus
			eventually(t, "the result is shown", func() bool {
				return evaluate[bool](t, v, `document.getElementById('saoma-result') !== null`)
			})
		})
	}
}
