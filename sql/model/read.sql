--
-- Layer 4: the source read into histories; only what differs is written.
--

-- The histories that the source has now, by customer_key. Customers who have been
-- merged into another one are under the key of that one. Customers without a
-- history, because it would be too large, have a key in the column too_large only.
-- A model without merges pays nothing for them.
CREATE FUNCTION @extschema@._model_source_customers(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	counts		text := 'f.rows_read, f.no_customer, f.no_day, f.no_value, f.unconvertible';
	merged		boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.merged_customers)', model) INTO merged;
	IF NOT merged THEN
		RETURN format('WITH level AS (SELECT)'
			' SELECT CASE WHEN f.history IS NOT NULL THEN %1$s END COLLATE "C" AS customer_key, %2$s, f.history, %3$s,'
			' CASE WHEN f.history IS NULL AND f.rows_read IS NULL THEN %1$s END COLLATE "C" AS too_large'
			' FROM %4$s AS f',
			@extschema@._model_source_key(settings, 'f.customer_id'),
			CASE WHEN tenanted THEN 'f.customer_id[1] AS tenant, f.customer_id[2] AS customer_id'
				ELSE '''''::text AS tenant' END,
			counts, @extschema@._model_source_histories(settings));
	END IF;
	RETURN format($q$
		WITH source AS MATERIALIZED (
			SELECT (%2$s) COLLATE "C" AS customer_key, %3$s, f.history, %6$s FROM %5$s AS f
		), merged AS MATERIALIZED (
			SELECT m.customer_key, m.tenant, m.root_key, m.root_id FROM %1$I.merged_customers AS m
			UNION
			SELECT m.root_key, m.tenant, m.root_key, m.root_id FROM %1$I.merged_customers AS m
		)
		SELECT CASE WHEN f.history IS NOT NULL THEN f.customer_key END AS customer_key, f.tenant, %4$s f.history, %6$s,
			   CASE WHEN f.history IS NULL AND f.rows_read IS NULL THEN f.customer_key END AS too_large
		  FROM source AS f WHERE NOT EXISTS (SELECT 1 FROM merged AS m WHERE m.customer_key = f.customer_key)
		UNION ALL
		SELECT CASE WHEN s.history IS NOT NULL THEN s.root_key END, s.tenant, %7$s s.history,
			   NULL, NULL, NULL, NULL, NULL,
			   CASE WHEN s.history IS NULL THEN s.root_key END
		  FROM (SELECT m.root_key, m.tenant, m.root_id,
					   CASE WHEN bool_and(f.history IS NOT NULL) THEN @extschema@.try_sum(f.history) END AS history
				  FROM source AS f JOIN merged AS m ON m.customer_key = f.customer_key
				 GROUP BY m.root_key, m.tenant, m.root_id) AS s$q$,
		model, @extschema@._model_source_key(settings, 'f.customer_id'),
		CASE WHEN tenanted THEN 'f.customer_id[1] AS tenant, f.customer_id[2] AS customer_id'
			ELSE '''''::text AS tenant' END,
		CASE WHEN tenanted THEN 'f.customer_id,' ELSE '' END, @extschema@._model_source_histories(settings), counts,
		CASE WHEN tenanted THEN 's.root_id,' ELSE '' END);
END
$$;
COMMENT ON FUNCTION @extschema@._model_source_customers(name, jsonb) IS
	'internal: the query for the history that each customer has in the source now';

-- ---- where the histories are on workers ----

-- Can the workers read the source by themselves? Where a row is an order, stands on them,
-- counts for itself, and none is an error.
CREATE FUNCTION @extschema@._source_on_workers(settings jsonb)
	RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(@extschema@._is_distributed(settings)
		AND NOT (settings OPERATOR(pg_catalog.->>) 'of_histories')::boolean
		AND settings OPERATOR(pg_catalog.->>) 'event_key' IS NULL
		AND settings OPERATOR(pg_catalog.->>) 'on_error' OPERATOR(pg_catalog.=) 'reject'
		AND EXISTS (SELECT 1 FROM @extschema@._citus_tables(ARRAY(
				SELECT pg_catalog.to_regclass(r)::oid
				  FROM pg_catalog.unnest(@extschema@._model_names(settings, 'source_reads')) AS u (r))) AS c
			 WHERE c.kind OPERATOR(pg_catalog.=) 'distributed'), false);
