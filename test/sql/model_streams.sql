-- Streams: what customers do beside ordering, compared with plain SQL over the
-- events themselves. Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never

-- 12,000 events of 500 customers, 100 of whom have never ordered, in six kinds and
-- none; some rows that can't be read.
CREATE TABLE shopdata.events AS
SELECT e AS event_id, 1 + (u1 * u1 * 499)::int AS customer_id, date '2024-02-01' + (u2 * 740)::int AS seen_on,
       (ARRAY['page_view', 'email_open', 'email_click', 'Added to Cart', 'quiz', 'wishlist', NULL])[1 + floor(7 * u3)::int] AS event,
       CASE WHEN u4 < 0.02 THEN NULL WHEN u4 < 0.04 THEN -2 ELSE 1 + floor(5 * u4)::int END AS points,
       (ARRAY['north', 'south', 'a:b', E'back\\slash'])[1 + (1 + (u1 * u1 * 499)::int) % 4] AS branch
FROM (SELECT e, (hashint8extended(e, 1) & 1073741823) / 1073741824.0::float8 AS u1, (hashint8extended(e, 2) & 1073741823) / 1073741824.0::float8 AS u2,
             (hashint8extended(e, 3) & 1073741823) / 1073741824.0::float8 AS u3, (hashint8extended(e, 4) & 1073741823) / 1073741824.0::float8 AS u4
      FROM generate_series(1, 12000) AS e) AS s
WHERE (1 + (u1 * u1 * 499)::int) % 29 <> 0;
INSERT INTO shopdata.events VALUES (12001, NULL, '2025-01-01', 'page_view', 1), (12002, 7, NULL, 'page_view', 1);
CREATE TABLE shopdata.answers AS
SELECT 'C' || customer_id AS customer, seen_on AS answered_on, points AS stars FROM shopdata.events WHERE event_id % 5 = 0;

SELECT detail FROM create_model('st', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total',
  as_of => '2025-12-31') WHERE item = 'customers';
-- only says what it would read
SELECT item, detail FROM add_stream('st', 'visits', 'shopdata.events', customer => 'customer_id', day => 'seen_on', kind => 'event', dry_run => true);
SELECT count(*) FROM pg_class WHERE relnamespace = 'st'::regnamespace AND relname ~ 'stream|pending_events';
SELECT item, detail FROM add_stream('st', 'visits', 'shopdata.events', customer => 'customer_id', day => 'seen_on', kind => 'event');
SELECT item, detail FROM add_stream('st', 'points', 'shopdata.events', customer => 'customer_id', day => 'seen_on', value => 'points', role => 'answer');
SELECT stream, kind, role, customers, events, to_char(first_on, 'YYYY-MM-DD') AS first_on, to_char(last_on, 'YYYY-MM-DD') AS last_on, live, source
FROM streams('st') WITH ORDINALITY ORDER BY ordinality;

-- The columns, of today and of a past day, the slow way.
CREATE FUNCTION shopdata.slow(as_of date) RETURNS TABLE (customer_key text, visits_last_on date, visits_recency_days int,
  visits_events_30d bigint, visits_events_90d bigint, visits_change bigint, points_last_on date, points_events_90d bigint) LANGUAGE sql AS $$
  SELECT e.customer_id::text, max(e.seen_on), $1 - max(e.seen_on), count(*) FILTER (WHERE e.seen_on > $1 - 30), count(*) FILTER (WHERE e.seen_on > $1 - 90),
         count(*) FILTER (WHERE e.seen_on > $1 - 30) - count(*) FILTER (WHERE e.seen_on > $1 - 60 AND e.seen_on <= $1 - 30),
         max(e.seen_on) FILTER (WHERE e.points >= 0), count(*) FILTER (WHERE e.points >= 0 AND e.seen_on > $1 - 90)
  FROM shopdata.events AS e WHERE e.customer_id IS NOT NULL AND e.seen_on <= $1 GROUP BY 1
