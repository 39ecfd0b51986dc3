-- score, rfm_code, weighted_score and weighted_mean.

-- Recency in days: the best score is under 30.
SELECT days, score(days, '{30,90,180,365}', higher_is_better => false) AS r, score(days, '{30,90,180,365}') AS reversed
  FROM unnest(ARRAY[0, 29, 30, 31, 89, 90, 179, 180, 364, 365, 366, 10000]) days;
-- Orders: a threshold is not beaten by its equal.
SELECT orders, score(value => orders, thresholds => '{1,2,4,9}') AS f FROM generate_series(0, 10) orders;

-- Against the definition, for thresholds of every length and with duplicates.
SELECT n, v, t FROM generate_series(0, 99) n,
    LATERAL (SELECT coalesce(array_agg((k * 7 / 3 - 10)::float8 / 2 ORDER BY k), '{}') AS t FROM generate_series(1, n) k) a,
    generate_series(-12, 120) i, LATERAL (SELECT i / 4.0::float8 AS v) b
  WHERE score(v, t) <> 1 + (SELECT count(*) FROM unnest(t) x WHERE v > x)
     OR score(v, t, false) <> 1 + (SELECT count(*) FROM unnest(t) x WHERE v < x);

SELECT score(5, '{}') AS empty, score(5, NULL) AS null_thresholds, score(NULL, '{1}') AS null_value, score(5, '{1}', NULL) AS null_direction,
  score('-0', '{0}') AS minus_zero, score(0, '{-0}') AS zero, score(1e308, '{-1.7976931348623157e308,1.7976931348623157e308}') AS extremes,
  score(3, '[5:7]={1,2,3}') AS other_bounds, score(2, '{2,2,2}') AS tie, score(2.1, '{2,2,2}') AS beyond_tie;
SELECT statement, error_and_hint(statement) FROM unnest(ARRAY[
  'SELECT score(1, ''{2,1}'')', 'SELECT score(1, ''{1,NULL}'')', 'SELECT score(1, ''{1,NaN}'')', 'SELECT score(1, ''{1,Infinity}'')',
  'SELECT score(1, ''{-Infinity}'')', 'SELECT score(1, ''{{1,2},{3,4}}'')', 'SELECT score(''NaN'', ''{1}'')', 'SELECT score(''Infinity'', ''{1}'')',
  'SELECT score(''-Infinity'', ''{}'')']) WITH ORDINALITY s(statement, n) ORDER BY n;

SELECT rfm_code(5, 4, 5), rfm_code(1, 1, 1), rfm_code(9, 9, 9), rfm_code(10, 3, 7), rfm_code(3, 10, 7), rfm_code(3, 7, 10), rfm_code(r => 100, f => 100, m => 100);
SELECT rfm_code(2147483647, 2147483647, 2147483647), rfm_code(NULL, 1, 1), rfm_code(1, NULL, 1), rfm_code(1, 1, NULL);
SELECT statement, error_and_hint(statement) FROM unnest(ARRAY['SELECT rfm_code(0, 1, 1)', 'SELECT rfm_code(1, -2147483648, 1)', 'SELECT rfm_code(1, 1, -1)'])
  WITH ORDINALITY s(statement, n) ORDER BY n;

-- weighted_score
SELECT weighted_score('{5,4,3}', '{1,1,1}') AS plain, weighted_score('{5,4,3}', '{2,1,1}') AS weighted, weighted_score('{5,NULL,3}', '{2,1,1}') AS renormalised,
  weighted_score('{5,4,3}', '{0,0,1}') AS one_counts, weighted_score(scores => '{4.8,4.8,4.8}', weights => '{0.1,0.2,0.3}') AS constant;
