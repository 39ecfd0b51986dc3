-- kaplan_meier against published curves and plain SQL; population_stability and
-- ks_statistic; order and plans, arguments.

/* ---- Kaplan and Meier ---- */

-- Freireich and others 1963: weeks of remission with 6-mercaptopurine, + being censored, as in Cox (1972)
-- and in every textbook; the standard errors and intervals are those of Kleinbaum and Klein (2012)
CREATE TABLE remission AS
SELECT abs(w) AS weeks, w > 0 AS relapse FROM unnest('{6,6,6,-6,7,-9,10,-10,-11,13,16,-17,-19,-20,22,23,-25,-32,-32,-34,-35}'::int[]) w;
SELECT t, at_risk, events, censored, round(survival::numeric, 6) AS survival, round(std_error::numeric, 4) AS std_error, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high
  FROM kaplan_meier_table((SELECT kaplan_meier(weeks, relapse) FROM remission)) WHERE events > 0;
SELECT median_survival(c) AS median, median_survival(c, 0.25) AS quarter, median_survival(c, 0.75) AS three_quarters FROM (SELECT kaplan_meier(weeks, relapse) AS c FROM remission) s;
-- of placebo, all relapsed: 8 weeks in the middle, and nobody left
SELECT median_survival(kaplan_meier(w, true)) FROM unnest('{1,1,2,2,3,4,4,5,5,8,8,8,8,11,11,12,12,15,17,22,23}'::int[]) w;
SELECT t, at_risk, survival, std_error, low, high FROM kaplan_meier_table((SELECT kaplan_meier(w, true) FROM unnest('{1,1,2}'::int[]) w));

-- In numeric, by the definition
CREATE TABLE waiting (kind text, i int, days float8, came bool);
INSERT INTO waiting
  SELECT 'days', i, floor(200 * draw(i)), draw(i + 7) < 0.6 FROM generate_series(1, 700) i
  UNION ALL SELECT 'fractions', i, draw(i) * 10, draw(i + 7) < 0.5 FROM generate_series(1, 200) i
  UNION ALL SELECT 'nobody', i, i, false FROM generate_series(1, 20) i
  UNION ALL SELECT 'all', i, i, true FROM generate_series(1, 20) i
  UNION ALL SELECT 'at once', i, 0, i < 5 FROM generate_series(1, 8) i
  UNION ALL SELECT 'one', 1, 5, true
  UNION ALL SELECT 'with gaps', i, CASE WHEN i % 5 > 0 THEN i % 30 END, CASE WHEN i % 7 > 0 THEN i % 2 = 0 END FROM generate_series(1, 200) i;
ANALYZE waiting;
WITH at_time AS (SELECT kind, days, count(*) FILTER (WHERE came) AS d, count(*) FILTER (WHERE NOT came) AS c, sum(count(*)) OVER (PARTITION BY kind ORDER BY days DESC) AS n FROM waiting WHERE days IS NOT NULL AND came IS NOT NULL GROUP BY kind, days),
     slow AS (SELECT kind, days, d, c, n, CASE WHEN bool_or(n = d) OVER w THEN 0 ELSE exp(sum(ln(CASE WHEN n > d THEN 1 - d::numeric / n ELSE 1 END)) OVER w) END AS s, sum(d / nullif(n * (n - d), 0)) OVER w AS greenwood
                FROM at_time WINDOW w AS (PARTITION BY kind ORDER BY days)),
     ours AS (SELECT kind, t.* FROM (SELECT kind, kaplan_meier(days, came) AS curve FROM waiting GROUP BY kind) k, kaplan_meier_table(curve) t)
SELECT * FROM ours o FULL JOIN slow s ON o.kind = s.kind AND o.t = s.days
 WHERE (at_risk, events, censored) IS DISTINCT FROM (n::bigint, d, c) OR abs(survival - s.s) > 1e-12 OR (survival > 0 AND abs(std_error - s.s * sqrt(greenwood)) > 1e-12) OR NOT (survival BETWEEN 0 AND 1) OR NOT coalesce(low <= survival AND survival <= high AND low >= 0 AND high <= 1, true)
    OR (low IS NULL) <> (survival IN (0, 1)) OR (std_error IS NULL) <> (survival = 0);
-- nobody censored: the share that is still waiting
SELECT count(*) FROM kaplan_meier_table((SELECT kaplan_meier(days, true) FROM waiting WHERE kind = 'days')) WHERE abs(survival - (SELECT count(*) FILTER (WHERE days > t)::float8 / count(*) FROM waiting WHERE kind = 'days')) > 1e-13;
SELECT kind, c ->> 'n' AS n, c ->> 'events' AS events, jsonb_array_length(c -> 'curve') AS rows, median_survival(c) AS median FROM (SELECT kind, kaplan_meier(days, came) AS c FROM waiting GROUP BY kind) s ORDER BY kind;
SELECT kaplan_meier(days, came) FROM waiting WHERE false;
SELECT kaplan_meier(NULL, true), kaplan_meier(1, NULL);
SELECT * FROM kaplan_meier_table(NULL);
SELECT median_survival(NULL);
SELECT error_and_hint('SELECT ' || call) FROM unnest(ARRAY['kaplan_meier(-1, true)', 'kaplan_meier(''NaN'', true)', 'kaplan_meier(''Infinity'', false)', '(SELECT kaplan_meier(i, true) FROM generate_series(1, 100001) i)',
  'count(*) FROM kaplan_meier_table((SELECT kaplan_meier(days, came) FROM waiting WHERE kind = ''days''), 1)']) call;

/* ---- drift ---- */

