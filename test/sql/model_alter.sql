-- alter_model: every setting, dry runs, reset, back to earlier versions; what
-- stands on the views stays.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
CREATE TABLE shopdata.sales AS SELECT customer_id, ordered_on, total, ordered_at, kind FROM orders;
CREATE SCHEMA maps;
SELECT create_segment_map('maps.mine', copy_of => 'essential');
UPDATE maps.segment_rule SET segment = 'vip' WHERE map = 'mine' AND segment = 'upsell_potential';

-- A model is made over and over here: no place to start workers for each statement.
SET max_parallel_workers_per_gather = 0;
-- One setting after the other: the model is then what a new one would be, but
-- for thresholds, which stay where the setting has nothing to do with them.
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-09-30');
CREATE FUNCTION shopdata.altered(change text, source text, settings text) RETURNS TABLE (version int, thresholds_kept boolean, rows bigint, different bigint) LANGUAGE plpgsql AS $$
DECLARE
  old_thresholds text; dry jsonb; wet jsonb; kept boolean; cuts record;
BEGIN
  SELECT to_jsonb(c) - 'version' INTO old_thresholds FROM m.calibration AS c ORDER BY c.version DESC LIMIT 1;
  EXECUTE format('SELECT jsonb_agg(to_jsonb(a)) - 0 FROM alter_model(''m'', %s, dry_run => true) AS a', change) INTO dry;
  EXECUTE format('SELECT jsonb_agg(to_jsonb(a)) - 0 FROM alter_model(''m'', %s) AS a', change) INTO wet;
  IF dry IS DISTINCT FROM wet THEN RAISE 'the dry run said something else: % %', dry, wet; END IF;
  SELECT c.version, (to_jsonb(c) - 'version')::text = old_thresholds INTO version, thresholds_kept FROM m.calibration AS c ORDER BY c.version DESC LIMIT 1;
  SELECT c.recency_thresholds AS r, c.frequency_thresholds AS f, c.monetary_thresholds AS m INTO cuts FROM m.calibration AS c ORDER BY c.version DESC LIMIT 1;
  SELECT d.* INTO rows, different FROM differ(common('customer_key') || 'm.customer_scores',
    common('customer_id') || format('score_customers(%L, %s, recency_thresholds => %L, frequency_thresholds => %L, monetary_thresholds => %L)', source, settings, cuts.r, cuts.f, cuts.m)) AS d;
  RETURN NEXT;
