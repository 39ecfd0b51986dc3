-- Regular buyers: ln_gaps and regularity, fits of mbgcnbd with k chosen and given, what they predict.
SET client_min_messages = warning;

-- The sum of the logarithms of the times between event days, in the unit; days alone count
SELECT ln_gaps('{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', '2025-03-07') = ln(1::float8) + ln(4::float8) AS weeks,
       ln_gaps('{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', '2025-03-07', 1) = ln(7::float8) + ln(28::float8) AS days,
       ln_gaps('{2025-01-03:1:10,2025-01-05:0:-5,2025-01-10:2:30,2025-02-07:1:12.50}', '2025-02-06', 1) = ln(7::float8) AS events_alone;
SELECT ln_gaps('{2025-01-03:1:10}', '2025-03-07') AS one, ln_gaps('{2025-01-03:1:10}', '2025-01-02') AS before, ln_gaps('{}', '2025-01-02') AS empty, ln_gaps(NULL, '2025-01-02') AS null_history,
       ln_gaps('{2025-01-03:1:10}', NULL) AS null_as_of, ln_gaps('{2025-01-03:1:10}', '2025-03-07', NULL) AS null_unit, ln_gaps('{4714-11-24 BC:1:1,5874897-12-31:1:1}', '5874897-12-31', 1) = ln(2147483493::float8) AS calendar;

-- A shop of 600 customers whose gaps are Erlang-3: the sum of three draws
CREATE FUNCTION shop(customers int) RETURNS TABLE (id int, history history) LANGUAGE plpgsql AS $$
DECLARE
  state bigint := 20250103;
  draws float8[];
  rate float8;
  leave float8;
  at float8;
BEGIN
  FOR i IN 1 .. customers LOOP
    SELECT * INTO state, draws FROM next_draws(state, 100);
    id := i;
    at := floor(200 * draws[1]);
    history := history(date '2024-01-01' + at::int, 1);
    rate := -ln(draws[2]) / 12;
    leave := 1 - power(1 - draws[3], 1 / 4.0);
    FOR k IN 1 .. 24 LOOP
      EXIT WHEN draws[4 * k] < leave;
      at := at - ln(draws[4 * k + 1] * draws[4 * k + 2] * draws[4 * k + 3]) / rate;
      EXIT WHEN at > 547;
      history := history + history(date '2024-01-01' + ceil(at)::int, 1);
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE TABLE shop AS SELECT * FROM shop(600);
CREATE TABLE customer AS SELECT id, b.*, ln_gaps(history, '2025-06-30') FROM shop, btyd(history, '2025-06-30') b;

-- How regular: by the last two gaps, share of one in both, against core's own variance around a half
SELECT round(regularity(history, '2025-06-30')::numeric, 6) AS regularity, abs(regularity(history, '2025-06-30') / ((1 - 4 * v.v) / (8 * v.v)) - 1) < 1e-12 AS same, v.n AS customers
  FROM shop, (SELECT avg(((g[1] - g[2]) / (g[1] + g[2])::float8 / 2) ^ 2) AS v, count(*) AS n
                FROM (SELECT (array_agg(gap ORDER BY day DESC))[1:2] AS g
                        FROM (SELECT id, d.day, d.day - lag(d.day) OVER (PARTITION BY id ORDER BY d.day) AS gap FROM shop, days(history) d WHERE d.day <= '2025-06-30') e WHERE gap > 0 GROUP BY id HAVING count(*) > 1) p) v
 GROUP BY v.v, v.n;
