--
-- Layer 4: the settings of a model: which make sense, and their versions.
--

-- Settings that make sense together, or an error.
CREATE FUNCTION @extschema@._model_check_settings(settings jsonb)
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
COMMENT ON FUNCTION @extschema@._model_check_settings(jsonb) IS 'internal: refuse settings that make no sense';

-- The next version of the configuration, in force from its as_of day on.
CREATE FUNCTION @extschema@._model_write_version(model name, settings jsonb, reason text)
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
COMMENT ON FUNCTION @extschema@._model_write_version(name, jsonb, text) IS 'internal: write the next version of a configuration';
