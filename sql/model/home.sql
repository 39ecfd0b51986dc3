--
-- Layer 4: models. A model is a named configuration over a source, in a schema
-- of its name that belongs to the role that made it: tables with the
-- configuration, the thresholds and the histories, and views with stable names
-- over them. This file finds a model, its owner, its settings and its keys.
--
-- Everything in sql/model runs with the rights of its caller. Functions that take
-- SQL of the caller's are small SQL functions that hand on their search_path: it
-- is used for nothing but that SQL.
--

-- SQL text with names for what is put in: {model} stands for the value that is
-- given with the name model. A value is never looked into, so that what somebody
-- has written there stays as it is. A misspelt name is an error.
CREATE FUNCTION @extschema@._fill(template text, VARIADIC pairs text[])
	RETURNS text
	AS 'MODULE_PATHNAME', 'fill' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._fill(text, text[]) IS
	'internal: SQL text with values in the place of their names in braces';

-- A schema with the two tables that every model has.
CREATE FUNCTION @extschema@._is_model(schema_oid oid)
	RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class AS c
					 JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
					WHERE c.relnamespace = schema_oid AND c.relname = 'customer_histories' AND c.relkind = 'r'
					  AND a.attname = 'history' AND NOT a.attisdropped
					  AND a.atttypid = '@extschema@.history'::pg_catalog.regtype)
	   AND EXISTS (SELECT 1 FROM pg_catalog.pg_class AS c
					WHERE c.relnamespace = schema_oid AND c.relname = 'configuration' AND c.relkind = 'r');
END;
COMMENT ON FUNCTION @extschema@._is_model(oid) IS 'internal: is this schema a model?';

-- From the catalogs alone: a view or table of somebody else may hold a trap.
CREATE FUNCTION @extschema@.models()
	RETURNS TABLE (model text, owner text, source text, customers bigint, size_bytes bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT n.nspname::pg_catalog.text, pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text,
		   pg_catalog.regexp_replace(pg_catalog.obj_description(n.oid, 'pg_namespace'),
			   '^customer_scoring model over ', ''),
		   CASE WHEN h.reltuples >= 0 THEN h.reltuples::pg_catalog.int8 END,
		   (SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)) FROM pg_catalog.pg_class AS c
			 WHERE c.relnamespace = n.oid AND c.relkind = 'r')::pg_catalog.int8
	  FROM pg_catalog.pg_namespace AS n
	  JOIN pg_catalog.pg_class AS h ON h.relnamespace = n.oid AND h.relname = 'customer_histories'
	 WHERE @extschema@._is_model(n.oid)
	 ORDER BY n.nspname;
END;
COMMENT ON FUNCTION @extschema@.models() IS
	'list the models of this database: name, owner, the relation that is the source or "a query",'
	' about how many customers (as of the last ANALYZE), bytes';

-- The one door to a model: it exists, and belongs to the role that asks. A refresh
-- runs the source, the views and the triggers of the owner with the rights of the
-- caller: where the caller has more rights than the owner, that would be a trap.
CREATE FUNCTION @extschema@._model_home(model text)
	RETURNS name
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	record;
BEGIN
	IF model IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'model must not be null';
	END IF;
	SELECT n.oid, n.nspname, pg_get_userbyid(n.nspowner) AS owner INTO home
	  FROM pg_namespace AS n
	 WHERE octet_length(model) <= 63 AND n.nspname = model AND @extschema@._is_model(n.oid);
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('model "%s" does not exist', left(model, 100)),
			HINT = 'SELECT * FROM models() lists those there are.';
	END IF;
	IF home.owner <> current_user THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('model "%s" belongs to role %I', home.nspname, home.owner),
			DETAIL = 'The source and the views of a model run with the rights of the role that works on it.',
			HINT = format('SET ROLE %I;', home.owner);
	END IF;
	RETURN home.nspname;
END
$$;
COMMENT ON FUNCTION @extschema@._model_home(text) IS 'internal: the schema of a model that belongs to the caller';

