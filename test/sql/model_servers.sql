-- Other servers: what postgres_fdw sends there, shown by a loopback; and sources that have
-- one row for a customer, their whole history.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never

CREATE SCHEMA afar;
CREATE EXTENSION postgres_fdw SCHEMA afar;
DO $$ BEGIN
  FOR i IN 1 .. 2 LOOP
    EXECUTE format('CREATE SERVER afar_%s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L, extensions ''customer_scoring'')',
      i, split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database());
    EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER afar_%s OPTIONS (user %L)', i, current_user);
    EXECUTE format('CREATE TABLE afar.orders_%s AS SELECT customer_id, ordered_on, ordered_at, total, kind, branch FROM shopdata.orders WHERE customer_id %s 200', i, CASE i WHEN 1 THEN '<=' ELSE '>' END);
  END LOOP;
END $$;
CREATE TABLE afar.orders (customer_id int, ordered_on date, ordered_at timestamptz, total numeric, kind text, branch text) PARTITION BY RANGE (customer_id);
CREATE FOREIGN TABLE afar.part_1 PARTITION OF afar.orders FOR VALUES FROM (MINVALUE) TO (201) SERVER afar_1 OPTIONS (schema_name 'afar', table_name 'orders_1');
CREATE FOREIGN TABLE afar.part_2 PARTITION OF afar.orders FOR VALUES FROM (201) TO (MAXVALUE) SERVER afar_2 OPTIONS (schema_name 'afar', table_name 'orders_2');
CREATE TABLE afar.question AS SELECT date '2025-12-10' AS as_of;
ANALYZE afar.orders_1, afar.orders_2, afar.part_1, afar.part_2, afar.question;

