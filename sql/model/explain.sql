--
-- Layer 4: why a customer has a segment, what would lead to a better one, and who
-- is one order away.
--

-- What of a history was there on a day.
CREATE FUNCTION @extschema@._history_until(history @extschema@.history, day date)
	RETURNS @extschema@.history
	AS 'MODULE_PATHNAME', 'history_until'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._history_until(@extschema@.history, date) IS
	'internal: a history without what came after a day';

-- Which labels to take: of the language that is asked for, fr for fr-CA, English
-- like the words around them; of the model's language where none is asked for.
CREATE FUNCTION @extschema@._explain_label_rank(label_language text, asked text, language text)
	RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN label_language OPERATOR(pg_catalog.=) COALESCE(asked, language) THEN 1
		WHEN label_language OPERATOR(pg_catalog.=) pg_catalog.lower(pg_catalog.split_part(
			pg_catalog.translate(pg_catalog."left"(COALESCE(asked, language), 10), '_', '-'), '-', 1)) THEN 2
		WHEN label_language OPERATOR(pg_catalog.=) 'en' THEN 3
		WHEN label_language OPERATOR(pg_catalog.=) language THEN 4
		ELSE 5 END;
END;
COMMENT ON FUNCTION @extschema@._explain_label_rank(text, text, text) IS
	'internal: how well the language of a label fits';

