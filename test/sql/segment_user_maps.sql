-- Maps of one's own: made, copied, edited, checked; rights; what they are in
-- the catalog, so that a dump keeps them.
SET client_min_messages = warning;
-- Thousands of tiny statements, foreign key checks among them.
SET jit = off;
\set SHOW_CONTEXT never
CREATE ROLE regress_segment_author;
CREATE ROLE regress_segment_reader;
CREATE SCHEMA crm;
CREATE SCHEMA "My ""Shop""";
GRANT CREATE, USAGE ON SCHEMA crm TO regress_segment_author;
GRANT USAGE ON SCHEMA scoring TO regress_segment_author;

-- Names that can't be made
SELECT create_segment_map(NULL);
SELECT create_segment_map('winter');
SELECT create_segment_map('a.b.c');
SELECT create_segment_map('');
SELECT create_segment_map('no such schema.winter');
SELECT create_segment_map('nowhere.winter');
SELECT create_segment_map('scoring.winter');
SELECT create_segment_map('pg_catalog.winter');
SELECT create_segment_map('pg_temp.winter');
SELECT create_segment_map('crm.' || repeat('x', 64));
SELECT create_segment_map('crm.winter', 'nope');
SELECT create_segment_map('crm.winter', 'crm.nope');
SELECT create_segment_map('crm.winter', 'a.b.c');
SELECT count(*) AS tables_made FROM pg_class WHERE relnamespace = 'crm'::regnamespace;

-- An author without special rights makes a copy and changes it
SET ROLE regress_segment_author;
SELECT create_segment_map('crm.winter', copy_of => 'essential');
SELECT create_segment_map('crm.winter', copy_of => 'essential');
SELECT create_segment_map(name => 'crm.Summer', copy_of => 'crm.winter');
SELECT create_segment_map('crm."it''s ""quoted"""', 'shopify_names');
SELECT create_segment_map('crm.empty');
SELECT map, version, bins, description FROM crm.segment_map ORDER BY map;
SELECT map, (SELECT count(*) FROM crm.segment_rule AS r WHERE r.map = m.map) AS rules,
       (SELECT count(*) FROM crm.segment_label AS l WHERE l.map = m.map) AS labels,
       (SELECT count(*) FILTER (WHERE problem NOT LIKE 'refinement%') FROM check_segment_map('crm.' || quote_ident(map))) AS problems
FROM crm.segment_map AS m ORDER BY map;
SELECT count(*) AS different
FROM generate_series(1, 5) AS r, generate_series(1, 5) AS f, generate_series(1, 5) AS m,
     (VALUES ('crm.winter', 'essential'), ('CRM.SUMMER', 'essential'), ('crm."it''s ""quoted"""', 'shopify_names')) AS v (ours, theirs)
WHERE segment(r, f, m, ours, '{"tenure_days": 400}') IS DISTINCT FROM segment(r, f, m, theirs, '{"tenure_days": 400}');
SELECT segment(1, 1, 1, 'crm.empty') IS NULL AS hole, segment(NULL, 1, 1, 'crm.empty') IS NULL AS no_prospect;
SELECT segment_case('crm.empty', '{r,f,m}');
SELECT segment(1, 1, 1, 'crm.autumn');
UPDATE crm.segment_rule SET f_min = 5 WHERE map = 'winter' AND segment = 'vip';
UPDATE crm.segment_map SET version = version + 1 WHERE map = 'winter';
SELECT segment(5, 5, 5, 'crm.winter') AS f5, segment(5, 4, 5, 'crm.winter') IS NULL AS f4_is_a_hole, segment(5, 4, 5) AS shipped;
-- deleting and renaming a map takes its rules and labels along
UPDATE crm.segment_map SET map = 'spring' WHERE map = 'summer';
DELETE FROM crm.segment_map WHERE map LIKE '%quoted%';
SELECT map, count(*) FROM crm.segment_rule GROUP BY map ORDER BY map;
SELECT segment(5, 1, 1, 'crm.spring');

-- What the tables refuse
DO $$
DECLARE
  statement text; caught text;
