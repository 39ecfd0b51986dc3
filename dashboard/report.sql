-- A model as one HTML file, where there is no Node.js: tables and bars, no scripts,
-- nothing of another host, in English or French. It reads what the dashboard reads, the
-- views of the model without the name of a customer, as any role that may read them:
--
--   psql -X -v model=shop -f dashboard/report.sql > report.html
--   psql -X -v model=shop -v language=fr -v tenant=north -f dashboard/report.sql > report.html
--
-- The elements are made by PostgreSQL's functions for XML, which escape what comes from
-- the model; data-value has each number as the view says it.
\set ON_ERROR_STOP on
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset pager off
\if :{?model} \else \set model '' \endif
\if :{?language} \else \set language en \endif
\if :{?tenant} \else \set tenant '' \endif
\set raise_problem 'DO $$ BEGIN IF current_setting(''report.problem'') <> '''' THEN RAISE EXCEPTION ''%'', current_setting(''report.problem''); END IF; END $$;'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL client_min_messages = warning;
SET LOCAL DateStyle = ISO;
SET LOCAL jit = off;
SET LOCAL search_path = pg_catalog;
SELECT set_config('report.problem', CASE WHEN :'model' = '' THEN 'name the model: -v model=NAME'
       WHEN getdatabaseencoding() <> 'UTF8' THEN format('the report has signs that encoding %s may lack: it is made in databases of UTF8', getdatabaseencoding())
       ELSE '' END, true) AS ignored \gset
:raise_problem
SELECT :'language' = 'fr' AS french,
       to_regclass(format('%I.prediction_by_segment', :'model')) IS NOT NULL AS has_prediction,
       to_regclass(format('%I.category_by_segment', :'model')) IS NOT NULL AS has_categories,
       EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass(format('%I.headline', :'model'))
                  AND a.attname = 'tenant') AND :'tenant' = '' AS unnamed \gset
SELECT set_config('report.problem', CASE WHEN :'language' NOT IN ('en', 'fr') THEN format('language is %s, not en or fr', :'language')
       WHEN to_regclass(format('%I.headline', :'model')) IS NULL THEN format('there is no model "%s" in this database', :'model')
       WHEN :'unnamed' = 't' THEN format('model "%s" has tenants: name one, -v tenant=NAME', :'model') ELSE '' END, true) AS ignored \gset
:raise_problem
SELECT count(*) = 0 AS nobody FROM :"model".headline AS t WHERE to_jsonb(t) ->> 'tenant' IS NOT DISTINCT FROM nullif(:'tenant', '') \gset
SELECT set_config('report.problem', CASE WHEN :'nobody' = 't' THEN format('model "%s" has no tenant "%s" that this role may see', :'model', :'tenant') ELSE '' END, true) AS ignored \gset
:raise_problem

\if :french
\set w_title 'Clients de'
\set w_as_of 'au'
\set w_none '–'
\set w_hidden 'non montré'
\set w_headline 'En bref'
\set w_customers 'Clients'
\set w_prospects 'dont encore sans commande'
\set w_active 'Actifs sur 12 mois'
\set w_orders 'Commandes sur 12 mois'
\set w_revenue 'Chiffre d’affaires sur 12 mois'
\set w_change 'évolution sur un an'
\set w_basket 'Panier moyen'
\set w_at_risk 'À risque'
\set w_at_risk_revenue 'ce qu’ils ont apporté jusqu’ici'
\set w_clv 'Attendu sur 12 mois'
\set w_before 'avant'
\set w_segments 'Segments'
\set w_segment 'Segment'
\set w_share 'Part'
\set w_so_far 'Chiffre d’affaires à ce jour'
\set w_grid 'Récence et fréquence'
\set w_grid_note 'clients par dernière commande et nombre de commandes'
\set w_moves 'Mouvements sur 90 jours'
\set w_from 'De'
\set w_to 'Vers'
\set w_unknown 'Inconnus auparavant'
\set w_history 'Les segments dans le temps'
\set w_day 'Jour'
\set w_expected 'Valeur attendue'
\set w_churn 'Probabilité d’être parti (moyenne)'
\set w_goals 'Objectifs'
\set w_kpi 'Indicateur'
\set w_was 'Était'
\set w_is 'Est'
\set w_target 'Doit être'
\set w_due 'Échéance'
\set w_status 'État'
\set w_categories 'Catégories'
\set w_category 'Catégorie'
\set w_quality 'Qualité des données'
\set w_what 'Quoi'
\set w_affected 'Combien'
\set w_meaning 'Ce que cela veut dire'
\set w_advice 'Que faire'
\set w_clean 'Rien n’a été trouvé.'
\set w_no_prediction 'Le modèle ne prédit rien : alter_model(…, prediction => ''mbgnbd'')'
\set w_no_goals 'Aucun objectif n’est fixé : set_goal(…)'
\set w_no_categories 'Le modèle ne connaît pas de catégories : add_stream(…, role => ''line'')'
\set w_foot 'Fait par customer_scoring à partir des vues du modèle, sans le nom d’aucun client.'
\else
\set w_title 'Customers of'
\set w_as_of 'as of'
\set w_none '–'
\set w_hidden 'not shown'
\set w_headline 'At a glance'
\set w_customers 'Customers'
\set w_prospects 'of them without an order so far'
\set w_active 'Active in 12 months'
\set w_orders 'Orders of 12 months'
\set w_revenue 'Revenue of 12 months'
\set w_change 'change on the year before'
\set w_basket 'Mean basket'
\set w_at_risk 'At risk'
\set w_at_risk_revenue 'what they have brought so far'
\set w_clv 'Expected in 12 months'
\set w_before 'before'
\set w_segments 'Segments'
\set w_segment 'Segment'
\set w_share 'Share'
\set w_so_far 'Revenue so far'
\set w_grid 'Recency and frequency'
\set w_grid_note 'customers by last order and number of orders'
\set w_moves 'Moves in 90 days'
\set w_from 'From'
\set w_to 'To'
\set w_unknown 'Not known before'
\set w_history 'Segments over time'
\set w_day 'Day'
\set w_expected 'Expected value'
\set w_churn 'Probability to have left (mean)'
\set w_goals 'Goals'
\set w_kpi 'Key figure'
\set w_was 'Was'
\set w_is 'Is'
\set w_target 'Should be'
\set w_due 'Due on'
\set w_status 'Status'
\set w_categories 'Categories'
\set w_category 'Category'
\set w_quality 'Data quality'
\set w_what 'What'
\set w_affected 'How many'
\set w_meaning 'What it means'
\set w_advice 'What to do'
\set w_clean 'Nothing was found.'
\set w_no_prediction 'The model predicts nothing: alter_model(…, prediction => ''mbgnbd'')'
\set w_no_goals 'No goal is set: set_goal(…)'
\set w_no_categories 'The model knows no categories: add_stream(…, role => ''line'')'
\set w_foot 'Made by customer_scoring from the views of the model, without the name of a customer.'
\endif

-- How numbers are written, and what stands for those that are not.
SELECT set_config('report.signs', CASE WHEN :'language' = 'fr' THEN U&'\202F,' ELSE ',.' END, true),
       set_config('report.hidden', :'w_hidden', true),
       set_config('report.percent', CASE WHEN :'language' = 'fr' THEN U&'\00A0%' ELSE '%' END, true) \gset ignored_

-- The cells of a row, from rows (n, key, value, kind, color) c of a row t of a view.
\set cells '(SELECT xmlagg(xmlelement(name td, xmlattributes(c.key AS "data-key", CASE WHEN c.kind IS DISTINCT FROM ''bar'' THEN c.value END AS "data-value", CASE WHEN c.kind <> ''bar'' THEN ''number'' END AS class), CASE WHEN c.kind = ''bar'' THEN xmlelement(name svg, xmlattributes(160 AS width, 12 AS height, ''img'' AS role, round(100 * coalesce(c.value, ''0'')::numeric)::text || '' %'' AS "aria-label"), xmlelement(name rect, xmlattributes(round(160 * coalesce(c.value, ''0'')::numeric, 1) AS width, 12 AS height, c.color AS fill))) END, CASE WHEN c.kind = ''bar'' THEN NULL WHEN c.value IS NULL THEN CASE WHEN c.kind IS NOT NULL AND (to_jsonb(t) ->> ''suppressed'')::boolean THEN current_setting(''report.hidden'') ELSE ''–'' END WHEN c.kind IS NULL THEN c.value WHEN c.kind = ''percent'' THEN translate(to_char(100 * c.value::numeric, ''FM999,999,990.0''), '',.'', current_setting(''report.signs'')) || current_setting(''report.percent'') WHEN c.kind = ''count'' THEN translate(to_char(c.value::numeric, ''FM999,999,999,999,990''), '',.'', current_setting(''report.signs'')) ELSE translate(to_char(c.value::numeric, ''FM999,999,999,999,990.00''), '',.'', current_setting(''report.signs'')) END) ORDER BY c.n) FROM (VALUES '
\set cells_end ') AS c (n, key, value, kind, color))'
\set mine 'to_jsonb(t) ->> ''tenant'' IS NOT DISTINCT FROM nullif(current_setting(''report.tenant''), '''')'
SELECT set_config('report.tenant', :'tenant', true) AS ignored \gset