-- that of three scores is the same
SELECT count(*) AS scores, count(*) FILTER (WHERE float8send(_rfm_score(r, f, m, w)) IS DISTINCT FROM float8send(weighted_score(ARRAY[r, f, m]::float8[], w))) AS different
FROM unnest('{NULL,1,3,5,10}'::int[]) AS r, unnest('{NULL,1,4,5}'::int[]) AS f, unnest('{NULL,1,2,5}'::int[]) AS m, (VALUES ('{1,1,1}'::float8[]), ('{2,1,0}'), ('{0.1,0.7,0.3}'), ('{0,0,0}'), (NULL)) AS v (w);
SELECT weighted_score('{5,4}', '{0,0}') AS no_weight, weighted_score('{NULL,4}', '{1,0}') AS weight_on_null, weighted_score('{NULL,NULL}', '{1,1}') AS all_null,
  weighted_score('{}', '{}') AS empty, weighted_score(NULL, '{1}') AS null_scores, weighted_score('{1}', NULL) AS null_weights;
SELECT weighted_score('{1e308,1.7e308}', '{1e308,1e308}') AS huge, weighted_score('{4.9e-324,4.9e-324}', '{4.9e-324,1}') AS tiny,
  weighted_score('{1e308,-1e308,3}', '{1,1,1}') AS cancelled, weighted_score('{-0}', '{3}') AS minus_zero, weighted_score('[0:1]={1,2}', '[7:8]={1,1}') AS other_bounds;
SELECT statement, error_and_hint(statement) FROM unnest(ARRAY[
  'SELECT weighted_score(''{1,2}'', ''{1}'')', 'SELECT weighted_score(''{}'', ''{1}'')', 'SELECT weighted_score(''{1}'', ''{}'')',
  'SELECT weighted_score(''{1,2}'', ''{1,NULL}'')', 'SELECT weighted_score(''{1,NULL}'', ''{1,NULL}'')', 'SELECT weighted_score(''{1,2}'', ''{1,-0.5}'')', 'SELECT weighted_score(''{1,2}'', ''{1,NaN}'')',
  'SELECT weighted_score(''{1,2}'', ''{1,Infinity}'')', 'SELECT weighted_score(''{NULL,2}'', ''{-1,1}'')', 'SELECT weighted_score(''{1,NaN}'', ''{1,1}'')',
  'SELECT weighted_score(''{1,NaN}'', ''{1,0}'')', 'SELECT weighted_score(''{1,-Infinity}'', ''{1,1}'')', 'SELECT weighted_score(''{{1,2}}'', ''{1,1}'')',
  'SELECT weighted_score(''{1,2}'', ''{{1,1}}'')', 'SELECT _rfm_score(1, 2, 3, ''{1,1}'')', 'SELECT _rfm_score(1, 2, NULL, ''{1,1,-1}'')']) WITH ORDINALITY s(statement, n) ORDER BY n;

-- weighted_mean: the same over rows.
CREATE TABLE answer AS SELECT i % 200 AS grp, i AS id,
    CASE WHEN draw(i, 7) > 0 THEN CASE i % 4 WHEN 0 THEN draw(i + 1, 5) + 1 WHEN 1 THEN (draw(i + 1, 5000) + 1000) / 1000.0
      ELSE (draw(i + 2, 2) * 2 - 1) * power(10::float8, (draw(i + 3, 40) - 20)::float8) * draw(i + 4, 1000) END END::float8 AS s,
    CASE i % 3 WHEN 0 THEN draw(i + 5, 4) WHEN 1 THEN draw(i + 5, 100) / 10.0 ELSE draw(i + 5, 1000) / 7.0 END::float8 AS w
  FROM generate_series(1, 40000) i;
