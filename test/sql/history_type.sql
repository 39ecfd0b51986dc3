-- The type history: text and binary forms, operators, comparison.
SET client_min_messages = warning;
CREATE SCHEMA test_type;
SET search_path = test_type, scoring, public;

-- the same of a literal, without the hint
CREATE FUNCTION error_of_literal(literal text) RETURNS text LANGUAGE sql AS
  $$ SELECT regexp_replace(error_of(format('SELECT %L::scoring.history', literal)), ' \| Write .*', '') $$;
\pset format unaligned

-- ---- text ----
SELECT '{}'::history, '{2025-01-03:1:19.90,2025-02-11:2:45.00}'::history;
-- days are sorted, what stands twice for a day adds up, what comes to nothing goes
SELECT '{2025-02-11:2:45,2025-01-03:1:19.9}'::history AS sorted,
       '{2025-01-03:1:0.10,2025-01-03:2:0.20,2025-01-03:-1:1}'::history AS added,
       '{2025-01-03:1:5,2025-01-03:-1:-5,2025-01-04:0:0}'::history AS gone;
-- as many decimals as the totals need, of 0, 2, 3, 4, 6, 9; trailing zeros don't count
SELECT t AS total, ('{2025-01-03:1:' || t || ',2025-01-04:1:7}')::history AS history
  FROM unnest(ARRAY['1', '1.0', '1.5', '1.50', '1.500', '1.125', '1.1234', '1.12345', '1.123456', '1.1234567', '1.12345678', '1.123456789', '1.10000000000000000000', '-0.000000001', '-0', '+3', '.5', '5.', '00012']) t;
-- decimals that the sum of a day doesn't need
SELECT '{2025-01-03:1:0.005,2025-01-03:1:0.005}'::history, '{2025-01-03:1:0.125,2025-01-04:1:0.5}'::history - '{2025-01-03:1:0.125}';
-- white space around the parts, none inside a number or a date
SELECT E' {\t2025-01-03 : 1 : 19.90 \n,\r 2025-02-11:2:45\f}\x0b'::history;
-- days: BC, long years, the first and the last one, leap days
SELECT '{0044-03-15 BC:1:1,12025-06-30:1:2,2024-02-29:1:3,0001-12-31 BC:1:4,0001-01-01:1:5}'::history;
SELECT '{4714-11-24 BC:1:1,5874897-12-31:1:2}'::history;
SELECT day = date '4714-11-24 BC' AS first_there_is, day = date '5874897-12-31' AS last_there_is FROM days('{4714-11-24 BC:1:1,5874897-12-31:1:2}');
-- the limits of 64 bits; their last unit below belongs to nobody, so that every history has a negative
SELECT '{2025-01-03:9223372036854775807:9223372036854775807,2025-01-04:-9223372036854775807:-9223372036854775807}'::history;
SELECT '{2025-01-03:1:92233720368547758.07}'::history, '{2025-01-03:1:9223372036.854775807}'::history;

-- every date that core can write is read as that date, and written the same way
SET datestyle = iso;
SELECT count(*) AS days, count(*) FILTER (WHERE h::text IS DISTINCT FROM '{' || day || ':1:7}') AS written_otherwise,
       count(*) FILTER (WHERE h::text::history <> h OR last_day(h, 'infinity') <> day) AS read_otherwise
  FROM (SELECT day, history(day, 7) AS h
          FROM (SELECT date '4714-11-24 BC' + (i * 71549.5)::int AS day FROM generate_series(0, 29999) i
                UNION SELECT date '0005-03-05 BC' + i FROM generate_series(0, 4000) i
                UNION SELECT date '9999-12-01' + i FROM generate_series(0, 60) i) d) h;
RESET datestyle;

-- whatever the session's DateStyle
DO $$
DECLARE
  style text;
BEGIN
  FOREACH style IN ARRAY ARRAY['ISO, MDY', 'ISO, DMY', 'SQL, DMY', 'SQL, MDY', 'German', 'Postgres, MDY'] LOOP
    PERFORM set_config('datestyle', style, true);
    IF history(make_date(2025, 3, 4), 1)::text <> '{2025-03-04:1:1}' OR history(make_date(-44, 3, 15), 1)::text <> '{0044-03-15 BC:1:1}'
       OR last_day('{2025-03-04:1:1}', make_date(2026, 1, 1)) <> make_date(2025, 3, 4) THEN
      RAISE WARNING 'DateStyle % matters', style;
    END IF;
  END LOOP;
