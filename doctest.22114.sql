\pset pager off
SET client_min_messages = warning;
CREATE SCHEMA scoring;
CREATE EXTENSION customer_scoring SCHEMA scoring;
SET search_path = scoring, public;
CREATE TABLE shop (customer_id int, orders history);
DO $$
DECLARE
  state bigint := 20250103; draws float8[]; rate float8; leave float8; at float8; basket float8; first date; h history;
BEGIN
  FOR i IN 1 .. 1500 LOOP
    draws := '{}';
    FOR k IN 1 .. 60 LOOP
      state := (state * 1103515245 + 12345) % 2147483648;
      draws := draws || ((state >> 8) + 0.5) / 8388608;
    END LOOP;
    first := date '2024-01-01' + floor(540 * draws[1])::int;
    rate := -ln(draws[2]) / 60;
    leave := 1 - power(1 - draws[3], 1 / 2.5);
    basket := 60 / -ln(draws[58] * draws[59] * draws[60]);
    h := history(first, round((basket * (0.4 + draws[57]))::numeric, 2));
    at := 0;
    FOR k IN 2 .. 19 LOOP
      EXIT WHEN draws[2 * k] < leave;
      at := at - ln(draws[2 * k + 1]) / rate;
      EXIT WHEN first + ceil(at)::int > date '2025-12-31';
      h := h + history(first + ceil(at)::int, round((basket * (0.4 + draws[36 + k]))::numeric, 2));
    END LOOP;
    INSERT INTO shop VALUES (i, h);
  END LOOP;
END $$;
ANALYZE shop;

;
\echo '--- doctest 0 ---'
SET search_path = scoring, public;
CREATE TABLE fits AS
SELECT btyd_fit('mbgnbd', b.x, b.t_x, b.t) AS orders_fit, spend_fit(b.x, b.m) AS spend_fit
  FROM shop, btyd(orders, '2025-06-30') AS b;

SELECT customer_id, b.x AS repeats, round(b.t - b.t_x) AS weeks_silent,
       round(btyd_alive(orders_fit, orders, '2025-06-30')::numeric, 2) AS alive,
       round(btyd_expected(orders_fit, orders, '2025-06-30', 90)::numeric, 2) AS orders_90d,
       round(clv(orders_fit, spend_fit, orders, '2025-06-30', 12, 30.4375, 0.01)::numeric, 2) AS clv_12m,
       next_order_expected_on(orders_fit, orders, '2025-06-30') AS next_order
  FROM shop, fits, btyd(orders, '2025-06-30') AS b
 WHERE customer_id <= 8 ORDER BY customer_id;

;
\echo '--- doctest 1 ---'
SELECT * FROM btyd('{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', '2025-03-07');

;
\echo '--- doctest 2 ---'
SELECT * FROM btyd('{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50,2025-02-11:0:-7.50}', '2025-03-07');

;
\echo '--- doctest 3 ---'
SELECT key, value FROM fits, jsonb_each(jsonb_set(orders_fit, '{gradient_norm}', '"small"'))
 WHERE key NOT IN ('parameters', 'standard_errors', 'log_likelihood') ORDER BY key;
SELECT p.key, round(p.value::numeric, 3) AS value, round((orders_fit -> 'standard_errors' ->> p.key)::numeric, 3) AS error
  FROM fits, jsonb_each_text(orders_fit -> 'parameters') AS p ORDER BY 1;

;
\echo '--- doctest 4 ---'
SELECT round(btyd_alive('{"family": "bgnbd", "parameters": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}}', 2, 30.43, 38.86)::numeric, 4) AS alive;

