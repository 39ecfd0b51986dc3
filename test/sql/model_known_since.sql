-- known_since: from which day on people without an order are in the model's past.
SET client_min_messages = warning;
SET search_path = public, scoring;
SET jit = off;

CREATE SCHEMA ks;
-- 300 people, known from a moment of 2025 or always; most order some time later,
-- some before the day on which the table says that they are known
CREATE TABLE ks.people AS
SELECT p AS customer_id, CASE WHEN p % 11 > 0 THEN timestamptz '2025-01-01 23:30+00' + interval '1 day' * (p * 7 % 360) END AS registered_at, 'c' || p % 3 AS city
FROM generate_series(1, 300) AS p;
CREATE TABLE ks.orders AS
SELECT p AS customer_id, date '2025-01-01' + (p * 7 % 360) + (p * 13 % 200) - 20 + k * 40 AS ordered_on, 10.00 + p % 50 AS total
FROM generate_series(1, 320) AS p, generate_series(0, p % 3) AS k WHERE p % 4 > 0;
SELECT count(*) FILTER (WHERE item = 'note') AS notes FROM create_model('k', 'ks.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'ks.people', customers_key => 'customer_id', attributes => '{city}', known_since => 'registered_at', time_zone => 'Europe/Paris');

-- Who is there on a day, as plain SQL says it. A moment half an hour before
-- midnight in UTC is the next day in Paris.
CREATE FUNCTION ks.there(day date) RETURNS TABLE (customer_key text, is_prospect boolean) LANGUAGE sql AS $$
  SELECT p.k::text, NOT EXISTS (SELECT FROM ks.orders AS o WHERE o.customer_id = p.k AND o.ordered_on <= $1)
  FROM (SELECT customer_id FROM ks.people WHERE registered_at IS NULL OR (registered_at AT TIME ZONE 'Europe/Paris')::date <= $1
        UNION SELECT customer_id FROM ks.orders WHERE ordered_on <= $1) AS p (k) $$;
CREATE TEMP TABLE days AS SELECT d::date AS day FROM unnest('{2024-12-01,2025-01-02,2025-03-31,2025-06-30,2025-07-02,2025-10-02,2025-12-31}'::date[]) AS d;
SELECT to_char(day, 'YYYY-MM-DD') AS day, count(m.customer_key) AS customers, count(*) FILTER (WHERE m.segment = 'prospects') AS prospects,
       count(*) FILTER (WHERE m.customer_key IS NULL OR t.customer_key IS NULL OR (m.segment = 'prospects') <> t.is_prospect) AS different
FROM days CROSS JOIN LATERAL (SELECT customer_key, segment FROM k.customer_scores_at(day)) AS m
FULL JOIN (SELECT day AS on_day, t.* FROM days, ks.there(day) AS t) AS t ON t.on_day = day AND t.customer_key = m.customer_key
GROUP BY day ORDER BY day;
SELECT count(*) AS summaries, count(*) FILTER (WHERE h.customers IS DISTINCT FROM n.n) AS different
FROM k.segment_history('2025-01-31', '2025-12-31') AS h CROSS JOIN LATERAL (SELECT count(*) AS n FROM ks.there(h.as_of) WHERE is_prospect) AS n WHERE h.segment = 'prospects';
SELECT s.customers, (SELECT count(*) FROM ks.there('2025-12-31') WHERE is_prospect) AS by_sql FROM k.segment_summary AS s WHERE segment = 'prospects';

-- Conversion of prospects within 90 days
SELECT to_char(d.day, 'YYYY-MM-DD') AS day, t.prospects, t.ordered, s.prospects AS by_sql, s.ordered AS ordered_by_sql
FROM (VALUES (date '2025-04-02'), ('2025-07-02'), ('2025-10-02')) AS d (day)
CROSS JOIN LATERAL (SELECT sum(customers) AS prospects, sum(customers) FILTER (WHERE to_segment <> 'prospects') AS ordered
                    FROM k.segment_transitions(d.day, d.day + 90) WHERE from_segment = 'prospects') AS t
CROSS JOIN LATERAL (SELECT count(*) AS prospects, count(*) FILTER (WHERE EXISTS (SELECT FROM ks.orders AS o WHERE o.customer_id::text = t.customer_key
                      AND o.ordered_on > d.day AND o.ordered_on <= d.day + 90)) AS ordered FROM ks.there(d.day) AS t WHERE is_prospect) AS s
ORDER BY 1;
-- whoever was not known has no segment to come from
SELECT from_segment, from_label, to_segment, customers = (SELECT count(*) FROM ks.there('2025-06-30') AS t WHERE is_prospect AND NOT EXISTS (SELECT FROM ks.there('2025-03-31') AS f WHERE f.customer_key = t.customer_key)) AS as_by_sql
FROM k.segment_transitions('2025-03-31', '2025-06-30') WHERE from_segment IS NULL AND to_segment = 'prospects';

-- Another type, another zone, none
SELECT item, detail FROM alter_model('k', time_zone => 'UTC', dry_run => true) WHERE item NOT LIKE 'segment %';
SELECT count(*) > 0 AS altered FROM alter_model('k', time_zone => 'UTC');
SELECT a.n AS utc_day, b.n AS by_sql FROM (SELECT count(*) AS n FROM k.customer_scores_at('2025-03-31') WHERE segment = 'prospects') AS a,
  (SELECT count(*) AS n FROM ks.people AS p WHERE (registered_at IS NULL OR (registered_at AT TIME ZONE 'UTC')::date <= '2025-03-31')
   AND NOT EXISTS (SELECT FROM ks.orders AS o WHERE o.customer_id = p.customer_id AND o.ordered_on <= '2025-03-31')) AS b;
SELECT item, detail FROM alter_model('k', known_since => $$(registered_at AT TIME ZONE 'Asia/Tokyo')::date$$) WHERE item NOT LIKE 'segment %';
SELECT known_since, known_is_moment FROM k.configuration WHERE valid_until IS NULL;
SELECT count(*) FROM k.customer_scores_at('2025-03-31') WHERE segment = 'prospects';
SELECT item, detail FROM alter_model('k', reset => '{known_since}') WHERE item NOT LIKE 'segment %';
-- of past days that is said, once a call
SET client_min_messages = notice;
SELECT count(*) > 0 AS some FROM k.customer_scores_at('2025-06-30');
SELECT count(*) > 0 AS some FROM k.segment_history('2025-01-31', '2025-12-31');
SELECT count(*) > 0 AS some FROM k.segment_transitions('2025-06-30', '2025-12-31');
SELECT count(*) > 0 AS some FROM k.customer_scores_at('2025-12-31');
SET client_min_messages = warning;
SELECT count(*) FROM k.customer_scores_at('2025-03-31') WHERE segment = 'prospects';
SELECT count(*) FROM k.segment_transitions('2025-03-31', '2025-06-30') WHERE from_segment IS NULL;

-- What can't be meant
CREATE FUNCTION ks.refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; hint text;
BEGIN
  EXECUTE statement;
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' -> ', SQLSTATE || ' ' || message, hint);
END $$;
SELECT ks.refused($$SELECT alter_model('k', known_since => 'city')$$);
SELECT ks.refused($$SELECT alter_model('k', known_since => 'no_column')$$);
SELECT ks.refused($$SELECT create_model('k2', 'ks.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', known_since => 'registered_at')$$);