BEGIN
  FOREACH statement IN ARRAY ARRAY[
    'INSERT INTO crm.segment_map (map) VALUES ('''')',
    'INSERT INTO crm.segment_map (map, bins) VALUES (''x'', 1)',
    'INSERT INTO crm.segment_map (map, bins) VALUES (''x'', 21)',
    'INSERT INTO crm.segment_map (map, version) VALUES (''x'', 0)',
    'INSERT INTO crm.segment_rule (map, position, segment) VALUES (''empty'', 1, '''')',
    'INSERT INTO crm.segment_rule (map, position, segment, r_min) VALUES (''empty'', 1, ''a'', 0)',
    'INSERT INTO crm.segment_rule (map, position, segment, f_max) VALUES (''empty'', 1, ''a'', 21)',
    'INSERT INTO crm.segment_rule (map, position, segment, m_min) VALUES (''empty'', 1, ''a'', 21)',
    'INSERT INTO crm.segment_rule (map, position, segment, m_min, m_max) VALUES (''empty'', 1, ''a'', 3, 2)',
    'INSERT INTO crm.segment_label (map, segment, language, role, label) VALUES (''empty'', ''a'', ''en'', ''best'', ''A'')',
    'INSERT INTO crm.segment_label (map, segment, language, role, label) VALUES (''empty'', ''a'', ''English'', ''vip'', ''A'')',
    'INSERT INTO crm.segment_label (map, segment, language, role, label) VALUES (''empty'', ''a'', ''en'', ''vip'', '''')',
    'INSERT INTO crm.segment_label (map, segment, language, role, label, color) VALUES (''empty'', ''a'', ''en'', ''vip'', ''A'', ''red'')'] LOOP
    caught := NULL;
    BEGIN
      EXECUTE statement;
    EXCEPTION WHEN check_violation THEN
      GET STACKED DIAGNOSTICS caught = CONSTRAINT_NAME;
    END;
    RAISE INFO '%', coalesce(caught, 'not refused: ' || statement);
  END LOOP;
END $$;
INSERT INTO crm.segment_rule (map, position, segment) VALUES ('nope', 1, 'a');
INSERT INTO crm.segment_rule (map, position, segment) VALUES ('winter', 10, 'a');

-- Everything that can be wrong with a map, in one
SELECT create_segment_map('crm.broken');
UPDATE crm.segment_map SET bins = 3 WHERE map = 'broken';
INSERT INTO crm.segment_rule (map, position, segment, r_min, r_max, f_min, f_max, m_min, m_max, conditions) VALUES
  ('broken', 1, 'refined', 2, 3, 1, 1, NULL, NULL, '{"column": "tenure_days", "op": ">", "value": 365}'),
  ('broken', 2, 'malformed', NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "tenure_days", "op": "~", "value": 365}'),
  ('broken', 3, 'odd', 3, 3, NULL, NULL, NULL, NULL, '{"or": [{"column": "shoe_size", "op": ">", "value": 42}, {"column": "attributes.shoe_size", "op": ">", "value": 42}]}'),
  ('broken', 4, 'typed', 3, 3, NULL, NULL, NULL, NULL, '{"and": [{"column": "tenure_days", "op": "=", "value": "x"}, {"column": "last_order_on", "op": "<", "value": 5}]}'),
  ('broken', 10, 'good', 2, 3, NULL, NULL, NULL, NULL, NULL),
  ('broken', 20, 'also good', 3, 3, 3, 3, 3, 3, NULL),
  ('broken', 30, 'outside', 4, 5, NULL, NULL, NULL, NULL, NULL),
  ('broken', 40, 'late', 2, 2, NULL, NULL, NULL, NULL, '{"column": "frequency", "op": ">", "value": 3}'),
  ('broken', 50, 'low', 1, 1, NULL, NULL, 1, 2, NULL),
  ('broken', 60, 'folded', 1, 1, NULL, NULL, NULL, NULL, '{"column": "fm_score", "op": "<=", "value": 2}');
INSERT INTO crm.segment_label (map, segment, language, role, label, display_order) VALUES
  ('broken', 'good', 'en', 'vip', 'Good', 1), ('broken', 'good', 'fr', 'regular', 'Bons', 1),
  ('broken', 'low', 'en', 'lapsed', 'Low', 2), ('broken', 'late', 'fr', 'new', 'Tard', 3),
  ('broken', 'nobody', 'en', 'other', 'Nobody', 4), ('broken', 'nobody', 'fr', 'other', 'Personne', 4),
  ('broken', 'outside', 'en', 'prospect', 'Outside', 5), ('broken', 'no order', 'en', 'prospect', 'No order', 6);
SELECT * FROM check_segment_map('crm.broken');
SELECT segment(1, 1, 1, 'crm.broken');

-- A last rule without bounds is what everything else is: no overlap, no hole
SELECT create_segment_map('crm.rest');
INSERT INTO crm.segment_rule (map, position, segment, r_min) VALUES ('rest', 1, 'active', 3), ('rest', 2, 'rest', NULL);
INSERT INTO crm.segment_label (map, segment, language, role, label) VALUES ('rest', 'active', 'de', 'regular', 'Aktive'), ('rest', 'rest', 'de', 'other', 'Rest');
SELECT * FROM check_segment_map('crm.rest');
SELECT segment_case('crm.rest', '{r,f,m}');
SELECT r, segment(r, NULL, NULL, 'crm.rest') FROM (VALUES (NULL), (2), (3)) AS v (r);
-- two bins
SELECT create_segment_map('crm.two');
UPDATE crm.segment_map SET bins = 2 WHERE map = 'two';
INSERT INTO crm.segment_rule (map, position, segment, r_min, f_min, m_max) VALUES ('two', 1, 'a', 2, 2, 1);
INSERT INTO crm.segment_label (map, segment, language, role, label) VALUES ('two', 'a', 'en', 'other', 'A');
SELECT problem, count(*), min(r) AS r, min(f) AS f, min(m) AS m FROM check_segment_map('crm.two') GROUP BY problem;
-- segment names of any kind come out as they went in, in the CASE too
SELECT create_segment_map('crm.names');
INSERT INTO crm.segment_rule (map, position, segment, r_min, r_max) VALUES
  ('names', 1, 'it''s', 1, 1), ('names', 2, E'back\\slash', 2, 2), ('names', 3, 'é "x"', 3, 3), ('names', 4, ''' OR true --', 4, 4), ('names', 5, E'new\nline', 5, 5);
SELECT format('SELECT count(*) AS same FROM generate_series(1, 5) AS r, (VALUES (1, 1)) AS v (f, m) WHERE segment(r, f, m, ''crm.names'') = %s',
              segment_case('crm.names', '{r,f,m}')) AS statement \gset
:statement;
SET standard_conforming_strings = off;
SET escape_string_warning = off;
:statement;
RESET standard_conforming_strings;
RESET ROLE;

-- Rights: a user's map is read with the caller's, a shipped one by everyone
CREATE VIEW public.shipped_view AS SELECT segment(5, 5, 5), (check_segment_map('essential')).problem, length(segment_case('standard', '{r,f,m}')) > 0 AS printed;
CREATE VIEW public.crm_view AS SELECT segment(5, 5, 5, 'crm.winter');
GRANT SELECT ON public.shipped_view, public.crm_view TO regress_segment_reader;
SELECT has_schema_privilege('regress_segment_reader', 'scoring', 'USAGE') AS reader_may_use_scoring;
SET ROLE regress_segment_reader;
SELECT * FROM public.shipped_view;
SELECT current_user;
\set VERBOSITY terse
SELECT segment FROM public.crm_view;
RESET ROLE;
GRANT USAGE ON SCHEMA crm TO regress_segment_reader;
SET ROLE regress_segment_reader;
SELECT segment FROM public.crm_view;
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA crm TO regress_segment_reader;
SET ROLE regress_segment_reader;
SELECT segment FROM public.crm_view;
UPDATE crm.segment_map SET bins = 5;
RESET ROLE;
GRANT USAGE ON SCHEMA scoring TO regress_segment_reader;
SET ROLE regress_segment_reader;
SELECT segment(5, 5, 5, 'crm.winter'), segment(1, 1, 1);
SELECT create_segment_map('crm.mine');
INSERT INTO scoring.segment_map (map) VALUES ('mine');
DELETE FROM scoring.segment_rule;
RESET ROLE;
DROP VIEW public.shipped_view, public.crm_view;

\set VERBOSITY default

-- Schema and map names with quotes and capitals
SELECT create_segment_map('"My ""Shop"""."Winter ''26"', 'klaviyo');
SELECT segment(3, 3, 3, '"My ""Shop"""."Winter ''26"');
SELECT count(*) AS problems FROM check_segment_map('"My ""Shop"""."Winter ''26"');
SELECT segment(3, 3, 3, '"My ""Shop""".winter');

-- Tables made by hand, of other types: what matters are the columns' names
CREATE SCHEMA by_hand;
CREATE TABLE by_hand.segment_map AS SELECT 'm'::varchar AS map, 2::smallint AS bins;
CREATE TABLE by_hand.segment_rule (map varchar, position bigint, segment varchar, r_min smallint, r_max bigint, f_min int, f_max int, m_min int, m_max int, conditions json);
INSERT INTO by_hand.segment_rule (map, position, segment, r_min, conditions) VALUES ('m', 2, 'old', NULL, NULL), ('m', 1, 'recent', 2, '{"column": "x", "op": "=", "value": 1}');
SELECT segment(2, 1, 1, 'by_hand.m');
CREATE TABLE by_hand.segment_label (map text, segment text, role text, display_order int);
SELECT segment(2, 1, 1, 'by_hand.m', '{"x": 1}'), segment(2, 1, 1, 'by_hand.m');
INSERT INTO by_hand.segment_rule (map, position, segment) VALUES ('m', 3, NULL);
SELECT segment(2, 1, 1, 'by_hand.m');
UPDATE by_hand.segment_map SET bins = 100;
SELECT segment(2, 1, 1, 'by_hand.m');
ALTER TABLE by_hand.segment_rule DROP COLUMN f_max;
UPDATE by_hand.segment_map SET bins = 2;
\set VERBOSITY terse
SELECT segment(2, 1, 1, 'by_hand.m');
\set VERBOSITY default
-- What runs something when it is read is no map
ALTER TABLE by_hand.segment_rule ADD COLUMN f_max int;
DELETE FROM by_hand.segment_rule WHERE segment IS NULL;
CREATE DOMAIN by_hand.name AS text;
ALTER TABLE by_hand.segment_label ALTER segment TYPE by_hand.name;
SELECT segment(2, 1, 1, 'by_hand.m');
ALTER TABLE by_hand.segment_label ALTER segment TYPE name;
SELECT segment(2, 1, 1, 'by_hand.m', '{"x": 1}');
ALTER TABLE by_hand.segment_label ENABLE ROW LEVEL SECURITY;
SELECT * FROM check_segment_map('by_hand.m');
DROP TABLE by_hand.segment_label;
CREATE VIEW by_hand.segment_label AS SELECT map, segment, 'other' AS role, 1 AS display_order FROM by_hand.segment_rule;
SELECT segment_case('by_hand.m', '{r,f,m,x}');
-- Long names are cut, and what a map compares is counted
INSERT INTO crm.segment_rule (map, position, segment, conditions)
SELECT 'winter', 900 + i, 'vip', jsonb_build_object('column', repeat('é', 5000), 'op', '=', 'value', i) FROM generate_series(1, 2) AS i;
SELECT regexp_replace(problem, 'é+', length(substring(problem from 'é+'))::text) AS problem FROM check_segment_map('crm.winter') WHERE problem ~ 'é';
DELETE FROM crm.segment_rule WHERE position > 900;
INSERT INTO crm.segment_rule (map, position, segment, conditions)
SELECT 'winter', 900 + i, 'vip', jsonb_build_object('column', 'x', 'op', 'in', 'value', (SELECT jsonb_agg(n) FROM generate_series(1, 6001) AS n)) FROM generate_series(1, 2) AS i;
SELECT segment(1, 1, 1, 'crm.winter');
SELECT problem FROM check_segment_map('crm.winter') WHERE problem ~ 'constants';
DELETE FROM crm.segment_rule WHERE position > 900;

-- Twenty bins, and more rules than a map may have
CREATE SCHEMA large;
CREATE TABLE large.segment_map AS SELECT 'twenty' AS map, 20 AS bins;
CREATE TABLE large.segment_rule AS
SELECT 'twenty' AS map, 20 * r + f AS position, concat(r, '-', f) AS segment, r AS r_min, r AS r_max,
       f AS f_min, f AS f_max, 1 AS m_min, 20 AS m_max, NULL::jsonb AS conditions
FROM generate_series(1, 20) AS r, generate_series(1, 20) AS f;
CREATE TABLE large.segment_label AS
SELECT map, segment, 'en' AS language, 'other' AS role, segment AS label, 1 AS display_order, NULL AS color FROM large.segment_rule;
SELECT count(*) AS problems FROM check_segment_map('large.twenty');
SELECT count(*) AS cells, count(*) FILTER (WHERE segment(r, f, m, 'large.twenty') <> concat(r, '-', f)) AS different
FROM generate_series(1, 20) AS r, generate_series(1, 20) AS f, generate_series(1, 20) AS m;
SELECT segment(21, 1, 1, 'large.twenty');
INSERT INTO large.segment_rule (map, position, segment) SELECT 'twenty', 1000 + i, 'more' FROM generate_series(1, 601) AS i;
SELECT segment(1, 1, 1, 'large.twenty');

-- What a dump meets: the tables belong to the author, not to the extension;
-- their columns, constraints and comments are those of the shipped ones.
SELECT c.relname, r.rolname AS owner,
       EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND refclassid = 'pg_extension'::regclass) AS of_extension
