-- quantile_score, rank_score, minmax_score and z_score.

CREATE TABLE sample (kind text, id int, v float8);
INSERT INTO sample
  SELECT 'one', 1, 42
  UNION ALL SELECT 'two', i, i FROM generate_series(1, 2) i
  UNION ALL SELECT 'equal', i, 7.25 FROM generate_series(1, 2000) i
  UNION ALL SELECT 'all null', i, NULL FROM generate_series(1, 10) i
  UNION ALL SELECT 'zeros', i, CASE i % 3 WHEN 0 THEN '-0' WHEN 1 THEN 0 ELSE i % 2 END::float8 FROM generate_series(1, 700) i
  UNION ALL SELECT 'dense', i, i FROM generate_series(1, 2001) i
  UNION ALL SELECT 'few values', i, draw(i, 5) FROM generate_series(1, 3000) i
  UNION ALL SELECT 'mostly one', i, CASE WHEN draw(i, 10) < 6 THEN 1 ELSE draw(i + 100000, 30) END FROM generate_series(1, 4000) i
  UNION ALL SELECT 'money', i, round((-ln(1 - draw(i, 1000000) / 1e6) * 150)::numeric, 2) FROM generate_series(1, 9000) i
  UNION ALL SELECT 'money with null', i, CASE WHEN draw(i + 7, 3) > 0 THEN draw(i, 100000) / 100.0 END FROM generate_series(1, 3000) i
  UNION ALL SELECT 'negative', i, draw(i, 1000) - 500 FROM generate_series(1, 2500) i
  UNION ALL SELECT 'every scale', i, (draw(i, 2) * 2 - 1) * power(10::float8, (draw(i + 5000, 600) - 300)::float8) * (1 + draw(i + 9000, 1000)) FROM generate_series(1, 4000) i
  UNION ALL SELECT 'extremes', i, (ARRAY['-1.7976931348623157e308', '1.7976931348623157e308', '4.9e-324', '-4.9e-324', '2.3e-308', '0', '1e308', '-1e308'])[1 + draw(i, 8)]::float8 FROM generate_series(1, 900) i
  UNION ALL SELECT 'outlier', i, CASE i WHEN 17 THEN '1e300'::float8 ELSE 100 + draw(i, 1000000) / 1e9 END FROM generate_series(1, 3000) i
  -- Enough for a temporary file at a small work_mem; three quarters of it equal.
  UNION ALL SELECT 'large', i, CASE WHEN draw(i, 4) > 0 THEN 3 ELSE draw(i + 77, 50000) END FROM generate_series(1, 30000) i
  UNION ALL SELECT 'size ' || n, i, draw(i * 31 + n, n * 2) FROM generate_series(3, 40) n, generate_series(1, n) i;
CREATE TABLE parameter AS SELECT bins, higher FROM unnest(ARRAY[1, 2, 3, 5, 10, 17, 100]) bins, unnest(ARRAY[true, false]) higher;

-- The same as score() by quantile_thresholds(), for every kind of input.
ANALYZE sample, parameter;
SELECT kind, bins, higher, count(*) FROM (SELECT p.*, s.* FROM parameter p, LATERAL (
    SELECT kind, v, quantile_score(v, bins, higher) OVER (PARTITION BY kind) AS q FROM sample WHERE kind <> 'large' OR bins = 10) s) s
  JOIN (SELECT kind, bins, quantile_thresholds(v, bins) AS t FROM sample, (SELECT DISTINCT bins FROM parameter) p GROUP BY kind, bins) t USING (kind, bins)
  WHERE q IS DISTINCT FROM score(v, t, higher) GROUP BY kind, bins, higher;
SELECT count(*) FROM (SELECT v, quantile_score(v, 5) OVER () AS q FROM sample) s
  WHERE q IS DISTINCT FROM score(v, (SELECT quantile_thresholds(v, 5) FROM sample));

-- rank_score by its definition: every score of all bins, ties and directions, and
-- many equal values in more rows than a small work_mem holds. Equal values are told
-- from their neighbours by core's window functions.
CREATE TABLE rank_sample AS SELECT * FROM sample WHERE id <= 400 OR kind = 'large';
CREATE TABLE ranked AS SELECT kind, id, higher,
    rank() OVER w AS low, rank() OVER w + count(*) OVER (PARTITION BY kind, higher, v) - 1 AS high, count(*) OVER (PARTITION BY kind, higher) AS n
  FROM rank_sample, unnest(ARRAY[true, false]) higher WHERE v IS NOT NULL
  WINDOW w AS (PARTITION BY kind, higher ORDER BY CASE WHEN higher THEN v ELSE -v END);
