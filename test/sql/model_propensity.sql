-- Propensity from orders and streams, and that of people without an order: features,
-- fits, probabilities and contributions against plain SQL over the events themselves.
-- Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
SET extra_float_digits = 1;
\set SHOW_CONTEXT never

CREATE SCHEMA pr;
-- 900 customers: the 400 of the shop, and 500 others of whom some order in the end, the
-- more they look the sooner. Two streams: looks, and ratings with amounts and corrections.
CREATE FUNCTION pr.u(i bigint, seed int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint8extended(i, seed) & 1073741823) / 1073741824.0::float8 $$;
CREATE TABLE pr.people AS SELECT c AS customer_id, pr.u(c, 31) AS keen, date '2024-03-01' + (pr.u(c, 32) * 600)::int AS since,
  (ARRAY['north', 'south', 'a:b', E'back\\slash'])[1 + c % 4] AS branch FROM generate_series(1, 900) AS c;
CREATE TABLE pr.looks AS
SELECT p.customer_id, p.since + (pr.u(p.customer_id * 1000 + n, 33) * (date '2026-01-20' - p.since))::int AS day,
       (ARRAY['page_view', 'add_to_cart', 'other thing'])[1 + n % 3] AS kind, p.branch
FROM pr.people AS p, generate_series(1, (2 + 40 * p.keen * p.keen)::int) AS n WHERE p.customer_id % 11 <> 0;
CREATE TABLE pr.ratings AS
SELECT l.customer_id, l.day, round((10 * pr.u(l.customer_id, 34) - 1)::numeric, 1) AS points, l.branch FROM pr.looks AS l WHERE kind = 'page_view' AND customer_id % 3 = 0;
CREATE TABLE pr.orders AS
SELECT customer_id, ordered_on, total, branch FROM shopdata.orders
UNION ALL
SELECT l.customer_id, l.day + 1 + l.customer_id % 20, 20, l.branch FROM pr.looks AS l JOIN pr.people AS p USING (customer_id)
WHERE customer_id > 400 AND kind = 'add_to_cart' AND pr.u(customer_id * 7 + (day - date '2024-01-01'), 35) < 0.12 * p.keen;
CREATE INDEX ON pr.looks (customer_id, day); CREATE INDEX ON pr.ratings (customer_id, day); CREATE INDEX ON pr.orders (customer_id, ordered_on);
ANALYZE pr.looks, pr.ratings, pr.orders;

-- What a stream says on a day, event by event.
CREATE FUNCTION pr.features(events text, who int, as_of date) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE f float8[];
BEGIN
  EXECUTE format('SELECT ARRAY[ln(1 + least(coalesce($2 - max(day) FILTER (WHERE points >= 0), 730), 730)::float8),
      ln(1 + count(*) FILTER (WHERE points >= 0 AND day > $2 - 30)::float8), ln(1 + count(*) FILTER (WHERE points >= 0 AND day > $2 - 90)::float8),
      sign(coalesce(sum(points * 2 ^ (-($2 - day) / 30.0::float8)), 0)) * ln(1 + abs(coalesce(sum(points * 2 ^ (-($2 - day) / 30.0::float8)), 0)))]
    FROM (%s) AS e WHERE customer_id = $1 AND day <= $2', events) INTO f USING who, as_of;
  RETURN f;
END $$;
-- Those of orders come from propensity_features, which test/sql/propensity.sql compares.
CREATE FUNCTION pr.all_features(who int, as_of date, orders boolean) RETURNS float8[] LANGUAGE sql AS $$
  SELECT CASE WHEN orders THEN (SELECT propensity_features(sum(history(ordered_on, total)), $2) FROM (SELECT customer_id, ordered_on, total FROM pr.orders WHERE customer_id = $1) AS o) ELSE '{}' END
    || pr.features('SELECT customer_id, day, 1 AS points FROM pr.looks', $1, $2) || pr.features('SELECT customer_id, day, points FROM pr.ratings', $1, $2)
