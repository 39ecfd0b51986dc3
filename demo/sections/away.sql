-- Who would be a VIP with one order more, of the median value of an order, today.
WITH best AS (
	SELECT segment, label FROM shop.segments WHERE role = 'vip' ORDER BY segment_order LIMIT 1
), used AS (
	SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY value::float8) FILTER (WHERE value >= 0))::numeric, 9) AS median_order
	  FROM demo.events, demo.settings WHERE day <= as_of
), misses AS (
	SELECT n.segment_label, count(*) AS n FROM best, used, near_misses('shop', best.segment, used.median_order) AS n GROUP BY 1
), largest AS (
	SELECT string_agg(demo.num(n) || ' ' || segment_label, ', ' ORDER BY n DESC, segment_label) AS shown
	  FROM (SELECT * FROM misses ORDER BY n DESC, segment_label LIMIT 2) m
)
SELECT CASE WHEN length(title || '   ' || words) <= 100 THEN title || '   ' || words ELSE title || E'\n' || demo.fill('  ', '  ', words) END
  FROM best, largest, LATERAL (SELECT demo.t('away', best.label), CASE WHEN largest.shown IS NULL THEN demo.t('away nobody')
		ELSE demo.t('away how', demo.count_of((SELECT sum(n) FROM misses)::bigint, 'customers'), largest.shown) END) AS t (title, words);
