--
-- Where orders come from: the tables of shops, connectors and trackers, as data. A
-- system is a row, with the tables it has, the columns that are read of them, queries
-- over these, and what its statuses mean. connect_shop makes views of one shape of
-- them, in a schema of the caller's: orders_in, lines_in, events_in, people_in.
--

CREATE TABLE @extschema@.shop_system (
	system		text COLLATE "C" NOT NULL,
	prefix		text NOT NULL DEFAULT '',
	clock		text COLLATE "C" NOT NULL,
	whole		boolean NOT NULL DEFAULT false,
	description	text NOT NULL,
	CONSTRAINT shop_system_pkey PRIMARY KEY (system),
	CONSTRAINT shop_system_system_check CHECK (system OPERATOR(pg_catalog.~) '^[a-z][a-z0-9_]{0,39}$'),
	CONSTRAINT shop_system_clock_check CHECK (clock OPERATOR(pg_catalog.=)
		ANY (ARRAY['UTC', 'shop']::pg_catalog.text[])),
	CONSTRAINT shop_system_description_check CHECK (description OPERATOR(pg_catalog.<>) '')
);
COMMENT ON TABLE @extschema@.shop_system IS 'systems whose tables connect_shop knows, one row each';
COMMENT ON COLUMN @extschema@.shop_system.system IS 'name, as connect_shop takes it';
COMMENT ON COLUMN @extschema@.shop_system.prefix IS 'what the names of its tables usually begin with';
COMMENT ON COLUMN @extschema@.shop_system.clock IS
	'UTC: its times are moments; shop: its times are those of a clock in the shop, read in the time zone given';
COMMENT ON COLUMN @extschema@.shop_system.whole IS
	'the value of an order that came back in full is the sum of its refunds, even where there are none';
COMMENT ON COLUMN @extschema@.shop_system.description IS 'what is read, and what an amount is';

CREATE TABLE @extschema@.shop_source (
	system		text COLLATE "C" NOT NULL,
	source		text COLLATE "C" NOT NULL,
	relation	text COLLATE "C" NOT NULL,
	is_required	boolean NOT NULL,
	columns		text COLLATE "C" NOT NULL,
	CONSTRAINT shop_source_pkey PRIMARY KEY (system, source),
	CONSTRAINT shop_source_source_check CHECK (source OPERATOR(pg_catalog.~) '^[a-z_]{1,31}$'),
	CONSTRAINT shop_source_columns_check CHECK (columns OPERATOR(pg_catalog.~)
		'^\w+ (key|text|number|utc|local|microseconds|flag|json)\??(, \w+'
			' (key|text|number|utc|local|microseconds|flag|json)\??)*$')
);
COMMENT ON TABLE @extschema@.shop_source IS 'tables of systems';
COMMENT ON COLUMN @extschema@.shop_source.system IS 'the system';
COMMENT ON COLUMN @extschema@.shop_source.source IS 'its name in braces stands for the table in queries';
COMMENT ON COLUMN @extschema@.shop_source.relation IS 'name of the table, without prefix';
COMMENT ON COLUMN @extschema@.shop_source.is_required IS
	'false: there may be no such table, or not yet; it is looked for whenever a view is read';
COMMENT ON COLUMN @extschema@.shop_source.columns IS
	'columns that are read, and as what: key, text, number, utc (moment), local (time of the shop),'
	' microseconds (since 1970), flag, json; with ? those that may be missing';

CREATE TABLE @extschema@.shop_query (
	system		text COLLATE "C" NOT NULL,
	relation	text COLLATE "C" NOT NULL,
	query		text NOT NULL,
	CONSTRAINT shop_query_pkey PRIMARY KEY (system, relation),
	CONSTRAINT shop_query_relation_check CHECK (relation OPERATOR(pg_catalog.=)
		ANY (ARRAY['orders', 'refunds', 'lines', 'events', 'answers', 'people']::pg_catalog.text[]))
);
COMMENT ON TABLE @extschema@.shop_query IS 'what orders, refunds, lines, events, answers and people are, in the'
	' tables of systems';
