-- Numbers on their way into a history and out again, digit by digit.
SET client_min_messages = warning;
CREATE SCHEMA test_fixed;
SET search_path = test_fixed, scoring, public;

-- Powers of ten and their neighbours, all digits, long runs of zeros, the limits; each with 0 to 9 decimals
CREATE TABLE units AS
  SELECT DISTINCT u * sign AS u
    FROM (SELECT 10::numeric ^ k + o AS u FROM generate_series(0, 18) k, generate_series(-1, 1) o
          UNION ALL SELECT 10::numeric ^ k * m + 10::numeric ^ l FROM generate_series(0, 17) k, generate_series(0, 17) l, unnest(ARRAY[1, 5, 9]) m
          UNION ALL SELECT left('12345678987654321', k)::numeric FROM generate_series(1, 17) k
          UNION ALL SELECT 2::numeric ^ k + o FROM generate_series(0, 62) k, generate_series(-1, 1) o
          UNION ALL SELECT 9223372036854775807 - o FROM generate_series(0, 3) o
          UNION ALL SELECT abs(hashint8extended(i, 1) / (1::bigint << (i % 60))) FROM generate_series(1, 1000) i) v
   CROSS JOIN unnest(ARRAY[1, -1]) sign
   WHERE u <= 9223372036854775807;
CREATE TABLE amounts AS
  SELECT v, decimals FROM (SELECT DISTINCT u * ('1e-' || digits)::numeric AS v FROM units, generate_series(0, 9) digits) d
   CROSS JOIN LATERAL (SELECT min(d) AS decimals FROM unnest(ARRAY[0, 2, 3, 4, 6, 9]) d WHERE d >= min_scale(v)) s
   WHERE abs(v) * 10::numeric ^ decimals <= 9223372036854775807;
SELECT count(*) > 10000 AS many, min(v), max(v), count(DISTINCT decimals) FROM amounts;

-- the text, the stored form of the numeric, and the number of events
SELECT count(*) FILTER (WHERE h::text <> '{2025-01-03:' || CASE WHEN v >= 0 THEN '1' ELSE '0' END || ':' || round(v, decimals) || '}') AS text,
       count(*) FILTER (WHERE numeric_send(monetary(h, 'infinity')) <> numeric_send(round(v, decimals))) AS numeric,
       count(*) FILTER (WHERE h::text::history <> h) AS round_trip,
       count(*) FILTER (WHERE hash_numeric(monetary(h, 'infinity')) <> hash_numeric(v)) AS hash,
       count(*) FILTER (WHERE monetary(- h, 'infinity') <> - v) AS negative
  FROM (SELECT *, history('2025-01-03', v) AS h FROM amounts) a;
-- whatever the display scale, the numeric's long form and its short varlena header included
SELECT count(*) FILTER (WHERE history('2025-01-03', v) <> history('2025-01-03', round(v, 100))) AS scale_100,
       count(*) FILTER (WHERE history('2025-01-03', v) <> history('2025-01-03', v::numeric(1000, 500))) AS scale_500,
       count(*) FILTER (WHERE history('2025-01-03', v) <> history('2025-01-03', trim_scale(v))) AS trimmed,
       count(*) FILTER (WHERE history('2025-01-03', v) <> history('2025-01-03', v + 0)) AS computed
  FROM amounts;
-- one unit more than fits, and digits behind the ninth decimal
CREATE FUNCTION state_of(v numeric) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  h history;
BEGIN
  h := history('2025-01-03', v);
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  RETURN sqlstate;
END $$;
SELECT state_of(v) AS state, count(*)
  FROM (SELECT sign * (9223372036854775807 + o::numeric) * ('1e-' || decimals)::numeric AS v FROM unnest(ARRAY[0, 2, 3, 4, 6, 9]) decimals, unnest(ARRAY[0, 1, 2, 10000000004]) o, unnest(ARRAY[1, -1]) sign) v GROUP BY 1 ORDER BY 1;
SELECT state_of(v) AS state, count(*)
  FROM (SELECT sign * (whole + d * ('1e-' || digits)::numeric) AS v FROM generate_series(10, 40) digits, unnest(ARRAY[1, 5, 9]) d, unnest(ARRAY[0, 1, 9999, 10000, 123456789012345678901234567890]) whole, unnest(ARRAY[1, -1]) sign) v GROUP BY 1 ORDER BY 1;

