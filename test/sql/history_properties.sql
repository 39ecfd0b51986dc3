-- Histories are a commutative group in canonical form: the laws, over random
-- histories with negative counts, many scales, short and long, near and far.
SET client_min_messages = warning;
CREATE SCHEMA test_properties;
SET search_path = test_properties, scoring, public;

-- Made as text, by nobody but core: day:events:total with 0 to 9 decimals
CREATE TABLE histories AS
  SELECT id, ('{' || coalesce(string_agg(format('%s:%s:%s', to_char(day, CASE WHEN day < '0001-01-01' THEN 'YYYY-MM-DD BC' ELSE 'YYYY-MM-DD' END),
              CASE draw(e, 2, 6) WHEN 0 THEN 0 WHEN 1 THEN -draw(e, 3, 9) WHEN 2 THEN draw(e, 3, 1000000000000) ELSE 1 END,
              (draw(e, 4, 2000000) - 1000000) * ('1e-' || CASE id % 3 WHEN 0 THEN draw(e, 5, 10) ELSE id % 10 END)::numeric), ',') FILTER (WHERE e IS NOT NULL), '') || '}')::history AS h
    FROM generate_series(1, 120) id
    LEFT JOIN LATERAL (SELECT e, CASE id % 7 WHEN 0 THEN date '0001-06-01 BC' ELSE date '2025-01-01' END + draw(e, 1, CASE id % 4 WHEN 0 THEN 6 WHEN 1 THEN 60 ELSE 2000 END)::int AS day
                         FROM (SELECT id * 1000 + i AS e FROM generate_series(1, draw(id, 6, CASE WHEN id % 11 = 0 THEN 300 ELSE 14 END)) i) i) e ON true
   GROUP BY id;
INSERT INTO histories VALUES (1001, '{}'), (1002, '{2025-01-01:-9000000000000000000:4000000000}'), (1003, '{2025-01-01:9000000000000000000:-4000000000}'), (1004, '{4714-11-24 BC:1:0.000000001,5874897-12-31:1:0}');
SELECT count(*) AS histories, count(DISTINCT h) AS different, count(*) FILTER (WHERE h::text LIKE '%:-%') > 60 AS with_negatives, max(length(history_send(h))) > 256 AS long,
       (SELECT count(DISTINCT scale(total)) FROM histories, days(h)) AS scales FROM histories;

-- canonical: by whatever way a value is made, its bytes are those that its text makes
CREATE TABLE broken (law text, a int, b int, c int);
INSERT INTO broken SELECT 'text makes the same bytes', id FROM histories WHERE history_send(h::text::history) <> history_send(h);
INSERT INTO broken SELECT '- - a = a', id FROM histories WHERE history_send(- (- h)) <> history_send(h);
INSERT INTO broken SELECT 'a - a = {}', id FROM histories WHERE history_send(h - h) <> '\x1800';
INSERT INTO broken SELECT 'a + -a = {}', id FROM histories WHERE history_send(h + (- h)) <> '\x1800';
INSERT INTO broken SELECT 'a + {} = a', id FROM histories WHERE history_send(h + '{}') <> history_send(h) OR history_send(history '{}' + h) <> history_send(h) OR history_send(h - '{}') <> history_send(h) OR history_send('{}' - h) <> history_send(- h);
INSERT INTO broken SELECT 'sum of one', min(id) FROM histories GROUP BY id HAVING history_send(sum(h)) <> history_send(min(h::text)::history);
INSERT INTO broken SELECT 'sum of its days', id FROM histories WHERE history_send((SELECT sum(('{' || history_text || '}')::history) FROM unnest(string_to_array(trim(h::text, '{}'), ',')) history_text)) <> history_send(h);

