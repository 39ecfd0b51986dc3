-- auc, lift, brier_score, log_loss and calibration_bins against plain SQL over
-- pairs and rows; ties; independence of order and plan; arguments.

CREATE FUNCTION close_to(a float8, b float8, tolerance float8) RETURNS bool LANGUAGE sql AS
  $$ SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE a = b OR abs(a - b) <= tolerance * (1 + abs(b)) END $$;

CREATE TABLE sample (kind text, i int, p float8, label bool);
INSERT INTO sample
  SELECT 'no label', i, draw(i), NULL::bool FROM generate_series(1, 5) i
  UNION ALL SELECT 'no score', i, NULL, true FROM generate_series(1, 5) i
  UNION ALL SELECT 'one', 1, 0.25, true
  UNION ALL SELECT 'all true', i, draw(i), true FROM generate_series(1, 20) i
  UNION ALL SELECT 'all false', i, draw(i), false FROM generate_series(1, 20) i
  UNION ALL SELECT 'two', i, i / 4.0, i = 2 FROM generate_series(1, 2) i
  UNION ALL SELECT 'wrong', i, i / 4.0, i = 1 FROM generate_series(1, 2) i
  UNION ALL SELECT 'equal', i, 0.3, i % 3 = 0 FROM generate_series(1, 300) i
  UNION ALL SELECT 'zeros', i, CASE WHEN i % 2 = 0 THEN '-0' ELSE 0 END::float8, i % 3 = 0 FROM generate_series(1, 30) i
  UNION ALL SELECT 'few values', i, floor(5 * draw(i)) / 8, draw(i + 9) < draw(i) FROM generate_series(1, 400) i
  UNION ALL SELECT 'dense', i, draw(i * 3), draw(i * 3) + draw(i + 77) > 1.2 FROM generate_series(1, 500) i
  UNION ALL SELECT 'noise', i, draw(i * 3), draw(i + 7) < 0.1 FROM generate_series(1, 500) i
  UNION ALL SELECT 'exact', i, (i % 2)::float8, i % 2 = 1 FROM generate_series(1, 40) i
  UNION ALL SELECT 'tiny', i, 4.94e-324 * (i % 3), i % 4 = 0 FROM generate_series(1, 50) i
  UNION ALL SELECT 'with gaps', i, CASE WHEN i % 5 > 0 THEN draw(i) END, CASE WHEN i % 7 > 0 THEN draw(i + 1) < 0.5 END FROM generate_series(1, 200) i;
ANALYZE sample;

-- Pair by pair
CREATE VIEW slow_auc AS
SELECT a.kind, avg(CASE WHEN a.p > b.p THEN 1 WHEN a.p = b.p THEN 0.5 ELSE 0 END) AS auc
FROM sample a JOIN sample b USING (kind) WHERE a.label AND NOT b.label AND a.p IS NOT NULL AND b.p IS NOT NULL GROUP BY a.kind;
SELECT kind, ours, auc FROM (SELECT kind, auc(p, label) AS ours FROM sample GROUP BY kind) o LEFT JOIN slow_auc USING (kind)
WHERE NOT close_to(ours, auc::float8, 1e-15);
SELECT kind, round(auc(p, label)::numeric, 6) AS auc FROM sample GROUP BY kind ORDER BY kind;

-- The rows from the top; those that share the score at the cut by their mean
CREATE FUNCTION slow_lift(of text, share numeric) RETURNS numeric LANGUAGE sql AS $$
  WITH s AS (SELECT p, label FROM sample WHERE kind = of AND p IS NOT NULL AND label IS NOT NULL),
       g AS (SELECT p, count(*) AS n, count(*) FILTER (WHERE label) AS k, sum(count(*)) OVER (ORDER BY p DESC) AS through FROM s GROUP BY p),
       w AS (SELECT ceil(share * count(*)) AS n FROM s)
  SELECT sum(k * least(1, greatest(0, w.n - (through - g.n)) / g.n)) / w.n / nullif((SELECT avg(label::int) FROM s), 0) FROM g, w GROUP BY w.n
