-- What a dated function says of a past day when it knows some things of now only.
SET client_min_messages = warning;
SET search_path = public, scoring;
SET jit = off;

CREATE SCHEMA past;
CREATE TABLE past.people AS
SELECT p AS customer_id, CASE p % 3 WHEN 0 THEN 'gold' ELSE 'none' END AS tier, p % 40 AS visits, 'FR' AS country, date '2024-01-01' AS since,
       (ARRAY['industry', 'retail'])[1 + p % 2] AS sector FROM generate_series(1, 240) AS p;
CREATE TABLE past.orders AS
SELECT p AS customer_id, date '2025-01-01' + (p * 7 + k * 40) % 365 AS ordered_on, 10.00 + p % 50 AS total
FROM generate_series(1, 200) AS p, generate_series(0, p % 3) AS k;
CREATE TABLE past.visits AS
SELECT p AS customer_id, date '2025-01-01' + (p * 11 + k * 17) % 365 AS day, (ARRAY['visit', 'view_item', 'add_to_cart'])[1 + k % 3] AS kind
FROM generate_series(1, 240) AS p, generate_series(0, p % 9) AS k;
SELECT create_segment_map('past.attributes', copy_of => 'essential');
INSERT INTO past.segment_rule (map, position, segment, conditions) VALUES
  ('attributes', -2, 'vip', '{"or": [{"column": "tier", "op": "=", "value": "gold"}, {"not": {"column": "attributes.visits", "op": "<", "value": 35}}]}'),
  ('attributes', -1, 'at_risk', '{"and": [{"column": "visits", "op": ">", "value": 20}, {"column": "recency_days", "op": ">", "value": 90}]}');
SELECT create_segment_map('past.streams', copy_of => 'essential');
INSERT INTO past.segment_rule (map, position, segment, conditions) VALUES
  ('streams', -1, 'vip', '{"and": [{"column": "web_events_30d", "op": ">", "value": 1}, {"column": "engagement_score", "op": ">", "value": 1}]}');
SELECT create_segment_map('past.fit', copy_of => 'essential');
INSERT INTO past.segment_rule (map, position, segment, conditions) VALUES
  ('fit', -1, 'vip', '{"and": [{"column": "qualification_band", "op": "=", "value": "A"}, {"column": "fit_engagement", "op": "<>", "value": "C3"}]}');