CREATE TABLE pairs AS SELECT a.id AS a_id, b.id AS b_id, a.h AS a, b.h AS b FROM histories a, histories b WHERE a.id <= 1001 AND b.id <= 1001;
INSERT INTO broken SELECT 'a + b = b + a', a_id, b_id FROM pairs WHERE history_send(a + b) <> history_send(b + a);
INSERT INTO broken SELECT 'a + b - b = a', a_id, b_id FROM pairs WHERE history_send(a + b - b) <> history_send(a);
INSERT INTO broken SELECT 'a - b + b = a', a_id, b_id FROM pairs WHERE history_send(a - b + b) <> history_send(a);
INSERT INTO broken SELECT 'a - b = a + -b', a_id, b_id FROM pairs WHERE history_send(a - b) <> history_send(a + (- b));
INSERT INTO broken SELECT 'a - b = -(b - a)', a_id, b_id FROM pairs WHERE history_send(a - b) <> history_send(- (b - a));
INSERT INTO broken SELECT 'sum(a, b) = a + b', a_id, b_id FROM pairs WHERE history_send((SELECT sum(h) FROM (VALUES (a), (b)) v(h))) <> history_send(a + b);
INSERT INTO broken SELECT 'text of a + b', a_id, b_id FROM pairs WHERE history_send((a + b)::text::history) <> history_send(a + b);
INSERT INTO broken SELECT 'a = b as their bytes', a_id, b_id FROM pairs WHERE (a = b) <> (history_send(a) = history_send(b)) OR (a = b) <> (a::text = b::text) OR (a < b) <> (history_send(a) < history_send(b));
-- what is read from a sum is the sum of what is read
INSERT INTO broken SELECT 'monetary(a + b)', a_id, b_id FROM pairs WHERE monetary(a + b, 'infinity') <> monetary(a, 'infinity') + monetary(b, 'infinity') OR monetary(a - b, '2025-02-01', 40) <> monetary(a, '2025-02-01', 40) - monetary(b, '2025-02-01', 40);
INSERT INTO broken SELECT 'frequency(a + b)', a_id, b_id FROM pairs WHERE frequency(a + b, 'infinity') <> frequency(a, 'infinity') + frequency(b, 'infinity') OR frequency(a - b, '2025-02-01', 40) <> frequency(a, '2025-02-01', 40) - frequency(b, '2025-02-01', 40);
INSERT INTO broken SELECT 'days(a + b)', a_id, b_id FROM pairs WHERE (a_id + b_id) % 5 = 0 AND EXISTS (
  SELECT day FROM (SELECT * FROM days(a) UNION ALL SELECT * FROM days(b) UNION ALL SELECT day, -events, -total FROM days(a + b)) d GROUP BY day HAVING sum(events) <> 0 OR sum(total) <> 0);
SELECT count(*) AS pairs FROM pairs;

INSERT INTO broken SELECT '(a + b) + c = a + (b + c)', a.id, b.id, c.id FROM histories a, histories b, histories c
 WHERE a.id <= 30 AND b.id % 5 = 0 AND b.id < 1000 AND c.id % 6 = 1 AND c.id < 1000 AND history_send((a.h + b.h) + c.h) <> history_send(a.h + (b.h + c.h));
-- a sum of any parts is the sum of the whole, and of its rows
INSERT INTO broken SELECT 'parts', k FROM generate_series(2, 40) k
 WHERE (SELECT history_send(sum(s)) FROM (SELECT sum(h) AS s FROM histories WHERE id < 1000 GROUP BY draw(id, k, k)) p) <> (SELECT history_send(sum(h)) FROM histories WHERE id < 1000);
INSERT INTO broken SELECT 'fold', 1 FROM (WITH RECURSIVE f(id, h) AS (SELECT 1, h FROM histories WHERE id = 1 UNION ALL SELECT f.id + 1, f.h + n.h FROM f JOIN histories n ON n.id = f.id + 1) SELECT h FROM f WHERE id = 120) f WHERE f.h <> (SELECT sum(h) FROM histories WHERE id < 1000);
-- live state: what is inserted, updated and deleted row by row is what is there in the end
CREATE TABLE orders AS SELECT i AS id, i % 40 AS customer, date '2025-01-01' + draw(i, 1, 300)::int AS day, (draw(i, 2, 100000) - 5000) / 100.0 AS value FROM generate_series(1, 4000) i;
CREATE TABLE deltas AS SELECT customer, history(day, value) AS h FROM orders;
WITH changed AS (UPDATE orders SET value = value + 0.005 * (id % 9), day = day + (id % 3) WHERE id % 4 = 0 RETURNING id, customer, day, value)
  INSERT INTO deltas SELECT customer, history(day, value) - history(day - (id % 3), value - 0.005 * (id % 9)) FROM changed;
