--
-- connect_shop: views of one shape over the tables of a shop, in a schema of the
-- caller's, and the calls that make a model of them.
--
-- Everything that is made belongs to the caller and reads with the caller's rights.
--

-- The queries that are the same for every system. {orders}, {refunds}, {lines},
-- {events}, {people} are its own; the others are views in the schema {into}.
CREATE FUNCTION @extschema@._shop_views()
	RETURNS TABLE (view text, needs text[], query text, words text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT v.view, v.needs, replace(replace(replace(replace(v.query,
		-- of an order or person x: one that a tool for erasure writes over those of people is nobody's
		'{address}', $q$
			  CROSS JOIN LATERAL (SELECT lower(btrim(COALESCE(x.email, CASE WHEN x.account ~ '@'
				THEN x.account END)))) AS w (email)
			  CROSS JOIN LATERAL (SELECT CASE WHEN w.email <> ALL ('{{no_address}}'::text[])
				THEN w.email END) AS a (email)$q$),
		-- an event or answer e: whose it is, and what that is looked up in
		'{who}', $q$COALESCE(a.customer_key, m.customer_key, {shop_keys} NULLIF(e.account, ''), e.email)::text$q$),
		'{known}', $q$
			  LEFT JOIN (SELECT DISTINCT k.account, k.customer_key FROM {into}.person_keys AS k WHERE k.account <> '')
				AS a ON a.account = e.account
			  LEFT JOIN (SELECT k.email, min(k.customer_key) AS customer_key FROM {into}.person_keys AS k
			       WHERE k.email <> '' GROUP BY k.email) AS m ON m.email = e.email{shop_joins}$q$),
		'{email}', $q$NULLIF(lower(btrim(COALESCE(v.address, CASE WHEN v.account ~ '@' THEN v.account END))), '')$q$),
		v.words
	  FROM (VALUES
		('_orders', '{orders}'::text[], $q$
			SELECT x.order_key::text, NULLIF(x.account, '')::text AS account, a.email::text, x.ordered_at::timestamptz,
			       x.value::numeric, COALESCE(x.currency, {currency})::text AS currency,
			       COALESCE(x.status, '')::text AS status, COALESCE(m.counts_as, f.counts_as,
				'unknown')::text AS counts_as,
			       NULLIF(btrim(x.company), '')::text AS account_key
			  FROM ({orders}) AS x
			  {address}
			  LEFT JOIN {into}.status_map AS m ON m.status = COALESCE(x.status, '')
			  LEFT JOIN {into}.status_map AS f ON f.status = x.status_group$q$,
			'orders as the system has them, with what their status means'),

		('_people', '{people}', $q$
			SELECT NULLIF(x.account, '')::text AS account, a.email::text, x.known_since::timestamptz,
			       NULLIF(CASE length(x.country) WHEN 2 THEN upper(x.country) ELSE btrim(x.country) END,
				'')::text AS country,
			       NULLIF(btrim(x.city), '')::text AS city,
			       NULLIF(btrim(x.company), '')::text AS company, x.accepts_mail::boolean
			  FROM ({people}) AS x
			  {address}$q$,
			'people as the system has them'),

		-- The smallest number of an account known for the address, else the address. An account
		-- that has changed its address brings both together.
		('person_keys', '{}', $q$
			WITH pair AS (
			  SELECT DISTINCT COALESCE(account, '') AS account, COALESCE(email, '') AS email
			  FROM (
			    {pairs}
			  ) AS seen
			  WHERE COALESCE(account, email) IS NOT NULL
			), known AS (
			  SELECT *, min(CASE WHEN account <> '' THEN (lpad(length(account)::text, 6, '0')
				|| account) COLLATE "C" END)
			       OVER (PARTITION BY CASE WHEN email <> '' THEN '@' || email ELSE account END) AS first
			  FROM pair
			), person AS (
			  SELECT account, email, COALESCE(substr(min(first) OVER (PARTITION BY
			       CASE WHEN account <> '' THEN account ELSE COALESCE(substr(first, 7), '@' || email) END), 7),
				email) AS customer
			  FROM known
			)
			SELECT p.account::text, p.email::text, {customer}::text AS customer_key
			  FROM person AS p{same_people}$q$,
			'which accounts and addresses are one customer: by the address, whatever its case'),

		('orders_in', '{orders}', $q$
			WITH paid AS (
			  SELECT o.*, k.customer_key
			  FROM {into}._orders AS o
			  LEFT JOIN {into}.person_keys AS k ON k.account = COALESCE(o.account, '') AND k.email = COALESCE(o.email,
				'')
			  WHERE o.counts_as <> 'ignore'
			), refund AS (
			  SELECT r.order_key::text, r.refunded_at::timestamptz, sum(r.amount)::numeric AS amount
			  FROM ({refunds}) AS r GROUP BY 1, 2 HAVING sum(r.amount) <> 0
			)
			SELECT p.customer_key, p.ordered_at,
			       CASE WHEN p.counts_as = 'unknown' THEN NULL
			            WHEN p.counts_as = 'refund' AND {whole} THEN COALESCE(r.amount, 0) ELSE p.value END AS value,
			       p.counts_as = 'order' AND (p.value = 0 OR p.value > COALESCE(r.amount, 0)) AS counts,
			       p.order_key, p.currency, p.account_key
			  FROM paid AS p
			  LEFT JOIN (SELECT order_key, sum(amount) AS amount FROM refund GROUP BY order_key) AS r
			       ON r.order_key = p.order_key
			UNION ALL
			SELECT p.customer_key, r.refunded_at, -r.amount, false, p.order_key, p.currency, p.account_key
			  FROM refund AS r JOIN paid AS p ON p.order_key = r.order_key
			 WHERE p.counts_as <> 'unknown'$q$,
			'a row for each order that was paid and each refund; an order of unknown status has no value'),

		('order_statuses', '{orders}', $q$
			SELECT o.status, o.counts_as, count(*) AS orders, sum(o.value) AS value, min(o.ordered_at) AS first_at,
			       max(o.ordered_at) AS last_at
			  FROM {into}._orders AS o GROUP BY o.status, o.counts_as$q$,
			'orders by status and what it means; unknown: status_map has no such status'),

		('lines_in', '{orders,lines}', $q$
			SELECT o.customer_key, o.ordered_at, l.order_key::text, l.category::text, l.product::text,
			       l.quantity::numeric, l.value::numeric
			  FROM ({lines}) AS l JOIN {into}.orders_in AS o ON o.order_key = l.order_key AND o.counts$q$,
			'a row for each line of an order that counts'),

		('events_in', '{events}', $q$
			SELECT {who} AS customer_key,
			       e.occurred_at::timestamptz, e.kind::text, e.value::numeric, e.event_key::text, e.category::text
			  FROM (SELECT v.*, {email} AS email FROM ({events}) AS v) AS e {known}$q$,
			'a row for each thing that somebody did beside ordering; without customer_key: nobody knows who'),

		('answers_in', '{answers}', $q$
			SELECT {who} AS customer_key,
			       e.answered_at::timestamptz, e.kind::text, e.rating::numeric, e.scale_max::numeric
			  FROM (SELECT v.*, {email} AS email FROM ({answers}) AS v) AS e {known}$q$,
			'a row for each answer to a question'),

		-- one row for each person: of several accounts and orders the last with an address
		('people_in', '{people}', $q$
			SELECT DISTINCT ON (k.customer_key) k.customer_key,
			       timezone({zone}, min(p.known_since) OVER (PARTITION BY k.customer_key))::date AS known_since,
			       p.country, p.city, p.company, bool_and(p.accepts_mail) OVER (PARTITION BY k.customer_key) AS
				accepts_mail
			  FROM {into}.person_keys AS k
			  LEFT JOIN {into}._people AS p ON COALESCE(p.account, '') = k.account AND COALESCE(p.email, '') = k.email
			 ORDER BY k.customer_key, COALESCE(p.country, p.city) IS NULL, p.known_since DESC NULLS LAST,
			       length(p.account) DESC NULLS LAST, p.account COLLATE "C" DESC NULLS LAST, p.email$q$,
			'a row for each person: since when they are known, where they live')
		) AS v (view, needs, query, words)
$$;
COMMENT ON FUNCTION @extschema@._shop_views() IS
	'internal: the views that connect_shop makes, what of a system they need, their queries, and what they are';

-- The names of {sources} and other places that a text asks for, filled.
CREATE FUNCTION @extschema@._shop_fill(template text, "values" jsonb)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill(template, VARIADIC coalesce(
		(SELECT pg_catalog.array_agg(p.part ORDER BY v.key COLLATE "C", p.n)
		   FROM pg_catalog.jsonb_each_text("values") AS v
		   CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(ARRAY[v.key, v.value])) WITH ORDINALITY AS p (part, n)
		  WHERE pg_catalog.strpos(template, '{' OPERATOR(pg_catalog.||) v.key OPERATOR(pg_catalog.||) '}')
			OPERATOR(pg_catalog.>) 0),
		'{}'::pg_catalog.text[]));
