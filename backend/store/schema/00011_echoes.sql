-- +goose Up

-- Callbacks with a good signature of the merchants' self-tests: one process asks for them, another one may receive them.
CREATE TABLE echoes (
    merchant TEXT   NOT NULL,
    message  TEXT   NOT NULL,            -- '' if it could not be read
    trouble  TEXT   NOT NULL,            -- why
    at       BIGINT NOT NULL,
    PRIMARY KEY (merchant, message)
);
