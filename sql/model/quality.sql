--
-- Layer 4: what is odd in the data of a model, and whether its segments treat
-- groups alike.
--

-- A key without letter case and blanks, no-break and zero-width ones included.
-- Those are written for the regular expression, which knows them in any encoding
-- of the server: a literal could not be read in all of them.
CREATE FUNCTION @extschema@._bare_key(key text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.lower(pg_catalog.translate(
		CASE WHEN pg_catalog.octet_length(key) OPERATOR(pg_catalog.=) pg_catalog.length(key) THEN key
		ELSE pg_catalog.regexp_replace(key, E'[\\u00a0\\u200b\\ufeff]', '', 'g') END, E' \t\n\r\f\013', ''));
END;
COMMENT ON FUNCTION @extschema@._bare_key(text) IS 'internal: a customer''s key without letter case and blanks';

CREATE FUNCTION @extschema@._is_placeholder_key(key text)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._bare_key(key) = ANY (ARRAY[
		'', '0', '00', '000', '0000', '00000', '000000', '0.0', '0.00', '-1', '-1.0',
		'-', '--', '---', '.', '?', '??', '???',
		'null', '(null)', '<null>', '[null]', 'nan', 'n/a', 'na', '#n/a', '#na', '#null!', '#value!', '#ref!',
		'none', 'nil', '\n', 'undefined', 'empty', '(empty)', 'blank', '(blank)', 'missing', '(none)',
		'guest', '(guest)', 'guestuser', 'guestcustomer', 'guestcheckout',
		'gast', 'gastkunde', 'invité', 'invite', 'invitado', 'ospite',
		'walk-in', 'walkin', 'walk-incustomer', 'cashcustomer',
		'unknown', '(unknown)', 'unknowncustomer', 'unbekannt', 'inconnu', 'inconnue', 'desconocido',
		'anonymous', 'anonym', 'anonyme', 'anon', 'nocustomer', 'noname', 'nobody', 'notset', '(notset)',
		'default', 'dummy', 'test', 'testuser', 'testcustomer', 'test@test.com', 'test@example.com',
		'noemail', 'no-email', 'noreply', 'xx', 'xxx', 'xxxx', 'tbd', 'other', 'misc', 'divers',
		'00000000-0000-0000-0000-000000000000']::pg_catalog.text[]);
END;
COMMENT ON FUNCTION @extschema@._is_placeholder_key(text) IS
	'internal: does the key of a customer look as if it stood for nobody?';

-- What a spreadsheet or a copy from a page may have done to a key; NULL: nothing.
CREATE FUNCTION @extschema@._spoilt_key(key text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN pg_catalog.translate(key, E'\t\n\r\f\013', '') OPERATOR(pg_catalog.<>) key
			OR pg_catalog.btrim(key) OPERATOR(pg_catalog.<>) key
			OR pg_catalog.octet_length(key) OPERATOR(pg_catalog.<>) pg_catalog.length(key)
				AND key OPERATOR(pg_catalog.~) E'[\\u00a0\\u200b\\ufeff]' THEN 'blanks'
		-- what is cheap to ask first
		WHEN pg_catalog.strpos(key, '+') OPERATOR(pg_catalog.>) 1
			AND key OPERATOR(pg_catalog.~) '^-?[0-9]([.,][0-9]+)?[eE][+][0-9]+$' THEN 'exponent'
		WHEN pg_catalog."right"(key, 1) OPERATOR(pg_catalog.=) '0'
			AND key OPERATOR(pg_catalog.~) '^-?[0-9]+[.,]0+$' THEN 'decimals' END;
END;
COMMENT ON FUNCTION @extschema@._spoilt_key(text) IS
	'internal: what may have been done to the key of a customer: blanks, exponent, decimals; NULL: nothing';

-- What can be wrong, in the order in which it is shown. found: where the count
-- comes from: the last reading of the source (read), the histories as they are
-- (now), or check_quality (checked).
CREATE FUNCTION @extschema@.quality_reasons()
	RETURNS TABLE (reason text, "position" int, unit text, found text, needs text, explanation text, advice text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 30
BEGIN ATOMIC
	VALUES
		('no_customer', 10, 'rows', 'read', NULL, 'rows without a customer; left out',
			'orders of guests: let the e-mail or a device stand for the customer,'
			' customer => ''coalesce(customer_id::text, lower(email))'';'
			' guests who register later are then two customers: merge_customers joins them'),
		('no_day', 20, 'rows', 'read', NULL, 'rows without a day; left out',
			'give another column where this one is NULL: day => ''coalesce(paid_on, ordered_on)'''),
		('no_value', 30, 'rows', 'read', NULL, 'rows without a value; left out',
			'value => ''coalesce(total, 0)'' if such an order counts and is worth nothing'),
		('unconvertible', 40, 'rows', 'read', NULL,
			'rows that can''t be scored: customer above 1000 bytes, day or value out of range,'
			' over 9 decimals; left out',
			'round the value, and mend the rows in the source'),
		('too_large', 50, 'customers', 'read', NULL, 'customers with a total beyond 18 digits; in no view',
			'give the value in a larger unit'),
		('future_day', 60, 'customers', 'now', NULL,
			'customers with orders after as_of; those orders are not looked at',
			'pre-orders, or days typed wrong: mend them in the source'),
		('no_order', 70, 'customers', 'now', NULL, 'customers with corrections only, and no order',
			'the orders that are corrected may be missing from the source'),
		('all_refunded', 75, 'customers', 'now', NULL,
			'customers without an order who have paid and been paid back:'
			' what is left of orders that were wholly refunded; they are no prospects',
			'nothing, if the source shows such orders so; the segment map may give them a segment by score_reason,'
			' as the shipped maps do'),
		('net_zero', 80, 'customers', 'now', NULL,
			'customers with orders whose corrections take back every amount; they count as customers who have bought',
			'an order that came back wholly is none: counts = false for it and its refunds, or leave them out'),
		('one_order_only', 90, 'customers', 'now', NULL,
			'customers with exactly one order, where these are more than 95 % of 30 or more',
			'a marketplace makes a customer for every order: find another column that says who the person is'),
		('placeholder_key', 92, 'customers', 'now', NULL,
			'customers whose key looks as if it stood for nobody:'
			' 0, -1, null, n/a, guest, unknown, test or an empty text; the orders of many may count as those of one',
			'tell people apart by another column, customer =>'
			' ''coalesce(nullif(customer_id, ''''guest''''), lower(email))'', or leave such rows out:'
			' customer => ''nullif(customer_id, ''''guest'''')'''),
		('dominant_customer', 93, 'customers', 'now', NULL,
			'customers who alone have more than 5 % of the orders, more than 20,'
			' and more than five times as many as the others on average',
			'if that is no person (guests, a marketplace, the till):'
			' another column that says who the person is, or leave such rows out: customer => ''nullif(...)'''),
		('spoilt_keys', 94, 'customers', 'now', NULL,
			'customers whose key a spreadsheet or a copy may have spoilt:'
			' blanks around it, tabs or no-break spaces in it, 1.23E+11 for a long number, .0 at its end',
			'export keys as text; blanks: customer => ''btrim(customer_id)'';'
			' a long number that lost its digits can only come from the source'),
		('similar_keys', 95, 'customers', 'now', NULL,
			'customers whose key differs from that of another in letter case or blanks only',
			'if they are one person: customer => ''lower(btrim(email))'', or merge_customers'),
		('not_in_customers', 96, 'customers', 'now', 'customers',
			'customers of the source who are not in the table of customers;'
			' their attributes are NULL, and where consent is asked for they are in no view',
			'if there are many: do the keys mean the same? leading zeros, letter case, types'),
		('not_in_source', 97, 'customers', 'now', 'customers',
			'people of the table of customers without a row in the source: prospects',
			'nothing, if they have not ordered yet; if nearly everybody: do the keys mean the same?'),
		('no_consent', 100, 'customers', 'now', NULL,
			'customers who have not agreed to be scored, or are not in the table of customers; they are in no view',
			'nothing, or ask them'),
		('objection', 110, 'customers', 'now', 'objection',
			'customers who object to profiling; they are in no view', 'nothing'),
		('retention_due', 150, 'customers', 'now', 'retention_days',
			'customers that retention_days will have removed 30 days from now; see the view retention',
			'nothing, or look at them before'),
		('too_few_customers', 120, 'customers', 'now', NULL,
			'customers with an order who lack a score, because there are not enough customers for quantiles',
			'once there are more: calibrate_model'),
		('few_customers', 130, 'customers', 'now', NULL,
			'customers that quantiles were taken from, where these are fewer than 30:'
			' one more or less moves the thresholds',
			'name thresholds: monetary_thresholds => ''{20,50,100,250}'''),
		('override_unknown_segment', 140, 'customers', 'now', NULL,
			'customers whose segment was set by override_segment to one that the map no longer has; the rules decide',
			'override_segment with a segment of the map in force, or clear_override'),
		('not_predicted', 160, 'customers', 'now', 'prediction',
			'customers with an order and no prediction, because the fit of the model has found no answer',
			'see prediction_fits; once there are more: calibrate_model, or alter_model with another family'),
		('value_not_predicted', 170, 'customers', 'now', 'prediction',
			'customers with an order whose value is not predicted, because the fit of spend has found no answer',
			'see prediction_fits; once there are more: calibrate_model'),
		('spend_left_out', 180, 'customers', 'now', 'prediction',
			'customers who came back and were left out of the fit of spend, because their mean value,'
			' corrections taken off, is zero or negative; nor is their value predicted',
			'orders without a value: look for a value; orders that were sent back whole:'
			' they are worth nothing, see check_prediction'),
		('corrections_add', 190, 'customers', 'checked', NULL,
			'customers whose corrections, rows that are no order, add to their revenue instead of lowering it',
			'orders that were never paid: leave them out,'
			' or value => ''CASE WHEN status = ''''paid'''' THEN total ELSE 0 END'';'
			' refunds without a sign: value => ''-total'''),
		('exact_duplicates', 200, 'orders', 'checked', NULL,
			'rows that equal another in all that the model reads, beyond the first; they are kept',
			'if they are copies: name the column that tells orders apart, event_key => ''order_id'''),
		('duplicate_keys', 210, 'orders', 'checked', 'event_key',
			'rows with an event key that another row has, beyond the first; left out',
			'nothing, if rows are delivered more than once'),
		('conflicting_keys', 220, 'keys', 'checked', 'event_key',
			'event keys whose rows say different things;'
			' the row of the latest day counts, then that of the highest value',
			'find out whether event_key tells orders apart, and which row is right'),
		('no_event_key', 225, 'orders', 'checked', 'live_on',
			'orders without an event key, or with one of more than 1,000 bytes; left out',
			'a model that is live over several tables knows events by their keys: see event_key'),
		('several_rows_a_day', 230, 'days', 'checked', NULL,
			'days of a customer with several rows, where these are more than 20 %',
			'the source may have order lines: add them up to orders, or count days with frequency => ''active_days'''),
		('outlier_high', 240, 'orders', 'checked', NULL,
			'orders far above the others (modified z-score of the logarithm beyond 3.5)',
			'look at them: businesses among consumers, test orders, cents for euros'),
		('outlier_low', 250, 'orders', 'checked', NULL,
			'orders far below the others (modified z-score of the logarithm beyond 3.5)',
			'look at them: test orders, vouchers, a lost decimal point'),
		('mixed_currencies', 260, 'orders', 'checked', 'currency',
			'orders in another currency than the most frequent; amounts are added up as if they were in one',
			'convert: value => ''total * rate'', or make a model for each currency: tenant => ''currency'''),
		('no_currency', 270, 'orders', 'checked', 'currency', 'orders without a currency', 'mend them in the source'),
		('days_without_rows', 280, 'days', 'checked', NULL,
			'days without any row between the first and the last, of weekdays that mostly have some',
			'look for files that were not loaded'),
		('no_recent_rows', 290, 'days', 'checked', NULL,
			'days without any row from the last row to as_of, of weekdays that mostly have some',
			'look whether the source is still fed'),
		('stream_no_customer', 300, 'rows', 'read', 'streams', 'rows of a stream without a customer; left out',
			'visits of strangers: nothing, or customer => ''coalesce(customer_id::text, device)'''),
		('stream_no_day', 310, 'rows', 'read', 'streams', 'rows of a stream without a day; left out',
			'give another column where this one is NULL'),
		('stream_no_value', 320, 'rows', 'read', 'streams', 'rows of a stream without a value; left out',
			'value => ''coalesce(points, 0)'' if such an event counts, or leave value out: 1 a row'),
		('stream_unconvertible', 330, 'rows', 'read', 'streams',
			'rows of a stream that can''t be kept: customer above 1000 bytes, day or value out of range,'
			' over 9 decimals; left out',
			'round the value, and mend the rows in the source'),
		('stream_off_scale', 335, 'rows', 'read', 'streams',
			'answers that are not on the scale of their stream, or whose customer or day can''t be kept; left out',
			'another scale, or value => ''CASE WHEN ... END'' that is NULL where the answer is none'),
		('stream_too_large', 340, 'kinds', 'read', 'streams',
			'kinds of a customer with a total beyond 18 digits; their other kinds are kept',
			'give the value in a larger unit'),
		('stream_other_kinds', 350, 'kinds', 'read', 'streams',
			'kinds of a stream beyond its limit; they count as other',
			'alter_stream(..., kinds => 200), or a kind that has fewer values'),
		('stream_future_day', 360, 'customers', 'now', 'streams',
			'customers with events after as_of; those events are not looked at',
			'appointments, or days typed wrong: mend them in the source');
END;
COMMENT ON FUNCTION @extschema@.quality_reasons() IS
	'the reasons of the view data_quality: what is counted, what it means, what to do;'
	' needs names the setting without which it is not counted';

-- What about the source and the table of customers is probably not meant so.
CREATE FUNCTION @extschema@._model_quality_notes(model name, settings jsonb)
	RETURNS SETOF text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	n		record;
	affected	bigint;
BEGIN
	-- "counts" says which rows are orders, and nothing about the money of the others
	IF settings ->> 'counts' IS NOT NULL THEN
		EXECUTE format('SELECT count(*) FROM %I.customer_histories AS h'
			' WHERE (SELECT sum(d.total) FROM @extschema@.days(h.history) AS d WHERE d.events = 0) > 0', model)
			INTO affected;
		IF affected > 0 THEN
			RETURN NEXT format('rows that are no order add to the revenue of %s customers:'
				' counts says which rows are orders, the value of the others counts all the same;'
				' if these are cancelled or open orders: value => ''CASE WHEN %s THEN %s ELSE 0 END''', affected,
				replace(settings ->> 'counts', '''', ''''''), settings ->> 'value');
		END IF;
	END IF;
	IF settings ->> 'customers_query' IS NULL THEN
		RETURN;
	END IF;
	-- a rule reads what is known of people now, whatever the day
	FOR n IN EXECUTE format($q$
		SELECT a.name, string_agg(DISTINCT r.position::text, ', ') AS positions, count(DISTINCT r.position) AS rules
		  FROM %I.segment_rule AS r
		 CROSS JOIN LATERAL jsonb_path_query(r.conditions, 'strict $.**.column') AS c (name)
		  JOIN unnest($1) WITH ORDINALITY AS a (name, n) ON c.name #>> '{}' IN (a.name, 'attributes.' || a.name)
		 WHERE r.map = $2 GROUP BY a.name, a.n ORDER BY a.n$q$, model)
			USING @extschema@._model_attributes(settings), settings ->> 'map_copy' LOOP
		RETURN NEXT format(CASE n.rules WHEN 1
			THEN 'the rule at position %s of the segment map reads %s, an attribute:'
				' on every past day it is that of today'
			ELSE 'the rules at positions %s of the segment map read %s, an attribute:'
				' on every past day it is that of today' END, n.positions, n.name);
	END LOOP;
	IF settings ->> 'customers' ~* '\m(group\s+by|distinct|union|having|over\s*\()'
		OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(
						coalesce(nullif(settings -> 'customers_reads', 'null'), '[]')) AS r (relation)
					JOIN pg_class AS c ON c.oid = to_regclass(r.relation) AND c.relkind = 'v'
				   WHERE pg_get_viewdef(c.oid) ~* '\m(group\s+by|distinct|union|having|over\s*\()') THEN
		RETURN NEXT 'customers is a query that adds up or compares rows:'
			' all it reads is read again whenever one customer is looked up;'
			' a materialized view of it, with a unique index on the customer, is not';
	END IF;
	EXECUTE format($q$
		WITH h AS MATERIALIZED (SELECT h.tenant, h.customer_id AS id FROM (%1$s) AS h),
		p AS MATERIALIZED (SELECT p.tenant, p.customer_id AS id FROM (%2$s) AS p)
		SELECT (SELECT count(*) FROM h) AS customers, (SELECT count(*) FROM p) AS people,
			   (SELECT count(*) FROM h JOIN p USING (tenant, id)) AS same$q$,
				@extschema@._model_histories(model, settings), settings ->> 'customers_query')
		INTO n;
	IF n.customers = 0 OR n.people = 0 OR n.same * 20 >= least(n.customers, n.people) THEN
		RETURN;
	END IF;
	RETURN NEXT format('%s of the %s customers of the source %s in customers, which has %s people:'
		' customer is of type %s, customers_key of type %s; do they mean the same?',
		CASE n.same WHEN 0 THEN 'none' ELSE 'only ' || n.same END, n.customers,
		CASE n.same WHEN 0 THEN 'is' WHEN 1 THEN 'is' ELSE 'are' END, n.people,
		rtrim(settings ->> 'customer_type', '[]'), settings ->> 'customers_key_type');
	EXECUTE format($q$
		WITH h AS MATERIALIZED (SELECT h.tenant, h.customer_id AS id FROM (%1$s) AS h),
		p AS MATERIALIZED (SELECT p.tenant, p.customer_id AS id FROM (%2$s) AS p),
		same (way, n) AS (
			SELECT 'zeros', count(DISTINCT (h.tenant, h.id))
			  FROM h JOIN p ON p.tenant = h.tenant AND ltrim(p.id, '0') = ltrim(h.id, '0')
			UNION ALL SELECT 'case', count(DISTINCT (h.tenant, h.id))
			  FROM h JOIN p ON p.tenant = h.tenant AND lower(btrim(p.id)) = lower(btrim(h.id))
			UNION ALL SELECT 'decimals', count(DISTINCT (h.tenant, h.id))
			  FROM h JOIN p ON p.tenant = h.tenant
			   AND regexp_replace(p.id, '[.]0+$', '') = regexp_replace(h.id, '[.]0+$', ''))
		SELECT s.way, s.n, (SELECT count(*) FROM h WHERE h.id LIKE '0_%%') AS zeros_in_source
		  FROM same AS s ORDER BY s.n DESC, s.way LIMIT 1$q$,
		@extschema@._model_histories(model, settings), settings ->> 'customers_query') INTO n;
	IF n.n > 0 AND n.way = 'zeros' THEN
		-- all but the last of them: 000 is 0
		RETURN NEXT format('%s of them would be without leading zeros: %s', n.n, CASE WHEN n.zeros_in_source > 0
			THEN format('customer => %L', format($q$regexp_replace(%s, '^0+(?=.)', '')$q$,
				coalesce(settings ->> 'customer', '...')))
				|| coalesce(format(', customers_key => %L',
					CASE WHEN settings ->> 'customers_key' IS NULL THEN settings ->> 'customer' END), '')
			ELSE format('customers_key => %L', format($q$regexp_replace(%s, '^0+(?=.)', '')$q$,
				coalesce(settings ->> 'customers_key', settings ->> 'customer', '...'))) END);
	ELSIF n.n > 0 AND n.way = 'case' THEN
		RETURN NEXT format('%s of them would be if letter case and blanks made no difference:'
			' customer => ''lower(btrim(%s))'', customers_key => ''lower(btrim(%s))''', n.n,
			coalesce(settings ->> 'customer', '...'),
			coalesce(settings ->> 'customers_key', settings ->> 'customer', '...'));
	ELSIF n.n > 0 THEN
		RETURN NEXT format('%s of them would be without a trailing .0, which a spreadsheet may have added', n.n);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_quality_notes(name, jsonb) IS
	'internal: notes of create_model and alter_model on the source and the table of customers';

-- Customers of each value of an attribute by segment, for those who may see them.
CREATE FUNCTION @extschema@._model_parity(model name, settings jsonb)
	RETURNS @extschema@._part
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._model_function('attribute_segments', '{attribute text}',
		'TABLE (tenant text, attribute_value text, segment text, segment_label text, segment_order int,'
		' customers bigint, minimum_group_size int)',
		@extschema@._fill($q$
SELECT s.tenant, a.value, s.segment::text, s.segment_label, s.segment_order, count(*), {small}
  FROM ({scores}) AS s CROSS JOIN LATERAL (VALUES (NULL::text, NULL::text){attributes}) AS a (attribute, value)
 WHERE a.attribute = $1 GROUP BY s.tenant, a.value, s.segment, s.segment_label, s.segment_order$q$,
			'small', settings OPERATOR(pg_catalog.->>) 'minimum_group_size',
			'scores', @extschema@._model_wide(model, settings,
				pg_catalog.format('%I._scores_at(NULL, NULL, true, $2)', model)),
			'attributes',
			COALESCE((SELECT pg_catalog.string_agg(pg_catalog.format(', (%L, s.%I::text COLLATE "default")', u.a, u.a),
				'' ORDER BY u.n)
			   FROM pg_catalog.unnest(@extschema@._model_attributes(settings)) WITH ORDINALITY AS u (a, n)), '')));
END;
COMMENT ON FUNCTION @extschema@._model_parity(name, jsonb) IS
	'internal: the function of a model that score_parity is made from';

CREATE FUNCTION @extschema@._attribute_segments(model name, attribute text)
	RETURNS TABLE (tenant text, attribute_value text, segment text, segment_label text, segment_order int,
		customers bigint, minimum_group_size int)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'call_model_function';
COMMENT ON FUNCTION @extschema@._attribute_segments(name, text) IS 'internal: call this function of a model';

-- What data_quality says of the customers of a tenant: "counts" are what has been
-- counted, by name, the others what the model knows of its thresholds and fits. It
-- runs with the rights of those who read the view.
CREATE FUNCTION @extschema@._quality_counts(counts jsonb, calibrated bigint, is_uncalibrated boolean,
	quantiles boolean, orders_reason text, spend_reason text, left_out jsonb, unknown_segments bigint, figures boolean)
	RETURNS TABLE (reason text, affected bigint, detail text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	n	record;
BEGIN
	SELECT * INTO n
	  FROM jsonb_to_record(coalesce(counts, '{}')) AS r (future bigint, no_order bigint, all_refunded bigint,
		   net_zero bigint, one_order bigint, ordered bigint, most_orders bigint, orders numeric, placeholder bigint,
		   due bigint, no_consent bigint, objection bigint, not_in_customers bigint, not_in_source bigint,
		   spoilt bigint, "similar" bigint, detail text);
	RETURN QUERY
	SELECT d.reason, coalesce(d.affected, 0),
		   CASE WHEN d.affected > 0 THEN CASE d.reason
				WHEN 'not_predicted' THEN orders_reason
				WHEN 'value_not_predicted' THEN spend_reason
				-- the planner divides, whatever CASE says: both are constants to it
				WHEN 'dominant_customer' THEN CASE WHEN figures THEN format('%s %% of %s orders',
					round(100.0 * n.most_orders / nullif(n.orders, 0), 1), n.orders) END
				WHEN 'spoilt_keys' THEN CASE WHEN figures THEN n.detail END END END
	  FROM (VALUES
			('future_day', n.future), ('no_order', n.no_order), ('all_refunded', n.all_refunded),
			('net_zero', n.net_zero),
			('one_order_only', CASE WHEN n.ordered >= 30 AND n.one_order > 0.95 * n.ordered THEN n.one_order END),
			('placeholder_key', n.placeholder),
			('dominant_customer', CASE WHEN n.most_orders > 20 AND n.most_orders > 0.05 * n.orders AND n.ordered > 1
				AND n.most_orders * (n.ordered - 1) > 5 * (n.orders - n.most_orders) THEN 1 END),
			('spoilt_keys', n.spoilt), ('similar_keys', n."similar"),
			('not_in_customers', n.not_in_customers), ('not_in_source', n.not_in_source),
			('retention_due', n.due), ('no_consent', n.no_consent), ('objection', n.objection),
			('too_few_customers', CASE WHEN is_uncalibrated THEN n.ordered END),
			('few_customers', CASE WHEN quantiles AND calibrated < 30 AND NOT is_uncalibrated THEN calibrated END),
			('not_predicted', CASE WHEN orders_reason IS NOT NULL THEN n.ordered END),
			('value_not_predicted', CASE WHEN spend_reason IS NOT NULL THEN n.ordered END),
			('spend_left_out', (left_out ->> 'zero_mean')::bigint + (left_out ->> 'negative_mean')::bigint),
			('override_unknown_segment', unknown_segments)) AS d (reason, affected);
END
$$;
COMMENT ON FUNCTION @extschema@._quality_counts(jsonb, bigint, boolean, boolean, text, text, jsonb, bigint, boolean) IS
	'internal: what data_quality says of the customers of a model';

CREATE FUNCTION @extschema@._model_quality_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		text := quote_ident(model);
	tenant		text := @extschema@._model_tenant(settings, 'q');
	-- counts of rows are not known by tenant: for those who see all of them
	everything	text := @extschema@._model_reader_condition(model, settings, 'CURRENT_USER', 'r.tenant IS NULL');
	-- as in _model_write_thresholds
	quantiles	boolean := (settings ->> 'bins')::int > 1 AND EXISTS (
		SELECT 1 FROM (VALUES (settings -> 'recency_thresholds'), (settings -> 'frequency_thresholds'),
			(settings -> 'monetary_thresholds')) AS t (given)
		 WHERE t.given = '[]' OR t.given = 'null'
		   AND ((settings ->> 'bins')::int <> 5 OR t.given = settings -> 'monetary_thresholds'));
	people		text := '';
	-- keys that are numbers can't be spoilt
	texts		boolean := settings ->> 'key_text' IS DISTINCT FROM 'pg_catalog.trim_scale(%s)::pg_catalog.text'
		AND settings ->> 'customer_type' NOT IN ('smallint', 'integer', 'bigint', 'uuid');
	counted		text[];
	checked		text[];
	small		int := settings ->> 'minimum_group_size';
BEGIN
	IF settings ->> 'customers_query' IS NOT NULL THEN
		people := @extschema@._fill($q$
						UNION ALL SELECT p.tenant, to_jsonb(p) FROM (SELECT COALESCE(h.tenant, p.tenant) AS tenant,
			count(*) FILTER (WHERE h.tenant IS NOT NULL AND ({refuses})) AS no_consent,
			count(*) FILTER (WHERE h.tenant IS NOT NULL AND (p.objection{objects})) AS objection,
			count(*) FILTER (WHERE p.tenant IS NULL) AS not_in_customers,
			count(*) FILTER (WHERE h.tenant IS NULL) AS not_in_source
			FROM (SELECT h.tenant, h.customer_key, h.customer_id FROM {histories} AS h) AS h
			FULL JOIN (SELECT p.tenant, p.customer_id, p.consent, p.objection FROM ({people}) AS p
				WHERE NOT EXISTS (SELECT 1 FROM {model}.merged_customers AS m WHERE m.customer_key = {key})) AS p
			  ON {key} = h.customer_key GROUP BY COALESCE(h.tenant, p.tenant)) AS p$q$,
			'model', home, 'histories', @extschema@._here(model, settings, '_histories'),
			'people', settings ->> 'customers_query', 'key', @extschema@._model_person_key(settings),
			'refuses', CASE WHEN settings ->> 'consent' IS NULL THEN 'false' ELSE
				@extschema@._fill('p.consent IS NOT TRUE OR EXISTS (SELECT 1 FROM {model}.merged_customers AS m'
					' WHERE m.root_key = h.customer_key AND NOT EXISTS (SELECT 1 FROM ({people}) AS x'
					' WHERE ({key}) COLLATE "C" = m.customer_key AND x.consent))',
					'model', home, 'people', settings ->> 'customers_query',
					'key', @extschema@._model_key(settings, 'x.tenant', 'x.customer_id')) END,
			'objects', CASE WHEN settings ->> 'objection' IS NULL THEN '' ELSE
				@extschema@._fill(' OR EXISTS (SELECT 1 FROM {model}.merged_customers AS m'
					' JOIN ({people}) AS x ON ({key}) COLLATE "C" = m.customer_key'
					' WHERE m.root_key = h.customer_key AND x.objection)',
					'model', home, 'people', settings ->> 'customers_query',
					'key', @extschema@._model_key(settings, 'x.tenant', 'x.customer_id')) END);
	END IF;
	SELECT array_agg(r.reason ORDER BY r.position),
		   array_agg(r.reason ORDER BY r.position) FILTER (WHERE r.found = 'checked')
	  INTO counted, checked FROM @extschema@.quality_reasons() AS r
	 WHERE r.needs IS NULL OR settings ->> r.needs IS NOT NULL;
	RETURN NEXT @extschema@._model_view('data_quality',
		-- security_barrier protects nothing where a UNION ALL is all there is
		@extschema@._fill($q$SELECT u.tenant, w.reason, w.unit, {affected} AS affected,
			w.explanation || COALESCE(': ' || u.detail, ''){few} AS explanation,
			u.checked_at, {customers} AS customers,
			CASE WHEN w.found = 'checked' AND u.checked_at IS NULL
				THEN format('count it: SELECT check_quality(%L)', {name}) ELSE w.advice END AS advice
			FROM (SELECT r.reason, r."position", r.unit, r.found, {words} AS explanation, r.advice
				FROM @extschema@.quality_reasons() AS r WHERE r.reason = ANY ({counted})) AS w, (
				SELECT {tenant} AS tenant, d.reason, d.affected, d.affected AS customers, d.detail, now() AS checked_at
				FROM (SELECT q.tenant, k.customers, k.spend_fit -> 'left_out' AS left_out,
						@extschema@.prediction_reason(k.btyd_fit) AS orders_reason,
						@extschema@.prediction_reason(k.spend_fit) AS spend_reason,
						q.recency_thresholds IS NULL OR q.frequency_thresholds IS NULL
							OR q.monetary_thresholds IS NULL AS is_uncalibrated,
						(SELECT count(*) FROM {model}.overridden_segments AS o WHERE o.tenant = q.tenant
							AND NOT EXISTS (SELECT 1 FROM {model}.segment_label AS l
								WHERE l.map = q.map_copy AND l.segment = o.segment)) AS unknown_segments
					FROM {model}.calibration AS k, {model}._question AS q
					WHERE k.version = q.version AND k.tenant = q.tenant) AS q
				LEFT JOIN (SELECT u.tenant, jsonb_object_agg(e.key, e.value) AS counts
					FROM (SELECT n.tenant, to_jsonb(n) AS counts FROM (SELECT h.tenant,
						count(*) FILTER (WHERE @extschema@.last_day(h.history, 'infinity') > q.as_of) AS future,
						count(*) FILTER (WHERE @extschema@.last_day(h.history, 'infinity') IS NULL
							AND @extschema@.no_order_reason(h.history, q.as_of) = 'no_order') AS no_order,
						count(*) FILTER (WHERE
							@extschema@.no_order_reason(h.history, q.as_of) = 'all_refunded') AS all_refunded,
						count(*) FILTER (WHERE CASE WHEN @extschema@._monetary_float8(h.history, q.as_of, NULL) = 0
							AND @extschema@.recency(h.history, q.as_of) IS NOT NULL
							THEN EXISTS (SELECT 1 FROM @extschema@.days(h.history) AS y
										 WHERE y.day <= q.as_of AND y.total <> 0) END) AS net_zero,
						count(*) FILTER (WHERE @extschema@.frequency(h.history, q.as_of) = 1) AS one_order,
						count(*) FILTER (WHERE @extschema@.recency(h.history, q.as_of) IS NOT NULL) AS ordered,
						max(@extschema@.frequency(h.history, q.as_of)) AS most_orders,
						sum(@extschema@.frequency(h.history, q.as_of)) AS orders,
						count(*) FILTER (WHERE @extschema@._is_placeholder_key(h.customer_id)) AS placeholder,
						count(*) FILTER (WHERE {due}) AS due
						FROM {model}._question AS q, {histories} AS h WHERE h.tenant = q.tenant
						GROUP BY h.tenant) AS n{people}{keys}) AS u, LATERAL jsonb_each(u.counts) AS e
					GROUP BY u.tenant) AS n ON n.tenant = q.tenant,
				LATERAL @extschema@._quality_counts(n.counts, q.customers, q.is_uncalibrated, {quantiles},
					q.orders_reason, q.spend_reason, q.left_out, q.unknown_segments, {figures}) AS d
				UNION ALL
				SELECT NULL, d.reason, d.affected,
					CASE WHEN d.reason = 'too_large' THEN d.affected ELSE x.customers END, NULL, d.finished_at
				FROM (SELECT d.reason, d.affected, r.finished_at
					FROM (SELECT f.rows_without_customer, f.rows_without_day, f.rows_without_value,
							f.rows_unconvertible, f.customers_too_large, f.finished_at
						FROM {model}.refreshes AS f WHERE f.stream_no IS NULL AND {everything}
						ORDER BY f.refresh_id DESC LIMIT 1) AS r,
					LATERAL (VALUES
						('no_customer', r.rows_without_customer), ('no_day', r.rows_without_day),
						('no_value', r.rows_without_value),
						('unconvertible', r.rows_unconvertible + (SELECT COALESCE(sum(x.affected), 0)::bigint
							FROM {model}.rejects AS x WHERE x.reason = 'unconvertible')),
						('too_large', r.customers_too_large)) AS d (reason, affected)) AS d
				LEFT JOIN {model}.quality AS x ON x.tenant IS NULL AND x.reason = d.reason
				UNION ALL
				{streams}SELECT {tenant}, q.reason, x.affected, x.customers, x.detail, x.checked_at
				FROM (SELECT q.tenant, c.reason
					FROM {model}._question AS q, unnest({checked}::text[]) AS c (reason)) AS q
				LEFT JOIN {model}.quality AS x ON x.tenant = q.tenant AND x.reason = q.reason
			) AS u
			WHERE u.reason = w.reason
			ORDER BY u.tenant, w."position"$q$,
			'model', home, 'histories', @extschema@._here(model, settings, '_histories'),
			'name', quote_literal(model), 'tenant', tenant, 'people', people,
			'everything', everything, 'counted', quote_literal(counted),
			'streams', @extschema@._stream_quality(model, settings, tenant, everything),
			'words', CASE WHEN settings ->> 'tenant' IS NULL THEN 'r.explanation' ELSE
				'CASE r.reason WHEN ''no_customer'' THEN replace(r.explanation, ''customer'', ''customer or a tenant'')'
				' ELSE r.explanation END' END,
			'quantiles', quote_literal(quantiles), 'checked', quote_literal(checked),
			'due', CASE WHEN settings ->> 'retention_days' IS NULL THEN 'false' ELSE
				format('@extschema@.last_activity(h.history) < q.as_of - %s + 30', settings ->> 'retention_days')
				|| CASE WHEN NOT @extschema@._has_streams(settings) THEN '' ELSE
					format(' AND NOT EXISTS (SELECT 1 FROM %s AS e'
						' WHERE e.customer_key = h.customer_key'
						' AND @extschema@.last_activity(e.streams) >= q.as_of - %s + 30)',
						@extschema@._here(model, settings, '_events'), settings ->> 'retention_days') END END,
			'affected', CASE WHEN small = 1 THEN 'u.affected'
				ELSE format('CASE WHEN w.unit <> ''customers'' OR u.affected NOT BETWEEN 1 AND %s - 1'
					' THEN u.affected END', small) END,
			'few', CASE WHEN small = 1 THEN ''
				ELSE format(' || CASE WHEN u.customers BETWEEN 1 AND %1$s - 1 THEN '': fewer than %1$s customers'''
					' ELSE '''' END', small) END,
			'customers', CASE WHEN small = 1 THEN 'u.customers'
				ELSE format('CASE WHEN u.customers NOT BETWEEN 1 AND %s - 1 THEN u.customers END', small) END,
			'keys', CASE WHEN NOT texts THEN '' ELSE
				format($k$
					UNION ALL SELECT y.tenant, to_jsonb(y) FROM (SELECT b.tenant, sum(b.spoilt)::bigint AS spoilt,
					COALESCE(sum(b.n) FILTER (WHERE b.n > 1), 0)::bigint AS similar,
					concat_ws(', ', sum(b.blanks) || ' with blanks', sum(b.exponents) || ' with an exponent',
						sum(b.decimals) || ' with .0') AS detail
				FROM (SELECT h.tenant, count(*) AS n, count(k.kind) AS spoilt,
						NULLIF(count(*) FILTER (WHERE k.kind = 'blanks'), 0) AS blanks,
						NULLIF(count(*) FILTER (WHERE k.kind = 'exponent'), 0) AS exponents,
						NULLIF(count(*) FILTER (WHERE k.kind = 'decimals'), 0) AS decimals
					FROM %s AS h,
					LATERAL (SELECT @extschema@._spoilt_key(h.customer_id) AS kind) AS k
					GROUP BY h.tenant, @extschema@._bare_key(h.customer_id)) AS b
				GROUP BY b.tenant) AS y$k$, @extschema@._here(model, settings, '_histories')) END,
			-- figures of few people are no more shown in words
			'figures', (small = 1)::text),
		'what was left out when the source was read, and what is worth a look, by reason');
END
$$;
COMMENT ON FUNCTION @extschema@._model_quality_views(name, jsonb) IS 'internal: the view data_quality of a model';

-- The source read once more, for what histories don't tell.
CREATE FUNCTION @extschema@._model_check_quality(model name, settings jsonb)
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
	EXECUTE format('SELECT %s FROM %I.configuration AS c WHERE c.valid_until IS NULL',
		@extschema@._model_as_of(), model) INTO today;
	EXECUTE format($q$
		WITH source AS MATERIALIZED (
			SELECT (%1$s) COLLATE "C" AS customer_key, %2$s AS tenant, %3$s AS day, r.day AS moment,
				   r.value, r.counts, r.event_key, r.currency, r.is_kept,
				   (octet_length(%1$s) <= 1000) IS TRUE
					   AND @extschema@._is_scorable(%3$s, %5$s) IS TRUE AS is_scored,
				   coalesce(r.counts, r.value >= 0) AS is_event
			  FROM (%4$s) AS r
		), kept AS (
			SELECT * FROM source AS s WHERE s.is_scored AND s.is_kept
			   AND ('live_on' <> ALL ($2) OR octet_length(s.event_key) <= 1000)
		), tenants AS (
			SELECT s.tenant, count(*) AS orders FROM kept AS s GROUP BY s.tenant
		),
		-- rows that are left out: of how many customers
		left_out AS (
			SELECT NULL::text AS tenant, w.reason, w.affected, w.customers, NULL::text AS detail
			  FROM (SELECT count(*) FILTER (WHERE s.moment IS NULL) AS no_day,
						   count(DISTINCT s.customer_key) FILTER (WHERE s.moment IS NULL) AS no_day_customers,
						   count(*) FILTER (WHERE s.value IS NULL) AS no_value,
						   count(DISTINCT s.customer_key) FILTER (WHERE s.value IS NULL) AS no_value_customers,
						   count(*) FILTER (WHERE s.moment IS NOT NULL AND s.value IS NOT NULL) AS unconvertible,
						   count(DISTINCT s.customer_key)
							   FILTER (WHERE s.moment IS NOT NULL AND s.value IS NOT NULL) AS unconvertible_customers
					  FROM source AS s WHERE NOT s.is_scored AND s.is_kept AND s.customer_key IS NOT NULL) AS n,
				   LATERAL (VALUES ('no_day', n.no_day, n.no_day_customers),
					   ('no_value', n.no_value, n.no_value_customers),
					   ('unconvertible', n.unconvertible, n.unconvertible_customers))
					   AS w (reason, affected, customers)
		), corrections AS (
			SELECT c.tenant, 'corrections_add' AS reason, count(*) AS affected, count(*) AS customers,
				   NULL::text AS detail
			  FROM (SELECT s.tenant FROM kept AS s WHERE NOT s.is_event AND s.day <= $1
					 GROUP BY s.tenant, s.customer_key HAVING sum(s.value) > 0) AS c
			 GROUP BY c.tenant
		), duplicates AS (
			SELECT d.tenant, 'exact_duplicates' AS reason, sum(d.n - 1)::bigint AS affected,
				   count(DISTINCT d.customer_key) AS customers, NULL::text AS detail
			  FROM (SELECT s.tenant, s.customer_key, count(*) AS n FROM kept AS s
					 GROUP BY s.tenant, s.customer_key, s.moment, s.value, s.counts, s.event_key, s.currency
					HAVING count(*) > 1) AS d
			 GROUP BY d.tenant
		), keys AS (
			SELECT s.tenant, s.event_key, count(*) AS n, min(s.customer_key) AS customer_key,
				   max(s.customer_key) AS other_key,
				   count(DISTINCT (s.customer_key, s.moment, s.value, s.counts, s.currency)) > 1 AS is_conflicting
			  FROM source AS s WHERE s.event_key IS NOT NULL GROUP BY s.tenant, s.event_key HAVING count(*) > 1
		), repeated AS (
			SELECT k.tenant, w.reason,
				   CASE w.reason WHEN 'duplicate_keys' THEN sum(k.n - 1)
						ELSE count(*) FILTER (WHERE k.is_conflicting) END::bigint AS affected,
				   count(DISTINCT k.customer_key)
					   FILTER (WHERE w.reason = 'duplicate_keys' OR k.is_conflicting) AS customers,
				   CASE WHEN w.reason = 'conflicting_keys' AND bool_or(k.customer_key <> k.other_key)
						THEN format('%%s of them on different customers',
							count(*) FILTER (WHERE k.customer_key <> k.other_key)) END AS detail
			  FROM keys AS k CROSS JOIN (VALUES ('duplicate_keys'), ('conflicting_keys')) AS w (reason)
			 GROUP BY k.tenant, w.reason
		), lines AS (
			SELECT d.tenant, 'several_rows_a_day' AS reason,
				   CASE WHEN count(*) FILTER (WHERE d.n > 1) > 0.2 * count(*)
						THEN count(*) FILTER (WHERE d.n > 1) ELSE 0 END AS affected,
				   CASE WHEN count(*) FILTER (WHERE d.n > 1) > 0.2 * count(*)
						THEN count(DISTINCT d.customer_key) FILTER (WHERE d.n > 1) ELSE 0 END AS customers,
				   format('%%s %%%% of %%s days of a customer',
					   round(100.0 * count(*) FILTER (WHERE d.n > 1) / count(*), 1), count(*)) AS detail
			  FROM (SELECT s.tenant, s.customer_key, s.day, count(*) AS n FROM kept AS s WHERE s.is_event
					 GROUP BY s.tenant, s.customer_key, s.day) AS d
			 GROUP BY d.tenant
		),
		-- Iglewicz and Hoaglin, with 0.6745 as they print it: the median absolute deviation of a
		-- normal distribution. The bound is cut away from the outliers, so that all are beyond it.
		logs AS (
			SELECT s.tenant, s.customer_key, ln(s.value::float8) AS x FROM kept AS s WHERE s.is_event AND s.value > 0
		), medians AS (
			SELECT l.tenant, count(*) AS n, percentile_cont(0.5) WITHIN GROUP (ORDER BY l.x) AS median
			  FROM logs AS l GROUP BY l.tenant
		), deviations AS (
			SELECT m.tenant, m.n, m.median, percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(l.x - m.median)) AS mad
			  FROM medians AS m JOIN logs AS l ON l.tenant = m.tenant GROUP BY m.tenant, m.n, m.median
		), outliers AS (
			SELECT d.tenant, w.reason, count(l.x) AS affected, count(DISTINCT l.customer_key) AS customers,
				   CASE WHEN d.n < 30 THEN 'not judged, there are fewer than 30 orders'
						WHEN d.mad = 0 THEN 'not judged, most orders have the same value'
						ELSE format(CASE w.sign WHEN 1 THEN 'above %%s' ELSE 'below %%s' END,
							w.sign * @extschema@._explain_floor(w.sign
								* exp(d.median + w.sign * 3.5 / 0.6745 * d.mad)::numeric, %6$s)) END AS detail
			  FROM deviations AS d CROSS JOIN (VALUES ('outlier_high', 1), ('outlier_low', -1)) AS w (reason, sign)
			  LEFT JOIN logs AS l ON l.tenant = d.tenant AND d.n >= 30 AND d.mad > 0
			   AND w.sign * 0.6745 * (l.x - d.median) > 3.5 * d.mad
			 GROUP BY d.tenant, w.reason, w.sign, d.n, d.mad, d.median
		), currencies AS (
			SELECT s.tenant, s.currency, count(*) AS n,
				   row_number() OVER (PARTITION BY s.tenant ORDER BY count(*) DESC, s.currency) AS place
			  FROM kept AS s WHERE s.currency IS NOT NULL GROUP BY s.tenant, s.currency
		), mixed AS (
			SELECT c.tenant, 'mixed_currencies' AS reason,
				   coalesce(sum(c.n) FILTER (WHERE c.place > 1), 0)::bigint AS affected,
				   (SELECT count(DISTINCT s.customer_key) FROM kept AS s
					  JOIN currencies AS o ON o.tenant = s.tenant AND o.currency = s.currency AND o.place > 1
					 WHERE s.tenant = c.tenant) AS customers,
				   -- what is no code of a currency may be anything: it isn't shown
				   CASE WHEN count(*) > 1 THEN format('%%s currencies%%s', count(*),
						': ' || string_agg(format('%%s of %%s', c.n, c.currency), ', ' ORDER BY c.place)
							FILTER (WHERE c.place <= 10 AND c.currency ~ '^[A-Z]{3}$')) END AS detail
			  FROM currencies AS c GROUP BY c.tenant
			UNION ALL
			SELECT s.tenant, 'no_currency', count(*), count(DISTINCT s.customer_key), NULL FROM kept AS s
			 WHERE s.currency IS NULL AND 'currency' = ANY ($2) GROUP BY s.tenant
			UNION ALL
			SELECT s.tenant, 'no_event_key', count(*), count(DISTINCT s.customer_key), NULL FROM source AS s
			 WHERE (octet_length(s.event_key) <= 1000) IS NOT TRUE AND s.is_scored AND 'live_on' = ANY ($2)
			 GROUP BY s.tenant
		),
		-- a weekday counts if at least half of its days have a row
		days AS (
			SELECT s.tenant, s.day FROM kept AS s WHERE s.day <= $1 GROUP BY s.tenant, s.day
		), weekdays AS (
			SELECT b.tenant, w.weekday
			  FROM (SELECT d.tenant, min(d.day) AS first, max(d.day) AS last FROM days AS d GROUP BY d.tenant) AS b
			 CROSS JOIN generate_series(1, 7) AS w (weekday)
			 CROSS JOIN LATERAL (SELECT count(*) AS n FROM days AS d
						 WHERE d.tenant = b.tenant AND extract(isodow FROM d.day) = w.weekday) AS d
			 WHERE 2 * d.n >= @extschema@._model_weekdays(b.first, b.last, w.weekday) AND d.n > 0
		), gaps AS (
			SELECT g.tenant, g.after, g.is_last,
				   coalesce(sum(@extschema@._model_weekdays(g.after + 1, g.before - 1, w.weekday)), 0) AS n
			  FROM (SELECT d.tenant, d.day AS after, coalesce(lead(d.day) OVER next_day, $1 + 1) AS before,
						   lead(d.day) OVER next_day IS NULL AS is_last
					  FROM days AS d WINDOW next_day AS (PARTITION BY d.tenant ORDER BY d.day)) AS g
			  LEFT JOIN weekdays AS w ON w.tenant = g.tenant
			 WHERE g.before > g.after + 1
			 GROUP BY g.tenant, g.after, g.is_last
		), feed AS (
			SELECT g.tenant, CASE WHEN g.is_last THEN 'no_recent_rows' ELSE 'days_without_rows' END AS reason,
				   sum(g.n)::bigint AS affected, NULL::bigint AS customers,
				   CASE WHEN g.is_last THEN format('the last row is of %%s', to_char(max(g.after), 'YYYY-MM-DD'))
						WHEN max(g.n) > 0 THEN format('at most %%s together, after %%s', max(g.n),
							to_char((array_agg(g.after ORDER BY g.n DESC, g.after))[1], 'YYYY-MM-DD')) END AS detail
			  FROM gaps AS g GROUP BY g.tenant, g.is_last
		), found AS (
			SELECT * FROM corrections UNION ALL SELECT * FROM duplicates
			UNION ALL SELECT * FROM repeated UNION ALL SELECT * FROM lines UNION ALL SELECT * FROM outliers
			UNION ALL SELECT * FROM mixed UNION ALL SELECT * FROM feed
		)
		SELECT jsonb_agg(to_jsonb(x)) FROM (
			SELECT * FROM left_out
			UNION ALL
			SELECT t.tenant, r.reason, coalesce(f.affected, 0),
				   CASE WHEN f.reason IS NULL AND r.unit <> 'days' THEN 0 ELSE f.customers END, f.detail
			  FROM tenants AS t CROSS JOIN @extschema@.quality_reasons() AS r
			  LEFT JOIN found AS f ON f.tenant = t.tenant AND f.reason = r.reason
			 WHERE r.found = 'checked' AND (r.needs IS NULL OR r.needs = ANY ($2))) AS x$q$,
		@extschema@._model_source_key(settings, 'r.customer'),
		CASE WHEN tenanted THEN 'r.customer[1]' ELSE '''''::text' END,
		CASE WHEN (settings ->> 'day_is_moment')::boolean
			THEN format('(r.day AT TIME ZONE %L)::date', settings ->> 'time_zone') ELSE 'r.day::date' END,
		settings ->> 'quality_query',
		-- the total of a day may be larger than an amount
		CASE WHEN (settings ->> 'of_histories')::boolean THEN '0 * r.value' ELSE 'r.value' END,
		settings ->> 'money_decimals')
		INTO findings
		USING today, ARRAY(SELECT k FROM unnest('{event_key,currency,live_on}'::text[]) AS k
			WHERE settings ->> k IS NOT NULL);
	EXECUTE format('LOCK TABLE %I.quality IN SHARE ROW EXCLUSIVE MODE', model);
	EXECUTE format('DELETE FROM %I.quality', model);
	EXECUTE format('INSERT INTO %I.quality'
		' SELECT f.tenant, f.reason, f.affected, f.customers, f.detail, clock_timestamp()'
		' FROM jsonb_to_recordset($1) AS f (tenant text, reason text, affected bigint, customers bigint, detail text)',
		model) USING findings;
EXCEPTION
	WHEN undefined_column OR undefined_table OR undefined_function OR undefined_object OR invalid_schema_name
		OR ambiguous_column
		OR datatype_mismatch OR cannot_coerce OR wrong_object_type OR grouping_error THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
		PERFORM @extschema@._model_raise_unreadable(model, state, message);
END
$$;
COMMENT ON FUNCTION @extschema@._model_check_quality(name, jsonb) IS
	'internal: read the source of a model for what can be wrong with it, write down counts';

-- How often a weekday comes from one day to another: 1 is Monday.
CREATE FUNCTION @extschema@._model_weekdays(from_day date, to_day date, weekday int)
	RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN to_day OPERATOR(pg_catalog.<) from_day THEN 0 ELSE
		((to_day OPERATOR(pg_catalog.-) from_day) OPERATOR(pg_catalog.+) 7 OPERATOR(pg_catalog.-)
		 ((weekday OPERATOR(pg_catalog.-) pg_catalog.date_part('isodow', from_day)::int OPERATOR(pg_catalog.+) 7)
			OPERATOR(pg_catalog.%) 7))
		OPERATOR(pg_catalog./) 7 END;
END;
COMMENT ON FUNCTION @extschema@._model_weekdays(date, date, int) IS
	'internal: how many Mondays (1) to Sundays (7) there are from one day to another';

CREATE FUNCTION @extschema@.check_quality(model text)
	RETURNS TABLE (tenant text, reason text, unit text, affected bigint, customers bigint,
		explanation text, advice text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb := @extschema@._model_settings(home);
BEGIN
	PERFORM @extschema@._model_check_quality(home, settings);
	RETURN QUERY EXECUTE format('SELECT q.tenant, q.reason, q.unit, q.affected, q.customers, q.explanation, q.advice'
		' FROM %s AS q WHERE coalesce(q.affected > 0, q.checked_at IS NOT NULL)',
		@extschema@._with_tenant(settings, format('%I.data_quality', home)));
END
$$;
COMMENT ON FUNCTION @extschema@.check_quality(text) IS
	'read the source of a model once more and count what can be wrong with it:'
	' duplicates, order lines, outliers, currencies, days without rows;'
	' returns what was found, and the view data_quality shows it from now on';

-- Readers may ask as well, about the customers that they may see. It works on
-- anybody's model. So it reads no view there, because the functions of a view run
-- with the rights of the caller: it asks _attribute_segments, as the functions of
-- sql/model/explain.sql ask theirs.
CREATE FUNCTION @extschema@.score_parity(model text, attribute text, minimum_ratio float8 DEFAULT 0.8)
	RETURNS TABLE (tenant text, attribute_value text, segment text, segment_label text,
		customers bigint, group_customers bigint, group_share float8, overall_share float8, ratio float8,
		deviations float8, flagged boolean, note text, segment_order int)
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
			MESSAGE = format('%s must not be null', CASE WHEN model IS NULL THEN 'model'
				WHEN attribute IS NULL THEN 'attribute' ELSE 'minimum_ratio' END);
	END IF;
	IF NOT (minimum_ratio > 0 AND minimum_ratio <= 1) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('minimum_ratio %s is not above 0 and at most 1', minimum_ratio),
			HINT = '0.8 is the four-fifths rule.';
	END IF;
	home := @extschema@._model_named(model);
	scores := (SELECT c.oid FROM pg_class AS c
				WHERE c.relnamespace = to_regnamespace(quote_ident(home)) AND c.relname = 'customer_scores');
	IF NOT EXISTS (SELECT 1 FROM pg_attribute AS a WHERE a.attrelid = scores AND a.attnum > 0 AND a.attname = attribute
					  AND octet_length(attribute) <= 63
					  AND col_description(a.attrelid, a.attnum) = 'attribute of the customer') THEN
		SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) INTO attributes
		  FROM pg_attribute AS a WHERE a.attrelid = scores AND a.attnum > 0
		   AND col_description(a.attrelid, a.attnum) = 'attribute of the customer';
		RAISE undefined_column USING
			MESSAGE = format('attribute "%s" is none of model "%s"', left(attribute, 100), home),
			HINT = CASE WHEN attributes IS NULL
				THEN format('Name a table of customers and its columns:'
					' alter_model(%L, customers => ..., attributes => ...)', home)
				ELSE format('Its attributes are: %s.', attributes) END;
	END IF;
	RETURN QUERY EXECUTE $q$
		WITH counted AS MATERIALIZED (
			SELECT s.tenant, s.attribute_value AS value, s.segment, s.segment_label, s.segment_order,
				   s.customers AS n, s.minimum_group_size AS minimum
			  FROM @extschema@._attribute_segments($1, $3) AS s
		), groups AS (
			SELECT c.tenant, c.value, sum(c.n)::bigint AS n,
				   @extschema@.is_small_cell(sum(c.n)::bigint, (SELECT max(m.minimum) FROM counted AS m), 1, 1)
					   OVER (PARTITION BY c.tenant ORDER BY c.value
					   RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS is_small,
				   dense_rank() OVER (PARTITION BY c.tenant ORDER BY c.value)::int AS line
			  FROM counted AS c GROUP BY c.tenant, c.value
		), segments AS (
			SELECT c.tenant, c.segment, c.segment_label, c.segment_order, sum(c.n)::bigint AS n,
				   sum(sum(c.n)) OVER (PARTITION BY c.tenant)::bigint AS everybody,
				   @extschema@.is_small_cell(sum(c.n)::bigint, (SELECT max(m.minimum) FROM counted AS m), 1, 1)
					   OVER (PARTITION BY c.tenant ORDER BY c.segment_order, c.segment
					   RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS is_small,
				   dense_rank() OVER (PARTITION BY c.tenant ORDER BY c.segment_order, c.segment)::int AS cross_line
			  FROM counted AS c GROUP BY c.tenant, c.segment, c.segment_label, c.segment_order
		), cells AS (
			-- a group with nobody in a segment is what one looks for
			SELECT g.tenant, g.value, s.segment, s.segment_label, s.segment_order, coalesce(c.n, 0) AS n,
				   g.n AS group_n, s.n AS segment_n, s.everybody,
				   g.is_small AS group_is_small, s.is_small AS segment_is_small,
				   g.is_small OR s.is_small OR @extschema@.is_small_cell(coalesce(c.n, 0),
					   (SELECT max(m.minimum) FROM counted AS m), g.line, s.cross_line)
					   OVER (PARTITION BY g.tenant ORDER BY g.line, s.cross_line
					   RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS is_small
			  FROM groups AS g JOIN segments AS s ON s.tenant IS NOT DISTINCT FROM g.tenant
			  LEFT JOIN counted AS c ON c.tenant IS NOT DISTINCT FROM g.tenant AND c.value IS NOT DISTINCT FROM g.value
			   AND c.segment IS NOT DISTINCT FROM s.segment
		), compared AS (
			SELECT c.*, c.n / c.group_n::float8 AS share, c.segment_n / c.everybody::float8 AS overall,
				   -- of a sample without replacement: mean and variance are those of the hypergeometric distribution
				   (c.n - c.group_n * (c.segment_n / c.everybody::float8))
				   / nullif(sqrt(c.group_n * (c.segment_n / c.everybody::float8)
						* (1 - c.segment_n / c.everybody::float8) * (c.everybody - c.group_n)
						/ nullif(c.everybody - 1, 0)), 0) AS deviations
			  FROM cells AS c
		)
		SELECT c.tenant, c.value, c.segment, c.segment_label,
			   CASE WHEN NOT c.is_small THEN c.n END, CASE WHEN NOT c.group_is_small THEN c.group_n END,
			   CASE WHEN NOT c.is_small THEN c.share END, CASE WHEN NOT c.segment_is_small THEN c.overall END,
			   CASE WHEN NOT c.is_small THEN c.share / c.overall END,
			   CASE WHEN NOT c.is_small THEN c.deviations END,
			   CASE WHEN NOT c.is_small THEN c.share < $2 * c.overall OR c.share * $2 > c.overall END,
			   CASE WHEN c.is_small THEN 'too few customers to be shown'
					WHEN c.share < $2 * c.overall THEN concat('fewer than the limit',
						CASE WHEN abs(c.deviations) < 2 THEN '; may be chance' END)
					WHEN c.share * $2 > c.overall THEN concat('more than the limit',
						CASE WHEN abs(c.deviations) < 2 THEN '; may be chance' END) END,
			   c.segment_order
		  FROM compared AS c
		 ORDER BY c.tenant, c.value, c.segment_order, c.segment$q$
		USING home, minimum_ratio, attribute;
END
$$;
COMMENT ON FUNCTION @extschema@.score_parity(text, text, float8) IS
	'are the values of an attribute alike in the segments? For each the share of its customers in each segment,'
	' against the share of all customers; flagged where the ratio is below minimum_ratio or above its inverse;'
	' deviations: how many standard deviations from what chance gives';
