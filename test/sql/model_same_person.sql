-- One person with several keys has refused if they have under any of them: in
-- views, dated functions, thresholds, the feed, lists and counts; until the merge
-- is taken back.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
CREATE TABLE shopdata.bought (customer text, day date, value numeric, shop text);
INSERT INTO bought SELECT 'K' || i, date '2025-12-31' - 20 * k - i, 10 + i, 'north' FROM generate_series(1, 12) AS i, generate_series(0, 3) AS k;
CREATE TABLE shopdata.persons (customer text PRIMARY KEY, shop text, agreed boolean, objects boolean, by_mail boolean, city text);
INSERT INTO persons SELECT 'K' || i, 'north', true, false, true, 'Lyon' FROM generate_series(1, 12) AS i;
CREATE TABLE shopdata.settings (model text, live boolean, tenant text);
INSERT INTO settings VALUES ('same', false, NULL), ('same_live', true, NULL), ('same_shop', true, 'shop');
SELECT count(*) > 0 AS done FROM settings AS s, create_model(s.model, 'bought', customer => 'customer', day => 'day', value => 'value', tenant => s.tenant, as_of => '2025-12-31',
  customers => 'persons', customers_key => 'customer', attributes => '{city}', consent => 'agreed', objection => 'objects', contact => '{by_mail}', live => s.live);
SELECT status FROM settings, record_changes(model);
-- everybody has moved, so that the feed has a line of everybody
INSERT INTO bought SELECT DISTINCT customer, date '2025-12-31', 4000, shop FROM bought WHERE customer <> 'K12';
SELECT count(*) FROM settings, refresh_model(model);
SELECT changes > 0 AS moved FROM settings, record_changes(model);
-- K8 objects, K7 withdraws, K6 has never answered, K5 isn't in the table; K4 is merged twice removed
UPDATE persons SET objects = true WHERE customer = 'K8';
UPDATE persons SET agreed = false WHERE customer = 'K7';
UPDATE persons SET agreed = NULL WHERE customer = 'K6';
DELETE FROM persons WHERE customer = 'K5';
UPDATE persons SET by_mail = NULL WHERE customer = 'K3';
CREATE FUNCTION shopdata.seen(who text[]) RETURNS TABLE (model text, scores bigint, segments bigint, at_day bigint, lists bigint, feed bigint, near bigint, cohorts numeric, refused text)
LANGUAGE plpgsql AS $$
DECLARE
  keys text[];
BEGIN
  FOR model IN SELECT s.model FROM settings AS s ORDER BY 1 LOOP
    keys := CASE model WHEN 'same_shop' THEN ARRAY(SELECT 'north:' || k FROM unnest(who) AS k) ELSE who END;
    EXECUTE format($q$SELECT (SELECT count(*) FROM %1$I.customer_scores WHERE customer_key = ANY ($1)), (SELECT count(*) FROM %1$I.customer_segments WHERE customer_key = ANY ($1)),
      (SELECT count(*) FROM %1$I.customer_scores_at('2025-12-30') WHERE customer_key = ANY ($1)),
      (SELECT count(*) FROM (SELECT customer_key FROM %1$I.vip_customers UNION ALL SELECT customer_key FROM %1$I.upsell_customers UNION ALL SELECT customer_key FROM %1$I.new_customers
        UNION ALL SELECT customer_key FROM %1$I.at_risk_customers) AS l WHERE customer_key = ANY ($1)),
      (SELECT count(*) FROM %1$I.segment_changes WHERE customer_key = ANY ($1)), (SELECT count(*) FROM near_misses(%1$L, 'vip') WHERE customer_key = ANY ($1)),
      (SELECT sum(customers) FROM %1$I.cohort_retention() WHERE months_since = 0),
      (SELECT string_agg(reason || ' ' || affected, ', ' ORDER BY reason) FROM %1$I.data_quality WHERE reason IN ('no_consent', 'objection'))$q$, model)
      INTO scores, segments, at_day, lists, feed, near, cohorts, refused USING keys;
    RETURN NEXT;
  END LOOP;
