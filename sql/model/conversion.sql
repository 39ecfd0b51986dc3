--
-- Layer 4: conversion. Who was in which segment on a day, by what was known then, and
-- how many of them did something in the days after it: ordered, or whatever a stream
-- says. Nothing is kept from then: the histories answer.
--

-- A number of days or weeks, or an error.
CREATE FUNCTION @extschema@._period_length(argument text, value int, most int)
	RETURNS int
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF value IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = format('%s must not be null', argument);
	ELSIF value NOT BETWEEN 1 AND most THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is %s, not 1 to %s', argument, value, most),
			HINT = CASE WHEN argument IN ('days', 'weeks')
				THEN format('It says for how many %s people are watched.', argument)
				ELSE '1 is the first day with an order.' END;
	END IF;
	RETURN value;
END
$$;
COMMENT ON FUNCTION @extschema@._period_length(text, int, int) IS 'internal: a number of days or weeks, or an error';

-- The window after a day, and the stream that is asked (0: the orders); no row for no
-- day. "streams" is an object of the streams of the model and their numbers.
CREATE FUNCTION @extschema@._conversion_window(model text, from_day date, days int, stream text, streams jsonb)
	RETURNS TABLE (until_day date, stream_no int)
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 1
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM @extschema@._period_length('days', days, 36500);
	IF stream IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'stream must not be null';
	ELSIF stream <> 'orders' AND NOT streams ? stream THEN
		RAISE undefined_object USING
			MESSAGE = format('model "%s" has no stream "%s"', model, left(stream, 100)),
			HINT = format('Its streams are %s.', concat_ws(', ', 'orders',
				(SELECT string_agg(s.key, ', ' ORDER BY s.value::int) FROM jsonb_each_text(streams) AS s)));
	ELSIF from_day IS NULL THEN
		RETURN;
	ELSIF NOT isfinite(from_day) THEN
		RAISE invalid_parameter_value USING MESSAGE = 'from_day must be finite';
	ELSIF from_day > date '5874897-12-31' - days THEN
		RAISE datetime_field_overflow USING MESSAGE = 'from_day lies too late for a window of so many days';
	END IF;
	until_day := from_day + days;
	stream_no := CASE WHEN stream = 'orders' THEN 0 ELSE (streams ->> stream)::int END;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@._conversion_window(text, date, int, text, jsonb) IS
	'internal: the last day of a window, and the number of a stream; an error for arguments that make no sense';