CREATE TABLE mean_serial AS SELECT grp, weighted_mean(s, w) AS m FROM answer GROUP BY grp;
SELECT count(*) AS groups, count(m) AS with_mean FROM mean_serial;
SELECT grp, m, a FROM mean_serial JOIN (SELECT grp, weighted_score(array_agg(s), array_agg(w)) AS a FROM answer GROUP BY grp) r USING (grp) WHERE m IS DISTINCT FROM a;
-- numeric is exact; float8 shows what its 15 digits leave of it.
SELECT grp, m, a FROM mean_serial JOIN (SELECT grp, sum(s::numeric * w::numeric) / nullif(sum(w::numeric) FILTER (WHERE s IS NOT NULL), 0) AS a, sum(abs(s * w)) / sum(w) AS scale FROM answer GROUP BY grp) r USING (grp)
  WHERE (m IS NULL) <> (a IS NULL) OR abs(m - a::float8) > 1e-14 * scale;
SELECT shuffle, count(*) FROM generate_series(1, 8) shuffle, LATERAL
  (SELECT grp, weighted_mean(s, w ORDER BY draw(id * 17 + shuffle, 1000003), id) AS m FROM answer GROUP BY grp) r JOIN mean_serial USING (grp)
  WHERE r.m IS DISTINCT FROM mean_serial.m GROUP BY shuffle;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
DO $$ DECLARE line text; found boolean := false;
BEGIN
  FOR line IN EXPLAIN (COSTS OFF) SELECT grp, weighted_mean(s, w) FROM answer GROUP BY grp LOOP found := found OR line LIKE '%Partial%'; END LOOP;
  IF NOT found THEN RAISE 'the plan is not parallel'; END IF;
END $$;
SELECT grp, r.m, mean_serial.m FROM (SELECT grp, weighted_mean(s, w) AS m FROM answer GROUP BY grp) r JOIN mean_serial USING (grp) WHERE r.m IS DISTINCT FROM mean_serial.m;
SELECT weighted_mean(s, w) FROM answer WHERE s IS NULL;
SELECT weighted_mean(s, 0) FROM answer;
SELECT error_and_hint('SELECT weighted_mean(s, w * 0 - 1) FROM answer');
RESET max_parallel_workers_per_gather;
RESET min_parallel_table_scan_size;
RESET parallel_tuple_cost;
RESET parallel_setup_cost;

-- Over a growing and over a moving frame.
WITH few AS MATERIALIZED (SELECT * FROM answer WHERE id <= 300)
SELECT id, running, alone FROM (SELECT id, weighted_mean(s, w) OVER (ORDER BY id ROWS BETWEEN 5 PRECEDING AND 2 FOLLOWING) AS running FROM few) r,
  LATERAL (SELECT weighted_mean(s, w) AS alone FROM few a WHERE a.id BETWEEN r.id - 5 AND r.id + 2) a WHERE running IS DISTINCT FROM alone;

SELECT weighted_mean(s, w) FROM (VALUES (1e16::float8, 1::float8), (1, 1), (-1e16, 1)) t(s, w);
SELECT weighted_mean(s, w) FROM (VALUES (4.8::float8, 0.1::float8), (4.8, 0.7), (4.8, 0.2)) t(s, w);
SELECT weighted_mean(s, w) FROM (VALUES (1.7e308::float8, 1.7e308::float8), (-1.7e308, 1.7e308), (1.7e308, 1.7e308)) t(s, w);
SELECT weighted_mean(s, w) FROM (VALUES (5::float8, 1::float8), (NULL, NULL), (NULL, 'NaN'), (NULL, -1), (3, 1)) t(s, w);
SELECT weighted_mean(1, 1) WHERE false;
SELECT weighted_mean(5, 0);
SELECT weighted_mean('-0', 1);
SELECT statement, error_and_hint(statement) FROM unnest(ARRAY[
  'SELECT weighted_mean(1, NULL)', 'SELECT weighted_mean(1, -1)', 'SELECT weighted_mean(1, ''NaN'')', 'SELECT weighted_mean(1, ''Infinity'')',
  'SELECT weighted_mean(''NaN'', 1)', 'SELECT weighted_mean(''-Infinity'', 0)']) WITH ORDINALITY s(statement, n) ORDER BY n;

DROP TABLE answer, mean_serial;
