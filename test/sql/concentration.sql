-- cumulative_share, abc_class, gini and lorenz against plain SQL; ties, NULLs,
-- values below 0, order and plans, arguments.

CREATE FUNCTION close_to(a float8, b float8, tolerance float8) RETURNS bool LANGUAGE sql AS
  $$ SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE a = b OR abs(a - b) <= tolerance * (1 + abs(b)) END $$;

CREATE TABLE revenue (kind text, i int, v float8);
INSERT INTO revenue
  SELECT 'spread', i, exp(5 * draw(i)) FROM generate_series(1, 500) i
  UNION ALL SELECT 'ties', i, floor(6 * draw(i)) * 10 FROM generate_series(1, 300) i
  UNION ALL SELECT 'equal', i, 7 FROM generate_series(1, 10) i
  UNION ALL SELECT 'one has all', i, CASE WHEN i = 3 THEN 5 ELSE 0 END FROM generate_series(1, 10) i
  UNION ALL SELECT 'one', 1, 3
  UNION ALL SELECT 'nothing', i, 0 FROM generate_series(1, 5) i
  UNION ALL SELECT 'refunds', i, 100 * draw(i) - 30 FROM generate_series(1, 200) i
  UNION ALL SELECT 'only refunds', i, -i FROM generate_series(1, 5) i
  UNION ALL SELECT 'with gaps', i, CASE WHEN i % 3 > 0 THEN 50 * draw(i) END FROM generate_series(1, 200) i
  UNION ALL SELECT 'no value', i, NULL FROM generate_series(1, 5) i
  UNION ALL SELECT 'exactly', i, v FROM unnest('{50,30,15,5}'::float8[]) WITH ORDINALITY AS u (v, i)
  UNION ALL SELECT 'large', i, 1e308 FROM generate_series(1, 8) i
  UNION ALL SELECT 'tiny', i, 5e-324 * (i % 3) FROM generate_series(1, 30) i;
ANALYZE revenue;

/* ---- Pareto ---- */

-- In numeric, row by row
WITH ours AS (
  SELECT kind, i, v, cumulative_share(v) OVER (PARTITION BY kind ORDER BY v DESC NULLS LAST) AS share, abc_class(v) OVER (PARTITION BY kind) AS class FROM revenue
), theirs AS (
  SELECT kind, i, sum(greatest(v, 0)::numeric) OVER (PARTITION BY kind ORDER BY v DESC) / nullif(sum(greatest(v, 0)::numeric) OVER (PARTITION BY kind), 0) AS through,
         (sum(greatest(v, 0)::numeric) OVER (PARTITION BY kind ORDER BY v DESC) - sum(greatest(v, 0)::numeric) OVER (PARTITION BY kind, v)) / nullif(sum(greatest(v, 0)::numeric) OVER (PARTITION BY kind), 0) AS before
    FROM revenue WHERE v IS NOT NULL AND kind NOT IN ('tiny', 'large'))
SELECT kind, i, v, share, class FROM ours LEFT JOIN theirs t USING (kind, i)
 WHERE kind NOT IN ('tiny', 'large') AND (NOT close_to(share, through::float8, 1e-14)
    OR class IS DISTINCT FROM CASE WHEN v <= 0 THEN 'C' WHEN before < 0.8 THEN 'A' WHEN before < 0.95 THEN 'B' WHEN v IS NOT NULL THEN 'C' END);
SELECT v, cumulative_share(v) OVER (ORDER BY v DESC) AS share, abc_class(v) OVER () AS class, abc_class(v, '{0.5,0.8,1}') OVER () AS four FROM revenue WHERE kind = 'exactly' ORDER BY v DESC;
-- ties are together, in whatever order they come
SELECT v, count(*), min(share) = max(share) AS one_share, round(max(share)::numeric, 4) AS share, string_agg(DISTINCT class, '') AS class
  FROM (SELECT v, cumulative_share(v) OVER (ORDER BY v DESC) AS share, abc_class(v) OVER (ORDER BY i) AS class FROM revenue WHERE kind = 'ties') s GROUP BY v ORDER BY v DESC;
