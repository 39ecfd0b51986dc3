-- customers that are counted in another segment; those who stand on a quantile
-- of monetary may be, because percentile_cont can be 1e-15 off
SELECT greatest(0, sum(abs(coalesce(o.customers, 0) - coalesce(p.customers, 0))) - (
	SELECT 2 * count(*)
	  FROM bench.totals t,
		   unnest((SELECT percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY total::float8) FROM bench.totals)) cut
	 WHERE abs(cut - t.total) < 1e-7))
  FROM bench.ours o FULL JOIN bench.plain p USING (segment)
