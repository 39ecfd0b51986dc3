-- connect_shop over Magento, PrestaShop and Shopify in three copies: totals, lines and
-- people of one list of orders. The histories of more people are in t/046_sources.pl.
--   ann   100.10 as a guest at half past midnight of 2 March in Paris, 30.05 of it back; 50 with an account, all of it back
--   ben   60; and 40 in a second currency, where the shop has one; and what nobody paid
--   cleo  15 in a status that nobody knows
-- By hand, in euro: orders of ann and ben: 2 orders, 2 customers, 100.10 - 30.05 + 50 - 50 + 60 = 130.05; the second
-- currency: 1 order, 1 customer, 40. PrestaShop keeps one currency, and has 40 at the rate 1.25: 3 orders, 162.05; and
-- 7 and 8 of two people who were erased: 5 orders, 177.05, of which the model has those that are somebody's.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE VIEW public.connect_expected AS SELECT 'EUR' AS currency, 2 AS orders, 2 AS customers, 130.05 AS net UNION ALL SELECT 'USD', 1, 1, 40;

-- Magento: columns of db_schema.xml; a second website with dollars as its base currency; an order placed in dollars
-- but kept in euro has base amounts in euro.
CREATE SCHEMA mage;
SET search_path = mage, scoring, public;
CREATE TABLE sales_order (entity_id int, state varchar(32), status varchar(32), store_id smallint, customer_id int, customer_email varchar(128), customer_is_guest smallint, created_at timestamp, updated_at timestamp,
	base_currency_code varchar(3), order_currency_code varchar(3), base_to_global_rate numeric(20,4), base_grand_total numeric(20,4), grand_total numeric(20,4), base_total_paid numeric(20,4), base_total_invoiced numeric(20,4), base_total_refunded numeric(20,4));
INSERT INTO sales_order (entity_id, state, status, customer_id, customer_email, created_at, base_currency_code, order_currency_code, base_total_paid, base_total_invoiced, grand_total) VALUES
	(1, 'complete', 'complete', NULL, 'ann@x.org', '2025-03-01 23:30', 'EUR', 'EUR', 100.10, 100.10, 100.10), (2, 'closed', 'closed', 7, 'Ann@X.org', '2025-04-01 10:00', 'EUR', 'EUR', 50, 50, 50),
	(3, 'processing', 'processing', 9, 'ben@x.org', '2025-05-01 10:00', 'EUR', 'USD', NULL, 60, 66), (4, 'complete', 'own_label', 9, 'ben@x.org', '2025-05-02 10:00', 'USD', 'USD', 40, 40, 40),
	(5, 'new', 'pending', 9, 'ben@x.org', '2025-05-03', 'EUR', 'EUR', NULL, NULL, 99), (6, 'pending_payment', 'x', 9, 'ben@x.org', '2025-05-03', 'EUR', 'EUR', NULL, NULL, 98), (7, 'payment_review', 'x', 9, 'ben@x.org', '2025-05-03', 'EUR', 'EUR', NULL, NULL, 97),
	(8, 'holded', 'x', 9, 'ben@x.org', '2025-05-03', 'EUR', 'EUR', NULL, NULL, 96), (9, 'canceled', 'x', 9, 'ben@x.org', '2025-05-03', 'EUR', 'EUR', NULL, NULL, 95), (10, 'disputed', 'x', NULL, 'cleo@x.org', '2025-06-01', 'EUR', 'EUR', 15, 15, 15);
