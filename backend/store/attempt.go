package store

import (
	"context"
	"fmt"
	"time"

	"saoma/backend/pay"
)

const attemptColumns = `out_trade_no, order_id, merchant, state, mchid, appid, total, request, prepay_result,
	transaction_id, created_at, expires_at, check_at, checks, refunded, paid_at, channel, payer,
	prepaid_at, sub_mchid`

func (t tx) Attempt(ctx context.Context, outTradeNo string) (pay.Attempt, error) {
	a, err := scanAttempt(t.QueryRowContext(ctx,
		`SELECT `+attemptColumns+` FROM attempts WHERE out_trade_no = $1`+t.locks, outTradeNo))
	if err != nil {
		return pay.Attempt{}, noRow("attempt", err)
	}
	return a, nil
}

func (t tx) LiveAttempt(ctx context.Context, id pay.OrderID) (pay.Attempt, error) {
	a, err := scanAttempt(t.QueryRowContext(ctx,
		`SELECT `+attemptColumns+` FROM attempts WHERE order_id = $1 AND state IN ('requested', 'open')`+t.locks, id))
	if err != nil {
		return pay.Attempt{}, noRow("live attempt of "+string(id), err)
	}
	return a, nil
}

func (t tx) PaidAttempt(ctx context.Context, id pay.OrderID, transactionID string) (pay.Attempt, error) {
	a, err := scanAttempt(t.QueryRowContext(ctx, `SELECT `+attemptColumns+` FROM attempts
		WHERE order_id = $1 AND state = 'paid' AND transaction_id = $2`+t.locks, id, transactionID))
	if err != nil {
		return pay.Attempt{}, noRow("paid attempt of "+string(id), err)
	}
	return a, nil
}

func (t tx) InsertAttempt(ctx context.Context, a pay.Attempt) error {
	return t.change(ctx, "insert attempt "+a.OutTradeNo, `INSERT INTO attempts (`+attemptColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		a.OutTradeNo, a.Order, a.Merchant, a.State, a.MchID, a.AppID, a.Total, string(a.Request), a.PrepayResult,
		a.TransactionID, millis(a.CreatedAt), millis(a.ExpiresAt), millis(a.CheckAt), a.Checks, a.Refunded, millis(a.PaidAt),
		a.Channel, a.Payer, millis(a.PrepaidAt), a.SubMchID)
}

func (t tx) UpdateAttempt(ctx context.Context, a pay.Attempt, from pay.AttemptState) error {
	return t.change(ctx, "update attempt "+a.OutTradeNo, `UPDATE attempts SET state = $3, prepay_result = $4,
		transaction_id = $5, check_at = $6, checks = $7, refunded = $8, paid_at = $9, prepaid_at = $10
		WHERE out_trade_no = $1 AND state = $2`,
		a.OutTradeNo, from, a.State, a.PrepayResult, a.TransactionID, millis(a.CheckAt), a.Checks, a.Refunded, millis(a.PaidAt),
		millis(a.PrepaidAt))
}

func (t tx) AnyDue(ctx context.Context, m pay.MerchantID, now time.Time) (due bool, err error) {
	err = t.QueryRowContext(ctx, `SELECT
		EXISTS (SELECT 1 FROM attempts WHERE merchant = $1 AND state IN ('requested', 'open') AND check_at <= $2) OR
		EXISTS (SELECT 1 FROM refunds WHERE merchant = $1 AND state IN ('requested', 'processing', 'abnormal') AND check_at <= $2)`,
		m, millis(now)).Scan(&due)
	if err != nil {
		return false, fmt.Errorf("look for what is due: %w", err)
	}
	return due, nil
}

// underWay are the merchants who have something under way. It goes from merchant to merchant in the indexes of that: it
// costs as much with a hundred orders open as with a hundred thousand.
const underWay = `WITH RECURSIVE
	paying (merchant) AS (
		SELECT MIN(merchant) FROM attempts WHERE state IN ('requested', 'open')
		UNION ALL
		SELECT (SELECT MIN(a.merchant) FROM attempts a WHERE a.state IN ('requested', 'open') AND a.merchant > paying.merchant)
		FROM paying WHERE paying.merchant IS NOT NULL),
	refunding (merchant) AS (
		SELECT MIN(merchant) FROM refunds WHERE state IN ('requested', 'processing', 'abnormal')
		UNION ALL
		SELECT (SELECT MIN(r.merchant) FROM refunds r WHERE r.state IN ('requested', 'processing', 'abnormal') AND r.merchant > refunding.merchant)
		FROM refunding WHERE refunding.merchant IS NOT NULL)
	`

