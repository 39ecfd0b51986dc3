-- source_histories: histories, and as a last row how many rows were read and
-- left out.
SET client_min_messages = warning;

CREATE TABLE counted_orders (customer_id int, ordered_on date, amount numeric, counts boolean);
INSERT INTO counted_orders
SELECT 1 + g * 7919 % 900, date '2020-01-01' + g * 31 % 1500, (g * 48271 % 100000 - 2000) / 100.0, g % 11 > 0
FROM generate_series(1, 20000) AS g;
-- 2 rows without a customer, 3 without a day, 4 without a value
INSERT INTO counted_orders
SELECT CASE WHEN g > 2 THEN g END, CASE WHEN g NOT BETWEEN 3 AND 5 THEN date '2024-01-01' END, CASE WHEN g < 6 THEN g END
FROM generate_series(1, 9) AS g;

-- Rows that differ from those of histories; the counts, wherever they stand.
CREATE FUNCTION differences(source text, keep_going boolean, zone text DEFAULT NULL) RETURNS TABLE (different bigint, counts text)
LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    WITH ours AS (SELECT * FROM source_histories(%1$L, NULL::int, %2$L, %3$L)),
         a AS (SELECT customer_id, history FROM ours WHERE rows_read IS NULL),
         b AS (SELECT * FROM histories(%1$L, NULL::int, %2$L))
    SELECT (SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS d),
           (SELECT string_agg(o::text, ' ') FROM ours AS o WHERE num_nonnulls(rows_read, no_customer, no_day, no_value, unconvertible) > 0) $q$,
    source, zone, keep_going);
END $$;

