--
-- Layer 4: the clusters of a version of a model: its inputs checked, its fits, and
-- names for clusters in words, English and French.
--

-- The inputs are numbers of the model, or an error. Where nothing about clusters is asked
-- for, an input that was lost before, with a stream, is none: customers have a reason then.
CREATE FUNCTION @extschema@._check_inputs(settings jsonb, earlier jsonb DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	inputs	text[] := @extschema@._model_names(settings, 'cluster_inputs');
	lost	text[];
	wrong	record;
BEGIN
	IF NOT @extschema@._has_clusters(settings) THEN
		RETURN;
	END IF;
	lost := @extschema@._lost_inputs(settings, inputs);
	IF NOT EXISTS (SELECT 1 FROM unnest(@extschema@._settings_of('clusters')) AS k
					WHERE settings -> k IS DISTINCT FROM earlier -> k) THEN
		lost := ARRAY(SELECT unnest(lost) EXCEPT SELECT unnest(@extschema@._lost_inputs(earlier, inputs)));
	END IF;
	IF lost <> '{}' THEN
		RAISE undefined_column USING
			MESSAGE = format('cluster_inputs: "%s" is no number that the model has of customers', left(lost[1], 100)),
			HINT = format('They are %s.', (SELECT string_agg(c.name, ', ' ORDER BY c.n)
				FROM @extschema@._cluster_columns(settings) WITH ORDINALITY AS c (name, expression, n)));
	END IF;
	IF NOT inputs && @extschema@._model_names(settings, 'attributes') THEN
		RETURN;
	END IF;
	SELECT c.attname, format_type(c.atttypid, NULL) AS type INTO wrong
	  FROM @extschema@._model_query_columns(settings ->> 'customers_query') AS c
	 WHERE c.attname = ANY (inputs) AND c.attname = ANY (@extschema@._model_names(settings, 'attributes'))
	   AND @extschema@._model_base_type(c.atttypid)
		   <> ALL ('{int2,int4,int8,numeric,float4,float8}'::regtype[]::oid[])
	 ORDER BY array_position(inputs, c.attname::text) LIMIT 1;
	IF FOUND THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('cluster_inputs: attribute "%s" is of type %s, not a number', wrong.attname, wrong.type),
			HINT = 'Give customers as a SELECT where it is one.';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._check_inputs(jsonb, jsonb) IS
	'internal: refuse inputs of clusters that are no numbers of a model';

/* ---- names ---- */

CREATE TABLE @extschema@._cluster_word (
	input		text COLLATE "C",
	level		text COLLATE "C",
	language	text COLLATE "C",
	word		text NOT NULL,
	PRIMARY KEY (input, level, language)
);
COMMENT ON TABLE @extschema@._cluster_word IS 'internal: what the names of clusters are made of';
COMMENT ON COLUMN @extschema@._cluster_word.input IS 'the input; empty: any other, and what is said of none';
COMMENT ON COLUMN @extschema@._cluster_word.level IS
	'far_below, below, above, far_above: how the cluster stands to all; none, one: its mean; figure: its mean told';
COMMENT ON COLUMN @extschema@._cluster_word.language IS 'en or fr';
COMMENT ON COLUMN @extschema@._cluster_word.word IS
	'how it is said, in French of customers: a pattern of format(), of a number or the name of the input';
GRANT SELECT ON @extschema@._cluster_word TO PUBLIC;

INSERT INTO @extschema@._cluster_word
SELECT w.input, w.level, l.language, l.word FROM (VALUES
	('', 'average', 'average', 'dans la moyenne'),
	('', 'far_below', '%s far below average', '%s très au-dessous de la moyenne'),
	('', 'below', '%s below average', '%s au-dessous de la moyenne'),
	('', 'above', '%s above average', '%s au-dessus de la moyenne'),
	('', 'far_above', '%s far above average', '%s très au-dessus de la moyenne'),
	('', 'figure', '%2$s %1$s', '%2$s %1$s'),
	('recency_days', 'far_below', 'very recent', 'très récents'),
	('recency_days', 'below', 'recent', 'récents'),
	('recency_days', 'above', 'inactive', 'inactifs'),
	('recency_days', 'far_above', 'long inactive', 'longtemps inactifs'),
	('recency_days', 'figure', 'last order %s days ago', 'dernière commande il y a %s jours'),
	('frequency', 'none', 'no order in the period', 'aucune commande sur la période'),
	('frequency', 'one', 'one order', 'une commande'),
	('frequency', 'far_below', 'very few orders', 'très peu de commandes'),
	('frequency', 'below', 'few orders', 'peu de commandes'),
	('frequency', 'above', 'frequent', 'fréquents'),
	('frequency', 'far_above', 'very frequent', 'très fréquents'),
	('frequency', 'figure', '%s orders', '%s commandes'),
	('monetary', 'far_below', 'very low value', 'très faible valeur'),
	('monetary', 'below', 'low value', 'faible valeur'),
	('monetary', 'above', 'high value', 'forte valeur'),
	('monetary', 'far_above', 'very high value', 'très forte valeur'),
	('monetary', 'figure', 'value %s', 'valeur %s'),
	('mean_value', 'far_below', 'very small baskets', 'très petits paniers'),
	('mean_value', 'below', 'small baskets', 'petits paniers'),
	('mean_value', 'above', 'large baskets', 'gros paniers'),
	('mean_value', 'far_above', 'very large baskets', 'très gros paniers'),
	('mean_value', 'figure', 'basket of %s', 'panier de %s'),
	('tenure_days', 'far_below', 'very new', 'tout nouveaux'),
	('tenure_days', 'below', 'fairly new', 'assez nouveaux'),
	('tenure_days', 'above', 'long-standing', 'anciens'),
	('tenure_days', 'far_above', 'very long-standing', 'très anciens'),
	('tenure_days', 'figure', 'first order %s days ago', 'première commande il y a %s jours'),
	('silence_ratio', 'far_below', 'well within their rhythm', 'bien dans leur rythme'),
	('silence_ratio', 'below', 'within their rhythm', 'dans leur rythme'),
	('silence_ratio', 'above', 'silent longer than usual', 'silencieux plus longtemps que d''habitude'),
	('silence_ratio', 'far_above', 'silent far longer than usual', 'silencieux bien plus longtemps que d''habitude'),
	('silence_ratio', 'figure', 'silent for %s usual gaps', 'silencieux depuis %s intervalles habituels'),
	('r_score', 'far_below', 'very low recency score', 'score de récence très bas'),
	('r_score', 'below', 'low recency score', 'score de récence bas'),
	('r_score', 'above', 'high recency score', 'score de récence élevé'),
	('r_score', 'far_above', 'very high recency score', 'score de récence très élevé'),
	('r_score', 'figure', 'recency score %s', 'score de récence %s'),
	('f_score', 'far_below', 'very low frequency score', 'score de fréquence très bas'),
	('f_score', 'below', 'low frequency score', 'score de fréquence bas'),
	('f_score', 'above', 'high frequency score', 'score de fréquence élevé'),
	('f_score', 'far_above', 'very high frequency score', 'score de fréquence très élevé'),
	('f_score', 'figure', 'frequency score %s', 'score de fréquence %s'),
	('m_score', 'far_below', 'very low monetary score', 'score de montant très bas'),
	('m_score', 'below', 'low monetary score', 'score de montant bas'),
	('m_score', 'above', 'high monetary score', 'score de montant élevé'),
	('m_score', 'far_above', 'very high monetary score', 'score de montant très élevé'),
	('m_score', 'figure', 'monetary score %s', 'score de montant %s'),
	('basket_score', 'far_below', 'very low basket score', 'score de panier très bas'),
	('basket_score', 'below', 'low basket score', 'score de panier bas'),
	('basket_score', 'above', 'high basket score', 'score de panier élevé'),
	('basket_score', 'far_above', 'very high basket score', 'score de panier très élevé'),
	('basket_score', 'figure', 'basket score %s', 'score de panier %s'),
	('rfm_score', 'far_below', 'very low RFM score', 'score RFM très bas'),
	('rfm_score', 'below', 'low RFM score', 'score RFM bas'),
	('rfm_score', 'above', 'high RFM score', 'score RFM élevé'),
	('rfm_score', 'far_above', 'very high RFM score', 'score RFM très élevé'),
	('rfm_score', 'figure', 'RFM score %s', 'score RFM %s'),
	('rfm_score_change', 'far_below', 'falling fast', 'en forte baisse'),
	('rfm_score_change', 'below', 'falling', 'en baisse'),
	('rfm_score_change', 'above', 'rising', 'en hausse'),
	('rfm_score_change', 'far_above', 'rising fast', 'en forte hausse'),
	('rfm_score_change', 'figure', 'RFM score changed by %s', 'score RFM changé de %s'),
	('churn_probability', 'far_below', 'hardly at risk of leaving', 'presque sans risque de départ'),
	('churn_probability', 'below', 'little risk of leaving', 'faible risque de départ'),
	('churn_probability', 'above', 'high risk of leaving', 'fort risque de départ'),
	('churn_probability', 'far_above', 'very high risk of leaving', 'très fort risque de départ'),
	('churn_probability', 'figure', 'probability of having left %s', 'probabilité de départ %s'),
	('expected_orders_90d', 'far_below', 'hardly an order expected', 'presque aucune commande attendue'),
	('expected_orders_90d', 'below', 'few orders expected', 'peu de commandes attendues'),
	('expected_orders_90d', 'above', 'many orders expected', 'beaucoup de commandes attendues'),
	('expected_orders_90d', 'far_above', 'very many orders expected', 'de très nombreuses commandes attendues'),
	('expected_orders_90d', 'figure', '%s orders expected', '%s commandes attendues'),
	('active_90d_probability', 'far_below', 'hardly a chance of an order', 'presque aucune chance de commande'),
	('active_90d_probability', 'below', 'little chance of an order', 'peu de chances de commande'),
	('active_90d_probability', 'above', 'good chance of an order', 'bonnes chances de commande'),
	('active_90d_probability', 'far_above', 'very good chance of an order', 'très bonnes chances de commande'),
	('active_90d_probability', 'figure', 'probability of an order %s', 'probabilité de commande %s'),
	('clv_12m', 'far_below', 'very low lifetime value', 'très faible valeur à venir'),
	('clv_12m', 'below', 'low lifetime value', 'faible valeur à venir'),
	('clv_12m', 'above', 'high lifetime value', 'forte valeur à venir'),
	('clv_12m', 'far_above', 'very high lifetime value', 'très forte valeur à venir'),
	('clv_12m', 'figure', 'lifetime value %s', 'valeur à venir %s'),
	('clv_score', 'far_below', 'very low lifetime value', 'très faible valeur à venir'),
	('clv_score', 'below', 'low lifetime value', 'faible valeur à venir'),
	('clv_score', 'above', 'high lifetime value', 'forte valeur à venir'),
	('clv_score', 'far_above', 'very high lifetime value', 'très forte valeur à venir'),
	('clv_score', 'figure', 'lifetime value score %s', 'score de valeur à venir %s'),
	('propensity_90d', 'far_below', 'very unlikely to order', 'commande très peu probable'),
	('propensity_90d', 'below', 'unlikely to order', 'commande peu probable'),
	('propensity_90d', 'above', 'likely to order', 'commande probable'),
	('propensity_90d', 'far_above', 'very likely to order', 'commande très probable'),
	('propensity_90d', 'figure', 'probability of an order %s', 'probabilité d''une commande %s'),
	('engagement_score', 'far_below', 'hardly engaged', 'très peu engagés'),
	('engagement_score', 'below', 'less engaged', 'moins engagés'),
	('engagement_score', 'above', 'engaged', 'engagés'),
	('engagement_score', 'far_above', 'very engaged', 'très engagés'),
	('engagement_score', 'figure', 'engagement %s', 'engagement %s'),
	('satisfaction_score', 'far_below', 'far less satisfied', 'bien moins satisfaits'),
	('satisfaction_score', 'below', 'less satisfied', 'moins satisfaits'),
	('satisfaction_score', 'above', 'more satisfied', 'plus satisfaits'),
	('satisfaction_score', 'far_above', 'far more satisfied', 'bien plus satisfaits'),
	('satisfaction_score', 'figure', 'satisfaction %s', 'satisfaction %s'))
	AS w (input, level, en, fr)
 CROSS JOIN LATERAL (VALUES ('en', w.en), ('fr', w.fr)) AS l (language, word);

-- A word for an input, or one that fits any.
CREATE FUNCTION @extschema@._cluster_words(input text, level text, language text, figure text DEFAULT NULL)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format(w.word, VARIADIC pg_catalog.array_remove(ARRAY[figure, n.name], NULL))
	  FROM (SELECT pg_catalog.replace(_cluster_words.input, '_', ' ') AS name) AS n
	 CROSS JOIN @extschema@._cluster_word AS w
	 WHERE w.level OPERATOR(pg_catalog.=) _cluster_words.level
	   AND w.language OPERATOR(pg_catalog.=) _cluster_words.language
	   AND w.input OPERATOR(pg_catalog.=) ANY (ARRAY['', _cluster_words.input])
	 ORDER BY w.input DESC LIMIT 1;
END;
COMMENT ON FUNCTION @extschema@._cluster_words(text, text, text, text) IS
	'internal: how a cluster stands to all by an input, in words';

-- How each cluster stands to all by each input: z is in standard deviations of all
-- rows, which scaling has made 1, or else follow from the clusters.
CREATE FUNCTION @extschema@._cluster_levels(fit jsonb, inputs text[])
	RETURNS TABLE (cluster int, n int, input text, mean float8, z float8, level text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH centers AS (
		SELECT t.cluster, t.input AS n, inputs[t.input] AS input, t.mean, t.center_scaled AS x, t.size,
			   fit #>> ARRAY['scaling', (t.input - 1)::text, 'method'] AS method
		  FROM @extschema@.kmeans_table(fit) AS t
	), means AS (
		SELECT c.*, m.mean AS all_mean, CASE WHEN c.method ~ '(zscore|robust)$' THEN 1 ELSE
				   sqrt(m.variance + (fit ->> 'inertia')::float8 / ((fit ->> 'n')::float8 * cardinality(inputs)))
				   END AS spread
		  FROM centers AS c
		  JOIN (SELECT m.n, m.mean, @extschema@.exact_sum(m.size * (m.x - m.mean) ^ 2)
						   / @extschema@.exact_sum(m.size) AS variance
				  FROM (SELECT c.n, c.x, c.size::float8 AS size, @extschema@.weighted_mean(c.x, c.size)
								   OVER (PARTITION BY c.n) AS mean FROM centers AS c) AS m
				 GROUP BY m.n, m.mean) AS m ON m.n = c.n
	)
	SELECT m.cluster, m.n, m.input, m.mean, s.z,
		   CASE WHEN m.input = 'frequency' AND m.mean < 0.05 THEN 'none'
			   WHEN m.input = 'frequency' AND m.mean BETWEEN 0.95 AND 1.05 AND s.z < 0 THEN 'one'
			   WHEN s.z <= -1 THEN 'far_below' WHEN s.z <= -0.3 THEN 'below'
			   WHEN s.z >= 1 THEN 'far_above' WHEN s.z >= 0.3 THEN 'above' END
	  FROM means AS m CROSS JOIN LATERAL (SELECT coalesce((m.x - m.all_mean) / nullif(m.spread, 0), 0) AS z) AS s
$$;
COMMENT ON FUNCTION @extschema@._cluster_levels(jsonb, text[]) IS
	'internal: how each cluster of a fit stands to all by each input';

-- A name for each cluster: by which inputs it stands out, at most three, in their order.
-- Clusters that would be called the same are told apart by the mean of the input in which
-- they differ most, with as many decimals as it takes; at last by their number.
CREATE FUNCTION @extschema@._cluster_names(fit jsonb, inputs text[], language text)
	RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	names	text[];
	twin	record;
	figures	text[];
BEGIN
	SELECT array_agg(coalesce(c.name, @extschema@._cluster_words('', 'average', language)) ORDER BY c.cluster)
	  INTO names
	  FROM (SELECT l.cluster, string_agg(@extschema@._cluster_words(l.input, l.level, language), ', ' ORDER BY l.n)
					   FILTER (WHERE l.level IS NOT NULL AND l.place <= 3) AS name
			  FROM (SELECT l.*, row_number() OVER (PARTITION BY l.cluster
								ORDER BY l.level IS NULL, abs(l.z) DESC, l.n) AS place
					  FROM @extschema@._cluster_levels(fit, inputs) AS l) AS l
			 GROUP BY l.cluster) AS c;
	FOR twin IN
		SELECT DISTINCT ON (t.name) t.name, t.input, t.clusters, t.means
		  FROM (SELECT u.name, l.n, l.input, max(l.z) - min(l.z) AS distance,
					   array_agg(l.cluster ORDER BY l.cluster) AS clusters,
					   array_agg(l.mean::numeric ORDER BY l.cluster) AS means
				  FROM unnest(names) WITH ORDINALITY AS u (name, cluster)
				  JOIN @extschema@._cluster_levels(fit, inputs) AS l ON l.cluster = u.cluster
				 GROUP BY u.name, l.n, l.input HAVING count(*) > 1) AS t
		 ORDER BY t.name, t.distance DESC, t.n
	LOOP
		FOR decimals IN 0 .. 4 LOOP
			figures := ARRAY(SELECT @extschema@._explain_number(m, decimals, language)
							   FROM unnest(twin.means) WITH ORDINALITY AS u (m, o) ORDER BY o);
			EXIT WHEN (SELECT count(DISTINCT f) = count(*) FROM unnest(figures) AS u (f));
		END LOOP;
		FOR i IN 1 .. cardinality(figures) LOOP
			names[twin.clusters[i]] := concat_ws(', ', names[twin.clusters[i]],
				@extschema@._cluster_words(twin.input, 'figure', language, figures[i]));
		END LOOP;
	END LOOP;
	RETURN ARRAY(SELECT CASE WHEN count(*) OVER (PARTITION BY u.name) = 1 THEN u.name
						ELSE format('%s (%s)', u.name, u.n) END
				   FROM unnest(names) WITH ORDINALITY AS u (name, n) ORDER BY u.n);
END
$$;
COMMENT ON FUNCTION @extschema@._cluster_names(jsonb, text[], text) IS
	'internal: the clusters of a fit in words, all of them different';

/* ---- fits ---- */

-- What a calibration says of clusters: the new fit, whose clusters keep the numbers of the
-- old ones, with names; or why there is none.
CREATE FUNCTION @extschema@._cluster_document(fit jsonb, old_fit jsonb, inputs text[], customers bigint, minimum int)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF customers < minimum THEN
		fit := jsonb_build_object('reason', 'too_few_customers');
	ELSIF fit ? 'family' THEN
		IF old_fit IS NOT NULL THEN
			fit := @extschema@.kmeans_match(old_fit, fit);
		END IF;
		fit := fit || jsonb_build_object('names', jsonb_build_object(
			'en', @extschema@._cluster_names(fit, inputs, 'en'), 'fr', @extschema@._cluster_names(fit, inputs, 'fr')));
	END IF;
	RETURN fit || jsonb_build_object('inputs', inputs);
END
$$;
COMMENT ON FUNCTION @extschema@._cluster_document(jsonb, jsonb, text[], bigint, int) IS
	'internal: what a calibration says of clusters';

-- A fit holds its points in memory. Of more customers of a tenant than these, it is of
-- about so many, drawn by a digest of their keys, which are the same again next time.
CREATE FUNCTION @extschema@._clustered_customers()
	RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT 4000000;
END;
COMMENT ON FUNCTION @extschema@._clustered_customers() IS
	'internal: to how many customers of a tenant clusters are fitted at most, about';

-- Which customers s are drawn; true in a model where nobody has too many.
CREATE FUNCTION @extschema@._drawn_for_clusters(model name)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most		float8 := @extschema@._clustered_customers();
	histories	regclass := format('%I.customer_histories', model);
	large		jsonb := '{}';		-- the share that is drawn of tenants with more
BEGIN
	-- that much can be seen without counting, where they are here
	IF pg_relation_size(histories) > most * 30
		OR EXISTS (SELECT 1 FROM @extschema@._citus_tables(ARRAY[histories::oid])) THEN
		EXECUTE format('SELECT jsonb_object_agg(h.tenant, $1 / h.customers)'
			' FROM (SELECT h.tenant, count(*) AS customers FROM %I.customer_histories AS h'
			' GROUP BY h.tenant HAVING count(*) > $1) AS h', model) INTO large USING most;
	END IF;
	RETURN coalesce((SELECT format('CASE s.tenant%s ELSE true END', string_agg(format(
			' WHEN %L THEN @extschema@.ab_group(s.customer_key, ''clusters'', ARRAY[%2$s, 1 - %2$s]) = 1',
			t.tenant, t.share), '' ORDER BY t.tenant))
		FROM jsonb_each_text(large) AS t (tenant, share) HAVING count(*) > 0), 'true');
END
$$;
COMMENT ON FUNCTION @extschema@._drawn_for_clusters(name) IS
	'internal: a condition on customers by which clusters are fitted';

-- The clusters of the version at hand, for each tenant: fitted to everybody with all inputs.
CREATE FUNCTION @extschema@._write_clusters(model name, settings jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	version	int := settings ->> 'version';
	inputs	text[] := @extschema@._model_names(settings, 'cluster_inputs');
	lost	boolean;
BEGIN
	IF NOT @extschema@._has_clusters(settings) THEN
		EXECUTE format('UPDATE %I.calibration SET cluster_fit = NULL WHERE version = $1 AND cluster_fit IS NOT NULL',
			model)
			USING version;
		RETURN;
	END IF;
	lost := @extschema@._lost_inputs(settings, inputs) <> '{}';
	-- the query below finds the inputs by what stands here
	EXECUTE format('UPDATE %I.calibration SET cluster_fit = $2 WHERE version = $1', model)
		USING version, jsonb_build_object('inputs', inputs,
			'reason', CASE WHEN lost THEN 'input_dropped' ELSE 'too_few_points' END);
	IF lost THEN
		RETURN;
	END IF;
	EXECUTE @extschema@._fill($q$
		UPDATE {model}.calibration AS k
		   SET cluster_fit = @extschema@._cluster_document(m.fit,
		       (SELECT o.cluster_fit FROM {model}.calibration AS o
		         WHERE o.tenant = k.tenant AND o.version < $1 AND o.cluster_fit ? 'family'
		           AND o.cluster_fit -> 'inputs' = to_jsonb($2) ORDER BY o.version DESC LIMIT 1), $2, m.customers, $5)
		  FROM (SELECT p.tenant, count(p.point) AS customers, @extschema@._cluster_fit(p.point, $3, 1, $4) AS fit
		          FROM (SELECT s.tenant, @extschema@._usable_point(s.cluster_point) AS point FROM ({scores}) AS s
		                 WHERE {drawn}) AS p
		         GROUP BY p.tenant) AS m
		 WHERE k.version = $1 AND k.tenant = m.tenant$q$,
		'model', quote_ident(model), 'drawn', @extschema@._drawn_for_clusters(model),
		'scores', @extschema@._model_levels(model, settings,
			format('(%s)', @extschema@._model_question(model, settings,
				condition => format('c.version = %s', version), reader => NULL)),
			format('(%s)', @extschema@._model_customers(model, settings)), ARRAY[settings ->> 'map_copy']))
		USING version, inputs, (settings ->> 'clusters')::int,
			@extschema@._model_names(settings, 'cluster_scaling'), (settings ->> 'minimum_customers')::int;
END
$$;
COMMENT ON FUNCTION @extschema@._write_clusters(name, jsonb) IS 'internal: the clusters of the version at hand';
