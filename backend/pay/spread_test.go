package pay

import (
	"fmt"
	"testing"
	"time"
)

// What fails together is not tried again together, and no pause is shorter or much longer than wanted.
func TestSpread(t *testing.T) {
	t.Parallel()
	at := make(map[time.Duration]int)
	for i := range 1000 {
		d := spread(time.Minute, fmt.Sprint("TRADE", i), 3)
		if d < time.Minute || d > 75*time.Second {
			t.Fatalf("a minute became %s", d)
		}
		at[d.Truncate(time.Second)]++
	}
	for second, n := range at {
		if n > 150 {
			t.Errorf("%d of 1000 fall on %s", n, second)
		}
	}
	if spread(time.Minute, "TRADE", 1) == spread(time.Minute, "TRADE", 2) {
		t.Error("two tries of one name wait equally long")
	}
}
