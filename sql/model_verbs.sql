--
-- Layer 4: what can be done with a model. Each verb does all of its work or
-- none, in the transaction of its caller.
--

/* ---- writing the configuration ---- */

-- One at a time writes a model; readers don't notice. False if somebody else
-- is at it and the caller doesn't want to wait.
CREATE FUNCTION @extschema@.model_lock(model name, wait boolean DEFAULT true)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('model "%s" can''t be written at isolation level %s', model, current_setting('transaction_isolation')),
			DETAIL = 'It would go by what was true when the transaction began.',
			HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED;';
	END IF;
	BEGIN
		EXECUTE format('LOCK TABLE %I.refreshes IN SHARE ROW EXCLUSIVE MODE NOWAIT', model);
		RETURN true;
	EXCEPTION WHEN lock_not_available THEN
		NULL;
	END;
	IF NOT coalesce(wait, true) THEN
		RAISE NOTICE 'model "%": somebody else is writing it, skipped', model;
		RETURN false;
	END IF;
	RAISE NOTICE 'model "%": somebody else is writing it, waiting', model;
	EXECUTE format('LOCK TABLE %I.refreshes IN SHARE ROW EXCLUSIVE MODE', model);
	RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@.model_lock(name, boolean) IS 'internal: keep other writers of a model away until the transaction ends';

-- All views of a model at once, or with tables all there is, before they are
-- replaced or dropped. A reader locks a view and then those below it: who held
-- one of them and waited for another would sooner or later deadlock with him.
-- So only the first is waited for; whatever else is not free at once is waited
-- for with nothing in hand, and then comes first.
CREATE FUNCTION @extschema@.model_lock_readers(model name, tables boolean DEFAULT false)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- LOCK TABLE on a view locks the tables below it too, those of others among them
	relations	text[] := ARRAY(SELECT format(CASE c.relkind WHEN 'v' THEN 'ALTER VIEW %1$I.%2$I SET (security_barrier)'
										ELSE 'LOCK TABLE ONLY %1$I.%2$I IN ACCESS EXCLUSIVE MODE' END, model, c.relname)
		FROM pg_class AS c WHERE c.relnamespace = to_regnamespace(quote_ident(model)) AND (c.relkind = 'v' OR c.relkind = 'r' AND tables)
		ORDER BY c.relkind DESC, c.relname);
	-- far below what makes a reader look for a deadlock, for all of them together
	patience	text := (SELECT greatest(1, s.setting::int / 50)::text FROM pg_settings AS s WHERE s.name = 'deadlock_timeout');
	owners		text := current_setting('lock_timeout');
	relation	text;
	n			int;
BEGIN
	LOOP
		n := 0;
		BEGIN
			FOREACH relation IN ARRAY relations LOOP
				PERFORM set_config('lock_timeout', CASE WHEN n = 0 THEN owners ELSE patience END, true);
				EXECUTE relation;
				n := n + 1;
			END LOOP;
			PERFORM set_config('lock_timeout', owners, true);
			RETURN;
		EXCEPTION WHEN lock_not_available THEN
			IF n = 0 THEN
				RAISE;
			END IF;
			relations := relation || array_remove(relations, relation);
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.model_lock_readers(name, boolean) IS 'internal: keep readers of a model away until the transaction ends, and deadlock with none';

-- The source of a live model before the model's tables, as its TRUNCATE locks
-- them, so that the two can't wait for each other. With "mode" NULL it is only
-- read. Who is going to change triggers names the lock for that: it is taken at
-- once, for who has read the source first could wait for another model that has
-- done the same. 'triggers' leaves it to the catalogs whether they have to be
-- made anew. True if they have, or a mode was named.
CREATE FUNCTION @extschema@.model_lock_source(model name, settings jsonb, mode text DEFAULT NULL)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	s		record;
	wanted	text;
BEGIN
	SELECT * INTO s FROM jsonb_to_record(settings) AS r (live boolean, source_relation text, source_columns text[], source_parts text[]);
	IF NOT s.live OR @extschema@.model_missing(ARRAY[s.source_relation]) IS NOT NULL THEN
		RETURN false;
	END IF;
	LOOP
		wanted := CASE WHEN mode <> 'triggers' THEN mode
			WHEN mode = 'triggers' AND @extschema@.live_problem(model, s.source_relation, s.source_columns, s.source_parts) IS NOT NULL THEN 'SHARE ROW EXCLUSIVE' END;
		-- of a source that belongs to somebody else now the caller is told later
		IF wanted IS NOT NULL AND NOT has_table_privilege(s.source_relation, 'UPDATE') THEN
			RETURN true;
		END IF;
		BEGIN
			EXECUTE format('LOCK TABLE %s IN %s MODE', s.source_relation, coalesce(wanted, 'ACCESS SHARE'));
			IF wanted IS NOT NULL OR mode IS NULL
				OR @extschema@.live_problem(model, s.source_relation, s.source_columns, s.source_parts) IS NULL THEN
				RETURN wanted IS NOT NULL;
			END IF;
			-- it has changed while we waited: once more, with nothing in hand
			RAISE EXCEPTION USING ERRCODE = 'CSAGN', MESSAGE = 'once more';
		EXCEPTION WHEN SQLSTATE 'CSAGN' THEN
			NULL;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.model_lock_source(name, jsonb, text) IS 'internal: lock the source of a live model before the model''s tables';

