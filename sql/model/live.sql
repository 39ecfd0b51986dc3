--
-- Layer 4: live models. Statement triggers on the source append what each
-- statement changes, one difference per customer, to the table pending; readers
-- add it to customer_histories, apply_changes folds it in.
--
-- A trigger only ever appends: it locks no customer, waits for nobody, and
-- reads nothing but its own transition tables.
--

-- Whether a row counts as an event, where the source says so: ", r.counts" or nothing.
CREATE FUNCTION @extschema@._model_live_counts(settings jsonb)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'counts' IS NULL
				 AND settings OPERATOR(pg_catalog.->>) 'source_query' OPERATOR(pg_catalog.!~) 'AS counts'
				THEN '' ELSE ', r.counts' END;
END;
COMMENT ON FUNCTION @extschema@._model_live_counts(jsonb) IS
	'internal: the column counts of a live model''s source, after the others';

-- The rows of the source that have a customer, a day and a value that a model keeps.
CREATE FUNCTION @extschema@._model_live_events(settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	day		text := CASE WHEN (settings ->> 'day_is_moment')::boolean
						THEN format('(r.day AT TIME ZONE %L)::date', settings ->> 'time_zone') ELSE 'r.day::date' END;
BEGIN
	RETURN format('SELECT r.customer, %1$s AS day, r.value%2$s FROM (%3$s) AS r'
		' WHERE r.customer IS NOT NULL AND r.day IS NOT NULL AND r.value IS NOT NULL'
		' AND @extschema@._is_scorable(%1$s, r.value)',
		day, @extschema@._model_live_counts(settings), settings ->> 'source_query');
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_events(jsonb) IS
	'internal: the rows of a live model''s source that it keeps';

-- Customers with a total too large for a history are left out of a live model.
-- Their rows are pending all the same, in pieces that fit: then differences that
-- come later add to them, and the customers are back as soon as the total fits. A
-- piece is a row, or up to 9,000 of at most a million, which are below 2^63 units
-- of 10^-9.
CREATE FUNCTION @extschema@._model_live_pieces(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
BEGIN
	RETURN format($q$
		SELECT p.key, %2$s @extschema@.history_agg(p.day, p.value%3$s)
		  FROM (SELECT r.*, CASE WHEN abs(r.value) <= 1000000 THEN row_number() OVER w / 9000
							 ELSE - row_number() OVER w END AS piece
				  FROM (SELECT %4$s AS key, r.* FROM (%5$s) AS r) AS r
				  LEFT JOIN %1$I.merged_customers AS m ON m.customer_key = r.key
				 WHERE coalesce(m.root_key, r.key) = ANY ($1)
				WINDOW w AS (PARTITION BY r.key)) AS p
		 GROUP BY p.key, p.customer, p.piece$q$, model,
		CASE WHEN tenanted THEN 'p.customer[1], p.customer[2],' ELSE $q$'', NULL::text,$q$ END,
		replace(@extschema@._model_live_counts(settings), 'r.', 'p.'),
		@extschema@._model_source_key(settings, 'r.customer'),
		@extschema@._model_live_events(settings));
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_pieces(name, jsonb) IS
	'internal: the query for what of some customers, an array, is kept in pending because it fits no history';

-- Their rows, by the snapshot of the statement that asks. In a function of its own, since Citus
-- would have to plan that statement, over tables of ours, if it read a local table of Citus.
CREATE FUNCTION @extschema@._live_pieces(query text, too_large text[])
	RETURNS TABLE (customer_key text, tenant text, customer_id text, difference @extschema@.history)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF too_large IS NOT NULL THEN
		RETURN QUERY EXECUTE query USING too_large;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._live_pieces(text, text[]) IS
	'internal: the rows of customers whose history would be too large, in pieces';

-- The enums among the columns that a live model reads.
CREATE FUNCTION @extschema@._model_live_enums(relation oid, columns text[])
	RETURNS SETOF oid
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY SELECT t.oid
	  FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid AND t.typtype = 'e'
	 WHERE a.attrelid = relation AND a.attnum > 0
	   AND format('%I %s', a.attname, format_type(a.atttypid, NULL)) = ANY (columns);
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_enums(oid, text[]) IS
	'internal: the enums among columns that a live model reads';

-- Is this a table whose statements all fire triggers, with the rights of the model's owner? Or an error.
CREATE FUNCTION @extschema@._model_live_check_table(relation regclass)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	instead		text := 'Leave live out and schedule refresh_model';
	parts		oid[];		-- with the table itself
	c			record;
	citus		text;		-- kind of table
	chunked		boolean;
BEGIN
	IF relation IS NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = 'live: a query can''t carry triggers',
			HINT = 'Name the table, and give customer, day, value and counts as expressions over its columns;'
				' or name the tables that it reads, by live_on and event_key;'
				' or leave live out and schedule refresh_model.';
	END IF;
	SELECT * INTO c FROM pg_class WHERE oid = relation;
	IF c.relkind NOT IN ('r', 'p') THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s is no table', relation),
			HINT = CASE c.relkind WHEN 'v' THEN 'Name the tables that it reads, by live_on and event_key;'
				' or leave live out and schedule refresh_model.'
				ELSE 'Views and foreign tables carry no triggers: leave live out and schedule refresh_model.' END;
	END IF;
	IF c.relispartition OR EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = relation) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s is a part of another table', relation),
			DETAIL = 'Statements on that table would not be seen.',
			HINT = 'Name the whole table as source.';
	END IF;
	-- TimescaleDB's own catalog, and no other of that name: a stranger's would run here as the caller.
	IF EXISTS (SELECT 1 FROM pg_extension AS e
				 JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
				  AND d.deptype = 'e' AND d.classid = 'pg_class'::regclass
				 JOIN pg_class AS t ON t.oid = d.objid AND t.relkind = 'r' AND t.relname = 'hypertable'
				 JOIN pg_namespace AS n ON n.oid = t.relnamespace AND n.nspname = '_timescaledb_catalog'
				WHERE e.extname = 'timescaledb') THEN
		EXECUTE 'SELECT EXISTS (SELECT 1 FROM _timescaledb_catalog.hypertable AS h'
			' WHERE h.schema_name = $1::regnamespace::name AND h.table_name = $2)'
			INTO chunked USING c.relnamespace, c.relname;
		IF chunked THEN
			RAISE feature_not_supported USING
				MESSAGE = format('live: %s is a hypertable of TimescaleDB', relation),
				DETAIL = 'Its chunks are compressed and dropped without a statement that triggers see.',
				HINT = instead || '.';
		END IF;
	END IF;
	IF c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = relation) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: other tables inherit from %s', relation),
			HINT = instead || ', or make it a partitioned table.';
	END IF;
	parts := ARRAY(SELECT t.relid FROM @extschema@._model_table_tree(relation) AS t);
	IF c.relpersistence = 't' OR EXISTS (SELECT 1 FROM pg_class AS p WHERE p.oid = ANY (parts) AND p.relkind = 'f') THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s has parts that carry no triggers', relation),
			HINT = instead || '.';
	END IF;
	IF EXISTS (SELECT 1 FROM pg_subscription_rel AS s WHERE s.srrelid = ANY (parts)) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s is filled by logical replication', relation),
			DETAIL = 'Rows that are replicated fire no statement triggers.',
			HINT = 'Leave live out, or take it back (live => false), and schedule refresh_model;'
				' or make the model where the rows come from.';
	END IF;
	-- a local table that Citus manages is written here alone, and has its triggers
	SELECT CASE k.kind WHEN 'local' THEN 'partitioned' ELSE k.kind END INTO citus
	  FROM @extschema@._citus_tables(ARRAY[relation::oid]) AS k WHERE k.kind <> 'local' OR c.relkind = 'p';
	IF FOUND THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s is a %s table of Citus', relation, citus),
			DETAIL = CASE citus
				WHEN 'reference' THEN 'Every server has a copy of it, on which these triggers can''t stand.'
				WHEN 'partitioned' THEN 'Citus writes its partitions under names that the model doesn''t know.'
				ELSE 'Its rows are written on other servers, where these triggers don''t fire.' END,
			HINT = instead || '.';
	END IF;
	IF pg_get_userbyid(c.relowner) <> current_user THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('live: %s belongs to role %I', relation, pg_get_userbyid(c.relowner)),
			DETAIL = 'The trigger runs with the rights of the model''s owner,'
				' over columns that the source''s owner can change.',
			HINT = format('SET ROLE %I; and make the model again.', pg_get_userbyid(c.relowner));
	END IF;
	IF row_security_active(relation) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: row-level security hides rows of %s from its owner', relation),
			DETAIL = 'Triggers would see them, refresh_model would not.',
			HINT = format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY,'
				' or leave live out and schedule refresh_model.', relation);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_check_table(regclass) IS
	'internal: check that a table can be the source of a live model';

