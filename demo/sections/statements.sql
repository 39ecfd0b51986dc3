-- What made all this, ready to be copied.
WITH lines (position, line) AS (
	SELECT v.* FROM demo.settings, LATERAL (VALUES
		(0, demo.t('sql') || '  ' || demo.t('sql how')),
		(1, demo.model_statement() || ';'),
		(2, '  SELECT * FROM shop.segment_summary;'),
		(3, '  SELECT * FROM shop.at_risk_customers WHERE recency_days <= 365;'),
		(10, '  -- ' || demo.t('sql year')),
		(11, '  SELECT * FROM alter_model(''shop'', prediction => ''mbgnbd'');' || E'\n  SELECT * FROM shop.prediction_by_segment;'),
		(12, demo.fill('  ', '  ', demo.t('next')))) v
	UNION ALL
	SELECT v.* FROM (VALUES
		(4.1, '  -- ' || demo.t('sql alike')),
		(4.2, E'  SELECT * FROM alter_model(''shop'', clusters => 5);\n  SELECT * FROM shop.clusters;')) v
	 WHERE to_regclass('shop.clusters') IS NOT NULL
	UNION ALL
	SELECT v.* FROM demo.settings, LATERAL (VALUES
		(4.3, '  -- ' || demo.t('sql steering')),
		(4.4, format(E'  SELECT * FROM set_goal(''shop'', ''vip'', ''churn_rate'', -10, ''by_percent'', %L);\n  SELECT * FROM shop.goals;', as_of + 180)),
		(4.5, format(E'  SELECT * FROM start_campaign(''shop'', ''voucher'', ''at_risk'', on_day => %L);\n  SELECT * FROM shop.campaign_result(''voucher'');', earlier)),
		(4.6, '  SELECT * FROM shop.revenue_concentration;')) v
	 WHERE EXISTS (SELECT FROM shop.campaigns)
	UNION ALL
	SELECT v.* FROM (VALUES
		(5, '  -- ' || demo.t('sql engagement')),
		(6, demo.stream_statement() || ';'),
		(7, '  SELECT segment_label, engagement_band, count(*) FROM shop.customer_scores GROUP BY 1, 2;')) v
	 WHERE demo.stream_statement() IS NOT NULL
	UNION ALL
	SELECT v.* FROM (VALUES
		(7.1, '  -- ' || demo.t('sql likes')),
		(7.2, demo.lines_statement() || ';'),
		(7.3, '  SELECT * FROM shop.category_by_segment;')) v
	 WHERE demo.lines_statement() IS NOT NULL
	UNION ALL
	SELECT 7.4, '  -- ' || demo.t('sql satisfaction') WHERE demo.survey_statements() IS NOT NULL
	UNION ALL
	SELECT 7.4 + n / 10.0, s || ';' FROM unnest(demo.survey_statements() || '  SELECT * FROM shop.satisfaction_by_segment'::text) WITH ORDINALITY AS u (s, n)
	 WHERE demo.survey_statements() IS NOT NULL
	UNION ALL
	SELECT v.* FROM demo.settings, LATERAL (VALUES
		(4, format('  SELECT * FROM shop.segment_transitions(%L, %L);', earlier, as_of)),
		(8, '  -- ' || demo.t('sql check')),
		(9, '  ' || replace(demo.check_statement(), E'\n', E'\n  ') || ';')) v
	 WHERE EXISTS (SELECT FROM demo.scored_then)
)
SELECT line FROM lines ORDER BY position;
