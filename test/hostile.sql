-- Every function of the extension with hostile arguments, generated from
-- pg_proc: the full product of the values below while it is small, a sample
-- with a fixed seed otherwise. A call ends with a value or with an error of
-- class 22, 42, 54 or 0A; never with an internal error, a lost connection or
-- the statement timeout. Prints TAP, one test for each function.
--
-- psql variables: extension, schema (where it is), calls (per function)

SET client_min_messages = warning;
CREATE SCHEMA hostile;
CREATE ROLE hostile_user;
GRANT USAGE ON SCHEMA :"schema" TO hostile_user;
GRANT USAGE, CREATE ON SCHEMA hostile TO hostile_user;
SELECT current_database() AS database \gset
GRANT CREATE ON DATABASE :"database" TO hostile_user;
SET SESSION AUTHORIZATION hostile_user;
SET search_path = pg_catalog;
SET statement_timeout = '300s';

-- Expressions by type. The calls add the cast to the type. (repeat copies its
-- text that many times: long ones are repeats of repeats.) Making a large one takes longer
-- than most calls, and what it shows, time and limits, depends little on the other arguments.
CREATE TABLE hostile.value (type text, number serial, expression text,
  large boolean GENERATED ALWAYS AS (expression ~ 'array_fill|repeat\(|generate_series|SELECT (years|sparse|one_day|many|long) ') STORED);

