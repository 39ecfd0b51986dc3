-- The type stream_histories: forms, the group, comparison, aggregates; and every
-- accessor against plain SQL over the rows.
SET client_min_messages = warning;
CREATE SCHEMA test_streams;
SET search_path = test_streams, scoring, public;

-- SQLSTATE, message, detail and hint of what a statement raises
CREATE FUNCTION error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  message text; detail text; hint text;
BEGIN
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' | ', sqlstate || ': ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;
-- the same of a literal, without the hint
CREATE FUNCTION error_of_literal(literal text) RETURNS text LANGUAGE sql AS
  $$ SELECT regexp_replace(error_of(format('SELECT %L::scoring.stream_histories', literal)), ' \| Write .*', '') $$;
CREATE FUNCTION plan_has(statement text, pattern text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
    IF line ~ pattern THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
\pset format unaligned

-- ---- text ----
SELECT '{}'::stream_histories, '{1/0={2025-01-03:1:1},1/3={2025-01-03:1:19.90,2025-02-11:2:45}}'::stream_histories;
-- entries are sorted, what stands twice adds up, what comes to nothing goes, spaces don't matter
SELECT '{2/5={2025-01-03:1:1},1/1023={2025-01-03:1:1},255/0={2025-01-03:1:1},2/5={2025-01-04:1:7}}'::stream_histories AS sorted,
       '{1/1={},2/2={2025-01-03:1:1,2025-01-03:-1:-1},3/3={2025-01-03:1:1},3/3={2025-01-03:-1:-1}}'::stream_histories AS gone,
       E' {\t1 / 0 = { 2025-01-03 : 1 : 1 } \n,\r002/0005={2025-01-03:1:1}\f}\x0b'::stream_histories AS spaces;
SELECT l AS literal, error_of_literal(l)
  FROM unnest(ARRAY['', ' ', '{', '}', 'x', '{}}', '{},', '{,}', '{1/1}', '{1/1=}', '{1/1={}', '{1/1={2025-01-03:1:1}', '{1/1={2025-01-03:1:1},}', '{1/1={2025-01-03:1:1} 1/2={2025-01-03:1:1}}', '{1/1={2025-01-03:1:1}}x',
    '{0/1={}}', '{256/1={}}', '{-1/1={}}', '{1/1024={}}', '{1/-1={}}', '{1/99999={}}', '{00001/1={}}', '{/1={}}', '{1/={}}', '{1.5/1={}}', '{1/1:{}}', '{1 1={}}', '{a/b={}}',
    '{1/1={2025-01-03:1:x}}', '{1/1={2025-02-30:1:1}}', '{1/1={2025-01-03:1:0.1234567891}}', '{1/1={{2025-01-03:1:1}}}', '{1/1={2025-01-03:1:1,2/2={2025-01-03:1:1}}', '{2025-01-03:1:1}', '{1/é={}}', 'NULL',
    '{1/1={2025-01-03:1:9223372036854775807},1/1={2025-01-03:1:1}}']) WITH ORDINALITY u(l, o) ORDER BY o;
SELECT error_of('SELECT ''{x}''::stream_histories');
-- on the way a sum may be too large
SELECT '{1/1={2025-01-03:1:9223372036854775807},1/1={2025-01-03:1:5},1/1={2025-01-03:-1:-5}}'::stream_histories;

-- ---- binary ----
-- the packed form is stored in tables: its bytes may never change
SELECT stream_histories_send(s::stream_histories), s
  FROM unnest(ARRAY['{}', '{1/0={2020-01-01:1:1}}', '{1/3={2025-01-03:1:19.90}}', '{1/3={2025-01-02:1:1,2025-01-03:2:2}}', '{255/1023={2020-01-01:-1:-1}}',
    '{1/0={2020-01-01:1:1},1/1={2020-01-01:1:0},2/0={2020-01-01:1:1}}']) s;
-- 33 events in 8 kinds over two years are 3 bytes each, where an event counts one
CREATE TABLE small AS
  SELECT stream_histories_agg(1 + kind / 4, kind, h) AS s
    FROM (SELECT i / 33 AS id, mod(abs(hashint8extended(i, 1)), 8)::int AS kind, history_agg(date '2024-01-01' + mod(abs(hashint8extended(i, 2)), 730)::int, 1) AS h
            FROM generate_series(0, 32999) i GROUP BY 1, 2) k GROUP BY id;
SELECT sum(pg_column_size(s)) <= 3 * 33000 AS small_enough, sum((SELECT sum(frequency(history, 'infinity')) FROM stream_kinds(s))) AS events FROM small;

-- ---- rows ----
CREATE FUNCTION pick(i bigint, salt int, n int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT mod(abs(hashint8extended(i, salt)), n)::int $$;
-- Clicks (one each), orders with cents, what is taken back again, nine decimals; most customers have a few kinds, some nothing.
CREATE TABLE events AS
  SELECT id, customer, stream, kind, day, sign * counts::int AS events, sign * value AS total,
         CASE sign WHEN 1 THEN history(day, value, counts) ELSE - history(day, value, counts) END AS h
    FROM (SELECT i AS id, pick(i, 1, 250) AS customer, (ARRAY[1, 1, 1, 2, 2, 7, 255])[1 + pick(i, 2, 7)] AS stream,
                 CASE WHEN pick(i, 3, 10) = 0 THEN 1023 ELSE pick(i, 4, 6) END AS kind, date '2024-01-01' + pick(i, 5, 300) AS day,
                 pick(i, 6, 20) > 0 AS counts, CASE WHEN pick(i, 7, 12) = 0 THEN -1 ELSE 1 END AS sign, pick(i, 8, 3000) AS n
            FROM generate_series(1, 12000) i) e
    CROSS JOIN LATERAL (SELECT CASE stream WHEN 1 THEN 1 WHEN 2 THEN n / 100.0 - 5 WHEN 7 THEN n % 3 - 1 ELSE n / 1e9 END::numeric AS value) v
  UNION ALL SELECT -i, 1000 + i, 7, i, date '2024-01-01' + i, 0, -5, history(date '2024-01-01' + i, -5, false) FROM generate_series(0, 4) i;
CREATE TABLE stored AS SELECT c AS customer, coalesce(s, '{}') AS s
  FROM (SELECT generate_series(0, 260) UNION SELECT generate_series(1000, 1004)) AS c(c) LEFT JOIN (SELECT customer, stream_histories_agg(stream, kind, h) AS s FROM events GROUP BY customer) e ON customer = c;
-- what they should hold
CREATE TABLE expected AS SELECT customer, stream, kind, day, sum(events)::bigint AS events, sum(total) AS total FROM events GROUP BY 1, 2, 3, 4 HAVING sum(events) <> 0 OR sum(total) <> 0;
CREATE VIEW held AS SELECT customer, k.stream, k.kind, d.day, d.events, d.total FROM stored, stream_kinds(s) AS k, days(k.history) AS d;
SELECT count(*) AS days, count(DISTINCT (customer, stream, kind)) AS entries, count(*) FILTER (WHERE events < 0) > 100 AS taken_back, count(*) FILTER (WHERE events = 0) > 100 AS corrections,
       (SELECT count(*) FROM expected) AS days_expected FROM held;
SELECT count(*) AS differences FROM ((TABLE held EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE held)) d;
-- rows in order, none of them empty
SELECT count(*) FILTER (WHERE (stream, kind) <= (before_stream, before_kind)) AS disorder, count(*) FILTER (WHERE history = '{}') AS empty
  FROM (SELECT k.*, lag(k.stream) OVER w AS before_stream, lag(k.kind) OVER w AS before_kind
          FROM stored, stream_kinds(stored.s) WITH ORDINALITY AS k(stream, kind, history, n) WINDOW w AS (PARTITION BY customer ORDER BY n)) o;

-- ---- other ways to the same bytes ----
CREATE FUNCTION differences(way text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  n bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM stored LEFT JOIN (%s) w USING (customer) WHERE stream_histories_send(coalesce(w.s, ''{}'')) <> stream_histories_send(stored.s)', way) INTO n;
  RETURN n;
END $$;
SELECT way, differences(way) FROM unnest(ARRAY[
  'SELECT customer, s::text::stream_histories AS s FROM stored',
  'SELECT customer, stream_histories_agg(stream, kind, h ORDER BY id) AS s FROM events GROUP BY customer',
  'SELECT customer, stream_histories_agg(stream, kind, h ORDER BY hashint8(id)) AS s FROM events GROUP BY customer',
  'SELECT customer, stream_histories_agg(stream, kind, h) AS s FROM (SELECT customer, stream, kind, sum(h) AS h FROM events GROUP BY 1, 2, 3) e GROUP BY customer',
  'SELECT customer, sum(s) AS s FROM (SELECT customer, stream_histories_agg(stream, kind, h) AS s FROM events GROUP BY id, customer) e GROUP BY customer',
  'SELECT customer, try_sum(s) AS s FROM (SELECT customer, stream_histories_agg(stream, kind, h) AS s FROM events GROUP BY id, customer) e GROUP BY customer',
  'SELECT customer, - sum(- s) AS s FROM (SELECT customer, stream_histories_agg(stream, kind, h) AS s FROM events GROUP BY customer, id % 3) e GROUP BY customer',
  'SELECT customer, stream_histories_agg(stream, kind, h) FILTER (WHERE id % 3 > 0) + stream_histories_agg(stream, kind, h) FILTER (WHERE id % 3 <= 0) AS s FROM events GROUP BY customer',
  'SELECT customer, stream_histories_agg(stream, kind, h) - stream_histories_agg(stream, kind, h) FILTER (WHERE stream > 7) + stream_histories_agg(stream, kind, h) FILTER (WHERE stream > 7) AS s FROM events GROUP BY customer',
  'SELECT customer, _try_add(stream_histories_agg(stream, kind, h) FILTER (WHERE kind > 2), stream_histories_agg(stream, kind, h) FILTER (WHERE kind <= 2)) AS s FROM events GROUP BY customer',
  'SELECT customer, stream_histories_agg(k.stream, k.kind, k.history) AS s FROM stored, stream_kinds(s) AS k GROUP BY customer',
  'SELECT customer, (SELECT stream_histories_agg(x.stream, k.kind, stream_history(s, x.stream, ARRAY[k.kind])) FROM unnest(''{1,2,3,7,255}''::int[]) AS x(stream), unnest(''{0,1,2,3,4,5,6,1023}''::int[]) AS k(kind)) AS s FROM stored']) AS way;

-- plans: parallel, sorted, with little memory
CREATE TABLE way (mode text, settings jsonb, pattern text);
INSERT INTO way VALUES ('hashed', '{"enable_sort": "off"}', 'HashAggregate'), ('sorted', '{"enable_hashagg": "off"}', 'GroupAggregate');
INSERT INTO way SELECT mode, settings || '{"parallel_setup_cost": "0", "parallel_tuple_cost": "0", "min_parallel_table_scan_size": "0", "max_parallel_workers_per_gather": "4"}', 'Partial'
  FROM (VALUES ('parallel', '{}'::jsonb), ('workers only', '{"parallel_leader_participation": "off"}'), ('tiny work_mem', '{"work_mem": "64kB"}')) AS p(mode, settings);
CREATE TABLE parts AS SELECT customer, stream_histories_agg(stream, kind, h) AS s FROM events GROUP BY customer, id;
CREATE TABLE asked (question text, statement text, other text);
INSERT INTO asked VALUES
  ('agg', 'SELECT customer, stream_histories_agg(stream, kind, h) AS s FROM events GROUP BY customer', 'SELECT customer, s FROM stored WHERE s <> ''{}'''),
  ('sum', 'SELECT customer % 9, sum(s) FROM parts GROUP BY 1', 'SELECT m, (SELECT stream_histories_agg(stream, kind, h) FROM events WHERE customer % 9 = m) FROM generate_series(0, 8) m'),
  ('try_sum', 'SELECT customer % 9, try_sum(s) FROM parts GROUP BY 1', 'SELECT m, (SELECT stream_histories_agg(stream, kind, h) FROM events WHERE customer % 9 = m) FROM generate_series(0, 8) m');
CREATE TABLE result (mode text, question text, as_planned boolean, the_same boolean);
CREATE FUNCTION checksum(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SELECT md5(string_agg(x::text, '' '' ORDER BY x::text)) FROM (%s) x', statement) INTO result;
  RETURN result;
END $$;
ANALYZE events, stored, parts;
SET jit = off;		-- a loop would be compiled at each turn
DO $$
DECLARE
  m way; q asked; s record; plain text;
BEGIN
  FOR m IN SELECT * FROM way LOOP
    FOR q IN SELECT * FROM asked LOOP
      SET LOCAL enable_hashagg = on; SET LOCAL enable_sort = on; SET LOCAL work_mem = '4MB'; SET LOCAL parallel_leader_participation = on;
      SET LOCAL max_parallel_workers_per_gather = 0;
      plain := checksum(q.other);
      FOR s IN SELECT * FROM jsonb_each_text(m.settings) LOOP PERFORM set_config(s.key, s.value, true); END LOOP;
      INSERT INTO result SELECT m.mode, q.question, plan_has(q.statement, m.pattern), checksum(q.statement) = plain;
    END LOOP;
  END LOOP;
END $$;
RESET jit;
SELECT count(*) AS ways, count(*) FILTER (WHERE as_planned) AS as_planned, count(*) FILTER (WHERE the_same) AS the_same,
       string_agg(mode || ': ' || question, ', ' ORDER BY mode, question) FILTER (WHERE the_same IS NOT TRUE OR as_planned IS NOT TRUE) AS wrong FROM result;
-- a frame that moves
SELECT count(*) AS rows, count(*) FILTER (WHERE s <> (SELECT sum(x.s) FROM stored x WHERE x.customer BETWEEN w.customer - 3 AND w.customer)) AS wrong
  FROM (SELECT customer, sum(s) OVER (ORDER BY customer RANGE BETWEEN 3 PRECEDING AND CURRENT ROW) AS s FROM stored WHERE customer < 60) w;
-- rows that are left out, no rows
SELECT stream_histories_agg(stream, kind, h) AS left_out
  FROM (VALUES (1, 1, NULL::history), (1, 2, '{2025-01-03:1:1}'), (NULL, NULL, NULL), (9999, -1, NULL), (1, 3, '{}')) v(stream, kind, h);
SELECT stream_histories_agg(1, 1, h) AS agg, sum(s) AS sum, try_sum(s) AS try_sum FROM (SELECT NULL::history, NULL::stream_histories WHERE false) v(h, s);
SELECT stream_histories_agg(1, 1, NULL) AS agg, sum(NULL::stream_histories) AS sum, try_sum(NULL::stream_histories) AS try_sum FROM generate_series(1, 3);
SELECT a AS key, error_of(format('SELECT scoring.stream_histories_agg(%s, ''{2025-01-03:1:1}'')', a)) FROM unnest(ARRAY['0, 1', '256, 1', '-1, 1', '2147483647, 0', 'NULL, 1', '1, -1', '1, 1024', '1, NULL']) a;

-- ---- accessors, against the rows ----
CREATE TABLE question AS
  SELECT * FROM unnest('{1,2,3,7,255}'::int[]) AS stream, unnest('{2024-01-01,2024-04-09,2024-08-31,infinity,-infinity}'::date[]) AS as_of,
                (VALUES (NULL::int[]), ('{}'), ('{0,1}'), ('{1023,5,5,2}'), ('{600}')) AS k(kinds);
CREATE VIEW of_streams AS SELECT DISTINCT stream, kinds FROM question;
CREATE INDEX ON expected (customer, stream);
SELECT count(*) AS questions, count(got) > 1000 AS some, count(*) FILTER (WHERE got IS DISTINCT FROM wanted) AS wrong
  FROM (SELECT stream_last_day(s, q.stream, as_of, kinds) AS got,
               (SELECT max(day) FROM expected e WHERE e.customer = x.customer AND e.stream = q.stream AND (kinds IS NULL OR kind = ANY (kinds)) AND day <= as_of AND events > 0) AS wanted
          FROM stored x, question q WHERE customer % 7 < 4) a;
SELECT count(*) AS questions, count(*) FILTER (WHERE got > 0) > 1000 AS some, count(*) FILTER (WHERE got IS DISTINCT FROM wanted) AS wrong
  FROM (SELECT stream_events(s, q.stream, as_of, days, kinds) AS got,
               (SELECT coalesce(sum(events), 0) FROM expected e WHERE e.customer = x.customer AND e.stream = q.stream AND (kinds IS NULL OR kind = ANY (kinds)) AND day <= as_of AND (days IS NULL OR day > as_of - days)) AS wanted
          FROM stored x, question q, unnest('{NULL,1,30,400}'::int[]) AS days WHERE customer % 7 < 3 AND (days IS NULL OR isfinite(as_of))) a;
SELECT count(*) AS questions, count(got) > 500 AS some, count(*) FILTER (WHERE got IS DISTINCT FROM wanted) AS wrong
  FROM (SELECT stream_first_day(s, as_of) AS got, (SELECT min(day) FROM expected e WHERE e.customer = x.customer AND day <= as_of AND events > 0) AS wanted
          FROM stored x, (SELECT DISTINCT as_of FROM question) q) a;
SELECT count(*) AS questions, count(got) > 200 AS some, count(*) FILTER (WHERE got IS DISTINCT FROM wanted) AS wrong, count(*) FILTER (WHERE customer >= 1000 AND got = date '2024-01-01' + (customer - 1000)) AS corrections
  FROM (SELECT customer, last_activity(s) AS got, coalesce((SELECT max(day) FROM expected e WHERE e.customer = x.customer AND events > 0), (SELECT max(day) FROM expected e WHERE e.customer = x.customer)) AS wanted FROM stored x) a;
-- the history of some kinds is their sum
CREATE VIEW read AS SELECT customer, q.stream, kinds, d.* FROM stored, of_streams q, days(stream_history(s, q.stream, kinds)) AS d;
CREATE VIEW read_expected AS SELECT customer, q.stream, kinds, day, sum(events)::bigint AS events, sum(total) AS total
  FROM expected e JOIN of_streams q ON e.stream = q.stream AND (kinds IS NULL OR kind = ANY (kinds)) GROUP BY 1, 2, 3, 4 HAVING sum(events) <> 0 OR sum(total) <> 0;
SELECT count(*) > 10000 AS some FROM read;
SELECT count(*) AS differences FROM ((TABLE read EXCEPT ALL TABLE read_expected) UNION ALL (TABLE read_expected EXCEPT ALL TABLE read)) x;
SELECT count(*) FILTER (WHERE stream_history(s, 2) <> coalesce((SELECT sum(history) FROM stream_kinds(s) WHERE stream = 2), '{}')) AS wrong FROM stored;
-- less of them: what remains, byte for byte
SELECT x AS stream, count(*) FILTER (WHERE without_stream(s, x) <> (SELECT stream_histories_agg(stream, kind, history) FROM stream_kinds(s) WHERE stream <> x)) AS wrong,
       count(*) FILTER (WHERE without_stream(s, x) <> s) AS changed FROM stored, unnest('{1,2,3,255}'::int[]) x GROUP BY x ORDER BY x;
SELECT n, count(*) FILTER (WHERE without_negative_days(s, before) <> (SELECT stream_histories_agg(stream, kind, without_negative_days(history, before)) FROM stream_kinds(s))) AS wrong,
       count(*) FILTER (WHERE without_negative_days(s, before) <> s) AS changed FROM stored, unnest('{-infinity,2024-05-01,infinity}'::date[]) WITH ORDINALITY AS b(before, n) GROUP BY n ORDER BY n;
SELECT without_negative_days('{1/1={2025-01-03:-1:-1},1/2={2025-01-03:-1:-1,2025-01-04:1:1}}'::stream_histories, '2025-01-04') AS one_kind_less;

-- NULL, and arguments that are none
SELECT stream_history(NULL, 1) IS NULL AND stream_history('{}', NULL) IS NULL AND stream_last_day(NULL, 1, '2025-01-03') IS NULL AND stream_last_day('{}', NULL, '2025-01-03') IS NULL AND stream_last_day('{}', 1, NULL) IS NULL
       AND stream_events(NULL, 1, '2025-01-03', 1) IS NULL AND stream_events('{}', NULL, '2025-01-03', 1) IS NULL AND stream_events('{}', 1, NULL, 1) IS NULL AND stream_first_day(NULL, '2025-01-03') IS NULL AND stream_first_day('{}', NULL) IS NULL
       AND last_activity(NULL::stream_histories) IS NULL AND without_stream(NULL, 1) IS NULL AND without_negative_days(NULL::stream_histories, '2025-01-03') IS NULL AND _try_add(NULL::stream_histories, '{}') IS NULL AS nulls,
       (SELECT count(*) FROM stream_kinds(NULL)) + (SELECT count(*) FROM stream_kinds('{}')) AS rows;
SELECT stream_history('{}', 1), stream_last_day('{}', 1, 'infinity'), stream_events('{}', 1, 'infinity', NULL), stream_first_day('{}', 'infinity'), last_activity('{}'::stream_histories), without_stream('{}', 1);
SELECT s, error_of(format('SELECT scoring.%s FROM (SELECT scoring.stream_histories ''{1/1={2025-01-03:1:1}}'') v(s)', s))
  FROM unnest(ARRAY['stream_history(s, 0)', 'stream_history(s, 256)', 'stream_history(s, 1, ''{1024}'')', 'stream_history(s, 1, ''{-1}'')', 'stream_history(s, 1, ''{1,NULL}'')', 'without_stream(s, 0)', 'stream_last_day(s, 0, ''2025-01-03'')',
    'stream_events(s, 1, ''2025-01-03'', 0)', 'stream_events(s, 1, ''infinity'', 1)', 'stream_events(s, -1, ''2025-01-03'', 1)', 'stream_events(s, 1, ''infinity'', NULL, ''{{1,2},{3,4}}'')']) s;
-- of literals that both types read, history is meant
SELECT last_activity('{}') IS NULL AS none, last_activity('{2025-01-03:1:1}') = '2025-01-03' AS day, without_negative_days('{2025-01-03:1:1}', '2025-01-04');

-- ---- the group ----
CREATE TABLE pair AS SELECT x.s AS a, y.s AS b FROM stored x JOIN stored y ON y.customer = (x.customer * 7 + 3) % 250 WHERE x.customer < 250;
SELECT count(*) AS pairs, count(*) FILTER (WHERE a + b <> b + a) AS commutes, count(*) FILTER (WHERE a - a <> '{}') AS zero, count(*) FILTER (WHERE a + b - b <> a) AS back, count(*) FILTER (WHERE a - b <> a + (- b)) AS minus, count(*) FILTER (WHERE - (- a) <> a) AS twice,
       count(*) FILTER (WHERE a + '{}' <> a OR '{}' + a <> a OR a - '{}' <> a OR '{}' - a <> - a) AS neutral, count(*) FILTER (WHERE (a + b) + a <> a + (b + a)) AS associates, count(*) FILTER (WHERE _try_add(a, b) <> a + b) AS tried,
       count(*) FILTER (WHERE stream_history(a + b, 2) <> stream_history(a, 2) + stream_history(b, 2)) AS of_a_stream FROM pair;
SELECT stream_histories '{}' + NULL IS NULL AND NULL - stream_histories '{}' IS NULL AND - NULL::stream_histories IS NULL AS nulls;

-- ---- too large ----
SELECT error_of(s) FROM unnest(ARRAY['SELECT stream_histories ''{1/1={2025-01-03:1:9223372036854775807}}'' + ''{1/1={2025-01-03:1:1}}''', 'SELECT stream_histories ''{1/1={2025-01-03:1:-9223372036854775807}}'' - ''{1/1={2025-01-03:1:1}}''',
  'SELECT sum(s) FROM unnest(ARRAY[''{1/1={2025-01-03:9223372036854775807:1}}'', ''{1/1={2025-01-03:1:1}}'']::stream_histories[]) s', 'SELECT stream_history(''{1/1={2025-01-03:1:9223372036854775807},1/2={2025-01-03:1:1}}'', 1)',
  'SELECT stream_events(''{1/1={2025-01-03:9223372036854775807:1},1/2={2025-01-03:1:1}}'', 1, ''infinity'', NULL)', 'SELECT stream_events(''{1/1={2025-01-03:9223372036854775807:1,2025-01-04:1:1}}'', 1, ''infinity'', NULL)']) s;
-- only what doesn't fit is left out
SELECT _try_add('{1/1={2025-01-03:1:9223372036854775807},1/2={2025-01-03:1:1}}', '{1/1={2025-01-03:1:1},2/1={2025-01-03:1:1}}'::stream_histories);
CREATE TABLE large AS SELECT i, stream_histories_agg(1, kind, history(date '2025-01-03' + pick(i, kind, 2), (pick(i, 10 + kind, 3) - 1) * CASE WHEN kind < 3 THEN 4e18 ELSE 1 END + CASE WHEN kind = 4 AND i = 7 THEN 0.01 ELSE 0 END)) AS s
  FROM generate_series(1, 40) i, generate_series(0, 5) kind GROUP BY i;
SET jit = off;
DO $$
DECLARE
  wrong int := 0; left_out int := 0; got stream_histories; wanted stream_histories; fits int[];
BEGIN
  FOR n IN 1 .. 40 LOOP
    SELECT array_agg(kind) INTO fits FROM generate_series(0, 5) AS kind
     WHERE coalesce((SELECT max(abs(t)) FROM (SELECT sum(d.total) AS t FROM large, days(stream_history(s, 1, ARRAY[kind])) AS d WHERE i <= n GROUP BY d.day) x), 0) <= 9223372036854775807;
    left_out := left_out + (6 - cardinality(fits));
    SELECT '{' || string_agg(format('1/%s={%s:%s:%s}', kind, to_char(day, 'YYYY-MM-DD'), e, t), ',') || '}' INTO wanted
      FROM (SELECT k.kind, d.day, sum(d.events) AS e, sum(d.total) AS t FROM large, stream_kinds(s) AS k, days(k.history) AS d WHERE i <= n AND k.kind = ANY (fits) GROUP BY 1, 2) AS x;
    FOR o IN 1 .. 5 LOOP
      SELECT try_sum(s ORDER BY pick(i, 100 + o, 1000000)) INTO got FROM large WHERE i <= n;
      IF got IS DISTINCT FROM wanted THEN wrong := wrong + 1; END IF;
    END LOOP;
  END LOOP;
  RAISE WARNING '% wrong, %', wrong, CASE WHEN left_out > 20 THEN 'and some are left out' ELSE left_out::text END;
END $$;
RESET jit;
-- all streams and kinds there are (events of each sixth stream: a look-up goes through those before it)
CREATE TABLE everything AS SELECT stream_histories_agg(stream, kind, history(date '2025-01-01' + kind, stream)) AS s FROM generate_series(255, 1, -1) stream, generate_series(0, 1023) kind;
SELECT (SELECT count(*) FROM stream_kinds(s)) AS entries, (SELECT sum(frequency(stream_history(s, n), 'infinity')) FROM generate_series(1, 255, 6) n) AS events, stream_events(s, 255, '2025-01-31', 10) AS ten,
       last_activity(s) = date '2025-01-01' + 1023 AS last, s + s - s = s AS same FROM everything;

-- ---- comparison ----
SELECT count(*) AS pairs, count(*) FILTER (WHERE (a.s = b.s) <> (a.t = b.t) OR (a.s <> b.s) = (a.s = b.s)) AS equality,
       count(*) FILTER (WHERE (a.s < b.s)::int + (a.s = b.s)::int + (a.s > b.s)::int <> 1 OR (a.s <= b.s) <> (a.s < b.s OR a.s = b.s) OR (a.s >= b.s) <> (a.s > b.s OR a.s = b.s) OR (a.s < b.s) <> (b.s > a.s)) AS the_order,
       count(*) FILTER (WHERE sign(stream_histories_cmp(a.s, b.s)) <> CASE WHEN a.s < b.s THEN -1 WHEN a.s = b.s THEN 0 ELSE 1 END) AS cmp,
       count(*) FILTER (WHERE a.s = b.s AND (stream_histories_hash(a.s) <> stream_histories_hash(b.s) OR stream_histories_hash_extended(a.s, 7) <> stream_histories_hash_extended(b.s, 7))) AS hash
  FROM (SELECT s, s::text AS t FROM stored WHERE customer % 5 = 0 OR customer > 240 OFFSET 0) a, (SELECT s::text::stream_histories AS s, s::text AS t FROM stored WHERE customer % 3 = 0 OR customer > 240 OFFSET 0) b;
CREATE TABLE twice AS SELECT s FROM stored UNION ALL SELECT s::text::stream_histories FROM stored;
SELECT (SELECT count(*) FROM (SELECT DISTINCT s FROM twice) d) AS distinct_values, (SELECT count(DISTINCT s::text) FROM twice) AS distinct_texts, (SELECT count(*) FROM (SELECT s FROM twice EXCEPT SELECT s FROM stored) d) AS more,
       (SELECT count(*) FROM twice a JOIN twice b USING (s)) AS joined, (SELECT count(*) FROM (SELECT s::text AS s FROM twice) a JOIN (SELECT s::text AS s FROM twice) b USING (s)) AS joined_texts;
SET enable_hashagg = off;
SELECT count(*) AS distinct_values FROM (SELECT DISTINCT s FROM twice) d;
RESET enable_hashagg;
CREATE INDEX ON twice (s);
CREATE INDEX ON twice USING hash (s);

-- ---- labels ----
SELECT count(*) FILTER (WHERE provolatile <> 'i') AS not_immutable, count(*) FILTER (WHERE proparallel <> 's') AS not_parallel_safe, count(*) > 30 AS many
  FROM pg_proc p JOIN pg_language l ON l.oid = prolang AND lanname = 'c' WHERE pronamespace = 'scoring'::regnamespace AND (proname ~ '^_?stream_' OR 'scoring.stream_histories'::regtype = ANY (proargtypes));

SET client_min_messages = error;
DROP SCHEMA test_streams CASCADE;
