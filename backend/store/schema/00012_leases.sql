-- +goose Up

-- Work that one of several servers does, and until when the others leave it to that one.
CREATE TABLE leases (
    name   TEXT   PRIMARY KEY,
    holder TEXT   NOT NULL,
    until  BIGINT NOT NULL
);
