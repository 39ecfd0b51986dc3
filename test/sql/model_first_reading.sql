-- The first reading of a model: what a query gives goes into a new table, by names of columns.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET search_path = public, scoring;
CREATE SCHEMA reading;
CREATE ROLE regress_reader_of_nothing;
CREATE VIEW reading.told AS
SELECT CASE WHEN k > 1 THEN k::text END COLLATE "C" AS customer_key, ''::text AS tenant,
       CASE WHEN k > 2 THEN history_agg('2024-01-01'::date + (k % 300)::int, k) END AS history,
       CASE WHEN k = 1 THEN 4711::bigint END AS rows_read, CASE WHEN k = 2 THEN 'too much'::text END AS too_large
  FROM generate_series(1, 3000) AS k GROUP BY k;

BEGIN;
CREATE TABLE reading.histories (history history NOT NULL, tenant text NOT NULL, customer_key text COLLATE "C" PRIMARY KEY,
	remark text DEFAULT 'nobody asks for this');
SELECT * FROM _model_append_histories('reading.histories'::regclass, 'TABLE reading.told') ORDER BY 1 NULLS FIRST, 2;
SET LOCAL enable_seqscan = off;
SET LOCAL max_parallel_maintenance_workers = 0;
SELECT tenant, customer_key, monetary(history, '2025-12-31'), remark IS NULL AS has_no_default
  FROM reading.histories WHERE customer_key = '17';
SELECT count(*), sum(monetary(history, '2025-12-31')) FROM reading.histories;
-- a query that would have workers, beside whom nobody writes
CREATE TABLE reading.many (LIKE reading.histories INCLUDING ALL);
CREATE TABLE reading.scanned AS SELECT * FROM reading.told WHERE history IS NOT NULL;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT appended FROM _model_append_histories('reading.many'::regclass, 'SELECT * FROM reading.scanned');
-- values that live for one row only, as those of plpgsql do: each comes out as it went in
CREATE FUNCTION reading.alike(i int) RETURNS int[] LANGUAGE plpgsql AS $$DECLARE a int[] := array_fill(0, ARRAY[50]); BEGIN a[1] := i; a[50] := i; RETURN a; END$$;
CREATE TABLE reading.arrays (customer_key text, a int[], number float8, history history);
SELECT appended FROM _model_append_histories('reading.arrays'::regclass,
	'SELECT i::text AS customer_key, reading.alike(i) AS a, i::float8 AS number, (''{2024-01-01:1:'' || i || ''}'')::history AS history FROM generate_series(1, 300) AS i');
SELECT count(*) AS alike FROM reading.arrays
 WHERE a[1]::text = customer_key AND a[50]::text = customer_key AND number::text = customer_key AND monetary(history, '2025-12-31')::text = customer_key;
-- what is there stays, and its keys count
SAVEPOINT filled;
SELECT appended FROM _model_append_histories('reading.histories'::regclass, 'SELECT * FROM reading.told WHERE history IS NULL');
SELECT count(*) FROM reading.histories;
SELECT * FROM _model_append_histories('reading.histories'::regclass, 'TABLE reading.told');
ROLLBACK TO filled;
SELECT * FROM _model_append_histories('reading.histories'::regclass, 'TABLE reading.told; TABLE reading.told');
ROLLBACK TO filled;
-- what the table doesn't allow
CREATE TABLE reading.again (LIKE reading.histories INCLUDING ALL);
SELECT * FROM _model_append_histories('reading.again'::regclass,
	'SELECT ''twice''::text COLLATE "C" AS customer_key, t.tenant, t.history FROM reading.told AS t WHERE t.history IS NOT NULL');
ROLLBACK TO filled;
CREATE TABLE reading.again (LIKE reading.histories INCLUDING ALL);
SELECT * FROM _model_append_histories('reading.again'::regclass,
	'SELECT t.customer_key, NULL::text AS tenant, t.history FROM reading.told AS t WHERE t.history IS NOT NULL');
