--
-- Layer 4: the caller's SQL, understood once: what the source, its columns and
-- the customers table of a model are, with every name qualified.
--

-- A table and all of its partitions. pg_partition_tree would lock the partitions
-- and not the table: a call that wanted the table next would deadlock with TRUNCATE,
-- which takes the table first.
CREATE FUNCTION @extschema@._model_table_tree(root oid)
	RETURNS TABLE (relid oid, level int)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH RECURSIVE tree AS (
		SELECT c.oid AS relid, 0 AS level, c.relkind FROM pg_catalog.pg_class AS c
		 WHERE c.oid OPERATOR(pg_catalog.=) root
		UNION ALL
		SELECT i.inhrelid, t.level OPERATOR(pg_catalog.+) 1, t.relkind
		  FROM tree AS t
		  JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) t.relid
		 WHERE t.relkind OPERATOR(pg_catalog.=) 'p')
	SELECT t.relid, t.level FROM tree AS t;
END;
COMMENT ON FUNCTION @extschema@._model_table_tree(oid) IS
	'internal: a table and its partitions, without a lock on them';

-- The tables of Citus among these relations, and among those that views of them read: local,
-- reference or distributed. A table of one shard is distributed, too: it stands on some worker.
CREATE FUNCTION @extschema@._citus_tables(relations oid[])
	RETURNS TABLE (relation regclass, kind text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE $q$
		WITH RECURSIVE reads AS (
			SELECT u.oid FROM unnest($1) AS u (oid)
			UNION
			SELECT d.refobjid
			  FROM reads AS r
			  JOIN pg_class AS c ON c.oid = r.oid AND c.relkind = 'v'
			  JOIN pg_rewrite AS w ON w.ev_class = c.oid
			  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
			   AND d.refclassid = 'pg_class'::regclass)
		SELECT p.logicalrelid::regclass,
			   CASE WHEN p.partmethod <> 'n' THEN 'distributed' WHEN p.repmodel = 't' THEN 'reference'
					WHEN p.colocationid = 0 THEN 'local' ELSE 'distributed' END
		  FROM pg_catalog.pg_dist_partition AS p JOIN reads AS r ON r.oid = p.logicalrelid
		 ORDER BY p.logicalrelid::regclass::text$q$ USING relations;
END
$$;
COMMENT ON FUNCTION @extschema@._citus_tables(oid[]) IS
	'internal: which of these relations, and of what their views read, are tables of Citus, and of what kind';

-- People who can't be read any more, in words that lead to alter_model: else the
-- error would print a query of a hundred lines.
CREATE FUNCTION @extschema@._model_check_people(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	state	text;
	message	text;
BEGIN
	IF settings ->> 'customers_query' IS NOT NULL THEN
		EXECUTE format('SELECT 1 FROM (%s) AS p LIMIT 0', settings ->> 'customers_query');
	END IF;
EXCEPTION
	WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name
		OR ambiguous_column
		OR datatype_mismatch OR cannot_coerce OR wrong_object_type OR grouping_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		RAISE EXCEPTION USING ERRCODE = state,
			-- one major calls a column source.city, another "city"
			MESSAGE = format('model "%s" can''t read its people: %s', model,
				regexp_replace(message, '^column source[.](.*) does not exist$', 'column "\1" does not exist')),
			HINT = format('Bring back what is missing, or give its new name:'
				' alter_model(%L, customers => ..., attributes => ..., consent => ..., objection => ...,'
				' contact => ...)', model);
END
$$;
COMMENT ON FUNCTION @extschema@._model_check_people(name, jsonb) IS
	'internal: an error if the table of people, or a column of it, can''t be read';

-- What the columns of a SELECT are, and the SELECT with every name qualified:
-- the server says so itself, of a view that is dropped at once.
CREATE FUNCTION @extschema@._model_probe(model name, caller jsonb, query text,
	OUT definition text, OUT names text[], OUT types oid[], OUT collations oid[], OUT relations text[])
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	probe		text := format('%I.source_probe', model);
	statement	text := format('CREATE VIEW %s AS %s', probe, query);
	probe_oid	oid;
	message		text;
	state		text;
	detail		text;
	hint		text;
BEGIN
	IF octet_length(caller ->> 'search_path') > 10000 THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('search_path has %s bytes, more than 10000', octet_length(caller ->> 'search_path'));
	END IF;
	-- under the caller's path everything has to be qualified
	PERFORM pg_catalog.set_config(s.key, s.value, true) FROM pg_catalog.jsonb_each_text(caller) AS s;
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		-- without the statement, which is none of the caller's
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE,
			detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		message := concat_ws(': ', message, nullif(detail, ''));
		IF hint = '' THEN
			RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message;
		END IF;
		RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, HINT = hint;
	END;
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	probe_oid := probe::regclass;
	definition := @extschema@._model_definition(probe_oid);
	SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}'),
		   coalesce(array_agg(a.atttypid ORDER BY a.attnum), '{}'),
		   coalesce(array_agg(a.attcollation ORDER BY a.attnum), '{}')
	  INTO names, types, collations
	  FROM pg_attribute AS a WHERE a.attrelid = probe_oid AND a.attnum > 0;
	SELECT array_agg(DISTINCT format('%I.%I', n.nspname, c.relname)) INTO relations
	  FROM pg_rewrite AS w
	  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
	   AND d.refclassid = 'pg_class'::regclass
	  JOIN pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
	  JOIN pg_namespace AS n ON n.oid = c.relnamespace
	 WHERE w.ev_class = probe_oid AND c.oid <> probe_oid;
	EXECUTE format('DROP VIEW %s', probe);
END
$$;
COMMENT ON FUNCTION @extschema@._model_probe(name, jsonb, text) IS
	'internal: a query with all names qualified, the names, types and collations of its columns,'
	' and the relations that it reads';

-- Which of these relations no longer exist. The catalogs are asked, because those
-- who look at a model may have no rights on its source.
CREATE FUNCTION @extschema@._model_missing(relations text[])
	RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.array_agg(r.relation ORDER BY r.relation)
	  FROM pg_catalog.unnest(relations) AS r (relation)
	 WHERE pg_catalog.octet_length(r.relation) > 1000
		OR NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class AS c
						 JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
						WHERE n.nspname = (pg_catalog.parse_ident(r.relation))[1]
						  AND c.relname = (pg_catalog.parse_ident(r.relation))[2]
						  AND c.relkind IN ('r', 'p', 'v', 'm', 'f'));
