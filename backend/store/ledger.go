package store

import (
	"context"
	"fmt"

	"saoma/backend/pay"
)

// ledger reads a page of a span: rows of a table that meet a condition, by the time in a column. The moment stands in two
// conditions, so that also a database which does not compare rows by an index starts at the right place.
func ledger[T any](ctx context.Context, t tx, s pay.LedgerSpan, selection, at, id, condition string, scan func(scanner) (T, error)) ([]T, error) {
	from := max(s.From.UnixMilli(), millis(s.After))
	rows, err := t.QueryContext(ctx, fmt.Sprintf(`%[1]s WHERE merchant = $1 AND %[2]s >= $2 AND %[2]s < $3
		AND (%[2]s > $4 OR %[3]s > $5) %[4]s ORDER BY %[2]s, %[3]s LIMIT $6`, selection, at, id, condition),
		s.Merchant, from, s.To.UnixMilli(), millis(s.After), s.AfterID, s.Limit)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	list, err := collect(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return list, nil
}

func (t tx) LedgerOrders(ctx context.Context, s pay.LedgerSpan) ([]pay.Order, error) {
	return ledger(ctx, t, s, selectOrder, "created_at", "id", "", scanOrder)
}

func (t tx) LedgerPayments(ctx context.Context, s pay.LedgerSpan) ([]pay.Attempt, error) {
	return ledger(ctx, t, s, `SELECT `+attemptColumns+` FROM attempts`, "paid_at", "out_trade_no", "AND state = 'paid'", scanAttempt)
}

func (t tx) LedgerRefunds(ctx context.Context, s pay.LedgerSpan) ([]pay.Refund, error) {
	return ledger(ctx, t, s, `SELECT `+refundColumns+` FROM refunds`, "accepted_at", "id", "AND accepted_at <> 0", scanRefund)
}
