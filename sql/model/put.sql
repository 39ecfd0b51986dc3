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
	IF NOT EXISTS (SELECT 1 FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
					WHERE n.nspname = model AND a.grantee <> n.nspowner) THEN
		RETURN;
	END IF;
	FOR role IN EXECUTE format('SELECT DISTINCT o.rolname FROM %I.reader AS r JOIN pg_roles AS o ON o.rolname = r.role'
		' JOIN pg_namespace AS n ON n.nspname = $1 AND n.nspowner <> o.oid'
		' WHERE EXISTS (SELECT 1 FROM aclexplode(n.nspacl) AS a'
		'				WHERE a.grantee = o.oid AND a.privilege_type = ''USAGE'')'
		' ORDER BY 1', model) USING model LOOP
		EXECUTE format('GRANT %s TO %I', privilege, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_let_read(name, text) IS
	'internal: give the readers of a model a further privilege';

-- The columns that a view with this query would have.
CREATE FUNCTION @extschema@._model_query_columns(query text, OUT attname name, OUT attnum int2, OUT atttypid oid,
	OUT atttypmod int, OUT attcollation oid)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'query_columns' LANGUAGE C STABLE STRICT PARALLEL UNSAFE ROWS 30;
COMMENT ON FUNCTION @extschema@._model_query_columns(text) IS
	'internal: the columns of a query, as pg_attribute would have them of a view';

-- The columns of a query q that is to stand for an existing view: in the order of
-- the view, new ones last, one that is gone as NULL. NULL: as the query has them.
CREATE FUNCTION @extschema@._model_fit_columns(model name, view name, query text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	columns		text;
	different	text;
	same		boolean;
BEGIN
	SELECT string_agg(format('%I %s', e.attname, format_type(e.atttypid, e.atttypmod)), ', ' ORDER BY e.attnum)
			   FILTER (WHERE (e.atttypid, e.atttypmod) IS DISTINCT FROM (f.atttypid, f.atttypmod)
						 AND e.attnum IS NOT NULL AND f.attnum IS NOT NULL),
		   string_agg(format(CASE WHEN f.attname IS NULL THEN 'NULL::%2$s%3$s AS %1$I'
					WHEN f.attcollation <> e.attcollation THEN 'q.%1$I%3$s AS %1$I' ELSE 'q.%1$I' END,
			   coalesce(f.attname, e.attname), format_type(e.atttypid, e.atttypmod),
			   CASE WHEN e.attcollation <> 0 THEN ' COLLATE ' || e.attcollation::regcollation ELSE '' END),
			   ', ' ORDER BY e.attnum, f.attnum),
		   bool_and(e.attnum IS NULL OR coalesce(f.attnum = e.attnum AND f.attcollation = e.attcollation, false))
	  INTO different, columns, same
	  FROM (SELECT * FROM pg_attribute WHERE attrelid = format('%I.%I', model, view)::regclass AND attnum > 0) AS e
	  FULL JOIN @extschema@._model_query_columns(query) AS f USING (attname);
	IF different IS NOT NULL THEN
		RAISE feature_not_supported USING
			-- attributes are what can change; they come through the private views
			MESSAGE = format('columns of view %I would change their type: %s',
				CASE WHEN starts_with(view, '_') THEN 'customer_scores' ELSE view END, different),
			DETAIL = 'Whatever reads the view relies on the type.',
			HINT = 'Make another model, or give an attribute another name: customers as a SELECT.';
	END IF;
	RETURN CASE WHEN NOT same THEN columns END;
END
$$;
COMMENT ON FUNCTION @extschema@._model_fit_columns(name, name, text) IS
	'internal: the columns of a query in the order of a view';

-- A model without tenants says nothing of them: what readers see has no column tenant.
CREATE FUNCTION @extschema@._reader_columns(query text, tenanted boolean)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT CASE WHEN NOT tenanted THEN (
		SELECT CASE WHEN pg_catalog.bool_or(c.attname OPERATOR(pg_catalog.=) 'tenant')
				THEN pg_catalog.string_agg(pg_catalog.format('q.%I', c.attname), ', ' ORDER BY c.attnum)
					FILTER (WHERE c.attname OPERATOR(pg_catalog.<>) 'tenant') END
		  FROM @extschema@._model_query_columns(query) AS c) END;
END;
COMMENT ON FUNCTION @extschema@._reader_columns(text, boolean) IS
	'internal: the columns of a query q that readers of a model see; NULL: all';

-- The columns of a result, TABLE (...), in their order.
CREATE FUNCTION @extschema@._result_columns(result text)
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.array_agg(pg_catalog.split_part(c.item, ' ', 1) ORDER BY c.n)
	  FROM pg_catalog.regexp_split_to_table(pg_catalog.substr(result, 8, pg_catalog.length(result)
			OPERATOR(pg_catalog.-) 8), ', ') WITH ORDINALITY AS c (item, n);
END;
COMMENT ON FUNCTION @extschema@._result_columns(text) IS 'internal: the names of the columns of a result';

CREATE FUNCTION @extschema@._result_for_readers(result text, tenanted boolean)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN tenanted OR NOT pg_catalog.starts_with(result, 'TABLE (') THEN result
		ELSE pg_catalog.regexp_replace(pg_catalog.replace(result, 'TABLE (tenant text, ', 'TABLE ('),
			', tenant text(?=[,)])', '') END;
END;
COMMENT ON FUNCTION @extschema@._result_for_readers(text, boolean) IS
	'internal: what a function tells the readers of a model with tenants, or of one without';

-- A view in its place: what depends on it stays, its columns keep their order,
-- new ones come last, and one that is gone is NULL. Nobody is granted a private
-- view, by default privileges either.
CREATE FUNCTION @extschema@._model_put_view(model name, view name, query text, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	name		text;
	columns		text;
	is_new		boolean := to_regclass(format('%I.%I', model, view)) IS NULL;
	is_private	boolean := starts_with(view, '_');
BEGIN
	IF NOT is_private THEN
		columns := @extschema@._reader_columns(query, tenanted);
		IF columns IS NOT NULL THEN
			query := format('SELECT %s FROM (%s) AS q', columns, query);
		END IF;
	END IF;
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
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_view(name, name, text, boolean) IS
	'internal: make or replace a view of a model';

CREATE FUNCTION @extschema@._model_put_comments(relation regclass, meaning text, columns text[], meanings text[])
	RETURNS void
	AS 'MODULE_PATHNAME', 'put_comments' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@._model_put_comments(regclass, text, text[], text[]) IS
	'internal: comments on a relation of the caller and on columns of it';

-- Comments on views and on all of their columns; a column without words is an error.
-- Views that were there before ("earlier") keep columns for which there are none any more.
CREATE FUNCTION @extschema@._model_comment_views(model name, settings jsonb, views name[], comments text[],
	earlier name[])
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	attributes	text[];
	one			record;
BEGIN
	-- attributes of earlier versions too, because their columns stay
	EXECUTE format('SELECT array_agg(DISTINCT u.a) FROM %I.configuration AS c'
			' CROSS JOIN LATERAL unnest(c.attributes || c.contact) AS u (a)', model) INTO attributes;
	FOR one IN
		WITH words AS MATERIALIZED (
			SELECT v.view, v.name::name, v.meaning, CASE v.view WHEN '' THEN 4 ELSE 1 END AS rank
			  FROM @extschema@._view_column AS v WHERE v.view = '' OR v.view = ANY (views)
			UNION ALL
			SELECT 'account_scores', c.name::name, c.meaning, 2 FROM @extschema@._account_card_columns(settings) AS c
			 WHERE 'account_scores' = ANY (views)
			UNION ALL
			SELECT '', s.name::name, s.meaning, 3 FROM @extschema@._score_column AS s WHERE s.meaning IS NOT NULL
			UNION ALL
			SELECT '', c.name::name, c.meaning, 5 FROM @extschema@._behaviour_columns(settings) AS c
		)
		SELECT c.relation, c.view, c.comment, min(c.name) FILTER (WHERE c.words IS NULL) AS speechless,
			   array_agg(c.name::text ORDER BY c.position) AS names, array_agg(c.words ORDER BY c.position) AS words
		  FROM (SELECT r.oid::regclass AS relation, u.view, u.comment, a.attname AS name, a.attnum AS position,
					   CASE WHEN a.attname = ANY (attributes)
							AND (u.view = 'customer_scores' OR u.view ~ '^_|_customers$')
							THEN 'attribute of the customer'
					   ELSE coalesce((array_agg(w.meaning ORDER BY w.rank))[1],
							CASE WHEN u.view ~ '^_' AND a.attname ~ '^card_' THEN 'scorecard, compiled'
								WHEN u.view ~ '^_' AND a.attname ~ '^views_of_'
								THEN 'which kinds of the stream of this number are views of products; NULL: none'
								WHEN u.view = ANY (earlier)
								THEN 'was given by a stream or scorecard that is no longer there; NULL'
								END) END AS words
				  FROM unnest(views, comments) AS u (view, comment)
				  JOIN pg_namespace AS n ON n.nspname = model
				  JOIN pg_class AS r ON r.relnamespace = n.oid AND r.relname = u.view
				  JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
				  LEFT JOIN words AS w ON w.name = a.attname AND w.view IN ('', u.view, ltrim(u.view, '_'))
				 GROUP BY r.oid, u.view, u.comment, a.attname, a.attnum) AS c
		 GROUP BY c.relation, c.view, c.comment ORDER BY c.relation
	LOOP
		IF one.speechless IS NOT NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('column %I of view %I has no comment', one.speechless, one.view);
		END IF;
		PERFORM @extschema@._model_put_comments(one.relation, one.comment, one.names, one.words);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_comment_views(name, jsonb, name[], text[], name[]) IS
	'internal: the comments of views of a model';

-- A function of a model, replaced in its place: its grants stay. NAME itself is
-- for people and programs, where it has a comment for them; _NAME takes the same
-- arguments and the caller, has the rights of the owner, and tells the tenant in any
-- model. Without JIT, which
-- takes longer to compile three copies of a map than most shops take.
-- call_model_function() accepts what is made here, and nothing else.
CREATE FUNCTION @extschema@._model_put_function(model name, function name, parameters text[], result text, body text,
	comment text, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made	name[] := CASE WHEN comment IS NULL THEN ARRAY['_' || function] ELSE ARRAY['_' || function, function] END;
	shown	text := @extschema@._result_for_readers(result, tenanted);
	one		name;
	is_new	boolean;
BEGIN
	FOREACH one IN ARRAY made LOOP
		is_new := NOT EXISTS (SELECT 1 FROM pg_proc AS p
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
				' BEGIN ATOMIC SELECT %7$s FROM %1$I.%5$I(%6$s) AS r; END',
				model, one, array_to_string(parameters, ', '), shown, '_' || function,
				array_to_string(ARRAY(SELECT '$' || n FROM generate_series(1, cardinality(parameters)) AS n)
					|| format('@extschema@._caller_for(%L)', quote_ident(model)), ', '),
				CASE WHEN shown = result THEN 'r.*'
					ELSE (SELECT string_agg('r.' || u.c, ', ' ORDER BY u.n)
							FROM unnest(@extschema@._result_columns(shown)) WITH ORDINALITY AS u (c, n)) END);
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
COMMENT ON FUNCTION @extschema@._model_put_function(name, name, text[], text, text, text, boolean) IS
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
	result text, query text, comment text, tenanted boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	is_new	boolean := NOT EXISTS (SELECT 1 FROM pg_proc AS p
		WHERE p.pronamespace = to_regnamespace(quote_ident(model)) AND p.proname = function);
	shown	text := @extschema@._result_for_readers(result, tenanted);
BEGIN
	IF shown <> result THEN
		query := format('SELECT %s FROM (%s) AS r (%s)', array_to_string(@extschema@._result_columns(shown), ', '),
			query, array_to_string(@extschema@._result_columns(result), ', '));
	END IF;
	EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s'
		' LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1 BEGIN ATOMIC %s; END',
		model, function, array_to_string(parameters, ', '), shown, query);
	IF is_new THEN
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.%I FROM PUBLIC', model, function);
		PERFORM @extschema@._model_let_read(model, format('EXECUTE ON FUNCTION %I.%I', model, function));
	END IF;
	EXECUTE format('COMMENT ON FUNCTION %I.%I IS %L', model, function, comment);
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_plain_function(name, name, text[], text, text, text, boolean) IS
	'internal: make or replace a function of a model with the rights of its caller';

-- A part as readers of a model that asks Citus have it. It goes to the workers as the role
-- that asks, which has no rights there. So the query becomes a private view, a function of
-- the owner's reads its rows, and the view that readers have asks that function. The owner
-- may ask the private one: Citus then plans it together with what stands around it.
CREATE FUNCTION @extschema@._readable(model name, settings jsonb, part @extschema@._part)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	inner_view	name := '_' || part.name;
	reads		name := 'read_' || part.name;
	customer	boolean := part.name = 'customer';
	given		text := '';
BEGIN
	-- a model that has once had these keeps them
	IF NOT @extschema@._asks_citus(settings) AND to_regclass(format('%I._customer_scores', model)) IS NULL
		OR starts_with(part.name, '_') OR part.kind <> 'view' AND NOT customer THEN
		RETURN NEXT part;
		RETURN;
	END IF;
	IF customer THEN
		inner_view := '_customer_scores';
		given := '$1, ';
	ELSE
		RETURN NEXT @extschema@._model_view(inner_view, part.query,
			format('internal: %s, for the owner alone, whose queries Citus plans together with it', part.name));
	END IF;
	RETURN NEXT @extschema@._model_function(reads, CASE WHEN customer THEN part.parameters ELSE '{}' END,
		format('SETOF %I.%I', model, inner_view),
		format('SELECT r.* FROM %s AS r', @extschema@._rows_of(format('%I.%I', model, inner_view),
			CASE WHEN customer THEN '$1' END)), NULL, inner_view);
	part.query := concat('SELECT r.* FROM ', format('%I.%I(%s', model, '_' || reads, given),
		'@extschema@._caller_for(', quote_literal(quote_ident(model)), ')) AS r');
	part."like" := CASE WHEN customer THEN 'customer_scores' ELSE inner_view END;
	RETURN NEXT part;
END
$$;
COMMENT ON FUNCTION @extschema@._readable(name, jsonb, @extschema@._part) IS
	'internal: a view or function of a model, and in one that asks Citus what its readers need for it';

-- A part is known by two digests: of the text that it is made from, and of what
-- the catalogs have. Where both are as they were when it was made, it can stay. Who
-- may read it is no part of it.
CREATE FUNCTION @extschema@._model_part_digests(model name, parts @extschema@._part[])
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	oid := to_regnamespace(quote_ident(model));
	version	text := (SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'customer_scoring');
BEGIN
	RETURN (
		SELECT jsonb_object_agg(p.name, concat(md5(concat_ws(E'\n', p.kind, p.name, p.parameters, p.result, p.query,
				   p.comment, p."like", version)), ' ', coalesce(v.digest, f.digest)))
		  FROM unnest(parts) AS p
		  LEFT JOIN LATERAL (
				SELECT md5(concat(w.ev_action, (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a
												 WHERE a.attrelid = c.oid AND a.attnum > 0))) AS digest
				  FROM pg_class AS c JOIN pg_rewrite AS w ON w.ev_class = c.oid
				 WHERE p.kind = 'view' AND c.relnamespace = home AND c.relname = p.name) AS v ON true
		  LEFT JOIN LATERAL (
				SELECT md5(string_agg(concat_ws(' ', f.prosqlbody, f.proconfig, f.prosecdef, f.provolatile,
						   f.proparallel, f.procost, f.prorows, f.proretset, f.prorettype, f.proargtypes,
						   f.proallargtypes, f.proargmodes, f.proargnames, f.proargdefaults),
						   '' ORDER BY f.proname)) AS digest
				  FROM unnest(CASE WHEN p.kind <> 'function' THEN ARRAY[p.name]
						   WHEN p.comment IS NULL THEN ARRAY['_' || p.name]
						   ELSE ARRAY[p.name, '_' || p.name] END::name[]) AS u (name)
				  LEFT JOIN pg_proc AS f ON f.pronamespace = home AND f.proname = u.name
				 WHERE p.kind <> 'view' HAVING bool_and(f.oid IS NOT NULL)) AS f ON true);
END
$$;
COMMENT ON FUNCTION @extschema@._model_part_digests(name, @extschema@._part[]) IS
	'internal: digests by which the parts of a model are known again, by their names';
