-- The views of a model as others see them: names and types of all columns,
-- which later versions may only append to, comments, keys.
SET client_min_messages = warning;
SET IntervalStyle = 'postgres';		-- defaults of parameters are shown
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
SELECT count(*) > 0 AS done FROM create_model('shop', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total',
  customers => 'people', attributes => '{city,born_on,visits}', as_of => '2025-12-31');
SELECT count(*) > 0 AS done FROM create_model('plain', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31');
SELECT count(*) > 0 AS done FROM create_model('branches', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch',
  customers => 'people', consent => 'agreed', language => 'fr', as_of => '2025-12-31');

-- This list only grows, and at the end of each view.
\pset format unaligned
SELECT table_name || ': ' || string_agg(column_name || ' ' || CASE WHEN data_type = 'numeric' THEN format('numeric(%s,%s)', numeric_precision, numeric_scale) ELSE data_type END, ', ' ORDER BY ordinal_position) AS columns
FROM information_schema.columns
WHERE table_schema = 'shop' AND table_name IN (SELECT table_name FROM information_schema.views WHERE table_schema = 'shop' AND table_name !~ '^_')
GROUP BY table_name ORDER BY table_name;
-- The same columns whatever a model is made of, but for attributes
SELECT table_schema, count(*) AS columns, count(*) FILTER (WHERE (table_name, column_name, data_type) NOT IN (SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'shop')) AS others
FROM information_schema.columns JOIN information_schema.views USING (table_schema, table_name) WHERE table_schema IN ('shop', 'plain', 'branches') AND table_name !~ '^_' GROUP BY table_schema ORDER BY 1;
-- Functions: names, arguments, results
SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ') -> ' || pg_get_function_result(p.oid) AS function, prosecdef, provolatile, proparallel
FROM pg_proc AS p WHERE pronamespace = 'shop'::regnamespace ORDER BY 1;
\pset format aligned

-- Nothing that a tool could choke on
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid JOIN pg_type AS t ON t.oid = a.atttypid
WHERE c.relnamespace IN ('shop'::regnamespace, 'branches'::regnamespace) AND c.relkind = 'v' AND c.relname !~ '^_'
  AND (t.typtype <> 'b' OR t.typelem <> 0 AND t.typcategory = 'A' OR t.typname NOT IN ('text', 'int4', 'int8', 'float8', 'numeric', 'date', 'timestamptz', 'int2', 'bool')
       OR t.typname = 'numeric' AND a.atttypmod < 0);
SELECT c.relname, a.attname, k.catdesc FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid JOIN pg_get_keywords() AS k ON k.word IN (a.attname, c.relname)
WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('v', 'r') AND a.attnum > 0 AND k.catcode IN ('R', 'T') ORDER BY 1, 2;
SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind = 'v' AND c.relname !~ '^_' AND (a.attname !~ '^[a-z][a-z0-9_]{0,29}$' OR c.relname !~ '^[a-z][a-z0-9_]{1,29}$');
-- Everything is explained
SELECT nspname, c.relname, a.attname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE nspname IN ('shop', 'plain', 'branches') AND c.relkind IN ('v', 'r') AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL);
SELECT p.oid::regprocedure FROM pg_proc AS p WHERE pronamespace = 'shop'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname IN ('shop', 'plain', 'branches') ORDER BY 1;
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'shop.customer_segments'::regclass AND attnum > 0 ORDER BY attnum;
-- Views hide what is below them; nobody else may read anything
SELECT DISTINCT reloptions FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind = 'v' AND relname !~ '^_';
SELECT count(*) FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relacl IS NOT NULL;
SELECT count(*) FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) AS a WHERE pronamespace = 'shop'::regnamespace AND a.grantee = 0;
-- Statistics, which more people can read, hold no key of a person
SELECT tablename, attname FROM pg_stats WHERE schemaname IN ('shop', 'branches') AND attname IN ('customer_key', 'customer_id', 'history');

-- One key for every customer, unique and never NULL; by it the views meet.
SELECT count(*) AS rows, count(customer_key) AS keys, count(DISTINCT customer_key) AS different_keys FROM shop.customer_scores;
SELECT count(*) AS rows, count(customer_key) AS keys, count(DISTINCT customer_key) AS different_keys FROM branches.customer_scores;
SELECT count(*) AS rows, count(DISTINCT g.customer_key) AS keys, count(*) FILTER (WHERE (s.segment, s.segment_label, s.customer_id) IS DISTINCT FROM (g.segment, g.segment_label, g.customer_id)) AS different
FROM shop.customer_scores AS s FULL JOIN shop.customer_segments AS g USING (customer_key);
SELECT count(*) AS rows, count(*) FILTER (WHERE customer_id <> customer_key) AS different FROM shop.customer_scores;

