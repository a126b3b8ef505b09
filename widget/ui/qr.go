package ui

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
	"github.com/skip2/go-qrcode"
)

const svgNamespace = "http://www.w3.org/2000/svg"

// codeWidthMax is the widest a code is drawn, in CSS pixels, where the style sheet knows nothing better: it counts
// with the pixels of the screen, of which there may be 1.25 to a CSS pixel. The largest whole number of pixels to a module
// below it is taken, which leaves every code_url of WeChat Pay (33 to 53 modules with the quiet zone) at
// more than 200 pixels: below that, older phones need to come close.
const codeWidthMax = 264

// A code is a QR code as one SVG path: the runs of dark modules of every row.
type code struct {
	content string
	path    string
	modules int // on a side, the quiet zone of four modules included; 0 if there is no code
}

// newCode encodes at level Medium (15 % may be lost): a screen is clean, and every level more makes the
// modules smaller. A content that is empty or too long for any QR code gives a code that is not drawn.
func newCode(content string) code {
	q, err := qrcode.New(content, qrcode.Medium)
	if err != nil {
		return code{content: content}
	}
	rows := q.Bitmap()
	var path strings.Builder
	for y, row := range rows {
		for x := 0; x < len(row); x++ {
			start := x
			for x < len(row) && row[x] {
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start, y, x-start, x-start)
			}
		}
	}
	return code{content: content, path: path.String(), modules: len(rows)}
}

func (c code) drawn() bool { return c.modules > 0 }

// width is the code's width in CSS pixels.
func (c code) width() int {
	return max(codeWidthMax/c.modules, 1) * c.modules
}

// svg draws the code, dark on white in every theme. The nodes are real SVG nodes, because innerHTML is
// what Trusted Types forbid.
func (c code) svg(name string) app.UI {
	side, width := strconv.Itoa(c.modules), strconv.Itoa(c.width())
	return app.Elem("svg").XMLNS(svgNamespace).ID("saoma-code").Class("code m"+side).
		Attr("viewBox", "0 0 "+side+" "+side).Attr("width", width).Attr("height", width).
		Attr("shape-rendering", "crispEdges").
		Role("img").Attr("aria-label", attr(name)).
		Body(
			app.Elem("path").XMLNS(svgNamespace).Attr("fill", "#fff").Attr("d", "M0 0h"+side+"v"+side+"H0z"),
			app.Elem("path").XMLNS(svgNamespace).Attr("fill", "#000").Attr("d", c.path),
		)
}