END;
COMMENT ON FUNCTION @extschema@._model_missing(text[]) IS
	'internal: those of these relations, by qualified names, that do not exist; NULL if all do';

-- One argument that is a column of an item of FROM, by its name as it stands, or an
-- expression over it: as SQL, and its type; or an error that names the argument.
CREATE FUNCTION @extschema@._model_argument(model name, caller jsonb, argument text, given text,
	from_item text, columns text[], types oid[], collations oid[],
	OUT expression text, OUT type oid, OUT collation_oid oid)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	place	int := array_position(columns, given);
	probe	record;
	message	text;
	state	text;
BEGIN
	IF place IS NOT NULL THEN
		expression := format('source.%I', given);
		type := types[place];
		collation_oid := collations[place];
		RETURN;
	END IF;
	expression := given;
	BEGIN
		SELECT p.types, p.collations INTO probe
		  FROM @extschema@._model_probe(model, caller,
			   -- beside a column, which no aggregate may stand beside
			   format(E'SELECT (%s\n) AS expression, "each row" FROM %s CROSS JOIN (VALUES (1)) AS one ("each row")',
				expression, from_item)) AS p;
	EXCEPTION
		WHEN grouping_error THEN
			RAISE grouping_error USING
				MESSAGE = format('%s "%s" is an aggregate, but each row has a value of its own',
					argument, left(expression, 100)),
				HINT = format('The columns are: %s. Rows are added up by customer and day;'
					' to aggregate before, give the source as a SELECT with GROUP BY.',
					array_to_string(columns, ', '));
		WHEN syntax_error OR undefined_column OR undefined_function OR ambiguous_column OR undefined_object
			OR undefined_parameter OR windowing_error OR datatype_mismatch OR invalid_text_representation
			OR undefined_table OR wrong_object_type OR feature_not_supported OR cannot_coerce OR invalid_datetime_format
			OR invalid_table_definition THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
			RAISE EXCEPTION USING ERRCODE = state,
				MESSAGE = format('%s "%s" is neither a column nor an expression: %s',
					argument, left(expression, 100), message),
				HINT = format('The columns are: %s.', array_to_string(columns, ', '));
	END;
	IF cardinality(probe.types) <> 2 THEN
		RAISE syntax_error USING
			MESSAGE = format('%s "%s" is not one column or expression', argument, left(expression, 100));
	END IF;
	type := probe.types[1];
	collation_oid := probe.collations[1];
END
$$;
COMMENT ON FUNCTION @extschema@._model_argument(name, jsonb, text, text, text, text[], oid[], oid[]) IS
	'internal: a column or expression of the caller''s, and its type';

CREATE FUNCTION @extschema@._model_base_type(type oid)
	RETURNS oid
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	base	oid := type;
BEGIN
	WHILE EXISTS (SELECT 1 FROM pg_type AS t WHERE t.oid = base AND t.typtype = 'd') LOOP
		SELECT t.typbasetype INTO base FROM pg_type AS t WHERE t.oid = base;
	END LOOP;
	RETURN base;
END
$$;
COMMENT ON FUNCTION @extschema@._model_base_type(oid) IS 'internal: the type that a domain is over';

-- How a key of this type becomes text so that equal keys give equal texts, as
-- a format for one operand; an error for types of which that can't be said.
CREATE FUNCTION @extschema@._model_key_text(argument text, type oid, collation_oid oid)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	base	oid := @extschema@._model_base_type(type);
BEGIN
	IF EXISTS (SELECT 1 FROM pg_collation AS c WHERE c.oid = collation_oid AND NOT c.collisdeterministic) THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('%s has a collation that takes different texts for equal', argument),
			HINT = 'Give an expression that makes them the same text, like lower(email) COLLATE "C".';
	END IF;
	IF base = 'numeric'::regtype THEN
		RETURN 'pg_catalog.trim_scale(%s)::pg_catalog.text';
	ELSIF base = ANY ('{int2,int4,int8,text,varchar,bpchar,uuid}'::regtype[]::oid[]) THEN
		RETURN '%s::pg_catalog.text';
	END IF;
	RAISE datatype_mismatch USING
		MESSAGE = format('%s is of type %s', argument, format_type(type, NULL)),
		DETAIL = 'Keys can be integers, numeric, text, varchar, char or uuid.',
		HINT = format('Give an expression that makes it one: %s => ''...::text''.', argument);
END
$$;
COMMENT ON FUNCTION @extschema@._model_key_text(text, oid, oid) IS 'internal: how a key of a type becomes text';

-- "source" or "customers" as an item of FROM, and its columns.
CREATE FUNCTION @extschema@._model_from_item(model name, caller jsonb, argument text, source text,
	OUT from_item text, OUT relation oid, OUT columns text[], OUT types oid[], OUT collations oid[])
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted	text := regexp_replace(source, '[;[:space:]]+$', '');
	name	text;
	message	text;
	state	text;
