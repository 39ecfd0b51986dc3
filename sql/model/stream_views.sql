--
-- Layer 4: what readers see of streams, beside their columns of customer_scores.
--

CREATE FUNCTION @extschema@._stream_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	money	text := @extschema@._model_money(settings);
BEGIN
	IF NOT @extschema@._has_streams(settings) THEN
		RETURN;
	END IF;
	RETURN NEXT @extschema@._model_view('customer_streams', @extschema@._fill($q$
SELECT s.customer_key, t.stream::text AS stream, k.kind::text AS kind, k.role,
       @extschema@.frequency(x.history, s.as_of) AS events, @extschema@.monetary(x.history, s.as_of) AS total,
       @extschema@.first_day(x.history, s.as_of) AS first_on, @extschema@.last_day(x.history, s.as_of) AS last_on,
       {tenant} AS tenant, s.customer_id
  FROM {model}._scored AS s
 CROSS JOIN LATERAL @extschema@.stream_kinds(s.streams) AS x
  JOIN {model}.stream AS t ON t.stream_no = x.stream
  JOIN {model}.stream_kind AS k ON k.stream_no = x.stream AND k.kind_no = x.kind
 WHERE @extschema@.first_day(x.history, s.as_of) IS NOT NULL$q$,
			'model', quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 's')),
		'what each customer did beside ordering: a row for each stream and kind with an event on or before as_of');
	RETURN NEXT @extschema@._model_function('customer_events', '{customer text}',
		'TABLE (day date, stream text, kind text, role text, events bigint, total numeric)', @extschema@._fill($q$
SELECT d.day, e.stream, e.kind, e.role, d.events, d.total
  FROM {model}._scores_at(NULL, NULL, false, $2) AS s
 CROSS JOIN LATERAL (
       SELECT 0 AS stream_no, 'orders' AS stream, NULL::text AS kind, NULL::text AS role, s.history
       UNION ALL
       SELECT x.stream, t.stream, k.kind, k.role, x.history
         FROM @extschema@.stream_kinds(s.streams) AS x
         JOIN {model}.stream AS t ON t.stream_no = x.stream
         JOIN {model}.stream_kind AS k ON k.stream_no = x.stream AND k.kind_no = x.kind) AS e
 CROSS JOIN LATERAL @extschema@.days(e.history) AS d
 WHERE s.customer_key = $1 AND d.day <= s.as_of
 ORDER BY d.day, e.stream_no, e.kind$q$, 'model', quote_ident(model)),
		'all that a customer did until as_of, day by day: orders, and events by stream and kind');
END
$$;
COMMENT ON FUNCTION @extschema@._stream_views(name, jsonb) IS
	'internal: the view and the function of a model about streams';
