--
-- Layer 4: streams. Orders are the one stream that every model has. Others, of
-- visits, mails, answers, are read in the same way, into one history for each
-- customer, stream and kind.
--
-- A stream is a row of the table stream of a model, with the arguments of
-- add_stream and with what was found out about them. It has the names that a
-- model's own settings have, so that whatever reads the orders by the settings of
-- the model reads a stream by those settings with the stream's in their place.
--

-- The settings of a stream: those of the model, with its own in their place.
CREATE FUNCTION @extschema@._stream_settings(settings jsonb, stream jsonb)
	RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT settings OPERATOR(pg_catalog.-) 'streams'
		OPERATOR(pg_catalog.||) '{"value": null, "counts": null, "event_key": null, "currency": null,'
			' "live_on": null, "live_tables": null}'
		OPERATOR(pg_catalog.||) stream
		-- a rating that is not on the scale is no reason for a statement to fail
		OPERATOR(pg_catalog.||) CASE WHEN stream OPERATOR(pg_catalog.->>) 'scale' IS NULL THEN '{}'::jsonb
			ELSE '{"on_error": "reject"}' END;
END;
COMMENT ON FUNCTION @extschema@._stream_settings(jsonb, jsonb) IS
	'internal: settings by which a stream is read as a model reads its orders';

