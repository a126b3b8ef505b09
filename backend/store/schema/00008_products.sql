-- +goose Up

-- How many of a product can still be ordered; NULL: it is not counted. Below zero: late money came for goods that had
-- been sold to others meanwhile.
ALTER TABLE products ADD COLUMN stock   BIGINT;
ALTER TABLE products ADD COLUMN picture TEXT    NOT NULL DEFAULT '';    -- an https address
ALTER TABLE products ADD COLUMN off     BOOLEAN NOT NULL DEFAULT FALSE; -- not for sale for now
ALTER TABLE products ADD COLUMN version BIGINT  NOT NULL DEFAULT 1;     -- grows with every change, also of the stock

-- What orders that can be paid have taken from the stock, until they are paid or it is given back.
CREATE TABLE reservations (
    order_id TEXT   NOT NULL REFERENCES orders (id),
    merchant TEXT   NOT NULL,
    sku      TEXT   NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity >= 1),
    PRIMARY KEY (order_id, sku)
);
CREATE INDEX reservations_of_product ON reservations (merchant, sku);
