-- create_model: what is refused, with its code and words, and that nothing is left.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
\pset format unaligned
\pset tuples_only on
CREATE TABLE shopdata.three AS SELECT customer_id, ordered_on, total FROM orders;
CREATE TABLE shopdata.odd (id int, at date, amount text, price money, data jsonb, weight float8, tags int[], stamp time, ok int, moment timestamptz, span interval);

-- The name
SELECT refused(call) FROM (VALUES
  ('create_model(NULL, ''three'')'),
  ('create_model('''', ''three'')'),
  ('create_model(repeat(''x'', 41), ''three'')'),
  ('create_model(repeat(''é'', 21), ''three'')'),
  ('create_model(''pg_shop'', ''three'')'),
  ('create_model(''shopdata'', ''three'')'),
  ('create_model(''public'', ''three'')'),
  ('create_model(''scoring'', ''three'')'),
  ('create_model(''pg_catalog'', ''three'')'),
  ('create_model(''information_schema'', ''three'')')) AS v (call);
SELECT count(*) > 0 AS done FROM create_model(repeat('é', 20), 'three', as_of => '2025-12-31');
SELECT refused(format('create_model(%L, ''three'')', repeat('é', 20)), true);
SELECT item FROM drop_model(repeat('é', 20));

-- The source
SELECT refused(call, true) FROM (VALUES
  ('create_model(''m'', NULL)'),
  ('create_model(''m'', '''')'),
  ('create_model(''m'', '' ; '')'),
  ('create_model(''m'', ''nowhere'')'),
  ('create_model(''m'', ''nowhere.orders'')'),
  ('create_model(''m'', ''a.b.c.d'')'),
  ('create_model(''m'', ''orders_pkey'')'),
  ('create_model(''m'', ''SELEC 1'')'),
  ('create_model(''m'', ''SELECT 1, 2; SELECT 3'')'),
  ('create_model(''m'', ''SELECT customer_id FROM nowhere'')'),
  ('create_model(''m'', ''SELECT customer_id, nothing, total FROM orders'')'),
  ('create_model(''m'', ''SELECT 1, 2, 3'')'),
  ('create_model(''m'', ''SELECT 1 AS a, current_date AS b'')'),
  ('create_model(''m'', ''orders'')'),
  ('create_model(''m'', ''SELECT'')'),
  ('create_model(''m'', ''SELECT FROM orders'')'),
  ('create_model(''m'', ''DELETE FROM shopdata.three RETURNING *'')'),
  ('create_model(''m'', ''WITH d AS (DELETE FROM shopdata.three RETURNING *) SELECT * FROM d'')'),
  ('create_model(''m'', ''SELECT * INTO shopdata.copy FROM three'')'),
  ('create_model(''m'', ''SELECT * FROM three) AS x, (SELECT 1'')'),
  ('create_model(''m'', ''SELECT $1, $2, $3'')'),
  ('create_model(''m'', ''SELECT * FROM three FOR UPDATE'', as_of => ''2025-12-31'')')) AS v (call);
SELECT count(*) = (SELECT count(*) FROM orders) AS untouched FROM three;
CREATE TEMP TABLE temporary AS TABLE three;
SELECT refused('create_model(''m'', ''temporary'')', true);
SELECT refused('create_model(''m'', ''SELECT * FROM temporary'')', true);
DROP TABLE temporary;

