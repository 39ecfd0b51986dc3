-- Live over several tables: what statements do, what is refused, what comes and goes.
SET search_path = public, scoring;
SET jit = off;		-- hundreds of statements, each of which would be compiled
CREATE SCHEMA desk;
CREATE TABLE desk.shop_order (id bigint PRIMARY KEY, email text, placed_at timestamptz, status text, deleted_at timestamptz);
CREATE TABLE desk.payment (payment_id bigserial PRIMARY KEY, order_id bigint, amount numeric);
CREATE INDEX ON desk.payment (order_id);
CREATE TABLE desk.refund (refund_id bigserial PRIMARY KEY, order_no text, amount text);
CREATE TABLE desk.meaning (status text PRIMARY KEY, counts boolean);
INSERT INTO desk.meaning VALUES ('paid', true), ('open', false), ('sent', true);
INSERT INTO desk.shop_order SELECT g, 'C' || g % 10 || '@x', timestamptz '2025-01-01 23:30Z' + g * interval '1 day', 'paid' FROM generate_series(1, 40) AS g;
INSERT INTO desk.payment (payment_id, order_id, amount) SELECT 1000 + id, id, 10 + id % 7 FROM desk.shop_order;
CREATE VIEW desk.net AS
SELECT o.id, lower(o.email) AS email, o.placed_at, p.paid - coalesce(r.back, 0) AS net, m.counts
  FROM desk.shop_order AS o JOIN desk.meaning AS m USING (status)
  LEFT JOIN (SELECT order_id, sum(amount) AS paid FROM desk.payment GROUP BY order_id) AS p ON p.order_id = o.id
  LEFT JOIN (SELECT order_no, sum(amount::numeric) AS back FROM desk.refund GROUP BY order_no) AS r ON r.order_no = o.id::text
 WHERE o.deleted_at IS NULL;

-- what is refused
CREATE FUNCTION desk.refusal(live_on jsonb, source text DEFAULT 'desk.net', value text DEFAULT 'net', day text DEFAULT 'placed_at', event_key text DEFAULT 'id', more text DEFAULT '') RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  RETURN error_and_hint(format('SELECT FROM scoring.create_model(''no'', %L, customer => ''email'', day => %L, value => %L, event_key => %L, live_on => %L%s)', source, day, value, event_key, live_on, more));
END $$;
\pset format unaligned
\pset tuples_only on
SELECT desk.refusal(l) FROM unnest(ARRAY['[1]', '{}', '{"desk.payment": 1}', '{"nothing": "id"}', '{"desk.net": "id"}', '{"desk.shop_order": "order_id"}', '{"desk.shop_order": "placed_at"}',
  '{"desk.shop_order": "id", "pg_class": "relname"}', '{"desk.shop_order": "id", "\"desk\".shop_order": "id"}', '{"desk.shop_order": "id", "desk.payment": "payment_id"}']::jsonb[]) AS l;
SELECT desk.refusal('{"desk.shop_order": "id"}', event_key => NULL);
SELECT desk.refusal('{"desk.shop_order": "id"}', q, 'net', day) FROM (VALUES
  ('SELECT id, email, placed_at, row_number() OVER () AS net FROM desk.shop_order', 'placed_at'),
  ('WITH RECURSIVE r AS (SELECT id, email, placed_at, 1 AS net FROM desk.shop_order) SELECT * FROM r', 'placed_at'),
  ('SELECT id, email, placed_at::date AS day, 1 AS net FROM desk.shop_order', 'day'),
  ('SELECT ''W'' || id AS id, email, placed_at, 1 AS net FROM desk.shop_order', 'placed_at'),
  ('SELECT id, email, placed_at, random() AS net FROM desk.shop_order', 'placed_at'),
  ('SELECT o.id, o.email, o.placed_at, (SELECT sum(p.amount::float8) FROM desk.payment AS p WHERE p.order_id = o.id) AS net FROM desk.shop_order AS o', 'placed_at'),
  ('SELECT o.id, o.email, o.placed_at, (SELECT count(*) FROM desk.shop_order AS x WHERE x.email = o.email) AS net FROM desk.shop_order AS o', 'placed_at')) AS v (q, day);
