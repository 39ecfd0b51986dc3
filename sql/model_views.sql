--
-- Layer 4: the views of a model, printed from its configuration.
--
-- All of them are written around one query (model_scores): a question (as of
-- when, by which thresholds, for which tenants) meets what is known of each
-- customer, level by level: facts, scores, segment. WITH level AS (SELECT)
-- keeps the planner from merging a level into the next one, where it would
-- compute a score again in every rule that reads it. Unlike OFFSET 0 it lets a
-- condition on the customer through to the index, and parallel workers in.
-- Columns that nobody reads are still left out, and so are joins for them.
--

-- Which scores an interval of values stands for, in words.
CREATE FUNCTION @extschema@.score_range(dimension text, thresholds float8[], score int, language text DEFAULT 'en', decimals int DEFAULT 2)
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
		RETURN CASE WHEN n = 0 THEN '>= 0' WHEN score = n + 1 THEN low || '+' WHEN score = 1 THEN CASE WHEN upper = 1 THEN '1' ELSE '<= ' || high END
			WHEN upper < lower THEN '-' WHEN upper = lower THEN low ELSE low || '-' || high END;
	END IF;
	-- Cut downwards: of amounts with so many decimals those above 10.006 are those
	-- above 10.00. Means have more of them. Two thresholds that look the same get as
	-- many decimals as tell them apart.
	decimals := CASE WHEN decimals IS NOT NULL THEN least(greatest(decimals, -20), 400) END;
	places := CASE WHEN dimension IN ('mean', 'basket') THEN decimals + 4 ELSE decimals END;
	passed := lower::text::numeric;
	kept := upper::text::numeric;
	-- Not by explain_floor: readers call this, who may have no rights on its schema.
	LOOP
		below := trunc(passed, places) - CASE WHEN passed < trunc(passed, places) THEN power(10::numeric, -places) ELSE 0 END;
		above := trunc(kept, places) - CASE WHEN kept < trunc(kept, places) THEN power(10::numeric, -places) ELSE 0 END;
		EXIT WHEN (kept > passed AND places < 400 AND below = above) IS NOT TRUE;
		places := places + 1;
	END LOOP;
	passed := trim_scale(below);
	kept := trim_scale(above);
	low := round(passed, greatest(scale(passed), decimals))::text;
	high := round(kept, greatest(scale(kept), decimals))::text;
	RETURN CASE WHEN n = 0 THEN CASE WHEN language LIKE 'fr%' THEN 'tous' ELSE 'all' END WHEN score = 1 THEN '<= ' || high WHEN score = n + 1 THEN '> ' || low ELSE '> ' || low || ' <= ' || high END;
END
$$;
COMMENT ON FUNCTION @extschema@.score_range(text, float8[], int, text, int) IS
	'the values that get a score, in words: < 30 d, 3-4, > 17.50 <= 40.00; - where no value can get it; dimension mean: monetary values that are means';

-- Beside score_range, which is the first to need it.
CREATE FUNCTION @extschema@.explain_floor(x numeric, decimals int)
	RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.round(pg_catalog.trunc(x, decimals) OPERATOR(pg_catalog.-) CASE WHEN x OPERATOR(pg_catalog.<) pg_catalog.trunc(x, decimals)
		THEN pg_catalog.power(10::pg_catalog."numeric", (- decimals)::pg_catalog."numeric") ELSE 0 END, decimals);
END;
COMMENT ON FUNCTION @extschema@.explain_floor(numeric, int) IS 'internal: a number cut after so many decimals, downwards';

-- The range of about ten in which a number or a day lies, in words; days are
-- counted from 2000-01-01. NULL, and what is not finite, is in none.
CREATE FUNCTION @extschema@.attribute_range(kind text, number numeric, low numeric, high numeric)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	day		date;
	unit	numeric;
	width	numeric;
	start	numeric;
BEGIN
	IF number IS NULL THEN
		RETURN NULL;
	END IF;
	IF kind = 'day' THEN
		day := date '2000-01-01' + number::int;
		-- two years by months, fifty by years
		start := extract(year FROM day);
		RETURN CASE WHEN high - low <= 731 THEN concat(start, '-', lpad(extract(month FROM day)::text, 2, '0'))
			WHEN high - low <= 18263 THEN start::text ELSE format('%s to %s', floor(start / 10) * 10, floor(start / 10) * 10 + 9) END;
	END IF;
	IF high <= low THEN
		RETURN trim_scale(number)::text;
	END IF;
	-- a width of 1, 2 or 5 times a power of ten that makes ten ranges at most, or one more
	width := (high - low) / 10;
	unit := power(10::numeric, floor(log(width)));
	width := unit * CASE WHEN width <= unit THEN 1 WHEN width <= 2 * unit THEN 2 WHEN width <= 5 * unit THEN 5 ELSE 10 END;
	IF kind = 'whole' THEN
		width := greatest(width, 1);
	END IF;
	start := floor(number / width) * width;
	RETURN CASE WHEN kind = 'whole' AND width = 1 THEN trim_scale(start)::text
		WHEN kind = 'whole' THEN format('%s to %s', trim_scale(start), trim_scale(start + width - 1))
		ELSE format('%s to below %s', trim_scale(start), trim_scale(start + width)) END;
END
$$;
COMMENT ON FUNCTION @extschema@.attribute_range(text, numeric, numeric, numeric) IS
	'internal: the range of a numeric attribute or a day of which there are many values, in words';

