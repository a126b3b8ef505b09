package wechat

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"saoma/backend/pay"
)

// lineMax bounds a line of a bill in bytes. A row has some 350; the longest texts in it, the description and
// the attach data, have at most 128 characters each before they are escaped.
const lineMax = 64 << 10

// A table is the text of a bill (doc 4013071246): a header, rows, a header of the sums, the sums. Headers are
// names between commas. In rows a backtick stands before each field: `a,`b,`c. Merchants' texts are escaped so
// that neither the separator nor the end of a line is in them.
type table struct {
	text *bufio.Reader
	line int // read last, from 1
}

// A record is a row, or the sums.
type record struct {
	columns columns
	fields  [][]byte // good until the next line is read
}

// columns are the places of columns by name.
type columns map[string]int

// readTable calls begin with the columns, then row with every row, and returns the sums. Rows are read one by
// one: a bill needs no more memory than its longest line.
func readTable(text io.Reader, begin func(columns) error, row func(record) error) (sums record, err error) {
	t := table{text: bufio.NewReaderSize(text, lineMax)}
	if sums, err = t.read(begin, row); err != nil {
		return record{}, fmt.Errorf("line %d: %w", t.line, err)
	}
	return sums, nil
}

func (t *table) read(begin func(columns) error, row func(record) error) (record, error) {
	line, err := t.next()
	if err != nil {
		return record{}, err
	}
	names, err := header(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
	if err != nil {
		return record{}, err
	}
	if err := begin(names); err != nil {
		return record{}, err
	}
	r := record{columns: names}
	for {
		if line, err = t.next(); err != nil {
			return record{}, err
		}
		if !bytes.HasPrefix(line, []byte("`")) {
			return t.sums(line)
		}
		if err := r.split(line); err != nil {
			return record{}, err
		}
		if err := row(r); err != nil {
			return record{}, err
		}
	}
}

// sums reads the last line, of which this is the header.
func (t *table) sums(line []byte) (r record, err error) {
	if r.columns, err = header(line); err != nil {
		return record{}, err
	}
	if line, err = t.next(); err != nil {
		return record{}, err
	}
	if err := r.split(bytes.Clone(line)); err != nil {
		return record{}, err
	}
	if _, err := t.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		return record{}, errors.New("there is more after the sums")
	}
	return r, nil
}

// next returns the next line without its end. Past the last one it is an unexpected end: a bill has its sums.
func (t *table) next() ([]byte, error) {
	t.line++
	line, err := t.text.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("longer than %d bytes", lineMax)
	case errors.Is(err, io.EOF) && len(line) == 0:
		return nil, io.ErrUnexpectedEOF
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("read the bill: %w", err)
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
}

// header reads the names of columns. Older bills write some of them with the brackets of Chinese print.
func header(line []byte) (columns, error) {
	c := make(columns)
	for i, name := range strings.Split(strings.NewReplacer("（", "(", "）", ")").Replace(string(line)), ",") {
		if _, twice := c[name]; twice {
			return nil, fmt.Errorf("column %.40q is there twice", name)
		}
		c[name] = i
	}
	return c, nil
}

// need returns an error that names the first column that is missing.
func (c columns) need(names ...string) error {
	for _, name := range names {
		if !c.has(name) {
			return fmt.Errorf("column %s is missing", name)
		}
	}
	return nil
}

func (c columns) has(name string) bool {
	_, ok := c[name]
	return ok
}

// split takes a line apart. It reuses the fields of the line before.
func (r *record) split(line []byte) error {
	rest, ok := bytes.CutPrefix(line, []byte("`"))
	if !ok {
		return errors.New("a row begins without a backtick")
	}
	r.fields = r.fields[:0]
	for more := true; more; {
		var field []byte
		field, rest, more = bytes.Cut(rest, []byte(",`"))
		r.fields = append(r.fields, field)
	}
	if len(r.fields) != len(r.columns) {
		return fmt.Errorf("%d fields in %d columns", len(r.fields), len(r.columns))
	}
	return nil
}

// field returns the field of a column that is there.
func (r record) field(name string) []byte { return r.fields[r.columns[name]] }

func (r record) text(name string) string { return string(r.field(name)) }

// fen reads an amount, which bills write in yuan.
func (r record) fen(name string) (pay.Fen, error) {
	n, err := decimal(r.field(name), 2)
	if err != nil {
		return 0, fmt.Errorf("%s is %.40q: %w", name, r.field(name), err)
	}
	return pay.Fen(n), nil
}

// count reads a number of rows. Real bills have some as 45.0.
func (r record) count(name string) (int64, error) {
	n, err := decimal(r.field(name), 0)
	if err != nil {
		return 0, fmt.Errorf("%s is %.40q: %w", name, r.field(name), err)
	}
	return n, nil
}

// decimal reads a decimal number, not negative, as so many times 10^-places, exactly: digits beyond those
// places must be zeros. No float comes near money.
func decimal(text []byte, places int) (int64, error) {
	whole, fraction, point := bytes.Cut(text, []byte("."))
	if len(whole) == 0 || point && len(fraction) == 0 {
		return 0, errors.New("not a decimal number")
	}
	var n int64
	for i := range len(whole) + max(places, len(fraction)) {
		digit := byte('0')
		switch at := i - len(whole); {
		case at < 0:
			digit = whole[i]
		case at < len(fraction):
			digit = fraction[at]
		}
		switch {
		case digit < '0' || digit > '9':
			return 0, errors.New("not a decimal number")
		case i < len(whole)+places:
			if n > (math.MaxInt64-9)/10 {
				return 0, errors.New("too large")
			}
			n = n*10 + int64(digit-'0')
		case digit != '0':
			return 0, fmt.Errorf("more than %d decimals", places)
		}
	}
	return n, nil
}
