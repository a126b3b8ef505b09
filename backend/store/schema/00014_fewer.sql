-- +goose Up

-- Each index is a page more to write at every change of an order. Lists go by time now, as searches do, and what is due is
-- counted merchant by merchant, as it is looked for.
DROP INDEX orders_of_merchant;
DROP INDEX orders_by_state;
DROP INDEX attempts_due_now;
DROP INDEX refunds_due_now;
