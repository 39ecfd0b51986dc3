-- connect_shop over shops that live in PostgreSQL: Medusa and Odoo. Columns of the
-- migrations of medusajs/medusa (packages/modules/order) and of the models of odoo/odoo.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA medusa;
SET search_path = medusa, scoring, public;
CREATE TYPE order_status_enum AS ENUM ('pending', 'completed', 'draft', 'archived', 'canceled', 'requires_action');
CREATE TABLE "order" (id text PRIMARY KEY, region_id text, display_id serial, customer_id text, version int NOT NULL DEFAULT 1, sales_channel_id text, status order_status_enum NOT NULL DEFAULT 'pending',
	is_draft_order boolean NOT NULL DEFAULT false, email text, currency_code text NOT NULL, shipping_address_id text, billing_address_id text, no_notification boolean, metadata jsonb,
	created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz, canceled_at timestamptz);
CREATE TABLE order_transaction (id text PRIMARY KEY, order_id text NOT NULL, version int NOT NULL DEFAULT 1, amount numeric NOT NULL, raw_amount jsonb, currency_code text NOT NULL, reference text, reference_id text,
	created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz, return_id text, claim_id text, exchange_id text);
CREATE TABLE customer (id text PRIMARY KEY, company_name text, first_name text, last_name text, email text, phone text, has_account boolean NOT NULL DEFAULT false, metadata jsonb, created_at timestamptz NOT NULL, deleted_at timestamptz);
CREATE TABLE order_address (id text PRIMARY KEY, customer_id text, company text, first_name text, last_name text, address_1 text, city text, country_code text, postal_code text);
CREATE TABLE order_item (id text PRIMARY KEY, order_id text NOT NULL, version int NOT NULL, item_id text NOT NULL, quantity numeric NOT NULL, deleted_at timestamptz);
CREATE TABLE order_line_item (id text PRIMARY KEY, title text NOT NULL, variant_id text, product_id text, product_title text, product_type text, product_collection text, unit_price numeric NOT NULL);
SET timezone = 'UTC';
\getenv srcdir PG_ABS_SRCDIR
\set orders :srcdir '/medusa/orders.sql'
\i :orders
RESET timezone;
-- By hand: EUR: o1 and o3 are orders, o2 came back: 2 orders of 2 customers, 100.10 - 30.05 + 60 = 130.05. USD: 1 of 1, 40.
CREATE SCHEMA medusa_in;
SELECT item, detail FROM connect_shop('medusa', 'medusa', 'medusa_in', time_zone => 'Europe/Paris', model => 'medusa_shop') WHERE item <> 'next';
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) AS customers, sum(value) AS net FROM medusa_in.orders_in GROUP BY currency ORDER BY currency;
SELECT customer_key, timezone('Europe/Paris', ordered_at) AS at, value, counts, order_key, currency, account_key FROM medusa_in.orders_in ORDER BY order_key, ordered_at;
SELECT customer_key, order_key, category, product, quantity, value FROM medusa_in.lines_in ORDER BY order_key;
SELECT * FROM medusa_in.people_in ORDER BY customer_key;
CREATE TABLE said AS SELECT detail FROM connect_shop('medusa', 'medusa', 'medusa_in', time_zone => 'Europe/Paris', model => 'medusa_shop') WHERE item = 'next';
SELECT replace(detail, CASE WHEN detail ~ 'create_model' THEN ');' ELSE ';' END, CASE WHEN detail ~ 'create_model' THEN $$, as_of => '2025-06-30')$$ ELSE '' END || $$ WHERE item IN ('rows read', 'rows left out', 'customers', 'kind home', 'kind clothes')$$) FROM said \gexec
SELECT 'EUR' AS currency, sum(frequency) AS orders, count(*) FILTER (WHERE frequency > 0) AS customers, sum(monetary) AS net FROM medusa_shop_eur.customer_scores
UNION ALL SELECT 'USD', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM medusa_shop_usd.customer_scores;

