-- The same customers 90 days ago and now, by today's thresholds.
WITH moves AS (
	-- who had not ordered by then comes from the prospects, or from nowhere
	SELECT coalesce(from_segment, 'prospects') AS old, to_segment AS new, coalesce(f.role, 'prospect') = 'prospect' AS is_first, t.role = 'prospect' AS is_last, sum(customers) AS customers
	  FROM demo.settings CROSS JOIN shop.segment_transitions(earlier, as_of)
	  LEFT JOIN shop.segments f ON f.segment = from_segment JOIN shop.segments t ON t.segment = to_segment
	 WHERE EXISTS (SELECT FROM demo.scored_then)
	 GROUP BY 1, 2, 3, 4
), sizes AS (
	SELECT segment, label, coalesce((SELECT sum(customers) FROM moves WHERE old = segment), 0) AS before,
		   coalesce((SELECT sum(customers) FROM moves WHERE new = segment), 0) AS now,
		   coalesce((SELECT sum(customers) FROM moves WHERE old = segment AND new = segment), 0) AS stayed
	  FROM shop.segments
), ranked AS (
	SELECT segment, direction, other, customers, row_number() OVER (PARTITION BY segment, direction ORDER BY customers DESC, other) AS rank
	  FROM (SELECT old AS segment, 'out' AS direction, new AS other, customers FROM moves WHERE old <> new
			UNION ALL SELECT new, 'in', old, customers FROM moves WHERE old <> new AND NOT is_first
			UNION ALL SELECT new, 'first', old, customers FROM moves WHERE old <> new AND is_first) s
), parts AS (
	SELECT segment, direction, rank, sum(customers) AS customers, label
	  FROM (SELECT segment, direction, least(rank, 4) AS rank, customers, CASE WHEN rank < 4 THEN demo.label(other) END AS label FROM ranked) s
	 GROUP BY 1, 2, 3, 5
), shown AS (
	SELECT 1 AS position, s.*, ARRAY[demo.t_of(stayed, 'stayed', demo.num(stayed))]
		|| (SELECT array_agg(demo.t_of(customers, CASE direction WHEN 'first' THEN 'ordered first' ELSE
										CASE direction WHEN 'out' THEN 'lost' ELSE 'won' END
										|| CASE WHEN label IS NULL THEN ' elsewhere' WHEN direction = 'out' THEN ' to' ELSE ' from' END END,
									demo.num(customers), p.label)
							 ORDER BY direction = 'first', direction DESC, rank) FROM parts p WHERE p.segment = 'vip') AS parts
	  FROM sizes s WHERE s.segment = 'vip' AND before + now > 0
	UNION ALL
	SELECT 2, s.*, ARRAY[demo.t_of(stayed, 'stayed', demo.num(stayed))]
		|| (SELECT array_agg(demo.t_of(customers, CASE WHEN direction = 'first' THEN 'ordered first'
										 WHEN direction = 'in' AND other IN ('vip', 'regular', 'upsell_potential') THEN 'fell silent'
										 WHEN direction = 'in' THEN 'won from'
										 WHEN other IN ('lapsed', 'prospects', 'refunded') THEN 'on to' ELSE 'back to' END,
									demo.num(customers), demo.label(other))
							 ORDER BY direction = 'first', direction, rank) FROM ranked r WHERE r.segment = 'at_risk')
	  FROM sizes s WHERE s.segment = 'at_risk' AND before + now > 0
), won_back AS (
	SELECT new, customers FROM moves WHERE old = 'lapsed' AND new <> 'lapsed'
), first_orders AS (
	SELECT (SELECT sum(customers) FROM moves WHERE is_first AND NOT is_last) AS customers,
		   (SELECT count(*) FROM demo.scored_then JOIN demo.bought_since USING (customer_id) WHERE segment = 'prospects' AND orders > 0) AS prospects
), lines (position, line) AS (
	SELECT 0, demo.t('moved') || '  ' || CASE WHEN EXISTS (SELECT FROM moves)
			THEN earlier || ' -> ' || as_of || '  ' || demo.t('moved how', as_of::text) ELSE demo.t('moved short', as_of::text) END
	  FROM demo.settings
	UNION ALL
	SELECT position, demo.wrap(head, repeat(' ', length(head)), shown.parts, ', ')
	  FROM shown, (SELECT max(length(label)), max(length(demo.num(greatest(before, now)))) FROM shown) w(label_width, number_width),
		   LATERAL (SELECT '  ' || rpad(label, label_width + 2) || lpad(demo.num(before), number_width) || ' -> ' || lpad(demo.num(now), number_width) || '   ') h(head)
	UNION ALL
	-- where nobody is or was a VIP or at risk: who moved
	SELECT 5, demo.wrap('  ' || demo.t('moved others'), '    ', array_agg(demo.t('moved largest', demo.num(customers), demo.label(old), demo.label(new)) ORDER BY customers DESC, old, new), ', ')
	  FROM (SELECT old, new, customers FROM moves WHERE old <> new AND NOT is_first AND old <> 'lapsed' ORDER BY customers DESC, old, new LIMIT 5) m
	 WHERE NOT EXISTS (SELECT FROM shown) HAVING count(*) > 0
	UNION ALL
	SELECT 10, demo.wrap('  ' || demo.t('won back', demo.label('lapsed'), demo.num(sum(customers))), '    ',
		array_agg(demo.t('now', demo.num(customers), demo.label(new)) ORDER BY customers DESC, new), ', ')
	  FROM won_back HAVING sum(customers) > 0
	UNION ALL
	SELECT 11, demo.wrap('  ', '    ', ARRAY[demo.t('first orders', demo.num(customers)),
		CASE WHEN prospects > 0 THEN demo.t_of(prospects, 'were prospects', demo.num(prospects)) END], ', ')
	  FROM first_orders WHERE customers > 0
)
SELECT line FROM (SELECT * FROM lines UNION ALL
				  SELECT 20, '  ' || demo.t('nobody') FROM lines HAVING count(*) = 1 AND EXISTS (SELECT FROM moves)) l
 ORDER BY position;
