-- customers whose values of the last 365 days differ
SELECT count(*)
  FROM bench.ours o FULL JOIN bench.plain p USING (customer_id)
 WHERE (o.frequency, o.monetary) IS DISTINCT FROM (p.frequency, p.monetary)
