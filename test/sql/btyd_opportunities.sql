-- BG/BB: customers with a row of opportunities. The 11,104 donors of Fader, Hardie and Shang (2010), six years.
SET client_min_messages = warning;
CREATE TABLE donor AS
SELECT x, t_x, 6 AS t, n FROM (VALUES (6, 6, 1203), (5, 6, 728), (4, 6, 512), (3, 6, 357), (2, 6, 234), (1, 6, 129), (5, 5, 335), (4, 5, 284), (3, 5, 225), (2, 5, 173), (1, 5, 119),
  (4, 4, 240), (3, 4, 181), (2, 4, 155), (1, 4, 78), (3, 3, 322), (2, 3, 255), (1, 3, 129), (2, 2, 613), (1, 2, 277), (1, 1, 1091), (0, 0, 3464)) v(x, t_x, n);
CREATE TABLE fit AS SELECT btyd_fit('bgbb', x, t_x, t, 365) AS fit FROM donor, generate_series(1, n);

-- golden: 1.204, 0.750, 0.657, 2.783, log-likelihood -33225.6
SELECT fit ->> 'family' AS family, fit ->> 'status' AS status, fit -> 'n' AS donors, round((fit #>> '{parameters,alpha}')::numeric, 3) AS alpha, round((fit #>> '{parameters,beta}')::numeric, 3) AS beta,
       round((fit #>> '{parameters,gamma}')::numeric, 3) AS gamma, round((fit #>> '{parameters,delta}')::numeric, 3) AS delta, round((fit ->> 'log_likelihood')::numeric, 1) AS log_likelihood FROM fit;
-- what is expected of each kind of donor in the five years after
SELECT x, string_agg(round(btyd_expected(fit, x, t_x, 6, 5)::numeric, 2)::text, '  ' ORDER BY t_x) AS expected_by_last_year FROM fit, donor GROUP BY x ORDER BY x DESC;
SELECT x, t_x, round(btyd_alive(fit, x, t_x, t)::numeric, 4) AS alive, round(btyd_probability(fit, 0, x, t_x, t, 5)::numeric, 4) AS none, round(btyd_residual(fit, x, t_x, t, ln(1.1::float8))::numeric, 3) AS residual FROM fit, donor WHERE x IN (0, 3, 6) ORDER BY x, t_x;

-- What must hold: likelihoods add up; probabilities are a distribution, with the mean that is expected; so are those of a new donor, as many as there are
SELECT abs(sum(n * btyd_log_likelihood(fit, x, t_x, t)) / (fit ->> 'log_likelihood')::float8 - 1) < 1e-12 AS log_likelihood FROM fit, donor GROUP BY fit;
SELECT bool_and(abs(sum - 1) < 1e-12) AS sum, bool_and(abs(mean / expected - 1) < 1e-12) AS mean
  FROM (SELECT sum(p) AS sum, sum(k * p) AS mean, btyd_expected(fit, x, t_x, t, 8) AS expected FROM fit, donor, generate_series(0, 9) k, btyd_probability(fit, k, x, t_x, t, 8) p GROUP BY fit, x, t_x, t) s;
SELECT k AS gifts, round((11104 * btyd_probability(fit, k, 6))::numeric) AS expected, (SELECT sum(n) FROM donor WHERE x = k) AS donors FROM fit, generate_series(0, 6) k ORDER BY k;
SELECT abs(sum(k * btyd_probability(fit, k, 6)) / btyd_expected_new(fit, 6) - 1) < 1e-12 AS mean FROM fit, generate_series(0, 6) k GROUP BY fit;
SELECT bool_and(abs(btyd_residual(fit, x, t_x, t, 0.1, 500) / btyd_residual(fit, x, t_x, t, 0.1) - 1) < 1e-12) AS to_the_end, bool_and(abs(btyd_residual(fit, x, t_x, t, 0, 5) / btyd_expected(fit, x, t_x, t, 5) - 1) < 1e-12) AS undiscounted,
       bool_and(btyd_expected(fit, x, t_x, t, 5.9) = btyd_expected(fit, x, t_x, t, 5)) AS whole FROM fit, donor;
-- the same fit in any order; intervals by its replicates; lifetime value
SELECT btyd_fit('bgbb', x, t_x, t, 365 ORDER BY (x * 7919 + g) % 1009) = (SELECT fit FROM fit) AS same FROM donor, generate_series(1, n) g;
SELECT count(i.lower) AS intervals, bool_and(i.lower < btyd_expected(fit, x, t_x, t, 5) AND i.upper > btyd_expected(fit, x, t_x, t, 5)) AS around, bool_and(c.upper <= 5) AS counts
  FROM fit, (SELECT btyd_fit_bootstrap('bgbb', x, t_x, t, 365, 50, 1) AS fits FROM donor, generate_series(1, n)) b, donor, btyd_interval(fits, x, t_x, t, 5, 0.98) i, btyd_count_interval(fits, x, t_x, t, 5) c;
SELECT abs(clv(fit, '{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}', 3, 5, 6, 30, 5, 1, 0) / btyd_expected(fit, 3, 5, 6, 5) / spend_expected('{"family": "gammagamma", "parameters": {"p": 6, "q": 4, "gamma": 15}}', 3, 30) - 1) < 1e-12 AS clv FROM fit;

-- Histories: the years that are over, counted from that of the first gift; a refund counts in the year of the gift before it
CREATE TABLE appeal AS SELECT ARRAY(SELECT (date '2019-01-01' + y * interval '1 year')::date FROM generate_series(0, 6) y) AS bounds;
SELECT o.* FROM appeal, (VALUES (1, '{2019-03-01:1:10,2019-12-31:1:5,2020-01-01:2:30,2022-05-05:1:20}'::history), (2, '{2018-03-01:1:10,2019-12-31:1:5}'), (3, '{2020-03-01:1:10,2020-04-01:0:-2,2021-06-01:1:20,2022-06-01:0:-5,2025-01-01:1:99}'),
  (4, '{2024-07-01:1:10}'), (5, '{2025-07-01:1:10}'), (6, '{2026-07-01:1:10}'), (7, '{}')) v(id, h), btyd_opportunities(h, '2025-12-31', bounds) o ORDER BY id;
-- a year that goes on says nothing yet, not even when the gift has come
SELECT to_char(day, 'YYYY-MM-DD') AS day, o.* FROM appeal, unnest('{2018-12-31,2019-12-30,2019-12-31,2023-12-30,2023-12-31}'::date[]) day, btyd_opportunities('{2018-03-01:1:10,2019-02-01:1:7,2023-02-01:1:8}', day, bounds) o ORDER BY day;
-- the same by hand
WITH h AS (SELECT g % 211 AS id, history_agg(date '2018-06-01' + (g * 7919) % 2700, (g % 13 + 1)::numeric) AS h FROM generate_series(1, 900) g GROUP BY 1), d AS (SELECT id, d.day, d.total FROM h, days(h) d WHERE d.day <= '2024-06-30'),
  p AS (SELECT id, day, total, width_bucket(day, bounds) AS p FROM d, appeal), f AS (SELECT id, min(p) AS f FROM p GROUP BY 1), own AS (SELECT id, count(DISTINCT p) FILTER (WHERE p > f AND p <= 5) AS x, coalesce(max(p) FILTER (WHERE p > f AND p <= 5), f) - f AS t_x,
  greatest(5 - f, 0) AS t, round(sum(total) FILTER (WHERE p > f AND p <= 5) / nullif(count(DISTINCT p) FILTER (WHERE p > f AND p <= 5), 0), 9) AS m FROM p JOIN f USING (id) GROUP BY id, f)
SELECT count(*) AS customers, count(*) FILTER (WHERE (own.x, own.t_x, own.t, own.m) IS NOT DISTINCT FROM (o.x::bigint, o.t_x, o.t, round(o.m::numeric, 9))) AS equal FROM appeal, h JOIN own USING (id), btyd_opportunities(h, '2024-06-30', bounds) o;
SELECT btyd_fit('bgbb', x, t_x, t) ->> 'n' AS n FROM (SELECT g % 97 AS id, history_agg(date '2018-06-01' + (g * 7919) % 2700, 1) AS h FROM generate_series(1, 200) g GROUP BY 1) h, appeal, btyd_opportunities(h, '2025-12-31', bounds);
SELECT btyd_opportunities('{2019-03-01:1:10}', '2025-12-31', '{2019-01-01}');
SELECT btyd_opportunities('{2019-03-01:1:10}', '2025-12-31', '{{2019-01-01},{2020-01-01}}');
SELECT btyd_opportunities('{2019-03-01:1:10}', '2025-12-31', '{2019-01-01,2020-01-01,2020-01-01}');
SELECT btyd_opportunities('{2019-03-01:1:10}', '2025-12-31', '{2019-01-01,NULL}');
SELECT btyd_opportunities('{2019-03-01:1:10}', '2025-12-31', '{2019-01-01,infinity}');
SELECT btyd_opportunities('{2019-03-01:1:10}', 'infinity', bounds) FROM appeal;
DROP TABLE appeal;

-- errors
SELECT btyd_fit('bgbb', 2, 4.5, 6);
SELECT btyd_fit('bgbb', 2, 4, 6.5);
SELECT btyd_fit('bgbb', 5, 4, 6);
SELECT btyd_fit('bgbb', 5, 6, 100001);
SELECT btyd_alive(fit, 2, 4.5, 6) FROM fit;
SELECT btyd_interval(jsonb_build_array(fit), 5, 4, 6, 5) FROM fit;
SELECT btyd_alive(fit, '{2025-01-03:1:10}'::history, '2025-03-07') FROM fit;
SELECT btyd_alive('{"family": "bgbb", "parameters": {"alpha": 1, "beta": 2, "gamma": 3}}', 2, 4, 6);

DROP TABLE donor, fit;