COMMENT ON COLUMN @extschema@.shop_query.system IS 'the system';
COMMENT ON COLUMN @extschema@.shop_query.relation IS 'orders, refunds, lines, events, answers or people';
COMMENT ON COLUMN @extschema@.shop_query.query IS
	'a SELECT over sources in braces, with the columns that docs/sources.md names';

CREATE TABLE @extschema@.shop_status (
	system		text COLLATE "C" NOT NULL,
	status		text COLLATE "C" NOT NULL,
	counts_as	text COLLATE "C" NOT NULL,
	meaning		text NOT NULL,
	CONSTRAINT shop_status_pkey PRIMARY KEY (system, status),
	CONSTRAINT shop_status_counts_as_check CHECK (counts_as OPERATOR(pg_catalog.=)
		ANY (ARRAY['order', 'refund', 'ignore']::pg_catalog.text[]))
);
COMMENT ON TABLE @extschema@.shop_status IS 'what statuses of orders mean, in systems as they are shipped';
COMMENT ON COLUMN @extschema@.shop_status.system IS 'the system';
COMMENT ON COLUMN @extschema@.shop_status.status IS 'as the system writes it';
COMMENT ON COLUMN @extschema@.shop_status.counts_as IS
	'order: was paid; refund: was paid, and all of it came back; ignore: was never paid';
COMMENT ON COLUMN @extschema@.shop_status.meaning IS 'in words';

ALTER TABLE @extschema@.shop_source ADD CONSTRAINT shop_source_system_fkey
	FOREIGN KEY (system) REFERENCES @extschema@.shop_system (system);
ALTER TABLE @extschema@.shop_query ADD CONSTRAINT shop_query_system_fkey
	FOREIGN KEY (system) REFERENCES @extschema@.shop_system (system);
ALTER TABLE @extschema@.shop_status ADD CONSTRAINT shop_status_system_fkey
	FOREIGN KEY (system) REFERENCES @extschema@.shop_system (system);

GRANT SELECT ON @extschema@.shop_system, @extschema@.shop_source, @extschema@.shop_query, @extschema@.shop_status
	TO PUBLIC;

/* ---- a table, as queries read it ---- */

