SELECT customer_id
  FROM bench.histories
 WHERE recency(history, DATE '2025-01-01') < 0
	OR frequency(history, DATE '2025-01-01') < 0
	OR monetary(history, DATE '2025-01-01') < 0