SELECT '<!DOCTYPE html>', E'<html xmlns="http://www.w3.org/1999/xhtml" lang="' || CASE WHEN :'language' = 'fr' THEN 'fr' ELSE 'en' END || '">',
       xmlelement(name head, xmlelement(name meta, xmlattributes('utf-8' AS charset)), xmlelement(name title, :'w_title' || ' ' || :'model'),
         xmlelement(name meta, xmlattributes('viewport' AS name, 'width=device-width, initial-scale=1' AS content)),
         xmlelement(name style, 'body { font: 15px system-ui, sans-serif; color: #1f2933; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; }'
           ' h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } .note { color: #52606d; } table { border-collapse: collapse; }'
           ' th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #e5e7eb; vertical-align: top; } th { color: #52606d; font-weight: 600; }'
           ' .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } #grid td.number { min-width: 4rem; }')), '<body>' \g (fieldsep='\n')
SELECT xmlconcat(xmlelement(name h1, :'w_title' || ' ' || :'model' || CASE WHEN :'tenant' <> '' THEN ' · ' || :'tenant' ELSE '' END),
         xmlelement(name p, xmlattributes('note' AS class), :'w_as_of' || ' ' || t.as_of::text || CASE WHEN t.status <> 'ok' THEN ' · ' || t.status || ': ' || coalesce(t.needs, '') ELSE '' END))
