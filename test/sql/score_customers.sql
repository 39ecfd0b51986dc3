-- score_customers and histories: one scan of any source. The definition is the
-- composable functions; everything is compared with them, row for row.
SET client_min_messages = warning;
SET search_path = public, scoring;
SET jit = off;		-- hundreds of statements, each of which would be compiled

-- 24,000 rows of 2,400 customers: ties, refunds, late starters, whole amounts
CREATE TABLE bulk_orders AS
SELECT (h1 % 2400)::int AS customer_id,
       date '2023-01-01' + (sqrt(h2 % 1000000) * 1.1)::int AS ordered_on,
       CASE WHEN h3 % 17 = 0 THEN -(h3 % 5000)::numeric / 100
            WHEN h3 % 5 = 0 THEN (h3 % 90)::numeric
            ELSE round((h3 % 100000)::numeric / 1000, (h1 % 4)::int) END AS amount,
       CASE WHEN h3 % 11 = 0 THEN NULL ELSE h3 % 7 > 0 END AS counts
FROM (SELECT hashint8extended(g, 1) & 1073741823 AS h1, hashint8extended(g, 2) & 1073741823 AS h2,
             hashint8extended(g, 3) & 1073741823 AS h3
      FROM generate_series(1, 24000) AS g) AS s;
INSERT INTO bulk_orders SELECT 10000 + g, date '2025-01-01' + g, -5, NULL FROM generate_series(1, 50) AS g;  -- corrections only
INSERT INTO bulk_orders SELECT 20000 + g, date '2026-06-01' + g, 10, NULL FROM generate_series(1, 50) AS g;  -- after as_of
ANALYZE bulk_orders;

-- A map of our own that asks for every fact there is.
CREATE SCHEMA bulk_maps;
SELECT create_segment_map('bulk_maps.facts', copy_of => 'essential');
INSERT INTO bulk_maps.segment_rule (map, position, segment, conditions)
SELECT 'facts', n, (ARRAY['vip', 'regular', 'at_risk', 'lapsed', 'occasional'])[1 + n % 5], c::jsonb
FROM (VALUES (2, '{"and": [{"column": "recency_days", "op": "<", "value": 20}, {"column": "frequency", "op": "=", "value": 7}]}'),
  (3, '{"and": [{"column": "monetary", "op": "between", "value": [100, 140.5]}, {"column": "tenure_days", "op": ">", "value": 300}]}'),
  (4, '{"column": "mean_value", "op": ">", "value": 70.25}'), (5, '{"column": "rfm_code", "op": "in", "value": ["445", "355"]}'),
  (6, '{"and": [{"column": "last_order_on", "op": ">=", "value": "2025-12-24"}, {"column": "as_of", "op": "=", "value": "2025-12-31"}]}'),
  (7, '{"and": [{"column": "silence_ratio", "op": ">", "value": 4}, {"column": "rfm_score", "op": "<", "value": 3}]}')) AS v(n, c);

-- The definition, over a table of customer_id, ordered_on, amount.
CREATE FUNCTION by_definition(source text, as_of date, bins int, map text, window_days int, monetary_kind text,
                              frequency_kind text, r_cuts float8[], f_cuts float8[], m_cuts float8[], weights float8[])
RETURNS TABLE (customer_id int, recency_days int, frequency bigint, monetary numeric, mean_value numeric,
               tenure_days int, r_score int, f_score int, m_score int, rfm_code text, rfm_score float8, segment text)
LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    WITH h AS (
      SELECT customer_id, history_agg(ordered_on, amount) AS h FROM %1$s
      WHERE ordered_on <= %2$L AND customer_id IS NOT NULL GROUP BY 1
    ), n AS (
      SELECT customer_id, recency(h, %2$L) AS r, tenure(h, %2$L) AS t, silence_ratio(h, %2$L) AS silence, last_day(h, %2$L) AS l,
             CASE %3$L WHEN 'events' THEN frequency(h, %2$L, %4$L) ELSE active_days(h, %2$L, %4$L) END AS f,
             frequency(h, %2$L, %4$L) > 0 AS active, monetary(h, %2$L, %4$L) AS total,
             mean_value(h, %2$L, %4$L) AS mean
      FROM h
    ), v AS (
      SELECT *, CASE %5$L WHEN 'total' THEN total ELSE mean END AS m FROM n
    ), q AS (
      SELECT coalesce(%6$L, quantile_thresholds(r, %7$s)) AS rq,
             coalesce(%8$L, quantile_thresholds(f, %7$s) FILTER (WHERE active)) AS fq,
             coalesce(%9$L, quantile_thresholds(m, %7$s) FILTER (WHERE active)) AS mq FROM v
    ), s AS (
      SELECT v.*, score(r, rq, false) AS rs,
             CASE WHEN r IS NULL THEN NULL WHEN active THEN score(f, fq) ELSE 1 END AS fs,
             CASE WHEN r IS NULL THEN NULL WHEN active THEN score(m, mq) ELSE 1 END AS ms
      FROM v, q
    ), w AS (
      SELECT s.*, CASE WHEN r IS NOT NULL THEN weighted_score(ARRAY[rs, fs, ms], %10$L) END AS ws FROM s
    )
    SELECT customer_id, r, f::bigint, total, mean, t, rs, fs, ms, rfm_code(rs, fs, ms), ws,
           segment(rs, fs, ms, %11$L, jsonb_build_object('recency_days', r, 'frequency', f, 'monetary', total,
             'mean_value', mean, 'as_of', date %2$L, 'last_order_on', l, 'rfm_code', rfm_code(rs, fs, ms), 'tenure_days', t, 'rfm_score', ws, 'silence_ratio', silence))
    FROM w $q$,
    source, as_of, frequency_kind, window_days, monetary_kind,
    r_cuts, bins, f_cuts, m_cuts, weights, map);
END $$;

-- What differs between the two ways, for many questions; work_mem as given.
CREATE FUNCTION differences(work_mem text) RETURNS TABLE (question text, rows bigint, different bigint)
LANGUAGE plpgsql AS $$
DECLARE
  as_of date; window_days int; monetary_kind text; frequency_kind text; cuts text; map text; bins int;
BEGIN
  FOR as_of, window_days, monetary_kind, frequency_kind, cuts, map, bins IN VALUES
    (date '2025-12-31', NULL::int, 'total', 'events', 'usual', 'essential', 5),
    ('2025-12-31', NULL, 'mean', 'events', 'quantiles', 'standard', 5),
    ('2025-06-30', 365, 'total', 'events', 'usual', 'essential_hybrid', 5),
    ('2024-03-01', 90, 'mean', 'active_days', 'usual', 'essential', 5),
    ('2025-12-31', NULL, 'total', 'active_days', 'quantiles', NULL, 10),
    ('2025-12-31', 200, 'total', 'events', 'given', 'klaviyo', 3),
    ('2025-12-31', NULL, 'total', 'events', 'quantiles', NULL, 100),
    ('2025-12-31', NULL, 'total', 'events', 'usual', 'bulk_maps.facts', 5),
    ('2022-12-31', NULL, 'total', 'events', 'usual', 'essential', 5),
    ('2023-01-20', NULL, 'total', 'events', 'usual', 'essential', 5)
  LOOP
    question := concat_ws(' ', to_char(as_of, 'YYYY-MM-DD'), window_days, monetary_kind, frequency_kind, cuts, map, bins);
    PERFORM set_config('work_mem', work_mem, true);
    CREATE TEMP TABLE ours ON COMMIT DROP AS
    SELECT * FROM score_customers('SELECT customer_id, ordered_on, amount FROM bulk_orders', NULL::int, as_of,
      bins => bins, segment_map => map, window_days => window_days, monetary => monetary_kind,
      frequency => frequency_kind,
      recency_thresholds => CASE cuts WHEN 'quantiles' THEN '{}' WHEN 'given' THEN '{45,200}' END::float8[],
      frequency_thresholds => CASE cuts WHEN 'quantiles' THEN '{}' WHEN 'given' THEN '{2,5}' END::float8[],
      monetary_thresholds => CASE cuts WHEN 'given' THEN '{50,50}' END::float8[],
      weights => '{3,2,1}');
    PERFORM set_config('work_mem', '4MB', true);
    CREATE TEMP TABLE theirs ON COMMIT DROP AS
    SELECT * FROM by_definition('bulk_orders', as_of, bins, map, window_days, monetary_kind, frequency_kind,
      CASE cuts WHEN 'usual' THEN '{30,90,180,365}' WHEN 'given' THEN '{45,200}' END::float8[],
      CASE cuts WHEN 'usual' THEN '{1,2,4,9}' WHEN 'given' THEN '{2,5}' END::float8[],
      CASE cuts WHEN 'given' THEN '{50,50}' END::float8[], '{3,2,1}');
    SELECT count(*) INTO rows FROM ours;
    SELECT count(*) INTO different
    FROM ((TABLE ours EXCEPT ALL TABLE theirs) UNION ALL (TABLE theirs EXCEPT ALL TABLE ours)) AS d;
    DROP TABLE ours, theirs;
    RETURN NEXT;
  END LOOP;
