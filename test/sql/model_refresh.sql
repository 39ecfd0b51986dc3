-- refresh_model, check_model, calibrate_model, drop_model, models.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
CREATE TABLE shopdata.sales AS SELECT customer_id, ordered_on, total FROM orders;
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', as_of => '2025-12-31');
CREATE FUNCTION shopdata.check_scores() RETURNS TABLE (rows bigint, different bigint) LANGUAGE sql AS $$
  SELECT * FROM differ(common('customer_key') || 'm.customer_scores', common('customer_id') ||
    $q$score_customers('sales', '2025-12-31', monetary_thresholds => (SELECT monetary_thresholds FROM m.calibration ORDER BY version DESC LIMIT 1))$q$) $$;
-- Which rows of the model have been written since it was looked at last
CREATE VIEW shopdata.stored AS SELECT customer_key, ctid::text AS place, xmin::text AS writer FROM m.customer_histories;
CREATE TABLE shopdata.seen AS TABLE stored;
CREATE FUNCTION shopdata.written() RETURNS TABLE (kept bigint, added bigint, changed bigint, removed bigint) LANGUAGE sql AS $$
  WITH look AS (SELECT count(*) FILTER (WHERE (a.place, a.writer) = (b.place, b.writer)), count(*) FILTER (WHERE b.customer_key IS NULL),
                       count(*) FILTER (WHERE (a.place, a.writer) <> (b.place, b.writer)), count(*) FILTER (WHERE a.customer_key IS NULL)
                FROM stored AS a FULL JOIN seen AS b USING (customer_key))
  SELECT * FROM look $$;
CREATE FUNCTION shopdata.look() RETURNS void LANGUAGE sql AS $$ DELETE FROM seen; INSERT INTO seen TABLE stored $$;
CREATE FUNCTION shopdata.refreshed() RETURNS TABLE (status text, rows_read bigint, customers bigint, added bigint, changed bigint, removed bigint) LANGUAGE sql AS $$
  SELECT status, rows_read, customers, customers_added, customers_changed, customers_removed FROM refresh_model('m') $$;

-- Nothing new: nothing is written
SELECT * FROM check_model('m');
SELECT * FROM refreshed();
SELECT * FROM written();
-- orders that are new, changed and gone; what makes no difference is none
INSERT INTO sales SELECT c, '2025-12-20', 55 FROM generate_series(1, 5) AS c;
INSERT INTO sales SELECT c, '2025-12-21', 56 FROM generate_series(501, 503) AS c;
INSERT INTO sales VALUES (10, '2025-12-22', 7), (10, '2025-12-22', -7), (11, '2025-12-22', NULL), (NULL, '2025-12-22', 3), (12, NULL, 3), (504, '2025-12-22', NULL);
UPDATE sales SET total = total + 1 WHERE customer_id = 6;
UPDATE sales SET total = total WHERE customer_id = 7;
DELETE FROM sales WHERE customer_id IN (8, 9);
SELECT * FROM check_model('m');
SELECT * FROM written();
SELECT status, rows_read, rows_without_customer, rows_without_day, rows_without_value, customers, customers_added, customers_changed, customers_removed, seconds >= 0 AS timed FROM refresh_model('m');
SELECT count(*) AS rows, count(*) FILTER (WHERE customer_id IS NULL) AS no_customer, count(*) FILTER (WHERE customer_id IS NOT NULL AND ordered_on IS NULL) AS no_day,
       count(*) FILTER (WHERE customer_id IS NOT NULL AND ordered_on IS NOT NULL AND total IS NULL) AS no_value, count(DISTINCT customer_id) FILTER (WHERE ordered_on IS NOT NULL AND total IS NOT NULL) AS customers FROM sales;
