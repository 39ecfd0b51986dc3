-- Campaigns with control groups: who is in which group by md5 in plain SQL, results by
-- plain SQL over the orders. Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
SELECT count(*) > 0 AS done FROM create_model('cp', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'people', attributes => '{city}');
CREATE SCHEMA camp;
-- the group of a key, without any function of the extension: 52 bits of md5, in halves
CREATE FUNCTION camp.group_of(key text, salt text, shares float8[]) RETURNS int LANGUAGE sql AS $$
  SELECT min(n)::int FROM (SELECT n, sum(share) OVER (ORDER BY n) AS upto FROM unnest($3) WITH ORDINALITY AS s (share, n)) AS s
  WHERE (('x' || substr(md5($2 || ':' || $1), 1, 7))::bit(28)::int * 16777216.0 + ('x' || substr(md5($2 || ':' || $1), 8, 6))::bit(24)::int) / 2.0 ^ 52 < upto OR n = cardinality($3) $$;

SELECT item, detail FROM start_campaign('cp', 'spring', ARRAY['vip', 'regular', 'new_customers', 'upsell_potential'], on_day => '2025-06-30', cost => 120);
SELECT item, detail FROM start_campaign('cp', 'all', NULL::text, 'a salt', '{0.2,0.5,0.3}', '2025-03-31');
SELECT item, detail FROM start_campaign('cp', 'vips now', 'vip', shares => '{0.1,0.9}');
SELECT c.campaign, d.* FROM cp.started_campaigns AS c CROSS JOIN LATERAL differ(format('SELECT customer_key, segment, group_no FROM cp.campaign_groups WHERE campaign = %L', c.campaign),
  format('SELECT customer_key, segment, camp.group_of(customer_key, %L, %L) FROM cp.customer_scores_at(%L) WHERE segment = ANY (%L) OR %3$L IS NOT NULL AND %4$L IS NULL', c.salt, c.shares, c.started_on, c.segments)) AS d ORDER BY 1;
SELECT campaign, segments, iso(started_on) AS started_on, cost, group_no, is_control, share, customers, round(ratio_p::numeric, 6) AS ratio_p, note FROM cp.campaigns;
SELECT campaign, count(*) AS members, count(*) FILTER (WHERE is_control) AS control FROM cp.campaign_members GROUP BY 1 ORDER BY 1;

-- what came of it
CREATE FUNCTION camp.slow(name text, days int) RETURNS TABLE (segment text, everybody boolean, group_no int, customers bigint, converted bigint, mean numeric, adjusted numeric) LANGUAGE sql AS $$
  WITH m AS (SELECT m.customer_key, m.segment, m.group_no, c.started_on FROM cp.campaign_groups AS m JOIN cp.started_campaigns AS c USING (campaign) WHERE m.campaign = $1),
  p AS (SELECT m.*, count(o.total) FILTER (WHERE o.total >= 0 AND o.ordered_on > started_on AND o.ordered_on <= started_on + $2) > 0 AS converted, coalesce(sum(o.total) FILTER (WHERE o.ordered_on > started_on AND o.ordered_on <= started_on + $2), 0) AS value,
               coalesce(sum(o.total) FILTER (WHERE o.ordered_on > started_on - $2 AND o.ordered_on <= started_on), 0) AS before FROM m LEFT JOIN orders AS o ON o.customer_id::text = m.customer_key GROUP BY 1, 2, 3, 4),
  s AS (SELECT p.*, e.everybody, CASE WHEN NOT e.everybody THEN p.segment END AS part FROM p CROSS JOIN (VALUES (true), (false)) AS e (everybody)),
  g AS (SELECT part, everybody, group_no, avg(value) AS value, avg(before) AS before FROM s GROUP BY 1, 2, 3),
  t AS (SELECT s.part, s.everybody, sum((s.value - g.value) * (s.before - g.before)) / nullif(sum((s.before - g.before) ^ 2), 0) AS theta, avg(s.before) AS before FROM s JOIN g ON g.part IS NOT DISTINCT FROM s.part AND g.everybody = s.everybody AND g.group_no = s.group_no GROUP BY 1, 2)
  SELECT s.part, s.everybody, s.group_no, count(*), count(*) FILTER (WHERE s.converted), round(avg(s.value), 6), round(avg(s.value - coalesce(t.theta, 0) * (s.before - t.before)), 2)
  FROM s JOIN t ON t.part IS NOT DISTINCT FROM s.part AND t.everybody = s.everybody GROUP BY 1, 2, 3 $$;
SELECT name, days, d.* FROM unnest('{spring,all}'::text[]) AS name, unnest('{30,90,180}'::int[]) AS days,
  differ(format('SELECT segment, everybody, group_no, customers, converted, value_per_customer FROM cp.campaign_result(%L, %s)', name, days), format('SELECT segment, everybody, group_no, customers, converted, adjusted FROM camp.slow(%L, %s)', name, days)) AS d;