SELECT count(*) > 0 AS made FROM create_model('p', 'past.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'past.people', attributes => '{tier,visits,sector,country}', known_since => 'since');
SELECT count(*) > 0 AS added FROM add_stream('p', 'web', 'past.visits', customer => 'customer_id', day => 'day', kind => 'kind');

-- No rule of the map of then reads an attribute: nothing is said
SET client_min_messages = notice;
SELECT count(*) > 0 AS some FROM p.customer_scores_at('2025-06-30');
SET client_min_messages = warning;
-- Before a card was named: that of now, with the thresholds of then; a version that is named has none
SELECT count(*) > 0 AS altered FROM alter_model('p', weights => '{5,1,1}', scorecards => '{engagement,qualification}');
SELECT count(*) AS customers, count(s.engagement_score) > 100 AS scored, bool_or(s.engagement_score > 0) AS some, count(*) FILTER (WHERE s.engagement_score IS DISTINCT FROM n.engagement_score
         OR s.engagement_band IS DISTINCT FROM n.engagement_band OR s.qualification_band IS DISTINCT FROM n.qualification_band OR s.engagement_reason IS DISTINCT FROM n.engagement_reason) AS other_card,
       count(*) FILTER (WHERE s.rfm_score IS DISTINCT FROM o.rfm_score OR s.segment IS DISTINCT FROM o.segment) AS other_thresholds,
       count(*) FILTER (WHERE s.rfm_score IS DISTINCT FROM n.rfm_score) > 0 AS weights_differ,
       count(o.engagement_score) AS in_version_1, count(*) FILTER (WHERE o.engagement_reason = 'not_in_version' AND o.qualification_reason = 'not_in_version') AS not_in_version_1
FROM p.customer_scores_at('2025-06-30') AS s JOIN p.customer_scores_at('2025-06-30', 1) AS o USING (customer_key)
JOIN p.customer_scores_at('2025-06-30', (SELECT max(version) FROM p.configuration)) AS n USING (customer_key);
-- by the slow way: what the card gives the events up to that day
SELECT count(*) AS different FROM p.customer_scores_at('2025-06-30') AS s
LEFT JOIN (SELECT customer_id, scorecard_score('engagement', array_agg(kind), array_agg(history), '2025-06-30') AS score
           FROM (SELECT customer_id, kind, history_agg(day, 1) AS history FROM past.visits GROUP BY customer_id, kind) AS k GROUP BY customer_id) AS c ON c.customer_id::text = s.customer_key
WHERE s.engagement_score IS DISTINCT FROM c.score;
SELECT topic, value FROM explain_score('p', '8', '2025-06-30') WHERE topic IN ('engagement_score', 'qualification_score');
SELECT count(*) > 0 AS altered FROM alter_model('p', segment_map => 'past.streams');
SET client_min_messages = notice;
SELECT count(*) > 0 AS some FROM p.customer_scores_at('2025-06-30');
SELECT count(*) > 0 AS some FROM p.segment_transitions('2025-06-30', '2025-12-31');
SELECT count(*) > 0 AS some FROM explain_score('p', '7', '2025-06-30');
SELECT count(*) >= 0 AS some FROM near_misses('p', 'vip', 20, '2025-06-30');
SET client_min_messages = warning;

-- Rules that read attributes are named, once a call, of past days only
SELECT detail FROM alter_model('p', segment_map => 'past.attributes') WHERE detail ~ 'attribute';
SELECT max(version) AS version FROM p.configuration \gset
SET client_min_messages = notice;
SELECT count(*) > 0 AS some FROM p.customer_scores_at('2025-06-30', :version);
SELECT count(*) > 0 AS some FROM p.customer_scores_at('2025-12-30', :version);
SELECT count(*) > 0 AS some FROM p.customer_scores_at('2025-12-31');
SELECT count(*) > 0 AS some FROM p.customer_scores_at('2026-02-01');
SELECT count(*) AS none FROM p.customer_scores_at(NULL);
-- a day on which another map was in force
SELECT count(*) > 0 AS some FROM p.customer_scores_at('2025-06-30');
-- moves are seen by the map of today
SELECT count(*) > 0 AS some FROM p.segment_transitions('2025-06-30', '2025-12-31');
SELECT count(*) > 0 AS some FROM p.segment_transitions('2025-12-31', '2025-12-31');
SELECT count(*) > 0 AS some FROM p.segment_history('2025-10-31', '2025-12-31');
SET client_min_messages = warning;
-- that map from the first day on
UPDATE p.configuration SET valid_from = valid_from - 400, valid_until = valid_until - 400;
SET client_min_messages = notice;
SELECT count(*) > 0 AS some FROM p.customer_scores_at('2025-06-30');
SELECT count(*) > 0 AS some FROM p.segment_history('2025-10-31', '2025-12-31');
SELECT count(*) > 0 AS some FROM explain_score('p', '7', '2025-06-30');
SELECT count(*) > 0 AS some FROM explain_score('p', '7', '2025-12-31');
SELECT count(*) > 0 AS some FROM explain_score('p', '7');
SELECT count(*) >= 0 AS some FROM near_misses('p', 'vip', 20, '2025-06-30');
SELECT count(*) >= 0 AS some FROM near_misses('p', 'vip', 20);
-- many rows, several calls in a statement: each says it once
SELECT count(*) > 0 AS some FROM unnest('{2025-03-31,2025-06-30}'::date[]) AS d, p.customer_scores_at(d) AS s;
SET client_min_messages = warning;
SELECT count(*) > 0 AS quiet FROM p.customer_scores_at('2025-06-30');

-- A score that a card makes of attributes
SELECT count(*) > 0 AS altered FROM alter_model('p', segment_map => 'past.fit');
SELECT max(version) AS version FROM p.configuration \gset
SET client_min_messages = notice;
SELECT count(*) > 0 AS some FROM p.customer_scores_at('2025-06-30', :version);
SET client_min_messages = warning;
SELECT count(*) > 0 AS dropped FROM drop_model('p');
DROP SCHEMA past CASCADE;
