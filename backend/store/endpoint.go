package store

import (
	"context"

	"saoma/backend/pay"
)

func (t tx) Endpoint(ctx context.Context, m pay.MerchantID) (e pay.Endpoint, err error) {
	var since, stopped, next int64
	err = t.QueryRowContext(ctx, `SELECT merchant, url, state, failures, failing_since, stopped_at, probes, reason, next_at
		FROM endpoints WHERE merchant = $1`+t.locks, m).
		Scan(&e.Merchant, &e.URL, &e.State, &e.Failures, &since, &stopped, &e.Probes, &e.Reason, &next)
	if err != nil {
		return pay.Endpoint{}, noRow("endpoint of "+string(m), err)
	}
	e.FailingSince, e.StoppedAt, e.NextAt = moment(since), moment(stopped), moment(next)
	return e, nil
}

func (t tx) PutEndpoint(ctx context.Context, e pay.Endpoint) error {
	return t.change(ctx, "put the endpoint of "+string(e.Merchant), `INSERT INTO endpoints
		(merchant, url, state, failures, failing_since, stopped_at, probes, reason, next_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (merchant) DO UPDATE SET url = excluded.url, state = excluded.state, failures = excluded.failures,
			failing_since = excluded.failing_since, stopped_at = excluded.stopped_at, probes = excluded.probes,
			reason = excluded.reason, next_at = excluded.next_at`,
		e.Merchant, e.URL, e.State, e.Failures, millis(e.FailingSince), millis(e.StoppedAt), e.Probes, e.Reason, millis(e.NextAt))
}
