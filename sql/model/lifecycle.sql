--
-- Layer 4: lifecycle. Who is new in a period, who stays, who comes back, who falls
-- silent; how regularly people come; what a cohort has brought so far.
--

CREATE FUNCTION @extschema@._lifecycle_functions(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	small	int := settings ->> 'minimum_group_size';
	hidden	text := 'false';
	few		text := 'false';
	people	text;
BEGIN
	IF small > 1 THEN
		SELECT string_agg(format('c.%s BETWEEN 1 AND %s', n, small - 1), ' OR ') INTO hidden
		  FROM unnest('{new_customers,returning_customers,resurrected_customers,dormant_customers}'::text[]) AS u (n);
		few := format('bool_or(n.customers BETWEEN 1 AND %s - 1) OVER (PARTITION BY n.tenant)', small);
	END IF;
	people := concat(home, '._question_at(NULL, NULL, true, 0, {caller}) AS q, ',
		@extschema@._here(model, settings, '_customers'), ' AS s');
	RETURN NEXT @extschema@._model_function('lifecycle',
		'{from_day date,to_day date,step interval DEFAULT ''1 month'',stream text DEFAULT ''orders''}',
		'TABLE (from_day date, to_day date, is_running boolean, tenant text, active_customers bigint,'
		' new_customers bigint,'
		' returning_customers bigint, resurrected_customers bigint, dormant_customers bigint, suppressed boolean)',
		@extschema@._fill($q$
WITH counted AS (
	SELECT p.from_day, p.to_day, q.tenant, p.to_day > q.as_of AS is_running,
	       count(*) FILTER (WHERE a.is_active) AS active_customers,
	       count(*) FILTER (WHERE a.is_active AND a.first_day > p.from_day) AS new_customers,
	       count(*) FILTER (WHERE a.is_active AND a.was_active) AS returning_customers,
	       count(*) FILTER (WHERE a.is_active AND a.first_day <= p.from_day AND NOT a.was_active)
	           AS resurrected_customers,
	       count(*) FILTER (WHERE a.was_active AND NOT a.is_active) AS dormant_customers
	  FROM (SELECT lag(d.day) OVER (ORDER BY d.day) AS from_day, d.day AS to_day
	          FROM @extschema@._model_days($1, $2, $3) AS d (day)) AS p,
	       LATERAL @extschema@._conversion_window({name}, p.from_day, p.to_day - p.from_day, $4, {streams}) AS w,
	       {people},
	       LATERAL (SELECT @extschema@.first_day(h.history, LEAST(p.to_day, q.as_of)) AS first_day,
	                       COALESCE(@extschema@.last_day(h.history, LEAST(p.to_day, q.as_of)) > p.from_day, false)
	                       AS is_active,
	                       COALESCE(@extschema@.last_day(h.history, p.from_day)
	                                > p.from_day - (p.to_day - p.from_day), false) AS was_active
	                  FROM (SELECT {history} AS history) AS h) AS a
	 WHERE p.from_day IS NOT NULL AND s.tenant = q.tenant AND p.from_day < q.as_of
	 GROUP BY p.from_day, p.to_day, q.tenant, q.as_of
)
SELECT c.from_day, c.to_day, c.is_running, {tenant} AS tenant,
       CASE WHEN c.is_shown THEN c.active_customers END, CASE WHEN c.is_shown THEN c.new_customers END,
       CASE WHEN c.is_shown THEN c.returning_customers END, CASE WHEN c.is_shown THEN c.resurrected_customers END,
       CASE WHEN c.is_shown THEN c.dormant_customers END, NOT c.is_shown
  FROM (SELECT c.*, NOT ({hidden}) AS is_shown FROM counted AS c) AS c
 ORDER BY c.from_day, c.tenant$q$,
			'name', quote_literal(model), 'streams', quote_literal(@extschema@._stream_numbers(settings)) || '::jsonb',
			'people', replace(people, '{caller}', '$5'), 'history', @extschema@._stream_asked(settings),
			'tenant', @extschema@._model_tenant(settings, 'c'), 'hidden', hidden),
		'people with an order (or an event of a stream) by period: new ones, those who had one in the period'
		' before too,'
		' those who come back after a pause; dormant: those who had one in the period before, and none now');
	RETURN NEXT @extschema@._model_function('stickiness', '{weeks int DEFAULT 13,stream text DEFAULT ''orders''}',
		'TABLE (tenant text, active_weeks int, customers bigint, customers_share float8, suppressed boolean)',
		@extschema@._fill($q$
WITH counted AS MATERIALIZED (
	SELECT q.tenant, a.active_weeks, count(*) AS customers
	  FROM (SELECT w.stream_no, w.until_day
	          FROM @extschema@._period_length('weeks', $1, 5200) AS l (weeks),
	               (SELECT max(q.as_of) AS as_of FROM {model}._question_at(NULL, NULL, true, 0, $3) AS q) AS q,
	               LATERAL @extschema@._conversion_window({name}, q.as_of - 7 * l.weeks, 7 * l.weeks, $2, {streams})
	               AS w) AS w,
	       {people},
	       LATERAL (SELECT count(DISTINCT (q.as_of - d.day) / 7)::int AS active_weeks
	                  FROM @extschema@.days({history}) AS d
	                 WHERE d.events > 0 AND d.day <= q.as_of AND d.day > q.as_of - 7 * $1) AS a
	 WHERE s.tenant = q.tenant AND a.active_weeks > 0
	 GROUP BY q.tenant, a.active_weeks
)
SELECT {tenant} AS tenant, n.active_weeks, CASE WHEN NOT n.is_few THEN n.customers END,
       CASE WHEN NOT n.is_few THEN n.customers / sum(n.customers) OVER (PARTITION BY n.tenant)::float8 END, n.is_few
  FROM (SELECT n.*, {few} AS is_few FROM counted AS n) AS n
 ORDER BY n.tenant, n.active_weeks$q$,
			'model', home, 'name', quote_literal(model),
			'streams', quote_literal(@extschema@._stream_numbers(settings)) || '::jsonb',
			'people', replace(people, '{caller}', '$3'), 'history', @extschema@._stream_asked(settings),
			'tenant', @extschema@._model_tenant(settings, 'n'), 'few', few),
		'of those who ordered (or had an event of a stream) in the last weeks, how many did in how many of them');
	-- The squares of what each has brought so far change where somebody orders: sums of
	-- these changes are the squares of a month, as sums of revenue are its value.
	RETURN NEXT @extschema@._model_function('cohort_value', '{}',
		'TABLE (tenant text, cohort_month date, months_since int, customers bigint, value numeric, value_per_customer'
		' numeric, low numeric, high numeric, suppressed boolean)',
		@extschema@._fill($q$
SELECT c.tenant, c.cohort_month, c.months_since, c.customers, CASE WHEN NOT c.hidden THEN c.value END,
       CASE WHEN NOT c.hidden THEN (c.value / NULLIF(c.customers, 0))::{money} END,
       CASE WHEN NOT c.hidden THEN (c.value / NULLIF(c.customers, 0) - e.half)::{money} END,
       CASE WHEN NOT c.hidden THEN (c.value / NULLIF(c.customers, 0) + e.half)::{money} END, c.hidden
  FROM (SELECT c.*, sum(c.revenue) OVER w AS value, bool_or(c.suppressed) OVER w AS hidden,
               COALESCE(sum(q.squares) OVER w, 0) AS squares
          FROM {model}._cohort_retention($1) AS c
          LEFT JOIN ({cells}) AS q ON q.tenant = COALESCE(c.tenant, '') AND q.cohort = c.cohort_month
           AND q.since = c.months_since
        WINDOW w AS (PARTITION BY c.tenant, c.cohort_month ORDER BY c.months_since)) AS c
 CROSS JOIN LATERAL (SELECT CASE WHEN c.customers > 1 AND NOT c.hidden THEN
           (@extschema@.student_t_quantile(0.975, c.customers - 1)
            * sqrt(greatest(c.squares - c.value * c.value / c.customers, 0)::float8 / (c.customers - 1)
                   / c.customers))::numeric END AS half) AS e
 WHERE NOT c.is_running
 ORDER BY c.tenant, c.cohort_month, c.months_since$q$,
			'model', home, 'money', @extschema@._model_money(settings),
			'cells', @extschema@._cohort_cells(model, settings, 'month', '$1')),
		'what the customers who first ordered in a month have brought until so many months later, together and each,'
		' with the 95 % interval of the mean (Student); months that are over alone');
END
$$;
COMMENT ON FUNCTION @extschema@._lifecycle_functions(name, jsonb) IS
	'internal: the functions of a model about periods and cohorts';
