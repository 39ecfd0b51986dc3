--
-- Layer 4: models that predict: tables and views, the words for a fit, and the
-- comparison with what came.
--

-- The tables of a model with prediction.
CREATE FUNCTION @extschema@._model_make_predictions(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- a model that has once predicted keeps its views
	IF settings ->> 'prediction' IS NULL AND to_regclass(format('%I.prediction_check_log', model)) IS NULL THEN
		RETURN;
	END IF;
	IF to_regclass(format('%I.prediction_check_log', model)) IS NULL THEN
		PERFORM @extschema@._model_make_tables(model, 'prediction', settings ->> 'tenant' IS NOT NULL);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_make_predictions(name, jsonb) IS
	'internal: the tables of a model with prediction';

-- The fits of a calibration as rows, a parameter each; one row where there is no fit. It
-- runs with the rights of those who read the view prediction_fits.
CREATE FUNCTION @extschema@._fit_rows(btyd_fit jsonb, spend_fit jsonb, propensity_fit jsonb, prospect_fit jsonb)
	RETURNS TABLE ("position" int, fit text, family text, parameter text, value float8, standard_error float8,
		customers bigint, status text, reason text, log_likelihood float8, place bigint)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	SELECT f.position, f.fit, f.document OPERATOR(pg_catalog.->>) 'family', p.parameter, p.value, p.standard_error,
		   (f.document OPERATOR(pg_catalog.->>) 'n')::bigint, f.document OPERATOR(pg_catalog.->>) 'status',
		   f.document OPERATOR(pg_catalog.->>) 'reason',
		   (f.document OPERATOR(pg_catalog.->>) 'log_likelihood')::float8, p.place
	  FROM (VALUES (1, 'orders', btyd_fit), (2, 'spend', spend_fit), (3, 'propensity', propensity_fit),
			(4, 'prospects', prospect_fit)) AS f ("position", fit, document)
	  LEFT JOIN LATERAL (
			SELECT e.key AS parameter, e.value::text::float8 AS value,
				   (f.document OPERATOR(pg_catalog.->) 'standard_errors' OPERATOR(pg_catalog.->>) e.key)::float8
					AS standard_error, e.place
			  FROM pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(
					f.document OPERATOR(pg_catalog.->) 'parameters') OPERATOR(pg_catalog.=) 'object'
					AND f.position OPERATOR(pg_catalog.<) 3 THEN f.document OPERATOR(pg_catalog.->) 'parameters' END)
				   WITH ORDINALITY AS e (key, value, place)
			UNION ALL
			SELECT t.name, t.coefficient, t.standard_error, t.feature
			  FROM @extschema@.logit_table(CASE WHEN f.position OPERATOR(pg_catalog.>=) 3
					THEN f.document END) AS t) AS p ON true
	 WHERE f.position OPERATOR(pg_catalog.<) 4 OR f.document IS NOT NULL;
END;
COMMENT ON FUNCTION @extschema@._fit_rows(jsonb, jsonb, jsonb, jsonb) IS
	'internal: the fits of a model with their parameters, as the view prediction_fits says';

CREATE FUNCTION @extschema@._model_prediction_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		text := quote_ident(model);
	tenant		text := @extschema@._model_tenant(settings, 'q');
	money		text := @extschema@._model_money(settings);
	checked		text[] := '{customers,predicted_customers,expected_orders,actual_orders,orders_bias,expected_value,'
		'actual_value,value_bias,expected_active,actual_active,mean_absolute_error,baseline_absolute_error,correlation,'
		'active_auc,active_brier_score,active_brier_score_of_actual}';
	small		int := settings ->> 'minimum_group_size';
	grouped		boolean := @extschema@._has_groups(settings);
	brier_of_actual text := 'CASE WHEN %1$s.active_brier_score IS NOT NULL THEN'
		' %1$s.actual_active::float8 / %1$s.customers * (1 - %1$s.actual_active::float8 / %1$s.customers) END';
	shown		text := CASE WHEN small = 1 THEN '%s' ELSE
		format('CASE WHEN LEAST(w.customers, w.actual_active, w.customers - w.actual_active) >= %s THEN %%s END', small)
		END;