$$;
CREATE FUNCTION pr.same(a float8[], b float8[], tolerance float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT cardinality(a) = cardinality(b) AND bool_and(abs(x - y) <= tolerance * greatest(1, abs(x))) FROM unnest(a, b) AS u (x, y) $$;

SELECT item, detail FROM create_model('pm', 'pr.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', prediction => 'mbgnbd') WHERE item ~ 'predict';
CREATE TABLE pr.before AS SELECT customer_key, propensity_90d FROM pm.customer_scores;
-- until the model is calibrated, the fit by orders goes on
SELECT item, detail FROM add_stream('pm', 'looks', 'pr.looks', customer => 'customer_id', day => 'day', kind => 'kind') WHERE item = 'note';
SELECT count(*) FROM add_stream('pm', 'ratings', 'pr.ratings', customer => 'customer_id', day => 'day', value => 'points');
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE b.propensity_90d IS DISTINCT FROM s.propensity_90d) AS different FROM pr.before AS b JOIN pm.customer_scores AS s USING (customer_key);
SELECT propensity_reason, count(*) > 0 AS some, count(propensity_90d) FROM pm.customer_scores WHERE last_order_on IS NULL GROUP BY 1;
SELECT DISTINCT fit, parameter FROM pm.prediction_fits WHERE fit ~ 'prop|prospects' AND parameter ~ '\.';
SELECT item, detail FROM calibrate_model('pm') WHERE item ~ 'propensity|prospects';
SELECT fit, string_agg(parameter, ', ' ORDER BY n) FROM (SELECT f.*, row_number() OVER () AS n FROM pm.prediction_fits AS f) AS f WHERE fit IN ('propensity', 'prospects') GROUP BY fit;

-- Features, of customers and of prospects, on three days.
SELECT to_char(day, 'YYYY-MM-DD') AS day, count(*) > 100 AS many, count(*) FILTER (WHERE NOT pr.same(c.f, pr.all_features(c.who, day, c.orders), 1e-9)) AS different
FROM unnest('{2024-09-30,2025-10-02,2025-12-31}'::date[]) AS day, LATERAL (
  SELECT h.customer_key::int AS who, last_day(h.history, day) IS NOT NULL AS orders,
    _propensity_features(CASE WHEN last_day(h.history, day) IS NULL THEN '{}' ELSE '{1,2,3,4,5,6,7}'::int[] END || '{17,18,19,20,33,34,35,36}', h.history, h.streams, day) AS f
  FROM pm._customers AS h WHERE h.customer_key::int % 3 = 0) AS c GROUP BY day ORDER BY day;
-- a known one, small enough for paper: 2 events today, 1 of 30 days ago, 3 of 60; points 4, 1 and 3, halved each 30 days: 4 + 0.5 + 0.75
SELECT pr.same(_propensity_features('{17,18,19,20,33}', '{}', '{1/1={2025-12-31:2:4,2025-12-01:1:1},1/7={2025-11-01:3:3.00,2026-01-05:1:99}}', '2025-12-31'),
  ARRAY[ln(1), ln(3), ln(7), ln(1 + 5.25), ln(731)]::float8[], 1e-12);
-- of more streams than there is room for at hand, in any order
SELECT pr.same(f, (SELECT array_agg(ln(1 + n::float8) ORDER BY n DESC) FROM generate_series(1, 40) AS n), 1e-12) AS many
FROM _propensity_features((SELECT array_agg(16 * n + 3 ORDER BY n DESC) FROM generate_series(1, 40) AS n), '{}',
  (SELECT stream_histories_agg(n, n, sum_of_days) FROM (SELECT n, sum(history(date '2025-12-31' - k, 1)) AS sum_of_days FROM generate_series(1, 40) AS n, generate_series(1, n) AS k GROUP BY n) AS s), '2025-12-31') AS f;
-- by their names, whatever the order; none where one is not there
SELECT _propensity_codes(jsonb_build_object('features', propensity_feature_names() || ARRAY(SELECT 'web.' || n FROM unnest(_stream_feature_names()) AS n)), '{"web": 3}') AS codes,
  _propensity_codes('{"features": ["b.log1p_points", "log1p_total", "a.log1p_events_30d"]}', '{"a": 1, "b": 255}') AS other_order,
  _propensity_codes('{"features": ["web.log1p_points"]}', '{"we": 1}') IS NULL AS no_stream, _propensity_codes('{"features": ["log1p_nothing"]}', '{}') IS NULL AS no_feature,
  _propensity_codes('{}', '{}') IS NULL AS no_names, _propensity_codes('{"features": [1]}', '{}') IS NULL AS no_text, _propensity_codes('{"features": ["web.log1p_points"]}', '{"web": 256}') IS NULL AS too_far;