ROLLBACK TO filled;
CREATE TABLE reading.again (LIKE reading.histories INCLUDING ALL, CHECK (customer_key <> '1234'));
SELECT * FROM _model_append_histories('reading.again'::regclass, 'TABLE reading.told');
ROLLBACK TO filled;
-- a column that goes nowhere, none that is a history, no query
CREATE TABLE reading.again (LIKE reading.histories INCLUDING ALL);
SAVEPOINT made;
SELECT * FROM _model_append_histories('reading.again'::regclass, 'SELECT t.*, 1 AS answer FROM reading.told AS t');
ROLLBACK TO made;
SELECT * FROM _model_append_histories('reading.again'::regclass, 'SELECT 1::bigint AS rows_read');
ROLLBACK TO made;
SELECT * FROM _model_append_histories('reading.again'::regclass, 'DELETE FROM reading.again');
ROLLBACK TO made;
SELECT * FROM _model_append_histories('reading.told'::regclass, 'TABLE reading.told');
ROLLBACK TO made;
-- a trigger is served
CREATE FUNCTION reading.shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.remark := 'triggered'; RETURN NEW; END$$;
CREATE TRIGGER shout BEFORE INSERT ON reading.again FOR EACH ROW EXECUTE FUNCTION reading.shout();
SELECT appended FROM _model_append_histories('reading.again'::regclass, 'SELECT * FROM reading.told WHERE history IS NOT NULL');
SELECT remark, count(*) FROM reading.again GROUP BY 1;
-- somebody else's table
GRANT USAGE ON SCHEMA reading, scoring TO regress_reader_of_nothing;
GRANT SELECT, INSERT ON reading.again, reading.told TO regress_reader_of_nothing;
SET LOCAL ROLE regress_reader_of_nothing;
SELECT * FROM _model_append_histories('reading.again'::regclass, 'SELECT * FROM reading.told');
COMMIT;

-- a table that others may read by now
CREATE TABLE reading.old (LIKE reading.told);
SELECT * FROM _model_append_histories('reading.old'::regclass, 'SELECT * FROM reading.told');
SELECT * FROM _model_append_histories(NULL, 'SELECT * FROM reading.told');

-- A model that has just been made is what refresh_model finds, to the last row.
CREATE TABLE reading.orders AS
SELECT CASE WHEN i % 97 > 0 THEN i * 7919 % 1000 END AS customer, '2024-01-01'::date + i % 500 AS day, i % 89 AS value
  FROM generate_series(1, 20000) AS i;
SELECT count(*) > 0 AS made FROM create_model('first', 'reading.orders', as_of => '2025-12-31');
CREATE TABLE reading.before AS TABLE first.customer_histories;
SELECT status, rows_read, rows_without_customer, customers, customers_added, customers_changed, customers_removed
  FROM refresh_model('first');
SELECT count(*) FROM (TABLE reading.before EXCEPT TABLE first.customer_histories) AS d;
SELECT rows_read, rows_without_customer, customers, customers_added, customers_too_large, finished_at >= started_at AS ended
  FROM first.refreshes ORDER BY refresh_id;
SELECT count(*) FROM check_model('first');
SELECT count(*) > 0 AS dropped FROM drop_model('first');

-- Live, and one customer fits no history as a whole: in pieces, as refresh_model has it.
INSERT INTO reading.orders VALUES (7, '2024-02-01', 1), (7, '2024-02-02', 2);
ALTER TABLE reading.orders ALTER value TYPE numeric;
INSERT INTO reading.orders VALUES (7, '2024-02-01', 1e12), (7, '2024-02-02', 0.123456789);
SELECT count(*) > 0 AS made FROM create_model('first', 'reading.orders', as_of => '2025-12-31', live => true);
CREATE TABLE reading.pieces AS TABLE first.pending;
SELECT customer_key, count(*) > 1 AS in_pieces FROM reading.pieces GROUP BY 1;
SELECT count(*) FROM first.customer_scores WHERE customer_key = '7';
SELECT status, customers, customers_added, customers_changed, customers_removed FROM refresh_model('first');
SELECT count(*) FROM (TABLE reading.pieces EXCEPT ALL TABLE first.pending) AS d;
DELETE FROM reading.orders WHERE value = 1e12;
SELECT count(*) FROM check_model('first');
SELECT frequency FROM first.customer_scores WHERE customer_key = '7';
SELECT count(*) > 0 AS dropped FROM drop_model('first');

-- What an event trigger writes into the source once our triggers are on it counts once.
CREATE FUNCTION reading.note() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO reading.orders VALUES (8, '2024-03-01', 5); END$$;
CREATE EVENT TRIGGER regress_note ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION reading.note();
SELECT count(*) > 0 AS made FROM create_model('first', 'reading.orders', as_of => '2025-12-31', live => true);
DROP EVENT TRIGGER regress_note;
SELECT count(*) AS pending FROM first.pending;
SELECT count(*) FROM check_model('first');

-- A trigger on a table of a model leaks nothing into the shop's statements.
CREATE TABLE reading.heard (customer_key text);
CREATE FUNCTION reading.hear() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO reading.heard VALUES (NEW.customer_key); RETURN NULL; END$$;
CREATE TRIGGER hear AFTER INSERT ON first.pending FOR EACH ROW EXECUTE FUNCTION reading.hear();
INSERT INTO reading.orders VALUES (9, '2024-04-01', 5);
INSERT INTO reading.orders SELECT i, '2024-04-02', 5 FROM generate_series(1, 100) AS i;
SELECT count(*) AS heard FROM reading.heard;
SELECT count(*) FROM check_model('first');
SELECT count(*) > 0 AS dropped FROM drop_model('first');
DROP SCHEMA reading CASCADE;
DROP ROLE regress_reader_of_nothing;
