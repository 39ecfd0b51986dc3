-- Answers to surveys: NPS, CSAT, CES, stars, with their intervals.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.shown(s satisfaction) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s [%s, %s] of %s', round(($1).value::numeric, 4), round(($1).low::numeric, 4), round(($1).high::numeric, 4), ($1).n) $$;

-- 50 promoters, 30 passives, 20 detractors: 30.0 +- 15.31
SELECT pg_temp.shown(nps(50, 30, 20)) AS counts, pg_temp.shown(nps(rating)) AS ratings
FROM unnest(array_fill(10, ARRAY[25]) || array_fill(9, ARRAY[25]) || array_fill(8, ARRAY[15]) || array_fill(7, ARRAY[15])
  || array_fill(6, ARRAY[10]) || array_fill(0, ARRAY[10])) AS rating;
-- the class of every rating
SELECT rating, (nps(rating)).value AS nps FROM generate_series(0, 10) AS rating GROUP BY 1 ORDER BY 1;
SELECT rating, (csat(rating)).value AS csat, (stars(rating)).value AS stars FROM generate_series(1, 5) AS rating GROUP BY 1 ORDER BY 1;
SELECT rating, (ces(rating)).value AS ces FROM generate_series(1, 7) AS rating GROUP BY 1 ORDER BY 1;
-- E. B. Wilson's interval: of 8 in 10 it is 0.4902 to 0.9433, of 0 in 10 0 to 0.2775, of 81 in 263 0.2553 to 0.3662
-- (R. G. Newcombe, Statistics in Medicine 17, 1998)
SELECT pg_temp.shown(csat(8, 10)), pg_temp.shown(csat(0, 10)), pg_temp.shown(csat(10, 10)), pg_temp.shown(csat(81, 263)), pg_temp.shown(csat(15, 148));
-- Student's quantiles 0.975, as tables have them: 12.706, 4.303, 2.571, 2.228, 2.086, 2.080, 2.042, 2.000, 1.980, 1.960
SELECT freedom, round((_mean_of_ratings(freedom + 1, 0, freedom + 1, -100, 100)).high::numeric, 3) AS quantile
FROM unnest('{1,2,5,10,20,21,30,60,120,1000000}'::int[]) AS freedom;
-- no interval goes beyond the scale
SELECT pg_temp.shown(nps(2, 1, 0)), pg_temp.shown(ces(r)), pg_temp.shown(stars(r)) FROM unnest('{1,5}'::int[]) AS r;

-- No answer, one, all the same, NULL.
SELECT pg_temp.shown(nps(r)) AS nps, pg_temp.shown(csat(r)) AS csat, pg_temp.shown(ces(r)) AS ces, pg_temp.shown(stars(r)) AS stars FROM unnest('{}'::int[]) AS r;
SELECT pg_temp.shown(nps(r)) AS nps, pg_temp.shown(csat(r)) AS csat, pg_temp.shown(ces(r)) AS ces, pg_temp.shown(stars(r)) AS stars FROM unnest('{NULL,5,NULL}'::int[]) AS r;
SELECT pg_temp.shown(nps(r)) AS nps, pg_temp.shown(csat(r)) AS csat, pg_temp.shown(ces(r)) AS ces, pg_temp.shown(stars(r)) AS stars FROM unnest('{4,4,4}'::int[]) AS r;
SELECT pg_temp.shown(nps(0, 0, 0)), pg_temp.shown(csat(0, 0)), nps(NULL, 1, 1) IS NULL AS of_null, csat(1, NULL) IS NULL AS of_null;
-- int, bigint, numeric, float8: the same
SELECT (nps(r::int)).value, (nps(r::bigint)).value, (nps(r::numeric)).value, (nps(r::float8)).value, (nps(r::smallint)).n FROM unnest('{10,9,3}'::int[]) AS r;