END;
COMMENT ON FUNCTION @extschema@._shop_fill(text, jsonb) IS
	'internal: a query over a shop with what its places stand for; a place may be given and not asked for';

-- A schema of the caller's, in which nothing that connect_shop makes belongs to
-- somebody else or is something else.
CREATE FUNCTION @extschema@._check_shop_home(into_schema text, system text)
	RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	oid := (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname::text = into_schema);
	o		record;
BEGIN
	IF home IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('schema "%s" does not exist', left(into_schema, 100)),
			HINT = CASE WHEN octet_length(into_schema) BETWEEN 1 AND 63 THEN format('CREATE SCHEMA %I;', into_schema)
				ELSE 'Take the name of a schema of yours.' END;
	END IF;
	IF home = pg_catalog.to_regnamespace('@extschema@') OR into_schema ~ '^pg_' OR into_schema = 'information_schema'
		THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('schema %I can''t hold views of your own', into_schema),
			HINT = 'Use a schema of yours.';
	END IF;
	FOR o IN
		SELECT c.relname, pg_get_userbyid(c.relowner) AS owner, c.relkind,
			   substring(obj_description(c.oid, 'pg_class'), '\(connect_shop: (\w+)\)$') AS made_of
		  FROM pg_class AS c
		 WHERE c.relnamespace = home
		   AND (c.relname = 'status_map' OR c.relname IN (SELECT v.view FROM @extschema@._shop_views() AS v))
		UNION ALL
		SELECT p.proname, pg_get_userbyid(p.proowner), 'f',
			   substring(obj_description(p.oid, 'pg_proc'), '\(connect_shop: (\w+)\)$')
		  FROM pg_proc AS p
		 WHERE p.pronamespace = home
		   AND p.proname IN (SELECT '_source_' || s.source FROM @extschema@.shop_source AS s)
		 ORDER BY 1 LOOP
		IF o.made_of IS NULL OR o.owner <> current_user OR (o.relname = 'status_map') <> (o.relkind = 'r') THEN
			RAISE duplicate_table USING
				MESSAGE = format('%I.%I already exists, and connect_shop has not made it for you', into_schema,
					o.relname),
				HINT = 'Use an empty schema: CREATE SCHEMA shop_in;';
		ELSIF o.made_of <> system THEN
			RAISE duplicate_table USING
				MESSAGE = format('schema %I is connected to %s', into_schema, o.made_of),
				HINT = 'Use a schema for each system.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@._check_shop_home(text, text) IS
	'internal: an error if connect_shop can''t make its views in a schema';

