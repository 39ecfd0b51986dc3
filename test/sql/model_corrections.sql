-- What people correct: override_segment, merge_customers.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
CREATE TABLE shopdata.sales AS SELECT customer_id, ordered_on, total, branch FROM orders;
CREATE TABLE shopdata.clients AS SELECT customer_id, city, agreed, branch FROM people;
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'clients', attributes => '{city}');
CREATE TABLE shopdata.before AS SELECT * FROM m.customer_scores;
SELECT count(*) FILTER (WHERE segment_overridden) AS overridden, count(*) FILTER (WHERE segment IS DISTINCT FROM segment_by_rules) AS different FROM before;
SELECT status FROM record_changes('m');

-- A person knows better: the segment is another in every view
SELECT min(customer_key::int) AS old_friend FROM before WHERE segment = 'lapsed' \gset
SELECT min(customer_key::int) AS other FROM before WHERE segment = 'regular' \gset
SELECT * FROM override_segment('m', :'old_friend', 'vip', 'buys for a company by now', '2026-01-31');
SELECT segment, segment_label, segment_order, segment_color, segment_overridden, segment_by_rules FROM m.customer_scores WHERE customer_key = :'old_friend';
SELECT segment, segment_overridden, action = (SELECT action FROM m.segments WHERE segment = 'vip') AS action FROM m.customer_segments WHERE customer_key = :'old_friend';
SELECT count(*) AS listed, bool_and(segment_overridden) AS overridden FROM m.vip_customers WHERE customer_key = :'old_friend';
SELECT s.segment, s.customers - (SELECT count(*) FROM before AS b WHERE b.segment = s.segment) AS more, s.customers_overridden FROM m.segment_summary AS s WHERE s.segment IN ('vip', 'lapsed');
SELECT segment, reason, iso(valid_from) AS valid_from, iso(valid_until) AS valid_until, made_by = session_user AS by_me, tenant FROM m.overridden_segments;
-- nobody else is touched, and nothing else of him
SELECT * FROM differ(format('SELECT * FROM m.customer_scores WHERE customer_key <> %L', :'old_friend'), format('SELECT * FROM before WHERE customer_key <> %L', :'old_friend'));
SELECT (s.rfm_code, s.monetary, s.frequency) = (b.rfm_code, b.monetary, b.frequency) AS same_scores FROM m.customer_scores AS s JOIN before AS b USING (customer_key) WHERE customer_key = :'old_friend';
-- the changes of it are recorded like any other
SELECT status, changes FROM record_changes('m');
SELECT previous_segment, segment FROM m.segment_changes;
SELECT previous_segment, iso(changed_on) AS changed_on FROM m.customer_segments WHERE customer_key = :'old_friend';
-- by day: it holds from the day it was said to the last day of it, whatever day one asks about
SELECT iso(d) AS day, s.segment, s.segment_overridden FROM (VALUES (date '2025-12-30'), ('2025-12-31'), ('2026-01-31'), ('2026-02-01')) AS v (d), m.customer_scores_at(d) AS s WHERE s.customer_key = :'old_friend' ORDER BY d;
SELECT from_segment, to_segment, customers FROM m.segment_transitions('2025-12-30', '2025-12-31') WHERE to_segment = 'vip' AND from_segment = 'lapsed';
SELECT count(*) AS days, count(*) FILTER (WHERE h.customers <> (SELECT count(*) FROM m.customer_scores_at(h.as_of) AS s WHERE s.segment = 'vip')) AS different FROM m.segment_history('2025-12-30', '2026-02-01', '1 day') AS h WHERE segment = 'vip';
SELECT count(*) FROM refresh_model('m');
SELECT segment FROM m.customer_scores WHERE customer_key = :'old_friend';
SELECT count(*) > 0 AS done FROM alter_model('m', as_of => '2026-02-01');
SELECT segment_overridden FROM m.customer_scores WHERE customer_key = :'old_friend';
SELECT count(*) > 0 AS done FROM alter_model('m', as_of => '2025-12-31');
-- again: another segment, for good
SELECT * FROM override_segment('m', :'old_friend', 'regular', 'half a company');
SELECT segment, valid_until FROM m.overridden_segments;
-- A map that lacks the segment: the rules decide, and data_quality says so
SELECT count(*) > 0 AS done FROM override_segment('m', :'other', 'upsell_potential', 'asked for a catalogue');
SELECT count(*) > 0 AS done FROM alter_model('m', segment_map => 'klaviyo', bins => 3);
SELECT segment_overridden, segment = segment_by_rules AS by_rules FROM m.customer_scores WHERE customer_key IN (:'other', :'old_friend');
SELECT affected, advice FROM m.data_quality WHERE reason = 'override_unknown_segment';
-- ... on the days of the earlier map it holds
SELECT count(*) AS overridden FROM m.customer_scores_at('2025-12-31', 1) WHERE segment_overridden;
SELECT count(*) > 0 AS done FROM alter_model('m', version => 1);
SELECT affected FROM m.data_quality WHERE reason = 'override_unknown_segment';
-- taken back, in two ways
SELECT * FROM override_segment('m', :'other', NULL, NULL);
SELECT * FROM clear_override('m', :'old_friend');
SELECT * FROM clear_override('m', :'old_friend');
SELECT * FROM clear_override('m', 'nobody');
SELECT * FROM differ('SELECT * FROM m.customer_scores', 'SELECT * FROM before');
-- Errors don't name the customer
SELECT refused(call, true) FROM (VALUES
  (1, $$override_segment('m', 'secret', 'vip', 'why')$$), (2, $$override_segment('m', NULL, 'vip', 'why')$$),
  (3, $$override_segment('m', '1', 'champions', 'why')$$), (4, $$override_segment('m', '1', 'vip', NULL)$$), (5, $$override_segment('m', '1', 'vip', E' \n')$$),
  (6, $$override_segment('m', '1', 'vip', 'why', '2025-12-30')$$), (7, $$override_segment('m', '1', 'vip', 'why', 'infinity')$$),
  (8, $$override_segment('m', '1', 'vip', repeat('x', 1001))$$), (9, $$override_segment('none', '1', 'vip', 'why')$$), (10, $$clear_override('m', NULL)$$)) AS v (n, call) ORDER BY n;
