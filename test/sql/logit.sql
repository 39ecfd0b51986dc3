-- logit_fit and logit_predict against Newton's method in plpgsql; independence
-- of order and plan; what has no answer; arguments.

CREATE TABLE sample AS
SELECT i, draw(i) < 1 / (1 + exp(1 - 0.8 * a + 0.02 * b)) AS label, ARRAY[a, b, c] AS x, 1 + i % 3 AS w
FROM (SELECT i, floor(4 * draw(i + 10000)) AS a, round((100 * draw(i + 20000))::numeric, 1)::float8 AS b, draw(i + 30000) - 0.5 AS c
        FROM generate_series(1, 600) i) s;

-- Newton's method, row by row: intercept, coefficients and their standard errors, and the log-likelihood
CREATE FUNCTION slow_logit(ridge float8, OUT coefficients float8[], OUT errors float8[], OUT log_likelihood float8) LANGUAGE plpgsql AS $$
DECLARE
  k int := 4;
  r record;
  v float8[];
  mean float8[] := (SELECT ARRAY[sum(w * x[1]), sum(w * x[2]), sum(w * x[3])] FROM sample);
  square float8[] := (SELECT ARRAY[sum(w * x[1] * x[1]), sum(w * x[2] * x[2]), sum(w * x[3] * x[3])] FROM sample);
  n float8 := (SELECT sum(w) FROM sample);
  h float8[];
  g float8[];
  p float8;
  f float8;
BEGIN
  coefficients := array_fill(0::float8, ARRAY[k]);
  FOR iteration IN 1..8 LOOP
    h := array_fill(0::float8, ARRAY[k, 2 * k]);
    g := array_fill(0::float8, ARRAY[k]);
    log_likelihood := 0;
    FOR i IN 1..k LOOP
      h[i][k + i] := 1;
      IF i > 1 THEN
        p := square[i - 1] / n - (mean[i - 1] / n) ^ 2;
        h[i][i] := ridge * p;
        g[i] := -ridge * p * coefficients[i];
      END IF;
    END LOOP;
    FOR r IN SELECT s.x, s.w, s.label FROM sample s LOOP
      v := 1::float8 || r.x;
      p := 0;
      FOR i IN 1..k LOOP p := p + coefficients[i] * v[i]; END LOOP;
      p := 1 / (1 + exp(-p));
      log_likelihood := log_likelihood + r.w * ln(CASE WHEN r.label THEN p ELSE 1 - p END);
      FOR i IN 1..k LOOP
        g[i] := g[i] + r.w * (r.label::int - p) * v[i];
        FOR j IN 1..k LOOP h[i][j] := h[i][j] + r.w * p * (1 - p) * v[i] * v[j]; END LOOP;
      END LOOP;
    END LOOP;
    -- invert h by Gauss and Jordan
    FOR i IN 1..k LOOP
      f := h[i][i];
      FOR j IN 1..2 * k LOOP h[i][j] := h[i][j] / f; END LOOP;
      FOR l IN 1..k LOOP
        IF l <> i THEN
          f := h[l][i];
          FOR j IN 1..2 * k LOOP h[l][j] := h[l][j] - f * h[i][j]; END LOOP;
        END IF;
      END LOOP;
    END LOOP;
    FOR i IN 1..k LOOP
      FOR j IN 1..k LOOP coefficients[i] := coefficients[i] + h[i][k + j] * g[j]; END LOOP;
      errors[i] := sqrt(h[i][k + i]);
    END LOOP;
  END LOOP;
END $$;

CREATE FUNCTION close_to(a float8, b float8, tolerance float8) RETURNS bool LANGUAGE sql AS
  $$ SELECT coalesce(abs(a - b) <= tolerance * (1 + abs(b)), false) $$;

-- Only disagreements are printed.
SELECT ridge, what, ours, theirs
FROM (VALUES (0::float8), (50)) r(ridge), slow_logit(ridge) s,
     LATERAL (SELECT logit_fit(label, x, w, ridge) AS f FROM sample) l,
     LATERAL (SELECT 'coefficient' AS what, c AS ours, s.coefficients[n] AS theirs FROM unnest(logit_coefficients(f)) WITH ORDINALITY u(c, n)
              UNION ALL SELECT 'error', t.standard_error, s.errors[t.feature + 1] FROM logit_table(f) t
              UNION ALL SELECT 'z', t.z, s.coefficients[t.feature + 1] / s.errors[t.feature + 1] FROM logit_table(f) t
              UNION ALL SELECT 'log-likelihood', (f ->> 'log_likelihood')::float8, s.log_likelihood
              UNION ALL SELECT 'prediction', max(logit_predict(f, x)),
                               max(1 / (1 + exp(-s.coefficients[1] - s.coefficients[2] * x[1] - s.coefficients[3] * x[2] - s.coefficients[4] * x[3]))) FROM sample
              UNION ALL SELECT 'rows', count(*), 9 FROM logit_table(f) t HAVING count(*) <> 4) v
