-- btyd_fit, spend_fit, btyd_fit_bootstrap: what fits find, that they are the
-- same bits in any order and plan, and what they refuse.
SET client_min_messages = warning;
SET extra_float_digits = 3;

-- A shop of 900 customers, who buy and stay away as MBG/NBD says with r = 1,
-- alpha = 8 weeks, a = 1, b = 2.5, and whose baskets differ (q = 3). Days are whole.
CREATE FUNCTION shop(customers int) RETURNS TABLE (id int, x int, t_x float8, t float8, m float8) LANGUAGE plpgsql AS $$
DECLARE
  state bigint := 20250103;
  draws float8[];
  rate float8;
  leave float8;
  at float8;
BEGIN
  FOR i IN 1 .. customers LOOP
    SELECT * INTO state, draws FROM next_draws(state, 40);
    id := i; x := 0; t_x := 0;
    t := (35 + floor(364 * draws[1])) / 7;
    rate := -ln(draws[2]) / 8;
    leave := 1 - power(1 - draws[3], 1 / 2.5);
    at := 0;
    FOR k IN 2 .. 19 LOOP
      EXIT WHEN draws[2 * k] < leave;
      at := at - ln(draws[2 * k + 1]) / rate;
      EXIT WHEN at > t;
      x := x + 1; t_x := ceil(7 * at) / 7;
    END LOOP;
    m := CASE WHEN x > 0 THEN round((60 / -ln(draws[38] * draws[39] * draws[40]) * exp(2.5 * (draws[37] - 0.5) / sqrt(x)))::numeric, 2) END;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE TABLE customer AS SELECT * FROM shop(900);
SELECT count(*), count(DISTINCT (x, t_x, t)) AS patterns, sum(x) AS repeats, max(x) FROM customer;

-- What is found, to fewer digits than any machine changes.
CREATE FUNCTION brief(fit jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s %s %s n %s, LL %s: %s', fit ->> 'family', fit ->> 'status', fit ->> 'reason', fit ->> 'n', round((fit ->> 'log_likelihood')::numeric, 6),
                string_agg(format('%s %s (%s)', key, round(value::numeric, 6), round((fit -> 'standard_errors' ->> key)::numeric, 5)), ', ' ORDER BY key))
    FROM jsonb_each_text(CASE jsonb_typeof(fit -> 'parameters') WHEN 'object' THEN fit -> 'parameters' ELSE '{}' END)
$$;
SELECT brief(btyd_fit('mbgnbd', x, t_x, t)) FROM customer;
SELECT brief(btyd_fit('bgnbd', x, t_x, t)) FROM customer;
SELECT brief(btyd_fit('paretonbd', x, t_x, t)) FROM customer;
SELECT brief(spend_fit(x, m)) FROM customer;

-- The document has these keys, and numbers come back as the same double.
SELECT string_agg(key, ' ' ORDER BY key) AS keys FROM (SELECT btyd_fit('bgnbd', x, t_x, t) AS fit FROM customer) f, jsonb_object_keys(fit) AS key;
SELECT string_agg(key, ' ' ORDER BY key) AS keys FROM (SELECT spend_fit(x, m) AS fit FROM customer) f, jsonb_object_keys(fit) AS key;
SELECT btyd_fit('mbgnbd', x, t_x, t) -> 'unit_days' AS weeks, btyd_fit('mbgnbd', x, 7 * t_x, 7 * t, 1) -> 'unit_days' AS days FROM customer;
SELECT bool_and(value::text::float8::text = value::text OR value::text::numeric = value::text::float8::text::numeric) AS round_trip
  FROM (SELECT btyd_fit('mbgnbd', x, t_x, t) AS fit FROM customer) f, jsonb_each(fit -> 'parameters');

