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

CREATE FUNCTION @extschema@._rfm_score(r_score int, f_score int, m_score int, weights float8[])
RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rfm_score';

COMMENT ON FUNCTION @extschema@._rfm_score(int, int, int, float8[]) IS
'internal: weighted_score of three scores, which may be NULL';

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

CREATE FUNCTION @extschema@.rank_score(value float8, bins int,
	ties text DEFAULT 'low', higher_is_better bool DEFAULT true)
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

-- What a model knows of a customer on a day, and the scores of it. Plain
-- expressions in one SELECT: the planner puts them into the query around them,
-- computes what is read, and leaves out the rest. A level of WITH in here would
-- make that a query for each customer.
CREATE FUNCTION @extschema@.rfm_facts(history @extschema@.history, as_of pg_catalog.date, window_days int DEFAULT NULL,
	use_active_days bool DEFAULT false, use_mean bool DEFAULT false)
	RETURNS TABLE (last_order_on pg_catalog.date, recency_days int, frequency bigint, monetary numeric,
		mean_value numeric, scored_value float8, tenure_days int, silence_ratio float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT @extschema@.last_day(history, as_of),
		   @extschema@.recency(history, as_of),
		   CASE WHEN use_active_days THEN @extschema@.active_days(history, as_of, window_days)
				ELSE @extschema@.frequency(history, as_of, window_days) END,
		   @extschema@.monetary(history, as_of, window_days),
		   @extschema@.mean_value(history, as_of, window_days),
		   CASE WHEN use_mean THEN @extschema@._mean_value_float8(history, as_of, window_days)
				ELSE @extschema@._monetary_float8(history, as_of, window_days) END,
		   @extschema@.tenure(history, as_of),
		   @extschema@.silence_ratio(history, as_of);
END;
COMMENT ON FUNCTION @extschema@.rfm_facts(@extschema@.history, pg_catalog.date, int, bool, bool) IS
'the facts that a model scores, of one history: one row, for CROSS JOIN LATERAL; scored_value is '
'what m_score is made from, the mean value with use_mean, else the total; frequency counts active '
'days with use_active_days, else events';

CREATE FUNCTION @extschema@.rfm_scores(recency_days int, frequency bigint, scored_value float8,
	recency_thresholds float8[], frequency_thresholds float8[], monetary_thresholds float8[])
	RETURNS TABLE (r_score int, f_score int, m_score int)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT @extschema@.score(recency_days, recency_thresholds, false),
		   CASE WHEN recency_days IS NULL THEN NULL WHEN frequency OPERATOR(pg_catalog.=) 0 THEN 1
				ELSE @extschema@.score(frequency, frequency_thresholds) END,
		   CASE WHEN recency_days IS NULL THEN NULL WHEN frequency OPERATOR(pg_catalog.=) 0 THEN 1
				ELSE @extschema@.score(scored_value, monetary_thresholds) END;
END;
COMMENT ON FUNCTION @extschema@.rfm_scores(int, bigint, float8, float8[], float8[], float8[]) IS
'the three scores of what rfm_facts says, by thresholds: one row, for CROSS JOIN LATERAL; without an '
'order all are NULL, without one in the window frequency and monetary score 1';
