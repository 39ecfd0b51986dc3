-- Models. This file makes the shop that the other tests of models read, and
-- what they compare with; then it goes once through the life of a model.
SET client_min_messages = warning;
SET jit = off;		-- hundreds of statements, each of which would be compiled
\set SHOW_CONTEXT never

CREATE SCHEMA shopdata;

-- 400 customers with one to eleven orders each, some of them refunded in part,
-- some returning after the end of 2025; 40 orders of a kind that doesn't count.
CREATE TABLE shopdata.orders AS
SELECT row_number() OVER (ORDER BY c, k)::int AS order_id, c AS customer_id,
       first + ((last - first) * k / greatest(n - 1, 1))::int AS ordered_on,
       (first + ((last - first) * k / greatest(n - 1, 1))::int + interval '1 second' * (c * 7919 % 86400)) AT TIME ZONE 'UTC' AS ordered_at,
       CASE WHEN (c + k) % 19 = 0 THEN -round(base::numeric / 7, 2) ELSE round((base * (1 + ((c * k) % 5) / 10.0))::numeric, 2) END AS total,
       CASE WHEN (c * k) % 50 = 49 THEN 'sample' WHEN (c + k) % 19 = 0 THEN 'refund' ELSE 'order' END AS kind,
       (ARRAY['north', 'south', 'a:b', E'back\\slash'])[1 + c % 4] AS branch
FROM (SELECT c, 1 + floor(11 * u1 * u1)::int AS n, 5 + 160 * u4 * u4 * u4 AS base, first,
             first + (u3 * (date '2026-02-15' - first))::int AS last
      FROM (SELECT c, u1, u3, u4, date '2024-01-01' + (u2 * 690)::int AS first
            FROM (SELECT c, (hashint8extended(c, 1) & 1073741823) / 1073741824.0 AS u1, (hashint8extended(c, 2) & 1073741823) / 1073741824.0 AS u2,
                         (hashint8extended(c, 3) & 1073741823) / 1073741824.0 AS u3, (hashint8extended(c, 4) & 1073741823) / 1073741824.0 AS u4
                  FROM generate_series(1, 400) AS c) AS s) AS s) AS s
CROSS JOIN LATERAL generate_series(0, n - 1) AS k;
ALTER TABLE shopdata.orders ADD PRIMARY KEY (order_id);

-- People: without the customers 381 to 400, with 50 who never ordered.
CREATE TABLE shopdata.people AS
SELECT p AS customer_id, (ARRAY['Lyon', 'Lille', 'Nice', NULL])[1 + p % 4] AS city, date '1950-01-01' + p * 43 AS born_on,
       p % 3 > 0 AS agreed, (p % 7)::smallint AS visits, (ARRAY['north', 'south', 'a:b', E'back\\slash'])[1 + p % 4] AS branch
FROM generate_series(1, 450) AS p WHERE p NOT BETWEEN 381 AND 400;
ALTER TABLE shopdata.people ADD PRIMARY KEY (customer_id);
ANALYZE shopdata.orders, shopdata.people;

-- What two queries differ in: rows of the first, rows that only one has.
CREATE FUNCTION shopdata.differ(a text, b text) RETURNS TABLE (rows bigint, different bigint) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('WITH a AS MATERIALIZED (%s), b AS MATERIALIZED (%s)
    SELECT (SELECT count(*) FROM a), count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS d', a, b);
END $$;

-- The error of a call, with its code and hint; nothing must be left of it. A
-- call that succeeds is undone.
CREATE FUNCTION shopdata.refused(call text, with_hint boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  state text; message text; hint text;
  objects constant text := 'SELECT concat((SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc))';
  earlier text; later text;
BEGIN
  EXECUTE objects INTO earlier;
  BEGIN
    EXECUTE 'SELECT * FROM ' || call;
    RAISE 'done: %', call;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
  END;
  EXECUTE objects INTO later;
  RETURN concat(state, ' ', message, CASE WHEN with_hint AND hint <> '' THEN ' -> ' || hint END,
                CASE WHEN earlier <> later THEN ' AND SOMETHING WAS LEFT' END);
END $$;

-- A day, whatever DateStyle says.
CREATE FUNCTION shopdata.iso(day date) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT to_char(day, 'YYYY-MM-DD') $$;

-- The columns that customer_scores and score_customers have in common.
CREATE FUNCTION shopdata.common(key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format('SELECT %s, recency_days, frequency, monetary::numeric(24,2), mean_value::numeric(24,2), tenure_days, r_score, f_score, m_score, rfm_code, rfm_score, segment FROM ', key)
$$;

-- The life of a model
SELECT * FROM create_model('shop', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
SELECT segment, segment_label, customers, round(customers_share::numeric, 3) AS customers_share, revenue,
       round(revenue_share::numeric, 3) AS revenue_share, round(mean_rfm_score::numeric, 3) AS mean_rfm_score, segment_order
FROM shop.segment_summary ORDER BY segment_order;
SELECT * FROM shopdata.differ(shopdata.common('customer_key') || 'shop.customer_scores',
  shopdata.common('customer_id') || $$score_customers('SELECT customer_id, ordered_on, total FROM shopdata.orders', '2025-12-31')$$);
SELECT status, rows_read, rows_without_customer, rows_without_day, rows_without_value, customers, customers_added, customers_changed, customers_removed,
       seconds BETWEEN 0 AND 60 AS quick
FROM refresh_model('shop');
SELECT model, owner = current_user AS mine, source, customers, size_bytes > 0 AS has_size FROM models();
SELECT * FROM drop_model('shop');
SELECT count(*) AS models FROM models();
SELECT to_regnamespace('shop') IS NULL AS gone;