-- the same bits however kinds tell the events apart
SELECT count(DISTINCT _propensity_features('{20}', '{}', s, '2025-12-31')) FROM (VALUES ('{1/1={2025-12-30:1:0.1,2025-12-24:1:0.2,2025-11-30:1:0.3,2025-07-01:1:7.7}}'::stream_histories),
  ('{1/1={2025-12-24:1:0.2},1/2={2025-07-01:1:7.7,2025-12-30:1:0.1},1/9={2025-11-30:1:0.3}}'), ('{1/1={2025-07-01:1:7.7},1/2={2025-11-30:1:0.3},1/3={2025-12-24:1:0.2},1/4={2025-12-30:1:0.1}}')) AS v (s);

-- The fits. At the maximum the gradient of the penalised likelihood is zero: for each
-- feature sum((label - p) x) = ridge * coefficient * variance, the ridge being 1.
CREATE FUNCTION pr.rows(orders boolean) RETURNS TABLE (label boolean, x float8[]) LANGUAGE sql AS $$
  SELECT EXISTS (SELECT FROM pr.orders AS o WHERE o.customer_id = c.who AND o.total >= 0 AND o.ordered_on > '2025-10-02' AND o.ordered_on <= '2025-12-31'),
    pr.all_features(c.who, '2025-10-02', $1)
  FROM (SELECT DISTINCT customer_id AS who FROM pr.orders UNION SELECT customer_id FROM pr.looks) AS c
  WHERE CASE WHEN $1 THEN EXISTS (SELECT FROM pr.orders AS o WHERE o.customer_id = c.who AND o.total >= 0 AND o.ordered_on <= '2025-10-02')
    ELSE NOT EXISTS (SELECT FROM pr.orders AS o WHERE o.customer_id = c.who AND o.total >= 0 AND o.ordered_on <= '2025-10-02')
      AND EXISTS (SELECT FROM pr.looks AS l WHERE l.customer_id = c.who AND l.day <= '2025-10-02') END
$$;
CREATE TABLE pr.cases AS SELECT people, r.label, r.x FROM (VALUES ('customers', true), ('prospects', false)) AS v (people, orders), pr.rows(v.orders) AS r;
CREATE TABLE pr.fits AS SELECT v.people, v.fit FROM pm.calibration AS k, LATERAL (VALUES ('customers', k.propensity_fit), ('prospects', k.prospect_fit)) AS v (people, fit)
WHERE k.version = (SELECT max(version) FROM pm.calibration);
SELECT f.people, f.fit ->> 'status' AS status, (f.fit ->> 'n')::int = count(*) AS n, (f.fit ->> 'n_positive')::int = count(*) FILTER (WHERE label) AS positive,
  count(*) FILTER (WHERE label) > 12 AS enough FROM pr.fits AS f JOIN pr.cases AS c USING (people) GROUP BY f.people, f.fit ORDER BY 1;
SELECT g.people, count(*) AS parameters, max(abs(g.gradient)) < 1e-6 AS gradient_is_zero, max(abs(g.mean - CASE WHEN g.j = 0 THEN 1 ELSE (f.fit -> 'means' ->> (g.j - 1)::int)::float8 END)) < 1e-9 AS means
FROM (SELECT people, j, sum((label::int - p) * xj) - CASE WHEN j > 0 THEN b * var_pop(xj) ELSE 0 END AS gradient, avg(xj) AS mean
      FROM (SELECT c.people, c.label, u.j, u.xj, (logit_coefficients(f.fit))[u.j + 1] AS b, logit_predict(f.fit, c.x) AS p
            FROM pr.cases AS c JOIN pr.fits AS f USING (people) CROSS JOIN LATERAL unnest(ARRAY[1::float8] || c.x) WITH ORDINALITY AS o (xj, n)
            CROSS JOIN LATERAL (SELECT o.n - 1 AS j, o.xj) AS u) AS s GROUP BY people, j, b) AS g JOIN pr.fits AS f USING (people) GROUP BY g.people ORDER BY 1;

