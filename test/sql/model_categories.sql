-- Categories of products, compared with plain SQL over the events themselves.
-- Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never

-- Order lines, baskets and views of 300 customers in seven categories, one of them
-- named other, and none; refunds, and lines of two days in one order.
CREATE TABLE shopdata.acts AS
SELECT e AS act_id, (ARRAY['line', 'basket', 'view', 'view'])[1 + floor(4 * u1)::int] AS what,
       1 + (u2 * u2 * 299)::int AS customer_id, date '2024-03-01' + (u3 * 700)::int AS day,
       (ARRAY['shoes', 'Hats', 'bags', 'été', 'belts', 'other', NULL])[1 + floor(7 * u4 * (0.4 + 0.6 * ((1 + (u2 * u2 * 299)::int) % 7) / 6.0))::int] AS category,
       CASE WHEN u5 < 0.05 THEN -7.5 ELSE round((1 + 60 * u5)::numeric, 2) END AS amount,
       (ARRAY['north', 'south'])[1 + (1 + (u2 * u2 * 299)::int) % 2] AS branch
FROM (SELECT e, (hashint8extended(e, 1) & 1073741823) / 1073741824.0::float8 AS u1, (hashint8extended(e, 2) & 1073741823) / 1073741824.0::float8 AS u2,
             (hashint8extended(e, 3) & 1073741823) / 1073741824.0::float8 AS u3, (hashint8extended(e, 4) & 1073741823) / 1073741824.0::float8 AS u4,
             (hashint8extended(e, 5) & 1073741823) / 1073741824.0::float8 AS u5
      FROM generate_series(1, 6000) AS e) AS s;
CREATE VIEW shopdata.lines AS SELECT customer_id, day, category, amount FROM shopdata.acts WHERE what = 'line';
CREATE VIEW shopdata.baskets AS SELECT customer_id, day, category FROM shopdata.acts WHERE what = 'basket';
CREATE VIEW shopdata.looks AS SELECT customer_id, day, category FROM shopdata.acts WHERE what = 'view';

-- The slow way: facts, shares of all as of a day, shares of a customer.
CREATE FUNCTION shopdata.facts(as_of date, only_branch text DEFAULT NULL) RETURNS TABLE (customer_id int, category text, orders bigint, events bigint, revenue numeric,
  last_on date, weight float8, recent float8, before float8) LANGUAGE sql STABLE AS $$
  SELECT a.customer_id, coalesce(a.category, 'other'), count(*) FILTER (WHERE what = 'line' AND amount >= 0), count(*) FILTER (WHERE what <> 'line' OR amount >= 0),
         coalesce(sum(amount) FILTER (WHERE what = 'line'), 0), max(a.day) FILTER (WHERE what <> 'line' OR amount >= 0),
         sum(w * 2 ^ (-($1 - a.day) / 180.0)), sum(w * (a.day > $1 - 90)::int), sum(w * (a.day <= $1 - 90 AND a.day > $1 - 180)::int)
  FROM shopdata.acts AS a, LATERAL (SELECT CASE WHEN what = 'line' THEN CASE WHEN amount >= 0 THEN 10 ELSE 0 END WHEN what = 'basket' THEN 3 ELSE 1 END::float8 AS w) AS w
  WHERE a.day <= $1 AND ($2 IS NULL OR a.branch = $2)
  GROUP BY 1, 2 HAVING count(*) FILTER (WHERE what <> 'line' OR amount >= 0) > 0
$$;
CREATE FUNCTION shopdata.shares(as_of date, taken_on date, only_branch text DEFAULT NULL) RETURNS TABLE (customer_id int, category text, orders bigint, events bigint, revenue numeric,
  last_on date, share float8, lift float8) LANGUAGE sql STABLE AS $$
  WITH of_all AS (SELECT f.category, sum(f.weight) / sum(sum(f.weight)) OVER () AS pi FROM shopdata.facts($2, $3) AS f GROUP BY 1)
  SELECT f.customer_id, f.category, f.orders, f.events, f.revenue, f.last_on, s.share, s.share / pi
  FROM (SELECT f.*, sum(f.weight) OVER (PARTITION BY f.customer_id) AS all_weight FROM shopdata.facts($1, $3) AS f) AS f
  LEFT JOIN of_all USING (category) CROSS JOIN LATERAL (SELECT (f.weight + 5 * coalesce(pi, 0)) / (f.all_weight + 5) AS share) AS s
