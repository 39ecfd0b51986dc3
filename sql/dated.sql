--
-- Layer 4: the dated functions of a model, answered from stored histories.
--
-- They are SECURITY DEFINER because a reader has no rights on the histories
-- and a view has no argument for a day. Who asks is then no longer
-- current_user, and session_user is somebody else wherever one role's SQL runs
-- in another's session: in REFRESH MATERIALIZED VIEW, in the functions that
-- ANALYZE runs for an index, in a SECURITY DEFINER function. So their last
-- parameter is the caller, which nobody can make up.
--

CREATE TYPE @extschema@.caller;
CREATE FUNCTION @extschema@.caller_in(cstring)
	RETURNS @extschema@.caller
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.caller_in(cstring) IS 'I/O';
CREATE FUNCTION @extschema@.caller_out(@extschema@.caller)
	RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.caller_out(@extschema@.caller) IS 'I/O';
CREATE TYPE @extschema@.caller (INPUT = @extschema@.caller_in, OUTPUT = @extschema@.caller_out, INTERNALLENGTH = 16, ALIGNMENT = double);
COMMENT ON TYPE @extschema@.caller IS 'the role that calls a function, as the default of a parameter: no value can be written down';

CREATE FUNCTION @extschema@.caller()
	RETURNS @extschema@.caller
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.caller() IS 'the role that evaluates this, good until the transaction ends';
CREATE FUNCTION @extschema@.caller_role(caller @extschema@.caller)
	RETURNS oid
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.caller_role(@extschema@.caller) IS 'the role that a value of caller() stands for; an error in another transaction';

-- The days from one to another by steps, month ends kept.
CREATE FUNCTION @extschema@.model_days(from_day date, to_day date, step interval)
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
COMMENT ON FUNCTION @extschema@.model_days(date, date, interval) IS 'internal: days from one to another by steps';

-- A function of a model, replaced in its place: its grants stay. Without JIT,
-- which takes longer to compile three copies of a map than most shops take.
CREATE FUNCTION @extschema@.model_put_function(model name, signature text, result text, body text, comment text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	name	text := split_part(signature, '(', 1);
	is_new	boolean := NOT EXISTS (SELECT FROM pg_proc AS p
		WHERE p.pronamespace = to_regnamespace(quote_ident(model)) AND p.proname = split_part(signature, '(', 1));
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION %I.%s RETURNS %s LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER'
		' SET search_path = pg_catalog, pg_temp SET jit = off COST 100000 ROWS 1000 BEGIN ATOMIC %s; END', model, signature, result, body);
	IF is_new THEN
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.%I FROM PUBLIC', model, name);
		PERFORM @extschema@.model_let_read(model, format('EXECUTE ON FUNCTION %I.%I', model, name));
	END IF;
	EXECUTE format('COMMENT ON FUNCTION %I.%I IS %L', model, name, comment);
END
$$;
COMMENT ON FUNCTION @extschema@.model_put_function(name, text, text, text, text) IS 'internal: make or replace a function of a model';

CREATE FUNCTION @extschema@.model_make_functions(model name, settings jsonb)
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
	small		int := settings ->> 'minimum_group_size';
	shown		text := format('NOT c.is_small AND COALESCE(a.active, 0) NOT BETWEEN 1 AND %1$s - 1 AND c.customers - COALESCE(a.active, 0) NOT BETWEEN 1 AND %1$s - 1', small);
	hidden		text := CASE WHEN small = 1 THEN '%s' ELSE format('CASE WHEN %s THEN %%s END', shown) END;
