package server

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A colour is red, green and blue, 0 to 255.
type colour [3]float64

var black, white = colour{}, colour{255, 255, 255}

func (c colour) String() string { return fmt.Sprintf("rgb(%g %g %g)", c[0], c[1], c[2]) }

var (
	hexColour = regexp.MustCompile(`^#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$`)
	rgbColour = regexp.MustCompile(`^rgba?\( ?(\d{1,3})(?:, ?| )(\d{1,3})(?:, ?| )(\d{1,3})(?:(?:, ?| / )(\d?\.?\d{1,4}))? ?\)$`)
)

// parseColour reads #rgb, #rrggbb, both also with alpha, and rgb(). What can be seen through is laid on paper.
func parseColour(text string, paper colour) (colour, bool) {
	if m := rgbColour.FindStringSubmatch(text); m != nil {
		var c colour
		for i := range c {
			c[i], _ = strconv.ParseFloat(m[i+1], 64) // digits
		}
		alpha := 1.0
		if m[4] != "" {
			alpha, _ = strconv.ParseFloat(m[4], 64)
		}
		return mix(paper, c, min(alpha, 1)), true
	}
	if !hexColour.MatchString(text) {
		return colour{}, false
	}
	digits := text[1:]
	if len(digits) < 6 {
		var long strings.Builder
		for _, d := range digits {
			long.WriteString(strings.Repeat(string(d), 2))
		}
		digits = long.String()
	}
	n, _ := strconv.ParseUint((digits + "ff")[:8], 16, 32) // hexadecimal, by the expression above
	return mix(paper, colour{float64(n >> 24), float64(n >> 16 & 255), float64(n >> 8 & 255)}, float64(n&255)/255), true
}

// mix goes a part of the way from one colour to another.
func mix(from, to colour, part float64) (c colour) {
	for i := range c {
		c[i] = math.Round(min(max(from[i]+(to[i]-from[i])*part, 0), 255))
	}
	return c
}

// luminance and contrast are WCAG 2.2's.
func luminance(c colour) float64 {
	for i, v := range c {
		if v <= 10 {
			c[i] = v / 255 / 12.92
		} else {
			c[i] = math.Pow((v/255+.055)/1.055, 2.4)
		}
	}
	return .2126*c[0] + .7152*c[1] + .0722*c[2]
}

func contrast(a, b colour) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

// readable moves a colour towards black or white until it can be read on all papers.
func readable(c colour, least float64, papers ...colour) colour {
	worst := func(c colour) float64 {
		w := math.Inf(1)
		for _, paper := range papers {
			w = min(w, contrast(c, paper))
		}
		return w
	}
	end := white
	if worst(black) > worst(white) {
		end = black
	}
	for step := range 20 {
		if got := mix(c, end, float64(step)*.05); worst(got) >= least {
			return got
		}
	}
	return end
}
