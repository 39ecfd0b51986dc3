-- segment(), segment_case() and check_segment_map(): arguments, names,
-- conditions and what they are compared with, changes of a map.
SET client_min_messages = warning;
-- Thousands of tiny statements: compiling each would take minutes.
SET jit = off;

-- Scores
SELECT segment(5, 4, 4) AS a, segment(r => 1, f => 1, m => 5) AS b, segment(3, 3, 3, segment_map => 'standard') AS c;
SELECT segment(5, 5, 5, NULL) IS NULL AS no_map, segment(NULL, NULL, NULL) AS no_order;
-- f or m unknown: only rules without such a bound apply
SELECT segment(5, NULL, 1) IS NULL AS f_unknown, segment(5, 1, NULL) AS m_not_needed, segment(5, 5, NULL) IS NULL AS m_needed;
SELECT segment(6, 1, 1);
SELECT segment(1, 0, 1);
SELECT segment(1, 1, -2147483648);
SELECT segment(4, 1, 1, 'klaviyo');
SELECT segment(NULL, 9, NULL);
-- Facts
SELECT segment(5, 1, 1, facts => '[1]');
SELECT segment(5, 1, 1, facts => 'null');
SELECT segment(5, 1, 1, facts => '{"tenure_days": {"a": 400}}'), segment(5, 1, 1, facts => '{"tenure_days": [400]}'),
       segment(5, 1, 1, facts => '{"tenure_days": true}'), segment(5, 1, 1, facts => '{"TENURE_DAYS": 400}');
SELECT segment(5, 1, 1, facts => '{"tenure_days": 365.000000000000000000001}'), segment(5, 1, 1, facts => '{"tenure_days": 1e300}');

