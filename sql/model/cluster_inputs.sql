--
-- Layer 4: what the clusters of a model are made of. A calibration of a version holds
-- the fit of each tenant, as it holds thresholds: {"inputs": names of columns, and what
-- kmeans_fit says, "names": the clusters in words}, or instead of a fit the reason why
-- there is none. Everybody with all inputs is put to the nearest center; so the cluster
-- is known before the segment, whose rules may read it.
--

-- What is no error in a model: customers who can't be compared, and too few of them.

CREATE FUNCTION @extschema@._usable_point(point float8[])
	RETURNS float8[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'usable_point';
COMMENT ON FUNCTION @extschema@._usable_point(float8[]) IS
	'internal: a point as it is, if kmeans_fit takes it; NULL if an element is NULL, not finite or beyond 1e150';

CREATE FUNCTION @extschema@._customer_cluster(fit jsonb, point float8[])
	RETURNS int
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'customer_cluster';
COMMENT ON FUNCTION @extschema@._customer_cluster(jsonb, float8[]) IS
	'internal: kmeans_assign, but NULL where there is no fit or the point can''t be compared';

CREATE FUNCTION @extschema@._cluster_distances(fit jsonb, point float8[])
	RETURNS float8[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'cluster_distances';
COMMENT ON FUNCTION @extschema@._cluster_distances(jsonb, float8[]) IS
	'internal: the distances of a point from the center of each cluster, in scaled units; NULL as of '
	'_customer_cluster';

CREATE FUNCTION @extschema@._cluster_fit_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_fit_or_reason';
COMMENT ON FUNCTION @extschema@._cluster_fit_final(internal) IS 'part of aggregate _cluster_fit';

CREATE AGGREGATE @extschema@._cluster_fit(point float8[], k int, seed int, scaling text[]) (
	SFUNC = @extschema@._kmeans_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._points_combine,
	SERIALFUNC = @extschema@._points_serialize,
	DESERIALFUNC = @extschema@._points_deserialize,
	FINALFUNC = @extschema@._cluster_fit_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@._cluster_fit(float8[], int, int, text[]) IS
	'internal: kmeans_fit, or {"reason": "too_few_points"} where k is above the number of distinct points';

CREATE FUNCTION @extschema@._has_clusters(settings jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE((settings OPERATOR(pg_catalog.->>) 'clusters')::int OPERATOR(pg_catalog.>) 0, false);
END;
COMMENT ON FUNCTION @extschema@._has_clusters(jsonb) IS 'internal: has a model clusters?';

-- The columns that clusters can be made of: numbers that are known before the segment.
-- The expressions are over the level of scores s and what it gives names to, c. No
-- attribute is an error, whatever number it is.
CREATE FUNCTION @extschema@._cluster_columns(settings jsonb)
	RETURNS TABLE (name text, expression text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 30
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	numbers	text[] := '{int,bigint,numeric,float8}';
BEGIN
	RETURN QUERY
	SELECT c.name::text, format('%s.%I::float8', CASE WHEN c.name ~ '^rfm_' THEN 'c' ELSE 's' END, c.name)
	  FROM @extschema@._score_column AS c
	 WHERE c.part = ANY (CASE WHEN settings ->> 'prediction' IS NULL THEN '{all}' ELSE '{all,prediction}' END::text[])
	   AND c.type = ANY (numbers) AND c.condition IS NOT NULL
	UNION ALL
	SELECT c.name, format('s.%I::float8', c.name) FROM @extschema@._behaviour_columns(settings) AS c
	 WHERE c.type = ANY (numbers)
	UNION ALL
	SELECT a.name, format('CASE WHEN abs(s.%1$I::numeric) <= 1e150 THEN s.%1$I::float8'
		' WHEN s.%1$I IS NOT NULL THEN ''NaN'' END', a.name)
	  FROM unnest(@extschema@._model_names(settings, 'attributes')) AS a (name);
END
$$;
COMMENT ON FUNCTION @extschema@._cluster_columns(jsonb) IS
	'internal: the columns of customer_scores that clusters can be made of, and attributes, numbers or not';

-- Which of these inputs are columns no longer: of a stream that has been dropped.
CREATE FUNCTION @extschema@._lost_inputs(settings jsonb, inputs text[])
	RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ARRAY(SELECT u.input
				   FROM pg_catalog.unnest(inputs) WITH ORDINALITY AS u (input, n)
				  WHERE u.input OPERATOR(pg_catalog.<>)
						ALL (ARRAY(SELECT c.name FROM @extschema@._cluster_columns(settings) AS c))
				  ORDER BY u.n);
END;
COMMENT ON FUNCTION @extschema@._lost_inputs(jsonb, text[]) IS
	'internal: names of inputs that are no columns that clusters can be made of';

-- Settings of clusters that make sense by themselves, or an error. Which columns there
-- are is known when the source is: see _check_inputs.
CREATE FUNCTION @extschema@._check_clusters(settings jsonb)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	inputs	text[] := ARRAY(SELECT jsonb_array_elements_text(settings -> 'cluster_inputs'));
	methods	text[] := ARRAY(SELECT jsonb_array_elements_text(settings -> 'cluster_scaling'));
	twice	text;
	wrong	text;
BEGIN
	IF (settings ->> 'clusters')::int = 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'clusters 1 would be everybody',
			HINT = 'It is 2 to 64; 0: none.';
	END IF;
	IF cardinality(inputs) NOT BETWEEN 1 AND 16 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('cluster_inputs must be 1 to 16 columns, not %s', cardinality(inputs)),
			HINT = 'Three to six that can be named in a sentence are enough: ''{recency_days,frequency,monetary}''.';
	END IF;
	IF array_position(inputs, NULL) IS NOT NULL OR array_position(methods, NULL) IS NOT NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('%s must not hold null',
				CASE WHEN array_position(inputs, NULL) IS NULL THEN 'cluster_scaling' ELSE 'cluster_inputs' END);
	END IF;
	SELECT min(u.input) INTO twice
	  FROM (SELECT u.input FROM unnest(inputs) AS u (input) GROUP BY u.input HAVING count(*) > 1) AS u;
	IF twice IS NOT NULL THEN
		RAISE invalid_parameter_value USING MESSAGE = format('cluster_inputs: "%s" is named twice', left(twice, 100));
	END IF;
	IF cardinality(methods) NOT IN (1, cardinality(inputs)) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('cluster_scaling must be one method, or one for each of %s inputs, not %s',
				cardinality(inputs), cardinality(methods));
	END IF;
	SELECT u.method INTO wrong FROM unnest(methods) AS u (method)
	 WHERE u.method <> ALL ('{none,log1p,zscore,log1p_zscore,robust,log1p_robust}') LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('cluster_scaling "%s" is no method', left(wrong, 100)),
			HINT = 'The methods are none, log1p, zscore, log1p_zscore, robust and log1p_robust.';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._check_clusters(jsonb) IS
	'internal: refuse settings of clusters that make no sense';

-- What the question says of clusters: the fit of a calibration k, as an item of SELECT.
-- A day of a version without clusters is seen by those of today, unless somebody has
-- asked for that version ("may_fill").
CREATE FUNCTION @extschema@._cluster_question(settings jsonb, may_fill text DEFAULT NULL)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._has_clusters(settings) THEN @extschema@._fill(
		', @extschema@._plain(CASE WHEN c.clusters > 0 THEN COALESCE(k.cluster_fit, {not_calibrated})'
		' ELSE {otherwise} END) AS cluster_fit',
		'not_calibrated', '''{"reason": "not_calibrated"}''::jsonb',
		'otherwise', CASE WHEN may_fill IS NULL THEN '''{"reason": "not_in_version"}''::jsonb'
			ELSE @extschema@._fill('COALESCE((SELECT n.cluster_fit FROM {home}.configuration AS o, {home}.calibration'
				' AS n WHERE o.valid_until IS NULL AND n.version = o.version AND n.tenant = k.tenant AND ({may_fill})),'
				' ''{"reason": "not_in_version"}''::jsonb)',
				'home', pg_catalog.quote_ident(settings OPERATOR(pg_catalog.->>) 'home'), 'may_fill', may_fill) END)
		ELSE '' END;
END;
COMMENT ON FUNCTION @extschema@._cluster_question(jsonb, text) IS
	'internal: what the question says of clusters, as an item of SELECT';

-- Why a customer has no cluster.
CREATE FUNCTION @extschema@._cluster_reason(fit jsonb, point float8[], lost boolean, no_order_reason text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN fit OPERATOR(pg_catalog.->>) 'reason' IS NOT NULL THEN fit OPERATOR(pg_catalog.->>) 'reason'
		WHEN lost THEN 'input_dropped'
		WHEN pg_catalog.array_position(point, NULL) IS NOT NULL THEN COALESCE(no_order_reason, 'input_missing')
		ELSE 'input_not_finite' END;
END;
COMMENT ON FUNCTION @extschema@._cluster_reason(jsonb, float8[], boolean, text) IS
	'internal: why a customer has no cluster';

-- The clusters of customers s with scores c, as items of FROM, which give names to
-- cluster_point, cluster_lost and cluster. Versions may have other inputs than the model has
-- now: each has its array.
CREATE FUNCTION @extschema@._cluster_items(settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	lists	text[];		-- of inputs, as jsonb
	points	text;
	lost	text;
BEGIN
	IF NOT @extschema@._has_clusters(settings) THEN
		RETURN '';
	END IF;
	EXECUTE format('SELECT array_agg(DISTINCT to_jsonb(c.cluster_inputs)::text) FROM %I.configuration AS c'
		' WHERE c.clusters > 0', settings ->> 'home') INTO lists;
	SELECT string_agg(format(CASE cardinality(lists) WHEN 1 THEN '%2$s' ELSE E'\n WHEN %1$L THEN %2$s' END,
			   l.list, l.point), '' ORDER BY l.list),
		   string_agg(quote_literal(l.list), ', ' ORDER BY l.list) FILTER (WHERE l.is_lost)
	  INTO points, lost
	  FROM (SELECT u.list, format('ARRAY[%s]::float8[]', string_agg(coalesce(c.expression, 'NULL'), ', ' ORDER BY i.n))
				   AS point, bool_or(c.name IS NULL) AS is_lost
			  FROM unnest(lists) AS u (list)
			 CROSS JOIN LATERAL jsonb_array_elements_text(u.list::jsonb) WITH ORDINALITY AS i (input, n)
			  LEFT JOIN @extschema@._cluster_columns(settings) AS c ON c.name = i.input
			 GROUP BY u.list) AS l;
	RETURN @extschema@._fill($q$,
       LATERAL (SELECT {point} AS cluster_point, {lost} AS cluster_lost{one}) AS p,
       LATERAL (SELECT @extschema@._customer_cluster(s.cluster_fit, p.cluster_point) AS cluster{one}) AS u$q$,
		'one', @extschema@._one_row(settings),
		'point', CASE cardinality(lists) WHEN 1 THEN points
			ELSE format(E'CASE s.cluster_fit -> ''inputs''%s END', points) END,
		'lost', CASE WHEN lost IS NULL THEN 'false'
			ELSE format('(s.cluster_fit -> ''inputs'')::text IN (%s)', lost) END);
END
$$;
COMMENT ON FUNCTION @extschema@._cluster_items(jsonb) IS
	'internal: the clusters of customers, as items of FROM';

-- The language of the names of clusters.
CREATE FUNCTION @extschema@._cluster_language(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN settings OPERATOR(pg_catalog.->>) 'language' OPERATOR(pg_catalog.~) '^fr(-|$)' THEN 'fr'
		ELSE 'en' END;
END;
COMMENT ON FUNCTION @extschema@._cluster_language(jsonb) IS 'internal: the language of the names of clusters';

-- Twelve colors that can be told apart, again and again.
CREATE FUNCTION @extschema@._cluster_color(cluster int)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ('{#4E79A7,#F28E2B,#59A14F,#E15759,#76B7B2,#EDC948,#B07AA1,#9C755F,#D37295,#A0CBE8,#8CD17D,#79706E}'
			::pg_catalog.text[])[(cluster OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.%) 12 OPERATOR(pg_catalog.+) 1];
END;
COMMENT ON FUNCTION @extschema@._cluster_color(int) IS 'internal: the color of a cluster in charts';

-- The clusters of a question q as an item of FROM: number and name. Names are made of means,
-- which must not be of few people when the model was calibrated either.
CREATE FUNCTION @extschema@._named_clusters(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format(CASE WHEN (settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int = 1
		THEN 'LATERAL jsonb_array_elements_text(q.cluster_fit -> ''names'' -> %1$L)'
			' WITH ORDINALITY AS n (cluster_name, cluster)'
		ELSE 'LATERAL (SELECT CASE WHEN (q.cluster_fit -> ''sizes'' ->> (u.cluster - 1)::int)::float8 >= %2$s'
			' THEN u.cluster_name END AS cluster_name, u.cluster'
			' FROM jsonb_array_elements_text(q.cluster_fit -> ''names'' -> %1$L)'
			' WITH ORDINALITY AS u (cluster_name, cluster)) AS n' END,
		@extschema@._cluster_language(settings), settings OPERATOR(pg_catalog.->>) 'minimum_group_size');
END;
COMMENT ON FUNCTION @extschema@._named_clusters(jsonb) IS 'internal: the clusters of a question, as an item of FROM';

-- What each level says of clusters, as items of SELECT.
CREATE FUNCTION @extschema@._cluster_level(settings jsonb, level text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._has_clusters(settings) THEN CASE level
		WHEN 'facts' THEN ', q.cluster_fit'
		WHEN 'scored' THEN ', f.cluster_fit'
		WHEN 'scores' THEN ', s.cluster_fit, p.cluster_point, u.cluster,'
			' CASE WHEN u.cluster IS NULL THEN @extschema@._cluster_reason(s.cluster_fit, p.cluster_point,'
			' p.cluster_lost, CASE WHEN s.recency_days IS NULL THEN s.no_order_reason END) END AS cluster_reason'
		WHEN 'wide' THEN @extschema@._fill(', s.cluster, {name} AS cluster_name, s.cluster_reason',
			'name', pg_catalog.format('s.cluster_fit -> ''names'' -> %L ->> (s.cluster - 1)',
				@extschema@._cluster_language(settings))) END
		ELSE '' END;
END;
COMMENT ON FUNCTION @extschema@._cluster_level(jsonb, text) IS
	'internal: what a level says of clusters, as items of SELECT';
