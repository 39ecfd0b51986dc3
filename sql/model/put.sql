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
CREATE TYPE @extschema@.caller (INPUT = @extschema@.caller_in, OUTPUT = @extschema@.caller_out, INTERNALLENGTH = 24, ALIGNMENT = double);
COMMENT ON TYPE @extschema@.caller IS 'the role that calls a function: no value can be written down';
CREATE FUNCTION @extschema@._caller_for(model regnamespace)
	RETURNS @extschema@.caller
	AS 'MODULE_PATHNAME', 'caller_for' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._caller_for(regnamespace) IS
	'internal: the role that evaluates this, for the functions of a model: good until the transaction ends or the session takes another role';
CREATE FUNCTION @extschema@._caller_role(caller @extschema@.caller)
	RETURNS oid
	AS 'MODULE_PATHNAME', 'caller_role' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._caller_role(@extschema@.caller) IS 'internal: the role that a value of _caller_for() stands for; an error in another transaction, under another role of the session, or in a function of another role than the owner of the model';

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
	FOR role IN EXECUTE format('SELECT DISTINCT o.rolname FROM %I.reader AS r JOIN pg_roles AS o ON o.rolname = r.role'
		' JOIN pg_namespace AS n ON n.nspname = $1 AND n.nspowner <> o.oid'
		' WHERE EXISTS (SELECT FROM aclexplode(n.nspacl) AS a WHERE a.grantee = o.oid AND a.privilege_type = ''USAGE'') ORDER BY 1', model) USING model LOOP
		EXECUTE format('GRANT %s TO %I', privilege, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_let_read(name, text) IS 'internal: give the readers of a model a further privilege';

-- The columns of a query q that is to stand for an existing view: in the order of
-- the view, new ones last, one that is gone as NULL.
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
BEGIN
	EXECUTE format('CREATE VIEW %I.source_probe AS %s', model, query);
	fresh := format('%I.source_probe', model)::regclass;
	SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) INTO different
	  FROM pg_attribute AS a JOIN pg_attribute AS b USING (attname)
	 WHERE a.attrelid = existing AND b.attrelid = fresh AND a.attnum > 0 AND b.attnum > 0
	   AND (a.atttypid, a.atttypmod) IS DISTINCT FROM (b.atttypid, b.atttypmod);
	IF different IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('columns of view %I would change their type: %s', view, different),
			DETAIL = 'Whatever reads the view relies on the type.',
			HINT = 'Make another model, or give an attribute another name: customers as a SELECT.';
	END IF;
	SELECT string_agg(format(CASE WHEN f.attname IS NULL THEN 'NULL::%2$s%3$s AS %1$I'
					WHEN f.attcollation <> e.attcollation THEN 'q.%1$I%3$s AS %1$I' ELSE 'q.%1$I' END,
			   coalesce(f.attname, e.attname), format_type(e.atttypid, e.atttypmod),
			   CASE WHEN e.attcollation <> 0 THEN ' COLLATE ' || e.attcollation::regcollation ELSE '' END),
			   ', ' ORDER BY e.attnum, f.attnum) INTO columns
	  FROM (SELECT * FROM pg_attribute WHERE attrelid = existing AND attnum > 0) AS e
	  FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = fresh AND attnum > 0) AS f USING (attname);
	EXECUTE format('DROP VIEW %I.source_probe', model);
	RETURN columns;
END
$$;
COMMENT ON FUNCTION @extschema@._model_fit_columns(name, name, text) IS 'internal: the columns of a query in the order of a view';