SELECT segment_label, group_no, customers, converted, round(rate::numeric, 4) AS rate, round(difference::numeric, 4) AS difference, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high, round(p::numeric, 4) AS p, round(p_holm::numeric, 4) AS p_holm,
       value_per_customer AS value, value_difference AS v_difference, value_low, value_high, round(value_p::numeric, 4) AS v_p, incremental_value AS incremental, round(roi::numeric, 3) AS roi, days_watched, note, reason FROM cp.campaign_result('spring', 90);
-- the same by the functions that need no model
SELECT count(*) AS compared, count(*) FILTER (WHERE abs(a.p - t.p) > 1e-12 OR abs(a.low - t.low) > 1e-12 OR abs(a.high - t.high) > 1e-12 OR abs(a.difference - t.difference) > 1e-12) AS different
FROM cp.campaign_result('spring', 90) AS a JOIN (SELECT s.segment, s.everybody, t.* FROM (SELECT segment, everybody, compare_rates(group_no, is_converted) AS c FROM camp.slow('spring', 90) CROSS JOIN LATERAL (SELECT n <= converted AS is_converted FROM generate_series(1, customers) AS n) AS x GROUP BY 1, 2) AS s, comparison_table(s.c) AS t) AS t
  ON t.segment IS NOT DISTINCT FROM a.segment AND t.everybody = a.everybody AND t.group_no = a.group_no WHERE a.group_no > 1;
SELECT d.* FROM differ('SELECT NULL::text AS tenant, * FROM cp.campaign_result(''all'', 90)', 'SELECT * FROM campaign_result(''cp'', ''all'', 90)') AS d;
SELECT d.* FROM differ('SELECT * FROM cp.campaign_results WHERE campaign = ''spring''', 'SELECT ''spring'', date ''2025-06-30'', r.* FROM cp.campaign_result(''spring'') AS r') AS d;
-- return: of everybody against the control, where there is a cost; without a control nothing is due to the campaign
SELECT r.customers, round(r.roi::numeric, 6) = round(((f.margin * r.value_difference_exact * r.customers - 120) / 120)::numeric, 6) AS roi, r.reason FROM (SELECT r.*, (t.t).difference AS value_difference_exact FROM cp.campaign_result('spring', 90) AS r,
  (SELECT comparison_table(compare_means(m.group_no, v.value, v.before)) AS t FROM cp.campaign_groups AS m CROSS JOIN LATERAL (SELECT coalesce(sum(o.total) FILTER (WHERE ordered_on > '2025-06-30' AND ordered_on <= date '2025-06-30' + 90), 0)::float8 AS value,
     coalesce(sum(o.total) FILTER (WHERE ordered_on > date '2025-06-30' - 90 AND ordered_on <= '2025-06-30'), 0)::float8 AS before FROM orders AS o WHERE o.customer_id::text = m.customer_key) AS v WHERE m.campaign = 'spring') AS t WHERE r.everybody AND r.group_no = 2 AND (t.t).group_no = 2) AS r, cp.configuration AS f WHERE f.valid_until IS NULL;
SELECT count(*) > 0 AS started FROM start_campaign('cp', 'no control', 'vip', shares => '{0.000001,0.999999}', on_day => '2025-06-30', cost => 10);
SELECT group_no, customers > 0 AS customers, difference, incremental_value, roi, note, reason FROM cp.campaign_result('no control', 90) WHERE everybody;
SELECT count(*) > 0 AS started FROM start_campaign('cp', 'free', ARRAY['vip', 'regular'], on_day => '2025-06-30');
SELECT group_no, incremental_value IS NOT NULL AS incremental, roi, reason FROM cp.campaign_result('free', 90) WHERE everybody;
SELECT count(*) AS dropped FROM unnest('{no control,free}'::text[]) AS c, drop_campaign('cp', c);
-- Holm over the segments, by hand
SELECT bool_and(abs(p_holm - by_hand) < 1e-12) AS holm FROM (SELECT p_holm, max(least(1, p * (k - r + 1))) OVER (ORDER BY p) AS by_hand FROM (SELECT p, p_holm, count(*) OVER () AS k, row_number() OVER (ORDER BY p) AS r FROM cp.campaign_result('spring', 90) WHERE NOT everybody AND group_no = 2) AS s) AS s;
-- not over yet: a p that may be looked at every day; not begun: nothing
SELECT DISTINCT reason, days_watched, note, p >= 0 AS has_p FROM cp.campaign_result('all', 300) WHERE group_no > 1 AND everybody;
SELECT count(*) AS nothing FROM cp.campaign_result('vips now');