END;
COMMENT ON FUNCTION @extschema@._source_on_workers(jsonb) IS
	'internal: is the source of a distributed model read by the workers?';

-- The source read into source_histories by the workers, who hand the histories to each other.
-- False: a total that no history can hold, or a source that Citus can't read so.
CREATE FUNCTION @extschema@._model_read_on_workers(model name, settings jsonb, OUT done boolean, OUT counts jsonb)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	day		text := CASE WHEN (settings ->> 'day_is_moment')::boolean
						THEN format('(r.day AT TIME ZONE %L)::date', settings ->> 'time_zone') ELSE 'r.day::date' END;
	key		text := @extschema@._model_source_key(settings, 'r.customer');
	keeps	text := concat('(@extschema@._is_scorable(', day, ', r.value) AND octet_length(', key, ') <= 1000)');
	merged	text[];
	keys	text[];
	histories	@extschema@.history[];
	lost	bigint := 0;
BEGIN
	EXECUTE @extschema@._fill($q$
		INSERT INTO {model}.source_histories (tenant, customer_key, history)
		SELECT '', {key}, r.history
		  FROM (SELECT r.customer, @extschema@.history_agg({day}, r.value{counts}) AS history FROM ({source}) AS r
				 WHERE r.customer IS NOT NULL AND r.day IS NOT NULL AND r.value IS NOT NULL AND {keeps}
				 GROUP BY r.customer) AS r
		 WHERE r.history OPERATOR(@extschema@.<>) '{}'$q$,
		'model', quote_ident(model), 'key', key, 'day', day, 'keeps', keeps, 'source', settings ->> 'source_query',
		'counts', @extschema@._model_live_counts(settings));
	EXECUTE @extschema@._fill($q$
		SELECT jsonb_build_object('rows_read', count(*), 'no_customer', count(*) FILTER (WHERE r.customer IS NULL),
			   'no_day', count(*) FILTER (WHERE r.customer IS NOT NULL AND r.day IS NULL),
			   'no_value', count(*) FILTER (WHERE r.customer IS NOT NULL AND r.day IS NOT NULL AND r.value IS NULL),
			   'unconvertible', count(*) FILTER (WHERE r.customer IS NOT NULL AND r.day IS NOT NULL
												   AND r.value IS NOT NULL AND NOT {keeps}))
		  FROM ({source}) AS r$q$, 'keeps', keeps, 'source', settings ->> 'source_query') INTO counts;
	-- who has been merged into another goes by the key of that one
	EXECUTE format('SELECT array_agg(k) FROM (SELECT m.customer_key AS k FROM %1$I.merged_customers AS m UNION'
		' SELECT m.root_key FROM %1$I.merged_customers AS m) AS m', model) INTO merged;
	IF merged IS NOT NULL THEN
		EXECUTE format('SELECT array_agg(s.customer_key), array_agg(s.history) FROM %I.source_histories AS s'
			' WHERE s.customer_key = ANY ($1)', model) INTO keys, histories USING merged;
		EXECUTE format('DELETE FROM %I.source_histories AS s WHERE s.customer_key = ANY ($1)', model) USING keys;
		EXECUTE @extschema@._fill($q$
			SELECT array_agg(r.root_key) FILTER (WHERE r.history IS NOT NULL),
				   array_agg(r.history) FILTER (WHERE r.history IS NOT NULL),
				   count(*) FILTER (WHERE r.history IS NULL)
			  FROM (SELECT coalesce(m.root_key, s.key) AS root_key, @extschema@.try_sum(s.history) AS history
					  FROM unnest($1, $2) AS s (key, history)
					  LEFT JOIN {model}.merged_customers AS m ON m.customer_key = s.key GROUP BY 1) AS r
			 WHERE (r.history OPERATOR(@extschema@.=) '{}') IS NOT TRUE$q$, 'model', quote_ident(model))
			INTO keys, histories, lost USING keys, histories;
		EXECUTE format('INSERT INTO %I.source_histories (tenant, customer_key, history)'
			' SELECT '''', s.key, s.history FROM unnest($1, $2) AS s (key, history)', model) USING keys, histories;
	END IF;
	counts := counts || jsonb_build_object('too_large', lost);
	done := true;
EXCEPTION WHEN numeric_value_out_of_range OR feature_not_supported THEN
	done := false;
END
$$;
COMMENT ON FUNCTION @extschema@._model_read_on_workers(name, jsonb) IS
	'internal: have the workers read the source of a distributed model, if they can';

-- For Citus, that is a statement about objects, which the calls around it keep from it.
CREATE FUNCTION @extschema@._model_empty_source(model name)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	EXECUTE format('TRUNCATE %I.source_histories', model);
END
$$;
COMMENT ON FUNCTION @extschema@._model_empty_source(name) IS
	'internal: take what was read back from the workers';

-- What a reading found, as jsonb, and what it wrote: a row of refreshes. It makes rejects good.
CREATE FUNCTION @extschema@._model_note_refresh(model name, settings jsonb, customers bigint,
		added bigint, changed bigint, removed bigint, counts jsonb)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	refresh		bigint;
BEGIN
	EXECUTE format($q$
		INSERT INTO %I.refreshes (version, started_at, rows_read,
			   rows_without_customer, rows_without_day, rows_without_value, rows_unconvertible,
			   customers, customers_added, customers_changed, customers_removed, customers_too_large)
		SELECT $1, statement_timestamp(), c.rows_read, c.no_customer, c.no_day, c.no_value, c.unconvertible,
			   $2, $3, $4, $5, c.too_large
		  FROM jsonb_to_record($6) AS c (rows_read bigint, no_customer bigint, no_day bigint, no_value bigint,
			   unconvertible bigint, too_large bigint)
		RETURNING refresh_id$q$, model)
		INTO refresh
		USING (settings ->> 'version')::int, customers, added, changed, removed, counts;
	EXECUTE format('DELETE FROM %I.rejects AS r WHERE r.reason !~ ''^(stream [0-9]+|events): ''', model);
	RETURN refresh;
