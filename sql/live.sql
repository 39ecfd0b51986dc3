--
-- Layer 4: live models. Statement triggers on the source append what each
-- statement changes, one difference per customer, to the table pending; readers
-- add it to customer_histories, apply_changes folds it in.
--
-- A trigger only ever appends: it locks no customer, waits for nobody, and
-- reads nothing but its own transition tables.
--

-- What the live model stands on, checked once: the root of the source, whose
-- owner is the model's, and columns of built-in types. Returns the columns.
CREATE FUNCTION @extschema@.model_live_columns(model name, settings jsonb)
	RETURNS text[]
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relation	regclass := settings ->> 'source_relation';
	c			record;
	columns		text[];
	foreign_object text;
	distributed	boolean;
	tree		text;
	unsteady	text;
	state		text;
	message		text;
BEGIN
	IF relation IS NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = 'live: a query can''t carry triggers',
			HINT = 'Name the table, and give customer, day, value and counts as expressions over its columns; or leave live out and schedule refresh_model.';
	END IF;
	SELECT * INTO c FROM pg_class WHERE oid = relation;
	IF c.relkind NOT IN ('r', 'p') THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s is no table', relation),
			HINT = 'Views and foreign tables carry no triggers: leave live out and schedule refresh_model.';
	END IF;
	IF c.relispartition OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relation) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s is a part of another table', relation),
			DETAIL = 'Statements on that table would not be seen.',
			HINT = 'Name the whole table as source.';
	END IF;
	IF c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = relation) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: other tables inherit from %s', relation),
			HINT = 'Leave live out and schedule refresh_model, or make it a partitioned table.';
	END IF;
	IF c.relpersistence = 't' OR EXISTS (SELECT FROM pg_partition_tree(relation) AS t JOIN pg_class AS p ON p.oid = t.relid WHERE p.relkind = 'f') THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s has parts that carry no triggers', relation),
			HINT = 'Leave live out and schedule refresh_model.';
	END IF;
	IF EXISTS (SELECT FROM pg_subscription_rel AS s WHERE s.srrelid = relation OR s.srrelid IN (SELECT t.relid FROM pg_partition_tree(relation) AS t)) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s is filled by logical replication', relation),
			DETAIL = 'Rows that are replicated fire no statement triggers.',
			HINT = 'Leave live out and schedule refresh_model, or make the model where the rows come from.';
	END IF;
	IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
		EXECUTE 'SELECT EXISTS (SELECT FROM pg_catalog.pg_dist_partition AS d WHERE d.logicalrelid = $1)' INTO distributed USING relation;
		IF distributed THEN
			RAISE feature_not_supported USING
				MESSAGE = format('live: %s is a Citus table', relation),
				DETAIL = 'Its rows are written on other servers, where these triggers don''t fire.',
				HINT = 'Leave live out and schedule refresh_model.';
		END IF;
	END IF;
	IF pg_get_userbyid(c.relowner) <> current_user THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('live: %s belongs to role %I', relation, pg_get_userbyid(c.relowner)),
			DETAIL = 'The trigger runs with the rights of the model''s owner, over columns that the source''s owner can change.',
			HINT = format('SET ROLE %I; and make the model again.', pg_get_userbyid(c.relowner));
	END IF;
	IF row_security_active(relation) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: row-level security hides rows of %s from its owner', relation),
			DETAIL = 'Triggers would see them, refresh_model would not.',
			HINT = format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, or leave live out and schedule refresh_model.', relation);
	END IF;
	-- The server knows what an expression depends on; what is built in doesn't count.
	BEGIN
		EXECUTE format('CREATE VIEW %I.source_probe AS %s', model, settings ->> 'source_query');
	EXCEPTION WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name
			OR ambiguous_column OR datatype_mismatch OR cannot_coerce OR wrong_object_type THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@.model_raise_unreadable(model, state, message);
	END;
	SELECT array_agg(DISTINCT format('%I %s', a.attname, format_type(a.atttypid, NULL))) FILTER (WHERE a.attname IS NOT NULL),
		   min(pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)) FILTER (WHERE a.attname IS NULL OR t.typnamespace <> 'pg_catalog'::regnamespace),
		   min(w.ev_action::text)
	  INTO columns, foreign_object, tree
	  FROM pg_rewrite AS w
	  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refobjid <> w.ev_class AND d.deptype = 'n'
	  LEFT JOIN pg_attribute AS a ON d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND a.attrelid = relation AND a.attnum = d.refobjsubid AND a.attnum > 0
	  LEFT JOIN pg_type AS t ON t.oid = a.atttypid
	 WHERE w.ev_class = format('%I.source_probe', model)::regclass
	   AND NOT (d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.refobjsubid = 0);
	EXECUTE format('DROP VIEW %I.source_probe', model);
	IF foreign_object IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: the source''s columns depend on %s', foreign_object),
			DETAIL = 'Whoever may change that could make the shop''s statements fail.',
			HINT = 'Use columns of built-in types, and functions of PostgreSQL''s own; a generated column can hold the rest.';
	END IF;
	-- A trigger sees the rows of one statement: no others, and no row as a whole,
	-- whose text is that of columns that nobody has looked at.
	IF tree ~ ':hasSubLinks true' OR tree ~ '\{VAR :varno \d+ :varattno 0 ' THEN
		RAISE feature_not_supported USING
			MESSAGE = 'live: customer, day, value, counts and tenant must be expressions over single columns of their own row',
			HINT = 'Leave out subqueries and whole rows; or leave live out and schedule refresh_model.';
	END IF;
	-- Who writes orders may have any TimeZone and DateStyle: a row must mean the
	-- same to him, to whoever deletes it, and to refresh_model.
	SELECT min(x.what) INTO unsteady
	  FROM (SELECT p.oid::regprocedure::text AS what FROM regexp_matches(tree, ':(?:funcid|opfuncid) (\d+)', 'g') AS m
			  JOIN pg_proc AS p ON p.oid = m[1]::oid WHERE p.provolatile <> 'i'
			UNION ALL
			SELECT format('text as %s', format_type(t.oid, NULL)) FROM regexp_matches(tree, ' :resulttype (\d+)', 'g') AS m
			  JOIN pg_type AS t ON t.oid = m[1]::oid JOIN pg_proc AS p ON p.oid = t.typinput
			 WHERE p.provolatile <> 'i' AND tree ~ '\{COERCEVIAIO '
			UNION ALL
			SELECT format('%s as text', format_type(t.oid, NULL))
			  FROM regexp_matches(tree, '\{COERCEVIAIO :arg \{.*?:(?:vartype|consttype|funcresulttype|opresulttype|casetype|coalescetype) (\d+) ', 'g') AS m
			  JOIN pg_type AS t ON t.oid = m[1]::oid JOIN pg_proc AS p ON p.oid = t.typoutput WHERE p.provolatile <> 'i'
			UNION ALL
			SELECT 'the time of the statement or its user' WHERE tree ~ '\{SQLVALUEFUNCTION ') AS x;
	IF unsteady IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: the source''s columns depend on settings of the session: %s', unsteady),
			DETAIL = 'The same row would mean one thing to who writes it and another to who deletes or rereads it.',
			HINT = 'Of a timestamptz give the column itself as day, and time_zone; elsewhere use immutable functions.';
	END IF;
	RETURN columns;
