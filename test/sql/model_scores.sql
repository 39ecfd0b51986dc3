-- customer_scores of a model is what score_customers says, under any settings;
-- the columns that score_customers lacks are what the functions of layer 1 say.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

-- A map of one's own, with conditions on whatever both know.
CREATE SCHEMA maps;
SELECT create_segment_map('maps.facts', copy_of => 'essential');
INSERT INTO maps.segment_rule (map, position, segment, conditions)
SELECT 'facts', n, (ARRAY['vip', 'regular', 'at_risk', 'lapsed', 'occasional'])[1 + n % 5], c::jsonb
FROM (VALUES (2, '{"and": [{"column": "recency_days", "op": "<", "value": 20}, {"column": "frequency", "op": "=", "value": 3}]}'),
  (3, '{"and": [{"column": "monetary", "op": "between", "value": [100, 140.5]}, {"column": "tenure_days", "op": ">", "value": 300}]}'),
  (4, '{"column": "mean_value", "op": ">", "value": 90.25}'), (5, '{"column": "rfm_code", "op": "in", "value": ["445", "355", "111"]}'),
  (6, '{"and": [{"column": "last_order_on", "op": ">=", "value": "2025-12-01"}, {"column": "as_of", "op": "=", "value": "2025-12-31"}]}'),
  (7, '{"and": [{"column": "silence_ratio", "op": ">", "value": 2}, {"column": "rfm_score", "op": "<", "value": 3}]}')) AS v(n, c);

-- One model, altered from settings to settings; what is left out has its default again. A map is left out when
-- a model is made, and not later; another day alone takes no other thresholds.
CREATE FUNCTION shopdata.settings_differ(settings text, OUT rows bigint, OUT different bigint, OUT segments bigint) LANGUAGE plpgsql AS $$
BEGIN
  IF to_regclass('m.customer_scores') IS NULL OR settings ~ 'segment_map => NULL' OR settings !~ '2025-12-31' THEN
    PERFORM drop_model(model) FROM models() WHERE model = 'm';
    EXECUTE format('SELECT count(*) > 0 AS done FROM create_model(''m'', ''SELECT customer_id, ordered_on, total FROM orders'', %s)', settings);
  ELSE
    EXECUTE format('SELECT count(*) > 0 AS done FROM alter_model(''m'', %s, reset => %L)', settings,
      ARRAY(SELECT name FROM unnest('{bins,segment_map,window_days,monetary,frequency,weights,recency_thresholds,frequency_thresholds,monetary_thresholds}'::text[]) AS name
             WHERE settings !~ ('\m' || name || ' =>')));
  END IF;
  SELECT d.* INTO rows, different FROM differ(common('customer_key') || 'm.customer_scores',
    common('customer_id') || format('score_customers(''SELECT customer_id, ordered_on, total FROM orders'', %s)', settings)) AS d;
  SELECT count(DISTINCT segment) INTO segments FROM m.customer_scores;
END $$;
SELECT settings, d.* FROM unnest(ARRAY[
  $$as_of => '2025-12-31'$$,
  $$as_of => '2024-06-30'$$,
  $$as_of => '2024-01-01'$$,
  $$as_of => '2023-12-31'$$,
  $$as_of => '2025-12-31', bins => 3, segment_map => NULL$$,
  $$as_of => '2025-12-31', bins => 3, segment_map => 'klaviyo'$$,
  $$as_of => '2025-12-31', bins => 4, segment_map => 'pymc_quartile'$$,
  $$as_of => '2025-12-31', bins => 10, segment_map => NULL, weights => '{1,2,3}'$$,
  $$as_of => '2025-12-31', bins => 1, segment_map => NULL$$,
  $$as_of => '2025-12-31', bins => 100, segment_map => NULL$$,
  $$as_of => '2025-12-31', segment_map => 'standard'$$,
  $$as_of => '2025-12-31', segment_map => 'shopify_names'$$,
  $$as_of => '2025-12-31', segment_map => 'rfm_r'$$,
  $$as_of => '2025-12-31', segment_map => 'maps.facts'$$,
  $$as_of => '2025-12-31', segment_map => 'maps.facts', window_days => 200$$,
  $$as_of => '2025-12-31', window_days => 365$$,
  $$as_of => '2025-12-31', window_days => 30, monetary => 'mean'$$,
  $$as_of => '2025-12-31', window_days => 90, frequency => 'active_days'$$,
  $$as_of => '2025-12-31', window_days => 1$$,
  $$as_of => '2025-12-31', window_days => 100000$$,
  $$as_of => '2025-12-31', monetary => 'mean', weights => '{0,0,1}'$$,
  $$as_of => '2025-12-31', weights => '{0.5,0.25,2}'$$,
  $$as_of => '2025-12-31', weights => '{0,0,0}'$$,
  $$as_of => '2025-12-31', recency_thresholds => '{10,20,40,80}', frequency_thresholds => '{2,3,5,7}', monetary_thresholds => '{20,60.5,100,200}'$$,
  $$as_of => '2025-12-31', recency_thresholds => '{}', frequency_thresholds => '{}', monetary_thresholds => '{}'$$,
  $$as_of => '2025-12-31', recency_thresholds => '{30,30,180,180}', frequency_thresholds => '{1,1,1,9}', monetary_thresholds => '{0,0,0,1e308}'$$,
  $$as_of => '2025-12-31', bins => 2, segment_map => NULL, recency_thresholds => '{180}', frequency_thresholds => '{}', monetary_thresholds => '{-4.5}'$$,
  $$as_of => '2025-12-31', bins => 3, segment_map => 'klaviyo', recency_thresholds => '{45,200}', frequency_thresholds => '{2,5}', monetary_thresholds => '{50,50}', window_days => 200$$
  ]) AS settings, settings_differ(settings) AS d;
