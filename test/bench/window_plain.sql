SELECT customer_id,
	   count(*) FILTER (WHERE day > DATE '2025-01-01' - 365) AS frequency,
	   coalesce(sum(amount) FILTER (WHERE day > DATE '2025-01-01' - 365), 0) AS monetary
  FROM bench.orders
 GROUP BY customer_id
