-- Steering: conversion, key figures and goals, against plain SQL over the orders and
-- the labels of customer_scores_at. Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

CREATE SCHEMA steer;
-- visits and mails, some of people who never ordered
CREATE TABLE steer.acts AS
SELECT e AS act_id, 1 + (hashint8extended(e, 11) & 511)::int AS customer_id, date '2024-01-01' + (hashint8extended(e, 12) & 1023)::int % 760 AS done_on,
       (ARRAY['email_sent', 'email_sent', 'email_open', 'email_click', 'visit'])[1 + (hashint8extended(e, 13) & 1023)::int % 5] AS what
FROM generate_series(1, 6000) AS e;
SELECT count(*) > 0 AS done FROM create_model('st', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'people', attributes => '{city}');
SELECT count(*) > 0 AS done FROM add_stream('st', 'web', 'steer.acts', customer => 'customer_id', day => 'done_on', kind => 'what');

-- conversion: who was in a segment by customer_scores_at, who ordered by the orders
CREATE FUNCTION steer.slow(from_day date, days int, stream text) RETURNS TABLE (segment text, customers bigint, converted bigint, rate numeric, events bigint, value numeric, reason text) LANGUAGE sql AS $$
  SELECT s.segment, count(*), CASE WHEN o.is_over THEN count(*) FILTER (WHERE a.n > 0) END, CASE WHEN o.is_over THEN round(count(*) FILTER (WHERE a.n > 0) / count(*)::numeric, 9) END,
         CASE WHEN o.is_over THEN coalesce(sum(a.n), 0)::bigint END, CASE WHEN o.is_over THEN coalesce(sum(a.value), 0) END, CASE WHEN NOT o.is_over THEN 'window_not_over' END
  FROM st.customer_scores_at($1) AS s CROSS JOIN (SELECT $1 + $2 <= date '2025-12-31' AS is_over) AS o
  LEFT JOIN (SELECT x.customer_id::text AS customer_key, count(*) FILTER (WHERE x.value >= 0) AS n, sum(x.value) AS value
             FROM (SELECT customer_id, ordered_on AS day, total AS value FROM orders WHERE $3 = 'orders'
                   UNION ALL SELECT customer_id, done_on, 1 FROM steer.acts WHERE $3 = 'web') AS x
             WHERE x.day > $1 AND x.day <= $1 + $2 GROUP BY 1) AS a USING (customer_key)
  GROUP BY s.segment, o.is_over $$;
SELECT iso(day) AS day, days, stream, d.* FROM unnest('{2023-12-31,2024-06-30,2025-03-31,2025-10-02,2025-10-03,2026-01-31}'::date[]) AS day, unnest('{1,90,400}'::int[]) AS days, unnest('{orders,web}'::text[]) AS stream,
  differ(format('SELECT segment, customers, converted, round(rate::numeric, 9), events, value, reason FROM st.conversion_by_segment(%L, %s, %L)', day, days, stream), format('SELECT * FROM steer.slow(%L, %s, %L)', day, days, stream)) AS d;