END $$;

-- what is no history
SELECT error_of('SELECT ''{x}''::history');
SELECT l AS literal, error_of_literal(l)
  FROM unnest(ARRAY['', ' ', '{', '}', 'x', '{}}', '{},', '{,}', '{2025-01-03:1:1,}', '{2025-01-03:1:1 2025-01-04:1:1}', '{2025-01-03}', '{2025-01-03:1}', '{2025-01-03:1:}', '{2025-01-03::1}', '{2025-01-03:1:1', '{2025-01-03:1:1}x',
    '{2025-1-3:1:1}', '{25-01-03:1:1}', '{20250103:1:1}', '{2025 -01-03:1:1}', '{2025-01- 03:1:1}', '{03.01.2025:1:1}', '{infinity:1:1}', '{-2025-01-03:1:1}', '{2025-01-03BC:1:1}', '{2025-01-03 bc:1:1}', '{2025-01-03 BCE:1:1}',
    '{2025-01-03:1.5:1}', '{2025-01-03:1e3:1}', '{2025-01-03:1:1e3}', '{2025-01-03:1:NaN}', '{2025-01-03:1:Infinity}', '{2025-01-03:1:1,5}', '{2025-01-03:1:1.2.3}', '{2025-01-03:1:.}', '{2025-01-03:1:--1}', '{2025-01-03:1:0x10}', '{2025-01-03:1:1_000}',
    '{2025-01-03:1:0.1234567891}', '{2025-01-03:1:-1.00000000001}', '{"2025-01-03":1:1}', 'NULL',
    '{2025-01-03:1:1,2025-01-04:1:two,2025-01-05:1:3,2025-01-06:1:4,2025-01-07:1:5}', '{2025-01-03:é:1}']) WITH ORDINALITY u(l, o) ORDER BY o;
-- what is one that we can't hold
SELECT l AS literal, error_of_literal(l)
  FROM unnest(ARRAY['{2025-02-29:1:1}', '{2025-13-01:1:1}', '{2025-00-01:1:1}', '{2025-01-00:1:1}', '{2025-01-32:1:1}', '{0000-01-01:1:1}', '{0000-01-01 BC:1:1}', '{4714-11-23 BC:1:1}', '{9999-01-01 BC:1:1}', '{5874898-01-01:1:1}', '{9999999-12-31:1:1}',
    '{2025-01-03:9223372036854775808:1}', '{2025-01-03:-9223372036854775808:1}', '{2025-01-03:1:9223372036854775808}', '{2025-01-03:1:-9223372036854775808}', '{2025-01-03:1:92233720368547758.08}', '{2025-01-03:1:9223372036.854775808}',
    '{2025-01-03:1:99999999999999999999999999}', '{2025-01-03:1:9223372036854775807,2025-01-03:1:1}', '{2025-01-03:9223372036854775807:1,2025-01-03:1:1}', '{2025-01-03:1:9223372036854775807,2025-01-04:1:0.1}']) WITH ORDINALITY u(l, o) ORDER BY o;

-- ---- binary ----
-- the packed form is stored in tables: its bytes may never change
SELECT history_send(h::history), h FROM unnest(ARRAY['{}', '{2020-01-01:1:0}', '{2025-01-03:1:19.90}', '{2025-01-03:1:19.90,2025-02-11:2:45.00}', '{2019-12-31:0:-5.50}', '{2020-01-01:-1:-7}', '{4714-11-24 BC:1:1,5874897-12-31:1:1}', '{2020-01-01:1:0.000000001}']) h;
-- and are 5 bytes an order, with cents up to 1,000.00, ten orders a customer, two years
CREATE TABLE small AS
  SELECT history_agg(date '2024-01-01' + mod(abs(hashint8extended(i, 1)), 730)::int, (1 + mod(abs(hashint8extended(i, 2)), 100000)) / 100.0) AS h
    FROM generate_series(0, 99999) i GROUP BY i / 10;
