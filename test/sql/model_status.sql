-- model_status and data_quality: how a model is, whatever becomes of its source.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
CREATE SCHEMA private;
CREATE TABLE private.sales AS SELECT customer_id, ordered_on, total FROM orders;
CREATE TABLE private.clients AS SELECT customer_id, city, agreed FROM people;
SELECT count(*) > 0 AS done FROM create_model('m', 'private.sales', as_of => '2025-12-31', time_zone => 'Europe/Paris', customers => 'private.clients', attributes => '{city}');
SELECT count(*) > 0 AS done FROM create_model('q', 'SELECT customer_id, ordered_on, total FROM private.sales', as_of => '2025-12-31');
\x on
SELECT model, source, definition LIKE '%FROM private.sales%' AS qualified, iso(as_of) AS as_of, as_of_rule, time_zone, version, iso(calibrated_on) AS calibrated_on, segment_map,
       refreshed_at BETWEEN now() - interval '10 minutes' AND clock_timestamp() AS refreshed_just_now, customers, tenants, status, needs FROM m.model_status;
\x off
-- refreshed_at is the time of the last refresh, not of the last look
SELECT refreshed_at AS first_refresh FROM m.model_status \gset
SELECT count(*) FROM refresh_model('m');
SELECT refreshed_at > :'first_refresh' AS later, (SELECT count(*) FROM m.refreshes) AS refreshes FROM m.model_status;

-- What a reader sees does not depend on the rights that he has on the source
CREATE ROLE regress_model_reader;
SELECT grant_reader('m', 'regress_model_reader');
SET ROLE regress_model_reader;
SELECT status, needs FROM m.model_status;
RESET ROLE;

-- The source goes, comes back, is another
CREATE TABLE kept AS SELECT * FROM m.customer_scores;
ALTER TABLE private.sales RENAME TO sold;
SELECT status, needs FROM m.model_status;
SELECT status, needs FROM q.model_status;
SELECT refused('refresh_model(''m'')');
SELECT refused('check_model(''m'')');
SELECT refused('calibrate_model(''m'')');
SELECT * FROM differ('SELECT * FROM m.customer_scores', 'SELECT * FROM kept');
SELECT count(*) FROM m.customer_scores_at('2025-06-30') WHERE recency_days IS NOT NULL;
SET ROLE regress_model_reader;
SELECT status FROM m.model_status;
RESET ROLE;
ALTER TABLE private.sold RENAME TO sales;
SELECT status, needs FROM m.model_status;
ALTER TABLE private.sales RENAME COLUMN total TO amount;
SELECT status FROM m.model_status;
SELECT refused('refresh_model(''m'')');
SELECT * FROM differ('SELECT * FROM m.customer_scores', 'SELECT * FROM kept');
SELECT item, detail FROM alter_model('m', source => 'private.sales', customer => 'customer_id', day => 'ordered_on', value => 'amount') WHERE item NOT LIKE 'segment%' AND item <> 'source';
SELECT customers_added, customers_changed, customers_removed FROM refresh_model('m');
DROP TABLE private.sales;
SELECT status, needs FROM m.model_status;
SELECT * FROM differ('SELECT * FROM m.customer_scores', 'SELECT * FROM kept');
-- what doesn't read the source goes on: weights, labels, record_changes
SELECT item, detail FROM alter_model('m', weights => '{2,1,1}', language => 'fr') WHERE item IN ('version', 'weights', 'language');
SELECT status, changes FROM record_changes('m');
SELECT refused('alter_model(''m'', value => ''total'')');
SELECT item, detail FROM alter_model('m', source => 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total') WHERE item IN ('version', 'source', 'value', 'thresholds');
SELECT status, needs, source FROM m.model_status;
SELECT * FROM differ('SELECT customer_key, r_score, f_score, m_score, segment FROM m.customer_scores', 'SELECT customer_key, r_score, f_score, m_score, segment FROM kept');
-- another table of the same name is the source, a sequence is not
CREATE SEQUENCE private.sales;
SELECT status FROM q.model_status;
-- The customers table is read by the views: it can't be dropped, and may be renamed
SELECT refused('(SELECT 1) AS x; DROP TABLE private.clients');
ALTER TABLE private.clients RENAME TO members;
SELECT count(*) AS rows, count(city) AS with_city FROM m.customer_scores;
ALTER TABLE private.members RENAME TO clients;

-- Customers worth a look, by reason
CREATE TABLE private.odd (customer_id int, ordered_on date, total numeric, counts boolean);
INSERT INTO private.odd VALUES (1, '2025-01-01', 5, NULL), (1, '2026-01-01', 5, NULL), (2, '2026-02-01', 5, NULL), (3, '2025-02-01', -5, NULL), (4, '2025-12-31', 5, NULL), (NULL, '2025-01-01', 1, NULL), (5, NULL, 1, NULL), (6, '2025-01-01', NULL, NULL), (NULL, NULL, NULL, NULL);
SELECT count(*) > 0 AS done FROM create_model('odd', 'private.odd', as_of => '2025-12-31');
SELECT reason, unit, affected, explanation, checked_at <= clock_timestamp() AS checked FROM odd.data_quality ORDER BY reason;
SELECT customer_key, segment FROM odd.customer_scores ORDER BY 1;
DELETE FROM private.odd WHERE customer_id IS NULL;
SELECT reason, affected FROM odd.data_quality WHERE reason = 'no_customer';
SELECT rows_without_customer, rows_without_day, rows_without_value FROM refresh_model('odd');
SELECT reason, affected FROM odd.data_quality WHERE reason = 'no_customer';

SELECT item FROM unnest('{m,q,odd}'::text[]) AS m, drop_model(m);
DROP TABLE kept;
DROP SCHEMA private CASCADE;
DROP ROLE regress_model_reader;
-- the table of people is missed as the source is
CREATE TABLE shopdata.folk AS TABLE people;
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', customers => 'folk', customers_key => 'customer_id', as_of => '2025-12-31');
SELECT status, needs FROM m.model_status;
ALTER TABLE folk RENAME TO folk_before;
SELECT status, needs FROM m.model_status;
SELECT item FROM drop_model('m');
DROP TABLE folk_before;
