-- Live streams: triggers on their sources, compared with a rebuild. Needs the shop
-- of model.sql.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never

CREATE TABLE shopdata.sales AS SELECT order_id, customer_id, ordered_on, total FROM shopdata.orders;
CREATE TABLE shopdata.clicks (click_id int PRIMARY KEY, customer_id int, clicked_at timestamptz, what text, weight numeric);
CREATE TABLE shopdata.calls (customer_id int, called_on date);
INSERT INTO shopdata.clicks SELECT n, 1 + n * 7 % 430, timestamptz '2025-06-01 12:00+00' + n * interval '5 hours', (ARRAY['open', 'click', NULL])[1 + n % 3], n % 5
FROM generate_series(1, 1000) AS n;
SELECT count(*) FROM create_model('ls', 'shopdata.sales', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', live => true);
SELECT count(*) FROM add_stream('ls', 'mail', 'shopdata.clicks', customer => 'customer_id', day => 'clicked_at', kind => 'what', value => 'weight', live => true, time_zone => 'Europe/Paris');
SELECT count(*) FROM add_stream('ls', 'calls', 'shopdata.calls', customer => 'customer_id', day => 'called_on', live => true);
SELECT proname, prosecdef, has_function_privilege('public', oid, 'EXECUTE') FROM pg_proc WHERE pronamespace = 'ls'::regnamespace AND proname ~ '^record_' ORDER BY 1;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgfoid::regproc::text ~ '^ls[.]record_events' ORDER BY 2;

-- what the model says, and what the tables say
CREATE FUNCTION shopdata.compare() RETURNS TABLE (rows bigint, different bigint, problems bigint) LANGUAGE sql AS $$
  SELECT d.rows, d.different, (SELECT count(*) FROM check_model('ls')) FROM shopdata.differ(
    'SELECT customer_key, mail_last_on, mail_events_90d, calls_events_30d, frequency FROM ls.customer_scores',
    'SELECT k.customer_id::text, (SELECT max((c.clicked_at AT TIME ZONE ''Europe/Paris'')::date) FROM shopdata.clicks AS c WHERE c.customer_id = k.customer_id AND c.clicked_at < ''2025-12-31 23:00+00''),
            (SELECT count(*) FROM shopdata.clicks AS c WHERE c.customer_id = k.customer_id AND c.clicked_at < ''2025-12-31 23:00+00'' AND c.clicked_at >= ''2025-10-02 22:00+00''),
            (SELECT count(*) FROM shopdata.calls AS c WHERE c.customer_id = k.customer_id AND c.called_on > ''2025-12-01'' AND c.called_on <= ''2025-12-31''),
            (SELECT count(*) FROM shopdata.sales AS s WHERE s.customer_id = k.customer_id AND s.ordered_on <= ''2025-12-31'' AND s.total >= 0)
       FROM (SELECT customer_id FROM shopdata.sales WHERE ordered_on <= ''2025-12-31'' UNION SELECT customer_id FROM shopdata.clicks WHERE clicked_at < ''2025-12-31 23:00+00''
             UNION SELECT customer_id FROM shopdata.calls WHERE called_on <= ''2025-12-31'') AS k') AS d $$;
SELECT * FROM shopdata.compare();

INSERT INTO shopdata.clicks VALUES (2001, 5, '2025-12-30 23:30+01', 'click', 2), (2002, 900, '2025-12-29 10:00+01', 'new kind', 1), (2003, 900, '2025-12-31 00:10+01', NULL, 1);
INSERT INTO shopdata.calls SELECT 1 + n % 50, date '2025-12-01' + n % 28 FROM generate_series(1, 200) AS n;
SELECT * FROM shopdata.compare();
SELECT kind, events FROM ls.customer_streams WHERE customer_key = '900' ORDER BY kind;
SELECT stream, kind, customers, events FROM streams('ls') WHERE stream <> 'orders' ORDER BY 1, 2;
SELECT pending_changes > 0 AS pending, status FROM ls.model_status;
SELECT status, differences FROM apply_changes('ls');
SELECT kind, events FROM ls.customer_streams WHERE customer_key = '900' ORDER BY kind;
SELECT * FROM shopdata.compare();
UPDATE shopdata.clicks SET what = 'open', customer_id = customer_id + 1 WHERE click_id % 10 = 0;
DELETE FROM shopdata.calls WHERE customer_id < 10;
UPDATE shopdata.clicks SET click_id = click_id + 10000;		-- nothing that the model reads
DELETE FROM shopdata.sales WHERE order_id % 7 = 0;
SELECT * FROM shopdata.compare();
SELECT status FROM apply_changes('ls');
SELECT * FROM shopdata.compare();
-- rows that can't be kept hold up no statement
INSERT INTO shopdata.clicks VALUES (3001, 6, 'infinity', 'click', 1), (3002, 6, '2025-12-01', 'click', 'NaN'), (3003, NULL, '2025-12-01', 'click', 1), (3004, 6, '2025-12-01', repeat('k', 70), 1);
SELECT operation, reason, affected FROM ls.rejects;
SELECT reason, affected, explanation FROM ls.data_quality WHERE reason ~ 'unconvertible';
SELECT events FROM ls.customer_streams WHERE customer_key = '6' AND kind = 'other';
DELETE FROM shopdata.clicks WHERE click_id BETWEEN 3001 AND 3004;
SELECT * FROM shopdata.compare();
-- emptied: of one stream only
SELECT status FROM apply_changes('ls');
TRUNCATE shopdata.calls;
SELECT * FROM shopdata.compare();
SELECT DISTINCT stream FROM ls.customer_streams;
-- merged, and what comes under the former key later
SELECT count(*) > 0 AS merged FROM merge_customers('ls', '900', '5');
INSERT INTO shopdata.clicks VALUES (4001, 900, '2025-12-20', 'click', 1);
SELECT sum(events) FROM ls.customer_streams WHERE customer_key = '5';
SELECT status FROM apply_changes('ls');
SELECT sum(events) FROM ls.customer_streams WHERE customer_key = '5';
SELECT count(*) > 0 AS taken_back FROM unmerge_customers('ls', '900');
SELECT * FROM shopdata.compare();
-- erased: nothing comes back
SELECT object, erased FROM forget_customer('ls', '900') WHERE erased > 0 ORDER BY 1;
INSERT INTO shopdata.clicks VALUES (4002, 900, '2025-12-21', 'click', 1);
SELECT count(*) FROM ls.customer_streams WHERE customer_key = '900';
SELECT status FROM apply_changes('ls');
SELECT count(*) FROM ls.stream_histories WHERE customer_key = '900';
-- a trigger that is gone is seen, and mended by a refresh
DROP TRIGGER scoring1_insert_ls ON shopdata.clicks;
INSERT INTO shopdata.clicks VALUES (5001, 7, '2025-12-22', 'click', 1);
SELECT status, needs FROM ls.model_status;
SELECT problem, explanation FROM check_model('ls');
SELECT stream, status FROM refresh_model('ls');
SELECT status FROM ls.model_status;
SELECT * FROM check_model('ls');
-- no longer live, dropped
SELECT count(*) > 0 AS altered FROM alter_stream('ls', 'mail', live => false);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shopdata.clicks'::regclass;
SELECT count(*) FROM drop_stream('ls', 'calls');
SELECT proname FROM pg_proc WHERE pronamespace = 'ls'::regnamespace AND proname ~ '^record_' ORDER BY 1;
SELECT shopdata.refused($$alter_stream('ls', 'mail', live => true, event_key => 'click_id')$$, true);
SELECT shopdata.refused($$add_stream('ls', 'v', 'SELECT * FROM shopdata.clicks', customer => 'customer_id', day => 'clicked_at', live => true)$$, true);
SELECT count(*) FROM alter_stream('ls', 'mail', live => true);
SELECT count(*) FROM drop_model('ls');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('shopdata.clicks'::regclass, 'shopdata.calls'::regclass, 'shopdata.sales'::regclass);
DROP TABLE shopdata.clicks, shopdata.calls, shopdata.sales;
DROP FUNCTION shopdata.compare();
