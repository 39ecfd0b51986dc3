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
       bool_and(value IS NOT NULL AND standard_error > 0) AS with_errors, min(calibrated_on) = '2025-12-31' AS that_day
FROM m.prediction_fits GROUP BY fit, family ORDER BY fit;
-- the fits are those of the histories
SELECT k.btyd_fit = f.btyd_fit AS orders, k.spend_fit = f.spend_fit AS spend, k.propensity_fit = f.propensity_fit AS propensity, k.clv_thresholds = f.clv_thresholds AS clv
FROM m.calibration AS k,
     (SELECT btyd_fit('mbgnbd', b.x, b.t_x, b.t, 7) AS btyd_fit, spend_fit(b.x, b.m) AS spend_fit,
             logit_fit(propensity_label(h.history, '2025-10-02', 90), propensity_features(h.history, '2025-10-02'), 1, 1) AS propensity_fit,
             (SELECT quantile_thresholds(s.clv, 3) FROM (SELECT clv(k.btyd_fit, k.spend_fit, h.history, '2025-12-31', 12, 365.25 / 12, power(1.08, 1 / 12.0) - 1, 0.4) AS clv
                FROM m.customer_histories AS h, m.calibration AS k) AS s) AS clv_thresholds
      FROM m.customer_histories AS h CROSS JOIN LATERAL btyd(h.history, '2025-12-31') AS b) AS f;
SELECT count(*) AS customers, count(s.clv_12m) AS predicted,
       count(*) FILTER (WHERE s.churn_probability IS DISTINCT FROM 1 - btyd_alive(k.btyd_fit, h.history, '2025-12-31')
         OR s.expected_orders_90d IS DISTINCT FROM btyd_expected(k.btyd_fit, h.history, '2025-12-31', 90)
         OR s.clv_12m IS DISTINCT FROM clv(k.btyd_fit, k.spend_fit, h.history, '2025-12-31', 12, 365.25 / 12, power(1.08, 1 / 12.0) - 1, 0.4)::numeric(24, 2)
         OR s.next_order_expected_on IS DISTINCT FROM next_order_expected_on(k.btyd_fit, h.history, '2025-12-31')
         OR s.propensity_90d IS DISTINCT FROM logit_predict(k.propensity_fit, propensity_features(h.history, '2025-12-31'))
         OR (s.clv_12m IS NULL) <> (s.prediction_reason IS NOT NULL)) AS different,
       count(*) FILTER (WHERE s.churn_probability NOT BETWEEN 0 AND 1 OR s.expected_orders_90d < 0 OR s.clv_12m < 0
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
  SELECT c.*, btyd_expected(f.fit, h.history, '2025-07-01', 183) AS expected FROM customers AS c JOIN m.customer_histories AS h ON h.customer_key = c.customer_id::text CROSS JOIN fit AS f
)
SELECT (SELECT count(*) FROM predicted) = k.customers AS customers,
       (SELECT sum(actual) FROM predicted) = k.actual_orders AS actual,
       abs((SELECT sum(expected) FROM predicted) / k.expected_orders - 1) < 1e-12 AS expected,
       (SELECT coalesce(sum(value), 0) FROM predicted) = k.actual_value AS value,
       abs((SELECT avg(abs(expected - actual)) FROM predicted) / k.mean_absolute_error - 1) < 1e-12 AS error,
       (SELECT count(*) FILTER (WHERE actual > 0) FROM predicted) = k.actual_active AS active,
       (SELECT auc(expected, actual > 0) FROM predicted) = k.active_auc AS auc
FROM m.prediction_check AS k;
SELECT sum(customers) = (SELECT customers FROM m.prediction_check) AS customers, sum(actual_orders) = (SELECT actual_orders FROM m.prediction_check) AS actual,
       abs(sum(expected_orders) / (SELECT expected_orders FROM m.prediction_check) - 1) < 1e-12 AS expected, max(repeat_orders) AS last
FROM m.prediction_by_frequency;
-- the tracking curve ends with all further days with an order, and only rises
SELECT max(week_end) = '2025-12-31' AS last, max(actual_orders) = (SELECT sum(active_days(h.history, '2025-12-31') - 1) FROM m.customer_histories AS h
         WHERE first_day(h.history, '2025-07-01') IS NOT NULL) AS complete,
       bool_and(expected_in_week >= 0 AND actual_in_week >= 0) AS rising, count(*) FILTER (WHERE is_holdout) AS weeks_of_holdout
FROM m.prediction_tracking;
SELECT abs(expected_orders / (SELECT sum(btyd_expected_new(k.btyd_fit, (date '2025-12-31' - first_day(h.history, '2025-07-01')) / 7.0))
         FROM m.customer_histories AS h, m.prediction_checks AS k WHERE first_day(h.history, '2025-07-01') IS NOT NULL) - 1) < 1e-12 AS expected
FROM m.prediction_tracking ORDER BY week_end DESC LIMIT 1;
-- the last one counts
SELECT count(*) > 0 AS done FROM check_prediction('m');
SELECT split_on = '2025-10-02' AS split FROM m.prediction_check;

-- errors
SELECT check_prediction('m', '2026-01-01');
SELECT check_prediction('m', 'infinity');
SELECT alter_model('m', prediction => 'oracle');
SELECT alter_model('m', margin => 0);
SELECT alter_model('m', discount_rate => -0.1);
-- switched off: the columns stay for those who read them, and are empty
SELECT count(*) > 0 AS done FROM alter_model('m', reset => '{prediction}', segment_map => 'essential');
SELECT count(*), count(churn_probability), count(clv_12m), count(propensity_90d) FROM m.customer_scores;
SELECT check_prediction('m');
SELECT count(*) > 0 AS done FROM alter_model('m', version => 1);
SELECT count(*) > 0 AS done, count(churn_probability) > 300 AS back FROM m.customer_scores;
SELECT item FROM drop_model('m');

-- too little to learn from: a reason, and no number
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM visits WHERE customer_id <= 3', as_of => '2025-12-31', prediction => 'paretonbd');
SELECT fit, status, reason, count(parameter) AS parameters FROM m.prediction_fits GROUP BY 1, 2, 3 ORDER BY 1;
SELECT count(*) AS customers, count(churn_probability) + count(clv_12m) + count(expected_orders_90d) + count(next_order_expected_on) AS numbers,
       count(prediction_reason) AS reasons FROM m.customer_scores;
SELECT item, detail FROM check_prediction('m', '2025-07-01');
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
SELECT count(*) > 0 AS done FROM check_prediction('m', '2025-07-01');
SELECT tenant, customers = (SELECT count(DISTINCT o.customer_id) FROM visits AS o JOIN visitors AS p USING (customer_id, branch)
         WHERE o.branch = k.tenant AND p.agreed AND o.ordered_on <= '2025-07-01') AS own_customers FROM m.prediction_check AS k;
SELECT item FROM drop_model('m');
DROP TABLE visits, visitors;
DROP FUNCTION uniform;
