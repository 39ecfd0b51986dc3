--
-- Data quality, corrections by people, and parity of segments between groups.
--
-- Corrections are what people know and the source doesn't: that a customer
-- belongs in another segment, or that two customers are one person. They are
-- kept beside the histories, in tables of the model, and survive every refresh.
--

-- The tables of what people and checks have found. Nobody but the owner reads them.
CREATE FUNCTION @extschema@.model_make_corrections(model name)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	c	record;
BEGIN
	EXECUTE format($q$
		CREATE TABLE %1$I.overridden_segments (
			customer_key text COLLATE "C" PRIMARY KEY, tenant text NOT NULL, segment text COLLATE "C" NOT NULL, reason text NOT NULL,
			valid_from date NOT NULL, valid_until date, made_by text NOT NULL, made_at timestamptz NOT NULL DEFAULT now()
		);
		CREATE TABLE %1$I.merged_customers (
			customer_key text COLLATE "C" PRIMARY KEY, tenant text NOT NULL, customer_id text NOT NULL,
			into_key text COLLATE "C" NOT NULL, into_id text NOT NULL, root_key text COLLATE "C" NOT NULL, root_id text NOT NULL,
			merged_by text NOT NULL, merged_at timestamptz NOT NULL DEFAULT now()
		);
		CREATE INDEX ON %1$I.merged_customers (root_key);
		CREATE TABLE %1$I.quality (
			tenant text, reason text NOT NULL, affected bigint NOT NULL, customers bigint, detail text, checked_at timestamptz NOT NULL,
			UNIQUE NULLS NOT DISTINCT (tenant, reason)
		);
		-- A key of a person has no place in the statistics, which more people can read.
		ALTER TABLE %1$I.overridden_segments ALTER customer_key SET STATISTICS 0, ALTER reason SET STATISTICS 0;
		ALTER TABLE %1$I.merged_customers ALTER customer_key SET STATISTICS 0, ALTER customer_id SET STATISTICS 0, ALTER into_key SET STATISTICS 0,
			ALTER into_id SET STATISTICS 0, ALTER root_key SET STATISTICS 0, ALTER root_id SET STATISTICS 0;
		ANALYZE %1$I.overridden_segments, %1$I.merged_customers;
		$q$, model);
	FOR c IN SELECT * FROM (VALUES
		('overridden_segments', NULL, 'segments that a person has set by override_segment'),
		('overridden_segments', 'customer_key', 'the customer as text'), ('overridden_segments', 'tenant', 'empty in a model without tenants'),
		('overridden_segments', 'segment', 'instead of that of the rules'), ('overridden_segments', 'reason', 'why, in words of who did it'),
		('overridden_segments', 'valid_from', 'first as_of day for which it holds'),
		('overridden_segments', 'valid_until', 'last as_of day for which it holds; NULL: until it is taken back'),
		('overridden_segments', 'made_by', 'who did it'), ('overridden_segments', 'made_at', 'when'),
		('merged_customers', NULL, 'customers who are other customers too, by merge_customers'),
		('merged_customers', 'customer_key', 'who is no customer of his own any more'), ('merged_customers', 'tenant', 'empty in a model without tenants'),
		('merged_customers', 'customer_id', 'the same as the source has it'),
		('merged_customers', 'into_key', 'the customer whom he was merged into'), ('merged_customers', 'into_id', 'the same as the source has it'),
		('merged_customers', 'root_key', 'under whom his orders are: the last of a chain'), ('merged_customers', 'root_id', 'the same as the source has it'),
		('merged_customers', 'merged_by', 'who did it'), ('merged_customers', 'merged_at', 'when'),
		('quality', NULL, 'what check_quality found in the source; read by the view data_quality; no data of persons'),
		('quality', 'tenant', 'empty in a model without tenants; NULL: not known by tenant'), ('quality', 'reason', 'as in data_quality'),
		('quality', 'affected', 'how many'), ('quality', 'customers', 'how many customers these are; NULL: not known'),
		('quality', 'detail', 'figures in words'), ('quality', 'checked_at', 'when')) AS v (relation, attribute, words) LOOP
		IF c.attribute IS NULL THEN
			EXECUTE format('COMMENT ON TABLE %I.%I IS %L', model, c.relation, c.words);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', model, c.relation, c.attribute, c.words);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.model_make_corrections(name) IS 'internal: the tables of corrections of a model';

