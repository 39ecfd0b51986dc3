--
-- Layer 4: what readers see of clusters, and what calls say of them.
--

-- The query of the view clusters, of all groups.
CREATE FUNCTION @extschema@._clusters_query(model name, settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
WITH counted AS MATERIALIZED (
	SELECT s.tenant, s.cluster, s.segment, count(*) AS customers, sum(s.monetary) AS revenue
	  FROM {model}._scores AS s WHERE s.cluster IS NOT NULL GROUP BY s.tenant, s.cluster, s.segment
), nearest AS (
	SELECT DISTINCT ON (c.tenant, c.cluster) c.tenant, c.cluster, c.segment, l.label, c.customers
	  FROM counted AS c
	  LEFT JOIN {model}.segment_label AS l ON l.map = {map} AND l.segment = c.segment AND l.language = {language}
	 WHERE c.segment IS NOT NULL ORDER BY c.tenant, c.cluster, c.customers DESC, l.display_order, c.segment
)
SELECT q.as_of, {tenant} AS tenant, n.cluster::int AS cluster, n.cluster_name,
       COALESCE(s.customers, 0) AS customers,
       COALESCE(s.customers, 0) / NULLIF(sum(s.customers) OVER w, 0)::float8 AS customers_share,
       COALESCE(s.revenue, 0)::{money} AS revenue,
       (greatest(COALESCE(s.revenue, 0), 0) / NULLIF(sum(greatest(s.revenue, 0)) OVER w, 0))::float8 AS revenue_share,
       b.segment::text AS nearest_segment, b.label AS nearest_segment_label,
       b.customers / s.customers::float8 AS nearest_segment_share,
       @extschema@._cluster_color(n.cluster::int) AS cluster_color
  FROM {model}._question AS q CROSS JOIN {named}
  LEFT JOIN (SELECT c.tenant, c.cluster, sum(c.customers)::bigint AS customers, sum(c.revenue) AS revenue
               FROM counted AS c GROUP BY c.tenant, c.cluster) AS s ON s.tenant = q.tenant AND s.cluster = n.cluster
  LEFT JOIN nearest AS b ON b.tenant = q.tenant AND b.cluster = n.cluster
WINDOW w AS (PARTITION BY q.tenant)
 ORDER BY q.tenant, n.cluster$q$,
		'model', pg_catalog.quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 'q'),
		'money', @extschema@._model_money(settings), 'named', @extschema@._named_clusters(settings),
		'map', pg_catalog.quote_literal(settings OPERATOR(pg_catalog.->>) 'map_copy'),
		'language', pg_catalog.quote_literal(settings OPERATOR(pg_catalog.->>) 'language'));
END;
COMMENT ON FUNCTION @extschema@._clusters_query(name, jsonb) IS
	'internal: the query of the view clusters, of all groups';

-- The query of the view cluster_inputs, of all groups. Sums of doubles are exact, or the
-- plan would show.
CREATE FUNCTION @extschema@._cluster_inputs_query(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	sums	text;
	items	text;
BEGIN
	SELECT string_agg(format(', @extschema@.exact_sum(s.cluster_point[%1$s]) AS sum_%1$s', u.n), '' ORDER BY u.n),
		   string_agg(format('(%1$s, %2$L, s.sum_%1$s)', u.n, u.input), ', ' ORDER BY u.n) INTO sums, items
	  FROM unnest(@extschema@._model_names(settings, 'cluster_inputs')) WITH ORDINALITY AS u (input, n);
	RETURN @extschema@._fill($q$
SELECT m.as_of, m.tenant, m.cluster, m.cluster_name, m.input, m.mean, m.mean_of_all,
       100 * m.mean / NULLIF(greatest(m.mean_of_all, 0), 0) AS index, m.customers, m.input_order,
       @extschema@._cluster_color(m.cluster) AS cluster_color
  FROM (SELECT q.as_of, {tenant} AS tenant, q.tenant AS of_tenant, n.cluster::int AS cluster, n.cluster_name,
               i.input, i.input_order, COALESCE(s.customers, 0) AS customers, i.sum / s.customers AS mean,
               @extschema@.exact_sum(i.sum) OVER w / NULLIF(sum(s.customers) OVER w, 0)::float8 AS mean_of_all
          FROM {model}._question AS q CROSS JOIN {named}
          LEFT JOIN (SELECT s.tenant, s.cluster, count(*) AS customers{sums}
                       FROM {model}._scores AS s WHERE s.cluster IS NOT NULL GROUP BY s.tenant, s.cluster) AS s
                 ON s.tenant = q.tenant AND s.cluster = n.cluster
         CROSS JOIN LATERAL (VALUES {items}) AS i (input_order, input, sum)
        WINDOW w AS (PARTITION BY q.tenant, i.input_order)) AS m
 ORDER BY m.of_tenant, m.cluster, m.input_order$q$,
		'model', quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 'q'), 'sums', sums, 'items', items,
		'named', @extschema@._named_clusters(settings));