FROM pg_class AS c JOIN pg_roles AS r ON r.oid = relowner
WHERE relnamespace = 'crm'::regnamespace AND relkind = 'r' ORDER BY relname;
CREATE TEMP VIEW shape AS
SELECT nspname, relname, format('column %s %s %s %s %s %s %s', attnum, attname, format_type(atttypid, atttypmod), attnotnull,
         attidentity, pg_get_expr(adbin, adrelid), col_description(c.oid, attnum)) AS what
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace JOIN pg_attribute AS a ON attrelid = c.oid AND attnum > 0
LEFT JOIN pg_attrdef AS d ON adrelid = attrelid AND adnum = attnum
WHERE relname IN ('segment_map', 'segment_rule', 'segment_label')
UNION ALL
SELECT nspname, relname, format('constraint %s %s', conname, replace(pg_get_constraintdef(k.oid), nspname || '.', ''))
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace JOIN pg_constraint AS k ON conrelid = c.oid AND contype <> 'n'
WHERE relname IN ('segment_map', 'segment_rule', 'segment_label')
UNION ALL
SELECT nspname, relname, 'comment ' || obj_description(c.oid, 'pg_class')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE relname IN ('segment_map', 'segment_rule', 'segment_label');
(SELECT relname, what FROM shape WHERE nspname = 'scoring' EXCEPT SELECT relname, what FROM shape WHERE nspname = 'crm')
UNION ALL
(SELECT relname, what FROM shape WHERE nspname = 'crm' EXCEPT SELECT relname, what FROM shape WHERE nspname = 'scoring')
ORDER BY relname;
SELECT count(*) > 40 AS compared, count(*) FILTER (WHERE what ~ 'oid|nextval|regclass') AS unportable FROM shape WHERE nspname = 'crm';

DROP VIEW shape;
DROP SCHEMA crm, by_hand, large, "My ""Shop""" CASCADE;
REVOKE ALL ON SCHEMA scoring FROM regress_segment_author, regress_segment_reader;
DROP ROLE regress_segment_author, regress_segment_reader;
