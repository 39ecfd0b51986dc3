-- Scorecards in models, compared with the functions that read histories by the names
-- of their kinds. Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never

CREATE TABLE shopdata.acts AS
SELECT 1 + (u1 * u1 * 449)::int AS customer_id, date '2024-06-01' + (u2 * 620)::int AS done_on,
       (ARRAY['page_view', 'email_open', 'email_click', 'Added to Cart', 'demo_request', 'unsubscribe', 'nothing known'])[1 + floor(7 * u3 * u3)::int] AS what
FROM (SELECT (hashint8extended(e, 1) & 1073741823) / 1073741824.0::float8 AS u1, (hashint8extended(e, 2) & 1073741823) / 1073741824.0::float8 AS u2,
             (hashint8extended(e, 3) & 1073741823) / 1073741824.0::float8 AS u3 FROM generate_series(1, 9000) AS e) AS s
WHERE (1 + (u1 * u1 * 449)::int) % 31 <> 0;
SELECT count(*) FROM create_model('cm', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'shopdata.people', attributes => '{city,visits}', scorecards => '{engagement}');
SELECT detail FROM alter_model('cm', scorecards => '{engagement}') WHERE item = 'note';
-- nothing is known yet that the card reads
SELECT engagement_reason, count(*), count(engagement_score), count(engagement_band) FROM cm.customer_scores GROUP BY 1;
SELECT item, detail FROM add_stream('cm', 'web', 'shopdata.acts', customer => 'customer_id', day => 'done_on', kind => 'what') WHERE item ~ 'kind';
SELECT engagement_reason, engagement_band, count(*), round(min(engagement_score)::numeric, 2) AS lowest, round(max(engagement_score)::numeric, 2) AS highest
FROM cm.customer_scores GROUP BY 1, 2 ORDER BY 1, 3;
-- of today and of past days, bit by bit
SELECT to_char(day, 'YYYY-MM-DD') AS day, d.* FROM unnest('{2024-08-15,2025-03-31,2025-12-31}'::date[]) AS day, shopdata.differ(
  format('SELECT customer_key, engagement_score, engagement_band FROM cm.customer_scores_at(%L) WHERE engagement_score IS NOT NULL', day),
  format('SELECT customer_id::text, scorecard_score(''engagement'', array_agg(what), array_agg(history), %1$L), scorecard_band(''engagement'', array_agg(what), array_agg(history), %1$L)
    FROM (SELECT customer_id, what, history_agg(done_on, 1) AS history FROM shopdata.acts GROUP BY 1, 2) AS a GROUP BY 1
    HAVING scorecard_score(''engagement'', array_agg(what), array_agg(history), %1$L) IS NOT NULL', day)) AS d;
-- in a segment map: engagement_score is what the shipped map asks for
SELECT detail FROM alter_model('cm', scorecards => '{engagement}') WHERE item = 'note';
SELECT item, detail FROM alter_model('cm', segment_map => 'essential_hybrid') WHERE item ~ '^segment';
SELECT count(*) FILTER (WHERE segment = 'high_potential_low_engagement'), count(*) FILTER (WHERE segment = 'high_potential_low_engagement' AND engagement_score >= 30) AS wrong FROM cm.customer_scores;

-- the labels of past days, engagement the slow way
WITH told AS MATERIALIZED (
  SELECT customer_id::text AS customer, array_agg(what) AS kinds, array_agg(history) AS histories
    FROM (SELECT customer_id, what, history_agg(done_on, 1) AS history FROM shopdata.acts GROUP BY 1, 2) AS x GROUP BY 1)
SELECT to_char(day, 'YYYY-MM-DD') AS day, count(*), count(*) FILTER (WHERE s.segment_by_rules IS DISTINCT FROM
    segment(s.r_score, s.f_score, s.m_score, 'essential_hybrid', to_jsonb(s) || jsonb_build_object('engagement_score', a.score))) AS wrong,
  count(*) FILTER (WHERE s.segment_by_rules = 'high_potential_low_engagement') > 0 AS some
FROM unnest('{2025-03-31,2025-08-31,2025-12-31}'::date[]) AS day
CROSS JOIN LATERAL cm.customer_scores_at(day, (SELECT max(version) FROM cm.configuration)) AS s
LEFT JOIN LATERAL (SELECT scorecard_score('engagement', t.kinds, t.histories, day) AS score FROM told AS t WHERE t.customer = s.customer_key) AS a ON true
GROUP BY s.as_of, day ORDER BY s.as_of;
SELECT from_segment, to_segment, customers FROM cm.segment_transitions('2025-08-31', '2025-12-31') WHERE 'high_potential_low_engagement' IN (from_segment, to_segment) ORDER BY 1, 2;
-- a card of one's own; what its author changes later is another version
CREATE SCHEMA cards;
SELECT create_scorecard('cards.fitness');
UPDATE cards.scorecard SET max_points = 10 WHERE card = 'fitness';
INSERT INTO cards.scorecard_rule (card, position, mode, points, conditions, label_en, label_fr) VALUES
  ('fitness', 1, 'fit', 6, '{"column": "city", "op": "=", "value": "Lyon"}', 'Lives in Lyon', 'Habite Lyon'),
  ('fitness', 2, 'fit', 4, '{"column": "visits", "op": ">=", "value": 4}', 'Comes often', 'Vient souvent');
INSERT INTO cards.scorecard_band (card, band, language, enter, label, display_order) SELECT 'fitness', b, l, e, b, o
FROM (VALUES ('A', 60, 1), ('B', 40, 2), ('C', 0, 3)) AS v (b, e, o), unnest('{en,fr}'::text[]) AS l;
SELECT * FROM check_scorecard('cards.fitness');
SELECT item, detail FROM alter_model('cm', scorecards => '{engagement,cards.fitness}') WHERE item !~ '^segment';
SELECT fitness_score, fitness_band, count(*), min(fit_engagement), max(fit_engagement) FROM cm.customer_scores GROUP BY 1, 2 ORDER BY 1;
SELECT * FROM shopdata.differ('SELECT customer_key, fitness_score FROM cm.customer_scores WHERE customer_key::int <= 380',
  'SELECT customer_id::text, (CASE WHEN city = ''Lyon'' THEN 60 ELSE 0 END + CASE WHEN visits >= 4 THEN 40 ELSE 0 END)::float8 FROM shopdata.people WHERE customer_id <= 380');
UPDATE cards.scorecard_rule SET points = 1 WHERE card = 'fitness' AND position = 1;
SELECT max(fitness_score) FROM cm.customer_scores;
SELECT count(*) > 0 AS altered FROM alter_model('cm', scorecards => '{engagement,cards.fitness}');
SELECT max(fitness_score) FROM cm.customer_scores;
SELECT max(fitness_score) FROM cm.customer_scores_at('2025-12-31', 5);
SELECT max(fitness_score) FROM cm.customer_scores_at('2025-12-31', 6);
SELECT count(fitness_score) FROM cm.customer_scores_at('2025-12-31', 4);
-- rules of a stream, of a kind, of the orders, of values
SELECT create_scorecard('cards.mixed');
UPDATE cards.scorecard SET max_points = 1000 WHERE card = 'mixed';
INSERT INTO cards.scorecard_rule (card, position, stream, kind, mode, points, window_days, half_life_days, label_en, label_fr) VALUES
  ('mixed', 1, 'orders', NULL, 'value', 0.5, 365, NULL, 'Spent', 'Dépenses'), ('mixed', 2, 'web', 'PAGE_VIEW', 'each', 2, NULL, 60, 'Looked', 'A regardé'),
  ('mixed', 3, 'web', NULL, 'value', 1, 90, NULL, 'Came', 'Est venu');
SELECT count(*) > 0 AS altered FROM alter_model('cm', scorecards => '{engagement,cards.fitness,cards.mixed}');
SELECT * FROM shopdata.differ('SELECT customer_key, round(mixed_score::numeric, 9) FROM cm.customer_scores WHERE mixed_score IS NOT NULL',
  'SELECT k.customer_id::text, round((least(greatest(coalesce(o.points, 0) + coalesce(a.points, 0), 0), 1000) / 10)::numeric, 9)
     FROM (SELECT customer_id FROM shopdata.orders WHERE ordered_on <= ''2025-12-31'' AND total >= 0 UNION SELECT customer_id FROM shopdata.acts WHERE done_on <= ''2025-12-31'') AS k
     LEFT JOIN (SELECT customer_id, sum(total) * 0.5 AS points FROM shopdata.orders WHERE ordered_on <= ''2025-12-31'' AND ordered_on > date ''2025-12-31'' - 365 GROUP BY 1) AS o USING (customer_id)
     LEFT JOIN (SELECT customer_id, sum(CASE WHEN what = ''page_view'' THEN 2 * power(2::float8, (done_on - date ''2025-12-31'') / 60.0) ELSE 0 END
                  + CASE WHEN done_on > date ''2025-12-31'' - 90 THEN 1 ELSE 0 END) AS points FROM shopdata.acts WHERE done_on <= ''2025-12-31'' GROUP BY 1) AS a USING (customer_id)');
-- why: in both languages, and the points add up
SELECT topic, value, explanation, round(contribution::numeric, 3) AS points FROM explain_score('cm', '2') WHERE topic ~ '^(engagement|fitness|mixed)';
SELECT topic, value, explanation FROM explain_score('cm', '2', language => 'fr') WHERE topic ~ '^engagement';
SELECT count(*), max(abs(s.engagement_score - e.points)) < 1e-6 AS add_up
FROM cm.customer_scores AS s CROSS JOIN LATERAL (SELECT sum(contribution) AS points FROM explain_score('cm', s.customer_key) WHERE topic = 'engagement_points') AS e
WHERE s.customer_key::int BETWEEN 1 AND 12 AND s.engagement_score > 0;
-- one score of several
SELECT item, detail FROM alter_model('cm', composite => '{"rfm_score": 5, "engagement_score": 3, "fitness_score": 2}') WHERE item !~ '^segment';
SELECT * FROM shopdata.differ('SELECT customer_key, round(composite_score::numeric, 9), composite_missing FROM cm.customer_scores',
  'SELECT customer_key, round(((coalesce(5 * (rfm_score - 1) / 4 * 100, 0) + coalesce(3 * engagement_score, 0) + coalesce(2 * fitness_score, 0))
      / nullif(CASE WHEN rfm_score IS NULL THEN 0 ELSE 5 END + CASE WHEN engagement_score IS NULL THEN 0 ELSE 3 END + CASE WHEN fitness_score IS NULL THEN 0 ELSE 2 END, 0))::numeric, 9),
     nullif(concat_ws('', '', CASE WHEN engagement_score IS NULL THEN ''engagement_score'' END, CASE WHEN fitness_score IS NULL THEN ''fitness_score'' END, CASE WHEN rfm_score IS NULL THEN ''rfm_score'' END), '''')
   FROM cm.customer_scores');
SELECT composite_missing, count(*), min(composite_score) >= 0, max(composite_score) <= 100 FROM cm.customer_scores GROUP BY 1 ORDER BY 1;
SELECT shopdata.refused($$alter_model('cm', composite => '{"nobody": 1}')$$, true);
SELECT shopdata.refused($$alter_model('cm', composite => '[]')$$, true);
SELECT shopdata.refused($$alter_model('cm', composite => '{"rfm_score": -1}')$$);
SELECT count(*) > 0 AS reset FROM alter_model('cm', reset => '{composite}');
SELECT count(composite_score) FROM cm.customer_scores;
-- a new kind, after a refresh
INSERT INTO shopdata.acts VALUES (31, '2025-12-31', 'webinar_attended');
SELECT count(*) FROM refresh_model('cm');
SELECT engagement_score FROM cm.customer_scores WHERE customer_key = '31';
-- the stream is dropped
SELECT count(*) FROM drop_stream('cm', 'web');
SELECT engagement_reason, count(*), count(engagement_score) FROM cm.customer_scores GROUP BY 1;
SELECT count(*) > 0 AS back FROM alter_model('cm', version => 1);
SELECT count(engagement_score), count(fitness_score) FROM cm.customer_scores;
-- names and cards that can't be
SELECT shopdata.refused($$alter_model('cm', scorecards => '{nobody}')$$, true);
SELECT shopdata.refused($$alter_model('cm', scorecards => '{engagement,engagement}')$$);
SELECT shopdata.refused($$alter_model('cm', scorecards => '{NULL}')$$);
SELECT shopdata.refused($$alter_model('cm', scorecards => '{cards.none}')$$, true);
SELECT count(*) > 0 AS reset FROM alter_model('cm', reset => '{scorecards}');
SELECT count(engagement_score) FROM cm.customer_scores;
SELECT count(*) FROM drop_model('cm');
DROP SCHEMA cards CASCADE;
DROP TABLE shopdata.acts;
