-- customers whose numbers differ; other scores are what these ways are
SELECT count(*)
  FROM bench.ours o
  FULL JOIN bench.plain p USING (customer_id)
 WHERE (o.recency_days, o.frequency, o.monetary, o.mean_value, o.tenure_days)
	   IS DISTINCT FROM
	   (p.recency_days, p.frequency, p.monetary, p.mean_value, p.tenure_days)
	OR p.rfm_code IS DISTINCT FROM p.r_score * 100 + p.f_score * 10 + p.m_score || ''
	OR p.segment IS NULL