BEGIN
	EXECUTE format('SELECT array_agg(DISTINCT map_copy) FROM %I.configuration', model) INTO maps;

	-- The wide view as of any day
	scores := @extschema@.model_scores(model, settings, @extschema@.model_question(model, settings, '$1',
		'$1 IS NOT NULL AND CASE WHEN $2 IS NOT NULL THEN c.version = $2 ELSE ' || format(in_force, '$1') || ' END', '@extschema@.caller_role($3)'), maps);
	wide := @extschema@.model_wide(model, settings, scores);
	-- ... has the columns that the view has by now, which a view without a day tells
	columns := @extschema@.model_fit_columns(model, 'customer_scores', @extschema@.model_wide(model, settings,
		@extschema@.model_scores(model, settings, @extschema@.model_question(model, settings, 'NULL::date', 'true', NULL), maps)));
	PERFORM @extschema@.model_put_function(model, 'customer_scores_at(as_of date, version int DEFAULT NULL, reader @extschema@.caller DEFAULT @extschema@.caller())',
		format('SETOF %I.customer_scores', model), format('SELECT %s FROM (%s) AS q', columns, wide),
		'customer_scores as of any day, by the thresholds and the map in force that day, or those of the version that you name');

	-- Moves between two days. Both are seen by the thresholds of today, so that
	-- a move is the customer's own; labels that were others by the thresholds
	-- of their time are counted apart. Grouped, not joined: how many customers there
	-- are on each side is what the planner can't guess.
	PERFORM @extschema@.model_put_function(model, 'segment_transitions(from_day date, to_day date, reader @extschema@.caller DEFAULT @extschema@.caller())',
		'TABLE (tenant text, from_segment text, from_label text, to_segment text, to_label text, customers bigint, revenue numeric, customers_by_thresholds bigint, suppressed boolean)',
		format($q$SELECT m.tenant, m.from_segment, m.from_label, m.to_segment, m.to_label, m.customers, m.revenue, m.customers_by_thresholds, m.suppressed
		  FROM (%s) AS m ORDER BY m.tenant, m.from_order, m.to_order$q$, @extschema@.model_hide_small(settings, format($q$
		SELECT %6$s AS tenant, m.from_segment, f.label AS from_label, m.to_segment, t.label AS to_label, count(*) AS customers, sum(m.monetary)::%7$s AS revenue,
			   %9$s AS customers_by_thresholds, f.display_order AS from_order, t.display_order AS to_order
		  FROM (SELECT s.tenant, CASE WHEN s.was_there THEN s.from_segment ELSE %10$s END::text AS from_segment,
					   s.to_segment::text AS to_segment, s.monetary,
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
							  -- as src/segment_map.c finds the one that needs no rule
							  ORDER BY EXISTS (SELECT FROM %1$I.segment_rule AS r WHERE r.map = l.map AND r.segment = l.segment), l.display_order, l.segment LIMIT 1) AS p ON true
				 WHERE s.is_there) AS m
		  LEFT JOIN %1$I.segment_label AS f ON f.map = %5$L AND f.segment = m.from_segment AND f.language = %8$L
		  LEFT JOIN %1$I.segment_label AS t ON t.map = %5$L AND t.segment = m.to_segment AND t.language = %8$L
		 GROUP BY m.tenant, m.from_segment, f.label, f.display_order, m.to_segment, t.label, t.display_order
		 ORDER BY m.tenant, f.display_order, t.display_order$q$, model,
			@extschema@.model_scores(model, settings, @extschema@.model_question(model, settings, '$1', 'c.valid_until IS NULL AND $1 IS NOT NULL AND $2 IS NOT NULL', '@extschema@.caller_role($3)'), ARRAY[map]),
			@extschema@.model_scores(model, settings, @extschema@.model_question(model, settings, '$2', 'c.valid_until IS NULL AND $1 IS NOT NULL AND $2 IS NOT NULL', '@extschema@.caller_role($3)'), ARRAY[map]),
			@extschema@.model_scores(model, settings, @extschema@.model_question(model, settings, '$1', format(in_force, '$1'), '@extschema@.caller_role($3)'), maps),
			map, @extschema@.model_tenant(settings, 'm'), money, language,
			-- a group in the group
			format(CASE settings ->> 'minimum_group_size' WHEN '1' THEN 'count(*) FILTER (WHERE m.by_thresholds)' ELSE
				'CASE WHEN count(*) FILTER (WHERE m.by_thresholds) NOT BETWEEN 1 AND %1$s - 1 AND count(*) FILTER (WHERE m.by_thresholds IS NOT TRUE) NOT BETWEEN 1 AND %1$s - 1'
				' THEN count(*) FILTER (WHERE m.by_thresholds) END' END, settings ->> 'minimum_group_size'),
			-- with known_since it is said who is known: whoever is not, was no prospect
			CASE WHEN settings ->> 'known_since' IS NULL THEN 'p.segment' ELSE 'NULL' END),
			'{tenant,from_segment,from_label,to_segment,to_label,customers,revenue,customers_by_thresholds,from_order,to_order}',
			'{customers,revenue,customers_by_thresholds}', '{tenant}', 'from_segment', 'to_segment', 'q.tenant, q.from_order, q.to_order')),
		'how many customers went from which segment to which between two days, both seen by the thresholds of today; customers_by_thresholds of them had another label at the time, by the thresholds of then');

	-- Segments over time, as they were seen. Customers are scored day by day,
	-- which takes neither a join nor a sort of customers times days; a table of
	-- people is joined once, before. With tenants that would be a scan for each
	-- tenant and day: there one join does it.
	dates := @extschema@.model_question(model, settings, 'd.day', format(in_force, 'd.day'), '@extschema@.caller_role($4)',
		'@extschema@.model_days($1, $2, $3) AS d (day), ');
	IF settings ->> 'tenant' IS NOT NULL THEN
		counts := format($q$
			SELECT s.as_of, s.tenant, s.map_copy, s.segment, count(*) AS customers, sum(s.monetary) AS revenue
			  FROM (%s) AS s GROUP BY s.as_of, s.tenant, s.map_copy, s.segment$q$, @extschema@.model_scores(model, settings, dates, maps));
	ELSE
		counts := format($q$
			%s SELECT q.as_of, q.tenant, q.map_copy, s.segment, s.customers, s.revenue
			  FROM (%s) AS q
			 CROSS JOIN LATERAL (SELECT s.segment, count(*) AS customers, sum(s.monetary) AS revenue
								   FROM (WITH level AS (SELECT) SELECT s.segment, s.monetary FROM (%s) AS s) AS s
								  GROUP BY s.segment) AS s$q$,
			CASE WHEN settings ->> 'customers_query' IS NULL THEN '' ELSE
				format('WITH everyone AS MATERIALIZED (%s)', @extschema@.model_customers(model, settings)) END,
			dates, @extschema@.model_scores(model, settings, 'SELECT q.*', maps,
				CASE WHEN settings ->> 'customers_query' IS NOT NULL THEN 'SELECT * FROM everyone' END));
	END IF;
	PERFORM @extschema@.model_put_function(model, 'segment_history(from_day date, to_day date, step interval DEFAULT ''1 month'', reader @extschema@.caller DEFAULT @extschema@.caller())',
		'TABLE (as_of date, tenant text, segment text, segment_label text, customers bigint, customers_share float8, revenue numeric, revenue_share float8, segment_order int, segment_color text, suppressed boolean)',
		@extschema@.model_hide_small(settings, format($q$
		SELECT n.as_of, %3$s AS tenant, n.segment::text AS segment, l.label AS segment_label, n.customers, n.customers / NULLIF(sum(n.customers) OVER w, 0)::float8 AS customers_share,
			   n.revenue::%4$s AS revenue, (greatest(n.revenue, 0) / NULLIF(sum(greatest(n.revenue, 0)) OVER w, 0))::float8 AS revenue_share, l.display_order AS segment_order, l.color::text AS segment_color
		  FROM (%2$s) AS n
		  LEFT JOIN %1$I.segment_label AS l ON l.map = n.map_copy AND l.segment = n.segment AND l.language = %5$L
		WINDOW w AS (PARTITION BY n.as_of, n.tenant)
		 ORDER BY n.as_of, n.tenant, l.display_order$q$, model, counts,
			@extschema@.model_tenant(settings, 'n'), money, language),
			'{as_of,tenant,segment,segment_label,customers,customers_share,revenue,revenue_share,segment_order,segment_color}',
			'{customers,customers_share,revenue,revenue_share}', '{as_of,tenant}', NULL, NULL, 'q.as_of, q.tenant, q.segment_order, q.segment'),
		'segments over time: customers and revenue of each on the days from one to another by steps, by the thresholds and the map in force that day');

	-- Cohorts by the month of the first order. Those who came back, and those who
	-- did not, are groups of their own.
	PERFORM @extschema@.model_put_function(model, 'cohort_retention(reader @extschema@.caller DEFAULT @extschema@.caller())',
		'TABLE (tenant text, cohort_month date, months_since int, customers bigint, active_customers bigint, active_share float8, revenue numeric, suppressed boolean)',
		format($q$
		SELECT %3$s AS tenant, c.cohort_month, n.months_since, %5$s AS customers, %6$s AS active_customers, %7$s AS active_share, %8$s AS revenue, %9$s AS suppressed
		  FROM (SELECT f.tenant, f.cohort_month, max(f.last_month) AS last_month, count(*) AS customers%10$s
				  FROM (%2$s) AS f GROUP BY f.tenant, f.cohort_month) AS c
		 CROSS JOIN LATERAL generate_series(0, c.last_month) AS n (months_since)
		  LEFT JOIN (SELECT m.tenant, m.cohort_month, m.months_since, count(*) FILTER (WHERE m.events > 0) AS active, sum(m.total) AS revenue
					   FROM (SELECT f.tenant, f.cohort_month, f.customer_key,
									(extract(year FROM d.day) - extract(year FROM f.cohort_month))::int * 12
									+ (extract(month FROM d.day) - extract(month FROM f.cohort_month))::int AS months_since,
									sum(d.events) AS events, sum(d.total) AS total
							   FROM (%2$s) AS f CROSS JOIN LATERAL @extschema@.days(f.history) AS d WHERE d.day <= f.as_of
							  GROUP BY 1, 2, 3, 4) AS m
					  GROUP BY m.tenant, m.cohort_month, m.months_since) AS a
				 ON a.tenant = c.tenant AND a.cohort_month = c.cohort_month AND a.months_since = n.months_since
		 ORDER BY c.tenant, c.cohort_month, n.months_since$q$, model,
			format($q$SELECT f.tenant, f.customer_key, f.history, f.as_of, date_trunc('month', f.first_day::timestamp)::date AS cohort_month,
				((extract(year FROM f.as_of) - extract(year FROM f.first_day)) * 12 + extract(month FROM f.as_of) - extract(month FROM f.first_day))::int AS last_month
				FROM (SELECT h.tenant, h.customer_key, h.history, q.as_of, @extschema@.first_day(h.history, q.as_of) AS first_day
					  FROM (%s) AS q JOIN (%s) AS h ON h.tenant = q.tenant) AS f WHERE f.first_day IS NOT NULL$q$,
				@extschema@.model_question(model, settings, reader => '@extschema@.caller_role($1)'), @extschema@.model_customers(model, settings)),
			@extschema@.model_tenant(settings, 'c'), money,
			CASE WHEN small = 1 THEN 'c.customers' ELSE 'CASE WHEN NOT c.is_small THEN c.customers END' END,
			format(hidden, 'COALESCE(a.active, 0)'), format(hidden, 'COALESCE(a.active, 0) / c.customers::float8'), format(hidden, format('COALESCE(a.revenue, 0)::%s', money)),
			CASE WHEN small = 1 THEN 'false' ELSE format('NOT (%s)', shown) END,
			CASE WHEN small = 1 THEN '' ELSE format(', @extschema@.is_small_cell(count(*), %s, 1, 1) OVER (PARTITION BY f.tenant ORDER BY f.cohort_month) AS is_small', small) END),
		'of the customers who first ordered in a month, how many ordered so many months later, and for how much; the month of as_of is not over yet');

	PERFORM @extschema@.model_make_explanations(model, settings, maps);