WHERE NOT close_to(ours, theirs, 1e-9);

-- The document
SELECT key, CASE WHEN jsonb_typeof(value) = 'number' THEN round(value::numeric, 6)::text
                 WHEN key = 'means' THEN (SELECT string_agg(round(m::numeric, 6)::text, ', ' ORDER BY n) FROM jsonb_array_elements_text(value) WITH ORDINALITY AS u (m, n))
                 WHEN key IN ('parameters', 'standard_errors', 'z', 'p') THEN (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(value) k)
                 ELSE value::text END AS value
FROM jsonb_each((SELECT logit_fit(label, x) - 'gradient_norm' - 'iterations' FROM sample)) ORDER BY key COLLATE "C";
SELECT feature, name, round(coefficient::numeric, 6) AS coefficient, round(standard_error::numeric, 6) AS standard_error,
       round(z::numeric, 4) AS z, round(p::numeric, 6) AS p, round(odds_ratio::numeric, 4) AS odds_ratio
FROM logit_table((SELECT logit_fit(label, x) FROM sample), '{orders,days}');

-- A weight of 2 is a row twice; a weight of 0, or nothing known, is no row.
SELECT count(DISTINCT ARRAY(SELECT round(c::numeric, 12) FROM unnest(logit_coefficients(f)) c)) AS one, array_agg(f ->> 'n' ORDER BY f ->> 'n') AS n, array_agg(f ->> 'left_out' ORDER BY f ->> 'n') AS left_out
FROM (SELECT logit_fit(label, x, 1) FROM (SELECT * FROM sample UNION ALL SELECT * FROM sample WHERE i % 2 = 0) s
      UNION ALL SELECT logit_fit(label, x) FROM (SELECT * FROM sample UNION ALL SELECT * FROM sample WHERE i % 2 = 0) s
      UNION ALL SELECT logit_fit(label, x, w, 0) FROM (SELECT label, x, 1 + (i % 2 = 0)::int AS w FROM sample
                UNION ALL VALUES (true, '{5,5,5}'::float8[], 0), (NULL, '{5,5,5}', 1), (true, NULL, 1), (false, '{5,NULL,5}', 1), (NULL, NULL, 0)) s) v(f)
WHERE f ->> 'status' = 'converged';

/* ---- order and plans ---- */

CREATE TABLE many AS
SELECT i, draw(i) < 0.2 + 0.1 * (i % 5) AS label, ARRAY[(i % 5), round((10 * draw(i + 7))::numeric, 1), CASE WHEN i % 7 > 0 THEN draw(i * 3) ELSE 0.5 END]::float8[] AS x,
       CASE WHEN i % 3 = 0 THEN 0.1 ELSE 1 END::float8 AS w
FROM generate_series(1, 8000) i;
ANALYZE many;
CREATE TABLE result (how text, fit jsonb);
INSERT INTO result SELECT 'as it comes', logit_fit(label, x, w) FROM many;
INSERT INTO result SELECT 'ascending', logit_fit(label, x, w ORDER BY i) FROM many;
INSERT INTO result SELECT 'descending', logit_fit(label, x, w ORDER BY i DESC) FROM many;
INSERT INTO result SELECT 'shuffled ' || n, logit_fit(label, x, w ORDER BY draw(i + n * 100000)) FROM many, generate_series(1, 3) n GROUP BY n;
INSERT INTO result SELECT 'window', logit_fit(label, x, w) OVER () FROM many LIMIT 1;
INSERT INTO result SELECT 'minus zero', logit_fit(label, ARRAY[CASE WHEN x[1] = 0 THEN '-0' ELSE x[1] END, x[2], x[3]], w) FROM many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
INSERT INTO result SELECT 'workers', logit_fit(label, x, w) FROM many;
CREATE FUNCTION plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; plan text := '';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP plan := plan || line; END LOOP;
  RETURN plan;