INSERT INTO hostile.value (type, expression)
SELECT type, unnest(expressions) FROM (VALUES
  ('boolean', ARRAY['NULL', 'true', 'false']),
  ('integer', ARRAY['NULL', '0', '1', '-1', '2', '5', '10', '100', '101', '365', '2147483647', '''-2147483648''']),
  ('bigint', ARRAY['NULL', '0', '1', '-1', '9223372036854775807', '''-9223372036854775808''']),
  ('double precision', ARRAY['NULL', '0', '''-0''', '1', '-1', '0.5', '3', '4.94e-324', '2.2250738585072014e-308', '1e-300',
     '1e308', '-1e308', '1.7976931348623157e308', '''NaN''', '''Infinity''', '''-Infinity''']),
  ('real', ARRAY['NULL', '0', '''-0''', '1', '-1', '0.1', '1e-45', '3.4028235e38', '-3.4028235e38', '''NaN''', '''Infinity''', '''-Infinity''']),
  ('smallint', ARRAY['NULL', '0', '1', '-1', '32767', '''-32768''']),
  ('numeric', ARRAY['NULL', '0', '-0.00', '1', '-1', '19.90', '0.000000001', '0.0000000001', '123456789.123456789',
     '9223372036854775807', '92233720368547758.08', '-9223372036.854775808', '9223372036.854775807', '1e18', '1e19', '1e308',
     '10::numeric ^ 4000', '1e-16000', '''NaN''', '''Infinity''', '''-Infinity''']),
  ('date', ARRAY['NULL', '''2025-01-01''', '''2025-06-30''', '''2000-01-01''', '''1999-12-31''', '''0001-01-01''',
     '''0001-12-31 BC''', '''4714-11-24 BC''', '''5874897-12-31''', '''infinity''', '''-infinity''']),
  ('text', ARRAY['NULL', '''''', '''x''', '''low''', '''mid''', '''essential''', '''standard''', '''hostile.mine''', '''.''',
     '''a.b.c''', '''"a""b".c''', '''o''''reilly; DROP TABLE x; --''', '''%s%n%I''', 'E''\\''', 'E''\n\t\x01''', '''é€𝄞''',
     '''pg_catalog.essential''', '''tenure_days''', '''SELECT 1, date ''''2025-01-01'''', 1.5''', '''hostile.call''', '''total''', '''UTC''', 'repeat(''x'', 64)', 'repeat(repeat(''x'', 1000), 1000)', 'repeat(repeat(''"'', 101), 9901)']),
  ('cstring', ARRAY['NULL', '''''', '''{}''', '''{''', '''{2025-01-03:1:19.90,2025-02-11:2:45.00}''', '''{2025-01-03:1:NaN}''',
     '''{2025-01-03:9223372036854775807:92233720368547758.07}''', '''{0044-03-15 BC:1:-1}''', '''{infinity:1:1}''',
     '''{2025-02-30:1:1}''', '''{1/0={2025-01-03:1:1},255/1023={2025-02-11:2:45.00}}''', '''{256/0={2025-01-03:1:1}}''', '''{1/0={2025-01-03:1:NaN}}''', '''{2025-01-03:1:1,2025-01-03:1:1}''', '''{2025-01-03:1:0.0000000001}''', '''{2025-01-03:-1:-5} ''',
     'repeat(repeat(''{'', 100), 1000)', '''{'' || repeat(''2025-01-03:1:1,'', 50000) || ''}''', '''{2025-01-03:'' || repeat(''9'', 5000) || '':1}''']),
  ('bytea', ARRAY['NULL', '''''', '''\x00''', '''\x0101''', '''\xffffffffffffffffffff''']),
  ('jsonb', ARRAY['NULL', '''null''', '''0''', '''""''', '''[]''', '''{}''', '''[1, [2, {"a": null}]]''', '''{"tenure_days": 400}''',
     '''{"tenure_days": "many"}''', '''{"tenure_days": null}''', '''{"tenure_days": 1e400}''', '''{"tenure_days": [1]}''', '''{"": {"": ""}}''',
     '''{"column": "tenure_days", "op": ">", "value": 365}''', 'repeat(''['', 3000) || repeat('']'', 3000)',
     '''{"a": "'' || repeat(repeat(''x'', 1000), 1000) || ''"}''', '(SELECT jsonb_object_agg(i, i) FROM generate_series(1, 2000) i)']),
  ('double precision[]', ARRAY['NULL', '''{}''', '''{0}''', '''{1}''', '''{1,2,3}''', '''{30,90,180,365}''', '''{1,1,1}''', '''{3,2,1}''',
     '''{NULL}''', '''{1,NULL,3}''', '''{NaN}''', '''{1,Infinity}''', '''{-Infinity,1}''', '''{-0,0}''', '''{4.94e-324,1e308}''', '''{-1,2}''',
     '''{{1,2},{3,4}}''', '''{{}}''', '''[5:7]={1,2,3}''', 'array_fill(1, ARRAY[100000])', 'array_fill(NULL::float8, ARRAY[100000])',
     'array_fill(0, ARRAY[10, 10, 10])']),
  ('bigint[]', ARRAY['NULL', '''{}''', '''{1}''', '''{500,400}''', '''{0,0}''', '''{-1,5}''', '''{NULL,3}''', '''{{1,2},{3,4}}''', '''[5:6]={1,2}''', '''{9223372036854775807,1}''', 'array_fill(1, ARRAY[100000])']),
  ('integer[]', ARRAY['NULL', '''{}''', '''{1}''', '''{5,4,3}''', '''{NULL}''', '''{{1,2},{3,4}}''', '''[5:6]={1,2}''', 'array_fill(1, ARRAY[100000])']),
  ('date[]', ARRAY['NULL', '''{}''', '''{2025-01-01}''', '''{2019-01-01,2020-01-01,2021-01-01}''', '''{2021-01-01,2020-01-01}''', '''{NULL,2020-01-01}''', '''{-infinity,infinity}''',
     '''{4714-11-24 BC,5874897-12-31}''', '''{{2019-01-01,2020-01-01},{2021-01-01,2022-01-01}}''', '''[5:6]={2019-01-01,2020-01-01}''', 'ARRAY(SELECT date ''2000-01-01'' + i FROM generate_series(1, 20000) i)']),
  ('text[]', ARRAY['NULL', '''{}''', '''{r,f,m}''', '''{r_score,f_score,m_score,tenure_days}''', '''{""}''', '''{NULL}''', '''{r,NULL}''', '''{a,a,a}''',
     '''{{a,b},{c,d}}''', 'ARRAY[''x"; DROP TABLE t; --'']', 'ARRAY[repeat(repeat(''x'', 1000), 1000)]', 'array_fill(''x''::text, ARRAY[20000])']),
  ('regclass', ARRAY['NULL', '''pg_class''', '0', '4294967295']),
  ('regclass[]', ARRAY['NULL', '''{}''', '''{pg_class}''', '''{0,NULL}''', '''{4294967295}''']),
  ('regtype', ARRAY['NULL', '''jsonb''', '0', '4294967295']),
  ('regnamespace', ARRAY['NULL', '''pg_catalog''', '''hostile''', '0', '4294967295']),
  ('numeric[]', ARRAY['NULL', '''{}''', '''{1}''', '''{-1,0,NaN}''', '''{NULL,1e11}''', '''{{1,2},{3,4}}''', 'array_fill(19.90, ARRAY[10000])']),
  ('oid', ARRAY['NULL', '0', '4294967295', '''integer''::regtype', '''jsonb''::regtype', '''text[]''::regtype', '''anyelement''::regtype',
     '''hostile.orders''::regclass', '''hostile_model''::regnamespace', '''"de-x-icu"''::regcollation']),
  ('name', ARRAY['NULL', '''''', '''hostile_model''', '''hostile''', '''no such schema''', '''pg_catalog''', '''hostile_user''',
     '''O''''Brien "x" %s''', 'repeat(''x'', 63)', '''customer_scores''']),
  ('interval', ARRAY['NULL', '''0''', '''1 day''', '''-1 day''', '''1 month''', '''1 month -29 days''', '''1 microsecond''', '''178000000 years''', '''-178000000 years''']),
  ('anyelement', ARRAY['NULL::integer', '1::integer', '''x''::text', '''2025-01-01''::date', '''{1}''::integer[]'])
) v(type, expressions);

-- A model of the attacker's own, and what belongs into one.
CREATE TABLE hostile.orders AS SELECT i % 40 AS customer, date '2025-01-01' + (i * 37 % 330) AS day, i::numeric AS value FROM generate_series(1, 200) i;
CREATE TABLE hostile.people AS SELECT i AS customer, 'Lyon' AS city, i % 3 > 0 AS agreed FROM generate_series(1, 50) i;
SELECT count(*) FROM :"schema".create_model('hostile_model', 'hostile.orders', as_of => '2025-11-30', customer => 'customer', day => 'day', value => 'value',
  customers => 'hostile.people', attributes => '{city}', prediction => 'mbgnbd', scorecards => '{engagement}') \g /dev/null
CREATE TABLE hostile.sales_order AS SELECT i AS entity_id, 'complete' AS state, i % 40 AS customer_id, 'x' || i % 30 || '@x.org' AS customer_email, timestamp '2025-01-01' + i * interval '1 day' AS created_at,
  i::numeric AS base_total_paid, i::numeric AS base_total_invoiced, 'EUR' AS base_currency_code FROM generate_series(1, 200) i;
CREATE SCHEMA hostile_in;
CREATE TABLE hostile.events AS SELECT i % 50 AS customer, date '2025-01-01' + (i * 31 % 330) AS day, (ARRAY['open', 'click', NULL])[1 + i % 3] AS kind FROM generate_series(1, 200) i;
SELECT count(*) FROM :"schema".add_stream('hostile_model', 'web', 'hostile.events', customer => 'customer', day => 'day', kind => 'kind') \g /dev/null
SELECT :"schema"._model_make_tables('hostile_model', 'distributed', false) \g /dev/null
SELECT count(*) FROM :"schema".start_campaign('hostile_model', 'spring', '{vip,regular,lapsed}'::text[]) \g /dev/null
SELECT count(*) AS objects FROM pg_class WHERE relnamespace = 'hostile_model'::regnamespace \gset
INSERT INTO hostile.value (type, expression)
SELECT type, unnest(expressions) FROM (VALUES
  ('text', ARRAY['''hostile_model''', '''hostile.orders''', '''SELECT customer, day, value FROM hostile.orders''', '''hostile.orders AS source''', '''customer''', '''day''', '''value''', '''en''', '''v1''', '''pg_catalog''']),
  ('text', ARRAY['''web''', '''hostile.events''', '''kind''', '''{"open": "click"}''', '''{"open": 1}''']),
  ('jsonb', ARRAY['(SELECT to_jsonb(c) || jsonb_build_object(''streams'', (SELECT jsonb_agg(to_jsonb(t)) FROM hostile_model.stream AS t)) FROM hostile_model.configuration AS c)',
     '(SELECT to_jsonb(t) FROM hostile_model.stream AS t)']),
  ('oid[]', ARRAY['NULL', '''{}''', '''{23,25}''', '''{0,NULL}''']),
  ('text[]', ARRAY['''{customer,day,value}''', '''{weights}''', '''{v1}''', '''{hostile.orders}''', '''{city}''']),
  ('jsonb', ARRAY['(SELECT to_jsonb(c) FROM hostile_model.configuration AS c)', '(SELECT to_jsonb(c) || ''{"tenant": "customer"}'' FROM hostile_model.configuration AS c)',
     '(SELECT to_jsonb(c) || ''{"live": true, "customers": null, "attributes": [1, null]}'' FROM hostile_model.configuration AS c)', '''{"weights": [2, 1, 1]}''',
     '(SELECT jsonb_object_agg(k, ''[]''::jsonb) FROM hostile_model.configuration AS c, jsonb_object_keys(to_jsonb(c)) AS k)'])
) v(type, expressions);
-- Fits, by hand and in part.
INSERT INTO hostile.value (type, expression)
SELECT type, unnest(expressions) FROM (VALUES
  ('text', ARRAY['''mbgnbd''', '''bgnbd''', '''paretonbd''']),
  ('jsonb', ARRAY['''{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}''',
     '''{"family": "paretonbd", "unit_days": 1, "parameters": {"r": 1e-300, "alpha": 1e300, "s": 1, "beta": 1e300}}''',
     '''{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}''', '''{"family": "mbgnbd", "parameters": null, "status": "refused", "reason": 3}''',
     '''[{"family": "mbgnbd", "unit_days": 7, "parameters": {"r": 0.5, "alpha": 6, "a": 1, "b": 1.6}}]'''])
) v(type, expressions);
-- Calls that are well, of functions whose arguments have to fit together.
CREATE TABLE hostile.good (name text, arguments text);
-- Fits that predict
INSERT INTO hostile.value (type, expression) VALUES
  ('jsonb', '''{"family": "logit", "status": "converged", "parameters": {"intercept": -1, "coefficients": [0.5]}}'''),
  ('jsonb', '''{"family": "logit", "status": "converged", "parameters": {"intercept": 1e300, "coefficients": [1e308, -1e308, 0]}}'''),
  ('jsonb', '''{"family": "propensity", "fit": {"family": "logit", "status": "converged", "parameters": {"intercept": 1, "coefficients": [1, -2, 3, 0, 0, 1, -1]}}}''');
INSERT INTO hostile.good VALUES
  ('score_customers', $$'SELECT customer, day, value FROM hostile.orders', date '2025-06-30'$$),
  ('start_campaign', $$'hostile_model', 'summer', '{vip,regular}'::text[]$$),
  ('campaign_result', $$'hostile_model', 'spring', 90$$),
  ('_campaign_result', $$'hostile_model', 'spring', 90$$), ('_calibration_moves', $$'hostile_model'$$),
  ('_scale_value', $$'nps', 'rating'$$),
  ('_conversion_window', $$'hostile_model', '2025-06-30', 30, 'web', '{"web": 1}'$$),
  ('_segments_shown', $$'{"minimum_group_size": 5}', 'sums', 'day'$$),
  ('_model_compare_counts', $$'[{"segment": "vip", "segment_label": "VIP", "segment_order": 1, "customers": 3}]', '[]'$$),
  ('_model_names', $$'{"attributes": ["city", null, 7]}', 'attributes', 'contact'$$),
  ('_model_put_comments', $$'hostile_model.segments', 'segments', '{segment}', '{the segment}'$$),
  ('set_goal', $$'hostile_model', NULL, 'revenue', 120000, 'to', '2025-12-31'$$),
  ('propensity_fit', $$'hostile.history', '2025-06-30'$$),
  ('_propensity_fit_run', $$'pg_catalog', 'SELECT 1, years FROM hostile.history', '2025-06-30', 90, 1$$);
INSERT INTO hostile.good VALUES
  ('create_model', $$'good', 'hostile.orders', customer => 'customer', day => 'day', value => 'value'$$),
  ('create_model', $$'good', 'hostile.orders', live => true$$),
  ('btyd_alive', $$'{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}', 500, 3, 4$$),
  ('btyd_expected', $$'{"family": "mbgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 1, "b": 2.4}}', 500, 3, 4, 1e9$$),
  ('btyd_residual', $$'{"family": "paretonbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "s": 1, "beta": 4.4}}', 500, 3, 4, 1e-9$$),
  ('clv', $$'{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}', '{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}', 2, 3, 4, 20, 1200, 4, 0.01$$),
  ('btyd_interval', $$'[{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}]', 500, 3, 4, 1e9$$),
  ('btyd_expected', $$'{"family": "mbgcnbd", "unit_days": 7, "parameters": {"r": 1.3, "alpha": 2.8, "a": 0.42, "b": 0.79, "k": 12}}', 500, 3, 4, 1e9$$),
  ('btyd_expected', $$'{"family": "mbgcnbd", "unit_days": 7, "parameters": {"r": 1.3, "alpha": 2.8, "a": 0.42, "b": 0.79, "k": 12}}', 2, 3, 40, 100$$),
  ('btyd_expected_new', $$'{"family": "mbgcnbd", "unit_days": 7, "parameters": {"r": 1.3, "alpha": 2.8, "a": 0.42, "b": 0.79, "k": 12}}', 1e5$$),
  ('btyd_probability', $$'{"family": "mbgcnbd", "unit_days": 7, "parameters": {"r": 1.3, "alpha": 2.8, "a": 0.42, "b": 0.79, "k": 12}}', 3, 500, 3, 4, 1e5$$),
  ('btyd_residual', $$'{"family": "bgnbd", "unit_days": 7, "n": 90, "log_likelihood": -300, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}', 500, 3, 4, 1e-9, 1e9$$),
  ('btyd_residual', $$'{"family": "mbgcnbd", "unit_days": 7, "n": 90, "log_likelihood": -290, "k_log_likelihoods": [-300, -290], "parameters": {"r": 1.3, "alpha": 2.8, "a": 0.42, "b": 0.79, "k": 2}}', 500, 3, 4, 1e-3, 1e3$$),
  ('residual_value', $$'{"family": "paretonbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "s": 1, "beta": 4.4}}', '{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}', 2, 3, 4, 20, 0.002$$),
  ('btyd_log_likelihood', $$'{"family": "mbgcnbd", "unit_days": 7, "n": 90, "log_likelihood": -290, "k_log_likelihoods": [-300, -290], "parameters": {"r": 1.3, "alpha": 2.8, "a": 0.42, "b": 0.79, "k": 2}}', 500, 3, 4, -3000$$),
  ('spend_log_likelihood', $$'{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}', 2, 20$$),
  ('likelihood_ratio', $$'{"family": "bgnbd", "unit_days": 7, "n": 90, "log_likelihood": -300, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}', '{"family": "mbgcnbd", "unit_days": 7, "n": 90, "log_likelihood": -290, "k_log_likelihoods": [-300, -290], "parameters": {"r": 1.3, "alpha": 2.8, "a": 0.42, "b": 0.79, "k": 2}}'$$), ('likelihood_ratio', $$'{"family": "bgnbd", "unit_days": 7, "n": 90, "log_likelihood": -300, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}', '[]'$$),
  ('btyd_fit_at', $$'{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}, "covariates": {"orders": [0.5, -1], "leaving": [0.1, 2]}}', '{1,300}'$$),
  ('btyd_opportunities', $$'{2019-03-01:1:10,2020-01-01:2:30}', '2025-12-31', '{2019-01-01,2020-01-01,2021-01-01}'$$),
  ('btyd_matrix', $$'{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}', 52, 13$$), ('btyd_alive_days', $$'{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}', '{2025-01-03:1:10,2025-02-03:1:10}', '2025-01-01', '2025-12-31'$$),
  ('btyd_alive', $$'{"family": "bgbb", "parameters": {"alpha": 1.2, "beta": 0.75, "gamma": 0.66, "delta": 2.8}}', 500, 3000, 100000$$), ('btyd_residual', $$'{"family": "bgbb", "parameters": {"alpha": 1.2, "beta": 0.75, "gamma": 0.66, "delta": 2.8}}', 5, 30, 100, 1e-3$$), ('btyd_expected', $$'{"family": "bgbb", "parameters": {"alpha": 1.2, "beta": 0.75, "gamma": 0.66, "delta": 2.8}}', 5, 30, 100, 1e5$$),
  ('btyd_alive_interval', $$'[{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}]', 500, 3, 4$$),
  ('btyd_probability_interval', $$'[{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}]', 3, 500, 3, 4, 1e9$$),
  ('btyd_count_interval', $$'[{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}]', 500, 3, 4, 100$$),
  ('btyd_residual_interval', $$'[{"family": "paretonbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "s": 1, "beta": 4.4}}]', 500, 3, 4, 1e-9$$),
  ('spend_interval', $$'[{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}]', 2, 20$$),
  ('clv_interval', $$'[{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.4}}]', '[{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}]', 2, 3, 4, 20, 1200, 4, 0.01$$),
  ('explain_score', $$'hostile_model', '7'$$),
  ('explain_score', $$'hostile_model', '7', audience => 'customer', language => 'fr'$$),
  ('explain_score', $$'hostile_model', '7', '5874897-12-31'$$),
  ('explain_score', $$'hostile_model', '7', '2025-06-30', 'manager', repeat('f', 1000000)$$),
  ('near_misses', $$'hostile_model', 'new_customers'$$),
  ('near_misses', $$'hostile_model', 'occasional', 1e11, '0044-03-15 BC', 'fr'$$),
  ('_model_named', $$'hostile_model'$$),
  ('_score_explanation', $$'hostile_model', '7', '2025-06-30', 'en'$$),
  ('_scores_with_orders', $$'hostile_model', '7', NULL, '{0,0,4000000}', '{0,1,2000000000}', '{1,1e11,-1}'$$),
  ('_near_misses', $$'hostile_model', 'occasional', 1e11, '0044-03-15 BC', 'fr'$$),
  ('_model_explanations', $$'hostile_model', scoring._model_settings('hostile_model')$$),
  ('_model_parts', $$'hostile_model', scoring._model_settings('hostile_model')$$),
  ('_explain_steps', $$'hostile_model', '7', NULL, (SELECT i FROM hostile_model.score_explanation('7', NULL, NULL) AS i)$$),
  ('_explain_next_steps', $$'hostile_model', '7', NULL, (SELECT i FROM hostile_model.score_explanation('7', NULL, NULL) AS i), 'fr'$$),
  ('_explain_scores', $$(SELECT i FROM hostile_model.score_explanation('7', NULL, NULL) AS i), 'fr'$$),
  ('_rows_of_keys', $$'SELECT value::text, customer FROM hostile.orders', '{hostile.orders}', '{value}', '{7}') AS y (event text, customer int), LATERAL (SELECT y$$),
  ('_make_ledger', $$'hostile_model', scoring._model_settings('hostile_model') || '{"live": true, "event_key": "value", "live_tables": [{"relation": "hostile.orders", "column": "value"}]}'$$),
  ('_explain_predictions', $$(SELECT i FROM hostile_model.score_explanation('7', NULL, NULL) AS i), 'en'$$),
  ('_explain_segment', $$(SELECT i FROM hostile_model.score_explanation('7', NULL, NULL) AS i), 'en'$$),
  ('alter_model', $$'hostile_model', weights => '{2,1,1}', segment_map => 'standard'$$),
  ('grant_reader', $$'hostile_model', 'hostile_user'$$),
  ('revoke_reader', $$'hostile_model', 'pg_monitor'$$),
  ('_live_problem', $$'hostile_model', 'hostile.orders', '{"customer integer"}', NULL$$),
  ('_model_live_program', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL)$$),
  ('_model_live_probe', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL)$$),
  ('_model_make_trigger_function', $$'hostile_model', (SELECT to_jsonb(c) || '{"source_relation": "hostile.orders", "source_columns": []}' FROM hostile_model.configuration AS c WHERE valid_until IS NULL)$$),
  ('_live_expressions', $$'hostile_model.customer_scores'::regclass::oid$$),
  ('_model_live_check_table', $$'hostile.orders'$$),
  ('_model_alter', $$scoring._model_caller(), 'hostile_model', '{"bins": 3, "segment_map": "klaviyo"}', NULL, NULL, false$$),
  ('_model_probe', $$'hostile_model', scoring._model_caller(), 'SELECT customer FROM hostile.orders'$$),
  ('_model_argument', $$'hostile_model', scoring._model_caller(), 'value', 'value', 'hostile.orders AS source', '{value}', '{23}', '{0}'$$),
  ('_model_create', $$scoring._model_caller(), 'hostile_made', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL), true$$),
  ('_model_from_item', $$'hostile_model', scoring._model_caller(), 'source', 'hostile.orders'$$),
  ('_model_resolve', $$'hostile_model', scoring._model_caller(), (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL)$$),
  ('_model_resolve_source', $$'hostile_model', scoring._model_caller(), (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL)$$),
  ('_model_resolve_people', $$'hostile_model', scoring._model_caller(), (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL), 'customer'$$),
  ('_model_select_attributes', $$(SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL), '{customer,city}', '{integer,text}'::regtype[]::oid[]$$),
  ('_settings_of', $$'names', 'map'$$),
  ('_model_write_version', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL), 'why'$$),
  ('_setting_defaults', $$'{bins,weights}', '{"margin": 0.5}'$$),
  ('_model_version', $$'hostile_model', 1$$),
  ('_model_make_table', $$'hostile', 'prediction_check_log', true$$),
  ('_model_fit_table', $$'hostile_model', 'rejects', false$$),
  ('_model_make_tables', $$'hostile', 'prediction', true$$),
  ('_model_follow_map', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL), true$$),
  ('_model_follow_thresholds', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL), (SELECT to_jsonb(c) FROM hostile_model.configuration AS c WHERE valid_until IS NULL) || '{"version": 1}', true$$),
  ('_model_put_function', $$'hostile_model', 'doubled', '{a int DEFAULT 1}', 'SETOF int', 'SELECT 2 * a', 'twice', false$$),
  ('_model_put_private_function', $$'hostile_model', '_one', '{day date}', '_question', 'SELECT q.* FROM hostile_model._question AS q', 'one'$$),
  ('_model_put_plain_function', $$'hostile_model', 'one', '{day date}', 'SETOF date', 'SELECT $1', 'one', false$$),
  ('_model_make_shown', $$'hostile_model', scoring._model_settings('hostile_model')$$),
  ('_stream', $$scoring._model_settings('hostile_model'), 'hostile_model', 'web'$$),
  ('_put_stream', $$'hostile_model', scoring._model_caller(), scoring._model_settings('hostile_model'), (SELECT to_jsonb(t) || '{"stream_no": 7, "stream": "w7"}' FROM hostile_model.stream AS t WHERE t.stream = 'web')$$),
  ('_set_stream', $$scoring._model_caller(), 'hostile_model', 'web', '{"kinds": 3}', NULL, false, true$$),
  ('add_stream', $$'hostile_model', 'more', 'hostile.events', 'customer', 'day', dry_run => true$$),
  ('alter_stream', $$'hostile_model', 'web', kinds => 5$$),
  ('_card_program', $$'hostile_model', 'engagement_v1'$$),
  ('_one_customer', $$NULL::hostile_model.customer_scores, '1'$$),
  ('_rows_here', $$NULL::hostile_model.customer_scores$$),
  ('_customer_here', $$NULL::hostile_model.customer_scores, '1'$$),
  ('_model_distribute', $$'hostile_model', 'source_histories'$$),
  ('_model_empty_source', $$'hostile_model'$$),
  ('_model_read_on_workers', $$'hostile_model', scoring._model_settings('hostile_model') || '{"distribute": true}'$$),
  ('_model_read_to_workers', $$'hostile_model', scoring._model_settings('hostile_model') || '{"distribute": true}'$$),
  ('_fill', $$'SELECT {what} FROM {where}', 'what', '1', 'where', '{what}'$$),
  ('_model_put_view', $$'hostile_model', 'ones', 'SELECT 1::bigint AS customers', false$$),
  ('_model_fit_columns', $$'hostile_model', 'segments', 'SELECT NULL::text AS segment, 1 AS more'$$),
  ('override_segment', $$'hostile_model', '1', 'vip', 'why'$$),
  ('clear_override', $$'hostile_model', '1'$$),
  ('merge_customers', $$'hostile_model', '2', '3'$$),
  ('unmerge_customers', $$'hostile_model', '2'$$),
  ('check_quality', $$'hostile_model'$$),
  ('check_prediction', $$'hostile_model', '2025-06-30'$$),
  ('_model_write_clv_thresholds', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c), true$$),
  ('score_parity', $$'hostile_model', 'city'$$),
  ('_attribute_segments', $$'hostile_model', 'city'$$),
  ('_model_known_customer', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c), '1'$$),
  ('_model_find_customer', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c), 'customer', '1'$$),
  ('_model_check_quality', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c)$$),
  ('_model_source_customers', $$'hostile_model', (SELECT to_jsonb(c) FROM hostile_model.configuration AS c)$$),
  ('_model_write_thresholds', $$'hostile_model', (SELECT to_jsonb(c) || '{"version": 1}' FROM hostile_model.configuration AS c), true$$);