-- Probabilities: 1 / (1 + exp(-...)) of these features, today and on another day, by the fit of today.
SELECT to_char(day, 'YYYY-MM-DD') AS day, s.last_order_on IS NULL AS prospect, count(*) > 20 AS some, count(*) FILTER (WHERE s.propensity_90d IS NULL) AS without, string_agg(DISTINCT s.propensity_reason, ' ') AS reason,
  count(*) FILTER (WHERE s.propensity_90d IS NOT NULL AND (abs(s.propensity_90d - logit_predict(f.fit, pr.all_features(s.customer_key::int, day, s.last_order_on IS NOT NULL))) < 1e-9) IS NOT TRUE) AS different
FROM unnest('{2025-06-30,2025-12-31}'::date[]) AS day, pm.customer_scores_at(day, 2) AS s JOIN pr.fits AS f ON f.people = CASE WHEN s.last_order_on IS NULL THEN 'prospects' ELSE 'customers' END
WHERE s.customer_key::int % 4 = 1 GROUP BY day, prospect ORDER BY day, prospect;
-- prospects who come are told from those who don't
SELECT auc(s.propensity_90d, EXISTS (SELECT FROM pr.orders AS o WHERE o.customer_id::text = s.customer_key AND o.ordered_on > '2025-10-02' AND o.ordered_on <= '2025-12-31')) > 0.6 AS better_than_chance
FROM pm.customer_scores_at('2025-10-02', 2) AS s WHERE s.last_order_on IS NULL;

-- Contributions add up, base included, to the log-odds; the largest come first.
CREATE FUNCTION pr.check_details(who text) RETURNS boolean LANGUAGE sql AS $$
  SELECT abs(sum(d.contribution) - ln(s.propensity_90d / (1 - s.propensity_90d))) < 1e-8
    AND bool_and(d.rank = 0 OR abs(d.contribution - d.coefficient * (d.value - d.mean)) < 1e-12) AND count(*) = CASE WHEN s.last_order_on IS NULL THEN 9 ELSE 16 END
    AND abs(sum(abs(d.share)) - 1) < 1e-9 AND array_agg(d.rank ORDER BY abs(d.contribution) DESC) FILTER (WHERE d.rank > 0) = array_agg(d.rank ORDER BY d.rank) FILTER (WHERE d.rank > 0)
  FROM pm.customer_scores AS s, pm.propensity_details($1) AS d WHERE s.customer_key = $1 GROUP BY s.propensity_90d, s.last_order_on $$;
SELECT count(*), count(*) FILTER (WHERE pr.check_details(customer_key) IS NOT TRUE) AS wrong
FROM (SELECT customer_key FROM pm.customer_scores WHERE propensity_90d IS NOT NULL AND customer_key::int % 37 = 5 ORDER BY 1) AS c;
SELECT d.rank, d.part, d.feature, d.explanation ~ '\d' AS said FROM pm.propensity_details((SELECT min(customer_key) FROM pm.customer_scores WHERE last_order_on IS NULL AND propensity_90d > 0.1)) AS d WHERE rank IN (0, 1);
SELECT count(*) FROM pm.propensity_details('nobody');
SELECT count(*) FROM pm.propensity_details(NULL);
-- on a past day, and in French
SELECT count(*) AS rows, bool_and(explanation ~ 'moyen') AS french FROM pm.propensity_details((SELECT min(customer_key) FROM pm.customer_scores WHERE last_order_on IS NOT NULL), '2025-12-31', 'fr');
-- explain_score has the three largest
SELECT e.topic, count(*), bool_and(e.explanation = d.explanation AND abs(e.contribution - d.contribution) < 1e-12) AS same
FROM (SELECT min(customer_key) AS who FROM pm.customer_scores WHERE last_order_on IS NULL AND propensity_90d IS NOT NULL) AS w,
  LATERAL (SELECT e.*, row_number() OVER (PARTITION BY e.topic ORDER BY e.position) AS n FROM explain_score('pm', w.who) AS e WHERE e.topic ~ 'propensity') AS e
  LEFT JOIN LATERAL pm.propensity_details(w.who) AS d ON e.topic = 'propensity_reason' AND d.rank = e.n GROUP BY e.topic ORDER BY e.topic;
