-- Groups of a test: ab_group against md5 in SQL, compare_rates and compare_means
-- against core's aggregates and the formulas in SQL; order, workers, arguments.
SET jit = off;		-- comparison_table would be compiled for each of dozens of documents

CREATE FUNCTION close_to(a float8, b float8, tolerance float8) RETURNS bool LANGUAGE sql AS
  $$ SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE a = b OR abs(a - b) <= tolerance * abs(b) + 1e-300 END $$;

/* ---- ab_group ---- */

-- By hand: md5('mail-07:42') begins with 0f1623d8ff4ee, which is 0.0589 of 2^52: group 1
SELECT key, substr(md5('mail-07:' || key), 1, 13) AS hex, round((('x' || substr(md5('mail-07:' || key), 1, 13))::bit(52)::bigint / 2 ^ 52)::numeric, 6) AS share,
       ab_group(key, 'mail-07'), ab_group(key, 'mail-08') AS other_test, ab_group(key, 'mail-07', '{0.1,0.2,0.7}') AS of_three
  FROM unnest('{1,2,3,42,anne@example.com,Zoë,""}'::text[]) key;
-- for ever: these never change
SELECT string_agg(ab_group(i::text, 'for ever', '{0.25,0.25,0.5}')::text, '' ORDER BY i) FROM generate_series(1, 60) i;
WITH cut AS (SELECT shares, ordinality, sum(share) OVER (PARTITION BY shares ORDER BY ordinality) AS through, cardinality(shares) AS groups
               FROM unnest(ARRAY['{0.5,0.5}', '{0.9,0.1}', '{0.1,0.2,0.3,0.4}', '{1}', '{0.3333333333,0.3333333333,0.3333333334}']) text, LATERAL (SELECT text::float8[] AS shares) a, unnest(shares) WITH ORDINALITY u (share))
SELECT i, salt, shares FROM generate_series(1, 4000) i, unnest('{a,test 2}'::text[]) salt, LATERAL (SELECT ('x' || substr(md5(salt || ':' || i), 1, 13))::bit(52)::bigint / 2 ^ 52 AS share) h,
       LATERAL (SELECT shares, min(ordinality) FILTER (WHERE share < through OR ordinality = groups) AS wanted FROM cut GROUP BY shares) w
 WHERE ab_group(i::text, salt, shares) <> wanted;
-- groups are of the size they should be, and those of two tests have nothing to do with each other
SELECT g, count(*), (sample_ratio((SELECT array_agg(n ORDER BY g) FROM (SELECT ab_group(i::text, 'size', '{0.2,0.3,0.5}') AS g, count(*) AS n FROM generate_series(1, 20000) i GROUP BY 1) s), '{0.2,0.3,0.5}')).flagged
  FROM (SELECT ab_group(i::text, 'size', '{0.2,0.3,0.5}') AS g FROM generate_series(1, 20000) i) s GROUP BY g ORDER BY g;
SELECT (two_rates_test(count(*) FILTER (WHERE a = 1 AND b = 1), count(*) FILTER (WHERE a = 1), count(*) FILTER (WHERE a = 2 AND b = 1), count(*) FILTER (WHERE a = 2))).p > 0.05 AS unrelated
  FROM (SELECT ab_group(i::text, 'one') AS a, ab_group(i::text, 'two') AS b FROM generate_series(1, 20000) i) s;
-- shares of 1e-9 more or less are rounding; the last group takes what is left
SELECT ab_group('x', 'y', '{0.9999999995}'), ab_group('x', 'y', ARRAY[0.1, 0.2, 0.7] :: float8[]), ab_group(NULL, 'y'), ab_group('x', NULL), ab_group('x', 'y', NULL), ab_group('', '');
SELECT error_and_hint('SELECT ab_group(''x'', ''y'', ' || shares || ')')
  FROM unnest(ARRAY['''{0.5,0.4}''', '''{0.5,0.500001}''', '''{1,0}''', '''{1.5,-0.5}''', '''{NaN,1}''', '''{Infinity}''', '''{}''', '''{0.5,NULL,0.5}''', '''{{0.5},{0.5}}''', 'array_fill(0.5::float8, ARRAY[3])']) shares;

/* ---- rates ---- */

