-- Summaries, lists, grids and thresholds of models against plain SQL over what
-- score_customers says.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31');
SELECT count(*) > 0 AS done FROM create_model('w', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31', window_days => 120,
  bins => 3, segment_map => 'klaviyo', frequency_thresholds => '{2,2}', language => 'fr', money_decimals => 3);
CREATE TABLE shopdata.scored AS
SELECT 'm' AS model, s.* FROM score_customers('SELECT customer_id, ordered_on, total FROM orders', '2025-12-31') AS s
UNION ALL
SELECT 'w', s.* FROM score_customers('SELECT customer_id, ordered_on, total FROM orders', '2025-12-31', window_days => 120, bins => 3, segment_map => 'klaviyo', frequency_thresholds => '{2,2}') AS s;
CREATE VIEW shopdata.words AS
SELECT 'm' AS model, * FROM segment_label WHERE map = 'essential' AND language = 'en' UNION ALL SELECT 'w', * FROM segment_label WHERE map = 'klaviyo' AND language = 'fr';
-- every number of the summaries, of all segments, empty ones too
CREATE TABLE shopdata.compared (what text, model text, ours text, theirs text);
CREATE FUNCTION shopdata.compare(what text, model text, ours text, theirs text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO compared SELECT %L, %L, a::text, b::text FROM (SELECT row_number() OVER () AS n, to_jsonb(a) AS a FROM (%s) AS a) AS a FULL JOIN (SELECT row_number() OVER () AS n, to_jsonb(b) AS b FROM (%s) AS b) AS b USING (n)', what, model, ours, theirs);
END $$;

SELECT compare('segment_summary', model, format('SELECT iso(as_of) AS as_of, segment, segment_label, role, customers, customers_share, revenue, revenue_share, mean_rfm_score::numeric(9,6),
    median_recency_days, median_frequency, median_monetary, segment_order, segment_color FROM %s.segment_summary ORDER BY segment_order', model),
  format($$WITH n AS (
      SELECT segment, count(*) AS customers, sum(monetary) AS revenue, avg(rfm_score) AS mean, percentile_cont(0.5) WITHIN GROUP (ORDER BY recency_days) AS recency,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY frequency) AS frequency, percentile_cont(0.5) WITHIN GROUP (ORDER BY monetary::numeric(24,%s)::float8) AS monetary
      FROM scored WHERE model = '%s' GROUP BY 1)
    SELECT '2025-12-31' AS as_of, w.segment, w.label AS segment_label, w.role, coalesce(customers, 0) AS customers, coalesce(customers, 0) / sum(customers) OVER ()::float8 AS customers_share,
           coalesce(revenue, 0)::numeric(24,%1$s) AS revenue, (greatest(coalesce(revenue, 0), 0) / sum(greatest(revenue, 0)) OVER ())::float8 AS revenue_share, mean::numeric(9,6) AS mean_rfm_score,
           recency AS median_recency_days, frequency AS median_frequency, monetary::numeric(24,%1$s) AS median_monetary, display_order AS segment_order, color AS segment_color
    FROM words AS w LEFT JOIN n USING (segment) WHERE w.model = '%2$s' ORDER BY display_order$$, d, model))
FROM (VALUES ('m', 2), ('w', 3)) AS v (model, d);

-- the grid, with a row for every cell; its ranges are those of the thresholds
SELECT compare('rfm_grid', model, format('SELECT iso(as_of) AS as_of, r_score, f_score, r_range, f_range, customers, customers_share, revenue, revenue_share, mean_m_score::numeric(9,6) FROM %s.rfm_grid ORDER BY r_score, f_score', model),
  format($$SELECT '2025-12-31' AS as_of, r AS r_score, f AS f_score, (SELECT score_range FROM %1$s.thresholds WHERE dimension = 'recency' AND score = r) AS r_range,
             (SELECT score_range FROM %1$s.thresholds WHERE dimension = 'frequency' AND score = f) AS f_range,
             count(customer_id) AS customers, count(customer_id) / sum(count(customer_id)) OVER ()::float8 AS customers_share, coalesce(sum(monetary), 0)::numeric(24,%2$s) AS revenue,
             (greatest(coalesce(sum(monetary), 0), 0) / sum(greatest(sum(monetary), 0)) OVER ())::float8 AS revenue_share, avg(m_score)::numeric(9,6) AS mean_m_score
    FROM generate_series(1, %3$s) AS r CROSS JOIN generate_series(1, %3$s) AS f LEFT JOIN scored ON model = '%1$s' AND r_score = r AND f_score = f GROUP BY r, f ORDER BY r, f$$, model, d, bins))
FROM (VALUES ('m', 2, 5), ('w', 3, 3)) AS v (model, d, bins);

-- thresholds: given, usual or quantiles of the customers with an order in the window
CREATE FUNCTION shopdata.cuts(model text, dimension text) RETURNS float8[] LANGUAGE sql AS $$
  SELECT CASE model || ' ' || dimension
    WHEN 'm recency' THEN '{30,90,180,365}' WHEN 'm frequency' THEN '{1,2,4,9}' WHEN 'w frequency' THEN '{2,2}'
    WHEN 'm monetary' THEN (SELECT quantile_thresholds(monetary, 5) FROM scored AS s WHERE s.model = 'm' AND frequency > 0)
    WHEN 'm basket' THEN (SELECT quantile_thresholds(mean_value, 5) FROM scored AS s WHERE s.model = 'm' AND frequency > 0)
    WHEN 'w recency' THEN (SELECT quantile_thresholds(recency_days, 3) FROM scored AS s WHERE s.model = 'w')
    WHEN 'w monetary' THEN (SELECT quantile_thresholds(monetary, 3) FROM scored AS s WHERE s.model = 'w' AND frequency > 0)
    WHEN 'w basket' THEN (SELECT quantile_thresholds(mean_value, 3) FROM scored AS s WHERE s.model = 'w' AND frequency > 0) END
$$;
SELECT compare('thresholds', model, format('SELECT dimension, score, lower_bound, upper_bound, score_range, version, iso(valid_from) AS valid_from, calibrated_customers, score_reason FROM %s.thresholds ORDER BY array_position(''{recency,frequency,monetary,basket}'', dimension), score', model),
  format($$SELECT dimension, s AS score, CASE WHEN dimension = 'recency' THEN t[%2$s - s] ELSE t[s - 1] END AS lower_bound, CASE WHEN dimension = 'recency' THEN t[%2$s - s + 1] ELSE t[s] END AS upper_bound,
             score_range(dimension, t, s, %3$L, %4$s) AS score_range, 1 AS version, '2025-12-31' AS valid_from, (SELECT count(recency_days) FROM scored WHERE model = '%1$s') AS calibrated_customers, NULL::text AS score_reason
    FROM (SELECT dimension, cuts('%1$s', dimension) AS t FROM unnest('{recency,frequency,monetary,basket}'::text[]) AS dimension) AS c, generate_series(1, %2$s) AS s
    ORDER BY array_position('{recency,frequency,monetary,basket}', dimension), s$$, model, bins, language, d))
FROM (VALUES ('m', 5, 'en', 2), ('w', 3, 'fr', 3)) AS v (model, bins, language, d);

-- how many have which score in each dimension
SELECT compare('score_distribution', model, format('SELECT iso(as_of) AS as_of, dimension, score, customers, customers_share, revenue, revenue_share, note FROM %s.score_distribution ORDER BY array_position(''{recency,frequency,monetary,basket}'', dimension), score', model),
  format($$WITH d AS (
      SELECT customer_id, monetary, dimension, score FROM scored AS s, LATERAL (VALUES ('recency', r_score), ('frequency', f_score), ('monetary', m_score),
        ('basket', CASE WHEN recency_days IS NOT NULL THEN score(mean_value, cuts('%1$s', 'basket')) END)) AS v (dimension, score) WHERE model = '%1$s')
    SELECT '2025-12-31' AS as_of, dimension, score, count(customer_id) AS customers, count(customer_id) / sum(count(customer_id)) OVER w::float8 AS customers_share, coalesce(sum(monetary), 0)::numeric(24,%3$s) AS revenue,
           (greatest(coalesce(sum(monetary), 0), 0) / sum(greatest(sum(monetary), 0)) OVER w)::float8 AS revenue_share,
           CASE WHEN '%1$s' = 'w' AND dimension = 'frequency' AND score = 2 THEN 'no value can get this score: many customers share the value at its threshold' END AS note
    FROM unnest('{recency,frequency,monetary,basket}'::text[]) AS dimension CROSS JOIN generate_series(1, %2$s) AS score LEFT JOIN d USING (dimension, score) GROUP BY dimension, score
    WINDOW w AS (PARTITION BY dimension) ORDER BY array_position('{recency,frequency,monetary,basket}', dimension), score$$, model, bins, d))
FROM (VALUES ('m', 5, 2), ('w', 3, 3)) AS v (model, bins, d);

-- the four lists, in the order of the view
SELECT compare(list, model, format('SELECT customer_key, iso(as_of) AS as_of, recency_days, frequency, monetary, mean_value, tenure_days, rfm_code, rfm_score, segment, segment_label, action FROM %s.%s', model, list),
  format($$SELECT customer_id AS customer_key, '2025-12-31' AS as_of, recency_days, frequency, monetary::numeric(24,%s) AS monetary, mean_value::numeric(24,%1$s) AS mean_value, tenure_days, rfm_code, rfm_score, segment, label AS segment_label, action
    FROM scored JOIN words USING (model, segment) WHERE model = '%s' AND role = '%s' ORDER BY scored.monetary DESC, customer_id COLLATE "C"$$, d, model, role))
FROM (VALUES ('m', 2), ('w', 3)) AS v (model, d), (VALUES ('vip_customers', 'vip'), ('upsell_customers', 'upsell'), ('new_customers', 'new'), ('at_risk_customers', 'at_risk')) AS l (list, role);

SELECT what, model, count(ours) AS rows, count(*) FILTER (WHERE ours IS DISTINCT FROM theirs) AS different FROM compared GROUP BY what, model ORDER BY 1, 2;
SELECT ours, theirs FROM compared WHERE ours IS DISTINCT FROM theirs LIMIT 5;
-- sums that must hold
SELECT (SELECT sum(customers) FROM m.segment_summary) = (SELECT count(*) FROM m.customer_scores) AS everyone, (SELECT sum(customers) FROM m.rfm_grid) = (SELECT count(r_score) FROM m.customer_scores) AS scored,
       (SELECT sum(revenue) FROM m.segment_summary) = (SELECT sum(total) FROM orders WHERE ordered_on <= '2025-12-31') AS revenue, (SELECT round(sum(revenue_share)::numeric, 9) FROM m.segment_summary) AS shares;
SELECT dimension, score, score_range, customers, note FROM w.score_distribution WHERE dimension = 'frequency' ORDER BY score;

-- A map with holes and without some labels: a customer without a segment is in
-- no line of the summary.
CREATE SCHEMA maps;
SELECT create_segment_map('maps.holes', copy_of => 'essential');
DELETE FROM maps.segment_rule WHERE segment IN ('lapsed', 'at_risk');
DELETE FROM maps.segment_label WHERE segment IN ('at_risk') OR language = 'fr' AND segment = 'vip';
UPDATE maps.segment_rule SET segment = 'a ''quoted'' % $1 "segment"' WHERE segment = 'occasional';
SELECT item, detail FROM create_model('holes', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31', segment_map => 'maps.holes', language => 'fr') WHERE item LIKE 'segment %';
SELECT s.segment, s.segment_label, s.segment_order, s.segment_color, count(*) FROM holes.customer_scores AS s GROUP BY 1, 2, 3, 4 ORDER BY 3, 1;
SELECT segment, label, role, segment_order, segment_color FROM holes.segments ORDER BY segment_order;
SELECT count(*) AS all_customers FROM holes.customer_segments;
-- what becomes of the map later is nothing to the model, until it is named again
UPDATE maps.segment_rule SET segment = 'vip' WHERE segment = 'upsell_potential';
SELECT customers FROM holes.segment_summary WHERE segment = 'vip';
SELECT item, detail FROM alter_model('holes', segment_map => 'maps.holes') WHERE item ~ 'vip|VIP|version|map';
SELECT customers FROM holes.segment_summary WHERE segment = 'vip';
DROP SCHEMA maps CASCADE;
SELECT customers FROM holes.segment_summary WHERE segment = 'vip';
SELECT item FROM unnest('{m,w,holes}'::text[]) AS m, drop_model(m);
DROP TABLE compared, scored;
DROP VIEW words;
DROP FUNCTION compare(text, text, text, text), cuts(text, text);
