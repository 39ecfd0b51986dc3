--
-- Layer 4: a view or function of a model, made or replaced in its place, with
-- comments and grants; and the type that tells a function who asks.
--

CREATE TYPE @extschema@.caller;
CREATE FUNCTION @extschema@.caller_in(cstring)
	RETURNS @extschema@.caller
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.caller_in(cstring) IS 'I/O';
CREATE FUNCTION @extschema@.caller_out(@extschema@.caller)
	RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.caller_out(@extschema@.caller) IS 'I/O';
CREATE TYPE @extschema@.caller (INPUT = @extschema@.caller_in, OUTPUT = @extschema@.caller_out,
	INTERNALLENGTH = 24, ALIGNMENT = double);
COMMENT ON TYPE @extschema@.caller IS 'the role that calls a function: no value can be written down';
CREATE FUNCTION @extschema@._caller_for(model regnamespace)
	RETURNS @extschema@.caller
	AS 'MODULE_PATHNAME', 'caller_for' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._caller_for(regnamespace) IS
	'internal: the role that evaluates this, for the functions of a model:'
	' good until the transaction ends or the session takes another role';
CREATE FUNCTION @extschema@._caller_role(caller @extschema@.caller)
	RETURNS oid
	AS 'MODULE_PATHNAME', 'caller_role' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._caller_role(@extschema@.caller) IS
	'internal: the role that a value of _caller_for() stands for;'
	' an error in another transaction, under another role of the session,'
	' or in a function of another role than the owner of the model';

-- What a model consists of for its readers: views and functions, as text. Those
-- whose names begin with _ are private: readers have no right on them, and reach
-- them through the others. "like" is a view whose columns the query has.
CREATE TYPE @extschema@._part AS (kind text, name name, parameters text[], result text, query text,
	comment text, "like" name);
COMMENT ON TYPE @extschema@._part IS 'internal: a view or function of a model, as it is to be';

CREATE FUNCTION @extschema@._model_view(view name, query text, comment text)
	RETURNS @extschema@._part
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ROW('view', view, NULL, NULL, query, comment, NULL)::@extschema@._part;
END;
COMMENT ON FUNCTION @extschema@._model_view(name, text, text) IS 'internal: a view of a model';

-- Without a comment it is for the extension alone: call_model_function().
CREATE FUNCTION @extschema@._model_function(function name, parameters text[], result text, query text,
	comment text DEFAULT NULL, "like" name DEFAULT NULL)
	RETURNS @extschema@._part
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ROW('function', function, parameters, result, query, comment, "like")::@extschema@._part;
END;
COMMENT ON FUNCTION @extschema@._model_function(name, text[], text, text, text, name) IS
	'internal: a function of a model';

-- A private function is one query that other functions of the model share: the
-- planner puts it into theirs.
CREATE FUNCTION @extschema@._model_private_function(function name, parameters text[], query text,
	comment text, "like" name)
	RETURNS @extschema@._part
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ROW('private function', function, parameters, NULL, query, comment, "like")::@extschema@._part;
END;
COMMENT ON FUNCTION @extschema@._model_private_function(name, text[], text, text, name) IS
	'internal: a private function of a model';

-- A plain function is for readers, and asks what they could ask the views of the model
-- with their own rights.
CREATE FUNCTION @extschema@._model_plain_function(function name, parameters text[], result text, query text,
	comment text)
	RETURNS @extschema@._part
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ROW('plain function', function, parameters, result, query, comment, NULL)::@extschema@._part;
END;
COMMENT ON FUNCTION @extschema@._model_plain_function(name, text[], text, text, text) IS
	'internal: a function of a model with the rights of its caller';

