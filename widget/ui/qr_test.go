package ui

import (
	"image"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

var run = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// paint draws the path as a browser would, with scale pixels to a module.
func paint(t *testing.T, c code, scale int) *image.Gray {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, c.modules*scale, c.modules*scale))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	runs := run.FindAllStringSubmatch(c.path, -1)
	if got := strings.Join(column(runs, 0), ""); got != c.path {
		t.Fatalf("the path is more than runs: %s", c.path)
	}
	for _, r := range runs {
		x, y, w := number(r[1]), number(r[2]), number(r[3])
		if r[3] != r[4] {
			t.Fatalf("run %s does not close", r[0])
		}
		for py := y * scale; py < (y+1)*scale; py++ {
			for px := x * scale; px < (x+w)*scale; px++ {
				img.SetGray(px, py, color.Gray{})
			}
		}
	}
	return img
}

func column(rows [][]string, i int) (column []string) {
	for _, r := range rows {
		column = append(column, r[i])
	}
	return column
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func TestTheCodeCanBeRead(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"weixin://wxpay/bizpayurl?pr=NwY5Mz9&groupid=00",
		"weixin://wxpay/bizpayurl/up?pr=NwY5Mz9&groupid=00",
		"weixin://wxpay/bizpayurl?sr=" + strings.Repeat("x", 484), // code_url is at most 512 characters
		"微信",
	} {
		c := newCode(content)
		img := paint(t, c, 3)
		bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
		if err != nil {
			t.Fatal(err)
		}
		got, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
		if err != nil || got.GetText() != content {
			t.Errorf("the code reads %v, %v; want %q", got, err, content)
		}
		for i := range c.modules { // the quiet zone, ISO/IEC 18004 §5.3.8
			for edge := range 4 {
				far := c.modules - 1 - edge
				for _, p := range [...]image.Point{{i, edge}, {edge, i}, {i, far}, {far, i}} {
					if img.GrayAt(p.X*3, p.Y*3).Y == 0 {
						t.Fatalf("module %v of the quiet zone is dark", p)
					}
				}
			}
		}
	}
}

// Modules are a whole number of pixels, and an ordinary code is at least 200 pixels wide.
func TestTheCodesWidth(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 512; n += 7 {
		c := newCode(strings.Repeat("x", n))
		if c.width()%c.modules != 0 || c.width() > codeWidthMax {
			t.Errorf("%d modules are %d pixels", c.modules, c.width())
		}
		if c.modules <= 53 && c.width() < 200 {
			t.Errorf("a code of %d modules is only %d pixels wide", c.modules, c.width())
		}
	}
}

func TestTheCodeIsStable(t *testing.T) {
	t.Parallel()
	a, b := newCode("weixin://wxpay/bizpayurl?pr=1"), newCode("weixin://wxpay/bizpayurl?pr=1")
	if a != b {
		t.Error("the same content makes different codes: the takeover would be seen")
	}
	if other := newCode("weixin://wxpay/bizpayurl?pr=2"); other.path == a.path {
		t.Error("different contents make the same code")
	}
}

func TestContentThatMakesNoCode(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", strings.Repeat("x", 5000)} {
		if c := newCode(content); c.drawn() || c.path != "" {
			t.Errorf("%d bytes make a code of %d modules", len(content), c.modules)
		}
	}
}