CREATE TABLE trial (kind text, i int, g int, success bool, value float8, before float8);
INSERT INTO trial
  SELECT 'two', i, 1 + i % 2, draw(i) < 0.2 + 0.1 * (i % 2), exp(2 * draw(i)), NULL FROM generate_series(1, 900) i
  UNION ALL SELECT 'rare', i, i % 3, draw(i) < 0.01 * (i % 3), (i % 50 = 0)::int * 100 * draw(i), 0 FROM generate_series(1, 600) i
  UNION ALL SELECT 'none', i, 1 + i % 2, false, 0, 5 FROM generate_series(1, 40) i
  UNION ALL SELECT 'all', i, 1 + i % 2, true, 7, i FROM generate_series(1, 40) i
  UNION ALL SELECT 'one each', i, i, i = 2, i, i FROM generate_series(1, 2) i
  UNION ALL SELECT 'one group', i, 5, i > 7, i, 1 FROM generate_series(1, 20) i
  UNION ALL SELECT 'out of order', i, (ARRAY[7, -3, 2147483647, -2147483648, 0])[1 + i % 5], draw(i) < 0.5, draw(i) * 1e6, draw(i + 5) FROM generate_series(1, 300) i
  UNION ALL SELECT 'hundred', i, i % 100, draw(i) < 0.3 + 0.004 * (i % 100), draw(i) + i % 100, draw(i) FROM generate_series(1, 5000) i
  UNION ALL SELECT 'with gaps', i, CASE WHEN i % 7 > 0 THEN 1 + i % 3 END, CASE WHEN i % 5 > 0 THEN draw(i) < 0.4 END, CASE WHEN i % 5 > 0 THEN draw(i) END, CASE WHEN i % 4 > 0 THEN draw(i + 1) END FROM generate_series(1, 300) i
  UNION ALL SELECT 'foreseen', i, 1 + i % 2, draw(i, 7, 100) < 40, 100 * draw(i) + 10 * draw(i, 3, 10) + 3 * (i % 2), 100 * draw(i) FROM generate_series(1, 400) i
  UNION ALL SELECT 'large', i, 1 + i % 2, true, 1e200 * (draw(i) - 0.3), 1e-200 * draw(i) FROM generate_series(1, 60) i
  UNION ALL SELECT 'offset', i, 1 + i % 2, true, 1e9 + draw(i), 1e9 + draw(i) FROM generate_series(1, 60) i;
ANALYZE trial;

SELECT compare_rates(g, success) FROM trial WHERE kind = 'with gaps';
SELECT compare_rates(NULL, true), compare_rates(1, true) FILTER (WHERE false) FROM trial WHERE kind = 'two';
-- counts and rates by core
WITH ours AS (SELECT kind, t.* FROM (SELECT kind, compare_rates(g, success) AS c FROM trial GROUP BY kind) s, comparison_table(c) t),
     theirs AS (SELECT kind, g, count(*) AS n, avg(success::int)::float8 AS rate FROM trial WHERE g IS NOT NULL AND success IS NOT NULL GROUP BY kind, g)
SELECT * FROM ours o FULL JOIN theirs t ON o.kind = t.kind AND o.group_no = t.g WHERE o.n IS DISTINCT FROM t.n OR NOT close_to(o.value, t.rate, 1e-15);
-- the rest by the functions of plain numbers, and Holm by hand
WITH ours AS (SELECT kind, t.*, t.n * t.value AS s FROM (SELECT kind, compare_rates(g, success) AS c FROM trial GROUP BY kind) s, comparison_table(c) t),
     pairs AS (SELECT o.*, round(f.s)::bigint AS s1, f.n AS n1, round(o.s)::bigint AS s2, o.n AS n2 FROM ours o JOIN ours f ON f.kind = o.kind AND f.note = 'control' WHERE o.note <> 'control'),
     tests AS (SELECT p.*, least(n1, n2)::float8 / (n1 + n2) * least(s1 + s2, n1 + n2 - s1 - s2) < 5 AS few FROM pairs p),
     wanted AS (SELECT t.*, i.low AS wanted_low, i.high AS wanted_high, CASE WHEN few THEN fisher_exact_test(s1, n1, s2, n2) ELSE z.p END AS wanted_p, row_number() OVER w AS rank, count(*) OVER (PARTITION BY kind) AS m
                  FROM tests t, newcombe_interval(s1, n1, s2, n2) i, two_rates_test(s1, n1, s2, n2) z WINDOW w AS (PARTITION BY kind ORDER BY t.p, group_no)),
     holm AS (SELECT w.*, max(least(1, p * (m - rank + 1))) OVER (PARTITION BY kind ORDER BY rank) AS wanted_holm FROM wanted w)
