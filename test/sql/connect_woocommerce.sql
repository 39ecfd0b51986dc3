-- connect_shop over WooCommerce, by its analytics and by its order tables, with the
-- types that mysql_fdw gives. The columns are those of class-wc-install.php and
-- OrdersTableDataStore.php of woocommerce/woocommerce. The shop is in Paris.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA wp;
SET search_path = wp, scoring, public;
CREATE TABLE wp_wc_customer_lookup (customer_id bigint, user_id bigint, username varchar(60), first_name varchar(255), last_name varchar(255), email varchar(100),
	date_last_active timestamp, date_registered timestamp, country char(2), postcode varchar(20), city varchar(100), state varchar(100));
INSERT INTO wp_wc_customer_lookup (customer_id, user_id, email, date_registered, country, city) VALUES
	(1, NULL, 'ann@x.org', NULL, 'FR', 'Lyon'), (2, 20, 'Ann@X.org', '2025-03-15 00:30', 'FR', 'Paris'), (3, 30, 'ben@x.org', '2025-01-01 00:30', 'DE', 'Köln'),
	(4, NULL, 'cleo@x.org', NULL, '', ''), (5, NULL, 'deleted@site.invalid', NULL, '', ''), (6, NULL, 'deleted@site.invalid', NULL, '', ''), (7, 70, 'dan@x.org', '2025-01-01', 'BE', 'Gent');
CREATE TABLE wp_wc_order_stats (order_id bigint, parent_id bigint, date_created timestamp, date_created_gmt timestamp, date_paid timestamp, date_completed timestamp,
	num_items_sold int, total_sales float8, tax_total float8, shipping_total float8, net_total float8, returning_customer smallint, status varchar(20), customer_id bigint);
INSERT INTO wp_wc_order_stats (order_id, parent_id, date_created, date_created_gmt, total_sales, status, customer_id) VALUES
	-- ann: 100.10 as a guest, at half past midnight in Paris; a part comes back; 50 with the account, all of which comes back
	(1, 0, '2025-03-01 00:30', '2025-02-28 23:30', 100.1, 'wc-completed', 1),
	(2, 1, '2025-03-10 09:00', '2025-03-10 08:00', -30.050000000000004, 'wc-completed', 1),
	(3, 0, '2025-04-01 12:00', '2025-04-01 10:00', 50, 'wc-refunded', 2),
	(4, 3, '2025-04-03 12:00', '2025-04-03 10:00', -20, 'wc-refunded', 2), (5, 3, '2025-04-05 12:00', '2025-04-05 10:00', -30, 'wc-refunded', 2),
	-- ben: 60, and 10 to be sent; all that nobody paid
	(6, 0, '2025-05-01 12:00', '2025-05-01 10:00', 60, 'wc-completed', 3), (7, 0, '2025-05-02 12:00', NULL, 10, 'wc-processing', 3),
	(10, 0, '2025-05-03 12:00', '2025-05-03 10:00', 99, 'wc-pending', 3), (11, 0, '2025-05-03 12:00', '2025-05-03 10:00', 98, 'wc-on-hold', 3),
	(12, 0, '2025-05-03 12:00', '2025-05-03 10:00', 97, 'wc-cancelled', 3), (13, 0, '2025-05-03 12:00', '2025-05-03 10:00', 96, 'wc-failed', 3),
	(14, 0, '2025-05-03 12:00', '2025-05-03 10:00', 95, 'wc-checkout-draft', 3), (15, 0, '2025-05-03 12:00', '2025-05-03 10:00', 94, 'auto-draft', 3),
	(16, 0, '2025-05-03 12:00', '2025-05-03 10:00', 93, 'draft', 3), (17, 0, '2025-05-03 12:00', '2025-05-03 10:00', 92, 'trash', 3),
	(18, 12, '2025-05-04 12:00', '2025-05-04 10:00', -97, 'wc-cancelled', 3),
	-- cleo: a status of a plugin; and dollars
	(20, 0, '2025-06-01 12:00', '2025-06-01 10:00', 15, 'wc-shipped', 4), (21, 0, '2025-06-02 12:00', '2025-06-02 10:00', 40, 'wc-completed', 4),
	-- two people whose addresses were erased
	(22, 0, '2025-06-03 12:00', '2025-06-03 10:00', 5, 'wc-completed', 5), (23, 0, '2025-06-04 12:00', '2025-06-04 10:00', 6, 'wc-completed', 6);

