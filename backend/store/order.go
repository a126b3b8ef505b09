package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"saoma/backend/pay"
)

// The code belongs to the open attempt, of which there is at most one.
const selectOrder = `SELECT id, merchant, token, state, version, total, refunded, description, reference,
	items, metadata, channel, return_url, late, transaction_id, created_at, expires_at, paid_at,
	COALESCE((SELECT prepay_result FROM attempts
		WHERE order_id = orders.id AND state = 'open' AND channel = 'native'), '')
	FROM orders `

func (t tx) Order(ctx context.Context, id pay.OrderID) (pay.Order, error) {
	o, err := scanOrder(t.QueryRowContext(ctx, selectOrder+`WHERE id = $1`+t.locks, id))
	if err != nil {
		return pay.Order{}, noRow("order "+string(id), err)
	}
	return o, nil
}

// The token does not go into the error: it is the customer's key to the order.
func (t tx) OrderByToken(ctx context.Context, token pay.Token) (pay.Order, error) {
	o, err := scanOrder(t.QueryRowContext(ctx, selectOrder+`WHERE token = $1`+t.locks, token))
	if err != nil {
		return pay.Order{}, noRow("order by token", err)
	}
	return o, nil
}

func (t tx) Orders(ctx context.Context, f pay.OrderFilter) ([]pay.Order, error) {
	query, args := ordersQuery(f)
	rows, err := t.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list orders: %w", err)
	}
	list, err := collect(rows, scanOrder)
	if err != nil {
		return nil, fmt.Errorf("list orders: %w", err)
	}
	return list, nil
}

// ordersQuery asks for orders by an index whatever the filter is; a test holds that.
func ordersQuery(f pay.OrderFilter) (query string, args []any) {
	where, args := []string{"merchant = $1"}, []any{f.Merchant}
	filter := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	switch {
	case f.Reference != "" && f.State != "":
		filter("state || '' = $%d", f.State) // not by the index of states: a reference has few orders, a state has many
	case f.State != "":
		filter("state = $%d", f.State)
	}
	if f.Reference != "" {
		filter("reference <> '' AND reference = $%d", f.Reference)
	}
	if !f.CreatedAfter.IsZero() {
		filter("created_at > $%d", f.CreatedAfter.UnixMilli())
	}
	sort := "created_at DESC, id DESC"
	if f.Reference != "" {
		sort = "id DESC" // as they stand in the index of references
	}
	if f.Before != "" && f.Reference != "" {
		filter("id < $%d", f.Before)
	} else if f.Before != "" {
		filter("(created_at, id) < ((SELECT created_at FROM orders WHERE merchant = $1 AND id = $%[1]d), $%[1]d)", f.Before)
	}
	args = append(args, f.Limit)
	return selectOrder + "WHERE " + strings.Join(where, " AND ") + fmt.Sprintf(" ORDER BY %s LIMIT $%d", sort, len(args)), args
}

func (t tx) InsertOrder(ctx context.Context, o pay.Order) error {
	items, err := json.Marshal(o.Items)
	if err != nil {
		return fmt.Errorf("insert order %s: %w", o.ID, err)
	}
	metadata, err := json.Marshal(o.Metadata)
	if err != nil {
		return fmt.Errorf("insert order %s: %w", o.ID, err)
	}
	return t.change(ctx, "insert order "+string(o.ID), `INSERT INTO orders (id, merchant, token, state, version,
		total, refunded, description, reference, items, metadata, channel, return_url, late, transaction_id,
		created_at, expires_at, paid_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		o.ID, o.Merchant, o.Token, o.State, o.Version, o.Total, o.Refunded, o.Description, o.Reference,
		string(items), string(metadata), o.Channel, o.ReturnURL, o.Late, o.TransactionID,
		millis(o.CreatedAt), millis(o.ExpiresAt), millis(o.PaidAt))
}

func (t tx) UpdateOrder(ctx context.Context, o pay.Order) error {
	return t.change(ctx, "update order "+string(o.ID), `UPDATE orders SET state = $3, version = $4,
		refunded = $5, late = $6, transaction_id = $7, expires_at = $8, paid_at = $9, channel = $10
		WHERE id = $1 AND version = $2`,
		o.ID, o.Version-1, o.State, o.Version, o.Refunded, o.Late, o.TransactionID,
		millis(o.ExpiresAt), millis(o.PaidAt), o.Channel)
}

func scanOrder(row scanner) (o pay.Order, err error) {
	var items, metadata []byte
	var created, expires, paid int64
	if err := row.Scan(&o.ID, &o.Merchant, &o.Token, &o.State, &o.Version, &o.Total, &o.Refunded,
		&o.Description, &o.Reference, &items, &metadata, &o.Channel, &o.ReturnURL, &o.Late, &o.TransactionID,
		&created, &expires, &paid, &o.CodeURL); err != nil {
		return o, err
	}
	if err := json.Unmarshal(items, &o.Items); err != nil {
		return o, fmt.Errorf("items of %s: %w", o.ID, err)
	}
	if err := json.Unmarshal(metadata, &o.Metadata); err != nil {
		return o, fmt.Errorf("metadata of %s: %w", o.ID, err)
	}
	o.CreatedAt, o.ExpiresAt, o.PaidAt = moment(created), moment(expires), moment(paid)
	return o, nil
}

// millis and moment translate times to and from the books: Unix milliseconds, 0 for "not yet".
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
