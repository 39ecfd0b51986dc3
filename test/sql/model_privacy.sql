-- People in models: erasure and suppression, access, retention, withdrawn
-- consent, small groups, the record of processing.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

-- HMAC-SHA256 by the test cases 2 and 6 of RFC 4231, and of nothing
SELECT encode(suppression_token('Jefe', 'what do ya want for nothing?'), 'hex') = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843' AS case_2,
       encode(suppression_token(decode(repeat('aa', 131), 'hex'), 'Test Using Larger Than Block-Size Key - Hash Key First'), 'hex')
         = '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54' AS case_6,
       encode(suppression_token('', ''), 'hex') = 'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad' AS empty,
       suppression_token(NULL, '7') IS NULL AS no_key;

CREATE TABLE shopdata.sales (customer text, day date, value numeric);
INSERT INTO sales SELECT 'C' || customer_id, ordered_on, total FROM orders WHERE customer_id <= 200;
CREATE TABLE shopdata.clients AS SELECT 'C' || customer_id AS customer, city, agreed, customer_id % 10 = 0 AS objects, customer_id % 2 = 0 AS by_mail FROM people WHERE customer_id <= 250;
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', as_of => '2025-12-31', customers => 'clients', customers_key => 'customer', attributes => '{city}',
  purpose => 'Newsletter by segment', legal_basis => 'consent');
SELECT count(*) > 0 AS done FROM create_model('other', 'sales', as_of => '2025-12-31');

-- A table that is made later is erased from like the others, and so are people
-- who were merged or whose segment somebody has set.
CREATE TABLE m.notes (note_id int, about_key text, note text);
INSERT INTO m.notes VALUES (1, 'C7', 'likes blue'), (2, 'C8', 'likes red');
SELECT status FROM record_changes('m');
INSERT INTO sales VALUES ('C7', '2025-12-30', 5000), ('C8', '2025-12-30', 5000);
SELECT status FROM refresh_model('m');
SELECT changes > 0 AS moved FROM record_changes('m');
SELECT count(*) > 0 AS done FROM override_segment('m', 'C7', 'vip', 'a friend of the house');
SELECT count(*) > 0 AS done FROM merge_customers('m', 'C9', 'C7');
CREATE MATERIALIZED VIEW shopdata.copied WITH (autovacuum_enabled = off) AS SELECT customer_key AS who, segment FROM m.customer_scores;
CREATE VIEW shopdata.dated AS SELECT * FROM m.customer_scores_at('2025-06-30');
CREATE MATERIALIZED VIEW shopdata.copied_dated WITH (autovacuum_enabled = off) AS SELECT upper(customer_key) AS who, frequency FROM dated ORDER BY frequency DESC, customer_key LIMIT 90;
ANALYZE copied_dated;

-- access: everything that is held
SELECT jsonb_object_keys(export_customer('m', 'C7')) AS part ORDER BY 1;
SELECT e -> 'also_known_as' AS also, jsonb_array_length(e -> 'orders') = (SELECT count(DISTINCT day) FROM sales WHERE customer IN ('C7', 'C9')) AS all_days,
       (SELECT sum((o ->> 'total')::numeric) FROM jsonb_array_elements(e -> 'orders') AS o) = (SELECT sum(value) FROM sales WHERE customer IN ('C7', 'C9')) AS all_money,
       (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(e -> 'held') AS k) AS held, e #>> '{held,notes,0,note}' AS note,
       e #>> '{scores,segment}' AS segment, e #>> '{person,0,city}' AS city, e #>> '{processing,0,detail}' AS purpose
  FROM export_customer('m', 'C7') AS e;
SELECT export_customer('m', 'nobody') - 'processing' AS nobody;

