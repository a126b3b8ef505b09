package server

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// A quota is there at once and comes back over the window, for each subject by itself; the headers say how it stands.
func TestLimiter(t *testing.T) {
	t.Parallel()
	var l limiter
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for i, want := range []struct {
		after                    time.Duration
		ok                       bool
		policy, state, retryWhen string
	}{
		{0, true, `"actions";q=3;w=60`, `"actions";r=2;t=20`, ""},
		{0, true, `"actions";q=3;w=60`, `"actions";r=1;t=40`, ""},
		{0, true, `"actions";q=3;w=60`, `"actions";r=0;t=60`, ""},
		{0, false, `"actions";q=3;w=60`, `"actions";r=0;t=60`, "20"},
		{19 * time.Second, false, `"actions";q=3;w=60`, `"actions";r=0;t=41`, "1"},
		{time.Second, true, `"actions";q=3;w=60`, `"actions";r=0;t=60`, ""},
		{time.Hour, true, `"actions";q=3;w=60`, `"actions";r=2;t=20`, ""},
	} {
		now = now.Add(want.after)
		got := l.take(limitActions, "order", 3, now)
		h := http.Header{}
		got.headers(h)
		if got.ok != want.ok || h.Get("RateLimit-Policy") != want.policy || h.Get("RateLimit") != want.state || h.Get("Retry-After") != want.retryWhen {
			t.Errorf("call %d: %+v %v; want %+v", i, got, h, want)
		}
		if other := l.take(limitActions, fmt.Sprint("other ", i), 3, now); !other.ok || other.remaining != 2 {
			t.Errorf("call %d: another subject has %+v", i, other)
		}
	}
}

// A quota that the configuration changes counts from then on.
func TestLimiterTakesANewQuota(t *testing.T) {
	t.Parallel()
	var l limiter
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	l.take(limitRequests, "cafe", 1, now)
	if got := l.take(limitRequests, "cafe", 1, now); got.ok {
		t.Fatalf("over the quota: %+v", got)
	}
	if got := l.take(limitRequests, "cafe", 60, now.Add(time.Second)); !got.ok || got.quota != 60 {
		t.Errorf("with a higher quota: %+v", got)
	}
}

// However many call, the limiter holds who called within the last window, and never more than its bound.
func TestLimiterForgets(t *testing.T) {
	t.Parallel()
	var l limiter
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for i := range 3 * limitEntriesMax {
		l.take(limitCheckouts, fmt.Sprint(i), 60, now)
	}
	if n := len(l.buckets); n > limitEntriesMax {
		t.Errorf("%d are held; want at most %d", n, limitEntriesMax)
	}
	now = now.Add(limitWindow)
	for i := range 2 * purgeMin {
		l.take(limitCheckouts, fmt.Sprint("later ", i), 60, now.Add(time.Duration(i)*limitWindow))
	}
	if n := len(l.buckets); n > 2*purgeMin {
		t.Errorf("%d are held though all but few have their whole quota again", n)
	}
}
