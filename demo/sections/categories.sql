-- What each segment likes: the preferred categories of its customers, what stands out
-- against all others, what is growing; which categories go together.
WITH preferred AS MATERIALIZED (
	SELECT segment, segment_order, segment_label, preferred_category AS category, count(*) AS customers
	  FROM shop.customer_scores WHERE preferred_category_reason IS DISTINCT FROM 'no_event' GROUP BY 1, 2, 3, 4
), ranked AS (
	SELECT *, row_number() OVER (PARTITION BY segment ORDER BY customers DESC, category COLLATE "C") AS place FROM preferred WHERE category IS NOT NULL
), likes AS (
	SELECT segment, segment_order, segment_label, sum(customers) AS customers, coalesce(sum(customers) FILTER (WHERE category IS NOT NULL), 0) AS prefer FROM preferred GROUP BY 1, 2, 3
), favourites AS (
	SELECT segment, string_agg(format('%s %s', category, demo.num(customers)), ', ' ORDER BY place) AS first_three FROM ranked WHERE place <= 3 GROUP BY 1
), shares AS MATERIALIZED (
	SELECT *, row_number() OVER (PARTITION BY segment ORDER BY lift DESC, category COLLATE "C") AS place,
		   row_number() OVER (PARTITION BY segment ORDER BY trend DESC NULLS LAST, category COLLATE "C") AS growth,
		   row_number() OVER (PARTITION BY segment ORDER BY trend, category COLLATE "C") AS loss
	  FROM shop.category_by_segment WHERE category <> 'other'
), pairs AS (
	SELECT string_agg(demo.t('pair', category_1, category_2, demo.num(lift::numeric, 1)), ', ' ORDER BY lift DESC, category_1 COLLATE "C") AS pairs
	  FROM (SELECT * FROM shop.category_pairs WHERE category_1 < category_2 COLLATE "C" AND lift > 1 AND p_value < 0.001
			 ORDER BY lift DESC, category_1 COLLATE "C" LIMIT 3) p
), next AS (
	SELECT v.customer_key, string_agg(format('%s %s', n.category, demo.pct(n.probability::numeric, 1, false, 0)), ', ' ORDER BY n.n DESC, n.category COLLATE "C") AS categories
	  FROM (SELECT customer_key FROM shop.vip_customers ORDER BY monetary DESC, customer_key COLLATE "C" LIMIT 1) v
	 CROSS JOIN LATERAL (SELECT * FROM shop.next_category(v.customer_key) LIMIT 3) n GROUP BY 1
), table_rows AS (
	SELECT likes.segment_order, ARRAY[likes.segment_label, demo.num(prefer), demo.pct(prefer, likes.customers, false, 0), '', first_three, s.category || ' x ' || demo.num(s.lift::numeric, 2)] AS cells
	  FROM likes JOIN favourites USING (segment) JOIN shares s USING (segment) WHERE place = 1
), head (cells) AS (
	SELECT string_to_array(demo.t('head likes'), '|')
), widths AS (
	SELECT demo.fit(ARRAY[-17, 9, 6, 2, -42, -20], jsonb_agg(to_jsonb(cells))) AS widths FROM (SELECT cells FROM table_rows UNION ALL SELECT cells FROM head) c
), lines (position, line) AS (
	SELECT 0, demo.t('likes') || '  ' || demo.t('likes how')
	UNION ALL
	SELECT 1, demo.row(cells, widths) FROM head, widths
	UNION ALL
	SELECT 10 + segment_order, demo.row(cells, widths) FROM table_rows, widths
	UNION ALL
	SELECT 100, demo.fill('  ', '    ', demo.t('likes trend', segment_label, g.category, demo.num(100 * g.trend::numeric, 1), l.category, demo.num(-100 * l.trend::numeric, 1)))
	  FROM shares g JOIN (SELECT segment, category, trend FROM shares WHERE loss = 1) l USING (segment) WHERE growth = 1 AND g.segment = 'vip' AND g.trend > 0 AND l.trend < 0
	UNION ALL
	SELECT 101, demo.fill('  ', '    ', demo.t('likes pairs', pairs)) FROM pairs WHERE pairs IS NOT NULL
	UNION ALL
	SELECT 102, demo.fill('  ', '    ', demo.t('likes next', customer_key, categories)) FROM next
)
SELECT line FROM lines WHERE line IS NOT NULL ORDER BY position;
