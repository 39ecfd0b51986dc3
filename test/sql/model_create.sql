-- create_model: what a source, its columns and its keys can be.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

-- The same customers from a table, a view, a matview, a query, by name, by
-- expression and by position: each time what score_customers makes of it.
CREATE TABLE shopdata.three AS SELECT customer_id, ordered_on, total FROM orders;
CREATE TABLE shopdata.four AS SELECT customer_id, ordered_on, total, kind = 'order' AS counts FROM orders;
CREATE TABLE shopdata.parted (LIKE orders) PARTITION BY RANGE (ordered_on);
CREATE TABLE shopdata.parted_early PARTITION OF shopdata.parted FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
CREATE TABLE shopdata.parted_late PARTITION OF shopdata.parted FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);
INSERT INTO parted SELECT * FROM orders;
CREATE VIEW shopdata.viewed AS SELECT total AS "Grand Total", ordered_on AS "the ""day""", customer_id AS "Customer", kind FROM orders;
CREATE MATERIALIZED VIEW shopdata.kept AS SELECT * FROM three;
CREATE FUNCTION shopdata.compare(model text, arguments text, source text, more text DEFAULT '')
RETURNS TABLE (rows bigint, different bigint) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT count(*) > 0 AS done FROM create_model(%L, %s, as_of => ''2025-12-31'' %s)', model, arguments, more);
  RETURN QUERY SELECT * FROM differ(common('customer_key') || quote_ident(model) || '.customer_scores',
    common('customer_id') || format('score_customers(%L, ''2025-12-31'' %s)', source, more));
  PERFORM FROM drop_model(model);
END $$;
SELECT name, c.* FROM (VALUES
  ('by name', $$'orders', customer => 'customer_id', day => 'ordered_on', value => 'total'$$, NULL),
  ('three', $$'shopdata.three'$$, NULL),
  ('four', $$'four'$$, 'SELECT customer_id, ordered_on, total, kind = ''order'' FROM orders'),
  ('partitions', $$'parted', customer => 'customer_id', day => 'ordered_on', value => 'total'$$, NULL),
  ('matview', $$'kept'$$, NULL),
  ('My "Shop"', $$'viewed', customer => 'Customer', day => 'the "day"', value => 'Grand Total'$$, NULL),
  ('O''Brien', $$' "shopdata" . "viewed" ; ', customer => '"Customer"', day => '"the ""day"""', value => '"Grand Total"'$$, NULL),
  ('%s %I; --', $$'SELECT customer_id, ordered_on, total FROM orders;'$$, NULL),
  ('ünïcödé', $$E'TABLE orders -- and that is all\n', customer => 'customer_id -- him', day => E'ordered_on\n', value => 'total'$$, NULL),
  ('with', $$'WITH o AS (SELECT * FROM orders) SELECT o.customer_id, ordered_on, total FROM o'$$, NULL),
  ('values', $$'VALUES (1, date ''2025-01-03'', 5), (1, ''2025-02-03'', 6), (2, ''2025-06-01'', 3)'$$,
    'VALUES (1, date ''2025-01-03'', 5), (1, ''2025-02-03'', 6), (2, ''2025-06-01'', 3)'),
  ('counts', $$'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', counts => 'kind IN (''order'', ''refund'')'$$,
    'SELECT customer_id, ordered_on, total, kind IN (''order'', ''refund'') FROM orders'),
  ('expressions', $$'orders', customer => 'customer_id % 50', day => 'ordered_on + 7', value => 'round(total * 1.2, 2)', counts => 'total > 5'$$,
    'SELECT customer_id % 50, ordered_on + 7, round(total * 1.2, 2), total > 5 FROM orders'),
  ('subquery', $$'orders', customer => '(SELECT p.city FROM people AS p WHERE p.customer_id = source.customer_id)', day => 'ordered_on', value => 'total'$$,
    'SELECT (SELECT p.city FROM people AS p WHERE p.customer_id = source.customer_id), ordered_on, total FROM orders AS source'),
  ('integers', $$'orders', customer => 'customer_id', day => 'ordered_on', value => 'order_id'$$, 'SELECT customer_id, ordered_on, order_id FROM orders'),
  ('floats', $$'orders', customer => 'customer_id', day => 'ordered_on', value => 'total::float8 / 3'$$, 'SELECT customer_id, ordered_on, total::float8 / 3 FROM orders'),
  ('timestamps', $$'orders', customer => 'customer_id', day => 'ordered_on + time ''23:59:59''', value => 'total'$$, NULL)
) AS v (name, arguments, source), compare(name, arguments, coalesce(source, 'SELECT customer_id, ordered_on, total FROM orders')) AS c;

