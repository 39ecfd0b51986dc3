-- Prediction in models: the columns are what the functions of layer 5 say of the
-- stored histories, as of any day; the hold-out check against plain SQL.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

-- The orders of the other tests come as regularly as no shop's do: no fit there.
-- These come at random, each customer at his own rate until he has had enough.
CREATE FUNCTION shopdata.uniform(c int, k int) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$SELECT ((hashint8extended(c * 1000 + k, 42) & 1073741823) + 0.5) / 1073741824.0$$;
CREATE TABLE shopdata.visits AS
SELECT c AS customer_id, date '2024-01-01' + floor(at)::int AS ordered_on, round((base * exp(0.6 * (uniform(c, 700 + k) + uniform(c, 800 + k) - 1)))::numeric, 2) AS total,
       'b' || c % 3 AS branch
FROM (SELECT c, k, base, 300 * uniform(c, 1) + sum(CASE WHEN k = 0 THEN 0 ELSE -ln(uniform(c, 100 + k)) / rate END) OVER (PARTITION BY c ORDER BY k) AS at,
             max(CASE WHEN uniform(c, 400 + k) < leaves THEN 1 ELSE 0 END) OVER (PARTITION BY c ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS gone
      FROM (SELECT c, -ln(uniform(c, 2) * uniform(c, 3)) / 100 AS rate, 1 - pow(1 - uniform(c, 4), 0.5) AS leaves, 20 / (-ln(uniform(c, 5) * uniform(c, 6) * uniform(c, 7))) AS base
            FROM generate_series(1, 600) AS c) AS c CROSS JOIN generate_series(0, 60) AS k) AS v
WHERE coalesce(gone, 0) = 0 AND at < 760;
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT fit, family, count(parameter) AS parameters, min(customers) AS customers, min(status) AS status, min(reason) AS reason FROM m.prediction_fits GROUP BY fit, family ORDER BY fit;
SELECT prediction_reason, count(*), count(churn_probability) AS predicted FROM m.customer_scores GROUP BY 1 ORDER BY 1;
SELECT item FROM drop_model('m');

SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM visits', as_of => '2025-12-31', prediction => 'mbgnbd',
  margin => 0.4, discount_rate => 0.08);
SELECT fit, family, count(parameter) AS parameters, min(customers) AS customers, min(status) AS status, min(reason) AS reason,
       bool_and(value IS NOT NULL AND standard_error > 0) AS with_errors, min(fitted_on) = '2025-12-31' AS that_day
FROM m.prediction_fits GROUP BY fit, family ORDER BY fit;
-- the fits are those of the histories
SELECT k.btyd_fit = f.btyd_fit AS orders, k.spend_fit = f.spend_fit AS spend, k.propensity_fit - 'features' = f.propensity_fit AS propensity, k.clv_thresholds = f.clv_thresholds AS clv
FROM m.calibration AS k,
     (SELECT btyd_fit('mbgnbd', b.x, b.t_x, b.t, 7) AS btyd_fit, spend_fit(b.x, b.m) AS spend_fit,
             logit_fit(propensity_label(h.history, '2025-10-02', 90), propensity_features(h.history, '2025-10-02'), 1, 1) AS propensity_fit,
             (SELECT quantile_thresholds(s.clv, 3) FROM (SELECT clv(k.btyd_fit, k.spend_fit, h.history, '2025-12-31', 12, 365.25 / 12, power(1.08, 1 / 12.0) - 1, 0.4) AS clv
                FROM m.customer_histories AS h, m.calibration AS k) AS s) AS clv_thresholds
      FROM m.customer_histories AS h CROSS JOIN LATERAL btyd(h.history, '2025-12-31') AS b) AS f;
