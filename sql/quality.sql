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
		-- A key of a person has no place in the statistics, which more people can read.
		ALTER TABLE %1$I.overridden_segments ALTER customer_key SET STATISTICS 0, ALTER reason SET STATISTICS 0;
		ANALYZE %1$I.overridden_segments;
		$q$, model);
	FOR c IN SELECT * FROM (VALUES
		('overridden_segments', NULL, 'segments that a person has set by override_segment'),
		('overridden_segments', 'customer_key', 'the customer as text'), ('overridden_segments', 'tenant', 'empty in a model without tenants'),
		('overridden_segments', 'segment', 'instead of that of the rules'), ('overridden_segments', 'reason', 'why, in words of who did it'),
		('overridden_segments', 'valid_from', 'first as_of day for which it holds'),
		('overridden_segments', 'valid_until', 'last as_of day for which it holds; NULL: until it is taken back'),
		('overridden_segments', 'made_by', 'who did it'), ('overridden_segments', 'made_at', 'when')) AS v (relation, attribute, words) LOOP
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
		RAISE no_data_found USING
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