-- Before the first refund there may be no copy of the table: all of 100.10 is there, and order 2 has come back, nobody knows how much.
CREATE SCHEMA mage_in;
SELECT item, detail FROM connect_shop('magento2', 'mage', 'mage_in', time_zone => 'Europe/Paris') WHERE item !~ 'next|made';
CREATE TABLE sales_creditmemo (entity_id int, order_id int, state int, base_grand_total numeric(20,4), created_at timestamp);
INSERT INTO sales_creditmemo VALUES (1, 1, 2, 30.05, '2025-03-10 08:00'), (2, 2, 2, 50, '2025-04-05 08:00'), (3, 3, 1, 5, '2025-05-05'), (4, 3, 3, 6, '2025-05-05');
CREATE TABLE customer_entity (entity_id int, email varchar(255), created_at timestamp);
INSERT INTO customer_entity VALUES (7, 'ann@x.org', '2025-03-20 23:30'), (9, 'ben@x.org', '2025-01-01');
CREATE TABLE newsletter_subscriber (subscriber_id int, customer_id int, subscriber_email varchar(150), subscriber_status int);
INSERT INTO newsletter_subscriber VALUES (1, 7, 'ann@x.org', 1), (2, 9, 'ben@x.org', 3), (3, 0, 'zoe@x.org', 1);
CREATE TABLE sales_order_address (entity_id int, parent_id int, address_type varchar(255), country_id varchar(2), city varchar(255), company varchar(255));
INSERT INTO sales_order_address VALUES (1, 1, 'billing', 'FR', 'Lyon', NULL), (2, 1, 'shipping', 'FR', 'Nice', NULL), (3, 3, 'billing', 'DE', 'Bonn', 'Ben GmbH');
CREATE TABLE sales_order_item (item_id int, order_id int, parent_item_id int, product_id int, sku varchar(255), name varchar(255), qty_ordered numeric(12,4), base_row_total_incl_tax numeric(20,4), base_discount_amount numeric(20,4));
INSERT INTO sales_order_item VALUES (1, 1, NULL, 1, 's', 'Shirt', 2, 90.10, 10), (2, 1, 1, 11, 's-red', 'Shirt red', 2, 0, 0), (3, 1, NULL, 2, 'l', 'Lamp', 1, 20, NULL), (4, 3, NULL, 3, 'x', NULL, 1, 60, 0);
CREATE TABLE catalog_category_product (entity_id int, category_id int, product_id int, "position" int);
INSERT INTO catalog_category_product VALUES (1, 2, 1, 0), (2, 5, 1, 0), (3, 6, 2, 0);
CREATE TABLE catalog_category_entity (entity_id int, parent_id int, path varchar(255), level int);
INSERT INTO catalog_category_entity VALUES (2, 1, '1/2', 1), (5, 2, '1/2/5', 2), (6, 2, '1/2/6', 2);
CREATE TABLE eav_entity_type (entity_type_id smallint, entity_type_code varchar(50));
INSERT INTO eav_entity_type VALUES (3, 'catalog_category'), (4, 'catalog_product');
CREATE TABLE eav_attribute (attribute_id smallint, entity_type_id smallint, attribute_code varchar(255));
INSERT INTO eav_attribute VALUES (45, 3, 'name'), (73, 4, 'name');
CREATE TABLE catalog_category_entity_varchar (value_id int, attribute_id smallint, store_id smallint, entity_id int, value varchar(255));
INSERT INTO catalog_category_entity_varchar VALUES (1, 45, 0, 2, 'All'), (2, 45, 0, 5, 'Clothes'), (3, 45, 1, 5, 'Vêtements'), (4, 73, 0, 6, 'no category');
SELECT count(*) FROM connect_shop('magento2', 'mage', 'mage_in', time_zone => 'Europe/Paris') WHERE item = 'not there yet';
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) FILTER (WHERE value IS NOT NULL) AS customers, sum(value) AS net FROM mage_in.orders_in GROUP BY currency ORDER BY currency;
SELECT customer_key, order_key, category, product, quantity, value FROM mage_in.lines_in ORDER BY order_key, value;
SELECT * FROM mage_in.people_in ORDER BY customer_key;
CREATE TABLE said AS SELECT detail FROM connect_shop('magento2', 'mage', 'mage_in', time_zone => 'Europe/Paris', model => 'mage_shop') WHERE item = 'next' AND detail ~ 'create_model';
SELECT replace(detail, ');', $$, as_of => '2025-06-30') WHERE item IN ('rows read', 'rows left out', 'customers')$$) FROM said \gexec
SELECT 'EUR' AS currency, sum(frequency) AS orders, count(*) FILTER (WHERE frequency > 0) AS customers, sum(monetary) AS net FROM mage_shop_eur.customer_scores
UNION ALL SELECT 'USD', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM mage_shop_usd.customer_scores EXCEPT SELECT * FROM connect_expected;

