package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	tidyEvery = 5 * time.Second
	headroom  = 64 << 20 // bytes of garbage that may lie about, or as much as is in use if that is more
	tidyQuiet = 8 << 20  // bytes allocated since the last look, at most: with more something is going on
	tidyWorth = 2 << 20  // bytes to be had, at least, and an eighth of what is in use: less is not worth the search
)

// limitMemory has the garbage collector work harder before the limit of the system's control group is reached, as a container or
// systemd's MemoryMax= sets it. GOMEMLIMIT, where it is set, stands.
func limitMemory() error {
	if _, err := memlimit.Set(); err != nil && !errors.Is(err, memlimit.ErrNoLimit) {
		return fmt.Errorf("find the memory limit: %w", err)
	}
	return nil
}

// A tidier gives memory back to the system that was needed in a rush only. By itself the runtime lets the heap grow to twice of
// what is in use, and while all are quiet it does not look: ten thousand browsers that have come, and wait, would hold the
// garbage of their coming.
type tidier struct {
	last heap
	left uint64 // bytes that the last time could not be given back: they lie between what is in use

	percent uint64 // of what is in use, that garbage may be; 0: not set yet
}

// heap is what the runtime has for objects, in bytes.
type heap struct {
	allocated uint64 // since the start of the program
	held      uint64 // all that the system has given
	live      uint64 // of it what was in use when the garbage was last collected
	spare     uint64 // of it the rest
}

func readHeap() heap {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	live, held := value(1), value(2)+value(3)+value(4)
	return heap{allocated: value(0), held: held, live: live, spare: held - min(live, held)}
}

// collect sets how much garbage may lie about before it is collected. By itself the runtime looks whenever a small heap has
// doubled, which under load is many times a second, and callbacks wait meanwhile. GOGC, where it is set, stands.
func (t *tidier) collect(live uint64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := min(max(100, headroom*100/max(live, 1)), 800)
	if percent != t.percent {
		debug.SetGCPercent(int(percent))
		t.percent = percent
	}
}

// look tidies up where that is worth it.
func (t *tidier) look() (tidied bool) {
	now := readHeap()
	t.collect(now.live)
	quiet := now.allocated-t.last.allocated <= tidyQuiet
	t.last = now
	if !quiet || now.spare < t.left+max(tidyWorth, now.live/8) {
		return false
	}
	debug.FreeOSMemory()
	_ = forgetPages() // a system that does not let us has lost nothing
	t.last = readHeap()
	t.left = t.last.spare
	return true
}

// run looks now and then until ctx ends.
func (t *tidier) run(ctx context.Context) {
	t.last = readHeap()
	t.collect(t.last.live)
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.look()
		}
	}
}