BEGIN
	IF wanted IS NULL OR wanted = '' THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('%s must not be %s', argument, CASE WHEN wanted IS NULL THEN 'null' ELSE 'empty' END),
			HINT = 'Give the name of a table or view, or a SELECT.';
	END IF;
	-- no name of a relation is as long as queries can be
	IF octet_length(wanted) <= 1000 THEN
		name := wanted;
	END IF;
	BEGIN
		-- under the caller's path everything has to be qualified
		PERFORM pg_catalog.set_config('search_path', left(caller ->> 'search_path', 10000), true);
		relation := pg_catalog.to_regclass(name);
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	EXCEPTION WHEN syntax_error OR invalid_name OR feature_not_supported OR name_too_long
		OR invalid_parameter_value THEN
		relation := NULL;		-- then it is a query
	END;
	IF relation IS NOT NULL THEN
		SELECT format('%I.%I AS source', n.nspname, c.relname) INTO from_item
		  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE c.oid = relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f');
		IF NOT FOUND THEN
			RAISE wrong_object_type USING
				MESSAGE = format('%s "%s" is not a table or view', argument, left(wanted, 100));
		END IF;
	ELSIF wanted ~ '^[[:alnum:]_$."]+$' THEN
		RAISE undefined_table USING
			MESSAGE = format('%s: relation "%s" does not exist', argument, left(wanted, 100)),
			HINT = 'Give the name of a table or view, with its schema where that isn''t in search_path, or a SELECT.';
	ELSE
		from_item := format(E'(%s\n) AS source', wanted);
	END IF;
	BEGIN
		SELECT p.names, p.types, p.collations INTO columns, types, collations
		  FROM @extschema@._model_probe(model, caller, format('SELECT source.* FROM %s', from_item)) AS p;
	EXCEPTION WHEN syntax_error OR invalid_table_definition OR feature_not_supported OR duplicate_column THEN
		GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
		RAISE EXCEPTION USING ERRCODE = state,
			MESSAGE = format('%s can''t be read as one SELECT: %s', argument, message),
			HINT = 'Give the name of a table or view,'
				' or one SELECT whose columns have names of their own; no temporary tables.';
	END;
END
$$;
COMMENT ON FUNCTION @extschema@._model_from_item(name, jsonb, text, text) IS
	'internal: a table, view or query of the caller''s as an item of FROM, and its columns';

-- The attributes and channels of contact as items of SELECT over the table of customers,
-- or an error that names what can't be one.
CREATE FUNCTION @extschema@._model_select_attributes(settings jsonb, columns text[], types oid[])
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- names that every model has, and that its queries use themselves
	taken		text[] := @extschema@._score_columns('{all,prediction,composite,clusters,tenants,lists,reserved}')
		|| ARRAY(SELECT c.name FROM @extschema@._behaviour_columns(settings) AS c);
	inside		text[] := @extschema@._score_columns('{inside}');
	selected	text := '';
	argument	text;
	attribute	text;
	type		oid;
BEGIN
	FOREACH attribute IN ARRAY @extschema@._model_attributes(settings) LOOP
		argument := CASE WHEN attribute = ANY (@extschema@._model_names(settings, 'contact')) THEN 'contact'
			ELSE 'attributes' END;
		IF attribute IS NULL OR attribute <> ALL (columns) THEN
			RAISE undefined_column USING
				MESSAGE = format('%s: customers has no column "%s"', argument, attribute),
				HINT = format('The columns are: %s. For an expression give customers as a SELECT.',
					array_to_string(columns, ', '));
		END IF;
		IF attribute = ANY (taken) OR attribute = ANY (inside) OR starts_with(attribute, 'attributes.') THEN
			RAISE duplicate_column USING
				MESSAGE = format('%s: "%s" is %s', argument, attribute, CASE WHEN attribute = ANY (taken)
					THEN 'given twice, or a column that every model has' ELSE 'a name that every model uses' END),
				HINT = 'Give customers as a SELECT where that column has another name.';
		END IF;
		taken := taken || attribute;
		type := types[array_position(columns, attribute)];
		IF argument = 'contact' THEN
			IF @extschema@._model_base_type(type) <> 'bool'::regtype THEN
				RAISE datatype_mismatch USING
					MESSAGE = format('contact: column "%s" is of type %s, not boolean', attribute,
						format_type(type, NULL)),
					HINT = 'Each of these columns says whether the person may be contacted by one channel.'
						' For an expression give customers as a SELECT.';
			END IF;
			selected := selected || format(', source.%1$I IS TRUE AS %1$I', attribute);
			CONTINUE;
		END IF;
		IF EXISTS (SELECT 1 FROM pg_type AS t WHERE t.oid = type
					AND (t.typtype NOT IN ('b', 'd', 'e') OR t.typcategory = 'A'
						 OR t.oid = ANY ('{interval,json,jsonb,bytea}'::regtype[]::oid[]))) THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('attributes: column "%s" is of type %s, which BI tools can''t show',
					attribute, format_type(type, NULL)),
				HINT = 'Give customers as a SELECT where it is a text, a number, a date or a boolean.';
		END IF;
		-- what tools take for no text, or compare with its blanks, is text
		selected := selected || CASE
			WHEN EXISTS (SELECT 1 FROM pg_type AS t WHERE t.oid = @extschema@._model_base_type(type)
						 AND (t.typtype = 'e' OR t.oid IN ('name'::regtype, 'bpchar'::regtype, '"char"'::regtype)))
			THEN format(', source.%1$I::pg_catalog.text AS %1$I', attribute) ELSE format(', source.%I', attribute) END;
	END LOOP;
	RETURN selected;
END
$$;
COMMENT ON FUNCTION @extschema@._model_select_attributes(jsonb, text[], oid[]) IS
	'internal: the attributes of a model as items of SELECT';

