-- Scorecards: each mode and decay at its borders, then random cards and
-- customers against a slow way in plain SQL.
SET search_path = scoring, public;
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SET jit = off;
CREATE SCHEMA crm;
SELECT create_scorecard('crm.border');
INSERT INTO crm.scorecard_rule (card, position, rule_group, role, kind, mode, points, window_days, expires_after_days,
    half_life_days, step_percent, step_days, rule_min, rule_max, conditions, label_en, label_fr) VALUES
  ('border', 1, NULL, NULL, 'one', 'each', 1.5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'each', 'chacun'),
  ('border', 2, NULL, NULL, 'two', 'each', 1, 10, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'window', 'fenêtre'),
  ('border', 3, NULL, NULL, 'three', 'day', 1, NULL, 10, NULL, NULL, NULL, NULL, NULL, NULL, 'day, expires', NULL),
  ('border', 4, NULL, NULL, 'four', 'each', 8, NULL, NULL, 10, NULL, NULL, NULL, NULL, NULL, 'half-life', NULL),
  ('border', 5, NULL, NULL, 'five', 'each', 8, NULL, NULL, NULL, 50, 10, NULL, NULL, NULL, 'steps', NULL),
  ('border', 6, NULL, NULL, 'six', 'value', 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'value', NULL),
  ('border', 7, NULL, NULL, 'seven', 'once', 4, 30, NULL, 10, NULL, NULL, NULL, NULL, NULL, 'once', NULL),
  ('border', 8, NULL, NULL, 'eight', 'silence', -10, 30, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'silent', NULL),
  ('border', 9, NULL, NULL, 'eight', 'silence', -20, 60, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'silent 2', NULL),
  ('border', 10, NULL, NULL, 'ten', 'each', 1, NULL, NULL, NULL, NULL, NULL, 2, 3, NULL, 'bounds', NULL),
  ('border', 11, NULL, NULL, NULL, 'fit', 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"column": "x", "op": "=", "value": 1}', 'fit', NULL);
UPDATE crm.scorecard SET min_points = -100, max_points = 100;

-- score = 50 + points / 2: the points of a card, shown
CREATE FUNCTION pg_temp.points(kinds text[], histories history[], as_of date, fits boolean[] DEFAULT NULL) RETURNS float8
LANGUAGE sql BEGIN ATOMIC
SELECT 2 * scorecard_score('crm.border', kinds, histories, as_of, fits) - 100;
END;
-- position 10 has a least of 2: it is there for everybody that the card knows
SELECT label, kind, day, round((pg_temp.points(ARRAY[kind], ARRAY[h], day) - 2)::numeric, 9) AS points
FROM (VALUES ('each', 'one', history '{2025-03-01:3:0,2025-03-05:1:0}', '{2025-02-28,2025-03-01,2025-03-04,2025-03-05,5874897-12-31}'::date[]),
  ('window: the last ten days', 'two', '{2025-03-01:2:0}', '{2025-03-01,2025-03-10,2025-03-11}'),
  ('day; expires at the age of ten', 'three', '{2025-03-01:7:0,2025-03-02:1:0}', '{2025-03-01,2025-03-02,2025-03-10,2025-03-11,2025-03-12}'),
  ('half after ten days', 'four', '{2025-03-01:1:0}', '{2025-03-01,2025-03-11,2025-03-21,5874897-12-31}'),
  ('half after each ten days', 'five', '{2025-03-01:1:0}', '{2025-03-01,2025-03-10,2025-03-11,2025-03-20,2025-03-21}'),
  ('value: corrections count', 'six', '{2025-03-01:1:19.90,2025-03-02:0:-5.5}', '{2025-03-01,2025-03-02}'),
  ('the latest in the window', 'seven', '{2025-03-01:2:0,2025-03-11:1:0}', '{2025-03-01,2025-03-10,2025-03-11,2025-03-21,2025-04-09,2025-04-10}'),
  ('silence', 'eight', '{2025-03-01:1:0}', '{2025-03-01,2025-03-30,2025-03-31,2025-04-29,2025-04-30}'),
  ('bounds 2 and 3', 'ten', '{2025-03-01:1:0,2025-03-02:1:0,2025-03-03:1:0,2025-03-04:1:0}', '{2025-03-01,2025-03-02,2025-03-03,2025-03-04}'),
  ('a kind of no rule', 'other', '{2025-03-01:1:0}', '{2025-02-28,2025-03-01}'),
  ('a correction is no event', 'one', '{2025-03-01:0:-5}', '{2025-03-01}'))
  AS v (label, kind, h, days), unnest(days) AS day;
