-- customers of whom anything differs, or who were not found
SELECT (SELECT count(*) FROM (TABLE bench.ours EXCEPT TABLE bench.plain) o)
	   + (SELECT count(*) FROM (TABLE bench.plain EXCEPT TABLE bench.ours) p)
	   + (SELECT count(*) FROM bench.looked_up l WHERE NOT EXISTS (SELECT FROM bench.ours o WHERE o.customer_key = l.customer_key))
