-- Clusters in models, against plain SQL: each customer at the nearest center, numbers that
-- stay when the model is calibrated, reasons, names. Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
SET search_path = public, scoring, shopdata;
\set SHOW_CONTEXT never

-- Points compared the slow way: with everything written out, for log1p_zscore.
CREATE FUNCTION shopdata.slow_cluster(fit jsonb, point float8[]) RETURNS int LANGUAGE sql STRICT AS $$
  SELECT c.n::int FROM jsonb_array_elements(fit -> 'centers_scaled') WITH ORDINALITY AS c (center, n) WHERE array_position(point, NULL) IS NULL
  ORDER BY (SELECT sum(((sign(x) * ln(1 + abs(x)) - (s.method ->> 'shift')::float8) / (s.method ->> 'scale')::float8 - z.z::float8) ^ 2)
    FROM unnest(point) WITH ORDINALITY AS p (x, i) JOIN jsonb_array_elements(fit -> 'scaling') WITH ORDINALITY AS s (method, i) USING (i)
    JOIN jsonb_array_elements_text(c.center) WITH ORDINALITY AS z (z, i) USING (i)), c.n LIMIT 1
$$;
-- Those of two lists of centers that are one and the same, by the least total distance of all orders
CREATE FUNCTION shopdata.slow_match(old jsonb, new jsonb) RETURNS int[] LANGUAGE sql AS $$
  WITH RECURSIVE orders AS (SELECT '{}'::int[] AS o UNION ALL
    SELECT o || n FROM orders, generate_series(1, jsonb_array_length(new -> 'sizes')) AS n WHERE n <> ALL (o)),
  center AS (SELECT c, ARRAY(SELECT CASE v.v::float8 WHEN 0 THEN 0 ELSE (ln(1 + v.v::float8) - (s.method ->> 'shift')::float8) / (s.method ->> 'scale')::float8 END
      FROM jsonb_array_elements_text(new -> 'centers' -> c - 1) WITH ORDINALITY AS v (v, i) JOIN jsonb_array_elements(old -> 'scaling') WITH ORDINALITY AS s (method, i) USING (i) ORDER BY i) AS x
    FROM generate_series(1, jsonb_array_length(new -> 'sizes')) AS c)
  SELECT o FROM orders WHERE cardinality(o) = jsonb_array_length(new -> 'sizes')
  ORDER BY (SELECT sum(sqrt((SELECT sum((x - y::float8) ^ 2) FROM unnest(center.x) WITH ORDINALITY AS a (x, i)
      JOIN jsonb_array_elements_text(old -> 'centers_scaled' -> u.was - 1) WITH ORDINALITY AS b (y, i) USING (i))))
    FROM unnest(o) WITH ORDINALITY AS u (was, n) JOIN center ON center.c = u.n) LIMIT 1
$$;

/* ---- a fit, and who is where ---- */

CREATE TABLE shopdata.buys AS SELECT customer_id, ordered_on, total FROM orders;
SELECT item, detail FROM create_model('clu', 'shopdata.buys', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'shopdata.people', attributes => '{city,visits}', clusters => 4) WHERE item ~ '^cluster|note';
-- the fit is that of the facts that readers see, to the last bit
SELECT k.cluster_fit - '{names,inputs}'::text[] = f.fit AS same, k.cluster_fit -> 'inputs' AS inputs
FROM clu.calibration AS k, (SELECT kmeans_fit(ARRAY[recency_days, frequency, monetary]::float8[], 4, 1, '{log1p_zscore}') AS fit FROM clu.customer_scores) AS f;
SELECT i.n, round((s.method ->> 'shift')::numeric, 9) = round(i.mean::numeric, 9) AND round((s.method ->> 'scale')::numeric, 9) = round(i.sd::numeric, 9) AS as_by_core
FROM clu.calibration AS k, jsonb_array_elements(k.cluster_fit -> 'scaling') WITH ORDINALITY AS s (method, n)
JOIN (SELECT n, avg(x) AS mean, stddev_pop(x) AS sd FROM clu.customer_scores AS c, unnest(ARRAY[recency_days, frequency, monetary]::float8[]) WITH ORDINALITY AS u (v, n), LATERAL (SELECT sign(v) * ln(1 + abs(v)) AS x) AS l
  WHERE recency_days IS NOT NULL GROUP BY n) AS i USING (n) ORDER BY n;
