-- Answers on a scale in models, compared with plain SQL over the answers themselves.
-- Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never

-- 3,000 answers of 440 customers, 40 of whom have never ordered: satisfied people answer
-- alike. Some ratings are on no scale, some are missing, some have a class at its border.
CREATE TABLE shopdata.ratings AS
SELECT e AS answer_id, c AS customer_id, date '2024-03-01' + (u2 * 720)::int AS answered_on,
       (ARRAY['delivery', 'returns', NULL, ''])[1 + e % 4] AS question,
       CASE WHEN e % 97 = 0 THEN 11 WHEN e % 89 = 0 THEN NULL ELSE least(10, greatest(0, round(10 * mood + 4 * (u3 - 0.5))))::int END AS nps,
       CASE WHEN e % 83 = 0 THEN 3.5 ELSE least(5, greatest(1, round(1 + 4 * mood + 2 * (u4 - 0.5)))) END AS stars,
       CASE WHEN e % 79 = 0 THEN 'NaN' ELSE least(7, greatest(1, round(1 + 6 * u3))) END::float8 AS effort,
       CASE WHEN e % 71 = 0 THEN 5.01 ELSE round((10 * mood - 5)::numeric, 2) END AS feeling,
       (ARRAY['north', 'south', 'a:b', E'back\\slash'])[1 + c % 4] AS branch
FROM (SELECT e, c, u2, u3, u4, ((hashint8extended(c, 9) & 1073741823) / 1073741824.0::float8) ^ 0.5 AS mood
      FROM (SELECT e, 1 + (u1 * u1 * 439)::int AS c, u2, u3, u4
            FROM (SELECT e, draw(e, 21, 1000003) / 1000003.0::float8 AS u1, draw(e, 22, 1000003) / 1000003.0::float8 AS u2,
                         draw(e, 23, 1000003) / 1000003.0::float8 AS u3, draw(e, 24, 1000003) / 1000003.0::float8 AS u4
                  FROM generate_series(1, 3000) AS e) AS s) AS s) AS s;
-- several answers of a day, in one class and in two
INSERT INTO shopdata.ratings SELECT 5000 + n, 7, '2025-05-05', 'delivery', n, 1 + n % 5, 1 + n % 7, n - 5, 'a:b' FROM generate_series(0, 10) AS n;

-- One answer each as the models below read it: stream, question, scale, rating of 0 to 10, class.
CREATE VIEW shopdata.answered AS
SELECT a.customer_id, a.answered_on, a.branch, a.answer_id, v.stream, coalesce(nullif(a.question, ''), v.stream) AS question, v.scale, v.rating,
       (10 * (v.rating - v.low) / (v.high - v.low))::numeric AS of_ten, v.class
FROM shopdata.ratings AS a CROSS JOIN LATERAL (VALUES
  ('recommend', 'nps', a.nps::numeric, 0, 10, CASE WHEN a.nps IN (9, 10) THEN 'promoter' WHEN a.nps IN (7, 8) THEN 'passive' WHEN a.nps BETWEEN 0 AND 6 THEN 'detractor' END),
  ('stars', 'stars', a.stars::numeric, 1, 5, CASE a.stars WHEN 1 THEN 'dissatisfied' WHEN 2 THEN 'dissatisfied' WHEN 3 THEN 'neutral' WHEN 4 THEN 'satisfied' WHEN 5 THEN 'satisfied' END),
  ('service', 'csat', a.stars::numeric, 1, 5, CASE a.stars WHEN 1 THEN 'dissatisfied' WHEN 2 THEN 'dissatisfied' WHEN 3 THEN 'neutral' WHEN 4 THEN 'satisfied' WHEN 5 THEN 'satisfied' END),
  ('effort', 'ces', nullif(a.effort, 'NaN')::numeric, 1, 7,
    CASE a.effort WHEN 1 THEN 'difficult' WHEN 2 THEN 'difficult' WHEN 3 THEN 'difficult' WHEN 4 THEN 'neutral' WHEN 5 THEN 'easy' WHEN 6 THEN 'easy' WHEN 7 THEN 'easy' END),
  ('feeling', '{"min": -5, "max": 5}', a.feeling, -5, 5, CASE WHEN a.feeling BETWEEN -5 AND 5 THEN 'any' END)) AS v (stream, scale, rating, low, high, class)
WHERE v.class IS NOT NULL;

