-- +goose Up

-- One index finds a payment by its number and keeps it from being booked twice. The numbers come in no order, so that each
-- of the two that did this before had a page of its own to write for every payment.
CREATE UNIQUE INDEX attempts_by_payment ON attempts (transaction_id, mchid) WHERE transaction_id <> '';
DROP INDEX attempts_by_transaction;
DROP INDEX attempts_one_payment;
