--
-- Layer 4: what people know and the source doesn't: that a customer belongs in
-- another segment, or that two customers are one person. Corrections are kept
-- beside the histories, in tables of the model, and survive every refresh.
--

-- A customer of a model, as the views show them, or an error that doesn't name them.
CREATE FUNCTION @extschema@._model_find_customer(model name, settings jsonb, argument text, customer text,
	OUT customer_key text, OUT tenant text, OUT customer_id text,
	OUT segment text, OUT segment_label text, OUT segment_by_rules text,
	OUT rfm_code text, OUT as_of date)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	found	record;
BEGIN
	IF customer IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('%s must not be null', argument),
			HINT = 'Give the customer_key that the views of the model show.';
	END IF;
	EXECUTE format('SELECT s.* FROM %s AS s WHERE s.customer_key = $1',
			@extschema@._view_rows(model, settings, 'customer_scores'))
		INTO found USING customer;
	IF found.customer_key IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('%s is no customer of model "%s"', argument, model),
			DETAIL = CASE WHEN settings ->> 'customers' IS NULL
				THEN 'Nobody in its view customer_scores has that customer_key.'
				ELSE 'Nobody in its view customer_scores has that customer_key:'
					' not in the source, without consent, or with an objection.' END,
			HINT = CASE WHEN settings ->> 'tenant' IS NULL
				THEN 'Give the customer_key that the views of the model show.'
				ELSE 'Give the customer_key that the views of the model show;'
					' with tenants it is the tenant, a colon, and the customer.' END;
	END IF;
	customer_key := found.customer_key;
	tenant := coalesce(found.tenant, '');
	customer_id := found.customer_id;
	segment := found.segment;
	segment_label := found.segment_label;
	segment_by_rules := found.segment_by_rules;
	rfm_code := found.rfm_code;
	as_of := found.as_of;
END
$$;
COMMENT ON FUNCTION @extschema@._model_find_customer(name, jsonb, text, text) IS
	'internal: a customer as the views show them, or an error';

