-- data_quality, check_quality: planted faults, every one of them counted.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

-- A clean shop: 60 customers, open on Mondays to Fridays, 300 days, two orders a
-- day of 10 to 100, nobody twice on a day. A Sunday sale now and then.
CREATE TABLE shopdata.sales AS
SELECT row_number() OVER (ORDER BY d, k)::int AS id, ((row_number() OVER (ORDER BY d, k) * 7) % 60 + 1)::int AS customer, d::date AS day,
       round((10 * 10 ^ ((hashint8extended((d::date - '2025-01-01') * 2 + k, 7) & 1073741823) / 1073741824.0))::numeric, 2) AS total, 'EUR' AS currency, 'one' AS shop
FROM generate_series(timestamp '2025-01-06', '2025-10-31', '1 day') AS d, generate_series(1, 2) AS k
WHERE extract(isodow FROM d) < 6 OR extract(day FROM d) = 2;
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', customer => 'customer', day => 'day', value => 'total', as_of => '2025-11-02');
SELECT reason, unit, affected, customers, checked_at IS NULL AS unchecked, advice ~ 'check_quality' AS says_how FROM m.data_quality;
SELECT * FROM check_quality('m');
SELECT reason, affected, customers, checked_at BETWEEN now() - interval '10 minutes' AND clock_timestamp() AS checked, explanation FROM m.data_quality WHERE reason IN (SELECT q.reason FROM quality_reasons() AS q WHERE q.found = 'checked');
-- every reason is documented, and has one row for each model that can have it
SELECT count(*) AS reasons, count(*) - count(explanation) AS lacking, count(*) - count(advice) AS lacking_advice, count(DISTINCT reason) AS different FROM quality_reasons();

-- The faults, each where it can be told from the others
INSERT INTO sales VALUES (10001, NULL, '2025-03-03', 20, 'EUR', 'one'), (10002, NULL, '2025-03-03', 20, 'EUR', 'one'),			-- no customer
  (10003, 1, NULL, 20, 'EUR', 'one'), (10004, 1, NULL, 20, 'EUR', 'one'), (10005, 2, NULL, 20, 'EUR', 'one'),					-- no day
  (10006, 3, '2025-03-03', NULL, 'EUR', 'one'),																				-- no value
  (10007, 4, '2025-03-03', 'NaN', 'EUR', 'one'), (10008, 5, '2025-03-03', 1.0123456789, 'EUR', 'one'), (10009, 5, 'infinity', 20, 'EUR', 'one'),	-- unconvertible
  (10010, 101, '2025-12-24', 30, 'EUR', 'one'),																				-- a day to come
  (10011, 102, '2025-04-07', -30, 'EUR', 'one'),																				-- a correction without an order
  (10012, 103, '2025-04-07', 30, 'EUR', 'one'), (10013, 103, '2025-04-14', 45, 'EUR', 'one'), (10014, 103, '2025-04-21', -75, 'EUR', 'one'),	-- nothing left
  (10015, 104, '2025-04-07', 0, 'EUR', 'one'),																				-- a free order is none of them
  (10016, 6, '2025-04-08', 90000, 'EUR', 'one'), (10017, 6, '2025-04-09', 95000, 'EUR', 'one'), (10018, 7, '2025-04-10', 0.01, 'EUR', 'one'),	-- outliers
  (10019, 8, '2025-04-08', 40, 'USD', 'one'), (10020, 8, '2025-04-09', 41, 'CHF', 'one'), (10021, 9, '2025-04-08', 42, 'a secret', 'one'), (10022, 9, '2025-04-09', 43, NULL, 'one');	-- currencies
INSERT INTO sales SELECT * FROM sales WHERE id IN (11, 12, 13);						-- delivered twice
INSERT INTO sales SELECT * FROM sales WHERE id = 13 LIMIT 1;						-- three times
INSERT INTO sales SELECT id, customer, day + 1, total + 1, currency FROM sales WHERE id = 20;		-- a key with two contents
INSERT INTO sales SELECT id, customer + 1, day, total, currency FROM sales WHERE id = 22;			-- ... with two customers
DELETE FROM sales WHERE day BETWEEN '2025-06-10' AND '2025-06-17';					-- a feed broken for 6 working days
DELETE FROM sales WHERE day IN ('2025-08-05', '2025-09-04') ;						-- and for two single ones
SELECT status, rows_read - (SELECT count(*) FROM sales) AS difference FROM refresh_model('m');
CREATE FUNCTION shopdata.faults(model text) RETURNS TABLE (reason text, unit text, affected bigint, customers bigint, detail text) LANGUAGE sql AS $$
  SELECT q.reason, q.unit, q.affected, q.customers, substr(q.explanation, length(r.explanation) + 3)
    FROM scoring.check_quality(model) AS q JOIN scoring.quality_reasons() AS r USING (reason) ORDER BY r.position $$;
SELECT * FROM faults('m');

