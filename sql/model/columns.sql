--
-- Layer 4: the columns of customer_scores, and what the columns of all views mean.
--

CREATE TABLE @extschema@._score_column (
	"position"	bigint PRIMARY KEY,
	name		text COLLATE "C" NOT NULL UNIQUE,
	part		text NOT NULL,
	type		text,
	condition	text,
	needs_order	boolean NOT NULL,
	in_bulk		boolean NOT NULL,
	meaning		text,
	CONSTRAINT _score_column_part_check CHECK (part OPERATOR(pg_catalog.=) ANY
		('{all,prediction,composite,lists,attribute,reserved,inside}'::pg_catalog.text[])),
	CONSTRAINT _score_column_condition_check CHECK (condition OPERATOR(pg_catalog.=) ANY
		('{score,number,string}'::pg_catalog.text[]))
);
COMMENT ON TABLE @extschema@._score_column IS
	'internal: the columns of customer_scores, and other names that no attribute may have';
COMMENT ON COLUMN @extschema@._score_column."position" IS 'order of the columns';
COMMENT ON COLUMN @extschema@._score_column.name IS 'name';
COMMENT ON COLUMN @extschema@._score_column.part IS
	'all: in customer_scores of every model; prediction: of models that predict; composite: of models with a '
	'composite; lists: beside these in the '
	'lists of customers; '
	'attribute: an attribute that shipped maps ask for; reserved, inside: names that the queries use themselves';
COMMENT ON COLUMN @extschema@._score_column.type IS 'type; numeric has the decimals of the model';
COMMENT ON COLUMN @extschema@._score_column.condition IS
	'as what the condition of a segment map reads it: score, number or string; NULL: no condition may';
COMMENT ON COLUMN @extschema@._score_column.needs_order IS 'whether it is NULL without an order';
COMMENT ON COLUMN @extschema@._score_column.in_bulk IS 'whether score_customers gives it to a segment map, too';
COMMENT ON COLUMN @extschema@._score_column.meaning IS 'comment of the column, in any view that has it';