-- Fits: by position; unknown is not true; without an event there is no score
SELECT fits, round((pg_temp.points('{one}', ARRAY[history '{2025-03-01:1:0}'], '2025-03-01', fits) - 3.5)::numeric, 9) AS points,
       pg_temp.points('{}', '{}', '2025-03-01', fits) AS nobody
FROM (VALUES ('{t}'::boolean[]), ('{f}'), ('{NULL}'), (NULL)) AS v (fits);
-- kinds in any letter case and order, twice, NULL as other; histories that are NULL are left out
SELECT pg_temp.points('{One,ONE,NULL,six}', ARRAY['{2025-03-01:1:0}', '{2025-03-01:1:0,2025-03-02:1:0}', '{2025-03-01:5:5}', NULL]::history[], '2025-03-02') - 2 AS points;
-- NULL
SELECT scorecard_score(NULL, '{one}', ARRAY[history '{2025-03-01:1:0}'], '2025-03-01') IS NULL AS card,
       scorecard_score('crm.border', '{one}', ARRAY[history '{2025-03-01:1:0}'], NULL) IS NULL AS as_of,
       scorecard_score('crm.border', NULL, ARRAY[history '{2025-03-01:1:0}'], '2025-03-01') IS NULL AS kinds,
       scorecard_score('crm.border', '{one}', NULL, '2025-03-01') IS NULL AS histories;
-- what is refused
SELECT scorecard_score('crm.border', '{one,two}', ARRAY[history '{2025-03-01:1:0}'], '2025-03-01');
SELECT scorecard_score('crm.border', '{{one},{two}}', ARRAY[history '{2025-03-01:1:0}'], '2025-03-01');
SELECT scorecard_score('crm.border', '{one}', ARRAY[history '{2025-03-01:1:0}'], 'infinity');
SELECT scorecard_score('crm.border', '{one}', ARRAY[history '{2025-03-01:1:0}'], '2025-03-01', '{t,f}');
SELECT scorecard_score('crm.nothing', '{one}', ARRAY[history '{2025-03-01:1:0}'], '2025-03-01');
SELECT scorecard_score('nothing', '{one}', ARRAY[history '{2025-03-01:1:0}'], '2025-03-01');
-- the largest numbers there are: no overflow
SELECT scorecard_score('crm.border', '{one,one,six,four}', ARRAY['{2025-03-01:9223372036854775807:0,2025-03-02:9223372036854775807:0}',
  '{2025-03-01:9223372036854775807:0}', '{2025-03-01:1:92233720368547758.07,2025-03-02:1:92233720368547758.07}',
  '{4714-11-24 BC:9223372036854775807:0,5874897-12-31:1:1}']::history[], '2025-03-05') AS most,
  scorecard_score('crm.border', '{one}', ARRAY['{2025-03-01:1:0,2025-03-02:-9223372036854775807:0}']::history[], '2025-03-05') AS least;

-- Explained: the points of the rows are those of the card
SELECT * FROM scorecard_points('crm.border', '{one,two,four,ten}', ARRAY['{2025-03-01:3:0}', '{2025-02-01:1:0}', '{2025-02-19:1:0}',
  '{2025-03-01:9:0}']::history[], '2025-03-01', '{t}');
