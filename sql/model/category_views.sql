--
-- Layer 4: what readers see of categories of products.
--

-- What each customer did by category. "scores" and "question" are items of FROM.
CREATE FUNCTION @extschema@._customer_categories_query(settings jsonb, scores text, question text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
SELECT s.customer_key, x.category, x.orders, x.events, x.revenue::{money} AS revenue, x.last_on, x.share, x.lift,
       x.appetence, x.rank, {tenant} AS tenant, s.customer_id
  FROM {scores} AS s
  JOIN {question} AS q ON q.tenant = s.tenant
 CROSS JOIN LATERAL @extschema@._customer_categories(q.categories, q.appetence_thresholds, s.streams, s.as_of) AS x$q$,
		'scores', scores, 'question', question, 'tenant', @extschema@._model_tenant(settings, 's'),
		'money', @extschema@._model_money(settings));
END;
COMMENT ON FUNCTION @extschema@._customer_categories_query(jsonb, text, text) IS
	'internal: the query for what each customer did by category';

-- Shares by segment. A line of a category has a total, which category_pairs may tell, and
-- the shares of a segment add up to 1.
CREATE FUNCTION @extschema@._category_by_segment(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	small	int := settings ->> 'minimum_group_size';
BEGIN
	RETURN @extschema@._model_hide_small(settings, @extschema@._fill($q$
SELECT a.as_of, {tenant} AS tenant, a.segment::text AS segment, l.label AS segment_label, a.category, a.customers,
       a.weight / NULLIF(@extschema@.exact_sum(a.weight) OVER s, 0) AS share,
       a.weight / NULLIF(@extschema@.exact_sum(a.weight) OVER s, 0)
       / NULLIF(@extschema@.exact_sum(a.weight) OVER c / NULLIF(@extschema@.exact_sum(a.weight) OVER t, 0), 0) AS lift,
       a.recent / NULLIF(@extschema@.exact_sum(a.recent) OVER s, 0) AS share_90d,
       a.before / NULLIF(@extschema@.exact_sum(a.before) OVER s, 0) AS share_90d_before,
       a.recent / NULLIF(@extschema@.exact_sum(a.recent) OVER s, 0)
       - a.before / NULLIF(@extschema@.exact_sum(a.before) OVER s, 0) AS trend,
       l.display_order AS segment_order, l.color::text AS segment_color{others}
  FROM (SELECT a.as_of, a.tenant, a.map_copy, a.segment, x.category, x.customers, x.weight, x.recent, x.before
          FROM (SELECT s.as_of, s.tenant, s.map_copy, s.segment,
                       @extschema@._category_sums(q.categories, s.streams, s.as_of) AS sums
                  FROM {model}._scores AS s
                  JOIN {model}._question AS q ON q.tenant = s.tenant
                 GROUP BY s.as_of, s.tenant, s.map_copy, s.segment) AS a
          JOIN {model}._question AS q ON q.tenant = a.tenant
         CROSS JOIN LATERAL unnest((q.categories).names, (a.sums).customers, (a.sums).weight, (a.sums).recent,
                                   (a.sums).before) AS x (category, customers, weight, recent, before)
         WHERE x.customers > 0) AS a{all}
  LEFT JOIN {model}.segment_label AS l ON l.map = a.map_copy AND l.segment = a.segment AND l.language = {language}
WINDOW s AS (PARTITION BY a.tenant, a.segment), c AS (PARTITION BY a.tenant, a.category), t AS (PARTITION BY a.tenant)
 ORDER BY a.tenant, l.display_order, a.segment, share DESC, a.category COLLATE "C"$q$,
			'model', quote_ident(model), 'language', quote_literal(settings ->> 'language'),
			'tenant', @extschema@._model_tenant(settings, 'a'),
			-- those of the segment who are not among them
			'others', CASE WHEN small > 1 THEN ', n.customers - a.customers AS others' ELSE '' END,
			'all', CASE WHEN small > 1 THEN @extschema@._fill($q$
  JOIN (SELECT s.tenant, s.segment, count(*) AS customers FROM {model}._scores AS s GROUP BY s.tenant, s.segment) AS n
       ON n.tenant = a.tenant AND n.segment IS NOT DISTINCT FROM a.segment$q$,
				'model', quote_ident(model)) ELSE '' END),
		'{as_of,tenant,segment,segment_label,category,customers,share,lift,share_90d,share_90d_before,trend,'
		'segment_order,segment_color}',
		'{customers,share,lift,share_90d,share_90d_before,trend}',
		'{tenant}', 'category', 'segment', 'q.tenant, q.segment_order, q.segment, q.category',
		format('CASE WHEN q.others BETWEEN 1 AND %s THEN q.others ELSE q.customers END', small - 1));
END
$$;
COMMENT ON FUNCTION @extschema@._category_by_segment(name, jsonb) IS
	'internal: the query of the view category_by_segment';

-- Which two categories the same customers buy, both ways. From the four numbers of
-- customers with both, one or none follow all others; a pair is shown if none of
-- them is of few people.
CREATE FUNCTION @extschema@._category_pairs_query(model name, settings jsonb)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	small	int := settings ->> 'minimum_group_size';
	hidden	text := CASE WHEN small = 1 THEN 'false' ELSE format('p.n_both BETWEEN 1 AND %1$s'
		' OR p.n_1 - p.n_both BETWEEN 1 AND %1$s OR p.n_2 - p.n_both BETWEEN 1 AND %1$s'
		' OR p.n - p.n_1 - p.n_2 + p.n_both BETWEEN 1 AND %1$s', small - 1) END;
	names	text[] := '{n_1,n_2,n_both,n,support,confidence,lift,leverage,p_value}';
BEGIN
	RETURN @extschema@._fill($q$
SELECT {tenant} AS tenant, p.category_1, p.category_2, {shown}, {hidden} AS suppressed
  FROM (SELECT p.*, p.n_both / p.n::float8 AS support, p.n_both / p.n_1::float8 AS confidence,
               p.n_both::float8 * p.n / (p.n_1::float8 * p.n_2) AS lift,
               p.n_both / p.n::float8 - p.n_1 / p.n::float8 * (p.n_2 / p.n::float8) AS leverage,
               @extschema@.chi_square_cdf(p.n * (p.n_both::float8 * p.n - p.n_1::float8 * p.n_2) ^ 2
                   / NULLIF(p.n_1::float8 * p.n_2 * (p.n - p.n_1) * (p.n - p.n_2), 0), 1, true) AS p_value
          FROM (SELECT c.tenant, (c.categories).names[i.i] AS category_1, (c.categories).names[j.j] AS category_2,
                       c.counts[2 + (i.i - 1) * k.k + i.i - 1] AS n_1,
                       c.counts[2 + (j.j - 1) * k.k + j.j - 1] AS n_2,
                       c.counts[2 + (LEAST(i.i, j.j) - 1) * k.k + GREATEST(i.i, j.j) - 1] AS n_both,
                       c.counts[1] AS n
                  FROM (WITH level AS (SELECT)
                        SELECT q.tenant, q.categories,
                               (SELECT @extschema@._category_pairs(q.categories, s.streams, q.as_of)
                                  FROM {model}._scored AS s WHERE s.tenant = q.tenant) AS counts
                          FROM {model}._question AS q) AS c
                 CROSS JOIN LATERAL (SELECT cardinality((c.categories).names) AS k) AS k
                 CROSS JOIN LATERAL generate_series(1, k.k) AS i (i)
                 CROSS JOIN LATERAL generate_series(1, k.k) AS j (j)
                 WHERE i.i <> j.j AND 'other' NOT IN ((c.categories).names[i.i], (c.categories).names[j.j])) AS p
         WHERE p.n > 0 AND (p.n_both >= 30 OR p.n_1::float8 * p.n_2 >= 30 * p.n::float8)) AS p
 ORDER BY p.tenant, {order}p.category_1 COLLATE "C", p.category_2 COLLATE "C"$q$,
		'model', quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 'p'), 'hidden', hidden,
		'shown', (SELECT string_agg(CASE WHEN small = 1 THEN format('p.%I', u.c)
				ELSE format('CASE WHEN NOT (%s) THEN p.%I END AS %2$I', hidden, u.c) END, ', ' ORDER BY u.n)
			FROM unnest(names) WITH ORDINALITY AS u (c, n)),
		-- an order would tell as well
		'order', CASE WHEN small = 1 THEN 'p.lift DESC, ' ELSE '' END);