FROM :"model".model_status AS t;

SELECT xmlelement(name section, xmlattributes('headline' AS id), xmlelement(name h2, :'w_headline'), xmlelement(name table, xmlelement(name tbody, xmlagg(
         xmlelement(name tr, xmlelement(name th, r.word), r.cells) ORDER BY r.n))))
FROM :"model".headline AS t CROSS JOIN LATERAL (VALUES
	(1, :'w_customers', :cells (1, 'customers', t.customers::text, 'count', NULL) :cells_end),
	(2, :'w_prospects', :cells (1, 'prospects', t.prospects::text, 'count', NULL) :cells_end),
	(3, :'w_active', :cells (1, 'active_customers_12m', t.active_customers_12m::text, 'count', NULL) :cells_end),
	(4, :'w_orders', :cells (1, 'orders_12m', t.orders_12m::text, 'count', NULL) :cells_end),
	(5, :'w_revenue', :cells (1, 'revenue_12m', t.revenue_12m::text, 'money', NULL) :cells_end),
	(6, :'w_change', :cells (1, 'revenue_12m_change', t.revenue_12m_change::text, 'percent', NULL) :cells_end),
	(7, :'w_basket', :cells (1, 'mean_basket_12m', t.mean_basket_12m::text, 'money', NULL) :cells_end),
	(8, :'w_at_risk', :cells (1, 'at_risk_customers', t.at_risk_customers::text, 'count', NULL) :cells_end),
	(9, :'w_at_risk_revenue', :cells (1, 'at_risk_revenue', t.at_risk_revenue::text, 'money', NULL) :cells_end),
	(10, :'w_clv', :cells (1, 'clv_12m', t.clv_12m::text, 'money', NULL) :cells_end)) AS r (n, word, cells)
