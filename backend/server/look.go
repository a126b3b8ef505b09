package server

import (
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"saoma/backend/pay"
)

// Looks are a merchant's colours and measures of the checkout: values of CSS by the names of the custom properties
// without their --saoma-, and the theme of a checkout that stands alone. CheckLooks says what is taken.
type Looks = pay.Looks

// The names. The styles of the frame keep the measures in bounds; the contrast is kept here and in public/look.js.
var (
	lookColours = [...]string{
		"accent", "accent-text", "background", "surface", "text", "muted", "border", "success", "warning", "danger",
	}
	lookValues = map[string]func(string) bool{
		"radius": isLength, "button-radius": isLength, "font-size": isLength, "spacing": isLength, "code-size": isLength,
		"max-width": isLength,
		"font":      isFont,
		"shadow":    regexp.MustCompile(`^(none|` + aShadow + `(, ?` + aShadow + `)*)$`).MatchString,
		"type":      func(s string) bool { return s == "normal" || s == "large" },
	}
	isLength = regexp.MustCompile(`^(0|\d{1,3}(\.\d{1,4})?(px|rem|em))$`).MatchString
)

const (
	lookMax   = 300 // bytes of a value
	familyMax = 60  // characters of a font's name
	aShadow   = `(inset )?(-?\d{1,3}(\.\d{1,3})?(px|rem|em)? ){2,4}(#[0-9a-f]{3,8}|rgba?\([\d., /%]{5,40}\))`
)

// isFont reports whether s is names of fonts with commas between. It is no regular expression: one that counts letters of
// all scripts takes longer to compile than the rest of the program to start, and megabytes.
func isFont(s string) bool {
	for i, family := range strings.Split(s, ",") {
		if i > 0 {
			family = strings.TrimPrefix(family, " ")
		}
		if !isFamily(family) {
			return false
		}
	}
	return true
}

// isFamily reports whether s is the name of one font: in quotes, or words of which the first begins with a letter.
func isFamily(s string) bool {
	of := func(marks string) func(rune) bool {
		return func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || strings.ContainsRune(marks, r) }
	}
	name, plain := s, of(" _-")
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		if len(s) < 2 || s[len(s)-1] != s[0] {
			return false
		}
		name, plain = s[1:len(s)-1], of(" ._-")
	} else if first, _ := utf8.DecodeRuneInString(s); !unicode.IsLetter(first) && first != '_' && first != '-' {
		return false
	}
	return name != "" && utf8.RuneCountInString(name) <= familyMax && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0
}

// CheckLooks says what of a merchant's looks cannot be taken.
func CheckLooks(l Looks) error {
	for _, name := range slices.Sorted(maps.Keys(l)) {
		value := l[name]
		switch {
		case name == "theme":
			if !slices.Contains([]string{"auto", "light", "dark"}, value) {
				return fmt.Errorf("theme: %.40q must be auto, light or dark", value)
			}
		case slices.Contains(lookColours[:], name):
			if _, ok := parseColour(value, white); !ok {
				return fmt.Errorf("%s: %.40q must be a colour like #067a43 or rgb(6 122 67)", name, value)
			}
		case lookValues[name] == nil:
			return fmt.Errorf("%.40q is none of the looks, which are theme, %s, %s", name, strings.Join(lookColours[:], ", "),
				strings.Join(slices.Sorted(maps.Keys(lookValues)), ", "))
		case len(value) > lookMax || !lookValues[name](value):
			return fmt.Errorf("%s: %.40q is not of the kind that is taken, like %s", name, value, lookExamples[name])
		}
	}
	return nil
}

var lookExamples = map[string]string{
	"radius": "12px", "button-radius": "12px", "font-size": "1rem", "spacing": "24px", "code-size": "280px", "max-width": "440px",
	"font": `"Noto Sans SC", sans-serif`, "shadow": "0 4px 16px #0002 or none", "type": "normal or large",
}

