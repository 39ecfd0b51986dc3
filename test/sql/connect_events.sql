-- connect_shop over trackers and mail services: orders where they tell them, and events
-- by the customers of a shop. Tables as the tools make them in a warehouse.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SET search_path = scoring, public;
SET timezone = 'UTC';
-- The shop itself: ann has ordered as a guest and has the account 7, ben the account 9.
CREATE SCHEMA shopify;
CREATE TABLE shopify."order" (id bigint, customer_id bigint, email text, processed_at timestamptz, financial_status text, total_price float8, currency text);
INSERT INTO shopify."order" VALUES (1, NULL, 'Ann@X.org', '2025-03-01 23:30+00', 'paid', 100.1, 'EUR'), (2, 7, 'ann@x.org', '2025-04-01 12:00+00', 'paid', 50, 'EUR'), (3, 9, 'ben@x.org', '2025-05-01 12:00+00', 'paid', 60, 'EUR');
CREATE SCHEMA shop_in;
SELECT count(*) > 0 AS made FROM connect_shop('shopify', 'shopify', 'shop_in', time_zone => 'Europe/Paris');

-- Klaviyo: people are known by their address. Orders are left to the shop.
CREATE SCHEMA klaviyo;
CREATE TABLE klaviyo.person (id text, email text, created timestamptz, country text, city text, organization text, _fivetran_deleted boolean);
CREATE TABLE klaviyo.metric (id text, name text);
CREATE TABLE klaviyo.event (id text, type text, timestamp timestamptz, datetime timestamptz, person_id text, metric_id text, campaign_id text, flow_id text, _variation text, _fivetran_deleted boolean, property_value float8);
INSERT INTO klaviyo.person VALUES ('01A', 'ANN@x.org', '2025-01-01', NULL, NULL, NULL, false), ('01B', 'ben@x.org', '2025-01-01', NULL, NULL, NULL, false), ('01C', 'zoe@x.org', '2025-01-01', 'France', 'Lyon', NULL, false);
INSERT INTO klaviyo.metric VALUES ('m1', 'Opened Email'), ('m2', 'Clicked Email'), ('m3', 'Placed Order'), ('m4', 'Received Email');
INSERT INTO klaviyo.event (id, type, timestamp, person_id, metric_id, _fivetran_deleted) VALUES ('e1', 'event', '2025-05-01', '01A', 'm4', false), ('e2', 'event', '2025-05-01 01:00', '01A', 'm2', false), ('e3', 'event', '2025-05-02', '01B', 'm1', NULL),
	('e4', 'event', '2025-05-02', '01C', 'm1', false), ('e5', 'event', '2025-05-01 12:00', '01B', 'm3', false), ('e6', 'event', '2025-05-02', '01B', 'm1', true), ('e7', 'Unsubscribed', '2025-05-03', '01C', NULL, false);
CREATE SCHEMA mail_in;
SELECT item, detail FROM connect_shop('klaviyo', 'klaviyo', 'mail_in', people_of => 'shop_in', time_zone => 'Europe/Paris');
SELECT customer_key, timezone('UTC', occurred_at) AS at, kind, event_key FROM mail_in.events_in ORDER BY event_key;
SELECT * FROM mail_in.person_keys ORDER BY account;
-- By hand: ann has 2 events and ben 1 by the keys of the shop; zoe, who has ordered nothing, 2 by their number in Klaviyo.
SELECT replace(detail, ');', $$, as_of => '2025-06-30') WHERE item IN ('rows read', 'customers')$$) FROM connect_shop('shopify', 'shopify', 'shop_in', time_zone => 'Europe/Paris', model => 'ev_shop') WHERE item = 'next' \gexec
SELECT replace(detail, ';', $$ WHERE item !~ 'look|source'$$) FROM connect_shop('klaviyo', 'klaviyo', 'mail_in', people_of => 'shop_in', time_zone => 'Europe/Paris', model => 'ev_shop') WHERE item = 'next' \gexec
SELECT customer_key, frequency, monetary, klaviyo_last_on FROM ev_shop.customer_scores ORDER BY customer_key;