-- A moment needs a zone, and has one in a model: UTC where nothing is said.
SELECT name, c.* FROM (VALUES
  ('utc', $$'orders', customer => 'customer_id', day => 'ordered_at', value => 'total'$$,
    'SELECT customer_id, (ordered_at AT TIME ZONE ''UTC'')::date, total FROM orders'),
  ('apia', $$'orders', customer => 'customer_id', day => 'ordered_at', value => 'total', time_zone => 'Pacific/Apia'$$,
    'SELECT customer_id, (ordered_at AT TIME ZONE ''Pacific/Apia'')::date, total FROM orders'),
  ('new york', $$'SELECT customer_id, ordered_at, total FROM orders', time_zone => 'America/New_York'$$,
    'SELECT customer_id, (ordered_at AT TIME ZONE ''America/New_York'')::date, total FROM orders')) AS v (name, arguments, source), compare(name, arguments, source) AS c;
-- ... a day doesn't, and the zone says what today is
SELECT count(*) > 0 AS done FROM create_model('today', 'three', time_zone => 'Pacific/Kiritimati');
SELECT DISTINCT as_of - (now() AT TIME ZONE 'Pacific/Kiritimati')::date AS days_off FROM today.customer_scores;
SELECT as_of - (now() AT TIME ZONE 'Pacific/Kiritimati')::date AS days_off, as_of_rule, time_zone FROM today.model_status;
SELECT count(*) > 0 AS done FROM alter_model('today', time_zone => 'Pacific/Pago_Pago');
SELECT DISTINCT as_of - (now() AT TIME ZONE 'Pacific/Pago_Pago')::date AS days_off FROM today.customer_scores;
SELECT * FROM differ(common('customer_key') || 'today.customer_scores',
  common('customer_id') || $$score_customers('three', (now() AT TIME ZONE 'Pacific/Pago_Pago')::date)$$);
SELECT item FROM drop_model('today');