-- proof before and after; the second erasure finds nothing
SELECT * FROM erasure_report('m', 'C7') ORDER BY kind, object;
SELECT * FROM forget_customer('m', 'C7');
SELECT object, kind, found FROM erasure_report('m', 'C7') WHERE found > 0;
REFRESH MATERIALIZED VIEW copied;
REFRESH MATERIALIZED VIEW copied_dated;
SELECT object, kind, found FROM erasure_report('m', 'C7') WHERE found > 0;
ANALYZE copied_dated;
SELECT object, kind, found FROM erasure_report('m', 'C7') WHERE found > 0;
SELECT sum(erased) AS erased, max(note) FILTER (WHERE object = 'm.suppressed') AS token FROM forget_customer('m', 'C7');
SELECT note_id FROM m.notes;
-- two people who were one: both tokens
SELECT count(*), bool_and(reason = 'forget_customer' AND octet_length(token) = 32) FROM m.suppressed;
SELECT sum(erased) AS erased, max(note) FILTER (WHERE object = 'm.suppressed') AS token FROM forget_customer('m', 'C7 ');

-- The source still has him: nothing brings him back, nobody else misses him.
SELECT customers_added, customers_removed FROM refresh_model('m');
SELECT count(*) AS problems FROM check_model('m');
SELECT item FROM calibrate_model('m') WHERE item = 'version';
SELECT item FROM alter_model('m', value => 'value * 2', customer => 'customer', day => 'day') WHERE item = 'version';
SELECT item FROM alter_model('m', value => 'value', live => true) WHERE item IN ('version', 'live');
INSERT INTO sales VALUES ('C7', '2025-12-29', 10), ('C9', '2025-12-29', 10), ('C8', '2025-12-29', 10);
DELETE FROM sales WHERE customer = 'C9' AND day < '2025-12-29';
SELECT count(*) AS problems FROM check_model('m');
SELECT count(*) FILTER (WHERE customer_key IN ('C7', 'C9')) AS erased, count(*) FILTER (WHERE customer_key = 'C8') AS others FROM m.customer_scores;
SELECT count(*) FILTER (WHERE customer_key IN ('C7', 'C9')) AS erased, count(*) > 0 AS others FROM m.customer_scores_at('2025-12-31');
SELECT count(*) FROM m.pending WHERE customer_key IN ('C7', 'C9');
SELECT status, differences FROM apply_changes('m');
SELECT status, changes FROM record_changes('m');
SELECT object, kind, found FROM erasure_report('m', 'C7') WHERE found > 0;
SELECT count(*) AS not_there FROM differ($$SELECT customer_key, history FROM m.customer_histories$$, $$SELECT * FROM histories('SELECT * FROM sales WHERE customer NOT IN (''C7'', ''C9'')', NULL::text)$$) WHERE different > 0;

-- ... but he himself
SELECT item FROM allow_customer('m', 'C7');
SELECT item FROM allow_customer('m', 'C7');
SELECT status, needs FROM m.model_status;
SELECT customers_added FROM refresh_model('m');
SELECT status FROM m.model_status;
SELECT count(*) FROM m.customer_scores WHERE customer_key IN ('C7', 'C9');

-- A backup of an earlier day, with the list of today
INSERT INTO m.suppressed SELECT suppression_token(key, c), '2025-12-31', 'list of today' FROM m.suppression_key, unnest('{C7,C8,C10,C999}'::text[]) AS c;
SELECT object, erased FROM reapply_suppression('m') WHERE erased > 0;
SELECT count(*) FROM m.customer_scores WHERE customer_key IN ('C7', 'C8', 'C9', 'C10');
SELECT sum(erased) AS erased FROM reapply_suppression('m');

-- The other model has known him all the time, until all models forget him.
SELECT object, found FROM erasure_report('C11') WHERE found > 0 ORDER BY 1;
SELECT object, erased FROM forget_customer('C11') WHERE erased > 0 ORDER BY 1;
SELECT object, found FROM erasure_report('C11') WHERE found > 0 ORDER BY 1;
SELECT count(*) FROM other.customer_scores WHERE customer_key = 'C7';

-- What is refused says nothing of anybody
SELECT refused(call, true) FROM (VALUES ('forget_customer(NULL)'), ('forget_customer(''m'', NULL)'), ('forget_customer(NULL, ''C7'')'), ('forget_customer(''nothing'', ''C7'')'),
  ('export_customer(''m'', NULL)'), ('erasure_report(NULL)'), ('allow_customer(''m'', NULL)'), ('retention_due(''m'', -1)'), ('retention_due(''m'', NULL)')) AS v (call);