END $$;
SELECT plan_of('SELECT logit_fit(label, x, w) FROM many') LIKE '%Finalize Aggregate%Gather%Partial Aggregate%' AS parallel;
RESET max_parallel_workers_per_gather;
SET enable_partitionwise_aggregate = on;
CREATE TABLE parts (LIKE many) PARTITION BY HASH (i);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parts SELECT * FROM many;
ANALYZE parts;
INSERT INTO result SELECT 'partitions', logit_fit(label, x, w) FROM parts;
SELECT how, fit - 'gradient_norm' FROM result WHERE fit <> (SELECT fit FROM result WHERE how = 'ascending');
SELECT count(*), count(DISTINCT fit::text) AS different, bool_and(fit ->> 'status' = 'converged') AS converged FROM result;
-- a worker without a row, a group without one
SELECT i % 2 AS half, logit_fit(label, x) FILTER (WHERE i % 2 = 1) ->> 'status' AS status FROM many GROUP BY 1 ORDER BY 1;
RESET ALL;
SET search_path = scoring, public;

/* ---- no answer ---- */

-- Status, reason, and that a prediction is NULL
CREATE FUNCTION said(fit jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' | ', fit ->> 'status', fit ->> 'reason', CASE WHEN fit ->> 'status' <> 'converged' THEN fit ->> 'parameters' END, logit_predict(fit, '{1,1}'))
$$;
SELECT said(logit_fit(label, x)) FROM sample WHERE false;
SELECT said(logit_fit(NULL, x)) FROM sample;
SELECT said(logit_fit(label, x)) FROM sample WHERE i = 1;
SELECT said(logit_fit(true, x)) FROM sample;
SELECT said(logit_fit(false, x, 1, 7)) FROM sample;
SELECT said(logit_fit(i <= 2, x)) FROM sample;
SELECT said(logit_fit(i > 1, x)) FROM sample;
SELECT said(logit_fit(label, ARRAY[x[1], 17])) FROM sample;
SELECT said(logit_fit(label, ARRAY[x[1], 3 * x[1] - 1])) FROM sample;
SELECT said(logit_fit(label, ARRAY[x[1], x[2], x[3], x[1] + x[3]])) FROM sample;
SELECT said(logit_fit(label, ARRAY[x[1], x[2]::real * 3, x[2]::real])) FROM sample;
SELECT said(logit_fit(label, ARRAY[x[1], label::int])) FROM sample;
SELECT said(logit_fit(x[1] + x[2] / 10 > 5, ARRAY[x[1], x[2]])) FROM sample;
SELECT said(logit_fit(label, ARRAY[x[1], (label AND x[2] > 95)::int])) FROM sample;
SELECT said(logit_fit(label, ARRAY[x[1], x[2] * 1e-311])) FROM sample;
SELECT said(logit_fit(label, x, 1e308)) FROM sample;
-- What to leave out, all of it: then the rest is a fit, in one pass. Two and three
-- aliases, copies, other scales, constants, codes of a class that add up to one,
-- and chains of sums; none is left out in vain.
CREATE FUNCTION without(x float8[], leave jsonb) RETURNS float8[] LANGUAGE sql IMMUTABLE AS
$$ SELECT array_agg(v ORDER BY n) FROM unnest(x) WITH ORDINALITY AS u (v, n) WHERE NOT leave @> to_jsonb(n) $$;
CREATE TABLE design AS
SELECT d.name, d.aliased, s.label, d.x FROM sample AS s, LATERAL (SELECT s.x[1] AS a, s.x[2] AS b, s.x[3] AS c) AS v, LATERAL (VALUES
  ('two aliases', 2, ARRAY[a, b, a + b, a - b]),
  ('three aliases', 3, ARRAY[a, a + b, b, c + a, a + b + c, c]),
  ('copies', 3, ARRAY[a, a, b, a, b]),
  ('scales', 2, ARRAY[a, b, 1e200 * a, 1e-200 * b - 1e-199]),
  ('offset', 1, ARRAY[a, b, 12345 - a / 7 + 3 * b]),
  ('constants', 2, ARRAY[17, a, b, 0]),
  ('constants and copies', 4, ARRAY[5, a, 2 * a, b, 5, a - b]),
  ('classes', 2, ARRAY[(i % 3 = 0)::int, (i % 3 = 1)::int, (i % 3 = 2)::int, a, (i % 2 = 0)::int, (i % 2 = 1)::int]),
  ('classes of all', 1, ARRAY[a, (i % 3 = 0)::int, (i % 3 = 1)::int, (i % 3 = 2)::int]),
  ('chain', 3, ARRAY[a, a + 1e-4 * b, a + 1e-4 * c, b, c, a + 1e-4 * (b + c)]),
  ('independent', 0, ARRAY[a, b, c])) AS d (name, aliased, x);
