package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// A screen is what a customer's window leaves to the page.
type screen struct {
	what          string
	width, height int64   // CSS pixels
	scale         float64 // of the screen's pixels to a CSS pixel
	large         bool    // in big type
}

// screens are those on which all must fit: the narrowest phone, and a desktop of 1280 by 1024 whose customer zooms in,
// to 200 % (WCAG 2.2, 1.4.4) and to 400 % (1.4.10).
var screens = []screen{
	{"a narrow phone", 320, 640, 1, false},
	{"a narrow phone in big type", 320, 640, 1, true},
	{"200 %", 640, 512, 2, false},
	{"200 % in big type", 640, 512, 2, true},
	{"400 %", 320, 256, 4, false},
}

// unfit lists what is wrong with the page on the screen it is on: words that are cut or lie over others, buttons that
// cannot be pressed, and a code that is not whole.
const unfit = `(() => {
	const out = [], page = document.documentElement;
	const over = page.scrollWidth - innerWidth;
	if (over > 0) out.push(over + ' pixels too wide');
	const name = (e) => e.localName + '.' + e.className + ' "' + e.textContent.trim().slice(0, 30) + '"';
	const seen = [...document.querySelectorAll('main *')].filter((e) =>
		!e.closest('#saoma-said') && e.checkVisibility({visibilityProperty: true, opacityProperty: true}));
	const apart = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) < 1 || Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) < 1;
	const inside = (a, b) => a.left > b.left - 1 && a.right < b.right + 1 && a.top > b.top - 1 && a.bottom < b.bottom + 1;

	// What is drawn: words, buttons and the code, by their boxes in the window.
	const drawn = [];
	for (const e of seen) {
		for (const node of e.childNodes) {
			if (node.nodeType !== 3 || !node.data.trim()) continue;
			const range = document.createRange();
			range.selectNodeContents(node);
			drawn.push({e, boxes: [...range.getClientRects()]});
		}
		if (e.matches('button, a, .code')) drawn.push({e, boxes: [e.getBoundingClientRect()]});
	}
	for (const {e, boxes} of drawn) for (const box of boxes) {
		if (box.left < 0 || box.right > innerWidth + 1 || box.top + scrollY < 0) out.push('beside the page: ' + name(e));
		for (let a = e.parentElement; a && a !== document.body; a = a.parentElement) {
			if (/hidden|clip/.test(getComputedStyle(a).overflow) && !inside(box, a.getBoundingClientRect())) out.push('cut by ' + name(a) + ': ' + name(e));
		}
	}
	drawn.forEach((a, i) => drawn.slice(i + 1).forEach((b) => {
		if (a.e.contains(b.e) || b.e.contains(a.e)) return;
		if (a.boxes.some((x) => b.boxes.some((y) => !apart(x, y)))) out.push(name(a.e) + ' and ' + name(b.e) + ' overlap');
	}));
	for (const e of seen.filter((e) => e.matches('button, a') && getComputedStyle(e).pointerEvents !== 'none')) {
		e.scrollIntoView({block: 'center', behavior: 'instant'});
		const box = e.getBoundingClientRect();
		const top = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
		if (!e.contains(top)) out.push('out of reach: ' + name(e) + (top ? ', under ' + name(top) : ''));
		if (box.height < 24 || box.width < 24) out.push('too small for a finger: ' + name(e));
	}
	for (const e of seen.filter((e) => e.matches('.code'))) {
		e.scrollIntoView({block: 'center', behavior: 'instant'});
		const box = e.getBoundingClientRect();
		if (box.width < 200 || Math.abs(box.width - box.height) > .1) out.push('the code is of ' + box.width + ' by ' + box.height);
		if (!inside(box, e.parentElement.getBoundingClientRect())) out.push('the code is cut by its card');
	}
	return out;
})()`

// wantFits has what the window shows fit on every screen.
func wantFits(t *testing.T, v *window) {
	t.Helper()
	large := evaluate[bool](t, v, `document.documentElement.classList.contains('type-large')`)
	for _, s := range screens {
		if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(s.width, s.height, chromedp.EmulateScale(s.scale))); err != nil {
			t.Fatal(err)
		}
		evaluate[bool](t, v, fmt.Sprintf(`document.documentElement.classList.toggle('type-large', %t)`, s.large || large))
		for _, what := range evaluate[[]string](t, v, unfit) {
			t.Errorf("%s: %s", s.what, what)
		}
	}
}