-- The extension's own type: by its text form, and some large ones.
SELECT EXISTS (SELECT FROM pg_type WHERE typname = 'history' AND typnamespace = :'schema'::regnamespace) AS has_history \gset
\if :has_history
CREATE TABLE hostile.history AS
SELECT :"schema".history_agg(date '2000-01-01' + i, (i % 997) / 100.0) AS years,
       :"schema".history_agg(date '2000-01-01' + i * 5000, i::numeric) AS sparse,
       :"schema".history_agg(date '2025-01-01', 1, i % 3 = 0) AS one_day
  FROM generate_series(1, 20000) i WHERE i <= 400 OR i % 5 > 0;

CREATE TABLE hostile.streams AS
SELECT :"schema".stream_histories_agg(1 + i / 1024, i % 1024, :"schema".history(date '2025-01-01', 1)) AS many,
       (SELECT :"schema".stream_histories_agg(1 + n, 5, years) FROM hostile.history, generate_series(0, 9) AS n) AS long
  FROM generate_series(0, 20000) AS i;

INSERT INTO hostile.value (type, expression)
SELECT 'history', unnest(ARRAY['NULL', '''{}''', '''{2025-01-03:1:19.90}''', '''{2025-01-03:1:19.90,2025-02-11:2:45.00}''',
  '''{2025-01-03:-1:-19.90}''', '''{2025-01-03:0:-5,2025-06-01:1:0}''', '''{2025-01-03:-7:0.123456789}''',
  '''{4714-11-24 BC:1:1,5874897-12-31:1:1}''', '''{2025-01-03:1:92233720368547758.07}''', '''{2025-01-03:1:-92233720368547758.07}''',
  '''{2025-01-03:2147483647:1}''', '''{2025-01-03:-2147483648:1}''', '''{2025-06-30:4000000000:9223372036.854775807}''',
  '(SELECT years FROM hostile.history)', '(SELECT sparse FROM hostile.history)', '(SELECT one_day FROM hostile.history)']);
