-- choose_family: every family fitted and held against what came, as by hand; one document in any order.
SET client_min_messages = warning;

-- 500 customers; those of shop b come by Erlang-3 gaps, who are regular
CREATE FUNCTION shop(customers int, k int) RETURNS TABLE (id int, history history) LANGUAGE plpgsql AS $$
DECLARE
  state bigint := 20250103;
  draws float8[];
  rate float8;
  leave float8;
  at float8;
  gap float8;
BEGIN
  FOR i IN 1 .. customers LOOP
    SELECT * INTO state, draws FROM next_draws(state, 100);
    id := i;
    at := floor(200 * draws[1]);
    history := history(date '2024-01-01' + at::int, 1);
    rate := -ln(draws[2]) / 40 * k;
    leave := 1 - power(1 - draws[3], 1 / 5.0);
    FOR j IN 1 .. 24 LOOP
      EXIT WHEN draws[4 * j] < leave;
      gap := 0;
      FOR stage IN 1 .. k LOOP gap := gap - ln(draws[4 * j + stage]) / rate; END LOOP;
      at := at + gap;
      EXIT WHEN at > 730;
      history := history + history(date '2024-01-01' + ceil(at)::int, 1);
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE TABLE a AS SELECT * FROM shop(500, 1);
CREATE TABLE b AS SELECT * FROM shop(500, 3);
CREATE TABLE choice AS SELECT 'a' AS shop, choose_family(history, '2025-06-30', '2025-12-31') AS choice FROM a UNION ALL SELECT 'b', choose_family(history, '2025-06-30', '2025-12-31') FROM b;
SELECT shop, choice ->> 'chosen' AS chosen, choice - 'families' - 'chosen' - 'baseline_absolute_error' AS facts FROM choice ORDER BY shop;
SELECT shop, family, k, is_chosen, status, reason, round(aic::numeric, 2) AS aic, round(orders_bias::numeric, 3) AS bias, round(mean_absolute_error::numeric, 4) AS error, round(brier_score::numeric, 4) AS brier, round(holdout_log_likelihood::numeric, 2) AS log_likelihood
  FROM choice, choose_family_table(choice) ORDER BY shop, is_chosen DESC, mean_absolute_error, family;

-- The same by hand
WITH known AS (SELECT b.*, ln_gaps(history, '2025-06-30') AS ln_gaps, a.orders FROM a AS s, btyd(history, '2025-06-30') b, btyd_actual(history, '2025-06-30', '2025-12-31') a WHERE b.x IS NOT NULL),
  fit AS (SELECT family, btyd_fit(family, x, t_x, t, 7, ln_gaps) AS fit FROM known, unnest(ARRAY['mbgnbd', 'bgnbd', 'paretonbd', 'mbgcnbd']) family GROUP BY family),
  answer AS (SELECT family, fit, sum(btyd_expected(fit, x, t_x, t, 184 / 7.0)) AS expected, avg(abs(btyd_expected(fit, x, t_x, t, 184 / 7.0) - orders)) AS error,
               avg((btyd_probability(fit, 0, x, t_x, t, 184 / 7.0) - (orders = 0)::int) ^ 2) AS brier, sum(ln(btyd_probability(fit, orders, x, t_x, t, 184 / 7.0))) AS ll FROM fit, known GROUP BY family, fit)
SELECT family, abs(t.expected_orders / expected - 1) < 1e-12 AS expected, abs(t.orders_bias - (expected / (SELECT sum(orders) FROM known) - 1)) < 1e-12 AS bias, abs(t.mean_absolute_error / error - 1) < 1e-12 AS error, abs(t.brier_score / brier - 1) < 1e-12 AS brier,
       abs(t.holdout_log_likelihood / ll - 1) < 1e-12 AS ll, t.aic = (fit ->> 'aic')::float8 AS aic, t.bic = (fit ->> 'bic')::float8 AS bic, t.is_chosen = (family = 'mbgnbd') AS chosen
  FROM answer JOIN choose_family_table((SELECT choice FROM choice WHERE shop = 'a')) t USING (family) ORDER BY family;
SELECT abs((choice ->> 'baseline_absolute_error')::float8 / (SELECT avg(abs(CASE WHEN b.t > 0 THEN b.x / b.t * 184 / 7 ELSE 0 END - o.orders)) FROM a, btyd(history, '2025-06-30') b, btyd_actual(history, '2025-06-30', '2025-12-31') o WHERE b.x IS NOT NULL) - 1) < 1e-12 AS as_before FROM choice WHERE shop = 'a';
-- the fits in the document predict
SELECT f ->> 'family' AS family, btyd_alive(f -> 'fit', 2, 10, 20) BETWEEN 0 AND 1 AS alive FROM choice, jsonb_path_query(choice, '$.families[*]') f WHERE shop = 'b' ORDER BY 1;

-- Any order, any plan; NULL and those who came later are nobody; nobody is no choice
SELECT choose_family(history, '2025-06-30', '2025-12-31' ORDER BY id * 7919 % 1009) = (SELECT choice FROM choice WHERE shop = 'a') AS same FROM a;
SELECT choose_family(history, '2025-06-30', '2025-12-31') = (SELECT choice FROM choice WHERE shop = 'a') AS same FROM (SELECT history FROM a UNION ALL SELECT NULL UNION ALL SELECT '{2025-07-01:1:3}') h;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
ALTER TABLE a SET (parallel_workers = 3);
SET LOCAL max_parallel_workers_per_gather = 3;
SELECT count(*) > 0 AS is_parallel FROM plan('SELECT choose_family(history, ''2025-06-30'', ''2025-12-31'') FROM a') p WHERE p LIKE '%Partial Aggregate%';
CREATE TEMP TABLE parallel ON COMMIT DROP AS SELECT choose_family(history, '2025-06-30', '2025-12-31') AS choice FROM a;
SELECT p.choice = c.choice AS same FROM parallel p, choice c WHERE shop = 'a';
ROLLBACK;
SELECT choose_family(history, '2025-06-30', '2025-12-31') IS NULL AS no_rows FROM a WHERE false;
SELECT c ->> 'chosen' AS chosen, jsonb_path_query_array(c, '$.families[*].fit.reason') AS reasons FROM (SELECT choose_family(history, '2023-06-30', '2023-12-31') AS c FROM a) s;
SELECT family, is_chosen, status, reason, aic, mean_absolute_error FROM choose_family_table((SELECT choose_family(history, '2023-06-30', '2023-12-31') FROM a));
SELECT * FROM choose_family_table(NULL);

-- errors
SELECT choose_family(history, '2025-06-30', '2025-06-30') FROM a;
SELECT choose_family(history, NULL, '2025-06-30') FROM a;
SELECT choose_family(history, '2025-06-30', 'infinity') FROM a;
SELECT choose_family(history, date '2025-06-30' + id, '2026-12-31') FROM a;
SELECT choose_family(history, '2025-06-30', date '2026-12-31' + id) FROM a;

DROP TABLE a, b, choice;
DROP FUNCTION shop, plan;