-- A maximum: no parameter can be moved by a hundredth of its error for a gain.
-- The unit of time changes alpha and beta alone.
SELECT f.family, abs((w -> 'parameters' ->> 'r')::float8 / (d -> 'parameters' ->> 'r')::float8 - 1) < 1e-8 AS r,
       abs(7 * (w -> 'parameters' ->> 'alpha')::float8 / (d -> 'parameters' ->> 'alpha')::float8 - 1) < 1e-8 AS alpha,
       (w ->> 'gradient_norm')::float8 < 1e-6 AS gradient
  FROM unnest(ARRAY['mbgnbd', 'bgnbd', 'paretonbd']) AS f(family),
       LATERAL (SELECT btyd_fit(f.family, x, t_x, t) AS w, btyd_fit(f.family, x, t_x * 7, t * 7, 1) AS d FROM customer) fits;

-- Any order, any split, any plan: the same document to the last digit.
CREATE TABLE fit AS
SELECT btyd_fit('mbgnbd', x, t_x, t) AS mbgnbd, btyd_fit('paretonbd', x, t_x, t) AS paretonbd, spend_fit(x, m) AS spend,
       btyd_fit_bootstrap('bgnbd', x, t_x, t, 7, 5, 42) AS bootstrap FROM customer;
SELECT btyd_fit('mbgnbd', x, t_x, t ORDER BY t_x, id DESC) = (SELECT mbgnbd FROM fit) AS mbgnbd,
       btyd_fit('paretonbd', x, t_x, t ORDER BY id * 7919 % 1009) = (SELECT paretonbd FROM fit) AS paretonbd,
       spend_fit(x, m ORDER BY m DESC) = (SELECT spend FROM fit) AS spend,
       btyd_fit_bootstrap('bgnbd', x, t_x, t, 7, 5, 42 ORDER BY t DESC, id) = (SELECT bootstrap FROM fit) AS bootstrap
  FROM customer;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
CREATE VIEW fits AS
SELECT btyd_fit('mbgnbd', x, t_x, t) AS mbgnbd, btyd_fit('paretonbd', x, t_x, t) AS paretonbd, spend_fit(x, m) AS spend,
       btyd_fit_bootstrap('bgnbd', x, t_x, t, 7, 5, 42) AS bootstrap FROM customer;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
ALTER TABLE customer SET (parallel_workers = 3);
SET LOCAL max_parallel_workers_per_gather = 3;
SELECT count(*) > 0 AS is_parallel FROM plan('SELECT * FROM fits') p WHERE p LIKE '%Partial Aggregate%';
SELECT fits = fit AS same FROM fits, fit;
ROLLBACK;
CREATE TABLE parts (LIKE customer) PARTITION BY HASH (id);
CREATE TABLE part0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE part1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE part2 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parts SELECT * FROM customer;
BEGIN;
SET LOCAL enable_partitionwise_aggregate = on;
SET LOCAL enable_hashagg = on;
SELECT count(*) AS partial FROM plan('SELECT x >= 0, btyd_fit(''mbgnbd'', x, t_x, t) FROM parts GROUP BY 1') p WHERE p LIKE '%Partial%';
SELECT btyd_fit('mbgnbd', x, t_x, t) = (SELECT mbgnbd FROM fit) AS same FROM parts GROUP BY x >= 0;
ROLLBACK;

-- One row counted k times is k rows; NULL is no row.
SELECT btyd_fit('mbgnbd', x, t_x, t) ->> 'n' AS n FROM (SELECT * FROM customer UNION ALL SELECT 0, NULL, 1, 1, 1 UNION ALL SELECT 0, 1, NULL, 1, 1 UNION ALL SELECT 0, 1, 1, NULL, 1) c;
SELECT abs((f.twice -> 'parameters' ->> 'a')::float8 / (fit.mbgnbd -> 'parameters' ->> 'a')::float8 - 1) < 1e-8 AS parameters,
       abs((f.twice -> 'standard_errors' ->> 'a')::float8 / (fit.mbgnbd -> 'standard_errors' ->> 'a')::float8 - sqrt(0.5)) < 1e-6 AS errors
  FROM (SELECT btyd_fit('mbgnbd', x, t_x, t) AS twice FROM customer, generate_series(1, 2)) f, fit;
-- as a window: every frame has its own fit, and the state goes on
SELECT count(*), count(DISTINCT f), max((f ->> 'n')::int) FROM (SELECT btyd_fit('mbgnbd', x, t_x, t) OVER (ORDER BY id / 300) AS f FROM customer) w;