INSERT INTO hostile.value (type, expression)
SELECT 'stream_histories', unnest(ARRAY['NULL', '''{}''', '''{1/0={2025-01-03:1:1}}''', '''{1/0={2025-01-03:1:19.90,2025-02-11:2:45.00},2/5={2025-06-30:-1:-1}}''',
  '''{1/1={2025-01-03:1:92233720368547758.07}}''', '''{1/1={2025-01-03:1:-92233720368547758.07},1/2={2025-01-03:1:0.123456789}}''', '''{5/2={2025-01-03:9223372036854775807:1},5/5={2025-01-03:1:1}}''',
  '''{1/0={4714-11-24 BC:1:1},255/1023={5874897-12-31:0:-5}}''', '(SELECT many FROM hostile.streams)', '(SELECT long FROM hostile.streams)']);
INSERT INTO hostile.value (type, expression)
SELECT '_categories', unnest(ARRAY['NULL', 'ROW(NULL, NULL, NULL, NULL, NULL, NULL)', 'ROW(''2025-01-01'', ''{}'', ''{}'', ''{}'', ''{}'', NULL)',
  'ROW(NULL, ''{a,b,other}'', ''{1024,1025,2053}'', ''{2,0,1}'', ''{10,10,1}'', ''{0.5,0.25,0.25}'')', 'ROW(NULL, ''{a,b}'', ''{1025,2053}'', ''{0,1}'', ''{3,1}'', ''{1,0}'')',
  'ROW(NULL, ''{a}'', ''{1025,1024}'', ''{0,0}'', ''{10,10}'', ''{1}'')', 'ROW(NULL, ''{a}'', ''{1024}'', ''{1}'', ''{10}'', ''{1}'')', 'ROW(NULL, ''{a}'', ''{1024}'', ''{0}'', ''{0}'', ''{1}'')',
  'ROW(NULL, ''{a,NULL}'', ''{1024}'', ''{0}'', ''{10}'', ''{1,NaN}'')', 'ROW(NULL, ''{{a},{b}}'', ''{1024}'', ''{0}'', ''{10}'', ''{1}'')', 'ROW(NULL, ''{a}'', ''{1024}'', ''{0,0}'', ''{10}'', ''{1,1}'')',
  'ROW(NULL, ARRAY(SELECT i::text FROM generate_series(1, 5000) AS i), ARRAY(SELECT 1023 + i FROM generate_series(1, 5000) AS i), ARRAY(SELECT i - 1 FROM generate_series(1, 5000) AS i), array_fill(1, ARRAY[5000]), NULL)']);
