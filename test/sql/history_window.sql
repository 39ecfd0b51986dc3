-- history_agg and sum(history) over moving windows: each frame equals its rows,
-- and frames are moved, not computed again.
SET client_min_messages = warning;
CREATE SCHEMA test_window;
SET search_path = test_window, scoring, public;

-- rows with NULLs, corrections, several decimals; a few customers with many rows, one with one
CREATE TABLE orders AS
  SELECT i AS id, CASE WHEN i = 1 THEN 99 ELSE i % 5 END AS customer,
         CASE WHEN draw(i, 1, 15) > 0 THEN date '2023-01-01' + draw(i, 2, 900)::int END AS day,
         CASE draw(i, 3, 12) WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN -draw(i, 4, 1000) / 100.0 WHEN 3 THEN draw(i, 4, 1000000) / 1000000.0 ELSE draw(i, 4, 100000) / 100.0 END AS value,
         CASE draw(i, 5, 4) WHEN 0 THEN true WHEN 1 THEN false END AS counts
    FROM generate_series(1, 400) i;

-- the same frame once as a window and once as the array of its rows
CREATE TABLE frame (name text, clause text);
INSERT INTO frame VALUES
  ('365 days', 'PARTITION BY customer ORDER BY day RANGE BETWEEN ''365 days'' PRECEDING AND CURRENT ROW'),
  ('around', 'PARTITION BY customer ORDER BY day RANGE BETWEEN ''30 days'' PRECEDING AND ''60 days'' FOLLOWING'),
  ('in the past', 'PARTITION BY customer ORDER BY day RANGE BETWEEN ''90 days'' PRECEDING AND ''1 day'' PRECEDING'),
  ('newest first', 'PARTITION BY customer ORDER BY day DESC RANGE BETWEEN ''90 days'' PRECEDING AND CURRENT ROW'),
  ('rows', 'PARTITION BY customer ORDER BY id ROWS BETWEEN 10 PRECEDING AND CURRENT ROW'),
  ('one row', 'ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW'),
  ('rows ahead', 'ORDER BY id ROWS BETWEEN 5 FOLLOWING AND 40 FOLLOWING'),
  ('rows behind', 'PARTITION BY customer ORDER BY id ROWS BETWEEN 20 PRECEDING AND 15 PRECEDING'),
  ('to the end', 'PARTITION BY customer ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING'),
  ('from the start', 'PARTITION BY customer ORDER BY id ROWS UNBOUNDED PRECEDING'),
  ('groups', 'ORDER BY day GROUPS BETWEEN 3 PRECEDING AND 2 FOLLOWING'),
  ('without the row', 'PARTITION BY customer ORDER BY id ROWS BETWEEN 6 PRECEDING AND 6 FOLLOWING EXCLUDE CURRENT ROW'),
  ('without its peers', 'ORDER BY day GROUPS BETWEEN 6 PRECEDING AND 6 FOLLOWING EXCLUDE GROUP'),
  ('without ties', 'ORDER BY day RANGE BETWEEN ''20 days'' PRECEDING AND CURRENT ROW EXCLUDE TIES'),
  ('everything', 'PARTITION BY customer');
CREATE TABLE result (frame text, rows bigint, agg bigint, counts bigint, float8 bigint, bigint bigint, sum bigint, filtered bigint, nothing bigint);
SET jit = off;		-- a loop would be compiled at each turn
DO $$
DECLARE
  f frame;
BEGIN
  FOR f IN SELECT * FROM frame LOOP
    EXECUTE format($q$
      INSERT INTO result
      SELECT %L, count(*), count(*) FILTER (WHERE a IS DISTINCT FROM ea OR history_send(a) <> history_send(a::text::history)),
             count(*) FILTER (WHERE c IS DISTINCT FROM ec), count(*) FILTER (WHERE f IS DISTINCT FROM ef), count(*) FILTER (WHERE i IS DISTINCT FROM ei), count(*) FILTER (WHERE s IS DISTINCT FROM ea), count(*) FILTER (WHERE filtered IS DISTINCT FROM efiltered), count(*) FILTER (WHERE a = '{}')
        FROM (SELECT history_agg(day, value) OVER w AS a, history_agg(day, value, counts) OVER w AS c, history_agg(day, value::float8) OVER w AS f, history_agg(day, value::bigint) OVER w AS i,
                     sum(history(day, value)) OVER w AS s, history_agg(day, value) FILTER (WHERE id %% 3 = 0) OVER w AS filtered, array_agg(id) OVER w AS ids
                FROM orders WINDOW w AS (%s)) w
       CROSS JOIN LATERAL (SELECT history_agg(day, value) AS ea, history_agg(day, value, counts) AS ec, history_agg(day, value::float8) AS ef, history_agg(day, value::bigint) AS ei, history_agg(day, value) FILTER (WHERE id %% 3 = 0) AS efiltered
                             FROM orders WHERE id = ANY (ids)) e $q$, f.name, f.clause);
  END LOOP;
END $$;
RESET jit;
-- nothing: frames without a row that counts, which must give {}
SELECT frame, rows, agg, counts, float8, bigint, sum, filtered, nothing FROM result;

-- ---- growing and moving sums of long histories keep apart ----
CREATE TABLE long AS SELECT id, (SELECT history_agg(date '2024-01-01' + (draw(id * 1000 + i, 1, 700))::int, draw(id * 1000 + i, 2, 1000)) FROM generate_series(1, 150) i) AS h FROM generate_series(1, 60) id;
CREATE TABLE running AS
  SELECT id, sum(h) OVER (ORDER BY id) AS growing, sum(h) OVER (ORDER BY id ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) AS moving, sum(h) OVER () AS whole,
         sum(h) OVER (ORDER BY id) - sum(h) OVER (ORDER BY id) AS zero FROM long;
