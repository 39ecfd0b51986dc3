-- The shipped maps: total, labelled in two languages, and every cell as their
-- source has it. The transcriptions here are in another form than the rules.

-- Problems, without the refinements that are listed as such.
SELECT map, c.*
FROM segment_map, check_segment_map(map) AS c
WHERE problem NOT LIKE 'refinement: %';

SELECT map, version, bins,
       (SELECT count(*) FROM check_segment_map(map)) AS refinements,
       (SELECT count(*) FROM segment_rule AS r WHERE r.map = m.map) AS rules,
       (SELECT count(DISTINCT segment) FROM segment_label AS l WHERE l.map = m.map) AS segments,
       (SELECT count(*) FROM segment_label AS l WHERE l.map = m.map) AS labels
FROM segment_map AS m ORDER BY map;

-- Labels: nothing is missing, roles are the same in both languages.
SELECT map, segment FROM segment_label
GROUP BY map, segment
HAVING array_agg(language ORDER BY language) <> '{en,fr}'
    OR count(DISTINCT (role, display_order, color)) <> 1
    OR bool_or(label IS NULL OR description IS NULL OR action IS NULL
               OR display_order IS NULL OR color IS NULL);
SELECT map, role, string_agg(segment, ' ' ORDER BY display_order)
FROM segment_label WHERE language = 'en' GROUP BY map, role ORDER BY map, min(display_order);

CREATE TEMP TABLE cell AS
SELECT r, f, m, concat(r, f, m) AS code
FROM generate_series(1, 5) AS r, generate_series(1, 5) AS f, generate_series(1, 5) AS m;
CREATE TEMP TABLE expected (map text, r int, f int, m int, segment text);

-- essential, by its grid: for M 1-3 and M 4-5, R5 first, F1 to F5.
CREATE TEMP TABLE essential_grid AS
SELECT r, f, half, split_part(line, ' ', f) AS segment
FROM (VALUES
  (5, 1, 'new_customers new_customers upsell_potential upsell_potential upsell_potential'),
  (4, 1, 'new_customers new_customers upsell_potential upsell_potential upsell_potential'),
  (3, 1, 'occasional occasional upsell_potential upsell_potential upsell_potential'),
  (2, 1, 'lapsed lapsed lapsed at_risk at_risk'),
  (1, 1, 'lapsed lapsed lapsed at_risk at_risk'),
  (5, 2, 'new_customers new_customers regular vip vip'),
  (4, 2, 'new_customers new_customers regular vip vip'),
  (3, 2, 'occasional occasional regular regular regular'),
  (2, 2, 'lapsed lapsed at_risk at_risk at_risk'),
  (1, 2, 'lapsed lapsed at_risk at_risk at_risk')) AS grid (r, half, line),
  generate_series(1, 5) AS f;
INSERT INTO expected
SELECT map, r, f, m, segment
FROM cell JOIN essential_grid AS g USING (r, f), (VALUES ('essential'), ('essential_hybrid')) AS v (map)
WHERE half = CASE WHEN m <= 3 THEN 1 ELSE 2 END;

-- standard, by the regular expressions that tutorials use.
INSERT INTO expected
SELECT 'standard', r, f, m, segment
FROM cell JOIN (VALUES
  ('hibernating', '[1-2][1-2]'), ('at_risk', '[1-2][3-4]'), ('cant_lose', '[1-2]5'),
  ('about_to_sleep', '3[1-2]'), ('need_attention', '33'), ('loyal_customers', '[3-4][4-5]'),
  ('promising', '41'), ('new_customers', '51'), ('potential_loyalists', '[4-5][2-3]'),
  ('champions', '5[4-5]')) AS v (segment, pattern)
  ON concat(r, f) ~ ('^' || pattern || '$');

