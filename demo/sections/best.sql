-- The best customers; by revenue alone where nobody is a VIP yet.
WITH top AS (
	SELECT customer_key, monetary, frequency, last_order_on, recency_days, segment FROM shop.vip_customers
	UNION ALL
	SELECT customer_key, monetary, frequency, last_order_on, recency_days, segment FROM shop.customer_scores
	 WHERE frequency > 0 AND NOT EXISTS (SELECT FROM shop.vip_customers)
	 ORDER BY monetary DESC, customer_key LIMIT 3
), widths (widths) AS (
	-- large amounts take their space from long names
	SELECT ARRAY[CASE WHEN bool_or(customer_key !~ '^[0-9]+$') THEN -1 ELSE 1 END
				 * least(28 - greatest(0, revenue - w[1]), greatest(10, max(length(demo.shown(customer_key, 28))))), greatest(w[1], revenue)] || w[2:4]
	  FROM top, demo.widths('call widths') w, (SELECT max(length(demo.num(monetary, 2))) + 2 AS revenue FROM top) r GROUP BY w, revenue
), lines (position, line) AS (
	SELECT 0, demo.t('best') || CASE WHEN EXISTS (SELECT FROM top WHERE segment = 'vip') THEN '' ELSE '  ' || demo.t('best no vip') END
	UNION ALL
	SELECT 1, demo.row(string_to_array(demo.t('head best'), '|'), widths) FROM widths WHERE EXISTS (SELECT FROM top)
	UNION ALL
	SELECT 1 + row_number() OVER (ORDER BY monetary DESC, customer_key), demo.row(ARRAY[
		demo.shown(customer_key, abs(widths[1])), demo.num(monetary, 2), demo.num(frequency), last_order_on::text, demo.t('days', demo.num(recency_days))], widths)
	  FROM top, widths
)
SELECT line FROM lines ORDER BY position;
