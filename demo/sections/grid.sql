-- Recency by frequency: where the customers are, and by shade where the money is.
WITH cells AS (
	SELECT r_score AS r, f_score AS f, customers, CASE WHEN sum(revenue) OVER () > 0 THEN revenue_share::numeric ELSE 0 END AS share
	  FROM shop.rfm_grid
), rows (position, cells) AS (
	SELECT 10 - r, ARRAY[split_part(demo.t('grid rows'), '|', 6 - r)] || array_agg(demo.num(customers) || ' ' || demo.shade(share) ORDER BY f)
	  FROM cells GROUP BY r
), widths (widths) AS (
	SELECT demo.fit(ARRAY[-18, 11, 11, 11, 11, 11], jsonb_agg(to_jsonb(cells))) FROM rows
), lines (position, line) AS (
	SELECT 0, demo.t('grid') || '  ' || demo.t('grid how', demo.t('grid shades', demo.shade(0.01), demo.shade(0.02), demo.shade(0.05), demo.shade(0.10)))
	UNION ALL
	SELECT 1, demo.row(string_to_array(replace(demo.t('head grid'), '|', ' |'), '|') , widths) FROM widths
	UNION ALL
	SELECT position, demo.row(cells, widths) FROM rows, widths
)
SELECT line FROM lines ORDER BY position;
