-- Explanations: scores, rules and steps in words, and who is one order away.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE shopdata.sales AS SELECT customer_id, ordered_on, total FROM orders;
SELECT count(*) > 0 AS done FROM create_model('m', 'sales', customer => 'customer_id', day => 'ordered_on', value => 'total', customers => 'people', attributes => '{city}', as_of => '2025-12-31');

-- One customer of each segment, for his manager
CREATE FUNCTION shopdata.told(model text, key text, settings text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('SELECT concat_ws('' | '', position, topic, value, explanation, score, weight, round(contribution::numeric, 3), iso(last_day)) FROM explain_score(%L, %L%s)', model, key, settings);
END $$;
CREATE TABLE shopdata.chosen AS SELECT segment, segment_order, min(customer_key) AS key FROM m.customer_scores GROUP BY 1, 2;
SELECT c.segment, t.* FROM chosen AS c, told('m', key) AS t ORDER BY segment_order, t;
SELECT c.segment, t.* FROM chosen AS c, told('m', key, ', language => ''fr-CA''') AS t WHERE segment IN ('vip', 'at_risk', 'prospects') ORDER BY segment_order, t;
-- ... for himself
SELECT c.segment, t.* FROM chosen AS c, told('m', key, ', audience => ''customer''') AS t WHERE segment IN ('lapsed', 'prospects') ORDER BY segment_order, t;
SELECT c.segment, t.* FROM chosen AS c, told('m', key, ', audience => ''customer'', language => ''fr''') AS t WHERE segment IN ('lapsed', 'prospects') ORDER BY segment_order, t;
-- a language that nobody wrote, a day in the past, a day before everything
SELECT DISTINCT (SELECT string_agg(explanation, ' ' ORDER BY position) FROM explain_score('m', '1', language => l)) = (SELECT string_agg(explanation, ' ' ORDER BY position) FROM explain_score('m', '1', language => 'en')) AS english FROM unnest('{de,frr,"",EN,pt-BR}'::text[]) AS l;
SELECT * FROM told('m', (SELECT key FROM chosen WHERE segment = 'lapsed'), ', as_of => ''2025-03-31''');
SELECT refused('explain_score(''m'', ''390'', ''2023-01-01'')', true);

-- What is asked wrongly
SELECT refused(call, true) FROM unnest(ARRAY[$$explain_score('m', 'nobody at all')$$, $$explain_score('m', NULL)$$, $$explain_score(NULL, '1')$$, $$explain_score('no such model', '1')$$, $$explain_score('shopdata', '1')$$,
  $$explain_score('m', '1', audience => 'boss')$$, $$explain_score('m', '1', audience => NULL)$$, $$explain_score('m', '1', 'infinity')$$, $$near_misses('m', 'best friends')$$, $$near_misses('m', NULL)$$, $$near_misses('no such model', 'vip')$$,
  $$near_misses('m', 'vip', -1)$$, $$near_misses('m', 'vip', 'NaN')$$, $$near_misses('m', 'vip', 0.0000000001)$$, $$near_misses('m', 'vip', as_of => '-infinity')$$]) AS call;

-- The customer is told nothing of scores, segments and thresholds.
SELECT count(*) AS sentences, count(*) FILTER (WHERE explanation ~* '\m(R|F|M|RFM) [0-9]|score|segment|thresh|seuil|rule|règle|better|rank') AS telling, count(score) + count(weight) + count(contribution) + count(last_day) AS numbers
FROM (SELECT customer_key FROM m.customer_scores ORDER BY customer_key LIMIT 10) AS c, unnest('{en,fr}'::text[]) AS l, explain_score('m', customer_key, audience => 'customer', language => l);

-- Contributions add up to rfm_score, and the rows are those of the view.
SELECT count(*) AS customers, count(*) FILTER (WHERE e.r IS DISTINCT FROM s.r_score OR e.f IS DISTINCT FROM s.f_score OR e.m IS DISTINCT FROM s.m_score OR abs(e.sum - s.rfm_score) > 1e-9 OR e.label IS DISTINCT FROM s.segment_label) AS wrong
FROM (SELECT * FROM m.customer_scores ORDER BY customer_key LIMIT 10) AS s, LATERAL (SELECT max(score) FILTER (WHERE topic = 'recency') AS r, max(score) FILTER (WHERE topic = 'frequency') AS f, max(score) FILTER (WHERE topic = 'monetary') AS m,
  sum(contribution) AS sum, max(value) FILTER (WHERE topic = 'segment') AS label FROM explain_score('m', s.customer_key)) AS e;

-- near_misses, and the same slowly: everybody is given that order, and all are scored again.
CREATE FUNCTION shopdata.slow_misses(target text, amount numeric, day date, thresholds float8[], further text DEFAULT '') RETURNS TABLE (customer_key text, segment text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    WITH given AS MATERIALIZED (SELECT customer_id, s.segment FROM score_customers(
           'SELECT customer_id, ordered_on, total FROM sales UNION ALL SELECT customer_id, date ''%1$s'', %2$s FROM (SELECT customer_id FROM sales UNION SELECT customer_id FROM people) AS everyone', %1$L, monetary_thresholds => %3$L%4$s) AS s),
         now AS MATERIALIZED (SELECT customer_id, s.segment FROM score_customers('SELECT customer_id, ordered_on, total FROM sales', %1$L, monetary_thresholds => %3$L%4$s) AS s
                              UNION ALL SELECT customer_id::text, 'prospects' FROM people WHERE customer_id NOT IN (SELECT customer_id FROM sales WHERE ordered_on <= %1$L))
    SELECT n.customer_id, n.segment FROM now AS n JOIN given AS g USING (customer_id) JOIN m.segments AS a ON a.segment = n.segment JOIN m.segments AS b ON b.segment = g.segment
    WHERE g.segment = %5$L AND a.segment_order > b.segment_order$q$, iso(day), amount, thresholds, further, target);
END $$;
SELECT target, amount, a.* FROM unnest('{vip,upsell_potential,new_customers,regular,occasional}'::text[]) WITH ORDINALITY AS t (target, n), unnest('{0,500}'::numeric[]) AS amount,
  differ(format('SELECT customer_key, segment FROM near_misses(''m'', %L, %s)', target, amount),
         format('SELECT * FROM slow_misses(%L, %s, ''2025-12-31'', %L)', target, amount, (SELECT monetary_thresholds FROM m.calibration))) AS a ORDER BY n, amount;
SELECT a.* FROM differ($$SELECT customer_key, segment FROM near_misses('m', 'regular', 40, '2025-06-30')$$,
  format('SELECT * FROM slow_misses(''regular'', 40, ''2025-06-30'', %L)', (SELECT monetary_thresholds FROM m.calibration))) AS a;
SELECT a.* FROM differ($$SELECT * FROM near_misses('m', 'regular')$$, format($$SELECT * FROM near_misses('m', 'regular', %s)$$, (SELECT round(median_value::numeric, 2) FROM m.calibration))) AS a;
SELECT abs(median_value - (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY mean_value::float8) FROM m.customer_scores WHERE frequency > 0)) < 0.01 AS is_median FROM m.calibration;
SELECT customer_key, iso(as_of) AS as_of, segment, segment_label, rfm_code, rfm_code_then, monetary, step_amount, step FROM near_misses('m', 'vip') LIMIT 2;
SELECT customer_key, segment_label, step FROM near_misses('m', 'vip', 1234.5, '2025-11-30', 'fr') LIMIT 2;
SELECT count(*) AS misses, count(*) FILTER (WHERE monetary > before) AS unordered FROM (SELECT monetary, lag(monetary) OVER () AS before FROM near_misses('m', 'occasional')) AS s;
SELECT (SELECT count(*) FROM near_misses('m', 'prospects')) AS of_the_worst;