SELECT label FROM scorecard_points('crm.border', '{one,two,four}', ARRAY['{2025-03-01:3:0}', '{2025-03-01:1:0}', '{2025-02-19:1:0}']::history[],
  '2025-03-01', language => 'fr-CA');
INSERT INTO crm.scorecard_group (card, rule_group, group_max) VALUES ('border', 'first', 4);
UPDATE crm.scorecard_rule SET rule_group = 'first' WHERE position < 5;
UPDATE crm.scorecard SET max_points = 5;
SELECT position, rule_group, label, points, capped
FROM scorecard_points('crm.border', '{one,two}', ARRAY['{2025-03-01:3:0}', '{2025-03-01:1:0}']::history[], '2025-03-01');
SELECT * FROM scorecard_points('crm.border', '{one}', ARRAY['{2025-03-01:3:0}']::history[], '2025-02-01');

-- Random cards and customers, against plain SQL
SELECT create_scorecard('crm.' || c) FROM unnest('{r1,r2,r3,r4,r5,r6,r7,r8}'::text[]) AS c;
CREATE FUNCTION pg_temp.draw(n int, VARIADIC of text[]) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC
SELECT mod(abs(hashtextextended(array_to_string(of, ',') || 'seed 14', 0) / 7), n)::int;
END;
INSERT INTO crm.scorecard_rule (card, position, rule_group, role, kind, mode, points, window_days, expires_after_days, half_life_days,
  step_percent, step_days, rule_min, rule_max, conditions, label_en, label_fr)
SELECT card, p, (ARRAY[NULL, NULL, 'g1', 'g2'])[1 + pg_temp.draw(4, card, p::text, 'group')],
  CASE WHEN mode <> 'fit' AND target < 3 THEN (ARRAY['open', 'click', 'visit'])[1 + target] END,
  CASE WHEN mode <> 'fit' AND target BETWEEN 3 AND 6 THEN (ARRAY['email_open', 'Custom', 'other', 'page_view'])[target - 2] END,
  mode, (pg_temp.draw(2001, card, p::text, 'points') - 800) / 100.0,
  CASE WHEN mode = 'silence' OR (mode <> 'fit' AND pg_temp.draw(3, card, p::text, 'window') = 0) THEN 1 + pg_temp.draw(90, card, p::text, 'days') END,
  CASE WHEN mode NOT IN ('fit', 'silence') AND decay = 1 THEN 1 + pg_temp.draw(120, card, p::text, 'expires') END,
  CASE WHEN mode NOT IN ('fit', 'silence') AND decay = 2 THEN (1 + pg_temp.draw(400, card, p::text, 'half')) / 4.0 END,
  CASE WHEN mode NOT IN ('fit', 'silence') AND decay = 3 THEN 1 + pg_temp.draw(100, card, p::text, 'percent') END,
  CASE WHEN mode NOT IN ('fit', 'silence') AND decay = 3 THEN 1 + pg_temp.draw(30, card, p::text, 'steps') END,
  CASE WHEN pg_temp.draw(4, card, p::text, 'min') = 0 THEN -pg_temp.draw(20, card, p::text, 'least') END,
  CASE WHEN pg_temp.draw(2, card, p::text, 'max') = 0 THEN pg_temp.draw(40, card, p::text, 'most') END,
  CASE WHEN mode = 'fit' THEN '{"column": "x", "op": "=", "value": 1}'::jsonb END, 'a', 'b'
FROM unnest('{r1,r2,r3,r4,r5,r6,r7,r8}'::text[]) AS card, generate_series(1, 12) AS p,
  LATERAL (SELECT (ARRAY['each', 'each', 'day', 'value', 'once', 'silence', 'fit'])[1 + pg_temp.draw(7, card, p::text, 'mode')] AS mode,
    pg_temp.draw(8, card, p::text, 'target') AS target, pg_temp.draw(4, card, p::text, 'decay') AS decay) AS l;