SELECT d.name, d.fit ->> 'status' AS status, d.fit -> 'named_features' AS named, d.fit -> 'leave_out' AS leave_out,
       jsonb_array_length(d.fit -> 'leave_out') = d.aliased AS as_many_as_must_go, r.status AS then, r.leave_out AS then_leave_out
FROM (SELECT name, aliased, logit_fit(label, x) AS fit FROM design GROUP BY name, aliased) AS d,
     LATERAL (SELECT f ->> 'status' AS status, f -> 'leave_out' AS leave_out
                FROM (SELECT logit_fit(e.label, without(e.x, d.fit -> 'leave_out')) AS f FROM design AS e WHERE e.name = d.name) AS f) AS r
ORDER BY d.name;
SELECT name, logit_fit(label, x) ->> 'reason' AS reason FROM design WHERE name IN ('two aliases', 'constants and copies', 'constants', 'copies') GROUP BY name ORDER BY name;
-- of many, every one is named
SELECT f -> 'leave_out' = (SELECT jsonb_agg(n) FROM generate_series(4, 24) AS n) AS leave_out, f ->> 'reason' ~ 'leave out features 4, 5, .*, 23 and 24, or' AS all_named
FROM (SELECT logit_fit(label, x || (SELECT array_agg(x[1 + n % 3] * (n % 5 + 1) + n ORDER BY n) FROM generate_series(1, 21) AS n)) AS f FROM sample) AS l;
DROP TABLE design;
DROP FUNCTION without;
-- a ridge gives an answer to most of them
SELECT v.name, f ->> 'status' AS status, round(t.coefficient::numeric, 4) AS coefficient, t.standard_error IS NULL AS no_error
FROM (SELECT 'constant' AS name, logit_fit(label, ARRAY[x[1], 17], 1, 1) AS f FROM sample
      UNION ALL SELECT 'collinear', logit_fit(label, ARRAY[x[1], 3 * x[1] - 1], 1, 1) FROM sample
      UNION ALL SELECT 'separated', logit_fit(label, ARRAY[x[1], label::int], 1, 1) FROM sample
      UNION ALL SELECT 'partly separated', logit_fit(label, ARRAY[x[1], (label AND x[2] > 95)::int], 1, 1) FROM sample
      UNION ALL SELECT 'few', logit_fit(i <= 2, x[1:2], 1, 1) FROM sample) v, logit_table(f) t
WHERE t.feature = 2 ORDER BY v.name;
-- one row away from separation is an answer
SELECT said(logit_fit(label, ARRAY[x[1], (label AND x[2] > 95 OR i = (SELECT min(i) FROM sample WHERE NOT label))::int]))
       LIKE 'converged | %' AS converged FROM sample;
-- no features: the share alone
SELECT close_to((logit_coefficients(f))[1], ln(p / (1 - p)), 1e-14) AS intercept, cardinality(logit_coefficients(f)) AS n, close_to(logit_predict(f, '{}'), p, 1e-14) AS share
FROM (SELECT logit_fit(label, '{}') AS f, count(*) FILTER (WHERE label) / count(*)::float8 AS p FROM sample) s;
-- units and offsets: huge, tiny
SELECT scale, f ->> 'status' AS status, close_to((logit_coefficients(f))[3] * scale, (logit_coefficients(g))[3], 1e-9) AS same,
       close_to((f ->> 'log_likelihood')::float8, (g ->> 'log_likelihood')::float8, 1e-12) AS same_likelihood
FROM (VALUES (1e300::float8), (1e-300), (1e6), (2e-5)) v(scale), LATERAL (SELECT logit_fit(label, ARRAY[x[1], x[2] * scale]) AS f, logit_fit(label, x[1:2]) AS g FROM sample) s;
SELECT said(logit_fit(label, ARRAY[x[1], CASE WHEN i = 1 THEN 1e300 ELSE x[2] END])) ~ '^(quasi_separation|converged)' AS said FROM sample;

/* ---- options ---- */

-- numbers of R 4.2: glm, and brglm2 0.9 (brglmFit, AS_mean), which is Firth's method for these models. With weights brglm2 stops at -60.6978621857813,
-- where R has taken a probability near 1 for 1; arithmetic of 40 digits gives -60.6978621792954529, 5.92999340957372114, 3.58160531204618847
CREATE TABLE points AS SELECT i, ARRAY[((i * 7919) % 101) / 10.0, (i * 31) % 17]::float8[] AS x, ((i * 7919) % 101) / 100.0 + ((i * 31) % 17) / 17.0 > 1 AS apart, (i * 104729) % 53 % 3 = 0 AS mixed, 1 + i % 3 AS w
  FROM generate_series(1, 60) AS i;
