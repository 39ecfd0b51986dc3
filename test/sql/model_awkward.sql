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

-- Keys that stand for nobody, keys that were spoilt, keys that differ in case
-- only, one who is many; counted, without a key in any text
CREATE TABLE awk.keys (who text, at date, v numeric);
INSERT INTO awk.keys SELECT 'k' || c, date '2025-01-01' + c + k * 20, 10 + c FROM generate_series(1, 60) AS c, generate_series(0, 1) AS k;
INSERT INTO awk.keys SELECT E'Guest\t', date '2025-01-01' + g * 2, 5 FROM generate_series(1, 40) AS g;
INSERT INTO awk.keys SELECT k, '2025-03-01', 7 FROM unnest(ARRAY['0', 'NULL', ' n/a ', 'NaN', '', E'\\N', '-1', 'Unknown', E'te\u00a0st', 'none', 'nothing else', 'nan0']) AS k;
INSERT INTO awk.keys SELECT k, '2025-03-02', 7 FROM unnest(ARRAY['1.23E+11', '4,5E+12', '12345.0', '12345,00', 'k1 ', E'k2\u00a0', 'K3', 'a@x.org', 'A@X.ORG ', '12e5', '1.5', 'x 1']) AS k;
SELECT item, regexp_replace(detail, '^(\d+ [^:;,]*[:;,]).*?((: [^:]*)?)$', '\1 ...') AS detail FROM create_model('keys', 'awk.keys', customer => 'who', day => 'at', value => 'v', as_of => '2025-12-31') WHERE item = 'note';
SELECT reason, unit, affected, customers, explanation, advice FROM keys.data_quality WHERE reason IN ('placeholder_key', 'dominant_customer', 'spoilt_keys', 'similar_keys') ORDER BY 1;
-- equal customers are all large in a small shop, and nobody is told
CREATE TABLE awk.b2b AS SELECT 'firm ' || c AS who, date '2025-01-01' + c + k AS at, 10 + c AS v FROM generate_series(1, 6) AS c, generate_series(1, 30 + c * 5) AS k;
SELECT count(*) FILTER (WHERE item = 'note') AS notes FROM create_model('b2b', 'awk.b2b', customer => 'who', day => 'at', value => 'v', as_of => '2025-12-31');
SELECT reason, affected FROM b2b.data_quality WHERE reason IN ('placeholder_key', 'dominant_customer', 'spoilt_keys', 'similar_keys') ORDER BY 1;
-- A table of people of which no key matches: told at once, with the types and a way out
CREATE TABLE awk.ko AS SELECT lpad(i::text, 5, '0') AS customer_id, date '2025-01-01' + i AS d, 10 + i AS v FROM generate_series(1, 30) AS i;
CREATE TABLE awk.kc AS SELECT i AS customer_id, 'FR'::text AS country FROM generate_series(1, 36) AS i;
SELECT item, detail FROM create_model('kk', 'awk.ko', customer => 'customer_id', day => 'd', value => 'v', as_of => '2025-12-31', customers => 'awk.kc', attributes => '{country}') WHERE item = 'note';
SELECT reason, affected, customers, explanation FROM kk.data_quality WHERE reason IN ('not_in_customers', 'not_in_source') ORDER BY 1;
-- what the note says works
SELECT item, detail FROM alter_model('kk', customer => 'regexp_replace(customer_id, ''^0+(?=.)'', '''')', customers_key => 'customer_id') WHERE item = 'note';
SELECT reason, affected FROM kk.data_quality WHERE reason IN ('not_in_customers', 'not_in_source') ORDER BY 1;
SELECT country, count(*) FROM kk.customer_scores WHERE recency_days IS NOT NULL GROUP BY 1;
-- zeros only are a zero
SELECT item, detail FROM create_model('kz', $$SELECT lpad(((i - 1) * 10)::text, 5, '0') AS customer_id, date '2025-01-01' + i AS d, 10 + i AS v FROM generate_series(1, 30) AS i$$,
  customer => 'regexp_replace(customer_id, ''^0+(?=.)'', '''')', customers_key => 'customer_id', day => 'd', value => 'v', as_of => '2025-12-31',
  customers => 'SELECT (customer_id - 1) * 10 AS customer_id, country FROM awk.kc', attributes => '{country}') WHERE item = 'customers';
SELECT customer_key, country FROM kz.customer_scores WHERE recency_days IS NOT NULL ORDER BY customer_key COLLATE "C" LIMIT 2;
SELECT drop_model('kz');

-- the other way round, letter case, a spreadsheet's .0; keys that match
CREATE VIEW awk.zeros AS SELECT lpad(customer_id::text, 5, '0') AS customer_id, country FROM awk.kc;
CREATE VIEW awk.upper AS SELECT 'C' || customer_id || ' ' AS customer_id, country FROM awk.kc;
CREATE VIEW awk.lower AS SELECT 'c' || customer_id::int AS customer_id, d, v FROM awk.ko;
CREATE VIEW awk.floats AS SELECT customer_id::text || '.0' AS customer_id, country FROM awk.kc;
CREATE VIEW awk.ints AS SELECT customer_id::int AS customer_id, d, v FROM awk.ko;
SELECT s.source, s.people, n.detail FROM (VALUES (1, 'ints', 'zeros'), (2, 'lower', 'upper'), (3, 'ints', 'floats'), (4, 'ints', 'kc')) AS s (n, source, people)
CROSS JOIN LATERAL create_model('kk' || s.n, 'awk.' || s.source, customer => 'customer_id', day => 'd', value => 'v', as_of => '2025-12-31', customers => 'awk.' || s.people, dry_run => true) AS n WHERE n.item = 'note' ORDER BY s.n;
-- with tenants, live, and people who are few
SELECT item, detail FROM create_model('kt', $$SELECT 'north' AS shop, * FROM awk.ko$$, customer => 'customer_id', day => 'd', value => 'v', tenant => 'shop', as_of => '2025-12-31',
  customers => $$SELECT 'south' AS shop, lpad(customer_id::text, 5, '0') AS customer_id FROM awk.kc$$, customers_key => 'customer_id') WHERE item = 'note';
