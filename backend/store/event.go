package store

import (
	"context"
	"encoding/json"
	"fmt"

	"saoma/backend/pay"
)

func (t tx) AppendEvent(ctx context.Context, e pay.Event) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("append an event of %s: %w", e.Order, err)
	}
	return t.change(ctx, "append an event of "+string(e.Order), `INSERT INTO events (order_id, number, version, kind, at, detail)
		SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5 FROM events WHERE order_id = $1`,
		e.Order, e.Version, e.Kind, millis(e.At), string(detail))
}

func (t tx) Events(ctx context.Context, id pay.OrderID) ([]pay.Event, error) {
	rows, err := t.QueryContext(ctx,
		`SELECT order_id, version, kind, at, detail FROM events WHERE order_id = $1 ORDER BY number`, id)
	if err != nil {
		return nil, fmt.Errorf("events of %s: %w", id, err)
	}
	list, err := collect(rows, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("events of %s: %w", id, err)
	}
	return list, nil
}

func scanEvent(row scanner) (e pay.Event, err error) {
	var at int64
	var detail []byte
	if err := row.Scan(&e.Order, &e.Version, &e.Kind, &at, &detail); err != nil {
		return e, err
	}
	e.At = moment(at)
	return e, json.Unmarshal(detail, &e.Detail)
}