WITH gone AS (DELETE FROM orders WHERE id % 7 = 0 OR customer = 5 RETURNING customer, day, value) INSERT INTO deltas SELECT customer, - history(day, value) FROM gone;
INSERT INTO broken SELECT 'live = rebuilt', customer FROM (SELECT customer, sum(h) AS live FROM deltas GROUP BY customer) l LEFT JOIN (SELECT customer, history_agg(day, value) AS rebuilt FROM orders GROUP BY customer) r USING (customer)
 WHERE history_send(live) <> history_send(coalesce(rebuilt, '{}'));

SELECT law, count(*) AS broken, min(a) AS a, min(b) AS b, min(c) AS c FROM broken GROUP BY law ORDER BY law;

-- ---- near the limits a total is right or an error ----
CREATE FUNCTION try_sum(a history, b history, sign int) RETURNS history LANGUAGE plpgsql AS $$
DECLARE
  result history;
BEGIN
  IF sign = 1 THEN result := a + b; ELSE result := a - b; END IF;
  RETURN result;
EXCEPTION WHEN numeric_value_out_of_range THEN
  RETURN NULL;
END $$;
-- the totals as plain numerics
CREATE TABLE limits AS
  SELECT row_number() OVER () AS id, v, ('{2025-01-01:' || e || ':' || v || '}')::history AS h, e
    FROM (SELECT DISTINCT sign * (9223372036854775807 - o::numeric) * ('1e-' || digits)::numeric AS v, CASE digits WHEN 0 THEN 9223372036854775807 WHEN 2 THEN -9223372036854775807 ELSE 1 END AS e
            FROM unnest(ARRAY[0, 1, 7, 4611686018427387904, 9223372036854775806, 9223372036854775807]::bigint[]) o, unnest(ARRAY[0, 2, 9]) digits, unnest(ARRAY[1, -1]) sign) v;
SELECT count(*) > 500 AS sums, count(*) FILTER (WHERE s IS NULL) > 100 AS refused, count(*) FILTER (WHERE s IS NOT NULL) > 100 AS accepted,
       count(*) FILTER (WHERE monetary(s, 'infinity') <> v) AS wrong_total, count(*) FILTER (WHERE frequency(s, 'infinity') <> e) AS wrong_events,
       count(*) FILTER (WHERE s IS NULL AND abs(v) * ('1e' || decimals)::numeric < 9223372036854775808 AND abs(e) < 9223372036854775808) AS refused_for_nothing
  FROM (SELECT try_sum(a.h, b.h, sign) AS s, a.v + sign * b.v AS v, a.e::numeric + sign * b.e AS e,
               CASE WHEN greatest(min_scale(a.v), min_scale(b.v)) = 0 THEN 0 WHEN greatest(min_scale(a.v), min_scale(b.v)) <= 2 THEN 2 ELSE 9 END AS decimals
          FROM limits a, limits b, unnest(ARRAY[1, -1]) sign
          -- operands that have a common scale
         WHERE abs(a.v) * CASE WHEN min_scale(b.v) > 2 THEN 1e9 WHEN min_scale(b.v) > 0 THEN 1e2 ELSE 1 END < 9223372036854775808 AND abs(b.v) * CASE WHEN min_scale(a.v) > 2 THEN 1e9 WHEN min_scale(a.v) > 0 THEN 1e2 ELSE 1 END < 9223372036854775808) t;

SET client_min_messages = error;
DROP SCHEMA test_properties CASCADE;