-- What stands for each source of a system: a table, or where there is none yet, a
-- function that looks for it whenever it is called. Refunds have no table in some
-- systems before the first.
CREATE FUNCTION @extschema@._shop_sources(system text, from_schema text, into_schema text, prefix text, zone text)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	s		record;
	places	jsonb := '{}';
	place	text;
BEGIN
	FOR s IN SELECT t.*, prefix || t.relation AS name, to_regclass(format('%I.%I', from_schema, prefix
		|| t.relation)) AS there
			   FROM @extschema@.shop_source AS t WHERE t.system = _shop_sources.system ORDER BY t.source LOOP
		place := @extschema@._shop_table(from_schema, s.name, s.columns, zone);
		IF s.there IS NULL THEN
			EXECUTE format($f$CREATE OR REPLACE FUNCTION %I.%I() RETURNS TABLE (%s) LANGUAGE plpgsql STABLE PARALLEL
				SAFE
					SET search_path = pg_catalog, pg_temp SET constraint_exclusion = off AS %L$f$, into_schema,
						'_source_' || s.source,
				(SELECT string_agg(format('%I %s', split_part(w, ' ', 1),
						@extschema@._shop_type(rtrim(split_part(w, ' ', 2), '?'))), ', ' ORDER BY n)
				   FROM string_to_table(s.columns, ', ') WITH ORDINALITY AS c (w, n)),
				format($f$BEGIN RETURN QUERY EXECUTE 'SELECT * FROM ' || %s._shop_late_table(%L, %L, %L, %L)
					|| ' AS t'; END$f$,
					'@extschema@', from_schema, s.name, s.columns, zone));
			EXECUTE format('COMMENT ON FUNCTION %I.%I() IS %L', into_schema, '_source_' || s.source,
				format('rows of %I.%I, which is looked for whenever this is called (connect_shop: %s)', from_schema,
					s.name, system));
			place := format('%I.%I()', into_schema, '_source_' || s.source);
		END IF;
		places := places || jsonb_build_object(s.source, place);
	END LOOP;
	RETURN places;