$$;
SELECT to_char(day, 'YYYY-MM-DD') AS day, d.* FROM unnest('{2024-06-30,2025-03-31,2025-12-31}'::date[]) AS day,
  shopdata.differ(format('SELECT customer_key, visits_last_on, visits_recency_days, visits_events_30d, visits_events_90d, visits_change, points_last_on, points_events_90d
    FROM st.customer_scores_at(%L) WHERE visits_last_on IS NOT NULL', day), format('SELECT * FROM shopdata.slow(%L)', day)) AS d;
SELECT * FROM shopdata.differ('SELECT customer_key, visits_events_90d, visits_change FROM st.customer_scores',
  'SELECT customer_key, visits_events_90d, visits_change FROM st.customer_scores_at(''2025-12-31'')');
-- who has no event has none
SELECT count(*), min(visits_events_30d), max(visits_change), count(visits_last_on) FROM st.customer_scores
WHERE customer_key::int NOT IN (SELECT customer_id FROM shopdata.events WHERE customer_id IS NOT NULL AND seen_on <= '2025-12-31');
-- People who have events and no order, from the first event on.
SELECT to_char(day, 'YYYY-MM-DD') AS day, count(*), count(*) FILTER (WHERE s.segment = 'prospects'),
  (SELECT count(DISTINCT e.customer_id) FROM (SELECT customer_id, seen_on FROM shopdata.events UNION ALL SELECT customer_id, ordered_on FROM shopdata.orders) AS e
    WHERE e.seen_on <= day AND NOT EXISTS (SELECT FROM shopdata.orders AS o WHERE o.customer_id = e.customer_id AND o.ordered_on <= day AND o.total >= 0)) AS expected
FROM unnest('{2024-02-10,2024-06-30,2025-12-31}'::date[]) AS day, st.customer_scores_at(day) AS s WHERE s.frequency = 0 AND s.last_order_on IS NULL GROUP BY day ORDER BY day;

-- The long form, and one customer day by day.
SELECT * FROM shopdata.differ('SELECT customer_key, kind, events, total, first_on, last_on FROM st.customer_streams WHERE stream = ''visits''',
  'SELECT customer_id::text, coalesce(event, ''other''), count(*), count(*)::numeric, min(seen_on), max(seen_on)
   FROM shopdata.events WHERE customer_id IS NOT NULL AND seen_on <= ''2025-12-31'' GROUP BY 1, 2');
SELECT * FROM shopdata.differ('SELECT customer_key, events, total FROM st.customer_streams WHERE stream = ''points''',
  'SELECT customer_id::text, count(*) FILTER (WHERE points >= 0), sum(points)::numeric
   FROM shopdata.events WHERE customer_id IS NOT NULL AND seen_on <= ''2025-12-31'' AND points IS NOT NULL GROUP BY 1 HAVING count(*) FILTER (WHERE points >= 0) > 0');
SELECT * FROM shopdata.differ('SELECT day, stream, coalesce(kind, ''''), events FROM st.customer_events(''17'')',
  'SELECT ordered_on, ''orders'', '''', count(*) FILTER (WHERE total >= 0) FROM shopdata.orders WHERE customer_id = 17 AND ordered_on <= ''2025-12-31'' GROUP BY 1
   UNION ALL SELECT seen_on, ''visits'', coalesce(event, ''other''), count(*) FROM shopdata.events WHERE customer_id = 17 AND seen_on <= ''2025-12-31'' GROUP BY 1, 3
   UNION ALL SELECT seen_on, ''points'', ''other'', count(*) FILTER (WHERE points >= 0) FROM shopdata.events WHERE customer_id = 17 AND seen_on <= ''2025-12-31'' AND points IS NOT NULL GROUP BY 1');

-- New rows, a new kind, rows that have gone: only what differs is written.
INSERT INTO shopdata.events SELECT 13000 + c, c, '2025-12-30', 'store_visit', 1 FROM generate_series(1, 20) AS c;
DELETE FROM shopdata.events WHERE customer_id = 3 OR event = 'quiz';
SELECT problem, customers > 0 AS some FROM check_model('st');
SELECT stream, rows_read, rows_without_customer, rows_without_day, rows_without_value, customers, customers_added, customers_changed, customers_removed FROM refresh_model('st');
SELECT * FROM check_model('st');
SELECT kind, role, customers FROM streams('st') WHERE stream = 'visits' ORDER BY kind;
SELECT * FROM shopdata.differ('SELECT customer_key, visits_last_on, visits_recency_days, visits_events_30d, visits_events_90d, visits_change, points_last_on, points_events_90d
  FROM st.customer_scores WHERE visits_last_on IS NOT NULL', 'SELECT * FROM shopdata.slow(''2025-12-31'')');
SELECT stream, customers_added, customers_changed, customers_removed FROM refresh_model('st');

-- Kinds beyond the limit count as other, and are named.
SELECT item, detail FROM alter_stream('st', 'visits', kinds => 3) WHERE item ~ 'kind|note';
SELECT sum(events) FROM st.customer_streams WHERE stream = 'visits';
-- what was left out, by reason, and of which streams
SELECT reason, unit, affected, customers, explanation FROM st.data_quality WHERE reason ~ '^stream_' ORDER BY reason COLLATE "C";
SELECT count(*) FROM (SELECT customer_id FROM shopdata.events WHERE customer_id IS NOT NULL AND seen_on IS NOT NULL GROUP BY 1 HAVING max(seen_on) > '2025-12-31') AS e;
SELECT item, detail FROM st.processing_record WHERE item ~ 'stream|kept';
SELECT item, detail FROM alter_stream('st', 'visits', kinds => 100, role => '{"wishlist": "share", "page_view": "view"}') WHERE item ~ 'kind';

-- The conditions of a map read them, as of the day that is asked.
CREATE SCHEMA maps;
SELECT create_segment_map('maps.active', copy_of => 'essential');
INSERT INTO maps.segment_rule (map, position, segment, conditions) VALUES ('active', -1, 'vip', '{"column": "visits_events_30d", "op": ">=", "value": 4}');
SELECT item, detail FROM alter_model('st', segment_map => 'maps.active') WHERE item = 'segment VIP';
SELECT * FROM shopdata.differ('SELECT customer_key FROM st.customer_scores_at(''2025-06-30'', (SELECT max(version) FROM st.configuration)) WHERE segment_by_rules = ''vip'' AND visits_events_30d >= 4',
  'SELECT customer_key FROM shopdata.slow(''2025-06-30'') WHERE visits_events_30d >= 4 AND customer_key IN
     (SELECT customer_id::text FROM shopdata.orders WHERE ordered_on <= ''2025-06-30'' AND total >= 0)');

-- Merged customers, erased ones.
SELECT item, detail FROM merge_customers('st', '450', '17') WHERE item = 'merged';
SELECT * FROM shopdata.differ('SELECT kind, events FROM st.customer_streams WHERE customer_key = ''17'' AND stream = ''visits''',
  'SELECT coalesce(event, ''other''), count(*) FROM shopdata.events WHERE customer_id IN (17, 450) AND seen_on <= ''2025-12-31'' GROUP BY 1');
SELECT count(*) FROM st.customer_streams WHERE customer_key = '450';
SELECT stream, customers_changed FROM refresh_model('st');
SELECT object, erased FROM forget_customer('st', '499') WHERE erased > 0;
SELECT stream, customers_added FROM refresh_model('st');
SELECT count(*) FROM st.customer_streams WHERE customer_key = '499';
SELECT object, found FROM erasure_report('st', '18') WHERE object ~ 'stream' AND found > 0;
SELECT * FROM shopdata.differ('SELECT e ->> ''day'', e ->> ''kind'', (e ->> ''events'')::bigint FROM jsonb_array_elements(export_customer(''st'', ''18'') -> ''events'') AS e WHERE e ->> ''stream'' = ''visits''',
  'SELECT to_char(seen_on, ''YYYY-MM-DD''), coalesce(event, ''other''), count(*) FROM shopdata.events WHERE customer_id = 18 GROUP BY 1, 2');
SELECT item FROM unmerge_customers('st', '450');
SELECT stream, customers_added, customers_changed FROM refresh_model('st');
SELECT * FROM check_model('st');

-- Retention: an event keeps who has not ordered for long; without either they go.
SELECT count(*) AS lines FROM alter_model('st', retention_days => 60);
SELECT stream FROM refresh_model('st');
SELECT * FROM shopdata.differ('SELECT customer_key FROM st.customer_scores',
  'SELECT customer_id::text FROM (SELECT customer_id, seen_on AS day FROM shopdata.events WHERE customer_id <> 499 UNION ALL SELECT customer_id, ordered_on FROM shopdata.orders) AS e
   WHERE customer_id IS NOT NULL AND day IS NOT NULL GROUP BY 1 HAVING max(day) >= date ''2025-12-31'' - 60 AND min(day) <= ''2025-12-31''');
SELECT * FROM check_model('st');
SELECT count(*) AS lines FROM alter_model('st', reset => '{retention_days}');
SELECT stream FROM refresh_model('st');

-- Names and arguments that can't be.
SELECT shopdata.refused($$add_stream('st', 'visits', 'shopdata.events', customer => 'customer_id', day => 'seen_on')$$, true);
SELECT shopdata.refused($$add_stream('st', 'Visits!', 'shopdata.events', customer => 'customer_id', day => 'seen_on')$$, true);
SELECT shopdata.refused($$add_stream('st', 'orders', 'shopdata.events', customer => 'customer_id', day => 'seen_on')$$, true);
SELECT shopdata.refused($$add_stream('st', NULL, 'shopdata.events', customer => 'customer_id', day => 'seen_on')$$);
SELECT shopdata.refused($$add_stream('st', 'x', 'shopdata.events', customer => NULL, day => 'seen_on')$$);
SELECT shopdata.refused($$add_stream('st', 'x', 'shopdata.nowhere', customer => 'customer_id', day => 'seen_on')$$, true);
SELECT shopdata.refused($$add_stream('st', 'x', 'shopdata.events', customer => 'nobody', day => 'seen_on')$$);
SELECT shopdata.refused($$add_stream('st', 'x', 'shopdata.events', customer => 'customer_id', day => 'seen_on', kind => 'seen_on')$$, true);
SELECT shopdata.refused($$add_stream('st', 'x', 'shopdata.events', customer => 'customer_id', day => 'seen_on', role => 'dance')$$, true);
SELECT shopdata.refused($$add_stream('st', 'x', 'shopdata.events', customer => 'customer_id', day => 'seen_on', kinds => 1001)$$, true);
SELECT shopdata.refused($$add_stream('st', 'x', 'shopdata.events', customer => 'customer_id', day => 'seen_on', time_zone => 'Mars')$$);
SELECT shopdata.refused($$alter_stream('st', 'nobody', kinds => 3)$$, true);
SELECT shopdata.refused($$alter_stream('st', 'visits')$$, true);
SELECT shopdata.refused($$alter_stream('st', 'visits', reset => '{source}')$$, true);
SELECT shopdata.refused($$drop_stream('st', NULL)$$);
SELECT shopdata.refused($$alter_model('st', customers => 'SELECT customer_id, city AS visits_change FROM shopdata.people', attributes => '{visits_change}')$$);
-- of whom nobody has ordered: said
SELECT item, detail FROM add_stream('st', 'answers', 'shopdata.answers', customer => 'customer', day => 'answered_on', value => 'stars') WHERE item IN ('customers', 'note');

-- A dropped stream's columns stay, and are NULL.
SELECT * FROM drop_stream('st', 'answers');
SELECT * FROM drop_stream('st', 'points');
SELECT count(*), count(points_last_on), count(points_events_90d), count(visits_last_on) > 0 AS visits FROM st.customer_scores;
SELECT col_description('st.customer_scores'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'st.customer_scores'::regclass AND attname = 'points_change';
SELECT DISTINCT stream FROM st.customer_streams;
-- its name is free
SELECT count(*) FROM add_stream('st', 'points', 'shopdata.events', customer => 'customer_id', day => 'seen_on', value => 'points');
SELECT count(points_last_on) > 0 AS back FROM st.customer_scores;

-- Tenants: the same stream by branch; people of a table, consent.
SELECT count(*) FROM create_model('stt', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', tenant => 'branch', as_of => '2025-12-31');
SELECT count(*) FROM add_stream('stt', 'visits', 'shopdata.events', customer => 'customer_id', day => 'seen_on', kind => 'event');
SELECT * FROM shopdata.differ('SELECT tenant, customer_id, kind, events FROM stt.customer_streams',
  'SELECT branch, customer_id::text, coalesce(event, ''other''), count(*) FROM shopdata.events
   WHERE customer_id IS NOT NULL AND branch IS NOT NULL AND seen_on <= ''2025-12-31'' GROUP BY 1, 2, 3');
SELECT count(*) FROM create_model('stc', 'shopdata.orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'shopdata.people', attributes => '{city}', consent => 'agreed');
SELECT count(*) FROM add_stream('stc', 'visits', 'shopdata.events', customer => 'customer_id', day => 'seen_on', kind => 'event');
SELECT * FROM shopdata.differ('SELECT DISTINCT customer_key FROM stc.customer_streams',
  'SELECT DISTINCT p.customer_id::text FROM shopdata.people AS p JOIN shopdata.events AS e USING (customer_id) WHERE p.agreed AND e.seen_on <= ''2025-12-31''');
SELECT drop_model('stt'), drop_model('stc'), drop_model('st');
DROP SCHEMA maps CASCADE;
DROP TABLE shopdata.answers, shopdata.events;