CREATE FUNCTION @extschema@._live_expressions(view oid, OUT has_subquery boolean, OUT beyond_columns boolean,
		OUT unsteady text[], OUT windows int, OUT recursive boolean)
	AS 'MODULE_PATHNAME', 'live_expressions'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._live_expressions(oid) IS
	'internal: has this view a subquery, more than single columns of a row, what in it follows settings of a session,'
	' how many window functions, WITH RECURSIVE?';

-- What the expressions of the source depend on: the server knows, once they are a
-- view. What is built in doesn't count, nor do enums of the owner's and their arrays.
CREATE FUNCTION @extschema@._model_live_probe(model name, settings jsonb, OUT columns text[], OUT foreign_object text,
		OUT foreign_enum boolean, OUT has_subquery boolean, OUT beyond_columns boolean, OUT unsteady text,
		OUT virtual_column name)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	source		regclass := settings ->> 'source_relation';
	probe		regclass;
	state		text;
	message		text;
BEGIN
	BEGIN
		EXECUTE format('CREATE VIEW %I.source_probe AS %s', model, settings ->> 'source_query');
	EXCEPTION WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name
			OR ambiguous_column OR datatype_mismatch OR cannot_coerce OR wrong_object_type THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@._model_raise_unreadable(model, state, message);
	END;
	probe := format('%I.source_probe', model);
	SELECT e.has_subquery, e.beyond_columns, (SELECT min(u) FROM unnest(e.unsteady) AS u)
	  INTO has_subquery, beyond_columns, unsteady
	  FROM @extschema@._live_expressions(probe) AS e;
	WITH needed AS (
		SELECT d.refclassid, d.refobjid, d.refobjsubid, a.attname, a.atttypid, a.attgenerated,
			   CASE WHEN a.attname IS NOT NULL THEN a.atttypid
					WHEN d.refclassid = 'pg_type'::regclass THEN d.refobjid END AS type
		  FROM pg_rewrite AS w
		  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.deptype = 'n'
		   AND d.refobjid <> w.ev_class
		  LEFT JOIN pg_attribute AS a ON d.refclassid = 'pg_class'::regclass AND d.refobjid = source
		   AND a.attrelid = source AND a.attnum = d.refobjsubid AND a.attnum > 0
		 WHERE w.ev_class = probe
		   AND NOT (d.refclassid = 'pg_class'::regclass AND d.refobjid = source AND d.refobjsubid = 0)
	), known AS (
		SELECT t.oid AS type, t.typtype,
			   t.typnamespace = 'pg_catalog'::regnamespace
			   OR t.typowner = (SELECT c.relowner FROM pg_class AS c WHERE c.oid = source)
				  AND 'e' IN (t.typtype, (SELECT e.typtype FROM pg_type AS e WHERE e.typarray = t.oid)) AS is_known
		  FROM pg_type AS t
	)
	SELECT array_agg(DISTINCT format('%I %s', n.attname, format_type(n.atttypid, NULL)))
			   FILTER (WHERE n.attname IS NOT NULL),
		   min(pg_describe_object(n.refclassid, n.refobjid, n.refobjsubid))
			   FILTER (WHERE NOT coalesce(k.is_known, false)),
		   bool_or(n.attname IS NOT NULL AND NOT k.is_known AND k.typtype = 'e'),
		   min(n.attname::text) FILTER (WHERE n.attgenerated = 'v')
	  INTO columns, foreign_object, foreign_enum, virtual_column
	  FROM needed AS n LEFT JOIN known AS k ON k.type = n.type;
	EXECUTE format('DROP VIEW %s', probe);
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_probe(name, jsonb) IS
	'internal: what the expressions of a live model''s source depend on';

