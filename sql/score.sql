-- Scores: thresholds, scores 1..n (n = best) by them, and composites.

CREATE FUNCTION @extschema@.score(value float8, thresholds float8[], higher_is_better bool DEFAULT true)
RETURNS int
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'score';

COMMENT ON FUNCTION @extschema@.score(float8, float8[], bool) IS
'score 1..n of a value by n - 1 ascending thresholds: 1 + the number of thresholds that it strictly beats; an error '
'where thresholds do not ascend or a number is not finite';

CREATE FUNCTION @extschema@.rfm_code(r int, f int, m int)
RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rfm_code';

COMMENT ON FUNCTION @extschema@.rfm_code(int, int, int) IS
'three scores as one code: 545, or 10-3-7 once a score has two digits; an error for a score below 1';

CREATE FUNCTION @extschema@.weighted_score(scores float8[], weights float8[])
RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'weighted_score';

COMMENT ON FUNCTION @extschema@.weighted_score(float8[], float8[]) IS
'weighted mean of the scores that are not NULL; NULL if none is, or their weights are 0; an error for a negative '
'weight or another number of weights';

-- The window functions read every row of the partition, in any order: ORDER BY
-- and a frame in their OVER clause change nothing.

CREATE FUNCTION @extschema@.quantile_score(value float8, bins int, higher_is_better bool DEFAULT true)
RETURNS int
LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'quantile_score';

COMMENT ON FUNCTION @extschema@.quantile_score(float8, int, bool) IS
'score 1..bins of a value by the quantiles (type 7) of its partition: that of score() by quantile_thresholds(); '
'equal values get equal scores; NULL for a NULL value, which counts for nothing; an error if another argument is '
'NULL or varies';

CREATE FUNCTION @extschema@.rank_score(value float8, bins int, ties text DEFAULT 'low', higher_is_better bool DEFAULT true)
RETURNS int
LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rank_score';

COMMENT ON FUNCTION @extschema@.rank_score(float8, int, text, bool) IS
'score 1..bins of a value by its rank in its partition: 1 + floor(bins * (rank - 1) / N); ties: low, mid or high '
'rank; NULL for a NULL value, which counts for nothing; an error if another argument is NULL or varies';

CREATE FUNCTION @extschema@.minmax_score(value float8)
RETURNS float8
LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'minmax_score';

COMMENT ON FUNCTION @extschema@.minmax_score(float8) IS
'0..1: where a value lies between the least and the greatest of its partition; NULL for a NULL value, and where all '
'are equal';

CREATE FUNCTION @extschema@.z_score(value float8)
RETURNS float8
LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'z_score';

COMMENT ON FUNCTION @extschema@.z_score(float8) IS
'distance of a value from the mean of its partition, in population standard deviations; NULL for a NULL value, and '
'where all are equal';

-- quantile_thresholds: the state holds every value. Nothing is strict, for
-- bins is checked on every row.

CREATE FUNCTION @extschema@._quantile_thresholds_transition(state internal, value float8, bins int)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'quantile_thresholds_transition';

COMMENT ON FUNCTION @extschema@._quantile_thresholds_transition(internal, float8, int) IS
'part of aggregate quantile_thresholds';

CREATE FUNCTION @extschema@._quantile_thresholds_combine(state internal, other internal)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'quantile_thresholds_combine';

COMMENT ON FUNCTION @extschema@._quantile_thresholds_combine(internal, internal) IS
'part of aggregate quantile_thresholds';

CREATE FUNCTION @extschema@._quantile_thresholds_serialize(state internal)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'quantile_thresholds_serialize';

COMMENT ON FUNCTION @extschema@._quantile_thresholds_serialize(internal) IS
'part of aggregate quantile_thresholds';

