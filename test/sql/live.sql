-- Live models: what is seen at once, by which statements. Sessions beside each
-- other, rights and changed sources are in test/t.
SET client_min_messages = warning;
SET jit = off;		-- hundreds of statements, each of which would be compiled
CREATE TABLE live_orders (order_id int PRIMARY KEY, customer_id int, ordered_on date, total numeric, note text);
INSERT INTO live_orders SELECT i, i % 5, date '2025-01-01' + i, i FROM generate_series(1, 20) i;
SELECT count(*) FROM create_model('live', 'live_orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', live => true);
SELECT live, pending_changes, status FROM live.model_status;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'live_orders'::regclass AND NOT tgisinternal ORDER BY 1;

-- one statement each
INSERT INTO live_orders VALUES (21, 1, '2025-06-01', 100, NULL);
INSERT INTO live_orders VALUES (22, 1, '2025-06-01', 10, NULL), (23, 1, '2025-06-02', 10, NULL), (24, 9, '2025-06-01', 5, NULL);
UPDATE live_orders SET total = -5 WHERE order_id = 24;
UPDATE live_orders SET customer_id = 8 WHERE order_id = 23;
UPDATE live_orders SET note = 'seen';
UPDATE live_orders SET total = total WHERE customer_id = 2;
DELETE FROM live_orders WHERE customer_id = 4;
INSERT INTO live_orders VALUES (21, 1, '2025-06-01', 1, NULL), (30, 30, '2025-06-01', 1, NULL) ON CONFLICT (order_id) DO UPDATE SET total = excluded.total;
MERGE INTO live_orders AS t USING (VALUES (30, 31), (31, 31), (1, 0)) AS s (order_id, customer_id) ON t.order_id = s.order_id
  WHEN MATCHED AND s.customer_id = 0 THEN DELETE
  WHEN MATCHED THEN UPDATE SET customer_id = s.customer_id
  WHEN NOT MATCHED THEN INSERT VALUES (s.order_id, s.customer_id, '2025-07-01', 7, NULL);
COPY live_orders FROM stdin;
40	40	2025-08-01	1	\N
41	40	2025-08-01	2	\N
\.
SELECT customer_key, difference FROM live.pending ORDER BY customer_key, difference::text;
SELECT customer_key, frequency, monetary, last_order_on = date '2025-08-01' AS last FROM live.customer_scores ORDER BY customer_key::int;
SELECT * FROM check_model('live');

-- folded in: the same answers
CREATE TABLE live_before AS SELECT * FROM live.customer_scores;
SELECT status, differences, customers FROM apply_changes('live');
SELECT count(*) FROM live.pending;
SELECT count(*) FROM (TABLE live.customer_scores EXCEPT TABLE live_before) AS d;
SELECT status, differences, customers FROM apply_changes('live');
SELECT customers_added, customers_changed, customers_removed FROM refresh_model('live');

-- what can't be scored, and what is left out
INSERT INTO live_orders VALUES (50, 50, '2025-08-01', 'NaN', NULL), (51, NULL, '2025-08-01', 1, NULL), (52, 50, NULL, 1, NULL), (53, 50, '2025-08-01', NULL, NULL), (54, 50, '2025-08-01', 4, NULL);
SELECT operation, reason, affected, needs_rebuild FROM live.rejects;
SELECT frequency, monetary FROM live.customer_scores WHERE customer_key = '50';
INSERT INTO live_orders VALUES (55, 50, '2025-08-01', 'NaN', NULL);
SELECT affected FROM live.data_quality WHERE reason = 'unconvertible';
DELETE FROM live_orders WHERE total = 'NaN';
SELECT affected FROM live.data_quality WHERE reason = 'unconvertible';
SELECT * FROM check_model('live');

-- not live for a while
SELECT item, detail FROM alter_model('live', live => false) WHERE item = 'live';
DELETE FROM live_orders WHERE order_id = 54;
SELECT problem, customers FROM check_model('live');
SELECT item, detail FROM alter_model('live', live => true) WHERE item = 'live';
SELECT * FROM check_model('live');
TRUNCATE live_orders;
SELECT count(*) FROM live.customer_scores;
SELECT * FROM check_model('live');
-- so much pending that readers wait for it
INSERT INTO live_orders SELECT 1000 + i, i, '2025-08-01', 1, NULL FROM generate_series(1, 9999) AS i;
SELECT status, needs, pending_changes FROM live.model_status;
SELECT differences FROM apply_changes('live');
UPDATE live_orders SET total = 2;
SELECT status, needs, pending_changes FROM live.model_status;
INSERT INTO live_orders VALUES (90000, 1, '2025-08-02', 1, NULL);
SELECT status, needs, pending_changes FROM live.model_status;
SELECT differences FROM apply_changes('live');
SELECT status, needs, pending_changes FROM live.model_status;
SELECT * FROM check_model('live');
SELECT item FROM drop_model('live');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'live_orders'::regclass;
DROP TABLE live_orders, live_before;
