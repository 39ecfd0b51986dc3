-- Totals beyond all limits fail neither the shop, nor a reader, nor a fold, and
-- never give a wrong number: the customer is in no view until that is mended.
SET client_min_messages = warning;
SET jit = off;		-- hundreds of statements, each of which would be compiled
\set SHOW_CONTEXT never
CREATE SCHEMA limits;
CREATE TABLE limits.orders (order_id serial PRIMARY KEY, customer_id int, ordered_on date, total numeric);
INSERT INTO limits.orders (customer_id, ordered_on, total)
SELECT i % 100, date '2025-01-01' + i % 300, i % 50 FROM generate_series(1, 2000) AS i;
SELECT item, detail FROM create_model('limits_model', 'limits.orders', as_of => '2026-01-01',
  customer => 'customer_id', day => 'ordered_on', value => 'total', live => true) WHERE item = 'customers';

-- A value beyond 10^12 is rejected.
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (3, '2025-12-01', 1000000000000.01), (3, '2025-12-02', -2e12), (3, '2025-12-03', 7);
SELECT operation, reason, affected, needs_rebuild FROM limits_model.rejects;
SELECT * FROM check_model('limits_model');

-- Values that fit one by one: as many decimals as one of them has do not fit the other.
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (1, '2025-12-01', 1e12);
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (1, '2025-12-02', 0.123456789);
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (2, '2025-12-01', 9000000000.123456789);
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (2, '2025-12-01', 9000000000.123456789);
SELECT count(*), count(*) FILTER (WHERE customer_key IN ('1', '2')) AS too_large FROM limits_model.customer_scores;
SELECT status, differences, customers FROM apply_changes('limits_model');
SELECT status, differences, customers FROM apply_changes('limits_model');
SELECT operation, reason, affected, needs_rebuild FROM limits_model.rejects ORDER BY reason;
SELECT count(*) FROM limits_model.pending;
SELECT status, needs FROM limits_model.model_status;
SELECT problem, customers FROM check_model('limits_model');

-- A rebuild leaves out the same customers, and says so.
SELECT status, rows_read, rows_unconvertible, customers, customers_removed FROM refresh_model('limits_model');
SELECT reason, unit, affected FROM limits_model.data_quality WHERE affected > 0;
SELECT status FROM limits_model.model_status;
SELECT * FROM check_model('limits_model');

-- Their rows are kept in pieces: once those that are too much are gone, they are
-- back, also by one statement whose own difference does not fit.
SELECT customer_key, count(*) FROM limits_model.pending GROUP BY 1 ORDER BY 1;
DELETE FROM limits.orders WHERE total > 8e9;
SELECT operation, reason, affected, needs_rebuild FROM limits_model.rejects;
SELECT status, needs FROM limits_model.model_status;
SELECT problem, customers FROM check_model('limits_model');
SELECT status, customers, customers_added FROM refresh_model('limits_model');
SELECT * FROM check_model('limits_model');

-- In a statement of many rows only the customer who doesn't fit is left out.
INSERT INTO limits.orders (customer_id, ordered_on, total)
VALUES (4, '2025-12-01', 1e12), (5, '2025-12-01', 50), (4, '2025-12-01', 0.000000001), (6, '2025-12-01', 60), (4, '2025-12-01', 'NaN');
SELECT operation, reason, affected, needs_rebuild FROM limits_model.rejects;
SELECT count(*) FILTER (WHERE customer_key = '4') AS left_out, count(*) FILTER (WHERE customer_key IN ('5', '6')) AS others FROM limits_model.customer_scores;
SELECT status, needs FROM limits_model.model_status;
SELECT * FROM check_model('limits_model');
UPDATE limits.orders SET total = 40 WHERE customer_id = 4 AND ordered_on = '2025-12-01';
SELECT count(*) FILTER (WHERE customer_key = '4') AS back FROM limits_model.customer_scores;
SELECT * FROM check_model('limits_model');
-- nor does it matter how many customers a statement has
INSERT INTO limits.orders (customer_id, ordered_on, total) SELECT i % 15000, '2025-12-03', CASE i WHEN 17 THEN 'NaN' ELSE i::numeric END FROM generate_series(1, 20000) AS i;
UPDATE limits.orders SET total = total + 1 WHERE ordered_on = '2025-12-03';
SELECT operation, reason, affected, needs_rebuild FROM limits_model.rejects ORDER BY 1, 3;
SELECT * FROM check_model('limits_model');
-- nor whether what they have done fits memory, and each of them fits a history
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
UPDATE limits.orders SET total = total + 1 WHERE ordered_on = '2025-12-03';
SELECT * FROM check_model('limits_model');
INSERT INTO limits.orders (customer_id, ordered_on, total)
SELECT CASE WHEN i % 1000 = 19 THEN 19 ELSE i % 5000 END, '2025-12-03',
       CASE WHEN i % 1000 = 19 THEN 900000000.123456789 WHEN i % 5000 = 18 THEN 'NaN' ELSE i::numeric END FROM generate_series(1, 12000) AS i;
