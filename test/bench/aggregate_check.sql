-- customers whose last day, number of orders or total differ
SELECT count(*)
  FROM bench.ours o FULL JOIN bench.plain p USING (customer_id)
 WHERE (last_day(o.history, 'infinity'), frequency(o.history, 'infinity'), monetary(o.history, 'infinity'))
	   IS DISTINCT FROM (p.last_day, p.n, p.total)