-- klaviyo and pymc_quartile, by their codes.
INSERT INTO expected
SELECT map, left(code, 1)::int, substr(code, 2, 1)::int, right(code, 1)::int, segment
FROM (VALUES
  ('klaviyo', 'champions', '333 332 323'),
  ('klaviyo', 'loyal', '321 322 331 232 233'),
  ('klaviyo', 'recent', '311 312 313 222 223'),
  ('klaviyo', 'needs_attention', '123 132 133 213 221'),
  ('klaviyo', 'at_risk', '122 131 211 212 231'),
  ('klaviyo', 'inactive', '111 112 113 121'),
  ('pymc_quartile', 'premium', '333 334 343 344 433 434 443 444'),
  ('pymc_quartile', 'repeat', '143 232 233 234 243 244 332'),
  ('pymc_quartile', 'top_spender', '124 133 134 144 224 313 314 323 324 413 414 423 424'),
  ('pymc_quartile', 'at_risk', '122 123 132 212 214 222 223 312 322 412 422'),
  ('pymc_quartile', 'inactive', '111 112 113 114 211 311 411'),
  ('pymc_quartile', 'other', '121 131 141 142 213 221 231 241 242 321 331 341 342 421 431 432 441 442'))
  AS v (map, segment, codes), string_to_table(codes, ' ') AS code;

-- shopify_names, by R and F + M from 2 to 10.
INSERT INTO expected
SELECT 'shopify_names', r, f, m, split_part(line, ' ', f + m - 1)
FROM cell JOIN (VALUES
  (5, 'new new active active loyal loyal champions champions champions'),
  (4, 'promising promising active active loyal loyal champions champions champions'),
  (3, 'needs_attention needs_attention needs_attention needs_attention active active loyal loyal loyal'),
  (2, 'almost_lost almost_lost almost_lost at_risk at_risk at_risk previously_loyal previously_loyal previously_loyal'),
  (1, 'dormant dormant dormant dormant at_risk at_risk previously_loyal previously_loyal previously_loyal'))
  AS v (r, line) USING (r);

-- rfm_r, as published: overlapping ranges, the first match wins.
INSERT INTO expected
SELECT 'rfm_r', r, f, m, coalesce((
  SELECT segment FROM (VALUES
    (1, 'champions', 5, 5, 5, 5, 5, 5), (2, 'potential_loyalist', 3, 5, 3, 5, 2, 5),
    (3, 'loyal_customers', 2, 4, 2, 4, 2, 4), (4, 'promising', 3, 4, 1, 3, 3, 5),
    (5, 'new_customers', 4, 5, 1, 3, 1, 5), (6, 'cant_lose_them', 1, 2, 3, 4, 4, 5),
    (7, 'at_risk', 1, 2, 2, 5, 4, 5), (8, 'need_attention', 1, 3, 3, 5, 3, 5),
    (9, 'about_to_sleep', 2, 3, 1, 3, 1, 4), (10, 'lost', 1, 1, 1, 5, 1, 5))
    AS v (n, segment, r1, r2, f1, f2, m1, m2)
  WHERE r BETWEEN r1 AND r2 AND f BETWEEN f1 AND f2 AND m BETWEEN m1 AND m2
  ORDER BY n LIMIT 1), 'other')
FROM cell;

-- Every cell of every map has an expectation, and no cell differs.
SELECT map, count(*) AS cells, count(*) = bins ^ 3 AS all_of_them,
       count(*) FILTER (WHERE segment(r, f, m, map) IS DISTINCT FROM segment) AS different
FROM segment_map LEFT JOIN expected USING (map) GROUP BY map, bins ORDER BY map;
SELECT * FROM expected WHERE segment(r, f, m, map) IS DISTINCT FROM segment LIMIT 10;

-- No order: the segment of role prospect, whatever the facts.
SELECT map, segment(NULL, NULL, NULL, map) AS prospect,
       segment(NULL, 1, 1, map, '{"tenure_days": 999, "propensity_90d": 0.9, "rfm_score": 3}') = segment(NULL, NULL, NULL, map) AS same,
       (SELECT string_agg(segment, ' ') FROM segment_label AS l
        WHERE l.map = s.map AND role = 'prospect' AND language = 'fr') AS label_row