-- every text, in both languages
SELECT l, f, _propensity_words(f, v, 1.5, c, 2, l) FROM unnest('{en,fr}'::text[]) AS l,
  (VALUES ('log1p_recency_days', ln(13.0::float8), 0.5), ('log1p_active_days', ln(4.0), -1), ('log1p_total', ln(1234.5), 1), ('log1p_total', -ln(11.0), 1), ('log1p_tenure_days', ln(401.0), 0), ('log1p_silence', ln(3.5), -2),
    ('log1p_events_90d', ln(3.0), 1), ('log1p_events_365d', ln(8.0), 1), ('looks.log1p_recency_days', ln(8.0), 1), ('looks.log1p_recency_days', ln(731.0), -1), ('looks.log1p_events_30d', ln(5.0), 1),
    ('looks.log1p_events_90d', 0, -1), ('looks.log1p_points', ln(9.25), 1), ('base', NULL, -2)) AS v (f, v, c);

-- The hold-out, with and without the streams, against the same by hand.
SELECT item FROM check_prediction('pm') WHERE item ~ 'propensity';
SELECT people, features, status, customers > 50 AS many, actual_active > 5 AS some FROM pm.propensity_check;
CREATE TABLE pr.trained AS SELECT v.people, logit_fit(c.label, c.x, 1, 1) AS fit FROM (VALUES ('customers', true), ('prospects', false)) AS v (people, orders), LATERAL (
  SELECT EXISTS (SELECT FROM pr.orders AS o WHERE o.customer_id = c.who AND o.total >= 0 AND o.ordered_on > '2025-07-04' AND o.ordered_on <= '2025-10-02') AS label, pr.all_features(c.who, '2025-07-04', v.orders) AS x
  FROM (SELECT DISTINCT customer_id AS who FROM pr.orders UNION SELECT customer_id FROM pr.looks) AS c
  WHERE v.orders = EXISTS (SELECT FROM pr.orders AS o WHERE o.customer_id = c.who AND o.total >= 0 AND o.ordered_on <= '2025-07-04')
    AND (v.orders OR EXISTS (SELECT FROM pr.looks AS l WHERE l.customer_id = c.who AND l.day <= '2025-07-04'))) AS c GROUP BY v.people;
SELECT k.people, k.customers = t.n AS customers, k.actual_active = t.positive AS actual, abs(k.auc - t.auc) < 1e-6 AS auc, abs(k.brier_score - t.brier) < 1e-6 AS brier, abs(k.lift_top_tenth - t.lift) < 1e-6 AS lift,
  abs(k.predicted_share - t.p) < 1e-6 AS p, abs(k.brier_score_of_actual - t.positive::float8 / t.n * (1 - t.positive::float8 / t.n)) < 1e-12 AS constant
FROM (SELECT c.people, count(*) AS n, count(*) FILTER (WHERE c.label) AS positive, auc(p, c.label) AS auc, brier_score(p, c.label) AS brier, lift(p, c.label, 0.1) AS lift, avg(p) AS p
      FROM (SELECT c.people, c.label, logit_predict(t.fit, c.x) AS p FROM pr.cases AS c JOIN pr.trained AS t USING (people)) AS c GROUP BY 1) AS t
JOIN pm.propensity_check AS k ON k.people = t.people AND k.features ~ 'looks' ORDER BY 1;
-- by orders alone: as without streams
SELECT abs(k.auc - auc(logit_predict(f.fit, propensity_features(h.history, '2025-10-02')), propensity_label(h.history, '2025-10-02', 90))) < 1e-12 AS same
FROM pm.propensity_check AS k, pm._customers AS h, (SELECT logit_fit(propensity_label(history, '2025-07-04', 90), propensity_features(history, '2025-07-04'), 1, 1) AS fit FROM pm._customers) AS f
WHERE k.features = 'orders' GROUP BY k.auc;

-- Live events count at once.
SELECT count(*) > 0 AS live FROM alter_stream('pm', 'looks', live => true);
SELECT customer_key AS who, propensity_90d AS p FROM pm.customer_scores WHERE last_order_on IS NULL AND propensity_90d IS NOT NULL AND looks_events_30d = 0 ORDER BY 1 LIMIT 1 \gset
INSERT INTO pr.looks SELECT :'who'::int, '2025-12-30', 'page_view' FROM generate_series(1, 5);
SELECT s.propensity_90d <> :p AS moved, abs(s.propensity_90d - logit_predict(f.fit, pr.all_features(:'who', '2025-12-31', false))) < 1e-9 AS right FROM pm.customer_scores AS s, pr.fits AS f WHERE s.customer_key = :'who' AND f.people = 'prospects';