ANALYZE rank_sample, ranked;
SELECT bins, count(*) AS compared, count(DISTINCT r) AS scores,
    count(*) FILTER (WHERE r IS DISTINCT FROM 1 + (bins * (CASE ties WHEN 'low' THEN 2 * low WHEN 'high' THEN 2 * high ELSE low + high END - 2)) / (2 * n)) AS different
  FROM (SELECT bins, ties, higher, s.* FROM parameter, unnest(ARRAY['low', 'mid', 'high']) ties, LATERAL (
    SELECT kind, id, rank_score(v, bins, ties, higher) OVER (PARTITION BY kind) AS r FROM rank_sample WHERE kind <> 'large' OR bins = 10) s) s
  JOIN ranked USING (kind, id, higher) GROUP BY bins ORDER BY bins;
-- low is percent_rank, high is nearly cume_dist, on data where the float arithmetic of these is exact.
SELECT count(*) FROM (SELECT rank_score(v, 4) OVER w AS low, 1 + floor(4 * (rank() OVER (ORDER BY v) - 1) / 4096.0) AS low_wanted,
    rank_score(v, 4, 'high') OVER w AS high, ceil(4 * cume_dist() OVER (ORDER BY v)) AS high_wanted
  FROM (SELECT draw(i, 300)::float8 AS v FROM generate_series(1, 4096) i) s WINDOW w AS ()) r WHERE low <> low_wanted OR high <> high_wanted;

-- What makes a score a score: equal values alike, no value beaten by a lesser one, 1..bins; NULL exactly for NULL.
CREATE TABLE scored AS SELECT kind, id, v, quantile_score(v, 5) OVER p AS q, quantile_score(v, 5, false) OVER p AS q_down,
    rank_score(v, 5) OVER p AS low, rank_score(v, 5, 'mid') OVER p AS mid, rank_score(v, 5, ties => 'high') OVER p AS high,
    minmax_score(v) OVER p AS m, z_score(v) OVER p AS z
  FROM sample WINDOW p AS (PARTITION BY kind);
ANALYZE scored;
SELECT kind, count(*) FROM scored GROUP BY kind, v HAVING count(DISTINCT (q, q_down, low, mid, high, m, z)) > 1;
SELECT kind, v FROM (SELECT kind, v, q, q_down, low, mid, high, m, z, lag(q) OVER w AS q0, lag(q_down) OVER w AS q_down0, lag(low) OVER w AS low0,
    lag(mid) OVER w AS mid0, lag(high) OVER w AS high0, lag(m) OVER w AS m0, lag(z) OVER w AS z0 FROM scored WHERE v IS NOT NULL WINDOW w AS (PARTITION BY kind ORDER BY v)) s
  WHERE q < q0 OR q_down > q_down0 OR low < low0 OR mid < mid0 OR high < high0 OR m < m0 OR z < z0;
SELECT kind, count(*) FROM scored WHERE q NOT BETWEEN 1 AND 5 OR q_down NOT BETWEEN 1 AND 5 OR NOT (low <= mid AND mid <= high AND low >= 1 AND high <= 5)
  OR (v IS NULL) <> (q IS NULL) OR (v IS NULL) <> (q_down IS NULL) OR (v IS NULL) <> (low IS NULL) OR (v IS NULL) <> (mid IS NULL) OR (v IS NULL) <> (high IS NULL) GROUP BY kind;

-- minmax_score and z_score against core.
SELECT kind, count(*) FROM scored JOIN (SELECT kind, min(v), max(v) FROM sample GROUP BY kind) s USING (kind)
  WHERE m IS DISTINCT FROM CASE WHEN min < max THEN CASE kind WHEN 'extremes' THEN m ELSE (v - min) / (max - min) END END OR m NOT BETWEEN 0 AND 1 GROUP BY kind;