SELECT kind, group_no, p, wanted_p FROM holm
 WHERE NOT (close_to(low, wanted_low, 1e-13) AND close_to(high, wanted_high, 1e-13) AND close_to(p, wanted_p, 1e-13) AND close_to(p_holm, wanted_holm, 1e-13)
            AND close_to(difference, s2::float8 / n2 - s1::float8 / n1, 1e-13) AND relative IS NOT DISTINCT FROM difference / nullif(s1::float8 / n1, 0)
            AND note = CASE WHEN few THEN 'Fisher''s exact test' ELSE 'z test' END || '; read once');
SELECT kind, group_no, n, round(value::numeric, 4) AS value, round(difference::numeric, 4) AS difference, round(relative::numeric, 4) AS relative, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high,
       round(p::numeric, 6) AS p, round(p_holm::numeric, 6) AS p_holm, note
  FROM (SELECT kind, compare_rates(g, success) AS c FROM trial WHERE kind NOT IN ('hundred', 'large', 'offset') GROUP BY kind) s, comparison_table(c) ORDER BY kind, group_no;
-- 80 and 120 of 1,000 (the table of the first article), 30 and 50, 10 and 20; then against the second group
SELECT round(z::numeric, 6) AS z, round(t.p::numeric, 6) AS p, round(low::numeric, 6) AS low, round(high::numeric, 6) AS high, note
  FROM (VALUES (80, 120), (30, 50), (10, 20)) v (a, b), LATERAL (SELECT compare_rates(g, i <= CASE g WHEN 1 THEN a ELSE b END) AS c FROM generate_series(1, 2) g, generate_series(1, 1000) i) s,
       comparison_table(c) t, two_rates_test(a, 1000, b, 1000) WHERE group_no = 2;
SELECT group_no, round(difference::numeric, 3) AS difference, note FROM comparison_table((SELECT compare_rates(g, i <= 100 * g) FROM generate_series(1, 3) g, generate_series(1, 1000) i), control => 2);
SELECT error_and_hint('SELECT * FROM comparison_table((SELECT compare_rates(g, true) FROM generate_series(1, 3) g), control => 4)');
-- looked at every day: V, t2 and L as in the definition
SELECT kind, group_no, round(p::numeric, 6) AS p, low < high AS interval, note,
       close_to(t.p, least(1, sqrt((v + t2) / v) * exp(-t2 * difference ^ 2 / (2 * v * (v + t2)))), 1e-12) OR note LIKE '%too few%' AS as_defined
  FROM (SELECT kind, compare_rates(g, success) AS c FROM trial WHERE kind IN ('two', 'rare', 'foreseen', 'none', 'out of order') GROUP BY kind) s,
       comparison_table(c, always_valid => true, relative_effect => 0.2) t,
       LATERAL (SELECT (e ->> 'n')::float8 AS n1, (e ->> 'successes')::float8 / (e ->> 'n')::float8 AS p1 FROM jsonb_array_elements(c -> 'groups') WITH ORDINALITY a (e, o) ORDER BY o LIMIT 1) f,
       LATERAL (SELECT nullif(p1 * (1 - p1) / n1 + value * (1 - value) / n, 0) AS v, (0.2 * p1) ^ 2 AS t2) d
 WHERE note <> 'control' ORDER BY kind, group_no;

/* ---- means ---- */

SELECT compare_means(g, value), compare_means(g, value, before) FROM trial WHERE kind = 'one each';
-- means and variances by core; covariances, too
WITH ours AS (SELECT kind, e FROM (SELECT kind, compare_means(g, value, before) AS c FROM trial WHERE kind NOT IN ('large', 'offset') GROUP BY kind) s, jsonb_array_elements(c -> 'groups') e),
     theirs AS (SELECT kind, g, count(*) AS n, avg(value) AS mean, var_samp(value) AS variance, avg(before) AS mean_before, var_samp(before) AS variance_before, covar_samp(before, value) AS covariance
                  FROM trial WHERE g IS NOT NULL AND value IS NOT NULL AND before IS NOT NULL AND kind NOT IN ('large', 'offset') GROUP BY kind, g)
