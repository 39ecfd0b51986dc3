SELECT customer_id, history_agg(day, amount) AS history
  FROM bench.orders
 GROUP BY customer_id