-- PrestaShop: columns of db_structure.sql. A state of the shop's own that is paid, cash on delivery that is not.
CREATE SCHEMA presta;
SET search_path = presta, scoring, public;
CREATE TABLE ps_order_state (id_order_state bigint, paid smallint, logable smallint, deleted smallint);
INSERT INTO ps_order_state VALUES (1, 0, 0, 0), (2, 1, 1, 0), (5, 1, 1, 0), (6, 0, 0, 0), (7, 0, 0, 0), (13, 0, 1, 0), (20, 1, 1, 0);
CREATE TABLE ps_customer (id_customer bigint, email varchar(255), is_guest smallint, date_add timestamp, company varchar(255), newsletter smallint);
INSERT INTO ps_customer VALUES (6, 'ann@x.org', 1, '2025-03-02 00:30', NULL, 0), (7, 'Ann@X.org', 0, '2025-03-21 00:30', NULL, 1), (9, 'ben@x.org', 0, '2025-01-01', 'Ben GmbH', 0), (11, 'cleo@x.org', 0, '2025-01-01', NULL, 0), (12, 'anonymous@psgdpr.com', 0, '2025-01-01', NULL, 0);
CREATE TABLE ps_orders (id_order bigint, reference varchar(9), id_shop int, id_customer bigint, id_currency bigint, id_address_invoice bigint, current_state bigint, total_paid_tax_incl numeric(20,6), conversion_rate numeric(13,6), valid smallint, date_add timestamp);
INSERT INTO ps_orders (id_order, id_customer, current_state, total_paid_tax_incl, conversion_rate, date_add, id_address_invoice) VALUES (1, 6, 5, 100.10, 1, '2025-03-02 00:30', 1), (2, 7, 7, 50, 1, '2025-04-01 12:00', 1), (3, 9, 20, 60, 1, '2025-05-01 12:00', 2), (4, 9, 2, 40, 1.25, '2025-05-02 12:00', 2),
	(5, 9, 1, 99, 1, '2025-05-03', 2), (6, 9, 6, 98, 1, '2025-05-03', 2), (7, 9, 13, 97, 1, '2025-05-03', 2), (8, 11, 99, 15, 1, '2025-06-01', NULL), (9, 12, 5, 7, 1, '2025-05-06', NULL), (10, 12, 5, 8, 1, '2025-05-07', NULL);
