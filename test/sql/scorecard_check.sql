-- Scorecards: the shipped ones, one's own, what is wrong with one; rights and traps.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
CREATE ROLE regress_card_author;
CREATE ROLE regress_card_reader;
CREATE SCHEMA crm;
GRANT CREATE, USAGE ON SCHEMA crm TO regress_card_author;
GRANT USAGE ON SCHEMA scoring TO regress_card_author;

-- Shipped: sound, in both languages, with no-break spaces in French, and read-only
SELECT card, version, (SELECT count(*) FROM scorecard_rule AS r WHERE r.card = c.card) AS rules,
  (SELECT count(DISTINCT band) FROM scorecard_band AS b WHERE b.card = c.card) AS bands,
  (SELECT count(*) FROM check_scorecard(card)) AS problems, description <> '' AS described
FROM scorecard AS c ORDER BY card;
SELECT count(*) AS plain_spaces FROM (SELECT label_fr FROM scorecard_rule UNION ALL SELECT label FROM scorecard_band WHERE language = 'fr') AS l (label)
WHERE label ~ ' [;:!?%]';
SELECT count(*) > 0 AS no_break FROM scorecard_band WHERE language = 'fr' AND label ~ (chr(160) || ':');
SELECT DISTINCT role FROM stream_role ORDER BY role;
SELECT count(*) AS not_as_compared FROM stream_role WHERE name <> _kind_name(name) OR kind_role(upper(replace(name, '_', '-'))) <> role;
SELECT count(*) AS roles_without_their_name FROM stream_role WHERE kind_role(role) IS DISTINCT FROM role;
SELECT DISTINCT role FROM scorecard_rule WHERE role NOT IN (SELECT role FROM stream_role);
SELECT kind, kind_role(kind) FROM unnest(ARRAY['Opened Email', 'CLICKED.EMAIL', E'add \t to-cart', 'Écran', '', NULL, 'unsubscribe']) AS kind;
\set VERBOSITY terse
INSERT INTO scorecard (card) VALUES ('mine');
UPDATE scorecard_rule SET points = 2;
UPDATE scorecard_group SET group_max = 2;
UPDATE scorecard_band SET enter = 2;
INSERT INTO stream_role VALUES ('x', 'open');

-- Names that can't be made
SELECT create_scorecard(NULL);
SELECT create_scorecard('winter');
SELECT create_scorecard('a.b.c');
SELECT create_scorecard('nowhere.winter');
SELECT create_scorecard('scoring.winter');
SELECT create_scorecard('crm.' || repeat('x', 64));
SELECT create_scorecard('crm.winter', 'nope');
SELECT create_scorecard('crm.winter', 'a.b.c');
SELECT check_scorecard(NULL);
SELECT check_scorecard('crm.nope');
SELECT check_scorecard('"');
\set VERBOSITY default
SELECT count(*) AS tables_made FROM pg_class WHERE relnamespace = 'crm'::regnamespace;

-- An author without special rights makes a copy and changes it
SET ROLE regress_card_author;
SELECT create_scorecard('crm.winter', copy_of => 'engagement');
SELECT create_scorecard('crm.winter', copy_of => 'engagement');
SELECT create_scorecard('crm."it''s"', copy_of => 'crm.winter');
SELECT card, version, description FROM crm.scorecard ORDER BY card;
SELECT scorecard_score('crm.winter', '{click}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01') AS copy;
BEGIN;
UPDATE crm.scorecard_rule SET points = 5 WHERE role = 'click' AND card = 'winter';
SELECT scorecard_score('crm.winter', '{click}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01') AS changed,
  scorecard_score('crm."it''s"', '{click}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01') AS other;
ROLLBACK;
DELETE FROM crm.scorecard WHERE card = 'it''s';
SELECT DISTINCT card FROM crm.scorecard_rule;

-- What the tables refuse
DO $$
DECLARE
  statement text; caught text;
