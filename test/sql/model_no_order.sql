-- People without an order in models: who was refunded, prospects by rules, and
-- buyers without a score.
SET client_min_messages = warning;
SET search_path = public, scoring;
SET jit = off;

CREATE SCHEMA medusa;
CREATE TABLE medusa.orders (customer text, at date, amount numeric, counts boolean);
INSERT INTO medusa.orders SELECT 'c' || c, date '2025-01-01' + c * 7 + k * 30, 20 + c, true FROM generate_series(1, 20) AS c, generate_series(0, c % 4) AS k;
INSERT INTO medusa.orders VALUES ('refunded', '2025-07-30', 107.50, false), ('refunded', '2025-08-07', -107.50, false),
  ('kept the postage', '2025-07-30', 107.50, false), ('kept the postage', '2025-08-07', -100, false),
  ('refunded soon', '2025-07-30', 107.50, false), ('refunded soon', '2025-12-07', -107.50, false),
  ('back again', '2025-03-30', 10, false), ('back again', '2025-04-07', -10, false), ('back again', '2025-12-20', 10, true),
  ('returns only', '2025-07-30', -5, NULL);
CREATE TABLE medusa.people (customer text PRIMARY KEY, views int, city text);
INSERT INTO medusa.people SELECT 'c' || c, c, 'Lyon' FROM generate_series(1, 20) AS c;
INSERT INTO medusa.people VALUES ('looks', 5, 'Lyon'), ('sleeps', 1, 'Nice'), ('refunded', 9, 'Lyon'), ('nobody asked', NULL, NULL);
SELECT create_segment_map('medusa.visits', copy_of => 'essential');
INSERT INTO medusa.segment_rule (map, position, segment, conditions) VALUES ('visits', 1000, 'interested', '{"column": "views", "op": ">", "value": 3}'),
  ('visits', 1001, 'interested', '{"column": "attributes.city", "op": "=", "value": "Nice"}');
INSERT INTO medusa.segment_label (map, segment, language, role, label, display_order) VALUES ('visits', 'interested', 'en', 'prospect', 'Interested', 20), ('visits', 'interested', 'fr', 'prospect', 'Intéressés', 20);

SELECT count(*) > 0 AS made FROM create_model('shop', 'medusa.orders', customer => 'customer', day => 'at', value => 'amount', counts => 'counts',
  customers => 'medusa.people', attributes => '{views,city}', segment_map => 'medusa.visits', as_of => '2025-12-31');
SELECT customer_key, to_char(last_order_on, 'YYYY-MM-DD') AS last_order_on, frequency, monetary, rfm_code, score_reason, segment, segment_label FROM shop.customer_scores
WHERE r_score IS NULL OR customer_key = 'back again' ORDER BY 1;
SELECT s.segment, s.role, l.action, s.customers, s.revenue FROM shop.segment_summary AS s JOIN shop.segments AS l USING (segment) WHERE s.role IN ('prospect', 'other') ORDER BY s.segment_order;
SELECT reason, affected, explanation, advice FROM shop.data_quality WHERE reason IN ('no_order', 'all_refunded') ORDER BY 1;
-- every way says the same
SELECT count(*) AS customers, count(*) FILTER (WHERE s.segment IS DISTINCT FROM segment(s.r_score, s.f_score, s.m_score, 'medusa.visits', to_jsonb(s) || jsonb_build_object('attributes', to_jsonb(s)))) AS other_segment,
       count(*) FILTER (WHERE s.segment IS DISTINCT FROM a.segment) AS other_at FROM shop.customer_scores AS s JOIN shop.customer_scores_at('2025-12-31') AS a USING (customer_key);
SELECT customer_key, segment FROM shop.customer_scores_at('2025-11-30') WHERE r_score IS NULL ORDER BY 1;
SELECT from_segment, to_segment, customers FROM shop.segment_transitions('2025-11-30', '2025-12-31') WHERE from_segment IN ('prospects', 'refunded', 'interested') ORDER BY 1, 2;
SELECT to_char(as_of, 'YYYY-MM-DD') AS as_of, segment, customers FROM shop.segment_history('2025-11-30', '2025-12-31') WHERE segment IN ('prospects', 'refunded', 'interested') ORDER BY 1, 2;
-- explained
SELECT c AS customer, topic, value, explanation FROM unnest('{refunded,looks,sleeps,nobody asked,returns only}'::text[]) AS c, explain_score('shop', c) WHERE topic IN ('score_reason', 'segment', 'next_step');
SELECT value, explanation FROM explain_score('shop', 'refunded', language => 'fr') WHERE topic IN ('score_reason', 'segment');
SELECT value, explanation FROM explain_score('shop', 'looks', language => 'fr') WHERE topic = 'segment';
SELECT topic, explanation FROM explain_score('shop', 'refunded', audience => 'customer') WHERE topic = 'orders';
SELECT customer_key, segment, step, rfm_code_then FROM near_misses('shop', 'new_customers') WHERE segment IN ('prospects', 'interested', 'refunded') ORDER BY 1;
-- another map, without a rule for those who were refunded
DELETE FROM medusa.segment_rule WHERE segment = 'refunded';
SELECT count(*) > 0 AS altered FROM alter_model('shop', segment_map => 'medusa.visits');
SELECT customer_key, segment, score_reason FROM shop.customer_scores WHERE score_reason = 'all_refunded' ORDER BY 1;

-- Live: the segment follows a refund, and an order
SELECT count(*) > 0 AS made FROM create_model('live', 'medusa.orders', customer => 'customer', day => 'at', value => 'amount', counts => 'counts',
  customers => 'medusa.people', as_of => '2025-12-31', live => true);
UPDATE medusa.orders SET counts = false WHERE customer = 'c1';
INSERT INTO medusa.orders SELECT customer, at + 3, -amount, false FROM medusa.orders WHERE customer IN ('c1', 'c2') AND amount > 0;
SELECT customer_key, frequency, monetary, score_reason, segment FROM live.customer_scores WHERE customer_key IN ('c1', 'c2') ORDER BY 1;
INSERT INTO medusa.orders VALUES ('c1', '2025-12-30', 40, true);
SELECT customer_key, frequency, monetary, score_reason, segment FROM live.customer_scores WHERE customer_key = 'c1';

-- Buyers without R, because thresholds are missing, are no prospects.
SELECT count(*) > 0 AS made FROM create_model('few', 'medusa.orders', customer => 'customer', day => 'at', value => 'amount', counts => 'counts',
  customers => 'medusa.people', recency_thresholds => '{}', minimum_customers => 1000, as_of => '2025-12-31');
SELECT score_reason, segment, count(*) FROM few.customer_scores GROUP BY 1, 2 ORDER BY 1, 2;
SELECT explanation FROM explain_score('few', 'c2') WHERE topic = 'segment';

SELECT count(*) FROM unnest('{shop,live,few}'::text[]) AS m, drop_model(m);
DROP SCHEMA medusa CASCADE;
