--
-- Layer 4: what a model must not hold or show of people: those who have been
-- erased, although the source still has them; those without an event for as long
-- as the model keeps people; those who have not agreed. And which keys are one
-- person. Here are the pieces of SQL that views and functions are printed with.
--

CREATE FUNCTION @extschema@.suppression_token(key bytea, customer_key text)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'suppression_token'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.suppression_token(bytea, text) IS
	'HMAC-SHA256 of customer_key: by it a model recognizes a customer that it must not store;'
	' a pseudonym, because anybody with the key can try every customer';

CREATE FUNCTION @extschema@._new_suppression_key()
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'new_suppression_key'
	LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._new_suppression_key() IS 'internal: 32 random bytes';

-- Which key a token was made with: tokens may come into a model without their key,
-- by a restore of data say, and would match nobody.
CREATE FUNCTION @extschema@.suppression_key_id(key bytea)
	RETURNS bytea
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.substring(pg_catalog.sha256(key), 1, 8);
END;
COMMENT ON FUNCTION @extschema@.suppression_key_id(bytea) IS
	'by what a token says which suppression_key it was made with: the first 8 bytes of its SHA-256';

-- An expression for the number of tokens that the key of the model can't read.
CREATE FUNCTION @extschema@._model_foreign_tokens(model name)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('(SELECT count(*) FROM %1$I.suppressed AS s WHERE s.key_id IS DISTINCT FROM'
		' (SELECT @extschema@.suppression_key_id(k.key) FROM %1$I.suppression_key AS k)'
		' AND (s.key_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM %1$I.suppression_key)))', model);
END;
COMMENT ON FUNCTION @extschema@._model_foreign_tokens(name) IS
	'internal: an expression for the number of tokens on the suppression list that were made with another key';

CREATE FUNCTION @extschema@._model_check_tokens(model name)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	n	bigint;
BEGIN
	EXECUTE format('SELECT %s', @extschema@._model_foreign_tokens(model)) INTO n;
	IF n > 0 THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('%s on the suppression list of model "%s" %s made with another key',
				CASE n WHEN 1 THEN '1 token' ELSE format('%s tokens', n) END, model,
				CASE n WHEN 1 THEN 'was' ELSE 'were' END),
			DETAIL = 'The key in its table suppression_key can''t tell whose they are:'
				' people who were erased would be stored again.',
			HINT = format('Put back the key that came with the list: UPDATE %1$I.suppression_key'
				' SET key = ...; then reapply_suppression(%2$L). If it is lost: DELETE FROM %1$I.suppressed'
				' WHERE key_id <> (SELECT suppression_key_id(key) FROM %1$I.suppression_key),'
				' and erase these people again.',
				model, model);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_check_tokens(name) IS
	'internal: refuse to go on with a suppression list that the model can''t read';

