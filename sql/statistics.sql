--
-- Layer 6: statistics. Distributions, intervals and tests, groups of a test and
-- their comparison: of any table, without a model. src/math/distribution.c and
-- src/math/two_groups.c name the sources of the formulas.
--

/* ---- distributions ---- */

-- Two tails: beyond 1 - 1e-16 the lower one has no digits left, and a p has to.

CREATE FUNCTION @extschema@.normal_cdf(x float8, upper_tail bool DEFAULT false)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_normal_cdf';
COMMENT ON FUNCTION @extschema@.normal_cdf(float8, bool) IS
	'probability that a standard normal value is at most x, or above x with upper_tail';

CREATE FUNCTION @extschema@.normal_quantile(p float8)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_normal_quantile';
COMMENT ON FUNCTION @extschema@.normal_quantile(float8) IS
	'the x below which a standard normal value is with probability p: 1.96 for 0.975';

CREATE FUNCTION @extschema@.chi_square_cdf(x float8, degrees_of_freedom float8, upper_tail bool DEFAULT false)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_chi_square_cdf';
COMMENT ON FUNCTION @extschema@.chi_square_cdf(float8, float8, bool) IS
	'probability that a chi-square value is at most x, or above x with upper_tail (the p of a test)';

CREATE FUNCTION @extschema@.chi_square_quantile(p float8, degrees_of_freedom float8)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_chi_square_quantile';
COMMENT ON FUNCTION @extschema@.chi_square_quantile(float8, float8) IS
	'the x below which a chi-square value is with probability p';

CREATE FUNCTION @extschema@.student_t_cdf(x float8, degrees_of_freedom float8, upper_tail bool DEFAULT false)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_student_t_cdf';
COMMENT ON FUNCTION @extschema@.student_t_cdf(float8, float8, bool) IS
	'probability that a value of Student''s t is at most x, or above x with upper_tail; degrees_of_freedom may be a '
	'fraction, or infinite';

CREATE FUNCTION @extschema@.student_t_quantile(p float8, degrees_of_freedom float8)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_student_t_quantile';
COMMENT ON FUNCTION @extschema@.student_t_quantile(float8, float8) IS
	'the x below which a value of Student''s t is with probability p';

CREATE FUNCTION @extschema@.beta_cdf(x float8, a float8, b float8, upper_tail bool DEFAULT false)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_beta_cdf';
COMMENT ON FUNCTION @extschema@.beta_cdf(float8, float8, float8, bool) IS
	'probability that a beta value is at most x, or above x with upper_tail: the regularised incomplete beta function';

CREATE FUNCTION @extschema@.beta_quantile(p float8, a float8, b float8)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_beta_quantile';
COMMENT ON FUNCTION @extschema@.beta_quantile(float8, float8, float8) IS
	'the x below which a beta value is with probability p';

/* ---- rates and means, by their numbers ---- */

CREATE FUNCTION @extschema@.wilson_interval(successes bigint, n bigint, confidence float8 DEFAULT 0.95,
	OUT low float8, OUT high float8)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_wilson_interval';
COMMENT ON FUNCTION @extschema@.wilson_interval(bigint, bigint, float8) IS
	'Wilson''s interval of a rate; of 0 successes it begins at 0, of n it ends at 1; NULL where n is 0';

CREATE FUNCTION @extschema@.exact_interval(successes bigint, n bigint, confidence float8 DEFAULT 0.95,
	OUT low float8, OUT high float8)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_exact_interval';
COMMENT ON FUNCTION @extschema@.exact_interval(bigint, bigint, float8) IS
	'Clopper''s and Pearson''s interval of a rate, which holds the true one at least as often as confidence says; '
	'NULL where n is 0';

CREATE FUNCTION @extschema@.newcombe_interval(successes_1 bigint, n_1 bigint, successes_2 bigint, n_2 bigint,
	confidence float8 DEFAULT 0.95, OUT low float8, OUT high float8)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_newcombe_interval';
