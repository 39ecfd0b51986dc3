-- Customers who are alike: clusters of recency, frequency and monetary, with their names.
DO $$
BEGIN
	PERFORM FROM alter_model('shop', clusters => 5);
END $$;

WITH means AS (
	SELECT cluster, max(mean) FILTER (WHERE input = 'recency_days')::numeric AS days, max(mean) FILTER (WHERE input = 'frequency')::numeric AS orders
	  FROM shop.cluster_inputs GROUP BY cluster
), rows AS (
	SELECT c.*, m.days, m.orders FROM shop.clusters c JOIN means m USING (cluster)
), cells (position, cells) AS (
	SELECT 10 + cluster, ARRAY[format('%s %s', cluster, cluster_name), demo.num(customers), demo.pct(revenue_share::numeric, 1, false, 0),
			demo.num(days), demo.num(orders, 1), '', format('%s %s', nearest_segment_label, demo.pct(nearest_segment_share::numeric, 1, false, 0))]
	  FROM rows
), head (cells) AS (
	SELECT string_to_array(demo.t('head alike'), '|')
), fitted (fitted) AS (
	SELECT demo.fit(ARRAY[-30, 6, 5, 5, 5, 2, -10], jsonb_agg(to_jsonb(c.cells))) FROM (SELECT cells FROM cells UNION ALL SELECT cells FROM head) c
), lines (position, line) AS (
	SELECT 0, demo.t('alike') || '  ' || demo.t('alike how', count(*)::text) FROM rows HAVING count(*) > 0
	UNION ALL
	SELECT 0, demo.t('alike') || '  ' || demo.t('alike none', min(cluster_reason)) FROM shop.customer_scores HAVING NOT EXISTS (SELECT FROM rows)
	UNION ALL
	SELECT 1, demo.row(cells, fitted) FROM head, fitted WHERE EXISTS (SELECT FROM rows)
	UNION ALL
	SELECT position, demo.row(cells, fitted) FROM cells, fitted
	UNION ALL
	SELECT 100, demo.fill('  ', '  ', demo.t('alike stays')) WHERE EXISTS (SELECT FROM rows)
)
SELECT line FROM lines WHERE line IS NOT NULL ORDER BY position;