-- A condition on a customer_key: under it the person has not agreed, where that is
-- asked for, or objects.
CREATE FUNCTION @extschema@._model_refuses(settings jsonb, customer text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'consent' IS NOT NULL THEN
		pg_catalog.format('NOT EXISTS (SELECT 1 FROM (%s) AS x WHERE (%s) COLLATE "C" = %s'
			' AND x.consent AND x.objection IS NOT TRUE)',
			settings OPERATOR(pg_catalog.->>) 'customers_query',
			@extschema@._model_key(settings, 'x.tenant', 'x.customer_id'), customer)
	WHEN settings OPERATOR(pg_catalog.->>) 'objection' IS NOT NULL THEN
		pg_catalog.format('EXISTS (SELECT 1 FROM (%s) AS x WHERE (%s) COLLATE "C" = %s AND x.objection)',
			settings OPERATOR(pg_catalog.->>) 'customers_query',
			@extschema@._model_key(settings, 'x.tenant', 'x.customer_id'), customer)
	ELSE 'false' END;
END;
COMMENT ON FUNCTION @extschema@._model_refuses(jsonb, text) IS
	'internal: a condition on a customer_key: no consent under it, or an objection';

-- One person may be known by several keys (merge_customers), and has refused if
-- they refuse under any of them. A condition on a customer who has not been merged
-- into another: nobody who has been merged into them refuses.
CREATE FUNCTION @extschema@._model_nobody_refuses(model name, settings jsonb, customer text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN COALESCE(settings OPERATOR(pg_catalog.->>) 'consent',
			settings OPERATOR(pg_catalog.->>) 'objection') IS NULL THEN 'true' ELSE
		pg_catalog.format('NOT EXISTS (SELECT 1 FROM %I.merged_customers AS m WHERE m.root_key = %s AND %s)',
			model, customer,
			@extschema@._model_refuses(settings, 'm.customer_key')) END;
END;
COMMENT ON FUNCTION @extschema@._model_nobody_refuses(name, jsonb, text) IS
	'internal: a condition on a customer: under no key that has been merged into this one the person refuses';

-- While nobody is on the list, there is no key: then no token is computed, for
-- suppression_token is strict.
CREATE FUNCTION @extschema@._model_not_suppressed(model name, customer text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('NOT EXISTS (SELECT 1 FROM %1$I.suppressed AS x'
		' WHERE x.token OPERATOR(pg_catalog.=) @extschema@.suppression_token('
		'(SELECT k.key FROM %1$I.suppression_key AS k WHERE EXISTS (SELECT 1 FROM %1$I.suppressed)), %2$s))',
		model, customer);
END;
COMMENT ON FUNCTION @extschema@._model_not_suppressed(name, text) IS
	'internal: a condition on a customer_key: it is not on the suppression list';

CREATE FUNCTION @extschema@.last_activity(history @extschema@.history)
	RETURNS date
	AS 'MODULE_PATHNAME', 'history_last_activity'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.last_activity(@extschema@.history) IS
	'The last day with an event, without any the last with a correction; NULL for an empty history';

CREATE FUNCTION @extschema@.without_negative_days(history @extschema@.history, before date)
	RETURNS @extschema@.history
	AS 'MODULE_PATHNAME', 'history_without_negative_days'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.without_negative_days(@extschema@.history, date) IS
	'The history without those days before a day that have fewer than no events';

-- The first day of retention: no customer with a last event before it is kept.
CREATE FUNCTION @extschema@._model_horizon(model name)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format(
		'(SELECT COALESCE(c.as_of, (pg_catalog.now() AT TIME ZONE c.time_zone)::date)'
		' OPERATOR(pg_catalog.-) c.retention_days'
		' FROM %I.configuration AS c WHERE c.valid_until IS NULL)', model);
END;
COMMENT ON FUNCTION @extschema@._model_horizon(name) IS 'internal: an expression for the first day of retention';

CREATE FUNCTION @extschema@._model_kept(model name, settings jsonb, history text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'retention_days' IS NULL THEN 'true' ELSE
		pg_catalog.format('@extschema@.last_activity(%s) OPERATOR(pg_catalog.>=) %s', history,
			@extschema@._model_horizon(model)) END;
END;
COMMENT ON FUNCTION @extschema@._model_kept(name, jsonb, text) IS
	'internal: a condition on a history: it is within the time of retention';

-- Differences added to a history, in a model that does not keep everybody: the
-- orders of somebody who was removed are not there to be taken away.
CREATE FUNCTION @extschema@._model_kept_days(model name, settings jsonb, history text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'retention_days' IS NULL THEN history ELSE
		pg_catalog.format('@extschema@.without_negative_days(%s, %s)', history, @extschema@._model_horizon(model)) END;
END;
COMMENT ON FUNCTION @extschema@._model_kept_days(name, jsonb, text) IS
	'internal: an expression for a history with differences of people who are not stored';

-- Those who have not agreed, or object, are in no view: not with what was recorded
-- of them earlier either, under whatever key.
CREATE FUNCTION @extschema@._model_may_be_shown(model name, settings jsonb, "row" text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN COALESCE(settings OPERATOR(pg_catalog.->>) 'consent',
			settings OPERATOR(pg_catalog.->>) 'objection') IS NULL THEN 'true' ELSE
		pg_catalog.format('%2$s AND %3$s AND NOT EXISTS (SELECT 1 FROM %1$I.merged_customers AS n'
			' WHERE n.customer_key = %4$s.customer_key'
				' AND (%5$s OR NOT (%6$s)))', model,
			-- without a double negation, of which the planner makes no join
			COALESCE(pg_catalog.substring(
					@extschema@._model_refuses(settings, "row" OPERATOR(pg_catalog.||) '.customer_key'), '^NOT (.*)$'),
				'NOT ' OPERATOR(pg_catalog.||)
					@extschema@._model_refuses(settings, "row" OPERATOR(pg_catalog.||) '.customer_key')),
			@extschema@._model_nobody_refuses(model, settings, "row" OPERATOR(pg_catalog.||) '.customer_key'), "row",
			@extschema@._model_refuses(settings, 'n.root_key'),
			@extschema@._model_nobody_refuses(model, settings, 'n.root_key')) END;
END;
COMMENT ON FUNCTION @extschema@._model_may_be_shown(name, jsonb, text) IS
	'internal: a condition on a row with customer_key: the person consents, and does not object';

-- The tables of a model and in each the columns that name a customer, by this
-- rule alone: in every table but configuration, texts that are called key,
-- customer_id, or something that ends so. customer_id counts where there is no
-- key: with tenant it names the same customer. Tables of others in the schema
-- have triggers of others: they are not touched.
CREATE FUNCTION @extschema@._model_person_tables(model name)
	RETURNS TABLE (relation oid, name name, keys text[], ids text[], owned boolean, analyzed boolean)
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT c.oid, c.relname,
		   pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum)
			   FILTER (WHERE a.attname OPERATOR(pg_catalog.~) '(^|_)key$'),
		   pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum)
			   FILTER (WHERE a.attname OPERATOR(pg_catalog.~) '(^|_)customer_id$'),
		   c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER),
		   pg_catalog.bool_or(a.attstattarget IS DISTINCT FROM 0)
	  FROM pg_catalog.pg_class AS c
	  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
	  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	 WHERE n.nspname = model AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'configuration'
	   AND a.atttypid IN ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype,
			   'pg_catalog.bpchar'::pg_catalog.regtype)
	   AND a.attname OPERATOR(pg_catalog.~) '(^|_)(key|customer_id)$'
	 GROUP BY c.oid, c.relname, c.relowner
	 ORDER BY c.relname;
END;
COMMENT ON FUNCTION @extschema@._model_person_tables(name) IS
	'internal: the tables of a model that name customers, and by which columns';

-- A condition on a row of such a table: it is about one of some customers.
CREATE FUNCTION @extschema@._model_is_about(settings jsonb, keys text[], ids text[], "row" text, customers text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.string_agg(pg_catalog.format('(%s) COLLATE "C" %s', k.key, customers), ' OR ' ORDER BY k.key)
	  FROM (SELECT pg_catalog.format('%s.%I', "row", u.key) AS key FROM pg_catalog.unnest(keys) AS u (key)
			UNION ALL
			SELECT @extschema@._model_key(settings, "row" OPERATOR(pg_catalog.||) '.tenant',
				pg_catalog.format('%s.%I', "row", u.id))
			  FROM pg_catalog.unnest(ids) AS u (id) WHERE keys IS NULL) AS k
	 -- names of ours, for each of which they are repeated
	 WHERE pg_catalog.octet_length("row") OPERATOR(pg_catalog.<=) 63
	   AND pg_catalog.octet_length(customers) OPERATOR(pg_catalog.<=) 1000;
END;
COMMENT ON FUNCTION @extschema@._model_is_about(jsonb, text[], text[], text, text) IS
	'internal: a condition on a row: it names one of some customers';

-- All tables that a writer of people's rows wants, in one order for all: as a
-- TRUNCATE of the source of a live model takes them, then by name.
CREATE FUNCTION @extschema@._model_lock_people(model name)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relation	name;
BEGIN
	EXECUTE format('LOCK TABLE %1$I.customer_histories, %1$I.pending, %1$I.rejects IN ROW EXCLUSIVE MODE', model);
	FOR relation IN SELECT p.name FROM @extschema@._model_person_tables(model) AS p WHERE p.owned ORDER BY p.name LOOP
		EXECUTE format('LOCK TABLE %I.%I IN ROW EXCLUSIVE MODE', model, relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_lock_people(name) IS
	'internal: lock the tables with rows about people, in the order in which everybody does';

-- Rows about these customers, deleted wherever there are any.
CREATE FUNCTION @extschema@._model_erase(model name, settings jsonb, customers text[])
	RETURNS TABLE (object text, erased bigint)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	t	record;
BEGIN
	PERFORM @extschema@._model_lock_people(model);
	FOR t IN SELECT * FROM @extschema@._model_person_tables(model) AS p WHERE p.owned ORDER BY p.name LOOP
		object := format('%I.%I', model, t.name);
		EXECUTE format('DELETE FROM %s AS t WHERE %s', object,
			@extschema@._model_is_about(settings, t.keys, t.ids, 't', 'IN (SELECT u.k FROM unnest($1) AS u (k))'))
				USING customers;
		GET DIAGNOSTICS erased = ROW_COUNT;
		IF erased > 0 AND t.analyzed THEN
			EXECUTE format('ANALYZE %s', object);
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_erase(name, jsonb, text[]) IS
	'internal: delete all rows of a model about some customers';

-- What else a model has of customers whose histories it has just removed
-- because their time was over, and of those who have left it long ago.
CREATE FUNCTION @extschema@._model_purge_rest(model name, settings jsonb, expired text[])
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF expired IS NOT NULL THEN
		PERFORM FROM @extschema@._model_erase(model, settings, expired);
		RAISE NOTICE 'model "%": % customers without an event for % days were removed',
			model, cardinality(expired), settings ->> 'retention_days';
	END IF;
	EXECUTE format('DELETE FROM %1$I.recorded_changes AS c WHERE c.as_of < %2$s'
		' AND NOT EXISTS (SELECT 1 FROM %3$s AS h WHERE h.customer_key = c.customer_key)',
		model, @extschema@._model_horizon(model), @extschema@._here(model, settings, 'customer_histories'));
END
$$;
COMMENT ON FUNCTION @extschema@._model_purge_rest(name, jsonb, text[]) IS
	'internal: what is left of customers whose time of retention is over';

-- These customers, and all who have been merged with one of them.
CREATE FUNCTION @extschema@._model_same_person(model name, customers text[])
	RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	everyone	text[];
BEGIN
	EXECUTE format($q$
		WITH roots AS (
			SELECT coalesce(m.root_key, u.k) AS root_key FROM unnest($1) AS u (k)
			  LEFT JOIN %1$I.merged_customers AS m ON m.customer_key = u.k
		)
		SELECT array_agg(DISTINCT s.k) FROM (
			SELECT r.root_key AS k FROM roots AS r
			UNION ALL SELECT m.customer_key FROM roots AS r
			  JOIN %1$I.merged_customers AS m ON m.root_key = r.root_key) AS s$q$, model)
		INTO everyone USING customers;
	RETURN everyone;
END
$$;
COMMENT ON FUNCTION @extschema@._model_same_person(name, text[]) IS
	'internal: customers with all who have been merged with them';