SELECT * FROM written();
SELECT * FROM check_model('m');
SELECT * FROM check_scores();
SELECT look();
-- an order that is replaced by another of the same day and total is no change; one order for two of half is
DELETE FROM sales WHERE customer_id = 1 AND ordered_on = '2025-12-20';
INSERT INTO sales VALUES (1, '2025-12-20', 55.00);
DELETE FROM sales WHERE customer_id = 2 AND ordered_on = '2025-12-20';
INSERT INTO sales VALUES (2, '2025-12-20', 27.5), (2, '2025-12-20', 27.5);
SELECT * FROM refreshed();
SELECT * FROM written();
-- an order and its refund on the same day leave a customer, a refund alone a prospect
INSERT INTO sales VALUES (601, '2025-12-20', 5), (601, '2025-12-20', -5), (602, '2025-12-20', -5);
SELECT * FROM refreshed();
SELECT customer_key, frequency, monetary, segment FROM m.customer_scores WHERE customer_key IN ('601', '602') ORDER BY 1;
SELECT * FROM check_scores();
-- everything goes and comes back
CREATE TABLE keep AS TABLE sales;
TRUNCATE sales;
SELECT problem, customers FROM check_model('m');
SELECT * FROM refreshed();
SELECT count(*) FROM m.customer_scores;
SELECT sum(customers) AS customers, sum(customers_share) IS NULL AS no_shares FROM m.segment_summary;
SELECT sum(customers) AS customers, count(*) AS cells, sum(customers_share) IS NULL AS no_shares FROM m.rfm_grid;
INSERT INTO sales TABLE keep;
SELECT * FROM refreshed();
SELECT * FROM check_scores();
SELECT refresh_id, version, customers, customers_added, customers_changed, customers_removed, finished_at >= started_at AS in_order FROM m.refreshes ORDER BY 1;
-- a tampered history is found, and mended
SELECT look();
UPDATE m.customer_histories SET history = '{2025-01-01:-1:-5}' WHERE customer_key = '3';
UPDATE m.customer_histories SET history = history + '{2025-01-01:1:5}' WHERE customer_key = '4';
DELETE FROM m.customer_histories WHERE customer_key = '5';
INSERT INTO m.customer_histories (customer_key, tenant, history) VALUES ('999', '', '{2025-01-01:1:5}');
SELECT * FROM check_model('m');
SELECT look();
SELECT * FROM refreshed();
SELECT * FROM written();
SELECT * FROM check_model('m');
-- in the transaction of the caller
BEGIN;
INSERT INTO sales VALUES (1, '2025-12-30', 5), (701, '2025-12-30', 5);
SELECT * FROM refreshed();
SELECT count(*) FROM m.customer_scores WHERE customer_key = '701';
ROLLBACK;
SELECT count(*) FROM check_model('m');
-- thresholds stay while customers come, until they are taken again; a dry run says what would come of it
SELECT monetary_thresholds AS before FROM m.calibration \gset
UPDATE sales SET total = total * 10;
SELECT changed FROM refreshed();
SELECT monetary_thresholds = :'before' AS same FROM m.calibration;
SELECT m_score, count(*) FROM m.customer_scores GROUP BY 1 ORDER BY 1;
CREATE TABLE shopdata.dry AS SELECT row_number() OVER () AS line, item, detail FROM calibrate_model('m', dry_run => true);
SELECT item, detail FROM dry WHERE line = 1;
SELECT monetary_thresholds = :'before' AS same, (SELECT count(*) FROM m.configuration) AS versions FROM m.calibration;
CREATE TABLE shopdata.counts AS SELECT segment_label, customers FROM m.segment_summary;
CREATE TABLE shopdata.wet AS SELECT row_number() OVER () AS line, item, detail FROM calibrate_model('m');
SELECT item, detail FROM wet WHERE line = 1;
SELECT count(*) AS lines, count(*) FILTER (WHERE d IS DISTINCT FROM w) AS different FROM (SELECT line, item, detail FROM dry WHERE line > 1) AS d FULL JOIN (SELECT line, item, detail FROM wet WHERE line > 1) AS w USING (line);
SELECT item FROM wet WHERE item LIKE '%thresholds%' ORDER BY line;
SELECT * FROM differ($$SELECT item, detail FROM wet WHERE item LIKE 'segment %'$$,
  $$SELECT 'segment ' || segment_label, format('%s -> %s customers', b.customers, a.customers) FROM counts AS b JOIN m.segment_summary AS a USING (segment_label)$$);
SELECT version, reason, iso(valid_from) AS valid_from, iso(valid_until) AS valid_until, made_by = current_user AS by_me FROM m.configuration ORDER BY 1;
SELECT * FROM differ(common('customer_key') || 'm.customer_scores', common('customer_id') || $$score_customers('sales', '2025-12-31')$$);
SELECT * FROM check_scores();
-- calibrating again changes nothing but the version
SELECT item FROM calibrate_model('m') WHERE item NOT LIKE 'segment %';

-- models() and what there is to drop
SELECT count(*) > 0 AS done FROM create_model('Another "shop"', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31');
SELECT model, owner = current_user AS mine, source, customers, size_bytes > 8192 AS has_size FROM models() ORDER BY 1;
CREATE SCHEMA dash;
CREATE VIEW dash.tiles AS SELECT segment, customers FROM m.segment_summary;
CREATE MATERIALIZED VIEW dash.kept AS SELECT * FROM m.customer_segments;
CREATE MATERIALIZED VIEW m.own AS SELECT * FROM m.customer_segments;
CREATE VIEW dash.past AS SELECT as_of, segment, customers FROM m.segment_history('2025-10-31', '2025-12-31');
CREATE FUNCTION dash.vip() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM m.vip_customers; END;
CREATE TABLE dash.typed (s m.customer_scores);
CREATE VIEW dash.over_tiles AS SELECT * FROM dash.tiles;
CREATE VIEW dash.objects AS SELECT relname FROM pg_class WHERE relnamespace = 'm'::regnamespace;
SELECT refused('drop_model(''m'')', true);
DO $$ DECLARE detail text; BEGIN PERFORM scoring.drop_model('m'); EXCEPTION WHEN dependent_objects_still_exist THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL; RAISE WARNING '%', detail; END $$;
SELECT count(*) > 0 AS still_there FROM m.customer_scores;
-- ... without a line for each
BEGIN;
SET LOCAL client_min_messages = notice;
SELECT * FROM drop_model('m', cascade => true);
SHOW client_min_messages;
SELECT relname FROM pg_class WHERE relnamespace = 'dash'::regnamespace AND relkind IN ('v', 'm', 'r') ORDER BY 1;
ROLLBACK;
DROP VIEW dash.over_tiles, dash.tiles, dash.past, dash.objects;
DROP MATERIALIZED VIEW dash.kept, m.own;
DROP FUNCTION dash.vip();
DO $$ DECLARE detail text; BEGIN PERFORM scoring.drop_model('m'); EXCEPTION WHEN dependent_objects_still_exist THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL; RAISE WARNING '%', detail; END $$;
DROP TABLE dash.typed;
DROP VIEW stored CASCADE;
SELECT * FROM drop_model('m');
SELECT refused('drop_model(''m'')', true);
SELECT model FROM models();
SELECT * FROM drop_model('Another "shop"');
-- a schema that only looks like one
CREATE SCHEMA fake CREATE TABLE customer_histories (history text) CREATE TABLE configuration (version int);
SELECT count(*) FROM models();
SELECT refused('drop_model(''fake'')');
DROP SCHEMA fake CASCADE;
DROP SCHEMA dash CASCADE;
DROP TABLE sales, seen, keep, dry, wet, counts;
DROP FUNCTION check_scores(), written(), look(), refreshed();