-- Keys of any type become text; equal keys stay one customer.
CREATE DOMAIN shopdata.member_number AS numeric CHECK (VALUE >= 0);
SELECT type, c.* FROM (VALUES
  ('smallint', 'customer_id::smallint', NULL), ('bigint', '(customer_id * 4294967296)', NULL),
  ('numeric', '(customer_id % 100)::numeric * CASE WHEN order_id % 2 = 0 THEN 1.0 ELSE 1.000 END', '(customer_id % 100)'),
  ('text', '(''c '' || customer_id)', NULL), ('varchar', 'customer_id::varchar(20)', NULL), ('char', '(''c'' || customer_id)::char(9)', NULL),
  ('uuid', 'md5(customer_id::text)::uuid', NULL), ('unknown', '''everyone''', NULL),
  ('domain', '(customer_id % 100 + 0.50)::shopdata.member_number', '(customer_id % 100 + 0.5)')) AS v (type, expression, as_text),
  compare('keys', format($$'SELECT %s, ordered_on, total FROM orders'$$, replace(expression, '''', '''''')),
          format('SELECT %s::text, ordered_on, total FROM orders', coalesce(as_text, expression))) AS c;
SELECT count(*) > 0 AS done FROM create_model('numbers', $$VALUES (1.0, date '2025-01-03', 5), (1.00, '2025-02-03', 6), (1, '2025-02-04', 1), (100.0, '2025-02-04', 1), (-0.50, '2025-02-04', 1)$$, as_of => '2025-12-31');
SELECT customer_key, frequency, monetary FROM numbers.customer_scores ORDER BY customer_key COLLATE "C";
SELECT item FROM drop_model('numbers');
-- days and values may be domains as well
CREATE DOMAIN shopdata.business_day AS date;
CREATE DOMAIN shopdata.euros AS numeric(12,2);
CREATE DOMAIN shopdata.yes_or_no AS boolean;
SELECT * FROM compare('domains', $$'SELECT customer_id, ordered_on::business_day, total::euros, (kind = ''order'')::yes_or_no FROM orders'$$,
                'SELECT customer_id, ordered_on, total, kind = ''order'' FROM orders');

-- Rows that can't be used are left out, and counted.
CREATE TABLE shopdata.gaps AS
SELECT CASE WHEN order_id % 10 > 0 THEN customer_id END AS customer_id, CASE WHEN order_id % 11 > 0 THEN ordered_on END AS ordered_on,
       CASE WHEN order_id % 13 > 0 THEN total::numeric END AS total FROM orders;
INSERT INTO gaps VALUES (1, '2025-01-01', 'NaN'), (2, 'infinity', 1), (401, '2025-01-01', 0.0000000001), (1, '2025-01-01', 1e30), (NULL, 'infinity', 'NaN'), (NULL, NULL, NULL);
SELECT item, detail FROM create_model('gaps', 'shopdata.gaps', as_of => '2025-12-31') WHERE item LIKE 'rows%' OR item = 'customers';
SELECT count(*) AS rows_read, count(*) FILTER (WHERE customer_id IS NULL) AS no_customer,
       count(*) FILTER (WHERE customer_id IS NOT NULL AND ordered_on IS NULL) AS no_day,
       count(*) FILTER (WHERE customer_id IS NOT NULL AND ordered_on IS NOT NULL AND total IS NULL) AS no_value,
       count(DISTINCT customer_id) FILTER (WHERE customer_id <> 401 AND ordered_on IS NOT NULL AND total IS NOT NULL) AS customers FROM gaps;
SELECT reason, unit, affected FROM gaps.data_quality ORDER BY reason;
SELECT status, rows_read, rows_without_customer, rows_without_day, rows_without_value, rows_unconvertible, customers FROM refresh_model('gaps');
SELECT * FROM differ(common('customer_key') || 'gaps.customer_scores', common('customer_id') || $$score_customers('SELECT * FROM gaps WHERE customer_id IS NOT NULL AND ordered_on IS NOT NULL AND total IS NOT NULL AND isfinite(ordered_on) AND total < 1e20 AND customer_id <> 401', '2025-12-31')$$);
SELECT item FROM drop_model('gaps');

-- All names of the source were understood when the model was made: what is in
-- the way later is not taken for it.
SELECT count(*) > 0 AS done FROM create_model('resolved', 'SELECT customer_id, ordered_on, round(total, 1) FROM orders WHERE total > 3', as_of => '2025-12-31');
CREATE SCHEMA decoy;
CREATE TABLE decoy.orders AS SELECT -customer_id AS customer_id, ordered_on, total FROM shopdata.orders;
CREATE FUNCTION decoy.round(numeric, int) RETURNS numeric LANGUAGE sql AS 'SELECT 0.0';
SET search_path = decoy, pg_catalog;
SELECT customers_added, customers_changed, customers_removed FROM scoring.refresh_model('resolved');
SET search_path = '';
SELECT customers_added, customers_changed, customers_removed FROM scoring.refresh_model('resolved');
SELECT count(*) FROM scoring.check_model('resolved');
SELECT count(*) AS rows, count(*) FILTER (WHERE customer_key LIKE '-%') AS decoys FROM resolved.customer_scores;
-- ... nor when something else is changed
SELECT item, detail FROM scoring.alter_model('resolved', weights => '{2,1,1}') WHERE item IN ('version', 'weights', 'source', 'thresholds');
SELECT shopdata.refused($$scoring.alter_model('resolved', source => 'SELECT customer_id, ordered_on, total FROM orders')$$);
SELECT shopdata.refused($$scoring.alter_model('resolved', customer => 'customer_id', day => 'ordered_on', value => 'round')$$);
SELECT item, detail FROM scoring.alter_model('resolved', source => 'SELECT customer_id, ordered_on, total FROM shopdata.orders', weights => '{1,1,1}') WHERE item IN ('version', 'weights', 'source', 'thresholds');
SET search_path = public, scoring, shopdata;
SELECT * FROM differ(common('customer_key') || 'resolved.customer_scores', common('customer_id') || $$score_customers('three', '2025-12-31')$$);
SELECT item FROM drop_model('resolved');
-- A table stays the one that it was, whatever of its columns is read.
SELECT count(*) > 0 AS done FROM create_model('resolved', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'order_id', as_of => '2025-12-31');
SET search_path = decoy, pg_catalog;
SELECT item, detail FROM scoring.alter_model('resolved', value => 'total') WHERE item IN ('version', 'source', 'value', 'thresholds');
SET search_path = public, scoring, shopdata;
SELECT source, definition LIKE '%FROM shopdata.orders%' AS qualified FROM resolved.model_status;
SELECT * FROM differ(common('customer_key') || 'resolved.customer_scores', common('customer_id') || $$score_customers('three', '2025-12-31')$$);
SELECT item FROM drop_model('resolved');

-- A dry run makes nothing, and says what a real run would.
CREATE TABLE run AS SELECT row_number() OVER () AS line, * FROM create_model('dry', 'three', as_of => '2025-12-31', dry_run => true);
SELECT item, detail FROM run WHERE line = 1;
SELECT to_regnamespace('dry') IS NULL AS nothing_made;
SELECT * FROM differ('SELECT item, detail FROM run WHERE line > 1',
  $$SELECT item, detail FROM create_model('dry', 'three', as_of => '2025-12-31') WHERE item NOT IN ('look at', 'connect', 'let others read', 'schedule')$$);
SELECT item FROM drop_model('dry');
DROP TABLE run;

-- An empty source is no error: scores come with the first calibration.
CREATE TABLE shopdata.nothing (LIKE three);
SELECT item, detail FROM create_model('empty', 'nothing', as_of => '2025-12-31') WHERE item NOT LIKE 'segment%' AND item <> 'let others read';
SELECT count(*) FROM empty.customer_scores;
SELECT dimension, score, score_range, score_reason FROM empty.thresholds ORDER BY dimension, score;
SELECT status, needs FROM empty.model_status;
INSERT INTO nothing SELECT * FROM three;
SELECT customers_added FROM refresh_model('empty');
SELECT r_score IS NULL AS r, f_score IS NULL AS f, m_score IS NULL AS m, basket_score IS NULL AS basket, score_reason, segment, count(*)
FROM empty.customer_scores GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY score_reason, segment;
SELECT count(*) > 0 AS versioned FROM calibrate_model('empty');
SELECT * FROM differ(common('customer_key') || 'empty.customer_scores', common('customer_id') || $$score_customers('three', '2025-12-31')$$);
SELECT status, needs FROM empty.model_status;
SELECT item FROM drop_model('empty');

DROP SCHEMA decoy CASCADE;
DROP TABLE three, four, parted, nothing, gaps CASCADE;
DROP VIEW viewed;
DROP FUNCTION compare(text, text, text, text);
DROP DOMAIN member_number, business_day, euros, yes_or_no;
