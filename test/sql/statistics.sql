-- Distributions, intervals and tests of plain numbers: published values, the
-- same by plain SQL, ends of the domains, arguments. (The table of 25 digits is
-- test/unit/distribution_reference.csv.)

CREATE FUNCTION ways(n bigint, k bigint) RETURNS numeric LANGUAGE sql AS $$ SELECT factorial(n) / factorial(k) / factorial(n - k) $$;

/* ---- distributions ---- */

-- Tables of every textbook
SELECT normal_cdf(0), round(normal_cdf(1.96)::numeric, 6) AS cdf, round(normal_quantile(0.975)::numeric, 12) AS z, normal_cdf(-40), normal_cdf(40, upper_tail => true),
       normal_cdf(-10) = normal_cdf(10, true) AS symmetric, normal_quantile(0), normal_quantile(1), normal_quantile(0.5);
SELECT df, round(chi_square_quantile(0.95, df)::numeric, 4) AS chi2_95, round(chi_square_quantile(0.99, df)::numeric, 4) AS chi2_99, round(student_t_quantile(0.975, df)::numeric, 4) AS t_975,
       round(student_t_quantile(0.995, df)::numeric, 4) AS t_995 FROM unnest('{1,2,3,5,10,30,100}'::float8[]) df;
SELECT abs(student_t_quantile(0.975, 'Infinity') - normal_quantile(0.975)) < 1e-15 AS normal, student_t_cdf('-Infinity', 3), chi_square_cdf('Infinity', 3), chi_square_cdf(-1, 3), beta_cdf(2, 1, 1), beta_cdf(-1, 1, 1, true);
-- closed forms
SELECT x, df FROM unnest('{0.001,0.5,1,3,20,60,200}'::float8[]) x, unnest('{2,4,6}'::float8[]) df
 WHERE abs(chi_square_cdf(x, df, true) / (exp(-x / 2) * CASE df WHEN 2 THEN 1 WHEN 4 THEN 1 + x / 2 ELSE 1 + x / 2 + x * x / 8 END) - 1) > 1e-14;
SELECT x FROM unnest('{-1000,-3,-0.2,0,0.1,1,5,1e6}'::float8[]) x
 WHERE abs(student_t_cdf(x, 1) - (0.5 + atan(x) / pi())) > 1e-15 OR abs(student_t_cdf(x, 2) - (0.5 + x / (2 * sqrt(2 + x * x)))) > 1e-15;
SELECT x, a, b FROM unnest('{0.01,0.3,0.5,0.9,0.999}'::float8[]) x, unnest('{0.5,1,3,40}'::float8[]) a, unnest('{1,7}'::float8[]) b
 WHERE abs(beta_cdf(x, a, 1) / x ^ a - 1) > 1e-13 OR abs(beta_cdf(x, a, b) + beta_cdf(1 - x, b, a) - 1) > 1e-14 OR abs(beta_cdf(beta_quantile(x, a, b), a, b) - x) > 1e-14;
-- chi-square of one degree of freedom is the normal one squared; t squared is a ratio that the beta distribution has
SELECT z FROM unnest('{0.1,1,1.96,4,8,20}'::float8[]) z
 WHERE abs(chi_square_cdf(z * z, 1, true) / (2 * normal_cdf(z, true)) - 1) > 1e-13 OR abs(student_t_cdf(z, 9, true) * 2 / beta_cdf(9 / (9 + z * z), 4.5, 0.5) - 1) > 1e-13;
SELECT normal_cdf('NaN'), chi_square_cdf('NaN', 3), student_t_cdf('NaN', 3), beta_cdf('NaN', 1, 2), normal_cdf(NULL), student_t_quantile(0.5, NULL);

/* ---- rates ---- */

-- Newcombe 1998: 56/70 and 48/80, 9/10 and 3/10, 6/7 and 2/7, 5/56 and 0/29, 0/10 and 0/20, 10/10 and 0/10
SELECT a.*, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high
  FROM (VALUES (48, 80, 56, 70), (3, 10, 9, 10), (2, 7, 6, 7), (0, 29, 5, 56), (0, 20, 0, 10), (0, 10, 10, 10)) a (s1, n1, s2, n2), newcombe_interval(s1, n1, s2, n2);
-- and of single rates: 81/263, 15/148, 0/20, 1/29, by Wilson and exactly
SELECT a.*, round(w.low::numeric, 4) AS wilson_low, round(w.high::numeric, 4) AS wilson_high, round(e.low::numeric, 4) AS exact_low, round(e.high::numeric, 4) AS exact_high
  FROM (VALUES (81, 263), (15, 148), (0, 20), (1, 29), (29, 29)) a (s, n), wilson_interval(s, n) w, exact_interval(s, n) e;