-- A customer that the model knows, in its views or not: from the source, from the
-- customers table, or merged. No row for anybody else.
CREATE FUNCTION @extschema@._model_known_customer(model name, settings jsonb, customer text,
	OUT tenant text, OUT customer_id text, OUT into_key text, OUT root_key text, OUT root_id text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	id	text := CASE WHEN settings ->> 'tenant' IS NULL THEN 'customer_key' ELSE 'customer_id' END;
BEGIN
	EXECUTE format('SELECT m.tenant, m.customer_id, m.into_key, m.root_key, m.root_id'
		' FROM %I.merged_customers AS m WHERE m.customer_key = $1', model)
		INTO tenant, customer_id, into_key, root_key, root_id USING customer;
	IF root_key IS NOT NULL THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT k.tenant, k.id FROM (SELECT h.tenant, h.%2$I AS id FROM %1$I.customer_histories AS h'
		' WHERE h.customer_key = $1'
		' UNION ALL SELECT p.tenant, p.%2$I FROM %1$I.pending AS p WHERE p.customer_key = $1%3$s%5$s) AS k'
		' WHERE %4$s LIMIT 1', model, id,
		CASE WHEN settings ->> 'customers_query' IS NULL THEN '' ELSE
			format(' UNION ALL SELECT p.tenant, p.customer_id FROM (%s) AS p WHERE (%s) COLLATE "C" = $1',
				settings ->> 'customers_query',
				@extschema@._model_key(settings, 'p.tenant', 'p.customer_id')) END,
		-- the source may still have rows of erased customers
		@extschema@._model_not_suppressed(model, '$1'),
		CASE WHEN @extschema@._has_streams(settings) THEN
			format(' UNION ALL SELECT e.tenant, e.%2$I FROM %1$I.stream_histories AS e WHERE e.customer_key = $1'
			' UNION ALL SELECT p.tenant, p.%2$I FROM %1$I.pending_events AS p WHERE p.customer_key = $1', model, id)
			ELSE '' END)
		INTO tenant, customer_id USING customer;
	IF customer_id IS NOT NULL THEN
		root_key := customer;
		root_id := customer_id;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_known_customer(name, jsonb, text) IS
	'internal: a customer that a model knows, and the one they have been merged into';

-- What the views say of a customer, in words.
CREATE FUNCTION @extschema@._model_customer_words(model name, customer text)
	RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	words	text[];
BEGIN
	EXECUTE format($q$SELECT ARRAY[coalesce(s.frequency, 0)::text, s.monetary::text,
		coalesce(to_char(s.last_order_on, 'YYYY-MM-DD'), 'none'),
			coalesce(s.rfm_code, 'none'), coalesce(s.segment_label, s.segment, 'none')]
		FROM %I.customer_scores AS s WHERE s.customer_key = $1$q$, model) INTO words USING customer;
	RETURN coalesce(words, '{in no view,in no view,in no view,in no view,in no view}');
END
$$;
COMMENT ON FUNCTION @extschema@._model_customer_words(name, text) IS
	'internal: orders, revenue, last order, scores and segment of a customer as texts';

CREATE FUNCTION @extschema@.override_segment(model text, customer text, segment text, reason text,
	until date DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	today		date;
	label		text;
	earlier		record;
	later		record;
BEGIN
	IF segment IS NULL THEN
		RETURN QUERY SELECT * FROM @extschema@.clear_override(model, customer);
		RETURN;
	END IF;
	IF reason IS NULL OR reason !~ '\S' THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('reason must not be %s', CASE WHEN reason IS NULL THEN 'null' ELSE 'empty' END),
			HINT = 'Say why the rules are wrong about this customer: the next to look at them will want to know.';
	END IF;
	IF length(reason) > 1000 THEN
		RAISE program_limit_exceeded USING MESSAGE = format('reason has %s characters, more than 1000', length(reason));
	END IF;
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	EXECUTE format('SELECT %s FROM %I.configuration AS c WHERE c.valid_until IS NULL', @extschema@._model_as_of(), home)
		INTO today;
	IF NOT isfinite(until) OR until < today THEN
		RAISE invalid_parameter_value USING
			MESSAGE = CASE WHEN isfinite(until)
				THEN format('until %s lies before %s, the day for which the model answers',
					to_char(until, 'YYYY-MM-DD'), to_char(today, 'YYYY-MM-DD'))
				ELSE 'until must be finite' END,
			DETAIL = 'It is the last day on which the segment holds.',
			HINT = 'Leave until out, and the segment holds until it is taken back.';
	END IF;
	EXECUTE format('SELECT l.label FROM %I.segment_label AS l'
		' WHERE l.map = $1 AND l.segment = $2 AND l.language = $3', home)
		INTO label USING settings ->> 'map_copy', segment, settings ->> 'language';
	IF label IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('segment "%s" is not in the segment map of model "%s"', left(segment, 100), home),
			HINT = format('Its segments are: %s.', @extschema@._model_segment_list(home, settings ->> 'map_copy'));
	END IF;
	SELECT * INTO earlier FROM @extschema@._model_find_customer(home, settings, 'customer', customer);
	EXECUTE format($q$
		INSERT INTO %I.overridden_segments AS o
			(customer_key, tenant, segment, reason, valid_from, valid_until, made_by)
		VALUES ($1, $2, $3, $4, $5, $6, session_user)
		ON CONFLICT (customer_key) DO UPDATE SET segment = EXCLUDED.segment, reason = EXCLUDED.reason,
			valid_from = EXCLUDED.valid_from,
			valid_until = EXCLUDED.valid_until, made_by = EXCLUDED.made_by, made_at = EXCLUDED.made_at$q$, home)
		USING earlier.customer_key, earlier.tenant, segment, reason, today, until;
	EXECUTE format('ANALYZE %I.overridden_segments', home);
	RETURN QUERY VALUES
		('segment', format('%s -> %s', coalesce(earlier.segment_label, earlier.segment, 'none'), label)),
		('by the rules', coalesce(earlier.segment_by_rules, 'none')),
		('holds', format('from %s %s', to_char(today, 'YYYY-MM-DD'),
			CASE WHEN until IS NULL THEN 'until it is taken back by clear_override'
				ELSE 'to ' || to_char(until, 'YYYY-MM-DD') END));
END
$$;
COMMENT ON FUNCTION @extschema@.override_segment(text, text, text, text, date) IS
	'put a customer into another segment than that of the rules, for a reason, until a day or until it is taken back;'
	' segment NULL takes it back';

CREATE FUNCTION @extschema@.clear_override(model text, customer text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	earlier		text;
	later		text;
	n			bigint;
BEGIN
	IF customer IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'customer must not be null',
			HINT = 'Give the customer_key that the views of the model show.';
	END IF;
	PERFORM @extschema@._model_lock(home);
	-- no view may have the customer any more
	EXECUTE format('SELECT s.segment_label FROM %I.customer_scores AS s WHERE s.customer_key = $1', home)
		INTO earlier USING customer;
	EXECUTE format('DELETE FROM %I.overridden_segments AS o WHERE o.customer_key = $1', home) USING customer;
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n = 0 THEN
		RETURN QUERY VALUES ('nothing to do', 'nobody has set the segment of this customer');
		RETURN;
	END IF;
	EXECUTE format('ANALYZE %I.overridden_segments', home);
	EXECUTE format('SELECT s.segment_label FROM %I.customer_scores AS s WHERE s.customer_key = $1', home)
		INTO later USING customer;
	RETURN QUERY VALUES ('segment', format('%s -> %s', coalesce(earlier, 'none'), coalesce(later, 'none')));
END
$$;
COMMENT ON FUNCTION @extschema@.clear_override(text, text) IS
	'take back what override_segment has set: the rules decide again about the segment of a customer';

CREATE FUNCTION @extschema@.merge_customers(model text, "from" text, "into" text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	gone_key	text := $2;
	kept_key	text := $3;
	settings	jsonb;
	tenanted	boolean;
	gone		record;
	kept		record;
	gone_before	text[];
	kept_before	text[];
	kept_after	text[];
	too_large	boolean;
	overridden	boolean;
	gone_refuses	boolean;
BEGIN
	IF gone_key IS NULL OR kept_key IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('%s must not be null', CASE WHEN gone_key IS NULL THEN 'from' ELSE 'into' END),
			HINT = 'Give the customer_key that the views of the model show.';
	END IF;
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	tenanted := settings ->> 'tenant' IS NOT NULL;
	PERFORM @extschema@._settle_ledger(home, settings);
	SELECT * INTO gone FROM @extschema@._model_known_customer(home, settings, gone_key);
	SELECT * INTO kept FROM @extschema@._model_known_customer(home, settings, kept_key);
	IF gone.root_key IS NULL OR kept.root_key IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('%s is no customer of model "%s"',
				CASE WHEN gone.root_key IS NULL THEN 'from' ELSE 'into' END, home),
			DETAIL = 'Neither the source nor the table of customers has that customer.',
			HINT = CASE WHEN tenanted
				THEN 'Give the customer_key that the views of the model show;'
					' with tenants it is the tenant, a colon, and the customer.'
				ELSE 'Give the customer_key that the views of the model show.' END;
	END IF;
	IF gone.tenant <> kept.tenant THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'from and into belong to different tenants',
			DETAIL = 'Orders of one tenant would be seen by readers of the other.';
	END IF;
	IF gone.into_key IS NOT NULL THEN
		IF gone.root_key = kept.root_key THEN
			RETURN QUERY VALUES ('nothing to do', 'from has been merged into that customer before');
			RETURN;
		END IF;
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'from has been merged into another customer before',
			HINT = format('Take that back first: SELECT unmerge_customers(%L, ...);', home);
	END IF;
	IF gone_key = kept.root_key THEN
		RAISE invalid_parameter_value USING
			MESSAGE = CASE WHEN gone_key = kept_key THEN 'from and into are the same customer'
				ELSE 'into has been merged into from before' END,
			HINT = 'from is the customer who vanishes, into the one who stays.';
	END IF;
	gone_before := @extschema@._model_customer_words(home, gone_key);
	kept_before := @extschema@._model_customer_words(home, kept.root_key);
	-- in the order in which a TRUNCATE of the source does, and readers do
	EXECUTE format('LOCK TABLE %1$I.customer_histories, %1$I.pending IN ROW EXCLUSIVE MODE', home);
	EXECUTE format($q$
		INSERT INTO %I.merged_customers
			(customer_key, tenant, customer_id, into_key, into_id, root_key, root_id, merged_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, session_user)$q$, home)
		USING gone_key, gone.tenant, gone.customer_id, kept_key, kept.customer_id, kept.root_key, kept.root_id;
	EXECUTE format('UPDATE %I.merged_customers SET root_key = $2, root_id = $3 WHERE root_key = $1', home)
		USING gone_key, kept.root_key, kept.root_id;
	EXECUTE format('ANALYZE %I.merged_customers', home);
	-- one addition; what is pending is added by the views, and by apply_changes
	EXECUTE format($q$
		WITH gone AS (
			DELETE FROM %1$I.customer_histories AS h WHERE h.customer_key = $1 RETURNING h.tenant, h.history
		), summed AS MATERIALIZED (
			SELECT g.tenant, CASE WHEN k.history IS NULL THEN g.history
				ELSE @extschema@._try_add(k.history, g.history) END AS history
			  FROM gone AS g LEFT JOIN %1$I.customer_histories AS k ON k.customer_key = $2
		), written AS (
			INSERT INTO %1$I.customer_histories AS h (tenant, customer_key, %2$s history)
			SELECT s.tenant, $2, %3$s s.history FROM summed AS s WHERE s.history IS NOT NULL
			ON CONFLICT (customer_key) DO UPDATE SET history = EXCLUDED.history
		)
		SELECT s.history IS NULL FROM summed AS s$q$, home, CASE WHEN tenanted THEN 'customer_id,' ELSE '' END,
			CASE WHEN tenanted THEN '$3,' ELSE '' END)
		INTO too_large USING gone_key, kept.root_key, kept.root_id;
	IF too_large THEN
		RAISE numeric_value_out_of_range USING
			MESSAGE = 'the orders of from and into together are out of range',
			DETAIL = 'The total of a day has 18 digits at most.';
	END IF;
	EXECUTE format('DELETE FROM %I.customer_histories AS h WHERE h.customer_key = $1'
		' AND h.history OPERATOR(@extschema@.=) ''{}''', home) USING kept.root_key;
	IF @extschema@._has_streams(settings) THEN
		EXECUTE @extschema@._fill($q$
			WITH gone AS (
				DELETE FROM {model}.stream_histories AS h WHERE h.customer_key = $1 RETURNING h.tenant, h.streams
			)
			INSERT INTO {model}.stream_histories AS h (tenant, customer_key, {customer_id} streams)
			SELECT g.tenant, $2, {root_id} g.streams FROM gone AS g
			ON CONFLICT (customer_key) DO UPDATE SET streams = h.streams OPERATOR(@extschema@.+) EXCLUDED.streams$q$,
			'model', quote_ident(home), 'customer_id', CASE WHEN tenanted THEN 'customer_id,' ELSE '' END,
			'root_id', CASE WHEN tenanted THEN '$3,' ELSE '' END) USING gone_key, kept.root_key, kept.root_id;
	END IF;
	EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.overridden_segments AS o WHERE o.customer_key = $1)', home)
		INTO overridden USING gone_key;
	kept_after := @extschema@._model_customer_words(home, kept.root_key);
	EXECUTE format('SELECT %s', @extschema@._model_refuses(settings, '$1')) INTO gone_refuses USING gone_key;
	RETURN QUERY VALUES ('merged', 'two customers are one from now on, whatever the source says');
	RETURN QUERY SELECT w.item, format('%s and %s -> %s', kept_before[w.n], gone_before[w.n], kept_after[w.n])
		FROM unnest('{orders,revenue,last order,scores,segment}'::text[]) WITH ORDINALITY AS w (item, n);
	IF overridden THEN
		RETURN QUERY VALUES ('note', 'from had a segment set by override_segment; it no longer holds');
	END IF;
	IF kept_after[1] = 'in no view' THEN
		RETURN QUERY VALUES ('note', CASE WHEN gone_refuses
			THEN 'from is without consent or objects, which counts for the person: they are in no view'
			ELSE 'into is in no view: without consent, with an objection, or without orders' END);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.merge_customers(text, text, text) IS
	'two customers are one person:'
	' the orders of the first count as the second''s from now on, who keeps their own attributes;'
	' without consent or with an objection under either key the person is in no view; survives refresh_model';

CREATE FUNCTION @extschema@.unmerge_customers(model text, "from" text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	gone_key	text := $2;
	kept_key	text;
	settings	jsonb;
	kept_before	text[];
	kept_after	text[];
	gone_after	text[];
BEGIN
	IF gone_key IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'from must not be null',
			HINT = 'Give the customer_key that merge_customers was given as from.';
	END IF;
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	EXECUTE format('SELECT m.root_key FROM %I.merged_customers AS m WHERE m.customer_key = $1', home)
		INTO kept_key USING gone_key;
	IF kept_key IS NULL THEN
		RETURN QUERY VALUES ('nothing to do', 'this customer has not been merged into another');
		RETURN;
	END IF;
	-- before the tables of the model, as a TRUNCATE of the source does
	PERFORM @extschema@._model_lock_source(home, settings);
	kept_before := @extschema@._model_customer_words(home, kept_key);
	EXECUTE format('DELETE FROM %I.merged_customers AS m WHERE m.customer_key = $1', home) USING gone_key;
	-- customers who had been merged into the one taken back are merged into them again
	EXECUTE format($q$
		WITH RECURSIVE up AS (
			SELECT m.customer_key, m.into_key AS root_key, m.into_id AS root_id, 1 AS steps
			  FROM %1$I.merged_customers AS m WHERE m.root_key = $1
			UNION ALL
			SELECT u.customer_key, m.into_key, m.into_id, u.steps + 1 FROM up AS u
			  JOIN %1$I.merged_customers AS m ON m.customer_key = u.root_key
		)
		UPDATE %1$I.merged_customers AS m SET root_key = u.root_key, root_id = u.root_id
		  FROM (SELECT DISTINCT ON (u.customer_key) u.* FROM up AS u ORDER BY u.customer_key, u.steps DESC) AS u
		 WHERE m.customer_key = u.customer_key AND m.root_key <> u.root_key$q$, home) USING kept_key;
	EXECUTE format('ANALYZE %I.merged_customers', home);
	IF NOT (settings ->> 'live')::boolean THEN
		-- of live streams nobody reads the source again
		PERFORM @extschema@._read_streams(home, settings,
			ARRAY(SELECT s.stream_no FROM @extschema@._streams(settings) AS s WHERE s.live));
		RETURN QUERY VALUES ('taken back', format('refresh_model(%L) gives both customers their own orders', home));
		RETURN;
	END IF;
	-- Only the source says whose order is whose, and nobody refreshes a live model.
	PERFORM @extschema@._read_streams(home, settings);
	PERFORM @extschema@._model_read_source(home, settings);
	PERFORM @extschema@._model_write_thresholds(home, settings, false);
	kept_after := @extschema@._model_customer_words(home, kept_key);
	gone_after := @extschema@._model_customer_words(home, gone_key);
	RETURN QUERY VALUES ('taken back', 'both customers have their own orders, read from the source');
	RETURN QUERY SELECT w.item, format('%s -> %s and %s', kept_before[w.n], kept_after[w.n], gone_after[w.n])
		FROM unnest('{orders,revenue,last order,scores,segment}'::text[]) WITH ORDINALITY AS w (item, n);
END
$$;
COMMENT ON FUNCTION @extschema@.unmerge_customers(text, text) IS
	'take back what merge_customers did: both are customers of their own again, after the next refresh_model;'
	' in a live model at once';
