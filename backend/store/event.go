package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"saoma/backend/pay"
)

const eventColumns = `order_id, number, version, kind, at, detail, prev, hash`

func (t tx) AppendEvent(ctx context.Context, e pay.Event) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("append an event of %s: %w", e.Order, err)
	}
	return t.change(ctx, "append an event of "+string(e.Order), `INSERT INTO events (`+eventColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.Order, e.Number, e.Version, e.Kind, millis(e.At), string(detail), e.Prev, e.Hash)
}

func (t tx) Events(ctx context.Context, id pay.OrderID) ([]pay.Event, error) {
	rows, err := t.QueryContext(ctx, `SELECT `+eventColumns+` FROM events WHERE order_id = $1 ORDER BY number`, id)
	if err != nil {
		return nil, fmt.Errorf("events of %s: %w", id, err)
	}
	list, err := collect(rows, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("events of %s: %w", id, err)
	}
	return list, nil
}

func (t tx) LastEvent(ctx context.Context, id pay.OrderID) (number int64, hash string, err error) {
	err = t.QueryRowContext(ctx, `SELECT number, hash FROM events WHERE order_id = $1 ORDER BY number DESC LIMIT 1`, id).
		Scan(&number, &hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, "", fmt.Errorf("last event of %s: %w", id, err)
	}
	return number, hash, nil
}

func (t tx) EachEvent(ctx context.Context, f func(pay.Event) error) error {
	rows, err := t.QueryContext(ctx, `SELECT `+eventColumns+` FROM events ORDER BY order_id, number`)
	if err != nil {
		return fmt.Errorf("walk the events: %w", err)
	}
	return each(rows, func(row scanner) error {
		e, err := scanEvent(row)
		if err != nil {
			return fmt.Errorf("walk the events: %w", err)
		}
		return f(e)
	})
}

func (t tx) EachHash(ctx context.Context, begin, end time.Time, f func(string)) error {
	rows, err := t.QueryContext(ctx,
		`SELECT hash FROM events WHERE at >= $1 AND at < $2 ORDER BY order_id, number`, millis(begin), millis(end))
	if err != nil {
		return fmt.Errorf("walk the hashes: %w", err)
	}
	return each(rows, func(row scanner) error {
		var hash string
		if err := row.Scan(&hash); err != nil {
			return fmt.Errorf("walk the hashes: %w", err)
		}
		f(hash)
		return nil
	})
}

// each calls f on every row.
func each(rows *sql.Rows, f func(scanner) error) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t tx) FirstEventAt(ctx context.Context) (time.Time, error) {
	var at int64
	if err := t.QueryRowContext(ctx, `SELECT at FROM events ORDER BY at LIMIT 1`).Scan(&at); err != nil {
		return time.Time{}, noRow("first event", err)
	}
	return moment(at), nil
}

func (t tx) InsertRoot(ctx context.Context, r pay.Root) error {
	return t.change(ctx, "insert the root of "+r.Day,
		`INSERT INTO roots (day, prev, root, events) VALUES ($1, $2, $3, $4)`, r.Day, r.Prev, r.Hash, r.Events)
}

func (t tx) Roots(ctx context.Context) ([]pay.Root, error) {
	rows, err := t.QueryContext(ctx, `SELECT day, prev, root, events FROM roots ORDER BY day`)
	if err != nil {
		return nil, fmt.Errorf("list the roots: %w", err)
	}
	list, err := collect(rows, func(row scanner) (r pay.Root, err error) {
		err = row.Scan(&r.Day, &r.Prev, &r.Hash, &r.Events)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the roots: %w", err)
	}
	return list, nil
}

func scanEvent(row scanner) (e pay.Event, err error) {
	var at int64
	var detail []byte
	if err := row.Scan(&e.Order, &e.Number, &e.Version, &e.Kind, &at, &detail, &e.Prev, &e.Hash); err != nil {
		return e, err
	}
	e.At = moment(at)
	return e, json.Unmarshal(detail, &e.Detail)
}