SELECT count(*) AS customers, count(s.clv_12m) AS predicted,
       count(*) FILTER (WHERE s.churn_probability IS DISTINCT FROM 1 - btyd_alive(k.btyd_fit, h.history, '2025-12-31')
         OR s.expected_orders_90d IS DISTINCT FROM btyd_expected(k.btyd_fit, h.history, '2025-12-31', 90)
         OR s.active_90d_probability IS DISTINCT FROM 1 - btyd_probability(k.btyd_fit, 0, h.history, '2025-12-31', 90)
         OR s.clv_12m IS DISTINCT FROM clv(k.btyd_fit, k.spend_fit, h.history, '2025-12-31', 12, 365.25 / 12, power(1.08, 1 / 12.0) - 1, 0.4)::numeric(24, 2)
         OR s.next_order_expected_on IS DISTINCT FROM next_order_expected_on(k.btyd_fit, h.history, '2025-12-31')
         OR s.propensity_90d IS DISTINCT FROM logit_predict(k.propensity_fit, propensity_features(h.history, '2025-12-31'))
         OR (s.clv_12m IS NULL) <> (s.prediction_reason IS NOT NULL)) AS different,
       count(*) FILTER (WHERE s.churn_probability NOT BETWEEN 0 AND 1 OR s.expected_orders_90d < 0 OR s.clv_12m < 0
         OR s.active_90d_probability NOT BETWEEN 0 AND 1 OR s.active_90d_probability > 1 - s.churn_probability OR s.active_90d_probability > s.expected_orders_90d
         OR s.propensity_90d NOT BETWEEN 0 AND 1 OR s.next_order_expected_on <= s.as_of) AS impossible
FROM m.customer_scores AS s JOIN m.customer_histories AS h USING (customer_key) CROSS JOIN m.calibration AS k;
SELECT prediction_reason, count(*) FROM m.customer_scores GROUP BY 1 ORDER BY 1;
SELECT clv_score, count(*), count(DISTINCT churn_reason) > 1 AS reasons FROM m.customer_scores GROUP BY 1 ORDER BY 1;
-- on another day: the same fits, what was known then
SELECT count(*) AS customers, count(*) FILTER (WHERE s.churn_probability IS DISTINCT FROM churn_probability(k.btyd_fit, h.history, '2025-06-30')) AS different
FROM m.customer_scores_at('2025-06-30') AS s JOIN m.customer_histories AS h USING (customer_key) CROSS JOIN m.calibration AS k;
-- weights learnt from who came back
SELECT dimension, chosen_weight, learnt_share > 0 AS learnt, clipped FROM m.weights;
SELECT round(sum(learnt_share)::numeric, 12) AS whole FROM m.weights;

-- the map that is made for it, and a map with conditions
SELECT count(*) > 0 AS done FROM alter_model('m', segment_map => 'predictive');
SELECT s.segment, s.segment_order, count(*), min(clv_score) AS clv, max(clv_score), round(min(churn_probability)::numeric, 1) >= 0 AS p FROM m.customer_scores AS s GROUP BY 1, 2 ORDER BY 2;
SELECT count(*) FILTER (WHERE segment IS DISTINCT FROM segment(r_score, f_score, m_score, 'predictive', to_jsonb(s))) AS different FROM m.customer_scores AS s;
SELECT count(*) > 0 AS done FROM alter_model('m', segment_map => 'essential_hybrid');
SELECT count(*) FILTER (WHERE segment IS DISTINCT FROM segment(r_score, f_score, m_score, 'essential_hybrid', to_jsonb(s))) AS different,
       count(*) FILTER (WHERE segment = 'lapsed' AND f_score >= 3 AND churn_probability > 0.95) > 0 AS refined FROM m.customer_scores AS s;

