package ui

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSpokenYuan(t *testing.T) {
	t.Parallel()
	for fen, want := range map[int64]string{
		0: "零元", 1: "一分", 2: "两分", 10: "一角", 11: "一角一分", 20: "两角", 22: "两角二分", 99: "九角九分",
		100: "一元", 200: "两元", 201: "两元零一分", 220: "两元二角", 1000: "十元", 1005: "十元零五分", 1050: "十元五角",
		1100: "十一元", 1200: "十二元", 1280: "十二元八角", 1285: "十二元八角五分", 2000: "二十元", 2200: "二十二元",
		10000: "一百元", 10001: "一百元零一分", 10100: "一百零一元", 11000: "一百一十元", 11200: "一百一十二元",
		12800: "一百二十八元", 20000: "二百元", 22200: "二百二十二元", 100000: "一千元", 100100: "一千零一元", 101000: "一千零一十元",
		110000: "一千一百元", 200000: "两千元", 222200: "两千二百二十二元", 1000000: "一万元", 1000100: "一万零一元",
		1050000: "一万零五百元", 1100000: "一万一千元", 2000000: "两万元", 2020000: "两万零二百元", 10000000: "十万元",
		10001000: "十万零一十元", 12000000: "十二万元", 20010000: "二十万零一百元", 20100000: "二十万一千元", 22000000: "二十二万元",
		100000000: "一百万元", 101000000: "一百零一万元", 1000000000: "一千万元", 1000000001: "一千万元零一分", 1005000000: "一千零五万元",
		123456789: "一百二十三万四千五百六十七元八角九分", 10000000000: "一亿元", 10000000100: "一亿零一元", 20000000000: "两亿元",
		10500000000: "一亿零五百万元", 100000500000: "十亿零五千元",
	} {
		if got := spokenYuan(fen); got != want {
			t.Errorf("%d fen are %s; want %s", fen, got, want)
		}
	}
}

// heardYuan understands a spoken amount: the reading loses nothing.
func heardYuan(t *rapid.T, text string) int64 {
	var total, group, digit int64
	for _, r := range text {
		switch at := strings.IndexRune("零一二三四五六七八九", r); {
		case at >= 0:
			digit = int64(at / len("零"))
		case r == '两':
			digit = 2
		case r == '十':
			group, digit = group+max(digit, 1)*10, 0
		case r == '百':
			group, digit = group+digit*100, 0
		case r == '千':
			group, digit = group+digit*1000, 0
		case r == '万':
			total, group, digit = total+(group+digit)*1e4, 0, 0
		case r == '亿':
			total, group, digit = (total+group+digit)*1e8, 0, 0
		case r == '元':
			total, group, digit = (total+group+digit)*100, 0, 0
		case r == '角':
			total, digit = total+digit*10, 0
		case r == '分':
			total, digit = total+digit, 0
		default:
			t.Fatalf("%c in %s", r, text)
		}
	}
	return total
}

func TestWhatIsSpokenIsUnderstood(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fen := rapid.Int64Range(0, 99_999_999_999).Draw(t, "fen")
		text := spokenYuan(fen)
		if got := heardYuan(t, text); got != fen {
			t.Fatalf("%d fen are read %s, which is %d", fen, text, got)
		}
		for _, wrong := range []string{"零零", "零元", "零万", "零亿", "零角", "零十"} {
			if fen > 0 && strings.Contains(text, wrong) {
				t.Fatalf("%d fen are read %s, with %s", fen, text, wrong)
			}
		}
	})
	spokenYuan(math.MaxInt64)
}

func TestSpeech(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{
		"zh-CN": "微信收款两万零五元零五分", "zh-TW": "微信收款兩萬零五元零五分", "en": "WeChat Pay: 20005.05 yuan received",
		"ja": "WeChat Payで20005.05人民元を受け取りました", "ko": "위챗페이로 20005.05위안을 받았습니다",
	} {
		if got := textsOf(lang).speech(2000505); got != want {
			t.Errorf("%s: %s; want %s", lang, got, want)
		}
	}
	if got, want := english.speech(1200), "WeChat Pay: 12 yuan received"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}
