package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"saoma/backend/pay"
)

func (t tx) Confirm(ctx context.Context, m pay.MerchantID, day string, rows []pay.BillRow) (others []pay.BillRow, err error) {
	const (
		payment = `UPDATE attempts SET billed = $1 WHERE out_trade_no = $2 AND merchant = $3
			AND state = 'paid' AND mchid = $4 AND appid = $5 AND transaction_id = $6 AND total = $7 AND sub_mchid = $8`
		refund = `UPDATE refunds SET billed = $1 WHERE id = $2 AND merchant = $3
			AND state <> 'requested' AND amount = $4`
	)
	for _, row := range rows {
		var res sql.Result
		if row.Refund {
			res, err = t.ExecContext(ctx, refund, day, row.RefundID, m, row.RefundAmount)
		} else {
			res, err = t.ExecContext(ctx, payment, day, row.OutTradeNo, m, row.MchID, row.AppID, row.TransactionID, row.Total,
				row.SubMchID)
		}
		if err != nil {
			return nil, fmt.Errorf("confirm %s: %w", row.OutTradeNo, err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return nil, fmt.Errorf("confirm %s: %w", row.OutTradeNo, err)
		}
		if n == 0 {
			others = append(others, row)
		}
	}
	return others, nil
}

func (t tx) EachUnbilledPayment(ctx context.Context, m pay.MerchantID, begin, end time.Time, f func(pay.Attempt) error) error {
	rows, err := t.QueryContext(ctx, `SELECT `+attemptColumns+` FROM attempts
		WHERE merchant = $1 AND state = 'paid' AND paid_at >= $2 AND paid_at < $3 AND billed = '' ORDER BY paid_at`,
		m, millis(begin), millis(end))
	if err != nil {
		return fmt.Errorf("payments without a bill: %w", err)
	}
	return each(rows, func(row scanner) error {
		a, err := scanAttempt(row)
		if err != nil {
			return fmt.Errorf("payments without a bill: %w", err)
		}
		return f(a)
	})
}

func (t tx) EachUnbilledRefund(ctx context.Context, m pay.MerchantID, begin, end time.Time, f func(pay.Refund) error) error {
	rows, err := t.QueryContext(ctx, `SELECT `+refundColumns+` FROM refunds
		WHERE merchant = $1 AND accepted_at <> 0 AND accepted_at >= $2 AND accepted_at < $3 AND billed = '' ORDER BY accepted_at`,
		m, millis(begin), millis(end))
	if err != nil {
		return fmt.Errorf("refunds without a bill: %w", err)
	}
	return each(rows, func(row scanner) error {
		r, err := scanRefund(row)
		if err != nil {
			return fmt.Errorf("refunds without a bill: %w", err)
		}
		return f(r)
	})
}

func (t tx) SaveReconciliation(ctx context.Context, r pay.Reconciliation) error {
	report, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("save the reconciliation of %s: %w", r.Day, err)
	}
	return t.change(ctx, "save the reconciliation of "+r.Day, `INSERT INTO reconciliations (merchant, day, at, report)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (merchant, day) DO UPDATE SET at = excluded.at, report = excluded.report`,
		r.Merchant, r.Day, millis(r.At), string(report))
}

func (t tx) Reconciliation(ctx context.Context, m pay.MerchantID, day string) (r pay.Reconciliation, err error) {
	var report []byte
	err = t.QueryRowContext(ctx, `SELECT report FROM reconciliations WHERE merchant = $1 AND day = $2`, m, day).Scan(&report)
	if err != nil {
		return r, noRow("reconciliation of "+day, err)
	}
	return r, json.Unmarshal(report, &r)
}

func (t tx) Reconciliations(ctx context.Context, m pay.MerchantID, before string, limit int) ([]pay.Reconciliation, error) {
	if before == "" {
		before = "9999-12-31" // behind every day: the primary key is walked from its end
	}
	rows, err := t.QueryContext(ctx, `SELECT report FROM reconciliations WHERE merchant = $1 AND day < $2
		ORDER BY day DESC LIMIT $3`, m, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list reconciliations: %w", err)
	}
	list, err := collect(rows, func(row scanner) (r pay.Reconciliation, err error) {
		var report []byte
		if err := row.Scan(&report); err != nil {
			return r, err
		}
		return r, json.Unmarshal(report, &r)
	})
	if err != nil {
		return nil, fmt.Errorf("list reconciliations: %w", err)
	}
	return list, nil
}