-- A source may have one row for a customer instead of one for an order: with a column of
-- type history. Which one that is; NULL: the rows are orders. Or an error for arguments
-- that say what a history says itself.
CREATE FUNCTION @extschema@._history_column(settings jsonb, columns text[], types oid[])
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	found	text[] := ARRAY(SELECT u.name FROM unnest(columns, types) WITH ORDINALITY AS u (name, type, n)
		WHERE @extschema@._model_base_type(u.type) = '@extschema@.history'::regtype ORDER BY u.n);
	given	text;
BEGIN
	IF found = '{}' OR settings ? 'stream_no' THEN
		RETURN NULL;
	END IF;
	SELECT string_agg(k, ', ' ORDER BY n) INTO given
	  FROM unnest('{day,value,counts,event_key,currency}'::text[]) WITH ORDINALITY AS u (k, n)
	 WHERE settings ->> k IS NOT NULL;
	IF given IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the source has histories, in column "%s": %s can''t be given', found[1], given),
			DETAIL = 'A history has the days, the events and the money of its customer.',
			HINT = format('Leave them out; in alter_model: reset => ''{%s}''. If the rows are orders, give the source'
				' as a SELECT without that column.', replace(given, ', ', ','));
	END IF;
	IF cardinality(found) > 1 THEN
		RAISE ambiguous_column USING
			MESSAGE = format('the source has %s columns of type history: %s', cardinality(found),
				array_to_string(found, ', ')),
			HINT = 'Give it as a SELECT of the customer and one of them.';
	END IF;
	IF settings ->> 'customer' IS NULL AND (cardinality(columns) <> 2 OR settings ->> 'tenant' IS NOT NULL) THEN
		RAISE undefined_column USING
			MESSAGE = 'say which column of the source is the customer',
			DETAIL = format('The columns are: %s.', array_to_string(columns, ', ')),
			HINT = 'create_model(''shop'', ''customer_histories'', customer => ''customer_id'')';
	END IF;
	RETURN found[1];
END
$$;
COMMENT ON FUNCTION @extschema@._history_column(jsonb, text[], oid[]) IS
	'internal: the column of the source that has whole histories; NULL: its rows are orders';

