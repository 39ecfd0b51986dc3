--
-- Layer 4: what a user calls for streams: add_stream, alter_stream, drop_stream,
-- streams.
--

-- The names by which a stream can't be called: its columns stand beside others.
CREATE FUNCTION @extschema@._check_stream_name(settings jsonb, stream text)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	taken	text;
BEGIN
	IF stream IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'stream must not be null';
	END IF;
	IF stream = 'orders' THEN
		RAISE reserved_name USING
			MESSAGE = 'orders is the stream that every model has',
			HINT = 'Take another name for a stream beside it.';
	END IF;
	IF stream !~ '^[a-z][a-z0-9_]{0,30}$' THEN
		RAISE invalid_name USING
			MESSAGE = format('"%s" is no name for a stream', left(stream, 100)),
			DETAIL = 'Columns of customer_scores begin with it, like visits_last_on.',
			HINT = 'Take at most 31 lower-case letters, digits and _, a letter first.';
	END IF;
	IF EXISTS (SELECT 1 FROM @extschema@._streams(settings) AS s WHERE s.stream = _check_stream_name.stream) THEN
		RAISE duplicate_object USING
			MESSAGE = format('stream "%s" already exists', stream),
			HINT = 'Take another name, change the stream by alter_stream, or drop it by drop_stream.';
	END IF;
	SELECT c.name INTO taken
	  FROM @extschema@._stream_columns(jsonb_build_object('streams',
			jsonb_build_array(jsonb_build_object('stream_no', 1, 'stream', stream, 'live', false)))) AS c
	 WHERE c.name = ANY (@extschema@._score_columns(
			'{all,prediction,composite,clusters,tenants,lists,attribute,reserved,inside}')
		|| @extschema@._model_attributes(settings)
		|| ARRAY(SELECT o.name FROM @extschema@._behaviour_columns(settings) AS o))
	   -- a stream called satisfaction has a column that all answers together have else
	   AND c.name NOT IN (SELECT o.name FROM @extschema@._satisfaction_columns(settings) AS o);
	IF taken IS NOT NULL THEN
		RAISE duplicate_column USING
			MESSAGE = format('stream "%s" would have a column %s, which customer_scores has already', stream, taken),
			HINT = 'Take another name for the stream.';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._check_stream_name(jsonb, text) IS
	'internal: refuse a name that no new stream can have';

-- The roles that kinds may have: words of scorecards.
CREATE FUNCTION @extschema@._check_stream_settings(stream jsonb)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	role	text := stream ->> 'role';
	roles	text[];
	wrong	text;
BEGIN
	PERFORM @extschema@._check_scale(stream);
	IF (stream ->> 'kinds')::int NOT BETWEEN 1 AND 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('kinds %s is not between 1 and 1000', stream ->> 'kinds'),
			HINT = 'Kinds beyond that count as other: give kind as an expression that makes fewer of them.';
	END IF;
	PERFORM now() AT TIME ZONE (stream ->> 'time_zone');		-- an error for an unknown zone
	PERFORM @extschema@._check_live_key(stream, 'stream');
	IF role ~ '^\s*\{' THEN
		BEGIN
			roles := ARRAY(SELECT r.value FROM jsonb_each_text(role::jsonb) AS r);
		EXCEPTION WHEN data_exception THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('role "%s" is no JSON object', left(role, 100)),
				HINT = 'Give one role for all kinds, or an object like {"newsletter_click": "click"}.';
		END;
	ELSIF role IS NOT NULL THEN
		roles := ARRAY[role];
	END IF;
	SELECT coalesce(u.r, 'null') INTO wrong FROM unnest(roles) AS u (r)
	 WHERE u.r IS NULL OR u.r <> ALL (@extschema@._event_roles()) LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('role "%s" is unknown', left(wrong, 100)),
			HINT = format('The roles are %s.', array_to_string(@extschema@._event_roles(), ', '));
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._check_stream_settings(jsonb) IS
	'internal: refuse settings of a stream that make no sense';

