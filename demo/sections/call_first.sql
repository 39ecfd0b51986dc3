-- Formerly good customers who have been silent for at most a year, by revenue.
WITH top AS (
	SELECT s.*, h.history FROM demo.scored_now s JOIN demo.histories h USING (customer_id)
	 WHERE segment = 'at_risk' AND recency_days <= 365
	 ORDER BY monetary DESC, customer_id LIMIT 5
), widths (widths) AS (
	-- large amounts take their space from long names
	SELECT ARRAY[CASE WHEN bool_or(customer_id !~ '^[0-9]+$') THEN -1 ELSE 1 END
				 * least(28 - greatest(0, revenue - w[1]), greatest(10, max(length(demo.shown(customer_id, 28))))), greatest(w[1], revenue)] || w[2:]
	  FROM top, demo.widths('call widths') w, (SELECT max(length(demo.num(monetary, 2))) + 2 AS revenue FROM top) r GROUP BY w, revenue
), lines (position, line) AS (
	SELECT 0, demo.t('call') || '  ' || demo.t('call how')
	UNION ALL
	SELECT 1, demo.row(string_to_array(demo.t('head call'), '|'), widths) FROM widths WHERE EXISTS (SELECT FROM top)
	UNION ALL
	SELECT 1, '  ' || demo.t('nobody') WHERE NOT EXISTS (SELECT FROM top)
	UNION ALL
	SELECT 1 + row_number() OVER (ORDER BY monetary DESC, customer_id), demo.row(ARRAY[
		demo.shown(customer_id, abs(widths[1])), demo.num(monetary, 2), demo.num(frequency), (as_of - recency_days)::text,
		demo.t('days', demo.num(recency_days)),
		coalesce(demo.t('days', demo.num(round(mean_gap(history, as_of))::numeric)), '-'),
		coalesce(demo.t('times', demo.num(silence_ratio(history, as_of)::numeric, CASE WHEN silence_ratio(history, as_of) < 2.95 THEN 1 ELSE 0 END)), '-'),
		r_score || '-' || f_score || '-' || m_score], widths)
	  FROM top, widths, demo.settings
)
SELECT line FROM lines ORDER BY position;