BEGIN
  FOREACH statement IN ARRAY ARRAY[
    'INSERT INTO crm.scorecard (card) VALUES ('''')',
    'INSERT INTO crm.scorecard (card, version) VALUES (''x'', 0)',
    'INSERT INTO crm.scorecard (card, max_points) VALUES (''x'', ''NaN'')',
    'INSERT INTO crm.scorecard_rule (card, position, mode, points) VALUES (''winter'', 1, ''often'', 1)',
    'INSERT INTO crm.scorecard_rule (card, position, points) VALUES (''winter'', 1, ''NaN'')',
    'INSERT INTO crm.scorecard_rule (card, position, points) VALUES (''winter'', 1, 1000001)',
    'INSERT INTO crm.scorecard_rule (card, position, points) VALUES (''winter'', 1, 0.0000001)',
    'INSERT INTO crm.scorecard_rule (card, position, points, window_days) VALUES (''winter'', 1, 1, 0)',
    'INSERT INTO crm.scorecard_rule (card, position, points, expires_after_days) VALUES (''winter'', 1, 1, 0)',
    'INSERT INTO crm.scorecard_rule (card, position, points, half_life_days) VALUES (''winter'', 1, 1, 0)',
    'INSERT INTO crm.scorecard_rule (card, position, points, half_life_days) VALUES (''winter'', 1, 1, ''Infinity'')',
    'INSERT INTO crm.scorecard_rule (card, position, points, step_percent) VALUES (''winter'', 1, 1, 101)',
    'INSERT INTO crm.scorecard_rule (card, position, points, rule_max) VALUES (''winter'', 1, 1, ''Infinity'')',
    'INSERT INTO crm.scorecard_group (card, rule_group, group_min) VALUES (''winter'', ''x'', ''NaN'')',
    'INSERT INTO crm.scorecard_band (card, band, language, enter, label) VALUES (''winter'', ''x'', ''en'', 101, ''X'')',
    'INSERT INTO crm.scorecard_band (card, band, language, enter, leave, label) VALUES (''winter'', ''x'', ''en'', 1, -1, ''X'')',
    'INSERT INTO crm.scorecard_band (card, band, language, enter, label) VALUES (''winter'', ''x'', ''English'', 1, ''X'')',
    'INSERT INTO crm.scorecard_band (card, band, language, enter, label, color) VALUES (''winter'', ''x'', ''en'', 1, ''X'', ''red'')'] LOOP
    caught := NULL;
    BEGIN
      EXECUTE statement;
    EXCEPTION WHEN check_violation THEN
      GET STACKED DIAGNOSTICS caught = CONSTRAINT_NAME;
    END;
    RAISE INFO '%', coalesce(caught, 'not refused: ' || statement);
  END LOOP;
END $$;

-- Everything that can be wrong with a card, in one
SELECT create_scorecard('crm.empty');
SELECT * FROM check_scorecard('crm.empty');
SELECT scorecard_score('crm.empty', '{x}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01') IS NULL AS nothing_known;
SELECT create_scorecard('crm.broken');
UPDATE crm.scorecard SET min_points = 100, max_points = 100 WHERE card = 'broken';
INSERT INTO crm.scorecard_rule (card, position, rule_group, stream, role, kind, mode, points, window_days, expires_after_days,
  half_life_days, step_percent, step_days, rule_min, rule_max, conditions, label_en, label_fr) VALUES
  ('broken', 1, NULL, NULL, 'clik', NULL, 'each', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'a', 'b'),
  ('broken', 2, NULL, NULL, 'open', NULL, 'each', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'a', 'b'),
  ('broken', 3, NULL, NULL, 'open', NULL, 'each', 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 'a', 'b'),
  ('broken', 4, NULL, NULL, 'open', NULL, 'each', -1, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'a', 'b'),
  ('broken', 5, NULL, NULL, 'open', 'email click', 'each', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'a', 'b'),
  ('broken', 6, NULL, NULL, NULL, NULL, 'fit', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'a', 'b'),
  ('broken', 7, NULL, NULL, NULL, NULL, 'silence', -1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'a', 'b'),
  ('broken', 8, NULL, NULL, 'open', NULL, 'each', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "x", "op": "=", "value": 1}', 'a', 'b'),
  ('broken', 9, NULL, NULL, 'open', NULL, 'fit', 1, 5, NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "x", "op": "~", "value": 1}', 'a', 'b'),
  ('broken', 10, NULL, NULL, 'open', NULL, 'each', 1, NULL, 5, 5, NULL, NULL, NULL, NULL, NULL, 'a', 'b'),
  ('broken', 11, NULL, NULL, 'open', NULL, 'each', 1, NULL, NULL, 5, 5, 5, NULL, NULL, NULL, 'a', 'b'),
  ('broken', 12, NULL, NULL, 'open', NULL, 'each', 1, NULL, NULL, NULL, 5, NULL, NULL, NULL, NULL, 'a', 'b'),
  ('broken', 13, NULL, NULL, 'open', NULL, 'silence', 1, 3, NULL, 5, NULL, NULL, NULL, NULL, NULL, 'a', 'b'),
  ('broken', 14, NULL, NULL, 'open', NULL, 'each', 1, NULL, NULL, NULL, NULL, NULL, 5, 4, NULL, 'a', 'b'),
  ('broken', 15, NULL, NULL, 'open', NULL, 'each', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL);
INSERT INTO crm.scorecard_group (card, rule_group, group_min, group_max) VALUES ('broken', 'nobody', 3, 2);
INSERT INTO crm.scorecard_band (card, band, language, enter, leave, label, display_order) VALUES
  ('broken', 'top', 'en', 80, 90, 'a', 3), ('broken', 'same', 'en', 50, 10, 'a', 1), ('broken', 'twin', 'en', 50, 40, 'b', 2), ('broken', 'twin', 'fr', 40, 40, 'b', 2);
SELECT * FROM check_scorecard('crm.broken');
\set VERBOSITY terse
SELECT scorecard_score('crm.broken', '{x}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01');
UPDATE crm.scorecard SET max_points = 200 WHERE card = 'broken';
SELECT scorecard_score('crm.broken', '{x}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01');
DELETE FROM crm.scorecard_band WHERE card = 'broken';
SELECT scorecard_fits('crm.broken', '{x}');
DO $$
DECLARE
  p int;
BEGIN
  FOREACH p IN ARRAY '{7,10,11,12,13,14}'::int[] LOOP
    BEGIN
      DELETE FROM crm.scorecard_rule WHERE card = 'broken' AND position <> p;
      PERFORM scorecard_score('crm.broken', '{x}', ARRAY['{2025-01-01:1:0}']::history[], '2025-01-01');
      RAISE INFO 'position % is not refused', p;
    EXCEPTION WHEN invalid_parameter_value THEN
      RAISE INFO '%', SQLERRM;
    END;
  END LOOP;
END $$;
-- a band that the rules never reach
SELECT create_scorecard('crm.low');
INSERT INTO crm.scorecard_rule (card, position, rule_group, kind, mode, points, label_en, label_fr) VALUES ('low', 1, NULL, 'a', 'once', 30, 'a', 'b'), ('low', 2, 'g', 'b', 'each', 30, 'a', 'b');
INSERT INTO crm.scorecard_group (card, rule_group, group_max) VALUES ('low', 'g', 40);
INSERT INTO crm.scorecard_band (card, band, language, enter, label) VALUES ('low', 'low', 'en', 0, 'a'), ('low', 'just', 'en', 70, 'b'), ('low', 'never', 'en', 71, 'b');
SELECT * FROM check_scorecard('crm.low');
-- more rules than a card may have
SELECT create_scorecard('crm.many');
INSERT INTO crm.scorecard_rule (card, position, points) SELECT 'many', i, 1 FROM generate_series(1, 501) AS i;
SELECT scorecard_score('crm.many', '{x}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01');
DELETE FROM crm.scorecard_rule WHERE position = 501;
SELECT scorecard_score('crm.many', '{x}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01'), count(*) FROM scorecard_points('crm.many', '{x}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01');

-- Conditions as SQL: columns, attributes, scores, what is missing
SELECT create_scorecard('crm.fit');
INSERT INTO crm.scorecard_rule (card, position, mode, points, conditions, label_en, label_fr) VALUES
  ('fit', 1, 'fit', 10, '{"column": "size", "op": ">=", "value": 50}', 'a', 'b'),
  ('fit', 2, 'fit', 20, '{"and": [{"column": "attributes.country", "op": "in", "value": ["FR", 3]}, {"not": {"column": "vip", "op": "=", "value": true}}]}', 'a', 'b'),
  ('fit', 3, 'fit', 30, '{"column": "r_score", "op": ">", "value": 3}', 'a', 'b'), ('fit', 4, 'fit', 40, NULL, 'a', 'b');
CREATE TEMP TABLE people (size int, country text, vip boolean, r_score int, attributes jsonb);
INSERT INTO people VALUES (50, 'FR', false, 4, '{"size": 49, "country": 3}'), (49, 'DE', NULL, NULL, '{"size": "50", "vip": false, "country": "FR"}'), (NULL, NULL, NULL, NULL, NULL);
SELECT format('SELECT ARRAY[%s] AS plain, ARRAY[%s] AS attributes, ARRAY[%s] AS both, ARRAY[%s] AS none FROM people',
  array_to_string(scorecard_fits('crm.fit', '{size,country,vip,r_score}'), ', '), array_to_string(scorecard_fits('crm.fit', '{people.attributes}'), ', '),
  array_to_string(scorecard_fits('crm.fit', '{attributes,size}'), ', '), array_to_string(scorecard_fits('crm.fit', '{}'), ', ')) AS statement \gset
:statement;
SELECT scorecard_score('crm.fit', NULL, NULL, '2025-01-01', fits), scorecard_band('qualification', NULL, NULL, '2025-01-01', fits || '{t,f}') AS band
FROM (VALUES ('{t,t,f,NULL}'::boolean[]), ('{f,f,f,f}'), ('{NULL,NULL,NULL,NULL}')) AS v (fits);
SELECT scorecard_fits('engagement', '{x}');
SELECT scorecard_fits('crm.fit', '{{x}}');
SELECT scorecard_fits('crm.fit', '{NULL}');
SELECT scorecard_fits('crm.fit', '{size,size}');
DROP TABLE people;
RESET ROLE;

-- Rights: a user's card is read with the caller's, a shipped one by everyone
CREATE VIEW public.shipped_view AS SELECT scorecard_score('engagement', '{click}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01') AS score, (SELECT count(*) FROM check_scorecard('maturity')) AS problems;
CREATE VIEW public.crm_view AS SELECT scorecard_score('crm.winter', '{click}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01') AS score;
GRANT SELECT ON public.shipped_view, public.crm_view TO regress_card_reader;
SELECT has_schema_privilege('regress_card_reader', 'scoring', 'USAGE') AS reader_may_use_scoring;
SET ROLE regress_card_reader;
SELECT * FROM public.shipped_view;
SELECT current_user;
SELECT * FROM public.crm_view;
RESET ROLE;
GRANT USAGE ON SCHEMA crm TO regress_card_reader;
GRANT SELECT ON crm.scorecard, crm.scorecard_rule, crm.scorecard_group TO regress_card_reader;
SET ROLE regress_card_reader;
SELECT * FROM public.crm_view;
RESET ROLE;
GRANT SELECT ON crm.scorecard_band TO regress_card_reader;
SET ROLE regress_card_reader;
SELECT * FROM public.crm_view;
RESET ROLE;
-- the tables of another role's are written by nobody else
GRANT ALL ON SCHEMA crm TO regress_card_reader;
GRANT USAGE ON SCHEMA scoring TO regress_card_reader;
GRANT ALL ON ALL TABLES IN SCHEMA crm TO regress_card_reader;
SET ROLE regress_card_reader;
SELECT create_scorecard('crm.mine');
RESET ROLE;

-- What runs something when it is read is no card
ALTER TABLE crm.scorecard_rule ENABLE ROW LEVEL SECURITY;
SELECT scorecard_score('crm.winter', '{click}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01');
ALTER TABLE crm.scorecard_rule DISABLE ROW LEVEL SECURITY;
CREATE DOMAIN crm.name AS text;
ALTER TABLE crm.scorecard_band ALTER color TYPE crm.name;
SELECT * FROM check_scorecard('crm.winter');
ALTER TABLE crm.scorecard_band ALTER color TYPE text;
CREATE INDEX ON crm.scorecard (lower(description));
SELECT scorecard_fits('crm.fit', '{x}');
DROP INDEX crm.scorecard_lower_idx;
ALTER TABLE crm.scorecard_group RENAME TO hidden;
CREATE VIEW crm.scorecard_group AS SELECT * FROM crm.hidden;
SELECT _scorecard_program('crm.winter', NULL);
DROP VIEW crm.scorecard_group;
SELECT scorecard_score('crm.winter', '{click}', ARRAY[history '{2025-01-01:1:0}'], '2025-01-01');
ALTER TABLE crm.hidden RENAME TO scorecard_group;
\set VERBOSITY default

-- Their columns, constraints and comments are those of the shipped ones
CREATE TEMP VIEW shape AS
SELECT nspname, relname, format('column %s %s %s %s %s %s', attnum, attname, format_type(atttypid, atttypmod), attnotnull,
         pg_get_expr(adbin, adrelid), col_description(c.oid, attnum)) AS what
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace JOIN pg_attribute AS a ON attrelid = c.oid AND attnum > 0
LEFT JOIN pg_attrdef AS d ON adrelid = attrelid AND adnum = attnum
WHERE relname IN ('scorecard', 'scorecard_rule', 'scorecard_group', 'scorecard_band')
UNION ALL
SELECT nspname, relname, format('constraint %s %s', conname, replace(pg_get_constraintdef(k.oid), nspname || '.', ''))
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace JOIN pg_constraint AS k ON conrelid = c.oid AND contype <> 'n'
WHERE relname IN ('scorecard', 'scorecard_rule', 'scorecard_group', 'scorecard_band')
UNION ALL
SELECT nspname, relname, 'comment ' || obj_description(c.oid, 'pg_class')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE relname IN ('scorecard', 'scorecard_rule', 'scorecard_group', 'scorecard_band');
(SELECT relname, what FROM shape WHERE nspname = 'scoring' EXCEPT SELECT relname, what FROM shape WHERE nspname = 'crm')
UNION ALL
(SELECT relname, what FROM shape WHERE nspname = 'crm' EXCEPT SELECT relname, what FROM shape WHERE nspname = 'scoring')
ORDER BY relname;

DROP VIEW shape, public.shipped_view, public.crm_view;
DROP SCHEMA crm CASCADE;
REVOKE ALL ON SCHEMA scoring FROM regress_card_author, regress_card_reader;
DROP ROLE regress_card_author, regress_card_reader;
