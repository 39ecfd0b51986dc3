-- history_agg and sum(history): against plain SQL, in any order, by any plan.
SET client_min_messages = warning;
CREATE SCHEMA test_agg;
SET search_path = test_agg, scoring, public;
\pset format unaligned

-- does a line of the plan match?
CREATE FUNCTION plan_has(statement text, pattern text, options text DEFAULT 'COSTS OFF') RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, statement) LOOP
    IF line ~ pattern THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;

-- ---- against plain SQL ----
-- Customers of every kind: amounts with so many digits behind the point, small and large; corrections, zeros, NULLs,
-- display scales beyond the digits, one day and many.
CREATE TABLE events AS
  SELECT i AS id, customer,
         CASE WHEN draw(i, 3, 40) = 0 THEN NULL
              WHEN customer % 11 = 0 THEN date '0001-01-10 BC' + draw(i, 4, 20)::int
              ELSE date '2023-01-01' + draw(i, 4, 1 + customer * 3)::int END AS day,
         CASE draw(i, 5, 25) WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN 0.0000000000 WHEN 3 THEN amount::numeric(30, 12) ELSE amount END AS value,
         CASE draw(i, 6, 5) WHEN 0 THEN true WHEN 1 THEN false WHEN 2 THEN NULL ELSE amount >= 0 END AS counts
    FROM (SELECT i, draw(i, 1, 120) AS customer FROM generate_series(1, 6000) i) c
    CROSS JOIN LATERAL (SELECT digits, limits.v / power(10::numeric, digits) * CASE draw(i, 7, 6) WHEN 0 THEN -1 ELSE 1 END AS amount
           FROM (SELECT CASE WHEN customer % 3 = 0 THEN draw(i, 8, 1 + customer % 10) ELSE customer % 10 END AS digits) d
           CROSS JOIN LATERAL (SELECT CASE draw(i, 9, 4) WHEN 0 THEN draw(i, 10, 10) WHEN 1 THEN draw(i, 10, 100000)
                                       ELSE CASE WHEN customer % 3 = 0 THEN draw(i, 10, 1000000) ELSE draw(i, 10, CASE WHEN customer % 10 = 0 THEN 100000000000000000 ELSE 1000000000000000 END) END END AS v) limits) a;
ANALYZE events;

-- The text of each customer's history, from (customer, day, value, counts), without anything of ours
CREATE FUNCTION expected(source text) RETURNS TABLE (customer bigint, h text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    WITH source AS (%s),
         days AS (SELECT customer, day, count(*) FILTER (WHERE coalesce(counts, value >= 0)) AS events, sum(value) AS total
                    FROM source WHERE day IS NOT NULL AND value IS NOT NULL GROUP BY customer, day),
         scales AS (SELECT customer, (SELECT min(d) FROM unnest(ARRAY[0, 2, 3, 4, 6, 9]) d WHERE d >= max(min_scale(total))) AS decimals FROM days GROUP BY customer)
    SELECT customer, '{' || coalesce(string_agg(format('%%s:%%s:%%s', to_char(day, 'YYYY-MM-DD') || CASE WHEN day < '0001-01-01' THEN ' BC' ELSE '' END, events, round(total, decimals)), ',' ORDER BY day)
                                     FILTER (WHERE events <> 0 OR total <> 0), '') || '}'
      FROM (SELECT DISTINCT customer FROM source) c LEFT JOIN days USING (customer) LEFT JOIN scales USING (customer) GROUP BY customer $q$, source);