-- Bootstrap: a seed is a series, replicates are its beginning.
SELECT jsonb_array_length(bootstrap) AS replicates, count(DISTINCT element) AS different, bool_and((element ->> 'n')::int = 900) AS n,
       bool_and(element ->> 'status' = 'converged') AS converged
  FROM fit, jsonb_array_elements(bootstrap) AS element GROUP BY bootstrap;
SELECT btyd_fit_bootstrap('bgnbd', x, t_x, t, 7, 2, 42) -> 1 = (SELECT bootstrap -> 1 FROM fit) AS same_seed,
       btyd_fit_bootstrap('bgnbd', x, t_x, t, 7, 1, 43) -> 0 = (SELECT bootstrap -> 0 FROM fit) AS other_seed FROM customer;
SELECT round((btyd_fit_bootstrap('bgnbd', x, t_x, t, 7, 1, 42) #>> '{0,parameters,r}')::numeric, 6) AS r FROM customer;
-- the spread among replicates is the standard error
SELECT stddev((element #>> '{parameters,r}')::float8) / (SELECT (btyd_fit('bgnbd', x, t_x, t) #>> '{standard_errors,r}')::float8 FROM customer) BETWEEN 0.7 AND 1.4 AS spread
  FROM (SELECT btyd_fit_bootstrap('bgnbd', x, t_x, t, 7, 60, 1) AS b FROM customer) s, jsonb_array_elements(b) AS element;

-- What can't be fitted says why, and has no parameters.
CREATE FUNCTION refusals(query text) RETURNS TABLE (mbgnbd text, bgnbd text, paretonbd text, numbers text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    SELECT m ->> 'status' || ' ' || (m ->> 'reason'), b ->> 'status' || ' ' || (b ->> 'reason'), p ->> 'status' || ' ' || (p ->> 'reason'),
           concat_ws(' ', m ->> 'parameters', b ->> 'standard_errors', p ->> 'parameters')
      FROM (SELECT btyd_fit('mbgnbd', x, t_x, t) AS m, btyd_fit('bgnbd', x, t_x, t) AS b, btyd_fit('paretonbd', x, t_x, t) AS p FROM (%s) q(x, t_x, t)) s $q$, query);
END $$;
SELECT * FROM refusals('VALUES (2, 3.0, 5)');
SELECT * FROM refusals('SELECT 2, 3, 4 FROM generate_series(1, 4)');
SELECT * FROM refusals('SELECT NULL::int, 1, 1');
SELECT btyd_fit('mbgnbd', x, t_x, t) IS NULL AS no_rows FROM customer WHERE false;
SELECT * FROM refusals('SELECT 0, 0, i FROM generate_series(1, 100) i');
SELECT * FROM refusals('SELECT 3, 4, 10 FROM generate_series(1, 100)');
SELECT * FROM refusals('SELECT 0, 0, 10 FROM generate_series(1, 100)');
SELECT * FROM refusals('SELECT (i < 5)::int, (i < 5)::int, 10 + i FROM generate_series(1, 100) i');
SELECT * FROM refusals('SELECT i % 2, 0, 0 FROM generate_series(1, 100) i');
-- everyone the same but for the day, all of one age, x of 500, gone at once
SELECT mbgnbd <> '' AND mbgnbd NOT LIKE 'converged%' AND bgnbd NOT LIKE 'converged%' AND paretonbd NOT LIKE 'converged%' AND numbers = '' AS honest
  FROM unnest(ARRAY['SELECT 3, i * 0.5, i FROM generate_series(1, 100) i', 'SELECT 1 + i % 5, 10 + i % 7, 10 + i % 7 FROM generate_series(1, 100) i',
    'SELECT 500, 90 + i % 9, 100 FROM generate_series(1, 100) i', 'SELECT i % 3, 0, 5 FROM generate_series(1, 100) i',
    'SELECT i % 3, CASE WHEN i % 3 > 0 THEN 1e300 ELSE 0 END, 1e308 FROM generate_series(1, 100) i']) q, refusals(q);
-- many days with orders don't disturb the others' fit
SELECT btyd_fit('mbgnbd', x, t_x, t) ->> 'status' AS mbgnbd, btyd_fit('bgnbd', x, t_x, t) ->> 'status' AS bgnbd, btyd_fit('paretonbd', x, t_x, t) ->> 'status' AS paretonbd
  FROM (SELECT x, t_x, t FROM customer UNION ALL SELECT 300 + i, 40 + i, 60 FROM generate_series(1, 5) i) c;
SELECT spend_fit(1, 5) ->> 'reason' AS one, spend_fit(NULL, 5) ->> 'reason' AS none FROM generate_series(1, 1);
SELECT spend_fit(1 + i % 2, 5) ->> 'reason' AS equal, spend_fit(0, 5) AS never FROM generate_series(1, 100) i;
SELECT jsonb_pretty(spend_fit(i % 5, m) -> 'left_out') AS left_out FROM (SELECT i, CASE WHEN i % 7 = 0 THEN 0 WHEN i % 11 = 0 THEN -3 ELSE 5 + i % 13 END AS m FROM generate_series(1, 100) i) s;
-- heavy tails: a fit, but no mean over all customers
SELECT fit ->> 'status' AS status, fit ->> 'reason' AS reason, (fit -> 'parameters' ->> 'q')::float8 <= 1 AS q, spend_expected(fit, 0, NULL), spend_expected(fit, 3, 20), prediction_reason(fit)
  FROM (SELECT spend_fit(4, exp(2.5 * sqrt(-2 * ln((i - 0.5) / 300)) * cos(2 * pi() * (i * 89 % 300) / 300))) AS fit FROM generate_series(1, 300) i) f;

-- errors
SELECT btyd_fit('weibull', 1, 1, 2);
SELECT btyd_fit('', 1, 1, 2);
SELECT btyd_fit('MBGNBD', 1, 1, 2);
SELECT btyd_fit(NULL, 1, 1, 2);
SELECT btyd_fit(repeat('long', 100), 1, 1, 2);
SELECT btyd_fit('bgnbd', 1.5, 1, 2);
SELECT btyd_fit('bgnbd', -1, 1, 2);
SELECT btyd_fit('bgnbd', 'NaN', 1, 2);
SELECT btyd_fit('bgnbd', 1e10, 1, 2);
SELECT btyd_fit('bgnbd', 1, 'NaN', 2);
SELECT btyd_fit('bgnbd', 1, -1, 2);
SELECT btyd_fit('bgnbd', 1, 1, 'infinity');
SELECT btyd_fit('bgnbd', 1, 3, 2);
SELECT btyd_fit('bgnbd', 0, 1, 2);
SELECT btyd_fit('bgnbd', 1, 1, 2, 0);
SELECT btyd_fit('bgnbd', 1, 1, 2, NULL);
SELECT btyd_fit('bgnbd', 1, 1, 2, 6 + i) FROM generate_series(1, 2) i;
SELECT btyd_fit(CASE i WHEN 1 THEN 'bgnbd' ELSE 'mbgnbd' END, 1, 1, 2) FROM generate_series(1, 2) i;
SELECT btyd_fit_bootstrap('bgnbd', 1, 1, 2, 7, 0, 1);
SELECT btyd_fit_bootstrap('bgnbd', 1, 1, 2, 7, 10001, 1);
SELECT btyd_fit_bootstrap('bgnbd', 1, 1, 2, 7, 10, NULL);
SELECT btyd_fit_bootstrap('bgnbd', 1, 1, 2, 7, 10, i) FROM generate_series(1, 2) i;
SELECT spend_fit(1, 'NaN');
SELECT spend_fit(1, 'infinity');
SELECT spend_fit(0.5, 1);
SELECT jsonb_path_query_array(btyd_fit_bootstrap('bgnbd', 1, 1, 2, 7, 2, 1), '$[*].reason') AS bootstrap_of_one;

-- a long computation can be cancelled
SET statement_timeout = '200ms';
SELECT jsonb_array_length(btyd_fit_bootstrap('paretonbd', x, t_x, t, 7, 10000, 1)) FROM customer;
RESET statement_timeout;

DROP TABLE customer, fit, parts CASCADE;
DROP FUNCTION shop, brief, plan, refusals;