CREATE FUNCTION @extschema@._model_live_refuse_foreign(foreign_object text, is_enum boolean)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RAISE feature_not_supported USING
		MESSAGE = format('live: the source''s columns depend on %s', foreign_object),
		DETAIL = CASE WHEN is_enum THEN 'The owner of an enum could put another type in its place,'
				' whose functions would run as the owner of the model.'
			ELSE 'Its owner could make the shop''s statements fail.' END,
		HINT = CASE WHEN is_enum THEN format('ALTER TYPE ... OWNER TO %I; or add a column for it,'
				' like: is_paid boolean GENERATED ALWAYS AS (status = ''paid'') STORED.', current_user)
			ELSE 'Use columns of built-in types or enums of your own, and functions of PostgreSQL''s own.'
				' What else is needed can be a stored generated column of a built-in type,'
				' or one that a trigger of yours fills.' END;
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_refuse_foreign(text, boolean) IS
	'internal: the error for a source that depends on objects of others';

-- From PostgreSQL 18 on, a generated column is worked out when it is read, unless it says
-- STORED. Rows that a trigger sees have NULL there.
CREATE FUNCTION @extschema@._model_live_refuse_virtual(argument text, column_name name, way text)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RAISE feature_not_supported USING
		MESSAGE = format('%s: column "%s" is generated when it is read', argument, column_name),
		DETAIL = 'Triggers don''t see what a virtual generated column says of a row.',
		HINT = format('%s a column GENERATED ALWAYS AS (...) STORED.', way);
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_refuse_virtual(text, name, text) IS
	'internal: the error for a live source with a column that is not stored';

