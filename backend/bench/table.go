package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// A row is one line of the table.
type row struct {
	Name   string  `json:"name"`
	Figure float64 `json:"figure"`
	Unit   string  `json:"unit"`

	// Target is what the figure should reach, or stay below; 0: there is none.
	Target float64 `json:"target,omitempty"`
	AtMost bool    `json:"at_most,omitempty"`

	// Ratio is the figure divided by what Of says, taken in the same run; 0: there is nothing to compare with.
	Ratio float64 `json:"ratio,omitempty"`
	Of    string  `json:"ratio_to,omitempty"`
}

func (b *bench) add(rows ...row) { b.rows = append(b.rows, rows...) }

func (r row) target() string {
	if r.Target == 0 {
		return ""
	}
	sign, verdict := "≥", "reached"
	if r.AtMost {
		sign = "≤"
	}
	if r.AtMost == (r.Figure > r.Target) {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%s %s %s", sign, number(r.Target), verdict)
}

// number writes three digits, or all before the point.
func number(f float64) string {
	switch {
	case f >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}

func (b *bench) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nwhat\tfigure\ttarget\tratio")
	for _, r := range b.rows {
		ratio := ""
		if r.Ratio != 0 {
			ratio = fmt.Sprintf("%s of %s", number(r.Ratio), r.Of)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\n", r.Name, number(r.Figure), r.Unit, r.target(), ratio)
	}
	_ = w.Flush()
}

// percentile sorts what was measured and returns what p of a hundred stay below.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)*p/100, len(times)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
