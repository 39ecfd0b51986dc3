--
-- Layer 4: the tables of a model. Nobody but the owner reads them.
--

-- The tables of a model. Nobody but the owner reads them.
CREATE FUNCTION @extschema@._model_make_tables(model name, tenanted boolean)
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
		INSERT INTO %1$I.suppression_key VALUES (@extschema@._new_suppression_key());
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
		('configuration', 'made_at', 'when'), ('configuration', 'made_by', 'who made it'),
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
		('suppressed', NULL, 'who has been erased, and is not stored again while the source still has them: pseudonyms'),
		('suppressed', 'token', 'suppression_token of the key in suppression_key and customer_key'),
		('suppressed', 'suppressed_on', 'since when'), ('suppressed', 'reason', 'the call that wrote it'),
		('suppressed', 'key_id', 'suppression_key_id of the key that the token was made with; NULL: of the key that is there'),
		('suppression_key', NULL, 'the key of the tokens of this model; anybody who has it can try every customer'),
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
COMMENT ON FUNCTION @extschema@._model_make_tables(name, boolean) IS 'internal: the tables of a model';

-- The tables of what people and checks have found. Nobody but the owner reads them.
CREATE FUNCTION @extschema@._model_make_corrections(model name)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	c	record;
BEGIN
	EXECUTE format($q$
		CREATE TABLE %1$I.overridden_segments (
			customer_key text COLLATE "C" PRIMARY KEY, tenant text NOT NULL, segment text COLLATE "C" NOT NULL, reason text NOT NULL,
			valid_from date NOT NULL, valid_until date, made_by text NOT NULL, made_at timestamptz NOT NULL DEFAULT now()
		);
		CREATE TABLE %1$I.merged_customers (
			customer_key text COLLATE "C" PRIMARY KEY, tenant text NOT NULL, customer_id text NOT NULL,
			into_key text COLLATE "C" NOT NULL, into_id text NOT NULL, root_key text COLLATE "C" NOT NULL, root_id text NOT NULL,
			merged_by text NOT NULL, merged_at timestamptz NOT NULL DEFAULT now()
		);
		CREATE INDEX ON %1$I.merged_customers (root_key);
		CREATE TABLE %1$I.quality (
			tenant text, reason text NOT NULL, affected bigint NOT NULL, customers bigint, detail text, checked_at timestamptz NOT NULL,
			UNIQUE NULLS NOT DISTINCT (tenant, reason)
		);
		-- A key of a person has no place in the statistics, which more people can read.
		ALTER TABLE %1$I.overridden_segments ALTER customer_key SET STATISTICS 0, ALTER reason SET STATISTICS 0;
		ALTER TABLE %1$I.merged_customers ALTER customer_key SET STATISTICS 0, ALTER customer_id SET STATISTICS 0, ALTER into_key SET STATISTICS 0,
			ALTER into_id SET STATISTICS 0, ALTER root_key SET STATISTICS 0, ALTER root_id SET STATISTICS 0;
		ANALYZE %1$I.overridden_segments, %1$I.merged_customers;
		$q$, model);
	FOR c IN SELECT * FROM (VALUES
		('overridden_segments', NULL, 'segments that a person has set by override_segment'),
		('overridden_segments', 'customer_key', 'the customer as text'), ('overridden_segments', 'tenant', 'empty in a model without tenants'),
		('overridden_segments', 'segment', 'instead of that of the rules'), ('overridden_segments', 'reason', 'why, in words of who did it'),
		('overridden_segments', 'valid_from', 'first as_of day for which it holds'),
		('overridden_segments', 'valid_until', 'last as_of day for which it holds; NULL: until it is taken back'),
		('overridden_segments', 'made_by', 'who did it'), ('overridden_segments', 'made_at', 'when'),
		('merged_customers', NULL, 'customers who are other customers too, by merge_customers'),
		('merged_customers', 'customer_key', 'who is no longer a customer of their own'), ('merged_customers', 'tenant', 'empty in a model without tenants'),
		('merged_customers', 'customer_id', 'the same as the source has it'),
		('merged_customers', 'into_key', 'the customer they were merged into'), ('merged_customers', 'into_id', 'the same as the source has it'),
		('merged_customers', 'root_key', 'the customer their orders count for: the last of a chain'), ('merged_customers', 'root_id', 'the same as the source has it'),
		('merged_customers', 'merged_by', 'who did it'), ('merged_customers', 'merged_at', 'when'),
		('quality', NULL, 'what check_quality found in the source; read by the view data_quality; no data of persons'),
		('quality', 'tenant', 'empty in a model without tenants; NULL: not known by tenant'), ('quality', 'reason', 'as in data_quality'),
		('quality', 'affected', 'how many'), ('quality', 'customers', 'how many customers these are; NULL: not known'),
		('quality', 'detail', 'figures in words'), ('quality', 'checked_at', 'when')) AS v (relation, attribute, words) LOOP
		IF c.attribute IS NULL THEN
			EXECUTE format('COMMENT ON TABLE %I.%I IS %L', model, c.relation, c.words);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', model, c.relation, c.attribute, c.words);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_corrections(name) IS 'internal: the tables of corrections of a model';