CREATE FUNCTION @extschema@._model_live_refuse_unsteady(what text)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	as_text		text := substring(what FROM '^(.*) as text$');		-- the type
BEGIN
	RAISE feature_not_supported USING
		MESSAGE = format('live: the source''s columns depend on settings of the session: %s', what),
		DETAIL = 'The same row would mean one thing to the session that writes it,'
			' and another to one that deletes or rereads it.',
		HINT = CASE WHEN as_text IN ('real', 'double precision')
			THEN 'Make it numeric first, like: weight::numeric::text.'
			WHEN what ~ '^(sum|avg)\(' THEN 'Add up numeric: sum(amount::numeric).'
			WHEN as_text = 'row' OR what ~ '^(textanycat|anytextcat)\('
			THEN 'Join the columns, like: shop || '':'' || number::text.'
			WHEN as_text = 'bytea' THEN 'Use encode, like: encode(id, ''hex'').'
			WHEN (SELECT t.typtype = 'e' FROM pg_type AS t WHERE t.oid = to_regtype(as_text))
			THEN 'Compare the enum itself, like: status IN (''paid'', ''sent'').'
			ELSE 'Of a timestamptz give the column itself as day, and time_zone;'
				' elsewhere use immutable functions.' END;
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_refuse_unsteady(text) IS
	'internal: the error for a source that follows settings of the session';

-- What the live model stands on, checked once: the root of the source, which has
-- the same owner as the model, and columns of built-in types. Returns the columns.
CREATE FUNCTION @extschema@._model_live_columns(model name, settings jsonb)
	RETURNS text[]
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	found		record;
BEGIN
	PERFORM @extschema@._model_live_check_table((settings ->> 'source_relation')::regclass);
	SELECT * INTO found FROM @extschema@._model_live_probe(model, settings);
	-- A trigger sees the rows of one statement and no others. It sees no row as a
	-- whole: the text of one includes columns that nobody has looked at.
	IF found.has_subquery THEN
		RAISE feature_not_supported USING
			MESSAGE = 'live: customer, day, value, counts and tenant can''t hold a subquery',
			DETAIL = 'A trigger sees the rows of one statement; what a subquery reads may change without it.',
			HINT = 'Leave live out and schedule refresh_model; or have the column in the source itself.';
	END IF;
	IF found.beyond_columns THEN
		RAISE feature_not_supported USING
			MESSAGE = 'live: customer, day, value, counts and tenant must be expressions'
				' over single columns of their own row',
			HINT = 'Leave out whole rows, aggregates, window functions and functions that return sets;'
				' or leave live out and schedule refresh_model.';
	END IF;
	IF found.virtual_column IS NOT NULL THEN
		PERFORM @extschema@._model_live_refuse_virtual('live', found.virtual_column,
			'Give its expression instead, or have');
	END IF;
	IF found.foreign_object IS NOT NULL THEN
		PERFORM @extschema@._model_live_refuse_foreign(found.foreign_object, found.foreign_enum);
	END IF;
	IF found.unsteady IS NOT NULL THEN
		PERFORM @extschema@._model_live_refuse_unsteady(found.unsteady);
	END IF;
	RETURN found.columns;
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_columns(name, jsonb) IS
	'internal: check that a source can be live; the columns that the model reads';

CREATE FUNCTION @extschema@._owned_by_current_user(relation oid)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'owned_by_current_user'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._owned_by_current_user(oid) IS
	'internal: is the current user the owner of a relation, not only a member of that role? NULL if there is none';

-- The partitions of a source, by name: OIDs would not survive a restore.
CREATE FUNCTION @extschema@._model_live_parts(root oid)
	RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.array_agg(pg_catalog.format('%I.%I', n.nspname, c.relname) ORDER BY n.nspname, c.relname)
	  FROM @extschema@._model_table_tree(root) AS t
	  JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
	  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
	 WHERE t.level > 0;
