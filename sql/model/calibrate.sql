--
-- Layer 4: what a version of a model is calibrated with: its copy of the segment
-- map, its thresholds and its fits.
--

-- A copy of the segment map in the model's own tables, with a label in the
-- model's language for every segment.
CREATE FUNCTION @extschema@._model_copy_map(model name, copy text, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM @extschema@.create_segment_map(format('%I.%I', model, copy), copy_of => settings ->> 'segment_map');
	IF settings ->> 'segment_map' IS NULL THEN
		EXECUTE format('UPDATE %I.segment_map SET description = ''No segments.'' WHERE map = $1', model) USING copy;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_copy_map(name, text, jsonb) IS 'internal: copy a segment map into a model';

-- Labels that the language lacks: fr for fr-CA, English, any, the key itself.
CREATE FUNCTION @extschema@._model_complete_labels(model name, copy text, language text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	EXECUTE format($q$
		INSERT INTO %1$I.segment_label (map, segment, language, role, label, description, action, display_order, color)
		SELECT $1, s.segment, $2, coalesce(l.role, 'other'), coalesce(l.label, s.segment),
			   l.description, l.action, l.display_order, l.color
		  FROM (SELECT segment FROM %1$I.segment_rule WHERE map = $1
				UNION SELECT segment FROM %1$I.segment_label WHERE map = $1) AS s
		  LEFT JOIN LATERAL (SELECT * FROM %1$I.segment_label AS x WHERE x.map = $1 AND x.segment = s.segment
							  ORDER BY x.language = split_part($2, '-', 1) DESC, x.language = 'en' DESC, x.language
							  LIMIT 1) AS l ON true
		 WHERE NOT EXISTS (SELECT 1 FROM %1$I.segment_label AS x
							WHERE x.map = $1 AND x.segment = s.segment AND x.language = $2)
		$q$, model) USING copy, language;
	EXECUTE format($q$
		UPDATE %1$I.segment_label AS l SET display_order = coalesce(l.display_order, o.n),
			color = coalesce(l.color, '#BDBDBD')
		  FROM (SELECT segment, language, (coalesce(max(display_order) OVER (), 0)
					   + row_number() OVER (PARTITION BY display_order IS NULL ORDER BY segment))::int AS n
				  FROM %1$I.segment_label WHERE map = $1 AND language = $2) AS o
		 WHERE l.map = $1 AND l.segment = o.segment AND l.language = o.language
		   AND (l.display_order IS NULL OR l.color IS NULL)
		$q$, model) USING copy, language;
	EXECUTE format('ANALYZE %I.segment_label', model);
END
$$;
COMMENT ON FUNCTION @extschema@._model_complete_labels(name, text, text) IS
	'internal: a label in the model''s language for every segment';

-- Thirds of what the fits of the version at hand say of the lifetime value; with
-- weights, those that tell best who has come back.
CREATE FUNCTION @extschema@._model_write_clv_thresholds(model name, settings jsonb, weights boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	then_window	text := format('(f.history, f.as_of - 90, %s)', coalesce(settings ->> 'window_days', 'NULL'));
	frequency	text := CASE settings ->> 'frequency'
		WHEN 'active_days' THEN '@extschema@.active_days' ELSE '@extschema@.frequency' END || then_window;
	monetary	text := CASE settings ->> 'monetary'
		WHEN 'mean' THEN '@extschema@.mean_value' ELSE '@extschema@._monetary_float8' END || then_window || '::float8';
BEGIN
	EXECUTE format($q$
		UPDATE %1$I.calibration AS k SET clv_thresholds = CASE WHEN m.customers >= $1 THEN m.clv_thresholds END%5$s
		  FROM (SELECT f.tenant, count(f.recency_days) AS customers,
					   @extschema@.quantile_thresholds(f.clv_12m, 3) AS clv_thresholds%4$s
				  FROM (%2$s) AS f GROUP BY f.tenant) AS m
		 WHERE k.version = %3$s AND k.tenant = m.tenant$q$, model,
		@extschema@._model_facts(model, settings, format('(%s)', @extschema@._model_question(model, settings,
			condition => format('c.version = %s', settings ->> 'version'), reader => NULL)),
			format('(%s)', @extschema@._model_customers(model, settings))), settings ->> 'version',
		CASE WHEN weights THEN format($q$,
					   @extschema@.logit_fit(@extschema@.propensity_label(f.history, f.as_of - 90, 90),
							ARRAY[@extschema@.score(@extschema@.recency(f.history, f.as_of - 90),
									  f.recency_thresholds, false),
								  CASE WHEN %1$s = 0 THEN 1 ELSE @extschema@.score(%1$s, f.frequency_thresholds) END,
								  CASE WHEN %1$s = 0 THEN 1
									  ELSE @extschema@.score(%2$s, f.monetary_thresholds) END]::float8[],
							1, 1) AS weights_fit$q$,
			frequency, monetary) ELSE '' END,
		CASE WHEN weights THEN ', weights_fit = m.weights_fit' ELSE '' END)
		USING (settings ->> 'minimum_customers')::int;
END
$$;
COMMENT ON FUNCTION @extschema@._model_write_clv_thresholds(name, jsonb, boolean) IS
	'internal: thirds of the lifetime value, and learnt weights, for the version at hand';

-- The names of what the streams of a model give a propensity.
CREATE FUNCTION @extschema@._stream_features(settings jsonb)
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(pg_catalog.array_agg(pg_catalog.concat(s.stream, '.', n.name) ORDER BY s.stream_no, n.n), '{}')
	  FROM @extschema@._streams(settings) AS s
	 CROSS JOIN pg_catalog.unnest(@extschema@._stream_feature_names()) WITH ORDINALITY AS n (name, n);
END;
COMMENT ON FUNCTION @extschema@._stream_features(jsonb) IS
	'internal: the names of what the streams of a model give a propensity';

-- Customers of a group that has fits of its own, at least: with fewer, errors are as large as
-- the parameters, and a small group must not be seen.
CREATE FUNCTION @extschema@._least_group(settings jsonb)
	RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT GREATEST(100, (settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int);
END;
COMMENT ON FUNCTION @extschema@._least_group(jsonb) IS
	'internal: customers of a group that has fits of its own, at least';

-- The fits of the groups of a version; of tenants without fits, those of all tenants, which
-- don't say of how many customers they are.
CREATE FUNCTION @extschema@._model_write_group_fits(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	customers	text := @extschema@._model_facts(model, settings, format('(%s)', @extschema@._model_question(model,
		settings, condition => format('c.version = %s', settings ->> 'version'), reader => NULL)),
		format('(%s)', @extschema@._model_customers(model, settings)));
	fits		text := @extschema@._fill('@extschema@.btyd_fit({family}, b.x, b.t_x, b.t, 7,'
		' @extschema@.ln_gaps(f.history, f.as_of, 7)) AS btyd_fit, @extschema@.spend_fit(b.x, b.m) AS spend_fit',
		'family', quote_literal(settings ->> 'prediction'));
BEGIN
	EXECUTE format('DELETE FROM %I.calibration_groups WHERE version = %s', model, settings ->> 'version');
	IF NOT @extschema@._has_groups(settings) THEN
		RETURN;
	END IF;
	IF @extschema@._has_attribute_groups(settings) THEN
		EXECUTE @extschema@._fill($q$
			INSERT INTO {model}.calibration_groups (version, tenant, grouped_by, group_value, btyd_fit, spend_fit,
				   has_orders, has_spend)
			SELECT {version}, m.tenant, {by}, m.group_value, m.btyd_fit, m.spend_fit,
				   @extschema@.prediction_reason(m.btyd_fit) IS NULL, @extschema@.prediction_reason(m.spend_fit) IS NULL
			  FROM (SELECT f.tenant, {group} AS group_value, {fits}
					  FROM ({customers}) AS f CROSS JOIN LATERAL @extschema@.btyd(f.history, f.as_of, 7) AS b
					 -- longer ones are not for an index
					 WHERE octet_length({group}) BETWEEN 1 AND 1000 AND b.x IS NOT NULL
					 GROUP BY 1, 2 HAVING count(*) >= {least}) AS m$q$,
			'model', quote_ident(model), 'version', settings ->> 'version', 'fits', fits, 'customers', customers,
			'by', quote_literal(settings ->> 'prediction_group'),
			'group', @extschema@._model_prediction_group(settings, 'f'),
			'least', @extschema@._least_group(settings)::text);
	ELSE
		EXECUTE @extschema@._fill($q$
			INSERT INTO {model}.calibration_groups (version, tenant, grouped_by, group_value, btyd_fit, spend_fit,
				   has_orders, has_spend)
			SELECT {version}, k.tenant, {by}, '', m.btyd_fit - $1, m.spend_fit - $1,
				   k.lacks_orders AND @extschema@.prediction_reason(m.btyd_fit) IS NULL,
				   k.lacks_spend AND @extschema@.prediction_reason(m.spend_fit) IS NULL
			  FROM (SELECT k.tenant, @extschema@.prediction_reason(k.btyd_fit) IS NOT NULL AS lacks_orders,
						   @extschema@.prediction_reason(k.spend_fit) IS NOT NULL AS lacks_spend
					  FROM {model}.calibration AS k WHERE k.version = {version}) AS k,
				   (SELECT {fits}
					  FROM ({customers}) AS f CROSS JOIN LATERAL @extschema@.btyd(f.history, f.as_of, 7) AS b) AS m
			 WHERE k.lacks_orders OR k.lacks_spend$q$,
			'model', quote_ident(model), 'version', settings ->> 'version', 'fits', fits, 'customers', customers,
			'by', quote_literal(settings ->> 'prediction_group'))
			USING '{n,standard_errors,log_likelihood,aic,bic,k_log_likelihoods,left_out,gradient_norm,'
				'iterations}'::text[];
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_write_group_fits(name, jsonb) IS
	'internal: fits of groups of customers for the version at hand';

-- How customers come back, what they spend, who orders again: fitted to what
-- the version at hand knows, for each of its tenants.
CREATE FUNCTION @extschema@._model_write_fits(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	of_streams	text[] := @extschema@._stream_features(settings);
	numbers		jsonb := @extschema@._stream_numbers(settings);
BEGIN
	IF settings ->> 'prediction' IS NULL THEN
		RETURN;
	END IF;
	EXECUTE format($q$
		UPDATE %1$I.calibration AS k
			SET fitted_on = m.as_of, btyd_fit = m.btyd_fit, spend_fit = m.spend_fit,
				propensity_fit = @extschema@._propensity_document(m.propensity_fit, $1, 0),
				prospect_fit = @extschema@._propensity_document(m.prospect_fit, $3, 10)
		  FROM (SELECT f.tenant, f.as_of, @extschema@.btyd_fit(%4$L, b.x, b.t_x, b.t, 7,
						   @extschema@.ln_gaps(f.history, f.as_of, 7)) AS btyd_fit,
					   @extschema@.spend_fit(b.x, b.m) AS spend_fit,
					   @extschema@.logit_fit(@extschema@.propensity_label(f.history, f.as_of - 90, 90),
						   @extschema@._propensity_features($2, f.history, %5$s, f.as_of - 90), 1, 1) AS propensity_fit,
					   %6$s AS prospect_fit
				  FROM (%2$s) AS f CROSS JOIN LATERAL @extschema@.btyd(f.history, f.as_of, 7) AS b
				 GROUP BY f.tenant, f.as_of) AS m
		 WHERE k.version = %3$s AND k.tenant = m.tenant$q$, model,
		@extschema@._model_facts(model, settings, format('(%s)', @extschema@._model_question(model, settings,
			condition => format('c.version = %s', settings ->> 'version'), reader => NULL)),
			format('(%s)', @extschema@._model_customers(model, settings))),
			settings ->> 'version', settings ->> 'prediction',
			CASE WHEN @extschema@._has_streams(settings) THEN 'f.streams'
				ELSE '''{}''::@extschema@.stream_histories' END,
			-- who had not ordered then: by what they did beside
			CASE WHEN cardinality(of_streams) = 0 THEN 'NULL::jsonb' ELSE @extschema@._fill(
				'@extschema@.logit_fit(@extschema@.active_days(f.history, f.as_of, 90) > 0,'
				' @extschema@._propensity_features($4, f.history, f.streams, f.as_of - 90), 1, 1)'
				' FILTER (WHERE @extschema@.last_day(f.history, f.as_of - 90) IS NULL AND {known})',
				'known', @extschema@._known_prospect(settings, 'f', '(f.as_of - 90)')) END)
		USING @extschema@.propensity_feature_names() || of_streams,
			@extschema@._propensity_codes(
				jsonb_build_object('features', @extschema@.propensity_feature_names() || of_streams), numbers),
			of_streams, @extschema@._propensity_codes(jsonb_build_object('features', of_streams), numbers);
	PERFORM @extschema@._model_write_group_fits(model, settings);
	PERFORM @extschema@._model_write_clv_thresholds(model, settings, true);
END
$$;
COMMENT ON FUNCTION @extschema@._model_write_fits(name, jsonb) IS 'internal: fits of the version at hand';

-- What all answers on a scale say together, for each version and tenant: where it is
-- missing, or "again" for all of them, because streams have no versions. Ratings are
-- brought to 0 to 10. How much the mean of all counts in that of one customer is the
-- variance within customers divided by that between them (H. Bühlmann and E. Straub,
-- Glaubwürdigkeit für Schadensätze, 1970); 5 where that can't be known. Answers of a
-- customer to a question on one day in one class are taken as equal to their mean.
CREATE FUNCTION @extschema@._write_satisfaction(model name, settings jsonb, again boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	scales	text := (SELECT string_agg(format('(%s, %s::numeric, %s::numeric)', s.stream_no, s.low, s.high), ', '
						ORDER BY s.stream_no) FROM @extschema@._scaled_streams(settings) AS s);
	missing	boolean;
BEGIN
	IF again THEN
		EXECUTE format('UPDATE %I.calibration SET satisfaction_mean = NULL, satisfaction_weight = NULL'
			' WHERE satisfaction_mean IS NOT NULL', model);
	END IF;
	EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.calibration AS k WHERE k.satisfaction_mean IS NULL)', model)
		INTO missing;
	IF scales IS NULL OR NOT missing THEN
		RETURN;
	END IF;
	EXECUTE @extschema@._fill($q$
		-- versions differ by their windows only: a model may have hundreds
		WITH asked AS MATERIALIZED (
			SELECT DISTINCT c.window_days, (SELECT {as_of} FROM {model}.configuration AS c
			       WHERE c.valid_until IS NULL) AS as_of
			  FROM {model}.configuration AS c JOIN {model}.calibration AS k ON k.version = c.version
			 WHERE k.satisfaction_mean IS NULL
		), of_customer AS (
			SELECT a.window_days, h.tenant, h.customer_key, sum(d.events)::numeric AS n,
			       sum(d.events * r.rating) AS ratings, sum(d.events * r.rating * r.rating) AS squares
			  FROM ({customers}) AS h
			 CROSS JOIN LATERAL @extschema@.stream_kinds(h.streams) AS x
			  JOIN (VALUES {scales}) AS s (stream_no, low, high) ON s.stream_no = x.stream
			 CROSS JOIN LATERAL @extschema@.days(x.history) AS d
			 CROSS JOIN LATERAL (SELECT 10 * (d.total / d.events - s.low) / (s.high - s.low) AS rating) AS r
			  JOIN asked AS a ON d.day <= a.as_of AND (a.window_days IS NULL OR d.day > a.as_of - a.window_days)
			 WHERE d.events > 0
			 GROUP BY a.window_days, h.tenant, h.customer_key
		), of_all AS (
			SELECT o.window_days, o.tenant, count(*) FILTER (WHERE o.n >= 2) AS repeated,
			       sum(o.ratings) / sum(o.n) AS mean,
			       (sum(o.squares) - sum(o.ratings * o.ratings / o.n)) / nullif(sum(o.n) - count(*), 0) AS within,
			       (sum(o.ratings * o.ratings / o.n) - sum(o.ratings) * sum(o.ratings) / sum(o.n))
			       / nullif(count(*) - 1, 0) AS between_means,
			       (sum(o.n) - sum(o.n * o.n) / sum(o.n)) / nullif(count(*) - 1, 0) AS answers_each
			  FROM of_customer AS o GROUP BY o.window_days, o.tenant
		)
		UPDATE {model}.calibration AS k
		   SET satisfaction_mean = o.mean, satisfaction_weight = CASE
		       WHEN o.repeated >= 2 AND o.between_means > o.within
		       THEN o.within * o.answers_each / (o.between_means - o.within) ELSE 5 END
		  FROM of_all AS o JOIN {model}.configuration AS c ON c.window_days IS NOT DISTINCT FROM o.window_days
		 WHERE k.version = c.version AND k.tenant = o.tenant AND k.satisfaction_mean IS NULL$q$,
		'model', quote_ident(model), 'as_of', @extschema@._model_as_of(), 'scales', scales,
		'customers', @extschema@._model_customers(model, settings));
END
$$;
COMMENT ON FUNCTION @extschema@._write_satisfaction(name, jsonb, boolean) IS
	'internal: what all answers say together, for each version of a model';

-- The categories of a model, by the roles of its streams and the names of their kinds.
CREATE FUNCTION @extschema@._find_categories(model name, settings jsonb)
	RETURNS @extschema@._categories
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	found	@extschema@._categories;
BEGIN
	EXECUTE @extschema@._fill($q$
		SELECT NULL::date, min(n.names), array_agg(k.key ORDER BY k.key),
		       array_agg(array_position(n.names, k.kind) - 1 ORDER BY k.key),
		       array_agg(k.weight ORDER BY k.key), NULL::float8[]
		  FROM (SELECT (k.stream_no * 1024 + k.kind_no)::int AS key, k.kind::text AS kind, s.weight
		          FROM {model}.stream_kind AS k
		          JOIN @extschema@._category_streams($1) AS s ON s.stream_no = k.stream_no) AS k
		 CROSS JOIN (SELECT array_agg(DISTINCT k.kind::text COLLATE "C" ORDER BY k.kind::text COLLATE "C") AS names
		               FROM {model}.stream_kind AS k
		               JOIN @extschema@._category_streams($1) AS s ON s.stream_no = k.stream_no) AS n$q$,
		'model', quote_ident(model)) INTO found USING settings;
	RETURN found;
END
$$;
COMMENT ON FUNCTION @extschema@._find_categories(name, jsonb) IS
	'internal: the categories of the streams of a model; nothing is said of their shares';

-- What versions say of categories: the share of each in all that customers do, and
-- percentiles of the interest of a customer. It is taken where a version says nothing yet,
-- and where its categories are no longer those of the model: of the version in
-- force as of now, of an earlier one as of the day on which it was taken before.
-- An earlier version need not know what is new.
CREATE FUNCTION @extschema@._write_categories(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT @extschema@._has_streams(settings) THEN
		RETURN;
	ELSIF NOT @extschema@._has_categories(settings) THEN
		EXECUTE format('UPDATE %I.calibration AS k SET categories_on = NULL, category_names = NULL,'
			' category_keys = NULL, category_numbers = NULL, category_weights = NULL, category_shares = NULL,'
			' appetence_thresholds = NULL WHERE k.category_names IS NOT NULL', model);
		RETURN;
	END IF;
	EXECUTE @extschema@._fill($q$
		WITH stale AS MATERIALIZED (
			SELECT k.version, k.tenant, CASE WHEN c.valid_until IS NULL THEN n.today
			            ELSE coalesce(k.categories_on, n.today) END AS taken_on
			  FROM {model}.calibration AS k
			  JOIN {model}.configuration AS c ON c.version = k.version
			 CROSS JOIN (SELECT {as_of} AS today FROM {model}.configuration AS c WHERE c.valid_until IS NULL) AS n
			 WHERE k.category_names IS NULL
			    OR CASE WHEN c.valid_until IS NULL THEN k.category_shares IS NULL
			         OR (k.category_names, k.category_keys, k.category_numbers, k.category_weights)
			            IS DISTINCT FROM ($1.names, $1.keys, $1.numbers, $1.weights)
			       ELSE EXISTS (SELECT 1 FROM unnest(k.category_keys, k.category_numbers, k.category_weights)
			                                AS old (key, number, weight)
			                     WHERE NOT EXISTS (SELECT 1 FROM unnest($1.keys, $1.numbers, $1.weights)
			                                              AS new (key, number, weight)
			                                        WHERE new.key = old.key AND new.weight = old.weight
			                                          AND $1.names[new.number + 1]
			                                              = k.category_names[old.number + 1])) END
		), taken AS MATERIALIZED (
			SELECT d.tenant, d.taken_on, x.category, @extschema@.exact_sum(x.weight) AS weight,
			       @extschema@.quantile_thresholds(x.weight, 100) AS thresholds
			  FROM (SELECT DISTINCT s.tenant, s.taken_on FROM stale AS s) AS d
			  JOIN ({customers}) AS h ON h.tenant = d.tenant
			 CROSS JOIN LATERAL @extschema@._customer_categories($1, NULL, h.streams, d.taken_on) AS x
			 GROUP BY d.tenant, d.taken_on, x.category
		), summed AS MATERIALIZED (
			SELECT t.tenant, t.taken_on, @extschema@.exact_sum(t.weight) AS weight FROM taken AS t
			 GROUP BY t.tenant, t.taken_on
		)
		UPDATE {model}.calibration AS k
		   SET categories_on = s.taken_on, category_names = $1.names, category_keys = $1.keys,
		       category_numbers = $1.numbers, category_weights = $1.weights,
		       category_shares = CASE WHEN a.weight > 0 THEN
		           (SELECT array_agg(coalesce(t.weight, 0) / a.weight ORDER BY n.n)
		              FROM unnest($1.names) WITH ORDINALITY AS n (category, n)
		              LEFT JOIN taken AS t ON t.tenant = s.tenant AND t.taken_on = s.taken_on
		               AND t.category = n.category) END,
		       appetence_thresholds =
		           (SELECT array_agg(coalesce(t.thresholds[i.i], 'NaN') ORDER BY n.n, i.i)
		              FROM unnest($1.names) WITH ORDINALITY AS n (category, n)
		             CROSS JOIN generate_series(1, 99) AS i (i)
		              LEFT JOIN taken AS t ON t.tenant = s.tenant AND t.taken_on = s.taken_on
		               AND t.category = n.category)
		  FROM stale AS s LEFT JOIN summed AS a ON a.tenant = s.tenant AND a.taken_on = s.taken_on
		 WHERE k.version = s.version AND k.tenant = s.tenant$q$,
		'model', quote_ident(model), 'as_of', @extschema@._model_as_of(),
		'customers', @extschema@._model_customers(model, settings))
		USING @extschema@._find_categories(model, settings);
END
$$;
COMMENT ON FUNCTION @extschema@._write_categories(name, jsonb) IS
	'internal: the shares of categories that versions of a model lack';

-- The thresholds that are fixed by settings, whatever customers do; empty: they are
-- quantiles.
CREATE FUNCTION @extschema@._fixed_thresholds(settings jsonb, OUT recency float8[], OUT frequency float8[],
	OUT monetary float8[])
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(s.recency_thresholds,
			   CASE WHEN s.bins OPERATOR(pg_catalog.=) 5 THEN '{30,90,180,365}'::float8[] END, '{}'),
		   COALESCE(s.frequency_thresholds,
			   CASE WHEN s.bins OPERATOR(pg_catalog.=) 5 THEN '{1,2,4,9}'::float8[] END, '{}'),
		   COALESCE(s.monetary_thresholds, '{}')
	  FROM pg_catalog.jsonb_to_record(settings) AS s (bins int, recency_thresholds float8[],
		   frequency_thresholds float8[], monetary_thresholds float8[]);
END;
COMMENT ON FUNCTION @extschema@._fixed_thresholds(jsonb) IS
	'internal: the thresholds of a model that no customers change; empty: they are quantiles';

-- Thresholds as the customers say them, tenant by tenant, of an item of FROM with facts;
-- NULL where they are fixed.
CREATE FUNCTION @extschema@._taken_thresholds(settings jsonb, facts text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$(SELECT f.tenant, count(*) FILTER (WHERE f.recency_days IS NOT NULL) AS customers,
							@extschema@.quantile_thresholds(f.recency_days, {bins})
								FILTER (WHERE f.recency_days IS NOT NULL AND {recency}) AS recency,
							@extschema@.quantile_thresholds(f.frequency, {bins})
								FILTER (WHERE f.frequency > 0 AND {frequency}) AS frequency,
							@extschema@.quantile_thresholds(f.scored_value, {bins})
								FILTER (WHERE f.frequency > 0 AND {monetary}) AS monetary,
							@extschema@.quantile_thresholds(f.mean_value::float8, {bins})
								FILTER (WHERE f.frequency > 0) AS basket,
							@extschema@.quantile_thresholds(f.mean_value::float8, 2)
								FILTER (WHERE f.frequency > 0) AS median
					   FROM {facts} AS f GROUP BY f.tenant)$q$,
			'bins', settings OPERATOR(pg_catalog.->>) 'bins', 'facts', facts,
			'recency', (pg_catalog.cardinality(s.recency) OPERATOR(pg_catalog.=) 0)::text,
			'frequency', (pg_catalog.cardinality(s.frequency) OPERATOR(pg_catalog.=) 0)::text,
			'monetary', (pg_catalog.cardinality(s.monetary) OPERATOR(pg_catalog.=) 0)::text)
	  FROM @extschema@._fixed_thresholds(settings) AS s;
END;
COMMENT ON FUNCTION @extschema@._taken_thresholds(jsonb, text) IS
	'internal: an item of FROM: thresholds as the customers say them, by tenant';

-- Thresholds of the version at hand, for every tenant that has none: taken
-- from the customers, or, with measure false, only those that are fixed; with
-- measure NULL the same, for tenants with a stored history alone.
CREATE FUNCTION @extschema@._model_write_thresholds(model name, settings jsonb, measure boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	bins		int := settings ->> 'bins';
	s			record;
	people		text := settings ->> 'customers_query';
	tenants		text;
	facts		text;
	measured	boolean := coalesce(measure, false);
	written		bigint;
BEGIN
	SELECT * INTO s FROM @extschema@._fixed_thresholds(settings);
	PERFORM @extschema@._model_check_people(model, settings);
	tenants := CASE WHEN settings ->> 'tenant' IS NULL THEN 'SELECT ''''::text AS tenant'
		-- from one tenant to the next by the index: apply_changes comes every minute
		WHEN measure IS NULL THEN format('(WITH RECURSIVE known AS ('
			'SELECT min(h.tenant) AS tenant FROM %1$I.customer_histories AS h UNION ALL'
			' SELECT (SELECT min(h.tenant) FROM %1$I.customer_histories AS h WHERE h.tenant > known.tenant)'
			' FROM known WHERE known.tenant IS NOT NULL)'
			' SELECT known.tenant FROM known WHERE known.tenant IS NOT NULL)', model)
		ELSE format('SELECT h.tenant FROM (%s) AS h GROUP BY h.tenant', @extschema@._model_histories(model, settings))
			 || CASE WHEN people IS NULL THEN '' ELSE format(' UNION SELECT p.tenant FROM (%s) AS p', people) END END;
	tenants := format('SELECT k.tenant FROM (%s) AS k'
		' WHERE NOT EXISTS (SELECT 1 FROM %I.calibration AS b WHERE b.version = %s AND b.tenant = k.tenant)',
		tenants, model, settings ->> 'version');
	facts := @extschema@._model_facts(model, settings, format('(%s)', @extschema@._model_question(model, settings,
		condition => format('c.version = %s AND %L', settings ->> 'version', measured), reader => NULL,
		calibration => format('(SELECT t.tenant, %s AS version,'
			' NULL::float8[] AS recency_thresholds, NULL::float8[] AS frequency_thresholds,'
			' NULL::float8[] AS monetary_thresholds, NULL::float8[] AS basket_thresholds,'
			' NULL::jsonb AS btyd_fit, NULL::jsonb AS spend_fit, NULL::jsonb AS propensity_fit,'
			' NULL::jsonb AS prospect_fit, NULL::float8[] AS clv_thresholds,'
			' NULL::date AS categories_on, NULL::text[] AS category_names, NULL::int[] AS category_keys,'
			' NULL::int[] AS category_numbers, NULL::int[] AS category_weights, NULL::float8[] AS category_shares,'
			' NULL::float8[] AS appetence_thresholds,'
			' NULL::float8 AS satisfaction_mean, NULL::float8 AS satisfaction_weight,'
			' NULL::float8 AS median_value, NULL::jsonb AS cluster_fit'
			' FROM (%s) AS t)', settings ->> 'version', tenants))),
		format('(%s)', @extschema@._model_customers(model, settings)));
	EXECUTE format($q$
		INSERT INTO %1$I.calibration (version, tenant, calibrated_on,
			   recency_thresholds, frequency_thresholds, monetary_thresholds, basket_thresholds,
			   customers, median_value)
		SELECT %2$s, k.tenant, (SELECT %5$s FROM %1$I.configuration AS c WHERE c.version = %2$s),
			   CASE WHEN cardinality($2) > 0 OR $1 = 1 THEN $2 WHEN m.customers >= $5 THEN m.recency END,
			   CASE WHEN cardinality($3) > 0 OR $1 = 1 THEN $3 WHEN m.customers >= $5 THEN m.frequency END,
			   CASE WHEN cardinality($4) > 0 OR $1 = 1 THEN $4 WHEN m.customers >= $5 THEN m.monetary END,
			   CASE WHEN $1 = 1 THEN '{}' WHEN m.customers >= $5 THEN m.basket END, coalesce(m.customers, 0),
			   CASE WHEN m.customers >= $5 THEN m.median[1] END
		  FROM (%3$s) AS k
		  LEFT JOIN %4$s AS m ON m.tenant = k.tenant
		$q$, model, settings ->> 'version', tenants, @extschema@._taken_thresholds(settings, format('(%s)', facts)),
			@extschema@._model_as_of())
		USING bins, s.recency, s.frequency, s.monetary, (settings ->> 'minimum_customers')::int;
	GET DIAGNOSTICS written = ROW_COUNT;
	IF measured THEN
		PERFORM @extschema@._model_write_fits(model, settings);
	END IF;
	IF measure IS NOT NULL THEN
		PERFORM @extschema@._write_satisfaction(model, settings, false);
	END IF;
	PERFORM @extschema@._write_categories(model, settings);
	-- last: scores, predictions and what streams say may be inputs
	IF measured THEN
		PERFORM @extschema@._write_clusters(model, settings);
	END IF;
	-- Too few rows for autovacuum, and a table never analyzed counts as ten pages.
	IF written > 0 THEN
		EXECUTE format('ANALYZE %1$I.configuration, %1$I.calibration', model);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_write_thresholds(name, jsonb, boolean) IS
	'internal: thresholds for the version at hand';

-- The thresholds and fits of a new version: those of the version that it goes on
-- from, or taken again.
CREATE FUNCTION @extschema@._model_follow_thresholds(model name, base jsonb, settings jsonb, recalibrate boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relation	name;
BEGIN
	IF NOT recalibrate THEN
		FOREACH relation IN ARRAY '{calibration,calibration_groups}'::name[] LOOP
			EXECUTE format('INSERT INTO %1$I.%2$I SELECT n.* FROM %1$I.%2$I AS k'
				' CROSS JOIN LATERAL jsonb_populate_record(k, jsonb_build_object(''version'', $1)) AS n'
				' WHERE k.version = $2', model, relation)
				USING (settings ->> 'version')::int, (base ->> 'version')::int;
		END LOOP;
	END IF;
	PERFORM @extschema@._model_write_thresholds(model, settings, recalibrate);
	IF recalibrate THEN
		RETURN;		-- fitted again as well
	END IF;
	IF EXISTS (SELECT 1 FROM unnest(@extschema@._settings_of('fits')) AS k
				WHERE settings -> k IS DISTINCT FROM base -> k)
		OR @extschema@._has_groups(settings)
		AND @extschema@._least_group(settings) <> @extschema@._least_group(base) THEN
		PERFORM @extschema@._model_write_fits(model, settings);
	-- the same fits say another value
	ELSIF settings ->> 'prediction' IS NOT NULL
		AND EXISTS (SELECT 1 FROM unnest(@extschema@._settings_of('value')) AS k
					 WHERE settings -> k IS DISTINCT FROM base -> k) THEN
		PERFORM @extschema@._model_write_clv_thresholds(model, settings, false);
	END IF;
	IF EXISTS (SELECT 1 FROM unnest(@extschema@._settings_of('clusters')) AS k
				WHERE settings -> k IS DISTINCT FROM base -> k) THEN
		PERFORM @extschema@._write_clusters(model, settings);
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_follow_thresholds(name, jsonb, jsonb, boolean) IS
	'internal: the thresholds and fits of a new version';

-- The copy of the segment map of a new version, made if it is asked for, and labels
-- in the language of the version: in the maps of earlier versions too, because
-- dated functions show them in today's language.
CREATE FUNCTION @extschema@._model_follow_map(model name, settings jsonb, asked boolean)
	RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	followed	text := settings ->> 'map_copy';
	copies		text[];
	copy		text;
BEGIN
	IF asked THEN
		EXECUTE format('SELECT ''v'' || max(version) + 1 FROM %I.configuration', model) INTO followed;
		PERFORM @extschema@._model_copy_map(model, followed, settings || jsonb_build_object('map_copy', followed));
	END IF;
	EXECUTE format('SELECT array_agg(DISTINCT map_copy) FROM %I.configuration', model) INTO copies;
	FOREACH copy IN ARRAY copies || followed LOOP
		PERFORM @extschema@._model_complete_labels(model, copy, settings ->> 'language');
	END LOOP;
	RETURN followed;
END
$$;
COMMENT ON FUNCTION @extschema@._model_follow_map(name, jsonb, boolean) IS
	'internal: the copy of the segment map of a new version';
