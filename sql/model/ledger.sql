--
-- Layer 4: live over several tables. The source is a query; each table of live_on
-- has a column that is the event_key, and triggers that write down which events a
-- statement has touched. The ledger has what each event counts for in the
-- histories. Readers ask the query again for the events that were touched, and add
-- what differs from the ledger; apply_changes brings the ledger up to date.
--
-- Nobody asks the query where the statement runs: two transactions at one event
-- don't see each other, and would both be wrong, or one would have to wait for the
-- other. A reader sees in one snapshot the tables, the ledger and which events to
-- look at; so what they add up is right in every snapshot, without a lock.
--

CREATE FUNCTION @extschema@._rows_of_keys(query text, relations text[], columns text[], keys text[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'rows_of_keys'
	LANGUAGE C STABLE PARALLEL UNSAFE ROWS 1000;
COMMENT ON FUNCTION @extschema@._rows_of_keys(text, text[], text[], text[]) IS
	'internal: the rows of a query when these tables have only rows whose column is one of the keys; NULL: all rows';

-- The events of the source: whose they are, and each as a history of its own. One
-- that no history can hold has neither, and is counted.
CREATE FUNCTION @extschema@._ledger_query(settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
BEGIN
	RETURN @extschema@._fill($q$
SELECT e.event, CASE WHEN e.contribution IS NOT NULL THEN e.customer_key END COLLATE "C" AS customer_key,
       CASE WHEN e.contribution IS NOT NULL THEN e.tenant ELSE '' END AS tenant,
       CASE WHEN e.contribution IS NOT NULL THEN e.customer_id END AS customer_id, e.contribution
  FROM (SELECT s.event, s.customer_key, s.tenant, s.customer_id,
               CASE WHEN octet_length(s.customer_key) <= 1000
                    THEN @extschema@._scorable_history(s.day, s.value, s.counts) END AS contribution
          FROM (SELECT r.event_key COLLATE "C" AS event, ({key})::text AS customer_key, ({tenant})::text AS tenant,
                       ({id})::text AS customer_id, {day} AS day, r.value, r.counts
                  FROM ({query}) AS r
                 WHERE r.is_kept AND octet_length(r.event_key) <= 1000
                   AND r.customer IS NOT NULL AND r.day IS NOT NULL AND r.value IS NOT NULL) AS s OFFSET 0) AS e$q$,
		'query', settings ->> 'quality_query', 'key', @extschema@._model_source_key(settings, 'r.customer'),
		'tenant', CASE WHEN tenanted THEN 'r.customer[1]' ELSE '''''' END,
		'id', CASE WHEN tenanted THEN 'r.customer[2]' ELSE 'NULL' END,
		'day', CASE WHEN (settings ->> 'day_is_moment')::boolean
			THEN format('(r.day AT TIME ZONE %L)::date', settings ->> 'time_zone') ELSE 'r.day::date' END);
END
$$;
COMMENT ON FUNCTION @extschema@._ledger_query(jsonb) IS
	'internal: the query for the events of a model that is live over several tables';

-- The same as arguments: the query, the tables, their columns.
CREATE FUNCTION @extschema@._ledger_arguments(settings jsonb)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('%L, %L::text[], %L::text[]', @extschema@._ledger_query(settings),
			   pg_catalog.array_agg(t.relation ORDER BY t.relation), pg_catalog.array_agg(t.column ORDER BY t.relation))
	  FROM pg_catalog.jsonb_to_recordset(settings OPERATOR(pg_catalog.->) 'live_tables')
		   AS t (relation text, "column" text);
END;
COMMENT ON FUNCTION @extschema@._ledger_arguments(jsonb) IS
	'internal: arguments of _ledger_now and _rows_of_keys for the events of a model';

-- The events as they are now; NULL: all. A row that can't be read must keep nobody
-- from the others: the event, or NULL for all of them, comes back with the error.
CREATE FUNCTION @extschema@._ledger_now(query text, relations text[], columns text[], events text[])
	RETURNS TABLE (event text, customer_key text, tenant text, customer_id text, contribution @extschema@.history,
		error text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 1000
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	state	text;
	half	int := cardinality(events) / 2;
BEGIN
	BEGIN
		IF events IS NULL THEN
			RETURN QUERY SELECT r.*, NULL::text FROM @extschema@._rows_of_keys(query, relations, columns, NULL)
				AS r (event text, customer_key text, tenant text, customer_id text, contribution @extschema@.history);
		ELSIF events <> '{}' THEN
			RETURN QUERY SELECT r.*, NULL::text FROM @extschema@._rows_of_keys(query, relations, columns, events)
				AS r (event text, customer_key text, tenant text, customer_id text, contribution @extschema@.history)
				JOIN unnest(events) AS u (event) ON u.event = r.event;
		END IF;
		RETURN;
	EXCEPTION WHEN data_exception OR cardinality_violation OR syntax_error_or_access_rule_violation
			OR invalid_schema_name OR feature_not_supported OR program_limit_exceeded OR integrity_constraint_violation
			OR external_routine_exception OR external_routine_invocation_exception OR sql_routine_exception
			OR plpgsql_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
	END;
	IF events IS NULL OR cardinality(events) = 1 OR state ~ '^(42|3F|0A)' THEN
		RETURN QUERY SELECT u.event, NULL::text, NULL::text, NULL::text, NULL::@extschema@.history, state
			FROM unnest(coalesce(events, ARRAY[NULL::text])) AS u (event);
		RETURN;
	END IF;
	RETURN QUERY SELECT * FROM @extschema@._ledger_now(query, relations, columns, events[:half]);
	RETURN QUERY SELECT * FROM @extschema@._ledger_now(query, relations, columns, events[half + 1:]);
END
$$;
COMMENT ON FUNCTION @extschema@._ledger_now(text, text[], text[], text[]) IS
	'internal: what the source has of these events, and the errors of those that can''t be read';

-- Where an event is another one in the ledger (o) than in the source (n), and what that
-- changes for customers, as items of WITH; "events" and "everything" are expressions for which were touched.
CREATE FUNCTION @extschema@._ledger_differing(model name, settings jsonb, events text, everything text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN @extschema@._fill($q$
now AS MATERIALIZED (
	SELECT n.* FROM @extschema@._ledger_now({arguments},
		CASE WHEN {everything} THEN NULL ELSE coalesce({events}, '{}') END) AS n
), old AS MATERIALIZED (
	SELECT l.place, l.event, l.customer_key, l.tenant, l.customer_id, l.contribution
	  FROM unnest({events}) AS u (event),
		   LATERAL (SELECT l.ctid AS place, l.event, l.customer_key, l.tenant, l.{id} AS customer_id, l.contribution
					  FROM {model}.ledger AS l WHERE l.event = u.event OFFSET 0) AS l
	 WHERE NOT {everything}
	UNION ALL
	SELECT l.ctid, l.event, l.customer_key, l.tenant, l.{id}, l.contribution FROM {model}.ledger AS l
	 WHERE {everything}
), differing AS MATERIALIZED (
	SELECT o.place, o.event AS old_event, o.customer_key AS old_key, o.tenant AS old_tenant, o.customer_id AS old_id,
		   o.contribution AS old_contribution, n.event AS new_event, n.customer_key AS new_key,
		   n.tenant AS new_tenant, {new_id} AS new_id, n.contribution AS new_contribution
	  FROM (SELECT o.* FROM old AS o
			 WHERE NOT EXISTS (SELECT 1 FROM now AS f WHERE f.error IS NOT NULL AND f.event IS NULL)
			   AND NOT EXISTS (SELECT 1 FROM now AS f WHERE f.error IS NOT NULL AND f.event = o.event)) AS o
	  FULL JOIN (SELECT n.* FROM now AS n WHERE n.error IS NULL) AS n ON n.event = o.event AND n.tenant = o.tenant
	 WHERE n.event IS NULL OR o.event IS NULL OR n.customer_key IS DISTINCT FROM o.customer_key
		OR (n.contribution OPERATOR(@extschema@.=) o.contribution) IS NOT TRUE AND n.contribution IS NOT NULL
), changes AS MATERIALIZED (
	SELECT d.new_key AS customer_key, d.new_tenant AS tenant, d.new_id AS customer_id,
		   d.new_contribution OPERATOR(@extschema@.-) d.old_contribution AS difference
	  FROM differing AS d WHERE d.new_key = d.old_key
	UNION ALL
	SELECT d.new_key, d.new_tenant, d.new_id, d.new_contribution FROM differing AS d
	 WHERE d.new_key IS NOT NULL AND d.new_key IS DISTINCT FROM d.old_key
	UNION ALL
	SELECT d.old_key, d.old_tenant, d.old_id, OPERATOR(@extschema@.-) d.old_contribution FROM differing AS d
	 WHERE d.old_key IS NOT NULL AND d.old_key IS DISTINCT FROM d.new_key
)$q$, 'model', quote_ident(model), 'arguments', @extschema@._ledger_arguments(settings), 'events', events,
		'everything', everything,
		'id', CASE WHEN settings ->> 'tenant' IS NULL THEN 'customer_key' ELSE 'customer_id' END,
		'new_id', CASE WHEN settings ->> 'tenant' IS NULL THEN 'n.customer_key' ELSE 'n.customer_id' END);
END
$$;
COMMENT ON FUNCTION @extschema@._ledger_differing(name, jsonb, text, text) IS
	'internal: items of WITH for the events that are others in the ledger than in the source';

-- What readers add for the events that were touched. It runs with the rights of the
-- owner, as the views read tables; a function in a view is called by the role that
-- reads, so this one has to know that a view asks: by a secret in a table that only
-- views of the model read. Plans hold arguments and keys, and a session may have its
-- plans shown to it: not those of this function.
CREATE FUNCTION @extschema@._make_touched_rows(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	EXECUTE @extschema@._fill($q$	CREATE OR REPLACE FUNCTION {model}._touched_rows(secret bytea)
	RETURNS TABLE (customer_key text, tenant text, customer_id text, difference @extschema@.history,
		root_key text, root_id text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp SET debug_print_plan = off
	AS {body}$q$, 'model', quote_ident(model), 'body', quote_literal(@extschema@._fill($q$
DECLARE
	events		text[];
	everything	boolean;
BEGIN
	-- where the schema has been renamed, another may have its name: nothing is added then
	IF NOT ({owned}) THEN
		RETURN;
	END IF;
	IF NOT EXISTS (SELECT 1 FROM {model}.ledger_secret AS s WHERE s.secret = $1) OR $1 IS NULL THEN
		RAISE insufficient_privilege USING MESSAGE = 'only views of the model call _touched_rows';
	END IF;
	SELECT array_agg(DISTINCT t.event) FILTER (WHERE t.event IS NOT NULL), coalesce(bool_or(t.event IS NULL), false)
	  INTO events, everything FROM {model}.touched AS t;
	IF events IS NULL AND NOT everything THEN
		RETURN;
	END IF;
	RETURN QUERY
		WITH {differing}
		SELECT d.customer_key, d.tenant, d.customer_id, d.difference, coalesce(m.root_key, d.customer_key),
			   coalesce(m.root_id, d.customer_id)
		  FROM changes AS d LEFT JOIN {model}.merged_customers AS m ON m.customer_key = d.customer_key;
END
$q$, 'model', quote_ident(model),
		'owned', (SELECT string_agg(format('@extschema@._owned_by_current_user(to_regclass(%L)) IS TRUE',
				format('%I.%I', model, t)), ' AND ')
			FROM unnest('{ledger,ledger_secret,merged_customers,touched}'::name[]) AS t),
		'differing', @extschema@._ledger_differing(model, settings, 'events', 'everything'))));
	EXECUTE format('COMMENT ON FUNCTION %I._touched_rows(bytea) IS %L', model,
		'internal: what has become of the events that statements have touched; SECURITY DEFINER, because readers have'
		' no rights on the tables of the source, and of use to views of the model alone');
END
$$;
COMMENT ON FUNCTION @extschema@._make_touched_rows(name, jsonb) IS
	'internal: make the function by which views of a model ask for events that were touched';

-- Touched events settled: what differs goes into the ledger and into pending.
CREATE FUNCTION @extschema@._settle_ledger(model name, settings jsonb)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	touched		boolean;
	settled		bigint;
	id			text := CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE ', customer_id' END;
BEGIN
	IF NOT @extschema@._is_ledger(settings) THEN
		RETURN 0;
	END IF;
	EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.touched)', model) INTO touched;
	IF NOT touched THEN
		RETURN 0;
	END IF;
	EXECUTE @extschema@._fill($q$
		WITH taken AS MATERIALIZED (
			DELETE FROM {model}.touched RETURNING event
		), asked AS MATERIALIZED (
			SELECT array_agg(DISTINCT t.event) FILTER (WHERE t.event IS NOT NULL) AS events,
				   coalesce(bool_or(t.event IS NULL), false) AS everything FROM taken AS t
		), {differing}, gone AS (
			DELETE FROM {model}.ledger AS l USING differing AS d WHERE l.ctid = d.place
		), put AS (
			-- nothing is kept of a person who has been erased
			INSERT INTO {model}.ledger (event, customer_key, tenant{id}, contribution)
			SELECT d.new_event, d.new_key, d.new_tenant{new_id}, d.new_contribution FROM differing AS d
			 WHERE d.new_event IS NOT NULL AND {allowed}
		), written AS (
			INSERT INTO {model}.pending (customer_key, tenant{id}, difference)
			SELECT d.customer_key, d.tenant{pending_id}, d.difference FROM changes AS d WHERE {wanted}
		), kept AS (
			INSERT INTO {model}.touched SELECT n.event FROM now AS n WHERE n.error IS NOT NULL
		), mended AS (
			DELETE FROM {model}.rejects AS r WHERE r.operation = 'LEDGER'
		), failed AS (
			INSERT INTO {model}.rejects (operation, reason, affected, needs_rebuild)
			SELECT 'LEDGER', format('the source can''t be read for some events: error %s', n.error), count(*), true
			  FROM now AS n WHERE n.error IS NOT NULL GROUP BY n.error
		), rejected AS (
			INSERT INTO {model}.rejects (operation, reason, affected, needs_rebuild)
			SELECT 'APPLY', 'unconvertible', x.n, false
			  FROM (SELECT count(*) FILTER (WHERE d.new_event IS NOT NULL AND d.new_key IS NULL)
						 - count(*) FILTER (WHERE d.old_event IS NOT NULL AND d.old_key IS NULL) AS n
					  FROM differing AS d) AS x WHERE x.n <> 0
		)
		SELECT count(*) FROM taken$q$,
		'model', quote_ident(model), 'id', id, 'new_id', CASE id WHEN '' THEN '' ELSE ', d.new_id' END,
		'pending_id', CASE id WHEN '' THEN '' ELSE ', d.customer_id' END,
		'allowed', @extschema@._model_not_suppressed(model, 'd.new_key'),
		'wanted', @extschema@._model_not_suppressed(model, 'd.customer_key'),
		'differing', @extschema@._ledger_differing(model, settings, '(SELECT a.events FROM asked AS a)',
			'(SELECT a.everything FROM asked AS a)'))
		INTO settled;
	RETURN settled;
END
$$;
COMMENT ON FUNCTION @extschema@._settle_ledger(name, jsonb) IS
	'internal: bring the ledger of a model up to date; what differs is pending then';

-- The settings by which rows of the source are read one by one: of a ledger's source the
-- counts are not among the columns that its query names.
CREATE FUNCTION @extschema@._ledger_source(settings jsonb)
	RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._is_ledger(settings) THEN settings OPERATOR(pg_catalog.||)
		pg_catalog.jsonb_build_object('source_query',
			pg_catalog.format('SELECT q.customer, q.day, q.value, q.counts AS counts FROM (%s) AS q'
				' WHERE q.is_kept AND octet_length(q.event_key) <= 1000',
				settings OPERATOR(pg_catalog.->>) 'quality_query')) ELSE settings END;
END;
COMMENT ON FUNCTION @extschema@._ledger_source(jsonb) IS
	'internal: settings by which the rows of a live model''s source are read one by one';

-- The ledger written again beside the histories, as items of WITH of the statement that
-- reads the source: by the same snapshot.
CREATE FUNCTION @extschema@._ledger_reading(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT @extschema@._is_ledger(settings) THEN
		RETURN '';
	END IF;
	RETURN @extschema@._fill($q$, events AS MATERIALIZED (
			SELECT r.* FROM @extschema@._rows_of_keys({arguments}, NULL)
				AS r (event text, customer_key text, tenant text, customer_id text, contribution @extschema@.history)
			 WHERE {allowed}
		), settled AS (
			DELETE FROM {model}.touched
		), gone AS (
			DELETE FROM {model}.ledger AS l WHERE NOT EXISTS (SELECT 1 FROM events AS r WHERE {same})
		), put AS (
			INSERT INTO {model}.ledger (event, customer_key, tenant{id}, contribution)
			SELECT r.event, r.customer_key, r.tenant{new_id}, r.contribution FROM events AS r
			 WHERE NOT EXISTS (SELECT 1 FROM {model}.ledger AS l WHERE {same})
		)$q$, 'model', quote_ident(model), 'arguments', @extschema@._ledger_arguments(settings),
		'allowed', @extschema@._model_not_suppressed(model, 'r.customer_key'),
		'same', 'l.event = r.event AND l.tenant = r.tenant AND l.customer_key IS NOT DISTINCT FROM r.customer_key'
			' AND (l.contribution OPERATOR(@extschema@.=) r.contribution'
			' OR l.contribution IS NULL AND r.contribution IS NULL)',
		'id', CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE ', customer_id' END,
		'new_id', CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE ', r.customer_id' END);
END
$$;
COMMENT ON FUNCTION @extschema@._ledger_reading(name, jsonb) IS
	'internal: items of WITH that write the ledger of a model again; empty: it has none';

-- What the query of the source depends on, beside what is built in: views are looked
-- into. Tables and views of others could run what they like with the rights of the
-- owner, and now whenever somebody reads the model.
CREATE FUNCTION @extschema@._ledger_probe(model name, settings jsonb,
	OUT tables text[], OUT foreign_object text, OUT foreign_owner name, OUT unsteady text, OUT windows text,
	OUT recursive text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	probe	oid;
	state	text;
	message	text;
BEGIN
	BEGIN
		EXECUTE format('CREATE VIEW %I.source_probe AS %s', model, settings ->> 'quality_query');
	EXCEPTION WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name
			OR ambiguous_column OR datatype_mismatch OR cannot_coerce OR wrong_object_type THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@._model_raise_unreadable(model, state, message);
	END;
	probe := format('%I.source_probe', model)::regclass;
	WITH RECURSIVE views AS (
		SELECT probe AS view
		UNION
		SELECT c.oid FROM views AS v JOIN pg_rewrite AS w ON w.ev_class = v.view
		  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
		   AND d.refclassid = 'pg_class'::regclass
		  JOIN pg_class AS c ON c.oid = d.refobjid AND c.relkind = 'v'
	), needed AS (
		SELECT DISTINCT d.refclassid, d.refobjid FROM views AS v JOIN pg_rewrite AS w ON w.ev_class = v.view
		  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refobjid <> w.ev_class
	), owned AS (
		SELECT n.refclassid, n.refobjid, CASE n.refclassid
				WHEN 'pg_class'::regclass THEN (SELECT c.relowner FROM pg_class AS c WHERE c.oid = n.refobjid)
				WHEN 'pg_proc'::regclass THEN (SELECT f.proowner FROM pg_proc AS f WHERE f.oid = n.refobjid)
				WHEN 'pg_type'::regclass THEN (SELECT t.typowner FROM pg_type AS t WHERE t.oid = n.refobjid)
				WHEN 'pg_collation'::regclass THEN (SELECT l.collowner FROM pg_collation AS l WHERE l.oid = n.refobjid)
				WHEN 'pg_operator'::regclass
				THEN (SELECT f.proowner FROM pg_operator AS o JOIN pg_proc AS f ON f.oid = o.oprcode
					   WHERE o.oid = n.refobjid) END AS owner
		  FROM needed AS n
	), looked AS (
		SELECT v.view, e.* FROM views AS v CROSS JOIN LATERAL @extschema@._live_expressions(v.view) AS e
	)
	SELECT (SELECT array_agg(DISTINCT format('%I.%I', s.nspname, c.relname)) FROM needed AS n
			  JOIN pg_class AS c ON c.oid = n.refobjid AND c.relkind IN ('r', 'p', 'm', 'f')
			  JOIN pg_namespace AS s ON s.oid = c.relnamespace WHERE n.refclassid = 'pg_class'::regclass),
		   f.object, f.owner,
		   (SELECT min(u) FROM looked AS l CROSS JOIN LATERAL unnest(l.unsteady) AS u),
		   -- the source's copies are told apart by one
		   (SELECT min(l.view::regclass::text) FROM looked AS l WHERE l.windows > (l.view = probe)::int),
		   (SELECT min(l.view::regclass::text) FROM looked AS l WHERE l.recursive)
	  INTO tables, foreign_object, foreign_owner, unsteady, windows, recursive
	  FROM (VALUES (1)) AS one (n)
	  LEFT JOIN LATERAL (SELECT pg_describe_object(o.refclassid, o.refobjid, 0) AS object, r.rolname AS owner
						   FROM owned AS o JOIN pg_roles AS r ON r.oid = o.owner
						  WHERE r.rolname <> current_user AND NOT r.rolsuper
						  ORDER BY 1 LIMIT 1) AS f ON true;
	EXECUTE format('DROP VIEW %s', probe::regclass);
END
$$;
COMMENT ON FUNCTION @extschema@._ledger_probe(name, jsonb) IS
	'internal: what the query of a model that is live over several tables depends on';

-- The tables of live_on, checked. "known" has their names, where they have been looked
-- up before; else they mean what they mean to the caller.
CREATE FUNCTION @extschema@._ledger_tables(model name, caller jsonb, settings jsonb, known jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	probe		record;
	t			record;
	relation	regclass;
	name		text;
	a			record;
	tables		jsonb := '[]';
	seldom		text := ' Leave live_on out and schedule refresh_model.';
BEGIN
	SELECT * INTO probe FROM @extschema@._ledger_probe(model, settings);
	IF probe.foreign_object IS NOT NULL THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('live_on: the source depends on %s of role %I', probe.foreign_object, probe.foreign_owner),
			DETAIL = 'It is read with the rights of the model''s owner whenever somebody reads the model,'
				' and its owner can change what it runs.',
			HINT = format('Give it to %I, or copy what is needed.%s', current_user, seldom);
	END IF;
	IF probe.unsteady IS NOT NULL THEN
		PERFORM @extschema@._model_live_refuse_unsteady(probe.unsteady);
	END IF;
	IF probe.recursive IS NOT NULL OR probe.windows IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live_on: the source has %s', CASE WHEN probe.recursive IS NOT NULL THEN 'WITH RECURSIVE'
				ELSE 'a window function' END),
			DETAIL = 'An event is read again alone. What it is must not depend on rows of other events.',
			HINT = 'Where it is about rows of one event, write an aggregate, DISTINCT ON, or LATERAL with LIMIT 1.'
				|| seldom;
	END IF;
	FOR t IN SELECT k.relation AS given, k."column" FROM jsonb_to_recordset(known) AS k (relation text, "column" text)
			 UNION ALL
			 SELECT e.key, e.value FROM jsonb_each_text(settings -> 'live_on') AS e WHERE known IS NULL
			 ORDER BY 1 LOOP
		relation := NULL;
		BEGIN
			PERFORM set_config('search_path', left(CASE WHEN known IS NULL THEN caller ->> 'search_path'
				ELSE 'pg_catalog, pg_temp' END, 10000), true);
			relation := to_regclass(t.given);
			PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
		EXCEPTION WHEN syntax_error OR invalid_name OR feature_not_supported OR name_too_long
			OR invalid_parameter_value THEN
			NULL;
		END;
		IF relation IS NULL THEN
			RAISE undefined_table USING
				MESSAGE = format('live_on: relation "%s" does not exist', left(t.given, 100)),
				HINT = 'Give the names of the tables that the source reads, with their schemas:'
					' live_on => ''{"shop.orders": "id"}''.';
		END IF;
		PERFORM @extschema@._model_live_check_table(relation);
		-- what reads the source writes the ledger, in one statement
		IF EXISTS (SELECT 1 FROM @extschema@._citus_tables(ARRAY[relation::oid])) THEN
			RAISE feature_not_supported USING
				MESSAGE = format('live_on: %s is a local table that Citus manages', relation),
				DETAIL = 'Citus plans no statement that reads it and writes a ledger.',
				HINT = 'Leave live_on out and schedule refresh_model.';
		END IF;
		SELECT format('%I.%I', n.nspname, c.relname) INTO name
		  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation;
		IF name <> ALL (coalesce(probe.tables, '{}')) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('live_on: the source doesn''t read %s', name),
				HINT = format('The tables that it reads are: %s.', array_to_string(probe.tables, ', '));
		END IF;
		IF jsonb_path_exists(tables, '$[*] ? (@.relation == $name)', jsonb_build_object('name', name)) THEN
			RAISE duplicate_object USING MESSAGE = format('live_on names %s twice', name);
		END IF;
		SELECT format_type(c.atttypid, NULL) AS type, @extschema@._model_base_type(c.atttypid)
			   = ANY ('{int2,int4,int8,numeric,text,varchar,bpchar,uuid}'::regtype[]::oid[]) AS is_key
		  INTO a FROM pg_attribute AS c
		 WHERE c.attrelid = relation AND c.attname = t.column AND c.attnum > 0 AND NOT c.attisdropped;
		IF FOUND AND NOT a.is_key THEN
			RAISE datatype_mismatch USING
				MESSAGE = format('live_on: column "%s" of %s is of type %s', left(t.column, 100), name, a.type),
				DETAIL = 'Keys can be integers, numeric, text, varchar, char or uuid.',
				HINT = 'Name the column that is the event_key.';
		END IF;
		SELECT format_type(c.atttypid, NULL) AS type,
			   @extschema@._model_key_text(format('live_on: %s of %s', t.column, name), c.atttypid,
				c.attcollation) AS text, c.attgenerated = 'v' AS is_virtual
		  INTO a FROM pg_attribute AS c
		 WHERE c.attrelid = relation AND c.attname = t.column AND c.attnum > 0 AND NOT c.attisdropped;
		IF NOT FOUND THEN
			RAISE undefined_column USING
				MESSAGE = format('live_on: %s has no column "%s"', name, left(t.column, 100)),
				HINT = 'Name the column that is the event_key.';
		END IF;
		IF a.is_virtual THEN
			PERFORM @extschema@._model_live_refuse_virtual(format('live_on: %s', name), t.column, 'As key, name');
		END IF;
		tables := tables || jsonb_build_object('relation', name, 'column', t.column, 'type', a.type,
			'parts', @extschema@._model_live_parts(relation));
	END LOOP;
	RETURN tables;
END
$$;
COMMENT ON FUNCTION @extschema@._ledger_tables(name, jsonb, jsonb, jsonb) IS
	'internal: check that a source can be live over several tables; these tables';

-- The tables that the source reads, in views too, beside those of live_on.
CREATE FUNCTION @extschema@._ledger_others(settings jsonb)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE reads AS (
		SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name
		  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE format('%I.%I', n.nspname, c.relname) IN (SELECT jsonb_array_elements_text(settings -> 'source_reads'))
		UNION
		SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname)
		  FROM reads AS r JOIN pg_rewrite AS w ON w.ev_class = r.oid AND r.relkind = 'v'
		  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
		   AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.oid
		  JOIN pg_class AS c ON c.oid = d.refobjid JOIN pg_namespace AS n ON n.oid = c.relnamespace
	)
	SELECT string_agg(DISTINCT r.name, ', ') FROM reads AS r
	 WHERE r.relkind IN ('r', 'p', 'm', 'f')
	   AND r.name NOT IN (SELECT t.relation FROM jsonb_to_recordset(settings -> 'live_tables') AS t (relation text))
$$;
COMMENT ON FUNCTION @extschema@._ledger_others(jsonb) IS
	'internal: the tables that the source of a model reads beside those of live_on; NULL: none';

-- What is worth knowing of them, in lines: an index that is missing, tables whose
-- changes nobody sees.
CREATE FUNCTION @extschema@._ledger_lines(settings jsonb)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	others	text;
BEGIN
	IF NOT @extschema@._is_ledger(settings) THEN
		RETURN;
	END IF;
	RETURN QUERY SELECT 'note', format('no index of %s begins with %I: each look at an event reads the table;'
			' CREATE INDEX ON %1$s (%2$I);', t.relation, t.column)
		FROM jsonb_to_recordset(settings -> 'live_tables') AS t (relation text, "column" text)
		WHERE NOT EXISTS (SELECT 1 FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid
							 AND a.attnum = i.indkey[0]
						   WHERE i.indrelid = t.relation::regclass AND i.indisvalid AND i.indpred IS NULL
							 AND a.attname = t.column)
		ORDER BY t.relation;
	others := @extschema@._ledger_others(settings);
	IF others IS NOT NULL THEN
		RETURN QUERY VALUES ('note',
			format('the source also reads %s: what changes there alone is seen by refresh_model', others));
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._ledger_lines(jsonb) IS
	'internal: what is worth knowing of a model that is live over several tables, in lines';

-- The trigger function, the triggers, and what readers ask; and the tables, where the
-- model hasn't been live over several before.
CREATE FUNCTION @extschema@._make_ledger(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tables	text[] := ARRAY(SELECT t.relation
		FROM jsonb_to_recordset(settings -> 'live_tables') AS t (relation text) ORDER BY 1);
	one		text;
BEGIN
	PERFORM @extschema@._lock_relations(tables::regclass[]::oid[], 'SHARE ROW EXCLUSIVE', 1);
	IF to_regclass(format('%I.ledger', model)) IS NULL THEN
		PERFORM @extschema@._model_make_tables(model, 'ledger', settings ->> 'tenant' IS NOT NULL);
	END IF;
	PERFORM @extschema@._model_drop_triggers(model, tables::regclass[]::oid[], 'record_keys');
	PERFORM @extschema@._make_touched_rows(model, settings);
	EXECUTE format('CREATE OR REPLACE FUNCTION %I.record_keys() RETURNS trigger LANGUAGE customer_scoring_live'
		' SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L', model,
		jsonb_pretty(jsonb_build_object('model', model, 'on_error', settings -> 'on_error', 'time_zone', NULL,
			'tenants', settings ->> 'tenant' IS NOT NULL, 'enums', NULL,
			'keys', (SELECT jsonb_agg(jsonb_build_array((parse_ident(t.relation))[1], (parse_ident(t.relation))[2],
						 t.column) ORDER BY t.relation)
					   FROM jsonb_to_recordset(settings -> 'live_tables') AS t (relation text, "column" text)),
			'query', CASE WHEN settings ->> 'on_error' = 'raise' THEN
				format('SELECT 1 FROM @extschema@._rows_of_keys(%s, $1) AS r (event text, customer_key text,'
					' tenant text, customer_id text, contribution @extschema@.history)'
					' WHERE r.contribution IS NULL AND r.event = ANY ($1)',
					@extschema@._ledger_arguments(settings)) END)));
	EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.record_keys() FROM PUBLIC', model);
	EXECUTE format('COMMENT ON FUNCTION %I.record_keys() IS %L', model,
		'appends the keys of events that a statement touches to touched; SECURITY DEFINER,'
		' because those who write orders have no rights on the model');
	FOREACH one IN ARRAY tables LOOP
		PERFORM @extschema@._model_hang_triggers(model, one::regclass, 'record_keys', NULL);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._make_ledger(name, jsonb) IS
	'internal: make the triggers of a model that is live over several tables, and what its views need';

-- Are events the same when they are read alone? Where a column of live_on isn't the
-- key, or an event depends on others, they are not. The first and last by their keys
-- are looked at, a few of them one by one, while nobody writes the tables.
CREATE FUNCTION @extschema@._check_ledger(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	events	text[];
	few		text[];
	differ	text;
	n		bigint;
	bad		bigint := 0;
BEGIN
	IF NOT @extschema@._is_ledger(settings) THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT array_agg(DISTINCT u.event) FROM ((SELECT l.event FROM %1$I.ledger AS l ORDER BY l.event'
		' LIMIT 100) UNION ALL (SELECT l.event FROM %1$I.ledger AS l ORDER BY l.event DESC LIMIT 100)) AS u', model)
		INTO events;
	differ := @extschema@._fill($q$WITH {differing} SELECT count(*) FROM differing AS d WHERE {allowed}$q$,
		'differing', @extschema@._ledger_differing(model, settings, '$1', 'false'),
		'allowed', @extschema@._model_not_suppressed(model, 'd.new_key'));
	FOR few IN SELECT array_agg(u.event) FROM unnest(events) WITH ORDINALITY AS u (event, n)
				GROUP BY CASE WHEN least(u.n, cardinality(events) - u.n + 1) <= 10 THEN u.n END LOOP
		EXECUTE differ INTO n USING few;
		bad := bad + n;
	END LOOP;
	IF bad > 0 THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live_on: %s of %s events are others when they are read alone', bad, cardinality(events)),
			DETAIL = 'The source has other rows of them when each table has only rows whose column is their key.',
			HINT = 'Look whether each column of live_on is the event_key, and whether an event depends on'
				' rows of others.';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._check_ledger(name, jsonb) IS
	'internal: check that events of the source can be read alone';

-- The triggers of a model as its settings say, over one table or several; those of the
-- other kind go.
CREATE FUNCTION @extschema@._make_live_triggers(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF @extschema@._is_ledger(settings) THEN
		PERFORM @extschema@._model_drop_triggers(model, NULL, 'record_differences');
		PERFORM @extschema@._make_ledger(model, settings);
		EXECUTE format('UPDATE %I.configuration SET live_tables = $1 WHERE valid_until IS NULL', model)
			USING settings -> 'live_tables';
		RETURN;
	END IF;
	PERFORM @extschema@._model_drop_triggers(model, NULL, 'record_keys');
	PERFORM @extschema@._model_make_triggers(model, settings);
	IF to_regclass(format('%I.ledger', model)) IS NOT NULL THEN
		-- nobody keeps it up to date any more
		EXECUTE format('DELETE FROM %I.ledger', model);
		EXECUTE format('DELETE FROM %I.touched', model);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._make_live_triggers(name, jsonb) IS
	'internal: make the triggers of a live model, or drop those of one that is not';

-- What has to be found out about the source of a live model.
CREATE FUNCTION @extschema@._live_findings(model name, caller jsonb, settings jsonb, known jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF (settings ->> 'live')::boolean AND (settings ->> 'of_histories')::boolean THEN
		RAISE feature_not_supported USING
			MESSAGE = 'live: the source has histories, not orders',
			DETAIL = 'Triggers read the rows that a statement has changed as orders.',
			HINT = 'Leave live out and schedule refresh_model.';
	END IF;
	RETURN jsonb_build_object(
		'source_columns', CASE WHEN (settings ->> 'live')::boolean AND NOT @extschema@._is_ledger(settings)
			THEN @extschema@._model_live_columns(model, settings) END,
		'live_tables', CASE WHEN @extschema@._is_ledger(settings)
			THEN @extschema@._ledger_tables(model, caller, settings, known) END);
END
$$;
COMMENT ON FUNCTION @extschema@._live_findings(name, jsonb, jsonb, jsonb) IS
	'internal: what a live model reads of its source: columns of a table, or tables; or an error';

-- What of its tables a ledger doesn't see, from the catalogs; NULL: nothing. Readers ask
-- it by a view and need no right on the schema of the extension, which a body of plpgsql
-- would name.
CREATE FUNCTION @extschema@._ledger_problem(model text, live_tables jsonb)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.min(CASE WHEN @extschema@._model_missing(ARRAY[t.relation]) IS NOT NULL
				THEN pg_catalog.format('table %s is gone', t.relation)
				ELSE pg_catalog.regexp_replace(p.problem, '^the source', pg_catalog.format('table %s', t.relation)) END)
	  FROM pg_catalog.jsonb_to_recordset(CASE pg_catalog.jsonb_typeof(live_tables) WHEN 'array' THEN live_tables
				ELSE '[]' END)
		   AS t (relation text, "column" text, type text, parts text[])
	 CROSS JOIN LATERAL @extschema@._live_problem(model, t.relation,
		ARRAY[pg_catalog.format('%I %s', t.column, t.type)], t.parts, 'record_keys') AS p (problem);
END;
COMMENT ON FUNCTION @extschema@._ledger_problem(text, jsonb) IS
	'internal: what of its tables a model that is live over several does not see; NULL if it sees all';

-- The source of a live model before the model's tables: see _model_lock_source. To
-- read several tables they are locked too: a TRUNCATE that came between two looks
-- would show one of them more than the snapshot. True if the triggers have to be made
-- again.
CREATE FUNCTION @extschema@._lock_live_source(model name, settings jsonb, mode text DEFAULT NULL)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tables	text[];
BEGIN
	IF NOT @extschema@._is_ledger(settings) THEN
		RETURN @extschema@._model_lock_source(model, settings, mode);
	END IF;
	IF mode = 'triggers' AND @extschema@._ledger_problem(model, settings -> 'live_tables') IS NULL THEN
		mode := NULL;
	END IF;
	-- of what is gone or belongs to somebody else now the caller is told later
	tables := ARRAY(SELECT t.relation FROM jsonb_to_recordset(settings -> 'live_tables') AS t (relation text)
					 WHERE CASE WHEN @extschema@._model_missing(ARRAY[t.relation]) IS NULL
						   THEN has_table_privilege(t.relation,
								CASE WHEN mode IS NULL THEN 'SELECT' ELSE 'UPDATE' END) END
					 ORDER BY 1);
	PERFORM @extschema@._lock_relations(tables::regclass[]::oid[], CASE WHEN mode IS NULL THEN 'ACCESS SHARE'
		WHEN mode = 'triggers' THEN 'SHARE ROW EXCLUSIVE' ELSE mode END, 1);
	RETURN mode IS NOT NULL;
END
$$;
COMMENT ON FUNCTION @extschema@._lock_live_source(name, jsonb, text) IS
	'internal: lock the source of a live model, one table or several, before the model''s tables';
