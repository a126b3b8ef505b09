-- What is so at every moment, also in what a kill leaves on the disk. Each query finds what breaks its law: no row.
-- Beside our tables it sees three temporary ones. promised: what our answers of 2xx said, by Idempotency-Key, which
-- is the reference too. trades and backs: WeChat Pay's payments and refunds; accepted: a callback was answered 204.

-- law: the database is whole
SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok';

-- law: no row refers to nothing
SELECT "table", rowid FROM pragma_foreign_key_check;

-- law: an order that was promised is there
SELECT key, id FROM promised WHERE what = 'order' EXCEPT SELECT reference, id FROM orders;

-- law: a refund that was promised is there
SELECT key, id FROM promised WHERE what = 'refund' EXCEPT SELECT reference, id FROM refunds;

-- law: an order that was cancelled stays so, unless the money comes after all
SELECT id FROM promised WHERE what = 'cancelled' EXCEPT SELECT id FROM orders WHERE state = 'cancelled' OR late;

-- law: one key made one order
SELECT reference, count(*) FROM orders GROUP BY reference HAVING count(*) > 1;

-- law: one key made one refund
SELECT reference, count(*) FROM refunds WHERE reference <> '' GROUP BY reference HAVING count(*) > 1;

-- law: WeChat Pay knows no trade that was not in our books before
SELECT number, fen FROM trades EXCEPT SELECT out_trade_no, total FROM attempts;

-- law: WeChat Pay knows no refund that was not in our books before
SELECT number, trade, fen FROM backs EXCEPT SELECT id, out_trade_no, amount FROM refunds;

-- law: a payment whose callback was answered 204 is booked
SELECT number FROM trades WHERE accepted EXCEPT SELECT out_trade_no FROM attempts WHERE state = 'paid';

-- law: a refund whose callback was answered 204 is booked
SELECT number FROM backs WHERE accepted EXCEPT SELECT id FROM refunds WHERE state = 'succeeded';

-- law: no attempt is paid that WeChat Pay was not paid
SELECT out_trade_no, transaction_id, total FROM attempts WHERE state = 'paid'
EXCEPT SELECT number, transaction_id, fen FROM trades WHERE state IN ('SUCCESS', 'REFUND');

-- law: no order is paid without an attempt
SELECT id, transaction_id, total FROM orders WHERE state IN ('paid', 'refunded')
EXCEPT SELECT order_id, transaction_id, total FROM attempts WHERE state = 'paid';

-- law: a payment settles once
SELECT detail ->> 'transaction_id', count(*) FROM events WHERE kind = 'succeeded' GROUP BY 1 HAVING count(*) > 1;

-- law: no refund succeeded that WeChat Pay did not make
SELECT id, amount FROM refunds WHERE state = 'succeeded' EXCEPT SELECT number, fen FROM backs WHERE state = 'SUCCESS';

-- law: refunds do not exceed the payment
SELECT number FROM trades WHERE fen < (SELECT sum(b.fen) FROM backs AS b WHERE b.trade = number);

-- law: what is set aside of a payment is the sum of its refunds
SELECT out_trade_no, refunded FROM attempts WHERE refunded <> (SELECT COALESCE(sum(r.amount), 0) FROM refunds AS r
    WHERE r.out_trade_no = attempts.out_trade_no AND r.state <> 'closed');

-- law: what an order shows as refunded is the sum of what succeeded
SELECT id, refunded FROM orders WHERE refunded <> (SELECT COALESCE(sum(r.amount), 0)
    FROM refunds AS r JOIN attempts AS a ON a.out_trade_no = r.out_trade_no
    WHERE a.order_id = orders.id AND a.transaction_id = orders.transaction_id AND r.state = 'succeeded');

-- law: an order is refunded if and only if the whole amount went back
SELECT id, state, refunded, total FROM orders WHERE (state = 'refunded') <> (refunded = total);

-- law: goods are reserved only for orders that can be paid
SELECT order_id FROM reservations
EXCEPT SELECT a.order_id FROM attempts AS a JOIN orders AS o ON o.id = a.order_id
    WHERE a.state IN ('requested', 'open') AND o.transaction_id = '';
