-- Who buys again: features and labels of histories against the accessors,
-- propensity_fit against the same done by hand, and learnt weights.

-- 600 customers, each with a pace of his own; some stop.
CREATE TABLE public.orders AS
SELECT c AS customer_id, date '2023-01-01' + (300 * draw(c) + o * (10 + 150 * draw(c + 1000)) + 8 * draw(c * 100 + o))::int AS ordered_on,
       round((20 + 100 * draw(c + 2000) + 10 * draw(c * 77 + o))::numeric, 2) * CASE WHEN draw(c * 50 + o) < 0.03 THEN -1 ELSE 1 END AS total
FROM generate_series(1, 600) c, generate_series(0, 3 + (20 * draw(c + 3000) ^ 2)::int) o;
CREATE TABLE public.customers AS SELECT customer_id, history_agg(ordered_on, total) AS history FROM orders GROUP BY customer_id;

/* ---- features and labels ---- */

SELECT propensity_feature_names();
-- Only disagreements are printed.
SELECT customer_id, as_of, ours, theirs
FROM customers, (VALUES (date '2023-06-01'), ('2024-03-31'), ('2026-01-01')) d(as_of),
  LATERAL (SELECT propensity_features(history, as_of) AS ours, recency(history, as_of) AS r, active_days(history, as_of) AS n, monetary(history, as_of)::float8 AS m,
                  tenure(history, as_of) AS t) a,
  LATERAL (SELECT ARRAY[ln(1 + r), ln(1 + n), sign(m) * ln(1 + abs(m)), ln(1 + t), ln(1 + r * n / (t + 1.0)), ln(1 + frequency(history, as_of, 90)), ln(1 + frequency(history, as_of, 365))]::float8[] AS theirs) b
WHERE CASE WHEN r IS NULL THEN ours IS NOT NULL
      ELSE cardinality(ours) IS DISTINCT FROM 7 OR EXISTS (SELECT FROM unnest(ours, theirs) u(x, y) WHERE (abs(x - y) <= 1e-13 * (1 + abs(y))) IS NOT TRUE) END;
SELECT customer_id, as_of FROM customers, (VALUES (date '2023-06-01'), ('2024-03-31')) d(as_of)
WHERE propensity_label(history, as_of, 90) IS DISTINCT FROM CASE WHEN recency(history, as_of) IS NOT NULL THEN frequency(history, as_of + 90, 90) > 0 END;
SELECT h, propensity_features(h::history, '2025-01-01') AS features, propensity_label(h::history, '2025-01-01', 30) AS label
FROM unnest(ARRAY['{}', '{2025-01-02:1:5}', '{2025-01-01:1:0}', '{2025-01-01:0:-5}', '{2025-01-01:1:0,2025-01-31:1:0}', '{2025-01-01:1:0,2025-02-01:1:0}', '{2025-01-01:1:0,2025-01-20:0:-5}']) h;
-- past 64 bits
SELECT round(f[3]::numeric, 9) AS total, round(f[6]::numeric, 9) AS events
FROM propensity_features('{2025-01-01:9223372036854775807:9223372036854775807,2025-01-02:9223372036854775807:9223372036854775807}', '2025-01-03') f;
SELECT propensity_features(NULL, '2025-01-01'), propensity_features('{}', NULL), propensity_label('{}', '2025-01-01', NULL), propensity(NULL, '{}', '2025-01-01');
SELECT error_and_hint(s) FROM unnest(ARRAY['SELECT propensity_features(''{}'', ''infinity'')', 'SELECT propensity_label(''{}'', ''-infinity'', 3)', 'SELECT propensity_label(''{}'', ''2025-01-01'', 0)',
  'SELECT propensity_label(''{2025-01-01:1:1}'', ''5874897-12-31'', 2147483647)']) s;

/* ---- who buys again ---- */

CREATE TABLE fit AS SELECT propensity_fit('SELECT customer_id, history FROM customers', '2024-06-30') AS fit;
SELECT key, CASE jsonb_typeof(value) WHEN 'object' THEN '...' ELSE value::text END AS value FROM fit, jsonb_each(fit) ORDER BY key COLLATE "C";
SELECT key, CASE WHEN jsonb_typeof(value) = 'number' THEN round(value::numeric, 4)::text WHEN jsonb_typeof(value) = 'array' THEN '...' ELSE value::text END AS value
FROM fit, jsonb_each(fit -> 'holdout') ORDER BY key COLLATE "C";
SELECT feature, name, round(coefficient::numeric, 5) AS coefficient, round(standard_error::numeric, 5) AS standard_error, round(p::numeric, 4) AS p FROM logit_table((SELECT fit FROM fit));
SELECT bin, customers, positive, round(predicted::numeric, 4) AS predicted, round(actual::numeric, 4) AS actual FROM calibration_table((SELECT fit -> 'holdout' -> 'calibration' FROM fit));