SELECT kind, count(*) FROM scored JOIN (SELECT kind, avg(v::numeric), sqrt(var_pop(v::numeric) * 1e30) / 1e15 AS deviation FROM sample GROUP BY kind) s USING (kind)
  WHERE kind NOT IN ('every scale', 'extremes', 'outlier') AND v IS NOT NULL AND (abs(z - (CASE WHEN deviation <> 0 THEN (v::numeric - avg) / deviation END)::float8) > 1e-12 * greatest(1, abs(z)) OR (z IS NULL) <> (deviation = 0)) GROUP BY kind;
SELECT kind, count(*) FILTER (WHERE z IS NULL), abs(avg(z)) < 1e-9 AS mean_0, abs(stddev_pop(z) - 1) < 1e-9 AS deviation_1 FROM scored WHERE kind IN ('every scale', 'extremes', 'outlier') GROUP BY kind ORDER BY kind;
SELECT v, minmax_score(v) OVER () AS minmax, round(z_score(v) OVER ()::numeric, 12) AS z FROM (VALUES ('-1.7976931348623157e308'::float8), ('1.7976931348623157e308'), (0), (NULL)) t(v);
SELECT v, minmax_score(v) OVER () AS minmax, z_score(v) OVER () AS z FROM (VALUES ('4.9e-324'::float8), ('1.5e-323')) t(v);
-- A large mean costs no digits.
SELECT v, z_score(v) OVER () AS z FROM (VALUES (1e15::float8 + 1), (1e15 + 2), (1e15 + 3), (1e15 + 4)) t(v);
SELECT minmax_score(v) OVER () AS minmax, z_score(v) OVER () AS z FROM (VALUES (5::float8), (5), (NULL)) t(v);
SELECT minmax_score(v) OVER () AS minmax, z_score(v) OVER () AS z FROM (VALUES (5::float8)) t(v);

