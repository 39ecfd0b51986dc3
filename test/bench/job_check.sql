-- customers whose row differs; next to a quantile m may, because
-- percentile_cont can be 1e-15 off, so only a score or segment of another kind counts
SELECT count(*)
  FROM bench.ours o FULL JOIN bench.plain p USING (customer_id)
 WHERE (o.recency, o.frequency, o.monetary, o.tenure, o.r, o.f, o.m, o.rfm_code, round(o.rfm_score::numeric, 9), o.segment)
	   IS DISTINCT FROM
	   (p.recency, p.frequency, p.monetary, p.tenure, p.r, p.f, p.m, p.rfm_code, round(p.rfm_score::numeric, 9), p.segment)