END $$;
SELECT change, a.* FROM (VALUES
  (1, $$weights => '{2,1,1}'$$, 'sales3', $$'2025-09-30', weights => '{2,1,1}'$$),
  (2, $$as_of => '2025-12-31'$$, 'sales3', $$'2025-12-31', weights => '{2,1,1}'$$),
  (3, $$bins => 3, segment_map => 'klaviyo'$$, 'sales3', $$'2025-12-31', weights => '{2,1,1}', bins => 3, segment_map => 'klaviyo'$$),
  (4, $$window_days => 365$$, 'sales3', $$'2025-12-31', weights => '{2,1,1}', bins => 3, segment_map => 'klaviyo', window_days => 365$$),
  (5, $$monetary => 'mean'$$, 'sales3', $$'2025-12-31', weights => '{2,1,1}', bins => 3, segment_map => 'klaviyo', window_days => 365, monetary => 'mean'$$),
  (6, $$frequency => 'active_days'$$, 'sales3', $$'2025-12-31', weights => '{2,1,1}', bins => 3, segment_map => 'klaviyo', window_days => 365, monetary => 'mean', frequency => 'active_days'$$),
  (7, $$recency_thresholds => '{60,200}'$$, 'sales3', $$'2025-12-31', weights => '{2,1,1}', bins => 3, segment_map => 'klaviyo', window_days => 365, monetary => 'mean', frequency => 'active_days'$$),
  (8, $$frequency_thresholds => '{1,3}', monetary_thresholds => '{10,50}'$$, 'sales3', $$'2025-12-31', weights => '{2,1,1}', bins => 3, segment_map => 'klaviyo', window_days => 365, monetary => 'mean', frequency => 'active_days'$$),
  (9, $$reset => '{bins,segment_map,recency_thresholds,frequency_thresholds,monetary_thresholds,weights}'$$, 'sales3', $$'2025-12-31', window_days => 365, monetary => 'mean', frequency => 'active_days'$$),
  (10, $$segment_map => 'maps.mine'$$, 'sales3', $$'2025-12-31', segment_map => 'maps.mine', window_days => 365, monetary => 'mean', frequency => 'active_days'$$),
  (11, $$reset => '{window_days,monetary,frequency}'$$, 'sales3', $$'2025-12-31', segment_map => 'maps.mine'$$),
  (12, $$segment_map => 'standard', language => 'fr'$$, 'sales3', $$'2025-12-31', segment_map => 'standard'$$),
  (13, $$counts => 'kind = ''order'''$$, 'SELECT customer_id, ordered_on, total, kind = ''order'' FROM sales', $$'2025-12-31', segment_map => 'standard'$$),
  (14, $$value => 'round(total)', reset => '{counts}'$$, 'SELECT customer_id, ordered_on, round(total) FROM sales', $$'2025-12-31', segment_map => 'standard'$$),
  (15, $$customer => 'customer_id % 100'$$, 'SELECT customer_id % 100, ordered_on, round(total) FROM sales', $$'2025-12-31', segment_map => 'standard'$$),
  (16, $$day => 'ordered_at', time_zone => 'Asia/Tokyo'$$, 'SELECT customer_id % 100, (ordered_at AT TIME ZONE ''Asia/Tokyo'')::date, round(total) FROM sales', $$'2025-12-31', segment_map => 'standard'$$),
  (17, $$time_zone => 'America/Lima'$$, 'SELECT customer_id % 100, (ordered_at AT TIME ZONE ''America/Lima'')::date, round(total) FROM sales', $$'2025-12-31', segment_map => 'standard'$$),
  (18, $$change_days => 30, money_decimals => 2, on_error => 'raise'$$, 'SELECT customer_id % 100, (ordered_at AT TIME ZONE ''America/Lima'')::date, round(total) FROM sales', $$'2025-12-31', segment_map => 'standard'$$),
  (19, $$source => 'SELECT customer_id AS c, ordered_on, total FROM shopdata.sales', customer => 'c', day => 'ordered_on', value => 'total', segment_map => 'essential', reset => '{time_zone,language,change_days}'$$, 'sales3', $$'2025-12-31'$$)
) AS v (step, change, source, settings), altered(change, CASE source WHEN 'sales3' THEN 'SELECT customer_id, ordered_on, total FROM sales' ELSE source END, settings) AS a ORDER BY step;
SELECT version, reason, iso(valid_from) AS valid_from, iso(valid_until) AS valid_until, bins, segment_map, map_copy, language FROM m.configuration ORDER BY version;
-- ... in words
SELECT item, detail FROM alter_model('m', weights => '{1,0,2}', window_days => 200, language => 'fr', dry_run => true) WHERE item NOT LIKE 'segment %';
SELECT item, detail FROM alter_model('m', segment_map => 'standard', dry_run => true);
SELECT count(*) AS versions FROM m.configuration;