SELECT tenant, reason, affected FROM kt.data_quality WHERE reason IN ('not_in_customers', 'not_in_source') ORDER BY 1, 2;

-- counts by status leaves the money of cancelled orders in: said when the model is made
CREATE TABLE awk.wo (order_id int PRIMARY KEY, cust text, at date, total numeric, status text);
INSERT INTO awk.wo VALUES (1, 'ann', '2025-01-05', 100, 'completed'), (2, 'ann', '2025-02-05', 50, 'cancelled'), (4, 'cleo', '2025-01-09', 30, 'failed'), (5, 'dora', '2025-01-09', 30, 'completed');
SELECT item, detail FROM create_model('woo', 'awk.wo', customer => 'cust', day => 'at', value => 'total', counts => $$status = 'completed'$$, as_of => '2025-03-31') WHERE item = 'note';
SELECT item, detail FROM alter_model('woo', value => $$CASE WHEN status = 'completed' THEN total ELSE 0 END$$, customer => 'cust', day => 'at', counts => $$status = 'completed'$$) WHERE item = 'note';
SELECT customer_key, frequency, monetary, segment FROM woo.customer_scores ORDER BY 1;

-- Numbers and days of which there are many values are shown by ranges.
SELECT kind, number, _attribute_range(kind, number, low, high) AS shown FROM (VALUES ('whole', 0, 0, 99), ('whole', 99, 0, 99), ('whole', -3, -120, 300), ('whole', 7, 0, 51), ('whole', 12, 10, 15), ('whole', 5, 5, 5),
  ('number', 0.013, 0, 0.9), ('number', 99.5, 0, 99.9), ('number', 12345.678, 10, 12345.678), ('number', -0.5, -1, 1), ('day', 0, 0, 300), ('day', 9497, 9000, 9500), ('day', 9497, 0, 9500), ('day', -18000, -20000, 9500), ('whole', NULL, 0, 9)) AS v (kind, number, low, high);
CREATE TABLE awk.many AS SELECT i AS customer_id, date '2025-01-01' + i % 80 AS known_on, (i % 60)::int AS visits, i / 8.0 AS points, i % 50 AS few, timestamptz '2020-01-01 23:30+00' + i * interval '20 days' AS seen_at,
  CASE WHEN i % 9 > 0 THEN (i * 1.5)::float8 END AS height, 'x' || i % 60 AS word FROM generate_series(1, 120) AS i;
CREATE TABLE awk.orders_of_many AS SELECT i AS customer_id, date '2025-01-01' + i AS at, 10 AS v FROM generate_series(1, 120, 3) AS i;
SELECT count(*) > 0 AS made FROM create_model('many', 'awk.orders_of_many', customer => 'customer_id', day => 'at', value => 'v', as_of => '2025-12-31', time_zone => 'Europe/Paris',
  customers => 'awk.many', customers_key => 'customer_id', attributes => '{known_on,visits,points,few,seen_at,height,word}');
SELECT attribute, count(DISTINCT attribute_value) AS values, min(attribute_value COLLATE "C") AS first, max(attribute_value COLLATE "C") AS last, sum(customers) AS customers, round(sum(customers_share)::numeric, 6) AS shares, sum(revenue) AS revenue
FROM many.attribute_summary GROUP BY attribute ORDER BY attribute;
SELECT attribute_value, sum(customers) AS customers, sum(revenue) AS revenue FROM many.attribute_summary WHERE attribute = 'visits' GROUP BY 1 ORDER BY length(attribute_value), 1;
SELECT count(*) AS ranges, count(*) FILTER (WHERE s.n IS DISTINCT FROM d.n) AS different FROM (SELECT attribute_value, sum(customers) AS n FROM many.attribute_summary WHERE attribute = 'known_on' GROUP BY 1) AS s
FULL JOIN (SELECT to_char(known_on, 'YYYY-MM') AS attribute_value, count(*) AS n FROM awk.many GROUP BY 1) AS d USING (attribute_value);

-- A rule that reads an attribute is the same on every day: said when the map or the attribute comes
SELECT create_segment_map('awk.hybrid', copy_of => 'essential_hybrid');
UPDATE awk.segment_rule SET conditions = replace(conditions::text, 'engagement_score', 'points')::jsonb WHERE map = 'hybrid';
INSERT INTO awk.segment_rule (map, position, segment, conditions) VALUES ('hybrid', 850, 'prospects', '{"not": {"column": "attributes.word", "op": "=", "value": "x1"}}');
SELECT item, detail FROM alter_model('many', segment_map => 'awk.hybrid') WHERE item = 'note';
-- people from a query over rows
CREATE VIEW awk.summed AS SELECT customer_id, count(*)::int AS visits FROM awk.many GROUP BY 1;
SELECT item, detail FROM alter_model('many', customers => 'awk.summed', attributes => '{visits}') WHERE item = 'note';

SELECT count(*) FROM unnest('{many,keys,b2b,kk,kt,woo}'::text[]) AS m, drop_model(m);
DROP SCHEMA awk CASCADE;
