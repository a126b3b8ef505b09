package ui

import (
	"strings"
	"testing"
	"time"
)

func TestCountdown(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]string{
		-time.Hour:                       "0:00",
		0:                                "0:00",
		time.Nanosecond:                  "0:01",
		time.Second:                      "0:01",
		59*time.Second + time.Nanosecond: "1:00",
		14*time.Minute + 59*time.Second:  "14:59",
		59*time.Minute + 59*time.Second:  "59:59",
		time.Hour:                        "1:00:00",
		2*time.Hour - time.Second:        "1:59:59",
		100 * time.Hour:                  "100:00:00",
	} {
		if got := countdown(left); got != want {
			t.Errorf("countdown(%v) = %q; want %q", left, got, want)
		}
	}
}

// The text must change when we draw it again, or a second would be shown for two.
func TestTheCountdownIsDrawnWhenItChanges(t *testing.T) {
	t.Parallel()
	left := 61*time.Second + 300*time.Millisecond
	for _, want := range []string{"1:02", "1:01", "1:00", "0:59"} {
		if got := countdown(left); got != want {
			t.Fatalf("at %v the countdown is %q; want %q", left, got, want)
		}
		left -= pause(left)
	}
	if got := pause(-time.Second); got != overdueEvery {
		t.Errorf("after the end we look again in %v; want %v", got, overdueEvery)
	}
}

func TestTheServersClockCounts(t *testing.T) {
	t.Parallel()
	server := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for name, local := range map[string]time.Time{
		"right":           server,
		"years behind":    time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		"hours ahead":     server.Add(7 * time.Hour),
		"of another zone": server.In(time.FixedZone("", 9*3600)),
	} {
		var c clock
		if c.running() {
			t.Fatal("a clock that was never set says it runs")
		}
		c.set(server, local)
		if got, want := c.now(local.Add(90*time.Second)), server.Add(90*time.Second); !got.Equal(want) {
			t.Errorf("a local clock that is %s: the server's time is %v; want %v", name, got, want)
		}
	}
}

// While a computer sleeps its monotonic clock may stand still. The deadline does not wait.
func TestSleepCounts(t *testing.T) {
	t.Parallel()
	var c clock
	c.set(time.Now(), time.Now())
	if strings.Contains(c.local.String(), "m=") {
		t.Errorf("the clock counts from %v, with a monotonic reading", c.local)
	}
}

func TestWhatIsSpokenOfTheTime(t *testing.T) {
	t.Parallel()
	said := map[string]int{}
	for left := 20 * time.Minute; left > -time.Minute; left -= time.Second {
		if text := spoken(left+time.Second, left, textsOf("en")); text != "" {
			said[text]++
		}
	}
	want := []string{"5 minutes left", "1 minute left", "30 seconds left", "10 seconds left"}
	for _, text := range want {
		if said[text] != 1 {
			t.Errorf("%q is said %d times; want once", text, said[text])
		}
	}
	if len(said) != len(want) {
		t.Errorf("said: %v; want only %q", said, want)
	}
}

// A timer that comes late does not swallow what was to be said.
func TestALateTimerSpeaks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, left time.Duration
		want         string
	}{
		{32 * time.Second, 27 * time.Second, "30 seconds left"},
		{6 * time.Minute, 40 * time.Second, "1 minute left"},
		{30 * time.Second, 29 * time.Second, ""},
		{5 * time.Second, 15 * time.Minute, ""}, // renewed
		{time.Minute + time.Second, -time.Second, ""},
	} {
		if got := spoken(c.before, c.left, &english); got != c.want {
			t.Errorf("from %v to %v: %q; want %q", c.before, c.left, got, c.want)
		}
	}
}

func TestTimesAreBeijings(t *testing.T) {
	t.Parallel()
	if got := beijing(time.Date(2026, 6, 30, 22, 4, 5, 0, time.UTC)); got != "2026-07-01 06:04:05" {
		t.Errorf("got %q", got)
	}
}