-- another margin and another interest: another value, the same thirds of it
SELECT count(*) FILTER (WHERE item LIKE 'prediction%') AS fits FROM alter_model('m', margin => 0.1, discount_rate => 0.5);
SELECT clv_score, count(*) FROM m.customer_scores GROUP BY 1 ORDER BY 1;
SELECT n.btyd_fit = o.btyd_fit AND n.spend_fit = o.spend_fit AND n.weights_fit = o.weights_fit AS same_fits, n.clv_thresholds[2] < o.clv_thresholds[2] / 4 AS less_worth
FROM m.calibration AS n, m.calibration AS o WHERE n.version = 4 AND o.version = 1;
SELECT count(*) > 0 AS done FROM alter_model('m', version => 3);
SELECT n.clv_thresholds = o.clv_thresholds AS back FROM m.calibration AS n, m.calibration AS o WHERE n.version = 5 AND o.version = 1;
-- what a calibration did to the fits: nothing, then something
SELECT item, detail FROM calibrate_model('m') WHERE item LIKE 'prediction%';
SELECT item, detail FROM alter_model('m', prediction => 'paretonbd') WHERE item LIKE 'prediction%';
SELECT item, detail FROM alter_model('m', prediction => 'mbgnbd', as_of => '2025-06-30') WHERE item ~ '^(prediction|as_of)';
SELECT count(*) > 0 AS done FROM alter_model('m', as_of => '2025-12-31');
SELECT item, regexp_replace(detail, '[0-9.]+', 'N', 'g') AS detail FROM calibrate_model('m') WHERE item ~ '^(prediction|clv)';

-- The hold-out, by an independent path
SELECT item FROM check_prediction('m', '2025-07-01');
SELECT count(*), min(split_on) = '2025-07-01' AND max(until) = '2025-12-31' AS days FROM m.prediction_check;
WITH fit AS (
  SELECT btyd_fit('mbgnbd', b.x, b.t_x, b.t, 7) AS fit, spend_fit(b.x, b.m) AS spend
  FROM m.customer_histories AS h CROSS JOIN LATERAL btyd(h.history, '2025-07-01') AS b
), customers AS (
  SELECT o.customer_id, min(o.ordered_on) FILTER (WHERE o.total >= 0) AS first_on,
         count(DISTINCT o.ordered_on) FILTER (WHERE o.total >= 0 AND o.ordered_on <= '2025-07-01') - 1 AS x,
         count(DISTINCT o.ordered_on) FILTER (WHERE o.total >= 0 AND o.ordered_on > '2025-07-01' AND o.ordered_on <= '2025-12-31') AS actual,
         sum(o.total) FILTER (WHERE o.ordered_on > '2025-07-01' AND o.ordered_on <= '2025-12-31') AS value
  FROM visits AS o GROUP BY 1 HAVING min(o.ordered_on) FILTER (WHERE o.total >= 0) <= '2025-07-01'
), predicted AS (
  SELECT c.*, btyd_expected(f.fit, h.history, '2025-07-01', 183) AS expected, 1 - btyd_probability(f.fit, 0, h.history, '2025-07-01', 183) AS active FROM customers AS c JOIN m.customer_histories AS h ON h.customer_key = c.customer_id::text CROSS JOIN fit AS f
)
SELECT (SELECT count(*) FROM predicted) = k.customers AS customers,
       (SELECT sum(actual) FROM predicted) = k.actual_orders AS actual,
       abs((SELECT sum(expected) FROM predicted) / k.expected_orders - 1) < 1e-12 AS expected,
       (SELECT coalesce(sum(value), 0) FROM predicted) = k.actual_value AS value,
       abs((SELECT avg(abs(expected - actual)) FROM predicted) / k.mean_absolute_error - 1) < 1e-12 AS error,
       (SELECT count(*) FILTER (WHERE actual > 0) FROM predicted) = k.actual_active AS active,
       (SELECT auc(active, actual > 0) FROM predicted) = k.active_auc AS auc,
       abs((SELECT sum(active) FROM predicted) / k.expected_active - 1) < 1e-12 AS expected_active,
       abs((SELECT avg((active - (actual > 0)::int) ^ 2) FROM predicted) / k.active_brier_score - 1) < 1e-12 AS brier,
       abs((SELECT avg(((SELECT avg((actual > 0)::int) FROM predicted) - (actual > 0)::int) ^ 2) FROM predicted) / k.active_brier_score_of_actual - 1) < 1e-12 AS brier_of_actual,
       k.active_brier_score < k.active_brier_score_of_actual AS knows_more,
       abs((SELECT corr(expected, actual) FROM predicted) - k.correlation) < 1e-13 AS correlation
