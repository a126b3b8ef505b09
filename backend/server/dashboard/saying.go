package dashboard

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A saying is what the domain, the doctor or WeChat Pay's side of the program says, in which something stands for itself:
// a name, a number, another saying.
type saying struct {
	english *regexp.Regexp
	chinese string // with %s for what stands for itself, in the same order
}

// sayings are those texts of the dictionary that have gaps; of several that fit the one with most words of its own counts.
var sayings = sync.OnceValue(func() []saying {
	var texts []string
	said := together(chineseRefusals, chineseAdvice, chineseConfig)
	all := maps.Clone(chinese)
	for text := range said {
		if strings.HasPrefix(text, "must ") { // said of something that has a name
			said["%s "+text], all["%s "+text] = said[text], "%s "+said[text]
		}
	}
	for text := range all {
		if strings.Contains(text, "#") || said[text] != "" && strings.Contains(text, "%s") {
			texts = append(texts, text)
		}
	}
	slices.SortFunc(texts, func(a, b string) int {
		if own := len(strings.NewReplacer("%s", "", "#", "").Replace(b)) - len(strings.NewReplacer("%s", "", "#", "").Replace(a)); own != 0 {
			return own
		}
		return strings.Compare(a, b)
	})
	list := make([]saying, len(texts))
	for i, text := range texts {
		pattern := strings.NewReplacer("%s", `((?:[^:]|:[^ ])+?)`, "#", `(\d+)`).Replace(regexp.QuoteMeta(text))
		list[i] = saying{regexp.MustCompile("^" + pattern + "$"), strings.ReplaceAll(all[text], "#", "%s")}
	}
	return list
})

// Say returns what was said elsewhere in the program, by the domain or the doctor, in a language, "en" or "zh-CN". What is
// somebody else's words stays as it is.
func Say(lang, text string) string {
	if lang != "zh-CN" || text == "" {
		return text
	}
	if found, ok := chinese[text]; ok {
		return found
	}
	if i := strings.LastIndex(text, " (Request-ID "); i > 0 {
		return Say(lang, text[:i]) + text[i:]
	}
	for _, s := range sayings() {
		gaps := s.english.FindStringSubmatch(text)
		if gaps == nil {
			continue
		}
		said := s.chinese
		for _, gap := range gaps[1:] {
			said = strings.Replace(said, "%s", strings.ReplaceAll(Say(lang, gap), "%", "\x00"), 1)
		}
		return strings.ReplaceAll(said, "\x00", "%")
	}
	for _, mark := range []string{": ", "; "} {
		if head, tail, ok := strings.Cut(text, mark); ok {
			return Say(lang, head) + mark + Say(lang, tail)
		}
	}
	return text
}
