-- Corrections and their day: for predictions a correction counts on the most
-- recent day with an event on or before it.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
\set VERBOSITY terse

-- Orders that are sent back days later are worth what is left of them.
SELECT (btyd('{2025-01-10:1:100,2025-01-13:0:-100,2025-02-08:1:100,2025-02-11:0:-100}', '2025-12-31', 1)).*;
SELECT (btyd('{2025-01-10:1:100,2025-02-08:1:100,2025-02-11:0:-30,2025-02-12:0:-20,2025-03-08:1:50}', '2025-12-31', 1)).*;
-- of the first day: nowhere in m, as that day; before any event: nowhere
SELECT (btyd('{2025-01-10:1:100,2025-01-13:0:-90,2025-02-08:1:100}', '2025-12-31', 1)).*;
SELECT (btyd('{2025-01-01:0:-70,2025-01-10:1:100,2025-02-08:1:100}', '2025-12-31', 1)).*;
SELECT btyd('{2025-01-01:0:-70}', '2025-12-31', 1) IS NULL AS no_event;
-- more is taken back than was bought: the day counts in x still, and m says so
SELECT (btyd('{2025-01-10:1:100,2025-02-08:1:100,2025-02-11:0:-130}', '2025-12-31', 1)).*;
-- what comes after as_of is not known
SELECT (btyd('{2025-01-10:1:100,2025-02-08:1:100,2025-02-11:0:-100}', '2025-02-10', 1)).*;
-- a difference that takes away an event is no event, and its total a correction
SELECT (btyd('{2025-01-10:1:100,2025-02-08:1:100,2025-02-11:-1:-40,2025-03-01:-2:15}', '2025-12-31', 1)).*;

-- What came of a prediction
SELECT (btyd_actual('{2025-01-10:1:100,2025-02-01:0:-60,2025-02-08:1:100,2025-02-11:0:-30,2025-03-01:2:10.50,2025-04-01:0:-1}', '2025-01-31', '2025-03-31')).*;
SELECT (btyd_actual('{2025-01-10:1:100,2025-02-01:0:-60}', '2025-01-31', '2025-03-31')).*;
SELECT (btyd_actual('{}', '2025-01-31', '2025-01-31')).*;
SELECT (btyd_actual('{2025-01-01:1:1,2025-01-02:1:92233720368547758.07,2025-01-03:1:92233720368547758.07,2025-01-04:0:-0.01}', '2025-01-01', '2025-01-04')).*;
SELECT (btyd_actual('{2025-01-02:1:-92233720368547758.07,2025-01-03:1:-92233720368547758.07,2025-01-04:0:-0.01}', '2025-01-01', '2025-01-04')).*;
SELECT btyd_actual(NULL, '2025-01-31', '2025-03-31') IS NULL AS nothing, btyd_actual('{}', NULL, '2025-03-31') IS NULL AS no_split;
SELECT btyd_actual('{}', '2025-01-31', '2025-01-30');
SELECT btyd_actual('{}', '-infinity', '2025-01-30');
SELECT btyd_actual('{}', '2025-01-30', 'infinity');

-- An oracle: every correction looks for its day. Three streams of 80 customers,
-- with corrections before, between and after the events, days that net to zero
-- and less, negative counts, and events without value.
CREATE TABLE happened AS
SELECT c AS customer, s AS stream, date '2024-01-01' + k * (2 + (c + s) % 5) + (hashint8extended(c * 1000 + s * 100 + k, 1) & 1)::int AS day,
       (CASE hashint8extended(c * 1000 + s * 100 + k, 2) & 7 WHEN 0 THEN -1 WHEN 1 THEN 0 WHEN 2 THEN 0 WHEN 3 THEN 0 WHEN 4 THEN 2 ELSE 1 END)::int AS events,
       ((hashint8extended(c * 1000 + s * 100 + k, 3) & 1023) - CASE WHEN hashint8extended(c * 1000 + s * 100 + k, 2) & 7 < 4 THEN 900 ELSE 200 END)::numeric / 100 AS total
  FROM generate_series(1, 80) AS c, generate_series(1, 3) AS s, generate_series(0, 24) AS k
 WHERE k <= hashint8extended(c * 10 + s, 4) & 31;