CREATE FUNCTION all_close(a float8[], b float8[], tolerance float8) RETURNS bool LANGUAGE sql AS
  $$ SELECT cardinality(a) = cardinality(b) AND bool_and(close_to(x, y, tolerance)) FROM unnest(a, b) AS u (x, y) $$;
SELECT f ->> 'status' AS status, f -> 'firth' AS firth, all_close(logit_coefficients(f), '{-34.90711064334275,3.46292093924816,2.05235501245307}', 1e-13) AS coefficients, f -> 'aic' AS aic, f -> 'bic' AS bic,
       all_close(v, '{220.3877259315180,-21.99097505472082,-12.822778733374541,-21.9909750547208,2.22635835420757,1.268925735100181,-12.8227787333745,1.26892573510018,0.756598500411105}', 1e-12) AS covariance
  FROM (SELECT logit_fit(apart, x, 1, 'firth') AS f, logit_covariance(apart, x, 1, 'firth') AS v FROM points) AS s;
SELECT all_close(logit_coefficients(f), '{-60.6978621792954529,5.92999340957372114,3.58160531204618847}', 1e-13) AS coefficients, all_close(logit_coefficients(f), logit_coefficients(g), 1e-13) AS as_rows, close_to((f ->> 'log_likelihood')::float8, (g ->> 'log_likelihood')::float8, 1e-13) AS log_likelihood
  FROM (SELECT logit_fit(apart, x, w, 'firth') AS f FROM points) AS s, (SELECT logit_fit(apart, x, 1, 'firth') AS g FROM points, generate_series(1, w)) AS t;
SELECT all_close(logit_coefficients(logit_fit(mixed, x, 1, 'firth')), '{-0.7836585098341586,0.0450565102922703,-0.0127130934890504}', 1e-13) AS coefficients FROM points;
SELECT all_close(logit_coefficients(f), '{-0.8294198830680597,0.0479789093375309,-0.0132790645016232}', 1e-14) AS coefficients, close_to((f ->> 'aic')::float8, 82.0318007051309, 1e-15) AS aic, close_to((f ->> 'bic')::float8, 88.3148343917972, 1e-15) AS bic,
       all_close(v, '{0.6222049420214579,-0.056086951143656458,-0.031719712820984583,-0.0560869511436565,0.009361408970733263,0.000949285452372029,-0.0317197128209846,0.000949285452372029,0.003312103246224950}', 1e-11) AS covariance, array_dims(v) AS dims
  FROM (SELECT logit_fit(mixed, x) AS f, logit_covariance(mixed, x) AS v FROM points) AS s;
SELECT feature, round(low::numeric, 12) AS low, round(high::numeric, 12) AS high FROM logit_table((SELECT logit_fit(mixed, x) FROM points));
SELECT feature, round(low::numeric, 6) AS low, round(high::numeric, 6) AS high FROM logit_table((SELECT logit_fit(mixed, x) FROM points), confidence => 0.5);
SELECT error_and_hint('SELECT * FROM logit_table(''{"family": "logit", "status": "converged", "parameters": {"intercept": 0, "coefficients": []}}'', confidence => 1)');
-- errors are the roots of the diagonal, with weights and with a ridge, too; a feature without an error has no covariance
SELECT how, bool_and(close_to(v[t.feature + 1][t.feature + 1], t.standard_error ^ 2, 1e-13) OR num_nulls(v[t.feature + 1][t.feature + 1], t.standard_error) = 2) AS squares, bool_and(v[t.feature + 1][u.feature + 1] IS NOT DISTINCT FROM v[u.feature + 1][t.feature + 1]) AS symmetric
  FROM (SELECT 'weights' AS how, logit_fit(label, x, w) AS f, logit_covariance(label, x, w) AS v FROM many UNION ALL SELECT 'ridge', logit_fit(label, x, 1, 2), logit_covariance(label, x, 1, 2) FROM sample
        UNION ALL SELECT 'constant, ridge', logit_fit(label, x || 5::float8, 1, 2), logit_covariance(label, x || 5::float8, 1, 2) FROM sample) AS s, logit_table(f) AS t, logit_table(f) AS u GROUP BY how ORDER BY how;
