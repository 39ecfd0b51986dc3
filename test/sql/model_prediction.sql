-- Prediction in models: the columns are what the functions of layer 5 say of the
-- stored histories, as of any day; the hold-out check against plain SQL.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31', prediction => 'mbgnbd',
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
  FROM orders AS o GROUP BY 1 HAVING min(o.ordered_on) FILTER (WHERE o.total >= 0) <= '2025-07-01'
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
SELECT max(week_end) AS last, max(actual_orders) = (SELECT sum(active_days(h.history, '2025-12-31') - 1) FROM m.customer_histories AS h
         WHERE first_day(h.history, '2025-07-01') IS NOT NULL) AS complete,
       bool_and(expected_in_week >= 0 AND actual_in_week >= 0) AS rising, count(*) FILTER (WHERE is_holdout) AS weeks_of_holdout
FROM m.prediction_tracking;
SELECT abs(expected_orders / (SELECT sum(btyd_expected_new(k.btyd_fit, (date '2025-12-31' - first_day(h.history, '2025-07-01')) / 7.0))
         FROM m.customer_histories AS h, m.prediction_checks AS k WHERE first_day(h.history, '2025-07-01') IS NOT NULL) - 1) < 1e-12 AS expected
FROM m.prediction_tracking ORDER BY week_end DESC LIMIT 1;
-- the last one counts
SELECT count(*) > 0 AS done FROM check_prediction('m');
SELECT split_on FROM m.prediction_check;

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
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM orders WHERE customer_id <= 3', as_of => '2025-12-31', prediction => 'paretonbd');
SELECT fit, status, reason, count(parameter) AS parameters FROM m.prediction_fits GROUP BY 1, 2, 3 ORDER BY 1;
SELECT count(*) AS customers, count(churn_probability) + count(clv_12m) + count(expected_orders_90d) + count(next_order_expected_on) AS numbers,
       count(prediction_reason) AS reasons FROM m.customer_scores;
SELECT item, detail FROM check_prediction('m', '2025-07-01');
SELECT item FROM drop_model('m');
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM orders WHERE false', as_of => '2025-12-31', prediction => 'bgnbd');
SELECT count(*) FROM m.customer_scores;
SELECT item FROM check_prediction('m', '2025-07-01');
SELECT item FROM drop_model('m');

-- tenants, and people who have not agreed: each fit knows its own alone
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch',
  customers => 'people', consent => 'agreed', as_of => '2025-12-31', prediction => 'bgnbd');
SELECT count(DISTINCT k.tenant) AS tenants,
       bool_and((k.btyd_fit ->> 'n')::int = (SELECT count(DISTINCT o.customer_id) FROM orders AS o JOIN people AS p USING (customer_id, branch)
         WHERE o.branch = k.tenant AND p.agreed AND o.total >= 0 AND o.ordered_on <= '2025-12-31')) AS own_customers
FROM m.calibration AS k;
SELECT count(*) AS rows, count(DISTINCT tenant) AS tenants FROM m.prediction_fits WHERE fit = 'orders';
SELECT count(*) > 0 AS done FROM check_prediction('m', '2025-07-01');
SELECT count(*) AS tenants, count(DISTINCT expected_orders) FROM m.prediction_check;
SELECT item FROM drop_model('m');
