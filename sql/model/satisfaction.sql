--
-- Layer 4: what readers see of answers on a scale, question by question.
--

-- Answers, and messages that asked for them, in the window of a model: by question,
-- and by segment if that is asked for. Answers that have lost their question, because
-- there are too many kinds, are not here. Messages of the kind that is called as the
-- question ask for an answer to it; where there is no such kind, all messages do.
CREATE FUNCTION @extschema@._answers(model name, settings jsonb, by_segment boolean)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN @extschema@._fill($q$
SELECT s.tenant, {segment} AS segment, k.stream, k.question, k.scale, k.is_whole,
       count(DISTINCT s.customer_key) FILTER (WHERE k.class IS NOT NULL) AS customers,
       (COALESCE(sum(e.events) FILTER (WHERE k.class IS NOT NULL), 0))::bigint AS answers,
       (COALESCE(sum(e.events) FILTER (WHERE k.class = 'best'), 0))::bigint AS best,
       (COALESCE(sum(e.events) FILTER (WHERE k.class = 'worst'), 0))::bigint AS worst,
       sum(e.total) AS total, sum(e.total * e.total / e.events) AS squares,
       count(DISTINCT s.customer_key) FILTER (WHERE k.class IS NULL) AS customers_asked,
       (sum(e.events) FILTER (WHERE k.class IS NULL))::bigint AS asked
  FROM {model}._scores AS s
 CROSS JOIN LATERAL @extschema@.stream_kinds(s.streams) AS x
  JOIN (SELECT q.stream_no, q.kind_no, q.stream, q.question, q.scale, q.is_whole, q.class FROM ({questions}) AS q
        UNION ALL
        SELECT k.stream_no, k.kind_no, q.stream, q.question, q.scale, q.is_whole, NULL
          FROM (SELECT DISTINCT q.stream, q.question, q.scale, q.is_whole FROM ({questions}) AS q) AS q
          JOIN {model}.stream_kind AS k ON k.role = 'sent'
           AND (k.kind = q.question OR NOT EXISTS (SELECT 1 FROM {model}.stream_kind AS o
                                                    WHERE o.role = 'sent' AND o.kind = q.question))) AS k
    ON k.stream_no = x.stream AND k.kind_no = x.kind
 CROSS JOIN LATERAL (SELECT d.events, d.total FROM @extschema@.days(x.history) AS d
                      WHERE k.class IS NOT NULL AND d.events > 0 AND d.day <= s.as_of{window}
                     UNION ALL
                     SELECT f.events, NULL
                       FROM (SELECT @extschema@.frequency(x.history, s.as_of, {days}) AS events) AS f
                      WHERE k.class IS NULL AND f.events > 0) AS e
 GROUP BY 1, 2, 3, 4, 5, 6$q$,
		'model', quote_ident(model), 'questions', @extschema@._questions(model),
		'segment', CASE WHEN by_segment THEN 's.segment' ELSE 'NULL::text COLLATE "C"' END,
		'window', coalesce(' AND d.day > s.as_of - ' || (settings ->> 'window_days'), ''),
		'days', coalesce(settings ->> 'window_days', 'NULL'));
END
$$;
COMMENT ON FUNCTION @extschema@._answers(name, jsonb, boolean) IS
	'internal: the query for answers, and for messages that asked for them, by question';

CREATE FUNCTION @extschema@._satisfaction_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	small	int := settings ->> 'minimum_group_size';
	numbers	text;
	cells	text := $q$q.stream || ':' || length(q.question) || ':' || q.question$q$;
	hidden	text[] := '{customers,answers,asked,response_rate,value,low,high}';