-- The score of each customer the slow way: m and k from the answers until "known", the score on "as_of".
CREATE FUNCTION shopdata.slow_satisfaction(streams text[], known date, as_of date, days int)
  RETURNS TABLE (customer_key text, score numeric, answers bigint, last_on date) LANGUAGE sql AS $$
  WITH cells AS (SELECT customer_id, count(*) AS n, avg(of_ten) AS r FROM shopdata.answered
                 WHERE stream = ANY ($1) AND answered_on <= $2 AND ($4 IS NULL OR answered_on > $2 - $4) GROUP BY customer_id, stream, question, class, answered_on),
  each AS (SELECT customer_id, sum(n) AS n, sum(n * r) / sum(n) AS mean FROM cells GROUP BY 1),
  m AS (SELECT sum(n * mean) / sum(n) AS m, sum(n) AS n, count(*) AS c, count(*) FILTER (WHERE n > 1) AS twice, sum(n * n) AS nn FROM each),
  w AS (SELECT sum(c.n * (c.r - e.mean) ^ 2) / (m.n - m.c) AS within FROM cells AS c JOIN each AS e USING (customer_id), m GROUP BY m.n, m.c),
  b AS (SELECT (sum(e.n * (e.mean - m.m) ^ 2) - (m.c - 1) * w.within) / (m.n - m.nn / m.n) AS between FROM each AS e, m, w GROUP BY m.c, w.within, m.n, m.nn),
  k AS (SELECT m.m, CASE WHEN m.twice >= 2 AND b.between > 0 THEN w.within / b.between ELSE 5 END AS k FROM m LEFT JOIN w ON true LEFT JOIN b ON true),
  -- everybody who has ever answered, with the answers of the window
  s AS (SELECT customer_id, max(answered_on) AS last_on, count(*) FILTER (WHERE $4 IS NULL OR answered_on > $3 - $4) AS n,
               sum(of_ten) FILTER (WHERE $4 IS NULL OR answered_on > $3 - $4) AS total
        FROM shopdata.answered WHERE stream = ANY ($1) AND answered_on <= $3 GROUP BY 1)
  SELECT customer_id::text, round((k.k * k.m + s.total) / (k.k + s.n), 9), s.n, s.last_on FROM s, k
$$;

