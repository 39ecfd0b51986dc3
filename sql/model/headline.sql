--
-- Layer 4: the numbers that are looked at first, and dated functions as views, with days
-- that move, for tools that call no functions. All of it is what other views and
-- functions say: nothing is counted, or hidden, in another way.
--

-- A sum over segments that can be told if each of them can.
CREATE FUNCTION @extschema@._sum_shown(value text, condition text)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('CASE WHEN bool_and(%1$s IS NOT NULL) FILTER (WHERE %2$s)'
		' THEN sum(%1$s) FILTER (WHERE %2$s) END', value, condition);
END;
COMMENT ON FUNCTION @extschema@._sum_shown(text, text) IS
	'internal: an expression for a sum of numbers of which some may be hidden';

CREATE FUNCTION @extschema@._headline_views(model name, settings jsonb)
	RETURNS SETOF @extschema@._part
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	home	text := quote_ident(model);
	money	text := @extschema@._model_money(settings);
	small	int := settings ->> 'minimum_group_size';
BEGIN
	RETURN NEXT @extschema@._model_view('headline', @extschema@._fill($q$
WITH today AS MATERIALIZED (
	SELECT max(q.as_of) AS as_of FROM {model}._question AS q
), year AS (
	SELECT k.tenant, min(k.value) FILTER (WHERE k.kpi = 'customers' AND k.to_day = t.as_of) AS customers,
	       min(k.n) FILTER (WHERE k.kpi = 'revenue' AND k.to_day = t.as_of) AS orders,
	       min(k.n) FILTER (WHERE k.kpi = 'revenue' AND k.to_day < t.as_of) AS orders_before,
	       min(k.value) FILTER (WHERE k.kpi = 'revenue' AND k.to_day = t.as_of) AS revenue,
	       min(k.value) FILTER (WHERE k.kpi = 'revenue' AND k.to_day < t.as_of) AS revenue_before,
	       bool_or(k.suppressed) AS suppressed
	  FROM today AS t CROSS JOIN LATERAL {kpis} AS k
	 WHERE k.everybody AND k.kpi IN ('customers', 'revenue') GROUP BY k.tenant
), active AS (
	SELECT l.tenant, min(l.active_customers) FILTER (WHERE l.to_day = t.as_of) AS customers,
	       min(l.active_customers) FILTER (WHERE l.to_day < t.as_of) AS customers_before,
	       bool_or(l.suppressed) AS suppressed
	  FROM today AS t CROSS JOIN LATERAL {lifecycle} AS l GROUP BY l.tenant
), roles AS (
	SELECT s.tenant, {prospects} AS prospects, {at_risk} AS at_risk, {at_risk_revenue} AS at_risk_revenue,
	       bool_or(s.suppressed) AS suppressed
	  FROM {summary} AS s WHERE s.role IN ('prospect', 'at_risk') GROUP BY s.tenant
){expected}
SELECT q.as_of, {tenant} AS tenant, y.customers::bigint AS customers, r.prospects::bigint AS prospects,
       {active} AS active_customers_12m, CASE WHEN b.whole THEN a.customers_before END AS active_customers_12m_before,
       y.orders AS orders_12m, CASE WHEN b.whole THEN y.orders_before END AS orders_12m_before,
       y.revenue::{money} AS revenue_12m, CASE WHEN b.whole THEN y.revenue_before END::{money} AS revenue_12m_before,
       CASE WHEN b.whole THEN (y.revenue - y.revenue_before) / NULLIF(greatest(y.revenue_before, 0), 0) END
           AS revenue_12m_change,
       (y.revenue / NULLIF(y.orders, 0))::{money} AS mean_basket_12m,
       CASE WHEN b.whole THEN y.revenue_before / NULLIF(y.orders_before, 0) END::{money} AS mean_basket_12m_before,
       r.at_risk::bigint AS at_risk_customers, r.at_risk_revenue::{money} AS at_risk_revenue,
       {clv} AS clv_12m,
       {suppressed} AS suppressed
  FROM {model}._question AS q
  LEFT JOIN year AS y ON COALESCE(y.tenant, '') = q.tenant
  LEFT JOIN active AS a ON COALESCE(a.tenant, '') = q.tenant
  LEFT JOIN roles AS r ON COALESCE(r.tenant, '') = q.tenant{join_expected}
 -- a shop of 18 months has no year to compare with
 CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM {histories} AS h
        WHERE h.tenant = q.tenant AND @extschema@.first_day(h.history, q.as_of) <= q.as_of - 700) AS whole) AS b
 ORDER BY q.tenant$q$,
			'model', home, 'histories', @extschema@._here(model, settings, '_histories'),
			'money', money, 'tenant', @extschema@._model_tenant(settings, 'q'),
			-- two periods of the same length
			'kpis', @extschema@._with_tenant(settings,
				home || '.segment_kpi_history(t.as_of - 730, t.as_of, ''365 days'')'),
			'lifecycle', @extschema@._with_tenant(settings,
				home || '.lifecycle(t.as_of - 730, t.as_of, ''365 days'')'),
			'summary', @extschema@._view_rows(model, settings, 'segment_summary'),
			-- the rest of everybody is a group too
			'active', CASE WHEN small = 1 THEN 'a.customers' ELSE format('CASE WHEN %s THEN a.customers END',
				@extschema@._part_shown('a.customers', 'y.customers', small)) END,
			'prospects', @extschema@._sum_shown('s.customers', 's.role = ''prospect'''),
			'at_risk', @extschema@._sum_shown('s.customers', 's.role = ''at_risk'''),
			'at_risk_revenue', @extschema@._sum_shown('s.revenue', 's.role = ''at_risk'''),
			'expected', CASE WHEN settings ->> 'prediction' IS NULL THEN '' ELSE @extschema@._fill($q$, expected AS (
	SELECT p.tenant, {clv} AS clv,
	       bool_or(p.suppressed OR p.predicted_customers IS NULL) AS suppressed
	  FROM {predictions} AS p GROUP BY p.tenant
)$q$, 'clv', 'CASE WHEN bool_and(p.predicted_customers = 0 OR p.clv_12m IS NOT NULL) THEN sum(p.clv_12m) END',
				'predictions', @extschema@._view_rows(model, settings, 'prediction_by_segment')) END,
			'join_expected', CASE WHEN settings ->> 'prediction' IS NULL THEN '' ELSE '
  LEFT JOIN expected AS e ON COALESCE(e.tenant, '''') = q.tenant' END,
			'clv', format('%s::%s', CASE WHEN settings ->> 'prediction' IS NULL THEN 'NULL' ELSE 'e.clv' END, money),
			'suppressed', CASE WHEN small = 1 THEN 'false' ELSE format('COALESCE(y.suppressed, false)'
				' OR COALESCE(a.suppressed, false) OR COALESCE(r.suppressed, false)%s OR %s IS NOT TRUE',
				CASE WHEN settings ->> 'prediction' IS NULL THEN '' ELSE ' OR COALESCE(e.suppressed, false)' END,
				@extschema@._part_shown('a.customers', 'y.customers', small)) END),
		'the numbers that are looked at first, a row for each tenant: customers, orders and revenue of the 365 days'
		' until as_of beside those of the 365 days before, who is at risk, what the next 12 months should bring');

	RETURN NEXT @extschema@._model_view('segment_moves_90d', @extschema@._fill($q$
SELECT t.as_of - 90 AS from_day, t.as_of AS to_day, {tenant} AS tenant, m.from_segment, m.from_label, m.to_segment,
       m.to_label, m.customers, m.revenue::{money} AS revenue, m.customers_by_thresholds, m.from_order, m.from_color,
       m.to_order, m.to_color, m.suppressed
  FROM (SELECT max(q.as_of) AS as_of FROM {model}._question AS q) AS t
 CROSS JOIN LATERAL {moves} AS m$q$, 'model', home, 'money', money, 'tenant', @extschema@._model_tenant(settings, 'm'),
			'moves', @extschema@._with_tenant(settings, home || '.segment_transitions(t.as_of - 90, t.as_of)')),
		'segment_transitions from 90 days before as_of to as_of: what a Sankey chart draws');

	-- Days that begin on a 31st are month ends; every month without one follows one that has it.
	RETURN NEXT @extschema@._model_view('segment_history_12m', @extschema@._fill($q$
SELECT h.as_of, {tenant} AS tenant, h.segment, h.segment_label, h.role, h.customers, h.customers_share,
       h.revenue::{money} AS revenue, h.revenue_share, h.segment_order, h.segment_color, h.suppressed
  FROM (SELECT t.as_of, (date_trunc('month', t.as_of) - interval '11 months')::date - 1 AS first
          FROM (SELECT max(q.as_of) AS as_of FROM {model}._question AS q) AS t) AS t
 CROSS JOIN LATERAL (VALUES (CASE WHEN extract(day FROM t.first) = 31 THEN t.first
                                  ELSE (date_trunc('month', t.first)::date - 1) END, t.as_of - 1),
                            (t.as_of, t.as_of)) AS d (from_day, to_day)
 CROSS JOIN LATERAL {history} AS h
 WHERE h.as_of >= t.first
 ORDER BY h.as_of, {order}h.segment_order, h.segment$q$,
			'model', home, 'money', money, 'tenant', @extschema@._model_tenant(settings, 'h'),
			'order', CASE WHEN settings ->> 'tenant' IS NULL THEN '' ELSE 'h.tenant, ' END,
			'history', @extschema@._with_tenant(settings,
				home || '.segment_history(d.from_day, d.to_day, ''1 month'')')),
		'segment_history of the last 12 ends of a month before as_of, and of as_of');
END
$$;
COMMENT ON FUNCTION @extschema@._headline_views(name, jsonb) IS
	'internal: the views of a model that say what is looked at first';