-- A segment set by a person
SELECT count(*) AS done FROM override_segment('m', (SELECT customer_key FROM near_misses('m', 'vip') LIMIT 1), 'regular', 'pays late', '2026-03-31');
SELECT replace(t, current_user, 'me') AS told FROM m.customer_scores AS s, told('m', s.customer_key) AS t WHERE segment_overridden;
SELECT replace(t, current_user, 'moi') AS told FROM m.customer_scores AS s, told('m', s.customer_key, ', language => ''fr''') AS t WHERE segment_overridden AND t ~ 'segment|next';
SELECT explanation FROM m.customer_scores AS s, explain_score('m', s.customer_key, audience => 'customer') WHERE segment_overridden AND topic = 'by_hand';
SELECT count(*) AS listed FROM near_misses('m', 'vip') JOIN m.customer_scores AS s USING (customer_key) WHERE s.segment_overridden;

-- of the best segment by the rules and set to another: it's the rules that know no better one
SELECT customer_key AS best FROM m.vip_customers ORDER BY customer_key COLLATE "C" LIMIT 1 \gset
SELECT count(*) > 0 AS done FROM override_segment('m', :'best', 'regular', 'moves away');
SELECT l AS language, explanation FROM unnest('{en,fr}'::text[]) AS l, explain_score('m', :'best', language => l) WHERE topic = 'next_step' ORDER BY l;
SELECT count(*) > 0 AS done FROM clear_override('m', :'best');