END
$$;
COMMENT ON FUNCTION @extschema@.model_make_functions(name, jsonb) IS 'internal: make or replace the dated functions of a model';

-- The segments as they are now, set against those recorded last.
CREATE FUNCTION @extschema@.record_changes(model text)
	RETURNS TABLE (status text, changes bigint, first_change_id bigint, last_change_id bigint)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
	settings	jsonb;
	scores		text;
	is_first	boolean;
BEGIN
	-- also keeps change_id in the order of commits
	PERFORM @extschema@.model_lock(home);
	settings := @extschema@.model_settings(home);
	scores := @extschema@.model_scores(home, settings, @extschema@.model_question(home, settings, reader => NULL), ARRAY[settings ->> 'map_copy']);
	EXECUTE format('SELECT NOT EXISTS (SELECT FROM %1$I.recorded_segments) AND NOT EXISTS (SELECT FROM %1$I.recorded_changes)', home) INTO is_first;
	IF is_first THEN
		-- Nothing has changed yet: this is what later changes are set against.
		EXECUTE format('INSERT INTO %I.recorded_segments (customer_key, tenant, segment) SELECT s.customer_key, s.tenant, s.segment FROM (%s) AS s', home, scores);
		RETURN QUERY SELECT 'first record', 0::bigint, NULL::bigint, NULL::bigint;
		RETURN;
	END IF;
	EXECUTE format($q$
		WITH moved AS MATERIALIZED (
			SELECT coalesce(s.customer_key, r.customer_key) AS customer_key, coalesce(s.tenant, r.tenant) AS tenant,
				   r.segment AS previous_segment, s.segment, s.customer_key IS NULL AS gone
			  FROM (SELECT s.customer_key, s.tenant, s.segment FROM (%2$s) AS s) AS s
			  FULL JOIN %1$I.recorded_segments AS r ON r.customer_key = s.customer_key
			 WHERE s.customer_key IS NULL OR r.customer_key IS NULL OR s.segment IS DISTINCT FROM r.segment
		), day AS (
			SELECT %3$s AS as_of FROM %1$I.configuration AS c WHERE c.valid_until IS NULL
		), gone AS (
			DELETE FROM %1$I.recorded_segments AS r USING moved AS m WHERE m.gone AND r.customer_key = m.customer_key
		), written AS (
			INSERT INTO %1$I.recorded_segments (customer_key, tenant, segment, previous_segment, changed_on)
			SELECT m.customer_key, m.tenant, m.segment, m.previous_segment, day.as_of FROM moved AS m, day WHERE NOT m.gone
			ON CONFLICT (customer_key) DO UPDATE
			SET segment = EXCLUDED.segment, previous_segment = EXCLUDED.previous_segment, changed_on = EXCLUDED.changed_on
		), fed AS (
			INSERT INTO %1$I.recorded_changes (as_of, customer_key, tenant, previous_segment, segment)
			SELECT day.as_of, m.customer_key, m.tenant, m.previous_segment, m.segment FROM moved AS m, day ORDER BY m.customer_key
			RETURNING change_id
		)
		SELECT count(*), min(change_id), max(change_id) FROM fed$q$, home, scores, @extschema@.model_as_of())
		INTO changes, first_change_id, last_change_id;
	IF changes > 0 THEN
		PERFORM pg_notify(home || '_segment_changes', json_build_object('model', home, 'changes', changes,
			'first_change_id', first_change_id, 'last_change_id', last_change_id)::text);
	END IF;
	status := 'recorded';
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.record_changes(text) IS
	'write down who is in another segment than at the last call, after each refresh_model say: fills previous_segment and changed_on of customer_segments and the feed segment_changes, and notifies the channel MODEL_segment_changes';