INSERT INTO hostile.value (type, expression)
SELECT 'history[]', unnest(ARRAY['NULL', '''{}''', '''{NULL}''', '''{"{2025-01-03:1:19.90,2025-02-11:2:45.00}","{2025-01-03:-7:0.123456789}"}''',
  '''{"{4714-11-24 BC:1:1,5874897-12-31:1:1}",NULL,"{}"}''', '''{{"{}"},{"{}"}}''',
  '''{"{2025-01-03:9223372036854775807:92233720368547758.07}","{2025-01-03:9223372036854775807:92233720368547758.07}","{2025-06-30:1:1}"}''',
  '(SELECT ARRAY[years, sparse, one_day] FROM hostile.history)', '(SELECT array_agg(one_day) FROM hostile.history, generate_series(1, 20000))']);
INSERT INTO hostile.value (type, expression) VALUES ('caller', 'NULL'), ('caller', :'schema' || '._caller_for(''hostile_model'')');
\endif

-- Shares, cuts, documents of statistics
INSERT INTO hostile.value (type, expression)
SELECT type, unnest(expressions) FROM (VALUES
  ('double precision[]', ARRAY['''{0.5,0.5}''', '''{0.8,0.95}''', '''{0.2,0.3,0.5}''', 'array_fill(1e-3, ARRAY[1000])', '''{0.5,0.5,0}''', '''{1e308,1e308}''']),
  ('jsonb', ARRAY['''{"kind": "rates", "groups": [{"group_no": 1, "n": 900, "successes": 80}, {"group_no": 2, "n": 9000000000000000000, "successes": 7}]}''',
     '''{"kind": "means", "groups": [{"group_no": 1, "n": 5, "mean": 1e308, "variance": 1e308}, {"group_no": -2, "n": 1, "mean": -1e308}]}''',
     '''{"kind": "means with before", "theta": 1e308, "mean_before": -1, "groups": [{"group_no": 1, "n": 5, "mean": 1, "variance": 2, "mean_before": 1e300, "variance_before": 1, "covariance": 1}, {"n": 3}]}''',
     '''{"kind": 1, "groups": [{"group_no": "x"}]}''', '''{"curve": [{"t": 1, "survival": 5}, {"t": 2, "survival": 0.5, "std_error": 1e308}, {"t": 3, "survival": 1e-300, "std_error": 1e-300}, {}]}''', '''{"curve": [1]}'''])
) v(type, expressions);
INSERT INTO hostile.good VALUES
  ('sample_ratio', $$'{900,90}', '{0.9,0.1}'$$),
  ('population_stability', $$'{900,90,0}', '{7,0,1}'$$),
  ('_compare_rates_row', $$80, 1000, 120, 1000, true, 0.02, 0.95$$),
  ('_compare_means_row', $$80, 1e300, 1e300, 120, -1e300, 0, true, 0.02, 0.95$$),
  ('welch_test', $$80, 1e300, 1e300, 120, -1e300, 0, 0.95$$);

-- Programs of scorecards: whole, in part, and none
INSERT INTO hostile.value (type, expression)
SELECT type, unnest(expressions) FROM (VALUES
  ('text', ARRAY['''engagement''', '''qualification''', '''hostile.card''', '''Opened Email''']),
  ('text[]', ARRAY['''{click,Opened Email,NULL}''', '''{sector,size,attributes}''']),
  ('boolean[]', ARRAY['NULL', '''{}''', '''{t,f,NULL,t,f,t}''', '''{{t},{f}}''', 'array_fill(true, ARRAY[10000])']),
  ('jsonb', ARRAY[:'schema' || '._scorecard_program(''engagement'', NULL)',
     :'schema' || '._scorecard_program(''maturity'', ''{"streams": {"web": 1}, "kinds": [{"stream": "web", "kind": "demo", "role": "demo", "key": 1025}]}'')',
     '''{"streams": {"web": 1}, "kinds": [{"stream": "web", "kind": "demo", "role": "demo", "key": 1025}]}''',
     '''{"card": "x", "min": -1e300, "max": 1e300, "rules": [{"position": 1, "mode": "each", "points": -1000000, "all": true, "step_percent": 1e-300, "step_days": 1, "group": 0}, {"position": 2, "mode": "value", "points": 0.000001, "keys": [0, 1024, 262143], "half_life": 1e-300}, {"position": 3, "mode": "silence", "points": 1, "window": 2147483647, "streams": [0, 255]}], "groups": [{"min": -1e300}], "bands": [{"band": "a", "enter": 60, "leave": 40}, {"band": "b", "enter": 1e-300, "leave": -1}]}''',
     '''{"rules": [{"mode": "fit", "points": 1, "fit": 499}, {"mode": "each", "points": 1, "keys": [-1]}]}''', '''{"rules": [1], "bands": [[]], "groups": "x"}''',
     '''{"rules": [{"position": 1, "mode": "once", "points": -5, "all": true, "half_life": 1000000}, {"position": 2, "mode": "each", "points": 5, "all": true, "half_life": 999999}], "bands": [{"band": "a", "enter": 1, "leave": 0.5}, {"band": "b", "enter": 0}], "min": -5, "max": 5}'''])
) v(type, expressions);
-- Fits of k-means: whole, and none
INSERT INTO hostile.value (type, expression)
SELECT type, unnest(expressions) FROM (VALUES
  ('text[]', ARRAY['''{none}''', '''{log1p_zscore}''', '''{robust,zscore}''']),
  ('jsonb', ARRAY[format('(SELECT %s.kmeans_fit(ARRAY[i, i * i], 3) FROM generate_series(1, 20) AS i)', :'schema'),
     '''{"family": "kmeans", "scaling": [{"method": "log1p", "shift": -1e300, "scale": 1e-300}], "centers_scaled": [[1e300], [-1e300], [0]]}''',
     '''{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1}], "centers_scaled": [[1], [1]], "sizes": 1, "means": [1]}''',
     '''{"family": "kmeans", "dimensions": 2147483647, "n": 0, "sizes": [1, "x"]}'''])
) v(type, expressions);
INSERT INTO hostile.good VALUES
  ('kmeans_match', format($$(SELECT %1$s.kmeans_fit(ARRAY[i, i * i], 3) FROM generate_series(1, 20) AS i), (SELECT %1$s.kmeans_fit(ARRAY[i, i * i], 5) FROM generate_series(1, 20) AS i)$$, :'schema')),
  ('kmeans_table', format($$(SELECT %s.kmeans_fit(ARRAY[i, i * i], 3) FROM generate_series(1, 20) AS i), '{a,b}'$$, :'schema')),
  ('choose_k_table', format($$(SELECT %s.choose_k(ARRAY[i, i * i], 2, 3) FROM generate_series(1, 20) AS i)$$, :'schema'));