-- What the source and its columns are, every name qualified, every type known, and
-- which column of the source is the customer.
CREATE FUNCTION @extschema@._model_resolve_source(model name, caller jsonb, settings jsonb,
	OUT resolved jsonb, OUT key_column text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	item		record;
	given		record;
	argument	text;
	names		text[] := '{}';			-- as the caller calls them
	expressions	text[] := '{}';
	types		oid[] := '{}';
	collations	oid[] := '{}';
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	by_position	boolean;
	expression	text;
	type		oid;
	collation_oid oid;
	key_text	text;
	tenant_text	text;
	query		text;
	order_taken	text;
	extras		text[] := '{}';			-- event_key and currency, as text
	customer	text;
	copies		text;
	is_stream	boolean := settings ? 'stream_no';
	rating		text;					-- as the caller gives it
	scale		text := CASE WHEN settings ? 'stream_no' THEN settings ->> 'scale' END;
	kind_text	text;
	history		text;					-- the column, if a row has all orders of a customer
BEGIN
	SELECT * INTO item FROM @extschema@._model_from_item(model, caller, 'source', settings ->> 'source');
	history := @extschema@._history_column(settings, item.columns, item.types);
	IF history IS NOT NULL AND settings ->> 'customer' IS NULL THEN
		settings := settings || jsonb_build_object('customer',
			(SELECT c FROM unnest(item.columns) AS c WHERE c <> history));
	END IF;
	by_position := NOT is_stream
		AND settings ->> 'customer' IS NULL AND settings ->> 'day' IS NULL AND settings ->> 'value' IS NULL;
	IF by_position AND (cardinality(item.columns) NOT IN (3, 4) OR settings ->> 'counts' IS NOT NULL OR tenanted) THEN
		RAISE undefined_column USING
			MESSAGE = CASE WHEN cardinality(item.columns) IN (3, 4)
				THEN 'say which columns of the source are customer, day and value'
				ELSE format('source has %s columns: say which are customer, day and value',
					cardinality(item.columns)) END,
			DETAIL = format('The columns are: %s.', array_to_string(item.columns, ', ')),
			HINT = 'create_model(''shop'', ''orders'', customer => ''customer_id'', day => ''ordered_on'','
				' value => ''total'')';
	END IF;
	FOREACH argument IN ARRAY '{customer,day,value,counts,tenant,kind}'::text[] LOOP
		expression := CASE WHEN argument <> 'kind' OR is_stream THEN settings ->> argument END;
		IF is_stream AND argument = 'value' AND expression IS NULL THEN
			expression := '1';
		END IF;
		IF by_position THEN
			expression := item.columns[array_position('{customer,day,value,counts}', argument)];
		ELSIF expression IS NULL AND argument IN ('customer', 'day', 'value') AND history IS NULL THEN
			RAISE null_value_not_allowed USING
				MESSAGE = format('%s must not be null when others of customer, day and value are given', argument),
				HINT = format('The columns are: %s.', array_to_string(item.columns, ', '));
		END IF;
		type := NULL;
		collation_oid := NULL;
		names := array_append(names, left(expression, 100));
		IF expression IS NOT NULL THEN
			SELECT p.expression, p.type, p.collation_oid INTO expression, type, collation_oid
			  FROM @extschema@._model_argument(model, caller, argument, expression, item.from_item,
				item.columns, item.types, item.collations) AS p;
		END IF;
		expressions := array_append(expressions, expression);
		types := array_append(types, type);
		collations := array_append(collations, collation_oid);
	END LOOP;
	key_text := @extschema@._model_key_text('customer', types[1], collations[1]);
	order_taken := CASE WHEN by_position
		THEN format('Without customer, day and value the columns of the source are taken in their order: %s.',
			array_to_string(item.columns, ', '))
		ELSE format('The columns are: %s.', array_to_string(item.columns, ', ')) END;
	IF @extschema@._model_base_type(types[2]) <> ALL ('{date,timestamp,timestamptz}'::regtype[]::oid[]) THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('day "%s" is of type %s, not a date', names[2], format_type(types[2], NULL)),
			DETAIL = order_taken,
			HINT = 'Give a column or expression of type date, timestamp or timestamptz.';
	END IF;
	IF @extschema@._model_base_type(types[3]) <> ALL ('{int2,int4,int8,numeric,float4,float8}'::regtype[]::oid[]) THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('value "%s" is of type %s, not a number', names[3], format_type(types[3], NULL)),
			DETAIL = order_taken,
			HINT = 'Give a column or expression of an integer type, numeric, real or double precision.';
	END IF;
	IF @extschema@._model_base_type(types[4]) <> 'bool'::regtype THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('counts "%s" is of type %s, not boolean', names[4], format_type(types[4], NULL)),
			DETAIL = order_taken,
			HINT = 'counts says of each row whether it is an event, like: kind = ''order''.';
	END IF;
	IF scale IS NOT NULL THEN
		-- a rating below zero is an answer, too
		IF (SELECT b.low < 0 FROM @extschema@._scale_bounds(scale) AS b) THEN
			expressions[4] := 'true';
		END IF;
		rating := expressions[3];
		expressions[3] := @extschema@._scale_value(scale, rating);
	END IF;
	FOREACH argument IN ARRAY '{event_key,currency}'::text[] LOOP
		expression := settings ->> argument;
		IF expression IS NOT NULL THEN
			SELECT p.expression, p.type, p.collation_oid INTO expression, type, collation_oid
			  FROM @extschema@._model_argument(model, caller, argument, expression, item.from_item,
				item.columns, item.types, item.collations) AS p;
			expression := format(@extschema@._model_key_text(argument, type, collation_oid),
				'(' || expression || E'\n)');
		END IF;
		extras := array_append(extras, expression);
	END LOOP;
	IF tenanted THEN
		tenant_text := format(@extschema@._model_key_text('tenant', types[5], collations[5]),
			'(' || expressions[5] || E'\n)');
	END IF;
	-- of a stream the kind belongs to the key
	IF is_stream THEN
		kind_text := CASE WHEN types[6] IS NOT NULL THEN
			format(@extschema@._model_key_text('kind', types[6], collations[6]), '(' || expressions[6] || E'\n)') END;
		kind_text := CASE WHEN scale IS NOT NULL
				THEN @extschema@._scale_kind(scale, settings ->> 'stream', kind_text, rating)
			WHEN kind_text IS NULL THEN '''''::pg_catalog.text' ELSE
			format(E'CASE WHEN pg_catalog.octet_length(%1$s) OPERATOR(pg_catalog.<=) 63 THEN %1$s ELSE '''' END',
				kind_text) END;
	END IF;
	customer := CASE WHEN is_stream THEN
			format(E'CASE WHEN (%1$s\n) IS NOT NULL%2$s THEN ARRAY[%3$s%4$s, %5$s] END', expressions[1],
				CASE WHEN tenanted THEN format(' AND %s IS NOT NULL', tenant_text) ELSE '' END,
				CASE WHEN tenanted THEN tenant_text || ', ' ELSE '' END,
				format(key_text, '(' || expressions[1] || E'\n)'), kind_text)
		WHEN tenanted THEN
			format(E'CASE WHEN (%1$s\n) IS NOT NULL AND %3$s IS NOT NULL THEN ARRAY[%3$s, %2$s] END', expressions[1],
				format(key_text, '(' || expressions[1] || E'\n)'), tenant_text)
			ELSE format(E'(%s\n)', expressions[1]) END;
	query := CASE WHEN history IS NOT NULL
		THEN format('SELECT %s AS customer, source.%I AS history FROM %s', customer, history, item.from_item)
		ELSE format(E'SELECT %s AS customer, (%s\n) AS day, (%s\n) AS value%s FROM %s',
		customer, expressions[2], expressions[3],
		CASE WHEN expressions[4] IS NOT NULL THEN format(E', (%s\n) AS counts', expressions[4]) ELSE '' END,
		item.from_item) END;
	-- The same with what check_quality wants to know; and of rows with the same
	-- key which one counts: a whole one, of the latest day, of the highest value.
	copies := CASE WHEN history IS NOT NULL THEN format(
		-- days for orders; a row without a history is one without a value
		'SELECT h.customer, d.day, d.total AS value, d.events OPERATOR(pg_catalog.>) 0 AS counts,'
		' NULL::text AS event_key, NULL::text AS currency FROM (%s) AS h CROSS JOIN LATERAL'
		' (SELECT d.day, d.events, d.total FROM @extschema@.days(h.history) AS d'
		' UNION ALL SELECT ''2000-01-01''::date, 0, NULL::numeric WHERE h.history IS NULL) AS d', query)
		ELSE format(E'SELECT %s AS customer, (%s\n) AS day, (%s\n) AS value, (%s\n)::boolean AS counts,'
		' %s::text AS event_key, %s::text AS currency FROM %s',
		customer, expressions[2], expressions[3], coalesce(expressions[4], 'NULL'), coalesce(extras[1], 'NULL'),
		coalesce(extras[2], 'NULL'), item.from_item) END;
	IF extras[1] IS NOT NULL THEN
		copies := format('SELECT *, event_key IS NULL OR row_number() OVER (PARTITION BY event_key%s ORDER BY'
			' customer IS NOT NULL AND day IS NOT NULL AND value IS NOT NULL DESC, day DESC, value DESC,'
			' customer, counts) = 1 AS is_kept FROM (%s) AS copies',
			CASE WHEN tenanted THEN ', customer[1]' ELSE '' END, copies);
		-- a ledger knows no event without a key, nor one that no index takes
		query := format('SELECT customer, day, value%s FROM (%s) AS copies WHERE is_kept%s',
			CASE WHEN expressions[4] IS NOT NULL THEN ', counts' ELSE '' END, copies,
			CASE WHEN settings ->> 'live_on' IS NOT NULL THEN ' AND pg_catalog.octet_length(event_key) <= 1000' END);
	ELSE
		copies := format('SELECT *, true AS is_kept FROM (%s) AS copies', copies);
	END IF;
	SELECT p.definition, p.types, p.relations INTO given FROM @extschema@._model_probe(model, caller, query) AS p;
	resolved := jsonb_build_object(
		'source_relation', (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c
							  JOIN pg_namespace AS n ON n.oid = c.relnamespace
							 WHERE c.oid = item.relation),
		'source_reads', given.relations,
		'source_query', given.definition,
		'quality_query', (SELECT p.definition FROM @extschema@._model_probe(model, caller, copies) AS p),
		'customer_type', format_type(given.types[1], NULL),
		'key_text', CASE WHEN NOT tenanted THEN key_text END,
		'of_histories', history IS NOT NULL,
		'day_is_moment', history IS NULL AND @extschema@._model_base_type(types[2]) = 'timestamptz'::regtype);
	key_column := CASE WHEN by_position THEN item.columns[1] ELSE settings ->> 'customer' END;
