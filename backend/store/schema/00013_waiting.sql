-- +goose Up

-- How many webhooks wait is counted again and again.
CREATE INDEX deliveries_waiting ON deliveries (state) WHERE state = 'waiting';
