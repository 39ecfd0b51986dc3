--
-- Layer 5: propensity. Logistic regression over any features, how well any
-- score separates and is calibrated, and both put to work on histories: who
-- buys again within so many days.
--

/* ---- logistic regression ---- */

-- The state holds every row. Nothing is strict: what a row lacks is counted,
-- and weight and ridge are checked on every row.

CREATE FUNCTION @extschema@._logit_fit_transition(state internal, label bool, features float8[])
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_fit_transition';
COMMENT ON FUNCTION @extschema@._logit_fit_transition(internal, bool, float8[]) IS
	'part of aggregate logit_fit';

CREATE FUNCTION @extschema@._logit_fit_transition(state internal, label bool, features float8[], weight float8)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_fit_transition';
COMMENT ON FUNCTION @extschema@._logit_fit_transition(internal, bool, float8[], float8) IS
	'part of aggregate logit_fit';

CREATE FUNCTION @extschema@._logit_fit_transition(state internal, label bool, features float8[],
	weight float8, ridge float8)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_fit_transition';
COMMENT ON FUNCTION @extschema@._logit_fit_transition(internal, bool, float8[], float8, float8) IS
	'part of aggregate logit_fit';

CREATE FUNCTION @extschema@._logit_fit_transition(state internal, label bool, features float8[],
	weight float8, options text)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_fit_options_transition';
COMMENT ON FUNCTION @extschema@._logit_fit_transition(internal, bool, float8[], float8, text) IS
	'part of aggregate logit_fit';