INSERT INTO crm.scorecard_group (card, rule_group, group_min, group_max)
SELECT card, g, -pg_temp.draw(30, card, g, 'a'), pg_temp.draw(60, card, g, 'b') FROM unnest('{r1,r2,r3,r4,r5,r6}'::text[]) AS card, unnest('{g1,g2}'::text[]) AS g;
UPDATE crm.scorecard SET min_points = -pg_temp.draw(60, card, 'min'), max_points = 20 + pg_temp.draw(100, card, 'max') WHERE card LIKE 'r_';
INSERT INTO crm.scorecard_band (card, band, language, enter, leave, label, display_order)
SELECT card, band, l, enter, greatest(0, enter - pg_temp.draw(20, card, band)), band, o
FROM unnest('{r1,r2,r3,r4,r5,r6,r7,r8}'::text[]) AS card, (VALUES ('high', 60, 1), ('middle', 45, 2), ('low', 30, 3), ('none', 0, 4)) AS v (band, enter, o), unnest('{en,fr}'::text[]) AS l;
SELECT mode, count(*), count(window_days) AS windows, count(expires_after_days) AS expire, count(half_life_days) AS halve, count(step_days) AS steps
FROM crm.scorecard_rule WHERE card LIKE 'r_' GROUP BY mode ORDER BY mode;
SELECT DISTINCT problem FROM unnest('{r1,r2,r3,r4,r5,r6,r7,r8}'::text[]) AS card, check_scorecard('crm.' || card) ORDER BY problem;

-- 60 customers with up to 40 days in six kinds; corrections, events taken back, days of other kinds on the same day
CREATE TABLE public.event AS
SELECT c AS customer, (ARRAY['email_open', 'Clicked Email', 'page_view', 'custom', NULL, 'pageview'])[1 + pg_temp.draw(6, c::text, n::text, 'kind')] AS kind,
  date '2025-01-01' + pg_temp.draw(150, c::text, n::text, 'day') AS day, (pg_temp.draw(9, c::text, n::text, 'events') - 1) AS events,
  round((pg_temp.draw(4000, c::text, n::text, 'total') - 1000) / 100.0, 2) AS total
FROM generate_series(1, 60) AS c, generate_series(1, 40) AS n WHERE n <= 1 + mod(c * 7, 40);
CREATE TABLE public.kind_history AS
SELECT customer, kind, format('{%s}', string_agg(format('%s:%s:%s', day, events, round(total, 2)), ',' ORDER BY day))::history AS history
FROM (SELECT customer, kind, day, sum(events) AS events, sum(total) AS total FROM event GROUP BY customer, kind, day) AS e
WHERE events <> 0 OR total <> 0 GROUP BY customer, kind;
SELECT count(*) > 200 AS many FROM kind_history;