CREATE SCHEMA odoo;
SET search_path = odoo, scoring, public;
CREATE TABLE res_currency (id int, name varchar);
CREATE TABLE res_company (id int, name varchar, currency_id int);
CREATE TABLE res_country (id int, code varchar(2), name jsonb);
CREATE TABLE res_partner (id int, name varchar, email varchar, commercial_partner_id int, parent_id int, is_company boolean, country_id int, city varchar, create_date timestamp, active boolean);
CREATE TABLE sale_order (id int, name varchar, state varchar, date_order timestamp, partner_id int, company_id int, currency_id int, currency_rate numeric, amount_untaxed numeric, amount_tax numeric, amount_total numeric, website_id int);
CREATE TABLE sale_order_line (id int, order_id int, product_id int, name text, product_uom_qty numeric, price_unit numeric, price_total numeric, display_type varchar);
CREATE TABLE account_move (id int, move_type varchar, state varchar, invoice_date date, partner_id int, amount_total numeric, currency_id int);
CREATE TABLE account_move_line (id int, move_id int, price_total numeric);
CREATE TABLE sale_order_line_invoice_rel (order_line_id int, invoice_line_id int);
CREATE TABLE pos_order (id int, name varchar, state varchar, date_order timestamp, partner_id int, company_id int, amount_total numeric, amount_paid numeric);
CREATE TABLE pos_order_line (id int, order_id int, product_id int, full_product_name varchar, qty numeric, price_subtotal_incl numeric, refunded_orderline_id int);
CREATE TABLE product_product (id int, product_tmpl_id int);
CREATE TABLE product_template (id int, name jsonb, categ_id int);
CREATE TABLE product_category (id int, name varchar, complete_name varchar);
CREATE TABLE rating_rating (id int, res_model varchar, res_id int, partner_id int, rating float8, consumed boolean, create_date timestamp);
INSERT INTO res_currency VALUES (1, 'EUR'), (2, 'USD');
INSERT INTO res_company VALUES (1, 'Shop', 1);
INSERT INTO res_country VALUES (75, 'FR', '{"en_US": "France"}');
INSERT INTO res_partner (id, name, email, commercial_partner_id, country_id, city, create_date) VALUES (1, 'Shop', 'shop@x.org', 1, 75, 'Paris', '2024-01-01'), (10, 'Ann', 'ann@x.org', 10, 75, 'Lyon', '2025-03-01 23:30'),
	(11, 'Ann again', 'ANN@x.org', 11, NULL, NULL, '2025-03-20'), (20, 'ACME', NULL, 20, 75, 'Paris', '2025-01-01'), (21, 'Ben', 'ben@acme.org', 20, 75, 'Paris', '2025-01-02');
INSERT INTO sale_order (id, state, date_order, partner_id, company_id, currency_id, amount_total) VALUES
	(1, 'sale', '2025-03-01 23:30', 10, 1, 1, 100.10), (2, 'sale', '2025-04-01 10:00', 11, 1, 1, 50), (3, 'done', '2025-05-01 10:00', 21, 1, 2, 40),
	(4, 'draft', '2025-05-01', 21, 1, 1, 99), (5, 'sent', '2025-05-01', 21, 1, 1, 98), (6, 'cancel', '2025-05-01', 21, 1, 1, 97);
INSERT INTO sale_order_line VALUES (1, 1, 1, 'Shirt', 2, 40, 80.10, NULL), (2, 1, 2, 'Lamp', 1, 20, 20, NULL), (3, 1, NULL, 'Thank you', 0, 0, 0, 'line_note'), (4, 2, 1, 'Shirt', 1, 50, 50, NULL), (5, 3, 1, 'Shirt', 1, 40, 40, NULL);
INSERT INTO account_move VALUES (1, 'out_invoice', 'posted', '2025-03-02', 10, 100.10, 1), (2, 'out_refund', 'posted', '2025-03-10', 10, 30.05, 1), (3, 'out_refund', 'posted', '2025-04-05', 11, 50, 1), (4, 'out_refund', 'draft', '2025-04-05', 10, 10, 1);
INSERT INTO account_move_line VALUES (1, 1, 80.10), (2, 1, 20), (3, 2, 20.05), (4, 2, 10), (5, 3, 50), (6, 4, 10);
INSERT INTO sale_order_line_invoice_rel VALUES (1, 1), (2, 2), (1, 3), (2, 4), (4, 5), (1, 6);
-- The counter: 30 of ben, of which a lamp goes back; 5 of somebody unknown; an order below zero that names none; not paid yet.
INSERT INTO pos_order (id, state, date_order, partner_id, company_id, amount_total) VALUES (1, 'done', '2025-05-05 10:00', 21, 1, 30), (2, 'paid', '2025-05-06 10:00', 21, 1, -10), (3, 'invoiced', '2025-05-07 10:00', NULL, 1, 5),
	(4, 'done', '2025-05-08 10:00', 21, 1, -3), (5, 'draft', '2025-05-08 10:00', 21, 1, 77), (6, 'cancel', '2025-05-08 10:00', 21, 1, 76);