INSERT INTO hostile.good VALUES
  ('_customer_categories', $$ROW(NULL, '{a,b,other}', '{1024,1025,2053}', '{2,0,1}', '{10,10,1}', '{0.5,0.25,0.25}'), '{0,1,0,1,NaN,NaN}', (SELECT long FROM hostile.streams), '2025-06-30'$$),
  ('_category_steps', $$ROW(NULL, '{a,b,other}', '{1024,1025,2053}', '{2,0,1}', '{10,10,1}', NULL), (SELECT long FROM hostile.streams), '2025-06-30', '{1,2}'$$),
  ('_card_score', :'schema' || $$._scorecard_program('engagement', NULL), '{2025-01-03:1:19.90}', NULL, NULL, '2025-06-30'$$),
  ('_card_band', $$'{"rules": [{"position": 1, "mode": "day", "points": 7, "all": true, "half_life": 30}], "bands": [{"band": "a", "enter": 50, "leave": 5}, {"band": "b", "enter": 0}]}', (SELECT sparse FROM hostile.history), NULL, NULL, '2025-06-30'$$),
  ('_card_points', :'schema' || $$._scorecard_program('maturity', NULL), '{2025-01-03:1:19.90}', NULL, NULL, '2025-06-30', 'fr'$$),
  ('_card_next_band', $$'{"rules": [{"position": 1, "mode": "each", "points": 7, "all": true}], "bands": [{"band": "a", "enter": 50}, {"band": "b", "enter": 0}]}', '{2025-01-03:1:19.90}', NULL, NULL, '2025-06-30', 'fr'$$),
  ('_scorecard_program', $$'maturity', '{"streams": {"web": 1}, "kinds": [{"stream": "web", "kind": "demo", "role": "demo", "key": 1025}]}'$$),
  ('_check_scorecard', $$'maturity', '{"streams": {"web": 1}}'$$),
  ('_propensity_codes', $$'{"features": ["log1p_total", "web.log1p_points"]}', '{"web": 2}'$$),
  ('_propensity_features', $$'{1,7,17,36,4084}', (SELECT years FROM hostile.history), '{1/0={2025-01-03:1:19.90}}', '2025-06-30'$$),
  ('_propensity', $$'{1,2,3}', '{3,20}', (SELECT years FROM hostile.history), '{1/0={2025-01-03:1:19.90}}', '2025-06-30'$$),
  ('create_scorecard', $$'hostile.card', 'engagement'$$),
  ('connect_shop', $$'magento2', 'hostile', 'hostile_in'$$),
  ('_own_name', $$'hostile.card', 'engagement', 'scorecard', 'card', 'create_scorecard', 'engagement'$$),
  ('_own_tables', $$'hostile.card2', '{hostile,card2}', '{scorecard,scorecard_rule,scorecard_group,scorecard_band}', 'scorecard', 'card'$$),
  ('scorecard_fits', $$'qualification', '{sector,size}'$$),
  ('_model_note_refresh', $$'hostile_model', '{"version": 1}', 2, 1, 1, 0,
    '{"rows_read": 9, "no_customer": 0, "no_day": 0, "no_value": 1, "unconvertible": 0, "too_large": 0}'$$),
  ('scorecard_score', $$'engagement', '{click,open}', ARRAY[(SELECT years FROM hostile.history), (SELECT sparse FROM hostile.history)], '2025-06-30'$$),
  ('scorecard_band', $$'maturity', '{demo,trial}', ARRAY[(SELECT years FROM hostile.history), (SELECT sparse FROM hostile.history)], '2001-06-30'$$),
  ('scorecard_points', $$'engagement', '{click}', ARRAY[(SELECT years FROM hostile.history)], '2025-06-30', NULL, 'fr'$$),
  ('scorecard_next_band', $$'maturity', '{demo}', ARRAY[(SELECT years FROM hostile.history)], '2000-01-30', NULL, 'fr'$$);