-- The same by hand: train on 2024-01-02, test on 2024-04-01, then train on that
SELECT fit -> 'fit' = (SELECT logit_fit(propensity_label(history, '2024-04-01', 90), propensity_features(history, '2024-04-01'), 1, 1) FROM customers) AS trained_last FROM fit;
WITH trained AS (
  SELECT logit_fit(frequency(history, '2024-04-01', 90) > 0, propensity_features(history, '2024-01-02'), 1, 1) AS f FROM customers
), tested AS (
  SELECT logit_predict(f, propensity_features(history, '2024-04-01')) AS p, frequency(history, '2024-06-30', 90) > 0 AS label FROM customers, trained
  WHERE recency(history, '2024-04-01') IS NOT NULL
), figures AS (
  SELECT count(*) AS n, count(*) FILTER (WHERE label) AS n_positive, auc(p, label) AS auc, brier_score(p, label) AS brier_score, log_loss(p, label) AS log_loss,
         lift(p, label, 0.1) AS lift_top_tenth, calibration_bins(p, label, 10) AS calibration FROM tested
)
SELECT (SELECT fit -> 'holdout' FROM fit) @> to_jsonb(figures) AS tested FROM figures;
-- today's scores
SELECT count(p), min(p) > 0 AND max(p) < 1 AS inside,
       count(*) FILTER (WHERE p IS DISTINCT FROM logit_predict(fit -> 'fit', propensity_features(history, '2024-06-30'))) AS different,
       count(*) FILTER (WHERE (p IS NULL) <> (recency(history, '2024-06-30') IS NULL)) AS wrongly_null
FROM (SELECT propensity(fit, history, '2024-06-30') AS p, fit, history FROM customers, fit) s;

-- The source: a name, a longer query, a comment or a semicolon at its end
SELECT count(*), count(DISTINCT f) FROM unnest(ARRAY[(SELECT fit FROM fit), propensity_fit('customers', '2024-06-30'), propensity_fit(' public . "customers" ', '2024-06-30', 90, 1),
  propensity_fit(E'WITH c AS (SELECT * FROM customers ORDER BY history DESC) TABLE c\n;', '2024-06-30', 90),
  propensity_fit('SELECT customer_id, history FROM histories(''SELECT customer_id, ordered_on, total FROM orders'', NULL::int)', '2024-06-30')]) f;
SELECT count(*), count(DISTINCT f) FROM unnest(ARRAY[propensity_fit('SELECT customer_id, history FROM customers -- all', '2024-06-30', 30, 0.5),
  propensity_fit('TABLE customers', '2024-06-30', ridge => 0.5, horizon_days => 30)]) f;
-- whatever extra_float_digits says
SET extra_float_digits = -5;
SELECT propensity_fit('customers', '2024-06-30') = fit AS same FROM fit;
RESET extra_float_digits;
-- too early, too late, nobody: said, not made up
SELECT what, fit ->> 'status' AS status, fit -> 'holdout' ->> 'status' AS holdout, fit -> 'holdout' ->> 'n' AS tested, fit -> 'holdout' -> 'auc' AS auc, propensity(fit, '{2023-01-01:1:5}', '2024-01-01') IS NULL AS no_answer
FROM (VALUES ('too early', propensity_fit('customers', '2020-01-01')), ('one horizon', propensity_fit('customers', '2023-03-20', 70)), ('too late', propensity_fit('customers', '2090-01-01')),
  ('nobody', propensity_fit('SELECT * FROM customers WHERE false', '2024-06-30')), ('no history', propensity_fit('SELECT 1, NULL::history', '2024-06-30')),
  ('empty histories', propensity_fit('SELECT i, ''{}''::history FROM generate_series(1, 9) i', '2024-06-30'))) v(what, fit);
