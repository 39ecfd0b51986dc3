--
-- Layer 4: what a user calls: create_model, refresh_model, calibrate_model,
-- alter_model, check_model, grant_reader, drop_model, record_changes, apply_changes.
-- Each call does all of its work or none, in the transaction of its caller.
--

-- All that a model shows, by its configuration: views, and functions over them.
-- What is used stands before what uses it.
CREATE FUNCTION @extschema@._model_parts(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY SELECT * FROM @extschema@._model_level_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_status_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_quality_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_privacy_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_level_functions(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_dated_functions(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._conversion_functions(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._kpi_functions(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._goal_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._campaign_parts(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._lifecycle_functions(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._repeat_functions(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._concentration_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._drift_parts(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._calibration_parts(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._account_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._stream_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._satisfaction_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._category_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._profile_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._cluster_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_explanations(model, settings);
	RETURN NEXT @extschema@._model_parity(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_prediction_views(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._headline_views(model, settings);
END
$$;
COMMENT ON FUNCTION @extschema@._model_parts(name, jsonb) IS
	'internal: the views and functions of a model, as they are to be';

-- Only what differs from what was made before is made, and only its readers wait.
CREATE FUNCTION @extschema@._model_make_shown(model name, settings jsonb, made jsonb DEFAULT '{}')
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET check_function_bodies = off		-- BEGIN ATOMIC is analysed all the same, once instead of twice
	AS $$
DECLARE
	parts		@extschema@._part[];
	part		@extschema@._part;
	there		jsonb;				-- digests of what there is
	changed		name[] := '{}';
	queries		jsonb := '{}';		-- of the views
	followed	text;				-- the one that a function has the columns of
	columns		text;
	comments	text[];
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	views		name[];				-- of those that change
	earlier		name[];				-- views that there were before
BEGIN
	PERFORM @extschema@._model_make_predictions(model, settings);
	settings := @extschema@._with_behaviour(settings);
	parts := ARRAY(SELECT r FROM @extschema@._model_parts(model, settings) AS p
					 CROSS JOIN LATERAL @extschema@._readable(model, settings, p) AS r);
	there := CASE WHEN made <> '{}' THEN @extschema@._model_part_digests(model, parts) END;
	FOREACH part IN ARRAY parts LOOP
		-- a function with the columns of a view follows it
		IF NOT made ? part.name OR part."like" = ANY (changed)
			OR made -> part.name IS DISTINCT FROM there -> part.name THEN
			changed := changed || part.name;
		END IF;
	END LOOP;
	PERFORM @extschema@._model_lock_readers(model, views => changed);
	earlier := ARRAY(SELECT c.relname FROM pg_class AS c
					  WHERE c.relnamespace = to_regnamespace(quote_ident(model)) AND c.relkind = 'v');
	FOREACH part IN ARRAY parts LOOP
		IF part.kind = 'view' THEN
			queries := queries || jsonb_build_object(part.name, part.query);
		END IF;
		CONTINUE WHEN part.name <> ALL (changed);
		IF part."like" IS NOT NULL THEN
			-- of a view of a distributed model, the query that is behind it
			followed := coalesce(queries ->> ('_' || part."like"), queries ->> part."like");
			columns := CASE WHEN NOT starts_with(part."like", '_')
				THEN @extschema@._reader_columns(followed, tenanted) END;
			IF columns IS NOT NULL THEN
				followed := format('SELECT %s FROM (%s) AS q', columns, followed);
				part.query := format('SELECT %s FROM (%s) AS q', columns, part.query);
			END IF;
			columns := @extschema@._model_fit_columns(model, part."like", followed);
			part.query := CASE WHEN columns IS NULL THEN part.query
				ELSE format('SELECT %s FROM (%s) AS q', columns, part.query) END;
		END IF;
		CASE part.kind
			WHEN 'view' THEN
				PERFORM @extschema@._model_put_view(model, part.name, part.query, tenanted);
				views := views || part.name;
				comments := comments || part.comment;
			WHEN 'private function' THEN
				PERFORM @extschema@._model_put_private_function(model, part.name, part.parameters,
					part."like", part.query, part.comment);
			WHEN 'plain function' THEN
				PERFORM @extschema@._model_put_plain_function(model, part.name, part.parameters,
					part.result, part.query, part.comment, tenanted);
			ELSE
				PERFORM @extschema@._model_put_function(model, part.name, part.parameters, part.result,
					part.query, part.comment, tenanted);
		END CASE;
	END LOOP;
	IF views IS NOT NULL THEN
		PERFORM @extschema@._model_comment_views(model, settings, views, comments, earlier);
	END IF;
	IF changed <> '{}' THEN
		there := @extschema@._model_part_digests(model, parts);
	END IF;
	EXECUTE format('UPDATE %I.configuration SET objects = $1, parts = $2 WHERE valid_until IS NULL', model)
		USING @extschema@._model_objects(model), there;
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_shown(name, jsonb, jsonb) IS
	'internal: make or replace the views and functions of a model that differ from what was made';

CREATE FUNCTION @extschema@._model_create(caller jsonb, model text, settings jsonb, dry_run boolean)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	lines		jsonb;
	home		name;
BEGIN
	IF model IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'name must not be null';
	END IF;
	IF model = '' OR octet_length(model) > 40 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('name "%s" of a model has %s bytes, not 1 to 40', left(model, 100), octet_length(model));
	END IF;
	IF starts_with(model, 'pg_') THEN
		RAISE reserved_name USING
			MESSAGE = format('name "%s" can''t be used', model),
			DETAIL = 'A model is a schema, and names of schemas that begin with pg_ are the system''s.';
	END IF;
	IF to_regnamespace(quote_ident(model)) IS NOT NULL THEN
		RAISE duplicate_schema USING
			MESSAGE = format('name "%s": %s', model,
				CASE WHEN @extschema@._is_model(to_regnamespace(quote_ident(model))) THEN 'that model already exists'
					ELSE 'a schema of that name already exists' END),
			DETAIL = 'A model has a schema of its own.',
			HINT = CASE WHEN @extschema@._is_model(to_regnamespace(quote_ident(model)))
				THEN format('Take another name, change the model by alter_model, or drop it: SELECT drop_model(%L);',
					model)
				ELSE 'Take another name.' END;
	END IF;
	-- SQL of models is made by format() and _fill(), of texts that have the name of the schema in them
	IF '@extschema@' ~ '[%{}]' THEN
		RAISE feature_not_supported USING
			MESSAGE = concat('a model can''t be made while the extension is in schema ', '@extschema@'),
			DETAIL = 'For models the name of that schema must have no %, { or }.',
			HINT = 'DROP EXTENSION customer_scoring; CREATE EXTENSION customer_scoring SCHEMA scoring;';
	END IF;
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('a model can''t be made at isolation level %s', current_setting('transaction_isolation')),
			HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED;';
	END IF;
	-- who says over which tables wants it
	IF settings ->> 'live_on' IS NOT NULL THEN
		settings := settings || '{"live": true}';
	END IF;
	PERFORM @extschema@._model_check_settings(settings);
	PERFORM @extschema@._check_distribute(settings);
	home := model;

	-- A dry run is the real one, taken back.
	BEGIN
		EXECUTE format('CREATE SCHEMA %I', home);
		settings := @extschema@._model_resolve(home, caller, settings);
		PERFORM @extschema@._model_describe(home, settings);
		PERFORM @extschema@._model_make_tables(home, 'all', tenanted);
		IF @extschema@._is_distributed(settings) THEN
			PERFORM @extschema@._model_make_tables(home, 'distributed', tenanted);
			PERFORM @extschema@._model_distribute(home, 'customer_histories');
			PERFORM @extschema@._model_distribute(home, 'source_histories');
		END IF;
		settings := settings || '{"map_copy": "v1"}';
		PERFORM @extschema@._model_copy_map(home, 'v1', settings);
		PERFORM @extschema@._model_complete_labels(home, 'v1', settings ->> 'language');
		settings := settings || @extschema@._live_findings(home, caller, settings, NULL);
		settings := settings || jsonb_build_object('cards', @extschema@._copy_cards(home, settings));
		settings := @extschema@._model_write_version(home, settings, 'created');
		settings := settings || @extschema@._model_beside(home);
		PERFORM @extschema@._check_inputs(settings);
		PERFORM @extschema@._make_live_triggers(home, settings);
		PERFORM @extschema@._model_read_source(home, settings, first => true);
		PERFORM @extschema@._check_ledger(home, settings);
		-- a caller that names these wants to know
		IF settings ->> 'event_key' IS NOT NULL OR settings ->> 'currency' IS NOT NULL THEN
			PERFORM @extschema@._model_check_quality(home, settings);
		END IF;
		EXECUTE format('ANALYZE %I.customer_histories', home);
		PERFORM @extschema@._model_write_thresholds(home, settings, true);
		PERFORM @extschema@._model_make_shown(home, settings);
		SELECT jsonb_agg(to_jsonb(r)) INTO lines FROM @extschema@._model_report(home, settings) AS r;
		IF dry_run THEN
			RAISE EXCEPTION USING ERRCODE = 'CSDRY', MESSAGE = 'dry run';
		END IF;
	EXCEPTION WHEN SQLSTATE 'CSDRY' THEN
		RETURN QUERY VALUES ('dry run', 'nothing was made');
	END;
	RETURN QUERY SELECT r.item, r.detail FROM jsonb_to_recordset(lines) AS r (item text, detail text);
	RETURN QUERY SELECT * FROM @extschema@._ledger_lines(settings);
	RETURN QUERY SELECT * FROM @extschema@._model_make_key_index(home, settings, dry_run);
	IF NOT dry_run THEN
		RETURN QUERY VALUES
			('look at', format('SELECT * FROM %I.segment_summary;', home)),
			('connect', format('views of schema %I: customer_scores, customer_segments, segment_summary,'
				' vip_customers, at_risk_customers, ...', home)),
			('let others read', format('SELECT @extschema@.grant_reader(%L, ''name_of_a_role'');', model)),
			('schedule', CASE WHEN (settings ->> 'live')::boolean
				THEN format('SELECT @extschema@.apply_changes(%L);  -- every few minutes: keeps the views fast', model)
				ELSE format('SELECT @extschema@.refresh_model(%L);  -- every night, say: reads new orders', model) END);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_create(jsonb, text, jsonb, boolean) IS
	'internal: create_model with the settings of its caller';

-- create_model and alter_model have an argument for each setting.
DO $do$
DECLARE
	arguments	text;
	settings	text;
BEGIN
	SELECT pg_catalog.string_agg(pg_catalog.format(CASE WHEN s.argument = 1 THEN '%I %s'
			   WHEN s.default_value IS NULL THEN '%I %s DEFAULT NULL'
			   WHEN s.type IN ('int', 'float8', 'boolean') THEN '%I %s DEFAULT %s' ELSE '%I %s DEFAULT %L' END,
			   s.name, s.type, s.default_value), ', ' ORDER BY s.argument),
		   pg_catalog.string_agg(pg_catalog.format(
			   CASE s.type WHEN 'boolean' THEN 'COALESCE(create_model.%1$I, %2$L) AS %1$I'
			   ELSE 'create_model.%1$I AS %1$I' END, s.name, s.default_value), ', ' ORDER BY s.position)
	  INTO arguments, settings FROM @extschema@._setting AS s;
	-- not by format(): the schema may have a % in its name
	EXECUTE pg_catalog.replace(pg_catalog.replace($q$
CREATE FUNCTION @extschema@.create_model(name text, {arguments}, dry_run boolean DEFAULT false)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET extra_float_digits = 1		-- numbers travel as jsonb
BEGIN ATOMIC
	SELECT m.item, m.detail
	  FROM @extschema@._model_create(@extschema@._model_caller(), create_model.name,
		(SELECT pg_catalog.to_jsonb(s) FROM (SELECT {settings}) AS s), COALESCE(create_model.dry_run, false)) AS m;
END$q$, '{arguments}', arguments), '{settings}', settings);
END
$do$;
COMMENT ON FUNCTION @extschema@.create_model IS
	'make a model: name a table, view or query of orders once,'
	' and read customers, scores and segments from views in a schema of that name;'
	' create_model(''shop'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total'');'
	' with dry_run only say what it would be';

CREATE FUNCTION @extschema@.refresh_model(model text, wait boolean DEFAULT true)
	RETURNS TABLE (status text, rows_read bigint,
		rows_without_customer bigint, rows_without_day bigint, rows_without_value bigint, rows_unconvertible bigint,
		customers bigint, customers_added bigint, customers_changed bigint, customers_removed bigint, seconds float8,
		stream text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	refresh		bigint;
	broken		int;
BEGIN
	IF NOT @extschema@._model_lock(home, wait) THEN
		status := 'skipped';
		RETURN NEXT;
		RETURN;
	END IF;
	settings := @extschema@._model_settings(home);
	PERFORM @extschema@._model_tell_lost(home, settings);
	-- REASSIGN OWNED gives a model an owner who stands nowhere yet
	EXECUTE format('INSERT INTO %I.reader VALUES (current_user, NULL) ON CONFLICT DO NOTHING', home);
	-- partitions that have come and gone, disabled triggers, columns of another type
	IF @extschema@._lock_live_source(home, settings, 'triggers') THEN
		settings := settings || @extschema@._live_findings(home, '{}', settings, settings -> 'live_tables');
		IF NOT @extschema@._is_ledger(settings) THEN
			EXECUTE format('UPDATE %I.configuration SET source_columns = $1 WHERE valid_until IS NULL', home)
				USING ARRAY(SELECT jsonb_array_elements_text(settings -> 'source_columns'));
		END IF;
		PERFORM @extschema@._make_live_triggers(home, settings);
	END IF;
	FOREACH broken IN ARRAY @extschema@._lock_streams(home, settings, 'triggers') LOOP
		PERFORM @extschema@._make_stream_triggers(home, settings, s.row_settings)
		   FROM @extschema@._streams(settings) AS s WHERE s.stream_no = broken;
	END LOOP;
	-- streams first: events keep customers whose orders are old
	PERFORM @extschema@._read_streams(home, settings);
	refresh := @extschema@._model_read_source(home, settings);
	PERFORM @extschema@._purge_streams(home, settings);
	-- tenants that are new have no scores by quantiles until they are calibrated
	PERFORM @extschema@._model_write_thresholds(home, settings, false);
	RETURN QUERY EXECUTE format($q$
		SELECT 'refreshed', r.rows_read, r.rows_without_customer, r.rows_without_day, r.rows_without_value,
			   r.rows_unconvertible, r.customers, r.customers_added, r.customers_changed, r.customers_removed,
			   extract(epoch FROM r.finished_at - r.started_at)::float8, 'orders'
		  FROM %I.refreshes AS r WHERE r.refresh_id = $1$q$, home) USING refresh;
	IF @extschema@._has_streams(settings) THEN
		RETURN QUERY EXECUTE @extschema@._fill($q$
			SELECT 'refreshed', r.rows_read, r.rows_without_customer, r.rows_without_day, r.rows_without_value,
				   r.rows_unconvertible, r.customers, r.customers_added, r.customers_changed, r.customers_removed,
				   extract(epoch FROM r.finished_at - r.started_at)::float8, t.stream
			  FROM {model}.stream AS t
			 CROSS JOIN LATERAL (SELECT * FROM {model}.refreshes AS r WHERE r.stream_no = t.stream_no
								  ORDER BY r.refresh_id DESC LIMIT 1) AS r
			 ORDER BY t.stream_no$q$, 'model', quote_ident(home));
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.refresh_model(text, boolean) IS
	'bring new orders into a model, every night or hour say: read its source again, write the customers who differ;'
	' with wait => false skip it while another session writes the model';

CREATE FUNCTION @extschema@.calibrate_model(model text, dry_run boolean DEFAULT false)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	earlier		jsonb;
	later		jsonb;
	lines		jsonb;
	old_version	int;
BEGIN
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	PERFORM @extschema@._model_tell_lost(home, settings);
	old_version := settings ->> 'version';
	SELECT jsonb_agg(to_jsonb(c)) INTO earlier FROM @extschema@._model_segment_counts(home) AS c;
	BEGIN
		settings := @extschema@._model_write_version(home, settings, 'calibrated');
		PERFORM @extschema@._model_write_thresholds(home, settings, true);
		SELECT jsonb_agg(to_jsonb(c)) INTO later FROM @extschema@._model_segment_counts(home) AS c;
		EXECUTE format($q$
			SELECT jsonb_agg(jsonb_build_object('item', concat_ws(' ', d.dimension, 'thresholds', nullif(n.tenant, '')),
					   'detail', concat(coalesce(o.thresholds::text, 'none'),
						   ' -> ', coalesce(d.thresholds::text, 'none'))) ORDER BY n.tenant, d.position)
			  FROM %1$I.calibration AS n
			  CROSS JOIN LATERAL (VALUES (1, 'recency', n.recency_thresholds), (2, 'frequency', n.frequency_thresholds),
					(3, 'monetary', n.monetary_thresholds), (4, 'basket', n.basket_thresholds),
					(5, 'clv', n.clv_thresholds)) AS d (position, dimension, thresholds)
			  LEFT JOIN %1$I.calibration AS b ON b.version = $1 AND b.tenant = n.tenant
			  LEFT JOIN LATERAL (VALUES ('recency', b.recency_thresholds), ('frequency', b.frequency_thresholds),
					('monetary', b.monetary_thresholds), ('basket', b.basket_thresholds),
					('clv', b.clv_thresholds)) AS o (dimension, thresholds) ON o.dimension = d.dimension
			 WHERE n.version = $2 AND d.thresholds IS DISTINCT FROM o.thresholds$q$, home)
			INTO lines USING old_version, (settings ->> 'version')::int;
		SELECT coalesce(lines, '[]') || coalesce(jsonb_agg(to_jsonb(l)), '[]') INTO lines
		  FROM (SELECT * FROM @extschema@._model_prediction_changes(home, settings, old_version)
				UNION ALL
				SELECT * FROM @extschema@._cluster_lines(home, settings, old_version)) AS l;
		IF dry_run THEN
			RAISE EXCEPTION USING ERRCODE = 'CSDRY', MESSAGE = 'dry run';
		END IF;
	EXCEPTION WHEN SQLSTATE 'CSDRY' THEN
		RETURN QUERY VALUES ('dry run', 'nothing was changed');
	END;
	IF NOT coalesce(dry_run, false) THEN
		RETURN QUERY VALUES ('version', format('%s -> %s', old_version, settings ->> 'version'));
	END IF;
	RETURN QUERY SELECT r.item, r.detail FROM jsonb_to_recordset(lines) AS r (item text, detail text);
	RETURN QUERY SELECT * FROM @extschema@._model_compare_counts(earlier, later);
END
$$;
COMMENT ON FUNCTION @extschema@.calibrate_model(text, boolean) IS
	'let thresholds that are quantiles follow the customers as they are today, every month or quarter say;'
	' writes a version, and says what that does to the segments; with dry_run only says it';

CREATE FUNCTION @extschema@._model_alter(caller jsonb, model text, changes jsonb, reset text[],
	back_to int, dry_run boolean)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	sources		text[] := @extschema@._settings_of('source', 'names');
	triggers	text[] := @extschema@._settings_of('triggers');
	old			jsonb;
	base		jsonb;			-- its thresholds and map go on where nothing else is asked for
	new			jsonb;
	reread		boolean;
	recalibrate	boolean;
	earlier		jsonb;
	later		jsonb;
	lines		jsonb;
	reason		text := 'altered';
	lost		text;
BEGIN
	PERFORM @extschema@._model_lock(home);
	old := @extschema@._model_settings(home);
	base := old;
	IF back_to IS NOT NULL THEN
		base := @extschema@._model_version(home, back_to);
		reason := format('back to version %s', back_to);
	END IF;
	-- who says over which tables wants it
	IF changes ? 'live_on' AND NOT changes ? 'live' THEN
		changes := changes || '{"live": true}';
	END IF;
	new := base || @extschema@._setting_defaults(reset, changes) || jsonb_strip_nulls(changes);
	-- names of the source are looked up again, for what they name may have changed
	lost := @extschema@._model_lost(home, @extschema@._model_names(old, 'objects'));
	IF lost ~ '^table ' THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = format('model "%s": %s', home, lost);
	ELSIF lost IS NOT NULL AND back_to IS NULL AND reset IS NULL
		AND NOT EXISTS (SELECT 1 FROM jsonb_object_keys(changes)) THEN
		reason := 'made again';
	ELSIF NOT changes ?| '{segment_map,scorecards}' AND NOT changes ?| sources
		AND new - 'version' = old - 'version' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('nothing to change in model "%s"', home),
			HINT = 'Name what should change: alter_model(''shop'', weights => ''{2,1,1}''), or go back: version => 1.';
	END IF;
	PERFORM @extschema@._model_check_settings(new);
	PERFORM @extschema@._check_distribute(new);
	PERFORM @extschema@._lock_live_source(home, old, CASE
		WHEN back_to IS NOT NULL OR changes ->> 'live' = 'false' OR changes ? 'source' OR 'live' = ANY (reset)
			OR changes ? 'live_on' OR 'live_on' = ANY (reset)
			THEN 'ACCESS EXCLUSIVE'
		WHEN lost ~ 'record_(differences|keys)' OR changes ?| sources OR sources && reset OR changes ?| triggers
			OR reset && triggers
			THEN 'SHARE ROW EXCLUSIVE' END);
	SELECT jsonb_agg(to_jsonb(c)) INTO earlier FROM @extschema@._model_segment_counts(home) AS c;
	BEGIN
		-- Names keep the meaning that they had when they were given. Where some
		-- are given now, the others have to go with them: they are looked up again,
		-- but for the name of the source.
		IF changes ?| sources OR sources && reset THEN
			new := @extschema@._model_resolve(home, caller, CASE WHEN changes ? 'source' THEN new
					ELSE new || jsonb_build_object('source', coalesce(new ->> 'source_relation', new ->> 'source')) END)
				|| jsonb_build_object('source', new -> 'source');
		END IF;
		-- Another major may print the same query in other words: no reason to read
		-- the source and to calibrate again.
		IF new -> 'source_query' <> base -> 'source_query'
			AND @extschema@._model_reprinted(home, base ->> 'source_query') = new ->> 'source_query' THEN
			new := new || jsonb_build_object('source_query', base -> 'source_query');
		END IF;
		new := new || @extschema@._live_findings(home, caller, new,
			CASE WHEN jsonb_typeof(new -> 'live_tables') = 'array' AND NOT changes ?| sources
				 THEN new -> 'live_tables' END);
		reread := (new -> 'source_query', new -> 'customer_type', new -> 'key_text')
			IS DISTINCT FROM (old -> 'source_query', old -> 'customer_type', old -> 'key_text')
			OR (new ->> 'day_is_moment')::boolean AND new -> 'time_zone' <> old -> 'time_zone';
		recalibrate := EXISTS (SELECT 1 FROM unnest('source_query'::text || @extschema@._settings_of('thresholds')) AS k
				WHERE new -> k IS DISTINCT FROM base -> k)
			OR (new ->> 'day_is_moment')::boolean AND new -> 'time_zone' <> base -> 'time_zone';
		new := new || jsonb_build_object('map_copy', @extschema@._model_follow_map(home, new,
			changes ? 'segment_map' OR new -> 'segment_map' IS DISTINCT FROM base -> 'segment_map'));
		IF changes ? 'scorecards' OR 'scorecards' = ANY (reset) THEN
			new := new || jsonb_build_object('cards', @extschema@._copy_cards(home, new));
		END IF;
		new := @extschema@._model_write_version(home, new, reason);
		new := new || @extschema@._model_beside(home);
		PERFORM @extschema@._check_inputs(new, base);
		IF reread
			OR EXISTS (SELECT 1 FROM unnest('{source_columns,live_tables}'::text[] || triggers) AS k
						WHERE new -> k IS DISTINCT FROM old -> k)
			OR (new ->> 'live')::boolean
				AND (lost ~ 'record_(differences|keys)|_touched_rows' OR changes ?| sources OR sources && reset) THEN
			PERFORM @extschema@._make_live_triggers(home, new);
			reread := reread OR (old ->> 'live')::boolean OR (new ->> 'live')::boolean;
		END IF;
		IF reread THEN
			PERFORM @extschema@._model_read_source(home, new);
			PERFORM @extschema@._check_ledger(home, new);
		END IF;
		-- what was found was found in another source
		IF reread OR new -> 'quality_query' <> old -> 'quality_query' THEN
			EXECUTE format('DELETE FROM %I.quality', home);
			IF new ->> 'event_key' IS NOT NULL OR new ->> 'currency' IS NOT NULL THEN
				PERFORM @extschema@._model_check_quality(home, new);
			END IF;
		END IF;
		PERFORM @extschema@._model_follow_thresholds(home, base, new, recalibrate);
		PERFORM @extschema@._model_make_shown(home, new, old -> 'parts');
		PERFORM @extschema@._model_describe(home, new);
		-- what is new about predictions
		IF recalibrate AND new ->> 'prediction' IS NOT NULL
			OR EXISTS (SELECT 1 FROM unnest(@extschema@._settings_of('fits')) AS k
						WHERE new -> k IS DISTINCT FROM old -> k)
			OR new ->> 'prediction' IS NULL AND new -> 'map_copy' <> old -> 'map_copy' THEN
			SELECT jsonb_agg(to_jsonb(l)) INTO lines FROM @extschema@._model_prediction_lines(home, new) AS l;
		END IF;
		IF recalibrate OR EXISTS (SELECT 1 FROM unnest(@extschema@._settings_of('clusters')) AS k
								   WHERE new -> k IS DISTINCT FROM old -> k)
			OR NOT @extschema@._has_clusters(new) AND new -> 'map_copy' <> old -> 'map_copy' THEN
			SELECT coalesce(lines, '[]') || coalesce(jsonb_agg(to_jsonb(l)), '[]') INTO lines
			  FROM @extschema@._cluster_lines(home, new, (old ->> 'version')::int) AS l;
		END IF;
		-- what is new about the source, the table of customers or what a map reads of it
		IF changes ?| sources OR sources && reset OR new -> 'map_copy' <> old -> 'map_copy' THEN
			SELECT coalesce(lines, '[]') || coalesce(jsonb_agg(jsonb_build_object('item', 'note', 'detail', n)), '[]')
			  INTO lines
			  FROM @extschema@._model_quality_notes(home, new) AS n;
		END IF;
		IF new -> 'cards' IS DISTINCT FROM old -> 'cards' THEN
			SELECT coalesce(lines, '[]')
				|| coalesce(jsonb_agg(jsonb_build_object('item', 'note', 'detail', n)), '[]') INTO lines
			  FROM @extschema@._card_notes(home, new) AS n;
		END IF;
		IF new -> 'customers_query' IS DISTINCT FROM old -> 'customers_query' THEN
			SELECT coalesce(lines, '[]') || coalesce(jsonb_agg(to_jsonb(l)), '[]') INTO lines
			  FROM @extschema@._account_lines(home, new) AS l;
		END IF;
		SELECT jsonb_agg(to_jsonb(c)) INTO later FROM @extschema@._model_segment_counts(home) AS c;
		IF dry_run THEN
			RAISE EXCEPTION USING ERRCODE = 'CSDRY', MESSAGE = 'dry run';
		END IF;
	EXCEPTION WHEN SQLSTATE 'CSDRY' THEN
		RETURN QUERY VALUES ('dry run', 'nothing was changed');
	END;
	IF NOT dry_run THEN
		RETURN QUERY VALUES ('version', format('%s -> %s', old ->> 'version', new ->> 'version'));
	END IF;
	RETURN QUERY SELECT s.name,
			format('%s -> %s', coalesce(old ->> s.name, s.null_means), coalesce(new ->> s.name, s.null_means))
		FROM @extschema@._setting AS s WHERE old -> s.name IS DISTINCT FROM new -> s.name ORDER BY s.position;
	IF lost IS NOT NULL THEN
		RETURN QUERY VALUES ('made again', regexp_replace(lost, ' (is|are) missing: .*$', ''));
	END IF;
	IF recalibrate THEN
		RETURN QUERY VALUES ('thresholds', 'calibrated again');
	END IF;
	RETURN QUERY SELECT r.item, r.detail FROM jsonb_to_recordset(lines) AS r (item text, detail text);
	IF new -> 'live_tables' IS DISTINCT FROM old -> 'live_tables' THEN
		RETURN QUERY SELECT * FROM @extschema@._ledger_lines(new);
	END IF;
	IF new -> 'customers_query' IS DISTINCT FROM old -> 'customers_query' THEN
		IF NOT dry_run THEN
			RETURN QUERY SELECT * FROM @extschema@._model_drop_key_index(home, new);
		END IF;
		RETURN QUERY SELECT * FROM @extschema@._model_make_key_index(home, new, dry_run);
	END IF;
	RETURN QUERY SELECT * FROM @extschema@._model_compare_counts(earlier, later);
END
$$;
COMMENT ON FUNCTION @extschema@._model_alter(jsonb, text, jsonb, text[], int, boolean) IS
	'internal: alter_model with the settings of its caller';

DO $do$
DECLARE
	arguments	text;
	settings	text;
BEGIN
	SELECT pg_catalog.string_agg(pg_catalog.format('%I %s DEFAULT NULL', s.name, s.type), ', ' ORDER BY s.argument),
		   pg_catalog.string_agg(pg_catalog.format('alter_model.%1$I AS %1$I', s.name), ', ' ORDER BY s.position)
	  INTO arguments, settings FROM @extschema@._setting AS s WHERE s.redo <> 'fixed';
	EXECUTE pg_catalog.replace(pg_catalog.replace($q$
CREATE FUNCTION @extschema@.alter_model(model text, {arguments},
	reset text[] DEFAULT NULL, version int DEFAULT NULL, dry_run boolean DEFAULT false)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET extra_float_digits = 1		-- numbers travel as jsonb
BEGIN ATOMIC
	SELECT m.item, m.detail
	  FROM @extschema@._model_alter(@extschema@._model_caller(), alter_model.model,
		(SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.to_jsonb(s)) FROM (SELECT {settings}) AS s),
		alter_model.reset, alter_model.version, COALESCE(alter_model.dry_run, false)) AS m;
END$q$, '{arguments}', arguments), '{settings}', settings);
END
$do$;
COMMENT ON FUNCTION @extschema@.alter_model IS
	'change settings of a model and keep the old ones as a version:'
	' NULL keeps a setting, reset names those to take back to their default, version goes back to an earlier version;'
	' says what that does to the segments; with dry_run only says it';

-- What a rebuild would change. No row: nothing.
CREATE FUNCTION @extschema@.check_model(model text)
	RETURNS TABLE (problem text, customers bigint, explanation text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb := @extschema@._model_settings(home);
	lost		text;
	others		text;			-- tables that the source reads and no trigger stands on
	state		text;
	message		text;
BEGIN
	lost := @extschema@._model_lost(home, @extschema@._model_names(settings, 'objects'));
	IF lost IS NOT NULL THEN
		RETURN QUERY VALUES ('missing', NULL::bigint, lost);
		-- without its tables it can't be compared
		IF lost ~ '^table ' THEN
			RETURN;
		END IF;
	END IF;
	PERFORM @extschema@._lock_live_source(home, settings);
	PERFORM @extschema@._lock_streams(home, settings);
	RETURN QUERY EXECUTE format($q$
		SELECT d.problem, count(*), min(CASE d.problem
				WHEN 'not in the model' THEN 'the source has customers that the model lacks'
				WHEN 'not in the source' THEN 'the source has no rows of customers that the model has'
				WHEN 'negative counts'
					THEN 'a day has fewer than no orders: a difference was taken away that was never added'
				ELSE 'the source has other orders of these customers' END)
		  FROM (SELECT CASE WHEN h.customer_key IS NULL THEN 'not in the model'
							WHEN f.history OPERATOR(@extschema@.=) h.history THEN NULL
							WHEN EXISTS (SELECT 1 FROM @extschema@.days(h.history) AS y WHERE y.events < 0)
								THEN 'negative counts'
							WHEN f.customer_key IS NULL THEN 'not in the source'
							ELSE 'other history' END AS problem
				  FROM (%3$s) AS h
				  FULL JOIN (SELECT f.customer_key, f.history
							   FROM (SELECT f.customer_key, f.history FROM (%2$s) AS f
									  WHERE f.rows_read IS NULL AND f.history OPERATOR(@extschema@.<>) '{}'
										AND %4$s) AS f
							  -- who has been erased or is kept no longer, is not missing
							  WHERE %5$s) AS f ON f.customer_key = h.customer_key) AS d
		 WHERE d.problem IS NOT NULL GROUP BY d.problem ORDER BY d.problem$q$,
			home, @extschema@._model_source_customers(home, settings), @extschema@._model_histories(home, settings),
			@extschema@._model_kept_customer(home, settings, 'f.history', 'f.customer_key'),
			@extschema@._model_not_suppressed(home, 'f.customer_key'));
	others := CASE WHEN FOUND AND @extschema@._is_ledger(settings) THEN @extschema@._ledger_others(settings) END;
	RETURN QUERY SELECT * FROM @extschema@._check_streams(home, settings);
	IF (settings ->> 'live')::boolean THEN
		RETURN QUERY SELECT 'cause', NULL::bigint, c
			FROM jsonb_to_record(settings)
					 AS r (source_relation text, source_columns text[], source_parts text[], live_tables jsonb),
				 LATERAL (VALUES (CASE WHEN @extschema@._is_ledger(settings)
					 THEN @extschema@._ledger_problem(home, r.live_tables)
					 ELSE @extschema@._live_problem(home, r.source_relation, r.source_columns, r.source_parts)
					 END),
					 (format('the source also reads %s: what changes there alone is seen by refresh_model', others)
					  || left(others, 0))) AS p (c)
			WHERE c IS NOT NULL;
		RETURN QUERY EXECUTE format('SELECT ''cause'', NULL::bigint,'
			' format(''%%s: %%s, last at %%s'', r.operation, r.reason, max(r.rejected_at))'
			' FROM %I.rejects AS r WHERE r.needs_rebuild GROUP BY r.operation, r.reason ORDER BY 3', home);
	END IF;
EXCEPTION
	WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name
		OR ambiguous_column
		OR datatype_mismatch OR cannot_coerce OR wrong_object_type OR grouping_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@._model_raise_unreadable(home, state, message);
END
$$;
COMMENT ON FUNCTION @extschema@.check_model(text) IS
	'is a model what its source says? Reads the source again and changes nothing:'
	' a row for each kind of difference, no row if there is none';

-- What readers are given: every view and dated function, no table.
CREATE FUNCTION @extschema@.grant_reader(model text, role name, tenant text DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb := @extschema@._model_settings(home);
	relation	regclass;
	function	regprocedure;
BEGIN
	IF role IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'role must not be null';
	END IF;
	IF tenant IS NOT NULL AND settings ->> 'tenant' IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('model "%s" has no tenants', home),
			HINT = 'Leave tenant out.';
	END IF;
	-- GRANT takes the word for everybody, who are no role that could have tenants
	IF role = 'public' AND settings ->> 'tenant' IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('public is no role, and model "%s" has tenants', home),
			HINT = 'Make a role, which may be a group: its members read too.';
	END IF;
	-- a role of that name that has been dropped left its tenants here, but no grant
	IF role <> current_user AND NOT EXISTS (SELECT 1 FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
			WHERE n.nspname = home AND a.grantee = to_regrole(quote_ident(role))) THEN
		EXECUTE format('DELETE FROM %I.reader AS r WHERE r.role = $1', home) USING role;
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', home, role);
	-- what others, or the owner by hand, have put into the schema is not the model's to give
	FOR relation IN SELECT c.oid FROM pg_class AS c
			 WHERE c.relnamespace = to_regnamespace(quote_ident(home)) AND c.relkind = 'v'
			   AND pg_get_userbyid(c.relowner) = current_user AND NOT starts_with(c.relname, '_') LOOP
		EXECUTE format('GRANT SELECT ON %s TO %I', relation, role);
	END LOOP;
	FOR function IN SELECT p.oid FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace(quote_ident(home))
			 AND pg_get_userbyid(p.proowner) = current_user AND (EXISTS (SELECT 1 FROM pg_proc AS i
				WHERE i.pronamespace = p.pronamespace AND i.proowner = p.proowner AND i.prosecdef
				  AND i.proname IN (p.proname, '_' || p.proname)
				  AND starts_with(i.proname, '_') AND '@extschema@.caller'::regtype = ANY (i.proargtypes::oid[]))
				OR p.proname = 'customer' AND NOT p.prosecdef AND p.pronargs = 1
				  AND p.proargtypes[0] = 'text'::regtype
				  AND p.prorettype = to_regtype(format('%I.customer_scores', home))
				OR p.proname = 'conversion_change' AND NOT p.prosecdef AND p.pronargs = 4
				  AND p.proargtypes[0] = 'date'::regtype) LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', function, role);
	END LOOP;
	EXECUTE format('INSERT INTO %I.reader VALUES ($1, $2) ON CONFLICT DO NOTHING', home) USING role, tenant;
END
$$;
COMMENT ON FUNCTION @extschema@.grant_reader(text, name, text) IS
	'let a role read a model: all views and dated functions, no table; with tenant the customers of that one only';

CREATE FUNCTION @extschema@.revoke_reader(model text, role name, tenant text DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	name := @extschema@._model_home(model);
	others	boolean;
	n		bigint;
BEGIN
	IF role IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'role must not be null';
	END IF;
	-- the owner needs no grant: this would take away the rights that they have as owner
	IF role = current_user THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('role %I owns model "%s"', role, home),
			HINT = 'The owner of a model reads all of it.';
	END IF;
	EXECUTE format('SELECT $2 IS NOT NULL'
		' AND EXISTS (SELECT 1 FROM %I.reader AS r WHERE r.role = $1 AND r.tenant IS NULL)', home)
		INTO others USING role, tenant;
	IF others THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('role %I reads all tenants of model "%s"', role, home),
			HINT = format('Take that away and grant those that it may read: SELECT revoke_reader(%L, %L);', home, role);
	END IF;
	EXECUTE format('DELETE FROM %1$I.reader AS r WHERE r.role = $1 AND ($2 IS NULL OR r.tenant = $2)', home)
		USING role, tenant;
	GET DIAGNOSTICS n = ROW_COUNT;
	EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.reader AS r WHERE r.role = $1)', home) INTO others USING role;
	-- the grants of a role that has been dropped went with it
	IF NOT others AND (n = 0 OR to_regrole(quote_ident(role)) IS NOT NULL OR role = 'public') THEN
		EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %1$I FROM %2$I', home, role);
		EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA %1$I FROM %2$I', home, role);
		EXECUTE format('REVOKE ALL ON SCHEMA %1$I FROM %2$I', home, role);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.revoke_reader(text, name, text) IS
	'take back what grant_reader gave: with tenant that one, else everything';

CREATE FUNCTION @extschema@.drop_model(model text, cascade boolean DEFAULT false)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning		-- not a line for every view
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	outside		text;
	customers	bigint;
	suppressed	bigint;
BEGIN
	-- DROP SCHEMA ... CASCADE would take everybody's dashboards with it: views,
	-- functions, tables with columns of our types, foreign keys, domains.
	SELECT string_agg(DISTINCT pg_describe_object(o.classid, o.objid,
		CASE WHEN o.classid = d.classid THEN d.objsubid ELSE 0 END), ', ') INTO outside
	  FROM (SELECT 'pg_namespace'::regclass AS classid, to_regnamespace(quote_ident(home))::oid AS objid
			UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class
				WHERE relnamespace = to_regnamespace(quote_ident(home))
			UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
				WHERE pronamespace = to_regnamespace(quote_ident(home))
			UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type
				WHERE typnamespace = to_regnamespace(quote_ident(home))) AS own
	  JOIN pg_depend AS d ON d.refclassid = own.classid AND d.refobjid = own.objid AND d.deptype = 'n'
	 CROSS JOIN LATERAL (
			SELECT c.tableoid, c.oid, c.relnamespace, c.relkind = 'm'
			  FROM pg_class AS c
			 WHERE c.oid = CASE d.classid WHEN 'pg_class'::regclass THEN d.objid
						   WHEN 'pg_rewrite'::regclass
							   THEN (SELECT w.ev_class FROM pg_rewrite AS w WHERE w.oid = d.objid)
						   WHEN 'pg_constraint'::regclass
							   THEN (SELECT k.conrelid FROM pg_constraint AS k WHERE k.oid = d.objid)
						   WHEN 'pg_attrdef'::regclass
							   THEN (SELECT f.adrelid FROM pg_attrdef AS f WHERE f.oid = d.objid)
						   WHEN 'pg_policy'::regclass
							   THEN (SELECT p.polrelid FROM pg_policy AS p WHERE p.oid = d.objid) END
			UNION ALL
			SELECT f.tableoid, f.oid, f.pronamespace, false FROM pg_proc AS f
			 WHERE d.classid = 'pg_proc'::regclass AND f.oid = d.objid
			UNION ALL
			SELECT t.tableoid, t.oid, t.typnamespace, false FROM pg_type AS t
			 WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid
	 ) AS o (classid, objid, home_oid, is_kept)
	 WHERE o.home_oid <> to_regnamespace(quote_ident(home)) OR o.is_kept;
	IF outside IS NOT NULL AND NOT coalesce(cascade, false) THEN
		RAISE dependent_objects_still_exist USING
			MESSAGE = format('model "%s" can''t be dropped: other objects depend on it', home),
			DETAIL = format('They are: %s.', outside),
			HINT = format('Drop them first, or all together: SELECT drop_model(%L, cascade => true);', home);
	END IF;
	-- the source first: its writers hold it while they wait for pending
	PERFORM @extschema@._model_drop_triggers(home, NULL);
	PERFORM @extschema@._model_drop_triggers(home, NULL, 'record_keys');
	PERFORM @extschema@._model_drop_triggers(home, NULL, format('record_events_%s', s.stream_no)::name)
	   FROM @extschema@._streams(@extschema@._model_beside(home)) AS s;
	PERFORM @extschema@._model_lock_readers(home, tables => true);
	EXECUTE format('SELECT count(*) FROM %I.customer_histories', home) INTO customers;
	IF to_regclass(format('%I.suppressed', home)) IS NOT NULL THEN
		EXECUTE format('SELECT count(*) FROM %I.suppressed', home) INTO suppressed;
	END IF;
	EXECUTE format('DROP SCHEMA %I CASCADE', home);
	RETURN QUERY VALUES ('dropped', format('model %I with %s customers', home, customers));
	IF suppressed > 0 THEN
		RETURN QUERY
			VALUES ('note', format('its suppression list went with it:'
				' another model over the source would store %s people again who were erased', suppressed));
	END IF;
	IF outside IS NOT NULL THEN
		RETURN QUERY VALUES ('dropped too', outside);
	END IF;
	-- last, with what it waits for no longer than an instant: see _model_make_key_index
	RETURN QUERY SELECT * FROM @extschema@._model_drop_key_index(home, '{}');
END
$$;
COMMENT ON FUNCTION @extschema@.drop_model(text, boolean) IS
	'drop a model: its schema with all views and stored histories;'
	' refused while views, functions or tables elsewhere depend on it, unless cascade';

-- The segments as they are now, set against those recorded last.
CREATE FUNCTION @extschema@.record_changes(model text)
	RETURNS TABLE (status text, changes bigint, first_change_id bigint, last_change_id bigint)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	scores		text;
	is_first	boolean;
BEGIN
	-- also keeps change_id in the order of commits
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	PERFORM @extschema@._model_check_people(home, settings);
	-- of everybody, whatever the owner may read
	scores := @extschema@._model_levels(home, settings,
		format('(%s)', @extschema@._model_question(home, settings, reader => NULL)),
		@extschema@._here(home, settings, '_customers'), ARRAY[settings ->> 'map_copy']);
	EXECUTE format('SELECT NOT EXISTS (SELECT 1 FROM %1$I.recorded_segments)'
		' AND NOT EXISTS (SELECT 1 FROM %1$I.recorded_changes)', home) INTO is_first;
	IF is_first THEN
		-- Nothing has changed yet: this is what later changes are set against.
		EXECUTE format('INSERT INTO %I.recorded_segments (customer_key, tenant, segment)'
			' SELECT s.customer_key, s.tenant, s.segment FROM (%s) AS s', home, scores);
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
			SELECT m.customer_key, m.tenant, m.segment, m.previous_segment, day.as_of
			  FROM moved AS m, day WHERE NOT m.gone
			ON CONFLICT (customer_key) DO UPDATE
			SET segment = EXCLUDED.segment, previous_segment = EXCLUDED.previous_segment,
				changed_on = EXCLUDED.changed_on
		), fed AS (
			INSERT INTO %1$I.recorded_changes (as_of, customer_key, tenant, previous_segment, segment)
			SELECT day.as_of, m.customer_key, m.tenant, m.previous_segment, m.segment
			  FROM moved AS m, day ORDER BY m.customer_key
			RETURNING change_id
		)
		SELECT count(*), min(change_id), max(change_id) FROM fed$q$, home, scores, @extschema@._model_as_of())
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
	'write down who is in another segment than at the last call, after each refresh_model say:'
	' fills previous_segment and changed_on of customer_segments and the feed segment_changes,'
	' and notifies the channel MODEL_segment_changes';

-- Pending differences folded into the histories. Those that others are just
-- writing are not visible here, and stay.
CREATE FUNCTION @extschema@.apply_changes(model text, wait boolean DEFAULT true)
	RETURNS TABLE (status text, differences bigint, customers bigint, seconds float8)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	begun		timestamptz := clock_timestamp();
	emptied		text[];
BEGIN
	IF NOT @extschema@._model_lock(home, wait) THEN
		status := 'skipped';
		RETURN NEXT;
		RETURN;
	END IF;
	settings := @extschema@._model_settings(home);
	PERFORM @extschema@._model_check_tokens(home);
	-- in the order in which a TRUNCATE of the source does, and readers do
	EXECUTE format('LOCK TABLE %1$I.customer_histories, %1$I.pending, %1$I.rejects IN ROW EXCLUSIVE MODE', home);
	PERFORM @extschema@._settle_ledger(home, settings);
	EXECUTE format($q$
		WITH taken AS (
			DELETE FROM %1$I.pending RETURNING *
		), summed AS MATERIALIZED (
			-- who has been merged into another customer goes by the name of that one
			SELECT coalesce(m.root_key, t.customer_key) AS customer_key, min(t.tenant) AS tenant,
				   %2$s @extschema@.try_sum(t.difference) AS difference, count(*) AS n
			  FROM taken AS t LEFT JOIN %1$I.merged_customers AS m ON m.customer_key = t.customer_key GROUP BY 1
		), added AS MATERIALIZED (
			SELECT s.*, %5$s AS history
			  FROM summed AS s LEFT JOIN %1$I.customer_histories AS h ON h.customer_key = s.customer_key
			 -- nothing is kept of a person who has been erased
			 WHERE %6$s%7$s
		), written AS (
			INSERT INTO %1$I.customer_histories AS h (tenant, customer_key, %3$s history)
			SELECT a.tenant, a.customer_key, %4$s a.history FROM added AS a
			 WHERE a.history IS NOT NULL AND a.difference OPERATOR(@extschema@.<>) '{}' ORDER BY a.customer_key
			ON CONFLICT (customer_key) DO UPDATE SET history = EXCLUDED.history
		), kept AS (
			-- a total beyond all limits: stays pending, and out of the views
			INSERT INTO %1$I.pending SELECT t.* FROM taken AS t
			  LEFT JOIN %1$I.merged_customers AS m ON m.customer_key = t.customer_key
			  JOIN added AS a ON a.customer_key = coalesce(m.root_key, t.customer_key) WHERE a.history IS NULL
		), flagged AS (
			INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild)
			SELECT 'APPLY', 'total too large', count(*), false FROM added AS a WHERE a.history IS NULL
			HAVING count(*) > 0 AND NOT EXISTS (SELECT 1 FROM %1$I.rejects AS r WHERE r.reason = 'total too large')
		)
		SELECT coalesce(sum(a.n) FILTER (WHERE a.history IS NOT NULL), 0), count(a.history),
			   array_agg(a.customer_key) FILTER (WHERE a.history OPERATOR(@extschema@.=) '{}') FROM added AS a$q$, home,
		CASE WHEN settings ->> 'tenant' IS NULL THEN ''
			ELSE 'min(coalesce(m.root_id, t.customer_id)) AS customer_id,' END,
		CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE 'customer_id,' END,
		CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE 'a.customer_id,' END,
		@extschema@._model_kept_days(home, settings,
			format('CASE WHEN h.history IS NULL THEN s.difference'
				' WHEN s.difference IS NOT NULL THEN @extschema@._try_add(h.history, s.difference)'
				-- too large alone, but maybe not with what is stored
				' ELSE (SELECT @extschema@.try_sum(x.history)'
				' FROM (SELECT h.history UNION ALL SELECT t.difference FROM taken AS t'
				' LEFT JOIN %1$I.merged_customers AS m ON m.customer_key = t.customer_key'
				' WHERE coalesce(m.root_key, t.customer_key) = s.customer_key) AS x) END', home)),
		@extschema@._model_not_suppressed(home, 's.customer_key'),
		CASE WHEN settings ->> 'retention_days' IS NULL THEN '' ELSE
			format(' AND (h.history IS NOT NULL OR %s)', @extschema@._model_kept(home, settings, 's.difference')) END)
		INTO differences, customers, emptied;
	IF emptied IS NOT NULL THEN
		EXECUTE format('DELETE FROM %I.customer_histories WHERE customer_key = ANY ($1)', home) USING emptied;
	END IF;
	-- A broken source leaves a row for every statement: one of a kind is enough.
	EXECUTE format($q$
		WITH taken AS (
			DELETE FROM %1$I.rejects AS r
			 WHERE (SELECT count(*) FROM %1$I.rejects)
				   > (SELECT count(DISTINCT (o.operation, o.reason)) FROM %1$I.rejects AS o) RETURNING *
		)
		INSERT INTO %1$I.rejects (rejected_at, operation, reason, affected, needs_rebuild)
		SELECT max(t.rejected_at), t.operation, t.reason, sum(t.affected), t.needs_rebuild
		  FROM taken AS t GROUP BY t.operation, t.reason, t.needs_rebuild$q$, home);
	PERFORM @extschema@._model_write_thresholds(home, settings, NULL);
	differences := differences + @extschema@._apply_events(home, settings);
	status := 'applied';
	seconds := extract(epoch FROM clock_timestamp() - begun);
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.apply_changes(text, boolean) IS
	'fold the pending differences of a live model into its histories: schedule it every few minutes;'
	' changes no answer, only how fast it comes';
