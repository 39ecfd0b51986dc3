-- Intervals of what fits predict: by replicates with and without a maximum, of every
-- prediction, of one customer's count; and why there is none.
SET client_min_messages = warning;

-- A shop of 250 customers who all leave with the same probability, 0.2, after an order: a and b grow together, and
-- many a replicate has no maximum.
CREATE FUNCTION shop(customers int) RETURNS TABLE (id int, x int, t_x float8, t float8, m float8) LANGUAGE plpgsql AS $$
DECLARE
  state bigint := 20250103;
  draws float8[];
  rate float8;
  at float8;
BEGIN
  FOR i IN 1 .. customers LOOP
    SELECT * INTO state, draws FROM next_draws(state, 44);
    id := i; x := 0; t_x := 0;
    t := (70 + floor(364 * draws[1])) / 7;
    rate := -ln(draws[2]) / 8;
    at := 0;
    FOR k IN 2 .. 19 LOOP
      EXIT WHEN x > 0 AND draws[2 * k] < 0.2;
      at := at - ln(draws[2 * k + 1]) / rate;
      EXIT WHEN at > t;
      x := x + 1; t_x := ceil(7 * at) / 7;
    END LOOP;
    m := CASE WHEN x > 0 THEN round((60 / -ln(draws[42] * draws[43] * draws[44]) * exp(2.5 * (draws[41] - 0.5) / sqrt(x)))::numeric, 2) END;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE TABLE customer AS SELECT * FROM shop(250);
CREATE TABLE fits AS
SELECT seed, family, btyd_fit_bootstrap(family, x, t_x, t, 7, 200, seed) AS fits, spend_fit_bootstrap(x, m, 200, seed) AS spend
  FROM customer, (VALUES (1), (2)) s(seed), (VALUES ('bgnbd'), ('mbgnbd'), ('paretonbd')) f(family) GROUP BY seed, family;

-- Replicates without a maximum have the parameters where their search ended, and say so; no standard errors.
SELECT family, f ->> 'status' AS status, f ->> 'reason' AS reason, count(*) > 20 AS many, bool_and(f -> 'parameters' <> 'null') AS parameters,
       bool_and(f -> 'standard_errors' = 'null') AS no_errors
  FROM fits, jsonb_array_elements(fits) f WHERE family = 'bgnbd' AND seed = 1 GROUP BY 1, 2, 3 ORDER BY 3 NULLS FIRST;