-- people: erased, merged, without consent; the groups go with them
SELECT customer_key AS gone FROM cp.campaign_groups WHERE campaign = 'spring' AND group_no = 1 ORDER BY customer_key LIMIT 1 \gset
SELECT object, erased FROM forget_customer('cp', :'gone') WHERE object ~ 'campaign';
SELECT count(*) AS left_of_them FROM cp.campaign_groups WHERE customer_key = :'gone';
SELECT a.customer_key AS one, b.customer_key AS two FROM cp.campaign_groups AS a JOIN cp.campaign_groups AS b ON b.campaign = a.campaign AND b.group_no = 2 AND a.group_no = 1 WHERE a.campaign = 'spring' ORDER BY 1, 2 LIMIT 1 \gset
SELECT customers FROM cp.campaign_result('spring') WHERE everybody ORDER BY group_no;
SELECT count(*) > 0 AS merged FROM merge_customers('cp', :'one', :'two');
SELECT customers AS without_them FROM cp.campaign_result('spring') WHERE everybody ORDER BY group_no;
SELECT jsonb_path_query_array(export_customer('cp', :'two') -> 'held' -> 'campaign_groups', '$.campaign') AS exported;

SELECT refused(a, true) FROM unnest(ARRAY['start_campaign(''cp'', ''spring'', ''vip'')', 'start_campaign(''cp'', ''x'', ''nobody'')', 'start_campaign(''cp'', ''x'', ARRAY[''vip'', NULL])', 'start_campaign(''cp'', ''x'', ''{}''::text[])',
  'start_campaign(''cp'', '''', ''vip'')', 'start_campaign(''cp'', NULL, ''vip'')', 'start_campaign(''cp'', ''x'', ''vip'', shares => ''{0.5,0.6}'')', 'start_campaign(''cp'', ''x'', ''vip'', shares => ''{1}'')',
  'start_campaign(''cp'', ''x'', ''vip'', on_day => ''2026-01-01'')', 'start_campaign(''cp'', ''x'', ''vip'', on_day => ''infinity'')', 'start_campaign(''cp'', ''x'', ''vip'', cost => -1)', 'start_campaign(''cp'', ''x'', ''vip'', cost => ''NaN'')',
  'start_campaign(''cp'', ''x'', ''vip'', on_day => ''2023-01-01'')', 'start_campaign(''cp'', repeat(''x'', 201), ''vip'')', 'cp.campaign_result(''autumn'')', 'cp.campaign_result(NULL)', 'cp.campaign_result(''spring'', 0)', 'cp.campaign_result(''spring'', NULL)',
  'campaign_result(''nowhere'', ''spring'')', 'drop_campaign(''cp'', NULL)']) AS a;

-- readers see results and who is in which group, and not the tables; small groups are hidden
CREATE ROLE camp_reader;
SELECT count(*) > 0 AS granted FROM grant_reader('cp', 'camp_reader');
GRANT USAGE ON SCHEMA shopdata, scoring TO camp_reader;
SET ROLE camp_reader;
SELECT (SELECT count(*) > 0 FROM cp.campaign_result('spring')) AS result, (SELECT count(*) > 0 FROM campaign_result('cp', 'spring')) AS by_model, (SELECT count(*) > 0 FROM cp.campaigns) AS list, (SELECT count(*) > 0 FROM cp.campaign_members) AS members;
SELECT shopdata.refused('cp.campaign_groups');
RESET ROLE;
SELECT count(*) > 0 AS altered FROM alter_model('cp', minimum_group_size => 10);
SELECT segment, group_no, customers, converted, rate IS NULL AS no_rate, p IS NULL AS no_p, incremental_value IS NULL AS no_value, reason, suppressed FROM cp.campaign_result('spring', 90) WHERE suppressed;
SELECT count(*) FILTER (WHERE NOT suppressed) > 0 AS some_shown, count(*) FILTER (WHERE customers < 10 OR converted BETWEEN 1 AND 9 OR customers - converted BETWEEN 1 AND 9) AS too_small FROM cp.campaign_result('all', 180);
SELECT campaign, customers, suppressed FROM cp.campaigns WHERE campaign = 'vips now';

-- tenants: each by themselves
SELECT count(*) > 0 AS done FROM create_model('cpt', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', tenant => 'branch');
SELECT item FROM start_campaign('cpt', 'spring', NULL::text, on_day => '2025-06-30');
SELECT count(DISTINCT tenant) AS tenants, count(*) FILTER (WHERE everybody) AS of_everybody, (SELECT sum(customers) FROM cpt.campaigns) = (SELECT count(*) FROM cpt.campaign_groups) AS all_of_them FROM cpt.campaign_result('spring');
SELECT * FROM drop_campaign('cpt', 'spring');
SELECT * FROM drop_campaign('cpt', 'spring');
SELECT item FROM drop_model('cp') UNION ALL SELECT item FROM drop_model('cpt');
DROP OWNED BY camp_reader;
DROP ROLE camp_reader;
DROP SCHEMA camp CASCADE;
