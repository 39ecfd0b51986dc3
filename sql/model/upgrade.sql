--
-- Layer 4: a model that an earlier version has made becomes one of this version:
-- upgrade_model. Its tables stay, with all that they hold, and get the columns that they
-- lack; its views and functions are made again.
--

-- From one layout to the next: what the comparison of columns below can't know. A table
-- or column that is new needs no step, unless its rows do.
CREATE FUNCTION @extschema@._model_step(model name, layout int)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	view	regclass;
BEGIN
	IF layout IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'layout must not be null';
	ELSIF layout = 1 THEN		-- 0.1.0
		EXECUTE format('ALTER TABLE %1$I.configuration ADD COLUMN layout int NOT NULL DEFAULT 1,'
			' ADD COLUMN of_histories boolean NOT NULL DEFAULT false;'
			' ALTER TABLE %1$I.configuration ALTER COLUMN layout DROP DEFAULT,'
			' ALTER COLUMN of_histories DROP DEFAULT', model);
		IF to_regclass(format('%I.prediction_checks', model)) IS NOT NULL THEN
			EXECUTE format('ALTER TABLE %1$I.prediction_checks RENAME TO prediction_check_log;'
				' ALTER INDEX %1$I.prediction_checks_pkey RENAME TO prediction_check_log_pkey', model);
		END IF;
		-- the fits name what they read
		EXECUTE format('UPDATE %I.calibration SET propensity_fit = propensity_fit || $1'
			' WHERE propensity_fit IS NOT NULL', model)
			USING '{"features": ["log1p_recency_days", "log1p_active_days", "log1p_total", "log1p_tenure_days",
				"log1p_silence", "log1p_events_90d", "log1p_events_365d"]}'::jsonb;
		-- A model without tenants has no such column any more, which was NULL. Where a view
		-- stays because others depend on it, the other views rely on that.
		FOR view IN EXECUTE format($q$SELECT a.attrelid FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
				WHERE c.relnamespace = to_regnamespace(quote_ident($1))
				  AND c.relkind = 'v' AND a.attname = 'tenant'
				  AND EXISTS (SELECT 1 FROM %I.configuration AS o WHERE o.valid_until IS NULL AND o.tenant IS NULL)$q$,
				model) USING model LOOP
			EXECUTE format('ALTER VIEW %s RENAME COLUMN tenant TO no_tenant', view);
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_step(name, int) IS
	'internal: change the tables of a model of one layout to those of the next, where columns are not just new';