END $$;
CREATE TABLE checked (what text, customers bigint, wrong_text bigint, wrong_bytes bigint, wrong_total bigint, example text);
CREATE FUNCTION check_agg(what text, aggregate text, source text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format($q$
    INSERT INTO checked
    SELECT %L, count(*), count(*) FILTER (WHERE e.h IS DISTINCT FROM a.h::text),
           count(*) FILTER (WHERE history_send(a.h) IS DISTINCT FROM history_send(e.h::history)),
           count(*) FILTER (WHERE coalesce(s.total, 0) IS DISTINCT FROM monetary(a.h, 'infinity')),
           min(e.h || ' is ' || a.h::text) FILTER (WHERE e.h IS DISTINCT FROM a.h::text)
      FROM expected(%L) e
      FULL JOIN (SELECT customer, %s AS h FROM events GROUP BY customer) a USING (customer)
      FULL JOIN (SELECT customer, sum(value) FILTER (WHERE day IS NOT NULL) AS total FROM (%s) s GROUP BY customer) s USING (customer) $q$, what, source, aggregate, source);
END $$;
-- a value of scale 12 must still have at most 9 digits behind the point
SELECT max(min_scale(value)) AS digits, max(scale(value)) AS scale, count(*) FILTER (WHERE value < 0) > 500 AS corrections, count(*) FILTER (WHERE value >= 1e15) > 50 AS large FROM events;
\o /dev/null
SELECT check_agg('numeric', 'history_agg(day, value)', 'SELECT customer, day, value, NULL::bool AS counts FROM events');
SELECT check_agg('numeric, counts', 'history_agg(day, value, counts)', 'SELECT customer, day, value, counts FROM events');
SELECT check_agg('numeric, filtered', 'history_agg(day, value) FILTER (WHERE id % 3 = 0)', 'SELECT customer, CASE WHEN id % 3 = 0 THEN day END AS day, value, NULL::bool AS counts FROM events');
SELECT check_agg('numeric, distinct', 'history_agg(DISTINCT day, value)', 'SELECT DISTINCT customer, day, value, NULL::bool AS counts FROM events');
-- a double is the shortest decimal that reads back as the same, rounded to 9 decimals
SELECT check_agg('float8', 'history_agg(day, value::float8)', 'SELECT customer, day, round(value::float8::text::numeric, 9) AS value, NULL::bool AS counts FROM events');
SELECT check_agg('float8, counts', 'history_agg(day, value::float8, counts)', 'SELECT customer, day, round(value::float8::text::numeric, 9) AS value, counts FROM events');
SELECT check_agg('float8, thirds', 'history_agg(day, (value / 1e9)::float8 / 3)', 'SELECT customer, day, round(((value / 1e9)::float8 / 3)::text::numeric, 9) AS value, NULL::bool AS counts FROM events');
SELECT check_agg('float8, tenths added up', 'history_agg(day, 0.1::float8 + (id % 1000)::float8 / 10)', 'SELECT customer, day, round((0.1::float8 + (id % 1000)::float8 / 10)::text::numeric, 9) AS value, NULL::bool AS counts FROM events');
SELECT check_agg('float8, exponents', 'history_agg(day, (1 + id % 7) * 10.0::float8 ^ ((id % 19)::int - 10))', 'SELECT customer, day, round(((1 + id % 7) * 10.0::float8 ^ ((id % 19)::int - 10))::text::numeric, 9) AS value, NULL::bool AS counts FROM events');
SELECT check_agg('real', 'history_agg(day, (value / 1e9)::real)', 'SELECT customer, day, round((value / 1e9)::real::text::numeric, 9) AS value, NULL::bool AS counts FROM events');
SELECT check_agg('real, counts', 'history_agg(day, (id % 777)::real / 8, counts)', 'SELECT customer, day, round(((id % 777)::real / 8)::text::numeric, 9) AS value, counts FROM events');
SELECT check_agg('bigint', 'history_agg(day, value::bigint * 9)', 'SELECT customer, day, (value::bigint * 9)::numeric AS value, NULL::bool AS counts FROM events');
SELECT check_agg('bigint past 2^53', 'history_agg(day, 9007199254740993 + id)', 'SELECT customer, day, 9007199254740993 + id::numeric AS value, NULL::bool AS counts FROM events');
SELECT check_agg('bigint, counts', 'history_agg(day, id::bigint - 5000, counts)', 'SELECT customer, day, id - 5000::numeric AS value, counts FROM events');
SELECT check_agg('integer', 'history_agg(day, (id % 1000)::int - 100)', 'SELECT customer, day, ((id % 1000)::int - 100)::numeric AS value, NULL::bool AS counts FROM events');
SELECT check_agg('smallint, counts', 'history_agg(day, (id % 1000)::smallint, counts)', 'SELECT customer, day, (id % 1000)::numeric AS value, counts FROM events');
-- other ways to the same value
SELECT check_agg('sum of rows', 'sum(history(day, value))', 'SELECT customer, day, value, NULL::bool AS counts FROM events');
SELECT check_agg('sum of rows, counts', 'sum(history(day, value, counts))', 'SELECT customer, day, value, counts FROM events');
SELECT check_agg('sum of negatives', '- sum(- history(day, value))', 'SELECT customer, day, value, NULL::bool AS counts FROM events');
SELECT check_agg('difference', 'history_agg(day, value) - history_agg(day, value) FILTER (WHERE id % 3 <> 0)', 'SELECT customer, CASE WHEN id % 3 = 0 THEN day END AS day, value, NULL::bool AS counts FROM events');
SELECT check_agg('sum of three parts', 'history_agg(day, value) FILTER (WHERE id % 3 = 0) + history_agg(day, value) FILTER (WHERE id % 3 = 1) + history_agg(day, value) FILTER (WHERE id % 3 = 2)', 'SELECT customer, day, value, NULL::bool AS counts FROM events');
\o
SELECT what, customers, wrong_text, wrong_bytes, wrong_total, left(example, 300) AS example FROM checked;

-- ---- no rows, NULLs, zeros ----
SELECT history_agg(day, value) AS no_rows, sum(history(day, value)) AS no_rows_either FROM events WHERE false;
SELECT history_agg(NULL::date, 5.0) AS null_day, history_agg(date '2025-01-01', NULL::numeric) AS null_value, history_agg(date '2025-01-01', NULL::float8, true) AS null_value_counts, sum(NULL::history) AS null_history,
       history_agg(date '2025-01-01', 5.0) FILTER (WHERE false) AS filtered, sum(history '{2025-01-01:1:5}') FILTER (WHERE false) AS filtered_sum FROM generate_series(1, 3);
SELECT history_agg(date '2025-01-01', v) AS zero, history_agg(date '2025-01-01', v, false) AS zero_that_does_not_count, history_agg(date '2025-01-01', v, NULL) AS unknown FROM (VALUES (0.00), (0)) v(v);
SELECT history_agg(date '2025-01-01', '-0'::float8) AS minus_zero, history_agg(date '2025-01-01', '-0'::real) AS minus_zero_real, history_agg(date '2025-01-01', 1e-12::float8) AS rounded_to_zero, history_agg(date '2025-01-01', -1e-12::float8) AS from_below;
SELECT history_agg(date '2025-01-01', 1e15::float8) AS a, history_agg(date '2025-01-01', 123456789012345678::float8) AS b, history_agg(date '2025-01-01', (0.1 + 0.2)::float8) AS c, history_agg(date '2025-01-01', 0.1::real) AS d, history_agg(date '2025-01-01', 16777217::real) AS e;
SELECT history_agg(date '2025-01-01', v) AS first_and_last_bigint FROM (VALUES (9223372036854775807), (-9223372036854775807)) v(v);
-- an event and its correction
SELECT history_agg(d, v) FROM (VALUES (date '2025-01-01', 10), (date '2025-01-01', -10), (date '2025-01-02', -3)) v(d, v);

-- ---- what is refused ----
SELECT s, error_of('SELECT history_agg(' || s || ')')
  FROM unnest(ARRAY['date ''infinity'', 1.0', 'date ''-infinity'', 1::float8', 'date ''2025-01-01'', numeric ''NaN''', 'date ''2025-01-01'', numeric ''Infinity''', 'date ''2025-01-01'', numeric ''-Infinity''',
    'date ''2025-01-01'', float8 ''NaN''', 'date ''2025-01-01'', float8 ''Infinity''', 'date ''2025-01-01'', float8 ''-Infinity''', 'date ''2025-01-01'', real ''NaN''', 'date ''2025-01-01'', real ''-Infinity'', true',
    'date ''2025-01-01'', 0.0000000001', 'date ''2025-01-01'', -12.3456789012', 'date ''2025-01-01'', 9223372036854775808', 'date ''2025-01-01'', -9223372036854775808', 'date ''2025-01-01'', (-9223372036854775808)::bigint', 'date ''2025-01-01'', 92233720368547758.08',
    'date ''2025-01-01'', 1e19::float8', 'date ''2025-01-01'', 1e300::float8', 'date ''2025-01-01'', 1e38::real', 'date ''2025-01-01'', 9223372036.854775808',
    'timestamp ''2025-01-01'', 1.0', 'timestamptz ''2025-01-01'', 1.0', 'date ''2025-01-01'', text ''1''', 'date ''2025-01-01'', money ''1''', 'date ''2025-01-01''', '', 'date ''2025-01-01'', 1.0, 1', 'date ''2025-01-01'', 1.0, true, true']) WITH ORDINALITY u(s, o) ORDER BY o;
SELECT s, error_of('SELECT ' || s)
  FROM unnest(ARRAY['history_agg(date ''2025-01-01'', v) FROM (VALUES (9223372036854775807), (1)) v(v)', 'history_agg(date ''2025-01-01'', v) FROM (VALUES (-9223372036854775807), (-1)) v(v)', 'history_agg(date ''2025-01-01'', v) FROM (VALUES (92233720368547758), (0.001)) v(v)',
    'history_agg(d, v) FROM (VALUES (date ''2025-01-01'', 100000000000000000), (''2025-01-02'', 0.001)) v(d, v)', 'history_agg(d, v) FROM (VALUES (date ''2025-01-01'', 0.001), (''2025-01-02'', 100000000000000000)) v(d, v)',
    'sum(h) FROM (VALUES (history ''{2025-01-01:1:9223372036854775807}''), (''{2025-01-01:1:1}'')) v(h)', 'sum(h) FROM (VALUES (history ''{2025-01-01:9223372036854775807:0}''), (''{2025-01-01:1:1}'')) v(h)',
    'sum(history ''{}'', history ''{}'')', '(''{'' || repeat('','', 16000000))::history']) WITH ORDINALITY u(s, o) ORDER BY o;
-- decimals that nothing needs any more don't stand in the way of large totals
SELECT history_agg(d, v) FROM (VALUES (date '2025-01-01', 0.001), (date '2025-01-01', -0.001), (date '2025-01-02', 100000000000000000)) v(d, v);

-- Support functions are for aggregates only.
CREATE TABLE called AS
  SELECT p.oid::regprocedure AS function, error_of(format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg('NULL::' || format_type(t, NULL), ', ') FROM unnest(proargtypes) t))) AS error
    FROM pg_proc p WHERE pronamespace = 'scoring'::regnamespace AND proname ~ '^_?history_agg_';
