package server

import (
	"html/template"
	"net/url"
	"strings"
	"testing"

	"saoma/backend/pay"
	"saoma/backend/wire"
)

func TestCheckLooks(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"theme": {"auto", "light", "dark"}, "type": {"normal", "large"},
		"accent":    {"#abc", "#abcd", "#A1b2C3", "#A1b2C3d4", "rgb(1 2 3)", "rgb(1, 2, 3)", "rgba(1, 2, 3, .5)", "rgb(1 2 3 / 0.5)"},
		"radius":    {"0", "12px", "0.5rem", "1.25em"},
		"font":      {"serif", "system-ui, -apple-system", `"Noto Sans SC", 'PingFang SC', sans-serif`, "霞鹜文楷", strings.Repeat("楷", 60)},
		"shadow":    {"none", "0 1px 2px #0003", "0 1px 2px rgb(16 24 40 / .05), inset 0 12px 32px -1px rgba(16, 24, 40, .08)"},
		"max-width": {"440px"},
	} {
		for _, value := range values {
			if err := CheckLooks(Looks{name: value}); err != nil {
				t.Errorf("%s %q: %v", name, value, err)
			}
		}
	}
	const end = "red}</style><script>alert(1)</script>"
	for name, values := range map[string][]string{
		"theme": {"", "night"}, "type": {"huge"}, "colour": {"#fff"}, "overlay": {"#0008"}, "": {""}, "accent;x": {"#fff"},
		"accent": {"", "red", "#ab", "#abcdefg", "url(x)", "rgb(1 2)", "#fff;background:url(x)", "var(--x)", end},
		"radius": {"12", "-1px", "calc(1px)", "100%", "9999px", "1px;x:y", end},
		"font":   {"", `"Noto`, `a"b`, "url(x)", "a;b:c", "a}b", `"</style>"`, strings.Repeat("楷", 61), "a,, b", "9x", `"a`, `"`, `""`, strings.Repeat("a, ", 120) + "b"},
		"shadow": {"0 1px", "0 1px 2px url(x)", "none; color: red", "0 1px 2px #0003, x", end},
	} {
		for _, value := range values {
			if err := CheckLooks(Looks{name: value}); err == nil {
				t.Errorf("%s %q is taken", name, value)
			}
		}
	}
}

// What the address says besides is not painted, and left to the script where the script may know it.
func TestLooksOfQuery(t *testing.T) {
	t.Parallel()
	q := url.Values{
		"--saoma-accent": {" #7c3aed "}, "--saoma-radius": {"4px"}, "--saoma-text": {"oklch(40% .2 300)"}, "--saoma-muted": {""}, "lang": {"en"},
	}
	l, whole := looksOfQuery(q)
	if len(l) != 2 || l["accent"] != "#7c3aed" || l["radius"] != "4px" || whole {
		t.Errorf("%v, whole: %t", l, whole)
	}
	if o := optionsOf(q, pay.Merchant{}); !strings.Contains(paint(t, testPage(wire.StatusPending), o), `/look.`) || !o.late {
		t.Error("the script does not hold the first frame")
	}
	delete(q, "--saoma-text")
	if o := optionsOf(q, pay.Merchant{}); o.late {
		t.Error("the first frame waits for the script though the server has painted it all")
	}
}

// The policy of the page allows just the styles that stand in it.
func TestStylesOfAPage(t *testing.T) {
	t.Parallel()
	ps := testPages(t)
	m := pay.Merchant{Looks: Looks{"accent": "#7c3aed", "radius": "4px", "theme": "dark", "type": "large"}}
	o := optionsOf(url.Values{"--saoma-surface": {"#faf5ff"}, "mode": {"inline"}}, m)
	document, styles, err := ps.render(testPage(wire.StatusPending), o)
	if err != nil {
		t.Fatal(err)
	}
	page := string(document)
	if n := strings.Count(page, "<style"); n != 3 || len(strings.Fields(styles)) != 3 {
		t.Errorf("%d styles, allowed %s", n, styles)
	}
	for _, part := range strings.Split(page, "<style")[1:] {
		_, css, _ := strings.Cut(part, ">")
		css, _, _ = strings.Cut(css, "</style>")
		if !strings.Contains(styles, hashOf(template.CSS(css))) {
			t.Errorf("not allowed: %.200s", css)
		}
	}
	for _, want := range []string{`class="theme-dark mode-inline type-large" data-type="large"`, "--saoma-accent:rgb(124 58 237)", "--saoma-radius:4px", `<style id="saoma-look">`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

// Whatever a merchant sets, words can be read.
func TestContrastOfLooks(t *testing.T) {
	t.Parallel()
	ps := testPages(t)
	for _, l := range []Looks{
		{"text": "#fff", "surface": "#fff", "muted": "#fff", "danger": "#fffffe", "accent": "#fff", "accent-text": "#fff", "warning": "#ffe"},
		{"text": "#000", "surface": "#000", "muted": "#000", "warning": "#111", "danger": "#100"},
		{"text": "#777", "surface": "#777", "muted": "#787878", "accent": "#777", "accent-text": "#888", "warning": "#777", "danger": "#777"},
		{"surface": "#0000", "text": "rgb(0 0 0 / .05)", "muted": "#0000"},
	} {
		for _, th := range []theme{ps.light.with(l), ps.dark.with(l)} {
			at := func(name string) colour { c, _ := parseColour(th[name], white); return c }
			for _, pair := range [][2]string{
				{"--saoma-text", "--saoma-surface"}, {"--saoma-text", "--soft"}, {"--saoma-muted", "--saoma-surface"}, {"--ink", "--saoma-surface"},
				{"--saoma-accent-text", "--saoma-accent"}, {"--saoma-warning", "--warm"}, {"--saoma-danger", "--soft"},
			} {
				if c := contrast(at(pair[0]), at(pair[1])); c < 4.5 {
					t.Errorf("%v: %s on %s: %.2f", l, pair[0], pair[1], c)
				}
			}
		}
	}
}