$$;
CREATE FUNCTION shopdata.preferred(as_of date, taken_on date) RETURNS TABLE (customer_key text, category text, reason text) LANGUAGE sql STABLE AS $$
  SELECT id, s.category, CASE WHEN s.category IS NULL THEN CASE WHEN p.id IN (SELECT f.customer_id::text FROM shopdata.facts($1) AS f) THEN 'no_preference' ELSE 'no_event' END END
  FROM (SELECT customer_id::text AS id FROM shopdata.orders WHERE ordered_on <= $1 UNION SELECT customer_id::text FROM shopdata.acts WHERE day <= $1 AND (what <> 'line' OR amount >= 0)) AS p
  LEFT JOIN (SELECT DISTINCT ON (s.customer_id) s.customer_id::text AS id, s.category FROM shopdata.shares($1, $2) AS s WHERE s.category <> 'other' AND s.events >= 2 AND s.lift > 1
             ORDER BY s.customer_id, s.share DESC, s.category COLLATE "C") AS s USING (id)
$$;

SELECT detail FROM create_model('ca', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total',
  as_of => '2025-12-31') WHERE item = 'customers';
-- kinds that have roles of their own are no categories
SELECT count(*) > 0 AS added FROM add_stream('ca', 'web', 'shopdata.looks', customer => 'customer_id', day => 'day', kind => 'category', role => '{"Hats": "view"}');
SELECT count(*) FROM pg_class WHERE relnamespace = 'ca'::regnamespace AND relname ~ 'categor';
SELECT count(*) > 0 AS added FROM add_stream('ca', 'looks', 'shopdata.looks', customer => 'customer_id', day => 'day', kind => 'category', role => 'view');
SELECT sum(orders) AS orders, count(revenue) AS revenue, count(appetence) > 0 AS appetence FROM ca.customer_categories;
SELECT count(*) > 0 AS added FROM add_stream('ca', 'carts', 'shopdata.baskets', customer => 'customer_id', day => 'day', kind => 'category', role => 'basket');
SELECT item, detail FROM add_stream('ca', 'lines', 'shopdata.lines', customer => 'customer_id', day => 'day', kind => 'category', value => 'amount', role => 'line');

-- What each customer did: today, on past days, by the shares of the version.
SELECT * FROM shopdata.differ('SELECT customer_key, category, orders, events, revenue, last_on, round(share::numeric, 9), round(lift::numeric, 9) FROM ca.customer_categories',
  'SELECT customer_id::text, category, orders, events, revenue, last_on, round(share::numeric, 9), round(lift::numeric, 9) FROM shopdata.shares(''2025-12-31'', ''2025-12-31'')');
SELECT to_char(day, 'YYYY-MM-DD') AS day, d.* FROM unnest('{2024-03-02,2024-09-30,2025-12-30}'::date[]) AS day,
  shopdata.differ(format('SELECT customer_key, category, orders, events, revenue, last_on, round(share::numeric, 9), round(lift::numeric, 9) FROM ca.customer_categories_at(%L)', day),
    format('SELECT customer_id::text, category, orders, events, revenue, last_on, round(share::numeric, 9), round(lift::numeric, 9) FROM shopdata.shares(%L, ''2025-12-31'')', day)) AS d;
SELECT to_char(day, 'YYYY-MM-DD') AS day, d.* FROM unnest('{2024-03-02,2024-09-30,2025-12-31}'::date[]) AS day,
  shopdata.differ(format('SELECT customer_key, preferred_category, preferred_category_reason FROM ca.customer_scores_at(%L)', day), format('SELECT * FROM shopdata.preferred(%L, ''2025-12-31'')', day)) AS d;