SELECT count(*) AS functions, count(*) FILTER (WHERE error = 'no error') AS callable FROM called;

-- ---- any order, any plan: the same bytes ----
-- 200 orders of some hundred rows with all scales
SELECT count(*) AS orders, count(DISTINCT a) AS results, count(DISTINCT s) AS results_of_sum, bool_and(a = s) AS equal
  FROM (SELECT seed, history_send(history_agg(day, value ORDER BY hashint8extended(id, seed))) AS a, history_send(sum(history(day, value) ORDER BY hashint8extended(-id, seed))) AS s
          FROM (SELECT * FROM events WHERE customer % 30 = 9 AND abs(value) < 1e6 ORDER BY id LIMIT 600) e, generate_series(1, 200) seed GROUP BY seed) r;

CREATE TABLE parts (LIKE events) PARTITION BY LIST (customer);
SELECT format('CREATE TABLE parts%s PARTITION OF parts FOR VALUES IN (%s)', n, (SELECT string_agg(c::text, ',') FROM generate_series(n, 119, 4) c)) FROM generate_series(0, 3) n \gexec
INSERT INTO parts SELECT * FROM events;
ANALYZE parts;
-- few rows for many workers, and groups that only some of them see
CREATE TABLE few AS SELECT * FROM events WHERE id % 1000 = 0 OR value IS NULL;
ANALYZE few;
CREATE TABLE none AS SELECT * FROM events WHERE false;

