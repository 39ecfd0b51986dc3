-- What another tool drops of a model with CASCADE: each view, function, table
-- and trigger is missed by model_status, check_model and refresh_model, and what
-- can be made again is made again by alter_model.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA lost;
CREATE TABLE lost.orders AS SELECT i % 20 AS customer_id, date '2025-01-01' + i % 300 AS day, i % 50 + 1 AS total FROM generate_series(1, 300) AS i;
CREATE TABLE lost.people AS SELECT i AS customer_id, 'city ' || i % 3 AS city FROM generate_series(0, 19) AS i;
SELECT count(*) > 5 AS made FROM create_model('lost_model', 'lost.orders', customer => 'customer_id', day => 'day', value => 'total', as_of => '2025-12-31',
  customers => 'lost.people', customers_key => 'customer_id', attributes => '{city}', live => true, prediction => 'bgnbd', retention_days => 3650);
CREATE ROLE regress_lost_reader;
GRANT USAGE ON SCHEMA scoring TO regress_lost_reader;
SELECT grant_reader('lost_model', 'regress_lost_reader');
CREATE TABLE before AS SELECT * FROM lost_model.customer_scores;

-- a build tool swaps the table of people, every night
CREATE TABLE lost.people_new AS TABLE lost.people;
DROP TABLE lost.people CASCADE;
SELECT status, needs ~ '^bring back lost.people, .*view lost_model.customer_scores, .*are missing: alter_model\(''lost_model''\) makes again' AS tells FROM lost_model.model_status;
ALTER TABLE lost.people_new RENAME TO people;
SELECT status, needs ~ 'view lost_model.attribute_summary, .*view lost_model.customer_scores, .*are missing: alter_model\(''lost_model''\) makes again' AS tells FROM lost_model.model_status;
SELECT problem, customers, explanation ~ 'view lost_model.customer_scores.* are missing: alter_model\(''lost_model''\)' AS tells FROM check_model('lost_model');
SET client_min_messages = error;
SELECT status FROM refresh_model('lost_model');
SET client_min_messages = warning;
SELECT item FROM alter_model('lost_model') WHERE item = 'made again';
SELECT status, needs FROM lost_model.model_status;
SELECT count(*) FROM (TABLE lost_model.customer_scores EXCEPT TABLE before) AS d;
SET ROLE regress_lost_reader;
SELECT count(*) FROM lost_model.customer_scores;
SELECT count(*) FROM lost_model.customer_scores_at('2025-06-30');
RESET ROLE;
SELECT alter_model('lost_model');

-- every view and function there is: one by one, and taken back
CREATE FUNCTION lost.each() RETURNS TABLE (kind text, objects bigint, told_by_status bigint, told_by_check bigint, silent text) LANGUAGE plpgsql AS $$
DECLARE
  object text;
  needs text;
  in_status boolean;
  in_check boolean;
BEGIN
  FOR kind IN SELECT unnest('{view,function}'::text[]) LOOP
    objects := 0; told_by_status := 0; told_by_check := 0; silent := NULL;
    FOREACH object IN ARRAY _model_objects('lost_model') LOOP
      CONTINUE WHEN split_part(object, ' ', 1) <> kind;
      BEGIN
        EXECUTE format('DROP %s CASCADE', object);
        in_status := true;		-- it can't say so itself
        IF to_regclass('lost_model.model_status') IS NOT NULL THEN
          EXECUTE 'SELECT s.status || '' '' || s.needs FROM lost_model.model_status AS s' INTO needs;
          in_status := coalesce(needs LIKE 'incomplete %' || object || '%alter_model(''lost_model'')%', false);
        END IF;
        in_check := (SELECT coalesce(bool_or(c.explanation LIKE '%' || object || '%alter_model(''lost_model'')%'), false) FROM check_model('lost_model') AS c);
        RAISE EXCEPTION USING ERRCODE = 'TSTRB';
      EXCEPTION WHEN SQLSTATE 'TSTRB' THEN
        NULL;
      END;
      objects := objects + 1;
      told_by_status := told_by_status + in_status::int;
      told_by_check := told_by_check + in_check::int;
      silent := concat_ws(', ', silent, CASE WHEN NOT in_status OR NOT in_check THEN object END);
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$;
SELECT kind, objects > 3 AS many, told_by_status = objects AS status, told_by_check = objects AS "check", silent FROM lost.each();
-- and all of them at once
CREATE TABLE there AS SELECT unnest(_model_objects('lost_model')) AS object;
DO $$
DECLARE
  object text;