END
$$;
COMMENT ON FUNCTION @extschema@._shop_sources(text, text, text, text, text) IS
	'internal: what stands for each source of a system in queries; makes a function for each table that isn''t there'
		' yet';

-- The views themselves. A function that a table has taken the place of goes.
CREATE FUNCTION @extschema@._make_shop_views(system text, into_schema text, sources jsonb, terms jsonb)
	RETURNS text[]
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	queries	jsonb;
	v		record;
	made	text[] := '{}';
	f		regprocedure;
BEGIN
	SELECT jsonb_object_agg(q.relation, @extschema@._shop_fill(q.query, sources)) INTO queries
	  FROM @extschema@.shop_query AS q WHERE q.system = _make_shop_views.system;
	IF queries ? 'orders' THEN
		EXECUTE format('CREATE TABLE IF NOT EXISTS %I.status_map (status text COLLATE "C" PRIMARY KEY,'
			' counts_as text COLLATE "C" NOT NULL CHECK (counts_as IN (''order'', ''refund'', ''ignore'')), meaning'
				' text)', into_schema);
		EXECUTE format('COMMENT ON TABLE %I.status_map IS %L', into_schema,
			format('what statuses of orders mean: order, refund (all came back) or ignore; yours to change'
				' (connect_shop: %s)', system));
		EXECUTE format('COMMENT ON COLUMN %I.status_map.status IS %L', into_schema, 'as the system writes it');
		EXECUTE format('COMMENT ON COLUMN %I.status_map.counts_as IS %L', into_schema,
			'order: was paid; refund: was paid, and all of it came back; ignore: was never paid');
		EXECUTE format('COMMENT ON COLUMN %I.status_map.meaning IS %L', into_schema, 'in words');
		EXECUTE format('INSERT INTO %I.status_map SELECT s.status, s.counts_as, s.meaning FROM'
			' %s.shop_status AS s'
			' WHERE s.system = $1 ON CONFLICT DO NOTHING', into_schema, '@extschema@') USING system;
	END IF;
	queries := '{"refunds": "SELECT NULL::text AS order_key, NULL::timestamptz AS refunded_at, NULL::numeric AS'
		' amount WHERE false"}'
		|| queries || jsonb_build_object('pairs', concat_ws(' UNION ALL ',
			CASE WHEN queries ? 'orders' THEN format('SELECT o.account, o.email FROM %I._orders AS o', into_schema) END,
			CASE WHEN queries ? 'people' THEN format('SELECT p.account, p.email FROM %I._people AS p', into_schema) END,
			-- a system of events alone that knows nobody
			CASE WHEN NOT queries ?| '{orders,people}' THEN 'SELECT NULL::text AS account, NULL::text AS email WHERE'
				' false' END));
	FOR v IN SELECT * FROM @extschema@._shop_views() WITH ORDINALITY AS w (view, needs, query, words, n)
			  WHERE queries ?& w.needs ORDER BY n LOOP
		EXECUTE format('CREATE OR REPLACE VIEW %I.%I AS %s', into_schema, v.view,
			@extschema@._shop_fill(v.query, queries || terms));
		EXECUTE format('COMMENT ON VIEW %I.%I IS %L', into_schema, v.view, format('%s (connect_shop: %s)', v.words,
			system));
		made := made || v.view;
	END LOOP;
	FOR f IN SELECT p.oid FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname = into_schema
			  WHERE p.proname IN (SELECT '_source_' || e.key FROM jsonb_each_text(sources) AS e WHERE e.value !~
				'\(\)$') LOOP
		EXECUTE format('DROP FUNCTION %s', f);
	END LOOP;
	RETURN made;