FROM segment_map AS s ORDER BY map;

-- essential: only tenure over a year makes a difference, and only to the new.
SELECT segment(r, f, m) AS without, segment(r, f, m, facts => '{"tenure_days": 366}') AS with_tenure, count(*)
FROM cell WHERE segment(r, f, m) <> segment(r, f, m, facts => '{"tenure_days": 366}') GROUP BY 1, 2;
SELECT count(*) FROM cell, (VALUES ('{"tenure_days": 365}'::jsonb), ('{"tenure_days": null}'), ('{}'),
  ('{"tenure_days": "400"}'), ('{"churn_probability": 1, "basket_score": 1, "silence_ratio": 9}')) AS v (facts)
WHERE segment(r, f, m, facts => facts) IS DISTINCT FROM segment(r, f, m);

-- essential_hybrid against the same rules written by hand, for 700 spread-out
-- combinations of facts in every cell.
CREATE TEMP TABLE fact AS
SELECT i,
  (ARRAY[NULL, 365, 366])[1 + h1 % 3] AS tenure_days,
  (ARRAY[NULL, 0.95, 0.951, 1])[1 + h1 / 3 % 4] AS churn_probability,
  (ARRAY[NULL, -0.49, -0.5, 1])[1 + h1 / 12 % 4] AS rfm_score_change,
  (ARRAY[NULL, 2.999, 3, 22]::float8[])[1 + h1 / 48 % 4] AS silence_ratio,
  (ARRAY[NULL, 1, 2, 3])[1 + h1 / 192 % 4] AS basket_score,
  (ARRAY[NULL, 8, 9, 10])[1 + h2 % 4] AS satisfaction_score,
  (ARRAY[NULL, 29.5, 30, 69, 70]::float8[])[1 + h2 / 4 % 5] AS engagement_score,
  (ARRAY[NULL, 0.49, 0.5])[1 + h2 / 20 % 3] AS propensity_90d,
  (ARRAY[NULL, 2.4, 2.5, 4, 4.1]::float8[])[1 + h2 / 60 % 5] AS rfm_score,
  (ARRAY[NULL, 0, 3, 4])[1 + h2 / 300 % 4] AS product_views_30d
FROM generate_series(1, 700) AS i,
     LATERAL (SELECT i * 7919 % 9973 AS h1, i * 104729 % 99991 AS h2) AS h;
CREATE TEMP TABLE hybrid AS
SELECT r, f, m, fact.*,
  to_jsonb(fact) AS facts,
  CASE
    WHEN r >= 4 AND f <= 2 AND tenure_days > 365 THEN 'occasional'
    WHEN r = 1 AND f >= 3 AND churn_probability > 0.95 THEN 'lapsed'
    WHEN r = 3 AND f >= 4 AND m >= 4 AND (rfm_score_change <= -0.5 OR silence_ratio >= 3) THEN 'at_risk'
    WHEN r >= 3 AND f >= 3 AND basket_score <= 2 THEN 'upsell_potential'
    WHEN r >= 4 AND f >= 4 AND satisfaction_score >= 9 AND engagement_score >= 70 THEN 'ambassadors'
    WHEN r >= 4 AND f >= 4 AND m >= 4 AND engagement_score < 30 THEN 'high_potential_low_engagement'
    WHEN propensity_90d >= 0.5 AND rfm_score BETWEEN 2.5 AND 4 THEN 'upsell_potential'
    ELSE expected.segment
  END AS by_hand
FROM expected, fact WHERE map = 'essential';
SELECT count(*) AS rows, count(DISTINCT by_hand) AS segments,
       count(*) FILTER (WHERE segment(r, f, m, 'essential_hybrid', facts) IS DISTINCT FROM by_hand) AS different,
       count(*) FILTER (WHERE segment(r, f, m, 'essential_hybrid', jsonb_strip_nulls(facts)) IS DISTINCT FROM by_hand) AS different_absent
