-- +goose Up

-- Secret keys that merchants made, beside the one in the configuration. The key itself is nowhere.
CREATE TABLE secret_keys (
    id         TEXT   PRIMARY KEY,      -- stands in the key; grows with time
    merchant   TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    hint       TEXT   NOT NULL,         -- its last characters, for people
    digest     TEXT   NOT NULL UNIQUE,  -- SHA-256, hex
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,         -- to the hour; 0: never
    expires_at BIGINT NOT NULL          -- 0: never
);
CREATE INDEX secret_keys_of_merchant ON secret_keys (merchant, id);

-- A list of orders in one state does not walk through all of the merchant's.
CREATE INDEX orders_by_state ON orders (merchant, state, id);
