-- What line r starts from: a model with everything switched on, of 200,000
-- customers (fewer where there are fewer orders), and the primary key of a table.
CREATE TABLE bench.people AS
SELECT customer_id, 'shop ' || customer_id % 2 AS shop, 'town ' || customer_id % 20 AS town,
	   customer_id % 3 > 0 AS agreed
  FROM bench.totals ORDER BY customer_id LIMIT 200000;

CREATE TABLE bench.shop_orders AS
SELECT o.*, p.shop FROM bench.orders o JOIN bench.people p USING (customer_id);

CREATE TABLE bench.visits AS
SELECT o.customer_id, p.shop, o.day, (ARRAY['page_view', 'email_open', 'email_click'])[1 + n % 3] AS kind
  FROM bench.orders o JOIN bench.people p USING (customer_id), generate_series(1, 3) n;

CREATE TABLE bench.baskets AS
SELECT customer_id, shop, day, 'cart' AS kind FROM bench.shop_orders;

VACUUM (FREEZE, ANALYZE) bench.people, bench.shop_orders, bench.visits, bench.baskets;

SELECT * FROM create_model('everything', 'bench.shop_orders', as_of => '2025-01-01',
						   customer => 'customer_id', day => 'day', value => 'amount', tenant => 'shop',
						   customers => 'bench.people', attributes => '{town}', consent => 'agreed',
						   prediction => 'mbgnbd', clusters => 3, live => true);

SELECT * FROM add_stream('everything', 'web', 'bench.visits',
						 customer => 'customer_id', day => 'day', kind => 'kind', live => true);

SELECT * FROM add_stream('everything', 'basket', 'bench.baskets',
						 customer => 'customer_id', day => 'day', kind => 'kind', live => true);

-- of other customers than one after the other: those of one page, say
INSERT INTO bench.shop_orders
SELECT customer_id, DATE '2024-12-30', 12.34, shop FROM bench.people ORDER BY hashint4(customer_id) LIMIT 10000;

CREATE TABLE bench.keyed AS
SELECT customer_key, tenant, segment FROM everything.customer_scores;

ALTER TABLE bench.keyed ADD PRIMARY KEY (customer_key);

VACUUM (FREEZE, ANALYZE) bench.keyed, everything.customer_histories, everything.stream_histories;