END
$$;
COMMENT ON FUNCTION @extschema@._make_shop_views(text, text, jsonb, jsonb) IS
	'internal: make the status map and the views of connect_shop, or replace them; their names';

-- The calls that make a model of the views: of one currency, where there are several.
CREATE FUNCTION @extschema@._shop_calls(system text, into_schema text, made text[], zone text, model text,
	currency text,
	one_of_several boolean)
	RETURNS SETOF text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	place	text := quote_ident(into_schema);
	there	boolean;
	scale	numeric;
BEGIN
	IF 'orders_in' = ANY (made) THEN
		RETURN NEXT format('SELECT * FROM %s.create_model(%L, %L, customer => ''customer_key'','
			' day => ''ordered_at'', value => ''value'', counts => ''counts'', currency => ''currency'','
			' time_zone => %L%s);',
			'@extschema@', model, CASE WHEN one_of_several
				THEN format('SELECT * FROM %s.orders_in WHERE currency IS NOT DISTINCT FROM %L', place, currency)
				ELSE place || '.orders_in' END, zone,
			CASE WHEN 'people_in' = ANY (made) THEN format(', customers => %L, customers_key => ''customer_key'','
				' known_since => ''known_since'', attributes => ''{country,city}''', place || '.people_in') END);
	END IF;
	IF 'lines_in' = ANY (made) THEN
		EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s.lines_in)', place) INTO there;
		IF there THEN
			RETURN NEXT format('SELECT * FROM %s.add_stream(%L, ''lines'', %L, customer => ''customer_key'','
				' day => ''ordered_at'', kind => ''category'', value => ''value'', role => ''line'');',
				'@extschema@', model,
				CASE WHEN one_of_several THEN format('SELECT * FROM %1$s.lines_in WHERE order_key IN (SELECT'
					' o.order_key'
					' FROM %1$s.orders_in AS o WHERE o.currency IS NOT DISTINCT FROM %2$L)', place, currency)
					ELSE place || '.lines_in' END);
		END IF;
	END IF;
	IF 'events_in' = ANY (made) THEN
		RETURN NEXT format('SELECT * FROM %s.add_stream(%L, %L, %L, customer => ''customer_key'','
			' day => ''occurred_at'', kind => ''kind'', value => ''value'', event_key => ''event_key'');',
			'@extschema@', model, left(system, 31), place || '.events_in');
	END IF;
	IF 'answers_in' = ANY (made) THEN
		EXECUTE format('SELECT max(a.scale_max) FROM %s.answers_in AS a', place) INTO scale;
		IF scale IS NOT NULL THEN
			RETURN NEXT format('SELECT * FROM %s.add_stream(%L, ''answers'', %L, customer => ''customer_key'','
				' day => ''answered_at'', kind => ''kind'', value => ''rating'', scale => %L);',
				'@extschema@', model, place || '.answers_in',
				CASE scale WHEN 5 THEN 'stars' WHEN 10 THEN 'nps' ELSE format('{"min": 0, "max": %s}', scale) END);
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._shop_calls(text, text, text[], text, text, text, boolean) IS
	'internal: the calls that make a model of the views of connect_shop';