-- With event_key each event is read once, whichever row comes first: the latest
-- day, then the highest value. What differs is said.
SELECT count(*) > 0 AS done FROM create_model('k', 'sales', customer => 'customer', day => 'day', value => 'total', as_of => '2025-11-02', event_key => 'id', currency => 'currency');
SELECT item, detail FROM alter_model('m', event_key => 'id', currency => 'currency') WHERE item IN ('event_key', 'currency', 'note', 'version');
SELECT * FROM faults('k');
SELECT * FROM differ('SELECT * FROM m.customer_histories', 'SELECT * FROM k.customer_histories');
CREATE TABLE shopdata.shuffled AS SELECT * FROM sales ORDER BY hashint8extended(id, 3), total, day DESC;
SELECT count(*) > 0 AS done FROM create_model('s', 'shuffled', customer => 'customer', day => 'day', value => 'total', as_of => '2025-11-02', event_key => 'id');
SELECT * FROM differ('SELECT * FROM s.customer_histories', 'SELECT * FROM k.customer_histories');
SELECT * FROM differ('SELECT customer_key, encode(history_send(history), ''hex'') FROM s.customer_histories',
  $$SELECT customer::text, encode(history_send(history_agg(day, total)), 'hex') FROM (SELECT DISTINCT ON (id) * FROM sales WHERE customer IS NOT NULL ORDER BY id, day DESC, total DESC, customer) AS e
     WHERE _is_scorable(day, total) GROUP BY customer$$);
-- a key that is NULL is no key, and a row that can't be read doesn't keep out one that can
INSERT INTO sales VALUES (NULL, 201, '2025-05-05', 10, 'EUR', 'one'), (NULL, 201, '2025-05-06', 11, 'EUR', 'one'), (20000, 202, NULL, 10, 'EUR', 'one'), (20000, 202, '2025-05-06', 11, 'EUR', 'one');
SELECT rows_without_day FROM refresh_model('k');
SELECT customer_key, frequency, monetary FROM k.customer_scores WHERE customer_key IN ('201', '202') ORDER BY 1;
-- what create_model says of it at once
SELECT detail FROM create_model('d', 'sales', customer => 'customer', day => 'day', value => 'total', as_of => '2025-11-02', event_key => 'id', currency => 'currency', dry_run => true) WHERE item = 'note';
SELECT refused(call, true) FROM (VALUES
  (1, $$create_model('e', 'sales', customer => 'customer', day => 'day', value => 'total', event_key => 'nothing')$$),
  (2, $$create_model('e', 'sales', customer => 'customer', day => 'day', value => 'total', event_key => 'to_jsonb(id)')$$),
  (3, $$create_model('e', 'sales', customer => 'customer', day => 'day', value => 'total', currency => 'now()')$$),
  (4, $$create_model('e', 'sales', customer => 'customer', day => 'day', value => 'total', event_key => 'id', live => true)$$),
  (5, $$check_quality('none')$$), (6, $$check_quality(NULL)$$)) AS v (n, call) ORDER BY n;
-- no personal values in any text
SELECT count(*) FROM k.data_quality WHERE explanation ~ 'secret' OR advice ~ 'secret';

-- Order lines, customers made by a marketplace, too few customers
CREATE TABLE shopdata.lines (customer int, day date, total numeric);
INSERT INTO lines SELECT c, date '2025-05-01' + c % 20, l * 10 FROM generate_series(1, 40) AS c, generate_series(1, 1 + (c % 4 = 0)::int) AS l;
SELECT count(*) > 0 AS done FROM create_model('lines_model', 'lines', as_of => '2025-05-20');
SELECT * FROM faults('lines_model') WHERE unit <> 'orders';
INSERT INTO lines SELECT c, date '2025-05-01' + c % 20, 10 FROM generate_series(1, 40) AS c WHERE c % 10 = 1;
SELECT count(*) FROM refresh_model('lines_model');
SELECT affected, round(affected / 40.0, 2) AS share FROM lines_model.data_quality WHERE reason = 'one_order_only';
DELETE FROM lines WHERE ctid NOT IN (SELECT min(ctid) FROM lines GROUP BY customer);
SELECT count(*) FROM refresh_model('lines_model');
SELECT affected FROM lines_model.data_quality WHERE reason = 'one_order_only';
DELETE FROM lines WHERE customer > 20;
SELECT count(*) > 0 AS done FROM create_model('few', 'lines', as_of => '2025-05-20');
SELECT reason, affected FROM few.data_quality WHERE reason IN ('few_customers', 'too_few_customers', 'one_order_only') ORDER BY 1;
SELECT count(*) > 0 AS done FROM create_model('fixed', 'lines', as_of => '2025-05-20', monetary_thresholds => '{10,20,50,100}');
SELECT reason, affected FROM fixed.data_quality WHERE reason IN ('few_customers', 'too_few_customers') ORDER BY 1;
-- ... below the minimum of the model: no score that would need quantiles, and why
SELECT count(*) > 0 AS done FROM create_model('below', 'lines', as_of => '2025-05-20', minimum_customers => 21);
SELECT reason, affected FROM below.data_quality WHERE reason IN ('few_customers', 'too_few_customers') ORDER BY 1;
SELECT score_reason, count(*) AS customers, count(r_score) AS r, count(f_score) AS f, count(m_score) AS m, count(basket_score) AS basket FROM below.customer_scores GROUP BY 1;
SELECT status, needs FROM below.model_status;

