package wechatsim

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
)

// The form of all bills: UTF-8 with a BOM, every line ended by CRLF, the last one too, titles bare, every value after
// one backtick.
const (
	bom  = "\ufeff"
	crlf = "\r\n"
)

// A sheet writes a bill line by line and keeps no more than one of them.
type sheet struct {
	w    *bufio.Writer
	line []byte
}

func newSheet(w io.Writer) *sheet {
	x := &sheet{w: bufio.NewWriterSize(w, 64<<10)}
	_, _ = x.w.WriteString(bom) // a failed write is reported by every later one
	return x
}

// titles writes a line of column names.
func (x *sheet) titles(names ...string) error {
	_, err := x.w.WriteString(strings.Join(names, ",") + crlf)
	return err
}

// next starts the next value of a line: what is appended to the line then is the value.
func (x *sheet) next() {
	if len(x.line) > 0 {
		x.line = append(x.line, ',')
	}
	x.line = append(x.line, '`')
}

// put writes the next values of a line.
func (x *sheet) put(values ...string) {
	for _, v := range values {
		x.next()
		x.line = append(x.line, v...)
	}
}

// end closes a line.
func (x *sheet) end() error {
	x.line = append(x.line, crlf...)
	_, err := x.w.Write(x.line)
	x.line = x.line[:0]
	return err
}

// appendYuan writes fen as yuan with two decimals.
func appendYuan(dst []byte, fen int64) []byte {
	if fen < 0 {
		dst, fen = append(dst, '-'), -fen
	}
	dst = strconv.AppendInt(dst, fen/100, 10)
	return append(dst, '.', byte('0'+fen%100/10), byte('0'+fen%10))
}

// appendFee writes fen as yuan with five decimals: so real bills write a fee, whatever the page says.
func appendFee(dst []byte, fen int64) []byte { return append(appendYuan(dst, fen), "000"...) }

func yuan(fen int64) string { return string(appendYuan(nil, fen)) }

func appendTime(dst []byte, t time.Time, zone *time.Location) []byte {
	return t.In(zone).AppendFormat(dst, time.DateTime)
}

// appendText writes a merchant's text with the escapes of bills. A comma becomes a backslash and a blank: that cannot
// be read back, and it makes a split at comma and backtick exact.
func appendText(dst []byte, value string, refund bool) []byte {
	for _, r := range value {
		switch r {
		case '\\', '"':
			dst = append(dst, '\\', byte(r))
		case ',', '\ue000':
			dst = append(dst, `\ `...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\x1a':
			dst = append(dst, '\\', '\x1a')
		case '\'':
			if !refund {
				dst = append(dst, '\\')
			}
			dst = append(dst, '\'')
		case '`':
			if refund {
				dst = append(dst, `\140`...)
			} else {
				dst = append(dst, "\\`"...)
			}
		default:
			dst = append(dst, string(r)...)
		}
	}
	return dst
}