END $$;

SELECT * FROM differences('4MB');
SELECT * FROM differences('64kB') WHERE different > 0;

-- histories equals GROUP BY and history_agg, in memory and past it.
CREATE FUNCTION history_differences(source text, zone text, definition text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  EXECUTE format($q$
    WITH a AS (SELECT * FROM histories(%L, NULL::int, %L)), b AS (%s)
    SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS d $q$,
    source, zone, definition) INTO n;
  RETURN n;
END $$;
SELECT history_differences('SELECT customer_id, ordered_on, amount FROM bulk_orders', NULL,
  'SELECT customer_id, history_agg(ordered_on, amount) FROM bulk_orders GROUP BY 1') AS three,
 history_differences('bulk_orders', NULL,
  'SELECT customer_id, history_agg(ordered_on, amount, counts) FROM bulk_orders GROUP BY 1') AS four;
SET work_mem = '64kB';
SELECT history_differences('SELECT customer_id, ordered_on, amount FROM bulk_orders', NULL,
  'SELECT customer_id, history_agg(ordered_on, amount) FROM bulk_orders GROUP BY 1') AS three,
 history_differences('bulk_orders', NULL,
  'SELECT customer_id, history_agg(ordered_on, amount, counts) FROM bulk_orders GROUP BY 1') AS four;
-- ... and then there are temporary files, and not before
CREATE FUNCTION temporary_bytes(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
  RETURN (plan->0->'Plan'->>'Temp Written Blocks')::bigint;
END $$;
SELECT temporary_bytes('SELECT count(*) FROM histories(''bulk_orders'', NULL::int)') > 0 AS spilled;
SET work_mem = '32MB';
SELECT temporary_bytes('SELECT count(*) FROM histories(''bulk_orders'', NULL::int)') > 0 AS spilled;
RESET work_mem;
-- one customer with all rows
SET work_mem = '64kB';
SELECT history_differences('SELECT 1, ordered_on, amount FROM bulk_orders', NULL,
  'SELECT 1, history_agg(ordered_on, amount) FROM bulk_orders') AS one_customer;
RESET work_mem;

-- Any type of value, the same path as history_agg's.
SELECT type, history_differences(format('SELECT customer_id, ordered_on, amount::%s FROM bulk_orders', type), NULL,
  format('SELECT customer_id, history_agg(ordered_on, amount::%s) FROM bulk_orders GROUP BY 1', type)) AS different
FROM unnest('{smallint,int,bigint,numeric,real,double precision}'::text[]) AS type;

-- Any type of day. A zone that changes its clocks at midnight, and one that skipped a day.
SELECT zone, history_differences(
  format('SELECT customer_id, (ordered_on + customer_id * interval ''1234 seconds'') AT TIME ZONE ''UTC'', amount FROM bulk_orders'), zone,
  format('SELECT customer_id, history_agg(((ordered_on + customer_id * interval ''1234 seconds'') AT TIME ZONE ''UTC'' AT TIME ZONE %L)::date, amount) FROM bulk_orders GROUP BY 1', zone)) AS different
FROM unnest('{UTC,Europe/Paris,America/New_York,America/Havana,Pacific/Apia,Asia/Kathmandu,+05:30,CET}'::text[]) AS zone;
SELECT history_differences(
  'SELECT customer_id, timestamp ''2011-12-25'' + (customer_id * 97 % 12) * interval ''13 hours'', amount FROM bulk_orders', NULL,
  'SELECT customer_id, history_agg((timestamp ''2011-12-25'' + (customer_id * 97 % 12) * interval ''13 hours'')::date, amount) FROM bulk_orders GROUP BY 1') AS timestamps,
 history_differences(
  'SELECT customer_id, timestamptz ''2006-10-28 12:00+00'' + (customer_id % 2880) * interval ''1 minute'', amount FROM bulk_orders', 'America/St_Johns',
  'SELECT customer_id, history_agg(((timestamptz ''2006-10-28 12:00+00'' + (customer_id % 2880) * interval ''1 minute'') AT TIME ZONE ''America/St_Johns'')::date, amount) FROM bulk_orders GROUP BY 1') AS clocks_back;

-- Any type of customer, with equality as GROUP BY has it.
CREATE FUNCTION key_differences(type text, expression text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  EXECUTE format($q$
    WITH a AS (SELECT customer_id::text AS k, history FROM histories('SELECT %1$s, ordered_on, amount FROM bulk_orders', NULL::%2$s)),
         b AS (SELECT (%3$s)::text AS k, history_agg(ordered_on, amount) AS history FROM bulk_orders GROUP BY %3$s)
    SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS d $q$,
    replace(expression, '''', ''''''), type, expression) INTO n;
  RETURN n;
END $$;
SELECT type, key_differences(type, expression) AS different
FROM (VALUES ('bigint', 'customer_id::bigint * 4294967296'), ('smallint', '(customer_id % 300)::smallint'),
  ('text', '(''c'' || customer_id)'), ('text', 'repeat(customer_id::text, 700)'), ('uuid', 'md5(customer_id::text)::uuid'),
  ('numeric', '(customer_id % 100)::numeric'), ('date', '(date ''2020-01-01'' + customer_id)'),
  ('bool', '(customer_id % 2 = 0)'), ('int[]', 'ARRAY[customer_id % 10, customer_id]'),
  ('inet', '(inet ''10.0.0.0'' + customer_id)'), ('float8', '(customer_id % 7)::float8'),
  ('timestamptz', '(timestamptz ''2020-01-01 00:00+00'' + customer_id * interval ''1 h'')'), ('name', '(''n'' || customer_id)::name')) AS v(type, expression);
SELECT count(*), min(customer_id), pg_typeof(min(customer_id)) FROM score_customers('SELECT ''c'' || customer_id % 10, ordered_on, amount FROM bulk_orders', '2025-12-31');
SELECT customer_id, pg_typeof(customer_id), frequency FROM score_customers('VALUES (7, date ''2025-01-01'', 1)', '2025-12-31');

-- Totals that leave 64 bits, and decimals that come late.
CREATE TABLE bulk_large AS
SELECT 1 AS customer_id, date '2025-01-01' + g AS ordered_on, 900000000000000000::numeric AS amount FROM generate_series(1, 30) AS g
UNION ALL SELECT 2, '2025-01-01', -9 UNION ALL SELECT 3, '2025-03-01', 12.34;
SELECT customer_id, frequency, monetary, mean_value FROM score_customers('bulk_large', NULL::int, '2025-12-31') ORDER BY 1;
SELECT count(*) AS different FROM score_customers('bulk_large', NULL::int, '2025-12-31') AS s
JOIN (SELECT customer_id, sum(amount) AS total FROM bulk_large GROUP BY 1) AS t USING (customer_id) WHERE monetary <> total;
-- ... as far as they fit 80 bits in the decimals of all
SELECT count(*) FROM score_customers('TABLE bulk_large UNION ALL SELECT 4, date ''2025-01-01'', 1.000000001', '2025-12-31');
-- a day past 18 digits is an error in a history
SELECT count(*) FROM histories('VALUES (1, date ''2025-01-01'', 9e18), (1, date ''2025-01-01'', 9e18)', NULL::int);

-- What is left out is counted; rows after as_of are not there.
SET client_min_messages = notice;
SELECT customer_id, frequency FROM score_customers(
  'VALUES (1, date ''2025-01-01'', 1.5), (NULL, ''2025-01-02'', 1), (2, NULL, 1), (2, NULL, 2), (3, ''2025-01-01'', NULL), (4, ''2026-01-01'', 1)', NULL::int, '2025-12-31');
SELECT * FROM histories('VALUES (NULL::int, NULL::date, NULL::int)', NULL::int);
SET client_min_messages = warning;
SELECT count(*) FROM score_customers('SELECT 1, date ''2025-01-01'', 1 WHERE false', '2025-12-31');
SELECT count(*) FROM histories('SELECT 1, date ''2025-01-01'', 1 WHERE false', NULL::int);

-- Errors: what is wrong, and what to do. The state goes with the message.
CREATE FUNCTION error_in_lines(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; h text; s text; d text;
BEGIN
  EXECUTE query;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, h = PG_EXCEPTION_HINT, s = RETURNED_SQLSTATE, d = PG_EXCEPTION_DETAIL;
  RETURN concat_ws(E'\n', s || ': ' || m, 'DETAIL: ' || nullif(d, ''), 'HINT: ' || nullif(h, ''));
END $$;
\pset format unaligned
\pset tuples_only on
SELECT error_in_lines(format('SELECT * FROM score_customers(%s)', arguments)) FROM (VALUES
  ($a$'SELECT customer_id, ordered_on FROM bulk_orders', '2025-12-31'$a$),
  ($a$'SELECT customer_id, ordered_on, amount, true, 1 FROM bulk_orders', '2025-12-31'$a$),
  ($a$'SELECT customer_id, amount, ordered_on FROM bulk_orders', '2025-12-31'$a$),
  ($a$'SELECT customer_id, ordered_on, now() AS created_at FROM bulk_orders', '2025-12-31'$a$),
  ($a$'SELECT customer_id, ordered_on, amount, 1 AS flag FROM bulk_orders', '2025-12-31'$a$),
  ($a$'SELECT customer_id, ordered_on::timestamptz AS ordered_at, amount FROM bulk_orders', '2025-12-31'$a$),
  ($a$'SELECT customer_id, ordered_on, amount FROM bulk_orders', '2025-12-31', time_zone => 'Europe/Paris'$a$),
  ($a$'SELECT customer_id, ordered_on::timestamptz, amount FROM bulk_orders', '2025-12-31', time_zone => 'Europe/Atlantis'$a$),
  ($a$'SELECT customer_id, ordered_on, amount FROM bulk_orders', NULL::bigint, '2025-12-31'$a$),
  ($a$'SELECT point(1,2), ordered_on, amount FROM bulk_orders', '2025-12-31'$a$),
  ($a$'SELECT 1; SELECT 2', '2025-12-31'$a$),
  ($a$'', '2025-12-31'$a$),
  ($a$'DELETE FROM bulk_orders RETURNING customer_id, ordered_on, amount', '2025-12-31'$a$),
  ($a$'WITH d AS (DELETE FROM bulk_orders RETURNING *) SELECT customer_id, ordered_on, amount FROM d', '2025-12-31'$a$),
  ($a$'SELECT customer_id, ordered_on, amount INTO x FROM bulk_orders', '2025-12-31'$a$),
  ($a$'CREATE TABLE x AS SELECT 1', '2025-12-31'$a$),
  ($a$'no_such_table', '2025-12-31'$a$),
  ($a$'SELECT customer_id, ordered_on, amount FORM bulk_orders', '2025-12-31'$a$),
  ($a$'SELECT 1, date ''2025-01-01'', 1 / 0', '2025-12-31'$a$),
  ($a$'SELECT 1, date ''infinity'', 1', '2025-12-31'$a$),
  ($a$'SELECT 1, date ''2025-01-01'', ''NaN''::float8', '2025-12-31'$a$),
  ($a$'SELECT 1, date ''2025-01-01'', 0.0123456789', '2025-12-31'$a$),
  ($a$NULL, '2025-12-31'$a$),
  ($a$'bulk_orders', NULL::date$a$),
  ($a$'bulk_orders', 'infinity'$a$),
  ($a$'bulk_orders', '2025-12-31', bins => 0$a$),
  ($a$'bulk_orders', '2025-12-31', bins => NULL$a$),
  ($a$'bulk_orders', '2025-12-31', bins => 3$a$),
  ($a$'bulk_orders', '2025-12-31', segment_map => 'no_such_map'$a$),
  ($a$'bulk_orders', '2025-12-31', window_days => 0$a$),
  ($a$'bulk_orders', '2025-12-31', monetary => 'median'$a$),
  ($a$'bulk_orders', '2025-12-31', frequency => NULL$a$),
  ($a$'bulk_orders', '2025-12-31', recency_thresholds => '{1,2,3}'$a$),
  ($a$'bulk_orders', '2025-12-31', frequency_thresholds => '{4,3,2,1}'$a$),
  ($a$'bulk_orders', '2025-12-31', monetary_thresholds => '{1,2,NULL,4}'$a$),
  ($a$'bulk_orders', '2025-12-31', weights => '{1,1}'$a$),
  ($a$'bulk_orders', '2025-12-31', weights => NULL$a$),
  ($a$'bulk_orders', '2025-12-31', weights => '{1,-1,1}'$a$)
) AS v(arguments);
\pset format aligned
\pset tuples_only off

-- It is a table function like any other.
CREATE MATERIALIZED VIEW bulk_scores AS
SELECT * FROM score_customers('SELECT customer_id, ordered_on, amount FROM public.bulk_orders', NULL::int, '2025-12-31');
CREATE UNIQUE INDEX ON bulk_scores (customer_id);
REFRESH MATERIALIZED VIEW CONCURRENTLY bulk_scores;
SELECT count(*) FROM bulk_scores;
PREPARE bulk(date) AS SELECT count(*) FROM score_customers('bulk_orders', $1) WHERE segment = 'prospects';
EXECUTE bulk('2025-12-31');
EXECUTE bulk('2024-12-31');
BEGIN READ ONLY;
DECLARE c CURSOR FOR SELECT customer_id FROM score_customers('bulk_orders', NULL::int, '2025-12-31') WHERE customer_id < 3 ORDER BY 1;
FETCH 2 FROM c;
COMMIT;
SELECT count(*) FROM (SELECT (score_customers('bulk_orders', '2025-12-31')).customer_id LIMIT 5) AS s;
-- nested, and with itself in the source
SELECT count(*), sum(frequency) FROM score_customers(
  'SELECT customer_id / 100, date ''2025-01-01'' + frequency::int, monetary FROM scoring.score_customers(''public.bulk_orders'', NULL::int, ''2025-12-31'')', NULL::int, '2025-12-31');
-- partitions, inheritance, views
CREATE TABLE bulk_parts (LIKE bulk_orders) PARTITION BY HASH (customer_id);
CREATE TABLE bulk_part_0 PARTITION OF bulk_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE bulk_part_1 PARTITION OF bulk_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO bulk_parts TABLE bulk_orders;
CREATE VIEW "Bulk ""view""" AS SELECT customer_id, ordered_on, amount FROM bulk_parts;
SELECT history_differences('"Bulk ""view"""', NULL,
  'SELECT customer_id, history_agg(ordered_on, amount) FROM bulk_orders GROUP BY 1') AS different;

-- a total beyond 80 bits in the decimals that another customer needs: never a wrong one
\pset format unaligned
SELECT error_in_lines($q$SELECT * FROM score_customers('VALUES (1, date ''2025-01-01'', 370000000000000), (1, ''2025-01-02'', 370000000000000),
  (2, ''2025-01-02'', 0.000000001)', '2025-12-31', frequency => 'active_days')$q$);
\pset format aligned

-- any customer as text: as a cast shows it
CREATE DOMAIN bulk_code AS char(5);
SELECT type, (SELECT string_agg('"' || customer_id || '"', ' ') FROM score_customers(format('SELECT %L::%s, date ''2025-01-01'', 1', value, type), '2025-12-31')) AS shown
FROM (VALUES ('char(5)', 'ab'), ('bulk_code', 'ab'), ('varchar(5)', 'ab '), ('name', 'ab'), ('bool', 'true'),
  ('inet', '10.0.0.1'), ('int', '-7')) AS v (type, value);
DROP DOMAIN bulk_code;

-- The caller's rights: columns, row-level security, nothing more.
CREATE ROLE regress_bulk_reader;
GRANT USAGE ON SCHEMA scoring TO regress_bulk_reader;
GRANT SELECT (customer_id, ordered_on, amount) ON bulk_orders TO regress_bulk_reader;
ALTER TABLE bulk_orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON bulk_orders TO regress_bulk_reader USING (customer_id < 10);
SET ROLE regress_bulk_reader;
SELECT count(*), max(customer_id) FROM histories('SELECT customer_id, ordered_on, amount FROM bulk_orders', NULL::int);
\pset format unaligned
SELECT error_in_lines($q$SELECT * FROM score_customers('bulk_orders', '2025-12-31')$q$);
SELECT error_in_lines($q$SELECT * FROM score_customers('bulk_parts', '2025-12-31')$q$);
RESET ROLE;

DROP MATERIALIZED VIEW bulk_scores;
DROP TABLE bulk_orders, bulk_parts, bulk_large CASCADE;
DROP SCHEMA bulk_maps CASCADE;
DROP FUNCTION by_definition, differences, history_differences, temporary_bytes, key_differences, error_in_lines;
REVOKE ALL ON SCHEMA scoring FROM regress_bulk_reader;
DROP ROLE regress_bulk_reader;
