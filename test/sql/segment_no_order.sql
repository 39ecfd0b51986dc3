-- People without an order: rules that speak of them, and those who were
-- refunded, in every way to a segment.
SET client_min_messages = warning;
SET search_path = public, scoring;

-- Who has no order, and why
SELECT h AS history, no_order_reason(h::history, '2025-06-30') AS by_june, no_order_reason(h::history, 'infinity') AS ever
FROM (VALUES ('{}'), ('{2025-01-01:1:10}'), ('{2025-01-01:0:107.5,2025-01-09:0:-107.5}'), ('{2025-01-01:0:107.5,2025-01-09:0:-100}'),
             ('{2025-01-01:0:10,2025-08-01:0:-10}'), ('{2025-01-01:0:-10}'), ('{2025-01-01:0:10}'), ('{2025-01-01:0:10,2025-01-02:0:-10,2025-07-02:1:5}'),
             ('{2025-07-02:0:10,2025-07-03:0:-10}'), ('{2025-01-01:1:0}')) AS v (h);
SELECT no_order_reason(NULL, '2025-06-30') IS NULL AS a, no_order_reason('{}', NULL) IS NULL AS b;

-- In every shipped map those who were refunded have a segment of their own,
-- in two languages, and never that of the prospects.
SELECT m.map, segment(NULL, NULL, NULL, m.map) AS no_order, segment(NULL, 1, 1, m.map, '{"score_reason": "no_order"}') AS no_order_either,
       segment(NULL, NULL, NULL, m.map, '{"score_reason": "all_refunded"}') AS refunded,
       (SELECT string_agg(concat_ws(', ', l.role, l.label, l.action), ' | ' ORDER BY l.language) FROM segment_label AS l
         WHERE l.map = m.map AND l.segment = segment(NULL, NULL, NULL, m.map, '{"score_reason": "all_refunded"}')) AS labels
FROM segment_map AS m ORDER BY m.map;
SELECT count(*) AS with_an_order FROM segment_map AS m, generate_series(1, m.bins) AS r, generate_series(1, m.bins) AS f
WHERE segment(r, f, r, m.map, '{"score_reason": "all_refunded"}') IN ('refunded', 'prospects');

-- A map with rules for prospects
CREATE SCHEMA visits;
SELECT create_segment_map('visits.map', copy_of => 'essential');
INSERT INTO visits.segment_rule (map, position, segment, conditions) VALUES
  ('map', 2, 'interested', '{"and": [{"column": "views", "op": ">", "value": 3}, {"column": "frequency", "op": "=", "value": 0}]}'),
  ('map', 900, 'in the city', '{"column": "attributes.city", "op": "in", "value": ["Lyon", "Lille"]}'),
  ('map', 901, 'in the city', '{"not": {"column": "rfm_score", "op": ">", "value": 1}}'),
  ('map', 902, 'interested', '{"column": "attributes.city", "op": "in", "value": ["Lyon", "Lille"]}');
INSERT INTO visits.segment_label (map, segment, language, role, label)
SELECT 'map', s, l, 'prospect', initcap(s) FROM unnest('{interested,in the city}'::text[]) AS s, unnest('{en,fr}'::text[]) AS l;
SELECT * FROM check_segment_map('visits.map');
DELETE FROM visits.segment_rule WHERE position > 900;
SELECT * FROM check_segment_map('visits.map');

-- segment and segment_case say the same of everybody; so does plain SQL.
CREATE TABLE people AS
SELECT row_number() OVER () AS n, r, f, m, tenure_days, score_reason, views, frequency, attributes
FROM (VALUES (NULL::int, NULL::int, NULL::int, NULL::int), (NULL, 1, 1, NULL), (5, 5, 5, 100), (4, 1, 2, 500), (1, 1, 1, 400)) AS c (r, f, m, tenure_days)
CROSS JOIN (VALUES (NULL::text), ('no_order'), ('all_refunded'), ('no_order_in_window'), ('something else')) AS s (score_reason)
CROSS JOIN (VALUES (NULL::int), (3), (4)) AS v (views)
CROSS JOIN (VALUES (NULL::int), (0)) AS q (frequency)
CROSS JOIN (VALUES (NULL::jsonb), ('{"city": "Lyon"}'), ('{"city": "Nice"}'), ('{"city": 7}')) AS a (attributes);
CREATE FUNCTION differing(map text, expected text) RETURNS TABLE (people bigint, segments bigint, other_case bigint, other_sql bigint, other_short bigint) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    SELECT count(*), count(DISTINCT s), count(*) FILTER (WHERE s IS DISTINCT FROM c), count(*) FILTER (WHERE s IS DISTINCT FROM e),
           count(*) FILTER (WHERE t IS DISTINCT FROM d)
    FROM (SELECT segment(r, f, m, %1$L, to_jsonb(p)) AS s, %2$s AS c, %3$s AS e, segment(r, f, m, %1$L, to_jsonb(p) - 'score_reason') AS t, %4$s AS d FROM people AS p) AS p$q$,
    map, segment_case(map, '{p.r,p.f,p.m,p.tenure_days,p.score_reason,p.views,p.frequency,p.attributes}'), expected,
    segment_case(map, '{p.r,p.f,p.m,p.tenure_days,p.views,p.frequency,p.attributes}'));
END $$;
SELECT * FROM differing('visits.map', $$CASE WHEN r IS NOT NULL THEN segment(r, f, m, 'essential', to_jsonb(p)) WHEN score_reason = 'all_refunded' THEN 'refunded'
  WHEN views > 3 AND frequency = 0 THEN 'interested' WHEN attributes ->> 'city' IN ('Lyon', 'Lille') THEN 'in the city' ELSE 'prospects' END$$);