-- Labels and ranges in French
SELECT segment, role, segment_label, description, action, segment_order, segment_color FROM branches.segments JOIN (SELECT DISTINCT segment, segment_label FROM branches.segment_summary) AS s USING (segment) WHERE label = segment_label ORDER BY segment_order;
SELECT count(*) AS rows, count(*) FILTER (WHERE (s.role, s.label, s.description, s.action, s.segment_order, s.segment_color) IS DISTINCT FROM (l.role, l.label, l.description, l.action, l.display_order, l.color)) AS different
FROM plain.segments AS s FULL JOIN (SELECT * FROM segment_label WHERE map = 'essential' AND language = 'en') AS l USING (segment);
SELECT dimension, score, score_range FROM plain.thresholds WHERE dimension IN ('recency', 'frequency') ORDER BY dimension, score;
SELECT DISTINCT dimension, score, score_range FROM branches.thresholds WHERE dimension IN ('recency', 'frequency') ORDER BY dimension, score;

-- What is kept from day to day: nothing in customer_segments changes while the
-- segment stays.
SELECT count(*) > 0 AS done FROM create_model('daily', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-30');
CREATE TABLE yesterday AS TABLE daily.customer_segments;
CREATE TABLE yesterday_scores AS TABLE daily.customer_scores;
SELECT count(*) > 0 AS done FROM alter_model('daily', as_of => '2025-12-31');
SELECT (SELECT count(*) FROM daily.customer_scores AS n JOIN yesterday_scores AS y USING (customer_key) WHERE n.segment IS DISTINCT FROM y.segment) AS moved,
       (SELECT count(*) FROM daily.customer_scores AS n JOIN yesterday_scores AS y USING (customer_key) WHERE n IS DISTINCT FROM y) AS scores_differ,
       (SELECT count(*) FROM daily.customer_segments AS n JOIN yesterday AS y USING (customer_key) WHERE n IS DISTINCT FROM y) AS segments_differ,
       (SELECT count(*) FROM yesterday) AS customers;
SELECT item FROM unnest('{shop,plain,branches,daily}'::text[]) AS m, drop_model(m);
DROP TABLE yesterday, yesterday_scores;

-- The words for a range say who gets the score: every whole day or number, and
-- money to the cent, against score() itself.
CREATE FUNCTION shopdata.says(words text, value numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN w = '-' THEN false WHEN w IN ('all', 'tous') THEN true
    WHEN w ~ '^< ' THEN value < substr(w, 3)::numeric
    WHEN w ~ '^>= ' THEN value >= substr(w, 4)::numeric
    WHEN w ~ '^<= ' THEN value <= substr(w, 4)::numeric
    WHEN w ~ '^> .* <= ' THEN value > split_part(w, ' ', 2)::numeric AND value <= split_part(w, ' ', 4)::numeric
    WHEN w ~ '^> ' THEN value > substr(w, 3)::numeric
    WHEN w ~ '\+$' THEN value >= rtrim(w, '+')::numeric
    WHEN w ~ '^-?[0-9.]+-[0-9.]+$' THEN value BETWEEN (regexp_match(w, '^(-?[0-9.]+)-'))[1]::numeric AND (regexp_match(w, '[0-9]-([0-9.]+)$'))[1]::numeric
    ELSE value = w::numeric END
  FROM (SELECT regexp_replace(words, ' [dj]$', '') AS w) AS s
$$;
WITH said AS MATERIALIZED (
  SELECT dimension, thresholds, s, score_range(dimension, thresholds, s, language) AS words
  FROM (VALUES ('{30,90,180,365}'::float8[]), ('{1,2,4,9}'), ('{1,1,4,4}'), ('{0,0,0,0}'), ('{0,1,2,3}'), ('{3,3,3}'), ('{}'), ('{7}'), ('{1.5,2.25,2.75,40}'), ('{2,2.5,2.75,3}'), ('{0.5,0.75,10,10}'), ('{17.25,17.25,40,100}')) AS t (thresholds),
       unnest('{recency,frequency,monetary,basket}'::text[]) AS dimension, unnest('{en,fr}'::text[]) AS language, generate_series(1, cardinality(thresholds) + 1) AS s),
checked AS MATERIALIZED (
  SELECT dimension, words, value, says(words, value) IS DISTINCT FROM (score(value, thresholds, dimension <> 'recency') = s) AS wrong, format('%s %s %s %s: %s', dimension, thresholds, s, value, words) AS example
  FROM said, generate_series(0, 400) AS v (n), LATERAL (SELECT CASE WHEN dimension IN ('recency', 'frequency') THEN n ELSE n / 4.0 END) AS w (value)
  WHERE NOT (dimension = 'frequency' AND value = 0))
SELECT dimension, count(*) AS checked, count(*) FILTER (WHERE wrong) AS wrong, min(example) FILTER (WHERE wrong) AS example FROM checked GROUP BY dimension ORDER BY dimension;
SELECT score_range('recency', '{30,90}', 4) IS NULL AS too_high, score_range('recency', '{30,90}', 0) IS NULL AS too_low, score_range('recency', NULL, 1) IS NULL AS unknown,
       score_range('recency', '{30,90}', NULL) IS NULL AS no_score, score_range('monetary', '{10,20.125}', 2, decimals => 0) AS whole, score_range('monetary', '{10,20.125}', 2, decimals => 3) AS exact, score_range('recency', '{30,90}', 2, 'fr-CA') AS french;
DROP FUNCTION says(text, numeric);