CREATE FUNCTION pg_temp.slow_points(the_card text, the_customer int, as_of date) RETURNS TABLE (pos int, grp text, points float8) LANGUAGE sql AS $$
  WITH rule AS (SELECT * FROM crm.scorecard_rule WHERE card = the_card),
  by_day AS (
    SELECT r.position, e.day, sum(e.events)::float8 AS events, sum(e.total)::float8 AS total
    FROM rule AS r JOIN event AS e ON (r.role IS NULL OR r.role = CASE lower(e.kind) WHEN 'email_open' THEN 'open' WHEN 'clicked email' THEN 'click'
        WHEN 'page_view' THEN 'visit' WHEN 'pageview' THEN 'visit' END)
      AND (r.kind IS NULL OR lower(r.kind) = lower(coalesce(e.kind, 'other')))
    WHERE e.customer = the_customer AND e.day <= as_of AND r.mode <> 'fit'
      AND (r.mode = 'silence' OR r.window_days IS NULL OR e.day > as_of - r.window_days)
      AND (r.expires_after_days IS NULL OR as_of - e.day < r.expires_after_days)
    GROUP BY r.position, e.day),
  weighted AS (
    SELECT d.*, CASE WHEN half_life_days IS NOT NULL THEN power(2::float8, -(as_of - day) / half_life_days::float8)
      WHEN step_days IS NOT NULL THEN power(1 - step_percent::float8 / 100, (as_of - day) / step_days) ELSE 1 END AS w,
      row_number() OVER (PARTITION BY position ORDER BY events > 0 DESC, day DESC) = 1 AND events > 0 AS latest
    FROM by_day AS d JOIN rule USING (position)),
  summed AS (
    SELECT r.position, r.rule_group, r.rule_min, r.rule_max, CASE mode
      WHEN 'fit' THEN CASE WHEN the_customer % 2 = 0 THEN r.points END
      WHEN 'each' THEN sum(r.points * events * w) WHEN 'day' THEN sum(r.points * w) FILTER (WHERE events > 0)
      WHEN 'value' THEN sum(r.points * total * w) WHEN 'once' THEN sum(r.points * w) FILTER (WHERE latest)
      WHEN 'silence' THEN CASE WHEN as_of - max(day) FILTER (WHERE latest) >= window_days THEN r.points END END AS points
    FROM rule AS r LEFT JOIN weighted AS w ON w.position = r.position
    GROUP BY r.position, r.rule_group, r.rule_min, r.rule_max, r.mode, r.points, r.window_days)
  SELECT position, rule_group, least(greatest(coalesce(points, 0), rule_min), rule_max) FROM summed
$$;
CREATE FUNCTION pg_temp.slow_score(the_card text, the_customer int, as_of date) RETURNS float8 LANGUAGE sql AS $$
  SELECT CASE WHEN EXISTS (SELECT FROM (SELECT FROM event WHERE customer = the_customer AND day <= as_of GROUP BY day, coalesce(kind, 'other') HAVING sum(events) > 0) AS e)
    THEN 100 * (least(greatest(sum(g.points), min(c.min_points)), min(c.max_points)) - min(c.min_points)) / (min(c.max_points) - min(c.min_points)) END
  FROM crm.scorecard AS c, LATERAL (
    SELECT least(greatest(sum(p.points), b.group_min), b.group_max) AS points
    FROM pg_temp.slow_points(the_card, the_customer, as_of) AS p LEFT JOIN crm.scorecard_group AS b ON b.card = the_card AND b.rule_group = p.grp
    GROUP BY CASE WHEN p.grp IS NULL THEN p.pos END, p.grp, b.group_min, b.group_max) AS g
  WHERE c.card = the_card
$$;
CREATE TABLE public.asked AS
SELECT card, customer, day, scorecard_score('crm.' || card, kinds, histories, day, fits) AS score,
       scorecard_band('crm.' || card, kinds, histories, day, fits) AS band
FROM (SELECT customer, array_agg(kind) AS kinds, array_agg(history) AS histories FROM kind_history GROUP BY customer) AS h,
  LATERAL (SELECT card, array_agg(h.customer % 2 = 0) FILTER (WHERE mode = 'fit') AS fits FROM crm.scorecard_rule WHERE card LIKE 'r_' GROUP BY card) AS c,
  generate_series(date '2024-12-31', '2025-07-20', '1 day') AS d, LATERAL (SELECT d::date AS day) AS l;
SELECT count(*) AS asked, count(score) > 70000 AS known, count(*) FILTER (WHERE score > 0 AND score < 100) > 30000 AS between FROM asked;
SELECT card, customer, day, score, slow_score FROM asked, LATERAL (SELECT pg_temp.slow_score(card, customer, day) AS slow_score) AS l
WHERE pg_temp.draw(250, card, customer::text, day::text) = 0 AND NOT (abs(score - slow_score) < 1e-9 OR num_nulls(score, slow_score) = 2) LIMIT 5;