-- Segment: columns come with their first value; the same order told twice; a visitor who says later who they are.
CREATE SCHEMA site;
CREATE TABLE site.tracks (id text, user_id text, anonymous_id text, event text, event_text text, timestamp timestamptz, received_at timestamptz);
INSERT INTO site.tracks (id, user_id, anonymous_id, event, timestamp) VALUES ('t1', NULL, 'a1', 'product_viewed', '2025-03-01 22:00'), ('t2', '7', 'a1', 'product_added', '2025-03-01 22:10'), ('t3', '7', 'a1', 'order_completed', '2025-03-01 23:30'),
	('t4', NULL, 'a2', 'product_viewed', '2025-03-02'), ('t5', '9', NULL, 'order_refunded', '2025-03-10');
CREATE SCHEMA site_in;
SELECT item, detail FROM connect_shop('segment', 'site', 'site_in', people_of => 'shop_in', time_zone => 'Europe/Paris') WHERE item ~ 'read|events|orders|one|not there';
CREATE TABLE site.identifies (id text, anonymous_id text, user_id text, timestamp timestamptz);
INSERT INTO site.identifies VALUES ('i1', 'a1', '6', '2025-02-01'), ('i2', 'a1', '7', '2025-03-01 22:09'), ('i3', NULL, '9', '2025-03-01');
CREATE TABLE site.pages (id text, anonymous_id text, timestamp timestamptz, path text);
INSERT INTO site.pages VALUES ('p1', 'a1', '2025-03-01 21:59', '/'), ('p2', 'a3', '2025-03-01 21:59', '/');
CREATE TABLE site.order_completed (id text, user_id text, anonymous_id text, timestamp timestamptz, order_id text, total float8, currency text, products text);
INSERT INTO site.order_completed VALUES ('t3', '7', 'a1', '2025-03-01 23:30', 'o1', 100.1, 'eur', '[{"product_id": "s", "name": "Shirt", "category": "clothes", "price": 40.05, "quantity": 2}, {"product_id": "l", "price": 20}]'),
	('t3b', '7', 'a1', '2025-03-01 23:31', 'o1', 100.1, 'eur', NULL), ('t6', '9', NULL, '2025-03-05', 'o2', 50, 'eur', NULL), ('t7', NULL, 'a1', '2025-03-06', 'o3', 60, 'eur', NULL),
	('t8', '9', NULL, '2025-03-07', 'o4', 70, 'eur', NULL), ('t9', NULL, 'a9', '2025-03-08', 'o5', 5, 'usd', NULL);
CREATE TABLE site.order_cancelled (id text, order_id text, timestamp timestamptz);
INSERT INTO site.order_cancelled VALUES ('c1', 'o4', '2025-03-07 01:00');
CREATE TABLE site.order_refunded (id text, order_id text, timestamp timestamptz, total float8);
INSERT INTO site.order_refunded VALUES ('r1', 'o1', '2025-03-10', 30.05), ('r1', 'o1', '2025-03-10', 30.05), ('r2', 'o2', '2025-03-11', NULL);
CREATE TABLE site.users (id text, email text, received_at timestamptz);
INSERT INTO site.users VALUES ('7', 'ann@x.org', '2025-03-01'), ('9', NULL, '2025-03-01');
-- By hand: EUR: o1 of 100.10 less 30.05, o2 of 50 came back without an amount, o3 of ann, who was anonymous, 60, o4 cancelled:
-- 2 orders, ann alone has one and ben's came back: 2 customers; 130.05. USD: o5 of nobody, 5.
SELECT item, detail FROM connect_shop('segment', 'site', 'site_in', people_of => 'shop_in', time_zone => 'Europe/Paris') WHERE item <> 'next';
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) AS customers, sum(value) AS net FROM site_in.orders_in GROUP BY currency ORDER BY currency;
SELECT customer_key, order_key, category, product, quantity, value FROM site_in.lines_in ORDER BY value;
SELECT customer_key, kind, event_key FROM site_in.events_in ORDER BY event_key;
CREATE SCHEMA rudder_in;
SELECT item, detail FROM connect_shop('rudderstack', 'site', 'rudder_in', people_of => 'shop_in', time_zone => 'Europe/Paris') WHERE item ~ 'orders';

