-- What a history says, against plain SQL over its rows.
SET client_min_messages = warning;
CREATE SCHEMA test_read;
SET search_path = test_read, scoring, public;

CREATE FUNCTION text_of(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SELECT (%s)::text', call) INTO result;
  RETURN result;
END $$;

-- ---- one by one ----
CREATE TABLE example AS SELECT '{2025-01-03:1:19.90,2025-01-31:2:40.00,2025-02-10:0:-5.00,2025-03-02:1:5.10}'::history AS h;
SELECT to_char(as_of, 'YYYY-MM-DD') AS as_of, to_char(first_day(h, as_of), 'MM-DD') AS first_day, to_char(last_day(h, as_of), 'MM-DD') AS last_day, recency(h, as_of), tenure(h, as_of), frequency(h, as_of), active_days(h, as_of), monetary(h, as_of), round(mean_value(h, as_of), 4) AS mean_value,
       mean_gap(h, as_of), round(silence_ratio(h, as_of)::numeric, 6) AS silence_ratio, trend(h, as_of, 28), round(decayed_sum(h, as_of, 30)::numeric, 6) AS decayed_sum
  FROM example, unnest(ARRAY['2025-01-02', '2025-01-03', '2025-01-31', '2025-02-15', '2025-03-02', '2026-01-01']::date[]) as_of;
SELECT frequency(history => h, as_of => '2025-03-02', window_days => 30) AS frequency, active_days(history => h, as_of => '2025-03-02', window_days => 31) AS active_days, monetary(history => h, as_of => '2025-03-02', window_days => 20) AS monetary,
       mean_value(history => h, as_of => '2025-03-02', window_days => 1) AS mean_value, trend(history => h, as_of => '2025-03-02', window_days => 31) AS trend, decayed_sum(history => h, as_of => '2025-03-02', half_life_days => 30) > 0 AS decayed_sum FROM example;
SELECT d.day = date '2025-01-03' AS first, d.events, d.total FROM example, days(history => h) d;

-- ---- against plain SQL ----
-- 160 customers from one row to a hundred; corrections, free orders, rows that count otherwise, differences of histories
CREATE TABLE rows AS
  SELECT i AS id, customer, date '2024-06-01' + draw(i, 2, 1 + customer * 5)::int - CASE WHEN customer % 16 = 0 THEN 800000 ELSE 0 END AS day,
         CASE draw(i, 3, 8) WHEN 0 THEN 0 WHEN 1 THEN - draw(i, 4, 5000) / power(10::numeric, customer % 10) ELSE draw(i, 4, 100000) / power(10::numeric, customer % 10) END AS value,
         CASE draw(i, 5, 9) WHEN 0 THEN true WHEN 1 THEN false END AS counts, CASE WHEN customer % 5 = 0 AND draw(i, 6, 3) = 0 THEN -1 ELSE 1 END AS sign
    FROM (SELECT i, i % 160 AS customer FROM generate_series(1, 12000) i WHERE i % 100 < 1 + (i % 160) % 40) r;
CREATE TABLE days AS
  SELECT customer, day, (day - date '2000-01-01')::bigint AS n, sum(sign * coalesce(counts, value >= 0)::int) AS events, sum(sign * value) AS total FROM rows GROUP BY customer, day;
DELETE FROM days WHERE events = 0 AND total = 0;
CREATE TABLE customers AS
  SELECT customer, history_agg(day, value, counts) FILTER (WHERE sign = 1) - history_agg(day, value, counts) FILTER (WHERE sign = -1) AS h FROM rows GROUP BY customer;
INSERT INTO customers VALUES (1000, '{}');
SELECT count(*) AS customers, count(*) FILTER (WHERE h = '{}') AS empty FROM customers;
-- days before, on and after the first and last one, days between, the ends of the calendar, no end at all
CREATE TABLE questions AS
  SELECT customer, as_of, CASE WHEN isfinite(as_of) THEN (as_of - date '2000-01-01')::bigint WHEN as_of > date '2000-01-01' THEN 2147483647 ELSE -2147483648 END AS n, w::bigint
    FROM (SELECT DISTINCT customer, as_of FROM customers
            LEFT JOIN (SELECT customer, min(day) AS first, max(day) AS last FROM days GROUP BY customer) d USING (customer)
            CROSS JOIN LATERAL unnest(ARRAY[first - 1, first, first + 1, last - 1, last, last + 1, first + (last - first) / 3, first + (last - first) / 2, last + 400, '4714-11-24 BC', '5874897-12-31', 'infinity', '-infinity', '2026-01-01']) as_of WHERE as_of IS NOT NULL) a
   CROSS JOIN unnest(ARRAY[NULL, 1, 2, 7, 30, 365, 800400, 2147483647]) w;
CREATE TABLE expected AS
  SELECT q.customer, q.as_of, q.n, q.w,
         min(d.day) FILTER (WHERE d.events > 0) AS first_day, max(d.day) FILTER (WHERE d.events > 0) AS last_day,
         coalesce(sum(d.events) FILTER (WHERE inside), 0)::bigint AS frequency, count(*) FILTER (WHERE inside AND d.events > 0) AS active_days, coalesce(sum(d.total) FILTER (WHERE inside), 0) AS monetary,
         coalesce(sum(d.events) FILTER (WHERE d.n > q.n - 2 * q.w AND NOT inside), 0)::bigint AS frequency_before,
         count(*) FILTER (WHERE d.events > 0) AS all_active_days,
         coalesce(sum(d.total::float8 * CASE WHEN q.n - d.n > 30000 THEN 0 ELSE 2::float8 ^ ((d.n - q.n) / 30.0::float8) END), 0) AS decayed, coalesce(sum(abs(d.total::float8)), 0) AS magnitude
    FROM questions q LEFT JOIN days d ON d.customer = q.customer AND d.n <= q.n
    CROSS JOIN LATERAL (SELECT d.n > q.n - q.w OR q.w IS NULL AND d.n IS NOT NULL AS inside) i
   GROUP BY q.customer, q.as_of, q.n, q.w;
ANALYZE expected;
SELECT count(*) AS questions, count(*) FILTER (WHERE frequency < 0) > 100 AS negative, count(*) FILTER (WHERE frequency > 0) > 5000 AS positive FROM expected;

-- what is asked with as_of alone
SELECT count(*) AS asked,
       count(*) FILTER (WHERE first_day(h, as_of) IS DISTINCT FROM first_day) AS first_day,
       count(*) FILTER (WHERE last_day(h, as_of) IS DISTINCT FROM last_day) AS last_day,
       count(*) FILTER (WHERE mean_gap(h, as_of) IS DISTINCT FROM (last_day - first_day)::float8 / nullif(all_active_days - 1, 0)) AS mean_gap
  FROM expected JOIN customers USING (customer) WHERE w IS NULL;
SELECT count(*) AS asked,
       count(*) FILTER (WHERE recency(h, as_of) IS DISTINCT FROM as_of - last_day) AS recency,
       count(*) FILTER (WHERE tenure(h, as_of) IS DISTINCT FROM as_of - first_day) AS tenure,
       count(*) FILTER (WHERE silence_ratio(h, as_of) IS DISTINCT FROM (as_of - last_day) / ((last_day - first_day)::float8 / nullif(all_active_days - 1, 0))) AS silence_ratio,
       count(*) FILTER (WHERE abs(decayed_sum(h, as_of, 30) - decayed) > 1e-12 * magnitude OR decayed_sum(h, as_of, 30) IS NULL) AS decayed_sum
  FROM expected JOIN customers USING (customer) WHERE w IS NULL AND isfinite(as_of);
-- the mean gap is the mean of the gaps
SELECT count(*) AS customers, count(*) FILTER (WHERE abs(mean_gap(h, 'infinity') - gap) > 1e-12 * gap) AS mean_gap
  FROM customers JOIN (SELECT customer, avg(gap)::float8 AS gap FROM (SELECT customer, n - lag(n) OVER (PARTITION BY customer ORDER BY n) AS gap FROM days WHERE events > 0) g GROUP BY customer) g USING (customer);
-- with and without a window
SELECT count(*) AS asked,
       count(*) FILTER (WHERE frequency(h, as_of, w::int) IS DISTINCT FROM frequency) AS frequency,
       count(*) FILTER (WHERE active_days(h, as_of, w::int) IS DISTINCT FROM active_days) AS active_days,
       count(*) FILTER (WHERE monetary(h, as_of, w::int) IS DISTINCT FROM monetary) AS monetary,
       count(*) FILTER (WHERE (mean_value(h, as_of, w::int) IS NULL) <> (frequency <= 0) OR abs(mean_value(h, as_of, w::int) - monetary / nullif(frequency, 0)) > 1e-15 * greatest(1, abs(monetary))) AS mean_value
  FROM expected JOIN customers USING (customer) WHERE w IS NULL OR isfinite(as_of);
SELECT count(*) AS asked, count(*) FILTER (WHERE frequency(h, as_of) IS DISTINCT FROM frequency(h, as_of, NULL) OR active_days(h, as_of) IS DISTINCT FROM active_days(h, as_of, NULL)
       OR monetary(h, as_of) IS DISTINCT FROM monetary(h, as_of, NULL) OR mean_value(h, as_of) IS DISTINCT FROM mean_value(h, as_of, NULL)) AS without_window FROM expected JOIN customers USING (customer);
SELECT count(*) AS asked, count(*) FILTER (WHERE trend(h, as_of, w::int) IS DISTINCT FROM frequency - frequency_before) AS trend FROM expected JOIN customers USING (customer) WHERE isfinite(as_of) AND w IS NOT NULL;
-- a decay of any half-life
SELECT count(*) AS asked, count(*) FILTER (WHERE abs(decayed_sum(h, as_of, half_life) - reference) > 1e-12 * magnitude) AS decayed_sum
  FROM customers CROSS JOIN unnest(ARRAY[1e-300, 0.001, 0.5, 1, 7, 91.25, 1e6, 1e300]::float8[]) half_life CROSS JOIN unnest(ARRAY[date '2024-06-03', '2024-12-31', '2027-01-01']) as_of
  CROSS JOIN LATERAL (SELECT coalesce(sum(total::float8 * CASE WHEN (as_of - day) / half_life > 1000 THEN 0 ELSE 2::float8 ^ ((day - as_of) / half_life) END), 0) AS reference, coalesce(sum(abs(total)), 0)::float8 AS magnitude FROM days d WHERE d.customer = customers.customer AND d.day <= as_of) r;

-- the rows of a history are the rows, ascending
SELECT count(*) AS days, count(*) FILTER (WHERE d.day IS NULL OR e.day IS NULL OR d.events <> e.events OR d.total <> e.total) AS wrong
  FROM (SELECT customer, day, events, total FROM customers, days(h)) d FULL JOIN days e ON e.customer = d.customer AND e.day = d.day;
SELECT count(*) FILTER (WHERE day <= previous) AS out_of_order FROM (SELECT day, lag(day) OVER (PARTITION BY customer ORDER BY o) AS previous FROM customers, days(h) WITH ORDINALITY AS d(day, events, total, o)) o;
SELECT count(*) AS rows_of_nothing FROM days('{}');
SELECT count(*) AS rows_of_null FROM days(NULL);
SELECT events FROM customers, days(h) WHERE customer = 100 LIMIT 0;
SELECT count(*) AS first_of_each FROM customers CROSS JOIN LATERAL (SELECT * FROM days(h) LIMIT 1) d;
SELECT pg_typeof(day) AS day, pg_typeof(events) AS events, pg_typeof(total) AS total FROM days('{2025-01-03:1:19.90}');

-- ---- as many decimals as the history has ----
SELECT h, monetary(h, 'infinity'), monetary(h, '2025-01-03'), monetary(h, '2020-01-01') AS nothing, mean_value(h, 'infinity') = monetary(h, 'infinity') / 3 AS mean
  FROM unnest(ARRAY['{2025-01-03:1:5,2025-01-04:2:7}', '{2025-01-03:1:5.50,2025-01-04:2:7}', '{2025-01-03:1:5.125,2025-01-04:2:7}', '{2025-01-03:1:5.0625,2025-01-04:2:7}', '{2025-01-03:1:-5.000005,2025-01-04:2:7}', '{2025-01-03:1:0.000000001,2025-01-04:2:7}']::history[]) h;

-- ---- sums over days past 64 bits ----
SELECT monetary(h, 'infinity'), monetary(h, '2025-01-04'), monetary(h, '2025-01-06', 3), mean_value(h, 'infinity'), frequency(h, 'infinity')
  FROM (SELECT '{2025-01-03:1:9223372036854775807,2025-01-04:1:9223372036854775807,2025-01-05:1:9223372036854775807,2025-01-06:1:-9223372036854775807}'::history AS h) h;
SELECT monetary(h, 'infinity'), mean_value(h, 'infinity') FROM (SELECT '{2025-01-03:2:92233720368547758.07,2025-01-04:0:92233720368547758.07}'::history AS h) h;
SELECT monetary('{2025-01-03:1:-92233720368547758.07,2025-01-04:1:-0.01}', 'infinity') AS total, frequency('{2025-01-03:-9223372036854775807:1,2025-01-04:-1:1}', 'infinity') AS events, decayed_sum('{2025-01-01:1:9223372036854775807,2025-01-02:1:9223372036854775807}', '2025-01-02', 1e300) AS decayed;
-- _monetary_float8 is the cast of monetary, to the last bit: with few digits and many, and where a total needs more than 64 bits
SELECT count(*) AS totals, count(DISTINCT monetary(h, 'infinity')) > 6000 AS various,
       count(*) FILTER (WHERE float8send(_monetary_float8(h, 'infinity')) IS DISTINCT FROM float8send(monetary(h, 'infinity')::float8)) AS different
  FROM (SELECT history('2025-01-01', sign * round(abs(hashint8extended(n, digits)::numeric) % 10::numeric ^ digits / 10::numeric ^ decimals, decimals)) AS h
          FROM generate_series(1, 40) n, generate_series(1, 18) digits, unnest('{0,2,3,4,6,9}'::int[]) decimals, unnest('{1,-1}'::int[]) sign
        UNION ALL VALUES ('{}'::history), ('{2025-01-03:2:92233720368547758.07,2025-01-04:0:92233720368547758.07}'), ('{2025-01-03:1:-92233720368547758.07,2025-01-04:1:-0.01}'),
          ('{2025-01-03:1:9007199254740991}'), ('{2025-01-03:1:9007199254740992}'), ('{2025-01-03:1:9007199254740993}'), ('{2025-01-03:1:-90071992547409.93}')) t;
SELECT count(*) AS windows, count(*) FILTER (WHERE _monetary_float8(h, as_of::date, w) IS DISTINCT FROM monetary(h, as_of::date, w)::float8) AS different
  FROM (VALUES ('{2025-01-03:1:10.01,2025-01-05:1:20.02,2025-01-09:0:-5}'::history), ('{}'), (NULL)) h (h), unnest('{2025-01-01,2025-01-04,2025-01-09,NULL}'::text[]) as_of, unnest('{1,4,5,NULL}'::int[]) w;
-- and so is _mean_value_float8
SELECT count(*) AS means, count(*) FILTER (WHERE m > 1e10) AS large, count(*) FILTER (WHERE float8send(_mean_value_float8(h, 'infinity')) IS DISTINCT FROM float8send(m::float8)) AS different
  FROM (SELECT h, mean_value(h, 'infinity') AS m
          FROM (SELECT ('{2025-01-01:' || 1 + (hashint8extended(i, 1) & ((1 << (i % 20)) - 1)) || ':' || trim_scale(round((hashint8extended(i, 2) >> (i % 60)) / 10::numeric ^ (ARRAY[0, 2, 3, 4, 6, 9])[1 + i % 6], 9)) || '}')::history AS h
                  FROM generate_series(1, 20000) AS i) AS s) AS s;
SELECT _mean_value_float8('{2025-01-03:2:92233720368547758.07,2025-01-04:0:92233720368547758.07}', 'infinity') AS beyond_64_bits, _mean_value_float8('{}', 'infinity') AS of_nothing, _mean_value_float8('{2025-01-01:1:3,2025-01-09:2:5}', '2025-01-10', 5) AS in_a_window;
-- from one end of the calendar to the other
SELECT recency('{4714-11-24 BC:1:1}', '5874897-12-31'), tenure('{4714-11-24 BC:1:1}', '5874897-12-31'), silence_ratio('{4714-11-24 BC:1:1,4714-11-25 BC:1:1}', '5874897-12-31'), mean_gap('{4714-11-24 BC:1:1,5874897-12-31:1:1}', 'infinity'),
       frequency('{4714-11-24 BC:1:1}', '5874897-12-31', 2147483647) AS in_window, trend('{4714-11-24 BC:1:1}', '4714-11-24 BC', 2147483647), decayed_sum('{4714-11-24 BC:1:1}', '5874897-12-31', 5e-324) AS gone, decayed_sum('{2025-01-01:1:1}', '2025-01-01', 5e-324) AS today;
-- a number of events past 64 bits is an error for those who ask for it, and for nobody else
CREATE TABLE crowded AS SELECT '{2025-01-03:9223372036854775807:1,2025-01-04:9223372036854775807:1,2025-01-09:1:1}'::history AS h;
SELECT active_days(h, '2025-01-09'), recency(h, '2025-01-10'), tenure(h, '2025-01-10'), mean_gap(h, 'infinity'), monetary(h, 'infinity'), frequency(h, '2025-01-03'), frequency(h, '2025-01-09', 5), trend(h, '2025-01-04', 1) FROM crowded;
SELECT s, error_of('SELECT ' || s || ' FROM test_read.crowded') FROM unnest(ARRAY['frequency(h, ''infinity'')', 'mean_value(h, ''infinity'')', 'trend(h, ''2025-01-04'', 2)', 'trend(- h - h, ''2025-01-03'', 1)']) s;
SELECT error_of('SELECT trend(''{2025-01-03:-9223372036854775807:1,2025-01-04:9223372036854775807:1}'', ''2025-01-04'', 1)');

-- ---- NULL gives NULL ----
SELECT count(*) AS calls, count(*) FILTER (WHERE result IS NOT NULL) AS not_null
  FROM (SELECT text_of(call) AS result
          FROM unnest(ARRAY['first_day(NULL, ''2025-01-01'')', 'first_day(''{2025-01-01:1:1}'', NULL)', 'last_day(NULL, ''2025-01-01'')', 'last_day(''{2025-01-01:1:1}'', NULL)', 'recency(NULL, ''2025-01-01'')', 'recency(''{2025-01-01:1:1}'', NULL)', 'tenure(NULL, ''2025-01-01'')', 'tenure(''{2025-01-01:1:1}'', NULL)',
            'frequency(NULL, ''2025-01-01'')', 'frequency(''{2025-01-01:1:1}'', NULL)', 'frequency(NULL, ''2025-01-01'', 0)', 'frequency(''{2025-01-01:1:1}'', NULL, 5)', 'active_days(NULL, ''2025-01-01'')', 'active_days(''{2025-01-01:1:1}'', NULL)', 'monetary(NULL, ''2025-01-01'')', 'monetary(''{2025-01-01:1:1}'', NULL)',
            'mean_value(NULL, ''2025-01-01'')', 'mean_value(''{2025-01-01:1:1}'', NULL)', 'mean_gap(NULL, ''2025-01-01'')', 'mean_gap(''{2025-01-01:1:1}'', NULL)', 'silence_ratio(NULL, ''2025-01-01'')', 'silence_ratio(''{2025-01-01:1:1}'', NULL)', 'trend(NULL, ''2025-01-01'', 5)', 'trend(''{2025-01-01:1:1}'', NULL, 5)', 'trend(''{2025-01-01:1:1}'', ''2025-01-01'', NULL)',
            'decayed_sum(NULL, ''2025-01-01'', 5)', 'decayed_sum(''{2025-01-01:1:1}'', NULL, 5)', 'decayed_sum(''{2025-01-01:1:1}'', ''2025-01-01'', NULL)', 'first_day(''{}'', ''2025-01-01'')', 'last_day(''{}'', ''2025-01-01'')', 'recency(''{2025-01-01:0:1}'', ''2025-01-01'')', 'tenure(''{2025-01-01:-1:1}'', ''2025-01-01'')', 'mean_value(''{2025-01-01:0:1}'', ''2025-01-01'')',
            'mean_gap(''{2025-01-01:5:1}'', ''2025-01-01'')', 'silence_ratio(''{2025-01-01:5:1}'', ''2025-01-01'')', 'mean_value(''{}'', ''infinity'')']) call) c;
-- and 0 where there is nothing to count
SELECT frequency('{}', 'infinity'), active_days('{}', '-infinity'), monetary('{}', 'infinity'), trend('{}', '2025-01-01', 5), decayed_sum('{}', '2025-01-01', 5);

-- ---- what is refused ----
SELECT s, error_of('SELECT ' || replace(s, 'h', '''{2025-01-01:1:1}''::scoring.history'))
  FROM unnest(ARRAY['recency(h, ''infinity'')', 'recency(h, ''-infinity'')', 'tenure(h, ''infinity'')', 'silence_ratio(h, ''infinity'')', 'decayed_sum(h, ''infinity'', 30)', 'frequency(h, ''infinity'', 30)', 'active_days(h, ''-infinity'', 30)', 'monetary(h, ''infinity'', 30)', 'mean_value(h, ''infinity'', 30)', 'trend(h, ''infinity'', 30)',
    'frequency(h, ''2025-01-01'', 0)', 'active_days(h, ''2025-01-01'', -1)', 'monetary(h, ''2025-01-01'', -2147483648)', 'mean_value(h, ''2025-01-01'', 0)', 'trend(h, ''2025-01-01'', 0)',
    'decayed_sum(h, ''2025-01-01'', 0)', 'decayed_sum(h, ''2025-01-01'', -1)', 'decayed_sum(h, ''2025-01-01'', ''NaN'')', 'decayed_sum(h, ''2025-01-01'', ''Infinity'')', 'decayed_sum(h, ''2025-01-01'', ''-Infinity'')', 'decayed_sum(h, ''2025-01-01'', ''-0'')']) WITH ORDINALITY u(s, o) ORDER BY o;
-- also for a history without a day
SELECT error_of('SELECT recency(''{}'', ''infinity'')') AS recency, error_of('SELECT decayed_sum(''{}'', ''2025-01-01'', 0)') AS decayed_sum, error_of('SELECT trend(''{}'', ''2025-01-01'', 0)') AS trend;

SET client_min_messages = error;
DROP SCHEMA test_read CASCADE;
