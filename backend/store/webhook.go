package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"saoma/backend/pay"
)

const selectDelivery = `SELECT id, merchant, type, order_id, subject, version, body, state, created_at, next_at, tries,
	done_at, status, trouble FROM deliveries `

// waitingInQueue is asked of the few rows of a queue, and in these words because SQLite would look for them among all that
// wait, by the index of those: of a shop that cannot be reached there are as many as it has sold.
const waitingInQueue = `state || '' = 'waiting'`

func (t tx) Delivery(ctx context.Context, id pay.DeliveryID) (pay.Delivery, error) {
	d, err := scanDelivery(t.QueryRowContext(ctx, selectDelivery+`WHERE id = $1`+t.locks, id))
	if err != nil {
		return pay.Delivery{}, noRow("delivery "+string(id), err)
	}
	return d, nil
}

func (t tx) Deliveries(ctx context.Context, f pay.DeliveryFilter) ([]pay.Delivery, error) {
	where, args := []string{"merchant = $1"}, []any{f.Merchant}
	filter := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf("%s $%d", condition, len(args)))
	}
	if f.Order != "" {
		filter("queue =", f.Order)
	}
	if f.Type != "" {
		filter("type =", f.Type)
	}
	if f.State != "" {
		filter("state =", f.State)
	}
	if f.Before != "" {
		filter("id <", f.Before)
	}
	args = append(args, f.Limit)
	rows, err := t.QueryContext(ctx, selectDelivery+"WHERE "+strings.Join(where, " AND ")+
		fmt.Sprintf(" ORDER BY id DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	list, err := collect(rows, scanDelivery)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return list, nil
}

func (t tx) InsertDelivery(ctx context.Context, d pay.Delivery) error {
	queue := string(d.Order)
	if queue == "" {
		queue = string(d.ID)
	}
	_, err := t.ExecContext(ctx, `INSERT INTO deliveries (id, merchant, queue, number, type, order_id, subject, version, body,
			state, created_at, next_at, tries, done_at, status, trouble)
		VALUES ($1, $2, $3, (SELECT COALESCE(MAX(number), 0) + 1 FROM deliveries WHERE queue = $3), $4, $5, $6, $7, $8, $9, $10,
			CASE WHEN EXISTS (SELECT 1 FROM deliveries WHERE queue = $3 AND `+waitingInQueue+`) THEN 0 ELSE CAST($11 AS BIGINT) END,
			$12, $13, $14, $15)
		ON CONFLICT (merchant, subject, type, version) DO NOTHING`,
		d.ID, d.Merchant, queue, d.Type, d.Order, d.Subject, d.Version, string(d.Body), d.State, millis(d.CreatedAt),
		millis(d.NextAt), d.Tries, millis(d.DoneAt), d.Status, d.Trouble)
	if err != nil {
		return fmt.Errorf("insert delivery %s: %w", d.ID, err)
	}
	return nil
}

func (t tx) UpdateDelivery(ctx context.Context, d pay.Delivery, now time.Time) error {
	err := t.change(ctx, "update delivery "+string(d.ID), `UPDATE deliveries SET state = $2, next_at = $3, tries = $4,
		done_at = $5, status = $6, trouble = $7 WHERE id = $1`,
		d.ID, d.State, millis(d.NextAt), d.Tries, millis(d.DoneAt), d.Status, d.Trouble)
	if err != nil || d.State == pay.DeliveryWaiting || d.Order == "" {
		return err
	}
	_, err = t.ExecContext(ctx, `UPDATE deliveries SET next_at = $2
		WHERE id = (SELECT id FROM deliveries WHERE queue = $1 AND state = 'waiting' ORDER BY number LIMIT 1)
		AND NOT EXISTS (SELECT 1 FROM deliveries WHERE queue = $1 AND state = 'waiting' AND next_at > 0)`, d.Order, millis(now))
	if err != nil {
		return fmt.Errorf("schedule what follows delivery %s: %w", d.ID, err)
	}
	return nil
}

func (t tx) AnyDeliveryDue(ctx context.Context, m pay.MerchantID, now time.Time) (due bool, err error) {
	err = t.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deliveries
		WHERE merchant = $1 AND state = 'waiting' AND next_at > 0 AND next_at <= $2)`, m, millis(now)).Scan(&due)
	if err != nil {
		return false, fmt.Errorf("look for deliveries: %w", err)
	}
	return due, nil
}

func (t tx) ClaimDeliveries(ctx context.Context, m pay.MerchantID, now, until time.Time, limit int) ([]pay.Delivery, error) {
	rows, err := t.QueryContext(ctx, `UPDATE deliveries SET next_at = $2 WHERE id IN (
			SELECT id FROM deliveries WHERE merchant = $4 AND state = 'waiting' AND next_at > 0 AND next_at <= $1
			ORDER BY next_at, id LIMIT $3`+t.skip+`)
		RETURNING id, merchant, type, order_id, subject, version, body, state, created_at, next_at, tries, done_at, status, trouble`,
		millis(now), millis(until), limit, m)
	if err != nil {
		return nil, fmt.Errorf("claim deliveries: %w", err)
	}
	list, err := collect(rows, scanDelivery)
	if err != nil {
		return nil, fmt.Errorf("claim deliveries: %w", err)
	}
	return list, nil
}

func (t tx) HurryDeliveries(ctx context.Context, m pay.MerchantID, after, now time.Time) (int, error) {
	return t.count(ctx, "hurry deliveries", `UPDATE deliveries SET next_at = $3
		WHERE merchant = $1 AND state = 'waiting' AND next_at > 0 AND next_at > $2`, m, millis(after), millis(now))
}

func (t tx) ReviveDelivery(ctx context.Context, id pay.DeliveryID, now time.Time) error {
	return t.change(ctx, "revive delivery "+string(id), `UPDATE deliveries SET state = 'waiting', tries = 0, done_at = 0,
		next_at = CASE WHEN EXISTS (SELECT 1 FROM deliveries AS other
			WHERE other.queue = deliveries.queue AND other.`+waitingInQueue+`) THEN 0 ELSE CAST($2 AS BIGINT) END
		WHERE id = $1 AND state <> 'waiting'`, id, millis(now))
}

func (t tx) ReviveDeliveries(ctx context.Context, m pay.MerchantID, since, now time.Time, states []pay.DeliveryState,
) (int, error) {
	args, in := []any{m, millis(since)}, make([]string, len(states))
	for i, s := range states {
		args = append(args, s)
		in[i] = fmt.Sprintf("$%d", len(args))
	}
	if t.locks != "" { // as all do who write deliveries of an order
		_, err := t.count(ctx, "hold the orders of deliveries", `SELECT id FROM orders WHERE id IN (
			SELECT order_id FROM deliveries WHERE merchant = $1 AND created_at >= $2 AND order_id <> '') ORDER BY id`+t.locks,
			m, millis(since))
		if err != nil {
			return 0, err
		}
	}
	n, err := t.count(ctx, "revive deliveries", `UPDATE deliveries SET state = 'waiting', tries = 0, done_at = 0, next_at = 0
		WHERE merchant = $1 AND created_at >= $2 AND type <> 'webhook.test' AND state <> 'waiting'
		AND state IN (`+strings.Join(in, ", ")+`)`, args...)
	if err != nil || n == 0 {
		return n, err
	}
	_, err = t.count(ctx, "schedule revived deliveries", `UPDATE deliveries SET next_at = $2
		WHERE merchant = $1 AND state = 'waiting' AND next_at = 0
		AND number = (SELECT MIN(first.number) FROM deliveries AS first
			WHERE first.queue = deliveries.queue AND first.state = 'waiting')
		AND NOT EXISTS (SELECT 1 FROM deliveries AS other
			WHERE other.queue = deliveries.queue AND other.state = 'waiting' AND other.next_at > 0)`, m, millis(now))
	return n, err
}

// count runs a statement and returns how many rows it changed.
func (t tx) count(ctx context.Context, what, statement string, args ...any) (int, error) {
	res, err := t.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return int(n), nil
}

func (t tx) DeliveryBacklog(ctx context.Context, m pay.MerchantID) (waiting int, oldest time.Time, err error) {
	var at int64
	err = t.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM deliveries
		WHERE merchant = $1 AND state = 'waiting'`, m).Scan(&waiting, &at)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count waiting deliveries: %w", err)
	}
	return waiting, moment(at), nil
}

