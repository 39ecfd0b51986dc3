--
-- Layer 4: models whose histories Citus keeps on its workers. The table of histories is
-- distributed by the customer; all others stay here, and Citus sends them along where a
-- query needs them. Views work out each customer where their history is. What Citus can't
-- plan, functions with parameters and queries of many levels, reads the rows of a private
-- view from the workers and goes on here. Workers obey nobody but the owner, so what
-- readers see comes from functions with the owner's rights.
--

-- Are the histories of the model on workers?
CREATE FUNCTION @extschema@._is_distributed(settings jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT COALESCE((settings OPERATOR(pg_catalog.->>) 'distribute')::boolean, false);
END;
COMMENT ON FUNCTION @extschema@._is_distributed(jsonb) IS
	'internal: are the histories of a model distributed by Citus?';

-- Do the views read what Citus manages: histories on workers, or people who are in a reference
-- table? Then only the owner can ask them.
CREATE FUNCTION @extschema@._asks_citus(settings jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._is_distributed(settings)
		OR COALESCE((settings OPERATOR(pg_catalog.->>) 'customers_here')::boolean, false);
END;
COMMENT ON FUNCTION @extschema@._asks_citus(jsonb) IS
	'internal: do the views of a model read tables that Citus manages?';

-- A statement of its own, that Citus plans apart from the query around it: "row" is NULL of
-- the type of the rows of a table or view. The customer is written into it, because what
-- Citus does with a parameter depends on where it stands.
CREATE FUNCTION @extschema@._rows_here("row" anyelement)
	RETURNS SETOF anyelement
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT * FROM %s', pg_typeof("row"));
END
$$;
COMMENT ON FUNCTION @extschema@._rows_here(anyelement) IS
	'internal: the rows of a table or view that Citus plans, with the rights of the caller';

CREATE FUNCTION @extschema@._customer_here("row" anyelement, customer_key text)
	RETURNS SETOF anyelement
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 1
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT * FROM %s AS r WHERE r.customer_key = %L', pg_typeof("row"), customer_key);
END
$$;
COMMENT ON FUNCTION @extschema@._customer_here(anyelement, text) IS
	'internal: the rows of one customer in a table or view that Citus plans';

-- Such a statement as an item of FROM: of everybody, or of one customer, an expression.
CREATE FUNCTION @extschema@._rows_of(relation text, customer text DEFAULT NULL)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.concat(CASE WHEN customer IS NULL THEN '@extschema@._rows_here(NULL::'
		ELSE '@extschema@._customer_here(NULL::' END, relation, ', ' OPERATOR(pg_catalog.||) customer, ')');
END;
COMMENT ON FUNCTION @extschema@._rows_of(text, text) IS
	'internal: an item of FROM: the rows of a table or view, by a statement of their own';

-- A private view of a model as an item of FROM, for a query that Citus could not plan. Parts of
-- a model name _histories, and not the table: functions that stand in a view beside a
-- distributed table are taken by Citus for something that the table needs, on new workers too.
CREATE FUNCTION @extschema@._here(model name, settings jsonb, view name, customer text DEFAULT NULL)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._is_distributed(settings)
			THEN @extschema@._rows_of(pg_catalog.format('%I.%I', model, view), customer)
		ELSE pg_catalog.format('%I.%I', model, view) END;
END;
COMMENT ON FUNCTION @extschema@._here(name, jsonb, name, text) IS
	'internal: a table or private view of a model as an item of FROM, read from the workers first if need be';

-- A view that readers have, for another view of the model: with the column tenant in any
-- model, and as Citus can plan it together with that.
CREATE FUNCTION @extschema@._view_rows(model name, settings jsonb, view name)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._asks_citus(settings)
			THEN pg_catalog.format('%I.%I', model, '_' OPERATOR(pg_catalog.||) view)
		ELSE @extschema@._with_tenant(settings, pg_catalog.format('%I.%I', model, view)) END;
END;
COMMENT ON FUNCTION @extschema@._view_rows(name, jsonb, name) IS
	'internal: an item of FROM: a view that readers have, with the column tenant in any model';

-- What gives an expression a name: SELECT expression, as an item of FROM. Citus plans none
-- without a FROM of its own, unless all in it is immutable.
CREATE FUNCTION @extschema@._one_row(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._is_distributed(settings) THEN ' FROM (VALUES (1)) AS one (n)' ELSE '' END;
END;
COMMENT ON FUNCTION @extschema@._one_row(jsonb) IS
	'internal: the FROM of a subquery that names an expression; empty unless Citus has to plan it';

-- What can't be distributed, before anything is made. Live models have triggers that write
-- histories as statements come in; a tenant would have to be part of every key.
CREATE FUNCTION @extschema@._check_distribute(settings jsonb)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT @extschema@._is_distributed(settings) THEN
		RETURN;
	END IF;
	IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = 'distribute: this database has no Citus',
			DETAIL = 'Histories are distributed over its workers.',
			HINT = 'CREATE EXTENSION citus; or leave distribute out.';
	END IF;
	IF settings ->> 'tenant' IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = 'distribute: a model with tenants can''t be distributed',
			DETAIL = 'Citus has no unique index on tenant and customer where rows are distributed by customer_key.',
			HINT = 'Make a model for each tenant, or leave distribute out.';
	END IF;
	IF settings ->> 'prediction_group' IS NOT NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = 'distribute: a model with prediction_group can''t be distributed',
			DETAIL = 'The fits of groups are not where the histories are.',
			HINT = 'Leave prediction_group out.';
	END IF;
	IF (settings ->> 'live')::boolean THEN
		RAISE feature_not_supported USING
			MESSAGE = 'distribute: a live model can''t be distributed',
			DETAIL = 'Every statement on the source would wait for the workers.',
			HINT = 'Leave live out and schedule refresh_model, or leave distribute out.';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._check_distribute(jsonb) IS
	'internal: refuse settings that a distributed model can''t have';

-- While the table is empty, and before views and functions stand on it: Citus would want to
-- make those on the workers, too.
CREATE FUNCTION @extschema@._model_distribute(model name, relation text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
		PERFORM pg_catalog.create_distributed_table(format('%I.%I', model, relation)::regclass, 'customer_key');
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._model_distribute(name, text) IS
	'internal: distribute a table of a model by customer_key';
