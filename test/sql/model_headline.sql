-- The views that are looked at first: the headline, against plain SQL over the
-- orders and against the other views; moves and months, whose days move; and no
-- column tenant where there are no tenants.
SET client_min_messages = warning;
SET jit = off;
SET search_path = public, scoring, shopdata;
SELECT count(*) > 0 AS done FROM create_model('hl', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'people', prediction => 'mbgnbd');

SELECT iso(as_of) AS as_of, customers, prospects, active_customers_12m AS active, active_customers_12m_before AS before, orders_12m, orders_12m_before, revenue_12m,
       revenue_12m_before, round(revenue_12m_change::numeric, 4) AS change, mean_basket_12m, mean_basket_12m_before, suppressed FROM hl.headline;
-- rows of value below zero are no orders, and add to the revenue
CREATE FUNCTION shopdata.of_days(first date, last date) RETURNS TABLE (people bigint, orders bigint, revenue numeric) LANGUAGE sql AS $$
  SELECT count(DISTINCT customer_id) FILTER (WHERE total >= 0), count(*) FILTER (WHERE total >= 0), sum(total) FROM orders WHERE ordered_on BETWEEN first AND last $$;
SELECT * FROM differ('SELECT active_customers_12m, orders_12m, revenue_12m, active_customers_12m_before, orders_12m_before, revenue_12m_before FROM hl.headline',
  'SELECT n.people, n.orders, n.revenue, b.people, b.orders, b.revenue FROM of_days(''2025-01-01'', ''2025-12-31'') AS n, of_days(''2024-01-02'', ''2024-12-31'') AS b');
