package dashboard

import (
	"errors"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"saoma/backend/pay"
)

// beijing is the zone of a shop's days. China has no summer time.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// functions are what templates call.
func functions(lang string) template.FuncMap {
	return template.FuncMap{
		"t":        func(text string, args ...any) string { return translate(lang, text, args...) },
		"word":     func(kind string, s any) string { return translate(lang, kind+" "+fmt.Sprint(s)) },
		"yuan":     yuan,
		"round":    func(f pay.Fen) string { return "¥" + grouped(int64(f/100)) },
		"time":     func(t time.Time) string { return clock(lang, t) },
		"iso":      func(t time.Time) string { return t.In(beijing).Format(time.RFC3339) },
		"duration": func(d time.Duration) string { return duration(lang, d) },
		"number":   grouped[int64],
		"isOrder":  func(subject string) bool { return strings.HasPrefix(subject, "ord_") },
		"fen": func(text string) string {
			n, _ := strconv.ParseInt(text, 10, 64) // as we wrote it
			return yuan(pay.Fen(n))
		},
		"since":   func(d time.Duration) string { return since(lang, d) },
		"percent": percent,
		"advice":  func(text string) string { return Say(lang, text) },
		"refusal": func(message string) string { return Say(lang, message) },
		"said":    func(f flash) string { return f.say(lang) },
	}
}

// say is the flash in a language.
func (f flash) say(lang string) string {
	args := make([]any, len(f.Args))
	for i, a := range f.Args {
		args[i] = Say(lang, translate(lang, a))
	}
	return translate(lang, f.Text, args...)
}

// translate returns an English text in the language. What has no translation stays as it is.
func translate(lang, text string, args ...any) string {
	if lang == "zh-CN" {
		if found, ok := chinese[text]; ok {
			text = found
		}
	} else if found, ok := english[text]; ok {
		text = found
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// yuan writes an amount as ¥1,234.50.
func yuan(f pay.Fen) string {
	sign := ""
	if f < 0 {
		sign, f = "−", -f
	}
	return fmt.Sprintf("%s¥%s.%02d", sign, grouped(int64(f/100)), f%100)
}

// plainYuan writes an amount as people type it: 1234.50.
func plainYuan(f pay.Fen) string { return fmt.Sprintf("%d.%02d", f/100, f%100) }

var errNoAmount = errors.New("not an amount in yuan")

// parseYuan reads an amount in yuan exactly, as people type it: 12, 12.5, ¥1,234.50, １２．５０. There is no float in it.
func parseYuan(typed string) (pay.Fen, error) {
	text := strings.TrimSpace(strings.Map(narrow, typed))
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, "¥"), "元"))
	whole, cents, dot := strings.Cut(text, ".")
	if whole == "" || dot && cents == "" || len(cents) > 2 || len(whole) > 13 || !groupedRight(whole) {
		return 0, errNoAmount
	}
	digits := strings.ReplaceAll(whole, ",", "") + (cents + "00")[:2]
	n, err := strconv.ParseUint(digits, 10, 50)
	if err != nil || strings.ContainsAny(digits, "+-_") {
		return 0, errNoAmount
	}
	return pay.Fen(n), nil
}

// narrow turns the wide forms of a Chinese keyboard into plain ones.
func narrow(r rune) rune {
	switch {
	case r >= '０' && r <= '９':
		return r - '０' + '0'
	case r == '．', r == '。':
		return '.'
	case r == '，':
		return ','
	case r == '￥':
		return '¥'
	}
	return r
}

// groupedRight reports whether commas, if there are any, stand before every third digit: 1,5 is no fifteen.
func groupedRight(whole string) bool {
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if i > 0 && len(g) != 3 || len(groups) > 1 && (i == 0 && len(g) > 3 || g == "") {
			return false
		}
	}
	return true
}

// grouped writes a number as 1,234,567.
func grouped[N ~int | ~int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent writes a share of a whole as 97.5%, and "–" of nothing. It never rounds up to the whole.
func percent(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	tenths := part * 1000 / whole
	if tenths%10 == 0 {
		return fmt.Sprintf("%d%%", tenths/10)
	}
	return fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
}

// clock writes a moment by Beijing's clock, to the second.
func clock(lang string, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	if lang == "zh-CN" {
		return t.In(beijing).Format("2006-01-02 15:04:05")
	}
	return t.In(beijing).Format("2 Jan 2006 15:04:05")
}

// duration writes how long something takes: 8 s, 2 min 5 s, 3 h 20 min.
func duration(lang string, d time.Duration) string {
	d = d.Round(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	hour, minute, second, gap := " h", " min", " s", " "
	if lang == "zh-CN" {
		hour, minute, second, gap = " 小时", " 分", " 秒", " "
	}
	switch {
	case h > 0 && m > 0:
		return fmt.Sprint(h, hour, gap, m, minute)
	case h > 0:
		return fmt.Sprint(h, hour)
	case m > 0 && s > 0:
		return fmt.Sprint(m, minute, gap, s, second)
	case m > 0:
		return fmt.Sprint(m, minute)
	}
	return fmt.Sprint(s, second)
}

// since writes how long after the beginning something happened, where tenths of a second matter.
func since(lang string, d time.Duration) string {
	if d < 10*time.Second {
		unit := " s"
		if lang == "zh-CN" {
			unit = " 秒"
		}
		return fmt.Sprintf("+%.1f%s", max(d, 0).Seconds(), unit)
	}
	return "+" + duration(lang, d)
}

// clip cuts what somebody typed to at most n characters.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
