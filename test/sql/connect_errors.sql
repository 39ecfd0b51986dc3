-- What connect_shop refuses, and what it makes twice.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SELECT error_of('SELECT connect_shop(NULL, ''public'', ''public'')');
SELECT error_of('SELECT connect_shop(''magento2'', NULL, ''public'')');
SELECT error_of('SELECT connect_shop(''magento2'', ''public'', NULL)');
SELECT error_of('SELECT connect_shop(''magento2'', ''public'', ''public'', time_zone => NULL)');
SELECT error_of('SELECT connect_shop(''magento2'', ''public'', ''public'', model => NULL)');
SELECT error_and_hint('SELECT connect_shop(''magneto'', ''public'', ''public'')') ~ '^42704: system "magneto" is unknown .The systems are .*magento2, .*woocommerce' AS lists_systems;
SELECT error_of('SELECT connect_shop(''magento2'', ''nowhere'', ''public'')');
SELECT error_of('SELECT connect_shop(''magento2'', ''public'', ''public'')');
SELECT error_of('SELECT connect_shop(''prestashop'', ''public'', ''public'', prefix => ''p_'')');
SELECT error_of('SELECT connect_shop(''magento2'', ''public'', ''public'', time_zone => ''Atlantis'')');

-- Names that have to be quoted, all the way.
CREATE SCHEMA "Mag'ento {into}";
CREATE TABLE "Mag'ento {into}"."x{y}sales_order" (entity_id int, state varchar(32), customer_id int, customer_email varchar(128), created_at timestamp,
	base_total_paid numeric(20,4), base_total_invoiced numeric(20,4), base_currency_code varchar(3));
INSERT INTO "Mag'ento {into}"."x{y}sales_order" VALUES (1, 'complete', 7, 'a@x.org', '2025-01-01', 10, NULL, 'EUR');
CREATE SCHEMA "In ""to";
SELECT error_of($$SELECT connect_shop('magento2', 'Mag''ento {into}', 'in to', prefix => 'x{y}')$$);
SELECT error_of($$SELECT connect_shop('magento2', 'Mag''ento {into}', 'scoring', prefix => 'x{y}')$$);
SELECT error_of($$SELECT connect_shop('magento2', 'Mag''ento {into}', 'pg_catalog', prefix => 'x{y}')$$);
SELECT error_of($$SELECT connect_shop('magento2', 'Mag''ento {into}', repeat('x', 70), prefix => 'x{y}')$$);
SELECT error_of($$SELECT connect_shop('magento2', 'Mag''ento {into}', 'In "to', prefix => 'x{y}', people_of => 'public')$$);
SELECT error_of($$SELECT connect_shop('magento2', 'Mag''ento {into}', 'In "to', prefix => 'x{y}', people_of => 'In "to')$$);
-- A dry run says all that and makes nothing.
SELECT item, detail FROM connect_shop('magento2', 'Mag''ento {into}', 'In "to', prefix => 'x{y}', dry_run => true) WHERE item NOT IN ('system', 'not there yet');
SELECT count(*) FROM pg_class WHERE relnamespace = '"In ""to"'::regnamespace;
SELECT item, detail FROM connect_shop('magento2', 'Mag''ento {into}', 'In "to', prefix => 'x{y}') WHERE item IN ('made', 'next');
SELECT customer_key, timezone('UTC', ordered_at) AS at, value, counts, order_key, currency FROM "In ""to".orders_in;
-- Twice is as once; another system is not.
SELECT count(*) > 5 AS again FROM connect_shop('magento2', 'Mag''ento {into}', 'In "to', prefix => 'x{y}');
CREATE SCHEMA shopify;
CREATE TABLE shopify."order" (id bigint, customer_id bigint, email text, processed_at timestamptz, financial_status text, total_price float8);
SELECT error_of($$SELECT connect_shop('shopify', 'shopify', 'In "to')$$);

-- Something else of that name; a view that has lost its comment is not known any more.
CREATE SCHEMA mine;
CREATE TABLE mine.orders_in (x int);
SELECT error_of($$SELECT connect_shop('shopify', 'shopify', 'mine')$$);
DROP TABLE mine.orders_in;
CREATE FUNCTION mine._source_refunds() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT error_of($$SELECT connect_shop('shopify', 'shopify', 'mine')$$);
DROP FUNCTION mine._source_refunds();
SELECT count(*) > 5 AS made FROM connect_shop('shopify', 'shopify', 'mine');
COMMENT ON VIEW mine.orders_in IS 'changed by hand';
SELECT error_of($$SELECT connect_shop('shopify', 'shopify', 'mine')$$);

