-- Rows for pictures: frequency by recency, and how P(alive) of a customer went.
SET client_min_messages = warning;
CREATE TABLE fit AS SELECT * FROM (VALUES ('bgnbd', '{"family": "bgnbd", "unit_days": 7, "parameters": {"r": 0.242593, "alpha": 4.413536, "a": 0.792884, "b": 2.425757}}'::jsonb),
  ('paretonbd', '{"family": "paretonbd", "unit_days": 7, "parameters": {"r": 0.553263, "alpha": 10.577401, "s": 0.606200, "beta": 11.667518}}')) f(family, fit);

-- every cell is what the functions say of such a customer
SELECT family, count(*) AS cells, min(x) AS least, max(x) AS most, count(DISTINCT silence) AS silences, min(silence) AS today, max(silence) AS since_the_first,
       bool_and(alive = btyd_alive(fit, x, 39 - silence, 39)) AS alive, bool_and(expected = btyd_expected(fit, x, 39 - silence, 39, 13)) AS expected, bool_and(probability_of_none = btyd_probability(fit, 0, x, 39 - silence, 39, 13)) AS none
  FROM fit, btyd_matrix(fit, 39, 13) GROUP BY family ORDER BY family;
SELECT x, silence, round(alive::numeric, 4) AS alive FROM fit, btyd_matrix(fit, 40, 10, most_x => 2, steps => 2) WHERE family = 'paretonbd';
SELECT count(*) AS one FROM fit, btyd_matrix(fit, 40, 10, 0, 5) WHERE family = 'bgnbd';
SELECT (SELECT count(*) FROM btyd_matrix(fit, 40, 10, NULL)) AS no_x, (SELECT count(*) FROM btyd_matrix(fit, 40, 10, 5, NULL)) AS no_steps, (SELECT count(*) FROM btyd_matrix(fit, 40, 10, -1)) AS negative,
       (SELECT count(*) FROM btyd_matrix(NULL, 40, 10)) AS no_fit, (SELECT max(x) FROM btyd_matrix(fit, 40, 10, 2000000000, 1)) AS at_most FROM fit WHERE family = 'bgnbd';
SELECT * FROM fit, btyd_matrix(fit, -1, 10) WHERE family = 'bgnbd';

-- a day's P(alive) by what was known then
SELECT to_char(day, 'YYYY-MM-DD') AS day, active_days, round(alive::numeric, 4) AS alive, alive IS NOT DISTINCT FROM btyd_alive(fit, '{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', day) AS same
  FROM fit, btyd_alive_days(fit, '{2025-01-03:1:10,2025-01-10:2:30,2025-02-07:1:12.50}', '2025-01-01', '2025-03-04', 14) WHERE family = 'paretonbd';
SELECT count(*) AS weeks, to_char(min(day), 'YYYY-MM-DD') AS first, to_char(max(day), 'YYYY-MM-DD') AS last FROM fit, btyd_alive_days(fit, '{2025-01-03:1:10}', '2025-01-01', '2025-12-31') WHERE family = 'bgnbd';
SELECT (SELECT count(*) FROM btyd_alive_days(fit, '{2025-01-03:1:10}', '2025-01-02', '2025-01-01')) AS backwards, (SELECT count(*) FROM btyd_alive_days(fit, '{2025-01-03:1:10}', '2025-01-02', NULL)) AS no_end, (SELECT count(*) FROM btyd_alive_days(fit, NULL, '2025-01-02', '2025-02-01')) AS no_history,
       (SELECT count(*) FROM btyd_alive_days(fit, '{2025-01-03:1:10}', '2025-01-02', '5874897-12-31', 1)) AS at_most, (SELECT count(*) FROM btyd_alive_days(fit, '{2025-01-03:1:10}', '4714-11-24 BC', '5874897-12-31', 2147483647)) AS one FROM fit WHERE family = 'bgnbd';
SELECT btyd_alive_days(fit, '{2025-01-03:1:10}', '2025-01-02', '2025-02-01', 0) FROM fit WHERE family = 'bgnbd';
SELECT btyd_alive_days(fit, '{2025-01-03:1:10}', '2025-01-02', 'infinity') FROM fit WHERE family = 'bgnbd';

DROP TABLE fit;