-- Where nobody reads the segment, nobody reads the table; a key finds its row by an index
CREATE FUNCTION shopdata.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; lines text := ''; BEGIN FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP lines := lines || line; END LOOP; RETURN lines; END $$;
SELECT plan('SELECT sum(frequency), sum(rfm_score), min(last_order_on) FROM m.customer_scores') LIKE '%overridden_segments%' AS without_segment,
       plan('SELECT count(segment) FROM m.customer_scores') LIKE '%overridden_segments%' AS with_segment;
SET enable_seqscan = off;
SELECT plan('SELECT segment FROM m.customer_scores WHERE customer_key = ''1''') LIKE '%customer_histories_pkey%' AS by_index;
RESET enable_seqscan;
SELECT attname FROM pg_attribute WHERE attrelid IN ('m.overridden_segments'::regclass, 'm.merged_customers'::regclass) AND attnum > 0 AND attname ~ '(key|id)$' AND attstattarget <> 0;

-- Two customers are one: what the views say then
SELECT min(customer_key::int) AS twin FROM before WHERE segment = 'vip' \gset
SELECT count(*) > 0 AS done FROM override_segment('m', :'old_friend', 'vip', 'why');
SELECT count(*) > 0 AS done FROM override_segment('m', :'twin', 'at_risk', 'why');
SELECT item, item = 'segment' AND detail ~ '->' AS segment FROM merge_customers('m', :'old_friend', :'twin');
SELECT count(*) AS vanished FROM m.customer_scores WHERE customer_key = :'old_friend';
SELECT s.frequency = b.frequency AND s.monetary = b.monetary AS added, s.city IS NOT DISTINCT FROM b.city AS own_attributes, s.segment AS own_override
FROM m.customer_scores AS s, (SELECT sum(frequency) AS frequency, sum(monetary) AS monetary, min(city) FILTER (WHERE customer_key = :'twin') AS city
  FROM before WHERE customer_key IN (:'old_friend', :'twin')) AS b WHERE s.customer_key = :'twin';
SELECT status FROM record_changes('m');
SELECT segment FROM m.segment_changes WHERE customer_key = :'old_friend' ORDER BY change_id DESC LIMIT 1;
-- survives, is known by either name, and is taken back
SELECT customers_added, customers_changed, customers_removed FROM refresh_model('m');
SELECT * FROM check_model('m');
SELECT * FROM merge_customers('m', :'old_friend', :'twin');
SELECT refused(call, true) FROM (VALUES (1, format('merge_customers(%L, %L, %L)', 'm', :'twin', :'old_friend')), (2, format('merge_customers(%L, %L, %L)', 'm', :'old_friend', :'other')),
  (3, format('merge_customers(%L, %L, %1$L)', 'm', :'twin')), (4, $$merge_customers('m', '1', '1')$$), (5, $$merge_customers('m', 'secret', '1')$$), (6, $$merge_customers('m', '1', 'secret')$$),
  (7, $$merge_customers('m', NULL, '1')$$), (8, $$merge_customers('m', '1', NULL)$$), (9, $$unmerge_customers('m', NULL)$$), (10, $$unmerge_customers('none', '1')$$)) AS v (n, call) ORDER BY n;