WHERE :mine;

SELECT xmlelement(name section, xmlattributes('segments' AS id), xmlelement(name h2, :'w_segments'), xmlelement(name table,
         xmlelement(name thead, xmlelement(name tr, xmlforest(:'w_segment' AS th), xmlelement(name th, xmlattributes('number' AS class), :'w_customers'), xmlelement(name th, ' '), xmlelement(name th, xmlattributes('number' AS class), :'w_share'), xmlelement(name th, xmlattributes('number' AS class), :'w_so_far'), xmlelement(name th, ' '), xmlelement(name th, xmlattributes('number' AS class), :'w_share'))),
         xmlelement(name tbody, xmlagg(xmlelement(name tr, :cells (1, 'segment_label', t.segment_label, NULL, NULL), (2, 'customers', t.customers::text, 'count', NULL),
           (3, NULL, (t.customers::numeric / nullif(t.most, 0))::text, 'bar', t.segment_color), (4, 'customers_share', t.customers_share::text, 'percent', NULL), (5, 'revenue', t.revenue::text, 'money', NULL),
           (6, NULL, (greatest(t.revenue, 0) / nullif(t.most_revenue, 0))::text, 'bar', t.segment_color), (7, 'revenue_share', t.revenue_share::text, 'percent', NULL) :cells_end) ORDER BY t.segment_order))))
FROM (SELECT t.*, max(t.customers) OVER () AS most, max(t.revenue) OVER () AS most_revenue FROM :"model".segment_summary AS t WHERE :mine) AS t;

SELECT xmlelement(name section, xmlattributes('grid' AS id), xmlelement(name h2, :'w_grid'), xmlelement(name p, xmlattributes('note' AS class), :'w_grid_note'), xmlelement(name table,
         xmlelement(name thead, xmlelement(name tr, xmlelement(name th, ' '), (SELECT xmlagg(xmlelement(name th, xmlattributes('number' AS class), f.f_range) ORDER BY f.f_score) FROM (SELECT DISTINCT t.f_score, t.f_range FROM :"model".rfm_grid AS t WHERE :mine) AS f))),
         xmlelement(name tbody, xmlagg(xmlelement(name tr, xmlelement(name th, r.r_range), r.cells) ORDER BY r.r_score DESC))))
FROM (SELECT t.r_score, t.r_range, xmlagg(xmlelement(name td, xmlattributes('number' AS class, 'customers' AS "data-key", t.customers AS "data-value",
               'background: rgba(8, 81, 156, ' || round(coalesce(sqrt(t.customers / nullif(t.most, 0)::numeric), 0) * 0.45, 3) || ')' AS style),
               CASE WHEN t.suppressed THEN '…' ELSE translate(to_char(t.customers, 'FM999,999,999,990'), ',', current_setting('report.signs')) END) ORDER BY t.f_score) AS cells
        FROM (SELECT t.*, max(t.customers) OVER () AS most FROM :"model".rfm_grid AS t WHERE :mine) AS t GROUP BY t.r_score, t.r_range) AS r;

