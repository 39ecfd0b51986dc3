WITH facts AS MATERIALIZED (
	SELECT customer_id,
		   DATE '2025-01-01' - max(day) AS recency,
		   count(*) AS frequency,
		   sum(amount) AS monetary,
		   DATE '2025-01-01' - min(day) AS tenure
	  FROM bench.orders
	 GROUP BY customer_id
), cuts AS MATERIALIZED (
	-- negated, because width_bucket counts the cuts that are reached, not those that are beaten
	SELECT percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY -monetary::float8) AS m
	  FROM facts
)
SELECT customer_id, recency, frequency, monetary, tenure, r, f, m,
	   r || '' || f || m AS rfm_code,
	   (r + f + m) / 3.0::float8 AS rfm_score,
	   CASE WHEN r >= 4 AND f <= 2 AND tenure > 365 THEN 'occasional'
			WHEN r >= 4 AND f >= 4 AND m >= 4 THEN 'vip'
			WHEN r >= 4 AND f <= 2 THEN 'new_customers'
			WHEN r >= 3 AND f >= 3 AND m <= 3 THEN 'upsell_potential'
			WHEN r >= 3 AND f >= 3 THEN 'regular'
			WHEN r = 3 THEN 'occasional'
			WHEN f >= 4 OR (f = 3 AND m >= 4) THEN 'at_risk'
			ELSE 'lapsed'
	   END AS segment
  FROM (
	SELECT facts.*,
		   5 - width_bucket(recency, '{30,90,180,365}'::int[]) AS r,
		   1 + width_bucket(frequency, '{2,3,5,10}'::bigint[]) AS f,
		   5 - width_bucket(-monetary::float8, cuts.m) AS m
	  FROM facts CROSS JOIN cuts
	OFFSET 0						-- else every score is computed wherever it is used
	   ) scored
