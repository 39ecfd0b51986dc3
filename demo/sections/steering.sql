-- Steering: a goal, a campaign with its control group, and what chance alone does to such numbers.
DO $$
BEGIN
	PERFORM FROM set_goal('shop', 'vip', 'churn_rate', -10, 'by_percent', (SELECT as_of + 180 FROM demo.settings));
	PERFORM FROM start_campaign('shop', 'voucher', 'at_risk', on_day => (SELECT earlier FROM demo.settings));
END $$;

-- the numbers of an article about segments: who ordered of 1,000 without an offer, and with one
WITH article (no, without, with_offer) AS (
	VALUES (1, 80, 120), (2, 30, 50), (3, 10, 20)
), tested AS (
	SELECT a.no, a.without, a.with_offer, c.*
	  FROM article AS a, LATERAL (SELECT compare_rates(1 + g, i <= CASE g WHEN 0 THEN a.without ELSE a.with_offer END) AS comparison
									FROM generate_series(0, 1) AS g, generate_series(1, 1000) AS i) AS r,
		   LATERAL comparison_table(r.comparison) AS c WHERE c.group_no = 2
), campaign AS (
	SELECT * FROM shop.campaign_result('voucher', (SELECT as_of - earlier FROM demo.settings)) WHERE everybody
), cells (position, cells) AS (
	SELECT 20 + no, ARRAY[demo.t('steering of', without::text, demo.num(1000)), demo.t('steering of', with_offer::text, demo.num(1000)),
			demo.signed_pct(difference::numeric), demo.signed_pct(low::numeric), demo.signed_pct(high::numeric), demo.num(p::numeric, 3), '',
			CASE WHEN p < 0.05 THEN demo.t('steering effect') ELSE demo.t('steering chance') END]
	  FROM tested
), head (cells) AS (
	SELECT string_to_array(demo.t('head steering'), '|')
), fitted (fitted) AS (
	SELECT demo.fit(ARRAY[-14, 14, 10, 9, 9, 8, 2, -10], jsonb_agg(to_jsonb(c.cells))) FROM (SELECT cells FROM cells UNION ALL SELECT cells FROM head) c
), lines (position, line) AS (
	SELECT 0, demo.t('steering') || '  ' || demo.t('steering how')
	UNION ALL
	SELECT 1, demo.fill('  ', '  ', demo.t('steering goal', segment_label, demo.pct(baseline::numeric, 1), demo.pct(target_value::numeric, 1), to_char(due_on, 'YYYY-MM-DD'),
		demo.t('steering ' || status))) FROM shop.goals
	UNION ALL
	SELECT 2, demo.fill('  ', '  ', demo.t('steering campaign', demo.num(t.customers), to_char(s.earlier, 'YYYY-MM-DD'), demo.num(c.customers), demo.pct(t.rate::numeric, 1), demo.pct(c.rate::numeric, 1),
		demo.signed_pct(t.low::numeric), demo.signed_pct(t.high::numeric), demo.num(t.p::numeric, 2)))
	  FROM campaign t, campaign c, demo.settings s WHERE t.group_no = 2 AND c.group_no = 1
	UNION ALL
	SELECT 10, demo.fill('  ', '  ', demo.t('steering article'))
	UNION ALL
	SELECT 11, demo.row(cells, fitted) FROM head, fitted
	UNION ALL
	SELECT position, demo.row(cells, fitted) FROM cells, fitted
	UNION ALL
	SELECT 100, demo.fill('  ', '  ', demo.t('steering pareto', demo.pct(max(revenue_share) FILTER (WHERE top_share = 0.2)::numeric, 1),
		demo.pct(max(revenue_share) FILTER (WHERE top_share = 0.05)::numeric, 1))) FROM shop.revenue_concentration
)
SELECT line FROM lines WHERE line IS NOT NULL ORDER BY position;