-- 0.1098612289 = 0.1 ln 2 + 0.1 ln 1.5; shares as they are
SELECT round(psi::numeric, 10) AS psi, critical_value, band FROM population_stability('{0.2,0.2,0.2,0.2,0.2}', '{0.1,0.2,0.2,0.2,0.3}');
-- counts: a half more in each bin; chance alone stays below the critical value, (1/N + 1/M) times 9.4877
SELECT round(psi::numeric, 10) AS psi, round(critical_value::numeric, 10) AS critical_value, band FROM population_stability('{200,200,200,200,200}', '{100,200,200,200,300}');
WITH counts (expected, actual) AS (VALUES ('{10,20,30}'::bigint[], '{12,15,40}'::bigint[]), ('{0,5,5}', '{3,0,9}'), ('{1000,1,0,0}', '{999,0,0,2}'), ('{7,7}', '{7,7}'))
SELECT expected, actual, round(psi::numeric, 10) AS psi, round(critical_value::numeric, 6) AS critical_value, band,
       abs(psi - (SELECT sum((q - p) * ln(q / p)) FROM unnest(expected, actual) u (e, a), LATERAL (SELECT (e + 0.5) / (SELECT sum(x + 0.5) FROM unnest(expected) x) AS p, (a + 0.5) / (SELECT sum(x + 0.5) FROM unnest(actual) x) AS q) s)) < 1e-14 AS as_defined,
       abs(critical_value - chi_square_quantile(0.95, cardinality(expected) - 1) * ((SELECT 1 / sum(x) FROM unnest(expected) x) + (SELECT 1 / sum(x) FROM unnest(actual) x))) < 1e-14 AS critical_as_defined
  FROM counts, population_stability(expected, actual);
SELECT * FROM population_stability('{0,0}', '{5,5}');
SELECT * FROM population_stability('{0.5,0.5,0}', '{0.5,0.25,0.25}');
SELECT * FROM population_stability(NULL, '{5,5}');
-- 1,000 draws from the same shop: 5 % are above the critical value
WITH draws AS (SELECT test, side, draw(test * 1000 + i, side, 5) AS bin, count(*) AS n FROM generate_series(1, 1000) test, generate_series(1, 2) side, generate_series(1, 100) i GROUP BY 1, 2, 3),
     bins AS (SELECT test, array_agg(n ORDER BY bin) FILTER (WHERE side = 1) AS a, array_agg(n ORDER BY bin) FILTER (WHERE side = 2) AS b FROM draws GROUP BY test)
SELECT count(*) AS tests, count(*) FILTER (WHERE psi > critical_value) BETWEEN 30 AND 70 AS as_often_as_said, count(*) FILTER (WHERE band <> 'stable') AS not_stable FROM bins, population_stability(a, b);
SELECT error_and_hint('SELECT population_stability(' || call || ')') FROM unnest(ARRAY['''{1}'', ''{1}''', '''{1,2}'', ''{1,2,3}''', '''{0.5,0.5}'', ''{3,4}''', '''{1,-2}'', ''{3,4}''', '''{1,NaN}'', ''{3,4}''', '''{1,Infinity}'', ''{3,4}''', '''{1,NULL}'', ''{3,4}''', '''{{1,2}}'', ''{3,4}''']) call;

-- at every value, by plain SQL
CREATE TABLE samples (kind text, i int, v float8, second bool);
INSERT INTO samples
  SELECT 'shifted', i, draw(i) + CASE WHEN i % 3 = 0 THEN 0.2 ELSE 0 END, i % 3 = 0 FROM generate_series(1, 300) i
  UNION ALL SELECT 'ties', i, floor(4 * draw(i)), i % 2 = 0 FROM generate_series(1, 100) i
  UNION ALL SELECT 'same', i, i / 2, i % 2 = 0 FROM generate_series(2, 41) i
  UNION ALL SELECT 'apart', i, i, i > 10 FROM generate_series(1, 30) i
  UNION ALL SELECT 'one sample', i, i, true FROM generate_series(1, 3) i
  UNION ALL SELECT 'with gaps', i, CASE WHEN i % 4 > 0 THEN draw(i) END, CASE WHEN i % 5 > 0 THEN i % 2 = 0 END FROM generate_series(1, 100) i;
WITH slow AS (SELECT a.kind, max(abs((SELECT avg((b.v <= a.v)::int) FROM samples b WHERE b.kind = a.kind AND b.second AND b.v IS NOT NULL) - (SELECT avg((b.v <= a.v)::int) FROM samples b WHERE b.kind = a.kind AND NOT b.second AND b.v IS NOT NULL))) AS d
                FROM samples a WHERE a.v IS NOT NULL AND a.second IS NOT NULL GROUP BY a.kind)
SELECT kind, round(ours::numeric, 6) AS ks, abs(ours - d) < 1e-15 OR d IS NULL AND ours IS NULL AS as_defined FROM (SELECT kind, ks_statistic(v, second) AS ours FROM samples GROUP BY kind) o JOIN slow USING (kind) ORDER BY kind;
SELECT ks_statistic(v, second) FROM samples WHERE false;
SELECT error_and_hint('SELECT ks_statistic(''NaN'', true)');

/* ---- order and plans ---- */

CREATE TABLE result (how text, answer text);
CREATE FUNCTION answer(how text, tail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO result SELECT %L, concat_ws('' '', kaplan_meier(days, came %2$s), ks_statistic(days, came %2$s)) FROM waiting', how, tail);
END $$;
SELECT answer('as it comes', ''), answer('descending', 'ORDER BY kind DESC, i DESC'), answer('by value', 'ORDER BY days'), answer('shuffled', 'ORDER BY draw(i + 1000)');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
SELECT answer('workers', '');
RESET ALL;
SET search_path = scoring, public;
SELECT count(*), count(DISTINCT answer) FROM result;
DROP TABLE remission, waiting, samples, result CASCADE;
DROP FUNCTION answer;