CREATE FUNCTION @extschema@._logit_fit_combine(state internal, other internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_fit_combine';
COMMENT ON FUNCTION @extschema@._logit_fit_combine(internal, internal) IS
	'part of aggregate logit_fit';

CREATE FUNCTION @extschema@._logit_fit_serialize(state internal)
	RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_fit_serialize';
COMMENT ON FUNCTION @extschema@._logit_fit_serialize(internal) IS
	'part of aggregate logit_fit';

CREATE FUNCTION @extschema@._logit_fit_deserialize(bytes bytea, unused internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_fit_deserialize';
COMMENT ON FUNCTION @extschema@._logit_fit_deserialize(bytea, internal) IS
	'part of aggregate logit_fit';

CREATE FUNCTION @extschema@._logit_fit_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_fit_final';
COMMENT ON FUNCTION @extschema@._logit_fit_final(internal) IS
	'part of aggregate logit_fit';

CREATE FUNCTION @extschema@._logit_covariance_final(state internal)
	RETURNS float8[]
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_covariance_final';
COMMENT ON FUNCTION @extschema@._logit_covariance_final(internal) IS
	'part of aggregate logit_covariance';

CREATE AGGREGATE @extschema@.logit_fit(label bool, features float8[]) (
	SFUNC = @extschema@._logit_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._logit_fit_combine,
	SERIALFUNC = @extschema@._logit_fit_serialize,
	DESERIALFUNC = @extschema@._logit_fit_deserialize,
	FINALFUNC = @extschema@._logit_fit_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.logit_fit(bool, float8[]) IS
	'logistic regression of a label on features, by maximum likelihood (Newton), as a document that describes '
	'itself; rows with a NULL are left out; status and reason say why there are no parameters';

CREATE AGGREGATE @extschema@.logit_fit(label bool, features float8[], weight float8) (
	SFUNC = @extschema@._logit_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._logit_fit_combine,
	SERIALFUNC = @extschema@._logit_fit_serialize,
	DESERIALFUNC = @extschema@._logit_fit_deserialize,
	FINALFUNC = @extschema@._logit_fit_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.logit_fit(bool, float8[], float8) IS
	'logistic regression where a row of weight 2 counts as two rows; rows with a NULL or of weight 0 are left out';

CREATE AGGREGATE @extschema@.logit_fit(label bool, features float8[], weight float8, ridge float8) (
	SFUNC = @extschema@._logit_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._logit_fit_combine,
	SERIALFUNC = @extschema@._logit_fit_serialize,
	DESERIALFUNC = @extschema@._logit_fit_deserialize,
	FINALFUNC = @extschema@._logit_fit_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.logit_fit(bool, float8[], float8, float8) IS
	'logistic regression with weights and a ridge: half of ridge times the squares of the coefficients of '
	'standardised features is subtracted from the log-likelihood; rows with a NULL are left out';

CREATE AGGREGATE @extschema@.logit_fit(label bool, features float8[], weight float8, options text) (
	SFUNC = @extschema@._logit_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._logit_fit_combine,
	SERIALFUNC = @extschema@._logit_fit_serialize,
	DESERIALFUNC = @extschema@._logit_fit_deserialize,
	FINALFUNC = @extschema@._logit_fit_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.logit_fit(bool, float8[], float8, text) IS
	'logistic regression with weights and options, words with commas between them: firth (Firth''s penalised '
	'likelihood, which has an answer where labels are separated), firth_if_separated (only there, and where the rarer '
	'label has too few rows), drop_aliased (without the features of leave_out, whose coefficients are 0); rows with a '
	'NULL are left out';

CREATE AGGREGATE @extschema@.logit_covariance(label bool, features float8[]) (
	SFUNC = @extschema@._logit_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._logit_fit_combine,
	SERIALFUNC = @extschema@._logit_fit_serialize,
	DESERIALFUNC = @extschema@._logit_fit_deserialize,
	FINALFUNC = @extschema@._logit_covariance_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.logit_covariance(bool, float8[]) IS
	'covariances of the coefficients that logit_fit finds in the same rows: one row and one column for the intercept '
	'and for each feature; in one query with logit_fit the rows are held once; NULL where there is no fit, and NULLs '
	'for a feature without a standard error';

CREATE AGGREGATE @extschema@.logit_covariance(label bool, features float8[], weight float8) (
	SFUNC = @extschema@._logit_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._logit_fit_combine,
	SERIALFUNC = @extschema@._logit_fit_serialize,
	DESERIALFUNC = @extschema@._logit_fit_deserialize,
	FINALFUNC = @extschema@._logit_covariance_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.logit_covariance(bool, float8[], float8) IS
	'covariances of the coefficients that logit_fit finds in the same rows and weights';

CREATE AGGREGATE @extschema@.logit_covariance(label bool, features float8[], weight float8, ridge float8) (
	SFUNC = @extschema@._logit_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._logit_fit_combine,
	SERIALFUNC = @extschema@._logit_fit_serialize,
	DESERIALFUNC = @extschema@._logit_fit_deserialize,
	FINALFUNC = @extschema@._logit_covariance_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.logit_covariance(bool, float8[], float8, float8) IS
	'covariances of the coefficients that logit_fit finds in the same rows and weights with a ridge';

CREATE AGGREGATE @extschema@.logit_covariance(label bool, features float8[], weight float8, options text) (
	SFUNC = @extschema@._logit_fit_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._logit_fit_combine,
	SERIALFUNC = @extschema@._logit_fit_serialize,
	DESERIALFUNC = @extschema@._logit_fit_deserialize,
	FINALFUNC = @extschema@._logit_covariance_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.logit_covariance(bool, float8[], float8, text) IS
	'covariances of the coefficients that logit_fit finds in the same rows and weights with options';

CREATE FUNCTION @extschema@._choose_ridge_transition(state internal, label bool, features float8[],
	weight float8, ridges float8[], folds int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'choose_ridge_transition';
COMMENT ON FUNCTION @extschema@._choose_ridge_transition(internal, bool, float8[], float8, float8[], int) IS
	'part of aggregate choose_ridge';

CREATE FUNCTION @extschema@._choose_ridge_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'choose_ridge_final';
COMMENT ON FUNCTION @extschema@._choose_ridge_final(internal) IS
	'part of aggregate choose_ridge';

CREATE AGGREGATE @extschema@.choose_ridge(label bool, features float8[], weight float8, ridges float8[], folds int) (
	SFUNC = @extschema@._choose_ridge_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._logit_fit_combine,
	SERIALFUNC = @extschema@._logit_fit_serialize,
	DESERIALFUNC = @extschema@._logit_fit_deserialize,
	FINALFUNC = @extschema@._choose_ridge_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.choose_ridge(bool, float8[], float8, float8[], int) IS
	'which ridge of logit_fit predicts best what it has not seen, by cross-validation: each of so many folds of the '
	'rows is predicted by fits of the others; a document with ridge (the least log loss), simplest_ridge (the largest '
	'within a standard error of it) and the choices, for choose_ridge_table; rows with a NULL are left out, NULL '
	'without rows';

CREATE FUNCTION @extschema@.choose_ridge_table(choice jsonb)
	RETURNS TABLE (ridge float8, log_loss float8, standard_error float8, is_best boolean, status text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.ridge, c.log_loss, c.standard_error, c.ridge IS NOT DISTINCT FROM (choice ->> 'ridge')::float8, c.status
	  FROM jsonb_to_recordset(choice -> 'choices') AS c (ridge float8, log_loss float8, standard_error float8,
		   status text)
	 ORDER BY c.ridge
$$;
COMMENT ON FUNCTION @extschema@.choose_ridge_table(jsonb) IS
	'a document of choose_ridge as rows, one for each ridge: the mean log loss of rows that were held out, and its '
	'standard error over the folds; NULL where a fold has no fit, as status says; no rows for NULL';

CREATE FUNCTION @extschema@.logit_predict(fit jsonb, features float8[])
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_predict';
COMMENT ON FUNCTION @extschema@.logit_predict(jsonb, float8[]) IS
	'probability of the label by a fit of logit_fit or propensity_fit; NULL where the fit has no meaning or a '
	'feature is NULL';

CREATE FUNCTION @extschema@.logit_coefficients(fit jsonb)
	RETURNS float8[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'logit_coefficients';
COMMENT ON FUNCTION @extschema@.logit_coefficients(jsonb) IS
	'intercept and coefficients of a fit; NULL where the fit has no meaning';

CREATE FUNCTION @extschema@._confidence_z(confidence float8)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'statistics_confidence_z';
COMMENT ON FUNCTION @extschema@._confidence_z(float8) IS
	'internal: the normal quantile of an interval with this confidence: 1.96 for 0.95; an error unless it is between 0 '
	'and 1';

CREATE FUNCTION @extschema@.logit_table(fit jsonb, names text[] DEFAULT NULL, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (feature int, name text, coefficient float8, standard_error float8, z float8, p float8,
		odds_ratio float8, low float8, high float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT (c.n OPERATOR(pg_catalog.-) 1)::pg_catalog.int4,
		   CASE WHEN c.n OPERATOR(pg_catalog.=) 1 THEN 'intercept'
				ELSE COALESCE(names[c.n OPERATOR(pg_catalog.-) 1],
					fit OPERATOR(pg_catalog.#>>) ARRAY['features', (c.n OPERATOR(pg_catalog.-) 2)::pg_catalog.text],
					'feature ' OPERATOR(pg_catalog.||) (c.n OPERATOR(pg_catalog.-) 1)::pg_catalog.text) END,
		   c.coefficient,
		   (d.document OPERATOR(pg_catalog.->) 'standard_errors' OPERATOR(pg_catalog.#>>) d.path)::pg_catalog.float8,
		   (d.document OPERATOR(pg_catalog.->) 'z' OPERATOR(pg_catalog.#>>) d.path)::pg_catalog.float8,
		   (d.document OPERATOR(pg_catalog.->) 'p' OPERATOR(pg_catalog.#>>) d.path)::pg_catalog.float8,
		   CASE WHEN c.n OPERATOR(pg_catalog.>) 1
					 AND pg_catalog.abs(c.coefficient) OPERATOR(pg_catalog.<=) 700::pg_catalog.float8
				THEN pg_catalog.exp(c.coefficient) END,
		   c.coefficient OPERATOR(pg_catalog.-) e.half, c.coefficient OPERATOR(pg_catalog.+) e.half
	  FROM pg_catalog.unnest(@extschema@.logit_coefficients(fit)) WITH ORDINALITY AS c (coefficient, n),
		   LATERAL (SELECT CASE WHEN c.n OPERATOR(pg_catalog.=) 1 THEN '{intercept}'::pg_catalog.text[]
								ELSE ARRAY['coefficients', (c.n OPERATOR(pg_catalog.-) 2)::pg_catalog.text] END AS path,
						   CASE WHEN fit OPERATOR(pg_catalog.->>) 'family' OPERATOR(pg_catalog.=) 'propensity'
								THEN fit OPERATOR(pg_catalog.->) 'fit' ELSE fit END AS document) AS d,
		   LATERAL (SELECT @extschema@._confidence_z(confidence) OPERATOR(pg_catalog.*)
						   (d.document OPERATOR(pg_catalog.->) 'standard_errors'
							OPERATOR(pg_catalog.#>>) d.path)::pg_catalog.float8 AS half) AS e
	 ORDER BY c.n;
END;
COMMENT ON FUNCTION @extschema@.logit_table(jsonb, text[], float8) IS
	'a fit of logit_fit or propensity_fit as rows: the intercept (feature 0) and one row for each feature; '
	'odds_ratio is by one unit of the feature, low and high are the interval of the coefficient; no rows for NULL; '
	'names NULL: those of the fit; an error unless confidence is between 0 and 1';

/* ---- how good a score is ---- */

-- The state of auc, lift and calibration_bins holds every score, 8 bytes each.

CREATE FUNCTION @extschema@._ranked_transition(state internal, score float8, label bool)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'ranked_transition';
COMMENT ON FUNCTION @extschema@._ranked_transition(internal, float8, bool) IS
	'part of aggregate auc';

CREATE FUNCTION @extschema@._lift_transition(state internal, score float8, label bool, top_share float8)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'lift_transition';
COMMENT ON FUNCTION @extschema@._lift_transition(internal, float8, bool, float8) IS
	'part of aggregate lift';

CREATE FUNCTION @extschema@._calibration_bins_transition(state internal, score float8, label bool, bins int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'calibration_bins_transition';
COMMENT ON FUNCTION @extschema@._calibration_bins_transition(internal, float8, bool, int) IS
	'part of aggregate calibration_bins';

CREATE FUNCTION @extschema@._ranked_combine(state internal, other internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'ranked_combine';
COMMENT ON FUNCTION @extschema@._ranked_combine(internal, internal) IS
	'part of aggregates over values of two kinds: auc, lift, calibration_bins, gini, kaplan_meier and others';

CREATE FUNCTION @extschema@._ranked_serialize(state internal)
	RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'ranked_serialize';
COMMENT ON FUNCTION @extschema@._ranked_serialize(internal) IS
	'part of aggregates over values of two kinds: auc, lift, calibration_bins, gini, kaplan_meier and others';

CREATE FUNCTION @extschema@._ranked_deserialize(bytes bytea, unused internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'ranked_deserialize';
COMMENT ON FUNCTION @extschema@._ranked_deserialize(bytea, internal) IS
	'part of aggregates over values of two kinds: auc, lift, calibration_bins, gini, kaplan_meier and others';

CREATE FUNCTION @extschema@._auc_final(state internal)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'auc_final';
COMMENT ON FUNCTION @extschema@._auc_final(internal) IS
	'part of aggregate auc';

CREATE FUNCTION @extschema@._lift_final(state internal)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'lift_final';
COMMENT ON FUNCTION @extschema@._lift_final(internal) IS
	'part of aggregate lift';

CREATE FUNCTION @extschema@._calibration_bins_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'calibration_bins_final';
COMMENT ON FUNCTION @extschema@._calibration_bins_final(internal) IS
	'part of aggregate calibration_bins';

-- READ_ONLY although the final functions sort the scores: the state is a set,
-- and means the same in any order.
CREATE AGGREGATE @extschema@.auc(score float8, label bool) (
	SFUNC = @extschema@._ranked_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._ranked_combine,
	SERIALFUNC = @extschema@._ranked_serialize,
	DESERIALFUNC = @extschema@._ranked_deserialize,
	FINALFUNC = @extschema@._auc_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.auc(float8, bool) IS
	'area under the ROC curve: how often a row with the label has a higher score than one without, equal scores '
	'counting one half (the Mann-Whitney statistic); rows with a NULL are ignored; NULL if all labels are the same';

CREATE AGGREGATE @extschema@.lift(score float8, label bool, top_share float8) (
	SFUNC = @extschema@._lift_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._ranked_combine,
	SERIALFUNC = @extschema@._ranked_serialize,
	DESERIALFUNC = @extschema@._ranked_deserialize,
	FINALFUNC = @extschema@._lift_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.lift(float8, bool, float8) IS
	'how much more frequent the label is among the top_share of the rows with the highest scores than among all (1: '
	'no better than chance); rows with a NULL score or label are ignored, NULL if none is left; an error if '
	'top_share is NULL';

CREATE AGGREGATE @extschema@.calibration_bins(score float8, label bool, bins int) (
	SFUNC = @extschema@._calibration_bins_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._ranked_combine,
	SERIALFUNC = @extschema@._ranked_serialize,
	DESERIALFUNC = @extschema@._ranked_deserialize,
	FINALFUNC = @extschema@._calibration_bins_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.calibration_bins(float8, bool, int) IS
	'what was predicted and what came true, by quantile of the score: an array for calibration_table; rows with a '
	'NULL score or label are ignored, NULL if none is left; an error if bins is NULL';

CREATE FUNCTION @extschema@._score_curve_transition(state internal, score float8, label bool, points int)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'score_curve_transition';
COMMENT ON FUNCTION @extschema@._score_curve_transition(internal, float8, bool, int) IS
	'part of aggregate score_curve';

CREATE FUNCTION @extschema@._score_curve_final(state internal)
	RETURNS jsonb
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'score_curve_final';
COMMENT ON FUNCTION @extschema@._score_curve_final(internal) IS
	'part of aggregate score_curve';

CREATE AGGREGATE @extschema@.score_curve(score float8, label bool, points int) (
	SFUNC = @extschema@._score_curve_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._ranked_combine,
	SERIALFUNC = @extschema@._ranked_serialize,
	DESERIALFUNC = @extschema@._ranked_deserialize,
	FINALFUNC = @extschema@._score_curve_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.score_curve(float8, bool, int) IS
	'how many rows have at least a score, and how many of these have the label, as a document for roc_curve, '
	'precision_recall_curve and gains: for each score that there is, or, where these are more than points, where '
	'each of points equal parts of the rows is reached; rows with a NULL score or label are ignored, NULL if none is '
	'left; an error if points is NULL';

CREATE FUNCTION @extschema@._score_curve_rows(curve jsonb)
	RETURNS TABLE (threshold float8, selected bigint, positive bigint, customers bigint, all_positive bigint)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT (p.point ->> 0)::float8, (p.point ->> 1)::bigint, (p.point ->> 2)::bigint,
		   (curve ->> 'customers')::bigint, (curve ->> 'positive')::bigint
	  FROM jsonb_array_elements(curve -> 'curve') WITH ORDINALITY AS p (point, n)
	 ORDER BY p.n
$$;
COMMENT ON FUNCTION @extschema@._score_curve_rows(jsonb) IS
	'internal: a document of score_curve as rows';

CREATE FUNCTION @extschema@.roc_curve(curve jsonb)
	RETURNS TABLE (threshold float8, selected bigint, false_positive_rate float8, true_positive_rate float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT 'Infinity'::float8, 0::bigint, 0::float8, 0::float8 WHERE jsonb_array_length(curve -> 'curve') > 0
	UNION ALL
	SELECT * FROM (SELECT c.threshold, c.selected,
			(c.selected - c.positive)::float8 / nullif(c.customers - c.all_positive, 0),
			c.positive::float8 / nullif(c.all_positive, 0)
		  FROM @extschema@._score_curve_rows(curve) AS c ORDER BY c.selected) AS r
$$;
COMMENT ON FUNCTION @extschema@.roc_curve(jsonb) IS
	'the ROC curve of a document of score_curve, as rows to draw: of the rows without the label and of those with '
	'it, the share that has at least the score threshold; begins with nobody, at the threshold Infinity; a rate is '
	'NULL where no row has that label; no rows for NULL';

CREATE FUNCTION @extschema@.precision_recall_curve(curve jsonb)
	RETURNS TABLE (threshold float8, selected bigint, recall float8, "precision" float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.threshold, c.selected, c.positive::float8 / nullif(c.all_positive, 0), c.positive::float8 / c.selected
	  FROM @extschema@._score_curve_rows(curve) AS c ORDER BY c.selected
$$;
COMMENT ON FUNCTION @extschema@.precision_recall_curve(jsonb) IS
	'precision and recall by a document of score_curve, as rows to draw: of the rows with at least the score '
	'threshold, the share that has the label, and which share that is of all that have it; recall is NULL where no '
	'row has the label; no rows for NULL';

CREATE FUNCTION @extschema@.gains(curve jsonb)
	RETURNS TABLE (threshold float8, selected bigint, selected_share float8, positive bigint, gain float8,
		lift float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.threshold, c.selected, c.selected::float8 / c.customers, c.positive,
		   c.positive::float8 / nullif(c.all_positive, 0),
		   c.positive::float8 / c.selected / (nullif(c.all_positive, 0)::float8 / c.customers)
	  FROM @extschema@._score_curve_rows(curve) AS c ORDER BY c.selected
$$;
COMMENT ON FUNCTION @extschema@.gains(jsonb) IS
	'cumulative gains by a document of score_curve, as rows to draw: if the selected rows of the highest scores were '
	'written to, which share of all rows with the label that would reach, and how much more frequent it is among them '
	'than among all (lift); NULL where no row has the label; no rows for NULL';

/* ---- with weights ---- */

-- A state of 16 bytes a row: the score, and its weight or another score

CREATE FUNCTION @extschema@._weighted_auc_transition(state internal, score float8, label bool, weight float8)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'weighted_auc_transition';
COMMENT ON FUNCTION @extschema@._weighted_auc_transition(internal, float8, bool, float8) IS
	'part of aggregate auc';

CREATE FUNCTION @extschema@._scored_rows_combine(state internal, other internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'scored_rows_combine';
COMMENT ON FUNCTION @extschema@._scored_rows_combine(internal, internal) IS
	'part of aggregates auc and delong';

CREATE FUNCTION @extschema@._scored_rows_serialize(state internal)
	RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'scored_rows_serialize';
COMMENT ON FUNCTION @extschema@._scored_rows_serialize(internal) IS
	'part of aggregates auc and delong';

CREATE FUNCTION @extschema@._scored_rows_deserialize(bytes bytea, unused internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'scored_rows_deserialize';
COMMENT ON FUNCTION @extschema@._scored_rows_deserialize(bytea, internal) IS
	'part of aggregates auc and delong';

CREATE FUNCTION @extschema@._weighted_auc_final(state internal)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'weighted_auc_final';
COMMENT ON FUNCTION @extschema@._weighted_auc_final(internal) IS
	'part of aggregate auc';

CREATE AGGREGATE @extschema@.auc(score float8, label bool, weight float8) (
	SFUNC = @extschema@._weighted_auc_transition,
	STYPE = internal,
	COMBINEFUNC = @extschema@._scored_rows_combine,
	SERIALFUNC = @extschema@._scored_rows_serialize,
	DESERIALFUNC = @extschema@._scored_rows_deserialize,
	FINALFUNC = @extschema@._weighted_auc_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.auc(float8, bool, float8) IS
	'area under the ROC curve where a row of weight 2 counts as two rows; rows with a NULL score or label or of '
	'weight 0 are ignored; NULL if all labels are the same; an error for a weight that is NULL, negative or not '
	'finite';

CREATE FUNCTION @extschema@._brier_score_transition(state internal, score float8, label bool)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'brier_score_transition';
COMMENT ON FUNCTION @extschema@._brier_score_transition(internal, float8, bool) IS
	'part of aggregate brier_score';

CREATE FUNCTION @extschema@._log_loss_transition(state internal, score float8, label bool)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'log_loss_transition';
COMMENT ON FUNCTION @extschema@._log_loss_transition(internal, float8, bool) IS
	'part of aggregate log_loss';

CREATE FUNCTION @extschema@._mean_loss_combine(state internal, other internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'mean_loss_combine';
COMMENT ON FUNCTION @extschema@._mean_loss_combine(internal, internal) IS
	'part of aggregates brier_score and log_loss';

CREATE FUNCTION @extschema@._mean_loss_serialize(state internal)
	RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'mean_loss_serialize';
COMMENT ON FUNCTION @extschema@._mean_loss_serialize(internal) IS
	'part of aggregates brier_score and log_loss';

CREATE FUNCTION @extschema@._mean_loss_deserialize(bytes bytea, unused internal)
	RETURNS internal
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'mean_loss_deserialize';
COMMENT ON FUNCTION @extschema@._mean_loss_deserialize(bytea, internal) IS
	'part of aggregates brier_score and log_loss';

CREATE FUNCTION @extschema@._mean_loss_final(state internal)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'mean_loss_final';
COMMENT ON FUNCTION @extschema@._mean_loss_final(internal) IS
	'part of aggregates brier_score and log_loss';

CREATE AGGREGATE @extschema@.brier_score(score float8, label bool) (
	SFUNC = @extschema@._brier_score_transition,
	STYPE = internal,
	SSPACE = 256,
	COMBINEFUNC = @extschema@._mean_loss_combine,
	SERIALFUNC = @extschema@._mean_loss_serialize,
	DESERIALFUNC = @extschema@._mean_loss_deserialize,
	FINALFUNC = @extschema@._mean_loss_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.brier_score(float8, bool) IS
	'mean squared difference between a probability and what came true: 0 is best; rows with a NULL are ignored, NULL '
	'if none is left; an error for a score outside 0 to 1';

CREATE FUNCTION @extschema@._brier_score_transition(state internal, score float8, label bool, weight float8)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'brier_score_transition';
COMMENT ON FUNCTION @extschema@._brier_score_transition(internal, float8, bool, float8) IS
	'part of aggregate brier_score';

CREATE AGGREGATE @extschema@.brier_score(score float8, label bool, weight float8) (
	SFUNC = @extschema@._brier_score_transition,
	STYPE = internal,
	SSPACE = 256,
	COMBINEFUNC = @extschema@._mean_loss_combine,
	SERIALFUNC = @extschema@._mean_loss_serialize,
	DESERIALFUNC = @extschema@._mean_loss_deserialize,
	FINALFUNC = @extschema@._mean_loss_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.brier_score(float8, bool, float8) IS
	'mean squared difference between a probability and what came true, where a row of weight 2 counts as '
	'two rows; rows with a NULL score or label or of weight 0 are ignored; an error for a weight that is NULL, '
	'negative or not finite';

CREATE AGGREGATE @extschema@.log_loss(score float8, label bool) (
	SFUNC = @extschema@._log_loss_transition,
	STYPE = internal,
	SSPACE = 256,
	COMBINEFUNC = @extschema@._mean_loss_combine,
	SERIALFUNC = @extschema@._mean_loss_serialize,
	DESERIALFUNC = @extschema@._mean_loss_deserialize,
	FINALFUNC = @extschema@._mean_loss_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.log_loss(float8, bool) IS
	'mean of minus the logarithm of the probability of what came true: 0 is best, infinite if it had been called '
	'impossible; rows with a NULL are ignored, NULL if none is left; an error for a score outside 0 to 1';

CREATE FUNCTION @extschema@._log_loss_transition(state internal, score float8, label bool, weight float8)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'log_loss_transition';
COMMENT ON FUNCTION @extschema@._log_loss_transition(internal, float8, bool, float8) IS
	'part of aggregate log_loss';

CREATE AGGREGATE @extschema@.log_loss(score float8, label bool, weight float8) (
	SFUNC = @extschema@._log_loss_transition,
	STYPE = internal,
	SSPACE = 256,
	COMBINEFUNC = @extschema@._mean_loss_combine,
	SERIALFUNC = @extschema@._mean_loss_serialize,
	DESERIALFUNC = @extschema@._mean_loss_deserialize,
	FINALFUNC = @extschema@._mean_loss_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.log_loss(float8, bool, float8) IS
	'mean of minus the logarithm of the probability of what came true, where a row of weight 2 counts as '
	'two rows; rows with a NULL score or label or of weight 0 are ignored; an error for a weight that is NULL, '
	'negative or not finite';

CREATE FUNCTION @extschema@.calibration_table(calibration jsonb)
	RETURNS TABLE (bin int, from_score float8, to_score float8, customers bigint, positive bigint,
		predicted float8, actual float8, actual_low float8, actual_high float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT b.bin, b.from_score, b.to_score, b.customers, b.positive, b.predicted, b.actual,
		   -- Wilson's interval of 95 %: the roots of (1 + zz/n) x^2 - (2 p + zz/n) x + p^2, of
		   -- x and of 1 - x the smaller one, which loses no digit beside 0 and beside 1
		   b.actual * b.actual / nullif(b.actual + w.shift + w.half, 0),
		   1 - (1 - b.actual) * (1 - b.actual) / nullif(1 - b.actual + w.shift + w.half, 0)
	  FROM jsonb_to_recordset(calibration) AS b (bin int, from_score float8, to_score float8,
			   customers bigint, positive bigint, predicted float8, actual float8),
		   -- the normal distribution has 2.5 % above z
		   LATERAL (SELECT 1.959963984540054::float8 AS z, nullif(b.customers, 0)::float8 AS n) AS c,
		   LATERAL (SELECT c.z * c.z / (2 * c.n) AS shift,
						   c.z * sqrt(greatest(
							   b.actual * (1 - b.actual) / c.n + c.z * c.z / (4 * c.n * c.n), 0)) AS half) AS w
	 ORDER BY b.bin
$$;
COMMENT ON FUNCTION @extschema@.calibration_table(jsonb) IS
	'what calibration_bins returned, as rows to draw: predicted against actual, with a 95 % interval of the actual '
	'share; no rows for NULL';

/* ---- weights of a composite score ---- */

CREATE FUNCTION @extschema@.learnt_weights(fit jsonb, total float8 DEFAULT 1)
	RETURNS float8[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN pg_catalog.bool_or(c.coefficient OPERATOR(pg_catalog.>) 0::pg_catalog.float8) THEN
				pg_catalog.array_agg(
					GREATEST(c.coefficient OPERATOR(pg_catalog./) NULLIF(s.scale, 0::pg_catalog.float8),
						0::pg_catalog.float8)
					OPERATOR(pg_catalog./) NULLIF(s.part, 0::pg_catalog.float8) OPERATOR(pg_catalog.*) total
					ORDER BY c.n) END
	  FROM pg_catalog.unnest((@extschema@.logit_coefficients(fit))[2:]) WITH ORDINALITY AS c (coefficient, n),
		   -- by the largest first, so that nothing overflows
		   LATERAL (SELECT pg_catalog.max(a.x) AS scale,
						   pg_catalog.sum(GREATEST(a.x OPERATOR(pg_catalog./) m.largest, 0::pg_catalog.float8)
							   ORDER BY a.n) AS part
					  FROM pg_catalog.unnest((@extschema@.logit_coefficients(fit))[2:]) WITH ORDINALITY AS a (x, n),
						   (SELECT NULLIF(pg_catalog.max(u.x), 0::pg_catalog.float8) AS largest
							  FROM pg_catalog.unnest((@extschema@.logit_coefficients(fit))[2:]) AS u (x)) AS m) AS s;
END;
COMMENT ON FUNCTION @extschema@.learnt_weights(jsonb, float8) IS
	'weights for weighted_score and score_customers from a fit of a label on scores: coefficients, negative ones as '
	'0, to the sum total; NULL where the fit has no meaning or no coefficient is positive';

CREATE FUNCTION @extschema@.learnt_weights_table(fit jsonb, chosen float8[] DEFAULT '{1,1,1}',
	names text[] DEFAULT '{recency,frequency,monetary}')
	RETURNS TABLE (score int, name text, chosen_weight float8, chosen_share float8, learnt_share float8,
		coefficient float8, standard_error float8, p float8, clipped boolean)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT t.feature, COALESCE(names[t.feature], 'score ' OPERATOR(pg_catalog.||) t.feature::pg_catalog.text),
		   chosen[t.feature],
		   chosen[t.feature]
			   OPERATOR(pg_catalog./) NULLIF((SELECT pg_catalog.sum(u.w ORDER BY u.w)
				   FROM pg_catalog.unnest(chosen) AS u (w)), 0::pg_catalog.float8),
		   (@extschema@.learnt_weights(fit))[t.feature], t.coefficient, t.standard_error, t.p,
		   t.coefficient OPERATOR(pg_catalog.<) 0::pg_catalog.float8
	  FROM @extschema@.logit_table(fit) AS t WHERE t.feature OPERATOR(pg_catalog.>) 0
	 ORDER BY t.feature;
END;
COMMENT ON FUNCTION @extschema@.learnt_weights_table(jsonb, float8[], text[]) IS
	'learnt weights beside the chosen ones, both as shares; clipped: the coefficient is negative, and the weight '
	'therefore 0; no rows where fit is NULL';

/* ---- who buys again ---- */

CREATE FUNCTION @extschema@.propensity_features(history @extschema@.history, as_of date)
	RETURNS float8[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'propensity_features';
COMMENT ON FUNCTION @extschema@.propensity_features(@extschema@.history, date) IS
	'what a history says on a day, for a logistic regression: seven numbers, none of them missing '
	'(propensity_feature_names says which); NULL before the first event';

CREATE FUNCTION @extschema@.propensity_feature_names()
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ARRAY['log1p_recency_days', 'log1p_active_days', 'log1p_total', 'log1p_tenure_days', 'log1p_silence',
				 'log1p_events_90d', 'log1p_events_365d'];
END;
COMMENT ON FUNCTION @extschema@.propensity_feature_names() IS 'the names of what propensity_features returns';

CREATE FUNCTION @extschema@.propensity_label(history @extschema@.history, as_of date, horizon_days int)
	RETURNS bool
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'propensity_label';
COMMENT ON FUNCTION @extschema@.propensity_label(@extschema@.history, date, int) IS
	'does an event follow within so many days after as_of? NULL before the first event';

CREATE FUNCTION @extschema@.propensity(fit jsonb, history @extschema@.history, as_of date)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'propensity';
COMMENT ON FUNCTION @extschema@.propensity(jsonb, @extschema@.history, date) IS
	'probability of an event within the horizon of a fit of propensity_fit, seen from as_of; NULL before the first '
	'event and where the fit has no meaning';

-- Models fit streams as well. A fit names its features: those of orders, and of each
-- stream four, STREAM.NAME. By their names they get numbers, those of a stream
-- 16 * its number + 1 to 4; those of orders 1 to 7.
CREATE FUNCTION @extschema@._stream_feature_names()
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ARRAY['log1p_recency_days', 'log1p_events_30d', 'log1p_events_90d', 'log1p_points'];
END;
COMMENT ON FUNCTION @extschema@._stream_feature_names() IS
	'internal: the names of what streams give a propensity';

-- In C: a lookup of one customer asks for it, and would plan a query each time.
CREATE FUNCTION @extschema@._propensity_codes(fit jsonb, streams jsonb)
	RETURNS int[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'propensity_codes';
COMMENT ON FUNCTION @extschema@._propensity_codes(jsonb, jsonb) IS
	'internal: the numbers of the features of a fit in a model with these streams, {name: number}; NULL if one is not '
	'there';

CREATE FUNCTION @extschema@._propensity_features(codes int[], history @extschema@.history,
	streams @extschema@.stream_histories, as_of date)
	RETURNS float8[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'propensity_features_of';
COMMENT ON FUNCTION @extschema@._propensity_features(int[], @extschema@.history, @extschema@.stream_histories, date) IS
	'internal: features of orders and streams by their numbers; NULL if some are of orders, and there is none';

CREATE FUNCTION @extschema@._propensity(coefficients float8[], codes int[], history @extschema@.history,
	streams @extschema@.stream_histories, as_of date)
	RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'propensity_of';
COMMENT ON FUNCTION @extschema@._propensity(float8[], int[], @extschema@.history, @extschema@.stream_histories, date) IS
	'internal: the probability that coefficients, the intercept first, give these features';

-- Why nobody has a probability by a fit.
CREATE FUNCTION @extschema@._propensity_reason(fit jsonb, codes int[])
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN fit IS NULL THEN 'not_calibrated'
		WHEN fit OPERATOR(pg_catalog.->>) 'status' OPERATOR(pg_catalog.<>) 'converged'
			THEN fit OPERATOR(pg_catalog.->>) 'status'
		WHEN codes IS NULL THEN 'stream_dropped' END;
END;
COMMENT ON FUNCTION @extschema@._propensity_reason(jsonb, int[]) IS
	'internal: why a fit gives nobody a probability; NULL: it does';

-- A fit with the names of its features. Too few of the rarer label are no fit, although
-- the ridge gives one.
CREATE FUNCTION @extschema@._propensity_document(fit jsonb, features text[], fewest int)
	RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT fit || jsonb_build_object('features', features)
		|| CASE WHEN fit ->> 'status' = 'converged' AND m.n < f.n THEN
			jsonb_build_object('status', 'too_few', 'parameters', NULL, 'standard_errors', NULL, 'z', NULL, 'p', NULL,
				'means', NULL, 'log_likelihood', NULL, 'null_log_likelihood', NULL, 'gradient_norm', NULL, 'reason',
				format('too few: %s of the %s %s within the 90 days, and %s are needed', m.n, fit ->> 'n',
					CASE WHEN m.n = (fit ->> 'n_positive')::bigint THEN 'ordered' ELSE 'did not order' END, f.n))
			ELSE '{}' END
	  FROM (SELECT least((fit ->> 'n_positive')::bigint,
				(fit ->> 'n')::bigint - (fit ->> 'n_positive')::bigint)) AS m (n),
		   (SELECT CASE WHEN fewest > 0 THEN greatest(fewest, 1 + cardinality(features)) ELSE 0 END) AS f (n)
$$;
COMMENT ON FUNCTION @extschema@._propensity_document(jsonb, text[], int) IS
	'internal: a fit with the names of its features, and without parameters if it rests on too few customers';

-- How a probability comes about: each feature with what it adds to the log-odds of a
-- customer who is average in everything, which are those of the row base.
CREATE FUNCTION @extschema@._propensity_contributions(fit jsonb, codes int[], history @extschema@.history,
	streams @extschema@.stream_histories, as_of date)
	RETURNS TABLE (rank int, part text, feature text, value float8, mean float8, coefficient float8,
		contribution float8, share float8)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH f AS MATERIALIZED (
		SELECT u.n, u.name, u.value, (fit -> 'means' ->> (u.n - 1)::int)::float8 AS mean,
			   (@extschema@.logit_coefficients(fit))[u.n + 1] AS coefficient
		  FROM ROWS FROM (jsonb_array_elements_text(fit -> 'features'),
				unnest(@extschema@._propensity_features(codes, history, streams, as_of)))
				WITH ORDINALITY AS u (name, value, n)
	), c AS (
		SELECT f.*, f.coefficient * (f.value - f.mean) AS contribution FROM f
		 WHERE f.value IS NOT NULL AND f.coefficient IS NOT NULL
	)
	SELECT 0, 'base', 'base', NULL::float8, NULL::float8, (@extschema@.logit_coefficients(fit))[1],
		   (@extschema@.logit_coefficients(fit))[1] + @extschema@.exact_sum(c.coefficient * c.mean), NULL::float8
	  FROM c HAVING count(*) > 0
	UNION ALL
	(SELECT (row_number() OVER (ORDER BY abs(c.contribution) DESC, c.n))::int,
		   CASE WHEN c.name LIKE '%.%' THEN split_part(c.name, '.', 1) ELSE 'orders' END, c.name, c.value, c.mean,
		   c.coefficient, c.contribution,
		   c.contribution / nullif(sum(abs(c.contribution)) OVER (ORDER BY c.n
			ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), 0)
	  FROM c ORDER BY 1)
$$;
COMMENT ON FUNCTION @extschema@._propensity_contributions(jsonb, int[], @extschema@.history,
	@extschema@.stream_histories, date) IS
	'internal: how a probability comes about: for each feature coefficient * (value - mean), the largest first; rank 0 '
	'is the base: what a customer who is average in everything has; the sum of all is the log-odds';

-- The caller's query runs with the caller's search_path. Everything else in the
-- text that runs then is qualified, and has no operator.
CREATE FUNCTION @extschema@._propensity_fit_run(caller_path text, source text, as_of date,
	horizon_days int, ridge float8)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET extra_float_digits = 1
	AS $$
DECLARE
	query		text;
	test_day	date;
	train_day	date;
	fit			jsonb;
	trained		jsonb;
	tested		record;
	base_rate	float8;
	message		text;
	state		text;
BEGIN
	IF source IS NULL OR as_of IS NULL OR horizon_days IS NULL OR ridge IS NULL OR caller_path IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('%s must not be null', CASE
				WHEN source IS NULL THEN 'source' WHEN as_of IS NULL THEN 'as_of'
				WHEN horizon_days IS NULL THEN 'horizon_days' WHEN ridge IS NULL THEN 'ridge' ELSE 'caller_path' END);
	END IF;
	IF NOT isfinite(as_of) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('as_of must be finite here, but is %s',
				CASE WHEN as_of = 'infinity' THEN 'infinity' ELSE '-infinity' END),
			HINT = 'Name a day, for example current_date.';
	END IF;
	IF horizon_days NOT BETWEEN 1 AND 3660 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('horizon_days must be between 1 and 3660, but is %s', horizon_days);
	END IF;
	IF octet_length(caller_path) > 10000 OR octet_length(source) > 1000000 THEN
		RAISE program_limit_exceeded USING MESSAGE = 'source or search_path is too long';
	END IF;
	test_day := as_of - horizon_days;
	train_day := test_day - horizon_days;
	query := CASE WHEN source ~ '^\s*([[:alpha:]_][[:alnum:]_$]*|"([^"]|"")+")'
			'(\s*\.\s*([[:alpha:]_][[:alnum:]_$]*|"([^"]|"")+")){0,2}\s*$'
		THEN 'TABLE ' || source ELSE rtrim(source, E' \t\r\n;') END;
	query := concat('FROM (SELECT u.history::@extschema@.history AS history FROM (', E'\n', query, E'\n',
		') AS u (customer, history)) AS s');

	BEGIN
		PERFORM pg_catalog.set_config('search_path', caller_path, true);
		-- one reading of the source for both fits, a second one for the test
		EXECUTE 'SELECT @extschema@.logit_fit(@extschema@.propensity_label(s.history, $1, $3),'
			' @extschema@.propensity_features(s.history, $1), $4, $5),'
			' @extschema@.logit_fit(@extschema@.propensity_label(s.history, $2, $3),'
			' @extschema@.propensity_features(s.history, $2), $4, $5) ' || query
			INTO trained, fit USING train_day, test_day, horizon_days, 1::pg_catalog.float8, ridge;
		EXECUTE 'SELECT pg_catalog.count(q.p) AS n, pg_catalog.count(CASE WHEN q.label THEN q.p END) AS n_positive,'
			' @extschema@.auc(q.p, q.label) AS auc,'
			' @extschema@.brier_score(q.p, q.label) AS brier_score, @extschema@.log_loss(q.p, q.label) AS log_loss,'
			' @extschema@.lift(q.p, q.label, $4) AS lift_top_tenth, @extschema@.weighted_mean(q.p, $5) AS predicted,'
			' @extschema@.calibration_bins(q.p, q.label, 10) AS calibration'
			' FROM (SELECT @extschema@.propensity_label(s.history, $2, $3) AS label,'
			' @extschema@.logit_predict($1, @extschema@.propensity_features(s.history, $2)) AS p ' || query || ') AS q'
			INTO tested USING trained, test_day, horizon_days, 0.1::pg_catalog.float8, 1::pg_catalog.float8;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	EXCEPTION
		WHEN syntax_error OR undefined_column OR undefined_table OR invalid_column_reference OR cannot_coerce
			OR datatype_mismatch THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
			RAISE EXCEPTION USING ERRCODE = state,
				MESSAGE = format('source is not a query of customer and history: %s', message),
				HINT = 'For example: SELECT customer_id, history'
					' FROM histories(''SELECT customer_id, ordered_on, total FROM orders'', NULL::int)';
	END;

	base_rate := tested.n_positive / nullif(tested.n, 0)::float8;
	RETURN jsonb_build_object(
		'family', 'propensity', 'as_of', to_char(as_of, 'YYYY-MM-DD'), 'horizon_days', horizon_days,
		'features', to_jsonb(@extschema@.propensity_feature_names()),
		'trained_on', to_char(test_day, 'YYYY-MM-DD'), 'status', fit -> 'status', 'reason', fit -> 'reason', 'fit', fit,
		'holdout', jsonb_build_object(
			'trained_on', to_char(train_day, 'YYYY-MM-DD'), 'tested_on', to_char(test_day, 'YYYY-MM-DD'),
			'status', trained -> 'status', 'reason', trained -> 'reason',
			'n', tested.n, 'n_positive', tested.n_positive, 'actual', base_rate, 'predicted', tested.predicted,
			'auc', tested.auc, 'brier_score', tested.brier_score,
			'brier_score_of_actual', base_rate * (1 - base_rate), 'log_loss', nullif(tested.log_loss, 'infinity'),
			'lift_top_tenth', tested.lift_top_tenth, 'calibration', tested.calibration));
END
$$;
COMMENT ON FUNCTION @extschema@._propensity_fit_run(text, text, date, int, float8) IS
	'internal: propensity_fit, with the search_path for source';

CREATE FUNCTION @extschema@.propensity_fit(source text, as_of date, horizon_days int DEFAULT 90, ridge float8 DEFAULT 1)
	RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT @extschema@._propensity_fit_run(pg_catalog.current_setting('search_path'), source, as_of,
		horizon_days, ridge);
END;
COMMENT ON FUNCTION @extschema@.propensity_fit(text, date, int, float8) IS
	'who buys again within so many days: a logistic regression on the histories of a query of customer and history, '
	'tested on the horizon before as_of after training on the one before that, then trained on the former; '
	'everything in one document for propensity(); an error if an argument is NULL';