SELECT count(*) AS done FROM clear_override('m', (SELECT customer_key FROM m.customer_scores WHERE segment_overridden));

-- Every map: the rule in words is the one that the customer's scores are in
CREATE FUNCTION shopdata.ruled(settings text, keys int) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'SELECT count(*) FROM alter_model(''m'', ' || settings || ')';
  RETURN NEXT settings;
  RETURN QUERY SELECT '  ' || t FROM (SELECT customer_key AS key FROM m.customer_scores ORDER BY hashint8(customer_key::int) LIMIT keys) AS c, told('m', key) AS t;
END $$;
SELECT * FROM ruled($$segment_map => 'standard'$$, 1);
SELECT * FROM ruled($$segment_map => 'shopify_names'$$, 2);
SELECT * FROM ruled($$segment_map => 'essential_hybrid'$$, 3);
SELECT * FROM ruled($$segment_map => 'rfm_r'$$, 1);
SELECT * FROM ruled($$segment_map => 'klaviyo', bins => 3$$, 1);
SELECT * FROM ruled($$segment_map => 'pymc_quartile', bins => 4$$, 1);
SELECT * FROM ruled($$segment_map => 'essential', bins => 5, window_days => 365, monetary => 'mean', frequency => 'active_days', weights => '{2,1,0.5}'$$, 3);
SELECT * FROM ruled($$window_days => 7, language => 'fr'$$, 2);
SELECT t.* FROM (SELECT min(customer_key) AS key FROM m.customer_scores WHERE frequency = 0) AS c, told('m', key) AS t;
SELECT t.* FROM (SELECT min(customer_key) AS key FROM m.customer_scores WHERE frequency = 0) AS c, told('m', key, ', audience => ''customer''') AS t;
-- thresholds of a million days, of nothing, and twice the same
SELECT * FROM ruled($$recency_thresholds => '{0,10,10,1000000}', frequency_thresholds => '{2.5,2.5,2.5,1000}', monetary_thresholds => '{-5,0,100.005,1e9}', reset => '{window_days,language,monetary,frequency,weights}'$$, 2);
SELECT count(*) > 0 AS done FROM drop_model('m');
-- nobody has ordered, and nothing is to be decided
SELECT count(*) > 0 AS done FROM create_model('m', 'SELECT 1 AS customer, date ''2025-01-01'' AS day, 10 AS value WHERE false', customers => 'people', as_of => '2025-12-31', purpose => 'letters to customers', legal_basis => 'consent', attributes => '{city}');
SELECT * FROM told('m', '1');
SELECT * FROM told('m', '1', ', audience => ''customer''');
SELECT (SELECT count(*) FROM near_misses('m', 'new_customers')) AS without_a_median, (SELECT count(*) FROM near_misses('m', 'new_customers', 10)) AS with_an_amount;
SELECT count(*) > 0 AS done FROM drop_model('m');

-- What is predicted, and what speaks for it; what isn't, and why. Customers buy at
-- rates of their own, and leave after an order with a chance of their own
CREATE TABLE shopdata.mortals AS
SELECT c.i AS customer, c.first + coalesce(o.day, 0)::int AS day, 20 + c.i % 7 * 5 + coalesce(o.k, 0) % 4 AS value
  FROM (SELECT i, date '2024-01-01' + floor(600 * d[1])::int AS first, -ln(d[2]) / 40 AS rate, least(40, floor(ln(d[4]) / ln(power(d[3], 0.4))))::int AS stays
          FROM (SELECT i, ARRAY(SELECT ((hashint8extended(i, n) & 1048575) + 0.5) / 1048576 FROM generate_series(1, 4) AS n) AS d FROM generate_series(1, 800) AS i) AS d) AS c
 CROSS JOIN LATERAL (SELECT 0 AS k, 0::float8 AS day UNION ALL
                     SELECT k, ceil(sum(-ln(((hashint8extended(c.i, 100 + k) & 1048575) + 0.5) / 1048576) / c.rate) OVER (ORDER BY k)) FROM generate_series(1, c.stays) AS k) AS o
 WHERE o.day <= date '2025-12-31' - c.first;