SELECT regularity(h, '2025-12-31') AS all_alike FROM (VALUES ('{2025-01-01:1:1,2025-01-11:1:1,2025-01-21:1:1}'::history), ('{2025-01-01:1:1,2025-03-11:1:1,2025-05-19:1:1}'), (NULL)) v(h);
SELECT regularity(h, '2025-01-15') AS two_days, regularity(h, NULL) AS no_day, regularity(h, '2025-12-31') FILTER (WHERE false) AS nobody FROM (VALUES ('{2025-01-01:1:1,2025-01-11:1:1,2025-01-21:1:1}'::history)) v(h);
SELECT regularity(h, '2025-12-31') AS one_in_three FROM (VALUES ('{2024-01-01:1:1,2025-01-01:1:1,2025-01-11:1:1,2025-01-15:0:-3,2025-01-31:1:1,2026-01-31:1:1}'::history)) v(h);

-- k is chosen by the likelihood, and 3. Its log-likelihood, by the formula of the literature, at those parameters:
CREATE TABLE fit AS SELECT btyd_fit('mbgcnbd', x, t_x, t, 7, ln_gaps) AS fit, btyd_fit('mbgcnbd-3', x, t_x, t, 7, ln_gaps) AS given, btyd_fit('mbgcnbd-3', x, t_x, t) AS without, btyd_fit('mbgcnbd-1', x, t_x, t) AS one,
  btyd_fit('mbgnbd', x, t_x, t) AS mbgnbd, btyd_fit_bootstrap('mbgcnbd-3', x, t_x, t, 7, 20, 1) AS fits FROM customer;