-- A table as this version has it: made, or given the columns that it lacks. In the
-- configuration a setting that was unknown has its default.
CREATE FUNCTION @extschema@._model_fit_table(model name, relation text, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	target	regclass := to_regclass(format('%I.%I', model, relation));
	missing	record;
BEGIN
	IF target IS NULL THEN
		PERFORM @extschema@._model_make_table(model, relation, tenanted);
		RETURN;
	END IF;
	FOR missing IN SELECT c.name, regexp_replace(c.definition, ' NOT NULL$', '') AS definition,
						  c.definition ~ ' NOT NULL$' AS is_required, c.is_personal, s.default_value
					 FROM @extschema@._model_table_columns(relation, tenanted) AS c
					 LEFT JOIN @extschema@._setting AS s ON relation = 'configuration' AND s.name = c.name
					WHERE NOT EXISTS (SELECT 1 FROM pg_attribute AS a WHERE a.attrelid = target AND a.attname = c.name
										AND a.attnum > 0 AND NOT a.attisdropped)
					ORDER BY c.position LOOP
		EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', target, missing.name, missing.definition);
		IF missing.default_value IS NOT NULL THEN
			EXECUTE format('UPDATE %s SET %I = %L', target, missing.name, missing.default_value);
		END IF;
		IF missing.is_required THEN
			EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', target, missing.name);
		END IF;
		IF missing.is_personal THEN
			EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', target, missing.name);
		END IF;
	END LOOP;
	PERFORM @extschema@._model_identify_rows(target);
	PERFORM @extschema@._model_put_comments(target, (SELECT t.meaning FROM @extschema@._model_table AS t
				WHERE t.relation = _model_fit_table.relation), array_agg(c.name), array_agg(c.meaning))
	   FROM @extschema@._model_table_columns(relation, tenanted) AS c;
END
$$;
COMMENT ON FUNCTION @extschema@._model_fit_table(name, text, boolean) IS
	'internal: make a table of a model, or give it the columns that it lacks';

-- All tables that the model has by its parts.
CREATE FUNCTION @extschema@._model_fit_tables(model name, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted	text;
BEGIN
	FOR wanted IN SELECT t.part FROM @extschema@._model_table AS t GROUP BY t.part
				HAVING bool_or(to_regclass(format('%I.%I', model, t.relation)) IS NOT NULL)
				 ORDER BY min(t.position) LOOP
		PERFORM @extschema@._model_fit_table(model, t.relation, tenanted)
		   FROM (SELECT t.relation FROM @extschema@._model_table AS t WHERE t.part = wanted
				  ORDER BY t.position) AS t;
		PERFORM @extschema@._model_make_indexes(model, wanted, tenanted);
	END LOOP;
	-- copies of maps and cards stand in tables like the shipped ones
	PERFORM @extschema@._model_put_comments(c.oid, obj_description(s.oid, 'pg_class'), array_agg(a.attname::text),
			array_agg(col_description(s.oid, a.attnum)))
	   FROM pg_class AS s
	   JOIN pg_class AS c ON c.relname = s.relname AND c.relkind = 'r'
	   JOIN pg_attribute AS a ON a.attrelid = s.oid AND a.attnum > 0 AND NOT a.attisdropped
	  WHERE s.relnamespace = '@extschema@'::regnamespace AND s.relname ~ '^(segment|scorecard)_?' AND s.relkind = 'r'
		AND c.relnamespace = to_regnamespace(quote_ident(model))
	  GROUP BY c.oid, s.oid;
END
$$;
COMMENT ON FUNCTION @extschema@._model_fit_tables(name, boolean) IS
	'internal: the tables of a model as this version has them';

-- Views that nobody else has to do with are dropped, so that they are made like those of
-- a new model. Those that others depend on, or that somebody reads who is no reader by
-- grant_reader, stay to be replaced in their place: their columns keep order and type.
CREATE FUNCTION @extschema@._model_drop_views(model name)
	RETURNS name[]
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	view	record;
	kept	name[] := '{}';
	readers	name[];
BEGIN
	EXECUTE format('SELECT array_agg(DISTINCT r.role) FROM %I.reader AS r', model) INTO readers;
	FOR view IN SELECT c.relname AS name, EXISTS (SELECT 1 FROM aclexplode(c.relacl) AS a
						WHERE a.grantee <> c.relowner
						  AND (a.is_grantable OR a.privilege_type <> 'SELECT' OR a.grantee = 0
							OR pg_get_userbyid(a.grantee) <> ALL (readers)))
						OR EXISTS (SELECT 1 FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL)
						AS is_granted
				  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
				 WHERE n.nspname = model AND c.relkind = 'v' AND c.relowner = n.nspowner ORDER BY c.relname LOOP
		BEGIN
			IF NOT view.is_granted THEN
				EXECUTE format('DROP VIEW %I.%I', model, view.name);
			ELSE
				kept := kept || view.name;
			END IF;
		EXCEPTION WHEN dependent_objects_still_exist THEN
			kept := kept || view.name;
		END;
	END LOOP;
	RETURN kept;
END
$$;
COMMENT ON FUNCTION @extschema@._model_drop_views(name) IS
	'internal: drop the views of a model, but for those that others depend on: these are told';

-- What an earlier version has found out about the settings, found out again. Names mean
-- what they mean to the caller; that of the source, what it has meant.
CREATE FUNCTION @extschema@._model_resolve_again(model name, caller jsonb, settings jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	message	text;
	state	text;
BEGIN
	RETURN @extschema@._model_resolve(model, caller, settings || jsonb_build_object('source',
			coalesce(settings ->> 'source_relation', settings ->> 'source')))
		|| jsonb_build_object('source', settings -> 'source');
EXCEPTION WHEN undefined_table OR undefined_column OR undefined_function OR undefined_object THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
	RAISE EXCEPTION USING ERRCODE = state,
		MESSAGE = format('model "%s" can''t be upgraded: %s', model, message),
		DETAIL = 'The names that it was made with are looked up again.',
		HINT = 'SET search_path as it was when the model was made.';
END
$$;
COMMENT ON FUNCTION @extschema@._model_resolve_again(name, jsonb, jsonb) IS
	'internal: what the source, the columns and the customers of a model are, found out again';

CREATE FUNCTION @extschema@._model_upgrade(caller jsonb, model text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	old			jsonb;
	new			jsonb;
	made		int;
	tenanted	boolean;
	kept		name[];
	gone		text;
	message		text;
BEGIN
	PERFORM @extschema@._model_lock(home);
	old := @extschema@._model_in_force(home);
	tenanted := old ->> 'tenant' IS NOT NULL;
	made := @extschema@._layout_of(old);
	IF made > @extschema@._model_layout() THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('model "%s" was made by a later version of customer_scoring', home),
			HINT = 'ALTER EXTENSION customer_scoring UPDATE;';
	END IF;
	IF made = @extschema@._model_layout() THEN
		-- only the texts of views and functions may be others
		new := @extschema@._model_settings(home);
		PERFORM @extschema@._model_tell_lost(home, new);
		PERFORM @extschema@._model_make_shown(home, new);
		RETURN QUERY VALUES ('made again', 'views and functions');
		RETURN;
	END IF;
	-- the source before the tables of the model
	PERFORM @extschema@._lock_live_source(home, old, 'SHARE ROW EXCLUSIVE');
	PERFORM @extschema@._lock_streams(home, old || @extschema@._model_beside(home), 'SHARE ROW EXCLUSIVE');
	PERFORM @extschema@._model_lock_readers(home);
	FOR layout IN made .. @extschema@._model_layout() - 1 LOOP
		PERFORM @extschema@._model_step(home, layout);
	END LOOP;
	PERFORM @extschema@._model_fit_tables(home, tenanted);
	kept := @extschema@._model_drop_views(home);

	-- A version of its own: what it goes on from are the settings, thresholds and fits.
	old := @extschema@._model_in_force(home) || @extschema@._model_beside(home);
	new := @extschema@._model_resolve_again(home, caller, old);
	IF @extschema@._model_reprinted(home, old ->> 'source_query') = new ->> 'source_query' THEN
		new := new || jsonb_build_object('source_query', old -> 'source_query');
	END IF;
	new := new || @extschema@._live_findings(home, caller, new, NULL);
	new := new || jsonb_build_object('map_copy', @extschema@._model_follow_map(home, new, false));
	IF jsonb_typeof(new -> 'cards') IS DISTINCT FROM 'object' THEN
		new := new || jsonb_build_object('cards', @extschema@._copy_cards(home, new));
	END IF;
	new := @extschema@._model_write_version(home, new, 'upgraded');
	new := new || @extschema@._model_beside(home);
	PERFORM @extschema@._check_inputs(new, old);
	IF (new ->> 'live')::boolean THEN
		PERFORM @extschema@._make_live_triggers(home, new);
	END IF;
	PERFORM @extschema@._make_stream_triggers(home, new, s.row_settings) FROM @extschema@._streams(new) AS s;
	-- Triggers were silent since ALTER EXTENSION; another query may say something else.
	IF (new ->> 'live')::boolean OR new -> 'source_query' <> old -> 'source_query' THEN
		PERFORM @extschema@._model_read_source(home, new);
		PERFORM @extschema@._check_ledger(home, new);
	END IF;
	IF @extschema@._has_streams(new) THEN
		PERFORM @extschema@._read_streams(home, new);
	END IF;
	PERFORM @extschema@._model_follow_thresholds(home, old, new, false);
	BEGIN
		PERFORM @extschema@._model_make_shown(home, new);
	EXCEPTION WHEN feature_not_supported THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
		RAISE feature_not_supported USING
			MESSAGE = format('model "%s" can''t be upgraded: %s', home, message),
			DETAIL = format('Others depend on these views, or have rights on them: %s.', array_to_string(kept, ', ')),
			HINT = 'Drop what depends on that view, upgrade the model, and make it again.';
	END;
	PERFORM @extschema@._model_describe(home, new);
	SELECT string_agg(DISTINCT c.relname, ', ') INTO gone
	  FROM pg_depend AS d JOIN pg_rewrite AS w ON w.oid = d.objid JOIN pg_class AS c ON c.oid = w.ev_class
	 WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_proc'::regclass
	   AND d.refobjid = '@extschema@._model_outdated(text)'::regprocedure
	   AND c.relnamespace = to_regnamespace(quote_ident(home));
	IF gone IS NOT NULL THEN
		RAISE dependent_objects_still_exist USING
			MESSAGE = format('model "%s" can''t be upgraded: others depend on views that models have no longer', home),
			DETAIL = format('They are: %s.', gone),
			HINT = 'Drop what depends on them, and upgrade the model.';
	END IF;
	RETURN QUERY VALUES ('upgraded', format('layout %s -> %s', made, @extschema@._model_layout())),
		('version', format('%s -> %s', old ->> 'version', new ->> 'version'));
	IF kept <> '{}' THEN
		RETURN QUERY VALUES ('replaced in place', array_to_string(kept, ', '));
	END IF;
	RETURN QUERY SELECT * FROM @extschema@._model_make_key_index(home, new, false);
END
$$;
COMMENT ON FUNCTION @extschema@._model_upgrade(jsonb, text) IS
	'internal: upgrade_model with the settings of its caller';

CREATE FUNCTION @extschema@.upgrade_model(model text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET extra_float_digits = 1		-- numbers travel as jsonb
BEGIN ATOMIC
	SELECT m.item, m.detail FROM @extschema@._model_upgrade(@extschema@._model_caller(), upgrade_model.model) AS m;
END;
COMMENT ON FUNCTION @extschema@.upgrade_model(text) IS
	'after ALTER EXTENSION customer_scoring UPDATE: make a model that an earlier version has made one of this version; '
	'its tables, thresholds and fits stay, its views and functions are made again, live triggers too; '
	'writes a version';