-- How the tables of a model look. What is made has this number in its configuration; one
-- more with every change of a table, of a type or function that models stand on, or of
-- what was found out about the settings. upgrade_model leads there. test/layouts knows
-- which tables it stands for.
CREATE FUNCTION @extschema@._model_layout()
	RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 2;
END;
COMMENT ON FUNCTION @extschema@._model_layout() IS
	'internal: the number of the layout that models have in this version';

-- What the views of a model say after ALTER EXTENSION UPDATE, until it is upgraded, and
-- every call for it.
CREATE FUNCTION @extschema@._model_outdated(model text)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RAISE object_not_in_prerequisite_state USING
		MESSAGE = format('model "%s" was made by an earlier version of customer_scoring', model),
		DETAIL = 'Its data is as it was; its views and functions answer once it has been upgraded.',
		HINT = format('The owner of the model upgrades it: SELECT upgrade_model(%L);', model);
END
$$;
COMMENT ON FUNCTION @extschema@._model_outdated(text) IS
	'internal: an error that says that a model has to be upgraded';

-- The layout of a model, by its configuration in force; 0.1.0 had no number.
CREATE FUNCTION @extschema@._layout_of(settings jsonb)
	RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE((settings OPERATOR(pg_catalog.->>) 'layout')::int, 1);
END;
COMMENT ON FUNCTION @extschema@._layout_of(jsonb) IS 'internal: the number of the layout that a model was made with';

-- All models of the caller.
CREATE FUNCTION @extschema@._model_homes()
	RETURNS SETOF name
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT n.nspname FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
	 WHERE r.rolname = CURRENT_USER AND @extschema@._is_model(n.oid) ORDER BY n.nspname;
END;
COMMENT ON FUNCTION @extschema@._model_homes() IS 'internal: the schemas of the models of the caller';

-- What a model knows beside its settings, to be added to them: where it is; its
-- streams beside the orders, null if it never had one; the copies that its versions
-- have of scorecards. Streams have no versions: what a version says of past days, it
-- says of the streams there are.
CREATE FUNCTION @extschema@._model_beside(model name)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	streams	jsonb;
	copies	jsonb;
BEGIN
	IF to_regclass(format('%I.stream', model)) IS NOT NULL THEN
		EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.stream_no), ''[]'')'
			' FROM %I.stream AS t', model)
			INTO streams;
	END IF;
	-- not by name: drop_model asks of models that have no such column yet
	EXECUTE format('SELECT jsonb_object_agg(c.card, c.copies)'
		' FROM (SELECT e.key AS card, jsonb_agg(DISTINCT e.value ->> ''copy'') AS copies'
		' FROM %I.configuration AS c'
		' CROSS JOIN LATERAL jsonb_each(nullif(to_jsonb(c) -> ''cards'', ''null'')) AS e'
		' GROUP BY e.key) AS c', model)
		INTO copies;
	RETURN jsonb_build_object('home', model, 'streams', streams, 'card_copies', copies);
END
$$;
COMMENT ON FUNCTION @extschema@._model_beside(name) IS
	'internal: what a model knows beside its settings: streams, copies of scorecards';

-- The configuration in force as it is, whatever version has written it.
CREATE FUNCTION @extschema@._model_in_force(model name)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	settings	jsonb;
BEGIN
	EXECUTE format('SELECT to_jsonb(c) FROM %I.configuration AS c WHERE c.valid_until IS NULL', model) INTO settings;
	IF settings IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('model "%s" has no configuration in force', model),
			HINT = 'Exactly one row of its table configuration has valid_until NULL.';
	END IF;
	RETURN settings;
END
$$;
COMMENT ON FUNCTION @extschema@._model_in_force(name) IS
	'internal: the configuration of a model that is in force, of any layout';

CREATE FUNCTION @extschema@._model_settings(model name)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	settings	jsonb := @extschema@._model_in_force(model);
BEGIN
	IF @extschema@._layout_of(settings) <> @extschema@._model_layout() THEN
		PERFORM @extschema@._model_outdated(model);
	END IF;
	RETURN settings || @extschema@._model_beside(model);
END
$$;
COMMENT ON FUNCTION @extschema@._model_settings(name) IS 'internal: the configuration of a model that is in force';