;
\echo '--- doctest 5 ---'
SELECT spend_fit ->> 'status' AS status, spend_fit -> 'n' AS n, spend_fit -> 'left_out' AS left_out,
       round((spend_fit #>> '{parameters,q}')::numeric, 2) AS q
  FROM fits;

;
\echo '--- doctest 6 ---'
SELECT n, round(btyd_probability(orders_fit, n, 52)::numeric, 3) AS share,
       round(btyd_expected_new(orders_fit, 13 * (n + 1))::numeric, 3) AS repeats_by_quarter
  FROM fits, generate_series(0, 3) AS n;

;
\echo '--- doctest 7 ---'
SELECT customer_id, round(btyd_alive(orders_fit, orders, '2025-06-30')::numeric, 2) AS alive,
       round((1 - btyd_probability(orders_fit, 0, orders, '2025-06-30', 90))::numeric, 2) AS orders_within_90d,
       round(btyd_probability(orders_fit, 1, orders, '2025-06-30', 90)::numeric, 2) AS exactly_one,
       round(btyd_expected(orders_fit, orders, '2025-06-30', 90)::numeric, 2) AS expected
  FROM shop, fits WHERE customer_id <= 4 ORDER BY customer_id;

;
\echo '--- doctest 8 ---'
SELECT count(*) AS customers, round(sum(clv(orders_fit, spend_fit, orders, '2025-06-30', 12, 30.4375, 0.01))::numeric) AS next_12_months,
       round(sum(clv(orders_fit, spend_fit, orders, '2025-06-30', 12, 30.4375, 0.01, margin => 0.3))::numeric) AS at_30_percent
  FROM shop, fits;

;
\echo '--- doctest 9 ---'
SELECT customer_id, round(c.churn_probability::numeric, 2) AS churn, c.churn_reason, round(c.silence_ratio::numeric, 1) AS ratio, c.is_silent, c.explanation
  FROM shop, fits, churn(orders_fit, orders, '2025-06-30') AS c
 WHERE customer_id <= 6 ORDER BY customer_id;

;
\echo '--- doctest 10 ---'
CREATE TABLE bootstrap AS
SELECT btyd_fit_bootstrap('mbgnbd', b.x, b.t_x, b.t, 7, 100, 1) AS fits
  FROM shop, btyd(orders, '2025-06-30') AS b;
SELECT customer_id, round(btyd_expected(orders_fit, orders, '2025-06-30', 90)::numeric, 3) AS orders_90d, round(i.lower::numeric, 3) AS lower, round(i.upper::numeric, 3) AS upper
  FROM shop, fits, bootstrap, btyd_interval(bootstrap.fits, orders, '2025-06-30', 90) AS i
 WHERE customer_id <= 4 ORDER BY customer_id;

;
\echo '--- doctest 11 ---'
WITH fitted AS (
  SELECT btyd_fit('mbgnbd', b.x, b.t_x, b.t) AS fit FROM shop, btyd(orders, '2025-06-30') AS b
), compared AS (
  SELECT least(b.x, 4) AS repeats,
         btyd_expected(fit, orders, '2025-06-30', 184) AS expected,
         active_days(orders, '2025-12-31', window_days => 184) AS actual
    FROM shop, fitted, btyd(orders, '2025-06-30') AS b
   WHERE b.x IS NOT NULL
)
SELECT repeats || CASE WHEN repeats = 4 THEN '+' ELSE '' END AS repeats, count(*) AS customers,
       round(sum(expected)::numeric, 1) AS expected, sum(actual) AS actual,
       round(avg(expected)::numeric, 3) AS expected_each, round(avg(actual), 3) AS actual_each
  FROM compared GROUP BY compared.repeats ORDER BY compared.repeats;

;
\echo '--- doctest 12 ---'
SELECT * FROM btyd_actual('{2025-06-10:1:80,2025-07-02:0:-80,2025-07-20:1:50,2025-07-24:0:-20}', '2025-06-30', '2025-12-31');

;
\echo '--- doctest 13 ---'
SELECT count(*) > 0 AS made
  FROM create_model('crm', 'SELECT customer_id, day, total FROM shop, days(orders)', as_of => '2025-12-31',
                    prediction => 'mbgnbd', margin => 0.4, discount_rate => 0.1);
SELECT segment_label, customers, clv_12m, round(clv_12m_share::numeric, 3) AS share,
       round(expected_orders_90d::numeric, 1) AS orders_90d, round(mean_churn_probability::numeric, 2) AS churn
  FROM crm.prediction_by_segment;

;
\echo '--- doctest 14 ---'
SELECT topic, value, explanation FROM explain_score('crm', '3') WHERE topic IN ('churn_probability', 'prediction');

;
\echo '--- doctest 15 ---'
SELECT * FROM check_prediction('crm', '2025-06-30');
SELECT repeat_orders_range AS repeats, customers, round(expected_orders::numeric, 1) AS expected, actual_orders AS actual
  FROM crm.prediction_by_frequency;

;
\echo '--- doctest 16 ---'
SELECT week_end, is_holdout, round(expected_orders::numeric) AS expected, actual_orders AS actual
  FROM crm.prediction_tracking WHERE week_end >= '2025-06-10' ORDER BY week_end LIMIT 4;
SELECT dimension, round(chosen_share::numeric, 2) AS chosen, round(learnt_share::numeric, 2) AS learnt FROM crm.weights;

;
\echo '--- doctest 17 ---'
SELECT btyd_fit('mbgnbd', 0, 0, n) ->> 'reason' AS reason, prediction_reason(btyd_fit('mbgnbd', 0, 0, n)) AS of_the_fit,
       btyd_alive(btyd_fit('mbgnbd', 0, 0, n), 0, 0, 5) AS alive
  FROM generate_series(1, 100) AS n;

;
\echo '--- doctest 18 ---'
SELECT btyd_fit('weibull', b.x, b.t_x, b.t) FROM shop, btyd(orders, '2025-06-30') AS b;

;
\echo '--- doctest 19 ---'
