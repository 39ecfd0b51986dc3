-- Forms of the types history and stream_histories that have been tampered with: text, binary, and the
-- serialised states of aggregates. Either a form is accepted and is exactly
-- what comes out again, or the error has class 22 (54: a limit) and (for the type) its
-- message names it. Prints TAP.
--
-- psql variables: module (path of test_module), mutants (per value and kind), whole (whether
-- every length and every flipped bit has a turn)

SET search_path = scoring, public;
SET statement_timeout = '300s';
SET client_min_messages = warning;

CREATE FUNCTION test_receive(bytes bytea, type regtype) RETURNS bytea AS :'module' LANGUAGE c STRICT;
CREATE FUNCTION test_deserialize(bytes bytea, aggregate regprocedure) RETURNS bytea AS :'module' LANGUAGE c STRICT;

-- A number below n that depends on the seed alone.
CREATE FUNCTION draw(seed text, n bigint) RETURNS int LANGUAGE sql IMMUTABLE AS
  $$ SELECT ((hashtextextended(seed, 0) % n + n) % n)::int $$;

CREATE TABLE sample AS SELECT row_number() OVER () AS id, h::history FROM (VALUES
  ('{}'), ('{2025-01-03:1:19.90}'), ('{2025-01-03:1:19.90,2025-02-11:2:45.00}'), ('{2025-01-03:1:0,2025-01-04:1:0,2025-01-05:1:7}'),
  ('{2025-01-03:-1:-19.90}'), ('{2025-01-03:0:-5,2025-06-01:1:0}'), ('{2025-01-03:-7:0.123456789}'), ('{2025-01-03:3:0.1234}'),
  ('{0044-03-15 BC:1:1,5874897-12-31:1:1}'), ('{2025-01-03:1:92233720368547758.07}'), ('{2025-01-03:1:-92233720368547758.07}'),
  ('{2025-01-03:2147483647:1,2025-01-04:300:70000.5}')) v(h);
INSERT INTO sample SELECT 100, history_agg(date '2025-01-01' + i * i % 700, (i * 7919 % 100000) / 100.0) FROM generate_series(1, 60) i;
INSERT INTO sample SELECT 101, history_agg(date '2000-01-01' + i, i % 3) FROM generate_series(1, 40) i;

-- The same of stream_histories: nothing, clicks whose totals are left out, orders, what was taken back, the first and last keys, many entries
CREATE TABLE stream_sample AS SELECT row_number() OVER () AS id, s::stream_histories FROM (VALUES
  ('{}'), ('{1/0={2025-01-03:1:1}}'), ('{1/3={2025-01-03:1:1,2025-01-04:2:2,2025-02-11:1:1}}'), ('{1/3={2025-01-03:1:19.90,2025-02-11:2:45.00}}'),
  ('{1/0={2025-01-03:1:1},1/1={2025-01-03:1:0},2/0={2025-01-03:-1:-1}}'), ('{1/0={2025-01-03:1:1},255/1023={5874897-12-31:1:1}}'),
  ('{7/9={2025-01-03:1:92233720368547758.07},7/10={2025-01-03:0:-5,2025-06-01:1:0}}')) v(s);
INSERT INTO stream_sample SELECT 100, stream_histories_agg(1 + i % 3, i % 7, history(date '2025-01-01' + i * i % 700, CASE WHEN i % 3 = 0 THEN 1 ELSE (i * 7919 % 100000) / 100.0 END)) FROM generate_series(1, 40) i;

CREATE UNLOGGED TABLE result (kind text, ok boolean, accepted boolean, detail text);

