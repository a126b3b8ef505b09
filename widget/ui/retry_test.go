package ui

import (
	"math"
	"testing"
	"time"

	"saoma/backend/wire"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	most := math.Nextafter(1, 0) // rand.Float64 is below 1
	want := []time.Duration{
		250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second,
		8 * time.Second, 8 * time.Second,
	}
	for i, limit := range want {
		fails := i + 1
		if got := backoff(fails, most).Round(time.Millisecond); got != limit {
			t.Errorf("after %d failures the longest wait is %v; want %v", fails, got, limit)
		}
		if got := backoff(fails, 0); got != 0 {
			t.Errorf("after %d failures the shortest wait is %v; full jitter begins at 0", fails, got)
		}
		if got := backoff(fails, 0.5); got != limit/2 {
			t.Errorf("after %d failures half a chance is %v; want %v", fails, got, limit/2)
		}
	}
	for _, fails := range []int{64, 100, math.MaxInt} {
		if got := backoff(fails, most).Round(time.Millisecond); got != retryMost {
			t.Errorf("after %d failures the longest wait is %v; want %v", fails, got, retryMost)
		}
	}
}

func TestCloseCodes(t *testing.T) {
	t.Parallel()
	for code, forGood := range map[int]bool{
		wire.CloseNoOrder: true, wire.CloseFinal: true, 4999: true,
		wire.CloseRestart: false, wire.CloseSlow: false, 4403: false, 4405: false, 4499: false, 5000: false,
		1000: false, 1001: false, 1006: false, 1011: false, 0: false,
	} {
		if got := closedForGood(code); got != forGood {
			t.Errorf("close code %d: stay away is %t; want %t", code, got, forGood)
		}
	}
}