// dueMerchants looks at the first row that each of them has in the index.
const dueMerchants = underWay + `SELECT merchant FROM paying WHERE EXISTS (SELECT 1 FROM attempts a
		WHERE a.merchant = paying.merchant AND a.state IN ('requested', 'open') AND a.check_at <= $1)
	UNION
	SELECT merchant FROM refunding WHERE EXISTS (SELECT 1 FROM refunds r
		WHERE r.merchant = refunding.merchant AND r.state IN ('requested', 'processing', 'abnormal') AND r.check_at <= $1)
	ORDER BY merchant`

func (t tx) DueMerchants(ctx context.Context, now time.Time) ([]pay.MerchantID, error) {
	rows, err := t.QueryContext(ctx, dueMerchants, millis(now))
	if err != nil {
		return nil, fmt.Errorf("look for what is due: %w", err)
	}
	list, err := collect(rows, func(row scanner) (m pay.MerchantID, err error) {
		err = row.Scan(&m)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for what is due: %w", err)
	}
	return list, nil
}

func (t tx) UnderWay(ctx context.Context) ([]pay.UnderWay, error) {
	rows, err := t.QueryContext(ctx, `SELECT merchant, mchid, sub_mchid, COUNT(*) FROM (
			SELECT merchant, mchid, sub_mchid FROM attempts WHERE state IN ('requested', 'open')
			UNION ALL
			SELECT a.merchant, a.mchid, a.sub_mchid FROM refunds r JOIN attempts a ON a.out_trade_no = r.out_trade_no
			WHERE r.state IN ('requested', 'processing', 'abnormal')
		) AS under_way GROUP BY merchant, mchid, sub_mchid ORDER BY merchant, mchid, sub_mchid`)
	if err != nil {
		return nil, fmt.Errorf("count what is under way: %w", err)
	}
	list, err := collect(rows, func(row scanner) (u pay.UnderWay, err error) {
		err = row.Scan(&u.Merchant, &u.MchID, &u.SubMchID, &u.Count)
		return u, err
	})
	if err != nil {
		return nil, fmt.Errorf("count what is under way: %w", err)
	}
	return list, nil
}

func (t tx) ClaimAttempts(ctx context.Context, m pay.MerchantID, now, until time.Time, limit int) ([]pay.Attempt, error) {
	rows, err := t.QueryContext(ctx, `UPDATE attempts SET check_at = $2 WHERE out_trade_no IN (
			SELECT out_trade_no FROM attempts WHERE merchant = $4 AND state IN ('requested', 'open') AND check_at <= $1
			ORDER BY check_at LIMIT $3`+t.skip+`)
		RETURNING `+attemptColumns, millis(now), millis(until), limit, m)
	if err != nil {
		return nil, fmt.Errorf("claim attempts: %w", err)
	}
	list, err := collect(rows, scanAttempt)
	if err != nil {
		return nil, fmt.Errorf("claim attempts: %w", err)
	}
	return list, nil
}

// Backlog counts what is due at a moment and claimed by nobody, of all merchants.
func (s *Store) Backlog(ctx context.Context, now time.Time) (b pay.Backlog, err error) {
	var oldest int64
	err = s.View(ctx, func(t pay.Tx) error {
		return t.(tx).QueryRowContext(ctx, underWay+`SELECT a.n, r.n, CASE WHEN a.n > 0 AND (r.n = 0 OR a.first < r.first) THEN a.first ELSE r.first END,
				(SELECT COUNT(*) FROM deliveries WHERE state = 'waiting')
			FROM (SELECT COUNT(*) AS n, COALESCE(MIN(check_at), 0) AS first FROM paying JOIN attempts ON attempts.merchant = paying.merchant
				AND state IN ('requested', 'open') AND check_at <= $1) a,
			(SELECT COUNT(*) AS n, COALESCE(MIN(check_at), 0) AS first FROM refunding JOIN refunds ON refunds.merchant = refunding.merchant
				AND state IN ('requested', 'processing', 'abnormal') AND check_at <= $1) r`, millis(now),
		).Scan(&b.Attempts, &b.Refunds, &oldest, &b.Webhooks)
	})
	if err != nil {
		return b, fmt.Errorf("count what is due: %w", err)
	}
	b.Since = moment(oldest)
	return b, nil
}

func scanAttempt(row scanner) (a pay.Attempt, err error) {
	var created, expires, check, paid, prepaid int64
	err = row.Scan(&a.OutTradeNo, &a.Order, &a.Merchant, &a.State, &a.MchID, &a.AppID, &a.Total, &a.Request,
		&a.PrepayResult, &a.TransactionID, &created, &expires, &check, &a.Checks, &a.Refunded, &paid, &a.Channel, &a.Payer,
		&prepaid, &a.SubMchID)
	a.CreatedAt, a.ExpiresAt, a.CheckAt, a.PaidAt = moment(created), moment(expires), moment(check), moment(paid)
	a.PrepaidAt = moment(prepaid)
	return a, err
}