SELECT * FROM unmerge_customers('m', 'nobody');
SELECT * FROM unmerge_customers('m', :'old_friend');
SELECT customers_added, customers_changed, customers_removed FROM refresh_model('m');
SELECT count(*) FROM (SELECT clear_override('m', k) FROM unnest(ARRAY[:'old_friend', :'twin']) AS k) AS s;
SELECT * FROM differ('SELECT * FROM m.customer_scores', 'SELECT * FROM before');
-- prospects: who is only in the table of customers vanishes or receives
SELECT item, detail FROM merge_customers('m', '449', '450');
SELECT count(*) FROM m.customer_scores WHERE customer_key IN ('449', '450');
SELECT item, detail FROM merge_customers('m', '450', '1') WHERE item = 'merged';
SELECT item, detail FROM merge_customers('m', '1', '448') WHERE item = 'merged';
SELECT customer_key, into_key, root_key FROM m.merged_customers ORDER BY customer_key;
SELECT s.frequency = b.frequency AS orders, s.city IS NOT DISTINCT FROM c.city AS city FROM m.customer_scores AS s, before AS b, clients AS c WHERE s.customer_key = '448' AND b.customer_key = '1' AND c.customer_id = 448;
-- ... a link in the middle taken away: what hung on it hangs on it
SELECT item FROM unmerge_customers('m', '1');
SELECT customer_key, into_key, root_key FROM m.merged_customers ORDER BY customer_key;
SELECT item FROM unmerge_customers('m', '450');
SELECT item FROM unmerge_customers('m', '449');
SELECT count(*) FROM refresh_model('m');
SELECT * FROM differ('SELECT * FROM m.customer_scores', 'SELECT * FROM before');

-- The same bits as if the source had been corrected: 39 merges, many of them
-- chains and stars, in a refreshed and in a live model, with orders coming,
-- going and changing hands meanwhile.
SELECT count(*) > 0 AS done FROM create_model('l', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'clients', attributes => '{city}', live => true);
CREATE TABLE shopdata.same AS SELECT k AS f, (CASE WHEN k % 3 = 0 THEN k / 3 ELSE k + 1 END)::int AS i FROM generate_series(201, 240) AS k WHERE k <> 240;
-- i is never merged before f, in this order: a chain of up to three, many into one
CREATE FUNCTION shopdata.root(k int) RETURNS int LANGUAGE sql STABLE AS $$
  WITH RECURSIVE up AS (SELECT k AS k, 0 AS n UNION ALL SELECT s.i, n + 1 FROM up JOIN shopdata.same AS s ON s.f = up.k) SELECT k FROM up ORDER BY n DESC LIMIT 1 $$;