SELECT * FROM shopdata.differ('SELECT customer_key, preferred_category, preferred_category_reason FROM ca.customer_scores', 'SELECT * FROM shopdata.preferred(''2025-12-31'', ''2025-12-31'')');
SELECT count(*) FILTER (WHERE preferred_category IS NOT NULL) > 50 AS some, count(DISTINCT preferred_category) AS categories, count(*) FILTER (WHERE preferred_category = 'other') AS other,
  count(*) FILTER (WHERE preferred_category_reason = 'no_preference') > 0 AS without, count(*) FILTER (WHERE preferred_category_reason = 'no_event') > 20 AS not_there FROM ca.customer_scores;
-- The shares of a customer add up to 1 with those of the categories that they have nothing of: these have 5 * pi / (all + 5).
WITH pi AS (SELECT category, max(share / lift) AS pi FROM ca.customer_categories GROUP BY 1), sums AS (
  SELECT c.customer_key, sum(c.share) AS shown, 1 - sum(pi) AS pi_of_rest, f.weight FROM ca.customer_categories AS c JOIN pi USING (category)
  JOIN (SELECT customer_id::text AS customer_key, sum(weight) AS weight FROM shopdata.facts('2025-12-31') GROUP BY 1) AS f USING (customer_key) GROUP BY 1, 4)
SELECT count(*) > 200 AS customers, max(abs(shown + 5 * pi_of_rest / (weight + 5) - 1)) < 1e-9 AS add_up, max(shown) <= 1 + 1e-9 AS at_most, (SELECT abs(sum(pi) - 1) < 1e-9 FROM pi) AS of_all FROM sums;
-- ranks, and the percentile among those who have the category
SELECT count(*) FILTER (WHERE rank IS DISTINCT FROM CASE WHEN category <> 'other' THEN expected END) AS wrong FROM
 (SELECT *, row_number() OVER (PARTITION BY customer_key, category <> 'other' ORDER BY share DESC, category COLLATE "C") AS expected FROM ca.customer_categories) AS s;
SELECT count(*) > 500 AS rows, max(abs(appetence - expected)) <= 2 AS near, min(appetence), max(appetence) FROM
 (SELECT c.appetence, 100 * percent_rank() OVER (PARTITION BY f.category ORDER BY round(f.weight::numeric, 9)) AS expected
  FROM ca.customer_categories AS c JOIN shopdata.facts('2025-12-31') AS f ON f.customer_id::text = c.customer_key AND f.category = c.category) AS s;

-- By segment.
CREATE FUNCTION shopdata.by_segment(model text, as_of date) RETURNS TABLE (segment text, category text, customers bigint, share numeric, lift numeric, share_90d numeric, share_90d_before numeric, trend numeric)
LANGUAGE plpgsql AS $f$
BEGIN
  RETURN QUERY EXECUTE format($$
    WITH a AS (SELECT s.segment::text AS segment, f.category, count(*) AS customers, sum(weight) AS weight, sum(recent) AS recent, sum(before) AS before
               FROM shopdata.facts(%L) AS f JOIN %I.customer_scores AS s ON s.customer_key = f.customer_id::text GROUP BY 1, 2),
    b AS (SELECT *, weight / sum(weight) OVER s AS share, recent / nullif(sum(recent) OVER s, 0) AS r, before / nullif(sum(before) OVER s, 0) AS b,
                 sum(weight) OVER (PARTITION BY category) / sum(weight) OVER () AS of_all FROM a WINDOW s AS (PARTITION BY segment))
    SELECT segment, category, customers, round(share::numeric, 9), round((share / of_all)::numeric, 9), round(r::numeric, 9), round(b::numeric, 9), round((r - b)::numeric, 9) FROM b$$, as_of, model);
END $f$;
SELECT * FROM shopdata.differ('SELECT segment, category, customers, round(share::numeric, 9), round(lift::numeric, 9), round(share_90d::numeric, 9), round(share_90d_before::numeric, 9), round(trend::numeric, 9) FROM ca.category_by_segment',
  'SELECT * FROM shopdata.by_segment(''ca'', ''2025-12-31'')');
SELECT count(*) FILTER (WHERE abs(sum - 1) > 1e-9) AS wrong FROM (SELECT sum(share) AS sum FROM ca.category_by_segment GROUP BY segment) AS s;