-- Settings that are arrays of texts, one after the other; none where none is given.
CREATE FUNCTION @extschema@._model_names(settings jsonb, VARIADIC names text[])
	RETURNS text[]
	AS 'MODULE_PATHNAME', 'setting_names' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._model_names(jsonb, text[]) IS 'internal: settings of a model that are lists of names';

-- The key of a customer as everyone sees it, from their tenant and their own key.
CREATE FUNCTION @extschema@._model_key(settings jsonb, tenant text, customer text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL THEN customer ELSE
		pg_catalog.format($q$%s OPERATOR(pg_catalog.||) ':' OPERATOR(pg_catalog.||) %s$q$,
			pg_catalog.format($q$pg_catalog.replace(pg_catalog.replace(%s, E'\\', E'\\\\'), ':', E'\\:')$q$, tenant),
			customer) END;
END;
COMMENT ON FUNCTION @extschema@._model_key(jsonb, text, text) IS 'internal: an expression for customer_key';

-- The columns of the customers table that a model shows: attributes, and by
-- which channels a person may be contacted.
CREATE FUNCTION @extschema@._model_attributes(settings jsonb)
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._model_names(settings, 'attributes', 'contact');
END;
COMMENT ON FUNCTION @extschema@._model_attributes(jsonb) IS
	'internal: the attributes of a model, channels of contact included';

-- A piece of SQL for each attribute: "pattern" has its name, and attributes.name.
CREATE FUNCTION @extschema@._model_attribute_list(settings jsonb, pattern text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	attribute	text;
	list		text := '';
BEGIN
	FOREACH attribute IN ARRAY @extschema@._model_attributes(settings) LOOP
		list := list || format(pattern, attribute, 'attributes.' || attribute);
	END LOOP;
	RETURN list;
END
$$;
COMMENT ON FUNCTION @extschema@._model_attribute_list(jsonb, text) IS
	'internal: SQL text for each attribute of a model';

-- The column tenant of a view over rows called "row".
CREATE FUNCTION @extschema@._model_tenant(settings jsonb, "row" text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL THEN 'NULL::text'
		ELSE "row" OPERATOR(pg_catalog.||) '.tenant' END;
END;
COMMENT ON FUNCTION @extschema@._model_tenant(jsonb, text) IS
	'internal: an expression for the tenant as readers see it';

-- Readers of a model without tenants see no column of that name.
CREATE FUNCTION @extschema@._with_tenant(settings jsonb, relation text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NOT NULL THEN relation
		ELSE pg_catalog.format('(SELECT r.*, NULL::text AS tenant FROM %s AS r)', relation) END;
END;
COMMENT ON FUNCTION @extschema@._with_tenant(jsonb, text) IS
	'internal: an item of FROM: a view or function for readers, with the column tenant in any model';

-- The day that a configuration c answers for.
CREATE FUNCTION @extschema@._model_as_of()
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'COALESCE(c.as_of, (pg_catalog.now() AT TIME ZONE c.time_zone)::date)';
END;
COMMENT ON FUNCTION @extschema@._model_as_of() IS
	'internal: an expression for the day that a configuration answers for';

CREATE FUNCTION @extschema@._model_segment_list(model name, map text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	segments	text;
BEGIN
	EXECUTE format('SELECT string_agg(l.segment, '', '' ORDER BY l.display_order, l.segment) FROM'
		' (SELECT l.segment, min(l.display_order) AS display_order FROM %I.segment_label AS l'
		' WHERE l.map = $1 GROUP BY l.segment) AS l', model)
		INTO segments USING map;
	RETURN segments;
END
$$;
COMMENT ON FUNCTION @extschema@._model_segment_list(name, text) IS
	'internal: the segments of a map of a model, in words';

-- By which settings a session reads SQL, and what is in it.
CREATE FUNCTION @extschema@._model_caller()
	RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.jsonb_object_agg(s.name, pg_catalog.current_setting(s.name))
	  FROM pg_catalog.unnest('{search_path,datestyle,intervalstyle,timezone,standard_conforming_strings,'
			'backslash_quote,array_nulls,transform_null_equals,xmloption,lc_monetary,'
			'default_text_search_config}'::pg_catalog.text[]) AS s (name);
END;
COMMENT ON FUNCTION @extschema@._model_caller() IS 'internal: the settings by which SQL of the caller is read';

-- A model of any owner. Nothing in its schema may be called by name, except by
-- call_model_function(), which looks at what it calls.
CREATE FUNCTION @extschema@._model_named(model text)
	RETURNS name
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	name;
BEGIN
	IF model IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'model must not be null';
	END IF;
	SELECT n.nspname INTO home FROM pg_namespace AS n
	 WHERE octet_length(model) <= 63 AND n.nspname = model AND @extschema@._is_model(n.oid);
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('model "%s" does not exist', left(model, 100)),
			HINT = 'SELECT * FROM models() lists those there are.';
	END IF;
	RETURN home;
END
$$;
COMMENT ON FUNCTION @extschema@._model_named(text) IS 'internal: the schema of a model, for readers too';

-- What the schema of a model is, for everybody: comments can be read by all, so
-- the SQL of a query, and what it says of people, has no place there.
CREATE FUNCTION @extschema@._model_describe(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	EXECUTE format('COMMENT ON SCHEMA %I IS %L', model,
		'customer_scoring model over ' || coalesce(settings ->> 'source_relation', 'a query'));
END
$$;
COMMENT ON FUNCTION @extschema@._model_describe(name, jsonb) IS 'internal: the comment on the schema of a model';

-- What a model consists of, by the catalogs: what another tool drops with CASCADE
-- is missing from it. Readers ask too, and their settings may quote names or not.
CREATE FUNCTION @extschema@._model_objects(model text)
	RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.array_agg(o.object ORDER BY o.object)
	  FROM (SELECT pg_catalog.concat(CASE c.relkind WHEN 'v' THEN 'view ' ELSE 'table ' END,
				   n.nspname, '.', c.relname) AS object
			  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
			 WHERE n.nspname = model AND c.relkind IN ('r', 'v')
			UNION ALL
			SELECT pg_catalog.concat('function ', n.nspname, '.', f.proname)
			  FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
			 WHERE n.nspname = model AND f.prokind = 'f') AS o;
END;
COMMENT ON FUNCTION @extschema@._model_objects(text) IS
	'internal: the tables, views and functions of a model that there are';

-- Which of them are missing, in words, and what brings them back; NULL: none.
CREATE FUNCTION @extschema@._model_lost(model text, objects text[])
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.string_agg(o.object, ', ' ORDER BY pg_catalog.starts_with(o.object, 'table ') DESC, o.object)
		   OPERATOR(pg_catalog.||)
		   CASE pg_catalog.count(*) WHEN 1 THEN ' is missing: ' ELSE ' are missing: ' END OPERATOR(pg_catalog.||)
		   CASE WHEN pg_catalog.bool_or(pg_catalog.starts_with(o.object, 'table '))
				THEN 'drop_model and create_model, for what the tables held is gone'
				ELSE pg_catalog.format('alter_model(%L) makes again what another tool has dropped', model) END
	  FROM pg_catalog.unnest(objects) AS o (object)
	 -- asked once, not for each object
	 CROSS JOIN (SELECT @extschema@._model_objects(model) OFFSET 0) AS there (objects)
	 WHERE o.object OPERATOR(pg_catalog.<>) ALL (there.objects);
END;
COMMENT ON FUNCTION @extschema@._model_lost(text, text[]) IS
	'internal: what a model was made of and is missing, and which call brings it back; NULL if nothing is';

-- Tells those who work on a model what another tool has dropped of it.
CREATE FUNCTION @extschema@._model_tell_lost(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	lost	text := @extschema@._model_lost(model, @extschema@._model_names(settings, 'objects'));
BEGIN
	IF lost ~ '^table ' THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = format('model "%s": %s', model, lost);
	ELSIF lost IS NOT NULL THEN
		RAISE WARNING 'model "%": %', model, lost;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_tell_lost(name, jsonb) IS
	'internal: a warning, or an error, if parts of a model are missing';