$$;
SELECT kind, share, ours, theirs FROM unnest(ARRAY[0.0001, 0.07, 0.1, 0.3, 0.5, 0.7, 1]) share,
  LATERAL (SELECT kind, lift(p, label, share) AS ours, slow_lift(kind, share) AS theirs FROM sample GROUP BY kind) l
WHERE NOT close_to(ours, theirs::float8, 1e-14);
SELECT kind, round(lift(p, label, 0.1)::numeric, 6) AS tenth, round(lift(p, label, 0.5)::numeric, 6) AS half, lift(p, label, 1) AS everybody
FROM sample GROUP BY kind ORDER BY kind;

SELECT kind, ours, theirs FROM (SELECT kind, brier_score(p, label) AS ours, avg(CASE WHEN p < 1e-150 THEN label::int ELSE (p - label::int) ^ 2 END) AS theirs FROM sample GROUP BY kind) b
WHERE NOT close_to(ours, theirs, 1e-14);
SELECT kind, ours, theirs
FROM (SELECT kind, log_loss(p, label) AS ours,
             CASE WHEN bool_or(CASE WHEN label THEN p = 0 ELSE p = 1 END) THEN 'Infinity'
                  ELSE avg(-ln(nullif(CASE WHEN label THEN p WHEN NOT label THEN 1 - p END, 0))) END AS theirs FROM sample GROUP BY kind) l
WHERE NOT close_to(ours, theirs, 1e-14);
SELECT kind, round(brier_score(p, label)::numeric, 6) AS brier, CASE WHEN log_loss(p, label) < 1e6 THEN round(log_loss(p, label)::numeric, 6)::text ELSE log_loss(p, label)::text END AS log_loss
FROM sample GROUP BY kind ORDER BY kind;

-- Bins are those of quantile_score
WITH ours AS (
  SELECT kind, bins, t.* FROM unnest(ARRAY[1, 2, 5, 10, 100]) bins, LATERAL (SELECT kind, calibration_bins(p, label, bins) AS c FROM sample GROUP BY kind) b, calibration_table(c) t
), theirs AS (
  SELECT kind, bins, bin, min(p) AS from_score, max(p) AS to_score, count(*) AS customers, count(*) FILTER (WHERE label) AS positive,
         avg(p) AS predicted, avg(label::int)::float8 AS actual
  FROM unnest(ARRAY[1, 2, 5, 10, 100]) bins, LATERAL (SELECT kind, p, label, quantile_score(p, bins) OVER (PARTITION BY kind) AS bin FROM sample WHERE p IS NOT NULL AND label IS NOT NULL) s
  GROUP BY kind, bins, bin
)
SELECT kind, bins, bin, o.customers, t.customers FROM ours o FULL JOIN theirs t USING (kind, bins, bin)
WHERE (o.from_score, o.to_score, o.customers, o.positive) IS DISTINCT FROM (t.from_score, t.to_score, t.customers, t.positive)
   OR NOT close_to(o.predicted, t.predicted, 1e-14) OR NOT close_to(o.actual, t.actual, 1e-14)
   OR NOT (o.predicted BETWEEN o.from_score AND o.to_score AND o.actual BETWEEN o.actual_low AND o.actual_high AND o.actual_low >= 0 AND o.actual_high <= 1);
SELECT bin, round(from_score::numeric, 4) AS from_score, round(to_score::numeric, 4) AS to_score, customers, positive, round(predicted::numeric, 4) AS predicted,
       round(actual::numeric, 4) AS actual, round(actual_low::numeric, 4) AS actual_low, round(actual_high::numeric, 4) AS actual_high