-- Roles that were given the model to read by grant_reader read what it gains later,
-- too. A role of the same name made since then has no grant on the schema.
CREATE FUNCTION @extschema@._model_let_read(model name, privilege text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	role	name;
BEGIN
	-- as most models are, which is asked for each of their parts
	IF NOT EXISTS (SELECT FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
					WHERE n.nspname = model AND a.grantee <> n.nspowner) THEN
		RETURN;
	END IF;
	FOR role IN EXECUTE format('SELECT DISTINCT o.rolname FROM %I.reader AS r JOIN pg_roles AS o ON o.rolname = r.role'
		' JOIN pg_namespace AS n ON n.nspname = $1 AND n.nspowner <> o.oid'
		' WHERE EXISTS (SELECT FROM aclexplode(n.nspacl) AS a WHERE a.grantee = o.oid AND a.privilege_type = ''USAGE'')'
		' ORDER BY 1', model) USING model LOOP
		EXECUTE format('GRANT %s TO %I', privilege, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_let_read(name, text) IS
	'internal: give the readers of a model a further privilege';

-- The columns of a query q that is to stand for an existing view: in the order of
-- the view, new ones last, one that is gone as NULL. NULL: as the query has them.
CREATE FUNCTION @extschema@._model_fit_columns(model name, view name, query text)
	RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	existing	regclass := format('%I.%I', model, view)::regclass;
	fresh		regclass;
	columns		text;
	different	text;
	same		boolean;
BEGIN
	EXECUTE format('CREATE VIEW %I.source_probe AS %s', model, query);
	fresh := format('%I.source_probe', model)::regclass;
	SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
	  INTO different
	  FROM pg_attribute AS a JOIN pg_attribute AS b USING (attname)
	 WHERE a.attrelid = existing AND b.attrelid = fresh AND a.attnum > 0 AND b.attnum > 0
	   AND (a.atttypid, a.atttypmod) IS DISTINCT FROM (b.atttypid, b.atttypmod);
	IF different IS NOT NULL THEN
		RAISE feature_not_supported USING
			-- attributes are what can change; they come through the private views
			MESSAGE = format('columns of view %I would change their type: %s',
				CASE WHEN starts_with(view, '_') THEN 'customer_scores' ELSE view END, different),
			DETAIL = 'Whatever reads the view relies on the type.',
			HINT = 'Make another model, or give an attribute another name: customers as a SELECT.';
	END IF;
	SELECT string_agg(format(CASE WHEN f.attname IS NULL THEN 'NULL::%2$s%3$s AS %1$I'
					WHEN f.attcollation <> e.attcollation THEN 'q.%1$I%3$s AS %1$I' ELSE 'q.%1$I' END,
			   coalesce(f.attname, e.attname), format_type(e.atttypid, e.atttypmod),
			   CASE WHEN e.attcollation <> 0 THEN ' COLLATE ' || e.attcollation::regcollation ELSE '' END),
			   ', ' ORDER BY e.attnum, f.attnum),
		   bool_and(e.attnum IS NULL OR coalesce(f.attnum = e.attnum AND f.attcollation = e.attcollation, false))
	  INTO columns, same
	  FROM (SELECT * FROM pg_attribute WHERE attrelid = existing AND attnum > 0) AS e
	  FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = fresh AND attnum > 0) AS f USING (attname);
	EXECUTE format('DROP VIEW %I.source_probe', model);
	RETURN CASE WHEN NOT same THEN columns END;
END
$$;
COMMENT ON FUNCTION @extschema@._model_fit_columns(name, name, text) IS
	'internal: the columns of a query in the order of a view';

-- A view in its place: what depends on it stays, its columns keep their order,
-- new ones come last, and one that is gone is NULL. Nobody is granted a private
-- view, by default privileges either.
CREATE FUNCTION @extschema@._model_put_view(model name, view name, query text, comment text,
	settings jsonb DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	name		text;
	columns		text;
	comments	text;
	attributes	text[];
	is_new		boolean := to_regclass(format('%I.%I', model, view)) IS NULL;
	is_private	boolean := starts_with(view, '_');
BEGIN
	settings := coalesce(settings, @extschema@._model_settings(model));
	IF NOT is_new THEN
		columns := @extschema@._model_fit_columns(model, view, query);
		IF columns IS NOT NULL THEN
			query := format('SELECT %s FROM (%s) AS q', columns, query);
		END IF;
	END IF;
	EXECUTE format('CREATE OR REPLACE VIEW %I.%I%s AS %s', model, view,
		CASE WHEN is_private THEN '' ELSE ' WITH (security_barrier)' END, query);
	IF is_private THEN
		FOR name IN SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
					  FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
					 WHERE c.oid = format('%I.%I', model, view)::regclass AND a.grantee <> c.relowner LOOP
			EXECUTE format('REVOKE ALL ON %I.%I FROM %s', model, view, name);
		END LOOP;
	ELSIF is_new THEN
		PERFORM @extschema@._model_let_read(model, format('SELECT ON %I.%I', model, view));
	END IF;
	EXECUTE format('COMMENT ON VIEW %I.%I IS %L', model, view, comment);
	-- attributes of earlier versions too, because their columns stay
	EXECUTE format('SELECT array_agg(DISTINCT u.a) FROM %I.configuration AS c'
			' CROSS JOIN LATERAL unnest(c.attributes || c.contact) AS u (a) WHERE $1', model)
		INTO attributes USING view = 'customer_scores' OR view ~ '^_|_customers$';
	-- in one go for each view: there are hundreds
	SELECT min(c.name) FILTER (WHERE c.words IS NULL),
		   string_agg(format('COMMENT ON COLUMN %I.%I.%I IS %L', model, view, c.name, c.words), ';' ORDER BY c.position)
	  INTO name, comments
	  FROM (SELECT a.attname AS name, a.attnum AS position,
				   CASE WHEN a.attname = ANY (attributes) THEN 'attribute of the customer'
				   ELSE coalesce(here.meaning, accounts.meaning, s.meaning, everywhere.meaning, streams.meaning,
						CASE WHEN is_private AND a.attname ~ '^card_' THEN 'scorecard, compiled'
							WHEN is_private AND a.attname ~ '^views_of_'
							THEN 'which kinds of the stream of this number are views of products; NULL: none'
							WHEN NOT is_new THEN 'was given by a stream or scorecard that is no longer there; NULL'
							END) END AS words
			  FROM pg_attribute AS a
			  LEFT JOIN @extschema@._view_column AS here ON here.name = a.attname AND here.view = _model_put_view.view
			  LEFT JOIN @extschema@._score_column AS s ON s.name = a.attname
			  LEFT JOIN @extschema@._view_column AS everywhere ON everywhere.name = a.attname AND everywhere.view = ''
			  LEFT JOIN @extschema@._behaviour_columns(settings) AS streams ON streams.name = a.attname
			  LEFT JOIN @extschema@._account_card_columns(CASE WHEN _model_put_view.view = 'account_scores'
					THEN settings END) AS accounts ON accounts.name = a.attname
			 WHERE a.attrelid = format('%I.%I', model, _model_put_view.view)::regclass AND a.attnum > 0
			   AND NOT a.attisdropped) AS c;
	IF name IS NOT NULL THEN
		RAISE invalid_parameter_value USING MESSAGE = format('column %I of view %I has no comment', name, view);
	END IF;
	EXECUTE comments;
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_view(name, name, text, text, jsonb) IS
	'internal: make or replace a view of a model';

-- A function of a model, replaced in its place: its grants stay. NAME itself is
-- for people and programs, where it has a comment for them; _NAME takes the same
-- arguments and the caller, and has the rights of the owner. Without JIT, which
-- takes longer to compile three copies of a map than most shops take.
-- call_model_function() accepts what is made here, and nothing else.
CREATE FUNCTION @extschema@._model_put_function(model name, function name, parameters text[], result text, body text,
	comment text DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made	name[] := CASE WHEN comment IS NULL THEN ARRAY['_' || function] ELSE ARRAY['_' || function, function] END;
	one		name;
	is_new	boolean;
BEGIN
	FOREACH one IN ARRAY made LOOP
		is_new := NOT EXISTS (SELECT FROM pg_proc AS p
			WHERE p.pronamespace = to_regnamespace(quote_ident(model)) AND p.proname = one);
		IF starts_with(one, '_') THEN
			EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s'
				' LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER'
				' SET search_path = pg_catalog, pg_temp SET jit = off COST 100000 ROWS 1000 BEGIN ATOMIC %s; END',
				model, one,
				(SELECT string_agg(regexp_replace(u.p, ' DEFAULT .*', ''), ', ' ORDER BY u.n) FROM
					unnest(parameters || 'caller @extschema@.caller'::text) WITH ORDINALITY AS u (p, n)), result, body);
		ELSE
			EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s'
				' LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000'
				' BEGIN ATOMIC SELECT * FROM %1$I.%5$I(%6$s); END',
				model, one, array_to_string(parameters, ', '), result, '_' || function,
				array_to_string(ARRAY(SELECT '$' || n FROM generate_series(1, cardinality(parameters)) AS n)
					|| format('@extschema@._caller_for(%L)', quote_ident(model)), ', '));
		END IF;
		IF is_new THEN
			EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.%I FROM PUBLIC', model, one);
			PERFORM @extschema@._model_let_read(model, format('EXECUTE ON FUNCTION %I.%I', model, one));
		END IF;
		EXECUTE format('COMMENT ON FUNCTION %I.%I IS %L', model, one, CASE WHEN starts_with(one, '_') THEN
			'internal: what ' || CASE WHEN comment IS NULL THEN 'the extension' ELSE function END
				|| ' asks, with the rights of the owner for the caller' ELSE comment END);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_function(name, name, text[], text, text, text) IS
	'internal: make or replace a function of a model';

-- A private function takes part in the queries around it: no settings of its own,
-- no rights of its own, one query. Its rows are those of a private view.
CREATE FUNCTION @extschema@._model_put_private_function(model name, function name, parameters text[],
	view name, query text, comment text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made	regprocedure;
	role	text;
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.%2$I(%3$s) RETURNS SETOF %1$I.%4$I'
		' LANGUAGE sql STABLE PARALLEL UNSAFE BEGIN ATOMIC %5$s; END',
		model, function, array_to_string(parameters, ', '), view, query);
	SELECT p.oid INTO made
	  FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace(quote_ident(model)) AND p.proname = function;
	EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
	FOR role IN SELECT DISTINCT quote_ident(pg_get_userbyid(a.grantee))
				  FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a
				 WHERE p.oid = made AND a.grantee NOT IN (0, p.proowner) LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s', made, role);
	END LOOP;
	EXECUTE format('COMMENT ON FUNCTION %s IS %L', made, comment);
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_private_function(name, name, text[], name, text, text) IS
	'internal: make or replace a private function of a model';

CREATE FUNCTION @extschema@._model_put_plain_function(model name, function name, parameters text[],
	result text, query text, comment text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	is_new	boolean := NOT EXISTS (SELECT FROM pg_proc AS p
		WHERE p.pronamespace = to_regnamespace(quote_ident(model)) AND p.proname = function);
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s'
		' LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1 BEGIN ATOMIC %s; END',
		model, function, array_to_string(parameters, ', '), result, query);
	IF is_new THEN
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.%I FROM PUBLIC', model, function);
		PERFORM @extschema@._model_let_read(model, format('EXECUTE ON FUNCTION %I.%I', model, function));
	END IF;
	EXECUTE format('COMMENT ON FUNCTION %I.%I IS %L', model, function, comment);
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_plain_function(name, name, text[], text, text, text) IS
	'internal: make or replace a function of a model with the rights of its caller';

-- What a part is like now: NULL where it, or a piece of it, is not there.
CREATE FUNCTION @extschema@._model_part_definition(model name, part @extschema@._part)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	names	name[];
	found	text[];
BEGIN
	IF part.kind = 'view' THEN
		RETURN md5(pg_get_viewdef(to_regclass(format('%I.%I', model, part.name))));
	END IF;
	names := CASE WHEN part.kind <> 'function' THEN ARRAY[part.name]
		WHEN part.comment IS NULL THEN ARRAY['_' || part.name]
		ELSE ARRAY[part.name, '_' || part.name] END;
	SELECT array_agg(pg_get_functiondef(p.oid) ORDER BY p.proname) INTO found
	  FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace(quote_ident(model)) AND p.proname = ANY (names);
	RETURN CASE WHEN cardinality(found) = cardinality(names) THEN md5(found::text) END;
END
$$;
COMMENT ON FUNCTION @extschema@._model_part_definition(name, @extschema@._part) IS
	'internal: a digest of what a part of a model is like now; NULL: not there';

-- A part is known by two digests: of the text that it is made from, and of what
-- the catalogs have. Where both are as they were when it was made, it can stay.
CREATE FUNCTION @extschema@._model_part_digest(model name, part @extschema@._part)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT pg_catalog.concat(pg_catalog.md5(pg_catalog.concat(part::pg_catalog.text, e.extversion)), ' ',
			@extschema@._model_part_definition(model, part))
	  FROM pg_catalog.pg_extension AS e WHERE e.extname OPERATOR(pg_catalog.=) 'customer_scoring';
END;
COMMENT ON FUNCTION @extschema@._model_part_digest(name, @extschema@._part) IS
	'internal: digests by which a part of a model is known again';
