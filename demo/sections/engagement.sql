-- What people do besides ordering: bands of the card engagement by segment, and the
-- segment that R, F and M alone don't see, with what became of it.
WITH now AS MATERIALIZED (
	SELECT customer_key, segment, segment_order, segment_label, r_score, f_score, m_score, engagement_score, engagement_band FROM shop.customer_scores
), bands AS (
	SELECT band, label, display_order FROM scorecard_band WHERE card = 'engagement' AND language = demo.t('language')
), hybrid AS (
	SELECT segment, label FROM segment_label WHERE map = 'essential_hybrid' AND segment = 'high_potential_low_engagement' AND language = demo.t('language')
), missed AS (
	SELECT count(*) AS vips, count(*) FILTER (WHERE segment(r_score, f_score, m_score, 'essential_hybrid', jsonb_build_object('engagement_score', engagement_score))
											  = 'high_potential_low_engagement') AS customers
	  FROM now WHERE segment = 'vip'
), past AS MATERIALIZED (
	-- the VIPs of 90 days ago, with the thresholds and the points of that day
	SELECT b.orders, b.revenue, s.engagement_band AS band, s.engagement_band = 'cold' AND earlier.engagement_band IN ('hot', 'warm') AS fell,
		   segment(v.r_score, v.f_score, v.m_score, 'essential_hybrid', jsonb_build_object('engagement_score', s.engagement_score)) AS segment
	  FROM demo.settings d CROSS JOIN score_customers('SELECT customer_id, order_date, amount FROM orders', d.earlier) v
	  LEFT JOIN shop.customer_scores_at(d.earlier) s ON s.customer_key = v.customer_id
	  LEFT JOIN shop.customer_scores_at(d.earlier - 60) earlier ON earlier.customer_key = v.customer_id
	  LEFT JOIN demo.bought_since b ON b.customer_id = v.customer_id
	 WHERE v.segment = 'vip' AND EXISTS (SELECT FROM demo.scored_then) AND EXISTS (SELECT FROM demo.bought_since WHERE orders > 0)
), groups (position, name, indent, orders, revenue) AS (
	SELECT 1, demo.t('vips then', earlier::text), 0, orders, revenue FROM past, demo.settings
	UNION ALL
	SELECT 2, (SELECT string_agg(lower(label), demo.t('or') ORDER BY display_order) FROM bands WHERE band <> 'cold'), 1, orders, revenue
	  FROM past WHERE band IN ('hot', 'warm')
	UNION ALL
	SELECT 3, (SELECT lower(label) FROM bands WHERE band = 'cold'), 1, orders, revenue FROM past WHERE band = 'cold'
	UNION ALL
	SELECT 4, demo.t('vips fell', (SELECT string_agg(lower(label), demo.t('or') ORDER BY display_order) FROM bands WHERE band <> 'cold')), 2, orders, revenue FROM past WHERE fell
	UNION ALL
	SELECT 5, split_part(demo.t('head activity'), '|', 1), 1, orders, revenue FROM past WHERE band IS NULL
	UNION ALL
	SELECT 6, label, 0, orders, revenue FROM past JOIN hybrid USING (segment)
	UNION ALL
	SELECT 7, demo.t('vips left'), 0, orders, revenue FROM past WHERE segment = 'vip'
), checked AS (
	SELECT position, repeat('  ', indent) || name AS name, count(*) AS customers, count(*) FILTER (WHERE orders > 0) AS bought, coalesce(sum(revenue), 0) / count(*) AS revenue
	  FROM groups GROUP BY position, name, indent
), active AS (
	SELECT segment_order, segment_label, percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(engagement_score, 0))::numeric AS score,
		   count(*) FILTER (WHERE engagement_band = 'hot') AS hot, count(*) FILTER (WHERE engagement_band = 'warm') AS warm,
		   count(*) FILTER (WHERE engagement_band = 'cold') AS cold, count(*) FILTER (WHERE engagement_band IS NULL) AS unknown
	  FROM now GROUP BY 1, 2
), widths (widths, checked) AS (
	SELECT ARRAY[-17, 8, 8, 8, 12, 10, 2, -30], ARRAY[-44, 10, 20, 18]
), lines (position, line) AS (
	SELECT 0, demo.t('activity') || '  ' || demo.t('activity how')
	UNION ALL
	SELECT 1, demo.row(ARRAY[demo.t('segment')] || ARRAY(SELECT lower(label) FROM bands ORDER BY display_order)
					   || string_to_array(demo.t('head activity'), '|'), widths) FROM widths
	UNION ALL
	SELECT 10 + segment_order, demo.row(ARRAY[segment_label, demo.num(hot), demo.num(warm), demo.num(cold), demo.num(unknown), demo.num(score, 1), '',
											  demo.bar(score, max(score) OVER (), 30)], widths)
	  FROM active, widths
	UNION ALL
	SELECT 100, demo.fill('  ', '  ', demo.t('missed', demo.num(customers), demo.num(vips), demo.quoted(label))) FROM missed, hybrid WHERE customers > 0
	UNION ALL
	SELECT 101, demo.row(string_to_array(demo.t('head engaged'), '|'), checked) FROM widths WHERE EXISTS (SELECT FROM checked)
	UNION ALL
	SELECT 110 + position, demo.row(ARRAY[name, demo.num(customers), demo.pct(bought, customers), demo.num(revenue, 2)], widths.checked)
	  FROM checked, widths
	UNION ALL
	SELECT 120, demo.fill('  ', '    ', demo.t('engaged check', earlier::text, (earlier + 1)::text, as_of::text)) FROM demo.settings WHERE EXISTS (SELECT FROM checked)
)
SELECT line FROM lines WHERE line IS NOT NULL ORDER BY position;