SELECT item FROM drop_model('m');
-- a model knows more than score_customers: conditions on the basket and on the
-- change of rfm_score
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31', segment_map => 'essential_hybrid');
SELECT count(*) AS rows, count(*) FILTER (WHERE segment IS DISTINCT FROM segment(r_score, f_score, m_score, 'essential_hybrid', to_jsonb(s) - 'segment')) AS different,
       count(*) FILTER (WHERE segment <> segment(r_score, f_score, m_score, 'essential', to_jsonb(s) - 'segment')) AS refined,
       count(*) FILTER (WHERE segment <> segment(r_score, f_score, m_score, 'essential_hybrid', to_jsonb(s) - 'segment' - 'basket_score' - 'rfm_score_change')) AS only_here
FROM m.customer_scores AS s;
SELECT item FROM drop_model('m');
-- nobody has an order in the window, and there is nothing to take thresholds from
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM orders WHERE ordered_on < ''2025-06-01''', as_of => '2025-12-31', window_days => 30);
SELECT * FROM differ(common('customer_key') || 'm.customer_scores', common('customer_id') ||
  $$score_customers('SELECT customer_id, ordered_on, total FROM orders WHERE ordered_on < ''2025-06-01''', '2025-12-31', window_days => 30)$$);
SELECT f_score, m_score, basket_score, score_reason, count(*) FROM m.customer_scores GROUP BY 1, 2, 3, 4 ORDER BY 1;
SELECT item FROM drop_model('m');
-- an order of nothing counts, a correction doesn't, nor does what isn't to count
CREATE TABLE shopdata.kinds (customer_id int, ordered_on date, total numeric, counts boolean);
INSERT INTO kinds VALUES (1, '2025-12-01', 0, NULL), (2, '2025-12-01', -5, NULL), (3, '2025-12-01', -5, true), (4, '2025-12-01', 5, false),
  (5, '2025-12-01', '-0', NULL), (6, '2025-12-01', 10, NULL), (6, '2025-12-20', -10, NULL), (7, '2026-01-01', 5, NULL), (8, '2025-12-31', 5, NULL);
SELECT count(*) > 0 AS done FROM create_model('m', 'kinds', as_of => '2025-12-31');
SELECT * FROM differ(common('customer_key') || 'm.customer_scores', common('customer_id') || $$score_customers('kinds', '2025-12-31')$$);
SELECT customer_key, recency_days, frequency, monetary, segment, score_reason FROM m.customer_scores ORDER BY 1;
SELECT item FROM drop_model('m');

