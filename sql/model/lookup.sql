--
-- Layer 4: one customer. Applications ask the views of a model for one
-- customer_key at a time. What a model stores has indexes on it; the table of
-- people belongs to somebody else, and its key is of any type and collation. So
-- create_model asks the planner how it would find one person there, and where it
-- would read them all, makes the index that is missing, or says which it is.
--

-- How the server would find one person, or those of one account, whatever the
-- statistics say.
CREATE FUNCTION @extschema@._model_key_plan(settings jsonb, wanted text)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
	SET enable_bitmapscan = off
	SET max_parallel_workers_per_gather = 0
	AS $$
DECLARE
	plan	json;
BEGIN
	EXECUTE format('EXPLAIN (VERBOSE, FORMAT JSON, COSTS OFF) SELECT 1 FROM (%s) AS p'
		' WHERE %s = ''customer_scoring: one person''',
		settings ->> 'customers_query',
		CASE wanted WHEN 'account' THEN 'p.of_account' ELSE @extschema@._model_person_key(settings) END) INTO plan;
	RETURN plan;
END
$$;
COMMENT ON FUNCTION @extschema@._model_key_plan(jsonb, text) IS
	'internal: the plan of a look-up of one customer, or of one account, in customers';

-- What is looked up in customers, one at a time.
CREATE FUNCTION @extschema@._model_wanted(settings jsonb)
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'customers_query' IS NULL THEN '{}'::text[]
		WHEN settings OPERATOR(pg_catalog.->>) 'account' IS NULL THEN '{customer}' ELSE '{customer,account}' END;
END;
COMMENT ON FUNCTION @extschema@._model_wanted(jsonb) IS 'internal: what is looked up in customers: customer, account';

-- Of a condition in a plan, the side that is compared with the one person's key,
-- without the cast that stands for a collation.
CREATE FUNCTION @extschema@._model_key_operand(condition text)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	constant	int := strpos(condition, ' = ''customer_scoring: one person''');
	opened		int[] := '{0}';			-- the places of parentheses that are open
	pair		int[];					-- the places of the last two that make a pair
	quote		text;					-- of the literal or name that we are in
	c			text;
BEGIN
	IF constant = 0 OR octet_length(condition) > 10000 THEN
		RETURN NULL;
	END IF;
	FOR i IN 1 .. constant - 1 LOOP
		c := substr(condition, i, 1);
		IF quote IS NOT NULL THEN
			quote := nullif(quote, c);
		ELSIF c IN ('''', '"') THEN
			quote := c;
		ELSIF c = '(' THEN
			opened := i || opened;
		ELSIF c = ')' THEN
			pair := ARRAY[opened[1], i];
			opened := opened[2:];
		END IF;
	END LOOP;
	IF pair[1] = opened[1] + 1 AND substr(condition, pair[2] + 1, constant - pair[2] - 1) = '::text' THEN
		RETURN substr(condition, pair[1] + 1, pair[2] - pair[1] - 1);
	END IF;
	RETURN substr(condition, opened[1] + 1, constant - opened[1] - 1);
END
$$;
COMMENT ON FUNCTION @extschema@._model_key_operand(text) IS
	'internal: what a condition of a plan compares with the key of one person';

-- The tables that are read as a whole to find one person, and the column of the
-- index that would find them; NULL where no index can.
CREATE FUNCTION @extschema@._model_key_scans(plan jsonb)
	RETURNS TABLE (relation oid, key text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	SELECT u.relation, min(u.key)
	  FROM (SELECT coalesce(CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid END, c.oid) AS relation,
				   CASE WHEN c.relkind IN ('r', 'p', 'm') THEN
						'(' || regexp_replace(@extschema@._model_key_operand(n.node ->> 'Filter'),
							'(^|[^[:alnum:]_$."])'
								|| regexp_replace(quote_ident(n.node ->> 'Alias'), '([^[:alnum:]_])', '\\\1', 'g')
								|| '\.',
							'\1', 'g')
						|| ') COLLATE "C"' END AS key
			  FROM jsonb_path_query(plan, 'strict $.** ? (exists (@.Filter))') AS n (node)
			  LEFT JOIN pg_namespace AS s ON s.nspname = n.node ->> 'Schema'
			  LEFT JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relname = n.node ->> 'Relation Name'
			 WHERE strpos(n.node ->> 'Filter', ' = ''customer_scoring: one person''') > 0) AS u
	 GROUP BY u.relation ORDER BY u.relation;
END
$$;
COMMENT ON FUNCTION @extschema@._model_key_scans(jsonb) IS
	'internal: the tables that a look-up of one person reads as a whole';