-- The same value by whichever tool the table was copied: a flag is a boolean, a
-- smallint or a bit, a moment has a zone or not or is a number of seconds.
CREATE FUNCTION @extschema@._shop_column(kind text, type regtype, "column" text, zone text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE
		WHEN kind OPERATOR(pg_catalog.=) 'key' THEN CASE
			WHEN type OPERATOR(pg_catalog.=) ANY ('{smallint,integer,bigint,uuid,oid}'::pg_catalog.regtype[])
				THEN "column" OPERATOR(pg_catalog.||) '::text'
			WHEN type OPERATOR(pg_catalog.=) 'numeric'::pg_catalog.regtype
				THEN pg_catalog.format('pg_catalog.trim_scale(%s)::text', "column")
			WHEN type OPERATOR(pg_catalog.=) 'bytea'::pg_catalog.regtype
				THEN pg_catalog.format('pg_catalog.encode(%s, ''hex'')', "column")
			WHEN type OPERATOR(pg_catalog.=) ANY ('{text,varchar,bpchar}'::pg_catalog.regtype[])
				THEN "column" OPERATOR(pg_catalog.||) '::text' END
		WHEN kind OPERATOR(pg_catalog.=) 'text' THEN CASE
			WHEN type OPERATOR(pg_catalog.=) ANY ('{json,jsonb,bytea}'::pg_catalog.regtype[]) THEN NULL
			ELSE "column" OPERATOR(pg_catalog.||) '::text' END
		WHEN kind OPERATOR(pg_catalog.=) 'number' THEN CASE
			WHEN type OPERATOR(pg_catalog.=) ANY ('{smallint,integer,bigint}'::pg_catalog.regtype[])
				THEN "column" OPERATOR(pg_catalog.||) '::numeric'
			WHEN type OPERATOR(pg_catalog.=) 'numeric'::pg_catalog.regtype
				THEN pg_catalog.format('pg_catalog.trim_scale(%s)', "column")
			-- what a sum of doubles has beyond cents is no money
			WHEN type OPERATOR(pg_catalog.=) ANY ('{real,float8}'::pg_catalog.regtype[])
				THEN pg_catalog.format('pg_catalog.trim_scale(pg_catalog.round(%s::numeric, 4))', "column")
			WHEN type OPERATOR(pg_catalog.=) ANY ('{text,varchar}'::pg_catalog.regtype[])
				THEN pg_catalog.format('NULLIF(pg_catalog.btrim(%s::text), '''')::numeric', "column") END
		WHEN kind OPERATOR(pg_catalog.=) ANY ('{utc,local}'::pg_catalog.text[]) THEN CASE
			WHEN type OPERATOR(pg_catalog.=) 'timestamptz'::pg_catalog.regtype THEN "column"
			WHEN type OPERATOR(pg_catalog.=) ANY ('{timestamp,date}'::pg_catalog.regtype[])
				THEN pg_catalog.format('pg_catalog.timezone(%L, %s::timestamp)',
					CASE kind WHEN 'local' THEN zone ELSE 'UTC' END, "column")
			WHEN type OPERATOR(pg_catalog.=) ANY ('{integer,bigint,numeric}'::pg_catalog.regtype[])
				THEN pg_catalog.format('pg_catalog.to_timestamp(%s)', "column")
			-- with an offset, without one, or the date without a day that MySQL knows
			WHEN type OPERATOR(pg_catalog.=) ANY ('{text,varchar}'::pg_catalog.regtype[])
				THEN pg_catalog.format('CASE WHEN %1$s::text OPERATOR(pg_catalog.~) ''^(\s*$|0000-00-00)'' THEN NULL'
					' WHEN %1$s::text OPERATOR(pg_catalog.~) '':[0-9:.]*[0-9]\s*([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)\s*$'''
					' THEN %1$s::text::timestamptz ELSE pg_catalog.timezone(%2$L, %1$s::text::timestamp) END', "column",
					CASE kind WHEN 'local' THEN zone ELSE 'UTC' END) END
		WHEN kind OPERATOR(pg_catalog.=) 'microseconds' THEN CASE
			WHEN type OPERATOR(pg_catalog.=) 'timestamptz'::pg_catalog.regtype THEN "column"
			WHEN type OPERATOR(pg_catalog.=) 'timestamp'::pg_catalog.regtype
				THEN pg_catalog.format('pg_catalog.timezone(''UTC'', %s)', "column")
			WHEN type OPERATOR(pg_catalog.=) ANY ('{bigint,numeric}'::pg_catalog.regtype[])
				THEN pg_catalog.format('pg_catalog.to_timestamp(%s / 1000000.0)', "column") END
		WHEN kind OPERATOR(pg_catalog.=) 'flag' THEN CASE
			WHEN type OPERATOR(pg_catalog.=) 'boolean'::pg_catalog.regtype THEN "column"
			WHEN type OPERATOR(pg_catalog.=) ANY ('{smallint,integer,bigint,numeric}'::pg_catalog.regtype[])
				THEN pg_catalog.format('%s OPERATOR(pg_catalog.<>) 0', "column")
			WHEN type OPERATOR(pg_catalog.=) 'bit'::pg_catalog.regtype
				THEN pg_catalog.format('%s::int OPERATOR(pg_catalog.<>) 0', "column")
			WHEN type OPERATOR(pg_catalog.=) ANY ('{text,varchar,bpchar}'::pg_catalog.regtype[])
				THEN pg_catalog.format('pg_catalog.lower(%s::text) OPERATOR(pg_catalog.=)'
					' ANY (''{1,t,true,y,yes}''::text[])', "column") END
		WHEN kind OPERATOR(pg_catalog.=) 'json' THEN CASE
			WHEN type OPERATOR(pg_catalog.=) ANY ('{json,jsonb}'::pg_catalog.regtype[])
				THEN "column" OPERATOR(pg_catalog.||) '::jsonb'
			WHEN type OPERATOR(pg_catalog.=) ANY ('{text,varchar}'::pg_catalog.regtype[])
				THEN pg_catalog.format('NULLIF(%s::text, '''')::jsonb', "column") END
		END;
END;
COMMENT ON FUNCTION @extschema@._shop_column(text, regtype, text, text) IS
	'internal: an expression for a column of a shop as a key, text, number, moment, flag or document, by its type; NULL'
	' if it can''t be one';

CREATE FUNCTION @extschema@._shop_type(kind text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN kind OPERATOR(pg_catalog.=) ANY ('{key,text}'::pg_catalog.text[]) THEN 'text'
		WHEN kind OPERATOR(pg_catalog.=) 'number' THEN 'numeric'
		WHEN kind OPERATOR(pg_catalog.=) 'flag' THEN 'boolean'
		WHEN kind OPERATOR(pg_catalog.=) 'json' THEN 'jsonb'
		ELSE 'timestamptz' END;
END;
COMMENT ON FUNCTION @extschema@._shop_type(text) IS 'internal: the type of what queries over shops read as a key,'
	' text, ...';

-- A table that isn't there has no rows. Errors for columns that are missing or of
-- another kind name the table and its columns, never what is in them.
CREATE FUNCTION @extschema@._shop_table(home text, relation text, columns text, zone text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	place	regclass := to_regclass(format('%I.%I', home, relation));
	list	text;
	plain	text;
	missing	text;
	wrong	text;
	moments	text;
BEGIN
	IF place IS NULL OR (SELECT c.relkind FROM pg_class AS c WHERE c.oid = place) NOT IN ('r', 'p', 'v', 'm', 'f') THEN
		SELECT string_agg(format('NULL::%s AS %I', @extschema@._shop_type(split_part(rtrim(w, '?'), ' ', 2)),
				split_part(w, ' ', 1)), ', ' ORDER BY n)
		  INTO list
		  FROM string_to_table(columns, ', ') WITH ORDINALITY AS c (w, n);
		RETURN format('(SELECT %s WHERE false)', list);
	END IF;
	SELECT string_agg(format('%s AS %I', CASE WHEN a.attname IS NULL THEN 'NULL::' || @extschema@._shop_type(c.kind)
				ELSE '(' || x.expression || ')::' || @extschema@._shop_type(c.kind) END, c.name), ', ' ORDER BY c.n),
		   string_agg(quote_ident(a.attname), ', ' ORDER BY c.n),
		   string_agg(c.name, ', ' ORDER BY c.n) FILTER (WHERE a.attname IS NULL AND NOT c.may_miss),
		   string_agg(format('%s is %s and should be %s', c.name, format_type(a.atttypid, NULL), CASE c.kind
				WHEN 'key' THEN 'an integer, text, uuid or bytea' WHEN 'text' THEN 'text' WHEN 'number' THEN 'a number'
				WHEN 'flag' THEN 'a boolean or a number' WHEN 'json' THEN 'jsonb'
				WHEN 'microseconds' THEN 'a timestamp or microseconds' ELSE 'a timestamp' END), ', ' ORDER BY c.n)
			   FILTER (WHERE a.attname IS NOT NULL AND x.expression IS NULL),
		   string_agg(format('ALTER %I TYPE timestamp', a.attname), ', ' ORDER BY c.n)
			   FILTER (WHERE c.kind IN ('utc', 'local', 'microseconds') AND a.atttypid = 'timestamptz'::regtype)
	  INTO list, plain, missing, wrong, moments
	  FROM (SELECT n, split_part(w, ' ', 1) AS name, rtrim(split_part(w, ' ', 2), '?') AS kind, w LIKE '%?' AS may_miss
			  FROM string_to_table(columns, ', ') WITH ORDINALITY AS c (w, n)) AS c
	  LEFT JOIN pg_attribute AS a ON a.attrelid = place AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped
	  LEFT JOIN pg_type AS t ON t.oid = a.atttypid
	  CROSS JOIN LATERAL (SELECT @extschema@._shop_column(c.kind,
			CASE t.typtype WHEN 'd' THEN t.typbasetype WHEN 'e' THEN 'text'::regtype ELSE a.atttypid END,
			format(CASE WHEN t.typtype = 'e' THEN 't.%I::text' WHEN t.typtype = 'd'
				THEN 't.%I::' || format_type(t.typbasetype, NULL) ELSE 't.%I' END, c.name), zone)) AS x (expression);
	IF missing IS NOT NULL THEN
		RAISE undefined_column USING
			MESSAGE = format('table %I.%I has no column %s', home, relation, missing),
			HINT = 'Let the tool that copies the table copy it too, or make a view of that name that has it.';
	END IF;
	IF wrong IS NOT NULL THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('table %I.%I: %s', home, relation, wrong),
			HINT = 'Make a view of that name in another schema that casts it, with the other tables beside it.';
	END IF;
	-- MySQL hands over a moment without its zone. Who reads it as a timestamptz adds a zone of their own.
	IF moments IS NOT NULL AND EXISTS (
			SELECT 1 FROM pg_foreign_table AS f JOIN pg_foreign_server AS s ON s.oid = f.ftserver
			  JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw JOIN pg_proc AS p ON p.oid = w.fdwhandler
			 WHERE f.ftrelid = place AND p.proname = 'mysql_fdw_handler') THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('table %I.%I: mysql_fdw reads a timestamptz in the time zone of each session', home,
				relation),
			HINT = format('ALTER FOREIGN TABLE %I.%I %s;', home, relation, moments);
	END IF;
	-- A foreign server may know no such functions, or others of their names: it is asked
	-- for columns alone. A view may stand for a foreign table.
	RETURN format(CASE WHEN (SELECT c.relkind FROM pg_class AS c WHERE c.oid = place) IN ('f', 'v')
		THEN '(SELECT %1$s FROM (SELECT %4$s FROM %2$I.%3$I OFFSET 0) AS t)'
		ELSE '(SELECT %1$s FROM %2$I.%3$I AS t)' END, list, home, relation, plain);
END
$$;
COMMENT ON FUNCTION @extschema@._shop_table(text, text, text, text) IS
	'internal: a subquery for a table of a shop, its columns as queries read them; of no rows if there is none; an '
	'error for a column that is missing or of another type';

-- A table that wasn't there when the views were made. Who reads the views runs what its
-- owner has put there: nobody has looked at it yet, so it has to be data alone.
CREATE FUNCTION @extschema@._shop_late_table(home text, relation text, columns text, zone text)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	place	regclass := to_regclass(format('%I.%I', home, relation));
	trap	text;
BEGIN
	IF EXISTS (SELECT 1 FROM pg_class AS c WHERE c.oid = place AND pg_get_userbyid(c.relowner) <> current_user) THEN
		trap := coalesce(@extschema@._relation_trap(place),
			(SELECT 'it has columns of types that are not PostgreSQL''s own' FROM pg_attribute AS a
			   JOIN pg_type AS t ON t.oid = a.atttypid
			  WHERE a.attrelid = place AND a.attnum > 0 AND NOT a.attisdropped AND t.typtype <> 'e'
				AND t.typnamespace <> 'pg_catalog'::regnamespace LIMIT 1));
		IF trap IS NOT NULL THEN
			RAISE object_not_in_prerequisite_state USING
				MESSAGE = format('%I.%I has come after connect_shop', home, relation),
				DETAIL = format('It is not read unseen: %s.', trap),
				HINT = 'Look at it, and call connect_shop again.';
		END IF;
	END IF;
	RETURN @extschema@._shop_table(home, relation, columns, zone);
END
$$;
COMMENT ON FUNCTION @extschema@._shop_late_table(text, text, text, text) IS
	'internal: _shop_table of a table that may have come since; an error if it is not data alone'
	' and belongs to another role than the one that reads';

-- Payment services count in the smallest unit of a currency, which has two decimals with
-- most. Those of Stripe: the krona of Iceland and the shilling of Uganda still have them.
CREATE FUNCTION @extschema@._from_smallest_units(amount numeric, currency text)
	RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.trim_scale(pg_catalog.round(amount OPERATOR(pg_catalog./) CASE
		WHEN pg_catalog.upper(currency) OPERATOR(pg_catalog.=) ANY (
			'{BIF,CLP,DJF,GNF,JPY,KMF,KRW,MGA,PYG,RWF,VND,VUV,XAF,XOF,XPF}'::pg_catalog.text[]) THEN 1
		WHEN pg_catalog.upper(currency) OPERATOR(pg_catalog.=) ANY ('{BHD,JOD,KWD,OMR,TND}'::pg_catalog.text[])
			THEN 1000
		ELSE 100 END, 3));
END;
COMMENT ON FUNCTION @extschema@._from_smallest_units(numeric, text) IS
	'internal: an amount in the smallest unit of a currency, as payment services count, in the currency itself';
