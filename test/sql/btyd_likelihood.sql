-- Log-likelihoods of customers and fits, AIC, BIC and the likelihood ratio; discounted orders within a horizon and
-- the value of all that is to come.
SET client_min_messages = warning;

CREATE FUNCTION shop(customers int) RETURNS TABLE (id int, history history) LANGUAGE plpgsql AS $$
DECLARE
  state bigint := 20250103;
  draws float8[];
  rate float8;
  leave float8;
  at float8;
BEGIN
  FOR i IN 1 .. customers LOOP
    SELECT * INTO state, draws FROM next_draws(state, 50);
    id := i;
    at := floor(200 * draws[1]);
    history := history(date '2024-01-01' + at::int, 1);
    -- those of even numbers come twice as often
    rate := -ln(draws[2]) / 60 * (1 + (i + 1) % 2);
    leave := 1 - power(1 - draws[3], 1 / 3.0);
    FOR k IN 2 .. 24 LOOP
      EXIT WHEN draws[2 * k] < leave;
      at := at - ln(draws[2 * k + 1]) / rate;
      EXIT WHEN at > 547;
      history := history + history(date '2024-01-01' + ceil(at)::int, round((20 + 100 * draws[50] + 30 * draws[k])::numeric, 2));
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE TABLE shop AS SELECT * FROM shop(800);
CREATE TABLE customer AS SELECT id, b.*, ln_gaps(history, '2025-06-30') FROM shop, btyd(history, '2025-06-30') b;
CREATE TABLE fit AS SELECT family, btyd_fit(family, x, t_x, t, 7, ln_gaps) AS fit FROM customer, unnest(ARRAY['mbgnbd', 'bgnbd', 'paretonbd', 'mbgcnbd', 'mbgcnbd-2']) family GROUP BY family;
CREATE TABLE spend AS SELECT spend_fit(x, m) AS fit FROM customer;

-- What a fit sums up, customer by customer, in both forms
SELECT family, abs(sum(btyd_log_likelihood(fit, x, t_x, t, ln_gaps)) / (fit ->> 'log_likelihood')::float8 - 1) < 1e-12 AS all_together,
       abs(sum(btyd_log_likelihood(fit, history, '2025-06-30')) / (fit ->> 'log_likelihood')::float8 - 1) < 1e-12 AS of_histories,
       count(btyd_log_likelihood(fit, x, t_x, t)) AS without_gaps, count(*) AS customers
  FROM fit, customer JOIN shop USING (id) GROUP BY family, fit ORDER BY family;
SELECT abs(sum(spend_log_likelihood(fit, x, m)) / (fit ->> 'log_likelihood')::float8 - 1) < 1e-12 AS spend, abs(sum(spend_log_likelihood(fit, history, '2025-06-30')) / (fit ->> 'log_likelihood')::float8 - 1) < 1e-12 AS of_histories,
       count(spend_log_likelihood(fit, x, m)) = (fit ->> 'n')::int AS those_used FROM spend, customer JOIN shop USING (id) GROUP BY fit;
-- BG/NBD of somebody who never came back, by hand
SELECT round(btyd_log_likelihood('{"family": "bgnbd", "parameters": {"r": 0.242593, "alpha": 4.413536, "a": 0.792884, "b": 2.425757}}', 0, 0, 38.86)::numeric, 4) AS none,
       round((0.242593 * ln(4.413536 / (4.413536 + 38.86)))::numeric, 4) AS by_hand;

-- The criteria by their definitions; k counts where it was chosen
SELECT family, abs((fit ->> 'aic')::float8 - (2 * p - 2 * ll)) < 1e-9 AS aic, abs((fit ->> 'bic')::float8 - (p * ln(800) - 2 * ll)) < 1e-9 AS bic
  FROM fit, LATERAL (SELECT 4 + (family = 'mbgcnbd')::int AS p, (fit ->> 'log_likelihood')::float8 AS ll) s ORDER BY family;
SELECT family FROM fit ORDER BY (fit ->> 'aic')::float8 LIMIT 1;
SELECT abs((fit ->> 'aic')::float8 - (6 - 2 * (fit ->> 'log_likelihood')::float8)) < 1e-9 AS aic, abs((fit ->> 'bic')::float8 - (3 * ln((fit ->> 'n')::float8) - 2 * (fit ->> 'log_likelihood')::float8)) < 1e-9 AS bic FROM spend;
-- without parameters none; nor of a k that is given without ln_gaps, whose likelihood is not known
SELECT btyd_fit('bgnbd', 0, 0, 3) -> 'aic' AS no_fit, btyd_fit('mbgcnbd-2', x, t_x, t) -> 'aic' AS unknown FROM customer;

-- Groups or all together: two fits against one
CREATE TABLE halves AS SELECT btyd_fit('mbgnbd', x, t_x, t) AS fit FROM customer GROUP BY id % 2;
SELECT abs(l.statistic - 2 * (g.ll - (fit ->> 'log_likelihood')::float8)) < 1e-9 AS statistic, l.degrees_of_freedom, abs(l.p / chi_square_cdf(l.statistic, 4, true) - 1) < 1e-12 AS p, l.p < 0.001 AS they_differ
  FROM fit, (SELECT jsonb_agg(fit) AS fits, sum((fit ->> 'log_likelihood')::float8) AS ll FROM halves) g, likelihood_ratio(fit, g.fits) l WHERE family = 'mbgnbd';