SELECT * FROM differ('SELECT customer_key, cluster, cluster_reason FROM clu.customer_scores',
  'SELECT customer_key, slow_cluster((SELECT cluster_fit FROM clu.calibration), CASE WHEN recency_days IS NOT NULL THEN ARRAY[recency_days, frequency, monetary]::float8[] END), CASE WHEN recency_days IS NULL THEN score_reason END
   FROM clu.customer_scores');
SELECT cluster_reason, count(*), count(cluster) AS clustered FROM clu.customer_scores GROUP BY 1 ORDER BY 1;
SELECT count(*) AS customers, count(*) FILTER (WHERE o.cluster IS DISTINCT FROM s.cluster OR o.cluster_name IS DISTINCT FROM s.cluster_name) AS wrong
FROM clu.customer_scores AS s, LATERAL clu.customer(s.customer_key) AS o;

/* ---- the views ---- */

SELECT cluster, cluster_name, customers, customers_share::numeric(5,4), revenue, revenue_share::numeric(5,4), nearest_segment, nearest_segment_label,
  nearest_segment_share::numeric(5,4), cluster_color, suppressed FROM clu.clusters;
SELECT * FROM differ('SELECT cluster, customers, round(customers_share::numeric, 9), revenue, round(revenue_share::numeric, 9), nearest_segment, round(nearest_segment_share::numeric, 9) FROM clu.clusters',
  'SELECT s.cluster, count(*), round(count(*)::numeric / sum(count(*)) OVER (), 9), sum(s.monetary), round(sum(s.monetary) / sum(sum(s.monetary)) OVER (), 9),
     (array_agg(s.segment ORDER BY n.n DESC, s.segment_order))[1], round(max(n.n) / count(*)::numeric, 9)
   FROM clu.customer_scores AS s JOIN (SELECT cluster, segment, count(*) AS n FROM clu.customer_scores GROUP BY 1, 2) AS n USING (cluster, segment) GROUP BY s.cluster');
SELECT cluster, input, mean::numeric(12,3), mean_of_all::numeric(12,3), index::numeric(12,1), customers, input_order FROM clu.cluster_inputs;
SELECT * FROM differ('SELECT cluster, input, customers, round(mean::numeric, 6), round(mean_of_all::numeric, 6), round(index::numeric, 6) FROM clu.cluster_inputs',
  'SELECT s.cluster, u.input, count(*), round(avg(u.v), 6), round(a.mean, 6), round(100 * avg(u.v) / a.mean, 6)
   FROM clu.customer_scores AS s, LATERAL (VALUES (''recency_days'', s.recency_days::numeric), (''frequency'', s.frequency), (''monetary'', s.monetary)) AS u (input, v)
   JOIN (SELECT u.input, avg(u.v) AS mean FROM clu.customer_scores AS s, LATERAL (VALUES (''recency_days'', s.recency_days::numeric), (''frequency'', s.frequency), (''monetary'', s.monetary)) AS u (input, v)
     WHERE s.cluster IS NOT NULL GROUP BY 1) AS a USING (input) WHERE s.cluster IS NOT NULL GROUP BY 1, 2, a.mean');
-- who they are: the attribute city, and visits by fifths of all people
SELECT * FROM differ('SELECT cluster, cluster_name, value, customers, round(share::numeric, 9), round(index::numeric, 6), round(z::numeric, 6), median FROM clu.cluster_profile WHERE attribute = ''city''',
  'SELECT cluster, cluster_name, city, n, round(n / c, 9), round(100 * (n / c) / (v / everybody), 6),
     round((n / c - (v - n) / (everybody - c)) / sqrt(v / everybody * (1 - v / everybody) * (1 / c + 1 / (everybody - c)) * everybody / (everybody - 1)), 6), NULL::float8
   FROM (SELECT cluster, cluster_name, city, count(*) AS n, sum(count(*)) OVER (PARTITION BY cluster) AS c, sum(count(*)) OVER (PARTITION BY city) AS v, sum(count(*)) OVER () AS everybody
     FROM clu.customer_scores WHERE cluster IS NOT NULL GROUP BY 1, 2, 3) AS n');
SELECT * FROM differ('SELECT cluster, position, customers, round(share::numeric, 9), median FROM clu.cluster_profile WHERE attribute = ''visits''',
  'SELECT cluster, dense_rank() OVER (ORDER BY fifth), n, round(n / sum(n) OVER (PARTITION BY cluster), 9), CASE WHEN fifth IS NOT NULL THEN median END
   FROM (SELECT s.cluster, (SELECT count(*) FROM unnest(k.cuts) AS u (cut) WHERE s.visits > u.cut) + CASE WHEN s.visits IS NOT NULL THEN 0 END AS fifth, count(*) AS n FROM clu.customer_scores AS s,
     (SELECT percentile_cont(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY visits) AS cuts FROM clu.customer_scores) AS k WHERE s.cluster IS NOT NULL GROUP BY 1, 2) AS n
   JOIN (SELECT cluster, percentile_cont(0.5) WITHIN GROUP (ORDER BY visits) AS median FROM clu.customer_scores GROUP BY 1) AS m USING (cluster)');
-- names and words: all different, for any number of clusters, in both languages
SELECT language, count(*) AS fits, count(*) FILTER (WHERE names <> clusters) AS with_twins FROM (
  SELECT language, k, scaling, count(*) AS clusters, count(DISTINCT n) AS names FROM unnest('{en,fr}'::text[]) AS language, generate_series(2, 24) AS k, unnest('{none,log1p_zscore,robust}'::text[]) AS scaling,
    LATERAL (SELECT kmeans_fit(ARRAY[recency_days, frequency, monetary]::float8[], k, 1, ARRAY[scaling]) AS fit FROM clu.customer_scores) AS f,
    LATERAL unnest(_cluster_names(f.fit, '{recency_days,frequency,monetary}', language)) AS n GROUP BY 1, 2, 3) AS n GROUP BY 1 ORDER BY 1;
SELECT language, n FROM unnest('{en,fr}'::text[]) AS language, LATERAL unnest(_cluster_names((SELECT kmeans_fit(ARRAY[recency_days, frequency, monetary]::float8[], 10, 1, '{log1p_zscore}') FROM clu.customer_scores),
  '{recency_days,frequency,monetary}', language)) WITH ORDINALITY AS n (n, o) ORDER BY language, o;
-- points that are alike but for the third decimal; inputs without words of their own
SELECT _cluster_names(fit, '{shoe_size}', 'en') AS en, _cluster_names(fit, '{shoe_size}', 'fr') AS fr FROM (SELECT kmeans_fit(ARRAY[x]::float8[], 5, 1, '{none}') AS fit FROM unnest('{0,0,1,1.001,1.002,9}'::float8[]) AS x) AS f;
SELECT w.input, count(*) AS words FROM _cluster_word AS w WHERE w.input <> '' GROUP BY 1 HAVING count(DISTINCT w.level) FILTER (WHERE w.level IN ('far_below', 'below', 'above', 'far_above', 'figure')) <> 5 OR count(*) % 2 <> 0;
-- every column that clusters can be made of has words, or is called by its name
SELECT string_agg(name, ', ') AS nameless FROM _cluster_columns(_model_settings('clu') || '{"prediction": "mbgnbd"}') AS c WHERE name <> ALL ('{city,visits}') AND NOT EXISTS (SELECT FROM _cluster_word AS w WHERE w.input = c.name);

/* ---- calibrated again: numbers stay ---- */

CREATE TABLE shopdata.fits AS SELECT version, cluster_fit FROM clu.calibration;
-- everybody of two clusters buys, who are now recent; nobody else moves
INSERT INTO shopdata.buys SELECT customer_key::int, date '2025-12-30' - n, 12.5 * n FROM clu.customer_scores, generate_series(1, 2) AS n WHERE cluster = 4 AND customer_key::int % 3 > 0;
SELECT status FROM refresh_model('clu');
-- frozen: the centers are those of before
SELECT k.cluster_fit = f.cluster_fit AS frozen, (SELECT count(*) FROM clu.customer_scores AS s
    WHERE s.cluster IS DISTINCT FROM slow_cluster(f.cluster_fit, CASE WHEN s.recency_days IS NOT NULL THEN ARRAY[s.recency_days, s.frequency, s.monetary]::float8[] END)) AS wrong
FROM clu.calibration AS k JOIN shopdata.fits AS f USING (version);
CREATE TABLE shopdata.before AS SELECT customer_key, cluster FROM clu.customer_scores;
SELECT item, detail FROM calibrate_model('clu', dry_run => true) WHERE item ~ '^cluster|note|version';
SELECT count(*) AS versions FROM clu.calibration;
SELECT item, detail FROM calibrate_model('clu') WHERE item ~ '^cluster|note|version';
SELECT count(*) FILTER (WHERE s.cluster <> b.cluster) AS changed, count(s.cluster) AS of FROM clu.customer_scores AS s JOIN shopdata.before AS b USING (customer_key);
-- as if all orders of the new centers had been tried
SELECT array_agg((m ->> 'was')::int ORDER BY n) AS was, (SELECT slow_match(f.cluster_fit, k.cluster_fit)) AS slow
FROM clu.calibration AS k, shopdata.fits AS f, jsonb_array_elements(k.cluster_fit -> 'matched') WITH ORDINALITY AS m (m, n) WHERE k.version = 2 GROUP BY f.cluster_fit, k.cluster_fit;
-- without, they would be numbered anew
SELECT slow_match(f.cluster_fit, n.fit) AS unmatched FROM shopdata.fits AS f, (SELECT kmeans_fit(ARRAY[recency_days, frequency, monetary]::float8[], 4, 1, '{log1p_zscore}') AS fit FROM clu.customer_scores) AS n;
SELECT * FROM differ('SELECT customer_key, cluster FROM clu.customer_scores',
  'SELECT customer_key, slow_cluster((SELECT cluster_fit FROM clu.calibration WHERE version = 2), CASE WHEN recency_days IS NOT NULL THEN ARRAY[recency_days, frequency, monetary]::float8[] END) FROM clu.customer_scores');
-- more clusters: the four keep their numbers
SELECT item, detail FROM alter_model('clu', clusters => 6) WHERE item ~ '^cluster|version';
SELECT array_agg(m ->> 'was' ORDER BY n) AS was FROM clu.calibration, jsonb_array_elements(cluster_fit -> 'matched') WITH ORDINALITY AS m (m, n) WHERE version = 3;

/* ---- past days: the fit in force, or that of a version ---- */

SELECT v.version, d.* FROM generate_series(1, 3) AS v (version), LATERAL differ(format('SELECT customer_key, cluster FROM clu.customer_scores_at(''2025-12-31'', %s)', v.version),
  format('SELECT customer_key, slow_cluster((SELECT cluster_fit FROM clu.calibration WHERE version = %s), CASE WHEN recency_days IS NOT NULL THEN ARRAY[recency_days, frequency, monetary]::float8[] END) FROM clu.customer_scores', v.version)) AS d;
UPDATE clu.configuration SET valid_from = '2025-12-01', valid_until = CASE WHEN version < 3 THEN date '2025-12-01' END;
UPDATE clu.configuration SET valid_from = '2025-01-01' WHERE version = 1;
SELECT to_char(day, 'YYYY-MM-DD') AS day, d.* FROM unnest('{2025-03-31,2025-11-30,2025-12-01}'::date[]) AS day, LATERAL differ(format('SELECT customer_key, cluster FROM clu.customer_scores_at(%L)', day),
  format('SELECT customer_key, slow_cluster((SELECT cluster_fit FROM clu.calibration WHERE version = %s), CASE WHEN recency_days IS NOT NULL THEN ARRAY[recency_days, frequency, monetary]::float8[] END)
    FROM clu.customer_scores_at(%L)', CASE WHEN day < '2025-12-01' THEN 1 ELSE 3 END, day)) AS d;

/* ---- of very many customers a part ---- */

BEGIN;
DO $$ BEGIN EXECUTE format('CREATE OR REPLACE FUNCTION %s._clustered_customers() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS ''SELECT 200''', (SELECT pronamespace::regnamespace FROM pg_proc WHERE proname = '_clustered_customers')); END $$;
SELECT item, detail FROM calibrate_model('clu') WHERE item = 'clusters';
SELECT abs((k.cluster_fit ->> 'n')::int - 200) < 40 AS about_half, k.cluster_fit - '{names,inputs,matched}'::text[] = kmeans_match(f.cluster_fit, n.fit) - 'matched' AS same
FROM clu.calibration AS k, clu.calibration AS f, (SELECT kmeans_fit(ARRAY[recency_days, frequency, monetary]::float8[], 6, 1, '{log1p_zscore}') AS fit
  FROM clu.customer_scores AS s, (SELECT count(*)::float8 AS n FROM clu.customer_histories) AS h WHERE ab_group(customer_key, 'clusters', ARRAY[200 / n, 1 - 200 / n]) = 1) AS n WHERE k.version = 4 AND f.version = 3;
ROLLBACK;

/* ---- off, and on again ---- */

SELECT item, detail FROM alter_model('clu', clusters => 0) WHERE item ~ '^cluster|version';
SELECT count(cluster) AS clusters, count(cluster_name) AS names, count(cluster_reason) AS reasons, count(*) > 0 AS customers, (SELECT count(*) FROM clu.clusters) AS rows, (SELECT count(*) FROM clu.cluster_inputs) AS inputs, (SELECT count(*) FROM clu.cluster_profile) AS profile FROM clu.customer_scores;
SELECT item, detail FROM alter_model('clu', clusters => 6) WHERE item ~ '^cluster|version';
SELECT a.cluster_fit - 'matched' = b.cluster_fit - 'matched' AS same_again FROM clu.calibration AS a, clu.calibration AS b WHERE a.version = 3 AND b.version = 5;
-- a version without clusters: its days are seen by those of today, the version itself is not
SELECT cluster_reason, count(*) FROM clu.customer_scores_at('2025-12-31', 4) GROUP BY 1;
SELECT count(*) AS rows, count(*) FILTER (WHERE a.cluster IS DISTINCT FROM slow_cluster(k.cluster_fit, CASE WHEN a.recency_days IS NOT NULL THEN ARRAY[a.recency_days, a.frequency, a.monetary]::float8[] END)) AS wrong
FROM create_model('late', 'shopdata.buys', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31') AS m (item, detail),
  LATERAL (SELECT 1 WHERE m.item = 'model') AS one, LATERAL (SELECT count(*) FROM alter_model('late', clusters => 3) WHERE m.item = 'model') AS two, clu.calibration AS k, clu.customer_scores_at('2025-12-31') AS a WHERE k.version = 5;
UPDATE late.configuration SET valid_from = '2025-12-01' WHERE version = 2;
UPDATE late.configuration SET valid_until = '2025-12-01' WHERE version = 1;
SELECT count(*) AS rows, count(*) FILTER (WHERE a.cluster IS DISTINCT FROM slow_cluster(k.cluster_fit, ARRAY[a.recency_days, a.frequency, a.monetary]::float8[])) AS wrong FROM late.calibration AS k, late.customer_scores_at('2025-06-30') AS a WHERE k.version = 2;
SELECT cluster_reason, count(*) > 0 AS some FROM late.customer_scores_at('2025-06-30', 1) GROUP BY 1;

/* ---- other inputs ---- */

CREATE TABLE shopdata.clues AS SELECT customer_id, city, CASE WHEN customer_id % 10 = 0 THEN NULL WHEN customer_id % 10 = 1 THEN 'NaN' WHEN customer_id % 10 = 2 THEN 'Infinity' WHEN customer_id % 10 = 3 THEN 1e200 ELSE customer_id % 7 END::float8 AS size,
  CASE WHEN customer_id = 5 THEN 1e400 ELSE customer_id % 5 END::numeric AS rank, 1.5::real AS fixed FROM people;
SELECT count(*) > 0 AS done FROM create_model('inp', 'shopdata.buys', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', customers => 'shopdata.clues', attributes => '{city,size,rank,fixed}', prediction => 'mbgnbd');
SELECT item, detail FROM alter_model('inp', clusters => 3, cluster_inputs => '{size,rank,fixed}', cluster_scaling => '{zscore,none,robust}') WHERE item ~ '^cluster|note';
-- prospects too: nobody needs an order for these
SELECT cluster_reason, count(*), count(*) FILTER (WHERE recency_days IS NULL) AS prospects, count(cluster) AS clustered FROM inp.customer_scores GROUP BY 1 ORDER BY 1;
SELECT count(*) AS wrong FROM inp.customer_scores AS s LEFT JOIN shopdata.clues AS c ON c.customer_id::text = s.customer_key WHERE s.cluster_reason IS DISTINCT FROM
  CASE WHEN c.customer_id IS NULL OR c.customer_id % 10 = 0 THEN coalesce(CASE WHEN s.recency_days IS NULL THEN s.score_reason END, 'input_missing') WHEN c.customer_id % 10 BETWEEN 1 AND 3 OR c.customer_id = 5 THEN 'input_not_finite' END;
SELECT k.cluster_fit - '{names,inputs,left_out,matched}'::text[] = f.fit - 'left_out' AS same FROM inp.calibration AS k,
  (SELECT kmeans_fit(ARRAY[size, rank::float8, fixed], 3, 1, '{zscore,none,robust}') AS fit FROM inp.customer_scores WHERE cluster IS NOT NULL) AS f WHERE k.version = 2;
-- scores, predictions and changes of them
SELECT item, detail FROM alter_model('inp', cluster_inputs => '{r_score,rfm_score_change,propensity_90d,basket_score,rfm_score,mean_value,silence_ratio}', cluster_scaling => '{zscore}') WHERE item ~ '^cluster ';
SELECT k.cluster_fit - '{names,inputs,left_out,matched}'::text[] = f.fit - 'left_out' AS same FROM inp.calibration AS k,
  (SELECT kmeans_fit(ARRAY[r_score, rfm_score_change, propensity_90d, basket_score, rfm_score, mean_value, silence_ratio]::float8[], 3) AS fit
   FROM inp._scores AS s) AS f WHERE k.version = 3;
-- the version before had other inputs
SELECT count(*) AS customers, count(*) FILTER (WHERE s.cluster IS DISTINCT FROM kmeans_assign(k.cluster_fit, ARRAY[c.size, c.rank::float8, c.fixed])) AS wrong
FROM inp.customer_scores_at('2025-12-31', 2) AS s JOIN shopdata.clues AS c ON c.customer_id::text = s.customer_key, inp.calibration AS k WHERE k.version = 2 AND c.customer_id % 10 > 3 AND c.customer_id <> 5;
-- few people, all alike, none
SELECT item, detail FROM alter_model('inp', cluster_inputs => '{fixed}', cluster_scaling => '{none}') WHERE item ~ '^cluster|note';
SELECT cluster_reason, count(*) FILTER (WHERE cluster IS NULL) > 0 AS nobody, (SELECT count(*) FROM inp.clusters) AS rows FROM inp.customer_scores GROUP BY 1;
SELECT item, detail FROM alter_model('inp', cluster_inputs => '{rank}', clusters => 5, minimum_customers => 1000) WHERE item ~ '^cluster|note';
SELECT cluster_reason, count(*) > 0 AS some FROM inp.customer_scores GROUP BY 1;

/* ---- a stream that goes ---- */

CREATE TABLE shopdata.visits AS SELECT customer_id, date '2025-12-01' + (customer_id * 7 + n) % 30 AS seen_on FROM people, generate_series(1, 1 + customer_id % 9) AS n WHERE customer_id % 4 > 0;
SELECT count(*) > 0 AS done FROM add_stream('late', 'visits', 'shopdata.visits', customer => 'customer_id', day => 'seen_on');
SELECT item, detail FROM alter_model('late', clusters => 2, cluster_inputs => '{recency_days,visits_events_30d}') WHERE item ~ '^cluster';
SELECT count(*) > 0 AS customers, count(*) FILTER (WHERE cluster IS DISTINCT FROM slow_cluster(k.cluster_fit, CASE WHEN recency_days IS NOT NULL THEN ARRAY[recency_days, visits_events_30d]::float8[] END)) AS wrong FROM late.customer_scores, late.calibration AS k WHERE version = 3;
SELECT item, detail FROM drop_stream('late', 'visits') WHERE detail ~ 'cluster';
SELECT cluster_reason, count(*) > 0 AS some, count(cluster) AS clusters FROM late.customer_scores GROUP BY 1;
SELECT item, detail FROM calibrate_model('late') WHERE item ~ '^cluster';
-- what has nothing to do with clusters can still be altered
SELECT item, detail FROM alter_model('late', weights => '{2,1,1}') WHERE item ~ 'weights';
SELECT refused($$alter_model('late', clusters => 3)$$) ~ 'visits_events_30d' AS named;
SELECT item, detail FROM alter_model('late', cluster_inputs => '{recency_days,frequency}') WHERE item ~ '^cluster';

/* ---- errors ---- */

SELECT refused(format($$alter_model('inp', %s)$$, a), true) FROM unnest(ARRAY['clusters => 1', 'clusters => -1', 'clusters => 65', 'cluster_inputs => ''{}''', 'cluster_inputs => ''{frequency,frequency}''',
  'cluster_inputs => ''{NULL}''', 'cluster_inputs => ''{nothing}''', 'cluster_inputs => ''{segment}''', 'cluster_inputs => ''{cluster}''', 'cluster_inputs => ''{rank,city}''', 'cluster_inputs => ''{last_order_on}''',
  'cluster_inputs => ''{{frequency},{monetary}}''', 'cluster_scaling => ''{best}''', 'cluster_scaling => ''{none,none}''', 'cluster_scaling => ''{}''', 'cluster_scaling => ''{NULL}''', 'attributes => ''{city}''', 'prediction => ''none'', clusters => 2']) AS a;
SELECT refused($$create_model('x', 'shopdata.buys', customer => 'customer_id', day => 'ordered_on', value => 'total', clusters => 3, cluster_inputs => '{engagement_score}')$$, true);
SELECT refused($$create_model('x', 'shopdata.buys', customer => 'customer_id', day => 'ordered_on', value => 'total', clusters => NULL)$$, true);
SELECT refused($$create_model('x', 'shopdata.buys', customer => 'customer_id', day => 'ordered_on', value => 'total', customers => '(SELECT customer_id, 1 AS cluster FROM shopdata.people)', attributes => '{cluster}')$$, true);

/* ---- in a segment map, in explanations ---- */

CREATE SCHEMA cluster_maps;
SELECT create_segment_map('cluster_maps.by_cluster', copy_of => 'essential');
INSERT INTO cluster_maps.segment_rule (map, position, segment, conditions) VALUES ('by_cluster', 0, 'upsell', '{"column": "cluster", "op": "=", "value": 2}');
SELECT item, detail FROM alter_model('clu', segment_map => 'cluster_maps.by_cluster') WHERE item ~ 'note|Upsell';
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE (cluster = 2) IS TRUE AND segment <> 'upsell') AS wrong FROM clu.customer_scores;
SELECT explanation FROM explain_score('clu', (SELECT min(customer_key) FROM clu.customer_scores WHERE cluster = 2)) WHERE topic = 'segment';
SELECT segment, count(*) FROM score_customers('SELECT * FROM shopdata.buys', '2025-12-31', segment_map => 'cluster_maps.by_cluster') WHERE segment = 'upsell' GROUP BY 1;
SELECT item, detail FROM alter_model('late', segment_map => 'cluster_maps.by_cluster') WHERE item = 'note';
SELECT item, detail FROM alter_model('late', clusters => 0) WHERE item = 'note';
SELECT detail FROM clu.processing_record WHERE item = 'data derived';
SELECT topic, value, explanation FROM explain_score('clu', '7') WHERE topic = 'cluster';
SELECT topic, value, explanation FROM explain_score('clu', '7', language => 'fr') WHERE topic = 'cluster';
SELECT d.own = round(sqrt(min(d.square) FILTER (WHERE d.c = d.cluster))::numeric, 2) AS own, d.next = round(sqrt(min(d.square) FILTER (WHERE d.c <> d.cluster))::numeric, 2) AS next
FROM (SELECT s.cluster, c.n AS c, (regexp_match(e.explanation, '^([0-9.]+)'))[1]::numeric AS own, (regexp_match(e.explanation, '([0-9.]+) away'))[1]::numeric AS next,
    (SELECT sum((x - y::float8) ^ 2) FROM unnest(kmeans_scaled(k.cluster_fit, ARRAY[s.recency_days, s.frequency, s.monetary]::float8[])) WITH ORDINALITY AS a (x, i) JOIN jsonb_array_elements_text(c.center) WITH ORDINALITY AS b (y, i) USING (i)) AS square
  FROM clu.customer_scores AS s, explain_score('clu', '7') AS e, clu.calibration AS k, jsonb_array_elements(k.cluster_fit -> 'centers_scaled') WITH ORDINALITY AS c (center, n)
  WHERE s.customer_key = '7' AND e.topic = 'cluster' AND k.version = (SELECT max(version) FROM clu.configuration)) AS d GROUP BY d.own, d.next;
SELECT topic, explanation FROM explain_score('clu', '7', audience => 'customer') WHERE topic = 'cluster';
SELECT count(*) AS lines FROM explain_score('clu', '445') WHERE topic = 'cluster';

-- nothing of it in models without
SELECT count(*) > 0 AS done FROM create_model('bare', 'shopdata.buys', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
SELECT count(*) > 50 AS parts, count(*) FILTER (WHERE d.definition ~ 'cluster') AS that_know_clusters FROM (SELECT definition FROM pg_views WHERE schemaname = 'bare'
  UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'bare'::regnamespace) AS d;
SELECT count(*) AS lines FROM explain_score('bare', '7') WHERE topic = 'cluster';

/* ---- tenants, live ---- */

SELECT count(*) > 0 AS done FROM create_model('ten', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch', as_of => '2025-12-31', clusters => 3);
SELECT k.tenant, k.cluster_fit - '{names,inputs}'::text[] = f.fit AS same FROM ten.calibration AS k JOIN (SELECT tenant, kmeans_fit(ARRAY[recency_days, frequency, monetary]::float8[], 3, 1, '{log1p_zscore}') AS fit FROM ten.customer_scores GROUP BY 1) AS f USING (tenant) ORDER BY 1;
SELECT * FROM differ('SELECT customer_key, cluster FROM ten.customer_scores', 'SELECT s.customer_key, slow_cluster(k.cluster_fit, ARRAY[s.recency_days, s.frequency, s.monetary]::float8[]) FROM ten.customer_scores AS s JOIN ten.calibration AS k ON k.tenant = s.tenant');
SELECT tenant, count(*) AS clusters, sum(customers) AS customers, round(sum(customers_share)::numeric, 9) AS share FROM ten.clusters GROUP BY 1 ORDER BY 1;
SELECT item, detail FROM calibrate_model('ten', dry_run => true) WHERE item ~ '^cluster';
-- a tenant that has come since has none until the model is calibrated
CREATE TABLE shopdata.branches AS SELECT customer_id, ordered_on, total, branch FROM shopdata.orders WHERE branch <> 'south';
SELECT count(*) > 0 AS done FROM create_model('grow', 'shopdata.branches', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch', as_of => '2025-12-31', clusters => 2, live => true);
INSERT INTO shopdata.branches VALUES (9999, '2025-12-24', 10, 'north');
SELECT s.cluster = slow_cluster(k.cluster_fit, ARRAY[7, 1, 10]) AS pending FROM grow.customer_scores AS s JOIN grow.calibration AS k USING (tenant) WHERE customer_id = '9999';
INSERT INTO shopdata.branches SELECT customer_id, ordered_on, total, 'south' FROM shopdata.orders WHERE customer_id <= 3 ORDER BY 1, 2;
SELECT status FROM apply_changes('grow');
SELECT cluster_reason, count(*), count(cluster) AS clusters FROM grow.customer_scores WHERE tenant = 'south' GROUP BY 1;
SELECT s.cluster = slow_cluster(k.cluster_fit, ARRAY[7, 1, 10]) AS applied FROM grow.customer_scores AS s JOIN grow.calibration AS k USING (tenant) WHERE customer_id = '9999';
SELECT item, detail FROM calibrate_model('grow') WHERE item ~ '^cluster';
SELECT cluster_reason, count(*), count(cluster) AS clusters FROM grow.customer_scores WHERE tenant = 'south' GROUP BY 1;

/* ---- small groups ---- */

SELECT count(*) > 0 AS done FROM alter_model('clu', minimum_group_size => 30, clusters => 9);
SELECT c.cluster, n.n AS really, c.customers, c.cluster_name IS NULL AS unnamed, c.revenue IS NULL AS hidden, c.nearest_segment_share IS NULL AS share_hidden, c.suppressed,
  (SELECT count(*) FILTER (WHERE i.mean IS NULL AND i.customers IS NULL AND i.cluster_name IS NULL AND i.index IS NULL) FROM clu.cluster_inputs AS i WHERE i.cluster = c.cluster) AS inputs_hidden
FROM clu.clusters AS c JOIN (SELECT cluster, count(*) AS n FROM clu.customer_scores GROUP BY 1) AS n USING (cluster) ORDER BY 1;

-- of the profile what is shown is as without hiding, and of no fewer
SELECT count(*) > 0 AS done FROM alter_model('clu', minimum_group_size => 10, clusters => 3);
CREATE TABLE shopdata.profile AS SELECT * FROM clu.cluster_profile;
SELECT count(*) > 0 AS done FROM alter_model('clu', minimum_group_size => 1);
SELECT count(*) > 0 AS some, min(p.customers) >= 10 AS large, count(*) FILTER (WHERE to_jsonb(p) - 'position' <> to_jsonb(c) - 'position') AS different, count(*) FILTER (WHERE c.cluster IS NULL) AS others
FROM shopdata.profile AS p LEFT JOIN clu.cluster_profile AS c ON c.cluster = p.cluster AND c.attribute = p.attribute AND c.value IS NOT DISTINCT FROM p.value;
SELECT count(*) AS dropped FROM unnest('{clu,late,inp,ten,grow,bare}'::text[]) AS d, LATERAL drop_model(d) AS r WHERE r.item = 'dropped';
DROP SCHEMA cluster_maps CASCADE;
DROP TABLE shopdata.buys, shopdata.fits, shopdata.before, shopdata.clues, shopdata.visits, shopdata.branches, shopdata.profile;