-- Columns that are missing, or of a type that can't be what they should be.
CREATE SCHEMA odd;
CREATE TABLE odd."order" (id bigint, email text, processed_at timestamptz, financial_status text);
CREATE SCHEMA free;
SELECT error_of($$SELECT connect_shop('shopify', 'odd', 'free')$$);
ALTER TABLE odd."order" ADD customer_id float8, ADD total_price boolean, ADD test jsonb;
SELECT error_of($$SELECT connect_shop('shopify', 'odd', 'free')$$);
ALTER TABLE odd."order" DROP customer_id, DROP total_price, DROP test;
-- Types of copies that can be: a key as numeric, money as text, flags as numbers and bits, an enum, a domain, a moment as text or as seconds.
CREATE TYPE state AS ENUM ('paid', 'pending');
CREATE DOMAIN address AS varchar(100);
ALTER TABLE odd."order" ALTER id TYPE numeric, ALTER email TYPE address, ALTER financial_status TYPE state USING NULL, ALTER processed_at TYPE bigint USING NULL,
	ADD customer_id numeric(20,2), ADD total_price text, ADD test bit(1), ADD _fivetran_deleted smallint, ADD created_at text;
INSERT INTO odd."order" VALUES (1.0, 'a@x.org', 1735689600, 'paid', 7.00, ' 10.50 ', B'0', 0, NULL), (2, 'a@x.org', NULL, 'paid', NULL, '5', B'0', NULL, '2025-01-02T00:00:00Z'),
	(3, 'a@x.org', 1735689600, 'paid', 7, '99', B'1', 0, NULL), (4, 'a@x.org', 1735689600, 'paid', 7, '98', B'0', 1, NULL), (5, NULL, 1735689600, NULL, NULL, '', NULL, NULL, NULL),
	(6, 'a@x.org', NULL, 'paid', 7, '1', NULL, NULL, '2025-01-02 00:30:00'), (7, 'a@x.org', NULL, 'paid', 7, '1', NULL, NULL, '0000-00-00 00:00:00'), (8, 'a@x.org', NULL, 'paid', 7, '1', NULL, NULL, '2025-01-02T00:30:00.5+01:00'), (9, 'a@x.org', NULL, 'paid', 7, '1', NULL, NULL, '2025-01-02');
SELECT count(*) > 5 AS made FROM connect_shop('shopify', 'odd', 'free');
SELECT customer_key, timezone('UTC', ordered_at) AS at, value, counts, order_key FROM free.orders_in ORDER BY order_key;
SELECT status, counts_as, orders, value FROM free.order_statuses ORDER BY status;

-- Refunds that come later are read without another call, if they are data alone or one's own.
CREATE TABLE odd.refund (id numeric, order_id numeric, created_at timestamptz);
CREATE TABLE odd.order_line_refund (refund_id numeric, subtotal numeric);
INSERT INTO odd.refund VALUES (1, 1, '2025-01-05 00:00+00');
INSERT INTO odd.order_line_refund VALUES (1, 0.5);
SELECT customer_key, value, counts, order_key FROM free.orders_in WHERE order_key = '1' ORDER BY value;
CREATE ROLE connect_other;
CREATE VIEW odd.order_adjustment AS SELECT 1::numeric AS refund_id, 1::numeric AS amount;
ALTER VIEW odd.order_adjustment OWNER TO connect_other;
SELECT error_of('SELECT * FROM free.orders_in');
SELECT count(*) > 5 AS looked_at FROM connect_shop('shopify', 'odd', 'free');
SELECT customer_key, value, counts, order_key FROM free.orders_in WHERE order_key = '1' ORDER BY value;

-- What others own in the schema is not touched.
CREATE SCHEMA theirs;
GRANT ALL ON SCHEMA theirs TO connect_other;
SET ROLE connect_other;
CREATE TABLE theirs.status_map (status text, counts_as text, meaning text);
COMMENT ON TABLE theirs.status_map IS '(connect_shop: shopify)';
RESET ROLE;
SELECT error_of($$SELECT connect_shop('shopify', 'shopify', 'theirs')$$);
-- And rights are those of the caller.
SET ROLE connect_other;
SELECT error_of($$SELECT scoring.connect_shop('shopify', 'shopify', 'theirs')$$) ~ '42501|does not exist' AS refused;
RESET ROLE;
DROP OWNED BY connect_other CASCADE;
DROP ROLE connect_other;
-- What ships can't be changed.
SELECT error_of($$INSERT INTO scoring.shop_status VALUES ('shopify', 'x', 'order', 'x')$$);
RESET search_path;
DROP SCHEMA "Mag'ento {into}", "In ""to", shopify, mine, odd, free, theirs CASCADE;
DROP DOMAIN address;
DROP TYPE state;
