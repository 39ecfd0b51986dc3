--
-- Layer 4: the views of a model that readers see, and which of their cells are
-- too small to be shown.
--

-- The range of about ten in which a number or a day lies, in words; days are
-- counted from 2000-01-01. NULL, and what is not finite, is in none.
CREATE FUNCTION @extschema@._attribute_range(kind text, number numeric, low numeric, high numeric)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	day		date;
	unit	numeric;
	width	numeric;
	start	numeric;
BEGIN
	IF number IS NULL THEN
		RETURN NULL;
	END IF;
	IF kind = 'day' THEN
		day := date '2000-01-01' + number::int;
		-- two years by months, fifty by years
		start := extract(year FROM day);
		RETURN CASE WHEN high - low <= 731 THEN concat(start, '-', lpad(extract(month FROM day)::text, 2, '0'))
			WHEN high - low <= 18263 THEN start::text
			ELSE format('%s to %s', floor(start / 10) * 10, floor(start / 10) * 10 + 9) END;
	END IF;
	IF high <= low THEN
		RETURN trim_scale(number)::text;
	END IF;
	-- a width of 1, 2 or 5 times a power of ten that makes ten ranges at most, or one more
	width := (high - low) / 10;
	unit := power(10::numeric, floor(log(width)));
	width := unit * CASE WHEN width <= unit THEN 1
		WHEN width <= 2 * unit THEN 2 WHEN width <= 5 * unit THEN 5 ELSE 10 END;
	IF kind = 'whole' THEN
		width := greatest(width, 1);
	END IF;
	start := floor(number / width) * width;
	RETURN CASE WHEN kind = 'whole' AND width = 1 THEN trim_scale(start)::text
		WHEN kind = 'whole' THEN format('%s to %s', trim_scale(start), trim_scale(start + width - 1))
		ELSE format('%s to below %s', trim_scale(start), trim_scale(start + width)) END;
END
$$;
COMMENT ON FUNCTION @extschema@._attribute_range(text, numeric, numeric, numeric) IS
	'internal: the range of a numeric attribute or a day of which there are many values, in words';

CREATE FUNCTION @extschema@._shown_groups_transition(internal, customers bigint, groups text[], minimum int,
	common int, known int)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'shown_groups_transition'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._shown_groups_transition(internal, bigint, text[], int, int, int) IS
	'internal: transition function of shown_groups';

CREATE FUNCTION @extschema@._shown_groups_final(internal)
	RETURNS text[]
	AS 'MODULE_PATHNAME', 'shown_groups_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._shown_groups_final(internal) IS 'internal: final function of shown_groups';