-- What a model has made for its look-ups is known by its name and its comment.
CREATE FUNCTION @extschema@._model_key_indexes(model name)
	RETURNS SETOF oid
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT c.oid FROM pg_catalog.pg_class AS c
	 WHERE c.relkind IN ('i', 'I')
	   AND pg_catalog.starts_with(c.relname::pg_catalog.text, 'scoring_key_' OPERATOR(pg_catalog.||) model)
	   AND pg_catalog.obj_description(c.oid, 'pg_class')
		   = 'made by customer_scoring: finds one customer of model ' OPERATOR(pg_catalog.||) model
	   AND @extschema@._owned_by_current_user(c.oid) AND NOT c.relispartition;
END;
COMMENT ON FUNCTION @extschema@._model_key_indexes(name) IS
	'internal: the indexes on tables of others that a model has made';

-- Can an expression over columns of a table fail? Not for text of a column, in
-- upper or lower case, with a tenant before it; of anything else we don't know.
CREATE FUNCTION @extschema@._model_key_is_safe(relation oid, key text)
	RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.octet_length(key) OPERATOR(pg_catalog.<=) 1000
	   AND key OPERATOR(pg_catalog.!~) '::(?!text\M)'
	   AND pg_catalog.regexp_replace(key, t.token, '', 'g') OPERATOR(pg_catalog.~) '^[():|,. ]*$'
	   AND NOT EXISTS (SELECT 1 FROM pg_catalog.regexp_matches(key, t.token, 'g') AS m (part)
						WHERE pg_catalog.left(m.part[1], 1) OPERATOR(pg_catalog.<>) ''''
						  AND m.part[1] OPERATOR(pg_catalog.<>) '"C"'
						  AND m.part[1] OPERATOR(pg_catalog.<>) ALL (
							  '{text,COLLATE,COALESCE,"\"substring\"",replace,trim_scale,'
							  'lower,upper,btrim,ltrim,rtrim}')
						  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute AS a
										   WHERE a.attrelid = relation AND a.attnum > 0
											 AND pg_catalog.quote_ident(a.attname::pg_catalog.text)
												 OPERATOR(pg_catalog.=) m.part[1]))
	  FROM (SELECT $$("(?:[^"]|"")*"|'(?:[^']|'')*'|[[:alpha:]_][[:alnum:]_$]*)$$ AS token) AS t;
END;
COMMENT ON FUNCTION @extschema@._model_key_is_safe(oid, text) IS
	'internal: does an expression over columns of a table give no error, whatever is in them?';

-- The index, last of all that a call does: writers of people wait for it, while
-- it waits for none of them longer than an instant, or the two could wait for
-- each other. No model fails because an index can't be made, and no statement of
-- the shop because one was: a hash index takes keys of any length.
CREATE FUNCTION @extschema@._model_make_key_index(model name, settings jsonb, dry_run boolean)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	patience	text := (SELECT greatest(1, s.setting::int / 50)::text FROM pg_settings AS s
						  WHERE s.name = 'deadlock_timeout');
	owners		text := current_setting('lock_timeout');
	wanted		text;
	n			int;
	s			record;
	name		text;
	statement	text;
	condition	text;			-- of the note
BEGIN
	FOREACH wanted IN ARRAY @extschema@._model_wanted(settings) LOOP
		n := 0;
		FOR s IN SELECT * FROM @extschema@._model_key_scans(@extschema@._model_key_plan(settings, wanted)) LOOP
			n := n + 1;
			name := concat('scoring_key_', model, CASE wanted WHEN 'account' THEN '_account' END,
				CASE WHEN n > 1 THEN '_' || n END);
			statement := format('CREATE INDEX %I ON %s USING hash (%s)', name, s.relation::regclass, s.key);
			condition := ', and no index that would change that is known';
			IF s.key IS NULL THEN
				NULL;
			ELSIF NOT @extschema@._owned_by_current_user(s.relation) THEN
				condition := format('; its owner can change that: %s', statement);
			ELSIF NOT @extschema@._model_key_is_safe(s.relation, s.key) THEN
				condition := format('; if that expression never gives an error, change it: %s', statement);
			ELSIF dry_run THEN
				RETURN QUERY VALUES ('index', statement);
				CONTINUE;
			ELSE
				BEGIN
					PERFORM set_config('lock_timeout', patience, true);
					EXECUTE statement;
					PERFORM set_config('lock_timeout', owners, true);
					IF EXISTS (SELECT 1 FROM @extschema@._model_key_scans(
									@extschema@._model_key_plan(settings, wanted)) AS k
								WHERE k.relation = s.relation) THEN
						RAISE EXCEPTION USING ERRCODE = 'CSDRY', MESSAGE = 'in vain';
					END IF;
					EXECUTE format('COMMENT ON INDEX %I.%I IS %L',
						(SELECT g.nspname FROM pg_namespace AS g JOIN pg_class AS c ON c.relnamespace = g.oid
						  WHERE c.oid = s.relation),
						name, 'made by customer_scoring: finds one customer of model ' || model);
					RETURN QUERY VALUES ('index', statement);
					CONTINUE;
				EXCEPTION
					WHEN SQLSTATE 'CSDRY' THEN
						NULL;
					WHEN lock_not_available OR deadlock_detected THEN
						condition := format('; it was in use, change that when it is not: %s', statement);
					WHEN OTHERS THEN
						condition := format('; no index was made, error %s: %s', SQLSTATE, statement);
				END;
			END IF;
			RETURN QUERY VALUES ('note', format('one %s is found by reading all of %s%s', wanted,
				coalesce(s.relation::regclass::text, 'customers'), condition));
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_key_index(name, jsonb, boolean) IS
	'internal: make the index on the table of people by which one customer is found, or say which it is';

CREATE FUNCTION @extschema@._model_uses_index(settings jsonb, index name)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN EXISTS (SELECT 1 FROM unnest(@extschema@._model_wanted(settings)) AS w (wanted)
		WHERE jsonb_path_exists(@extschema@._model_key_plan(settings, w.wanted),
			'strict $.** ? (@."Index Name" == $name)', jsonb_build_object('name', index)));
EXCEPTION WHEN OTHERS THEN
	RETURN false;		-- its table of people is gone, or is another now
END
$$;
COMMENT ON FUNCTION @extschema@._model_uses_index(jsonb, name) IS
	'internal: does a model find one customer by an index of this name?';

-- Indexes of a model that is dropped or doesn't use them any more. They go as its
-- triggers do, without a word, unless somebody is using the table.
CREATE FUNCTION @extschema@._model_drop_key_index(model name, settings jsonb)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	patience	text := (SELECT greatest(1, s.setting::int / 50)::text FROM pg_settings AS s
						  WHERE s.name = 'deadlock_timeout');
	owners		text := current_setting('lock_timeout');
	home		name;
	i			record;
BEGIN
	FOR i IN SELECT format('%I.', n.nspname) AS schema, c.relname AS name
			   FROM @extschema@._model_key_indexes(model) AS k (index)
			   JOIN pg_class AS c ON c.oid = k.index JOIN pg_namespace AS n ON n.oid = c.relnamespace
			  ORDER BY n.nspname, c.relname LOOP
		CONTINUE WHEN @extschema@._model_uses_index(settings, i.name);
		BEGIN
			PERFORM set_config('lock_timeout', patience, true);
			-- another model over the same people found it there, and goes on with it
			SELECT h INTO home FROM @extschema@._model_homes() AS h
			 WHERE h <> model AND @extschema@._model_uses_index(@extschema@._model_settings(h), i.name)
			   AND to_regclass(format('%s%I', i.schema, 'scoring_key_' || h)) IS NULL ORDER BY h LIMIT 1;
			IF FOUND THEN
				EXECUTE format('COMMENT ON INDEX %s%I IS %L', i.schema, i.name,
					'made by customer_scoring: finds one customer of model ' || home);
				EXECUTE format('ALTER INDEX %s%I RENAME TO %I', i.schema, i.name, 'scoring_key_' || home);
			ELSE
				EXECUTE format('DROP INDEX %s%I', i.schema, i.name);
			END IF;
			PERFORM set_config('lock_timeout', owners, true);
		EXCEPTION WHEN lock_not_available OR deadlock_detected OR dependent_objects_still_exist THEN
			RETURN QUERY VALUES ('note', format(
				'the index of the model was in use, and is still there: DROP INDEX %s%I', i.schema, i.name));
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_drop_key_index(name, jsonb) IS
	'internal: drop the indexes on tables of people that a model has made and does not need';

-- For every page that shows one customer: see src/model/one_customer.c.
CREATE FUNCTION @extschema@._one_customer("row" anyelement, customer_key text)
	RETURNS SETOF anyelement
	LANGUAGE C STABLE PARALLEL UNSAFE ROWS 1
	AS 'MODULE_PATHNAME', 'one_customer';
COMMENT ON FUNCTION @extschema@._one_customer(anyelement, text) IS
	'internal: the row of a customer in a view of which "row" has the type, with the rights of the caller; '
	'the session keeps its plan';
