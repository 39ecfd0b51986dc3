--
-- Layer 4: erasure, access, retention, objection, and the record of processing.
--
-- Where people are in a model is asked of the catalogs, by the rule of
-- _model_person_tables: a table that is added later is erased from, exported and
-- searched like all others.
--

-- A customer_key as it was given, or an error that doesn't repeat it.
CREATE FUNCTION @extschema@._model_check_customer(model name, settings jsonb, customer text)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF customer IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'customer must not be null',
			HINT = 'Give the customer_key that the views of the model show.';
	END IF;
	IF settings ->> 'tenant' IS NOT NULL AND customer !~ '^([^\\:]|\\.)*:' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('customer is no customer_key of model "%s", which has tenants', model),
			HINT = 'Give the customer_key that its views show: the tenant, a colon, and the customer.';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_check_customer(name, jsonb, text) IS
	'internal: refuse what can be no customer_key of a model';

-- Materialized views that hold what a model's tables, views or functions said
-- when they were refreshed, wherever they are and through whatever views.
CREATE FUNCTION @extschema@._model_copies(model name)
	RETURNS TABLE (relation oid, name text, readable boolean)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH RECURSIVE reached (classid, objid) AS (
		SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, c.oid FROM pg_catalog.pg_class AS c
		  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE n.nspname = model AND c.relkind IN ('r', 'p', 'v', 'm')
		UNION
		SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, p.oid FROM pg_catalog.pg_proc AS p
		  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = model
		UNION
		SELECT CASE WHEN w.oid IS NULL THEN d.classid ELSE 'pg_catalog.pg_class'::pg_catalog.regclass::oid END,
			   COALESCE(w.ev_class, d.objid)
		  FROM reached AS r
		  JOIN pg_catalog.pg_depend AS d ON d.refclassid = r.classid AND d.refobjid = r.objid
		  LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
		   AND w.oid = d.objid
		 WHERE w.oid IS NOT NULL OR d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
	)
	SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname),
		   pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
	  FROM reached AS r
	  JOIN pg_catalog.pg_class AS c ON r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = r.objid
	   AND c.relkind = 'm'
	  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
	 ORDER BY 2;
END;
COMMENT ON FUNCTION @extschema@._model_copies(name) IS 'internal: the materialized views that depend on a model';

