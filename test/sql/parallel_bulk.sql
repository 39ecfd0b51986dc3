-- score_customers and histories by parallel workers: the same rows, NOTICEs and errors
-- whatever the number of workers. That there are any is t/059_parallel_bulk.pl's.
SET client_min_messages = warning;
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers = 8;

CREATE TABLE many_orders (customer_id int, ordered_on date, ordered_at timestamptz, total numeric, counts boolean, who text);
INSERT INTO many_orders
SELECT 1 + g * 7919 % 700, date '2020-01-01' + g * 31 % 1500, timestamptz '2020-01-01 23:30+00' + g * interval '17 minutes',
       round((g * 48271 % 100000 - 2000) / 97.0, g % 5), g % 11 > 0, 'who ' || 1 + g * 7919 % 700
  FROM generate_series(1, 6000) AS g;
-- somebody with so many days that what a worker knows of them is more than one part
INSERT INTO many_orders
SELECT -1, date '2000-01-01' + g, timestamptz '2000-01-01 12:00+00' + g * interval '24 hours', g * 97, true, 'often'
  FROM generate_series(1, 6000) AS g;
ALTER TABLE many_orders SET (parallel_workers = 8);
ANALYZE many_orders;

-- What a call returns with so many workers: a digest, or the error. A single worker reads all rows.
CREATE FUNCTION with_workers(call text, workers int, memory text DEFAULT '4MB') RETURNS text LANGUAGE plpgsql
SET hash_mem_multiplier = 1 AS $$
DECLARE
  answer text;
  state text;
  message text;
  detail text;
  hint text;
BEGIN
  PERFORM set_config('max_parallel_workers_per_gather', workers::text, true), set_config('work_mem', memory, true),
    set_config('parallel_leader_participation', (workers <> 1)::text, true);
  EXECUTE format('SELECT count(*) || '' '' || md5(string_agg(t::text, '';'' ORDER BY t::text COLLATE "C")) FROM %s AS t', call) INTO answer;
  RETURN answer;
EXCEPTION WHEN others THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' ', state, message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- The same by several numbers of workers, with memory and without: the only answer, or all there are.
CREATE FUNCTION answers(call text, workers int[] DEFAULT '{0,1,3}', memory text[] DEFAULT '{32MB,32MB,64kB}')
RETURNS TABLE (n bigint, answer text) LANGUAGE sql AS $$
  SELECT count(*) OVER (), left(a, 160)
    FROM (SELECT DISTINCT with_workers(call, w, m) AS a FROM unnest(workers, memory) AS d (w, m)) AS d ORDER BY 2 $$;

CREATE TABLE by_year (LIKE many_orders) PARTITION BY RANGE (ordered_on);
CREATE TABLE by_year_old PARTITION OF by_year FOR VALUES FROM (MINVALUE) TO ('2021-01-01');
CREATE TABLE by_year_2021 PARTITION OF by_year FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE by_year_new PARTITION OF by_year DEFAULT;
INSERT INTO by_year TABLE many_orders;
ANALYZE by_year;
CREATE VIEW two_tables AS SELECT customer_id, ordered_on, total FROM many_orders UNION ALL SELECT customer_id + 1, ordered_on, -total FROM by_year;
CREATE TABLE kept_histories AS SELECT customer_id % 500 AS customer_id, history_agg(ordered_on, total) AS history FROM many_orders GROUP BY customer_id, ordered_on > '2021-06-01';
ANALYZE kept_histories;

-- Sources of many shapes
CREATE TABLE sources (name text, source text, key text, zone text);
INSERT INTO sources VALUES
('plain', 'SELECT customer_id, ordered_on, total FROM many_orders', 'int', NULL),
('counts', 'SELECT customer_id, ordered_on, total, counts FROM many_orders', 'int', NULL),
('counts that may be NULL', 'SELECT customer_id, ordered_on, total, CASE WHEN customer_id % 3 > 0 THEN counts END FROM many_orders', 'int', NULL),
('time zone', 'SELECT customer_id, ordered_at, total FROM many_orders', 'int', 'Pacific/Auckland'),
('text', 'SELECT who, ordered_on, total FROM many_orders', 'text', NULL),
('collation', 'SELECT who COLLATE "C", ordered_on, total FROM many_orders', 'text', NULL),
('long keys', 'SELECT repeat(who, 40), ordered_on, total FROM many_orders', 'text', NULL),
('tenants', 'SELECT ARRAY[customer_id % 7, customer_id]::text[], ordered_on, total FROM many_orders', 'text[]', NULL),
('uuid', 'SELECT md5(who)::uuid, ordered_on, total FROM many_orders', 'uuid', NULL),
('char', 'SELECT who::char(20), ordered_on, total FROM many_orders', 'bpchar', NULL),
('bigint, float8, timestamp', 'SELECT customer_id::bigint << 33, ordered_on::timestamp, total::float8::numeric(20,2)::float8 FROM many_orders', 'bigint', NULL),
('constants', 'SELECT 1::bigint, date ''2024-01-01'', 2.50 FROM many_orders', 'bigint', NULL),
('NULLs', 'SELECT nullif(customer_id, 7), nullif(ordered_on, ''2020-05-05''), nullif(total, 3.5) FROM many_orders', 'int', NULL),
('condition', 'SELECT customer_id, ordered_on, total FROM many_orders WHERE total > 300 AND customer_id <> ALL (''{3,4,5}'')', 'int', NULL),
('uncorrelated subquery', 'SELECT customer_id, ordered_on, total FROM many_orders WHERE total > (SELECT avg(total) FROM by_year)', 'int', NULL),
('join', 'SELECT m.customer_id, m.ordered_on, y.total FROM many_orders m JOIN by_year y USING (customer_id, ordered_on, total)', 'int', NULL),
('correlated subquery', 'SELECT customer_id, ordered_on, (SELECT max(g * m.total) FROM generate_series(1, 3) g) FROM many_orders m', 'int', NULL),
('partitions', 'SELECT customer_id, ordered_on, total FROM by_year', 'int', NULL),
('union', 'SELECT * FROM two_tables', 'int', NULL),
('of histories', 'TABLE kept_histories', 'int', NULL),
('nothing', 'SELECT customer_id, ordered_on, total FROM many_orders WHERE customer_id > 1000000', 'int', NULL),
('one customer', 'SELECT 0, ordered_on, total FROM many_orders', 'int', NULL),
('many decimals', 'SELECT customer_id, ordered_on, total / 1000 FROM many_orders WHERE scale(total) < 4', 'int', NULL),
('amounts that need more than 64 bits', 'SELECT customer_id % 2, ordered_on + customer_id, 900000000000000 + customer_id FROM many_orders', 'int', NULL);