SELECT xmlelement(name section, xmlattributes('moves' AS id), xmlelement(name h2, :'w_moves'), xmlelement(name table,
         xmlelement(name thead, xmlelement(name tr, xmlelement(name th, :'w_from'), xmlelement(name th, :'w_to'), xmlelement(name th, xmlattributes('number' AS class), :'w_customers'), xmlelement(name th, ' '))),
         xmlelement(name tbody, xmlagg(xmlelement(name tr, :cells (1, 'from_label', CASE WHEN t.from_segment IS NULL THEN :'w_unknown' ELSE t.from_label END, NULL, NULL), (2, 'to_label', t.to_label, NULL, NULL),
           (3, 'customers', t.customers::text, 'count', NULL), (4, NULL, (t.customers::numeric / nullif(t.most, 0))::text, 'bar', coalesce(t.to_color, '#9fb3c8')) :cells_end) ORDER BY t.from_order, t.to_order))))
FROM (SELECT t.*, max(t.customers) OVER () AS most FROM :"model".segment_moves_90d AS t WHERE :mine AND t.from_segment IS DISTINCT FROM t.to_segment) AS t;

SELECT xmlelement(name section, xmlattributes('history' AS id), xmlelement(name h2, :'w_history'), xmlelement(name table,
         xmlelement(name thead, xmlelement(name tr, xmlelement(name th, :'w_day'), (SELECT xmlagg(xmlelement(name th, xmlattributes('number' AS class), s.segment_label) ORDER BY s.segment_order) FROM (SELECT DISTINCT t.segment_label, t.segment_order FROM :"model".segment_history_12m AS t WHERE :mine) AS s))),
         xmlelement(name tbody, xmlagg(xmlelement(name tr, xmlelement(name td, d.as_of::text), d.cells) ORDER BY d.as_of))))
FROM (SELECT w.as_of, xmlagg(xmlelement(name td, xmlattributes('number' AS class, 'customers' AS "data-key", t.customers AS "data-value"),
               CASE WHEN t.suppressed THEN '…' ELSE translate(to_char(coalesce(t.customers, 0), 'FM999,999,999,990'), ',', current_setting('report.signs')) END) ORDER BY s.segment_order) AS cells
        FROM (SELECT DISTINCT t.as_of FROM :"model".segment_history_12m AS t WHERE :mine) AS w
       CROSS JOIN (SELECT DISTINCT t.segment_label, t.segment_order FROM :"model".segment_history_12m AS t WHERE :mine) AS s
        LEFT JOIN (SELECT t.* FROM :"model".segment_history_12m AS t WHERE :mine) AS t
               ON t.as_of = w.as_of AND t.segment_label IS NOT DISTINCT FROM s.segment_label AND t.segment_order IS NOT DISTINCT FROM s.segment_order GROUP BY w.as_of) AS d;

\if :has_prediction
SELECT xmlelement(name section, xmlattributes('expected' AS id), xmlelement(name h2, :'w_expected'), xmlelement(name table,
         xmlelement(name thead, xmlelement(name tr, xmlelement(name th, :'w_segment'), xmlelement(name th, xmlattributes('number' AS class), :'w_clv'), xmlelement(name th, ' '), xmlelement(name th, xmlattributes('number' AS class), :'w_churn'))),
         xmlelement(name tbody, xmlagg(xmlelement(name tr, :cells (1, 'segment_label', t.segment_label, NULL, NULL), (2, 'clv_12m', t.clv_12m::text, 'money', NULL),
           (3, NULL, (t.clv_12m / nullif(t.most, 0))::text, 'bar', t.segment_color), (4, 'mean_churn_probability', t.mean_churn_probability::text, 'percent', NULL) :cells_end) ORDER BY t.segment_order))))
FROM (SELECT t.*, max(t.clv_12m) OVER () AS most FROM :"model".prediction_by_segment AS t WHERE :mine) AS t;
\else
SELECT xmlelement(name section, xmlattributes('expected' AS id), xmlelement(name h2, :'w_expected'), xmlelement(name p, xmlattributes('note' AS class), :'w_no_prediction'));
\endif