END
$$;
COMMENT ON FUNCTION @extschema@._cluster_inputs_query(name, jsonb) IS
	'internal: the query of the view cluster_inputs, of all groups';

-- A model that has once had clusters keeps the views; without them they are empty.
CREATE FUNCTION @extschema@._cluster_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	has		boolean := @extschema@._has_clusters(settings);
BEGIN
	IF NOT has AND to_regclass(home || '.clusters') IS NULL THEN
		RETURN;
	END IF;
	RETURN NEXT @extschema@._model_view('clusters', @extschema@._model_hide_groups(settings, home || '._shown',
			CASE WHEN has THEN @extschema@._clusters_query(model, settings) ELSE
				format('SELECT NULL::date AS as_of, NULL::text AS tenant, NULL::int AS cluster,'
					' NULL::text AS cluster_name, NULL::bigint AS customers, NULL::float8 AS customers_share,'
					' NULL::%s AS revenue, NULL::float8 AS revenue_share, NULL::text AS nearest_segment,'
					' NULL::text AS nearest_segment_label, NULL::float8 AS nearest_segment_share,'
					' NULL::text AS cluster_color WHERE false', @extschema@._model_money(settings)) END,
			'{as_of,tenant,cluster,cluster_name,customers,customers_share,revenue,revenue_share,nearest_segment,'
			'nearest_segment_label,nearest_segment_share,cluster_color}',
			-- names are made of means
			'{cluster_name,customers,customers_share,revenue,revenue_share,nearest_segment,nearest_segment_label,'
			'nearest_segment_share}',
			$q$'cluster:' || q.cluster$q$, $q$'n:cluster'$q$, 'q.tenant', 'q.tenant, q.cluster',
			(SELECT jsonb_object_agg(u.c, jsonb_build_array(
				$q$'cluster:' || q.cluster || '=' || q.nearest_segment$q$, 'q.nearest_segment IS NULL'))
			   FROM unnest('{nearest_segment,nearest_segment_label,nearest_segment_share}'::text[]) AS u (c))),
		'customers and revenue by cluster, with a name in words and the segment that most of them are in');
	RETURN NEXT @extschema@._model_view('cluster_inputs', @extschema@._model_hide_groups(settings, home || '._shown',
			CASE WHEN has THEN @extschema@._cluster_inputs_query(model, settings) ELSE
				'SELECT NULL::date AS as_of, NULL::text AS tenant, NULL::int AS cluster, NULL::text AS cluster_name,'
				' NULL::text AS input, NULL::float8 AS mean, NULL::float8 AS mean_of_all, NULL::float8 AS index,'
				' NULL::bigint AS customers, NULL::int AS input_order, NULL::text AS cluster_color WHERE false' END,
			'{as_of,tenant,cluster,cluster_name,input,mean,mean_of_all,index,customers,input_order,cluster_color}',
			'{cluster_name,mean,mean_of_all,index,customers}',
			$q$'cluster:' || q.cluster$q$, $q$'n:cluster'$q$, 'q.tenant, q.input_order',
			'q.tenant, q.cluster, q.input_order',
			$q${"mean_of_all": ["'n:cluster'", "false"], "index": ["'n:cluster'", "false"]}$q$),
		'the means of each cluster by input, beside those of all: long form, a row for each cluster and input');
END
$$;
COMMENT ON FUNCTION @extschema@._cluster_views(name, jsonb) IS 'internal: the views of a model about clusters';

