-- Models with tenants: each is a shop of its own, in thresholds, scores and sums.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
-- The same numbers belong to different people in each branch.
CREATE TABLE shopdata.sales AS SELECT branch, customer_id / 4 AS customer_id, ordered_on, total FROM orders;
CREATE TABLE shopdata.clients AS SELECT DISTINCT ON (branch, customer_id / 4) branch, customer_id / 4 AS customer_id, city FROM people ORDER BY 1, 2, people.customer_id;
ALTER TABLE clients ADD PRIMARY KEY (branch, customer_id);
SELECT branch, count(DISTINCT customer_id) AS customers, (SELECT count(*) FROM clients AS c WHERE c.branch = s.branch) AS clients FROM sales AS s GROUP BY 1 ORDER BY branch COLLATE "C";
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch', as_of => '2025-12-31');

-- Each tenant as score_customers sees his rows alone
CREATE FUNCTION shopdata.by_tenant(model text, settings text) RETURNS TABLE (branch text, rows bigint, different bigint) LANGUAGE plpgsql AS $$
BEGIN
  FOR branch IN SELECT DISTINCT s.branch FROM sales AS s ORDER BY 1 LOOP
    SELECT d.* INTO rows, different FROM differ(common('customer_id') || format('%I.customer_scores WHERE tenant = %L', model, branch),
      common('customer_id') || format('score_customers(%L, %s)', format('SELECT customer_id, ordered_on, total FROM sales WHERE branch = %L', branch), settings)) AS d;
    RETURN NEXT;
  END LOOP;
END $$;
SELECT * FROM by_tenant('m', $$'2025-12-31'$$) ORDER BY branch COLLATE "C";
SELECT count(DISTINCT monetary_thresholds) AS different_thresholds, count(*) AS tenants FROM m.calibration;
SELECT count(*) > 0 AS done FROM alter_model('m', recency_thresholds => '{}', frequency_thresholds => '{}', window_days => 300, monetary => 'mean');
SELECT * FROM by_tenant('m', $$'2025-12-31', recency_thresholds => '{}', frequency_thresholds => '{}', window_days => 300, monetary => 'mean'$$) ORDER BY branch COLLATE "C";
SELECT count(*) > 0 AS done FROM alter_model('m', version => 1);
SELECT count(*) AS different FROM by_tenant('m', $$'2025-12-31'$$) WHERE different > 0;

-- Keys: unique over all tenants, whatever is in their names
SELECT tenant, min(customer_key COLLATE "C") AS first_key, count(*) AS customers FROM m.customer_scores GROUP BY 1 ORDER BY tenant COLLATE "C";
SELECT count(*) AS rows, count(DISTINCT customer_key) AS keys, count(DISTINCT customer_id) AS ids FROM m.customer_scores;
CREATE TABLE shopdata.tricky (tenant text, customer text, day date, value numeric);
INSERT INTO tricky SELECT t, c, '2025-12-01', n FROM unnest('{a,a:b,a:,:,"",a\\,a\\:,\\,a:b:c,\\:a}'::text[]) WITH ORDINALITY AS t (t, n), unnest('{b:c,:b,b,c,"",\\:b,:,\\,a:b:c,"\\\\:"}'::text[]) AS c;
SELECT count(*) > 0 AS done FROM create_model('tricky', 'tricky', customer => 'customer', day => 'day', value => 'value', tenant => 'tenant', as_of => '2025-12-31');
SELECT count(*) AS rows, count(DISTINCT customer_key) AS keys, (SELECT count(DISTINCT (tenant, customer)) FROM tricky) AS customers FROM tricky.customer_scores;
SELECT * FROM differ('SELECT tenant, customer_id, monetary FROM tricky.customer_scores', 'SELECT tenant, customer, sum(value)::numeric(24,2) FROM tricky GROUP BY 1, 2');
SELECT tenant, customer_id, customer_key FROM tricky.customer_scores WHERE customer_id IN ('b', ':b', 'b:c') AND tenant IN ('a', 'a:', 'a:b', E'a\\', E'a\\:') ORDER BY customer_key COLLATE "C";
SELECT count(*) AS problems FROM check_model('tricky');
SELECT item FROM drop_model('tricky');

-- Sums per tenant: as of a model of that tenant alone, without a word of the others
SELECT branch, count(*) > 0 AS done FROM unnest('{a:b,"back\\slash"}'::text[]) AS branch, create_model('alone ' || branch, format('SELECT customer_id, ordered_on, total FROM shopdata.sales WHERE branch = %L', branch), as_of => '2025-12-31') GROUP BY 1 ORDER BY 1;
CREATE FUNCTION shopdata.alone(branch text, view text, columns text) RETURNS TABLE (rows bigint, different bigint) LANGUAGE sql AS $$
  SELECT * FROM differ(format('SELECT %s FROM m.%s WHERE tenant = %L', columns, view, branch), format('SELECT %s FROM "alone %s".%s', columns, branch, view))
$$;
SELECT view, sum(d.rows) AS rows, sum(d.different) AS different FROM unnest('{a:b,"back\\slash"}'::text[]) AS branch, (VALUES
  ('segment_summary', 'as_of, segment, segment_label, role, customers, customers_share, revenue, revenue_share, mean_rfm_score::numeric(9,6), median_recency_days, median_frequency, median_monetary, segment_order'),
  ('rfm_grid', 'as_of, r_score, f_score, r_range, f_range, customers, customers_share, revenue, revenue_share, mean_m_score::numeric(9,6)'),
  ('score_distribution', 'as_of, dimension, score, score_range, customers, customers_share, revenue, revenue_share, note'),
  ('thresholds', 'dimension, score, lower_bound, upper_bound, score_range, calibrated_customers, score_reason'),
  ('vip_customers', 'customer_id, monetary, segment'), ('at_risk_customers', 'customer_id, monetary, segment'), ('customer_segments', 'customer_id, segment, segment_label, action'),
  ('customer_scores_at(''2025-06-30'')', 'customer_id, recency_days, f_score, m_score, rfm_score_change, segment'),
  ('segment_history(''2025-10-31'', ''2025-12-31'')', 'as_of, segment, customers, customers_share, revenue, revenue_share'),
  ('segment_transitions(''2025-06-30'', ''2025-12-31'')', 'from_segment, to_segment, customers, revenue, customers_by_thresholds'),
  ('cohort_retention()', 'cohort_month, months_since, customers, active_customers, active_share, revenue')) AS v (view, columns), alone(branch, view, columns) AS d GROUP BY view ORDER BY view;