SELECT fit ->> 'family' AS family, fit ->> 'status' AS status, fit -> 'n' AS n, fit #> '{parameters,k}' AS k, fit -> 'standard_errors' ? 'k' AS k_has_error, round((fit ->> 'log_likelihood')::numeric, 4) AS ll, jsonb_array_length(fit -> 'k_log_likelihoods') AS tried FROM fit;
SELECT key, round(value::numeric, 4) AS value, round((fit -> 'standard_errors' ->> key)::numeric, 4) AS error FROM fit, jsonb_each_text(fit -> 'parameters') ORDER BY key;
SELECT abs(sum((k - 1) * ln_gaps - x * ln(2::float8) + rising + r * ln(alpha) - (r + k * x) * ln(alpha + t) + stays
           + ln(silence + a / (b + x) * ((alpha + t) / (alpha + t_x)) ^ (r + k * x))) / (fit ->> 'log_likelihood')::float8 - 1) < 1e-12 AS log_likelihood
  FROM customer, fit, LATERAL (SELECT (fit #>> '{parameters,k}')::float8 AS k, (fit #>> '{parameters,r}')::float8 AS r, (fit #>> '{parameters,alpha}')::float8 AS alpha, (fit #>> '{parameters,a}')::float8 AS a, (fit #>> '{parameters,b}')::float8 AS b) p,
       LATERAL (SELECT 1 + (r + k * x) * (t - t_x) / (alpha + t) + (r + k * x) * (r + k * x + 1) / 2 * ((t - t_x) / (alpha + t)) ^ 2 AS silence) s,
       LATERAL (SELECT coalesce(sum(ln(r + i)), 0) AS rising FROM generate_series(0, (k * x)::int - 1) i) g,
       LATERAL (SELECT sum(ln((b + i) / (a + b + i))) AS stays FROM generate_series(0, x) i) beta
 GROUP BY fit;
-- a k that is given finds the same; without ln_gaps all but the likelihood, which is then not known; k = 1 is MBG/NBD
SELECT given - 'k_log_likelihoods' - 'iterations' - 'gradient_norm' - 'parameters' - 'standard_errors' - 'log_likelihood' - 'aic' - 'bic' = fit - 'k_log_likelihoods' - 'iterations' - 'gradient_norm' - 'parameters' - 'standard_errors' - 'log_likelihood' - 'aic' - 'bic' AS same,
       abs((given #>> '{parameters,alpha}')::float8 / (fit #>> '{parameters,alpha}')::float8 - 1) < 1e-8 AS alpha, abs((given ->> 'log_likelihood')::float8 / (fit ->> 'log_likelihood')::float8 - 1) < 1e-12 AS log_likelihood,
       without -> 'parameters' = given -> 'parameters' AS without, without -> 'log_likelihood' AS unknown, (one -> 'parameters') - 'k' = mbgnbd -> 'parameters' AS one, abs((fit #>> '{k_log_likelihoods,0}')::float8 / (mbgnbd ->> 'log_likelihood')::float8 - 1) < 1e-12 AS first FROM fit;
-- the same bits in any order, and with workers
SELECT btyd_fit('mbgcnbd', x, t_x, t, 7, ln_gaps ORDER BY id * 7919 % 1009) = (SELECT fit FROM fit) AS same, regularity(history, '2025-06-30' ORDER BY id * 7919 % 1009) = (SELECT regularity(history, '2025-06-30') FROM shop) AS regularity FROM customer JOIN shop USING (id);
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
ALTER TABLE customer SET (parallel_workers = 3);
ALTER TABLE shop SET (parallel_workers = 3);
SET LOCAL max_parallel_workers_per_gather = 3;
SELECT count(*) > 0 AS is_parallel FROM plan('SELECT btyd_fit(''mbgcnbd'', x, t_x, t, 7, ln_gaps) FROM customer') p WHERE p LIKE '%Partial Aggregate%';
CREATE TEMP TABLE parallel ON COMMIT DROP AS SELECT btyd_fit('mbgcnbd', x, t_x, t, 7, ln_gaps) AS fit FROM customer;
SELECT parallel.fit = fit.fit AS same FROM parallel, fit;
ROLLBACK;
-- rows with a NULL are no rows; other families take ln_gaps, and need none
SELECT btyd_fit('mbgcnbd', x, t_x, t, 7, CASE WHEN id > 300 THEN ln_gaps END) -> 'n' AS n, btyd_fit('mbgnbd', x, t_x, t, 7, ln_gaps) = (SELECT mbgnbd FROM fit) AS mbgnbd FROM customer;

-- What it predicts: probabilities add up, their mean is what is expected, silence goes on; k = 1 is MBG/NBD
SELECT x, t_x, t, abs(sum(p) - 1) < 1e-12 AS sum, abs(sum(n * p) / btyd_expected(fit, x, t_x, t, 39) - 1) < 1e-9 AS mean,
       abs(btyd_probability(fit, 0, x, t_x, t, 10) * btyd_probability(fit, 0, x, t_x, t + 10, 29) / btyd_probability(fit, 0, x, t_x, t, 39) - 1) < 1e-12 AS silence, min(p) >= 0 AS probabilities
  FROM fit, (VALUES (0, 0::float8, 39::float8), (1, 0.14, 40), (2, 30.43, 38.86), (26, 30.86, 31), (26, 10, 31), (100, 300, 400)) c(x, t_x, t), generate_series(0, 300) n,
       LATERAL btyd_probability(fit, n, x, t_x, t, 39) p GROUP BY fit, x, t_x, t ORDER BY x, t_x;
SELECT bool_and(abs(btyd_probability(fit, n, 0, 0, 0, 39) / btyd_probability(fit, n, 39) - 1) < 1e-12) AS new, abs(sum(n * btyd_probability(fit, n, 39)) / btyd_expected_new(fit, 39) - 1) < 1e-9 AS mean FROM fit, generate_series(0, 300) n GROUP BY fit;
SELECT bool_and(abs(btyd_alive(one, x, t_x, t) / btyd_alive(mbgnbd, x, t_x, t) - 1) < 1e-12) AS alive, bool_and(abs(btyd_expected(one, x, t_x, t, 26) / btyd_expected(mbgnbd, x, t_x, t, 26) - 1) < 1e-12) AS expected,
       bool_and(abs(btyd_probability(one, 2, x, t_x, t, 26) / btyd_probability(mbgnbd, 2, x, t_x, t, 26) - 1) < 1e-11) AS probability FROM customer, fit;
-- A regular customer is missed sooner: after three times the usual gap they have left more probably than MBG/NBD says.
-- Just after an order the next is not due yet, after a gap it is.
SELECT btyd_alive(fit, 10, 100, 130) < btyd_alive(mbgnbd, 10, 100, 130) AS missed, btyd_probability(fit, 0, 10, 100, 100, 5) > btyd_probability(mbgnbd, 0, 10, 100, 100, 5) AS not_due_yet,
       btyd_probability(fit, 0, 10, 100, 110, 5) < btyd_probability(mbgnbd, 0, 10, 100, 110, 5) AS due FROM fit;
SELECT count(i.lower) AS intervals, bool_and(i.lower < btyd_expected(given, x, t_x, t, 13) AND i.upper > btyd_expected(given, x, t_x, t, 13)) AS around, bool_and(c.lower <= c.upper) AS counts
  FROM customer, fit, btyd_interval(fits, x, t_x, t, 13, 0.99) i, btyd_count_interval(fits, x, t_x, t, 13) c WHERE id % 60 = 0;
SELECT btyd_residual(fit, 2, 5, 9, 0.01) IS NULL AS no_residual, next_order_expected_on(fit, history, '2025-06-30') >= date '2025-07-01' AS next_order,
       abs(clv(fit, '{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}', history, '2025-06-30', 1, 91, 0) / btyd_expected(fit, history, '2025-06-30', 91) / spend_expected('{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}', history, '2025-06-30') - 1) < 1e-12 AS clv
  FROM fit, (SELECT history FROM shop, fit ORDER BY btyd_expected(fit, history, '2025-06-30', 91) DESC, id LIMIT 1) s;
-- too far to be summed up: no number, and the reason
SELECT btyd_expected(fit, 2, 5, 9, 1e9) AS far, btyd_probability(fit, 1, 2, 5, 9, 1e9) AS far, btyd_probability(fit, 0, 2, 5, 9, 1e9) IS NOT NULL AS none_is_not FROM fit;

-- errors
SELECT btyd_fit('mbgcnbd', 1, 1, 2);
SELECT btyd_fit('mbgcnbd', 1, 1, 2, 7);
SELECT btyd_fit_bootstrap('mbgcnbd', 1, 1, 2, 7, 10, 1);
SELECT btyd_fit('mbgcnbd-0', 1, 1, 2);
SELECT btyd_fit('mbgcnbd-13', 1, 1, 2);
SELECT btyd_fit('mbgcnbd-02', 1, 1, 2);
SELECT btyd_fit('mbgcnbd-' || i, 1, 1, 2) FROM generate_series(2, 3) i;
SELECT btyd_fit('mbgcnbd', 0, 0, 2, 7, 1);
SELECT btyd_fit('mbgcnbd', 2, 4, 5, 7, 2 * ln(2::float8)) ->> 'reason' AS largest, btyd_fit('mbgcnbd', 1, 1, 2, 7, -3) ->> 'reason' AS small;
SELECT btyd_fit('mbgcnbd', 2, 4, 5, 7, 2 * ln(14::float8));
SELECT btyd_fit('mbgcnbd', 2, 4, 5, 7, 'NaN'::float8);
SELECT btyd_alive(jsonb_set(fit, '{parameters,k}', '1.5'), 2, 3, 4) FROM fit;
SELECT btyd_alive(jsonb_set(fit, '{parameters,k}', '13'), 2, 3, 4) FROM fit;
SELECT btyd_alive(fit #- '{parameters,k}', 2, 3, 4) FROM fit;
SELECT ln_gaps('{2025-01-03:1:10}', '2025-02-01', 0);
SELECT ln_gaps('{2025-01-03:1:10}', 'infinity');
SELECT regularity('{2025-01-03:1:10}', 'infinity');

DROP TABLE shop, customer, fit;
DROP FUNCTION shop, plan;