CREATE TABLE question (name text, statement text);
INSERT INTO question VALUES
  ('grouped', 'SELECT customer, history_agg(day, value), history_agg(day, value, counts), history_agg(day, (value / 1e6)::float8), history_agg(day, value::bigint), history_agg(day, value) FILTER (WHERE customer % 5 = 0 AND id % 7 = 0) FROM events GROUP BY customer'),
  ('whole', 'SELECT 1, history_agg(day, value) FROM events WHERE abs(value) < 1e6'),
  ('no row', 'SELECT 1, history_agg(day, value), sum(history(day, value)) FROM events WHERE id < 0'),
  ('sum', 'SELECT customer, sum(history(day, value)), sum(history(day, value, counts)) FILTER (WHERE id % 7 = 0) FROM events GROUP BY customer'),
  ('whole sum', 'SELECT 1, sum(history(day, value)) FROM events WHERE abs(value) < 1e6'),
  ('sum of long histories', 'SELECT customer % 7, sum(h), count(h) FROM histories GROUP BY customer % 7'),
  ('parts', 'SELECT customer, history_agg(day, value), sum(history(day, value)) FROM parts GROUP BY customer'),
  ('whole parts', 'SELECT 1, history_agg(day, value), sum(history(day, value)) FROM parts WHERE abs(value) < 1e6'),
  ('few', 'SELECT customer, history_agg(day, value), sum(history(day, value)) FROM few GROUP BY customer'),
  ('none', 'SELECT 1, history_agg(day, value), sum(history(day, value)) FROM none'),
  ('grouping sets', 'SELECT coalesce(customer, -1), coalesce(id % 3, -1), history_agg(day, value), sum(history(day, value)) FROM events WHERE abs(value) < 1e6 GROUP BY GROUPING SETS ((customer), (id % 3), ())');
