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

-- The source read again; only rows that differ are written.
CREATE FUNCTION @extschema@._model_read_source(model name, settings jsonb)
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
			|| CASE WHEN (settings ->> 'live')::boolean THEN format(', pieces AS ('
				'INSERT INTO %1$I.pending (customer_key, tenant, %2$s difference)'
				' SELECT p.customer_key, p.tenant, %3$s p.difference FROM @extschema@._live_pieces(%4$L,'
				' (SELECT array_agg(d.too_large) FROM differing AS d WHERE d.too_large IS NOT NULL AND %5$s)) AS p)',
				model, CASE WHEN tenanted THEN 'customer_id,' ELSE '' END,
				CASE WHEN tenanted THEN 'p.customer_id,' ELSE '' END,
				@extschema@._model_live_pieces(model, @extschema@._ledger_source(settings)),
				@extschema@._model_not_suppressed(model, 'd.too_large')) ELSE '' END,
		@extschema@._model_not_suppressed(model, 'd.customer_key'),
		@extschema@._model_kept_customer(model, settings, 'f.history', 'f.customer_key'),
		CASE WHEN settings ->> 'retention_days' IS NULL THEN 'NULL::text[]' ELSE
			format('(SELECT array_agg(r.customer_key) FROM removed AS r WHERE NOT %s)',
				@extschema@._model_kept_customer(model, settings, 'r.history', 'r.customer_key')) END)
		INTO refresh, expired;
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
COMMENT ON FUNCTION @extschema@._model_read_source(name, jsonb) IS
	'internal: read the source of a model, write what differs';