-- Whoever works on a model is told what another tool has dropped of it.
CREATE FUNCTION @extschema@.model_tell_lost(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	lost	text := @extschema@.model_lost(model, @extschema@.model_names(settings, 'objects'));
BEGIN
	IF lost ~ '^table ' THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = format('model "%s": %s', model, lost);
	ELSIF lost IS NOT NULL THEN
		RAISE WARNING 'model "%": %', model, lost;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.model_tell_lost(name, jsonb) IS 'internal: a warning, or an error, if parts of a model are missing';

-- What the schema of a model is, for everybody: comments can be read by all, so
-- the SQL of a query, and what it says of people, has no place there.
CREATE FUNCTION @extschema@.model_describe(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	EXECUTE format('COMMENT ON SCHEMA %I IS %L', model, 'customer_scoring model over ' || coalesce(settings ->> 'source_relation', 'a query'));
END
$$;
COMMENT ON FUNCTION @extschema@.model_describe(name, jsonb) IS 'internal: the comment on the schema of a model';

-- Settings that make sense together, or an error.
CREATE FUNCTION @extschema@.model_check_settings(settings jsonb)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	argument	text;
	today		date;
	s			record;
BEGIN
	FOREACH argument IN ARRAY '{source,bins,monetary,frequency,weights,time_zone,on_error,language,change_days,money_decimals,minimum_group_size,minimum_customers,margin,discount_rate}'::text[] LOOP
		IF settings ->> argument IS NULL THEN
			RAISE null_value_not_allowed USING MESSAGE = format('%s must not be null', argument);
		END IF;
	END LOOP;
	SELECT * INTO s FROM jsonb_to_record(settings) AS r (as_of date, bins int, segment_map text, window_days int, monetary text, frequency text,
		recency_thresholds float8[], frequency_thresholds float8[], monetary_thresholds float8[], weights float8[],
		time_zone text, language text, change_days int, money_decimals int,
		retention_days int, minimum_group_size int, minimum_customers int, prediction text, margin float8, discount_rate float8);
	today := (now() AT TIME ZONE s.time_zone)::date;		-- an error for an unknown zone
	IF NOT isfinite(s.as_of) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('as_of must be finite, not %s', settings ->> 'as_of'),
			HINT = 'Leave as_of NULL, and the model always answers for today.';
	END IF;
	IF s.as_of > today THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('as_of %s lies after today, %s in %s', settings ->> 'as_of', to_char(today, 'YYYY-MM-DD'), s.time_zone),
			HINT = 'Leave as_of NULL, and the model always answers for today.';
	END IF;
	IF settings ->> 'on_error' NOT IN ('reject', 'raise') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('on_error "%s" is neither "reject" nor "raise"', left(settings ->> 'on_error', 100));
	END IF;
	IF s.change_days < 1 OR s.change_days > 36525 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('change_days %s is not between 1 and 36525', s.change_days);
	END IF;
	IF s.money_decimals NOT BETWEEN 0 AND 9 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('money_decimals %s is not between 0 and 9', s.money_decimals);
	END IF;
	IF s.language !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('language "%s" is not a language code', left(s.language, 100)),
			HINT = 'Shipped maps have labels in en and fr.';
	END IF;
	IF s.retention_days < 1 OR s.retention_days > 365250 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('retention_days %s is not between 1 and 365250', s.retention_days);
	END IF;
	IF s.minimum_group_size NOT BETWEEN 1 AND 1000000 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('minimum_group_size %s is not between 1 and 1000000', s.minimum_group_size);
	END IF;
	IF s.minimum_customers NOT BETWEEN 1 AND 1000000 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('minimum_customers %s is not between 1 and 1000000', s.minimum_customers);
	END IF;
	IF s.prediction NOT IN ('mbgnbd', 'bgnbd', 'paretonbd') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('prediction "%s" is no family', left(s.prediction, 100)),
			HINT = 'The families are mbgnbd (recommended), bgnbd and paretonbd.';
	END IF;
	IF NOT (s.margin > 0 AND s.margin <= 1) THEN
		RAISE invalid_parameter_value USING MESSAGE = format('margin %s is not above 0 and at most 1', s.margin);
	END IF;
	IF NOT (s.discount_rate >= 0 AND s.discount_rate <= 10) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('discount_rate %s is not between 0 and 10', s.discount_rate),
			HINT = 'It is per year: 0.1 is ten percent.';
	END IF;
	IF (settings ->> 'live')::boolean AND settings ->> 'event_key' IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = 'live: a model with an event_key can''t be live',
			DETAIL = 'A trigger sees the rows of one statement, and not whether there are others with the same key.',
			HINT = 'A unique index on the source does what event_key does; or leave live out and schedule refresh_model.';
	END IF;
	-- Everything about scores is checked by the function that defines them.
	PERFORM FROM @extschema@.score_customers('SELECT NULL::text, NULL::date, 0 WHERE false', coalesce(s.as_of, today),
		s.bins, s.segment_map, s.window_days, s.monetary, s.frequency,
		s.recency_thresholds, s.frequency_thresholds, s.monetary_thresholds, s.weights);
END
$$;
COMMENT ON FUNCTION @extschema@.model_check_settings(jsonb) IS 'internal: refuse settings that make no sense';

-- A copy of the segment map in the model's own tables, with a label in the
-- model's language for every segment.
CREATE FUNCTION @extschema@.model_copy_map(model name, copy text, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM @extschema@.create_segment_map(format('%I.%I', model, copy), copy_of => settings ->> 'segment_map');
	IF settings ->> 'segment_map' IS NULL THEN
		EXECUTE format('UPDATE %I.segment_map SET description = ''No segments.'' WHERE map = $1', model) USING copy;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.model_copy_map(name, text, jsonb) IS 'internal: copy a segment map into a model';

-- Labels that the language lacks: fr for fr-CA, English, any, the key itself.
CREATE FUNCTION @extschema@.model_complete_labels(model name, copy text, language text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	EXECUTE format($q$
		INSERT INTO %1$I.segment_label (map, segment, language, role, label, description, action, display_order, color)
		SELECT $1, s.segment, $2, coalesce(l.role, 'other'), coalesce(l.label, s.segment), l.description, l.action, l.display_order, l.color
		  FROM (SELECT segment FROM %1$I.segment_rule WHERE map = $1
				UNION SELECT segment FROM %1$I.segment_label WHERE map = $1) AS s
		  LEFT JOIN LATERAL (SELECT * FROM %1$I.segment_label AS x WHERE x.map = $1 AND x.segment = s.segment
							  ORDER BY x.language = split_part($2, '-', 1) DESC, x.language = 'en' DESC, x.language LIMIT 1) AS l ON true
		 WHERE NOT EXISTS (SELECT FROM %1$I.segment_label AS x WHERE x.map = $1 AND x.segment = s.segment AND x.language = $2)
		$q$, model) USING copy, language;
	EXECUTE format($q$
		UPDATE %1$I.segment_label AS l SET display_order = coalesce(l.display_order, o.n), color = coalesce(l.color, '#BDBDBD')
		  FROM (SELECT segment, language, (coalesce(max(display_order) OVER (), 0)
					   + row_number() OVER (PARTITION BY display_order IS NULL ORDER BY segment))::int AS n
				  FROM %1$I.segment_label WHERE map = $1 AND language = $2) AS o
		 WHERE l.map = $1 AND l.segment = o.segment AND l.language = o.language AND (l.display_order IS NULL OR l.color IS NULL)
		$q$, model) USING copy, language;
	EXECUTE format('ANALYZE %I.segment_label', model);
END
$$;
COMMENT ON FUNCTION @extschema@.model_complete_labels(name, text, text) IS 'internal: a label in the model''s language for every segment';

-- The next version of the configuration, in force from its as_of day on.
CREATE FUNCTION @extschema@.model_write_version(model name, settings jsonb, reason text)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	valid_from	date := coalesce((settings ->> 'as_of')::date, (now() AT TIME ZONE (settings ->> 'time_zone'))::date);
	version		int;
BEGIN
	EXECUTE format('SELECT coalesce(max(version), 0) + 1 FROM %I.configuration', model) INTO version;
	EXECUTE format('UPDATE %I.configuration SET valid_until = least(valid_until, $1) WHERE valid_until IS NULL OR valid_until > $1', model)
		USING valid_from;
	settings := settings || jsonb_build_object('version', version, 'valid_from', valid_from, 'valid_until', NULL,
		'reason', reason, 'made_at', now(), 'made_by', current_user);
	EXECUTE format('INSERT INTO %1$I.configuration SELECT * FROM jsonb_populate_record(NULL::%1$I.configuration, $1)', model)
		USING settings;
	RETURN settings;
END
$$;
COMMENT ON FUNCTION @extschema@.model_write_version(name, jsonb, text) IS 'internal: write the next version of a configuration';

/* ---- thresholds ---- */

-- Thirds of what the fits of the version at hand say of the lifetime value; with
-- weights, those that tell best who has come back.
CREATE FUNCTION @extschema@.model_write_clv_thresholds(model name, settings jsonb, weights boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	then_window	text := format('(f.history, f.as_of - 90, %s)', coalesce(settings ->> 'window_days', 'NULL'));
	frequency	text := CASE settings ->> 'frequency' WHEN 'active_days' THEN '@extschema@.active_days' ELSE '@extschema@.frequency' END || then_window;
	monetary	text := CASE settings ->> 'monetary' WHEN 'mean' THEN '@extschema@.mean_value' ELSE '@extschema@.monetary_float8' END || then_window || '::float8';
BEGIN
	EXECUTE format($q$
		UPDATE %1$I.calibration AS k SET clv_thresholds = CASE WHEN m.customers >= $1 THEN m.clv_thresholds END%5$s
		  FROM (SELECT f.tenant, count(f.recency_days) AS customers, @extschema@.quantile_thresholds(f.clv_12m, 3) AS clv_thresholds%4$s
				  FROM (%2$s) AS f GROUP BY f.tenant) AS m
		 WHERE k.version = %3$s AND k.tenant = m.tenant$q$, model,
		@extschema@.model_facts(model, settings, @extschema@.model_question(model, settings,
			condition => format('c.version = %s', settings ->> 'version'), reader => NULL)), settings ->> 'version',
		CASE WHEN weights THEN format($q$,
					   @extschema@.logit_fit(@extschema@.propensity_label(f.history, f.as_of - 90, 90),
							ARRAY[@extschema@.score(@extschema@.recency(f.history, f.as_of - 90), f.recency_thresholds, false),
								  CASE WHEN %1$s = 0 THEN 1 ELSE @extschema@.score(%1$s, f.frequency_thresholds) END,
								  CASE WHEN %1$s = 0 THEN 1 ELSE @extschema@.score(%2$s, f.monetary_thresholds) END]::float8[], 1, 1) AS weights_fit$q$,
			frequency, monetary) ELSE '' END,
		CASE WHEN weights THEN ', weights_fit = m.weights_fit' ELSE '' END)
		USING (settings ->> 'minimum_customers')::int;
END
$$;
COMMENT ON FUNCTION @extschema@.model_write_clv_thresholds(name, jsonb, boolean) IS 'internal: thirds of the lifetime value, and learnt weights, for the version at hand';

-- How customers come back, what they spend, who orders again: fitted to what
-- the version at hand knows, for each of its tenants.
CREATE FUNCTION @extschema@.model_write_fits(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF settings ->> 'prediction' IS NULL THEN
		RETURN;
	END IF;
	EXECUTE format($q$
		UPDATE %1$I.calibration AS k SET fitted_on = m.as_of, btyd_fit = m.btyd_fit, spend_fit = m.spend_fit, propensity_fit = m.propensity_fit
		  FROM (SELECT f.tenant, f.as_of, @extschema@.btyd_fit(%4$L, b.x, b.t_x, b.t, 7) AS btyd_fit, @extschema@.spend_fit(b.x, b.m) AS spend_fit,
					   @extschema@.logit_fit(@extschema@.propensity_label(f.history, f.as_of - 90, 90), @extschema@.propensity_features(f.history, f.as_of - 90), 1, 1) AS propensity_fit
				  FROM (%2$s) AS f CROSS JOIN LATERAL @extschema@.btyd(f.history, f.as_of, 7) AS b GROUP BY f.tenant, f.as_of) AS m
		 WHERE k.version = %3$s AND k.tenant = m.tenant$q$, model,
		@extschema@.model_facts(model, settings, @extschema@.model_question(model, settings,
			condition => format('c.version = %s', settings ->> 'version'), reader => NULL)), settings ->> 'version', settings ->> 'prediction');
	PERFORM @extschema@.model_write_clv_thresholds(model, settings, true);
END
$$;
COMMENT ON FUNCTION @extschema@.model_write_fits(name, jsonb) IS 'internal: fits of the version at hand';

-- People who can't be read any more, in words that lead to alter_model: else the
-- error would print a query of a hundred lines.
CREATE FUNCTION @extschema@.model_check_people(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	state	text;
	message	text;
BEGIN
	IF settings ->> 'customers_query' IS NOT NULL THEN
		EXECUTE format('SELECT FROM (%s) AS p LIMIT 0', settings ->> 'customers_query');
	END IF;
EXCEPTION
	WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name OR ambiguous_column
		OR datatype_mismatch OR cannot_coerce OR wrong_object_type OR grouping_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		RAISE EXCEPTION USING ERRCODE = state,
			-- one major calls a column source.city, another "city"
			MESSAGE = format('model "%s" can''t read its people: %s', model, regexp_replace(message, '^column source[.](.*) does not exist$', 'column "\1" does not exist')),
			HINT = format('Bring back what is missing, or name it anew: alter_model(%L, customers => ..., attributes => ..., consent => ..., objection => ..., contact => ...)', model);
END
$$;
COMMENT ON FUNCTION @extschema@.model_check_people(name, jsonb) IS 'internal: an error if the table of people, or a column of it, can''t be read';

-- Thresholds of the version at hand, for every tenant that has none: taken
-- from the customers, or, with measure false, only those that are fixed; with
-- measure NULL the same, for tenants with a stored history alone.
CREATE FUNCTION @extschema@.model_write_thresholds(model name, settings jsonb, measure boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	bins		int := settings ->> 'bins';
	s			record;
	people		text := settings ->> 'customers_query';
	tenants		text;
	facts		text;
	measured	boolean := coalesce(measure, false);
	written		bigint;
BEGIN
	SELECT * INTO s FROM jsonb_to_record(settings)
		AS r (recency_thresholds float8[], frequency_thresholds float8[], monetary_thresholds float8[]);
	s.recency_thresholds := coalesce(s.recency_thresholds, CASE WHEN bins = 5 THEN '{30,90,180,365}'::float8[] END, '{}');
	s.frequency_thresholds := coalesce(s.frequency_thresholds, CASE WHEN bins = 5 THEN '{1,2,4,9}'::float8[] END, '{}');
	s.monetary_thresholds := coalesce(s.monetary_thresholds, '{}');
	PERFORM @extschema@.model_check_people(model, settings);
	tenants := CASE WHEN settings ->> 'tenant' IS NULL THEN 'SELECT ''''::text AS tenant'
		-- from one tenant to the next by the index: apply_changes comes every minute
		WHEN measure IS NULL THEN format('(WITH RECURSIVE known AS (SELECT min(h.tenant) AS tenant FROM %1$I.customer_histories AS h UNION ALL'
			' SELECT (SELECT min(h.tenant) FROM %1$I.customer_histories AS h WHERE h.tenant > known.tenant) FROM known WHERE known.tenant IS NOT NULL)'
			' SELECT known.tenant FROM known WHERE known.tenant IS NOT NULL)', model)
		ELSE format('SELECT h.tenant FROM (%s) AS h GROUP BY h.tenant', @extschema@.model_histories(model, settings))
			 || CASE WHEN people IS NULL THEN '' ELSE format(' UNION SELECT p.tenant FROM (%s) AS p', people) END END;
	tenants := format('SELECT k.tenant FROM (%s) AS k WHERE NOT EXISTS (SELECT FROM %I.calibration AS b WHERE b.version = %s AND b.tenant = k.tenant)',
		tenants, model, settings ->> 'version');
	facts := @extschema@.model_facts(model, settings, @extschema@.model_question(model, settings,
		condition => format('c.version = %s AND %L', settings ->> 'version', measured), reader => NULL,
		calibration => format('(SELECT t.tenant, %s AS version, NULL::float8[] AS recency_thresholds, NULL::float8[] AS frequency_thresholds,'
			' NULL::float8[] AS monetary_thresholds, NULL::float8[] AS basket_thresholds,'
			' NULL::jsonb AS btyd_fit, NULL::jsonb AS spend_fit, NULL::jsonb AS propensity_fit, NULL::float8[] AS clv_thresholds FROM (%s) AS t)', settings ->> 'version', tenants)));
	EXECUTE format($q$
		INSERT INTO %1$I.calibration (version, tenant, calibrated_on, recency_thresholds, frequency_thresholds, monetary_thresholds, basket_thresholds, customers, median_value)
		SELECT %2$s, k.tenant, (SELECT %5$s FROM %1$I.configuration AS c WHERE c.version = %2$s),
			   CASE WHEN cardinality($2) > 0 OR $1 = 1 THEN $2 WHEN m.customers >= $5 THEN m.recency END,
			   CASE WHEN cardinality($3) > 0 OR $1 = 1 THEN $3 WHEN m.customers >= $5 THEN m.frequency END,
			   CASE WHEN cardinality($4) > 0 OR $1 = 1 THEN $4 WHEN m.customers >= $5 THEN m.monetary END,
			   CASE WHEN $1 = 1 THEN '{}' WHEN m.customers >= $5 THEN m.basket END, coalesce(m.customers, 0),
			   CASE WHEN m.customers >= $5 THEN m.median[1] END
		  FROM (%3$s) AS k
		  LEFT JOIN (SELECT f.tenant, count(*) FILTER (WHERE f.recency_days IS NOT NULL) AS customers,
							@extschema@.quantile_thresholds(f.recency_days, $1) FILTER (WHERE f.recency_days IS NOT NULL AND cardinality($2) = 0) AS recency,
							@extschema@.quantile_thresholds(f.frequency, $1) FILTER (WHERE f.frequency > 0 AND cardinality($3) = 0) AS frequency,
							@extschema@.quantile_thresholds(f.scored_value, $1)
								FILTER (WHERE f.frequency > 0 AND cardinality($4) = 0) AS monetary,
							@extschema@.quantile_thresholds(f.mean_value::float8, $1) FILTER (WHERE f.frequency > 0) AS basket,
							@extschema@.quantile_thresholds(f.mean_value::float8, 2) FILTER (WHERE f.frequency > 0) AS median
					   FROM (%4$s) AS f GROUP BY f.tenant) AS m ON m.tenant = k.tenant
		$q$, model, settings ->> 'version', tenants, facts, @extschema@.model_as_of())
		USING bins, s.recency_thresholds, s.frequency_thresholds, s.monetary_thresholds, (settings ->> 'minimum_customers')::int;
	GET DIAGNOSTICS written = ROW_COUNT;
	IF measured THEN
		PERFORM @extschema@.model_write_fits(model, settings);
	END IF;
	-- Too few rows for autovacuum, and a table never analyzed counts as ten pages.
	IF written > 0 THEN
		EXECUTE format('ANALYZE %1$I.configuration, %1$I.calibration', model);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.model_write_thresholds(name, jsonb, boolean) IS 'internal: thresholds for the version at hand';

/* ---- reading the source ---- */

-- A source that can't be read any more, in words that lead to alter_model.
CREATE FUNCTION @extschema@.model_raise_unreadable(model name, state text, message text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = state,
		-- one major calls a column source.total, another "total"
		MESSAGE = format('model "%s" can''t read its source: %s', model, regexp_replace(message, '^column source[.](.*) does not exist$', 'column "\1" does not exist')),
		HINT = format('Where tables or columns have other names or types now, name them anew: alter_model(%L, source => ..., customer => ..., day => ..., value => ...)', model);
END
$$;
COMMENT ON FUNCTION @extschema@.model_raise_unreadable(name, text, text) IS 'internal: the error of a source that can''t be read';

-- The histories that the source has now, as an item of FROM.
CREATE FUNCTION @extschema@.model_source_histories(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('@extschema@.source_histories(%L, NULL::%s, %L, %L)', settings OPERATOR(pg_catalog.->>) 'source_query',
		settings OPERATOR(pg_catalog.->>) 'customer_type',
		CASE WHEN (settings OPERATOR(pg_catalog.->>) 'day_is_moment')::boolean THEN settings OPERATOR(pg_catalog.->>) 'time_zone' END,
		settings OPERATOR(pg_catalog.->>) 'on_error' OPERATOR(pg_catalog.=) 'reject');
END;
COMMENT ON FUNCTION @extschema@.model_source_histories(jsonb) IS 'internal: an item of FROM that reads the source of a model';

-- The same by customer_key, whoever has been merged into another customer under
-- the key of that one. Whoever has no history, because it would be too large, has
-- a key in the column too_large only. A model without merges pays nothing for them.
CREATE FUNCTION @extschema@.model_source_customers(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	counts		text := 'f.rows_read, f.no_customer, f.no_day, f.no_value, f.unconvertible';
	merged		boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %I.merged_customers)', model) INTO merged;
	IF NOT merged THEN
		RETURN format('WITH level AS (SELECT) SELECT CASE WHEN f.history IS NOT NULL THEN %1$s END COLLATE "C" AS customer_key, %2$s, f.history, %3$s,'
			' CASE WHEN f.history IS NULL AND f.rows_read IS NULL THEN %1$s END COLLATE "C" AS too_large FROM %4$s AS f',
			@extschema@.model_source_key(settings, 'f.customer_id'),
			CASE WHEN tenanted THEN 'f.customer_id[1] AS tenant, f.customer_id[2] AS customer_id' ELSE '''''::text AS tenant' END,
			counts, @extschema@.model_source_histories(settings));
	END IF;
	RETURN format($q$
		WITH source AS MATERIALIZED (
			SELECT (%2$s) COLLATE "C" AS customer_key, %3$s, f.history, %6$s FROM %5$s AS f
		), merged AS MATERIALIZED (
			SELECT m.customer_key, m.tenant, m.root_key, m.root_id FROM %1$I.merged_customers AS m
			UNION
			SELECT m.root_key, m.tenant, m.root_key, m.root_id FROM %1$I.merged_customers AS m
		)
		SELECT CASE WHEN f.history IS NOT NULL THEN f.customer_key END AS customer_key, f.tenant, %4$s f.history, %6$s,
			   CASE WHEN f.history IS NULL AND f.rows_read IS NULL THEN f.customer_key END AS too_large
		  FROM source AS f WHERE NOT EXISTS (SELECT FROM merged AS m WHERE m.customer_key = f.customer_key)
		UNION ALL
		SELECT CASE WHEN s.history IS NOT NULL THEN s.root_key END, s.tenant, %7$s s.history, NULL, NULL, NULL, NULL, NULL,
			   CASE WHEN s.history IS NULL THEN s.root_key END
		  FROM (SELECT m.root_key, m.tenant, m.root_id, CASE WHEN bool_and(f.history IS NOT NULL) THEN @extschema@.try_sum(f.history) END AS history
				  FROM source AS f JOIN merged AS m ON m.customer_key = f.customer_key GROUP BY m.root_key, m.tenant, m.root_id) AS s$q$,
		model, @extschema@.model_source_key(settings, 'f.customer_id'),
		CASE WHEN tenanted THEN 'f.customer_id[1] AS tenant, f.customer_id[2] AS customer_id' ELSE '''''::text AS tenant' END,
		CASE WHEN tenanted THEN 'f.customer_id,' ELSE '' END, @extschema@.model_source_histories(settings), counts,
		CASE WHEN tenanted THEN 's.root_id,' ELSE '' END);
END
$$;
COMMENT ON FUNCTION @extschema@.model_source_customers(name, jsonb) IS 'internal: the query for the history that each customer has in the source now';

-- The source read anew; only rows that differ are written.
CREATE FUNCTION @extschema@.model_read_source(model name, settings jsonb)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	refresh		bigint;
	expired		text[];
	state		text;
	message		text;
BEGIN
	PERFORM @extschema@.model_check_tokens(model);
	-- Whoever has no history, because it would be too large, has no key here: like
	-- the row with the counts he meets nobody, and is among those that differ.
	-- Rows that are new need not look for a conflict. Whoever has been erased has
	-- no row: only those that would be new are looked for on the list.
	EXECUTE format($q$
		WITH differing AS MATERIALIZED (
			SELECT coalesce(f.customer_key, h.customer_key) AS customer_key, f.tenant, %3$s f.history, h.customer_key IS NULL AS is_new,
				   f.rows_read, f.no_customer, f.no_day, f.no_value, f.unconvertible, f.too_large
			  FROM (SELECT * FROM (%2$s) AS f
					 WHERE f.history IS NULL OR f.history OPERATOR(@extschema@.<>) '{}' AND %9$s) AS f
			  FULL JOIN %1$I.customer_histories AS h ON h.customer_key = f.customer_key
			 WHERE h.customer_key IS NULL OR f.customer_key IS NULL OR h.history OPERATOR(@extschema@.<>) f.history
		), removed AS (
			DELETE FROM %1$I.customer_histories AS h USING differing AS d
			 WHERE d.history IS NULL AND h.customer_key = d.customer_key
			RETURNING h.customer_key, h.history
		), changed AS (
			INSERT INTO %1$I.customer_histories AS h (tenant, customer_key, %4$s history)
			SELECT d.tenant, d.customer_key, %5$s d.history FROM differing AS d
			 WHERE d.history IS NOT NULL AND NOT d.is_new ORDER BY d.customer_key
			ON CONFLICT (customer_key) DO UPDATE SET history = EXCLUDED.history
			RETURNING 1
		), added AS (
			INSERT INTO %1$I.customer_histories AS h (tenant, customer_key, %4$s history)
			SELECT d.tenant, d.customer_key, %5$s d.history FROM differing AS d
			 WHERE d.history IS NOT NULL AND d.is_new AND %8$s ORDER BY d.customer_key
			RETURNING 1
		)%7$s
		INSERT INTO %1$I.refreshes (version, started_at, finished_at, rows_read, rows_without_customer, rows_without_day, rows_without_value, rows_unconvertible,
			   customers, customers_added, customers_changed, customers_removed, customers_too_large)
		SELECT %6$s, statement_timestamp(), NULL, f.rows_read, f.no_customer, f.no_day, f.no_value, f.unconvertible,
			   n.earlier + n.added - n.removed, n.added, n.changed, n.removed, n.too_large
		  FROM differing AS f,
			   (SELECT (SELECT count(*) FROM %1$I.customer_histories) AS earlier, (SELECT count(*) FROM added) AS added,
					   (SELECT count(*) FROM changed) AS changed, (SELECT count(*) FROM removed) AS removed,
					   (SELECT count(*) FROM differing AS d WHERE d.customer_key IS NULL) - 1 AS too_large OFFSET 0) AS n
		 WHERE f.rows_read IS NOT NULL
		RETURNING refresh_id, %10$s
		$q$, model, @extschema@.model_source_customers(model, settings),
		CASE WHEN tenanted THEN 'f.customer_id,' ELSE '' END, CASE WHEN tenanted THEN 'customer_id,' ELSE '' END,
		CASE WHEN tenanted THEN 'd.customer_id,' ELSE '' END, settings ->> 'version',
		-- what this snapshot of the source has, is not pending any more
		format(', applied AS (DELETE FROM %1$I.pending), mended AS (DELETE FROM %1$I.rejects)', model)
			|| CASE WHEN (settings ->> 'live')::boolean THEN format(', pieces AS (%s)', @extschema@.model_live_pieces(model, settings,
				format('SELECT d.too_large FROM differing AS d WHERE d.too_large IS NOT NULL AND %s', @extschema@.model_not_suppressed(model, 'd.too_large')))) ELSE '' END,
		@extschema@.model_not_suppressed(model, 'd.customer_key'), @extschema@.model_kept(model, settings, 'f.history'),
		CASE WHEN settings ->> 'retention_days' IS NULL THEN 'NULL::text[]' ELSE
			format('(SELECT array_agg(r.customer_key) FROM removed AS r WHERE NOT %s)', @extschema@.model_kept(model, settings, 'r.history')) END)
		INTO refresh, expired;
	IF settings ->> 'retention_days' IS NOT NULL THEN
		PERFORM @extschema@.model_purge_rest(model, settings, expired);
	END IF;
	EXECUTE format('UPDATE %I.refreshes SET finished_at = clock_timestamp() WHERE refresh_id = $1', model) USING refresh;
	RETURN refresh;
EXCEPTION
	WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name OR ambiguous_column
		OR datatype_mismatch OR cannot_coerce OR wrong_object_type OR grouping_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@.model_raise_unreadable(model, state, message);
		RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.model_read_source(name, jsonb) IS 'internal: read the source of a model, write what differs';

/* ---- reports ---- */

-- A query as it would be printed today; NULL if it can't be read any more.
CREATE FUNCTION @extschema@.model_reprinted(model name, query text)
	RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (SELECT p.definition FROM @extschema@.model_probe(model, '{"search_path": "pg_catalog, pg_temp"}', query) AS p);
EXCEPTION WHEN syntax_error_or_access_rule_violation OR invalid_schema_name OR data_exception THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.model_reprinted(name, text) IS 'internal: a query of a model as this server prints it';

-- How many customers each segment has, by label.
CREATE FUNCTION @extschema@.model_segment_counts(model name)
	RETURNS TABLE (segment text, segment_label text, segment_order int, customers bigint)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- A customers table that was dropped with CASCADE took the views along: then
	-- alter_model, which makes them anew, has nothing to compare with.
	IF (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE n.nspname = model AND c.relname IN ('segments', 'customer_scores') AND c.relkind = 'v') < 2 THEN
		RETURN;
	END IF;
	-- not from segment_summary, which may hide small groups: this is for the owner
	RETURN QUERY EXECUTE format($q$
		SELECT l.segment, l.label, l.segment_order, coalesce(s.customers, 0)
		  FROM %1$I.segments AS l
		  LEFT JOIN (SELECT c.segment, count(*) AS customers FROM %1$I.customer_scores AS c GROUP BY c.segment) AS s ON s.segment = l.segment$q$, model);
END
$$;
COMMENT ON FUNCTION @extschema@.model_segment_counts(name) IS 'internal: customers by segment';

-- What a change does to the segments, in lines.
CREATE FUNCTION @extschema@.model_compare_counts(earlier jsonb, later jsonb)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'segment ' OPERATOR(pg_catalog.||) COALESCE(l.segment_label, e.segment_label),
		   pg_catalog.format('%s -> %s customers', COALESCE(e.customers, 0), COALESCE(l.customers, 0))
	  FROM pg_catalog.jsonb_to_recordset(earlier) AS e (segment text, segment_label text, segment_order int, customers bigint)
	  FULL JOIN pg_catalog.jsonb_to_recordset(later) AS l (segment text, segment_label text, segment_order int, customers bigint)
		ON e.segment OPERATOR(pg_catalog.=) l.segment
	 ORDER BY COALESCE(l.segment_order, e.segment_order), 1;
END;
COMMENT ON FUNCTION @extschema@.model_compare_counts(jsonb, jsonb) IS 'internal: customers by segment before and after';

-- What about the source and the table of customers is probably not meant so.
CREATE FUNCTION @extschema@.model_quality_notes(model name, settings jsonb)
	RETURNS SETOF text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	n		record;
	affected	bigint;
BEGIN
	-- "counts" says which rows are orders, and nothing about the money of the others
	IF settings ->> 'counts' IS NOT NULL THEN
		EXECUTE format('SELECT count(*) FROM %I.customer_histories AS h WHERE (SELECT sum(d.total) FROM @extschema@.days(h.history) AS d WHERE d.events = 0) > 0', model)
			INTO affected;
		IF affected > 0 THEN
			RETURN NEXT format('rows that are no order add to the revenue of %s customers: counts says which rows are orders, the value of the others counts all the same;'
				' if these are cancelled or open orders: value => ''CASE WHEN %s THEN %s ELSE 0 END''', affected, replace(settings ->> 'counts', '''', ''''''), settings ->> 'value');
		END IF;
	END IF;
	IF settings ->> 'customers_query' IS NULL THEN
		RETURN;
	END IF;
	-- a rule reads what is known of people now, whatever the day
	FOR n IN EXECUTE format($q$
		SELECT a.name, string_agg(DISTINCT r.position::text, ', ') AS positions, count(DISTINCT r.position) AS rules
		  FROM %I.segment_rule AS r
		 CROSS JOIN LATERAL jsonb_path_query(r.conditions, 'strict $.**.column') AS c (name)
		  JOIN unnest($1) WITH ORDINALITY AS a (name, n) ON c.name #>> '{}' IN (a.name, 'attributes.' || a.name)
		 WHERE r.map = $2 GROUP BY a.name, a.n ORDER BY a.n$q$, model) USING @extschema@.model_attributes(settings), settings ->> 'map_copy' LOOP
		RETURN NEXT format(CASE n.rules WHEN 1 THEN 'the rule at position %s of the segment map reads %s, an attribute: on every past day it is that of today'
			ELSE 'the rules at positions %s of the segment map read %s, an attribute: on every past day it is that of today' END, n.positions, n.name);
	END LOOP;
	IF settings ->> 'customers' ~* '\m(group\s+by|distinct|union|having|over\s*\()'
		OR EXISTS (SELECT FROM jsonb_array_elements_text(coalesce(nullif(settings -> 'customers_reads', 'null'), '[]')) AS r (relation)
					JOIN pg_class AS c ON c.oid = to_regclass(r.relation) AND c.relkind = 'v'
				   WHERE pg_get_viewdef(c.oid) ~* '\m(group\s+by|distinct|union|having|over\s*\()') THEN
		RETURN NEXT 'customers is a query that adds up or compares rows: all it reads is read again whenever one customer is looked up; a materialized view of it, with a unique index on the customer, is not';
	END IF;
	EXECUTE format($q$
		WITH h AS MATERIALIZED (SELECT h.tenant, h.customer_id AS id FROM (%1$s) AS h),
		p AS MATERIALIZED (SELECT p.tenant, p.customer_id AS id FROM (%2$s) AS p)
		SELECT (SELECT count(*) FROM h) AS customers, (SELECT count(*) FROM p) AS people,
			   (SELECT count(*) FROM h JOIN p USING (tenant, id)) AS same$q$, @extschema@.model_histories(model, settings), settings ->> 'customers_query')
		INTO n;
	IF n.customers = 0 OR n.people = 0 OR n.same * 20 >= least(n.customers, n.people) THEN
		RETURN;
	END IF;
	RETURN NEXT format('%s of the %s customers of the source %s in customers, which has %s people: customer is of type %s, customers_key of type %s; do they mean the same?',
		CASE n.same WHEN 0 THEN 'none' ELSE 'only ' || n.same END, n.customers, CASE n.same WHEN 0 THEN 'is' WHEN 1 THEN 'is' ELSE 'are' END, n.people,
		rtrim(settings ->> 'customer_type', '[]'), settings ->> 'customers_key_type');
	EXECUTE format($q$
		WITH h AS MATERIALIZED (SELECT h.tenant, h.customer_id AS id FROM (%1$s) AS h),
		p AS MATERIALIZED (SELECT p.tenant, p.customer_id AS id FROM (%2$s) AS p),
		same (way, n) AS (
			SELECT 'zeros', count(DISTINCT (h.tenant, h.id)) FROM h JOIN p ON p.tenant = h.tenant AND ltrim(p.id, '0') = ltrim(h.id, '0')
			UNION ALL SELECT 'case', count(DISTINCT (h.tenant, h.id)) FROM h JOIN p ON p.tenant = h.tenant AND lower(btrim(p.id)) = lower(btrim(h.id))
			UNION ALL SELECT 'decimals', count(DISTINCT (h.tenant, h.id)) FROM h JOIN p ON p.tenant = h.tenant AND regexp_replace(p.id, '[.]0+$', '') = regexp_replace(h.id, '[.]0+$', ''))
		SELECT s.way, s.n, (SELECT count(*) FROM h WHERE h.id LIKE '0_%%') AS zeros_in_source FROM same AS s ORDER BY s.n DESC, s.way LIMIT 1$q$,
		@extschema@.model_histories(model, settings), settings ->> 'customers_query') INTO n;
	IF n.n > 0 AND n.way = 'zeros' THEN
		RETURN NEXT format('%s of them would be without leading zeros: %s', n.n, CASE WHEN n.zeros_in_source > 0
			THEN format('customer => ''ltrim(%s, ''''0'''')''', coalesce(settings ->> 'customer', '...'))
			ELSE format('customers_key => ''ltrim(%s, ''''0'''')''', coalesce(settings ->> 'customers_key', settings ->> 'customer', '...')) END);
	ELSIF n.n > 0 AND n.way = 'case' THEN
		RETURN NEXT format('%s of them would be if letter case and blanks made no difference: customer => ''lower(btrim(%s))'', customers_key => ''lower(btrim(%s))''', n.n,
			coalesce(settings ->> 'customer', '...'), coalesce(settings ->> 'customers_key', settings ->> 'customer', '...'));
	ELSIF n.n > 0 THEN
		RETURN NEXT format('%s of them would be without a trailing .0, which a spreadsheet may have added', n.n);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.model_quality_notes(name, jsonb) IS 'internal: notes of create_model and alter_model on the source and the table of customers';

-- What was made, and what is worth knowing about it, in lines.
CREATE FUNCTION @extschema@.model_report(model name, settings jsonb)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	r		record;
	today	date := (now() AT TIME ZONE (settings ->> 'time_zone'))::date;
	days	record;
BEGIN
	EXECUTE format('SELECT * FROM %I.refreshes ORDER BY refresh_id DESC LIMIT 1', model) INTO r;
	EXECUTE format($q$SELECT min(@extschema@.first_day(h.history, 'infinity')) AS first, max(@extschema@.last_day(h.history, 'infinity')) AS last
		FROM %I.customer_histories AS h$q$, model) INTO days;
	RETURN QUERY VALUES
		('model', format('%I, version %s', model, settings ->> 'version')),
		('source', settings ->> 'source'),
		('as of', CASE WHEN settings ->> 'as_of' IS NULL
			THEN format('today in time zone %s, now %s', settings ->> 'time_zone', to_char(today, 'YYYY-MM-DD'))
			ELSE format('%s, always', settings ->> 'as_of') END),
		('rows read', r.rows_read::text);
	IF r.rows_without_customer + r.rows_without_day + r.rows_without_value + r.rows_unconvertible > 0 THEN
		RETURN QUERY VALUES ('rows left out', concat_ws(', ',
			CASE WHEN r.rows_without_customer > 0 THEN format('%s without a customer', r.rows_without_customer) END,
			CASE WHEN r.rows_without_day > 0 THEN format('%s without a day', r.rows_without_day) END,
			CASE WHEN r.rows_without_value > 0 THEN format('%s without a value', r.rows_without_value) END,
			CASE WHEN r.rows_unconvertible > 0 THEN format('%s whose customer, day or value can''t be scored', r.rows_unconvertible) END));
	END IF;
	IF days.first IS NOT NULL THEN
		RETURN QUERY VALUES ('orders', format('%s to %s', to_char(days.first, 'YYYY-MM-DD'), to_char(days.last, 'YYYY-MM-DD')));
	END IF;
	-- an old data set, or a copy that is no longer fed: everybody looks lapsed
	IF settings ->> 'as_of' IS NULL AND days.last < today - 30 THEN
		RETURN QUERY VALUES ('note', format('the last order is %s days old; as_of => %L answers for that day', today - days.last, to_char(days.last, 'YYYY-MM-DD')));
	END IF;
	RETURN QUERY EXECUTE format('SELECT ''note'', concat_ws('': '', concat(d.affected, '' '', d.explanation), d.advice) FROM %I.data_quality AS d'
		' WHERE d.reason IN (''duplicate_keys'', ''conflicting_keys'', ''mixed_currencies'', ''no_currency'', ''placeholder_key'', ''dominant_customer'', ''spoilt_keys'', ''similar_keys'')'
		' AND d.affected > 0', model);
	RETURN QUERY SELECT 'note', n FROM @extschema@.model_quality_notes(model, settings) AS n;
	RETURN QUERY VALUES ('customers', r.customers::text);
	RETURN QUERY SELECT * FROM @extschema@.model_prediction_lines(model, settings);
	RETURN QUERY SELECT 'segment ' || c.segment_label, format('%s customers', c.customers)
		FROM @extschema@.model_segment_counts(model) AS c ORDER BY c.segment_order, c.segment;
END
$$;
COMMENT ON FUNCTION @extschema@.model_report(name, jsonb) IS 'internal: what a model is, in lines';

/* ---- the verbs ---- */

-- All that a model shows, by its configuration: views, and functions over them.
CREATE FUNCTION @extschema@.model_make_shown(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM @extschema@.model_make_views(model, settings);
	PERFORM @extschema@.model_make_status(model, settings);
	PERFORM @extschema@.model_make_quality(model, settings);
	PERFORM @extschema@.model_make_privacy(model, settings);
	PERFORM @extschema@.model_make_functions(model, settings);
	PERFORM @extschema@.model_make_explanations(model, settings);
	PERFORM @extschema@.model_make_parity(model, settings);
	PERFORM @extschema@.model_make_predictions(model, settings);
END
$$;
COMMENT ON FUNCTION @extschema@.model_make_shown(name, jsonb) IS 'internal: make or replace the views and functions of a model';

CREATE FUNCTION @extschema@.model_create(caller jsonb, model text, settings jsonb, dry_run boolean)
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
			MESSAGE = format('name "%s" is not to be had', model),
			DETAIL = 'A model is a schema, and names of schemas that begin with pg_ are the system''s.';
	END IF;
	IF to_regnamespace(quote_ident(model)) IS NOT NULL THEN
		RAISE duplicate_schema USING
			MESSAGE = format('name "%s": %s', model,
				CASE WHEN @extschema@.is_model(to_regnamespace(quote_ident(model))) THEN 'that model already exists'
					ELSE 'a schema of that name already exists' END),
			DETAIL = 'A model has a schema of its own.',
			HINT = CASE WHEN @extschema@.is_model(to_regnamespace(quote_ident(model)))
				THEN format('Take another name, change the model by alter_model, or drop it: SELECT drop_model(%L);', model)
				ELSE 'Take another name.' END;
	END IF;
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('a model can''t be made at isolation level %s', current_setting('transaction_isolation')),
			HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED;';
	END IF;
	PERFORM @extschema@.model_check_settings(settings);
	home := model;

	-- A dry run is the real one, taken back.
	BEGIN
		EXECUTE format('CREATE SCHEMA %I', home);
		settings := @extschema@.model_resolve(home, caller, settings);
		PERFORM @extschema@.model_describe(home, settings);
		PERFORM @extschema@.model_make_tables(home, tenanted);
		PERFORM @extschema@.model_make_corrections(home);
		settings := settings || '{"map_copy": "v1"}';
		PERFORM @extschema@.model_copy_map(home, 'v1', settings);
		PERFORM @extschema@.model_complete_labels(home, 'v1', settings ->> 'language');
		IF (settings ->> 'live')::boolean THEN
			settings := settings || jsonb_build_object('source_columns', @extschema@.model_live_columns(home, settings));
		END IF;
		settings := @extschema@.model_write_version(home, settings, 'created');
		PERFORM @extschema@.model_make_triggers(home, settings);
		PERFORM @extschema@.model_read_source(home, settings);
		-- whoever names these wants to know
		IF settings ->> 'event_key' IS NOT NULL OR settings ->> 'currency' IS NOT NULL THEN
			PERFORM @extschema@.model_check_quality(home, settings);
		END IF;
		EXECUTE format('ANALYZE %I.customer_histories', home);
		PERFORM @extschema@.model_write_thresholds(home, settings, true);
		PERFORM @extschema@.model_make_shown(home, settings);
		EXECUTE format('UPDATE %I.configuration SET objects = $1', home) USING @extschema@.model_objects(home);
		SELECT jsonb_agg(to_jsonb(r)) INTO lines FROM @extschema@.model_report(home, settings) AS r;
		IF dry_run THEN
			RAISE EXCEPTION USING ERRCODE = 'CSDRY', MESSAGE = 'dry run';
		END IF;
	EXCEPTION WHEN SQLSTATE 'CSDRY' THEN
		RETURN QUERY VALUES ('dry run', 'nothing was made');
	END;
	RETURN QUERY SELECT r.item, r.detail FROM jsonb_to_recordset(lines) AS r (item text, detail text);
	RETURN QUERY SELECT * FROM @extschema@.model_make_key_index(home, settings, dry_run);
	IF NOT dry_run THEN
		RETURN QUERY VALUES
			('look at', format('SELECT * FROM %I.segment_summary;', home)),
			('connect', format('views of schema %I: customer_scores, customer_segments, segment_summary, vip_customers, at_risk_customers, ...', home)),
			('let others read', format('SELECT @extschema@.grant_reader(%L, ''name_of_a_role'');', model)),
			('schedule', CASE WHEN (settings ->> 'live')::boolean
				THEN format('SELECT @extschema@.apply_changes(%L);  -- every few minutes: keeps the views fast', model)
				ELSE format('SELECT @extschema@.refresh_model(%L);  -- every night, say: reads new orders', model) END);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.model_create(jsonb, text, jsonb, boolean) IS 'internal: create_model with the settings of its caller';

-- The tables of a model. Nobody but the owner reads them.
CREATE FUNCTION @extschema@.model_make_tables(model name, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	c	record;
BEGIN
	EXECUTE format($q$
		CREATE TABLE %1$I.configuration (
			version int PRIMARY KEY, valid_from date NOT NULL, valid_until date,
			reason text NOT NULL, made_at timestamptz NOT NULL, made_by text NOT NULL,
			source text NOT NULL, customer text, "day" text, value text, counts text, live boolean NOT NULL, on_error text NOT NULL, tenant text,
			customers text, customers_key text, consent text, attributes text[],
			as_of date, time_zone text NOT NULL, bins int NOT NULL, window_days int, monetary text NOT NULL, frequency text NOT NULL,
			recency_thresholds float8[], frequency_thresholds float8[], monetary_thresholds float8[], weights float8[] NOT NULL,
			segment_map text, language text NOT NULL, change_days int NOT NULL, money_decimals int NOT NULL,
			objection text, contact text[], retention_days int, minimum_group_size int NOT NULL, minimum_customers int NOT NULL, purpose text, legal_basis text,
			event_key text, currency text, prediction text, margin float8 NOT NULL, discount_rate float8 NOT NULL, known_since text,
			source_relation text, source_reads text[], source_query text NOT NULL, quality_query text NOT NULL, customers_query text, customers_reads text[], known_is_moment boolean, customers_key_type text, customer_type text NOT NULL, key_text text,
			day_is_moment boolean NOT NULL, source_columns text[], source_parts text[], objects text[], map_copy text NOT NULL
		);
		CREATE UNIQUE INDEX configuration_in_force ON %1$I.configuration ((true)) WHERE valid_until IS NULL;
		CREATE TABLE %1$I.calibration (
			version int NOT NULL REFERENCES %1$I.configuration, tenant text NOT NULL, calibrated_on date NOT NULL,
			recency_thresholds float8[], frequency_thresholds float8[], monetary_thresholds float8[], basket_thresholds float8[],
			customers bigint NOT NULL, fitted_on date, btyd_fit jsonb, spend_fit jsonb, propensity_fit jsonb, clv_thresholds float8[], weights_fit jsonb, median_value float8,
			PRIMARY KEY (version, tenant)
		);
		CREATE TABLE %1$I.customer_histories (
			customer_key text COLLATE "C" PRIMARY KEY, tenant text NOT NULL, %2$s history @extschema@.history NOT NULL
		);
		CREATE TABLE %1$I.pending (
			customer_key text COLLATE "C" NOT NULL, tenant text NOT NULL, %2$s difference @extschema@.history NOT NULL
		);
		CREATE INDEX ON %1$I.pending (customer_key);
		CREATE TABLE %1$I.rejects (
			rejected_at timestamptz NOT NULL DEFAULT now(), operation text NOT NULL, reason text NOT NULL, affected bigint NOT NULL, needs_rebuild boolean NOT NULL
		);
		CREATE TABLE %1$I.refreshes (
			refresh_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version int NOT NULL,
			started_at timestamptz NOT NULL, finished_at timestamptz,
			rows_read bigint NOT NULL, rows_without_customer bigint NOT NULL, rows_without_day bigint NOT NULL, rows_without_value bigint NOT NULL, rows_unconvertible bigint NOT NULL,
			customers bigint NOT NULL, customers_added bigint NOT NULL, customers_changed bigint NOT NULL, customers_removed bigint NOT NULL,
			customers_too_large bigint NOT NULL
		);
		CREATE TABLE %1$I.reader (
			role name NOT NULL, tenant text,
			UNIQUE NULLS NOT DISTINCT (role, tenant)
		);
		CREATE TABLE %1$I.recorded_segments (
			customer_key text COLLATE "C" PRIMARY KEY, tenant text NOT NULL, segment text COLLATE "C", previous_segment text COLLATE "C", changed_on date
		);
		CREATE TABLE %1$I.recorded_changes (
			change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, recorded_at timestamptz NOT NULL DEFAULT now(), as_of date NOT NULL,
			customer_key text COLLATE "C" NOT NULL, tenant text NOT NULL, previous_segment text COLLATE "C", segment text COLLATE "C"
		);
		CREATE TABLE %1$I.suppressed (
			token bytea PRIMARY KEY, suppressed_on date NOT NULL, reason text NOT NULL, key_id bytea
		);
		CREATE TABLE %1$I.suppression_key (
			key bytea NOT NULL
		);
		CREATE UNIQUE INDEX one_suppression_key ON %1$I.suppression_key ((true));
		INSERT INTO %1$I.suppression_key VALUES (@extschema@.new_suppression_key());
		INSERT INTO %1$I.reader VALUES (current_user, NULL);
		-- a table never analyzed counts as ten pages
		ANALYZE %1$I.suppressed, %1$I.suppression_key;
		$q$, model, CASE WHEN tenanted THEN 'customer_id text NOT NULL,' ELSE '' END);
	IF tenanted THEN
		EXECUTE format('CREATE UNIQUE INDEX ON %I.customer_histories (tenant, customer_id)', model);
	END IF;
	-- A key of a person has no place in the statistics, which more people can read.
	EXECUTE format('ALTER TABLE %1$I.customer_histories ALTER customer_key SET STATISTICS 0, ALTER history SET STATISTICS 0', model);
	EXECUTE format('ALTER TABLE %1$I.pending ALTER customer_key SET STATISTICS 0, ALTER difference SET STATISTICS 0', model);
	EXECUTE format('ALTER TABLE %1$I.recorded_segments ALTER customer_key SET STATISTICS 0', model);
	EXECUTE format('ALTER TABLE %1$I.recorded_changes ALTER customer_key SET STATISTICS 0', model);
	IF tenanted THEN
		EXECUTE format('ALTER TABLE %1$I.customer_histories ALTER customer_id SET STATISTICS 0', model);
		EXECUTE format('ALTER TABLE %1$I.pending ALTER customer_id SET STATISTICS 0', model);
	END IF;
	FOR c IN SELECT * FROM (VALUES
		('configuration', NULL, 'versions of the settings of the model; the one without valid_until is in force'),
		('configuration', 'version', '1, 2, ...'),
		('configuration', 'valid_from', 'as_of day from which the version is in force'),
		('configuration', 'valid_until', 'as_of day from which another version is; NULL: in force'),
		('configuration', 'reason', 'created, altered, calibrated or back to another version'),
		('configuration', 'made_at', 'when'), ('configuration', 'made_by', 'by whom'),
		('configuration', 'source', 'argument of create_model'), ('configuration', 'customer', 'argument of create_model'),
		('configuration', 'day', 'argument of create_model'), ('configuration', 'value', 'argument of create_model'),
		('configuration', 'counts', 'argument of create_model'),
		('configuration', 'live', 'argument of create_model'), ('configuration', 'on_error', 'argument of create_model'), ('configuration', 'tenant', 'argument of create_model'),
		('configuration', 'customers', 'argument of create_model'), ('configuration', 'customers_key', 'argument of create_model'),
		('configuration', 'consent', 'argument of create_model'), ('configuration', 'attributes', 'argument of create_model'),
		('configuration', 'as_of', 'the day it always answers for; NULL: today'),
		('configuration', 'time_zone', 'whose days count'), ('configuration', 'bins', 'scores run from 1 to bins'),
		('configuration', 'window_days', 'look-back of frequency and monetary; NULL: all'),
		('configuration', 'monetary', 'total or mean'), ('configuration', 'frequency', 'events or active_days'),
		('configuration', 'recency_thresholds', 'as asked for; those in force are in calibration'),
		('configuration', 'frequency_thresholds', 'as asked for; those in force are in calibration'),
		('configuration', 'monetary_thresholds', 'as asked for; those in force are in calibration'),
		('configuration', 'weights', 'of R, F and M in rfm_score'),
		('configuration', 'segment_map', 'the map that was copied'), ('configuration', 'language', 'of the labels'),
		('configuration', 'change_days', 'rfm_score_change compares with so many days ago'),
		('configuration', 'money_decimals', 'decimals of money in the views'),
		('configuration', 'objection', 'argument of create_model'), ('configuration', 'contact', 'argument of create_model'),
		('configuration', 'retention_days', 'customers without an order for so long are removed; NULL: never'),
		('configuration', 'minimum_group_size', 'groups of fewer customers are not shown in summaries'),
		('configuration', 'minimum_customers', 'quantiles are taken of so many customers or more'),
		('configuration', 'purpose', 'what the model is for'), ('configuration', 'legal_basis', 'why people may be scored'),
		('configuration', 'event_key', 'argument of create_model'), ('configuration', 'currency', 'argument of create_model'),
		('configuration', 'prediction', 'the family of the prediction; NULL: none'),
		('configuration', 'margin', 'part of the revenue that is left, in clv_12m'), ('configuration', 'discount_rate', 'of clv_12m, per year'), ('configuration', 'known_since', 'argument of create_model'),
		('configuration', 'source_relation', 'the table or view, if source is one'),
		('configuration', 'source_reads', 'the tables and views that the source reads'),
		('configuration', 'source_query', 'what is read, every name qualified'),
		('configuration', 'quality_query', 'the same with what check_quality reads'),
		('configuration', 'customers_query', 'who is known, every name qualified'),
		('configuration', 'customers_reads', 'the tables and views that customers reads'),
		('configuration', 'known_is_moment', 'known_since is a timestamptz'), ('configuration', 'customers_key_type', 'type of the customer in customers'),
		('configuration', 'customer_type', 'type of the customer in the source'),
		('configuration', 'key_text', 'how a customer becomes text'),
		('configuration', 'day_is_moment', 'the day is a timestamptz'),
		('configuration', 'source_columns', 'the columns that a live model reads, with their types'),
		('configuration', 'source_parts', 'the partitions of the source that have triggers of a live model'),
		('configuration', 'objects', 'the tables, views and functions that the model was made with'),
		('configuration', 'map_copy', 'name of the copy in segment_map of this schema'),
		('calibration', NULL, 'the thresholds of each version, by tenant'),
		('calibration', 'version', 'of the configuration'), ('calibration', 'tenant', 'empty in a model without tenants'),
		('calibration', 'calibrated_on', 'as_of day on which they were taken'),
		('calibration', 'recency_thresholds', 'in days'), ('calibration', 'frequency_thresholds', 'in orders or active days'),
		('calibration', 'monetary_thresholds', 'of the total or the mean'), ('calibration', 'basket_thresholds', 'of the mean'),
		('calibration', 'customers', 'with an order, when they were taken'),
		('calibration', 'median_value', 'value of an order: the median of the customers'' mean_value'),
		('calibration', 'fitted_on', 'as_of day of the fits'), ('calibration', 'btyd_fit', 'how customers come back and stay away, by btyd_fit'), ('calibration', 'spend_fit', 'what they spend, by spend_fit'),
		('calibration', 'propensity_fit', 'who orders within 90 days, by logit_fit'), ('calibration', 'clv_thresholds', 'thirds of clv_12m'),
		('calibration', 'weights_fit', 'how the three scores of 90 days ago tell who has ordered since, by logit_fit'),
		('customer_histories', NULL, 'one row per customer; not for readers'),
		('customer_histories', 'customer_key', 'the customer as text'), ('customer_histories', 'tenant', 'empty in a model without tenants'),
		('customer_histories', 'history', 'all days with their orders and totals'),
		('pending', NULL, 'what triggers on the source have seen and apply_changes has not folded in yet; views add it'),
		('pending', 'customer_key', 'the customer as text'), ('pending', 'tenant', 'empty in a model without tenants'),
		('pending', 'difference', 'what a statement has added to the history, or taken away'),
		('rejects', NULL, 'what triggers on the source could not handle since the last refresh; no data of persons'),
		('rejects', 'rejected_at', 'when'), ('rejects', 'operation', 'the kind of statement'), ('rejects', 'reason', 'why'),
		('rejects', 'affected', 'rows left out; negative: such rows that went'), ('rejects', 'needs_rebuild', 'the model misses something until refresh_model'),
		('refreshes', NULL, 'every reading of the source'),
		('refreshes', 'refresh_id', '1, 2, ...'), ('refreshes', 'version', 'of the configuration'),
		('refreshes', 'started_at', 'when it began'), ('refreshes', 'finished_at', 'when it ended'),
		('refreshes', 'rows_read', 'rows of the source'), ('refreshes', 'rows_without_customer', 'left out'),
		('refreshes', 'rows_without_day', 'left out'), ('refreshes', 'rows_without_value', 'left out'),
		('refreshes', 'customers_too_large', 'left out: a total beyond 18 digits'),
		('refreshes', 'rows_unconvertible', 'left out: customer, day or value can''t be scored, see data_quality'),
		('refreshes', 'customers', 'in the source'), ('refreshes', 'customers_added', 'not there before'),
		('refreshes', 'customers_changed', 'whose history differs'), ('refreshes', 'customers_removed', 'no longer in the source'),
		('reader', NULL, 'who may see which tenant; without a row nothing'),
		('reader', 'role', 'a role; its members count'), ('reader', 'tenant', 'NULL: all of them'),
		('recorded_segments', NULL, 'the segment of each customer when record_changes last looked'),
		('recorded_segments', 'customer_key', 'the customer as text'), ('recorded_segments', 'tenant', 'empty in a model without tenants'),
		('recorded_segments', 'segment', 'as recorded'), ('recorded_segments', 'previous_segment', 'the one before'),
		('recorded_segments', 'changed_on', 'as_of day of the change; NULL: none seen yet'),
		('recorded_changes', NULL, 'changes of segment, in order; read by the view segment_changes'),
		('recorded_changes', 'change_id', 'rises with every change'), ('recorded_changes', 'recorded_at', 'when it was recorded'),
		('recorded_changes', 'as_of', 'the day for which the segments were computed'), ('recorded_changes', 'customer_key', 'the customer as text'),
		('recorded_changes', 'tenant', 'empty in a model without tenants'), ('recorded_changes', 'previous_segment', 'NULL: a new customer'),
		('recorded_changes', 'segment', 'NULL: no longer there'),
		('suppressed', NULL, 'who has been erased, and is not stored again while the source still has him: pseudonyms'),
		('suppressed', 'token', 'suppression_token of the key in suppression_key and customer_key'),
		('suppressed', 'suppressed_on', 'since when'), ('suppressed', 'reason', 'the verb that wrote it'),
		('suppressed', 'key_id', 'suppression_key_id of the key that the token was made with; NULL: of the key that is there'),
		('suppression_key', NULL, 'the key of the tokens of this model; whoever has it can try every customer'),
		('suppression_key', 'key', '32 random bytes')) AS v (relation, attribute, words) LOOP
		IF c.attribute IS NULL THEN
			EXECUTE format('COMMENT ON TABLE %I.%I IS %L', model, c.relation, c.words);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', model, c.relation, c.attribute, c.words);
		END IF;
	END LOOP;
	IF tenanted THEN
		EXECUTE format('COMMENT ON COLUMN %I.customer_histories.customer_id IS ''the customer as the source has it''', model);
		EXECUTE format('COMMENT ON COLUMN %I.pending.customer_id IS ''the customer as the source has it''', model);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.model_make_tables(name, boolean) IS 'internal: the tables of a model';

CREATE FUNCTION @extschema@.create_model(name text, source text,
	as_of date DEFAULT NULL, bins int DEFAULT 5, segment_map text DEFAULT 'essential', window_days int DEFAULT NULL,
	monetary text DEFAULT 'total', frequency text DEFAULT 'events',
	recency_thresholds float8[] DEFAULT NULL, frequency_thresholds float8[] DEFAULT NULL,
	monetary_thresholds float8[] DEFAULT NULL, weights float8[] DEFAULT '{1,1,1}', time_zone text DEFAULT 'UTC',
	customer text DEFAULT NULL, day text DEFAULT NULL, value text DEFAULT NULL, counts text DEFAULT NULL,
	live boolean DEFAULT false, on_error text DEFAULT 'reject', consent text DEFAULT NULL, tenant text DEFAULT NULL,
	customers text DEFAULT NULL, customers_key text DEFAULT NULL, attributes text[] DEFAULT NULL,
	language text DEFAULT 'en', change_days int DEFAULT 90, money_decimals int DEFAULT 2,
	objection text DEFAULT NULL, contact text[] DEFAULT NULL, retention_days int DEFAULT NULL,
	minimum_group_size int DEFAULT 1, minimum_customers int DEFAULT 1, purpose text DEFAULT NULL, legal_basis text DEFAULT NULL,
	event_key text DEFAULT NULL, currency text DEFAULT NULL,
	prediction text DEFAULT NULL, margin float8 DEFAULT 1, discount_rate float8 DEFAULT 0.1, known_since text DEFAULT NULL, dry_run boolean DEFAULT false)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET extra_float_digits = 1		-- numbers travel as jsonb
BEGIN ATOMIC
	SELECT m.item, m.detail
	  FROM @extschema@.model_create(@extschema@.model_caller(), create_model.name, pg_catalog.jsonb_build_object(
		'source', create_model.source, 'as_of', create_model.as_of, 'bins', create_model.bins, 'segment_map', create_model.segment_map,
		'window_days', create_model.window_days, 'monetary', create_model.monetary, 'frequency', create_model.frequency,
		'recency_thresholds', create_model.recency_thresholds, 'frequency_thresholds', create_model.frequency_thresholds,
		'monetary_thresholds', create_model.monetary_thresholds, 'weights', create_model.weights, 'time_zone', create_model.time_zone,
		'customer', create_model.customer, 'day', create_model.day, 'value', create_model.value, 'counts', create_model.counts,
		'live', COALESCE(create_model.live, false), 'on_error', create_model.on_error,
		'consent', create_model.consent, 'tenant', create_model.tenant, 'customers', create_model.customers,
		'customers_key', create_model.customers_key, 'attributes', create_model.attributes, 'language', create_model.language,
		'change_days', create_model.change_days, 'money_decimals', create_model.money_decimals,
		'objection', create_model.objection, 'contact', create_model.contact, 'retention_days', create_model.retention_days,
		'minimum_group_size', create_model.minimum_group_size, 'minimum_customers', create_model.minimum_customers,
		'purpose', create_model.purpose, 'legal_basis', create_model.legal_basis, 'event_key', create_model.event_key,
		'currency', create_model.currency, 'prediction', create_model.prediction, 'margin', create_model.margin,
		'discount_rate', create_model.discount_rate, 'known_since', create_model.known_since), COALESCE(create_model.dry_run, false)) AS m;
END;
COMMENT ON FUNCTION @extschema@.create_model(text, text, date, int, text, int, text, text, float8[], float8[], float8[], float8[], text, text, text, text, text, boolean, text, text, text, text, text, text[], text, int, int, text, text[], int, int, int, text, text, text, text, text, float8, float8, text, boolean) IS
	'make a model: name a table, view or query of orders once, and read customers, scores and segments from views in a schema of that name; create_model(''shop'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total''); with dry_run only say what it would be';

CREATE FUNCTION @extschema@.refresh_model(model text, wait boolean DEFAULT true)
	RETURNS TABLE (status text, rows_read bigint, rows_without_customer bigint, rows_without_day bigint, rows_without_value bigint,
		rows_unconvertible bigint, customers bigint, customers_added bigint, customers_changed bigint, customers_removed bigint, seconds float8)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
	settings	jsonb;
	refresh		bigint;
BEGIN
	IF NOT @extschema@.model_lock(home, wait) THEN
		status := 'skipped';
		RETURN NEXT;
		RETURN;
	END IF;
	settings := @extschema@.model_settings(home);
	PERFORM @extschema@.model_tell_lost(home, settings);
	-- partitions that have come and gone, disabled triggers, columns of another type
	IF @extschema@.model_lock_source(home, settings, 'triggers') THEN
		settings := settings || jsonb_build_object('source_columns', @extschema@.model_live_columns(home, settings));
		EXECUTE format('UPDATE %I.configuration SET source_columns = $1 WHERE valid_until IS NULL', home)
			USING ARRAY(SELECT jsonb_array_elements_text(settings -> 'source_columns'));
		PERFORM @extschema@.model_make_triggers(home, settings);
	END IF;
	refresh := @extschema@.model_read_source(home, settings);
	-- tenants that are new have no scores by quantiles until they are calibrated
	PERFORM @extschema@.model_write_thresholds(home, settings, false);
	RETURN QUERY EXECUTE format($q$
		SELECT 'refreshed', r.rows_read, r.rows_without_customer, r.rows_without_day, r.rows_without_value,
			   r.rows_unconvertible, r.customers, r.customers_added, r.customers_changed, r.customers_removed,
			   extract(epoch FROM r.finished_at - r.started_at)::float8
		  FROM %I.refreshes AS r WHERE r.refresh_id = $1$q$, home) USING refresh;
END
$$;
COMMENT ON FUNCTION @extschema@.refresh_model(text, boolean) IS
	'bring new orders into a model, every night or hour say: read its source again, write the customers who differ; with wait => false skip it while somebody else writes the model';

CREATE FUNCTION @extschema@.calibrate_model(model text, dry_run boolean DEFAULT false)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
	settings	jsonb;
	earlier		jsonb;
	later		jsonb;
	lines		jsonb;
	old_version	int;
BEGIN
	PERFORM @extschema@.model_lock(home);
	settings := @extschema@.model_settings(home);
	PERFORM @extschema@.model_tell_lost(home, settings);
	old_version := settings ->> 'version';
	SELECT jsonb_agg(to_jsonb(c)) INTO earlier FROM @extschema@.model_segment_counts(home) AS c;
	BEGIN
		settings := @extschema@.model_write_version(home, settings, 'calibrated');
		PERFORM @extschema@.model_write_thresholds(home, settings, true);
		SELECT jsonb_agg(to_jsonb(c)) INTO later FROM @extschema@.model_segment_counts(home) AS c;
		EXECUTE format($q$
			SELECT jsonb_agg(jsonb_build_object('item', concat_ws(' ', d.dimension, 'thresholds', nullif(n.tenant, '')),
					   'detail', concat(coalesce(o.thresholds::text, 'none'), ' -> ', coalesce(d.thresholds::text, 'none'))) ORDER BY n.tenant, d.position)
			  FROM %1$I.calibration AS n
			  CROSS JOIN LATERAL (VALUES (1, 'recency', n.recency_thresholds), (2, 'frequency', n.frequency_thresholds),
					(3, 'monetary', n.monetary_thresholds), (4, 'basket', n.basket_thresholds), (5, 'clv', n.clv_thresholds)) AS d (position, dimension, thresholds)
			  LEFT JOIN %1$I.calibration AS b ON b.version = $1 AND b.tenant = n.tenant
			  LEFT JOIN LATERAL (VALUES ('recency', b.recency_thresholds), ('frequency', b.frequency_thresholds),
					('monetary', b.monetary_thresholds), ('basket', b.basket_thresholds), ('clv', b.clv_thresholds)) AS o (dimension, thresholds) ON o.dimension = d.dimension
			 WHERE n.version = $2 AND d.thresholds IS DISTINCT FROM o.thresholds$q$, home)
			INTO lines USING old_version, (settings ->> 'version')::int;
		SELECT coalesce(lines, '[]') || coalesce(jsonb_agg(to_jsonb(l)), '[]') INTO lines
		  FROM @extschema@.model_prediction_changes(home, settings, old_version) AS l;
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
	RETURN QUERY SELECT * FROM @extschema@.model_compare_counts(earlier, later);
END
$$;
COMMENT ON FUNCTION @extschema@.calibrate_model(text, boolean) IS
	'let thresholds that are quantiles follow the customers as they are today, every month or quarter say; writes a version, and says what that does to the segments; with dry_run only says it';

CREATE FUNCTION @extschema@.model_alter(caller jsonb, model text, changes jsonb, reset text[], back_to int, dry_run boolean)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
	defaults	jsonb := '{"as_of": null, "bins": 5, "segment_map": "essential", "window_days": null, "monetary": "total", "frequency": "events",
		"recency_thresholds": null, "frequency_thresholds": null, "monetary_thresholds": null, "weights": [1, 1, 1], "time_zone": "UTC",
		"counts": null, "live": false, "on_error": "reject", "consent": null, "customers": null, "customers_key": null, "attributes": null,
		"language": "en", "change_days": 90, "money_decimals": 2, "objection": null, "contact": null, "retention_days": null,
		"minimum_group_size": 1, "minimum_customers": 1, "purpose": null, "legal_basis": null, "event_key": null, "currency": null,
		"prediction": null, "margin": 1, "discount_rate": 0.1, "known_since": null}';
	sources		text[] := '{source,customer,day,value,counts,customers,customers_key,consent,objection,contact,attributes,event_key,currency,known_since}';
	measures	text[] := '{source_query,bins,window_days,monetary,frequency,recency_thresholds,frequency_thresholds,monetary_thresholds,minimum_customers}';
	old			jsonb;
	base		jsonb;			-- whose thresholds and map go on where nothing else is asked for
	new			jsonb;
	wanted		text;
	reread		boolean;
	recalibrate	boolean;
	earlier		jsonb;
	later		jsonb;
	lines		jsonb;
	copy		text;
	copies		text[];
	reason		text := 'altered';
	lost		text;
BEGIN
	PERFORM @extschema@.model_lock(home);
	old := @extschema@.model_settings(home);
	new := old;
	IF back_to IS NOT NULL THEN
		EXECUTE format('SELECT to_jsonb(c) FROM %I.configuration AS c WHERE c.version = $1', home) INTO new USING back_to;
		IF new IS NULL THEN
			RAISE undefined_object USING
				MESSAGE = format('model "%s" has no version %s', home, back_to),
				HINT = format('SELECT version, valid_from, reason FROM %I.configuration;', home);
		END IF;
		reason := format('back to version %s', back_to);
	END IF;
	base := new;
	FOREACH wanted IN ARRAY coalesce(reset, '{}') LOOP
		IF wanted IS NULL OR NOT defaults ? wanted THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('reset: "%s" is no setting that has a default', left(wanted, 100)),
				HINT = format('Those are %s.', (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(defaults) AS k));
		END IF;
		IF changes ->> wanted IS NOT NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s is both set and reset', wanted);
		END IF;
		new := new || jsonb_build_object(wanted, defaults -> wanted);
	END LOOP;
	new := new || jsonb_strip_nulls(changes);
	-- names of the source are looked up again, for what they name may have changed
	lost := @extschema@.model_lost(home, @extschema@.model_names(old, 'objects'));
	IF lost ~ '^table ' THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = format('model "%s": %s', home, lost);
	ELSIF lost IS NOT NULL AND back_to IS NULL AND reset IS NULL AND NOT EXISTS (SELECT FROM jsonb_object_keys(changes)) THEN
		reason := 'made anew';
	ELSIF changes ->> 'segment_map' IS NULL AND NOT changes ?| sources AND new - 'version' = old - 'version' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('nothing to change in model "%s"', home),
			HINT = 'Name what should change: alter_model(''shop'', weights => ''{2,1,1}''), or go back: version => 1.';
	END IF;
	PERFORM @extschema@.model_check_settings(new);
	PERFORM @extschema@.model_lock_source(home, old, CASE
		WHEN back_to IS NOT NULL OR changes ->> 'live' = 'false' OR changes ? 'source' OR 'live' = ANY (reset) THEN 'ACCESS EXCLUSIVE'
		WHEN lost ~ 'record_differences' OR changes ?| sources OR sources && reset OR changes ?| '{live,on_error,time_zone}' OR reset && '{live,on_error,time_zone}' THEN 'SHARE ROW EXCLUSIVE' END);
	SELECT jsonb_agg(to_jsonb(c)) INTO earlier FROM @extschema@.model_segment_counts(home) AS c;
	BEGIN
		-- Names keep the meaning that they had when they were given. Where some
		-- are given now, the others have to go with them: they are looked up again,
		-- but for the name of the source.
		IF changes ?| sources OR sources && reset THEN
			new := @extschema@.model_resolve(home, caller, CASE WHEN changes ? 'source' THEN new
					ELSE new || jsonb_build_object('source', coalesce(new ->> 'source_relation', new ->> 'source')) END)
				|| jsonb_build_object('source', new -> 'source');
		END IF;
		-- Another major may print the same query in other words: no reason to read
		-- the source and to calibrate anew.
		IF new -> 'source_query' <> base -> 'source_query' AND @extschema@.model_reprinted(home, base ->> 'source_query') = new ->> 'source_query' THEN
			new := new || jsonb_build_object('source_query', base -> 'source_query');
		END IF;
		new := new || jsonb_build_object('source_columns',
			CASE WHEN (new ->> 'live')::boolean THEN @extschema@.model_live_columns(home, new) END);
		reread := (new -> 'source_query', new -> 'customer_type', new -> 'key_text') IS DISTINCT FROM (old -> 'source_query', old -> 'customer_type', old -> 'key_text')
			OR (new ->> 'day_is_moment')::boolean AND new -> 'time_zone' <> old -> 'time_zone';
		recalibrate := EXISTS (SELECT FROM unnest(measures) AS k WHERE new -> k IS DISTINCT FROM base -> k)
			OR (new ->> 'day_is_moment')::boolean AND new -> 'time_zone' <> base -> 'time_zone';
		IF changes ? 'segment_map' OR new -> 'segment_map' IS DISTINCT FROM base -> 'segment_map' THEN
			EXECUTE format('SELECT ''v'' || max(version) + 1 FROM %I.configuration', home) INTO copy;
			new := new || jsonb_build_object('map_copy', copy);
			PERFORM @extschema@.model_copy_map(home, copy, new);
		END IF;
		-- the maps of earlier versions too: dated functions show them in today's language
		EXECUTE format('SELECT array_agg(DISTINCT map_copy) FROM %I.configuration', home) INTO copies;
		FOREACH copy IN ARRAY copies || (new ->> 'map_copy') LOOP
			PERFORM @extschema@.model_complete_labels(home, copy, new ->> 'language');
		END LOOP;
		new := @extschema@.model_write_version(home, new, reason);
		IF reread OR (old -> 'live', old -> 'on_error', old -> 'time_zone', old -> 'source_columns')
				  IS DISTINCT FROM (new -> 'live', new -> 'on_error', new -> 'time_zone', new -> 'source_columns')
			OR (new ->> 'live')::boolean AND (lost ~ 'record_differences' OR changes ?| sources OR sources && reset) THEN
			PERFORM @extschema@.model_make_triggers(home, new);
			reread := reread OR (old ->> 'live')::boolean OR (new ->> 'live')::boolean;
		END IF;
		IF reread THEN
			PERFORM @extschema@.model_read_source(home, new);
		END IF;
		-- what was found was found in another source
		IF reread OR new -> 'quality_query' <> old -> 'quality_query' THEN
			EXECUTE format('DELETE FROM %I.quality', home);
			IF new ->> 'event_key' IS NOT NULL OR new ->> 'currency' IS NOT NULL THEN
				PERFORM @extschema@.model_check_quality(home, new);
			END IF;
		END IF;
		IF NOT recalibrate THEN
			EXECUTE format($q$
				INSERT INTO %1$I.calibration
				SELECT $1, tenant, calibrated_on, recency_thresholds, frequency_thresholds, monetary_thresholds, basket_thresholds, customers, fitted_on, btyd_fit, spend_fit, propensity_fit, clv_thresholds, weights_fit, median_value
				  FROM %1$I.calibration WHERE version = $2$q$, home)
				USING (new ->> 'version')::int, (base ->> 'version')::int;
		END IF;
		PERFORM @extschema@.model_write_thresholds(home, new, recalibrate);
		IF recalibrate THEN
			NULL;		-- fitted anew as well
		ELSIF new -> 'prediction' IS DISTINCT FROM base -> 'prediction' THEN
			PERFORM @extschema@.model_write_fits(home, new);
		-- the same fits say another value
		ELSIF new ->> 'prediction' IS NOT NULL
			AND (new -> 'margin', new -> 'discount_rate') IS DISTINCT FROM (base -> 'margin', base -> 'discount_rate') THEN
			PERFORM @extschema@.model_write_clv_thresholds(home, new, false);
		END IF;
		PERFORM @extschema@.model_lock_readers(home);
		PERFORM @extschema@.model_make_shown(home, new);
		EXECUTE format('UPDATE %I.configuration SET objects = $1 WHERE valid_until IS NULL', home) USING @extschema@.model_objects(home);
		PERFORM @extschema@.model_describe(home, new);
		-- what is new about predictions
		IF recalibrate AND new ->> 'prediction' IS NOT NULL OR new -> 'prediction' IS DISTINCT FROM old -> 'prediction'
			OR new ->> 'prediction' IS NULL AND new -> 'map_copy' <> old -> 'map_copy' THEN
			SELECT jsonb_agg(to_jsonb(l)) INTO lines FROM @extschema@.model_prediction_lines(home, new) AS l;
		END IF;
		-- what is new about the source, the table of customers or what a map reads of it
		IF changes ?| sources OR sources && reset OR new -> 'map_copy' <> old -> 'map_copy' THEN
			SELECT coalesce(lines, '[]') || coalesce(jsonb_agg(jsonb_build_object('item', 'note', 'detail', n)), '[]') INTO lines
			  FROM @extschema@.model_quality_notes(home, new) AS n;
		END IF;
		SELECT jsonb_agg(to_jsonb(c)) INTO later FROM @extschema@.model_segment_counts(home) AS c;
		IF dry_run THEN
			RAISE EXCEPTION USING ERRCODE = 'CSDRY', MESSAGE = 'dry run';
		END IF;
	EXCEPTION WHEN SQLSTATE 'CSDRY' THEN
		RETURN QUERY VALUES ('dry run', 'nothing was changed');
	END;
	IF NOT dry_run THEN
		RETURN QUERY VALUES ('version', format('%s -> %s', old ->> 'version', new ->> 'version'));
	END IF;
	RETURN QUERY SELECT k, format('%s -> %s', coalesce(old ->> k, none), coalesce(new ->> k, none))
		FROM unnest('{source,customer,day,value,counts,live,on_error,customers,customers_key,consent,attributes,as_of,time_zone,bins,window_days,monetary,frequency,recency_thresholds,frequency_thresholds,monetary_thresholds,weights,segment_map,language,change_days,money_decimals,objection,contact,retention_days,minimum_group_size,minimum_customers,purpose,legal_basis,event_key,currency,prediction,margin,discount_rate,known_since}'::text[])
			 WITH ORDINALITY AS u (k, n),
			 LATERAL (SELECT CASE WHEN k = 'as_of' THEN 'today' WHEN k = 'window_days' THEN 'all' WHEN k ~ 'thresholds$' THEN 'default' ELSE 'none' END) AS w (none)
		WHERE old -> k IS DISTINCT FROM new -> k ORDER BY n;
	IF lost IS NOT NULL THEN
		RETURN QUERY VALUES ('made anew', regexp_replace(lost, ' (is|are) missing: .*$', ''));
	END IF;
	IF recalibrate THEN
		RETURN QUERY VALUES ('thresholds', 'calibrated anew');
	END IF;
	RETURN QUERY SELECT r.item, r.detail FROM jsonb_to_recordset(lines) AS r (item text, detail text);
	IF new -> 'customers_query' IS DISTINCT FROM old -> 'customers_query' THEN
		IF NOT dry_run THEN
			RETURN QUERY SELECT * FROM @extschema@.model_drop_key_index(home, new);
		END IF;
		RETURN QUERY SELECT * FROM @extschema@.model_make_key_index(home, new, dry_run);
	END IF;
	RETURN QUERY SELECT * FROM @extschema@.model_compare_counts(earlier, later);
END
$$;
COMMENT ON FUNCTION @extschema@.model_alter(jsonb, text, jsonb, text[], int, boolean) IS 'internal: alter_model with the settings of its caller';

CREATE FUNCTION @extschema@.alter_model(model text,
	source text DEFAULT NULL,
	as_of date DEFAULT NULL, bins int DEFAULT NULL, segment_map text DEFAULT NULL, window_days int DEFAULT NULL,
	monetary text DEFAULT NULL, frequency text DEFAULT NULL,
	recency_thresholds float8[] DEFAULT NULL, frequency_thresholds float8[] DEFAULT NULL,
	monetary_thresholds float8[] DEFAULT NULL, weights float8[] DEFAULT NULL, time_zone text DEFAULT NULL,
	customer text DEFAULT NULL, day text DEFAULT NULL, value text DEFAULT NULL, counts text DEFAULT NULL,
	live boolean DEFAULT NULL, on_error text DEFAULT NULL, consent text DEFAULT NULL,
	customers text DEFAULT NULL, customers_key text DEFAULT NULL, attributes text[] DEFAULT NULL,
	language text DEFAULT NULL, change_days int DEFAULT NULL, money_decimals int DEFAULT NULL,
	objection text DEFAULT NULL, contact text[] DEFAULT NULL, retention_days int DEFAULT NULL,
	minimum_group_size int DEFAULT NULL, minimum_customers int DEFAULT NULL, purpose text DEFAULT NULL, legal_basis text DEFAULT NULL,
	event_key text DEFAULT NULL, currency text DEFAULT NULL,
	prediction text DEFAULT NULL, margin float8 DEFAULT NULL, discount_rate float8 DEFAULT NULL, known_since text DEFAULT NULL,
	reset text[] DEFAULT NULL, version int DEFAULT NULL, dry_run boolean DEFAULT false)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET extra_float_digits = 1		-- numbers travel as jsonb
BEGIN ATOMIC
	SELECT m.item, m.detail
	  FROM @extschema@.model_alter(@extschema@.model_caller(), alter_model.model, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
		'source', alter_model.source, 'as_of', alter_model.as_of, 'bins', alter_model.bins, 'segment_map', alter_model.segment_map,
		'window_days', alter_model.window_days, 'monetary', alter_model.monetary, 'frequency', alter_model.frequency,
		'recency_thresholds', alter_model.recency_thresholds, 'frequency_thresholds', alter_model.frequency_thresholds,
		'monetary_thresholds', alter_model.monetary_thresholds, 'weights', alter_model.weights, 'time_zone', alter_model.time_zone,
		'customer', alter_model.customer, 'day', alter_model.day, 'value', alter_model.value, 'counts', alter_model.counts,
		'live', alter_model.live, 'on_error', alter_model.on_error,
		'consent', alter_model.consent, 'customers', alter_model.customers, 'customers_key', alter_model.customers_key,
		'attributes', alter_model.attributes, 'language', alter_model.language, 'change_days', alter_model.change_days,
		'money_decimals', alter_model.money_decimals,
		'objection', alter_model.objection, 'contact', alter_model.contact, 'retention_days', alter_model.retention_days,
		'minimum_group_size', alter_model.minimum_group_size, 'minimum_customers', alter_model.minimum_customers,
		'purpose', alter_model.purpose, 'legal_basis', alter_model.legal_basis, 'event_key', alter_model.event_key,
		'currency', alter_model.currency, 'prediction', alter_model.prediction, 'margin', alter_model.margin,
		'discount_rate', alter_model.discount_rate, 'known_since', alter_model.known_since)), alter_model.reset, alter_model.version, COALESCE(alter_model.dry_run, false)) AS m;
END;
COMMENT ON FUNCTION @extschema@.alter_model(text, text, date, int, text, int, text, text, float8[], float8[], float8[], float8[], text, text, text, text, text, boolean, text, text, text, text, text[], text, int, int, text, text[], int, int, int, text, text, text, text, text, float8, float8, text, text[], int, boolean) IS
	'change settings of a model and keep the old ones as a version: NULL keeps a setting, reset names those to take back to their default, version goes back to an earlier version; says what that does to the segments; with dry_run only says it';

-- What a rebuild would change. No row: nothing.
CREATE FUNCTION @extschema@.check_model(model text)
	RETURNS TABLE (problem text, customers bigint, explanation text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
	settings	jsonb := @extschema@.model_settings(home);
	lost		text;
	state		text;
	message		text;
BEGIN
	lost := @extschema@.model_lost(home, @extschema@.model_names(settings, 'objects'));
	IF lost IS NOT NULL THEN
		RETURN QUERY VALUES ('missing', NULL::bigint, lost);
		-- without its tables it can't be compared
		IF lost ~ '^table ' THEN
			RETURN;
		END IF;
	END IF;
	PERFORM @extschema@.model_lock_source(home, settings);
	RETURN QUERY EXECUTE format($q$
		SELECT d.problem, count(*), min(CASE d.problem
				WHEN 'not in the model' THEN 'the source has customers that the model lacks'
				WHEN 'not in the source' THEN 'the source has no rows of customers that the model has'
				WHEN 'negative counts' THEN 'a day has fewer than no orders: a difference was taken away that was never added'
				ELSE 'the source has other orders of these customers' END)
		  FROM (SELECT CASE WHEN h.customer_key IS NULL THEN 'not in the model'
							WHEN f.history OPERATOR(@extschema@.=) h.history THEN NULL
							WHEN EXISTS (SELECT FROM @extschema@.days(h.history) AS y WHERE y.events < 0) THEN 'negative counts'
							WHEN f.customer_key IS NULL THEN 'not in the source'
							ELSE 'other history' END AS problem
				  FROM (%3$s) AS h
				  FULL JOIN (SELECT f.customer_key, f.history
							   FROM (SELECT f.customer_key, f.history FROM (%2$s) AS f
									  WHERE f.rows_read IS NULL AND f.history OPERATOR(@extschema@.<>) '{}' AND %4$s) AS f
							  -- who has been erased or is kept no longer, is not missing
							  WHERE %5$s) AS f ON f.customer_key = h.customer_key) AS d
		 WHERE d.problem IS NOT NULL GROUP BY d.problem ORDER BY d.problem$q$, home, @extschema@.model_source_customers(home, settings),
			@extschema@.model_histories(home, settings), @extschema@.model_kept(home, settings, 'f.history'),
			@extschema@.model_not_suppressed(home, 'f.customer_key'));
	IF (settings ->> 'live')::boolean THEN
		RETURN QUERY SELECT 'cause', NULL::bigint, c
			FROM jsonb_to_record(settings) AS r (source_relation text, source_columns text[], source_parts text[]),
				 @extschema@.live_problem(home, r.source_relation, r.source_columns, r.source_parts) AS c WHERE c IS NOT NULL;
		RETURN QUERY EXECUTE format('SELECT ''cause'', NULL::bigint, format(''%%s: %%s, last at %%s'', r.operation, r.reason, max(r.rejected_at))'
			' FROM %I.rejects AS r WHERE r.needs_rebuild GROUP BY r.operation, r.reason ORDER BY 3', home);
	END IF;
EXCEPTION
	WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name OR ambiguous_column
		OR datatype_mismatch OR cannot_coerce OR wrong_object_type OR grouping_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@.model_raise_unreadable(home, state, message);
END
$$;
COMMENT ON FUNCTION @extschema@.check_model(text) IS
	'is a model what its source says? Reads the source anew and changes nothing: a row for each kind of difference, no row if there is none';

-- What readers are given: every view and dated function, no table.
CREATE FUNCTION @extschema@.grant_reader(model text, role name, tenant text DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
	settings	jsonb := @extschema@.model_settings(home);
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
	-- a role of that name that has been dropped left its tenants here, but no grant
	IF role <> current_user AND NOT EXISTS (SELECT FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
			WHERE n.nspname = home AND a.grantee = to_regrole(quote_ident(role))) THEN
		EXECUTE format('DELETE FROM %I.reader AS r WHERE r.role = $1', home) USING role;
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', home, role);
	-- what others, or the owner by hand, have put into the schema is not the model's to give
	FOR relation IN SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = to_regnamespace(quote_ident(home)) AND c.relkind = 'v'
			 AND pg_get_userbyid(c.relowner) = current_user LOOP
		EXECUTE format('GRANT SELECT ON %s TO %I', relation, role);
	END LOOP;
	FOR function IN SELECT p.oid FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace(quote_ident(home))
			 AND pg_get_userbyid(p.proowner) = current_user AND EXISTS (SELECT FROM pg_proc AS i
				WHERE i.pronamespace = p.pronamespace AND i.proowner = p.proowner AND i.prosecdef AND i.proname IN (p.proname, '_' || p.proname)
				  AND starts_with(i.proname, '_') AND '@extschema@.caller'::regtype = ANY (i.proargtypes::oid[])) LOOP
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
	home	name := @extschema@.model_home(model);
	others	boolean;
	n		bigint;
BEGIN
	IF role IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'role must not be null';
	END IF;
	-- who needs no grant would lose what is his
	IF role = current_user THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('role %I owns model "%s"', role, home),
			HINT = 'The owner of a model reads all of it.';
	END IF;
	EXECUTE format('SELECT $2 IS NOT NULL AND EXISTS (SELECT FROM %I.reader AS r WHERE r.role = $1 AND r.tenant IS NULL)', home) INTO others USING role, tenant;
	IF others THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('role %I reads all tenants of model "%s"', role, home),
			HINT = format('Take that away and grant those that it may read: SELECT revoke_reader(%L, %L);', home, role);
	END IF;
	EXECUTE format('DELETE FROM %1$I.reader AS r WHERE r.role = $1 AND ($2 IS NULL OR r.tenant = $2)', home) USING role, tenant;
	GET DIAGNOSTICS n = ROW_COUNT;
	EXECUTE format('SELECT EXISTS (SELECT FROM %I.reader AS r WHERE r.role = $1)', home) INTO others USING role;
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
	home		name := @extschema@.model_home(model);
	outside		text;
	customers	bigint;
	suppressed	bigint;
BEGIN
	-- DROP SCHEMA ... CASCADE would take everybody's dashboards with it: views,
	-- functions, tables with columns of our types, foreign keys, domains.
	SELECT string_agg(DISTINCT pg_describe_object(o.classid, o.objid, CASE WHEN o.classid = d.classid THEN d.objsubid ELSE 0 END), ', ') INTO outside
	  FROM (SELECT 'pg_namespace'::regclass AS classid, to_regnamespace(quote_ident(home))::oid AS objid
			UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(home))
			UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(home))
			UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typnamespace = to_regnamespace(quote_ident(home))) AS own
	  JOIN pg_depend AS d ON d.refclassid = own.classid AND d.refobjid = own.objid AND d.deptype = 'n'
	 CROSS JOIN LATERAL (
			SELECT c.tableoid, c.oid, c.relnamespace, c.relkind = 'm'
			  FROM pg_class AS c
			 WHERE c.oid = CASE d.classid WHEN 'pg_class'::regclass THEN d.objid
						   WHEN 'pg_rewrite'::regclass THEN (SELECT w.ev_class FROM pg_rewrite AS w WHERE w.oid = d.objid)
						   WHEN 'pg_constraint'::regclass THEN (SELECT k.conrelid FROM pg_constraint AS k WHERE k.oid = d.objid)
						   WHEN 'pg_attrdef'::regclass THEN (SELECT f.adrelid FROM pg_attrdef AS f WHERE f.oid = d.objid)
						   WHEN 'pg_policy'::regclass THEN (SELECT p.polrelid FROM pg_policy AS p WHERE p.oid = d.objid) END
			UNION ALL
			SELECT f.tableoid, f.oid, f.pronamespace, false FROM pg_proc AS f WHERE d.classid = 'pg_proc'::regclass AND f.oid = d.objid
			UNION ALL
			SELECT t.tableoid, t.oid, t.typnamespace, false FROM pg_type AS t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid
	 ) AS o (classid, objid, home_oid, is_kept)
	 WHERE o.home_oid <> to_regnamespace(quote_ident(home)) OR o.is_kept;
	IF outside IS NOT NULL AND NOT coalesce(cascade, false) THEN
		RAISE dependent_objects_still_exist USING
			MESSAGE = format('model "%s" can''t be dropped: other objects depend on it', home),
			DETAIL = format('They are: %s.', outside),
			HINT = format('Drop them first, or all together: SELECT drop_model(%L, cascade => true);', home);
	END IF;
	-- the source first: its writers hold it while they wait for pending
	PERFORM @extschema@.model_drop_triggers(home, NULL);
	PERFORM @extschema@.model_lock_readers(home, tables => true);
	EXECUTE format('SELECT count(*) FROM %I.customer_histories', home) INTO customers;
	IF to_regclass(format('%I.suppressed', home)) IS NOT NULL THEN
		EXECUTE format('SELECT count(*) FROM %I.suppressed', home) INTO suppressed;
	END IF;
	EXECUTE format('DROP SCHEMA %I CASCADE', home);
	RETURN QUERY VALUES ('dropped', format('model %I with %s customers', home, customers));
	IF suppressed > 0 THEN
		RETURN QUERY VALUES ('note', format('its suppression list went with it: another model over the source would store %s people again who were erased', suppressed));
	END IF;
	IF outside IS NOT NULL THEN
		RETURN QUERY VALUES ('dropped too', outside);
	END IF;
	-- last, with what it waits for no longer than an instant: see model_make_key_index
	RETURN QUERY SELECT * FROM @extschema@.model_drop_key_index(home, '{}');
END
$$;
COMMENT ON FUNCTION @extschema@.drop_model(text, boolean) IS
	'drop a model: its schema with all views and stored histories; refused while views, functions or tables elsewhere depend on it, unless cascade';