-- The columns
SELECT refused(call, true) FROM (VALUES
  ('create_model(''m'', ''orders'', customer => ''custmer_id'', day => ''ordered_on'', value => ''total'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''order_on'', value => ''total'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''"Total"'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total +'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''nonsense(total)'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total, total'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''*'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total) AS a, (total'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''1) FROM pg_class --'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''sum(total)'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total::date'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => '''')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'')'),
  ('create_model(''m'', ''orders'', day => ''ordered_on'', value => ''total'')'),
  ('create_model(''m'', ''three'', counts => ''total > 1'')'),
  ('create_model(''m'', ''three'', tenant => ''customer_id'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total'', counts => ''total'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''total'', value => ''total'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''kind'', value => ''total'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''kind'')'),
  ('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''ordered_on'')'),
  ('create_model(''m'', ''SELECT customer_id, total, ordered_on FROM orders'')'),
  ('create_model(''m'', ''odd'', customer => ''id'', day => ''at'', value => ''amount'')'),
  ('create_model(''m'', ''odd'', customer => ''id'', day => ''at'', value => ''price'')'),
  ('create_model(''m'', ''odd'', customer => ''id'', day => ''at'', value => ''span'')'),
  ('create_model(''m'', ''odd'', customer => ''id'', day => ''stamp'', value => ''weight'')'),
  ('create_model(''m'', ''odd'', customer => ''id'', day => ''span'', value => ''weight'')')) AS v (call);

-- The type of the key
CREATE COLLATION shopdata.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT refused(format('create_model(''m'', ''odd'', customer => %L, day => ''at'', value => ''weight'')', customer), true)
FROM unnest('{data,weight,tags,price,at,ok > 1,moment,"amount COLLATE shopdata.any_case",odd}'::text[]) AS customer;
SELECT refused('create_model(''m'', ''SELECT amount COLLATE shopdata.any_case AS c, at, weight FROM odd'')', true);
SELECT refused('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total'', tenant => ''total::float8'')', true);

-- ... citext, where there is one
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citext') THEN
    CREATE EXTENSION citext SCHEMA shopdata;
    IF refused('create_model(''m'', ''odd'', customer => ''amount::citext'', day => ''at'', value => ''weight'')') <> '42804 customer is of type shopdata.citext' THEN
      RAISE 'a key of type citext is not refused';
    END IF;
    DROP EXTENSION citext;
  END IF;
END $$;

-- The settings
SELECT refused('create_model(''m'', ''three'', ' || settings || ')', true) FROM (VALUES
  ('as_of => ''infinity'''), ('as_of => ''-infinity'''),
  ('bins => 0'), ('bins => 101'), ('bins => NULL'), ('bins => 3'), ('bins => 3, segment_map => ''standard'''), ('segment_map => ''nope'''), ('segment_map => ''no.such'''),
  ('segment_map => ''klaviyo'''), ('window_days => 0'), ('window_days => -5'),
  ('monetary => ''sum'''), ('monetary => NULL'), ('frequency => ''orders'''), ('frequency => NULL'),
  ('recency_thresholds => ''{30,90}'''), ('recency_thresholds => ''{365,180,90,30}'''), ('frequency_thresholds => ''{1,2,4,9,20}'''),
  ('frequency_thresholds => ''{1,NULL,4,9}'''), ('monetary_thresholds => ''{1,2,3,NaN}'''), ('monetary_thresholds => ''{1,2,3,Infinity}'''), ('monetary_thresholds => ''{{1,2},{3,4}}'''),
  ('weights => NULL'), ('weights => ''{1,1}'''), ('weights => ''{1,1,-1}'''), ('weights => ''{1,NaN,1}'''),
  ('time_zone => NULL'), ('time_zone => ''Mars/Olympus'''), ('time_zone => '''''), ('language => NULL'), ('language => ''English'''), ('language => ''''''; --'''),
  ('change_days => 0'), ('change_days => 36526'), ('change_days => NULL'), ('money_decimals => -1'), ('money_decimals => 10'), ('money_decimals => NULL'),
  ('on_error => NULL'), ('on_error => ''ignore'''), ('consent => ''true'''), ('attributes => ''{city}'''), ('customers_key => ''customer_id''')) AS v (settings);
-- as_of lies after today in the zone of the model, whatever today is
SELECT regexp_replace(refused(format('create_model(''m'', ''three'', as_of => %L, time_zone => ''Pacific/Apia'')', iso((now() AT TIME ZONE 'Pacific/Apia')::date + 1))), '\d{4}-\d\d-\d\d', '...', 'g');
SELECT count(*) > 0 AS today_is_fine FROM create_model('m', 'three', as_of => (now() AT TIME ZONE 'Pacific/Apia')::date, time_zone => 'Pacific/Apia');
SELECT item FROM drop_model('m');
-- what is in the source, where that is to be an error
SELECT refused('create_model(''m'', ' || quote_literal(source) || ', on_error => ''raise'')', true) FROM (VALUES
  ('VALUES (1, date ''2025-01-01'', ''NaN''::numeric)'), ('VALUES (1, date ''2025-01-01'', ''Infinity''::float8)'), ('VALUES (1, date ''infinity'', 1)'),
  ('VALUES (1, date ''2025-01-01'', 0.0000000001)'), ('VALUES (1, date ''2025-01-01'', 1e30)'), ('VALUES (1, date ''2025-01-01'', 1/0)')) AS v (source);

-- The customers
SELECT refused('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total'', ' || arguments || ')', true) FROM (VALUES
  ('customers => ''nowhere'''), ('customers => '''''), ('customers => ''SELECT city FROM people'', attributes => ''{city}'', customers_key => ''born_on'''),
  ('customers => ''people'', customers_key => ''born_on'''), ('customers => ''people'', customers_key => ''nothing'''), ('customers => ''odd'''),
  ('customers => ''people'', attributes => ''{nothing}'''), ('customers => ''people'', attributes => ''{city,city}'''), ('customers => ''people'', attributes => ''{NULL}'''),
  ('customers => ''people'', attributes => ''{City}'''), ('customers => ''people'', attributes => ''{customer_id}'''),
  ('customers => ''SELECT customer_id, city AS segment FROM people'', attributes => ''{segment}'''),
  ('customers => ''odd'', customers_key => ''id'', attributes => ''{data}'''), ('customers => ''odd'', customers_key => ''id'', attributes => ''{tags}'''),
  ('customers => ''odd'', customers_key => ''id'', attributes => ''{span}'''),
  ('customers => ''people'', consent => ''nothing'''), ('customers => ''people'', consent => ''city'''), ('customers => ''people'', consent => ''agreed; DROP TABLE x'''),
  ('customers => ''three'', tenant => ''branch''')) AS v (arguments);