SELECT sum(pg_column_size(h)) <= 5 * 100000 AS small_enough, sum(frequency(h, 'infinity')) AS orders FROM small;

-- ---- one row ----
SELECT history('2025-01-03', 19.90) AS event, history('2025-01-03', -5) AS correction, history('2025-01-03', 0) AS nothing_to_pay,
       history('2025-01-03', -5, true) AS sold_at_a_loss, history('2025-01-03', 5, false) AS not_an_event, history('2025-01-03', 0, false) AS nothing;
SELECT history(day => '2025-01-03', value => 3, counts => NULL) = history('2025-01-03', 3, true) AS counts_may_be_null,
       history(NULL, 1) IS NULL AND history('2025-01-03', NULL) IS NULL AND history(NULL, NULL, true) IS NULL AS nulls;
SELECT error_of(s) FROM unnest(ARRAY['SELECT history(''infinity'', 1)', 'SELECT history(''-infinity'', 1)', 'SELECT history(''2025-01-03'', ''NaN'')', 'SELECT history(''2025-01-03'', ''Infinity'')', 'SELECT history(''2025-01-03'', ''-Infinity'')',
  'SELECT history(''2025-01-03'', 0.1234567891)', 'SELECT history(''2025-01-03'', 1e30)', 'SELECT history(''2025-01-03'', -1e19)', 'SELECT history(''2025-01-03'', 1e-1000)', 'SELECT history(''2025-01-03'', 1e1000)', 'SELECT history(timestamp ''2025-01-03 10:00'', 1)', 'SELECT history(''2025-01-03'', 1::float8)']) s;

-- ---- the group ----
SELECT history '{2025-01-03:1:19.90}' + '{2025-02-11:2:45}' AS sum, history '{2025-01-03:1:19.90}' - '{2025-01-03:1:10,2025-02-11:2:45}' AS difference, - history '{2025-01-03:1:19.90,2025-02-11:-2:45}' AS negative;
SELECT history '{2025-01-03:1:19.90}' - '{2025-01-03:1:19.90}' AS zero, - history '{}' AS negative_zero, history '{}' + '{}' AS still_zero;
SELECT history '{}' + NULL IS NULL AND NULL - history '{}' IS NULL AND - NULL::history IS NULL AS nulls;
SELECT error_of(s) FROM unnest(ARRAY['SELECT history ''{2025-01-03:1:9223372036854775807}'' + ''{2025-01-03:1:1}''', 'SELECT history ''{2025-01-03:1:-9223372036854775807}'' - ''{2025-01-03:1:1}''',
  'SELECT history ''{2025-01-03:9223372036854775807:1}'' + ''{2025-01-03:1:1}''', 'SELECT history ''{2025-01-03:1:9223372036854775807}'' + ''{2025-01-04:1:0.01}''']) s;

-- ---- comparison and its operator classes ----
CREATE TABLE h AS
  SELECT i AS id, CASE WHEN i % 10 = 0 THEN NULL WHEN i % 10 = 1 THEN '{}'
                  ELSE history('2025-01-01'::date + i % 40, (i % 9 - 1) / 4.0) + history(date '2024-01-01' + i % 7, i % 3) END AS h
    FROM generate_series(1, 4000) i;
CREATE TABLE t AS SELECT id, h, h::text AS t FROM h;
-- one total order, equality is that of the text
SELECT count(*) AS pairs, count(*) FILTER (WHERE (a.h = b.h) <> (a.t = b.t) OR (a.h <> b.h) <> (a.t <> b.t)) AS equality,
       count(*) FILTER (WHERE (a.h < b.h)::int + (a.h = b.h)::int + (a.h > b.h)::int <> 1) AS trichotomy,
       count(*) FILTER (WHERE (a.h <= b.h) <> (a.h < b.h OR a.h = b.h) OR (a.h >= b.h) <> (a.h > b.h OR a.h = b.h) OR (a.h < b.h) <> (b.h > a.h)) AS consistency,
       count(*) FILTER (WHERE history_cmp(a.h, b.h) <> - history_cmp(b.h, a.h) OR sign(history_cmp(a.h, b.h)) <> CASE WHEN a.h < b.h THEN -1 WHEN a.h = b.h THEN 0 ELSE 1 END) AS cmp,
       count(*) FILTER (WHERE a.t = b.t AND (history_hash(a.h) <> history_hash(b.h) OR history_hash_extended(a.h, 7) <> history_hash_extended(b.h, 7))) AS hash
  FROM (SELECT * FROM t WHERE id <= 300 AND h IS NOT NULL) a, (SELECT * FROM t WHERE id <= 300 AND h IS NOT NULL) b;