-- The column tenant of a view over rows called "row".
CREATE FUNCTION @extschema@.model_tenant(settings jsonb, "row" text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL THEN 'NULL::text' ELSE "row" OPERATOR(pg_catalog.||) '.tenant' END;
END;
COMMENT ON FUNCTION @extschema@.model_tenant(jsonb, text) IS 'internal: an expression for the tenant as readers see it';

-- Who may see which tenant, as a condition on "tenant" of a question; "rows" says
-- which rows r of the table reader give that right. They hold names, which may be
-- those of roles that have been dropped, with namesakes since. A grant goes with
-- its role: a row counts while the role has USAGE on the schema by itself, as the
-- owner has and grant_reader gives.
CREATE FUNCTION @extschema@.model_reader_condition(model name, settings jsonb, reader text, rows text DEFAULT 'r.tenant = k.tenant OR r.tenant IS NULL')
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL THEN 'true' ELSE
		pg_catalog.format('EXISTS (SELECT FROM %1$I.reader AS r JOIN pg_catalog.pg_roles AS o ON o.rolname = r.role'
			' WHERE (%3$s) AND pg_catalog.pg_has_role(%2$s, o.oid, ''USAGE'')'
			' AND o.oid IN (SELECT a.grantee FROM pg_catalog.pg_namespace AS n'
			' CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(n.nspacl, pg_catalog.acldefault(''n'', n.nspowner))) AS a'
			' WHERE n.oid = %4$L::pg_catalog.regnamespace AND a.privilege_type = ''USAGE''))', model, reader, rows, pg_catalog.quote_ident(model)) END;
END;
COMMENT ON FUNCTION @extschema@.model_reader_condition(name, jsonb, text, text) IS 'internal: which tenants a reader may see';

-- The day that a configuration c answers for.
CREATE FUNCTION @extschema@.model_as_of()
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 'COALESCE(c.as_of, (pg_catalog.now() AT TIME ZONE c.time_zone)::date)';
END;
COMMENT ON FUNCTION @extschema@.model_as_of() IS 'internal: an expression for the day that a configuration answers for';

-- The question: a row for each tenant. "as_of" and "condition" are expressions
-- over the configuration c; "dates" is an item of FROM that they may read;
-- "calibration" is an item of FROM with thresholds of each tenant; "columns" are
-- further ones of these three.
CREATE FUNCTION @extschema@.model_question(model name, settings jsonb,
	as_of text DEFAULT @extschema@.model_as_of(), condition text DEFAULT 'c.valid_until IS NULL',
	reader text DEFAULT 'CURRENT_USER', dates text DEFAULT '', calibration text DEFAULT NULL, columns text DEFAULT '')
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format($q$
WITH level AS (SELECT) SELECT k.tenant, %2$s AS as_of, c.version, c.window_days, c.monetary = 'mean' AS use_mean,
       c.frequency = 'active_days' AS use_active_days, c.weights, c.map_copy,
       -- not before the calendar begins
       CASE WHEN %2$s >= date '4600-01-01 BC' THEN %2$s - c.change_days END AS then_day,
       k.recency_thresholds, k.frequency_thresholds, k.monetary_thresholds, k.basket_thresholds%7$s
  FROM %5$s%1$I.configuration AS c
  JOIN %6$s AS k ON k.version = c.version
 WHERE %3$s AND %4$s$q$, model, as_of, condition,
		CASE WHEN reader IS NULL THEN 'true' ELSE @extschema@.model_reader_condition(model, settings, reader) END, dates,
		COALESCE(calibration, pg_catalog.format('%I.calibration', model)),
		CASE WHEN settings OPERATOR(pg_catalog.->>) 'prediction' IS NULL THEN '' ELSE ', k.btyd_fit, k.spend_fit, k.propensity_fit, k.clv_thresholds, c.margin, c.discount_rate' END OPERATOR(pg_catalog.||) columns);
END;
COMMENT ON FUNCTION @extschema@.model_question(name, jsonb, text, text, text, text, text, text) IS
	'internal: the query that says as of when and by which thresholds customers are scored';

-- customer_key from the customer as the source's query gives him: with tenants
-- an array of the tenant and his own key.
CREATE FUNCTION @extschema@.model_source_key(settings jsonb, customer text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@.model_key(settings, customer OPERATOR(pg_catalog.||) '[1]',
		CASE WHEN settings OPERATOR(pg_catalog.->>) 'tenant' IS NULL THEN pg_catalog.format(settings OPERATOR(pg_catalog.->>) 'key_text', customer)
			ELSE customer OPERATOR(pg_catalog.||) '[2]' END);
END;
COMMENT ON FUNCTION @extschema@.model_source_key(jsonb, text) IS 'internal: an expression for customer_key from a row of the source';

-- Who has something pending in a live model. Those who have been merged into
-- another customer go by the name of that one. In two halves, each of which finds
-- one customer by an index.
CREATE FUNCTION @extschema@.model_pending_keys(model name)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('SELECT d.customer_key FROM %1$I.pending AS d UNION ALL'
		' SELECT m.root_key FROM %1$I.merged_customers AS m JOIN %1$I.pending AS d ON d.customer_key = m.customer_key', model);
END;
COMMENT ON FUNCTION @extschema@.model_pending_keys(name) IS 'internal: a query for the customers who have something pending, more than once and under former keys too';

-- The history of each customer: as stored, and in a live model with what is
-- pending. Those who have nothing pending are read as they are stored; those who
-- have a total beyond all limits now are left out, or nobody could be read. Those
-- who have been erased are not stored, but the source may still speak of them.
-- With "everyone" those of whom nothing is left are here too, with no history.
CREATE FUNCTION @extschema@.model_histories(model name, settings jsonb, everyone boolean DEFAULT false)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenanted	boolean := settings ->> 'tenant' IS NOT NULL;
	id			text := CASE WHEN tenanted THEN 'customer_id' ELSE 'customer_key AS customer_id' END;
	is_left		text;
BEGIN
	IF NOT coalesce((settings ->> 'live')::boolean, false) THEN
		RETURN format('SELECT h.tenant, h.customer_key, h.%2$s, h.history FROM %1$I.customer_histories AS h', model, id);
	END IF;
	is_left := format('p.history OPERATOR(@extschema@.<>) ''{}''%s', CASE WHEN settings ->> 'retention_days' IS NULL THEN '' ELSE
		format(' AND (p.is_stored OR %s)', @extschema@.model_kept(model, settings, 'p.history')) END);
	RETURN format($q$
SELECT h.tenant, h.customer_key, h.%2$s, h.history
  FROM %1$I.customer_histories AS h
 WHERE NOT EXISTS (SELECT FROM (%4$s) AS d WHERE d.customer_key = h.customer_key)
UNION ALL
SELECT p.tenant, p.customer_key, p.customer_id, %7$s
  FROM (SELECT d.tenant, d.customer_key, d.customer_id,
               %5$s AS history, h.history IS NOT NULL AS is_stored
          FROM (SELECT min(d.tenant) AS tenant, d.customer_key, min(d.customer_id) AS customer_id, @extschema@.try_sum(d.difference) AS difference
                  FROM (SELECT d.customer_key, d.tenant, d.%3$s AS customer_id, d.difference FROM %1$I.pending AS d
                         WHERE NOT EXISTS (SELECT FROM %1$I.merged_customers AS m WHERE m.customer_key = d.customer_key)
                        UNION ALL
                        SELECT m.root_key, d.tenant, m.root_id, d.difference
                          FROM %1$I.merged_customers AS m JOIN %1$I.pending AS d ON d.customer_key = m.customer_key) AS d
                 GROUP BY d.customer_key) AS d
          LEFT JOIN %1$I.customer_histories AS h ON h.customer_key = d.customer_key) AS p
 WHERE %6$s%8$s$q$, model, id, CASE WHEN tenanted THEN 'customer_id' ELSE 'customer_key' END, @extschema@.model_pending_keys(model),
		@extschema@.model_kept_days(model, settings,
			format('CASE WHEN h.history IS NULL THEN d.difference WHEN d.difference IS NOT NULL THEN @extschema@.try_add(h.history, d.difference)'
				-- too large alone, but maybe not with what is stored
				' ELSE (SELECT @extschema@.try_sum(x.history) FROM (SELECT h.history UNION ALL SELECT y.difference FROM %1$I.pending AS y'
				' WHERE y.customer_key = d.customer_key AND NOT EXISTS (SELECT FROM %1$I.merged_customers AS m WHERE m.customer_key = y.customer_key)'
				' UNION ALL SELECT y.difference FROM %1$I.merged_customers AS m JOIN %1$I.pending AS y ON y.customer_key = m.customer_key WHERE m.root_key = d.customer_key) AS x) END', model)),
		@extschema@.model_not_suppressed(model, 'p.customer_key'),
		CASE WHEN everyone THEN format('CASE WHEN %s THEN p.history ELSE ''{}'' END AS history', is_left) ELSE 'p.history' END,
		-- a total beyond all limits is not nothing: who has one is no prospect
		CASE WHEN everyone THEN ' AND p.history IS NOT NULL' ELSE ' AND ' || is_left END);
END
$$;
COMMENT ON FUNCTION @extschema@.model_histories(name, jsonb, boolean) IS 'internal: the query for the history of each customer';

-- From which day on a row p of the customers table is known; -infinity: always.
CREATE FUNCTION @extschema@.model_known(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'known_since' IS NULL THEN $q$'-infinity'::date$q$
		WHEN (settings OPERATOR(pg_catalog.->>) 'known_is_moment')::boolean
			THEN pg_catalog.format($q$COALESCE((p.known AT TIME ZONE %L)::date, '-infinity')$q$, settings OPERATOR(pg_catalog.->>) 'time_zone')
		ELSE $q$COALESCE(p.known::date, '-infinity')$q$ END;
END;
COMMENT ON FUNCTION @extschema@.model_known(jsonb) IS 'internal: an expression for the day from which a person of the customers table is known';

-- What is known of each customer: the history and, from the customers table, the
-- attributes. With consent asked for, those who have not given it are not here,
-- nor are those who object to profiling.
--
-- Both halves compare customers by customer_key alone, as one and the same
-- expression in collation "C": so the planner knows in every table which row a
-- condition on customer_key means, and an index on that expression serves it
-- (model_make_key_index).
CREATE FUNCTION @extschema@.model_customers(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	is_live		boolean := coalesce((settings ->> 'live')::boolean, false);
	people		text := settings ->> 'customers_query';
	key			text := @extschema@.model_person_key(settings);
	attributes	text;
BEGIN
	IF people IS NULL THEN
		RETURN format('SELECT h.tenant, h.customer_key, h.customer_id, h.history, NULL::date AS known FROM (%s) AS h', @extschema@.model_histories(model, settings));
	END IF;
	-- where a person is known by several keys, the most careful of their answers counts
	SELECT string_agg(CASE WHEN a.name = ANY (@extschema@.model_names(settings, 'contact')) THEN
			format(', p.%1$I AND NOT EXISTS (SELECT FROM %2$I.merged_customers AS m JOIN (%3$s) AS x ON (%4$s) COLLATE "C" = m.customer_key'
				' WHERE m.root_key = %5$s AND x.%1$I IS NOT TRUE) AS %1$I', a.name, model, people, @extschema@.model_key(settings, 'x.tenant', 'x.customer_id'), key)
			ELSE format(', p.%I', a.name) END, '' ORDER BY a.n) INTO attributes
	  FROM unnest(@extschema@.model_attributes(settings)) WITH ORDINALITY AS a (name, n);
	RETURN format($q$
SELECT h.tenant, h.customer_key, h.customer_id, h.history, CASE WHEN p.customer_id IS NOT NULL THEN %12$s END AS known%4$s
  FROM (%3$s) AS h %5$s JOIN (%2$s) AS p ON %6$s = h.customer_key
 WHERE %7$s
UNION ALL
SELECT p.tenant, %6$s, p.customer_id COLLATE %10$s, '{}'::@extschema@.history, %12$s%4$s
  FROM (%2$s) AS p
 WHERE NOT EXISTS (SELECT FROM %1$I.customer_histories AS h WHERE h.customer_key = %6$s)%9$s
   AND NOT EXISTS (SELECT FROM %1$I.merged_customers AS m WHERE m.customer_key = %6$s)
   AND %8$s%11$s$q$,
		model, people, @extschema@.model_histories(model, settings, everyone => true), coalesce(attributes, ''),
		CASE WHEN settings ->> 'consent' IS NULL THEN 'LEFT' ELSE '' END, key,
		concat_ws(' AND ', CASE WHEN settings ->> 'consent' IS NULL THEN 'true' ELSE 'p.consent' END,
			CASE WHEN settings ->> 'objection' IS NOT NULL THEN 'p.objection IS NOT TRUE' END,
			nullif(@extschema@.model_nobody_refuses(model, settings, 'h.customer_key'), 'true'),
			-- who has nothing left is a customer as long as they are known
			CASE WHEN is_live THEN 'CASE WHEN p.customer_id IS NULL THEN h.history OPERATOR(@extschema@.<>) ''{}'' ELSE true END' END),
		@extschema@.model_not_suppressed(model, key),
		CASE WHEN is_live THEN format(E'\n   AND NOT EXISTS (SELECT FROM (%s) AS d WHERE d.customer_key = %s)', @extschema@.model_pending_keys(model), key) ELSE '' END,
		CASE WHEN settings ->> 'tenant' IS NULL THEN '"C"' ELSE '"default"' END,
		concat(CASE WHEN settings ->> 'consent' IS NOT NULL THEN ' AND p.consent' END,
			CASE WHEN settings ->> 'objection' IS NOT NULL THEN ' AND NOT p.objection' END,
			' AND ' || nullif(@extschema@.model_nobody_refuses(model, settings, key), 'true')),
		@extschema@.model_known(settings));
END
$$;
COMMENT ON FUNCTION @extschema@.model_customers(name, jsonb) IS 'internal: the query for what is known of each customer';

-- What a model with prediction says of each customer: pieces of the queries
-- below, for each level. A condition of a segment map may ask for all of it.
CREATE FUNCTION @extschema@.model_predictions(settings jsonb, level text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'prediction' IS NULL THEN '' ELSE
		CASE level
			WHEN 'facts' THEN $q$,
       @extschema@.churn_probability(q.btyd_fit, h.history, q.as_of) AS churn_probability,
       @extschema@.churn_reason(q.btyd_fit, h.history, q.as_of) AS churn_reason,
       @extschema@.btyd_expected(q.btyd_fit, h.history, q.as_of, 90) AS expected_orders_90d,
       @extschema@.clv(q.btyd_fit, q.spend_fit, h.history, q.as_of, 12, 365.25 / 12, power(1 + q.discount_rate, 1.0 / 12) - 1, q.margin) AS clv_12m,
       q.clv_thresholds,
       @extschema@.next_order_expected_on(q.btyd_fit, h.history, q.as_of) AS next_order_expected_on,
       @extschema@.logit_predict(q.propensity_fit, @extschema@.propensity_features(h.history, q.as_of)) AS propensity_90d,
       @extschema@.clv_reason(q.btyd_fit, q.spend_fit, h.history, q.as_of) AS prediction_reason$q$
			WHEN 'scores' THEN ', f.churn_probability, f.churn_reason, f.expected_orders_90d, f.clv_12m, @extschema@.score(f.clv_12m, f.clv_thresholds) AS clv_score, f.next_order_expected_on, f.propensity_90d, f.prediction_reason'
			WHEN 'wide' THEN pg_catalog.format(', s.churn_probability, s.churn_reason, s.expected_orders_90d, s.clv_12m::numeric(24, %s) AS clv_12m, s.clv_score, s.next_order_expected_on, s.propensity_90d, s.prediction_reason',
				settings OPERATOR(pg_catalog.->>) 'money_decimals')
			WHEN 'conditions' THEN ',s.churn_probability,s.expected_orders_90d,s.clv_12m,s.clv_score,s.next_order_expected_on,s.propensity_90d'
		END END;
END;
COMMENT ON FUNCTION @extschema@.model_predictions(jsonb, text) IS 'internal: what a model predicts, as a piece of the query for a level';

-- The facts of each customer on the day of the question. "customers" is a query
-- that stands for model_customers.
CREATE FUNCTION @extschema@.model_facts(model name, settings jsonb, question text, customers text DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	attributes	text;
BEGIN
	attributes := @extschema@.model_attribute_list(settings, ', h.%I');
	RETURN format($q$
WITH level AS (SELECT) SELECT h.tenant, h.customer_key, h.customer_id, h.known%3$s, h.history,
       q.as_of, q.version, q.weights, q.map_copy,
       q.recency_thresholds, q.frequency_thresholds, q.monetary_thresholds, q.basket_thresholds,
       @extschema@.last_day(h.history, q.as_of) AS last_order_on,
       @extschema@.recency(h.history, q.as_of) AS recency_days,
       CASE WHEN q.use_active_days THEN @extschema@.active_days(h.history, q.as_of, q.window_days)
            ELSE @extschema@.frequency(h.history, q.as_of, q.window_days) END AS frequency,
       @extschema@.monetary(h.history, q.as_of, q.window_days) AS monetary,
       @extschema@.mean_value(h.history, q.as_of, q.window_days) AS mean_value,
       CASE WHEN q.use_mean THEN @extschema@.mean_value(h.history, q.as_of, q.window_days)::float8
            ELSE @extschema@.monetary_float8(h.history, q.as_of, q.window_days) END AS scored_value,
       @extschema@.tenure(h.history, q.as_of) AS tenure_days,
       @extschema@.silence_ratio(h.history, q.as_of) AS silence_ratio,
       @extschema@.no_order_reason(h.history, q.as_of) AS no_order_reason,
       CASE WHEN @extschema@.recency(h.history, q.as_of) IS NULL
            THEN @extschema@.monetary(h.history, q.as_of) <> 0 OR @extschema@.no_order_reason(h.history, q.as_of) <> 'no_order' END AS corrected,
       @extschema@.recency(h.history, q.then_day) AS then_recency_days,
       CASE WHEN q.use_active_days THEN @extschema@.active_days(h.history, q.then_day, q.window_days)
            ELSE @extschema@.frequency(h.history, q.then_day, q.window_days) END AS then_frequency,
       CASE WHEN q.use_mean THEN @extschema@.mean_value(h.history, q.then_day, q.window_days)::float8
            ELSE @extschema@.monetary_float8(h.history, q.then_day, q.window_days) END AS then_scored_value%4$s
  FROM (%1$s) AS q
  JOIN (%2$s) AS h ON h.tenant = q.tenant$q$, question, coalesce(customers, @extschema@.model_customers(model, settings)), attributes,
		@extschema@.model_predictions(settings, 'facts'));
END
$$;
COMMENT ON FUNCTION @extschema@.model_facts(name, jsonb, text, text) IS 'internal: the query for the facts of each customer';

-- Facts, scores, segment: all columns of customer_scores and some more; with_rule
-- adds the position of the rule that gave the segment.
CREATE FUNCTION @extschema@.model_scores(model name, settings jsonb, question text, maps text[], customers text DEFAULT NULL,
	with_rule boolean DEFAULT false)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- conditions may call an attribute by its name, or attributes.name
	plain		text := @extschema@.model_attribute_list(settings, ', f.%I');
	dotted		text := @extschema@.model_attribute_list(settings, ', f.%I AS %I');
	columns		text[] := '{s.r_score,s.f_score,s.m_score,s.as_of,s.last_order_on,s.recency_days,s.frequency,s.monetary,s.mean_value,s.tenure_days,s.silence_ratio,s.basket_score,s.rfm_code,s.rfm_score,s.rfm_score_change,s.score_reason'
		|| @extschema@.model_predictions(settings, 'conditions') || '}';
	segment		text;
	overridden	text;
	rule		text := '';
	-- who has bought and lacks R, because thresholds are missing, is no prospect
	scored		text := 'CASE WHEN s.r_score IS NOT NULL OR s.recency_days IS NULL THEN %s END';
BEGIN
	SELECT columns || coalesce(array_agg(format('s.%I', a)), '{}') || coalesce(array_agg(format('s.%I', 'attributes.' || a)), '{}')
	  INTO columns FROM unnest(@extschema@.model_attributes(settings)) AS a;
	IF cardinality(maps) = 1 THEN
		segment := @extschema@.segment_case(format('%I.%I', model, maps[1]), columns);
	ELSE
		SELECT 'CASE s.map_copy' || string_agg(format(E'\n WHEN %L THEN %s', map,
				   @extschema@.segment_case(format('%I.%I', model, map), columns)), '' ORDER BY map) || ' END'
		  INTO segment FROM unnest(maps) AS m (map);
	END IF;
	segment := format(scored, segment);
	-- what a person has said of a customer, where his segment is one of the map:
	-- one row a customer at most, so that the join is left out where nobody reads it
	EXECUTE format('SELECT string_agg(format(''(s.map_copy = %%L AND o.segment = ANY (%%L))'', m.map, ARRAY(SELECT l.segment'
			' FROM %1$I.segment_label AS l WHERE l.map = m.map GROUP BY l.segment ORDER BY l.segment)::text), '' OR '' ORDER BY m.map)'
		' FROM unnest($1) AS m (map)', model) INTO overridden USING maps;
	IF with_rule THEN
		SELECT ', (CASE s.map_copy' || string_agg(format(E'\n WHEN %L THEN %s', map,
				   @extschema@.segment_rule_case(format('%I.%I', model, map), columns)), '' ORDER BY map) || ' END)::int AS rule_position,'
			   ' o.made_by AS overridden_by, o.valid_until AS overridden_until, o.reason AS overridden_reason'
		  INTO rule FROM unnest(maps) AS m (map);
	END IF;
	RETURN format($q$
SELECT s.*,
       (%4$s)::text COLLATE "C" AS segment_by_rules,
       CASE WHEN o.segment IS NOT NULL THEN o.segment ELSE (%4$s)::text COLLATE "C" END AS segment,
       o.segment IS NOT NULL AS segment_overridden%7$s
  FROM (SELECT s.*,
               @extschema@.rfm_code(s.r_score, s.f_score, s.m_score) AS rfm_code,
               @extschema@.weighted_score(ARRAY[s.r_score, s.f_score, s.m_score]::float8[], s.weights) AS rfm_score,
               @extschema@.weighted_score(ARRAY[s.r_score, s.f_score, s.m_score]::float8[], s.weights)
               - @extschema@.weighted_score(ARRAY[s.then_r_score, s.then_f_score, s.then_m_score]::float8[], s.weights) AS rfm_score_change,
               CASE WHEN s.recency_days IS NULL THEN s.no_order_reason
                    WHEN s.r_score IS NULL OR s.f_score IS NULL OR s.m_score IS NULL THEN 'too_few_customers'
                    WHEN s.frequency = 0 THEN 'no_order_in_window' END AS score_reason
          FROM (WITH level AS (SELECT) SELECT f.tenant, f.customer_key, f.customer_id%2$s%3$s, f.known, f.history, f.as_of, f.version, f.weights, f.map_copy,
                       f.last_order_on, f.recency_days, f.frequency, f.monetary, f.mean_value, f.tenure_days, f.silence_ratio, f.no_order_reason,
                       @extschema@.score(f.recency_days, f.recency_thresholds, false) AS r_score,
                       CASE WHEN f.recency_days IS NULL THEN NULL WHEN f.frequency = 0 THEN 1
                            ELSE @extschema@.score(f.frequency, f.frequency_thresholds) END AS f_score,
                       CASE WHEN f.recency_days IS NULL THEN NULL WHEN f.frequency = 0 THEN 1
                            ELSE @extschema@.score(f.scored_value, f.monetary_thresholds) END AS m_score,
                       CASE WHEN f.recency_days IS NOT NULL THEN @extschema@.score(f.mean_value::float8, f.basket_thresholds) END AS basket_score,
                       @extschema@.score(f.then_recency_days, f.recency_thresholds, false) AS then_r_score%8$s,
                       CASE WHEN f.then_recency_days IS NULL THEN NULL WHEN f.then_frequency = 0 THEN 1
                            ELSE @extschema@.score(f.then_frequency, f.frequency_thresholds) END AS then_f_score,
                       CASE WHEN f.then_recency_days IS NULL THEN NULL WHEN f.then_frequency = 0 THEN 1
                            ELSE @extschema@.score(f.then_scored_value, f.monetary_thresholds) END AS then_m_score
                  FROM (%1$s) AS f
                 WHERE f.recency_days IS NOT NULL OR f.known <= f.as_of OR f.corrected) AS s) AS s
  LEFT JOIN %5$I.overridden_segments AS o ON o.customer_key = s.customer_key
   AND o.valid_from <= s.as_of AND (o.valid_until IS NULL OR o.valid_until >= s.as_of) AND (%6$s)$q$,
		@extschema@.model_facts(model, settings, question, customers), plain, dotted, segment, model, overridden, rule,
		@extschema@.model_predictions(settings, 'scores'));
END
$$;
COMMENT ON FUNCTION @extschema@.model_scores(name, jsonb, text, text[], text, boolean) IS 'internal: the query for facts, scores and segment of each customer';

-- The columns of customer_scores, of a query of model_scores, with labels.
CREATE FUNCTION @extschema@.model_wide(model name, settings jsonb, scores text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	money		text := format('numeric(24, %s)', settings ->> 'money_decimals');
	attributes	text;
BEGIN
	attributes := @extschema@.model_attribute_list(settings, ', s.%I');
	RETURN format($q$
SELECT s.customer_key, s.as_of, s.last_order_on, s.recency_days, s.frequency,
       s.monetary::%3$s AS monetary, s.mean_value::%3$s AS mean_value, s.tenure_days, s.silence_ratio,
       s.r_score, s.f_score, s.m_score, s.basket_score, s.rfm_code, s.rfm_score, s.rfm_score_change, s.score_reason%7$s%4$s,
       s.segment, l.label AS segment_label, l.display_order AS segment_order, l.color AS segment_color,
       s.segment_overridden, s.segment_by_rules,
       %5$s AS tenant, s.customer_id
  FROM (%2$s) AS s
  LEFT JOIN %1$I.segment_label AS l ON l.map = s.map_copy AND l.segment = s.segment AND l.language = %6$L$q$,
		model, scores, money, attributes,
		@extschema@.model_tenant(settings, 's'), settings ->> 'language', @extschema@.model_predictions(settings, 'wide'));
END
$$;
COMMENT ON FUNCTION @extschema@.model_wide(name, jsonb, text) IS 'internal: the query for the columns of customer_scores';

-- The columns of a query q that is to stand for an existing view: in the order of
-- the view, new ones last, one that is gone as NULL.
CREATE FUNCTION @extschema@.model_fit_columns(model name, view name, query text)
	RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	existing	regclass := format('%I.%I', model, view)::regclass;
	fresh		regclass;
	columns		text;
	different	text;
BEGIN
	EXECUTE format('CREATE VIEW %I.source_probe AS %s', model, query);
	fresh := format('%I.source_probe', model)::regclass;
	SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) INTO different
	  FROM pg_attribute AS a JOIN pg_attribute AS b USING (attname)
	 WHERE a.attrelid = existing AND b.attrelid = fresh AND a.attnum > 0 AND b.attnum > 0
	   AND (a.atttypid, a.atttypmod) IS DISTINCT FROM (b.atttypid, b.atttypmod);
	IF different IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('columns of view %I would change their type: %s', view, different),
			DETAIL = 'Whatever reads the view relies on the type.',
			HINT = 'Make another model, or give an attribute another name: customers as a SELECT.';
	END IF;
	SELECT string_agg(format(CASE WHEN f.attname IS NULL THEN 'NULL::%2$s%3$s AS %1$I'
					WHEN f.attcollation <> e.attcollation THEN 'q.%1$I%3$s AS %1$I' ELSE 'q.%1$I' END,
			   coalesce(f.attname, e.attname), format_type(e.atttypid, e.atttypmod),
			   CASE WHEN e.attcollation <> 0 THEN ' COLLATE ' || e.attcollation::regcollation ELSE '' END),
			   ', ' ORDER BY e.attnum, f.attnum) INTO columns
	  FROM (SELECT * FROM pg_attribute WHERE attrelid = existing AND attnum > 0) AS e
	  FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = fresh AND attnum > 0) AS f USING (attname);
	EXECUTE format('DROP VIEW %I.source_probe', model);
	RETURN columns;
END
$$;
COMMENT ON FUNCTION @extschema@.model_fit_columns(name, name, text) IS 'internal: the columns of a query in the order of a view';

-- Whoever was given the model to read by grant_reader reads what it gains later,
-- too. A role of the same name made since then has no grant on the schema.
CREATE FUNCTION @extschema@.model_let_read(model name, privilege text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	role	name;
BEGIN
	FOR role IN EXECUTE format('SELECT DISTINCT o.rolname FROM %I.reader AS r JOIN pg_roles AS o ON o.rolname = r.role'
		' JOIN pg_namespace AS n ON n.nspname = $1 AND n.nspowner <> o.oid'
		' WHERE EXISTS (SELECT FROM aclexplode(n.nspacl) AS a WHERE a.grantee = o.oid AND a.privilege_type = ''USAGE'') ORDER BY 1', model) USING model LOOP
		EXECUTE format('GRANT %s TO %I', privilege, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.model_let_read(name, text) IS 'internal: give the readers of a model a further privilege';

-- A view in its place: what depends on it stays, its columns keep their order,
-- new ones come last, and one that is gone is NULL.
CREATE FUNCTION @extschema@.model_put_view(model name, view name, query text, comment text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	name		text;
	words		text;
	attributes	text[];
	is_new		boolean := to_regclass(format('%I.%I', model, view)) IS NULL;
BEGIN
	IF NOT is_new THEN
		query := format('SELECT %s FROM (%s) AS q', @extschema@.model_fit_columns(model, view, query), query);
	END IF;
	EXECUTE format('CREATE OR REPLACE VIEW %I.%I WITH (security_barrier) AS %s', model, view, query);
	IF is_new THEN
		PERFORM @extschema@.model_let_read(model, format('SELECT ON %I.%I', model, view));
	END IF;
	EXECUTE format('COMMENT ON VIEW %I.%I IS %L', model, view, comment);
	-- attributes of earlier versions too, whose columns stay
	EXECUTE format('SELECT array_agg(DISTINCT u.a) FROM %I.configuration AS c CROSS JOIN LATERAL unnest(c.attributes || c.contact) AS u (a)'
		' WHERE $1 = ''customer_scores'' OR $1 ~ ''_customers$''', model) INTO attributes USING view;
	FOR name IN SELECT a.attname FROM pg_attribute AS a
				 WHERE a.attrelid = format('%I.%I', model, view)::regclass AND a.attnum > 0 AND NOT a.attisdropped LOOP
		words := CASE WHEN name = ANY (attributes) THEN 'attribute of the customer' ELSE @extschema@.model_column_comment(view, name) END;
		IF words IS NULL THEN
			RAISE invalid_parameter_value USING MESSAGE = format('column %I of view %I has no comment', name, view);
		END IF;
		EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', model, view, name, words);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.model_put_view(name, name, text, text) IS 'internal: make or replace a view of a model';

-- What the columns of all views mean. The same name is the same thing everywhere,
-- but for those that are here under the name of a view as well.
CREATE FUNCTION @extschema@.model_column_comment(view text, name text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(d.d OPERATOR(pg_catalog.->>) pg_catalog.concat(view, '.', name), d.d OPERATOR(pg_catalog.->>) name)
	  FROM (SELECT '{
		"customer_key": "the customer as text; unique, never NULL",
		"tenant": "the tenant of the customer; NULL in a model without tenants",
		"customer_id": "the customer as the source has it, as text",
		"as_of": "the day for which everything in this row is computed",
		"last_order_on": "day of the last order on or before as_of",
		"recency_days": "days from the last order to as_of",
		"frequency": "number of orders (or active days) in the window of the model",
		"monetary": "total of the window of the model, refunds included",
		"mean_value": "value of an order of the window on average",
		"tenure_days": "days from the first order to as_of",
		"silence_ratio": "recency_days divided by the usual gap between orders: 3 is three times longer silent than usual",
		"r_score": "recency score, 1 to the number of bins, the highest is best",
		"f_score": "frequency score, 1 to the number of bins, the highest is best",
		"m_score": "monetary score, 1 to the number of bins, the highest is best",
		"basket_score": "score of mean_value, 1 to the number of bins, the highest is best",
		"rfm_code": "the three scores: 545",
		"rfm_score": "weighted mean of the three scores",
		"rfm_score_change": "rfm_score minus what it was some days ago (90 unless the model says otherwise), both by the thresholds of today",
		"churn_probability": "probability that the customer will not order again, by the model of orders; see prediction_fits",
		"churn_reason": "what the plain rule on silence_ratio says beside it: bought_once, silent_longer_than_usual (three times the usual gap), within_usual_rhythm",
		"expected_orders_90d": "days with an order expected in the 90 days after as_of",
		"clv_12m": "lifetime value: what the customer is expected to bring in the 12 months after as_of, net of refunds as in the past, times margin, discounted",
		"clv_score": "third of the customers by clv_12m when the model was calibrated, 3 is the highest",
		"next_order_expected_on": "first day by which one further order is expected; NULL if not within three years",
		"propensity_90d": "probability of an order in the 90 days after as_of, by logistic regression",
		"prediction_reason": "why a prediction is missing",
		"score_reason": "why a score is missing or lowest: no_order, all_refunded (money came and went, and no order is left), no_order_in_window, too_few_customers",
		"segment": "the segment: a stable key, see the view segments",
		"segment_overridden": "whether a person has set the segment by override_segment",
		"segment_by_rules": "the segment by the rules of the map, whatever a person has said",
		"customers_overridden": "number of customers whose segment a person has set",
		"segment_label": "name of the segment in the language of the model",
		"segment_order": "order of the segments in lists and charts, best first",
		"segment_color": "color of the segment in charts, #RRGGBB",
		"role": "what the segment is in any map: vip, upsell, new, regular, at_risk, lapsed, prospect or other",
		"label": "name of the segment in the language of the model",
		"description": "who is in the segment",
		"action": "what to do with the customers of the segment",
		"previous_segment": "the segment before this one, as recorded by record_changes",
		"changed_on": "the as_of day on which record_changes saw the change; NULL if it saw none yet",
		"customers": "number of customers",
		"customers_share": "part of all customers, 0 to 1",
		"revenue": "total of monetary",
		"revenue_share": "part of the revenue of all customers, 0 to 1; a group with a revenue below zero has 0, and the others are parts of the rest",
		"mean_rfm_score": "rfm_score on average",
		"median_recency_days": "median of recency_days",
		"median_frequency": "median of frequency",
		"median_monetary": "median of monetary",
		"mean_m_score": "m_score on average",
		"dimension": "recency, frequency, monetary or basket",
		"score": "1 to the number of bins, the highest is best",
		"score_range": "the values that get the score, in words",
		"r_range": "the values that get r_score, in words",
		"f_range": "the values that get f_score, in words",
		"note": "why nobody has this score, where nobody can",
		"lower_bound": "the threshold below the values of this score",
		"upper_bound": "the threshold above the values of this score",
		"version": "version of the configuration",
		"valid_from": "as_of day from which the version is in force",
		"calibrated_customers": "number of customers from which the thresholds were taken",
		"attribute": "name of the attribute",
		"attribute_value": "its value, as text",
		"model": "name of the model",
		"source": "what the model scores, as it was given",
		"definition": "the query that is read: customer, day, value",
		"as_of_rule": "where as_of comes from",
		"time_zone": "the time zone whose days count",
		"segment_map": "the segment map that was copied",
		"refreshed_at": "when the source was read last",
		"fitted_on": "as_of day of the fits",
		"calibrated_on": "as_of day on which the thresholds were taken",
		"status": "ok, or what is wrong",
		"needs": "what to do",
		"live": "whether triggers on the source keep the model up to date",
		"pending_changes": "differences that apply_changes has not folded in yet; the views have them all the same",
		"reason": "why rows or customers are left out or worth a look",
		"unit": "what is counted: rows or customers",
		"minimum_group_size": "groups of fewer customers are not shown in summaries",
		"affected": "how many; NULL: not counted yet, see check_quality",
		"advice": "what to do about it",
		"explanation": "what it means",
		"checked_at": "when it was counted",
		"change_id": "rises with every change; read on from the highest you have seen",
		"recorded_at": "when the change was recorded",
		"tenants": "number of tenants that you see",
		"suppressed": "whether the numbers of the row are not shown, because they are about fewer customers than minimum_group_size or would give such numbers away",
		"last_event_on": "day of the last order; without any, of the last correction",
		"remove_on": "first day on which the customer is removed: retention_days without an order are over",
		"item": "what is said",
		"detail": "what is said of it",
		"thresholds.score_reason": "too_few_customers: why there are no thresholds; otherwise NULL",
		"thresholds.dimension": "recency, frequency, monetary or basket",
		"weights.dimension": "recency, frequency or monetary",
		"model_status.customers": "number of customers with a history that you see",
		"model_status.as_of": "the day for which the model answers now",
		"segment_changes.as_of": "the day for which the segments were computed when the change was recorded",
		"segment_changes.segment": "the segment after the change; NULL: the customer is there no longer",
		"segment_changes.previous_segment": "the segment before the change; NULL: the customer is new",
		"data_quality.customers": "how many customers are affected; NULL: not known",
		"fit": "what the fit is of: orders, spend or propensity",
		"family": "the family of the fit: mbgnbd, bgnbd, paretonbd, gammagamma or logit",
		"parameter": "name of a parameter; NULL where there is no fit",
		"value": "the parameter as fitted",
		"standard_error": "standard error of the parameter or coefficient",
		"log_likelihood": "logarithm of the likelihood of the fit",
		"prediction_fits.customers": "number of customers that were fitted",
		"prediction_fits.status": "converged, or what hindered it",
		"prediction_fits.reason": "why there is no fit",
		"prediction_fits.version": "version of the configuration that the fit belongs to",
		"predicted_customers": "number of those customers of whom something is predicted",
		"prediction_by_segment.expected_orders_90d": "days with an order expected of all of them in the 90 days after as_of",
		"prediction_by_segment.clv_12m": "what they are expected to bring in the 12 months after as_of, times margin, discounted",
		"clv_12m_share": "part of clv_12m of all segments, 0 to 1",
		"mean_churn_probability": "churn_probability on average",
		"mean_propensity_90d": "propensity_90d on average",
		"chosen_weight": "weight in rfm_score, as set",
		"chosen_share": "chosen_weight as part of the sum of the three, 0 to 1",
		"learnt_share": "part that the learnt coefficients give it, 0 to 1",
		"coefficient": "coefficient of the score in the regression of orders of the last 90 days on the scores before",
		"p": "p-value of the coefficient",
		"clipped": "whether the coefficient is negative, and learnt_share therefore 0",
		"split_on": "the last day that the fit knew",
		"until": "the last day that was compared",
		"days": "number of days that were compared: from split_on to until",
		"prediction_check.checked_at": "when check_prediction was called",
		"prediction_check.customers": "number of customers with an order by split_on",
		"prediction_check.status": "converged, or what hindered the fit",
		"prediction_check.reason": "why there is no fit",
		"expected_orders": "days with an order after split_on, as predicted",
		"actual_orders": "days with an order after split_on, as they came",
		"orders_bias": "expected_orders divided by actual_orders, minus 1",
		"expected_value": "value of the orders after split_on, as predicted",
		"actual_value": "value of the orders after split_on, as it came",
		"value_bias": "expected_value divided by actual_value, minus 1",
		"actual_active": "number of customers with an order after split_on",
		"mean_absolute_error": "error of the expected orders of a customer on average",
		"baseline_absolute_error": "the same of the simple rule that everybody goes on as before",
		"correlation": "correlation of expected and actual orders of a customer",
		"active_auc": "how well the expected orders tell those who came from those who did not: 0.5 is chance, 1 is perfect",
		"repeat_orders": "further days with an order by split_on; 7 is 7 or more",
		"repeat_orders_range": "repeat_orders in words",
		"prediction_by_frequency.customers": "number of customers with so many repeat orders",
		"expected_mean": "expected_orders of a customer on average",
		"actual_mean": "actual_orders of a customer on average",
		"week_end": "last day of the week",
		"is_holdout": "whether the week lies after split_on",
		"prediction_tracking.expected_orders": "further days with an order from the first day on until the end of the week, as the fit says",
		"prediction_tracking.actual_orders": "further days with an order from the first day on until the end of the week, as they came",
		"expected_in_week": "expected_orders of this week alone",
		"actual_in_week": "actual_orders of this week alone"
	}'::pg_catalog.jsonb AS d) AS d;
END;
COMMENT ON FUNCTION @extschema@.model_column_comment(text, text) IS 'internal: what a column of a model''s views means';

-- All views of a model, by its configuration.
CREATE FUNCTION @extschema@.model_make_views(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	question	text := @extschema@.model_question(model, settings);
	map			text := settings ->> 'map_copy';
	language	text := settings ->> 'language';
	money		text := format('numeric(24, %s)', settings ->> 'money_decimals');
	tenant		text := @extschema@.model_tenant(settings, 'q');
	attributes	text[] := @extschema@.model_attributes(settings);
	small		int := settings ->> 'minimum_group_size';
	scores		text := @extschema@.model_scores(model, settings, question, ARRAY[map]);
	shown		text := @extschema@.model_shown(settings, scores);
	list		record;
BEGIN
	PERFORM @extschema@.model_put_view(model, 'customer_scores', @extschema@.model_wide(model, settings, scores),
		'one row per customer: facts, scores and segment');

	PERFORM @extschema@.model_put_view(model, 'segments',
		format($q$SELECT l.segment::text AS segment, l.role::text AS role, l.label, l.description, l.action,
			l.display_order AS segment_order, l.color::text AS segment_color
			FROM %I.segment_label AS l WHERE l.map = %L AND l.language = %L ORDER BY l.display_order, l.segment$q$, model, map, language),
		'one row per segment of the segment map: what it is called, who is in it, what to do');

	PERFORM @extschema@.model_put_view(model, 'customer_segments',
		format($q$SELECT s.customer_key, s.segment, l.label AS segment_label, l.action,
			CASE WHEN r.segment IS DISTINCT FROM s.segment THEN r.segment ELSE r.previous_segment END::text AS previous_segment,
			CASE WHEN r.segment IS NOT DISTINCT FROM s.segment THEN r.changed_on END AS changed_on,
			s.segment_overridden, %5$s AS tenant, s.customer_id
			FROM (%4$s) AS s
			LEFT JOIN %1$I.segment_label AS l ON l.map = %2$L AND l.segment = s.segment AND l.language = %3$L
			LEFT JOIN %1$I.recorded_segments AS r ON r.customer_key = s.customer_key$q$, model, map, language,
			scores, @extschema@.model_tenant(settings, 's')),
		'one row per customer, made for CRM and reverse ETL: nothing in it changes while the segment stays');

	FOR list IN SELECT * FROM (VALUES ('vip_customers', 'vip', 'the best customers'),
			('upsell_customers', 'upsell', 'customers who could buy more at a time'),
			('new_customers', 'new', 'customers whose first order is recent'),
			('at_risk_customers', 'at_risk', 'good customers who have fallen silent')) AS v (view, role, comment) LOOP
		PERFORM @extschema@.model_put_view(model, list.view::name,
			format($q$SELECT s.customer_key, s.as_of, s.last_order_on, s.recency_days, s.frequency,
				s.monetary, s.mean_value, s.tenure_days, s.silence_ratio, s.rfm_code, s.rfm_score, s.rfm_score_change,
				s.segment, s.segment_label, s.segment_overridden, l.action%4$s, s.tenant, s.customer_id
				FROM %1$I.customer_scores AS s
				JOIN %1$I.segment_label AS l ON l.map = %2$L AND l.segment = s.segment AND l.language = %3$L
				WHERE l.role = %5$L%6$s ORDER BY s.monetary DESC, s.customer_key$q$, model, map, language,
				@extschema@.model_attribute_list(settings, ', s.%I'), list.role,
				-- lists are there to be acted on: whoever may not be contacted at all is in none
				(SELECT ' AND (' || string_agg(format('s.%I', c), ' OR ' ORDER BY n) || ')'
				   FROM unnest(@extschema@.model_names(settings, 'contact')) WITH ORDINALITY AS u (c, n))),
			format('%s: segments of role %s, by monetary', list.comment, list.role));
	END LOOP;

	PERFORM @extschema@.model_put_view(model, 'segment_summary',
		@extschema@.model_hide_groups(settings, shown, format($q$SELECT q.as_of, %4$s AS tenant, l.segment::text AS segment, l.label AS segment_label, l.role::text AS role,
			COALESCE(s.customers, 0) AS customers,
			COALESCE(s.customers, 0) / NULLIF(sum(s.customers) OVER w, 0)::float8 AS customers_share,
			COALESCE(s.revenue, 0)::%5$s AS revenue,
			(greatest(COALESCE(s.revenue, 0), 0) / NULLIF(sum(greatest(s.revenue, 0)) OVER w, 0))::float8 AS revenue_share,
			s.mean_rfm_score, s.median_recency_days, s.median_frequency, s.median_monetary::%5$s AS median_monetary,
			l.display_order AS segment_order, l.color::text AS segment_color, %7$s AS customers_overridden
			FROM (%6$s) AS q
			JOIN %1$I.segment_label AS l ON l.map = %2$L AND l.language = %3$L
			LEFT JOIN (SELECT c.tenant, c.segment, count(*) AS customers, count(*) FILTER (WHERE c.segment_overridden) AS overridden, sum(c.monetary) AS revenue, @extschema@.weighted_mean(c.rfm_score, 1) AS mean_rfm_score,
				percentile_cont(0.5) WITHIN GROUP (ORDER BY c.recency_days) AS median_recency_days,
				percentile_cont(0.5) WITHIN GROUP (ORDER BY c.frequency) AS median_frequency,
				percentile_cont(0.5) WITHIN GROUP (ORDER BY c.monetary::float8) AS median_monetary
				FROM %1$I.customer_scores AS c GROUP BY c.tenant, c.segment) AS s
			  ON s.segment = l.segment AND COALESCE(s.tenant, '') = q.tenant
			WINDOW w AS (PARTITION BY q.tenant)
			ORDER BY q.tenant, l.display_order, l.segment$q$, model, map, language, tenant, money, question,
				'COALESCE(s.overridden, 0)'),
			'{as_of,tenant,segment,segment_label,role,customers,customers_share,revenue,revenue_share,mean_rfm_score,median_recency_days,median_frequency,median_monetary,segment_order,segment_color,customers_overridden}',
			'{customers,customers_share,revenue,revenue_share,mean_rfm_score,median_recency_days,median_frequency,median_monetary,customers_overridden}',
			$q$'s:' || q.segment$q$, $q$'t'$q$, 'q.tenant', 'q.tenant, q.segment_order, q.segment',
			$q${"customers_overridden": ["'x:' || q.segment", "q.customers_overridden = 0"]}$q$),
		'customers and revenue by segment, empty ones included');

	PERFORM @extschema@.model_put_view(model, 'attribute_summary',
		@extschema@.model_hide_groups(settings, shown, CASE WHEN cardinality(attributes) = 0 THEN
			format($q$SELECT NULL::date AS as_of, NULL::text AS tenant, NULL::text AS attribute, NULL::text AS attribute_value,
				NULL::text COLLATE "C" AS segment, NULL::text AS segment_label, NULL::bigint AS customers, NULL::float8 AS customers_share,
				NULL::%s AS revenue, NULL::float8 AS revenue_share, NULL::int AS segment_order, NULL::text COLLATE "C" AS segment_color WHERE false$q$, money)
		WHEN small > 1 THEN
			-- values of fewer people have no rows, the others a row for every segment
			format($q$WITH counted AS MATERIALIZED (
				SELECT c.as_of, c.tenant, a.attribute, a.attribute_value, c.segment, c.segment_label, c.segment_order, c.segment_color::text AS segment_color,
					count(*) AS customers, sum(c.monetary) AS revenue
				FROM %1$I.customer_scores AS c CROSS JOIN LATERAL (VALUES %2$s) AS a (attribute, attribute_value)
				GROUP BY c.as_of, c.tenant, a.attribute, a.attribute_value, c.segment, c.segment_label, c.segment_order, c.segment_color)
				SELECT v.as_of, v.tenant, v.attribute, v.attribute_value, l.segment COLLATE "C" AS segment, l.segment_label,
				COALESCE(c.customers, 0) AS customers, COALESCE(c.customers, 0) / v.customers::float8 AS customers_share,
				COALESCE(c.revenue, 0)::%3$s AS revenue, (greatest(COALESCE(c.revenue, 0), 0) / NULLIF(v.revenue, 0))::float8 AS revenue_share,
				l.segment_order, l.segment_color
				FROM (SELECT c.as_of, c.tenant, c.attribute, c.attribute_value, sum(c.customers) AS customers, sum(greatest(c.revenue, 0)) AS revenue
					FROM counted AS c GROUP BY c.as_of, c.tenant, c.attribute, c.attribute_value HAVING sum(c.customers) >= %6$s) AS v
				CROSS JOIN (SELECT l.segment, l.label AS segment_label, l.display_order AS segment_order, l.color::text AS segment_color
					FROM %1$I.segment_label AS l WHERE l.map = %4$L AND l.language = %5$L
					UNION SELECT c.segment, c.segment_label, c.segment_order, c.segment_color FROM counted AS c) AS l
				LEFT JOIN counted AS c ON c.tenant IS NOT DISTINCT FROM v.tenant AND c.attribute = v.attribute
				  AND c.attribute_value IS NOT DISTINCT FROM v.attribute_value AND c.segment IS NOT DISTINCT FROM l.segment
				ORDER BY v.tenant, v.attribute, v.attribute_value, l.segment_order$q$, model,
				(SELECT string_agg(format('(%L, c.%I::text COLLATE "default")', a, a), ', ' ORDER BY n) FROM unnest(attributes) WITH ORDINALITY AS u (a, n)), money,
				map, language, small)
		ELSE
			-- numbers and days of many values by ranges, which follow from all of them
			format($q$SELECT b.as_of, b.tenant, b.attribute, b.attribute_value, b.segment, b.segment_label,
				sum(b.customers)::bigint AS customers,
				sum(b.customers) / NULLIF(sum(sum(b.customers)) OVER w, 0)::float8 AS customers_share,
				sum(b.revenue)::%3$s AS revenue,
				(greatest(sum(b.revenue), 0) / NULLIF(sum(greatest(sum(b.revenue), 0)) OVER w, 0))::float8 AS revenue_share,
				b.segment_order, b.segment_color::text AS segment_color
				FROM (SELECT r.as_of, r.tenant, r.attribute, r.segment, r.segment_label, r.segment_order, r.segment_color, r.customers, r.revenue,
						CASE WHEN r.kind IS NULL OR r.place_of_last <= 50 THEN r.attribute_value ELSE @extschema@.attribute_range(r.kind, r.number, r.low, r.high) END AS attribute_value
					FROM (SELECT d.*, max(d.place) OVER every AS place_of_last, min(d.number) OVER every AS low, max(d.number) OVER every AS high
						FROM (SELECT c.as_of, c.tenant, a.attribute, a.attribute_value, a.kind, a.number, c.segment, c.segment_label, c.segment_order, c.segment_color,
								count(*) AS customers, sum(c.monetary) AS revenue, dense_rank() OVER (PARTITION BY c.tenant, a.attribute ORDER BY a.attribute_value) AS place
							FROM %1$I.customer_scores AS c CROSS JOIN LATERAL (VALUES %2$s) AS a (attribute, attribute_value, kind, number)
							GROUP BY c.as_of, c.tenant, a.attribute, a.attribute_value, a.kind, a.number, c.segment, c.segment_label, c.segment_order, c.segment_color) AS d
						WINDOW every AS (PARTITION BY d.tenant, d.attribute)) AS r) AS b
				GROUP BY b.as_of, b.tenant, b.attribute, b.attribute_value, b.segment, b.segment_label, b.segment_order, b.segment_color
				WINDOW w AS (PARTITION BY b.tenant, b.attribute, b.attribute_value)
				ORDER BY b.tenant, b.attribute, b.attribute_value, b.segment_order$q$, model,
				(SELECT string_agg(format('(%1$L, c.%1$I::text COLLATE "default", %2$s)', u.a, CASE @extschema@.model_base_type(t.atttypid)
						WHEN 'date'::regtype THEN format($k$'day', CASE WHEN isfinite(c.%1$I) THEN c.%1$I - date '2000-01-01' END::numeric$k$, u.a)
						WHEN 'timestamp'::regtype THEN format($k$'day', CASE WHEN isfinite(c.%1$I) THEN c.%1$I::date - date '2000-01-01' END::numeric$k$, u.a)
						WHEN 'timestamptz'::regtype THEN format($k$'day', CASE WHEN isfinite(c.%1$I) THEN (c.%1$I AT TIME ZONE %2$L)::date - date '2000-01-01' END::numeric$k$, u.a, settings ->> 'time_zone')
						WHEN 'int2'::regtype THEN format($k$'whole', c.%I::numeric$k$, u.a) WHEN 'int4'::regtype THEN format($k$'whole', c.%I::numeric$k$, u.a)
						WHEN 'int8'::regtype THEN format($k$'whole', c.%I::numeric$k$, u.a)
						ELSE CASE WHEN @extschema@.model_base_type(t.atttypid) = ANY ('{numeric,float4,float8}'::regtype[]::oid[])
							THEN format($k$'number', CASE WHEN c.%1$I::numeric NOT IN ('NaN', 'Infinity', '-Infinity') THEN c.%1$I::numeric END$k$, u.a)
							ELSE 'NULL::text, NULL::numeric' END END), ', ' ORDER BY u.n)
				   FROM unnest(attributes) WITH ORDINALITY AS u (a, n)
				   JOIN pg_attribute AS t ON t.attrelid = format('%I.customer_scores', model)::regclass AND t.attname = u.a AND NOT t.attisdropped), money)
		END,
			'{as_of,tenant,attribute,attribute_value,segment,segment_label,customers,customers_share,revenue,revenue_share,segment_order,segment_color}',
			'{customers,customers_share,revenue,revenue_share}',
			format($q$'w' || array_position(%1$L::text[], q.attribute) || COALESCE(':' || q.segment, '') || '=' || COALESCE(':' || q.attribute_value, '')$q$, attributes),
			format($q$'v' || array_position(%1$L::text[], q.attribute) || COALESCE(':' || q.attribute_value, '')$q$, attributes),
			'q.tenant, q.attribute, q.segment', 'q.tenant, q.attribute, q.attribute_value, q.segment_order'),
		'customers and revenue by attribute, its value and segment; shares within a value');

	PERFORM @extschema@.model_put_view(model, 'thresholds',
		format($q$SELECT %2$s AS tenant, d.dimension, n.score,
			CASE WHEN d.dimension = 'recency' THEN t.thresholds[cardinality(t.thresholds) - n.score + 1] ELSE t.thresholds[n.score - 1] END AS lower_bound,
			CASE WHEN d.dimension = 'recency' THEN t.thresholds[cardinality(t.thresholds) - n.score + 2] ELSE t.thresholds[n.score] END AS upper_bound,
			@extschema@.score_range(%7$s, t.thresholds, n.score, %3$L, %4$s) AS score_range,
			q.version, k.valid_from, %8$s AS calibrated_customers,
			CASE WHEN t.thresholds IS NULL THEN 'too_few_customers' END AS score_reason
			FROM (%5$s) AS q
			JOIN (SELECT b.*, c.valid_from, c.bins FROM %1$I.calibration AS b JOIN %1$I.configuration AS c USING (version)) AS k
			  ON k.version = q.version AND k.tenant = q.tenant
			CROSS JOIN (VALUES (1, 'recency'), (2, 'frequency'), (3, 'monetary'), (4, 'basket')) AS d (position, dimension)
			CROSS JOIN LATERAL (SELECT CASE d.dimension WHEN 'recency' THEN q.recency_thresholds WHEN 'frequency' THEN q.frequency_thresholds
				WHEN 'monetary' THEN q.monetary_thresholds ELSE q.basket_thresholds END) AS t (thresholds)
			JOIN generate_series(1, %6$s) AS n (score) ON n.score <= COALESCE(cardinality(t.thresholds) + 1, k.bins)
			ORDER BY q.tenant, d.position, n.score$q$,
			-- the number of bins as a constant, so that the planner knows how few rows there are
			model, tenant, language, settings ->> 'money_decimals', question, settings ->> 'bins',
			CASE settings ->> 'monetary' WHEN 'mean' THEN 'CASE d.dimension WHEN ''monetary'' THEN ''mean'' ELSE d.dimension END' ELSE 'd.dimension' END,
			CASE WHEN small = 1 THEN 'k.customers' ELSE format('CASE WHEN k.customers >= %s THEN k.customers END', small) END),
		'the thresholds in force: which values get which score');

	PERFORM @extschema@.model_put_view(model, 'score_distribution',
		@extschema@.model_hide_groups(settings, shown, format($q$SELECT q.as_of, t.tenant, t.dimension, t.score, t.score_range, COALESCE(s.customers, 0) AS customers,
			COALESCE(s.customers, 0) / NULLIF(sum(s.customers) OVER w, 0)::float8 AS customers_share,
			COALESCE(s.revenue, 0)::%2$s AS revenue,
			(greatest(COALESCE(s.revenue, 0), 0) / NULLIF(sum(greatest(s.revenue, 0)) OVER w, 0))::float8 AS revenue_share,
			CASE WHEN t.score_reason IS NOT NULL THEN t.score_reason
				WHEN t.score_range = '-' THEN 'no value can get this score: many customers share the value at its threshold' END AS note
			FROM %1$I.thresholds AS t
			JOIN (%3$s) AS q ON q.tenant = COALESCE(t.tenant, '')
			LEFT JOIN (SELECT c.tenant, d.dimension, d.score, count(*) AS customers, sum(c.monetary) AS revenue
				FROM %1$I.customer_scores AS c
				CROSS JOIN LATERAL (VALUES ('recency', c.r_score), ('frequency', c.f_score), ('monetary', c.m_score), ('basket', c.basket_score)) AS d (dimension, score)
				WHERE d.score IS NOT NULL GROUP BY c.tenant, d.dimension, d.score) AS s
			  ON s.dimension = t.dimension AND s.score = t.score AND COALESCE(s.tenant, '') = COALESCE(t.tenant, '')
			WINDOW w AS (PARTITION BY t.tenant, t.dimension)
			ORDER BY t.tenant, array_position('{recency,frequency,monetary,basket}', t.dimension), t.score$q$, model, money, question),
			'{as_of,tenant,dimension,score,score_range,customers,customers_share,revenue,revenue_share,note}',
			'{customers,customers_share,revenue,revenue_share}', $q$q.dimension || ':' || q.score$q$, $q$'n:' || q.dimension$q$, 'q.tenant, q.dimension',
			$q$q.tenant, array_position('{recency,frequency,monetary,basket}', q.dimension), q.score$q$),
		'customers and revenue by score of each dimension, with the values that get it; empty scores included');

	PERFORM @extschema@.model_put_view(model, 'rfm_grid',
		@extschema@.model_hide_groups(settings, shown, format($q$SELECT q.as_of, %3$s AS tenant, r.score AS r_score, f.score AS f_score,
			@extschema@.score_range('recency', q.recency_thresholds, r.score, %4$L, %5$s) AS r_range,
			@extschema@.score_range('frequency', q.frequency_thresholds, f.score, %4$L, %5$s) AS f_range,
			COALESCE(s.customers, 0) AS customers,
			COALESCE(s.customers, 0) / NULLIF(sum(s.customers) OVER w, 0)::float8 AS customers_share,
			COALESCE(s.revenue, 0)::%2$s AS revenue,
			(greatest(COALESCE(s.revenue, 0), 0) / NULLIF(sum(greatest(s.revenue, 0)) OVER w, 0))::float8 AS revenue_share,
			s.mean_m_score::float8 AS mean_m_score
			FROM (%6$s) AS q
			JOIN generate_series(1, %7$s) AS r (score) ON r.score <= cardinality(q.recency_thresholds) + 1
			JOIN generate_series(1, %7$s) AS f (score) ON f.score <= cardinality(q.frequency_thresholds) + 1
			LEFT JOIN (SELECT c.tenant, c.r_score, c.f_score, count(*) AS customers, sum(c.monetary) AS revenue, avg(c.m_score) AS mean_m_score
				FROM %1$I.customer_scores AS c WHERE c.r_score IS NOT NULL GROUP BY c.tenant, c.r_score, c.f_score) AS s
			  ON s.r_score = r.score AND s.f_score = f.score AND COALESCE(s.tenant, '') = q.tenant
			WINDOW w AS (PARTITION BY q.tenant)
			ORDER BY q.tenant, r.score DESC, f.score$q$, model, money, tenant, language, settings ->> 'money_decimals', question, settings ->> 'bins'),
			'{as_of,tenant,r_score,f_score,r_range,f_range,customers,customers_share,revenue,revenue_share,mean_m_score}',
			'{customers,customers_share,revenue,revenue_share,mean_m_score}', $q$'g:' || q.r_score || ':' || q.f_score$q$, $q$'n:frequency'$q$, 'q.tenant',
			'q.tenant, q.r_score DESC, q.f_score'),
		'customers and revenue by recency and frequency score, empty cells included: a heat map in long form');
END
$$;
COMMENT ON FUNCTION @extschema@.model_make_views(name, jsonb) IS 'internal: make or replace all views of a model';

-- Freshness, and what was left out or is worth a look.
CREATE FUNCTION @extschema@.model_make_status(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	question	text := @extschema@.model_question(model, settings);
	tenant		text := @extschema@.model_tenant(settings, 'q');
BEGIN
	PERFORM @extschema@.model_put_view(model, 'model_status',
		format($q$SELECT %2$L::text AS model, c.source, c.source_query AS definition,
			%5$s AS as_of,
			CASE WHEN c.as_of IS NULL THEN 'today in time zone ' || c.time_zone ELSE 'pinned' END AS as_of_rule,
			c.time_zone, c.version, (SELECT max(k.calibrated_on) FROM %1$I.calibration AS k WHERE k.version = c.version) AS calibrated_on, c.segment_map, f.finished_at AS refreshed_at,
			p.customers,
			(SELECT count(*) FROM (%3$s) AS q WHERE q.tenant <> '') AS tenants,
			CASE WHEN p.missing IS NOT NULL THEN 'source missing' WHEN p.lost IS NOT NULL THEN 'incomplete' WHEN p.problem IS NOT NULL THEN 'rebuild needed'
				WHEN p.foreign_tokens > 0 THEN 'suppression key missing'
				WHEN p.uncalibrated > 0 THEN 'thresholds missing' ELSE 'ok' END AS status,
			CASE WHEN p.missing IS NOT NULL THEN 'bring back ' || array_to_string(p.missing, ', ') || ', or name another: alter_model(..., source => ..., customers => ...)' || COALESCE('; ' || p.lost, '')
				WHEN p.lost IS NOT NULL THEN p.lost
				WHEN p.problem IS NOT NULL THEN p.problem || ': mend it by alter_model or refresh_model'
				WHEN p.foreign_tokens > 0 THEN 'put the key that the suppression list was made with into suppression_key, then reapply_suppression'
				WHEN p.uncalibrated > 0 THEN 'once there are customers: calibrate_model' || CASE WHEN c.minimum_customers > 1 THEN format(' (%%s with an order at least)', c.minimum_customers) ELSE '' END
				WHEN p.left_out > 0 THEN format('nothing; rows left out that can''t be scored: %%s, see data_quality', p.left_out) END AS needs,
			c.live, (SELECT count(*) FROM %1$I.pending AS d JOIN (%3$s) AS q ON q.tenant = d.tenant) AS pending_changes, c.minimum_group_size
			FROM %1$I.configuration AS c
			LEFT JOIN LATERAL (SELECT max(r.finished_at) AS finished_at FROM %1$I.refreshes AS r) AS f ON true
			CROSS JOIN LATERAL (SELECT (SELECT count(*) FROM (%4$s) AS h JOIN (%3$s) AS q ON q.tenant = h.tenant) AS customers,
				@extschema@.model_missing(c.source_reads || c.customers_reads) AS missing,
				@extschema@.model_lost(%2$L, c.objects) AS lost,
				(SELECT count(*) FROM (%3$s) AS q WHERE q.recency_thresholds IS NULL OR q.frequency_thresholds IS NULL OR q.monetary_thresholds IS NULL) AS uncalibrated,
				%7$s AS foreign_tokens,
				CASE WHEN c.live THEN COALESCE(@extschema@.live_problem(%2$L, c.source_relation, c.source_columns, c.source_parts),
					(SELECT max(x.reason) FROM %1$I.rejects AS x WHERE x.needs_rebuild)) END AS problem,
				-- counts of rows are not known by tenant: for those who see all of them
				(SELECT r.rows_unconvertible + (SELECT COALESCE(sum(x.affected), 0) FROM %1$I.rejects AS x WHERE x.reason = 'unconvertible')
				   FROM %1$I.refreshes AS r WHERE %6$s ORDER BY r.refresh_id DESC LIMIT 1) AS left_out) AS p
			WHERE c.valid_until IS NULL$q$, model, model, question, @extschema@.model_histories(model, settings), @extschema@.model_as_of(),
			@extschema@.model_reader_condition(model, settings, 'CURRENT_USER', 'r.tenant IS NULL'), @extschema@.model_foreign_tokens(model)),
		'one row: what the model is, how fresh, and whether it needs anything');

	PERFORM @extschema@.model_put_view(model, 'segment_changes',
		format($q$SELECT c.change_id, c.recorded_at, c.as_of, c.customer_key, %2$s AS tenant, c.previous_segment::text AS previous_segment, c.segment::text AS segment
			FROM %1$I.recorded_changes AS c JOIN (%3$s) AS q ON q.tenant = c.tenant WHERE %4$s ORDER BY c.change_id$q$, model, tenant, question,
			@extschema@.model_may_be_shown(model, settings, 'c')),
		'the feed of changes recorded by record_changes, in order');
END
$$;
COMMENT ON FUNCTION @extschema@.model_make_status(name, jsonb) IS 'internal: the views about the state of a model';
