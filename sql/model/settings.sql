--
-- Layer 4: the settings of a model: what they are, which make sense, and their versions.
--

CREATE TABLE @extschema@._setting (
	"position"		bigint PRIMARY KEY,
	name			text COLLATE "C" NOT NULL UNIQUE,
	argument		int NOT NULL UNIQUE,
	type			text NOT NULL,
	default_value	text,
	is_required		boolean NOT NULL,
	low				numeric,
	high			numeric,
	hint			text,
	redo			text NOT NULL,
	null_means		text NOT NULL,
	meaning			text NOT NULL,
	CONSTRAINT _setting_redo_check CHECK (redo OPERATOR(pg_catalog.=) ANY
		('{source,names,fixed,triggers,thresholds,fits,value,map,cards,clusters,views}'::pg_catalog.text[]))
);
COMMENT ON TABLE @extschema@._setting IS
	'internal: the settings of a model: arguments of create_model and alter_model, columns of the table '
	'configuration';
COMMENT ON COLUMN @extschema@._setting."position" IS 'order in the table configuration, and in what alter_model says';
COMMENT ON COLUMN @extschema@._setting.name IS 'name';
COMMENT ON COLUMN @extschema@._setting.argument IS 'order among the arguments: a new setting comes last';
COMMENT ON COLUMN @extschema@._setting.type IS 'type';
COMMENT ON COLUMN @extschema@._setting.default_value IS 'what it is where it is not given';
COMMENT ON COLUMN @extschema@._setting.is_required IS 'whether it must not be NULL';
COMMENT ON COLUMN @extschema@._setting.low IS 'the least value it may have; NULL: see _model_check_settings';
COMMENT ON COLUMN @extschema@._setting.high IS 'the greatest value it may have';
COMMENT ON COLUMN @extschema@._setting.hint IS 'hint of the error where it is out of range';
COMMENT ON COLUMN @extschema@._setting.redo IS
	'what has to be done again beside the views when it changes: source: names of the source are looked up; '
	'names: looked up, too; triggers; thresholds; fits; value: thresholds of the lifetime '
	'value; map, cards: copies of them; clusters: they are fitted; views: nothing more; fixed: it can''t change';
COMMENT ON COLUMN @extschema@._setting.null_means IS 'what alter_model calls NULL';
COMMENT ON COLUMN @extschema@._setting.meaning IS 'what it means, as docs/models.md says';
GRANT SELECT ON @extschema@._setting TO PUBLIC;

