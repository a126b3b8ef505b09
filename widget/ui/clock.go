package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A clock tells the server's time by the server's last word and what has passed here since. It never
// shows the local clock, only differences of it, so a clock that is wrong by years does no harm.
type clock struct {
	server, local time.Time
}

// set takes the server's time as it was when the local clock showed local. The monotonic reading is
// dropped: on some systems it stands still while the computer sleeps, and the deadline does not.
func (c *clock) set(server, local time.Time) {
	c.server, c.local = server, local.Round(0)
}

func (c *clock) running() bool { return !c.server.IsZero() }

func (c *clock) now(local time.Time) time.Time {
	return c.server.Add(local.Sub(c.local))
}

// countdown writes the time left as "4:05" or, from an hour on, "1:00:00". A begun second counts whole,
// so that zero is shown only when nothing is left.
func countdown(left time.Duration) string {
	s := seconds(left)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

func seconds(left time.Duration) int64 {
	if left <= 0 {
		return 0
	}
	return int64((left + time.Second - 1) / time.Second)
}

// untilNext is when the countdown's text changes next.
func untilNext(left time.Duration) time.Duration {
	if rest := left % time.Second; rest > 0 {
		return rest
	}
	return time.Second
}

// spokenAt are the moments at which a screen reader is told of the time left, in seconds: a few, not every second.
var spokenAt = [...]int64{10, 30, 60, 300}

// spoken is what is said when the time left has gone from before to left. A late timer skips seconds, and then the
// nearest moment passed is told of.
func spoken(before, left time.Duration, t *texts) string {
	for _, s := range spokenAt {
		if seconds(before) > s && seconds(left) <= s && seconds(left) > 0 {
			return spokenOf(s, t)
		}
	}
	return ""
}

func spokenOf(s int64, t *texts) string {
	switch {
	case s == 60:
		return t.Minute
	case s > 60:
		return fmt.Sprintf(t.Minutes, s/60)
	}
	return fmt.Sprintf(t.Seconds, s)
}

// spokenOfScript is the same for the plain script: seconds and words in turn.
func spokenOfScript(t *texts) string {
	var parts []string
	for _, s := range spokenAt {
		parts = append(parts, strconv.FormatInt(s, 10), spokenOf(s, t))
	}
	return strings.Join(parts, "~")
}

// beijing is the zone every time is shown in. The first frame is painted on a server, which does not know
// the customer's zone, and WeChat's own receipt says Beijing time as well.
func beijing(t time.Time) string {
	return t.In(time.FixedZone("CST", 8*60*60)).Format("2006-01-02 15:04:05")
}
