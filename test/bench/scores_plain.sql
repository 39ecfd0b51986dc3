SELECT customer_id,
	   ntile(5) OVER (ORDER BY recency DESC) AS r,
	   ntile(5) OVER (ORDER BY frequency) AS f,
	   ntile(5) OVER (ORDER BY monetary) AS m
  FROM bench.customers