-- Removes customers from a model, with all that they have been merged with. Says
-- what was done, and what could not be.
CREATE FUNCTION @extschema@._model_forget(model name, settings jsonb, customers text[], reason text, suppress boolean)
	RETURNS TABLE (object text, erased bigint, note text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	everyone	text[] := coalesce(@extschema@._model_same_person(model, customers), '{}');
	n			bigint;
	total		bigint := 0;
	tables		text;
BEGIN
	FOR object, erased IN SELECT * FROM @extschema@._model_erase(model, settings, everyone) LOOP
		total := total + erased;
		RETURN NEXT;
	END LOOP;
	IF suppress THEN
		EXECUTE format('INSERT INTO %1$I.suppressed SELECT @extschema@.suppression_token(k.key, u.customer),'
			' (now() AT TIME ZONE $3)::date, $2, @extschema@.suppression_key_id(k.key)'
			' FROM unnest($1) AS u (customer), %1$I.suppression_key AS k ON CONFLICT DO NOTHING', model)
			USING everyone, reason, settings ->> 'time_zone';
		GET DIAGNOSTICS n = ROW_COUNT;
		object := format('%I.suppressed', model);
		erased := NULL;
		note := concat_ws('; ',
			CASE WHEN n > 0
				THEN CASE n WHEN 1 THEN 'a token was written' ELSE format('%s tokens were written', n) END
					|| ': the source can''t bring the person back'
				ELSE 'the token is there already' END,
			CASE WHEN total = 0 AND n > 0
				THEN 'no row named this customer: if that is a surprise, compare the customer_key,'
					' and take this one off the list by allow_customer' END);
		RETURN NEXT;
	END IF;
	RETURN QUERY SELECT format('%I.%I', model, p.name), NULL::bigint,
		'belongs to another role, whose triggers would run with your rights: not touched'
		FROM @extschema@._model_person_tables(model) AS p WHERE NOT p.owned;
	RETURN QUERY SELECT c.name, NULL::bigint,
		format('materialized view, a copy until: REFRESH MATERIALIZED VIEW %s; ANALYZE %1$s;', c.name)
		FROM @extschema@._model_copies(model) AS c;
	SELECT string_agg(format('%I.%I', model, p.name), ', ' ORDER BY p.name) FILTER (WHERE p.analyzed) INTO tables
	  FROM @extschema@._model_person_tables(model) AS p WHERE p.owned;
	RETURN QUERY VALUES
		('thresholds', NULL::bigint, CASE WHEN settings ->> 'prediction' IS NULL THEN ''
			ELSE 'and the fits of the prediction ' END
			|| CASE WHEN @extschema@._has_clusters(settings) THEN 'and the means of clusters ' ELSE '' END
			|| 'were taken of everybody at the time, and name nobody; calibrate_model takes them again'),
		('statistics', NULL, CASE WHEN tables IS NULL THEN 'none are kept of the columns that name customers'
			ELSE format('may name customers in %s: analyzed again where something was erased', tables) END);
	SELECT string_agg(format('%I.%I', model, p.name), ', ' ORDER BY p.name) INTO tables
	  FROM @extschema@._model_person_tables(model) AS p WHERE p.owned;
	RETURN QUERY VALUES
		('dead rows', NULL::bigint, format('stay in the files of the tables until: VACUUM FULL %s;', tables)),
		('source', NULL, 'is not touched: erase the person there too, and in copies that others have made:'
			' exports, tables made of views, extracts of BI tools'
			|| CASE WHEN (settings ->> 'live')::boolean
				THEN '; what is deleted there after this goes through pending: apply_changes, and VACUUM FULL it'
				ELSE '' END),
		('write-ahead log', NULL,
			'and replicas and archives that are fed by it hold what was deleted until they are recycled'),
		('backups', NULL, 'hold the person; after one is restored: reapply_suppression, with the list of today'),
		('server log', NULL, 'may hold statements that named the person, this one too, and so may pg_stat_statements');
END
$$;
COMMENT ON FUNCTION @extschema@._model_forget(name, jsonb, text[], text, boolean) IS
	'internal: erase customers from a model, and say what is left of them';

CREATE FUNCTION @extschema@.forget_customer(model text, customer text)
	RETURNS TABLE (object text, erased bigint, note text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
BEGIN
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	PERFORM @extschema@._model_check_customer(home, settings, customer);
	RETURN QUERY SELECT * FROM @extschema@._model_forget(home, settings, ARRAY[customer], 'forget_customer', true);
END
$$;
COMMENT ON FUNCTION @extschema@.forget_customer(text, text) IS
	'erase a person from every table of a model, and keep a source that still has their rows from bringing them back;'
	' says how many rows of what, and what it can''t reach';

CREATE FUNCTION @extschema@.forget_customer(customer text)
	RETURNS TABLE (object text, erased bigint, note text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name;
	settings	jsonb;
	answer		record;
	general		text[] := '{}';
BEGIN
	PERFORM @extschema@._model_check_customer(NULL, '{}', customer);
	-- all of them before the first is written, in one order
	FOR home IN SELECT * FROM @extschema@._model_homes() LOOP
		PERFORM @extschema@._model_lock(home);
	END LOOP;
	FOR home IN SELECT * FROM @extschema@._model_homes() LOOP
		settings := @extschema@._model_settings(home);
		IF settings ->> 'tenant' IS NOT NULL AND customer !~ '^([^\\:]|\\.)*:' THEN
			object := format('%I', home);
			erased := 0;
			note := 'has tenants, and this is no customer_key of it:'
				' forget_customer of the tenant, a colon, and the customer';
			RETURN NEXT;
			CONTINUE;
		END IF;
		FOR answer IN SELECT *
				FROM @extschema@._model_forget(home, settings, ARRAY[customer], 'forget_customer', true) LOOP
			-- what is true of all models is said once
			IF answer.erased IS NULL AND answer.object IN ('thresholds', 'source', 'write-ahead log', 'backups',
				'server log') THEN
				CONTINUE WHEN answer.object = ANY (general);
				general := general || answer.object;
			END IF;
			object := answer.object;
			erased := answer.erased;
			note := answer.note;
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.forget_customer(text) IS
	'erase a person from all models of the caller, those with tenants by the customer_key of theirs';

CREATE FUNCTION @extschema@.allow_customer(model text, customer text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	n			bigint;
BEGIN
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	PERFORM @extschema@._model_check_tokens(home);
	PERFORM @extschema@._model_check_customer(home, settings, customer);
	EXECUTE format('DELETE FROM %1$I.suppressed AS s USING %1$I.suppression_key AS k'
		' WHERE s.token = @extschema@.suppression_token(k.key, $1)', home)
		USING customer;
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n = 0 THEN
		RETURN QUERY VALUES ('nothing to do', 'this customer is not on the suppression list');
		RETURN;
	END IF;
	IF (settings ->> 'live')::boolean THEN
		-- what the source has of the customer from before is not pending
		EXECUTE format('INSERT INTO %I.rejects (operation, reason, affected, needs_rebuild)'
			' VALUES (''ALLOW'', ''a customer is back whose orders are not'', 1, true)', home);
	END IF;
	RETURN QUERY VALUES
		('allowed', 'the customer is off the suppression list'),
		('to do', format('SELECT * FROM refresh_model(%L);  -- brings back what the source has', home));
END
$$;
COMMENT ON FUNCTION @extschema@.allow_customer(text, text) IS
	'take a person who was erased off the suppression list, because they are a customer again and agree:'
	' the next refresh_model brings back what the source has';

CREATE FUNCTION @extschema@.reapply_suppression(model text)
	RETURNS TABLE (object text, erased bigint, note text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	customers	text;
	everyone	text[];
BEGIN
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	PERFORM @extschema@._model_check_tokens(home);
	PERFORM @extschema@._model_lock_people(home);
	-- every key that any table of the model names
	SELECT string_agg(k.query, ' UNION ') INTO customers
	  FROM @extschema@._model_person_tables(home) AS p,
		   LATERAL (SELECT format('SELECT (t.%I)::text COLLATE "C" AS customer FROM %I.%I AS t',
						   u.key, home, p.name) AS query FROM unnest(p.keys) AS u (key)
					UNION ALL
					SELECT format('SELECT (%s) COLLATE "C" FROM %I.%I AS t',
						@extschema@._model_key(settings, 't.tenant', format('t.%I', u.id)), home, p.name)
					  FROM unnest(p.ids) AS u (id) WHERE p.keys IS NULL) AS k
	 WHERE p.owned;
	EXECUTE format('SELECT array_agg(c.customer) FROM (%s) AS c WHERE NOT %s', customers,
		@extschema@._model_not_suppressed(home, 'c.customer')) INTO everyone;
	RETURN QUERY SELECT * FROM @extschema@._model_forget(home, settings, coalesce(everyone, '{}'),
		'reapply_suppression', true);
END
$$;
COMMENT ON FUNCTION @extschema@.reapply_suppression(text) IS
	'erase all people whose token is on the suppression list of a model:'
	' after a backup of an earlier day was restored, and the list of today was put into its table suppressed';

-- What is compared with a customer's key. For any other type, the cast to text and
-- the output may be functions of the role that made the type.
CREATE FUNCTION @extschema@._model_is_searched(type oid)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT type IN ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype,
		'pg_catalog.bpchar'::pg_catalog.regtype, 'pg_catalog.name'::pg_catalog.regtype,
		'pg_catalog.uuid'::pg_catalog.regtype, 'pg_catalog.int2'::pg_catalog.regtype,
		'pg_catalog.int4'::pg_catalog.regtype, 'pg_catalog.int8'::pg_catalog.regtype,
		'pg_catalog.numeric'::pg_catalog.regtype);
END;
COMMENT ON FUNCTION @extschema@._model_is_searched(oid) IS
	'internal: is a column of this type compared with a customer''s key?';

-- A condition on the rows of a relation: a column of texts, or one that by its
-- name is about a customer, holds $1; NULL if there is none. Of the model's own
-- relations it is known what columns are called. And the columns of other types
-- that could hold it.
CREATE FUNCTION @extschema@._model_search(relation oid, by_name boolean, OUT condition text, OUT not_searched text[])
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.string_agg(pg_catalog.format('t.%I::pg_catalog.text = $1', c.name), ' OR ' ORDER BY c.position)
			 FILTER (WHERE c.is_searched
				AND CASE WHEN by_name THEN c.is_named AND c.is_text ELSE c.is_named OR c.is_text END),
		   pg_catalog.array_agg(pg_catalog.format('%I', c.name) ORDER BY c.position)
			 FILTER (WHERE NOT by_name AND NOT c.is_searched AND (c.is_named OR NOT c.is_plain))
	  FROM (SELECT a.attname AS name, a.attnum AS position,
				   a.attname OPERATOR(pg_catalog.~) '(^|_)(key|customer_id)$' AS is_named,
				   @extschema@._model_is_searched(a.atttypid) AS is_searched,
				   t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND t.typcategory IN ('S', 'U') AS is_text,
				   -- numbers, days, truth values
				   t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND t.typtype = 'b'
					   AND t.typcategory IN ('N', 'D', 'T', 'B') AS is_plain
			  FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
			 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped) AS c;
END;
COMMENT ON FUNCTION @extschema@._model_search(oid, boolean) IS
	'internal: a condition that finds a customer in a relation, and columns that it leaves out';

CREATE FUNCTION @extschema@._model_find(model name, customer text)
	RETURNS TABLE (object text, kind text, found bigint)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	r		record;
	search	record;
	trap	text;
	n		bigint;
BEGIN
	-- Relations of others in the schema are not read: a view of theirs runs with
	-- the reader's rights what they have written. Materialized views of others are,
	-- where they are data alone, and only columns of types whose text is PostgreSQL's
	-- own; of the others it is said that they were not searched.
	FOR r IN
		SELECT c.oid, format('%I.%I', model, c.relname) AS name,
			   CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind, 1 AS rank,
			   pg_get_userbyid(c.relowner) = current_user AS readable, true AS own
		  FROM pg_class AS c
		 WHERE c.relnamespace = to_regnamespace(quote_ident(model)) AND c.relkind IN ('r', 'p', 'v')
		   AND NOT c.relispartition
		   AND c.relname <> 'configuration'
		   -- private views have nothing that the tables and the others have not
		   AND NOT (c.relkind = 'v' AND starts_with(c.relname, '_'))
		UNION ALL
		SELECT k.relation, k.name, 'materialized view', 2, k.readable, false FROM @extschema@._model_copies(model) AS k
		ORDER BY 4, 3, 2
	LOOP
		trap := CASE WHEN r.readable AND NOT r.own THEN @extschema@._relation_trap(r.oid) END;
		SELECT * INTO search FROM @extschema@._model_search(r.oid, r.own);
		IF NOT r.readable AND (search.condition IS NOT NULL OR search.not_searched IS NOT NULL) THEN
			RETURN QUERY SELECT r.name, r.kind || ', not readable', NULL::bigint;
		ELSIF trap IS NOT NULL THEN
			RETURN QUERY SELECT r.name, format('%s, not searched: %s', r.kind, trap), NULL::bigint;
		ELSE
			IF search.condition IS NOT NULL THEN
				n := 0;
				-- one without data can't be read
				IF (SELECT c.relispopulated FROM pg_class AS c WHERE c.oid = r.oid) THEN
					EXECUTE format('SELECT count(*) FROM %s AS t WHERE %s', r.name, search.condition)
						INTO n USING customer;
				END IF;
				RETURN QUERY SELECT r.name, r.kind, n;
			END IF;
			RETURN QUERY SELECT r.name, format('%s, column %s not searched', r.kind, u.name), NULL::bigint
				FROM unnest(search.not_searched) AS u (name);
		END IF;
		-- by names that are constants, or each of them would read all of pg_statistic
		SELECT count(*) FILTER (WHERE customer = ANY (s.most_common_vals::text::text[])
			OR customer = ANY (s.histogram_bounds::text::text[])),
			   count(*) AS columns INTO search
		  FROM pg_stats AS s
		 WHERE s.schemaname = (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
								WHERE c.oid = r.oid)
		   AND s.tablename = (SELECT c.relname FROM pg_class AS c WHERE c.oid = r.oid)
		   AND s.attname = ANY (ARRAY(SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = r.oid AND a.attnum > 0
					AND @extschema@._model_is_searched(a.atttypid)
					AND (NOT r.own OR a.attname ~ '(^|_)(key|customer_id)$')));
		IF search.columns > 0 THEN
			RETURN QUERY SELECT r.name, 'statistics', search.count;
		END IF;
	END LOOP;
	EXECUTE format('SELECT count(*) FROM %1$I.suppressed AS s, %1$I.suppression_key AS k'
		' WHERE s.token = @extschema@.suppression_token(k.key, $1)', model)
		INTO n USING customer;
	RETURN QUERY SELECT format('%I.suppressed', model), 'token', n;
END
$$;
COMMENT ON FUNCTION @extschema@._model_find(name, text) IS 'internal: where a customer can be found in a model';

CREATE FUNCTION @extschema@.erasure_report(model text, customer text)
	RETURNS TABLE (object text, kind text, found bigint)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	name := @extschema@._model_home(model);
BEGIN
	PERFORM @extschema@._model_check_customer(home, @extschema@._model_settings(home), customer);
	RETURN QUERY SELECT * FROM @extschema@._model_find(home, customer);
END
$$;
COMMENT ON FUNCTION @extschema@.erasure_report(text, text) IS
	'how many rows name a customer, for every table and view of a model, every materialized view over them,'
	' and their statistics: proof of an erasure where all are 0; NULL where it could not or must not look';

CREATE FUNCTION @extschema@.erasure_report(customer text)
	RETURNS TABLE (object text, kind text, found bigint)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	name;
BEGIN
	PERFORM @extschema@._model_check_customer(NULL, '{}', customer);
	FOR home IN SELECT * FROM @extschema@._model_homes() LOOP
		RETURN QUERY SELECT * FROM @extschema@._model_find(home, customer);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.erasure_report(text) IS 'erasure_report over all models of the caller';

CREATE FUNCTION @extschema@.export_customer(model text, customer text)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb := @extschema@._model_settings(home);
	everyone	text[];
	t			record;
	part		jsonb;
	held		jsonb := '{}';
	result		jsonb;
BEGIN
	PERFORM @extschema@._model_check_customer(home, settings, customer);
	everyone := @extschema@._model_same_person(home, ARRAY[customer]);
	EXECUTE format($q$SELECT jsonb_build_object('model', $1, 'customer_key', $2, 'as_of', %s)
		FROM %I.configuration AS c WHERE c.valid_until IS NULL$q$,
		@extschema@._model_as_of(), home) INTO result USING home, customer;
	IF cardinality(everyone) > 1 THEN
		result := result || jsonb_build_object('also_known_as', to_jsonb(array_remove(everyone, customer)));
	END IF;
	EXECUTE format($q$SELECT jsonb_agg(jsonb_build_object('day', to_char(d.day, 'YYYY-MM-DD'),
			'orders', d.events, 'total', d.total) ORDER BY d.day)
		FROM (%s) AS h CROSS JOIN LATERAL @extschema@.days(h.history) AS d
		WHERE h.customer_key = ANY ($1)$q$, @extschema@._model_histories(home, settings))
		INTO part USING everyone;
	result := result || jsonb_build_object('orders', coalesce(part, '[]'));
	IF @extschema@._has_streams(settings) THEN
		EXECUTE @extschema@._fill($q$
			SELECT jsonb_agg(jsonb_build_object('day', to_char(d.day, 'YYYY-MM-DD'), 'stream', t.stream, 'kind', k.kind,
			           'events', d.events, 'total', d.total) ORDER BY d.day, x.stream, k.kind)
			  FROM ({events}) AS e
			 CROSS JOIN LATERAL @extschema@.stream_kinds(e.streams) AS x
			 CROSS JOIN LATERAL @extschema@.days(x.history) AS d
			  JOIN {model}.stream AS t ON t.stream_no = x.stream
			  JOIN {model}.stream_kind AS k ON k.stream_no = x.stream AND k.kind_no = x.kind
			 WHERE e.customer_key = ANY ($1)$q$,
			'events', @extschema@._model_events(home, settings), 'model', quote_ident(home)) INTO part USING everyone;
		result := result || jsonb_build_object('events', coalesce(part, '[]'));
	END IF;
	EXECUTE format('SELECT jsonb_agg(to_jsonb(s)) -> 0 FROM %I.customer_scores AS s WHERE s.customer_key = ANY ($1)',
		home) INTO part USING everyone;
	result := result || jsonb_build_object('scores', coalesce(part, 'null'));
	EXECUTE format('SELECT jsonb_agg(to_jsonb(s)) -> 0 FROM %I.customer_segments AS s WHERE s.customer_key = ANY ($1)',
		home) INTO part USING everyone;
	result := result || jsonb_build_object('segment', coalesce(part, 'null'));
	IF settings ->> 'customers_query' IS NOT NULL THEN
		EXECUTE format('SELECT jsonb_agg(to_jsonb(p) ORDER BY p.customer_id) FROM (%s) AS p'
			' WHERE (%s) COLLATE "C" = ANY ($1)', settings ->> 'customers_query',
			@extschema@._model_key(settings, 'p.tenant', 'p.customer_id')) INTO part USING everyone;
		result := result || jsonb_build_object('person', coalesce(part, '[]'));
	END IF;
	FOR t IN SELECT * FROM @extschema@._model_person_tables(home) AS p
			WHERE p.owned AND p.name NOT IN ('customer_histories', 'stream_histories') ORDER BY p.name LOOP
		EXECUTE format('SELECT jsonb_agg(to_jsonb(t)) FROM %I.%I AS t WHERE %s', home, t.name,
			@extschema@._model_is_about(settings, t.keys, t.ids, 't', '= ANY ($1)')) INTO part USING everyone;
		IF part IS NOT NULL THEN
			held := held || jsonb_build_object(t.name, part);
		END IF;
	END LOOP;
	EXECUTE format('SELECT to_jsonb(min(s.suppressed_on))'
		' FROM %1$I.suppressed AS s, %1$I.suppression_key AS k, unnest($1) AS u (customer)'
		' WHERE s.token = @extschema@.suppression_token(k.key, u.customer)', home) INTO part USING everyone;
	result := result || jsonb_build_object('held', held, 'suppressed_on', coalesce(part, 'null'));
	EXECUTE format('SELECT jsonb_agg(to_jsonb(r) - ''model'') FROM %I.processing_record AS r', home) INTO part;
	result := result || jsonb_build_object('processing', coalesce(part, '[]'));
	IF settings ->> 'retention_days' IS NOT NULL THEN
		EXECUTE format('SELECT jsonb_build_object(''retention_days'', $2,'
			' ''last_event_on'', max(%1$s), ''remove_on'', max(%1$s) + $2 + 1)'
			' FROM (%2$s) AS h WHERE h.customer_key = ANY ($1)',
			@extschema@._model_last_activity(settings), @extschema@._model_all_histories(home, settings))
			INTO part USING everyone, (settings ->> 'retention_days')::int;
	ELSE
		part := 'null';
	END IF;
	RETURN result || jsonb_build_object('retention', part);
END
$$;
COMMENT ON FUNCTION @extschema@.export_customer(text, text) IS
	'everything that a model holds about a person, as jsonb:'
	' orders by day, scores, segment, what was recorded, corrections, what the table of people says,'
	' and how it is processed';

CREATE FUNCTION @extschema@.retention_due(model text, within_days int DEFAULT 30)
	RETURNS TABLE (customer_key text, tenant text, last_event_on date, remove_on date)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb := @extschema@._model_settings(home);
BEGIN
	IF within_days IS NULL OR within_days < 0 OR within_days > 365250 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('within_days %s is not between 0 and 365250',
			coalesce(within_days::text, 'null'));
	END IF;
	IF settings ->> 'retention_days' IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format('SELECT h.customer_key, nullif(h.tenant, ''''),'
		' %1$s, %1$s + $2 + 1 FROM (%2$s) AS h WHERE %1$s < %3$s + $1 ORDER BY 4, 1',
		@extschema@._model_last_activity(settings), @extschema@._model_all_histories(home, settings),
		@extschema@._model_horizon(home))
		USING within_days, (settings ->> 'retention_days')::int;
END
$$;
COMMENT ON FUNCTION @extschema@.retention_due(text, int) IS
	'the customers who have had no event for so long that the model will remove them within some days, and when';

CREATE FUNCTION @extschema@.purge_model(model text, dry_run boolean DEFAULT false)
	RETURNS TABLE (object text, erased bigint, note text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	expired		text[];
	rows		jsonb;
BEGIN
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	IF settings ->> 'retention_days' IS NULL THEN
		RETURN QUERY VALUES (NULL::text, 0::bigint,
			format('model %I keeps everybody: alter_model(%1$L, retention_days => ...) says for how long', home));
		RETURN;
	END IF;
	PERFORM @extschema@._model_lock_people(home);
	EXECUTE format('SELECT array_agg(h.customer_key) FROM (%s) AS h WHERE %s < %s',
		@extschema@._model_all_histories(home, settings), @extschema@._model_last_activity(settings),
		@extschema@._model_horizon(home)) INTO expired;
	BEGIN
		SELECT jsonb_agg(to_jsonb(f)) INTO rows
			FROM @extschema@._model_forget(home, settings, coalesce(expired, '{}'), 'purge_model', false) AS f;
		IF dry_run THEN
			RAISE EXCEPTION USING ERRCODE = 'CSDRY', MESSAGE = 'dry run';
		END IF;
	EXCEPTION WHEN SQLSTATE 'CSDRY' THEN
		RETURN QUERY VALUES ('dry run', NULL::bigint, 'nothing was erased');
	END;
	RETURN QUERY SELECT f.object, f.erased, f.note
		FROM jsonb_to_recordset(rows) AS f (object text, erased bigint, note text);
END
$$;
COMMENT ON FUNCTION @extschema@.purge_model(text, boolean) IS
	'erase all people who have had no event for retention_days, as refresh_model does;'
	' with dry_run only say how many rows';

-- What processing_record says of a configuration, by the text of its settings. It
-- runs with the rights of those who read the view.
CREATE FUNCTION @extschema@._processing_lines(configuration jsonb, streamed boolean, recorded boolean)
	RETURNS TABLE ("position" int, item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	c		record;
BEGIN
	SELECT * INTO c
	  FROM jsonb_to_record(configuration) AS r (purpose text, legal_basis text, source text, source_reads text[],
		   customer text, "day" text, value text, counts text, tenant text, event_key text, currency text,
		   customers text, customers_key text, attributes text[], consent text, objection text, contact text[],
		   prediction text, clusters int, cluster_inputs text[],
		   retention_days int, minimum_group_size int, minimum_customers int, segment_map text,
		   version int, reason text, made_by text, made_at timestamptz, time_zone text, live boolean);
	RETURN QUERY SELECT v.* FROM (VALUES
		(10, 'purpose', coalesce(c.purpose, 'not stated: alter_model(..., purpose => ...)')),
		(11, 'legal basis', coalesce(c.legal_basis, 'not stated: alter_model(..., legal_basis => ...)')),
		(20, 'source', c.source),
		(21, 'source reads', array_to_string(c.source_reads, ', ')),
		(22, 'customer', coalesce(c.customer, 'first column of the source')),
		(23, 'day', coalesce(c."day", 'second column of the source')),
		(24, 'value', coalesce(c.value, 'third column of the source')),
		(25, 'counts', c.counts),
		(26, 'tenant', c.tenant),
		(27, 'event key', c.event_key),
		(28, 'currency', c.currency),
		(30, 'people', c.customers),
		(31, 'key of people', c.customers_key),
		(32, 'attributes', nullif(array_to_string(c.attributes, ', '), '')),
		(33, 'consent', coalesce(c.consent, CASE WHEN c.customers IS NOT NULL THEN 'not asked for' END)),
		(34, 'objection', c.objection),
		(35, 'contact', nullif(array_to_string(c.contact, ', '), '')),
		(40, 'data kept', concat('per customer and day: number and total of orders',
			CASE WHEN streamed THEN ', and of the events of each stream and kind' END,
			CASE WHEN recorded THEN '; segments and their changes as recorded' END)),
		(41, 'data derived', concat('scores and segment',
			CASE WHEN c.prediction IS NOT NULL THEN ', predicted orders and value' END,
			CASE WHEN c.clusters > 0 THEN format(', cluster of people who are alike by %s',
				array_to_string(c.cluster_inputs, ', ')) END)),
		(42, 'retention', CASE WHEN c.retention_days IS NULL
			THEN 'no limit: alter_model(..., retention_days => ...)'
			ELSE format('%s days after the last order%s', c.retention_days,
				CASE WHEN streamed THEN ' or event' END) END),
		(43, 'minimum group size', c.minimum_group_size::text),
		(44, 'minimum customers', c.minimum_customers::text),
		(50, 'decisions', 'segments are assigned by rules; the model itself decides nothing about a person'),
		(51, 'segment map', coalesce(c.segment_map, 'none')),
		(52, 'version', format('%s, %s', c.version, c.reason)),
		(53, 'made by', c.made_by),
		(54, 'made at', to_char(c.made_at AT TIME ZONE c.time_zone, 'YYYY-MM-DD HH24:MI') || ' ' || c.time_zone),
		(55, 'kept up to date', CASE WHEN c.live THEN 'by triggers on the source' ELSE 'by refresh_model' END)
		) AS v (n, item, detail) WHERE v.detail IS NOT NULL;
END
$$;
COMMENT ON FUNCTION @extschema@._processing_lines(jsonb, boolean, boolean) IS
	'internal: what processing_record says of a configuration';

CREATE FUNCTION @extschema@._model_privacy_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- readers are other people's roles and tenants: for those who see all of them
	everything	text := @extschema@._model_reader_condition(model, settings, 'CURRENT_USER', 'r.tenant IS NULL');
	streamed	boolean := @extschema@._has_streams(settings);
BEGIN
	RETURN NEXT @extschema@._model_view('retention', @extschema@._fill($q$
SELECT r.customer_key, {tenant} AS tenant, r.last_event_on, r.remove_on, r.customer_id
  FROM (SELECT h.customer_key, h.tenant, h.customer_id, q.as_of, {last} AS last_event_on,
               {last} + {days} + 1 AS remove_on
          FROM {model}._question AS q, {model}._customers AS h WHERE h.tenant = q.tenant) AS r
 WHERE r.remove_on <= r.as_of + 30 ORDER BY r.remove_on, r.customer_key$q$,
			'model', quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 'r'),
			'last', @extschema@._model_last_activity(settings),
			'days', coalesce(settings ->> 'retention_days', 'NULL::int')),
		'the customers who have had no order for so long that the model will remove them within 30 days');

	RETURN NEXT @extschema@._model_view('processing_record', @extschema@._fill($q$
SELECT {name}::text AS model, u.item, u.detail FROM (
			SELECT v.position, v.item, v.detail FROM {model}.configuration AS c,
				@extschema@._processing_lines(to_jsonb(c), {streamed},
					EXISTS (SELECT 1 FROM {model}.recorded_segments)) AS v
			WHERE c.valid_until IS NULL
			UNION ALL
			{streams}
			SELECT 60, 'owner', pg_get_userbyid(n.nspowner)::text FROM pg_namespace AS n WHERE n.nspname = {name}
			UNION ALL
			SELECT 61, 'reader', g.role{tenants}
			FROM (SELECT DISTINCT
					CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END AS role
				FROM pg_class AS k, pg_namespace AS n, LATERAL aclexplode(k.relacl) AS a
				WHERE n.nspname = {name} AND n.oid = k.relnamespace AND k.relkind IN ('v', 'm', 'r')
				  AND a.privilege_type = 'SELECT' AND a.grantee <> k.relowner) AS g
			WHERE {everything}) AS u ORDER BY u.position, u.detail COLLATE "C"$q$,
			'model', quote_ident(model), 'name', quote_literal(model), 'everything', everything,
			'streamed', streamed::text,
			'streams', CASE WHEN streamed THEN @extschema@._fill(
				'SELECT 29, ''stream '' || t.stream, t.source FROM {model}.stream AS t UNION ALL ',
				'model', quote_ident(model)) ELSE '' END,
			'tenants', CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE @extschema@._fill($q$
				|| COALESCE(': ' || (SELECT CASE WHEN bool_or(r.tenant IS NULL) THEN 'all tenants'
					ELSE string_agg(r.tenant, ', ' ORDER BY r.tenant) END
				FROM {model}.reader AS r WHERE r.role = g.role), '')$q$, 'model', quote_ident(model)) END),
		'for the record of processing activities: purpose, legal basis, what is read about which people,'
		' how long it is kept, who reads it');
END
$$;
COMMENT ON FUNCTION @extschema@._model_privacy_views(name, jsonb) IS
	'internal: the views of a model about the processing of people''s data';