-- halves at random don't
SELECT l.degrees_of_freedom, l.p > 0.05 AS alike FROM fit, (SELECT jsonb_agg(f) AS fits FROM (SELECT btyd_fit('mbgnbd', x, t_x, t) AS f FROM customer GROUP BY id / 2 % 2) s) g, likelihood_ratio(fit, fits) l WHERE family = 'mbgnbd';
SELECT likelihood_ratio(fit, jsonb_build_array(fit, btyd_fit('bgnbd', 0, 0, 3))) AS no_fit, likelihood_ratio('[]', fit) AS nothing FROM fit WHERE family = 'bgnbd' GROUP BY fit;
SELECT likelihood_ratio(a.fit, b.fit) FROM fit a, fit b WHERE a.family = 'bgnbd' AND b.family = 'paretonbd';
SELECT likelihood_ratio(fit, (SELECT jsonb_agg(fit) FROM fit)) FROM fit WHERE family = 'bgnbd';
SELECT likelihood_ratio(fit.fit, spend.fit) FROM fit, spend WHERE family = 'bgnbd';
SELECT likelihood_ratio(jsonb_build_array(fit.fit, spend.fit), spend.fit) FROM fit, spend WHERE family = 'bgnbd';

-- Orders within a horizon, discounted: without a discount what is expected, with it less; by small steps, and for
-- paretonbd to the end
SELECT family, bool_and(abs(btyd_residual(fit, x, t_x, t, 0, 52) / btyd_expected(fit, x, t_x, t, 52) - 1) < 1e-12) AS undiscounted,
       bool_and(btyd_residual(fit, x, t_x, t, 0.002, 52) BETWEEN btyd_expected(fit, x, t_x, t, 52) * exp(-0.002 * 52) AND btyd_expected(fit, x, t_x, t, 52)) AS between,
       max(abs(btyd_residual(fit, x, t_x, t, 0.01, 52) / steps - 1)) < 1e-5 AS by_steps,
       bool_and(btyd_residual(fit, x, t_x, t, 0.002, 0) = 0) AS at_once
  FROM fit, (SELECT * FROM customer WHERE id % 40 = 0) c, LATERAL (SELECT sum((btyd_expected(fit, x, t_x, t, i / 4.0) - btyd_expected(fit, x, t_x, t, (i - 1) / 4.0)) * exp(-0.01 * (i - 0.5) / 4)) AS steps FROM generate_series(1, 208) i) s
 GROUP BY family ORDER BY family;
SELECT bool_and(abs(btyd_residual(fit, x, t_x, t, 0.01, 1e5) / btyd_residual(fit, x, t_x, t, 0.01) - 1) < 1e-11) AS to_the_end,
       bool_and(abs(btyd_residual(fit, history, '2025-06-30', 0.1, 364) / btyd_residual(fit, x, t_x, t, ln(1.1::float8) / 365.25 * 7, 52) - 1) < 1e-12) AS of_a_history FROM fit, customer JOIN shop USING (id) WHERE family = 'paretonbd' AND id % 10 = 0;

-- The value of all that is to come is the product of both
SELECT bool_and(abs(residual_value(fit.fit, spend.fit, x, t_x, t, m, 0.002, 0.4) / (0.4 * btyd_residual(fit.fit, x, t_x, t, 0.002) * spend_expected(spend.fit, x, m)) - 1) < 1e-12) AS product,
       bool_and(abs(residual_value(fit.fit, spend.fit, history, '2025-06-30', 0.1) / (btyd_residual(fit.fit, history, '2025-06-30', 0.1) * spend_expected(spend.fit, history, '2025-06-30')) - 1) < 1e-12) AS of_a_history,
       count(residual_value(fit.fit, spend.fit, x, t_x, t, m, 0.002)) AS customers FROM fit, spend, customer JOIN shop USING (id) WHERE family = 'paretonbd';
SELECT residual_value(fit.fit, spend.fit, 2, 3, 4, 30, 0.002) AS of_another_family, residual_value(fit.fit, spend.fit, 2, 3, 4, NULL, 0.002) AS unknown, residual_value(fit.fit, spend.fit, '{}', '2025-01-01', 0.1) AS nothing FROM fit, spend WHERE family = 'mbgnbd';

-- P(alive) on a later day, if no order comes until then: the same function, of that day
SELECT bool_and(abs(btyd_alive(fit, history, '2025-09-22') / btyd_alive(fit, x, t_x, t + 12) - 1) < 1e-12) AS later, bool_and(btyd_alive(fit, x, t_x, t + 12) < btyd_alive(fit, x, t_x, t)) AS less
  FROM fit, customer JOIN shop USING (id) WHERE family = 'mbgnbd' AND last_day(history, '2025-12-31') <= '2025-06-30';

-- errors
SELECT btyd_log_likelihood(fit, 1, 3, 2) FROM fit WHERE family = 'bgnbd';
SELECT btyd_log_likelihood(fit, 2, 2, 3, 9) FROM fit WHERE family = 'mbgcnbd';
SELECT spend_log_likelihood(fit, 1.5, 3) FROM spend;
SELECT btyd_residual(fit, 2, 2, 3, -1, 9) FROM fit WHERE family = 'mbgnbd';
SELECT btyd_residual(fit, 2, 2, 3, 1, 'infinity') FROM fit WHERE family = 'mbgnbd';
SELECT residual_value(fit, fit, 2, 2, 3, 9, 0.1) FROM fit WHERE family = 'mbgnbd';
SELECT likelihood_ratio('{}', '{}');

DROP TABLE shop, customer, fit, spend, halves;
DROP FUNCTION shop;
