SELECT customer_id,
	   quantile_score(recency, 5, false) OVER () AS r,
	   quantile_score(frequency, 5) OVER () AS f,
	   quantile_score(monetary, 5) OVER () AS m
  FROM bench.customers
