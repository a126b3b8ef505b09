package dashboard

import "saoma/backend/pay"

// A chart is bars side by side. The drawing is stretched to the width there is; its words stand beside it, so that
// they keep their size.
type chart struct {
	Bars  []bar
	Marks []string // under the bars, evenly spread
	Top   pay.Fen  // what the highest line stands for; 0: there is nothing to show
	Best  bar
	Sum   pay.Fen
	Wide  int // of the drawing
}

// A bar is drawn in a box of chartHeight, ten wide.
type bar struct {
	Label  string
	Value  pay.Fen
	Count  int64   // payments
	Other  pay.Fen // to compare with; drawn behind
	X      int
	Y, H   int
	OY, OH int
	Now    bool
}

const (
	chartHeight = 200
	barWidth    = 10
)

func (c *chart) add(label string, f pay.HourFigures, other pay.Fen, now bool) {
	c.Bars = append(c.Bars, bar{Label: label, Value: f.Takings, Count: f.Payments, Other: other, X: len(c.Bars) * barWidth, Now: now})
}

// finish gives the bars their heights, once all are there.
func (c *chart) finish() {
	var most pay.Fen
	for _, b := range c.Bars {
		most = max(most, b.Value, b.Other)
		c.Sum += b.Value
		if b.Value > c.Best.Value {
			c.Best = b
		}
	}
	c.Wide = len(c.Bars) * barWidth
	if most == 0 {
		return
	}
	c.Top = ceiling(most)
	for i := range c.Bars {
		b := &c.Bars[i]
		b.H, b.OH = height(b.Value, c.Top), height(b.Other, c.Top)
		b.Y, b.OY = chartHeight-b.H, chartHeight-b.OH
	}
}

// height is never nothing for something.
func height(v, top pay.Fen) int {
	if v == 0 {
		return 0
	}
	return max(int(v*chartHeight/top), 2)
}

// ceiling is a round number that is not below n, and not far above: 1, 1.2, 1.5, 2, … times a power of ten yuan.
func ceiling(n pay.Fen) pay.Fen {
	for power := pay.Fen(100); ; power *= 10 {
		for _, step := range [...]pay.Fen{power, power * 6 / 5, power * 3 / 2, power * 2, power * 5 / 2, power * 3, power * 4, power * 5, power * 6, power * 8} {
			if step >= n {
				return step
			}
		}
	}
}
