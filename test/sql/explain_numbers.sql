-- Numbers beside thresholds: what is printed says by itself what is true. For
-- values a hair above, below and on a threshold, in English and French.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring;

-- A mean of 20.0033 is more than 20.
CREATE TABLE bought (customer text, day date, total numeric);
INSERT INTO bought VALUES ('a', '2025-01-01', 20.00), ('a', '2025-02-01', 20.00), ('a', '2025-03-01', 20.01), ('b', '2025-03-01', 20.00),
  ('c', '2025-03-01', 20.001), ('d', '2025-03-01', 39.9999), ('e', '2025-03-01', 80);
SELECT count(*) > 0 AS done FROM create_model('means', 'bought', customer => 'customer', day => 'day', value => 'total', as_of => '2025-03-05', monetary => 'mean', monetary_thresholds => '{20,40,60,80}');
SELECT count(*) > 0 AS done FROM create_model('totals', 'bought', customer => 'customer', day => 'day', value => 'total', as_of => '2025-03-05', monetary_thresholds => '{20,39.99985,60.01,80.5}');
SELECT customer_key, mean_value, m_score, explanation FROM means.customer_scores AS c, explain_score('means', c.customer_key) WHERE topic = 'monetary' ORDER BY 1;
SELECT customer_key, m_score, explanation FROM totals.customer_scores AS c, explain_score('totals', c.customer_key, language => 'fr') WHERE topic = 'monetary' ORDER BY 1;
SELECT score, score_range FROM means.thresholds WHERE dimension = 'monetary' ORDER BY score;
SELECT score, score_range FROM totals.thresholds WHERE dimension = 'monetary' ORDER BY score;
-- whatever the session prints of doubles
SET extra_float_digits = -15;
SELECT customer_key, explanation FROM means.customer_scores AS c, explain_score('means', c.customer_key) WHERE topic = 'monetary' ORDER BY 1;
SELECT score_range('monetary', '{20.0000001,20.0000002}', 2);
RESET extra_float_digits;
SELECT count(*) > 0 AS done FROM drop_model('means');
SELECT count(*) > 0 AS done FROM drop_model('totals');
DROP TABLE bought;

-- Values near their thresholds by one unit of the 2nd to the 13th decimal
CREATE FUNCTION uniform(i int, k int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint8extended(i, k) & 1048575) / 1048576.0::float8 $$;
CREATE TABLE near AS
SELECT i, value, ARRAY(SELECT t FROM unnest(ARRAY[base - 7, base, base + 10.0::float8 ^ -(2 + i % 12), base + 11]) AS t ORDER BY t) AS thresholds, (i % 4) AS decimals, language
  FROM (SELECT i, round((10 ^ (3 * uniform(i, 1)))::numeric * CASE WHEN i % 5 = 0 THEN -1 ELSE 1 END, i % 6)::float8 AS base FROM generate_series(1, 240) AS i) AS b,
       LATERAL (SELECT base::numeric + (uniform(i, 2) * 5)::int * 10::numeric ^ -(2 + i % 12) * (i % 3 - 1) + CASE WHEN i % 7 = 0 THEN (uniform(i, 3) / 3)::numeric ELSE 0 END AS value) AS v,
       unnest('{en,fr}'::text[]) AS language;