END
$$;
COMMENT ON FUNCTION @extschema@.model_live_columns(name, jsonb) IS 'internal: check that a source can be live; the columns that the model reads';

CREATE FUNCTION @extschema@.owned_by_current_user(relation oid)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'owned_by_current_user'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.owned_by_current_user(oid) IS 'internal: is the current user, himself, the owner of a relation? NULL if there is none';

CREATE FUNCTION @extschema@.live_root(relation oid, trigger name)
	RETURNS oid
	AS 'MODULE_PATHNAME', 'live_root'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.live_root(oid, name) IS
	'internal: the partitioned source of the live model that has this trigger on a partition; NULL if it is no partition of it any more';

-- The source's columns of the rows in a transition table: a query, and over its
-- result "r" the day, and ", r.counts" where there is one.
CREATE FUNCTION @extschema@.model_live_source(settings jsonb, transition_table text, OUT query text, OUT day text, OUT counts text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tail	text := format('FROM %s source', settings ->> 'source_relation');
BEGIN
	query := settings ->> 'source_query';
	IF right(query, length(tail)) <> tail THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = format('the source query doesn''t end in "%s"', tail);
	END IF;
	query := left(query, -length(tail)) || format('FROM %I source', transition_table);
	day := CASE WHEN (settings ->> 'day_is_moment')::boolean THEN format('(r.day AT TIME ZONE %L)::date', settings ->> 'time_zone') ELSE 'r.day::date' END;
	counts := CASE WHEN settings ->> 'counts' IS NULL AND query !~ 'AS counts' THEN '' ELSE ', r.counts' END;
END
$$;
COMMENT ON FUNCTION @extschema@.model_live_source(jsonb, text) IS 'internal: the columns of the source, of the rows in a transition table';

-- What a transition table says of each customer: the history of its rows, and
-- how many of them can't be scored.
CREATE FUNCTION @extschema@.model_live_rows(settings jsonb, transition_table text, sign text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	lenient	boolean := settings ->> 'on_error' = 'reject';
	s		record;
BEGIN
	SELECT * INTO s FROM @extschema@.model_live_source(settings, transition_table);
	RETURN format($q$
		SELECT r.customer, %1$s@extschema@.history_agg(r.day, r.value%2$s)%3$s AS difference, %4$s AS rejected
		  FROM (SELECT r.customer, %5$s AS day, r.value%6$s, %7$s AS scorable
				  FROM (%8$s) AS r
				 WHERE r.customer IS NOT NULL AND r.day IS NOT NULL AND r.value IS NOT NULL) AS r
		 GROUP BY r.customer$q$,
		CASE WHEN sign = '-' THEN 'OPERATOR(@extschema@.-) ' ELSE '' END,
		s.counts,
		CASE WHEN lenient THEN ' FILTER (WHERE r.scorable)' ELSE '' END,
		CASE WHEN lenient THEN sign || 'count(*) FILTER (WHERE NOT r.scorable)' ELSE '0::bigint' END,
		s.day,
		s.counts,
		CASE WHEN lenient THEN format('@extschema@.is_scorable(%s, r.value)', s.day) ELSE 'true' END,
		s.query);
END
$$;
COMMENT ON FUNCTION @extschema@.model_live_rows(jsonb, text, text) IS 'internal: the query over a transition table of the source';

-- The partitions of a source, by name: OIDs would not survive a restore.
CREATE FUNCTION @extschema@.model_live_parts(root oid)
	RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.array_agg(pg_catalog.format('%I.%I', n.nspname, c.relname) ORDER BY n.nspname, c.relname)
	  FROM pg_catalog.pg_partition_tree(root) AS t
	  JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
	  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
	 WHERE t.level > 0;
END;
COMMENT ON FUNCTION @extschema@.model_live_parts(oid) IS 'internal: the partitions of a table by qualified name; NULL if there are none';

-- The trigger function and the triggers, anew.
CREATE FUNCTION @extschema@.model_make_triggers(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	lenient		boolean := settings ->> 'on_error' = 'reject';
	root		regclass := settings ->> 'source_relation';
	value_type	regtype;
	fresh		record;
	stale		record;
	single		text := '';
	gather		text;
	columns		text;
	body		text;
	part		record;
	event		record;
BEGIN
	PERFORM @extschema@.model_drop_triggers(model);
	IF NOT coalesce((settings ->> 'live')::boolean, false) THEN
		RETURN;
	END IF;
	-- What is written while the source is read must not be missed.
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', root);
	-- The keys are made text once per customer, not per row.
	gather := format($q$
			SELECT array_agg(%1$s) FILTER (WHERE d.difference OPERATOR(@extschema@.<>) '{}'),
				   array_agg(d.difference) FILTER (WHERE d.difference OPERATOR(@extschema@.<>) '{}'),%2$s
				   coalesce(sum(d.rejected), 0)
			  INTO keys, differences, %3$s rejected
			  FROM (%%s) AS d;$q$,
		@extschema@.model_source_key(settings, 'd.customer'),
		CASE WHEN tenanted THEN $q$
				   array_agg(d.customer[1]) FILTER (WHERE d.difference OPERATOR(@extschema@.<>) '{}'),
				   array_agg(d.customer[2]) FILTER (WHERE d.difference OPERATOR(@extschema@.<>) '{}'),$q$ ELSE '' END,
		CASE WHEN tenanted THEN 'tenants, ids,' ELSE '' END);
	-- Most statements write one row: no aggregate for it, no arrays. Many updates
	-- change nothing that the model reads. A value that isn't exact as numeric is
	-- left to history_agg.
	SELECT * INTO fresh FROM @extschema@.model_live_source(settings, 'new_rows');
	SELECT * INTO stale FROM @extschema@.model_live_source(settings, 'old_rows');
	EXECUTE format('SELECT pg_typeof((SELECT r.value FROM (%s) AS r WHERE false))', settings ->> 'source_query') INTO value_type;
	IF @extschema@.model_base_type(value_type) = ANY ('{numeric,int8,int4,int2}'::regtype[]::oid[]) THEN
		SELECT string_agg(format($q$%1$s TG_OP = '%2$s' THEN
			SELECT %3$s, %4$s, r.value%5$s, EXISTS (SELECT FROM %6$s OFFSET 1)
			  INTO one_key%7$s, one_day, one_value%8$s, more
			  FROM (%9$s) AS r
			 WHERE r.customer IS NOT NULL AND r.day IS NOT NULL AND r.value IS NOT NULL;
			IF NOT more THEN
				%10$s
			END IF;
		$q$, o.keyword, o.operation,
			@extschema@.model_source_key(settings, 'r.customer') || CASE WHEN tenanted THEN ', r.customer[1], r.customer[2]' ELSE '' END,
			o.day, o.counts, o.rows, CASE WHEN tenanted THEN ', one_tenant, one_id' ELSE '' END, replace(o.counts, 'r.', 'one_'), o.query,
			format(CASE WHEN lenient THEN $q$IF @extschema@.is_scorable(one_day, one_value) THEN
					%1$s
				ELSE
					rejected := %2$s1;
				END IF;$q$ ELSE '%1$s' END,
				format('one_difference := %s@extschema@.history(one_day, one_value%s);', CASE o.sign WHEN '-' THEN 'OPERATOR(@extschema@.-) ' ELSE '' END,
					replace(o.counts, 'r.', 'one_')), o.sign)), '' ORDER BY o.operation DESC) INTO single
		  FROM (VALUES ('IF', 'INSERT', 'new_rows', fresh.query, fresh.day, fresh.counts, ''),
					   ('ELSIF', 'DELETE', 'old_rows', stale.query, stale.day, stale.counts, '-')) AS o (keyword, operation, rows, query, day, counts, sign);
	END IF;
	single := single || format($q$%1$s TG_OP = 'UPDATE' THEN
			SELECT (n.customer, n.day, n.value%2$s) IS DISTINCT FROM (o.customer, o.day, o.value%3$s) OR EXISTS (SELECT FROM new_rows OFFSET 1)
			  INTO more
			  FROM (%4$s) AS n, (%5$s) AS o LIMIT 1;
		END IF;$q$, CASE single WHEN '' THEN 'IF' ELSE 'ELSIF' END, replace(fresh.counts, 'r.', 'n.'), replace(stale.counts, 'r.', 'o.'), fresh.query, stale.query);
	columns := CASE WHEN tenanted THEN 'customer_key, tenant, customer_id, difference' ELSE 'customer_key, tenant, difference' END;
	body := format($q$
#variable_conflict use_column
DECLARE
	more		boolean := true;
	one_key		text;%17$s
	one_day		date;
	one_value	numeric;%16$s
	one_difference	@extschema@.history;
	keys		text[];
	differences	@extschema@.history[];%10$s
	rejected	bigint := 0;
	root		oid := TG_RELID;
	state		text;
BEGIN
	IF TG_NARGS > 0 THEN
		-- a statement straight into a partition, which may have been detached since
		root := @extschema@.live_root(TG_RELID, TG_NAME);
		IF root IS NULL THEN
			-- it may come back
			INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'a detached partition was written', 0, true);
			RETURN NULL;
		END IF;
	END IF;
	IF TG_OP = 'TRUNCATE' THEN
		IF TG_NARGS = 0 THEN
			TRUNCATE %1$I.customer_histories, %1$I.pending, %1$I.rejects;
		ELSIF pg_relation_size(%13$L) + pg_relation_size(%14$L) > 0 THEN
			-- not that of the root, which comes here after it has emptied these tables
			INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'a partition was truncated', 0, true);
		END IF;
		RETURN NULL;
	END IF;
	-- Who has been given the source could give its columns types with functions of
	-- his own, and would have them run here.
	IF NOT @extschema@.owned_by_current_user(root) THEN
		%12$s
	END IF;
	%2$s
		%15$s
		IF more THEN
			IF TG_OP = 'INSERT' THEN
				%3$s
			ELSIF TG_OP = 'DELETE' THEN
				%4$s
			ELSE
				%5$s
			END IF;
		END IF;
	%6$s
	IF rejected <> 0 THEN
		INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'unconvertible', rejected, false);
	END IF;
	IF one_difference OPERATOR(@extschema@.<>) '{}' THEN
		INSERT INTO %1$I.pending (%7$s) VALUES (one_key, %18$s, one_difference);
	ELSIF cardinality(keys) = 1 THEN
		INSERT INTO %1$I.pending (%7$s) VALUES (keys[1], %8$s, differences[1]);
	ELSIF keys IS NOT NULL THEN
		INSERT INTO %1$I.pending (%7$s) SELECT u.key, %9$s, u.difference FROM unnest(%11$s);
	END IF;
	RETURN NULL;
END$q$, model,
		-- This block writes nothing: it costs the transaction no number of its own.
		CASE WHEN lenient THEN 'BEGIN' ELSE '' END,
		format(gather, @extschema@.model_live_rows(settings, 'new_rows', '+')),
		format(gather, @extschema@.model_live_rows(settings, 'old_rows', '-')),
		format(gather, format('SELECT u.customer, @extschema@.sum(u.difference) AS difference, sum(u.rejected) AS rejected FROM (%s UNION ALL %s) AS u GROUP BY u.customer',
			@extschema@.model_live_rows(settings, 'new_rows', '+'), @extschema@.model_live_rows(settings, 'old_rows', '-'))),
		CASE WHEN lenient THEN format($q$EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
		-- For every statement: a row that is there may be gone when this statement is
		-- committed, by a refresh that has not seen it. apply_changes makes them few.
		INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'error ' || state, 0, true);
		RETURN NULL;
	END;$q$, model) ELSE '' END,
		columns, CASE WHEN tenanted THEN 'tenants[1], ids[1]' ELSE '''''' END, CASE WHEN tenanted THEN 'u.tenant, u.id' ELSE '''''' END,
		CASE WHEN tenanted THEN E'\n\ttenants\t\ttext[];\n\tids\t\t\ttext[];' ELSE '' END,
		CASE WHEN tenanted THEN 'keys, tenants, ids, differences) AS u (key, tenant, id, difference' ELSE 'keys, differences) AS u (key, difference' END,
		CASE WHEN lenient THEN format($q$INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'the source belongs to another role', 0, true);
		RETURN NULL;$q$, model) ELSE format($q$RAISE insufficient_privilege USING
			MESSAGE = format('model %%s is live, but its source belongs to another role', %L),
			HINT = 'DROP TRIGGER, or ask the owner of the model to alter it: live => false.';$q$, model) END,
		format('%I.customer_histories', model), format('%I.pending', model), single,
		CASE fresh.counts WHEN '' THEN '' ELSE E'\n\tone_counts\tboolean;' END,
		CASE WHEN tenanted THEN E'\n\tone_tenant\ttext;\n\tone_id\t\ttext;' ELSE '' END,
		CASE WHEN tenanted THEN 'one_tenant, one_id' ELSE '''''' END);
	EXECUTE format('CREATE FUNCTION %I.record_differences() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER'
		' SET search_path = pg_catalog, pg_temp AS %L', model, body);
	EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.record_differences() FROM PUBLIC', model);
	EXECUTE format('COMMENT ON FUNCTION %I.record_differences() IS %L', model,
		'appends what a statement on the source changes to pending; SECURITY DEFINER, because whoever writes orders has no rights on the model');
	EXECUTE format('UPDATE %I.configuration SET source_parts = $1 WHERE valid_until IS NULL', model)
		USING @extschema@.model_live_parts(root);
	FOR part IN SELECT t.relid, t.level FROM pg_partition_tree(root) AS t
				UNION ALL SELECT root, 0 WHERE NOT EXISTS (SELECT FROM pg_partition_tree(root)) LOOP
		FOR event IN SELECT * FROM (VALUES ('INSERT', 'REFERENCING NEW TABLE AS new_rows'), ('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
				('UPDATE', 'REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows'), ('TRUNCATE', '')) AS v (name, referencing) LOOP
			EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %I.record_differences(%s)',
				format('scoring_%s_%s', lower(event.name), model), event.name, part.relid::regclass, event.referencing, model,
				CASE WHEN part.level > 0 THEN '''part''' ELSE '' END);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.model_make_triggers(name, jsonb) IS 'internal: make the triggers of a live model';