COMMENT ON FUNCTION @extschema@.newcombe_interval(bigint, bigint, bigint, bigint, float8) IS
	'Newcombe''s interval (method 10, of two Wilson intervals) of the second rate less the first; NULL where a group '
	'has nobody';

CREATE FUNCTION @extschema@.two_rates_test(successes_1 bigint, n_1 bigint, successes_2 bigint, n_2 bigint,
	OUT difference float8, OUT z float8, OUT p float8)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_rates_test';
COMMENT ON FUNCTION @extschema@.two_rates_test(bigint, bigint, bigint, bigint) IS
	'second rate less the first, over its pooled standard error, with its two-sided p; z and p are NULL where all '
	'did it or nobody';

CREATE FUNCTION @extschema@.fisher_exact_test(successes_1 bigint, n_1 bigint, successes_2 bigint, n_2 bigint)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_fisher_exact';
COMMENT ON FUNCTION @extschema@.fisher_exact_test(bigint, bigint, bigint, bigint) IS
	'two-sided p of Fisher''s exact test that two rates differ: how likely the tables with the same margins are that '
	'are no likelier than this one; NULL where a group has nobody';

CREATE FUNCTION @extschema@.welch_test(n_1 bigint, mean_1 float8, variance_1 float8, n_2 bigint, mean_2 float8,
	variance_2 float8, confidence float8 DEFAULT 0.95, OUT difference float8, OUT t float8,
	OUT degrees_of_freedom float8, OUT p float8, OUT low float8, OUT high float8)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_welch_test';
COMMENT ON FUNCTION @extschema@.welch_test(bigint, float8, float8, bigint, float8, float8, float8) IS
	'Welch''s test that two means differ, from count, mean and sample variance of each group, with Satterthwaite''s '
	'degrees of freedom: second mean less the first, its two-sided p and its interval; these are NULL where a group '
	'has fewer than two or nothing varies';

CREATE FUNCTION @extschema@.always_valid_test(difference float8, variance float8, spread float8,
	confidence float8 DEFAULT 0.95, OUT p float8, OUT low float8, OUT high float8)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_always_valid_test';
COMMENT ON FUNCTION @extschema@.always_valid_test(float8, float8, float8, float8) IS
	'p and interval of a difference with this variance that may be looked at every day (the mixture sequential '
	'probability ratio test); spread is the standard deviation of the effects that are thought of; where it is 0, '
	'p is 1 and the interval NULL';

