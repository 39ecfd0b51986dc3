--
-- Layer 4: drift. How far people have moved through the bins of the thresholds, the
-- segments and the values of attributes between two days, and whether that is more than
-- chance. By the thresholds of today for both days, a move is the customers' own.
--

CREATE FUNCTION @extschema@._drift_parts(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home		text := quote_ident(model);
	small		int := settings ->> 'minimum_group_size';
	attributes	text := '';
	bins		text := '';
BEGIN
	SELECT coalesce(string_agg(format(', s.%I::text COLLATE "default" AS v%s', u.name, u.n), '' ORDER BY u.n), ''),
		   coalesce(string_agg(format(', (%s, %L, s.v%s)', 5 + u.n, 'attribute ' || u.name, u.n), '' ORDER BY u.n), '')
	  INTO attributes, bins
	  FROM unnest(@extschema@._model_attributes(settings)) WITH ORDINALITY AS u (name, n);
	RETURN NEXT @extschema@._model_function('drift', '{from_day date,to_day date}',
		'TABLE (from_day date, to_day date, tenant text, dimension text, customers_from bigint, customers_to bigint,'
		' psi float8, critical_value float8, band text, psi_as_seen float8, ks float8, suppressed boolean)',
		@extschema@._tell_unknown(model, settings, @extschema@._fill($q$
WITH people AS MATERIALIZED (
	SELECT 1 AS side, s.tenant, s.r_score, s.f_score, s.m_score, s.basket_score, s.segment, s.recency_days, s.frequency,
	       s.monetary, s.mean_value{attributes} FROM {model}._scores_at($1, NULL, true, $3) AS s
	UNION ALL
	SELECT 2, s.tenant, s.r_score, s.f_score, s.m_score, s.basket_score, s.segment, s.recency_days, s.frequency,
	       s.monetary, s.mean_value{attributes} FROM {model}._scores_at($2, NULL, true, $3) AS s
	UNION ALL
	-- by the thresholds of their time
	SELECT 3, s.tenant, s.r_score, s.f_score, s.m_score, s.basket_score, s.segment, NULL, NULL, NULL, NULL{attributes}
	  FROM {model}._scores_at($1, NULL, false, $3) AS s
	UNION ALL
	SELECT 4, s.tenant, s.r_score, s.f_score, s.m_score, s.basket_score, s.segment, NULL, NULL, NULL, NULL{attributes}
	  FROM {model}._scores_at($2, NULL, false, $3) AS s
), binned AS (
	SELECT s.tenant, b.place, b.dimension, b.bin, count(*) FILTER (WHERE s.side = 1) AS n_1,
	       count(*) FILTER (WHERE s.side = 2) AS n_2, count(*) FILTER (WHERE s.side = 3) AS n_3,
	       count(*) FILTER (WHERE s.side = 4) AS n_4
	  FROM people AS s
	 CROSS JOIN LATERAL (VALUES (1, 'recency', s.r_score::text), (2, 'frequency', s.f_score::text),
	       (3, 'monetary', s.m_score::text), (4, 'basket', s.basket_score::text), (5, 'segment', s.segment::text){bins})
	       AS b (place, dimension, bin)
	 WHERE b.bin IS NOT NULL
	 GROUP BY s.tenant, b.place, b.dimension, b.bin
), compared AS (
	SELECT b.tenant, b.place, b.dimension, sum(b.n_1)::bigint AS n_1, sum(b.n_2)::bigint AS n_2,
	       count(*) BETWEEN 2 AND 1000 AS has_bins, count(*) = 1 AS is_one,
	       array_agg(b.n_1::float8 ORDER BY b.bin COLLATE "C") AS bins_1,
	       array_agg(b.n_2::float8 ORDER BY b.bin COLLATE "C") AS bins_2,
	       array_agg(b.n_3::float8 ORDER BY b.bin COLLATE "C") AS bins_3,
	       array_agg(b.n_4::float8 ORDER BY b.bin COLLATE "C") AS bins_4
	  FROM binned AS b GROUP BY b.tenant, b.place, b.dimension
), distances AS (
	SELECT s.tenant, @extschema@.ks_statistic(s.recency_days::float8, s.side = 2) AS recency,
	       @extschema@.ks_statistic(s.frequency::float8, s.side = 2) AS frequency,
	       @extschema@.ks_statistic(CASE WHEN s.recency_days IS NOT NULL THEN s.monetary::float8 END, s.side = 2)
	           AS monetary,
	       @extschema@.ks_statistic(CASE WHEN s.recency_days IS NOT NULL THEN s.mean_value::float8 END, s.side = 2)
	           AS basket
	  FROM people AS s WHERE s.side <= 2 GROUP BY s.tenant
)
SELECT $1, $2, {tenant} AS tenant, c.dimension, CASE WHEN c.is_shown THEN c.n_1 END,
       CASE WHEN c.is_shown THEN c.n_2 END,
       CASE WHEN c.is_shown THEN COALESCE(p.psi, c.nothing_moves) END,
       CASE WHEN c.is_shown THEN p.critical_value END,
       CASE WHEN c.is_shown THEN COALESCE(p.band, CASE WHEN c.is_one THEN 'stable' END) END,
       CASE WHEN c.is_shown THEN COALESCE(w.psi, c.nothing_moves) END,
       CASE WHEN c.is_shown THEN CASE c.dimension WHEN 'recency' THEN d.recency WHEN 'frequency' THEN d.frequency
            WHEN 'monetary' THEN d.monetary WHEN 'basket' THEN d.basket END END, NOT c.is_shown
  -- in one bin nobody can move
  FROM (SELECT c.*, {shown} AS is_shown, CASE WHEN c.is_one THEN 0 END AS nothing_moves FROM compared AS c) AS c
  LEFT JOIN distances AS d ON d.tenant = c.tenant
 CROSS JOIN LATERAL @extschema@.population_stability(CASE WHEN c.has_bins THEN c.bins_1 END, c.bins_2) AS p
 CROSS JOIN LATERAL @extschema@.population_stability(CASE WHEN c.has_bins THEN c.bins_3 END, c.bins_4) AS w
 WHERE $1 IS NOT NULL AND $2 IS NOT NULL
 ORDER BY c.tenant, c.place$q$,
			'model', home, 'attributes', attributes, 'bins', bins,
			'tenant', @extschema@._model_tenant(settings, 'c'),
			'shown', CASE WHEN small = 1 THEN 'true'
				ELSE format('c.n_1 NOT BETWEEN 1 AND %1$s - 1 AND c.n_2 NOT BETWEEN 1 AND %1$s - 1', small) END),
			-- not of days until today, which the view asks for
			'GREATEST($1, $2)'),
		'how far the customers have moved between two days: population stability index over the bins of the'
		' thresholds of'
		' today, over segments and attributes, with what chance alone would give; as seen: each day by its own'
		' thresholds;'
		' ks: the largest distance of the values themselves');
	RETURN NEXT @extschema@._model_view('drift_since_calibration', @extschema@._fill($q$
SELECT d.* FROM (SELECT max(q.as_of) AS as_of, max(k.calibrated_on) AS calibrated_on
          FROM {model}._question AS q, {model}.calibration AS k
         WHERE k.version = q.version AND k.tenant = q.tenant) AS q
 CROSS JOIN LATERAL {model}.drift(q.calibrated_on, q.as_of) AS d$q$, 'model', home),
		'drift from the day on which the thresholds were taken until as_of: where band is large, calibrate_model'
		' is due');
END
$$;
COMMENT ON FUNCTION @extschema@._drift_parts(name, jsonb) IS
	'internal: the function and the view of a model about drift';

-- How many of those who have ordered would be in another segment if the thresholds were
-- taken today: what calibrate_model would do, without its fits of predictions. Both
-- segments of a customer are grouped, not joined: in a model without statistics yet the
-- planner expects one customer, and would score everybody again for each.
CREATE FUNCTION @extschema@._calibration_parts(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT @extschema@._model_function('calibration_moves', '{}', 'TABLE (customers bigint, moved bigint)',
		@extschema@._fill($q$
SELECT count(*) AS customers, count(*) FILTER (WHERE c.segment IS DISTINCT FROM c.again) AS moved
  FROM (SELECT max(b.segment) AS segment, max(b.again) AS again
          FROM (SELECT s.customer_key, s.segment COLLATE "C" AS segment, NULL::text COLLATE "C" AS again
                  FROM {model}._scores_at(NULL, NULL, true, $1) AS s
                 WHERE s.r_score IS NOT NULL AND s.f_score IS NOT NULL AND s.m_score IS NOT NULL
                 UNION ALL
                SELECT n.customer_key, NULL::text, n.segment COLLATE "C" FROM ({again}) AS n) AS b
         GROUP BY b.customer_key HAVING count(*) = 2) AS c$q$,
			'model', pg_catalog.quote_ident(model),
			'again', @extschema@._model_levels(model, settings,
				pg_catalog.format('(%s)', @extschema@._model_question(model, settings,
					reader => '@extschema@._caller_role($1)',
					calibration => @extschema@._fill('(SELECT {columns} FROM {model}.calibration AS k'
						' LEFT JOIN {taken} AS t ON t.tenant = k.tenant AND t.customers >= {least})',
						'model', pg_catalog.quote_ident(model),
						'least', settings OPERATOR(pg_catalog.->>) 'minimum_customers',
						'taken', @extschema@._taken_thresholds(settings, @extschema@._fill('(WITH level AS (SELECT)'
							' SELECT h.tenant, f.recency_days, f.frequency, f.scored_value, f.mean_value'
							' FROM {model}._question_at(NULL, NULL, true, 0, $1) AS q, {customers} AS h,'
							' LATERAL @extschema@.rfm_facts(h.history, q.as_of, q.window_days, q.use_active_days,'
							' q.use_mean) AS f WHERE h.tenant = q.tenant)', 'model', pg_catalog.quote_ident(model),
							'customers', @extschema@._here(model, settings, '_customers'))),
						'columns', c.list))),
				@extschema@._here(model, settings, '_customers'), ARRAY[settings OPERATOR(pg_catalog.->>) 'map_copy'])))
	  FROM (SELECT pg_catalog.string_agg(CASE WHEN t.taken IS NULL THEN pg_catalog.format('k.%I', c.name)
					ELSE pg_catalog.format('COALESCE(t.%I, k.%I) AS %2$I', t.taken, c.name) END, ', '
					ORDER BY c.position) AS list
			  FROM @extschema@._model_table_column AS c
			  LEFT JOIN (VALUES ('recency_thresholds', 'recency'), ('frequency_thresholds', 'frequency'),
					('monetary_thresholds', 'monetary'), ('basket_thresholds', 'basket')) AS t (name, taken)
				   ON t.name OPERATOR(pg_catalog.=) c.name
			 WHERE c.relation OPERATOR(pg_catalog.=) 'calibration'
			   -- what the question reads
			   AND (c.name IN ('version', 'tenant') OR @extschema@._model_question(model, settings)
				   OPERATOR(pg_catalog.~) ('\mk\.' OPERATOR(pg_catalog.||) c.name OPERATOR(pg_catalog.||) '\M'))) AS c
	 WHERE (settings OPERATOR(pg_catalog.->>) 'bins')::int OPERATOR(pg_catalog.>) 1;
END;
COMMENT ON FUNCTION @extschema@._calibration_parts(name, jsonb) IS
	'internal: the function of a model that says how many customers a calibration would move';

-- What part of the customers brings what part of the revenue.
CREATE FUNCTION @extschema@._concentration_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT * FROM @extschema@._model_view('revenue_concentration', @extschema@._fill($q$
SELECT c.as_of, {tenant} AS tenant, c.top_share::float8 AS top_share,
       CASE WHEN c.is_shown THEN c.top_customers END AS customers,
       (CASE WHEN c.is_shown THEN c.revenue END)::{money} AS revenue,
       CASE WHEN c.is_shown THEN (c.revenue / NULLIF(c.total, 0))::float8 END AS revenue_share,
       CASE WHEN c.is_shown THEN c.gini END AS gini, NOT c.is_shown AS suppressed
  FROM (SELECT r.tenant, r.as_of, t.top_share, ceil(t.top_share * max(r.n))::bigint AS top_customers,
               sum(r.monetary) FILTER (WHERE r.place <= ceil(t.top_share * r.n)) AS revenue, sum(r.monetary) AS total,
               @extschema@.gini(r.monetary::float8) AS gini, {shown} AS is_shown
          FROM (SELECT s.tenant, s.as_of, greatest(s.monetary, 0) AS monetary,
                       count(*) OVER (PARTITION BY s.tenant) AS n,
                       row_number() OVER (PARTITION BY s.tenant ORDER BY s.monetary DESC) AS place
                  FROM {model}._scores AS s WHERE s.recency_days IS NOT NULL) AS r
         CROSS JOIN (VALUES (0.01), (0.05), (0.1), (0.2), (0.5), (1.0)) AS t (top_share)
         GROUP BY r.tenant, r.as_of, t.top_share) AS c
 ORDER BY c.tenant, c.top_share$q$,
			'model', pg_catalog.quote_ident(model), 'tenant', @extschema@._model_tenant(settings, 'c'),
			'money', @extschema@._model_money(settings),
			'shown', CASE WHEN (settings OPERATOR(pg_catalog.->>) 'minimum_group_size')::int OPERATOR(pg_catalog.=) 1
				THEN 'true' ELSE pg_catalog.format('ceil(t.top_share * max(r.n)) >= 2 * %s',
					settings OPERATOR(pg_catalog.->>) 'minimum_group_size') END),
		'Pareto: the best 1, 5, 10, 20 and 50 % of the customers who have ordered, and what part of the revenue is'
		' theirs');
END;
COMMENT ON FUNCTION @extschema@._concentration_views(name, jsonb) IS
	'internal: the view of a model about the concentration of revenue';

-- After how many days people order again, those who haven't yet included.
CREATE FUNCTION @extschema@._repeat_functions(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	small	int := settings ->> 'minimum_group_size';
	gaps	text;
	within	text;
BEGIN
	gaps := replace($q$
SELECT h.tenant, d.k, d.first_day, COALESCE(d.next_day, q.as_of) - d.day AS duration, d.next_day IS NOT NULL AS returned
  FROM @extschema@._period_length({argument}, $1, 100) AS l (up_to),
       {model}._question_at(NULL, NULL, true, 0, $2) AS q, {customers} AS h,
       LATERAL (SELECT d.day, lead(d.day) OVER (ORDER BY d.day) AS next_day, row_number() OVER (ORDER BY d.day) AS k,
                       min(d.day) OVER () AS first_day
                  FROM @extschema@.days(h.history) AS d WHERE d.events > 0 AND d.day <= q.as_of) AS d
 WHERE h.tenant = q.tenant AND {which}$q$, '{model}', home);
	gaps := replace(gaps, '{customers}', @extschema@._here(model, settings, '_customers'));
	-- nothing is known of days that nobody has been seen for
	within := $q$
  LEFT JOIN LATERAL (SELECT CASE WHEN c.longest >= 30 THEN 1 - COALESCE(min(t.survival) FILTER (WHERE t.t <= 30), 1) END
                            AS within_30d,
                            CASE WHEN c.longest >= 90 THEN 1 - COALESCE(min(t.survival) FILTER (WHERE t.t <= 90), 1) END
                            AS within_90d,
                            CASE WHEN c.longest >= 90 THEN 1 - min(t.high) FILTER (WHERE t.t <= 90) END AS low_90d,
                            CASE WHEN c.longest >= 90 THEN 1 - min(t.low) FILTER (WHERE t.t <= 90) END AS high_90d,
                            CASE WHEN c.longest >= 365 THEN 1 - COALESCE(min(t.survival) FILTER (WHERE t.t <= 365), 1)
                            END AS within_365d
                       FROM @extschema@.kaplan_meier_table(c.curve) AS t) AS p ON c.is_shown$q$;
	RETURN NEXT @extschema@._model_function('repeat_purchase', '{up_to int DEFAULT 5}',
		'TABLE (tenant text, order_no int, customers bigint, returned bigint, median_days float8, within_30d float8,'
		' within_90d float8, low_90d float8, high_90d float8, within_365d float8, suppressed boolean)',
		@extschema@._fill($q$
WITH curves AS MATERIALIZED (
	SELECT g.tenant, g.k, count(*) AS customers, count(*) FILTER (WHERE g.returned) AS returned,
	       max(g.duration) AS longest,
	       @extschema@.kaplan_meier(g.duration, g.returned) AS curve
	  FROM ({gaps}) AS g GROUP BY g.tenant, g.k
)
SELECT {tenant} AS tenant, c.k::int, CASE WHEN c.is_shown THEN c.customers END,
       CASE WHEN c.is_shown THEN c.returned END,
       CASE WHEN c.is_shown THEN @extschema@.median_survival(c.curve) END,
       p.within_30d, p.within_90d, p.low_90d, p.high_90d, p.within_365d, NOT c.is_shown
  FROM (SELECT c.*, {shown} AS is_shown FROM curves AS c) AS c{within}
 ORDER BY c.tenant, c.k$q$,
			'within', within,
			'gaps', @extschema@._fill(gaps, 'argument', quote_literal('up_to'), 'which', 'd.k <= l.up_to'),
			'tenant', @extschema@._model_tenant(settings, 'c'),
			'shown', CASE WHEN small = 1 THEN 'true' ELSE @extschema@._part_shown('c.returned', 'c.customers', small)
				|| format(' AND c.customers >= %s', small) END),
		'of those with a first, second, ... day with an order, how many came back within 30, 90 and 365 days, and'
		' after how'
		' many days half of them had; by Kaplan and Meier, who count those who may still come as long as they were'
		' seen');
	-- Those of a month are a cell of the cohorts of that day. Less the cohorts that are
	-- shown, all of them show those that aren't: where these are few, the smallest other
	-- one that is large enough is hidden too, and without such a one all are. Who came
	-- a second time are those with a second day: of later days none is shown.
	RETURN NEXT @extschema@._model_function('repeat_purchase_by_cohort', '{order_no int DEFAULT 1}',
		'TABLE (tenant text, cohort_month date, order_no int, customers bigint, returned bigint, median_days float8,'
		' within_30d float8, within_90d float8, low_90d float8, high_90d float8, within_365d float8,'
		' suppressed boolean)',
		@extschema@._fill($q$
WITH curves AS MATERIALIZED (
	SELECT g.tenant, date_trunc('month', g.first_day::timestamp)::date AS cohort, count(*) AS customers,
	       count(*) FILTER (WHERE g.returned) AS returned, max(g.duration) AS longest,
	       @extschema@.kaplan_meier(g.duration, g.returned) AS curve
	  FROM ({gaps}) AS g GROUP BY 1, 2
)
SELECT {tenant} AS tenant, c.cohort, $1, CASE WHEN c.is_shown THEN c.customers END,
       CASE WHEN c.is_shown THEN c.returned END, CASE WHEN c.is_shown THEN @extschema@.median_survival(c.curve) END,
       p.within_30d, p.within_90d, p.low_90d, p.high_90d, p.within_365d, NOT c.is_shown
  FROM {shown} AS c{within}
 ORDER BY c.tenant, c.cohort$q$,
			'within', within, 'tenant', @extschema@._model_tenant(settings, 'c'),
			'gaps', @extschema@._fill(gaps, 'argument', quote_literal('order_no'), 'which', 'd.k = l.up_to'),
			'shown', CASE WHEN small = 1 THEN '(SELECT c.*, true AS is_shown FROM curves AS c)'
				ELSE @extschema@._fill($s$(
	SELECT c.*, $1 = 1 AND c.is_alone AND ({rest} OR c.place > 1 AND c.hides_others) AS is_shown
	  FROM (SELECT c.*, COALESCE(sum(c.returned) FILTER (WHERE NOT c.is_alone) OVER w, 0) AS rest,
	               COALESCE(sum(c.customers) FILTER (WHERE NOT c.is_alone) OVER w, 0) AS rest_customers,
	               bool_or(c.stands_by) OVER w AS hides_others,
	               row_number() OVER (PARTITION BY c.tenant ORDER BY c.stands_by DESC, c.customers, c.cohort) AS place
	          FROM (SELECT c.*, c.is_alone AND c.returned BETWEEN {small} AND c.customers - {small} AS stands_by
	                  FROM (SELECT c.*, c.customers >= {small} AND {part}
	                               AND COALESCE('k:' || (c.cohort - '2000-01-01'::date) = ANY ((SELECT d.shown
	                               FROM {model}._shown_at($2) AS d WHERE d.tenant = c.tenant)::text[]), false)
	                               AS is_alone FROM curves AS c) AS c) AS c
	        WINDOW w AS (PARTITION BY c.tenant)) AS c)$s$,
					'model', home, 'small', small::text,
					'part', @extschema@._part_shown('c.returned', 'c.customers', small),
					'rest', @extschema@._part_shown('c.rest', 'c.rest_customers', small)) END),
		'repeat_purchase by the month of the first order: of those who first ordered in a month, how many came back'
		' after their first, second, ... day with an order, and after how many days half of them had');
	RETURN NEXT @extschema@._model_function('repeat_purchase_curve', '{order_no int DEFAULT 1}',
		'TABLE (tenant text, days int, at_risk bigint, returned bigint, share_returned float8, std_error float8,'
		' low float8, high float8)',
		@extschema@._fill($q$
SELECT {tenant} AS tenant, t.t::int, t.at_risk, t.events, 1 - t.survival, t.std_error, 1 - t.high, 1 - t.low
  FROM (SELECT g.tenant, @extschema@.kaplan_meier(g.duration, g.returned) AS curve
          FROM ({gaps}) AS g GROUP BY g.tenant) AS c
 CROSS JOIN LATERAL @extschema@.kaplan_meier_table(c.curve) AS t WHERE {shown}
 ORDER BY c.tenant, t.t$q$,
			'gaps', @extschema@._fill(gaps, 'argument', quote_literal('order_no'), 'which', 'd.k = l.up_to'),
			'tenant', @extschema@._model_tenant(settings, 'c'),
			-- the curve goes down by one customer at a time
			'shown', CASE WHEN small = 1 THEN 'true' ELSE 'false' END),
		'the curve behind repeat_purchase, for a chart: after so many days, what part had come back; none where small'
		' groups are hidden');
END
$$;
COMMENT ON FUNCTION @extschema@._repeat_functions(name, jsonb) IS
	'internal: the functions of a model about when people order again';
