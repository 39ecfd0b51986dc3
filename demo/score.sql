-- From orders to scored customers. The statement that makes the view scored is
-- the one that the section THE SQL prints, with the file's own column names.

-- The orders under names of ours, for the sections.
DO $$
BEGIN
	EXECUTE (SELECT format('CREATE VIEW demo.events AS SELECT %I AS customer_id, %I AS day, %I AS value FROM public.orders',
						   customer_column, day_column, value_column) FROM demo.settings);
	UPDATE demo.settings SET as_of = (SELECT max(day) FROM demo.events) WHERE as_of IS NULL;
	UPDATE demo.settings SET earlier = as_of - 90;
	IF NOT EXISTS (SELECT FROM demo.events, demo.settings WHERE day <= as_of) THEN
		PERFORM demo.stop(demo.t('nothing by as of', as_of::text, (SELECT min(day)::text FROM demo.events))) FROM demo.settings;
	END IF;
END $$;

-- Known customers without an order get a row that is no event, and become prospects.
CREATE FUNCTION demo.statement() RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN to_regclass('public.customers') IS NULL THEN
			(SELECT CASE WHEN length(line) < 98 THEN line		-- 100 with indent and semicolon
						 ELSE format(E'SELECT * FROM score_customers(\n  %s, %L)', replace(quoted, E'\n', E'\n   '), as_of) END
			   FROM format('SELECT %I, %I, %I FROM orders', customer_column, day_column, value_column) query,
					format(E'SELECT %I,\n       %I,\n       %I\nFROM orders', customer_column, day_column, value_column) lines,
					format('SELECT * FROM score_customers(%L, %L)', query, as_of) line,
					quote_literal(CASE WHEN length(query) < 75 THEN query ELSE lines END) quoted)
		ELSE
			format(E'SELECT * FROM score_customers(\n'
				   '  ''SELECT customer_id, order_date, amount, amount >= 0 FROM orders\n'
				   '   UNION ALL SELECT customer_id, known_since, 0, false FROM customers'', %L)', as_of)
		END
	  FROM demo.settings
$$;

-- The whole job, measured.
DO $$
DECLARE
	start timestamptz := clock_timestamp();
BEGIN
	EXECUTE 'CREATE VIEW public.scored AS ' || demo.statement();
	EXECUTE 'CREATE UNLOGGED TABLE demo.scored_now AS SELECT * FROM public.scored';
	UPDATE demo.settings SET score_seconds = extract(epoch FROM clock_timestamp() - start);
END $$;
ANALYZE demo.scored_now;

-- One history a customer answers for every other day.
DO $$
BEGIN
	IF to_regclass('public.customers') IS NULL THEN
		CREATE UNLOGGED TABLE demo.histories AS
		SELECT customer_id, history_agg(day, value) AS history, min(day) AS known_since FROM demo.events GROUP BY 1;
	ELSE
		CREATE UNLOGGED TABLE demo.histories AS
		SELECT c.customer_id, history_agg(e.day, e.value) AS history, min(c.known_since) AS known_since
		  FROM public.customers c LEFT JOIN demo.events e ON e.customer_id = c.customer_id GROUP BY 1;
	END IF;
END $$;
ANALYZE demo.histories;

-- Facts of every customer known by a day, and their segments by given thresholds.
CREATE FUNCTION demo.facts_at(as_of date)
RETURNS TABLE (customer_id text, recency_days int, frequency bigint, monetary numeric, tenure_days int)
LANGUAGE sql STABLE AS $$
	SELECT customer_id, recency(history, as_of), frequency(history, as_of), monetary(history, as_of), tenure(history, as_of)
	  FROM demo.histories WHERE known_since <= as_of
$$;

CREATE FUNCTION demo.revenue_fifths(as_of date) RETURNS float8[]
LANGUAGE sql STABLE AS $$ SELECT quantile_thresholds(monetary, 5) FROM demo.facts_at(as_of) WHERE frequency > 0 $$;

CREATE FUNCTION demo.segments_at(as_of date, fifths float8[])
RETURNS TABLE (customer_id text, recency_days int, frequency bigint, monetary numeric, segment text)
LANGUAGE sql STABLE AS $$
	SELECT customer_id, recency_days, frequency, monetary,
		   segment(score(recency_days, '{30,90,180,365}', false),
				   CASE WHEN frequency > 0 THEN score(frequency, '{1,2,4,9}') END,
				   CASE WHEN frequency > 0 THEN score(monetary, fifths) END,
				   'essential', jsonb_build_object('tenure_days', tenure_days))
	  FROM demo.facts_at(as_of)
$$;

-- For the honest check: 90 days ago, with the thresholds of that day.
CREATE UNLOGGED TABLE demo.scored_then AS
SELECT s.* FROM demo.settings, demo.revenue_fifths(earlier) f, demo.segments_at(earlier, f) s;

-- For the moves: 90 days ago, with today's thresholds.
CREATE UNLOGGED TABLE demo.scored_before AS
SELECT s.* FROM demo.settings, demo.revenue_fifths(as_of) f, demo.segments_at(earlier, f) s;

-- Who ordered in the 90 days since.
CREATE UNLOGGED TABLE demo.bought_since AS
SELECT customer_id, count(*) FILTER (WHERE value >= 0) AS orders, sum(value) AS revenue
  FROM demo.events, demo.settings WHERE day > earlier AND day <= as_of GROUP BY 1;
ANALYZE demo.scored_then;
ANALYZE demo.scored_before;
ANALYZE demo.bought_since;

-- The segments in display order. Prospects are shown where there are any.
CREATE VIEW demo.segments AS
SELECT l.segment, l.role, l.label, l.display_order
  FROM segment_label l, demo.settings
 WHERE l.map = 'essential' AND l.language = settings.language
   AND (l.role <> 'prospect' OR EXISTS (SELECT FROM demo.scored_now WHERE segment = l.segment)
		OR EXISTS (SELECT FROM demo.scored_then WHERE segment = l.segment));

CREATE FUNCTION demo.label(segment text) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT l.label FROM segment_label l, demo.settings s
	 WHERE l.map = 'essential' AND l.language = s.language AND l.segment = label.segment
$$;