CREATE TABLE said AS
SELECT customer, stream, ('{' || string_agg(format('%s:%s:%s', to_char(day, 'YYYY-MM-DD'), events, total), ',' ORDER BY day) || '}')::history AS history
  FROM happened WHERE events <> 0 OR total <> 0 GROUP BY customer, stream;
SELECT count(*) AS days, count(*) FILTER (WHERE events > 0) AS event_days, count(*) FILTER (WHERE events < 0) AS negative,
       count(*) FILTER (WHERE events = 0) AS corrections FROM happened;
ALTER TABLE happened ADD PRIMARY KEY (customer, stream, day);
ANALYZE happened;
CREATE TABLE event_day AS
SELECT a.as_of, e.customer, e.stream, e.day, row_number() OVER (PARTITION BY a.as_of, e.customer, e.stream ORDER BY e.day) AS n,
       e.total + (SELECT coalesce(sum(c.total), 0) FROM happened AS c
                   WHERE (c.customer, c.stream) = (e.customer, e.stream) AND c.events <= 0 AND c.day <= a.as_of
                     AND e.day = (SELECT max(p.day) FROM happened AS p WHERE (p.customer, p.stream) = (c.customer, c.stream) AND p.events > 0 AND p.day <= c.day)) AS net
  FROM (VALUES (date '2024-01-20'), ('2024-03-01'), ('2024-05-15'), ('2024-12-31')) AS a (as_of)
  JOIN happened AS e ON e.events > 0 AND e.day <= a.as_of;
SELECT a.as_of = '2024-12-31' AS whole, count(*) AS compared, count(b.m) AS means, count(*) FILTER (WHERE b.m <= 0) AS not_positive,
       count(*) FILTER (WHERE (b.x, b.t_x, b.t, b.m) IS DISTINCT FROM (o.x, o.t_x, o.t, o.m)) AS different
  FROM said AS s CROSS JOIN (SELECT DISTINCT as_of FROM event_day) AS a
  LEFT JOIN (SELECT as_of, customer, stream, count(*)::int - 1 AS x, (max(day) - min(day))::float8 AS t_x, (as_of - min(day))::float8 AS t,
                    sum(net) FILTER (WHERE n > 1)::float8 / (count(*) - 1) AS m
               FROM event_day GROUP BY as_of, customer, stream) AS o USING (as_of, customer, stream)
  LEFT JOIN LATERAL btyd(s.history, a.as_of, 1) AS b ON true
 GROUP BY 1 ORDER BY 1;
SELECT count(*) AS compared, count(*) FILTER (WHERE a.value < 0) AS negative, count(*) FILTER (WHERE (a.orders, a.value) IS DISTINCT FROM (coalesce(o.orders, 0), coalesce(o.value, 0))) AS different
  FROM said AS s CROSS JOIN (VALUES (date '2024-02-11'), ('2024-02-29'), ('2024-05-01')) AS t (split_on)
  LEFT JOIN LATERAL (SELECT count(*)::int AS orders, sum(e.net) AS value FROM event_day AS e
                      WHERE (e.customer, e.stream, e.as_of) = (s.customer, s.stream, '2024-05-15') AND e.day > t.split_on) AS o ON true
  CROSS JOIN LATERAL btyd_actual(s.history, t.split_on, '2024-05-15') AS a;
DROP TABLE happened, said, event_day;

