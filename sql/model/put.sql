--
-- Layer 4: a view or function of a model, made or replaced in its place, with
-- comments and grants; and the type that tells a function who asks.
--

CREATE TYPE @extschema@.caller;
CREATE FUNCTION @extschema@.caller_in(cstring)
	RETURNS @extschema@.caller
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.caller_in(cstring) IS 'I/O';
CREATE FUNCTION @extschema@.caller_out(@extschema@.caller)
	RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.caller_out(@extschema@.caller) IS 'I/O';
CREATE TYPE @extschema@.caller (INPUT = @extschema@.caller_in, OUTPUT = @extschema@.caller_out, INTERNALLENGTH = 24, ALIGNMENT = double);
COMMENT ON TYPE @extschema@.caller IS 'the role that calls a function: no value can be written down';
CREATE FUNCTION @extschema@._caller_for(model regnamespace)
	RETURNS @extschema@.caller
	AS 'MODULE_PATHNAME', 'caller_for' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._caller_for(regnamespace) IS
	'internal: the role that evaluates this, for the functions of a model: good until the transaction ends or the session takes another role';
CREATE FUNCTION @extschema@._caller_role(caller @extschema@.caller)
	RETURNS oid
	AS 'MODULE_PATHNAME', 'caller_role' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._caller_role(@extschema@.caller) IS 'internal: the role that a value of _caller_for() stands for; an error in another transaction, under another role of the session, or in a function of another role than the owner of the model';

-- Roles that were given the model to read by grant_reader read what it gains later,
-- too. A role of the same name made since then has no grant on the schema.
CREATE FUNCTION @extschema@._model_let_read(model name, privilege text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	role	name;
BEGIN
	FOR role IN EXECUTE format('SELECT DISTINCT o.rolname FROM %I.reader AS r JOIN pg_roles AS o ON o.rolname = r.role'
		' JOIN pg_namespace AS n ON n.nspname = $1 AND n.nspowner <> o.oid'
		' WHERE EXISTS (SELECT FROM aclexplode(n.nspacl) AS a WHERE a.grantee = o.oid AND a.privilege_type = ''USAGE'') ORDER BY 1', model) USING model LOOP
		EXECUTE format('GRANT %s TO %I', privilege, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_let_read(name, text) IS 'internal: give the readers of a model a further privilege';

-- The columns of a query q that is to stand for an existing view: in the order of
-- the view, new ones last, one that is gone as NULL.
CREATE FUNCTION @extschema@._model_fit_columns(model name, view name, query text)
	RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	existing	regclass := format('%I.%I', model, view)::regclass;
	fresh		regclass;
	columns		text;
	different	text;
BEGIN
	EXECUTE format('CREATE VIEW %I.source_probe AS %s', model, query);
	fresh := format('%I.source_probe', model)::regclass;
	SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) INTO different
	  FROM pg_attribute AS a JOIN pg_attribute AS b USING (attname)
	 WHERE a.attrelid = existing AND b.attrelid = fresh AND a.attnum > 0 AND b.attnum > 0
	   AND (a.atttypid, a.atttypmod) IS DISTINCT FROM (b.atttypid, b.atttypmod);
	IF different IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('columns of view %I would change their type: %s', view, different),
			DETAIL = 'Whatever reads the view relies on the type.',
			HINT = 'Make another model, or give an attribute another name: customers as a SELECT.';
	END IF;
	SELECT string_agg(format(CASE WHEN f.attname IS NULL THEN 'NULL::%2$s%3$s AS %1$I'
					WHEN f.attcollation <> e.attcollation THEN 'q.%1$I%3$s AS %1$I' ELSE 'q.%1$I' END,
			   coalesce(f.attname, e.attname), format_type(e.atttypid, e.atttypmod),
			   CASE WHEN e.attcollation <> 0 THEN ' COLLATE ' || e.attcollation::regcollation ELSE '' END),
			   ', ' ORDER BY e.attnum, f.attnum) INTO columns
	  FROM (SELECT * FROM pg_attribute WHERE attrelid = existing AND attnum > 0) AS e
	  FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = fresh AND attnum > 0) AS f USING (attname);
	EXECUTE format('DROP VIEW %I.source_probe', model);
	RETURN columns;
END
$$;
COMMENT ON FUNCTION @extschema@._model_fit_columns(name, name, text) IS 'internal: the columns of a query in the order of a view';

