-- Formerly good customers who have been silent for at most a year, by revenue.
WITH top AS (
	SELECT customer_key, monetary, frequency, last_order_on, recency_days, silence_ratio, rfm_code
	  FROM shop.at_risk_customers WHERE recency_days <= 365 ORDER BY monetary DESC, customer_key LIMIT 5
), widths (widths) AS (
	-- large amounts take their space from long names
	SELECT ARRAY[CASE WHEN bool_or(customer_key !~ '^[0-9]+$') THEN -1 ELSE 1 END
				 * least(28 - greatest(0, revenue - w[1]), greatest(10, max(length(demo.shown(customer_key, 28))))), greatest(w[1], revenue)] || w[2:]
	  FROM top, demo.widths('call widths') w, (SELECT max(length(demo.num(monetary, 2))) + 2 AS revenue FROM top) r GROUP BY w, revenue
), lines (position, line) AS (
	SELECT 0, demo.t('call') || '  ' || demo.t('call how')
	UNION ALL
	SELECT 1, demo.row(string_to_array(demo.t('head call'), '|'), widths) FROM widths WHERE EXISTS (SELECT FROM top)
	UNION ALL
	SELECT 1, '  ' || demo.t('nobody') WHERE NOT EXISTS (SELECT FROM top)
	UNION ALL
	SELECT 1 + row_number() OVER (ORDER BY monetary DESC, customer_key), demo.row(ARRAY[
		demo.shown(customer_key, abs(widths[1])), demo.num(monetary, 2), demo.num(frequency), last_order_on::text,
		demo.t('days', demo.num(recency_days)),
		coalesce(demo.t('days', demo.num(round(recency_days / silence_ratio)::numeric)), '-'),
		coalesce(demo.t('times', demo.num(silence_ratio::numeric, CASE WHEN silence_ratio < 2.95 THEN 1 ELSE 0 END)), '-'),
		regexp_replace(rfm_code, '(.)(.)(.)', '\1-\2-\3')], widths)
	  FROM top, widths
)
SELECT line FROM lines ORDER BY position;
