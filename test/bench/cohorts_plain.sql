SELECT cohort_month,
	   (extract(year FROM month) - extract(year FROM cohort_month))::int * 12
	   + (extract(month FROM month) - extract(month FROM cohort_month))::int AS months_since,
	   count(*) AS active_customers, sum(revenue) AS revenue
  FROM (SELECT month, revenue, min(month) OVER (PARTITION BY customer_id) AS cohort_month
		  FROM (SELECT customer_id, date_trunc('month', day)::date AS month, sum(amount) AS revenue
				  FROM bench.orders WHERE day <= DATE '2025-01-01' GROUP BY 1, 2) AS m) AS c
 GROUP BY 1, 2
