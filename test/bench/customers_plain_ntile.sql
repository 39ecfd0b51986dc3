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
		   ntile(5) OVER (ORDER BY recency_days DESC) AS r_score,
		   ntile(5) OVER (ORDER BY frequency) AS f_score,
		   ntile(5) OVER (ORDER BY monetary) AS m_score
	  FROM (
	SELECT customer_id,
		   DATE '2025-01-01' - @last_day@ AS recency_days,
		   count(*) AS frequency,
		   sum(amount) AS monetary,
		   avg(amount) AS mean_value,
		   DATE '2025-01-01' - @first_day@ AS tenure_days
	  FROM @orders@
	 GROUP BY customer_id
		   ) facts
	   ) scored