-- What is on no scale.
SELECT error_and_hint('SELECT nps(11)');
SELECT error_and_hint('SELECT nps(-1)');
SELECT error_and_hint('SELECT nps(8.5)');
SELECT error_and_hint($$SELECT nps('NaN'::float8)$$);
SELECT error_and_hint($$SELECT nps('Infinity'::float8)$$);
SELECT error_and_hint('SELECT csat(0)');
SELECT error_and_hint('SELECT csat(6)');
SELECT error_and_hint('SELECT ces(8)');
SELECT error_and_hint('SELECT ces(0)');
SELECT error_and_hint('SELECT stars(5.5)');
SELECT error_and_hint('SELECT nps(-1, 0, 0)');
SELECT error_and_hint('SELECT csat(3, 2)');
SELECT error_and_hint('SELECT csat(-1, 2)');
SELECT error_and_hint('SELECT nps(9223372036854775807, 0, 0)');

-- Against core's aggregates and the plain formulas, group by group, and in any order and pieces.
CREATE TEMP TABLE answers AS
SELECT n, n % 37 AS g, abs(hashint4extended(n, 3) % 11)::int AS r, 1 + abs(hashint4extended(n, 4) % 5)::int AS s, 1 + abs(hashint4extended(n, 5) % 7)::int AS e
FROM generate_series(1, 5000) AS n;
SELECT count(*) AS groups,
  count(*) FILTER (WHERE abs((nps).value - 100 * (p - d)) > 1e-9 OR abs((nps).high - least(100, 100 * (p - d) + 195.9963984540054 * sqrt((p + d - (p - d) ^ 2) / n))) > 1e-9
    OR abs((nps).low - greatest(-100, 100 * (p - d) - 195.9963984540054 * sqrt((p + d - (p - d) ^ 2) / n))) > 1e-9 OR (nps).n <> n) AS other_nps,
  count(*) FILTER (WHERE abs((csat).value - c) > 1e-12
    -- the ends of Wilson's interval solve |c - x| = z sqrt(x (1 - x) / n)
    OR abs((c - (csat).low) - 1.959963984540054 * sqrt((csat).low * (1 - (csat).low) / n)) > 1e-12
    OR abs(((csat).high - c) - 1.959963984540054 * sqrt((csat).high * (1 - (csat).high) / n)) > 1e-12) AS other_csat,
  count(*) FILTER (WHERE abs((ces).value - mean) > 1e-12 OR abs(((ces).high - mean) / (deviation / sqrt(n)) - (mean - (ces).low) / (deviation / sqrt(n))) > 1e-9
    OR (ces).high - mean NOT BETWEEN 1.96 * deviation / sqrt(n) AND 2.00 * deviation / sqrt(n)) AS other_ces
FROM (SELECT g, count(*) AS n, nps(r), csat(s), ces(e), avg((r >= 9)::int)::float8 AS p, avg((r <= 6)::int)::float8 AS d, avg((s >= 4)::int)::float8 AS c,
             avg(e)::float8 AS mean, stddev_samp(e)::float8 AS deviation FROM answers GROUP BY g) AS a;
SELECT count(DISTINCT (nps, csat, ces, stars)::text) AS results FROM (
  SELECT nps(r), csat(s), ces(e), stars(s) FROM (SELECT * FROM answers ORDER BY n) AS a
  UNION ALL SELECT nps(r), csat(s), ces(e), stars(s) FROM (SELECT * FROM answers ORDER BY e, n DESC) AS a
  UNION ALL SELECT nps(r ORDER BY s), csat(s ORDER BY r), ces(e ORDER BY r), stars(s ORDER BY n) FROM answers) AS a;
-- states in pieces: partial aggregates by workers
CREATE TABLE pieces AS SELECT r, s, e FROM answers;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT pg_temp.shown(nps), pg_temp.shown(csat), pg_temp.shown(ces), pg_temp.shown(stars) FROM (SELECT nps(r), csat(s), ces(e), stars(s) FROM pieces) AS a;
SET max_parallel_workers_per_gather = 0;
SELECT pg_temp.shown(nps), pg_temp.shown(csat), pg_temp.shown(ces), pg_temp.shown(stars) FROM (SELECT nps(r), csat(s), ces(e), stars(s) FROM pieces) AS a;
DROP TABLE pieces;
-- growing frames
SELECT n, (nps(r) OVER (ORDER BY n)).value, (nps(r) OVER (ORDER BY n ROWS 1 PRECEDING)).n FROM (VALUES (1, 10), (2, 9), (3, 1), (4, NULL)) AS v (n, r);
