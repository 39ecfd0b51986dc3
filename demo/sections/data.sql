-- What was read, what was left out and why, what deserves a look.
WITH used AS (
	SELECT count(*) AS rows, count(*) FILTER (WHERE value >= 0) AS orders, min(day) AS first_day, max(day) AS last_day,
		   coalesce(sum(value), 0) AS revenue,
		   count(*) FILTER (WHERE value < 0) AS refunds, coalesce(sum(value) FILTER (WHERE value < 0), 0) AS refunded,
		   count(*) FILTER (WHERE value = 0) AS zeros,
		   (percentile_cont(0.5) WITHIN GROUP (ORDER BY value::float8) FILTER (WHERE value >= 0))::numeric AS median_order
	  FROM demo.events, demo.settings WHERE day <= as_of
), after AS (
	SELECT count(*) AS rows, max(day) AS last_day FROM demo.events, demo.settings WHERE day > as_of
), known AS MATERIALIZED (
	SELECT * FROM demo.customers
), customers AS (
	SELECT count(*) FILTER (WHERE orders > 0) AS buyers, count(*) FILTER (WHERE orders = 1) AS once,
		   count(*) FILTER (WHERE orders = 0) AS without
	  FROM known
), reasons AS (
	SELECT reason, count(*) AS n, reason NOT IN ('guest', 'cancelled') AS named FROM demo.left_out GROUP BY 1
), doubles AS (
	SELECT coalesce(sum(n - 1), 0) AS n
	  FROM (SELECT count(*) AS n FROM public.orders o GROUP BY hash_record_extended(o, 0) HAVING count(*) > 1) s
), same_day AS (
	SELECT coalesce(sum(n - 1), 0) AS n
	  FROM (SELECT count(*) AS n FROM demo.events, demo.settings WHERE value >= 0 AND day <= as_of
			 GROUP BY customer_id, day HAVING count(*) > 1) s
), case_only AS (
	SELECT coalesce(sum(n - 1), 0)::bigint AS n FROM (SELECT count(*) AS n FROM known GROUP BY lower(customer_key) HAVING count(*) > 1) s
), ntiles AS (
	-- how many one-time buyers each fifth gets doesn't depend on how ntile breaks ties; which ones does
	SELECT max(fifth) AS highest, count(*) FILTER (WHERE fifth >= 3) AS third_up, count(*) FILTER (WHERE fifth = 2) AS second
	  FROM (SELECT orders, ntile(5) OVER (ORDER BY orders) AS fifth FROM known WHERE orders > 0) s
	 WHERE orders = 1
), ranked AS (
	-- who got back more than they paid lowers nobody's part
	SELECT greatest(revenue, 0) AS revenue, row_number() OVER (ORDER BY revenue DESC) AS rank, count(*) OVER () AS n, sum(greatest(revenue, 0)) OVER () AS total
	  FROM known WHERE orders > 0
), pareto AS (
	SELECT max(n) AS n, max(total) AS total, sum(revenue) FILTER (WHERE rank <= floor(n * 0.2)) AS top20,
		   sum(revenue) FILTER (WHERE rank <= floor(n * 0.01)) AS top1
	  FROM ranked
), lines (position, line) AS (
	SELECT 0, demo.t('data')
	UNION ALL
	SELECT 10, demo.wrap('  ', '  ', ARRAY[
		demo.count_of(orders, 'orders'), demo.count_of(buyers, 'customers'), first_day || ' .. ' || last_day,
		demo.t('revenue', demo.money(revenue, revenue)) || coalesce(' ' || currency, ''),
		CASE WHEN orders > 0 THEN demo.t('median order', demo.num(median_order, 2)) END], '  ')
	  FROM used, customers, demo.settings
	UNION ALL
	SELECT 20, '  ' || demo.t(CASE WHEN as_of_given THEN 'as of given' WHEN to_regclass('public.customers') IS NOT NULL THEN 'as of sample'
								   WHEN after.rows > 0 THEN 'as of today' ELSE 'as of last day' END, as_of::text)
	  FROM demo.settings, after
	UNION ALL
	SELECT 21, demo.fill('  ', '    ', demo.t('still to come', last_day::text)) FROM after, demo.settings WHERE after.rows > 0 AND NOT as_of_given
	UNION ALL
	SELECT 22, demo.fill('  ', '    ', replace(columns_taken, E'\x02', amount_is)) FROM demo.settings WHERE columns_taken IS NOT NULL
	UNION ALL
	SELECT 30, demo.wrap('  ', '  ', ARRAY[
		demo.t('used', demo.count_of(used.rows + lines_added, 'row used'), demo.t_of(source_rows - used.rows - after.rows, 'row left out', demo.num(source_rows - used.rows - after.rows))),
		CASE WHEN after.rows > 0 THEN demo.t_of(after.rows, 'after as of', as_of::text, demo.count_of(after.rows, 'rows')) END,
		CASE WHEN refunds > 0 THEN demo.t_of(refunds, 'refunds worth', demo.num(refunds), demo.money(refunded, revenue)) WHEN NOT net_of_refunds THEN demo.t_of(0, 'refunds', '0') END,
		CASE WHEN zeros > 0 THEN demo.t_of(zeros, 'zero amounts', demo.num(zeros)) END,
		CASE WHEN without > 0 THEN demo.count_of(without, 'no events') END])
	  FROM used, after, customers, demo.settings
	UNION ALL
	SELECT 40, demo.wrap('  ' || demo.t_of((SELECT sum(n) FROM reasons), 'left out', ''), '    ',
		(SELECT array_agg(demo.num(n) || ' ' || demo.t('why ' || reason) ORDER BY n DESC, reason) FROM reasons),
		demo.semicolon())
	 WHERE EXISTS (SELECT FROM reasons)
	UNION ALL
	SELECT 41, '    ' || demo.t('bad line', l.line::text, demo.t('why ' || reason), coalesce(' ' || demo.quoted(demo.shown(nullif(btrim(value), ''), 100 - 24
				- length(demo.t('why ' || reason)))), ''))
	  FROM (SELECT l.* FROM demo.left_out l JOIN reasons USING (reason) WHERE named ORDER BY line LIMIT 5) l
	UNION ALL
	SELECT 42, '    ' || demo.t('and so on', demo.num(sum(n) - 5)) FROM reasons WHERE named HAVING sum(n) > 5
	UNION ALL
	SELECT 50, demo.wrap('  ' || demo.t('look at', ''), '    ', ARRAY[
		CASE WHEN doubles.n > 0 THEN demo.count_of(doubles.n::bigint, 'duplicates') END,
		CASE WHEN same_day.n > 0 THEN demo.count_of(same_day.n::bigint, 'same day') END,
		CASE WHEN case_only.n > 0 THEN demo.count_of(case_only.n, 'case only') END], demo.semicolon())
	  FROM doubles, same_day, case_only
	UNION ALL
	SELECT 60 + r.position, demo.fill('  ', '    ', r.line) FROM demo.remarks r
	UNION ALL
	SELECT 1000, demo.fill('  ', '    ', CASE WHEN highest > 1 AND once >= 10 THEN
			demo.t('bought once', demo.pct(once, buyers), demo.num(once), demo.num(CASE WHEN highest > 2 THEN third_up ELSE second END),
				   CASE WHEN highest > 3 THEN '3-' ELSE '' END || highest)
			ELSE demo.t('bought once plain', demo.pct(once, buyers)) END)
	  FROM customers, ntiles WHERE buyers > 0
	UNION ALL
	SELECT 1010, '  ' || demo.t(CASE WHEN n >= 100 THEN 'pareto' ELSE 'pareto 20' END, demo.pct(top20, total), demo.narrow_space(), demo.pct(top1, total))
	  FROM pareto WHERE n >= 10 AND total > 0
)
SELECT line FROM lines WHERE line IS NOT NULL ORDER BY position;
