SELECT customer_id
  FROM bench.totals
 WHERE DATE '2025-01-01' - last_day < 0
	OR n < 0
	OR total < 0