END
$$;
COMMENT ON FUNCTION @extschema@._model_note_refresh IS
	'internal: note what a reading of the source has found and written; rejects of the orders are made good';

-- A refresh of a distributed model: its source, wherever it is, into source_histories on the
-- workers, and from there into customer_histories, where each customer is on the same shard.
-- Erased customers have no row: only those that would be new are looked for on the list,
-- here, where its key is.
CREATE FUNCTION @extschema@._model_read_to_workers(model name, settings jsonb, OUT refresh bigint, OUT expired text[])
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	counts		jsonb;
	horizon		text;
	expires		text;			-- a condition on a history h
	suppressed	boolean;
	keys		text[];
	earlier		bigint;
	added		bigint;
	changed		bigint;
	removed		bigint;
BEGIN
	PERFORM @extschema@._model_empty_source(model);
	IF @extschema@._source_on_workers(settings) THEN
		SELECT r.counts INTO counts FROM @extschema@._model_read_on_workers(model, settings) AS r WHERE r.done;
	END IF;
	IF counts IS NULL THEN
		EXECUTE format('INSERT INTO %I.source_rows (customer_key, tenant, history, rows_read, no_customer, no_day,'
			' no_value, unconvertible, too_large_key)'
			' SELECT f.customer_key, f.tenant, f.history, f.rows_read, f.no_customer, f.no_day, f.no_value,'
			' f.unconvertible, f.too_large FROM (%s) AS f', model,
			@extschema@._model_source_customers(model, settings));
		EXECUTE @extschema@._fill($q$
			INSERT INTO {model}.source_histories (tenant, customer_key, history)
			SELECT s.tenant, s.customer_key, s.history FROM {model}.source_rows AS s
			 WHERE s.history OPERATOR(@extschema@.<>) '{}'$q$, 'model', quote_ident(model));
		EXECUTE format('SELECT to_jsonb(s) || jsonb_build_object(''too_large'','
			' (SELECT count(x.too_large_key) FROM %1$I.source_rows AS x)) FROM %1$I.source_rows AS s'
			' WHERE s.rows_read IS NOT NULL', model) INTO counts;
		EXECUTE format('TRUNCATE %I.source_rows', model);
	END IF;

	EXECUTE format('SELECT count(*) FROM %I.customer_histories', model) INTO earlier;
	IF settings ->> 'retention_days' IS NOT NULL THEN
		EXECUTE format('SELECT to_char(%s, ''YYYY-MM-DD'')', @extschema@._model_horizon(model)) INTO horizon;
		-- neither orders nor events within the time of retention
		expires := concat('(@extschema@.last_activity(h.history) >= ', quote_literal(horizon), '::date) IS NOT TRUE',
			CASE WHEN @extschema@._has_streams(settings) THEN concat(' AND NOT EXISTS (SELECT 1 FROM ',
				format('%I.stream_histories', model), ' AS e WHERE e.customer_key = h.customer_key'
				' AND @extschema@.last_activity(e.streams) >= ', quote_literal(horizon), '::date)') END);
		EXECUTE format('DELETE FROM %I.source_histories AS h WHERE ', model) || expires;
	END IF;
	EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.suppressed)', model) INTO suppressed;
	IF suppressed THEN
		EXECUTE format('SELECT array_agg(s.customer_key) FROM %1$I.source_histories AS s'
			' LEFT JOIN %1$I.customer_histories AS h ON h.customer_key = s.customer_key'
			' WHERE h.customer_key IS NULL', model) INTO keys;
		EXECUTE format('SELECT array_agg(u.k) FROM unnest($1) AS u (k) WHERE NOT (%s)',
			@extschema@._model_not_suppressed(model, 'u.k')) INTO keys USING keys;
		EXECUTE format('DELETE FROM %I.source_histories AS s WHERE s.customer_key = ANY ($1)', model) USING keys;
	END IF;
	IF expires IS NOT NULL THEN
		EXECUTE format('SELECT array_agg(h.customer_key) FROM %1$I.customer_histories AS h'
			' LEFT JOIN %1$I.source_histories AS s ON s.customer_key = h.customer_key'
			' WHERE s.customer_key IS NULL AND ', model) || expires INTO expired;
	END IF;
	EXECUTE format('DELETE FROM %1$I.customer_histories AS h WHERE NOT EXISTS'
		' (SELECT 1 FROM %1$I.source_histories AS s WHERE s.customer_key = h.customer_key)', model);
	GET DIAGNOSTICS removed = ROW_COUNT;
	EXECUTE @extschema@._fill($q$
		UPDATE {model}.customer_histories AS h SET history = s.history FROM {model}.source_histories AS s
		 WHERE s.customer_key = h.customer_key AND h.history OPERATOR(@extschema@.<>) s.history$q$,
		'model', quote_ident(model));
	GET DIAGNOSTICS changed = ROW_COUNT;
	EXECUTE format('INSERT INTO %1$I.customer_histories AS h (tenant, customer_key, history)'
		' SELECT s.tenant, s.customer_key, s.history FROM %1$I.source_histories AS s'
		' ON CONFLICT (customer_key) DO NOTHING', model);
	GET DIAGNOSTICS added = ROW_COUNT;
	PERFORM @extschema@._model_empty_source(model);
	refresh := @extschema@._model_note_refresh(model, settings, earlier + added - removed,
		added, changed, removed, counts);
