--
-- Layer 4: live models. Statement triggers on the source append what each
-- statement changes, one difference per customer, to the table pending; readers
-- add it to customer_histories, apply_changes folds it in.
--
-- A trigger only ever appends: it locks no customer, waits for nobody, and
-- reads nothing but its own transition tables.
--

CREATE FUNCTION @extschema@._is_own_enum(schema name, type name)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'is_own_enum'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._is_own_enum(name, name) IS 'internal: is this type an enum that belongs to the current user?';

CREATE FUNCTION @extschema@._live_parts_have_triggers(relation oid, trigger name)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'live_parts_have_triggers'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._live_parts_have_triggers(oid, name) IS
	'internal: do all partitions below a table have this trigger of a live model?';

-- The rows of a transition table, or of the source itself (NULL), that have a
-- customer, a day and a value, and whether a model keeps them. With on_error =>
-- 'raise' a new row that it would not keep is an error. An old one never is, so
-- that it can be deleted or corrected.
CREATE FUNCTION @extschema@._model_live_events(settings jsonb, transition_table text, sign text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	s	record;
BEGIN
	SELECT * INTO s FROM @extschema@._model_live_source(settings, transition_table);
	RETURN format(CASE WHEN settings ->> 'on_error' = 'raise' AND sign = '+' THEN $q$
		SELECT r.customer, %1$s AS day, r.value%2$s,
			   CASE WHEN @extschema@._is_scorable(%1$s, r.value) AND octet_length(%4$s) <= 1000 THEN true
					ELSE @extschema@._raise_unscorable(%1$s, r.value::numeric) END AS scorable
		  FROM (%3$s) AS r WHERE r.customer IS NOT NULL AND r.day IS NOT NULL AND r.value IS NOT NULL$q$ ELSE $q$
		SELECT r.customer, %1$s AS day, r.value%2$s, @extschema@._is_scorable(%1$s, r.value) AS scorable
		  FROM (%3$s) AS r WHERE r.customer IS NOT NULL AND r.day IS NOT NULL AND r.value IS NOT NULL$q$ END,
		s.day, s.counts, s.query, @extschema@._model_source_key(settings, 'r.customer'));
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_events(jsonb, text, text) IS 'internal: the query over a transition table of the source';

-- Customers with a total too large for a history are left out of a live model.
-- Their rows are pending all the same, in pieces that fit: then differences that
-- come later add to them, and the customers are back as soon as the total fits. A
-- piece is a row, or up to 9,000 of at most a million, which are below 2^63 units
-- of 10^-9.
CREATE FUNCTION @extschema@._model_live_pieces(model name, settings jsonb, too_large text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	counts		text;
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
BEGIN
	SELECT s.counts INTO counts FROM @extschema@._model_live_source(settings, NULL) AS s;
	RETURN format($q$
		INSERT INTO %1$I.pending (customer_key, tenant, %2$s difference)
		SELECT p.key, %3$s @extschema@.history_agg(p.day, p.value%4$s)
		  FROM (SELECT r.*, CASE WHEN abs(r.value) <= 1000000 THEN row_number() OVER w / 9000 ELSE - row_number() OVER w END AS piece
				  FROM (SELECT %5$s AS key, r.* FROM (%6$s) AS r WHERE r.scorable) AS r
				  LEFT JOIN %1$I.merged_customers AS m ON m.customer_key = r.key
				 WHERE EXISTS (%7$s) AND coalesce(m.root_key, r.key) IN (%7$s)
				WINDOW w AS (PARTITION BY r.key)) AS p
		 GROUP BY p.key, p.customer, p.piece$q$, model,
		CASE WHEN tenanted THEN 'customer_id,' ELSE '' END, CASE WHEN tenanted THEN 'p.customer[1], p.customer[2],' ELSE ''''',' END,
		replace(counts, 'r.', 'p.'), @extschema@._model_source_key(settings, 'r.customer'),
		@extschema@._model_live_events(settings, NULL, '-'), too_large);
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_pieces(name, jsonb, text) IS 'internal: the statement that keeps in pending what fits no history';

-- The enums among the columns that a live model reads.
CREATE FUNCTION @extschema@._model_live_enums(relation oid, columns text[])
	RETURNS SETOF oid
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY SELECT t.oid
	  FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid AND t.typtype = 'e'
	 WHERE a.attrelid = relation AND a.attnum > 0 AND format('%I %s', a.attname, format_type(a.atttypid, NULL)) = ANY (columns);
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_enums(oid, text[]) IS 'internal: the enums among columns that a live model reads';

-- What the live model stands on, checked once: the root of the source, which has
-- the same owner as the model, and columns of built-in types. Returns the columns.
CREATE FUNCTION @extschema@._model_live_columns(model name, settings jsonb)
	RETURNS text[]
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relation	regclass := settings ->> 'source_relation';
	c			record;
	columns		text[];
	foreign_object text;
	foreign_enum boolean;
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
	IF c.relpersistence = 't' OR EXISTS (SELECT FROM @extschema@._model_table_tree(relation) AS t JOIN pg_class AS p ON p.oid = t.relid WHERE p.relkind = 'f') THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: %s has parts that carry no triggers', relation),
			HINT = 'Leave live out and schedule refresh_model.';
	END IF;
	IF EXISTS (SELECT FROM pg_subscription_rel AS s WHERE s.srrelid IN (SELECT t.relid FROM @extschema@._model_table_tree(relation) AS t)) THEN
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
		PERFORM @extschema@._model_raise_unreadable(model, state, message);
	END;
	SELECT array_agg(DISTINCT format('%I %s', a.attname, format_type(a.atttypid, NULL))) FILTER (WHERE a.attname IS NOT NULL),
		   min(pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)) FILTER (WHERE NOT coalesce(t.is_known, false)),
		   bool_or(a.attname IS NOT NULL AND NOT t.is_known AND t.typtype = 'e'),
		   min(w.ev_action::text)
	  INTO columns, foreign_object, foreign_enum, tree
	  FROM pg_rewrite AS w
	  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refobjid <> w.ev_class AND d.deptype = 'n'
	  LEFT JOIN pg_attribute AS a ON d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND a.attrelid = relation AND a.attnum = d.refobjsubid AND a.attnum > 0
	  -- an enum of the owner's own, its arrays, and what is built in; its operators are
	  LEFT JOIN LATERAL (SELECT t.typtype, t.typnamespace = 'pg_catalog'::regnamespace
								OR t.typowner = c.relowner AND 'e' IN (t.typtype, (SELECT e.typtype FROM pg_type AS e WHERE e.typarray = t.oid)) AS is_known
						   FROM pg_type AS t
						  WHERE t.oid = CASE WHEN a.attname IS NOT NULL THEN a.atttypid WHEN d.refclassid = 'pg_type'::regclass THEN d.refobjid END) AS t ON true
	 WHERE w.ev_class = format('%I.source_probe', model)::regclass
	   AND NOT (d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.refobjsubid = 0);
	EXECUTE format('DROP VIEW %I.source_probe', model);
	-- A trigger sees the rows of one statement and no others. It sees no row as a
	-- whole: the text of one includes columns that nobody has looked at.
	IF tree ~ ':hasSubLinks true' THEN
		RAISE feature_not_supported USING
			MESSAGE = 'live: customer, day, value, counts and tenant can''t hold a subquery',
			DETAIL = 'A trigger sees the rows of one statement; what a subquery reads may change without it.',
			HINT = 'Leave live out and schedule refresh_model; or have the column in the source itself.';
	END IF;
	IF tree ~ ':has(Aggs|WindowFuncs|TargetSRFs) true' OR tree ~ '\{VAR :varno \d+ :varattno 0 ' THEN
		RAISE feature_not_supported USING
			MESSAGE = 'live: customer, day, value, counts and tenant must be expressions over single columns of their own row',
			HINT = 'Leave out whole rows, aggregates, window functions and functions that return sets; or leave live out and schedule refresh_model.';
	END IF;
	IF foreign_object IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: the source''s columns depend on %s', foreign_object),
			DETAIL = CASE WHEN foreign_enum THEN 'The owner of an enum could put another type in its place, whose functions would run as the owner of the model.'
				ELSE 'Its owner could make the shop''s statements fail.' END,
			HINT = CASE WHEN foreign_enum THEN format('ALTER TYPE ... OWNER TO %I; or add a column for it, like: is_paid boolean GENERATED ALWAYS AS (status = ''paid'') STORED.', current_user)
				ELSE 'Use columns of built-in types or enums of your own, and functions of PostgreSQL''s own. What else is needed can be a generated column of a built-in type, or one that a trigger of yours fills.' END;
	END IF;
	-- Writers of orders may have any TimeZone and DateStyle: a row must mean the
	-- same to them, to those who delete it, and to refresh_model. Some functions
	-- are marked immutable although their result follows settings: texts of
	-- floating-point numbers, bytea, intervals and what consists of them.
	SELECT min(x.what) INTO unsteady
	  FROM (SELECT p.oid::regprocedure::text AS what FROM regexp_matches(tree, ':(?:funcid|opfuncid) (\d+)', 'g') AS m
			  JOIN pg_proc AS p ON p.oid = m[1]::oid
			 WHERE p.provolatile <> 'i' OR p.oid = 'pg_catalog.quote_ident(text)'::regprocedure
				OR p.prorettype IN ('cstring'::regtype, 'xml'::regtype) OR p.proargtypes::oid[] && '{cstring,xml}'::regtype[]::oid[]
			UNION ALL
			SELECT format('text as %s', format_type(t.oid, NULL)) FROM regexp_matches(tree, ' :resulttype (\d+)', 'g') AS m
			  JOIN pg_type AS t ON t.oid = m[1]::oid JOIN pg_proc AS p ON p.oid = t.typinput
			 WHERE p.provolatile <> 'i' AND tree ~ '\{COERCEVIAIO '
			UNION ALL
			SELECT format('%s as text', format_type(t.oid, NULL))
			  FROM regexp_matches(tree, '\{COERCEVIAIO :arg \{.*?:(?:vartype|consttype|funcresulttype|opresulttype|casetype|coalescetype|minmaxtype|array_typeid|refrestype) (\d+) ', 'g') AS m
			  JOIN pg_type AS t ON t.oid = m[1]::oid
			 WHERE @extschema@._model_base_type(t.oid) <> ALL ('{bool,"char",name,int2,int4,int8,oid,numeric,text,varchar,bpchar,uuid,bit,varbit,time,timetz,inet,cidr,macaddr,macaddr8,json,jsonb}'::regtype[]::oid[])
			UNION ALL
			-- its columns may be of any type
			SELECT 'row as text' WHERE tree ~ '\{COERCEVIAIO :arg \{ROW(EXPR|) '
			UNION ALL
			-- everybody who writes a row reads a constant again
			SELECT format('a constant of type %s', format_type(t.oid, NULL))
			  FROM regexp_matches(tree, '\{CONST :consttype (\d+) ', 'g') AS m
			  JOIN pg_type AS t ON t.oid = m[1]::oid LEFT JOIN pg_type AS e ON e.typarray = t.oid
			  JOIN pg_proc AS p ON p.oid = coalesce(e.typinput, t.typinput)
			 WHERE p.provolatile <> 'i' AND 'e' NOT IN (t.typtype, coalesce(e.typtype, ''))
			   AND coalesce(e.oid, t.oid) <> ALL ('{date,timestamp,timestamptz,time,timetz,interval}'::regtype[]::oid[])
			UNION ALL
			SELECT 'XML' WHERE tree ~ '\{XMLEXPR '
			UNION ALL
			SELECT 'JSON' WHERE tree ~ '\{JSON(CONSTRUCTOR|)EXPR '
			UNION ALL
			SELECT 'the time of the statement or its user' WHERE tree ~ '\{SQLVALUEFUNCTION ') AS x;
	IF unsteady IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('live: the source''s columns depend on settings of the session: %s', unsteady),
			DETAIL = 'The same row would mean one thing to the session that writes it, and another to one that deletes or rereads it.',
			HINT = CASE WHEN unsteady ~ '(real|double precision) as text$' THEN 'Make it numeric first, like: weight::numeric::text.'
				WHEN unsteady = 'row as text' THEN 'Join the columns, like: shop || '':'' || number::text.'
				WHEN unsteady ~ 'bytea as text$' THEN 'Use encode, like: encode(id, ''hex'').'
				WHEN unsteady ~ ' as text$' AND (SELECT t.typtype = 'e' FROM pg_type AS t WHERE t.oid = to_regtype(regexp_replace(unsteady, ' as text$', '')))
				THEN 'Compare the enum itself, like: status IN (''paid'', ''sent'').'
				ELSE 'Of a timestamptz give the column itself as day, and time_zone; elsewhere use immutable functions.' END;
	END IF;
	RETURN columns;
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_columns(name, jsonb) IS 'internal: check that a source can be live; the columns that the model reads';

CREATE FUNCTION @extschema@._owned_by_current_user(relation oid)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'owned_by_current_user'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._owned_by_current_user(oid) IS 'internal: is the current user the owner of a relation, not only a member of that role? NULL if there is none';

CREATE FUNCTION @extschema@._live_root(relation oid, trigger name)
	RETURNS oid
	AS 'MODULE_PATHNAME', 'live_root'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._live_root(oid, name) IS
	'internal: the partitioned source of the live model that has this trigger on a partition; NULL if it is no partition of it any more';

-- The source's columns of the rows in a transition table, or in the source
-- itself (NULL): a query, and over its result "r" the day, and ", r.counts"
-- where there is one.
CREATE FUNCTION @extschema@._model_live_source(settings jsonb, transition_table text, OUT query text, OUT day text, OUT counts text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tail	text := format('FROM %s source', settings ->> 'source_relation');
BEGIN
	query := settings ->> 'source_query';
	IF transition_table IS NOT NULL THEN
		IF right(query, length(tail)) <> tail THEN
			RAISE object_not_in_prerequisite_state USING MESSAGE = format('the source query doesn''t end in "%s"', tail);
		END IF;
		query := left(query, -length(tail)) || format('FROM %I source', transition_table);
	END IF;
	day := CASE WHEN (settings ->> 'day_is_moment')::boolean THEN format('(r.day AT TIME ZONE %L)::date', settings ->> 'time_zone') ELSE 'r.day::date' END;
	counts := CASE WHEN settings ->> 'counts' IS NULL AND query !~ 'AS counts' THEN '' ELSE ', r.counts' END;
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_source(jsonb, text) IS 'internal: the columns of the source, of the rows in a transition table or all of them';

-- What these rows say of each customer: the history of those that are kept, how
-- many are not, and how many there are. One by one instead, if the rows of a
-- customer might not fit one history.
CREATE FUNCTION @extschema@._model_live_rows(settings jsonb, transition_table text, sign text, one_by_one boolean DEFAULT false)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	counts	text;
BEGIN
	SELECT s.counts INTO counts FROM @extschema@._model_live_source(settings, transition_table) AS s;
	RETURN format(CASE WHEN one_by_one THEN $q$
		SELECT r.customer, %1$s(SELECT @extschema@.history_agg(e.day, e.value%3$s) FROM (SELECT r.day, r.value%2$s WHERE r.scorable) AS e) AS difference,
			   CASE WHEN r.scorable THEN 0 ELSE %4$s1 END AS rejected, %4$s1 AS n
		  FROM (%5$s) AS r$q$ ELSE $q$
		SELECT r.customer, %1$s@extschema@.history_agg(r.day, r.value%2$s) FILTER (WHERE r.scorable) AS difference,
			   %4$scount(*) FILTER (WHERE NOT r.scorable) AS rejected, %4$scount(*) AS n
		  FROM (%5$s) AS r
		 GROUP BY r.customer$q$ END,
		CASE WHEN sign = '-' THEN 'OPERATOR(@extschema@.-) ' ELSE '' END,
		counts, replace(counts, 'r.', 'e.'), sign,
		@extschema@._model_live_events(settings, transition_table, sign));
END
$$;
COMMENT ON FUNCTION @extschema@._model_live_rows(jsonb, text, text, boolean) IS 'internal: the query for the differences that a transition table makes';

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
COMMENT ON FUNCTION @extschema@._model_live_parts(oid) IS 'internal: the partitions of a table by qualified name; NULL if there are none';

-- The triggers of a live model: all of them, with their function, or if it has
-- a source still, those that stand on other tables. What the source has is
-- replaced in its place, which keeps no reader of it away.
CREATE FUNCTION @extschema@._model_drop_triggers(model name, source oid)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning		-- not a line for every trigger
	AS $$
DECLARE
	trigger_function regprocedure := to_regprocedure(format('%I.record_differences()', model));
	kept	oid[] := ARRAY(SELECT t.relid FROM @extschema@._model_table_tree(source) AS t);
	t		record;
BEGIN
	IF trigger_function IS NULL THEN
		RETURN;
	END IF;
	-- a table that was given away since takes its triggers back with the function only
	IF EXISTS (SELECT FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
				WHERE g.tgfoid = trigger_function AND c.oid <> ALL (kept) AND NOT pg_has_role(c.relowner, 'USAGE')) THEN
		source := NULL;
		kept := '{}';
	END IF;
	-- The source first, as its writers do, who then want pending; and from the
	-- root down: else they and we could wait for each other.
	FOR t IN SELECT g.tgrelid::regclass AS relation FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
			  WHERE g.tgfoid = trigger_function AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'UPDATE') AND c.oid <> ALL (kept)
			  GROUP BY g.tgrelid ORDER BY min(g.tgnargs), g.tgrelid LOOP
		EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', t.relation);
	END LOOP;
	IF source IS NULL THEN
		EXECUTE format('DROP FUNCTION %I.record_differences() CASCADE', model);
		RETURN;
	END IF;
	FOR t IN SELECT g.tgrelid::regclass AS relation, g.tgname FROM pg_trigger AS g
			  WHERE g.tgfoid = trigger_function AND g.tgrelid <> ALL (kept) LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_drop_triggers(name, oid) IS
	'internal: drop the triggers of a live model, or those that are not on its source';

-- The trigger function and the triggers, made again.
CREATE FUNCTION @extschema@._model_make_triggers(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	lenient		boolean := settings ->> 'on_error' = 'reject';
	root		regclass := settings ->> 'source_relation';
	columns		text := CASE WHEN tenanted THEN 'customer_key, tenant, customer_id, difference' ELSE 'customer_key, tenant, difference' END;
	value_type	regtype;
	fresh		record;
	stale		record;
	single		text := '';
	several		text;
	one_by_one	text;
	enums		text;
	body		text;
	part		record;
	event		record;
BEGIN
	IF NOT coalesce((settings ->> 'live')::boolean, false) THEN
		PERFORM @extschema@._model_drop_triggers(model, NULL);
		RETURN;
	END IF;
	-- What is written while the source is read must not be missed.
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', root);
	PERFORM @extschema@._model_drop_triggers(model, root);
	-- Statements of several rows. The keys are made text once per customer, not per
	-- row. Of very many customers no arrays are made, which would be in memory.
	SELECT string_agg(format($q$%1$s TG_OP = '%2$s' THEN
			IF %3$s THEN
				%4$s
			ELSE
				%5$s
			END IF;
		$q$, o.keyword, o.operation, o.many, format(w.straight, o.rows), format(w.gather, o.rows)), '' ORDER BY o.n) || 'END IF;',
		   string_agg(format($q$%1$s TG_OP = '%2$s' THEN
					%3$s
				$q$, o.keyword, o.operation, format(w.straight, o.rows_one_by_one)), '' ORDER BY o.n) || 'END IF;'
	  INTO several, one_by_one
	  FROM (VALUES (1, 'IF', 'INSERT', 'EXISTS (SELECT FROM new_rows OFFSET 10000)',
					@extschema@._model_live_rows(settings, 'new_rows', '+'), @extschema@._model_live_rows(settings, 'new_rows', '+', true)),
				   (2, 'ELSIF', 'DELETE', 'EXISTS (SELECT FROM old_rows OFFSET 10000)',
					@extschema@._model_live_rows(settings, 'old_rows', '-'), @extschema@._model_live_rows(settings, 'old_rows', '-', true)),
				   (3, 'ELSIF', 'UPDATE', 'EXISTS (SELECT FROM new_rows OFFSET 10000) OR EXISTS (SELECT FROM old_rows OFFSET 10000)',
					format('SELECT u.customer, @extschema@.sum(u.difference) AS difference, sum(u.rejected) AS rejected, sum(u.n) AS n FROM (%s UNION ALL %s) AS u GROUP BY u.customer',
						@extschema@._model_live_rows(settings, 'new_rows', '+'), @extschema@._model_live_rows(settings, 'old_rows', '-')),
					format('%s UNION ALL %s',
						@extschema@._model_live_rows(settings, 'new_rows', '+', true), @extschema@._model_live_rows(settings, 'old_rows', '-', true))))
			AS o (n, keyword, operation, many, rows, rows_one_by_one)
	 CROSS JOIN (SELECT replace(@extschema@._model_source_key(settings, 'd.customer'), '%', '%%') AS key,
						$q$octet_length(k.key) <= 1000 AND k.difference OPERATOR(@extschema@.<>) '{}'$q$ AS fits,
						CASE WHEN lenient THEN 'coalesce(sum(CASE WHEN octet_length(k.key) <= 1000 THEN k.rejected ELSE k.n END), 0)' ELSE '0' END AS left_out) AS p
	 CROSS JOIN LATERAL (SELECT
			format($q$SELECT array_agg(k.key) FILTER (WHERE %1$s), array_agg(k.difference) FILTER (WHERE %1$s),%2$s %3$s
				  INTO keys, differences,%4$s rejected
				  FROM (SELECT %5$s AS key, d.* FROM (%%s) AS d OFFSET 0) AS k;$q$, p.fits,
				CASE WHEN tenanted THEN format(' array_agg(k.customer[1]) FILTER (WHERE %1$s), array_agg(k.customer[2]) FILTER (WHERE %1$s),', p.fits) ELSE '' END,
				p.left_out, CASE WHEN tenanted THEN ' tenants, ids,' ELSE '' END, p.key) AS gather,
			format($q$WITH k AS MATERIALIZED (SELECT %5$s AS key, d.* FROM (%%s) AS d), written AS (
					INSERT INTO %1$s.pending (%2$s) SELECT %3$s FROM k WHERE %4$s
				)
				SELECT %6$s INTO rejected FROM k;$q$, replace(format('%I', model), '%', '%%'), columns,
				CASE WHEN tenanted THEN 'k.key, k.customer[1], k.customer[2], k.difference' ELSE $q$k.key, '', k.difference$q$ END, p.fits, p.key, p.left_out) AS straight) AS w;
	-- Most statements write one row: no aggregate for it, no arrays. Many updates
	-- change nothing that the model reads. A value that isn't exact as numeric is
	-- left to history_agg. LIMIT 1, because an application can have plpgsql complain
	-- of further rows.
	SELECT * INTO fresh FROM @extschema@._model_live_source(settings, 'new_rows');
	SELECT * INTO stale FROM @extschema@._model_live_source(settings, 'old_rows');
	EXECUTE format('SELECT pg_typeof((SELECT r.value FROM (%s) AS r WHERE false))', settings ->> 'source_query') INTO value_type;
	IF @extschema@._model_base_type(value_type) = ANY ('{numeric,int8,int4,int2}'::regtype[]::oid[]) THEN
		SELECT string_agg(format($q$%1$s TG_OP = '%2$s' THEN
			SELECT %3$s, %4$s, r.value%5$s, EXISTS (SELECT FROM %6$s OFFSET 1)
			  INTO one_key%7$s, one_day, one_value%8$s, more
			  FROM (%9$s) AS r
			 WHERE r.customer IS NOT NULL AND r.day IS NOT NULL AND r.value IS NOT NULL LIMIT 1;
			IF NOT more THEN
				IF @extschema@._is_scorable(one_day, one_value) AND octet_length(one_key) <= 1000 THEN
					one_difference := %10$s@extschema@.history(one_day, one_value%8$s);
				%11$s
				END IF;
			END IF;
		$q$, o.keyword, o.operation,
			@extschema@._model_source_key(settings, 'r.customer') || CASE WHEN tenanted THEN ', r.customer[1], r.customer[2]' ELSE '' END,
			o.day, o.counts, o.rows, CASE WHEN tenanted THEN ', one_tenant, one_id' ELSE '' END, replace(o.counts, 'r.', 'one_'), o.query,
			CASE o.sign WHEN '-' THEN 'OPERATOR(@extschema@.-) ' ELSE '' END,
			CASE WHEN lenient THEN format('ELSE rejected := %s1;', o.sign)
				WHEN o.sign = '-' THEN '' ELSE 'ELSE PERFORM @extschema@._raise_unscorable(one_day, one_value);' END), '' ORDER BY o.operation DESC) INTO single
		  FROM (VALUES ('IF', 'INSERT', 'new_rows', fresh.query, fresh.day, fresh.counts, ''),
					   ('ELSIF', 'DELETE', 'old_rows', stale.query, stale.day, stale.counts, '-')) AS o (keyword, operation, rows, query, day, counts, sign);
	END IF;
	-- A row may vanish on its way to another partition, in a trigger there: then
	-- there are fewer new ones than old ones, or none.
	single := single || format($q$%1$s TG_OP = 'UPDATE' THEN
			SELECT coalesce((SELECT (n.customer, n.day, n.value%2$s) IS DISTINCT FROM (o.customer, o.day, o.value%3$s) FROM (%4$s) AS n, (%5$s) AS o LIMIT 1),
					   EXISTS (SELECT FROM new_rows) OR EXISTS (SELECT FROM old_rows))
				   OR EXISTS (SELECT FROM new_rows OFFSET 1) OR EXISTS (SELECT FROM old_rows OFFSET 1)
			  INTO more;
		END IF;$q$, CASE single WHEN '' THEN 'IF' ELSE 'ELSIF' END, replace(fresh.counts, 'r.', 'n.'), replace(stale.counts, 'r.', 'o.'), fresh.query, stale.query);
	SELECT string_agg(DISTINCT format('@extschema@._is_own_enum(%L, %L)', n.nspname, t.typname), ' AND ') INTO enums
	  FROM @extschema@._model_live_enums(root, ARRAY(SELECT jsonb_array_elements_text(settings -> 'source_columns'))) AS e
	  JOIN pg_type AS t ON t.oid = e JOIN pg_namespace AS n ON n.oid = t.typnamespace;
	body := format($q$
#variable_conflict use_column
DECLARE
	more		boolean := true;
	one_key		text;%1$s
	one_day		date;
	one_value	numeric;
	one_difference	@extschema@.history;
	keys		text[];
	differences	@extschema@.history[];
	rejected	bigint := 0;
	root		oid := TG_RELID;
	state		text;
BEGIN
	-- Where the schema has been renamed, or tables dropped, nothing may fail in the
	-- shop; and what has this name now may be a stranger's, with triggers of theirs.
	IF @extschema@._owned_by_current_user(to_regclass(%6$L)) IS NOT TRUE THEN
		%17$s
	END IF;
	IF TG_NARGS > 0 THEN
		-- a statement straight into a partition, which may have been detached since
		root := @extschema@._live_root(TG_RELID, TG_NAME);
		IF root IS NULL THEN
			-- it may come back
			INSERT INTO %2$s.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'a detached partition was written', 0, true);
			RETURN NULL;
		END IF;
	END IF;
	-- Who has been given the source could give its columns types with functions of
	-- their own, and would have them run here; and what is stored is not theirs.
	IF NOT @extschema@._owned_by_current_user(root) THEN
		%3$s
	END IF;
	%4$s
	IF TG_OP = 'TRUNCATE' THEN
		IF TG_NARGS > 0 THEN
			-- not that of the root, which comes here after it has emptied these tables
			IF pg_relation_size(%5$L) + pg_relation_size(%6$L) > 0 THEN
				INSERT INTO %2$s.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'a partition was truncated', 0, true);
			END IF;
		ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
			-- a DELETE would go by the snapshot
			TRUNCATE %2$s.customer_histories, %2$s.pending, %2$s.rejects;
		ELSE
			BEGIN
				LOCK TABLE %2$s.customer_histories, %2$s.pending, %2$s.rejects IN ACCESS EXCLUSIVE MODE NOWAIT;
				TRUNCATE %2$s.customer_histories, %2$s.pending, %2$s.rejects;
			EXCEPTION WHEN lock_not_available THEN
				-- Somebody reads the model, and may be about to write the source, which we
				-- hold. Pending first: what is just being folded in is waited for there.
				DELETE FROM %2$s.pending;
				DELETE FROM %2$s.customer_histories;
				DELETE FROM %2$s.rejects;
			END;
		END IF;
		RETURN NULL;
	END IF;
	%7$s
	%8$s
		%9$s
		IF more THEN
			%10$s
		END IF;
	%11$s
	IF rejected <> 0 THEN
		INSERT INTO %2$s.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'unconvertible', rejected, false);
	END IF;
	IF one_difference OPERATOR(@extschema@.<>) '{}' THEN
		INSERT INTO %2$s.pending (%12$s) VALUES (one_key, %13$s, one_difference);
	ELSIF cardinality(keys) = 1 THEN
		INSERT INTO %2$s.pending (%12$s) VALUES (keys[1], %14$s, differences[1]);
	ELSIF keys IS NOT NULL THEN
		INSERT INTO %2$s.pending (%12$s) SELECT u.key, %15$s, u.difference FROM unnest(%16$s);
	END IF;
	RETURN NULL;
END$q$,
		CASE fresh.counts WHEN '' THEN '' ELSE E'\n\tone_counts\tboolean;' END
			|| CASE WHEN tenanted THEN E'\n\tone_tenant\ttext;\n\tone_id\t\ttext;\n\ttenants\t\ttext[];\n\tids\t\t\ttext[];' ELSE '' END,
		format('%I', model),
		CASE WHEN lenient THEN format($q$INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'the source belongs to another role', 0, true);
		RETURN NULL;$q$, model) ELSE format($q$RAISE insufficient_privilege USING
			MESSAGE = format('model %%s is live, but its source belongs to another role', %L),
			HINT = 'DROP TRIGGER, or ask the owner of the model to alter it: live => false.';$q$, model) END,
		CASE WHEN enums IS NULL THEN '' ELSE format($q$IF NOT (%2$s) THEN
		INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'an enum of the source belongs to another role', 0, true);
		RETURN NULL;
	END IF;$q$, model, enums) END,
		format('%I.customer_histories', model), format('%I.pending', model),
		CASE WHEN (SELECT c.relkind FROM pg_class AS c WHERE c.oid = root) <> 'p' THEN '' ELSE format($q$-- one that is detached again leaves no trace in the catalogs
	IF NOT @extschema@._live_parts_have_triggers(TG_RELID, TG_NAME) THEN
		INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'a partition was attached', 0, true);
	END IF;$q$, model) END,
		-- This block writes nothing but for very many customers: it costs the
		-- transaction no number of its own.
		CASE WHEN lenient THEN 'BEGIN' ELSE '' END,
		single,
		several,
		CASE WHEN lenient THEN format($q$EXCEPTION
		WHEN numeric_value_out_of_range THEN
			-- The rows of some customer don't fit one history. One by one they do: views
			-- leave out that customer alone, as after a refresh.
			BEGIN
				%2$s
			EXCEPTION WHEN OTHERS THEN
				GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
				INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'error ' || state, 0, true);
				RETURN NULL;
			END;
		WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
			-- For every statement: a row that is there may be gone when this statement is
			-- committed, by a refresh that has not seen it. apply_changes makes them few.
			INSERT INTO %1$I.rejects (operation, reason, affected, needs_rebuild) VALUES (TG_OP, 'error ' || state, 0, true);
			RETURN NULL;
	END;$q$, model, one_by_one) ELSE '' END,
		columns,
		CASE WHEN tenanted THEN 'one_tenant, one_id' ELSE '''''' END,
		CASE WHEN tenanted THEN 'tenants[1], ids[1]' ELSE '''''' END,
		CASE WHEN tenanted THEN 'u.tenant, u.id' ELSE '''''' END,
		CASE WHEN tenanted THEN 'keys, tenants, ids, differences) AS u (key, tenant, id, difference' ELSE 'keys, differences) AS u (key, difference' END,
		CASE WHEN lenient THEN 'RETURN NULL;' ELSE format($q$RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('model %%s is live, but its tables are gone', %L),
			HINT = 'DROP TRIGGER, or give its schema back the name that it had.';$q$, model) END);
	-- The expressions are printed so that settings of an application don't change
	-- them. Where the text of an array says NULL, that has to be one: no more
	-- settings than that, for each of them costs every statement a little.
	EXECUTE format('CREATE OR REPLACE FUNCTION %I.record_differences() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER'
		' SET search_path = pg_catalog, pg_temp%s AS %L', model,
		CASE WHEN settings ->> 'source_query' ~ 'NULL.*}''::' THEN ' SET array_nulls = on' ELSE '' END, body);
	EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.record_differences() FROM PUBLIC', model);
	-- Its body is text. DROP EXTENSION ... CASCADE takes the columns of the model, and
	-- has to take the triggers too: else no statement of the shop would succeed.
	EXECUTE format('ALTER FUNCTION %I.record_differences() DEPENDS ON EXTENSION customer_scoring', model);
	EXECUTE format('COMMENT ON FUNCTION %I.record_differences() IS %L', model,
		'appends what a statement on the source changes to pending; SECURITY DEFINER, because those who write orders have no rights on the model');
	EXECUTE format('UPDATE %I.configuration SET source_parts = $1 WHERE valid_until IS NULL', model)
		USING @extschema@._model_live_parts(root);
	FOR part IN SELECT * FROM @extschema@._model_table_tree(root) LOOP
		FOR event IN SELECT * FROM (VALUES ('INSERT', 'REFERENCING NEW TABLE AS new_rows'), ('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
				('UPDATE', 'REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows'), ('TRUNCATE', '')) AS v (name, referencing) LOOP
			-- in the place of one that is there, which may be disabled
			EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %I.record_differences(%s)',
				format('scoring_%s_%s', lower(event.name), model), event.name, part.relid::regclass, event.referencing, model,
				CASE WHEN part.level > 0 THEN '''part''' ELSE '' END);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_triggers(name, jsonb) IS 'internal: make the triggers of a live model';

-- What of the source a live model doesn't see, from the catalogs; NULL: nothing.
-- Readers ask it, who may use no function of the extension by name.
CREATE FUNCTION @extschema@._live_problem(model text, source_relation text, source_columns text[], source_parts text[])
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
	SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relispartition, c.relrowsecurity AND c.relforcerowsecurity AS is_walled,
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
						SELECT i.inhrelid FROM tree AS t JOIN pg_inherits AS i ON i.inhparent = t.relid WHERE root.relkind = 'p')
					SELECT t.relid FROM tree AS t);
	parts := ARRAY(SELECT format('%I.%I', n.nspname, c.relname) FROM unnest(tree) AS t (relid)
					 JOIN pg_class AS c ON c.oid = t.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE t.relid <> root.oid);
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
	changed := (SELECT min(i.inhrelid::regclass::text) FROM pg_inherits AS i WHERE i.inhparent = root.oid AND root.relkind = 'r');
	IF changed IS NOT NULL THEN
		RETURN format('table %s inherits from %s, and its statements are not seen', changed, root.name);
	END IF;
	IF root.is_walled AND root.sees_all IS NOT TRUE THEN
		RETURN format('row-level security hides rows of %s from its owner', root.name);
	END IF;
	changed := (SELECT min(p.relid::regclass::text)
				  FROM unnest(tree) AS p (relid)
				 WHERE (SELECT count(*) FROM pg_trigger AS g
						 WHERE g.tgrelid = p.relid AND g.tgenabled IN ('O', 'A') AND g.tgfoid = to_regprocedure(format('%I.record_differences()', model))) < 4);
	IF changed IS NOT NULL THEN
		RETURN format('table %s lacks enabled triggers of the model', changed);
	END IF;
	IF EXISTS (SELECT FROM pg_subscription_rel AS s WHERE s.srrelid = ANY (tree)) THEN
		RETURN format('table %s is filled by logical replication', root.name);
	END IF;
	SELECT min(c) INTO changed FROM unnest(source_columns) AS c
	 WHERE c NOT IN (SELECT format('%I %s', a.attname, format_type(a.atttypid, NULL)) FROM pg_attribute AS a
					  WHERE a.attrelid = root.oid AND a.attnum > 0 AND NOT a.attisdropped);
	IF changed IS NOT NULL THEN
		RETURN format('the source has no column %s any more', changed);
	END IF;
	SELECT min(format_type(t.oid, NULL)) INTO changed
	  FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid AND t.typtype = 'e' AND t.typowner <> root.relowner
	 WHERE a.attrelid = root.oid AND a.attnum > 0 AND format('%I %s', a.attname, format_type(a.atttypid, NULL)) = ANY (source_columns);
	IF changed IS NOT NULL THEN
		RETURN format('enum %s belongs to another role', changed);
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@._live_problem(text, text, text[], text[]) IS
	'internal: what of its source a live model does not see: missing or disabled triggers, changed columns, detached partitions; NULL if it sees all';

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
	SELECT * INTO s FROM jsonb_to_record(settings) AS r (live boolean, source_relation text, source_columns text[], source_parts text[]);
	IF NOT s.live OR @extschema@._model_missing(ARRAY[s.source_relation]) IS NOT NULL THEN
		RETURN false;
	END IF;
	LOOP
		wanted := CASE WHEN mode <> 'triggers' THEN mode
			WHEN mode = 'triggers' AND @extschema@._live_problem(model, s.source_relation, s.source_columns, s.source_parts) IS NOT NULL THEN 'SHARE ROW EXCLUSIVE' END;
		-- of a source that belongs to somebody else now the caller is told later
		IF wanted IS NOT NULL AND NOT has_table_privilege(s.source_relation, 'UPDATE') THEN
			RETURN true;
		END IF;
		BEGIN
			EXECUTE format('LOCK TABLE %s IN %s MODE', s.source_relation, coalesce(wanted, 'ACCESS SHARE'));
			IF wanted IS NOT NULL OR mode IS NULL
				OR @extschema@._live_problem(model, s.source_relation, s.source_columns, s.source_parts) IS NULL THEN
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
COMMENT ON FUNCTION @extschema@._model_lock_source(name, jsonb, text) IS 'internal: lock the source of a live model before the model''s tables';
