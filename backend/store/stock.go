package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"saoma/backend/pay"
)

func (t tx) AddStock(ctx context.Context, m pay.MerchantID, sku string, n int64) (left int64, counted bool, err error) {
	err = t.QueryRowContext(ctx, `UPDATE products SET stock = stock + $3, version = version + 1
		WHERE merchant = $1 AND sku = $2 AND stock IS NOT NULL RETURNING stock`, m, sku, n).Scan(&left)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("change the stock of %s: %w", sku, err)
	}
	return left, true, nil
}

func (t tx) Reserve(ctx context.Context, r pay.Reservation) error {
	return t.change(ctx, "reserve for "+string(r.Order), `INSERT INTO reservations (order_id, merchant, sku, quantity)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (order_id, sku) DO UPDATE SET quantity = reservations.quantity + excluded.quantity`,
		r.Order, r.Merchant, r.SKU, r.Quantity)
}

func (t tx) Unreserve(ctx context.Context, id pay.OrderID) ([]pay.Reservation, error) {
	rows, err := t.QueryContext(ctx, `DELETE FROM reservations WHERE order_id = $1 RETURNING order_id, merchant, sku, quantity`, id)
	if err != nil {
		return nil, fmt.Errorf("end the reservations of %s: %w", id, err)
	}
	list, err := collect(rows, func(row scanner) (r pay.Reservation, err error) {
		err = row.Scan(&r.Order, &r.Merchant, &r.SKU, &r.Quantity)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("end the reservations of %s: %w", id, err)
	}
	return list, nil
}
