SELECT customer_id, max(day) AS last_day, count(*) AS n, sum(amount) AS total
  FROM bench.orders
 GROUP BY customer_id
