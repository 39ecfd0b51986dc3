-- Models are their owners', and what a model shows stands on functions of the extension.
-- Until upgrade_model makes it again, the views of each model say that it has to be called.
-- A view is replaced in its place: what depends on it stays, and who may read it. Triggers
-- leave the statements of the source alone; the source is read again.
CREATE OR REPLACE FUNCTION @extschema@._model_outdated(model text)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	AS $$BEGIN RETURN NULL; END$$;

-- The extension takes an object in, to be allowed to replace it, and lets it go again.
CREATE FUNCTION @extschema@._update_replace(what text, object text, command text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	EXECUTE concat('ALTER EXTENSION customer_scoring ADD ', what, ' ', object);
	EXECUTE command;
	EXECUTE concat('ALTER EXTENSION customer_scoring DROP ', what, ' ', object);
END
$$;

CREATE FUNCTION @extschema@._update_close_models()
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	record;
	dated	text;
BEGIN
	FOR home IN SELECT n.oid, n.nspname, n.nspowner FROM pg_namespace AS n
				  JOIN pg_class AS h ON h.relnamespace = n.oid AND h.relname = 'customer_histories' AND h.relkind = 'r'
				  JOIN pg_attribute AS a ON a.attrelid = h.oid AND a.attname = 'history' AND NOT a.attisdropped
				   AND a.atttypid = '@extschema@.history'::regtype
				  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'configuration' AND c.relkind = 'r'
				 ORDER BY n.nspname LOOP
		PERFORM @extschema@._update_replace('VIEW', v.view, format('CREATE OR REPLACE VIEW %s%s AS SELECT %s%s',
					v.view, CASE WHEN v.name LIKE '\_%' THEN '' ELSE ' WITH (security_barrier)' END, v.columns,
					-- this one has an answer
					CASE WHEN v.name <> 'model_status' THEN
						concat(' WHERE @extschema@._model_outdated(', quote_literal(home.nspname), ')') ELSE '' END))
		   FROM (SELECT c.relname AS name, format('%I.%I', home.nspname, c.relname) AS view,
						string_agg(format('%s::%s%s AS %I',
							CASE WHEN c.relname <> 'model_status' THEN 'NULL'
								WHEN a.attname = 'model' THEN quote_literal(home.nspname)
								WHEN a.attname = 'status' THEN quote_literal('upgrade needed')
								WHEN a.attname = 'needs'
									THEN quote_literal(format('SELECT upgrade_model(%L);', home.nspname))
								ELSE 'NULL' END,
							format_type(a.atttypid, a.atttypmod),
							CASE WHEN a.attcollation <> 0 THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END,
							a.attname), ', ' ORDER BY a.attnum) AS columns
				   FROM pg_class AS c
				   JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
				  WHERE c.relnamespace = home.oid AND c.relkind = 'v' AND c.relowner = home.nspowner
				  GROUP BY c.relname) AS v;
		PERFORM @extschema@._update_replace('FUNCTION', t.function,
				format('CREATE OR REPLACE FUNCTION %s RETURNS trigger LANGUAGE plpgsql AS %L', t.function,
					'BEGIN RETURN NULL; END'))
		   FROM (SELECT format('%I.%I()', home.nspname, p.proname) AS function FROM pg_proc AS p
				  WHERE p.pronamespace = home.oid AND p.proowner = home.nspowner AND p.pronargs = 0
					AND p.prorettype = 'trigger'::regtype
					AND p.proname ~ '^record_(differences|keys|events_[0-9]+)$') AS t;
		-- Functions that are told who calls are the model's, and those that call them under their
		-- name for readers. What else depends on one, the server names, and nothing is changed.
		SELECT string_agg(p.oid::regprocedure::text, ', ') INTO dated
		  FROM pg_proc AS p
		 WHERE p.pronamespace = home.oid AND p.proowner = home.nspowner
		   AND ('@extschema@.caller'::regtype = ANY (p.proargtypes::oid[])
				OR EXISTS (SELECT 1 FROM pg_depend AS d JOIN pg_proc AS i ON i.oid = d.refobjid
							WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
							  AND d.refclassid = 'pg_proc'::regclass AND i.pronamespace = p.pronamespace
							  AND i.proname = '_' || p.proname));
		IF dated IS NOT NULL THEN
			EXECUTE 'DROP FUNCTION ' || dated;
		END IF;
	END LOOP;
END
$$;
SELECT @extschema@._update_close_models();
DROP FUNCTION @extschema@._update_close_models();
DROP FUNCTION @extschema@._update_replace(text, text, text);
