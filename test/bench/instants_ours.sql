SELECT * FROM score_customers('SELECT customer_id, at, amount FROM bench.instants', NULL::int, '2025-01-01',
							  time_zone => 'Europe/Paris')
