-- docs/functions.md, from the catalogs of a database that has the extension:
--
--   make docs/functions.md          the same as
--   psql -XAtq -f test/functions_page.sql >docs/functions.md
--
-- What it says of a function is its COMMENT: mend that, and make the page again.
-- test/run lint compares the two. A function that no section below names is an error.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT set_config('search_path', quote_ident(nspname) || ', pg_catalog', false) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = extnamespace
 WHERE extname = 'customer_scoring' \g /dev/null

CREATE TEMP TABLE section (n int, title text, page text, words text, names text[]);
INSERT INTO section VALUES
(1, 'Histories', 'history.md', 'From the rows of one customer to their history, and from a history to facts. `as_of` is a day, and all that came later is invisible. Windows are `(as_of - window_days, as_of]`.',
	'{history,history_agg,sum,try_sum,days,cohort_periods,first_day,last_day,recency,tenure,frequency,active_days,monetary,mean_value,mean_gap,silence_ratio,no_order_reason,trend,decayed_sum,last_activity,without_negative_days,'
	'stream_histories_agg,stream_history,stream_kinds,stream_last_day,stream_events,stream_first_day,without_stream}'),
(2, 'Scores', 'scores.md', 'From a value to 1..n, n being the best, of any numbers.',
	'{score,rfm_facts,rfm_scores,rfm_code,weighted_score,quantile_score,rank_score,minmax_score,z_score,quantile_thresholds,weighted_mean,exact_sum,score_range}'),
(3, 'Segments', 'segments.md', 'From scores to segments, by a map that is data.',
	'{segment,segment_case,check_segment_map,create_segment_map}'),
(4, 'Scorecards', 'scorecards.md', 'Points for what people do and who they are, by a card that is data. Histories come with the names of their kinds.',
	'{scorecard_score,scorecard_band,scorecard_points,scorecard_next_band,scorecard_fits,kind_role,check_scorecard,create_scorecard}'),
(5, 'Many customers at once', 'score_customers.md', 'All customers of a table or query in one scan.',
	'{histories,source_histories,score_customers}'),
(6, 'Prediction of orders and value', 'btyd.md', 'Models of customers who buy until they stop, of the literature: [where the formulas come from](btyd.md). x is the number of repeat days, t_x the age at the last of them and t the age now, both in the unit of the fit.',
	'{btyd,btyd_opportunities,btyd_actual,ln_gaps,btyd_fit,btyd_fit_at,btyd_fit_bootstrap,spend_fit,spend_fit_bootstrap,regularity,btyd_log_likelihood,spend_log_likelihood,likelihood_ratio,choose_family,choose_family_table,btyd_alive,btyd_expected,btyd_expected_new,btyd_probability,btyd_residual,next_order_expected_on,spend_expected,clv,residual_value,btyd_matrix,btyd_alive_days,btyd_interval,btyd_alive_interval,btyd_probability_interval,btyd_count_interval,btyd_residual_interval,spend_interval,clv_interval,prediction_reason,next_order_reason,interval_reason,clv_reason,churn_probability,churn_reason,churn,contract_fit,contract_survival,contract_residual}'),
(7, 'Propensity, weights and metrics', 'propensity.md', 'Logistic regression on histories, and how to see whether it is any good.',
	'{logit_fit,choose_ridge,choose_ridge_table,logit_covariance,logit_predict,logit_coefficients,logit_table,auc,lift,score_curve,roc_curve,precision_recall_curve,gains,calibration_bins,calibration_table,brier_score,log_loss,learnt_weights,learnt_weights_table,propensity_features,propensity_feature_names,propensity_label,propensity,propensity_fit}'),
(8, 'Statistics', 'statistics.md', 'Groups of a test and their comparison, concentration, time until an event, drift, and the distributions underneath, of any table.',
	'{ab_group,sample_ratio,compare_rates,compare_means,comparison_table,holm_adjust,wilson_interval,exact_interval,newcombe_interval,two_rates_test,fisher_exact_test,welch_test,always_valid_test,normal_cdf,normal_quantile,chi_square_cdf,chi_square_quantile,student_t_cdf,student_t_quantile,beta_cdf,beta_quantile,'
	'cumulative_share,abc_class,gini,lorenz,kaplan_meier,kaplan_meier_table,median_survival,delong,auc_interval,auc_difference,hosmer_lemeshow,population_stability,ks_statistic}'),
