-- customers whose three values differ
SELECT count(*)
  FROM bench.ours o FULL JOIN bench.plain p USING (customer_id)
 WHERE (o.recency, o.frequency, o.monetary) IS DISTINCT FROM (p.recency, p.frequency, p.monetary)