BEGIN
	-- a model that has once predicted keeps its views
	IF settings ->> 'prediction' IS NULL AND to_regclass(format('%I.prediction_check_log', model)) IS NULL THEN
		RETURN;
	END IF;
	RETURN NEXT @extschema@._model_view('_latest_check',
		format('SELECT DISTINCT ON (k.tenant) k.* FROM %s.prediction_check_log AS k ORDER BY k.tenant, k.check_id DESC',
			home),
		'internal: the last check_prediction of each tenant');
	RETURN NEXT @extschema@._model_view('prediction_fits',
		@extschema@._fill($q$SELECT {tenant} AS tenant, f.fit, f.family, f.parameter, f.value, f.standard_error,
			{customers} AS customers, f.status, f.reason, f.log_likelihood, q.version, k.fitted_on,
			{group} AS group_value
			FROM {model}._question AS q, {model}.calibration AS k{groups},
				LATERAL @extschema@._fit_rows({fits}) AS f
			WHERE k.version = q.version AND k.tenant = q.tenant{of_groups}
			ORDER BY q.tenant, {order}f.position, f.place$q$, 'model', home, 'tenant', tenant, 'customers',
			-- who bought again, and who did not, would follow from two of them; who has no group, too
			CASE WHEN small = 1 THEN 'f.customers' ELSE
				format('CASE WHEN f.fit = ''orders'' AND f.customers >= %s%s THEN f.customers END', small,
					CASE WHEN grouped THEN ' AND g.group_value IS NULL' ELSE '' END) END,
			'group', CASE WHEN NOT grouped THEN 'NULL::text COLLATE "C"'
				ELSE 'CASE g.group_value WHEN '''' THEN ''all tenants'' ELSE g.group_value END' END,
			'groups', CASE WHEN grouped THEN @extschema@._fill($q$, LATERAL (
				SELECT NULL::text COLLATE "C" AS group_value, k.btyd_fit, k.spend_fit, k.propensity_fit, k.prospect_fit,
					'{orders,spend,propensity,prospects}'::text[] AS shown
				UNION ALL
				SELECT g.group_value, g.btyd_fit, g.spend_fit, NULL, NULL, array_remove(ARRAY[
					CASE WHEN g.group_value <> '' OR g.has_orders THEN 'orders' END,
					CASE WHEN g.group_value <> '' OR g.has_spend THEN 'spend' END], NULL)
				FROM {model}.calibration_groups AS g WHERE g.version = k.version AND g.tenant = k.tenant) AS g$q$,
				'model', home) ELSE '' END,
			'fits', CASE WHEN grouped THEN 'g.btyd_fit, g.spend_fit, g.propensity_fit, g.prospect_fit'
				ELSE 'k.btyd_fit, k.spend_fit, k.propensity_fit, k.prospect_fit' END,
			'of_groups', CASE WHEN grouped THEN ' AND f.fit = ANY (g.shown)' ELSE '' END,
			'order', CASE WHEN grouped THEN 'g.group_value NULLS FIRST, ' ELSE '' END),
		'the fits that predictions rest on: parameters with standard errors, status and reason;'
		' one row with parameter NULL where there is no fit');
	-- what the fit says, of nobody: readers could work it out from its parameters
	RETURN NEXT @extschema@._model_view('prediction_matrix',
		@extschema@._fill($q$SELECT {tenant} AS tenant, 364 AS age_days, m.x AS repeat_orders,
			round(7 * m.silence)::int AS silence_days, 1 - m.alive AS churn_probability,
			m.expected AS expected_orders_90d, 1 - m.probability_of_none AS active_90d_probability,
			q.version, k.fitted_on
			FROM {model}._question AS q, {model}.calibration AS k,
				LATERAL @extschema@.btyd_matrix(k.btyd_fit, 52, 90 / 7.0, 12, 13) AS m
			WHERE k.version = q.version AND k.tenant = q.tenant
			ORDER BY q.tenant, m.x, m.silence$q$, 'model', home, 'tenant', tenant),
		'what the fit says of customers who first ordered a year ago, by how often they came back and how long they'
		' have been silent since; NULL where the fit has no parameters');

	-- How often customers should have come back by now, by their own fits, and how often they did: once for each age,
	-- since nothing else of a customer counts. How many came back so often is told by score_distribution as well, of
	-- other ranges: of what one of the two hides, the other may not tell. So there are no rows where groups can be
	-- too small. Customers without a fit are in neither number, unless nobody has one.
	RETURN NEXT @extschema@._model_view('prediction_calibration',
		@extschema@._fill($q$SELECT {tenant} AS tenant, q.as_of, q.repeat_orders,
			CASE WHEN q.repeat_orders = 7 THEN '7+' ELSE q.repeat_orders::text END AS repeat_orders_range,
			q.customers, q.expected_customers, q.version
			FROM (SELECT a.tenant, a.as_of, a.version, n.n AS repeat_orders,
					sum(a.came[n.n + 1]) FILTER (WHERE a.p[1] IS NOT NULL OR NOT a.any_fit)::bigint AS customers,
					@extschema@.exact_sum(a.customers * CASE WHEN n.n < 7 THEN a.p[n.n + 1] ELSE 1 - (a.p[1] + a.p[2]
						+ a.p[3] + a.p[4] + a.p[5] + a.p[6] + a.p[7]) END) AS expected_customers
				FROM (WITH level AS (SELECT) SELECT a.*,
						bool_or(a.p[1] IS NOT NULL) OVER (PARTITION BY a.tenant) AS any_fit
					FROM (SELECT f.tenant, f.as_of, f.version, f.customers, f.came, ARRAY[{probabilities}] AS p
						FROM (SELECT f.tenant, f.as_of, f.version, {own} AS group_value, b.t, count(*) AS customers,
								ARRAY[{came}] AS came
							FROM {facts} AS f{own_groups},
								LATERAL @extschema@.btyd(f.history, f.as_of, 7) AS b
							WHERE f.recency_days IS NOT NULL AND {any}
							GROUP BY 1, 2, 3, 4, 5) AS f
						JOIN {model}.calibration AS k ON k.tenant = f.tenant AND k.version = f.version{groups}
						) AS a) AS a,
					generate_series(0, 7) AS n (n)
				GROUP BY a.tenant, a.as_of, a.version, n.n) AS q
			ORDER BY q.tenant, q.repeat_orders$q$,
			 'model', home, 'tenant', tenant, 'facts', @extschema@._here(model, settings, '_facts'),
			 'any', (small = 1)::text,
			 'came', (SELECT string_agg(format('count(*) FILTER (WHERE LEAST(b.x, 7) = %s)', n), ', ' ORDER BY n)
				FROM generate_series(0, 7) AS n),
			 'probabilities', (SELECT string_agg(format('@extschema@.btyd_probability(%s, %s, f.t)',
				CASE WHEN grouped THEN 'CASE WHEN g.has_orders THEN g.btyd_fit ELSE k.btyd_fit END'
					ELSE 'k.btyd_fit' END, n), ', ' ORDER BY n) FROM generate_series(0, 6) AS n),
			 'own', CASE WHEN grouped THEN 'CASE WHEN g.has_orders THEN g.group_value END' ELSE 'NULL::text' END,
			 'own_groups', @extschema@._join_groups(model, settings, 'f',
				@extschema@._model_prediction_group(settings, 'f')),
			 'groups', @extschema@._join_groups(model, settings, 'f', 'f.group_value')),
		'how many customers have come back how often, and how many should have by the fit: a chart of two bars;'
		' no rows in a model with minimum_group_size');

	-- of a model that no longer predicts, empty
	RETURN NEXT @extschema@._model_view('prediction_by_segment',
		@extschema@._model_hide_groups(settings,
			home || '._shown',
			CASE WHEN settings ->> 'prediction' IS NULL THEN
			format($q$SELECT NULL::date AS as_of, NULL::text AS tenant, NULL::text COLLATE "C" AS segment,
				NULL::text AS segment_label, NULL::text AS role, NULL::bigint AS customers,
				NULL::bigint AS predicted_customers,
				NULL::float8 AS expected_orders_90d, NULL::float8 AS expected_active_90d,
				NULL::%1$s AS clv_12m, NULL::float8 AS clv_12m_share,
				NULL::float8 AS mean_churn_probability, NULL::float8 AS mean_propensity_90d,
				NULL::int AS segment_order, NULL::text COLLATE "C" AS segment_color WHERE false$q$, money)
		ELSE
			@extschema@._fill($q$SELECT c.as_of, c.tenant, c.segment, c.segment_label, l.role::text AS role,
				count(*) AS customers,
				count(c.clv_12m) AS predicted_customers,
				@extschema@.exact_sum(c.expected_orders_90d) AS expected_orders_90d,
				@extschema@.exact_sum(c.active_90d_probability) AS expected_active_90d,
				sum(c.clv_12m)::{money} AS clv_12m,
				(sum(c.clv_12m) / NULLIF(sum(sum(c.clv_12m)) OVER w, 0))::float8 AS clv_12m_share,
				@extschema@.weighted_mean(c.churn_probability, 1) AS mean_churn_probability,
				@extschema@.weighted_mean(c.propensity_90d, 1) AS mean_propensity_90d,
				c.segment_order, c.segment_color::text AS segment_color
				FROM {scores} AS c
				LEFT JOIN {model}.segment_label AS l
					ON l.map = {map} AND l.segment = c.segment AND l.language = {language}
				GROUP BY c.as_of, c.tenant, c.segment, c.segment_label, l.role, c.segment_order, c.segment_color
				WINDOW w AS (PARTITION BY c.tenant)
				ORDER BY c.tenant, c.segment_order$q$, 'money', money,
				'model', home, 'map', quote_literal(settings ->> 'map_copy'),
				'language', quote_literal(settings ->> 'language'),
				'scores', @extschema@._view_rows(model, settings, 'customer_scores'))
		END,
			'{as_of,tenant,segment,segment_label,role,customers,predicted_customers,expected_orders_90d,'
			'expected_active_90d,clv_12m,clv_12m_share,mean_churn_probability,mean_propensity_90d,segment_order,'
			'segment_color}',
			'{customers,predicted_customers,expected_orders_90d,expected_active_90d,clv_12m,clv_12m_share,'
			'mean_churn_probability,mean_propensity_90d}',
			$q$'s' || COALESCE(':' || q.segment, '')$q$, $q$'n:clv'$q$, 'q.tenant',
			'q.tenant, q.segment_order, q.segment',
			-- who is predicted is a group in the group
			$q${"predicted_customers": ["'clv' || COALESCE(':' || q.segment, '')", "q.predicted_customers = 0"],
				"clv_12m": ["'clv' || COALESCE(':' || q.segment, '')", "false"],
				"clv_12m_share": ["'clv' || COALESCE(':' || q.segment, '')", "false"],
				"expected_orders_90d": ["'orders' || COALESCE(':' || q.segment, '')", "false"],
				"expected_active_90d": ["'orders' || COALESCE(':' || q.segment, '')", "false"],
				"mean_churn_probability": ["'churn' || COALESCE(':' || q.segment, '')", "false"],
				"mean_propensity_90d": ["'propensity' || COALESCE(':' || q.segment, '')", "false"]}$q$),
		'what each segment is expected to bring in the next 12 months,'
		' and how many of its customers are expected to have left');

	-- of a model that no longer predicts, empty
	RETURN NEXT @extschema@._model_function('propensity_details',
		'{customer text,as_of date DEFAULT NULL,language text DEFAULT NULL}',
		'TABLE (rank int, part text, feature text, value float8, mean float8, coefficient float8, contribution float8,'
		' share float8, explanation text)',
		CASE WHEN settings ->> 'prediction' IS NULL THEN
			'SELECT NULL::int, NULL::text, NULL::text, NULL::float8, NULL::float8, NULL::float8, NULL::float8,'
			' NULL::float8, NULL::text WHERE $1 IS NULL AND $2 IS NULL AND $3 IS NULL AND false'
		ELSE @extschema@._fill($q$
SELECT p.rank, p.part, p.feature, p.value, p.mean, p.coefficient, p.contribution, p.share,
       @extschema@._propensity_words(p.feature, p.value, p.mean, p.contribution, {decimals},
           @extschema@._explain_language(COALESCE($3, {language}))) AS explanation
  FROM {model}._scores_at($2, NULL, false, $4) AS s
  JOIN {model}._question_at($2, NULL, false, 0, $4) AS q ON q.tenant = s.tenant
 CROSS JOIN LATERAL {parts} AS p
 WHERE s.customer_key = $1
 ORDER BY p.rank$q$, 'model', home, 'decimals', settings ->> 'money_decimals',
			'language', quote_literal(settings ->> 'language'),
			'parts', @extschema@._propensity_parts(settings, 's')) END,
		'how propensity_90d of a customer comes about: rank 0 is the base, what somebody has who is average in'
		' everything; then each feature with what it adds to the log-odds, the largest first');

	RETURN NEXT @extschema@._model_view('propensity_check',
		@extschema@._fill($q$SELECT {tenant} AS tenant, w.people, w.features, w.split_on, w.until, w.status, w.reason,
			{customers} AS customers, {active} AS actual_active, {share} AS predicted_share, {auc} AS auc,
			{brier} AS brier_score, {constant} AS brier_score_of_actual, {lift} AS lift_top_tenth, {small} AS suppressed
			FROM {model}._question AS q, {model}._latest_check AS k, {model}.propensity_check_log AS w
			WHERE k.tenant = q.tenant AND w.check_id = k.check_id AND w.tenant = k.tenant
			ORDER BY q.tenant, w.position$q$,
			'model', home, 'tenant', tenant,
			-- who bought, and who did not, would follow from the counts of two rows
			'customers', CASE WHEN small = 1 THEN 'w.customers' ELSE 'NULL::bigint' END,
			'active', CASE WHEN small = 1 THEN 'w.actual_active' ELSE 'NULL::bigint' END,
			'share', format(shown, 'w.predicted_share'), 'auc', format(shown, 'w.auc'),
			'brier', format(shown, 'w.brier_score'), 'constant', format(shown, 'w.brier_score_of_actual'),
			'lift', format(shown, 'w.lift_top_tenth'),
			'small', CASE WHEN small = 1 THEN 'false' ELSE
				format('LEAST(w.customers, w.actual_active, w.customers - w.actual_active) < %s', small) END),
		'the last check_prediction on who orders at all: by orders alone beside orders and streams, and prospects');

	RETURN NEXT @extschema@._model_view('weights',
		@extschema@._fill($q$SELECT {tenant} AS tenant, w.name AS dimension, w.chosen_weight, w.chosen_share,
			w.learnt_share, w.coefficient, w.standard_error, w.p, w.clipped
			FROM (SELECT q.tenant, q.weights, k.weights_fit FROM {model}._question AS q, {model}.calibration AS k
				WHERE k.version = q.version AND k.tenant = q.tenant) AS q,
			LATERAL @extschema@.learnt_weights_table(q.weights_fit, q.weights) AS w
			ORDER BY q.tenant, w.score$q$, 'model', home, 'tenant', tenant),
		'the weights of rfm_score beside those that tell best who ordered in the last 90 days'
		' from the scores before them');

	RETURN NEXT @extschema@._model_view('prediction_check',
		@extschema@._model_hide_small(settings, @extschema@._fill($q$SELECT {tenant} AS tenant, k.checked_at,
			k.split_on, k.until, k.until - k.split_on AS days, k.btyd_fit ->> 'family' AS family,
			k.btyd_fit ->> 'status' AS status, k.btyd_fit ->> 'reason' AS reason, k.customers, k.predicted_customers,
			k.expected_orders, k.actual_orders, k.expected_orders / NULLIF(k.actual_orders, 0) - 1 AS orders_bias,
			k.expected_value::{money} AS expected_value, k.actual_value::{money} AS actual_value,
			k.expected_value / NULLIF(k.actual_value, 0)::float8 - 1 AS value_bias,
			k.expected_active, k.actual_active, k.mean_absolute_error, k.baseline_absolute_error, k.correlation,
			k.active_auc, k.active_brier_score,
			{brier_of_actual} AS active_brier_score_of_actual
			FROM {model}._question AS q, {model}._latest_check AS k WHERE k.tenant = q.tenant ORDER BY q.tenant$q$,
			 'model', home, 'tenant', tenant, 'money', money, 'brier_of_actual', format(brier_of_actual, 'k')),
			'{tenant,checked_at,split_on,until,days,family,status,reason}' || checked, checked, '{tenant}', NULL,
			NULL, 'q.tenant',
			-- those who came are a group, too, and those who did not, and those without a prediction
			'COALESCE(LEAST(q.customers, NULLIF(q.actual_active, 0), NULLIF(q.customers - q.actual_active, 0),'
			' NULLIF(q.customers - q.predicted_customers, 0)), 0)'),
		'the last check_prediction: fitted on what was known on split_on, compared with what came until until');

	RETURN NEXT @extschema@._model_view('prediction_by_frequency',
		@extschema@._model_hide_small(settings, @extschema@._fill($q$SELECT {tenant} AS tenant, k.split_on,
			k.until, c.repeat_orders,
			CASE WHEN c.repeat_orders = 7 THEN '7+' ELSE c.repeat_orders::text END AS repeat_orders_range,
			c.customers, c.expected_orders, c.actual_orders,
			c.expected_orders / c.customers AS expected_mean, c.actual_orders / c.customers::float8 AS actual_mean,
			c.expected_value::{money} AS expected_value, c.actual_value::{money} AS actual_value
			FROM {model}._question AS q, {model}._latest_check AS k, {model}.prediction_check_classes AS c
			WHERE k.tenant = q.tenant AND c.check_id = k.check_id AND c.tenant = k.tenant
			ORDER BY q.tenant, c.repeat_orders$q$,
			 'model', home, 'tenant', tenant, 'money', money),
			'{tenant,split_on,until,repeat_orders,repeat_orders_range,customers,expected_orders,actual_orders,'
			'expected_mean,actual_mean,expected_value,actual_value}',
			'{customers,expected_orders,actual_orders,expected_mean,actual_mean,expected_value,actual_value}',
			'{tenant}', NULL, NULL, 'q.tenant, q.repeat_orders'),
		'the last check_prediction by how often customers had come back until split_on');

	-- The customers of the segments of a day are those of segment_history, too: what one of the two hides,
	-- the other may not tell. So there are no rows where groups can be too small.
	RETURN NEXT @extschema@._model_view('prediction_check_by_segment',
		@extschema@._fill($q$SELECT {tenant} AS tenant, k.split_on, k.until,
			k.until - k.split_on AS days, c.segment, COALESCE(l.label, c.segment)::text AS segment_label,
			c.customers, c.expected_active, c.actual_active, c.expected_active / c.customers AS expected_share,
			c.actual_active::float8 / c.customers AS actual_share, c.active_brier_score,
			{brier_of_actual} AS active_brier_score_of_actual,
			l.display_order AS segment_order, l.color::text AS segment_color
			FROM {model}._question AS q
			JOIN {model}._latest_check AS k ON k.tenant = q.tenant
			JOIN {model}.prediction_check_segments AS c ON c.check_id = k.check_id AND c.tenant = k.tenant
			LEFT JOIN {model}.segment_label AS l
				ON l.map = {map} AND l.segment = c.segment AND l.language = {language}
			WHERE {any}
			ORDER BY q.tenant, l.display_order, c.segment$q$,
			 'model', home, 'tenant', tenant, 'brier_of_actual', format(brier_of_actual, 'c'),
			 'map', quote_literal(settings ->> 'map_copy'),
			 'language', quote_literal(settings ->> 'language'), 'any', (small = 1)::text),
		'the last check_prediction on who orders at all, by segment on the day of the split: how many were expected,'
		' how many came; no rows in a model with minimum_group_size');

	RETURN NEXT @extschema@._model_view('prediction_tracking',
		@extschema@._fill($q$SELECT {tenant} AS tenant, w.week_end, w.week_end > k.split_on AS is_holdout,
			w.expected_orders, w.actual_orders,
			w.expected_orders - lag(w.expected_orders, 1, 0) OVER b AS expected_in_week,
			w.actual_orders - lag(w.actual_orders, 1, 0) OVER b AS actual_in_week
			FROM {model}._question AS q, {model}._latest_check AS k, {model}.prediction_check_weeks AS w
			WHERE k.tenant = q.tenant AND w.check_id = k.check_id AND w.tenant = k.tenant AND {enough}
			WINDOW b AS (PARTITION BY q.tenant ORDER BY w.week_end)
			ORDER BY q.tenant, w.week_end$q$,
			 'model', home, 'tenant', tenant, 'enough',
			CASE WHEN small = 1 THEN 'true'
				ELSE format('LEAST(k.customers, NULLIF(k.actual_active, 0),'
					' NULLIF(k.customers - k.actual_active, 0),'
					' NULLIF(k.customers - k.predicted_customers, 0)) >= %s', small) END),
		'the last check_prediction week by week, cumulated: a chart of two curves that should lie on each other');
END
$$;
COMMENT ON FUNCTION @extschema@._model_prediction_views(name, jsonb) IS
	'internal: the views of a model with prediction';

-- The streams that a fit reads.
CREATE FUNCTION @extschema@._fit_streams(fit jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT string_agg(s.stream, ', ' ORDER BY s.n)
	  FROM (SELECT split_part(f.name, '.', 1) AS stream, min(f.n) AS n
			  FROM jsonb_array_elements_text(fit -> 'features') WITH ORDINALITY AS f (name, n)
			 WHERE f.name LIKE '%.%' GROUP BY 1) AS s
$$;
COMMENT ON FUNCTION @extschema@._fit_streams(jsonb) IS 'internal: the streams that a fit reads, as a list';

-- A fit in words.
CREATE FUNCTION @extschema@._model_fit_words(fit jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN fit IS NULL THEN 'none'
		WHEN fit OPERATOR(pg_catalog.->>) 'status' OPERATOR(pg_catalog.<>) 'converged' THEN
			pg_catalog.concat_ws(', ', fit OPERATOR(pg_catalog.->>) 'family', 'no fit',
				fit OPERATOR(pg_catalog.->>) 'reason')
		WHEN fit OPERATOR(pg_catalog.->>) 'family' OPERATOR(pg_catalog.=) 'logit' THEN
			pg_catalog.concat('logit, converged', ', with ' OPERATOR(pg_catalog.||) @extschema@._fit_streams(fit))
		ELSE pg_catalog.concat_ws(' ', fit OPERATOR(pg_catalog.->>) 'family',
			(SELECT pg_catalog.string_agg(pg_catalog.format('%s %s', e.key,
				pg_catalog.trim_scale(pg_catalog.round((e.value OPERATOR(pg_catalog.#>>) '{}')::numeric, 4))),
				', ' ORDER BY e.key)
			   FROM pg_catalog.jsonb_each(fit OPERATOR(pg_catalog.->) 'parameters') AS e
			  WHERE pg_catalog.jsonb_typeof(e.value) OPERATOR(pg_catalog.=) 'number')) END;
END;
COMMENT ON FUNCTION @extschema@._model_fit_words(jsonb) IS
	'internal: a fit in words: mbgnbd a 0.79, alpha 14.2, b 2.4, r 0.65; mbgnbd, no fit, everyone_bought_once';

-- What a model says of its fits when they are made: status or reason, for how
-- many tenants; and what its segment map asks for and does not get.
CREATE FUNCTION @extschema@._model_prediction_lines(model name, settings jsonb)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF settings ->> 'prediction' IS NOT NULL THEN
		RETURN QUERY EXECUTE format($q$
			SELECT concat('prediction of ', f.name), concat(f.document ->> 'family', ': ',
					   CASE f.document ->> 'status' WHEN 'converged' THEN 'converged'
						   ELSE concat_ws(', ', 'no fit',
							   coalesce(f.document ->> 'reason', f.document ->> 'status')) END,
					   CASE WHEN %2$L THEN format(' (%%s %%s)', count(*),
						   CASE count(*) WHEN 1 THEN 'tenant' ELSE 'tenants' END) END)
			  FROM %1$I.calibration AS k
			  CROSS JOIN LATERAL (VALUES (1, 'orders', k.btyd_fit), (2, 'spend', k.spend_fit),
				(3, 'propensity', k.propensity_fit), (4, 'prospects', k.prospect_fit)) AS f (position, name, document)
			 WHERE k.version = $1 AND f.document IS NOT NULL
			 GROUP BY f.position, f.name, f.document ->> 'family', f.document ->> 'status', f.document ->> 'reason'
			 ORDER BY f.position, count(*) DESC, 2$q$, model, settings ->> 'tenant' IS NOT NULL)
				USING (settings ->> 'version')::int;
		IF NOT FOUND THEN
			RETURN QUERY VALUES ('prediction', 'no fit: no customers');
		ELSIF @extschema@._has_groups(settings) THEN
			RETURN QUERY EXECUTE format($q$
				SELECT 'prediction by ' || $1, concat_ws(', ',
						   format('%%s with a fit of orders, %%s with one of spend%%s',
							   count(*) FILTER (WHERE g.has_orders), count(*) FILTER (WHERE g.has_spend),
							   CASE WHEN bool_or(g.group_value = '')
								   THEN ' taken from all tenants' ELSE ' of their own' END),
						   'without: ' || string_agg(DISTINCT g.btyd_fit ->> 'reason', ', ')
							   FILTER (WHERE NOT g.has_orders AND g.group_value <> ''))
				  FROM %I.calibration_groups AS g WHERE g.version = $2 HAVING count(*) > 0$q$, model)
				USING settings ->> 'prediction_group', (settings ->> 'version')::int;
		END IF;
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format($q$
		SELECT 'note',
			   format('segment map %%s asks for %%s, which nobody has in this model;'
				' with prediction => ''mbgnbd'' customers have it', $2, string_agg(c.name, ', ' ORDER BY c.name))
		  FROM (SELECT DISTINCT c ->> 0 AS name FROM %I.segment_rule AS r
				 CROSS JOIN LATERAL jsonb_path_query(r.conditions, 'strict $.**.column') AS c WHERE r.map = $1) AS c
		 WHERE c.name = ANY ($3) HAVING count(*) > 0$q$, model)
		-- a column of the customers table may have that name
		USING settings ->> 'map_copy', settings ->> 'segment_map',
			ARRAY(SELECT unnest(@extschema@._score_columns('{prediction}', '{number,string}'))
				  EXCEPT SELECT unnest(@extschema@._model_attributes(settings)));
END
$$;
COMMENT ON FUNCTION @extschema@._model_prediction_lines(name, jsonb) IS
	'internal: what the report of create_model and the like says of predictions';

-- What a calibration has done to the fits.
CREATE FUNCTION @extschema@._model_prediction_changes(model name, settings jsonb, old_version int)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		SELECT concat_ws(' ', 'prediction of', f.name, nullif(n.tenant, '')),
			   concat(@extschema@._model_fit_words(o.document), ' -> ', @extschema@._model_fit_words(f.document))
		  FROM %1$I.calibration AS n
		 CROSS JOIN LATERAL (VALUES (1, 'orders', n.btyd_fit), (2, 'spend', n.spend_fit),
			(3, 'propensity', n.propensity_fit), (4, 'prospects', n.prospect_fit)) AS f (position, name, document)
		  LEFT JOIN %1$I.calibration AS b ON b.version = $1 AND b.tenant = n.tenant
		  LEFT JOIN LATERAL (VALUES ('orders', b.btyd_fit), ('spend', b.spend_fit),
			('propensity', b.propensity_fit), ('prospects', b.prospect_fit)) AS o (name, document) ON o.name = f.name
		 WHERE n.version = $2 AND @extschema@._model_fit_words(f.document) <> @extschema@._model_fit_words(o.document)
		 ORDER BY n.tenant, f.position$q$, model) USING old_version, (settings ->> 'version')::int;
END
$$;
COMMENT ON FUNCTION @extschema@._model_prediction_changes(name, jsonb, int) IS 'internal: the fits of two versions';

-- Who orders at all, of those known on a day: fitted on the time of the same length
-- before it, by orders alone and with streams, and for prospects; compared with what came.
CREATE FUNCTION @extschema@._model_check_propensity(model name, settings jsonb, this_check bigint, split date,
	until date)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	of_streams	text[] := @extschema@._stream_features(settings);
	numbers		jsonb := @extschema@._stream_numbers(settings);
	orders		text[] := @extschema@.propensity_feature_names();
BEGIN
	IF split - date '4700-01-01 BC' < until - split THEN
		RETURN;
	END IF;
	EXECUTE @extschema@._fill($q$
		WITH known AS MATERIALIZED (
			SELECT c.tenant, c.history, c.streams, @extschema@.last_day(c.history, $2) IS NOT NULL AS has_ordered,
				   {known} AS is_known,
				   @extschema@.last_day(c.history, $4) IS NULL AND {known_then} AS was_prospect
			  FROM ({customers}) AS c
		), fits AS MATERIALIZED (
			SELECT k.tenant,
				   @extschema@.logit_fit(@extschema@.propensity_label(k.history, $4, $5),
					   @extschema@._propensity_features($6, k.history, k.streams, $4), 1, 1) AS by_orders,
				   @extschema@.logit_fit(@extschema@.propensity_label(k.history, $4, $5),
					   @extschema@._propensity_features($6 || $7, k.history, k.streams, $4), 1, 1) AS by_both,
				   @extschema@._propensity_document(@extschema@.logit_fit(
					   @extschema@.active_days(k.history, $2, $5) > 0,
					   @extschema@._propensity_features($7, k.history, k.streams, $4), 1, 1)
					   FILTER (WHERE k.was_prospect), $8, 10) AS by_streams
			  FROM known AS k GROUP BY k.tenant
		), predicted AS (
			SELECT k.tenant, v.position, v.people, v.features, v.fit,
				   @extschema@.active_days(k.history, $3, $5) > 0 AS came,
				   @extschema@.logit_predict(v.fit,
					   @extschema@._propensity_features(v.codes, k.history, k.streams, $2)) AS p
			  FROM known AS k JOIN fits AS f ON f.tenant = k.tenant
			 CROSS JOIN LATERAL (VALUES (1, 'customers', 'orders', f.by_orders, $6),
				(2, 'customers', 'orders, ' || $9, f.by_both, $6 || $7),
				(3, 'prospects', $9, f.by_streams, $7)) AS v (position, people, features, fit, codes)
			 WHERE CASE WHEN v.position < 3 THEN k.has_ordered ELSE NOT k.has_ordered AND k.is_known END
		)
		INSERT INTO {model}.propensity_check_log (check_id, tenant, "position", people, features, split_on, until,
			   status, reason, customers, actual_active, predicted_share, auc, brier_score, brier_score_of_actual,
			   lift_top_tenth)
		SELECT $1, p.tenant, p.position, p.people, p.features, $2, $3, p.fit ->> 'status', p.fit ->> 'reason', count(*),
			   count(*) FILTER (WHERE p.came), @extschema@.weighted_mean(p.p, 1), @extschema@.auc(p.p, p.came),
			   @extschema@.brier_score(p.p, p.came),
			   avg(p.came::int)::float8 * (1 - avg(p.came::int)::float8), @extschema@.lift(p.p, p.came, 0.1)
		  FROM predicted AS p GROUP BY p.tenant, p.position, p.people, p.features, p.fit$q$,
		'model', quote_ident(model), 'customers', @extschema@._model_customers(model, settings),
		'known', @extschema@._known_prospect(settings, 'c', '$2'),
		'known_then', @extschema@._known_prospect(settings, 'c', '$4'))
		USING this_check, split, until, split - (until - split), until - split,
			@extschema@._propensity_codes(jsonb_build_object('features', orders), numbers),
			@extschema@._propensity_codes(jsonb_build_object('features', of_streams), numbers), of_streams,
			@extschema@._fit_streams(jsonb_build_object('features', of_streams));
END
$$;
COMMENT ON FUNCTION @extschema@._model_check_propensity(name, jsonb, bigint, date, date) IS
	'internal: check_prediction of who orders at all, in a model with streams';

-- The fits of check_prediction, a row for each tenant: with those of its groups, by name, or in the
-- place of one that there is not the fit of all tenants.
CREATE FUNCTION @extschema@._check_fits(settings jsonb)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	fits	text := '@extschema@.btyd_fit($4, k.x, k.t_x, k.t, 7, @extschema@.ln_gaps(k.history, $2, 7)) AS btyd_fit,'
		' @extschema@.spend_fit(k.x, k.m) AS spend_fit';
	tenants	text := format('SELECT k.tenant, %s, min(k.first_day) AS first_day FROM known AS k GROUP BY k.tenant',
		fits);
BEGIN
	IF NOT @extschema@._has_groups(settings) THEN
		RETURN tenants;
	END IF;
	IF @extschema@._has_attribute_groups(settings) THEN
		RETURN @extschema@._fill($q$
			SELECT t.*, o.own_orders, o.own_spend
			  FROM ({tenants}) AS t
			  LEFT JOIN (SELECT g.tenant, jsonb_object_agg(g.group_value, g.btyd_fit)
								FILTER (WHERE @extschema@.prediction_reason(g.btyd_fit) IS NULL) AS own_orders,
								jsonb_object_agg(g.group_value, g.spend_fit)
								FILTER (WHERE @extschema@.prediction_reason(g.spend_fit) IS NULL) AS own_spend
						   FROM (SELECT k.tenant, k.group_value, {fits} FROM known AS k
								  WHERE octet_length(k.group_value) BETWEEN 1 AND 1000
								  GROUP BY 1, 2 HAVING count(*) >= {least}) AS g
						  GROUP BY g.tenant) AS o USING (tenant)$q$,
			'tenants', tenants, 'fits', fits, 'least', @extschema@._least_group(settings)::text);
	END IF;
	RETURN @extschema@._fill($q$
			SELECT t.tenant, t.first_day,
				   CASE WHEN @extschema@.prediction_reason(t.btyd_fit) IS NOT NULL
						AND @extschema@.prediction_reason(a.btyd_fit) IS NULL THEN a.btyd_fit ELSE t.btyd_fit END
					   AS btyd_fit,
				   CASE WHEN @extschema@.prediction_reason(t.spend_fit) IS NOT NULL
						AND @extschema@.prediction_reason(a.spend_fit) IS NULL THEN a.spend_fit ELSE t.spend_fit END
					   AS spend_fit
			  FROM ({tenants}) AS t CROSS JOIN (SELECT {fits} FROM known AS k) AS a$q$,
		'tenants', tenants, 'fits', fits);
END
$$;
COMMENT ON FUNCTION @extschema@._check_fits(jsonb) IS
	'internal: a query for the fits of each tenant and its groups, in check_prediction';

CREATE FUNCTION @extschema@.check_prediction(model text, split_on date DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET jit = off		-- takes longer to compile the one large statement than most shops take
	AS $$
DECLARE
	home		name := @extschema@._model_home(model);
	settings	jsonb;
	family		text;
	split		date := split_on;
	until		date;
	this_check	bigint;
	k			record;
	of_groups	boolean;
BEGIN
	PERFORM @extschema@._model_lock(home);
	settings := @extschema@._model_settings(home);
	family := settings ->> 'prediction';
	IF family IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('model "%s" predicts nothing', home),
			HINT = format('SELECT alter_model(%L, prediction => ''mbgnbd'');', home);
	END IF;
	until := coalesce((settings ->> 'as_of')::date, (now() AT TIME ZONE (settings ->> 'time_zone'))::date);
	split := coalesce(split, until - 90);
	IF NOT isfinite(split) OR split >= until THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('split_on %s is not before %s, the day that the model answers for',
				CASE WHEN isfinite(split) THEN to_char(split, 'YYYY-MM-DD') ELSE split::text END,
				to_char(until, 'YYYY-MM-DD')),
			HINT = 'Leave it out, and the last 90 days are the hold-out.';
	END IF;
	PERFORM @extschema@._model_check_people(home, settings);
	of_groups := @extschema@._has_attribute_groups(settings);
	EXECUTE format('SELECT coalesce(max(c.check_id), 0) + 1 FROM %I.prediction_check_log AS c', home) INTO this_check;
	-- What was known on the day of the split, and what came after it. People that
	-- the model may say nothing about are in neither.
	EXECUTE format($q$
		WITH known AS MATERIALIZED (
			SELECT h.tenant, h.customer_key, %4$s AS group_value, h.history, b.x, b.t_x, b.t, b.m,
				   @extschema@.first_day(h.history, $2) AS first_day, a.orders AS actual_orders, a.value AS actual_value
			  FROM (%2$s) AS h CROSS JOIN LATERAL @extschema@.btyd(h.history, $2, 7) AS b
			  CROSS JOIN LATERAL @extschema@.btyd_actual(h.history, $2, $3) AS a
			 WHERE b.x IS NOT NULL
		), fits AS MATERIALIZED (
%5$s
		), predicted AS MATERIALIZED (
			SELECT k.tenant, k.customer_key, k.x, k.actual_orders, k.actual_value,
				   @extschema@.btyd_expected(%6$s, k.x, k.t_x, k.t, ($3 - $2) / 7.0) AS expected_orders,
				   1 - @extschema@.btyd_probability(%6$s, 0, k.x, k.t_x, k.t, ($3 - $2) / 7.0) AS active,
				   @extschema@.spend_expected(%7$s, k.x, k.m) AS expected_mean,
				   CASE WHEN k.t > 0 THEN k.x / k.t * ($3 - $2) / 7.0 ELSE 0 END AS baseline
			  FROM known AS k JOIN fits AS f USING (tenant)
		), checked AS (
			INSERT INTO %1$I.prediction_check_log (check_id, tenant, split_on, until, btyd_fit, spend_fit,
				   customers, predicted_customers,
				   expected_orders, actual_orders, expected_value, actual_value, actual_active,
				   mean_absolute_error, baseline_absolute_error, correlation, active_auc, expected_active,
				   active_brier_score)
			SELECT $1, p.tenant, $2, $3, (SELECT f.btyd_fit FROM fits AS f WHERE f.tenant = p.tenant),
				   (SELECT f.spend_fit FROM fits AS f WHERE f.tenant = p.tenant),
				   count(*), count(p.expected_orders),
				   @extschema@.exact_sum(p.expected_orders),
				   sum(p.actual_orders) FILTER (WHERE p.expected_orders IS NOT NULL),
				   @extschema@.exact_sum(p.expected_orders * p.expected_mean),
				   sum(p.actual_value) FILTER (WHERE p.expected_orders * p.expected_mean IS NOT NULL),
				   count(*) FILTER (WHERE p.actual_orders > 0),
				   @extschema@.weighted_mean(abs(p.expected_orders - p.actual_orders), 1),
				   @extschema@.weighted_mean(abs(p.baseline - p.actual_orders), 1)
					   FILTER (WHERE p.expected_orders IS NOT NULL),
				   -- core's corr() depends on the order of the rows
				   greatest(-1, least(1,
					   @extschema@.exact_sum((p.expected_orders - m.expected) * (p.actual_orders - m.actual)) /
					   nullif(sqrt(@extschema@.exact_sum(
								  (p.expected_orders - m.expected) * (p.expected_orders - m.expected))) *
							  sqrt(@extschema@.exact_sum((p.actual_orders - m.actual) * (p.actual_orders - m.actual))
								  FILTER (WHERE p.expected_orders IS NOT NULL)), 0))),
				   @extschema@.auc(p.active, p.actual_orders > 0), @extschema@.exact_sum(p.active),
				   @extschema@.brier_score(p.active, p.actual_orders > 0)
			  FROM predicted AS p
			  JOIN (SELECT p.tenant, @extschema@.weighted_mean(p.expected_orders, 1) AS expected,
						   @extschema@.weighted_mean(p.actual_orders, 1)
							   FILTER (WHERE p.expected_orders IS NOT NULL) AS actual
					  FROM predicted AS p GROUP BY p.tenant) AS m ON m.tenant = p.tenant
			 GROUP BY p.tenant
		), classes AS (
			INSERT INTO %1$I.prediction_check_classes (check_id, tenant, repeat_orders, customers,
				   expected_orders, actual_orders, expected_value, actual_value)
			SELECT $1, p.tenant, least(p.x, 7), count(*), @extschema@.exact_sum(p.expected_orders),
				   sum(p.actual_orders),
				   @extschema@.exact_sum(p.expected_orders * p.expected_mean), sum(p.actual_value)
			  FROM predicted AS p GROUP BY p.tenant, least(p.x, 7)
		), segments AS (
			INSERT INTO %1$I.prediction_check_segments (check_id, tenant, segment, customers, expected_active,
				   actual_active, active_brier_score)
			SELECT $1, p.tenant, s.segment, count(*), @extschema@.exact_sum(p.active),
				   count(*) FILTER (WHERE p.actual_orders > 0), @extschema@.brier_score(p.active, p.actual_orders > 0)
			  FROM predicted AS p
			  JOIN %1$I._scores_at($2, NULL, false, @extschema@._caller_for(%3$L)) AS s USING (customer_key)
			 WHERE s.segment IS NOT NULL
			 GROUP BY p.tenant, s.segment
		), cohorts AS MATERIALIZED (
			SELECT k.tenant, %8$s AS own, k.first_day, count(*) AS customers
			  FROM known AS k JOIN fits AS f USING (tenant) GROUP BY 1, 2, 3
		-- the last twenty years: a day typed wrong must not make a row for each week
		-- since the year 1; what is older counts in the first week
		), weeks AS MATERIALIZED (
			SELECT f.tenant, $3 - 7 * n AS week_end
			  FROM fits AS f CROSS JOIN LATERAL (SELECT least(($3 - f.first_day) / 7, 1043) AS weeks) AS w
			 CROSS JOIN LATERAL generate_series(0, w.weeks) AS n
		), curve AS MATERIALIZED (
			-- once for each age, however many weeks and first days make it
			SELECT a.tenant, a.own, a.age, @extschema@.btyd_expected_new(%9$s, a.age / 7.0) AS orders
			  FROM (SELECT w.tenant, c.own, w.week_end - c.first_day AS age
					  FROM weeks AS w JOIN cohorts AS c ON c.tenant = w.tenant AND c.first_day <= w.week_end
					 GROUP BY 1, 2, 3) AS a
			  JOIN fits AS f ON f.tenant = a.tenant
		), expected AS MATERIALIZED (
			SELECT w.tenant, w.week_end, @extschema@.exact_sum(c.customers * v.orders) AS orders
			  FROM weeks AS w
			  JOIN cohorts AS c ON c.tenant = w.tenant AND c.first_day <= w.week_end
			  -- one expression for group and age: with one condition more the planner would expect no row
			  JOIN curve AS v ON v.tenant = w.tenant AND %10$s
			 GROUP BY w.tenant, w.week_end
		), came AS MATERIALIZED (
			SELECT k.tenant, $3 - least(($3 - d.day) / 7, 1043) * 7 AS week_end, count(*) AS orders
			  FROM known AS k CROSS JOIN LATERAL @extschema@.days(k.history) AS d
			 WHERE d.events > 0 AND d.day > k.first_day AND d.day <= $3 GROUP BY 1, 2
		)
		INSERT INTO %1$I.prediction_check_weeks (check_id, tenant, week_end, expected_orders, actual_orders)
		SELECT $1, w.tenant, w.week_end, e.orders,
			   coalesce(sum(a.orders) OVER (PARTITION BY w.tenant ORDER BY w.week_end), 0)
		  FROM weeks AS w
		  LEFT JOIN expected AS e ON e.tenant = w.tenant AND e.week_end = w.week_end
		  LEFT JOIN came AS a ON a.tenant = w.tenant AND a.week_end = w.week_end$q$,
		home, @extschema@._model_customers(home, settings), quote_ident(home),
		@extschema@._model_prediction_group(settings, 'h'), @extschema@._check_fits(settings),
		CASE WHEN of_groups THEN 'COALESCE(f.own_orders -> k.group_value, f.btyd_fit)' ELSE 'f.btyd_fit' END,
		CASE WHEN of_groups THEN 'COALESCE(f.own_spend -> k.group_value, f.spend_fit)' ELSE 'f.spend_fit' END,
		CASE WHEN of_groups THEN 'CASE WHEN f.own_orders ? k.group_value THEN k.group_value ELSE '''' END'
			ELSE '''''::text' END,
		CASE WHEN of_groups THEN 'COALESCE(f.own_orders -> a.own, f.btyd_fit)' ELSE 'f.btyd_fit' END,
		CASE WHEN of_groups THEN 'concat(v.age, '' '', v.own) = concat(w.week_end - c.first_day, '' '', c.own)'
			ELSE 'v.age = w.week_end - c.first_day' END) USING this_check, split, until, family;
	IF cardinality(@extschema@._stream_features(settings)) > 0 THEN
		PERFORM @extschema@._model_check_propensity(home, settings, this_check, split, until);
	END IF;
	-- not from prediction_check, which may hide small groups: this is for the owner
	FOR k IN EXECUTE format('SELECT c.*, c.btyd_fit ->> ''family'' AS family, c.btyd_fit ->> ''status'' AS status,'
		' c.btyd_fit ->> ''reason'' AS reason,'
		' c.expected_orders / nullif(c.actual_orders, 0) - 1 AS orders_bias,'
			' c.expected_value / nullif(c.actual_value, 0)::float8 - 1 AS value_bias'
			' FROM %I.prediction_check_log AS c WHERE c.check_id = $1 ORDER BY c.tenant', home) USING this_check LOOP
		RETURN QUERY SELECT concat_ws(' ', v.item, nullif(k.tenant, '')), v.detail FROM (VALUES
			('fitted on', format('%s customers until %s: %s', k.customers, to_char(k.split_on, 'YYYY-MM-DD'),
				concat_ws(', ', k.family, k.status, k.reason))),
			('compared with', format('%s days until %s', k.until - k.split_on, to_char(k.until, 'YYYY-MM-DD'))),
			('days with an order', CASE WHEN k.expected_orders IS NOT NULL
				THEN format('%s expected, %s came%s', round(k.expected_orders::numeric, 1), k.actual_orders,
				to_char(100 * k.orders_bias, '" ("FMSG99990.0" %)"')) END),
			('value', CASE WHEN k.expected_value IS NOT NULL
				THEN format('%s expected, %s came%s',
				round(k.expected_value::numeric, (settings ->> 'money_decimals')::int),
				round(k.actual_value, (settings ->> 'money_decimals')::int),
				to_char(100 * k.value_bias, '" ("FMSG99990.0" %)"'))
				WHEN k.expected_orders IS NOT NULL THEN concat_ws(', ', 'not predicted: ' || (k.spend_fit ->> 'family'),
					k.spend_fit ->> 'status', k.spend_fit ->> 'reason') END),
			('error per customer', CASE WHEN k.expected_orders IS NOT NULL
				THEN format('%s; %s if everybody went on as before',
				round(k.mean_absolute_error::numeric, 3), round(k.baseline_absolute_error::numeric, 3)) END),
			('who comes', CASE WHEN k.expected_orders IS NOT NULL
				THEN CASE WHEN k.active_auc IS NULL THEN format('%s of %s came', k.actual_active, k.customers)
				ELSE format('%s expected, %s came; AUC %s (0.5 is chance), Brier %s (%s by their share)',
				round(k.expected_active::numeric, 1), k.actual_active, round(k.active_auc::numeric, 3),
				round(k.active_brier_score::numeric, 4),
				round(k.actual_active::numeric / k.customers * (1 - k.actual_active::numeric / k.customers), 4))
				END END)) AS v (item, detail)
			WHERE v.detail IS NOT NULL;
		RETURN QUERY EXECUTE format('SELECT concat_ws('' '', CASE w.position WHEN 1 THEN ''propensity without streams'''
			' WHEN 2 THEN ''propensity with streams'' ELSE ''propensity of prospects'' END, nullif(w.tenant, '''')),'
			' CASE WHEN w.status <> ''converged'' THEN ''no fit, '' || w.reason'
			' WHEN w.auc IS NULL THEN format(''%%s of %%s came'', w.actual_active, w.customers)'
			' ELSE format(''AUC %%s, Brier %%s (%%s by their share), lift of the top tenth %%s; %%s of %%s came'','
			' round(w.auc::numeric, 3), round(w.brier_score::numeric, 4), round(w.brier_score_of_actual::numeric, 4),'
			' round(w.lift_top_tenth::numeric, 2), w.actual_active, w.customers) END'
			' FROM %I.propensity_check_log AS w WHERE w.check_id = $1 AND w.tenant = $2 ORDER BY w.position', home)
			USING this_check, k.tenant;
	END LOOP;
	IF NOT FOUND THEN
		RETURN QUERY VALUES ('nothing to fit',
			format('no customer has ordered until %s', to_char(split, 'YYYY-MM-DD')));
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.check_prediction(text, date) IS
	'fit a model''s prediction on what was known on a day, compare it with what has come since,'
	' and keep the comparison for the views prediction_check, prediction_check_by_segment, propensity_check,'
	' prediction_by_frequency and prediction_tracking';
