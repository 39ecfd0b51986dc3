SELECT customer_id,
	   frequency(history, DATE '2025-01-01', 365) AS frequency,
	   monetary(history, DATE '2025-01-01', 365) AS monetary
  FROM bench.histories