CREATE TABLE ps_order_history (id_order_history bigint, id_order bigint, id_order_state bigint, date_add timestamp);
INSERT INTO ps_order_history VALUES (1, 2, 2, '2025-04-01 12:00'), (2, 2, 7, '2025-04-06 12:00');
CREATE TABLE ps_order_slip (id_order_slip bigint, id_order bigint, total_products_tax_incl numeric(20,6), total_shipping_tax_incl numeric(20,6), amount numeric(20,6), shipping_cost_amount numeric(20,6), date_add timestamp);
INSERT INTO ps_order_slip VALUES (1, 1, 25, 5.05, 25, 5.05, '2025-03-10 09:00');
CREATE TABLE ps_configuration (id_configuration bigint, name varchar(254), value text);
INSERT INTO ps_configuration VALUES (1, 'PS_CURRENCY_DEFAULT', '1'), (2, 'PS_LANG_DEFAULT', '2');
CREATE TABLE ps_currency (id_currency bigint, iso_code varchar(3), conversion_rate numeric(13,6));
INSERT INTO ps_currency VALUES (1, 'EUR', 1), (2, 'USD', 1.25);
CREATE TABLE ps_address (id_address bigint, id_customer bigint, id_country bigint, city varchar(64), company varchar(255));
INSERT INTO ps_address VALUES (1, 6, 8, 'Lyon', ''), (2, 9, 1, 'Bonn', NULL);
CREATE TABLE ps_country (id_country bigint, iso_code varchar(3));
INSERT INTO ps_country VALUES (8, 'FR'), (1, 'DE');
CREATE TABLE ps_order_detail (id_order bigint, product_id bigint, product_name text, product_quantity int, total_price_tax_incl numeric(20,6));
INSERT INTO ps_order_detail VALUES (1, 1, 'Shirt', 2, 80.10), (1, 2, 'Lamp', 1, 20), (4, 1, 'Shirt', 1, 40);
CREATE TABLE ps_product (id_product bigint, id_category_default bigint);
INSERT INTO ps_product VALUES (1, 3), (2, 4);
CREATE TABLE ps_category_lang (id_category bigint, id_shop int, id_lang bigint, name varchar(128));
INSERT INTO ps_category_lang VALUES (3, 1, 2, 'Vêtements'), (3, 1, 1, 'Clothes'), (4, 1, 1, 'Home');
CREATE SCHEMA presta_in;
SELECT item, detail FROM connect_shop('prestashop', 'presta', 'presta_in', time_zone => 'Europe/Paris') WHERE item !~ 'next|made';
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) FILTER (WHERE value IS NOT NULL) AS customers, sum(value) AS net FROM presta_in.orders_in GROUP BY currency ORDER BY currency;
SELECT customer_key, order_key, category, product, quantity, value FROM presta_in.lines_in ORDER BY order_key, value;
SELECT * FROM presta_in.people_in ORDER BY customer_key;
-- Cash on delivery counts in this shop: state 13 alone.
INSERT INTO presta_in.status_map VALUES ('13', 'order', 'cash on delivery');
SELECT item, detail FROM connect_shop('prestashop', 'presta', 'presta_in', time_zone => 'Europe/Paris', model => 'presta_shop') WHERE item ~ 'orders|status 13';
DELETE FROM presta_in.status_map WHERE status = '13';
CREATE TABLE said AS SELECT detail FROM connect_shop('prestashop', 'presta', 'presta_in', time_zone => 'Europe/Paris', model => 'presta_shop') WHERE item = 'next';
SELECT replace(detail, CASE WHEN detail ~ 'create_model' THEN ');' ELSE ';' END, CASE WHEN detail ~ 'create_model' THEN $$, as_of => '2025-06-30')$$ ELSE '' END || $$ WHERE item IN ('rows read', 'rows left out', 'customers', 'kind Home', 'kind Clothes')$$) FROM said \gexec
SELECT sum(frequency) AS orders, count(*) FILTER (WHERE frequency > 0) AS customers, sum(monetary) AS net FROM presta_shop.customer_scores;

-- Shopify in three copies.
CREATE SCHEMA rest;
SET search_path = rest, scoring, public;
SET timezone = 'UTC';
CREATE TABLE "order" (id bigint, customer_id bigint, email text, created_at timestamptz, processed_at timestamptz, cancelled_at timestamptz, financial_status text, total_price float8, currency text, presentment_currency text, test boolean, confirmed boolean,
	billing_address_company text, billing_address_country_code text, billing_address_city text, _fivetran_deleted boolean, _fivetran_synced timestamptz);
INSERT INTO "order" (id, customer_id, email, processed_at, financial_status, total_price, currency, billing_address_country_code, billing_address_city) VALUES
	(1, NULL, 'ann@x.org', '2025-03-01 23:30', 'partially_refunded', 100.1, 'EUR', 'FR', 'Lyon'), (2, 7, 'Ann@X.org', '2025-04-01 10:00', 'refunded', 50, 'EUR', NULL, NULL), (3, 9, 'ben@x.org', '2025-05-01 10:00', 'paid', 60, 'EUR', 'DE', 'Bonn'),
	(4, 9, 'ben@x.org', '2025-05-02 10:00', 'paid', 40, 'USD', 'DE', 'Bonn'), (5, 9, 'ben@x.org', '2025-05-03', 'pending', 99, 'EUR', NULL, NULL), (6, 9, 'ben@x.org', '2025-05-03', 'authorized', 98, 'EUR', NULL, NULL), (7, 9, 'ben@x.org', '2025-05-03', 'voided', 97, 'EUR', NULL, NULL),
	(8, 9, 'ben@x.org', '2025-05-03', 'partially_paid', 96, 'EUR', NULL, NULL), (9, 9, 'ben@x.org', '2025-05-03', 'expired', 95, 'EUR', NULL, NULL), (10, 11, 'cleo@x.org', '2025-06-01', 'in_dispute', 15, 'EUR', NULL, NULL), (11, 9, 'ben@x.org', '2025-05-03', 'paid', 94, 'EUR', NULL, NULL), (12, 9, 'ben@x.org', '2025-05-03', 'paid', 93, 'EUR', NULL, NULL);