FROM m.prediction_check AS k;
SELECT sum(customers) = (SELECT customers FROM m.prediction_check) AS customers, sum(actual_orders) = (SELECT actual_orders FROM m.prediction_check) AS actual,
       abs(sum(expected_orders) / (SELECT expected_orders FROM m.prediction_check) - 1) < 1e-12 AS expected, max(repeat_orders) AS last
FROM m.prediction_by_frequency;
-- by segment on the day of the split: the customers of the scores of that day, the fit of the check
SELECT c.segment, c.segment_label, c.customers = t.customers AS customers, c.actual_active = t.active AS actual, abs(c.expected_active / t.expected - 1) < 1e-12 AS expected,
       abs(c.active_brier_score / t.brier - 1) < 1e-12 AS brier, c.actual_share = t.active / t.customers::float8 AS share, c.days
FROM m.prediction_check_by_segment AS c
FULL JOIN (SELECT s.segment, count(*) AS customers, count(*) FILTER (WHERE came) AS active, sum(p) AS expected, avg((p - came::int) ^ 2) AS brier
             FROM m.customer_scores_at('2025-07-01') AS s JOIN m.customer_histories AS h USING (customer_key) CROSS JOIN m.prediction_check_log AS k
            CROSS JOIN LATERAL (SELECT 1 - btyd_probability(k.btyd_fit, 0, h.history, '2025-07-01', 183) AS p, active_days(h.history, '2025-12-31', 183) > 0 AS came) AS v
            WHERE first_day(h.history, '2025-07-01') IS NOT NULL GROUP BY 1) AS t USING (segment) ORDER BY c.segment_order;
-- the tracking curve ends with all further days with an order, and only rises
SELECT max(week_end) = '2025-12-31' AS last, max(actual_orders) = (SELECT sum(active_days(h.history, '2025-12-31') - 1) FROM m.customer_histories AS h
         WHERE first_day(h.history, '2025-07-01') IS NOT NULL) AS complete,
       bool_and(expected_in_week >= 0 AND actual_in_week >= 0) AS rising, count(*) FILTER (WHERE is_holdout) AS weeks_of_holdout
FROM m.prediction_tracking;
SELECT abs(expected_orders / (SELECT sum(btyd_expected_new(k.btyd_fit, (date '2025-12-31' - first_day(h.history, '2025-07-01')) / 7.0))
         FROM m.customer_histories AS h, m.prediction_check_log AS k WHERE first_day(h.history, '2025-07-01') IS NOT NULL) - 1) < 1e-12 AS expected
FROM m.prediction_tracking ORDER BY week_end DESC LIMIT 1;
-- the last one counts
SELECT count(*) > 0 AS done FROM check_prediction('m');
SELECT split_on = '2025-10-02' AS split FROM m.prediction_check;

-- The rows in another place, as after a dump and a restore: no view has another
-- bit, nor has the check. (Sums of doubles would.)
CREATE FUNCTION pg_temp.shown() RETURNS TABLE (relation name, shown text) LANGUAGE plpgsql AS $$
BEGIN
  FOR relation IN SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'm'::regnamespace AND c.relkind = 'v' ORDER BY 1 LOOP
    EXECUTE format('SELECT md5(string_agg(r, chr(10) ORDER BY r COLLATE "C")) FROM (SELECT (to_jsonb(v) - ''{checked_at,check_id,refreshed_at,size_bytes}''::text[])::text AS r FROM m.%I AS v) AS v', relation) INTO shown;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.shown();
CREATE TEMP TABLE moved AS SELECT * FROM m.customer_histories ORDER BY hashtextextended(customer_key, 7);
DELETE FROM m.customer_histories;
INSERT INTO m.customer_histories SELECT * FROM moved;
SELECT count(*) > 0 AS done FROM check_prediction('m');
SELECT count(*) FILTER (WHERE relation LIKE 'prediction%') AS predictions, count(*) > 15 AS all_views, string_agg(relation, ', ') FILTER (WHERE a.shown IS DISTINCT FROM b.shown) AS different
FROM before AS b FULL JOIN pg_temp.shown() AS a USING (relation);
DROP TABLE before, moved;

