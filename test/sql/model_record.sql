-- record_changes: what has changed since the last record, once and in order.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
CREATE TABLE shopdata.sales AS SELECT customer_id, ordered_on, total FROM orders;
CREATE TABLE shopdata.clients AS SELECT customer_id, agreed FROM people WHERE customer_id <= 420;
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-11-30', customers => 'clients', consent => 'agreed');
SELECT count(*) AS customers, count(previous_segment) AS previous, count(changed_on) AS changed FROM m.customer_segments;
SELECT count(*) FROM m.segment_changes;
-- The first record is what later ones are set against: no change yet.
SELECT * FROM record_changes('m');
SELECT count(*) AS customers, count(previous_segment) AS previous, count(changed_on) AS changed FROM m.customer_segments;
SELECT * FROM record_changes('m');
CREATE TABLE shopdata.before AS SELECT customer_key, segment FROM m.customer_segments;

-- A month later: what moved, against the segments of then
SELECT count(*) > 0 AS done FROM alter_model('m', as_of => '2025-12-31');
-- not recorded yet: the view knows the segment that was recorded, not the day
SELECT count(*) AS moved, count(*) FILTER (WHERE s.previous_segment IS DISTINCT FROM b.segment) AS different, count(s.changed_on) AS dated FROM m.customer_segments AS s JOIN before AS b USING (customer_key) WHERE s.segment <> b.segment;
CREATE TABLE shopdata.recorded AS SELECT * FROM record_changes('m');
SELECT status, changes, last_change_id - first_change_id + 1 AS ids FROM recorded;
SELECT * FROM differ('SELECT iso(as_of), customer_key, NULL::text, previous_segment, segment FROM m.segment_changes',
  $$SELECT '2025-12-31', s.customer_key, NULL, b.segment, s.segment FROM m.customer_segments AS s JOIN before AS b USING (customer_key) WHERE s.segment <> b.segment$$);
SELECT * FROM differ('SELECT customer_key, segment, previous_segment, iso(changed_on) FROM m.customer_segments',
  $$SELECT s.customer_key, s.segment, CASE WHEN s.segment <> b.segment THEN b.segment END, CASE WHEN s.segment <> b.segment THEN '2025-12-31' END FROM m.customer_segments AS s JOIN before AS b USING (customer_key)$$);
SELECT count(*) FILTER (WHERE change_id <= earlier) AS out_of_order, min(change_id) = (SELECT first_change_id FROM recorded) AS first, max(change_id) = (SELECT last_change_id FROM recorded) AS last, bool_and(recorded_at BETWEEN now() - interval '1 hour' AND now()) AS just_now
FROM (SELECT change_id, lag(change_id, 1, 0) OVER () AS earlier, recorded_at FROM m.segment_changes) AS s;
SELECT * FROM record_changes('m');

-- New customers, customers that are gone, and who withdraws
INSERT INTO clients VALUES (900, true), (901, true);
INSERT INTO sales VALUES (901, '2025-12-30', 20);
DELETE FROM sales WHERE customer_id = 302;
DELETE FROM clients WHERE customer_id IN (302, 410);
UPDATE clients SET agreed = false WHERE customer_id = 304;
SELECT customers_added, customers_removed FROM refresh_model('m');
SELECT max(change_id) AS seen FROM m.segment_changes \gset
SELECT status, changes, first_change_id > :seen AS later, last_change_id - first_change_id + 1 AS ids FROM record_changes('m');
SELECT customer_key, previous_segment, segment FROM m.recorded_changes WHERE change_id > :seen ORDER BY change_id;
-- ... of whom no view speaks any more
SELECT customer_key, previous_segment, segment FROM m.segment_changes WHERE change_id > :seen ORDER BY change_id;
SELECT customer_key, segment, previous_segment, iso(changed_on) AS changed_on FROM m.customer_segments WHERE customer_key IN ('302', '304', '410', '900', '901') ORDER BY 1;
-- ... and comes back: a new customer once more
UPDATE clients SET agreed = true WHERE customer_id = 304;
SELECT max(change_id) AS seen FROM m.segment_changes \gset
SELECT status, changes FROM record_changes('m');
SELECT customer_key, previous_segment, segment FROM m.segment_changes WHERE change_id > :seen;

-- Moved and back between two records is no change; moved twice keeps the last two.
SELECT customer_key AS mover FROM m.customer_scores WHERE segment = 'lapsed' ORDER BY customer_key::int LIMIT 1 \gset
INSERT INTO sales SELECT :mover, '2025-12-29', 500 FROM generate_series(1, 12);
SELECT count(*) FROM refresh_model('m');
SELECT customer_key = :'mover' AS it, segment, previous_segment, changed_on IS NULL AS not_recorded FROM m.customer_segments WHERE customer_key = :'mover';
DELETE FROM sales WHERE customer_id = :mover AND ordered_on = '2025-12-29';
SELECT count(*) FROM refresh_model('m');
SELECT status, changes FROM record_changes('m');
INSERT INTO sales SELECT :mover, '2025-12-29', 500 FROM generate_series(1, 12);
SELECT count(*) FROM refresh_model('m');
SELECT status, changes FROM record_changes('m');
UPDATE sales SET ordered_on = '2024-02-01' WHERE customer_id = :mover;
SELECT count(*) FROM refresh_model('m');
SELECT status, changes FROM record_changes('m');
SELECT segment, previous_segment, iso(changed_on) AS changed_on FROM m.customer_segments WHERE customer_key = :'mover';
SELECT previous_segment, segment FROM m.segment_changes WHERE customer_key = :'mover' ORDER BY change_id DESC LIMIT 2;

-- A change of the map is a change of everybody's segment.
SELECT count(*) > 0 AS done FROM alter_model('m', segment_map => 'standard');
SELECT changes AS all_changes FROM record_changes('m') \gset
SELECT count(*) FILTER (WHERE previous_segment <> segment) >= :all_changes AS all_recorded, :all_changes > 200 AS many FROM m.customer_segments;
SELECT count(*) FROM m.customer_segments AS s JOIN (SELECT DISTINCT ON (customer_key) customer_key, segment, previous_segment FROM m.segment_changes ORDER BY customer_key, change_id DESC) AS c USING (customer_key)
WHERE (s.segment, s.previous_segment) IS DISTINCT FROM (c.segment, c.previous_segment);
-- a rollback takes the record back; the ids go on
SELECT count(*) > 0 AS done FROM alter_model('m', segment_map => 'essential');
BEGIN;
SELECT changes > 0 AS recorded FROM record_changes('m');
ROLLBACK;
SELECT changes > 0 AS recorded, first_change_id > :seen AS later FROM record_changes('m');
-- Everybody goes and somebody comes: those are changes too.
TRUNCATE sales, clients;
SELECT customers FROM refresh_model('m');
SELECT count(*) AS customers FROM m.customer_scores;
SELECT status, changes > 0 AS recorded FROM record_changes('m');
SELECT status, changes FROM record_changes('m');
INSERT INTO clients VALUES (1, true);
SELECT status, changes FROM record_changes('m');
SELECT customer_key, previous_segment, segment FROM m.segment_changes ORDER BY change_id DESC LIMIT 1;
SELECT refused('record_changes(NULL)');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT refused('record_changes(''m'')', true);
SELECT refused('refresh_model(''m'')');
SELECT refused('calibrate_model(''m'')');
SELECT refused('alter_model(''m'', bins => 4)');
ROLLBACK;
SELECT item FROM drop_model('m');
DROP TABLE sales, clients, before, recorded;
