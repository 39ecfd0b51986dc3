-- btyd, and what fits say about customers: alive, expected, residual, spend,
-- lifetime value, next order, churn, intervals, and reasons where nothing is said.
SET client_min_messages = warning;

-- What a history says: repeat days, ages in weeks, mean of a repeat day.
SELECT (btyd('{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', '2025-03-07')).*;
SELECT (btyd('{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', '2025-03-07', 1)).*;
SELECT (btyd('{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', '2025-02-06', 30)).*;
-- several orders a day are one; the first day's count nowhere, however many
SELECT (btyd('{2025-01-03:5:500,2025-01-10:4:30}', '2025-01-10', 1)).*;
-- corrections are no event, and count in the total of the last day with one
SELECT (btyd(history_agg(d, v), '2025-02-01', 1)).*
  FROM (VALUES (date '2025-01-03', 10), ('2025-01-03', -4), ('2025-01-10', 30), ('2025-01-10', -50), ('2025-01-20', -5), ('2025-01-30', 8)) o(d, v);
SELECT (btyd('{2025-01-03:1:10,2025-01-20:0:-5}', '2025-02-01', 1)).*;
SELECT (btyd('{2025-01-03:-1:10,2025-01-20:1:5}', '2025-02-01', 1)).*;
-- zero totals are events
SELECT (btyd('{2025-01-03:1:10,2025-01-20:1:0}', '2025-02-01', 1)).*;
-- later events are invisible; none: NULL
SELECT (btyd('{2025-01-03:1:10,2025-01-20:1:5}', '2025-01-03', 1)).*;
SELECT btyd('{2025-01-03:1:10}', '2025-01-02') IS NULL AS before, btyd('{}', '2025-01-02') IS NULL AS empty,
       btyd(NULL, '2025-01-02') IS NULL AS null_history, btyd('{2025-01-03:1:10}', NULL) IS NULL AS null_as_of, btyd('{2025-01-03:1:10}', '2025-02-01', NULL) IS NULL AS null_unit;
SELECT count(*) AS rows, count(b.x) AS customers FROM (VALUES ('{2025-01-03:1:10}'::history), ('{2025-06-03:1:10}')) h(history) LEFT JOIN LATERAL btyd(history, '2025-02-01') b ON true;
-- the ends of the calendar, and of totals
SELECT (btyd('{4714-11-24 BC:1:1,5874897-12-31:1:1}', '5874897-12-31', 1)).*;
SELECT (btyd('{2025-01-01:1:1,2025-01-02:1:92233720368547758.07,2025-01-03:1:92233720368547758.07}', '2025-01-03', 1)).*;
-- the same as by core's own means
SELECT count(*) AS compared, count(*) FILTER (WHERE (b.x, b.t_x, b.t, round(b.m::numeric, 6)) IS DISTINCT FROM
         (o.x, (o.last - o.first) / 7.0::float8, (date '2025-10-01' - o.first) / 7.0::float8, round(o.m, 6))) AS different
  FROM (SELECT customer, history_agg(day, value) AS history FROM (SELECT i % 97 AS customer, date '2025-01-01' + i * 37 % 330 AS day, (i * 7919 % 1000 - 80) / 8.0 AS value FROM generate_series(1, 800) i) e GROUP BY 1) h
  CROSS JOIN LATERAL btyd(history, '2025-10-01') b
  JOIN (SELECT customer, min(day) FILTER (WHERE orders > 0) AS first, max(day) FILTER (WHERE orders > 0) AS last, count(*) FILTER (WHERE orders > 0) - 1 AS x,
               sum(total) FILTER (WHERE so_far > 1) / nullif(count(*) FILTER (WHERE orders > 0) - 1, 0) AS m
          FROM (SELECT customer, day, count(*) FILTER (WHERE value >= 0) AS orders, sum(value) AS total,
                       sum(bool_or(value >= 0)::int) OVER (PARTITION BY customer ORDER BY day) AS so_far
                  FROM (SELECT i % 97 AS customer, date '2025-01-01' + i * 37 % 330 AS day, (i * 7919 % 1000 - 80) / 8.0 AS value FROM generate_series(1, 800) i) e
                 WHERE day <= '2025-10-01' GROUP BY customer, day) d GROUP BY customer) o USING (customer);

