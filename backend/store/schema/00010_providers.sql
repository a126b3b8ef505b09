-- +goose Up

-- The merchant's own number at WeChat Pay where mchid is its service provider's (服务商); '' for all others.
ALTER TABLE attempts ADD COLUMN sub_mchid TEXT NOT NULL DEFAULT '';

-- Whose work is due is found by time, not by asking for one merchant after another: there may be thousands.
CREATE INDEX attempts_due_now ON attempts (check_at, merchant) WHERE state IN ('requested', 'open');
CREATE INDEX refunds_due_now  ON refunds  (check_at, merchant) WHERE state IN ('requested', 'processing', 'abnormal');