SELECT kind, g FROM ours o JOIN theirs t USING (kind) WHERE (e ->> 'group_no')::int = g AND NOT (
  (e ->> 'n')::bigint = n AND close_to((e ->> 'mean')::float8, mean, 1e-13) AND close_to((e ->> 'variance')::float8, variance, 1e-11) AND close_to((e ->> 'mean_before')::float8, mean_before, 1e-13)
  AND close_to((e ->> 'variance_before')::float8, variance_before, 1e-11) AND (close_to((e ->> 'covariance')::float8, covariance, 1e-9) OR abs(covariance) < 1e-9));
-- Welch in SQL
WITH ours AS (SELECT kind, c, t.* FROM (SELECT kind, compare_means(g, value) AS c FROM trial WHERE kind NOT IN ('large', 'offset') GROUP BY kind) s, comparison_table(c) t),
     sums AS (SELECT kind, g, count(*) AS n, avg(value) AS mean, var_samp(value) AS variance FROM trial WHERE g IS NOT NULL AND value IS NOT NULL AND kind NOT IN ('large', 'offset') GROUP BY kind, g),
     pairs AS (SELECT o.*, s.mean - f.mean AS d, s.variance / s.n + f.variance / f.n AS v, (s.variance / s.n) ^ 2 / (s.n - 1) + (f.variance / f.n) ^ 2 / (f.n - 1) AS w
                 FROM ours o JOIN ours c ON c.kind = o.kind AND c.note = 'control' JOIN sums s ON s.kind = o.kind AND s.g = o.group_no JOIN sums f ON f.kind = o.kind AND f.g = c.group_no WHERE o.note <> 'control' AND s.n > 1 AND f.n > 1)
SELECT kind, group_no, d, difference FROM pairs, LATERAL (SELECT v ^ 2 / nullif(w, 0) AS df, sqrt(v) AS se) x
 WHERE NOT close_to(difference, d, 1e-12) OR NOT close_to(p, 2 * student_t_cdf(-abs(d / nullif(se, 0)), df), 1e-8) OR NOT close_to(low, d - student_t_quantile(0.975, df) * nullif(se, 0), 1e-10)
    OR NOT close_to(high, d + student_t_quantile(0.975, df) * nullif(se, 0), 1e-10);
-- CUPED row by row: every value less what the time before foretold
WITH rows AS (SELECT kind, g, value, before FROM trial WHERE g IS NOT NULL AND value IS NOT NULL AND before IS NOT NULL AND kind IN ('foreseen', 'with gaps', 'hundred', 'out of order')),
     slopes AS (SELECT kind, sum(covariance) / sum(spread) AS theta FROM (SELECT kind, regr_sxy(value, before) AS covariance, regr_sxx(value, before) AS spread FROM rows GROUP BY kind, g) s GROUP BY kind),
     adjusted AS (SELECT kind, g, value - theta * (before - avg(before) OVER (PARTITION BY kind)) AS value FROM rows JOIN slopes USING (kind)),
     slow AS (SELECT kind, t.* FROM (SELECT kind, compare_means(g, value) AS c FROM adjusted GROUP BY kind) s, comparison_table(c) t),
     ours AS (SELECT kind, t.* FROM (SELECT kind, compare_means(g, value, before) AS c FROM rows GROUP BY kind) s, comparison_table(c) t)
SELECT * FROM ours o JOIN slow s USING (kind, group_no)
 WHERE NOT (o.n = s.n AND close_to(o.value, s.value, 1e-10) AND close_to(o.difference, s.difference, 1e-8) AND close_to(o.low, s.low, 1e-8) AND close_to(o.high, s.high, 1e-8) AND close_to(o.p, s.p, 1e-6));
-- what the time before takes out of the width of the interval
SELECT round(avg(t.high - t.low)::numeric, 4) AS plain, round(avg(c.high - c.low)::numeric, 4) AS cuped, round(min(t.p)::numeric, 4) AS p_plain, round(min(c.p)::numeric, 4) AS p_cuped
  FROM (SELECT compare_means(g, value) AS a, compare_means(g, value, before) AS b FROM trial WHERE kind = 'foreseen') s, comparison_table(a) t, comparison_table(b) c WHERE t.group_no = 2 AND c.group_no = 2;
SELECT kind, group_no, n, round(difference::numeric, 4) AS difference, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high, round(p::numeric, 6) AS p, note
  FROM (SELECT kind, compare_means(g, value, before) AS c FROM trial WHERE kind IN ('none', 'all', 'one each', 'one group', 'offset', 'two', 'with gaps') GROUP BY kind) s, comparison_table(c) ORDER BY kind, group_no;
