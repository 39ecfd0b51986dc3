SELECT customer_id,
	   recency(history, DATE '2025-01-01') AS recency,
	   frequency(history, DATE '2025-01-01') AS frequency,
	   monetary(history, DATE '2025-01-01') AS monetary
  FROM bench.histories