-- as the other views say
SELECT * FROM differ('SELECT customers, prospects, at_risk_customers, at_risk_revenue, clv_12m FROM hl.headline',
  'SELECT (SELECT sum(customers) FROM hl.segment_summary), (SELECT customers FROM hl.segment_summary WHERE role = ''prospect''), s.customers, s.revenue,
   (SELECT sum(clv_12m) FROM hl.prediction_by_segment) FROM hl.segment_summary AS s WHERE role = ''at_risk''');
-- what is expected, of people who buy at rates of their own, and leave after an order with a chance of their own
CREATE TABLE shopdata.leavers AS
SELECT c.i AS customer, c.first + coalesce(o.day, 0)::int AS day, 20 + c.i % 7 * 5 + coalesce(o.k, 0) % 4 AS value
  FROM (SELECT i, date '2024-02-20' + floor(550 * d[1])::int AS first, -ln(d[2]) / 40 AS rate, least(40, floor(ln(d[4]) / ln(power(d[3], 0.4))))::int AS stays
          FROM (SELECT i, ARRAY(SELECT ((hashint8extended(i, n) & 1048575) + 0.5) / 1048576 FROM generate_series(1, 4) AS n) AS d FROM generate_series(1, 800) AS i) AS d) AS c
 CROSS JOIN LATERAL (SELECT 0 AS k, 0::float8 AS day UNION ALL
                     SELECT k, ceil(sum(-ln(((hashint8extended(c.i, 100 + k) & 1048575) + 0.5) / 1048576) / c.rate) OVER (ORDER BY k)) FROM generate_series(1, c.stays) AS k) AS o
 WHERE o.day <= date '2025-12-31' - c.first;
SELECT count(*) > 0 AS done FROM create_model('ex', 'leavers', customer => 'customer', day => 'day', value => 'value', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT h.clv_12m > 0 AS expected, h.clv_12m = (SELECT sum(clv_12m) FROM ex.customer_scores) AS as_of_all FROM ex.headline AS h;
-- a shop that is less than 700 days old has no year before
SELECT min(day) - date '2025-12-31' > -700 AS young FROM leavers;
SELECT revenue_12m > 0 AS revenue, revenue_12m_before, revenue_12m_change, orders_12m_before, active_customers_12m_before, mean_basket_12m_before FROM ex.headline;
SELECT count(*) > 0 AS dropped FROM drop_model('ex');
SELECT * FROM differ('SELECT segment, role FROM hl.prediction_by_segment', 'SELECT segment, role FROM hl.segment_summary WHERE customers > 0');

-- Moves of 90 days, with order and color of both ends.
SELECT * FROM differ('SELECT from_segment, from_label, to_segment, to_label, customers, revenue, customers_by_thresholds, from_order, from_color, to_order, to_color FROM hl.segment_moves_90d',
  'SELECT from_segment, from_label, to_segment, to_label, customers, revenue, customers_by_thresholds, from_order, from_color, to_order, to_color
   FROM hl.segment_transitions(''2025-10-02'', ''2025-12-31'')');
SELECT iso(min(from_day)) AS from_day, iso(max(to_day)) AS to_day, count(*) > 10 AS some,
       count(*) FILTER (WHERE (f.segment_order, f.segment_color, t.segment_order, t.segment_color) IS DISTINCT FROM (m.from_order, m.from_color, m.to_order, m.to_color)) AS different
FROM hl.segment_moves_90d AS m LEFT JOIN hl.segments AS f ON f.segment = m.from_segment LEFT JOIN hl.segments AS t ON t.segment = m.to_segment;

-- The last 12 ends of a month and today, whatever today is.
CREATE FUNCTION shopdata.months(today date) RETURNS TABLE (days bigint, others bigint, different bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM alter_model('hl', as_of => today);
  CREATE TEMP TABLE twelve AS SELECT * FROM hl.segment_history_12m;
  RETURN QUERY SELECT count(DISTINCT as_of), count(DISTINCT as_of) FILTER (WHERE as_of <> today AND as_of <> ALL (
      SELECT (date_trunc('month', today) - n * interval '1 month')::date - 1 FROM generate_series(0, 11) AS n)),
    (SELECT d.different FROM differ('SELECT as_of, segment, segment_label, role, customers, customers_share, revenue, revenue_share, segment_order, segment_color FROM twelve',
      'SELECT h.as_of, h.segment, h.segment_label, s.role, h.customers, h.customers_share, h.revenue, h.revenue_share, h.segment_order, h.segment_color
       FROM (SELECT DISTINCT as_of FROM twelve) AS d, hl.segment_history(d.as_of, d.as_of) AS h LEFT JOIN hl.segments AS s USING (segment)') AS d)
  FROM twelve;
  DROP TABLE twelve;
END $$;
SELECT iso(d) AS today, m.* FROM unnest('{2025-12-01,2026-02-28,2026-03-15,2025-10-31,2024-02-29}'::date[]) AS d, months(d) AS m;

-- In a leap year two years are no day longer; before the first order there is nothing to compare with.
SELECT iso(as_of) AS as_of, orders_12m, orders_12m_before, revenue_12m_before, revenue_12m_change FROM hl.headline;
SELECT * FROM differ('SELECT orders_12m, revenue_12m FROM hl.headline', 'SELECT orders, revenue FROM of_days(date ''2024-02-29'' - 364, ''2024-02-29'')');

-- Numbers of few people are not told here either.
SELECT count(*) > 0 AS done FROM alter_model('hl', as_of => '2025-12-31', minimum_group_size => 80);
SELECT h.customers IS NOT NULL AS everybody, h.at_risk_customers, h.at_risk_revenue, h.suppressed, s.customers AS in_summary FROM hl.headline AS h, hl.segment_summary AS s WHERE s.role = 'at_risk';
SELECT d.* FROM differ('SELECT segment, customers FROM hl.segment_history_12m WHERE as_of = ''2025-12-31''', 'SELECT segment, customers FROM hl.segment_summary WHERE suppressed OR customers > 0') AS d;
SELECT count(*) FILTER (WHERE suppressed) > 0 AS some_hidden, count(*) FILTER (WHERE customers < 80) AS few FROM hl.segment_moves_90d;
SELECT count(*) > 0 AS done FROM alter_model('hl', minimum_group_size => 1, reset => '{prediction}');
SELECT customers, prospects, at_risk_customers, clv_12m, suppressed FROM hl.headline;

-- Readers see no column tenant; the functions behind tell it in any model.
SELECT string_agg(c.relname, ' ') AS tenanted FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relnamespace = 'hl'::regnamespace AND c.relkind = 'v' AND a.attname = 'tenant' AND c.relname !~ '^_';
SELECT count(*) FILTER (WHERE proname !~ '^_') AS for_readers, count(*) FILTER (WHERE proname ~ '^_') > 5 AS behind FROM pg_proc
WHERE pronamespace = 'hl'::regnamespace AND 'tenant' = ANY (proargnames);
-- What a program finds to call takes no value that nobody can write down.
SELECT count(*) > 15 AS functions, count(*) FILTER (WHERE 'scoring.caller'::regtype = ANY (proargtypes::oid[])) AS unwritable FROM pg_proc
WHERE pronamespace = 'hl'::regnamespace AND proname !~ '^_';

SELECT count(*) > 0 AS dropped FROM drop_model('hl');
DROP TABLE shopdata.leavers;
DROP FUNCTION shopdata.months(date), shopdata.of_days(date, date);
