-- Every function of the extension with hostile arguments, generated from
-- pg_proc: the full product of the values below while it is small, a sample
-- with a fixed seed otherwise. A call ends with a value or with an error of
-- class 22, 42, 54 or 0A; never with an internal error, a lost connection or
-- the statement timeout. Prints TAP, one test for each function.
--
-- psql variables: extension, schema (where it is), calls (per function)

SET client_min_messages = warning;
CREATE SCHEMA hostile;
CREATE ROLE hostile_user;
GRANT USAGE ON SCHEMA :"schema" TO hostile_user;
GRANT USAGE, CREATE ON SCHEMA hostile TO hostile_user;
SET SESSION AUTHORIZATION hostile_user;
SET search_path = pg_catalog;
SET statement_timeout = '120s';

-- Expressions by type. The calls add the cast to the type.
CREATE TABLE hostile.value (type text, number serial, expression text);

INSERT INTO hostile.value (type, expression)
SELECT type, unnest(expressions) FROM (VALUES
  ('boolean', ARRAY['NULL', 'true', 'false']),
  ('integer', ARRAY['NULL', '0', '1', '-1', '2', '5', '10', '100', '101', '365', '2147483647', '''-2147483648''']),
  ('bigint', ARRAY['NULL', '0', '1', '-1', '9223372036854775807', '''-9223372036854775808''']),
  ('double precision', ARRAY['NULL', '0', '''-0''', '1', '-1', '0.5', '3', '4.94e-324', '2.2250738585072014e-308', '1e-300',
     '1e308', '-1e308', '1.7976931348623157e308', '''NaN''', '''Infinity''', '''-Infinity''']),
  ('real', ARRAY['NULL', '0', '''-0''', '1', '-1', '0.1', '1e-45', '3.4028235e38', '-3.4028235e38', '''NaN''', '''Infinity''', '''-Infinity''']),
  ('smallint', ARRAY['NULL', '0', '1', '-1', '32767', '''-32768''']),
  ('numeric', ARRAY['NULL', '0', '-0.00', '1', '-1', '19.90', '0.000000001', '0.0000000001', '123456789.123456789',
     '9223372036854775807', '92233720368547758.08', '-9223372036.854775808', '9223372036.854775807', '1e18', '1e19', '1e308',
     '10::numeric ^ 4000', '1e-16000', '''NaN''', '''Infinity''', '''-Infinity''']),
  ('date', ARRAY['NULL', '''2025-01-01''', '''2025-06-30''', '''2000-01-01''', '''1999-12-31''', '''0001-01-01''',
     '''0001-12-31 BC''', '''4714-11-24 BC''', '''5874897-12-31''', '''infinity''', '''-infinity''']),
  ('text', ARRAY['NULL', '''''', '''x''', '''low''', '''mid''', '''essential''', '''standard''', '''hostile.mine''', '''.''',
     '''a.b.c''', '''"a""b".c''', '''o''''reilly; DROP TABLE x; --''', '''%s%n%I''', 'E''\\''', 'E''\n\t\x01''', '''é€𝄞''',
     '''pg_catalog.essential''', '''tenure_days''', '''SELECT 1, date ''''2025-01-01'''', 1.5''', '''hostile.call''', '''total''', '''UTC''', 'repeat(''x'', 64)', 'repeat(''x'', 1000000)', 'repeat(''"'', 1000001)']),
  ('cstring', ARRAY['NULL', '''''', '''{}''', '''{''', '''{2025-01-03:1:19.90,2025-02-11:2:45.00}''', '''{2025-01-03:1:NaN}''',
     '''{2025-01-03:9223372036854775807:92233720368547758.07}''', '''{0044-03-15 BC:1:-1}''', '''{infinity:1:1}''',
     '''{2025-02-30:1:1}''', '''{2025-01-03:1:1,2025-01-03:1:1}''', '''{2025-01-03:1:0.0000000001}''', '''{2025-01-03:-1:-5} ''',
     'repeat(''{'', 100000)', '''{'' || repeat(''2025-01-03:1:1,'', 50000) || ''}''', '''{2025-01-03:'' || repeat(''9'', 5000) || '':1}''']),
  ('bytea', ARRAY['NULL', '''''', '''\x00''', '''\x0101''', '''\xffffffffffffffffffff''']),
  ('jsonb', ARRAY['NULL', '''null''', '''0''', '''""''', '''[]''', '''{}''', '''[1, [2, {"a": null}]]''', '''{"tenure_days": 400}''',
     '''{"tenure_days": "many"}''', '''{"tenure_days": null}''', '''{"tenure_days": 1e400}''', '''{"tenure_days": [1]}''', '''{"": {"": ""}}''',
     '''{"column": "tenure_days", "op": ">", "value": 365}''', 'repeat(''['', 3000) || repeat('']'', 3000)',
     '''{"a": "'' || repeat(''x'', 1000000) || ''"}''', '(SELECT jsonb_object_agg(i, i) FROM generate_series(1, 2000) i)']),
  ('double precision[]', ARRAY['NULL', '''{}''', '''{0}''', '''{1}''', '''{1,2,3}''', '''{30,90,180,365}''', '''{1,1,1}''', '''{3,2,1}''',
     '''{NULL}''', '''{1,NULL,3}''', '''{NaN}''', '''{1,Infinity}''', '''{-Infinity,1}''', '''{-0,0}''', '''{4.94e-324,1e308}''', '''{-1,2}''',
     '''{{1,2},{3,4}}''', '''{{}}''', '''[5:7]={1,2,3}''', 'array_fill(1, ARRAY[100000])', 'array_fill(NULL::float8, ARRAY[100000])',
     'array_fill(0, ARRAY[10, 10, 10])']),
  ('integer[]', ARRAY['NULL', '''{}''', '''{1}''', '''{5,4,3}''', '''{NULL}''', '''{{1,2},{3,4}}''', '''[5:6]={1,2}''', 'array_fill(1, ARRAY[100000])']),
  ('text[]', ARRAY['NULL', '''{}''', '''{r,f,m}''', '''{r_score,f_score,m_score,tenure_days}''', '''{""}''', '''{NULL}''', '''{r,NULL}''', '''{a,a,a}''',
     '''{{a,b},{c,d}}''', 'ARRAY[''x"; DROP TABLE t; --'']', 'ARRAY[repeat(''x'', 1000000)]', 'array_fill(''x''::text, ARRAY[20000])']),
  ('regclass', ARRAY['NULL', '''pg_class''', '0', '4294967295']),
  ('anyelement', ARRAY['NULL::integer', '1::integer', '''x''::text', '''2025-01-01''::date', '''{1}''::integer[]'])
) v(type, expressions);

-- The extension's own type: by its text form, and some large ones.
SELECT EXISTS (SELECT FROM pg_type WHERE typname = 'history' AND typnamespace = :'schema'::regnamespace) AS has_history \gset
\if :has_history
CREATE TABLE hostile.history AS
SELECT :"schema".history_agg(date '2000-01-01' + i, (i % 997) / 100.0) AS years,
       :"schema".history_agg(date '2000-01-01' + i * 5000, i::numeric) AS sparse,
       :"schema".history_agg(date '2025-01-01', 1, i % 3 = 0) AS one_day
  FROM generate_series(1, 20000) i WHERE i <= 400 OR i % 5 > 0;

INSERT INTO hostile.value (type, expression)
SELECT 'history', unnest(ARRAY['NULL', '''{}''', '''{2025-01-03:1:19.90}''', '''{2025-01-03:1:19.90,2025-02-11:2:45.00}''',
  '''{2025-01-03:-1:-19.90}''', '''{2025-01-03:0:-5,2025-06-01:1:0}''', '''{2025-01-03:-7:0.123456789}''',
  '''{4714-11-24 BC:1:1,5874897-12-31:1:1}''', '''{2025-01-03:1:92233720368547758.07}''', '''{2025-01-03:1:-92233720368547758.07}''',
  '''{2025-01-03:2147483647:1}''', '''{2025-01-03:-2147483648:1}''', '''{2025-06-30:4000000000:9223372036.854775807}''',
  '(SELECT years FROM hostile.history)', '(SELECT sparse FROM hostile.history)', '(SELECT one_day FROM hostile.history)']);
INSERT INTO hostile.value (type, expression) VALUES ('caller', 'NULL'), ('caller', :'schema' || '.caller()');
\endif

-- What a literal of ours may refuse is refused here, before it counts as an argument.
CREATE FUNCTION hostile.usable(type text, expression text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT (%s)::%s', expression, type);
  RETURN true;
EXCEPTION WHEN OTHERS THEN
  RETURN false;
END $$;

CREATE TABLE hostile.call (function regprocedure, statement text, outcome text, message text, seconds float8);

-- The k-th call of a function with its first n arguments.
CREATE FUNCTION hostile.statement(f regprocedure, arguments text[], others text[], k int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  p record;
  name text;
  n int := cardinality(arguments);
  columns text;
  over text := (ARRAY['()', '(ORDER BY row_number)', '(PARTITION BY row_number % 2)',
                      '(ORDER BY row_number ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)'])[1 + k / 3 % 4];
  mixed text[] := others;
  rows text;
BEGIN
  SELECT pronamespace::regnamespace::text AS schema, proname, prokind, proretset INTO p FROM pg_proc WHERE oid = f;
  name := format('%s.%I', p.schema, p.proname);
  IF p.prokind = 'f' AND p.proretset THEN
    RETURN format('SELECT count(format(''%%s'', x)) FROM %s(%s) AS x', name, array_to_string(arguments, ', '));
  ELSIF p.prokind = 'f' AND (k % 2 = 0 OR n = 0) THEN
    RETURN format('SELECT format(''%%s'', %s(%s))', name, array_to_string(arguments, ', '));
  END IF;
  columns := (SELECT string_agg('c' || i, ', ') FROM generate_series(1, n) i);
  IF p.prokind = 'f' THEN			-- at run time: no constant folding
    RETURN format('SELECT format(''%%s'', %s(%s)) FROM (SELECT %s OFFSET 0) v(%s)', name, columns,
                  coalesce(array_to_string(arguments, ', '), ''), columns);
  END IF;
  -- Aggregates and window functions over rows that are all equal, differ in the first argument, differ everywhere.
  mixed := CASE k % 3 WHEN 0 THEN arguments WHEN 1 THEN others[1] || arguments[2:] ELSE others END;
  rows := format('(VALUES (1, %1$s), (2, %2$s), (3, %1$s), (4, %2$s)) v(row_number, %3$s)%4$s',
                 array_to_string(arguments, ', '), array_to_string(mixed, ', '), columns,
                 CASE WHEN k % 50 = 49 THEN ' WHERE row_number < 0' ELSE '' END);
  IF p.prokind = 'a' AND k % 2 = 0 THEN
    RETURN format('SELECT format(''%%s'', %s(%s)) FROM %s', name, columns, rows);
  END IF;
  RETURN format('SELECT count(x) FROM (SELECT format(''%%s'', %s(%s) OVER %s) AS x FROM %s) s', name, columns, over, rows);
END $$;

CREATE FUNCTION hostile.attack(f regprocedure, calls int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  p record;
  types text[];
  choices text[];
  first int[];
  counts int[];
  total bigint;
  a text[];
  b text[];
  at bigint;
  statement text;
  state text;
  message text;
  start timestamptz;
  first_start timestamptz := clock_timestamp();
BEGIN
  SELECT pronargs::int AS n, pronargdefaults::int AS defaults INTO p FROM pg_proc WHERE oid = f;
  FOR n IN REVERSE p.n .. p.n - p.defaults LOOP
    types := (SELECT array_agg(format_type(t, NULL) ORDER BY i) FROM pg_proc, unnest(proargtypes) WITH ORDINALITY u(t, i) WHERE oid = f AND i <= n);
    choices := '{}'; first := '{}'; counts := '{}'; total := 1;
    FOR i IN 1 .. n LOOP
      first := first || cardinality(choices);
      IF types[i] IN ('internal', 'trigger') THEN
        choices := choices || 'NULL'::text;
      ELSIF types[i] = 'anyelement' THEN
        choices := choices || ARRAY(SELECT expression FROM hostile.value WHERE type = 'anyelement' ORDER BY number);
      ELSE
        choices := choices || ARRAY(SELECT format('(%s)::%s', expression, types[i]) FROM hostile.value
                                     WHERE type = regexp_replace(types[i], '^.*\.', '') ORDER BY number);
      END IF;
      counts := counts || cardinality(choices) - first[i];
      IF counts[i] = 0 THEN RAISE 'no hostile values for type %', types[i]; END IF;
      total := total * counts[i];
    END LOOP;
    FOR k IN 0 .. least(total, CASE WHEN n = p.n THEN calls ELSE calls / 4 END) - 1 LOOP
      at := CASE WHEN total <= calls THEN k ELSE (hashint8extended(k, 42) % total + total) % total END;
      a := '{}';
      FOR i IN 1 .. n LOOP
        a := a || choices[first[i] + 1 + at % counts[i]];
        at := at / counts[i];
      END LOOP;
      at := (hashint8extended(k, 43) % total + total) % total;
      b := '{}';
      FOR i IN 1 .. n LOOP
        b := b || choices[first[i] + 1 + at % counts[i]];
        at := at / counts[i];
      END LOOP;
      statement := hostile.statement(f, a, b, k);
      start := clock_timestamp();
      message := NULL;
      BEGIN
        EXECUTE statement;
        RAISE EXCEPTION USING errcode = 'HS000';	-- whatever the call did is undone
      EXCEPTION
        WHEN SQLSTATE 'HS000' THEN state := 'value';
        WHEN query_canceled OR OTHERS THEN state := sqlstate; message := left(sqlerrm, 300);
      END;
      INSERT INTO hostile.call VALUES (f, left(statement, 500), state, message, extract(epoch FROM clock_timestamp() - start));
      -- What has been recorded by now is enough to judge a slow function.
      IF state = '57014' OR clock_timestamp() > first_start + interval '60 seconds' THEN RETURN; END IF;
    END LOOP;
  END LOOP;
END $$;

SELECT count(*) - count(*) FILTER (WHERE hostile.usable(CASE WHEN type IN ('history', 'caller') THEN :'schema' || '.' || type ELSE type END, expression)) AS refused
  FROM hostile.value WHERE type NOT IN ('cstring', 'anyelement') \gset
DELETE FROM hostile.value
 WHERE type NOT IN ('cstring', 'anyelement') AND NOT hostile.usable(CASE WHEN type IN ('history', 'caller') THEN :'schema' || '.' || type ELSE type END, expression);

CREATE VIEW hostile.function AS
SELECT p.oid::regprocedure AS function, 'internal'::regtype = ANY (proargtypes::oid[] || prorettype) AS internal
  FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
 WHERE p.prokind IN ('f', 'a', 'w') AND e.extname = :'extension';

\set ON_ERROR_STOP off
\o /dev/null
SELECT format('SELECT hostile.attack(%L, %s)', function, :calls) FROM hostile.function ORDER BY function::text \gexec
\o

\pset format unaligned
\pset tuples_only on
WITH judged AS (
  SELECT f.function, f.internal, c.outcome, c.statement, c.message,
         c.outcome = 'value' OR internal AND c.outcome <> '57014' OR left(c.outcome, 2) IN ('22', '42', '54', '0A') AS fine, c.seconds
    FROM hostile.function f LEFT JOIN hostile.call c USING (function)
), by_function AS (
  SELECT row_number() OVER (ORDER BY function::text) AS n, function, internal,
         count(outcome) AS calls, count(*) FILTER (WHERE outcome = 'value') AS results, count(*) FILTER (WHERE NOT fine) AS bad,
         max(seconds) AS slowest,
         min(format(E'\n#   %s %s\n#   %s', outcome, message, statement)) FILTER (WHERE NOT fine) AS example
    FROM judged GROUP BY function, internal
)
SELECT format('%s %s - %s: %s calls, %s values, %s bad, slowest %s s%s',
              CASE WHEN calls > 0 AND (results > 0 OR internal) AND bad = 0 AND slowest < 10 THEN 'ok' ELSE 'not ok' END,
              n, function, calls, results, bad, round(slowest::numeric, 1), example)
  FROM by_function ORDER BY n;
SELECT format('%s %s - %s calls of %s functions, at least 20000', CASE WHEN count(*) >= 20000 THEN 'ok' ELSE 'not ok' END,
              (SELECT count(*) + 1 FROM hostile.function), count(*), count(DISTINCT function))
  FROM hostile.call;
SELECT format('# %s values, %s errors', count(*) FILTER (WHERE outcome = 'value'), count(*) FILTER (WHERE outcome <> 'value')) FROM hostile.call;
SELECT format('# %s literals refused by their own type', :refused);