-- Back to any version: the scores of then, whatever came since
CREATE TABLE shopdata.versions (version int, scores jsonb);
SELECT item, detail FROM alter_model('m', version => 1) WHERE item NOT LIKE 'segment %';
INSERT INTO versions SELECT 1, jsonb_agg(to_jsonb(s) ORDER BY customer_key) FROM m.customer_scores AS s;
SELECT count(*) AS rows, count(*) FILTER (WHERE a IS DISTINCT FROM b) AS different FROM (SELECT jsonb_array_elements(scores) AS a FROM versions) AS v
FULL JOIN (SELECT to_jsonb(s) AS b FROM m.customer_scores_at('2025-09-30', 1) AS s) AS s ON a ->> 'customer_key' = b ->> 'customer_key';
CREATE FUNCTION shopdata.back(v int) RETURNS TABLE (version int, reason text, same_thresholds boolean, map_of_then boolean) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM alter_model('m', version => v);
  RETURN QUERY SELECT c.version, c.reason, (to_jsonb(k) - 'version') = (SELECT to_jsonb(o) - 'version' FROM m.calibration AS o WHERE o.version = v),
    c.map_copy = (SELECT o.map_copy FROM m.configuration AS o WHERE o.version = v) FROM m.configuration AS c JOIN m.calibration AS k USING (version) WHERE c.valid_until IS NULL;
END $$;
SELECT b.* FROM unnest('{4,8,12,17,20,3}'::int[]) WITH ORDINALITY AS v (v, n), back(v) AS b ORDER BY n;
SELECT r_score, count(*) FROM m.customer_scores GROUP BY 1 ORDER BY 1;
-- with a change on top: thresholds are taken again only where the change has to do with them
SELECT item, detail FROM alter_model('m', version => 1, weights => '{1,1,3}') WHERE item NOT LIKE 'segment %';
SELECT c.weights, k.monetary_thresholds = (SELECT monetary_thresholds FROM m.calibration WHERE version = 1) AS same FROM m.configuration AS c JOIN m.calibration AS k USING (version) WHERE valid_until IS NULL;
SELECT item, detail FROM alter_model('m', version => 4, segment_map => NULL, monetary => 'mean', reset => '{weights}') WHERE item IN ('version', 'thresholds', 'monetary', 'weights');
SELECT item FROM alter_model('m', version => 1, segment_map => 'standard') WHERE item = 'version';
SELECT DISTINCT segment FROM m.customer_scores ORDER BY 1;

-- What is refused, with nothing changed
SELECT refused('alter_model(''m'', ' || change || ')', true) FROM (VALUES ('bins => 4'), ('bins => 101'), ('segment_map => ''nope'''), ('window_days => 0'), ('monetary => ''x'''),
  ('recency_thresholds => ''{1}'''), ('weights => ''{1}'''), ('time_zone => ''nowhere'''), ('as_of => ''infinity'''), ('language => ''!'''), ('change_days => 0'), ('money_decimals => 12'),
  ('value => ''nothing'''), ('source => ''nowhere'''), ('reset => ''{source}'''), ('reset => ''{nothing}'''), ('reset => ''{NULL}'''), ('reset => ''{weights}'', weights => ''{1,2,3}'''),
  ('version => 0'), ('version => 99'), ('version => -1'), ('dry_run => true'), ('reset => ''{}'''), ('attributes => ''{city}'''), ('money_decimals => 3'), ('weights => ''{1,1,1}''')) AS v (change);
SELECT refused('alter_model(NULL, bins => 4)');
SELECT max(version) AS versions FROM m.configuration;
SELECT item FROM drop_model('m');

