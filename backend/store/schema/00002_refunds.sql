-- +goose Up

-- What is refunded or being refunded of a payment: never more than was paid.
ALTER TABLE attempts ADD COLUMN refunded BIGINT NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total);

CREATE TABLE refunds (
    id           TEXT    PRIMARY KEY,   -- our out_refund_no; grows with time
    order_id     TEXT    NOT NULL REFERENCES orders (id),
    out_trade_no TEXT    NOT NULL REFERENCES attempts (out_trade_no),
    merchant     TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('requested', 'processing', 'succeeded', 'abnormal', 'closed')),
    amount       BIGINT  NOT NULL CHECK (amount >= 1),
    reason       TEXT    NOT NULL,
    reference    TEXT    NOT NULL,
    automatic    BOOLEAN NOT NULL,      -- of a second payment or of late money
    request      TEXT    NOT NULL,      -- the refund request, byte for byte
    wechat_id    TEXT    NOT NULL,
    trouble      TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL,
    done_at      BIGINT  NOT NULL,
    check_at     BIGINT  NOT NULL,
    checks       BIGINT  NOT NULL
);

CREATE INDEX        refunds_of_order   ON refunds (order_id, id);
CREATE INDEX        refunds_of_attempt ON refunds (out_trade_no, id);
CREATE INDEX        refunds_due        ON refunds (check_at) WHERE state IN ('requested', 'processing', 'abnormal');
-- A payment goes back by itself once and whole.
CREATE UNIQUE INDEX refunds_one_automatic ON refunds (out_trade_no) WHERE automatic AND state <> 'closed';

-- What a request with an Idempotency-Key made and was answered, so that its repeat makes nothing new.
CREATE TABLE idempotency (
    merchant   TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    request    TEXT   NOT NULL,         -- digest of what was asked
    subject    TEXT   NOT NULL,         -- the order or refund that was made
    answer     TEXT   NOT NULL,         -- JSON; '' until answered
    created_at BIGINT NOT NULL,
    PRIMARY KEY (merchant, key)
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);
