-- +goose Up

-- When a payment was made (WeChat Pay's success_time), and the day of the bill that confirmed it ('' until then).
ALTER TABLE attempts ADD COLUMN paid_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN billed  TEXT   NOT NULL DEFAULT '';
CREATE INDEX attempts_paid ON attempts (merchant, paid_at) WHERE state = 'paid';

-- When WeChat Pay took a refund, as far as we know, and the day of the bill that confirmed it.
ALTER TABLE refunds ADD COLUMN accepted_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE refunds ADD COLUMN billed      TEXT   NOT NULL DEFAULT '';
CREATE INDEX refunds_accepted ON refunds (merchant, accepted_at) WHERE accepted_at <> 0;

CREATE TABLE reconciliations (
    merchant TEXT   NOT NULL,
    day      TEXT   NOT NULL,           -- of the bill, in Beijing: 2026-11-23
    at       BIGINT NOT NULL,           -- when it was finished
    report   TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (merchant, day)
);
