--
-- Layer 4: the query that all views and functions of a model are written around.
--
-- A question (as of when, by which thresholds, for which tenants) meets what is
-- known of each customer, level by level: facts, scores, segment. WITH level AS
-- (SELECT) keeps the planner from merging a level into the next one, where it
-- would compute a score again in every rule that reads it. Unlike OFFSET 0 it
-- lets a condition on the customer through to the index, and parallel workers in.
-- Columns that nobody reads are still left out, and so are joins for them.
-- What is joined stands in a list, not between JOINs: the server stores the columns
-- of both sides of every JOIN, and reads them again whenever it plans.
--

-- What has become of touched events, as an item of FROM. The secret is read once.
CREATE FUNCTION @extschema@._touched_rows(model name)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('%1$I._touched_rows((SELECT s.secret FROM %1$I.ledger_secret AS s))', model);
END;
COMMENT ON FUNCTION @extschema@._touched_rows(name) IS
	'internal: an item of FROM for what has become of the events that were touched';

-- The customers with something pending in a live model, or in its live streams
-- (pending_events). Those who have been merged into another customer go by the name
-- of that one. In two halves, each of which finds one customer by an index. Of a model
-- that is live over several tables also those with events that were touched.
CREATE FUNCTION @extschema@._model_pending_keys(model name, settings jsonb, pending name DEFAULT 'pending',
	touched text DEFAULT NULL)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('SELECT d.customer_key FROM %1$I.%2$I AS d UNION ALL'
		' SELECT m.root_key FROM %1$I.merged_customers AS m, %1$I.%2$I AS d WHERE d.customer_key = m.customer_key%3$s',
		model, pending, CASE WHEN @extschema@._is_ledger(settings) AND pending = 'pending' THEN
			pg_catalog.format(' UNION ALL SELECT k.customer_key COLLATE "C" FROM %1$s AS t,'
			' LATERAL (VALUES (t.customer_key), (t.root_key)) AS k (customer_key)',
			COALESCE(touched, @extschema@._touched_rows(model))) ELSE '' END);
END;
COMMENT ON FUNCTION @extschema@._model_pending_keys(name, jsonb, name, text) IS
	'internal: a query for the customers who have something pending, more than once and under former keys too';