RESET max_parallel_workers_per_gather;
-- Attributes come and go; views of others, matviews, grants and functions stay.
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
CREATE ROLE regress_model_reader;
SELECT grant_reader('m', 'regress_model_reader');
CREATE SCHEMA dash;
CREATE VIEW dash.scores AS SELECT * FROM m.customer_scores;
CREATE VIEW dash.past AS SELECT customer_key, segment FROM m.customer_scores_at('2025-10-31');
CREATE MATERIALIZED VIEW dash.kept AS SELECT * FROM m.customer_segments;
CREATE UNIQUE INDEX ON dash.kept (customer_key);
CREATE VIEW before AS SELECT c.oid, relname, (SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) AS columns FROM pg_class AS c WHERE relnamespace = 'm'::regnamespace AND relkind = 'v';
CREATE TABLE views AS TABLE before;
SELECT item, detail FROM alter_model('m', customers => 'people', attributes => '{city,visits}') WHERE item NOT LIKE 'segment %';
SELECT relname, replace(n.columns, o.columns, '...') AS appended FROM before AS n JOIN views AS o USING (oid, relname) WHERE n.columns <> o.columns ORDER BY 1;
SELECT count(*) FILTER (WHERE n.oid IS NULL OR o.oid IS NULL) AS not_the_same FROM before AS n FULL JOIN views AS o USING (oid);
SELECT city, visits FROM m.customer_scores WHERE customer_key = '5';
SELECT city, visits FROM m.customer_scores_at('2025-10-31') WHERE customer_key = '5';
SELECT count(*) AS rows, count(*) FILTER (WHERE p.segment IS DISTINCT FROM s.segment) AS different FROM dash.past AS p JOIN m.customer_scores_at('2025-10-31') AS s USING (customer_key);
REFRESH MATERIALIZED VIEW CONCURRENTLY dash.kept;
SELECT count(*) FROM dash.kept;
SELECT count(*) > 0 AS done FROM alter_model('m', attributes => '{visits,born_on}');
SELECT city, visits, born_on IS NOT NULL AS born FROM m.customer_scores WHERE customer_key = '5';
SELECT DISTINCT attribute FROM m.attribute_summary ORDER BY 1;
SELECT count(*) > 0 AS done FROM alter_model('m', attributes => '{born_on,city,visits}');
SELECT city, visits, born_on IS NOT NULL AS born FROM m.customer_scores WHERE customer_key = '5';
SELECT refused($$alter_model('m', customers => 'SELECT customer_id, visits::text AS visits FROM people', attributes => '{visits}')$$, true);
SELECT count(*) > 0 AS done FROM alter_model('m', reset => '{customers,attributes}', segment_map => 'standard', language => 'fr');
SELECT city, visits, born_on, segment_label FROM m.customer_scores WHERE customer_key = '5';
SELECT relname, string_agg(attname, ',' ORDER BY attnum) AS columns FROM pg_class AS c JOIN pg_attribute AS a ON attrelid = c.oid WHERE c.oid IN ('m.customer_scores'::regclass, 'm.vip_customers'::regclass) AND attnum > 0 GROUP BY 1 ORDER BY 1;
SELECT count(*) AS views, count(*) FILTER (WHERE has_table_privilege('regress_model_reader', oid, 'SELECT')) AS readable FROM before;
SELECT count(*) AS functions, count(*) FILTER (WHERE has_function_privilege('regress_model_reader', oid, 'EXECUTE')) AS callable, count(*) FILTER (WHERE obj_description(oid, 'pg_proc') IS NULL) AS uncommented
FROM pg_proc WHERE pronamespace = 'm'::regnamespace;
SELECT count(*) AS uncommented FROM pg_attribute AS a JOIN before AS b ON attrelid = oid WHERE attnum > 0 AND col_description(attrelid, attnum) IS NULL;
SET ROLE regress_model_reader;
SELECT count(*) AS rows, count(segment_label) AS labels FROM m.customer_scores;
SELECT count(*) FROM m.customer_scores_at('2025-10-31');
SELECT count(*) FROM m.configuration;
RESET ROLE;
SELECT count(*) FROM dash.scores;
-- labels in the language of today for the maps of earlier versions
SELECT count(*) > 0 AS done FROM alter_model('m', language => 'de');
SELECT count(*) AS rows, count(segment_label) AS labels FROM m.customer_scores_at('2025-10-31');

-- ... and where the language has a country, those of the language
SELECT count(*) > 0 AS done FROM alter_model('m', language => 'fr-CA');
SELECT segment_label FROM m.segment_summary ORDER BY segment_order LIMIT 3;
DROP VIEW before;
DROP SCHEMA dash, maps CASCADE;
SELECT item FROM drop_model('m');
DROP TABLE views, sales, versions;
DROP FUNCTION altered(text, text, text), back(int);
DROP ROLE regress_model_reader;
