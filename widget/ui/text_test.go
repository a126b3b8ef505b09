package ui

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// Every language has every word, with the same places to fill in.
func TestLanguagesAreComplete(t *testing.T) {
	t.Parallel()
	first := reflect.ValueOf(*languages[0])
	for _, l := range languages {
		v := reflect.ValueOf(*l)
		for i := range v.NumField() {
			name, text := v.Type().Field(i).Name, v.Field(i).String()
			if text == "" && name != "Zone" { // whoever reads Chinese is on Beijing's time
				t.Errorf("%s has no word for %s", l.Tag, name)
			}
			if i > 0 && text == english.field(name) && l != &english && !same[name] {
				t.Errorf("%s says %s in English: %q", l.Tag, name, text)
			}
			if got, want := verbs(text), verbs(first.Field(i).String()); got != want {
				t.Errorf("%s: %s has the places %q; want %q", l.Tag, name, got, want)
			}
		}
	}
}

// same are the words that need no translation.
var same = map[string]bool{"Yuan": true, "What": true, "Count": true, "Title": true}

func (t *texts) field(name string) string { return reflect.ValueOf(*t).FieldByName(name).String() }

var verb = regexp.MustCompile(`%.`)

func verbs(s string) string { return strings.Join(verb.FindAllString(s, -1), " ") }

func TestMatchLang(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wanted []string
		want   string
	}{
		{nil, "zh-CN"},
		{[]string{""}, "zh-CN"},
		{[]string{"en"}, "en"},
		{[]string{"EN-gb"}, "en"},
		{[]string{"zh"}, "zh-CN"},
		{[]string{"zh-Hant-TW"}, "zh-TW"},
		{[]string{"zh-Hant"}, "zh-TW"},
		{[]string{"zh-HK"}, "zh-TW"},
		{[]string{"zh-mo"}, "zh-TW"},
		{[]string{"zh-Hans-HK"}, "zh-CN"},
		{[]string{"zh-SG"}, "zh-CN"},
		{[]string{"ja-JP"}, "ja"},
		{[]string{"ko-KR,en;q=0.5"}, "ko"},
		{[]string{"fr"}, "zh-CN"},
		{[]string{"", "en-US,en;q=0.9"}, "en"},
		{[]string{"", "fr-CH, fr;q=0.9, en;q=0.8, zh;q=0.7, *;q=0.5"}, "en"},
		{[]string{"zh", "en"}, "zh-CN"},
		{[]string{"fr", "en"}, "en"},
		{[]string{`"><script>`, "en"}, "en"},
		{[]string{"enormous"}, "zh-CN"},
	} {
		if got := MatchLang(c.wanted...); got != c.want {
			t.Errorf("MatchLang(%q) = %q; want %q", c.wanted, got, c.want)
		}
	}
}