-- Neither workers nor the order of rows change a bit of the sums behind it.
CREATE FUNCTION shopdata.plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  line text;
  plan text := '';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP plan := plan || line; END LOOP;
  RETURN plan;
END $$;
CREATE TABLE shopdata.summed AS SELECT h.customer_key, h.streams, q.categories FROM ca.stream_histories AS h CROSS JOIN ca._question AS q;
\set sums 'SELECT _category_sums(categories, streams, date ''2025-06-30'') FROM shopdata.summed'
SET max_parallel_workers_per_gather = 0;
CREATE TABLE shopdata.sums AS SELECT s::text FROM (:sums) AS q (s) UNION ALL
SELECT (SELECT _category_sums(categories, streams, date '2025-06-30' ORDER BY customer_key DESC) FROM shopdata.summed)::text;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT shopdata.plan_of(:'sums') LIKE '%Finalize Aggregate%Gather%Partial Aggregate%' AS parallel;
SELECT s::text AS sums_of_workers FROM (:sums) AS q (s) \gset
INSERT INTO shopdata.sums VALUES (:'sums_of_workers');
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT count(*) AS ways, count(DISTINCT s) AS results, min(length(s)) > 100 AS long FROM shopdata.sums;
SELECT error_of($$SELECT _category_sums(ROW(NULL, names, keys, numbers, weights, NULL)::_categories, '{}', '2025-01-01') FROM (VALUES
  ('{a}'::text[], '{1025}'::int[], '{0}'::int[], '{10}'::int[]), ('{a,b}', '{1025,1026}', '{0,1}', '{10,10}')) AS c (names, keys, numbers, weights)$$);
SELECT _category_sums(NULL, '{}', '2025-01-01') AS none, _category_sums(ROW(NULL, '{}', '{}', '{}', '{}', NULL), '{}', '2025-01-01') AS no_categories;
DROP TABLE shopdata.sums, shopdata.summed;
DROP FUNCTION shopdata.plan_of;

-- Pairs: a plain self-join.
CREATE FUNCTION shopdata.pairs(as_of date) RETURNS TABLE (category_1 text, category_2 text, n_1 bigint, n_2 bigint, n_both bigint, n bigint) LANGUAGE sql AS $$
  WITH b AS (SELECT DISTINCT customer_id, coalesce(category, 'other') AS category FROM shopdata.acts WHERE what = 'line' AND amount >= 0 AND day <= $1)
  SELECT c1.category, c2.category, c1.n, c2.n, (SELECT count(*) FROM b AS x JOIN b AS y USING (customer_id) WHERE x.category = c1.category AND y.category = c2.category), (SELECT count(DISTINCT customer_id) FROM b)
  FROM (SELECT category, count(*) AS n FROM b GROUP BY 1) AS c1, (SELECT category, count(*) AS n FROM b GROUP BY 1) AS c2 WHERE c1.category <> c2.category AND 'other' NOT IN (c1.category, c2.category)
$$;
SELECT * FROM shopdata.differ('SELECT category_1, category_2, n_1, n_2, n_both, n FROM ca.category_pairs',
  'SELECT * FROM shopdata.pairs(''2025-12-31'') WHERE n_both >= 30 OR n_1 * n_2 / n::numeric >= 30');
SELECT count(*) > 5 AS pairs, bool_and(abs(support - n_both::float8 / n) < 1e-12 AND abs(confidence - n_both::float8 / n_1) < 1e-12 AND abs(lift - confidence / (n_2::float8 / n)) < 1e-12
  AND abs(leverage - (support - n_1::float8 / n * n_2 / n)) < 1e-12) AS right,
  -- by the four cells of observed and expected
  max(abs(p_value - scoring_p.p)) < 1e-12 AS p FROM ca.category_pairs, LATERAL (SELECT chi_square_cdf(sum((o - e) ^ 2 / e), 1, true) AS p FROM (VALUES
    (n_both::float8, n_1::float8 * n_2 / n), (n_1 - n_both, n_1::float8 * (n - n_2) / n), (n_2 - n_both, n_2::float8 * (n - n_1) / n),
    (n - n_1 - n_2 + n_both, (n - n_1)::float8 * (n - n_2) / n)) AS v (o, e)) AS scoring_p;