FROM calibration_table((SELECT calibration_bins(p, label, 5) FROM sample WHERE kind = 'dense'));
SELECT kind, jsonb_array_length(calibration_bins(p, label, 4)) AS bins FROM sample GROUP BY kind ORDER BY kind;
SELECT * FROM calibration_table(NULL);
SELECT * FROM calibration_table('[]');
-- Wilson's interval for 8 of 10, as published: 0.4902 to 0.9433
SELECT round(actual_low::numeric, 4), round(actual_high::numeric, 4) FROM calibration_table((SELECT calibration_bins(0.5, i <= 8, 1) FROM generate_series(1, 10) i));

-- to the last digits: against numeric, with the quantile to 30 digits, and exactly
-- 0 and 1 at the ends
WITH shares AS (
  SELECT n, k, t.actual_low, t.actual_high FROM (VALUES (1), (7), (10), (1000), (123456)) AS a (n), LATERAL (VALUES (0), (1), (n / 3), (n - 1), (n)) AS b (k),
         calibration_table(jsonb_build_array(jsonb_build_object('bin', 1, 'customers', n, 'positive', k, 'actual', k / n::float8))) AS t
), exact AS (
  SELECT s.*, (p + zz / (2 * n) - half) / (1 + zz / n) AS low, (p + zz / (2 * n) + half) / (1 + zz / n) AS high
    FROM shares AS s, LATERAL (SELECT k::numeric(60, 45) / n AS p, 1.959963984540054235524594430521::numeric(60, 45) ^ 2 AS zz) AS q,
         LATERAL (SELECT sqrt(zz * (p * (1 - p) / n + zz / (4 * n::numeric(60, 45) * n))) AS half) AS h
)
SELECT n, k, actual_low, actual_high FROM exact
 WHERE NOT (abs(actual_low::text::numeric - low) <= 4e-15 * low + 1e-30 AND abs(actual_high::text::numeric - high) <= 4e-16 AND (k > 0 OR actual_low = 0) AND (k < n OR actual_high = 1));

/* ---- curves ---- */

-- each score that there is, from the highest on
WITH slow AS (
  SELECT kind, p, sum(count(*)) OVER w AS selected, sum(count(*) FILTER (WHERE label)) OVER w AS hits,
         sum(count(*)) OVER (PARTITION BY kind) AS n, sum(count(*) FILTER (WHERE label)) OVER (PARTITION BY kind) AS m
    FROM sample WHERE p IS NOT NULL AND label IS NOT NULL GROUP BY kind, p WINDOW w AS (PARTITION BY kind ORDER BY p DESC)
), curves AS (SELECT kind, score_curve(p, label, 1000) AS c FROM sample GROUP BY kind)
SELECT kind, p, o.threshold FROM (SELECT kind, r.*, recall, "precision", selected_share, positive, gain, lift FROM curves, roc_curve(c) AS r, precision_recall_curve(c) AS q, gains(c) AS g
   WHERE q.threshold = r.threshold AND g.threshold = r.threshold AND q.selected = r.selected AND g.selected = r.selected) AS o FULL JOIN slow USING (kind)
 WHERE o.threshold = p AND (o.selected, positive) IS DISTINCT FROM (slow.selected, slow.hits)
    OR o.threshold = p AND NOT (close_to(false_positive_rate, ((slow.selected - hits) / nullif(n - m, 0))::float8, 1e-15) AND close_to(true_positive_rate, (hits / nullif(m, 0))::float8, 1e-15)
      AND close_to("precision", (hits / slow.selected)::float8, 1e-15) AND recall IS NOT DISTINCT FROM true_positive_rate AND gain IS NOT DISTINCT FROM recall
      AND close_to(selected_share, (slow.selected / n)::float8, 1e-15) AND close_to(lift, (hits / slow.selected / nullif(m / n, 0))::float8, 1e-14));
SELECT kind, (SELECT count(*) FROM roc_curve(c)) = 1 + scores AS roc, (SELECT count(*) FROM precision_recall_curve(c)) = scores AS pr, (SELECT count(*) FROM gains(c)) = scores AS gains
  FROM (SELECT kind, score_curve(p, label, 1000) AS c, count(DISTINCT p) FILTER (WHERE label IS NOT NULL) AS scores FROM sample GROUP BY kind) AS s WHERE c IS NOT NULL ORDER BY kind;