-- By hand: EUR: orders 1, 6, 7, 22, 23: 5 orders; customers ann, ben and the two: 4; net
-- 100.10 - 30.05 + 50 - 20 - 30 + 60 + 10 + 5 + 6 = 151.05. USD: order 21 of cleo: 40.
-- Without a table that has currencies all are one: 6 orders of 5 customers, 191.05.
CREATE SCHEMA woo;
SELECT item, detail FROM connect_shop('woocommerce', 'wp', 'woo', time_zone => 'Europe/Paris');
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) FILTER (WHERE value IS NOT NULL) AS customers, sum(value) AS net FROM woo.orders_in GROUP BY currency ORDER BY currency;
SELECT customer_key, timezone('Europe/Paris', ordered_at)::date AS day, value, counts, order_key, currency, account_key FROM woo.orders_in ORDER BY order_key::int, ordered_at;
SELECT status, orders, value, timezone('UTC', first_at) AS first_at, first_at = last_at AS once FROM woo.order_statuses WHERE counts_as = 'unknown';
SELECT * FROM woo.person_keys ORDER BY customer_key, account;
SELECT * FROM woo.people_in ORDER BY customer_key;

-- The calls that it says come next, as they stand.
CREATE TABLE said AS SELECT detail FROM connect_shop('woocommerce', 'wp', 'woo', time_zone => 'Europe/Paris', model => 'paris') WHERE item = 'next';
SELECT replace(detail, ');', $$, as_of => '2025-06-30') WHERE item IN ('rows read', 'rows left out', 'customers')$$) FROM said \gexec
SELECT sum(frequency) AS orders, count(*) FILTER (WHERE frequency > 0 OR score_reason = 'all_refunded') AS customers, sum(monetary) AS net FROM paris.customer_scores;
SELECT customer_key, frequency, monetary, last_order_on, country, city FROM paris.customer_scores ORDER BY customer_key;
-- The order of unknown status is no order, and is counted.
SELECT reason, affected FROM paris.data_quality WHERE reason IN ('no_value', 'no_customer', 'no_day') ORDER BY reason;
-- Once it is known, it is read; what somebody has written into the map stays.
INSERT INTO woo.status_map VALUES ('wc-shipped', 'order', 'sent by the plugin');
UPDATE woo.status_map SET counts_as = 'order' WHERE status = 'wc-on-hold';
SELECT item, detail FROM connect_shop('woocommerce', 'wp', 'woo', time_zone => 'Europe/Paris') WHERE item ~ 'orders|unknown|on-hold|shipped';
UPDATE woo.status_map SET counts_as = 'ignore' WHERE status = 'wc-on-hold';
DELETE FROM woo.status_map WHERE status = 'wc-shipped';

-- The order tables: guests have no number, accounts that of the WordPress user. The
-- same people and orders; refunds have a status of their own.
CREATE TABLE wp_wc_orders (id bigint, status varchar(20), currency varchar(10), type varchar(20), tax_amount numeric(26,8), total_amount numeric(26,8), customer_id bigint,
	billing_email varchar(320), date_created_gmt timestamp, date_updated_gmt timestamp, parent_order_id bigint, payment_method varchar(100), payment_method_title text,
	transaction_id varchar(100), ip_address varchar(100), user_agent text, customer_note text);
INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt, parent_order_id)
	SELECT order_id, CASE WHEN parent_id = 0 THEN status ELSE 'wc-completed' END, CASE order_id WHEN 21 THEN 'USD' ELSE 'EUR' END,
		CASE WHEN parent_id = 0 THEN 'shop_order' ELSE 'shop_order_refund' END, round(total_sales::numeric, 8), CASE WHEN parent_id = 0 THEN coalesce(user_id, 0) END,
		CASE WHEN parent_id = 0 THEN email END, coalesce(date_created_gmt, timezone('UTC', timezone('Europe/Paris', date_created))), parent_id
	  FROM wp_wc_order_stats JOIN wp_wc_customer_lookup USING (customer_id);
INSERT INTO wp_wc_orders (id, status, currency, type, total_amount, customer_id, billing_email, date_created_gmt, parent_order_id) VALUES
	(90, 'wc-active', 'EUR', 'shop_subscription', 500, 20, 'ann@x.org', '2025-05-10', 0);
CREATE TABLE wp_wc_order_addresses (id bigint, order_id bigint, address_type varchar(20), first_name text, last_name text, company text, address_1 text, address_2 text,
	city text, state text, postcode text, country text, email varchar(320), phone varchar(100));
