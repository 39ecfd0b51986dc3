-- customers whose history isn't that of their orders
SELECT count(*)
  FROM made.customer_histories m
  FULL JOIN (SELECT customer_id::text AS customer_key, history_agg(day, amount) AS history
			   FROM bench.orders GROUP BY customer_id) o USING (customer_key)
 WHERE m.history IS DISTINCT FROM o.history
