-- Whether customers answer messages and come back to baskets: columns over the roles
-- sent, open, click and basket of all streams, compared with plain SQL over the
-- events themselves. Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never

CREATE SCHEMA response;
-- Two streams: mails with their opens, and what is done in the shop and the app, where
-- messages are sent too. 500 customers, 100 of whom have never ordered.
CREATE TABLE response.mails AS
SELECT 1 + (u1 * u1 * 499)::int AS customer_id, date '2024-02-01' + (u2 * 740)::int AS day,
       CASE WHEN u3 < 0.5 THEN 'email_sent' WHEN u3 < 0.65 THEN 'email_open' WHEN u3 < 0.7 THEN 'email_click' ELSE 'bounce' END AS kind,
       (ARRAY['north', 'south', 'a:b', E'back\\slash'])[1 + (1 + (u1 * u1 * 499)::int) % 4] AS branch
FROM (SELECT (hashint8extended(e, 11) & 1073741823) / 1073741824.0::float8 AS u1, (hashint8extended(e, 12) & 1073741823) / 1073741824.0::float8 AS u2,
             (hashint8extended(e, 13) & 1073741823) / 1073741824.0::float8 AS u3
      FROM generate_series(1, 6000) AS e) AS s;
CREATE TABLE response.app AS
SELECT 1 + (u1 * u1 * 499)::int AS customer_id, date '2024-02-01' + (u2 * 740)::int AS day,
       (ARRAY['push', 'push opened', 'add_to_cart', 'basket_add', 'visit'])[1 + floor(5 * u3)::int] AS kind, round((u3 * 100)::numeric, 2) AS amount,
       (ARRAY['north', 'south', 'a:b', E'back\\slash'])[1 + (1 + (u1 * u1 * 499)::int) % 4] AS branch
FROM (SELECT (hashint8extended(e, 21) & 1073741823) / 1073741824.0::float8 AS u1, (hashint8extended(e, 22) & 1073741823) / 1073741824.0::float8 AS u2,
             (hashint8extended(e, 23) & 1073741823) / 1073741824.0::float8 AS u3
      FROM generate_series(1, 4000) AS e) AS s;

CREATE INDEX ON response.mails (customer_id, day);
CREATE INDEX ON response.app (customer_id, day);
CREATE VIEW response.events AS
SELECT customer_id, day, CASE WHEN kind ~ 'sent|^push$' THEN 'sent' WHEN kind ~ 'open|click' THEN 'answer' WHEN kind ~ 'cart|basket' THEN 'basket' END AS what
FROM (SELECT customer_id, day, kind FROM response.mails UNION ALL SELECT customer_id, day, kind FROM response.app) AS e;
ANALYZE response.mails, response.app;

-- The slow way, message by message.
CREATE FUNCTION response.slow(as_of date) RETURNS TABLE (customer_key text, messages_30d bigint, response_rate_90d float8, unanswered_in_a_row bigint, abandoned_baskets_30d bigint)
LANGUAGE sql AS $$
  WITH events AS NOT MATERIALIZED (SELECT * FROM response.events WHERE day <= $1),
  orders AS MATERIALIZED (SELECT customer_id, max(ordered_on) AS last_on FROM shopdata.orders WHERE total >= 0 AND ordered_on <= $1 GROUP BY 1),
  messages AS MATERIALIZED (
    SELECT m.customer_id, m.day, EXISTS (SELECT FROM events AS a WHERE a.what = 'answer' AND a.customer_id = m.customer_id AND a.day >= m.day
        AND a.day < coalesce((SELECT min(n.day) FROM events AS n WHERE n.what = 'sent' AND n.customer_id = m.customer_id AND n.day > m.day), 'infinity')) AS answered
    FROM events AS m WHERE m.what = 'sent' AND m.day > $1 - 90
  )
  SELECT c.customer_id::text,
    (SELECT count(*) FROM events AS e WHERE e.customer_id = c.customer_id AND e.what = 'sent' AND e.day > $1 - 30),
    (SELECT avg(m.answered::int)::float8 FROM messages AS m WHERE m.customer_id = c.customer_id),
    (SELECT count(*) FROM events AS e WHERE e.customer_id = c.customer_id AND e.what = 'sent'
       AND e.day > coalesce((SELECT max(a.day) FROM events AS a WHERE a.customer_id = c.customer_id AND a.what = 'answer'), '-infinity')),
    (SELECT count(DISTINCT e.day) FROM events AS e WHERE e.customer_id = c.customer_id AND e.what = 'basket' AND e.day > $1 - 30
       AND NOT EXISTS (SELECT FROM orders AS o WHERE o.customer_id = c.customer_id AND o.last_on >= e.day))
  FROM (SELECT customer_id FROM events UNION SELECT customer_id FROM shopdata.orders WHERE ordered_on <= $1) AS c
