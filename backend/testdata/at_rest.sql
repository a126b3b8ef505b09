-- What is so besides when nothing goes wrong any more and time has passed. See always.sql.

-- law: no order waits
SELECT id, state FROM orders WHERE state IN ('created', 'pending');

-- law: no attempt waits
SELECT out_trade_no, state FROM attempts WHERE state IN ('requested', 'open');

-- law: no refund waits
SELECT id, state, trouble FROM refunds WHERE state NOT IN ('succeeded', 'closed');

-- law: nobody can pay any more
SELECT number, state FROM trades WHERE state = 'NOTPAY';

-- law: every payment is on its order or went back whole
SELECT number, transaction_id FROM trades WHERE state IN ('SUCCESS', 'REFUND')
    AND transaction_id NOT IN (SELECT transaction_id FROM orders)
    AND fen > (SELECT COALESCE(sum(b.fen), 0) FROM backs AS b WHERE b.trade = number AND b.state = 'SUCCESS');

-- law: every refund of WeChat Pay's is booked
SELECT number, fen FROM backs WHERE state = 'SUCCESS' EXCEPT SELECT id, amount FROM refunds WHERE state = 'succeeded';

-- law: both books have the same sum of payments, which is not 0
SELECT ours, theirs FROM (SELECT sum(total) AS ours FROM attempts WHERE state = 'paid'),
    (SELECT sum(fen) AS theirs FROM trades WHERE state IN ('SUCCESS', 'REFUND')) WHERE ours IS NULL OR ours IS NOT theirs;

-- law: both books have the same sum of refunds, which is not 0
SELECT ours, theirs FROM (SELECT sum(amount) AS ours FROM refunds WHERE state = 'succeeded'),
    (SELECT sum(fen) AS theirs FROM backs WHERE state = 'SUCCESS') WHERE ours IS NULL OR ours IS NOT theirs;