END
$$;
COMMENT ON FUNCTION @extschema@._model_read_to_workers(name, jsonb) IS
	'internal: read the source of a distributed model, write what differs; who was removed because their time was over';

-- What is left of those whose time was over, and the end of the refresh.
CREATE FUNCTION @extschema@._model_finish_refresh(model name, settings jsonb, refresh bigint, expired text[])
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF settings ->> 'retention_days' IS NOT NULL THEN
		PERFORM @extschema@._model_purge_rest(model, settings, expired);
		-- nor are there events of people who were never stored, because their time was over
		IF @extschema@._is_ledger(settings) THEN
			EXECUTE @extschema@._fill($q$
				DELETE FROM {model}.ledger AS l
				 WHERE NOT EXISTS (SELECT 1 FROM {model}.customer_histories AS h WHERE h.customer_key = l.customer_key)
				   AND NOT EXISTS (SELECT 1 FROM {model}.merged_customers AS m JOIN {model}.customer_histories AS h
										ON h.customer_key = m.root_key WHERE m.customer_key = l.customer_key)
				   AND NOT EXISTS (SELECT 1 FROM {model}.pending AS p WHERE p.customer_key = l.customer_key)
				   AND l.customer_key IS NOT NULL$q$, 'model', quote_ident(model));
		END IF;
	END IF;
	EXECUTE format('UPDATE %I.refreshes SET finished_at = clock_timestamp() WHERE refresh_id = $1', model)
		USING refresh;
END
$$;
COMMENT ON FUNCTION @extschema@._model_finish_refresh(name, jsonb, bigint, text[]) IS
	'internal: purge what is left of customers whose time was over, and note that a refresh is done';