-- From these rows the build makes src/segment/known_columns.h. sql/check_columns.pl
-- compares src/bulk/score_customers.c, test/check_docs.pl the docs.
INSERT INTO @extschema@._score_column
SELECT pg_catalog.row_number() OVER (), c.* FROM (VALUES
	('customer_key', 'all', 'text', NULL, false, false, 'the customer as text; unique, never NULL'),
	('as_of', 'all', 'date', 'string', false, true, 'the day for which everything in this row is computed'),
	('last_order_on', 'all', 'date', 'string', true, true, 'day of the last order on or before as_of'),
	('recency_days', 'all', 'int', 'number', true, true, 'days from the last order to as_of'),
	('frequency', 'all', 'bigint', 'number', false, true,
		'number of orders (or active days) in the window of the model'),
	('monetary', 'all', 'numeric', 'number', false, true, 'total of the window of the model, refunds included'),
	('mean_value', 'all', 'numeric', 'number', true, true, 'value of an order of the window on average'),
	('tenure_days', 'all', 'int', 'number', true, true, 'days from the first order to as_of'),
	('silence_ratio', 'all', 'float8', 'number', true, true,
		'recency_days divided by the usual gap between orders: 3 is three times longer silent than usual'),
	('r_score', 'all', 'int', 'score', false, false, 'recency score, 1 to the number of bins, the highest is best'),
	('f_score', 'all', 'int', 'score', false, false, 'frequency score, 1 to the number of bins, the highest is best'),
	('m_score', 'all', 'int', 'score', false, false, 'monetary score, 1 to the number of bins, the highest is best'),
	('basket_score', 'all', 'int', 'number', true, false,
		'score of mean_value, 1 to the number of bins, the highest is best'),
	('rfm_code', 'all', 'text', 'string', true, true, 'the three scores: 545'),
	('rfm_score', 'all', 'float8', 'number', true, true, 'weighted mean of the three scores'),
	('rfm_score_change', 'all', 'float8', 'number', true, false,
		'rfm_score minus what it was some days ago (90 unless the model says otherwise), both by the '
		'thresholds of today'),
	('score_reason', 'all', 'text', 'string', false, true,
		'why a score is missing or lowest: no_order, all_refunded (money came and went, and no order is '
		'left), no_order_in_window, too_few_customers'),
	('churn_probability', 'prediction', 'float8', 'number', false, false,
		'probability that the customer will not order again, by the model of orders; see prediction_fits'),
	('churn_reason', 'prediction', 'text', NULL, false, false,
		'what the plain rule on silence_ratio says beside it: bought_once, silent_longer_than_usual (three '
		'times the usual gap), within_usual_rhythm'),
	('expected_orders_90d', 'prediction', 'float8', 'number', false, false,
		'days with an order expected in the 90 days after as_of'),
	('clv_12m', 'prediction', 'numeric', 'number', false, false,
		'lifetime value: what the customer is expected to bring in the 12 months after as_of, net of refunds '
		'as in the past, times margin, discounted'),
	('clv_score', 'prediction', 'int', 'number', false, false,
		'third of the customers by clv_12m when the model was calibrated, 3 is the highest'),
	('next_order_expected_on', 'prediction', 'date', 'string', false, false,
		'first day by which one further order is expected; NULL if not within three years'),
	('propensity_90d', 'prediction', 'float8', 'number', false, false,
		'probability of an order in the 90 days after as_of, by logistic regression'),
	('prediction_reason', 'prediction', 'text', NULL, false, false, 'why a prediction is missing'),
	('composite_score', 'composite', 'float8', NULL, false, false,
		'weighted mean of the scores that the model names, each brought to 0 to 100; those that are missing left out'),
	('composite_missing', 'composite', 'text', NULL, false, false, 'the scores that composite_score lacks'),
	('segment', 'all', 'text', NULL, false, false, 'the segment: a stable key, see the view segments'),
	('segment_label', 'all', 'text', NULL, false, false, 'name of the segment in the language of the model'),
	('segment_order', 'all', 'int', NULL, false, false, 'order of the segments in lists and charts, best first'),
	('segment_color', 'all', 'text', NULL, false, false, 'color of the segment in charts, #RRGGBB'),
	('segment_overridden', 'all', 'boolean', NULL, false, false,
		'whether a person has set the segment by override_segment'),
	('segment_by_rules', 'all', 'text', NULL, false, false,
		'the segment by the rules of the map, whatever a person has said'),
	('tenant', 'all', 'text', NULL, false, false, 'the tenant of the customer; NULL in a model without tenants'),
	('customer_id', 'all', 'text', NULL, false, false, 'the customer as the source has it, as text'),
	('role', 'lists', 'text', NULL, false, false,
		'what the segment is in any map: vip, upsell, new, regular, at_risk, lapsed, prospect or other'),
	('action', 'lists', 'text', NULL, false, false, 'what to do with the customers of the segment'),
	('previous_segment', 'lists', 'text', NULL, false, false,
		'the segment before this one, as recorded by record_changes'),
	('changed_on', 'lists', 'date', NULL, false, false,
		'the as_of day on which record_changes saw the change; NULL if it saw none yet'),
	('engagement_score', 'attribute', NULL, 'number', false, false, NULL),
	('satisfaction_score', 'attribute', NULL, 'number', false, false, NULL),
	('product_views_30d', 'attribute', NULL, 'number', false, false, NULL),
	('fm_score', 'reserved', NULL, 'score', false, false, NULL),
	('consent', 'reserved', NULL, NULL, false, false, NULL),
	('objection', 'reserved', NULL, NULL, false, false, NULL),
	('known', 'reserved', NULL, NULL, false, false, NULL),
	('history', 'reserved', NULL, NULL, false, false, NULL),
	('streams', 'reserved', NULL, NULL, false, false, NULL),
	('version', 'inside', NULL, NULL, false, false, NULL),
	('weights', 'inside', NULL, NULL, false, false, NULL),
	('map_copy', 'inside', NULL, NULL, false, false, NULL),
	('no_order_reason', 'inside', NULL, NULL, false, false, NULL),
	('corrected', 'inside', NULL, NULL, false, false, NULL),
	('scored_value', 'inside', NULL, NULL, false, false, NULL),
	('recency_thresholds', 'inside', NULL, NULL, false, false, NULL),
	('frequency_thresholds', 'inside', NULL, NULL, false, false, NULL),
	('monetary_thresholds', 'inside', NULL, NULL, false, false, NULL),
	('basket_thresholds', 'inside', NULL, NULL, false, false, NULL),
	('clv_thresholds', 'inside', NULL, NULL, false, false, NULL),
	('then_recency_days', 'inside', NULL, NULL, false, false, NULL),
	('then_frequency', 'inside', NULL, NULL, false, false, NULL),
	('then_scored_value', 'inside', NULL, NULL, false, false, NULL),
	('then_r_score', 'inside', NULL, NULL, false, false, NULL),
	('then_f_score', 'inside', NULL, NULL, false, false, NULL),
	('then_m_score', 'inside', NULL, NULL, false, false, NULL)
) AS c (name, part, type, condition, needs_order, in_bulk, meaning);

