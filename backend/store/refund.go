package store

import (
	"context"
	"fmt"
	"time"

	"saoma/backend/pay"
)

const refundColumns = `id, order_id, out_trade_no, merchant, state, amount, reason, reference, automatic, request,
	wechat_id, trouble, created_at, done_at, check_at, checks, accepted_at`

func (t tx) Refund(ctx context.Context, id pay.RefundID) (pay.Refund, error) {
	r, err := scanRefund(t.QueryRowContext(ctx, `SELECT `+refundColumns+` FROM refunds WHERE id = $1`+t.locks, id))
	if err != nil {
		return pay.Refund{}, noRow("refund "+string(id), err)
	}
	return r, nil
}

func (t tx) Refunds(ctx context.Context, id pay.OrderID) ([]pay.Refund, error) {
	rows, err := t.QueryContext(ctx, `SELECT `+refundColumns+` FROM refunds WHERE order_id = $1 ORDER BY id`, id)
	if err != nil {
		return nil, fmt.Errorf("refunds of %s: %w", id, err)
	}
	list, err := collect(rows, scanRefund)
	if err != nil {
		return nil, fmt.Errorf("refunds of %s: %w", id, err)
	}
	return list, nil
}

func (t tx) InsertRefund(ctx context.Context, r pay.Refund) error {
	return t.change(ctx, "insert refund "+string(r.ID), `INSERT INTO refunds (`+refundColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		r.ID, r.Order, r.OutTradeNo, r.Merchant, r.State, r.Amount, r.Reason, r.Reference, r.Automatic, string(r.Request),
		r.WeChatID, r.Trouble, millis(r.CreatedAt), millis(r.DoneAt), millis(r.CheckAt), r.Checks, millis(r.AcceptedAt))
}

func (t tx) UpdateRefund(ctx context.Context, r pay.Refund, from pay.RefundState) error {
	return t.change(ctx, "update refund "+string(r.ID), `UPDATE refunds SET state = $3, wechat_id = $4, trouble = $5,
		done_at = $6, check_at = $7, checks = $8, accepted_at = $9
		WHERE id = $1 AND state = $2`,
		r.ID, from, r.State, r.WeChatID, r.Trouble, millis(r.DoneAt), millis(r.CheckAt), r.Checks, millis(r.AcceptedAt))
}

func (t tx) ClaimRefunds(ctx context.Context, m pay.MerchantID, now, until time.Time, limit int) ([]pay.Refund, error) {
	rows, err := t.QueryContext(ctx, `UPDATE refunds SET check_at = $2 WHERE id IN (
			SELECT id FROM refunds WHERE merchant = $4 AND state IN ('requested', 'processing', 'abnormal') AND check_at <= $1
			ORDER BY check_at LIMIT $3`+t.skip+`)
		RETURNING `+refundColumns, millis(now), millis(until), limit, m)
	if err != nil {
		return nil, fmt.Errorf("claim refunds: %w", err)
	}
	list, err := collect(rows, scanRefund)
	if err != nil {
		return nil, fmt.Errorf("claim refunds: %w", err)
	}
	return list, nil
}

func scanRefund(row scanner) (r pay.Refund, err error) {
	var created, done, check, accepted int64
	err = row.Scan(&r.ID, &r.Order, &r.OutTradeNo, &r.Merchant, &r.State, &r.Amount, &r.Reason, &r.Reference, &r.Automatic,
		&r.Request, &r.WeChatID, &r.Trouble, &created, &done, &check, &r.Checks, &accepted)
	r.CreatedAt, r.DoneAt, r.CheckAt, r.AcceptedAt = moment(created), moment(done), moment(check), moment(accepted)
	return r, err
}