SELECT count(*) FROM same AS s CROSS JOIN LATERAL merge_customers('m', s.f::text, s.i::text) AS r WHERE s.f % 2 = 0 AND r.item = 'merged';
SELECT count(*) FROM same AS s CROSS JOIN LATERAL merge_customers('l', s.f::text, s.i::text) AS r WHERE r.item = 'merged';
SELECT count(*) FROM same AS s CROSS JOIN LATERAL merge_customers('m', s.f::text, s.i::text) AS r WHERE s.f % 2 = 1 AND r.item = 'merged';
INSERT INTO sales SELECT 100 + n, date '2025-12-01' + n % 20, n * 1.5, 'north' FROM generate_series(1, 200) AS n;
DELETE FROM sales WHERE customer_id IN (205, 210, 215) AND ordered_on < '2025-10-01';
UPDATE sales SET customer_id = customer_id + 1 WHERE customer_id IN (220, 225) AND total > 20;
CREATE VIEW shopdata.corrected AS SELECT coalesce(r.i, s.customer_id) AS customer_id, s.ordered_on, s.total FROM sales AS s LEFT JOIN (SELECT f, shopdata.root(f) AS i FROM shopdata.same) AS r ON r.f = s.customer_id;
CREATE VIEW shopdata.corrected_clients AS SELECT * FROM clients WHERE customer_id NOT IN (SELECT f FROM same);
SELECT count(*) > 0 AS done FROM create_model('c', 'corrected', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'corrected_clients', customers_key => 'customer_id', attributes => '{city}');
SELECT count(*) > 0 AS pending FROM l.pending;
-- pending, seen by the views
CREATE FUNCTION shopdata.facts(model text) RETURNS text LANGUAGE sql AS $$ SELECT format('SELECT customer_key, frequency, monetary, last_order_on, tenure_days, city FROM %I.customer_scores', model) $$;
SELECT * FROM differ(facts('l'), facts('c'));
SELECT * FROM check_model('l');
-- folded in, and read again: byte for byte
CREATE FUNCTION shopdata.bits(model text) RETURNS text LANGUAGE sql AS $$ SELECT format('SELECT customer_key, tenant, encode(scoring.history_send(history), ''hex'') FROM %I.customer_histories', model) $$;
SELECT status FROM apply_changes('l');
SELECT * FROM differ(bits('l'), bits('c'));
SELECT status FROM refresh_model('m');
SELECT * FROM differ(bits('m'), bits('c'));
SELECT status FROM refresh_model('l');
SELECT * FROM differ(bits('l'), bits('c'));
SELECT problem FROM check_model('m') UNION ALL SELECT problem FROM check_model('l');
SELECT * FROM differ(facts('m'), facts('c'));
-- all of it taken back, while some is pending: as if nobody had said anything
INSERT INTO sales SELECT 100 + n, '2025-12-30', n, 'north' FROM generate_series(1, 100) AS n;
SELECT count(*) FROM same AS s CROSS JOIN LATERAL unmerge_customers('l', s.f::text) AS r WHERE r.item = 'taken back' AND s.f < 204;
SELECT * FROM check_model('l');
SELECT count(*) FROM same AS s CROSS JOIN LATERAL unmerge_customers('m', s.f::text) AS r WHERE r.item = 'taken back';
SELECT status FROM refresh_model('m');
SELECT count(*) > 0 AS done FROM create_model('plain', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
SELECT * FROM differ(bits('m'), bits('plain'));
TRUNCATE l.merged_customers;
SELECT status FROM refresh_model('l');
SELECT * FROM differ(bits('l'), bits('plain'));

-- A total beyond all limits can't be added
CREATE TABLE shopdata.large (c int, d date, v numeric);
INSERT INTO large SELECT c, '2025-01-01', 999999999999.99 FROM generate_series(1, 2) AS c, generate_series(1, 60001);
SELECT count(*) > 0 AS done FROM create_model('large_model', 'large', as_of => '2025-12-31');
SELECT refused('merge_customers(''large_model'', ''1'', ''2'')');
SELECT customer_key FROM large_model.customer_histories ORDER BY 1;

-- Tenants: never from one to the other; the same id is another customer
SELECT count(*) > 0 AS done FROM create_model('t', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', tenant => 'branch',
  customers => 'clients', attributes => '{city}');
SELECT customer_key AS a FROM t.customer_scores WHERE tenant = 'a:b' AND frequency > 0 ORDER BY customer_key LIMIT 1 \gset
SELECT customer_key AS b FROM t.customer_scores WHERE tenant = 'a:b' AND frequency > 0 ORDER BY customer_key OFFSET 1 LIMIT 1 \gset
SELECT customer_key AS other FROM t.customer_scores WHERE tenant = 'north' ORDER BY customer_key LIMIT 1 \gset
SELECT refused(format('merge_customers(%L, %L, %L)', 't', :'a', :'other'), true);
SELECT frequency AS before_b FROM t.customer_scores WHERE customer_key = :'b' \gset
SELECT item FROM merge_customers('t', :'a', :'b') WHERE item = 'merged';
SELECT customers_changed, customers_removed, customers_added FROM refresh_model('t');
SELECT * FROM check_model('t');
SELECT frequency > :before_b AS more, customer_id = split_part(:'b', ':', 3) AS own_id FROM t.customer_scores WHERE customer_key = :'b';
SELECT count(*) FROM t.customer_scores WHERE customer_key = :'a';
SELECT item, detail FROM override_segment('t', :'b', 'vip', 'why') WHERE item = 'holds';
SELECT tenant, customers_overridden FROM t.segment_summary WHERE customers_overridden > 0;
SELECT d.model FROM models() AS m CROSS JOIN LATERAL (SELECT m.model FROM drop_model(m.model)) AS d ORDER BY 1;
DROP TABLE large, same CASCADE;
DROP TABLE sales, clients, before CASCADE;
DROP FUNCTION plan, root, facts(text), bits;