-- a constant is nobody's error
SELECT f -> 'standard_errors' ->> 'intercept' = g -> 'standard_errors' ->> 'intercept' AS as_without FROM (SELECT logit_fit(label, x || 5::float8, 1, 2) AS f, logit_fit(label, x, 1, 2) AS g FROM sample) AS s;
-- only where it must be
SELECT what, f ->> 'status' AS status, f -> 'firth' AS firth, f ->> 'reason' IS NULL AS no_reason, f - 'firth' = g - 'firth' AS as_asked
  FROM (SELECT 'apart' AS what, logit_fit(apart, x, 1, 'firth_if_separated') AS f, logit_fit(apart, x, 1, 'firth') AS g FROM points UNION ALL SELECT 'mixed', logit_fit(mixed, x, 1, 'firth_if_separated'), logit_fit(mixed, x) FROM points
        UNION ALL SELECT 'half apart', logit_fit(label, ARRAY[x[1], (label AND x[2] > 95)::int], 1, 'firth_if_separated'), logit_fit(label, ARRAY[x[1], (label AND x[2] > 95)::int], 1, 'firth') FROM sample
        UNION ALL SELECT 'few', logit_fit(i <= 2, x, 1, 'firth_if_separated'), logit_fit(i <= 2, x, 1, 'firth') FROM points WHERE i < 5 OR i > 7
        UNION ALL SELECT 'one label', logit_fit(true, x, 1, 'firth_if_separated'), logit_fit(true, x, 1, 'firth') FROM points
        UNION ALL SELECT 'collinear', logit_fit(apart, x || x[1] * 2, 1, 'firth_if_separated'), logit_fit(apart, x || x[1] * 2, 1, 'firth') FROM points) AS s ORDER BY what;
-- the score of the penalised likelihood is 0 there: sum of (label - p + h (1/2 - p)) x, h the part that a row has of the information
WITH fitted AS (SELECT i, label, ARRAY[1] || x AS x, logit_predict(f, x) AS p, v FROM sample, (SELECT logit_fit(label, x, 1, 'firth') AS f, logit_covariance(label, x, 1, 'firth') AS v FROM sample) AS s WHERE label IS NOT NULL AND x IS NOT NULL AND array_position(x, NULL) IS NULL),
hats AS (SELECT i, label, x, p, p * (1 - p) * (SELECT sum(x[a] * v[a][b] * x[b]) FROM generate_series(1, cardinality(x)) AS a, generate_series(1, cardinality(x)) AS b) AS h FROM fitted)
SELECT count(*) > 500 AS many, close_to(sum(h), 4, 1e-12) AS parts_add_up, abs(sum(label::int - p + h * (0.5 - p))) < 1e-9 AS intercept, abs(sum((label::int - p + h * (0.5 - p)) * x[2])) < 1e-7 AS first, abs(sum((label::int - p + h * (0.5 - p)) * x[4])) < 1e-7 AS third FROM hats;
-- dropped: the fit of the others, at their places
SELECT f ->> 'status' AS status, f -> 'leave_out' AS leave_out, logit_coefficients(f) = c[1:2] || 0::float8 || c[3] || 0::float8 AS coefficients, f ->> 'aic' = g ->> 'aic' AS aic, f -> 'standard_errors' #>> '{coefficients,1}' IS NULL AS no_error,
       v[4][2] = w[3][2] AND v[5][5] IS NULL AND v[1][3] IS NULL AS covariance, f -> 'means' AS means
  FROM (SELECT logit_fit(mixed, ARRAY[x[1], 2 * x[1] - 1, x[2], 7], 1, 'drop_aliased') AS f, logit_fit(mixed, x) AS g, logit_coefficients(logit_fit(mixed, x)) AS c, logit_covariance(mixed, ARRAY[x[1], 2 * x[1] - 1, x[2], 7], 1, 'drop_aliased') AS v,
               logit_covariance(mixed, x) AS w FROM points) AS s;
SELECT logit_coefficients(f) = c || 0::float8 AS both, f -> 'firth' AS firth FROM (SELECT logit_fit(apart, x || x[2] / 3, 1, 'drop_aliased,firth_if_separated') AS f, logit_coefficients(logit_fit(apart, x, 1, 'firth')) AS c FROM points) AS s;
SELECT said(logit_fit(mixed, ARRAY[3, 4], 1, 'drop_aliased')), logit_fit(mixed, ARRAY[3, 4], 1, 'drop_aliased') -> 'leave_out' AS leave_out, said(logit_fit(apart, x || x[1], 1, 'drop_aliased')), said(logit_fit(i <= 2, x || x[1], 1, 'drop_aliased')) FROM points;
SELECT logit_covariance(apart, x), logit_covariance(NULL, x), logit_covariance(true, x) FROM points;
SELECT count(DISTINCT f) AS fits FROM (SELECT logit_fit(apart, x || x[1], w, 'firth,drop_aliased' ORDER BY i) AS f FROM points UNION ALL SELECT logit_fit(apart, x || x[1], w, 'firth,drop_aliased' ORDER BY -i) FROM points
  UNION ALL SELECT logit_fit(apart, x || x[1], w, 'drop_aliased,firth' ORDER BY draw(i)) FROM points) AS s;