CREATE FUNCTION @extschema@.model_drop_triggers(model name)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning		-- not a line for every trigger
	AS $$
DECLARE
	trigger_function regprocedure := to_regprocedure(format('%I.record_differences()', model));
	t	record;
BEGIN
	IF trigger_function IS NULL THEN
		RETURN;
	END IF;
	-- The source first, as its writers do, who then want pending; and from the
	-- root down: else they and we could wait for each other.
	FOR t IN SELECT g.tgrelid::regclass AS relation FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
			  WHERE g.tgfoid = trigger_function AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'UPDATE')
			  GROUP BY g.tgrelid ORDER BY min(g.tgnargs), g.tgrelid LOOP
		EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', t.relation);
	END LOOP;
	-- with the triggers, whoever owns the source by now
	EXECUTE format('DROP FUNCTION %I.record_differences() CASCADE', model);
END
$$;
COMMENT ON FUNCTION @extschema@.model_drop_triggers(name) IS 'internal: drop the triggers of a live model';

-- What of the source a live model doesn't see, from the catalogs; NULL: nothing.
CREATE FUNCTION @extschema@.live_problem(model text, source_relation text, source_columns text[], source_parts text[])
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	root		regclass;
	parts		text[];
	missing		regclass;
	changed		text;
	owner		name;