-- Published parameters (Fader and Hardie's CDNOW sample, weeks) by hand
CREATE TABLE fit (family text, fit jsonb);
INSERT INTO fit VALUES
  ('bgnbd', '{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.242593, "alpha": 4.413536, "a": 0.792884, "b": 2.425757}}'),
  ('mbgnbd', '{"family": "mbgnbd", "unit_days": 7, "parameters": {"r": 0.524839, "alpha": 6.183005, "a": 0.891360, "b": 1.614003}}'),
  ('paretonbd', '{"family": "paretonbd", "unit_days": 7, "parameters": {"r": 0.553263, "alpha": 10.577401, "s": 0.606200, "beta": 11.667518}}'),
  ('spend', '{"family": "gammagamma", "parameters": {"p": 6.25, "q": 3.74, "gamma": 15.44}}');
-- golden numbers of the literature: P(alive), E[Y], E[X], P(X = 0); parameters of six digits give five
SELECT what, round(value::numeric, 5) AS value, wanted, abs(value - wanted) <= 0.00001 AS same FROM (
  SELECT 'bgnbd alive' AS what, btyd_alive(fit, 2, 30.43, 38.86) AS value, 0.726609 AS wanted FROM fit WHERE family = 'bgnbd' UNION ALL
  SELECT 'bgnbd expected', btyd_expected(fit, 2, 30.43, 38.86, 39), 1.225906 FROM fit WHERE family = 'bgnbd' UNION ALL
  SELECT 'bgnbd one-time alive', btyd_alive(fit, 0, 0, 38.86), 1 FROM fit WHERE family = 'bgnbd' UNION ALL
  SELECT 'bgnbd one-time expected', btyd_expected(fit, 0, 0, 38.86, 39), 0.194782 FROM fit WHERE family = 'bgnbd' UNION ALL
  SELECT 'bgnbd frequent alive', btyd_alive(fit, 26, 30.86, 31), 0.968919 FROM fit WHERE family = 'bgnbd' UNION ALL
  SELECT 'bgnbd frequent expected', btyd_expected(fit, 26, 30.86, 31, 1), 0.710621 FROM fit WHERE family = 'bgnbd' UNION ALL
  SELECT 'bgnbd none in 39', btyd_probability(fit, 0, 39), 0.573786 FROM (SELECT '{"family": "bgnbd", "parameters": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}}'::jsonb AS fit) p UNION ALL
  SELECT 'mbgnbd alive', btyd_alive(fit, 2, 30.43, 38.86), 0.706126 FROM fit WHERE family = 'mbgnbd' UNION ALL
  SELECT 'mbgnbd one-time alive', btyd_alive(fit, 0, 0, 38.86), 0.389715 FROM fit WHERE family = 'mbgnbd' UNION ALL
  SELECT 'paretonbd one-time alive', btyd_alive(fit, 0, 0, 38.86), 0.295100 FROM fit WHERE family = 'paretonbd' UNION ALL
  SELECT 'paretonbd alive', btyd_alive(fit, 2, 30.43, 38.86), 0.869120 FROM fit WHERE family = 'paretonbd' UNION ALL
  SELECT 'paretonbd residual', btyd_residual(fit, 7, 35, 77.86, 0.0027), 0.882751
    FROM (SELECT '{"family": "paretonbd", "parameters": {"r": 0.55, "alpha": 10.58, "s": 0.61, "beta": 11.67}}'::jsonb AS fit) p UNION ALL
  SELECT 'paretonbd residual', btyd_residual(fit, 2, 30.43, 38.86, 0.0027), 6.435748
    FROM (SELECT '{"family": "paretonbd", "parameters": {"r": 0.55, "alpha": 10.58, "s": 0.61, "beta": 11.67}}'::jsonb AS fit) p) golden;
SELECT round(btyd_expected_new(fit, 1)::numeric, 5) AS "1", round(btyd_expected_new(fit, 3)::numeric, 5) AS "3", round(btyd_expected_new(fit, 32)::numeric, 5) AS "32", round(btyd_expected_new(fit, 78)::numeric, 5) AS "78"
  FROM fit WHERE family = 'bgnbd';
SELECT round(spend_expected(fit, 2, 22.35)::numeric, 5) AS two, round(spend_expected(fit, 1, 11.77)::numeric, 5) AS one, round(spend_expected(fit, 0, NULL)::numeric, 5) AS none,
       round(spend_expected(fit, 7, 73.74)::numeric, 5) AS seven FROM fit WHERE family = 'spend';
-- a year of customer 1, at 1 % a month: by months of 4.345 weeks, not of 30
SELECT round(clv(b.fit, s.fit, 2, 30.43, 38.86, 22.35, 12, 4.345, 0.01)::numeric, 4) AS clv, round(clv(b.fit, s.fit, 2, 30.43, 38.86, 22.35, 12, 30, 0.01)::numeric, 4) AS years
  FROM (SELECT '{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.242593, "alpha": 4.413536, "a": 0.792884, "b": 2.425757}}'::jsonb AS fit) b,
       (SELECT '{"family": "gammagamma", "parameters": {"p": 6.248841, "q": 3.744579, "gamma": 15.447604}}'::jsonb AS fit) s;

-- What must hold, for customers of all kinds
CREATE TABLE customer AS
SELECT x, t_x, t FROM (VALUES (0, 0::float8, 0::float8), (0, 0, 0.14), (0, 0, 39), (0, 0, 5000), (1, 0.14, 0.14), (1, 0.14, 40), (1, 39, 40), (2, 30.43, 38.86), (5, 5, 500), (26, 30.86, 31),
  (26, 10, 31), (100, 300, 400), (500, 99, 100), (500, 10, 100), (500, 100, 100), (2000, 10000, 100000)) c(x, t_x, t);
SELECT family, count(*) AS customers,
       bool_and(btyd_alive(fit, x, t_x, t) BETWEEN 0 AND 1) AS probability,
       bool_and(btyd_expected(fit, x, t_x, t, 0) = 0) AS now_nothing,
       bool_and(btyd_expected(fit, x, t_x, t, 1) <= btyd_expected(fit, x, t_x, t, 2)) AS rises,
       bool_and(btyd_expected(fit, x, t_x, t, 2) <= 2 * btyd_expected(fit, x, t_x, t, 1)) AS ever_slower,
       bool_and(btyd_alive(fit, x, t_x, t + 10) <= btyd_alive(fit, x, t_x, t)) AS silence_tells,
       bool_and(prediction_reason(fit, x, t_x, t) IS NULL) AS reasons
  FROM fit, customer WHERE family <> 'spend' GROUP BY family ORDER BY family;
SELECT family, round(sum(btyd_probability(fit, n, 39))::numeric, 4) AS sum, abs(sum(n * btyd_probability(fit, n, 39)) / btyd_expected_new(fit, 39) - 1) < 0.001 AS mean
  FROM fit, generate_series(0, 400) n WHERE family <> 'spend' GROUP BY family, fit ORDER BY family;
-- so are those of a horizon after any past; none is expected of somebody, and again none, as none at once
SELECT family, x, t_x, t, abs(sum(p) - 1) < 1e-12 AS sum, abs(sum(n * p) / btyd_expected(fit, x, t_x, t, 39) - 1) < 1e-9 AS mean,
       abs(btyd_probability(fit, 0, x, t_x, t, 10) * btyd_probability(fit, 0, x, t_x, t + 10, 29) / btyd_probability(fit, 0, x, t_x, t, 39) - 1) < 1e-12 AS silence,
       min(p) >= 0 AND max(p) <= 1 AS probabilities
  FROM fit, (VALUES (0, 0::float8, 39::float8), (1, 0.14, 40), (2, 30.43, 38.86), (26, 30.86, 31), (26, 10, 31), (100, 300, 400)) c(x, t_x, t), generate_series(0, 400) n,
       LATERAL btyd_probability(fit, n, x, t_x, t, 39) p WHERE family <> 'spend' GROUP BY family, fit, x, t_x, t ORDER BY family, x, t_x;
-- somebody who has just come for the first time is a new customer
SELECT family, bool_and(abs(btyd_probability(fit, n, 0, 0, 0, 39) / btyd_probability(fit, n, 39) - 1) < 1e-12) AS new FROM fit, generate_series(0, 9) n WHERE family <> 'spend' GROUP BY family ORDER BY family;
SELECT btyd_probability(fit, 0, 1, 1, 2, 0) AS none_now, btyd_probability(fit, 1, 1, 1, 2, 0) AS one_now FROM fit WHERE family = 'bgnbd';
-- the discounted residual of no discount and few to come is what is expected; discounts lower it; paretonbd alone has it
SELECT family, bool_and(btyd_residual(fit, x, t_x, t, 0.001) >= btyd_residual(fit, x, t_x, t, 0.01)) AS falls, count(btyd_residual(fit, x, t_x, t, 0.01)) AS there
  FROM fit, customer WHERE family <> 'spend' GROUP BY family ORDER BY family;
-- lifetime value: without discount, expected orders times mean spend; margin and discount scale it down
SELECT b.family, bool_and(abs(clv(b.fit, s.fit, x, t_x, t, 30, 3, 13, 0) - btyd_expected(b.fit, x, t_x, t, 39) * spend) <= 1e-12 * spend) AS undiscounted,
       bool_and(clv(b.fit, s.fit, x, t_x, t, 30, 3, 13, 0.05) <= clv(b.fit, s.fit, x, t_x, t, 30, 3, 13, 0.01)) AS discount,
       bool_and(abs(clv(b.fit, s.fit, x, t_x, t, 30, 3, 13, 0.05, 0.25) * 4 - clv(b.fit, s.fit, x, t_x, t, 30, 3, 13, 0.05)) <= 1e-12 * spend) AS margin,
       bool_and(abs(clv(b.fit, s.fit, x, t_x, t, 30, 1, 13, 0.05) * 1.05 - btyd_expected(b.fit, x, t_x, t, 13) * spend) <= 1e-12 * spend) AS at_the_end
  FROM fit b, fit s, customer, LATERAL spend_expected(s.fit, x, 30) spend WHERE b.family <> 'spend' AND s.family = 'spend' GROUP BY b.family ORDER BY b.family;

-- Forms with a history ask in days
CREATE TABLE shop AS
SELECT id, h::history AS history FROM (VALUES (1, '{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}'), (2, '{2025-01-03:1:10}'), (3, '{2025-03-01:1:5,2025-03-02:1:5,2025-03-03:1:5,2025-03-04:1:5}'),
  (4, '{2024-01-03:1:10,2024-01-05:1:20,2024-01-07:1:20}'), (5, '{2025-02-01:1:100,2025-02-10:1:-30}'), (6, '{2025-06-01:1:5}'), (7, '{}'), (8, '{2025-02-01:1:10,2025-02-20:2:-1}'), (9, NULL)) h(id, h);
SELECT id, bool_and(btyd_alive(fit, history, '2025-03-07') IS NOT DISTINCT FROM btyd_alive(fit, b.x, b.t_x, b.t)) AS alive,
       bool_and(btyd_expected(fit, history, '2025-03-07', 90) IS NOT DISTINCT FROM btyd_expected(fit, b.x, b.t_x, b.t, 90 / 7.0)) AS expected,
       bool_and(btyd_probability(fit, 0, history, '2025-03-07', 90) IS NOT DISTINCT FROM btyd_probability(fit, 0, b.x, b.t_x, b.t, 90 / 7.0)
                AND btyd_probability(fit, 2, history, '2025-03-07', 90) IS NOT DISTINCT FROM btyd_probability(fit, 2, b.x, b.t_x, b.t, 90 / 7.0)) AS probability,
       bool_and(churn_probability(fit, history, '2025-03-07') IS NOT DISTINCT FROM 1 - btyd_alive(fit, b.x, b.t_x, b.t)) AS churn,
       bool_and(coalesce(abs(btyd_residual(fit, history, '2025-03-07', 0.1) - btyd_residual(fit, b.x, b.t_x, b.t, ln(1.1::float8) / 365.25 * 7)), 0) < 1e-12) AS residual,
       bool_and(abs(coalesce(clv(fit, s.spend, history, '2025-03-07', 12, 30.4375, 0.01, 0.3) / clv(fit, s.spend, b.x, b.t_x, b.t, b.m, 12, 30.4375 / 7, 0.01, 0.3), 1) - 1) < 1e-12) AS clv,
       bool_and(spend_expected(s.spend, history, '2025-03-07') IS NOT DISTINCT FROM spend_expected(s.spend, b.x, b.m)) AS spend
  FROM shop LEFT JOIN LATERAL btyd(history, '2025-03-07') b ON true, fit, (SELECT fit AS spend FROM fit WHERE family = 'spend') s WHERE family <> 'spend' GROUP BY id ORDER BY id;
SELECT id, round(churn_probability(fit, history, '2025-03-07')::numeric, 4) AS churn, churn_reason(fit, history, '2025-03-07'), next_order_expected_on(fit, history, '2025-03-07') - date '2025-03-07' AS next_order,
       next_order_reason(fit, history, '2025-03-07') AS next_reason, prediction_reason(fit, history, '2025-03-07') AS reason, clv_reason(fit, spend, history, '2025-03-07'),
       clv(fit, spend, history, '2025-03-07', 12, 30.4375, 0.01) > 0 AS clv
  FROM shop, (SELECT m.fit, s.fit AS spend FROM fit m, fit s WHERE m.family = 'mbgnbd' AND s.family = 'spend') f ORDER BY id;
SELECT id, round(c.churn_probability::numeric, 6) AS probability, c.churn_reason, round(c.silence_ratio::numeric, 6) AS ratio, c.is_silent, c.explanation
  FROM shop, fit, churn(fit, history, '2025-03-07') c WHERE family = 'bgnbd' ORDER BY id;
SELECT churn_reason(fit, '{2025-01-03:1:10,2025-01-13:1:10}', '2025-02-02', 1.5) AS limit_1_5, churn_reason(fit, '{2025-01-03:1:10,2025-01-13:1:10}', '2025-02-02', 2) AS limit_2,
       churn_reason(fit, '{2025-01-03:1:10,2025-01-13:1:10}', '2025-02-02', 2.1) AS limit_2_1 FROM fit WHERE family = 'bgnbd';
-- the day is the first on which one is expected
SELECT family, count(day) AS days, bool_and(btyd_expected(fit, history, '2025-03-07', day - date '2025-03-07') >= 1) AS reached,
       bool_and(btyd_expected(fit, history, '2025-03-07', day - date '2025-03-07' - 1) < 1) AS not_before
  FROM (SELECT family, fit, history, next_order_expected_on(fit, history, '2025-03-07', 100000) AS day FROM shop, fit WHERE family <> 'spend') n GROUP BY family ORDER BY family;
SELECT next_order_expected_on(fit, history, '2025-03-07', 1000) - date '2025-03-07' AS days,
       next_order_expected_on(fit, history, '2025-03-07', (next_order_expected_on(fit, history, '2025-03-07') - date '2025-03-07')) - date '2025-03-07' AS just,
       next_order_expected_on(fit, history, '2025-03-07', (next_order_expected_on(fit, history, '2025-03-07') - date '2025-03-07') - 1) AS too_short
  FROM shop, fit WHERE id = 1 AND family = 'mbgnbd';
SELECT next_order_expected_on(fit, '{5874897-12-01:1:1,5874897-12-02:1:1,5874897-12-03:1:1}', '5874897-12-31') AS beyond_the_calendar FROM fit WHERE family = 'mbgnbd';

-- Intervals
SELECT lower < expected AND expected < upper AS around FROM (SELECT i.*, btyd_expected(fits -> 0, 2, 30, 39, 39) AS expected
  FROM (SELECT jsonb_build_array(fit, jsonb_set(fit, '{parameters,r}', '0.2'), jsonb_set(fit, '{parameters,r}', '0.3')) AS fits FROM fit WHERE family = 'bgnbd') f, btyd_interval(fits, 2, 30, 39, 39, 0.999999) i) s;
SELECT i.lower = j.lower AND i.upper = j.upper AS same, i.lower < k.lower AND k.upper < i.upper AS narrower
  FROM (SELECT jsonb_build_array(fit, jsonb_set(fit, '{parameters,r}', '0.2'), jsonb_set(fit, '{parameters,r}', '0.3')) AS fits FROM fit WHERE family = 'bgnbd') f,
       btyd_interval(fits, '{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', '2025-03-07', 91) i, btyd_interval(fits, 2, 5, 9, 13) j, btyd_interval(fits, 2, 5, 9, 13, 0.5) k;
SELECT btyd_interval('[]', 2, 5, 9, 13) IS NULL AS none, btyd_interval(jsonb_build_array(fit, '{"family": "bgnbd", "status": "not_converged", "parameters": null}'::jsonb), 2, 5, 9, 13) IS NULL AS half,
       btyd_interval(jsonb_build_array(fit), 2, 5, 9, 13) IS NOT NULL AS one FROM fit WHERE family = 'bgnbd';
-- ... and why: more than one fit in ten has no parameters
WITH fits AS (
  SELECT bad, other, (SELECT jsonb_agg(CASE WHEN i > bad + other THEN fit
           ELSE jsonb_build_object('family', 'bgnbd', 'unit_days', 7, 'status', 'not_converged', 'parameters', NULL, 'reason', CASE WHEN i > bad THEN 'flat_likelihood' ELSE 'parameter_at_boundary' END) END)
         FROM generate_series(1, 20) AS i) AS fits
    FROM fit, (VALUES (0, 0), (2, 0), (1, 1), (3, 0), (2, 1), (4, 4), (1, 9)) AS v (bad, other) WHERE family = 'bgnbd'
)
SELECT bad, other, btyd_interval(fits, 2, 5, 9, 13) IS NULL AS none, interval_reason(fits) AS reason, interval_reason(fits, '{2025-01-03:1:10,2025-01-10:2:30}', '2025-03-07') AS of_a_history,
       interval_reason(fits, '{2025-01-03:1:10}', '2025-01-02') AS before_it FROM fits ORDER BY bad, other;
SELECT interval_reason(NULL), interval_reason('[]') AS no_fits, interval_reason(jsonb_build_array(fit), NULL, NULL) AS no_history FROM fit WHERE family = 'bgnbd';
SELECT btyd_interval('{}', 2, 5, 9, 13);
SELECT btyd_interval('3', 2, 5, 9, 13);
SELECT btyd_interval('[3]', 2, 5, 9, 13);
SELECT btyd_interval(jsonb_build_array(fit), 2, 5, 9, 13, 1) FROM fit WHERE family = 'bgnbd';
SELECT btyd_interval(jsonb_build_array(fit, jsonb_set(fit, '{unit_days}', '1')), '{2025-01-03:1:10}'::history, '2025-03-07', 13) FROM fit WHERE family = 'bgnbd';

-- No prediction: NULL, and the reason
CREATE TABLE useless (fit jsonb, spend jsonb);
INSERT INTO useless SELECT btyd_fit('mbgnbd', 0, 0, 5), spend_fit(1, 5) FROM generate_series(1, 10);
INSERT INTO useless VALUES ('{"family": "bgnbd", "parameters": null, "unit_days": 7, "status": "not_converged", "reason": "parameter_at_boundary"}',
  '{"family": "gammagamma", "parameters": {"p": 2, "q": 0.9, "gamma": 20}}');
INSERT INTO useless VALUES ('{"family": "paretonbd", "unit_days": 1}', '{"family": "gammagamma", "parameters": {"p": 2, "q": 3, "gamma": 20}, "status": "not_converged"}');
SELECT prediction_reason(fit) AS reason, prediction_reason(spend) AS spend_reason, prediction_reason(fit, 2, 3, 4) AS customer, prediction_reason(fit, '{2025-01-03:1:10}'::history, '2025-03-07') AS history,
       churn_reason(fit, '{2025-01-03:1:10}', '2025-03-07') AS churn, next_order_reason(fit, '{2025-01-03:1:10}', '2025-03-07') AS next_order, clv_reason(fit, spend, '{2025-01-03:1:10}', '2025-03-07') AS clv,
       concat(btyd_alive(fit, 2, 3, 4), btyd_expected(fit, 2, 3, 4, 5), btyd_expected_new(fit, 5), btyd_probability(fit, 1, 5), btyd_probability(fit, 0, 2, 3, 4, 5), btyd_residual(fit, 2, 3, 4, 0.1),
              spend_expected(spend, 2, 5), spend_expected(spend, 0, NULL), clv(fit, spend, 2, 3, 4, 5, 12, 4, 0.01), btyd_alive(fit, '{2025-01-03:1:10}', '2025-03-07'),
              btyd_expected(fit, '{2025-01-03:1:10}', '2025-03-07', 90), btyd_probability(fit, 0, '{2025-01-03:1:10}', '2025-03-07', 90), churn_probability(fit, '{2025-01-03:1:10}', '2025-03-07'), next_order_expected_on(fit, '{2025-01-03:1:10}', '2025-03-07'),
              clv(fit, spend, '{2025-01-03:1:10}', '2025-03-07', 12, 30, 0.01), spend_expected(spend, '{2025-01-03:1:10}'::history, '2025-03-07')) AS nothing
  FROM useless;
SELECT prediction_reason(NULL) AS no_fit, prediction_reason(NULL, 1, 1, 1) AS no_fit, prediction_reason(fit, NULL, 1, 1) AS no_customer, prediction_reason(fit, NULL::history, '2025-01-01') AS no_history,
       prediction_reason(fit, 1, 1, 1e300) AS far, btyd_alive(fit, 1, 1, 1e300) IS NULL AS far FROM fit WHERE family = 'bgnbd';
-- spend of repeat buyers needs a mean above zero; NULL is NULL
SELECT spend_expected(fit, 2, 0) IS NULL AS zero, spend_expected(fit, 2, -3) IS NULL AS negative, spend_expected(fit, 2, NULL) IS NULL AS unknown, spend_expected(fit, NULL, 3) IS NULL AS no_x,
       spend_expected(fit, 0, -5) = spend_expected(fit, 0, NULL) AS ignored, spend_expected(NULL, 1, 1) IS NULL AS no_fit FROM fit WHERE family = 'spend';
SELECT clv(b.fit, s.fit, 0, 0, 4, NULL, 12, 4, 0.01) > 0 AS once, clv(b.fit, s.fit, 1, 2, 4, NULL, 12, 4, 0.01) IS NULL AS unknown, clv(b.fit, s.fit, 1, 2, 4, 3, 12, 4, 0.01, NULL) IS NULL AS no_margin,
       clv(b.fit, s.fit, 1, 2, 4, -3, 12, 4, 0.01) IS NULL AS negative FROM fit b, fit s WHERE b.family = 'bgnbd' AND s.family = 'spend';

-- Fits by hand: what is not one is an error
CREATE FUNCTION try(fit jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  state text; message text; detail text;
BEGIN
  RETURN round(btyd_alive(fit, 2, 3, 4)::numeric, 4);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RETURN concat_ws('; ', state, message, nullif(detail, ''));
END $$;
SELECT try(f::jsonb) FROM unnest(ARRAY['3', '[]', '{}', 'null', '{"family": 3}', '{"family": "weibull"}', '{"family": "bgnbd", "parameters": 3}', '{"family": "bgnbd", "parameters": [1, 2]}',
  '{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3}}', '{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 0}}', '{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": "4"}}',
  '{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 1e400}}', '{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 1e300}}', '{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "unit_days": 0.5}',
  '{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 4}, "unit_days": "7"}', '{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 4}}', '{"family": "paretonbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 4}}',
  '{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}']) f;
SELECT btyd_alive('{"family": "bgnbd", "parameters": {"r": 1, "alpha": 2, "a": 3, "b": 4}}', '{2025-01-03:1:10}', '2025-03-07');
SELECT spend_expected(fit, 1, 1) FROM fit WHERE family = 'bgnbd';
-- a call site remembers its fit, and reads the next one
SELECT family, round(btyd_alive(fit, 2, 30.43, 38.86)::numeric, 4) FROM (SELECT * FROM fit WHERE family <> 'spend' UNION ALL SELECT * FROM fit WHERE family <> 'spend') f ORDER BY family;

-- errors
SELECT btyd('{2025-01-03:1:10}', 'infinity');
SELECT btyd('{2025-01-03:1:10}', '-infinity');
SELECT btyd('{2025-01-03:1:10}', '2025-02-01', 0);
SELECT btyd_alive(fit, 1.5, 1, 2) FROM fit WHERE family = 'bgnbd';
SELECT btyd_alive(fit, 1, 3, 2) FROM fit WHERE family = 'bgnbd';
SELECT btyd_alive(fit, 0, 1, 2) FROM fit WHERE family = 'bgnbd';
SELECT btyd_expected(fit, 1, 1, 2, -1) FROM fit WHERE family = 'bgnbd';
SELECT btyd_expected(fit, 1, 1, 2, 'NaN') FROM fit WHERE family = 'bgnbd';
SELECT btyd_expected(fit, '{2025-01-03:1:10}', '2025-03-07', -90) FROM fit WHERE family = 'bgnbd';
SELECT btyd_expected(fit, '{2025-01-03:1:10}', 'infinity', 90) FROM fit WHERE family = 'bgnbd';
SELECT btyd_probability(fit, -1, 2) FROM fit WHERE family = 'bgnbd';
SELECT btyd_probability(fit, -1, 1, 1, 2, 5) FROM fit WHERE family = 'bgnbd';
SELECT btyd_probability(fit, 0, 1, 1, 2, -5) FROM fit WHERE family = 'bgnbd';
SELECT btyd_probability(fit, 0, 1, 3, 2, 5) FROM fit WHERE family = 'bgnbd';
SELECT btyd_probability(fit, 0, '{2025-01-03:1:10}', '2025-03-07', 'NaN') FROM fit WHERE family = 'bgnbd';
SELECT btyd_residual(fit, 1, 1, 2, -0.1) FROM fit WHERE family = 'paretonbd';
SELECT next_order_expected_on(fit, '{2025-01-03:1:10}', '2025-03-07', 0) FROM fit WHERE family = 'bgnbd';
SELECT clv(b.fit, s.fit, 0, 0, 4, NULL, 0, 4, 0.01) FROM fit b, fit s WHERE b.family = 'bgnbd' AND s.family = 'spend';
SELECT clv(b.fit, s.fit, 0, 0, 4, NULL, 12, -4, 0.01) FROM fit b, fit s WHERE b.family = 'bgnbd' AND s.family = 'spend';
SELECT clv(b.fit, s.fit, 0, 0, 4, NULL, 12, 4, -0.01) FROM fit b, fit s WHERE b.family = 'bgnbd' AND s.family = 'spend';
SELECT clv(b.fit, s.fit, 0, 0, 4, NULL, 12, 4, 0.01, -1) FROM fit b, fit s WHERE b.family = 'bgnbd' AND s.family = 'spend';
SELECT clv(b.fit, s.fit, '{2025-01-03:1:10}', '2025-03-07', 12, 'infinity', 0.01) FROM fit b, fit s WHERE b.family = 'bgnbd' AND s.family = 'spend';
SELECT clv(s.fit, b.fit, 0, 0, 4, NULL, 12, 4, 0.01) FROM fit b, fit s WHERE b.family = 'bgnbd' AND s.family = 'spend';

DROP TABLE fit, customer, shop, useless;
DROP FUNCTION try;
