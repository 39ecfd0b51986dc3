-- Bad input of streams: counted and named, nothing else is lost, no statement of an
-- application and no view fails.
SET client_min_messages = warning;
SET search_path = public, scoring;
SET jit = off;
CREATE SCHEMA faults;
CREATE TABLE faults.orders AS SELECT i AS customer_id, date '2025-01-01' + i AS day, 10.00 AS amount FROM generate_series(1, 40) AS i;
CREATE TABLE faults.acts (customer_id int, day date, kind text, points numeric);
INSERT INTO faults.acts SELECT i, date '2025-03-01' + i, 'visit', 1 FROM generate_series(1, 20) AS i;
SELECT count(*) > 0 AS made FROM create_model('f', 'faults.orders', customer => 'customer_id', day => 'day', value => 'amount', as_of => '2025-12-31');

-- Keys that match no customer of the model
SELECT item, detail FROM add_stream('f', 'odd', 'faults.acts', customer => '1000 + customer_id', day => 'day', kind => 'kind', dry_run => true) WHERE item IN ('customers', 'note');
SELECT item, detail FROM add_stream('f', 'web', 'faults.acts', customer => 'customer_id', day => 'day', kind => 'kind', value => 'points', dry_run => true) WHERE item IN ('customers', 'note');

-- What no history can hold: an error that names neither customer nor value, or left out and counted
CREATE FUNCTION faults.told(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; hint text;
BEGIN
  EXECUTE statement;
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' -> ', SQLSTATE || ' ' || message, hint);
END $$;
CREATE TABLE faults.odd AS TABLE faults.acts;
SELECT count(*) > 0 AS altered FROM alter_model('f', on_error => 'raise');
SELECT bad, faults.told(format($q$SELECT count(*) FROM add_stream('f', 'odd', %L, customer => 'customer_id', day => 'day', kind => 'kind', value => 'points')$q$, 'SELECT * FROM faults.acts UNION ALL SELECT 1, ' || bad)) AS told
FROM unnest(ARRAY['date ''2025-02-02'', ''visit'', ''NaN''::numeric', 'date ''2025-02-02'', ''visit'', ''infinity''::numeric', 'date ''infinity'', ''visit'', 1', 'date ''4714-11-24 BC'', ''visit'', 1',
  'date ''2025-02-02'', ''visit'', 1e12 + 1', 'date ''2025-02-02'', ''visit'', 0.0000000001']) AS bad;
SELECT count(*) > 0 AS altered FROM alter_model('f', on_error => 'reject');
INSERT INTO faults.odd VALUES (1, '2025-02-02', 'visit', 'NaN'), (1, '2025-02-02', 'visit', 'infinity'), (2, '-infinity', 'visit', 1), (2, '2025-02-02', 'visit', 1e13), (3, '2025-02-02', 'visit', 1e-10),
  (NULL, '2025-02-02', 'visit', 1), (4, NULL, 'visit', 1), (5, '2025-02-02', 'visit', NULL), (6, '2026-02-02', 'visit', 7), (6, '2025-02-02', NULL, 1), (6, '2025-02-02', '', 1), (6, '2025-02-02', repeat('k', 64), 1);
SELECT count(*) > 0 AS added FROM add_stream('f', 'odd', 'faults.odd', customer => 'customer_id', day => 'day', kind => 'kind', value => 'points');
SELECT rows_read, rows_without_customer, rows_without_day, rows_without_value, rows_unconvertible, customers FROM f.refreshes WHERE stream_no = 1;
SELECT reason, affected, explanation FROM f.data_quality WHERE reason ~ '^stream' AND affected > 0;
-- a day in the future counts on no day before it
SELECT kind, events, total, last_on = '2025-03-07' AS before FROM f.customer_streams WHERE customer_key = '6' ORDER BY kind;
SELECT odd_events_90d, (SELECT odd_last_on = '2026-02-02' FROM f.customer_scores_at('2026-02-02') WHERE customer_key = '6') AS later FROM f.customer_scores WHERE customer_key = '6';
SELECT count(*) FROM drop_stream('f', 'odd');