-- GA4: microseconds, transactions told twice, today's rows that may still change.
CREATE SCHEMA ga4;
CREATE TABLE ga4.event (_fivetran_id text, date date, name text, timestamp bigint, user_id text, user_pseudo_id text, is_intraday boolean, ecommerce_transaction_id text, ecommerce_purchase_revenue float8, ecommerce_refund_value float8, param_currency text, geo_country text);
-- 2025-03-01 23:30 UTC
INSERT INTO ga4.event (_fivetran_id, name, timestamp, user_id, is_intraday, ecommerce_transaction_id, ecommerce_purchase_revenue, ecommerce_refund_value, param_currency) VALUES
	('g1', 'purchase', 1740871800000000, '7', false, 'T1', 100.1, NULL, 'EUR'), ('g2', 'purchase', 1740871900000000, '7', false, 'T1', 100.1, NULL, 'EUR'), ('g3', 'purchase', 1740871900000000, '7', false, '(not set)', 9, NULL, 'EUR'),
	('g4', 'purchase', 1741000000000000, NULL, false, 'T2', 40, NULL, 'EUR'), ('g5', 'refund', 1741597200000000, '7', false, 'T1', NULL, 30.05, 'EUR'), ('g6', 'purchase', 1743508800000000, '9', false, 'T3', 50, NULL, 'USD'),
	('g7', 'refund', 1743681600000000, '9', false, 'T3', NULL, NULL, 'USD'), ('g8', 'view_item', 1740871000000000, '7', false, NULL, NULL, NULL, NULL), ('g9', 'view_item', 1740871000000000, '7', true, NULL, NULL, NULL, NULL), ('g10', 'session_start', 1740871000000000, NULL, false, NULL, NULL, NULL, NULL);
-- By hand: EUR: T1 and T2, of which the user of T2 is unknown: 2 orders of 1 customer, 110.05. USD: T3 came back: no order of 1 customer, 0.
CREATE SCHEMA ga4_in;
SELECT item, detail FROM connect_shop('ga4', 'ga4', 'ga4_in', people_of => 'shop_in', time_zone => 'Europe/Paris') WHERE item <> 'next';
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) AS customers, sum(value) AS net FROM ga4_in.orders_in GROUP BY currency ORDER BY currency;
SELECT customer_key, timezone('Europe/Paris', ordered_at) AS at, value, counts, order_key FROM ga4_in.orders_in ORDER BY order_key, ordered_at;

-- Snowplow: transactions and their items, events told twice.
CREATE SCHEMA atomic;
CREATE TABLE atomic.events (app_id varchar(255), event_id char(36), event varchar(128), event_name varchar(1000), user_id varchar(255), domain_userid varchar(128), collector_tstamp timestamp, derived_tstamp timestamp,
	tr_orderid varchar(255), tr_total numeric(18,2), tr_currency char(3), ti_orderid varchar(255), ti_sku varchar(255), ti_name varchar(255), ti_category varchar(255), ti_price numeric(18,2), ti_quantity int,
	se_category varchar(1000), se_action varchar(1000), se_label varchar(4096));