-- with k chosen and given
SELECT item, detail FROM alter_model('m', prediction => 'mbgcnbd') WHERE item LIKE 'prediction%';
SELECT parameter, value > 0 AS value, standard_error > 0 AS error FROM m.prediction_fits WHERE fit = 'orders' ORDER BY parameter;
SELECT count(*) AS cells, count(DISTINCT repeat_orders) AS repeats, min(silence_days) AS today, max(silence_days) AS longest, bool_and(abs(churn_probability - (1 - btyd_alive(k.btyd_fit, repeat_orders, (age_days - silence_days) / 7.0, age_days / 7.0))) < 1e-12) AS churn,
       bool_and(abs(expected_orders_90d - btyd_expected(k.btyd_fit, repeat_orders, (age_days - silence_days) / 7.0, age_days / 7.0, 90 / 7.0)) < 1e-12) AS expected,
       bool_and(abs(active_90d_probability - (1 - btyd_probability(k.btyd_fit, 0, repeat_orders, (age_days - silence_days) / 7.0, age_days / 7.0, 90 / 7.0))) < 1e-12) AS active
  FROM m.prediction_matrix AS p JOIN m.calibration AS k USING (version);
SELECT count(*) AS rows, sum(c.customers) AS customers, abs(sum(c.expected_customers) / sum(c.customers) - 1) < 1e-12 AS same_sum, bool_and(c.customers = h.customers) AS counted, bool_and(abs(c.expected_customers - h.expected) < 1e-9) AS expected
  FROM m.prediction_calibration c LEFT JOIN (SELECT n, count(*) FILTER (WHERE least(x, 7) = n) AS customers, sum(CASE WHEN n < 7 THEN btyd_probability(k.btyd_fit, n, b.t) ELSE 1 - (SELECT sum(btyd_probability(k.btyd_fit, i, b.t)) FROM generate_series(0, 6) i) END) AS expected
    FROM m._histories h, m.calibration k JOIN m.configuration f USING (version), btyd(h.history, '2025-12-31', 7) b, generate_series(0, 7) n WHERE f.valid_until IS NULL AND b.x IS NOT NULL GROUP BY n) h ON h.n = c.repeat_orders;
SELECT item, regexp_replace(detail, '[0-9.]+', 'N', 'g') AS detail FROM check_prediction('m', '2025-07-01') WHERE item = 'fitted on';
SELECT item, detail FROM alter_model('m', prediction => 'mbgcnbd-2') WHERE item LIKE 'prediction%';
SELECT parameter, value FROM m.prediction_fits WHERE fit = 'orders' AND parameter = 'k';
SELECT count(*) > 0 AS done FROM alter_model('m', prediction => 'mbgnbd');

-- errors
SELECT check_prediction('m', '2026-01-01');
SELECT check_prediction('m', 'infinity');
SELECT alter_model('m', prediction => 'oracle');
SELECT alter_model('m', prediction => 'mbgcnbd-13');
SELECT alter_model('m', margin => 0);
SELECT alter_model('m', discount_rate => -0.1);
-- switched off: the columns stay for those who read them, and are empty
SELECT count(*) > 0 AS done FROM alter_model('m', reset => '{prediction}', segment_map => 'essential');
SELECT count(*), count(churn_probability), count(clv_12m), count(propensity_90d) FROM m.customer_scores;
SELECT check_prediction('m');
-- a map that asks for what the model doesn't have says so, unless it doesn't ask
SELECT detail FROM alter_model('m', segment_map => 'predictive') WHERE item = 'note';
SELECT detail FROM alter_model('m', segment_map => 'essential_hybrid', dry_run => true) WHERE item = 'note';
SELECT detail FROM alter_model('m', language => 'fr') WHERE item = 'note';
SELECT detail FROM alter_model('m', segment_map => 'essential', language => 'en') WHERE item = 'note';
SELECT count(*) > 0 AS done FROM alter_model('m', version => 1);
SELECT count(*) > 0 AS done, count(churn_probability) > 300 AS back FROM m.customer_scores;
SELECT item FROM drop_model('m');