-- A shop of 2,000 where four of ten orders come back in part four days later, and
-- the same shop without: what is expected of the second half of the year is as
-- near to what came. Three people beside them: one keeps everything, one returns
-- everything three days later, one on the same day.
CREATE FUNCTION uniform(key bigint, seed int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT ((hashint8extended(key, seed) & 1073741823) + 0.5) / 1073741824 $$;
CREATE TABLE bought AS
SELECT c * 100 + k AS order_id, c AS customer, date '2024-01-01' + floor(at)::int AS day,
       round((base * exp(0.6 * (uniform(c * 100 + k, 7) + uniform(c * 100 + k, 8) - 1)))::numeric, 2) AS amount
  FROM (SELECT c, k, base, 300 * uniform(c, 1) + sum(CASE WHEN k = 0 THEN 0 ELSE -ln(uniform(c * 100 + k, 9)) / rate END) OVER (PARTITION BY c ORDER BY k) AS at,
               max(CASE WHEN uniform(c * 100 + k, 10) < leaves THEN 1 ELSE 0 END) OVER (PARTITION BY c ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS gone
          FROM (SELECT c, -ln(uniform(c, 2) * uniform(c, 3)) / 100 AS rate, 1 - pow(1 - uniform(c, 4), 0.5) AS leaves, 20 / (-ln(uniform(c, 5) * uniform(c, 6) * uniform(c, 7))) AS base
                  FROM generate_series(1, 2000) AS c) AS c CROSS JOIN generate_series(0, 60) AS k) AS v
 WHERE coalesce(gone, 0) = 0 AND at < 730
UNION ALL SELECT p * 100 - k, p, date '2024-06-10' + k * 29, 100 FROM unnest('{-1,-2,-3}'::int[]) AS p, generate_series(0, 11) AS k;
CREATE INDEX ON bought (customer, day);
CREATE TABLE sent_back AS
SELECT customer, day, amount FROM bought
UNION ALL SELECT customer, day + 4, -round(amount * 0.75, 2) FROM bought WHERE customer > 0 AND uniform(order_id, 11) < 0.4 AND day + 4 <= '2025-12-31'
UNION ALL SELECT customer, day + CASE customer WHEN -2 THEN 3 ELSE 0 END, -amount FROM bought WHERE customer < -1;
CREATE INDEX ON sent_back (customer);
ANALYZE bought, sent_back;
SELECT count(*) > 0 AS done FROM create_model('kept', 'bought', customer => 'customer', day => 'day', value => 'amount', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT count(*) > 0 AS done FROM create_model('returned', 'sent_back', customer => 'customer', day => 'day', value => 'amount', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT CASE customer_key WHEN '-1' THEN 'keeper' WHEN '-2' THEN 'returner' ELSE 'same day' END AS who, frequency, monetary, clv_12m > 0 AS clv_12m, clv_score IS NOT NULL AS clv_score, prediction_reason
  FROM returned.customer_scores WHERE customer_key IN ('-1', '-2', '-3') ORDER BY 1;
SELECT affected FROM returned.data_quality WHERE reason = 'spend_left_out';
SELECT count(*) > 0 AS done FROM check_prediction('kept', '2025-06-30');
SELECT count(*) > 0 AS done FROM check_prediction('returned', '2025-06-30');
SELECT abs(k.value_bias) < 0.1 AS kept_is_near, abs(r.value_bias - k.value_bias) < 0.06 AS returned_as_near, r.actual_value / k.actual_value BETWEEN 0.6 AND 0.8 AS net
  FROM kept.prediction_check AS k, returned.prediction_check AS r;
-- what came: the orders of the hold-out less what was sent back of them, and
-- nothing of what was bought before
SELECT sum(c.actual_value) = (SELECT sum(net) FROM (
    SELECT b.amount - CASE WHEN b.customer < -1 THEN b.amount ELSE coalesce((SELECT sum(-s.amount) FROM sent_back AS s WHERE s.customer = b.customer AND s.amount < 0 AND s.day <= '2025-12-31'
             AND b.day = (SELECT max(o.day) FROM bought AS o WHERE o.customer = b.customer AND o.day <= s.day)), 0)
           / count(*) OVER (PARTITION BY b.customer, b.day) END AS net
      FROM bought AS b WHERE b.day > '2025-06-30' AND b.customer IN (SELECT customer FROM bought WHERE day <= '2025-06-30')) AS n) AS as_said
  FROM returned.prediction_by_frequency AS c;
SELECT count(*) > 0 AS done FROM drop_model('kept');
SELECT count(*) > 0 AS done FROM drop_model('returned');
DROP TABLE bought, sent_back;
DROP FUNCTION uniform;
