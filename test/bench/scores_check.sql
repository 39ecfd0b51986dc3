-- ntile spreads equal customers over several scores, so the two sides differ
-- by intent. Ours is compared with its definition in plain SQL, 1 + the number
-- of quantiles that the value strictly beats; of the other side's the rows
-- count. (percentile_cont can be 1e-15 off.)
WITH cuts AS (
	SELECT percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY recency) AS r,
		   percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY frequency) AS f,
		   percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY monetary::float8) AS m
	  FROM bench.customers
)
SELECT count(*)
  FROM bench.customers c
  CROSS JOIN cuts
  FULL JOIN bench.ours o USING (customer_id)
  FULL JOIN bench.plain p USING (customer_id)
 WHERE (o.r, o.f, o.m) IS DISTINCT FROM
	   (1 + (c.recency < cuts.r[1] - 1e-7)::int + (c.recency < cuts.r[2] - 1e-7)::int
		  + (c.recency < cuts.r[3] - 1e-7)::int + (c.recency < cuts.r[4] - 1e-7)::int,
		1 + (c.frequency > cuts.f[1] + 1e-7)::int + (c.frequency > cuts.f[2] + 1e-7)::int
		  + (c.frequency > cuts.f[3] + 1e-7)::int + (c.frequency > cuts.f[4] + 1e-7)::int,
		1 + (c.monetary > cuts.m[1] + 1e-7)::int + (c.monetary > cuts.m[2] + 1e-7)::int
		  + (c.monetary > cuts.m[3] + 1e-7)::int + (c.monetary > cuts.m[4] + 1e-7)::int)
	OR p.customer_id IS NULL OR c.customer_id IS NULL