SELECT error_and_hint($$SELECT FROM create_model('no', 'desk.net', customer => 'email', day => 'placed_at', value => 'net', live => true)$$);

-- with many keys a subquery for each row goes without them: it would look for all of them each time
SELECT k.n AS keys, r.* FROM (VALUES (2), (200), (201)) AS k (n),
  LATERAL scoring._rows_of_keys('SELECT o.id, (SELECT count(*) FROM desk.payment AS p WHERE p.order_id < o.id) AS others, q.n FROM desk.shop_order AS o, (SELECT count(*) AS n FROM desk.payment) AS q',
    '{desk.shop_order,desk.payment}', '{id,order_id}', ARRAY(SELECT (39 + i % 2)::text FROM generate_series(1, k.n) AS i)) AS r (id bigint, others bigint, n bigint) ORDER BY 1, 2;

-- what is made
SELECT item, detail FROM create_model('desk_live', 'desk.net', customer => 'email', day => 'placed_at', value => 'net', counts => 'counts', time_zone => 'Europe/Paris', as_of => '2025-12-31',
  event_key => 'id', live_on => '{"desk.shop_order": "id", "desk.payment": "order_id", "desk.refund": "order_no"}') WHERE item IN ('rows read', 'note', 'schedule');
SELECT live, status, pending_changes FROM desk_live.model_status;
SELECT event, customer_key, contribution FROM desk_live.ledger WHERE event IN ('9', '10') ORDER BY 1;

-- what statements do
\pset format aligned
\pset tuples_only off
CREATE VIEW desk.looks AS SELECT customer_key, monetary, frequency FROM desk_live.customer_scores WHERE customer_key IN ('c7@x', 'c8@x', 'new@x');
SELECT * FROM desk.looks ORDER BY 1;
BEGIN;
INSERT INTO desk.refund (order_no, amount) VALUES ('7', '5'), ('no order', '3');
SELECT * FROM desk.looks ORDER BY 1;
SAVEPOINT s;
UPDATE desk.shop_order SET email = 'New@x' WHERE id IN (7, 8);
UPDATE desk.shop_order SET status = 'open' WHERE id = 17;
SELECT * FROM desk.looks ORDER BY 1;
SELECT customer_key, difference FROM desk_live._pending_rows ORDER BY 1, difference::text;
ROLLBACK TO s;
SELECT * FROM desk.looks ORDER BY 1;
COMMIT;
UPDATE desk.shop_order SET deleted_at = placed_at WHERE id = 18;
UPDATE desk.payment SET order_id = 27 WHERE order_id = 28;
UPDATE desk.payment SET amount = amount WHERE order_id = 1;
SELECT event, count(*) FROM desk_live.touched GROUP BY event ORDER BY event;
SELECT * FROM check_model('desk_live');
SELECT status, differences, customers FROM apply_changes('desk_live');
SELECT * FROM desk.looks ORDER BY 1;
SELECT * FROM check_model('desk_live');
SELECT count(*) FROM desk_live.touched;
TRUNCATE desk.refund;
SELECT pending_changes FROM desk_live.model_status;
SELECT * FROM check_model('desk_live');
SELECT status, differences, customers FROM apply_changes('desk_live');
-- a statement with more rows than work_mem holds
SET work_mem = '64kB';
INSERT INTO desk.refund (order_no, amount) SELECT 'not ' || g % 20, repeat('0', 500) FROM generate_series(1, 1000) AS g;
UPDATE desk.refund SET order_no = '9' WHERE order_no = 'not 9';
DELETE FROM desk.refund WHERE order_no ~ '^not';
RESET work_mem;
SELECT count(DISTINCT event) FROM desk_live.touched;
SELECT * FROM check_model('desk_live');
SELECT status, differences, customers FROM apply_changes('desk_live');
-- a table that is not in live_on
UPDATE desk.shop_order SET status = 'sent' WHERE id IN (3, 4);
UPDATE desk.meaning SET counts = false WHERE status = 'sent';
SELECT status, differences, customers FROM apply_changes('desk_live');
SELECT * FROM check_model('desk_live');
UPDATE desk.meaning SET counts = true WHERE status = 'sent';
SELECT status, differences, customers FROM apply_changes('desk_live');
SELECT * FROM check_model('desk_live');
SELECT status, customers_changed FROM refresh_model('desk_live');
SELECT * FROM check_model('desk_live');