SELECT item FROM unnest('{a:b,"back\\slash"}'::text[]) AS branch, drop_model('alone ' || branch);
SELECT tenants, customers, status FROM m.model_status;

-- A customer of one branch comes to another; a branch is new; one is gone
INSERT INTO sales VALUES ('north', 7000, '2025-12-30', 5), ('south', 7000, '2025-12-30', 50);
INSERT INTO sales SELECT 'east', g, date '2025-12-01' + g, g * 10 FROM generate_series(1, 20) AS g;
INSERT INTO sales VALUES (NULL, 1, '2025-12-30', 5), ('east', NULL, '2025-12-30', 5);
DELETE FROM sales WHERE branch = 'a:b';
SELECT rows_without_customer, customers_added, customers_changed, customers_removed FROM refresh_model('m');
SELECT customer_key, monetary FROM m.customer_scores WHERE customer_id = '7000' ORDER BY 1;
SELECT tenant, count(*) AS customers, count(r_score) AS r, count(f_score) AS f, count(m_score) AS m, min(score_reason) AS score_reason FROM m.customer_scores WHERE tenant IN ('east', 'a:b', 'south') GROUP BY 1 ORDER BY 1;
SELECT status, needs, tenants FROM m.model_status;
SELECT tenant, dimension, score_reason, count(*) FROM m.thresholds WHERE tenant IN ('east', 'south') AND dimension IN ('monetary', 'recency') GROUP BY 1, 2, 3 ORDER BY 1, 2;
SELECT tenant, sum(customers) AS customers FROM m.segment_summary GROUP BY 1 ORDER BY tenant COLLATE "C";
SELECT item FROM calibrate_model('m') WHERE item LIKE '%thresholds%' AND item LIKE '%east%';
SELECT * FROM by_tenant('m', $$'2025-12-31'$$) WHERE branch IS NOT NULL ORDER BY branch COLLATE "C";
SELECT status, tenants FROM m.model_status;
SELECT reason, tenant, affected FROM m.data_quality WHERE reason IN ('no_customer', 'future_day') ORDER BY 1, tenant COLLATE "C";
SELECT count(*) AS problems FROM check_model('m');

-- With a table of customers: people of each tenant, prospects of tenants without an order too
SELECT item FROM drop_model('m');
ALTER TABLE clients DROP CONSTRAINT clients_pkey, ALTER branch DROP NOT NULL;
INSERT INTO clients VALUES ('west', 1, 'Brest'), ('west', 2, NULL), (NULL, 3, 'Nowhere');
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch', customers => 'clients', attributes => '{city}', as_of => '2025-12-31');
SELECT * FROM differ('SELECT tenant, customer_id, monetary, city FROM m.customer_scores',
  $$SELECT branch, customer_id::text, coalesce(total, 0)::numeric(24,2), city FROM (SELECT branch, customer_id, sum(total) AS total FROM sales WHERE ordered_on <= '2025-12-31' GROUP BY 1, 2 HAVING branch IS NOT NULL AND customer_id IS NOT NULL) AS s
    FULL JOIN (SELECT * FROM clients WHERE branch IS NOT NULL) AS c USING (branch, customer_id)$$);
SELECT tenant, customer_key, segment, city FROM m.customer_scores WHERE tenant = 'west' ORDER BY 2;
SELECT tenant, attribute_value, customers, round(customers_share::numeric, 3) AS customers_share FROM m.attribute_summary WHERE tenant IN ('west', 'east') ORDER BY 1, 2, segment_order;
-- who is given a model reads all of it after the next refresh
BEGIN;
CREATE ROLE regress_new_owner;
GRANT USAGE ON SCHEMA scoring, shopdata TO regress_new_owner;
GRANT SELECT ON sales, clients TO regress_new_owner;
DO $$
DECLARE object text;
BEGIN
  ALTER SCHEMA m OWNER TO regress_new_owner;
  FOR object IN SELECT format('%s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass) FROM pg_class AS c WHERE c.relnamespace = 'm'::regnamespace AND c.relkind IN ('r', 'v')
                UNION ALL SELECT 'FUNCTION ' || p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'm'::regnamespace LOOP
    EXECUTE format('ALTER %s OWNER TO regress_new_owner', object);
  END LOOP;
END $$;
SET LOCAL ROLE regress_new_owner;
SELECT status FROM refresh_model('m');
SELECT count(DISTINCT tenant) > 2 AS all_tenants FROM m.customer_scores;
ROLLBACK;
-- everybody is no role that could have tenants
SELECT refused($$grant_reader('m', 'public', 'west')$$);
SELECT refused($$grant_reader('m', 'public')$$);
SELECT count(*) FROM m.reader WHERE role = 'public';
SELECT item FROM drop_model('m');
SELECT refused($$create_model('m', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'brunch')$$);
SELECT refused($$create_model('m', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'ordered_on')$$);
DROP TABLE sales, clients, tricky;
DROP FUNCTION by_tenant(text, text), alone(text, text, text);