-- Bands by what they are: entered on a day with an event, and not left since
CREATE INDEX ON public.asked (card, customer, day);
CREATE TABLE public.event_day AS SELECT DISTINCT customer, day FROM (SELECT customer, kind, day FROM event GROUP BY customer, kind, day HAVING sum(events) > 0) AS e;
WITH held AS (
  SELECT a.*, (SELECT b.band FROM crm.scorecard_band AS b WHERE b.card = a.card AND b.language = 'en' AND a.score >= b.leave
    AND EXISTS (SELECT FROM event_day AS e JOIN asked AS s USING (customer, day) WHERE e.customer = a.customer AND e.day <= a.day AND s.card = a.card AND s.score >= b.enter
      AND NOT EXISTS (SELECT FROM asked AS t WHERE t.card = a.card AND t.customer = a.customer AND t.day BETWEEN e.day AND a.day AND t.score < b.leave))
    ORDER BY b.enter DESC LIMIT 1) AS slow
  FROM asked AS a WHERE pg_temp.draw(40, a.card, a.customer::text, a.day::text) = 0)
SELECT count(*) > 2000 AS many, count(*) FILTER (WHERE band IS DISTINCT FROM slow) AS different,
  count(*) FILTER (WHERE band <> (SELECT b.band FROM crm.scorecard_band AS b WHERE b.card = held.card AND b.enter <= held.score ORDER BY b.enter DESC LIMIT 1)) > 50 AS by_hysteresis,
  count(DISTINCT band) AS bands FROM held;

-- The points of the rows are those of the card
SELECT count(*) AS wrong FROM (SELECT customer, array_agg(kind) AS kinds, array_agg(history) AS histories FROM kind_history GROUP BY customer) AS h,
  LATERAL (SELECT c.*, (SELECT array_agg(even) FROM crm.scorecard_rule AS r, LATERAL (SELECT h.customer % 2 = 0 AS even) AS l WHERE r.card = c.card AND mode = 'fit') AS fits FROM crm.scorecard AS c WHERE c.card LIKE 'r_') AS c
WHERE abs(coalesce((SELECT sum(points) FROM scorecard_points('crm.' || card, kinds, histories, '2025-05-05', fits)), 0)
  - (scorecard_score('crm.' || card, kinds, histories, '2025-05-05', fits) / 100 * (max_points - min_points) + min_points)) > 1e-9;

-- What would reach the next band does, and one event less does not
CREATE TABLE public.next AS SELECT card, customer, kinds, histories, fits, n.* FROM
  (SELECT customer, array_agg(kind) AS kinds, array_agg(history) AS histories FROM kind_history GROUP BY customer) AS h,
  LATERAL (SELECT c.card, (SELECT array_agg(even) FROM crm.scorecard_rule AS r, LATERAL (SELECT h.customer % 2 = 0 AS even) AS l WHERE r.card = c.card AND mode = 'fit') AS fits FROM crm.scorecard AS c WHERE c.card LIKE 'r_') AS c,
  scorecard_next_band('crm.' || card, kinds, histories, '2025-05-05', fits) AS n;
SELECT count(*) > 100 AS many, count(position) > 20 AS possible, count(*) FILTER (WHERE missing < 0) AS below FROM next;
-- a card with one rule for one kind, so that no other rule sees the events
SELECT create_scorecard('crm.single');
INSERT INTO crm.scorecard_rule (card, position, kind, mode, points, half_life_days, rule_max, label_en, label_fr) VALUES ('single', 1, 'x', 'each', 0.7, 20, 60, 'a', 'b');
INSERT INTO crm.scorecard_band (card, band, language, enter, label) VALUES ('single', 'top', 'en', 61, 'a'), ('single', 'high', 'en', 50, 'a'), ('single', 'zero', 'en', 0, 'b');
SELECT n.band, n.enter, round(n.missing::numeric, 9) AS missing, n.position, n.events, scorecard_score('crm.single', '{x,x}', ARRAY['{2025-04-20:5:5}', format('{2025-05-05:%s:0}', n.events)]::history[], '2025-05-05') >= n.enter AS enough,
  scorecard_score('crm.single', '{x,x}', ARRAY['{2025-04-20:5:5}', format('{2025-05-05:%s:0}', n.events - 1)]::history[], '2025-05-05') >= n.enter AS one_less