BEGIN
	IF octet_length(source_relation) > 1000 THEN
		RETURN NULL;		-- no name of a relation; to take it apart would last
	END IF;
	-- from the catalogs: whoever reads model_status may have no rights on the schema
	SELECT c.oid, pg_get_userbyid(c.relowner) INTO root, owner FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
	 WHERE n.nspname = (parse_ident(source_relation))[1] AND c.relname = (parse_ident(source_relation))[2];
	IF root IS NULL THEN
		RETURN NULL;
	END IF;
	IF owner <> (SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace AS n WHERE n.nspname = model) THEN
		RETURN 'the source belongs to another role';
	END IF;
	-- a partition that has left took its rows with it
	parts := ARRAY(SELECT format('%I.%I', n.nspname, c.relname) FROM pg_partition_tree(root) AS t
					 JOIN pg_class AS c ON c.oid = t.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE t.level > 0);
	changed := (SELECT min(p) FROM unnest(source_parts) AS p WHERE p <> ALL (parts));
	IF changed IS NOT NULL THEN
		RETURN format('partition %s has been detached, dropped or renamed', changed);
	END IF;
	changed := (SELECT min(p) FROM unnest(parts) AS p WHERE p <> ALL (coalesce(source_parts, '{}')));
	IF changed IS NOT NULL THEN
		RETURN format('partition %s has been attached', changed);
	END IF;
	SELECT p.relid INTO missing
	  FROM (SELECT t.relid::oid AS relid FROM pg_partition_tree(root) AS t UNION SELECT root::oid) AS p
	 WHERE (SELECT count(*) FROM pg_trigger AS g
			 WHERE g.tgrelid = p.relid AND g.tgenabled IN ('O', 'A') AND g.tgfoid = to_regprocedure(format('%I.record_differences()', model))) < 4
	 ORDER BY p.relid::regclass::text LIMIT 1;
	IF missing IS NOT NULL THEN
		RETURN format('table %s lacks enabled triggers of the model', missing);
	END IF;
	IF EXISTS (SELECT FROM pg_subscription_rel AS s WHERE s.srrelid = root OR s.srrelid IN (SELECT t.relid FROM pg_partition_tree(root) AS t)) THEN
		RETURN format('table %s is filled by logical replication', root);
	END IF;
	SELECT min(c) INTO changed FROM unnest(source_columns) AS c
	 WHERE c NOT IN (SELECT format('%I %s', a.attname, format_type(a.atttypid, NULL)) FROM pg_attribute AS a
					  WHERE a.attrelid = root AND a.attnum > 0 AND NOT a.attisdropped);
	IF changed IS NOT NULL THEN
		RETURN format('the source has no column %s any more', changed);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.live_problem(text, text, text[], text[]) IS
	'what of its source a live model does not see: missing or disabled triggers, changed columns, detached partitions; NULL if it sees all';

