-- The second stream of the sample: who is active, whether buying or not.
WITH active AS (
	SELECT s.segment_order, s.segment_label, percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(decayed_sum(v.history, s.as_of, 30), 0)) AS points,
		   count(*) FILTER (WHERE frequency(v.history, s.as_of, 30) > 0) AS active, count(*) AS customers
	  FROM shop.customer_scores s
	  LEFT JOIN (SELECT customer_id, history_agg(visit_date, points) AS history FROM visits GROUP BY 1) v ON v.customer_id = s.customer_key
	 GROUP BY 1, 2
), widths (widths) AS (
	SELECT ARRAY[-17, 10, 2, -32, 20]
), lines (position, line) AS (
	SELECT 0, demo.t('activity') || '  ' || demo.t('activity how')
	UNION ALL
	SELECT 1, demo.row(string_to_array(demo.t('head activity'), '|'), widths) FROM widths
	UNION ALL
	SELECT 10 + segment_order, demo.row(ARRAY[segment_label, demo.num(points::numeric, 1), '', demo.bar(points::numeric, max(points) OVER ()::numeric, 30),
										   demo.pct(active, customers)], widths)
	  FROM active, widths
)
SELECT line FROM lines ORDER BY position;