FROM scorecard_next_band('crm.single', '{x}', ARRAY[history '{2025-04-20:5:5}'], '2025-05-05') AS n;
SELECT * FROM scorecard_next_band('crm.single', '{x}', ARRAY[history '{2025-05-05:500:5}'], '2025-05-05', language => 'fr');
-- several rules where none alone reaches it: as few of each as together are enough
SELECT create_scorecard('crm.several');
INSERT INTO crm.scorecard_rule (card, position, rule_group, kind, mode, points, rule_max, label_en, label_fr) VALUES
  ('several', 1, NULL, 'a', 'day', 12, NULL, 'A', 'A'), ('several', 2, NULL, 'b', 'each', 4, 20, 'B', 'B'), ('several', 3, 'g', 'c', 'each', 3, NULL, 'C', 'C'), ('several', 4, 'g', 'd', 'once', 5, NULL, 'D', 'D'),
  ('several', 5, NULL, 'e', 'value', 9, NULL, 'E', 'E');
INSERT INTO crm.scorecard_group (card, rule_group, group_max) VALUES ('several', 'g', 25);
INSERT INTO crm.scorecard_band (card, band, language, enter, label) VALUES ('several', 'top', 'en', 90, 'a'), ('several', 'high', 'en', 50, 'a'), ('several', 'zero', 'en', 0, 'b');
CREATE TABLE public.several AS SELECT d, n.* FROM unnest('{1,2,3}'::int[]) AS d, scorecard_next_band('crm.several', '{a,b,x}', ARRAY[CASE d WHEN 2 THEN '{2025-05-05:1:0}' ELSE '{2025-05-04:1:0}' END, CASE d WHEN 3 THEN '{2025-01-01:9:0}' END, '{2025-01-01:1:0}']::history[], '2025-05-05') AS n;
SELECT d, band, enter, round(missing::numeric, 6) AS missing, position, events, together FROM public.several ORDER BY d, position;
SELECT d, count(*) AS rules, scorecard_score('crm.several', array_agg(kind) || '{a,b,x}'::text[], array_agg(format('{2025-05-05:%s:0}', events)::history) || ARRAY[CASE d WHEN 2 THEN '{2025-05-05:1:0}' ELSE '{2025-05-04:1:0}' END, CASE d WHEN 3 THEN '{2025-01-01:9:0}' END, '{2025-01-01:1:0}']::history[], '2025-05-05') >= 50 AS enough
FROM public.several JOIN crm.scorecard_rule AS r USING (position) WHERE r.card = 'several' GROUP BY d ORDER BY d;
SELECT language, e.topic, e.value, e.explanation FROM unnest('{en,fr}'::text[]) AS language,
  LATERAL (SELECT jsonb_build_object('customer', jsonb_build_object('cards', jsonb_build_array(jsonb_build_object('card', 'several', 'score', 12, 'labels', '{"high": "High"}'::jsonb, 'next', (SELECT jsonb_agg(to_jsonb(s)) FROM several AS s WHERE d = 1)))))) AS i (info),
  _explain_cards(info, language) AS e ORDER BY language, e.topic;