CREATE FUNCTION mutate_text(literal text, seed text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  alphabet constant text := E'0123456789{}:,-+. BCeEinfinityNa\t\n_x\\''"é';
  at int;
  c text;
BEGIN
  FOR i IN 0 .. draw(seed || 'times', 3) LOOP
    at := draw(seed || i || 'at', length(literal) + 1);
    c := substr(alphabet, 1 + draw(seed || i || 'c', length(alphabet)), 1);
    literal := CASE draw(seed || i || 'how', 6)
      WHEN 0 THEN left(literal, at) || c || substr(literal, at + 1)
      WHEN 1 THEN left(literal, at) || substr(literal, at + 2)
      WHEN 2 THEN left(literal, at) || c || substr(literal, at + 2)
      WHEN 3 THEN left(literal, at)
      WHEN 4 THEN left(literal, at) || substr(literal, greatest(1, at - 8))
      ELSE left(literal, at) || repeat(c, 1 + draw(seed || i || 'n', 40)) || substr(literal, at + 1)
    END;
  END LOOP;
  RETURN literal;
END $$;

CREATE FUNCTION try_text(type text, literal text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  same boolean;
BEGIN
  EXECUTE format('SELECT v::text::%1$s = v AND %1$s_send(v::text::%1$s) = %1$s_send(v) FROM (SELECT $1::%1$s OFFSET 0) AS x(v)', type) INTO same USING literal;
  INSERT INTO result VALUES (type || ': text', same, true, literal);
EXCEPTION WHEN OTHERS THEN
  INSERT INTO result VALUES (type || ': text', sqlstate LIKE '22%' AND sqlerrm ~ ('history|' || type), false, format('%s: %s %s', left(literal, 200), sqlstate, sqlerrm));
END $$;

CREATE FUNCTION try_binary(type regtype, kind text, bytes bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  again bytea;
BEGIN
  again := test_receive(bytes, type);
  INSERT INTO result VALUES (type || ': binary, ' || kind, again = bytes, true, CASE WHEN again <> bytes THEN format('%s became %s', bytes, again) END);
EXCEPTION WHEN OTHERS THEN
  INSERT INTO result VALUES (type || ': binary, ' || kind, sqlstate LIKE '22%' AND sqlerrm ~ ('history|' || type::text), false, format('%s: %s %s', left(bytes::text, 200), sqlstate, sqlerrm));
END $$;

CREATE FUNCTION try_state(aggregate regprocedure, bytes bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  again bytea;
  same boolean;
BEGIN
  again := test_deserialize(bytes, aggregate);
  same := test_deserialize(again, aggregate) = again;
  INSERT INTO result VALUES ('state of ' || aggregate, same, true, CASE WHEN NOT same THEN format('%s became %s', bytes, again) END);
EXCEPTION WHEN OTHERS THEN
  INSERT INTO result VALUES ('state of ' || aggregate, sqlstate ~ '^(22|54)', false, format('%s: %s %s', left(bytes::text, 200), sqlstate, sqlerrm));
END $$;

-- One byte string spoilt in a way that the seed decides.
CREATE FUNCTION mutate_bytes(bytes bytea, other bytea, seed text) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
  at int := draw(seed || 'at', length(bytes) + 1);
  cut int := draw(seed || 'cut', length(other) + 1);
  noise bytea := substr(sha256(convert_to(seed, 'UTF8')), 1, 1 + draw(seed || 'n', 12));
BEGIN
  RETURN CASE draw(seed || 'how', 5)
    WHEN 0 THEN substr(bytes, 1, at) || substr(other, cut + 1)
    WHEN 1 THEN substr(bytes, 1, at) || noise || substr(bytes, at + 1)
    WHEN 2 THEN substr(bytes, 1, at) || noise || substr(bytes, at + 1 + length(noise))
    WHEN 3 THEN substr(bytes, 1, at) || substr(bytes, at + 2)
    ELSE substr(bytes, 1, at) || substr(bytes, greatest(1, at - 3))
  END;
END $$;

\o /dev/null
CREATE TABLE form AS
  SELECT 'history'::regtype AS type, id, h::text AS literal, history_send(h) AS bytes FROM sample
  UNION ALL SELECT 'stream_histories', id, s::text, stream_histories_send(s) FROM stream_sample;
SELECT try_text(type::text, mutate_text(literal, id || '/' || i)) FROM form, generate_series(1, :mutants) i WHERE length(literal) < 4000;
SELECT try_binary(type, 'unchanged', bytes) FROM form;
\if :whole
SELECT try_binary(type, 'truncated', substr(bytes, 1, n)) FROM form, generate_series(0, length(bytes) - 1) n;
SELECT try_binary(type, 'one bit flipped', set_bit(bytes, i, 1 - get_bit(bytes, i))) FROM form, generate_series(0, 8 * length(bytes) - 1) i;
\endif
SELECT try_binary(s.type, 'spliced', mutate_bytes(s.bytes, o.bytes, s.id || '/' || i))
  FROM form s CROSS JOIN generate_series(1, :mutants) i
  JOIN form o ON o.type = s.type AND o.id = 1 + draw(s.id || '+' || i, CASE s.type WHEN 'history'::regtype THEN 12 ELSE 7 END);
\o

-- Aggregates that hand states to other processes. Valid states come from an
-- aggregate with the same transition function that ends by serialising.
CREATE TABLE state (aggregate regprocedure, bytes bytea);
DO $$
DECLARE
  a record;
  arguments text;
BEGIN
  FOR a IN SELECT aggfnoid::regprocedure AS aggregate, aggtransfn, aggserialfn, proargtypes::oid[] AS types
             FROM pg_aggregate JOIN pg_proc p ON p.oid = aggfnoid
             JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
             JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'customer_scoring'
            WHERE aggdeserialfn <> 0
              -- all forms of these two have one state: the one with the most arguments stands for them
              AND NOT (proname IN ('kmeans_fit', 'choose_k') AND pronargs < 6) LOOP
    EXECUTE format('CREATE AGGREGATE serialized(%s) (sfunc = %s, stype = internal, finalfunc = %s)',
                   (SELECT string_agg(format_type(t, NULL), ', ') FROM unnest(a.types) t), a.aggtransfn, a.aggserialfn);
    arguments := (SELECT string_agg(CASE format_type(t, NULL) WHEN 'date' THEN 'date ''2025-01-01'' + (i * 37 % 400)::int'
                                                              WHEN 'boolean' THEN 'i % 5 > 0'
                                                              WHEN 'integer' THEN '5'
                                                              WHEN 'text' THEN '''x'''
                                                              WHEN '_categories' THEN 'ROW(NULL, ''{a,b,other}'', ''{1024,1025,2049}'', ''{2,0,1}'', ''{10,10,1}'', ''{0.5,0.25,0.25}'')::_categories'
                                                              WHEN 'double precision[]' THEN 'ARRAY[(i * 7919 % 1000) / 8.0, i % 3]'
                                                              WHEN 'history' THEN 'history(date ''2025-01-01'' + (i * 37 % 400)::int, (i * 7919 % 1000 - n) / 8.0)'
                                                              WHEN 'stream_histories' THEN 'format(''{1/%s={2025-01-0%s:1:%s},2/%s={2025-02-03:1:1}}'', i % 3, 1 + i % 9, (i * 7919 % 1000 - n) / 8.0, i % 2)::stream_histories'
                                                              WHEN 'double precision' THEN '(i * 7919 % 1000) / 8.0'
                                                              ELSE '((i * 7919 % 1000 - n) / 8.0)::' || format_type(t, NULL) END, ', ' ORDER BY o)
                    FROM unnest(a.types) WITH ORDINALITY u(t, o));
    -- what counts and ages must be
    IF a.aggregate::text ~ '^stream_histories_agg' THEN
      arguments := '1 + i % 2, i % 3, history(date ''2025-01-01'' + (i * 37 % 400)::int, CASE WHEN i % 2 = 0 THEN 1 ELSE (i * 7919 % 1000 - n) / 8.0 END)';
    ELSIF a.aggregate::text ~ '^btyd_fit' THEN
      arguments := '''bgnbd'', i % 3, CASE WHEN i % 3 > 0 THEN 3 + i % 2 ELSE 0 END, 10 + i % 2' || repeat(', 1', cardinality(a.types) - 4);
      IF 'double precision[]'::regtype = ANY (a.types) THEN
        arguments := regexp_replace(arguments, '(, 1){2}', ', 1, ARRAY[i % 5, i % 3 / 2.0]');
      ELSIF cardinality(a.types) IN (6, 8) THEN
        arguments := regexp_replace(replace(arguments, 'bgnbd', 'mbgcnbd'), '(, 1){2}', ', 1, (i % 3) / 5.0');
      END IF;
    ELSIF a.aggregate::text ~ '^choose_family' THEN
      arguments := 'history(date ''2025-01-01'' + (i * 37 % 400)::int, 1) + history(date ''2025-03-01'' + (i * 37 % 400)::int, 1), ''2025-09-30'', ''2025-12-31''';
    ELSIF a.aggregate::text ~ '^_cohort_sums' THEN
      arguments := replace(arguments, '''x''', '''month''');
    ELSIF a.aggregate::text ~ '^contract_fit' THEN
      arguments := '1 + i % 7, i % 5 > 0';
    ELSIF a.aggregate::text ~ '^choose_ridge' THEN
      arguments := 'i % 5 > 0, ARRAY[(i * 7919 % 1000) / 8.0, i % 3], 1, ''{0,1.5}'', 2';
    ELSIF a.aggregate::text ~ '^delong' THEN
      arguments := CASE cardinality(a.types) WHEN 3 THEN '(i * 104729 % 100) / 8.0, ' ELSE '' END || '(i * 7919 % 1000) / 8.0, i % 5 > 0';
    ELSIF a.aggregate::text ~ '^spend_fit' THEN
      arguments := '1 + i % 2, 5 + i % 3' || repeat(', 1', cardinality(a.types) - 2);
    ELSIF a.aggregate::text ~ '^logit_(fit|covariance)' THEN
      arguments := array_to_string((ARRAY['i % 5 > 0', 'ARRAY[(i * 7919 % 1000) / 8.0, i % 3]', '1', CASE WHEN a.aggregate::text ~ 'text' THEN '''drop_aliased,firth''' ELSE '0.5' END])[1:cardinality(a.types)], ', ');
    ELSIF a.aggregate::text ~ '^(nps|csat|ces|stars)' THEN
      arguments := '1 + i % 5';
    ELSIF a.aggregate::text ~ '^(kmeans_fit|choose_k|_cluster_fit)' THEN
      arguments := 'ARRAY[(i * 7919 % 1000) / 8.0, i % 3], '
        || array_to_string((CASE WHEN a.aggregate::text ~ '^(kmeans|_cluster)_fit' THEN ARRAY['2'] ELSE ARRAY['2', '3'] END || ARRAY['7', '''{zscore}''', '3'])[1:cardinality(a.types) - 1], ', ');
    ELSIF a.aggregate::text ~ '^(auc|lift|score_curve|calibration_bins|brier_score|log_loss)' THEN
      arguments := '(i * 7919 % 1000) / 1000.0, i % 5 > 0' || CASE cardinality(a.types) WHEN 3 THEN CASE WHEN a.aggregate::text ~ '^lift' THEN ', 0.5' ELSE ', 5' END ELSE '' END;
    END IF;
    EXECUTE format('INSERT INTO state SELECT %L, serialized(%s) FROM unnest(ARRAY[1, 2, 5, 40]) n, generate_series(1, n) i GROUP BY n',
                   a.aggregate, arguments);
    EXECUTE format('DROP AGGREGATE serialized(%s)', (SELECT string_agg(format_type(t, NULL), ', ') FROM unnest(a.types) t));
  END LOOP;
END $$;
\o /dev/null
SELECT try_state(aggregate, bytes) FROM state;
\if :whole
SELECT try_state(aggregate, substr(bytes, 1, n)) FROM state, generate_series(0, length(bytes) - 1) n;
-- (The rows of a long state are alike: each bit of the first of them, each seventh of the others. Two aggregates
-- have the states of others, and fit many times over them.)
SELECT try_state(aggregate, set_bit(bytes, i, 1 - get_bit(bytes, i))) FROM state, generate_series(0, 8 * length(bytes) - 1) i
 WHERE CASE WHEN aggregate::text ~ '^(btyd_fit_bootstrap|spend_fit_bootstrap|choose_)' THEN i % 29 = 0 ELSE i < 1024 OR i % 7 = 0 END;
\endif
SELECT try_state(s.aggregate, mutate_bytes(s.bytes, o.bytes, s.aggregate || s.bytes::text || i))
  FROM state s JOIN state o USING (aggregate), generate_series(1, :mutants / 4) i;
\o

\pset format unaligned
\pset tuples_only on
SELECT format('%s %s - %s: %s accepted, %s refused, %s wrong%s',
              CASE WHEN bool_and(ok) THEN 'ok' ELSE 'not ok' END, row_number() OVER (ORDER BY kind), kind,
              count(*) FILTER (WHERE accepted), count(*) FILTER (WHERE NOT accepted), count(*) FILTER (WHERE NOT ok),
              string_agg(E'\n#   ' || left(detail, 600), '' ORDER BY length(detail), detail) FILTER (WHERE NOT ok AND example <= 5))
  FROM (SELECT *, row_number() OVER (PARTITION BY kind, ok ORDER BY length(detail), detail) AS example FROM result) r
 GROUP BY kind ORDER BY kind;
SELECT format('%s %s - unchanged values are accepted', CASE WHEN bool_and(accepted) THEN 'ok' ELSE 'not ok' END, count(DISTINCT kind) + 100)
  FROM result WHERE kind ~ ': binary, unchanged$';
SELECT format('# %s forms', count(*)) FROM result;