-- Rights: on the source, on the database, on what a view reads
CREATE ROLE regress_model_maker;
CREATE ROLE regress_model_other;
GRANT USAGE ON SCHEMA scoring, shopdata TO regress_model_maker, regress_model_other;
CREATE VIEW shopdata.through AS SELECT * FROM three;
SELECT current_database() AS database \gset
GRANT CREATE ON DATABASE :"database" TO regress_model_other;
GRANT SELECT ON three TO regress_model_maker;
SET ROLE regress_model_maker;
SELECT replace(refused('create_model(''m'', ''three'')'), current_database(), '...');
RESET ROLE;
SET ROLE regress_model_other;
SELECT refused('create_model(''m'', ''three'')');
SELECT refused('create_model(''m'', ''SELECT customer_id, ordered_on, total FROM three'')');
SELECT refused('create_model(''m'', ''through'')');
SELECT refused('create_model(''m'', ''SELECT customer_id, ordered_on, 1 FROM orders'')');
RESET ROLE;
GRANT SELECT ON orders TO regress_model_other;
SET ROLE regress_model_other;
SELECT refused('create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total'', customers => ''people'')');
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31');
SELECT nspname, nspowner::regrole FROM pg_namespace WHERE nspname = 'm';
SELECT DISTINCT relowner::regrole FROM pg_class WHERE relnamespace = 'm'::regnamespace;
SELECT DISTINCT proowner::regrole FROM pg_proc WHERE pronamespace = 'm'::regnamespace;
RESET ROLE;
-- somebody else's model can be listed and nothing more, by a superuser neither
SELECT model, owner, source FROM models();
SELECT refused(call || '(''m'')', true) FROM unnest('{refresh_model,calibrate_model,check_model,record_changes,drop_model}'::text[]) AS call;
SELECT refused('alter_model(''m'', weights => ''{2,1,1}'')');
SELECT refused('grant_reader(''m'', ''regress_model_maker'')');
SELECT refused('revoke_reader(''m'', ''regress_model_maker'')');
SET ROLE regress_model_maker;
SELECT refused(call || '(''m'')') FROM unnest('{refresh_model,drop_model}'::text[]) AS call;
SELECT refused('m.customer_scores');
RESET ROLE;
-- without its right on the source the model stays, and says so when it is refreshed
REVOKE SELECT ON orders FROM regress_model_other;
SET ROLE regress_model_other;
SELECT refused('refresh_model(''m'')');
SELECT count(*) FROM m.customer_scores;
SELECT item FROM drop_model('m');
RESET ROLE;

-- At another isolation level a model would go by what was true when it began.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT refused('create_model(''m'', ''three'')', true);
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT refused('create_model(''m'', ''three'')');
ROLLBACK;
BEGIN READ ONLY;
SELECT refused('create_model(''m'', ''three'')');
ROLLBACK;
-- a failure that is caught leaves nothing, a rollback neither
DO $$ BEGIN PERFORM scoring.create_model('m', 'VALUES (1, date ''2025-01-01'', 1/0)'); EXCEPTION WHEN division_by_zero THEN NULL; END $$;
BEGIN;
SELECT count(*) > 0 AS done FROM create_model('m', 'three');
ROLLBACK;
-- histories on workers, where there are none: test/t/055_citus.pl has those
SELECT refused('create_model(''m'', ''three'', distribute => true)', true);
SELECT count(*) > 0 AS done FROM create_model('m', 'three', distribute => NULL, dry_run => true);
-- no model of that name
SELECT refused(call || '(' || model || ')') FROM unnest('{refresh_model,calibrate_model,check_model,record_changes,drop_model}'::text[]) AS call, unnest('{''m'',''shopdata'',NULL}'::text[]) AS model;
SELECT refused('alter_model(''m'', bins => 4)', true);
SELECT count(*) FROM models();
SELECT count(*) FROM pg_namespace WHERE nspname = 'm';

REVOKE ALL ON DATABASE :"database" FROM regress_model_other;
DROP OWNED BY regress_model_maker, regress_model_other;
DROP ROLE regress_model_maker, regress_model_other;
DROP TABLE three, odd CASCADE;
DROP COLLATION any_case;
