package ui

import (
	"math"
	"testing"
)

func TestAmount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fen      int64
		currency string
		want     string
	}{
		{0, "CNY", "¥0.00"},
		{1, "CNY", "¥0.01"},
		{99, "CNY", "¥0.99"},
		{100, "CNY", "¥1.00"},
		{1280, "CNY", "¥12.80"},
		{30, "CNY", "¥0.30"}, // 0.1 + 0.2
		{99999, "CNY", "¥999.99"},
		{100000, "CNY", "¥1,000.00"},
		{123456789, "CNY", "¥1,234,567.89"},
		{100000000000, "CNY", "¥1,000,000,000.00"},
		{-5, "CNY", "¥-0.05"},
		{math.MaxInt64, "CNY", "¥92,233,720,368,547,758.07"},
		{math.MinInt64, "CNY", "¥-92,233,720,368,547,758.08"},
		{1280, "", "¥12.80"},
		{1280, "HKD", "HKD 12.80"},
	} {
		if got := chinese.amount(c.fen, c.currency); got != c.want {
			t.Errorf("amount(%d, %q) = %q; want %q", c.fen, c.currency, got, c.want)
		}
	}
}

// Outside of China ¥ alone may mean another currency.
func TestTheSignIsClear(t *testing.T) {
	t.Parallel()
	for _, l := range languages {
		want := "CN¥12.80"
		if l.Tag == "zh-CN" {
			want = "¥12.80"
		}
		if got := l.amount(1280, "CNY"); got != want {
			t.Errorf("%s: %s; want %s", l.Tag, got, want)
		}
	}
}