CREATE FUNCTION number(words text, language text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE language WHEN 'fr' THEN translate(words, ',' || chr(160), '.') ELSE replace(words, ',', '') END::numeric $$;
WITH said AS MATERIALIZED (
  SELECT n.*, score(value::float8, thresholds) AS score, _explain_number(value, _explain_decimals(value, thresholds, decimals), language) AS shown,
         _explain_threshold('monetary', value, thresholds, decimals, language) AS words FROM near AS n
), parts AS MATERIALIZED (
  SELECT s.*, number(shown, language) AS printed,
         number((regexp_match(words, '(?:M (\d).?: (?:more than|plus de)|above|au-dessus de) (-?\d[0-9,.\u00a0]*\d|-?\d)'))[2], language) AS beaten,
         number((regexp_match(words, '(?:needs more than|demande plus de) (-?\d[0-9,.\u00a0]*\d|-?\d)'))[1], language) AS next FROM said AS s
)
SELECT language, count(*) AS sentences, count(beaten) AS with_beaten, count(next) AS with_next, count(*) FILTER (WHERE printed = next) AS equal,
       count(*) FILTER (WHERE printed <= beaten OR printed > next OR (beaten IS NULL) <> (score = 1) OR (next IS NULL) <> (score = 5)) AS untrue,
       count(*) FILTER (WHERE length(split_part(translate(shown, ',', '.'), '.', 2)) > decimals) AS longer, min(shown || words) FILTER (WHERE printed <= beaten OR printed > next) AS example
  FROM parts GROUP BY language ORDER BY language;
-- with no more decimals than it takes
SELECT count(*) AS longer, count(*) FILTER (WHERE round(value, d - 1) > _explain_floor(beaten, d - 1) IS NOT FALSE AND round(value, d - 1) <= _explain_floor(next, d - 1) IS NOT FALSE) AS too_long
  FROM near AS n, _explain_decimals(value, thresholds, decimals) AS d,
       LATERAL (SELECT (max(t) FILTER (WHERE t < value::float8))::text::numeric AS beaten, (min(t) FILTER (WHERE t >= value::float8))::text::numeric AS next FROM unnest(thresholds) AS t) AS b
 WHERE d > decimals;

-- The customer's own value beside a condition of a rule
WITH said AS MATERIALIZED (
  SELECT n.*, op, _explain_condition(jsonb_build_object('column', 'silence_ratio', 'op', op, 'value', given), jsonb_build_object('silence_ratio', value), language) AS words, given
    FROM near AS n, unnest('{<,>=,=}'::text[]) AS op, unnest(thresholds) AS given
), parts AS MATERIALIZED (
  SELECT s.*, replace((regexp_match(words, '\((?:here|ici) ([-0-9.,]+)\)$'))[1], ',', '.')::numeric AS here,
         replace((regexp_match(words, '(?:is less than|is at most|is more than|is at least|is|est en dessous de|vaut au plus|dépasse|vaut au moins|vaut) ([-0-9.,]+?)(?: \(|$)'))[1], ',', '.')::numeric AS printed FROM said AS s
)
SELECT language, count(*) AS sentences, count(here) AS with_value, count(*) FILTER (WHERE sign(coalesce(here, printed) - printed) <> sign(value - given::text::numeric)) AS untrue, count(*) FILTER (WHERE printed IS NULL) AS unread
  FROM parts GROUP BY language ORDER BY language;
SELECT _explain_condition('{"column": "silence_ratio", "op": ">", "value": 3}', '{"silence_ratio": 3.001}', 'en');
SELECT _explain_condition('{"column": "silence_ratio", "op": "between", "value": [2.5, 3]}', '{"silence_ratio": 2.99999}', 'fr');
SELECT _explain_condition('{"column": "fm_score", "op": ">=", "value": 3.5}', '{"f_score": 4, "m_score": 3}', 'en');
SELECT _explain_condition('{"column": "churn_probability", "op": "<", "value": 0.5}', '{"churn_probability": 0.49999999999999994}', 'en');

-- The words of the view, for amounts of so many decimals: true of every one
WITH ranges AS (
  SELECT n.i, decimals, thresholds, s AS score, score_range('monetary', thresholds, s, language, decimals) AS words FROM near AS n, generate_series(1, 5) AS s WHERE language = 'en'
), amounts AS MATERIALIZED (
  SELECT r.*, round(t::numeric, decimals) + k * 10::numeric ^ -decimals AS amount FROM ranges AS r, unnest(thresholds) AS t, generate_series(-2, 2) AS k
)
SELECT count(*) AS checked, count(*) FILTER (WHERE score(amount::float8, thresholds) = score) AS gets_it,
       count(*) FILTER (WHERE (score(amount::float8, thresholds) = score) IS DISTINCT FROM (words <> '-'
         AND coalesce(amount > (regexp_match(words, '> (-?[0-9.]+)'))[1]::numeric, true) AND coalesce(amount <= (regexp_match(words, '<= (-?[0-9.]+)'))[1]::numeric, true))) AS untrue
  FROM amounts;
SELECT score_range('mean', '{37.416666666666664,40}', 1) AS first, score_range('mean', '{37.416666666666664,40}', 2) AS second, score_range('monetary', '{37.416666666666664,40}', 2) AS total,
       score_range('monetary', '{10.001,10.004}', 2) AS between, score_range('recency', '{30.5,141.25}', 2) AS days, score_range('recency', '{30.5,141.25}', 3) AS best, score_range('recency', '{30.5,141.25}', 1) AS worst;
-- days and orders are whole
SELECT count(*) FILTER (WHERE score(days, thresholds, false) > score(days + 1, thresholds, false) AND _explain_threshold('recency', days, thresholds, 2, 'en') !~ format('(fewer than|below) %s($|\)|;)', days + 1)) AS untrue, count(*) AS checked
  FROM generate_series(1, 300) AS days, (VALUES ('{30.5,90.000000001,142.00000000000003,200}'::float8[]), ('{30,90,141.99999999999997,200}')) AS t (thresholds);
DROP TABLE near;
DROP FUNCTION uniform, number;