-- too little to learn from: a reason, and no number
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM visits WHERE customer_id <= 3', as_of => '2025-12-31', prediction => 'paretonbd');
SELECT fit, status, reason, count(parameter) AS parameters FROM m.prediction_fits GROUP BY 1, 2, 3 ORDER BY 1;
SELECT count(*) AS customers, count(churn_probability) + count(clv_12m) + count(expected_orders_90d) + count(next_order_expected_on) AS numbers,
       count(prediction_reason) AS reasons FROM m.customer_scores;
SELECT reason, affected, split_part(explanation, ': ', 2) AS why FROM m.data_quality WHERE reason IN ('not_predicted', 'value_not_predicted', 'spend_left_out') ORDER BY reason COLLATE "C";
SELECT item, detail FROM check_prediction('m', '2025-07-01');
SELECT item FROM drop_model('m');
SELECT item, detail FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM visits WHERE customer_id <= 3', as_of => '2025-12-31', prediction => 'paretonbd', dry_run => true) WHERE item LIKE 'prediction%';
SELECT item, detail FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM visits WHERE false', as_of => '2025-12-31', prediction => 'paretonbd', dry_run => true) WHERE item LIKE 'prediction%';
-- no value for whoever gave back as much as he bought, and orders without prices
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, CASE WHEN customer_id <= 20 THEN 0 WHEN customer_id <= 50 THEN -1 ELSE total END AS total FROM visits', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT d.reason, d.affected > 0 AS affected, d.affected = (SELECT count(*) FROM m.customer_scores AS s WHERE s.prediction_reason = 'mean_not_positive') AS same
FROM m.data_quality AS d WHERE reason IN ('not_predicted', 'value_not_predicted', 'spend_left_out') ORDER BY reason COLLATE "C";
SELECT item FROM drop_model('m');
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, 1 AS total FROM visits', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT reason, affected, split_part(explanation, ': ', 2) AS why FROM m.data_quality WHERE reason IN ('not_predicted', 'value_not_predicted', 'spend_left_out') ORDER BY reason COLLATE "C";
SELECT item, detail FROM check_prediction('m', '2025-07-01') WHERE item = 'value';
SELECT item FROM drop_model('m');
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM visits WHERE false', as_of => '2025-12-31', prediction => 'bgnbd');
SELECT count(*) FROM m.customer_scores;
SELECT item FROM check_prediction('m', '2025-07-01');
SELECT item FROM drop_model('m');

-- tenants, and people who have not agreed: each fit knows its own alone
CREATE TABLE shopdata.visitors AS SELECT customer_id, branch, customer_id % 5 > 0 AS agreed FROM visits GROUP BY 1, 2;
SELECT count(*) > 0 AS done FROM create_model('m', 'visits', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch',
  customers => 'visitors', consent => 'agreed', as_of => '2025-12-31', prediction => 'bgnbd');
SELECT k.tenant, k.btyd_fit ->> 'status' AS status,
       (k.btyd_fit ->> 'n')::int = (SELECT count(DISTINCT o.customer_id) FROM visits AS o JOIN visitors AS p USING (customer_id, branch)
         WHERE o.branch = k.tenant AND p.agreed AND o.ordered_on <= '2025-12-31') AS own_customers
FROM m.calibration AS k ORDER BY 1;
SELECT count(*) AS rows, count(DISTINCT tenant) AS tenants FROM m.prediction_fits WHERE fit = 'orders';
-- withdrawn: out of the next fit, and of the check
UPDATE visitors SET agreed = false WHERE customer_id % 5 = 1;
SELECT count(*) > 0 AS done FROM calibrate_model('m');
SELECT k.tenant, (k.btyd_fit ->> 'n')::int = (SELECT count(DISTINCT o.customer_id) FROM visits AS o JOIN visitors AS p USING (customer_id, branch)
         WHERE o.branch = k.tenant AND p.agreed AND o.ordered_on <= '2025-12-31') AS own_customers