-- A dropped stream: a reason, until the model is calibrated. A namesake is no stranger.
SELECT item, detail FROM drop_stream('pm', 'ratings');
SELECT propensity_reason, count(*) > 0 AS some, count(propensity_90d) FROM pm.customer_scores GROUP BY 1;
SELECT count(*) FROM pm.propensity_details(:'who');
SELECT count(*) FROM explain_score('pm', :'who') WHERE topic ~ 'propensity';
SELECT count(*) FROM add_stream('pm', 'others', 'pr.ratings', customer => 'customer_id', day => 'day', value => 'points');
SELECT propensity_reason, count(propensity_90d) FROM pm.customer_scores GROUP BY 1;
SELECT count(*) FROM drop_stream('pm', 'others');
SELECT count(*) FROM add_stream('pm', 'ratings', 'pr.ratings', customer => 'customer_id', day => 'day', value => 'points');
SELECT count(*) = count(propensity_90d) AS all FROM pm.customer_scores WHERE last_order_on IS NOT NULL;
SELECT count(*) FROM drop_stream('pm', 'ratings');
SELECT item, detail FROM calibrate_model('pm') WHERE item ~ 'propensity|prospects';
SELECT propensity_reason, count(*) > 0 AS some, count(*) - count(propensity_90d) AS without FROM pm.customer_scores GROUP BY 1 ORDER BY 1;
-- no stream at all: as before there was one; nothing of prospects
SELECT item, detail FROM drop_stream('pm', 'looks') WHERE detail ~ 'propensity';
SELECT item, detail FROM calibrate_model('pm') WHERE item ~ 'propensity|prospects';
SELECT count(*) FILTER (WHERE b.propensity_90d IS DISTINCT FROM s.propensity_90d) AS different FROM pr.before AS b JOIN pm.customer_scores AS s USING (customer_key);
SELECT count(*) FROM check_prediction('pm') WHERE item ~ 'propensity';
SELECT count(*) FROM pm.propensity_check;
SELECT drop_model('pm');

