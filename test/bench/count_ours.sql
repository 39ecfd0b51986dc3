SELECT count(*) AS n FROM score_customers('SELECT customer_id, day, amount FROM bench.orders', NULL::int, '2025-01-01')