DROP MATERIALIZED VIEW copied, copied_dated;
DROP VIEW dated;
SELECT item, detail FROM drop_model('m');
SELECT item FROM drop_model('other');
DELETE FROM sales WHERE day >= '2025-12-29' OR customer = 'C9';

-- Tenants: a customer_key names tenant and customer.
CREATE TABLE shopdata.chain AS SELECT customer_id % 50 AS customer, branch, ordered_on, total FROM orders WHERE customer_id <= 200;
SELECT count(*) > 0 AS done FROM create_model('t', 'chain', customer => 'customer', day => 'ordered_on', value => 'total', tenant => 'branch', as_of => '2025-12-31');
SELECT customer_key, customer_id, tenant FROM t.customer_scores WHERE customer_id = '6' ORDER BY customer_key COLLATE "C";
SELECT object, erased, note FROM forget_customer('t', 'a\:b:6') WHERE erased > 0 OR object = 't.suppressed';
SELECT customers_added FROM refresh_model('t');
SELECT customer_key FROM t.customer_scores WHERE customer_id = '6' ORDER BY customer_key COLLATE "C";
SELECT export_customer('t', 'south:6') -> 'customer_key' AS who, export_customer('t', 'south:6') -> 'orders' = export_customer('t', 'a\:b:6') -> 'orders' AS same, export_customer('t', 'a\:b:6') -> 'orders' AS none;
SELECT refused('forget_customer(''t'', ''6'')', true);
SELECT object, erased, note FROM forget_customer('6');
SELECT item FROM drop_model('t');

-- Consent, objection and contact: gone from every view and from thresholds at
-- the next statement; lists are of those who may be contacted at all.
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', as_of => '2025-12-31', customers => 'clients', customers_key => 'customer', consent => 'agreed', objection => 'objects',
  contact => '{by_mail}', attributes => '{city}', retention_days => 200, live => true);