INSERT INTO wp_wc_order_addresses (id, order_id, address_type, company, city, country) VALUES (1, 6, 'billing', 'Ben GmbH', 'Köln', 'DE'), (2, 6, 'shipping', '', 'Bonn', 'DE'), (3, 1, 'billing', ' ', 'Lyon', 'FR');
-- Analytics with the currencies of these: the views made above look for the table.
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) FILTER (WHERE value IS NOT NULL) AS customers, sum(value) AS net FROM woo.orders_in GROUP BY currency ORDER BY currency;
SELECT proname FROM pg_proc WHERE pronamespace = 'woo'::regnamespace ORDER BY 1;
SELECT item, detail FROM connect_shop('woocommerce', 'wp', 'woo', time_zone => 'Europe/Paris') WHERE item ~ 'read|not there|orders|next';
SELECT proname FROM pg_proc WHERE pronamespace = 'woo'::regnamespace ORDER BY 1;
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) FILTER (WHERE value IS NOT NULL) AS customers, sum(value) AS net FROM woo.orders_in GROUP BY currency ORDER BY currency;

-- By hand: as above, but that people whose address was erased are guests without one, and so
-- nobody: their 11 are in the sum and are no customer's.
CREATE SCHEMA hpos;
SELECT item, detail FROM connect_shop('woocommerce_hpos', 'wp', 'hpos', time_zone => 'Europe/Paris');
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) FILTER (WHERE value IS NOT NULL) AS customers, sum(value) AS net FROM hpos.orders_in GROUP BY currency ORDER BY currency;
SELECT * FROM hpos.people_in ORDER BY customer_key;
SELECT DISTINCT customer_key, account_key FROM hpos.orders_in WHERE account_key IS NOT NULL;
CREATE TABLE hpos_said AS SELECT detail FROM connect_shop('woocommerce_hpos', 'wp', 'hpos', time_zone => 'Europe/Paris', model => 'hpos') WHERE item = 'next';
SELECT replace(detail, ');', $$, as_of => '2025-06-30') WHERE item IN ('rows read', 'rows left out', 'customers')$$) FROM hpos_said \gexec
SELECT 'EUR' AS currency, sum(frequency) AS orders, count(*) FILTER (WHERE frequency > 0) AS customers, sum(monetary) AS net FROM hpos_eur.customer_scores
UNION ALL SELECT 'USD', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM hpos_usd.customer_scores;

-- Lines: what was bought of which category; lines of refunds and of orders that don't count are left out.
CREATE TABLE wp_wc_order_product_lookup (order_item_id bigint, order_id bigint, product_id bigint, variation_id bigint, customer_id bigint, date_created timestamp, product_qty int,
	product_net_revenue float8, product_gross_revenue float8, coupon_amount float8, tax_amount float8, shipping_amount float8, shipping_tax_amount float8);
INSERT INTO wp_wc_order_product_lookup (order_item_id, order_id, product_id, product_qty, product_gross_revenue) VALUES
	(1, 1, 500, 2, 80.1), (2, 1, 501, 1, 20), (3, 2, 500, -1, -30.05), (4, 3, 500, 1, 50), (5, 6, 502, 3, 60), (6, 10, 500, 1, 99);
CREATE TABLE wp_posts ("ID" bigint, post_title text, post_type varchar(20));
INSERT INTO wp_posts VALUES (500, 'Boots', 'product'), (501, 'Lamp', 'product');
CREATE TABLE wp_terms (term_id bigint, name varchar(200), slug varchar(200));
INSERT INTO wp_terms VALUES (1, 'Shoes', 'shoes'), (2, 'Home', 'home'), (3, 'simple', 'simple'), (4, 'Sale', 'sale');
CREATE TABLE wp_term_taxonomy (term_taxonomy_id bigint, term_id bigint, taxonomy varchar(32), description text, parent bigint, count bigint);
INSERT INTO wp_term_taxonomy (term_taxonomy_id, term_id, taxonomy) VALUES (11, 1, 'product_cat'), (12, 2, 'product_cat'), (13, 3, 'product_type'), (14, 4, 'product_cat');
CREATE TABLE wp_term_relationships (object_id bigint, term_taxonomy_id bigint, term_order int);
INSERT INTO wp_term_relationships VALUES (500, 11), (500, 13), (500, 14), (501, 12), (502, 13);
SELECT customer_key, order_key, category, product, quantity, value FROM hpos.lines_in ORDER BY order_key, product;
SELECT count(*) FROM connect_shop('woocommerce', 'wp', 'woo', time_zone => 'Europe/Paris', model => 'paris') WHERE item = 'next';
SELECT item, detail FROM add_stream('paris', 'lines', 'woo.lines_in', customer => 'customer_key', day => 'ordered_at', kind => 'category', value => 'value', role => 'line') WHERE item ~ 'rows|kind';
RESET search_path;
DROP SCHEMA wp, woo, hpos, paris, hpos_eur, hpos_usd CASCADE;