-- An empty source, one row, and one day
TRUNCATE lines;
SELECT count(*) > 0 AS done FROM create_model('empty_model', 'lines', as_of => '2025-05-20');
SELECT * FROM faults('empty_model');
SELECT count(*) FILTER (WHERE affected <> 0) AS not_null FROM empty_model.data_quality;
INSERT INTO lines VALUES (1, '0001-01-01', 5);
SELECT * FROM faults('empty_model');

-- By tenant, for who may see it; and of moments in a time zone
ALTER TABLE sales ADD COLUMN at timestamptz;
UPDATE sales SET shop = 'two' WHERE customer % 2 = 0;
UPDATE sales SET at = (day + time '23:30') AT TIME ZONE 'America/New_York' WHERE isfinite(day);
SELECT count(*) > 0 AS done FROM create_model('t', 'sales', customer => 'customer', day => 'at', value => 'total', as_of => '2025-11-02', tenant => 'shop', currency => 'currency', time_zone => 'America/New_York');
SELECT tenant, reason, affected, customers FROM check_quality('t');
CREATE ROLE regress_quality_reader;
GRANT USAGE ON SCHEMA scoring, shopdata TO regress_quality_reader;
SELECT grant_reader('t', 'regress_quality_reader', 'two');
SET ROLE regress_quality_reader;
SELECT tenant, reason, affected FROM t.data_quality WHERE affected > 0;
SELECT count(*) FILTER (WHERE tenant IS NULL) AS of_all FROM t.data_quality;
SELECT regexp_replace(refused('check_quality(''t'')'), 'role .*', 'role ...') AS refused;
SELECT has_table_privilege('t.quality', 'SELECT') OR has_table_privilege('t.overridden_segments', 'SELECT') OR has_table_privilege('t.merged_customers', 'SELECT') AS reads_tables;
RESET ROLE;
-- another source: what was found is gone
SELECT count(*) > 0 AS done FROM alter_model('m', source => 'SELECT customer, day, total FROM shopdata.lines', customer => 'customer', day => 'day', value => 'total', reset => '{event_key,currency}');
SELECT count(affected) AS counted FROM m.data_quality WHERE reason = 'exact_duplicates';
-- the source gone: said, not broken
ALTER TABLE lines RENAME TO files;
SELECT refused('check_quality(''m'')');
SELECT count(affected) > 0 AS still FROM m.data_quality;
ALTER TABLE files RENAME TO lines;

-- Money of rows that are no order: never paid, or refunds without a sign. An order
-- that came back wholly is none of them, and neither is a day to come.
CREATE TABLE shopdata.states AS SELECT * FROM (VALUES
  ('ann', date '2025-01-05', 100, true), ('ann', '2025-02-05', 50, false),		-- the second was cancelled
  ('cleo', '2025-01-09', 30, false),						-- failed
  ('dee', '2025-01-10', 80, true), ('dee', '2025-01-12', 30, false),		-- a refund of 30
  ('eve', '2025-01-10', 80, true), ('eve', '2025-01-12', -30, false),
  ('gus', '2025-01-10', 35, false), ('gus', '2025-01-12', -35, false),
  ('hal', '2025-01-10', 35, true), ('hal', '2025-11-12', 35, false)) AS v (customer, day, value, counts);
SELECT count(*) > 0 AS done FROM create_model('states_model', 'states', as_of => '2025-10-31');
SELECT reason, affected, customers FROM check_quality('states_model') WHERE reason = 'corrections_add';
UPDATE states SET value = CASE customer WHEN 'dee' THEN -value ELSE 0 END WHERE NOT counts AND customer IN ('ann', 'cleo', 'dee');
SELECT count(*) AS left FROM check_quality('states_model') WHERE reason = 'corrections_add';

-- how many Mondays there are
SELECT count(*) AS compared, count(*) FILTER (WHERE _model_weekdays(a, b, w) <> (SELECT count(*) FROM generate_series(a::timestamp, b, '1 day') AS d WHERE extract(isodow FROM d) = w)) AS different
FROM (SELECT date '2025-01-01' + i AS a, date '2025-01-01' + i + j AS b FROM generate_series(0, 6) AS i, generate_series(-3, 20) AS j) AS s, generate_series(1, 7) AS w;
SELECT count(*) FROM (SELECT drop_model(model) FROM models()) AS s;
DROP OWNED BY regress_quality_reader;
DROP ROLE regress_quality_reader;
DROP TABLE sales, shuffled, lines, states;
DROP FUNCTION faults;