-- The type of money as readers see it.
CREATE FUNCTION @extschema@._model_money(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('numeric(24, %s)', settings OPERATOR(pg_catalog.->>) 'money_decimals');
END;
COMMENT ON FUNCTION @extschema@._model_money(jsonb) IS 'internal: the type of amounts in the views of a model';

-- From which day on a row p of the customers table is known; -infinity: always.
CREATE FUNCTION @extschema@._model_known(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'known_since' IS NULL THEN $q$'-infinity'::date$q$
		WHEN (settings OPERATOR(pg_catalog.->>) 'known_is_moment')::boolean
			THEN pg_catalog.format($q$COALESCE((p.known AT TIME ZONE %L)::date, '-infinity')$q$,
				settings OPERATOR(pg_catalog.->>) 'time_zone')
		ELSE $q$COALESCE(p.known::date, '-infinity')$q$ END;
END;
COMMENT ON FUNCTION @extschema@._model_known(jsonb) IS
	'internal: an expression for the day from which a person of the customers table is known';

-- A piece of the query of a level, in a model with accounts.
CREATE FUNCTION @extschema@._model_account(settings jsonb, piece text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'account' IS NULL THEN '' ELSE piece END;
END;
COMMENT ON FUNCTION @extschema@._model_account(jsonb, text) IS
	'internal: SQL text for the account of a customer; empty in a model without accounts';

-- Which scores an interval of values stands for, in words.
CREATE FUNCTION @extschema@.score_range(dimension text, thresholds float8[], score int,
	language text DEFAULT 'en', decimals int DEFAULT 2)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET extra_float_digits = 1		-- thresholds with all their digits: the cast to numeric takes 15
	AS $$
DECLARE
	n		int := cardinality(thresholds);
	lower	float8;				-- beaten
	upper	float8;				-- not beaten
	days	text := CASE WHEN language LIKE 'fr%' THEN ' j' ELSE ' d' END;
	whole	boolean := dimension IN ('recency', 'frequency');
	passed	numeric;
	kept	numeric;
	below	numeric;
	above	numeric;
	places	int;
	low		text;
	high	text;
BEGIN
	IF n IS NULL OR score IS NULL OR score < 1 OR score > n + 1 THEN
		RETURN NULL;
	END IF;
	IF dimension = 'recency' THEN
		-- the best score is below the first threshold
		IF n = 0 THEN
			RETURN '>= 0' || days;
		END IF;
		upper := thresholds[n - score + 2];		-- beaten by being below
		lower := thresholds[n - score + 1];
		-- days are whole
		lower := ceil(lower);
		upper := ceil(upper);
		IF score = n + 1 THEN
			RETURN CASE WHEN upper <= 0 THEN '-' ELSE '< ' || trim_scale(upper::numeric) || days END;
		ELSIF score = 1 THEN
			RETURN '>= ' || trim_scale(lower::numeric) || days;
		END IF;
		upper := upper - 1;
		RETURN CASE WHEN upper < lower THEN '-' WHEN upper = lower THEN trim_scale(lower::numeric) || days
			ELSE trim_scale(lower::numeric) || '-' || trim_scale(upper::numeric) || days END;
	END IF;
	lower := thresholds[score - 1];
	upper := thresholds[score];
	IF lower = upper THEN
		RETURN '-';
	END IF;
	IF dimension = 'frequency' THEN
		lower := floor(lower) + 1;
		upper := floor(upper);
		low := trim_scale(lower::numeric)::text;
		high := trim_scale(upper::numeric)::text;
		RETURN CASE WHEN n = 0 THEN '>= 0' WHEN score = n + 1 THEN low || '+'
			WHEN score = 1 THEN CASE WHEN upper = 1 THEN '1' ELSE '<= ' || high END
			WHEN upper < lower THEN '-' WHEN upper = lower THEN low ELSE low || '-' || high END;
	END IF;
	-- Cut downwards: of amounts with so many decimals those above 10.006 are those
	-- above 10.00. Means have more of them. Two thresholds that look the same get as
	-- many decimals as tell them apart.
	decimals := CASE WHEN decimals IS NOT NULL THEN least(greatest(decimals, -20), 400) END;
	places := CASE WHEN dimension IN ('mean', 'basket') THEN decimals + 4 ELSE decimals END;
	passed := lower::text::numeric;
	kept := upper::text::numeric;
	-- Not by _explain_floor: readers call this, who may have no rights on its schema.
	LOOP
		below := trunc(passed, places)
			- CASE WHEN passed < trunc(passed, places) THEN power(10::numeric, -places) ELSE 0 END;
		above := trunc(kept, places) - CASE WHEN kept < trunc(kept, places) THEN power(10::numeric, -places) ELSE 0 END;
		EXIT WHEN (kept > passed AND places < 400 AND below = above) IS NOT TRUE;
		places := places + 1;
	END LOOP;
	passed := trim_scale(below);
	kept := trim_scale(above);
	low := round(passed, greatest(scale(passed), decimals))::text;
	high := round(kept, greatest(scale(kept), decimals))::text;
	RETURN CASE WHEN n = 0 THEN CASE WHEN language LIKE 'fr%' THEN 'tous' ELSE 'all' END
		WHEN score = 1 THEN '<= ' || high
		WHEN score = n + 1 THEN '> ' || low
		ELSE '> ' || low || ' <= ' || high END;
END
$$;
COMMENT ON FUNCTION @extschema@.score_range(text, float8[], int, text, int) IS
	'the values that get a score, in words: < 30 d, 3-4, > 17.50 <= 40.00; - where no value can get it; dimension mean:'
	' monetary values that are means; NULL if dimension, thresholds or score is NULL';

-- Who may see which tenant, as a condition on "tenant" of a question; "rows" says
-- which rows r of the table reader give that right. They hold names, which may be
-- those of roles that have been dropped, with namesakes since. A grant goes with
-- its role: a row counts while the role has USAGE on the schema by itself, as the
-- owner has and grant_reader gives.
CREATE FUNCTION @extschema@._model_reader_condition(model name, settings jsonb, reader text,
	rows text DEFAULT 'r.tenant = k.tenant OR r.tenant IS NULL')
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL THEN 'true' ELSE
		pg_catalog.format('EXISTS (SELECT 1 FROM %1$I.reader AS r, pg_catalog.pg_roles AS o'
			' WHERE o.rolname = r.role AND (%3$s) AND pg_catalog.pg_has_role(%2$s, o.oid, ''USAGE'')'
			' AND o.oid IN (SELECT a.grantee FROM pg_catalog.pg_namespace AS n,'
			' LATERAL pg_catalog.aclexplode(COALESCE(n.nspacl, pg_catalog.acldefault(''n'', n.nspowner))) AS a'
			' WHERE n.oid = %4$L::pg_catalog.regnamespace AND a.privilege_type = ''USAGE''))',
			model, reader, rows, pg_catalog.quote_ident(model)) END;
END;
COMMENT ON FUNCTION @extschema@._model_reader_condition(name, jsonb, text, text) IS
	'internal: which tenants a reader may see';

-- The fits of a calibration k, and what is taken from them once, not for each customer, as
-- items of SELECT of the question.
CREATE FUNCTION @extschema@._propensity_question(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.replace(', k.btyd_fit, k.spend_fit, k.propensity_fit, k.prospect_fit, k.clv_thresholds, c.margin,'
		' c.discount_rate, p.propensity_codes, p.prospect_codes,'
		' CASE WHEN p.propensity_codes IS NOT NULL THEN @extschema@.logit_coefficients(k.propensity_fit) END'
			' AS propensity_coefficients,'
		' CASE WHEN p.prospect_codes IS NOT NULL THEN @extschema@.logit_coefficients(k.prospect_fit) END'
			' AS prospect_coefficients,'
		' @extschema@._propensity_reason(k.propensity_fit, p.propensity_codes) AS propensity_lacks,'
		' {lack} AS prospects_lack', '{lack}', CASE WHEN @extschema@._has_streams(settings)
			THEN '@extschema@._propensity_reason(k.prospect_fit, p.prospect_codes)' ELSE '''no_order''::text' END);
END;
COMMENT ON FUNCTION @extschema@._propensity_question(jsonb) IS
	'internal: the fits of a model with prediction as items of SELECT';

-- The streams of a model by their names, as _propensity_codes wants them.
CREATE FUNCTION @extschema@._stream_numbers(settings jsonb)
	RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(pg_catalog.jsonb_object_agg(s.stream, s.stream_no), '{}') FROM @extschema@._streams(settings) AS s;
END;
COMMENT ON FUNCTION @extschema@._stream_numbers(jsonb) IS 'internal: the numbers of the streams of a model, by name';

-- Is a customer h without an order known on a day: by an event, or by known_since? Who
-- is in the table of customers today may have come into it with their first order.
CREATE FUNCTION @extschema@._known_prospect(settings jsonb, "row" text, day text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._has_streams(settings) THEN
		@extschema@._fill('(@extschema@.stream_first_day({row}.streams, {day}) IS NOT NULL'
			' OR COALESCE({row}.known <= {day} AND isfinite({row}.known), false))', 'row', "row", 'day', day)
		ELSE 'false' END;
END;
COMMENT ON FUNCTION @extschema@._known_prospect(jsonb, text, text) IS
	'internal: a condition on a customer without an order: they were known on a day';

-- The question: a row for each tenant. "as_of" and "condition" are expressions
-- over the configuration c; "dates" is an item of FROM that they may read;
-- "calibration" is an item of FROM with thresholds of each tenant; "columns" are
-- further ones of these three; "may_fill" is for _card_programs.
CREATE FUNCTION @extschema@._model_question(model name, settings jsonb,
	as_of text DEFAULT @extschema@._model_as_of(), condition text DEFAULT 'c.valid_until IS NULL',
	reader text DEFAULT 'CURRENT_USER', dates text DEFAULT '', calibration text DEFAULT NULL, columns text DEFAULT '',
	may_fill text DEFAULT NULL)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
WITH level AS (SELECT) SELECT k.tenant, {as_of} AS as_of, c.version, c.window_days, c.monetary = 'mean' AS use_mean,
       c.frequency = 'active_days' AS use_active_days, @extschema@._plain(c.weights) AS weights, c.map_copy,
       -- not before the calendar begins
       CASE WHEN {as_of} >= date '4600-01-01 BC' THEN {as_of} - c.change_days END AS then_day,
       -- unpacked once, not for each score
       @extschema@._plain(k.recency_thresholds) AS recency_thresholds,
       @extschema@._plain(k.frequency_thresholds) AS frequency_thresholds,
       @extschema@._plain(k.monetary_thresholds) AS monetary_thresholds,
       @extschema@._plain(k.basket_thresholds) AS basket_thresholds,
       k.median_value{fits}{cards}{satisfaction}{columns}
  FROM {dates}{model}.configuration AS c, {calibration} AS k{codes}
 WHERE k.version = c.version AND {condition} AND {readable}$q$,
		'model', pg_catalog.quote_ident(model), 'as_of', as_of, 'condition', condition,
		'dates', dates, 'columns', columns,
		'cards', pg_catalog.concat(@extschema@._card_programs(settings, may_fill), @extschema@._view_kinds(settings),
			@extschema@._response_kinds(settings), @extschema@._category_question(settings),
			@extschema@._cluster_question(settings, may_fill)),
		'satisfaction', @extschema@._satisfaction_prior(settings),
		'readable', CASE WHEN reader IS NULL THEN 'true'
			ELSE @extschema@._model_reader_condition(model, settings, reader) END,
		'calibration', COALESCE(calibration, pg_catalog.format('%I.calibration', model)),
		'codes', CASE WHEN settings OPERATOR(pg_catalog.->>) 'prediction' IS NULL THEN '' ELSE
			pg_catalog.format(', LATERAL (SELECT'
				' @extschema@._propensity_codes(k.propensity_fit, %1$L) AS propensity_codes,'
				' @extschema@._propensity_codes(k.prospect_fit, %1$L) AS prospect_codes OFFSET 0) AS p',
				@extschema@._stream_numbers(settings)) END,
		'fits', CASE WHEN settings OPERATOR(pg_catalog.->>) 'prediction' IS NULL THEN '' ELSE
			@extschema@._propensity_question(settings) END);
END;
COMMENT ON FUNCTION @extschema@._model_question(name, jsonb, text, text, text, text, text, text, text) IS
	'internal: the query that says as of when and by which thresholds customers are scored';

-- A query that several views of a model need, as an item of FROM: the private view
-- of that name, or, where a statement can't rely on the views, the query.
CREATE FUNCTION @extschema@._model_item(model name, view name, query text, shared boolean)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN shared THEN pg_catalog.format('%I.%I', model, view) ELSE pg_catalog.format('(%s)', query) END;
END;
COMMENT ON FUNCTION @extschema@._model_item(name, name, text, boolean) IS
	'internal: a private view as an item of FROM, or its query';

-- What is pending in a live model, by the customer that it counts for: who has been
-- merged into another goes by the name of that one.
CREATE FUNCTION @extschema@._model_pending_rows(model name, settings jsonb, touched text DEFAULT NULL)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
SELECT d.customer_key, d.tenant, d.{id} AS customer_id, d.difference FROM {model}.pending AS d
 WHERE CASE WHEN EXISTS (SELECT 1 FROM {model}.merged_customers)
            THEN d.customer_key NOT IN (SELECT m.customer_key FROM {model}.merged_customers AS m) ELSE true END
UNION ALL
SELECT m.root_key, d.tenant, m.root_id, d.difference
  FROM {model}.merged_customers AS m, {model}.pending AS d WHERE d.customer_key = m.customer_key{touched}$q$,
		'model', pg_catalog.quote_ident(model),
		'touched', CASE WHEN @extschema@._is_ledger(settings) THEN pg_catalog.format(
			E'\nUNION ALL\nSELECT t.root_key COLLATE "C", t.tenant, %s, t.difference FROM %s AS t',
			CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL THEN 't.root_key COLLATE "C"'
				ELSE 't.root_id' END, COALESCE(touched, @extschema@._touched_rows(model))) ELSE '' END,
		'id', CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL THEN 'customer_key' ELSE 'customer_id' END);
END;
COMMENT ON FUNCTION @extschema@._model_pending_rows(name, jsonb, text) IS
	'internal: the query for what is pending of each customer';

-- The history of everybody that a live model has or has had: as stored, and with
-- what is pending: those who are stored, and then those who are not yet. Customers with
-- a total beyond all limits now are left out, or nobody could be read. Erased
-- customers are not stored, but the source may still have rows of them. Who has
-- nothing left has no history, and is_left says so.
CREATE FUNCTION @extschema@._model_everyone(model name, settings jsonb, shared boolean DEFAULT false)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- events that were touched are looked at once
	ledger	boolean := @extschema@._is_ledger(settings);
	touched	text := CASE WHEN ledger THEN 'touched' END;
	rows	text := @extschema@._model_item(model, '_pending_rows',
		@extschema@._model_pending_rows(model, settings, touched), shared AND NOT ledger);
BEGIN
	RETURN CASE WHEN ledger THEN format(E'WITH touched AS MATERIALIZED (SELECT * FROM %s)',
		@extschema@._touched_rows(model)) ELSE '' END || @extschema@._fill($q$
SELECT h.tenant, h.customer_key, h.{id} AS customer_id, h.history, true AS is_left
  FROM {model}.customer_histories AS h
 WHERE NOT EXISTS (SELECT 1 FROM {keys} AS d WHERE d.customer_key = h.customer_key)
UNION ALL
SELECT p.tenant, p.customer_key, p.customer_id, p.history, p.history OPERATOR(@extschema@.<>) '{}'
  FROM (WITH level AS (SELECT) SELECT d.tenant, d.customer_key, d.customer_id, s.history
          FROM (SELECT h.tenant, h.customer_key, h.{id} AS customer_id, h.history,
                       @extschema@.try_sum(d.difference) AS difference
                  FROM {model}.customer_histories AS h JOIN {rows} AS d ON d.customer_key = h.customer_key
                 GROUP BY h.customer_key) AS d
         -- added up once, and not again for each condition on it
         CROSS JOIN LATERAL (SELECT {sum} AS history OFFSET 0) AS s) AS p
 WHERE p.history IS NOT NULL
UNION ALL
SELECT p.tenant, p.customer_key, p.customer_id, CASE WHEN {left} THEN p.history ELSE '{}' END, {left}
  FROM (WITH level AS (SELECT) SELECT min(d.tenant) AS tenant, d.customer_key, min(d.customer_id) AS customer_id,
               {new} AS history
          FROM {rows} AS d
         WHERE NOT EXISTS (SELECT 1 FROM {model}.customer_histories AS h WHERE h.customer_key = d.customer_key)
         GROUP BY d.customer_key) AS p
 WHERE p.history IS NOT NULL AND {allowed}$q$,
		'model', quote_ident(model), 'rows', rows,
		'id', CASE WHEN settings ->> 'tenant' IS NULL THEN 'customer_key' ELSE 'customer_id' END,
		'sum', @extschema@._model_kept_days(model, settings, @extschema@._fill(
			'CASE WHEN d.difference IS NOT NULL THEN @extschema@._try_add(d.history, d.difference)'
			-- too large alone, but maybe not with what is stored
			' ELSE (SELECT @extschema@.try_sum(x.history)'
			' FROM (SELECT d.history UNION ALL SELECT y.difference FROM {rows} AS y'
			' WHERE y.customer_key = d.customer_key) AS x) END', 'rows', rows)),
		'keys', @extschema@._model_item(model, '_pending_keys',
			@extschema@._model_pending_keys(model, settings, touched => touched), shared AND NOT ledger),
		'new', @extschema@._model_kept_days(model, settings, '@extschema@.try_sum(d.difference)'),
		'left', concat('p.history OPERATOR(@extschema@.<>) ''{}''',
			CASE WHEN settings ->> 'retention_days' IS NOT NULL THEN
				' AND ' || @extschema@._model_kept(model, settings, 'p.history') END),
		'allowed', @extschema@._model_not_suppressed(model, 'p.customer_key'));
END
$$;
COMMENT ON FUNCTION @extschema@._model_everyone(name, jsonb, boolean) IS
	'internal: the query for the history of everybody in a live model, with what is pending';

-- The history of each customer: as stored, and in a live model with what is pending. A
-- statement of a distributed model, which shares no view, has the histories come here.
CREATE FUNCTION @extschema@._model_histories(model name, settings jsonb, shared boolean DEFAULT false)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT coalesce((settings ->> 'live')::boolean, false) THEN
		RETURN format('SELECT h.tenant, h.customer_key, h.%2$s, h.history FROM %1$s AS h',
			-- a view, that Citus plans together with what reads it, or a part of a statement
			CASE WHEN shared THEN format('%I.customer_histories', model)
				ELSE @extschema@._here(model, settings, 'customer_histories') END,
			CASE WHEN settings ->> 'tenant' IS NULL THEN 'customer_key AS customer_id' ELSE 'customer_id' END);
	END IF;
	RETURN format('SELECT e.tenant, e.customer_key, e.customer_id, e.history FROM %s AS e WHERE e.is_left',
		@extschema@._model_item(model, '_everyone', @extschema@._model_everyone(model, settings), shared));
END
$$;
COMMENT ON FUNCTION @extschema@._model_histories(name, jsonb, boolean) IS
	'internal: the query for the history of each customer';

-- The histories of each customer by stream and kind: as stored, and with what is
-- pending of live streams. A kind that has no number yet counts as other.
CREATE FUNCTION @extschema@._model_events(model name, settings jsonb, shared boolean DEFAULT false)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	id	text := CASE WHEN settings ->> 'tenant' IS NULL THEN 'customer_key' ELSE 'customer_id' END;
BEGIN
	IF NOT EXISTS (SELECT 1 FROM @extschema@._streams(settings) AS s WHERE s.live) THEN
		RETURN @extschema@._fill('SELECT e.tenant, e.customer_key, e.{id} AS customer_id, e.streams'
			' FROM {stored} AS e', 'id', id,
			'stored', CASE WHEN shared THEN format('%I.stream_histories', model)
				ELSE @extschema@._here(model, settings, 'stream_histories') END);
	END IF;
	RETURN @extschema@._fill($q$
SELECT e.tenant, e.customer_key, e.{id} AS customer_id, e.streams
  FROM {model}.stream_histories AS e
 WHERE NOT EXISTS (SELECT 1 FROM ({keys}) AS d WHERE d.customer_key = e.customer_key)
UNION ALL
SELECT p.tenant, p.customer_key, p.customer_id, p.streams
  FROM (SELECT d.tenant, d.customer_key, d.customer_id, s.streams
          FROM (SELECT min(d.tenant) AS tenant, d.customer_key, min(d.customer_id) AS customer_id,
                       @extschema@._try_stream_histories_agg(d.stream_no, coalesce(k.kind_no, 0)::int,
                                                        d.difference) AS streams
                  FROM (SELECT d.customer_key, d.tenant, d.{id} AS customer_id, d.stream_no, d.kind, d.difference
                          FROM {model}.pending_events AS d
                         WHERE NOT EXISTS (SELECT 1 FROM {model}.merged_customers AS m
                                            WHERE m.customer_key = d.customer_key)
                        UNION ALL
                        SELECT m.root_key, d.tenant, m.root_id, d.stream_no, d.kind, d.difference
                          FROM {model}.merged_customers AS m, {model}.pending_events AS d
                         WHERE d.customer_key = m.customer_key) AS d
                  LEFT JOIN {model}.stream_kind AS k ON k.stream_no = d.stream_no AND k.kind = d.kind
                 GROUP BY d.customer_key) AS d
          LEFT JOIN {model}.stream_histories AS e ON e.customer_key = d.customer_key
         -- once, and not again for each condition on it
         CROSS JOIN LATERAL (SELECT CASE WHEN e.streams IS NULL THEN d.streams
                                         ELSE @extschema@._try_add(e.streams, d.streams) END AS streams
                            OFFSET 0) AS s) AS p
 WHERE p.streams OPERATOR(@extschema@.<>) '{}' AND {allowed}$q$,
		'id', id, 'model', quote_ident(model),
		'keys', @extschema@._model_pending_keys(model, settings, 'pending_events'),
		'allowed', @extschema@._model_not_suppressed(model, 'p.customer_key'));
END
$$;
COMMENT ON FUNCTION @extschema@._model_events(name, jsonb, boolean) IS
	'internal: the query for the histories of each customer by stream and kind';

-- The day of the last event of a row h with histories, orders or others.
CREATE FUNCTION @extschema@._model_last_activity(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._has_streams(settings)
		THEN 'GREATEST(@extschema@.last_activity(h.history), @extschema@.last_activity(h.streams))'
		ELSE '@extschema@.last_activity(h.history)' END;
END;
COMMENT ON FUNCTION @extschema@._model_last_activity(jsonb) IS
	'internal: an expression for the last day on which a customer did something';

-- All histories of each customer, whether they may be shown or not.
CREATE FUNCTION @extschema@._model_all_histories(model name, settings jsonb)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._has_streams(settings) THEN @extschema@._fill(
		'SELECT COALESCE(o.tenant, e.tenant) AS tenant, COALESCE(o.customer_key, e.customer_key) AS customer_key,'
		' o.history, e.streams FROM ({orders}) AS o FULL JOIN ({events}) AS e ON e.customer_key = o.customer_key',
		'orders', @extschema@._model_histories(model, settings), 'events', @extschema@._model_events(model, settings))
		ELSE @extschema@._model_histories(model, settings) END;
END;
COMMENT ON FUNCTION @extschema@._model_all_histories(name, jsonb) IS
	'internal: the query for all histories of each customer';

-- A customer is kept while any history of theirs is within the time of retention.
CREATE FUNCTION @extschema@._model_kept_customer(model name, settings jsonb, history text, customer text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE
		WHEN settings OPERATOR(pg_catalog.->>) 'retention_days' IS NULL OR NOT @extschema@._has_streams(settings)
		THEN @extschema@._model_kept(model, settings, history) ELSE
		@extschema@._fill('({kept} OR EXISTS (SELECT 1 FROM {stored} AS e'
			' WHERE e.customer_key = {customer}'
			' AND @extschema@.last_activity(e.streams) OPERATOR(pg_catalog.>=) {horizon}))',
			'kept', @extschema@._model_kept(model, settings, history),
			'stored', @extschema@._here(model, settings, 'stream_histories'),
			'customer', customer, 'horizon', @extschema@._model_horizon(model)) END;
END;
COMMENT ON FUNCTION @extschema@._model_kept_customer(name, jsonb, text, text) IS
	'internal: a condition on a history of orders and a customer: they are within the time of retention';

-- What is known of each customer by their orders and the customers table: the
-- history and the attributes. With consent asked for, those who have not given it are not here.
-- Those who object to profiling are not here either.
--
-- Both halves compare customers by customer_key alone, as one and the same
-- expression in collation "C": so the planner knows in every table which row a
-- condition on customer_key means, and an index on that expression serves it
-- (_model_make_key_index).
CREATE FUNCTION @extschema@._model_people(model name, settings jsonb, shared boolean DEFAULT false)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	is_live		boolean := coalesce((settings ->> 'live')::boolean, false);
	people		text := settings ->> 'customers_query';
	key			text := @extschema@._model_person_key(settings);
	attributes	text;
BEGIN
	IF people IS NULL THEN
		RETURN format('SELECT h.tenant, h.customer_key, h.customer_id, h.history, NULL::date AS known FROM %s AS h',
			-- with streams, histories come here: see _model_customers
			CASE WHEN shared AND @extschema@._has_streams(settings)
				THEN @extschema@._here(model, settings, '_histories')
				ELSE @extschema@._model_item(model, '_histories', @extschema@._model_histories(model, settings), shared)
				END);
	END IF;
	-- where a person is known by several keys, the most careful of their answers counts
	SELECT string_agg(CASE WHEN a.name = ANY (@extschema@._model_names(settings, 'contact')) THEN
			@extschema@._fill(', p.{name} AND NOT EXISTS (SELECT 1 FROM {model}.merged_customers AS m'
				' JOIN ({people}) AS x ON ({other}) COLLATE "C" = m.customer_key'
				' WHERE m.root_key = {key} AND x.{name} IS NOT TRUE) AS {name}',
				'name', quote_ident(a.name), 'model', quote_ident(model), 'people', people, 'key', key,
				'other', @extschema@._model_key(settings, 'x.tenant', 'x.customer_id'))
			ELSE format(', p.%I', a.name) END, '' ORDER BY a.n) INTO attributes
	  FROM unnest(@extschema@._model_attributes(settings)) WITH ORDINALITY AS a (name, n);
	attributes := concat(attributes, @extschema@._model_account(settings, ', p.of_account'));
	RETURN @extschema@._fill($q$
SELECT h.tenant, h.customer_key, h.customer_id, h.history,
       CASE WHEN p.customer_id IS NOT NULL THEN {known} END AS known{attributes}
  FROM {histories} AS h {join} JOIN ({people}) AS p ON {key} = h.customer_key
 WHERE {ordered}
UNION ALL
SELECT p.tenant, {key}, p.customer_id COLLATE {collation}, '{}'::@extschema@.history, {known}{attributes}
  FROM ({people}) AS p
 WHERE NOT EXISTS (SELECT 1 FROM {stored} AS h WHERE h.customer_key = {key}){pending}
   AND NOT EXISTS (SELECT 1 FROM {model}.merged_customers AS m WHERE m.customer_key = {key})
   AND {kept}{agreed}$q$,
		'model', quote_ident(model), 'people', people, 'key', key, 'attributes', attributes,
		'histories', CASE WHEN is_live
			THEN @extschema@._model_item(model, '_everyone', @extschema@._model_everyone(model, settings), shared)
			WHEN shared THEN @extschema@._here(model, settings, '_histories')
			ELSE format('(%s)', @extschema@._model_histories(model, settings)) END,
		'stored', @extschema@._here(model, settings, CASE WHEN shared AND @extschema@._is_distributed(settings)
			THEN '_histories' ELSE 'customer_histories' END),
		'join', CASE WHEN settings ->> 'consent' IS NULL THEN 'LEFT' ELSE '' END,
		'ordered', concat_ws(' AND ', CASE WHEN settings ->> 'consent' IS NULL THEN 'true' ELSE 'p.consent' END,
			CASE WHEN settings ->> 'objection' IS NOT NULL THEN 'p.objection IS NOT TRUE' END,
			nullif(@extschema@._model_nobody_refuses(model, settings, 'h.customer_key'), 'true'),
			-- people with nothing left are customers as long as they are known
			CASE WHEN is_live
				THEN 'CASE WHEN p.customer_id IS NULL THEN h.history OPERATOR(@extschema@.<>) ''{}'''
					' ELSE true END' END),
		'kept', @extschema@._model_not_suppressed(model, key),
		'pending', CASE WHEN is_live
			THEN format(E'\n   AND NOT EXISTS (SELECT 1 FROM %s AS d WHERE d.customer_key = %s)',
			@extschema@._model_item(model, '_pending_keys',
				@extschema@._model_pending_keys(model, settings), shared), key)
			ELSE '' END,
		'collation', CASE WHEN settings ->> 'tenant' IS NULL THEN '"C"' ELSE '"default"' END,
		'agreed', concat(CASE WHEN settings ->> 'consent' IS NOT NULL THEN ' AND p.consent' END,
			CASE WHEN settings ->> 'objection' IS NOT NULL THEN ' AND NOT p.objection' END,
			' AND ' || nullif(@extschema@._model_nobody_refuses(model, settings, key), 'true')),
		'known', @extschema@._model_known(settings));
END
$$;
COMMENT ON FUNCTION @extschema@._model_people(name, jsonb, boolean) IS
	'internal: the query for what is known of each customer by orders and the customers table';

-- The same with what customers did beside ordering. Who has events and nothing
-- else is known from the first event on, unless consent is asked for, which
-- nobody has given for them.
CREATE FUNCTION @extschema@._model_customers(model name, settings jsonb, shared boolean DEFAULT false)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	events	text := CASE WHEN shared THEN @extschema@._here(model, settings, '_events')
		ELSE format('(%s)', @extschema@._model_events(model, settings)) END;
	others	text := '';
BEGIN
	IF NOT @extschema@._has_streams(settings) THEN
		RETURN @extschema@._model_people(model, settings, shared);
	END IF;
	IF settings ->> 'consent' IS NULL THEN
		others := @extschema@._fill($q$
UNION ALL
SELECT e.tenant, e.customer_key, e.customer_id COLLATE {collation}, '{}'::@extschema@.history,
       @extschema@.stream_first_day(e.streams, 'infinity'){nothing}, e.streams
  FROM {events} AS e
 WHERE NOT EXISTS (SELECT 1 FROM {histories} AS h WHERE h.customer_key = e.customer_key){unknown}$q$,
			'events', events,
			'histories', CASE WHEN shared THEN @extschema@._here(model, settings, '_histories')
				ELSE format('(%s)', @extschema@._model_histories(model, settings)) END,
			'nothing', @extschema@._model_attribute_list(settings, ', NULL')
				|| @extschema@._model_account(settings, ', NULL'),
			'collation', CASE WHEN settings ->> 'tenant' IS NULL THEN '"C"' ELSE '"default"' END,
			'unknown', CASE WHEN settings ->> 'customers_query' IS NULL THEN '' ELSE
				@extschema@._fill(E'\n   AND NOT EXISTS (SELECT 1 FROM ({people}) AS p WHERE {key} = e.customer_key)',
					'people', settings ->> 'customers_query', 'key', @extschema@._model_person_key(settings)) END);
	END IF;
	RETURN @extschema@._fill($q$
SELECT c.tenant, c.customer_key, c.customer_id, c.history,
       LEAST(c.known, @extschema@.stream_first_day(e.streams, 'infinity')) AS known{attributes},
       COALESCE(e.streams, '{}') AS streams
  FROM ({people}) AS c LEFT JOIN {events} AS e ON e.customer_key = c.customer_key$q$,
		'people', @extschema@._model_people(model, settings, shared), 'events', events,
		'attributes', @extschema@._model_attribute_list(settings, ', c.%I')
			|| @extschema@._model_account(settings, ', c.of_account')) || others;
END
$$;
COMMENT ON FUNCTION @extschema@._model_customers(name, jsonb, boolean) IS
	'internal: the query for what is known of each customer';

-- The propensity of a customer h on the day of a question q, or why there is none: by one
-- fit if they have ordered (facts f), by another one if they have not.
CREATE FUNCTION @extschema@._propensity_facts(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$CASE WHEN f.recency_days IS NOT NULL
            THEN @extschema@._propensity(q.propensity_coefficients, q.propensity_codes, h.history, {streams}, q.as_of)
            WHEN q.prospects_lack IS NULL AND {known}
            THEN @extschema@._propensity(q.prospect_coefficients, q.prospect_codes, h.history, {streams}, q.as_of)
       END AS propensity_90d,
       CASE WHEN f.recency_days IS NOT NULL THEN q.propensity_lacks
            WHEN q.prospects_lack IS NOT NULL THEN q.prospects_lack
            WHEN NOT {known} THEN 'no_event' END AS propensity_reason$q$,
		'streams', CASE WHEN @extschema@._has_streams(settings) THEN 'h.streams'
			ELSE '''{}''::@extschema@.stream_histories' END,
		'known', @extschema@._known_prospect(settings, 'h', 'q.as_of'));
END;
COMMENT ON FUNCTION @extschema@._propensity_facts(jsonb) IS
	'internal: the propensity of a customer and why there is none, as items of SELECT';

-- How the propensity of a customer of the level of scores comes about, as an item of FROM.
CREATE FUNCTION @extschema@._propensity_parts(settings jsonb, "row" text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill('@extschema@._propensity_contributions('
		'CASE WHEN {row}.propensity_90d IS NULL THEN NULL'
		' WHEN {row}.recency_days IS NOT NULL THEN q.propensity_fit ELSE q.prospect_fit END,'
		' CASE WHEN {row}.recency_days IS NOT NULL THEN q.propensity_codes ELSE q.prospect_codes END,'
		' {row}.history, {streams}, {row}.as_of)', 'row', "row",
		'streams', CASE WHEN @extschema@._has_streams(settings) THEN "row" OPERATOR(pg_catalog.||) '.streams'
			ELSE '''{}''::@extschema@.stream_histories' END);
END;
COMMENT ON FUNCTION @extschema@._propensity_parts(jsonb, text) IS
	'internal: how a propensity comes about, as an item of FROM over a question q';

-- Has each group of customers fits of its own?
CREATE FUNCTION @extschema@._has_groups(settings jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT settings OPERATOR(pg_catalog.->>) 'prediction' IS NOT NULL
		AND settings OPERATOR(pg_catalog.->>) 'prediction_group' IS NOT NULL;
END;
COMMENT ON FUNCTION @extschema@._has_groups(jsonb) IS
	'internal: have groups of customers of a model fits of their own?';

-- By an attribute, not by tenant?
CREATE FUNCTION @extschema@._has_attribute_groups(settings jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._has_groups(settings) AND settings OPERATOR(pg_catalog.->>) 'prediction_group'
		OPERATOR(pg_catalog.=) ANY (@extschema@._model_attributes(settings));
END;
COMMENT ON FUNCTION @extschema@._has_attribute_groups(jsonb) IS
	'internal: have groups of customers by an attribute fits of their own?';

-- The group of a customer, an expression; empty for those without one, and where the groups
-- are tenants. It is compared with what was written in another session, so it must not depend
-- on settings of sessions, as the text of a date does.
CREATE FUNCTION @extschema@._model_prediction_group(settings jsonb, "row" text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	attribute	text := settings ->> 'prediction_group';
	type		oid;
BEGIN
	IF NOT @extschema@._has_attribute_groups(settings) THEN
		RETURN '''''::text COLLATE "C"';
	END IF;
	SELECT @extschema@._model_base_type(c.atttypid) INTO type
	  FROM @extschema@._model_query_columns(settings ->> 'customers_query') AS c WHERE c.attname = attribute;
	IF type = ANY ('{date,timestamp}'::regtype[]::oid[]) THEN
		RETURN format('COALESCE(to_jsonb(%s.%I) #>> ''{}'', '''') COLLATE "C"', "row", attribute);
	ELSIF type = ANY ('{bool,int2,int4,int8,numeric,uuid}'::regtype[]::oid[])
		OR EXISTS (SELECT 1 FROM pg_type AS t WHERE t.oid = type AND t.typcategory = 'S') THEN
		RETURN format('COALESCE(%s.%I::text, '''') COLLATE "C"', "row", attribute);
	END IF;
	RAISE datatype_mismatch USING
		MESSAGE = format('prediction_group: attribute "%s" is of type %s, which makes no groups', attribute,
			format_type(type, NULL)),
		HINT = 'Give customers as a SELECT where it is a text, a whole number, a date or a boolean.';
END
$$;
COMMENT ON FUNCTION @extschema@._model_prediction_group(jsonb, text) IS
	'internal: an expression for the group of a customer by which fits are made';

-- The fits of the group of a customer, as items of FROM behind a question or what has its tenant
-- and version. A version that was grouped by something else has groups that mean something else.
CREATE FUNCTION @extschema@._join_groups(model name, settings jsonb, question text, "group" text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._has_groups(settings) THEN @extschema@._fill(
		' LEFT JOIN {model}.calibration_groups AS g ON g.version = {question}.version'
		' AND g.tenant = {question}.tenant AND g.grouped_by = {by}'
		' AND g.group_value = {group}', 'model', pg_catalog.quote_ident(model), 'question', question,
		'by', pg_catalog.quote_literal(settings OPERATOR(pg_catalog.->>) 'prediction_group'), 'group', "group")
		ELSE '' END;
END;
COMMENT ON FUNCTION @extschema@._join_groups(name, jsonb, text, text) IS
	'internal: an item of FROM: the fits of the group of a customer';

-- What a model with prediction says of each customer: pieces of the queries
-- below, for each level. A condition of a segment map may ask for all of it.
CREATE FUNCTION @extschema@._model_predictions(settings jsonb, level text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'prediction' IS NULL THEN '' ELSE
		CASE level
			WHEN 'facts' THEN @extschema@._fill($q$,
       @extschema@.churn_probability({orders}, h.history, q.as_of) AS churn_probability,
       @extschema@.churn_reason({orders}, h.history, q.as_of) AS churn_reason,
       @extschema@.btyd_expected({orders}, h.history, q.as_of, 90) AS expected_orders_90d,
       1 - @extschema@.btyd_probability({orders}, 0, h.history, q.as_of, 90) AS active_90d_probability,
       @extschema@.clv({orders}, {spend}, h.history, q.as_of, 12, 365.25 / 12,
           power(1 + q.discount_rate, 1.0 / 12) - 1, q.margin) AS clv_12m,
       q.clv_thresholds,
       @extschema@.next_order_expected_on({orders}, h.history, q.as_of) AS next_order_expected_on,
       {propensity},
       @extschema@.clv_reason({orders}, {spend}, h.history, q.as_of) AS prediction_reason$q$,
				'propensity', @extschema@._propensity_facts(settings),
				'orders', CASE WHEN @extschema@._has_groups(settings)
					THEN 'CASE WHEN g.has_orders THEN g.btyd_fit ELSE q.btyd_fit END' ELSE 'q.btyd_fit' END,
				'spend', CASE WHEN @extschema@._has_groups(settings)
					THEN 'CASE WHEN g.has_spend THEN g.spend_fit ELSE q.spend_fit END' ELSE 'q.spend_fit' END)
			WHEN 'scored' THEN ', f.churn_probability, f.churn_reason, f.expected_orders_90d,'
				' f.active_90d_probability, f.clv_12m,'
				' @extschema@.score(f.clv_12m, f.clv_thresholds) AS clv_score,'
				' f.next_order_expected_on, f.propensity_90d, f.propensity_reason, f.prediction_reason'
			WHEN 'scores' THEN ', s.churn_probability, s.churn_reason, s.expected_orders_90d,'
				' s.active_90d_probability, s.clv_12m, s.clv_score, s.next_order_expected_on, s.propensity_90d,'
				' s.propensity_reason, s.prediction_reason'
			WHEN 'wide' THEN pg_catalog.format(', s.churn_probability, s.churn_reason, s.expected_orders_90d,'
				' s.active_90d_probability, s.clv_12m::numeric(24, %s) AS clv_12m, s.clv_score,'
				' s.next_order_expected_on, s.propensity_90d, s.propensity_reason, s.prediction_reason',
				settings OPERATOR(pg_catalog.->>) 'money_decimals')
		END END;
END;
COMMENT ON FUNCTION @extschema@._model_predictions(jsonb, text) IS
	'internal: what a model predicts, as a piece of the query for a level';

-- The levels. "question", "customers", "facts" and "scored" are items of FROM that
-- stand for the level below: a private view of the model, or a query in parentheses.

-- The facts of each customer on the day of the question.
CREATE FUNCTION @extschema@._model_facts(model name, settings jsonb, question text, customers text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
WITH level AS (SELECT) SELECT h.tenant, h.customer_key, h.customer_id, h.known{attributes}, h.history,
       q.as_of, q.version, q.weights, q.map_copy,
       q.recency_thresholds, q.frequency_thresholds, q.monetary_thresholds, q.basket_thresholds,
       f.last_order_on, f.recency_days, f.frequency, f.monetary, f.mean_value, f.scored_value,
       @extschema@._mean_value_float8(h.history, q.as_of, q.window_days) AS scored_mean,
       f.tenure_days, f.silence_ratio,
       @extschema@.no_order_reason(h.history, q.as_of) AS no_order_reason,
       CASE WHEN f.recency_days IS NULL
            THEN @extschema@.monetary(h.history, q.as_of) <> 0
                OR @extschema@.no_order_reason(h.history, q.as_of) <> 'no_order' END AS corrected,
       t.recency_days AS then_recency_days, t.frequency AS then_frequency,
       t.scored_value AS then_scored_value{predictions}{streams}{clusters}
  FROM {from},
       LATERAL @extschema@.rfm_facts(h.history, q.as_of, q.window_days, q.use_active_days, q.use_mean) AS f,
       LATERAL @extschema@.rfm_facts(h.history, q.then_day, q.window_days, q.use_active_days, q.use_mean) AS t
 WHERE {same_tenant}$q$,
		-- Without tenants both have the empty one. Of a live model's customers the planner has no statistics, and
		-- would expect one in 200 of them; elsewhere it knows better, and can have workers join by a hash table alone.
		'same_tenant', CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL
				AND (settings OPERATOR(pg_catalog.->>) 'live')::boolean THEN 'true' ELSE 'h.tenant = q.tenant' END,
		'from', CASE WHEN @extschema@._has_groups(settings)
			THEN pg_catalog.concat(question, ' AS q CROSS JOIN ', customers, ' AS h', @extschema@._join_groups(model,
				settings, 'q', @extschema@._model_prediction_group(settings, 'h')))
			ELSE pg_catalog.format('%s AS q, %s AS h', question, customers) END,
		'attributes', @extschema@._model_attribute_list(settings, ', h.%I')
			OPERATOR(pg_catalog.||) @extschema@._model_account(settings, ', h.of_account'),
		'predictions', @extschema@._model_predictions(settings, 'facts'),
		'streams', @extschema@._behaviour_facts(settings), 'clusters', @extschema@._cluster_level(settings, 'facts'));
END;
COMMENT ON FUNCTION @extschema@._model_facts(name, jsonb, text, text) IS
	'internal: the query for the facts of each customer';

-- Their scores. Customers who have not ordered are here if they are known.
CREATE FUNCTION @extschema@._model_scored(settings jsonb, facts text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
WITH level AS (SELECT) SELECT f.tenant, f.customer_key, f.customer_id{attributes}, f.known, f.history,
       f.as_of, f.version, f.weights, f.map_copy,
       f.last_order_on, f.recency_days, f.frequency, f.monetary, f.mean_value, f.tenure_days, f.silence_ratio,
       f.no_order_reason,
       r.r_score, r.f_score, r.m_score,
       CASE WHEN f.recency_days IS NOT NULL
            THEN @extschema@.score(f.scored_mean, f.basket_thresholds) END AS basket_score,
       t.r_score AS then_r_score, t.f_score AS then_f_score, t.m_score AS then_m_score{predictions}{streams}{clusters}
  FROM {facts} AS f,
       LATERAL @extschema@.rfm_scores(f.recency_days, f.frequency, f.scored_value,
       f.recency_thresholds, f.frequency_thresholds, f.monetary_thresholds) AS r,
       LATERAL @extschema@.rfm_scores(f.then_recency_days, f.then_frequency, f.then_scored_value,
       f.recency_thresholds, f.frequency_thresholds, f.monetary_thresholds) AS t
 WHERE f.recency_days IS NOT NULL OR f.known <= f.as_of OR f.corrected$q$,
		'facts', facts, 'attributes', @extschema@._model_attribute_list(settings, ', f.%I')
			OPERATOR(pg_catalog.||) @extschema@._model_account(settings, ', f.of_account'),
		'predictions', @extschema@._model_predictions(settings, 'scored'),
		'streams', CASE WHEN @extschema@._has_streams(settings) THEN ', f.streams' ELSE '' END
			OPERATOR(pg_catalog.||) @extschema@._behaviour_list(settings, ', f.%I'),
		'clusters', @extschema@._cluster_level(settings, 'scored'));
END;
COMMENT ON FUNCTION @extschema@._model_scored(jsonb, text) IS 'internal: the query for the scores of each customer';

-- Facts, scores, segment: all columns of customer_scores and some more; with_rule
-- adds the position of the rule that gave the segment, and what it asks for by
-- another name.
CREATE FUNCTION @extschema@._model_scores(model name, settings jsonb, scored text, maps text[],
	with_rule boolean DEFAULT false)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- conditions may call an attribute by its name, or attributes.name
	attributes	text[] := @extschema@._model_attributes(settings);
	parts		text[] := array_remove(ARRAY['all',
		CASE WHEN settings ->> 'prediction' IS NOT NULL THEN 'prediction' END,
		CASE WHEN @extschema@._has_clusters(settings) THEN 'clusters' END], NULL);
	columns		text[];
	segment		text;
	overridden	text;
	rule		text := '';
BEGIN
	SELECT array_agg(format(CASE WHEN c.name ~ '^(rfm_|score_reason$)' THEN 'c.%I' WHEN c.part = 'clusters' THEN 'u.%I'
			ELSE 's.%I' END, c.name)
			ORDER BY c.condition <> 'score', c.position) INTO columns
	  FROM @extschema@._score_column AS c WHERE c.part = ANY (parts) AND c.condition IS NOT NULL;
	columns := columns || ARRAY(SELECT format('s.%I', c.name) FROM @extschema@._behaviour_columns(settings) AS c
									 WHERE c.condition IS NOT NULL)
		|| ARRAY(SELECT format('s.%I', a) FROM unnest(attributes) WITH ORDINALITY AS u (a, n) ORDER BY n)
		|| ARRAY(SELECT format('c.%I', 'attributes.' || a)
				   FROM unnest(attributes) WITH ORDINALITY AS u (a, n) ORDER BY n);
	IF cardinality(maps) = 1 THEN
		segment := @extschema@._segment_case(format('%I.%I', model, maps[1]), columns, false);
	ELSE
		SELECT 'CASE s.map_copy' || string_agg(format(E'\n WHEN %L THEN %s', map,
				   @extschema@._segment_case(format('%I.%I', model, map), columns, false)), '' ORDER BY map) || ' END'
		  INTO segment FROM unnest(maps) AS m (map);
	END IF;
	-- what somebody has said of a customer, where that segment is one of the map:
	-- one row a customer at most, so that the join is left out where nobody reads it
	EXECUTE format('SELECT string_agg(format(''(s.map_copy = %%L AND o.segment = ANY (%%L))'', m.map,'
			' ARRAY(SELECT l.segment FROM %1$I.segment_label AS l WHERE l.map = m.map'
			' GROUP BY l.segment ORDER BY l.segment)::text), '' OR '' ORDER BY m.map)'
		' FROM unnest($1) AS m (map)', model) INTO overridden USING maps;
	IF with_rule THEN
		SELECT ', (CASE s.map_copy' || string_agg(format(E'\n WHEN %L THEN %s', map,
				   @extschema@._segment_case(format('%I.%I', model, map), columns, true)), '' ORDER BY map)
			   || ' END)::int AS rule_position,'
			   ' o.made_by AS overridden_by, o.valid_until AS overridden_until, o.reason AS overridden_reason'
		  INTO rule FROM unnest(maps) AS m (map);
		rule := rule || (SELECT coalesce(string_agg(format(', c.%I', 'attributes.' || a), ''), '')
			FROM unnest(@extschema@._model_attributes(settings)) AS a);
	END IF;
	RETURN @extschema@._fill($q$
SELECT s.tenant, s.customer_key, s.customer_id{attributes}, s.known, s.history, s.as_of, s.version,
       s.weights, s.map_copy,
       s.last_order_on, s.recency_days, s.frequency, s.monetary, s.mean_value, s.tenure_days, s.silence_ratio,
       s.no_order_reason,
       s.r_score, s.f_score, s.m_score, s.basket_score, s.then_r_score, s.then_f_score, s.then_m_score
       {predictions}{streams}{clusters},
       c.rfm_code, c.rfm_score, c.rfm_score_change, c.score_reason,
       g.segment_by_rules,
       CASE WHEN o.segment IS NOT NULL THEN o.segment ELSE g.segment_by_rules END AS segment,
       o.segment IS NOT NULL AS segment_overridden{composite}{rule}
  FROM {scored} AS s
  LEFT JOIN {model}.overridden_segments AS o ON o.customer_key = s.customer_key
   AND o.valid_from <= s.as_of AND (o.valid_until IS NULL OR o.valid_until >= s.as_of) AND ({overridden}),
       -- what has a name once, and no level of its own: the planner puts it in
       LATERAL (SELECT @extschema@.rfm_code(s.r_score, s.f_score, s.m_score) AS rfm_code,
                       @extschema@._rfm_score(s.r_score, s.f_score, s.m_score, s.weights) AS rfm_score,
                       @extschema@._rfm_score(s.r_score, s.f_score, s.m_score, s.weights)
                       - @extschema@._rfm_score(s.then_r_score, s.then_f_score, s.then_m_score, s.weights)
                       AS rfm_score_change,
                       CASE WHEN s.recency_days IS NULL THEN s.no_order_reason
                            WHEN s.r_score IS NULL OR s.f_score IS NULL OR s.m_score IS NULL THEN 'too_few_customers'
                            WHEN s.frequency = 0 THEN 'no_order_in_window' END
                       AS score_reason{dotted}{one}) AS c{cluster},
       -- a customer who has bought and lacks R, because thresholds are missing, is no prospect
       LATERAL (SELECT (CASE WHEN s.r_score IS NOT NULL OR s.recency_days IS NULL
                   THEN {segment} END)::text COLLATE "C" AS segment_by_rules{one}) AS g$q$,
		'one', @extschema@._one_row(settings),
		'model', quote_ident(model), 'scored', scored, 'segment', segment, 'overridden', overridden, 'rule', rule,
		'attributes', @extschema@._model_attribute_list(settings, ', s.%I')
			|| @extschema@._model_account(settings, ', s.of_account'),
		'dotted', @extschema@._model_attribute_list(settings, ', s.%I AS %I'),
		'predictions', @extschema@._model_predictions(settings, 'scores'),
		'composite', @extschema@._composite(settings),
		'streams', CASE WHEN @extschema@._has_streams(settings) THEN ', s.streams' ELSE '' END
			|| @extschema@._behaviour_list(settings, ', s.%I'),
		'clusters', @extschema@._cluster_level(settings, 'scores'), 'cluster', @extschema@._cluster_items(settings));
END
$$;
COMMENT ON FUNCTION @extschema@._model_scores(name, jsonb, text, text[], boolean) IS
	'internal: the query for facts, scores and segment of each customer';

-- All levels from a question to scores, in one query.
CREATE FUNCTION @extschema@._model_levels(model name, settings jsonb, question text, customers text,
	maps text[], with_rule boolean DEFAULT false)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT @extschema@._model_scores(model, settings,
		pg_catalog.format('(%s)', @extschema@._model_scored(settings,
			pg_catalog.format('(%s)', @extschema@._model_facts(model, settings, question, customers)))), maps,
		with_rule);
END;
COMMENT ON FUNCTION @extschema@._model_levels(name, jsonb, text, text, text[], boolean) IS
	'internal: the query from a question to the scores of each customer';

-- The columns of customer_scores, with labels. "scores" is an item of FROM. No level of its
-- own: the join of the labels would have every query compute the segment, asked for or not.
CREATE FUNCTION @extschema@._model_wide(model name, settings jsonb, scores text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
SELECT s.customer_key, s.as_of, s.last_order_on, s.recency_days, s.frequency,
       s.monetary::{money} AS monetary, s.mean_value::{money} AS mean_value, s.tenure_days, s.silence_ratio,
       s.r_score, s.f_score, s.m_score, s.basket_score, s.rfm_code, s.rfm_score, s.rfm_score_change,
       s.score_reason{predictions}{streams}{composite}{clusters}{attributes},
       s.segment, l.label AS segment_label, l.display_order AS segment_order, l.color AS segment_color,
       s.segment_overridden, s.segment_by_rules,
       {tenant} AS tenant, s.customer_id
  FROM {scores} AS s
  LEFT JOIN {model}.segment_label AS l ON l.map = s.map_copy AND l.segment = s.segment AND l.language = {language}$q$,
		'model', pg_catalog.quote_ident(model), 'scores', scores,
		'money', @extschema@._model_money(settings),
		'attributes', @extschema@._model_attribute_list(settings, ', s.%I'),
		'tenant', @extschema@._model_tenant(settings, 's'),
		'language', pg_catalog.quote_literal(settings OPERATOR(pg_catalog.->>) 'language'),
		'predictions', @extschema@._model_predictions(settings, 'wide'),
		'streams', @extschema@._behaviour_list(settings, ', s.%I'),
		'composite', CASE WHEN @extschema@._composite(settings) OPERATOR(pg_catalog.=) '' THEN ''
			ELSE ', s.composite_score, s.composite_missing' END,
		'clusters', @extschema@._cluster_level(settings, 'wide'));
END;
COMMENT ON FUNCTION @extschema@._model_wide(name, jsonb, text) IS
	'internal: the query for the columns of customer_scores';