-- The other columns, by the functions of layer 1 and 2 over the orders
CREATE FUNCTION shopdata.facts(d date, window_days int, change_days int) RETURNS TABLE (customer_key text, as_of text, last_order_on text, silence_ratio float8,
  basket_score int, rfm_score_change float8, score_reason text) LANGUAGE sql AS $$
  WITH h AS (
    SELECT customer_id, history_agg(ordered_on, total) AS h FROM orders WHERE ordered_on <= d GROUP BY 1
  ), v AS (
    SELECT *, recency(h, d) AS r, frequency(h, d, window_days) AS f, monetary(h, d, window_days) AS m, mean_value(h, d, window_days) AS b,
           recency(h, d - change_days) AS r0, frequency(h, d - change_days, window_days) AS f0, monetary(h, d - change_days, window_days) AS m0 FROM h
  ), q AS (
    SELECT quantile_thresholds(m, 5) FILTER (WHERE f > 0) AS mq, quantile_thresholds(b, 5) FILTER (WHERE f > 0) AS bq FROM v
  )
  SELECT customer_id::text, iso(d), iso(last_day(h, d)), silence_ratio(h, d), CASE WHEN r IS NOT NULL THEN score(b, bq) END,
         weighted_score(ARRAY[score(r, '{30,90,180,365}', false), CASE WHEN f = 0 THEN 1 ELSE score(f, '{1,2,4,9}') END, CASE WHEN f = 0 THEN 1 ELSE score(m, mq) END], '{1,1,1}')
         - CASE WHEN r0 IS NOT NULL THEN
             weighted_score(ARRAY[score(r0, '{30,90,180,365}', false), CASE WHEN f0 = 0 THEN 1 ELSE score(f0, '{1,2,4,9}') END, CASE WHEN f0 = 0 THEN 1 ELSE score(m0, mq) END], '{1,1,1}') END,
         CASE WHEN r IS NULL THEN 'no_order' WHEN f = 0 THEN 'no_order_in_window' END
  FROM v, q
$$;
SELECT days, change, d.* FROM (VALUES (NULL::int, 90), (365, 90), (60, 30), (200, 1)) AS v (days, change)
CROSS JOIN LATERAL (SELECT count(*) AS made FROM create_model('m' || change || coalesce(days, 0), 'SELECT customer_id, ordered_on, total FROM orders',
  as_of => '2025-12-31', window_days => days, change_days => change)) AS c
CROSS JOIN LATERAL differ(format('SELECT customer_key, iso(as_of), iso(last_order_on), silence_ratio, basket_score, rfm_score_change, score_reason FROM m%s%s.customer_scores', change, coalesce(days, 0)),
  format('SELECT * FROM facts(''2025-12-31'', %L, %s)', days, change)) AS d WHERE made > 0;
SELECT score_reason, count(*), count(rfm_score_change) AS changes, round(min(rfm_score_change)::numeric, 3) AS min, round(max(rfm_score_change)::numeric, 3) AS max
FROM m3060.customer_scores GROUP BY 1 ORDER BY 1;
SELECT score_reason, count(*), count(rfm_score_change) AS changes, round(min(rfm_score_change)::numeric, 3) AS min, round(max(rfm_score_change)::numeric, 3) AS max
FROM m90365.customer_scores GROUP BY 1 ORDER BY 1;
-- ... and the words of the segments
SELECT count(*) AS rows, count(*) FILTER (WHERE (s.segment_label, s.segment_order, s.segment_color) IS DISTINCT FROM (l.label, l.display_order, l.color)) AS different
FROM m900.customer_scores AS s LEFT JOIN segment_label AS l ON l.map = 'essential' AND l.segment = s.segment AND l.language = 'en';
SELECT item FROM unnest('{m900,m90365,m3060,m1200}'::text[]) AS m, drop_model(m);

-- Money has the decimals that were asked for, and no score depends on them.
SELECT decimals, d.* FROM (VALUES (0), (2), (9)) AS v (decimals)
CROSS JOIN LATERAL (SELECT count(*) AS made FROM create_model('m' || decimals, 'SELECT customer_id, ordered_on, total / 3::float8 FROM orders', as_of => '2025-12-31', money_decimals => decimals)) AS c
CROSS JOIN LATERAL differ(format('SELECT customer_key, monetary::text, mean_value::text, m_score, segment FROM m%s.customer_scores', decimals),
  format('SELECT customer_id, monetary::numeric(24,%s)::text, mean_value::numeric(24,%1$s)::text, m_score, segment FROM score_customers(''SELECT customer_id, ordered_on, total / 3::float8 FROM orders'', ''2025-12-31'')', decimals)) AS d WHERE made > 0;
SELECT item FROM unnest('{m0,m2,m9}'::text[]) AS m, drop_model(m);

DROP SCHEMA maps CASCADE;
DROP TABLE kinds;
DROP FUNCTION settings_differ(text), facts(date, int, int);