BEGIN
  FOR object IN SELECT t.object FROM there AS t WHERE t.object !~ '^table ' LOOP
    IF object = ANY (_model_objects('lost_model')) THEN
      EXECUTE format('DROP %s CASCADE', object);
    END IF;
  END LOOP;
END $$;
SELECT item FROM alter_model('lost_model') WHERE item = 'made again';
SELECT count(*) > 30 AS many, count(*) FILTER (WHERE object = ANY (_model_objects('lost_model'))) = count(*) AS all_back FROM there;
SELECT status, needs FROM lost_model.model_status;
SELECT count(*) FROM (TABLE lost_model.customer_scores EXCEPT TABLE before) AS d;
INSERT INTO lost.orders VALUES (1, '2025-12-31', 5);
SELECT * FROM check_model('lost_model');

-- a trigger
DROP TRIGGER scoring_update_lost_model ON lost.orders;
SELECT status, needs FROM lost_model.model_status;
SELECT status FROM refresh_model('lost_model');
SELECT status, needs FROM lost_model.model_status;
-- a column of the people is gone: a sentence, and a call that mends it
BEGIN;
SET LOCAL client_min_messages = error;
ALTER TABLE lost.people RENAME city TO town;
INSERT INTO lost.orders VALUES (2, '2025-12-31', 7);
SAVEPOINT s;
SELECT * FROM refresh_model('lost_model');
ROLLBACK TO s;
SELECT * FROM apply_changes('lost_model');
ROLLBACK TO s;
SELECT * FROM calibrate_model('lost_model');
ROLLBACK TO s;
SELECT * FROM record_changes('lost_model');
ROLLBACK TO s;
SELECT * FROM check_prediction('lost_model');
ROLLBACK TO s;
SELECT item FROM alter_model('lost_model', attributes => '{town}') WHERE item = 'attributes';
SELECT status FROM apply_changes('lost_model');
ROLLBACK;
-- without the extension there is no model, and the shop goes on
BEGIN;
SET LOCAL client_min_messages = error;
DROP EXTENSION customer_scoring CASCADE;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'lost.orders'::regclass AND NOT tgisinternal;
INSERT INTO lost.orders VALUES (2, '2025-12-31', 7);
ROLLBACK;
-- the schema has another name, and a stranger takes the old one: the shop goes on,
-- and the stranger is given nothing
BEGIN;
CREATE ROLE regress_lost_stranger;
ALTER SCHEMA lost_model RENAME TO lost_renamed;
INSERT INTO lost.orders VALUES (2, '2025-12-31', 7);
CREATE SCHEMA lost_model AUTHORIZATION regress_lost_stranger;
SET LOCAL ROLE regress_lost_stranger;
CREATE TABLE lost_model.pending (customer_key text, tenant text, difference text);
CREATE TABLE lost_model.rejects (operation text, reason text, affected bigint, needs_rebuild boolean);
RESET ROLE;
INSERT INTO lost.orders VALUES (2, '2025-12-31', 7);
UPDATE lost.orders SET total = total + 1 WHERE customer_id = 3;
SELECT (SELECT count(*) FROM lost_model.pending) AS pending, (SELECT count(*) FROM lost_model.rejects) AS rejects;
ROLLBACK;
-- a table holds what nobody can bring back
BEGIN;
DROP TABLE lost_model.recorded_changes CASCADE;
SELECT status, needs FROM lost_model.model_status;
SELECT * FROM check_model('lost_model');
SAVEPOINT s;
SELECT * FROM refresh_model('lost_model');
ROLLBACK TO s;
SELECT * FROM alter_model('lost_model', weights => '{2,1,1}');
ROLLBACK TO s;
SELECT item FROM drop_model('lost_model') WHERE item = 'dropped';
ROLLBACK;
SELECT item FROM drop_model('lost_model') WHERE item = 'dropped';
DROP OWNED BY regress_lost_reader;
DROP ROLE regress_lost_reader;
DROP TABLE before, there;
DROP SCHEMA lost CASCADE;