SELECT count(*) AS not_transitive FROM (SELECT h, lag(h) OVER (ORDER BY h) AS previous, first_value(h) OVER (ORDER BY h) AS first FROM h WHERE h IS NOT NULL) o WHERE previous > h OR first > h;
-- the extended hash with seed 0 agrees with the plain one
SELECT count(*) FILTER (WHERE (history_hash_extended(h, 0) & 4294967295) <> (history_hash(h)::bigint & 4294967295)) AS different, count(DISTINCT history_hash(h)) > 200 AS spread FROM h;

CREATE FUNCTION plan_has(statement text, node text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
    IF line LIKE '%' || node || '%' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
-- each way of doing it, and what the same statement says about the text
CREATE TABLE question (statement text, node text, settings text[]);
INSERT INTO question VALUES
  ('SELECT count(*) FROM (SELECT DISTINCT h FROM t) d', 'HashAggregate', '{enable_sort}'),
  ('SELECT count(*) FROM (SELECT DISTINCT h FROM t) d', 'Unique', '{enable_hashagg}'),
  ('SELECT sum(n * n) FROM (SELECT h, count(*) AS n FROM t GROUP BY h) d', 'GroupAggregate', '{enable_hashagg}'),
  ('SELECT count(*) FROM (SELECT h FROM t WHERE id <= 1000 EXCEPT SELECT h FROM t WHERE id > 3990) d', 'HashSetOp Except', '{enable_sort}'),
  ('SELECT count(*) FROM (SELECT h FROM t WHERE id <= 1000 INTERSECT SELECT h FROM t WHERE id > 3900) d', 'SetOp Intersect', '{enable_hashagg}'),
  ('SELECT count(*) FROM (SELECT h FROM t WHERE id <= 1000 UNION SELECT h FROM t WHERE id > 3900) d', 'HashAggregate', '{enable_sort}'),
  ('SELECT count(*) FROM t a JOIN t b ON a.h = b.h', 'Hash Join', '{enable_mergejoin,enable_nestloop}'),
  ('SELECT count(*) FROM t a JOIN t b ON a.h = b.h', 'Merge Join', '{enable_hashjoin,enable_nestloop}'),
  ('SELECT count(*) FROM t a WHERE NOT EXISTS (SELECT FROM t b WHERE a.h = b.h AND b.id < 100)', 'Anti Join', '{enable_nestloop}');
DO $$
DECLARE
  q question;
  setting text;
  of_history text;
  of_text text;
BEGIN
  FOR q IN SELECT * FROM question LOOP
    FOREACH setting IN ARRAY '{enable_sort,enable_hashagg,enable_hashjoin,enable_mergejoin,enable_nestloop}'::text[] LOOP
      PERFORM set_config(setting, 'on', true);
    END LOOP;
    FOREACH setting IN ARRAY q.settings LOOP PERFORM set_config(setting, 'off', true); END LOOP;
    IF NOT plan_has(q.statement, q.node) THEN RAISE WARNING 'no % in the plan of %', q.node, q.statement; END IF;
    EXECUTE q.statement INTO of_history;
    EXECUTE regexp_replace(q.statement, '\mh\M', 't', 'g') INTO of_text;
    IF of_history IS DISTINCT FROM of_text THEN RAISE WARNING '% for histories, % for their text: %', of_history, of_text, q.statement; END IF;
  END LOOP;
END $$;
SELECT count(*) AS ways FROM question;

-- indexes
CREATE INDEX t_btree ON t (h);
CREATE INDEX t_hash ON t USING hash (h);
ANALYZE t;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT plan_has('SELECT count(*) FROM t WHERE h < ''{}''', 'Index Only Scan using t_btree') AS btree,
       plan_has('SELECT id FROM t WHERE h = ''{2025-01-01:1:5}''', 'Index Scan') AS equality;
SELECT count(*) FROM t WHERE h = '{}';
SELECT (SELECT count(*) FROM t WHERE h > '{}') + (SELECT count(*) FROM t WHERE h < '{}') + (SELECT count(*) FROM t WHERE h = '{}') AS all_of_them, count(h) FROM t;
DROP INDEX t_btree;
SELECT plan_has('SELECT id FROM t WHERE h = ''{}''', 'Index Scan using t_hash') AS hash;
SELECT count(*) FROM t WHERE h = '{}';
RESET enable_seqscan;
RESET enable_bitmapscan;

-- a materialized view that refreshes concurrently, by a unique index on the history itself too
CREATE MATERIALIZED VIEW stored AS SELECT h, count(*) AS n FROM h WHERE h IS NOT NULL GROUP BY h;
CREATE UNIQUE INDEX ON stored (h);
UPDATE h SET h = h + '{2026-01-01:1:1}' WHERE id % 5 = 2;
DELETE FROM h WHERE id % 7 = 3;
REFRESH MATERIALIZED VIEW CONCURRENTLY stored;
SELECT count(*) AS differences FROM ((TABLE stored EXCEPT SELECT h, count(*) FROM h WHERE h IS NOT NULL GROUP BY h)
  UNION ALL (SELECT h, count(*) FROM h WHERE h IS NOT NULL GROUP BY h EXCEPT TABLE stored)) d;

-- partitions by hash: every row is found where it was put
CREATE TABLE parts (id int, h history) PARTITION BY HASH (h);
CREATE TABLE parts0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parts2 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parts SELECT id, h FROM h;
SELECT (SELECT count(DISTINCT tableoid) FROM parts) AS partitions, count(*) FILTER (WHERE p.id IS NULL) AS lost FROM h LEFT JOIN parts p ON p.id = h.id AND p.h IS NOT DISTINCT FROM h.h;

-- long histories are compressed or moved out of line, and are the same value
CREATE TABLE long (id int, h history);
ALTER TABLE long ALTER h SET STORAGE external;
INSERT INTO long SELECT 1, history_agg(date '2000-01-01' + i, i % 1000) FROM generate_series(1, 9000) i;
INSERT INTO long SELECT 2, h::text::history FROM long;
CREATE TABLE compressed AS SELECT 3 AS id, history_agg(date '2000-01-01' + i, 7) AS h FROM generate_series(1, 9000) i;
SELECT pg_column_size(h) < length(history_send(h)) AS compressed FROM compressed;
SELECT count(DISTINCT h) AS distinct_values, count(DISTINCT history_hash(h)) AS hashes, bool_and(frequency(h, 'infinity') = 9000 AND monetary(h, 'infinity', NULL) = (SELECT sum(i % 1000) FROM generate_series(1, 9000) i)
       AND recency(h, '2024-08-23') = 1 AND (SELECT count(*) FROM days(h)) = 9000) AS readable FROM long;
SELECT frequency(h, 'infinity'), monetary(h, 'infinity'), h = h::text::history AS same, h - h AS zero FROM compressed;

-- ---- labels ----
-- strict where NULL gives NULL; all immutable and parallel safe
SELECT count(*) FILTER (WHERE provolatile <> 'i') AS not_immutable, count(*) FILTER (WHERE proparallel <> 's') AS not_parallel_safe, count(*) > 40 AS many
  FROM pg_proc WHERE pronamespace = 'scoring'::regnamespace AND NOT 'scoring.argument_moment'::regtype = ANY (proargtypes) AND (proname ~ '^history' OR proname IN ('days', 'first_day', 'last_day', 'recency', 'tenure', 'frequency', 'active_days', 'monetary', 'mean_value', 'mean_gap', 'silence_ratio', 'trend', 'decayed_sum'));

SET client_min_messages = error;
DROP SCHEMA test_type CASCADE;