UPDATE "order" SET cancelled_at = '2025-05-04' WHERE id IN (2, 11);
UPDATE "order" SET test = true WHERE id = 12;
CREATE TABLE refund (id bigint, order_id bigint, created_at timestamptz, processed_at timestamptz, note text, restock boolean, user_id bigint);
INSERT INTO refund VALUES (1, 1, '2025-03-10 08:00'), (2, 2, '2025-04-05 08:00');
CREATE TABLE order_line_refund (id bigint, refund_id bigint, order_line_id bigint, subtotal numeric, total_tax numeric, quantity float8);
INSERT INTO order_line_refund VALUES (1, 1, 1, 20, 5.05), (2, 2, 4, 50, NULL);
CREATE TABLE order_adjustment (id bigint, order_id bigint, refund_id bigint, amount float8, tax_amount float8, kind text);
INSERT INTO order_adjustment VALUES (1, 1, 1, -5, 0, 'shipping_refund');
CREATE TABLE customer (id bigint, email text, created_at timestamptz, email_marketing_consent_state text);
INSERT INTO customer VALUES (7, 'ann@x.org', '2025-03-20 23:30', 'subscribed'), (9, 'ben@x.org', '2025-01-01', 'unsubscribed');
CREATE TABLE order_line (id bigint, order_id bigint, product_id bigint, title text, quantity float8, price float8, total_discount float8, gift_card boolean);
INSERT INTO order_line VALUES (1, 1, 1, 'Shirt', 2, 45.05, 10, false), (2, 1, 2, 'Lamp', 1, 20, 0, false), (3, 3, 3, 'Gift card', 1, 60, 0, true);
CREATE TABLE product (id bigint, title text, product_type text);
INSERT INTO product VALUES (1, 'Shirt', 'Clothes'), (2, 'Lamp', '');
CREATE SCHEMA rest_in;
SELECT item, detail FROM connect_shop('shopify', 'rest', 'rest_in', time_zone => 'Europe/Paris') WHERE item !~ 'next|made';
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) FILTER (WHERE value IS NOT NULL) AS customers, sum(value) AS net FROM rest_in.orders_in GROUP BY currency ORDER BY currency;
SELECT customer_key, order_key, category, product, quantity, value FROM rest_in.lines_in ORDER BY order_key, value;
SELECT * FROM rest_in.people_in ORDER BY customer_key;

CREATE SCHEMA gql;
CREATE TABLE gql."order" AS SELECT id, customer_id, email, created_at, processed_at, cancelled_at, upper(financial_status) AS display_financial_status, total_price AS total_price_set_shop_amount, currency AS currency_code, test,
	billing_address_company, billing_address_country_code, billing_address_city, _fivetran_deleted FROM rest."order";
CREATE TABLE gql.refund (id bigint, order_id bigint, created_at timestamptz, total_refunded_set_shop_amount float8);
INSERT INTO gql.refund VALUES (1, 1, '2025-03-10 08:00', 30.05), (2, 2, '2025-04-05 08:00', 50);
CREATE TABLE gql.order_line (id bigint, order_id bigint, product_id bigint, title text, quantity bigint, original_total_set_shop_amount float8, total_discount_set_shop_amount float8, is_gift_card boolean);
INSERT INTO gql.order_line VALUES (1, 1, 1, 'Shirt', 2, 90.1, 10, false), (2, 1, 2, 'Lamp', 1, 20, 0, false), (3, 3, 3, 'Gift card', 1, 60, 0, true);
CREATE TABLE gql.product AS TABLE rest.product;
CREATE TABLE gql.customer AS SELECT id, email, created_at, upper(email_marketing_consent_state) AS email_marketing_consent_state FROM rest.customer;
CREATE SCHEMA gql_in;
SELECT item, detail FROM connect_shop('shopify_graphql', 'gql', 'gql_in', time_zone => 'Europe/Paris') WHERE item ~ 'orders|unknown|one';
TABLE rest_in.lines_in EXCEPT TABLE gql_in.lines_in;
TABLE rest_in.people_in EXCEPT TABLE gql_in.people_in;

