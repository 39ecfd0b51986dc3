WITH facts AS MATERIALIZED (
	SELECT customer_id,
		   DATE '2025-01-01' - @last_day@ AS recency_days,
		   count(*) AS frequency,
		   sum(amount) AS monetary,
		   avg(amount) AS mean_value,
		   DATE '2025-01-01' - @first_day@ AS tenure_days,
		   sum(amount)::float8 AS total
	  FROM @orders@
	 GROUP BY customer_id
), cuts AS MATERIALIZED (
	SELECT percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY total) AS m
	  FROM facts
)
SELECT customer_id, recency_days, frequency, monetary, mean_value, tenure_days, r_score, f_score, m_score,
	   r_score || '' || f_score || m_score AS rfm_code,
	   (r_score + f_score + m_score) / 3.0::float8 AS rfm_score,
	   CASE WHEN r_score >= 4 AND f_score <= 2 AND tenure_days > 365 THEN 'occasional'
			WHEN r_score >= 4 AND f_score >= 4 AND m_score >= 4 THEN 'vip'
			WHEN r_score >= 4 AND f_score <= 2 THEN 'new_customers'
			WHEN r_score >= 3 AND f_score >= 3 AND m_score <= 3 THEN 'upsell_potential'
			WHEN r_score >= 3 AND f_score >= 3 THEN 'regular'
			WHEN r_score = 3 THEN 'occasional'
			WHEN f_score >= 4 OR (f_score = 3 AND m_score >= 4) THEN 'at_risk'
			ELSE 'lapsed'
	   END AS segment
  FROM (
	SELECT facts.*,
		   CASE WHEN recency_days < 30 THEN 5 WHEN recency_days < 90 THEN 4 WHEN recency_days < 180 THEN 3
				WHEN recency_days < 365 THEN 2 ELSE 1 END AS r_score,
		   CASE WHEN frequency <= 1 THEN 1 WHEN frequency <= 2 THEN 2 WHEN frequency <= 4 THEN 3
				WHEN frequency <= 9 THEN 4 ELSE 5 END AS f_score,
		   CASE WHEN total <= m[1] THEN 1 WHEN total <= m[2] THEN 2 WHEN total <= m[3] THEN 3
				WHEN total <= m[4] THEN 4 ELSE 5 END AS m_score
	  FROM facts CROSS JOIN cuts
	OFFSET 0						-- else every score is computed wherever it is used
	   ) scored