SELECT bool_and(a.lift = b.lift AND a.p_value = b.p_value AND a.n_1 = b.n_2) AS both_ways FROM ca.category_pairs AS a JOIN ca.category_pairs AS b ON (b.category_1, b.category_2) = (a.category_2, a.category_1);

-- What comes next: all pairs of consecutive days of all customers.
CREATE FUNCTION shopdata.next(customer int, as_of date, leave_out boolean) RETURNS TABLE (category text, probability numeric, n bigint) LANGUAGE sql AS $$
  WITH b AS (SELECT DISTINCT customer_id, day, coalesce(category, 'other') AS category FROM shopdata.acts WHERE what = 'line' AND amount >= 0 AND day <= $2),
  d AS (SELECT customer_id, day, lead(day) OVER (PARTITION BY customer_id ORDER BY day) AS next FROM (SELECT DISTINCT customer_id, day FROM b) AS s),
  mine AS (SELECT category FROM b WHERE customer_id = $1 AND day = (SELECT max(day) FROM b WHERE customer_id = $1)),
  starts AS (SELECT d.customer_id, d.next FROM d JOIN b USING (customer_id, day) JOIN mine USING (category) WHERE d.next IS NOT NULL)
  SELECT b.category, round(count(*) / (SELECT count(*) FROM starts)::numeric, 9), count(*) FROM starts AS s JOIN b ON b.customer_id = s.customer_id AND b.day = s.next
  WHERE b.category <> 'other' AND NOT ($3 AND EXISTS (SELECT FROM b AS x WHERE x.customer_id = $1 AND x.category = b.category)) GROUP BY 1
$$;
SELECT c, out, d.* FROM unnest('{1,3,17,255}'::int[]) AS c, unnest('{f,t}'::boolean[]) AS out,
  shopdata.differ(format('SELECT category, round(probability::numeric, 9), n FROM ca.next_category(%L, %L)', c, out), format('SELECT * FROM shopdata.next(%s, ''2025-12-31'', %L)', c, out)) AS d ORDER BY 1, 2;
SELECT count(*) AS unknown FROM ca.next_category('nobody');
SELECT count(*) AS no_name FROM ca.next_category(NULL);
SELECT (SELECT array_agg(n) FROM ca.next_category('1')) = (SELECT array_agg(n ORDER BY n DESC) FROM ca.next_category('1')) AS most_likely_first;

-- A map that reads it, and a list.
CREATE SCHEMA catmaps;
SELECT create_segment_map('catmaps.m', copy_of => 'essential');
INSERT INTO catmaps.segment_rule (map, position, segment, conditions) VALUES ('m', -1, 'hat_lovers', '{"column": "preferred_category", "op": "=", "value": "Hats"}');
INSERT INTO catmaps.segment_label (map, segment, language, role, label, display_order, color) VALUES ('m', 'hat_lovers', 'en', 'upsell', 'Hat lovers', 2, '#112233'), ('m', 'hat_lovers', 'fr', 'upsell', 'Chapeaux', 2, '#112233');
SELECT count(*) > 0 AS altered FROM alter_model('ca', segment_map => 'catmaps.m');
SELECT count(*) > 5 AS lovers, bool_and(preferred_category = 'Hats') AS right FROM ca.customer_scores WHERE segment = 'hat_lovers';
SELECT count(*) FILTER (WHERE segment = 'hat_lovers') = count(*) FILTER (WHERE preferred_category = 'Hats' AND recency_days IS NOT NULL) AS then FROM ca.customer_scores_at('2025-03-31', 2);
SELECT bool_or(preferred_category IS NOT NULL) AS in_lists FROM ca.vip_customers;
SELECT DISTINCT language, explanation ~ CASE language WHEN 'en' THEN 'preferred category' ELSE 'catégorie préférée' END AS said FROM unnest('{en,fr}'::text[]) AS language,
  explain_score('ca', (SELECT min(customer_key) FROM ca.customer_scores WHERE segment = 'hat_lovers'), language => language) WHERE explanation ~ 'Hats' ORDER BY 1;