FROM m.calibration AS k WHERE version = 2 ORDER BY 1;
-- a tenant that comes later has no fit until the model is calibrated
INSERT INTO visits SELECT 1000 + i, date '2025-11-01' + i, 10 + i, 'new' FROM generate_series(1, 4) AS i;
INSERT INTO visitors SELECT 1000 + i, 'new', true FROM generate_series(1, 4) AS i;
SELECT status FROM refresh_model('m');
SELECT DISTINCT prediction_reason, clv_score FROM m.customer_scores WHERE tenant = 'new';
SELECT reason, affected, split_part(explanation, ': ', 2) AS why FROM m.data_quality WHERE tenant = 'new' AND reason IN ('not_predicted', 'value_not_predicted') ORDER BY reason COLLATE "C";
SELECT fit, status, reason FROM m.prediction_fits WHERE tenant = 'new' ORDER BY fit;
SELECT item, detail FROM calibrate_model('m') WHERE item LIKE 'prediction%';
SELECT DISTINCT prediction_reason FROM m.customer_scores WHERE tenant = 'new';
SELECT count(*) > 0 AS done FROM check_prediction('m', '2025-07-01');
SELECT tenant, customers = (SELECT count(DISTINCT o.customer_id) FROM visits AS o JOIN visitors AS p USING (customer_id, branch)
         WHERE o.branch = k.tenant AND p.agreed AND o.ordered_on <= '2025-07-01') AS own_customers FROM m.prediction_check AS k;
-- small groups: no cell of few, nor of few who are predicted, nor of few who came
SELECT item, detail FROM check_prediction('m', '2025-11-02') WHERE item LIKE 'fitted on new';
SELECT count(*) > 0 AS done FROM alter_model('m', minimum_group_size => 10);
SELECT count(*) FILTER (WHERE suppressed) > 0 AS hidden, count(*) FILTER (WHERE customers < 10 OR suppressed AND num_nonnulls(customers, predicted_customers, clv_12m, clv_12m_share, mean_churn_probability) > 0) AS shown
FROM m.prediction_by_segment;
SELECT count(*) AS by_segment FROM m.prediction_check_by_segment;
SELECT tenant, suppressed, customers IS NULL AND actual_orders IS NULL AND active_auc IS NULL AS empty FROM m.prediction_check ORDER BY tenant;
SELECT count(*) FROM m.prediction_tracking WHERE tenant = 'new';
SELECT count(*) FILTER (WHERE customers < 10 OR suppressed AND num_nonnulls(customers, expected_orders, actual_orders) > 0) AS shown FROM m.prediction_by_frequency;
-- the owner is told all the same
SELECT item, detail FROM check_prediction('m', '2025-11-02') WHERE item LIKE 'fitted on new';
-- the prediction of too few is of nobody
SELECT count(*) > 0 AS done FROM alter_model('m', minimum_customers => 1000);
SELECT count(clv_score) AS thirds, count(clv_12m) > 0 AS values FROM m.customer_scores;
SELECT item FROM drop_model('m');

