-- What the installation script must have said about each object, asked from the
-- catalogs. Prints TAP; the objects that fail are named.

-- From 17 on the types of arrays and of rows, which come with another object, are members too.
CREATE TEMP VIEW member AS
SELECT classid, objid FROM pg_depend d JOIN pg_extension e ON e.oid = refobjid
 WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND extname = 'customer_scoring'
   AND NOT (classid = 'pg_type'::regclass
            AND EXISTS (SELECT FROM pg_depend own WHERE own.classid = d.classid AND own.objid = d.objid AND own.deptype = 'i'));

CREATE TEMP VIEW function AS
SELECT p.*, l.lanname, p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_language l ON l.oid = prolang
  JOIN member ON classid = 'pg_proc'::regclass AND objid = p.oid;

CREATE TEMP TABLE lint (rule text, bad text);

-- VOLATILE and PARALLEL UNSAFE are what a function gets if the script is silent.
INSERT INTO lint
SELECT 'volatility and parallel safety are stated', name FROM function
 WHERE (provolatile = 'v' AND prokind = 'f' OR proparallel = 'u')
   AND proname NOT IN ('create_segment_map', 'create_scorecard', '_own_tables', 'connect_shop', '_shop_sources', '_make_shop_views', '_shop_report', '_shop_calls',		-- make tables and views
                       'add_stream', 'alter_stream', 'drop_stream', 'streams', '_set_stream', '_put_stream', '_stream_report', '_stream_views', '_read_streams',
                       '_apply_events', '_check_streams', '_purge_streams', '_lock_streams', '_make_stream_triggers', '_complete_questions', '_satisfaction_views', '_write_satisfaction', '_compile_cards', '_copy_cards', '_write_categories', '_category_views', '_account_lines', '_account_views', '_notice', '_notice_of_now',	-- of streams and scorecards
                       '_conversion_functions', '_kpi_functions', '_goal_views', '_goal_tenant', '_campaign_parts', '_lifecycle_functions', '_repeat_functions', '_concentration_views',
                       '_drift_parts', '_calibration_parts', '_headline_views', '_reader_columns', '_calibration_moves', '_attribute_numbers', '_attribute_fifths', '_profile_attributes', '_profile_views', '_check_inputs', '_write_clusters', '_cluster_views', '_cluster_lines',
                       'set_goal', 'drop_goal', 'start_campaign', 'drop_campaign', 'campaign_result', '_campaign_result',	-- of steering
                       'histories', 'source_histories', 'score_customers', 'propensity_fit', '_propensity_fit_run',	-- run a query of the caller's
                       'create_model', 'alter_model', 'upgrade_model', 'calibrate_model', 'refresh_model', 'record_changes', 'check_model',
                       'grant_reader', 'revoke_reader', 'drop_model', 'apply_changes',
                       'override_segment', 'clear_override', 'merge_customers', 'unmerge_customers', 'check_quality', 'score_parity', 'check_prediction',
                       '_new_suppression_key', 'forget_customer', 'allow_customer', 'reapply_suppression', 'purge_model', 'erasure_report', 'export_customer', 'retention_due')	-- write a model
   AND proname NOT IN ('explain_score', '_explain_steps', '_explain_next_steps', 'near_misses', '_score_explanation', '_scores_with_orders', '_near_misses', '_attribute_segments', '_one_customer', '_rows_here', '_customer_here')	-- call functions of a model, or keep a plan
   AND proname NOT IN ('_rows_of_keys', '_ledger_now', '_ledger_probe', '_ledger_tables', '_ledger_lines', '_check_ledger', '_settle_ledger', '_make_ledger', '_make_touched_rows',
                       '_make_live_triggers', '_live_findings', '_lock_live_source', '_lock_relations')	-- of models that are live over several tables
   AND proname <> '_live_call_handler'	-- runs functions that write a model
   AND proname NOT LIKE '\_model\_%';	-- what these are made of

INSERT INTO lint
SELECT 'every object has a comment', pg_describe_object(classid, objid, 0) FROM member
 WHERE classid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass, 'pg_class'::regclass, 'pg_opclass'::regclass)
   AND obj_description(objid, classid::regclass::text) IS NULL
   AND NOT (classid = 'pg_type'::regclass AND (SELECT typcategory = 'A' OR typrelid <> 0 FROM pg_type WHERE oid = objid))
   AND NOT (classid = 'pg_class'::regclass AND (SELECT relkind FROM pg_class WHERE oid = objid) IN ('i', 't'));

INSERT INTO lint
SELECT 'every column has a comment', attrelid::regclass || '.' || attname FROM pg_attribute JOIN member ON attrelid = objid AND classid = 'pg_class'::regclass
 WHERE attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL
   AND (SELECT relkind FROM pg_class WHERE oid = objid) IN ('r', 'v', 'c');

-- So that \df and tab completion show users what is theirs.
INSERT INTO lint
SELECT 'what is internal begins with an underscore, and nothing else does', name FROM function
 WHERE starts_with(proname, '_') <> (obj_description(oid, 'pg_proc') ~ '^(internal: |part of aggregate)');

INSERT INTO lint SELECT 'nothing is SECURITY DEFINER', name FROM function WHERE prosecdef;

INSERT INTO lint SELECT 'nothing claims to be LEAKPROOF', name FROM function WHERE proleakproof;

-- A body kept as text is resolved when it runs: its path must not be the caller's.
INSERT INTO lint
SELECT 'bodies in text form pin search_path', name FROM function
 WHERE lanname IN ('sql', 'plpgsql') AND prosqlbody IS NULL
   AND NOT coalesce(array_to_string(proconfig, ' ') ~ 'search_path=(pg_catalog|"")', false);

INSERT INTO lint
SELECT 'everything is in the schema of the extension', pg_describe_object(m.classid, m.objid, 0)
  FROM member m, pg_identify_object(m.classid, m.objid, 0) i
 WHERE i.schema IS DISTINCT FROM 'scoring' AND i.type NOT IN ('cast', 'language');

-- An aggregate must offer what its plans need, in full.
INSERT INTO lint
SELECT 'aggregates with a combine function can move their state', f.name FROM function f JOIN pg_aggregate a ON aggfnoid = f.oid
 WHERE proparallel = 's' AND (aggcombinefn = 0 OR aggtranstype = 'internal'::regtype AND (aggserialfn = 0 OR aggdeserialfn = 0));

INSERT INTO lint
SELECT 'functions over internal can be called by the server alone', name FROM function
 WHERE 'internal'::regtype = ANY (proargtypes) AND lanname <> 'c';

SELECT format('%s %s - %s%s', CASE WHEN count(bad) = 0 THEN 'ok' ELSE 'not ok' END, row_number() OVER (ORDER BY rule), rule,
              string_agg(E'\n#   ' || bad, '' ORDER BY bad))
  FROM (VALUES ('volatility and parallel safety are stated'), ('every object has a comment'), ('every column has a comment'),
               ('nothing is SECURITY DEFINER'), ('nothing claims to be LEAKPROOF'), ('bodies in text form pin search_path'),
               ('everything is in the schema of the extension'), ('aggregates with a combine function can move their state'),
               ('functions over internal can be called by the server alone'),
               ('what is internal begins with an underscore, and nothing else does')) r(rule)
  LEFT JOIN lint USING (rule)
 GROUP BY rule ORDER BY rule;
SELECT format('%s 100 - %s objects', CASE WHEN count(*) > 20 THEN 'ok' ELSE 'not ok' END, count(*)) FROM member;
SELECT format('# %s objects of the extension', count(*)) FROM member;
