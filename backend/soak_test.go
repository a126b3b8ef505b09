package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

// soakShort is how long the load lasts in make test; SAOMA_SOAK=1h is the long form, and 0 is for those who run it elsewhere.
const soakShort = 25 * time.Second

// TestSoak has the program work for a long time, always the same, and looks at what it holds: memory, goroutines and
// descriptors must not grow. SAOMA_SOAK is how long.
//
// Memory is compared between the first and the last third, for the runtime gives back what it has when it likes. Goroutines
// and descriptors are counted as well when nothing goes on any more: one that is lost with every tenth sale is seen.
func TestSoak(t *testing.T) {
	t.Parallel()
	length := soakShort
	if text := os.Getenv("SAOMA_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("SAOMA_SOAK: %v", err)
		}
		if length == 0 {
			t.Skip("SAOMA_SOAK is 0")
		}
	}
	m := newMarket(t)
	// Pages of the database, pools, the heap's first sizes; and orders that nobody paid come and go only after a minute.
	m.open(min(length/3, 2*time.Minute))
	before := m.atRest()
	held := m.open(length)
	growth := growthMax(length)
	third := len(held) / 3
	first, last := medianOf(held[:third]), medianOf(held[len(held)-third:])
	t.Logf("%v: %s\nfirst third %v\nlast third  %v", length, m.tally(), first, last)
	if last.exceeds(first, growth) {
		t.Errorf("the program holds more and more: %v in the first third, %v in the last; it may grow by %v", first, last, growth)
	}
	// Some are still about to end, and the sweep may be at work.
	after, most := m.holdings(), before.plus(holdings{goroutines: 12, descriptors: 8})
	for end := time.Now().Add(time.Minute); (after.goroutines > most.goroutines || after.descriptors > most.descriptors) && time.Now().Before(end); {
		<-time.After(200 * time.Millisecond)
		m.hangUp()
		after = m.holdings()
	}
	t.Logf("at rest before %v, after %v", before, after)
	if after.goroutines > most.goroutines || after.descriptors > most.descriptors {
		t.Errorf("at rest it holds %v, before it was %v: something is never given back", after, before)
	}
}

// growthMax is by how much the last third may be above the first. A short run tells little of memory: the heap's size depends
// on when it was last collected, and on how busy the machine is.
func growthMax(length time.Duration) holdings {
	if length < time.Minute {
		return holdings{memory: 40, goroutines: 150, descriptors: 100}
	}
	return holdings{memory: 16, goroutines: 60, descriptors: 40}
}

// Holdings are what the program has of the machine.
type holdings struct {
	memory      float64 // MB, resident
	goroutines  float64
	descriptors float64
}

func (h holdings) String() string {
	return fmt.Sprintf("%.1f MB, %.0f goroutines, %.0f descriptors", h.memory, h.goroutines, h.descriptors)
}

func (h holdings) plus(more holdings) holdings {
	return holdings{h.memory + more.memory, h.goroutines + more.goroutines, h.descriptors + more.descriptors}
}

func (h holdings) exceeds(other, by holdings) bool {
	most := other.plus(by)
	return h.memory > most.memory || h.goroutines > most.goroutines || h.descriptors > most.descriptors
}

func medianOf(list []holdings) holdings {
	median := func(of func(holdings) float64) float64 {
		var all []float64
		for _, h := range list {
			all = append(all, of(h))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return holdings{
		memory:      median(func(h holdings) float64 { return h.memory }),
		goroutines:  median(func(h holdings) float64 { return h.goroutines }),
		descriptors: median(func(h holdings) float64 { return h.descriptors }),
	}
}

// holdings asks the program.
func (m *market) holdings() holdings {
	m.t.Helper()
	a, err := m.send(m.t.Context(), http.MethodGet, request{path: "/metrics"})
	if err != nil {
		m.t.Fatal(err)
	}
	read := func(name string) float64 {
		line := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(a.body)
		if line == nil {
			m.t.Fatalf("no %s in %d %s", name, a.status, a.body)
		}
		n, err := strconv.ParseFloat(string(line[1]), 64)
		if err != nil {
			m.t.Fatal(err)
		}
		return n
	}
	return holdings{read("process_resident_memory_bytes") / 1e6, read("go_goroutines"), read("process_open_fds")}
}

// atRest waits until the program holds no less any more, with nobody there.
func (m *market) atRest() (h holdings) {
	h = m.holdings()
	for calm := 0; calm < 10; calm++ {
		<-time.After(200 * time.Millisecond)
		m.hangUp()
		if now := m.holdings(); now.goroutines < h.goroutines || now.descriptors < h.descriptors {
			h, calm = now, 0
		}
	}
	return h
}