-- The cluster of a customer, and how near the next one is.
CREATE FUNCTION @extschema@._explain_cluster(info jsonb, language text)
	RETURNS TABLE (topic text, value text, explanation text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT 'cluster', @extschema@._explain_text('cluster', language, c.cluster::text,
			   n.names OPERATOR(pg_catalog.->>) (c.cluster OPERATOR(pg_catalog.-) 1)),
		   @extschema@._explain_text('cluster distance', language,
			   @extschema@._explain_number(
				   (c.distances OPERATOR(pg_catalog.->>) (c.cluster OPERATOR(pg_catalog.-) 1))::numeric, 2, language),
			   o.n::text, n.names OPERATOR(pg_catalog.->>) (o.n OPERATOR(pg_catalog.-) 1)::int,
			   @extschema@._explain_number(o.distance, 2, language))
	  FROM (SELECT (info OPERATOR(pg_catalog.#>>) '{customer,cluster}')::int AS cluster,
				   info OPERATOR(pg_catalog.#>) '{customer,clusters,distances}' AS distances) AS c
	 CROSS JOIN LATERAL (SELECT info OPERATOR(pg_catalog.#>) ARRAY['customer', 'clusters', 'names', language]
							AS names) AS n
	 CROSS JOIN LATERAL (SELECT d.n, d.distance::numeric AS distance
						   FROM pg_catalog.jsonb_array_elements_text(c.distances) WITH ORDINALITY AS d (distance, n)
						  WHERE d.n OPERATOR(pg_catalog.<>) c.cluster
						  ORDER BY d.distance::numeric, d.n LIMIT 1) AS o
	 WHERE c.cluster IS NOT NULL AND pg_catalog.jsonb_typeof(c.distances) OPERATOR(pg_catalog.=) 'array';
END;
COMMENT ON FUNCTION @extschema@._explain_cluster(jsonb, text) IS 'internal: the row of explain_score on the cluster';

/* ---- reports ---- */

-- What a version says of its clusters, beside the version before: who has another one, by
-- the same inputs on the same day. With tenants, a line for each.
CREATE FUNCTION @extschema@._cluster_lines(model name, settings jsonb, old_version int DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	inputs	text[] := @extschema@._model_names(settings, 'cluster_inputs');
	fit		record;
BEGIN
	IF NOT @extschema@._has_clusters(settings) THEN
		RETURN QUERY EXECUTE format($q$
			SELECT 'note', format('segment map %%s asks for cluster, which nobody has in this model;'
				' with clusters => 5 customers have it', $2)
			 WHERE EXISTS (SELECT 1 FROM %I.segment_rule AS r
			                WHERE r.map = $1
			                  AND jsonb_path_exists(r.conditions, 'strict $.**.column ? (@ == "cluster")'))$q$,
			model) USING settings ->> 'map_copy', settings ->> 'segment_map';
		RETURN;
	END IF;
	FOR fit IN EXECUTE @extschema@._fill($q$
		WITH fits AS MATERIALIZED (
			SELECT k.tenant, @extschema@._plain(k.cluster_fit) AS fit,
			       @extschema@._plain(CASE WHEN b.cluster_fit ? 'family'
			           AND b.cluster_fit -> 'inputs' = k.cluster_fit -> 'inputs' THEN b.cluster_fit END) AS old_fit
			  FROM {model}.calibration AS k
			  LEFT JOIN {model}.calibration AS b ON b.version = $1 AND b.tenant = k.tenant
			 WHERE k.version = $2
		), counted AS (
			SELECT s.tenant, s.old_cluster, s.cluster, count(*) AS customers
			  FROM (SELECT f.tenant, @extschema@._customer_cluster(f.old_fit, s.cluster_point) AS old_cluster,
			               @extschema@._customer_cluster(f.fit, s.cluster_point) AS cluster
			          FROM fits AS f JOIN ({scores}) AS s ON s.tenant = f.tenant) AS s
			 GROUP BY s.tenant, s.old_cluster, s.cluster
		)
		SELECT f.tenant, f.fit, f.old_fit IS NOT NULL AS has_old, coalesce(c.customers, 0) AS customers,
		       coalesce(c.moved, 0) AS moved,
		       CASE WHEN f.tenant = '' THEN
		           (SELECT jsonb_object_agg(n.cluster, n.customers)
		              FROM (SELECT c.cluster, sum(c.customers) AS customers FROM counted AS c
		                     WHERE c.cluster IS NOT NULL GROUP BY c.cluster) AS n) END AS sizes,
		       CASE WHEN f.tenant = '' THEN
		           (SELECT jsonb_object_agg(n.cluster, n.customers)
		              FROM (SELECT c.old_cluster AS cluster, sum(c.customers) AS customers FROM counted AS c
		                     WHERE c.old_cluster IS NOT NULL GROUP BY c.old_cluster) AS n) END AS old_sizes
		  FROM fits AS f
		  LEFT JOIN (SELECT c.tenant, sum(c.customers) FILTER (WHERE c.cluster IS NOT NULL) AS customers,
		                    sum(c.customers) FILTER (WHERE c.cluster <> c.old_cluster) AS moved
		               FROM counted AS c GROUP BY c.tenant) AS c ON c.tenant = f.tenant
		 ORDER BY f.tenant$q$,
		'model', quote_ident(model), 'scores', @extschema@._model_levels(model, settings,
			format('(%s)', @extschema@._model_question(model, settings,
				condition => format('c.version = %s', settings ->> 'version'), reader => NULL)),
			format('(%s)', @extschema@._model_customers(model, settings)), ARRAY[settings ->> 'map_copy']))
		USING old_version, (settings ->> 'version')::int
	LOOP
		IF NOT fit.fit ? 'family' THEN
			RETURN QUERY SELECT concat_ws(' ', 'clusters', nullif(fit.tenant, '')),
				concat('no fit, ', fit.fit ->> 'reason', CASE fit.fit ->> 'reason'
					WHEN 'too_few_points' THEN format(': %s different customers for %s clusters',
						coalesce(fit.fit ->> 'distinct', '0'), settings ->> 'clusters')
					WHEN 'input_dropped' THEN format(': alter_model(%L, cluster_inputs => ...); lost: %s', model,
						array_to_string(@extschema@._lost_inputs(settings, inputs), ', ')) END);
			CONTINUE;
		END IF;
		RETURN QUERY SELECT concat_ws(' ', 'clusters', nullif(fit.tenant, '')),
			CASE WHEN fit.has_old
				THEN format('%s of %s customers have another one than before', fit.moved, fit.customers)
				ELSE format('%s of %s customers, by %s', jsonb_array_length(fit.fit -> 'sizes'), fit.customers,
					array_to_string(inputs, ', ')) END;
		CONTINUE WHEN fit.tenant <> '';
		RETURN QUERY SELECT 'cluster ' || u.n, format('%s: %s customers', u.name, concat(CASE WHEN fit.has_old
				THEN coalesce(fit.old_sizes ->> u.n::text, '0') || ' -> ' END,
				coalesce(fit.sizes ->> u.n::text, '0')))
			FROM jsonb_array_elements_text(fit.fit -> 'names' -> @extschema@._cluster_language(settings))
				 WITH ORDINALITY AS u (name, n) ORDER BY u.n;
		RETURN QUERY SELECT 'note', replace(n.note ->> 'text', format('input %s ', n.note ->> 'input'),
				format('input %s ', inputs[(n.note ->> 'input')::int]))
			FROM jsonb_array_elements(fit.fit -> 'notes') WITH ORDINALITY AS n (note, n) ORDER BY n.n;
		RETURN QUERY SELECT 'note', format('cluster %s is another group than before, or nearly: its center has moved'
				' by %s, more than half of the way to the next one', m.value ->> 'cluster',
				round((m.value ->> 'moved')::numeric, 2))
			FROM jsonb_array_elements(fit.fit -> 'matched') WITH ORDINALITY AS m (value, n)
			WHERE (m.value ->> 'moved')::float8 > 0.5 * (
				SELECT min(d.distance) FROM unnest(@extschema@._cluster_distances(fit.fit,
					ARRAY(SELECT jsonb_array_elements_text(fit.fit -> 'centers' -> (m.n - 1)::int)::float8)))
					WITH ORDINALITY AS d (distance, n) WHERE d.n <> m.n)
			ORDER BY m.n;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._cluster_lines(name, jsonb, int) IS
	'internal: what a version says of its clusters, and who has another one than by the version before';