CREATE SCHEMA air;
CREATE TABLE air.orders AS SELECT id, CASE WHEN customer_id IS NOT NULL THEN jsonb_build_object('id', customer_id) END AS customer, email, created_at, processed_at, financial_status, total_price::text AS total_price, currency, test, cancelled_at,
	NULL::timestamptz AS deleted_at, NULL::jsonb AS refunds, NULL::jsonb AS line_items, jsonb_build_object('country_code', billing_address_country_code, 'city', billing_address_city) AS billing_address FROM rest."order";
UPDATE air.orders SET refunds = '[{"id": 1, "created_at": "2025-03-10T08:00:00Z", "transactions": [{"kind": "refund", "status": "success", "amount": "25.05"}, {"kind": "refund", "status": "success", "amount": 5}, {"kind": "refund", "status": "failure", "amount": "9"}]}]',
	line_items = '[{"product_id": 1, "title": "Shirt", "quantity": 2, "price": "45.05", "total_discount": "10"}, {"product_id": 2, "title": "Lamp", "quantity": 1, "price": "20.00"}]' WHERE id = 1;
UPDATE air.orders SET refunds = '[{"id": 2, "created_at": "2025-04-05T09:00:00+01:00", "transactions": [{"kind": "refund", "status": "success", "amount": "50"}]}]' WHERE id = 2;
UPDATE air.orders SET refunds = '[]', line_items = '[{"product_id": 3, "title": "Gift card", "quantity": 1, "price": "60", "gift_card": true}]' WHERE id = 3;
CREATE TABLE air.products AS TABLE rest.product;
CREATE TABLE air.customers AS SELECT id, email, created_at, jsonb_build_object('state', email_marketing_consent_state) AS email_marketing_consent FROM rest.customer;
CREATE SCHEMA air_in;
SELECT item, detail FROM connect_shop('shopify_airbyte', 'air', 'air_in', time_zone => 'Europe/Paris') WHERE item ~ 'orders|unknown|one';
TABLE rest_in.orders_in EXCEPT TABLE air_in.orders_in;
TABLE rest_in.lines_in EXCEPT TABLE air_in.lines_in;
TABLE rest_in.people_in EXCEPT TABLE air_in.people_in;
CREATE TABLE said AS SELECT replace(detail, m, m || '_' || s) AS detail FROM (VALUES ('shopify', 'rest', 'rest_in'), ('shopify_graphql', 'gql', 'gql_in'), ('shopify_airbyte', 'air', 'air_in')) AS v (m, s, i),
	connect_shop(m, s, i, time_zone => 'Europe/Paris', model => m) WHERE item = 'next' AND detail ~ 'create_model';
SELECT replace(detail, ');', $$, as_of => '2025-06-30') WHERE item IN ('rows left out')$$) FROM said \gexec
SELECT 'EUR' AS currency, sum(frequency) AS orders, count(*) FILTER (WHERE frequency > 0) AS customers, sum(monetary) AS net FROM shopify_rest_eur.customer_scores
UNION ALL SELECT 'USD', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM shopify_rest_usd.customer_scores
UNION ALL SELECT 'EUR', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM shopify_graphql_gql_eur.customer_scores
UNION ALL SELECT 'USD', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM shopify_airbyte_air_usd.customer_scores
UNION ALL SELECT 'EUR', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM shopify_airbyte_air_eur.customer_scores
EXCEPT SELECT * FROM connect_expected;
RESET search_path;
DROP SCHEMA mage, mage_in, mage_shop_eur, mage_shop_usd, presta, presta_in, presta_shop, rest, rest_in, gql, gql_in, air, air_in, shopify_rest_eur, shopify_rest_usd, shopify_graphql_gql_eur, shopify_graphql_gql_usd, shopify_airbyte_air_eur, shopify_airbyte_air_usd CASCADE;
DROP VIEW connect_expected;