INSERT INTO pos_order_line VALUES (1, 1, 1, 'Shirt', 1, 20, NULL), (2, 1, 2, 'Lamp', 1, 10, NULL), (3, 2, 2, 'Lamp', -1, -10, 2), (4, 3, 2, 'Lamp', 1, 5, NULL), (5, 4, 2, 'Lamp', -1, -3, NULL);
INSERT INTO product_product VALUES (1, 1), (2, 2);
INSERT INTO product_template VALUES (1, '{"en_US": "Shirt"}', 1), (2, '{"en_US": "Lamp"}', 2);
INSERT INTO product_category VALUES (1, 'Clothes', 'All / Clothes'), (2, 'Home', 'All / Home');
INSERT INTO rating_rating VALUES (1, 'sale.order', 1, 10, 5, true, '2025-03-05'), (2, 'sale.order', 2, 11, 0, false, '2025-04-05'), (3, 'helpdesk.ticket', 3, 21, 3, true, '2025-05-05');
-- By hand: EUR: sale/1 and pos/1 of ann and ben, sale/2 came back, pos/3 of nobody: 3 orders, 2 customers;
-- 100.10 - 30.05 + 50 - 50 + 30 - 10 + 5 - 3 = 92.05. USD: 1 of 1, 40.
CREATE SCHEMA odoo_in;
SELECT item, detail FROM connect_shop('odoo', 'odoo', 'odoo_in', time_zone => 'Europe/Paris', model => 'odoo_shop') WHERE item <> 'next';
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) AS customers, sum(value) AS net FROM odoo_in.orders_in GROUP BY currency ORDER BY currency;
SELECT customer_key, timezone('Europe/Paris', ordered_at) AS at, value, counts, order_key, currency, account_key FROM odoo_in.orders_in ORDER BY order_key, ordered_at;
SELECT customer_key, order_key, category, product, quantity, value FROM odoo_in.lines_in ORDER BY order_key, category;
SELECT customer_key, timezone('UTC', answered_at) AS at, kind, rating, scale_max FROM odoo_in.answers_in ORDER BY answered_at;
SELECT * FROM odoo_in.people_in ORDER BY customer_key;
CREATE TABLE said AS SELECT detail FROM connect_shop('odoo', 'odoo', 'odoo_in', time_zone => 'Europe/Paris', model => 'odoo_shop') WHERE item = 'next';
SELECT replace(detail, CASE WHEN detail ~ 'create_model' THEN ');' ELSE ';' END, CASE WHEN detail ~ 'create_model' THEN $$, as_of => '2025-06-30')$$ ELSE '' END || $$ WHERE item IN ('rows read', 'rows left out', 'customers', 'kind Home', 'kind Clothes', 'scale')$$) FROM said \gexec
SELECT 'EUR' AS currency, sum(frequency) AS orders, count(*) FILTER (WHERE frequency > 0) AS customers, sum(monetary) AS net FROM odoo_shop_eur.customer_scores
UNION ALL SELECT 'USD', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM odoo_shop_usd.customer_scores;
RESET search_path;
DROP SCHEMA medusa, medusa_in, medusa_shop_eur, medusa_shop_usd, odoo, odoo_in, odoo_shop_eur, odoo_shop_usd CASCADE;
