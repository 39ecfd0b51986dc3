-- score_parity: the groups of an attribute in each segment, against everybody.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
-- 200 women and 100 men, ten of whom nobody knows; the shares are made to order:
-- 30 women and 30 men buy for much, all others for little.
CREATE TABLE shopdata.clients AS SELECT i AS customer, CASE WHEN i > 300 THEN NULL WHEN i <= 200 THEN 'woman' ELSE 'man' END AS sex, i % 2 = 0 AS even, (i % 40)::smallint AS office, (ARRAY['a', 'b'])[1 + i % 2] AS shop
  FROM generate_series(1, 310) AS i;
CREATE TABLE shopdata.sales AS SELECT customer, date '2025-12-20' - 30 * k AS day, CASE WHEN customer <= 30 OR customer BETWEEN 201 AND 230 THEN 500 ELSE 5 END AS total, shop FROM clients, generate_series(0, 9) AS k;
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', monetary_thresholds => '{100,200,500,1000}',
  customers => 'clients', attributes => '{sex,even,office}');
CREATE FUNCTION shopdata.parity(attribute text, minimum_ratio float8 DEFAULT 0.8, model text DEFAULT 'm')
RETURNS TABLE (tenant text, attribute_value text, segment text, customers bigint, group_customers bigint, group_share numeric, overall_share numeric, ratio numeric, deviations numeric, flagged boolean, note text) LANGUAGE sql AS $$
  SELECT tenant, attribute_value, segment, customers, group_customers, round(group_share::numeric, 4), round(overall_share::numeric, 4), round(ratio::numeric, 4), round(deviations::numeric, 3), flagged, note
    FROM scoring.score_parity(model, attribute, minimum_ratio) $$;
SELECT * FROM parity('sex');
-- every figure once more, from customer_scores by hand
SELECT * FROM differ('SELECT attribute_value, segment, customers, group_customers, group_share, overall_share, ratio, flagged FROM score_parity(''m'', ''sex'')',
  $$SELECT g.sex, s.segment, count(c.customer_key), g.n, count(c.customer_key) / g.n::float8, s.n / 310::float8, (count(c.customer_key) / g.n::float8) / (s.n / 310::float8),
           count(c.customer_key) / g.n::float8 < 0.8 * (s.n / 310::float8) OR count(c.customer_key) / g.n::float8 * 0.8 > s.n / 310::float8
      FROM (SELECT sex, count(*) AS n FROM m.customer_scores GROUP BY sex) AS g CROSS JOIN (SELECT segment, count(*) AS n FROM m.customer_scores GROUP BY segment) AS s
      LEFT JOIN m.customer_scores AS c ON c.sex IS NOT DISTINCT FROM g.sex AND c.segment = s.segment GROUP BY g.sex, g.n, s.segment, s.n$$);
-- the hypergeometric deviation: 60 of 310 are in the segment, 200 are drawn, 30 found: mean 200 * 60/310, variance mean * 250/310 * 110/309
SELECT round(((30 - 200 * 60 / 310.0) / sqrt(200 * 60 / 310.0 * 250 / 310 * 110 / 309))::numeric, 3) AS by_hand, deviations FROM parity('sex') WHERE attribute_value = 'woman' AND customers = 30;
-- the limit: a ratio on it is not flagged; 1 flags whatever differs
SELECT attribute_value, segment, ratio, flagged FROM parity('sex', 0.775) WHERE segment = (SELECT segment FROM parity('sex') WHERE customers = 30 LIMIT 1);
SELECT count(*) FILTER (WHERE flagged) AS flagged, count(*) FILTER (WHERE ratio <> 1) AS different FROM parity('sex', 1);
SELECT attribute_value, count(*), bool_or(flagged) AS flagged FROM parity('even') GROUP BY 1 ORDER BY 1;
-- groups too small to be shown, and what would give them away
SELECT count(*) > 0 AS done FROM alter_model('m', minimum_group_size => 11);
SELECT * FROM parity('sex');
SELECT count(*) AS cells, count(customers) AS shown, count(flagged) AS judged FROM parity('office');
SELECT count(*) > 0 AS done FROM alter_model('m', minimum_group_size => 5);
SELECT count(*) AS cells, count(customers) AS shown, min(customers) FILTER (WHERE customers > 0) >= 5 AS at_least_five FROM parity('office');
-- a segment too small to be shown: nor is its share of everybody, which would count it
SELECT count(*) > 0 AS done FROM alter_model('m', minimum_group_size => 61);
SELECT count(*) AS cells, count(customers) AS shown, count(overall_share) AS shares, count(deviations) AS deviations FROM parity('sex');
SELECT count(*) FILTER (WHERE suppressed) AS suppressed FROM m.segment_summary;
SELECT count(*) > 0 AS done FROM alter_model('m', minimum_group_size => 5);
-- errors
SELECT refused(call, true) FROM (VALUES (1, $$score_parity('m', 'segment')$$), (2, $$score_parity('m', 'none"; DROP TABLE x; --')$$), (3, $$score_parity('m', NULL)$$), (4, $$score_parity(NULL, 'sex')$$),
  (5, $$score_parity('none', 'sex')$$), (6, $$score_parity('m', 'sex', 0)$$), (7, $$score_parity('m', 'sex', 1.01)$$), (8, $$score_parity('m', 'sex', 'NaN')$$), (9, $$score_parity('m', 'sex', NULL)$$),
  (10, $$score_parity('pg_catalog', 'sex')$$)) AS v (n, call) ORDER BY n;
SELECT count(*) > 0 AS done FROM create_model('plain', 'sales', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31');
SELECT refused('score_parity(''plain'', ''sex'')', true);

-- A reader of one tenant: his own, compared with his own
SELECT count(*) > 0 AS done FROM create_model('t', 'sales', customer => 'customer', day => 'day', value => 'total', as_of => '2025-12-31', monetary_thresholds => '{100,200,500,1000}',
  tenant => 'shop', customers => 'clients', attributes => '{sex}');
CREATE ROLE regress_parity_reader;
CREATE ROLE regress_parity_stranger;
GRANT USAGE ON SCHEMA scoring, shopdata TO regress_parity_reader, regress_parity_stranger;
SELECT grant_reader('t', 'regress_parity_reader', 'a');
SELECT tenant, attribute_value, segment, customers, group_customers, overall_share FROM parity('sex', 0.8, 't');
SET ROLE regress_parity_reader;
SELECT tenant, attribute_value, segment, customers, group_customers, overall_share FROM shopdata.parity('sex', 0.8, 't');
SELECT shopdata.refused('scoring.score_parity(''m'', ''sex'')');
SET ROLE regress_parity_stranger;
SELECT shopdata.refused('scoring.score_parity(''t'', ''sex'')');
RESET ROLE;
-- whoever has no customers sees nobody
SELECT revoke_reader('t', 'regress_parity_reader');
TRUNCATE clients;
TRUNCATE sales;
SELECT count(*) FROM refresh_model('m');
SELECT count(*) FROM parity('sex');
SELECT count(*) FROM (SELECT drop_model(model) FROM models()) AS s;
DROP OWNED BY regress_parity_reader, regress_parity_stranger;
DROP ROLE regress_parity_reader, regress_parity_stranger;
DROP FUNCTION parity;
DROP TABLE sales, clients;
