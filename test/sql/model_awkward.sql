-- Data as it comes: refunds without an order, keys that are no person, tables of
-- people that don't match, money of orders that were cancelled.
SET client_min_messages = warning;
SET search_path = public, scoring;
SET jit = off;
CREATE SCHEMA awk;

-- Shares lie between 0 and 1, also where somebody has got back more than they paid
CREATE TABLE awk.rb (c text, d date, v numeric);
INSERT INTO awk.rb VALUES ('buyer1', '2025-01-10', 40), ('buyer2', '2025-02-10', 60), ('returns only', '2025-02-01', -50),
  ('sent back more', '2024-01-05', 10), ('sent back more', '2024-02-05', -30);
SELECT count(*) > 0 AS made FROM create_model('rb', 'awk.rb', customer => 'c', day => 'd', value => 'v', as_of => '2025-03-31',
  customers => $$SELECT c, CASE WHEN c LIKE 'buyer%' THEN 'paid' ELSE 'got' END AS side FROM awk.rb GROUP BY 1$$, attributes => '{side}');
SELECT segment, customers, revenue, round(revenue_share::numeric, 4) AS revenue_share FROM rb.segment_summary WHERE customers > 0;
SELECT round(sum(revenue_share)::numeric, 9) AS sum FROM rb.segment_summary;
SELECT what, count(*) AS lines, min(share) >= 0 AS from_0, max(share) <= 1 AS to_1 FROM (
  SELECT 'segment_summary' AS what, revenue_share AS share FROM rb.segment_summary UNION ALL SELECT 'attribute_summary', revenue_share FROM rb.attribute_summary
  UNION ALL SELECT 'rfm_grid', revenue_share FROM rb.rfm_grid UNION ALL SELECT 'score_distribution', revenue_share FROM rb.score_distribution
  UNION ALL SELECT 'segment_history', revenue_share FROM rb.segment_history('2024-01-31', '2025-03-31')) AS s GROUP BY 1 ORDER BY 1;

SELECT count(*) FROM unnest('{rb}'::text[]) AS m, drop_model(m);
