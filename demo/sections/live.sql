-- A late order and a partial refund, and what they do to a customer at once. The
-- model is made live for it; all of it is taken back.
BEGIN;

CREATE TEMP TABLE live_steps (step int, happened text, monetary numeric, frequency bigint, last_order_on date, rfm_code text, segment_label text,
	paid numeric) ON COMMIT DROP;

DO $$
DECLARE
	who		record;
	insert_order text;
	s		demo.settings;
BEGIN
	SELECT * INTO s FROM demo.settings;
	-- a customer at risk that an order of the usual size lifts over a threshold of M,
	-- and a refund of half of it takes back; else the one who comes closest to that
	SELECT c.customer_key, c.monetary, round(c.mean_value, 2) AS amount INTO who
	  FROM shop.customer_scores c
	  JOIN shop.segments g USING (segment)
	  LEFT JOIN shop.thresholds t ON t.dimension = 'monetary' AND t.score = 4
	 WHERE c.frequency > 0 AND c.mean_value >= 0.02
	 ORDER BY g.role = 'at_risk' AND coalesce(c.monetary <= t.lower_bound AND c.monetary + c.mean_value > t.lower_bound
											  AND c.monetary + c.mean_value / 2 <= t.lower_bound, false) DESC,
			  g.role = 'at_risk' DESC, c.recency_days > 30 DESC, c.monetary DESC, c.customer_key
	 LIMIT 1;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	PERFORM FROM alter_model('shop', live => true);
	insert_order := format('INSERT INTO public.orders (%I, %I, %I) VALUES ($1, $2, $3)', s.customer_column, s.day_column, s.value_column);
	FOR step IN 1 .. 3 LOOP
		IF step = 2 THEN
			EXECUTE insert_order USING who.customer_key, s.as_of - 2, who.amount;
		ELSIF step = 3 THEN
			EXECUTE insert_order USING who.customer_key, s.as_of, -round(who.amount / 2, 2);
		END IF;
		INSERT INTO live_steps
		SELECT step, CASE step WHEN 1 THEN demo.shown(customer_key, 28)
						WHEN 2 THEN demo.t('late order', (s.as_of - 2)::text, demo.money(who.amount, who.monetary))
						ELSE demo.t('partial refund', demo.money(-round(who.amount / 2, 2), who.monetary)) END,
			   monetary, frequency, last_order_on, rfm_code, segment_label, who.monetary
		  FROM shop.customer_scores WHERE customer_key = who.customer_key;
	END LOOP;
END $$;

WITH widths (widths) AS (
	SELECT ARRAY[-greatest(w[1], max(length(happened))), greatest(w[2], max(length(demo.money(monetary, paid))) + 2)] || w[3:]
	  FROM live_steps, demo.widths('live widths') w GROUP BY w
), lines (position, line) AS (
	SELECT 0, demo.t('live') || '  ' || demo.t('live how')
	UNION ALL
	SELECT 0, '  ' || demo.t('nobody') WHERE NOT EXISTS (SELECT FROM live_steps)
	UNION ALL
	SELECT 1, demo.row(string_to_array(demo.t('head live'), '|'), widths) FROM widths
	UNION ALL
	SELECT 10 + step, demo.row(ARRAY[happened, demo.money(monetary, paid), demo.num(frequency), last_order_on::text,
									 regexp_replace(rfm_code, '(.)(.)(.)', '\1-\2-\3'), '', segment_label], widths)
	  FROM live_steps, widths
	UNION ALL
	SELECT 20, demo.fill('  ', '    ', demo.t('live check', demo.count_of(pending_changes, 'differences'),
											  demo.num((SELECT count(*) FROM check_model('shop')))))
	  FROM shop.model_status WHERE live
)
SELECT line FROM lines ORDER BY position;

ROLLBACK;
