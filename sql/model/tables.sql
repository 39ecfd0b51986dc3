--
-- Layer 4: the tables of a model. Nobody but the owner reads them.
--

CREATE TABLE @extschema@._model_table (
	"position"	bigint PRIMARY KEY,
	relation	text COLLATE "C" NOT NULL UNIQUE,
	part		text NOT NULL,
	constraints	text,
	meaning		text NOT NULL
);
COMMENT ON TABLE @extschema@._model_table IS 'internal: the tables that a model is made with';
COMMENT ON COLUMN @extschema@._model_table."position" IS 'order in which they are made';
COMMENT ON COLUMN @extschema@._model_table.relation IS 'name';
COMMENT ON COLUMN @extschema@._model_table.part IS
	'all: every model has it; distributed: distributed models; '
	'streams: models that have once had a stream beside their orders; '
	'ledger: models that have once been live over several tables; '
	'prediction: models that have once predicted';
COMMENT ON COLUMN @extschema@._model_table.constraints IS 'constraints over several columns';
COMMENT ON COLUMN @extschema@._model_table.meaning IS 'comment of the table';
INSERT INTO @extschema@._model_table
SELECT pg_catalog.row_number() OVER (), t.* FROM (VALUES
	('configuration', 'all', NULL, 'versions of the settings of the model; the one without valid_until is in force'),
	('calibration', 'all', 'PRIMARY KEY (version, tenant)', 'the thresholds of each version, by tenant'),
	('calibration_groups', 'all', 'PRIMARY KEY (version, tenant, group_value)',
		'fits of groups of customers, of models with prediction_group'),
	('customer_histories', 'all', NULL, 'one row per customer; not for readers'),
	('pending', 'all', NULL,
		'what triggers on the source have seen and apply_changes has not folded in yet; views add it'),
	('rejects', 'all', NULL,
		'what triggers on the source could not handle since the last refresh; no data of persons'),
	('refreshes', 'all', NULL, 'every reading of the source'),
	('reader', 'all', 'UNIQUE NULLS NOT DISTINCT (role, tenant)', 'who may see which tenant; without a row nothing'),
	('recorded_segments', 'all', NULL, 'the segment of each customer when record_changes last looked'),
	('recorded_changes', 'all', NULL, 'changes of segment, in order; read by the view segment_changes'),
	('suppressed', 'all', NULL,
		'who has been erased, and is not stored again while the source still has them: pseudonyms'),
	('suppression_key', 'all', NULL,
		'the key of the tokens of this model; anybody who has it can try every customer'),
	('overridden_segments', 'all', NULL, 'segments that a person has set by override_segment'),
	('merged_customers', 'all', NULL, 'customers who are other customers too, by merge_customers'),
	('quality', 'all', 'UNIQUE NULLS NOT DISTINCT (tenant, reason)',
		'what check_quality found in the source; read by the view data_quality; no data of persons'),
	('set_goals', 'all', 'UNIQUE NULLS NOT DISTINCT (tenant, segment, kpi)', 'goals that set_goal has set'),
	('started_campaigns', 'all', NULL, 'campaigns that start_campaign has started'),
	('campaign_groups', 'all', 'PRIMARY KEY (campaign, customer_key)', 'who is in which group of a campaign'),
	('source_rows', 'distributed', NULL, 'what a refresh has read here from its source; empty after it'),
	('source_histories', 'distributed', NULL, 'the same, or what the workers have read, on them; empty after it'),
	('stream_changes', 'distributed', NULL, 'what a refresh is about to write into stream_histories; empty after it'),
	('stream', 'streams', NULL, 'the streams beside the orders'),
	('stream_kind', 'streams', 'PRIMARY KEY (stream_no, kind_no), UNIQUE (stream_no, kind)',
		'the kinds of events of each stream; 0 stands for all others'),
	('stream_histories', 'streams', NULL, 'what customers did, by stream and kind; not for readers'),
	('pending_events', 'streams', NULL,
		'what triggers on the sources of live streams have seen and apply_changes has not folded in yet'),
	('ledger', 'ledger', NULL,
		'of a model that is live over several tables: what each event counts for in the histories and in pending'),
	('touched', 'ledger', NULL,
		'events that statements have touched and apply_changes has not compared with the ledger yet; views do it'),
	('ledger_secret', 'ledger', NULL, 'by which _touched_rows knows that a view of the model asks, and nobody else'),
	('prediction_check_log', 'prediction', 'PRIMARY KEY (check_id, tenant)',
		'every call of check_prediction: fitted before a day, compared with what came after'),
	('prediction_check_classes', 'prediction', 'PRIMARY KEY (check_id, tenant, repeat_orders)',
		'the same by number of repeat orders until split_on; 7 is 7 or more'),
	('prediction_check_segments', 'prediction', 'PRIMARY KEY (check_id, tenant, segment)',
		'the same on who orders at all, by segment on split_on'),
	('prediction_check_weeks', 'prediction', 'PRIMARY KEY (check_id, tenant, week_end)',
		'further days with an order of those who had one by split_on, week by week'),
	('propensity_check_log', 'prediction', 'PRIMARY KEY (check_id, tenant, "position")',
		'the same calls on who orders at all: by orders alone, with streams, and prospects')
) AS t;

