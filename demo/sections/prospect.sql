-- Who has never ordered, and is about to: the first of them, with what speaks for an
-- order; and whether such probabilities were right about the last 90 days. The fits are
-- those of year.sql.
WITH top AS (
	SELECT customer_key, propensity_90d::numeric AS p FROM shop.customer_scores
	 WHERE last_order_on IS NULL AND propensity_90d IS NOT NULL ORDER BY propensity_90d DESC, customer_key LIMIT 1
), prospects AS (
	SELECT count(*) AS n, sum(propensity_90d)::numeric AS expected FROM shop.customer_scores WHERE last_order_on IS NULL AND propensity_90d IS NOT NULL
), parts AS (
	SELECT d.* FROM top, shop.propensity_details(top.customer_key, language => demo.t('language')) AS d WHERE d.rank <= 3
), checked AS (
	SELECT * FROM shop.propensity_check WHERE auc IS NOT NULL
), lines (position, line) AS (
	SELECT 0, demo.t('prospect') || '  ' || demo.t('prospect how', demo.num(n), demo.num(expected)) FROM prospects WHERE n > 0
	UNION ALL
	SELECT 1, demo.fill('  ', '    ', demo.t('prospect first', demo.shown(customer_key), demo.pct(least(p, 0.99), 1, decimals => 0))) FROM top
	UNION ALL
	SELECT 10 + rank, '  ' || rpad(CASE WHEN contribution > 0 THEN '+' ELSE '' END || demo.num(contribution::numeric, 2), 11) || demo.fill('', repeat(' ', 13), explanation)
	  FROM parts
	UNION ALL
	SELECT 20, demo.fill('  ', '    ', demo.t('prospect check', split_on::text, until::text, demo.num(actual_active), demo.num(customers),
			demo.num(lift_top_tenth::numeric, 1), demo.num(auc::numeric, 2)))
	  FROM checked WHERE people = 'prospects'
	UNION ALL
	SELECT 21, demo.fill('  ', '    ', demo.t('customers check', demo.num(a.auc::numeric, 3), demo.num(b.auc::numeric, 3),
			demo.num(a.brier_score::numeric, 4), demo.num(b.brier_score::numeric, 4)))
	  FROM checked a JOIN checked b ON b.people = 'customers' AND b.features <> 'orders' WHERE a.features = 'orders'
)
SELECT line FROM lines ORDER BY position;
