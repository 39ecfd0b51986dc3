-- The levels that the views of a model are made of.
SET client_min_messages = warning;
SET jit = off;
SET datestyle = ISO;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

-- Templates: every name is filled once, what is filled in is not looked into, and
-- a name that is not given, not asked for or without a value is an error.
SELECT _fill('SELECT {a}, ''{}'', ''{1,2}'', {b} FROM {a}{', 'a', '{b}{a}', 'b', 'x {c} y');
SELECT _fill('plain', VARIADIC '{}'), _fill('{a}', 'a', ''), _fill('', VARIADIC '{}');
SELECT attempt.said FROM (VALUES ($$_fill('{a} {c}', 'a', 'x')$$), ($$_fill('{a}', 'a', NULL)$$), ($$_fill('{a}', 'a', 'x', 'b', 'y')$$), ($$_fill('{a}', 'a')$$)) AS v (call),
  LATERAL (SELECT refused(call) AS said) AS attempt;

-- rfm_facts and rfm_scores against the functions that they are made of
CREATE TEMP TABLE h AS
SELECT i, CASE WHEN i % 40 = 0 THEN '{}'::history ELSE
  (SELECT sum(history(date '2024-01-01' + (i * 37 + k * k * 11) % 700, ((i * 31 + k * 7) % 500 - 20) / 4.0)) FROM generate_series(0, i % 9) AS k) END AS history
  FROM generate_series(1, 500) AS i;
SELECT count(*) AS rows, count(*) FILTER (WHERE (f.last_order_on, f.recency_days, f.frequency, f.monetary, f.mean_value, f.scored_value, f.tenure_days, f.silence_ratio)
    IS DISTINCT FROM (last_day(history, d), recency(history, d), CASE WHEN active THEN active_days(history, d, w)::bigint ELSE frequency(history, d, w) END,
      monetary(history, d, w), mean_value(history, d, w), CASE WHEN mean THEN mean_value(history, d, w)::float8 ELSE monetary(history, d, w)::float8 END,
      tenure(history, d), silence_ratio(history, d))) AS different, count(f.recency_days) > 3000 AS ordered
  FROM h, (VALUES (date '2024-06-30'), ('2025-12-31'), (NULL)) AS y (d), (VALUES (NULL::int), (90)) AS x (w), (VALUES (true), (false)) AS a (active), (VALUES (true), (false)) AS m (mean),
  LATERAL rfm_facts(history, d, w, active, mean) AS f;
SELECT * FROM rfm_facts('{2025-01-03:1:19.90,2025-02-11:2:45.00}', '2025-06-30');
SELECT count(*) AS rows, count(*) FILTER (WHERE (s.r_score, s.f_score, s.m_score) IS DISTINCT FROM (score(r, rt, false),
    CASE WHEN r IS NULL THEN NULL WHEN f = 0 THEN 1 ELSE score(f, ft) END, CASE WHEN r IS NULL THEN NULL WHEN f = 0 THEN 1 ELSE score(v, mt) END)) AS different,
    count(s.r_score) AS r, count(s.f_score) AS f, count(s.m_score) AS m
  FROM (VALUES (0), (30), (400), (NULL)) AS a (r), (VALUES (0::bigint), (1), (7)) AS b (f), (VALUES (-3::float8), (0), (99.5), (NULL)) AS c (v),
    (VALUES ('{30,90}'::float8[]), (NULL)) AS d (rt), (VALUES ('{1,4}'::float8[]), (NULL)) AS e (ft), (VALUES ('{0,50}'::float8[]), (NULL)) AS g (mt),
  LATERAL rfm_scores(r, f, v, rt, ft, mt) AS s;

CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; plan text := '';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF, VERBOSE) ' || query LOOP plan := plan || line || E'\n'; END LOOP;
  RETURN plan;
END $$;
-- Nothing of them is left in a plan, and of what nobody reads nothing either.
SELECT plan ~ 'Function Scan|rfm_' AS called, plan ~ 'Nested Loop|Subquery' AS level, plan ~ 'silence_ratio' AS unread
  FROM pg_temp.plan('SELECT h.i, s.r_score, f.monetary FROM h CROSS JOIN LATERAL rfm_facts(h.history, ''2025-12-31'') AS f'
    ' CROSS JOIN LATERAL rfm_scores(f.recency_days, f.frequency, f.scored_value, ''{30,90}'', ''{1,4}'', ''{0,50}'') AS s') AS plan;
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', customers => 'people', attributes => '{city}');
SELECT plan ~ 'rfm_facts|rfm_scores|_at\(' AS called FROM pg_temp.plan('TABLE m.customer_scores') AS plan;
-- ... nor of the private functions in those that use them
SELECT proname FROM pg_proc WHERE pronamespace = 'm'::regnamespace AND proname ~ '^_(question|scores|shown)_at$' AND
  (proconfig IS NOT NULL OR prosecdef OR provolatile <> 's' OR prolang <> (SELECT oid FROM pg_language WHERE lanname = 'sql') OR proisstrict);