-- what can't be scored, and what can't be read
INSERT INTO desk.payment (order_id, amount) VALUES (11, 'NaN'), (12, 1);
INSERT INTO desk.refund (order_no, amount) VALUES ('13', 'two'), ('14', '2');
SELECT count(*) FROM desk.looks;
SELECT status, differences, customers FROM apply_changes('desk_live');
SELECT operation, reason, affected, needs_rebuild FROM desk_live.rejects ORDER BY 1;
SELECT status, needs FROM desk_live.model_status;
SELECT event FROM desk_live.touched;
SELECT event, customer_key, contribution FROM desk_live.ledger WHERE event IN ('11', '12', '13', '14') ORDER BY 1;
UPDATE desk.refund SET amount = '2' WHERE amount = 'two';
SELECT status, differences, customers FROM apply_changes('desk_live');
SELECT status, needs FROM desk_live.model_status;
SELECT count(*) FROM alter_model('desk_live', on_error => 'reject', purpose => 'a test');
DELETE FROM desk.payment WHERE amount = 'NaN';
SELECT status, differences, customers FROM apply_changes('desk_live');
SELECT status, needs FROM desk_live.model_status;
SELECT item, detail FROM alter_model('desk_live', on_error => 'raise') WHERE item IN ('on_error', 'live');
SELECT error_and_hint($$INSERT INTO desk.payment (order_id, amount) VALUES (12, 'infinity')$$);
SELECT error_of($$INSERT INTO desk.refund (order_no, amount) VALUES ('13', 'two')$$);
INSERT INTO desk.payment (order_id, amount) VALUES (12, 1);
SELECT * FROM check_model('desk_live');

-- tables that change
ALTER TABLE desk.payment RENAME order_id TO shop_order_id;
SELECT status, needs FROM desk_live.model_status;
SELECT error_and_hint($$INSERT INTO desk.payment (shop_order_id, amount) VALUES (12, 1)$$);
SELECT item, detail FROM alter_model('desk_live', live_on => '{"desk.shop_order": "id", "desk.payment": "shop_order_id", "desk.refund": "order_no"}', on_error => 'reject') WHERE item IN ('live_on', 'on_error');
INSERT INTO desk.payment (shop_order_id, amount) VALUES (12, 1);
ALTER TABLE desk.refund DISABLE TRIGGER scoring_insert_desk_live;
SELECT status, needs FROM desk_live.model_status;
INSERT INTO desk.refund (order_no, amount) VALUES ('20', '1');
SELECT problem, customers FROM check_model('desk_live');
SELECT status, customers_changed FROM refresh_model('desk_live');
SELECT status, needs FROM desk_live.model_status;
SELECT * FROM check_model('desk_live');

-- rows that are hidden are not gone
SET client_min_messages = warning;
CREATE ROLE ledger_owner;
RESET client_min_messages;
GRANT USAGE ON SCHEMA scoring TO ledger_owner;
CREATE SCHEMA walled AUTHORIZATION ledger_owner;
SET ROLE ledger_owner;
CREATE TABLE walled.sale AS SELECT 1 AS id;
ALTER TABLE walled.sale ENABLE ROW LEVEL SECURITY;
SELECT r.id FROM scoring._rows_of_keys('SELECT id FROM walled.sale', '{walled.sale}', '{id}', '{1}') AS r (id int);
ALTER TABLE walled.sale FORCE ROW LEVEL SECURITY;
SELECT error_and_hint($$SELECT FROM scoring._rows_of_keys('SELECT id FROM walled.sale', '{walled.sale}', '{id}', '{1}') AS r (id int)$$);
RESET ROLE;
DROP TABLE walled.sale;
DROP OWNED BY ledger_owner;
DROP ROLE ledger_owner;