SELECT s AS segment, count(*) FROM (SELECT segment(r, f, m, 'visits.map', to_jsonb(p)) AS s FROM people AS p) AS p GROUP BY 1 ORDER BY 1;

-- A map without a rule for them gives nobody who was refunded a segment ...
DELETE FROM visits.segment_rule WHERE segment = 'refunded';
SELECT * FROM differing('visits.map', $$CASE WHEN r IS NOT NULL THEN segment(r, f, m, 'essential', to_jsonb(p)) WHEN score_reason = 'all_refunded' THEN NULL
  WHEN views > 3 AND frequency = 0 THEN 'interested' WHEN attributes ->> 'city' IN ('Lyon', 'Lille') THEN 'in the city' ELSE 'prospects' END$$);
-- ... and one of role prospect only if it asks for them by name
INSERT INTO visits.segment_rule (map, position, segment, conditions) VALUES
  ('map', 3, 'in the city', '{"and": [{"column": "score_reason", "op": "=", "value": "all_refunded"}, {"column": "views", "op": "=", "value": 3}]}');
SELECT * FROM differing('visits.map', $$CASE WHEN r IS NOT NULL THEN segment(r, f, m, 'essential', to_jsonb(p))
  WHEN score_reason = 'all_refunded' THEN CASE WHEN views = 3 THEN 'in the city' END
  WHEN views > 3 AND frequency = 0 THEN 'interested' WHEN attributes ->> 'city' IN ('Lyon', 'Lille') THEN 'in the city' ELSE 'prospects' END$$);
-- a rule that reads score_reason may speak of both
INSERT INTO visits.segment_rule (map, position, segment, conditions) VALUES
  ('map', 0, 'asleep', '{"column": "score_reason", "op": "<>", "value": "no_order"}');
SELECT * FROM differing('visits.map', $$CASE WHEN score_reason <> 'no_order' THEN 'asleep' WHEN r IS NOT NULL THEN segment(r, f, m, 'essential', to_jsonb(p))
  WHEN views > 3 AND frequency = 0 THEN 'interested' WHEN attributes ->> 'city' IN ('Lyon', 'Lille') THEN 'in the city' ELSE 'prospects' END$$);

-- What keeps a rule of role prospect from ever applying is told.
DELETE FROM visits.segment_rule WHERE position IN (0, 2, 3);
INSERT INTO visits.segment_label (map, segment, language, role, label)
SELECT 'map', s, l, 'prospect', initcap(s) FROM unnest('{fresh,known}'::text[]) AS s, unnest('{en,fr}'::text[]) AS l;
INSERT INTO visits.segment_rule (map, position, segment, r_min, f_max, conditions) VALUES
  ('map', 4, 'fresh', NULL, NULL, NULL), ('map', 5, 'fresh', 4, 2, '{"column": "views", "op": ">", "value": 1}'),
  ('map', 6, 'fresh', NULL, NULL, '{"column": "recency_days", "op": "<", "value": 30}'),
  ('map', 7, 'fresh', NULL, NULL, '{"or": [{"column": "r_score", "op": ">", "value": 1}, {"not": {"column": "basket_score", "op": ">", "value": 1}}]}'),
  ('map', 8, 'fresh', NULL, NULL, '{"or": [{"column": "r_score", "op": ">", "value": 1}, {"not": {"column": "views", "op": ">", "value": 1}}]}'),
  ('map', 9, 'fresh', NULL, NULL, '{"column": "attributes.city", "op": "in", "value": ["Lyon", "Lille"]}'),
  ('map', 950, 'fresh', NULL, NULL, NULL);
SELECT * FROM check_segment_map('visits.map');
SELECT segment(5, 1, 1, 'visits.map') AS with_an_order, segment(NULL, NULL, NULL, 'visits.map') AS without, segment(NULL, 1, 1, 'visits.map', '{"views": 1}') AS by_rule;
DROP SCHEMA visits CASCADE;

-- score_customers, by numbers and by whole histories; a prospect is a row of nothing
CREATE TABLE medusa (customer text, at date, amount numeric, counts boolean);
INSERT INTO medusa VALUES ('bought', '2025-07-01', 20, true), ('refunded', '2025-07-30', 107.50, false), ('refunded', '2025-08-07', -107.50, false),
  ('kept the postage', '2025-07-30', 107.50, false), ('kept the postage', '2025-08-07', -100, false), ('known', '2025-01-01', 0, false),
  ('came back', '2025-03-01', 30, false), ('came back', '2025-03-02', -30, false), ('came back', '2025-11-02', 25, true),
  ('not counted', '2025-03-01', 30, false), ('returns only', '2025-03-01', -30, NULL), ('later', '2025-03-01', 30, false), ('later', '2025-12-01', -30, false);
SELECT a.customer_id, a.frequency, a.monetary, a.segment, b.segment AS in_october, c.segment AS by_histories, d.segment AS in_a_window
FROM score_customers('medusa', '2025-12-31') AS a LEFT JOIN score_customers('medusa', '2025-10-31') AS b USING (customer_id)
JOIN score_customers('medusa', '2025-12-31', frequency => 'active_days') AS c USING (customer_id)
JOIN score_customers('medusa', '2025-12-31', window_days => 10) AS d USING (customer_id) ORDER BY 1;
SELECT count(*) AS compared, count(*) FILTER (WHERE s.segment IS DISTINCT FROM segment(s.r_score, s.f_score, s.m_score, 'essential',
         jsonb_build_object('tenure_days', s.tenure_days, 'score_reason', no_order_reason(h.history, '2025-12-31')))) AS other
FROM score_customers('medusa', '2025-12-31') AS s JOIN histories('medusa', NULL::text) AS h USING (customer_id);
DROP TABLE people, medusa;
DROP FUNCTION differing(text, text);
