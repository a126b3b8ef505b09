-- +goose Up

-- What is due is looked for merchant by merchant, so that the trouble of one does not hold up another.
DROP INDEX attempts_due;
CREATE INDEX attempts_due ON attempts (merchant, check_at) WHERE state IN ('requested', 'open');
DROP INDEX refunds_due;
CREATE INDEX refunds_due ON refunds (merchant, check_at) WHERE state IN ('requested', 'processing', 'abnormal');