-- Wilson in numeric, to the last digits; the ends are exact
SELECT n, k, low, high
  FROM unnest('{1,7,10,1000,123456}'::int[]) n, LATERAL unnest(ARRAY[0, n / 3, n - 1, n]) k, wilson_interval(k, n) i,
       LATERAL (SELECT k::numeric(60, 45) / n AS p, 1.959963984540054235524594430521::numeric(60, 45) ^ 2 AS zz) q,
       LATERAL (SELECT sqrt(zz * (p * (1 - p) / n + zz / (4 * n::numeric(60, 45) * n))) AS half) h
 WHERE NOT (abs(low::text::numeric - (p + zz / (2 * n) - half) / (1 + zz / n)) <= 1e-14 AND abs(high::text::numeric - (p + zz / (2 * n) + half) / (1 + zz / n)) <= 1e-15)
    OR (k = 0 AND low <> 0) OR (k = n AND high <> 1);
-- the exact interval: so many or more, so many or fewer have 2.5 % each at its ends
SELECT n, k FROM unnest('{1,5,40}'::int[]) n, LATERAL generate_series(0, n, 3) k, exact_interval(k, n) i,
       LATERAL (SELECT sum(f) FILTER (WHERE j >= k) AS above, sum(g) FILTER (WHERE j <= k) AS below
                  FROM generate_series(0, n) j, LATERAL (SELECT factorial(n) / factorial(j) / factorial(n - j) AS ways) w,
                       LATERAL (SELECT ways * low ^ j * (1 - low) ^ (n - j) AS f, ways * high ^ j * (1 - high) ^ (n - j) AS g) b) s
 WHERE (k > 0 AND abs(above - 0.025) > 1e-12) OR (k < n AND abs(below - 0.025) > 1e-12);
SELECT round(difference::numeric, 3) AS difference, round(z::numeric, 6) AS z, round(p::numeric, 6) AS p
  FROM (VALUES (80, 120), (30, 50), (10, 20)) a (s1, s2), two_rates_test(s1, 1000, s2, 1000);
-- Fisher: the lady tasting tea (1935), Lange's convicted twins (1929)
SELECT round(fisher_exact_test(3, 4, 1, 4)::numeric, 10) AS tea, round(fisher_exact_test(2, 17, 10, 13)::numeric, 10) AS twins;
-- against all tables with the same margins, in whole numbers
WITH tables AS (
  SELECT s1, n1, s2, n2, k, ways(n1, k) * ways(n2, s1 + s2 - k) AS weight
    FROM unnest('{1,3,8,30}'::int[]) n1, unnest('{1,4,9,25}'::int[]) n2, LATERAL generate_series(0, n1, greatest(1, n1 / 4)) s1, LATERAL generate_series(0, n2, greatest(1, n2 / 4)) s2,
         LATERAL generate_series(greatest(0, s1 + s2 - n2), least(n1, s1 + s2)) k
), slow AS (
  SELECT s1, n1, s2, n2, sum(weight) FILTER (WHERE weight <= here) / sum(weight) AS p
    FROM (SELECT *, max(weight) FILTER (WHERE k = s1) OVER (PARTITION BY s1, n1, s2, n2) AS here FROM tables) t GROUP BY s1, n1, s2, n2)
SELECT * FROM slow WHERE abs(fisher_exact_test(s1, n1, s2, n2) - p) > 1e-13;

/* ---- means ---- */

-- Student's sleep (1908), as R's t.test prints it: t = -1.8608, df = 17.776, p-value = 0.07939, -3.3654832 to 0.2054832
WITH sleep (drug, hours) AS (SELECT 1, unnest('{0.7,-1.6,-0.2,-1.2,-0.1,3.4,3.7,0.8,0.0,2.0}'::float8[]) UNION ALL SELECT 2, unnest('{1.9,0.8,1.1,0.1,-0.1,4.4,5.5,1.6,4.6,3.4}'::float8[])),
     sums AS (SELECT count(*) FILTER (WHERE drug = 1) AS n1, avg(hours) FILTER (WHERE drug = 1) AS m1, var_samp(hours) FILTER (WHERE drug = 1) AS v1,
                     count(*) FILTER (WHERE drug = 2) AS n2, avg(hours) FILTER (WHERE drug = 2) AS m2, var_samp(hours) FILTER (WHERE drug = 2) AS v2 FROM sleep)
SELECT round(t::numeric, 4) AS t, round(degrees_of_freedom::numeric, 3) AS df, round(p::numeric, 5) AS p, round(low::numeric, 7) AS low, round(high::numeric, 7) AS high
  FROM sums, welch_test(n2, m2, v2, n1, m1, v1);
SELECT * FROM welch_test(1, 5, 0, 10, 6, 2);
SELECT * FROM welch_test(10, 5, 0, 10, 6, 0);
SELECT * FROM welch_test(0, 5, 0, 10, 6, 0);
-- one group constant: the other one's degrees of freedom
SELECT degrees_of_freedom, round(p::numeric, 6) AS p FROM welch_test(10, 5, 0, 10, 6, 2);

/* ---- several tests, several groups, every day ---- */

