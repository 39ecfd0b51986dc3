--
-- Layer 4: which calls wait for each other. One writer at a time, readers not at all.
--

-- One at a time writes a model; readers don't notice. False if somebody else is
-- writing it and the caller doesn't want to wait.
CREATE FUNCTION @extschema@._model_lock(model name, wait boolean DEFAULT true)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('model "%s" can''t be written at isolation level %s', model,
				current_setting('transaction_isolation')),
			DETAIL = 'It would go by what was true when the transaction began.',
			HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED;';
	END IF;
	BEGIN
		EXECUTE format('LOCK TABLE %I.refreshes IN SHARE ROW EXCLUSIVE MODE NOWAIT', model);
		RETURN true;
	EXCEPTION WHEN lock_not_available THEN
		NULL;
	END;
	IF NOT coalesce(wait, true) THEN
		RAISE NOTICE 'model "%": somebody else is writing it, skipped', model;
		RETURN false;
	END IF;
	RAISE NOTICE 'model "%": somebody else is writing it, waiting', model;
	EXECUTE format('LOCK TABLE %I.refreshes IN SHARE ROW EXCLUSIVE MODE', model);
	RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@._model_lock(name, boolean) IS
	'internal: keep other writers of a model away until the transaction ends';

CREATE FUNCTION @extschema@._model_lock_relation(relation oid)
	RETURNS void
	AS 'MODULE_PATHNAME', 'lock_relation' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@._model_lock_relation(oid) IS
	'internal: keep everybody away from a view or table of the caller, and not from what is below it';

-- Several relations of the caller's at once. Others take them one after the other, in an
-- order that nobody knows here. A call that held one of them and waited for another would
-- sooner or later deadlock with them. So only the first is waited for. Where another is not
-- free within so many milliseconds, the call lets go of all of them, waits for that one, and
-- then takes it first. mode NULL: nobody else reads them, and what is below them stays free.
CREATE FUNCTION @extschema@._lock_relations(relations oid[], mode text, patience int)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	owners		text := current_setting('lock_timeout');
	relation	oid;
	n			int;
BEGIN
	LOOP
		n := 0;
		BEGIN
			FOREACH relation IN ARRAY relations LOOP
				PERFORM set_config('lock_timeout', CASE WHEN n = 0 THEN owners ELSE patience::text END, true);
				IF mode IS NULL THEN
					PERFORM @extschema@._model_lock_relation(relation);
				ELSE
					EXECUTE format('LOCK TABLE %s IN %s MODE', relation::regclass, mode);
				END IF;
				n := n + 1;
			END LOOP;
			PERFORM set_config('lock_timeout', owners, true);
			RETURN;
		EXCEPTION WHEN lock_not_available THEN
			IF n = 0 THEN
				RAISE;
			END IF;
			relations := relation || array_remove(relations, relation);
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._lock_relations(oid[], text, int) IS
	'internal: lock several relations of the caller, and deadlock with nobody who uses them';

-- Views of a model at once, all or some, or with tables all there is, before they are
-- replaced or dropped. A reader locks a view and then those below it.
CREATE FUNCTION @extschema@._model_lock_readers(model name, tables boolean DEFAULT false, views name[] DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM @extschema@._lock_relations(ARRAY(SELECT c.oid FROM pg_class AS c
			WHERE c.relnamespace = to_regnamespace(quote_ident(model))
			  AND (c.relkind = 'v' OR c.relkind = 'r' AND tables)
			  AND (views IS NULL OR c.relname = ANY (views))
			ORDER BY c.relkind DESC, c.relname), NULL,
		-- far below what makes a reader look for a deadlock, for all of them together
		(SELECT greatest(1, s.setting::int / 50) FROM pg_settings AS s WHERE s.name = 'deadlock_timeout'));
END
$$;
COMMENT ON FUNCTION @extschema@._model_lock_readers(name, boolean, name[]) IS
	'internal: keep readers of a model away until the transaction ends, and deadlock with none';