-- Neither the order of the rows nor an ORDER BY, a frame, the memory or the plan changes a thing.
CREATE FUNCTION differing(columns text) RETURNS TABLE (kind text, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('SELECT s.kind, count(*) FROM (SELECT kind, id, quantile_score(v, 5) OVER p AS q, quantile_score(v, 5, false) OVER p AS q_down,
    rank_score(v, 5) OVER p AS low, rank_score(v, 5, ''mid'') OVER p AS mid, rank_score(v, 5, ties => ''high'') OVER p AS high,
    minmax_score(v) OVER p AS m, z_score(v) OVER p AS z
    FROM (SELECT * FROM sample ORDER BY draw(id * 7, 1009)) s WINDOW p AS (PARTITION BY kind %s)) s JOIN scored o USING (kind, id)
    WHERE (s.q, s.q_down, s.low, s.mid, s.high, s.m, s.z) IS DISTINCT FROM (o.q, o.q_down, o.low, o.mid, o.high, o.m, o.z) GROUP BY s.kind', columns);
END $$;
SELECT * FROM differing('');
SELECT * FROM differing('ORDER BY v');
SELECT * FROM differing('ORDER BY v DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW');
SELECT * FROM differing('ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING');
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT * FROM differing('');
SELECT kind, bins, higher, count(*) FROM (SELECT p.*, s.* FROM parameter p, LATERAL (
    SELECT kind, v, quantile_score(v, bins, higher) OVER (PARTITION BY kind) AS q FROM sample WHERE kind IN ('large', 'money')) s WHERE bins IN (5, 100)) s
  JOIN (SELECT kind, bins, quantile_thresholds(v, bins) AS t FROM sample, (SELECT DISTINCT bins FROM parameter) p GROUP BY kind, bins) t USING (kind, bins)
  WHERE q IS DISTINCT FROM score(v, t, higher) GROUP BY kind, bins, higher;
SELECT kind, ties, count(*) FROM (SELECT ties, s.* FROM unnest(ARRAY['low', 'mid', 'high']) ties, LATERAL (
    SELECT kind, id, rank_score(v, 17, ties, false) OVER (PARTITION BY kind) AS r FROM rank_sample WHERE kind IN ('large', 'money')) s) s
  JOIN ranked USING (kind, id) WHERE NOT higher
   AND r IS DISTINCT FROM 1 + (17 * (CASE ties WHEN 'low' THEN 2 * low WHEN 'high' THEN 2 * high ELSE low + high END - 2)) / (2 * n) GROUP BY kind, ties;
-- A scan that stops early leaves nothing behind.
SELECT quantile_score(v, 5) OVER () FROM sample WHERE kind = 'large' AND v = 3 LIMIT 1;
RESET hash_mem_multiplier;
RESET work_mem;
SET jit = on;
SET jit_above_cost = 0;
SELECT * FROM differing('');
RESET jit_above_cost;
RESET jit;

-- No sort where the partition is the whole.
DO $$ DECLARE line text;
BEGIN
  FOR line IN EXPLAIN (COSTS OFF) SELECT quantile_score(v, 5) OVER (), rank_score(v, 5) OVER (), minmax_score(v) OVER (), z_score(v) OVER () FROM sample LOOP
    IF line LIKE '%Sort%' THEN RAISE 'the plan sorts'; END IF;
  END LOOP;
END $$;

-- Six in ten customers with one order: all of them get 1.
SELECT v AS orders, count(*), min(quantile_score) AS f, max(quantile_score) AS f_max
  FROM (SELECT v, quantile_score(v, 5) OVER () FROM (SELECT CASE WHEN i % 10 < 6 THEN 1 ELSE i % 10 - 4 END AS v FROM generate_series(1, 1000) i) o) s GROUP BY v ORDER BY v;

-- Arguments.
SELECT v, quantile_score(v, 3) OVER (), quantile_score(value => v, bins => 3, higher_is_better => false) OVER () AS reversed,
  rank_score(value => v, bins => 3, ties => 'mid', higher_is_better => false) OVER () AS ranked FROM (VALUES (1), (2), (NULL), (3)) t(v);
-- Different bins for different partitions are fine; the argument may be any expression.
SELECT g, string_agg(q::text, ' ' ORDER BY v) AS q, string_agg(r::text, ' ' ORDER BY v) AS r FROM (
  SELECT g, v, quantile_score((v::text || '.5')::numeric::float8, g, g > 2) OVER (PARTITION BY g) AS q,
    rank_score(v, g, CASE g WHEN 2 THEN 'low' ELSE 'high' END) OVER (PARTITION BY g) AS r FROM generate_series(2, 4) g, generate_series(1, 8) v) s GROUP BY g ORDER BY g;
SELECT count(*) FROM (SELECT quantile_score(v, 5) OVER () FROM sample WHERE false) s;
SELECT statement, error_and_hint(statement) FROM unnest(ARRAY[
  'SELECT quantile_score(1, 0) OVER ()', 'SELECT quantile_score(1, 101) OVER ()', 'SELECT quantile_score(1, NULL) OVER ()', 'SELECT quantile_score(1, 5, NULL) OVER ()',
  'SELECT quantile_score(NULL, 0) OVER ()', 'SELECT quantile_score(v, v) OVER () FROM generate_series(2, 3) v', 'SELECT quantile_score(v, 5, v > 2) OVER () FROM generate_series(2, 3) v',
  'SELECT quantile_score(v, nullif(v, 3)) OVER () FROM generate_series(2, 3) v',
  'SELECT quantile_score(v, 5) OVER () FROM (VALUES (1::float8), (''NaN'')) t(v)', 'SELECT quantile_score(v, 5) OVER () FROM (VALUES (1::float8), (''-Infinity'')) t(v)',
  'SELECT rank_score(1, 0) OVER ()', 'SELECT rank_score(1, 5, ''average'') OVER ()', 'SELECT rank_score(1, 5, ''LOW'') OVER ()', 'SELECT rank_score(1, 5, '''') OVER ()', 'SELECT rank_score(1, 5, NULL) OVER ()',
  'SELECT rank_score(1, 5, ''low'', NULL) OVER ()', 'SELECT rank_score(v, 5, CASE v WHEN 2 THEN ''low'' ELSE ''mid'' END) OVER () FROM generate_series(2, 3) v',
  'SELECT rank_score(v, 5, ''low'', v > 2) OVER () FROM generate_series(2, 3) v', 'SELECT rank_score(''Infinity'', 5) OVER ()',
  'SELECT minmax_score(''NaN'') OVER ()', 'SELECT minmax_score(''Infinity'') OVER ()', 'SELECT z_score(''NaN'') OVER ()', 'SELECT z_score(''-Infinity'') OVER ()',
  'SELECT quantile_score(1, 5)', 'SELECT rank_score(v, 5) FROM sample']) WITH ORDINALITY s(statement, n) ORDER BY n;

DROP TABLE sample, parameter, ranked, rank_sample, scored;
DROP FUNCTION differing;