CREATE FUNCTION @extschema@._shop_report(system text, into_schema text, made text[], zone text, model text,
	beside boolean)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	place		text := quote_ident(into_schema);
	currencies	text[] := '{}';
	r			record;
	c			text;
BEGIN
	IF 'orders_in' = ANY (made) THEN
		FOR r IN EXECUTE format($q$
				SELECT o.currency, count(*) FILTER (WHERE o.counts) AS orders, count(DISTINCT o.customer_key) AS
					customers,
				       sum(o.value) AS revenue, count(*) FILTER (WHERE NOT o.counts) AS corrections,
				       min(timezone($1, o.ordered_at))::date AS first_on, max(timezone($1,
					o.ordered_at))::date AS last_on
				  FROM %s.orders_in AS o WHERE o.value IS NOT NULL
				 GROUP BY o.currency ORDER BY count(*) DESC, o.currency$q$, place)
				USING zone LOOP
			currencies := currencies || r.currency;
			item := 'orders' || coalesce(' in ' || r.currency, '');
			detail := format('%s of %s customers and %s corrections, %s to %s, net %s', r.orders, r.customers,
				r.corrections, r.first_on, r.last_on, r.revenue);
			RETURN NEXT;
		END LOOP;
		FOR r IN EXECUTE format('SELECT * FROM %s.order_statuses AS s'
				' ORDER BY s.counts_as = ''unknown'' DESC, s.status', place) LOOP
			item := CASE r.counts_as WHEN 'unknown' THEN 'unknown status ' ELSE 'status ' END || r.status;
			detail := format(CASE r.counts_as
				WHEN 'order' THEN '%s, orders' WHEN 'refund' THEN '%s, came back in full' WHEN 'ignore'
					THEN '%s, not read'
				ELSE '%s, without a value until status_map says what it means:'
					' INSERT INTO %s.status_map VALUES (%L, ''order'');' END, r.orders, place, r.status);
			RETURN NEXT;
		END LOOP;
		FOR r IN EXECUTE format($q$
				SELECT count(*) FILTER (WHERE k.guest AND k.accounts > 0) AS guests,
				       count(*) FILTER (WHERE k.accounts > 1) AS several
				  FROM (SELECT bool_or(p.account = '') AS guest,
				               count(DISTINCT p.account) FILTER (WHERE p.account <> '') AS accounts
				          FROM %s.person_keys AS p GROUP BY p.customer_key) AS k$q$, place) LOOP
			item := 'one person';
			detail := format('%s have an account and ordered as a guest, too; %s have several accounts', r.guests,
				r.several);
			RETURN NEXT;
		END LOOP;
	END IF;
	IF 'events_in' = ANY (made) THEN
		FOR r IN EXECUTE format('SELECT e.kind, count(*) AS events, count(e.customer_key) AS known'
				' FROM %s.events_in AS e GROUP BY e.kind ORDER BY count(*) DESC, e.kind LIMIT 20', place) LOOP
			item := 'events ' || coalesce(r.kind, 'without a kind');
			detail := format('%s, %s of them with a customer', r.events, r.known);
			RETURN NEXT;
		END LOOP;
	END IF;
	-- the orders are those of the shop whose customers these are
	IF beside THEN
		made := array_remove(array_remove(made, 'orders_in'), 'lines_in');
	END IF;
	IF beside OR cardinality(currencies) <= 1 THEN
		RETURN QUERY SELECT 'next', d
			  FROM @extschema@._shop_calls(system, into_schema, made, zone, model, NULL, false) AS d;
	ELSE
		FOREACH c IN ARRAY currencies[:5] LOOP
			RETURN QUERY SELECT 'next', d FROM @extschema@._shop_calls(system, into_schema, made, zone,
				concat_ws('_', model, coalesce(lower(c), 'other')), c, true) AS d;
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._shop_report(text, text, text[], text, text, boolean) IS
	'internal: what the views of connect_shop have, and the calls that come next';

