-- Names with every character that SQL, format() or a regular expression makes
-- something of: of the model, its attributes, contacts, tenants, segments, keys.
-- Whatever a model offers must be made, and answer.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA names;
CREATE TABLE names.orders AS
SELECT (ARRAY['50 %', '%1$s', 'it''s', '"q"', E'back\\slash', 'a:b', '$1', '{x}', E'new\nline'])[1 + i % 9] AS "c %s", date '2025-01-01' + i % 300 AS "d ""y""",
       i % 50 + 1 AS "v %", (ARRAY['%', '$$', E'\\:'])[1 + i % 3] AS "t %1$s", 'paid'::text AS "$1"
  FROM generate_series(1, 400) AS i;
CREATE TABLE names.people AS
SELECT DISTINCT o."c %s", o."t %1$s", o."c %s" || '%s' AS "discount %", length(o."c %s") AS "ci""ty%s", o."t %1$s" AS "it's", 'x'::text AS "$1", 1.5 AS "\1",
       true AS "by %1$s mail", false AS "%", '%I'::text AS "attributes %L"
  FROM names.orders AS o;
SELECT create_segment_map('names.odd', copy_of => 'essential');
UPDATE names.segment_label SET label = label || ' %s ''"\ $1', action = '100 % %1$s', description = '%' WHERE map = 'odd';
SELECT count(*) > 20 AS made FROM create_model('na"m''e %s', 'names.orders', customer => 'c %s', day => 'd "y"', value => 'v %', counts => $$"$1" <> '%s\'$$, tenant => 't %1$s',
  customers => 'names.people', customers_key => 'c %s', attributes => ARRAY['discount %', 'ci"ty%s', 'it''s', '$1', '\1', 'attributes %L'], contact => ARRAY['by %1$s mail', '%'],
  segment_map => 'names.odd', as_of => '2025-12-31', retention_days => 3650, prediction => 'mbgnbd', minimum_group_size => 2, live => true, language => 'en');
SELECT count(*) > 10 AS made FROM create_model('%', 'names.orders', customer => 'c %s', day => 'd "y"', value => 'v %',
  customers => 'SELECT DISTINCT ON ("c %s") * FROM names.people', customers_key => 'c %s', attributes => ARRAY['discount %'], as_of => '2025-12-31', event_key => 'v %', currency => '$1');

-- every view, and the functions
CREATE FUNCTION names.views(model text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v record;
  n bigint;
  views bigint := 0;
BEGIN
  FOR v IN SELECT s.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace WHERE s.nspname = model AND c.relkind = 'v' LOOP
    EXECUTE format('SELECT count(v::text) FROM %I.%I AS v', v.nspname, v.relname) INTO n;
    views := views + 1;
  END LOOP;
  RETURN views;
END $$;
SELECT names.views('na"m''e %s') > 20 AS many, names.views('%') > 15 AS others;
SELECT count(*) > 0 AS rows FROM "na""m'e %s".customer_scores_at('2025-06-30');
SELECT count(*) > 0 AS rows FROM "na""m'e %s".segment_transitions('2025-03-31', '2025-12-31');
SELECT count(*) > 0 AS rows FROM "na""m'e %s".segment_history('2025-03-31', '2025-12-31');
SELECT count(*) > 0 AS rows FROM "na""m'e %s".cohort_retention();
SELECT customer_key, tenant, "discount %", "ci""ty%s", "it's", "$1", "\1", "by %1$s mail", "%", "attributes %L" FROM "na""m'e %s".customer_scores ORDER BY 1 LIMIT 4;
SELECT customer_key, "discount %" FROM "%".customer_scores ORDER BY 1;
SELECT count(*) > 5 AS lines FROM explain_score('na"m''e %s', '%:50 %');
SELECT count(*) > 5 AS lines FROM explain_score('%', '50 %', language => 'fr');
SELECT count(*) >= 0 AS lines FROM near_misses('na"m''e %s', 'vip');
SELECT segment_label, action FROM "na""m'e %s".customer_segments ORDER BY customer_key LIMIT 1;

-- live, corrected, checked, exported, erased
INSERT INTO names.orders VALUES ('50 %', '2025-12-30', 7, '%', 'paid');
INSERT INTO names.orders SELECT c, '2025-12-30', 7, t, 'paid' FROM unnest(ARRAY['50 %', '%1$s']) AS c, unnest(ARRAY['%', E'\\:']) AS t;
SELECT status FROM "na""m'e %s".model_status;
SELECT status, differences FROM apply_changes('na"m''e %s');
SELECT problem, customers FROM check_model('na"m''e %s');
SELECT status FROM record_changes('na"m''e %s');
SELECT count(*) > 0 AS done FROM check_quality('na"m''e %s');
SELECT count(*) > 0 AS done FROM check_quality('%');
SELECT count(*) > 0 AS done FROM override_segment('na"m''e %s', '%:50 %', 'vip', reason => '100 % sure');
SELECT count(*) > 0 AS done FROM merge_customers('na"m''e %s', (SELECT min(customer_key) FROM "na""m'e %s".customer_scores WHERE tenant = '%'), (SELECT max(customer_key) FROM "na""m'e %s".customer_scores WHERE tenant = '%'));
SELECT jsonb_typeof(export_customer('na"m''e %s', '%:it''s')) IS NOT NULL AS done;
SELECT count(*) > 0 AS done FROM erasure_report('na"m''e %s', '%:it''s');
SELECT count(*) > 0 AS done FROM calibrate_model('na"m''e %s');
SELECT count(*) > 0 AS done FROM alter_model('na"m''e %s', language => 'fr', attributes => ARRAY['discount %']);
SELECT status FROM refresh_model('na"m''e %s');
SELECT count(*) > 0 AS done FROM forget_customer('na"m''e %s', '%:it''s');
SELECT names.views('na"m''e %s') > 20 AS still;
SELECT item FROM drop_model('na"m''e %s') WHERE item = 'dropped';
SELECT item FROM drop_model('%') WHERE item = 'dropped';
DROP SCHEMA names CASCADE;
