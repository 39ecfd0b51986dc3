-- The same customers 90 days ago and now, by today's thresholds.
WITH moves AS (
	SELECT b.segment AS old, n.segment AS new, count(*) AS customers
	  FROM demo.scored_before b JOIN demo.scored_now n USING (customer_id) GROUP BY 1, 2
), unknown AS (
	SELECT n.segment, count(*) AS customers FROM demo.scored_now n LEFT JOIN demo.scored_before b USING (customer_id)
	 WHERE b.customer_id IS NULL GROUP BY 1
), sizes AS (
	SELECT g.segment, g.label, coalesce(b.customers, 0) AS before, coalesce(n.customers, 0) AS now
	  FROM demo.segments g
	  LEFT JOIN (SELECT segment, count(*) AS customers FROM demo.scored_before GROUP BY 1) b USING (segment)
	  LEFT JOIN (SELECT segment, count(*) AS customers FROM demo.scored_now GROUP BY 1) n USING (segment)
), ranked AS (
	SELECT segment, direction, other, customers, row_number() OVER (PARTITION BY segment, direction ORDER BY customers DESC, other) AS rank
	  FROM (SELECT old AS segment, 'out' AS direction, new AS other, customers FROM moves WHERE old <> new
			UNION ALL SELECT new, 'in', old, customers FROM moves WHERE old <> new) s
), parts AS (
	SELECT segment, direction, rank, sum(customers) AS customers, label
	  FROM (SELECT segment, direction, least(rank, 4) AS rank, customers, CASE WHEN rank < 4 THEN demo.label(other) END AS label FROM ranked) s
	 GROUP BY 1, 2, 3, 5
), vip AS (
	SELECT 1 AS position, s.*, ARRAY[demo.t('stayed', demo.num(coalesce((SELECT customers FROM moves WHERE old = 'vip' AND new = 'vip'), 0)))]
		|| coalesce((SELECT array_agg(demo.t(CASE direction WHEN 'out' THEN 'lost' ELSE 'won' END
											 || CASE WHEN label IS NULL THEN ' elsewhere' WHEN direction = 'out' THEN ' to' ELSE ' from' END,
											 demo.num(customers), p.label)
							 ORDER BY direction DESC, rank) FROM parts p WHERE p.segment = 'vip'), '{}')
		|| (SELECT array_agg(demo.t('won unknown', demo.num(customers))) FROM unknown u WHERE u.segment = 'vip') AS parts
	  FROM sizes s WHERE s.segment = 'vip'
), at_risk AS (
	SELECT 2 AS position, s.*, ARRAY[demo.t('stayed', demo.num(coalesce((SELECT customers FROM moves WHERE old = 'at_risk' AND new = 'at_risk'), 0)))]
		|| coalesce((SELECT array_agg(demo.t(text, demo.num(customers), demo.label(other)) ORDER BY direction, rank)
					   FROM (SELECT r.*, CASE WHEN direction = 'in' AND other IN ('vip', 'regular', 'upsell_potential') THEN 'fell silent'
											  WHEN direction = 'in' THEN 'won from'
											  WHEN other IN ('lapsed', 'prospects') THEN 'on to' ELSE 'back to' END AS text
							   FROM ranked r WHERE r.segment = 'at_risk') p), '{}')
		|| (SELECT array_agg(demo.t('won unknown', demo.num(customers))) FROM unknown u WHERE u.segment = 'at_risk') AS parts
	  FROM sizes s WHERE s.segment = 'at_risk'
), shown AS (
	SELECT * FROM vip UNION ALL SELECT * FROM at_risk
), won_back AS (
	SELECT n.segment, count(*) AS customers FROM demo.scored_before b JOIN demo.scored_now n USING (customer_id) JOIN demo.bought_since o USING (customer_id)
	 WHERE b.segment = 'lapsed' AND n.segment <> 'lapsed' AND o.orders > 0 GROUP BY 1
), first_orders AS (
	SELECT count(*) AS customers, count(*) FILTER (WHERE b.segment = 'prospects') AS prospects
	  FROM demo.settings, demo.scored_now n LEFT JOIN demo.scored_before b USING (customer_id) WHERE n.tenure_days < as_of - earlier
), lines (position, line) AS (
	SELECT 0, demo.t('moved') || '  ' || CASE WHEN EXISTS (SELECT FROM demo.scored_before)
			THEN earlier || ' -> ' || as_of || '  ' || demo.t('moved how', as_of::text) ELSE demo.t('moved short', as_of::text) END
	  FROM demo.settings
	UNION ALL
	SELECT position, demo.wrap(head, repeat(' ', length(head)), shown.parts, ', ')
	  FROM shown, (SELECT max(length(label)), max(length(demo.num(greatest(before, now)))) FROM shown) w(label_width, number_width),
		   LATERAL (SELECT '  ' || rpad(label, label_width + 2) || lpad(demo.num(before), number_width) || ' -> ' || lpad(demo.num(now), number_width) || '   ') h(head)
	 WHERE before + now > 0 AND EXISTS (SELECT FROM demo.scored_before)
	UNION ALL
	SELECT 10, demo.wrap('  ' || demo.t('won back', demo.label('lapsed'), demo.num(sum(customers))), '    ',
		array_agg(demo.t('now', demo.num(customers), demo.label(segment)) ORDER BY customers DESC, segment), ', ')
	  FROM won_back HAVING sum(customers) > 0
	UNION ALL
	SELECT 11, demo.wrap('  ', '    ', ARRAY[demo.t('first orders', demo.num(customers)),
		CASE WHEN prospects > 0 THEN demo.t('were prospects', demo.num(prospects)) END], ', ')
	  FROM first_orders WHERE customers > 0 AND EXISTS (SELECT FROM demo.scored_before)
)
SELECT line FROM (SELECT * FROM lines UNION ALL
				  SELECT 20, '  ' || demo.t('nobody') FROM lines HAVING count(*) = 1 AND EXISTS (SELECT FROM demo.scored_before)) l
 ORDER BY position;
