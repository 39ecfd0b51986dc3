-- customers whose history isn't that of their orders in both models, and
-- customers written without need
SELECT (SELECT count(*)
		  FROM refreshed.customer_histories r
		  FULL JOIN emptied.customer_histories e USING (customer_key)
		  FULL JOIN (SELECT customer_id::text AS customer_key, history_agg(day, amount) AS history
					   FROM bench.changing GROUP BY customer_id) o USING (customer_key)
		 WHERE r.history IS DISTINCT FROM o.history OR e.history IS DISTINCT FROM o.history)
	   + (SELECT abs(customers_added + customers_changed + customers_removed
					 - (SELECT count(DISTINCT customer_id) FROM bench.changing WHERE customer_id % 1000 = 1))
			FROM bench.ours)
