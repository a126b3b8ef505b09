-- +goose Up

-- Who works for a merchant and may sign in to its dashboard.
CREATE TABLE staff (
    id            TEXT    PRIMARY KEY,
    merchant      TEXT    NOT NULL,
    name          TEXT    NOT NULL UNIQUE,   -- in lower case
    role          TEXT    NOT NULL CHECK (role IN ('owner', 'cashier', 'accountant')),
    password_hash TEXT    NOT NULL,
    provisional   BOOLEAN NOT NULL,          -- the password must be changed
    disabled      BOOLEAN NOT NULL,
    created_at    BIGINT  NOT NULL,
    signed_in_at  BIGINT  NOT NULL
);
CREATE INDEX staff_of_merchant ON staff (merchant, name);

CREATE TABLE staff_sessions (
    digest     TEXT   PRIMARY KEY,           -- SHA-256 of the token that the browser holds, hex
    staff      TEXT   NOT NULL REFERENCES staff (id),
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
CREATE INDEX staff_sessions_of_staff ON staff_sessions (staff);

-- Failed sign-ins of an account or of an address.
CREATE TABLE staff_tries (
    subject  TEXT   PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

-- What staff did. Only appended; it outlives the people in it.
CREATE TABLE staff_log (
    id       TEXT   PRIMARY KEY,             -- grows with time
    merchant TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    staff    TEXT   NOT NULL,                -- '' at the command line
    name     TEXT   NOT NULL,
    action   TEXT   NOT NULL,
    subject  TEXT   NOT NULL,
    detail   TEXT   NOT NULL,                -- JSON
    address  TEXT   NOT NULL
);
CREATE INDEX staff_log_of_merchant ON staff_log (merchant, id);

-- When the order's page was first shown to a browser.
ALTER TABLE orders ADD COLUMN shown_at BIGINT NOT NULL DEFAULT 0;

-- For lists and figures by time, for searches by state and amount.
CREATE INDEX orders_created  ON orders (merchant, created_at, id);
CREATE INDEX orders_by_state_and_time ON orders (merchant, state, created_at, id);
CREATE INDEX orders_by_total ON orders (merchant, total, created_at, id);
CREATE INDEX orders_paid     ON orders (merchant, paid_at) WHERE paid_at <> 0;
CREATE INDEX attempts_by_transaction ON attempts (transaction_id) WHERE transaction_id <> '';
