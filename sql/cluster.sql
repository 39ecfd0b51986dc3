--
-- Layer 5: clusters. k-means over any points, how to choose k, and fits that
-- keep their numbers.
--

/* ---- k-means ---- */

-- The state holds every point. Nothing is strict: rows without a point are
-- counted, and settings are checked on every row.

CREATE FUNCTION @extschema@._kmeans_fit_transition(state internal, point float8[], k int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_fit_transition';
COMMENT ON FUNCTION @extschema@._kmeans_fit_transition(internal, float8[], int) IS
	'part of aggregate kmeans_fit';

CREATE FUNCTION @extschema@._kmeans_fit_transition(state internal, point float8[], k int, seed int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_fit_transition';
COMMENT ON FUNCTION @extschema@._kmeans_fit_transition(internal, float8[], int, int) IS
	'part of aggregate kmeans_fit';

CREATE FUNCTION @extschema@._kmeans_fit_transition(state internal, point float8[], k int, seed int, scaling text[])
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_fit_transition';
COMMENT ON FUNCTION @extschema@._kmeans_fit_transition(internal, float8[], int, int, text[]) IS
	'part of aggregate kmeans_fit';

CREATE FUNCTION @extschema@._kmeans_fit_transition(state internal,
	point float8[], k int, seed int, scaling text[], starts int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_fit_transition';
COMMENT ON FUNCTION @extschema@._kmeans_fit_transition(internal, float8[], int, int, text[], int) IS
	'part of aggregate kmeans_fit';

CREATE FUNCTION @extschema@._choose_k_transition(state internal, point float8[], least_k int, greatest_k int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'choose_k_transition';
COMMENT ON FUNCTION @extschema@._choose_k_transition(internal, float8[], int, int) IS
	'part of aggregate choose_k';

CREATE FUNCTION @extschema@._choose_k_transition(state internal,
	point float8[], least_k int, greatest_k int, seed int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'choose_k_transition';
COMMENT ON FUNCTION @extschema@._choose_k_transition(internal, float8[], int, int, int) IS
	'part of aggregate choose_k';

CREATE FUNCTION @extschema@._choose_k_transition(state internal,
	point float8[], least_k int, greatest_k int, seed int, scaling text[])
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'choose_k_transition';
COMMENT ON FUNCTION @extschema@._choose_k_transition(internal, float8[], int, int, int, text[]) IS
	'part of aggregate choose_k';

CREATE FUNCTION @extschema@._choose_k_transition(state internal,
	point float8[], least_k int, greatest_k int, seed int, scaling text[], starts int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'choose_k_transition';
COMMENT ON FUNCTION @extschema@._choose_k_transition(internal, float8[], int, int, int, text[], int) IS
	'part of aggregate choose_k';

CREATE FUNCTION @extschema@._points_combine(state internal, other internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'points_combine';
COMMENT ON FUNCTION @extschema@._points_combine(internal, internal) IS
	'part of aggregates kmeans_fit and choose_k';

CREATE FUNCTION @extschema@._points_serialize(state internal)
	RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'points_serialize';
COMMENT ON FUNCTION @extschema@._points_serialize(internal) IS
	'part of aggregates kmeans_fit and choose_k';

CREATE FUNCTION @extschema@._points_deserialize(bytes bytea, unused internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'points_deserialize';
COMMENT ON FUNCTION @extschema@._points_deserialize(bytea, internal) IS
	'part of aggregates kmeans_fit and choose_k';

CREATE FUNCTION @extschema@._kmeans_fit_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_fit_final';
COMMENT ON FUNCTION @extschema@._kmeans_fit_final(internal) IS
	'part of aggregate kmeans_fit';

CREATE FUNCTION @extschema@._choose_k_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'choose_k_final';
COMMENT ON FUNCTION @extschema@._choose_k_final(internal) IS
	'part of aggregate choose_k';

CREATE AGGREGATE @extschema@.kmeans_fit(point float8[], k int) (
	SFUNC = @extschema@._kmeans_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._points_combine,
	SERIALFUNC = @extschema@._points_serialize,
	DESERIALFUNC = @extschema@._points_deserialize,
	FINALFUNC = @extschema@._kmeans_fit_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.kmeans_fit(float8[], int) IS
	'clusters of points by k-means: k centers, as a document that describes itself; each input is divided by its '
	'standard deviation (z-scores) first; the best of 10 starts by k-means++ from seed 1; the same rows give the '
	'same bits in any order; rows with a NULL are left out, NULL if none is left; an error for k above the number '
	'of distinct points';

CREATE AGGREGATE @extschema@.kmeans_fit(point float8[], k int, seed int) (
	SFUNC = @extschema@._kmeans_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._points_combine,
	SERIALFUNC = @extschema@._points_serialize,
	DESERIALFUNC = @extschema@._points_deserialize,
	FINALFUNC = @extschema@._kmeans_fit_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.kmeans_fit(float8[], int, int) IS
	'k-means, its first centers drawn from another seed';

CREATE AGGREGATE @extschema@.kmeans_fit(point float8[], k int, seed int, scaling text[]) (
	SFUNC = @extschema@._kmeans_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._points_combine,
	SERIALFUNC = @extschema@._points_serialize,
	DESERIALFUNC = @extschema@._points_deserialize,
	FINALFUNC = @extschema@._kmeans_fit_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.kmeans_fit(float8[], int, int, text[]) IS
	'k-means with inputs scaled by none, log1p, zscore, log1p_zscore, robust or log1p_robust: one method for all, '
	'or one for each input';

CREATE AGGREGATE @extschema@.kmeans_fit(point float8[], k int, seed int, scaling text[], starts int) (
	SFUNC = @extschema@._kmeans_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._points_combine,
	SERIALFUNC = @extschema@._points_serialize,
	DESERIALFUNC = @extschema@._points_deserialize,
	FINALFUNC = @extschema@._kmeans_fit_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.kmeans_fit(float8[], int, int, text[], int) IS
	'k-means as the best of so many starts';

CREATE AGGREGATE @extschema@.choose_k(point float8[], least_k int, greatest_k int) (
	SFUNC = @extschema@._choose_k_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._points_combine,
	SERIALFUNC = @extschema@._points_serialize,
	DESERIALFUNC = @extschema@._points_deserialize,
	FINALFUNC = @extschema@._choose_k_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.choose_k(float8[], int, int) IS
	'figures by which a number of clusters is chosen, for each k from least_k to greatest_k, as a document for '
	'choose_k_table: fits as of kmeans_fit, and 20 more of each k from rows drawn with replacement; no figures '
	'for k above the number of distinct points; rows with a NULL are left out, NULL if none is left';

CREATE AGGREGATE @extschema@.choose_k(point float8[], least_k int, greatest_k int, seed int) (
	SFUNC = @extschema@._choose_k_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._points_combine,
	SERIALFUNC = @extschema@._points_serialize,
	DESERIALFUNC = @extschema@._points_deserialize,
	FINALFUNC = @extschema@._choose_k_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.choose_k(float8[], int, int, int) IS
	'figures by which a number of clusters is chosen, from another seed';

CREATE AGGREGATE @extschema@.choose_k(point float8[], least_k int, greatest_k int, seed int, scaling text[]) (
	SFUNC = @extschema@._choose_k_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._points_combine,
	SERIALFUNC = @extschema@._points_serialize,
	DESERIALFUNC = @extschema@._points_deserialize,
	FINALFUNC = @extschema@._choose_k_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.choose_k(float8[], int, int, int, text[]) IS
	'figures by which a number of clusters is chosen, with inputs scaled as of kmeans_fit';

CREATE AGGREGATE @extschema@.choose_k(point float8[], least_k int, greatest_k int, seed int,
	scaling text[], starts int) (
	SFUNC = @extschema@._choose_k_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._points_combine,
	SERIALFUNC = @extschema@._points_serialize,
	DESERIALFUNC = @extschema@._points_deserialize,
	FINALFUNC = @extschema@._choose_k_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.choose_k(float8[], int, int, int, text[], int) IS
	'figures by which a number of clusters is chosen, each fit being the best of so many starts';

CREATE FUNCTION @extschema@.kmeans_assign(fit jsonb, point float8[])
	RETURNS int
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_assign';
COMMENT ON FUNCTION @extschema@.kmeans_assign(jsonb, float8[]) IS
	'cluster of a point by a fit of kmeans_fit, from 1 on: that of the nearest center, the first of equals; NULL '
	'where an element of the point is NULL';

CREATE FUNCTION @extschema@.kmeans_distance(fit jsonb, point float8[])
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_distance';
COMMENT ON FUNCTION @extschema@.kmeans_distance(jsonb, float8[]) IS
	'distance of a point from the center of its cluster, in scaled units: who is far from all of them is like '
	'none; NULL where an element of the point is NULL';

CREATE FUNCTION @extschema@.kmeans_scaled(fit jsonb, point float8[])
	RETURNS float8[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_scaled';
COMMENT ON FUNCTION @extschema@.kmeans_scaled(jsonb, float8[]) IS
	'a point as the fit compares it, each input scaled; NULL where an element of the point is NULL';

CREATE FUNCTION @extschema@.kmeans_table(fit jsonb, names text[] DEFAULT NULL)
	RETURNS TABLE (cluster int, size bigint, share float8, input int, name text, mean float8, center float8,
		center_scaled float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT c.n::pg_catalog.int4, c.size::pg_catalog.int8,
		   c.size::pg_catalog.float8 OPERATOR(pg_catalog./) (fit OPERATOR(pg_catalog.->) 'n')::pg_catalog.float8,
		   i.n::pg_catalog.int4,
		   COALESCE(names[i.n], 'input ' OPERATOR(pg_catalog.||) i.n::pg_catalog.text),
		   (fit OPERATOR(pg_catalog.#>) ARRAY['means', p.cluster, p.input])::pg_catalog.float8,
		   (fit OPERATOR(pg_catalog.#>) ARRAY['centers', p.cluster, p.input])::pg_catalog.float8,
		   (fit OPERATOR(pg_catalog.#>) ARRAY['centers_scaled', p.cluster, p.input])::pg_catalog.float8
	  FROM pg_catalog.jsonb_array_elements(fit OPERATOR(pg_catalog.->) 'sizes') WITH ORDINALITY AS c (size, n),
		   pg_catalog.generate_series(1, pg_catalog.jsonb_array_length(fit OPERATOR(pg_catalog.->) 'scaling')) AS i (n),
		   LATERAL (SELECT (c.n OPERATOR(pg_catalog.-) 1)::pg_catalog.text AS cluster,
						   (i.n OPERATOR(pg_catalog.-) 1)::pg_catalog.text AS input) AS p
	 ORDER BY c.n, i.n;
END;
COMMENT ON FUNCTION @extschema@.kmeans_table(jsonb, text[]) IS
	'a fit of kmeans_fit as rows, one for each cluster and input: mean is that of the values, center the mean of the '
	'scaled values brought back to the unit of the input; no rows for NULL';

CREATE FUNCTION @extschema@.choose_k_table(choice jsonb)
	RETURNS TABLE (k int, inertia float8, silhouette float8, calinski_harabasz float8, smallest bigint,
		stability float8, least_stability float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT c.k, c.inertia, c.silhouette, c.calinski_harabasz, c.smallest, c.stability, c.least_stability
	  FROM pg_catalog.jsonb_to_recordset(choice OPERATOR(pg_catalog.->) 'choices') AS c (k pg_catalog.int4,
		   inertia pg_catalog.float8, silhouette pg_catalog.float8, calinski_harabasz pg_catalog.float8,
		   smallest pg_catalog.int8, stability pg_catalog.float8, least_stability pg_catalog.float8)
	 ORDER BY c.k;
END;
COMMENT ON FUNCTION @extschema@.choose_k_table(jsonb) IS
	'what choose_k found, as rows, one for each k: the sum of squared distances from the centers, the mean silhouette '
	'and the ratio of Calinski and Harabasz (NULL for one cluster), rows of the smallest cluster, the mean Jaccard '
	'index of the clusters with those of 20 resamples, and that of the least stable cluster; no rows for NULL';

-- The window functions read every row of the partition, in any order: ORDER BY
-- and a frame in their OVER clause change nothing.

CREATE FUNCTION @extschema@.kmeans(point float8[], k int, seed int DEFAULT 1,
	scaling text[] DEFAULT '{zscore}', starts int DEFAULT 10)
	RETURNS int
	LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_window';
COMMENT ON FUNCTION @extschema@.kmeans(float8[], int, int, text[], int) IS
	'cluster 1..k of a row among the rows of its partition, by k-means: that of kmeans_assign() by kmeans_fit(); '
	'NULL where the point or an element of it is NULL; an error if another argument is NULL or varies';

CREATE FUNCTION @extschema@.silhouette(point float8[], cluster int, scaling text[] DEFAULT '{zscore}')
	RETURNS float8
	LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'silhouette';
COMMENT ON FUNCTION @extschema@.silhouette(float8[], int, text[]) IS
	'how much nearer a row is to the rows of its own cluster than to those of the next one: 1 well within, 0 '
	'between two, below 0 in the wrong one (Rousseeuw 1987); exact up to 10,000 distinct points of a partition, '
	'beyond that by a fixed sample of 2,500; NULL where there is one cluster, or for a NULL, which counts for '
	'nothing';

/* ---- matching ---- */

CREATE FUNCTION @extschema@._kmeans_matching(old_fit jsonb, new_fit jsonb)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kmeans_matching';
COMMENT ON FUNCTION @extschema@._kmeans_matching(jsonb, jsonb) IS
	'internal: for each cluster of the new fit, the number that it gets, which old cluster it is, and how far it moved';

CREATE FUNCTION @extschema@.kmeans_match(old_fit jsonb, new_fit jsonb)
	RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	WITH matching AS (
		SELECT c.value, (c.n OPERATOR(pg_catalog.-) 1)::pg_catalog.int4 AS place,
			   (c.value OPERATOR(pg_catalog.->) 'cluster')::pg_catalog.int4 AS cluster
		  FROM pg_catalog.jsonb_array_elements(@extschema@._kmeans_matching(old_fit, new_fit)) WITH ORDINALITY
			   AS c (value, n)),
	-- what a fit says of each cluster, in the order of the new numbers
	renumbered AS (
		SELECT p.key,
			   pg_catalog.jsonb_agg(p.value OPERATOR(pg_catalog.->) m.place ORDER BY m.cluster) AS value
		  FROM matching AS m, pg_catalog.jsonb_each(new_fit) AS p (key, value)
		 WHERE p.key OPERATOR(pg_catalog.=) ANY ('{centers,centers_scaled,means,sizes,within}'::pg_catalog.text[])
		   AND pg_catalog.jsonb_typeof(p.value) OPERATOR(pg_catalog.=) 'array'
		 GROUP BY p.key)
	SELECT new_fit OPERATOR(pg_catalog.||) (SELECT pg_catalog.jsonb_object_agg(r.key, r.value) FROM renumbered AS r)
		   OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('matched',
			   (SELECT pg_catalog.jsonb_agg(m.value ORDER BY m.cluster) FROM matching AS m));
END;
COMMENT ON FUNCTION @extschema@.kmeans_match(jsonb, jsonb) IS
	'the new fit with its clusters renumbered, so that cluster 2 stays cluster 2: each new center is an old one so '
	'that the distances between them, scaled as of the old fit, have the least sum (Kuhn 1955); matched says how far '
	'each moved; with another k those that are no old one take the numbers that are left';
