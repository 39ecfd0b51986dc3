SELECT customer_id,
	   DATE '2025-01-01' - last_day AS recency,
	   n AS frequency,
	   total AS monetary
  FROM bench.totals