-- A customer of a model, as the views show him, or an error that doesn't name him.
CREATE FUNCTION @extschema@.model_find_customer(model name, settings jsonb, argument text, customer text,
	OUT customer_key text, OUT tenant text, OUT customer_id text, OUT segment text, OUT segment_label text, OUT segment_by_rules text,
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
	EXECUTE format('SELECT s.* FROM %I.customer_scores AS s WHERE s.customer_key = $1', model) INTO found USING customer;
	IF found.customer_key IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('%s is no customer of model "%s"', argument, model),
			DETAIL = CASE WHEN settings ->> 'customers' IS NULL THEN 'Nobody in its view customer_scores has that customer_key.'
				ELSE 'Nobody in its view customer_scores has that customer_key: not in the source, without consent, or with an objection.' END,
			HINT = CASE WHEN settings ->> 'tenant' IS NULL THEN 'Give the customer_key that the views of the model show.'
				ELSE 'Give the customer_key that the views of the model show; with tenants it is the tenant, a colon, and the customer.' END;
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
COMMENT ON FUNCTION @extschema@.model_find_customer(name, jsonb, text, text) IS 'internal: a customer as the views show him, or an error';

/* ---- the segment that a person has set ---- */

CREATE FUNCTION @extschema@.override_segment(model text, customer text, segment text, reason text, until date DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
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
			HINT = 'Say why the rules are wrong about this customer: whoever looks at him will want to know.';
	END IF;
	IF length(reason) > 1000 THEN
		RAISE program_limit_exceeded USING MESSAGE = format('reason has %s characters, more than 1000', length(reason));
	END IF;
	PERFORM @extschema@.model_lock(home);
	settings := @extschema@.model_settings(home);
	EXECUTE format('SELECT %s FROM %I.configuration AS c WHERE c.valid_until IS NULL', @extschema@.model_as_of(), home) INTO today;
	IF NOT isfinite(until) OR until < today THEN
		RAISE invalid_parameter_value USING
			MESSAGE = CASE WHEN isfinite(until) THEN format('until %s lies before %s, the day for which the model answers', to_char(until, 'YYYY-MM-DD'), to_char(today, 'YYYY-MM-DD'))
				ELSE 'until must be finite' END,
			DETAIL = 'It is the last day on which the segment holds.',
			HINT = 'Leave until out, and the segment holds until it is taken back.';
	END IF;
	EXECUTE format('SELECT l.label FROM %I.segment_label AS l WHERE l.map = $1 AND l.segment = $2 AND l.language = $3', home)
		INTO label USING settings ->> 'map_copy', segment, settings ->> 'language';
	IF label IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('segment "%s" is not in the segment map of model "%s"', left(segment, 100), home),
			HINT = format('Its segments are: %s.', @extschema@.model_segment_list(home, settings ->> 'map_copy'));
	END IF;
	SELECT * INTO earlier FROM @extschema@.model_find_customer(home, settings, 'customer', customer);
	EXECUTE format($q$
		INSERT INTO %I.overridden_segments AS o (customer_key, tenant, segment, reason, valid_from, valid_until, made_by)
		VALUES ($1, $2, $3, $4, $5, $6, session_user)
		ON CONFLICT (customer_key) DO UPDATE SET segment = EXCLUDED.segment, reason = EXCLUDED.reason, valid_from = EXCLUDED.valid_from,
			valid_until = EXCLUDED.valid_until, made_by = EXCLUDED.made_by, made_at = EXCLUDED.made_at$q$, home)
		USING earlier.customer_key, earlier.tenant, segment, reason, today, until;
	EXECUTE format('ANALYZE %I.overridden_segments', home);
	RETURN QUERY VALUES
		('segment', format('%s -> %s', coalesce(earlier.segment_label, earlier.segment, 'none'), label)),
		('by the rules', coalesce(earlier.segment_by_rules, 'none')),
		('holds', format('from %s %s', to_char(today, 'YYYY-MM-DD'),
			CASE WHEN until IS NULL THEN 'until it is taken back by clear_override' ELSE 'to ' || to_char(until, 'YYYY-MM-DD') END));
END
$$;
COMMENT ON FUNCTION @extschema@.override_segment(text, text, text, text, date) IS
	'put a customer into another segment than that of the rules, for a reason, until a day or until it is taken back; segment NULL takes it back';

CREATE FUNCTION @extschema@.clear_override(model text, customer text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
	earlier		text;
	later		text;
	n			bigint;
BEGIN
	IF customer IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'customer must not be null',
			HINT = 'Give the customer_key that the views of the model show.';
	END IF;
	PERFORM @extschema@.model_lock(home);
	-- he may be in no view by now
	EXECUTE format('SELECT s.segment_label FROM %I.customer_scores AS s WHERE s.customer_key = $1', home) INTO earlier USING customer;
	EXECUTE format('DELETE FROM %I.overridden_segments AS o WHERE o.customer_key = $1', home) USING customer;
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n = 0 THEN
		RETURN QUERY VALUES ('nothing to do', 'nobody has set the segment of this customer');
		RETURN;
	END IF;
	EXECUTE format('ANALYZE %I.overridden_segments', home);
	EXECUTE format('SELECT s.segment_label FROM %I.customer_scores AS s WHERE s.customer_key = $1', home) INTO later USING customer;
	RETURN QUERY VALUES ('segment', format('%s -> %s', coalesce(earlier, 'none'), coalesce(later, 'none')));
END
$$;
COMMENT ON FUNCTION @extschema@.clear_override(text, text) IS 'take back what override_segment has set: the rules decide again about the segment of a customer';

CREATE FUNCTION @extschema@.model_segment_list(model name, map text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	segments	text;
BEGIN
	EXECUTE format('SELECT string_agg(l.segment, '', '' ORDER BY l.display_order, l.segment) FROM'
		' (SELECT l.segment, min(l.display_order) AS display_order FROM %I.segment_label AS l WHERE l.map = $1 GROUP BY l.segment) AS l', model)
		INTO segments USING map;
	RETURN segments;
END
$$;
COMMENT ON FUNCTION @extschema@.model_segment_list(name, text) IS 'internal: the segments of a map of a model, in words';

/* ---- two customers who are one person ---- */

-- A customer whom the model knows, in its views or not: from the source, from the
-- customers table, or merged. Nothing for anybody else.
CREATE FUNCTION @extschema@.model_known_customer(model name, settings jsonb, customer text,
	OUT tenant text, OUT customer_id text, OUT into_key text, OUT root_key text, OUT root_id text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	id	text := CASE WHEN settings ->> 'tenant' IS NULL THEN 'customer_key' ELSE 'customer_id' END;
BEGIN
	EXECUTE format('SELECT m.tenant, m.customer_id, m.into_key, m.root_key, m.root_id FROM %I.merged_customers AS m WHERE m.customer_key = $1', model)
		INTO tenant, customer_id, into_key, root_key, root_id USING customer;
	IF root_key IS NOT NULL THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT k.tenant, k.id FROM (SELECT h.tenant, h.%2$I AS id FROM %1$I.customer_histories AS h WHERE h.customer_key = $1'
		' UNION ALL SELECT p.tenant, p.%2$I FROM %1$I.pending AS p WHERE p.customer_key = $1%3$s) AS k WHERE %4$s LIMIT 1', model, id,
		CASE WHEN settings ->> 'customers_query' IS NULL THEN '' ELSE
			format(' UNION ALL SELECT p.tenant, p.customer_id FROM (%s) AS p WHERE (%s) COLLATE "C" = $1', settings ->> 'customers_query',
				@extschema@.model_key(settings, 'p.tenant', 'p.customer_id')) END,
		-- the source may still speak of whoever has been erased
		@extschema@.model_not_suppressed(model, '$1'))
		INTO tenant, customer_id USING customer;
	IF customer_id IS NOT NULL THEN
		root_key := customer;
		root_id := customer_id;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.model_known_customer(name, jsonb, text) IS 'internal: a customer whom a model knows, and whom he has been merged into';

-- These customers, and all who have been merged with one of them.
CREATE FUNCTION @extschema@.model_same_person(model name, customers text[])
	RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	everyone	text[];
BEGIN
	EXECUTE format($q$
		WITH roots AS (
			SELECT coalesce(m.root_key, u.k) AS root_key FROM unnest($1) AS u (k) LEFT JOIN %1$I.merged_customers AS m ON m.customer_key = u.k
		)
		SELECT array_agg(DISTINCT s.k) FROM (
			SELECT r.root_key AS k FROM roots AS r
			UNION ALL SELECT m.customer_key FROM roots AS r JOIN %1$I.merged_customers AS m ON m.root_key = r.root_key) AS s$q$, model)
		INTO everyone USING customers;
	RETURN everyone;
END
$$;
COMMENT ON FUNCTION @extschema@.model_same_person(name, text[]) IS 'internal: customers with all who have been merged with them';

-- What the views say of a customer, in words.
CREATE FUNCTION @extschema@.model_customer_words(model name, customer text)
	RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	words	text[];
BEGIN
	EXECUTE format($q$SELECT ARRAY[coalesce(s.frequency, 0)::text, s.monetary::text, coalesce(to_char(s.last_order_on, 'YYYY-MM-DD'), 'none'),
			coalesce(s.rfm_code, 'none'), coalesce(s.segment_label, s.segment, 'none')]
		FROM %I.customer_scores AS s WHERE s.customer_key = $1$q$, model) INTO words USING customer;
	RETURN coalesce(words, '{in no view,in no view,in no view,in no view,in no view}');
END
$$;
COMMENT ON FUNCTION @extschema@.model_customer_words(name, text) IS 'internal: orders, revenue, last order, scores and segment of a customer as texts';

CREATE FUNCTION @extschema@.merge_customers(model text, "from" text, "into" text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
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
	PERFORM @extschema@.model_lock(home);
	settings := @extschema@.model_settings(home);
	tenanted := settings ->> 'tenant' IS NOT NULL;
	SELECT * INTO gone FROM @extschema@.model_known_customer(home, settings, gone_key);
	SELECT * INTO kept FROM @extschema@.model_known_customer(home, settings, kept_key);
	IF gone.root_key IS NULL OR kept.root_key IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('%s is no customer of model "%s"', CASE WHEN gone.root_key IS NULL THEN 'from' ELSE 'into' END, home),
			DETAIL = 'Neither the source nor the table of customers has that customer.',
			HINT = CASE WHEN tenanted THEN 'Give the customer_key that the views of the model show; with tenants it is the tenant, a colon, and the customer.'
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
			MESSAGE = CASE WHEN gone_key = kept_key THEN 'from and into are the same customer' ELSE 'into has been merged into from before' END,
			HINT = 'from is the customer who vanishes, into the one who stays.';
	END IF;
	gone_before := @extschema@.model_customer_words(home, gone_key);
	kept_before := @extschema@.model_customer_words(home, kept.root_key);
	-- in the order in which a TRUNCATE of the source does, and readers do
	EXECUTE format('LOCK TABLE %1$I.customer_histories, %1$I.pending IN ROW EXCLUSIVE MODE', home);
	EXECUTE format($q$
		INSERT INTO %I.merged_customers (customer_key, tenant, customer_id, into_key, into_id, root_key, root_id, merged_by)
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
			SELECT g.tenant, CASE WHEN k.history IS NULL THEN g.history ELSE @extschema@.try_add(k.history, g.history) END AS history
			  FROM gone AS g LEFT JOIN %1$I.customer_histories AS k ON k.customer_key = $2
		), written AS (
			INSERT INTO %1$I.customer_histories AS h (tenant, customer_key, %2$s history)
			SELECT s.tenant, $2, %3$s s.history FROM summed AS s WHERE s.history IS NOT NULL
			ON CONFLICT (customer_key) DO UPDATE SET history = EXCLUDED.history
		)
		SELECT s.history IS NULL FROM summed AS s$q$, home, CASE WHEN tenanted THEN 'customer_id,' ELSE '' END, CASE WHEN tenanted THEN '$3,' ELSE '' END)
		INTO too_large USING gone_key, kept.root_key, kept.root_id;
	IF too_large THEN
		RAISE numeric_value_out_of_range USING
			MESSAGE = 'the orders of from and into together are beyond all limits',
			DETAIL = 'The total of a day has 18 digits at most.';
	END IF;
	EXECUTE format('DELETE FROM %I.customer_histories AS h WHERE h.customer_key = $1 AND h.history OPERATOR(@extschema@.=) ''{}''', home) USING kept.root_key;
	EXECUTE format('SELECT EXISTS (SELECT FROM %I.overridden_segments AS o WHERE o.customer_key = $1)', home) INTO overridden USING gone_key;
	kept_after := @extschema@.model_customer_words(home, kept.root_key);
	EXECUTE format('SELECT %s', @extschema@.model_refuses(settings, '$1')) INTO gone_refuses USING gone_key;
	RETURN QUERY VALUES ('merged', 'two customers are one from now on, whatever the source says');
	RETURN QUERY SELECT w.item, format('%s and %s -> %s', kept_before[w.n], gone_before[w.n], kept_after[w.n])
		FROM unnest('{orders,revenue,last order,scores,segment}'::text[]) WITH ORDINALITY AS w (item, n);
	IF overridden THEN
		RETURN QUERY VALUES ('note', 'from had a segment set by override_segment; it holds no more');
	END IF;
	IF kept_after[1] = 'in no view' THEN
		RETURN QUERY VALUES ('note', CASE WHEN gone_refuses THEN 'from is without consent or objects, which counts for the person: they are in no view'
			ELSE 'into is in no view: without consent, with an objection, or without orders' END);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.merge_customers(text, text, text) IS
	'two customers are one person: the orders of the first count as the second''s from now on, who keeps their own attributes; without consent or with an objection under either key the person is in no view; survives refresh_model';

CREATE FUNCTION @extschema@.unmerge_customers(model text, "from" text)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@.model_home(model);
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
	PERFORM @extschema@.model_lock(home);
	settings := @extschema@.model_settings(home);
	EXECUTE format('SELECT m.root_key FROM %I.merged_customers AS m WHERE m.customer_key = $1', home) INTO kept_key USING gone_key;
	IF kept_key IS NULL THEN
		RETURN QUERY VALUES ('nothing to do', 'this customer has not been merged into another');
		RETURN;
	END IF;
	-- before the tables of the model, as a TRUNCATE of the source does
	PERFORM @extschema@.model_lock_source(home, settings);
	kept_before := @extschema@.model_customer_words(home, kept_key);
	EXECUTE format('DELETE FROM %I.merged_customers AS m WHERE m.customer_key = $1', home) USING gone_key;
	-- whoever had been merged into him is his again
	EXECUTE format($q$
		WITH RECURSIVE up AS (
			SELECT m.customer_key, m.into_key AS root_key, m.into_id AS root_id, 1 AS steps FROM %1$I.merged_customers AS m WHERE m.root_key = $1
			UNION ALL
			SELECT u.customer_key, m.into_key, m.into_id, u.steps + 1 FROM up AS u JOIN %1$I.merged_customers AS m ON m.customer_key = u.root_key
		)
		UPDATE %1$I.merged_customers AS m SET root_key = u.root_key, root_id = u.root_id
		  FROM (SELECT DISTINCT ON (u.customer_key) u.* FROM up AS u ORDER BY u.customer_key, u.steps DESC) AS u
		 WHERE m.customer_key = u.customer_key AND m.root_key <> u.root_key$q$, home) USING kept_key;
	EXECUTE format('ANALYZE %I.merged_customers', home);
	IF NOT (settings ->> 'live')::boolean THEN
		RETURN QUERY VALUES ('taken back', format('refresh_model(%L) gives both customers their own orders', home));
		RETURN;
	END IF;
	-- Whose orders are whose only the source says, and nobody refreshes a live model.
	PERFORM @extschema@.model_read_source(home, settings);
	PERFORM @extschema@.model_write_thresholds(home, settings, false);
	kept_after := @extschema@.model_customer_words(home, kept_key);
	gone_after := @extschema@.model_customer_words(home, gone_key);
	RETURN QUERY VALUES ('taken back', 'both customers have their own orders, read from the source');
	RETURN QUERY SELECT w.item, format('%s -> %s and %s', kept_before[w.n], kept_after[w.n], gone_after[w.n])
		FROM unnest('{orders,revenue,last order,scores,segment}'::text[]) WITH ORDINALITY AS w (item, n);
END
$$;
COMMENT ON FUNCTION @extschema@.unmerge_customers(text, text) IS
	'take back what merge_customers did: both are customers of their own again, after the next refresh_model; in a live model at once';

/* ---- keys that are no person ---- */

-- A key without letter case and blanks, no-break and zero-width ones included.
CREATE FUNCTION @extschema@.bare_key(key text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.lower(pg_catalog.translate(key, E' \t\n\r\f\u000b\u00a0', ''));
END;
COMMENT ON FUNCTION @extschema@.bare_key(text) IS 'internal: a customer''s key without letter case and blanks';

CREATE FUNCTION @extschema@.is_placeholder_key(key text)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@.bare_key(key) = ANY (ARRAY['', '0', '00', '000', '0000', '00000', '000000', '0.0', '0.00', '-1', '-1.0', '-', '--', '---', '.', '?', '??', '???',
		'null', '(null)', '<null>', '[null]', 'nan', 'n/a', 'na', '#n/a', '#na', '#null!', '#value!', '#ref!', 'none', 'nil', '\n', 'undefined', 'empty', '(empty)', 'blank', '(blank)', 'missing', '(none)',
		'guest', '(guest)', 'guestuser', 'guestcustomer', 'guestcheckout', 'gast', 'gastkunde', 'invité', 'invite', 'invitado', 'ospite', 'walk-in', 'walkin', 'walk-incustomer', 'cashcustomer',
		'unknown', '(unknown)', 'unknowncustomer', 'unbekannt', 'inconnu', 'inconnue', 'desconocido', 'anonymous', 'anonym', 'anonyme', 'anon', 'nocustomer', 'noname', 'nobody', 'notset', '(notset)', 'default', 'dummy',
		'test', 'testuser', 'testcustomer', 'test@test.com', 'test@example.com', 'noemail', 'no-email', 'noreply', 'xx', 'xxx', 'xxxx', 'tbd', 'other', 'misc', 'divers',
		'00000000-0000-0000-0000-000000000000']::pg_catalog.text[]);
END;
COMMENT ON FUNCTION @extschema@.is_placeholder_key(text) IS 'internal: does the key of a customer look as if it stood for nobody?';

-- What a spreadsheet or a copy from a page may have done to a key; NULL: nothing.
CREATE FUNCTION @extschema@.spoilt_key(key text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN pg_catalog.translate(key, E'\t\n\r\f\u000b\u00a0', '') OPERATOR(pg_catalog.<>) key
			OR pg_catalog.btrim(key) OPERATOR(pg_catalog.<>) key THEN 'blanks'
		-- what is cheap to ask first
		WHEN pg_catalog.strpos(key, '+') OPERATOR(pg_catalog.>) 1 AND key OPERATOR(pg_catalog.~) '^-?[0-9]([.,][0-9]+)?[eE][+][0-9]+$' THEN 'exponent'
		WHEN pg_catalog."right"(key, 1) OPERATOR(pg_catalog.=) '0' AND key OPERATOR(pg_catalog.~) '^-?[0-9]+[.,]0+$' THEN 'decimals' END;
END;
COMMENT ON FUNCTION @extschema@.spoilt_key(text) IS 'internal: what may have been done to the key of a customer: blanks, exponent, decimals; NULL: nothing';

/* ---- data quality ---- */

-- What can be wrong, in the order in which it is shown. found: where the count
-- comes from: the last reading of the source (read), the histories as they are
-- (now), or check_quality (checked).
CREATE FUNCTION @extschema@.quality_reasons()
	RETURNS TABLE (reason text, "position" int, unit text, found text, needs text, explanation text, advice text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 30
BEGIN ATOMIC
	VALUES
		('no_customer', 10, 'rows', 'read', NULL, 'rows without a customer; left out',
			'orders of guests: let the e-mail or a device stand for the customer, customer => ''coalesce(customer_id::text, lower(email))''; guests who register later are then two customers: merge_customers joins them'),
		('no_day', 20, 'rows', 'read', NULL, 'rows without a day; left out', 'give another column where this one is NULL: day => ''coalesce(paid_on, ordered_on)'''),
		('no_value', 30, 'rows', 'read', NULL, 'rows without a value; left out', 'value => ''coalesce(total, 0)'' if such an order counts and is worth nothing'),
		('unconvertible', 40, 'rows', 'read', NULL, 'rows that can''t be scored: customer above 1000 bytes, day or value out of range, over 9 decimals; left out',
			'round the value, and mend the rows in the source'),
		('too_large', 50, 'customers', 'read', NULL, 'customers with a total beyond 18 digits; in no view', 'give the value in a larger unit'),
		('future_day', 60, 'customers', 'now', NULL, 'customers with orders after as_of; those orders are not looked at',
			'pre-orders, or days typed wrong: mend them in the source'),
		('no_order', 70, 'customers', 'now', NULL, 'customers with corrections only, and no order', 'the orders that are corrected may be missing from the source'),
		('all_refunded', 75, 'customers', 'now', NULL, 'customers without an order to whom money came and went: what is left of orders that were wholly refunded; they are no prospects',
			'nothing, if the source shows such orders so; the segment map may give them a segment by score_reason, as the shipped maps do'),
		('net_zero', 80, 'customers', 'now', NULL, 'customers with orders whose corrections take back every amount; they count as customers who have bought',
			'an order that came back wholly is none: counts = false for it and its refunds, or leave them out'),
		('one_order_only', 90, 'customers', 'now', NULL, 'customers with exactly one order, where these are more than 95 % of 30 or more',
			'a marketplace makes a customer for every order: find another column that says who the person is'),
		('placeholder_key', 92, 'customers', 'now', NULL, 'customers whose key looks as if it stood for nobody: 0, -1, null, n/a, guest, unknown, test or an empty text; the orders of many may count as those of one',
			'tell people apart by another column, customer => ''coalesce(nullif(customer_id, ''''guest''''), lower(email))'', or leave such rows out: customer => ''nullif(customer_id, ''''guest'''')'''),
		('dominant_customer', 93, 'customers', 'now', NULL, 'customers who alone have more than 5 % of the orders, more than 20, and more than five times as many as the others on average',
			'if that is no person (guests, a marketplace, the till): another column that says who the person is, or leave such rows out: customer => ''nullif(...)'''),
		('spoilt_keys', 94, 'customers', 'now', NULL, 'customers whose key a spreadsheet or a copy may have spoilt: blanks around it, tabs or no-break spaces in it, 1.23E+11 for a long number, .0 at its end',
			'export keys as text; blanks: customer => ''btrim(customer_id)''; a long number that lost its digits can only come from the source'),
		('similar_keys', 95, 'customers', 'now', NULL, 'customers whose key differs from that of another in letter case or blanks only',
			'if they are one person: customer => ''lower(btrim(email))'', or merge_customers'),
		('not_in_customers', 96, 'customers', 'now', 'customers', 'customers of the source who are not in the table of customers; their attributes are NULL, and where consent is asked for they are in no view',
			'if there are many: do the keys mean the same? leading zeros, letter case, types'),
		('not_in_source', 97, 'customers', 'now', 'customers', 'people of the table of customers of whom the source has no row: prospects',
			'nothing, if they have not ordered yet; if nearly everybody: do the keys mean the same?'),
		('no_consent', 100, 'customers', 'now', NULL, 'customers who have not agreed to be scored, or are not in the table of customers; they are in no view', 'nothing, or ask them'),
		('objection', 110, 'customers', 'now', 'objection', 'customers who object to profiling; they are in no view', 'nothing'),
		('retention_due', 150, 'customers', 'now', 'retention_days', 'customers whom retention_days will have removed 30 days from now; see the view retention', 'nothing, or look at them before'),
		('too_few_customers', 120, 'customers', 'now', NULL, 'customers with an order who lack a score, because there are not enough customers for quantiles',
			'once there are more: calibrate_model'),
		('few_customers', 130, 'customers', 'now', NULL, 'customers from whom quantiles were taken, where these are fewer than 30: one more or less moves the thresholds',
			'name thresholds: monetary_thresholds => ''{20,50,100,250}'''),
		('override_unknown_segment', 140, 'customers', 'now', NULL, 'customers whose segment was set by override_segment to one that the map no longer has; the rules decide',
			'override_segment with a segment of the map in force, or clear_override'),
		('not_predicted', 160, 'customers', 'now', 'prediction', 'customers with an order of whom the model predicts nothing, because its fit has found no answer', 'see prediction_fits; once there are more: calibrate_model, or alter_model with another family'),
		('value_not_predicted', 170, 'customers', 'now', 'prediction', 'customers with an order whose value is not predicted, because the fit of spend has found no answer', 'see prediction_fits; once there are more: calibrate_model'),
		('spend_left_out', 180, 'customers', 'now', 'prediction', 'customers who came back and were left out of the fit of spend, because their mean value, corrections taken off, is zero or negative; nor is their value predicted',
			'orders without a value: look for a value; orders that were sent back whole: they are worth nothing, see check_prediction'),
		('corrections_add', 190, 'customers', 'checked', NULL, 'customers whose corrections, rows that are no order, add to their revenue instead of lowering it',
			'orders that were never paid: leave them out, or value => ''CASE WHEN status = ''''paid'''' THEN total ELSE 0 END''; refunds without a sign: value => ''-total'''),
		('exact_duplicates', 200, 'orders', 'checked', NULL, 'rows that equal another in all that the model reads, beyond the first; they are kept',
			'if they are copies: name the column that tells orders apart, event_key => ''order_id'''),
		('duplicate_keys', 210, 'orders', 'checked', 'event_key', 'rows with an event key that another row has, beyond the first; left out', 'nothing, if rows are delivered more than once'),
		('conflicting_keys', 220, 'keys', 'checked', 'event_key', 'event keys whose rows say different things; the row of the latest day counts, then that of the highest value',
			'find out whether event_key tells orders apart, and which row is right'),
		('several_rows_a_day', 230, 'days', 'checked', NULL, 'days of a customer with several rows, where these are more than 20 %',
			'the source may have order lines: add them up to orders, or count days with frequency => ''active_days'''),
		('outlier_high', 240, 'orders', 'checked', NULL, 'orders far above the others (modified z-score of the logarithm beyond 3.5)',
			'look at them: businesses among consumers, test orders, cents for euros'),
		('outlier_low', 250, 'orders', 'checked', NULL, 'orders far below the others (modified z-score of the logarithm beyond 3.5)',
			'look at them: test orders, vouchers, a lost decimal point'),
		('mixed_currencies', 260, 'orders', 'checked', 'currency', 'orders in another currency than the most frequent; amounts are added up as if they were in one',
			'convert: value => ''total * rate'', or make a model for each currency: tenant => ''currency'''),
		('no_currency', 270, 'orders', 'checked', 'currency', 'orders without a currency', 'mend them in the source'),
		('days_without_rows', 280, 'days', 'checked', NULL, 'days without any row between the first and the last, of weekdays that mostly have some',
			'look for files that were not loaded'),
		('no_recent_rows', 290, 'days', 'checked', NULL, 'days without any row from the last row to as_of, of weekdays that mostly have some',
			'look whether the source is still fed');
END;
COMMENT ON FUNCTION @extschema@.quality_reasons() IS
	'the reasons of the view data_quality: what is counted, what it means, what to do; needs names the setting without which it is not counted';

CREATE FUNCTION @extschema@.model_make_quality(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	question	text := @extschema@.model_question(model, settings);
	tenant		text := @extschema@.model_tenant(settings, 'q');
	-- counts of rows are not known by tenant: for those who see all of them
	everything	text := @extschema@.model_reader_condition(model, settings, 'CURRENT_USER', 'r.tenant IS NULL');
	-- as in model_write_thresholds
	quantiles	boolean := (settings ->> 'bins')::int > 1 AND EXISTS (
		SELECT FROM (VALUES (settings -> 'recency_thresholds'), (settings -> 'frequency_thresholds'), (settings -> 'monetary_thresholds')) AS t (given)
		 WHERE t.given = '[]' OR t.given = 'null' AND ((settings ->> 'bins')::int <> 5 OR t.given = settings -> 'monetary_thresholds'));
	people		text := 'SELECT NULL::text AS tenant, 0::bigint AS no_consent, 0::bigint AS objection, 0::bigint AS not_in_customers, 0::bigint AS not_in_source WHERE false';
	-- keys that are numbers can't be spoilt
	texts		boolean := settings ->> 'key_text' IS DISTINCT FROM 'pg_catalog.trim_scale(%s)::pg_catalog.text' AND settings ->> 'customer_type' NOT IN ('smallint', 'integer', 'bigint', 'uuid');
	words		text;
	checked		text[];
	small		int := settings ->> 'minimum_group_size';
BEGIN
	IF settings ->> 'customers_query' IS NOT NULL THEN
		people := format($q$SELECT COALESCE(h.tenant, p.tenant) AS tenant, count(*) FILTER (WHERE h.tenant IS NOT NULL AND (%3$s)) AS no_consent,
				count(*) FILTER (WHERE h.tenant IS NOT NULL AND (p.objection%4$s)) AS objection,
				count(*) FILTER (WHERE p.tenant IS NULL) AS not_in_customers, count(*) FILTER (WHERE h.tenant IS NULL) AS not_in_source
			FROM (SELECT h.tenant, h.customer_key, h.customer_id FROM (%1$s) AS h) AS h
			FULL JOIN (SELECT p.tenant, p.customer_id, p.consent, p.objection FROM (%2$s) AS p
				WHERE NOT EXISTS (SELECT FROM %5$I.merged_customers AS m WHERE m.customer_key = %6$s)) AS p
			  ON %6$s = h.customer_key GROUP BY COALESCE(h.tenant, p.tenant)$q$,
			@extschema@.model_histories(model, settings), settings ->> 'customers_query',
			CASE WHEN settings ->> 'consent' IS NULL THEN 'false' ELSE format('p.consent IS NOT TRUE OR EXISTS (SELECT FROM %1$I.merged_customers AS m'
				' WHERE m.root_key = h.customer_key AND NOT EXISTS (SELECT FROM (%2$s) AS x WHERE (%3$s) COLLATE "C" = m.customer_key AND x.consent))',
				model, settings ->> 'customers_query', @extschema@.model_key(settings, 'x.tenant', 'x.customer_id')) END,
			CASE WHEN settings ->> 'objection' IS NULL THEN '' ELSE
				format(' OR EXISTS (SELECT FROM %1$I.merged_customers AS m JOIN (%2$s) AS x ON (%3$s) COLLATE "C" = m.customer_key WHERE m.root_key = h.customer_key AND x.objection)',
					model, settings ->> 'customers_query', @extschema@.model_key(settings, 'x.tenant', 'x.customer_id')) END, model, @extschema@.model_person_key(settings));
	END IF;
	SELECT string_agg(format('(%L, %s, %L, %L, %L, %L)', r.reason, r.position, r.unit, r.found,
			CASE WHEN settings ->> 'tenant' IS NOT NULL AND r.reason = 'no_customer' THEN replace(r.explanation, 'customer', 'customer or a tenant') ELSE r.explanation END,
			r.advice), ', ' ORDER BY r.position), array_agg(r.reason ORDER BY r.position) FILTER (WHERE r.found = 'checked')
	  INTO words, checked FROM @extschema@.quality_reasons() AS r WHERE r.needs IS NULL OR settings ->> r.needs IS NOT NULL;
	PERFORM @extschema@.model_put_view(model, 'data_quality',
		-- security_barrier protects nothing where a UNION ALL is all there is
		format($q$SELECT u.tenant, w.reason, w.unit, %12$s AS affected, w.explanation || COALESCE(': ' || u.detail, '')%13$s AS explanation, u.checked_at, %14$s AS customers,
				CASE WHEN w.found = 'checked' AND u.checked_at IS NULL THEN format('count it: SELECT check_quality(%%L)', %9$L) ELSE w.advice END AS advice
			FROM (VALUES %1$s) AS w (reason, "position", unit, found, explanation, advice)
			JOIN (
				SELECT %3$s AS tenant, d.reason, d.affected, d.affected AS customers,
					CASE WHEN d.affected > 0 THEN CASE d.reason WHEN 'not_predicted' THEN @extschema@.prediction_reason(k.btyd_fit)
						WHEN 'value_not_predicted' THEN @extschema@.prediction_reason(k.spend_fit)%16$s END END AS detail, now() AS checked_at
				FROM (%4$s) AS q
				JOIN %2$I.calibration AS k ON k.version = q.version AND k.tenant = q.tenant
				LEFT JOIN (SELECT h.tenant, count(*) FILTER (WHERE @extschema@.last_day(h.history, 'infinity') > q.as_of) AS future,
						count(*) FILTER (WHERE @extschema@.last_day(h.history, 'infinity') IS NULL AND @extschema@.no_order_reason(h.history, q.as_of) = 'no_order') AS no_order,
						count(*) FILTER (WHERE @extschema@.no_order_reason(h.history, q.as_of) = 'all_refunded') AS all_refunded,
						count(*) FILTER (WHERE CASE WHEN @extschema@.monetary_float8(h.history, q.as_of, NULL) = 0 AND @extschema@.recency(h.history, q.as_of) IS NOT NULL
							THEN EXISTS (SELECT FROM @extschema@.days(h.history) AS y WHERE y.day <= q.as_of AND y.total <> 0) END) AS net_zero,
						count(*) FILTER (WHERE @extschema@.frequency(h.history, q.as_of) = 1) AS one_order,
						count(*) FILTER (WHERE @extschema@.recency(h.history, q.as_of) IS NOT NULL) AS ordered,
						max(@extschema@.frequency(h.history, q.as_of)) AS most_orders, sum(@extschema@.frequency(h.history, q.as_of)) AS orders,
						count(*) FILTER (WHERE @extschema@.is_placeholder_key(h.customer_id)) AS placeholder,
						count(*) FILTER (WHERE %11$s) AS due
						FROM (%4$s) AS q JOIN (%5$s) AS h ON h.tenant = q.tenant GROUP BY h.tenant) AS n ON n.tenant = q.tenant
				LEFT JOIN (%6$s) AS p ON p.tenant = q.tenant
				LEFT JOIN (%15$s) AS y ON y.tenant = q.tenant
				CROSS JOIN LATERAL (VALUES
					('future_day', COALESCE(n.future, 0)), ('no_order', COALESCE(n.no_order, 0)), ('all_refunded', COALESCE(n.all_refunded, 0)), ('net_zero', COALESCE(n.net_zero, 0)),
					('one_order_only', CASE WHEN n.ordered >= 30 AND n.one_order > 0.95 * n.ordered THEN n.one_order ELSE 0 END),
					('placeholder_key', COALESCE(n.placeholder, 0)),
					('dominant_customer', CASE WHEN n.most_orders > 20 AND n.most_orders > 0.05 * n.orders AND n.ordered > 1
						AND n.most_orders * (n.ordered - 1) > 5 * (n.orders - n.most_orders) THEN 1 ELSE 0 END),
					('spoilt_keys', COALESCE(y.spoilt, 0)), ('similar_keys', COALESCE(y.similar, 0)),
					('not_in_customers', COALESCE(p.not_in_customers, 0)), ('not_in_source', COALESCE(p.not_in_source, 0)),
					('retention_due', COALESCE(n.due, 0)), ('no_consent', COALESCE(p.no_consent, 0)), ('objection', COALESCE(p.objection, 0)),
					('too_few_customers', CASE WHEN q.recency_thresholds IS NULL OR q.frequency_thresholds IS NULL OR q.monetary_thresholds IS NULL
						THEN COALESCE(n.ordered, 0) ELSE 0 END),
					('few_customers', CASE WHEN %7$L AND k.customers < 30 AND NOT (q.recency_thresholds IS NULL OR q.frequency_thresholds IS NULL OR q.monetary_thresholds IS NULL)
						THEN k.customers ELSE 0 END),
					('not_predicted', CASE WHEN @extschema@.prediction_reason(k.btyd_fit) IS NULL THEN 0 ELSE COALESCE(n.ordered, 0) END),
					('value_not_predicted', CASE WHEN @extschema@.prediction_reason(k.spend_fit) IS NULL THEN 0 ELSE COALESCE(n.ordered, 0) END),
					('spend_left_out', COALESCE((k.spend_fit -> 'left_out' ->> 'zero_mean')::bigint + (k.spend_fit -> 'left_out' ->> 'negative_mean')::bigint, 0)),
					('override_unknown_segment', (SELECT count(*) FROM %2$I.overridden_segments AS o WHERE o.tenant = q.tenant
						AND NOT EXISTS (SELECT FROM %2$I.segment_label AS l WHERE l.map = q.map_copy AND l.segment = o.segment)))) AS d (reason, affected)
				UNION ALL
				SELECT NULL, d.reason, d.affected, CASE WHEN d.reason = 'too_large' THEN d.affected ELSE x.customers END, NULL, r.finished_at
				FROM (SELECT * FROM %2$I.refreshes AS f WHERE %8$s ORDER BY f.refresh_id DESC LIMIT 1) AS r
				CROSS JOIN LATERAL (VALUES
					('no_customer', r.rows_without_customer), ('no_day', r.rows_without_day), ('no_value', r.rows_without_value),
					('unconvertible', r.rows_unconvertible + (SELECT COALESCE(sum(x.affected), 0)::bigint FROM %2$I.rejects AS x WHERE x.reason = 'unconvertible')),
					('too_large', r.customers_too_large)) AS d (reason, affected)
				LEFT JOIN %2$I.quality AS x ON x.tenant IS NULL AND x.reason = d.reason
				UNION ALL
				SELECT %3$s, c.reason, x.affected, x.customers, x.detail, x.checked_at
				FROM (%4$s) AS q CROSS JOIN unnest(%10$L::text[]) AS c (reason)
				LEFT JOIN %2$I.quality AS x ON x.tenant = q.tenant AND x.reason = c.reason) AS u ON u.reason = w.reason
			ORDER BY u.tenant, w."position"$q$,
			words, model, tenant, question, @extschema@.model_histories(model, settings), people, quantiles, everything, model, checked,
			CASE WHEN settings ->> 'retention_days' IS NULL THEN 'false' ELSE
				format('@extschema@.last_activity(h.history) < q.as_of - %s + 30', settings ->> 'retention_days') END,
			CASE WHEN small = 1 THEN 'u.affected' ELSE format('CASE WHEN w.unit <> ''customers'' OR u.affected NOT BETWEEN 1 AND %s - 1 THEN u.affected END', small) END,
			CASE WHEN small = 1 THEN '' ELSE format(' || CASE WHEN u.customers BETWEEN 1 AND %1$s - 1 THEN '': fewer than %1$s customers'' ELSE '''' END', small) END,
			CASE WHEN small = 1 THEN 'u.customers' ELSE format('CASE WHEN u.customers NOT BETWEEN 1 AND %s - 1 THEN u.customers END', small) END,
			CASE WHEN NOT texts THEN 'SELECT NULL::text AS tenant, 0::bigint AS spoilt, 0::bigint AS similar, NULL::text AS detail WHERE false' ELSE
				format($k$SELECT b.tenant, sum(b.spoilt)::bigint AS spoilt, COALESCE(sum(b.n) FILTER (WHERE b.n > 1), 0)::bigint AS similar,
					concat_ws(', ', sum(b.blanks) || ' with blanks', sum(b.exponents) || ' with an exponent', sum(b.decimals) || ' with .0') AS detail
				FROM (SELECT h.tenant, count(*) AS n, count(k.kind) AS spoilt, NULLIF(count(*) FILTER (WHERE k.kind = 'blanks'), 0) AS blanks,
						NULLIF(count(*) FILTER (WHERE k.kind = 'exponent'), 0) AS exponents, NULLIF(count(*) FILTER (WHERE k.kind = 'decimals'), 0) AS decimals
					FROM (%s) AS h CROSS JOIN LATERAL (SELECT @extschema@.spoilt_key(h.customer_id) AS kind) AS k
					GROUP BY h.tenant, @extschema@.bare_key(h.customer_id)) AS b GROUP BY b.tenant$k$, @extschema@.model_histories(model, settings)) END,
			-- figures of few people are no more shown in words
			CASE WHEN small = 1 THEN $d$
						WHEN 'dominant_customer' THEN format('%s %% of %s orders', round(100.0 * n.most_orders / n.orders, 1), n.orders)
						WHEN 'spoilt_keys' THEN y.detail$d$ ELSE '' END),
		'what was left out when the source was read, and what is worth a look, by reason');
END
$$;
COMMENT ON FUNCTION @extschema@.model_make_quality(name, jsonb) IS 'internal: make or replace the view data_quality of a model';

-- The source read once more, for what histories don't tell.
CREATE FUNCTION @extschema@.model_check_quality(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET jit = off		-- which would take longer than the query
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	findings	jsonb;
	today		date;
	state		text;
	message		text;
BEGIN
	EXECUTE format('SELECT %s FROM %I.configuration AS c WHERE c.valid_until IS NULL', @extschema@.model_as_of(), model) INTO today;
	EXECUTE format($q$
		WITH source AS MATERIALIZED (
			SELECT (%1$s) COLLATE "C" AS customer_key, %2$s AS tenant, %3$s AS day, r.day AS moment, r.value, r.counts, r.event_key, r.currency, r.is_kept,
				   (octet_length(%1$s) <= 1000) IS TRUE AND @extschema@.is_scorable(%3$s, r.value) IS TRUE AS is_scored,
				   coalesce(r.counts, r.value >= 0) AS is_event
			  FROM (%4$s) AS r
		), kept AS (
			SELECT * FROM source AS s WHERE s.is_scored AND s.is_kept
		), tenants AS (
			SELECT s.tenant, count(*) AS orders FROM kept AS s GROUP BY s.tenant
		),
		-- rows that are left out: of how many customers
		left_out AS (
			SELECT NULL::text AS tenant, w.reason, w.affected, w.customers, NULL::text AS detail
			  FROM (SELECT count(*) FILTER (WHERE s.moment IS NULL) AS no_day, count(DISTINCT s.customer_key) FILTER (WHERE s.moment IS NULL) AS no_day_customers,
						   count(*) FILTER (WHERE s.value IS NULL) AS no_value, count(DISTINCT s.customer_key) FILTER (WHERE s.value IS NULL) AS no_value_customers,
						   count(*) FILTER (WHERE s.moment IS NOT NULL AND s.value IS NOT NULL) AS unconvertible,
						   count(DISTINCT s.customer_key) FILTER (WHERE s.moment IS NOT NULL AND s.value IS NOT NULL) AS unconvertible_customers
					  FROM source AS s WHERE NOT s.is_scored AND s.is_kept AND s.customer_key IS NOT NULL) AS n,
				   LATERAL (VALUES ('no_day', n.no_day, n.no_day_customers), ('no_value', n.no_value, n.no_value_customers),
						('unconvertible', n.unconvertible, n.unconvertible_customers)) AS w (reason, affected, customers)
		), corrections AS (
			SELECT c.tenant, 'corrections_add' AS reason, count(*) AS affected, count(*) AS customers, NULL::text AS detail
			  FROM (SELECT s.tenant FROM kept AS s WHERE NOT s.is_event AND s.day <= $1 GROUP BY s.tenant, s.customer_key HAVING sum(s.value) > 0) AS c
			 GROUP BY c.tenant
		), duplicates AS (
			SELECT d.tenant, 'exact_duplicates' AS reason, sum(d.n - 1)::bigint AS affected, count(DISTINCT d.customer_key) AS customers, NULL::text AS detail
			  FROM (SELECT s.tenant, s.customer_key, count(*) AS n FROM kept AS s
					 GROUP BY s.tenant, s.customer_key, s.moment, s.value, s.counts, s.event_key, s.currency HAVING count(*) > 1) AS d
			 GROUP BY d.tenant
		), keys AS (
			SELECT s.tenant, s.event_key, count(*) AS n, min(s.customer_key) AS customer_key, max(s.customer_key) AS other_key,
				   count(DISTINCT (s.customer_key, s.moment, s.value, s.counts, s.currency)) > 1 AS is_conflicting
			  FROM source AS s WHERE s.event_key IS NOT NULL GROUP BY s.tenant, s.event_key HAVING count(*) > 1
		), repeated AS (
			SELECT k.tenant, w.reason, CASE w.reason WHEN 'duplicate_keys' THEN sum(k.n - 1) ELSE count(*) FILTER (WHERE k.is_conflicting) END::bigint AS affected,
				   count(DISTINCT k.customer_key) FILTER (WHERE w.reason = 'duplicate_keys' OR k.is_conflicting) AS customers,
				   CASE WHEN w.reason = 'conflicting_keys' AND bool_or(k.customer_key <> k.other_key)
						THEN format('%%s of them on different customers', count(*) FILTER (WHERE k.customer_key <> k.other_key)) END AS detail
			  FROM keys AS k CROSS JOIN (VALUES ('duplicate_keys'), ('conflicting_keys')) AS w (reason) GROUP BY k.tenant, w.reason
		), lines AS (
			SELECT d.tenant, 'several_rows_a_day' AS reason, CASE WHEN count(*) FILTER (WHERE d.n > 1) > 0.2 * count(*) THEN count(*) FILTER (WHERE d.n > 1) ELSE 0 END AS affected,
				   CASE WHEN count(*) FILTER (WHERE d.n > 1) > 0.2 * count(*) THEN count(DISTINCT d.customer_key) FILTER (WHERE d.n > 1) ELSE 0 END AS customers,
				   format('%%s %%%% of %%s days of a customer', round(100.0 * count(*) FILTER (WHERE d.n > 1) / count(*), 1), count(*)) AS detail
			  FROM (SELECT s.tenant, s.customer_key, s.day, count(*) AS n FROM kept AS s WHERE s.is_event GROUP BY s.tenant, s.customer_key, s.day) AS d
			 GROUP BY d.tenant
		),
		-- Iglewicz and Hoaglin, with 0.6745 as they print it: the median absolute deviation of a
		-- normal distribution. The bound is cut away from the outliers, so that all are beyond it.
		logs AS (
			SELECT s.tenant, s.customer_key, ln(s.value::float8) AS x FROM kept AS s WHERE s.is_event AND s.value > 0
		), medians AS (
			SELECT l.tenant, count(*) AS n, percentile_cont(0.5) WITHIN GROUP (ORDER BY l.x) AS median FROM logs AS l GROUP BY l.tenant
		), deviations AS (
			SELECT m.tenant, m.n, m.median, percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(l.x - m.median)) AS mad
			  FROM medians AS m JOIN logs AS l ON l.tenant = m.tenant GROUP BY m.tenant, m.n, m.median
		), outliers AS (
			SELECT d.tenant, w.reason, count(l.x) AS affected, count(DISTINCT l.customer_key) AS customers,
				   CASE WHEN d.n < 30 THEN 'not judged, there are fewer than 30 orders' WHEN d.mad = 0 THEN 'not judged, most orders have the same value'
						ELSE format(CASE w.sign WHEN 1 THEN 'above %%s' ELSE 'below %%s' END, w.sign * @extschema@.explain_floor(w.sign * exp(d.median + w.sign * 3.5 / 0.6745 * d.mad)::numeric, %6$s)) END AS detail
			  FROM deviations AS d CROSS JOIN (VALUES ('outlier_high', 1), ('outlier_low', -1)) AS w (reason, sign)
			  LEFT JOIN logs AS l ON l.tenant = d.tenant AND d.n >= 30 AND d.mad > 0 AND w.sign * 0.6745 * (l.x - d.median) > 3.5 * d.mad
			 GROUP BY d.tenant, w.reason, w.sign, d.n, d.mad, d.median
		), currencies AS (
			SELECT s.tenant, s.currency, count(*) AS n, row_number() OVER (PARTITION BY s.tenant ORDER BY count(*) DESC, s.currency) AS place
			  FROM kept AS s WHERE s.currency IS NOT NULL GROUP BY s.tenant, s.currency
		), mixed AS (
			SELECT c.tenant, 'mixed_currencies' AS reason, coalesce(sum(c.n) FILTER (WHERE c.place > 1), 0)::bigint AS affected,
				   (SELECT count(DISTINCT s.customer_key) FROM kept AS s JOIN currencies AS o ON o.tenant = s.tenant AND o.currency = s.currency AND o.place > 1
					 WHERE s.tenant = c.tenant) AS customers,
				   -- what is no code of a currency may be anything: it isn't shown
				   CASE WHEN count(*) > 1 THEN format('%%s currencies%%s', count(*),
						': ' || string_agg(format('%%s of %%s', c.n, c.currency), ', ' ORDER BY c.place) FILTER (WHERE c.place <= 10 AND c.currency ~ '^[A-Z]{3}$')) END AS detail
			  FROM currencies AS c GROUP BY c.tenant
			UNION ALL
			SELECT s.tenant, 'no_currency', count(*), count(DISTINCT s.customer_key), NULL FROM kept AS s WHERE s.currency IS NULL AND 'currency' = ANY ($2) GROUP BY s.tenant
		),
		-- a weekday counts if at least half of its days have a row
		days AS (
			SELECT s.tenant, s.day FROM kept AS s WHERE s.day <= $1 GROUP BY s.tenant, s.day
		), weekdays AS (
			SELECT b.tenant, w.weekday
			  FROM (SELECT d.tenant, min(d.day) AS first, max(d.day) AS last FROM days AS d GROUP BY d.tenant) AS b
			 CROSS JOIN generate_series(1, 7) AS w (weekday)
			 CROSS JOIN LATERAL (SELECT count(*) AS n FROM days AS d WHERE d.tenant = b.tenant AND extract(isodow FROM d.day) = w.weekday) AS d
			 WHERE 2 * d.n >= @extschema@.model_weekdays(b.first, b.last, w.weekday) AND d.n > 0
		), gaps AS (
			SELECT g.tenant, g.after, g.is_last, coalesce(sum(@extschema@.model_weekdays(g.after + 1, g.before - 1, w.weekday)), 0) AS n
			  FROM (SELECT d.tenant, d.day AS after, coalesce(lead(d.day) OVER next_day, $1 + 1) AS before, lead(d.day) OVER next_day IS NULL AS is_last
					  FROM days AS d WINDOW next_day AS (PARTITION BY d.tenant ORDER BY d.day)) AS g
			  LEFT JOIN weekdays AS w ON w.tenant = g.tenant
			 WHERE g.before > g.after + 1
			 GROUP BY g.tenant, g.after, g.is_last
		), feed AS (
			SELECT g.tenant, CASE WHEN g.is_last THEN 'no_recent_rows' ELSE 'days_without_rows' END AS reason, sum(g.n)::bigint AS affected, NULL::bigint AS customers,
				   CASE WHEN g.is_last THEN format('the last row is of %%s', to_char(max(g.after), 'YYYY-MM-DD'))
						WHEN max(g.n) > 0 THEN format('at most %%s together, after %%s', max(g.n), to_char((array_agg(g.after ORDER BY g.n DESC, g.after))[1], 'YYYY-MM-DD')) END AS detail
			  FROM gaps AS g GROUP BY g.tenant, g.is_last
		), found AS (
			SELECT * FROM corrections UNION ALL SELECT * FROM duplicates UNION ALL SELECT * FROM repeated UNION ALL SELECT * FROM lines UNION ALL SELECT * FROM outliers
			UNION ALL SELECT * FROM mixed UNION ALL SELECT * FROM feed
		)
		SELECT jsonb_agg(to_jsonb(x)) FROM (
			SELECT * FROM left_out
			UNION ALL
			SELECT t.tenant, r.reason, coalesce(f.affected, 0), CASE WHEN f.reason IS NULL AND r.unit <> 'days' THEN 0 ELSE f.customers END, f.detail
			  FROM tenants AS t CROSS JOIN @extschema@.quality_reasons() AS r LEFT JOIN found AS f ON f.tenant = t.tenant AND f.reason = r.reason
			 WHERE r.found = 'checked' AND (r.needs IS NULL OR r.needs = ANY ($2))) AS x$q$,
		@extschema@.model_source_key(settings, 'r.customer'), CASE WHEN tenanted THEN 'r.customer[1]' ELSE '''''::text' END,
		CASE WHEN (settings ->> 'day_is_moment')::boolean THEN format('(r.day AT TIME ZONE %L)::date', settings ->> 'time_zone') ELSE 'r.day::date' END,
		settings ->> 'quality_query', NULL, settings ->> 'money_decimals')
		INTO findings USING today, ARRAY(SELECT k FROM unnest('{event_key,currency}'::text[]) AS k WHERE settings ->> k IS NOT NULL);
	EXECUTE format('LOCK TABLE %I.quality IN SHARE ROW EXCLUSIVE MODE', model);
	EXECUTE format('DELETE FROM %I.quality', model);
	EXECUTE format('INSERT INTO %I.quality SELECT f.tenant, f.reason, f.affected, f.customers, f.detail, clock_timestamp()'
		' FROM jsonb_to_recordset($1) AS f (tenant text, reason text, affected bigint, customers bigint, detail text)', model) USING findings;
EXCEPTION
	WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name OR ambiguous_column
		OR datatype_mismatch OR cannot_coerce OR wrong_object_type OR grouping_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@.model_raise_unreadable(model, state, message);
END
$$;
COMMENT ON FUNCTION @extschema@.model_check_quality(name, jsonb) IS 'internal: read the source of a model for what can be wrong with it, write down counts';

-- How often a weekday comes from one day to another: 1 is Monday.
CREATE FUNCTION @extschema@.model_weekdays(from_day date, to_day date, weekday int)
	RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN to_day OPERATOR(pg_catalog.<) from_day THEN 0 ELSE
		((to_day OPERATOR(pg_catalog.-) from_day) OPERATOR(pg_catalog.+) 7 OPERATOR(pg_catalog.-)
		 ((weekday OPERATOR(pg_catalog.-) pg_catalog.date_part('isodow', from_day)::int OPERATOR(pg_catalog.+) 7) OPERATOR(pg_catalog.%) 7))
		OPERATOR(pg_catalog./) 7 END;
END;
COMMENT ON FUNCTION @extschema@.model_weekdays(date, date, int) IS 'internal: how many Mondays (1) to Sundays (7) there are from one day to another';

CREATE FUNCTION @extschema@.check_quality(model text)
	RETURNS TABLE (tenant text, reason text, unit text, affected bigint, customers bigint, explanation text, advice text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	name := @extschema@.model_home(model);
BEGIN
	PERFORM @extschema@.model_check_quality(home, @extschema@.model_settings(home));
	RETURN QUERY EXECUTE format('SELECT q.tenant, q.reason, q.unit, q.affected, q.customers, q.explanation, q.advice FROM %I.data_quality AS q WHERE coalesce(q.affected > 0, q.checked_at IS NOT NULL)', home);
END
$$;
COMMENT ON FUNCTION @extschema@.check_quality(text) IS
	'read the source of a model once more and count what can be wrong with it: duplicates, order lines, outliers, currencies, days without rows; returns what was found, and the view data_quality shows it from now on';

/* ---- parity ---- */

-- Customers of each value of an attribute by segment, for those who may see them.
CREATE FUNCTION @extschema@.model_make_parity(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM @extschema@.model_put_function(model, 'attribute_segments', '{attribute text}',
		'TABLE (tenant text, attribute_value text, segment text, segment_label text, segment_order int, customers bigint, minimum_group_size int)',
		format($q$SELECT s.tenant, a.value, s.segment::text, s.segment_label, s.segment_order, count(*), %1$s
			FROM (%2$s) AS s CROSS JOIN LATERAL (VALUES (NULL::text, NULL::text)%3$s) AS a (attribute, value)
			WHERE a.attribute = $1 GROUP BY s.tenant, a.value, s.segment, s.segment_label, s.segment_order$q$, settings ->> 'minimum_group_size',
			@extschema@.model_wide(model, settings, @extschema@.model_scores(model, settings,
				@extschema@.model_question(model, settings, reader => '@extschema@.caller_role($2)'), ARRAY[settings ->> 'map_copy'])),
			(SELECT string_agg(format(', (%L, s.%I::text COLLATE "default")', a, a), '' ORDER BY n)
			   FROM unnest(@extschema@.model_attributes(settings)) WITH ORDINALITY AS u (a, n))));
END
$$;
COMMENT ON FUNCTION @extschema@.model_make_parity(name, jsonb) IS 'internal: make or replace the function of a model that score_parity is made from';

CREATE FUNCTION @extschema@._attribute_segments(model name, attribute text)
	RETURNS TABLE (tenant text, attribute_value text, segment text, segment_label text, segment_order int, customers bigint, minimum_group_size int)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'call_model_function';
COMMENT ON FUNCTION @extschema@._attribute_segments(name, text) IS 'internal: call this function of a model';

-- Readers may ask as well, about the customers whom they may see. It works on
-- anybody's model: it reads no view there, whose functions would run with the
-- rights of the caller, but asks the function above, as sql/explain.sql does.
CREATE FUNCTION @extschema@.score_parity(model text, attribute text, minimum_ratio float8 DEFAULT 0.8)
	RETURNS TABLE (tenant text, attribute_value text, segment text, segment_label text, customers bigint, group_customers bigint,
		group_share float8, overall_share float8, ratio float8, deviations float8, flagged boolean, note text, segment_order int)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name;
	scores		regclass;
	attributes	text;
BEGIN
	IF model IS NULL OR attribute IS NULL OR minimum_ratio IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('%s must not be null', CASE WHEN model IS NULL THEN 'model' WHEN attribute IS NULL THEN 'attribute' ELSE 'minimum_ratio' END);
	END IF;
	IF NOT (minimum_ratio > 0 AND minimum_ratio <= 1) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('minimum_ratio %s is not above 0 and at most 1', minimum_ratio),
			HINT = '0.8 is the four-fifths rule.';
	END IF;
	home := @extschema@.model_named(model);
	scores := (SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = to_regnamespace(quote_ident(home)) AND c.relname = 'customer_scores');
	IF NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = scores AND a.attnum > 0 AND a.attname = attribute
					  AND octet_length(attribute) <= 63 AND col_description(a.attrelid, a.attnum) = 'attribute of the customer') THEN
		SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) INTO attributes
		  FROM pg_attribute AS a WHERE a.attrelid = scores AND a.attnum > 0 AND col_description(a.attrelid, a.attnum) = 'attribute of the customer';
		RAISE undefined_column USING
			MESSAGE = format('attribute "%s" is none of model "%s"', left(attribute, 100), home),
			HINT = CASE WHEN attributes IS NULL THEN format('Name a table of customers and its columns: alter_model(%L, customers => ..., attributes => ...)', home)
				ELSE format('Its attributes are: %s.', attributes) END;
	END IF;
	RETURN QUERY EXECUTE $q$
		WITH counted AS MATERIALIZED (
			SELECT s.tenant, s.attribute_value AS value, s.segment, s.segment_label, s.segment_order, s.customers AS n, s.minimum_group_size AS minimum
			  FROM @extschema@._attribute_segments($1, $3) AS s
		), groups AS (
			SELECT c.tenant, c.value, sum(c.n)::bigint AS n,
				   @extschema@.is_small_cell(sum(c.n)::bigint, (SELECT max(m.minimum) FROM counted AS m), 1, 1) OVER (PARTITION BY c.tenant ORDER BY c.value RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS is_small,
				   dense_rank() OVER (PARTITION BY c.tenant ORDER BY c.value)::int AS line
			  FROM counted AS c GROUP BY c.tenant, c.value
		), segments AS (
			SELECT c.tenant, c.segment, c.segment_label, c.segment_order, sum(c.n)::bigint AS n,
				   sum(sum(c.n)) OVER (PARTITION BY c.tenant)::bigint AS everybody,
				   @extschema@.is_small_cell(sum(c.n)::bigint, (SELECT max(m.minimum) FROM counted AS m), 1, 1) OVER (PARTITION BY c.tenant ORDER BY c.segment_order, c.segment
					   RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS is_small,
				   dense_rank() OVER (PARTITION BY c.tenant ORDER BY c.segment_order, c.segment)::int AS cross_line
			  FROM counted AS c GROUP BY c.tenant, c.segment, c.segment_label, c.segment_order
		), cells AS (
			-- a group of whom nobody is in a segment is what one looks for
			SELECT g.tenant, g.value, s.segment, s.segment_label, s.segment_order, coalesce(c.n, 0) AS n, g.n AS group_n, s.n AS segment_n, s.everybody, g.is_small AS group_is_small, s.is_small AS segment_is_small,
				   g.is_small OR s.is_small OR @extschema@.is_small_cell(coalesce(c.n, 0), (SELECT max(m.minimum) FROM counted AS m), g.line, s.cross_line) OVER (PARTITION BY g.tenant ORDER BY g.line, s.cross_line
					   RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS is_small
			  FROM groups AS g JOIN segments AS s ON s.tenant IS NOT DISTINCT FROM g.tenant
			  LEFT JOIN counted AS c ON c.tenant IS NOT DISTINCT FROM g.tenant AND c.value IS NOT DISTINCT FROM g.value AND c.segment IS NOT DISTINCT FROM s.segment
		), compared AS (
			SELECT c.*, c.n / c.group_n::float8 AS share, c.segment_n / c.everybody::float8 AS overall,
				   -- of a sample without replacement: mean and variance are those of the hypergeometric distribution
				   (c.n - c.group_n * (c.segment_n / c.everybody::float8))
				   / nullif(sqrt(c.group_n * (c.segment_n / c.everybody::float8) * (1 - c.segment_n / c.everybody::float8)
						* (c.everybody - c.group_n) / nullif(c.everybody - 1, 0)), 0) AS deviations
			  FROM cells AS c
		)
		SELECT c.tenant, c.value, c.segment, c.segment_label,
			   CASE WHEN NOT c.is_small THEN c.n END, CASE WHEN NOT c.group_is_small THEN c.group_n END,
			   CASE WHEN NOT c.is_small THEN c.share END, CASE WHEN NOT c.segment_is_small THEN c.overall END, CASE WHEN NOT c.is_small THEN c.share / c.overall END,
			   CASE WHEN NOT c.is_small THEN c.deviations END,
			   CASE WHEN NOT c.is_small THEN c.share < $2 * c.overall OR c.share * $2 > c.overall END,
			   CASE WHEN c.is_small THEN 'too few customers to be shown'
					WHEN c.share < $2 * c.overall THEN concat('fewer than the limit', CASE WHEN abs(c.deviations) < 2 THEN '; may be chance' END)
					WHEN c.share * $2 > c.overall THEN concat('more than the limit', CASE WHEN abs(c.deviations) < 2 THEN '; may be chance' END) END,
			   c.segment_order
		  FROM compared AS c
		 ORDER BY c.tenant, c.value, c.segment_order, c.segment$q$
		USING home, minimum_ratio, attribute;
END
$$;
COMMENT ON FUNCTION @extschema@.score_parity(text, text, float8) IS
	'are the values of an attribute alike in the segments? For each the share of its customers in each segment, against the share of all customers; flagged where the ratio is below minimum_ratio or above its inverse; deviations: how many standard deviations from what chance gives';
