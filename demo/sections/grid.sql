-- Recency by frequency: where the customers are, and by shade where the money is.
WITH total AS (
	SELECT sum(monetary) AS revenue FROM demo.scored_now WHERE r_score IS NOT NULL
), cells AS (
	SELECT r, f, count(s.customer_id) AS customers, coalesce(sum(s.monetary), 0) AS revenue
	  FROM generate_series(1, 5) r CROSS JOIN generate_series(1, 5) f LEFT JOIN demo.scored_now s ON s.r_score = r AND s.f_score = f
	 GROUP BY 1, 2
), widths (widths) AS (
	SELECT ARRAY[-18, 11, 11, 11, 11, 11]
), lines (position, line) AS (
	SELECT 0, demo.t('grid') || '  ' || demo.t('grid how', demo.t('grid shades', demo.shade(0.01), demo.shade(0.02), demo.shade(0.05), demo.shade(0.10)))
	UNION ALL
	SELECT 1, demo.row(string_to_array(replace(demo.t('head grid'), '|', ' |'), '|') , widths) FROM widths
	UNION ALL
	SELECT 10 - r, demo.row(ARRAY[split_part(demo.t('grid rows'), '|', 6 - r)]
			|| array_agg(demo.num(customers) || ' ' || demo.shade(CASE WHEN total.revenue > 0 THEN cells.revenue / total.revenue ELSE 0 END) ORDER BY f), widths)
	  FROM cells, total, widths GROUP BY r, widths
)
SELECT line FROM lines ORDER BY position;
