-- exact_sum: against numeric, and the same bits for any order of the rows, any
-- plan, and over frames.
SET client_min_messages = warning;
\set VERBOSITY terse
\set SHOW_CONTEXT never

-- Of dyadic fractions numeric knows the sum exactly.
CREATE TABLE number AS
SELECT i, i % 7 AS grp, CASE WHEN i % 11 > 0 THEN ((hashint8extended(i, 1) & 1048575) - 524288) / 1024.0::float8 * 2.0::float8 ^ (i % 40 - 20) END AS x
  FROM generate_series(1, 5000) AS i;
SELECT count(*) AS groups, count(*) FILTER (WHERE s.ours IS DISTINCT FROM s.theirs) AS different
  FROM (SELECT grp, exact_sum(x) * 1073741824 AS ours, sum((x * 1073741824)::bigint::numeric)::float8 AS theirs FROM number GROUP BY grp) AS s;

-- Rows in other places: sum() has other bits, exact_sum() the same.
CREATE TABLE wild AS SELECT i, (hashint8extended(i, 2) & 1048575) / 3.0::float8 * 10.0::float8 ^ (i % 60 - 30) * (1 - i % 2 * 2) AS x FROM generate_series(1, 3000) AS i;
CREATE TABLE seen AS SELECT 'as made' AS how, exact_sum(x) AS ours, sum(x) AS theirs FROM wild;
CREATE TABLE elsewhere AS SELECT * FROM wild ORDER BY hashint8extended(i, 3);
INSERT INTO seen SELECT 'shuffled', exact_sum(x), sum(x) FROM elsewhere;
INSERT INTO seen SELECT 'backwards', exact_sum(x ORDER BY i DESC), sum(x ORDER BY i DESC) FROM wild;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
DO $$
DECLARE line text; found boolean := false;
BEGIN
  FOR line IN EXPLAIN (COSTS OFF) SELECT exact_sum(x) FROM elsewhere LOOP found := found OR line LIKE '%Partial Aggregate%'; END LOOP;
  IF NOT found THEN RAISE 'the plan is not parallel'; END IF;
END $$;
INSERT INTO seen VALUES ('parallel', (SELECT exact_sum(x) FROM elsewhere), 0);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
SELECT count(*) AS orders, count(DISTINCT float8send(ours)) AS ours, count(DISTINCT float8send(theirs)) > 1 AS theirs_differ FROM seen;
SELECT count(*) AS different FROM (SELECT i, exact_sum(x) OVER (ORDER BY i ROWS BETWEEN 5 PRECEDING AND 2 FOLLOWING) AS running FROM wild WHERE i <= 200) AS r,
  LATERAL (SELECT exact_sum(w.x) AS alone FROM wild AS w WHERE w.i BETWEEN r.i - 5 AND least(r.i + 2, 200)) AS a WHERE running IS DISTINCT FROM alone;

-- Ends of the range, nothing, and what is no number
SELECT exact_sum(x) FROM (VALUES (1e16::float8), (1), (-1e16)) AS v (x);
SELECT exact_sum(x) = 1e308 AS back_in_range FROM (VALUES (1e308::float8), (1e308), (-1e308)) AS v (x);
SELECT exact_sum(x) FROM (VALUES (5e-324::float8), (NULL), (5e-324)) AS v (x);
SELECT exact_sum(x) FROM (VALUES ('-0'::float8), ('-0')) AS v (x);
SELECT exact_sum(NULL), exact_sum(x) AS none FROM wild WHERE false;
SELECT exact_sum(x) FROM (VALUES (1e308::float8), (1e308)) AS v (x);
SELECT exact_sum('NaN');
SELECT exact_sum('-Infinity');
DROP TABLE number, wild, elsewhere, seen;