-- double and real: the shortest decimal that reads back as the same value, rounded to 9 decimals
SET extra_float_digits = 1;
CREATE TABLE doubles AS
  SELECT v::float8 FROM amounts WHERE abs(v) < 9e8
   UNION ALL SELECT v::float8 * (1 + 2 ^ -52) FROM amounts WHERE abs(v) < 9e8
   UNION ALL SELECT v::float8 / 3 FROM amounts WHERE abs(v) < 9e8
   UNION ALL SELECT trunc(v)::float8 FROM amounts WHERE abs(v) < 9e18
   UNION ALL SELECT i * 10.0::float8 ^ k FROM generate_series(1, 99) i, generate_series(-320, 7) k
   UNION ALL SELECT (i + 0.5) / 100 FROM generate_series(-2000, 2000) i
   UNION ALL SELECT i / 1000.0::float8 FROM generate_series(-2000, 2000) i
   UNION ALL SELECT 123456.0::float8 + i / 8192.0 FROM generate_series(0, 2000) i
   UNION ALL SELECT 999999999999999::float8 / 2 ^ i FROM generate_series(0, 60) i
   UNION ALL SELECT (hashint8extended(i, 1) % (10::numeric ^ (i % 17 + 1))::bigint)::float8 / 10 ^ (i % 11) FROM generate_series(1, 20000) i
   UNION ALL SELECT i + 0.0000000005::float8 FROM generate_series(-1000, 1000) i;
SELECT count(*) > 50000 AS many, count(*) FILTER (WHERE h <> history('2025-01-03', round(v::text::numeric, 9))) AS wrong, min(v) FILTER (WHERE h <> history('2025-01-03', round(v::text::numeric, 9))) AS example
  FROM (SELECT v, history_agg(date '2025-01-03', v) AS h FROM (SELECT DISTINCT v FROM doubles) u GROUP BY v) d;
SELECT count(*) > 10000 AS many, count(*) FILTER (WHERE h <> history('2025-01-03', round(v::text::numeric, 9))) AS wrong, min(v) FILTER (WHERE h <> history('2025-01-03', round(v::text::numeric, 9))) AS example
  FROM (SELECT v, history_agg(date '2025-01-03', v) AS h FROM (SELECT DISTINCT v::real FROM doubles WHERE abs(v) BETWEEN 1e-30 AND 9e17 OR v = 0) r GROUP BY v) d;
-- the cast to numeric would make them 1234570, 0.123457, 16777200 and 1234567890.12346
SELECT history_agg(date '2025-01-03', v) AS real FROM unnest('{1234567,0.12345678,16777216}'::real[]) AS v GROUP BY v ORDER BY v;
SELECT history_agg(date '2025-01-03', v) AS double FROM unnest('{1234567890.1234567,0.1234567890123456,99999999.999999985}'::float8[]) AS v GROUP BY v ORDER BY v;
-- every way in gives the same: one row, a query, a query scored, what can be scored at all
CREATE TABLE random_amounts AS SELECT i AS id, (random_real * 10 ^ (i % 9))::real AS r, random_real * 10 ^ (i % 12) / 3 AS d
  FROM (SELECT i, (hashint8extended(i, 2) % 1000000007) / 1000000007.0::float8 AS random_real FROM generate_series(1, 3000) i) v;
CREATE TABLE expected AS SELECT id, history('2025-01-03', round(r::text::numeric, 9)) AS r, history('2025-01-03', round(d::text::numeric, 9)) AS d FROM random_amounts;
SELECT count(*) FILTER (WHERE a.r IS DISTINCT FROM e.r OR a.d IS DISTINCT FROM e.d) AS history_agg,
       count(*) FILTER (WHERE h.history IS DISTINCT FROM e.r OR g.history IS DISTINCT FROM e.d) AS histories,
       count(*) FILTER (WHERE s.history IS DISTINCT FROM e.r OR t.history IS DISTINCT FROM e.d) AS source_histories,
       count(*) FILTER (WHERE c.monetary IS DISTINCT FROM monetary(e.r, 'infinity') OR b.monetary IS DISTINCT FROM monetary(e.d, 'infinity')) AS score_customers,
       count(*) FILTER (WHERE NOT _is_scorable('2025-01-03', v.r) OR NOT _is_scorable('2025-01-03', v.d)) AS is_scorable, count(*)
  FROM expected e JOIN random_amounts v USING (id)
  JOIN (SELECT id, history_agg(date '2025-01-03', r) AS r, history_agg(date '2025-01-03', d) AS d FROM random_amounts GROUP BY id) a USING (id)
  JOIN histories('SELECT id, date ''2025-01-03'', r FROM random_amounts', NULL::int) h ON h.customer_id = e.id
  JOIN histories('SELECT id, date ''2025-01-03'', d FROM random_amounts', NULL::int) g ON g.customer_id = e.id
  JOIN source_histories('SELECT id, date ''2025-01-03'', r FROM random_amounts', NULL::int, keep_going => true) s ON s.customer_id = e.id
  JOIN source_histories('SELECT id, date ''2025-01-03'', d FROM random_amounts', NULL::int, keep_going => true) t ON t.customer_id = e.id
  JOIN score_customers('SELECT id, date ''2025-01-03'', r FROM random_amounts', NULL::int, '2025-12-31') c ON c.customer_id = e.id
  JOIN score_customers('SELECT id, date ''2025-01-03'', d FROM random_amounts', NULL::int, '2025-12-31') b ON b.customer_id = e.id;

SET client_min_messages = error;
DROP SCHEMA test_fixed CASCADE;