// looksOfQuery are the looks that the shop's page sets. The loader puts them into the address, so that the first frame is
// painted with them. What cannot be read here, as the many notations of colours, is left to look.js: whole is then false.
func looksOfQuery(q url.Values) (l Looks, whole bool) {
	l, whole = Looks{}, true
	for name, values := range q {
		name, ours := strings.CutPrefix(name, "--saoma-")
		value := strings.TrimSpace(values[0])
		switch {
		case !ours || value == "" || name == "theme":
		case CheckLooks(Looks{name: value}) == nil:
			l[name] = value
		default:
			whole = false
		}
	}
	return l, whole
}

// A theme is a theme's own values, by the names of the custom properties.
type theme map[string]string

var (
	cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	cssTheme   = regexp.MustCompile(`:root(\.theme-dark)?\s*\{([^}]*)\}`)
)

// themesOf reads the two themes from the frame's styles.
func themesOf(css []byte) (light, dark theme) {
	light, dark = theme{}, theme{}
	for _, block := range cssTheme.FindAllStringSubmatch(cssComment.ReplaceAllString(string(css), ""), 2) {
		of := light
		if block[1] != "" {
			of = dark
		}
		for _, declaration := range strings.Split(block[2], ";") {
			name, value, _ := strings.Cut(declaration, ":")
			of[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	for name, value := range light {
		if _, ok := dark[name]; !ok {
			dark[name] = value
		}
	}
	return light, dark
}

// with returns the theme with the looks laid over it, and with contrast: what public/look.js makes of the same.
func (t theme) with(l Looks) theme {
	t = maps.Clone(t)
	coloured := false
	for name, value := range l {
		switch {
		case name == "theme" || name == "type":
		case slices.Contains(lookColours[:], name):
			coloured = true
		default:
			t["--saoma-"+name] = value
		}
	}
	if coloured {
		t.colour(l)
	}
	return t
}

// colour is look of public/look.js, in the same order.
func (t theme) colour(l Looks) {
	own := func(name string, paper colour) colour { c, _ := parseColour(t[name], paper); return c }
	base := own("--saoma-surface", white)
	c := map[string]colour{}
	for _, name := range lookColours {
		if wished, ok := parseColour(l[name], base); ok {
			c[name] = wished
		} else {
			c[name] = own("--saoma-"+name, white)
		}
	}
	soft, warm := mix(c["surface"], c["text"], .05), mix(c["surface"], c["warning"], .1)
	papers := []colour{c["surface"], soft}
	ink := own("--ink", base)
	if l["accent"] != "" {
		ink = c["accent"]
	}
	c["accent-text"] = readable(c["accent-text"], 4.5, c["accent"])
	c["text"], c["muted"] = readable(c["text"], 4.5, papers...), readable(c["muted"], 4.5, papers...)
	c["warning"], c["danger"] = readable(c["warning"], 4.5, warm), readable(c["danger"], 4.5, papers...)
	for name, colour := range c {
		t["--saoma-"+name] = colour.String()
	}
	t["--ink"], t["--soft"], t["--warm"] = readable(ink, 4.5, papers...).String(), soft.String(), warm.String()
	t["--on-success"] = readable(white, 3, c["success"]).String()
}

// block writes what differs from another theme as a rule of CSS. Every value has passed CheckLooks or was computed.
func (t theme) block(selector string, from theme) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if t[name] != from[name] {
			fmt.Fprintf(&b, "%s:%s;", name, t[name])
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return selector + "{" + b.String() + "}"
}

// styles are what a page has beside the style that all share: the merchant's looks in every theme, and over them those of
// the shop's page, which its script takes over.
func (ps *pages) styles(merchant, page Looks) (merchants, pages template.CSS) {
	all := func(light, dark, overLight, overDark theme) template.CSS {
		auto := overDark.block(":root.theme-auto", dark)
		if auto != "" {
			auto = "@media(prefers-color-scheme:dark){" + auto + "}"
		}
		return template.CSS(overLight.block(":root", light) + overDark.block(":root.theme-dark", dark) + auto) //nolint:gosec // checked
	}
	light, dark := ps.light.with(merchant), ps.dark.with(merchant)
	return all(ps.light, ps.dark, light, dark), all(light, dark, light.with(page), dark.with(page))
}