-- The functions of a model that explanations are made from.
CREATE FUNCTION @extschema@._model_explanations(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		text := quote_ident(model);
	in_force	text := @extschema@._in_force('$2');
	as_of		text := format('COALESCE($2, %s)', @extschema@._model_as_of());
	money		text := @extschema@._model_money(settings);
	language	text := quote_literal(settings ->> 'language');
	one			text := @extschema@._fill(
		'one AS MATERIALIZED (SELECT o.* FROM {one} AS o WHERE o.customer_key = $1)',
		'one', @extschema@._here(model, settings, '_customers', '$1'));
	-- a level of its own: one addition, not one for every column
	given		text := '(WITH level AS (SELECT) SELECT o.tenant, o.customer_key, o.customer_id, o.known'
		|| replace(@extschema@._model_attribute_list(settings, ', o.%I'), '%', '%%')
		|| @extschema@._model_account(settings, ', o.of_account')
		|| CASE WHEN @extschema@._has_streams(settings) THEN ', o.streams' ELSE '' END
		|| ', %s AS history FROM %s AS o)';
	maps		text[];
BEGIN
	EXECUTE format('SELECT array_agg(DISTINCT map_copy ORDER BY map_copy) FROM %I.configuration', model) INTO maps;

	-- One customer: everything that an explanation says of them. Of a customer who
	-- is not there, or not for this reader, only what is true of all.
	RETURN NEXT @extschema@._model_function('score_explanation',
		'{customer text,as_of date,language text}', 'SETOF jsonb',
		@extschema@._fill($q$
WITH {one} SELECT jsonb_build_object(
	'as_of', {as_of}, 'version', c.version, 'bins', c.bins,
	'window_days', c.window_days, 'monetary', c.monetary, 'frequency', c.frequency,
	'weights', c.weights, 'language', c.language, 'money_decimals', c.money_decimals, 'attributes', c.attributes,
	'prediction', c.prediction, 'purpose', c.purpose, 'legal_basis', c.legal_basis,
	'labels', (SELECT jsonb_object_agg(l.segment, jsonb_build_object(
	                      'label', l.label, 'role', l.role, 'action', l.action, 'order', l.display_order))
	             FROM (SELECT DISTINCT ON (l.segment) l.*
	                     FROM {model}.segment_label AS l WHERE l.map = c.map_copy
	                    ORDER BY l.segment,
	                             @extschema@._explain_label_rank(l.language, $3, c.language), l.language) AS l),
	'of_now', {of_now},
	'read_columns', (SELECT jsonb_agg(DISTINCT w.name) FROM {model}.segment_rule AS r
	                  CROSS JOIN LATERAL jsonb_path_query(r.conditions, 'strict $.**.column') AS w (name)
	                 WHERE r.map = c.map_copy),
	'read_amounts', (SELECT jsonb_agg(DISTINCT jsonb_build_object('column', w.condition ->> 'column', 'value', v.v))
	                   FROM {model}.segment_rule AS r
	                  CROSS JOIN LATERAL jsonb_path_query(r.conditions,
	                      'strict $.** ? (@.column == "monetary" || @.column == "mean_value")') AS w (condition)
	                  CROSS JOIN LATERAL jsonb_path_query(w.condition,
	                      'lax $.value[*] ? (@.type() == "number")') AS v (v)
	                 WHERE r.map = c.map_copy),
	'customer', (SELECT to_jsonb(s)
	                - '{history,streams,tenant,known,of_account,weights,version,map_copy,as_of{inside}}'::text[]
	                || jsonb_build_object('thresholds', jsonb_build_object(
	                    'recency', q.recency_thresholds, 'frequency', q.frequency_thresholds,
	                    'monetary', q.monetary_thresholds, 'basket', q.basket_thresholds),
	                'median_value', q.median_value, 'events', @extschema@.frequency(s.history, q.as_of, q.window_days),
	                'rule', (SELECT to_jsonb(r) FROM {model}.segment_rule AS r
	                          WHERE r.map = c.map_copy
	                            AND r.position = s.rule_position){cards}{satisfaction}{propensity}{clusters})
	               FROM (SELECT q.* FROM {model}._question_at($2, NULL, false, 0, $4) AS q
	                      WHERE q.tenant IN (SELECT o.tenant FROM one AS o)) AS q
	                  , LATERAL ({scores}) AS s))
  FROM {model}.configuration AS c WHERE {in_force} ORDER BY c.version DESC LIMIT 1$q$,
			'model', home, 'one', one, 'as_of', as_of, 'in_force', in_force,
			-- what the rules of a past day read of now
			'of_now', coalesce('(SELECT ' || @extschema@._list_rules_of_now(model, settings, in_force)
				|| format(' WHERE $2 < (SELECT %s FROM %s.configuration AS c WHERE c.valid_until IS NULL))',
					@extschema@._model_as_of(), home), 'NULL::text'),
			'cards', coalesce(E',\n\t                ''cards'', '
				|| @extschema@._card_explanations(settings, 'COALESCE($3, c.language)'), ''),
			'satisfaction', CASE WHEN @extschema@._satisfaction_prior(settings) = '' THEN '' ELSE
				', ''mean_of_all'', q.satisfaction_mean, ''weight_of_all'', q.satisfaction_weight' END,
			'propensity', CASE WHEN settings ->> 'prediction' IS NULL THEN '' ELSE
				format(E',\n\t                ''propensity'','
					' (SELECT jsonb_agg(to_jsonb(p) ORDER BY p.rank) FROM %s AS p)',
					@extschema@._propensity_parts(settings, 's')) END,
			'inside', CASE WHEN @extschema@._has_clusters(settings) THEN ',cluster_fit,cluster_point' ELSE '' END,
			'clusters', CASE WHEN @extschema@._has_clusters(settings) THEN E',\n\t                ''clusters'','
				' jsonb_build_object(''names'', s.cluster_fit -> ''names'','
				' ''distances'', @extschema@._cluster_distances(s.cluster_fit, s.cluster_point))' ELSE '' END,
			'scores', @extschema@._model_levels(model, settings, '(SELECT q.*)',
				format(given, 'o.history', 'one'), maps, with_rule => true)),
		'what explain_score says, for programs; without a customer only what is true of all');

	-- One customer with orders that they have not placed, each step for itself.
	RETURN NEXT @extschema@._model_function('scores_with_orders',
		'{customer text,as_of date,after_days int[],orders int[],value numeric[]}',
		'TABLE (step int, as_of date, rfm_code text, rfm_score float8, segment text, segment_order int)',
		@extschema@._fill($q$
WITH {one}, known AS MATERIALIZED {known}
SELECT q.step, q.as_of, s.rfm_code, s.rfm_score, s.segment_by_rules::text, l.display_order
  FROM (SELECT q.*, d.n::int AS step, d.orders, d.value
          FROM ROWS FROM (unnest($3), unnest($4), unnest($5)) WITH ORDINALITY AS d (after_days, orders, value, n)
         CROSS JOIN LATERAL {model}._question_at($2, NULL, false, d.after_days, $6) AS q
         WHERE q.tenant IN (SELECT o.tenant FROM one AS o)) AS q
 CROSS JOIN LATERAL ({scores}) AS s
  LEFT JOIN LATERAL (SELECT min(l.display_order) AS display_order FROM {model}.segment_label AS l
                      WHERE l.map = q.map_copy AND l.segment = s.segment_by_rules
                        AND l.language = {language}) AS l ON true
 ORDER BY q.step$q$,
			'model', home, 'one', one, 'language', language,
			'scores', @extschema@._model_levels(model, settings, '(SELECT q.*)', format(given, $h$
				CASE WHEN q.orders > 0 THEN o.history
					OPERATOR(@extschema@.+) (SELECT @extschema@.sum(@extschema@.history(n.day, n.value))
					FROM (SELECT q.as_of AS day, q.value FROM generate_series(1, least(q.orders, 100))) AS n)
					ELSE o.history END$h$, 'known'), maps),
			'known', format(given, @extschema@._fill('@extschema@._history_until(o.history,'
				' (SELECT {as_of} FROM {model}.configuration AS c WHERE {in_force} ORDER BY c.version DESC LIMIT 1))',
				'model', home, 'as_of', as_of, 'in_force', in_force), 'one')),
		'the scores and the segment by the rules that a customer would have after_days days after as_of'
		' if they placed that many orders of that value then, and nothing else happened');

	-- Everybody with one order more. Those who then get the segment are read again
	-- without that order.
	RETURN NEXT @extschema@._model_function('near_misses', '{segment text,amount numeric,as_of date,language text}',
		'TABLE (customer_key text, as_of date, segment text, segment_label text, rfm_code text, rfm_score float8,'
		' last_order_on date, recency_days int, frequency bigint, monetary numeric, step_amount numeric,'
		' rfm_code_then text, tenant text)',
		@extschema@._fill($q$
WITH question AS MATERIALIZED (
	SELECT q.*, COALESCE($2, round(q.median_value::numeric, {decimals})) AS step_amount
	  FROM {model}._question_at($3, NULL, false, 0, $5) AS q
), places AS MATERIALIZED (
	SELECT x.map, x.segment, min(x.display_order) FILTER (WHERE x.language = {language}) AS place,
	       (array_agg(x.label
	                  ORDER BY @extschema@._explain_label_rank(x.language, $4, {language}), x.language))[1] AS label
	  FROM {model}.segment_label AS x WHERE x.map IN (SELECT q.map_copy FROM question AS q) GROUP BY x.map, x.segment)
SELECT s.customer_key::text, s.as_of, s.segment::text, l.label, s.rfm_code, s.rfm_score, s.last_order_on,
       s.recency_days, s.frequency,
       s.monetary::{money}, s.step_amount, s.rfm_code_then, {tenant}
  FROM (WITH level AS (SELECT) SELECT s.*, w.step_amount, n.rfm_code AS rfm_code_then
          FROM ({then}) AS n, question AS w, LATERAL ({now}) AS s
         WHERE w.tenant = n.tenant AND n.segment = $1{contact}) AS s, places AS l, places AS t
 WHERE l.map = s.map_copy AND l.segment = s.segment AND t.map = s.map_copy AND t.segment = $1 AND t.place < l.place
 ORDER BY s.monetary DESC, s.customer_key$q$,
			'model', home, 'language', language, 'decimals', settings ->> 'money_decimals', 'money', money,
			'tenant', @extschema@._model_tenant(settings, 's'),
			'then', @extschema@._model_levels(model, settings,
				'(SELECT q.* FROM question AS q WHERE q.step_amount IS NOT NULL)',
				format(given, 'o.history OPERATOR(@extschema@.+) o.added',
					@extschema@._fill($h$(SELECT o.*, w.added FROM {customers} AS o
					JOIN (SELECT q.tenant, @extschema@.history(q.as_of, q.step_amount) AS added
							FROM question AS q WHERE q.step_amount IS NOT NULL) AS w ON w.tenant = o.tenant)$h$,
					'customers', @extschema@._here(model, settings, '_customers'))), maps),
			'now', @extschema@._model_levels(model, settings, '(SELECT w.*)',
				format(given, 'o.history OPERATOR(@extschema@.-) @extschema@.history(w.as_of, w.step_amount)',
					'(SELECT n.*)'), maps),
			'contact', coalesce((SELECT ' AND (' || string_agg(format('n.%I', c), ' OR ' ORDER BY x) || ')'
			   FROM unnest(@extschema@._model_names(settings, 'contact')) WITH ORDINALITY AS u (c, x)), '')));
END
$$;
COMMENT ON FUNCTION @extschema@._model_explanations(name, jsonb) IS
	'internal: the functions of a model that explanations are made from';

-- The functions of these names in the schema of a model. Their declaration here
-- says what they have to be.
CREATE FUNCTION @extschema@._score_explanation(model name, customer text, as_of date, language text)
	RETURNS SETOF jsonb
	LANGUAGE C STABLE PARALLEL UNSAFE ROWS 1
	AS 'MODULE_PATHNAME', 'call_model_function';
COMMENT ON FUNCTION @extschema@._score_explanation(name, text, date, text) IS 'internal: call this function of a model';

CREATE FUNCTION @extschema@._scores_with_orders(model name, customer text, as_of date, after_days int[],
	orders int[], value numeric[])
	RETURNS TABLE (step int, as_of date, rfm_code text, rfm_score float8, segment text, segment_order int)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'call_model_function';
COMMENT ON FUNCTION @extschema@._scores_with_orders(name, text, date, int[], int[], numeric[]) IS
	'internal: call this function of a model';

CREATE FUNCTION @extschema@._near_misses(model name, segment text, amount numeric, as_of date, language text)
	RETURNS TABLE (customer_key text, as_of date, segment text, segment_label text, rfm_code text, rfm_score float8,
		last_order_on date,
		recency_days int, frequency bigint, monetary numeric, step_amount numeric, rfm_code_then text, tenant text)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'call_model_function';
COMMENT ON FUNCTION @extschema@._near_misses(name, text, numeric, date, text) IS
	'internal: call this function of a model';

-- The smallest steps to better segments, the smallest of all first. Scores
-- change where a total or a mean passes a threshold and nowhere between, so
-- these amounts, give or take the last decimal, are all that must be tried.
CREATE FUNCTION @extschema@._explain_steps(home name, customer text, as_of date, info jsonb)
	RETURNS TABLE (segment text, orders int, amount numeric, up_to numeric, last_day date)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	decimals	int := info ->> 'money_decimals';
	unit		numeric := power(10::numeric, -(info ->> 'money_decimals')::int);
	person		jsonb := info -> 'customer';
	median		numeric := round((person ->> 'median_value')::numeric, decimals);
	total		numeric := coalesce((person ->> 'monetary')::numeric, 0);
	events		bigint := coalesce((person ->> 'events')::bigint, 0);
	horizon		int := least(greatest(400, (info ->> 'window_days')::int + 1), 1100,
		date '5874897-12-31' - (info ->> 'as_of')::date);
	tried		int[];
	amounts		numeric[];
	best		int;			-- display order of the best segment so far
	way			record;
	trial		record;
BEGIN
	IF unit > median THEN
		median := unit;
	END IF;
	SELECT array_agg(c.n ORDER BY c.n, c.x), array_agg(c.x ORDER BY c.n, c.x) INTO tried, amounts
	  FROM (SELECT 0 AS n, 0::numeric AS x
			UNION SELECT n, x FROM generate_series(1, 3) AS n, unnest(ARRAY[unit, median]) AS x WHERE x IS NOT NULL
			UNION
			SELECT b.n, y.x
			  FROM (SELECT n, floor(
						   (CASE WHEN t.is_mean THEN t.t::numeric * (events + n) ELSE t.t::numeric END - total)
						   / n / unit) * unit AS below
					  FROM generate_series(1, 3) AS n,
						   (SELECT v::float8, info ->> 'monetary' = 'mean'
							  FROM jsonb_array_elements_text(nullif(person #> '{thresholds,monetary}', 'null')) AS v
							UNION ALL
							SELECT v::float8, true
							  FROM jsonb_array_elements_text(nullif(person #> '{thresholds,basket}', 'null')) AS v
							UNION ALL		-- conditions on amounts themselves
							SELECT (v ->> 'value')::float8, v ->> 'column' = 'mean_value'
							  FROM jsonb_array_elements(nullif(info -> 'read_amounts', 'null')) AS v
							 WHERE abs((v ->> 'value')::numeric) < 1e15) AS t (t, is_mean)) AS b,
				   unnest(ARRAY[b.below - unit, b.below, b.below + unit, b.below + 2 * unit]) AS y (x)
			 WHERE y.x >= unit AND y.x < 1000000000000) AS c;
	FOR way IN EXECUTE format($q$
		WITH tried AS MATERIALIZED (
			SELECT w.orders, w.value, s.segment, s.segment_order
			  FROM @extschema@._scores_with_orders(%L, $1::text, $2::date, $3::int[], $4::int[], $5::numeric[]) AS s
			  JOIN ROWS FROM (unnest($4::int[]), unnest($5::numeric[])) WITH ORDINALITY AS w (orders, value, step)
					   USING (step))
		SELECT r.orders, r.value, r.segment, r.segment_order, r.now_order,
			   (SELECT max(o.value) FROM tried AS o WHERE o.orders = r.orders AND o.value < r.fails) AS up_to,
			   coalesce((SELECT max(o.value) FROM tried AS o
						  WHERE o.orders = r.orders AND o.value < r.value), 0) AS below
		  FROM (SELECT t.orders, t.value, t.segment, t.segment_order, n.segment_order AS now_order,
					   (SELECT min(o.value) FROM tried AS o
						 WHERE o.orders = t.orders AND o.value > t.value
						   AND (o.segment_order <= t.segment_order) IS NOT TRUE) AS fails
				  FROM tried AS t JOIN tried AS n ON n.orders = 0) AS r
		 WHERE r.orders > 0 AND r.segment_order < r.now_order AND (r.value <= 10 * $6 OR $6 IS NULL)
		 ORDER BY r.orders, r.value$q$, home)
		USING customer, as_of, array_fill(0, ARRAY[cardinality(tried)]), tried, amounts, median LOOP
		-- the smallest of all, whatever more money would do; then only steps of
		-- which more is never worse
		CONTINUE WHEN way.segment_order >= best OR best IS NOT NULL AND way.up_to IS NOT NULL;
		best := way.segment_order;
		-- a lifetime value is no step function of the amount: it passes its
		-- threshold somewhere after the last amount that was too small
		WHILE info -> 'read_columns' ?| '{clv_12m,clv_score}' AND way.value - way.below > unit LOOP
			EXECUTE format($q$
				SELECT min(p.x) FILTER (WHERE s.segment = $6),
					   max(p.x) FILTER (WHERE s.segment IS DISTINCT FROM $6 AND p.x < $7)
				  FROM @extschema@._scores_with_orders(%L, $1::text, $2::date,
						   array_fill(0, ARRAY[cardinality($4)]), array_fill($3::int, ARRAY[cardinality($4)]),
						   $4::numeric[]) AS s
				  JOIN unnest($4::numeric[]) WITH ORDINALITY AS p (x, step) USING (step)$q$, home)
				INTO trial USING customer, as_of, way.orders,
					ARRAY(SELECT DISTINCT trunc((way.below + (way.value - way.below) * i / 64) / unit) * unit
							FROM generate_series(1, 64) AS i),
					NULL, way.segment, way.value;
			EXIT WHEN trial.min IS NULL OR trial.min >= way.value AND coalesce(trial.max, way.below) <= way.below;
			way.below := coalesce((SELECT max(x) FROM unnest(ARRAY[way.below, trial.max]) AS x
									WHERE x < trial.min), way.below);
			way.value := trial.min;
		END LOOP;
		segment := way.segment;
		orders := way.orders;
		amount := round(way.value, decimals);
		up_to := round(way.up_to, decimals);
		EXECUTE format($q$
			SELECT CASE WHEN count(*) FILTER (WHERE s.segment IS DISTINCT FROM $5) > 0
						THEN min(s.as_of) FILTER (WHERE s.segment IS DISTINCT FROM $5) - 1 END
			  FROM @extschema@._scores_with_orders(%L, $1::text, $2::date,
					   ARRAY(SELECT generate_series(1, $6)), array_fill($3::int, ARRAY[$6]),
					   array_fill($4::numeric, ARRAY[$6])) AS s$q$, home)
			INTO last_day USING customer, as_of, orders, amount, segment, horizon;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_steps(name, text, date, jsonb) IS
	'internal: the smallest steps of a customer to better segments:'
	' orders, the least amount of each and the greatest, if there is one;'
	' last_day is the last on which it leads there, NULL if there is none within 400 days or the window';

-- one order of any amount; two orders of at least 20.00 each
CREATE FUNCTION @extschema@._explain_orders(orders int, amount numeric, up_to numeric, decimals int, language text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._explain_text(pg_catalog.concat('orders ', orders, CASE
			WHEN up_to OPERATOR(pg_catalog.=) amount THEN ' exact' WHEN l.least AND up_to IS NULL THEN ' any'
			WHEN l.least THEN ' most' WHEN up_to IS NULL THEN ' least' ELSE ' range' END),
		language, CASE WHEN l.least AND up_to IS NOT NULL THEN @extschema@._explain_number(up_to, decimals, language)
			ELSE @extschema@._explain_number(amount, decimals, language) END,
			@extschema@._explain_number(up_to, decimals, language))
	  FROM (SELECT amount
			OPERATOR(pg_catalog.=) pg_catalog.power(10::pg_catalog."numeric", (- decimals)::pg_catalog."numeric")
		   ) AS l (least);
END;
COMMENT ON FUNCTION @extschema@._explain_orders(int, numeric, numeric, int, text) IS 'internal: a step in words';

CREATE FUNCTION @extschema@._explain_weight(x float8, language text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE language WHEN 'fr' THEN pg_catalog.replace(t.t, '.', ',') ELSE t.t END
	  FROM (SELECT pg_catalog.trim_scale(pg_catalog.round(x::pg_catalog."numeric", 3))::pg_catalog.text) AS t (t);
END;
COMMENT ON FUNCTION @extschema@._explain_weight(float8, text) IS 'internal: a weight as it is written in a language';

-- For the customers themselves: sentences on what is used. No scores, no segment,
-- nothing from which thresholds or the place among others could be told.
CREATE FUNCTION @extschema@._explain_to_customer(info jsonb, language text)
	RETURNS TABLE ("position" int, topic text, value text, explanation text, score int, weight float8,
		contribution float8, last_day date)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH known AS (
		SELECT info -> 'customer' AS person, (info #>> '{customer,last_order_on}')::date AS last_order,
			   (info ->> 'as_of')::date AS as_of, (info #>> '{customer,frequency}')::bigint AS orders,
			   (info ->> 'window_days')::int AS days, (info ->> 'money_decimals')::int AS decimals)
	SELECT (row_number() OVER (ORDER BY s.n))::int, s.topic, s.value, s.explanation,
		   NULL::int, NULL::float8, NULL::float8, NULL::date
	  FROM known AS k
	 CROSS JOIN LATERAL (SELECT CASE WHEN k.days IS NULL THEN ''
		WHEN k.days IN (365, 366) THEN @extschema@._explain_text('in the last months', language, '12')
			WHEN k.days IN (730, 731) THEN @extschema@._explain_text('in the last months', language, '24')
			ELSE @extschema@._explain_text('in the last days', language, k.days::text) END) AS w (in_window)
	 CROSS JOIN LATERAL (VALUES
		(1, 'orders', k.orders::text,
			CASE WHEN k.last_order IS NULL
				THEN @extschema@._explain_text(CASE WHEN k.person ->> 'score_reason' = 'all_refunded'
					THEN 'you were refunded' ELSE 'you never ordered' END, language)
				ELSE @extschema@._explain_text(CASE WHEN k.orders = 0 THEN 'you ordered 0'
					ELSE 'you ordered' || CASE info ->> 'frequency' WHEN 'active_days' THEN ' days' ELSE '' END
					|| CASE WHEN k.orders = 1 THEN ' 1' ELSE '' END END, language,
					VARIADIC CASE WHEN k.orders IN (0, 1) THEN ARRAY[w.in_window]
						ELSE ARRAY[@extschema@._explain_number(k.orders, 0, language), w.in_window] END) END),
		(2, 'first_order', @extschema@._explain_iso(k.as_of - (k.person ->> 'tenure_days')::int),
			@extschema@._explain_text('your first order', language,
				@extschema@._explain_day(k.as_of - (k.person ->> 'tenure_days')::int, language))),
		(3, 'last_order', @extschema@._explain_iso(k.last_order),
			@extschema@._explain_text('your last order', language, @extschema@._explain_day(k.last_order, language))),
		(4, 'amount', @extschema@._explain_number((k.person ->> 'monetary')::numeric, k.decimals, language),
			CASE WHEN k.orders > 0 THEN @extschema@._explain_text('your total', language, w.in_window,
				@extschema@._explain_number((k.person ->> 'monetary')::numeric, k.decimals, language)) END),
		(5, 'mean', @extschema@._explain_number((k.person ->> 'mean_value')::numeric, k.decimals, language),
			CASE WHEN k.orders > 0 AND (info ->> 'monetary' = 'mean' OR info -> 'read_columns' ? 'basket_score')
				THEN @extschema@._explain_text('your mean', language, w.in_window,
					@extschema@._explain_number((k.person ->> 'mean_value')::numeric, k.decimals, language)) END),
		(6, 'data', NULL, @extschema@._explain_text('we use', language,
			CASE WHEN jsonb_array_length(nullif(info -> 'attributes', 'null')) > 0
				THEN @extschema@._explain_text('we use record', language,
					(SELECT string_agg(a, ', ' ORDER BY o)
					   FROM jsonb_array_elements_text(info -> 'attributes') WITH ORDINALITY AS u (a, o)))
				ELSE '' END, @extschema@._explain_day(k.as_of, language))),
		(7, 'by_hand', NULL, CASE WHEN (k.person ->> 'segment_overridden')::boolean
			THEN @extschema@._explain_text('by hand', language) END),
		(8, 'prediction', NULL,
			CASE WHEN coalesce(k.person ->> 'churn_probability', k.person ->> 'propensity_90d') IS NOT NULL
				THEN @extschema@._explain_text('we predict', language) END),
		(9, 'cluster', NULL, CASE WHEN k.person ->> 'cluster' IS NOT NULL
			THEN @extschema@._explain_text('we group', language) END),
		(10, 'purpose', info ->> 'purpose', @extschema@._explain_text('purpose', language, info ->> 'purpose')),
		(11, 'legal_basis', info ->> 'legal_basis',
			@extschema@._explain_text('legal basis', language, info ->> 'legal_basis')),
		(12, 'rights', NULL, @extschema@._explain_text('may object', language))) AS s (n, topic, value, explanation)
	 WHERE s.explanation IS NOT NULL
	   AND (s.topic NOT IN ('first_order', 'last_order', 'amount', 'mean', 'purpose', 'legal_basis')
			OR s.value IS NOT NULL)
	 ORDER BY s.n
$$;
COMMENT ON FUNCTION @extschema@._explain_to_customer(jsonb, text) IS 'internal: what a customer is told';

-- Each score with how it came about, and what they come to; no rows for people who
-- have not ordered.
CREATE FUNCTION @extschema@._explain_scores(info jsonb, language text)
	RETURNS TABLE (topic text, value text, explanation text, score int, weight float8, contribution float8)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5
	SET search_path = pg_catalog, pg_temp
	SET extra_float_digits = 1		-- thresholds come as jsonb, with all their digits
	AS $$
DECLARE
	person		jsonb := info -> 'customer';
	bins		int := info ->> 'bins';
	decimals	int := info ->> 'money_decimals';
	days		text;			-- of the window
	weights		float8[];
	weight_sum	float8;
	step		record;
	words		text;
BEGIN
	IF person ->> 'recency_days' IS NULL THEN
		RETURN;
	END IF;
	days := CASE WHEN info ->> 'window_days' IS NULL THEN ''
		ELSE @extschema@._explain_text('in window', language, info ->> 'window_days') END;
	SELECT array_agg(w::float8 ORDER BY o) INTO weights
		FROM jsonb_array_elements_text(info -> 'weights') WITH ORDINALITY AS u (w, o);
	weight_sum := CASE WHEN person ->> 'r_score' IS NULL THEN 0 ELSE weights[1] END
		+ CASE WHEN person ->> 'f_score' IS NULL THEN 0 ELSE weights[2] END
		+ CASE WHEN person ->> 'm_score' IS NULL THEN 0 ELSE weights[3] END;
	FOR step IN SELECT d.*, (person ->> d.score_name)::int AS score, t.thresholds,
			@extschema@._explain_number(d.x,
				CASE WHEN d.n > 2 THEN @extschema@._explain_decimals(d.x, t.thresholds, decimals) ELSE 0 END,
				language) AS amount
		  FROM (VALUES (1, 'recency', 'r_score', 'R', (person ->> 'recency_days')::numeric),
					   (2, 'frequency', 'f_score', 'F', (person ->> 'frequency')::numeric),
					   (3, 'monetary', 'm_score', 'M',
						(person ->> CASE info ->> 'monetary'
							WHEN 'mean' THEN 'mean_value' ELSE 'monetary' END)::numeric),
					   (4, 'basket', 'basket_score', 'basket', (person ->> 'mean_value')::numeric))
						AS d (n, dimension, score_name, mark, x)
		 CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(person #> ARRAY['thresholds', d.dimension]) = 'array'
				THEN ARRAY(SELECT t::float8
							 FROM jsonb_array_elements_text(person #> ARRAY['thresholds', d.dimension])
									  WITH ORDINALITY AS u (t, o) ORDER BY o) END) AS t (thresholds)
		 WHERE d.n < 4 OR info -> 'read_columns' ? 'basket_score' ORDER BY d.n LOOP
		words := CASE step.dimension
			WHEN 'recency' THEN @extschema@._explain_text('recency'
				|| CASE WHEN step.x = 1 OR step.x = 0 AND language = 'fr' THEN ' 1' ELSE '' END, language, step.amount)
			WHEN 'frequency' THEN @extschema@._explain_text(
				CASE info ->> 'frequency' WHEN 'active_days' THEN 'active_days' ELSE 'orders' END
					|| CASE WHEN step.x = 1 OR step.x = 0 AND language = 'fr' THEN ' 1' ELSE '' END,
				language, step.amount) || days
			ELSE CASE WHEN step.x IS NULL THEN @extschema@._explain_text('no order', language)
					WHEN step.n = 4 OR info ->> 'monetary' = 'mean'
					THEN @extschema@._explain_text('mean', language, step.amount)
					ELSE step.amount END || days END;
		topic := step.dimension;
		score := step.score;
		value := CASE WHEN score IS NULL THEN @extschema@._explain_text('unknown', language)
			ELSE @extschema@._explain_text(step.mark, language, score::text,
				(coalesce(cardinality(step.thresholds) + 1, bins))::text) END;
		explanation := words || CASE
			WHEN step.thresholds IS NULL THEN '; ' || @extschema@._explain_text('too_few_customers', language)
			WHEN step.dimension <> 'recency' AND (person ->> 'frequency')::bigint = 0 THEN ''
			ELSE @extschema@._explain_threshold(step.dimension, step.x, step.thresholds, decimals, language) END;
		weight := CASE WHEN step.n < 4 THEN weights[step.n] END;
		contribution := CASE WHEN score IS NOT NULL AND weight_sum > 0 THEN weight * score / weight_sum END;
		RETURN NEXT;
	END LOOP;
	weight := NULL;
	contribution := NULL;
	score := NULL;
	IF person ->> 'rfm_score' IS NOT NULL THEN
		topic := 'rfm_score';
		value := @extschema@._explain_text('RFM', language,
			@extschema@._explain_number((person ->> 'rfm_score')::numeric, 1, language));
		SELECT format('(%s) / %s',
			string_agg(CASE WHEN weights[w.o] = 1 THEN ''
				ELSE @extschema@._explain_weight(weights[w.o], language) || ' x ' END || w.s, ' + ' ORDER BY w.o),
				@extschema@._explain_weight(weight_sum, language)) INTO explanation
		  FROM (VALUES (1, person ->> 'r_score'), (2, person ->> 'f_score'), (3, person ->> 'm_score')) AS w (o, s)
		 WHERE w.s IS NOT NULL;
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_scores(jsonb, text) IS 'internal: the rows of explain_score on scores';

-- Why there is no score, and what is expected of the customer.
CREATE FUNCTION @extschema@._explain_predictions(info jsonb, language text)
	RETURNS TABLE (topic text, value text, explanation text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 2
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	person		jsonb := info -> 'customer';
	decimals	int := info ->> 'money_decimals';
BEGIN
	IF person ->> 'score_reason' IS NOT NULL THEN
		topic := 'score_reason';
		value := person ->> 'score_reason';
		explanation := @extschema@._explain_text(value, language, info ->> 'window_days');
		RETURN NEXT;
	END IF;
	-- customers who have never ordered are told so above
	IF person ->> 'r_score' IS NOT NULL AND person ->> 'churn_probability' IS NOT NULL THEN
		topic := 'churn_probability';
		value := @extschema@._percent_words((person ->> 'churn_probability')::float8, language);
		explanation := @extschema@._explain_text('left', language, value) || CASE person ->> 'churn_reason'
			WHEN 'bought_once' THEN @extschema@._explain_text('left bought once', language)
			WHEN 'silent_longer_than_usual' THEN @extschema@._explain_text('left silent', language,
				@extschema@._explain_number((person ->> 'silence_ratio')::numeric, 1, language))
			WHEN 'within_usual_rhythm' THEN @extschema@._explain_text('left usual', language) ELSE '' END;
		RETURN NEXT;
	END IF;
	IF person ->> 'r_score' IS NOT NULL AND person ->> 'expected_orders_90d' IS NOT NULL THEN
		topic := 'prediction';
		value := @extschema@._explain_number((person ->> 'clv_12m')::numeric, decimals, language);
		explanation := @extschema@._explain_text('expected orders'
				|| CASE WHEN language = 'fr' AND round((person ->> 'expected_orders_90d')::numeric, 2) < 2
					THEN ' 1' ELSE '' END,
				language, @extschema@._explain_number((person ->> 'expected_orders_90d')::numeric, 2, language))
			|| @extschema@._explain_text('expected active', language,
				@extschema@._percent_words((person ->> 'active_90d_probability')::float8, language))
			|| CASE WHEN value IS NULL THEN '' ELSE @extschema@._explain_text('expected value', language, value) END
			|| CASE WHEN person ->> 'next_order_expected_on' IS NULL THEN ''
				ELSE @extschema@._explain_text('expected next', language, person ->> 'next_order_expected_on') END;
		RETURN NEXT;
	ELSIF person ->> 'r_score' IS NOT NULL AND person ->> 'prediction_reason' IS NOT NULL THEN
		topic := 'prediction';
		value := NULL;
		explanation := @extschema@._explain_text('not expected', language, person ->> 'prediction_reason');
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_predictions(jsonb, text) IS
	'internal: the rows of explain_score on a missing score and on predictions';

-- The probability of an order within 90 days, and the three features that move it most.
CREATE FUNCTION @extschema@._explain_propensity(info jsonb, language text)
	RETURNS TABLE (topic text, value text, explanation text, contribution float8)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 4
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	p	record;
BEGIN
	IF info #>> '{customer,propensity_90d}' IS NULL OR info #>> '{customer,propensity}' IS NULL THEN
		RETURN;
	END IF;
	topic := 'propensity_90d';
	value := @extschema@._percent_words((info #>> '{customer,propensity_90d}')::float8, language);
	explanation := @extschema@._explain_text('propensity', language, value);
	RETURN NEXT;
	topic := 'propensity_reason';
	FOR p IN SELECT * FROM jsonb_to_recordset(info #> '{customer,propensity}')
				AS r (rank int, feature text, value float8, mean float8, contribution float8)
			  WHERE r.rank BETWEEN 1 AND 3 AND r.contribution <> 0 ORDER BY r.rank LOOP
		contribution := p.contribution;
		value := to_char(p.contribution, 'FMSG999999990.00');
		value := CASE language WHEN 'fr' THEN replace(value, '.', ',') ELSE value END;
		explanation := @extschema@._propensity_words(p.feature, p.value, p.mean, p.contribution,
			(info ->> 'money_decimals')::int, language);
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_propensity(jsonb, text) IS
	'internal: the rows of explain_score on the propensity';

-- Scores by scorecards: a row for the score, one for each rule that gave points, and
-- what would reach the next band.
CREATE FUNCTION @extschema@._explain_cards(info jsonb, language text)
	RETURNS TABLE (topic text, value text, explanation text, points float8, last_on date)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	card	jsonb;
	p		record;
BEGIN
	FOR card IN SELECT * FROM jsonb_array_elements(info #> '{customer,cards}') LOOP
		topic := (card ->> 'card') || '_score';
		value := @extschema@._explain_number((card ->> 'score')::numeric, 0, language);
		explanation := CASE WHEN value IS NULL THEN
				@extschema@._explain_text('card ' || coalesce(card ->> 'reason', 'no_event'), language)
			WHEN card ->> 'band' IS NULL THEN @extschema@._explain_text('card score', language, value)
			ELSE @extschema@._explain_text('card score band', language, value,
				card -> 'labels' ->> (card ->> 'band')) END;
		points := NULL;
		last_on := NULL;
		RETURN NEXT;
		CONTINUE WHEN value IS NULL;
		topic := (card ->> 'card') || '_points';
		FOR p IN SELECT * FROM jsonb_to_recordset(nullif(card -> 'points', 'null'))
				AS r ("position" int, rule_group text, label text, mode text,
				   events bigint, last_on date, undecayed float8, points float8, capped boolean) LOOP
			points := p.points;
			last_on := p.last_on;
			value := to_char(p.points, CASE WHEN abs(p.points) < 0.05 THEN 'FMSG0.00' ELSE 'FMSG999999990.0' END);
			value := CASE language WHEN 'fr' THEN replace(value, '.', ',') ELSE value END;
			explanation := CASE WHEN p."position" IS NULL THEN
					CASE WHEN p.rule_group IS NULL THEN @extschema@._explain_text('card bound', language)
						ELSE @extschema@._explain_text('card group bound', language, p.rule_group) END
				ELSE concat(p.label, CASE WHEN p.events > 0 THEN @extschema@._explain_text(
						CASE WHEN p.events = 1 THEN 'card event' ELSE 'card events' END, language,
						@extschema@._explain_number(p.events, 0, language),
						@extschema@._explain_day(p.last_on, language)) END,
					CASE WHEN p.capped THEN @extschema@._explain_text('card capped', language)
						WHEN abs(p.undecayed - p.points) >= 0.05
						THEN @extschema@._explain_text('card decayed', language,
							@extschema@._explain_number(p.undecayed::numeric, 1, language)) END) END;
			RETURN NEXT;
		END LOOP;
		topic := (card ->> 'card') || '_next';
		points := NULL;
		last_on := NULL;
		FOR p IN SELECT r.band, r.missing, r."position", r.label, r.events, NULL AS parts
				   FROM jsonb_to_recordset(nullif(card -> 'next', 'null'))
						AS r (band text, missing float8, "position" int, label text, events bigint, together boolean)
				  WHERE NOT r.together
				 UNION ALL
				 -- what only several rules reach is one way
				 SELECT min(r.band), NULL, NULL, NULL, NULL,
						string_agg(concat(@extschema@._explain_number(r.events, 0, language),
							@extschema@._no_break_space(), '×', @extschema@._no_break_space(), r.label), ', '
							ORDER BY r."position")
				   FROM jsonb_to_recordset(nullif(card -> 'next', 'null'))
						AS r (band text, "position" int, label text, events bigint, together boolean)
				  WHERE r.together HAVING count(*) > 0
				  ORDER BY 5, 3 LIMIT 3 LOOP
			value := card -> 'labels' ->> p.band;
			explanation := CASE WHEN p.parts IS NOT NULL
				THEN @extschema@._explain_text('card next together', language, value, p.parts)
				WHEN p."position" IS NULL THEN
					@extschema@._explain_text('card next none', language, value,
						@extschema@._explain_number(p.missing::numeric, 1, language))
				ELSE @extschema@._explain_text(CASE WHEN p.events = 1 THEN 'card next' ELSE 'card next several' END,
					language, value, @extschema@._explain_number(p.events, 0, language), p.label) END;
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_cards(jsonb, text) IS 'internal: the rows of explain_score on scorecards';

-- What a customer has said, where they have.
CREATE FUNCTION @extschema@._explain_satisfaction(info jsonb, language text)
	RETURNS TABLE (topic text, value text, explanation text, last_on date)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	person		jsonb := info -> 'customer';
	answers		bigint := person ->> 'satisfaction_answers';
	score		numeric := person ->> 'satisfaction_score';
	everybody	numeric := person ->> 'mean_of_all';
	weight		numeric := person ->> 'weight_of_all';
BEGIN
	IF NOT coalesce(answers > 0, false) OR score IS NULL OR everybody IS NULL
		OR coalesce(info -> 'attributes' ? 'satisfaction_score', false) THEN
		RETURN;
	END IF;
	topic := 'satisfaction_score';
	value := @extschema@._explain_text('satisfaction', language, @extschema@._explain_number(score, 1, language));
	last_on := person ->> 'satisfaction_last_on';
	explanation := @extschema@._explain_text(
		CASE WHEN answers = 1 THEN 'satisfaction answer' ELSE 'satisfaction answers' END, language,
		@extschema@._explain_number(answers, 0, language),
		@extschema@._explain_number((score * (weight + answers) - weight * everybody) / answers, 1, language),
		@extschema@._explain_day(last_on, language), @extschema@._explain_number(everybody, 1, language));
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_satisfaction(jsonb, text) IS
	'internal: the row of explain_score on answers to surveys';

-- The segment and its rule; where somebody has said another, that of the rules too.
CREATE FUNCTION @extschema@._explain_segment(info jsonb, language text)
	RETURNS TABLE (topic text, value text, explanation text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	person		jsonb := info -> 'customer';
BEGIN
	topic := 'segment';
	value := coalesce(info #>> ARRAY['labels', person ->> 'segment', 'label'], person ->> 'segment');
	IF (person ->> 'segment_overridden')::boolean THEN
		explanation := @extschema@._explain_text(
			CASE WHEN person ->> 'overridden_until' IS NULL THEN 'overridden' ELSE 'overridden until' END, language,
			person ->> 'overridden_by', person ->> 'overridden_reason', person ->> 'overridden_until');
		RETURN NEXT;
		topic := 'segment_by_rules';
		value := coalesce(info #>> ARRAY['labels', person ->> 'segment_by_rules', 'label'],
			person ->> 'segment_by_rules');
	END IF;
	explanation := CASE WHEN jsonb_typeof(person -> 'rule') = 'object'
			THEN @extschema@._explain_text(
				CASE WHEN person ->> 'r_score' IS NULL THEN 'rule without order' ELSE 'rule' END, language,
				@extschema@._explain_rule(person -> 'rule', person, language), value)
		WHEN person ->> 'r_score' IS NULL AND value IS NOT NULL
			THEN @extschema@._explain_text('rule', language, @extschema@._explain_text('no order', language), value)
		ELSE @extschema@._explain_text('no rule', language) END;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_segment(jsonb, text) IS
	'internal: the rows of explain_score on the segment';

-- The smallest steps to better segments, or a row that says that there is none.
CREATE FUNCTION @extschema@._explain_next_steps(home name, customer text, as_of date, info jsonb, language text)
	RETURNS TABLE (topic text, value text, explanation text, last_day date)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 3
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	person		jsonb := info -> 'customer';
	decimals	int := info ->> 'money_decimals';
	step		record;
	words		text;
	today		text;
BEGIN
	today := CASE WHEN as_of IS NULL THEN @extschema@._explain_text('today', language)
		ELSE @extschema@._explain_text('on', language, @extschema@._explain_iso(as_of)) END;
	topic := 'next_step';
	FOR step IN SELECT * FROM @extschema@._explain_steps(home, customer, as_of, info) LOOP
		value := coalesce(info #>> ARRAY['labels', step.segment, 'label'], step.segment);
		words := @extschema@._explain_orders(step.orders, step.amount, step.up_to, decimals, language);
		explanation := CASE WHEN step.last_day IS NULL
			THEN @extschema@._explain_text('step or later', language, words, today, value)
			WHEN step.last_day = (info ->> 'as_of')::date
				THEN @extschema@._explain_text('step only', language, words, today, value)
			ELSE @extschema@._explain_text('step by', language, words,
				@extschema@._explain_iso(step.last_day), value) END;
		IF (person ->> 'segment_overridden')::boolean THEN
			explanation := @extschema@._explain_text('by the rules', language, explanation);
		END IF;
		last_day := step.last_day;
		RETURN NEXT;
	END LOOP;
	IF NOT FOUND THEN
		value := NULL;
		last_day := NULL;
		explanation := @extschema@._explain_text(
			CASE WHEN (info #>> ARRAY['labels',
					coalesce(person ->> 'segment_by_rules', person ->> 'segment'), 'order'])::int
				= (SELECT min((l ->> 'order')::int) FROM jsonb_each(nullif(info -> 'labels', 'null')) AS e (k, l))
				THEN 'best' ELSE 'no step' END, language);
		IF (person ->> 'segment_overridden')::boolean THEN
			explanation := @extschema@._explain_text('by the rules', language, explanation);
		END IF;
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._explain_next_steps(name, text, date, jsonb, text) IS
	'internal: the rows of explain_score on steps to better segments';

CREATE FUNCTION @extschema@.explain_score(model text, customer text, as_of date DEFAULT NULL,
	audience text DEFAULT 'manager', language text DEFAULT NULL)
	RETURNS TABLE ("position" int, topic text, value text, explanation text, score int, weight float8,
		contribution float8, last_day date)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name;
	info		jsonb;
	spoken		text;
BEGIN
	home := @extschema@._model_named(model);
	IF customer IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'customer must not be null',
			HINT = 'Give a customer_key of the view customer_scores.';
	END IF;
	IF audience IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'audience must not be null', HINT = 'It is manager or customer.';
	END IF;
	IF audience NOT IN ('manager', 'customer') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('audience "%s" is neither manager nor customer', left(audience, 100));
	END IF;
	IF NOT isfinite(as_of) THEN
		RAISE invalid_parameter_value USING MESSAGE = 'as_of must be finite';
	END IF;
	info := (SELECT e.i FROM @extschema@._score_explanation(home, customer, as_of, language) AS e (i));
	IF coalesce(info -> 'customer', 'null') = 'null' THEN
		RAISE undefined_object USING
			MESSAGE = format('model "%s" shows you no such customer%s', home,
				CASE WHEN as_of IS NULL THEN '' ELSE ' on ' || @extschema@._explain_iso(as_of) END),
			HINT = 'customer is the customer_key of the view customer_scores.';
	END IF;
	PERFORM @extschema@._notice_of_now(home, info ->> 'of_now') WHERE info ->> 'of_now' IS NOT NULL;
	spoken := @extschema@._explain_language(coalesce(language, info ->> 'language'));
	IF audience = 'customer' THEN
		RETURN QUERY SELECT * FROM @extschema@._explain_to_customer(info, spoken);
		RETURN;
	END IF;
	RETURN QUERY
		SELECT (row_number() OVER (ORDER BY e.part, e.n))::int, e.topic, e.value, e.explanation,
			   e.score, e.weight, e.contribution, e.last_day
		  FROM (SELECT 1, s.n, s.topic, s.value, s.explanation, s.score, s.weight, s.contribution, NULL::date
				  FROM @extschema@._explain_scores(info, spoken)
					   WITH ORDINALITY AS s (topic, value, explanation, score, weight, contribution, n)
				UNION ALL
				SELECT 2, p.n, p.topic, p.value, p.explanation, NULL, NULL, NULL, NULL
				  FROM @extschema@._explain_predictions(info, spoken)
					   WITH ORDINALITY AS p (topic, value, explanation, n)
				UNION ALL
				SELECT 3, y.n, y.topic, y.value, y.explanation, NULL, NULL, y.contribution, NULL
				  FROM @extschema@._explain_propensity(info, spoken)
					   WITH ORDINALITY AS y (topic, value, explanation, contribution, n)
				UNION ALL
				SELECT 4, k.n, k.topic, k.value, k.explanation, NULL, NULL, k.points, k.last_on
				  FROM @extschema@._explain_cards(info, spoken)
					   WITH ORDINALITY AS k (topic, value, explanation, points, last_on, n)
				UNION ALL
				SELECT 4, 1000000, a.topic, a.value, a.explanation, NULL, NULL, NULL, a.last_on
				  FROM @extschema@._explain_satisfaction(info, spoken) AS a
				UNION ALL
				SELECT 4, 1000001, u.topic, u.value, u.explanation, NULL, NULL, NULL, NULL
				  FROM @extschema@._explain_cluster(info, spoken) AS u
				UNION ALL
				SELECT 5, g.n, g.topic, g.value, g.explanation, NULL, NULL, NULL, NULL
				  FROM @extschema@._explain_segment(info, spoken)
					   WITH ORDINALITY AS g (topic, value, explanation, n)
				UNION ALL
				SELECT 6, t.n, t.topic, t.value, t.explanation, NULL, NULL, NULL, t.last_day
				  FROM @extschema@._explain_next_steps(home, customer, as_of, info, spoken)
					   WITH ORDINALITY AS t (topic, value, explanation, last_day, n)
			   ) AS e (part, n, topic, value, explanation, score, weight, contribution, last_day)
		 ORDER BY e.part, e.n;
END
$$;
COMMENT ON FUNCTION @extschema@.explain_score(text, text, date, text, text) IS
	'why a customer has their scores and their segment, and the smallest step to a better one, in words:'
	' for audience manager; for audience customer what is used and what they may do, without scores';

-- A type, because the columns have names that the arguments have too.
CREATE TYPE @extschema@.near_miss AS (customer_key text, as_of date, segment text, segment_label text,
	rfm_code text, rfm_score float8, last_order_on date, recency_days int, frequency bigint, monetary numeric,
	step_amount numeric, step text, rfm_code_then text, tenant text);
COMMENT ON TYPE @extschema@.near_miss IS 'a row of near_misses: who is one order away from a segment';

CREATE FUNCTION @extschema@.near_misses(model text, segment text, amount numeric DEFAULT NULL, as_of date DEFAULT NULL,
	language text DEFAULT NULL)
	RETURNS SETOF @extschema@.near_miss
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		name;
	info		jsonb;
	spoken		text;
	words		text;
	number		text;
BEGIN
	home := @extschema@._model_named(model);
	IF segment IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'segment must not be null';
	END IF;
	IF NOT isfinite(as_of) THEN
		RAISE invalid_parameter_value USING MESSAGE = 'as_of must be finite';
	END IF;
	IF amount < 0 OR amount > 1000000000000 OR scale(trim_scale(amount)) > 9 OR amount IN ('NaN', 'Infinity') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('amount %s is not the value of an order', left(amount::text, 100)),
			HINT = 'It is between 0 and 10^12, with 9 decimals at most.';
	END IF;
	info := (SELECT e.i FROM @extschema@._score_explanation(home, NULL, as_of, language) AS e (i));
	IF info #> ARRAY['labels', segment] IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('segment "%s" does not exist in model "%s"', left(segment, 100), home),
			HINT = coalesce('The segments are: '
				|| (SELECT string_agg(k, ', ' ORDER BY (l ->> 'order')::int, k)
				FROM jsonb_each(nullif(info -> 'labels', 'null')) AS e (k, l)) || '.',
				'The model has no segments.');
	END IF;
	PERFORM @extschema@._notice_of_now(home, info ->> 'of_now') WHERE info ->> 'of_now' IS NOT NULL;
	spoken := @extschema@._explain_language(coalesce(language, info ->> 'language'));
	words := @extschema@._explain_text('step', spoken, @extschema@._explain_text('orders 1 exact', spoken, E'\x01'),
		CASE WHEN as_of IS NULL THEN @extschema@._explain_text('today', spoken)
			ELSE @extschema@._explain_text('on', spoken, @extschema@._explain_iso(as_of)) END,
		info #>> ARRAY['labels', segment, 'label']);
	-- the same words for everyone but for the number
	number := format('to_char(n.step_amount, %L)', 'FM999,999,999,999,990'
		|| CASE WHEN (info ->> 'money_decimals')::int > 0 OR scale(trim_scale(amount)) > 0
			THEN '.' || repeat('0', greatest(least((info ->> 'money_decimals')::int, 9), scale(trim_scale(amount))))
			ELSE '' END);
	IF spoken = 'fr' THEN
		number := format('replace(replace(%s, '','', %L), ''.'', '','')', number, @extschema@._no_break_space());
	END IF;
	RETURN QUERY EXECUTE format('SELECT n.customer_key, n.as_of, n.segment, n.segment_label, n.rfm_code, n.rfm_score,'
		' n.last_order_on, n.recency_days, n.frequency, n.monetary, n.step_amount,'
		' replace($5, E''\x01'', %s), n.rfm_code_then, n.tenant'
		' FROM @extschema@._near_misses($6, $1::text, $2::numeric, $3::date, $4::text) AS n', number)
		USING segment, amount, as_of, language, words, home;
END
$$;
COMMENT ON FUNCTION @extschema@.near_misses(text, text, numeric, date, text) IS
	'who is one order away from a segment, from worse ones, with that order in words, by monetary;'
	' amount NULL: the median value of an order';