SELECT status FROM record_changes('m');
INSERT INTO sales SELECT DISTINCT customer, date '2025-12-31', 7000 FROM sales WHERE customer IN (SELECT customer FROM clients WHERE agreed AND NOT objects);
SELECT changes > 0 AS changed FROM record_changes('m');
CREATE FUNCTION shopdata.found(customer text) RETURNS TABLE (view text, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
  FOR view IN SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON attrelid = c.oid AND attname = 'customer_key' WHERE relnamespace = 'm'::regnamespace AND relkind = 'v' AND relname !~ '^_' ORDER BY 1 LOOP
    EXECUTE format('SELECT count(*) FROM m.%I WHERE customer_key = $1', view) INTO rows USING customer;
    RETURN NEXT;
  END LOOP;
  SELECT 'customer_scores_at', count(*) INTO view, rows FROM m.customer_scores_at('2025-12-31') WHERE customer_key = customer;
  RETURN NEXT;
END $$;
SELECT customer AS one FROM clients JOIN m.vip_customers ON customer = customer_key ORDER BY customer LIMIT 1 \gset
SELECT string_agg(view, ' ') AS seen_in FROM found(:'one') WHERE rows > 0;
SELECT sum(customers) AS customers FROM m.segment_summary \gset
BEGIN;
UPDATE clients SET agreed = false WHERE customer = :'one';
SELECT sum(rows) AS rows FROM found(:'one');
SELECT :customers - sum(customers) AS gone FROM m.segment_summary;
SELECT count(*) FILTER (WHERE s.found > 0) AS stored FROM erasure_report('m', :'one') AS s WHERE kind = 'table';
SELECT export_customer('m', :'one') -> 'scores' AS scores, jsonb_array_length(export_customer('m', :'one') -> 'orders') > 0 AS orders;
ROLLBACK;
BEGIN;
UPDATE clients SET objects = true WHERE customer = :'one';
SELECT sum(rows) AS rows FROM found(:'one');
ROLLBACK;
BEGIN;
UPDATE clients SET by_mail = false WHERE customer = :'one';
SELECT string_agg(view, ' ') AS seen_in FROM found(:'one') WHERE rows > 0;
ROLLBACK;
-- thresholds are of those who agree
BEGIN;
UPDATE clients SET agreed = false WHERE customer NOT IN (SELECT customer_key FROM m.customer_scores WHERE monetary < 7100);
SELECT count(*) FROM calibrate_model('m') WHERE item = 'version';
SELECT max(lower_bound) < 7100 AS of_the_rest, max(calibrated_customers) = (SELECT count(*) FROM m.customer_scores WHERE frequency > 0) AS counted FROM m.thresholds WHERE dimension = 'monetary';
ROLLBACK;

-- Whoever is back by a new order is there with that one, until the next refresh.
SELECT problem FROM check_model('m');
SELECT customers_added > 0 AS back FROM refresh_model('m');
-- Retention: who is due, seen before; gone with everything, and not back while
-- the source has nothing newer.
SELECT count(*) = (SELECT affected FROM m.data_quality WHERE reason = 'retention_due') AS counted, bool_and(remove_on - last_event_on = 201) AS dates FROM retention_due('m', 30);
SELECT count(*) AS not_due FROM m.retention AS r WHERE NOT EXISTS (SELECT FROM retention_due('m') AS d WHERE (d.customer_key, d.remove_on) = (r.customer_key, r.remove_on));
SELECT count(*) AS too_old FROM m.customer_histories WHERE last_day(history, 'infinity') < date '2025-12-31' - 200;
SELECT count(*) = (SELECT count(DISTINCT customer) FROM sales WHERE value >= 0 AND day >= date '2025-12-31' - 200) AS others_kept FROM m.customer_histories;
SELECT count(*) AS problems FROM check_model('m');
SELECT count(*) > 0 AS done FROM alter_model('m', retention_days => 60);
SELECT count(*) > 0 AS due FROM retention_due('m', 0);
SELECT (SELECT object FROM purge_model('m', dry_run => true) LIMIT 1) AS dry, count(*) AS before FROM m.customer_histories \gset
SELECT :'dry' AS dry, count(*) = :before AS untouched FROM m.customer_histories;
SELECT customer_key AS old FROM retention_due('m', 0) WHERE customer_key NOT IN (SELECT customer FROM sales WHERE value < 0) ORDER BY 1 LIMIT 1 \gset
SELECT object, erased = (SELECT count(*) FROM retention_due('m', 0)) AS all_due FROM purge_model('m') WHERE object = 'm.customer_histories';
SELECT count(*) AS due FROM retention_due('m', 0);
SELECT customers_added, customers_removed FROM refresh_model('m');
SELECT count(*) AS problems FROM check_model('m');
SELECT object, kind, found FROM erasure_report('m', :'old') WHERE found > 0 AND object NOT IN ('m.customer_scores', 'm.customer_segments');
-- his orders go, after he has gone: nothing that could go is left
BEGIN;
DELETE FROM sales WHERE customer = :'old';
SELECT count(*) AS stored, (SELECT count(*) FROM m.pending WHERE customer_key = :'old') AS pending FROM m.customer_histories WHERE customer_key = :'old';
SELECT frequency, monetary, segment FROM m.customer_scores WHERE customer_key = :'old' AND segment <> 'prospects';
SELECT count(*) AS problems FROM check_model('m');
SELECT status FROM apply_changes('m');
SELECT count(*) AS stored FROM m.customer_histories WHERE customer_key = :'old';
SELECT count(*) AS problems FROM check_model('m');
ROLLBACK;
-- he is back: with the new order at once, with all by the next refresh; what he
-- deletes of his old orders meanwhile is not missing
BEGIN;
INSERT INTO sales VALUES (:'old', '2025-12-31', 10);
SELECT h.history FROM (SELECT history_agg(day, value) AS history FROM sales WHERE customer = :'old') AS h \gset
SELECT status FROM apply_changes('m');
DELETE FROM sales WHERE customer = :'old' AND day = (SELECT min(day) FROM sales WHERE customer = :'old');
SELECT history = '{2025-12-31:1:10}' AS the_new_one FROM m.customer_histories WHERE customer_key = :'old';
SELECT status FROM apply_changes('m');
SELECT history = '{2025-12-31:1:10}' AS the_new_one FROM m.customer_histories WHERE customer_key = :'old';
SELECT customers_changed FROM refresh_model('m');
SELECT history = (SELECT history_agg(day, value) FROM sales WHERE customer = :'old') AS all_of_it FROM m.customer_histories WHERE customer_key = :'old';
ROLLBACK;
-- a customer whose old orders come in late is not mistaken for one who was removed
BEGIN;
INSERT INTO sales VALUES ('late', '2020-01-01', 10), ('late', '2025-12-30', 20), ('too late', '2020-01-01', 10);
SELECT customer_key, history = (SELECT history_agg(day, value) FROM sales WHERE customer = customer_key) AS all_of_it FROM (SELECT customer_key FROM retention_due('m', 365) UNION SELECT 'late') AS k
  JOIN LATERAL (SELECT sum(difference) AS history FROM m.pending AS p WHERE p.customer_key = k.customer_key) AS p ON true WHERE customer_key LIKE '%late';
SELECT status FROM apply_changes('m');
SELECT customer_key FROM m.customer_histories WHERE customer_key LIKE '%late';
SELECT count(*) AS problems FROM check_model('m');
ROLLBACK;
SELECT last_activity('{}') IS NULL AS empty, to_char(last_activity('{2025-01-01:1:1,2025-02-01:0:-1}'), 'YYYY-MM-DD') AS event, to_char(last_activity('{2025-01-01:0:-1,2025-02-01:0:-1}'), 'YYYY-MM-DD') AS correction;
SELECT without_negative_days(h, d) FROM (VALUES ('{2025-01-01:-1:-1.50,2025-01-02:0:-1,2025-01-03:2:2.25,2025-01-04:-1:-5}'::history)) AS v (h), unnest('{2024-12-31,2025-01-02,2025-01-05,infinity,-infinity}'::date[]) AS d;

-- The record of processing
SELECT model, item, detail FROM m.processing_record WHERE item NOT IN ('made by', 'made at', 'owner', 'version');
SELECT item FROM drop_model('m');

-- Small groups: nothing of fewer than the minimum is shown, and what is shown
-- does not give it away by the totals of its line.
SELECT to_char(day, 'YYYY') AS year, customers, is_small_cell(customers, 5, 1, 1) OVER (PARTITION BY day) AS hidden
  FROM (VALUES (date '2021-01-01', 10::bigint), ('2021-01-01', 3), ('2021-01-01', 8), ('2021-01-01', 0), ('2022-01-01', 3), ('2022-01-01', 2), ('2022-01-01', 9),
    ('2023-01-01', 2), ('2023-01-01', 2), ('2023-01-01', 9), ('2024-01-01', 5), ('2024-01-01', 6), ('2025-01-01', 4), ('2025-01-01', 0), ('2025-01-01', NULL)) AS v (day, customers);
SELECT a, string_agg(CASE WHEN hidden THEN '*' ELSE customers::text END, ' ' ORDER BY b) AS cells
  FROM (SELECT *, is_small_cell(customers, 5, a, b) OVER () AS hidden FROM (VALUES (1, 1, 2::bigint), (1, 2, 20), (1, 3, 30), (2, 1, 40), (2, 2, 50), (2, 3, 60), (3, 1, 70), (3, 2, 80), (3, 3, 90)) AS v (a, b, customers)) AS c
 GROUP BY a ORDER BY a;
SELECT count(*) > 0 AS done FROM create_model('all_shown', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', customers => 'people', attributes => '{city,visits}');
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', customers => 'people', attributes => '{city,visits}', minimum_group_size => 20);
SELECT count(*) > 0 AS done FROM override_segment('m', '5', 'vip', 'x');
SELECT count(*) > 0 AS done FROM override_segment('all_shown', '5', 'vip', 'x');
CREATE FUNCTION shopdata.hidden(source text, keys text, lines text[]) RETURNS TABLE (cells bigint, hidden_cells bigint, small bigint, other_values bigint, given_away bigint) LANGUAGE plpgsql AS $$
DECLARE
  line text;
  n bigint;
BEGIN
  EXECUTE format($q$SELECT count(*), count(*) FILTER (WHERE a.suppressed), count(*) FILTER (WHERE a.customers BETWEEN 1 AND 19),
      count(*) FILTER (WHERE CASE WHEN a.suppressed THEN a.customers IS NOT NULL OR a.revenue IS NOT NULL OR b.customers = 0 ELSE (a.customers, a.revenue) IS DISTINCT FROM (coalesce(b.customers, 0), coalesce(b.revenue, 0)) END)
    FROM (SELECT ROW(%2$s)::text AS cell, * FROM m.%1$s) AS a FULL JOIN (SELECT ROW(%2$s)::text AS cell, * FROM all_shown.%1$s) AS b USING (cell)$q$, source, keys) INTO cells, hidden_cells, small, other_values;
  given_away := 0;
  FOREACH line IN ARRAY lines LOOP
    -- cells hidden in a line: two at least, of 20 customers together, or all there are
    EXECUTE format($q$SELECT count(*) FROM (SELECT count(*) FILTER (WHERE a.suppressed) AS hidden, sum(b.customers) FILTER (WHERE a.suppressed) AS customers, count(*) FILTER (WHERE NOT a.suppressed AND b.customers > 0) AS shown
        FROM (SELECT ROW(%2$s)::text AS cell, ROW(%3$s)::text AS line, * FROM m.%1$s) AS a JOIN (SELECT ROW(%2$s)::text AS cell, * FROM all_shown.%1$s) AS b USING (cell) GROUP BY line) AS l WHERE hidden > 0 AND shown > 0 AND (hidden = 1 OR customers < 20)$q$, source, keys, line) INTO n;
    given_away := given_away + n;
  END LOOP;
  RETURN NEXT;
END $$;
SELECT source, h.* FROM (VALUES ('segment_summary', 'as_of, segment', '{as_of}'::text[]), ('score_distribution', 'dimension, score', '{dimension}'), ('rfm_grid', 'r_score, f_score', '{r_score,f_score}'),
  ('attribute_summary', 'attribute, attribute_value, segment', '{"attribute, attribute_value","attribute, segment"}'),
  ('segment_history(''2025-01-31'', ''2025-12-31'')', 'as_of, segment', '{as_of}'),
  ('segment_transitions(''2025-03-31'', ''2025-12-31'')', 'from_segment, to_segment', '{from_segment,to_segment}')) AS v (source, keys, lines), hidden(source, keys, lines) AS h;
SELECT segment, customers, revenue, median_monetary, suppressed, customers_overridden FROM m.segment_summary;
SELECT count(*) FILTER (WHERE suppressed AND num_nonnulls(customers, customers_share, revenue, revenue_share) > 0) AS numbers FROM m.attribute_summary;
SELECT count(*) FILTER (WHERE suppressed AND num_nonnulls(customers, revenue, customers_by_thresholds) > 0) AS numbers, count(*) FILTER (WHERE customers_by_thresholds BETWEEN 1 AND 19) AS small_parts FROM m.segment_transitions('2025-03-31', '2025-12-31');
SELECT count(*) AS cells, count(*) FILTER (WHERE suppressed) AS hidden, count(*) FILTER (WHERE customers < 20 OR active_customers BETWEEN 1 AND 19 OR customers - active_customers BETWEEN 1 AND 19) AS small,
       count(*) FILTER (WHERE suppressed AND num_nonnulls(active_customers, active_share, revenue) > 0) AS numbers FROM m.cohort_retention();
-- nothing is hidden where it is not asked for, and what is reported to the owner is whole
SELECT count(*) AS hidden FROM all_shown.rfm_grid WHERE suppressed;
SELECT sum(substring(detail FROM '^\d+')::int) AS customers FROM alter_model('m', weights => '{2,1,1}', dry_run => true) WHERE item LIKE 'segment %';
SELECT item FROM drop_model('m');
SELECT item FROM drop_model('all_shown');
DROP FUNCTION hidden(text, text, text[]), found(text);
DROP TABLE sales, clients, chain;
