-- What people say: the net promoter score of each segment with its interval, how many
-- were asked, and the VIPs who are less pleased than they were.
WITH groups AS (
	SELECT segment_order, segment_label, asked, answers, response_rate::numeric, value::numeric, low::numeric, high::numeric FROM shop.satisfaction_by_segment WHERE answers > 0
	UNION ALL
	SELECT 1000, demo.t('all'), asked, answers, response_rate::numeric, value::numeric, low::numeric, high::numeric FROM shop.satisfaction
), fell AS (
	SELECT count(*) AS customers, (array_agg(customer_key ORDER BY monetary DESC, customer_key))[1:3] AS names
	  FROM shop.vip_customers v CROSS JOIN demo.settings d,
		   LATERAL (SELECT max(rating) AS best, (array_agg(rating ORDER BY answered_on DESC, rating))[1] AS latest
					  FROM public.answers a WHERE a.customer_id = v.customer_id AND a.question = 'nps' AND a.answered_on <= d.as_of) a
	 WHERE a.best >= 9 AND a.latest <= 6
), widths (widths) AS (
	SELECT ARRAY[-17, 10, 10, 8, 8, 8, 8, 2, -24]
), lines (position, line) AS (
	SELECT 0, demo.t('satisfaction') || '  ' || demo.t('satisfaction how')
	UNION ALL
	SELECT 1, demo.row(string_to_array(demo.t('head satisfaction'), '|') || '{"",""}'::text[], widths) FROM widths WHERE EXISTS (SELECT FROM groups)
	UNION ALL
	SELECT 1, '  ' || demo.t('nobody') WHERE NOT EXISTS (SELECT FROM groups)
	UNION ALL
	SELECT 10 + segment_order, demo.row(ARRAY[segment_label, demo.num(asked), demo.num(answers), demo.pct(answers, asked), demo.num(value), demo.num(low), demo.num(high), '',
											  demo.bar(greatest(value, 0), greatest(max(value) OVER (), 1), 24)], widths)
	  FROM groups, widths
	UNION ALL
	SELECT 2000, demo.fill('  ', '  ', demo.t_of(customers, 'satisfaction fell', demo.num(customers), array_to_string(names, ', '))) FROM fell WHERE customers > 0
	UNION ALL
	SELECT 2001, demo.fill('  ', '  ', demo.t('satisfaction score', demo.num(satisfaction_mean::numeric, 1), demo.num(satisfaction_weight::numeric, 1)))
	  FROM shop.calibration WHERE satisfaction_mean IS NOT NULL
)
SELECT line FROM lines WHERE line IS NOT NULL ORDER BY position;
