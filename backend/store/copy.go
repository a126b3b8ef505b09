package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"saoma/backend/pay"
)

// tables are all that rows are kept in, each behind those that it refers to. A test compares them with the schema.
var tables = [...]string{
	"orders", "attempts", "events", "roots", "products", "refunds", "idempotency", "reconciliations", "deliveries", "delivery_tries",
	"endpoints", "staff", "staff_sessions", "staff_tries", "staff_log", "reservations", "secret_keys", "echoes", "leases",
}

// ErrNotEmpty is returned, wrapped, by [Copy] for a database that holds rows already.
var ErrNotEmpty = errors.New("there is something in it already")

// Copied is what [Copy] has copied.
type Copied struct {
	Rows     int64 // of all tables
	Orders   int64
	Paid     int64   // payments
	Total    pay.Fen // of all payments
	Refunded pay.Fen // or being refunded
}

// Copy copies everything in one database to another, whose tables must be empty, reads it back and compares it row by row, and
// has verify look at the copy. All of that is one transaction of the other database: if anything goes wrong, or the program
// dies, nothing is in it. Nobody can change the first database meanwhile.
func Copy(ctx context.Context, from, to *Store, verify func(pay.Store) error) (c Copied, err error) {
	err = from.writer.update(ctx, func(source pay.Tx) error {
		return to.writer.update(ctx, func(target pay.Tx) error {
			c, err = copyAll(ctx, source.(tx).session, target.(tx).session)
			if err != nil {
				return err
			}
			return verify(within{target})
		})
	})
	return c, err
}

func copyAll(ctx context.Context, source, target *session) (c Copied, err error) {
	for _, table := range tables {
		rows, err := copyTable(ctx, source, target, table)
		if err != nil {
			return c, fmt.Errorf("copy the table %s: %w", table, err)
		}
		c.Rows += rows
	}
	was, err := takings(ctx, source)
	if err != nil {
		return c, err
	}
	is, err := takings(ctx, target)
	if err != nil {
		return c, err
	}
	if was != is {
		return c, fmt.Errorf("the copy holds %+v, the books %+v", is, was)
	}
	is.Rows = c.Rows
	return is, nil
}

// takings adds up what people would compare.
func takings(ctx context.Context, s *session) (c Copied, err error) {
	err = s.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM orders), COUNT(*),
		CAST(COALESCE(SUM(total), 0) AS BIGINT), CAST(COALESCE(SUM(refunded), 0) AS BIGINT) FROM attempts WHERE state = 'paid'`).
		Scan(&c.Orders, &c.Paid, &c.Total, &c.Refunded)
	if err != nil {
		return c, fmt.Errorf("add up the payments: %w", err)
	}
	return c, nil
}

func copyTable(ctx context.Context, source, target *session, table string) (n int64, err error) {
	var taken bool
	if err := target.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+table+`)`).Scan(&taken); err != nil {
		return 0, err
	}
	if taken {
		return 0, ErrNotEmpty
	}
	columns, err := columnsOf(ctx, source, table)
	if err != nil {
		return 0, err
	}
	all := `SELECT ` + strings.Join(columns, ", ") + ` FROM ` + table
	in := &insertion{session: target, table: table, columns: columns}
	read, err := eachRow(ctx, source, all, in.add)
	if err != nil {
		return 0, err
	}
	if err := in.flush(ctx); err != nil {
		return 0, err
	}
	written, err := eachRow(ctx, target, all, nil)
	if err != nil {
		return 0, fmt.Errorf("read it back: %w", err)
	}
	if read != written {
		return 0, fmt.Errorf("%d rows were copied and %d are there, or some differ", read.rows, written.rows)
	}
	return read.rows, nil
}

func columnsOf(ctx context.Context, s *session, table string) (names []string, err error) {
	rows, err := s.QueryContext(ctx, `SELECT * FROM `+table+` LIMIT 0`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	return rows.Columns()
}

// eachRow reads rows, gives each to f unless that is nil, and returns what they come to.
func eachRow(ctx context.Context, s *session, query string, f func(context.Context, []any) error) (sum rowSum, err error) {
	rows, err := s.QueryContext(ctx, query)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return sum, err
	}
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		values, err := scanRow(rows, columns)
		if err != nil {
			return sum, err
		}
		sum.add(values)
		if f != nil {
			if err := f(ctx, values); err != nil {
				return sum, err
			}
		}
	}
	return sum, rows.Err()
}

// scanRow reads a row. SQLite keeps booleans as numbers.
func scanRow(rows *sql.Rows, columns []*sql.ColumnType) ([]any, error) {
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, column := range columns {
		if n, ok := values[i].(int64); ok && column.DatabaseTypeName() == "BOOLEAN" {
			values[i] = n != 0
		}
	}
	return values, nil
}

// within is the books as one open transaction sees them.
type within struct{ tx pay.Tx }

func (w within) View(_ context.Context, f func(pay.Tx) error) error { return f(w.tx) }

func (w within) Update(context.Context, func(pay.Tx) error) error {
	return errors.New("a copy is only looked at")
}
