--
-- The settings by which the functions of a model read and print SQL, numbers and
-- days, whatever the session has: what a model reads must not depend on who
-- calls. Text that a caller gives is read by the settings of that caller
-- (_model_caller), once.
--
-- For every function in plpgsql that isn't immutable. Those are called now and
-- then; what is called for every row has no settings.
--
DO $$
DECLARE
	f	regprocedure;
BEGIN
	FOR f IN SELECT p.oid FROM pg_catalog.pg_proc AS p
			  WHERE p.pronamespace = '@extschema@'::pg_catalog.regnamespace AND p.provolatile <> 'i'
				AND p.prolang = (SELECT l.oid FROM pg_catalog.pg_language AS l WHERE l.lanname = 'plpgsql')
				AND 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig)
				AND p.proname <> '_propensity_fit_run'		-- runs a query of the caller's, and keeps none
			AND p.proname <> '_explain_text'			-- called dozens of times, and reads texts alone
			  ORDER BY p.oid LOOP
		EXECUTE pg_catalog.format('ALTER FUNCTION %s'
			' SET datestyle = ''ISO, YMD'' SET intervalstyle = ''postgres'' SET extra_float_digits = 1'
			' SET bytea_output = ''hex'' SET standard_conforming_strings = on SET escape_string_warning = off'
			' SET backslash_quote = ''safe_encoding'''
			' SET quote_all_identifiers = off SET array_nulls = on SET transform_null_equals = off'
			' SET xmloption = ''content'' SET xmlbinary = ''base64'' SET lc_monetary = ''C'''
			' SET plpgsql.extra_errors = ''none'' SET plpgsql.extra_warnings = ''none''', f);
	END LOOP;
	-- and whatever the caller's SQL is read by is taken back afterwards
	ALTER FUNCTION @extschema@._model_probe(name, jsonb, text)
		SET timezone = 'UTC' SET default_text_search_config = 'pg_catalog.simple';
END
$$;
--
-- Citus sends statements that make objects to its workers. What a model consists of stays
-- here, where its tables are: the workers would know nothing of what its views read, and
-- Citus would warn of each. But what stands on tables of others, triggers and indexes, goes
-- where Citus has these tables: else a trigger on a local table that Citus manages would
-- stand on its empty shell. Both are said of what makes the objects, too, and not of the
-- calls alone: when a call locks such a table, Citus itself turns the setting on, for the
-- rest of the session. Without Citus it has no meaning.
--
DO $$
DECLARE
	f	pg_catalog.text;
BEGIN
	FOREACH f IN ARRAY '{_model_create,_model_alter,_model_upgrade,refresh_model,_set_stream,drop_stream,'
			'grant_reader,revoke_reader,'
			'_model_probe,_model_live_probe,_ledger_probe,'
			'_model_make_tables,_model_make_shown,_model_make_trigger_function}'::pg_catalog.text[] LOOP
		-- not format(): the name of the schema may have a %
		EXECUTE pg_catalog.concat('ALTER FUNCTION @extschema@.', f, ' SET citus.enable_ddl_propagation = off');
	END LOOP;
	FOREACH f IN ARRAY '{_model_hang_triggers,_model_drop_triggers,_model_make_key_index,'
			'_model_drop_key_index,_model_distribute,_model_empty_source}'::pg_catalog.text[] LOOP
		EXECUTE pg_catalog.concat('ALTER FUNCTION @extschema@.', f, ' SET citus.enable_ddl_propagation = on');
	END LOOP;
	-- One connection to each worker: where histories had been read on several, dropping them on another
	-- one of the same transaction could wait for these, which Citus calls a distributed deadlock.
	ALTER FUNCTION @extschema@.drop_model(text, boolean)
		SET citus.multi_shard_modify_mode = 'sequential' SET citus.max_adaptive_executor_pool_size = 1;
END
$$;