-- the area below it is the AUC
SELECT kind, area, auc FROM (SELECT kind, auc(p, label) AS auc, score_curve(p, label, 1000) AS c FROM sample GROUP BY kind) AS s,
  LATERAL (SELECT sum((false_positive_rate - x) * (true_positive_rate + y) / 2) AS area FROM (SELECT r.*, lag(false_positive_rate) OVER w AS x, lag(true_positive_rate) OVER w AS y FROM roc_curve(c) AS r WINDOW w AS (ORDER BY selected)) AS r) AS a
 WHERE NOT close_to(area, auc, 1e-14);
-- where there are more scores than points: so many, the last of them everybody, each the first that reaches its part
SELECT points, count(*) AS rows, max(selected) AS last, bool_and(selected >= ceil(n * 500.0 / points) AND selected - 1 < ceil(n * 500.0 / points)) AS first_to_reach
  FROM unnest('{1,3,10,499}'::int[]) AS points, LATERAL (SELECT score_curve(p, label, points) AS c FROM sample WHERE kind = 'dense') AS s, LATERAL (SELECT g.*, row_number() OVER (ORDER BY selected) AS n FROM gains(c) AS g) AS g
 GROUP BY points ORDER BY points;
SELECT threshold, selected, "precision", recall FROM precision_recall_curve((SELECT score_curve(p, label, 3) FROM sample WHERE kind = 'few values'));
SELECT * FROM roc_curve(NULL); SELECT * FROM precision_recall_curve(NULL); SELECT * FROM gains(NULL);
SELECT * FROM roc_curve((SELECT score_curve(p, label, 3) FROM sample WHERE kind = 'all true')) LIMIT 2;

/* ---- weights ---- */

-- a row of weight n is n rows, and rows of weight 0 are none
CREATE TABLE weighted AS SELECT kind, p, label, CASE WHEN i % 11 = 0 THEN 0 ELSE draw(i, 3, 4) END::float8 AS weight FROM sample;
SELECT w.kind FROM (SELECT kind, auc(p, label, weight), brier_score(p, label, weight), log_loss(p, label, weight) FROM weighted GROUP BY kind) AS w
  FULL JOIN (SELECT kind, auc(p, label), brier_score(p, label), log_loss(p, label) FROM weighted, generate_series(1, weight::int) GROUP BY kind) AS r USING (kind)
 WHERE NOT (close_to(w.auc, r.auc, 1e-14) AND close_to(w.brier_score, r.brier_score, 1e-14) AND close_to(w.log_loss, r.log_loss, 1e-14));
SELECT kind, auc(p, label, 1) = auc(p, label) AND brier_score(p, label, 1) = brier_score(p, label) AND log_loss(p, label, 1) = log_loss(p, label) AS as_without
  FROM sample WHERE kind IN ('dense', 'noise', 'few values') GROUP BY kind ORDER BY kind;
SELECT kind, ours, theirs FROM (SELECT kind, auc(p, label, 0.1 + draw(i)) AS ours FROM sample GROUP BY kind) AS o
  JOIN (SELECT a.kind, sum((0.1 + draw(a.i)) * (0.1 + draw(b.i)) * CASE WHEN a.p > b.p THEN 1 WHEN a.p = b.p THEN 0.5 ELSE 0 END) / sum((0.1 + draw(a.i)) * (0.1 + draw(b.i))) AS theirs
          FROM sample AS a JOIN sample AS b USING (kind) WHERE a.label AND NOT b.label AND a.p IS NOT NULL AND b.p IS NOT NULL GROUP BY a.kind) AS t USING (kind)
 WHERE NOT close_to(ours, theirs, 1e-13);
