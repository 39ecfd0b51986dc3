-- customers whose history differs
SELECT count(*)
  FROM bench.ours o FULL JOIN bench.plain p USING (customer_id)
 WHERE o.history IS DISTINCT FROM p.history
