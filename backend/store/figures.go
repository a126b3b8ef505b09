package store

import (
	"context"
	"fmt"
	"time"

	"saoma/backend/pay"
)

// hour is the length of one, in milliseconds. Beijing's hours begin when those of UTC do.
const hour = "3600000"

// HourFigures implements [pay.FiguresTx]. Each query walks one index over the span and nothing else.
func (t tx) HourFigures(ctx context.Context, m pay.MerchantID, from, to time.Time) (map[int64]*pay.HourFigures, error) {
	hours := make(map[int64]*pay.HourFigures)
	of := func(h int64) *pay.HourFigures {
		if hours[h] == nil {
			hours[h] = &pay.HourFigures{Waits: make(map[int64]int64)}
		}
		return hours[h]
	}
	for _, q := range []struct {
		text string
		scan func(scanner) error
	}{
		{
			`SELECT created_at / ` + hour + `, COUNT(*), SUM(CASE WHEN shown_at <> 0 THEN 1 ELSE 0 END),
				SUM(CASE WHEN state IN ('paid', 'refunded') THEN 1 ELSE 0 END),
				SUM(CASE WHEN state = 'expired' THEN 1 ELSE 0 END), SUM(CASE WHEN state = 'cancelled' THEN 1 ELSE 0 END)
				FROM orders WHERE merchant = $1 AND created_at >= $2 AND created_at < $3 GROUP BY 1`,
			func(row scanner) error {
				var h int64
				var f pay.HourFigures
				if err := row.Scan(&h, &f.Orders, &f.Shown, &f.Paid, &f.Expired, &f.Cancelled); err != nil {
					return err
				}
				of(h).Add(f)
				return nil
			},
		},
		{
			`SELECT paid_at / ` + hour + `, (paid_at - created_at) / 1000, COUNT(*), CAST(SUM(total) AS BIGINT)
				FROM orders WHERE merchant = $1 AND paid_at <> 0 AND paid_at >= $2 AND paid_at < $3 GROUP BY 1, 2`,
			func(row scanner) error {
				var h, wait, n int64
				var sum pay.Fen
				if err := row.Scan(&h, &wait, &n, &sum); err != nil {
					return err
				}
				// WeChat Pay's clock may be behind ours.
				of(h).Add(pay.HourFigures{Payments: n, Takings: sum, Waits: map[int64]int64{max(wait, 0): n}})
				return nil
			},
		},
		{
			`SELECT accepted_at / ` + hour + `, COUNT(*), CAST(SUM(amount) AS BIGINT) FROM refunds
				WHERE merchant = $1 AND accepted_at <> 0 AND accepted_at >= $2 AND accepted_at < $3 AND state <> 'closed' GROUP BY 1`,
			func(row scanner) error {
				var h int64
				var f pay.HourFigures
				if err := row.Scan(&h, &f.Refunds, &f.Refunded); err != nil {
					return err
				}
				of(h).Add(f)
				return nil
			},
		},
	} {
		rows, err := t.QueryContext(ctx, q.text, m, millis(from), millis(to))
		if err != nil {
			return nil, fmt.Errorf("figures of %s: %w", m, err)
		}
		if err := each(rows, q.scan); err != nil {
			return nil, fmt.Errorf("figures of %s: %w", m, err)
		}
	}
	return hours, nil
}