-- One row is all there is to say of a setting, but for its use: arguments, column,
-- range, what alter_model does. test/check_docs.pl compares docs/models.md.
INSERT INTO @extschema@._setting
SELECT pg_catalog.row_number() OVER (), s.* FROM (VALUES
	('source', 1, 'text', NULL, true, NULL, NULL, NULL, 'source', 'none',
		'a table, view, materialized view or foreign table, or one SELECT whose columns have names'),
	('customer', 13, 'text', NULL, false, NULL, NULL, NULL, 'source', 'none',
		'column or expression: the customer that the row belongs to. An integer, numeric, text or uuid; other '
		'types by an expression: ''account_no::text'''),
	('day', 14, 'text', NULL, false, NULL, NULL, NULL, 'source', 'none',
		'column or expression: a date, timestamp or timestamptz. A timestamptz becomes a day in time_zone'),
	('value', 15, 'text', NULL, false, NULL, NULL, NULL, 'source', 'none',
		'column or expression: a number'),
	('counts', 16, 'text', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'column or expression, boolean: is this row an order? NULL: rows with value >= 0 are, others are '
		'corrections'),
	('live', 17, 'boolean', 'false', true, NULL, NULL, NULL, 'triggers', 'none',
		'triggers on the source keep the model up to date'),
	('on_error', 18, 'text', 'reject', true, NULL, NULL, NULL, 'triggers', 'none',
		'a row that no history can hold (NaN, infinite, more than 9 decimals, out of range): leave it out and '
		'count it, or ''raise'' an error'),
	('tenant', 20, 'text', NULL, false, NULL, NULL, NULL, 'fixed', 'none',
		'column or expression: the tenant that the customer belongs to, where one model serves several shops'),
	('customers', 21, 'text', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'a table, view or SELECT with one row for each person you know: attributes, consent, prospects'),
	('customers_key', 22, 'text', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'the column of customers that is the customer; NULL: the one named like customer, else the primary '
		'key (of a SELECT: its first column)'),
	('consent', 19, 'text', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'column or expression over customers, boolean: may this person be scored?'),
	('attributes', 23, 'text[]', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'columns of customers that the views show and conditions of the map may read'),
	('as_of', 2, 'date', NULL, false, NULL, NULL, NULL, 'views', 'today',
		'the day that the model always answers for; NULL: today'),
	('time_zone', 12, 'text', 'UTC', true, NULL, NULL, NULL, 'triggers', 'none',
		'the time zone whose days count'),
	('bins', 3, 'int', '5', true, NULL, NULL, NULL, 'thresholds', 'none',
		'scores run from 1 to bins; the map must be made for the same number'),
	('window_days', 5, 'int', NULL, false, NULL, NULL, NULL, 'thresholds', 'all',
		'only the last so many days count for frequency and monetary; NULL: all days'),
	('monetary', 6, 'text', 'total', true, NULL, NULL, NULL, 'thresholds', 'none',
		'what M is made from: ''total'' or ''mean'''),
	('frequency', 7, 'text', 'events', true, NULL, NULL, NULL, 'thresholds', 'none',
		'what F is made from: ''events'' or ''active_days'''),
	('recency_thresholds', 8, 'float8[]', NULL, false, NULL, NULL, NULL, 'thresholds', 'default',
		'bins - 1 ascending thresholds of R, in days; NULL: 30, 90, 180, 365 for 5 bins, else quantiles; '
		'''{}'': quantiles'),
	('frequency_thresholds', 9, 'float8[]', NULL, false, NULL, NULL, NULL, 'thresholds', 'default',
		'bins - 1 ascending thresholds of F; NULL: 1, 2, 4, 9 for 5 bins, else quantiles'),
	('monetary_thresholds', 10, 'float8[]', NULL, false, NULL, NULL, NULL, 'thresholds', 'default',
		'bins - 1 ascending thresholds of M; NULL: quantiles'),
	('weights', 11, 'float8[]', '{1,1,1}', true, NULL, NULL, NULL, 'views', 'none',
		'of R, F and M in rfm_score'),
	('segment_map', 4, 'text', 'essential', false, NULL, NULL, NULL, 'map', 'none',
		'segment map, shipped or your own; NULL: no segments'),
	('language', 24, 'text', 'en', true, NULL, NULL, NULL, 'views', 'none',
		'of labels, descriptions and actions; where the map lacks it, English is used'),
	('change_days', 25, 'int', '90', true, 1, 36525, NULL, 'views', 'none',
		'rfm_score_change compares with this many days ago; 1 to 36525'),
	('money_decimals', 26, 'int', '2', true, 0, 9, NULL, 'views', 'none',
		'decimals of money in the views; 0 to 9'),
	('objection', 27, 'text', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'column or expression over customers, boolean: does this person object to profiling?'),
	('contact', 28, 'text[]', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'boolean columns of customers: by which channels the person may be contacted'),
	('retention_days', 29, 'int', NULL, false, 1, 365250, NULL, 'views', 'none',
		'customers without an order for this many days are removed; NULL: never'),
	('minimum_group_size', 30, 'int', '1', true, 1, 1000000, NULL, 'views', 'none',
		'groups of fewer customers are not shown in summaries'),
	('minimum_customers', 31, 'int', '1', true, 1, 1000000, NULL, 'thresholds', 'none',
		'quantiles are taken of this many customers or more; with fewer, scores by quantiles are NULL, with '
		'the reason too_few_customers'),
	('purpose', 32, 'text', NULL, false, NULL, NULL, NULL, 'views', 'none',
		'what the model is for, for the record of processing'),
	('legal_basis', 33, 'text', NULL, false, NULL, NULL, NULL, 'views', 'none',
		'why people may be scored, for the record of processing'),
	('event_key', 34, 'text', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'column or expression: rows of the source that have it in common are the same event; of live models only '
		'for those with live_on'),
	('currency', 35, 'text', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'column or expression: the currency of the value, for data_quality'),
	('prediction', 36, 'text', NULL, false, NULL, NULL, NULL, 'fits', 'none',
		'a family, ''mbgnbd'' is recommended: churn, expected orders, lifetime value; NULL: none'),
	('prediction_group', 48, 'text', NULL, false, NULL, NULL, NULL, 'fits', 'none',
		'an attribute, whose groups have fits of their own where they are large enough; or ''tenant'': tenants '
		'without a fit of their own take that of all tenants'),
	('margin', 37, 'float8', '1', true, NULL, NULL, NULL, 'value', 'none',
		'the part of the revenue that is left, in clv_12m'),
	('discount_rate', 38, 'float8', '0.1', true, 0, 10, 'It is per year: 0.1 is ten percent.', 'value', 'none',
		'of clv_12m, per year'),
	('known_since', 39, 'text', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'a column or expression of customers: from which day on a person without an order counts'),
	('scorecards', 40, 'text[]', NULL, false, NULL, NULL, NULL, 'cards', 'none',
		'scorecards, shipped or your own: their scores and bands are columns'),
	('composite', 41, 'jsonb', NULL, false, NULL, NULL, NULL, 'views', 'none',
		'scores and their weights, one score of all of them: {"rfm_score": 5, "engagement_score": 3}'),
	('account', 42, 'text', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'a column or expression of customers: the company, say, that a person is a contact of; see account_scores'),
	('clusters', 43, 'int', '0', true, 0, 64, 'It is 2 to 64; 0: none.', 'clusters', 'none',
		'number of clusters of customers who are alike: 2 to 64; 0: none'),
	('cluster_inputs', 44, 'text[]', '{recency_days,frequency,monetary}', true, NULL, NULL, NULL, 'clusters', 'none',
		'numbers of customer_scores by which clusters are alike'),
	('cluster_scaling', 45, 'text[]', '{log1p_zscore}', true, NULL, NULL, NULL, 'clusters', 'none',
		'how inputs are made comparable: one method for all, or one for each, as of kmeans_fit'),
	('live_on', 46, 'jsonb', NULL, false, NULL, NULL, NULL, 'names', 'none',
		'live over several tables: each of them, and its column that is the event_key: '
		'{"shop.orders": "id", "shop.refunds": "order_id"}'),
	('distribute', 47, 'boolean', 'false', true, NULL, NULL, NULL, 'fixed', 'none',
		'Citus keeps the histories on its workers, distributed by customer')
) AS s (name, argument, type, default_value, is_required, low, high, hint, redo, null_means, meaning);

-- The names of settings that have one of these words in redo.
CREATE FUNCTION @extschema@._settings_of(VARIADIC redo text[])
	RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.array_agg(s.name::pg_catalog.text ORDER BY s.position) FROM @extschema@._setting AS s
	 WHERE s.redo OPERATOR(pg_catalog.=) ANY (_settings_of.redo);
END;
COMMENT ON FUNCTION @extschema@._settings_of(text[]) IS
	'internal: the settings that need one of these things done again';

-- The defaults of settings that are to be reset, beside changes of others.
CREATE FUNCTION @extschema@._setting_defaults(reset text[], changes jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	defaults	jsonb := '{}';
	wanted		text;
	value		jsonb;
	s			@extschema@._setting;
	resettable	text[] := ARRAY(SELECT o.name FROM @extschema@._setting AS o
		WHERE o.redo <> 'fixed' AND (o.redo <> 'source' OR NOT o.is_required) ORDER BY o.name);
BEGIN
	FOREACH wanted IN ARRAY coalesce(reset, '{}') LOOP
		SELECT o.* INTO s FROM @extschema@._setting AS o WHERE o.name = wanted AND o.name = ANY (resettable);
		IF NOT FOUND THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('reset: "%s" is no setting that has a default', left(wanted, 100)),
				HINT = format('Those are %s.', array_to_string(resettable, ', '));
		END IF;
		IF changes ->> wanted IS NOT NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s is both set and reset', wanted);
		END IF;
		EXECUTE format('SELECT to_jsonb(%L::%s)', s.default_value, s.type) INTO value;
		defaults := defaults || jsonb_build_object(wanted, value);
	END LOOP;
	RETURN defaults;
END
$$;
COMMENT ON FUNCTION @extschema@._setting_defaults(text[], jsonb) IS
	'internal: the defaults of settings that are to be reset';

-- Is the model live over several tables? Then it has a ledger of its events.
CREATE FUNCTION @extschema@._is_ledger(settings jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE((settings OPERATOR(pg_catalog.->>) 'live')::boolean
		AND settings OPERATOR(pg_catalog.->>) 'live_on' IS NOT NULL
		AND NOT settings OPERATOR(pg_catalog.?) 'stream_no', false);
END;
COMMENT ON FUNCTION @extschema@._is_ledger(jsonb) IS 'internal: is a model live over several tables, by live_on?';

-- What is live over one table has no event_key: of a model, or of a stream. What is
-- live over several has one, or nobody could say which event a row belongs to.
CREATE FUNCTION @extschema@._check_live_key(settings jsonb, what text)
	RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	example	text := 'live_on => ''{"shop.orders": "id", "shop.refunds": "order_id"}''';
	bad		text;
BEGIN
	IF what = 'model' AND settings ->> 'live_on' IS NOT NULL THEN
		IF jsonb_typeof(settings -> 'live_on') <> 'object' OR settings -> 'live_on' = '{}' THEN
			RAISE invalid_parameter_value USING
				MESSAGE = 'live_on is not an object of tables and their columns',
				HINT = format('Like: %s.', example);
		END IF;
		SELECT min(e.key) INTO bad FROM jsonb_each(settings -> 'live_on') AS e
		 WHERE jsonb_typeof(e.value) <> 'string' OR octet_length(e.key) > 1000;
		IF bad IS NOT NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('live_on: "%s" has no column', left(bad, 100)),
				HINT = format('Like: %s.', example);
		END IF;
		IF settings ->> 'event_key' IS NULL THEN
			RAISE null_value_not_allowed USING
				MESSAGE = 'live_on is given without event_key',
				HINT = 'Name the column of the source that the columns of live_on are equal to:'
					' event_key => ''order_id''.';
		END IF;
	ELSIF (settings ->> 'live')::boolean AND settings ->> 'event_key' IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: a %s with an event_key can''t be live', what),
			DETAIL = 'A trigger sees the rows of one statement, and not whether there are others with the same key.',
			HINT = concat(CASE WHEN what = 'model' THEN format('Over several tables: %s. Over one, a', example)
				ELSE 'A' END, ' unique index on the source does what event_key does;'
				' or leave live out and schedule refresh_model.');
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._check_live_key(jsonb, text) IS
	'internal: refuse an event_key of what is live over one table, and live_on without one';

-- Settings that make sense together, or an error.
CREATE FUNCTION @extschema@._model_check_settings(settings jsonb)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	setting		record;
	value		float8;
	message		text;
	today		date;
	s			record;
BEGIN
	FOR setting IN SELECT o.* FROM @extschema@._setting AS o ORDER BY o.position LOOP
		IF setting.is_required AND settings ->> setting.name IS NULL THEN
			RAISE null_value_not_allowed USING MESSAGE = format('%s must not be null', setting.name);
		END IF;
		CONTINUE WHEN setting.low IS NULL;
		value := settings ->> setting.name;
		CONTINUE WHEN (value >= setting.low AND value <= setting.high) IS NOT FALSE;
		message := format('%s %s is not between %s and %s', setting.name, value, setting.low, setting.high);
		IF setting.hint IS NULL THEN
			RAISE invalid_parameter_value USING MESSAGE = message;
		END IF;
		RAISE invalid_parameter_value USING MESSAGE = message, HINT = setting.hint;
	END LOOP;
	SELECT * INTO s FROM jsonb_to_record(settings) AS r (as_of date, bins int, segment_map text, window_days int,
		monetary text, frequency text, recency_thresholds float8[], frequency_thresholds float8[],
		monetary_thresholds float8[], weights float8[], time_zone text, language text, prediction text, margin float8);
	today := (now() AT TIME ZONE s.time_zone)::date;		-- an error for an unknown zone
	IF NOT isfinite(s.as_of) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('as_of must be finite, not %s', settings ->> 'as_of'),
			HINT = 'Leave as_of NULL, and the model always answers for today.';
	END IF;
	IF s.as_of > today THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('as_of %s lies after today, %s in %s', settings ->> 'as_of', to_char(today, 'YYYY-MM-DD'),
				s.time_zone),
			HINT = 'Leave as_of NULL, and the model always answers for today.';
	END IF;
	IF settings ->> 'on_error' NOT IN ('reject', 'raise') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('on_error "%s" is neither "reject" nor "raise"', left(settings ->> 'on_error', 100));
	END IF;
	IF s.language !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('language "%s" is not a language code', left(s.language, 100)),
			HINT = 'Shipped maps have labels in en and fr.';
	END IF;
	IF s.prediction !~ '^(mbgnbd|bgnbd|paretonbd|mbgcnbd(-([1-9]|1[0-2]))?)$' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('prediction "%s" is no family', left(s.prediction, 100)),
			HINT = 'The families are mbgnbd (recommended), bgnbd, paretonbd and mbgcnbd; mbgcnbd-1 to mbgcnbd-12 for a'
				' k of your own.';
	END IF;
	IF settings ->> 'prediction_group' IS NOT NULL
		AND settings ->> 'prediction_group' <> ALL (@extschema@._model_attributes(settings))
		AND NOT (settings ->> 'prediction_group' = 'tenant' AND settings ->> 'tenant' IS NOT NULL) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('prediction_group "%s" is no attribute of the model',
				left(settings ->> 'prediction_group', 100)),
			HINT = 'Name one of attributes, or ''tenant'' in a model with tenants.';
	END IF;
	IF NOT (s.margin > 0 AND s.margin <= 1) THEN
		RAISE invalid_parameter_value USING MESSAGE = format('margin %s is not above 0 and at most 1', s.margin);
	END IF;
	PERFORM @extschema@._check_live_key(settings, 'model');
	PERFORM FROM @extschema@._composite_parts(settings);
	PERFORM @extschema@._check_clusters(settings);
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
	EXECUTE format('UPDATE %I.configuration SET valid_until = least(valid_until, $1)'
		' WHERE valid_until IS NULL OR valid_until > $1', model)
		USING valid_from;
	settings := settings || jsonb_build_object('version', version, 'valid_from', valid_from, 'valid_until', NULL,
		'reason', reason, 'made_at', now(), 'made_by', current_user, 'layout', @extschema@._model_layout());
	EXECUTE format('INSERT INTO %1$I.configuration'
		' SELECT * FROM jsonb_populate_record(NULL::%1$I.configuration, $1)', model)
		USING settings;
	RETURN settings;
END
$$;
COMMENT ON FUNCTION @extschema@._model_write_version(name, jsonb, text) IS
	'internal: write the next version of a configuration';

-- An earlier version.
CREATE FUNCTION @extschema@._model_version(model name, version int)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	settings	jsonb;
BEGIN
	EXECUTE format('SELECT to_jsonb(c) FROM %I.configuration AS c WHERE c.version = $1', model)
		INTO settings USING version;
	IF settings IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('model "%s" has no version %s', model, version),
			HINT = format('SELECT version, valid_from, reason FROM %I.configuration;', model);
	END IF;
	RETURN settings || @extschema@._model_beside(model);
END
$$;
COMMENT ON FUNCTION @extschema@._model_version(name, int) IS 'internal: the settings of a version of a model';