CREATE FUNCTION @extschema@.holm_adjust(p float8[])
	RETURNS float8[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_holm_adjust';
COMMENT ON FUNCTION @extschema@.holm_adjust(float8[]) IS
	'p of several tests that are read together, by Holm''s method, in their order: below 0.05 only as often by '
	'chance as one test would be; a NULL stays NULL and is no test';

CREATE FUNCTION @extschema@.sample_ratio(n bigint[], shares float8[] DEFAULT NULL,
	OUT chi2 float8, OUT p float8, OUT flagged bool)
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_sample_ratio';
COMMENT ON FUNCTION @extschema@.sample_ratio(bigint[], float8[]) IS
	'whether groups of these sizes can have been drawn with these shares (NULL: equal ones), by the chi-square test; '
	'flagged below a p of 0.001: then something has put people into groups or has lost some, and no result counts; '
	'NULL where n is NULL or all 0';

/* ---- groups of a test ---- */

CREATE FUNCTION @extschema@.ab_group(key text, salt text, shares float8[] DEFAULT '{0.5,0.5}')
	RETURNS int
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'ab_group';
COMMENT ON FUNCTION @extschema@.ab_group(text, text, float8[]) IS
	'the group, from 1 on, of a key in the test that salt names: the first 52 bits of md5(salt || '':'' || key), in '
	'UTF-8, as a share of 1, against the cumulated shares; the same for ever, in every version and on every machine; '
	'shares are above 0 and add up to 1';

/* ---- comparison of groups ---- */

-- Nothing is strict: rows that lack something are counted.

CREATE FUNCTION @extschema@._compare_rates_transition(state internal, group_no int, success bool)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'compare_rates_transition';
COMMENT ON FUNCTION @extschema@._compare_rates_transition(internal, int, bool) IS
	'part of aggregate compare_rates';

CREATE FUNCTION @extschema@._compare_means_transition(state internal, group_no int, value float8)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'compare_means_transition';
COMMENT ON FUNCTION @extschema@._compare_means_transition(internal, int, float8) IS
	'part of aggregate compare_means';

CREATE FUNCTION @extschema@._compare_means_transition(state internal, group_no int, value float8, before float8)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'compare_means_before_transition';
COMMENT ON FUNCTION @extschema@._compare_means_transition(internal, int, float8, float8) IS
	'part of aggregate compare_means';

CREATE FUNCTION @extschema@._comparison_combine(state internal, other internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'comparison_combine';
COMMENT ON FUNCTION @extschema@._comparison_combine(internal, internal) IS
	'part of aggregates compare_rates and compare_means';

CREATE FUNCTION @extschema@._comparison_serialize(state internal)
	RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'comparison_serialize';
COMMENT ON FUNCTION @extschema@._comparison_serialize(internal) IS
	'part of aggregates compare_rates and compare_means';

CREATE FUNCTION @extschema@._comparison_deserialize(bytes bytea, unused internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'comparison_deserialize';
COMMENT ON FUNCTION @extschema@._comparison_deserialize(bytea, internal) IS
	'part of aggregates compare_rates and compare_means';

CREATE FUNCTION @extschema@._compare_rates_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'compare_rates_final';
COMMENT ON FUNCTION @extschema@._compare_rates_final(internal) IS
	'part of aggregate compare_rates';

CREATE FUNCTION @extschema@._compare_means_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'compare_means_final';
COMMENT ON FUNCTION @extschema@._compare_means_final(internal) IS
	'part of aggregate compare_means';

CREATE FUNCTION @extschema@._compare_means_before_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'compare_means_before_final';
COMMENT ON FUNCTION @extschema@._compare_means_before_final(internal) IS
	'part of aggregate compare_means';

CREATE AGGREGATE @extschema@.compare_rates(group_no int, success bool) (
	SFUNC = @extschema@._compare_rates_transition,
	STYPE = internal,
	SSPACE = 1200,
	COMBINEFUNC = @extschema@._comparison_combine,
	SERIALFUNC = @extschema@._comparison_serialize,
	DESERIALFUNC = @extschema@._comparison_deserialize,
	FINALFUNC = @extschema@._compare_rates_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.compare_rates(int, bool) IS
	'how many of each group did it, as a document for comparison_table; rows with a NULL are left out and counted; '
	'NULL without rows';

CREATE AGGREGATE @extschema@.compare_means(group_no int, value float8) (
	SFUNC = @extschema@._compare_means_transition,
	STYPE = internal,
	SSPACE = 1500,
	COMBINEFUNC = @extschema@._comparison_combine,
	SERIALFUNC = @extschema@._comparison_serialize,
	DESERIALFUNC = @extschema@._comparison_deserialize,
	FINALFUNC = @extschema@._compare_means_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.compare_means(int, float8) IS
	'mean and variance of a value in each group, from sums without rounding, as a document for comparison_table; rows '
	'with a NULL are left out and counted, NaN and infinite values are errors; NULL without rows';

CREATE AGGREGATE @extschema@.compare_means(group_no int, value float8, before float8) (
	SFUNC = @extschema@._compare_means_transition,
	STYPE = internal,
	SSPACE = 2000,
	COMBINEFUNC = @extschema@._comparison_combine,
	SERIALFUNC = @extschema@._comparison_serialize,
	DESERIALFUNC = @extschema@._comparison_deserialize,
	FINALFUNC = @extschema@._compare_means_before_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.compare_means(int, float8, float8) IS
	'the same with the value of each row before the test, which takes what could be foreseen out of the differences '
	'(CUPED): comparison_table compares value - theta (before - mean of before), theta being the slope within the '
	'groups; rows with a NULL are left out and counted';

CREATE FUNCTION @extschema@._compare_rates_row(successes_1 bigint, n_1 bigint, successes_2 bigint, n_2 bigint,
	always_valid bool, relative_effect float8, confidence float8,
	OUT low float8, OUT high float8, OUT p float8, OUT note text)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_compare_rates_row';
COMMENT ON FUNCTION @extschema@._compare_rates_row(bigint, bigint, bigint, bigint, bool, float8, float8) IS
	'internal: interval, p and note of two rates in comparison_table';

CREATE FUNCTION @extschema@._compare_means_row(n_1 bigint, mean_1 float8, variance_1 float8,
	n_2 bigint, mean_2 float8, variance_2 float8, always_valid bool, relative_effect float8, confidence float8,
	OUT low float8, OUT high float8, OUT p float8, OUT note text)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_compare_means_row';
COMMENT ON FUNCTION @extschema@._compare_means_row(bigint, float8, float8, bigint, float8, float8, bool, float8,
	float8) IS
	'internal: interval, p and note of two means in comparison_table';

CREATE FUNCTION @extschema@._compare_control(control int, group_numbers int[])
	RETURNS int
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_compare_control';
COMMENT ON FUNCTION @extschema@._compare_control(int, int[]) IS
	'internal: the number of the group that comparison_table compares with: control, or the lowest';

CREATE FUNCTION @extschema@.comparison_table(comparison jsonb, always_valid bool DEFAULT false,
	relative_effect float8 DEFAULT 0.02, confidence float8 DEFAULT 0.95, control int DEFAULT NULL)
	RETURNS TABLE (group_no int, n bigint, value float8, difference float8, relative float8, low float8, high float8,
		p float8, p_holm float8, note text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH document AS (
		SELECT comparison ->> 'kind' AS kind, (comparison ->> 'theta')::float8 AS theta,
			   (comparison ->> 'mean_before')::float8 AS mean_before
	), grouped AS (
		SELECT g.group_no, g.n, g.successes, d.kind, a.theta IS NOT NULL AS adjusted,
			   CASE WHEN d.kind = 'rates' THEN g.successes / nullif(g.n, 0)::float8
					WHEN a.theta IS NULL THEN g.mean
					ELSE g.mean - a.theta * (g.mean_before - d.mean_before) END AS value,
			   -- what rounding leaves of nothing is nothing
			   CASE WHEN g.n <= 1 THEN 0
					WHEN a.theta IS NULL THEN g.variance
					WHEN v.rest > 1e-14 * g.variance THEN v.rest ELSE 0 END AS variance
		  FROM document AS d,
			   jsonb_to_recordset(comparison -> 'groups') AS g (group_no int, n bigint, successes bigint, mean float8,
				   variance float8, mean_before float8, variance_before float8, covariance float8),
			   LATERAL (SELECT CASE WHEN g.mean_before IS NOT NULL THEN d.theta END AS theta) AS a,
			   LATERAL (SELECT g.variance - 2 * a.theta * g.covariance
							   + a.theta * a.theta * g.variance_before AS rest) AS v
	), first AS (
		SELECT f.* FROM grouped AS f
		 WHERE f.group_no = (SELECT @extschema@._compare_control(control, array_agg(m.group_no)) FROM grouped AS m)
	), compared AS (
		SELECT g.group_no, g.n, g.value, g.group_no = f.group_no AS is_first, g.value - f.value AS difference,
			   (g.value - f.value) / nullif(f.value, 0) AS relative, c.low, c.high, c.p,
			   concat_ws('; ', coalesce(c.note, 'out of range'), CASE WHEN g.adjusted THEN 'CUPED' END,
						 CASE WHEN NOT always_valid AND c.p IS NOT NULL THEN 'read once' END) AS note
		  FROM grouped AS g, first AS f,
			   LATERAL (SELECT r.* FROM @extschema@._compare_rates_row(f.successes, f.n, g.successes, g.n,
							always_valid, relative_effect, confidence) AS r WHERE g.kind = 'rates'
						 UNION ALL
						SELECT m.* FROM @extschema@._compare_means_row(f.n, f.value, f.variance, g.n, g.value,
							g.variance, always_valid, relative_effect, confidence) AS m
						 WHERE g.kind IS DISTINCT FROM 'rates') AS c
	), holm AS (
		SELECT array_agg(c.group_no ORDER BY c.group_no) AS numbers,
			   @extschema@.holm_adjust(array_agg(c.p ORDER BY c.group_no)) AS p
		  FROM compared AS c WHERE NOT c.is_first
	)
	SELECT c.group_no, c.n, c.value, CASE WHEN NOT c.is_first THEN c.difference END,
		   CASE WHEN NOT c.is_first THEN c.relative END, CASE WHEN NOT c.is_first THEN c.low END,
		   CASE WHEN NOT c.is_first THEN c.high END, CASE WHEN NOT c.is_first THEN c.p END,
		   h.p[array_position(h.numbers, c.group_no)], CASE WHEN c.is_first THEN 'control' ELSE c.note END
	  FROM compared AS c, holm AS h
	 ORDER BY c.is_first DESC, c.group_no
$$;
COMMENT ON FUNCTION @extschema@.comparison_table(jsonb, bool, float8, float8, int) IS
	'a document of compare_rates or compare_means as rows: rate or mean of each group, and the difference from the '
	'first group (or from that of number control), with its interval and two-sided p; p_holm is for several groups '
	'read together; note names the test and what is missing. Rates: pooled z, Newcombe, or Fisher''s exact test where '
	'fewer than 5 are expected in a cell. Means: Welch. The note says read once, because a p that is looked at '
	'until it is small is wrong; with always_valid it may be looked at every day, thinking of effects of about '
	'relative_effect';

/* ---- concentration ---- */

-- A value below 0 counts as 0 everywhere here.

CREATE FUNCTION @extschema@.cumulative_share(value float8)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE WINDOW
	AS 'MODULE_PATHNAME', 'cumulative_share';
COMMENT ON FUNCTION @extschema@.cumulative_share(float8) IS
	'share of the partition''s total that the rows up to this one have, rows of the same rank together: OVER (ORDER '
	'BY value DESC) for the line of Pareto; values below 0 count as 0, NULL gives NULL and counts for nothing; NULL '
	'where the total is 0';

CREATE FUNCTION @extschema@.abc_class(value float8, cuts float8[] DEFAULT '{0.8,0.95}')
	RETURNS text
	LANGUAGE C IMMUTABLE PARALLEL SAFE WINDOW
	AS 'MODULE_PATHNAME', 'abc_class';
COMMENT ON FUNCTION @extschema@.abc_class(float8, float8[]) IS
	'A where the rows of the partition with a larger value have less than 0.8 of the total, B where less than 0.95, '
	'else C; equal values share a class, and values of 0 or less are C; OVER () is enough, the order of the window '
	'plays no part; NULL gives NULL';

CREATE FUNCTION @extschema@._concentration_transition(state internal, value float8)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'concentration_transition';
COMMENT ON FUNCTION @extschema@._concentration_transition(internal, float8) IS
	'part of aggregate gini';

CREATE FUNCTION @extschema@._lorenz_transition(state internal, value float8, points int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'lorenz_transition';
COMMENT ON FUNCTION @extschema@._lorenz_transition(internal, float8, int) IS
	'part of aggregate lorenz';

CREATE FUNCTION @extschema@._gini_final(state internal)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'gini_final';
COMMENT ON FUNCTION @extschema@._gini_final(internal) IS
	'part of aggregate gini';

CREATE FUNCTION @extschema@._lorenz_final(state internal)
	RETURNS float8[]
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'lorenz_final';
COMMENT ON FUNCTION @extschema@._lorenz_final(internal) IS
	'part of aggregate lorenz';

-- The states are those of auc: a set of values, 8 bytes each.
CREATE AGGREGATE @extschema@.gini(value float8) (
	SFUNC = @extschema@._concentration_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._ranked_combine,
	SERIALFUNC = @extschema@._ranked_serialize,
	DESERIALFUNC = @extschema@._ranked_deserialize,
	FINALFUNC = @extschema@._gini_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.gini(float8) IS
	'Gini''s coefficient: 0 where all have the same, near 1 where one has everything; values below 0 count as 0, NULLs '
	'are ignored; NULL where the total is 0';

CREATE AGGREGATE @extschema@.lorenz(value float8, points int) (
	SFUNC = @extschema@._lorenz_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._ranked_combine,
	SERIALFUNC = @extschema@._ranked_serialize,
	DESERIALFUNC = @extschema@._ranked_deserialize,
	FINALFUNC = @extschema@._lorenz_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.lorenz(float8, int) IS
	'Lorenz''s curve: the share of the total that the lowest 0, 1/points, 2/points, ... 1 of the rows have, as an '
	'array of points + 1; values below 0 count as 0, NULLs are ignored; NULL where the total is 0; an error if points '
	'is NULL';

/* ---- how long until ---- */

CREATE FUNCTION @extschema@._kaplan_meier_transition(state internal, duration float8, event bool)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kaplan_meier_transition';
COMMENT ON FUNCTION @extschema@._kaplan_meier_transition(internal, float8, bool) IS
	'part of aggregate kaplan_meier';

CREATE FUNCTION @extschema@._kaplan_meier_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'kaplan_meier_final';
COMMENT ON FUNCTION @extschema@._kaplan_meier_final(internal) IS
	'part of aggregate kaplan_meier';

CREATE AGGREGATE @extschema@.kaplan_meier(duration float8, event bool) (
	SFUNC = @extschema@._kaplan_meier_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._ranked_combine,
	SERIALFUNC = @extschema@._ranked_serialize,
	DESERIALFUNC = @extschema@._ranked_deserialize,
	FINALFUNC = @extschema@._kaplan_meier_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.kaplan_meier(float8, bool) IS
	'Kaplan''s and Meier''s curve of the time until an event, as a document for kaplan_meier_table: duration until the '
	'event, or without event how long it has not come so far; rows with a NULL are ignored, NULL without rows; an '
	'error for a duration below 0';

CREATE FUNCTION @extschema@.kaplan_meier_table(curve jsonb, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (t float8, at_risk bigint, events bigint, censored bigint, survival float8, std_error float8,
		low float8, high float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.t, c.at_risk, c.events, c.censored, c.survival, c.std_error,
		   -- on the scale of log(-log S): between 0 and 1
		   CASE WHEN w.half IS NOT NULL THEN exp(greatest(ln(w.survival) * exp(w.half), -700)) END,
		   exp(ln(w.survival) * exp(-w.half))
	  FROM jsonb_to_recordset(curve -> 'curve') AS c (t float8, at_risk bigint, events bigint, censored bigint,
			   survival float8, std_error float8),
		   LATERAL (SELECT CASE WHEN c.survival > 0 AND c.survival < 1 THEN c.survival END AS survival) AS s,
		   -- least and greatest would take the other one for a NULL
		   LATERAL (SELECT s.survival, CASE WHEN s.survival > 0 AND c.std_error >= 0
											THEN least(@extschema@._confidence_z(confidence) * c.std_error
													   / (s.survival * -ln(s.survival)), 700) END AS half) AS w
	 ORDER BY c.t
$$;
COMMENT ON FUNCTION @extschema@.kaplan_meier_table(jsonb, float8) IS
	'a document of kaplan_meier as rows, one for each duration: how many were still without the event and seen, how '
	'many had it then, how many were seen no longer, the share without it after this time, Greenwood''s standard '
	'error and the log-log interval; these are NULL where nobody is left, the interval also before the first event';

CREATE FUNCTION @extschema@.median_survival(curve jsonb, share float8 DEFAULT 0.5)
	RETURNS float8
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT min(c.t) FROM jsonb_to_recordset(curve -> 'curve') AS c (t float8, survival float8)
	 WHERE c.survival <= 1 - share + 1e-12
$$;
COMMENT ON FUNCTION @extschema@.median_survival(jsonb, float8) IS
	'the time after which half (or this share) had the event, by a document of kaplan_meier; NULL if it has not come '
	'that far';

/* ---- how sure a measure of a score is ---- */

CREATE FUNCTION @extschema@._delong_transition(state internal, score float8, label bool)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'delong_transition';
COMMENT ON FUNCTION @extschema@._delong_transition(internal, float8, bool) IS
	'part of aggregate delong';

CREATE FUNCTION @extschema@._delong_transition(state internal, score float8, other_score float8, label bool)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'delong_transition';
COMMENT ON FUNCTION @extschema@._delong_transition(internal, float8, float8, bool) IS
	'part of aggregate delong';

CREATE FUNCTION @extschema@._delong_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'delong_final';
COMMENT ON FUNCTION @extschema@._delong_final(internal) IS
	'part of aggregate delong';

CREATE FUNCTION @extschema@._delong_pair_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'delong_pair_final';
COMMENT ON FUNCTION @extschema@._delong_pair_final(internal) IS
	'part of aggregate delong';

CREATE AGGREGATE @extschema@.delong(score float8, label bool) (
	SFUNC = @extschema@._delong_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._scored_rows_combine,
	SERIALFUNC = @extschema@._scored_rows_serialize,
	DESERIALFUNC = @extschema@._scored_rows_deserialize,
	FINALFUNC = @extschema@._delong_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.delong(float8, bool) IS
	'the AUC of a score and its variance after DeLong, DeLong and Clarke-Pearson, as a document for auc_interval; rows '
	'with a NULL are ignored; NULL if all labels are the same';

CREATE AGGREGATE @extschema@.delong(score float8, other_score float8, label bool) (
	SFUNC = @extschema@._delong_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._scored_rows_combine,
	SERIALFUNC = @extschema@._scored_rows_serialize,
	DESERIALFUNC = @extschema@._scored_rows_deserialize,
	FINALFUNC = @extschema@._delong_pair_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.delong(float8, float8, bool) IS
	'the AUCs of two scores of the same rows, with their variances and covariance after DeLong, DeLong and '
	'Clarke-Pearson, as a document for auc_difference; rows with a NULL are ignored; NULL if all labels are the same';

CREATE FUNCTION @extschema@.auc_interval(delong jsonb, confidence float8 DEFAULT 0.95,
	OUT auc float8, OUT standard_error float8, OUT low float8, OUT high float8)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT d.auc, d.error, CASE WHEN d.half IS NOT NULL THEN greatest(d.auc - d.half, 0) END,
		   CASE WHEN d.half IS NOT NULL THEN least(d.auc + d.half, 1) END
	  FROM (SELECT (delong ->> 'auc')::float8 AS auc, e.error, @extschema@._confidence_z(confidence) * e.error AS half
			  FROM (SELECT sqrt((delong ->> 'variance')::float8) AS error) AS e) AS d
$$;
COMMENT ON FUNCTION @extschema@.auc_interval(jsonb, float8) IS
	'the AUC by a document of delong, its standard error and its interval, within 0 and 1; these are NULL where a '
	'label has a single row; all NULL for NULL; an error unless confidence is between 0 and 1';

CREATE FUNCTION @extschema@.auc_difference(delong jsonb, confidence float8 DEFAULT 0.95,
	OUT auc float8, OUT other_auc float8, OUT difference float8, OUT standard_error float8,
	OUT z float8, OUT p float8, OUT low float8, OUT high float8)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT d.auc, d.other_auc, d.difference, d.error, t.z,
		   2 * @extschema@.normal_cdf(abs(t.z), upper_tail => true),
		   CASE WHEN t.half IS NOT NULL THEN greatest(d.difference - t.half, -1) END,
		   CASE WHEN t.half IS NOT NULL THEN least(d.difference + t.half, 1) END
	  FROM (SELECT c.auc, c.other_auc, c.other_auc - c.auc AS difference,
				   -- greatest would take the other one for a NULL
				   CASE WHEN c.variance < 0 THEN 0 ELSE sqrt(c.variance) END AS error
			  FROM (SELECT (delong ->> 'auc')::float8 AS auc, (delong ->> 'other_auc')::float8 AS other_auc,
						   CASE WHEN delong ->> 'covariance' IS NOT NULL THEN (delong ->> 'variance')::float8
								+ (delong ->> 'other_variance')::float8
								- 2 * (delong ->> 'covariance')::float8 END AS variance) AS c) AS d,
		   LATERAL (SELECT d.difference / nullif(d.error, 0) AS z,
						   @extschema@._confidence_z(confidence) * d.error AS half) AS t
$$;
COMMENT ON FUNCTION @extschema@.auc_difference(jsonb, float8) IS
	'the AUC of the other score less that of the score, by a document of delong of two scores: its standard error, '
	'the two-sided p that they are equal, and its interval, within -1 and 1; z and p are NULL where nothing varies; '
	'all but the AUC is NULL for a document of one score; an error unless confidence is between 0 and 1';

CREATE FUNCTION @extschema@.hosmer_lemeshow(calibration jsonb, held_out boolean DEFAULT false,
	OUT chi_square float8, OUT degrees_of_freedom int, OUT p float8)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT t.chi_square, t.degrees,
		   CASE WHEN t.degrees > 0 THEN @extschema@.chi_square_cdf(t.chi_square, t.degrees, upper_tail => true) END
	  FROM (SELECT sum(b.part ORDER BY b.bin) AS chi_square,
				   (count(*) - CASE WHEN held_out THEN 0 ELSE 2 END)::int AS degrees
			  FROM (SELECT b.bin, CASE WHEN b.positive = b.customers * b.predicted THEN 0
						   WHEN b.predicted = 0 OR b.predicted = 1 THEN 'Infinity'::float8
						   ELSE (b.positive - b.customers * b.predicted) ^ 2
							   / (b.customers * b.predicted * (1 - b.predicted)) END AS part
					  FROM @extschema@.calibration_table(calibration) AS b) AS b
			HAVING count(*) > 0) AS t
$$;
COMMENT ON FUNCTION @extschema@.hosmer_lemeshow(jsonb, boolean) IS
	'Hosmer''s and Lemeshow''s test that probabilities mean what they say, by an array of calibration_bins: '
	'chi-square of what was predicted and what came true, with two degrees of freedom fewer than bins where the rows '
	'are those of the fit, and as many where they are held_out; p is NULL without a degree of freedom; all NULL for '
	'NULL or no bin';

/* ---- drift ---- */

CREATE FUNCTION @extschema@.population_stability(expected float8[], actual float8[],
	OUT psi float8, OUT critical_value float8, OUT band text)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'population_stability';
COMMENT ON FUNCTION @extschema@.population_stability(float8[], float8[]) IS
	'how far the shares of bins have moved: the population stability index of two arrays of counts, to each of which '
	'0.5 is added; band is stable below 0.1, moderate below 0.25, else large; chance alone stays below critical_value '
	'in 95 cases of 100; arrays that add up to 1 are shares, taken as they are, without a critical value; NULL where '
	'the counts are all 0';

CREATE FUNCTION @extschema@._two_samples_transition(state internal, value float8, is_second bool)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'two_samples_transition';
COMMENT ON FUNCTION @extschema@._two_samples_transition(internal, float8, bool) IS
	'part of aggregate ks_statistic';

CREATE FUNCTION @extschema@._ks_statistic_final(state internal)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'ks_statistic_final';
COMMENT ON FUNCTION @extschema@._ks_statistic_final(internal) IS
	'part of aggregate ks_statistic';

CREATE AGGREGATE @extschema@.ks_statistic(value float8, is_second bool) (
	SFUNC = @extschema@._two_samples_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._ranked_combine,
	SERIALFUNC = @extschema@._ranked_serialize,
	DESERIALFUNC = @extschema@._ranked_deserialize,
	FINALFUNC = @extschema@._ks_statistic_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.ks_statistic(float8, bool) IS
	'Kolmogorov''s and Smirnov''s distance of two samples: the largest difference, at any value, of their shares of '
	'rows up to it; rows with a NULL are ignored; NULL where a sample is empty';