-- Pending differences folded into the histories. Those that others are just
-- writing are not visible here, and stay.
CREATE FUNCTION @extschema@.apply_changes(model text, wait boolean DEFAULT true)
	RETURNS TABLE (status text, differences bigint, customers bigint, seconds float8)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
	settings	jsonb;
	begun		timestamptz := clock_timestamp();
	emptied		text[];
BEGIN
	IF NOT @extschema@.model_lock(home, wait) THEN
		status := 'skipped';
		RETURN NEXT;
		RETURN;
	END IF;
	settings := @extschema@.model_settings(home);
	-- in the order in which a TRUNCATE of the source does, and readers do
	EXECUTE format('LOCK TABLE %1$I.customer_histories, %1$I.pending, %1$I.rejects IN ROW EXCLUSIVE MODE', home);
	EXECUTE format($q$
		WITH taken AS (
			DELETE FROM %1$I.pending RETURNING *
		), summed AS MATERIALIZED (
			-- whoever has been merged into another customer goes by the name of that one
			SELECT coalesce(m.root_key, t.customer_key) AS customer_key, min(t.tenant) AS tenant, %2$s @extschema@.try_sum(t.difference) AS difference, count(*) AS n
			  FROM taken AS t LEFT JOIN %1$I.merged_customers AS m ON m.customer_key = t.customer_key GROUP BY 1
		), added AS MATERIALIZED (
			SELECT s.*, %5$s AS history
			  FROM summed AS s LEFT JOIN %1$I.customer_histories AS h ON h.customer_key = s.customer_key
			 -- of whoever has been erased nothing is kept
			 WHERE %6$s%7$s
		), written AS (
			INSERT INTO %1$I.customer_histories AS h (tenant, customer_key, %3$s history)
			SELECT a.tenant, a.customer_key, %4$s a.history FROM added AS a
			 WHERE a.history IS NOT NULL AND a.difference OPERATOR(@extschema@.<>) '{}' ORDER BY a.customer_key
			ON CONFLICT (customer_key) DO UPDATE SET history = EXCLUDED.history
		), kept AS (
			-- a total beyond all limits: stays pending, and out of the views
			INSERT INTO %1$I.pending SELECT t.* FROM taken AS t LEFT JOIN %1$I.merged_customers AS m ON m.customer_key = t.customer_key
			  JOIN added AS a ON a.customer_key = coalesce(m.root_key, t.customer_key) WHERE a.history IS NULL
		), flagged AS (
			INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild)
			SELECT 'APPLY', 'total too large', count(*), true FROM added AS a WHERE a.history IS NULL
			HAVING count(*) > 0 AND NOT EXISTS (SELECT FROM %1$I.rejects AS r WHERE r.reason = 'total too large')
		)
		SELECT coalesce(sum(a.n) FILTER (WHERE a.history IS NOT NULL), 0), count(a.history),
			   array_agg(a.customer_key) FILTER (WHERE a.history OPERATOR(@extschema@.=) '{}') FROM added AS a$q$, home,
		CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE 'min(coalesce(m.root_id, t.customer_id)) AS customer_id,' END,
		CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE 'customer_id,' END,
		CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE 'a.customer_id,' END,
		@extschema@.model_kept_days(home, settings,
			'CASE WHEN h.history IS NULL THEN s.difference ELSE @extschema@.try_add(h.history, s.difference) END'),
		@extschema@.model_not_suppressed(home, 's.customer_key'),
		CASE WHEN settings ->> 'retention_days' IS NULL THEN '' ELSE
			format(' AND (h.history IS NOT NULL OR %s)', @extschema@.model_kept(home, settings, 's.difference')) END)
		INTO differences, customers, emptied;
	IF emptied IS NOT NULL THEN
		EXECUTE format('DELETE FROM %I.customer_histories WHERE customer_key = ANY ($1)', home) USING emptied;
	END IF;
	-- A broken source leaves a row for every statement: one of a kind is enough.
	EXECUTE format($q$
		WITH taken AS (
			DELETE FROM %1$I.rejects AS r
			 WHERE (SELECT count(*) FROM %1$I.rejects) > (SELECT count(DISTINCT (o.operation, o.reason)) FROM %1$I.rejects AS o) RETURNING *
		)
		INSERT INTO %1$I.rejects (rejected_at, operation, reason, affected, needs_rebuild)
		SELECT max(t.rejected_at), t.operation, t.reason, sum(t.affected), t.needs_rebuild
		  FROM taken AS t GROUP BY t.operation, t.reason, t.needs_rebuild$q$, home);
	PERFORM @extschema@.model_write_thresholds(home, settings, NULL);
	status := 'applied';
	seconds := extract(epoch FROM clock_timestamp() - begun);
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.apply_changes(text, boolean) IS
	'fold the pending differences of a live model into its histories: schedule it every few minutes; changes no answer, only how fast it comes';