CREATE FUNCTION @extschema@.connect_shop(system text, from_schema text, into_schema text, prefix text DEFAULT NULL,
	time_zone text DEFAULT 'UTC', currency text DEFAULT NULL, people_of text DEFAULT NULL, model text DEFAULT 'shop',
	dry_run boolean DEFAULT false)
	RETURNS TABLE (item text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	kind	@extschema@.shop_system;
	places	jsonb;
	made	text[];
	missing	text;
	report	jsonb;
BEGIN
	SELECT a.name INTO missing
	  FROM (VALUES ('system', system), ('from_schema', from_schema), ('into_schema', into_schema),
			('time_zone', time_zone), ('model', model), ('dry_run', dry_run::text)) AS a (name, value)
	 WHERE a.value IS NULL LIMIT 1;
	IF FOUND THEN
		RAISE null_value_not_allowed USING MESSAGE = format('%s must not be null', missing);
	END IF;
	SELECT * INTO kind FROM @extschema@.shop_system AS s WHERE s.system = connect_shop.system;
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('system "%s" is unknown', left(system, 100)),
			HINT = 'The systems are ' || (SELECT string_agg(s.system, ', ' ORDER BY s.system)
				FROM @extschema@.shop_system AS s) || '.';
	END IF;
	PERFORM now() AT TIME ZONE time_zone;		-- an error for an unknown zone
	prefix := coalesce(prefix, kind.prefix);
	IF NOT EXISTS (SELECT 1 FROM pg_namespace AS n WHERE n.nspname::text = from_schema) THEN
		RAISE undefined_object USING
			MESSAGE = format('schema "%s" does not exist', left(from_schema, 100)),
			HINT = format('from_schema is where the tables of %s are.', system);
	END IF;
	SELECT string_agg(quote_ident(prefix || s.relation), ', ' ORDER BY s.source) INTO missing
	  FROM @extschema@.shop_source AS s
	 WHERE s.system = kind.system AND s.is_required
	   AND to_regclass(format('%I.%I', from_schema, prefix || s.relation)) IS NULL;
	IF missing IS NULL AND NOT EXISTS (SELECT 1 FROM @extschema@.shop_source AS s WHERE s.system = kind.system
			AND to_regclass(format('%I.%I', from_schema, prefix || s.relation)) IS NOT NULL) THEN
		SELECT string_agg(quote_ident(prefix || s.relation), ' or ' ORDER BY s.source) INTO missing
		  FROM @extschema@.shop_source AS s WHERE s.system = kind.system;
	END IF;
	IF missing IS NOT NULL THEN
		RAISE undefined_table USING
			MESSAGE = format('schema %I has no table %s', from_schema, missing),
			HINT = CASE WHEN kind.prefix <> '' THEN format('With another prefix of the tables than %L: prefix =>'
				' ''...''.', prefix)
				ELSE format('%s', kind.description) END;
	END IF;
	PERFORM @extschema@._check_shop_home(into_schema, kind.system);
	IF people_of IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_class AS c
			WHERE c.relnamespace = to_regnamespace(quote_ident(people_of)) AND people_of <> into_schema
			  AND c.relname = 'person_keys' AND c.relkind = 'v' AND pg_get_userbyid(c.relowner) = current_user) THEN
		RAISE undefined_table USING
			MESSAGE = format('schema "%s" is connected to no other shop of yours', left(people_of, 100)),
			HINT = 'people_of is the schema into which connect_shop has put the views of the shop whose customers'
				' these are.';
	END IF;

	BEGIN
		places := @extschema@._shop_sources(kind.system, from_schema, into_schema, prefix, time_zone);
		made := @extschema@._make_shop_views(kind.system, into_schema, places,
			jsonb_build_object('into', quote_ident(into_schema), 'zone', quote_literal(time_zone),
				'currency', coalesce(quote_literal(currency), 'NULL'), 'whole', kind.whole::text,
				'no_address', '"",deleted@site.invalid,anonymous@psgdpr.com,anonymous@anonymous.com',
				'customer', CASE WHEN people_of IS NULL THEN 'p.customer'
					ELSE 'COALESCE(m.customer_key, a.customer_key, p.customer)' END,
				'shop_keys', CASE WHEN people_of IS NULL THEN '' ELSE 'n.customer_key, b.customer_key,' END,
				'shop_joins', CASE WHEN people_of IS NULL THEN '' ELSE format($q$
					  LEFT JOIN (SELECT k.email, min(k.customer_key) AS customer_key FROM %1$I.person_keys AS k
					       WHERE k.email <> '' GROUP BY k.email) AS n ON n.email = e.email
					  LEFT JOIN (SELECT DISTINCT k.account, k.customer_key FROM %1$I.person_keys AS k WHERE k.account
						<> '') AS b
					       ON b.account = e.account$q$, people_of) END,
				'same_people', CASE WHEN people_of IS NULL THEN '' ELSE format($q$
					  LEFT JOIN (SELECT k.email, min(k.customer_key) AS customer_key FROM %1$I.person_keys AS k
					       WHERE k.email <> '' GROUP BY k.email) AS m ON m.email = p.email
					  LEFT JOIN (SELECT DISTINCT k.account, k.customer_key FROM %1$I.person_keys AS k WHERE k.account
						<> '') AS a
					       ON a.account = p.account$q$, people_of) END));
		SELECT jsonb_agg(to_jsonb(t)) INTO report FROM (
			VALUES ('system', kind.system || ': ' || kind.description)
			UNION ALL SELECT 'read', string_agg(format('%I.%I', from_schema, prefix || s.relation),
				', ' ORDER BY s.source)
			  FROM @extschema@.shop_source AS s WHERE s.system = kind.system AND places ->> s.source !~ '\(\)$'
			UNION ALL SELECT 'not there yet', string_agg(format('%I.%I', from_schema, prefix || s.relation),
				', ' ORDER BY s.source)
				|| ': read once they are'
			  FROM @extschema@.shop_source AS s WHERE s.system = kind.system AND places ->> s.source ~ '\(\)$'
				HAVING count(*) > 0
			UNION ALL SELECT 'made', string_agg(format('%I.%I', into_schema, m), ', ' ORDER BY n)
			  FROM unnest(CASE WHEN 'orders_in' = ANY (made) THEN ARRAY['status_map'] || made
				ELSE made END) WITH ORDINALITY AS x (m, n)
			 WHERE m !~ '^_'
			UNION ALL SELECT r.* FROM @extschema@._shop_report(kind.system, into_schema, made, time_zone, model,
				people_of IS NOT NULL) AS r
		) AS t (item, detail);
		IF dry_run THEN
			RAISE SQLSTATE 'CSDRY';
		END IF;
	EXCEPTION WHEN SQLSTATE 'CSDRY' THEN
		NULL;		-- everything that was made is gone again, what was seen is known
	END;
	RETURN QUERY SELECT r.item, r.detail FROM jsonb_to_recordset(report) AS r (item text, detail text);
END
$$;
COMMENT ON FUNCTION @extschema@.connect_shop(text, text, text, text, text, text, text, text, boolean) IS
	'make views of one shape over the tables of a shop, a connector or a tracker, in a schema of yours: orders_in, '
	'lines_in, events_in, people_in, and the table status_map that says which statuses are orders; '
	'connect_shop(''shopify'', ''shopify'', ''shop_in''); says what it has found and which calls make a model of it; '
	'may be repeated; system NULL or unknown: an error that lists those there are';
