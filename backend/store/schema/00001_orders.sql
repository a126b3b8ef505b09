-- +goose Up

-- Money is in fen, times are Unix milliseconds (0: not yet), on every database.

CREATE TABLE orders (
    id             TEXT    PRIMARY KEY,  -- grows with time: also the order of lists
    merchant       TEXT    NOT NULL,
    token          TEXT    NOT NULL UNIQUE,
    state          TEXT    NOT NULL CHECK (state IN ('created', 'pending', 'paid', 'expired', 'cancelled', 'refunded')),
    version        BIGINT  NOT NULL CHECK (version >= 1),
    total          BIGINT  NOT NULL CHECK (total >= 1),
    refunded       BIGINT  NOT NULL CHECK (refunded BETWEEN 0 AND total),
    description    TEXT    NOT NULL,
    reference      TEXT    NOT NULL,
    items          TEXT    NOT NULL,     -- JSON, for display only
    metadata       TEXT    NOT NULL,     -- JSON, the shop's own
    channel        TEXT    NOT NULL,
    return_url     TEXT    NOT NULL,
    late           BOOLEAN NOT NULL,
    transaction_id TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL,
    expires_at     BIGINT  NOT NULL,
    paid_at        BIGINT  NOT NULL,
    -- No order is paid without a payment, and no payment is on an order that is not paid.
    CHECK ((state IN ('paid', 'refunded')) = (transaction_id <> ''))
);

CREATE INDEX orders_of_merchant  ON orders (merchant, id);
CREATE INDEX orders_by_reference ON orders (merchant, reference, id) WHERE reference <> '';

CREATE TABLE attempts (
    out_trade_no   TEXT   PRIMARY KEY,
    order_id       TEXT   NOT NULL REFERENCES orders (id),
    merchant       TEXT   NOT NULL,
    state          TEXT   NOT NULL CHECK (state IN ('requested', 'open', 'closed', 'paid')),
    mchid          TEXT   NOT NULL,
    appid          TEXT   NOT NULL,
    total          BIGINT NOT NULL CHECK (total >= 1),
    request        TEXT   NOT NULL,      -- the prepay request, byte for byte
    code_url       TEXT   NOT NULL,
    transaction_id TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    check_at       BIGINT NOT NULL,
    checks         BIGINT NOT NULL,
    CHECK ((state = 'paid') = (transaction_id <> ''))
);

CREATE INDEX        attempts_of_order ON attempts (order_id);
-- At most one attempt of an order can be paid in the ordinary way at any moment.
CREATE UNIQUE INDEX attempts_one_live ON attempts (order_id) WHERE state IN ('requested', 'open');
CREATE INDEX        attempts_due      ON attempts (check_at) WHERE state IN ('requested', 'open');
-- One payment settles one attempt.
CREATE UNIQUE INDEX attempts_one_payment ON attempts (mchid, transaction_id) WHERE transaction_id <> '';

CREATE TABLE events (
    order_id TEXT   NOT NULL REFERENCES orders (id),
    number   BIGINT NOT NULL,            -- 1, 2, 3, … within its order
    version  BIGINT NOT NULL,            -- of the order after the event
    kind     TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    detail   TEXT   NOT NULL,            -- JSON
    prev     TEXT   NOT NULL,            -- hash of the event before it in the order, '' for the first
    hash     TEXT   NOT NULL,            -- SHA-256 over all of the above, hex: history cannot be altered unseen
    PRIMARY KEY (order_id, number)
);

CREATE INDEX events_by_time ON events (at, order_id, number);

-- The root of a day is the SHA-256 over the root before it and the hashes of all events of the day.
CREATE TABLE roots (
    day    TEXT   PRIMARY KEY,           -- 2026-11-23, in Beijing
    prev   TEXT   NOT NULL,
    root   TEXT   NOT NULL,
    events BIGINT NOT NULL
);

CREATE TABLE products (
    merchant TEXT   NOT NULL,
    sku      TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    price    BIGINT NOT NULL CHECK (price >= 1),
    PRIMARY KEY (merchant, sku)
);
