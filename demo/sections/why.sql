-- The first customer of CALL THESE FIRST: scores, the rule, and the next step.
WITH top AS (
	SELECT customer_key, segment_label FROM shop.at_risk_customers WHERE recency_days <= 365 ORDER BY monetary DESC, customer_key LIMIT 1
), rows AS (
	SELECT e.*,
		   CASE WHEN e.topic = 'next_step' THEN CASE WHEN lag(e.topic) OVER (ORDER BY e.position) = 'next_step' THEN '' ELSE demo.t('next step') END
				ELSE e.value END AS head,
		   -- the rule stands beside the score that it is about
		   CASE WHEN e.topic = 'rfm_score' THEN max(e.explanation) FILTER (WHERE e.topic = 'segment') OVER () ELSE e.explanation END AS words
	  FROM top, explain_score('shop', top.customer_key, language => demo.t('language')) AS e
	 WHERE e.topic NOT LIKE 'engagement%' AND e.topic <> 'cluster'		-- see points.sql and alike.sql
), lines (position, line) AS (
	SELECT 0, demo.t('why', demo.shown(customer_key), upper(segment_label)) FROM top
	UNION ALL
	SELECT position, '  ' || rpad(head, 11) || demo.fill('', repeat(' ', 13),
			CASE WHEN demo.french() THEN regexp_replace(words, '([0-9]) (?=[0-9]{3})', '\1' || demo.narrow_space(), 'g') ELSE words END)
	  FROM rows WHERE topic <> 'segment'
)
SELECT line FROM lines ORDER BY position;