-- What the columns of all views mean. The same name is the same thing everywhere,
-- except those that are here under the name of a view as well.
CREATE FUNCTION @extschema@._model_column_comment(view text, name text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE(d.d OPERATOR(pg_catalog.->>) pg_catalog.concat(view, '.', name), d.d OPERATOR(pg_catalog.->>) name)
	  FROM (SELECT '{
		"customer_key": "the customer as text; unique, never NULL",
		"tenant": "the tenant of the customer; NULL in a model without tenants",
		"customer_id": "the customer as the source has it, as text",
		"as_of": "the day for which everything in this row is computed",
		"last_order_on": "day of the last order on or before as_of",
		"recency_days": "days from the last order to as_of",
		"frequency": "number of orders (or active days) in the window of the model",
		"monetary": "total of the window of the model, refunds included",
		"mean_value": "value of an order of the window on average",
		"tenure_days": "days from the first order to as_of",
		"silence_ratio": "recency_days divided by the usual gap between orders: 3 is three times longer silent than usual",
		"r_score": "recency score, 1 to the number of bins, the highest is best",
		"f_score": "frequency score, 1 to the number of bins, the highest is best",
		"m_score": "monetary score, 1 to the number of bins, the highest is best",
		"basket_score": "score of mean_value, 1 to the number of bins, the highest is best",
		"rfm_code": "the three scores: 545",
		"rfm_score": "weighted mean of the three scores",
		"rfm_score_change": "rfm_score minus what it was some days ago (90 unless the model says otherwise), both by the thresholds of today",
		"churn_probability": "probability that the customer will not order again, by the model of orders; see prediction_fits",
		"churn_reason": "what the plain rule on silence_ratio says beside it: bought_once, silent_longer_than_usual (three times the usual gap), within_usual_rhythm",
		"expected_orders_90d": "days with an order expected in the 90 days after as_of",
		"clv_12m": "lifetime value: what the customer is expected to bring in the 12 months after as_of, net of refunds as in the past, times margin, discounted",
		"clv_score": "third of the customers by clv_12m when the model was calibrated, 3 is the highest",
		"next_order_expected_on": "first day by which one further order is expected; NULL if not within three years",
		"propensity_90d": "probability of an order in the 90 days after as_of, by logistic regression",
		"prediction_reason": "why a prediction is missing",
		"score_reason": "why a score is missing or lowest: no_order, all_refunded (money came and went, and no order is left), no_order_in_window, too_few_customers",
		"segment": "the segment: a stable key, see the view segments",
		"segment_overridden": "whether a person has set the segment by override_segment",
		"segment_by_rules": "the segment by the rules of the map, whatever a person has said",
		"customers_overridden": "number of customers whose segment a person has set",
		"segment_label": "name of the segment in the language of the model",
		"segment_order": "order of the segments in lists and charts, best first",
		"segment_color": "color of the segment in charts, #RRGGBB",
		"role": "what the segment is in any map: vip, upsell, new, regular, at_risk, lapsed, prospect or other",
		"label": "name of the segment in the language of the model",
		"description": "who is in the segment",
		"action": "what to do with the customers of the segment",
		"previous_segment": "the segment before this one, as recorded by record_changes",
		"changed_on": "the as_of day on which record_changes saw the change; NULL if it saw none yet",
		"customers": "number of customers",
		"customers_share": "part of all customers, 0 to 1",
		"revenue": "total of monetary",
		"revenue_share": "part of the revenue of all customers, 0 to 1; a group with a revenue below zero has 0, and the others are parts of the rest",
		"mean_rfm_score": "rfm_score on average",
		"median_recency_days": "median of recency_days",
		"median_frequency": "median of frequency",
		"median_monetary": "median of monetary",
		"mean_m_score": "m_score on average",
		"dimension": "recency, frequency, monetary or basket",
		"score": "1 to the number of bins, the highest is best",
		"score_range": "the values that get the score, in words",
		"r_range": "the values that get r_score, in words",
		"f_range": "the values that get f_score, in words",
		"note": "why nobody has this score, where nobody can",
		"lower_bound": "the threshold below the values of this score",
		"upper_bound": "the threshold above the values of this score",
		"version": "version of the configuration",
		"valid_from": "as_of day from which the version is in force",
		"calibrated_customers": "number of customers from which the thresholds were taken",
		"attribute": "name of the attribute",
		"attribute_value": "its value, as text",
		"model": "name of the model",
		"source": "what the model scores, as it was given",
		"definition": "the query that is read: customer, day, value",
		"as_of_rule": "where as_of comes from",
		"time_zone": "the time zone whose days count",
		"segment_map": "the segment map that was copied",
		"refreshed_at": "when the source was read last",
		"fitted_on": "as_of day of the fits",
		"calibrated_on": "as_of day on which the thresholds were taken",
		"status": "ok, or what is wrong",
		"needs": "what to do",
		"live": "whether triggers on the source keep the model up to date",
		"pending_changes": "differences that apply_changes has not folded in yet; the views have them all the same",
		"reason": "why rows or customers are left out or worth a look",
		"unit": "what is counted: rows or customers",
		"minimum_group_size": "groups of fewer customers are not shown in summaries",
		"affected": "how many; NULL: not counted yet, see check_quality",
		"advice": "what to do about it",
		"explanation": "what it means",
		"checked_at": "when it was counted",
		"change_id": "rises with every change; read on from the highest you have seen",
		"recorded_at": "when the change was recorded",
		"tenants": "number of tenants that you see",
		"suppressed": "whether the numbers of the row are not shown, because they are about fewer customers than minimum_group_size or would give such numbers away",
		"last_event_on": "day of the last order; without any, of the last correction",
		"remove_on": "first day on which the customer is removed: retention_days without an order are over",
		"item": "what is said",
		"detail": "what is said of it",
		"thresholds.score_reason": "too_few_customers: why there are no thresholds; otherwise NULL",
		"thresholds.dimension": "recency, frequency, monetary or basket",
		"weights.dimension": "recency, frequency or monetary",
		"model_status.customers": "number of customers with a history that you see",
		"model_status.as_of": "the day for which the model answers now",
		"segment_changes.as_of": "the day for which the segments were computed when the change was recorded",
		"segment_changes.segment": "the segment after the change; NULL: the customer is there no longer",
		"segment_changes.previous_segment": "the segment before the change; NULL: the customer is new",
		"data_quality.customers": "how many customers are affected; NULL: not known",
		"fit": "what the fit is of: orders, spend or propensity",
		"family": "the family of the fit: mbgnbd, bgnbd, paretonbd, gammagamma or logit",
		"parameter": "name of a parameter; NULL where there is no fit",
		"value": "the parameter as fitted",
		"standard_error": "standard error of the parameter or coefficient",
		"log_likelihood": "logarithm of the likelihood of the fit",
		"prediction_fits.customers": "number of customers that were fitted",
		"prediction_fits.status": "converged, or what hindered it",
		"prediction_fits.reason": "why there is no fit",
		"prediction_fits.version": "version of the configuration that the fit belongs to",
		"predicted_customers": "number of those customers with a prediction",
		"prediction_by_segment.expected_orders_90d": "days with an order expected of all of them in the 90 days after as_of",
		"prediction_by_segment.clv_12m": "what they are expected to bring in the 12 months after as_of, times margin, discounted",
		"clv_12m_share": "part of clv_12m of all segments, 0 to 1",
		"mean_churn_probability": "churn_probability on average",
		"mean_propensity_90d": "propensity_90d on average",
		"chosen_weight": "weight in rfm_score, as set",
		"chosen_share": "chosen_weight as part of the sum of the three, 0 to 1",
		"learnt_share": "part that the learnt coefficients give it, 0 to 1",
		"coefficient": "coefficient of the score in the regression of orders of the last 90 days on the scores before",
		"p": "p-value of the coefficient",
		"clipped": "whether the coefficient is negative, and learnt_share therefore 0",
		"split_on": "the last day that the fit knew",
		"until": "the last day that was compared",
		"days": "number of days that were compared: from split_on to until",
		"prediction_check.checked_at": "when check_prediction was called",
		"prediction_check.customers": "number of customers with an order by split_on",
		"prediction_check.status": "converged, or what hindered the fit",
		"prediction_check.reason": "why there is no fit",
		"expected_orders": "days with an order after split_on, as predicted",
		"actual_orders": "days with an order after split_on, as they came",
		"orders_bias": "expected_orders divided by actual_orders, minus 1",
		"expected_value": "value of the orders after split_on, as predicted",
		"actual_value": "value of the orders after split_on, as it came",
		"value_bias": "expected_value divided by actual_value, minus 1",
		"actual_active": "number of customers with an order after split_on",
		"mean_absolute_error": "error of the expected orders of a customer on average",
		"baseline_absolute_error": "the same of the simple rule that everybody goes on as before",
		"correlation": "correlation of expected and actual orders of a customer",
		"active_auc": "how well the expected orders tell those who came from those who did not: 0.5 is chance, 1 is perfect",
		"repeat_orders": "further days with an order by split_on; 7 is 7 or more",
		"repeat_orders_range": "repeat_orders in words",
		"prediction_by_frequency.customers": "number of customers with so many repeat orders",
		"expected_mean": "expected_orders of a customer on average",
		"actual_mean": "actual_orders of a customer on average",
		"week_end": "last day of the week",
		"is_holdout": "whether the week lies after split_on",
		"prediction_tracking.expected_orders": "further days with an order from the first day on until the end of the week, as the fit says",
		"prediction_tracking.actual_orders": "further days with an order from the first day on until the end of the week, as they came",
		"expected_in_week": "expected_orders of this week alone",
		"actual_in_week": "actual_orders of this week alone"
	}'::pg_catalog.jsonb AS d) AS d;
END;
COMMENT ON FUNCTION @extschema@._model_column_comment(text, text) IS 'internal: what a column of a model''s views means';

-- A view in its place: what depends on it stays, its columns keep their order,
-- new ones come last, and one that is gone is NULL.
CREATE FUNCTION @extschema@._model_put_view(model name, view name, query text, comment text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	name		text;
	words		text;
	attributes	text[];
	is_new		boolean := to_regclass(format('%I.%I', model, view)) IS NULL;
BEGIN
	IF NOT is_new THEN
		query := format('SELECT %s FROM (%s) AS q', @extschema@._model_fit_columns(model, view, query), query);
	END IF;
	EXECUTE format('CREATE OR REPLACE VIEW %I.%I WITH (security_barrier) AS %s', model, view, query);
	IF is_new THEN
		PERFORM @extschema@._model_let_read(model, format('SELECT ON %I.%I', model, view));
	END IF;
	EXECUTE format('COMMENT ON VIEW %I.%I IS %L', model, view, comment);
	-- attributes of earlier versions too, because their columns stay
	EXECUTE format('SELECT array_agg(DISTINCT u.a) FROM %I.configuration AS c CROSS JOIN LATERAL unnest(c.attributes || c.contact) AS u (a)'
		' WHERE $1 = ''customer_scores'' OR $1 ~ ''_customers$''', model) INTO attributes USING view;
	FOR name IN SELECT a.attname FROM pg_attribute AS a
				 WHERE a.attrelid = format('%I.%I', model, view)::regclass AND a.attnum > 0 AND NOT a.attisdropped LOOP
		words := CASE WHEN name = ANY (attributes) THEN 'attribute of the customer' ELSE @extschema@._model_column_comment(view, name) END;
		IF words IS NULL THEN
			RAISE invalid_parameter_value USING MESSAGE = format('column %I of view %I has no comment', name, view);
		END IF;
		EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', model, view, name, words);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_view(name, name, text, text) IS 'internal: make or replace a view of a model';

-- A function of a model, replaced in its place: its grants stay. NAME itself is
-- for people and programs, where it has a comment for them; _NAME takes the same
-- arguments and the caller, and has the rights of the owner. Without JIT, which
-- takes longer to compile three copies of a map than most shops take.
-- call_model_function() accepts what is made here, and nothing else.
CREATE FUNCTION @extschema@._model_put_function(model name, function name, parameters text[], result text, body text, comment text DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made	name[] := CASE WHEN comment IS NULL THEN ARRAY['_' || function] ELSE ARRAY['_' || function, function] END;
	one		name;
	is_new	boolean;
BEGIN
	FOREACH one IN ARRAY made LOOP
		is_new := NOT EXISTS (SELECT FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace(quote_ident(model)) AND p.proname = one);
		IF starts_with(one, '_') THEN
			EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER'
				' SET search_path = pg_catalog, pg_temp SET jit = off COST 100000 ROWS 1000 BEGIN ATOMIC %s; END', model, one,
				(SELECT string_agg(regexp_replace(u.p, ' DEFAULT .*', ''), ', ' ORDER BY u.n) FROM
					unnest(parameters || 'caller @extschema@.caller'::text) WITH ORDINALITY AS u (p, n)), result, body);
		ELSE
			EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000'
				' BEGIN ATOMIC SELECT * FROM %1$I.%5$I(%6$s); END', model, one, array_to_string(parameters, ', '), result, '_' || function,
				array_to_string(ARRAY(SELECT '$' || n FROM generate_series(1, cardinality(parameters)) AS n) || format('@extschema@._caller_for(%L)', quote_ident(model)), ', '));
		END IF;
		IF is_new THEN
			EXECUTE format('REVOKE EXECUTE ON FUNCTION %I.%I FROM PUBLIC', model, one);
			PERFORM @extschema@._model_let_read(model, format('EXECUTE ON FUNCTION %I.%I', model, one));
		END IF;
		EXECUTE format('COMMENT ON FUNCTION %I.%I IS %L', model, one, CASE WHEN starts_with(one, '_') THEN
			'internal: what ' || CASE WHEN comment IS NULL THEN 'the extension' ELSE function END || ' asks, with the rights of the owner for the caller' ELSE comment END);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._model_put_function(name, name, text[], text, text, text) IS 'internal: make or replace a function of a model';