CREATE FUNCTION @extschema@._has_streams(settings jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(pg_catalog.jsonb_typeof(settings OPERATOR(pg_catalog.->) 'streams')
		OPERATOR(pg_catalog.=) 'array', false);
END;
COMMENT ON FUNCTION @extschema@._has_streams(jsonb) IS
	'internal: has a model streams beside its orders, or had one once?';

-- The streams of a model, as rows.
CREATE FUNCTION @extschema@._streams(settings jsonb)
	RETURNS TABLE (stream_no int, stream text, live boolean, row_settings jsonb)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT (s.stream OPERATOR(pg_catalog.->>) 'stream_no')::int, s.stream OPERATOR(pg_catalog.->>) 'stream',
		   (s.stream OPERATOR(pg_catalog.->>) 'live')::boolean, s.stream
	  FROM pg_catalog.jsonb_array_elements(CASE WHEN @extschema@._has_streams(settings)
		   THEN settings OPERATOR(pg_catalog.->) 'streams' ELSE '[]' END) AS s (stream)
	 ORDER BY 1;
END;
COMMENT ON FUNCTION @extschema@._streams(jsonb) IS 'internal: the streams of a model beside its orders';

-- The columns that each stream adds to customer_scores: a row of this table each.
CREATE FUNCTION @extschema@._stream_columns(settings jsonb)
	RETURNS TABLE (name text, type text, condition text, expression text, meaning text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT s.stream OPERATOR(pg_catalog.||) c.suffix, c.type, c.condition,
		   pg_catalog.replace(c.expression, '{no}', s.stream_no::text),
		   pg_catalog.replace(c.meaning, '{stream}', s.stream)
	  FROM @extschema@._streams(settings) AS s
	 CROSS JOIN (VALUES
		(1, '_last_on', 'date', 'string', '@extschema@.stream_last_day(h.streams, {no}, q.as_of)',
			'day of the last event of stream {stream} on or before as_of'),
		(2, '_recency_days', 'int', 'number', 'q.as_of - @extschema@.stream_last_day(h.streams, {no}, q.as_of)',
			'days from the last event of stream {stream} to as_of; NULL without one'),
		(3, '_events_30d', 'bigint', 'number', '@extschema@.stream_events(h.streams, {no}, q.as_of, 30)',
			'events of stream {stream} in the 30 days up to as_of'),
		(4, '_events_90d', 'bigint', 'number', '@extschema@.stream_events(h.streams, {no}, q.as_of, 90)',
			'events of stream {stream} in the 90 days up to as_of'),
		(5, '_change', 'bigint', 'number', '@extschema@.stream_events(h.streams, {no}, q.as_of, 30)'
			' - CASE WHEN q.as_of >= date ''4600-01-01 BC'''
			' THEN @extschema@.stream_events(h.streams, {no}, q.as_of - 30, 30) ELSE 0 END',
			'events of stream {stream} in the 30 days up to as_of minus those in the 30 days before'))
		AS c ("position", suffix, type, condition, expression, meaning)
	 ORDER BY s.stream_no, c.position;
END;
COMMENT ON FUNCTION @extschema@._stream_columns(jsonb) IS
	'internal: the columns of customer_scores that come from streams, in the order of the view';

-- Which kinds of each stream are views of products, as columns of the question: kinds
-- get their roles while a stream is read, so they are looked up by each query. NULL:
-- none is.
CREATE FUNCTION @extschema@._view_kinds(settings jsonb)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (SELECT coalesce(string_agg(format(
				', (SELECT array_agg(v.kind_no ORDER BY v.kind_no) FROM %I.stream_kind AS v'
				' WHERE v.stream_no = %s AND v.role = ''view'') AS views_of_%2$s',
				settings ->> 'home', s.stream_no), '' ORDER BY s.stream_no), '')
			  FROM @extschema@._streams(settings) AS s);
END
$$;
COMMENT ON FUNCTION @extschema@._view_kinds(jsonb) IS
	'internal: the kinds of each stream that are views of products, as items of SELECT';

-- product_views_30d: what segment maps can ask of any shop, whatever its streams are
-- called. An attribute of that name takes its place.
CREATE FUNCTION @extschema@._view_columns(settings jsonb)
	RETURNS TABLE (name text, type text, condition text, expression text, meaning text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'product_views_30d', 'bigint', 'number',
		   pg_catalog.format('CASE WHEN COALESCE(%s) IS NOT NULL THEN %s END',
			pg_catalog.string_agg(pg_catalog.format('q.views_of_%s', s.stream_no), ', ' ORDER BY s.stream_no),
			pg_catalog.string_agg(pg_catalog.format('CASE WHEN q.views_of_%1$s IS NOT NULL'
				' THEN @extschema@.stream_events(h.streams, %1$s, q.as_of, 30, q.views_of_%1$s) ELSE 0 END',
				s.stream_no), ' + ' ORDER BY s.stream_no)),
		   'events of role view, of all streams, in the 30 days up to as_of; NULL: no stream has such a kind'
	  FROM @extschema@._streams(settings) AS s
	 WHERE 'product_views_30d' OPERATOR(pg_catalog.<>) ALL (@extschema@._model_attributes(settings))
	HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
END;
COMMENT ON FUNCTION @extschema@._view_columns(jsonb) IS
	'internal: the column of customer_scores about views of products, in a model with streams';

-- Which kinds of all streams are messages, answers to them, and baskets, as columns of
-- the question: 1024 * stream + kind. NULL: none is.
CREATE FUNCTION @extschema@._response_kinds(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN EXISTS (SELECT 1 FROM @extschema@._streams(settings)) THEN
		pg_catalog.string_agg(pg_catalog.format(
			', (SELECT array_agg(v.stream_no * 1024 + v.kind_no ORDER BY v.stream_no, v.kind_no)'
			' FROM %I.stream_kind AS v WHERE v.role = ANY (%L)) AS %I',
			settings OPERATOR(pg_catalog.->>) 'home', c.roles, c.name), '' ORDER BY c.name) ELSE '' END
	  FROM (VALUES ('{sent}', 'sent_kinds'), ('{open,click}', 'answer_kinds'), ('{basket}', 'basket_kinds'))
		AS c (roles, name);
END;
COMMENT ON FUNCTION @extschema@._response_kinds(jsonb) IS
	'internal: the kinds of all streams that are messages, answers and baskets, as items of SELECT';

-- What all streams together say of messages and baskets. An attribute of such a name
-- takes its place.
CREATE FUNCTION @extschema@._response_columns(settings jsonb)
	RETURNS TABLE (name text, type text, condition text, expression text, meaning text, n bigint)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT c.name, c.type, 'number', c.expression, c.meaning, c.n
	  FROM (VALUES
		('messages_30d', 'bigint', '@extschema@._events_of_kinds(h.streams, q.sent_kinds, q.as_of, 30)',
			'messages sent to the customer in the 30 days up to as_of, of all streams; NULL: no kind has the role sent',
			1),
		('response_rate_90d', 'float8',
			'@extschema@._response_rate_90d(h.streams, q.sent_kinds, q.answer_kinds, q.as_of)',
			'part of the messages of the 90 days up to as_of that were opened or clicked before the next one;'
			' NULL: none was sent, or no kind has the roles', 2),
		('unanswered_in_a_row', 'bigint',
			'@extschema@._unanswered_in_a_row(h.streams, q.sent_kinds, q.answer_kinds, q.as_of)',
			'messages sent since the day of the last open or click, all if there never was one;'
			' NULL: no kind has the roles', 3),
		('abandoned_baskets_30d', 'bigint',
			'@extschema@._abandoned_baskets_30d(h.streams, q.basket_kinds, h.history, q.as_of)',
			'days with a basket in the 30 days up to as_of, and no order that day or since;'
			' NULL: no kind has the role basket', 4))
		AS c (name, type, expression, meaning, n)
	 WHERE EXISTS (SELECT 1 FROM @extschema@._streams(settings))
	   AND c.name OPERATOR(pg_catalog.<>) ALL (@extschema@._model_attributes(settings))
	 ORDER BY c.n;
END;
COMMENT ON FUNCTION @extschema@._response_columns(jsonb) IS
	'internal: the columns of customer_scores about messages and baskets, in a model with streams';

-- The kind of a row of a stream, "customer" being what its query gives as customer.
CREATE FUNCTION @extschema@._stream_kind(settings jsonb, customer text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT customer OPERATOR(pg_catalog.||)
		CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL THEN '[2]' ELSE '[3]' END;
END;
COMMENT ON FUNCTION @extschema@._stream_kind(jsonb, text) IS
	'internal: an expression for the kind of a row of a stream; empty: none';

-- A stream by its name, or an error.
CREATE FUNCTION @extschema@._stream(settings jsonb, model name, stream text)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	found	jsonb := (SELECT s.row_settings FROM @extschema@._streams(settings) AS s WHERE s.stream = _stream.stream);
BEGIN
	IF stream IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'stream must not be null';
	ELSIF found IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('model "%s" has no stream "%s"', model, left(stream, 100)),
			HINT = coalesce('Its streams are ' || (SELECT string_agg(s.stream, ', ' ORDER BY s.stream_no)
				FROM @extschema@._streams(settings) AS s) || '.', 'add_stream adds one.');
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION @extschema@._stream(jsonb, name, text) IS 'internal: the settings of a stream, by its name';

-- What kinds may mean: scorecards name these.
CREATE FUNCTION @extschema@._event_roles()
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ('{sent,open,click,visit,view,basket,share,review,download,event,pricing,demo,trial,unsubscribe,answer,'
		'line}')::text[];
END;
COMMENT ON FUNCTION @extschema@._event_roles() IS 'internal: the roles of kinds of events';

-- The role of a kind: as the stream says, else by the table of usual names.
CREATE FUNCTION @extschema@._stream_role(role text, kind text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF role ~ '^\s*\{' THEN
		RETURN coalesce(role::jsonb ->> kind, @extschema@.kind_role(kind));
	END IF;
	RETURN coalesce(role, @extschema@.kind_role(kind));
END
$$;
COMMENT ON FUNCTION @extschema@._stream_role(text, text) IS
	'internal: the role of a kind of a stream; NULL: none is known';