-- The shares stay those of the version until a category comes or goes; a calibration takes them again.
CREATE TABLE shopdata.kept AS SELECT category, max(share / lift) AS pi FROM ca.customer_categories GROUP BY 1;
INSERT INTO shopdata.acts SELECT 10000 + c, 'line', c, '2025-12-20', 'bags', 10, 'north' FROM generate_series(1, 300) AS c;
SELECT count(*) > 0 AS refreshed FROM refresh_model('ca');
SELECT max(abs(k.pi - s.pi)) < 1e-9 AS the_same FROM shopdata.kept AS k JOIN (SELECT category, max(share / lift) AS pi FROM ca.customer_categories GROUP BY 1) AS s USING (category);
SELECT count(*) > 0 AS calibrated FROM calibrate_model('ca');
SELECT max(abs(k.pi - s.pi)) < 1e-9 AS the_same FROM shopdata.kept AS k JOIN (SELECT category, max(share / lift) AS pi FROM ca.customer_categories GROUP BY 1) AS s USING (category);
SELECT * FROM shopdata.differ('SELECT customer_key, preferred_category, preferred_category_reason FROM ca.customer_scores', 'SELECT * FROM shopdata.preferred(''2025-12-31'', ''2025-12-31'')');
SELECT bool_or(a.share <> b.share) AS versions_differ FROM ca.customer_categories_at('2025-12-31', 1) AS a JOIN ca.customer_categories_at('2025-12-31') AS b USING (customer_key, category);
INSERT INTO shopdata.acts SELECT 20000 + c, 'line', c, '2025-12-21', 'rings', 10, 'north' FROM generate_series(1, 60) AS c;
SELECT count(*) > 0 AS refreshed FROM refresh_model('ca');
SELECT * FROM shopdata.differ('SELECT customer_key, category, round(share::numeric, 9), round(lift::numeric, 9) FROM ca.customer_categories',
  'SELECT customer_id::text, category, round(share::numeric, 9), round(lift::numeric, 9) FROM shopdata.shares(''2025-12-31'', ''2025-12-31'')');
-- version 1 knows no rings
SELECT count(*) FROM ca.customer_categories_at('2025-12-31', 1) WHERE category = 'rings';
-- kinds that are numbered again mean the same: version 1 has its shares again, as of its day
SELECT count(*) > 0 AS altered FROM alter_stream('ca', 'lines', source => 'SELECT * FROM shopdata.lines WHERE category IS DISTINCT FROM ''shoes''');
SELECT count(*) > 0 AS altered FROM alter_stream('ca', 'lines', source => 'shopdata.lines');
SELECT version, d.* FROM generate_series(1, 2) AS version,
  shopdata.differ(format('SELECT customer_key, category, events, round(share::numeric, 9), round(lift::numeric, 9) FROM ca.customer_categories_at(''2025-06-30'', %s)', version),
    'SELECT customer_id::text, category, events, round(share::numeric, 9), round(lift::numeric, 9) FROM shopdata.shares(''2025-06-30'', ''2025-12-31'')') AS d;
-- beyond the limit: other
SELECT count(*) > 0 AS altered FROM alter_stream('ca', 'lines', kinds => 2);
SELECT sum(orders) = (SELECT count(*) FROM shopdata.lines WHERE amount >= 0 AND day <= '2025-12-31') AS all_there, count(*) FILTER (WHERE orders > 0 AND category = 'other') > 50 AS others FROM ca.customer_categories;
SELECT count(*) > 0 AS altered FROM alter_stream('ca', 'lines', reset => '{kinds}');

