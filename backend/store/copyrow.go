package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// insertMax is how many values one statement inserts: below what SQLite (32,766) and PostgreSQL (65,535) take.
const insertMax = 8000

// An insertion puts rows into a table, many by one statement.
type insertion struct {
	*session
	table   string
	columns []string
	values  []any // of rows that wait
}

func (in *insertion) add(ctx context.Context, row []any) error {
	in.values = append(in.values, row...)
	if len(in.values)+len(in.columns) <= insertMax {
		return nil
	}
	return in.flush(ctx)
}

func (in *insertion) flush(ctx context.Context) error {
	if len(in.values) == 0 {
		return nil
	}
	var text strings.Builder
	text.WriteString(`INSERT INTO ` + in.table + ` (` + strings.Join(in.columns, ", ") + `) VALUES `)
	for i := range in.values {
		switch {
		case i == 0:
			text.WriteByte('(')
		case i%len(in.columns) == 0:
			text.WriteString("), (")
		default:
			text.WriteString(", ")
		}
		text.WriteString("$" + strconv.Itoa(i+1))
	}
	text.WriteByte(')')
	_, err := in.ExecContext(ctx, text.String(), in.values...)
	in.values = in.values[:0]
	return err
}

// A rowSum is how many rows there are and the sum of their SHA-256 digests, modulo 2^64 in each quarter: the same for the same
// rows in any order, for databases sort text each in its own way.
type rowSum struct {
	rows     int64
	quarters [4]uint64
}

func (s *rowSum) add(row []any) {
	var text []byte
	for _, value := range row {
		text = appendValue(text, value)
	}
	digest := sha256.Sum256(text)
	for i := range s.quarters {
		s.quarters[i] += binary.BigEndian.Uint64(digest[8*i:])
	}
	s.rows++
}

// appendValue appends a value so that no two rows are written alike.
func appendValue(text []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(text, 'n')
	case bool:
		if v {
			return append(text, 't')
		}
		return append(text, 'f')
	case int64:
		return binary.BigEndian.AppendUint64(append(text, 'i'), uint64(v))
	case []byte:
		return appendValue(text, string(v))
	case string:
		text = binary.BigEndian.AppendUint64(append(text, 's'), uint64(len(v)))
		return append(text, v...)
	default: // no column has such a type
		return appendValue(text, fmt.Sprintf("%T %v", v, v))
	}
}
