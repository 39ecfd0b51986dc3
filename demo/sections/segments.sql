-- Every segment with its size, its revenue, and what became of it.
WITH now AS MATERIALIZED (
	SELECT * FROM shop.segment_summary
), totals AS (
	SELECT sum(customers)::numeric AS customers, sum(revenue) AS revenue FROM now
), unit AS (
	SELECT CASE WHEN abs(revenue) < 1e7 THEN 1 WHEN abs(revenue) < 1e10 THEN 1000 ELSE 1000000 END::numeric AS divisor,
		   CASE WHEN abs(revenue) < 1e7 THEN '' WHEN abs(revenue) < 1e10 THEN ' k' ELSE ' M' END AS name
	  FROM totals
), checked AS (
	SELECT EXISTS (SELECT FROM demo.scored_then) AS known,
		   EXISTS (SELECT FROM demo.bought_since WHERE orders > 0) AS bought
), since AS (
	SELECT t.segment, grouping(t.segment) AS is_all, count(*) AS customers, count(*) FILTER (WHERE b.orders > 0) AS bought, sum(b.revenue) AS revenue
	  FROM demo.scored_then t LEFT JOIN demo.bought_since b USING (customer_id), checked
	 WHERE checked.known AND checked.bought
	 GROUP BY GROUPING SETS ((t.segment), ()) HAVING count(*) > 0
), rows AS (
	-- people without an order are shown where there are any
	SELECT n.*, s.bought, s.customers AS customers_then,
		   min(n.segment_order) FILTER (WHERE n.median_recency_days IS NOT NULL) OVER () AS first_shown
	  FROM now n LEFT JOIN since s USING (segment)
	 WHERE n.role NOT IN ('prospect', 'other') OR n.customers > 0 OR EXISTS (SELECT FROM demo.scored_then t WHERE t.segment = n.segment)
), silences AS (
	SELECT segment, CASE WHEN median_recency_days IS NULL THEN '-' WHEN segment_order = first_shown THEN demo.t('days ago', demo.num(round(median_recency_days)::numeric))
			ELSE demo.t('days', demo.num(round(median_recency_days)::numeric)) || CASE WHEN demo.french() THEN '' ELSE '    ' END END AS silence
	  FROM rows
), widths (widths) AS (
	-- a long silence takes its space from the bars
	SELECT w[1:6] || (w[7] + more) || (w[8] + more) || w[9:]
	  FROM demo.widths('segments widths') w, LATERAL (SELECT greatest(0, max(length(silence)) + 1 - w[8]) FROM silences) s(more)
), cells (position, cells) AS (
	SELECT 10 + segment_order, ARRAY[
		segment_label, demo.num(rows.customers), demo.pct(rows.customers, totals.customers, false),
		demo.num(rows.revenue / divisor, CASE WHEN abs(totals.revenue) < 10000 THEN 2 ELSE 0 END),
		CASE WHEN totals.revenue > 0 THEN demo.pct(rows.revenue_share::numeric, 1, false) ELSE '-' END, '',
		demo.bar(rows.revenue, max(rows.revenue) OVER (), -widths[7]),
		silence,
		CASE WHEN median_recency_days IS NULL THEN '-' ELSE demo.num(median_frequency::numeric, CASE WHEN median_frequency = round(median_frequency) THEN 0 ELSE 1 END) END,
		CASE WHEN mean_rfm_score IS NULL THEN '-' ELSE demo.num(mean_rfm_score::numeric, 1) END,
		CASE WHEN EXISTS (SELECT FROM since) THEN coalesce(demo.pct(bought, customers_then), '-') END]
	  FROM rows JOIN silences USING (segment), totals, unit, widths
	UNION ALL
	SELECT 100, ARRAY[demo.t('all'), demo.num(totals.customers), demo.pct(1, 1, false),
		demo.num(totals.revenue / divisor, CASE WHEN abs(totals.revenue) < 10000 THEN 2 ELSE 0 END),
		CASE WHEN totals.revenue > 0 THEN demo.pct(1, 1, false) ELSE '-' END, '', '', '', '', '',
		CASE WHEN since.customers > 0 THEN demo.pct(since.bought, since.customers) END]
	  FROM totals CROSS JOIN unit LEFT JOIN since ON is_all = 1
), fitted (fitted) AS (
	SELECT demo.fit(widths, jsonb_agg(to_jsonb(cells))) FROM cells, widths GROUP BY widths
), lines (position, line) AS (
	SELECT 0, demo.t('segments') || '  ' || demo.t('segments how')
	UNION ALL
	SELECT i, demo.row(CASE WHEN since_shown THEN cells ELSE cells[1:10] END, fitted)
	  FROM widths, fitted, unit, (SELECT EXISTS (SELECT FROM since) AS since_shown) x,
		   LATERAL (VALUES (1, string_to_array(demo.t('head segments 1'), '|')), (2, string_to_array(demo.t('head segments 2'), '|'))) h(i, head),
		   LATERAL (SELECT CASE WHEN i = 2 THEN head[1:3] || (head[4] || unit.name) || head[5:] ELSE head END) c(cells)
	UNION ALL
	SELECT position, demo.row(cells, fitted) FROM cells, fitted
	UNION ALL
	SELECT 110, demo.fill('  ', '    ', demo.t('check', earlier::text, (earlier + 1)::text, as_of::text)
			|| CASE WHEN vip.customers > 0 AND total.revenue > 0 THEN
				   '  ' || demo.t('check vip', demo.pct(vip.customers, everyone.customers, true, 0), demo.pct(coalesce(vip.revenue, 0), total.revenue))
				   ELSE '' END)
	  FROM demo.settings CROSS JOIN (SELECT sum(revenue) AS revenue FROM demo.bought_since) total
	  JOIN since everyone ON everyone.is_all = 1
	  LEFT JOIN since vip ON vip.is_all = 0 AND vip.segment = 'vip'
	UNION ALL
	SELECT 112, demo.fill('  ', '    ', CASE WHEN known THEN demo.t('check empty', (earlier + 1)::text, as_of::text)
							 ELSE demo.t('check short', as_of::text, (SELECT min(day)::text FROM demo.events)) END)
	  FROM checked, demo.settings WHERE NOT (known AND bought)
	UNION ALL
	SELECT 120, '  ' || demo.t('new is empty', demo.label('new_customers'), demo.num(min(tenure_days)))
	  FROM shop.customer_scores HAVING min(tenure_days) > 365 AND count(*) FILTER (WHERE segment = 'new_customers') = 0
	UNION ALL
	-- what no value can get, and what merely nobody has
	SELECT 121, '  ' || demo.t('m is coarse', string_agg(score::text, ', ' ORDER BY score) FILTER (WHERE customers = 0 AND score_range = '-'))
	  FROM shop.score_distribution WHERE dimension = 'monetary' HAVING sum(customers) >= 5 AND bool_or(customers = 0 AND score_range = '-')
	UNION ALL
	SELECT 122, '  ' || demo.t('m is empty', string_agg(score::text, ', ' ORDER BY score) FILTER (WHERE customers = 0 AND score_range <> '-'))
	  FROM shop.score_distribution WHERE dimension = 'monetary' HAVING sum(customers) >= 5 AND bool_or(customers = 0 AND score_range <> '-')
)
SELECT line FROM lines WHERE line IS NOT NULL ORDER BY position;