SELECT kind, group_no, difference IS NULL AS no_difference, p IS NULL AS no_p, note FROM (SELECT kind, compare_means(g, value) AS c FROM trial WHERE kind = 'large' GROUP BY kind) s, comparison_table(c) ORDER BY kind, group_no;
-- a mean whose sum leaves the range, variances that do
SELECT group_no, round(value::numeric / 1e308, 3) AS value, note FROM comparison_table((SELECT compare_means(1 + i % 2, 1.5e308) FROM generate_series(1, 4) i));
SELECT group_no, round(p::numeric, 6) AS p, low < high AS interval, note,
       close_to(t.p, least(1, sqrt((v + t2) / v) * exp(-t2 * difference ^ 2 / (2 * v * (v + t2)))), 1e-12) AS as_defined
  FROM (SELECT compare_means(g, value) AS c FROM trial WHERE kind = 'two') s, comparison_table(c, true) t,
       LATERAL (SELECT sum((e ->> 'variance')::float8 / (e ->> 'n')::float8) AS v, (0.02 * (c #>> '{groups,0,mean}')::float8) ^ 2 AS t2 FROM jsonb_array_elements(c -> 'groups') e) d WHERE group_no = 2;
SELECT * FROM comparison_table(NULL);
SELECT * FROM comparison_table('{"kind": "rates", "groups": []}');
SELECT * FROM comparison_table((SELECT compare_rates(g, success) FROM trial WHERE kind = 'one group'));
SELECT * FROM comparison_table('{"kind": "rates", "groups": [{"group_no": 1, "n": 0, "successes": 0}, {"group_no": 2, "n": 3, "successes": 1}]}');

/* ---- order and plans ---- */

CREATE TABLE result (how text, answer text);
CREATE FUNCTION answer(how text, tail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO result SELECT %L, concat_ws('' '', compare_rates(g, success %2$s), compare_means(g, value %2$s), compare_means(g, value, before %2$s)) FROM trial WHERE kind NOT IN (''large'', ''offset'')', how, tail);
END $$;
SELECT answer('as it comes', ''), answer('ascending', 'ORDER BY kind, i'), answer('descending', 'ORDER BY kind DESC, i DESC'), answer('by group', 'ORDER BY g, success, value'), answer('shuffled', 'ORDER BY draw(i + 1000)');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
SELECT answer('workers', '');
CREATE FUNCTION plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; plan text := '';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP plan := plan || line; END LOOP;
  RETURN plan;
END $$;
SELECT aggregate, plan_of(format('SELECT %s FROM trial', aggregate)) LIKE '%Finalize Aggregate%Gather%Partial Aggregate%' AS parallel
FROM unnest(ARRAY['compare_rates(g, success)', 'compare_means(g, value)', 'compare_means(g, value, before)']) aggregate;
RESET ALL;
SET search_path = scoring, public;
SELECT count(*), count(DISTINCT answer) FROM result;
-- in a window, frame by frame
SELECT i FROM (
  SELECT i, compare_means(g, value, before) OVER w AS ours, (SELECT compare_means(b.g, b.value, b.before) FROM trial b WHERE b.kind = 'foreseen' AND b.i BETWEEN a.i - 20 AND a.i) AS theirs
  FROM trial a WHERE kind = 'foreseen' AND i <= 60 WINDOW w AS (ORDER BY i ROWS 20 PRECEDING)) f WHERE ours IS DISTINCT FROM theirs;

/* ---- arguments ---- */

SELECT error_and_hint('SELECT ' || call || ' FROM trial') FROM unnest(ARRAY['compare_means(1, ''NaN'')', 'compare_means(1, ''Infinity'')', 'compare_means(1, 2, ''-Infinity'')', 'compare_rates(i, true)']) call;
SELECT error_and_hint('SELECT * FROM comparison_table(' || call || ')') FROM unnest(ARRAY['''{"kind": "rates", "groups": [{"group_no": 1, "n": 1, "successes": 2}]}''', '''{"kind": "means", "groups": [{"group_no": 1, "n": 5, "mean": 1, "variance": -2}]}''',
  '''{"groups": [{"group_no": 1, "n": 5, "mean": 1, "variance": 2}]}'', true, 0', '''{"groups": [{"group_no": 1, "n": 5, "mean": 1, "variance": 2}]}'', confidence => 95']) call;
DROP TABLE trial, result CASCADE;
DROP FUNCTION close_to, answer, plan_of;
