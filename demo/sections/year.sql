-- What the customers are expected to bring in the next 12 months, and whether
-- the same model was right about the last 90 days.
DO $$
BEGIN
	PERFORM FROM alter_model('shop', prediction => 'mbgnbd');
	PERFORM FROM check_prediction('shop', (SELECT earlier FROM demo.settings));
END $$;

-- Nothing is said without a fit of the orders, and nothing of value without one of
-- the amounts; the reasons are in texts.sql, those of the mathematics as codes.
WITH fit AS (
	SELECT DISTINCT fit, customers, coalesce(reason, CASE WHEN status <> 'converged' THEN status END) AS reason
	  FROM shop.prediction_fits WHERE fit IN ('orders', 'spend')
), said AS (
	SELECT fit, customers, CASE WHEN reason IN ('too_few_customers', 'too_few_repeat_customers', 'everyone_bought_once', 'constant_data') THEN demo.t('fit ' || reason)
			ELSE demo.t('fit other', reason) END AS reason
	  FROM fit WHERE reason IS NOT NULL
), now AS (
	SELECT p.* FROM shop.prediction_by_segment p WHERE p.expected_orders_90d IS NOT NULL
), totals AS (
	SELECT sum(customers) AS customers, sum(clv_12m) AS clv_12m, sum(expected_orders_90d) AS orders,
		   (SELECT avg(1 - churn_probability) FROM shop.customer_scores) AS alive
	  FROM now
), widths (widths) AS (
	SELECT demo.widths('year widths')
), checked AS (
	SELECT * FROM shop.prediction_check WHERE expected_orders IS NOT NULL AND actual_orders > 0
), cells (position, cells) AS (
	SELECT 10 + segment_order, ARRAY[segment_label, demo.num(now.customers), coalesce(demo.money(now.clv_12m, totals.clv_12m), '-'),
		coalesce(demo.pct(now.clv_12m, totals.clv_12m, false), '-'), '', demo.bar(now.clv_12m, max(now.clv_12m) OVER (), -widths[6]),
		demo.num(now.expected_orders_90d::numeric), demo.pct((1 - mean_churn_probability)::numeric, 1, false, 0)]
	  FROM now, totals, widths
	UNION ALL
	SELECT 100, ARRAY[demo.t('all'), demo.num(customers), coalesce(demo.money(clv_12m, clv_12m), '-'), CASE WHEN clv_12m IS NULL THEN '-' ELSE demo.pct(1, 1, false) END, '', '',
		demo.num(orders::numeric), demo.pct(alive::numeric, 1, false, 0)]
	  FROM totals WHERE orders IS NOT NULL
), fitted (fitted) AS (
	SELECT demo.fit(widths, jsonb_agg(to_jsonb(cells))) FROM cells, widths GROUP BY widths
), lines (position, line) AS (
	SELECT 0, demo.t('year') || CASE WHEN fit.reason IS NULL THEN '  ' || demo.t('year how', demo.num(fit.customers)) ELSE '' END FROM fit WHERE fit.fit = 'orders'
	UNION ALL
	SELECT 1, '  ' || demo.t('year none', said.reason) FROM said WHERE said.fit = 'orders'
	UNION ALL
	SELECT 1, '  ' || demo.t('year no value', said.reason) FROM said WHERE said.fit = 'spend' AND EXISTS (SELECT FROM now)
	UNION ALL
	SELECT 2 + i, demo.row(string_to_array(demo.t('head year ' || i), '|'), fitted) FROM generate_series(1, 2) i, fitted WHERE EXISTS (SELECT FROM now)
	UNION ALL
	SELECT position, demo.row(cells, fitted) FROM cells, fitted
	UNION ALL
	SELECT 110, demo.fill('  ', '    ', demo.t('year check', split_on::text, until::text, demo.num(expected_orders::numeric), demo.num(actual_orders), demo.signed_pct(orders_bias::numeric))
			|| CASE WHEN value_bias IS NULL THEN '' ELSE demo.t('year check value', demo.money(expected_value, expected_value), demo.money(actual_value, expected_value), demo.signed_pct(value_bias::numeric)) END)
	  FROM checked
	UNION ALL
	SELECT 120 + i, demo.row(cells, demo.widths('classes widths'))
	  FROM checked,
		   (SELECT array_agg(repeat_orders_range ORDER BY repeat_orders) AS names, array_agg(demo.num(expected_mean::numeric, 2) ORDER BY repeat_orders) AS expected,
				   array_agg(demo.num(actual_mean::numeric, 2) ORDER BY repeat_orders) AS came FROM shop.prediction_by_frequency) c,
		   LATERAL (VALUES (1, '  ' || demo.t('head classes'), c.names), (2, '  ' || demo.t('classes expected'), c.expected), (3, '  ' || demo.t('classes came'), c.came)) v (i, head, rest),
		   LATERAL (SELECT v.head || v.rest AS cells) r
	UNION ALL
	SELECT 130, demo.row(ARRAY['  ' || demo.t('active head', split_on::text)] || string_to_array(demo.t('active columns'), '|'), demo.widths('active widths'))
	  FROM checked WHERE EXISTS (SELECT FROM shop.prediction_check_by_segment)
	UNION ALL
	SELECT 140 + row_number() OVER (ORDER BY segment_order, segment), demo.row(ARRAY['    ' || segment_label, demo.num(customers), demo.num(expected_active::numeric), demo.num(actual_active),
			demo.pct(expected_share::numeric, 1, false), demo.pct(actual_share::numeric, 1, false)], demo.widths('active widths'))
	  FROM shop.prediction_check_by_segment WHERE EXISTS (SELECT FROM checked) AND expected_active IS NOT NULL
	UNION ALL
	SELECT 190, demo.row(ARRAY['    ' || demo.t('all'), demo.num(customers), demo.num(expected_active::numeric), demo.num(actual_active),
			demo.pct(expected_active::numeric, customers, false), demo.pct(actual_active, customers, false)], demo.widths('active widths'))
	  FROM checked
	UNION ALL
	SELECT 191, demo.fill('    ', '      ', demo.t('active brier', demo.num(active_brier_score::numeric, 3), demo.num(active_brier_score_of_actual::numeric, 3))) FROM checked
)
SELECT line FROM lines ORDER BY position;