CREATE FUNCTION @extschema@._model_append_histories(relation oid, query text,
		OUT appended bigint, OUT rows_read bigint, OUT no_customer bigint, OUT no_day bigint, OUT no_value bigint,
		OUT unconvertible bigint, OUT too_large text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'append_histories'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@._model_append_histories(oid, text) IS
	'internal: write the histories that a query gives into a table of the caller''s, made in this transaction;'
	' the rows without a history, and last how many had one';

-- What of customers whose history would be too large fits into pieces: pending.
CREATE FUNCTION @extschema@._model_put_pieces(model name, settings jsonb, keys text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('INSERT INTO %1$I.pending (customer_key, tenant, %2$s difference)'
		' SELECT p.customer_key, p.tenant, %3$s p.difference FROM @extschema@._live_pieces(%4$L, %5$s) AS p', model,
		CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE 'customer_id,' END,
		CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE 'p.customer_id,' END,
		@extschema@._model_live_pieces(model, @extschema@._ledger_source(settings)), keys)
$$;
COMMENT ON FUNCTION @extschema@._model_put_pieces(name, jsonb, text) IS
	'internal: the statement that keeps what fits no history in pending, by an expression for the keys';

-- The source read for the first time, into tables that nobody else can see.
CREATE FUNCTION @extschema@._model_read_first(model name, settings jsonb)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	added		bigint;
	counts		jsonb;
	too_large	text[];
BEGIN
	SELECT max(r.appended), jsonb_agg(to_jsonb(r)) FILTER (WHERE r.rows_read IS NOT NULL) -> 0,
		   array_agg(r.too_large) FILTER (WHERE r.too_large IS NOT NULL)
	  INTO added, counts, too_large
	  FROM @extschema@._model_append_histories(format('%I.customer_histories', model)::regclass,
		format('SELECT * FROM (%s) AS f WHERE f.history IS NULL OR f.history OPERATOR(@extschema@.<>) ''{}'' AND %s'
			' ORDER BY f.customer_key', @extschema@._model_source_customers(model, settings),
			@extschema@._model_kept_customer(model, settings, 'f.history', 'f.customer_key'))) AS r;
	-- what triggers of ours have seen of this transaction's own orders was read as well
	EXECUTE format('DELETE FROM %I.pending', model);
	IF (settings ->> 'live')::boolean AND too_large IS NOT NULL THEN
		EXECUTE @extschema@._model_put_pieces(model, settings, '$1') USING too_large;
	END IF;
	RETURN @extschema@._model_note_refresh(model, settings, added, added, 0, 0,
		counts || jsonb_build_object('too_large', coalesce(cardinality(too_large), 0)));
END
$$;
COMMENT ON FUNCTION @extschema@._model_read_first(name, jsonb) IS
	'internal: read the source of a model that has just been made';

-- The source read again; only rows that differ are written.
CREATE FUNCTION @extschema@._model_read_source(model name, settings jsonb, first boolean DEFAULT false)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	refresh		bigint;
	expired		text[];
	state		text;
	message		text;
BEGIN
	PERFORM @extschema@._model_check_tokens(model);
	IF @extschema@._is_distributed(settings) THEN
		SELECT r.refresh, r.expired INTO refresh, expired FROM @extschema@._model_read_to_workers(model, settings) AS r;
		PERFORM @extschema@._model_finish_refresh(model, settings, refresh, expired);
		RETURN refresh;
	END IF;
	-- a ledger is written by the statement that reads
	IF first AND NOT @extschema@._is_ledger(settings) THEN
		refresh := @extschema@._model_read_first(model, settings);
		PERFORM @extschema@._model_finish_refresh(model, settings, refresh, NULL);
		RETURN refresh;
	END IF;
	-- Customers without a history, because it would be too large, have no key here.
	-- Like the row with the counts they match no stored customer, and are among
	-- those that differ. New rows need not look for a conflict. Erased customers
	-- have no row: only those that would be new are looked for on the list.
	EXECUTE format($q$
		WITH differing AS MATERIALIZED (
			SELECT coalesce(f.customer_key, h.customer_key) AS customer_key, f.tenant, %3$s f.history,
				   h.customer_key IS NULL AS is_new,
				   f.rows_read, f.no_customer, f.no_day, f.no_value, f.unconvertible, f.too_large
			  FROM (SELECT * FROM (%2$s) AS f
					 WHERE f.history IS NULL OR f.history OPERATOR(@extschema@.<>) '{}' AND %9$s) AS f
			  FULL JOIN %1$I.customer_histories AS h ON h.customer_key = f.customer_key
			 WHERE h.customer_key IS NULL OR f.customer_key IS NULL OR h.history OPERATOR(@extschema@.<>) f.history
		), removed AS (
			DELETE FROM %1$I.customer_histories AS h USING differing AS d
			 WHERE d.history IS NULL AND h.customer_key = d.customer_key
			RETURNING h.customer_key, h.history
		), changed AS (
			INSERT INTO %1$I.customer_histories AS h (tenant, customer_key, %4$s history)
			SELECT d.tenant, d.customer_key, %5$s d.history FROM differing AS d
			 WHERE d.history IS NOT NULL AND NOT d.is_new ORDER BY d.customer_key
			ON CONFLICT (customer_key) DO UPDATE SET history = EXCLUDED.history
			RETURNING 1
		), added AS (
			INSERT INTO %1$I.customer_histories AS h (tenant, customer_key, %4$s history)
			SELECT d.tenant, d.customer_key, %5$s d.history FROM differing AS d
			 WHERE d.history IS NOT NULL AND d.is_new AND %8$s ORDER BY d.customer_key
			RETURNING 1
		)%7$s
		INSERT INTO %1$I.refreshes (version, started_at, finished_at, rows_read,
			   rows_without_customer, rows_without_day, rows_without_value, rows_unconvertible,
			   customers, customers_added, customers_changed, customers_removed, customers_too_large)
		SELECT %6$s, statement_timestamp(), NULL, f.rows_read, f.no_customer, f.no_day, f.no_value, f.unconvertible,
			   n.earlier + n.added - n.removed, n.added, n.changed, n.removed, n.too_large
		  FROM differing AS f,
			   (SELECT (SELECT count(*) FROM %1$I.customer_histories) AS earlier, (SELECT count(*) FROM added) AS added,
					   (SELECT count(*) FROM changed) AS changed, (SELECT count(*) FROM removed) AS removed,
					   (SELECT count(*) FROM differing AS d WHERE d.customer_key IS NULL) - 1 AS too_large
				OFFSET 0) AS n
		 WHERE f.rows_read IS NOT NULL
		RETURNING refresh_id, %10$s
		$q$, model, @extschema@._model_source_customers(model, settings),
		CASE WHEN tenanted THEN 'f.customer_id,' ELSE '' END, CASE WHEN tenanted THEN 'customer_id,' ELSE '' END,
		CASE WHEN tenanted THEN 'd.customer_id,' ELSE '' END, settings ->> 'version',
		-- what this snapshot of the source has, is not pending any more
		@extschema@._ledger_reading(model, settings)
			|| format(', applied AS (DELETE FROM %1$I.pending), mended AS (DELETE FROM %1$I.rejects AS r'
			' WHERE r.reason !~ ''^(stream [0-9]+|events): '')', model)
			|| CASE WHEN (settings ->> 'live')::boolean
				THEN format(', pieces AS (%s)', @extschema@._model_put_pieces(model, settings,
					format('(SELECT array_agg(d.too_large) FROM differing AS d WHERE d.too_large IS NOT NULL AND %s)',
						@extschema@._model_not_suppressed(model, 'd.too_large')))) ELSE '' END,
		@extschema@._model_not_suppressed(model, 'd.customer_key'),
		@extschema@._model_kept_customer(model, settings, 'f.history', 'f.customer_key'),
		CASE WHEN settings ->> 'retention_days' IS NULL THEN 'NULL::text[]' ELSE
			format('(SELECT array_agg(r.customer_key) FROM removed AS r WHERE NOT %s)',
				@extschema@._model_kept_customer(model, settings, 'r.history', 'r.customer_key')) END)
		INTO refresh, expired;
	PERFORM @extschema@._model_finish_refresh(model, settings, refresh, expired);
	RETURN refresh;
EXCEPTION
	WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name
		OR ambiguous_column
		OR datatype_mismatch OR cannot_coerce OR wrong_object_type OR grouping_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@._model_raise_unreadable(model, state, message);
		RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@._model_read_source(name, jsonb, boolean) IS
	'internal: read the source of a model, write what differs; first: into tables that have just been made';