-- Nobody knows a category by that day: no share, no preference.
SELECT count(*) > 0 AS made FROM create_model('cb', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2024-02-15');
SELECT count(*) > 0 AS added FROM add_stream('cb', 'lines', 'shopdata.lines', customer => 'customer_id', day => 'day', kind => 'category', value => 'amount', role => 'line');
SELECT count(*) AS rows FROM cb.customer_categories;
SELECT DISTINCT preferred_category, preferred_category_reason FROM cb.customer_scores;
SELECT count(*) > 0 AS rows, count(share) AS shares, count(lift) AS lifts, count(appetence) AS appetences, count(revenue) > 0 AS revenue FROM cb.customer_categories_at('2025-12-31');
SELECT * FROM cb.category_pairs;
SELECT count(*) > 0 AS altered FROM alter_model('cb', as_of => '2025-12-31');
SELECT count(*) > 0 AS rows, count(share) = count(*) AS shares FROM cb.customer_categories;

-- Small groups are hidden, and nothing tells them.
SELECT count(*) > 0 AS altered FROM alter_model('ca', minimum_group_size => 12);
SELECT count(*) FILTER (WHERE suppressed) > 0 AS some_hidden, count(*) FILTER (WHERE NOT suppressed) > 0 AS some_shown, min(customers) >= 12 AS large,
  count(share) FILTER (WHERE suppressed) AS told FROM ca.category_by_segment;
SELECT count(*) FILTER (WHERE n.customers - c.customers BETWEEN 1 AND 11) AS others FROM ca.category_by_segment AS c
  JOIN (SELECT segment, count(*) AS customers FROM ca.customer_scores GROUP BY 1) AS n USING (segment);
-- where one is hidden, another one of its category and of its segment is
SELECT count(*) AS lonely FROM (SELECT FROM ca.category_by_segment GROUP BY category HAVING count(*) FILTER (WHERE suppressed) = 1) AS s;
SELECT count(*) AS lonely FROM (SELECT FROM ca.category_by_segment GROUP BY segment HAVING count(*) FILTER (WHERE suppressed) = 1 AND count(*) > 1) AS s;
SELECT count(*) FILTER (WHERE n_both BETWEEN 1 AND 11 OR n_1 - n_both BETWEEN 1 AND 11 OR n_2 - n_both BETWEEN 1 AND 11 OR n - n_1 - n_2 + n_both BETWEEN 1 AND 11) AS small,
  count(*) > 0 AS some FROM ca.category_pairs;
SELECT bool_and(n >= 12) AS large, count(*) > 0 AS some FROM ca.next_category((SELECT customer_key FROM ca.customer_categories WHERE category = 'Hats' AND last_on <= '2025-12-19' ORDER BY last_on DESC, customer_key COLLATE "C" LIMIT 1));
SELECT count(*) > 0 AS altered FROM alter_model('ca', reset => '{minimum_group_size}');

-- Tenants: each has its own shares, and a reader theirs.
SELECT count(*) > 0 AS made FROM create_model('ct', 'SELECT * FROM shopdata.orders WHERE branch IN (''north'', ''south'')', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch', as_of => '2025-12-31');
SELECT count(*) > 0 AS added FROM add_stream('ct', 'lines', 'SELECT * FROM shopdata.acts WHERE what = ''line''', customer => 'customer_id', day => 'day', kind => 'category', value => 'amount', role => 'line');
SELECT count(*) > 0 AS added FROM add_stream('ct', 'carts', 'SELECT * FROM shopdata.acts WHERE what = ''basket''', customer => 'customer_id', day => 'day', kind => 'category', role => 'basket');
SELECT count(*) > 0 AS added FROM add_stream('ct', 'looks', 'SELECT * FROM shopdata.acts WHERE what = ''view''', customer => 'customer_id', day => 'day', kind => 'category', role => 'view');
SELECT branch, d.* FROM unnest('{north,south}'::text[]) AS branch,
  shopdata.differ(format('SELECT customer_id, category, events, round(share::numeric, 9), round(lift::numeric, 9) FROM ct.customer_categories WHERE tenant = %L', branch),
    format('SELECT customer_id::text, category, events, round(share::numeric, 9), round(lift::numeric, 9) FROM shopdata.shares(''2025-12-31'', ''2025-12-31'', %L)', branch)) AS d ORDER BY 1;
SELECT tenant, count(*) > 3 AS pairs, max(n) FROM ct.category_pairs GROUP BY 1 ORDER BY 1;
CREATE ROLE regress_cat_reader;
GRANT USAGE ON SCHEMA shopdata TO regress_cat_reader;
SELECT grant_reader('ct', 'regress_cat_reader', 'south');
SET ROLE regress_cat_reader;
SELECT array_agg(DISTINCT tenant) AS tenants, count(*) > 100 AS some FROM ct.customer_categories;
SELECT array_agg(DISTINCT tenant) AS tenants FROM ct.category_by_segment;
SELECT array_agg(DISTINCT tenant) AS tenants FROM ct.category_pairs;
SELECT array_agg(DISTINCT tenant) AS tenants, count(*) > 100 AS some FROM ct.customer_categories_at('2025-06-30');
SELECT count(*) > 0 AS own FROM ct.next_category((SELECT min(customer_key) FROM ct.customer_categories WHERE orders > 1));
RESET ROLE;
SELECT drop_model('ct');
REVOKE USAGE ON SCHEMA shopdata FROM regress_cat_reader;
DROP ROLE regress_cat_reader;

-- Who is forgotten is in no category; a stream that is dropped takes its categories along.
SELECT count(*) > 0 AS there FROM ca.customer_categories WHERE customer_key = '1';
SELECT count(*) > 0 AS forgotten FROM forget_customer('ca', '1');
SELECT count(*) AS there FROM ca.customer_categories WHERE customer_key = '1';
SELECT count(*) > 0 AS dropped FROM drop_stream('ca', 'lines');
SELECT sum(orders) AS orders, count(revenue) AS revenue, count(*) > 0 AS rows FROM ca.customer_categories;
SELECT count(*) > 0 AS dropped FROM drop_stream('ca', 'carts');
SELECT count(*) > 0 AS dropped FROM drop_stream('ca', 'looks');
SELECT count(*) AS rows FROM ca.customer_categories;
SELECT count(*) AS rows FROM ca.category_pairs;
SELECT count(*) AS rows FROM ca.category_by_segment;
SELECT count(*) > 0 AS customers, count(preferred_category) AS preferred FROM ca.customer_scores;
SELECT count(*) > 0 AS added FROM add_stream('ca', 'lines', 'shopdata.lines', customer => 'customer_id', day => 'day', kind => 'category', value => 'amount', role => 'line');
SELECT count(*) > 0 AS rows FROM ca.customer_categories;

-- Malformed values are refused.
SELECT error_of($$SELECT _preferred_category(ROW(NULL, '{a}', '{1025}', '{1}', '{10}', '{1}'), '{}', '2025-01-01')$$);
SELECT error_of($$SELECT _preferred_category(ROW(NULL, '{a}', '{1026,1025}', '{0,0}', '{10,10}', '{1}'), '{}', '2025-01-01')$$);
SELECT error_of($$SELECT _preferred_category(ROW(NULL, '{a}', '{1025}', '{0}', '{10}', '{NaN}'), '{}', '2025-01-01')$$);
SELECT error_of($$SELECT _preferred_category(ROW(NULL, '{a}', '{1025}', '{0}', '{10}', '{1}'), '{}', 'infinity')$$);
SELECT error_of($$SELECT _category_steps(ROW(NULL, '{a}', '{1025}', '{0}', '{10}', '{1}'), '{}', '2025-01-01', '{2}')$$);
SELECT error_of($$SELECT _category_counts_combine('{1}', '{1,2}')$$);
-- sums that don't fit 18 digits, and several streams of one category with other decimals
SELECT category, orders, events, revenue, last_on - date '2025-01-01' AS day, round(share::numeric, 9) AS share, round(lift::numeric, 9) AS lift, appetence, rank FROM _customer_categories(ROW(NULL, '{a,b}', '{1025,2049,2050}', '{0,0,1}', '{10,10,10}', '{0.5,0.5}'), '{0,1,NaN,NaN}',
  '{1/1={2025-01-01:1:9000000000000000000,2025-01-02:1:9000000000000000000},2/1={2025-01-02:1:0.25},2/2={2025-01-02:1:1.5}}', '2025-01-02');
SELECT drop_model('ca'), drop_model('cb');
DROP SCHEMA catmaps CASCADE;
DROP TABLE shopdata.kept;
DROP TABLE shopdata.acts CASCADE;
