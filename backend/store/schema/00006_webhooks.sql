-- +goose Up

-- Webhooks, written in the transaction of the change they tell of and sent afterwards.
CREATE TABLE deliveries (
    id         TEXT   PRIMARY KEY,   -- the header webhook-id; grows with time: also the order of lists
    merchant   TEXT   NOT NULL,
    queue      TEXT   NOT NULL,      -- the order, or the delivery's own id: what is of one queue is sent one by one
    number     BIGINT NOT NULL,      -- 1, 2, 3, … within the queue
    type       TEXT   NOT NULL,
    order_id   TEXT   NOT NULL,      -- '' if it is of no order
    subject    TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    body       TEXT   NOT NULL,      -- JSON, byte for byte as it is sent
    state      TEXT   NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,      -- of the next try; 0: not before an earlier one of the queue has ended, or none
    tries      BIGINT NOT NULL,      -- since it was made or sent again by hand
    done_at    BIGINT NOT NULL,
    status     BIGINT NOT NULL,      -- of the last answer; 0: none
    trouble    TEXT   NOT NULL
);

CREATE INDEX        deliveries_of_merchant ON deliveries (merchant, id);
CREATE UNIQUE INDEX deliveries_in_queue    ON deliveries (queue, number);
-- Nothing is told twice.
CREATE UNIQUE INDEX deliveries_once        ON deliveries (merchant, subject, type, version);
CREATE INDEX        deliveries_due         ON deliveries (merchant, next_at) WHERE state = 'waiting' AND next_at > 0;
-- Of one queue one is on its way at any moment.
CREATE UNIQUE INDEX deliveries_one_by_one  ON deliveries (queue) WHERE state = 'waiting' AND next_at > 0;

CREATE TABLE delivery_tries (
    delivery TEXT   NOT NULL REFERENCES deliveries (id),
    number   BIGINT NOT NULL,        -- 1, 2, 3, …
    at       BIGINT NOT NULL,
    took     BIGINT NOT NULL,        -- milliseconds
    status   BIGINT NOT NULL,        -- 0: no answer
    trouble  TEXT   NOT NULL,
    excerpt  TEXT   NOT NULL,        -- of the answer's body
    PRIMARY KEY (delivery, number)
);

-- How the merchants' servers that take webhooks have been doing. No row: nothing is known.
CREATE TABLE endpoints (
    merchant      TEXT   PRIMARY KEY,
    url           TEXT   NOT NULL,   -- digest of the address
    state         TEXT   NOT NULL CHECK (state IN ('on', 'stopped', 'gone')),
    failures      BIGINT NOT NULL,   -- in a row
    failing_since BIGINT NOT NULL,
    stopped_at    BIGINT NOT NULL,
    probes        BIGINT NOT NULL,
    reason        TEXT   NOT NULL,
    next_at       BIGINT NOT NULL
);
