-- Orders of a shop in Medusa, for test/sql/connect_postgres.sql and test/t/054_medusa.pl.
-- Medusa has a customer for a guest, and another once they register.
INSERT INTO customer (id, email, has_account, created_at) VALUES ('cus_01', 'ann@x.org', false, '2025-03-01 23:00+00'), ('cus_02', 'ann@x.org', true, '2025-03-20'), ('cus_03', 'ben@x.org', true, '2025-01-01 23:30+00');
INSERT INTO order_address (id, company, city, country_code) VALUES ('addr_1', NULL, 'Lyon', 'fr'), ('addr_2', 'Ben GmbH', 'Bonn', 'de');
INSERT INTO "order" (id, customer_id, email, currency_code, status, created_at, version, billing_address_id) VALUES
	('o1', 'cus_01', 'Ann@X.org', 'eur', 'completed', '2025-03-01 23:30+00', 1, 'addr_1'),   -- 100.10, a part comes back; 2 March in Paris
	('o2', 'cus_02', 'ann@x.org', 'eur', 'canceled', '2025-04-01', 1, NULL),                 -- 50, paid and all of it back
	('o3', 'cus_03', 'ben@x.org', 'eur', 'pending', '2025-05-01', 2, 'addr_2'),              -- 60 in two captures
	('o4', 'cus_03', 'ben@x.org', 'usd', 'archived', '2025-05-02', 1, 'addr_2'),             -- 40 dollars
	('o5', 'cus_03', 'ben@x.org', 'eur', 'pending', '2025-05-03', 1, NULL), ('o6', 'cus_03', 'ben@x.org', 'eur', 'canceled', '2025-05-03', 1, NULL),
	('o7', 'cus_03', 'ben@x.org', 'eur', 'requires_action', '2025-05-03', 1, NULL), ('o8', 'cus_03', 'ben@x.org', 'eur', 'draft', '2025-05-03', 1, NULL), ('o9', 'cus_03', 'ben@x.org', 'eur', 'completed', '2025-05-04', 1, NULL);
UPDATE "order" SET is_draft_order = true WHERE id = 'o8';
UPDATE "order" SET deleted_at = now() WHERE id = 'o9';
INSERT INTO order_transaction (id, order_id, amount, currency_code, reference, created_at, deleted_at) VALUES
	('t1', 'o1', 100.10, 'eur', 'capture', '2025-03-01 23:31+00', NULL), ('t2', 'o1', -30.05, 'eur', 'refund', '2025-03-10', NULL),
	('t3', 'o2', 50, 'eur', 'capture', '2025-04-01', NULL), ('t4', 'o2', -50, 'eur', 'refund', '2025-04-05', NULL),
	('t5', 'o3', 20, 'eur', 'capture', '2025-05-01', NULL), ('t6', 'o3', 40, 'eur', 'capture', '2025-05-02', NULL), ('t7', 'o3', 99, 'eur', 'capture', '2025-05-02', '2025-05-02'),
	('t8', 'o4', 40, 'usd', 'capture', '2025-05-02', NULL), ('t9', 'o9', 77, 'eur', 'capture', '2025-05-04', NULL);
INSERT INTO order_line_item (id, title, product_title, product_type, product_collection, unit_price) VALUES ('l1', 'M / red', 'Shirt', 'clothes', 'summer', 50.05), ('l2', 'Lamp', NULL, '', 'home', 30), ('l3', 'Lamp', NULL, '', 'home', 30);
INSERT INTO order_item (id, order_id, version, item_id, quantity, deleted_at) VALUES ('i1', 'o1', 1, 'l1', 2, NULL), ('i2', 'o3', 1, 'l2', 5, NULL), ('i3', 'o3', 2, 'l2', 2, NULL), ('i4', 'o2', 1, 'l3', 1, NULL), ('i5', 'o1', 1, 'l3', 1, '2025-05-05');
