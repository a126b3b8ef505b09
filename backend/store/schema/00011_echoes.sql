-- +goose Up

-- The last callback with a good signature of each merchant's self-test: one process asks for it, another one may receive it.
CREATE TABLE echoes (
    merchant TEXT   PRIMARY KEY,
    message  TEXT   NOT NULL,
    trouble  TEXT   NOT NULL,            -- why it could not be read
    at       BIGINT NOT NULL
);