CREATE TABLE @extschema@._view_column (
	view	text COLLATE "C",
	name	text COLLATE "C",
	meaning	text NOT NULL,
	PRIMARY KEY (name, view)
);
COMMENT ON TABLE @extschema@._view_column IS 'internal: what the other columns of the views of a model mean';
COMMENT ON COLUMN @extschema@._view_column.view IS 'the view where the column means this; empty: everywhere else';
COMMENT ON COLUMN @extschema@._view_column.name IS 'the column';
COMMENT ON COLUMN @extschema@._view_column.meaning IS 'comment of the column';
INSERT INTO @extschema@._view_column
SELECT c.* FROM (VALUES
	('', 'customers_overridden', 'number of customers whose segment a person has set'),
	('', 'weights', 'weights of R, F and M in rfm_score'),
	('', 'map_copy', 'the copy of the segment map that is in force'),
	('', 'recency_thresholds', 'thresholds of r_score'),
	('', 'frequency_thresholds', 'thresholds of f_score'),
	('', 'monetary_thresholds', 'thresholds of m_score'),
	('', 'basket_thresholds', 'thresholds of basket_score'),
	('', 'clv_thresholds', 'thresholds of clv_score'),
	('', 'history', 'all days of the customer with their orders and totals'),
	('', 'known', 'the day from which the customer is known, with orders or without; NULL: by orders alone'),
	('', 'no_order_reason', 'why there is no order: no_order or all_refunded'),
	('', 'corrected', 'whether there is a correction where there is no order'),
	('', 'scored_value', 'what m_score is made from'),
	('', 'then_recency_days', 'recency_days on then_day'),
	('', 'then_frequency', 'frequency on then_day'),
	('', 'then_scored_value', 'scored_value on then_day'),
	('', 'then_r_score', 'r_score on then_day'),
	('', 'then_f_score', 'f_score on then_day'),
	('', 'then_m_score', 'm_score on then_day'),
	('', 'window_days', 'how many days before as_of count; NULL: all'),
	('', 'use_mean', 'whether m_score is of the mean value instead of the total'),
	('', 'use_active_days', 'whether days with an order are counted instead of orders'),
	('', 'then_day', 'the day that rfm_score_change compares with'),
	('', 'median_value', 'value of an order: the median of the mean_value of the customers'),
	('', 'btyd_fit', 'how customers come back and stay away'),
	('', 'spend_fit', 'what customers spend'),
	('', 'propensity_fit', 'who orders within 90 days'),
	('', 'margin', 'part of the revenue that is left, in clv_12m'),
	('', 'discount_rate', 'discount of clv_12m, per year'),
	('', 'shown', 'names of the groups that can be shown'),
	('', 'label', 'name of the segment in the language of the model'),
	('', 'description', 'who is in the segment'),
	('', 'customers', 'number of customers'),
	('', 'customers_share', 'part of all customers, 0 to 1'),
	('', 'revenue', 'total of monetary'),
	('', 'revenue_share',
		'part of the revenue of all customers, 0 to 1; a group with a revenue below zero has 0, and the '
		'others are parts of the rest'),
	('', 'mean_rfm_score', 'rfm_score on average'),
	('', 'median_recency_days', 'median of recency_days'),
	('', 'median_frequency', 'median of frequency'),
	('', 'median_monetary', 'median of monetary'),
	('', 'mean_m_score', 'm_score on average'),
	('', 'dimension', 'recency, frequency, monetary or basket'),
	('', 'score', '1 to the number of bins, the highest is best'),
	('', 'score_range', 'the values that get the score, in words'),
	('', 'r_range', 'the values that get r_score, in words'),
	('', 'f_range', 'the values that get f_score, in words'),
	('', 'note', 'why nobody has this score, where nobody can'),
	('', 'lower_bound', 'the threshold below the values of this score'),
	('', 'upper_bound', 'the threshold above the values of this score'),
	('', 'version', 'version of the configuration'),
	('', 'valid_from', 'as_of day from which the version is in force'),
	('', 'calibrated_customers', 'number of customers from which the thresholds were taken'),
	('', 'attribute', 'name of the attribute'),
	('', 'attribute_value', 'its value, as text'),
	('', 'model', 'name of the model'),
	('', 'source', 'what the model scores, as it was given'),
	('', 'definition', 'the query that is read: customer, day, value'),
	('', 'as_of_rule', 'where as_of comes from'),
	('', 'time_zone', 'the time zone whose days count'),
	('', 'segment_map', 'the segment map that was copied'),
	('', 'refreshed_at', 'when the source was read last'),
	('', 'fitted_on', 'as_of day of the fits'),
	('', 'calibrated_on', 'as_of day on which the thresholds were taken'),
	('', 'status', 'ok, or what is wrong'),
	('', 'needs', 'what to do'),
	('', 'live', 'whether triggers on the source keep the model up to date'),
	('', 'pending_changes', 'differences that apply_changes has not folded in yet; the views have them all the same'),
	('', 'reason', 'why rows or customers are left out or worth a look'),
	('', 'unit', 'what is counted: rows or customers'),
	('', 'minimum_group_size', 'groups of fewer customers are not shown in summaries'),
	('', 'affected', 'how many; NULL: not counted yet, see check_quality'),
	('', 'advice', 'what to do about it'),
	('', 'explanation', 'what it means'),
	('', 'checked_at', 'when it was counted'),
	('', 'change_id', 'rises with every change; read on from the highest you have seen'),
	('', 'recorded_at', 'when the change was recorded'),
	('', 'tenants', 'number of tenants that you see'),
	('', 'suppressed',
		'whether the numbers of the row are not shown, because they are about fewer customers than '
		'minimum_group_size or would give such numbers away'),
	('', 'last_event_on', 'day of the last order; without any, of the last correction'),
	('', 'remove_on', 'first day on which the customer is removed: retention_days without an order are over'),
	('', 'item', 'what is said'),
	('', 'detail', 'what is said of it'),
	('thresholds', 'score_reason', 'too_few_customers: why there are no thresholds; otherwise NULL'),
	('thresholds', 'dimension', 'recency, frequency, monetary or basket'),
	('weights', 'dimension', 'recency, frequency or monetary'),
	('model_status', 'customers', 'number of customers with a history that you see'),
	('model_status', 'as_of', 'the day for which the model answers now'),
	('segment_changes', 'as_of', 'the day for which the segments were computed when the change was recorded'),
	('segment_changes', 'segment', 'the segment after the change; NULL: the customer is there no longer'),
	('segment_changes', 'previous_segment', 'the segment before the change; NULL: the customer is new'),
	('data_quality', 'customers', 'how many customers are affected; NULL: not known'),
	('', 'fit', 'what the fit is of: orders, spend or propensity'),
	('', 'family', 'the family of the fit: mbgnbd, bgnbd, paretonbd, gammagamma or logit'),
	('', 'parameter', 'name of a parameter; NULL where there is no fit'),
	('', 'value', 'the parameter as fitted'),
	('', 'standard_error', 'standard error of the parameter or coefficient'),
	('', 'log_likelihood', 'logarithm of the likelihood of the fit'),
	('prediction_fits', 'customers', 'number of customers that were fitted'),
	('prediction_fits', 'status', 'converged, or what hindered it'),
	('prediction_fits', 'reason', 'why there is no fit'),
	('prediction_fits', 'version', 'version of the configuration that the fit belongs to'),
	('', 'predicted_customers', 'number of those customers with a prediction'),
	('prediction_by_segment', 'expected_orders_90d',
		'days with an order expected of all of them in the 90 days after as_of'),
	('prediction_by_segment', 'clv_12m',
		'what they are expected to bring in the 12 months after as_of, times margin, discounted'),
	('', 'clv_12m_share', 'part of clv_12m of all segments, 0 to 1'),
	('', 'mean_churn_probability', 'churn_probability on average'),
	('', 'mean_propensity_90d', 'propensity_90d on average'),
	('', 'chosen_weight', 'weight in rfm_score, as set'),
	('', 'chosen_share', 'chosen_weight as part of the sum of the three, 0 to 1'),
	('', 'learnt_share', 'part that the learnt coefficients give it, 0 to 1'),
	('', 'coefficient',
		'coefficient of the score in the regression of orders of the last 90 days on the scores before'),
	('', 'p', 'p-value of the coefficient'),
	('', 'clipped', 'whether the coefficient is negative, and learnt_share therefore 0'),
	('', 'split_on', 'the last day that the fit knew'),
	('', 'until', 'the last day that was compared'),
	('', 'days', 'number of days that were compared: from split_on to until'),
	('prediction_check', 'checked_at', 'when check_prediction was called'),
	('prediction_check', 'customers', 'number of customers with an order by split_on'),
	('prediction_check', 'status', 'converged, or what hindered the fit'),
	('prediction_check', 'reason', 'why there is no fit'),
	('', 'expected_orders', 'days with an order after split_on, as predicted'),
	('', 'actual_orders', 'days with an order after split_on, as they came'),
	('', 'orders_bias', 'expected_orders divided by actual_orders, minus 1'),
	('', 'expected_value', 'value of the orders after split_on, as predicted'),
	('', 'actual_value', 'value of the orders after split_on, as it came'),
	('', 'value_bias', 'expected_value divided by actual_value, minus 1'),
	('', 'actual_active', 'number of customers with an order after split_on'),
	('', 'mean_absolute_error', 'error of the expected orders of a customer on average'),
	('', 'baseline_absolute_error', 'the same of the simple rule that everybody goes on as before'),
	('', 'correlation', 'correlation of expected and actual orders of a customer'),
	('', 'active_auc',
		'how well the expected orders tell those who came from those who did not: 0.5 is chance, 1 is perfect'),
	('', 'repeat_orders', 'further days with an order by split_on; 7 is 7 or more'),
	('', 'repeat_orders_range', 'repeat_orders in words'),
	('prediction_by_frequency', 'customers', 'number of customers with so many repeat orders'),
	('', 'expected_mean', 'expected_orders of a customer on average'),
	('', 'actual_mean', 'actual_orders of a customer on average'),
	('', 'week_end', 'last day of the week'),
	('', 'is_holdout', 'whether the week lies after split_on'),
	('prediction_tracking', 'expected_orders',
		'further days with an order from the first day on until the end of the week, as the fit says'),
	('prediction_tracking', 'actual_orders',
		'further days with an order from the first day on until the end of the week, as they came'),
	('', 'stream', 'name of the stream'),
	('', 'kind', 'kind of the event, as the source has it; other: none, or one beyond the limit'),
	('customer_streams', 'role', 'what the kind means to scorecards; NULL: nothing'),
	('', 'events', 'number of events on or before as_of'),
	('', 'total', 'sum of the values of the events, corrections included'),
	('', 'first_on', 'day of the first event'),
	('', 'last_on', 'day of the last event on or before as_of'),
	('', 'expected_in_week', 'expected_orders of this week alone'),
	('', 'actual_in_week', 'actual_orders of this week alone')
) AS c (view, name, meaning);

GRANT SELECT ON @extschema@._score_column, @extschema@._view_column TO PUBLIC;

-- The names of these parts that have one of these kinds of condition, or none asked for.
CREATE FUNCTION @extschema@._score_columns(parts text[], conditions text[] DEFAULT NULL)
	RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.array_agg(c.name::pg_catalog.text ORDER BY c.position) FROM @extschema@._score_column AS c
	 WHERE c.part OPERATOR(pg_catalog.=) ANY (parts)
	   AND (conditions IS NULL OR c.condition OPERATOR(pg_catalog.=) ANY (conditions));
END;
COMMENT ON FUNCTION @extschema@._score_columns(text[], text[]) IS
	'internal: columns of customer_scores, by part and kind of condition';
