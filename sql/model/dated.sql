--
-- Layer 4: the dated functions of a model, answered from stored histories.
--

-- The days from one to another by steps, month ends kept.
CREATE FUNCTION @extschema@._model_days(from_day date, to_day date, step interval)
	RETURNS SETOF date
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 12
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	day		date := from_day;
	n		int := 0;
BEGIN
	IF from_day IS NULL OR to_day IS NULL OR step IS NULL THEN
		RETURN;
	END IF;
	IF NOT isfinite(from_day) OR NOT isfinite(to_day) THEN
		RAISE invalid_parameter_value USING MESSAGE = 'from_day and to_day must be finite';
	END IF;
	IF step < interval '1 day' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'step must be at least a day',
			HINT = 'segment_history(''2025-01-31'', ''2025-12-31'', ''1 month'')';
	END IF;
	WHILE day <= to_day LOOP
		IF n >= 10000 THEN
			RAISE program_limit_exceeded USING
				MESSAGE = 'more than 10000 days between from_day and to_day',
				HINT = 'Take longer steps.';
		END IF;
		RETURN NEXT day;
		n := n + 1;
		day := (from_day + n * step)::date;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_days(date, date, interval) IS 'internal: days from one to another by steps';

CREATE FUNCTION @extschema@._model_make_functions(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	in_force	text := '%1$s IS NOT NULL AND (c.version = 1 OR c.valid_from <= %1$s) AND (c.valid_until IS NULL OR c.valid_until > %1$s)';
	money		text := format('numeric(24, %s)', settings ->> 'money_decimals');
	map			text := settings ->> 'map_copy';
	language	text := settings ->> 'language';
	maps		text[];
	columns		text;
	wide		text;
	scores		text;
	dates		text;
	counts		text;
	moves		text;
	today		text;
	days		text;
	cohort		record;
	small		int := settings ->> 'minimum_group_size';
	shown		text := format('NOT c.is_small AND COALESCE(a.active, 0) NOT BETWEEN 1 AND %1$s - 1 AND c.customers - COALESCE(a.active, 0) NOT BETWEEN 1 AND %1$s - 1', small);
	hidden		text := CASE WHEN small = 1 THEN '%s' ELSE format('CASE WHEN %s THEN %%s END', shown) END;
BEGIN
	EXECUTE format('SELECT array_agg(DISTINCT map_copy) FROM %I.configuration', model) INTO maps;

	-- The wide view as of any day
	scores := @extschema@._model_scores(model, settings, @extschema@._model_question(model, settings, '$1',
		'$1 IS NOT NULL AND CASE WHEN $2 IS NOT NULL THEN c.version = $2 ELSE ' || format(in_force, '$1') || ' END', '@extschema@._caller_role($3)'), maps);
	wide := @extschema@._model_wide(model, settings, scores);
	-- ... has the columns that the view has now, which a view without a day tells
	columns := @extschema@._model_fit_columns(model, 'customer_scores', @extschema@._model_wide(model, settings,
		@extschema@._model_scores(model, settings, @extschema@._model_question(model, settings, 'NULL::date', 'true', NULL), maps)));
	PERFORM @extschema@._model_put_function(model, 'customer_scores_at', '{as_of date,version int DEFAULT NULL}',
		format('SETOF %I.customer_scores', model), format('SELECT %s FROM (%s) AS q', columns, wide),
		'customer_scores as of any day, by the thresholds and the map in force that day, or those of the version that you name');

	-- What is shown of the day that the views show, if a condition holds
	today := replace(@extschema@._model_shown(settings, @extschema@._model_scores(model, settings,
		@extschema@._model_question(model, settings, condition => 'c.valid_until IS NULL AND <condition>', reader => '@extschema@._caller_role(<reader>)'), ARRAY[map])), '%', '%%');
	today := replace(replace(today, '<condition>', '%1$s'), '<reader>', '%2$s');

	-- Moves between two days. Both are seen by the thresholds of today, so that
	-- a move is the customer's own; labels that were others by the thresholds
	-- of their time are counted apart. Grouped, not joined: how many customers there
	-- are on each side is what the planner can't guess.
	moves := format($q$SELECT s.tenant, CASE WHEN s.was_there THEN s.from_segment ELSE %6$s END::text AS from_segment,
					   s.to_segment::text AS to_segment, s.monetary, s.is_there, s.was_there_then, s.then_segment::text AS then_segment,
					   (s.was_there_then AND s.then_segment IS DISTINCT FROM s.from_segment) AS by_thresholds
				  FROM (SELECT u.customer_key, min(u.tenant) AS tenant,
							   bool_or(u.side = 'from') AS was_there, max(u.segment) FILTER (WHERE u.side = 'from') AS from_segment,
							   bool_or(u.side = 'then') AS was_there_then, max(u.segment) FILTER (WHERE u.side = 'then') AS then_segment,
							   bool_or(u.side = 'to') AS is_there, max(u.segment) FILTER (WHERE u.side = 'to') AS to_segment,
							   max(u.monetary) FILTER (WHERE u.side = 'to') AS monetary
						  FROM (SELECT 'from' AS side, a.customer_key, a.tenant, a.segment, NULL::numeric AS monetary FROM (%2$s) AS a
								UNION ALL
								SELECT 'to', b.customer_key, b.tenant, b.segment, b.monetary FROM (%3$s) AS b
								UNION ALL
								SELECT 'then', t.customer_key, t.tenant, t.segment, NULL FROM (%4$s) AS t) AS u
						 GROUP BY u.customer_key) AS s
				  LEFT JOIN (SELECT l.segment FROM %1$I.segment_label AS l WHERE l.map = %5$L AND l.role = 'prospect'
							  -- as src/segment/segment_map.c finds the one that needs no rule
							  ORDER BY EXISTS (SELECT FROM %1$I.segment_rule AS r WHERE r.map = l.map AND r.segment = l.segment), l.display_order, l.segment LIMIT 1) AS p ON true$q$, model,
			@extschema@._model_scores(model, settings, @extschema@._model_question(model, settings, '$1', 'c.valid_until IS NULL AND $1 IS NOT NULL AND $2 IS NOT NULL', '@extschema@._caller_role($3)'), ARRAY[map]),
			@extschema@._model_scores(model, settings, @extschema@._model_question(model, settings, '$2', 'c.valid_until IS NULL AND $1 IS NOT NULL AND $2 IS NOT NULL', '@extschema@._caller_role($3)'), ARRAY[map]),
			@extschema@._model_scores(model, settings, @extschema@._model_question(model, settings, '$1', format(in_force, '$1'), '@extschema@._caller_role($3)'), maps),
			map,
			-- known_since says who was known on a day: people who were not are no prospects
			CASE WHEN settings ->> 'known_since' IS NULL THEN 'p.segment' ELSE 'NULL' END);
	IF small = 1 THEN
		moves := format($q$
		SELECT %4$s AS tenant, m.from_segment, f.label AS from_label, m.to_segment, t.label AS to_label, count(*) AS customers, sum(m.monetary)::%5$s AS revenue,
			   count(*) FILTER (WHERE m.by_thresholds) AS customers_by_thresholds, f.display_order AS from_order, t.display_order AS to_order, false AS suppressed
		  FROM (%2$s) AS m
		  LEFT JOIN %1$I.segment_label AS f ON f.map = %3$L AND f.segment = m.from_segment AND f.language = %6$L
		  LEFT JOIN %1$I.segment_label AS t ON t.map = %3$L AND t.segment = m.to_segment AND t.language = %6$L
		 WHERE m.is_there
		 GROUP BY m.tenant, m.from_segment, f.label, f.display_order, m.to_segment, t.label, t.display_order$q$,
			model, moves, map, @extschema@._model_tenant(settings, 'm'), money, language);
	ELSE
		-- A move is shown if both of its segments are on their days, and if it tells
		-- nothing of fewer people together with them.
		moves := format($q$
		WITH m AS MATERIALIZED (
			SELECT m.tenant, m.from_segment, m.to_segment, m.is_there, m.was_there_then, m.then_segment, m.by_thresholds IS TRUE AS by_thresholds,
				   count(*) AS customers, sum(m.monetary) AS revenue
			  FROM (%2$s) AS m GROUP BY 1, 2, 3, 4, 5, 6, 7
		), today AS MATERIALIZED (%7$s),
		day AS (
			SELECT n.tenant, n.from_groups, n.to_groups, COALESCE(f.shown, n.from_shown) AS from_shown, COALESCE(t.shown, n.to_shown) AS to_shown
			  FROM (SELECT m.tenant, array_agg('s' || COALESCE(':' || m.then_segment, '')) FILTER (WHERE m.was_there_then) AS from_groups,
						   array_agg('s' || COALESCE(':' || m.to_segment, '')) FILTER (WHERE m.is_there) AS to_groups,
						   @extschema@.shown_groups(m.customers, ARRAY['t', 's' || COALESCE(':' || m.then_segment, '')], %8$s, 2, 0) FILTER (WHERE m.was_there_then) AS from_shown,
						   @extschema@.shown_groups(m.customers, ARRAY['t', 's' || COALESCE(':' || m.to_segment, '')], %8$s, 2, 0) FILTER (WHERE m.is_there) AS to_shown
					  FROM m GROUP BY m.tenant) AS n
			  LEFT JOIN today AS f ON f.tenant = n.tenant AND f.as_of = $1
			  LEFT JOIN today AS t ON t.tenant = n.tenant AND t.as_of = $2
		), named AS (
			SELECT m.*, d.from_shown, d.to_shown, 's' || COALESCE(':' || m.to_segment, '') AS to_group, 's' || COALESCE(':' || m.then_segment, '') AS then_group,
				   CASE WHEN ('s' || COALESCE(':' || m.from_segment, '') <> ALL (d.from_groups) OR 's' || COALESCE(':' || m.from_segment, '') = ANY (d.from_shown)) IS NOT FALSE
						 AND ('s' || COALESCE(':' || m.to_segment, '') = ANY (d.to_shown))
						THEN COALESCE(':' || m.from_segment, '') || '=' || COALESCE(':' || m.to_segment, '') END AS cell
			  FROM m JOIN day AS d ON d.tenant = m.tenant WHERE m.is_there
		), decided AS (
			SELECT n.tenant, @extschema@.shown_groups(n.customers, ARRAY['t', CASE WHEN n.to_group = ANY (n.to_shown) THEN n.to_group END,
					   CASE WHEN n.was_there_then AND n.then_group = ANY (n.from_shown) THEN 'h' || n.then_group END,
					   'c' || n.cell, CASE WHEN n.by_thresholds THEN 'x' || n.cell END]::text[], %8$s, 5, 3) AS shown
			  FROM named AS n GROUP BY n.tenant
		)
		SELECT %4$s AS tenant, c.from_segment, f.label AS from_label, c.to_segment, t.label AS to_label, CASE WHEN c.is_shown THEN c.customers END AS customers,
			   CASE WHEN c.is_shown THEN c.revenue::%5$s END AS revenue, CASE WHEN c.is_shown AND (c.by_thresholds = 0 OR c.part_is_shown) THEN c.by_thresholds END AS customers_by_thresholds,
			   f.display_order AS from_order, t.display_order AS to_order, NOT c.is_shown AS suppressed
		  FROM (SELECT n.tenant, n.from_segment, n.to_segment, sum(n.customers)::bigint AS customers, sum(n.revenue) AS revenue,
					   COALESCE(sum(n.customers) FILTER (WHERE n.by_thresholds), 0)::bigint AS by_thresholds,
					   COALESCE('c' || n.cell = ANY (d.shown), false) AS is_shown, COALESCE('x' || n.cell = ANY (d.shown), false) AS part_is_shown
				  FROM named AS n JOIN decided AS d ON d.tenant = n.tenant
				 GROUP BY n.tenant, n.from_segment, n.to_segment, n.cell, d.shown) AS c
		  LEFT JOIN %1$I.segment_label AS f ON f.map = %3$L AND f.segment = c.from_segment AND f.language = %6$L
		  LEFT JOIN %1$I.segment_label AS t ON t.map = %3$L AND t.segment = c.to_segment AND t.language = %6$L$q$,
			model, moves, map, @extschema@._model_tenant(settings, 'c'), money, language,
			format(today, format('(%1$s = $1 OR %1$s = $2)', @extschema@._model_as_of()), '$3'), small);
	END IF;
	PERFORM @extschema@._model_put_function(model, 'segment_transitions', '{from_day date,to_day date}',
		'TABLE (tenant text, from_segment text, from_label text, to_segment text, to_label text, customers bigint, revenue numeric, customers_by_thresholds bigint, suppressed boolean)',
		format($q$SELECT m.tenant, m.from_segment, m.from_label, m.to_segment, m.to_label, m.customers, m.revenue, m.customers_by_thresholds, m.suppressed
		  FROM (%s) AS m ORDER BY m.tenant, m.from_order, m.to_order$q$, moves),
		'how many customers went from which segment to which between two days, both seen by the thresholds of today; customers_by_thresholds of them had another label at the time, by the thresholds of then');

	-- Segments over time, as they were seen. Customers are scored day by day,
	-- which takes neither a join nor a sort of customers times days; a table of
	-- people is joined once, before. With tenants that would be a scan for each
	-- tenant and day: there one join does it.
	dates := @extschema@._model_question(model, settings, 'd.day', format(in_force, 'd.day'), '@extschema@._caller_role($4)',
		'@extschema@._model_days($1, $2, $3) AS d (day), ');
	IF settings ->> 'tenant' IS NOT NULL THEN
		counts := format($q$
			SELECT s.as_of, s.tenant, s.version, s.map_copy, s.segment, count(*) AS customers, sum(s.monetary) AS revenue
			  FROM (%s) AS s GROUP BY s.as_of, s.tenant, s.version, s.map_copy, s.segment$q$, @extschema@._model_scores(model, settings, dates, maps));
	ELSE
		counts := format($q$
			%s SELECT q.as_of, q.tenant, q.version, q.map_copy, s.segment, s.customers, s.revenue
			  FROM (%s) AS q
			 CROSS JOIN LATERAL (SELECT s.segment, count(*) AS customers, sum(s.monetary) AS revenue
								   FROM (WITH level AS (SELECT) SELECT s.segment, s.monetary FROM (%s) AS s) AS s
								  GROUP BY s.segment) AS s$q$,
			CASE WHEN settings ->> 'customers_query' IS NULL THEN '' ELSE
				format('WITH everyone AS MATERIALIZED (%s)', @extschema@._model_customers(model, settings)) END,
			dates, @extschema@._model_scores(model, settings, 'SELECT q.*', maps,
				CASE WHEN settings ->> 'customers_query' IS NOT NULL THEN 'SELECT * FROM everyone' END));
	END IF;
	-- what is shown of the day that the views show is decided as there
	days := CASE WHEN small = 1 THEN '' ELSE
		format($q$WITH counted AS MATERIALIZED (%1$s), today AS MATERIALIZED (%2$s), days AS (
			SELECT n.tenant, n.as_of, COALESCE(t.shown, @extschema@.shown_groups(n.customers, ARRAY['t', 's' || COALESCE(':' || n.segment, '')], %3$s, 2, 0)) AS shown
			  FROM counted AS n LEFT JOIN today AS t ON t.tenant = n.tenant AND t.as_of = n.as_of AND t.version = n.version
			 GROUP BY n.tenant, n.as_of, t.shown) $q$,
			counts, format(today, @extschema@._model_as_of() || ' BETWEEN $1 AND $2', '$4'), small) END;
	PERFORM @extschema@._model_put_function(model, 'segment_history', '{from_day date,to_day date,step interval DEFAULT ''1 month''}',
		'TABLE (as_of date, tenant text, segment text, segment_label text, customers bigint, customers_share float8, revenue numeric, revenue_share float8, segment_order int, segment_color text, suppressed boolean)',
		format('%s%s', days, @extschema@._model_hide_groups(settings, 'SELECT * FROM days', format($q$
		SELECT n.as_of, %3$s AS tenant, n.segment::text AS segment, l.label AS segment_label, n.customers, n.customers / NULLIF(sum(n.customers) OVER w, 0)::float8 AS customers_share,
			   n.revenue::%4$s AS revenue, (greatest(n.revenue, 0) / NULLIF(sum(greatest(n.revenue, 0)) OVER w, 0))::float8 AS revenue_share, l.display_order AS segment_order, l.color::text AS segment_color
		  FROM (%2$s) AS n
		  LEFT JOIN %1$I.segment_label AS l ON l.map = n.map_copy AND l.segment = n.segment AND l.language = %5$L
		WINDOW w AS (PARTITION BY n.as_of, n.tenant)
		 ORDER BY n.as_of, n.tenant, l.display_order$q$, model, CASE WHEN small = 1 THEN counts ELSE 'SELECT * FROM counted' END,
			@extschema@._model_tenant(settings, 'n'), money, language),
			'{as_of,tenant,segment,segment_label,customers,customers_share,revenue,revenue_share,segment_order,segment_color}',
			'{customers,customers_share,revenue,revenue_share}', $q$'s' || COALESCE(':' || q.segment, '')$q$, $q$'t'$q$, 'q.as_of, q.tenant',
			'q.as_of, q.tenant, q.segment_order, q.segment', '{}', ' AND d.as_of = q.as_of')),
		'segments over time: customers and revenue of each on the days from one to another by steps, by the thresholds and the map in force that day');

	-- Cohorts by the month or the week of the first order. Those who came back, and
	-- those who did not, are groups of their own. Refunds from before the first order
	-- count in its period, so that the revenue is that of customer_scores.
	FOR cohort IN SELECT * FROM (VALUES
			('cohort_retention', 'cohort_month', 'months_since', '(%1$s - (extract(day FROM %1$s)::int - 1))',
				'((extract(year FROM %1$s) - extract(year FROM %2$s)) * 12 + extract(month FROM %1$s) - extract(month FROM %2$s))::int',
				'((%1$s + (%2$s + 1) * interval ''1 month'')::date - 1)',
				'of the customers who first ordered in a month, how many ordered so many months later, and for how much; is_running: the month is not over on as_of'),
			('weekly_cohort_retention', 'cohort_week', 'weeks_since', '(%1$s - (extract(isodow FROM %1$s)::int - 1))',
				'floor((%1$s - %2$s) / 7.0)::int', '(%1$s + 7 * %2$s + 6)',
				'of the customers who first ordered in a week, how many ordered so many weeks later, and for how much; weeks begin on Monday; is_running: the week is not over on as_of'))
			AS v (name, start, since, start_of, periods, last_day, comment) LOOP
		PERFORM @extschema@._model_put_function(model, cohort.name, '{}',
			format('TABLE (tenant text, %I date, %I int, is_running boolean, customers bigint, active_customers bigint, active_share float8, revenue numeric, suppressed boolean)', cohort.start, cohort.since),
			format($q$
		%13$sSELECT %3$s AS tenant, c.cohort, n.since, %11$s > c.as_of AS is_running, %5$s AS customers, %6$s AS active_customers, %7$s AS active_share, %8$s AS revenue, %9$s AS suppressed
		  FROM (SELECT f.tenant, f.cohort, f.as_of, max(f.last_period) AS last_period, count(*) AS customers%10$s
				  FROM (%2$s) AS f GROUP BY f.tenant, f.cohort, f.as_of) AS c
		 CROSS JOIN LATERAL generate_series(0, c.last_period) AS n (since)
		  LEFT JOIN (SELECT m.tenant, m.cohort, m.since, count(*) FILTER (WHERE m.events > 0) AS active, sum(m.total) AS revenue
					   FROM (SELECT f.tenant, f.cohort, f.customer_key, greatest(%12$s, 0) AS since,
									sum(d.events) AS events, sum(d.total) AS total
							   FROM (%2$s) AS f CROSS JOIN LATERAL @extschema@.days(f.history) AS d WHERE d.day <= f.as_of
							  GROUP BY 1, 2, 3, 4) AS m
					  GROUP BY m.tenant, m.cohort, m.since) AS a
				 ON a.tenant = c.tenant AND a.cohort = c.cohort AND a.since = n.since
		 ORDER BY c.tenant, c.cohort, n.since$q$, model,
				format($q$SELECT f.tenant, f.customer_key, f.history, f.as_of, f.cohort, %s AS last_period
					FROM (SELECT f.*, %s AS cohort
						FROM (SELECT h.tenant, h.customer_key, h.history, q.as_of, @extschema@.first_day(h.history, q.as_of) AS first_day
							  FROM (%s) AS q JOIN (%s) AS h ON h.tenant = q.tenant) AS f WHERE f.first_day IS NOT NULL) AS f$q$,
					format(cohort.periods, 'f.as_of', 'f.cohort'), format(cohort.start_of, 'f.first_day'),
					@extschema@._model_question(model, settings, reader => '@extschema@._caller_role($1)'), @extschema@._model_customers(model, settings)),
				@extschema@._model_tenant(settings, 'c'), money,
				CASE WHEN small = 1 THEN 'c.customers' ELSE 'CASE WHEN NOT c.is_small THEN c.customers END' END,
				format(hidden, 'COALESCE(a.active, 0)'), format(hidden, 'COALESCE(a.active, 0) / c.customers::float8'), format(hidden, format('COALESCE(a.revenue, 0)::%s', money)),
				CASE WHEN small = 1 THEN 'false' ELSE format('NOT (%s)', shown) END,
				CASE WHEN small = 1 THEN '' ELSE format($q$, COALESCE(%L || (f.cohort - '2000-01-01'::date) <> ALL ((SELECT d.shown FROM today AS d WHERE d.tenant = f.tenant)::text[]), true) AS is_small$q$,
					CASE cohort.name WHEN 'cohort_retention' THEN 'k:' ELSE 'kw:' END) END,
				format(cohort.last_day, 'c.cohort', 'n.since'), format(cohort.periods, 'd.day', 'f.cohort'),
				CASE WHEN small = 1 THEN '' ELSE format('WITH today AS MATERIALIZED (%s) ', format(today, 'true', '$1')) END),
			cohort.comment);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_functions(name, jsonb) IS 'internal: make or replace the dated functions of a model';