SELECT count(*) > 0 AS done FROM create_model('m', 'mortals', customer => 'customer', day => 'day', value => 'value', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT c.churn_reason, l AS language, e.topic, e.value, e.explanation
  FROM (SELECT DISTINCT ON (churn_reason) churn_reason, customer_key FROM m.customer_scores ORDER BY churn_reason, monetary DESC, customer_key COLLATE "C") AS c,
       unnest('{en,fr}'::text[]) AS l, explain_score('m', c.customer_key, language => l) AS e WHERE e.topic IN ('churn_probability', 'prediction') ORDER BY c.churn_reason, l, e.position;
-- the figures of the view; near 0 and 1 nothing is certain
SELECT count(*) AS customers, bool_and(CASE e.topic WHEN 'prediction' THEN e.value = to_char(s.clv_12m, 'FM999,990.00')
    AND e.explanation LIKE concat('expected: ', s.expected_orders_90d::numeric(20, 2), ' days%', CASE WHEN s.next_order_expected_on IS NOT NULL THEN '; the next order by ' || iso(s.next_order_expected_on) ELSE '12 months' END)
    ELSE abs(s.churn_probability - trim(e.value, '<> %')::int / 100.0) < 0.01 AND e.value <> ALL ('{0 %,100 %}') END) AS as_in_the_view
  FROM (SELECT * FROM m.customer_scores ORDER BY hashint8(customer_key::int) LIMIT 15) AS s, explain_score('m', s.customer_key) AS e WHERE e.topic IN ('churn_probability', 'prediction');
SELECT count(*) > 0 AS done FROM drop_model('m');
SELECT count(*) > 0 AS done FROM create_model('few', 'SELECT * FROM mortals ORDER BY 1, 2, 3 LIMIT 3', as_of => '2025-12-31', prediction => 'mbgnbd');
SELECT e.topic, e.value, e.explanation FROM (SELECT min(customer_key) AS key FROM few.customer_scores) AS s, unnest('{en,fr}'::text[]) AS l, explain_score('few', s.key, language => l) AS e WHERE e.topic = 'prediction' ORDER BY l;
SELECT count(*) > 0 AS done FROM drop_model('few');

-- Conditions in words: every operator, both languages
SELECT c, _explain_condition(c::jsonb, '{"tenure_days": 400.123, "f_score": 3, "m_score": 4, "city": "Lyon", "silence_ratio": 2.5, "agreed": true}', l) AS words FROM unnest(ARRAY[
  '{"column": "tenure_days", "op": ">", "value": 365}', '{"column": "silence_ratio", "op": "between", "value": [2.5, 4]}', '{"column": "city", "op": "in", "value": ["Lyon", "Nice"]}', '{"column": "attributes.city", "op": "=", "value": "Lyon"}',
  '{"not": {"column": "agreed", "op": "<>", "value": false}}', '{"column": "fm_score", "op": ">=", "value": 3.5}', '{"column": "churn_probability", "op": "<", "value": 0.1}',
  '{"and": [{"column": "r_score", "op": "<=", "value": 2}, {"or": [{"column": "f_score", "op": "=", "value": 3}, {"column": "m_score", "op": ">", "value": 3}]}]}']) WITH ORDINALITY AS u (c, n), unnest('{en,fr}'::text[]) AS l ORDER BY n, l;
-- What was there on a day
SELECT _history_until('{2025-01-03:1:19.90,2025-02-11:2:45.00,2025-03-01:0:-5}', day) AS history FROM unnest('{2025-01-02,2025-01-03,2025-02-28,2025-03-01,infinity}'::date[]) AS day;
DROP TABLE shopdata.chosen, shopdata.sales, shopdata.mortals;
DROP FUNCTION shopdata.told, shopdata.slow_misses, shopdata.ruled;