-- Totals beyond 18 digits of a day, in live streams: nothing fails, the kind is left as it was, and that is told
SELECT count(*) > 0 AS added FROM add_stream('f', 'web', 'faults.acts', customer => 'customer_id', day => 'day', kind => 'kind', value => 'points', live => true);
-- of one statement and its pending rows; with what is stored; of a kind that is new; beside a kind that is well
INSERT INTO faults.acts SELECT 1, '2025-04-01', 'visit', 999999999.999999999 FROM generate_series(1, 20);
INSERT INTO faults.acts SELECT 2, '2025-04-01', 'visit', 999999999.999999999 FROM generate_series(1, 9);
INSERT INTO faults.acts SELECT 3, '2025-04-01', 'basket', 999999999.999999999 FROM generate_series(1, 20);
INSERT INTO faults.acts VALUES (1, '2025-04-01', 'click', 2);
SELECT customer_key, kind, events, total FROM f.customer_streams WHERE customer_key IN ('1', '2', '3') ORDER BY 1, 2;
SELECT count(*) FROM f.customer_scores;
SELECT status FROM apply_changes('f');
INSERT INTO faults.acts SELECT 2, '2025-04-01', 'visit', 999999999.999999999 FROM generate_series(1, 9);
SELECT customer_key, kind, events, total FROM f.customer_streams WHERE customer_key IN ('1', '2', '3') ORDER BY 1, 2;
SELECT status FROM apply_changes('f');
SELECT operation, reason, affected, needs_rebuild FROM f.rejects ORDER BY rejected_at;
SELECT status, needs FROM f.model_status;
SELECT reason, affected, explanation FROM f.data_quality WHERE reason ~ '^stream' AND affected > 0;
SELECT stream, status FROM refresh_model('f');
SELECT count(*) AS rejects FROM f.rejects;
SELECT status, needs FROM f.model_status;
SELECT reason, affected, explanation FROM f.data_quality WHERE reason ~ '^stream' AND affected > 0;
SELECT customer_key, kind, events, total FROM f.customer_streams WHERE customer_key IN ('1', '2', '3') ORDER BY 1, 2;
SELECT * FROM check_model('f');
-- mended in the source: all is there again
DELETE FROM faults.acts WHERE points > 100;
SELECT stream, status FROM refresh_model('f');
SELECT customer_key, kind, events, total FROM f.customer_streams WHERE customer_key IN ('1', '2', '3') ORDER BY 1, 2;
SELECT * FROM check_model('f');

-- A rule that multiplies the largest of all: a score all the same
SELECT create_scorecard('faults.huge');
INSERT INTO faults.scorecard_rule (card, position, mode, points, half_life_days, label_en, label_fr) VALUES ('huge', 1, 'value', 1000000, NULL, 'a', 'a'), ('huge', 2, 'value', -1000000, 3, 'b', 'b'), ('huge', 3, 'each', 1000000, 30, 'c', 'c');
INSERT INTO faults.scorecard_band (card, band, language, enter, label) VALUES ('huge', 'zero', 'en', 0, 'z');
INSERT INTO faults.acts SELECT 4, date '2025-12-31' - i, 'visit', 999999999.999999999 FROM generate_series(0, 9) AS i;
SELECT count(*) > 0 AS altered FROM alter_model('f', scorecards => '{faults.huge}');
SELECT huge_score, huge_band, huge_reason FROM f.customer_scores WHERE customer_key IN ('4', '5', '30') ORDER BY customer_key;
SELECT count(*) > 1 AS explained FROM explain_score('f', '4') WHERE topic ~ 'huge';
SELECT count(*) FROM drop_stream('f', 'web');
SELECT huge_score, huge_reason, count(*) FROM f.customer_scores GROUP BY 1, 2;
SELECT count(*) > 0 AS dropped FROM drop_model('f');
DROP SCHEMA faults CASCADE;