CREATE AGGREGATE @extschema@.shown_groups(customers bigint, groups text[], minimum int, common int, known int) (
	SFUNC = @extschema@._shown_groups_transition, STYPE = internal, SSPACE = 65536,
	FINALFUNC = @extschema@._shown_groups_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE @extschema@.shown_groups(bigint, text[], int, int, int) IS
	'of all groups that people are in, those whose numbers can be shown so that no number of fewer people than'
	' the minimum can be computed from them; what stands first in groups is shown first; rows with NULL are ignored';

-- All summaries of one day are sums over the same people, and what one of them
-- hides another could tell. So it is decided once which groups of people are
-- shown, for all of them: by names, which the summaries ask for. "scores" is an
-- item of FROM with the columns of _scores; a row for each tenant and day. What
-- stands first is shown first: who has ordered, which the thresholds tell anyway,
-- everybody, the segments, by which scores there are totals, scores, cells of the
-- grid; then parts of segments; months of first orders; attribute by attribute fifths,
-- values and their cells.
CREATE FUNCTION @extschema@._model_shown(settings jsonb, scores text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	fifths		text := @extschema@._attribute_fifths(settings, scores);
	columns		text := 's.segment, s.recency_days IS NOT NULL AS ordered,'
		' s.r_score, s.f_score, s.m_score, s.basket_score, s.segment_overridden AS overridden,'
		' s.as_of - s.tenure_days AS first_day';
	groups		text := $q$CASE WHEN a.ordered THEN 'o' END, 't', 's' || COALESCE(':' || a.segment, ''),
		CASE WHEN a.r_score IS NOT NULL THEN 'n:recency' END, CASE WHEN a.f_score IS NOT NULL THEN 'n:frequency' END,
		CASE WHEN a.m_score IS NOT NULL THEN 'n:monetary' END, CASE WHEN a.basket_score IS NOT NULL THEN 'n:basket' END,
		'recency:' || a.r_score, 'frequency:' || a.f_score, 'monetary:' || a.m_score, 'basket:' || a.basket_score,
		'g:' || a.r_score || ':' || a.f_score, CASE WHEN a.overridden THEN 'x' || COALESCE(':' || a.segment, '') END$q$;
	common		int := 13;
	attribute	record;
	answers		record;
	positions	int := 11;
BEGIN
	IF settings ->> 'prediction' IS NOT NULL THEN
		columns := columns || ', s.clv_12m IS NOT NULL AS has_clv, s.expected_orders_90d IS NOT NULL AS has_orders,'
			' s.churn_probability IS NOT NULL AS has_churn, s.propensity_90d IS NOT NULL AS has_propensity';
		groups := groups || $q$, CASE WHEN a.has_clv THEN 'n:clv' END,
		CASE WHEN a.has_clv THEN 'clv' || COALESCE(':' || a.segment, '') END,
		CASE WHEN a.has_orders THEN 'orders' || COALESCE(':' || a.segment, '') END,
		CASE WHEN a.has_churn THEN 'churn' || COALESCE(':' || a.segment, '') END,
		CASE WHEN a.has_propensity THEN 'propensity' || COALESCE(':' || a.segment, '') END$q$;
		common := common + 5;
		positions := positions + 4;
	END IF;
	IF @extschema@._has_clusters(settings) THEN
		columns := columns || ', s.cluster';
		groups := groups || $q$, CASE WHEN a.cluster IS NOT NULL THEN 'n:cluster' END, 'cluster:' || a.cluster,
		'cluster:' || a.cluster || '=' || a.segment$q$;
		common := common + 2;
		positions := positions + 1;
	END IF;
	groups := groups || $q$, 'k:' || (a.first_day - (extract(day FROM a.first_day)::int - 1) - '2000-01-01'::date),
		'kw:' || (a.first_day - (extract(isodow FROM a.first_day)::int - 1) - '2000-01-01'::date)$q$;
	FOR attribute IN SELECT u.name, u.n, a.number
			FROM unnest(@extschema@._model_attributes(settings)) WITH ORDINALITY AS u (name, n)
			LEFT JOIN @extschema@._attribute_numbers(settings, 's') AS a ON a.n = u.n ORDER BY u.n LOOP
		-- fifths of numbers and days tell more than single values
		IF attribute.number IS NOT NULL THEN
			columns := columns || format(', @extschema@.score((%s)::float8, k.k%s) AS f%2$s',
				attribute.number, attribute.n);
			groups := groups || format($q$, 'f%1$s' || COALESCE(':' || a.f%1$s, ''),
		'e%1$s' || COALESCE(':' || a.segment, '') || '=' || COALESCE(':' || a.f%1$s, '')$q$, attribute.n);
			positions := positions + 1;
		END IF;
		columns := columns || format(', s.%I::text COLLATE "default" AS v%s', attribute.name, attribute.n);
		groups := groups || format($q$, 'v%1$s' || COALESCE(':' || a.v%1$s, ''),
		'w%1$s' || COALESCE(':' || a.segment, '') || '=' || COALESCE(':' || a.v%1$s, '')$q$, attribute.n);
	END LOOP;
	positions := positions + cardinality(@extschema@._model_attributes(settings));
	-- the same of those who have a cluster, and of each cluster
	IF @extschema@._has_clusters(settings) THEN
		groups := groups || (SELECT coalesce(string_agg(format($q$,
		CASE WHEN a.cluster IS NOT NULL THEN '%1$sc%3$s' || COALESCE(':' || a.%4$s, '') END,
		'%2$sc%3$s:' || a.cluster || '=' || COALESCE(':' || a.%4$s, '')$q$, k.of_value, k.of_cell, u.n,
				k.of_what || u.n), '' ORDER BY u.n, k.of_what), '')
			FROM unnest(@extschema@._model_attributes(settings)) WITH ORDINALITY AS u (name, n)
			LEFT JOIN @extschema@._attribute_numbers(settings, 's') AS a ON a.n = u.n
			JOIN (VALUES ('v', 'w', 'v'), ('f', 'e', 'f')) AS k (of_value, of_cell, of_what)
				ON k.of_what = 'v' OR a.n IS NOT NULL);
	END IF;
	-- who has answered a question, and who of a segment has
	FOR answers IN SELECT s.stream_no, format('%s:', s.stream) AS stream
					 FROM @extschema@._scaled_streams(settings) AS s LOOP
		columns := columns || format(', %s AS answered_%s', @extschema@._answered(settings, answers.stream_no),
			answers.stream_no);
		positions := positions + 1;
		groups := groups || (SELECT string_agg(format($q$,
		'a:%1$s' || length(%2$s) || ':' || %2$s, 'b:%1$s' || length(%2$s) || ':' || %2$s || '=' || a.segment$q$,
				answers.stream, format('a.answered_%s[%s]', answers.stream_no, p)), '' ORDER BY p)
			FROM generate_series(1, @extschema@._answered_places()) AS p);
	END LOOP;
	RETURN @extschema@._fill($q$
SELECT a.tenant, a.as_of, a.version,
       @extschema@.shown_groups(a.customers, ARRAY[{groups}]::text[], {minimum}, {common}, 0) AS shown
  FROM (SELECT s.tenant, s.as_of, s.version, {columns}, count(*) AS customers FROM {scores} AS s{fifths}
         GROUP BY {positions}) AS a
 GROUP BY a.tenant, a.as_of, a.version$q$,
		'groups', groups, 'minimum', settings ->> 'minimum_group_size', 'common', common::text,
		'columns', columns, 'scores', scores,
		'fifths', coalesce(' LEFT JOIN ' || fifths || ' AS k ON k.tenant = s.tenant', ''),
		'positions', (SELECT string_agg(g::text, ', ' ORDER BY g) FROM generate_series(1, positions) AS g));
END
$$;
COMMENT ON FUNCTION @extschema@._model_shown(jsonb, text) IS
	'internal: the query that says which groups of people can be shown, by names, for all summaries of a day';

-- A query of a summary with the column suppressed, and where that is true, without
-- the numbers of the row. "shown" is an item of FROM with the columns of
-- _model_shown, "cell" an expression for the name of the group that the row is
-- about, "total" for that of which it shows shares. A cell of nobody is shown,
-- unless it would tell which is the one that isn't: of those with the same
-- "lines". "parts" are columns about a part of the group: {column: [its name,
-- whether it is nobody]}.
CREATE FUNCTION @extschema@._model_hide_groups(settings jsonb, shown text, query text, columns text[], hidden text[],
	cell text, total text, lines text, positions text, parts jsonb DEFAULT '{}', days text DEFAULT '')
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN (settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int = 1 THEN
		pg_catalog.format('SELECT q.*, false AS suppressed FROM (%s) AS q', query)
	ELSE
		@extschema@._fill($q$
SELECT {columns}, q.suppressed
  FROM (SELECT q.*,
               CASE WHEN q.customers > 0 THEN q.cell_hidden
                    ELSE count(*) FILTER (WHERE q.customers > 0 AND q.cell_hidden) OVER (PARTITION BY {lines}) = 1
               END AS suppressed
          FROM (SELECT q.*, COALESCE({cell} <> ALL (d.shown), true) AS cell_hidden,
                       COALESCE({total} <> ALL (d.shown), true) AS total_hidden, d.shown
                  FROM ({query}) AS q LEFT JOIN {shown} AS d ON d.tenant = COALESCE(q.tenant, ''){days}) AS q) AS q
 ORDER BY {positions}$q$,
			'columns', (SELECT pg_catalog.string_agg(CASE WHEN u.c OPERATOR(pg_catalog.=) ANY (hidden)
					-- keeps the digits of money, which CASE forgets
					THEN pg_catalog.format(
						'NULLIF(q.%1$I, CASE WHEN q.suppressed%2$s%3$s THEN q.%1$I END) AS %1$I', u.c,
						CASE WHEN u.c OPERATOR(pg_catalog.~) '_share$' THEN ' OR q.total_hidden' ELSE '' END,
						CASE WHEN parts OPERATOR(pg_catalog.->) u.c IS NULL THEN '' ELSE
							pg_catalog.format(' OR NOT (%s) AND COALESCE(%s <> ALL (q.shown), true)',
								parts OPERATOR(pg_catalog.->) u.c OPERATOR(pg_catalog.->>) 1,
								parts OPERATOR(pg_catalog.->) u.c OPERATOR(pg_catalog.->>) 0) END)
					ELSE pg_catalog.format('q.%I', u.c) END, ', ' ORDER BY u.n)
			   FROM pg_catalog.unnest(columns) WITH ORDINALITY AS u (c, n)),
			'lines', lines, 'cell', cell, 'total', total, 'query', query, 'shown', shown,
			'days', days, 'positions', positions)
	END;
END;
COMMENT ON FUNCTION @extschema@._model_hide_groups(jsonb, text, text, text[], text[], text, text, text,
	text, jsonb, text) IS
	'internal: a query of a summary without the numbers of groups that can''t be shown';

-- What is shown of the day that the views show is decided as there: a CTE "today", of
-- days that meet "condition". Empty, where nothing is hidden.
CREATE FUNCTION @extschema@._shown_today(model name, settings jsonb, caller text, condition text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE (settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int WHEN 1 THEN ''
		ELSE @extschema@._fill(', today AS MATERIALIZED (SELECT d.* FROM {model}._shown_at({caller}) AS d'
			' WHERE {condition})', 'model', pg_catalog.quote_ident(model), 'caller', caller,
			'condition', condition) END;
END;
COMMENT ON FUNCTION @extschema@._shown_today(name, jsonb, text, text) IS
	'internal: what can be shown of the day that the views show, as an item of WITH';

-- Which groups can be shown on a day, of the rows of "sums", counts of people by tenant,
-- day, version and segment: a row for each tenant and day, with the columns of
-- _model_shown. "day" is an expression over n, a row of "sums".
CREATE FUNCTION @extschema@._days_shown(settings jsonb, sums text, day text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$(
	SELECT n.tenant, {day} AS as_of, COALESCE(t.shown, @extschema@.shown_groups(n.customers,
		ARRAY['t', 's' || COALESCE(':' || n.segment, '')], {small}, 2, 0)) AS shown
	  FROM {sums} AS n LEFT JOIN today AS t ON t.tenant = n.tenant AND t.as_of = {day} AND t.version = n.version
	 GROUP BY n.tenant, {day}, t.shown)$q$,
		'sums', sums, 'day', day, 'small', settings OPERATOR(pg_catalog.->>) 'minimum_group_size');
END;
COMMENT ON FUNCTION @extschema@._days_shown(jsonb, text, text) IS
	'internal: an item of FROM: which groups can be shown on each day, of counts of people by segment';

-- The rows of "sums" with is_shown: can the number of the segment be told on that day?
-- And total_shown: that of all of them?
CREATE FUNCTION @extschema@._segments_shown(settings jsonb, sums text, day text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN (settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int OPERATOR(pg_catalog.=) 1
		THEN @extschema@._fill('(SELECT s.*, true AS is_shown FROM {sums} AS s)', 'sums', sums)
		ELSE @extschema@._fill($q$(
	SELECT s.*, COALESCE('s' || COALESCE(':' || s.segment, '') = ANY (d.shown), false) AS is_shown,
	       't' = ANY (d.shown) AS total_shown
	  FROM {sums} AS s JOIN {days} AS d ON d.tenant = s.tenant AND d.as_of = {day})$q$,
			'sums', sums, 'days', @extschema@._days_shown(settings, sums, day),
			'day', pg_catalog.regexp_replace(day, '^n\.', 's.')) END;
END;
COMMENT ON FUNCTION @extschema@._segments_shown(jsonb, text, text) IS
	'internal: an item of FROM: counts of people by segment, and which of them can be shown';

CREATE FUNCTION @extschema@.is_small_cell(customers bigint, minimum int, line int, cross_line int)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'is_small_cell'
	LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.is_small_cell(bigint, int, int, int) IS
	'is a cell of a table of counts to be hidden: because it has fewer customers than the minimum,'
	' or so that such a one can''t be computed from the total of its line; OVER a partition that is the table;'
	' false where customers or minimum is NULL';

-- A query of a summary with the column suppressed, and where that is true,
-- without the numbers of the row. The partition is the table with known totals;
-- "line" and "cross_line" are columns by which it has totals too.
CREATE FUNCTION @extschema@._model_hide_small(settings jsonb, query text, columns text[], hidden text[],
	partition text[], line text, cross_line text, positions text, counted text DEFAULT 'q.customers')
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN (settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int = 1 THEN
		pg_catalog.format('SELECT q.*, false AS suppressed FROM (%s) AS q', query)
	ELSE
		pg_catalog.format('SELECT %s, q.suppressed'
			' FROM (SELECT q.*, @extschema@.is_small_cell(%s, %s, q.line, q.cross_line)'
			' OVER (PARTITION BY %s ORDER BY %s) AS suppressed'
			' FROM (SELECT q.*, %s AS line, %s AS cross_line FROM (%s) AS q) AS q) AS q ORDER BY %s',
			(SELECT pg_catalog.string_agg(CASE WHEN u.c OPERATOR(pg_catalog.=) ANY (hidden)
					-- keeps the digits of money, which CASE forgets
					THEN pg_catalog.format('NULLIF(q.%1$I, CASE WHEN q.suppressed THEN q.%1$I END) AS %1$I', u.c)
					ELSE pg_catalog.format('q.%I', u.c) END, ', ' ORDER BY u.n)
			   FROM pg_catalog.unnest(columns) WITH ORDINALITY AS u (c, n)),
			counted, settings OPERATOR(pg_catalog.->>) 'minimum_group_size', p.list, positions,
			CASE WHEN line IS NULL THEN '1'
				ELSE pg_catalog.format('dense_rank() OVER (PARTITION BY %s ORDER BY q.%I)::int', p.list, line) END,
			CASE WHEN cross_line IS NULL THEN '1'
				ELSE pg_catalog.format('dense_rank() OVER (PARTITION BY %s ORDER BY q.%I)::int',
					p.list, cross_line) END,
			query, positions)
	END
	FROM (SELECT pg_catalog.string_agg(pg_catalog.format('q.%I', u.c), ', ' ORDER BY u.n) AS list
			FROM pg_catalog.unnest(partition) WITH ORDINALITY AS u (c, n)) AS p;
END;
COMMENT ON FUNCTION @extschema@._model_hide_small(jsonb, text, text[], text[], text[], text, text, text, text) IS
	'internal: a query of a summary whose small cells are hidden';

-- The levels that the views of a model are made of: private views, granted to
-- nobody. What readers see reads them with the rights of the owner.
CREATE FUNCTION @extschema@._model_level_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
BEGIN
	RETURN NEXT @extschema@._model_view('_question', @extschema@._model_question(model, settings),
		'internal: as of when, with which settings and by which thresholds customers are scored; a row for '
		'each tenant that the reader may see');
	-- a model that has once had these keeps them
	IF (settings ->> 'live')::boolean OR to_regclass(home || '._everyone') IS NOT NULL THEN
		RETURN NEXT @extschema@._model_view('_pending_keys', @extschema@._model_pending_keys(model, settings),
			'internal: the customers who have something pending, more than once and under former keys too');
		RETURN NEXT @extschema@._model_view('_pending_rows', @extschema@._model_pending_rows(model, settings),
			'internal: what is pending, by the customer that it counts for');
		RETURN NEXT @extschema@._model_view('_everyone', @extschema@._model_everyone(model, settings, shared => true),
			'internal: the history of everybody, with what is pending, and whether there is something left of it');
	END IF;
	RETURN NEXT @extschema@._model_view('_histories', @extschema@._model_histories(model, settings, shared => true),
		'internal: the history of each customer, with what is pending');
	IF @extschema@._has_streams(settings) THEN
		RETURN NEXT @extschema@._model_view('_events', @extschema@._model_events(model, settings, shared => true),
			'internal: the histories of each customer by stream and kind, with what is pending');
	END IF;
	RETURN NEXT @extschema@._model_view('_customers', @extschema@._model_customers(model, settings, shared => true),
		'internal: what is known of each customer');
	RETURN NEXT @extschema@._model_view('_facts',
		@extschema@._model_facts(model, settings, home || '._question', home || '._customers'),
		'internal: the facts of each customer on the day of the question');
	RETURN NEXT @extschema@._model_view('_scored', @extschema@._model_scored(settings, home || '._facts'),
		'internal: the scores of each customer');
	RETURN NEXT @extschema@._model_view('_scores',
		@extschema@._model_scores(model, settings, home || '._scored', ARRAY[settings ->> 'map_copy']),
		'internal: facts, scores and segment of each customer');
	-- this one too
	IF (settings ->> 'minimum_group_size')::int > 1 OR to_regclass(home || '._shown') IS NOT NULL THEN
		RETURN NEXT @extschema@._model_view('_shown', @extschema@._model_shown(settings, home || '._scores'),
			'internal: which groups of people the summaries can show, by names');
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_level_views(name, jsonb) IS 'internal: the private views of a model';

-- An attribute as the lateral rows of attribute_summary have it: as text, and
-- numbers and days as numbers too, of which ranges can be made.
CREATE FUNCTION @extschema@._model_attribute_values(settings jsonb, ranges boolean)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	list	text;
BEGIN
	IF cardinality(@extschema@._model_attributes(settings)) = 0 THEN
		RETURN NULL;
	END IF;
	SELECT string_agg(format('(%1$L, c.%1$I::text COLLATE "default"%2$s)', u.a,
			CASE WHEN ranges THEN format(', %L::text, %s', a.kind, coalesce(a.number, 'NULL::numeric')) END), ', '
			ORDER BY u.n) INTO list
	  FROM unnest(@extschema@._model_attributes(settings)) WITH ORDINALITY AS u (a, n)
	  LEFT JOIN @extschema@._attribute_numbers(settings) AS a ON ranges AND a.n = u.n;
	RETURN list;
END
$$;
COMMENT ON FUNCTION @extschema@._model_attribute_values(jsonb, boolean) IS
	'internal: the attributes of a model as rows of name and value';

-- The query of attribute_summary without small groups hidden.
CREATE FUNCTION @extschema@._model_attribute_summary(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	small	int := settings ->> 'minimum_group_size';
	list	text := @extschema@._model_attribute_values(settings, small = 1);
	scores	text := @extschema@._view_rows(model, settings, 'customer_scores');
BEGIN
	IF list IS NULL THEN
		RETURN format($q$
SELECT NULL::date AS as_of, NULL::text AS tenant, NULL::text AS attribute, NULL::text AS attribute_value,
       NULL::text COLLATE "C" AS segment, NULL::text AS segment_label, NULL::bigint AS customers,
       NULL::float8 AS customers_share, NULL::%s AS revenue, NULL::float8 AS revenue_share,
       NULL::int AS segment_order, NULL::text COLLATE "C" AS segment_color WHERE false$q$,
			@extschema@._model_money(settings));
	END IF;
	IF small > 1 THEN
		-- values of fewer people have no rows, the others a row for every segment
		RETURN @extschema@._fill($q$
WITH counted AS MATERIALIZED (
	SELECT c.as_of, c.tenant, a.attribute, a.attribute_value,
	       c.segment, c.segment_label, c.segment_order, c.segment_color::text AS segment_color,
	       count(*) AS customers, sum(c.monetary) AS revenue
	  FROM {scores} AS c, LATERAL (VALUES {list}) AS a (attribute, attribute_value)
	 GROUP BY c.as_of, c.tenant, a.attribute, a.attribute_value,
	       c.segment, c.segment_label, c.segment_order, c.segment_color)
SELECT v.as_of, v.tenant, v.attribute, v.attribute_value, l.segment COLLATE "C" AS segment, l.segment_label,
       COALESCE(c.customers, 0) AS customers, COALESCE(c.customers, 0) / v.customers::float8 AS customers_share,
       COALESCE(c.revenue, 0)::{money} AS revenue,
       (greatest(COALESCE(c.revenue, 0), 0) / NULLIF(v.revenue, 0))::float8 AS revenue_share,
       l.segment_order, l.segment_color
  FROM (SELECT c.as_of, c.tenant, c.attribute, c.attribute_value, sum(c.customers) AS customers,
               sum(greatest(c.revenue, 0)) AS revenue
          FROM counted AS c GROUP BY c.as_of, c.tenant, c.attribute, c.attribute_value
        HAVING sum(c.customers) >= {small}) AS v
 CROSS JOIN (SELECT l.segment, l.label AS segment_label, l.display_order AS segment_order,
                    l.color::text AS segment_color
               FROM {model}.segment_label AS l WHERE l.map = {map} AND l.language = {language}
              UNION SELECT c.segment, c.segment_label, c.segment_order, c.segment_color FROM counted AS c) AS l
  LEFT JOIN counted AS c ON c.tenant IS NOT DISTINCT FROM v.tenant AND c.attribute = v.attribute
   AND c.attribute_value IS NOT DISTINCT FROM v.attribute_value AND c.segment IS NOT DISTINCT FROM l.segment
 ORDER BY v.tenant, v.attribute, v.attribute_value, l.segment_order$q$,
			'model', quote_ident(model), 'scores', scores, 'list', list, 'money', @extschema@._model_money(settings),
			'small', small::text, 'map', quote_literal(settings ->> 'map_copy'),
			'language', quote_literal(settings ->> 'language'));
	END IF;
	-- numbers and days of many values by ranges, which follow from all of them
	RETURN @extschema@._fill($q$
SELECT b.as_of, b.tenant, b.attribute, b.attribute_value, b.segment, b.segment_label,
       sum(b.customers)::bigint AS customers,
       sum(b.customers) / NULLIF(sum(sum(b.customers)) OVER w, 0)::float8 AS customers_share,
       sum(b.revenue)::{money} AS revenue,
       (greatest(sum(b.revenue), 0) / NULLIF(sum(greatest(sum(b.revenue), 0)) OVER w, 0))::float8 AS revenue_share,
       b.segment_order, b.segment_color::text AS segment_color
  FROM (SELECT r.as_of, r.tenant, r.attribute, r.segment, r.segment_label, r.segment_order, r.segment_color,
               r.customers, r.revenue,
               CASE WHEN r.kind IS NULL OR r.place_of_last <= 50 THEN r.attribute_value
                    ELSE @extschema@._attribute_range(r.kind, r.number, r.low, r.high) END AS attribute_value
          FROM (SELECT d.*, max(d.place) OVER every AS place_of_last, min(d.number) OVER every AS low,
                       max(d.number) OVER every AS high
                  FROM (SELECT c.as_of, c.tenant, a.attribute, a.attribute_value, a.kind, a.number,
                               c.segment, c.segment_label, c.segment_order, c.segment_color,
                               count(*) AS customers, sum(c.monetary) AS revenue,
                               dense_rank() OVER (PARTITION BY c.tenant, a.attribute
                                                      ORDER BY a.attribute_value) AS place
                          FROM {scores} AS c,
                               LATERAL (VALUES {list}) AS a (attribute, attribute_value, kind, number)
                         GROUP BY c.as_of, c.tenant, a.attribute, a.attribute_value, a.kind, a.number,
                               c.segment, c.segment_label, c.segment_order, c.segment_color) AS d
                WINDOW every AS (PARTITION BY d.tenant, d.attribute)) AS r) AS b
 GROUP BY b.as_of, b.tenant, b.attribute, b.attribute_value,
       b.segment, b.segment_label, b.segment_order, b.segment_color
WINDOW w AS (PARTITION BY b.tenant, b.attribute, b.attribute_value)
 ORDER BY b.tenant, b.attribute, b.attribute_value, b.segment_order$q$,
		'scores', scores, 'list', list, 'money', @extschema@._model_money(settings));
END
$$;
COMMENT ON FUNCTION @extschema@._model_attribute_summary(name, jsonb) IS
	'internal: the query of attribute_summary, of all groups';

-- The thresholds of each dimension as rows. It runs with the rights of those who read
-- the view thresholds.
CREATE FUNCTION @extschema@._threshold_rows(recency float8[], frequency float8[], monetary float8[], basket float8[],
	bins int, of_means boolean, language text, decimals int)
	RETURNS TABLE ("position" int, dimension text, score int, lower_bound float8, upper_bound float8,
		score_range text, score_reason text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	SELECT d.position, d.dimension, n.score,
		   CASE WHEN d.dimension = 'recency' THEN d.thresholds[pg_catalog.cardinality(d.thresholds) - n.score + 1]
				ELSE d.thresholds[n.score - 1] END,
		   CASE WHEN d.dimension = 'recency' THEN d.thresholds[pg_catalog.cardinality(d.thresholds) - n.score + 2]
				ELSE d.thresholds[n.score] END,
		   @extschema@.score_range(CASE WHEN of_means AND d.dimension = 'monetary' THEN 'mean' ELSE d.dimension END,
			   d.thresholds, n.score, language, decimals),
		   CASE WHEN d.thresholds IS NULL THEN 'too_few_customers' END
	  FROM (VALUES (1, 'recency', recency), (2, 'frequency', frequency), (3, 'monetary', monetary),
			(4, 'basket', basket)) AS d ("position", dimension, thresholds),
		   LATERAL pg_catalog.generate_series(1,
			LEAST(COALESCE(pg_catalog.cardinality(d.thresholds) + 1, bins), 1000)) AS n (score);
END;
COMMENT ON FUNCTION @extschema@._threshold_rows(float8[], float8[], float8[], float8[], int, boolean, text, int) IS
	'internal: which values get which score, as the view thresholds of a model says';

-- The views about customers and their sums.
CREATE FUNCTION @extschema@._model_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		text := quote_ident(model);
	map			text := quote_literal(settings ->> 'map_copy');
	language	text := quote_literal(settings ->> 'language');
	money		text := @extschema@._model_money(settings);
	tenant		text := @extschema@._model_tenant(settings, 'q');
	attributes	text[] := @extschema@._model_attributes(settings);
	small		int := settings ->> 'minimum_group_size';
	scores		text := @extschema@._view_rows(model, settings, 'customer_scores');
	list		record;
BEGIN
	RETURN NEXT @extschema@._model_view('customer_scores', @extschema@._model_wide(model, settings, home || '._scores'),
		'one row per customer: facts, scores and segment');
	RETURN NEXT @extschema@._model_plain_function('customer', '{customer_key text}',
		format('SETOF %s.customer_scores', home),
		format('SELECT @extschema@._one_customer(NULL::%s.customer_scores, $1)', home),
		'the row of customer_scores of one customer, for pages of a shop: the session plans it once, and then takes a '
		'fraction of a millisecond');

	RETURN NEXT @extschema@._model_view('segments', @extschema@._fill($q$
SELECT l.segment::text AS segment, l.role::text AS role, l.label, l.description, l.action,
       l.display_order AS segment_order, l.color::text AS segment_color
  FROM {model}.segment_label AS l WHERE l.map = {map} AND l.language = {language}
 ORDER BY l.display_order, l.segment$q$,
			'model', home, 'map', map, 'language', language),
		'one row per segment of the segment map: what it is called, who is in it, what to do');

	RETURN NEXT @extschema@._model_view('customer_segments', @extschema@._fill($q$
SELECT s.customer_key, s.segment, l.label AS segment_label, l.action,
       CASE WHEN r.segment IS DISTINCT FROM s.segment THEN r.segment
            ELSE r.previous_segment END::text AS previous_segment,
       CASE WHEN r.segment IS NOT DISTINCT FROM s.segment THEN r.changed_on END AS changed_on,
       s.segment_overridden, {tenant} AS tenant, s.customer_id
  FROM (SELECT s.customer_key, s.segment, s.segment_overridden, s.tenant, s.customer_id FROM {model}._scores AS s) AS s
  LEFT JOIN {model}.segment_label AS l ON l.map = {map} AND l.segment = s.segment AND l.language = {language}
  LEFT JOIN {model}.recorded_segments AS r ON r.customer_key = s.customer_key$q$,
			'model', home, 'map', map, 'language', language, 'tenant', @extschema@._model_tenant(settings, 's')),
		'one row per customer, made for CRM and reverse ETL: nothing in it changes while the segment stays');

	FOR list IN SELECT * FROM (VALUES ('vip_customers', 'vip', 'the best customers'),
			('upsell_customers', 'upsell', 'customers who could buy more at a time'),
			('new_customers', 'new', 'customers whose first order is recent'),
			('at_risk_customers', 'at_risk', 'good customers who have fallen silent')) AS v (view, role, comment) LOOP
		RETURN NEXT @extschema@._model_view(list.view::name, @extschema@._fill($q$
SELECT s.customer_key, s.as_of, s.last_order_on, s.recency_days, s.frequency,
       s.monetary, s.mean_value, s.tenure_days, s.silence_ratio, s.rfm_code, s.rfm_score, s.rfm_score_change,
       s.segment, s.segment_label, s.segment_overridden, l.action{category}{attributes}, s.tenant, s.customer_id
  FROM {scores} AS s, {model}.segment_label AS l
 WHERE l.map = {map} AND l.segment = s.segment AND l.language = {language} AND l.role = {role}{contact}
 ORDER BY s.monetary DESC, s.customer_key$q$,
				'model', home, 'scores', scores, 'map', map, 'language', language, 'role', quote_literal(list.role),
				'attributes', @extschema@._model_attribute_list(settings, ', s.%I'),
				'category', (SELECT coalesce(string_agg(format(', s.%I', c.name), ''), '')
					FROM @extschema@._category_columns(settings) AS c WHERE c.name = 'preferred_category'),
				-- lists are there to be acted on: people who may not be contacted at all are in none
				'contact', coalesce((SELECT ' AND (' || string_agg(format('s.%I', c), ' OR ' ORDER BY n) || ')'
				   FROM unnest(@extschema@._model_names(settings, 'contact')) WITH ORDINALITY AS u (c, n)), '')),
			format('%s: segments of role %s, by monetary', list.comment, list.role));
	END LOOP;

	RETURN NEXT @extschema@._model_view('segment_summary',
		@extschema@._model_hide_groups(settings, home || '._shown', @extschema@._fill($q$
SELECT q.as_of, {tenant} AS tenant, q.segment::text AS segment, q.label AS segment_label, q.role::text AS role,
       COALESCE(s.customers, 0) AS customers,
       COALESCE(s.customers, 0) / NULLIF(sum(s.customers) OVER w, 0)::float8 AS customers_share,
       COALESCE(s.revenue, 0)::{money} AS revenue,
       (greatest(COALESCE(s.revenue, 0), 0) / NULLIF(sum(greatest(s.revenue, 0)) OVER w, 0))::float8 AS revenue_share,
       s.mean_rfm_score, s.median_recency_days, s.median_frequency, s.median_monetary::{money} AS median_monetary,
       q.display_order AS segment_order, q.color::text AS segment_color,
       COALESCE(s.overridden, 0) AS customers_overridden
  FROM (SELECT q.as_of, q.tenant, l.segment, l.label, l.role, l.display_order, l.color
          FROM {model}._question AS q, {model}.segment_label AS l
         WHERE l.map = {map} AND l.language = {language}) AS q
  LEFT JOIN (SELECT c.tenant, c.segment, count(*) AS customers,
                    count(*) FILTER (WHERE c.segment_overridden) AS overridden,
                    sum(c.monetary) AS revenue, @extschema@.weighted_mean(c.rfm_score, 1) AS mean_rfm_score,
                    percentile_cont(0.5) WITHIN GROUP (ORDER BY c.recency_days) AS median_recency_days,
                    percentile_cont(0.5) WITHIN GROUP (ORDER BY c.frequency) AS median_frequency,
                    percentile_cont(0.5) WITHIN GROUP (ORDER BY c.monetary::float8) AS median_monetary
               FROM {scores} AS c GROUP BY c.tenant, c.segment) AS s
         ON s.segment = q.segment AND COALESCE(s.tenant, '') = q.tenant
WINDOW w AS (PARTITION BY q.tenant)
 ORDER BY q.tenant, q.display_order, q.segment$q$,
				'model', home, 'scores', scores, 'map', map, 'language', language, 'tenant', tenant, 'money', money),
			'{as_of,tenant,segment,segment_label,role,customers,customers_share,revenue,revenue_share,mean_rfm_score,'
			'median_recency_days,median_frequency,median_monetary,segment_order,segment_color,customers_overridden}',
			'{customers,customers_share,revenue,revenue_share,mean_rfm_score,median_recency_days,median_frequency,'
			'median_monetary,customers_overridden}',
			$q$'s:' || q.segment$q$, $q$'t'$q$, 'q.tenant', 'q.tenant, q.segment_order, q.segment',
			$q${"customers_overridden": ["'x:' || q.segment", "q.customers_overridden = 0"]}$q$),
		'customers and revenue by segment, empty ones included');

	RETURN NEXT @extschema@._model_view('attribute_summary',
		@extschema@._model_hide_groups(settings, home || '._shown',
			@extschema@._model_attribute_summary(model, settings),
			'{as_of,tenant,attribute,attribute_value,segment,segment_label,customers,customers_share,revenue,'
			'revenue_share,segment_order,segment_color}',
			'{customers,customers_share,revenue,revenue_share}',
			format($q$'w' || array_position(%1$L::text[], q.attribute) || COALESCE(':' || q.segment, '') || '='
				|| COALESCE(':' || q.attribute_value, '')$q$, attributes),
			format($q$'v' || array_position(%1$L::text[], q.attribute)
				|| COALESCE(':' || q.attribute_value, '')$q$, attributes),
			'q.tenant, q.attribute, q.segment', 'q.tenant, q.attribute, q.attribute_value, q.segment_order'),
		'customers and revenue by attribute, its value and segment; shares within a value');

	RETURN NEXT @extschema@._model_view('thresholds', @extschema@._fill($q$
SELECT {tenant} AS tenant, t.dimension, t.score, t.lower_bound, t.upper_bound, t.score_range,
       q.version, k.valid_from, {customers} AS calibrated_customers, t.score_reason
  FROM {model}._question AS q,
       (SELECT b.version, b.tenant, b.customers, c.valid_from, c.bins
          FROM {model}.calibration AS b, {model}.configuration AS c WHERE c.version = b.version) AS k,
       LATERAL @extschema@._threshold_rows(q.recency_thresholds, q.frequency_thresholds, q.monetary_thresholds,
           q.basket_thresholds, k.bins, {mean}, {language}, {decimals}) AS t
 WHERE k.version = q.version AND k.tenant = q.tenant
 ORDER BY q.tenant, t.position, t.score$q$,
			'model', home, 'tenant', tenant, 'language', language, 'decimals', settings ->> 'money_decimals',
			'mean', (settings ->> 'monetary' = 'mean')::text,
			'customers', CASE WHEN small = 1 THEN 'k.customers'
				ELSE format('CASE WHEN k.customers >= %s THEN k.customers END', small) END),
		'the thresholds in force: which values get which score');

	RETURN NEXT @extschema@._model_view('score_distribution',
		@extschema@._model_hide_groups(settings, home || '._shown', @extschema@._fill($q$
SELECT t.as_of, t.tenant, t.dimension, t.score, t.score_range, COALESCE(s.customers, 0) AS customers,
       COALESCE(s.customers, 0) / NULLIF(sum(s.customers) OVER w, 0)::float8 AS customers_share,
       COALESCE(s.revenue, 0)::{money} AS revenue,
       (greatest(COALESCE(s.revenue, 0), 0) / NULLIF(sum(greatest(s.revenue, 0)) OVER w, 0))::float8 AS revenue_share,
       CASE WHEN t.score_reason IS NOT NULL THEN t.score_reason
            WHEN t.score_range = '-'
            THEN 'no value can get this score: many customers share the value at its threshold' END AS note
  FROM (SELECT q.as_of, t.tenant, t.dimension, t.score, t.score_range, t.score_reason
          FROM {thresholds} AS t, {model}._question AS q WHERE q.tenant = COALESCE(t.tenant, '')) AS t
  LEFT JOIN (SELECT c.tenant, d.dimension, d.score, count(*) AS customers, sum(c.monetary) AS revenue
               FROM {scores} AS c,
                    LATERAL (VALUES ('recency', c.r_score), ('frequency', c.f_score),
                     ('monetary', c.m_score), ('basket', c.basket_score)) AS d (dimension, score)
              WHERE d.score IS NOT NULL GROUP BY c.tenant, d.dimension, d.score) AS s
         ON s.dimension = t.dimension AND s.score = t.score AND COALESCE(s.tenant, '') = COALESCE(t.tenant, '')
WINDOW w AS (PARTITION BY t.tenant, t.dimension)
 ORDER BY t.tenant, array_position('{recency,frequency,monetary,basket}', t.dimension), t.score$q$,
				'model', home, 'scores', scores, 'money', money,
				'thresholds', @extschema@._view_rows(model, settings, 'thresholds')),
			'{as_of,tenant,dimension,score,score_range,customers,customers_share,revenue,revenue_share,note}',
			'{customers,customers_share,revenue,revenue_share}', $q$q.dimension || ':' || q.score$q$,
			$q$'n:' || q.dimension$q$, 'q.tenant, q.dimension',
			$q$q.tenant, array_position('{recency,frequency,monetary,basket}', q.dimension), q.score$q$),
		'customers and revenue by score of each dimension, with the values that get it; empty scores included');

	RETURN NEXT @extschema@._model_view('rfm_grid',
		@extschema@._model_hide_groups(settings, home || '._shown', @extschema@._fill($q$
SELECT q.as_of, {tenant} AS tenant, q.r_score, q.f_score,
       @extschema@.score_range('recency', q.recency_thresholds, q.r_score, {language}, {decimals}) AS r_range,
       @extschema@.score_range('frequency', q.frequency_thresholds, q.f_score, {language}, {decimals}) AS f_range,
       COALESCE(s.customers, 0) AS customers,
       COALESCE(s.customers, 0) / NULLIF(sum(s.customers) OVER w, 0)::float8 AS customers_share,
       COALESCE(s.revenue, 0)::{money} AS revenue,
       (greatest(COALESCE(s.revenue, 0), 0) / NULLIF(sum(greatest(s.revenue, 0)) OVER w, 0))::float8 AS revenue_share,
       s.mean_m_score::float8 AS mean_m_score
  FROM (SELECT q.as_of, q.tenant, q.recency_thresholds, q.frequency_thresholds, r.score AS r_score, f.score AS f_score
          FROM {model}._question AS q, generate_series(1, {bins}) AS r (score), generate_series(1, {bins}) AS f (score)
         WHERE r.score <= cardinality(q.recency_thresholds) + 1
           AND f.score <= cardinality(q.frequency_thresholds) + 1) AS q
  LEFT JOIN (SELECT c.tenant, c.r_score, c.f_score, count(*) AS customers, sum(c.monetary) AS revenue,
                    avg(c.m_score) AS mean_m_score
               FROM {scores} AS c WHERE c.r_score IS NOT NULL
              GROUP BY c.tenant, c.r_score, c.f_score) AS s
         ON s.r_score = q.r_score AND s.f_score = q.f_score AND COALESCE(s.tenant, '') = q.tenant
WINDOW w AS (PARTITION BY q.tenant)
 ORDER BY q.tenant, q.r_score DESC, q.f_score$q$,
				'model', home, 'scores', scores, 'money', money, 'tenant', tenant, 'language', language,
				'decimals', settings ->> 'money_decimals', 'bins', settings ->> 'bins'),
			'{as_of,tenant,r_score,f_score,r_range,f_range,customers,customers_share,revenue,'
			'revenue_share,mean_m_score}',
			'{customers,customers_share,revenue,revenue_share,mean_m_score}',
			$q$'g:' || q.r_score || ':' || q.f_score$q$, $q$'n:frequency'$q$, 'q.tenant',
			'q.tenant, q.r_score DESC, q.f_score'),
		'customers and revenue by recency and frequency score, empty cells included: a heat map in long form');
END
$$;
COMMENT ON FUNCTION @extschema@._model_views(name, jsonb) IS
	'internal: the views of a model about customers and their sums';

-- What model_status says of what was found. It runs with the rights of those who read
-- the view.
CREATE FUNCTION @extschema@._model_state(missing text[], lost text, problem text, foreign_tokens bigint,
	uncalibrated bigint, left_out numeric, minimum_customers int, OUT status text, OUT needs text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	status := 'ok';
	IF missing IS NOT NULL THEN
		status := 'source missing';
		needs := concat('bring back ', array_to_string(missing, ', '),
			', or name another: alter_model(..., source => ..., customers => ...)', '; ' || lost);
	ELSIF lost IS NOT NULL THEN
		status := 'incomplete';
		needs := lost;
	ELSIF problem IS NOT NULL THEN
		status := 'rebuild needed';
		needs := problem || ': mend it by alter_model or refresh_model';
	ELSIF foreign_tokens > 0 THEN
		status := 'suppression key missing';
		needs := 'put the key that the suppression list was made with into suppression_key, then reapply_suppression';
	ELSIF uncalibrated > 0 THEN
		status := 'thresholds missing';
		needs := concat('once there are customers: calibrate_model', CASE WHEN minimum_customers > 1
			THEN format(' (%s with an order at least)', minimum_customers) END);
	ELSIF left_out > 0 THEN
		needs := format('nothing; rows left out that can''t be scored: %s, see data_quality', left_out);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_state(text[], text, text, bigint, bigint, numeric, int) IS
	'internal: the state of a model in words, and what it needs';

CREATE FUNCTION @extschema@._calibration_moves(model name)
	RETURNS TABLE (customers bigint, moved bigint)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'call_model_function';
COMMENT ON FUNCTION @extschema@._calibration_moves(name) IS 'internal: call this function of a model';

-- Is a calibration due? It runs with the rights of those who read the view.
CREATE FUNCTION @extschema@._calibration_advice(customers bigint, moved bigint, minimum_group_size int)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('the thresholds are out of date: taken today, they would put %s %% of those who have'
			' ordered into another segment; calibrate_model(..., dry_run => true) says how many into which',
			CASE WHEN moved OPERATOR(pg_catalog.>=) minimum_group_size
					AND (moved OPERATOR(pg_catalog.=) customers
						OR customers OPERATOR(pg_catalog.-) moved OPERATOR(pg_catalog.>=) minimum_group_size)
				THEN pg_catalog.trim_scale(pg_catalog.round(100.0 OPERATOR(pg_catalog.*) moved
					OPERATOR(pg_catalog./) customers, 1))::text
				ELSE 'more than 5' END)
	 WHERE 20 OPERATOR(pg_catalog.*) moved OPERATOR(pg_catalog.>) customers;
END;
COMMENT ON FUNCTION @extschema@._calibration_advice(bigint, bigint, int) IS
	'internal: what to do if a calibration would move so many of these customers; NULL: nothing';

-- Do readers wait for what is pending? A pending row costs a reader of everybody fifteen
-- times what a customer does, so from here on it is more than half of the time.
CREATE FUNCTION @extschema@._pending_advice(pending bigint, customers bigint)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('apply_changes, and more often: %s changes are pending, which take readers of everybody'
			' more time than all the rest', pending)
	 WHERE pending OPERATOR(pg_catalog.>=) 10000
	   AND pending OPERATOR(pg_catalog.>) (customers OPERATOR(pg_catalog./) 15);
END;
COMMENT ON FUNCTION @extschema@._pending_advice(bigint, bigint) IS
	'internal: what to do if so many changes are pending; NULL: nothing';

-- Freshness, and what was left out or is worth a look. The advice takes scoring everybody
-- twice; who doesn't ask for that column doesn't wait for it.
CREATE FUNCTION @extschema@._model_status_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	streamed	boolean := @extschema@._has_streams(settings);
BEGIN
	RETURN NEXT @extschema@._model_view('model_status', @extschema@._fill($q$
SELECT {name}::text AS model, c.source, c.source_query AS definition,
       {as_of} AS as_of,
       CASE WHEN c.as_of IS NULL THEN 'today in time zone ' || c.time_zone ELSE 'pinned' END AS as_of_rule,
       c.time_zone, c.version, (SELECT max(k.calibrated_on) FROM {model}.calibration AS k
                                 WHERE k.version = c.version) AS calibrated_on,
       c.segment_map, f.finished_at AS refreshed_at,
       p.customers,
       t.tenants,
       s.status,
       CASE WHEN s.status = 'ok' THEN COALESCE(@extschema@._pending_advice(p.pending, p.customers), s.needs)
            ELSE s.needs END AS needs,
       c.live, p.pending AS pending_changes, c.minimum_group_size,
       {advice} AS advice
  FROM {model}.configuration AS c,
       (SELECT max(r.finished_at) AS finished_at FROM {model}.refreshes AS r) AS f,
       (SELECT count(*) FILTER (WHERE q.tenant <> '') AS tenants,
               count(*) FILTER (WHERE q.recency_thresholds IS NULL OR q.frequency_thresholds IS NULL
                   OR q.monetary_thresholds IS NULL) AS uncalibrated
          FROM {model}._question AS q) AS t,
       LATERAL (SELECT (SELECT count(*) FROM {histories} AS h, {model}._question AS q
                         WHERE q.tenant = h.tenant) AS customers,
       (SELECT count(*) FROM {model}.pending AS d, {model}._question AS q
         WHERE q.tenant = d.tenant){pending_events}{touched} AS pending,
       @extschema@._model_missing(c.source_reads || c.customers_reads{stream_reads}) AS missing,
       @extschema@._model_lost({name}, c.objects) AS lost,
       {foreign_tokens} AS foreign_tokens,
       CASE WHEN c.live{any_live}
            THEN COALESCE(CASE WHEN c.live THEN
                    {problem} END,
                {stream_problem}(SELECT max(x.reason) FROM {model}.rejects AS x WHERE x.needs_rebuild)) END AS problem,
       -- counts of rows are not known by tenant: for those who see all of them
       (SELECT r.rows_unconvertible + (SELECT COALESCE(sum(x.affected), 0) FROM {model}.rejects AS x
                                        WHERE x.reason = 'unconvertible')
          FROM {model}.refreshes AS r WHERE r.stream_no IS NULL AND {everything}
         ORDER BY r.refresh_id DESC LIMIT 1) AS left_out) AS p,
       LATERAL @extschema@._model_state(p.missing, p.lost, p.problem, p.foreign_tokens, t.uncalibrated, p.left_out,
           c.minimum_customers) AS s
 WHERE c.valid_until IS NULL$q$,
			'model', quote_ident(model), 'histories', @extschema@._here(model, settings, '_histories'),
			'name', quote_literal(model), 'as_of', @extschema@._model_as_of(),
			'advice', CASE WHEN (settings ->> 'bins')::int = 1 THEN 'NULL::text'
				ELSE format('CASE WHEN s.status = ''ok'' THEN (SELECT @extschema@._calibration_advice('
					'm.customers, m.moved, c.minimum_group_size) FROM @extschema@._calibration_moves(%L) AS m) END',
					model) END,
			'everything', @extschema@._model_reader_condition(model, settings, 'CURRENT_USER', 'r.tenant IS NULL'),
			'foreign_tokens', @extschema@._model_foreign_tokens(model),
			'problem', CASE WHEN @extschema@._is_ledger(settings)
				THEN format('@extschema@._ledger_problem(%L, c.live_tables)', model) ELSE
				format('@extschema@._live_problem(%L, c.source_relation, c.source_columns, c.source_parts)', model) END,
			-- whose they are is not known
			'touched', CASE WHEN @extschema@._is_ledger(settings) THEN @extschema@._fill($q$
       + (SELECT count(DISTINCT t.event) + count(*) FILTER (WHERE t.event IS NULL) FROM {model}.touched AS t
           WHERE {everything})$q$, 'model', quote_ident(model), 'everything',
				@extschema@._model_reader_condition(model, settings, 'CURRENT_USER', 'r.tenant IS NULL')) ELSE '' END,
			'pending_events', CASE WHEN streamed THEN @extschema@._fill($q$
       + (SELECT count(*) FROM {model}.pending_events AS d
            JOIN {model}._question AS q ON q.tenant = d.tenant)$q$, 'model', quote_ident(model)) ELSE '' END,
			'stream_reads', CASE WHEN streamed THEN @extschema@._fill($q$
           || (SELECT array_agg(r.relation) FROM {model}.stream AS t
                CROSS JOIN LATERAL unnest(t.source_reads) AS r (relation))$q$, 'model', quote_ident(model)) ELSE '' END,
			'any_live', CASE WHEN streamed THEN
				format(' OR EXISTS (SELECT 1 FROM %I.stream AS t WHERE t.live)', model) ELSE '' END,
			'stream_problem', CASE WHEN streamed THEN @extschema@._fill($q$
                (SELECT min(format('stream %s: %s', t.stream, p.problem)) FROM {model}.stream AS t
                  CROSS JOIN LATERAL (SELECT {problem}) AS p (problem) WHERE t.live AND p.problem IS NOT NULL),
                $q$, 'model', quote_ident(model), 'problem', @extschema@._stream_problem(model)) ELSE '' END),
		'one row: what the model is, how fresh, and whether it needs anything');

	RETURN NEXT @extschema@._model_view('segment_changes', @extschema@._fill($q$
SELECT c.change_id, c.recorded_at, c.as_of, c.customer_key, {tenant} AS tenant,
       c.previous_segment::text AS previous_segment, c.segment::text AS segment
  FROM {model}.recorded_changes AS c, {model}._question AS q WHERE q.tenant = c.tenant AND {allowed}
 ORDER BY c.change_id$q$,
			'model', quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 'q'),
			'allowed', @extschema@._model_may_be_shown(model, settings, 'c')),
		'the feed of changes recorded by record_changes, in order');
END
$$;
COMMENT ON FUNCTION @extschema@._model_status_views(name, jsonb) IS 'internal: the views about the state of a model';
