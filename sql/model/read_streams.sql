--
-- Layer 4: the sources of streams read into histories by stream and kind; only
-- what differs is written.
--

-- The histories that a stream has in its source now, by customer and kind.
CREATE FUNCTION @extschema@._stream_rows(settings jsonb, stream jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	own			jsonb := @extschema@._stream_settings(settings, stream);
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
BEGIN
	RETURN @extschema@._fill($q$
	SELECT {no} AS stream_no, ({key}) COLLATE "C" AS customer_key, {tenant} AS tenant,
	       {customer} AS customer_id, {kind} COLLATE "C" AS kind,
	       f.history, f.rows_read, f.no_customer, f.no_day, f.no_value, f.unconvertible
	  FROM {histories} AS f$q$,
		'no', stream ->> 'stream_no', 'key', @extschema@._model_source_key(own, 'f.customer_id'),
		'tenant', CASE WHEN tenanted THEN 'f.customer_id[1]' ELSE '''''::text' END,
		'customer', CASE WHEN tenanted THEN 'f.customer_id[2]' ELSE 'f.customer_id[1]' END,
		'kind', @extschema@._stream_kind(own, 'f.customer_id'),
		'histories', @extschema@._model_source_histories(own));
END
$$;
COMMENT ON FUNCTION @extschema@._stream_rows(jsonb, jsonb) IS
	'internal: the query for the histories that a stream has in its source now, by customer and kind';

-- Clauses that number the kinds that are new among rows with stream_no and kind: the
-- next numbers, those of most rows first, as many as the stream may have.
CREATE FUNCTION @extschema@._numbered_kinds(model name, rows text, condition text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$new_kinds AS MATERIALIZED (
	SELECT r.stream_no, r.kind, t.kinds, t.role,
	       row_number() OVER (PARTITION BY r.stream_no ORDER BY count(*) DESC, r.kind)
	       + (SELECT coalesce(max(k.kind_no), 0) FROM {model}.stream_kind AS k
	           WHERE k.stream_no = r.stream_no) AS kind_no
	  FROM {rows} AS r JOIN {model}.stream AS t ON t.stream_no = r.stream_no
	 WHERE r.kind <> '' AND {condition}
	   AND NOT EXISTS (SELECT 1 FROM {model}.stream_kind AS k WHERE k.stream_no = r.stream_no AND k.kind = r.kind)
	 GROUP BY r.stream_no, r.kind, t.kinds, t.role
), written_kinds AS (
	INSERT INTO {model}.stream_kind (stream_no, kind_no, kind, role)
	SELECT n.stream_no, n.kind_no, n.kind, @extschema@._stream_role(n.role, n.kind)
	  FROM new_kinds AS n WHERE n.kind_no <= n.kinds
)$q$, 'model', pg_catalog.quote_ident(model), 'rows', rows, 'condition', condition);
END;
COMMENT ON FUNCTION @extschema@._numbered_kinds(name, text, text) IS
	'internal: clauses of a query that number the kinds that are new';

-- A clause for the kinds that have a number, with those that _numbered_kinds has just numbered.
CREATE FUNCTION @extschema@._known_kinds(model name, with_new boolean)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$known_kinds AS MATERIALIZED (
	SELECT k.stream_no, k.kind, k.kind_no FROM {model}.stream_kind AS k{new}
)$q$, 'model', pg_catalog.quote_ident(model), 'new', CASE WHEN with_new THEN '
	UNION ALL
	SELECT n.stream_no, n.kind, n.kind_no FROM new_kinds AS n WHERE n.kind_no <= n.kinds' ELSE '' END);
END;
COMMENT ON FUNCTION @extschema@._known_kinds(name, boolean) IS
	'internal: a clause of a query for the kinds that have a number';

-- The first clauses of a query for what these streams have in their sources now:
-- source_rows has a row for each customer and kind, and one for each stream with
-- counts; known_kinds the kinds that have a number; fresh the customers. If it may
-- write, kinds that are new get the next numbers, those with most customers first;
-- when the stream has as many as it may, the others count as other.
CREATE FUNCTION @extschema@._stream_reading(model name, settings jsonb, streams int[], may_write boolean)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN @extschema@._fill($q$
WITH source_rows AS MATERIALIZED ({rows}
){write}, {known}, fresh AS (
	SELECT coalesce(m.root_key, r.customer_key) AS customer_key, min(r.tenant) AS tenant,
	       min(coalesce(m.root_id, r.customer_id)) AS customer_id,
	       @extschema@._try_stream_histories_agg(r.stream_no, coalesce(k.kind_no, 0)::int, r.history) AS streams
	  FROM source_rows AS r
	  LEFT JOIN known_kinds AS k ON k.stream_no = r.stream_no AND k.kind = r.kind
	  LEFT JOIN {model}.merged_customers AS m ON m.customer_key = r.customer_key
	 WHERE r.history IS NOT NULL
	 GROUP BY 1
)$q$,
		'model', quote_ident(model),
		'rows', (SELECT string_agg(@extschema@._stream_rows(settings, s.row_settings), E'\n\tUNION ALL'
				ORDER BY s.stream_no)
			FROM @extschema@._streams(settings) AS s WHERE s.stream_no = ANY (streams)),
		'known', @extschema@._known_kinds(model, may_write),
		'write', CASE WHEN may_write THEN @extschema@._fill($q$, {numbered}, beyond AS (
	UPDATE {model}.stream AS t SET kinds_beyond =
	       (SELECT array_agg(n.kind ORDER BY n.kind_no) FROM new_kinds AS n
	         WHERE n.stream_no = t.stream_no AND n.kind_no > n.kinds AND n.kind_no <= n.kinds + 100)
	 WHERE t.stream_no = ANY ({streams})
)$q$, 'model', quote_ident(model), 'streams', quote_literal(streams::text),
			'numbered', @extschema@._numbered_kinds(model, 'source_rows', 'r.history IS NOT NULL')) ELSE '' END);
END
$$;
COMMENT ON FUNCTION @extschema@._stream_reading(name, jsonb, int[], boolean) IS
	'internal: the first clauses of a query that reads the sources of streams';

-- What is stored without the streams that are read.
CREATE FUNCTION @extschema@._without_streams(streams int[], expression text)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	no	int;
BEGIN
	-- numbers of streams, and a column
	IF cardinality(streams) > 255 OR octet_length(expression) > 1000 THEN
		RETURN NULL;
	END IF;
	FOREACH no IN ARRAY coalesce(streams, '{}') LOOP
		expression := format('@extschema@.without_stream(%s, %s)', expression, no);
	END LOOP;
	RETURN expression;
END
$$;
COMMENT ON FUNCTION @extschema@._without_streams(int[], text) IS
	'internal: an expression for histories without some streams';

-- A question that has an answer of one class gets numbers for all of them, as long as
-- there are any: a class that comes later would count as other, and the shares of those
-- that are known would be wrong.
CREATE FUNCTION @extschema@._complete_questions(model name)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	EXECUTE @extschema@._fill($q$
		INSERT INTO {model}.stream_kind (stream_no, kind_no, kind, role)
		SELECT n.stream_no, n.kind_no, n.kind, n.role
		  FROM (SELECT q.stream_no, q.kinds, q.role, q.question || ':' || c.class AS kind,
		               q.last_no + row_number() OVER (PARTITION BY q.stream_no ORDER BY q.first_no, c.n) AS kind_no
		          FROM (SELECT t.stream_no, t.kinds, t.role, t.scale, a.question, min(k.kind_no) AS first_no,
		                       max(max(k.kind_no)) OVER (PARTITION BY t.stream_no) AS last_no
		                  FROM {model}.stream AS t JOIN {model}.stream_kind AS k ON k.stream_no = t.stream_no
		                 CROSS JOIN LATERAL (SELECT @extschema@._answer_question(t.scale, k.kind)) AS a (question)
		                 WHERE t.scale IS NOT NULL
		                 GROUP BY t.stream_no, t.kinds, t.role, t.scale, a.question) AS q
		         CROSS JOIN LATERAL unnest(@extschema@._scale_classes(q.scale)) WITH ORDINALITY AS c (class, n)
		         WHERE q.question IS NOT NULL
		           AND NOT EXISTS (SELECT 1 FROM {model}.stream_kind AS k
		                            WHERE k.stream_no = q.stream_no AND k.kind = q.question || ':' || c.class)) AS n
		 WHERE n.kind_no <= n.kinds$q$, 'model', quote_ident(model));
END
$$;
COMMENT ON FUNCTION @extschema@._complete_questions(name) IS
	'internal: numbers for all classes of the questions of a model';

-- These streams read again; NULL: all of them. Only rows that differ are written.
-- Erased customers have no row: only those that would be new are looked for on the
-- list. A total that fits no history is left out with its kind, and counted.
CREATE FUNCTION @extschema@._read_streams(model name, settings jsonb, wanted int[] DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	streams		int[] := ARRAY(SELECT s.stream_no FROM @extschema@._streams(settings) AS s
						WHERE wanted IS NULL OR s.stream_no = ANY (wanted) ORDER BY s.stream_no);
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	distributed	boolean := @extschema@._is_distributed(settings);
	state		text;
	message		text;
BEGIN
	IF streams = '{}' THEN
		RETURN;
	END IF;
	PERFORM @extschema@._model_check_tokens(model);
	EXECUTE @extschema@._fill($q${reading}, differing AS MATERIALIZED (
	SELECT coalesce(f.customer_key, h.customer_key) AS customer_key, coalesce(f.tenant, h.tenant) AS tenant,
	       {f_customer} CASE WHEN h.streams IS NULL THEN f.streams
	            WHEN f.streams IS NULL THEN {others}
	            ELSE {others} OPERATOR(@extschema@.+) f.streams END AS streams, h.customer_key IS NULL AS is_new,
	       h.streams AS stored, f.streams AS read
	  FROM fresh AS f
	  FULL JOIN {stored} AS h ON h.customer_key = f.customer_key
), removed AS (
	{remove}
	 WHERE h.customer_key = d.customer_key AND NOT d.is_new AND d.streams OPERATOR(@extschema@.=) '{}'
), changed AS (
	INSERT INTO {model}.{written} AS h (tenant, customer_key, {customer} streams)
	SELECT d.tenant, d.customer_key, {d_customer} d.streams FROM differing AS d
	 WHERE d.streams OPERATOR(@extschema@.<>) '{}' AND NOT d.is_new AND d.streams OPERATOR(@extschema@.<>) d.stored
	 ORDER BY d.customer_key
	ON CONFLICT (customer_key) DO UPDATE SET streams = EXCLUDED.streams
	RETURNING 1
), added AS (
	INSERT INTO {model}.{written} AS h (tenant, customer_key, {customer} streams)
	SELECT d.tenant, d.customer_key, {d_customer} d.streams FROM differing AS d
	 WHERE d.streams OPERATOR(@extschema@.<>) '{}' AND d.is_new AND {allowed} ORDER BY d.customer_key
	RETURNING 1
), applied AS (
	DELETE FROM {model}.pending_events AS p WHERE p.stream_no = ANY ({streams})
), mended AS (
	DELETE FROM {model}.rejects AS r
	 WHERE split_part(r.reason, ':', 1) = ANY (ARRAY(SELECT 'stream ' || s FROM unnest({streams}::int[]) AS s))
	    OR {all_read} AND r.reason ^@ 'events: '
)
INSERT INTO {model}.refreshes (stream_no, version, started_at, finished_at, rows_read, rows_without_customer,
       rows_without_day, rows_without_value, rows_unconvertible, customers, customers_added, customers_changed,
       customers_removed, customers_too_large)
SELECT r.stream_no, {version}, statement_timestamp(), clock_timestamp(), r.rows_read, r.no_customer,
       r.no_day, r.no_value, r.unconvertible,
       (SELECT count(*) FROM differing AS d WHERE d.read IS NOT NULL AND {has_stream}),
       (SELECT count(*) FROM added), (SELECT count(*) FROM changed),
       (SELECT count(*) FROM differing AS d WHERE NOT d.is_new AND d.streams OPERATOR(@extschema@.=) '{}'),
       (SELECT count(*) FROM source_rows AS x
         WHERE x.stream_no = r.stream_no AND x.history IS NULL AND x.rows_read IS NULL)
  FROM source_rows AS r WHERE r.rows_read IS NOT NULL$q$,
		'reading', @extschema@._stream_reading(model, settings, streams, true),
		'stored', @extschema@._here(model, settings, 'stream_histories'),
		-- on workers, rows are written by statements of their own
		'written', CASE WHEN distributed THEN 'stream_changes' ELSE 'stream_histories' END,
		'remove', format(CASE WHEN distributed
			THEN 'INSERT INTO %I.stream_changes (tenant, customer_key, streams) SELECT d.tenant, d.customer_key,'
				' d.streams FROM differing AS d CROSS JOIN LATERAL (SELECT d.customer_key) AS h'
			ELSE 'DELETE FROM %I.stream_histories AS h USING differing AS d' END, model),
		'model', quote_ident(model), 'version', settings ->> 'version',
		'others', @extschema@._without_streams(streams, 'h.streams'),
		'streams', quote_literal(streams::text),
		'all_read', CASE WHEN wanted IS NULL THEN 'true' ELSE 'false' END,
		'allowed', @extschema@._model_not_suppressed(model, 'd.customer_key'),
		'has_stream', '@extschema@.stream_history(d.read, r.stream_no) OPERATOR(@extschema@.<>) ''{}''',
		'f_customer', CASE WHEN tenanted THEN 'coalesce(f.customer_id, h.customer_id) AS customer_id,' ELSE '' END,
		'customer', CASE WHEN tenanted THEN 'customer_id,' ELSE '' END,
		'd_customer', CASE WHEN tenanted THEN 'd.customer_id,' ELSE '' END);
	IF distributed THEN
		EXECUTE @extschema@._fill($q$
			DELETE FROM {model}.stream_histories AS h WHERE h.customer_key IN (SELECT c.customer_key
				FROM {model}.stream_changes AS c WHERE c.streams OPERATOR(@extschema@.=) '{}')$q$,
			'model', quote_ident(model));
		EXECUTE @extschema@._fill($q$
			INSERT INTO {model}.stream_histories AS h (tenant, customer_key, streams)
			SELECT c.tenant, c.customer_key, c.streams FROM {model}.stream_changes AS c
			 WHERE c.streams OPERATOR(@extschema@.<>) '{}'
			ON CONFLICT (customer_key) DO UPDATE SET streams = EXCLUDED.streams$q$, 'model', quote_ident(model));
		EXECUTE format('TRUNCATE %I.stream_changes', model);
	END IF;
	EXECUTE format('ANALYZE %I.stream_histories', model);
	PERFORM @extschema@._complete_questions(model);
	PERFORM @extschema@._compile_cards(model);
	PERFORM @extschema@._write_categories(model, settings);
EXCEPTION
	WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name
		OR ambiguous_column OR datatype_mismatch OR cannot_coerce OR wrong_object_type OR grouping_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@._model_raise_unreadable(model, state, message);
END
$$;
COMMENT ON FUNCTION @extschema@._read_streams(name, jsonb, int[]) IS
	'internal: read streams of a model from their sources, write what differs';

-- Who has no event and no order within the time of retention, with all that the
-- model has of them.
CREATE FUNCTION @extschema@._purge_streams(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	expired	text[];
BEGIN
	IF settings ->> 'retention_days' IS NULL OR NOT @extschema@._has_streams(settings) THEN
		RETURN;
	END IF;
	EXECUTE @extschema@._fill('SELECT array_agg(e.customer_key) FROM {events} AS e'
		' WHERE @extschema@.last_activity(e.streams) < {horizon}'
		' AND NOT EXISTS (SELECT 1 FROM {orders} AS h WHERE h.customer_key = e.customer_key)',
		'events', @extschema@._here(model, settings, 'stream_histories'),
		'orders', @extschema@._here(model, settings, 'customer_histories'),
		'horizon', @extschema@._model_horizon(model)) INTO expired;
	IF expired IS NOT NULL THEN
		PERFORM @extschema@._model_purge_rest(model, settings, expired);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._purge_streams(name, jsonb) IS
	'internal: remove people whose last event is older than the time of retention';

-- Pending events of live streams folded into the histories. New kinds get the next
-- numbers. A total that no longer fits a history goes with its kind until the next
-- refresh, and rejects says so.
CREATE FUNCTION @extschema@._apply_events(model name, settings jsonb)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	applied		bigint;
	emptied		text[];
	answered	boolean := false;
BEGIN
	IF NOT @extschema@._has_streams(settings) THEN
		RETURN 0;
	END IF;
	IF EXISTS (SELECT 1 FROM @extschema@._scaled_streams(settings)) THEN
		EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.pending_events AS p WHERE p.stream_no = ANY ($1))', model)
			INTO answered USING ARRAY(SELECT s.stream_no FROM @extschema@._scaled_streams(settings) AS s);
	END IF;
	EXECUTE @extschema@._fill($q$
		WITH taken AS (
			DELETE FROM {model}.pending_events RETURNING *
		), {numbered}, beyond AS (
			UPDATE {model}.stream AS t SET kinds_beyond = n.kinds
			  FROM (SELECT u.stream_no, (array_agg(u.kind ORDER BY u.named DESC, u.kind))[1:100] AS kinds
			          FROM (SELECT u.stream_no, u.kind, bool_or(u.named) AS named
			                  FROM (SELECT n.stream_no, n.kind, false FROM new_kinds AS n WHERE n.kind_no > n.kinds
			                        UNION ALL
			                        SELECT s.stream_no, b.kind, true
			                          FROM {model}.stream AS s CROSS JOIN unnest(s.kinds_beyond) AS b (kind))
			                    AS u (stream_no, kind, named)
			                 GROUP BY u.stream_no, u.kind) AS u
			         GROUP BY u.stream_no) AS n
			 WHERE n.stream_no = t.stream_no AND t.kinds_beyond IS DISTINCT FROM n.kinds
		), {known}, by_kind AS (
			SELECT coalesce(m.root_key, p.customer_key) AS customer_key, min(p.tenant) AS tenant, {m_customer}
			       p.stream_no, coalesce(k.kind_no, 0)::int AS kind_no,
			       @extschema@.try_sum(p.difference) AS difference, count(*) AS n
			  FROM taken AS p
			  LEFT JOIN known_kinds AS k ON k.stream_no = p.stream_no AND k.kind = p.kind
			  LEFT JOIN {model}.merged_customers AS m ON m.customer_key = p.customer_key
			 GROUP BY 1, p.stream_no, coalesce(k.kind_no, 0)
		), summed AS (
			SELECT d.customer_key, min(d.tenant) AS tenant, {d_customer}
			       @extschema@.stream_histories_agg(d.stream_no, d.kind_no, d.difference) AS difference,
			       sum(d.n)::bigint AS n, array_agg(d.stream_no) FILTER (WHERE d.difference IS NULL) AS lost
			  FROM by_kind AS d GROUP BY d.customer_key
		), added AS MATERIALIZED (
			SELECT s.*, h.streams AS stored, CASE WHEN h.streams IS NULL THEN s.difference
			            ELSE @extschema@._try_add(h.streams, s.difference) END AS streams
			  FROM summed AS s LEFT JOIN {model}.stream_histories AS h ON h.customer_key = s.customer_key
			 WHERE {allowed}
		), written AS (
			-- added to what is there by then: a TRUNCATE may just have taken a stream away
			INSERT INTO {model}.stream_histories AS h (tenant, customer_key, {customer} streams)
			SELECT a.tenant, a.customer_key, {a_customer} a.difference FROM added AS a
			 WHERE a.difference OPERATOR(@extschema@.<>) '{}' ORDER BY a.customer_key
			ON CONFLICT (customer_key) DO UPDATE SET streams = @extschema@._try_add(h.streams, EXCLUDED.streams)
			RETURNING h.customer_key, h.streams
		), flagged AS (
			INSERT INTO {model}.rejects (operation, reason, affected, needs_rebuild)
			SELECT 'APPLY', format('stream %s: total too large', t.stream_no), count(*), true
			  FROM added AS a CROSS JOIN {model}.stream AS t
			 WHERE t.stream_no = ANY (a.lost)
			    OR (a.streams OPERATOR(@extschema@.-) @extschema@.without_stream(a.streams, t.stream_no))
			       OPERATOR(@extschema@.-)
			       (a.stored OPERATOR(@extschema@.-) @extschema@.without_stream(a.stored, t.stream_no))
			       OPERATOR(@extschema@.<>)
			       (a.difference OPERATOR(@extschema@.-) @extschema@.without_stream(a.difference, t.stream_no))
			 GROUP BY t.stream_no
		)
		SELECT (SELECT coalesce(sum(a.n), 0) FROM added AS a),
		       array_agg(w.customer_key) FILTER (WHERE w.streams OPERATOR(@extschema@.=) '{}') FROM written AS w$q$,
		'model', quote_ident(model), 'numbered', @extschema@._numbered_kinds(model, 'taken', 'true'),
		'known', @extschema@._known_kinds(model, true),
		'allowed', @extschema@._model_not_suppressed(model, 's.customer_key'),
		'm_customer', CASE WHEN tenanted THEN 'min(coalesce(m.root_id, p.customer_id)) AS customer_id,' ELSE '' END,
		'customer', CASE WHEN tenanted THEN 'customer_id,' ELSE '' END,
		'd_customer', CASE WHEN tenanted THEN 'min(d.customer_id) AS customer_id,' ELSE '' END,
		'a_customer', CASE WHEN tenanted THEN 'a.customer_id,' ELSE '' END) INTO applied, emptied;
	IF emptied IS NOT NULL THEN
		EXECUTE format('DELETE FROM %I.stream_histories AS h'
			' WHERE h.customer_key = ANY ($1) AND h.streams OPERATOR(@extschema@.=) ''{}''', model) USING emptied;
	END IF;
	IF answered THEN
		PERFORM @extschema@._complete_questions(model);
		PERFORM @extschema@._write_satisfaction(model, settings, false);
	END IF;
	PERFORM @extschema@._compile_cards(model);
	PERFORM @extschema@._write_categories(model, settings);
	RETURN applied;
END
$$;
COMMENT ON FUNCTION @extschema@._apply_events(name, jsonb) IS
	'internal: fold the pending events of live streams into the histories; how many differences';

-- What a rebuild would change of the streams.
CREATE FUNCTION @extschema@._check_streams(model name, settings jsonb)
	RETURNS TABLE (problem text, customers bigint, explanation text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	streams	int[] := ARRAY(SELECT s.stream_no FROM @extschema@._streams(settings) AS s ORDER BY s.stream_no);
BEGIN
	IF streams = '{}' THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE @extschema@._fill($q${reading}
		SELECT 'events of ' || t.stream, count(*),
		       format('the source of stream %s has other events of these customers', t.stream)
		  FROM (SELECT f.customer_key, f.streams FROM fresh AS f
		         WHERE {allowed} AND ({kept})) AS f
		  FULL JOIN ({events}) AS e ON e.customer_key = f.customer_key
		 CROSS JOIN {model}.stream AS t
		 CROSS JOIN LATERAL (VALUES (coalesce(f.streams, '{}'), coalesce(e.streams, '{}'))) AS s (source, model)
		 WHERE s.source OPERATOR(@extschema@.<>) s.model
		   AND (s.source OPERATOR(@extschema@.-) @extschema@.without_stream(s.source, t.stream_no))
		       OPERATOR(@extschema@.<>)
		       (s.model OPERATOR(@extschema@.-) @extschema@.without_stream(s.model, t.stream_no))
		 GROUP BY t.stream_no, t.stream ORDER BY t.stream_no$q$,
		'reading', @extschema@._stream_reading(model, settings, streams, false), 'model', quote_ident(model),
		'allowed', @extschema@._model_not_suppressed(model, 'f.customer_key'),
		'kept', CASE WHEN settings ->> 'retention_days' IS NULL THEN 'true' ELSE @extschema@._fill(
			'@extschema@.last_activity(f.streams) >= {horizon} OR EXISTS (SELECT 1 FROM {orders} AS h'
			' WHERE h.customer_key = f.customer_key)',
			'horizon', @extschema@._model_horizon(model),
			'orders', @extschema@._here(model, settings, 'customer_histories')) END,
		'events', @extschema@._model_events(model, settings));
	RETURN QUERY EXECUTE @extschema@._fill($q$
		SELECT 'cause', NULL::bigint, format('stream %s: %s', t.stream, {problem})
		  FROM {model}.stream AS t WHERE t.live AND {problem} IS NOT NULL ORDER BY t.stream_no$q$,
		'model', quote_ident(model), 'problem', @extschema@._stream_problem(model));
END
$$;
COMMENT ON FUNCTION @extschema@._check_streams(name, jsonb) IS
	'internal: how the streams of a model differ from their sources';