-- the chance to leave is known there, though a and b are not
SELECT f ->> 'status' AS status, round(avg((f #>> '{parameters,a}')::float8 / ((f #>> '{parameters,a}')::float8 + (f #>> '{parameters,b}')::float8))::numeric, 1) AS leave
  FROM fits, jsonb_array_elements(fits) f WHERE family = 'bgnbd' AND f ->> 'reason' IS DISTINCT FROM 'no_maximum_found' GROUP BY 1 ORDER BY 1;
-- one of them alone predicts nothing, as any fit without a maximum
SELECT DISTINCT btyd_alive(f, 2, 20, 30) IS NULL AS nothing, prediction_reason(f) AS reason FROM fits, jsonb_array_elements(fits) f
 WHERE family = 'bgnbd' AND f ->> 'reason' = 'parameter_at_boundary';

-- Every family has intervals by either seed, and they are alike; they are around what the replicates expect.
SELECT f.family, count(i.lower) AS intervals, bool_and(i.lower <= i.upper) AS ordered, max((abs(i.lower - j.lower) + abs(i.upper - j.upper)) / (i.upper - i.lower)) < 0.5 AS alike,
       bool_and(interval_reason(f.fits) IS NULL) AS no_reason
  FROM fits f JOIN fits g ON g.family = f.family AND g.seed = 2, customer, btyd_interval(f.fits, x, t_x, t, 26) i, btyd_interval(g.fits, x, t_x, t, 26) j
 WHERE f.seed = 1 GROUP BY f.family ORDER BY f.family;

-- An interval of each prediction is that of its values among the fits, by core's own quantiles.
CREATE VIEW chosen AS SELECT id, x, t_x, t, m FROM customer WHERE id % 25 = 0;
CREATE FUNCTION same(i float8, j float8) RETURNS bool LANGUAGE sql AS $$ SELECT i IS NOT DISTINCT FROM j OR abs(i - j) <= 1e-12 * abs(j) $$;
WITH element AS (
  SELECT family, seed, f.n, jsonb_set(jsonb_set(f.fit, '{status}', '"converged"'), '{reason}', 'null') AS fit,
         jsonb_set(jsonb_set(s.fit, '{status}', '"converged"'), '{reason}', 'null') AS spend
    FROM fits, jsonb_array_elements(fits) WITH ORDINALITY f(fit, n), jsonb_array_elements(spend) WITH ORDINALITY s(fit, n)
   WHERE f.n = s.n AND seed = 1 AND f.fit ->> 'reason' IS DISTINCT FROM 'no_maximum_found'
), middle AS (
  SELECT family, id, percentile_cont(ARRAY[0.05, 0.95]) WITHIN GROUP (ORDER BY btyd_alive(fit, x, t_x, t)) AS alive,
         percentile_cont(ARRAY[0.05, 0.95]) WITHIN GROUP (ORDER BY btyd_probability(fit, 0, x, t_x, t, 13)) AS none,
         percentile_cont(ARRAY[0.05, 0.95]) WITHIN GROUP (ORDER BY btyd_residual(fit, x, t_x, t, 0.002)) AS residual,
         percentile_cont(ARRAY[0.05, 0.95]) WITHIN GROUP (ORDER BY spend_expected(spend, x, m)) AS spend,
         percentile_cont(ARRAY[0.05, 0.95]) WITHIN GROUP (ORDER BY clv(fit, spend, x, t_x, t, m, 12, 4.345, 0.01, 0.4)) AS clv
    FROM element, chosen GROUP BY family, id
)
SELECT m.family, count(a.lower) AS alive, bool_and(same(a.lower, m.alive[1]) AND same(a.upper, m.alive[2])) AS same,
       count(n.lower) AS none, bool_and(same(n.lower, m.none[1]) AND same(n.upper, m.none[2])) AS same,
       count(r.lower) AS residual, bool_and(same(r.lower, m.residual[1]) AND same(r.upper, m.residual[2])) AS same,
       count(s.lower) AS spend, bool_and(same(s.lower, m.spend[1]) AND same(s.upper, m.spend[2])) AS same,
       count(c.lower) AS clv, bool_and(same(c.lower, m.clv[1]) AND same(c.upper, m.clv[2])) AS same
  FROM middle m JOIN fits f ON f.family = m.family AND f.seed = 1 JOIN chosen USING (id)
 CROSS JOIN LATERAL btyd_alive_interval(f.fits, x, t_x, t) a
 CROSS JOIN LATERAL btyd_probability_interval(f.fits, 0, x, t_x, t, 13) n
  LEFT JOIN LATERAL btyd_residual_interval(f.fits, x, t_x, t, 0.002) r ON true
 CROSS JOIN LATERAL spend_interval(f.spend, x, chosen.m) s
 CROSS JOIN LATERAL clv_interval(f.fits, f.spend, x, t_x, t, chosen.m, 12, 4.345, 0.01, 0.4) c
 GROUP BY m.family ORDER BY m.family;

-- The count of one customer: the quantiles of the mean distribution of all fits. By one fit, of that fit.
WITH element AS (
  SELECT family, jsonb_set(jsonb_set(f, '{status}', '"converged"'), '{reason}', 'null') AS fit FROM fits, jsonb_array_elements(fits) f
   WHERE seed = 1 AND f ->> 'reason' IS DISTINCT FROM 'no_maximum_found'
), below AS MATERIALIZED (
  SELECT family, id, n, sum(avg(btyd_probability(fit, n, x, t_x, t, 26))) OVER (PARTITION BY family, id ORDER BY n) AS below
    FROM element, chosen, generate_series(0, 30) n GROUP BY family, id, n
)
SELECT family, count(*) AS customers, bool_and(i.lower = b.lower AND i.upper = b.upper) AS same, max(i.upper) AS most, bool_and(e.lower >= i.lower AND e.upper <= i.upper OR i.lower = 0) AS wider
  FROM (SELECT family, id, min(n) FILTER (WHERE below >= 0.05) AS lower, min(n) FILTER (WHERE below >= 0.95) AS upper FROM below GROUP BY family, id) b
  JOIN fits f USING (family) JOIN chosen USING (id), btyd_count_interval(f.fits, x, t_x, t, 26) i, btyd_interval(f.fits, x, t_x, t, 26) e
 WHERE seed = 1 GROUP BY family ORDER BY family;
CREATE TABLE fit AS SELECT jsonb '{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.242593, "alpha": 4.413536, "a": 0.792884, "b": 2.425757}}' AS fit,
  jsonb '{"family": "gammagamma", "parameters": {"p": 6.25, "q": 3.74, "gamma": 15.44}}' AS spend;
SELECT i.*, sum(p) FILTER (WHERE n < i.lower) < 0.1 AND sum(p) FILTER (WHERE n <= i.lower) >= 0.1 AS lower, sum(p) FILTER (WHERE n < i.upper) < 0.9 AND sum(p) FILTER (WHERE n <= i.upper) >= 0.9 AS upper
  FROM fit, btyd_count_interval(jsonb_build_array(fit), 26, 30.86, 31, 39, 0.8) i, generate_series(0, 60) n, btyd_probability(fit, n, 26, 30.86, 31, 39) p GROUP BY i.lower, i.upper;
SELECT i.*, j.lower AS never, j.upper AS at_all FROM fit, btyd_count_interval(jsonb_build_array(fit), 2, 30.43, 38.86, 0) i, btyd_count_interval(jsonb_build_array(fit), 0, 0, 1e6, 1) j;

-- Forms with a history ask in days.
CREATE TABLE past AS SELECT h::history AS h FROM unnest(ARRAY['{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', '{2025-01-03:1:10}', '{2025-02-01:1:100,2025-02-10:1:-30}', '{2025-06-01:1:5}', '{}', NULL]) h;
SELECT h, a = ba AS alive, n = bn AS none, c = bc AS count, same(r.lower, br.lower) AND same(r.upper, br.upper) AS residual, s = bs AS spend, v = bv AS clv, interval_reason(p.fits, h, '2025-03-07') AS reason, interval_reason(g.spend, h, '2025-03-07') AS spend_reason
  FROM past CROSS JOIN (SELECT fits FROM fits WHERE family = 'paretonbd' AND seed = 1) p CROSS JOIN (SELECT spend FROM fits WHERE family = 'bgnbd' AND seed = 1) g
  LEFT JOIN LATERAL btyd(h, '2025-03-07') b ON true
  LEFT JOIN LATERAL btyd_alive_interval(fits, h, '2025-03-07') a ON true LEFT JOIN LATERAL btyd_alive_interval(fits, b.x, b.t_x, b.t) ba ON true
  LEFT JOIN LATERAL btyd_probability_interval(fits, 0, h, '2025-03-07', 91) n ON true LEFT JOIN LATERAL btyd_probability_interval(fits, 0, b.x, b.t_x, b.t, 13) bn ON true
  LEFT JOIN LATERAL btyd_count_interval(fits, h, '2025-03-07', 91) c ON true LEFT JOIN LATERAL btyd_count_interval(fits, b.x, b.t_x, b.t, 13) bc ON true
  LEFT JOIN LATERAL btyd_residual_interval(fits, h, '2025-03-07', 0.1) r ON true LEFT JOIN LATERAL btyd_residual_interval(fits, b.x, b.t_x, b.t, ln(1.1::float8) / 365.25 * 7) br ON true
  LEFT JOIN LATERAL spend_interval(spend, h, '2025-03-07') s ON true LEFT JOIN LATERAL spend_interval(spend, b.x, b.m) bs ON true
  LEFT JOIN LATERAL clv_interval(fits, spend, h, '2025-03-07', 12, 28, 0.01) v ON true LEFT JOIN LATERAL clv_interval(fits, spend, b.x, b.t_x, b.t, b.m, 12, 4, 0.01) bv ON true;

-- Fits of spend: a seed is a series, whatever the order; what is left out is said.
SELECT spend_fit_bootstrap(x, m, 200, 2 ORDER BY m DESC) = (SELECT spend FROM fits WHERE family = 'bgnbd' AND seed = 2) AS same, spend_fit_bootstrap(x, m, 3, 1) -> 2 = (SELECT spend -> 2 FROM fits WHERE family = 'bgnbd' AND seed = 1) AS series,
       spend_fit_bootstrap(x, m, 2, 1) -> 0 = (SELECT spend -> 0 FROM fits WHERE family = 'bgnbd' AND seed = 2) AS other_seed, spend_fit_bootstrap(x, m, 1, 1) #> '{0,left_out}' = spend_fit(x, m) -> 'left_out' AS left_out FROM customer;
SELECT jsonb_path_query_array(f, '$[*].reason') AS too_few, interval_reason(f) AS reason FROM (SELECT spend_fit_bootstrap(1, 5, 2, 1) AS f FROM generate_series(1, 1)) s;
SELECT spend_fit_bootstrap(x, m, 2, 1) IS NULL AS no_rows FROM customer WHERE false;

-- No interval: only where more than one fit in ten failed.
SELECT failed, btyd_interval(fits, 2, 5, 9, 13) IS NULL AS expected, btyd_alive_interval(fits, 2, 5, 9) IS NULL AS alive, btyd_count_interval(fits, 2, 5, 9, 13) IS NULL AS count, interval_reason(fits) AS reason
  FROM (SELECT failed, jsonb_agg(CASE WHEN i > failed THEN jsonb_set(jsonb_set(fit, '{status}', '"not_converged"'), '{reason}', '"parameter_at_boundary"')
                 ELSE '{"family": "bgnbd", "unit_days": 7, "parameters": null, "status": "refused", "reason": "too_few_repeat_customers"}' END) AS fits
          FROM fit, (VALUES (0), (2), (3), (20)) v(failed), generate_series(1, 20) i GROUP BY failed) f ORDER BY failed;
-- a pair fails where one of the two does
SELECT clv_interval(b, s, 2, 5, 9, 30, 12, 4, 0.01) IS NULL AS failed, clv_interval(b, jsonb_build_array(spend, spend), 2, 5, 9, 30, 12, 4, 0.01) IS NOT NULL AS there, interval_reason(s) AS reason, interval_reason(b) AS no_reason
  FROM fit, LATERAL (SELECT jsonb_build_array(fit, fit) AS b, jsonb_build_array(spend, jsonb_set(spend, '{parameters,q}', '0.9')) AS s) l;
SELECT spend_interval(jsonb_build_array(spend), 2, 0) IS NULL AS zero, spend_interval(jsonb_build_array(spend), 2, NULL) IS NULL AS unknown, spend_interval(jsonb_build_array(spend), 0, NULL) IS NOT NULL AS nobody_knows,
       spend_interval(NULL, 2, 5) IS NULL AS no_fits, btyd_residual_interval(jsonb_build_array(fit), 2, 5, 9, 0.01) IS NULL AS of_another_family, btyd_alive_interval('[]', 2, 5, 9) IS NULL AS none FROM fit;

-- errors
SELECT btyd_alive_interval(jsonb_build_array(fit), 2, 5, 9, 0) FROM fit;
SELECT btyd_probability_interval(jsonb_build_array(fit), -1, 2, 5, 9, 13) FROM fit;
SELECT btyd_count_interval(jsonb_build_array(fit), 2, 5, 9, -13) FROM fit;
SELECT btyd_residual_interval(jsonb_build_array(fit), 2, 5, 9, -0.1) FROM fit;
SELECT btyd_alive_interval(jsonb_build_array(spend), 2, 5, 9) FROM fit;
SELECT spend_interval(jsonb_build_array(fit), 2, 5) FROM fit;
SELECT interval_reason(jsonb_build_array(fit, spend)) FROM fit;
SELECT clv_interval(jsonb_build_array(fit, fit), jsonb_build_array(spend), 2, 5, 9, 30, 12, 4, 0.01) FROM fit;
SELECT spend_fit_bootstrap(1, 5, 0, 1);
SELECT spend_fit_bootstrap(1, 5, 10, NULL);
SELECT spend_fit_bootstrap(1, 5, i, 1) FROM generate_series(1, 2) i;

DROP TABLE customer, fits, fit, past CASCADE;
DROP FUNCTION shop, same;