END $$;
SELECT * FROM seen('{K1,K2,K3,K4,K5,K6,K7,K8,K9}');
-- into K9, who agrees
CREATE FUNCTION shopdata.merge(one text, other text) RETURNS TABLE (model text, note text) LANGUAGE plpgsql AS $$
BEGIN
  FOR model IN SELECT s.model FROM settings AS s ORDER BY 1 LOOP
    SELECT string_agg(m.detail, '; ') INTO note FROM merge_customers(model, CASE model WHEN 'same_shop' THEN 'north:' ELSE '' END || one, CASE model WHEN 'same_shop' THEN 'north:' ELSE '' END || other) AS m
      WHERE m.item = 'note';
    RETURN NEXT;
  END LOOP;
END $$;
SELECT DISTINCT 'objects' AS what, note FROM merge('K8', 'K9');
SELECT * FROM seen('{K8,K9}');
SELECT DISTINCT 'unmerged' AS what, count(*) > 0 AS done FROM settings, unmerge_customers(model, CASE model WHEN 'same_shop' THEN 'north:' ELSE '' END || 'K8');
SELECT count(*) FROM settings, refresh_model(model);
SELECT DISTINCT scores, segments, at_day, feed FROM seen('{K8,K9}');
SELECT DISTINCT 'withdrew' AS what, note FROM merge('K7', 'K9');
SELECT DISTINCT scores, segments, at_day, lists, feed, near FROM seen('{K7,K9}');
UPDATE persons SET agreed = true WHERE customer = 'K7';
SELECT DISTINCT 'agrees again' AS what, scores, segments, at_day, feed FROM seen('{K7,K9}');
SELECT DISTINCT 'never answered' AS what, note FROM merge('K6', 'K10');
SELECT DISTINCT 'not in the table' AS what, note FROM merge('K5', 'K11');
SELECT DISTINCT scores, segments, at_day, lists, feed, near FROM seen('{K6,K10,K5,K11}');
-- the last of a chain, and back again
SELECT DISTINCT 'chain' AS what, note FROM merge('K4', 'K2');
SELECT DISTINCT 'chain' AS what, note FROM merge('K2', 'K1');
SELECT DISTINCT scores, feed FROM seen('{K1,K2,K4}');
UPDATE persons SET objects = true WHERE customer = 'K4';
SELECT DISTINCT scores, segments, at_day, lists, feed, near FROM seen('{K1,K2,K4}');
UPDATE persons SET objects = false WHERE customer = 'K4';
UPDATE persons SET objects = true WHERE customer = 'K1';
SELECT DISTINCT scores, segments, at_day, lists, feed, near FROM seen('{K1,K2,K4}');
UPDATE persons SET objects = false WHERE customer = 'K1';
-- the most careful of their answers on contact: not by mail
SELECT DISTINCT scores, lists FROM seen('{K1}');
SELECT DISTINCT 'contact' AS what, note FROM merge('K3', 'K1');
SELECT DISTINCT scores, lists FROM seen('{K1}');
SELECT by_mail FROM same.customer_scores WHERE customer_key = 'K1';
-- they are held, and exported, under all keys; thresholds are of those who are seen
SELECT jsonb_array_length(export_customer('same', 'K10') -> 'orders') > 0 AS orders, export_customer('same', 'K10') -> 'scores' AS scores, export_customer('same', 'K10') -> 'also_known_as' AS also;
UPDATE persons SET objects = true WHERE customer = 'K3';
SELECT count(*) > 0 AS done FROM calibrate_model('same');
SELECT max(calibrated_customers) = (SELECT count(*) FROM same.customer_scores WHERE recency_days IS NOT NULL) AS of_those_who_are_seen FROM same.thresholds;
SELECT changes FROM record_changes('same');
SELECT count(*) > 0 AS dropped FROM settings, drop_model(model);
DROP FUNCTION seen(text[]), merge(text, text);
DROP TABLE bought, persons, settings;