BEGIN
	-- a model that has once had them keeps them
	IF NOT EXISTS (SELECT 1 FROM @extschema@._scaled_streams(settings))
		AND to_regclass(home || '.satisfaction_by_segment') IS NULL THEN
		RETURN;
	END IF;
	-- Who has been asked is a group of its own, which no other number tells.
	numbers := @extschema@._fill($q$COALESCE(c.customers, 0) AS customers, COALESCE(c.answers, 0) AS answers,
       CASE WHEN {told} THEN COALESCE(c.asked, CASE WHEN {any} THEN 0 END) END AS asked,
       CASE WHEN {told} THEN COALESCE(c.answers, 0) / c.asked::float8 END AS response_rate,
       v.value, v.low, v.high$q$,
		'any', format('EXISTS (SELECT 1 FROM %s.stream_kind AS k WHERE k.role = ''sent'')', home),
		'told', CASE WHEN small = 1 THEN 'true'
			ELSE format('NOT @extschema@.is_small_cell(COALESCE(c.customers_asked, 0), %s, 1, 1)'
				' OVER (PARTITION BY q.tenant, a.stream, a.question)', small) END);
	RETURN NEXT @extschema@._model_view('satisfaction',
		@extschema@._model_hide_groups(settings, home || '._shown', @extschema@._fill($q$
WITH answers AS MATERIALIZED ({answers})
SELECT q.as_of, {tenant} AS tenant, a.stream::text AS stream, a.question, a.scale, {numbers}
  FROM {model}._question AS q JOIN answers AS a ON a.tenant = q.tenant, LATERAL (SELECT a.*) AS c, {value} AS v
 WHERE a.answers > 0
 ORDER BY q.tenant, a.stream, a.question$q$,
			'answers', @extschema@._answers(model, settings, false), 'model', home, 'numbers', numbers,
			'tenant', @extschema@._model_tenant(settings, 'q'), 'value', @extschema@._answers_value()),
			'{as_of,tenant,stream,question,scale,customers,answers,asked,response_rate,value,low,high}', hidden,
			format($q$'a:' || %s$q$, cells), $q$'t'$q$, 'q.tenant, q.stream, q.question',
			'q.tenant, q.stream, q.question',
			$q${"asked": ["'t'", "COALESCE(q.asked, 0) = 0"], "response_rate": ["'t'", "COALESCE(q.asked, 0) = 0"]}$q$),
		'one row per question: what all customers have answered, with an interval, and how many were asked');
	RETURN NEXT @extschema@._model_view('satisfaction_by_segment',
		@extschema@._model_hide_groups(settings, home || '._shown', @extschema@._fill($q$
WITH answers AS MATERIALIZED ({answers})
SELECT q.as_of, {tenant} AS tenant, a.stream::text AS stream, a.question, a.scale,
       l.segment::text AS segment, l.label AS segment_label, {numbers},
       l.display_order AS segment_order, l.color::text AS segment_color
  FROM {model}._question AS q
  JOIN (SELECT a.tenant, a.stream, a.question, a.scale FROM answers AS a
         GROUP BY a.tenant, a.stream, a.question, a.scale HAVING sum(a.answers) > 0) AS a ON a.tenant = q.tenant
  JOIN {model}.segment_label AS l ON l.map = {map} AND l.language = {language}
  LEFT JOIN answers AS c ON c.tenant = a.tenant AND c.stream = a.stream AND c.question = a.question
   AND c.segment = l.segment, {value} AS v
 ORDER BY q.tenant, a.stream, a.question, l.display_order, l.segment$q$,
			'answers', @extschema@._answers(model, settings, true), 'model', home, 'numbers', numbers,
			'map', quote_literal(settings ->> 'map_copy'), 'language', quote_literal(settings ->> 'language'),
			'tenant', @extschema@._model_tenant(settings, 'q'), 'value', @extschema@._answers_value()),
			'{as_of,tenant,stream,question,scale,segment,segment_label,customers,answers,asked,response_rate,value,low,'
			'high,segment_order,segment_color}', hidden,
			format($q$'b:' || %s || '=' || q.segment$q$, cells), $q$'t'$q$, 'q.tenant, q.stream, q.question',
			'q.tenant, q.stream, q.question, q.segment_order, q.segment',
			$q${"asked": ["'s:' || q.segment", "COALESCE(q.asked, 0) = 0"],
				"response_rate": ["'s:' || q.segment", "COALESCE(q.asked, 0) = 0"]}$q$),
		'answers of the customers of each segment, question by question, with an interval; empty ones included');
END
$$;
COMMENT ON FUNCTION @extschema@._satisfaction_views(name, jsonb) IS
	'internal: the views of a model about answers on a scale';
