-- Dated functions of models: the same as a model or score_customers of that
-- day, and plain SQL over the orders.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'people', attributes => '{city}');
SELECT count(*) > 0 AS done FROM create_model('plain', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-12-31', segment_map => 'essential_hybrid');
SELECT monetary_thresholds AS cuts FROM plain.calibration \gset

-- customer_scores_at: as score_customers with the same thresholds, as a model
-- pinned to that day, as the view on the day of the view.
SELECT iso(d) AS day, a.* FROM unnest('{2023-12-31,2024-01-01,2024-02-29,2024-12-31,2025-06-30,2025-12-31,2026-01-01,2026-02-15,2030-01-01}'::date[]) AS d,
  differ(format('SELECT customer_key, recency_days, frequency, monetary, mean_value, tenure_days, r_score, f_score, m_score, rfm_code, rfm_score FROM plain.customer_scores_at(%L)', d),
    format('SELECT customer_id, recency_days, frequency, monetary::numeric(24,2), mean_value::numeric(24,2), tenure_days, r_score, f_score, m_score, rfm_code, rfm_score
            FROM score_customers(''SELECT customer_id, ordered_on, total FROM orders'', %L, monetary_thresholds => %L)', d, :'cuts')) AS a;
CREATE FUNCTION shopdata.pinned(d date) RETURNS TABLE (rows bigint, different bigint) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE at_once AS SELECT * FROM plain.customer_scores_at(%L)', d);
  PERFORM alter_model('plain', as_of => d);
  RETURN QUERY SELECT count(*), count(*) FILTER (WHERE a IS DISTINCT FROM s) FROM (SELECT customer_key, to_jsonb(a) AS a FROM at_once AS a) AS a FULL JOIN (SELECT customer_key, to_jsonb(s) AS s FROM plain.customer_scores AS s) AS s USING (customer_key);
  DROP TABLE at_once;
END $$;
SELECT iso(d) AS day, p.* FROM unnest('{2025-11-30,2025-03-01,2024-06-30,2025-12-31}'::date[]) AS d, pinned(d) AS p;
SELECT count(*) AS rows, count(*) FILTER (WHERE a IS DISTINCT FROM s) AS different FROM (SELECT customer_key, to_jsonb(a) AS a FROM m.customer_scores_at('2025-12-31') AS a) AS a FULL JOIN (SELECT customer_key, to_jsonb(s) AS s FROM m.customer_scores AS s) AS s USING (customer_key);
-- known without an order yet: a prospect on that day, if in the table of customers
SELECT count(*) AS rows, count(*) FILTER (WHERE segment = 'prospects') AS prospects, count(recency_days) AS customers, count(city) AS with_city FROM m.customer_scores_at('2024-06-30');
SELECT count(DISTINCT customer_id) AS customers FROM orders WHERE ordered_on <= '2024-06-30' AND total >= 0;
SELECT count(*) AS nobody FROM m.customer_scores_at(NULL);
SELECT count(*) AS nobody FROM m.customer_scores_at(NULL, 1);
SELECT count(*) AS nobody FROM m.customer_scores_at('2025-06-30', 77);
SELECT refused('m.customer_scores_at(' || quote_literal(d) || ')') FROM unnest('{infinity,-infinity,"4714-11-24 BC"}'::text[]) AS d;

-- Which version: the one in force that day, else the first; any other by its number.
SELECT item FROM drop_model('plain');
SELECT count(*) > 0 AS done FROM create_model('plain', 'SELECT customer_id, ordered_on, total FROM orders', as_of => '2025-03-31');
SELECT item FROM alter_model('plain', as_of => '2025-06-30', weights => '{3,1,1}') WHERE item = 'version';
SELECT item FROM calibrate_model('plain') WHERE item = 'version';
SELECT item FROM alter_model('plain', as_of => '2025-09-30', segment_map => 'standard', weights => '{1,1,1}') WHERE item = 'version';
SELECT item FROM calibrate_model('plain') WHERE item = 'version';
SELECT item FROM alter_model('plain', as_of => '2025-12-31') WHERE item = 'version';
SELECT version, reason, iso(valid_from) AS valid_from, iso(valid_until) AS valid_until, map_copy, weights FROM plain.configuration ORDER BY version;
SELECT iso(d) AS day, v AS by_version, (SELECT string_agg(version::text, ',' ORDER BY version) FROM plain.configuration WHERE (version = 1 OR valid_from <= d) AND (valid_until IS NULL OR valid_until > d)) AS in_force, a.*
FROM (VALUES (date '2024-06-30', 1), ('2025-03-31', 1), ('2025-06-29', 1), ('2025-06-30', 3), ('2025-09-29', 3), ('2025-09-30', 5), ('2025-12-30', 5), ('2025-12-31', 6), ('2026-03-31', 6)) AS w (d, v),
  differ(format('SELECT * FROM plain.customer_scores_at(%L)', d), format('SELECT * FROM plain.customer_scores_at(%L, %s)', d, v)) AS a;
SELECT v AS version, a.* FROM plain.configuration AS c JOIN plain.calibration AS k USING (version), LATERAL (SELECT c.version) AS x (v),
  differ(format('SELECT customer_key, r_score, f_score, m_score, rfm_score, segment FROM plain.customer_scores_at(''2025-10-15'', %s)', v),
    format('SELECT customer_id, r_score, f_score, m_score, rfm_score, segment FROM score_customers(''SELECT customer_id, ordered_on, total FROM orders'', ''2025-10-15'', weights => %L, segment_map => %L, monetary_thresholds => %L)', weights, segment_map, k.monetary_thresholds)) AS a ORDER BY v;

-- segment_transitions: everybody, from where he was by the thresholds of today;
-- those who weren't there came from the prospects.
CREATE FUNCTION shopdata.transitions(model text, d1 date, d2 date) RETURNS TABLE (rows bigint, customers numeric, everybody bigint, moved numeric, by_thresholds numeric, different bigint) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT count(*), coalesce(sum(customers), 0), coalesce(sum(customers) FILTER (WHERE from_segment <> to_segment), 0), coalesce(sum(customers_by_thresholds), 0) FROM %I.segment_transitions(%L, %L)', model, d1, d2) INTO rows, customers, moved, by_thresholds;
  EXECUTE format('SELECT count(*) FROM %I.customer_scores_at(%L)', model, d2) INTO everybody;
  SELECT d.different INTO different FROM differ(
    format('SELECT from_segment, from_label, to_segment, to_label, customers, revenue::numeric(24,2), customers_by_thresholds FROM %I.segment_transitions(%L, %L)', model, d1, d2),
    format($q$WITH v AS (SELECT version FROM %1$I.configuration WHERE valid_until IS NULL), p AS (SELECT segment FROM %1$I.segments WHERE role = 'prospect')
      SELECT f, l.label, t, k.label, count(*), sum(monetary)::numeric(24,2), count(*) FILTER (WHERE o IS NOT NULL AND o <> f)
      FROM (SELECT coalesce(a.segment, (SELECT segment FROM p)) AS f, b.segment AS t, o.segment AS o, b.monetary
            FROM %1$I.customer_scores_at(%3$L, (SELECT version FROM v)) AS b LEFT JOIN %1$I.customer_scores_at(%2$L, (SELECT version FROM v)) AS a USING (customer_key)
            LEFT JOIN %1$I.customer_scores_at(%2$L) AS o USING (customer_key)) AS m
      LEFT JOIN %1$I.segments AS l ON l.segment = f LEFT JOIN %1$I.segments AS k ON k.segment = t GROUP BY 1, 2, 3, 4$q$, model, d1, d2)) AS d;
  RETURN NEXT;
END $$;
SELECT model, iso(d1) AS from_day, iso(d2) AS to_day, t.* FROM (VALUES ('m', date '2025-06-30', date '2025-12-31'), ('m', '2025-12-31', '2025-12-31'), ('m', '2023-01-01', '2025-12-31'), ('plain', '2025-06-30', '2025-12-31'), ('plain', '2025-03-15', '2025-09-30'), ('plain', '2025-12-31', '2025-06-30')) AS v (model, d1, d2), transitions(model, d1, d2) AS t;
SELECT from_segment, to_segment, customers, revenue, customers_by_thresholds FROM plain.segment_transitions('2025-12-01', '2025-12-31') WHERE from_segment <> to_segment;
SELECT count(*) AS nobody FROM m.segment_transitions(NULL, '2025-12-31');
SELECT count(*) AS nobody FROM m.segment_transitions('2025-12-31', NULL);

-- segment_history: day by day as it was seen; month ends stay month ends
SELECT iso(as_of) AS day, sum(customers) AS customers, round(sum(customers_share)::numeric, 9) AS shares, round(sum(revenue_share)::numeric, 9) AS revenue_shares FROM m.segment_history('2025-01-31', '2025-12-31') GROUP BY 1 ORDER BY 1;
SELECT * FROM differ('SELECT iso(as_of), segment, segment_label, customers, customers_share, revenue, revenue_share, segment_order, segment_color FROM plain.segment_history(''2025-02-28'', ''2025-12-31'', ''1 mon'')',
  $$SELECT iso(as_of), segment, segment_label, count(*), count(*) / sum(count(*)) OVER w::float8, sum(monetary)::numeric(24,2), (greatest(sum(monetary), 0) / sum(greatest(sum(monetary), 0)) OVER w)::float8, segment_order, segment_color
    FROM generate_series(0, 10) AS n, LATERAL plain.customer_scores_at((date '2025-02-28' + n * interval '1 month')::date) GROUP BY as_of, segment, segment_label, segment_order, segment_color WINDOW w AS (PARTITION BY as_of)$$);
SELECT string_agg(DISTINCT iso(as_of), ' ' ORDER BY iso(as_of)) AS days FROM m.segment_history('2025-12-01', '2025-12-31', '10 days');
SELECT string_agg(DISTINCT iso(as_of), ' ' ORDER BY iso(as_of)) AS days FROM m.segment_history('2025-12-30', '2025-12-31', '36 hours');
SELECT count(*) AS nothing FROM m.segment_history('2025-12-31', '2025-12-30');
SELECT count(*) AS nothing FROM m.segment_history(NULL, '2025-12-30');
SELECT refused(format('m.segment_history(%L, %L, %L)', d1, d2, step), true) FROM (VALUES ('2025-01-01', '2025-12-31', '0'), ('2025-01-01', '2025-12-31', '-1 day'), ('2025-01-01', '2025-12-31', '23 hours'), ('2025-01-01', '2025-12-31', '1 mon -40 days'),
  ('-infinity', '2025-12-31', '1 day'), ('2025-01-01', 'infinity', '1 day'), ('0001-01-01', '2025-12-31', '1 day'), ('2025-01-01', '5874897-12-31', '1000000 years')) AS v (d1, d2, step);

-- cohort_retention against the orders
CREATE FUNCTION shopdata.retention(d date) RETURNS TABLE (cohort_month text, months_since int, customers bigint, active_customers bigint, active_share float8, revenue numeric) LANGUAGE sql AS $$
  WITH firsts AS (SELECT customer_id, date_trunc('month', min(ordered_on) FILTER (WHERE total >= 0)::timestamp)::date AS c FROM orders WHERE ordered_on <= d GROUP BY 1),
  months AS (SELECT c, n, (c + n * interval '1 month')::date AS m, (SELECT count(*) FROM firsts AS f WHERE f.c = s.c) AS customers
             FROM (SELECT DISTINCT c FROM firsts WHERE c IS NOT NULL) AS s, generate_series(0, 40) AS n WHERE c + n * interval '1 month' <= d),
  spent AS (SELECT c, greatest(date_trunc('month', ordered_on::timestamp)::date, c) AS m, count(DISTINCT customer_id) FILTER (WHERE total >= 0) AS active, sum(total) AS revenue FROM firsts JOIN orders USING (customer_id) WHERE ordered_on <= d GROUP BY 1, 2)
  SELECT iso(c), n, customers, coalesce(active, 0), coalesce(active, 0) / customers::float8, coalesce(revenue, 0)::numeric(24,2) FROM months LEFT JOIN spent USING (c, m)
$$;
SELECT * FROM differ('SELECT iso(cohort_month), months_since, customers, active_customers, active_share, revenue FROM m.cohort_retention()', $$SELECT * FROM retention('2025-12-31')$$);
SELECT * FROM differ('SELECT iso(cohort_month), months_since, customers, active_customers, active_share, revenue FROM plain.cohort_retention()', $$SELECT * FROM retention('2025-12-31')$$);
SELECT iso(cohort_month) AS cohort_month, months_since, is_running, customers, active_customers, round(active_share::numeric, 3) AS active_share, revenue FROM m.cohort_retention() WHERE cohort_month >= '2025-10-01';
SELECT count(*) AS cohorts, bool_and(active_customers = customers) AS all_active_at_first FROM m.cohort_retention() WHERE months_since = 0;

-- the sums of many histories are those of each one's periods: corrections, refunds first, other decimals, totals that
-- fit no 64 bits, squares that fit no 128; by one process and by several
CREATE TABLE shopdata.many AS
SELECT c, coalesce(history_agg(d, v, n), '{}') - CASE WHEN c % 20 = 3 THEN '{2022-05-05:2:1,2024-02-03:1:7.5}' ELSE '{}' END::history AS h
  FROM (SELECT c, CASE WHEN c % 50 = 7 THEN date '2023-03-01' + i ELSE date '2021-01-01' + (hashint8extended(c * 40 + i, 2) & 2047)::int END AS d,
               CASE WHEN c % 50 = 7 THEN 90000000000000000.07 WHEN c % 50 = 8 THEN -8000000000 WHEN c % 5 = 1 THEN hashint8extended(c * 40 + i, 4) & 255
                    WHEN c % 5 = 2 THEN ((hashint8extended(c * 40 + i, 4) & 65535) - 9000) / 1000.0 ELSE ((hashint8extended(c * 40 + i, 4) & 65535) - 9000) / 100.0 END::numeric(24,4) AS v,
               hashint8extended(c * 40 + i, 5) & 7 <> 0 AS n
          FROM generate_series(1, 2000) AS c, generate_series(1, 30) AS i WHERE i <= c % 30) AS o GROUP BY c;
CREATE FUNCTION shopdata.cohorts(unit text, d date) RETURNS TABLE (cohort date, since int, active bigint, total numeric, squares numeric) LANGUAGE sql AS $$
  SELECT s.* FROM (SELECT _cohort_sums(h, d, unit) AS s FROM many) AS a, unnest((s).cohort, (s).periods_since, (s).active, (s).total, (s).squares) AS s
$$;
CREATE FUNCTION shopdata.slow_cohorts(unit text, d date) RETURNS TABLE (cohort date, since int, active bigint, total numeric, squares numeric) LANGUAGE sql AS $$
  SELECT p.cohort, p.periods_since, count(*) FILTER (WHERE p.events > 0), sum(p.total), sum(so_far * so_far - (so_far - p.total) * (so_far - p.total))
  FROM (SELECT p.*, sum(p.total) OVER (PARTITION BY c ORDER BY p.periods_since) AS so_far FROM many, cohort_periods(h, d, unit) AS p) AS p GROUP BY 1, 2
$$;
SELECT unit, iso(d) AS day, a.* FROM unnest('{month,week}'::text[]) AS unit, unnest('{2022-06-30,2030-01-01}'::date[]) AS d,
  differ(format('SELECT * FROM cohorts(%L, %L)', unit, d), format('SELECT * FROM slow_cohorts(%L, %L)', unit, d)) AS a;
CREATE TABLE shopdata.slow AS SELECT * FROM slow_cohorts('month', '2030-01-01');
SELECT max(total) > 9e18 AS beyond_64_bits, max(squares) > 1.8e36 AS beyond_128_bits FROM slow;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
ALTER TABLE shopdata.many SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT _cohort_sums(h, '2030-01-01', 'month') AS s FROM many;
SELECT d.* FROM differ('SELECT * FROM cohorts(''month'', ''2030-01-01'')', 'SELECT * FROM slow') AS d;
-- to the letter, and in the order of time, however the rows come
SELECT count(DISTINCT s::text) AS results, bool_and((s).cohort = (SELECT array_agg(c ORDER BY c) FROM unnest((s).cohort) AS c)) AS in_order
  FROM (SELECT _cohort_sums(h, '2030-01-01', 'month') AS s FROM many UNION ALL SELECT _cohort_sums(h, '2030-01-01', 'month' ORDER BY c) FROM many
        UNION ALL SELECT _cohort_sums(h, '2030-01-01', 'month' ORDER BY c DESC) FROM many) AS a;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;
SELECT _cohort_sums(h, '2030-01-01', 'month') IS NULL AS of_no_rows FROM many WHERE c < 0;
SELECT cardinality((_cohort_sums(h, d, u)).cohort) AS left_out FROM (VALUES ('{2025-01-01:1:1}'::history, date '2030-01-01', 'month'), (NULL, '2030-01-01', 'month'), ('{2025-01-01:1:1}', NULL, 'month'), ('{2025-01-01:1:1}', '2030-01-01', NULL), ('{2025-01-01:0:1}', '2030-01-01', 'month')) AS v (h, d, u);

-- the same segments from plain SQL over the orders, of any day
SELECT count(*) > 0 AS done FROM create_model('easy', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
CREATE FUNCTION shopdata.segments(d date) RETURNS TABLE (as_of date, segment text, customers bigint, revenue numeric) LANGUAGE sql AS $$
  SELECT d, CASE WHEN r >= 4 AND f <= 2 AND tenure > 365 THEN 'occasional' WHEN r >= 4 AND f >= 4 AND m >= 4 THEN 'vip' WHEN r >= 4 AND f <= 2 THEN 'new_customers'
           WHEN r >= 3 AND f >= 3 AND m <= 3 THEN 'upsell_potential' WHEN r >= 3 AND f >= 3 THEN 'regular' WHEN r = 3 THEN 'occasional' WHEN f >= 4 OR (f = 3 AND m >= 4) THEN 'at_risk' ELSE 'lapsed' END,
         count(*), sum(total)::numeric(24,2)
  FROM (SELECT tenure, total, (SELECT 1 + count(*) FROM unnest(recency_thresholds) AS t WHERE age < t) AS r, (SELECT 1 + count(*) FROM unnest(frequency_thresholds) AS t WHERE n > t) AS f, (SELECT 1 + count(*) FROM unnest(monetary_thresholds) AS t WHERE total > t) AS m
          FROM easy.calibration, (SELECT d - max(ordered_on) FILTER (WHERE total >= 0) AS age, d - min(ordered_on) FILTER (WHERE total >= 0) AS tenure, count(*) FILTER (WHERE total >= 0) AS n, sum(total) AS total
                  FROM orders WHERE ordered_on <= d GROUP BY customer_id) AS o WHERE age IS NOT NULL) AS s GROUP BY 2
$$;
SELECT d.* FROM differ('SELECT as_of, segment, customers, revenue FROM easy.segment_history(''2024-01-31'', ''2025-12-31'') WHERE segment <> ''prospects'' AND segment <> ''refunded''',
  $$SELECT s.* FROM generate_series(0, 23) AS n, segments((date '2024-01-31' + n * interval '1 month')::date) AS s$$) AS d;

-- by weeks, from Monday to Sunday
CREATE FUNCTION shopdata.weekly(d date) RETURNS TABLE (cohort_week text, weeks_since int, is_running boolean, customers bigint, active_customers bigint, active_share float8, revenue numeric) LANGUAGE sql AS $$
  WITH firsts AS (SELECT customer_id, date_trunc('week', min(ordered_on) FILTER (WHERE total >= 0)::timestamp)::date AS c FROM orders WHERE ordered_on <= d GROUP BY 1),
  weeks AS (SELECT c, n, c + n * 7 AS m, (SELECT count(*) FROM firsts AS f WHERE f.c = s.c) AS customers
            FROM (SELECT DISTINCT c FROM firsts WHERE c IS NOT NULL) AS s, generate_series(0, 200) AS n WHERE c + n * 7 <= d),
  spent AS (SELECT c, greatest(date_trunc('week', ordered_on::timestamp)::date, c) AS m, count(DISTINCT customer_id) FILTER (WHERE total >= 0) AS active, sum(total) AS revenue FROM firsts JOIN orders USING (customer_id) WHERE ordered_on <= d GROUP BY 1, 2)
  SELECT iso(c), n, m + 6 > d, customers, coalesce(active, 0), coalesce(active, 0) / customers::float8, coalesce(revenue, 0)::numeric(24,2) FROM weeks LEFT JOIN spent USING (c, m)
$$;
SELECT * FROM differ('SELECT iso(cohort_week), weeks_since, is_running, customers, active_customers, active_share, revenue FROM m.weekly_cohort_retention()', $$SELECT * FROM weekly('2025-12-31')$$);
SELECT count(*) AS weeks, count(*) FILTER (WHERE extract(isodow FROM cohort_week) <> 1) AS not_monday, count(*) FILTER (WHERE is_running) AS running, count(DISTINCT cohort_week) AS cohorts,
       bool_and(is_running = (cohort_week + 7 * weeks_since + 6 > date '2025-12-31')) AS as_should FROM m.weekly_cohort_retention();
-- the month of as_of is over on its last day, and not before
SELECT count(*) AS altered FROM alter_model('m', as_of => '2025-12-30') WHERE item = 'as_of';
SELECT count(*) FILTER (WHERE is_running) AS running, count(DISTINCT cohort_month) AS cohorts,
       bool_and(is_running = ((cohort_month + (months_since + 1) * interval '1 month')::date > '2025-12-31')) AS as_should FROM m.cohort_retention();
-- the same people, the same money as in customer_scores, refunds before a first order included
INSERT INTO orders (order_id, customer_id, ordered_on, total) VALUES (90001, 9001, '2025-02-03', -40), (90002, 9001, '2025-06-03', 100), (90003, 9002, '2025-01-01', -5), (90004, 9003, '2025-06-30', -1), (90005, 9003, '2025-06-30', 3);
SELECT count(*) FROM refresh_model('m');
SELECT c.revenue = s.revenue AND w.revenue = s.revenue AS revenue, c.customers = s.customers AND w.customers = s.customers AS customers, e.revenue AS of_the_early_refund
FROM (SELECT sum(revenue) AS revenue, sum(customers) FILTER (WHERE months_since = 0) AS customers FROM m.cohort_retention()) AS c,
     (SELECT sum(revenue) AS revenue, sum(customers) FILTER (WHERE weeks_since = 0) AS customers FROM m.weekly_cohort_retention()) AS w,
     (SELECT sum(monetary) AS revenue, count(*) AS customers FROM m.customer_scores WHERE recency_days IS NOT NULL) AS s,
     (SELECT revenue FROM m.cohort_retention() WHERE cohort_month = '2025-06-01' AND months_since = 0) AS e;
DELETE FROM orders WHERE order_id > 90000;

SELECT item FROM unnest('{m,plain,easy}'::text[]) AS m, drop_model(m);
DROP TABLE many, slow;
DROP FUNCTION pinned(date), transitions(text, date, date), retention(date), weekly(date), cohorts(text, date), slow_cohorts(text, date), segments(date);