-- Several rows of a person, a day that never comes, tenants, live; the column as an attribute, too
CREATE TABLE ks.twice AS SELECT 'north' AS shop, customer_id, (registered_at AT TIME ZONE 'UTC')::date AS known_since, city FROM ks.people;
INSERT INTO ks.twice SELECT 'north', customer_id, '2025-12-30', city FROM ks.people WHERE customer_id < 5;
INSERT INTO ks.twice VALUES ('south', 1, 'infinity', 'x'), ('south', 2, '2025-06-30', 'x'), ('south', 3, '-infinity', 'x'), ('south', 4, NULL, 'x');
CREATE TABLE ks.sales AS SELECT 'north' AS shop, * FROM ks.orders;
SELECT count(*) > 0 AS made FROM create_model('kt', 'ks.sales', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'shop', as_of => '2025-12-31',
  customers => 'ks.twice', attributes => '{known_since}', known_since => 'known_since', live => true);
SELECT to_char(d, 'YYYY-MM-DD') AS day, (SELECT string_agg(customer_id, ' ' ORDER BY customer_id) FROM kt.customer_scores_at(d) WHERE tenant = 'south') AS south,
       (SELECT count(*) FROM kt.customer_scores_at(d) WHERE tenant = 'north') AS north FROM unnest('{2025-01-01,2025-06-29,2025-06-30,2025-12-31}'::date[]) AS d;
INSERT INTO ks.sales VALUES ('south', 1, '2025-05-01', 10);
SELECT to_char(d, 'YYYY-MM-DD') AS day, (SELECT string_agg(customer_id, ' ' ORDER BY customer_id) FROM kt.customer_scores_at(d) WHERE tenant = 'south') AS south FROM unnest('{2025-04-30,2025-05-01}'::date[]) AS d;
SELECT ks.refused($$SELECT explain_score('kt', 'south:2', '2025-06-29')$$);
SELECT count(*) > 1 AS explained FROM explain_score('kt', 'south:2', '2025-06-30');
SELECT count(*) FROM unnest('{k,kt}'::text[]) AS m, drop_model(m);
DROP SCHEMA ks CASCADE;