-- What a customer s did, as a history: orders, or the stream w.stream_no.
CREATE FUNCTION @extschema@._stream_asked(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._has_streams(settings)
		THEN 'CASE WHEN w.stream_no = 0 THEN s.history ELSE @extschema@.stream_history(s.streams, w.stream_no) END'
		ELSE 's.history' END;
END;
COMMENT ON FUNCTION @extschema@._stream_asked(jsonb) IS
	'internal: an expression for the history of a customer in the stream that is asked';

-- The label of the row of all segments together.
CREATE FUNCTION @extschema@._everybody(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'language' OPERATOR(pg_catalog.~~) 'fr%' THEN 'Tous'
		ELSE 'Everybody' END;
END;
COMMENT ON FUNCTION @extschema@._everybody(jsonb) IS
	'internal: the label of a row about all people, in the language of a model';

-- A number of people shows a smaller group than it should if it is one, or if what is
-- missing to all of them is one.
CREATE FUNCTION @extschema@._part_shown(part text, whole text, minimum int)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('(%1$s NOT BETWEEN 1 AND %3$s AND %2$s - %1$s NOT BETWEEN 1 AND %3$s)',
		part, whole, minimum - 1);
END;
COMMENT ON FUNCTION @extschema@._part_shown(text, text, int) IS
	'internal: a condition: can the number of those who did something be shown, of so many?';

CREATE FUNCTION @extschema@._conversion_functions(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	small	int := settings ->> 'minimum_group_size';
BEGIN
	RETURN NEXT @extschema@._model_function('conversion_by_segment',
		'{from_day date,days int DEFAULT 90,stream text DEFAULT ''orders''}',
		'TABLE (tenant text, segment text, segment_label text, customers bigint, converted bigint, rate float8,'
		' low float8, high float8, events bigint, value numeric, reason text, suppressed boolean,'
		' segment_order int, segment_color text)',
		@extschema@._tell_unknown(model, settings, @extschema@._fill($q$
WITH counted AS MATERIALIZED (
	SELECT s.tenant, s.version, s.map_copy, s.segment, w.until_day <= t.as_of AS is_over, count(*) AS customers,
	       count(*) FILTER (WHERE e.events > 0) AS converted, COALESCE(sum(e.events), 0)::bigint AS events,
	       COALESCE(sum(@extschema@.monetary(e.history, w.until_day, $2)), 0) AS value
	  FROM @extschema@._conversion_window({name}, $1, $2, $3, {streams}) AS w,
	       (SELECT max(q.as_of) AS as_of FROM {model}._question_at(NULL, NULL, true, 0, $4) AS q) AS t,
	       {model}._scores_at($1, NULL, false, $4) AS s,
	       LATERAL (SELECT h.history, @extschema@.frequency(h.history, w.until_day, $2) AS events
	                  FROM (SELECT {history} AS history) AS h) AS e
	 GROUP BY s.tenant, s.version, s.map_copy, s.segment, w.until_day, t.as_of
){today}
SELECT {tenant} AS tenant, c.segment::text AS segment, l.label AS segment_label,
       CASE WHEN c.is_shown THEN c.customers END AS customers,
       n.converted, n.converted / c.customers::float8 AS rate, i.low, i.high,
       CASE WHEN c.can_tell THEN c.events END AS events,
       CASE WHEN c.can_tell THEN c.value::{money} END AS value,
       CASE WHEN NOT c.is_over THEN 'window_not_over' END AS reason,
       NOT (c.is_shown AND (c.can_tell OR NOT c.is_over)) AS suppressed,
       l.display_order AS segment_order, l.color::text AS segment_color
  FROM (SELECT c.*, c.is_over AND c.is_shown{shown} AS can_tell FROM {groups} AS c) AS c
 CROSS JOIN LATERAL (SELECT CASE WHEN c.can_tell THEN c.converted END AS converted) AS n
  LEFT JOIN LATERAL @extschema@.wilson_interval(n.converted, c.customers) AS i ON true
  LEFT JOIN {model}.segment_label AS l ON l.map = c.map_copy AND l.segment = c.segment AND l.language = {language}
 ORDER BY c.tenant, l.display_order, c.segment$q$,
			'model', home, 'name', quote_literal(model),
			'streams', quote_literal(@extschema@._stream_numbers(settings)) || '::jsonb',
			'history', @extschema@._stream_asked(settings), 'tenant', @extschema@._model_tenant(settings, 'c'),
			'money', @extschema@._model_money(settings),
			'today', @extschema@._shown_today(model, settings, '$4', 'd.as_of = $1'),
			'groups', @extschema@._segments_shown(settings, 'counted', '$1'),
			'shown', CASE WHEN small = 1 THEN ''
				ELSE ' AND ' || @extschema@._part_shown('c.converted', 'c.customers', small) END,
			'language', quote_literal(settings ->> 'language')), '$1'),
		'of the people of each segment on a day, by what was known then, how many ordered in the days after it (or'
		' had an event of a stream): number, rate with its 95 % interval by Wilson, events and value; NULL with'
		' the reason window_not_over where these days have not all come');

	-- Everything of it can be seen in two calls of the function above.
	RETURN NEXT @extschema@._model_plain_function('conversion_change',
		'{from_day_1 date,from_day_2 date,days int DEFAULT 90,stream text DEFAULT ''orders''}',
		'TABLE (tenant text, segment text, segment_label text, customers_1 bigint, rate_1 float8, customers_2 bigint,'
		' rate_2 float8, difference float8, low float8, high float8, mix_part float8, rate_part float8, reason text,'
		' segment_order int, segment_color text)',
		@extschema@._fill($q$
WITH pairs AS MATERIALIZED (
	SELECT b.tenant, b.segment, max(b.segment_label) AS segment_label, max(b.segment_order) AS segment_order,
	       max(b.segment_color) AS segment_color, bool_or(b.suppressed) AS suppressed, min(b.reason) AS reason,
	       COALESCE(max(b.customers) FILTER (WHERE b.side = 1), 0) AS n_1,
	       max(b.converted) FILTER (WHERE b.side = 1) AS c_1,
	       COALESCE(max(b.customers) FILTER (WHERE b.side = 2), 0) AS n_2,
	       max(b.converted) FILTER (WHERE b.side = 2) AS c_2
	  FROM (SELECT 1 AS side, f.* FROM {first} AS f
	        UNION ALL
	        SELECT 2, f.* FROM {second} AS f) AS b
	 WHERE $1 IS NOT NULL AND $2 IS NOT NULL
	 GROUP BY b.tenant, b.segment
), everybody AS (
	SELECT p.tenant, sum(p.n_1)::bigint AS n_1, sum(p.c_1)::bigint AS c_1, sum(p.n_2)::bigint AS n_2,
	       sum(p.c_2)::bigint AS c_2, bool_or(p.suppressed) AS suppressed, min(p.reason) AS reason
	  FROM pairs AS p GROUP BY p.tenant
), parts AS (
	SELECT p.*, (r.w_2 - r.w_1) * (r.r_1 + r.r_2) / 2 AS mix_part, (r.r_2 - r.r_1) * (r.w_1 + r.w_2) / 2 AS rate_part
	  FROM pairs AS p JOIN everybody AS e ON e.tenant IS NOT DISTINCT FROM p.tenant
	 -- who was in a segment on one of the days alone has the rate of that day on the other: all of it is mix
	 CROSS JOIN LATERAL (SELECT p.n_1 / NULLIF(e.n_1, 0)::float8 AS w_1, p.n_2 / NULLIF(e.n_2, 0)::float8 AS w_2,
	                            COALESCE(p.c_1 / NULLIF(p.n_1, 0)::float8, p.c_2 / NULLIF(p.n_2, 0)::float8) AS r_1,
	                            COALESCE(p.c_2 / NULLIF(p.n_2, 0)::float8, p.c_1 / NULLIF(p.n_1, 0)::float8) AS r_2
	                      WHERE NOT e.suppressed AND e.reason IS NULL) AS r
)
SELECT a.tenant, a.segment, a.segment_label, CASE WHEN a.shown THEN a.n_1 END, a.c_1 / NULLIF(a.n_1, 0)::float8,
       CASE WHEN a.shown THEN a.n_2 END, a.c_2 / NULLIF(a.n_2, 0)::float8,
       a.c_2 / NULLIF(a.n_2, 0)::float8 - a.c_1 / NULLIF(a.n_1, 0)::float8, i.low, i.high, a.mix_part, a.rate_part,
       COALESCE(a.reason, CASE WHEN NOT a.shown THEN 'suppressed'
                               WHEN a.n_1 = 0 OR a.n_2 = 0 THEN 'nobody_on_a_day' END),
       a.segment_order, a.segment_color
  FROM (SELECT p.tenant, p.segment, p.segment_label, p.n_1, p.c_1, p.n_2, p.c_2, NOT p.suppressed AS shown, p.reason,
               x.mix_part, x.rate_part, p.segment_order, p.segment_color, 1 AS place
          FROM pairs AS p LEFT JOIN parts AS x
               ON x.tenant IS NOT DISTINCT FROM p.tenant AND x.segment IS NOT DISTINCT FROM p.segment
        UNION ALL
        SELECT e.tenant, NULL, {everybody}, e.n_1, CASE WHEN NOT e.suppressed THEN e.c_1 END, e.n_2,
               CASE WHEN NOT e.suppressed THEN e.c_2 END, NOT e.suppressed, e.reason,
               x.mix_part, x.rate_part, NULL, NULL, 2
          FROM everybody AS e LEFT JOIN (
               SELECT x.tenant, @extschema@.exact_sum(x.mix_part) AS mix_part,
                      @extschema@.exact_sum(x.rate_part) AS rate_part
                 FROM parts AS x GROUP BY x.tenant) AS x ON x.tenant IS NOT DISTINCT FROM e.tenant) AS a
  LEFT JOIN LATERAL @extschema@.newcombe_interval(a.c_1, a.n_1, a.c_2, a.n_2) AS i ON true
 ORDER BY a.tenant, a.place, a.segment_order, a.segment$q$,
			'first', @extschema@._with_tenant(settings, home || '.conversion_by_segment($1, $3, $4)'),
			'second', @extschema@._with_tenant(settings, home || '.conversion_by_segment($2, $3, $4)'),
			'everybody', quote_literal(@extschema@._everybody(settings))),
		'conversion_by_segment of two days: the difference of the rates with its 95 % interval by Newcombe; last,'
		' everybody, whose change is the sum of mix_part (other people) and rate_part (the same people do other'
		' things)');
END
$$;
COMMENT ON FUNCTION @extschema@._conversion_functions(name, jsonb) IS
	'internal: the functions of a model about conversion';