-- his rights, his path, his errors
CREATE ROLE propensity_reader;
GRANT USAGE ON SCHEMA scoring TO propensity_reader;
CREATE SCHEMA elsewhere;
CREATE VIEW elsewhere.customers AS SELECT * FROM public.customers WHERE customer_id % 2 = 0;
GRANT USAGE ON SCHEMA elsewhere TO propensity_reader;
GRANT SELECT ON elsewhere.customers TO propensity_reader;
SET ROLE propensity_reader;
SELECT error_and_hint('SELECT propensity_fit(''public.customers'', ''2024-06-30'')');
SET search_path = elsewhere, public, scoring;
SELECT propensity_fit('customers', '2024-06-30') -> 'holdout' ->> 'n' AS his_own;
SELECT current_setting('search_path');
RESET ROLE;
SET search_path = scoring, public;
SELECT error_and_hint(format('SELECT propensity_fit(%L, ''2024-06-30'')', source)) FROM unnest(ARRAY['', 'no_such_table', 'SELECT 1', 'SELECT 1, 2', 'SELECT 1, 2, 3', 'SELECT customer_id, histories FROM customers', 'SELEC',
  'SELECT 1, ''{oops}''', 'SELECT 1, ''{}'') AS u (customer, history)) AS s; DROP TABLE customers; --', 'DELETE FROM customers RETURNING *', 'SELECT customer_id, (customer_id / 0)::text FROM customers']) source;
SELECT error_and_hint(s) FROM unnest(ARRAY['SELECT propensity_fit(NULL, ''2024-06-30'')', 'SELECT propensity_fit(''customers'', NULL)', 'SELECT propensity_fit(''customers'', ''infinity'')', 'SELECT propensity_fit(''customers'', ''2024-06-30'', 0)',
  'SELECT propensity_fit(''customers'', ''2024-06-30'', 3661)', 'SELECT propensity_fit(''customers'', ''2024-06-30'', NULL)', 'SELECT propensity_fit(''customers'', ''2024-06-30'', 90, -1)',
  'SELECT propensity_fit(''customers'', ''2024-06-30'', 90, NULL)', 'SELECT propensity_fit(''customers'', ''4714-11-25 BC'')',
  'SELECT propensity(''{"family": "logit", "status": "converged", "parameters": {"intercept": 1, "coefficients": []}}'', ''{}'', ''2024-06-30'')',
  'SELECT propensity(''{"family": "propensity", "fit": {"family": "logit", "status": "converged", "parameters": {"intercept": 1, "coefficients": [1]}}}'', ''{}'', ''2024-06-30'')']) s;

/* ---- learnt weights ---- */

CREATE TABLE learnt AS
SELECT logit_fit(propensity_label(history, '2024-03-31', 90), ARRAY[s.r_score, s.f_score, s.m_score]) AS fit
FROM customers JOIN score_customers('orders', NULL::int, '2024-03-31') s USING (customer_id);
SELECT score, name, chosen_weight, round(chosen_share::numeric, 4) AS chosen_share, round(learnt_share::numeric, 4) AS learnt_share, round(coefficient::numeric, 4) AS coefficient,
       round(p::numeric, 4) AS p, clipped FROM learnt, learnt_weights_table(fit, '{2,1,1}');
-- and put to use
SELECT count(*), count(*) FILTER (WHERE abs(s.rfm_score - weighted_score(ARRAY[s.r_score, s.f_score, s.m_score], w)) > 1e-12) AS different
FROM learnt, LATERAL (SELECT learnt_weights(fit) AS w) w, LATERAL score_customers('orders', NULL::int, '2024-06-30', weights => w) s;
CREATE FUNCTION fit_of(VARIADIC c float8[]) RETURNS jsonb LANGUAGE sql AS
  $$ SELECT jsonb_build_object('family', 'logit', 'status', 'converged', 'parameters', jsonb_build_object('intercept', 1, 'coefficients', to_jsonb(c))) $$;
SELECT c, learnt_weights(fit_of(VARIADIC c)), learnt_weights(fit_of(VARIADIC c), 6), (SELECT array_agg(clipped) FROM learnt_weights_table(fit_of(VARIADIC c))) AS clipped
FROM (VALUES ('{1,2,1}'::float8[]), ('{0.5,-3,1.5}'), ('{-1,-2}'), ('{0,0}'), ('{1e308,1e308,-1e308}'), ('{5e-324,5e-324}'), ('{}')) v(c);
SELECT learnt_weights('{"family": "logit", "status": "one_label"}'), learnt_weights(NULL), count(*) FROM learnt_weights_table('{"family": "logit", "status": "one_label"}');
SELECT error_and_hint('SELECT learnt_weights(''{}'')');
SELECT score, name, chosen_weight, chosen_share, learnt_share FROM learnt_weights_table(fit_of(3, 1), NULL, '{a}');
DROP FUNCTION fit_of;
DROP TABLE orders, fit, learnt;
DROP TABLE customers CASCADE;
DROP SCHEMA elsewhere CASCADE;
REVOKE USAGE ON SCHEMA scoring FROM propensity_reader;
DROP ROLE propensity_reader;