END
$$;
COMMENT ON FUNCTION @extschema@._model_resolve_source(name, jsonb, jsonb) IS
	'internal: what the source of a model and its columns are';

-- Who has no order is found by looking each person up among the histories. Citus would plan
-- such a statement if it read a table that Citus manages: some it refuses, some come back
-- empty. So a table or view of those is read by a statement of its own.
CREATE FUNCTION @extschema@._customers_here(relation oid)
	RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE((SELECT pg_catalog.bool_and(c.kind <> 'distributed')
					   FROM @extschema@._citus_tables(ARRAY[relation]) AS c), false);
END;
COMMENT ON FUNCTION @extschema@._customers_here(oid) IS
	'internal: is a table of customers, or a view, of tables that Citus manages and every server has?';

CREATE FUNCTION @extschema@._check_citus_people(relations regclass[], here boolean, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	found	record;
BEGIN
	SELECT c.relation, c.kind INTO found FROM @extschema@._citus_tables(relations::oid[]) AS c
	 ORDER BY c.kind <> 'distributed' LIMIT 1;
	IF found.kind = 'distributed' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('customers: %s is a distributed table of Citus', found.relation),
			DETAIL = 'Its rows can''t be joined with the histories of a model.',
			HINT = format('A reference table can: SELECT undistribute_table(%1$L); SELECT create_reference_table(%1$L);'
				' or give a materialized view of it.', found.relation);
	ELSIF found.kind IS NOT NULL AND NOT here THEN
		RAISE feature_not_supported USING
			MESSAGE = format('customers: a query over %s, which Citus manages', found.relation),
			DETAIL = 'It would be a part of statements that Citus can''t plan.',
			HINT = 'Give the table itself, a view with this query, or a materialized view.';
	ELSIF found.kind IS NOT NULL AND tenanted THEN
		RAISE feature_not_supported USING
			MESSAGE = format('customers: %s is managed by Citus, and the model has tenants', found.relation),
			DETAIL = 'Who may see which tenant is known where a query is asked, and Citus asks as the owner alone.',
			HINT = 'Give a materialized view of it.';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._check_citus_people(regclass[], boolean, boolean) IS
	'internal: refuse customers that Citus has distributed, queries over its tables, and those with tenants';

-- The same of the table of customers. key_column: the customer, if it has the name
-- that the source gives it.
CREATE FUNCTION @extschema@._model_resolve_people(model name, caller jsonb, settings jsonb, key_column text)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	item		record;
	given		record;
	argument	text;
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	expression	text;
	type		oid;
	key_type	oid;
	collation_oid oid;
	customer	text;
	tenant_text	text;
	selected	text;
	query		text;
	attributes	text[] := @extschema@._model_attributes(settings);
	is_unique	boolean;
	read_here	boolean;				-- by a statement of its own
BEGIN
	IF settings ->> 'customers' IS NULL THEN
		FOREACH argument IN ARRAY
			'{consent,objection,contact,customers_key,attributes,known_since,account}'::text[] LOOP
			IF settings ->> argument <> '[]' THEN
				RAISE invalid_parameter_value USING
					MESSAGE = format('%s is given without customers', argument),
					HINT = 'Name the table of customers: customers => ''crm.people''.';
			END IF;
		END LOOP;
		RETURN settings || '{"customers_query": null, "customers_reads": null, "customers_here": null,'
			' "known_is_moment": null, "customers_key_type": null}';
	END IF;
	SELECT * INTO item FROM @extschema@._model_from_item(model, caller, 'customers', settings ->> 'customers');
	read_here := @extschema@._customers_here(item.relation);
	IF read_here THEN
		item.from_item := @extschema@._rows_of(regexp_replace(item.from_item, ' AS source$', '')) || ' AS source';
	END IF;
	IF settings ->> 'customers_key' IS NOT NULL THEN
		key_column := settings ->> 'customers_key';
	ELSIF key_column <> ALL (item.columns) THEN
		key_column := CASE WHEN item.relation IS NULL THEN item.columns[1] ELSE
			(SELECT min(a.attname) FROM pg_index AS i
			   JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
			  WHERE i.indrelid = item.relation AND i.indisprimary AND a.attname IS DISTINCT FROM settings ->> 'tenant'
			 HAVING count(*) = 1) END;
		IF key_column IS NULL THEN
			RAISE undefined_column USING
				MESSAGE = format('customers "%s": which column is the customer?', left(settings ->> 'customers', 100)),
				DETAIL = format('The columns are: %s.', array_to_string(item.columns, ', ')),
				HINT = 'Name it: customers_key => ''person_id''.';
		END IF;
	END IF;
	SELECT p.expression, p.type, p.collation_oid INTO key_column, type, collation_oid
	  FROM @extschema@._model_argument(model, caller, 'customers_key', key_column, item.from_item,
		item.columns, item.types, item.collations) AS p;
	key_type := type;
	settings := settings || jsonb_build_object('customers_key_type', format_type(type, NULL));
	-- a collation of the column's own would meet that of the histories
	customer := format('(%s)%s',
		format(@extschema@._model_key_text('customers_key', type, collation_oid), '(' || key_column || E'\n)'),
		CASE WHEN collation_oid NOT IN (0, 'pg_catalog."default"'::regcollation) THEN ' COLLATE "default"' ELSE '' END);
	selected := format('%s AS customer_id', customer);
	IF tenanted THEN
		expression := settings ->> 'tenant';
		SELECT p.expression, p.type, p.collation_oid INTO expression, type, collation_oid
		  FROM @extschema@._model_argument(model, caller, 'tenant', expression, item.from_item,
			item.columns, item.types, item.collations) AS p;
		tenant_text := format(@extschema@._model_key_text('tenant', type, collation_oid), '(' || expression || E'\n)')
			|| CASE WHEN collation_oid NOT IN (0, 'pg_catalog."default"'::regcollation)
				THEN ' COLLATE "default"' ELSE '' END;
	ELSE
		tenant_text := '''''::pg_catalog.text';
	END IF;
	selected := selected || format(', %s AS tenant', tenant_text);
	FOREACH argument IN ARRAY '{consent,objection}'::text[] LOOP
		IF settings ->> argument IS NULL THEN
			selected := selected || format(', %s AS %I', (argument = 'consent')::text, argument);
			CONTINUE;
		END IF;
		expression := settings ->> argument;
		SELECT p.expression, p.type INTO expression, type
		  FROM @extschema@._model_argument(model, caller, argument, expression, item.from_item,
			item.columns, item.types, item.collations) AS p;
		IF @extschema@._model_base_type(type) <> 'bool'::regtype THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('%s "%s" is of type %s, not boolean',
					argument, left(settings ->> argument, 100), format_type(type, NULL)),
				HINT = CASE argument
					WHEN 'consent' THEN 'consent says of each row of customers whether the person may be scored,'
						' like: consent_on IS NOT NULL.'
					ELSE 'objection says of each row of customers whether the person objects to profiling,'
						' like: objected_on IS NOT NULL.' END;
		END IF;
		selected := selected || format(E', (%s\n) IS TRUE AS %I', expression, argument);
	END LOOP;
	settings := settings || '{"known_is_moment": null}';
	IF settings ->> 'known_since' IS NOT NULL THEN
		expression := settings ->> 'known_since';
		SELECT p.expression, p.type INTO expression, type
		  FROM @extschema@._model_argument(model, caller, 'known_since', expression, item.from_item,
			item.columns, item.types, item.collations) AS p;
		IF @extschema@._model_base_type(type) <> ALL ('{date,timestamp,timestamptz}'::regtype[]::oid[]) THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('known_since "%s" is of type %s, not a date',
					left(settings ->> 'known_since', 100), format_type(type, NULL)),
				HINT = 'known_since says of each row of customers since when the person is known:'
					' a column or expression of type date, timestamp or timestamptz.';
		END IF;
		settings := settings || jsonb_build_object('known_is_moment',
			@extschema@._model_base_type(type) = 'timestamptz'::regtype);
		selected := selected || format(E', (%s\n) AS known', expression);
	END IF;
	IF settings ->> 'account' IS NOT NULL THEN
		expression := settings ->> 'account';
		SELECT p.expression, p.type, p.collation_oid INTO expression, type, collation_oid
		  FROM @extschema@._model_argument(model, caller, 'account', expression, item.from_item,
			item.columns, item.types, item.collations) AS p;
		-- An empty text is what some tables have for none. This way to say NULLIF(..., '') is
		-- strict, so that a condition on it finds an index from below an outer join.
		selected := selected || format(', substring(%s, ''.+'') COLLATE "C" AS of_account',
			format(@extschema@._model_key_text('account', type, collation_oid), '(' || expression || E'\n)'));
	END IF;
	selected := selected || @extschema@._model_select_attributes(settings, item.columns, item.types);

	-- One row a customer: either an index says so, or the most careful one counts.
	is_unique := EXISTS (SELECT 1 FROM pg_index AS i
		WHERE i.indrelid = item.relation AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
		  AND ARRAY(SELECT format('source.%I', a.attname) FROM pg_attribute AS a
					 WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))
			  <@ CASE WHEN tenanted THEN ARRAY[key_column, format('source.%I', settings ->> 'tenant')]
				ELSE ARRAY[key_column] END);
	-- as in the source, a key that no index takes is none
	query := format(E'SELECT %s FROM %s WHERE (%s\n) IS NOT NULL AND %s IS NOT NULL%s',
		selected, item.from_item, key_column, tenant_text,
		CASE WHEN tenanted OR @extschema@._model_base_type(key_type) <> ALL ('{int2,int4,int8,uuid}'::regtype[]::oid[])
			THEN format(' AND pg_catalog.octet_length(%s) OPERATOR(pg_catalog.<=) 1000',
				@extschema@._model_key(settings, tenant_text, customer)) ELSE '' END);
	IF NOT is_unique THEN
		query := format('SELECT DISTINCT ON (tenant, customer_id) * FROM (%s) AS everyone'
			' ORDER BY tenant, customer_id, consent, objection DESC%s%s',
			query, concat(CASE WHEN settings ->> 'known_since' IS NOT NULL THEN ', known NULLS FIRST' END,
				CASE WHEN settings ->> 'account' IS NOT NULL THEN ', of_account' END),
			(SELECT string_agg(format(', %I::pg_catalog.text', a), '' ORDER BY ordinality)
			   FROM unnest(attributes) WITH ORDINALITY AS u (a)));
	END IF;
	SELECT p.definition, p.relations INTO given FROM @extschema@._model_probe(model, caller, query) AS p;
	PERFORM @extschema@._check_citus_people(given.relations::regclass[], read_here, tenanted);
	RETURN settings || jsonb_build_object('customers_query', given.definition, 'customers_reads', given.relations,
		'customers_here', read_here);
END
$$;
COMMENT ON FUNCTION @extschema@._model_resolve_people(name, jsonb, jsonb, text) IS
	'internal: what the customers of a model are';

-- The arguments that say where the data is, understood once. Returns the settings
-- with what was found out.
CREATE FUNCTION @extschema@._model_resolve(model name, caller jsonb, settings jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	source	record;
BEGIN
	SELECT * INTO source FROM @extschema@._model_resolve_source(model, caller, settings);
	RETURN @extschema@._model_resolve_people(model, caller, settings || source.resolved, source.key_column);
END
$$;
COMMENT ON FUNCTION @extschema@._model_resolve(name, jsonb, jsonb) IS
	'internal: what the source, the columns and the customers of a model are';

-- A source that can't be read any more, in words that lead to alter_model.
CREATE FUNCTION @extschema@._model_raise_unreadable(model name, state text, message text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = state,
		-- one major calls a column source.total, another "total"
		MESSAGE = format('model "%s" can''t read its source: %s', model,
			regexp_replace(message, '^column source[.](.*) does not exist$', 'column "\1" does not exist')),
		HINT = format('Where tables or columns have other names or types now, give those:'
			' alter_model(%L, source => ..., customer => ..., day => ..., value => ...)', model);
END
$$;
COMMENT ON FUNCTION @extschema@._model_raise_unreadable(name, text, text) IS
	'internal: the error of a source that can''t be read';

-- The histories that the source has now, as an item of FROM.
CREATE FUNCTION @extschema@._model_source_histories(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('@extschema@.source_histories(%L, NULL::%s, %L, %L)',
		settings OPERATOR(pg_catalog.->>) 'source_query',
		settings OPERATOR(pg_catalog.->>) 'customer_type',
		CASE WHEN (settings OPERATOR(pg_catalog.->>) 'day_is_moment')::boolean
			THEN settings OPERATOR(pg_catalog.->>) 'time_zone' END,
		settings OPERATOR(pg_catalog.->>) 'on_error' OPERATOR(pg_catalog.=) 'reject');
END;
COMMENT ON FUNCTION @extschema@._model_source_histories(jsonb) IS
	'internal: an item of FROM that reads the source of a model';

-- customer_key from the customer as the source's query gives them: with tenants
-- an array of the tenant and the customer's own key; of a stream always an array,
-- and the kind is the last of it.
CREATE FUNCTION @extschema@._model_source_key(settings jsonb, customer text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._model_key(settings, customer OPERATOR(pg_catalog.||) '[1]',
		CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NOT NULL THEN customer OPERATOR(pg_catalog.||) '[2]'
			WHEN settings OPERATOR(pg_catalog.?) 'stream_no' THEN customer OPERATOR(pg_catalog.||) '[1]'
			ELSE pg_catalog.format(settings OPERATOR(pg_catalog.->>) 'key_text', customer) END);
END;
COMMENT ON FUNCTION @extschema@._model_source_key(jsonb, text) IS
	'internal: an expression for customer_key from a row of the source';

-- A query as SQL that means the same whatever the settings of its reader:
-- the server prints it by settings of its own here, and a string with a
-- backslash, which one of them could give another meaning, becomes E''...''.
CREATE FUNCTION @extschema@._model_definition(view oid)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	AS $$
BEGIN
	RETURN (SELECT string_agg(CASE WHEN starts_with(m.piece[1], '''') AND strpos(m.piece[1], E'\\') > 0
					THEN ' E' || replace(m.piece[1], E'\\', E'\\\\') ELSE m.piece[1] END, '' ORDER BY m.n)
			  FROM regexp_matches(trim(' ;' FROM pg_get_viewdef(view)),
				$r$('(?:[^']|'')*'|"(?:[^"]|"")*"|[^'"]+)$r$, 'g') WITH ORDINALITY AS m (piece, n));
END
$$;
COMMENT ON FUNCTION @extschema@._model_definition(oid) IS
	'internal: the query of a view, as SQL that no setting changes';

-- customer_key of a row p of the table of people.
CREATE FUNCTION @extschema@._model_person_key(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '(' OPERATOR(pg_catalog.||) @extschema@._model_key(settings, 'p.tenant', 'p.customer_id')
		OPERATOR(pg_catalog.||) ') COLLATE "C"';
END;
COMMENT ON FUNCTION @extschema@._model_person_key(jsonb) IS
	'internal: an expression for customer_key of a row of customers';

-- A query as it would be printed today; NULL if it can't be read any more.
CREATE FUNCTION @extschema@._model_reprinted(model name, query text)
	RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (SELECT p.definition FROM @extschema@._model_probe(model,
		'{"search_path": "pg_catalog, pg_temp"}', query) AS p);
EXCEPTION WHEN syntax_error_or_access_rule_violation OR invalid_schema_name OR data_exception THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@._model_reprinted(name, text) IS 'internal: a query of a model as this server prints it';
