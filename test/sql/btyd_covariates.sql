-- Covariates, weights and a ridge in fits of orders. 1000 customers of MBG/NBD whose orders and leaving depend on a
-- number and on a group: what is fitted is held against likelihoods that predictions work out, one customer at a time.
SET client_min_messages = warning;
CREATE FUNCTION life(i int, z int, w float8, OUT t float8, OUT x float8, OUT t_x float8) LANGUAGE plpgsql AS $$
DECLARE
  draws float8[] := ARRAY(SELECT (('x' || substr(md5(i || ' ' || k), 1, 8))::bit(32)::bigint + 0.5) / 4294967296 FROM generate_series(1, 200) k);
  k int := 5;
  rate float8; leaves float8; at float8 := 0;
BEGIN
  t := 30 + 22 * draws[1]; x := 0; t_x := 0;
  -- gamma of 2 and 14; beta of 0.7 and 1
  rate := -(ln(draws[2]) + ln(draws[3])) / 14 * exp(0.5 * z + 0.1 * w);
  leaves := draws[4] ^ (1 / (0.7 * exp(0.6 * z)));
  LOOP
    EXIT WHEN draws[k] < leaves;
    at := at - ln(draws[k + 1]) / rate;
    EXIT WHEN at >= t OR k > 190;
    x := x + 1; t_x := at; k := k + 2;
  END LOOP;