FROM hybrid;

-- who has no order is asked for nothing but the products they looked at
SELECT product_views_30d, segment(NULL, NULL, NULL, 'essential_hybrid', to_jsonb(fact)) AS no_order,
       segment(NULL, NULL, NULL, 'essential_hybrid', to_jsonb(fact) || '{"score_reason": "all_refunded"}') AS refunded, count(*) > 100 AS many
FROM fact GROUP BY 1, 2, 3 ORDER BY 1;

-- segment_case prints the same map: in every cell, with unknown scores too,
-- and for every combination of facts; also when columns are not given, and where
-- it says nothing of the ends of the scale, as models have it.
CREATE TEMP TABLE wide AS
SELECT r, f, m, fact.*, jsonb_strip_nulls(to_jsonb(fact)) AS facts
FROM (SELECT nullif(r, 0) AS r, nullif(f, 0) AS f, nullif(m, 0) AS m
      FROM generate_series(0, 5) AS r, generate_series(0, 5) AS f, generate_series(0, 5) AS m) AS score,
     fact
WHERE fact.i <= 60;
SET jit = off;		-- an expression for every map, each of hundreds of cases
DO $$
DECLARE
  one record; different bigint; compared bigint; total bigint := 0;
  names text[] := '{tenure_days,churn_probability,rfm_score_change,silence_ratio,basket_score,satisfaction_score,engagement_score,propensity_90d,rfm_score,product_views_30d}';
BEGIN
  FOR one IN SELECT map, bins FROM segment_map ORDER BY map LOOP
    EXECUTE format(
      'SELECT count(*) FILTER (WHERE segment(r, f, m, %1$L, facts) IS DISTINCT FROM %2$s),'
      ' count(*) FILTER (WHERE segment(r, f, m, %1$L) IS DISTINCT FROM %3$s OR %5$s IS DISTINCT FROM %2$s),'
      ' count(*) FROM wide AS w WHERE greatest(r, f, m, 1) <= %4$s', one.map,
      segment_case(one.map, '{w.r,f,w.m}' || names), segment_case(one.map, '{r,f,m}'), one.bins,
      _segment_case(one.map, '{w.r,f,w.m}' || names, false))
      INTO STRICT different, compared, total;
    IF different <> 0 OR compared <> 0 OR total < 60 * 27 THEN
      RAISE WARNING '%: % and % of % rows differ', one.map, different, compared, total;
    END IF;
  END LOOP;
END $$;
RESET jit;

-- The shipped maps can't be edited, not even by their owner.
DO $$
DECLARE
  statement text; caught text;
BEGIN
  FOREACH statement IN ARRAY ARRAY[
    'UPDATE segment_map SET bins = 4 WHERE map = ''essential''',
    'UPDATE segment_rule SET r_min = 1 WHERE map = ''essential''',
    'UPDATE segment_label SET label = ''x'' WHERE map = ''essential''',
    'INSERT INTO segment_map (map) VALUES (''mine'')',
    'INSERT INTO segment_rule (map, position, segment) VALUES (''essential'', 5, ''vip'')',
    'INSERT INTO segment_label (map, segment, language, role, label) VALUES (''essential'', ''vip'', ''de'', ''vip'', ''VIP'')'] LOOP
    caught := NULL;
    BEGIN
      EXECUTE statement;
    EXCEPTION WHEN check_violation THEN
      GET STACKED DIAGNOSTICS caught = CONSTRAINT_NAME;
    END;
    IF caught IS DISTINCT FROM 'shipped_maps_are_read_only' THEN
      RAISE WARNING 'not refused: %', statement;
    END IF;
  END LOOP;
END $$;
SELECT relname, array_agg(privilege_type ORDER BY privilege_type) AS public_may
FROM pg_class, aclexplode(relacl) AS a
WHERE relnamespace = 'scoring'::regnamespace AND relname LIKE 'segment\_%' AND relkind = 'r' AND grantee = 0
GROUP BY relname ORDER BY relname;