-- Of a model: the same, by keys
CREATE TABLE public.model AS
WITH k AS (SELECT kind, row_number() OVER (ORDER BY kind) - 1 AS no FROM (SELECT DISTINCT kind FROM kind_history WHERE kind IS NOT NULL) AS d)
SELECT customer, stream_histories_agg(1 + coalesce(no, 0)::int % 3, coalesce(7 + no, 0)::int, history) AS streams,
  (SELECT jsonb_build_object('streams', '{"a": 1, "b": 2, "c": 3}'::jsonb, 'kinds', jsonb_agg(jsonb_build_object('stream', chr(97 + (no % 3)::int), 'kind', kind, 'role', kind_role(kind),
     'key', (1 + no % 3) * 1024 + 7 + no)) || '[{"stream": "a", "kind": "other", "role": null, "key": 1024}]') FROM k) AS keys
FROM kind_history LEFT JOIN k USING (kind) GROUP BY customer;
CREATE TABLE public.program AS SELECT card, _scorecard_program('crm.' || card, keys) AS program
FROM (SELECT keys FROM model LIMIT 1) AS m, crm.scorecard AS c WHERE card LIKE 'r_';
SELECT count(*) > 4000 AS many, count(*) FILTER (WHERE score IS DISTINCT FROM _card_score(program, NULL, streams, fits, day)
    OR band IS DISTINCT FROM _card_band(program, NULL, streams, fits, day)) AS different
FROM asked JOIN model USING (customer) JOIN program USING (card),
  LATERAL (SELECT array_agg(customer % 2 = 0) FILTER (WHERE mode = 'fit') AS fits FROM crm.scorecard_rule AS r WHERE r.card = asked.card) AS c
WHERE day BETWEEN '2025-05-20' AND '2025-05-31';
-- streams that the card doesn't read know nobody; the orders are stream 0
SELECT create_scorecard('crm.streams');
INSERT INTO crm.scorecard_rule (card, position, stream, mode, points, label_en, label_fr) VALUES ('streams', 1, 'web', 'each', 1, 'a', 'b'), ('streams', 2, 'orders', 'value', 1, 'c', 'd');
SELECT _card_score(program, orders, streams, NULL, '2025-03-01') AS score, scorecard_score('crm.streams', '{web,orders}', ARRAY[stream_history(streams, 4), orders], '2025-03-01') AS named
FROM (SELECT _scorecard_program('crm.streams', '{"streams": {"web": 4, "mail": 5}, "kinds": []}') AS program) AS p,
  (VALUES (NULL, stream_histories '{5/1={2025-03-01:1:1}}'), (NULL, '{4/0={2025-03-01:2:1},4/9={2025-03-01:1:1}}'), ('{2025-02-01:1:20}'::history, NULL), ('{2025-02-01:1:20}', '{4/1={2025-01-01:1:1},5/1={2025-03-01:1:1}}')) AS v (orders, streams);
SELECT * FROM _card_points(_scorecard_program('crm.streams', '{"streams": {"web": 4}}'), '{2025-02-01:1:20}', '{4/1={2025-01-01:1:1}}', NULL, '2025-03-01', 'fr');
SELECT * FROM _check_scorecard('crm.streams', '{"streams": {"mail": 4}}');
-- a program that is none
SELECT _card_score('{"rules": 1}', NULL, NULL, NULL, '2025-03-01');
SELECT _card_score('[]', NULL, NULL, NULL, '2025-03-01');
SELECT _card_score('{"card": "x", "rules": [{"position": 3, "mode": "each", "points": 1, "half_life": 3, "expires": 4}]}', NULL, NULL, NULL, '2025-03-01');
SELECT _card_score('{"card": "x", "rules": [{"position": 3, "mode": "each", "points": 0.0000001}]}', NULL, NULL, NULL, '2025-03-01');
SELECT _card_score('{"card": "x", "rules": [{"position": 3, "mode": "each", "points": 1, "keys": [300000]}]}', NULL, NULL, NULL, '2025-03-01');

DROP SCHEMA crm CASCADE;
DROP TABLE public.event, public.kind_history, public.asked, public.event_day, public.next, public.model, public.program;
