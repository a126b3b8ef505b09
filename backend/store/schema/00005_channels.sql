-- +goose Up

-- An attempt is of one channel. payer is a digest of what its request says of the customer, '' with native.
ALTER TABLE attempts ADD COLUMN channel TEXT NOT NULL DEFAULT 'native' CHECK (channel IN ('native', 'jsapi', 'h5'));
ALTER TABLE attempts ADD COLUMN payer   TEXT NOT NULL DEFAULT '';

-- What WeChat Pay gave: code_url, prepay_id or h5_url, by the channel, and when.
ALTER TABLE attempts RENAME COLUMN code_url TO prepay_result;
ALTER TABLE attempts ADD COLUMN prepaid_at BIGINT NOT NULL DEFAULT 0;