SELECT count(*) AS rows, count(*) FILTER (WHERE r.growing <> e.growing) AS growing, count(*) FILTER (WHERE r.moving <> e.moving) AS moving, count(*) FILTER (WHERE r.whole <> e.whole) AS whole, count(*) FILTER (WHERE zero <> '{}') AS zero
  FROM running r CROSS JOIN LATERAL (SELECT (SELECT sum(x.h) FROM long x WHERE x.id <= r.id) AS growing, (SELECT sum(x.h) FROM long x WHERE x.id BETWEEN r.id - 7 AND r.id) AS moving, (SELECT sum(x.h) FROM long x) AS whole) e;
-- what was said of an earlier row doesn't change when later rows are added
SELECT count(*) AS rows, count(DISTINCT g) AS different, count(*) FILTER (WHERE frequency(g[id], 'infinity') <> 150 * id) AS wrong
  FROM (SELECT id, array_agg(growing) OVER () AS g FROM (SELECT id, sum(h) OVER (ORDER BY id) AS growing FROM long) s) a;
-- nor does a sum that is used twice, or a state that several results share
SELECT frequency(sum(h), 'infinity') AS once, sum(h) = sum(h) AS equal, sum(h) + sum(h) - sum(h) = sum(h) AS same, frequency(sum(h) FILTER (WHERE id > 30), 'infinity') AS half FROM long;
SELECT count(*) AS groups, count(*) FILTER (WHERE s <> e) AS wrong FROM (SELECT id % 4 AS g, id % 3 AS k, sum(h) AS s FROM long GROUP BY ROLLUP (id % 4, id % 3)) r
  CROSS JOIN LATERAL (SELECT sum(h) AS e FROM (SELECT h FROM long WHERE (g IS NULL OR id % 4 = g) AND (k IS NULL OR id % 3 = k) ORDER BY hashint8extended(id, 3)) o) e;

-- ---- decimals and large amounts that come and go ----
-- a frame of one row never fails because of the row before it
SELECT id, history_agg(day, value) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW) AS one, sum(history(day, value)) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW) AS sum
  FROM (VALUES (1, date '2025-01-01', 0.123456789), (2, '2025-01-02', 100000000000000000), (3, '2025-01-01', 0.000000001), (4, '2025-01-02', 9223372036854775807), (5, '2025-01-03', 5.5), (6, '2025-01-03', -92233720368547758.07)) v(id, day, value);
-- two of them together do
SELECT history_agg(day, value) OVER (ORDER BY id ROWS 1 PRECEDING) FROM (VALUES (1, date '2025-01-01', 0.123456789), (2, '2025-01-02', 100000000000000000)) v(id, day, value);
-- NaN in a frame is an error, and so is an infinite day
SELECT history_agg(day, value) OVER (ORDER BY day ROWS 1 PRECEDING) FROM (VALUES (date '2025-01-01', 1.0), ('2025-01-02', 'NaN'), ('2025-01-03', 3)) v(day, value);
SELECT history_agg(day, value) OVER (ORDER BY day ROWS 1 PRECEDING) FROM (VALUES (date '2025-01-01', float8 '1'), ('2025-01-02', 'NaN'), ('2025-01-03', 3)) v(day, value);
SELECT history_agg(day, 1.0) OVER (ORDER BY day ROWS 1 PRECEDING) FROM (VALUES (date '2025-01-01'), ('infinity')) v(day);
-- only NULLs in the frame: the empty history
SELECT id, history_agg(day, value) OVER w, sum(history(day, value)) OVER w FROM (VALUES (0, NULL, 7), (1, date '2025-01-01', 1), (2, NULL, 2), (3, '2025-01-02', NULL), (4, NULL, NULL), (5, '2025-01-03', 3)) v(id, day, value) WINDOW w AS (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);

-- ---- frames are moved ----
-- 60,000 rows with frames of 20,000: computed again they would be more than a billion steps, twice
CREATE TABLE many AS SELECT i AS id, date '2020-01-01' + draw(i, 1, 60)::int AS day, draw(i, 2, 100000) / 100.0 AS value FROM generate_series(1, 60000) i;
-- (rows that the window has put on disk are slow to fetch, whoever asks)
SET work_mem = '64MB';
SET statement_timeout = '20s';
SELECT count(*) AS rows, min(frequency(h, 'infinity')) AS least, max(frequency(h, 'infinity')) AS most, sum(monetary(h, 'infinity')) = sum(total) AS same_total
  FROM (SELECT history_agg(day, value) OVER w AS h, sum(value) OVER w AS total FROM many WINDOW w AS (ORDER BY id ROWS BETWEEN 19999 PRECEDING AND CURRENT ROW)) r;
SELECT count(*) AS rows, min(frequency(h, 'infinity')) AS least, max(frequency(h, 'infinity')) AS most, sum(monetary(h, 'infinity')) = sum(total) AS same_total
  FROM (SELECT sum(history(day, value)) OVER w AS h, sum(value) OVER w AS total FROM many WINDOW w AS (ORDER BY id ROWS BETWEEN 19999 PRECEDING AND CURRENT ROW)) r;
-- many rows with small frames: the state stays small
SELECT count(*) AS rows, min(frequency(h, 'infinity')) AS least, max(frequency(h, 'infinity')) AS most
  FROM (SELECT history_agg(day, value) OVER (ORDER BY id ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS h FROM many) r;
RESET statement_timeout;
RESET work_mem;

SET client_min_messages = error;
DROP SCHEMA test_window CASCADE;