-- What was read of a stream, in lines.
CREATE FUNCTION @extschema@._stream_report(model name, settings jsonb, stream text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	s		jsonb := (SELECT x.row_settings FROM @extschema@._streams(settings) AS x
				WHERE x.stream = _stream_report.stream);
	r		record;
	k		record;
	known	record;
	beyond	text[];
BEGIN
	EXECUTE format('SELECT * FROM %I.refreshes WHERE stream_no = $1 ORDER BY refresh_id DESC LIMIT 1', model)
		INTO r USING (s ->> 'stream_no')::int;
	RETURN QUERY VALUES ('stream', stream), ('source', s ->> 'source'), ('rows read', r.rows_read::text);
	RETURN QUERY SELECT 'rows left out', l FROM @extschema@._rows_left_out(to_jsonb(r), 'kept') AS l WHERE l <> '';
	IF r.customers_too_large > 0 THEN
		RETURN QUERY VALUES ('left out',
			format('%s kinds of a customer with a total beyond 18 digits', r.customers_too_large));
	END IF;
	FOR k IN EXECUTE @extschema@._fill($q$
			SELECT k.kind, k.role, h.customers, h.events
			  FROM (SELECT x.kind AS kind_no, count(*) AS customers,
			               sum(@extschema@.frequency(x.history, 'infinity')) AS events
			          FROM {events} AS e
			         CROSS JOIN LATERAL @extschema@.stream_kinds(e.streams) AS x
			         WHERE x.stream = $1 GROUP BY x.kind) AS h
			  JOIN {model}.stream_kind AS k ON k.stream_no = $1 AND k.kind_no = h.kind_no
			 ORDER BY h.events DESC, 1$q$, 'model', quote_ident(model),
				'events', @extschema@._here(model, settings, 'stream_histories')) USING (s ->> 'stream_no')::int LOOP
		RETURN QUERY VALUES ('kind ' || k.kind, format('%s events of %s customers, %s', k.events, k.customers,
			coalesce('role ' || k.role, 'no role')));
	END LOOP;
	EXECUTE format('SELECT t.kinds_beyond FROM %I.stream AS t WHERE t.stream_no = $1', model)
		INTO beyond USING (s ->> 'stream_no')::int;
	IF beyond IS NOT NULL THEN
		RETURN QUERY VALUES ('note',
			format('more than %s kinds: %s%s count as other; kinds => ... allows up to 1000', s ->> 'kinds',
				array_to_string(beyond[1:5], ', '), CASE WHEN cardinality(beyond) > 5 THEN ' and others' ELSE '' END));
	END IF;
	EXECUTE @extschema@._fill($q$
		SELECT count(*) AS customers, count(h.customer_key) AS ordered
		  FROM {events} AS e
		  LEFT JOIN {orders} AS h ON h.customer_key = e.customer_key
		 WHERE @extschema@.stream_history(e.streams, $1) OPERATOR(@extschema@.<>) '{}'$q$,
		'events', @extschema@._here(model, settings, 'stream_histories'),
		'orders', @extschema@._here(model, settings, 'customer_histories'))
		INTO known USING (s ->> 'stream_no')::int;
	RETURN QUERY VALUES ('customers', format('%s, %s of them have ordered', known.customers, known.ordered));
	IF known.customers > 0 AND known.ordered = 0 THEN
		RETURN QUERY VALUES ('note',
			'no customer of this stream has an order: is customer the same key as that of the orders?');
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._stream_report(name, jsonb, text) IS 'internal: what was read of a stream, in lines';

-- The row of a stream, written or replaced, its source understood.
CREATE FUNCTION @extschema@._put_stream(model name, caller jsonb, settings jsonb, stream jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	source	record;
BEGIN
	SELECT * INTO source
	  FROM @extschema@._model_resolve_source(model, caller, @extschema@._stream_settings(settings, stream)) AS r;
	stream := stream || source.resolved;
	EXECUTE format('DELETE FROM %I.stream AS t WHERE t.stream_no = $1', model) USING (stream ->> 'stream_no')::int;
	EXECUTE format('INSERT INTO %1$I.stream SELECT * FROM jsonb_populate_record(NULL::%1$I.stream, $1)', model)
		USING stream;
	-- a kind of that name is no other one
	EXECUTE format('INSERT INTO %I.stream_kind VALUES ($1, 0, ''other'', $2)', model)
		USING (stream ->> 'stream_no')::int, @extschema@._stream_role(stream ->> 'role', 'other');
	PERFORM @extschema@._make_stream_triggers(model, settings, stream);
	RETURN stream;
END
$$;
COMMENT ON FUNCTION @extschema@._put_stream(name, jsonb, jsonb, jsonb) IS
	'internal: understand the source of a stream and write its row';

-- All events of a stream with a scale are answers.
CREATE FUNCTION @extschema@._with_role(stream jsonb)
	RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN stream OPERATOR(pg_catalog.->>) 'scale' IS NOT NULL
				 AND stream OPERATOR(pg_catalog.->>) 'role' IS NULL
		THEN stream OPERATOR(pg_catalog.||) '{"role": "answer"}' ELSE stream END;
END;
COMMENT ON FUNCTION @extschema@._with_role(jsonb) IS
	'internal: the settings of a stream with the role that its scale has';

-- Adds a stream, or changes one: "changes" has the arguments that are given.
CREATE FUNCTION @extschema@._set_stream(caller jsonb, model text, stream text, changes jsonb, reset text[],
	is_new boolean, dry_run boolean)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	old			jsonb := '{}';
	new			jsonb;
	argument	text;
	lines		jsonb;
BEGIN
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	PERFORM @extschema@._model_tell_lost(home, settings);
	IF is_new THEN
		PERFORM @extschema@._check_stream_name(settings, stream);
		IF (SELECT count(*) FROM @extschema@._streams(settings)) >= 30 THEN
			RAISE program_limit_exceeded USING
				MESSAGE = format('model "%s" has 30 streams, and no more fit', home),
				HINT = 'Read several sources as one stream with kinds: a SELECT with UNION ALL.';
		END IF;
		new := jsonb_build_object('stream', stream,
			'stream_no', (SELECT coalesce(max(s.stream_no), 0) + 1 FROM @extschema@._streams(settings) AS s),
			'time_zone', settings -> 'time_zone', 'kinds', 100, 'live', false) || jsonb_strip_nulls(changes);
		new := @extschema@._with_role(new);
		FOREACH argument IN ARRAY '{source,customer,day}'::text[] LOOP
			IF new ->> argument IS NULL THEN
				RAISE null_value_not_allowed USING MESSAGE = format('%s must not be null', argument);
			END IF;
		END LOOP;
	ELSE
		old := @extschema@._stream(settings, home, stream);
		FOREACH argument IN ARRAY coalesce(reset, '{}') LOOP
			IF argument IS NULL
				OR argument <> ALL ('{kind,value,counts,event_key,live,role,scale,time_zone,kinds}'::text[]) THEN
				RAISE invalid_parameter_value USING
					MESSAGE = format('reset: "%s" is no setting that has a default', left(argument, 100)),
					HINT = 'Those are kind, value, counts, event_key, live, role, scale, time_zone and kinds.';
			END IF;
		END LOOP;
		new := old || coalesce((SELECT jsonb_object_agg(u.a, CASE u.a WHEN 'kinds' THEN to_jsonb(100)
					WHEN 'live' THEN to_jsonb(false)
					WHEN 'time_zone' THEN settings -> 'time_zone' END) FROM unnest(reset) AS u (a)), '{}')
			|| jsonb_strip_nulls(changes);
		new := @extschema@._with_role(new);
		IF new = old THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('nothing to change in stream "%s"', stream),
				HINT = 'Name what should change: alter_stream(''shop'', ''visits'', kinds => 200).';
		END IF;
	END IF;
	PERFORM @extschema@._check_stream_settings(new);
	IF @extschema@._is_distributed(settings) AND (new ->> 'live')::boolean THEN
		RAISE feature_not_supported USING
			MESSAGE = format('model "%s" is distributed, and can''t have live streams', home),
			DETAIL = 'Every statement on the source would wait for the workers.',
			HINT = 'Leave live out and schedule refresh_model.';
	END IF;
	-- the sources before the tables of the model
	IF (old ->> 'live')::boolean THEN
		PERFORM @extschema@._model_lock_source(home, @extschema@._stream_settings(settings, old), 'ACCESS EXCLUSIVE');
	END IF;
	-- A dry run is the real one, taken back.
	BEGIN
		IF NOT @extschema@._has_streams(settings) THEN
			PERFORM @extschema@._model_make_tables(home, 'streams', settings ->> 'tenant' IS NOT NULL);
			IF @extschema@._is_distributed(settings) THEN
				PERFORM @extschema@._model_distribute(home, 'stream_histories');
			END IF;
		END IF;
		-- numbers of kinds that the source no longer has, or that a smaller limit leaves out, are free again
		IF NOT is_new THEN
			EXECUTE format('DELETE FROM %I.stream_kind AS k WHERE k.stream_no = $1', home)
				USING (new ->> 'stream_no')::int;
		END IF;
		new := @extschema@._put_stream(home, caller, settings, new);
		settings := @extschema@._model_settings(home);
		PERFORM @extschema@._read_streams(home, settings, ARRAY[(new ->> 'stream_no')::int]);
		settings := @extschema@._model_settings(home);
		IF coalesce(new ->> 'scale', old ->> 'scale') IS NOT NULL THEN
			PERFORM @extschema@._write_satisfaction(home, settings, true);
		END IF;
		PERFORM @extschema@._model_make_shown(home, settings, settings -> 'parts');
		SELECT jsonb_agg(to_jsonb(r)) INTO lines FROM @extschema@._stream_report(home, settings, stream) AS r;
		IF dry_run THEN
			RAISE EXCEPTION USING ERRCODE = 'CSDRY', MESSAGE = 'dry run';
		END IF;
	EXCEPTION WHEN SQLSTATE 'CSDRY' THEN
		RETURN QUERY VALUES ('dry run', CASE WHEN is_new THEN 'nothing was made' ELSE 'nothing was changed' END);
	END;
	RETURN QUERY SELECT r.item, r.detail FROM jsonb_to_recordset(lines) AS r (item text, detail text);
	IF is_new AND NOT dry_run THEN
		IF settings ->> 'prediction' IS NOT NULL THEN
			RETURN QUERY VALUES ('note', format('propensity_90d reads the stream once the model is calibrated:'
				' SELECT calibrate_model(%L);', home));
		END IF;
		RETURN QUERY VALUES ('look at', format('SELECT customer_key, %s FROM %I.customer_scores;',
			concat_ws(', ', stream || '_last_on', stream || '_events_30d', stream || '_change'), home));
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._set_stream(jsonb, text, text, jsonb, text[], boolean, boolean) IS
	'internal: add_stream and alter_stream with the settings of their caller';

CREATE FUNCTION @extschema@.add_stream(model text, stream text, source text, customer text, day text,
	kind text DEFAULT NULL, value text DEFAULT NULL, counts text DEFAULT NULL, event_key text DEFAULT NULL,
	live boolean DEFAULT false, role text DEFAULT NULL, time_zone text DEFAULT NULL, kinds int DEFAULT 100,
	dry_run boolean DEFAULT false, scale text DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT s.item, s.detail
	  FROM @extschema@._set_stream(@extschema@._model_caller(), add_stream.model, add_stream.stream,
		pg_catalog.jsonb_build_object('source', add_stream.source, 'customer', add_stream.customer,
			'day', add_stream.day, 'kind', add_stream.kind, 'value', add_stream.value, 'counts', add_stream.counts,
			'event_key', add_stream.event_key, 'live', add_stream.live, 'role', add_stream.role,
			'scale', add_stream.scale, 'time_zone', add_stream.time_zone, 'kinds', add_stream.kinds),
		NULL, true, COALESCE(add_stream.dry_run, false)) AS s;
END;
COMMENT ON FUNCTION @extschema@.add_stream(text, text, text, text, text, text, text, text, text, boolean, text,
	text, int, boolean, text) IS
	'let a model know what customers do beside ordering: a source of events with a customer, a day and perhaps a kind; '
	'add_stream(''shop'', ''visits'', ''web.events'', customer => ''customer_id'', day => ''seen_on'', '
	'kind => ''event''); adds columns to customer_scores, and people who have events and no order; '
	'with dry_run only says what it would read';

CREATE FUNCTION @extschema@.alter_stream(model text, stream text, source text DEFAULT NULL, customer text DEFAULT NULL,
	day text DEFAULT NULL, kind text DEFAULT NULL, value text DEFAULT NULL, counts text DEFAULT NULL,
	event_key text DEFAULT NULL, live boolean DEFAULT NULL, role text DEFAULT NULL, time_zone text DEFAULT NULL,
	kinds int DEFAULT NULL, reset text[] DEFAULT NULL, dry_run boolean DEFAULT false, scale text DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT s.item, s.detail
	  FROM @extschema@._set_stream(@extschema@._model_caller(), alter_stream.model, alter_stream.stream,
		pg_catalog.jsonb_build_object('source', alter_stream.source,
			'customer', alter_stream.customer, 'day', alter_stream.day, 'kind', alter_stream.kind,
			'value', alter_stream.value, 'counts', alter_stream.counts,
			'event_key', alter_stream.event_key, 'live', alter_stream.live, 'role', alter_stream.role,
			'scale', alter_stream.scale, 'time_zone', alter_stream.time_zone, 'kinds', alter_stream.kinds),
		alter_stream.reset, false, COALESCE(alter_stream.dry_run, false)) AS s;
END;
COMMENT ON FUNCTION @extschema@.alter_stream(text, text, text, text, text, text, text, text, text, boolean, text,
	text, int, text[], boolean, text) IS
	'change where a stream of a model comes from and how it is read, and read it again: NULL keeps a setting, reset '
	'names those to take back to their default; with dry_run only says what it would read';

CREATE FUNCTION @extschema@.drop_stream(model text, stream text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	old			jsonb;
BEGIN
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	PERFORM @extschema@._model_tell_lost(home, settings);
	old := @extschema@._stream(settings, home, stream);
	IF (old ->> 'live')::boolean THEN
		PERFORM @extschema@._model_lock_source(home, @extschema@._stream_settings(settings, old), 'ACCESS EXCLUSIVE');
		PERFORM @extschema@._make_stream_triggers(home, settings, old || '{"live": false}');
	END IF;
	EXECUTE @extschema@._fill($q$
		WITH gone AS (
			DELETE FROM {model}.stream AS t WHERE t.stream_no = $1
		), events AS (
			DELETE FROM {model}.pending_events AS p WHERE p.stream_no = $1
		)
		DELETE FROM {model}.stream_kind AS k WHERE k.stream_no = $1$q$, 'model', quote_ident(home))
		USING (old ->> 'stream_no')::int;
	EXECUTE @extschema@._fill($q$
		DELETE FROM {model}.stream_histories AS h
		 WHERE @extschema@.without_stream(h.streams, $1) OPERATOR(@extschema@.=) '{}'$q$, 'model', quote_ident(home))
		USING (old ->> 'stream_no')::int;
	EXECUTE @extschema@._fill($q$
		UPDATE {model}.stream_histories AS h SET streams = @extschema@.without_stream(h.streams, $1)
		 WHERE @extschema@.stream_history(h.streams, $1) OPERATOR(@extschema@.<>) '{}'$q$, 'model', quote_ident(home))
		USING (old ->> 'stream_no')::int;
	PERFORM @extschema@._compile_cards(home);
	settings := @extschema@._model_settings(home);
	IF old ->> 'scale' IS NOT NULL THEN
		PERFORM @extschema@._write_satisfaction(home, settings, true);
	END IF;
	PERFORM @extschema@._write_categories(home, settings);
	PERFORM @extschema@._model_make_shown(home, settings, settings -> 'parts');
	RETURN QUERY VALUES ('dropped', format('stream %s with its histories', stream)),
		('note', format('columns %s of customer_scores stay, and are NULL', stream || '_...'));
	RETURN QUERY SELECT 'note', format('clusters were made of %s, and are NULL:'
			' SELECT alter_model(%L, cluster_inputs => ...);', array_to_string(l.lost, ', '), home)
		FROM (SELECT @extschema@._lost_inputs(settings,
				@extschema@._model_names(settings, 'cluster_inputs')) AS lost) AS l
		WHERE @extschema@._has_clusters(settings) AND l.lost <> '{}';
	RETURN QUERY EXECUTE format($q$
		SELECT 'note',
		       format('propensity_90d was fitted with the stream, and is NULL: SELECT calibrate_model(%%L);', $1)
		 WHERE EXISTS (SELECT 1 FROM %I.calibration AS k,
							   LATERAL (VALUES (k.propensity_fit), (k.prospect_fit)) AS f (fit)
						WHERE k.version = $2
						  AND $3 = ANY (string_to_array(@extschema@._fit_streams(f.fit), ', ')))$q$, home)
		USING home, (settings ->> 'version')::int, stream;
END
$$;
COMMENT ON FUNCTION @extschema@.drop_stream(text, text) IS
	'let a model forget a stream with all that it has read of it; its columns of customer_scores stay, and are NULL';

CREATE FUNCTION @extschema@.streams(model text)
	RETURNS TABLE (stream text, kind text, role text, customers bigint, events bigint, first_on date, last_on date,
		live boolean, source text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb := @extschema@._model_settings(home);
BEGIN
	RETURN QUERY EXECUTE format($q$
		SELECT 'orders', NULL::text, NULL::text, count(*), sum(@extschema@.frequency(h.history, 'infinity'))::bigint,
		       min(@extschema@.first_day(h.history, 'infinity')),
		       max(@extschema@.last_day(h.history, 'infinity')), $1, $2
		  FROM (%s) AS h$q$, @extschema@._model_histories(home, settings))
		USING (settings ->> 'live')::boolean, settings ->> 'source';
	IF NOT @extschema@._has_streams(settings) THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE @extschema@._fill($q$
		SELECT t.stream, k.kind, k.role, coalesce(h.customers, 0),
		       coalesce(h.events, 0)::bigint, h.first_on, h.last_on, t.live, t.source
		  FROM {model}.stream AS t
		  LEFT JOIN (SELECT x.stream AS stream_no, x.kind AS kind_no, count(*) AS customers,
		                    sum(@extschema@.frequency(x.history, 'infinity')) AS events,
		                    min(@extschema@.first_day(x.history, 'infinity')) AS first_on,
		                    max(@extschema@.last_day(x.history, 'infinity')) AS last_on
		               FROM ({events}) AS e CROSS JOIN LATERAL @extschema@.stream_kinds(e.streams) AS x
		              GROUP BY x.stream, x.kind) AS h ON h.stream_no = t.stream_no
		  LEFT JOIN {model}.stream_kind AS k ON k.stream_no = t.stream_no AND k.kind_no = h.kind_no
		 ORDER BY t.stream_no, h.events DESC NULLS LAST, 2$q$,
		'model', quote_ident(home), 'events', @extschema@._model_events(home, settings));
END
$$;
COMMENT ON FUNCTION @extschema@.streams(text) IS
	'the streams of a model and their kinds: orders first, then each kind of each stream with its role, customers, '
	'events and days; kind NULL: the stream has no event; other: events without a kind, or of kinds beyond the limit';