$$;
CREATE FUNCTION response.slow_baskets(within_days int, as_of date) RETURNS TABLE (customer_key text, basket_on date, events bigint, ordered_on date, is_open boolean)
LANGUAGE sql AS $$
  SELECT * FROM (SELECT b.customer_id::text, b.day, count(*), (SELECT min(o.ordered_on) FROM shopdata.orders AS o
      WHERE o.customer_id = b.customer_id AND o.total >= 0 AND o.ordered_on >= b.day AND o.ordered_on <= $2) AS ordered_on, b.day > $2 - $1
    FROM response.app AS b WHERE b.kind ~ 'cart|basket' AND b.day <= $2 GROUP BY b.customer_id, b.day) AS s
  WHERE ordered_on IS NULL OR ordered_on - day > $1
$$;

SELECT count(*) FROM create_model('rs', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
-- no stream, no columns; a stream without such kinds, no answers
SELECT count(*) FROM pg_attribute WHERE attrelid = 'rs.customer_scores'::regclass AND attname ~ '^(messages_30d|response_rate_90d|unanswered_in_a_row|abandoned_baskets_30d)$';
SELECT count(*) FROM add_stream('rs', 'app', 'SELECT * FROM response.app WHERE kind = ''visit''', customer => 'customer_id', day => 'day', kind => 'kind');
SELECT count(*) > 0 AS customers, count(messages_30d), count(response_rate_90d), count(unanswered_in_a_row), count(abandoned_baskets_30d) FROM rs.customer_scores;
SELECT count(*) FROM rs.abandoned_baskets();
-- messages, and nothing that could answer them: that is not silence
SELECT count(*) FROM alter_stream('rs', 'app', source => 'SELECT * FROM response.app WHERE kind = ''push''', role => '{"push": "sent"}');
SELECT count(messages_30d) = count(*) AS messages, count(response_rate_90d), count(unanswered_in_a_row), count(abandoned_baskets_30d) FROM rs.customer_scores;
SELECT count(*) FROM alter_stream('rs', 'app', source => 'response.app', value => 'amount', role => '{"push": "sent", "push opened": "open"}');
SELECT count(*) FROM add_stream('rs', 'mails', 'response.mails', customer => 'customer_id', day => 'day', kind => 'kind');

SELECT to_char(day, 'YYYY-MM-DD') AS day, d.* FROM unnest('{2024-02-20,2024-06-30,2025-03-31,2025-12-31}'::date[]) AS day,
  shopdata.differ(format('SELECT customer_key, messages_30d, response_rate_90d, unanswered_in_a_row, abandoned_baskets_30d FROM rs.customer_scores_at(%L)
    WHERE messages_30d > 0 OR response_rate_90d IS NOT NULL OR unanswered_in_a_row > 0 OR abandoned_baskets_30d > 0', day),
    format('SELECT * FROM response.slow(%L) WHERE messages_30d > 0 OR response_rate_90d IS NOT NULL OR unanswered_in_a_row > 0 OR abandoned_baskets_30d > 0', day)) AS d;
SELECT to_char(day, 'YYYY-MM-DD') AS day, n AS within_days, d.* FROM unnest('{2024-06-30,2025-12-31}'::date[]) AS day, unnest('{0,7,30}'::int[]) AS n,
  shopdata.differ(format('SELECT customer_key, basket_on, events, ordered_on, is_open FROM rs.abandoned_baskets(%s, %L)', n, day), format('SELECT * FROM response.slow_baskets(%s, %L)', n, day)) AS d;
SELECT * FROM shopdata.differ('SELECT customer_key, basket_on, is_open FROM rs.abandoned_baskets()', 'SELECT customer_key, basket_on, is_open FROM response.slow_baskets(7, ''2025-12-31'')');
SELECT * FROM shopdata.differ('SELECT customer_key, basket_on, total FROM rs.abandoned_baskets()',
  'SELECT customer_id::text, day, sum(amount) FROM response.app JOIN response.slow_baskets(7, ''2025-12-31'') AS s ON s.customer_key = customer_id::text AND s.basket_on = day
   WHERE kind ~ ''cart|basket'' GROUP BY 1, 2');
-- far from any calendar's middle
SELECT count(*), count(response_rate_90d), sum(messages_30d) FROM rs.customer_scores_at('4713-01-01 BC');
SELECT count(*) > 0 AS there, max(messages_30d), count(response_rate_90d), max(abandoned_baskets_30d) FROM rs.customer_scores_at('290000-01-01');

-- Maps ask for them, and check_segment_map knows them.
SELECT create_segment_map('response.silent', copy_of => 'essential');
INSERT INTO response.segment_rule (map, position, segment, conditions) VALUES
  ('silent', -1, 'at_risk', '{"and": [{"column": "unanswered_in_a_row", "op": ">=", "value": 4}, {"column": "messages_30d", "op": ">=", "value": 1}]}');
SELECT count(*) FROM check_segment_map('response.silent') WHERE problem ~ 'column';
SELECT count(*) > 0 AS lines FROM alter_model('rs', segment_map => 'response.silent');
SELECT * FROM shopdata.differ('SELECT customer_key FROM rs.customer_scores WHERE segment = ''at_risk'' AND unanswered_in_a_row >= 4 AND messages_30d >= 1',
  'SELECT s.customer_key FROM response.slow(''2025-12-31'') AS s WHERE unanswered_in_a_row >= 4 AND messages_30d >= 1
     AND EXISTS (SELECT FROM shopdata.orders AS o WHERE o.customer_id::text = s.customer_key AND o.total >= 0 AND o.ordered_on <= ''2025-12-31'')');
-- live: a message, its answer, a basket, an order
SELECT count(*) > 0 AS live FROM alter_model('rs', live => true);
SELECT count(*) > 0 AS live FROM alter_stream('rs', 'mails', live => true);
SELECT count(*) > 0 AS live FROM alter_stream('rs', 'app', live => true);
INSERT INTO response.mails SELECT 3, '2025-12-29', 'email_sent', E'back\\slash' FROM generate_series(1, 3);
INSERT INTO response.app VALUES (3, '2025-12-30', 'add_to_cart', 10, E'back\\slash'), (3, '2025-12-31', 'basket_add', 10, E'back\\slash');
SELECT d.* FROM shopdata.differ('SELECT customer_key, messages_30d, response_rate_90d, unanswered_in_a_row, abandoned_baskets_30d FROM rs.customer_scores WHERE customer_key = ''3''',
  'SELECT * FROM response.slow(''2025-12-31'') WHERE customer_key = ''3''') AS d;
INSERT INTO response.mails VALUES (3, '2025-12-29', 'email_open', E'back\\slash');
INSERT INTO shopdata.orders VALUES (990001, 3, '2025-12-30', '2025-12-30 10:00', 5, 'order', E'back\\slash');
SELECT unanswered_in_a_row, abandoned_baskets_30d FROM rs.customer_scores WHERE customer_key = '3';
SELECT d.* FROM shopdata.differ('SELECT customer_key, messages_30d, response_rate_90d, unanswered_in_a_row, abandoned_baskets_30d FROM rs.customer_scores WHERE customer_key = ''3''',
  'SELECT * FROM response.slow(''2025-12-31'') WHERE customer_key = ''3''') AS d;
DELETE FROM shopdata.orders WHERE order_id = 990001;
SELECT * FROM check_model('rs');
-- a dropped stream takes its messages away, and the others stay; without any, the columns stay
SELECT count(*) FROM drop_stream('rs', 'app');
SELECT max(messages_30d) > 0 AS messages, count(response_rate_90d) > 0 AS answers, count(abandoned_baskets_30d) AS baskets FROM rs.customer_scores;
SELECT count(*) FROM rs.abandoned_baskets();
SELECT count(*) FROM drop_stream('rs', 'mails');
SELECT count(*) > 0 AS customers, count(messages_30d), count(unanswered_in_a_row) FROM rs.customer_scores;
SELECT drop_model('rs');

-- By tenant. An attribute of such a name takes the place of the column.
SELECT count(*) FROM create_model('rs', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch', as_of => '2025-12-31');
SELECT count(*) FROM add_stream('rs', 'app', 'response.app', customer => 'customer_id', day => 'day', kind => 'kind', role => '{"push": "sent", "push opened": "open"}');
SELECT count(*) FROM add_stream('rs', 'mails', 'response.mails', customer => 'customer_id', day => 'day', kind => 'kind');
SELECT * FROM shopdata.differ('SELECT customer_id, messages_30d, response_rate_90d, unanswered_in_a_row FROM rs.customer_scores WHERE messages_30d > 0 AND tenant = CASE customer_id::int % 4 WHEN 0 THEN ''north'' WHEN 1 THEN ''south'' WHEN 2 THEN ''a:b'' ELSE E''back\\slash'' END',
  'SELECT customer_key, messages_30d, response_rate_90d, unanswered_in_a_row FROM response.slow(''2025-12-31'') WHERE messages_30d > 0');
SELECT drop_model('rs');
SELECT count(*) FROM create_model('rs', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'SELECT customer_id, 7 AS messages_30d FROM shopdata.people', attributes => '{messages_30d}');
SELECT count(*) FROM add_stream('rs', 'mails', 'response.mails', customer => 'customer_id', day => 'day', kind => 'kind');
SELECT min(messages_30d), max(messages_30d), max(unanswered_in_a_row) > 0 AS others FROM rs.customer_scores;
SELECT drop_model('rs');
DROP SCHEMA response CASCADE;