(9, 'Clusters', 'clusters.md', 'Groups of points that are alike, by k-means, and how to choose their number.',
	'{kmeans_fit,kmeans_assign,kmeans_distance,kmeans_scaled,kmeans_table,choose_k,choose_k_table,kmeans,silhouette,kmeans_match}'),
(10, 'Models: make and keep', 'models.md', 'A model is a schema with the views of one shop. The owner alone calls these; [live models](live.md) follow their source by triggers.',
	'{models,create_model,refresh_model,calibrate_model,alter_model,check_model,grant_reader,revoke_reader,drop_model,record_changes,apply_changes,upgrade_model}'),
(17, 'Sources', 'sources.md', 'From the tables of a shop to the views that a model reads.',
	'{connect_shop}'),
(11, 'Models: streams', 'streams.md', 'What customers do beside ordering: visits, mail clicks, answers, in columns and views of a model.',
	'{add_stream,alter_stream,drop_stream,streams}'),
(12, 'Models: explanations', 'explain.md', 'Readers may call them too, about the customers that they may see.',
	'{explain_score,near_misses}'),
(13, 'Models: quality, corrections and prediction', 'quality.md', 'What may be wrong with the source, what a person says against the rules, and what came of a [prediction](prediction.md).',
	'{check_quality,quality_reasons,override_segment,clear_override,merge_customers,unmerge_customers,check_prediction}'),
(14, 'Models: people and privacy', 'privacy.md', 'What is done about one person, and groups too small to be shown.',
	'{forget_customer,allow_customer,reapply_suppression,purge_model,retention_due,erasure_report,export_customer,score_parity,suppression_token,suppression_key_id,shown_groups,is_small_cell}'),
(15, 'Satisfaction', 'satisfaction.md', 'Answers to surveys, summed up with an interval. The result is a row: `(nps(rating)).*` has value, low, high and n.',
	'{nps,csat,ces,stars}'),
(16, 'Models: steering', 'steering.md', 'Goals for key figures of segments, and [campaigns](campaigns.md) with control groups. The views and functions of a model that tell conversion, key figures and lifecycle stand in [steering.md](steering.md#definitions).',
	'{set_goal,drop_goal,start_campaign,campaign_result,drop_campaign}');

-- Lines of at most so many characters, broken after commas.
CREATE FUNCTION pg_temp.wrapped(words text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	part	text;
	line	text := '';
	lines	text := '';
BEGIN
	FOREACH part IN ARRAY string_to_array(words, ', ') LOOP
		IF length(line) + length(part) > 98 AND line <> '' THEN
			lines := lines || rtrim(line) || E'\n';
			line := '    ';
		END IF;
		line := line || part || ', ';
	END LOOP;
	RETURN lines || left(line, -2);
END $$;

CREATE TEMP VIEW member AS
SELECT classid, objid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
 WHERE d.deptype = 'e' AND e.extname = 'customer_scoring';
-- What types, operators, indexes and aggregates are made of.
CREATE TEMP VIEW support (proc) AS
SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend]::oid[]) FROM pg_type JOIN member ON classid = 'pg_type'::regclass AND objid = oid
UNION SELECT oprcode FROM pg_operator JOIN member ON classid = 'pg_operator'::regclass AND objid = oid
UNION SELECT amproc FROM pg_amproc
UNION SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn]::oid[])
	FROM pg_aggregate JOIN member ON classid = 'pg_proc'::regclass AND objid = aggfnoid;
CREATE TEMP TABLE function AS
SELECT p.*, obj_description(p.oid, 'pg_proc') AS words FROM pg_proc AS p JOIN member ON classid = 'pg_proc'::regclass AND objid = p.oid
 WHERE NOT starts_with(proname, '_') AND p.oid NOT IN (SELECT proc FROM support WHERE proc IS NOT NULL)
   AND obj_description(p.oid, 'pg_proc') <> 'an error that says how to make a day of a timestamp';

DO $$
DECLARE
	missing	text;