-- weights of any size
SELECT kind, auc(p, label, CASE WHEN label THEN 1e-300 ELSE 1e300 END) = auc(p, label) AS auc, close_to(brier_score(p, label, 1.7e308), brier_score(p, label), 1e-15) AS brier_score,
       close_to(log_loss(p, label, 5e-324), log_loss(p, label), 1e-14) AS log_loss FROM sample WHERE kind IN ('dense', 'noise') GROUP BY kind ORDER BY kind;

/* ---- how sure ---- */

-- numbers of R's pROC 1.18.0 (ci.auc, roc.test, paired) and of scikit-learn 1.2.1 for the weights
CREATE TABLE paired AS SELECT i, ((i * 7919) % 101) / 100.0::float8 AS a, ((i * 104729) % 53) / 52.0::float8 AS b, ((i * 7919) % 101) / 100.0 + ((i * 31) % 17) / 17.0 > 1 AS label, 1 + i % 3 AS weight FROM generate_series(1, 60) AS i;
SELECT close_to(i.auc, 0.7886540600667408, 1e-15) AS auc, close_to(standard_error ^ 2, 0.00339534819868301, 1e-14) AS variance, round(low::numeric, 7) AS low, round(high::numeric, 7) AS high
  FROM (SELECT delong(a, label) AS d FROM paired) AS p, auc_interval(d) AS i;
SELECT close_to((d ->> 'covariance')::float8, -9.13654730279554e-05, 1e-16) AS covariance, close_to(z, -3.6584759519755, 1e-13) AS z, close_to(p, 0.000253719542467644, 1e-14) AS p,
       round(-high::numeric, 10) AS low, round(-low::numeric, 10) AS high
  FROM (SELECT delong(a, b, label) AS d FROM paired) AS s, auc_difference(d) AS t;
SELECT close_to(auc(a, label, weight), 0.7914349276974416, 1e-15) AS auc, close_to(brier_score(a, label, weight), 0.18741416666666666, 1e-15) AS brier_score,
       close_to(log_loss(least(a, 0.99) + 0.001, label, weight), 0.5499179682303629, 1e-15) AS log_loss FROM paired;
-- placements pair by pair, and core's variances and covariance of them
CREATE FUNCTION slow_delong(of text, OUT variance float8, OUT other_variance float8, OUT covariance float8) LANGUAGE sql AS $$
  WITH s AS (SELECT i, p, draw(i % 37) AS q, label FROM sample WHERE kind = of AND p IS NOT NULL AND label IS NOT NULL),
  placed AS (SELECT a.i, a.label, avg(CASE WHEN a.p > b.p THEN 1 WHEN a.p = b.p THEN 0.5 ELSE 0 END)::float8 AS x, avg(CASE WHEN a.q > b.q THEN 1 WHEN a.q = b.q THEN 0.5 ELSE 0 END)::float8 AS y
               FROM s AS a JOIN s AS b ON a.label <> b.label GROUP BY a.i, a.label)
  SELECT sum(x), sum(y), sum(xy) FROM (SELECT var_samp(x) / count(*) AS x, var_samp(y) / count(*) AS y, covar_samp(x, y) / count(*) AS xy FROM placed GROUP BY label HAVING count(*) > 1) AS v HAVING count(*) = 2
$$;
SELECT kind, d, t FROM (SELECT kind, delong(p, draw(i % 37), label) AS d, delong(p, label) AS one FROM sample GROUP BY kind) AS o, slow_delong(kind) AS t
 WHERE NOT (close_to((d ->> 'variance')::float8, t.variance, 1e-14) AND close_to((d ->> 'other_variance')::float8, t.other_variance, 1e-14) AND close_to((d ->> 'covariance')::float8, t.covariance, 1e-14)
            AND one ->> 'variance' IS NOT DISTINCT FROM d ->> 'variance' AND one ->> 'auc' IS NOT DISTINCT FROM d ->> 'auc');