-- the intervals are Wilson's, with the constants of this query
SELECT count(*) AS intervals, count(*) FILTER (WHERE abs(low - (centre - half)) > 1e-12 OR abs(high - (centre + half)) > 1e-12) AS others
FROM st.conversion_by_segment('2025-06-30') CROSS JOIN (SELECT 1.959963984540054::float8 AS z) AS z
CROSS JOIN LATERAL (SELECT (rate + z * z / (2 * customers)) / (1 + z * z / customers) AS centre, z * sqrt(rate * (1 - rate) / customers + z * z / (4.0 * customers * customers)) / (1 + z * z / customers) AS half) AS w;
SELECT count(*) AS nobody FROM st.conversion_by_segment(NULL);
SELECT refused(format('st.conversion_by_segment(%s)', a), true) FROM unnest(ARRAY['''2025-06-30'', 0', '''2025-06-30'', NULL', '''2025-06-30'', 36501', '''2025-06-30'', 90, ''mails''', '''2025-06-30'', 90, NULL', '''infinity''', '''5874897-12-30''']) AS a;

-- what changed between two days: parts add up to the whole, and the whole is everybody's rate
CREATE TABLE steer.change AS SELECT * FROM st.conversion_change('2024-06-30', '2025-06-30');
SELECT segment, segment_label, customers_1, customers_2, round(rate_1::numeric, 6) AS rate_1, round(rate_2::numeric, 6) AS rate_2, round(difference::numeric, 6) AS difference,
       round(low::numeric, 6) AS low, round(high::numeric, 6) AS high, round(mix_part::numeric, 6) AS mix_part, round(rate_part::numeric, 6) AS rate_part, reason FROM steer.change ORDER BY segment_order;
SELECT abs(sum(mix_part + rate_part) FILTER (WHERE segment IS NOT NULL) - max(difference) FILTER (WHERE segment IS NULL)) < 1e-12 AS parts_add_up,
       abs(max(mix_part + rate_part - difference) FILTER (WHERE segment IS NULL)) < 1e-12 AS and_in_the_last_row FROM steer.change;
SELECT d.* FROM differ('SELECT customers_1, round(rate_1::numeric, 9), customers_2, round(rate_2::numeric, 9) FROM steer.change WHERE segment IS NULL',
  'SELECT sum(a.customers)::bigint, round(sum(a.converted) / sum(a.customers), 9), b.n, b.r FROM steer.slow(''2024-06-30'', 90, ''orders'') AS a, (SELECT sum(customers)::bigint AS n, round(sum(converted) / sum(customers), 9) AS r FROM steer.slow(''2025-06-30'', 90, ''orders'')) AS b GROUP BY b.n, b.r') AS d;
SELECT DISTINCT reason, count(rate_2) AS rates, count(mix_part) AS parts FROM st.conversion_change('2024-06-30', '2025-12-01') GROUP BY 1;
SELECT count(*) AS nobody FROM st.conversion_change(NULL, '2025-12-01');

-- with all that has a key figure
SELECT count(*) > 0 AS altered FROM alter_model('st', scorecards => '{engagement}', prediction => 'mbgnbd');
-- key figures: by period, against the orders and the labels of both ends
CREATE FUNCTION steer.figures(a date, b date) RETURNS TABLE (segment text, everybody boolean, kpi text, value numeric, n bigint) LANGUAGE sql AS $$
  WITH one AS (SELECT customer_key, segment FROM st.customer_scores_at($1)), two AS (SELECT customer_key, segment, monetary, engagement_score, clv_12m FROM st.customer_scores_at($2)),
  o AS (SELECT customer_id::text AS customer_key, count(*) FILTER (WHERE total >= 0 AND ordered_on > $1 AND ordered_on <= $2) AS n, count(*) FILTER (WHERE total >= 0 AND ordered_on > $1 - ($2 - $1) AND ordered_on <= $1) AS before,
               sum(total) FILTER (WHERE ordered_on > $1 AND ordered_on <= $2) AS value FROM orders GROUP BY 1),
  m AS (SELECT customer_id::text AS customer_key, count(*) FILTER (WHERE what = 'email_sent') AS sent, count(*) FILTER (WHERE what = 'email_open') AS opens, count(*) FILTER (WHERE what = 'email_click') AS clicks
        FROM steer.acts WHERE done_on > $1 AND done_on <= $2 GROUP BY 1),
  began AS (SELECT segment, grouping(segment) = 1 AS everybody, count(*) AS customers, count(*) FILTER (WHERE o.n > 0) AS buyers, count(*) FILTER (WHERE o.n > 1) AS repeaters,
                   count(*) FILTER (WHERE o.before > 0) AS earlier, count(*) FILTER (WHERE o.before > 0 AND o.n > 0) AS kept FROM one LEFT JOIN o USING (customer_key) GROUP BY ROLLUP (segment)),
  ended AS (SELECT segment, grouping(segment) = 1 AS everybody, count(*) AS customers, sum(monetary) AS monetary, coalesce(sum(o.n), 0) AS orders, coalesce(sum(o.value), 0) AS value,
                   coalesce(sum(m.sent), 0) AS sent, coalesce(sum(m.opens), 0) AS opens, coalesce(sum(m.clicks), 0) AS clicks,
                   count(engagement_score) AS engaged, avg(engagement_score)::numeric AS engagement, count(clv_12m) AS valued, avg(clv_12m) AS clv FROM two LEFT JOIN o USING (customer_key) LEFT JOIN m USING (customer_key) GROUP BY ROLLUP (segment))
  SELECT segment, everybody, f.kpi, round(f.value, 9), f.n::bigint FROM began CROSS JOIN LATERAL (VALUES ('conversion_rate', buyers / customers::numeric, customers), ('repeat_rate', repeaters / nullif(buyers, 0)::numeric, buyers),
    ('retention_rate', kept / nullif(earlier, 0)::numeric, earlier), ('churn_rate', 1 - kept / nullif(earlier, 0)::numeric, earlier)) AS f (kpi, value, n)
  UNION ALL
  SELECT segment, everybody, f.kpi, round(f.value, 9), f.n::bigint FROM ended CROSS JOIN LATERAL (VALUES ('mean_basket', value / nullif(orders, 0), orders), ('orders_per_customer', orders / customers::numeric, customers), ('revenue', value, orders),
    ('open_rate', opens / nullif(sent, 0)::numeric, sent), ('click_rate', clicks / nullif(sent, 0)::numeric, sent), ('customers', customers::numeric, customers),
    ('customers_share', customers / (SELECT count(*) FROM two)::numeric, (SELECT count(*) FROM two)),
    ('engagement', engagement, engaged), ('clv_12m', clv, valued), ('revenue_share', greatest(monetary, 0) / nullif((SELECT sum(greatest(x.monetary, 0)) FROM ended AS x WHERE NOT x.everybody), 0), customers)) AS f (kpi, value, n) $$;
SELECT iso(a) AS a, iso(b) AS b, d.* FROM (VALUES (date '2023-12-01', date '2024-01-31'), ('2024-06-30', '2024-12-31'), ('2025-10-02', '2025-12-31')) AS p (a, b),
  differ(format('SELECT segment, everybody, kpi, round(value::numeric, 6), n FROM st.segment_kpi_history(%L, %L, %L)', a, b, (b - a) || ' days'), format('SELECT segment, everybody, kpi, round(value, 6), n FROM steer.figures(%L, %L)', a, b)) AS d;
SELECT d.* FROM differ('SELECT * FROM st.segment_kpis', 'SELECT * FROM st.segment_kpi_history(''2025-10-02'', ''2025-12-31'', ''90 days'')') AS d;
-- what a shop took in is the revenue of everybody, newcomers too
SELECT value = (SELECT sum(total) FROM orders WHERE ordered_on > '2025-10-02' AND ordered_on <= '2025-12-31')::float8 AS all_of_it FROM st.segment_kpis WHERE everybody AND kpi = 'revenue';
SELECT iso(from_day) AS from_day, iso(to_day) AS to_day, count(*) AS rows, count(value) AS told, string_agg(DISTINCT reason, ', ' ORDER BY reason) AS reasons FROM st.segment_kpi_history('2025-10-31', '2026-02-28') GROUP BY 1, 2 ORDER BY 1;
SELECT count(*) AS nothing FROM st.segment_kpi_history('2025-10-31', '2025-10-31');
SELECT refused(format('st.segment_kpi_history(%s)', a), true) FROM unnest(ARRAY['''2025-01-01'', ''2025-12-31'', ''1 hour''', '''-infinity'', ''2025-12-31''']) AS a;
-- the list of figures, and what each model has of it
SELECT (SELECT count(DISTINCT kpi) FROM st.segment_kpis) AS here, (SELECT count(*) FROM _kpi) AS of_all;

SELECT count(*) > 0 AS done FROM create_model('stn', 'SELECT * FROM orders WHERE branch = ''north''', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
-- goals
SELECT * FROM set_goal('st', 'vip', 'churn_rate', -10, 'by_percent', '2026-06-30', 'a call before the season', 'Ann', baseline => 0.15);
SELECT * FROM set_goal('st', NULL, 'revenue', 1000, 'by', '2026-03-31');
SELECT * FROM set_goal('st', 'at_risk', 'conversion_rate', 0.5, 'to', '2026-03-31', baseline => 0.01);
SELECT * FROM set_goal('st', 'at_risk', 'conversion_rate', 0.02, 'to', '2026-03-31', baseline => 0.01);
SELECT segment, segment_label, kpi, baseline, iso(baseline_on) AS baseline_on, target_value, iso(measured_on) AS measured_on, round(actual::numeric, 4) AS actual, n, round(progress::numeric, 4) AS progress, elapsed, status, iso(due_on) AS due_on, action, owner, change, target
FROM st.goals;
SELECT d.* FROM differ('SELECT g.segment, g.kpi, g.actual, g.low, g.high, g.n FROM st.goals AS g', 'SELECT k.segment, k.kpi, k.value, k.low, k.high, k.n FROM st.segment_kpis AS k WHERE (k.segment, k.kpi) IN ((''vip'', ''churn_rate''), (''at_risk'', ''conversion_rate'')) OR k.everybody AND k.kpi = ''revenue''') AS d;
-- time goes by: half of it, the day itself, long after, when it stays as it was on the day
CREATE VIEW steer.goals AS SELECT string_agg(format('%s %s: %s at %s, %s', coalesce(segment, 'everybody'), kpi, status, iso(measured_on), round(elapsed::numeric, 3)), '; ' ORDER BY due_on, kpi, segment) AS goals FROM st.goals;
SELECT count(*) > 0 AS altered FROM alter_model('st', as_of => '2026-02-14');
SELECT * FROM steer.goals;
SELECT count(*) > 0 AS altered FROM alter_model('st', as_of => '2026-03-31');
SELECT * FROM steer.goals;
SELECT count(*) > 0 AS altered FROM alter_model('st', as_of => '2026-04-30');
SELECT * FROM steer.goals;
SELECT kpi, status, round(actual::numeric, 4) = round((SELECT k.value FROM st.segment_kpi_history('2025-12-31', '2026-03-31', '90 days') AS k WHERE k.kpi = g.kpi AND k.segment = 'at_risk')::numeric, 4) AS as_of_that_day FROM st.goals AS g WHERE segment = 'at_risk';
SELECT count(*) > 0 AS altered FROM alter_model('st', as_of => '2025-12-31');
SELECT refused(format('set_goal(%s)', a), true) FROM unnest(ARRAY['''st'', ''nobody'', ''revenue'', 1, ''by'', ''2026-06-30''', '''st'', ''vip'', ''roi'', 1, ''by'', ''2026-06-30''', '''st'', ''vip'', ''profit'', 1, ''by'', ''2026-06-30''', '''stn'', ''vip'', ''clv_12m'', 1, ''by'', ''2026-06-30''',
  '''stn'', ''vip'', ''open_rate'', 1, ''by'', ''2026-06-30''', '''st'', ''vip'', ''satisfaction'', 1, ''by'', ''2026-06-30''', '''st'', ''vip'', ''revenue'', 1, ''times'', ''2026-06-30''', '''st'', ''vip'', ''revenue'', 1, ''by'', ''2025-12-31''', '''st'', ''vip'', ''revenue'', 1, ''by'', ''infinity''',
  '''st'', ''vip'', ''revenue'', 0, ''by'', ''2026-06-30''', '''st'', ''vip'', ''revenue'', ''NaN'', ''by'', ''2026-06-30''', '''st'', ''vip'', ''revenue'', 1, ''by'', NULL', '''st'', ''vip'', NULL, 1, ''by'', ''2026-06-30''',
  '''st'', ''vip'', ''revenue'', 1, ''by'', ''2026-06-30'', tenant => ''north''']) AS a;
SELECT * FROM drop_goal('st', NULL, 'revenue');
SELECT * FROM drop_goal('st', NULL, 'revenue');
SELECT * FROM drop_goal('st', 'vip', 'churn_rate');
SELECT refused('drop_goal(''st'', ''vip'', NULL)');
SELECT segment, kpi FROM st.goals;

-- lifecycle: by the months of the orders, of each person
CREATE FUNCTION steer.months(a date, b date, step interval, stream text) RETURNS TABLE (from_day date, to_day date, active bigint, fresh bigint, stayed bigint, resurrected bigint, dormant bigint) LANGUAGE sql AS $$
  WITH days AS (SELECT ($1 + n * $3)::date AS to_day, lag(($1 + n * $3)::date) OVER (ORDER BY n) AS from_day FROM generate_series(0, 60) AS n WHERE ($1 + n * $3)::date <= $2),
  e AS (SELECT customer_id, ordered_on AS day FROM orders WHERE $4 = 'orders' AND total >= 0 AND ordered_on <= '2025-12-31' UNION ALL SELECT customer_id, done_on FROM steer.acts WHERE $4 = 'web' AND done_on <= '2025-12-31'),
  p AS (SELECT d.from_day, d.to_day, e.customer_id, bool_or(e.day > d.from_day AND e.day <= d.to_day) AS is_active, bool_or(e.day > d.from_day - (d.to_day - d.from_day) AND e.day <= d.from_day) AS was_active, min(e.day) <= d.from_day AS known
        FROM days AS d, e WHERE d.from_day < '2025-12-31' AND e.day <= d.to_day GROUP BY 1, 2, 3)
  SELECT from_day, to_day, count(*) FILTER (WHERE is_active), count(*) FILTER (WHERE is_active AND NOT known), count(*) FILTER (WHERE is_active AND was_active), count(*) FILTER (WHERE is_active AND known AND NOT was_active),
         count(*) FILTER (WHERE was_active AND NOT is_active) FROM p GROUP BY 1, 2 $$;
SELECT stream, extract(epoch FROM step)::int / 86400 AS days, d.* FROM unnest('{orders,web}'::text[]) AS stream, unnest('{1 month,3 months,10 days}'::interval[]) AS step,
  differ(format('SELECT from_day, to_day, active_customers, new_customers, returning_customers, resurrected_customers, dormant_customers FROM st.lifecycle(''2024-12-31'', ''2026-02-28'', %L, %L)', step, stream), format('SELECT * FROM steer.months(''2024-12-31'', ''2026-02-28'', %L, %L)', step, stream)) AS d;
SELECT bool_and(active_customers = new_customers + returning_customers + resurrected_customers) AS adds_up, string_agg(CASE WHEN is_running THEN iso(to_day) END, ' ') AS running FROM st.lifecycle('2025-06-30', '2026-03-31');
SELECT stream, weeks, d.* FROM unnest('{orders,web}'::text[]) AS stream, unnest('{1,13,60}'::int[]) AS weeks,
  differ(format('SELECT active_weeks, customers, round(customers_share::numeric, 9) FROM st.stickiness(%s, %L)', weeks, stream),
    format('SELECT n, count(*), round(count(*) / sum(count(*)) OVER (), 9) FROM (SELECT customer_id, count(DISTINCT (date ''2025-12-31'' - day) / 7)::int AS n FROM (SELECT customer_id, ordered_on AS day FROM orders WHERE %2$L = ''orders'' AND total >= 0
      UNION ALL SELECT customer_id, done_on FROM steer.acts WHERE %2$L = ''web'') AS e WHERE day <= ''2025-12-31'' AND day > date ''2025-12-31'' - 7 * %1$s GROUP BY 1) AS w GROUP BY 1', weeks, stream)) AS d;
SELECT refused(a, true) FROM unnest(ARRAY['st.stickiness(0)', 'st.stickiness(NULL)', 'st.stickiness(5201)', 'st.stickiness(4, ''mails'')', 'st.lifecycle(''2025-01-01'', ''2025-12-31'', ''1 month'', ''mails'')', 'st.lifecycle(''2025-01-01'', ''2025-12-31'', ''0'')']) AS a;
SELECT d.* FROM differ('SELECT cohort_month, months_since, customers, value, round(value_per_customer, 2) FROM st.cohort_value()', $q$
  WITH f AS (SELECT customer_id, date_trunc('month', min(ordered_on) FILTER (WHERE total >= 0))::date AS month FROM orders WHERE ordered_on <= '2025-12-31' GROUP BY 1),
  o AS (SELECT f.month, greatest(0, (extract(year FROM ordered_on) - extract(year FROM f.month)) * 12 + extract(month FROM ordered_on) - extract(month FROM f.month))::int AS n, total FROM f JOIN orders USING (customer_id) WHERE f.month IS NOT NULL AND ordered_on <= '2025-12-31'),
  c AS (SELECT month, count(*) AS customers FROM f WHERE month IS NOT NULL GROUP BY 1)
  SELECT c.month, s.n, c.customers, v.value, round(v.value / c.customers, 2) FROM c CROSS JOIN generate_series(0, 60) AS s (n) CROSS JOIN LATERAL (SELECT coalesce(sum(total), 0) AS value FROM o WHERE o.month = c.month AND o.n <= s.n) AS v
  WHERE (c.month + (s.n + 1) * interval '1 month')::date - 1 <= '2025-12-31' $q$) AS d;
-- the interval of the mean, of what each has brought until then
SELECT count(*) AS cells, count(*) FILTER (WHERE abs(c.low - (v.mean - v.half)) > 0.006 OR abs(c.high - (v.mean + v.half)) > 0.006) AS others, count(*) FILTER (WHERE c.low IS NULL) AS without FROM st.cohort_value() AS c CROSS JOIN LATERAL (
  SELECT avg(x.total) AS mean, (student_t_quantile(0.975, count(*) - 1) * stddev_samp(x.total) / sqrt(count(*)))::numeric AS half FROM (
    SELECT o.customer_id, coalesce(sum(total) FILTER (WHERE ordered_on < c.cohort_month + (c.months_since + 1) * interval '1 month'), 0) AS total FROM orders AS o WHERE o.ordered_on <= '2025-12-31' GROUP BY 1
    HAVING date_trunc('month', min(ordered_on) FILTER (WHERE o.total >= 0))::date = c.cohort_month) AS x HAVING count(*) > 1) AS v WHERE c.months_since IN (0, 1, 6, 12);
-- cohorts of one customer, whose mean has no interval
CREATE TABLE steer.alone AS SELECT * FROM (VALUES (1, date '2025-09-03', 10.0), (1, '2025-11-05', 5.0), (2, '2025-10-04', 20.0), (3, '2025-10-09', 30.0)) AS o (customer_id, day, amount);
SELECT count(*) > 0 AS made FROM create_model('alone', 'steer.alone', customer => 'customer_id', day => 'day', value => 'amount', as_of => '2025-12-31');
SELECT cohort_month - date '2025-09-01' AS days, months_since, customers, value, low, high FROM alone.cohort_value();
SELECT drop_model('alone');
DROP TABLE steer.alone;
-- drift: the index by its formula, over bins counted by customer_scores_at
CREATE FUNCTION steer.psi(a float8[], b float8[]) RETURNS numeric LANGUAGE sql AS $$
  SELECT round(sum((q - p) * ln(q / p))::numeric, 9) FROM (SELECT (x + 0.5) / sum(x + 0.5) OVER () AS p, (y + 0.5) / sum(y + 0.5) OVER () AS q FROM unnest($1, $2) AS u (x, y)) AS s $$;
CREATE FUNCTION steer.drift(a date, b date) RETURNS TABLE (dimension text, n_1 bigint, n_2 bigint, psi numeric) LANGUAGE sql AS $$
  WITH v AS (SELECT version FROM st.configuration WHERE valid_until IS NULL), p AS (SELECT 1 AS side, s.* FROM v, st.customer_scores_at($1, version) AS s UNION ALL SELECT 2, s.* FROM v, st.customer_scores_at($2, version) AS s),
  c AS (SELECT x.dimension, bin, count(*) FILTER (WHERE side = 1) AS n_1, count(*) FILTER (WHERE side = 2) AS n_2 FROM p CROSS JOIN LATERAL (VALUES ('recency', r_score::text), ('frequency', f_score::text), ('monetary', m_score::text), ('basket', basket_score::text),
    ('segment', segment), ('attribute city', city)) AS x (dimension, bin) WHERE bin IS NOT NULL GROUP BY 1, 2)
  SELECT c.dimension, sum(n_1)::bigint, sum(n_2)::bigint, steer.psi(array_agg(n_1::float8), array_agg(n_2::float8)) FROM c GROUP BY 1 $$;
SELECT iso(a) AS a, iso(b) AS b, d.* FROM (VALUES (date '2024-12-31', date '2025-12-31'), ('2025-09-30', '2025-12-31'), ('2025-12-31', '2025-06-30')) AS p (a, b),
  differ(format('SELECT dimension, customers_from, customers_to, round(psi::numeric, 9) FROM st.drift(%L, %L)', a, b), format('SELECT * FROM steer.drift(%L, %L)', a, b)) AS d;
SELECT dimension, round(psi::numeric, 4) AS psi, round(critical_value::numeric, 4) AS critical_value, band, round(psi_as_seen::numeric, 4) AS psi_as_seen, round(ks::numeric, 4) AS ks FROM st.drift('2025-03-31', '2025-12-31');
-- the distance of the values: the largest difference of their shares
WITH s AS (SELECT 1 AS side, recency_days AS v FROM st.customer_scores_at('2025-03-31') UNION ALL SELECT 2, recency_days FROM st.customer_scores)
SELECT abs(max(d.d) - (SELECT ks FROM st.drift('2025-03-31', '2025-12-31') WHERE dimension = 'recency')) < 1e-12 AS ks
FROM (SELECT DISTINCT v FROM s WHERE v IS NOT NULL) AS x CROSS JOIN LATERAL (SELECT abs(avg((s.v <= x.v)::int) FILTER (WHERE side = 1) - avg((s.v <= x.v)::int) FILTER (WHERE side = 2))::float8 AS d FROM s) AS d;
SELECT count(*) AS nothing FROM st.drift(NULL, '2025-12-31');
SELECT dimension, band, psi = psi_as_seen AS same FROM st.drift_since_calibration WHERE dimension IN ('recency', 'segment');
-- is a calibration due? who would move is who does move when it is done, those who have ordered alone
CREATE TABLE steer.moves (day date, customers bigint, moved bigint, really bigint, share numeric, advice text);
DO $$
DECLARE day date;
BEGIN
  FOREACH day IN ARRAY '{2025-12-30,2025-01-31,2025-01-15,2024-12-31,2024-03-31}'::date[] LOOP
    BEGIN
      PERFORM alter_model('st', as_of => day);
      CREATE TEMP TABLE before ON COMMIT DROP AS SELECT m.*, s.advice FROM _calibration_moves('st') AS m, st.model_status AS s;
      CREATE TEMP TABLE labels ON COMMIT DROP AS SELECT customer_key, segment FROM st.customer_scores WHERE recency_days IS NOT NULL;
      PERFORM calibrate_model('st');
      RAISE division_by_zero USING MESSAGE = (SELECT jsonb_build_object('day', day, 'customers', b.customers, 'moved', b.moved, 'advice', b.advice,
        'really', (SELECT count(*) FROM labels AS l JOIN st.customer_scores AS s USING (customer_key) WHERE s.segment IS DISTINCT FROM l.segment)) FROM before AS b);
    EXCEPTION WHEN division_by_zero THEN
      INSERT INTO steer.moves SELECT r.day, r.customers, r.moved, r.really, r.moved / r.customers::numeric, r.advice FROM jsonb_populate_record(NULL::steer.moves, SQLERRM::jsonb) AS r;
    END;
  END LOOP;
END $$;
SELECT iso(day) AS day, customers, moved, really, round(share, 4) AS share, advice IS NOT NULL AS advised, (share > 0.05) = (advice IS NOT NULL) AS at_five_percent FROM steer.moves;
SELECT max(advice) AS advice FROM steer.moves;
SELECT customers, moved, least, _calibration_advice(customers, moved, least) IS NOT NULL AS advised, substring(_calibration_advice(customers, moved, least), 'put (.*) %') AS part
FROM (VALUES (100, 5, 1), (100, 6, 1), (1000, 50, 1), (1000, 51, 1), (0, 0, 1), (3, 3, 10), (100, 9, 10), (100, 10, 10), (100, 91, 10), (100, 90, 10), (100, 100, 10)) AS v (customers, moved, least);
SELECT count(*) > 0 AS done FROM create_model('stb', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', bins => 1, segment_map => NULL);
SELECT status, advice FROM stb.model_status;
SELECT item FROM drop_model('stb');
-- Pareto
SELECT d.* FROM differ('SELECT top_share, customers, revenue, round(revenue_share::numeric, 9) FROM st.revenue_concentration', 'WITH c AS (SELECT greatest(monetary, 0) AS m, row_number() OVER (ORDER BY monetary DESC) AS place, count(*) OVER () AS n FROM st.customer_scores WHERE recency_days IS NOT NULL)
  SELECT t.s, ceil(t.s * max(n))::bigint, sum(m) FILTER (WHERE place <= ceil(t.s * n)), round(sum(m) FILTER (WHERE place <= ceil(t.s * n)) / sum(m), 9) FROM c CROSS JOIN unnest(''{0.01,0.05,0.1,0.2,0.5,1.0}''::numeric[]) AS t (s) GROUP BY t.s') AS d;
SELECT round(max(gini)::numeric, 9) = (SELECT round((2 * sum(i * m) / (max(n) * sum(m)) - (max(n) + 1) / max(n)::numeric), 9) FROM (SELECT greatest(monetary, 0) AS m, row_number() OVER (ORDER BY monetary) AS i, count(*) OVER () AS n FROM st.customer_scores WHERE recency_days IS NOT NULL) AS s) AS gini
FROM st.revenue_concentration;
-- when people order again: Kaplan and Meier, day by day
CREATE FUNCTION steer.again(k int, horizon int, cohort date DEFAULT NULL) RETURNS TABLE (customers bigint, returned bigint, share numeric) LANGUAGE sql AS $$
  WITH d AS (SELECT customer_id, ordered_on AS day, lead(ordered_on) OVER w AS next_day, row_number() OVER w AS k, date_trunc('month', min(ordered_on) OVER w)::date AS month FROM (SELECT DISTINCT customer_id, ordered_on FROM orders WHERE total >= 0 AND ordered_on <= '2025-12-31') AS o WINDOW w AS (PARTITION BY customer_id ORDER BY ordered_on)),
  g AS (SELECT coalesce(next_day, '2025-12-31') - day AS t, next_day IS NOT NULL AS e FROM d WHERE d.k = $1 AND ($3 IS NULL OR d.month = $3)), s AS (SELECT t, count(*) FILTER (WHERE e) AS d, (SELECT count(*) FROM g AS r WHERE r.t >= g.t) AS n FROM g GROUP BY t)
  SELECT (SELECT count(*) FROM g), (SELECT count(*) FROM g WHERE e), CASE WHEN (SELECT max(t) FROM g) >= $2 THEN round((1 - CASE WHEN bool_or(d = n) THEN 0 ELSE exp(coalesce(sum(ln(1 - d / n::float8)) FILTER (WHERE d < n), 0)) END)::numeric, 9) END FROM s WHERE t <= $2 $$;
SELECT order_no, r.customers = a.customers AND r.returned = a.returned AND round(within_30d::numeric, 9) IS NOT DISTINCT FROM a.share AND round(within_90d::numeric, 9) IS NOT DISTINCT FROM b.share AND round(within_365d::numeric, 9) IS NOT DISTINCT FROM c.share AS as_by_hand,
       median_days, round(within_90d::numeric, 4) AS within_90d, round(low_90d::numeric, 4) AS low_90d, round(high_90d::numeric, 4) AS high_90d FROM st.repeat_purchase(7) AS r CROSS JOIN LATERAL steer.again(order_no, 30) AS a CROSS JOIN LATERAL steer.again(order_no, 90) AS b CROSS JOIN LATERAL steer.again(order_no, 365) AS c;
-- by the month of the first order
SELECT k, count(*) AS cohorts, count(*) FILTER (WHERE r.customers = a.customers AND r.returned = a.returned AND round(within_30d::numeric, 9) IS NOT DISTINCT FROM a.share AND round(within_90d::numeric, 9) IS NOT DISTINCT FROM b.share) AS as_by_hand,
       sum(r.customers) = (SELECT t.customers FROM st.repeat_purchase(3) AS t WHERE t.order_no = k) AS all_of_them
FROM unnest('{1,3}'::int[]) AS k, st.repeat_purchase_by_cohort(k) AS r CROSS JOIN LATERAL steer.again(k, 30, r.cohort_month) AS a CROSS JOIN LATERAL steer.again(k, 90, r.cohort_month) AS b GROUP BY k ORDER BY k;
SELECT iso(cohort_month) AS cohort, customers, returned, median_days, round(within_90d::numeric, 4) AS within_90d FROM st.repeat_purchase_by_cohort() ORDER BY cohort_month LIMIT 3;
SELECT bool_and(share_returned BETWEEN low AND high) AS inside, max(share_returned) = max(r.within_365d) OR max(days) > 365 AS ends_there, min(days) AS first_day FROM st.repeat_purchase_curve(1) AS c, st.repeat_purchase(1) AS r;
SELECT refused(a, true) FROM unnest(ARRAY['st.repeat_purchase(0)', 'st.repeat_purchase(NULL)', 'st.repeat_purchase_curve(101)', 'st.repeat_purchase_by_cohort(0)', 'st.repeat_purchase_by_cohort(NULL)']) AS a;

-- a history by months and weeks, as they are defined
SELECT unit, d.* FROM unnest('{month,week}'::text[]) AS unit, differ(format('SELECT customer_key, c.* FROM st.customer_histories CROSS JOIN cohort_periods(history, ''2025-10-15'', %L) AS c', unit), format($q$
  WITH o AS (SELECT customer_id::text AS c, ordered_on AS d, total >= 0 AS e, total FROM orders WHERE ordered_on <= '2025-10-15'), f AS (SELECT c, date_trunc(%1$L, min(d) FILTER (WHERE e))::date AS p FROM o GROUP BY 1)
  SELECT c, f.p, x.n, count(*) FILTER (WHERE e), sum(total) FROM o JOIN f USING (c) CROSS JOIN LATERAL (SELECT greatest(0, CASE %1$L WHEN 'week' THEN floor((d - f.p) / 7.0) ELSE (extract(year FROM d) - extract(year FROM f.p)) * 12 + extract(month FROM d) - extract(month FROM f.p) END)::int AS n) AS x
  WHERE f.p IS NOT NULL GROUP BY 1, 2, 3 $q$, unit)) AS d;
-- a refund before the first order counts in its month; a total may be beyond what a day can have
SELECT iso(cohort) AS cohort, periods_since, events, total FROM (SELECT history_agg(d, v) AS h FROM (SELECT date '2024-12-31' AS d, -5::numeric AS v UNION ALL SELECT '2025-02-28', 9 UNION ALL SELECT date '2025-03-01' + n, 999999999999999999 FROM generate_series(0, 11) AS n
  UNION ALL SELECT '2026-01-01', 1) AS x) AS s, cohort_periods(h, '2025-12-31');
SELECT refused(a) FROM unnest(ARRAY['cohort_periods(''{}'', ''2025-01-01'', ''day'')', 'cohort_periods(''{}'', ''infinity'')']) AS a;
SELECT count(*) AS none FROM cohort_periods('{}', '2025-01-01');

-- tenants: each by themselves, goals too
SELECT count(*) > 0 AS done FROM create_model('stt', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', tenant => 'branch');
SELECT d.* FROM differ('SELECT segment, customers, converted, rate, low, high, events, value FROM stt.conversion_by_segment(''2025-06-30'') WHERE tenant = ''north''', 'SELECT segment, customers, converted, rate, low, high, events, value FROM stn.conversion_by_segment(''2025-06-30'')') AS d;
SELECT d.* FROM differ('SELECT segment, everybody, kpi, value, low, high, n FROM stt.segment_kpis WHERE tenant = ''north''', 'SELECT segment, everybody, kpi, value, low, high, n FROM stn.segment_kpis') AS d;
SELECT d.* FROM differ('SELECT segment, customers_1, rate_1, rate_2, low, high, mix_part, rate_part FROM stt.conversion_change(''2024-12-31'', ''2025-06-30'') WHERE tenant = ''north''', 'SELECT segment, customers_1, rate_1, rate_2, low, high, mix_part, rate_part FROM stn.conversion_change(''2024-12-31'', ''2025-06-30'')') AS d;
SELECT * FROM set_goal('stt', NULL, 'customers', 10, 'by', '2026-06-30', tenant => 'north');
SELECT refused(format('set_goal(''stt'', NULL, ''customers'', 10, ''by'', ''2026-06-30''%s)', a), true) FROM unnest('{"",", tenant => ''nowhere''"}'::text[]) AS a;
SELECT tenant, kpi, baseline, actual, status FROM stt.goals;

-- a reader of one tenant sees that one alone; somebody else sees nothing
CREATE ROLE steer_reader;
SELECT count(*) > 0 AS granted FROM grant_reader('stt', 'steer_reader', 'south');
GRANT USAGE ON SCHEMA shopdata TO steer_reader;
SET ROLE steer_reader;
SELECT (SELECT count(*) FROM stt.goals) AS goals, (SELECT count(DISTINCT tenant) FROM stt.segment_kpis) AS tenants, (SELECT min(tenant) FROM stt.conversion_by_segment('2025-06-30')) AS tenant, (SELECT count(*) > 0 FROM stt.conversion_change('2024-12-31', '2025-06-30')) AS change;
SELECT shopdata.refused('stt.set_goals');
SELECT shopdata.refused('st.segment_kpis');
RESET ROLE;

-- small groups: what is shown is as without hiding, and nothing shown is about fewer than ten
SELECT count(*) > 0 AS altered FROM alter_model('st', minimum_group_size => 10);
SELECT count(*) > 0 AS done FROM create_model('sto', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'people', attributes => '{city}');
SELECT count(*) > 0 AS done FROM add_stream('sto', 'web', 'steer.acts', customer => 'customer_id', day => 'done_on', kind => 'what');
SELECT count(*) FILTER (WHERE h.suppressed) > 0 AS some_hidden, count(*) FILTER (WHERE NOT h.suppressed) > 0 AS some_shown,
       count(*) FILTER (WHERE NOT h.suppressed AND (h.customers, h.converted, h.rate, h.low, h.high, h.events, h.value) IS DISTINCT FROM (o.customers, o.converted, o.rate, o.low, o.high, o.events, o.value)) AS different,
       count(*) FILTER (WHERE h.converted BETWEEN 1 AND 9 OR h.customers - h.converted BETWEEN 1 AND 9 OR h.customers < 10 OR h.suppressed AND (h.converted IS NOT NULL OR h.events IS NOT NULL OR h.value IS NOT NULL OR h.rate IS NOT NULL)) AS too_small
FROM unnest('{2024-12-31,2025-03-31,2025-06-30}'::date[]) AS d CROSS JOIN LATERAL st.conversion_by_segment(d) AS h JOIN LATERAL sto.conversion_by_segment(d) AS o ON o.segment = h.segment;
SELECT count(*) FILTER (WHERE h.suppressed) > 0 AS some_hidden, count(*) FILTER (WHERE NOT h.suppressed) > 0 AS some_shown,
       count(*) FILTER (WHERE NOT h.suppressed AND (h.value, h.low, h.high, h.n) IS DISTINCT FROM (o.value, o.low, o.high, o.n)) AS different,
       count(*) FILTER (WHERE h.suppressed AND (h.value IS NOT NULL OR h.n IS NOT NULL OR h.low IS NOT NULL) OR h.kpi IN ('customers', 'conversion_rate') AND h.n < 10) AS too_small,
       count(*) FILTER (WHERE h.reason = 'suppressed') = count(*) FILTER (WHERE h.suppressed) AS with_the_reason
FROM st.segment_kpi_history('2024-12-31', '2025-12-31', '3 months') AS h JOIN sto.segment_kpi_history('2024-12-31', '2025-12-31', '3 months') AS o USING (from_day, kpi, everybody) WHERE h.segment IS NOT DISTINCT FROM o.segment;
-- who orders again: cohorts are those that the model shows, or fewer, and nothing follows of the others
SELECT count(*) > 0 AS altered FROM alter_model('st', minimum_group_size => 3);
SELECT count(*) FILTER (WHERE h.suppressed) > 0 AS some_hidden, count(*) FILTER (WHERE NOT h.suppressed) > 0 AS some_shown, count(*) FILTER (WHERE NOT h.suppressed AND (h.customers, h.returned, h.median_days, h.within_90d) IS DISTINCT FROM (o.customers, o.returned, o.median_days, o.within_90d)) AS different,
       count(*) FILTER (WHERE h.customers < 3 OR h.returned BETWEEN 1 AND 2 OR h.customers - h.returned BETWEEN 1 AND 2) AS too_small, (SELECT t.customers FROM sto.repeat_purchase(1) AS t) - sum(h.customers) NOT BETWEEN 1 AND 2 AS rest, (SELECT t.returned FROM sto.repeat_purchase(1) AS t) - sum(h.returned) NOT BETWEEN 1 AND 2 AS rest_returned,
       count(*) FILTER (WHERE h.customers IS NOT NULL AND r.customers IS NULL) AS more_than_cohorts
FROM st.repeat_purchase_by_cohort() AS h JOIN sto.repeat_purchase_by_cohort() AS o USING (cohort_month) LEFT JOIN st.cohort_retention() AS r ON r.cohort_month = h.cohort_month AND r.months_since = 0;
SELECT count(*) > 0 AS rows, count(customers) AS told FROM st.repeat_purchase_by_cohort(2);
DROP VIEW steer.goals;
SELECT item FROM drop_model('st') UNION ALL SELECT item FROM drop_model('stt') UNION ALL SELECT item FROM drop_model('stn') UNION ALL SELECT item FROM drop_model('sto');
DROP OWNED BY steer_reader;
DROP ROLE steer_reader;
DROP SCHEMA steer CASCADE;