END $$;
CREATE TABLE buyer AS SELECT i, z, w, l.* FROM generate_series(1, 1000) i, LATERAL (SELECT i / 3 % 2 AS z, (i * 37 % 100 - 50) / 10.0::float8 AS w) w, life(i, z, w) l;
SELECT count(*), sum(x) AS orders, count(*) FILTER (WHERE x = 0) AS once FROM buyer;
CREATE TABLE fits AS SELECT family, btyd_fit(family, x, t_x, t, 7) AS plain, btyd_fit(family, x, t_x, t, 7, ARRAY[z, w]::float8[]) AS fit FROM buyer, unnest('{mbgnbd,bgnbd,paretonbd}'::text[]) family GROUP BY 1;
-- mbgnbd finds 0.5, 0.1 and 0.6 again
SELECT family, fit ->> 'status' AS status, round((fit #>> '{covariates,orders,0}')::numeric, 3) AS z_orders, round((fit #>> '{covariates,orders,1}')::numeric, 3) AS w_orders,
       round((fit #>> '{covariates,leaving,0}')::numeric, 2) AS z_leaving, round((fit #>> '{covariate_errors,orders,0}')::numeric, 3) AS orders_error, round((fit #>> '{covariate_errors,leaving,0}')::numeric, 2) AS leaving_error, round((fit ->> 'log_likelihood')::numeric, 3) AS log_likelihood,
       round(((plain ->> 'aic')::float8 - (fit ->> 'aic')::float8)::numeric, 2) AS aic_gain, (r).degrees_of_freedom, (r).p < 1e-6 AS worth_it
  FROM fits, likelihood_ratio(plain, fit) r ORDER BY family;

-- the likelihood, customer by customer; it is a maximum in each direction, and as flat as the errors say
SELECT family, abs(sum(btyd_log_likelihood(btyd_fit_at(fit, ARRAY[z, w]), x, t_x, t)) / (fit ->> 'log_likelihood')::float8 - 1) < 1e-12 AS same FROM fits, buyer GROUP BY family, fit ORDER BY family;
WITH direction AS (SELECT family, path, error, (fit #>> path)::float8 AS at, step FROM fits, LATERAL (
         SELECT ARRAY['parameters', key] AS path, value::float8 AS error FROM jsonb_each_text(fit -> 'standard_errors')
         UNION ALL SELECT ARRAY['covariates', key, (n - 1)::text], value::float8 FROM jsonb_each(fit -> 'covariate_errors') e (key, list), jsonb_array_elements_text(list) WITH ORDINALITY v(value, n)) d, unnest('{-0.01,0.01}'::float8[]) step),
  moved AS (SELECT f.family, path, sum(btyd_log_likelihood(btyd_fit_at(jsonb_set(fit, path, to_jsonb(at + step * error)), ARRAY[z, w]), x, t_x, t)) - (fit ->> 'log_likelihood')::float8 AS fall FROM direction JOIN fits f USING (family), buyer GROUP BY f.family, path, step, fit),
  flat AS (SELECT family, path, max(fall) < 0 AS maximum, -avg(fall) * 2 / 0.01 ^ 2 AS information FROM moved GROUP BY 1, 2)
SELECT family, count(*) AS directions, bool_and(maximum) AS maximum, bool_and(information > 0.99) AS errors_large_enough, max(information) < 1000 AS and_not_too_large FROM flat GROUP BY family ORDER BY family;

-- other units of a covariate are other effects of the same customers; nor do order and parts matter
SELECT family, bool_and(abs(btyd_alive(btyd_fit_at(fit, ARRAY[z, w]), x, t_x, t) - btyd_alive(btyd_fit_at(scaled, ARRAY[1000 * w + 1e6, 5 - z]), x, t_x, t)) < 1e-6) AS alive, abs((scaled #>> '{covariates,orders,0}')::float8 * 1000 / (fit #>> '{covariates,orders,1}')::float8 - 1) < 1e-6 AS effect
  FROM fits JOIN (SELECT family, btyd_fit(family, x, t_x, t, 7, ARRAY[1000 * w + 1e6, 5 - z]::float8[]) AS scaled FROM buyer, unnest('{mbgnbd,bgnbd,paretonbd}'::text[]) family GROUP BY 1) s USING (family), buyer GROUP BY family, fit, scaled ORDER BY family;
SELECT family, btyd_fit(family, x, t_x, t, 7, ARRAY[z, w]::float8[] ORDER BY i * 7919 % 401) = fit AS same FROM buyer, fits GROUP BY family, fit ORDER BY family;
-- an effect on orders alone: nobody leaves faster for it, and who has it orders so many times as much
SELECT family, round((btyd_expected_new(btyd_fit_at(f, '{0,0}'), 1e-6) / btyd_expected_new(btyd_fit_at(f, '{1,0}'), 1e-6))::numeric, 4) AS ratio, round(exp(-(f #>> '{covariates,orders,0}')::float8)::numeric, 4) AS effect FROM fits, jsonb_set(fit, '{covariates,leaving}', '[0, 0]') f WHERE family = 'bgnbd';

-- weights: a row of three is three rows
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, 3, 0) = (SELECT btyd_fit('mbgnbd', x, t_x, t) FROM buyer, generate_series(1, 3)) AS orders, btyd_fit('bgnbd', x, t_x, t, 7, ARRAY[z]::float8[], 3, 0) = (SELECT btyd_fit('bgnbd', x, t_x, t, 7, ARRAY[z]::float8[]) FROM buyer, generate_series(1, 3)) AS covariates,
       btyd_fit('mbgcnbd-2', x, t_x, t, 7, x * ln(nullif(t_x, 0) / x) - 0.1 * x, i % 4, 0) = (SELECT btyd_fit('mbgcnbd-2', x, t_x, t, 7, x * ln(nullif(t_x, 0) / x) - 0.1 * x) FROM buyer, generate_series(1, i % 4)) AS gaps,
       spend_fit(x, 10 + i % 13, i % 4, 0) = (SELECT spend_fit(x, 10 + i % 13) FROM buyer, generate_series(1, i % 4)) AS spend, btyd_fit('mbgnbd', x, t_x, t, 7, 0, 0) IS NULL AS none, btyd_fit('mbgnbd', x, t_x, t, 7, NULL, 0) ->> 'n' AS of_null FROM buyer;
SELECT btyd_fit('bgbb', x, t_x, 6, 365, n, 0) #>> '{parameters,alpha}' LIKE '1.2%' AS donors FROM (VALUES (6, 6, 1203), (5, 6, 728), (4, 6, 512), (3, 6, 357), (2, 6, 234), (1, 6, 129), (5, 5, 335), (4, 5, 284), (3, 5, 225), (2, 5, 173), (1, 5, 119),
  (4, 4, 240), (3, 4, 181), (2, 4, 155), (1, 4, 78), (3, 3, 322), (2, 3, 255), (1, 3, 129), (2, 2, 613), (1, 2, 277), (1, 1, 1091), (0, 0, 3464)) v(x, t_x, n);

-- a ridge: where nobody seems to leave the likelihood rises for ever, with it there is a maximum, in any unit the same
SELECT btyd_fit('mbgnbd', x, t, t) ->> 'reason' AS without FROM buyer WHERE x > 0;
SELECT f ->> 'status' AS status, f ->> 'ridge' AS ridge, f -> 'aic' AS aic, (f #>> '{parameters,alpha}')::float8 / 7 / (g #>> '{parameters,alpha}')::float8 BETWEEN 0.999999 AND 1.000001 AS unit, round((f #>> '{parameters,a}')::numeric, 3) AS a
  FROM (SELECT btyd_fit('mbgnbd', x, t * 7, t * 7, 1, 1, 0.1) AS f, btyd_fit('mbgnbd', x, t, t, 7, 1, 0.1) AS g FROM buyer WHERE x > 0) f;
SELECT family, ridge, f ->> 'status' AS status, (f ->> 'log_likelihood')::float8 <= (plain ->> 'log_likelihood')::float8 AS less FROM (SELECT family, ridge, plain, btyd_fit(family, x, t_x, t, 7, 1, ridge) AS f FROM buyer, fits, unnest('{1e-3,1,1000}'::float8[]) ridge GROUP BY 1, 2, 3) f ORDER BY 1, 2;
-- the harder, the nearer to 1, and alpha to the mean age; effects to 0
SELECT round((f #>> '{parameters,r}')::numeric, 2) AS r, round(((f #>> '{parameters,alpha}')::float8 / mean_t)::numeric, 2) AS alpha, round((g #>> '{covariates,orders,0}')::numeric, 3) AS effect FROM (SELECT btyd_fit('mbgnbd', x, t_x, t, 7, 1, 1e6) AS f, btyd_fit('mbgnbd', x, t_x, t, 7, ARRAY[z]::float8[], 1, 1e6) AS g, avg(t) AS mean_t FROM buyer) f;
SELECT spend_fit(x, 10 + i % 13, 1, 0.5) ->> 'status' AS status FROM buyer;

-- why there is none
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, ARRAY[z, 3]::float8[]) ->> 'reason' AS constant, btyd_fit('mbgnbd', x, t_x, t, 7, ARRAY[z, w, z - 2 * w]::float8[]) ->> 'reason' AS collinear, btyd_fit('mbgnbd', 0, 0, t, 7, ARRAY[z]::float8[]) ->> 'reason' AS once,
       btyd_fit('mbgnbd', x, t_x, t, 7, ARRAY[NULL]::float8[]) ->> 'reason' AS of_null, btyd_alive(btyd_fit_at(btyd_fit('mbgnbd', x, t_x, t, 7, ARRAY[z, 3]::float8[]), '{1,3}'), 1, 2, 3) AS alive, prediction_reason(btyd_fit_at(btyd_fit('mbgnbd', x, t_x, t, 7, ARRAY[z, 3]::float8[]), '{1,3}')) AS reason FROM buyer;
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, ARRAY[w + 1e6]::float8[]) ->> 'reason' AS far, btyd_fit('mbgnbd', x, t_x, t, 7, ARRAY[w + 100]::float8[]) ->> 'status' AS near FROM buyer;
SELECT btyd_alive(fit, 1, 2, 3) FROM fits;
SELECT btyd_fit_at(plain, '{1}') FROM fits;
SELECT btyd_fit_at(fit, '{1}') FROM fits;
SELECT btyd_fit_at(fit, '{1,Infinity}') FROM fits;
SELECT btyd_fit_at('{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "covariates": {"orders": [1], "leaving": [1, 2]}}', '{1}');
SELECT btyd_fit_at(fit, '{1,NULL}') IS NULL AS of_null, btyd_fit_at(fit, '{1,1e6}') IS NULL AS too_far FROM fits LIMIT 1;
SELECT btyd_fit_at('{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "covariates": {"orders": [1]}}', '{1}');
SELECT btyd_fit_at('{"family": "bgbb", "parameters": {"alpha": 1, "beta": 2, "gamma": 3, "delta": 4}, "covariates": {"orders": [1], "leaving": [2]}}', '{1}');
SELECT btyd_fit('bgbb', x, t_x, t, 7, ARRAY[z]::float8[]) FROM buyer;
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, CASE WHEN i = 5 THEN ARRAY[z] ELSE ARRAY[z, w] END::float8[]) FROM buyer;
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, '{}'::float8[]) FROM buyer;
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, '{NaN}'::float8[]) FROM buyer;
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, -1, 0) FROM buyer;
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, 1, -1) FROM buyer;
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, 1, NULL) FROM buyer;
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, 1, i) FROM buyer;
SELECT btyd_fit('mbgnbd', x, t_x, t, 7, ARRAY[z]::float8[], 1, i) FROM buyer;
SELECT likelihood_ratio(plain, btyd_fit('mbgnbd', x, t_x, t, 7, 1, 1)) FROM fits, buyer WHERE family = 'mbgnbd' GROUP BY plain;

DROP TABLE buyer, fits;
DROP FUNCTION life;