func (t tx) InsertDeliveryTry(ctx context.Context, id pay.DeliveryID, try pay.DeliveryTry) error {
	return t.change(ctx, "insert a try of "+string(id), `INSERT INTO delivery_tries (delivery, number, at, took, status, trouble, excerpt)
		VALUES ($1, (SELECT COALESCE(MAX(number), 0) + 1 FROM delivery_tries WHERE delivery = $1), $2, $3, $4, $5, $6)`,
		id, millis(try.At), try.Took.Milliseconds(), try.Status, try.Trouble, try.Excerpt)
}

func (t tx) DeliveryTries(ctx context.Context, id pay.DeliveryID) ([]pay.DeliveryTry, error) {
	rows, err := t.QueryContext(ctx, `SELECT number, at, took, status, trouble, excerpt FROM delivery_tries
		WHERE delivery = $1 ORDER BY number`, id)
	if err != nil {
		return nil, fmt.Errorf("tries of %s: %w", id, err)
	}
	list, err := collect(rows, func(row scanner) (try pay.DeliveryTry, err error) {
		var at, took int64
		err = row.Scan(&try.Number, &at, &took, &try.Status, &try.Trouble, &try.Excerpt)
		try.At, try.Took = moment(at), time.Duration(took)*time.Millisecond
		return try, err
	})
	if err != nil {
		return nil, fmt.Errorf("tries of %s: %w", id, err)
	}
	return list, nil
}

func scanDelivery(row scanner) (d pay.Delivery, err error) {
	var created, next, done int64
	err = row.Scan(&d.ID, &d.Merchant, &d.Type, &d.Order, &d.Subject, &d.Version, &d.Body, &d.State, &created, &next, &d.Tries,
		&done, &d.Status, &d.Trouble)
	d.CreatedAt, d.NextAt, d.DoneAt = moment(created), moment(next), moment(done)
	return d, err
}