CREATE TABLE @extschema@._model_table_column (
	"position"	bigint PRIMARY KEY,
	relation	text COLLATE "C" NOT NULL,
	name		text COLLATE "C" NOT NULL,
	definition	text NOT NULL,
	kind		text,
	meaning		text NOT NULL,
	UNIQUE (relation, name)
);
COMMENT ON TABLE @extschema@._model_table_column IS 'internal: the columns of the tables of a model';
COMMENT ON COLUMN @extschema@._model_table_column."position" IS 'order of the columns of a table';
COMMENT ON COLUMN @extschema@._model_table_column.relation IS 'the table';
COMMENT ON COLUMN @extschema@._model_table_column.name IS 'name';
COMMENT ON COLUMN @extschema@._model_table_column.definition IS 'type and constraints; {model} is the schema';
COMMENT ON COLUMN @extschema@._model_table_column.kind IS
	'personal: kept out of the statistics, because it is a key of a person or says something of one; tenanted: '
	'the same, in models with tenants alone; found: what was found out about the settings, after which it stands';
COMMENT ON COLUMN @extschema@._model_table_column.meaning IS 'comment of the column';
INSERT INTO @extschema@._model_table_column
SELECT pg_catalog.row_number() OVER (), c.* FROM (VALUES
	('configuration', 'version', 'int PRIMARY KEY', NULL, '1, 2, ...'),
	('configuration', 'valid_from', 'date NOT NULL', NULL, 'as_of day from which the version is in force'),
	('configuration', 'valid_until', 'date', NULL, 'as_of day from which another version is; NULL: in force'),
	('configuration', 'reason', 'text NOT NULL', NULL, 'created, altered, calibrated or back to another version'),
	('configuration', 'made_at', 'timestamptz NOT NULL', NULL, 'when'),
	('configuration', 'made_by', 'text NOT NULL', NULL, 'who made it'),
	('configuration', 'source_relation', 'text', 'found', 'the table or view, if source is one'),
	('configuration', 'source_reads', 'text[]', 'found', 'the tables and views that the source reads'),
	('configuration', 'source_query', 'text NOT NULL', 'found', 'what is read, every name qualified'),
	('configuration', 'quality_query', 'text NOT NULL', 'found', 'the same with what check_quality reads'),
	('configuration', 'customers_query', 'text', 'found', 'who is known, every name qualified'),
	('configuration', 'customers_reads', 'text[]', 'found', 'the tables and views that customers reads'),
	('configuration', 'customers_here', 'boolean', 'found',
		'customers is read by a statement of its own, because Citus manages it'),
	('configuration', 'known_is_moment', 'boolean', 'found', 'known_since is a timestamptz'),
	('configuration', 'customers_key_type', 'text', 'found', 'type of the customer in customers'),
	('configuration', 'customer_type', 'text NOT NULL', 'found', 'type of the customer in the source'),
	('configuration', 'key_text', 'text', 'found', 'how a customer becomes text'),
	('configuration', 'day_is_moment', 'boolean NOT NULL', 'found', 'the day is a timestamptz'),
	('configuration', 'of_histories', 'boolean NOT NULL', 'found', 'a row of the source has the history of a customer'),
	('configuration', 'source_columns', 'text[]', 'found', 'the columns that a live model reads, with their types'),
	('configuration', 'source_parts', 'text[]', 'found',
		'the partitions of the source that have triggers of a live model'),
	('configuration', 'live_tables', 'jsonb', 'found',
		'the tables of live_on: relation, column, its type, and the partitions that have triggers'),
	('configuration', 'objects', 'text[]', 'found', 'the tables, views and functions that the model was made with'),
	('configuration', 'cards', 'jsonb', 'found',
		'of each scorecard: its copy in this schema, and the copy compiled for the streams'),
	('configuration', 'parts', 'jsonb', 'found',
		'digests of the views and functions, by which alter_model knows those that can stay'),
	('configuration', 'map_copy', 'text NOT NULL', 'found', 'name of the copy in segment_map of this schema'),
	('configuration', 'layout', 'int NOT NULL', 'found',
		'the number of how the tables of the model look, by which upgrade_model goes'),
	('calibration', 'version', 'int NOT NULL REFERENCES {model}.configuration', NULL, 'of the configuration'),
	('calibration', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('calibration', 'calibrated_on', 'date NOT NULL', NULL, 'as_of day on which they were taken'),
	('calibration', 'recency_thresholds', 'float8[]', NULL, 'in days'),
	('calibration', 'frequency_thresholds', 'float8[]', NULL, 'in orders or active days'),
	('calibration', 'monetary_thresholds', 'float8[]', NULL, 'of the total or the mean'),
	('calibration', 'basket_thresholds', 'float8[]', NULL, 'of the mean'),
	('calibration', 'customers', 'bigint NOT NULL', NULL, 'with an order, when they were taken'),
	('calibration', 'fitted_on', 'date', NULL, 'as_of day of the fits'),
	('calibration', 'btyd_fit', 'jsonb', NULL, 'how customers come back and stay away, by btyd_fit'),
	('calibration', 'spend_fit', 'jsonb', NULL, 'what they spend, by spend_fit'),
	('calibration', 'propensity_fit', 'jsonb', NULL, 'who orders within 90 days, by logit_fit'),
	('calibration', 'prospect_fit', 'jsonb', NULL,
		'which people without an order place one within 90 days, by logit_fit; NULL: there is no stream'),
	('calibration', 'clv_thresholds', 'float8[]', NULL, 'thirds of clv_12m'),
	('calibration', 'weights_fit', 'jsonb', NULL,
		'how the three scores of 90 days ago tell who has ordered since, by logit_fit'),
	('calibration', 'satisfaction_mean', 'float8', NULL, 'mean of all answers on a scale, 0 to 10'),
	('calibration', 'satisfaction_weight', 'float8', NULL,
		'as how many answers of a customer it counts: variance within customers divided by that between them'),
	('calibration', 'categories_on', 'date', NULL, 'as_of day on which the shares of categories were taken'),
	('calibration', 'category_names', 'text[]', NULL, 'the categories of products, in the order of bytes'),
	('calibration', 'category_keys', 'int[]', NULL, 'the kinds of events that are about them: 1024 * stream + kind'),
	('calibration', 'category_numbers', 'int[]', NULL, 'of each of these kinds the category, 0 is the first'),
	('calibration', 'category_weights', 'int[]', NULL, 'and what an event weighs'),
	('calibration', 'category_shares', 'float8[]', NULL, 'the share of each category in all that customers do'),
	('calibration', 'appetence_thresholds', 'float8[]', NULL,
		'percentiles of the interest of customers, 99 for each of the categories'),
	('calibration', 'median_value', 'float8', NULL, 'value of an order: the median of the customers'' mean_value'),
	('calibration', 'cluster_fit', 'jsonb', NULL, 'the clusters, by kmeans_fit, with names; or why there are none'),
	('customer_histories', 'customer_key', 'text COLLATE "C" PRIMARY KEY', 'personal', 'the customer as text'),
	('customer_histories', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('customer_histories', 'customer_id', 'text NOT NULL', 'tenanted', 'the customer as the source has it'),
	('customer_histories', 'history', '@extschema@.history NOT NULL', 'personal',
		'all days with their orders and totals'),
	('pending', 'customer_key', 'text COLLATE "C" NOT NULL', 'personal', 'the customer as text'),
	('pending', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('pending', 'customer_id', 'text NOT NULL', 'tenanted', 'the customer as the source has it'),
	('pending', 'difference', '@extschema@.history NOT NULL', 'personal',
		'what a statement has added to the history, or taken away'),
	('rejects', 'rejected_at', 'timestamptz NOT NULL DEFAULT now()', NULL, 'when'),
	('rejects', 'operation', 'text NOT NULL', NULL, 'the kind of statement'),
	('rejects', 'reason', 'text NOT NULL', NULL, 'why'),
	('rejects', 'affected', 'bigint NOT NULL', NULL, 'rows left out; negative: such rows that went'),
	('rejects', 'needs_rebuild', 'boolean NOT NULL', NULL, 'the model misses something until refresh_model'),
	('refreshes', 'refresh_id', 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY', NULL, '1, 2, ...'),
	('refreshes', 'version', 'int NOT NULL', NULL, 'of the configuration'),
	('refreshes', 'started_at', 'timestamptz NOT NULL', NULL, 'when it began'),
	('refreshes', 'finished_at', 'timestamptz', NULL, 'when it ended'),
	('refreshes', 'rows_read', 'bigint NOT NULL', NULL, 'rows of the source'),
	('refreshes', 'rows_without_customer', 'bigint NOT NULL', NULL, 'left out'),
	('refreshes', 'rows_without_day', 'bigint NOT NULL', NULL, 'left out'),
	('refreshes', 'rows_without_value', 'bigint NOT NULL', NULL, 'left out'),
	('refreshes', 'rows_unconvertible', 'bigint NOT NULL', NULL,
		'left out: customer, day or value can''t be scored, see data_quality'),
	('refreshes', 'customers', 'bigint NOT NULL', NULL, 'in the source'),
	('refreshes', 'customers_added', 'bigint NOT NULL', NULL, 'not there before'),
	('refreshes', 'customers_changed', 'bigint NOT NULL', NULL, 'whose history differs'),
	('refreshes', 'customers_removed', 'bigint NOT NULL', NULL, 'no longer in the source'),
	('refreshes', 'customers_too_large', 'bigint NOT NULL', NULL, 'left out: a total beyond 18 digits'),
	('refreshes', 'stream_no', 'int', NULL, 'of the stream that was read; NULL: the orders'),
	('reader', 'role', 'name NOT NULL', NULL, 'a role; its members count'),
	('reader', 'tenant', 'text', NULL, 'NULL: all of them'),
	('recorded_segments', 'customer_key', 'text COLLATE "C" PRIMARY KEY', 'personal', 'the customer as text'),
	('recorded_segments', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('recorded_segments', 'segment', 'text COLLATE "C"', NULL, 'as recorded'),
	('recorded_segments', 'previous_segment', 'text COLLATE "C"', NULL, 'the one before'),
	('recorded_segments', 'changed_on', 'date', NULL, 'as_of day of the change; NULL: none seen yet'),
	('recorded_changes', 'change_id', 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY', NULL,
		'rises with every change'),
	('recorded_changes', 'recorded_at', 'timestamptz NOT NULL DEFAULT now()', NULL, 'when it was recorded'),
	('recorded_changes', 'as_of', 'date NOT NULL', NULL, 'the day for which the segments were computed'),
	('recorded_changes', 'customer_key', 'text COLLATE "C" NOT NULL', 'personal', 'the customer as text'),
	('recorded_changes', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('recorded_changes', 'previous_segment', 'text COLLATE "C"', NULL, 'NULL: a new customer'),
	('recorded_changes', 'segment', 'text COLLATE "C"', NULL, 'NULL: no longer there'),
	('suppressed', 'token', 'bytea PRIMARY KEY', NULL,
		'suppression_token of the key in suppression_key and customer_key'),
	('suppressed', 'suppressed_on', 'date NOT NULL', NULL, 'since when'),
	('suppressed', 'reason', 'text NOT NULL', NULL, 'the call that wrote it'),
	('suppressed', 'key_id', 'bytea', NULL,
		'suppression_key_id of the key that the token was made with; NULL: of the key that is there'),
	('suppression_key', 'key', 'bytea NOT NULL', NULL, '32 random bytes'),
	('overridden_segments', 'customer_key', 'text COLLATE "C" PRIMARY KEY', 'personal', 'the customer as text'),
	('overridden_segments', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('overridden_segments', 'segment', 'text COLLATE "C" NOT NULL', NULL, 'instead of that of the rules'),
	('overridden_segments', 'reason', 'text NOT NULL', 'personal', 'why, in words of who did it'),
	('overridden_segments', 'valid_from', 'date NOT NULL', NULL, 'first as_of day for which it holds'),
	('overridden_segments', 'valid_until', 'date', NULL,
		'last as_of day for which it holds; NULL: until it is taken back'),
	('overridden_segments', 'made_by', 'text NOT NULL', NULL, 'who did it'),
	('overridden_segments', 'made_at', 'timestamptz NOT NULL DEFAULT now()', NULL, 'when'),
	('merged_customers', 'customer_key', 'text COLLATE "C" PRIMARY KEY', 'personal',
		'who is no longer a customer of their own'),
	('merged_customers', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('merged_customers', 'customer_id', 'text NOT NULL', 'personal', 'the same as the source has it'),
	('merged_customers', 'into_key', 'text COLLATE "C" NOT NULL', 'personal', 'the customer they were merged into'),
	('merged_customers', 'into_id', 'text NOT NULL', 'personal', 'the same as the source has it'),
	('merged_customers', 'root_key', 'text COLLATE "C" NOT NULL', 'personal',
		'the customer their orders count for: the last of a chain'),
	('merged_customers', 'root_id', 'text NOT NULL', 'personal', 'the same as the source has it'),
	('merged_customers', 'merged_by', 'text NOT NULL', NULL, 'who did it'),
	('merged_customers', 'merged_at', 'timestamptz NOT NULL DEFAULT now()', NULL, 'when'),
	('quality', 'tenant', 'text', NULL, 'empty in a model without tenants; NULL: not known by tenant'),
	('quality', 'reason', 'text NOT NULL', NULL, 'as in data_quality'),
	('quality', 'affected', 'bigint NOT NULL', NULL, 'how many'),
	('quality', 'customers', 'bigint', NULL, 'how many customers these are; NULL: not known'),
	('quality', 'detail', 'text', NULL, 'figures in words'),
	('quality', 'checked_at', 'timestamptz NOT NULL', NULL, 'when'),
	('set_goals', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('set_goals', 'segment', 'text COLLATE "C"', NULL, 'NULL: everybody'),
	('set_goals', 'kpi', 'text COLLATE "C" NOT NULL', NULL, 'the key figure, as in segment_kpis'),
	('set_goals', 'baseline', 'float8 NOT NULL', NULL, 'what it is measured from'),
	('set_goals', 'baseline_on', 'date NOT NULL', NULL, 'as_of day on which it was set'),
	('set_goals', 'change', 'text NOT NULL', NULL, 'to, by or by_percent'),
	('set_goals', 'target', 'float8 NOT NULL', NULL, 'as given'),
	('set_goals', 'target_value', 'float8 NOT NULL', NULL, 'what the figure is to become'),
	('set_goals', 'due_on', 'date NOT NULL', NULL, 'the day on which it counts'),
	('set_goals', 'action', 'text', NULL, 'what is to be done'),
	('set_goals', 'owner', 'text', NULL, 'who sees to it'),
	('set_goals', 'set_by', 'text NOT NULL', NULL, 'who set it'),
	('set_goals', 'set_at', 'timestamptz NOT NULL DEFAULT now()', NULL, 'when'),
	('started_campaigns', 'campaign', 'text COLLATE "C" PRIMARY KEY', NULL, 'name'),
	('started_campaigns', 'segments', 'text[]', NULL, 'whose people it is for; NULL: all'),
	('started_campaigns', 'salt', 'text NOT NULL', NULL, 'what is put before the key of a customer to find the group'),
	('started_campaigns', 'shares', 'float8[] NOT NULL', NULL, 'parts of the groups; the first is the control'),
	('started_campaigns', 'started_on', 'date NOT NULL', NULL, 'the day of the segments; what comes after it counts'),
	('started_campaigns', 'cost', 'numeric', NULL, 'what it cost'),
	('started_campaigns', 'started_by', 'text NOT NULL', NULL, 'who started it'),
	('started_campaigns', 'started_at', 'timestamptz NOT NULL DEFAULT now()', NULL, 'when'),
	('campaign_groups', 'campaign', 'text COLLATE "C" NOT NULL', NULL, 'the campaign'),
	('campaign_groups', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('campaign_groups', 'customer_key', 'text COLLATE "C" NOT NULL', 'personal', 'the customer as text'),
	('campaign_groups', 'segment', 'text COLLATE "C" NOT NULL', NULL, 'their segment when it began'),
	('campaign_groups', 'group_no', 'int NOT NULL', NULL, '1: the control'),
	('stream', 'stream_no', 'int PRIMARY KEY', NULL, '1, 2, ...'),
	('stream', 'stream', 'text COLLATE "C" NOT NULL UNIQUE', NULL, 'name'),
	('stream', 'source', 'text NOT NULL', NULL, 'as given: a table, view or query'),
	('stream', 'customer', 'text NOT NULL', NULL, 'as given: column or expression'),
	('stream', 'day', 'text NOT NULL', NULL, 'as given: column or expression'),
	('stream', 'kind', 'text', NULL, 'as given: column or expression; NULL: all events are of one kind, other'),
	('stream', 'value', 'text', NULL, 'as given: column or expression; NULL: 1 a row'),
	('stream', 'counts', 'text', NULL, 'as given: column or expression'),
	('stream', 'event_key', 'text', NULL, 'as given: column or expression'),
	('stream', 'live', 'boolean NOT NULL', NULL, 'triggers on the source keep the stream up to date'),
	('stream', 'role', 'text', NULL, 'what all kinds mean, or a JSON object that says it of each'),
	('stream', 'scale', 'text', NULL,
		'of answers: nps, csat, ces, stars, or a JSON object with min and max; NULL: events are no ratings'),
	('stream', 'time_zone', 'text NOT NULL', NULL, 'the time zone whose days count'),
	('stream', 'kinds', 'int NOT NULL', NULL, 'how many kinds have a history of their own'),
	('stream', 'kinds_beyond', 'text[]', NULL,
		'up to a hundred of the kinds that count as other, for there are too many'),
	('stream', 'source_relation', 'text', NULL, 'the table or view, if source is one'),
	('stream', 'source_reads', 'text[]', NULL, 'the tables and views that the source reads'),
	('stream', 'source_query', 'text NOT NULL', NULL, 'what is read, every name qualified'),
	('stream', 'quality_query', 'text NOT NULL', NULL, 'the same with what check_quality reads'),
	('stream', 'customer_type', 'text NOT NULL', NULL, 'type of the customer and the kind as they are read'),
	('stream', 'key_text', 'text', NULL, 'how a customer becomes text'),
	('stream', 'day_is_moment', 'boolean NOT NULL', NULL, 'the day is a timestamptz'),
	('stream', 'source_columns', 'text[]', NULL, 'the columns that a live stream reads, with their types'),
	('stream', 'source_parts', 'text[]', NULL, 'the partitions of the source that have triggers of a live stream'),
	('source_rows', 'customer_key', 'text COLLATE "C"', 'personal', 'the customer as text; NULL: no history'),
	('source_rows', 'tenant', 'text', NULL, 'empty'),
	('source_rows', 'history', '@extschema@.history', 'personal', 'all days with their orders and totals'),
	('source_rows', 'rows_read', 'bigint', NULL, 'of the one row with counts: rows of the source'),
	('source_rows', 'no_customer', 'bigint', NULL, 'rows without a customer'),
	('source_rows', 'no_day', 'bigint', NULL, 'rows without a day'),
	('source_rows', 'no_value', 'bigint', NULL, 'rows without a value'),
	('source_rows', 'unconvertible', 'bigint', NULL, 'rows that no history can hold'),
	('source_rows', 'too_large_key', 'text COLLATE "C"', 'personal', 'a customer whose total no history can hold'),
	('source_histories', 'customer_key', 'text COLLATE "C" PRIMARY KEY', 'personal', 'the customer as text'),
	('source_histories', 'tenant', 'text NOT NULL', NULL, 'empty'),
	('source_histories', 'history', '@extschema@.history NOT NULL', 'personal',
		'all days with their orders and totals'),
	('stream_changes', 'customer_key', 'text COLLATE "C" PRIMARY KEY', 'personal', 'the customer as text'),
	('stream_changes', 'tenant', 'text NOT NULL', NULL, 'empty'),
	('stream_changes', 'streams', '@extschema@.stream_histories NOT NULL', 'personal',
		'all days with their events and totals, by stream and kind; empty: the row goes'),
	('stream_kind', 'stream_no', 'int NOT NULL', NULL, 'of the stream'),
	('stream_kind', 'kind_no', 'int NOT NULL', NULL, '1, 2, ...'),
	('stream_kind', 'kind', 'text COLLATE "C" NOT NULL', NULL, 'as the source has it'),
	('stream_kind', 'role', 'text', NULL, 'what it means to scorecards; NULL: nothing'),
	('stream_histories', 'customer_key', 'text COLLATE "C" PRIMARY KEY', 'personal', 'the customer as text'),
	('stream_histories', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('stream_histories', 'customer_id', 'text NOT NULL', 'tenanted', 'the customer as the source has it'),
	('stream_histories', 'streams', '@extschema@.stream_histories NOT NULL', 'personal',
		'all days with their events and totals, by stream and kind'),
	('pending_events', 'customer_key', 'text COLLATE "C" NOT NULL', 'personal', 'the customer as text'),
	('pending_events', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('pending_events', 'customer_id', 'text NOT NULL', 'tenanted', 'the customer as the source has it'),
	('pending_events', 'stream_no', 'int NOT NULL', NULL, 'of the stream'),
	('pending_events', 'kind', 'text COLLATE "C" NOT NULL', NULL, 'as the source has it; empty: none'),
	('pending_events', 'difference', '@extschema@.history NOT NULL', 'personal',
		'what a statement has added to the history, or taken away'),
	('ledger', 'event', 'text COLLATE "C" NOT NULL', 'personal', 'the event_key as text'),
	('ledger', 'customer_key', 'text COLLATE "C"', 'personal', 'the customer as text; NULL: the row can''t be scored'),
	('ledger', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('ledger', 'customer_id', 'text', 'tenanted', 'the customer as the source has it'),
	('ledger', 'contribution', '@extschema@.history', 'personal',
		'the event as a history of its own; NULL: the row can''t be scored'),
	('touched', 'event', 'text COLLATE "C"', 'personal', 'the event_key as text; NULL: any event'),
	('ledger_secret', 'secret', 'bytea NOT NULL', NULL, '32 random bytes'),
	('calibration_groups', 'version', 'int NOT NULL', NULL, 'of configuration'),
	('calibration_groups', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('calibration_groups', 'grouped_by', 'text NOT NULL', NULL, 'prediction_group of the version'),
	('calibration_groups', 'group_value', 'text COLLATE "C" NOT NULL', NULL,
		'the value of that attribute; empty: all tenants'),
	('calibration_groups', 'btyd_fit', 'jsonb', NULL, 'how they come back and stay away, by btyd_fit'),
	('calibration_groups', 'spend_fit', 'jsonb', NULL, 'what they spend, by spend_fit'),
	('calibration_groups', 'has_orders', 'boolean NOT NULL', NULL, 'whether btyd_fit is to be taken'),
	('calibration_groups', 'has_spend', 'boolean NOT NULL', NULL, 'whether spend_fit is to be taken'),
	('prediction_check_log', 'check_id', 'bigint NOT NULL', NULL, '1, 2, ...'),
	('prediction_check_log', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('prediction_check_log', 'checked_at', 'timestamptz NOT NULL DEFAULT now()', NULL, 'when'),
	('prediction_check_log', 'split_on', 'date NOT NULL', NULL, 'the last day that the fit knew'),
	('prediction_check_log', 'until', 'date NOT NULL', NULL, 'the last day that was compared'),
	('prediction_check_log', 'btyd_fit', 'jsonb NOT NULL', NULL, 'fitted on the days until split_on'),
	('prediction_check_log', 'spend_fit', 'jsonb NOT NULL', NULL, 'fitted on the days until split_on'),
	('prediction_check_log', 'customers', 'bigint NOT NULL', NULL, 'with an order by split_on'),
	('prediction_check_log', 'predicted_customers', 'bigint NOT NULL', NULL,
		'those of them that the fit says something about'),
	('prediction_check_log', 'expected_orders', 'float8', NULL, 'days with an order after split_on, as predicted'),
	('prediction_check_log', 'actual_orders', 'bigint', NULL, 'as they came'),
	('prediction_check_log', 'expected_value', 'float8', NULL, 'their value, as predicted'),
	('prediction_check_log', 'actual_value', 'numeric', NULL, 'as it came'),
	('prediction_check_log', 'actual_active', 'bigint', NULL, 'customers with an order after split_on'),
	('prediction_check_log', 'mean_absolute_error', 'float8', NULL, 'of the expected orders of a customer'),
	('prediction_check_log', 'baseline_absolute_error', 'float8', NULL,
		'the same of the simple rule that everybody goes on as before'),
	('prediction_check_log', 'correlation', 'float8', NULL, 'of expected and actual orders of a customer'),
	('prediction_check_log', 'active_auc', 'float8', NULL,
		'how well the probability of an order tells those who came from those who did not: 0.5 is chance'),
	('prediction_check_log', 'expected_active', 'float8', NULL, 'sum of the probabilities of an order after split_on'),
	('prediction_check_log', 'active_brier_score', 'float8', NULL,
		'mean squared difference of that probability and whether an order came'),
	('prediction_check_classes', 'check_id', 'bigint NOT NULL', NULL, 'of prediction_check_log'),
	('prediction_check_classes', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('prediction_check_classes', 'repeat_orders', 'int NOT NULL', NULL, 'further days with an order by split_on'),
	('prediction_check_classes', 'customers', 'bigint NOT NULL', NULL, 'of that class'),
	('prediction_check_classes', 'expected_orders', 'float8', NULL, 'after split_on, as predicted'),
	('prediction_check_classes', 'actual_orders', 'bigint', NULL, 'as they came'),
	('prediction_check_classes', 'expected_value', 'float8', NULL, 'as predicted'),
	('prediction_check_classes', 'actual_value', 'numeric', NULL, 'as it came'),
	('prediction_check_segments', 'check_id', 'bigint NOT NULL', NULL, 'of prediction_check_log'),
	('prediction_check_segments', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('prediction_check_segments', 'segment', 'text COLLATE "C" NOT NULL', NULL, 'on split_on'),
	('prediction_check_segments', 'customers', 'bigint NOT NULL', NULL, 'of that segment, with an order by split_on'),
	('prediction_check_segments', 'expected_active', 'float8', NULL,
		'sum of the probabilities of an order after split_on'),
	('prediction_check_segments', 'actual_active', 'bigint NOT NULL', NULL, 'those who came'),
	('prediction_check_segments', 'active_brier_score', 'float8', NULL,
		'mean squared difference of the probability and whether an order came'),
	('prediction_check_weeks', 'check_id', 'bigint NOT NULL', NULL, 'of prediction_check_log'),
	('prediction_check_weeks', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('prediction_check_weeks', 'week_end', 'date NOT NULL', NULL, 'last day of the week'),
	('prediction_check_weeks', 'expected_orders', 'float8', NULL,
		'from the first day on, as the fit says of customers when only their first day is known'),
	('prediction_check_weeks', 'actual_orders', 'bigint', NULL, 'as they came'),
	('propensity_check_log', 'check_id', 'bigint NOT NULL', NULL, 'of prediction_check_log'),
	('propensity_check_log', 'tenant', 'text NOT NULL', NULL, 'empty in a model without tenants'),
	('propensity_check_log', 'position', 'int NOT NULL', NULL, '1: by orders alone; 2: with streams; 3: prospects'),
	('propensity_check_log', 'people', 'text NOT NULL', NULL, 'customers, or prospects: who had no order by split_on'),
	('propensity_check_log', 'features', 'text NOT NULL', NULL, 'what the fit read: orders, streams by their names'),
	('propensity_check_log', 'split_on', 'date NOT NULL', NULL, 'the last day that the fit knew'),
	('propensity_check_log', 'until', 'date NOT NULL', NULL, 'the last day that was compared'),
	('propensity_check_log', 'status', 'text', NULL, 'of the fit'),
	('propensity_check_log', 'reason', 'text', NULL, 'why there is no fit'),
	('propensity_check_log', 'customers', 'bigint NOT NULL', NULL, 'known on split_on'),
	('propensity_check_log', 'actual_active', 'bigint NOT NULL', NULL, 'those of them with an order after split_on'),
	('propensity_check_log', 'predicted_share', 'float8', NULL, 'mean of the probabilities'),
	('propensity_check_log', 'auc', 'float8', NULL, 'how well they tell who came: 0.5 is chance'),
	('propensity_check_log', 'brier_score', 'float8', NULL, 'mean squared error of the probabilities'),
	('propensity_check_log', 'brier_score_of_actual', 'float8', NULL,
		'the same, had everybody been given the share of those who came'),
	('propensity_check_log', 'lift_top_tenth', 'float8', NULL,
		'how much more often the tenth with the highest probability came')
) AS c;

GRANT SELECT ON @extschema@._model_table, @extschema@._model_table_column TO PUBLIC;

-- The columns of a table, settings included.
CREATE FUNCTION @extschema@._model_table_columns(relation text, tenanted boolean)
	RETURNS TABLE ("position" bigint, name text, definition text, is_personal boolean, meaning text)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.row_number() OVER (ORDER BY c.part, c.position), c.name, c.definition, c.is_personal, c.meaning
	  FROM (SELECT CASE c.kind WHEN 'found' THEN 3 ELSE 1 END AS part, c.position, c.name, c.definition,
				   COALESCE(c.kind OPERATOR(pg_catalog.=) ANY ('{personal,tenanted}'::pg_catalog.text[]), false)
					   AS is_personal, c.meaning
			  FROM @extschema@._model_table_column AS c
			 WHERE c.relation OPERATOR(pg_catalog.=) _model_table_columns.relation
			   AND (tenanted OR c.kind IS DISTINCT FROM 'tenanted')
			UNION ALL
			SELECT 2, s.position, s.name, pg_catalog.concat(s.type, CASE WHEN s.is_required THEN ' NOT NULL' END),
				   false, s.meaning
			  FROM @extschema@._setting AS s
			 WHERE _model_table_columns.relation OPERATOR(pg_catalog.=) 'configuration') AS c;
END;
COMMENT ON FUNCTION @extschema@._model_table_columns(text, boolean) IS 'internal: the columns of a table of a model';

-- A publication of all tables is common: of a table without a primary key PostgreSQL then
-- lets nobody update or delete a row, unless the whole row is its identity.
CREATE FUNCTION @extschema@._model_identify_rows(relation regclass)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = relation AND i.indisprimary)
		AND (SELECT c.relreplident FROM pg_class AS c WHERE c.oid = relation) = 'd' THEN
		EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', relation);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_identify_rows(regclass) IS
	'internal: give a table of a model without a primary key what logical replication knows its rows by';

-- One table, with its comments.
CREATE FUNCTION @extschema@._model_make_table(model name, relation text, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	t		@extschema@._model_table;
	items	text;
	hidden	text;
	names	text[];
	words	text[];
BEGIN
	SELECT * INTO t FROM @extschema@._model_table AS m WHERE m.relation = _model_make_table.relation;
	IF NOT FOUND THEN
		RAISE undefined_table USING MESSAGE = format('models have no table "%s"', left(relation, 100));
	END IF;
	SELECT concat_ws(', ', string_agg(format('%I %s', c.name, replace(c.definition, '{model}', quote_ident(model))),
			   ', ' ORDER BY c.position), t.constraints),
		   -- statistics are for more people than tables
		   string_agg(format('ALTER %I SET STATISTICS 0', c.name), ', ' ORDER BY c.position)
			   FILTER (WHERE c.is_personal),
		   array_agg(c.name ORDER BY c.position), array_agg(c.meaning ORDER BY c.position)
	  INTO items, hidden, names, words FROM @extschema@._model_table_columns(relation, tenanted) AS c;
	EXECUTE format('CREATE TABLE %I.%I (%s)', model, relation, items);
	IF hidden IS NOT NULL THEN
		EXECUTE format('ALTER TABLE %I.%I %s', model, relation, hidden);
	END IF;
	PERFORM @extschema@._model_identify_rows(format('%I.%I', model, relation));
	PERFORM @extschema@._model_put_comments(format('%I.%I', model, relation), t.meaning, names, words);
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_table(name, text, boolean) IS 'internal: make one table of a model';

-- The indexes of the tables of a part, where they are missing.
CREATE FUNCTION @extschema@._model_make_indexes(model name, part text, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning		-- not a line for each that is there
	AS $$
BEGIN
	IF part IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'part must not be null';
	ELSIF part = 'streams' THEN
		EXECUTE format('CREATE INDEX IF NOT EXISTS pending_events_customer_key_idx'
			' ON %I.pending_events (customer_key)', model);
	ELSIF part = 'ledger' THEN
		EXECUTE format('CREATE INDEX IF NOT EXISTS ledger_event_idx ON %I.ledger (event)', model);
	ELSIF part = 'all' THEN
		EXECUTE format($q$
			CREATE UNIQUE INDEX IF NOT EXISTS configuration_in_force ON %1$I.configuration ((true))
				WHERE valid_until IS NULL;
			CREATE INDEX IF NOT EXISTS pending_customer_key_idx ON %1$I.pending (customer_key);
			CREATE INDEX IF NOT EXISTS merged_customers_root_key_idx ON %1$I.merged_customers (root_key);
			CREATE INDEX IF NOT EXISTS campaign_groups_customer_key_idx ON %1$I.campaign_groups (customer_key);
			CREATE UNIQUE INDEX IF NOT EXISTS one_suppression_key ON %1$I.suppression_key ((true));
			$q$, model);
		IF tenanted THEN
			EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS customer_histories_tenant_customer_id_idx'
				' ON %I.customer_histories (tenant, customer_id)', model);
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_indexes(name, text, boolean) IS
	'internal: make the indexes of the tables of a part of a model that are missing';

-- The tables of a part of a model, with their indexes and first rows.
CREATE FUNCTION @extschema@._model_make_tables(model name, part text, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM @extschema@._model_make_table(model, t.relation, tenanted)
	   FROM (SELECT t.relation FROM @extschema@._model_table AS t WHERE t.part = _model_make_tables.part
			  ORDER BY t.position) AS t;
	PERFORM @extschema@._model_make_indexes(model, part, tenanted);
	IF part = 'ledger' THEN
		EXECUTE format('INSERT INTO %1$I.ledger_secret VALUES (@extschema@._new_suppression_key())', model);
	ELSIF part = 'all' THEN
		EXECUTE format($q$
			INSERT INTO %1$I.suppression_key VALUES (@extschema@._new_suppression_key());
			INSERT INTO %1$I.reader VALUES (current_user, NULL);
			-- a table never analyzed counts as ten pages
			ANALYZE %1$I.suppressed, %1$I.suppression_key, %1$I.overridden_segments, %1$I.merged_customers;
			$q$, model);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_tables(name, text, boolean) IS 'internal: the tables of a part of a model';