SELECT count(*) > 0 AS made FROM create_model('sat', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
SELECT item, detail FROM add_stream('sat', 'recommend', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', kind => 'question', value => 'nps', scale => 'nps');
-- the class of each rating
SELECT DISTINCT a.nps, s.kind FROM shopdata.ratings AS a CROSS JOIN LATERAL sat.customer_events('7') AS s
WHERE a.customer_id = 7 AND a.answer_id >= 5000 AND s.day = '2025-05-05' AND s.kind ~ '^delivery'
  AND s.kind = 'delivery:' || (SELECT class FROM shopdata.answered AS x WHERE x.answer_id = a.answer_id AND x.stream = 'recommend') ORDER BY 1;
SELECT kind, events, total FROM sat.customer_events('7') WHERE day = '2025-05-05' AND stream = 'recommend' AND kind ~ '^delivery' ORDER BY 1;
SELECT * FROM shopdata.differ('SELECT customer_key, kind, events, total FROM sat.customer_streams',
  'SELECT customer_id::text, question || '':'' || class, count(*), sum(rating) FROM shopdata.answered
   WHERE stream = ''recommend'' AND answered_on <= ''2025-12-31'' GROUP BY 1, 2');
-- a mean over all, and how much it counts
SELECT round(satisfaction_mean::numeric, 4) AS mean, round(satisfaction_weight::numeric, 4) AS weight FROM sat.calibration;
SELECT to_char(day, 'YYYY-MM-DD') AS day, d.* FROM unnest('{2024-09-30,2025-06-30,2025-12-31}'::date[]) AS day,
  shopdata.differ(format('SELECT customer_key, round(satisfaction_score::numeric, 9), satisfaction_answers, satisfaction_last_on
    FROM sat.customer_scores_at(%L) WHERE satisfaction_last_on IS NOT NULL', day),
    format('SELECT * FROM shopdata.slow_satisfaction(''{recommend}'', ''2025-12-31'', %L, NULL)', day)) AS d;
-- nobody who said nothing has a score
SELECT count(*) > 0 AS some, count(satisfaction_score) AS scores, max(satisfaction_answers) AS answers FROM sat.customer_scores WHERE satisfaction_last_on IS NULL;

-- Several streams of other scales, each brought to 0 to 10, in a window.
SELECT item, detail FROM add_stream('sat', 'stars', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', kind => 'question', value => 'stars', scale => 'stars', role => 'answer')
WHERE item ~ 'rows|kind';
SELECT count(*) > 0 AS added FROM add_stream('sat', 'service', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', kind => 'question', value => 'stars', scale => 'csat');
SELECT count(*) > 0 AS added FROM add_stream('sat', 'effort', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', kind => 'question', value => 'effort', scale => 'ces');
SELECT item, detail FROM add_stream('sat', 'feeling', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', kind => 'question', value => 'feeling', scale => '{"min": -5, "max": 5}')
WHERE item ~ 'rows|kind';
SELECT count(*) > 0 AS altered FROM alter_model('sat', window_days => 200);
SELECT * FROM shopdata.differ('SELECT customer_key, stream, kind, events, total FROM sat.customer_streams',
  'SELECT customer_id::text, stream, question || CASE class WHEN ''any'' THEN '''' ELSE '':'' || class END, count(*), sum(rating) FROM shopdata.answered
   WHERE answered_on <= ''2025-12-31'' GROUP BY 1, 2, 3');
SELECT to_char(day, 'YYYY-MM-DD') AS day, d.* FROM unnest('{2024-09-30,2025-06-30,2025-12-31}'::date[]) AS day,
  shopdata.differ(format('SELECT customer_key, round(satisfaction_score::numeric, 9), satisfaction_answers, satisfaction_last_on
    FROM sat.customer_scores_at(%L, 2) WHERE satisfaction_last_on IS NOT NULL', day),
    format('SELECT * FROM shopdata.slow_satisfaction(''{recommend,stars,service,effort,feeling}'', ''2025-12-31'', %L, 200)', day)) AS d;
-- the version before, which had no window
SELECT * FROM shopdata.differ('SELECT customer_key, round(satisfaction_score::numeric, 9), satisfaction_answers, satisfaction_last_on
    FROM sat.customer_scores_at(''2025-06-30'', 1) WHERE satisfaction_last_on IS NOT NULL',
  'SELECT * FROM shopdata.slow_satisfaction(''{recommend,stars,service,effort,feeling}'', ''2025-12-31'', ''2025-06-30'', NULL)');
SELECT reason, affected, explanation FROM sat.data_quality WHERE reason ~ 'off_scale|no_value|stream_unconv';
SELECT (SELECT count(*) FROM shopdata.ratings WHERE nps > 10) AS nps, (SELECT count(*) FROM shopdata.ratings WHERE stars = 3.5) AS stars,
  (SELECT count(*) FROM shopdata.ratings WHERE effort = 'NaN') AS effort, (SELECT count(*) FROM shopdata.ratings WHERE feeling > 5) AS feeling;

-- The views, on three days: values by core's aggregates, intervals by the plain aggregates over single answers.
CREATE TABLE shopdata.invited AS
SELECT customer_id, answered_on - 2 AS sent_on, 'delivery' AS what FROM shopdata.ratings
UNION ALL SELECT customer_id, answered_on - 3, 'newsletter' FROM shopdata.ratings WHERE answer_id % 3 > 0;
SELECT item, detail FROM add_stream('sat', 'mails', 'shopdata.invited', customer => 'customer_id', day => 'sent_on', kind => 'what', role => 'sent') WHERE item ~ 'kind';
CREATE FUNCTION shopdata.slow_answers(as_of date, by_segment boolean) RETURNS TABLE (stream text, question text, segment text, customers bigint, answers bigint,
  asked bigint, response_rate numeric, value numeric) LANGUAGE sql AS $$
  WITH s AS MATERIALIZED (SELECT customer_key, CASE WHEN $2 THEN segment END AS segment FROM sat.customer_scores),
  a AS MATERIALIZED (SELECT a.*, s.segment FROM shopdata.answered AS a JOIN s ON s.customer_key = a.customer_id::text WHERE answered_on <= $1 AND answered_on > $1 - 200),
  m AS MATERIALIZED (SELECT i.*, s.segment FROM shopdata.invited AS i JOIN s ON s.customer_key = i.customer_id::text WHERE sent_on <= $1 AND sent_on > $1 - 200)
  SELECT q.stream, q.question, q.segment, count(DISTINCT a.customer_id), count(a.customer_id), q.asked,
         round(count(a.customer_id) / nullif(q.asked, 0)::numeric, 9),
         round(CASE q.scale WHEN 'nps' THEN 100 * (count(*) FILTER (WHERE a.rating >= 9) - count(*) FILTER (WHERE a.rating <= 6)) / nullif(count(a.rating), 0)::numeric
           WHEN 'csat' THEN count(*) FILTER (WHERE a.rating >= 4) / nullif(count(a.rating), 0)::numeric ELSE avg(a.rating) END, 9)
  FROM (SELECT q.*, g.segment, (SELECT count(*) FROM m WHERE (m.what = 'delivery' OR q.question <> 'delivery') AND m.segment IS NOT DISTINCT FROM g.segment) AS asked
          FROM (SELECT DISTINCT stream, question, scale FROM a) AS q CROSS JOIN (SELECT l.segment::text FROM sat.segments AS l WHERE $2 UNION ALL SELECT NULL WHERE NOT $2) AS g OFFSET 0) AS q
  LEFT JOIN a ON a.stream = q.stream AND a.question = q.question AND coalesce(a.segment, '') = coalesce(q.segment, '')
  GROUP BY q.stream, q.question, q.scale, q.segment, q.asked
$$;
-- key figures: the answers of a period, of all questions on a scale together, by the segments of its end
CREATE FUNCTION shopdata.slow_figures(a date, b date) RETURNS TABLE (segment text, kpi text, value numeric, low numeric, high numeric, n bigint) LANGUAGE sql AS $$
  WITH s AS MATERIALIZED (SELECT customer_key, x.segment FROM sat.customer_scores_at($2) AS c CROSS JOIN LATERAL (VALUES (c.segment), ('everybody')) AS x (segment)),
  r AS MATERIALIZED (SELECT g.*, s.segment FROM shopdata.answered AS g JOIN s ON s.customer_key = g.customer_id::text WHERE answered_on <= $2 AND answered_on > $1),
  m AS MATERIALIZED (SELECT i.*, s.segment FROM shopdata.invited AS i JOIN s ON s.customer_key = i.customer_id::text WHERE sent_on <= $2 AND sent_on > $1),
  g AS (SELECT DISTINCT segment FROM s),
  asked AS (SELECT m.segment, count(*) AS n FROM m JOIN (SELECT DISTINCT stream, question FROM shopdata.answered) AS q ON m.what = 'delivery' OR q.question <> 'delivery' GROUP BY 1)
  SELECT g.segment, 'nps', round((x.i).value::numeric, 9), round((x.i).low::numeric, 9), round((x.i).high::numeric, 9), coalesce((x.i).n, 0) FROM g LEFT JOIN (SELECT segment, nps(rating::float8) AS i FROM r WHERE stream = 'recommend' GROUP BY 1) AS x USING (segment)
  UNION ALL SELECT g.segment, 'csat', round((x.i).value::numeric, 9), round((x.i).low::numeric, 9), round((x.i).high::numeric, 9), coalesce((x.i).n, 0) FROM g LEFT JOIN (SELECT segment, csat(rating::float8) AS i FROM r WHERE stream = 'service' GROUP BY 1) AS x USING (segment)
  UNION ALL SELECT g.segment, 'response_rate', round((SELECT count(*) FROM r WHERE r.segment = g.segment) / nullif(a.n, 0)::numeric, 9), NULL, NULL, coalesce(a.n, 0) FROM g LEFT JOIN asked AS a USING (segment) $$;
SELECT to_char(a, 'YYYY-MM-DD') AS a, to_char(b, 'YYYY-MM-DD') AS b, d.* FROM (VALUES (date '2024-12-31', date '2025-03-31'), ('2025-10-02', '2025-12-31'), ('2023-01-31', '2024-02-28')) AS p (a, b),
  shopdata.differ(format('SELECT coalesce(segment, ''everybody''), kpi, round(value::numeric, 9), round(low::numeric, 9), round(high::numeric, 9), n FROM sat.segment_kpi_history(%L, %L, %L) WHERE kpi IN (''nps'', ''csat'', ''response_rate'')', a, b, (b - a) || ' days'),
    format('SELECT * FROM shopdata.slow_figures(%L, %L)', a, b)) AS d;
SELECT kpi, round(value::numeric, 3) AS value, round(low::numeric, 3) AS low, round(high::numeric, 3) AS high, n FROM sat.segment_kpis WHERE everybody AND kpi IN ('nps', 'csat', 'response_rate');
SELECT item, detail FROM set_goal('sat', NULL, 'nps', 20, 'by', '2026-06-30') UNION ALL SELECT item, detail FROM set_goal('sat', 'vip', 'csat', 0.95, 'to', '2026-06-30', baseline => 0.5);
SELECT kpi, round(actual::numeric, 3) AS actual, round(low::numeric, 3) AS low, round(high::numeric, 3) AS high, status FROM sat.goals;
-- the interval of answers of which those of a customer, question, class and day are equal
CREATE FUNCTION shopdata.slow_interval(as_of date) RETURNS TABLE (stream text, question text, low numeric, high numeric) LANGUAGE sql AS $$
  WITH a AS (SELECT stream, question, rating, avg(rating) OVER (PARTITION BY customer_id, stream, question, class, answered_on) AS of_day
             FROM shopdata.answered WHERE answered_on <= $1 AND answered_on > $1 - 200)
  SELECT stream, question, round((i).low::numeric, 9), round((i).high::numeric, 9) FROM (
    SELECT stream, question, nps(rating) AS i FROM a WHERE stream = 'recommend' GROUP BY 1, 2
    UNION ALL SELECT stream, question, csat(rating) FROM a WHERE stream = 'service' GROUP BY 1, 2
    UNION ALL SELECT stream, question, _mean_of_ratings(count(*), avg(rating)::float8, var_samp(of_day)::float8,
      CASE stream WHEN 'feeling' THEN -5 ELSE 1 END, CASE stream WHEN 'effort' THEN 7 ELSE 5 END) FROM a WHERE stream IN ('stars', 'effort', 'feeling') GROUP BY 1, 2) AS i
$$;
CREATE FUNCTION shopdata.compare_answers(day date) RETURNS TABLE (what text, rows bigint, different bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count(*) FROM alter_model('sat', as_of => day);
  RETURN QUERY SELECT 'by segment', d.* FROM shopdata.differ('SELECT stream, question, segment, customers, answers, asked, round(response_rate::numeric, 9), round(value::numeric, 9)
    FROM sat.satisfaction_by_segment', format('SELECT * FROM shopdata.slow_answers(%L, true)', day)) AS d;
  RETURN QUERY SELECT 'all', d.* FROM shopdata.differ('SELECT stream, question, NULL, customers, answers, asked, round(response_rate::numeric, 9), round(value::numeric, 9)
    FROM sat.satisfaction', format('SELECT * FROM shopdata.slow_answers(%L, false)', day)) AS d;
  RETURN QUERY SELECT 'intervals', d.* FROM shopdata.differ('SELECT stream, question, round(low::numeric, 9), round(high::numeric, 9) FROM sat.satisfaction',
    format('SELECT * FROM shopdata.slow_interval(%L)', day)) AS d;
END $$;
SELECT to_char(day, 'YYYY-MM-DD') AS day, c.* FROM unnest('{2024-12-31,2025-07-14,2025-12-31}'::date[]) AS day, shopdata.compare_answers(day) AS c;
SELECT stream, question, scale, customers, answers, asked, round(response_rate::numeric, 3) AS response_rate, round(value::numeric, 2) AS value, round(low::numeric, 2) AS low,
  round(high::numeric, 2) AS high, suppressed FROM sat.satisfaction;
SELECT segment, segment_label, customers, answers, asked, round(value::numeric, 2) AS value, segment_order FROM sat.satisfaction_by_segment WHERE stream = 'recommend' AND question = 'delivery';
-- a mean of one answer has no interval
SELECT count(*) FILTER (WHERE (low IS NULL) <> (answers < 2)) AS other, count(*) FILTER (WHERE (value IS NULL) <> (answers < 1)) AS other
FROM sat.satisfaction_by_segment WHERE stream IN ('effort', 'stars', 'feeling');

-- explain_score names the answers, in both languages; of who has said nothing no word.
SELECT topic, value, explanation, to_char(last_day, 'YYYY-MM-DD') AS last_day FROM explain_score('sat', '7') WHERE topic = 'satisfaction_score';
SELECT topic, value, explanation FROM explain_score('sat', '7', '2024-09-30', language => 'fr') WHERE topic = 'satisfaction_score';
SELECT count(*) FROM explain_score('sat', (SELECT min(customer_key) FROM sat.customer_scores WHERE satisfaction_answers = 0)) WHERE topic = 'satisfaction_score';

-- In conditions of a map, in a composite, in a scorecard.
CREATE SCHEMA satmaps;
SELECT create_segment_map('satmaps.pleased', copy_of => 'essential');
INSERT INTO satmaps.segment_rule (map, position, segment, conditions) VALUES
  ('pleased', -1, 'vip', '{"and": [{"column": "satisfaction_score", "op": ">=", "value": 9}, {"column": "satisfaction_answers", "op": ">=", "value": 3}]}');
SELECT count(*) > 0 AS altered FROM alter_model('sat', segment_map => 'satmaps.pleased', composite => '{"rfm_score": 5, "satisfaction_score": 2}');
SELECT count(*) > 0 AS some, bool_and(segment_by_rules = 'vip') AS all_vips FROM sat.customer_scores WHERE satisfaction_score >= 9 AND satisfaction_answers >= 3;
SELECT count(*) FILTER (WHERE satisfaction_score IS NOT NULL AND rfm_score IS NOT NULL) > 0 AS some,
  count(*) FILTER (WHERE abs(composite_score - (5 * (rfm_score - 1) / 4 * 100 + 2 * satisfaction_score * 10) / 7) > 1e-9) AS other,
  count(*) FILTER (WHERE (composite_missing ~ 'satisfaction') <> (satisfaction_score IS NULL)) AS missing FROM sat.customer_scores;
SELECT item FROM alter_model('sat', segment_map => 'essential_hybrid') WHERE item ~ 'Ambassadors|note';
SELECT create_scorecard('satmaps.unhappy');
INSERT INTO satmaps.scorecard_rule (card, position, stream, kind, mode, points, window_days, label_en, label_fr) VALUES
  ('unhappy', 1, 'recommend', 'delivery:detractor', 'each', 10, 200, 'Unhappy with the delivery', 'Mécontent de la livraison');
INSERT INTO satmaps.scorecard_band (card, band, language, enter, leave, label) VALUES ('unhappy', 'any', 'en', 0, 0, 'Any');
UPDATE satmaps.scorecard SET max_points = 100 WHERE card = 'unhappy';
SELECT item, detail FROM alter_model('sat', scorecards => '{satmaps.unhappy}') WHERE item = 'note' AND detail ~ 'unhappy';
SELECT * FROM shopdata.differ('SELECT customer_key, unhappy_score::numeric FROM sat.customer_scores WHERE unhappy_score > 0',
  'SELECT customer_id::text, least(100, 10 * count(*))::numeric FROM shopdata.answered WHERE stream = ''recommend'' AND question = ''delivery'' AND class = ''detractor''
   AND answered_on <= ''2025-12-31'' AND answered_on > date ''2025-12-31'' - 200 GROUP BY 1');

-- An attribute of that name takes the column's place.
SELECT count(*) > 0 AS altered FROM alter_model('sat', customers => 'SELECT customer_id, (visits / 2)::float8 AS satisfaction_score FROM shopdata.people', attributes => '{satisfaction_score}');
SELECT count(*) FILTER (WHERE s.satisfaction_score <> p.visits / 2) AS other, max(s.satisfaction_answers) > 0 AS answers
FROM sat.customer_scores AS s JOIN shopdata.people AS p ON p.customer_id::text = s.customer_key;
SELECT count(*) > 0 AS altered FROM alter_model('sat', reset => '{customers,attributes}');

-- Names: a stream called satisfaction has a column of its own.
SELECT count(*) > 0 AS added FROM add_stream('sat', 'satisfaction', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'stars', scale => 'stars');
SELECT count(*) > 0 AS some, bool_and(satisfaction_last_on <= '2025-12-31') AS known FROM sat.customer_scores WHERE satisfaction_last_on IS NOT NULL;
SELECT item FROM drop_stream('sat', 'satisfaction');

-- A question with too many kinds beside it has no value, and says so.
SELECT count(*) > 0 AS altered FROM alter_stream('sat', 'recommend', kinds => 4);
SELECT question, answers > 0 AS answers, value IS NULL AS value FROM sat.satisfaction WHERE stream = 'recommend';
SELECT kpi, value, n, reason FROM sat.segment_kpis WHERE everybody AND kpi = 'nps';
SELECT explanation FROM sat.data_quality WHERE reason = 'stream_other_kinds';
-- the score of a customer has all answers all the same
SELECT * FROM shopdata.differ('SELECT customer_key, satisfaction_answers FROM sat.customer_scores WHERE satisfaction_answers > 0',
  'SELECT customer_id::text, count(*) FROM shopdata.answered WHERE answered_on <= ''2025-12-31'' AND answered_on > date ''2025-12-31'' - 200 GROUP BY 1');
SELECT count(*) > 0 AS altered FROM alter_stream('sat', 'recommend', reset => '{kinds}');
-- a question of more than 50 bytes is other, whatever its class
SELECT count(*) > 0 AS altered FROM alter_stream('sat', 'recommend', kind => $$'Would you recommend our shop to a friend or colleague?'$$);
SELECT kind, role FROM streams('sat') WHERE stream = 'recommend';
SELECT count(*) FROM sat.satisfaction WHERE stream = 'recommend';

-- Another scale, none, and what can't be.
SELECT item, detail FROM alter_stream('sat', 'recommend', kind => 'question', scale => '{"min": 0, "max": 20}') WHERE item ~ 'kind|left';
SELECT item, detail FROM alter_stream('sat', 'recommend', reset => '{scale,role}') WHERE item ~ 'kind|left';
SELECT count(*) FROM sat.satisfaction WHERE stream = 'recommend';
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'nps', scale => 'net')$$, true);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'nps', scale => '{"min": 0}')$$, true);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'nps', scale => '{"min": 5, "max": 5}')$$, true);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'nps', scale => '{"min": 0, "max": 1e9}')$$, true);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'nps', scale => '{"min": "0", "max": 5}')$$);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'nps', scale => '{')$$);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'nps', scale => 'nps', role => 'open')$$, true);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'nps', scale => 'nps', role => '{"a": "answer"}')$$);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', scale => 'nps')$$, true);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'nps', scale => 'nps', counts => 'true')$$, true);
SELECT shopdata.refused($$add_stream('sat', 'x', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', value => 'question', scale => 'nps')$$);

-- Without streams of a scale the columns and views stay, and say nothing.
SELECT string_agg(item, ' ') FROM unnest('{stars,service,effort,feeling}'::text[]) AS s, drop_stream('sat', s) WHERE item = 'dropped';
SELECT count(*) AS customers, count(satisfaction_score) AS scores, count(satisfaction_answers) AS answers FROM sat.customer_scores;
SELECT (SELECT count(*) FROM sat.satisfaction) AS questions, (SELECT count(*) FROM sat.satisfaction_by_segment) AS segments,
  (SELECT count(satisfaction_mean) FROM sat.calibration) AS means;
SELECT kpi, status FROM sat.goals;
SELECT shopdata.refused(format('set_goal(''sat'', ''vip'', %L, 1, ''by'', ''2026-06-30'')', k)) FROM unnest('{nps,csat,response_rate}'::text[]) AS k;
SELECT drop_model('sat');

-- Few answers: the mean of all counts as five; one customer, and equal ones.
CREATE TABLE shopdata.few (customer_id int, answered_on date, rating int);
INSERT INTO shopdata.few VALUES (1, '2025-12-01', 10), (2, '2025-12-01', 4), (3, '2025-12-02', 8), (3, '2025-12-03', 6);
SELECT count(*) > 0 AS made FROM create_model('few', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
SELECT count(*) > 0 AS added FROM add_stream('few', 'nps', 'shopdata.few', customer => 'customer_id', day => 'answered_on', value => 'rating', scale => 'nps');
SELECT satisfaction_mean, satisfaction_weight FROM few.calibration;
SELECT customer_key, satisfaction_score, satisfaction_answers FROM few.customer_scores WHERE satisfaction_answers > 0 ORDER BY 1;
-- two customers who have answered twice, and always say the same: each has their own mean
INSERT INTO shopdata.few VALUES (1, '2025-12-10', 10), (2, '2025-12-10', 4), (3, '2025-12-04', 7);
DELETE FROM shopdata.few WHERE customer_id = 3;
SELECT count(*) > 0 AS altered FROM alter_stream('few', 'nps', time_zone => 'Europe/Paris');
SELECT satisfaction_mean, satisfaction_weight FROM few.calibration;
SELECT customer_key, satisfaction_score, satisfaction_answers FROM few.customer_scores WHERE satisfaction_answers > 0 ORDER BY 1;
-- refresh keeps what a version knows, calibrate_model takes it again
INSERT INTO shopdata.few VALUES (4, '2025-12-11', 0), (4, '2025-12-12', 10);
SELECT stream, customers_added, customers_changed FROM refresh_model('few') WHERE stream = 'nps';
SELECT satisfaction_mean, satisfaction_weight FROM few.calibration;
SELECT count(*) > 0 AS calibrated FROM calibrate_model('few');
SELECT version, satisfaction_mean, round(satisfaction_weight::numeric, 6) AS weight FROM few.calibration ORDER BY 1;
SELECT drop_model('few');

-- Live against refreshed: no statement fails, and both know the same.
CREATE TABLE shopdata.live_ratings (id int PRIMARY KEY, customer_id int, answered_on date, question text, rating float8);
SELECT count(*) > 0 AS made FROM create_model('satl', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', on_error => 'raise');
SELECT count(*) > 0 AS added FROM add_stream('satl', 'nps', 'shopdata.live_ratings', customer => 'customer_id', day => 'answered_on', kind => 'question', value => 'rating', scale => 'nps', live => true);
INSERT INTO shopdata.live_ratings SELECT answer_id, customer_id, answered_on, question, nps FROM shopdata.ratings;
INSERT INTO shopdata.live_ratings VALUES (9001, 1, '2025-01-01', 'delivery', 'NaN'), (9002, 1, '2025-01-01', 'delivery', 'Infinity'), (9003, 1, '2025-01-01', 'delivery', 9.5),
  (9004, 1, '2025-01-01', 'delivery', -1), (9005, 1, '2025-01-01', 'delivery', 9), (9006, 1, '2025-01-01', 'delivery', 6);
UPDATE shopdata.live_ratings SET rating = 10 - rating WHERE id % 10 = 0 AND rating <= 10;
UPDATE shopdata.live_ratings SET rating = 42 WHERE id % 55 = 1;
DELETE FROM shopdata.live_ratings WHERE id % 7 = 0;
SELECT status, differences > 0 AS some FROM apply_changes('satl');
SELECT reason, affected FROM satl.data_quality WHERE reason = 'stream_off_scale';
SELECT count(*) FROM shopdata.live_ratings WHERE rating NOT BETWEEN 0 AND 10 OR rating <> floor(rating);
SELECT * FROM check_model('satl');
CREATE TABLE shopdata.live_then AS SELECT customer_key, satisfaction_score, satisfaction_answers, satisfaction_last_on FROM satl.customer_scores;
CREATE TABLE shopdata.live_views AS SELECT * FROM satl.satisfaction_by_segment;
SELECT stream, rows_unconvertible, customers_changed FROM refresh_model('satl') WHERE stream = 'nps';
SELECT * FROM shopdata.differ('SELECT customer_key, satisfaction_score, satisfaction_answers, satisfaction_last_on FROM satl.customer_scores', 'TABLE shopdata.live_then');
SELECT * FROM shopdata.differ('TABLE satl.satisfaction_by_segment', 'TABLE shopdata.live_views');
-- pending answers count before they are applied
INSERT INTO shopdata.live_ratings VALUES (9101, 2, '2025-12-30', 'delivery', 0), (9102, 3, '2025-12-30', 'delivery', 11);
SELECT s.satisfaction_answers - t.satisfaction_answers AS more, s.satisfaction_score < t.satisfaction_score AS less, s.satisfaction_last_on = '2025-12-30' AS today
FROM satl.customer_scores AS s JOIN shopdata.live_then AS t USING (customer_key) WHERE customer_key = '2';
SELECT drop_model('satl');

-- Tenants: each has a mean of its own, and its own answers.
SELECT count(*) > 0 AS made FROM create_model('satt', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch', as_of => '2025-12-31');
SELECT count(*) > 0 AS added FROM add_stream('satt', 'recommend', 'shopdata.ratings', customer => 'customer_id', day => 'answered_on', kind => 'question', value => 'nps', scale => 'nps');
SELECT * FROM shopdata.differ('SELECT tenant, round(satisfaction_mean::numeric, 9) FROM satt.calibration',
  'SELECT branch, round(avg(of_ten), 9) FROM shopdata.answered WHERE stream = ''recommend'' AND answered_on <= ''2025-12-31'' GROUP BY 1');
SELECT * FROM shopdata.differ('SELECT tenant, question, answers, round(value::numeric, 9) FROM satt.satisfaction',
  'SELECT branch, question, count(*), round(100 * (count(*) FILTER (WHERE rating >= 9) - count(*) FILTER (WHERE rating <= 6)) / count(*)::numeric, 9)
   FROM shopdata.answered WHERE stream = ''recommend'' AND answered_on <= ''2025-12-31'' GROUP BY 1, 2');
SELECT * FROM shopdata.differ('SELECT tenant, question, sum(answers), count(*) FROM satt.satisfaction_by_segment GROUP BY 1, 2',
  'SELECT branch, question, count(*)::numeric, (SELECT count(*) FROM satt.segments) FROM shopdata.answered WHERE stream = ''recommend'' AND answered_on <= ''2025-12-31'' GROUP BY 1, 2');
-- a reader sees the answers of their tenant alone
CREATE ROLE sat_reader;
SELECT grant_reader('satt', 'sat_reader', 'north') IS NOT NULL AS granted;
SET ROLE sat_reader;
SELECT array_agg(DISTINCT tenant) AS tenants, count(*) > 0 AS some FROM satt.satisfaction_by_segment;
SELECT array_agg(DISTINCT tenant) AS tenants FROM satt.satisfaction;
SELECT error_of('SELECT FROM satt.calibration');
RESET ROLE;
SELECT drop_model('satt');
DROP ROLE sat_reader;

-- Small groups are hidden: those of few who have answered, and of few who have not.
SELECT count(*) > 0 AS made FROM create_model('sats', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', minimum_group_size => 10);
SELECT count(*) > 0 AS added FROM add_stream('sats', 'recommend', 'SELECT * FROM shopdata.ratings WHERE customer_id % 3 = 0', customer => 'customer_id', day => 'answered_on', kind => 'question', value => 'nps', scale => 'nps');
SELECT question, customers, answers, round(value::numeric, 1) AS value, suppressed FROM sats.satisfaction;
SELECT question, segment, customers, answers, round(value::numeric, 1) AS value, suppressed FROM sats.satisfaction_by_segment WHERE question = 'delivery';
SELECT segment, everybody, round(value::numeric, 1) AS value, n, suppressed FROM sats.segment_kpi_history('2024-02-29', '2025-12-31', '671 days') WHERE kpi = 'nps';
SELECT count(*) FILTER (WHERE customers BETWEEN 1 AND 9) AS small, count(*) FILTER (WHERE suppressed) > 0 AS hidden,
  count(*) FILTER (WHERE suppressed AND concat(customers, answers, asked, response_rate, value, low, high) <> '') AS told FROM sats.satisfaction_by_segment;
-- nor does a difference tell: of one question, all segments but one that is hidden
SELECT count(*) FILTER (WHERE n = 1) AS alone FROM (SELECT question, count(*) FILTER (WHERE suppressed) AS n FROM sats.satisfaction_by_segment GROUP BY 1) AS s;
SELECT drop_model('sats');
