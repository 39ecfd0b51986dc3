-- customers whose row differs; those who stand on a quantile of monetary are
-- left out, because percentile_cont can be 1e-15 off
SELECT count(*)
  FROM bench.ours o
  FULL JOIN bench.plain p USING (customer_id)
 WHERE (o.recency_days, o.frequency, o.monetary, round(o.mean_value::numeric, 6), o.tenure_days,
		o.r_score, o.f_score, o.m_score, o.rfm_code, round(o.rfm_score::numeric, 9), o.segment)
	   IS DISTINCT FROM
	   (p.recency_days, p.frequency, p.monetary, round(p.mean_value::numeric, 6), p.tenure_days,
		p.r_score, p.f_score, p.m_score, p.rfm_code, round(p.rfm_score::numeric, 9), p.segment)
   AND NOT EXISTS (
	SELECT FROM (SELECT percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY monetary::float8) AS cuts FROM bench.plain) q,
		   unnest(cuts) cut
	 WHERE abs(cut - p.monetary) < 1e-7)
