-- From orders to a model. The statement that makes it is the one that the
-- section THE SQL prints, with the file's own column names.

-- What people do besides ordering, where that is known.
CREATE FUNCTION demo.stream_statement() RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT demo.wrap('  ', '    ', ARRAY['SELECT * FROM add_stream(''shop'', ''web'', ''events''', 'customer => ''customer_id''', 'day => ''happened_on''', 'kind => ''kind'')'], ', ')
	 WHERE to_regclass('public.events') IS NOT NULL
$$;

-- What was in the orders, where that is known.
CREATE FUNCTION demo.lines_statement() RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT demo.wrap('  ', '    ', ARRAY['SELECT * FROM add_stream(''shop'', ''lines'', ''order_lines''', 'customer => ''customer_id''', 'day => ''order_date''', 'kind => ''category''',
										 'value => ''amount''', 'role => ''line'')'], ', ')
	 WHERE to_regclass('public.order_lines') IS NOT NULL AND to_regclass('public.events') IS NOT NULL
$$;

-- What they say of the shop, and who was asked.
CREATE FUNCTION demo.survey_statements() RETURNS text[]
LANGUAGE sql STABLE AS $$
	SELECT ARRAY[demo.wrap('  ', '    ', ARRAY['SELECT * FROM add_stream(''shop'', ''survey'', ''SELECT * FROM answers WHERE question = ''''nps''''''', 'customer => ''customer_id''',
					'day => ''answered_on''', 'kind => ''question''', 'value => ''rating''', 'scale => ''nps'')'], ', '),
				 demo.wrap('  ', '    ', ARRAY['SELECT * FROM add_stream(''shop'', ''asked'', ''surveys''', 'customer => ''customer_id''', 'day => ''sent_on''', 'kind => ''question''',
					'role => ''sent'')'], ', ')]
	 WHERE to_regclass('public.answers') IS NOT NULL
$$;

CREATE FUNCTION demo.model_statement() RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT demo.wrap('  ', '    ', ARRAY[
		'SELECT * FROM create_model(''shop'', ''orders''',
		format('customer => %L', customer_column), format('day => %L', day_column), format('value => %L', value_column),
		-- people without an order are prospects from the day on which they became known
		CASE WHEN to_regclass('public.customers') IS NULL THEN NULL
			 ELSE 'customers => ''customers'', known_since => ''known_since''' END,
		CASE WHEN demo.stream_statement() IS NOT NULL THEN 'scorecards => ''{engagement}''' END,
		CASE WHEN language <> 'en' THEN format('language => %L', language) END,
		(SELECT format('money_decimals => %s', max(scale(trim_scale(value)))) FROM demo.events HAVING max(scale(trim_scale(value))) > 2),
		'time_zone => ' || quote_literal(time_zone),
		format('as_of => %L)', as_of)], ', ')
	  FROM demo.settings
$$;

-- For the honest check: 90 days ago, with what was known and the thresholds of that day.
CREATE FUNCTION demo.check_statement() RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN length(line) < 98 THEN line		-- 100 with indent and semicolon
				ELSE format(E'SELECT * FROM score_customers(\n  %s, %L)', replace(quoted, E'\n', E'\n   '), earlier) END
	  FROM demo.settings,
		   format('SELECT %I, %I, %I FROM orders', customer_column, day_column, value_column) query,
		   format(E'SELECT %I,\n       %I,\n       %I\nFROM orders', customer_column, day_column, value_column) lines,
		   format('SELECT * FROM score_customers(%L, %L)', query, earlier) line,
		   quote_literal(CASE WHEN length(query) < 75 THEN query ELSE lines END) quoted
$$;

-- The whole job, measured.
DO $$
DECLARE
	statement text := demo.model_statement();
	stream text := demo.stream_statement();
	lines text := demo.lines_statement();
	start timestamptz := clock_timestamp();
BEGIN
	EXECUTE statement;
	IF stream IS NOT NULL THEN
		EXECUTE stream;
	END IF;
	IF lines IS NOT NULL THEN
		EXECUTE lines;
	END IF;
	FOREACH stream IN ARRAY coalesce(demo.survey_statements(), '{}') LOOP
		EXECUTE stream;
	END LOOP;
	UPDATE demo.settings SET score_seconds = extract(epoch FROM clock_timestamp() - start);
END $$;

DO $$
BEGIN
	EXECUTE 'CREATE UNLOGGED TABLE demo.scored_then AS SELECT customer_id, segment FROM (' || demo.check_statement() || ') s';
	IF to_regclass('public.customers') IS NOT NULL THEN
		INSERT INTO demo.scored_then
		SELECT customer_id, 'prospects' FROM public.customers c, demo.settings
		 WHERE known_since <= earlier AND NOT EXISTS (SELECT FROM demo.scored_then t WHERE t.customer_id = c.customer_id);
	END IF;
END $$;

-- Who ordered in the 90 days since.
CREATE UNLOGGED TABLE demo.bought_since AS
SELECT customer_id, count(*) FILTER (WHERE value >= 0) AS orders, sum(value) AS revenue
  FROM demo.events, demo.settings WHERE day > earlier AND day <= as_of GROUP BY 1;
ANALYZE demo.scored_then;
ANALYZE demo.bought_since;

CREATE FUNCTION demo.label(segment text) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT l.label FROM shop.segments l WHERE l.segment = label.segment $$;
