-- connect_shop over Stripe, as its sync engine copies it: seconds, smallest units,
-- invoices and charges without one; columns of the migrations of supabase/stripe-sync-engine.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA stripe;
SET search_path = stripe, scoring, public;
CREATE TYPE invoice_status AS ENUM ('draft', 'open', 'paid', 'uncollectible', 'void');
CREATE TABLE customers (id text PRIMARY KEY, email text, created integer, address jsonb, currency text, livemode boolean, deleted boolean);
CREATE TABLE invoices (id text PRIMARY KEY, customer text, customer_email text, currency text, status invoice_status, total bigint, amount_due bigint, amount_paid bigint,
	created integer, status_transitions jsonb, livemode boolean, subscription text, lines jsonb);
CREATE TABLE charges (id text PRIMARY KEY, customer text, receipt_email text, currency text, status text, amount bigint, amount_refunded bigint, created integer,
	invoice text, payment_intent text, livemode boolean, captured boolean, paid boolean);
-- 2025-03-01 23:30 UTC is 1740871800; a day has 86400 seconds.
INSERT INTO customers VALUES ('cus_a', 'ann@x.org', 1735689600, '{"country": "FR", "city": "Lyon"}', 'eur', true, NULL), ('cus_b', 'ben@x.org', 1735689600, NULL, 'jpy', true, NULL),
	('cus_c', 'Ann@X.org ', 1735689600, NULL, 'eur', true, NULL);
INSERT INTO invoices (id, customer, currency, status, amount_paid, created, status_transitions, livemode) VALUES
	('in_1', 'cus_a', 'eur', 'paid', 10010, 1740800000, '{"paid_at": 1740871800}', true),                 -- 100.10, a part comes back
	('in_2', 'cus_a', 'eur', 'paid', 5000, 1743500000, '{"paid_at": 1743508800}', true),                  -- 50, all of it comes back
	('in_3', 'cus_b', 'jpy', 'paid', 1200, 1746093600, '{"paid_at": null}', true),                        -- 1200 yen
	('in_4', 'cus_b', 'kwd', 'paid', 12345, 1746093600, NULL, true),                                      -- 12.345 dinars
	('in_5', 'cus_a', 'eur', 'draft', 0, 1746093600, NULL, true), ('in_6', 'cus_a', 'eur', 'open', 0, 1746093600, NULL, true),
	('in_7', 'cus_a', 'eur', 'uncollectible', 0, 1746093600, NULL, true), ('in_8', 'cus_a', 'eur', 'void', 0, 1746093600, NULL, true),
	('in_9', 'cus_a', 'eur', 'paid', 99900, 1746093600, NULL, false);                                     -- of the test mode
INSERT INTO charges (id, customer, currency, status, amount, created, invoice, payment_intent, livemode, captured) VALUES
	('ch_1', 'cus_a', 'eur', 'succeeded', 10010, 1740871800, 'in_1', 'pi_1', true, true),
	('ch_2', 'cus_a', 'eur', 'succeeded', 5000, 1743508800, NULL, 'pi_2', true, true),                    -- its invoice is named by invoice_payments alone
	('ch_3', 'cus_c', 'eur', 'succeeded', 1500, 1746093600, NULL, 'pi_3', true, true),                    -- without an invoice, by a second account of ann
	('ch_4', 'cus_a', 'eur', 'failed', 7700, 1746093600, NULL, 'pi_4', true, false), ('ch_5', 'cus_a', 'eur', 'succeeded', 7600, 1746093600, NULL, 'pi_5', true, false),
	('ch_6', NULL, 'eur', 'pending', 7500, 1746093600, NULL, NULL, true, true), ('ch_7', NULL, 'eur', 'disputed', 7400, 1746093600, NULL, NULL, true, true);
-- By hand: EUR: in_1 of 100.10, in_2 of 50, ch_2 is in_2, ch_3 of 15: before any refund 3 orders of 1 customer, 165.10;
-- without invoice_payments ch_2 would be an order of its own, 215.10. JPY: 1 order, 1200. KWD: 1 order, 12.345.
CREATE SCHEMA pay;
SELECT item, detail FROM connect_shop('stripe', 'stripe', 'pay', time_zone => 'Europe/Paris') WHERE item <> 'next';
CREATE TABLE invoice_payments (id text PRIMARY KEY, invoice text, payment jsonb, status text);
INSERT INTO invoice_payments VALUES ('ip_1', 'in_1', '{"type": "payment_intent", "payment_intent": "pi_1"}', 'paid'), ('ip_2', 'in_2', '{"type": "payment_intent", "payment_intent": "pi_2"}', 'paid');
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) FILTER (WHERE value IS NOT NULL) AS customers, sum(value) AS net FROM pay.orders_in GROUP BY currency ORDER BY currency;
-- With refunds: 100.10 - 30.05, 50 - 20 - 30, and one that failed: EUR 2 orders (in_2 came back), 165.10 - 80.05 = 85.05.
CREATE TABLE refunds (id text PRIMARY KEY, charge text, payment_intent text, amount integer, currency text, created integer, status text);
INSERT INTO refunds VALUES ('re_1', 'ch_1', 'pi_1', 3005, 'eur', 1741597200, 'succeeded'), ('re_2', 'ch_2', 'pi_2', 2000, 'eur', 1743681600, 'succeeded'), ('re_3', 'ch_2', NULL, 3000, 'eur', 1743854400, 'succeeded'),
	('re_4', 'ch_1', 'pi_1', 1000, 'eur', 1743854400, 'failed');
SELECT currency, count(*) FILTER (WHERE counts) AS orders, count(DISTINCT customer_key) FILTER (WHERE value IS NOT NULL) AS customers, sum(value) AS net FROM pay.orders_in GROUP BY currency ORDER BY currency;
SELECT customer_key, timezone('Europe/Paris', ordered_at) AS at, value, counts, order_key, currency FROM pay.orders_in ORDER BY order_key, ordered_at;
CREATE TABLE said AS SELECT item, detail FROM connect_shop('stripe', 'stripe', 'pay', time_zone => 'Europe/Paris', model => 'pay') WHERE item IN ('read', 'not there yet', 'next', 'one person');
SELECT item, detail FROM said WHERE item <> 'next';
SELECT replace(detail, ');', $$, as_of => '2025-06-30') WHERE item IN ('rows read', 'rows left out', 'customers')$$) FROM said WHERE item = 'next' \gexec
SELECT 'EUR' AS currency, sum(frequency) AS orders, count(*) FILTER (WHERE frequency > 0) AS customers, sum(monetary) AS net FROM pay_eur.customer_scores
UNION ALL SELECT 'JPY', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM pay_jpy.customer_scores
UNION ALL SELECT 'KWD', sum(frequency), count(*) FILTER (WHERE frequency > 0), sum(monetary) FROM pay_kwd.customer_scores;
SELECT currency, scoring._from_smallest_units(12345, currency) FROM unnest('{EUR,jpy,kwd,isk,ugx,NULL}'::text[]) AS currency;
RESET search_path;
DROP SCHEMA stripe, pay, pay_eur, pay_jpy, pay_kwd CASCADE;