INSERT INTO atomic.events (event_id, event, event_name, user_id, collector_tstamp, derived_tstamp, tr_orderid, tr_total, tr_currency, ti_orderid, ti_name, ti_category, ti_price, ti_quantity, se_action, se_label) VALUES
	('s1', 'transaction', 'transaction', '7', '2025-03-01 23:31', '2025-03-01 23:30', 'o1', 100.10, 'EUR', NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('s1', 'transaction', 'transaction', '7', '2025-03-01 23:32', '2025-03-01 23:30', 'o1', 100.10, 'EUR', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('s2', 'transaction_item', 'transaction_item', '7', '2025-03-01 23:31', NULL, NULL, NULL, NULL, 'o1', 'Shirt', 'clothes', 50.05, 2, NULL, NULL), ('s2', 'transaction_item', 'transaction_item', '7', '2025-03-01 23:31', NULL, NULL, NULL, NULL, 'o1', 'Shirt', 'clothes', 50.05, 2, NULL, NULL),
	('s3', 'struct', 'event', '7', '2025-03-01 22:00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'add_to_cart', 'clothes'), ('s4', 'page_view', 'page_view', 'Ben@x.org', '2025-03-01 22:00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('s5', 'page_ping', 'page_ping', '7', '2025-03-01 22:01', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('s6', 'unstruct', 'product_view', NULL, '2025-03-01 22:01', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('s7', 'transaction', 'transaction', '9', '2025-05-01', '2025-05-01', 'o2', 40, 'USD', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
-- By hand: EUR: 1 order of 1 customer, 100.10; USD: 1 of 1, 40. One line of 100.10. Of the events, ben is known by the address.
CREATE SCHEMA snow_in;
SELECT item, detail FROM connect_shop('snowplow', 'atomic', 'snow_in', people_of => 'shop_in', time_zone => 'Europe/Paris') WHERE item <> 'next';
SELECT customer_key, kind, category, btrim(event_key) AS event_key FROM snow_in.events_in ORDER BY event_key;
SELECT customer_key, order_key, category, product, quantity, value FROM snow_in.lines_in;

-- Matomo: MySQL, through a copy; baskets are conversions of goal -1.
CREATE SCHEMA matomo;
CREATE TABLE matomo.matomo_log_visit (idvisit bigint, idsite int, idvisitor bytea, user_id varchar(200), visit_first_action_time timestamp, visit_last_action_time timestamp);
CREATE TABLE matomo.matomo_log_conversion (idvisit bigint, idsite int, idvisitor bytea, server_time timestamp, idgoal int, buster bigint, idorder varchar(100), items smallint, revenue float8, revenue_tax float8, revenue_shipping float8, revenue_discount float8);
CREATE TABLE matomo.matomo_log_conversion_item (idsite int, idvisitor bytea, server_time timestamp, idvisit bigint, idorder varchar(100), idaction_sku int, idaction_name int, idaction_category int, price float8, quantity int, deleted smallint);
CREATE TABLE matomo.matomo_log_link_visit_action (idlink_va bigint, idsite int, idvisit bigint, server_time timestamp, idaction_event_category int, idaction_event_action int);
CREATE TABLE matomo.matomo_log_action (idaction int, name varchar(4096), hash bigint, type smallint);
CREATE TABLE matomo.matomo_site (idsite int, name varchar(90), currency char(3));
INSERT INTO matomo.matomo_site VALUES (1, 'Shop', 'EUR'), (2, 'Shop US', 'USD');
INSERT INTO matomo.matomo_log_action VALUES (1, 'Shirt', 0, 6), (2, 'clothes', 0, 7), (3, 'download', 0, 11);
INSERT INTO matomo.matomo_log_visit VALUES (1, 1, '\x0102030405060708', '7', '2025-03-01 23:00', NULL), (2, 1, '\x0102030405060709', NULL, '2025-03-02', NULL), (3, 2, '\x010203040506070a', 'ben@x.org', '2025-05-01', NULL);
INSERT INTO matomo.matomo_log_conversion (idvisit, idsite, server_time, idgoal, idorder, revenue) VALUES (1, 1, '2025-03-01 23:30', 0, 'o1', 100.1), (2, 1, '2025-03-02', 0, 'o2', 20), (3, 2, '2025-05-01', 0, 'o3', 40), (1, 1, '2025-03-01 23:10', -1, NULL, 100.1), (3, 2, '2025-05-01', 4, NULL, 0);
INSERT INTO matomo.matomo_log_conversion_item (idorder, idaction_name, idaction_category, price, quantity, deleted) VALUES ('o1', 1, 2, 50.05, 2, 0), ('o1', 1, 2, 50.05, 1, 1), ('0', 1, 2, 50.05, 2, 0);
INSERT INTO matomo.matomo_log_link_visit_action VALUES (1, 1, 1, '2025-03-01 23:01', NULL, 3), (2, 1, 1, '2025-03-01 23:02', NULL, NULL);
-- By hand: EUR: o1 and o2, whose visitor is unknown: 2 orders of 1 customer, 120.10; USD: 1 of ben, who is known by the address, 40.
CREATE SCHEMA matomo_in;
SELECT item, detail FROM connect_shop('matomo', 'matomo', 'matomo_in', people_of => 'shop_in', time_zone => 'Europe/Paris') WHERE item <> 'next';
SELECT customer_key, timezone('Europe/Paris', ordered_at) AS at, value, counts, order_key, currency FROM matomo_in.orders_in ORDER BY order_key;
SELECT customer_key, kind, event_key FROM matomo_in.events_in ORDER BY event_key;
SELECT customer_key, order_key, category, product, quantity, value FROM matomo_in.lines_in;
RESET search_path;
DROP SCHEMA shopify, shop_in, klaviyo, mail_in, ev_shop, site, site_in, rudder_in, ga4, ga4_in, atomic, snow_in, matomo, matomo_in CASCADE;
