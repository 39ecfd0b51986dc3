SELECT * FROM histories('SELECT customer_id, day, amount FROM bench.orders', NULL::int)