BEGIN
	SELECT string_agg(DISTINCT proname, ', ') INTO missing FROM function WHERE proname NOT IN (SELECT unnest(names) FROM section);
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'no section of test/functions_page.sql names %', missing;
	END IF;
	SELECT string_agg(name, ', ') INTO missing FROM section, unnest(names) AS name WHERE name NOT IN (SELECT proname FROM function);
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'test/functions_page.sql names %, which no function has', missing;
	END IF;
END $$;

CREATE TEMP VIEW entry AS
SELECT f.proname, f.oid,
	   E'```text\n' || pg_temp.wrapped(format('%s(%s) → %s', proname,
		   regexp_replace(pg_get_function_arguments(f.oid), ' DEFAULT (''[^'']*''|NULL|[-0-9.]+)::[a-z]+( precision| with time zone)?(\[\])?', ' DEFAULT \1', 'g'),
		   pg_get_function_result(f.oid))) || E'\n```\n'
	   || upper(left(words, 1)) || substr(words, 2) || E'.\n'
	   || CASE WHEN EXISTS (SELECT FROM function AS twin WHERE twin.proname = f.proname AND twin.words = 'the same of a customer whose key is a number')
			THEN E'`customer` may be a number, too.\n' ELSE '' END
	   || '*' || CASE prokind WHEN 'a' THEN 'Aggregate' WHEN 'w' THEN 'Window function' ELSE CASE provolatile WHEN 'i' THEN 'Immutable' WHEN 's' THEN 'Stable' ELSE 'Volatile' END END
	   || ', parallel ' || CASE proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END
	   || CASE WHEN proisstrict AND pronargs > 0 AND proretset THEN '; no rows if an argument is NULL' WHEN proisstrict AND pronargs > 0 THEN '; NULL if an argument is NULL' ELSE '' END
	   || E'.*\n' AS text
  FROM function AS f WHERE words <> 'the same of a customer whose key is a number';

SELECT E'# Functions\n
Every function, aggregate, operator and type of the extension that is yours to use. This
page is made from the comments in the catalog, which `\\df+` shows too:
`make docs/functions.md`. Names that begin with `_` are internal.

What holds for all of them:

- A required argument of a model\'s function, or of one that reads a query, is never NULL:
  SQLSTATE 22004. An optional one that is NULL is as if left out. Where NULL gives NULL,
  the text says so.
- A value out of its range is 22023, a number too large 22003; the message names the
  argument and the value, never a customer.
- A day is a `date`. A timestamp in its place is an error that says how to make a day of it.
';
SELECT 'Contents: ' || string_agg(format('[%s](#%s)', title, regexp_replace(lower(replace(title, ' ', '-')), '[^a-z-]', '', 'g')), E',\n' ORDER BY n)
	|| E',\n[Operators and types](#operators-and-types).\n' FROM section;
SELECT format(E'## %s\n\n%s\nMore on [%s](%s).\n', s.title, s.words, s.page, s.page) || E'\n'
	|| (SELECT string_agg(format(E'### %s\n\n', name) || (SELECT string_agg(e.text, E'\n' ORDER BY e.oid) FROM entry AS e WHERE e.proname = name), E'\n' ORDER BY o)
		  FROM unnest(s.names) WITH ORDINALITY AS u (name, o))
  FROM section AS s ORDER BY s.n;
SELECT E'## Operators and types\n\nMore on [history.md](history.md).\n\n| operator | result | what it is |\n|---|---|---|';
SELECT format('| `%s%s %s` | %s | %s; NULL if an argument is NULL |', CASE WHEN oprleft <> 0 THEN format_type(oprleft, NULL) || ' ' ELSE '' END, oprname, format_type(oprright, NULL),
		format_type(oprresult, NULL), obj_description(o.oid, 'pg_operator'))
  FROM pg_operator AS o JOIN member ON classid = 'pg_operator'::regclass AND objid = o.oid ORDER BY o.oid;
SELECT E'\nHistories compare by their bytes, in an order without meaning, so that DISTINCT, GROUP BY\nand joins work.\n\n| type | what it is |\n|---|---|';
SELECT format('| `%s` | %s |', typname, obj_description(t.oid, 'pg_type'))
  FROM pg_type AS t JOIN member ON classid = 'pg_type'::regclass AND objid = t.oid
 WHERE obj_description(t.oid, 'pg_type') !~ '^internal: ' AND typname <> 'caller' ORDER BY t.oid;