SELECT kind, (delong(p, label) ->> 'auc')::float8 IS NOT DISTINCT FROM auc(p, label) AS auc, delong(p, label) ->> 'variance' IS NULL AS one_of_a_label FROM sample GROUP BY kind ORDER BY kind;
-- perfect order, one row of a label, two scores that are one, confidence
SELECT i.* FROM (SELECT delong(p, label) AS d FROM sample WHERE kind = 'exact') AS s, auc_interval(d) AS i;
SELECT i.* FROM (SELECT delong(p, label) AS d FROM sample WHERE kind = 'two') AS s, auc_interval(d) AS i;
SELECT t.difference, t.standard_error, t.z, t.p, t.low, t.high FROM (SELECT delong(p, p, label) AS d FROM sample WHERE kind = 'noise') AS s, auc_difference(d) AS t;
SELECT t.other_auc IS NULL AND t.low IS NULL AND t.high IS NULL AND t.auc > 0 AS one_score FROM (SELECT delong(p, label) AS d FROM sample WHERE kind = 'noise') AS s, auc_difference(d) AS t;
SELECT a.low < b.low AND b.high < a.high AS wider FROM (SELECT delong(p, label) AS d FROM sample WHERE kind = 'noise') AS s, auc_interval(d, 0.99) AS a, auc_interval(d, 0.9) AS b;
SELECT auc_interval(NULL), auc_difference(NULL), hosmer_lemeshow(NULL), hosmer_lemeshow('[]');
SELECT error_and_hint(format('SELECT * FROM %s(''{"auc": 0.5, "variance": 0.1}'', %L)', f, c)) FROM unnest('{auc_interval,auc_difference}'::text[]) AS f, unnest('{0,1,NaN}'::float8[]) AS c;

-- Hosmer and Lemeshow, from the bins of quantile_score
WITH bins AS (
  SELECT kind, bin, count(*) AS n, count(*) FILTER (WHERE label) AS hits, sum(p) AS e FROM (SELECT kind, p, label, quantile_score(p, 10) OVER (PARTITION BY kind) AS bin FROM sample WHERE p IS NOT NULL AND label IS NOT NULL) AS s GROUP BY kind, bin
), slow AS (SELECT kind, sum((hits - e) ^ 2 / e + (hits - e) ^ 2 / (n - e)) AS chi_square, count(*) - 2 AS degrees FROM bins WHERE kind IN ('dense', 'noise', 'equal', 'with gaps') GROUP BY kind)
SELECT kind, degrees_of_freedom, round(t.chi_square::numeric, 6) AS chi_square, round(p::numeric, 6) AS p, close_to(t.chi_square, slow.chi_square, 1e-13) AND degrees_of_freedom = degrees
         AND (p IS NOT DISTINCT FROM CASE WHEN degrees > 0 THEN chi_square_cdf(t.chi_square, degrees, upper_tail => true) END) AS as_slow
  FROM slow JOIN (SELECT kind, calibration_bins(p, label, 10) AS c FROM sample GROUP BY kind) AS s USING (kind), LATERAL (SELECT h.chi_square, h.degrees_of_freedom, h.p FROM hosmer_lemeshow(c) AS h) AS t (chi_square, degrees_of_freedom, p) ORDER BY kind;
SELECT h.* FROM (SELECT calibration_bins(p, label, 10) AS c FROM sample WHERE kind = 'exact') AS s, hosmer_lemeshow(c, held_out => true) AS h;
SELECT h.* FROM hosmer_lemeshow('[{"bin": 1, "customers": 10, "positive": 3, "predicted": 0, "actual": 0.3}, {"bin": 2, "customers": 10, "positive": 5, "predicted": 0.5, "actual": 0.5}]', true) AS h;
DROP TABLE weighted, paired;
DROP FUNCTION slow_delong;

/* ---- order and plans ---- */

