package ui

import (
	"fmt"
	"strconv"
	"strings"
)

// speech is the sentence that tells of a payment aloud, "微信收款十二元八角", as the loudspeakers on shop counters do.
// Other voices than Chinese ones read digits well by themselves.
func (t *texts) speech(fen int64) string {
	switch t.Tag {
	case chinese.Tag:
		return fmt.Sprintf(t.Speech, spokenYuan(fen))
	case traditional.Tag:
		return fmt.Sprintf(t.Speech, strings.NewReplacer("两", "兩", "万", "萬", "亿", "億").Replace(spokenYuan(fen)))
	}
	return fmt.Sprintf(t.Speech, strings.TrimSuffix(strings.ReplaceAll(yuan(fen), ",", ""), ".00"))
}

// spokenYuan reads an amount of at least zero fen in Chinese: 1280 is 十二元八角, 100005 is 一千元零五分.
func spokenYuan(fen int64) string {
	whole, jiao, rest := fen/100, fen/10%10, fen%10
	var b strings.Builder
	if whole > 0 || fen == 0 {
		b.WriteString(spokenNumber(whole) + "元")
	}
	if jiao > 0 {
		b.WriteString(digits[jiao] + "角")
	}
	if rest > 0 {
		if jiao == 0 && whole > 0 {
			b.WriteString(digits[0])
		}
		b.WriteString(digits[rest] + "分")
	}
	return liang(b.String())
}

// digits are the Chinese digits. Nothing writes to them.
var digits = [10]string{"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"}

// spokenNumber reads a whole number of at least zero: groups of four digits, each with the name of its group.
func spokenNumber(n int64) string {
	if n == 0 {
		return digits[0]
	}
	text, gap := "", false
	for _, group := range [...]struct {
		unit int64
		name string
	}{{1e16, "亿亿"}, {1e12, "万亿"}, {1e8, "亿"}, {1e4, "万"}, {1, ""}} {
		part := n / group.unit % 1e4
		if part == 0 {
			gap = true
			continue
		}
		if text != "" && (gap || part < 1000) {
			text += digits[0] // 一万零五百: something between the two is missing
		}
		gap = false
		text += spokenGroup(part) + group.name
	}
	if strings.HasPrefix(text, "一十") { // 十二, but 一百一十二
		text = strings.TrimPrefix(text, "一")
	}
	return text
}

// spokenGroup reads a number of at most four digits.
func spokenGroup(n int64) string {
	text, gap := "", false
	number := strconv.FormatInt(n, 10)
	for i, r := range number {
		digit := r - '0'
		if digit == 0 {
			gap = true
			continue
		}
		if gap {
			text += digits[0]
		}
		gap = false
		text += digits[digit] + [...]string{"", "十", "百", "千"}[len(number)-1-i]
	}
	return text
}

// liang makes the 二 that begins an amount 两 where people say so: 两元, 两千元, 两角, but 二十元 and 二百元.
func liang(text string) string {
	rest, two := strings.CutPrefix(text, "二")
	if !two {
		return text
	}
	for _, unit := range [...]string{"元", "角", "分", "千", "万", "亿"} {
		if strings.HasPrefix(rest, unit) {
			return "两" + rest
		}
	}
	return text
}