-- What is sent: the rest of a plan is the server's.
CREATE FUNCTION afar.sent(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
    IF line ~ 'Remote SQL: ' THEN
      RETURN NEXT regexp_replace(line, '^.*Remote SQL: ', '');
    END IF;
  END LOOP;
END $$;
-- Whether two queries have the same rows, and how many, when days are written in another way here than there.
CREATE FUNCTION afar.same(a text, b text) RETURNS text LANGUAGE plpgsql SET datestyle = 'SQL, DMY' AS $$
DECLARE result text;
BEGIN
  EXECUTE format('WITH a AS MATERIALIZED (%s), b AS MATERIALIZED (%s) SELECT (SELECT count(*) FROM a) || '' rows, differing ''
    || count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS d', a, b) INTO result;
  RETURN result;
END $$;

-- by customer, which is how the table is divided: nothing but histories comes here
SET enable_partitionwise_aggregate = on;
SELECT * FROM afar.sent('SELECT customer_id, history_agg(ordered_on, total) FROM afar.orders GROUP BY customer_id');
SELECT * FROM afar.sent('SELECT customer_id, history_agg(ordered_on, total::float8, total > 10) FROM afar.orders GROUP BY customer_id');
SELECT afar.same('SELECT customer_id, history_agg(ordered_on, total) FROM afar.orders GROUP BY customer_id', 'SELECT customer_id, history_agg(ordered_on, total) FROM shopdata.orders GROUP BY customer_id');
-- by something else: the rows come; or histories that are added up here
SELECT * FROM afar.sent('SELECT branch, history_agg(ordered_on, total) FROM afar.orders GROUP BY branch');
SELECT * FROM afar.sent('SELECT branch, sum(h) FROM (SELECT customer_id, branch, history_agg(ordered_on, total) AS h FROM afar.orders GROUP BY customer_id, branch) AS c GROUP BY branch');
SELECT afar.same('SELECT branch, sum(h) FROM (SELECT customer_id, branch, history_agg(ordered_on, total) AS h FROM afar.orders GROUP BY customer_id, branch) AS c GROUP BY branch', 'SELECT branch, history_agg(ordered_on, total) FROM shopdata.orders GROUP BY branch');
-- a text constant isn't sent, and so are not the histories that need it
SELECT * FROM afar.sent('SELECT customer_id, history_agg((ordered_at AT TIME ZONE ''Europe/Paris'')::date, total) FROM afar.orders GROUP BY customer_id');

-- a day from a table, from a subquery or a parameter is sent as a value, which no DateStyle spoils
SELECT * FROM afar.sent('SELECT customer_id, recency(history_agg(ordered_on, total), (SELECT as_of FROM afar.question)) FROM afar.orders GROUP BY customer_id');
SELECT * FROM afar.sent('SELECT customer_id, monetary(history_agg(ordered_on, total), (SELECT date ''2025-12-10'')) FROM afar.orders GROUP BY customer_id');
SELECT afar.same('SELECT customer_id, recency(history_agg(ordered_on, total), (SELECT as_of FROM afar.question)), monetary(history_agg(ordered_on, total), (SELECT date ''2025-10-12'')) FROM afar.orders GROUP BY customer_id',
  'SELECT customer_id, recency(history_agg(ordered_on, total), as_of), monetary(history_agg(ordered_on, total), ''2025-10-12'') FROM shopdata.orders, afar.question GROUP BY customer_id, as_of');
SET plan_cache_mode = force_generic_plan;
PREPARE asked(date) AS SELECT customer_id, recency(history_agg(ordered_on, total), $1) FROM afar.orders GROUP BY customer_id;
SELECT * FROM afar.sent('EXECUTE asked(''2025-12-10'')');
RESET plan_cache_mode;

-- histories that are kept there
CREATE VIEW afar.kept_1 AS SELECT customer_id, history_agg(ordered_on, total) AS history FROM afar.orders_1 GROUP BY customer_id;
CREATE FOREIGN TABLE afar.histories_1 (customer_id int, history history) SERVER afar_1 OPTIONS (schema_name 'afar', table_name 'kept_1');
SELECT * FROM afar.sent('SELECT customer_id FROM afar.histories_1 WHERE recency(history, ''2025-12-31'') > 100');
SELECT * FROM afar.sent('SELECT sum(history) FROM afar.histories_1');
SELECT afar.same('SELECT customer_id FROM afar.histories_1 WHERE recency(history, ''2025-12-10'') > 100', 'SELECT customer_id FROM afar.kept_1 WHERE recency(history, ''2025-12-10'') > 100');

-- in one pass, too: the source is sent as it is
SELECT afar.same($$SELECT * FROM score_customers('SELECT customer_id, history_agg(ordered_on, total) FROM afar.orders GROUP BY customer_id', NULL::int, '2025-12-10')$$,
  $$SELECT * FROM score_customers('SELECT customer_id, ordered_on, total FROM shopdata.orders', NULL::int, '2025-12-10')$$);

-- A model whose source is histories: one row for a customer comes from there.
SELECT count(*) > 0 AS made FROM create_model('kept', 'SELECT customer_id, history_agg(ordered_on, total) AS history FROM afar.orders GROUP BY customer_id', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT * FROM afar.sent((SELECT source_query FROM kept.configuration));
SELECT rows_read, customers FROM refresh_model('kept');
CREATE TABLE afar.fits AS SELECT fit, family, parameter, value, customers, status, log_likelihood FROM kept.prediction_fits;
CREATE TABLE afar.scores AS TABLE kept.customer_scores;
CREATE TABLE afar.summary AS TABLE kept.segment_summary;
CREATE TABLE afar.explained AS SELECT e.* FROM generate_series(1, 10) AS c, explain_score('kept', c::text) AS e;
-- with tenants, people and predictions; of rows that come in pieces, the sum counts
CREATE TABLE afar.pieces AS SELECT branch, customer_id, history_agg(ordered_on, total, kind <> 'sample') AS history FROM shopdata.orders GROUP BY branch, customer_id, order_id % 3;
SELECT count(*) > 0 AS made FROM create_model('pieces', 'afar.pieces', customer => 'customer_id', tenant => 'branch', as_of => '2025-12-31', customers => 'shopdata.people', attributes => '{city}',
  consent => 'agreed');
CREATE TABLE afar.pieces_scores AS TABLE pieces.customer_scores;
SELECT count(*), count(DISTINCT tenant) AS tenants, count(city) > 0 AS cities FROM afar.pieces_scores;
-- both over the orders themselves: the same rows
SELECT item, detail FROM alter_model('kept', source => 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total') WHERE item IN ('source', 'customer', 'day', 'value', 'customers', 'thresholds');
SELECT afar.same('TABLE kept.customer_scores', 'TABLE afar.scores'), afar.same('TABLE kept.segment_summary', 'TABLE afar.summary'), afar.same('SELECT e.* FROM generate_series(1, 10) AS c, explain_score(''kept'', c::text) AS e', 'TABLE afar.explained'),
  afar.same('SELECT fit, family, parameter, value, customers, status, log_likelihood FROM kept.prediction_fits', 'TABLE afar.fits');
SELECT count(*) > 0 AS done FROM alter_model('pieces', source => 'shopdata.orders', day => 'ordered_on', value => 'total', counts => 'kind <> ''sample''');
SELECT afar.same('TABLE pieces.customer_scores', 'TABLE afar.pieces_scores');
SELECT count(*) > 0 AS dropped FROM drop_model('pieces');
-- and back; a refresh compares histories
CREATE TABLE afar.histories AS SELECT customer_id, history_agg(ordered_on, total) AS history FROM shopdata.orders GROUP BY customer_id;
SELECT error_and_hint($$SELECT FROM alter_model('kept', source => 'afar.histories')$$);
-- the calls of a model write days as ISO, whatever the session does
SET datestyle = 'SQL, DMY';
SELECT count(*) > 0 AS done FROM alter_model('kept', source => 'SELECT customer_id, history_agg(ordered_on, total) FILTER (WHERE ordered_on <= ''2025-10-12'') AS history FROM afar.orders GROUP BY customer_id', reset => '{day,value}');
SELECT afar.same('SELECT customer_key, history FROM kept.customer_histories',
  'SELECT customer_id::text, history FROM (SELECT customer_id, history_agg(ordered_on, total) FILTER (WHERE ordered_on <= ''2025-10-12'') AS history FROM shopdata.orders GROUP BY customer_id) AS h WHERE history <> ''{}''');
RESET datestyle;
SELECT item, detail FROM alter_model('kept', source => 'afar.histories') WHERE item IN ('source', 'customer', 'day', 'value', 'customers', 'thresholds');
SELECT afar.same('TABLE kept.customer_scores', 'TABLE afar.scores');
UPDATE afar.histories SET history = history + '{2025-12-24:1:50}' WHERE customer_id = 17;
INSERT INTO afar.histories VALUES (17, '{2025-12-25:1:5}'), (NULL, '{2025-12-25:1:5}'), (18, NULL), (901, '{}'), (902, '{2025-12-25:1:5}'), (903, '{300000-01-01:1:5}'),
  (904, '{2025-12-25:1:9000000000000000000}'), (904, '{2025-12-25:1:9000000000000000000}');
DELETE FROM afar.histories WHERE customer_id = 20;
SELECT problem, customers FROM check_model('kept');
SELECT status, rows_read, rows_without_customer, rows_without_day, rows_without_value, customers, customers_added, customers_changed, customers_removed FROM refresh_model('kept');
SELECT reason, affected, customers FROM check_quality('kept') WHERE reason ~ '^no_(customer|day|value)|unconv|too_large' ORDER BY 1;
SELECT customer_key, monetary, frequency, shopdata.iso(last_order_on) AS last_order_on FROM kept.customer_scores WHERE customer_key IN ('17', '18', '901', '902') ORDER BY 1;
SELECT problem, customers FROM check_model('kept');
SELECT object, erased FROM forget_customer('kept', '17') WHERE erased > 0 ORDER BY 1;
SELECT customers_added, customers_changed FROM refresh_model('kept');
-- what a stream is doesn't depend on it
SELECT count(*) > 0 AS added FROM add_stream('kept', 'samples', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', live => true);
SELECT count(*) > 100 AS some FROM kept.customer_streams;
-- what it can't be
SELECT error_of($$SELECT FROM alter_model('kept', live => true)$$);
SELECT shopdata.refused(call, true) FROM (VALUES
  ($$create_model('x', 'afar.histories', customer => 'customer_id', day => 'last_event_on(history, ''2025-12-31'')', value => '1')$$),
  ($$create_model('x', 'afar.histories', event_key => 'customer_id', currency => '''EUR''')$$),
  ($$create_model('x', 'afar.pieces', tenant => 'branch')$$),
  ($$create_model('x', 'SELECT customer_id, history, history AS other FROM afar.histories', customer => 'customer_id')$$),
  ($$create_model('x', 'SELECT history FROM afar.histories')$$),
  ($$create_model('x', 'afar.histories', live => true)$$)) AS v (call);
SELECT count(*) > 0 AS dropped FROM drop_model('kept');
DROP SCHEMA afar CASCADE;