DROP TABLE points;
DROP FUNCTION all_close;

/* ---- the choice of a ridge ---- */

-- each row predicted by a fit of all the others: as many folds as rows
CREATE TABLE few AS SELECT i, ARRAY[((i * 7919) % 101) / 10.0, (i * 31) % 17]::float8[] AS x, (i * 104729) % 53 % 3 = 0 AS label, 1 + i % 2 AS w FROM generate_series(1, 40) AS i;
WITH slow AS (
  SELECT r, sum(w * -ln(CASE WHEN label THEN p ELSE 1 - p END)) / sum(w) AS loss, stddev_samp(-ln(CASE WHEN label THEN p ELSE 1 - p END)) / sqrt(count(*)) AS error
    FROM unnest('{0,1,8}'::float8[]) AS r, few AS f, LATERAL (SELECT logit_predict(logit_fit(o.label, o.x, o.w, r), f.x) AS p FROM few AS o WHERE o.i <> f.i) AS p GROUP BY r)
SELECT ridge, close_to(log_loss, loss, 1e-12) AS log_loss, close_to(standard_error, error, 1e-9) AS standard_error, is_best, status FROM slow JOIN choose_ridge_table((SELECT choose_ridge(label, x, w, '{1,0,8}', 40) FROM few)) ON ridge = r ORDER BY ridge;
-- folds of equal rows: whichever they get, it is the same
SELECT c - 'choices' AS choice, close_to((c #>> '{choices,0,log_loss}')::float8, -ln(0.5), 1e-12) AS log_loss, close_to((c #>> '{choices,0,standard_error}')::float8, 0, 1e-12) AS no_error
  FROM (SELECT choose_ridge(i % 2 = 0, '{}', 1, '{1}', 5) AS c FROM generate_series(1, 100) AS i) AS s;
-- features that say nothing want a large ridge, one that says much a small one
SELECT (c ->> 'ridge')::float8 AS ridge, (c ->> 'simplest_ridge')::float8 >= (c ->> 'ridge')::float8 AS simplest_is_larger FROM (SELECT choose_ridge(draw(i * 3) < 0.3, ARRAY[draw(i * 5), draw(i * 7), draw(i * 11)], 1, '{0.1,1,10,100,10000}', 10) AS c FROM generate_series(1, 400) AS i) AS s;
SELECT (c ->> 'ridge')::float8 AS ridge FROM (SELECT choose_ridge(draw(i * 3) < 1 / (1 + exp(3 - 6 * draw(i * 5))), ARRAY[draw(i * 5)], 1, '{0.1,100,10000}', 10) AS c FROM generate_series(1, 400) AS i) AS s;
-- a fold that can't be fitted: with a ridge it can
SELECT ridge, log_loss IS NULL AS no_loss, is_best, status FROM choose_ridge_table((SELECT choose_ridge(i <= 20, ARRAY[i, i % 3]::float8[], 1, '{0,1,2}', 4) FROM few));
SELECT choose_ridge(label, x, 1, '{1}', 50) FROM few;
SELECT choose_ridge(label, x, 0, '{1}', 5), choose_ridge(NULL, x, 1, '{1}', 5) FROM few WHERE i < 3;
SELECT choose_ridge(label, x, 1, '{1}', 5) FROM few WHERE false;
SELECT count(DISTINCT c) AS choices FROM (SELECT choose_ridge(label, x, w, '{0.5,5}', 7 ORDER BY i) AS c FROM many UNION ALL SELECT choose_ridge(label, x, w, '{0.5,5}', 7 ORDER BY -i) FROM many UNION ALL SELECT choose_ridge(label, x, w, '{0.5,5}', 7 ORDER BY draw(i)) FROM many) AS s;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3;
SELECT (SELECT choose_ridge(label, x, w, '{0.5,5}', 7) FROM many) = (SELECT choose_ridge(label, x, w, '{0.5,5}', 7 ORDER BY i) FROM many) AS with_workers;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;
SELECT * FROM choose_ridge_table(NULL);
SELECT error_and_hint('SELECT choose_ridge(label, x, ' || arguments || ') FROM few') FROM unnest(ARRAY['1, NULL, 5', '1, ''{}'', 5', '1, ''{1,NULL}'', 5', '1, ''{-1}'', 5', '1, ''{Infinity}'', 5', '1, ''{{1},{2}}'', 5', '1, array_fill(1::float8, ARRAY[101]), 5', '1, ''{1}'', NULL',
  '1, ''{1}'', 1', '1, ''{1}'', 1001', '1, ''{1}'', 2 + i % 2', '1, ARRAY[i], 5', 'NULL, ''{1}'', 5']) AS arguments;
DROP TABLE few;

/* ---- predictions ---- */

SELECT logit_predict(f, '{0,0}'), logit_predict(f, '{1,NULL}'), logit_predict(f, NULL), logit_predict(NULL, '{1,2}'),
       logit_predict(f, '[5:6]={0,0}'), logit_predict(f, '{1000,0}'), logit_predict(f, '{-1000,0}'), logit_predict(f, '{1e300,0}')
FROM (VALUES ('{"family": "logit", "status": "converged", "parameters": {"intercept": 0, "coefficients": [1, -2]}}'::jsonb)) v(f);
-- another fit in every row
SELECT logit_predict(f, '{0}') FROM (VALUES ('{"family": "logit", "status": "converged", "parameters": {"intercept": 0, "coefficients": [1]}}'::jsonb),
  ('{"family": "logit", "status": "converged", "parameters": {"intercept": 800, "coefficients": [1]}}'), ('{"family": "logit", "status": "no_rows"}'),
  ('{"family": "propensity", "fit": {"family": "logit", "status": "converged", "parameters": {"intercept": -800, "coefficients": [1]}}}')) v(f);
SELECT error_and_hint(format('SELECT logit_predict(%L, ''{1,2}'')', f)) FROM unnest(ARRAY['[]', '1', '{}', '{"family": "kmeans"}', '{"family": "logit"}', '{"family": "propensity"}',
  '{"family": "logit", "status": "converged"}', '{"family": "logit", "status": "converged", "parameters": {}}',
  '{"family": "logit", "status": "converged", "parameters": {"intercept": 1, "coefficients": {}}}',
  '{"family": "logit", "status": "converged", "parameters": {"intercept": 1, "coefficients": ["1", 2]}}',
  '{"family": "logit", "status": "converged", "parameters": {"intercept": 1e400, "coefficients": [1, 2]}}',
  '{"family": "logit", "status": "converged", "parameters": {"coefficients": [1, 2]}}',
  '{"family": "logit", "status": "converged", "parameters": {"intercept": 1, "coefficients": [1, 2, 3]}}',
  '{"family": "logit", "status": "converged", "parameters": {"intercept": 1, "coefficients": [1e308, -1e308]}}']::text[]) f;
SELECT error_and_hint(format('SELECT logit_predict(%L, %L)', '{"family": "logit", "status": "converged", "parameters": {"intercept": 0, "coefficients": [1e308, -1e308]}}', x))
FROM unnest(ARRAY['{NaN,1}', '{1,Infinity}', '{{1,2}}', '{10,10}', '{1,2,3}']) x;

/* ---- arguments ---- */

SELECT error_and_hint('SELECT logit_fit(label, ' || arguments || ') FROM sample') FROM unnest(ARRAY['ARRAY[x[1], ''NaN'']', 'ARRAY[x[1], ''-Infinity'']',
  'CASE WHEN i < 9 THEN x ELSE x[1:2] END', 'CASE WHEN i < 9 THEN x ELSE ''{NULL,NULL}'' END', 'ARRAY[x, x]', 'array_fill(1::float8, ARRAY[501])', 'x, -1', 'x, ''NaN''', 'x, NULL', 'x, 1, -1', 'x, 1, ''Infinity''::float8', 'x, 1, NULL::float8', 'x, 1, i',
  'x, 1, NULL', 'x, 1, ''''', 'x, 1, ''ridge''', 'x, 1, ''firth,''', 'x, 1, ''firth,firth_if_separated''', 'x, 1, ''Firth''', 'x, 1, CASE WHEN i < 9 THEN ''firth'' ELSE ''drop_aliased'' END', 'x, NULL, ''firth''']) arguments;
-- 500 features are not too many
SELECT fit ->> 'status' AS status, jsonb_array_length(fit -> 'parameters' -> 'coefficients') AS coefficients
FROM (SELECT logit_fit(i % 2 = 0, x, 1, 1) AS fit FROM (SELECT i, array_agg(draw(i * 1000 + j)) AS x FROM generate_series(1, 60) i, generate_series(1, 500) j GROUP BY i) s) f;
DROP TABLE sample, many, parts, result;
DROP FUNCTION slow_logit, close_to, plan_of, said;