-- Too few prospects who order; nobody without an order; a stream that says the same of all.
SELECT count(*) FROM create_model('pm', 'SELECT * FROM pr.orders WHERE customer_id <= 404', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
SELECT count(*) FROM add_stream('pm', 'looks', 'SELECT * FROM pr.looks WHERE customer_id > 398', customer => 'customer_id', day => 'day');
SELECT item, detail FROM alter_model('pm', prediction => 'mbgnbd') WHERE item ~ 'propensity|prospects';
SELECT propensity_reason, last_order_on IS NULL AS prospect, count(*) > 0 AS some, count(propensity_90d) > 0 AS p FROM pm.customer_scores GROUP BY 1, 2 ORDER BY 1, 2;
SELECT item, detail FROM check_prediction('pm') WHERE item ~ 'prospects';
SELECT count(*) FROM alter_stream('pm', 'looks', source => 'SELECT customer_id, date ''2025-09-01'' AS day FROM pr.orders WHERE customer_id <= 404 GROUP BY 1');
SELECT item, detail FROM calibrate_model('pm') WHERE item ~ 'prospects';
SELECT parameter, abs(value) < 1e-9 AS nothing FROM pm.prediction_fits WHERE fit = 'propensity' AND parameter ~ '^looks';
SELECT count(*) FILTER (WHERE propensity_90d IS NULL) AS without FROM pm.customer_scores WHERE last_order_on IS NOT NULL;
SELECT drop_model('pm');

-- Tenants: a fit each. known_since: who was known without an event counts from then on, and without it not.
SELECT count(*) > 0 AS made FROM create_model('pm', 'pr.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch', as_of => '2025-12-31');
SELECT count(*) FROM add_stream('pm', 'looks', 'pr.looks', customer => 'customer_id', day => 'day', kind => 'kind');
SELECT count(*) > 0 AS fitted FROM alter_model('pm', prediction => 'mbgnbd');
SELECT count(DISTINCT tenant), count(DISTINCT value) FROM pm.prediction_fits WHERE fit = 'propensity' AND parameter = 'looks.log1p_points';
SELECT count(*) FILTER (WHERE s.propensity_90d IS NULL) AS without, count(*) FILTER (WHERE s.propensity_90d <> logit_predict(k.propensity_fit, _propensity_features('{1,2,3,4,5,6,7,17,18,19,20}', h.history, h.streams, '2025-12-31'))) AS different
FROM pm.customer_scores AS s JOIN pm._customers AS h USING (customer_key) JOIN pm.calibration AS k ON k.tenant = s.tenant AND k.version = (SELECT max(version) FROM pm.calibration) WHERE s.last_order_on IS NOT NULL;
SELECT drop_model('pm');
SELECT count(*) > 0 AS made FROM create_model('pm', 'pr.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', customers => 'pr.people');
SELECT count(*) FROM add_stream('pm', 'looks', 'pr.looks', customer => 'customer_id', day => 'day', kind => 'kind');
SELECT count(*) > 0 AS fitted FROM alter_model('pm', prediction => 'mbgnbd');
SELECT propensity_reason, count(*) = (SELECT count(*) FROM pr.people AS p WHERE NOT EXISTS (SELECT FROM pr.looks AS l WHERE l.customer_id = p.customer_id AND l.day <= '2025-12-31')
    AND NOT EXISTS (SELECT FROM pr.orders AS o WHERE o.customer_id = p.customer_id AND o.total >= 0 AND o.ordered_on <= '2025-12-31')) AS right, count(propensity_90d)
FROM pm.customer_scores WHERE last_order_on IS NULL AND propensity_reason IS NOT NULL GROUP BY 1;
SELECT count(*) > 0 AS fitted FROM alter_model('pm', known_since => 'since');
SELECT count(*) > 0 AS fitted FROM calibrate_model('pm');
SELECT count(*) FILTER (WHERE propensity_90d IS NULL) AS without FROM pm.customer_scores WHERE last_order_on IS NULL;
SELECT (prospect_fit ->> 'n')::int = (SELECT count(*) FROM pr.people AS p WHERE (p.since <= '2025-10-02' OR EXISTS (SELECT FROM pr.looks AS l WHERE l.customer_id = p.customer_id AND l.day <= '2025-10-02'))
    AND NOT EXISTS (SELECT FROM pr.orders AS o WHERE o.customer_id = p.customer_id AND o.total >= 0 AND o.ordered_on <= '2025-10-02')) AS n
FROM pm.calibration ORDER BY version DESC LIMIT 1;

-- Small groups: what a hold-out says of few is not shown, and how many there were to nobody.
SELECT count(*) FROM check_prediction('pm') WHERE item ~ 'propensity';
SELECT count(*) > 0 AS altered FROM alter_model('pm', minimum_group_size => 5);
SELECT people, customers, actual_active, auc IS NOT NULL AS auc, suppressed FROM pm.propensity_check;
SELECT count(*) > 0 AS altered FROM alter_model('pm', minimum_group_size => 100000);
SELECT people, customers, auc, brier_score, lift_top_tenth, predicted_share, suppressed FROM pm.propensity_check;
-- readers ask the functions and views, and nothing below them
CREATE ROLE regress_propensity_reader;
SELECT count(*) > 0 AS granted FROM grant_reader('pm', 'regress_propensity_reader');
SET ROLE regress_propensity_reader;
SELECT count(*) FROM pm.propensity_details('1');
SELECT count(*) > 0 AS checked FROM pm.propensity_check;
SELECT count(*) > 0 AS baskets FROM pm.abandoned_baskets();
SELECT error_of('SELECT * FROM pm.propensity_check_log');
SELECT error_of('SELECT prospect_fit FROM pm.calibration');
RESET ROLE;
SELECT count(*) > 0 AS altered FROM alter_model('pm', reset => '{prediction}');
SELECT count(*) FROM pm.propensity_details('1');
SELECT drop_model('pm');
DROP OWNED BY regress_propensity_reader;
DROP ROLE regress_propensity_reader;
DROP SCHEMA pr CASCADE;