CREATE FUNCTION @extschema@._quantile_thresholds_deserialize(bytes bytea, unused internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'quantile_thresholds_deserialize';

COMMENT ON FUNCTION @extschema@._quantile_thresholds_deserialize(bytea, internal) IS
'part of aggregate quantile_thresholds';

CREATE FUNCTION @extschema@._quantile_thresholds_final(state internal)
RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'quantile_thresholds_final';

COMMENT ON FUNCTION @extschema@._quantile_thresholds_final(internal) IS
'part of aggregate quantile_thresholds';

-- READ_ONLY although the final function may reorder the values: the state is a
-- set, and means the same in any order.
CREATE AGGREGATE @extschema@.quantile_thresholds(value float8, bins int) (
	SFUNC = @extschema@._quantile_thresholds_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._quantile_thresholds_combine,
	SERIALFUNC = @extschema@._quantile_thresholds_serialize,
	DESERIALFUNC = @extschema@._quantile_thresholds_deserialize,
	FINALFUNC = @extschema@._quantile_thresholds_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE @extschema@.quantile_thresholds(float8, int) IS
'bins - 1 ascending thresholds: the quantiles k/bins of the values (type 7 of Hyndman and Fan, as in R, numpy and '
'percentile_cont); NULL values are ignored, NULL if there is none; an error if bins is NULL or varies';

-- weighted_mean: sums exactly, so that no plan changes a bit of the result.

CREATE FUNCTION @extschema@._weighted_mean_transition(state internal, score float8, weight float8)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'weighted_mean_transition';

COMMENT ON FUNCTION @extschema@._weighted_mean_transition(internal, float8, float8) IS
'part of aggregate weighted_mean';

CREATE FUNCTION @extschema@._weighted_mean_combine(state internal, other internal)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'weighted_mean_combine';

COMMENT ON FUNCTION @extschema@._weighted_mean_combine(internal, internal) IS
'part of aggregate weighted_mean';

CREATE FUNCTION @extschema@._weighted_mean_serialize(state internal)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'weighted_mean_serialize';

COMMENT ON FUNCTION @extschema@._weighted_mean_serialize(internal) IS
'part of aggregate weighted_mean';

CREATE FUNCTION @extschema@._weighted_mean_deserialize(bytes bytea, unused internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'weighted_mean_deserialize';

COMMENT ON FUNCTION @extschema@._weighted_mean_deserialize(bytea, internal) IS
'part of aggregate weighted_mean';

CREATE FUNCTION @extschema@._weighted_mean_final(state internal)
RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'weighted_mean_final';

COMMENT ON FUNCTION @extschema@._weighted_mean_final(internal) IS
'part of aggregate weighted_mean';

CREATE AGGREGATE @extschema@.weighted_mean(score float8, weight float8) (
	SFUNC = @extschema@._weighted_mean_transition,
	STYPE = internal,
	SSPACE = 384,
	COMBINEFUNC = @extschema@._weighted_mean_combine,
	SERIALFUNC = @extschema@._weighted_mean_serialize,
	DESERIALFUNC = @extschema@._weighted_mean_deserialize,
	FINALFUNC = @extschema@._weighted_mean_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE @extschema@.weighted_mean(float8, float8) IS
'weighted mean over rows of the scores that are not NULL; NULL if none is; an error if the weight of such a row is '
'NULL or negative';

-- exact_sum: of doubles, what sum() is of numeric: no plan and no order of the
-- rows changes a bit of the result.

CREATE FUNCTION @extschema@._exact_sum_transition(state internal, value float8)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'exact_sum_transition';

COMMENT ON FUNCTION @extschema@._exact_sum_transition(internal, float8) IS
'part of aggregate exact_sum';

CREATE FUNCTION @extschema@._exact_sum_combine(state internal, other internal)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'exact_sum_combine';

COMMENT ON FUNCTION @extschema@._exact_sum_combine(internal, internal) IS
'part of aggregate exact_sum';

CREATE FUNCTION @extschema@._exact_sum_serialize(state internal)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'exact_sum_serialize';

COMMENT ON FUNCTION @extschema@._exact_sum_serialize(internal) IS
'part of aggregate exact_sum';

CREATE FUNCTION @extschema@._exact_sum_deserialize(bytes bytea, unused internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'exact_sum_deserialize';

COMMENT ON FUNCTION @extschema@._exact_sum_deserialize(bytea, internal) IS
'part of aggregate exact_sum';

CREATE FUNCTION @extschema@._exact_sum_final(state internal)
RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'exact_sum_final';

COMMENT ON FUNCTION @extschema@._exact_sum_final(internal) IS
'part of aggregate exact_sum';

CREATE AGGREGATE @extschema@.exact_sum(value float8) (
	SFUNC = @extschema@._exact_sum_transition,
	STYPE = internal,
	SSPACE = 192,
	COMBINEFUNC = @extschema@._exact_sum_combine,
	SERIALFUNC = @extschema@._exact_sum_serialize,
	DESERIALFUNC = @extschema@._exact_sum_deserialize,
	FINALFUNC = @extschema@._exact_sum_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE @extschema@.exact_sum(float8) IS
'sum of the values that are not NULL, exact and rounded once: the same bits for any order of the rows and any plan; '
'NULL if there is none';
