-- Fits by group: customers of a country have the fit of their country where it is large enough, others that of all.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA groupdata;
CREATE FUNCTION groupdata.draw(text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT (('x' || substr(md5($1), 1, 8))::bit(32)::bigint + 0.5) / 4294967296 $$;
CREATE TABLE groupdata.people AS SELECT i AS id, CASE WHEN i <= 300 THEN 'FR' WHEN i <= 550 THEN 'DE' WHEN i <= 590 THEN 'LU' END AS country, 'shop' || i % 2 AS shop FROM generate_series(1, 600) i;
ALTER TABLE groupdata.people ADD PRIMARY KEY (id);
-- the French come often and leave soon, the Germans seldom and stay
CREATE TABLE groupdata.orders AS
SELECT id AS customer_id, date '2024-01-01' + floor(at)::int AS ordered_on, round((CASE country WHEN 'FR' THEN 60 ELSE 20 END * base * exp(groupdata.draw(id || ' v ' || k)))::numeric, 2) AS total, shop, country
FROM (SELECT *, 300 * groupdata.draw(id || ' first') + sum(CASE WHEN k = 0 THEN 0 ELSE -ln(groupdata.draw(id || ' gap ' || k)) / rate END) OVER (PARTITION BY id ORDER BY k) AS at,
             max(CASE WHEN groupdata.draw(id || ' leaves ' || k) < leaves THEN 1 ELSE 0 END) OVER (PARTITION BY id ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS gone
      FROM (SELECT p.*, -ln(groupdata.draw(id || ' a') * groupdata.draw(id || ' b')) / CASE country WHEN 'FR' THEN 50 ELSE 130 END AS rate, 1 - pow(groupdata.draw(id || ' c'), CASE country WHEN 'FR' THEN 0.8 ELSE 0.3 END) AS leaves,
                   1 / -ln(groupdata.draw(id || ' d') * groupdata.draw(id || ' e') * groupdata.draw(id || ' f')) AS base FROM groupdata.people p) AS c CROSS JOIN generate_series(0, 40) AS k) AS v
WHERE coalesce(gone, 0) = 0 AND at < 700;
SELECT count(*) FROM groupdata.orders;
SELECT item, detail FROM create_model('g', 'SELECT customer_id, ordered_on, total FROM groupdata.orders', as_of => '2025-06-30', customers => 'groupdata.people', customers_key => 'id', attributes => '{country}',
  prediction => 'mbgnbd', prediction_group => 'country') WHERE item LIKE 'predict%';
SELECT coalesce(group_value, 'all') AS fit_of, fit, customers, status, count(parameter) AS parameters FROM g.prediction_fits GROUP BY group_value, fit, customers, status ORDER BY group_value NULLS FIRST, fit;

-- each customer's numbers are those of the fit of their group, by hand; others have that of all
CREATE TABLE hand AS
WITH h AS (SELECT p.id, p.country, history_agg(o.ordered_on, o.total) AS history FROM groupdata.people p JOIN groupdata.orders o ON o.customer_id = p.id GROUP BY p.id, p.country),
  f AS (SELECT country, btyd_fit('mbgnbd', x, t_x, t, 7, ln_gaps(history, '2025-06-30', 7)) AS fit, spend_fit(x, m) AS spend FROM h, btyd(history, '2025-06-30', 7) GROUP BY GROUPING SETS ((country), ()) HAVING GROUPING(country) = 1 OR country IN ('FR', 'DE'))
SELECT h.*, f.fit, CASE WHEN f.spend ->> 'status' = 'converged' THEN f.spend ELSE (SELECT spend FROM f WHERE country IS NULL) END AS spend, f.country IS NOT NULL AS own FROM h JOIN f ON f.country IS NOT DISTINCT FROM CASE WHEN h.country IN ('FR', 'DE') THEN h.country END;
CREATE VIEW differing AS SELECT count(*) AS customers, count(*) FILTER (WHERE (c.churn_probability, c.expected_orders_90d, c.active_90d_probability, c.clv_12m, c.next_order_expected_on)
  IS DISTINCT FROM (churn_probability(fit, history, '2025-06-30'), btyd_expected(fit, history, '2025-06-30', 90), 1 - btyd_probability(fit, 0, history, '2025-06-30', 90), clv(fit, spend, history, '2025-06-30', 12, 365.25 / 12, power(1.1, 1.0 / 12) - 1, 1)::numeric(24, 2), next_order_expected_on(fit, history, '2025-06-30'))) AS different
  FROM hand JOIN g.customer_scores c ON c.customer_key = hand.id::text;
TABLE differing;
SELECT own, count(*), count(DISTINCT fit) AS fits FROM hand GROUP BY own ORDER BY own;
SELECT customer_key, expected_orders_90d = btyd_expected(fit, history, '2025-06-30', 90) AS one FROM hand, g.customer(id::text) WHERE id IN (5, 400, 570, 595) ORDER BY id;
SELECT count(*) FILTER (WHERE d.expected_orders_90d IS DISTINCT FROM btyd_expected(fit, history, '2025-03-31', 90)) AS of_a_past_day FROM hand JOIN g.customer_scores_at('2025-03-31') d ON d.customer_key = id::text;

-- check_prediction fits by the same groups
SELECT item, detail FROM check_prediction('g', '2025-03-31') WHERE item IN ('days with an order', 'value', 'error per customer');
WITH h AS (SELECT id, country, history, b.*, a.orders FROM hand, btyd(history, '2025-03-31', 7) b, btyd_actual(history, '2025-03-31', '2025-06-30') a WHERE b.x IS NOT NULL),
  f AS (SELECT country, btyd_fit('mbgnbd', x, t_x, t) AS fit FROM h GROUP BY GROUPING SETS ((country), ()) HAVING GROUPING(country) = 1 OR country IN ('FR', 'DE'))
SELECT abs(exact_sum(btyd_expected(fit, x, t_x, t, 91 / 7.0)) / max(c.expected_orders) - 1) < 1e-12 AS expected FROM h JOIN f ON f.country IS NOT DISTINCT FROM CASE WHEN h.country IN ('FR', 'DE') THEN h.country END, g.prediction_check c;
SELECT bool_and(expected_orders > 0) AS weeks FROM g.prediction_tracking WHERE actual_orders > 0;

SELECT bool_and(abs(c.expected_customers - h.expected) < 1e-9) AS calibration FROM g.prediction_calibration c JOIN (SELECT n, sum(btyd_probability(fit, n, b.t)) AS expected FROM hand, btyd(history, '2025-06-30', 7) b, generate_series(0, 6) n GROUP BY n) h ON h.n = c.repeat_orders;

-- who moves has the fit of the new country at once; a new country that of all
UPDATE groupdata.people SET country = CASE id WHEN 1 THEN 'DE' WHEN 2 THEN 'BR' END WHERE id IN (1, 2);
SELECT customer_key, c.expected_orders_90d = btyd_expected(o.fit, h.history, '2025-06-30', 90) AS as_the_others FROM hand h JOIN g.customer_scores c ON c.customer_key = h.id::text JOIN hand o ON o.id = CASE h.id WHEN 1 THEN 400 ELSE 570 END WHERE h.id IN (1, 2) ORDER BY h.id;
UPDATE groupdata.people SET country = 'FR' WHERE id IN (1, 2);

-- another version keeps the fits; without groups everybody has that of all; larger groups are asked for
SELECT item FROM alter_model('g', weights => '{1,2,3}') WHERE item LIKE 'predict%';
TABLE differing;
SELECT item, detail FROM alter_model('g', minimum_group_size => 270) WHERE item LIKE 'predict%';
SELECT DISTINCT coalesce(group_value, 'all') AS fit_of, customers FROM g.prediction_fits WHERE fit = 'orders' ORDER BY 1;
SELECT item, detail FROM alter_model('g', reset => '{prediction_group,minimum_group_size}') WHERE item LIKE 'predict%';
SELECT bool_and(c.expected_orders_90d = btyd_expected(o.fit, h.history, '2025-06-30', 90)) AS that_of_all FROM hand h JOIN g.customer_scores c ON c.customer_key = h.id::text, (SELECT fit FROM hand WHERE NOT own LIMIT 1) o;
SELECT item, detail FROM alter_model('g', prediction_group => 'country') WHERE item LIKE 'predict%';
TABLE differing;
SELECT count(*) > 0 AS again FROM calibrate_model('g');
TABLE differing;
SELECT alter_model('g', prediction_group => 'city');
SELECT alter_model('g', prediction_group => 'tenant');
SELECT alter_model('g', attributes => '{}');
SELECT count(*) > 0 AS off FROM alter_model('g', reset => '{prediction}');
SELECT item, detail FROM alter_model('g', prediction => 'bgnbd') WHERE item LIKE 'predict%';
SELECT drop_model('g', true);

-- A group is known again in a session that writes days in another way. A version that was grouped by another attribute
-- does not take the groups of this one for its own. Types whose text depends on the session make no groups.
ALTER TABLE groupdata.people ADD since date, ADD vip boolean, ADD news boolean, ADD at timestamptz, ADD moment timestamp;
UPDATE groupdata.people SET since = CASE WHEN country = 'FR' THEN date '2024-03-04' ELSE date '2023-05-06' END, moment = CASE WHEN country = 'FR' THEN timestamp '2024-03-04 5:06' ELSE timestamp '2023-05-06' END, vip = (country IS NOT DISTINCT FROM 'FR'), news = id % 2 = 0, at = '2024-03-04 05:06+00';
CREATE TEMP TABLE told (attribute text, style text, digest text);
SET DateStyle = ISO;
SELECT count(*) > 0 AS made FROM create_model('g', 'SELECT customer_id, ordered_on, total FROM groupdata.orders', as_of => '2025-06-30', customers => 'groupdata.people', customers_key => 'id', attributes => '{since,moment,vip,news,at}', prediction => 'mbgnbd', prediction_group => 'since');
SELECT group_value, count(*) FROM g.prediction_fits WHERE fit = 'orders' GROUP BY 1 ORDER BY 1 NULLS FIRST;
INSERT INTO told SELECT 'since', current_setting('DateStyle'), md5(string_agg(expected_orders_90d::text, ' ' ORDER BY customer_key)) FROM g.customer_scores;
SET DateStyle = 'SQL, DMY';
INSERT INTO told SELECT 'since', current_setting('DateStyle'), md5(string_agg(expected_orders_90d::text, ' ' ORDER BY customer_key)) FROM g.customer_scores;
SELECT count(*) > 0 AS altered FROM alter_model('g', prediction_group => 'moment');
INSERT INTO told SELECT 'moment', current_setting('DateStyle'), md5(string_agg(expected_orders_90d::text, ' ' ORDER BY customer_key)) FROM g.customer_scores;
SET DateStyle = ISO;
INSERT INTO told SELECT 'moment', current_setting('DateStyle'), md5(string_agg(expected_orders_90d::text, ' ' ORDER BY customer_key)) FROM g.customer_scores;
RESET DateStyle;
SELECT count(*) > 0 AS altered FROM alter_model('g', prediction_group => 'vip');
INSERT INTO told SELECT 'vip', 'any', md5(string_agg(expected_orders_90d::text, ' ' ORDER BY customer_key)) FROM g.customer_scores;
SELECT count(DISTINCT digest) AS the_same_groups FROM told;
SELECT max(version) AS of_vip FROM g.configuration \gset
SELECT count(*) > 0 AS altered FROM alter_model('g', prediction_group => 'news', as_of => '2025-07-31');
SELECT count(DISTINCT g.btyd_fit) AS fits, count(*) FILTER (WHERE s.expected_orders_90d = btyd_expected(g.btyd_fit, h.history, '2025-07-31', 90)) AS own
  FROM g.customer_scores s JOIN groupdata.people p ON p.id::text = s.customer_key JOIN g._histories h USING (customer_key) JOIN g.calibration_groups g ON g.group_value = p.news::text AND g.version = (SELECT max(version) FROM g.configuration);
SELECT DISTINCT grouped_by FROM g.calibration_groups ORDER BY 1;
-- of a day of the version before, by today's attribute: those of all, not of "true" of another question
SELECT count(*) FILTER (WHERE s.expected_orders_90d = btyd_expected(k.btyd_fit, h.history, '2025-07-15', 90)) AS of_all
  FROM g.customer_scores_at('2025-07-15') s JOIN g._histories h USING (customer_key), g.calibration k WHERE k.version = :of_vip;
SELECT alter_model('g', prediction_group => 'at');
-- many repeat orders of few: no rows where groups may be too small
SELECT count(*) FROM g.prediction_calibration;
SELECT count(*) > 0 AS altered FROM alter_model('g', minimum_group_size => 5);
SELECT count(*) FROM g.prediction_calibration;
SELECT drop_model('g');

-- tenants: one that has no fit of its own has that of all of them, and does not learn of how many customers
UPDATE groupdata.orders SET shop = CASE WHEN customer_id > 596 THEN 'tiny' ELSE shop END;
SELECT item, detail FROM create_model('g', 'SELECT customer_id, ordered_on, total, shop FROM groupdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-06-30', tenant => 'shop', prediction => 'mbgnbd', prediction_group => 'tenant') WHERE item LIKE 'predict%';
SELECT tenant, group_value, fit, status, reason, customers, count(parameter) AS parameters FROM g.prediction_fits WHERE tenant = 'tiny' GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 2 NULLS FIRST, 3;
SELECT tenant, fit, count(*) FROM g.prediction_fits WHERE tenant <> 'tiny' AND group_value IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*), bool_and(c.expected_orders_90d = btyd_expected(f.fit, h.history, '2025-06-30', 90)) AS of_all FROM g.customer_scores c JOIN hand h ON h.id::text = c.customer_id, (SELECT btyd_fit('mbgnbd', x, t_x, t) AS fit FROM hand, btyd(history, '2025-06-30', 7)) f WHERE c.tenant = 'tiny';
SELECT count(*) > 0 AS without FROM alter_model('g', reset => '{prediction_group}');
SELECT count(*) FROM g.customer_scores WHERE tenant = 'tiny' AND expected_orders_90d IS NULL;
SELECT count(*) > 0 AS checked FROM alter_model('g', prediction_group => 'tenant'), check_prediction('g', '2025-03-31');
SELECT tenant, expected_orders > 0 AS expected FROM g.prediction_check ORDER BY tenant;
SELECT drop_model('g');
DROP TABLE hand CASCADE;
DROP SCHEMA groupdata CASCADE;
