--
-- Layer 4: what a call says it has done, in lines.
--

-- How many customers each segment has, by label.
CREATE FUNCTION @extschema@._model_segment_counts(model name)
	RETURNS TABLE (segment text, segment_label text, segment_order int, customers bigint)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- A customers table that was dropped with CASCADE took the views along: then
	-- alter_model, which makes them again, has nothing to compare with.
	IF (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE n.nspname = model AND c.relname IN ('segments', '_scores') AND c.relkind = 'v') < 2 THEN
		RETURN;
	END IF;
	-- not from segment_summary, which may hide small groups: this is for the owner
	RETURN QUERY EXECUTE format($q$
		SELECT l.segment, l.label, l.segment_order, coalesce(s.customers, 0)
		  FROM %1$I.segments AS l
		  LEFT JOIN (SELECT c.segment, count(*) AS customers FROM %1$I._scores AS c GROUP BY c.segment) AS s
			   ON s.segment = l.segment$q$, model);
END
$$;
COMMENT ON FUNCTION @extschema@._model_segment_counts(name) IS 'internal: customers by segment';

-- What a change does to the segments, in lines.
CREATE FUNCTION @extschema@._model_compare_counts(earlier jsonb, later jsonb)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'segment ' OPERATOR(pg_catalog.||) COALESCE(l.segment_label, e.segment_label),
		   pg_catalog.format('%s -> %s customers', COALESCE(e.customers, 0), COALESCE(l.customers, 0))
	  FROM pg_catalog.jsonb_to_recordset(earlier)
			   AS e (segment text, segment_label text, segment_order int, customers bigint)
	  FULL JOIN pg_catalog.jsonb_to_recordset(later)
			   AS l (segment text, segment_label text, segment_order int, customers bigint)
		ON e.segment OPERATOR(pg_catalog.=) l.segment
	 ORDER BY COALESCE(l.segment_order, e.segment_order), 1;
END;
COMMENT ON FUNCTION @extschema@._model_compare_counts(jsonb, jsonb) IS
	'internal: customers by segment before and after';

-- The rows that a reading, a row of refreshes, has left out, in words; empty: none.
CREATE FUNCTION @extschema@._rows_left_out(reading jsonb, use text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.concat_ws(', ',
		CASE WHEN r.rows_without_customer OPERATOR(pg_catalog.>) 0
			THEN pg_catalog.format('%s without a customer', r.rows_without_customer) END,
		CASE WHEN r.rows_without_day OPERATOR(pg_catalog.>) 0
			THEN pg_catalog.format('%s without a day', r.rows_without_day) END,
		CASE WHEN r.rows_without_value OPERATOR(pg_catalog.>) 0
			THEN pg_catalog.format('%s without a value', r.rows_without_value) END,
		CASE WHEN r.rows_unconvertible OPERATOR(pg_catalog.>) 0
			THEN pg_catalog.format('%s whose customer, day or value can''t be %s', r.rows_unconvertible, use) END)
	  FROM pg_catalog.jsonb_to_record(reading) AS r (rows_without_customer bigint, rows_without_day bigint,
		   rows_without_value bigint, rows_unconvertible bigint);
END;
COMMENT ON FUNCTION @extschema@._rows_left_out(jsonb, text) IS
	'internal: the rows that a reading of a source has left out, in words';

-- What was made, and what is worth knowing about it, in lines.
CREATE FUNCTION @extschema@._model_report(model name, settings jsonb)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	r		record;
	today	date := (now() AT TIME ZONE (settings ->> 'time_zone'))::date;
	days	record;
BEGIN
	EXECUTE format('SELECT * FROM %I.refreshes WHERE stream_no IS NULL ORDER BY refresh_id DESC LIMIT 1', model) INTO r;
	EXECUTE format($q$SELECT min(@extschema@.first_day(h.history, 'infinity')) AS first,
		max(@extschema@.last_day(h.history, 'infinity')) AS last
		FROM %I.customer_histories AS h$q$, model) INTO days;
	RETURN QUERY VALUES
		('model', format('%I, version %s', model, settings ->> 'version')),
		('source', settings ->> 'source'),
		('as of', CASE WHEN settings ->> 'as_of' IS NULL
			THEN format('today in time zone %s, now %s', settings ->> 'time_zone', to_char(today, 'YYYY-MM-DD'))
			ELSE format('%s, always', settings ->> 'as_of') END),
		('rows read', r.rows_read::text);
	RETURN QUERY SELECT 'rows left out', l FROM @extschema@._rows_left_out(to_jsonb(r), 'scored') AS l WHERE l <> '';
	IF days.first IS NOT NULL THEN
		RETURN QUERY VALUES ('orders', format('%s to %s',
			to_char(days.first, 'YYYY-MM-DD'), to_char(days.last, 'YYYY-MM-DD')));
	END IF;
	-- an old data set, or a copy that is no longer fed: everybody looks lapsed
	IF settings ->> 'as_of' IS NULL AND days.last < today - 30 THEN
		RETURN QUERY VALUES ('note', format('the last order is %s days old; as_of => %L answers for that day',
			today - days.last, to_char(days.last, 'YYYY-MM-DD')));
	END IF;
	RETURN QUERY EXECUTE format('SELECT ''note'', concat_ws('': '', concat(d.affected, '' '', d.explanation), d.advice)'
		' FROM %I.data_quality AS d WHERE d.reason IN (''duplicate_keys'', ''conflicting_keys'','
		' ''mixed_currencies'', ''no_currency'', ''no_event_key'', ''placeholder_key'', ''dominant_customer'','
		' ''spoilt_keys'', ''similar_keys'')'
		' AND d.affected > 0', model);
	RETURN QUERY SELECT 'note', n FROM @extschema@._model_quality_notes(model, settings) AS n;
	RETURN QUERY SELECT 'note', n FROM @extschema@._card_notes(model, settings) AS n;
	RETURN QUERY VALUES ('customers', r.customers::text);
	RETURN QUERY SELECT * FROM @extschema@._account_lines(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._model_prediction_lines(model, settings);
	RETURN QUERY SELECT * FROM @extschema@._cluster_lines(model, settings);
	RETURN QUERY SELECT 'segment ' || c.segment_label, format('%s customers', c.customers)
		FROM @extschema@._model_segment_counts(model) AS c ORDER BY c.segment_order, c.segment;
END
$$;
COMMENT ON FUNCTION @extschema@._model_report(name, jsonb) IS 'internal: what a model is, in lines';