CREATE TABLE histories AS SELECT id, customer, history_agg(day, value) AS h FROM (SELECT id % 9 AS id, customer, day, value FROM events WHERE abs(value) < 1e6) e GROUP BY id, customer;
ANALYZE histories;
SELECT max(length(history_send(h))) < 256 AS some_short, sum(length(history_send(h))) > 10000 AS long_together FROM histories;

CREATE FUNCTION checksum(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SELECT md5(string_agg(r::text, E''\n'' ORDER BY r::text COLLATE "C")) FROM (%s) r', statement) INTO result;
  RETURN result;
END $$;
-- the answers of one plan without anything special
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET work_mem = '64MB';
CREATE TABLE answer AS SELECT name, checksum(statement) FROM question;
RESET max_parallel_workers_per_gather;
RESET jit;
RESET work_mem;

CREATE TABLE mode (name text, settings jsonb, pattern text);
INSERT INTO mode
  SELECT m.name, m.settings || CASE WHEN m.parallel THEN '{"parallel_setup_cost": "0", "parallel_tuple_cost": "0", "min_parallel_table_scan_size": "0", "max_parallel_workers_per_gather": "4"}'::jsonb ELSE '{}' END, m.pattern
    FROM (VALUES ('hash', '{"enable_sort": "off"}'::jsonb, 'HashAggregate', false),
                 ('sort', '{"enable_hashagg": "off"}', 'GroupAggregate', false),
                 ('tiny work_mem', '{"work_mem": "64kB", "hash_mem_multiplier": "1"}', 'Aggregate', false),
                 ('parallel', '{}', 'Partial', true),
                 ('parallel, sorted', '{"enable_hashagg": "off"}', 'Partial', true),
                 ('parallel, tiny work_mem', '{"work_mem": "64kB", "hash_mem_multiplier": "1"}', 'Partial', true),
                 ('workers only', '{"parallel_leader_participation": "off"}', 'Partial', true),
                 ('no workers to be had', '{"max_parallel_workers": "0"}', 'Partial', true),
                 ('partitionwise', '{"enable_partitionwise_aggregate": "on", "enable_partitionwise_join": "on"}', 'Aggregate', false),
                 ('partitionwise, parallel', '{"enable_partitionwise_aggregate": "on", "parallel_leader_participation": "off"}', 'Partial', true),
                 ('compiled', '{"jit": "on", "jit_above_cost": "0", "jit_inline_above_cost": "0", "jit_optimize_above_cost": "0"}', 'Aggregate', false)) m(name, settings, pattern, parallel);
CREATE TABLE result (mode text, question text, planned boolean, same boolean);
DO $$
DECLARE
  m mode;
  q record;
  s record;
BEGIN
  FOR m IN SELECT * FROM mode LOOP
    FOR s IN SELECT * FROM jsonb_each_text('{"enable_sort": "on", "enable_hashagg": "on", "work_mem": "4MB", "hash_mem_multiplier": "2", "parallel_leader_participation": "on", "max_parallel_workers": "8", "max_parallel_workers_per_gather": "0", "parallel_setup_cost": "1000",
        "parallel_tuple_cost": "0.1", "min_parallel_table_scan_size": "8MB", "enable_partitionwise_aggregate": "off", "jit": "off"}'::jsonb || m.settings) LOOP
      PERFORM set_config(s.key, s.value, true);
    END LOOP;
    FOR q IN SELECT * FROM question JOIN answer USING (name) WHERE m.name <> 'compiled' OR name IN ('grouped', 'sum', 'whole parts') LOOP
      INSERT INTO result SELECT m.name, q.name, plan_has(q.statement, m.pattern), checksum(q.statement) = q.checksum;
    END LOOP;
  END LOOP;
END $$;
SELECT mode, count(*) AS questions, count(*) FILTER (WHERE planned) >= 3 AS planned_so, count(*) FILTER (WHERE same) AS same FROM result GROUP BY mode ORDER BY mode COLLATE "C";

-- a hash table that spills: 100,000 customers
CREATE TABLE many AS SELECT draw(i, 1, 100000) AS customer, date '2024-01-01' + draw(i, 2, 730)::int AS day, draw(i, 3, 100000) / 100.0 AS value FROM generate_series(1, 100000) i;
ANALYZE many;
SET max_parallel_workers_per_gather = 0;
SET enable_hashagg = on;
SET enable_sort = off;
SET work_mem = '256MB';
CREATE TABLE in_memory AS SELECT customer, history_agg(day, value) AS h, sum(history(day, value)) AS s FROM many GROUP BY customer;
SELECT plan_has('SELECT customer, history_agg(day, value) FROM many GROUP BY customer', 'HashAggregate') AS hashed;
SET work_mem = '64kB';
SELECT plan_has('SELECT customer, history_agg(day, value), sum(history(day, value)) FROM many GROUP BY customer', 'Batches: [0-9]{2}', 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF') AS spilled;
CREATE TABLE spilled AS SELECT customer, history_agg(day, value) AS h, sum(history(day, value)) AS s FROM many GROUP BY customer;
RESET enable_sort;
RESET work_mem;
SELECT count(*) AS customers, count(*) FILTER (WHERE a.h = b.h AND a.h = a.s AND a.h = b.s) AS same, sum(monetary(b.h, 'infinity')) = (SELECT sum(value) FROM many) AS nothing_lost FROM in_memory a FULL JOIN spilled b USING (customer);
-- the planner knows that a state is small: 100,000 groups are hashed in 32 MB
SET work_mem = '16MB';
SET hash_mem_multiplier = 2;
SELECT plan_has('SELECT customer, history_agg(day, value) FROM many GROUP BY customer', 'HashAggregate') AS hashed_in_32_mb;
RESET work_mem;
RESET hash_mem_multiplier;
RESET enable_hashagg;
RESET max_parallel_workers_per_gather;

-- ---- large ones ----
SET statement_timeout = '60s';
-- 250,000 events on 3,650 days, in random order
CREATE TABLE large AS SELECT date '2015-01-01' + draw(i, 1, 3650)::int AS day, (draw(i, 2, 200000) - 10000) / 100.0 AS value FROM generate_series(1, 250000) i;
CREATE TABLE large_history AS SELECT history_agg(day, value) AS h FROM large;
SELECT count(*) AS days, count(*) FILTER (WHERE r.events IS DISTINCT FROM d.events OR r.total IS DISTINCT FROM d.total) AS wrong, sum(d.events) AS events
  FROM (SELECT day, count(*) FILTER (WHERE value >= 0) AS events, sum(value) AS total FROM large GROUP BY day) r FULL JOIN (SELECT (days(h)).* FROM large_history) d USING (day);
-- an event each day of 30 years, newest first
SELECT frequency(h, 'infinity'), first_day(h, 'infinity') = date '1995-01-01' AS first, mean_gap(h, 'infinity'), length(history_send(h)) <= 3 * 10958 + 6 AS three_bytes_a_day
  FROM (SELECT history_agg(date '2025-01-01' - i, 9.99) AS h FROM generate_series(1, 10958) i) h;
-- 250,000 different days, in random order, and what becomes of them
SELECT active_days(h, 'infinity'), h = h::text::history AS read_again, h - h AS nothing, frequency(h + h, 'infinity'), length(history_send(h)) <= 3 * 250000 + 8 AS three_bytes_a_day
  FROM (SELECT history_agg(date '4000-01-01 BC' + i, 1.5) AS h FROM (SELECT i FROM generate_series(1, 250000) i ORDER BY hashint8extended(i, 1)) i) h;
-- 250,000 histories of one event each
SELECT s = h AS same FROM (SELECT sum(history(day, value)) AS s FROM large) s, large_history;
RESET statement_timeout;

SET client_min_messages = error;
DROP SCHEMA test_agg CASCADE;