END;
COMMENT ON FUNCTION @extschema@._model_live_parts(oid) IS
	'internal: the partitions of a table by qualified name; NULL if there are none';

-- Each stream has a trigger function of its own.
CREATE FUNCTION @extschema@._live_function(settings jsonb)
	RETURNS name
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE('record_events_' OPERATOR(pg_catalog.||) (settings OPERATOR(pg_catalog.->>) 'stream_no'),
		'record_differences')::name;
END;
COMMENT ON FUNCTION @extschema@._live_function(jsonb) IS
	'internal: the trigger function of the orders, or of a stream';

-- The triggers of a live model: all of them, with their function, or if it has
-- sources still, those that stand on other tables. What the source has is
-- replaced in its place, which keeps no reader of it away.
CREATE FUNCTION @extschema@._model_drop_triggers(model name, sources oid[], function name DEFAULT 'record_differences')
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning		-- not a line for every trigger
	AS $$
DECLARE
	trigger_function regprocedure := to_regprocedure(format('%I.%I()', model, function));
	kept	oid[] := ARRAY(SELECT t.relid FROM unnest(sources) AS s (root),
						   LATERAL @extschema@._model_table_tree(s.root) AS t);
	t		record;
BEGIN
	IF trigger_function IS NULL THEN
		RETURN;
	END IF;
	-- a table that was given away since takes its triggers back with the function only
	IF EXISTS (SELECT 1 FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
				WHERE g.tgfoid = trigger_function AND c.oid <> ALL (kept) AND NOT pg_has_role(c.relowner, 'USAGE')) THEN
		sources := NULL;
		kept := '{}';
	END IF;
	-- The source first, as its writers do, who then want pending; and from the
	-- root down: else they and we could wait for each other.
	PERFORM @extschema@._lock_relations(ARRAY(
		SELECT g.tgrelid FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
		 WHERE g.tgfoid = trigger_function AND c.relkind IN ('r', 'p')
		   AND has_table_privilege(c.oid, 'UPDATE') AND c.oid <> ALL (kept)
		 GROUP BY g.tgrelid ORDER BY min(g.tgnargs), g.tgrelid), 'ACCESS EXCLUSIVE', 1);
	IF sources IS NULL THEN
		EXECUTE format('DROP FUNCTION %I.%I() CASCADE', model, function);
		RETURN;
	END IF;
	FOR t IN SELECT g.tgrelid::regclass AS relation, g.tgname FROM pg_trigger AS g
			  WHERE g.tgfoid = trigger_function AND g.tgrelid <> ALL (kept) LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_drop_triggers(name, oid[], name) IS
	'internal: drop the triggers of a live model, or those that are not on its sources';

CREATE FUNCTION @extschema@._live_call_handler()
	RETURNS language_handler
	AS 'MODULE_PATHNAME', 'live_call_handler'
	LANGUAGE C;
COMMENT ON FUNCTION @extschema@._live_call_handler() IS 'internal: run the trigger function of a live model';

CREATE FUNCTION @extschema@._live_validator(function oid)
	RETURNS void
	AS 'MODULE_PATHNAME', 'live_validator'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._live_validator(oid) IS 'internal: is this a trigger function of a live model?';

CREATE TRUSTED LANGUAGE customer_scoring_live
	HANDLER @extschema@._live_call_handler
	VALIDATOR @extschema@._live_validator;
COMMENT ON LANGUAGE customer_scoring_live IS 'what the triggers of live models read of a row';