SELECT kind, count(*) AS n, count(share) AS shares, round(max(share)::numeric, 6) AS most, count(*) FILTER (WHERE class = 'A') AS a, count(*) FILTER (WHERE class = 'B') AS b, count(*) FILTER (WHERE class = 'C') AS c, count(*) - count(class) AS none
  FROM (SELECT kind, cumulative_share(v) OVER (PARTITION BY kind ORDER BY v DESC NULLS LAST) AS share, abc_class(v) OVER (PARTITION BY kind) AS class FROM revenue) s GROUP BY kind ORDER BY kind;
-- an order by anything else is another line; without one all rows are together
SELECT i, v, cumulative_share(v) OVER (ORDER BY i DESC) AS by_i, cumulative_share(v) OVER () AS all_together FROM revenue WHERE kind = 'exactly' ORDER BY i;
SELECT cumulative_share(v) OVER (ORDER BY v DESC), abc_class(v) OVER () FROM revenue WHERE false;
-- a frame changes nothing
SELECT count(*) FROM (SELECT cumulative_share(v) OVER (ORDER BY v DESC ROWS 1 PRECEDING) AS a, cumulative_share(v) OVER (ORDER BY v DESC) AS b, abc_class(v) OVER (ORDER BY v ROWS 1 PRECEDING) AS c, abc_class(v) OVER () AS d
  FROM revenue WHERE kind = 'spread') s WHERE a <> b OR c <> d;

/* ---- Gini and Lorenz ---- */

-- By the definition: 2 sum(i x_i) / (n sum x) - (n + 1) / n; and by all pairs
WITH ranked AS (SELECT kind, greatest(v, 0)::numeric AS x, row_number() OVER (PARTITION BY kind ORDER BY greatest(v, 0)) AS i, count(*) OVER (PARTITION BY kind) AS n FROM revenue WHERE v IS NOT NULL AND kind <> 'tiny'),
     theirs AS (SELECT kind, (2 * sum(i * x) / nullif(max(n) * sum(x), 0) - (max(n) + 1.0) / max(n))::float8 AS gini FROM ranked GROUP BY kind),
     pairs AS (SELECT kind, (sum(abs(a.x - b.x)) / nullif(2 * sum(b.x), 0))::float8 AS gini FROM ranked a JOIN ranked b USING (kind) GROUP BY kind)
SELECT o.kind, o.gini, t.gini, p.gini FROM (SELECT kind, gini(v) FROM revenue GROUP BY kind) o LEFT JOIN theirs t USING (kind) LEFT JOIN pairs p USING (kind)
 WHERE o.kind <> 'tiny' AND (NOT close_to(o.gini, t.gini, 1e-14) OR NOT close_to(o.gini, p.gini, 1e-14));
SELECT kind, round(gini(v)::numeric, 6) AS gini, (SELECT array_agg(round(s::numeric, 4) ORDER BY o) FROM unnest(lorenz(v, 5)) WITH ORDINALITY u (s, o)) AS lorenz FROM revenue GROUP BY kind ORDER BY kind;
-- published: incomes 1 to 4 have 0.25; 0, 0, 0, 1 has (n - 1) / n
SELECT gini(x), lorenz(x, 4) FROM unnest('{1,2,3,4}'::float8[]) x;
SELECT gini(x) FROM unnest('{0,0,0,1}'::float8[]) x;
-- the curve lies where rows end, and in proportion between them
WITH rows AS (SELECT v, row_number() OVER (ORDER BY v) AS i, count(*) OVER () AS n, sum(v::numeric) OVER (ORDER BY v ROWS UNBOUNDED PRECEDING) / sum(v::numeric) OVER () AS through FROM revenue WHERE kind = 'spread'),
     ours AS (SELECT points, ordinality - 1 AS point, share FROM unnest('{1,3,7,250,1000}'::int[]) points, LATERAL (SELECT lorenz(v, points) AS curve FROM revenue WHERE kind = 'spread') l, unnest(curve) WITH ORDINALITY u (share))