SELECT xmlelement(name section, xmlattributes('goals' AS id), xmlelement(name h2, :'w_goals'), CASE WHEN count(*) = 0 THEN xmlelement(name p, xmlattributes('note' AS class), :'w_no_goals') ELSE xmlelement(name table,
         xmlelement(name thead, xmlelement(name tr, xmlelement(name th, :'w_segment'), xmlelement(name th, :'w_kpi'), xmlelement(name th, xmlattributes('number' AS class), :'w_was'), xmlelement(name th, xmlattributes('number' AS class), :'w_is'), xmlelement(name th, xmlattributes('number' AS class), :'w_target'), xmlelement(name th, :'w_status'), xmlelement(name th, :'w_due'))),
         xmlelement(name tbody, xmlagg(xmlelement(name tr, :cells (1, 'segment_label', t.segment_label, NULL, NULL), (2, 'kpi', t.kpi, NULL, NULL),
           (3, 'baseline', t.baseline::text, CASE WHEN t.kpi ~ '_(rate|share)$' THEN 'percent' ELSE 'money' END, NULL), (4, 'actual', t.actual::text, CASE WHEN t.kpi ~ '_(rate|share)$' THEN 'percent' ELSE 'money' END, NULL),
           (5, 'target_value', t.target_value::text, CASE WHEN t.kpi ~ '_(rate|share)$' THEN 'percent' ELSE 'money' END, NULL), (6, 'status', t.status, NULL, NULL), (7, 'due_on', t.due_on::text, NULL, NULL) :cells_end) ORDER BY t.due_on, t.segment_order, t.kpi))) END)
FROM (SELECT t.* FROM :"model".goals AS t WHERE :mine) AS t;

\if :has_categories
SELECT xmlelement(name section, xmlattributes('categories' AS id), xmlelement(name h2, :'w_categories'), xmlelement(name table,
         xmlelement(name thead, xmlelement(name tr, xmlelement(name th, :'w_segment'), xmlelement(name th, :'w_category'), xmlelement(name th, xmlattributes('number' AS class), :'w_customers'), xmlelement(name th, xmlattributes('number' AS class), :'w_share'), xmlelement(name th, ' '))),
         xmlelement(name tbody, xmlagg(xmlelement(name tr, :cells (1, 'segment_label', t.segment_label, NULL, NULL), (2, 'category', t.category, NULL, NULL), (3, 'customers', t.customers::text, 'count', NULL),
           (4, 'share', t.share::text, 'percent', NULL), (5, NULL, t.share::text, 'bar', t.segment_color) :cells_end) ORDER BY t.segment_order, t.share DESC NULLS LAST, t.category))))
FROM (SELECT t.* FROM :"model".category_by_segment AS t WHERE :mine AND t.segment IS NOT NULL) AS t;
\else
SELECT xmlelement(name section, xmlattributes('categories' AS id), xmlelement(name h2, :'w_categories'), xmlelement(name p, xmlattributes('note' AS class), :'w_no_categories'));
\endif

SELECT xmlelement(name section, xmlattributes('quality' AS id), xmlelement(name h2, :'w_quality'), CASE WHEN count(*) = 0 THEN xmlelement(name p, xmlattributes('note' AS class), :'w_clean') ELSE xmlelement(name table,
         xmlelement(name thead, xmlelement(name tr, xmlelement(name th, :'w_what'), xmlelement(name th, xmlattributes('number' AS class), :'w_affected'), xmlelement(name th, :'w_meaning'), xmlelement(name th, :'w_advice'))),
         xmlelement(name tbody, xmlagg(xmlelement(name tr, :cells (1, 'reason', t.reason, NULL, NULL), (2, 'affected', t.affected::text, 'count', NULL), (3, NULL, t.explanation, NULL, NULL), (4, NULL, t.advice, NULL, NULL) :cells_end) ORDER BY t.reason))) END)
FROM (SELECT t.* FROM :"model".data_quality AS t WHERE :mine AND t.affected > 0) AS t;

SELECT xmlconcat(xmlelement(name p, xmlattributes('note' AS class), :'w_foot')), '</body>', '</html>' \g (fieldsep='\n')
COMMIT;