-- live: what is pending moves predictions at once
CREATE TABLE shopdata.live_visits AS SELECT customer_id, ordered_on, total FROM visits WHERE customer_id <= 400;
SELECT count(*) > 0 AS done FROM create_model('m', 'live_visits', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', live => true, prediction => 'mbgnbd');
CREATE TEMP TABLE earlier AS SELECT s.* FROM m.customer_scores AS s WHERE churn_probability > 0.95 ORDER BY customer_key LIMIT 5;
INSERT INTO live_visits SELECT customer_key::int, '2025-12-30', 1000 FROM earlier;
SELECT count(*) AS pending FROM m.pending;
CREATE TEMP TABLE later AS SELECT s.* FROM m.customer_scores AS s JOIN earlier AS e USING (customer_key);
SELECT bool_and(l.churn_probability < e.churn_probability) AS back, bool_and(l.clv_12m > e.clv_12m) AS worth_more, bool_and(l.propensity_90d > e.propensity_90d) AS likelier FROM later AS l JOIN earlier AS e USING (customer_key);
SELECT count(*) > 0 AS done FROM apply_changes('m');
SELECT count(*) AS same FROM (SELECT to_jsonb(s) FROM m.customer_scores AS s JOIN earlier USING (customer_key) INTERSECT SELECT to_jsonb(l) FROM later AS l) AS i;
-- forgotten: what was fitted of everybody stays until it is calibrated
SELECT note FROM forget_customer('m', (SELECT min(customer_key) FROM earlier)) WHERE object = 'thresholds';
SELECT count(*) FROM m.customer_scores WHERE customer_key = (SELECT min(customer_key) FROM earlier);
SELECT customers FROM m.prediction_fits WHERE fit = 'orders' LIMIT 1;
SELECT count(*) > 0 AS done FROM calibrate_model('m');
SELECT customers FROM m.prediction_fits WHERE fit = 'orders' LIMIT 1;
SELECT item FROM drop_model('m');
DROP TABLE earlier, later, live_visits;

-- other bins, a window, a time zone: predictions are of days and of all of the history
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM visits', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT count(*) > 0 AS done FROM create_model('n', 'SELECT customer_id, ordered_on, total FROM visits', as_of => '2025-12-31', prediction => 'mbgnbd', bins => 3, segment_map => NULL,
  window_days => 365, frequency => 'active_days', monetary => 'mean', time_zone => 'Pacific/Kiritimati');
SELECT count(*) FILTER (WHERE (m.churn_probability, m.expected_orders_90d, m.clv_12m, m.clv_score, m.next_order_expected_on, m.propensity_90d)
  IS DISTINCT FROM (n.churn_probability, n.expected_orders_90d, n.clv_12m, n.clv_score, n.next_order_expected_on, n.propensity_90d)) AS different,
  count(*) FILTER (WHERE m.m_score <> n.m_score) > 0 AS other_scores
FROM m.customer_scores AS m JOIN n.customer_scores AS n USING (customer_key);
SELECT dimension, learnt_share IS NOT NULL AS learnt FROM n.weights ORDER BY dimension;
SELECT item FROM drop_model('n');
SELECT count(*) > 0 AS done FROM create_model('n', 'SELECT customer_id, ordered_on, total FROM visits', as_of => '2025-12-31', prediction => 'mbgnbd', bins => 10, segment_map => NULL);
SELECT count(*) FILTER (WHERE m.clv_score <> n.clv_score) AS different, max(n.m_score) FROM m.customer_scores AS m JOIN n.customer_scores AS n USING (customer_key);
SELECT item FROM drop_model('n');
-- who reads the segment alone, by a map that does not ask for predictions, makes none
CREATE FUNCTION pg_temp.calls(query text, pattern text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE line text; BEGIN
  FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
    IF line ~ pattern THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
SELECT q, pg_temp.calls(q, '(churn_probability|btyd_expected|clv|next_order_expected_on|logit_predict)\(') AS predicts
FROM unnest('{SELECT segment FROM m.customer_scores,SELECT segment FROM m.customer_segments,SELECT * FROM m.segment_summary,SELECT clv_score FROM m.customer_scores}'::text[]) AS q;
SELECT count(*) > 0 AS done FROM alter_model('m', segment_map => 'predictive');
SELECT pg_temp.calls('SELECT segment FROM m.customer_scores', 'clv\(') AS clv, pg_temp.calls('SELECT segment FROM m.customer_scores', '(btyd_expected|next_order_expected_on|logit_predict)\(') AS others;
SELECT item FROM drop_model('m');
DROP TABLE visits, visitors;
DROP FUNCTION uniform;