END
$$;
COMMENT ON FUNCTION @extschema@._category_pairs_query(name, jsonb) IS
	'internal: the query of the view category_pairs';

-- What comes on the next day after the categories of the last one, as with all
-- customers. What is known of too few of them is left out.
CREATE FUNCTION @extschema@._next_category(model name, settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@._fill($q$
WITH me AS MATERIALIZED (
	SELECT q.tenant, q.categories, q.as_of,
	       @extschema@._category_last(q.categories, s.streams, q.as_of) AS last,
	       ARRAY(SELECT x.category
	               FROM @extschema@._customer_categories(q.categories, NULL, s.streams, q.as_of) AS x
	              WHERE x.bought) AS bought
	  FROM {model}._question_at(NULL, NULL, true, 0, $3) AS q
	  JOIN {model}._scores_at(NULL, NULL, true, $3) AS s ON s.tenant = q.tenant
	 WHERE s.customer_key = $1
), steps AS MATERIALIZED (
	SELECT (SELECT @extschema@._category_steps(m.categories, h.streams, m.as_of, m.last)
	          FROM {customers} AS h WHERE h.tenant = m.tenant) AS counts
	  FROM me AS m WHERE m.last IS NOT NULL
)
SELECT c.category, s.counts[1 + c.i] / s.counts[1]::float8 AS probability, s.counts[1 + c.i] AS n
  FROM steps AS s CROSS JOIN me AS m
 CROSS JOIN LATERAL unnest((m.categories).names) WITH ORDINALITY AS c (category, i)
 WHERE s.counts[1 + c.i] > 0 AND c.category <> 'other'
   AND s.counts[1 + cardinality((m.categories).names) + c.i] >= {small}
   AND NOT ($2 IS TRUE AND c.category = ANY (m.bought))
 ORDER BY n DESC, c.category COLLATE "C"$q$,
		'model', pg_catalog.quote_ident(model), 'customers', @extschema@._here(model, settings, '_customers'),
		'small', settings OPERATOR(pg_catalog.->>) 'minimum_group_size');
END;
COMMENT ON FUNCTION @extschema@._next_category(name, jsonb) IS 'internal: the query of the function next_category';

-- A model that has once had categories keeps the views; without them they are empty.
CREATE FUNCTION @extschema@._category_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
BEGIN
	IF NOT @extschema@._has_streams(settings)
		OR NOT @extschema@._has_categories(settings) AND to_regclass(home || '.customer_categories') IS NULL THEN
		RETURN;
	END IF;
	RETURN NEXT @extschema@._model_view('customer_categories',
		@extschema@._customer_categories_query(settings, home || '._scored', home || '._question'),
		'what each customer did by category of product: a row for each one with an event on or before as_of');
	RETURN NEXT @extschema@._model_function('customer_categories_at', '{as_of date,version int DEFAULT NULL}',
		format('SETOF %s.customer_categories', home),
		@extschema@._customer_categories_query(settings,
			format('(SELECT s.* FROM %s._scores_at($1, $2, false, $3) AS s WHERE $1 IS NOT NULL)', home),
			home || '._question_at($1, $2, false, 0, $3)'),
		'customer_categories as of any day, by the shares of the version in force that day, or of the version that '
		'you name', 'customer_categories');
	RETURN NEXT @extschema@._model_view('category_by_segment', @extschema@._category_by_segment(model, settings),
		'how much of what customers do is about a category, by segment, and how that has changed in 90 days');
	RETURN NEXT @extschema@._model_view('category_pairs', @extschema@._category_pairs_query(model, settings),
		'two categories that the same customers buy, more often or less often than by chance: a row for each '
		'direction');
	RETURN NEXT @extschema@._model_function('next_category',
		'{customer text,leave_out_bought boolean DEFAULT false}', 'TABLE (category text, probability float8, n bigint)',
		@extschema@._next_category(model, settings),
		'which categories come on the next day after those of a customer''s last one, as with all customers: most '
		'likely first');
END
$$;
COMMENT ON FUNCTION @extschema@._category_views(name, jsonb) IS
	'internal: the views and functions of a model about categories of products';