CREATE FUNCTION calls(s sources) RETURNS TABLE (kind text, call text) LANGUAGE sql AS $$
  VALUES ('scores', format('score_customers(%L, NULL::%s, ''2024-06-30'', time_zone => %L)', s.source, s.key, s.zone)),
         ('active days, mean', format('score_customers(%L, ''2023-06-30'', window_days => 700, frequency => ''active_days'', monetary => ''mean'', time_zone => %L)',
                                      s.source, s.zone)),
         ('histories', format('histories(%L, NULL::%s, %L)', s.source, s.key, s.zone)),
         ('source_histories', format('source_histories(%L, NULL::%s, %L, true)', s.source, s.key, s.zone)) $$;

SELECT s.name, c.kind, a.n, left(a.answer, 12) AS answer FROM sources AS s, LATERAL calls(s) AS c, LATERAL answers(c.call) AS a
 WHERE c.kind <> 'histories' OR s.name IN ('plain', 'text', 'of histories') ORDER BY s.ctid, c.kind;

-- Any number of them
SELECT c.kind, a.n, left(a.answer, 12) AS answer
  FROM sources AS s, LATERAL calls(s) AS c, LATERAL answers(c.call, '{0,1,2,3,4,5,6,7,8}', '{4MB,4MB,1MB,4MB,1MB,4MB,64kB,1MB,256kB}') AS a WHERE s.name = 'counts' ORDER BY c.kind;

-- The same as by the definition, in plain SQL.
SET max_parallel_workers_per_gather = 4;
SELECT count(*) FROM (
  (SELECT customer_id, history FROM histories('SELECT customer_id, ordered_on, total FROM many_orders', NULL::int)
   EXCEPT SELECT customer_id, history_agg(ordered_on, total) FROM many_orders GROUP BY customer_id)
  UNION ALL
  (SELECT customer_id, history_agg(ordered_on, total) FROM many_orders GROUP BY customer_id
   EXCEPT SELECT customer_id, history FROM histories('SELECT customer_id, ordered_on, total FROM many_orders', NULL::int))) AS d;

-- Rows left out are counted over all processes.
SET client_min_messages = notice;
SELECT count(*) FROM histories('SELECT nullif(customer_id, 7), nullif(ordered_on, ''2020-05-05''), nullif(total, 3.5) FROM many_orders', NULL::int);
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM histories('SELECT nullif(customer_id, 7), nullif(ordered_on, ''2020-05-05''), nullif(total, 3.5) FROM many_orders', NULL::int);
SET client_min_messages = warning;

-- An error is the same, no matter which process finds it.
CREATE FUNCTION picky(int) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF $1 = 123 THEN
    RAISE EXCEPTION 'a customer is refused' USING HINT = 'Ask them.', ERRCODE = 'P7777';
  END IF;
  RETURN $1;
END $$;
SELECT e.what, a.n, a.answer FROM (VALUES
  ('in an expression', 'SELECT picky(customer_id), ordered_on, total FROM many_orders'),
  ('division', 'SELECT customer_id, ordered_on, round(total / (customer_id - 123), 2) FROM many_orders'),
  ('day', 'SELECT customer_id, CASE WHEN customer_id = 99 THEN ''infinity'' ELSE ordered_on END, total FROM many_orders'),
  ('value', 'SELECT customer_id, ordered_on, CASE WHEN customer_id = 99 THEN ''NaN'' ELSE total END FROM many_orders'),
  ('total', 'SELECT customer_id % 2, date ''2020-01-01'', 900000000000000000 FROM many_orders'),
  ('columns', 'SELECT customer_id, ordered_on FROM many_orders'),
  ('zone', 'SELECT customer_id, ordered_at, total FROM many_orders'),
  ('syntax', 'SELECT customer_id, ordered_on, totel FROM many_orders')) AS e (what, source),
  LATERAL answers(format('histories(%L, NULL::int)', e.source), '{0,2}', '{4MB,4MB}') AS a;