-- A view in its place: what depends on it stays, its columns keep their order,
-- new ones come last, and one that is gone is NULL.
CREATE FUNCTION @extschema@._model_put_view(model name, view name, query text, comment text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	name		text;
	words		text;
	attributes	text[];
	is_new		boolean := to_regclass(format('%I.%I', model, view)) IS NULL;
BEGIN
	IF NOT is_new THEN
		query := format('SELECT %s FROM (%s) AS q', @extschema@._model_fit_columns(model, view, query), query);
	END IF;
	EXECUTE format('CREATE OR REPLACE VIEW %I.%I WITH (security_barrier) AS %s', model, view, query);
	IF is_new THEN
		PERFORM @extschema@._model_let_read(model, format('SELECT ON %I.%I', model, view));
	END IF;
	EXECUTE format('COMMENT ON VIEW %I.%I IS %L', model, view, comment);
	-- attributes of earlier versions too, because their columns stay
	EXECUTE format('SELECT array_agg(DISTINCT u.a) FROM %I.configuration AS c CROSS JOIN LATERAL unnest(c.attributes || c.contact) AS u (a)'
		' WHERE $1 = ''customer_scores'' OR $1 ~ ''_customers$''', model) INTO attributes USING view;
	FOR name, words IN
		SELECT a.attname, CASE WHEN a.attname = ANY (attributes) THEN 'attribute of the customer'
				   ELSE coalesce(here.meaning, s.meaning, everywhere.meaning) END
		  FROM pg_attribute AS a
		  LEFT JOIN @extschema@._view_column AS here ON here.name = a.attname AND here.view = _model_put_view.view
		  LEFT JOIN @extschema@._score_column AS s ON s.name = a.attname
		  LEFT JOIN @extschema@._view_column AS everywhere ON everywhere.name = a.attname AND everywhere.view = ''
		 WHERE a.attrelid = format('%I.%I', model, _model_put_view.view)::regclass AND a.attnum > 0 AND NOT a.attisdropped LOOP
		IF words IS NULL THEN
			RAISE invalid_parameter_value USING MESSAGE = format('column %I of view %I has no comment', name, view);
		END IF;
		EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', model, view, name, words);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_view(name, name, text, text) IS 'internal: make or replace a view of a model';

-- A function of a model, replaced in its place: its grants stay. NAME itself is
-- for people and programs, where it has a comment for them; _NAME takes the same
-- arguments and the caller, and has the rights of the owner. Without JIT, which
-- takes longer to compile three copies of a map than most shops take.
-- call_model_function() accepts what is made here, and nothing else.
CREATE FUNCTION @extschema@._model_put_function(model name, function name, parameters text[], result text, body text, comment text DEFAULT NULL)
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
		is_new := NOT EXISTS (SELECT FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace(quote_ident(model)) AND p.proname = one);
		IF starts_with(one, '_') THEN
			EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER'
				' SET search_path = pg_catalog, pg_temp SET jit = off COST 100000 ROWS 1000 BEGIN ATOMIC %s; END', model, one,
				(SELECT string_agg(regexp_replace(u.p, ' DEFAULT .*', ''), ', ' ORDER BY u.n) FROM
					unnest(parameters || 'caller @extschema@.caller'::text) WITH ORDINALITY AS u (p, n)), result, body);
		ELSE
			EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000'
				' BEGIN ATOMIC SELECT * FROM %1$I.%5$I(%6$s); END', model, one, array_to_string(parameters, ', '), result, '_' || function,
				array_to_string(ARRAY(SELECT '$' || n FROM generate_series(1, cardinality(parameters)) AS n) || format('@extschema@._caller_for(%L)', quote_ident(model)), ', '));
		END IF;
		IF is_new THEN
			EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.%I FROM PUBLIC', model, one);
			PERFORM @extschema@._model_let_read(model, format('EXECUTE ON FUNCTION %I.%I', model, one));
		END IF;
		EXECUTE format('COMMENT ON FUNCTION %I.%I IS %L', model, one, CASE WHEN starts_with(one, '_') THEN
			'internal: what ' || CASE WHEN comment IS NULL THEN 'the extension' ELSE function END || ' asks, with the rights of the owner for the caller' ELSE comment END);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_function(name, name, text[], text, text, text) IS 'internal: make or replace a function of a model';