-- Holm: the smallest times 4, the next times 3, and no smaller than what is before
SELECT holm_adjust('{0.01,0.04,0.03,0.005}'), holm_adjust('{0.04,NULL,0.01,NULL}'), holm_adjust('{0.9,0.8}'), holm_adjust('{}'), holm_adjust('{NULL}'), holm_adjust(NULL), holm_adjust('[5:6]={0.02,0.02}');
-- published: 33.27 and 8e-9 for 50,912 and 49,088
SELECT round(chi2::numeric, 5) AS chi2, p < 8.03e-9 AND p > 8.01e-9 AS p, flagged FROM sample_ratio('{50912,49088}');
SELECT chi2, round(p::numeric, 6) AS p, flagged FROM sample_ratio('{1020,980}', '{0.5,0.5}');
SELECT n, shares, round(chi2::numeric, 4) AS chi2, round(p::numeric, 6) AS p, flagged
  FROM (VALUES ('{900,100}'::bigint[], '{0.9,0.1}'::float8[]), ('{860,140}', '{0.9,0.1}'), ('{30,30,60}', NULL), ('{30,30,60}', '{0.25,0.25,0.5}'), ('{0,0}', NULL), (NULL, NULL), ('{5,0}', NULL)) v (n, shares), sample_ratio(n, shares);
-- p reaches 0.05 where its interval reaches 0, and is cautious: wider than one look's
SELECT d, v, s FROM unnest('{0.001,0.1,3}'::float8[]) s, unnest('{0.0001,0.02,1}'::float8[]) v, always_valid_test(0, v, s) i, LATERAL (SELECT i.high AS d) h
 WHERE abs((always_valid_test(d, v, s)).p / 0.05 - 1) > 1e-12 OR d < normal_quantile(0.975) * sqrt(v);
SELECT * FROM always_valid_test(0.5, 1, 0);
SELECT * FROM always_valid_test(0.5, 0, 1);

-- Two groups that differ in nothing, 64 people more in each on 40 days, of whom one in
-- eight does it (three bits are set); 400 such tests, looked at every day. How often a p
-- was below 0.05 on some day: promised is 1 in 20 at most.
CREATE FUNCTION successes(i bigint, seed int) RETURNS bigint LANGUAGE sql AS
  $$ SELECT bit_count((hashint8extended(i, seed) & hashint8extended(i, seed + 1) & hashint8extended(i, seed + 2))::bit(64)) $$;
WITH days AS (
  SELECT test, day, sum(successes(test * 1000 + day, 100)) OVER w AS s1, sum(successes(test * 1000 + day, 200)) OVER w AS s2, 64 * day AS n
    FROM generate_series(1, 400) test, generate_series(1, 40) day WINDOW w AS (PARTITION BY test ORDER BY day)
), looks AS (
  SELECT test, min(one.p) < 0.05 AS peeking, min(always.p) < 0.05 AS always_valid
    FROM days, _compare_rates_row(s1::bigint, n, s2::bigint, n, false, 0.02, 0.95) one, _compare_rates_row(s1::bigint, n, s2::bigint, n, true, 0.2, 0.95) always
   GROUP BY test)
SELECT count(*) AS tests, count(*) FILTER (WHERE peeking) AS wrong_by_peeking, count(*) FILTER (WHERE always_valid) AS wrong_always_valid FROM looks;

/* ---- arguments ---- */

SELECT error_and_hint('SELECT ' || call) FROM unnest(ARRAY['normal_quantile(1.5)', 'normal_quantile(''NaN'')', 'chi_square_cdf(1, 0)', 'chi_square_cdf(1, ''NaN'')', 'chi_square_quantile(0.5, 1e11)', 'student_t_cdf(1, -1)',
  'student_t_quantile(2, 3)', 'beta_cdf(0.5, 0, 1)', 'beta_quantile(0.5, 1, ''Infinity'')', 'wilson_interval(5, 4)', 'wilson_interval(-1, 4)', 'wilson_interval(0, -4)', 'wilson_interval(1, 2, 1)', 'wilson_interval(1, 2, 95)',
  'newcombe_interval(1, 2, 3, 2)', 'two_rates_test(1, 2, 3, 2)', 'fisher_exact_test(3, 2, 0, 2)', 'welch_test(3, ''NaN'', 1, 3, 1, 1)', 'welch_test(3, 1, -1, 3, 1, 1)', 'welch_test(-3, 1, 1, 3, 1, 1)', 'always_valid_test(1, -1, 1)', 'always_valid_test(1, 1, -1)',
  'holm_adjust(''{0.5,1.5}'')', 'holm_adjust(''{{0.5},{0.4}}'')', 'sample_ratio(''{5}'')', 'sample_ratio(''{5,-1}'')', 'sample_ratio(''{5,NULL}'')', 'sample_ratio(''{5,6}'', ''{0.5,0.4}'')', 'sample_ratio(''{5,6}'', ''{0.5,0.25,0.25}'')', 'sample_ratio(''{5,6}'', ''{1.5,-0.5}'')']) call;
SELECT wilson_interval(0, 0), newcombe_interval(0, 0, 1, 1), two_rates_test(0, 5, 0, 5), two_rates_test(0, 0, 0, 5), fisher_exact_test(0, 0, 1, 2), exact_interval(0, 0), wilson_interval(1, NULL);
DROP FUNCTION ways, successes;