-- What the trigger function says: see src/model/record.c.
CREATE FUNCTION @extschema@._model_live_program(model name, settings jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	source	text := settings ->> 'source_query';
	tail	text := format('FROM %s source', settings ->> 'source_relation');
BEGIN
	IF right(source, length(tail)) <> tail THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = format('the source query doesn''t end in "%s"', tail);
	END IF;
	RETURN jsonb_build_object(
		'model', model,
		'stream', settings -> 'stream_no',
		'query', format('SELECT (%s) COLLATE "C" AS customer_key, r.day, r.value%s'
			' FROM (%sFROM changed_rows source) AS r',
			CASE WHEN settings ? 'stream_no' THEN
				format('pg_catalog.octet_length(%1$s)::pg_catalog.text OPERATOR(pg_catalog.||) '':'''
					' OPERATOR(pg_catalog.||) %1$s OPERATOR(pg_catalog.||) %2$s',
					@extschema@._stream_kind(settings, 'r.customer'),
					@extschema@._model_source_key(settings, 'r.customer'))
				ELSE @extschema@._model_source_key(settings, 'r.customer') END,
			@extschema@._model_live_counts(settings), left(source, -length(tail))),
		'time_zone', CASE WHEN (settings ->> 'day_is_moment')::boolean THEN settings -> 'time_zone' END,
		'on_error', settings -> 'on_error',
		'tenants', settings ->> 'tenant' IS NOT NULL,
		'enums', (SELECT jsonb_agg(DISTINCT jsonb_build_array(n.nspname, t.typname))
					FROM @extschema@._model_live_enums((settings ->> 'source_relation')::regclass,
						ARRAY(SELECT jsonb_array_elements_text(settings -> 'source_columns'))) AS e
					JOIN pg_type AS t ON t.oid = e JOIN pg_namespace AS n ON n.oid = t.typnamespace));
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_program(name, jsonb) IS
	'internal: the body of the trigger function of a live model';

CREATE FUNCTION @extschema@._model_make_trigger_function(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	function	name := @extschema@._live_function(settings);
BEGIN
	-- The expressions are printed so that settings of an application don't change
	-- them. Where the text of an array says NULL, that has to be one: no more
	-- settings than that, because each of them costs every statement a little.
	EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I() RETURNS trigger LANGUAGE customer_scoring_live'
		' SECURITY DEFINER SET search_path = pg_catalog, pg_temp%s AS %L', model, function,
		CASE WHEN settings ->> 'source_query' ~ 'NULL.*}''::' THEN ' SET array_nulls = on' ELSE '' END,
		jsonb_pretty(@extschema@._model_live_program(model, settings)));
	EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.%I() FROM PUBLIC', model, function);
	EXECUTE format('COMMENT ON FUNCTION %I.%I() IS %L', model, function,
		'appends what a statement on the source changes to pending; SECURITY DEFINER,'
		' because those who write orders have no rights on the model');
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_trigger_function(name, jsonb) IS
	'internal: make the trigger function of a live model';

-- The triggers of a table and of its partitions, which call a trigger function of the model.
CREATE FUNCTION @extschema@._model_hang_triggers(model name, root oid, function name, prefix text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	part	record;
	event	record;
BEGIN
	IF root IS NULL THEN
		RAISE undefined_table USING MESSAGE = format('model "%s": its source is gone', model);
	END IF;
	FOR part IN SELECT * FROM @extschema@._model_table_tree(root) LOOP
		FOR event IN SELECT * FROM (VALUES
				('INSERT', 'REFERENCING NEW TABLE AS new_rows'),
				('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
				('UPDATE', 'REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows'),
				('TRUNCATE', '')) AS v (name, referencing) LOOP
			-- in the place of one that is there, which may be disabled
			EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT'
				' EXECUTE FUNCTION %I.%I(%s)',
				format('scoring%s_%s_%s', prefix, lower(event.name), model), event.name,
				part.relid::regclass, event.referencing, model, function,
				CASE WHEN part.level > 0 THEN '''part''' ELSE '' END);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_hang_triggers(name, oid, name, text) IS
	'internal: make the triggers of a live model on one of its tables';

-- The trigger function and the triggers, made again.
CREATE FUNCTION @extschema@._model_make_triggers(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	root		regclass := settings ->> 'source_relation';
	function	name := @extschema@._live_function(settings);
BEGIN
	IF NOT coalesce((settings ->> 'live')::boolean, false) THEN
		PERFORM @extschema@._model_drop_triggers(model, NULL, function);
		RETURN;
	END IF;
	-- What is written while the source is read must not be missed.
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', root);
	PERFORM @extschema@._model_drop_triggers(model, ARRAY[root::oid], function);
	PERFORM @extschema@._model_make_trigger_function(model, settings);
	EXECUTE format(CASE WHEN settings ? 'stream_no' THEN 'UPDATE %I.stream SET source_parts = $1 WHERE stream_no = $2'
			ELSE 'UPDATE %I.configuration SET source_parts = $1 WHERE valid_until IS NULL' END, model)
		USING @extschema@._model_live_parts(root), (settings ->> 'stream_no')::int;
	PERFORM @extschema@._model_hang_triggers(model, root, function, settings ->> 'stream_no');
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_triggers(name, jsonb) IS 'internal: make the triggers of a live model';

-- What of the source a live model doesn't see, from the catalogs; NULL: nothing.
-- Readers ask it, who may use no function of the extension by name.
CREATE FUNCTION @extschema@._live_problem(model text, source_relation text, source_columns text[], source_parts text[],
	function text DEFAULT 'record_differences')
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	root		record;
	tree		oid[];		-- the source and its partitions, none of them locked
	parts		text[];
	changed		text;
BEGIN
	IF octet_length(source_relation) > 1000 THEN
		RETURN NULL;		-- no name of a relation; to take it apart would last
	END IF;
	-- from the catalogs: readers of model_status may have no rights on the schema
	SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relispartition,
		   c.relrowsecurity AND c.relforcerowsecurity AS is_walled,
		   c.relowner, r.rolsuper OR r.rolbypassrls AS sees_all INTO root
	  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN pg_roles AS r ON r.oid = c.relowner
	 WHERE n.nspname = (parse_ident(source_relation))[1] AND c.relname = (parse_ident(source_relation))[2];
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	IF root.relowner <> (SELECT n.nspowner FROM pg_namespace AS n WHERE n.nspname = model) THEN
		RETURN 'the source belongs to another role';
	END IF;
	-- a partition that has left took its rows with it
	tree := ARRAY(WITH RECURSIVE tree AS (
						SELECT root.oid AS relid
						UNION ALL
						SELECT i.inhrelid FROM tree AS t JOIN pg_inherits AS i ON i.inhparent = t.relid
						 WHERE root.relkind = 'p')
					SELECT t.relid FROM tree AS t);
	parts := ARRAY(SELECT format('%I.%I', n.nspname, c.relname) FROM unnest(tree) AS t (relid)
					 JOIN pg_class AS c ON c.oid = t.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
					WHERE t.relid <> root.oid);
	changed := (SELECT min(p) FROM unnest(source_parts) AS p WHERE p <> ALL (parts));
	IF changed IS NOT NULL THEN
		RETURN format('partition %s has been detached, dropped or renamed', changed);
	END IF;
	changed := (SELECT min(p) FROM unnest(parts) AS p WHERE p <> ALL (coalesce(source_parts, '{}')));
	IF changed IS NOT NULL THEN
		RETURN format('partition %s has been attached', changed);
	END IF;
	-- what create_model refuses can come later
	changed := (SELECT min(i.inhparent::regclass::text) FROM pg_inherits AS i WHERE i.inhrelid = root.oid);
	IF changed IS NOT NULL THEN
		RETURN format('table %s is a part of %s now, whose statements are not seen', root.name, changed);
	END IF;
	changed := (SELECT min(i.inhrelid::regclass::text) FROM pg_inherits AS i
				 WHERE i.inhparent = root.oid AND root.relkind = 'r');
	IF changed IS NOT NULL THEN
		RETURN format('table %s inherits from %s, and its statements are not seen', changed, root.name);
	END IF;
	IF root.is_walled AND root.sees_all IS NOT TRUE THEN
		RETURN format('row-level security hides rows of %s from its owner', root.name);
	END IF;
	changed := (SELECT min(p.relid::regclass::text)
				  FROM unnest(tree) AS p (relid)
				 WHERE (SELECT count(*) FROM pg_trigger AS g
						 WHERE g.tgrelid = p.relid AND g.tgenabled IN ('O', 'A')
						   AND g.tgfoid = to_regprocedure(format('%I.%I()', model, function))) < 4);
	IF changed IS NOT NULL THEN
		RETURN format('table %s lacks enabled triggers of the model', changed);
	END IF;
	IF EXISTS (SELECT 1 FROM pg_subscription_rel AS s WHERE s.srrelid = ANY (tree)) THEN
		RETURN format('table %s is filled by logical replication', root.name);
	END IF;
	SELECT min(c) INTO changed FROM unnest(source_columns) AS c
	 WHERE c NOT IN (SELECT format('%I %s', a.attname, format_type(a.atttypid, NULL)) FROM pg_attribute AS a
					  WHERE a.attrelid = root.oid AND a.attnum > 0 AND NOT a.attisdropped);
	IF changed IS NOT NULL THEN
		RETURN format('the source has no column %s any more', changed);
	END IF;
	SELECT min(format('%I', a.attname)) INTO changed FROM pg_attribute AS a
	 WHERE a.attrelid = root.oid AND a.attnum > 0 AND a.attgenerated = 'v'
	   AND format('%I %s', a.attname, format_type(a.atttypid, NULL)) = ANY (source_columns);
	IF changed IS NOT NULL THEN
		RETURN format('the source has a column %s that is generated when it is read', changed);
	END IF;
	SELECT min(format_type(t.oid, NULL)) INTO changed
	  FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid AND t.typtype = 'e' AND t.typowner <> root.relowner
	 WHERE a.attrelid = root.oid AND a.attnum > 0
	   AND format('%I %s', a.attname, format_type(a.atttypid, NULL)) = ANY (source_columns);
	IF changed IS NOT NULL THEN
		RETURN format('enum %s belongs to another role', changed);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@._live_problem(text, text, text[], text[], text) IS
	'internal: what of its source a live model does not see: missing or disabled triggers, changed columns,'
	' detached partitions; NULL if it sees all';

-- The source of a live model before the model's tables, as its TRUNCATE locks
-- them, so that the two can't wait for each other. With "mode" NULL it is only
-- read. A caller that is going to change triggers names the lock for that. It is
-- taken at once: a caller that had read the source first could wait for another
-- model that has done the same. 'triggers' leaves it to the catalogs whether they
-- have to be made again. True if they have, or a mode was named.
CREATE FUNCTION @extschema@._model_lock_source(model name, settings jsonb, mode text DEFAULT NULL)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	s		record;
	wanted	text;
BEGIN
	SELECT * INTO s FROM jsonb_to_record(settings)
		AS r (live boolean, source_relation text, source_columns text[], source_parts text[]);
	IF NOT s.live OR @extschema@._model_missing(ARRAY[s.source_relation]) IS NOT NULL THEN
		RETURN false;
	END IF;
	LOOP
		wanted := CASE WHEN mode <> 'triggers' THEN mode
			WHEN mode = 'triggers'
			 AND @extschema@._live_problem(model, s.source_relation, s.source_columns, s.source_parts,
				@extschema@._live_function(settings)) IS NOT NULL
			THEN 'SHARE ROW EXCLUSIVE' END;
		-- of a source that belongs to somebody else now the caller is told later
		IF wanted IS NOT NULL AND NOT has_table_privilege(s.source_relation, 'UPDATE') THEN
			RETURN true;
		END IF;
		BEGIN
			EXECUTE format('LOCK TABLE %s IN %s MODE', s.source_relation, coalesce(wanted, 'ACCESS SHARE'));
			IF wanted IS NOT NULL OR mode IS NULL
				OR @extschema@._live_problem(model, s.source_relation, s.source_columns, s.source_parts,
				@extschema@._live_function(settings)) IS NULL THEN
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
COMMENT ON FUNCTION @extschema@._model_lock_source(name, jsonb, text) IS
	'internal: lock the source of a live model before the model''s tables';

-- The sources of all live streams, as _model_lock_source locks that of the orders.
-- The numbers of those whose triggers have to be made again.
CREATE FUNCTION @extschema@._lock_streams(model name, settings jsonb, mode text DEFAULT NULL)
	RETURNS int[]
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	stream	record;
	broken	int[] := '{}';
BEGIN
	FOR stream IN SELECT * FROM @extschema@._streams(settings) AS s WHERE s.live ORDER BY s.stream_no LOOP
		IF @extschema@._model_lock_source(model, @extschema@._stream_settings(settings, stream.row_settings), mode) THEN
			broken := broken || stream.stream_no;
		END IF;
	END LOOP;
	RETURN broken;
END
$$;
COMMENT ON FUNCTION @extschema@._lock_streams(name, jsonb, text) IS
	'internal: lock the sources of live streams before the model''s tables';

-- The triggers of a stream as its row says, and which columns they read.
CREATE FUNCTION @extschema@._make_stream_triggers(model name, settings jsonb, stream jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	own	jsonb := @extschema@._stream_settings(settings, stream);
BEGIN
	IF (stream ->> 'live')::boolean THEN
		own := own || jsonb_build_object('source_columns', @extschema@._model_live_columns(model, own));
		EXECUTE format('UPDATE %I.stream SET source_columns = $1 WHERE stream_no = $2', model)
			USING ARRAY(SELECT jsonb_array_elements_text(own -> 'source_columns')), (stream ->> 'stream_no')::int;
	END IF;
	PERFORM @extschema@._model_make_triggers(model, own);
END
$$;
COMMENT ON FUNCTION @extschema@._make_stream_triggers(name, jsonb, jsonb) IS
	'internal: make the triggers of a live stream, or drop those of one that is not';

-- What of their sources live streams don't see, for a query over the table stream
-- t; NULL: nothing.
CREATE FUNCTION @extschema@._stream_problem(model name)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('@extschema@._live_problem(%L, t.source_relation, t.source_columns, t.source_parts,'
		' pg_catalog.concat(''record_events_'', t.stream_no))', model);
END;
COMMENT ON FUNCTION @extschema@._stream_problem(name) IS
	'internal: an expression for what of its source a live stream does not see';
