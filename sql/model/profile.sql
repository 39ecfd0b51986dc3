--
-- Layer 4: profiles of segments and clusters: who are they? For each segment and value of an
-- attribute, what part of its people have it, beside what part of all people do.
-- Numbers and days are told by fifths of all people.
--

-- The attributes of a model that are numbers or days: an expression over a row for the
-- number, of which ranges can be made; days are counted from 2000-01-01. NULL where a
-- number is not finite.
CREATE FUNCTION @extschema@._attribute_numbers(settings jsonb, "row" text DEFAULT 'c')
	RETURNS TABLE (name text, n bigint, kind text, number text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF cardinality(@extschema@._model_attributes(settings)) = 0 THEN
		RETURN;
	END IF;
	RETURN QUERY
		SELECT u.name, u.n, k.kind, format(CASE WHEN k.kind = 'whole' THEN '%1$s::numeric'
				WHEN t.type = 'date'::regtype THEN
					'CASE WHEN isfinite(%1$s) THEN %1$s - date ''2000-01-01'' END::numeric'
				WHEN t.type = 'timestamp'::regtype THEN
					'CASE WHEN isfinite(%1$s) THEN %1$s::date - date ''2000-01-01'' END::numeric'
				WHEN t.type = 'timestamptz'::regtype THEN 'CASE WHEN isfinite(%1$s)'
					' THEN (%1$s AT TIME ZONE %2$L)::date - date ''2000-01-01'' END::numeric'
				ELSE 'CASE WHEN %1$s::numeric NOT IN (''NaN'', ''Infinity'', ''-Infinity'') THEN %1$s::numeric END' END,
				format('%s.%I', "row", u.name), settings ->> 'time_zone')
		  FROM unnest(@extschema@._model_attributes(settings)) WITH ORDINALITY AS u (name, n)
		  JOIN (SELECT c.attname, @extschema@._model_base_type(c.atttypid) AS type
				  FROM @extschema@._model_query_columns(settings ->> 'customers_query') AS c) AS t ON t.attname = u.name
		 CROSS JOIN LATERAL (SELECT CASE
				WHEN t.type = ANY ('{date,timestamp,timestamptz}'::regtype[]::oid[]) THEN 'day'
				WHEN t.type = ANY ('{int2,int4,int8}'::regtype[]::oid[]) THEN 'whole'
				WHEN t.type = ANY ('{numeric,float4,float8}'::regtype[]::oid[]) THEN 'number' END AS kind) AS k
		 WHERE k.kind IS NOT NULL
		 ORDER BY u.n;
END
$$;
COMMENT ON FUNCTION @extschema@._attribute_numbers(jsonb, text) IS
	'internal: the attributes of a model that are numbers or days, and expressions for their numbers';

-- Where fifths of all people end, tenant by tenant: a column k1, k2, ... for each
-- attribute that is a number or a day, by its place. NULL: there is none. "people" is an
-- item of FROM with tenant and the attributes.
CREATE FUNCTION @extschema@._attribute_fifths(settings jsonb, people text)
	RETURNS text
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT @extschema@._fill('(SELECT c.tenant, {fifths} FROM {people} AS c GROUP BY c.tenant)', 'people', people,
			'fifths', pg_catalog.string_agg(pg_catalog.format(
				'@extschema@.quantile_thresholds((%s)::float8, 5) AS k%s', a.number, a.n), ', ' ORDER BY a.n))
	  FROM @extschema@._attribute_numbers(settings) AS a
	HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
END;
COMMENT ON FUNCTION @extschema@._attribute_fifths(jsonb, text) IS
	'internal: an item of FROM: where fifths of the attributes of all people end, by tenant';

-- The values of a fifth in words. Like score_range it cuts downwards: of whole numbers
-- those above 24.4 are those from 25 on. Views ask it for readers, who need no right on the
-- schema of the extension: what is spelt by a function of it is the default of a parameter.
CREATE FUNCTION @extschema@._fifth_range(kind text, thresholds float8[], fifth int, language text, a text DEFAULT 'à')
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	french	boolean := language LIKE 'fr%';
	lower	numeric := CASE WHEN fifth > 1 THEN thresholds[fifth - 1]::numeric END;		-- beaten
	upper	numeric := thresholds[fifth]::numeric;										-- not beaten
	low		text;
	high	text;
BEGIN
	IF fifth IS NULL OR thresholds IS NULL THEN
		RETURN NULL;
	ELSIF kind = 'number' THEN
		-- two decimals, and four digits of what is small
		low := trim_scale(floor(lower * power(10::numeric, p.places)) / power(10::numeric, p.places))
			FROM (SELECT greatest(2, 3 - floor(log(abs(nullif(lower, 0))))::int) AS places) AS p;
		high := trim_scale(floor(upper * power(10::numeric, p.places)) / power(10::numeric, p.places))
			FROM (SELECT greatest(2, 3 - floor(log(abs(nullif(upper, 0))))::int) AS places) AS p;
		RETURN CASE WHEN low IS NULL THEN concat(CASE WHEN french THEN 'jusqu''' || a || ' ' ELSE 'up to ' END, high)
			WHEN high IS NULL THEN concat(CASE WHEN french THEN 'plus de ' ELSE 'above ' END, low)
			WHEN french THEN format('plus de %s %s %s', low, a, high) ELSE format('above %s to %s', low, high) END;
	END IF;
	lower := floor(lower) + 1;
	upper := floor(upper);
	low := CASE kind WHEN 'day' THEN to_char(date '2000-01-01' + lower::int, 'YYYY-MM-DD')
		ELSE trim_scale(lower)::text END;
	high := CASE kind WHEN 'day' THEN to_char(date '2000-01-01' + upper::int, 'YYYY-MM-DD')
		ELSE trim_scale(upper)::text END;
	RETURN CASE WHEN low = high THEN low
		WHEN kind = 'day' AND low IS NULL THEN concat(CASE WHEN french THEN 'jusqu''au ' ELSE 'until ' END, high)
		WHEN kind = 'day' AND high IS NULL THEN concat(CASE WHEN french THEN 'depuis le ' ELSE 'from ' END, low)
		WHEN kind = 'day' AND french THEN format('du %s au %s', low, high)
		WHEN low IS NULL THEN concat(CASE WHEN french THEN 'jusqu''' || a || ' ' ELSE 'up to ' END, high)
		WHEN high IS NULL THEN concat(low, CASE WHEN french THEN ' et plus' ELSE ' or more' END)
		WHEN french THEN format('%s %s %s', low, a, high) ELSE format('%s to %s', low, high) END;
END
$$;
COMMENT ON FUNCTION @extschema@._fifth_range(text, float8[], int, text, text) IS
	'internal: the values of a fifth of an attribute, in words';

-- The categories of products that a segment prefers most, as rows of segment_profile:
-- category_by_segment says all of it already, and what may be shown.
CREATE FUNCTION @extschema@._profile_categories(model name, settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
SELECT r.as_of, r.tenant, r.segment, r.segment_label, {attribute}::text AS attribute, r.category, r.place::int,
       r.customers, r.share, 100 * r.lift, NULL::float8, NULL::float8, NULL::date, r.segment_order, r.segment_color,
       {attributes} AS place_of_attribute
  FROM (SELECT c.*, row_number() OVER (PARTITION BY c.tenant, c.segment
                                           ORDER BY c.lift DESC, c.category COLLATE "C") AS place
          FROM {categories} AS c WHERE NOT c.suppressed AND c.lift > 1 AND c.customers >= {least}) AS r
 WHERE r.place <= 5$q$,
		'categories', @extschema@._view_rows(model, settings, 'category_by_segment'),
		'attribute', CASE WHEN 'category' OPERATOR(pg_catalog.=) ANY (@extschema@._model_attributes(settings))
			THEN '''categories''' ELSE '''category''' END,
		'attributes', (pg_catalog.cardinality(@extschema@._model_attributes(settings)) OPERATOR(pg_catalog.+) 1)::text,
		-- of fewer people a large lift is chance
		'least', GREATEST((settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int, 10)::text);
END;
COMMENT ON FUNCTION @extschema@._profile_categories(name, jsonb) IS
	'internal: a query for the categories that segments prefer, as rows of segment_profile';

-- The values of attributes, as rows of segment_profile, or with "grouped" cluster, among
-- those who have one, of cluster_profile. In a model that hides small groups a row is
-- there if it, its segment and its value in all segments can be shown, for each of these
-- follows from it.
CREATE FUNCTION @extschema@._profile_attributes(model name, settings jsonb, grouped text DEFAULT 'segment')
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	small	int := settings ->> 'minimum_group_size';
	fifths	text := @extschema@._attribute_fifths(settings, 'people');
	-- names of groups of people, as in _model_shown
	mark	text := CASE WHEN grouped = 'cluster' THEN 'c' ELSE '' END;
	list	text;
	numbers	text;
BEGIN
	SELECT string_agg(CASE WHEN a.name IS NULL
				THEN format('(%s, %L, NULL::text, NULL::int, c.%I::text COLLATE "default", NULL::float8[])',
					u.n, u.name, u.name)
				ELSE format('(%s, %L, %L, @extschema@.score((%s)::float8, k.k%s), NULL, k.k%s)',
					u.n, u.name, a.kind, a.number, u.n, u.n) END, E',\n\t\t' ORDER BY u.n),
		   string_agg(format('(%s, (%s)::float8)', u.n, a.number), ', ' ORDER BY u.n) FILTER (WHERE a.n IS NOT NULL)
	  INTO list, numbers
	  FROM unnest(@extschema@._model_attributes(settings)) WITH ORDINALITY AS u (name, n)
	  LEFT JOIN @extschema@._attribute_numbers(settings) AS a ON a.n = u.n;
	RETURN @extschema@._fill($q$
SELECT r.as_of, {tenant} AS tenant, {names}, r.attribute,
       COALESCE(@extschema@._fifth_range(r.kind, r.thresholds, r.fifth, {language}), r.value) AS value,
       (dense_rank() OVER (PARTITION BY r.tenant, r.no
                               ORDER BY r.fifth IS NULL AND r.value IS NULL, r.fifth, r.of_value DESC, r.value))::int
       AS position, r.customers, r.customers / r.of_group::float8 AS share,
       100 * (r.customers / r.of_group::float8) / (r.of_value / r.everybody::float8) AS index,
       -- of a sample without replacement, as score_parity has it
       (r.customers - r.of_group * (r.of_value / r.everybody::float8))
       / NULLIF(sqrt(r.of_group * (r.of_value / r.everybody::float8) * (1 - r.of_value / r.everybody::float8)
                     * (r.everybody - r.of_group) / NULLIF(r.everybody - 1, 0)), 0) AS z,
       {medians}
       {colors}, r.no AS place_of_attribute
  FROM (SELECT n.*, (sum(n.customers) OVER (PARTITION BY n.tenant, n.no))::bigint AS everybody,
               (sum(n.customers) OVER (PARTITION BY n.tenant, n.no, n.{grouped}))::bigint AS of_group,
               (sum(n.customers) OVER (PARTITION BY n.tenant, n.no, n.fifth, n.value))::bigint AS of_value
          FROM (SELECT c.as_of, c.tenant, c.{grouped}, a.no, a.attribute, a.kind, a.fifth, a.value, a.thresholds,
                       count(*) AS customers
                  FROM people AS c{fifths},
                       LATERAL (VALUES {list}) AS a (no, attribute, kind, fifth, value, thresholds){only}
                 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9) AS n) AS r{shown}{medians_of}
  LEFT JOIN {labels}{where}$q$,
		'list', list, 'tenant', @extschema@._model_tenant(settings, 'r'), 'grouped', grouped,
		'language', quote_literal(settings ->> 'language'),
		'only', CASE grouped WHEN 'cluster' THEN E'\n                 WHERE c.cluster IS NOT NULL' ELSE '' END,
		'names', CASE grouped WHEN 'cluster' THEN 'r.cluster, l.cluster_name'
			ELSE 'r.segment::text AS segment, l.label AS segment_label' END,
		'colors', CASE grouped WHEN 'cluster' THEN '@extschema@._cluster_color(r.cluster) AS cluster_color'
			ELSE 'l.display_order AS segment_order, l.color::text AS segment_color' END,
		'labels', CASE grouped WHEN 'cluster' THEN format('(SELECT q.tenant, n.* FROM %s._question AS q CROSS JOIN %s)'
			' AS l ON l.tenant = r.tenant AND l.cluster = r.cluster', home, @extschema@._named_clusters(settings))
			ELSE format('%s.segment_label AS l ON l.map = %L AND l.segment = r.segment AND l.language = %L',
				home, settings ->> 'map_copy', settings ->> 'language') END,
		'fifths', coalesce(E'\n                  LEFT JOIN ' || fifths || ' AS k ON k.tenant = c.tenant', ''),
		'medians', CASE WHEN numbers IS NULL THEN 'NULL::float8 AS median, NULL::date AS median_on,'
			ELSE $m$CASE WHEN r.kind <> 'day' AND r.fifth IS NOT NULL THEN m.median END AS median,
       CASE WHEN r.kind = 'day' AND r.fifth IS NOT NULL
            THEN date '2000-01-01' + floor(m.median)::int END AS median_on,$m$ END,
		'medians_of', CASE WHEN numbers IS NULL THEN '' ELSE format($m$
  LEFT JOIN (SELECT c.tenant, c.%2$I, a.no, percentile_cont(0.5) WITHIN GROUP (ORDER BY a.number) AS median
               FROM people AS c, LATERAL (VALUES %1$s) AS a (no, number) GROUP BY c.tenant, c.%2$I, a.no) AS m
         ON m.tenant = r.tenant AND m.%2$I IS NOT DISTINCT FROM r.%2$I AND m.no = r.no$m$, numbers, grouped) END,
		'shown', CASE WHEN small = 1 THEN '' ELSE format('
  JOIN %s._shown AS d ON d.tenant = r.tenant', home) END,
		'where', CASE WHEN small = 1 THEN '' ELSE format($s$
 WHERE %1$L = ANY (d.shown) AND %2$L || COALESCE(':' || r.%4$I, '') = ANY (d.shown)
   AND CASE WHEN r.kind IS NULL THEN 'v%3$s' ELSE 'f%3$s' END || r.no
       || COALESCE(':' || r.fifth, ':' || r.value, '') = ANY (d.shown)
   AND CASE WHEN r.kind IS NULL THEN 'w%3$s' ELSE 'e%3$s' END || r.no || COALESCE(':' || r.%4$I, '') || '='
       || COALESCE(':' || r.fifth, ':' || r.value, '') = ANY (d.shown)$s$,
			CASE grouped WHEN 'cluster' THEN 'n:cluster' ELSE 't' END,
			CASE grouped WHEN 'cluster' THEN 'cluster' ELSE 's' END, mark, grouped) END);
END
$$;
COMMENT ON FUNCTION @extschema@._profile_attributes(name, jsonb, text) IS
	'internal: a query for the values of attributes by segment or cluster, as rows of segment_profile or '
	'cluster_profile';

CREATE FUNCTION @extschema@._profile_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	query	text;
BEGIN
	IF cardinality(@extschema@._model_attributes(settings)) > 0 THEN
		query := @extschema@._profile_attributes(model, settings);
	END IF;
	IF @extschema@._has_categories(settings) THEN
		query := concat_ws(E'\nUNION ALL', query, @extschema@._profile_categories(model, settings));
	END IF;
	RETURN NEXT @extschema@._model_view('segment_profile', CASE WHEN query IS NULL THEN $q$
SELECT NULL::date AS as_of, NULL::text AS tenant, NULL::text COLLATE "C" AS segment, NULL::text AS segment_label,
       NULL::text AS attribute, NULL::text AS value, NULL::int AS position, NULL::bigint AS customers,
       NULL::float8 AS share, NULL::float8 AS index, NULL::float8 AS z, NULL::float8 AS median,
       NULL::date AS median_on, NULL::int AS segment_order, NULL::text COLLATE "C" AS segment_color WHERE false$q$
		ELSE @extschema@._fill($q$
WITH people AS MATERIALIZED (SELECT s.as_of, s.tenant, s.segment{columns} FROM {model}._scores AS s)
SELECT p.as_of, p.tenant, p.segment, p.segment_label, p.attribute, p.value, p.position, p.customers, p.share,
       p.index, p.z, p.median, p.median_on, p.segment_order, p.segment_color
  FROM ({query}) AS p (as_of, tenant, segment, segment_label, attribute, value, position, customers, share, index, z,
       median, median_on, segment_order, segment_color, place_of_attribute)
 ORDER BY p.tenant, p.segment_order, p.segment, p.place_of_attribute, p.position$q$,
			'query', query, 'model', quote_ident(model),
			'columns', @extschema@._model_attribute_list(settings, ', s.%I')) END,
		'who the people of a segment are: for each value of an attribute the part of them who have it, beside that of'
		' all; numbers and days by fifths of all people, with the median of the segment; and the categories that they'
		' prefer');
	-- a model that has once had clusters keeps the view
	IF @extschema@._has_clusters(settings) OR to_regclass(format('%I.cluster_profile', model)) IS NOT NULL THEN
		RETURN NEXT @extschema@._model_view('cluster_profile', CASE WHEN NOT @extschema@._has_clusters(settings)
				OR cardinality(@extschema@._model_attributes(settings)) = 0 THEN $q$
SELECT NULL::date AS as_of, NULL::text AS tenant, NULL::int AS cluster, NULL::text AS cluster_name,
       NULL::text AS attribute, NULL::text AS value, NULL::int AS position, NULL::bigint AS customers,
       NULL::float8 AS share, NULL::float8 AS index, NULL::float8 AS z, NULL::float8 AS median,
       NULL::date AS median_on, NULL::text AS cluster_color WHERE false$q$
			ELSE @extschema@._fill($q$
WITH people AS MATERIALIZED (SELECT s.as_of, s.tenant, s.cluster{columns} FROM {model}._scores AS s)
SELECT p.as_of, p.tenant, p.cluster, p.cluster_name, p.attribute, p.value, p.position, p.customers, p.share,
       p.index, p.z, p.median, p.median_on, p.cluster_color
  FROM ({query}) AS p
 ORDER BY p.tenant, p.cluster, p.place_of_attribute, p.position$q$,
				'query', @extschema@._profile_attributes(model, settings, 'cluster'), 'model', quote_ident(model),
				'columns', @extschema@._model_attribute_list(settings, ', s.%I')) END,
			'who the people of a cluster are: as segment_profile, of those who have a cluster');
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@._profile_views(name, jsonb) IS
	'internal: the views of a model about profiles of segments and clusters';