-- What a literal of ours may refuse is refused here, before it counts as an argument.
CREATE FUNCTION hostile.usable(type text, expression text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT (%s)::%s', expression, type);
  RETURN true;
EXCEPTION WHEN OTHERS THEN
  RETURN false;
END $$;

CREATE TABLE hostile.call (function regprocedure, statement text, outcome text, message text, seconds float8);

-- The k-th call of a function with its first n arguments.
CREATE FUNCTION hostile.statement(f regprocedure, arguments text[], others text[], k int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  p record;
  name text;
  n int := cardinality(arguments);
  columns text;
  over text := (ARRAY['()', '(ORDER BY row_number)', '(PARTITION BY row_number % 2)',
                      '(ORDER BY row_number ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)'])[1 + k / 3 % 4];
  mixed text[] := others;
  rows text;
BEGIN
  SELECT pronamespace::regnamespace::text AS schema, proname, prokind, proretset INTO p FROM pg_proc WHERE oid = f;
  name := format('%s.%I', p.schema, p.proname);
  IF p.prokind = 'f' AND p.proretset THEN
    RETURN format('SELECT count(format(''%%s'', x)) FROM %s(%s) AS x', name, array_to_string(arguments, ', '));
  ELSIF p.prokind = 'f' AND (k % 2 = 0 OR n = 0) THEN
    RETURN format('SELECT format(''%%s'', %s(%s))', name, array_to_string(arguments, ', '));
  END IF;
  columns := (SELECT string_agg('c' || i, ', ') FROM generate_series(1, n) i);
  IF p.prokind = 'f' THEN			-- at run time: no constant folding
    RETURN format('SELECT format(''%%s'', %s(%s)) FROM (SELECT %s OFFSET 0) v(%s)', name, columns,
                  coalesce(array_to_string(arguments, ', '), ''), columns);
  END IF;
  -- Aggregates and window functions over rows that are all equal, differ in the first argument, differ everywhere.
  mixed := CASE k % 3 WHEN 0 THEN arguments WHEN 1 THEN others[1] || arguments[2:] ELSE others END;
  rows := format('(VALUES (1, %1$s), (2, %2$s), (3, %1$s), (4, %2$s)) v(row_number, %3$s)%4$s',
                 array_to_string(arguments, ', '), array_to_string(mixed, ', '), columns,
                 CASE WHEN k % 50 = 49 THEN ' WHERE row_number < 0' ELSE '' END);
  IF p.prokind = 'a' AND k % 2 = 0 THEN
    RETURN format('SELECT format(''%%s'', %s(%s)) FROM %s', name, columns, rows);
  END IF;
  RETURN format('SELECT count(x) FROM (SELECT format(''%%s'', %s(%s) OVER %s) AS x FROM %s) s', name, columns, over, rows);
END $$;

-- A call, recorded; whatever it did is undone.
CREATE FUNCTION hostile.record(f regprocedure, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  state text;
  message text;
  start timestamptz := clock_timestamp();
BEGIN
  BEGIN
    EXECUTE statement;
    RAISE EXCEPTION USING errcode = 'HS000';
  EXCEPTION
    WHEN SQLSTATE 'HS000' THEN state := 'value';
    WHEN query_canceled OR OTHERS THEN state := sqlstate; message := left(sqlerrm, 300);
  END;
  INSERT INTO hostile.call VALUES (f, left(statement, 500), state, message, extract(epoch FROM clock_timestamp() - start));
  RETURN state;
END $$;

-- What an argument of this name is when nobody attacks: calls with all arguments hostile
-- end at the first check.
CREATE TABLE hostile.likely (name text, type text, expression text);
INSERT INTO hostile.likely VALUES
  ('model', 'name', '''hostile_model'''), ('model', 'text', '''hostile_model'''), ('home', 'name', '''hostile_model'''),
  ('settings', 'jsonb', :'schema' || '._model_settings(''hostile_model'')'), ('caller', 'jsonb', :'schema' || '._model_caller()'),
  ('customer', 'text', '''7'''), ('language', 'text', '''fr'''), ('stream', 'text', '''web'''), ('key', 'text', '''7'''),
  ('stream', 'jsonb', '(SELECT to_jsonb(t) FROM hostile_model.stream AS t)'), ('role', 'text', '''hostile_user'''),
  ('query', 'text', '''SELECT customer, day, value FROM hostile.orders'''), ('source', 'text', '''hostile.orders'''),
  ('info', 'jsonb', '(SELECT i FROM hostile_model.score_explanation(''7'', NULL, NULL) AS i)'),
  ('fit', 'jsonb', '''{"family": "mbgnbd", "unit_days": 7, "status": "converged", "parameters": {"r": 0.5, "alpha": 6, "a": 1, "b": 1.6}}'''),
  ('segment', 'text', '''vip'''), ('view', 'name', '''customer_scores''');

CREATE FUNCTION hostile.draw(k int, seed int, n int) RETURNS int LANGUAGE sql AS $$ SELECT abs(hashint8extended(k, seed) % n)::int $$;
CREATE TABLE hostile.told AS SELECT name FROM :"schema"._setting WHERE type = 'text' AND redo = 'views' AND NOT is_required;

CREATE FUNCTION hostile.attack(f regprocedure, calls int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  p record;
  types text[];
  choices text[];
  first int[];
  counts int[];
  small int[];			-- how many of these are not large: they come first
  likely text[];
  total numeric;
  step int;				-- every so many-th value gets a turn
  each int;				-- calls in which the arguments take turns: one hostile, the others likely
  a text[];
  b text[];
  at bigint;
  turn int;
  draws int;
  drawn int[];
  statement text;
  state text;
  told text[];
  texts text[];
  many boolean;			-- a verb with all settings of a model: most of its calls fail at the first that is hostile
  first_start timestamptz;
BEGIN
  SELECT pronargs::int AS n, pronargdefaults::int AS defaults, proname, prokind, l.lanname IN ('sql', 'plpgsql') AND prokind = 'f' AS above INTO p
    FROM pg_proc JOIN pg_language l ON l.oid = prolang WHERE pg_proc.oid = f;
  many := p.defaults > 20;
  -- a call that goes on makes, drops or reads a whole model
  step := CASE WHEN p.proname IN ('_model_create', '_model_make_shown') THEN 10
    WHEN p.proname IN ('_model_find', 'drop_model', '_model_upgrade', 'drop_stream', 'calibrate_model', 'erasure_report', '_scores_with_orders', 'refresh_model', '_explain_steps',
      '_explain_next_steps', '_model_follow_thresholds', '_model_parts', '_model_levels', '_model_explanations', '_model_report', '_calibration_parts') THEN 3 ELSE 1 END;
  FOR statement IN SELECT format('SELECT count(format(''%%s'', x)) FROM %s(%s) AS x', f::regproc, g.arguments) FROM hostile.good AS g WHERE g.name = p.proname LOOP
    PERFORM hostile.record(f, statement);
  END LOOP;
  -- A good call with one argument that is not, where there are too many to draw all: values of each argument, once.
  -- Settings that are only told (purpose) take any text: each call has hostile ones along, or each would cost a model.
  told := ARRAY(SELECT a.name FROM hostile.told AS t JOIN pg_proc AS q ON q.oid = f AND many, unnest(q.proargnames) AS a (name) WHERE a.name = t.name ORDER BY a.name);
  texts := ARRAY(SELECT expression FROM hostile.value WHERE type = 'text' ORDER BY number);
  FOR statement IN
    SELECT format('SELECT count(format(''%%s'', x)) FROM %s(%s, %I => (%s)::%s%s) AS x', f::regproc, arguments, name, expression, type,
             (SELECT string_agg(format(', %I => (%s)::text', t.name, texts[1 + (s.k * cardinality(told) + t.i) % cardinality(texts)]), '') FROM unnest(told) WITH ORDINALITY AS t (name, i)))
      FROM (SELECT *, row_number() OVER (ORDER BY name, expression) AS k
              FROM (SELECT DISTINCT ON (a.name, v.expression) g.arguments, a.name, v.expression, format_type(a.type, NULL) AS type
                      FROM hostile.good AS g, pg_proc AS q, unnest(q.proargnames[1:p.n], q.proargtypes::oid[]) WITH ORDINALITY AS a (name, type, position), hostile.value AS v
                     WHERE g.name = p.proname AND q.oid = f AND many AND a.position > p.n - p.defaults AND v.type = regexp_replace(format_type(a.type, NULL), '^.*\.', '')
                       AND strpos(g.arguments, a.name || ' =>') = 0 AND a.name <> ALL (told)
                       -- a third of them, always the same: each costs a model. create_model and alter_model
                       -- understand a setting in the same way: what both have is given to either
                       AND abs(hashtextextended(a.name || v.expression, 43) % 6) = ANY (CASE WHEN NOT EXISTS (SELECT FROM pg_proc AS o
                             WHERE o.pronamespace = q.pronamespace AND o.oid <> f AND o.pronargdefaults > 20 AND a.name = ANY (o.proargnames[1:o.pronargs])) THEN '{0,3}'::int[]
                           WHEN p.proname = 'create_model' THEN '{0}' ELSE '{3}' END)
                     ORDER BY a.name, v.expression, hashtextextended(g.arguments || a.name || v.expression, 42)) AS s) AS s
     ORDER BY k LOOP
    PERFORM hostile.record(f, statement);
  END LOOP;
  first_start := clock_timestamp();
  FOR n IN REVERSE p.n .. p.n - p.defaults LOOP
    types := (SELECT array_agg(format_type(t, NULL) ORDER BY i) FROM pg_proc, unnest(proargtypes) WITH ORDINALITY u(t, i) WHERE oid = f AND i <= n);
    likely := (SELECT array_agg(CASE WHEN v.name IS NOT NULL THEN format('(%s)::%s', v.expression, v.type) END ORDER BY i)
                 FROM pg_proc AS q CROSS JOIN unnest(proargtypes) WITH ORDINALITY u(t, i) LEFT JOIN hostile.likely AS v ON v.type = format_type(t, NULL) AND v.name = q.proargnames[i]
                WHERE q.oid = f AND i <= n);
    choices := '{}'; first := '{}'; counts := '{}'; small := '{}'; total := 1;
    FOR i IN 1 .. n LOOP
      first := first || cardinality(choices);
      IF p.above AND likely[i] IS NOT NULL THEN choices := choices || likely[i]; END IF;
      IF types[i] IN ('internal', 'trigger') THEN
        choices := choices || 'NULL'::text;
      ELSIF types[i] = 'anyelement' THEN
        choices := choices || ARRAY(SELECT expression FROM hostile.value WHERE type = 'anyelement' ORDER BY number);
      ELSE
        choices := choices || ARRAY(SELECT format('(%s)::%s', expression, types[i]) FROM hostile.value
                                     WHERE type = regexp_replace(types[i], '^.*\.', '') ORDER BY large, number);
      END IF;
      counts := counts || cardinality(choices) - first[i];
      small := small || counts[i] - (SELECT count(*)::int FROM hostile.value WHERE type = regexp_replace(types[i], '^.*\.', '') AND large);
      IF counts[i] = 0 THEN RAISE 'no hostile values for type %', types[i]; END IF;
      total := total * counts[i];
    END LOOP;
    -- Functions in C get draws. Those in SQL and plpgsql cost ten times as much, and what they call in C has
    -- draws of its own: each value of each argument in turn, the others likely, and a quarter as many draws.
    each := 0;
    IF many THEN draws := CASE WHEN n = p.n THEN calls / 30 ELSE 1 END;
    ELSIF n < p.n THEN draws := greatest(calls / CASE WHEN p.above THEN 15 ELSE 4 END / p.defaults, 5);
    ELSIF p.above THEN
      each := (SELECT least(calls / 3, sum(c)) / step FROM unnest(counts) AS c);
      draws := each + each / 4;
    ELSE draws := calls;
    END IF;
    draws := least(total, draws);
    FOR k IN 0 .. draws - 1 LOOP
      at := k;
      turn := 1 + k % greatest(n, 1);
      drawn := CASE WHEN k % 8 = 0 THEN counts ELSE small END;		-- large ones in one draw of eight
      a := '{}';
      b := '{}';
      FOR i IN 1 .. n LOOP
        a := a || CASE WHEN total <= draws THEN choices[first[i] + 1 + at % counts[i]]
          WHEN k < each AND i = turn THEN choices[first[i] + 1 + k / n * step % counts[i]]
          WHEN likely[i] IS NOT NULL AND (k < each AND hashint8extended(k, 300 + i) % 8 <> 0 OR p.above AND hashint8extended(k, 300 + i) % 2 = 0) THEN likely[i]
          ELSE choices[first[i] + 1 + hostile.draw(k, 100 + i, drawn[i])] END;
        b := b || choices[first[i] + 1 + hostile.draw(k, 200 + i, drawn[i])];
        at := at / counts[i];
      END LOOP;
      statement := hostile.statement(f, a, b, k);
      state := hostile.record(f, statement);
      -- What has been recorded by now is enough to judge a slow function.
      IF state = '57014' OR clock_timestamp() > first_start + interval '30 seconds' THEN RETURN; END IF;
    END LOOP;
  END LOOP;
END $$;

SELECT count(*) - count(*) FILTER (WHERE hostile.usable(CASE WHEN type IN ('history', 'history[]', 'stream_histories', 'caller', '_categories') THEN :'schema' || '.' || type ELSE type END, expression)) AS refused
  FROM hostile.value WHERE type NOT IN ('cstring', 'anyelement') \gset
DELETE FROM hostile.value
 WHERE type NOT IN ('cstring', 'anyelement') AND NOT hostile.usable(CASE WHEN type IN ('history', 'history[]', 'stream_histories', 'caller', '_categories') THEN :'schema' || '.' || type ELSE type END, expression);

-- domains of forms that only raise
INSERT INTO hostile.value (type, expression) VALUES ('argument_moment', 'NULL'), ('argument_moment', 'now()'), ('argument_moment', '''infinity'''),
  ('argument_number', 'NULL'), ('argument_number', '1'), ('argument_text', 'NULL'), ('argument_text', '''x'''), ('argument_history', 'NULL'), ('argument_history', '''{}'''),
  ('name[]', 'NULL'), ('name[]', '''{}'''), ('name[]', '''{customer_scores}'''), ('name[]', '''{NULL,"a b"}'''),
  ('_part', 'NULL'), ('_part', '''(view,customer_scores,,,"SELECT 1::bigint AS customers",ones,)'''), ('_part', '''(,,,,,,)'''),
  ('_part', '''(function,doubled,"{a int DEFAULT 1}","SETOF int","SELECT 2 * a",twice,)'''),
  ('_part[]', 'NULL'), ('_part[]', '''{}'''), ('_part[]', '''{"(view,segments,,,SELECT,ones,)"}'''), ('_part[]', '''{NULL,"(,,,,,,)"}''');

CREATE VIEW hostile.function AS
SELECT p.oid::regprocedure AS function, 'internal'::regtype = ANY (proargtypes::oid[] || prorettype) AS internal,
       obj_description(p.oid, 'pg_proc') LIKE 'internal:%' AS of_models, p.proname IN ('_model_outdated', '_model_raise_unreadable', '_model_live_refuse_foreign', '_model_live_refuse_unsteady', '_model_live_refuse_virtual', '_live_call_handler',
         -- they fill a table that the same transaction has made
         '_model_append_histories', '_model_read_first') OR p.prosrc LIKE 'refuse\_moment%'
       OR p.oid IN (SELECT a.aggfnoid FROM pg_aggregate a JOIN pg_proc s ON s.oid = a.aggtransfn WHERE s.prosrc LIKE 'refuse\_moment%') AS only_raises
  FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
 WHERE p.prokind IN ('f', 'a', 'w') AND e.extname = :'extension';

\set ON_ERROR_STOP off
\o /dev/null
-- The insides of models are called by models, which other tests see to.
SELECT format('SELECT hostile.attack(%L, %s)', function, CASE WHEN of_models THEN :calls / 4 ELSE :calls END) FROM hostile.function ORDER BY function::text \gexec
\o

\pset format unaligned
\pset tuples_only on
WITH judged AS (
  SELECT f.function, f.internal, f.only_raises, c.outcome, c.statement, c.message,
         c.outcome = 'value' OR internal AND c.outcome <> '57014' OR left(c.outcome, 2) IN ('22', '42', '54', '0A', '2B', '55')
         OR f.of_models AND left(c.outcome, 2) IN ('23', '3F') AS fine, c.seconds
    FROM hostile.function f LEFT JOIN hostile.call c USING (function)
), by_function AS (
  SELECT row_number() OVER (ORDER BY function::text) AS n, function, internal OR only_raises AS internal,
         count(outcome) AS calls, count(*) FILTER (WHERE outcome = 'value') AS results, count(*) FILTER (WHERE NOT fine) AS bad,
         max(seconds) AS slowest,
         min(format(E'\n#   %s %s\n#   %s', outcome, message, statement)) FILTER (WHERE NOT fine) AS example
    FROM judged GROUP BY function, internal OR only_raises
)
SELECT format('%s %s - %s: %s calls, %s values, %s bad, slowest %s s%s',
              CASE WHEN calls > 0 AND (results > 0 OR internal) AND bad = 0 AND slowest < 10 THEN 'ok' ELSE 'not ok' END,
              n, function, calls, results, bad, round(slowest::numeric, 1), example)
  FROM by_function ORDER BY n;
SELECT format('%s %s - %s calls of %s functions, at least 20000', CASE WHEN count(*) >= 20000 THEN 'ok' ELSE 'not ok' END,
              (SELECT count(*) + 1 FROM hostile.function), count(*), count(DISTINCT function))
  FROM hostile.call;
SELECT format('%s %s - the model that they attacked is as it was', CASE WHEN (SELECT count(*) FROM hostile_model.customer_scores) = 51
              AND (SELECT count(*) FROM pg_class WHERE relnamespace = 'hostile_model'::regnamespace) = :objects THEN 'ok' ELSE 'not ok' END, (SELECT count(*) + 2 FROM hostile.function));
SELECT format('# %s values, %s errors', count(*) FILTER (WHERE outcome = 'value'), count(*) FILTER (WHERE outcome <> 'value')) FROM hostile.call;
SELECT format('# %s literals refused by their own type', :refused);