CREATE TABLE result (how text, answer text);
CREATE FUNCTION answer(how text, tail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO result SELECT %L, concat_ws('' '', auc(p, label %2$s), lift(p, label, 0.1 %2$s), brier_score(p, label %2$s), log_loss(p, label %2$s), calibration_bins(p, label, 7 %2$s), auc(p, label, 0.1 + draw(i) %2$s), brier_score(p, label, 0.1 + draw(i) %2$s), score_curve(p, label, 50 %2$s), delong(p, label %2$s), delong(p, draw(i), label %2$s)) FROM sample
                   WHERE kind NOT IN (''wrong'', ''zeros'', ''exact'', ''tiny'', ''few values'')', how, tail);
END $$;
SELECT answer('as it comes', ''), answer('ascending', 'ORDER BY kind, i'), answer('descending', 'ORDER BY kind DESC, i DESC'), answer('by score', 'ORDER BY p, label'), answer('shuffled', 'ORDER BY draw(i + 1000)');
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
SELECT aggregate, plan_of(format('SELECT %s FROM sample', aggregate)) LIKE '%Finalize Aggregate%Gather%Partial Aggregate%' AS parallel
FROM unnest(ARRAY['auc(p, label)', 'lift(p, label, 0.1)', 'brier_score(p, label)', 'log_loss(p, label)', 'calibration_bins(p, label, 7)', 'auc(p, label, i)', 'score_curve(p, label, 9)', 'delong(p, i, label)']) aggregate;
RESET ALL;
SET search_path = scoring, public;
SELECT count(*), count(DISTINCT answer), bool_and(answer !~ 'Infinity|NaN') AS finite FROM result;
-- in a window, frame by frame
SELECT i, ours, theirs FROM (
  SELECT i, auc(p, label) OVER w AS ours, (SELECT auc(b.p, b.label) FROM sample b WHERE b.kind = 'dense' AND b.i BETWEEN a.i - 20 AND a.i) AS theirs
  FROM sample a WHERE kind = 'dense' AND i <= 60 WINDOW w AS (ORDER BY i ROWS 20 PRECEDING)) f WHERE ours IS DISTINCT FROM theirs;
SELECT auc(p, label), lift(p, label, 0.5), brier_score(p, label), log_loss(p, label), calibration_bins(p, label, 3) FROM sample WHERE false;
-- any numbers are scores for ranks
SELECT auc(v, v > 0), lift(v, v > 0, 0.5) FROM unnest('{-1e308,1e308,-5e-324,5e-324,0}'::float8[]) v;

/* ---- arguments ---- */

SELECT error_and_hint('SELECT ' || call || ' FROM sample') FROM unnest(ARRAY['auc(''NaN'', label)', 'auc(''Infinity'', label)', 'lift(p, label, 0)', 'lift(p, label, 1.01)', 'lift(p, label, ''NaN'')',
  'lift(p, label, NULL)', 'lift(p, label, 1.0 / i)', 'brier_score(p + 1, label)', 'brier_score(-p, label)', 'log_loss(''NaN'', label)', 'log_loss(2, label)',
  'calibration_bins(p, label, 0)', 'calibration_bins(p, label, 101)', 'calibration_bins(p, label, NULL)', 'calibration_bins(p, label, 1 + i % 2)', 'calibration_bins(p * 2, label, 5)',
  'auc(p, label, NULL)', 'auc(p, label, -1)', 'auc(p, label, ''Infinity'')', 'brier_score(p, label, NULL)', 'log_loss(p, label, ''NaN'')', 'score_curve(p, label, 0)', 'score_curve(p, label, 1001)', 'score_curve(p, label, NULL)',
  'score_curve(p, label, i)', 'score_curve(''NaN'', label, 5)', 'delong(''NaN'', label)', 'delong(p, ''Infinity'', label)']) call;
SELECT error_and_hint('SELECT * FROM calibration_table(''{"bin": 1}'')') ~ '^22' AS refused;
DROP TABLE sample, result CASCADE;
DROP FUNCTION close_to, slow_lift, answer, plan_of;
