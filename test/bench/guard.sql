-- What test/bench/guard counts. Before the line "-- counted": tables. After it each line is
-- NAME, a space, a statement that returns little.
CREATE SCHEMA scoring;
CREATE EXTENSION customer_scoring SCHEMA scoring;
SET search_path = public, scoring;
-- the same in every run: a hash of the row's number stands for random()
CREATE FUNCTION draw(i bigint, seed bigint, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
	'SELECT (hashint8extended(i, seed) & 9223372036854775807) % n';
CREATE TABLE orders AS
SELECT draw(i, 1, 3000)::int AS customer, date '2024-01-01' + draw(i, 2, 700)::int AS day,
       (draw(i, 3, 20000) / 100.0)::numeric(10, 2) AS value, timestamptz '2024-01-01' + draw(i, 2, 60000000) * interval '1 second' AS moment,
       draw(i, 4, 6)::int AS kind
  FROM generate_series(1, 30000) AS i;
CREATE TABLE histories_of AS SELECT customer, history_agg(day, value) AS history FROM orders GROUP BY customer;
CREATE TABLE streams_of AS
SELECT customer, stream_histories_agg(1, kind, history) AS streams
  FROM (SELECT customer, kind, history_agg(day, value) AS history FROM orders GROUP BY 1, 2) AS k GROUP BY 1;
CREATE TABLE facts AS
SELECT customer, recency(history, '2025-12-31') AS recency, frequency(history, '2025-12-31') AS frequency,
       monetary(history, '2025-12-31') AS monetary FROM histories_of;
CREATE TABLE fits AS
SELECT btyd_fit('mbgnbd', x, CASE WHEN x > 0 THEN 10 + draw(c, 7, 20) ELSE 0 END, 40 + draw(c, 8, 10)) AS fit
  FROM (SELECT c, draw(c, 5, 4)::int * draw(c, 6, 2)::int AS x FROM generate_series(1, 2000) AS c) AS s;
CREATE TABLE live_orders AS TABLE orders;
SELECT count(*) FROM create_model('live', 'live_orders', customer => 'customer', day => 'day', value => 'value',
	as_of => '2025-12-31', live => true);
VACUUM ANALYZE;
-- counted
history_agg_numeric SELECT count(h) FROM (SELECT history_agg(day, value) AS h FROM orders GROUP BY customer) AS s
history_agg_int SELECT count(h) FROM (SELECT history_agg(day, kind) AS h FROM orders GROUP BY customer) AS s
history_sum SELECT sum(history) IS NULL FROM histories_of
accessors SELECT sum(recency(history, '2025-12-31') + frequency(history, '2025-12-31') + monetary(history, '2025-12-31')) FROM histories_of
window SELECT sum(frequency(history, '2025-12-31', 365)), sum(monetary(history, '2025-12-31', 365)) FROM histories_of
score_customers SELECT count(*) FROM score_customers('SELECT customer, day, value FROM orders', NULL::int, '2025-12-31')
score_customers_timestamptz SELECT count(*) FROM score_customers('SELECT customer, moment, value FROM orders', NULL::int, '2025-12-31', time_zone => 'Europe/Paris')
histories SELECT count(*) FROM histories('SELECT customer, day, value FROM orders', NULL::int)
quantile_score SELECT sum(s) FROM (SELECT quantile_score(monetary::float8, 5) OVER () AS s FROM facts) AS q
quantile_thresholds SELECT quantile_thresholds(monetary::float8, 5) FROM facts
stream_histories SELECT count(s) FROM (SELECT stream_histories_agg(1, customer % 6, history) AS s FROM histories_of GROUP BY customer / 5) AS s
stream_events SELECT sum(stream_events(streams, 1, '2025-12-31', 365)) FROM streams_of
segments SELECT count(*) FROM live.customer_segments WHERE segment = 'vip'
live_insert DO $$ BEGIN FOR i IN 1 .. 200 LOOP INSERT INTO live_orders VALUES (i * 13 % 3000, '2025-12-01', 10); END LOOP; END $$
live_insert_many INSERT INTO live_orders SELECT i % 3000, '2025-12-02', 20 FROM generate_series(1, 2000) AS i
live_read SELECT count(*) FROM live.customer_segments WHERE segment = 'vip'
btyd_fit SELECT btyd_fit('mbgnbd', x, CASE WHEN x > 0 THEN 10 + draw(c, 7, 20) ELSE 0 END, 40 + draw(c, 8, 10)) IS NULL FROM (SELECT c, draw(c, 5, 4)::int * draw(c, 6, 2)::int AS x FROM generate_series(1, 300) AS c) AS s
btyd_expected SELECT sum(btyd_expected(f.fit, h.history, '2025-12-31', 90)) FROM histories_of AS h, fits AS f
logit_fit SELECT logit_fit(frequency > 10, ARRAY[recency, monetary::float8 / 100]) IS NULL FROM facts
auc SELECT auc(recency::float8, frequency > 10) FROM facts
kmeans SELECT kmeans_fit(ARRAY[recency, frequency, monetary::float8], 4, 1) IS NULL FROM facts