SELECT keep_going, d.* FROM unnest('{false,true}'::boolean[]) AS keep_going, LATERAL differences('counted_orders', keep_going) AS d;
SET work_mem = '64kB';
SELECT keep_going, d.* FROM unnest('{false,true}'::boolean[]) AS keep_going, LATERAL differences('counted_orders', keep_going) AS d;
SELECT * FROM differences('SELECT customer_id, ordered_on, amount FROM counted_orders', true);
SELECT * FROM differences('SELECT 1, ordered_on, amount FROM counted_orders', true);
-- ... which is past memory
CREATE FUNCTION temporary_bytes(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
  RETURN (plan->0->'Plan'->>'Temp Written Blocks')::bigint;
END $$;
SELECT temporary_bytes('SELECT count(*) FROM source_histories(''counted_orders'', NULL::int)') > 0 AS spilled;
RESET work_mem;

-- The counts are the last row, of any source; of an empty one the only row.
SELECT * FROM source_histories('VALUES (2, date ''2025-01-01'', 1.5), (2, date ''2025-01-02'', 1)', NULL::int);
SELECT * FROM source_histories('SELECT 1, date ''2025-01-01'', 1 WHERE false', NULL::int);
SELECT * FROM source_histories('SELECT ''a''::text, date ''2025-01-01'', 1 WHERE false', NULL::text, keep_going => true);
SELECT * FROM source_histories('VALUES (NULL::int, NULL::date, NULL::int)', NULL::int);
SELECT customer_id IS NULL AS is_counts FROM source_histories('counted_orders', NULL::int) WITH ORDINALITY ORDER BY ordinality DESC LIMIT 2;

-- Nothing is said about what was left out, by histories it is.
SET client_min_messages = notice;
SELECT count(*) FROM source_histories('counted_orders', NULL::int);
SELECT count(*) FROM histories('counted_orders', NULL::int);
SET client_min_messages = warning;

-- Rows that can't be converted: an error as in histories, or left out and counted.
CREATE TABLE bad_value (type text, value text);
INSERT INTO bad_value VALUES
  ('numeric', 'NaN'), ('numeric', 'Infinity'), ('numeric', '-Infinity'), ('numeric', '0.0000000001'), ('numeric', '-12.3456789012345'),
  ('numeric', '9223372036854775808'), ('numeric', '-9223372036854775808.5'), ('numeric', '92233720368547758.089'), ('numeric', '1e1000'),
  ('numeric', '1e-1000'), ('numeric', '12345678901.000000001'),
  ('float8', 'NaN'), ('float8', 'Infinity'), ('float8', '-Infinity'), ('float8', '1e19'), ('float8', '-1e308'), ('float8', '12345678901.123456'),
  ('float4', 'NaN'), ('float4', 'Infinity'), ('float4', '-Infinity'), ('float4', '3e38'),
  ('bigint', '-9223372036854775808'),
  ('smallint', '-32768'), ('int', '-2147483648');	-- nothing is beyond range here

CREATE FUNCTION error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE query;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RETURN format('%s %s', sqlstate, sqlerrm);
END $$;

SELECT type, value, string_agg(h.customer_id || ' ' || h.history, ', ' ORDER BY h.customer_id) AS customers,
       max(rows_read) AS rows_read, max(no_value) AS no_value, max(unconvertible) AS unconvertible,
       left(error_of(format('SELECT * FROM source_histories(%L, NULL::int)', source)), 5) IS NOT DISTINCT FROM
       left(error_of(format('SELECT * FROM histories(%L, NULL::int)', source)), 5) AS same_state,
       error_of(format('SELECT * FROM source_histories(%L, NULL::int)', source)) AS error
FROM (SELECT *, format('VALUES (1, date ''2025-01-01'', %1$L::%2$s), (2, ''2025-01-02'', 5), (2, ''2025-01-03'', 7), (2, ''2025-01-03'', %1$L), (3, ''2025-01-03'', 7)',
                       value, type) AS source FROM bad_value) AS b,
  LATERAL source_histories(source, NULL::int, keep_going => true) AS h
GROUP BY type, value, source ORDER BY type COLLATE "C", value COLLATE "C";

-- Days: infinite ones, and points in time whose day in the zone is not on the calendar.
SELECT day, zone, string_agg(h.customer_id || ' ' || h.history, ', ' ORDER BY h.customer_id) AS customers,
       max(rows_read) AS rows_read, max(unconvertible) AS unconvertible,
       left(error_of(format('SELECT * FROM source_histories(%L, NULL::int, %L)', source, zone)), 5) IS NOT DISTINCT FROM
       left(error_of(format('SELECT * FROM histories(%L, NULL::int, %L)', source, zone)), 5) AS same_state,
       error_of(format('SELECT * FROM source_histories(%L, NULL::int, %L)', source, zone)) AS error
FROM (SELECT *, format('VALUES (1, %1$s, 1), (2, %1$s, 2), (2, ''2025-06-01 12:00+00'', 3)', day) AS source
        FROM (VALUES ('date ''infinity''', NULL), ('date ''-infinity''', NULL), ('date ''4714-11-24 BC''', NULL), ('date ''5874897-12-31''', NULL),
                     ('timestamp ''infinity''', NULL), ('timestamp ''-infinity''', NULL), ('timestamp ''294276-12-31 23:59:59''', NULL),
                     ('timestamptz ''infinity''', 'UTC'), ('timestamptz ''-infinity''', 'Europe/Paris'),
                     ('timestamptz ''4714-11-24 00:00+00 BC''', 'UTC'), ('timestamptz ''4714-11-24 00:00+00 BC''', 'Asia/Tokyo'),
                     ('timestamptz ''4714-11-24 00:00+00 BC''', 'America/New_York'), ('timestamptz ''4714-11-24 01:00+00 BC''', 'EST'),
                     ('timestamptz ''4714-11-24 12:00+00 BC''', 'America/New_York'), ('timestamptz ''4714-11-28 12:00+00 BC''', 'XXX+120'),
                     ('timestamptz ''4714-12-04 12:00+00 BC''', 'XXX+120'), ('timestamptz ''294276-12-31 23:00+00''', 'Asia/Tokyo'),
                     ('timestamptz ''294276-12-31 23:00+00''', 'America/New_York'), ('timestamptz ''294276-12-28 23:00+00''', 'XXX-120')) AS v(day, zone)) AS b,
  LATERAL source_histories(source, NULL::int, zone, true) AS h
GROUP BY day, zone, source ORDER BY day COLLATE "C", zone COLLATE "C";

-- A row is counted once, by the first reason; what is NULL is not converted.
SELECT * FROM source_histories('VALUES (NULL, date ''infinity'', ''NaN''::numeric), (1, NULL, ''NaN''), (1, ''infinity'', NULL), (1, ''infinity'', ''NaN''), (NULL, NULL, NULL)',
  NULL::int, keep_going => true);
-- A customer all of whose rows are left out is none.
SELECT * FROM source_histories('SELECT ''c'' || g, date ''2025-01-01'', CASE WHEN g = 9000 THEN 1 ELSE ''NaN''::numeric END FROM generate_series(1, 9000) AS g',
  NULL::text, keep_going => true);
-- Many such rows among others, in memory and past it, with long customers too.
CREATE TABLE spoilt AS
SELECT customer_id, CASE WHEN g % 13 = 0 THEN 'infinity' ELSE ordered_on END AS ordered_on,
       CASE g % 5 WHEN 0 THEN 'NaN' WHEN 1 THEN amount + 0.0000000001 ELSE amount END AS amount
FROM (SELECT *, row_number() OVER (ORDER BY customer_id, ordered_on, amount) AS g FROM counted_orders WHERE num_nulls(customer_id, ordered_on, amount) = 0) AS o;
CREATE VIEW sound AS SELECT * FROM spoilt WHERE isfinite(ordered_on) AND amount <> 'NaN' AND scale(trim_scale(amount)) <= 9;
CREATE FUNCTION spoilt_differences(customer text) RETURNS TABLE (different bigint, counted boolean) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    WITH ours AS (SELECT * FROM source_histories('SELECT %1$s, ordered_on, amount FROM spoilt', NULL::text, keep_going => true)),
         a AS (SELECT customer_id, history FROM ours WHERE rows_read IS NULL),
         b AS (SELECT %2$s, history_agg(ordered_on, amount) FROM sound GROUP BY 1)
    SELECT (SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS d),
           (SELECT (rows_read, unconvertible) = ((SELECT count(*) FROM spoilt), (SELECT count(*) FROM spoilt) - (SELECT count(*) FROM sound))
              FROM ours WHERE rows_read IS NOT NULL) $q$, replace(customer, '''', ''''''), customer);
END $$;
SELECT * FROM spoilt_differences('customer_id::text');
SELECT * FROM spoilt_differences('repeat(customer_id::text, 300)');
SET work_mem = '64kB';
SELECT * FROM spoilt_differences('customer_id::text');
SELECT * FROM spoilt_differences('repeat(customer_id::text, 300)');
RESET work_mem;

-- Rows that can be converted may add up to what can't: an error, or an unknown
-- history; also where customers are put aside in files, before and after.
SELECT error_of('SELECT * FROM source_histories(''VALUES (1, date ''''2025-01-01'''', 1e12), (1, date ''''2025-01-01'''', 0.000000001)'', NULL::int)');
SELECT customer_id, history, rows_read, unconvertible FROM source_histories('VALUES (1, date ''2025-01-01'', 1e12), (2, date ''2025-01-01'', 1.5), (1, date ''2025-01-02'', 0.000000001), (1, date ''2025-01-03'', 1)',
  NULL::int, keep_going => true) ORDER BY customer_id;
SET work_mem = '64kB';
SELECT count(customer_id) AS customers, count(customer_id) FILTER (WHERE history IS NULL) AS unknown,
       count(*) FILTER (WHERE history IS NULL AND customer_id > 60) AS wrong, sum(rows_read) AS rows, sum(unconvertible) AS unconvertible
  FROM source_histories('SELECT i % 20000, date ''2025-01-01'' + i % 7, i % 100 FROM generate_series(1, 100000) AS i
    UNION ALL SELECT i, date ''2025-01-01'', 1e12 FROM generate_series(1, 50) AS i
    UNION ALL SELECT i, date ''2025-01-01'', 0.000000001 FROM generate_series(1, 60) AS i
    UNION ALL SELECT i % 20000, date ''2025-01-01'' + i % 7, i % 100 FROM generate_series(1, 100000) AS i
    UNION ALL SELECT i, date ''2025-01-01'', 2e12 FROM generate_series(1, 50) AS i', NULL::int, keep_going => true);
RESET work_mem;

SELECT error_of('SELECT * FROM source_histories(NULL, NULL::int)');
SELECT error_of('SELECT * FROM source_histories(''counted_orders'', NULL::int, keep_going => NULL)');
SELECT error_of('SELECT * FROM source_histories(''counted_orders'', NULL::text)');
SELECT error_of('SELECT * FROM source_histories(''counted_orders'', NULL::int, ''UTC'')');
SELECT error_of('SELECT * FROM source_histories(''SELECT 1, now(), 1'', NULL::int, keep_going => true)');
SELECT error_of('SELECT * FROM source_histories(''SELECT 1, now(), 1'', NULL::int, ''Atlantis/Capital'', true)');

DROP FUNCTION differences, temporary_bytes, error_of, spoilt_differences;
DROP VIEW sound;
DROP TABLE counted_orders, bad_value, spoilt;

-- A source of whole histories: a row for a customer, or several that are added up.
CREATE TABLE whole AS SELECT c AS customer, history_agg(date '2020-01-01' + d * 7919 % 1500, CASE WHEN d % 17 = 0 THEN -3.5 ELSE (c * d % 1000) / 10.0 END) AS history,
  d % 3 AS piece FROM generate_series(1, 40) AS c, generate_series(1, 60) AS d GROUP BY c, d % 3;
CREATE TABLE in_rows AS SELECT c AS customer, date '2020-01-01' + d * 7919 % 1500 AS day, CASE WHEN d % 17 = 0 THEN -3.5 ELSE (c * d % 1000) / 10.0 END AS value
  FROM generate_series(1, 40) AS c, generate_series(1, 60) AS d;
SELECT count(*), count(*) FILTER (WHERE w.history = r.history) AS same FROM histories('SELECT customer, history FROM whole', NULL::int) AS w
  JOIN histories('in_rows', NULL::int) AS r ON r.customer_id = w.customer_id;
SELECT count(*) FROM ((SELECT * FROM score_customers('SELECT customer, history FROM whole', '2022-12-31') EXCEPT ALL SELECT * FROM score_customers('in_rows', '2022-12-31'))
  UNION ALL (SELECT * FROM score_customers('in_rows', '2022-12-31') EXCEPT ALL SELECT * FROM score_customers('SELECT customer, history FROM whole', '2022-12-31'))) AS d;
-- longer than a batch, under keys that are no integers, when little memory is left
SET work_mem = '64kB';
SELECT count(*), count(*) FILTER (WHERE h.history = o.history) AS same
  FROM histories($$SELECT 'k' || c, history_agg(date '2000-01-01' + d, 1.5) FROM generate_series(1, 40) AS c, generate_series(1, 50 * c) AS d GROUP BY 1$$, ''::text) AS h
  JOIN (SELECT 'k' || c AS k, history_agg(date '2000-01-01' + d, 1.5) AS history FROM generate_series(1, 40) AS c, generate_series(1, 50 * c) AS d GROUP BY 1) AS o ON o.k = h.customer_id;
RESET work_mem;
-- a day in one piece that another takes back is none
SELECT customer_id, recency_days, frequency, monetary, tenure_days
  FROM score_customers($$VALUES (1, '{2025-01-01:1:5,2025-02-01:1:7}'::history), (1, '{2025-02-01:-1:-7}'), (2, '{}')$$, 1, '2025-12-31') ORDER BY 1;
CREATE TABLE odd (customer int, history history);
INSERT INTO odd VALUES (NULL, '{2025-12-25:1:5}'), (18, NULL), (901, '{}'), (902, '{2025-12-25:1:5}'), (903, '{300000-01-01:1:5}'),
  (904, '{2025-12-25:1:9000000000000000000}'), (904, '{2025-12-25:1:9000000000000000000}');
SELECT * FROM histories('SELECT * FROM odd WHERE customer IS DISTINCT FROM 904', NULL::int) ORDER BY 1;
SELECT customer_id, history, rows_read, no_customer, no_day, no_value, unconvertible FROM source_histories('odd', NULL::int, keep_going => true) ORDER BY 1;
SELECT error_of(format('SELECT * FROM %s', call)) FROM (VALUES
  ($$source_histories('odd', NULL::int)$$),
  ($$histories('odd', NULL::int)$$),
  ($$histories('odd', NULL::bigint)$$),
  ($$histories('odd', NULL::int, 'Europe/Paris')$$),
  ($$histories('SELECT customer, history::text FROM odd', NULL::int)$$),
  ($$histories('SELECT customer, history, 1 FROM odd', NULL::int)$$),
  ($$score_customers('odd', '2025-12-31')$$)) AS v (call);
DROP TABLE whole, in_rows, odd;