SELECT points, point, share FROM ours, LATERAL (SELECT point * 500.0 / points AS at) a, LATERAL (SELECT coalesce((SELECT through FROM rows WHERE i = floor(at)), 0) AS low, coalesce((SELECT through FROM rows WHERE i = ceil(at)), 0) AS high OFFSET 0) t
 WHERE NOT close_to(share, (low + (high - low) * (at - floor(at)))::float8, 1e-14);
-- the area below the curve is half of what Gini's coefficient leaves
SELECT close_to(1 - gini(v), (SELECT sum(a + b) / 500 FROM (SELECT s AS a, lead(s) OVER (ORDER BY o) AS b FROM unnest(lorenz(v, 500)) WITH ORDINALITY u (s, o)) p WHERE b IS NOT NULL), 1e-13) AS area FROM revenue WHERE kind = 'spread';
SELECT gini(v), lorenz(v, 2) FROM revenue WHERE false;

/* ---- order and plans ---- */

CREATE TABLE result (how text, answer text);
CREATE FUNCTION answer(how text, tail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO result SELECT %L, concat_ws('' '', gini(v %2$s), lorenz(v, 7 %2$s)) FROM revenue WHERE kind NOT IN (''large'', ''tiny'')', how, tail);
END $$;
SELECT answer('as it comes', ''), answer('descending', 'ORDER BY kind DESC, i DESC'), answer('by value', 'ORDER BY v'), answer('shuffled', 'ORDER BY draw(i + 1000)');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
SELECT answer('workers', '');
RESET ALL;
SET search_path = scoring, public;
SELECT count(*), count(DISTINCT answer) FROM result;
-- the shares of a window don't depend on the order in which ties come
SELECT count(*) FROM (SELECT i, cumulative_share(v) OVER (ORDER BY v DESC) AS a FROM (SELECT * FROM revenue WHERE kind = 'ties' ORDER BY i) x) a JOIN
  (SELECT i, cumulative_share(v) OVER (ORDER BY v DESC) AS b FROM (SELECT * FROM revenue WHERE kind = 'ties' ORDER BY i DESC) y) b USING (i) WHERE a <> b;

/* ---- arguments ---- */

SELECT error_and_hint('SELECT ' || call || ' FROM (VALUES (1, 1.0::float8, ''{0.8,0.95}''::float8[]), (2, 2, ''{0.7,0.95}'')) v (i, x, c)')
  FROM unnest(ARRAY['cumulative_share(''NaN'') OVER ()', 'cumulative_share(''Infinity'') OVER ()', 'abc_class(''NaN'') OVER ()', 'abc_class(x, NULL) OVER ()', 'abc_class(x, ''{}'') OVER ()', 'abc_class(x, ''{0,0.5}'') OVER ()', 'abc_class(x, ''{0.9,0.8}'') OVER ()',
    'abc_class(x, ''{0.8,1.5}'') OVER ()', 'abc_class(x, ''{0.8,NaN}'') OVER ()', 'abc_class(x, ''{0.8,NULL}'') OVER ()', 'abc_class(x, c) OVER ()', 'abc_class(x, c) OVER (PARTITION BY i)', 'abc_class(x, array_fill(0.5::float8, ARRAY[26])) OVER ()', 'gini(''NaN'')', 'gini(''-Infinity'')',
    'lorenz(x, 0)', 'lorenz(x, 1001)', 'lorenz(x, NULL)', 'lorenz(x, i)', 'cumulative_share(x)']) call;
DROP TABLE revenue, result CASCADE;
DROP FUNCTION close_to, answer;