SELECT operation, reason, affected, needs_rebuild FROM limits_model.rejects WHERE affected > 1;
SELECT count(*) FILTER (WHERE customer_key = '19') AS too_large, count(*) FILTER (WHERE customer_key IN ('18', '20')) AS others FROM limits_model.customer_scores;
RESET work_mem;
RESET hash_mem_multiplier;
SELECT * FROM check_model('limits_model');
DELETE FROM limits.orders WHERE ordered_on = '2025-12-03' OR abs(total) > 1e12;
SELECT * FROM check_model('limits_model');

-- on_error raise: the statement that can't be scored fails, and names no amount;
-- a row that is there all the same can be deleted and mended
SELECT item, detail FROM alter_model('limits_model', on_error => 'raise') WHERE item = 'on_error';
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (1, '2025-12-01', 'NaN');
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (1, '2025-12-01', 0.1234567891);
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (1, 'infinity', 1);
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (1, '2025-12-01', 5);
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (1, '2025-12-01', 5), (2, '2025-12-01', 1000000000001);
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (1, '5874897-12-31', 5), (2, '2025-12-01', 4811.3);
SELECT * FROM check_model('limits_model');
SELECT count(*) FROM limits_model.rejects;
ALTER TABLE limits.orders DISABLE TRIGGER USER;
INSERT INTO limits.orders (customer_id, ordered_on, total) VALUES (7, '2025-12-31', 4811.30123456789), (8, '2025-12-31', 'NaN'), (9, '2025-12-31', 1e15), (9, '2025-12-31', -1e15);
ALTER TABLE limits.orders ENABLE TRIGGER USER;
SELECT * FROM refresh_model('limits_model');
DELETE FROM limits.orders WHERE customer_id = 7 AND ordered_on = '2025-12-31';
UPDATE limits.orders SET total = 80 WHERE total = 'NaN';
DELETE FROM limits.orders WHERE abs(total) = 1e15;
SELECT status, customers_changed FROM refresh_model('limits_model');
SELECT * FROM check_model('limits_model');

-- _try_add and try_sum: + and sum, but NULL instead of the error
SELECT _try_add('{2025-01-01:1:1}', '{2025-01-01:1:2.5,2025-01-02:1:3}'), _try_add('{2025-01-01:1:1}', '{2025-01-01:-1:-1}'),
       _try_add('{2025-01-01:1:9000000000000000000}', '{2025-01-01:1:9000000000000000000}') IS NULL AS total_too_large,
       _try_add('{2025-01-01:1:9000000000000000000}', '{2025-01-02:1:0.01}') IS NULL AS decimals_too_many,
       _try_add('{2025-01-01:9223372036854775807:1}', '{2025-01-01:1:1}') IS NULL AS events_too_many,
       _try_add(NULL, '{}') IS NULL AS unknown;
SELECT try_sum(h), try_sum(h) FILTER (WHERE false) FROM (VALUES ('{2025-01-01:1:1}'::history), (NULL), ('{2025-01-01:1:2.5}')) AS v (h);
SELECT try_sum(h) IS NULL FROM (VALUES ('{2025-01-01:1:9000000000000000000}'::history), ('{2025-01-01:1:9000000000000000000}'), ('{2025-01-03:1:1}')) AS v (h);
-- what doesn't fit half way may fit in the end, in any order
SELECT count(*), count(DISTINCT s), min(s::text) FROM (
  SELECT try_sum(h ORDER BY hashint8extended(i, o)) AS s
    FROM unnest('{"{2025-01-01:1:9000000000000000000}","{2025-01-01:1:9000000000000000000}","{2025-01-01:-1:-9000000000000000000}","{2025-01-01:-1:-9000000000000000000}","{2025-01-01:1:0.000000001}","{2025-01-02:1:1.5}","{2025-01-03:1:7}","{2025-01-03:-1:-7}"}'::history[]) WITH ORDINALITY AS u (h, i),
         generate_series(1, 100) AS o GROUP BY o) AS t;
-- the same as sum, however it is computed
CREATE TABLE limits.histories AS
SELECT i % 7 AS g, history(date '2025-01-01' + i % 40, (i % 1000) / 4.0) AS h FROM generate_series(1, 20000) AS i;
ANALYZE limits.histories;
SELECT count(*), count(*) FILTER (WHERE a <> b) AS different FROM (SELECT try_sum(h) AS a, sum(h) AS b FROM limits.histories GROUP BY g) AS s;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
SELECT count(*), count(*) FILTER (WHERE a <> b) AS different FROM (SELECT try_sum(h) AS a, sum(h) AS b FROM limits.histories GROUP BY g) AS s;
INSERT INTO limits.histories SELECT 3, '{2025-01-01:1:90000000000000000.25}' FROM generate_series(1, 2);
SELECT g, try_sum(h) IS NULL AS too_large FROM limits.histories GROUP BY g ORDER BY g;

SELECT detail FROM drop_model('limits_model');
DROP SCHEMA limits CASCADE;
