-- One VIP who does little besides buying: where their points come from. Where there
-- is none, nothing, and no empty line above it.
WITH top AS (
	SELECT s.customer_key, l.label
	  FROM shop.customer_scores s
	  JOIN segment_label l ON l.map = 'essential_hybrid' AND l.language = demo.t('language')
		   AND l.segment = segment(s.r_score, s.f_score, s.m_score, 'essential_hybrid', jsonb_build_object('engagement_score', s.engagement_score))
	 WHERE s.segment = 'vip' AND l.segment = 'high_potential_low_engagement' ORDER BY s.monetary DESC, s.customer_key LIMIT 1
), rows AS (
	SELECT e.*, e.topic = 'engagement_points' AND abs(e.contribution) < 0.05 AS aged
	  FROM top, explain_score('shop', top.customer_key, language => demo.t('language')) AS e
	 WHERE e.topic LIKE 'engagement%'
), lines (position, line) AS (
	SELECT -1, '' FROM top
	UNION ALL
	SELECT 0, demo.t('why', demo.shown(customer_key), upper(label)) FROM top
	UNION ALL
	SELECT CASE topic WHEN 'engagement_score' THEN 1 WHEN 'engagement_points' THEN 100 - contribution ELSE 300 END,
		   demo.fill('  ' || rpad(CASE topic WHEN 'engagement_score' THEN demo.t('score') WHEN 'engagement_next' THEN demo.t('next step') ELSE value END, 11),
					 repeat(' ', 13),
					 -- "1 x" stays on one line; see demo.fill
					 CASE WHEN demo.glyphs() THEN explanation ELSE translate(explanation, U&'\00A0\00D7', E'\x01x') END)
	  FROM rows WHERE NOT aged
	UNION ALL
	SELECT 200, repeat(' ', 13) || demo.t_of(count(*), 'points aged', demo.num(count(*))) FROM rows WHERE aged HAVING count(*) > 0
)
SELECT line FROM lines ORDER BY position;