SELECT plan ~ 'Function Scan' AS called FROM pg_temp.plan($$SELECT * FROM m._scores_at('2025-12-31', NULL, true, scoring._caller_for('m'))$$) AS plan;
-- The same rows from the views and from the functions, which stand on other levels.
SELECT count(*) AS rows, count(*) FILTER (WHERE s.* IS DISTINCT FROM a.*) AS different FROM m._scores AS s FULL JOIN m._scores_at(NULL, NULL, true, _caller_for('m')) AS a USING (customer_key);

-- alter_model makes what has changed, and leaves the rest as it is.
CREATE VIEW pg_temp.made AS
SELECT c.relname::text AS name, w.oid, w.xmin::text AS written FROM pg_class AS c JOIN pg_rewrite AS w ON w.ev_class = c.oid WHERE relnamespace = to_regnamespace('m')
UNION ALL SELECT proname || '()', oid, xmin::text FROM pg_proc WHERE pronamespace = to_regnamespace('m');
CREATE FUNCTION pg_temp.changed(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  CREATE TEMP TABLE was AS TABLE pg_temp.made;
  EXECUTE 'SELECT count(*) FROM ' || change;
  SELECT string_agg(name, ' ' ORDER BY name COLLATE "C") INTO result FROM pg_temp.made AS m FULL JOIN was AS w USING (name) WHERE m.oid IS DISTINCT FROM w.oid OR m.written IS DISTINCT FROM w.written;
  DROP TABLE was;
  RETURN result;
END $$;
SELECT pg_temp.changed($$alter_model('m', weights => '{2,1,1}')$$);
SELECT pg_temp.changed($$alter_model('m', change_days => 30, as_of => '2025-11-30', monetary => 'mean', window_days => 365)$$);
-- ... and nobody waits who reads the rest
BEGIN;
SELECT count(*) > 0 AS done FROM alter_model('m', bins => 3, segment_map => 'klaviyo');
SELECT string_agg(DISTINCT c.relname, ' ' ORDER BY c.relname) AS locked FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation WHERE l.mode = 'AccessExclusiveLock' AND c.relkind = 'v' AND c.relnamespace = 'm'::regnamespace;
ROLLBACK;
BEGIN;
SELECT count(*) > 0 AS done FROM alter_model('m', weights => '{1,1,2}');
SELECT string_agg(DISTINCT c.relname, ' ' ORDER BY c.relname) AS locked FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation WHERE l.mode = 'AccessExclusiveLock' AND c.relkind = 'v' AND c.relnamespace = 'm'::regnamespace;
ROLLBACK;
SELECT pg_temp.changed($$alter_model('m', language => 'fr')$$);
SELECT pg_temp.changed($$alter_model('m', attributes => '{city,visits}')$$);
SELECT pg_temp.changed($$calibrate_model('m')$$);
SELECT pg_temp.changed($$alter_model('m', version => 1)$$) ~ 'attribute_summary' AS attributes_back;
-- What somebody has changed by hand is made again.
CREATE OR REPLACE VIEW m.segments WITH (security_barrier) AS
SELECT s.segment::text, s.role::text, s.label, s.description, s.action, s.display_order AS segment_order, '#000000' COLLATE "C" AS segment_color FROM m.segment_label AS s;
SELECT pg_temp.changed($$alter_model('m', weights => '{1,2,1}')$$);
SELECT count(DISTINCT segment_color) > 1 AS colors FROM m.segments;
-- What is missing too, with what stands on it.
DROP VIEW m._question CASCADE;
SELECT string_agg(DISTINCT split_part(object, ' ', 1), ' ') AS lost FROM (SELECT unnest(objects) AS object FROM m.configuration WHERE valid_until IS NULL EXCEPT SELECT unnest(_model_objects('m'))) AS o;
SELECT item FROM alter_model('m') WHERE item ~ '^made';
SELECT count(*) > 0 AS scores FROM m.customer_scores_at('2025-10-31') JOIN m.customer_scores USING (customer_key);
SELECT count(*) FROM drop_model('m');
