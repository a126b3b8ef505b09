package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"saoma/backend/pay"
)

// byNumber finds an order by whatever number people have of it.
const byNumber = `id IN (SELECT CAST(%[1]s AS TEXT)
	UNION SELECT order_id FROM attempts WHERE out_trade_no = %[1]s
	UNION SELECT order_id FROM attempts WHERE transaction_id <> '' AND transaction_id = %[1]s
	UNION SELECT order_id FROM refunds WHERE id = %[1]s
	UNION SELECT id FROM orders WHERE merchant = $1 AND reference <> '' AND reference = %[1]s)`

// SearchOrders implements [pay.OrderSearchTx]. Each combination of what is asked for walks one index.
func (t tx) SearchOrders(ctx context.Context, s pay.OrderSearch) ([]pay.Order, error) {
	merchant := "merchant = $1"
	if s.Text != "" {
		merchant = "merchant || '' = $1" // else SQLite walks all of the merchant's orders by time, to look each up in the few
	}
	where, args := []string{merchant}, []any{s.Merchant}
	add := func(condition string, values ...any) {
		places := make([]any, len(values))
		for i, v := range values {
			args = append(args, v)
			places[i] = fmt.Sprintf("$%d", len(args))
		}
		where = append(where, fmt.Sprintf(condition, places...))
	}
	if s.Text != "" {
		add(byNumber, s.Text)
	}
	if s.Total != 0 {
		add("total = %s", s.Total)
	}
	if s.State != "" {
		add("state = %s", s.State)
	}
	if !s.From.IsZero() {
		add("created_at >= %s", s.From.UnixMilli())
	}
	if !s.To.IsZero() {
		add("created_at < %s", s.To.UnixMilli())
	}
	if s.After.ID != "" {
		add("(created_at, id) < (%s, %s)", s.After.At.UnixMilli(), s.After.ID)
	}
	args = append(args, s.Limit)
	rows, err := t.QueryContext(ctx, selectOrder+"WHERE "+strings.Join(where, " AND ")+
		fmt.Sprintf(" ORDER BY created_at DESC, id DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("search orders: %w", err)
	}
	list, err := collect(rows, scanOrder)
	if err != nil {
		return nil, fmt.Errorf("search orders: %w", err)
	}
	return list, nil
}

func (t tx) Attempts(ctx context.Context, id pay.OrderID) ([]pay.Attempt, error) {
	rows, err := t.QueryContext(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE order_id = $1 ORDER BY created_at, out_trade_no`, id)
	if err != nil {
		return nil, fmt.Errorf("attempts of %s: %w", id, err)
	}
	list, err := collect(rows, scanAttempt)
	if err != nil {
		return nil, fmt.Errorf("attempts of %s: %w", id, err)
	}
	return list, nil
}

func (t tx) MarkShown(ctx context.Context, id pay.OrderID, at time.Time) (first bool, err error) {
	res, err := t.ExecContext(ctx, `UPDATE orders SET shown_at = $2 WHERE id = $1 AND shown_at = 0`, id, millis(at))
	if err != nil {
		return false, fmt.Errorf("mark %s as shown: %w", id, err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
