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

CREATE FUNCTION @extschema@._notice(message text, hint text)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RAISE NOTICE USING MESSAGE = message, HINT = hint;
	RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@._notice(text, text) IS 'internal: say something, and go on: always true';

-- The table of customers says who is known today. Where it does not say since when,
-- a query about an earlier "day", an expression, has prospects who were unknown then,
-- and tells. It is a volatile function in a query of its own, which runs once for each
-- call: the planner would run a stable one too, and once more.
CREATE FUNCTION @extschema@._tell_unknown(model name, settings jsonb, query text, day text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'customers_query' IS NULL
			OR settings OPERATOR(pg_catalog.->>) 'known_since' IS NOT NULL THEN query ELSE
		@extschema@._fill($q$
SELECT q.* FROM ({query}) AS q
 WHERE (SELECT CASE WHEN {day} < {as_of} THEN @extschema@._notice({message}, {hint}) ELSE true END
          FROM {model}.configuration AS c WHERE c.valid_until IS NULL)$q$,
			'query', query, 'day', day, 'as_of', @extschema@._model_as_of(), 'model', pg_catalog.quote_ident(model),
			'message', pg_catalog.quote_literal(pg_catalog.format(
				'model "%s" has no known_since: on past days everybody without an order counts as a prospect,'
				' known then or not', model)),
			'hint', pg_catalog.quote_literal(pg_catalog.format(
				'A column of customers may say since when they are known: alter_model(%L, known_since => ''...'')',
				model)))
		END;
END;
COMMENT ON FUNCTION @extschema@._tell_unknown(name, jsonb, text, text) IS
	'internal: a query about a day that tells, once, if its prospects may have been unknown then';

-- The rules of the maps that versions of a model have which read what customers are
-- now: a column of the customers table, or a score that a card makes of such columns.
CREATE FUNCTION @extschema@._rules_of_now(model name, settings jsonb)
	RETURNS TABLE (map text, "position" int, rule text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	attributes	text[] := @extschema@._model_attributes(settings);
	columns		text[] := attributes || ARRAY(SELECT 'attributes.' || a FROM unnest(attributes) AS a);
	scores		text[] := ARRAY(SELECT s.score FROM @extschema@._cards(settings) AS c
		CROSS JOIN LATERAL unnest(ARRAY[c.card || '_score', c.card || '_band', 'fit_engagement']) AS s (score)
		WHERE jsonb_path_exists(settings #> ARRAY['cards', c.card, 'program'],
			'strict $.rules[*] ? (@.mode == "fit")'));
BEGIN
	RETURN QUERY EXECUTE format($q$
		SELECT r.map::text, r.position, format('rule %%s of segment %%s reads %%s', r.position, r.segment,
		           string_agg(w.name || CASE WHEN w.name = ANY ($1) THEN '' ELSE ', a score of attributes' END,
		                      ' and ' ORDER BY w.name))
		  FROM %1$I.segment_rule AS r
		 CROSS JOIN LATERAL (SELECT DISTINCT c.name #>> '{}' AS name
		                       FROM jsonb_path_query(r.conditions, 'strict $.**.column') AS c (name)) AS w
		 WHERE r.map IN (SELECT c.map_copy FROM %1$I.configuration AS c) AND w.name = ANY ($1 || $2)
		 GROUP BY r.map, r.position, r.segment ORDER BY r.map, r.position$q$, model)
		USING columns, scores;
END
$$;
COMMENT ON FUNCTION @extschema@._rules_of_now(name, jsonb) IS
	'internal: the rules of the maps of a model that read attributes, which are as they are now on any day';

-- An expression for what the rules of the maps of some configurations c read of now,
-- those that meet "condition"; NULL where no version has such a rule.
CREATE FUNCTION @extschema@._list_rules_of_now(model name, settings jsonb, condition text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$(SELECT string_agg(u.rule, '; ' ORDER BY u.position, u.rule)
          FROM (SELECT DISTINCT r.position, r.rule
                  FROM (VALUES {rules}) AS r (map, position, rule), {model}.configuration AS c
                 WHERE c.map_copy = r.map AND ({condition})) AS u)$q$,
			'rules', pg_catalog.string_agg(pg_catalog.format('(%L, %s, %L)', n.map, n.position, n.rule), ', '
				ORDER BY n.map, n.position),
			'model', pg_catalog.quote_ident(model), 'condition', condition)
	  FROM @extschema@._rules_of_now(model, settings) AS n
	HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
END;
COMMENT ON FUNCTION @extschema@._list_rules_of_now(name, jsonb, text) IS
	'internal: an expression for the rules that read what customers are now; NULL: there are none';

CREATE FUNCTION @extschema@._notice_of_now(model name, rules text)
	RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT @extschema@._notice(pg_catalog.format('attributes of model "%s" are as they are now, on past days too: %s',
			model, rules),
		'A stream knows what was so on the day: add_stream. SET client_min_messages = warning keeps this quiet.');
END;
COMMENT ON FUNCTION @extschema@._notice_of_now(name, text) IS
	'internal: say which rules read what customers are now; always true';

-- Attributes are those of now on any day, streams and orders those of the day. A query
-- about an earlier "day" tells if rules of its maps read attributes: those of the
-- configurations c that meet "condition".
CREATE FUNCTION @extschema@._tell_attributes(model name, settings jsonb, query text, day text, condition text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN l.rules IS NULL THEN query ELSE @extschema@._fill($q$
SELECT q.* FROM ({query}) AS q
 WHERE (SELECT CASE WHEN {day} < {as_of} AND r.rules IS NOT NULL
                    THEN @extschema@._notice_of_now({name}, r.rules) ELSE true END
          FROM {model}.configuration AS c, (SELECT {rules} AS rules) AS r WHERE c.valid_until IS NULL)$q$,
			'query', query, 'day', day, 'as_of', @extschema@._model_as_of(), 'model', pg_catalog.quote_ident(model),
			'name', pg_catalog.quote_literal(model), 'rules', l.rules) END
	  FROM (SELECT @extschema@._list_rules_of_now(model, settings, condition) AS rules) AS l;
END;
COMMENT ON FUNCTION @extschema@._tell_attributes(name, jsonb, text, text, text) IS
	'internal: a query about a day that tells, once, which rules of segments read what customers are now';

CREATE FUNCTION @extschema@._tell_past(model name, settings jsonb, query text, day text, condition text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._tell_unknown(model, settings,
		@extschema@._tell_attributes(model, settings, query, day, condition), day);
END;
COMMENT ON FUNCTION @extschema@._tell_past(name, jsonb, text, text, text) IS
	'internal: a query about segments on a day that tells what may not have been so on a past day';

-- Which configuration c was in force on a day, an expression; NULL: that of now.
CREATE FUNCTION @extschema@._in_force(day text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.replace('CASE WHEN {day} IS NULL THEN c.valid_until IS NULL'
		' ELSE (c.version = 1 OR c.valid_from <= {day}) AND (c.valid_until IS NULL OR c.valid_until > {day}) END',
		'{day}', day);
END;
COMMENT ON FUNCTION @extschema@._in_force(text) IS
	'internal: a condition on a configuration, that it was in force on a day';

-- The levels as of any day, for functions: they have the rights of the owner and
-- ask for their caller. Without a day they answer for the day of the views. The
-- thresholds are those in force on the day, or those of a version, or, with
-- "current", those of today.
CREATE FUNCTION @extschema@._model_level_functions(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	maps	text[];
BEGIN
	EXECUTE format('SELECT array_agg(DISTINCT map_copy ORDER BY map_copy) FROM %I.configuration', model) INTO maps;
	RETURN NEXT @extschema@._model_private_function('_question_at',
		ARRAY['day date', 'version int', 'current boolean', 'ahead int', 'caller @extschema@.caller'],
		@extschema@._model_question(model, settings, format('COALESCE($1, %s) + $4', @extschema@._model_as_of()),
			format('CASE WHEN $3 THEN c.valid_until IS NULL WHEN $2 IS NOT NULL THEN c.version = $2 ELSE %s END',
				@extschema@._in_force('$1')),
			-- a version that somebody names is asked as it is
			'@extschema@._caller_role($5)', may_fill => '$2 IS NULL'),
		'internal: _question as of any day, or so many days ahead of it, for the caller', '_question');
	RETURN NEXT @extschema@._model_private_function('_scores_at',
		ARRAY['day date', 'version int', 'current boolean', 'caller @extschema@.caller'],
		@extschema@._model_levels(model, settings, home || '._question_at($1, $2, $3, 0, $4)',
			@extschema@._here(model, settings, '_customers'), maps),
		'internal: _scores as of any day, for the caller', '_scores');
	IF (settings ->> 'minimum_group_size')::int > 1 OR to_regclass(home || '._shown') IS NOT NULL THEN
		RETURN NEXT @extschema@._model_private_function('_shown_at', ARRAY['caller @extschema@.caller'],
			@extschema@._model_shown(settings, home || '._scores_at(NULL, NULL, true, $1)'),
			'internal: _shown for the caller', '_shown');
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_level_functions(name, jsonb) IS 'internal: the private functions of a model';

-- Moves between two days, customer by customer. Both are seen by the thresholds
-- of today, so that a move is the customer's own; labels that were others by the
-- thresholds of their time are counted apart. Grouped, not joined: how many
-- customers there are on each side is what the planner can't guess.
CREATE FUNCTION @extschema@._model_moves(model name, settings jsonb)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
SELECT s.tenant, CASE WHEN s.was_there THEN s.from_segment ELSE {prospect} END::text AS from_segment,
       s.to_segment::text AS to_segment, s.monetary, s.is_there, s.was_there_then, s.then_segment::text AS then_segment,
       (s.was_there_then AND s.then_segment IS DISTINCT FROM s.from_segment) AS by_thresholds
  FROM (SELECT u.customer_key, min(u.tenant) AS tenant,
               bool_or(u.side = 'from') AS was_there, max(u.segment) FILTER (WHERE u.side = 'from') AS from_segment,
               bool_or(u.side = 'then') AS was_there_then,
               max(u.segment) FILTER (WHERE u.side = 'then') AS then_segment,
               bool_or(u.side = 'to') AS is_there, max(u.segment) FILTER (WHERE u.side = 'to') AS to_segment,
               max(u.monetary) FILTER (WHERE u.side = 'to') AS monetary
          FROM (SELECT 'from' AS side, a.customer_key, a.tenant, a.segment, NULL::numeric AS monetary
                  FROM {model}._scores_at($1, NULL, true, $3) AS a
                UNION ALL
                SELECT 'to', b.customer_key, b.tenant, b.segment, b.monetary
                  FROM {model}._scores_at($2, NULL, true, $3) AS b
                UNION ALL
                SELECT 'then', t.customer_key, t.tenant, t.segment, NULL
                  FROM {model}._scores_at($1, NULL, false, $3) AS t) AS u
         WHERE $1 IS NOT NULL AND $2 IS NOT NULL
         GROUP BY u.customer_key) AS s
  LEFT JOIN (SELECT l.segment FROM {model}.segment_label AS l WHERE l.map = {map} AND l.role = 'prospect'
              -- as src/segment/segment_map.c finds the one that needs no rule
              ORDER BY EXISTS (SELECT 1 FROM {model}.segment_rule AS r WHERE r.map = l.map AND r.segment = l.segment),
                    l.display_order, l.segment LIMIT 1) AS p ON true$q$,
		'model', pg_catalog.quote_ident(model),
		'map', pg_catalog.quote_literal(settings OPERATOR(pg_catalog.->>) 'map_copy'),
		-- known_since says who was known on a day: people who were not are no prospects
		'prospect', CASE WHEN settings OPERATOR(pg_catalog.->>) 'known_since' IS NULL THEN 'p.segment' ELSE 'NULL' END);
END;
COMMENT ON FUNCTION @extschema@._model_moves(name, jsonb) IS
	'internal: the query for the moves of each customer between two days';

CREATE FUNCTION @extschema@._model_transitions(model name, settings jsonb)
	RETURNS @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		text := quote_ident(model);
	map			text := quote_literal(settings ->> 'map_copy');
	language	text := quote_literal(settings ->> 'language');
	money		text := @extschema@._model_money(settings);
	moves		text := @extschema@._model_moves(model, settings);
BEGIN
	IF (settings ->> 'minimum_group_size')::int = 1 THEN
		moves := @extschema@._fill($q$
SELECT {tenant} AS tenant, m.from_segment, f.label AS from_label, m.to_segment, t.label AS to_label,
       count(*) AS customers, sum(m.monetary)::{money} AS revenue,
       count(*) FILTER (WHERE m.by_thresholds) AS customers_by_thresholds,
       f.display_order AS from_order, f.color AS from_color, t.display_order AS to_order, t.color AS to_color,
       false AS suppressed
  FROM ({moves}) AS m
  LEFT JOIN {model}.segment_label AS f ON f.map = {map} AND f.segment = m.from_segment AND f.language = {language}
  LEFT JOIN {model}.segment_label AS t ON t.map = {map} AND t.segment = m.to_segment AND t.language = {language}
 WHERE m.is_there
 GROUP BY m.tenant, m.from_segment, f.label, f.display_order, f.color, m.to_segment, t.label, t.display_order,
          t.color$q$,
			'model', home, 'moves', moves, 'map', map, 'language', language, 'money', money,
			'tenant', @extschema@._model_tenant(settings, 'm'));
	ELSE
		-- A move is shown if both of its segments are on their days, and if it tells
		-- nothing of fewer people together with them.
		moves := @extschema@._fill($q$
WITH m AS MATERIALIZED (
	SELECT m.tenant, m.from_segment, m.to_segment, m.is_there, m.was_there_then, m.then_segment,
		   m.by_thresholds IS TRUE AS by_thresholds,
	       count(*) AS customers, sum(m.monetary) AS revenue
	  FROM ({moves}) AS m GROUP BY 1, 2, 3, 4, 5, 6, 7
), today AS MATERIALIZED (
	SELECT d.* FROM {model}._shown_at($3) AS d WHERE d.as_of = $1 OR d.as_of = $2
), day AS (
	SELECT n.tenant, n.from_groups, n.to_groups, COALESCE(f.shown, n.from_shown) AS from_shown,
		   COALESCE(t.shown, n.to_shown) AS to_shown
	  FROM (SELECT m.tenant,
	               array_agg('s' || COALESCE(':' || m.then_segment, '')) FILTER (WHERE m.was_there_then) AS from_groups,
	               array_agg('s' || COALESCE(':' || m.to_segment, '')) FILTER (WHERE m.is_there) AS to_groups,
	               @extschema@.shown_groups(m.customers,
	                   ARRAY['t', 's' || COALESCE(':' || m.then_segment, '')], {small}, 2, 0)
	                   FILTER (WHERE m.was_there_then) AS from_shown,
	               @extschema@.shown_groups(m.customers,
	                   ARRAY['t', 's' || COALESCE(':' || m.to_segment, '')], {small}, 2, 0)
	                   FILTER (WHERE m.is_there) AS to_shown
	          FROM m GROUP BY m.tenant) AS n
	  LEFT JOIN today AS f ON f.tenant = n.tenant AND f.as_of = $1
	  LEFT JOIN today AS t ON t.tenant = n.tenant AND t.as_of = $2
), named AS (
	SELECT m.*, d.from_shown, d.to_shown, 's' || COALESCE(':' || m.to_segment, '') AS to_group,
		   's' || COALESCE(':' || m.then_segment, '') AS then_group,
	       CASE WHEN ('s' || COALESCE(':' || m.from_segment, '') <> ALL (d.from_groups)
	                 OR 's' || COALESCE(':' || m.from_segment, '') = ANY (d.from_shown)) IS NOT FALSE
	             AND ('s' || COALESCE(':' || m.to_segment, '') = ANY (d.to_shown))
	            THEN COALESCE(':' || m.from_segment, '') || '=' || COALESCE(':' || m.to_segment, '') END AS cell
	  FROM m JOIN day AS d ON d.tenant = m.tenant WHERE m.is_there
), decided AS (
	SELECT n.tenant, @extschema@.shown_groups(n.customers,
		ARRAY['t', CASE WHEN n.to_group = ANY (n.to_shown) THEN n.to_group END,
	           CASE WHEN n.was_there_then AND n.then_group = ANY (n.from_shown) THEN 'h' || n.then_group END,
	           'c' || n.cell, CASE WHEN n.by_thresholds THEN 'x' || n.cell END]::text[], {small}, 5, 3) AS shown
	  FROM named AS n GROUP BY n.tenant
)
SELECT {tenant} AS tenant, c.from_segment, f.label AS from_label, c.to_segment, t.label AS to_label,
       CASE WHEN c.is_shown THEN c.customers END AS customers,
       CASE WHEN c.is_shown THEN c.revenue::{money} END AS revenue,
       CASE WHEN c.is_shown AND (c.by_thresholds = 0 OR c.part_is_shown)
            THEN c.by_thresholds END AS customers_by_thresholds,
       f.display_order AS from_order, f.color AS from_color, t.display_order AS to_order, t.color AS to_color,
       NOT c.is_shown AS suppressed
  FROM (SELECT n.tenant, n.from_segment, n.to_segment, sum(n.customers)::bigint AS customers, sum(n.revenue) AS revenue,
               COALESCE(sum(n.customers) FILTER (WHERE n.by_thresholds), 0)::bigint AS by_thresholds,
               COALESCE('c' || n.cell = ANY (d.shown), false) AS is_shown,
               COALESCE('x' || n.cell = ANY (d.shown), false) AS part_is_shown
          FROM named AS n JOIN decided AS d ON d.tenant = n.tenant
         GROUP BY n.tenant, n.from_segment, n.to_segment, n.cell, d.shown) AS c
  LEFT JOIN {model}.segment_label AS f ON f.map = {map} AND f.segment = c.from_segment AND f.language = {language}
  LEFT JOIN {model}.segment_label AS t ON t.map = {map} AND t.segment = c.to_segment AND t.language = {language}$q$,
			'model', home, 'moves', moves, 'map', map, 'language', language, 'money', money,
			'tenant', @extschema@._model_tenant(settings, 'c'),
			'small', settings ->> 'minimum_group_size');
	END IF;
	RETURN @extschema@._model_function('segment_transitions', '{from_day date,to_day date}',
		'TABLE (tenant text, from_segment text, from_label text, to_segment text, to_label text, customers bigint,'
		' revenue numeric, customers_by_thresholds bigint, suppressed boolean, from_order int, from_color text,'
		' to_order int, to_color text)',
		@extschema@._tell_past(model, settings, @extschema@._fill($q$
SELECT m.tenant, m.from_segment, m.from_label, m.to_segment, m.to_label, m.customers,
       m.revenue, m.customers_by_thresholds, m.suppressed, m.from_order, m.from_color::text, m.to_order,
       m.to_color::text
  FROM ({moves}) AS m ORDER BY m.tenant, m.from_order, m.to_order$q$, 'moves', moves), 'LEAST($1, $2)',
			format('c.valid_until IS NULL OR %s', @extschema@._in_force('$1'))),
		'how many customers went from which segment to which between two days, both seen by the thresholds of today;'
		' customers_by_thresholds of them had another label at the time, by the thresholds of then');
END
$$;
COMMENT ON FUNCTION @extschema@._model_transitions(name, jsonb) IS
	'internal: the function segment_transitions of a model';

-- Segments over time, as they were seen. Customers are scored day by day, which
-- takes neither a join nor a sort of customers times days, and groups them by
-- nothing but their segment: the question has the rest. What has to be joined to
-- know the customers, people or what is pending, is joined once, before. With tenants
-- that would be a scan for each tenant and day: there one join does it.
CREATE FUNCTION @extschema@._model_segment_history(model name, settings jsonb)
	RETURNS @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	small	int := settings ->> 'minimum_group_size';
	days	text := @extschema@._fill('SELECT q.* FROM @extschema@._model_days($1, $2, $3) AS d (day),'
		' LATERAL {model}._question_at(d.day, NULL, false, 0, $4) AS q WHERE d.day IS NOT NULL',
		'model', home);
	joined	boolean := settings ->> 'customers_query' IS NOT NULL OR coalesce((settings ->> 'live')::boolean, false)
		OR @extschema@._is_distributed(settings);
	maps	text[];
	counts	text;
	query	text;
BEGIN
	EXECUTE format('SELECT array_agg(DISTINCT map_copy ORDER BY map_copy) FROM %I.configuration', model) INTO maps;
	IF settings ->> 'tenant' IS NOT NULL THEN
		counts := @extschema@._fill($q$
SELECT s.as_of, s.tenant, s.version, s.map_copy, s.segment, count(*) AS customers, sum(s.monetary) AS revenue
  FROM ({scores}) AS s GROUP BY s.as_of, s.tenant, s.version, s.map_copy, s.segment$q$,
			'scores', @extschema@._model_levels(model, settings, format('(%s)', days),
				@extschema@._here(model, settings, '_customers'), maps));
	ELSE
		counts := @extschema@._fill($q$
{everyone}SELECT q.as_of, q.tenant, q.version, q.map_copy, s.segment, s.customers, s.revenue
  FROM ({days}) AS q,
       LATERAL (SELECT s.segment, count(*) AS customers, sum(s.monetary) AS revenue
                       FROM (WITH level AS (SELECT) SELECT s.segment, s.monetary FROM ({scores}) AS s) AS s
                      GROUP BY s.segment) AS s$q$,
			'everyone', CASE WHEN joined THEN @extschema@._fill(
				'WITH everyone AS MATERIALIZED (SELECT h.* FROM {customers} AS h) ',
				'customers', @extschema@._here(model, settings, '_customers')) ELSE '' END,
			'days', days,
			'scores', @extschema@._model_levels(model, settings, '(SELECT q.*)',
				CASE WHEN joined THEN 'everyone' ELSE home || '._customers' END, maps));
	END IF;
	query := @extschema@._model_hide_groups(settings, 'days', @extschema@._fill($q$
SELECT n.as_of, {tenant} AS tenant, n.segment::text AS segment, l.label AS segment_label, l.role::text AS role,
       n.customers,
       n.customers / NULLIF(sum(n.customers) OVER w, 0)::float8 AS customers_share,
       n.revenue::{money} AS revenue,
       (greatest(n.revenue, 0) / NULLIF(sum(greatest(n.revenue, 0)) OVER w, 0))::float8 AS revenue_share,
       l.display_order AS segment_order, l.color::text AS segment_color
  FROM {counted} AS n
  LEFT JOIN {model}.segment_label AS l ON l.map = n.map_copy AND l.segment = n.segment AND l.language = {language}
WINDOW w AS (PARTITION BY n.as_of, n.tenant)
 ORDER BY n.as_of, n.tenant, l.display_order$q$,
			'model', home, 'counted', CASE WHEN small = 1 THEN format('(%s)', counts) ELSE 'counted' END,
			'tenant', @extschema@._model_tenant(settings, 'n'),
			'money', @extschema@._model_money(settings), 'language', quote_literal(settings ->> 'language')),
		'{as_of,tenant,segment,segment_label,role,customers,customers_share,revenue,revenue_share,'
		'segment_order,segment_color}',
		'{customers,customers_share,revenue,revenue_share}', $q$'s' || COALESCE(':' || q.segment, '')$q$, $q$'t'$q$,
		'q.as_of, q.tenant',
		'q.as_of, q.tenant, q.segment_order, q.segment', '{}', ' AND d.as_of = q.as_of');
	IF small > 1 THEN
		query := @extschema@._fill($q$
WITH counted AS MATERIALIZED ({counts}){today}, days AS (SELECT d.* FROM {days} AS d) {query}$q$,
			'counts', counts, 'query', query,
			'today', @extschema@._shown_today(model, settings, '$4', 'd.as_of BETWEEN $1 AND $2'),
			'days', @extschema@._days_shown(settings, 'counted', 'n.as_of'));
	END IF;
	RETURN @extschema@._model_function('segment_history',
		'{from_day date,to_day date,step interval DEFAULT ''1 month''}',
		'TABLE (as_of date, tenant text, segment text, segment_label text, role text, customers bigint,'
		' customers_share float8, revenue numeric, revenue_share float8, segment_order int, segment_color text,'
		' suppressed boolean)',
		@extschema@._tell_past(model, settings, query, '$1',
			-- in force on a past day from $1 to $2
			format('(c.version = 1 OR c.valid_from <= $2 AND c.valid_from < (SELECT %s FROM %s.configuration AS c'
				' WHERE c.valid_until IS NULL)) AND (c.valid_until IS NULL OR c.valid_until > $1)',
				@extschema@._model_as_of(), home)),
		'segments over time: customers and revenue of each on the days from one to another by steps,'
		' by the thresholds and the map in force that day');
END
$$;
COMMENT ON FUNCTION @extschema@._model_segment_history(name, jsonb) IS
	'internal: the function segment_history of a model';

-- ---- cohorts ----

CREATE TYPE @extschema@._cohort_sums AS (cohort date[], periods_since int[], active bigint[], total numeric[],
	squares numeric[]);
COMMENT ON TYPE @extschema@._cohort_sums IS
	'internal: for each cohort and period the number of customers with an event in it, what they brought in it, and by '
	'how much the squares of what each of them has brought have grown';

CREATE FUNCTION @extschema@._cohort_sums_transition(state internal, history @extschema@.history, as_of date, unit text)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'cohort_sums_transition'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._cohort_sums_transition(internal, @extschema@.history, date, text) IS
	'part of aggregate _cohort_sums';

CREATE FUNCTION @extschema@._cohort_sums_combine(state internal, other internal)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'cohort_sums_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._cohort_sums_combine(internal, internal) IS
	'part of aggregate _cohort_sums';

CREATE FUNCTION @extschema@._cohort_sums_serialize(state internal)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'cohort_sums_serialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._cohort_sums_serialize(internal) IS
	'part of aggregate _cohort_sums';

CREATE FUNCTION @extschema@._cohort_sums_deserialize(bytes bytea, unused internal)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'cohort_sums_deserialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._cohort_sums_deserialize(bytea, internal) IS
	'part of aggregate _cohort_sums';

CREATE FUNCTION @extschema@._cohort_sums_final(state internal)
	RETURNS @extschema@._cohort_sums
	AS 'MODULE_PATHNAME', 'cohort_sums_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._cohort_sums_final(internal) IS
	'part of aggregate _cohort_sums';

CREATE AGGREGATE @extschema@._cohort_sums(history @extschema@.history, as_of date, unit text) (
	SFUNC = @extschema@._cohort_sums_transition, STYPE = internal, SSPACE = 65536,
	COMBINEFUNC = @extschema@._cohort_sums_combine, SERIALFUNC = @extschema@._cohort_sums_serialize,
	DESERIALFUNC = @extschema@._cohort_sums_deserialize, FINALFUNC = @extschema@._cohort_sums_final,
	FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@._cohort_sums(@extschema@.history, date, text) IS
	'internal: what cohort_periods says of many histories, added up by cohort and period';

-- Each cohort and period of a model, by tenant, as a query for the caller.
CREATE FUNCTION @extschema@._cohort_cells(model name, settings jsonb, unit text, caller text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
SELECT p.tenant, p.as_of, c.cohort, c.since, c.active, c.revenue, c.squares
  FROM (SELECT q.tenant, q.as_of, @extschema@._cohort_sums(h.history, q.as_of, {unit}) AS sums
          FROM {model}._question_at(NULL, NULL, true, 0, {caller}) AS q, {customers} AS h
         WHERE h.tenant = q.tenant GROUP BY q.tenant, q.as_of) AS p,
       LATERAL unnest((p.sums).cohort, (p.sums).periods_since, (p.sums).active, (p.sums).total, (p.sums).squares)
               AS c (cohort, since, active, revenue, squares)$q$,
		'model', pg_catalog.quote_ident(model), 'customers', @extschema@._here(model, settings, '_customers'),
		'unit', pg_catalog.quote_literal(unit), 'caller', caller);
END;
COMMENT ON FUNCTION @extschema@._cohort_cells(name, jsonb, text, text) IS
	'internal: the query for what the customers of each cohort did in each period';

-- Cohorts by the month or the week of the first order. Those who came back, and
-- those who did not, are groups of their own. Refunds from before the first order
-- count in its period, so that the revenue is that of customer_scores. Each history is
-- read once: who has ordered in the first period is everybody.
CREATE FUNCTION @extschema@._model_cohorts(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		text := quote_ident(model);
	small		int := settings ->> 'minimum_group_size';
	shown		text := format('NOT c.is_small AND COALESCE(a.active, 0) NOT BETWEEN 1 AND %1$s - 1'
		' AND c.customers - COALESCE(a.active, 0) NOT BETWEEN 1 AND %1$s - 1', small);
	hidden		text := CASE WHEN small = 1 THEN '%s' ELSE format('CASE WHEN %s THEN %%s END', shown) END;
	cells		text;
	cohort		record;
BEGIN
	FOR cohort IN SELECT * FROM (VALUES
			('cohort_retention', 'month', 'cohort_month', 'months_since', 'k:',
				'((extract(year FROM %1$s) - extract(year FROM %2$s)) * 12 + extract(month FROM %1$s)'
				' - extract(month FROM %2$s))::int',
				'((%1$s + (%2$s + 1) * interval ''1 month'')::date - 1)',
				'of the customers who first ordered in a month, how many ordered so many months later,'
				' and for how much; is_running: the month is not over on as_of'),
			('weekly_cohort_retention', 'week', 'cohort_week', 'weeks_since', 'kw:',
				'floor((%1$s - %2$s) / 7.0)::int', '(%1$s + 7 * %2$s + 6)',
				'of the customers who first ordered in a week, how many ordered so many weeks later, and for how much;'
				' weeks begin on Monday; is_running: the week is not over on as_of'))
			AS v (name, unit, start, since, groups, periods, last_day, comment) LOOP
		cells := @extschema@._cohort_cells(model, settings, cohort.unit, '$1');
		RETURN NEXT @extschema@._model_function(cohort.name::name, '{}',
			format('TABLE (tenant text, %I date, %I int, is_running boolean, customers bigint, active_customers bigint,'
				' active_share float8, revenue numeric, suppressed boolean)', cohort.start, cohort.since),
			@extschema@._fill($q$
WITH cells AS MATERIALIZED ({cells}){today}
SELECT {tenant} AS tenant, c.cohort, n.since, {last_day} > c.as_of AS is_running,
       {count} AS customers, {active} AS active_customers,
       {share} AS active_share, {revenue} AS revenue, {suppressed} AS suppressed
  FROM (SELECT f.tenant, f.cohort, f.as_of, {last_period} AS last_period, f.active AS customers{is_small}
          FROM cells AS f WHERE f.since = 0) AS c
 CROSS JOIN LATERAL generate_series(0, c.last_period) AS n (since)
  LEFT JOIN cells AS a ON a.tenant = c.tenant AND a.cohort = c.cohort AND a.since = n.since
 ORDER BY c.tenant, c.cohort, n.since$q$,
				'cells', cells, 'tenant', @extschema@._model_tenant(settings, 'c'),
				'last_day', format(cohort.last_day, 'c.cohort', 'n.since'),
				'last_period', format(cohort.periods, 'f.as_of', 'f.cohort'),
				'count', CASE WHEN small = 1 THEN 'c.customers'
					ELSE 'CASE WHEN NOT c.is_small THEN c.customers END' END,
				'active', format(hidden, 'COALESCE(a.active, 0)'),
				'share', format(hidden, 'COALESCE(a.active, 0) / c.customers::float8'),
				'revenue', format(hidden, format('COALESCE(a.revenue, 0)::%s', @extschema@._model_money(settings))),
				'suppressed', CASE WHEN small = 1 THEN 'false' ELSE format('NOT (%s)', shown) END,
				'is_small', CASE WHEN small = 1 THEN '' ELSE format($q$, COALESCE(%L || (f.cohort - '2000-01-01'::date)
               <> ALL ((SELECT d.shown FROM today AS d WHERE d.tenant = f.tenant)::text[]), true) AS is_small$q$,
                   cohort.groups) END,
				'today', CASE WHEN small = 1 THEN ''
					ELSE format(', today AS MATERIALIZED (SELECT d.* FROM %s._shown_at($1) AS d)', home) END),
			cohort.comment);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_cohorts(name, jsonb) IS 'internal: the functions of a model about cohorts';

CREATE FUNCTION @extschema@._model_dated_functions(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN NEXT @extschema@._model_function('customer_scores_at', '{as_of date,version int DEFAULT NULL}',
		format('SETOF %I.customer_scores', model),
		@extschema@._tell_past(model, settings, @extschema@._model_wide(model, settings,
			format('(SELECT s.* FROM %I._scores_at($1, $2, false, $3) AS s WHERE $1 IS NOT NULL)', model)), '$1',
			format('CASE WHEN $2 IS NOT NULL THEN c.version = $2 ELSE %s END', @extschema@._in_force('$1'))),
		'customer_scores as of any day, by the thresholds and the map in force that day,'
		' or those of the version that you name', 'customer_scores');
	RETURN NEXT @extschema@._model_transitions(model, settings);
	RETURN NEXT @extschema@._model_segment_history(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_cohorts(model, settings);
END
$$;
COMMENT ON FUNCTION @extschema@._model_dated_functions(name, jsonb) IS 'internal: the dated functions of a model';
