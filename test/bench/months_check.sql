-- months and segments that differ
SELECT count(*)
  FROM bench.ours o FULL JOIN bench.plain p USING (as_of, segment)
 WHERE o.customers IS DISTINCT FROM p.customers