-- Names: letter case and quotes as in SQL
SELECT segment(5, 5, 5, 'Essential'), segment(5, 5, 5, '"essential"'), segment(5, 5, 5, 'scoring.essential'), segment(5, 5, 5, ' essential ');
SELECT segment(5, 5, 5, 'nope');
SELECT segment(5, 5, 5, '"Essential"');
SELECT segment(5, 5, 5, '');
SELECT segment(5, 5, 5, 'a.b.c');
SELECT segment(5, 5, 5, 'a b');
SELECT segment(5, 5, 5, '"');
SELECT segment(5, 5, 5, 'no_such_schema.map');
SELECT segment(5, 5, 5, 'pg_catalog.map');
SELECT segment(5, 5, 5, 'essential''; DROP TABLE segment_map; --');
SELECT check_segment_map(NULL);
SELECT check_segment_map('nope');
-- Several maps in one query; the map of a row
SELECT map, segment(2, 2, 2, map) FROM segment_map ORDER BY map;
-- Nothing of it goes by search_path
CREATE SCHEMA decoy;
CREATE TABLE decoy.segment_map AS SELECT map, version, 3 AS bins, description FROM segment_map;
CREATE TABLE decoy.segment_rule AS SELECT map, position, 'decoy'::text AS segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions FROM segment_rule;
CREATE TABLE decoy.segment_label AS SELECT * FROM segment_label;
CREATE FUNCTION decoy.true_for_ints(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR decoy.>= (LEFTARG = int, RIGHTARG = int, FUNCTION = decoy.true_for_ints);
SET search_path = decoy, pg_catalog;
SELECT scoring.segment(1, 5, 5);
SELECT format('SELECT r, %s AS segment FROM generate_series(1, 5) AS r, (VALUES (5)) AS f (f), (VALUES (5)) AS m (m)',
              scoring.segment_case('essential', '{r,f,m}')) \gexec
RESET search_path;
DROP SCHEMA decoy CASCADE;

-- A map of ours, to try conditions on. Its answers are the three truth values.
CREATE SCHEMA "Test maps";
SELECT create_segment_map('"Test maps"."try me"');
INSERT INTO "Test maps".segment_rule (map, position, segment) VALUES
  ('try me', 1, 'true'), ('try me', 2, 'false'), ('try me', 3, 'unknown');
CREATE PROCEDURE try(condition jsonb) LANGUAGE sql AS $$
  UPDATE "Test maps".segment_rule
  SET conditions = CASE position WHEN 1 THEN condition ELSE jsonb_build_object('not', condition) END
  WHERE position <= 2
$$;

-- Against SQL's own comparisons, logic and collation "C".
CREATE TABLE sample (i int, n numeric, x float8, s text, b boolean, d date, attributes jsonb);
INSERT INTO sample VALUES
  (1, 1, 1, 'a', true, '2025-01-31', '{"channel": "web", "age": 30, "vip": true}'),
  (2, 2.5, 2.5, 'b', false, '2025-02-01', '{"channel": "shop", "age": 30.5, "vip": false}'),
  (-3, -0.5, 0.1::float8 + 0.2, 'A', NULL, NULL, '{"channel": null}'),
  (2147483647, 9007199254740993, 9007199254740992, 'é', true, '1999-12-31', '{"age": "30"}'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (0, 0.000000000000000000001, 1e-300, '', false, '2025-10-01', '{}'),
  (365, 100000000000000000000, -1e300, 'it''s "x" \ y', true, '2024-02-29', '[1]'),
  (10, 0.30, 0.3, '10', false, '2025-01-30', '{"channel": "WEB", "age": 29}');
CREATE TABLE cases (condition jsonb, sql text);
INSERT INTO cases
SELECT jsonb_build_object('column', c, 'op', op, 'value', v), format('%s %s %s', c, op, v)
FROM unnest('{i,n,x}'::text[]) AS c, unnest('{=,<>,<,<=,>,>=}'::text[]) AS op,
     unnest('{0,1,2.5,2.50,-0.5,0.3,365,2147483647,1e20,1e300,9007199254740992}'::numeric[]) AS v;
INSERT INTO cases
SELECT jsonb_build_object('column', 's', 'op', op, 'value', v), format('s COLLATE "C" %s %L', op, v)
FROM unnest('{=,<>,<,<=,>,>=}'::text[]) AS op, unnest(ARRAY['', 'A', 'a', 'é', '10', 'it''s "x" \ y']) AS v;
INSERT INTO cases VALUES
  ('{"column": "b", "op": "=", "value": true}', 'b = true'),
  ('{"column": "b", "op": "<>", "value": true}', 'b <> true'),
  ('{"column": "b", "op": "in", "value": [false]}', 'b IN (false)'),
  ('{"column": "d", "op": ">=", "value": "2025-01-31"}', 'd >= date ''2025-01-31'''),
  ('{"column": "d", "op": "between", "value": ["2024-02-29", "2025-01-30"]}', 'd BETWEEN date ''2024-02-29'' AND date ''2025-01-30'''),
  ('{"column": "i", "op": "between", "value": [1, 10]}', 'i BETWEEN 1 AND 10'),
  ('{"column": "i", "op": "between", "value": [10, 1]}', 'i BETWEEN 10 AND 1'),
  ('{"column": "x", "op": "between", "value": [-0.5, 2.5]}', 'x BETWEEN -0.5 AND 2.5'),
  ('{"column": "s", "op": "between", "value": ["A", "a"]}', 's COLLATE "C" BETWEEN ''A'' AND ''a'''),
  ('{"column": "i", "op": "in", "value": [1, 365, -3]}', 'i IN (1, 365, -3)'),
  ('{"column": "n", "op": "in", "value": [2.50, 1e20]}', 'n IN (2.5, 1e20)'),
  ('{"column": "s", "op": "in", "value": ["a", "é"]}', 's IN (''a'', ''é'')'),
  -- a comparison between types is unknown: as if with NULL
  ('{"column": "i", "op": "in", "value": [1, "x", true]}', 'i IN (1, NULL)'),
  ('{"column": "s", "op": "in", "value": [10, "10", false]}', 's IN (''10'', NULL)'),
  ('{"column": "b", "op": "in", "value": ["t", true, 1]}', 'b IN (true, NULL)'),
  ('{"column": "i", "op": "=", "value": "1"}', 'NULL'),
  ('{"column": "missing", "op": "=", "value": 1}', 'NULL'),
  ('{"not": {"column": "missing", "op": "<>", "value": 1}}', 'NULL'),
  -- logic
  ('{"and": [{"column": "i", "op": ">", "value": 0}, {"column": "b", "op": "=", "value": true}]}', 'i > 0 AND b'),
  ('{"or": [{"column": "i", "op": ">", "value": 0}, {"column": "b", "op": "=", "value": true}]}', 'i > 0 OR b'),
  ('{"or": [{"column": "missing", "op": "=", "value": 0}, {"column": "i", "op": "=", "value": 1}]}', 'NULL OR i = 1'),
  ('{"and": [{"column": "missing", "op": "=", "value": 0}, {"column": "i", "op": "=", "value": 1}]}', 'NULL AND i = 1'),
  ('{"not": {"and": [{"or": [{"column": "i", "op": "<", "value": 1}, {"not": {"column": "b", "op": "=", "value": true}}]}, {"column": "x", "op": "<", "value": 2}]}}',
   'NOT ((i < 1 OR NOT b) AND x < 2)'),
  ('{"and": [{"column": "i", "op": ">", "value": 0}]}', 'i > 0'),
  -- the scores, which facts can't replace; r, f, m are 2, 3, 2 here
  ('{"column": "r_score", "op": "=", "value": 2}', 'true'),
  ('{"column": "f_score", "op": "between", "value": [1, 2.5]}', 'false'),
  ('{"column": "fm_score", "op": "=", "value": 2.5}', 'true'),
  ('{"column": "fm_score", "op": ">", "value": 2.49999999999999999999}', 'true'),
  ('{"column": "fm_score", "op": "in", "value": [2, 3]}', 'false'),
  ('{"column": "m_score", "op": "=", "value": "2"}', 'NULL'),
  ('{"and": [{"column": "m_score", "op": "<", "value": 3}, {"column": "i", "op": "=", "value": 1}]}', 'i = 1'),
  -- attributes.NAME is a key of the object attributes
  ('{"column": "attributes.channel", "op": "=", "value": "web"}', 'attributes ->> ''channel'' = ''web'''),
  ('{"column": "attributes.channel", "op": ">", "value": "a"}', 'attributes ->> ''channel'' COLLATE "C" > ''a'''),
  ('{"column": "attributes.age", "op": ">=", "value": 30}', 'CASE WHEN jsonb_typeof(attributes -> ''age'') = ''number'' THEN (attributes ->> ''age'')::numeric >= 30 END'),
  ('{"column": "attributes.vip", "op": "=", "value": true}', '(attributes ->> ''vip'')::boolean'),
  -- text of SQL is text
  ('{"column": "s", "op": "=", "value": "'') OR true; DROP TABLE sample; --"}', 's = ''x y z'''),
  ('{"column": "\"; DROP TABLE sample; --", "op": "=", "value": 1}', 'NULL');

DO $$
DECLARE
  one record;
  expected text[]; got text[]; absent text[]; by_case text[];
  columns text[] := '{r,s.f,"s.\"M\"",i,s.n,s.x,s.s,s.b,s.d,s.attributes}';
  source text := '(SELECT 2 AS r, 3 AS f, 2 AS "M", sample.* FROM sample) AS s';
BEGIN
  FOR one IN SELECT * FROM cases LOOP
    CALL try(one.condition);
    EXECUTE format('SELECT array_agg(coalesce((%s)::text, ''unknown'') ORDER BY i, n) FROM sample', one.sql) INTO expected;
    SELECT array_agg(segment(2, 3, 2, '"Test maps"."try me"', to_jsonb(t) || '{"r_score": 5, "fm_score": 1}') ORDER BY i, n),
           array_agg(segment(2, 3, 2, '"Test maps"."try me"', jsonb_strip_nulls(to_jsonb(t))) ORDER BY i, n)
      INTO got, absent FROM sample AS t;
    IF got <> expected OR absent <> expected THEN
      RAISE WARNING '%: segment gives % and %, SQL %', one.condition, got, absent, expected;
    END IF;
    EXECUTE format('SELECT array_agg(%s ORDER BY i, n) FROM %s',
                   segment_case('"Test maps"."try me"', columns), source) INTO by_case;
    IF by_case <> expected THEN
      RAISE WARNING '%: segment_case gives %, SQL %', one.condition, by_case, expected;
    END IF;
  END LOOP;
END $$;
SELECT count(*) AS conditions_compared FROM cases;
-- a number is compared with the column as it is: text is refused by SQL
CALL try('{"column": "s", "op": ">", "value": 1}');
SELECT segment(2, 3, 2, '"Test maps"."try me"', '{"s": "2"}');
DO $$ BEGIN
  EXECUTE format('SELECT %s FROM (SELECT 1 AS r, 1 AS f, 1 AS m, s FROM sample) AS t', segment_case('"Test maps"."try me"', '{r,f,m,s}'));
EXCEPTION WHEN undefined_function THEN
  RAISE WARNING '%', SQLERRM;
END $$;

-- The closed grammar: everything else is an error that says what and where.
CREATE TABLE malformed (condition jsonb);
INSERT INTO malformed VALUES
  ('{}'), ('{"column": "a", "op": "="}'), ('{"column": "a", "op": "=", "value": 1, "more": 1}'),
  ('{"column": "a", "op": "like", "value": "x%"}'), ('{"column": "a", "op": "= 1; DROP TABLE sample; -- and a long text that goes on", "value": 1}'),
  ('{"column": "a", "op": 1, "value": 1}'), ('{"column": 1, "op": "=", "value": 1}'), ('{"column": "", "op": "=", "value": 1}'),
  ('{"column": "a", "op": "=", "value": null}'), ('{"column": "a", "op": "=", "value": [1]}'), ('{"column": "a", "op": "=", "value": {"x": 1}}'),
  ('{"column": "a", "op": "<", "value": true}'), ('{"column": "a", "op": "between", "value": [false, true]}'),
  ('{"column": "a", "op": "between", "value": [1]}'), ('{"column": "a", "op": "between", "value": [1, "x"]}'),
  ('{"column": "a", "op": "between", "value": 1}'), ('{"column": "a", "op": "between", "value": {"from": 1}}'),
  ('{"column": "a", "op": "in", "value": []}'), ('{"column": "a", "op": "in", "value": "x"}'),
  ('{"column": "a", "op": "in", "value": [1, null]}'), ('{"column": "a", "op": "in", "value": [[1]]}'),
  ('{"and": []}'), ('{"and": {}}'), ('{"and": [1]}'), ('{"and": [[]]}'), ('{"and": null}'), ('{"or": "x"}'),
  ('{"not": []}'), ('{"not": true}'), ('{"not": {"sql": "true"}}'), ('{"sql": "true"}'), ('{"AND": [{"column": "a", "op": "=", "value": 1}]}'),
  ('{"and": [{"column": "a", "op": "=", "value": 1}], "or": [{"column": "a", "op": "=", "value": 1}]}'),
  (jsonb_build_object('column', 'a', 'op', 'in', 'value', (SELECT jsonb_agg(i) FROM generate_series(1, 10001) AS i))),
  ((repeat('{"not": ', 100) || '{"column": "a", "op": "=", "value": 1}' || repeat('}', 100))::jsonb),
  ((repeat('{"and": [', 1000) || '{"column": "a", "op": "=", "value": 1}' || repeat(']}', 1000))::jsonb);
CREATE FUNCTION tried(condition jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  message text; listed text;
BEGIN
  UPDATE "Test maps".segment_rule SET conditions = condition WHERE position = 1;
  SELECT problem INTO listed FROM check_segment_map('"Test maps"."try me"') WHERE problem LIKE 'malformed%';
  BEGIN
    PERFORM segment(1, 1, 1, '"Test maps"."try me"');
    RETURN 'accepted';
  EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
  END;
  IF replace(listed, 'malformed condition: position 1,', 'segment_map "Test maps"."try me", position 1:') <> message THEN
    RETURN format('check lists %s, segment raises %s', listed, message);
  END IF;
  RETURN message;
END $$;
SELECT left(condition::text, 50) AS condition, regexp_replace(tried(condition), '^segment_map "Test maps"."try me", position 1: ', '...') AS problem FROM malformed;
-- a JSON null or a scalar is no condition either
SELECT tried('null'), tried('"true"'), tried('[]');
-- what is just allowed
SELECT tried((repeat('{"not": ', 99) || '{"column": "i", "op": "=", "value": 1}' || repeat('}', 99))::jsonb);
SELECT segment(1, 1, 1, '"Test maps"."try me"', '{"i": 2}'), segment(1, 1, 1, '"Test maps"."try me"', '{"i": 1}');
SELECT tried(jsonb_build_object('column', 'i', 'op', 'in', 'value', (SELECT jsonb_agg(i) FROM generate_series(1, 10000) AS i)));
SELECT segment(1, 1, 1, '"Test maps"."try me"', '{"i": 10000}'), length(segment_case('"Test maps"."try me"', '{r,f,m,i}')) > 50000 AS long;

-- segment_case: columns
SELECT segment_case('essential', '{r,f}');
SELECT segment_case('essential', '{r,f,NULL}');
SELECT segment_case('essential', '{{r,f,m}}');
SELECT segment_case('essential', '{r,f,"m + 1"}');
-- longer than any name can be: refused before it is taken apart
SELECT segment_case('standard', ARRAY['r', 'f', repeat('"', 1000)]);
SELECT segment_case('essential', '{r,f,m,a.tenure_days,b.tenure_days}');
SELECT segment_case('standard', '{r,f,m,a.tenure_days,b.tenure_days}') LIKE 'CASE%' AS not_needed;
SELECT segment_case(NULL, '{r,f,m}') IS NULL AS no_map, segment_case('essential', NULL) IS NULL AS no_columns;
SELECT segment_case('klaviyo', ARRAY['x', 'T."F score"', '"it''s; \ "" quoted"']);

-- The data a call site has seen: changes within and between the statements of
-- one transaction, and of a plpgsql function that evaluates one expression.
CREATE FUNCTION seen(changes boolean[], roll_back boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text := ''; change boolean;
BEGIN
  FOREACH change IN ARRAY changes LOOP
    BEGIN
      IF change THEN
        UPDATE "Test maps".segment_rule SET segment = segment || '+' WHERE position = 3;
      END IF;
      result := concat_ws(' ', result, segment(1, 1, 1, '"Test maps"."try me"'));
      IF roll_back THEN
        RAISE SQLSTATE 'ZZ000';
      END IF;
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
      NULL;
    END;
  END LOOP;
  RETURN result;
END $$;
UPDATE "Test maps".segment_rule SET conditions = '{"column": "i", "op": "=", "value": 1}' WHERE position = 1;
UPDATE "Test maps".segment_rule SET conditions = '{"column": "i", "op": "=", "value": 2}' WHERE position = 2;
SELECT seen('{f,t,f,t}');
SELECT seen('{f,t,f,t,f}', roll_back => true);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT seen('{f,t,f,t,f}', roll_back => true);
SAVEPOINT a;
UPDATE "Test maps".segment_rule SET segment = 'changed' WHERE position = 3;
SELECT segment(1, 1, 1, '"Test maps"."try me"');
ROLLBACK TO a;
SELECT segment(1, 1, 1, '"Test maps"."try me"');
ROLLBACK;
-- a procedure that commits
CREATE PROCEDURE committing(INOUT result text) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..4 LOOP
    IF i % 2 = 0 THEN
      UPDATE "Test maps".segment_rule SET segment = i::text WHERE position = 3;
    END IF;
    result := concat_ws(' ', result, segment(1, 1, 1, '"Test maps"."try me"'));
    IF i = 2 THEN ROLLBACK; ELSE COMMIT; END IF;
  END LOOP;
END $$;
CALL committing('');
-- a statement that changes the map reads it as it was
UPDATE "Test maps".segment_rule SET segment = segment(1, 1, 1, '"Test maps"."try me"') || '!' WHERE position = 3 RETURNING segment;

-- One read for a query, however many rows: scans of the tables, before and after.
BEGIN;
SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE scans AS
SELECT relid, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) AS before
FROM pg_stat_xact_user_tables WHERE schemaname = 'Test maps';
SELECT count(segment(1, 1, 1, '"Test maps"."try me"')) FROM generate_series(1, 100000);
SELECT relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) - before AS scans
FROM pg_stat_xact_user_tables JOIN scans USING (relid) ORDER BY relname;
ROLLBACK;

-- Parallel workers
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
CREATE TABLE many AS SELECT i, 1 + i % 5 AS r, 1 + i / 5 % 5 AS f, 1 + i / 25 % 5 AS m FROM generate_series(1, 20000) AS i;
ALTER TABLE many SET (parallel_workers = 2);
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF, VERBOSE) ' || query;
END $$;
SELECT bool_or(line ~ 'Gather') AND bool_or(line ~ '^ +Output: segment') AS in_workers
FROM plan_of('SELECT segment(r, f, m, ''"Test maps"."try me"'', jsonb_build_object(''i'', i % 3)), count(*) FROM many GROUP BY 1') AS line;
SELECT segment(r, f, m, '"Test maps"."try me"', jsonb_build_object('i', i % 3)), count(*) FROM many GROUP BY 1 ORDER BY 2, 1;
SELECT segment(r, f, m), count(*) FROM many GROUP BY 1 ORDER BY 1;
ROLLBACK;

DROP SCHEMA "Test maps" CASCADE;
DROP TABLE sample, cases, malformed;
DROP FUNCTION tried, seen;
DROP PROCEDURE try, committing;