-- Readers need no right on the schema of the extension: no body that their views run names it.
WITH RECURSIVE asked AS (
	SELECT d.refobjid AS oid FROM pg_class AS c JOIN pg_rewrite AS w ON w.ev_class = c.oid
	  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_proc'::regclass
	 WHERE c.relnamespace = 'desk_live'::regnamespace AND c.relkind = 'v'
	UNION
	SELECT d.refobjid FROM asked AS a JOIN pg_proc AS p ON p.oid = a.oid AND NOT p.prosecdef
	  JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_proc'::regclass)
SELECT count(*) > 20 AS some, string_agg(p.oid::regproc::text, ', ') FILTER (WHERE p.prosrc ~ '\mscoring\.' AND NOT p.prosecdef) AS wrong
  FROM asked AS a JOIN pg_proc AS p ON p.oid = a.oid;

-- people
SELECT object, erased FROM forget_customer('desk_live', 'c7@x') WHERE erased > 0;
SELECT count(*) FROM desk_live.ledger WHERE customer_key = 'c7@x';
UPDATE desk.shop_order SET status = 'open' WHERE id = 37;
SELECT status, differences, customers FROM apply_changes('desk_live');
SELECT count(*) FROM desk_live.ledger WHERE customer_key = 'c7@x';
INSERT INTO desk.shop_order VALUES (50, 'guest@x', '2025-06-01 12:00Z', 'paid');
INSERT INTO desk.payment (shop_order_id, amount) VALUES (50, 5);
SELECT item, detail FROM merge_customers('desk_live', 'guest@x', 'c8@x') WHERE item IN ('merged', 'orders', 'revenue');
UPDATE desk.payment SET amount = 6 WHERE shop_order_id = 50;
SELECT * FROM desk.looks ORDER BY 1;
SELECT status, differences, customers FROM apply_changes('desk_live');
SELECT * FROM check_model('desk_live');
SELECT detail FROM unmerge_customers('desk_live', 'guest@x') WHERE item IN ('taken back', 'orders');
SELECT * FROM check_model('desk_live');

-- off, on, another way, and gone
SELECT item, detail FROM alter_model('desk_live', live => false) WHERE item IN ('live', 'live_on');
SELECT (SELECT count(*) FROM desk_live.ledger) AS ledger, (SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text ~ '^desk' AND NOT tgisinternal) AS triggers;
UPDATE desk.shop_order SET email = 'c1@x' WHERE id = 2;
SELECT item, detail FROM alter_model('desk_live', live => true) WHERE item IN ('live', 'live_on');
SELECT (SELECT count(*) FROM desk_live.ledger) AS ledger, (SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text ~ '^desk' AND NOT tgisinternal) AS triggers;
SELECT * FROM check_model('desk_live');
SELECT error_and_hint($$SELECT FROM alter_model('desk_live', reset => '{live_on}')$$);
SELECT item, detail FROM alter_model('desk_live', source => 'desk.shop_order', value => 'id', counts => 'deleted_at IS NULL', reset => '{live_on,event_key}') WHERE item IN ('source', 'live', 'live_on', 'event_key');
UPDATE desk.shop_order SET email = 'c1@x' WHERE id = 4;
SELECT count(*) FROM desk_live.pending;
SELECT * FROM check_model('desk_live');
SELECT (SELECT count(*) FROM desk_live.ledger) AS ledger, (SELECT string_agg(DISTINCT tgfoid::regproc::text, ', ') FROM pg_trigger WHERE tgrelid::regclass::text ~ '^desk' AND NOT tgisinternal) AS triggers;
SELECT error_and_hint($$SELECT FROM alter_model('desk_live', version => 1)$$);
SELECT error_of($$SELECT * FROM desk_live._touched_rows('\x00')$$), error_of($$SELECT * FROM desk_live._touched_rows(NULL)$$);
DROP VIEW desk.looks;
SELECT item FROM drop_model('desk_live') WHERE item = 'dropped';
SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text ~ '^desk' AND NOT tgisinternal;

-- with tenants, over a partitioned table, keys of other types, no row of the model's own at first
CREATE TABLE desk.sale (no numeric, shop text, who text, total real, made date) PARTITION BY LIST (shop);
CREATE TABLE desk.sale_a PARTITION OF desk.sale FOR VALUES IN ('a');
CREATE TABLE desk.sale_b PARTITION OF desk.sale FOR VALUES IN ('b:c');
CREATE DOMAIN desk.sale_no AS numeric;
CREATE TABLE desk.minus (no desk.sale_no, amount real);
SELECT count(*) FROM create_model('desk_sales', 'SELECT s.no, s.shop, s.who, s.made, s.total - coalesce((SELECT max(m.amount) FROM desk.minus AS m WHERE m.no = s.no), 0) AS net FROM desk.sale AS s',
  customer => 'who', day => 'made', value => 'net', tenant => 'shop', as_of => '2025-12-31', event_key => 'no', live_on => '{"desk.sale": "no", "desk.minus": "no"}');
INSERT INTO desk.sale SELECT g, (ARRAY['a', 'b:c'])[1 + g % 2], 'w' || g % 3, g / 3.0, '2025-01-01' FROM generate_series(1, 12) AS g;
INSERT INTO desk.sale_a VALUES (2, 'a', repeat('long', 300), 1, '2025-01-01'), (13, 'a', repeat('long', 300), 1, '2025-01-01'), (NULL, 'a', 'w1', 1, '2025-01-01');
INSERT INTO desk.sale VALUES (2, 'b:c', 'w1', 7, '2025-02-02');
INSERT INTO desk.minus VALUES (3.00, 0.5), (7, 1), (2, 0.25), (99999999999999999999, 1);
-- what is no finite number is a key too
INSERT INTO desk.sale VALUES ('NaN', 'a', 'w5', 4, '2025-02-02'), ('-Infinity', 'a', 'w5', 4, '2025-02-03'), ('Infinity', 'a', 'w5', 4, '2025-02-04');
INSERT INTO desk.minus VALUES ('NaN', 1), ('Infinity', 2);
SELECT customer_key, difference FROM desk_sales._pending_rows ORDER BY 1, difference::text;
SELECT * FROM check_model('desk_sales');
SELECT status, differences, customers FROM apply_changes('desk_sales');
UPDATE desk.sale SET shop = 'a' WHERE no = 3;
TRUNCATE desk.sale_b;
SELECT * FROM check_model('desk_sales');
SELECT status, differences > 0 AS some FROM apply_changes('desk_sales');
SELECT customer_key, history FROM desk_sales._histories ORDER BY 1;
SELECT * FROM check_model('desk_sales');
CREATE TABLE desk.sale_d PARTITION OF desk.sale FOR VALUES IN ('d');
SELECT status, needs FROM desk_sales.model_status;
SELECT status FROM refresh_model('desk_sales');
INSERT INTO desk.sale_d VALUES (77, 'd', 'w9', 1, '2025-01-01');
SELECT * FROM check_model('desk_sales');
SELECT status, needs FROM desk_sales.model_status;
-- a table that inherits from one of them, for a while
CREATE TABLE desk.minus_late () INHERITS (desk.minus);
INSERT INTO desk.minus_late VALUES (77, 0.5);
SELECT status, needs FROM desk_sales.model_status;
SELECT error_and_hint($$SELECT FROM refresh_model('desk_sales')$$);
UPDATE desk.minus SET amount = amount WHERE no = 77;
SELECT status FROM apply_changes('desk_sales');
DROP TABLE desk.minus_late;
SELECT status, needs FROM desk_sales.model_status;
SELECT status FROM refresh_model('desk_sales');
SELECT * FROM check_model('desk_sales');
SELECT status, needs FROM desk_sales.model_status;
-- one of them becomes a part of another table
CREATE TABLE desk.all_minus (LIKE desk.minus) PARTITION BY RANGE (no);
ALTER TABLE desk.all_minus ATTACH PARTITION desk.minus DEFAULT;
SELECT status, needs FROM desk_sales.model_status;
SELECT error_and_hint($$SELECT FROM refresh_model('desk_sales')$$);
ALTER TABLE desk.all_minus DETACH PARTITION desk.minus;
SELECT status, needs FROM desk_sales.model_status;
ALTER TABLE desk.minus RENAME TO minuses;
SELECT status, needs FROM desk_sales.model_status;
SELECT error_and_hint($$SELECT FROM refresh_model('desk_sales')$$);
SELECT item FROM drop_model('desk_sales') WHERE item = 'dropped';
SET client_min_messages = warning;
DROP SCHEMA desk CASCADE;
