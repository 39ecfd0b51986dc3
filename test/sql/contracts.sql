-- contract_fit and what it predicts: published fits, an independent likelihood in plain SQL, sums term by
-- term, no order and no plan, what has no fit, arguments.

-- Fader and Hardie (2007), of 1,000 customers of two kinds those who were there in each of eight years
CREATE TABLE survivors AS SELECT * FROM (VALUES ('regular', '{1000,631,468,382,326,289,262,241}'::int[]), ('high end', '{1000,869,743,653,593,551,517,491}')) AS v (kind, n);
CREATE TABLE contracts AS
SELECT kind, t AS periods, true AS ended, i FROM survivors, generate_series(1, 7) AS t, generate_series(1, n[t] - n[t + 1]) AS i UNION ALL SELECT kind, 7, false, i FROM survivors, generate_series(1, n[8]) AS i;
CREATE TABLE fits AS SELECT kind, contract_fit(periods, ended) AS fit FROM contracts GROUP BY kind;
-- as published: alpha 0.704 and 0.668, beta 1.182 and 3.806, log-likelihoods -1680.3 and -1611.2
SELECT kind, fit ->> 'status' AS status, round((fit #>> '{parameters,alpha}')::numeric, 3) AS alpha, round((fit #>> '{parameters,beta}')::numeric, 3) AS beta, round((fit ->> 'log_likelihood')::numeric, 1) AS log_likelihood,
       fit -> 'n' AS n, fit -> 'n_ended' AS n_ended FROM fits ORDER BY kind;
-- and what they project for the years after
SELECT kind, array_agg(round(100 * contract_survival(fit, t)::numeric, 1) ORDER BY t) AS percent FROM fits, generate_series(8, 12) AS t GROUP BY kind ORDER BY kind;

-- the likelihood of each customer, by its recursion: that of the fit, and the largest around
CREATE FUNCTION slow_likelihood(of text, a float8, b float8) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE c record; p float8; s float8; total float8 := 0;
BEGIN
  FOR c IN SELECT periods, ended, count(*) AS n FROM contracts WHERE kind = of GROUP BY 1, 2 LOOP
    p := a / (a + b); s := 1 - p;
    FOR t IN 2 .. c.periods LOOP p := p * (b + t - 2) / (a + b + t - 1); s := s - p; END LOOP;
    total := total + c.n * ln(CASE WHEN c.ended THEN p ELSE s END);
  END LOOP;
  RETURN total;
END $$;
SELECT kind, abs(slow_likelihood(kind, a, b) - l) < 1e-9 AS the_same, bool_and(slow_likelihood(kind, a * x, b * y) < l) AS highest
  FROM fits, LATERAL (SELECT (fit #>> '{parameters,alpha}')::float8 AS a, (fit #>> '{parameters,beta}')::float8 AS b, (fit ->> 'log_likelihood')::float8 AS l) AS p, (VALUES (1.001, 1.0), (0.999, 1), (1, 1.001), (1, 0.999), (1.001, 1.001), (0.999, 0.999)) AS v (x, y)
 GROUP BY kind, a, b, l ORDER BY kind;
-- errors by differences of the likelihood
SELECT kind, abs((fit #>> '{standard_errors,alpha}')::float8 / sqrt(-bb / (aa * bb - ab * ab)) - 1) < 1e-4 AS alpha, abs((fit #>> '{standard_errors,beta}')::float8 / sqrt(-aa / (aa * bb - ab * ab)) - 1) < 1e-4 AS beta
  FROM fits, LATERAL (SELECT (fit #>> '{parameters,alpha}')::float8 AS a, (fit #>> '{parameters,beta}')::float8 AS b, 1e-3::float8 AS h) AS p,
       LATERAL (SELECT (slow_likelihood(kind, a + h, b) - 2 * slow_likelihood(kind, a, b) + slow_likelihood(kind, a - h, b)) / h / h AS aa, (slow_likelihood(kind, a, b + h) - 2 * slow_likelihood(kind, a, b) + slow_likelihood(kind, a, b - h)) / h / h AS bb,
                       (slow_likelihood(kind, a + h, b + h) - slow_likelihood(kind, a + h, b - h) - slow_likelihood(kind, a - h, b + h) + slow_likelihood(kind, a - h, b - h)) / 4 / h / h AS ab) AS d ORDER BY kind;

-- survival is a product of retention rates, which grow: who is left is loyal
SELECT kind, bool_and(abs(contract_survival(fit, t, s) - contract_survival(fit, s + t) / contract_survival(fit, s)) < 1e-14) AS conditional, bool_and(contract_survival(fit, 1, s) < contract_survival(fit, 1, s + 1)) AS retention_grows
  FROM fits, generate_series(0, 40, 5) AS s, generate_series(0, 30, 3) AS t GROUP BY kind ORDER BY kind;
SELECT kind, contract_survival(fit, 0) AS at_first, abs(contract_survival(fit, 1) - b / (a + b)) < 1e-15 AS one, contract_survival(fit, 1000000) BETWEEN 0 AND 1e-3 AS at_last
  FROM fits, LATERAL (SELECT (fit #>> '{parameters,alpha}')::float8 AS a, (fit #>> '{parameters,beta}')::float8 AS b) AS p ORDER BY kind;
-- what is left, term by term
SELECT kind, after, rate, abs(contract_residual(fit, after, rate) / (SELECT sum(contract_survival(fit, j, after) / (1 + rate) ^ (j - 1)) FROM generate_series(1, least(4000, (300 / ln(1 + rate))::int)) AS j) - 1) < 1e-12 AS the_same
  FROM fits, unnest('{0,1,4,20}'::int[]) AS after, unnest('{0.02,0.1,3}'::float8[]) AS rate WHERE abs(contract_residual(fit, after, rate) / (SELECT sum(contract_survival(fit, j, after) / (1 + rate) ^ (j - 1)) FROM generate_series(1, least(4000, (300 / ln(1 + rate))::int)) AS j) - 1) >= 1e-12;
SELECT contract_residual('{"family": "sbg", "parameters": {"alpha": 3, "beta": 2}}', 4, 0) AS three, contract_residual('{"family": "sbg", "parameters": {"alpha": 1, "beta": 2}}', 4, 0) AS for_ever, contract_residual('{"family": "sbg", "parameters": {"alpha": 3, "beta": 2}}', 4, 1e-12) AS nearly;

-- the same however the rows come
SELECT count(DISTINCT fit) AS fits FROM (SELECT contract_fit(periods, ended ORDER BY draw(i)) AS fit FROM contracts UNION ALL SELECT contract_fit(periods, ended ORDER BY periods DESC, ended) FROM contracts) AS f;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3;
SELECT (SELECT contract_fit(periods, ended) FROM contracts) = (SELECT contract_fit(periods, ended ORDER BY i) FROM contracts) AS with_workers;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;

-- contracts made by the model, of 20,000 customers: what they were made with is within three errors
SELECT (fit #>> '{parameters,alpha}')::float8 BETWEEN 2 - 3 * (fit #>> '{standard_errors,alpha}')::float8 AND 2 + 3 * (fit #>> '{standard_errors,alpha}')::float8 AS alpha,
       (fit #>> '{parameters,beta}')::float8 BETWEEN 6 - 3 * (fit #>> '{standard_errors,beta}')::float8 AND 6 + 3 * (fit #>> '{standard_errors,beta}')::float8 AS beta
  FROM (SELECT contract_fit(least(t, 12), t <= 12) AS fit FROM (SELECT 1 + floor(ln(draw(i * 3) + 1e-12) / ln(1 - beta_quantile(0.5e-6 + draw(i) * 0.999999, 2, 6)))::int AS t FROM generate_series(1, 20000) AS i) AS s) AS f;

-- a few of very many end: a long valley of the likelihood
SELECT fit ->> 'status' AS status, round((fit #>> '{parameters,alpha}')::numeric, 6) AS alpha, round((fit #>> '{parameters,beta}')::numeric, 1) AS beta, round((fit ->> 'log_likelihood')::numeric, 2) AS log_likelihood
  FROM (SELECT contract_fit(p, ended) AS fit FROM (SELECT p, true AS ended FROM (VALUES (1, 2), (2, 2), (3, 2), (4, 1), (5, 1), (6, 2), (7, 2)) AS v (p, n), generate_series(1, n) UNION ALL SELECT 7, false FROM generate_series(1, 136186)) AS c) AS f;

-- no fit, and why
SELECT what, fit ->> 'status' AS status, fit ->> 'reason' AS reason, contract_survival(fit, 1) AS survival, contract_residual(fit, 1, 0.1) AS residual FROM (
  SELECT 'nobody ended' AS what, contract_fit(5, false) AS fit FROM generate_series(1, 9) UNION ALL SELECT 'nobody renewed', contract_fit(1, true) FROM generate_series(1, 9)
  UNION ALL SELECT 'one period', contract_fit(1, i % 2 = 0) FROM generate_series(1, 9) AS i UNION ALL SELECT 'not yet', contract_fit(0, false) FROM generate_series(1, 9)
  -- the same chance for everybody: 512, 256, 128, ... end
  UNION ALL SELECT 'alike', contract_fit(t, true) FROM generate_series(1, 10) AS t, generate_series(1, 1 << (10 - t))
  UNION ALL SELECT 'left out', contract_fit(NULL, true) FROM generate_series(1, 3)) AS f ORDER BY what;
SELECT contract_fit(1, true) FROM generate_series(1, 0);

SELECT error_and_hint('SELECT ' || call) FROM unnest(ARRAY['contract_fit(0, true)', 'contract_fit(-1, false)', 'contract_fit(1001, true)', 'contract_survival(''{}'', 1)', 'contract_survival(''[]'', 1)', 'contract_survival(''{"family": "bgnbd"}'', 1)',
  'contract_survival(''{"family": "sbg", "parameters": 1}'', 1)', 'contract_survival(''{"family": "sbg", "parameters": {"alpha": 1}}'', 1)', 'contract_survival(''{"family": "sbg", "parameters": {"alpha": 1, "beta": 0}}'', 1)',
  'contract_survival(fit, -1) FROM fits', 'contract_survival(fit, 1, 1000001) FROM fits', 'contract_residual(fit, 0, -0.1) FROM fits', 'contract_residual(fit, 0, ''NaN'') FROM fits']) AS call;
SELECT contract_survival(fit, NULL), contract_survival(NULL, 1), contract_residual(fit, 1, NULL) FROM fits LIMIT 1;
DROP TABLE survivors, contracts, fits;
DROP FUNCTION slow_likelihood;
