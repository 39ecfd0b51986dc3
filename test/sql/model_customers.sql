-- Models with a table of customers: attributes, prospects, consent.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

-- Attributes come by join, whoever is known without an order is a prospect.
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total',
  customers => 'people', attributes => '{city,visits,agreed}', as_of => '2025-12-31');
SELECT * FROM differ('SELECT customer_key, recency_days, frequency, monetary, r_score, f_score, m_score, segment, city, visits, agreed, score_reason FROM m.customer_scores',
  $$SELECT coalesce(s.customer_id, p.customer_id::text), recency_days, coalesce(frequency, 0), coalesce(monetary, 0)::numeric(24,2), r_score, f_score, m_score, coalesce(segment, 'prospects'), city, visits, agreed,
           CASE WHEN recency_days IS NULL THEN 'no_order' END
    FROM score_customers('SELECT customer_id, ordered_on, total FROM orders', '2025-12-31') AS s FULL JOIN people AS p ON p.customer_id::text = s.customer_id$$);
SELECT segment, count(*), count(city) AS with_city, sum(frequency) AS orders, count(*) FILTER (WHERE monetary <> 0) AS corrected, count(mean_value) AS with_mean FROM m.customer_scores WHERE recency_days IS NULL GROUP BY 1;
SELECT * FROM differ('SELECT attribute, attribute_value, segment, customers, customers_share, revenue, revenue_share FROM m.attribute_summary',
  $$WITH a AS (SELECT segment, monetary, attribute, attribute_value FROM m.customer_scores AS s LEFT JOIN people AS p ON p.customer_id::text = s.customer_key
      CROSS JOIN LATERAL (VALUES ('city', p.city), ('visits', p.visits::text), ('agreed', p.agreed::text)) AS v (attribute, attribute_value))
    SELECT attribute, attribute_value, segment, count(*), count(*) / sum(count(*)) OVER w::float8, sum(monetary)::numeric(24,2), (greatest(sum(monetary), 0) / sum(greatest(sum(monetary), 0)) OVER w)::float8
    FROM a GROUP BY 1, 2, 3 WINDOW w AS (PARTITION BY attribute, attribute_value)$$);
SELECT attribute_value, sum(customers) AS customers, round(sum(customers_share)::numeric, 9) AS shares FROM m.attribute_summary WHERE attribute = 'city' GROUP BY 1 ORDER BY 1;
SELECT * FROM differ('SELECT customer_key, city, visits, agreed FROM m.at_risk_customers', $$SELECT customer_key, city, visits, agreed FROM m.customer_scores WHERE segment = 'at_risk'$$);
-- what changes there is seen at once, without a refresh; new ones too
BEGIN;
UPDATE people SET city = 'Paris' WHERE customer_id = 7;
INSERT INTO people VALUES (1000, 'Brest', NULL, true, 0, 'north');
DELETE FROM people WHERE customer_id IN (8, 449);
SELECT customer_key, city, segment FROM m.customer_scores WHERE customer_key IN ('7', '8', '449', '1000') ORDER BY 1;
ROLLBACK;
-- an order after the day of the question shows nowhere: people are as if they had no history
SELECT count(*) AS later_orders FROM people AS p JOIN orders AS o USING (customer_id) WHERE ordered_on > '2024-06-30'
  AND NOT EXISTS (SELECT FROM orders AS e WHERE e.customer_id = p.customer_id AND e.ordered_on <= '2024-06-30');
SELECT frequency, monetary, mean_value, tenure_days, segment, count(*) > 0 AS some FROM m.customer_scores_at('2024-06-30')
 WHERE recency_days IS NULL AND monetary = 0 GROUP BY 1, 2, 3, 4, 5;
SELECT item FROM drop_model('m');

-- Consent: whoever has not given it, or is not in the table, is nowhere.
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total',
  customers => 'people', consent => 'agreed', as_of => '2025-12-31');
SELECT * FROM differ('SELECT customer_key, recency_days, frequency, monetary FROM m.customer_scores',
  $$SELECT p.customer_id::text, recency_days, coalesce(frequency, 0), coalesce(monetary, 0)::numeric(24,2)
    FROM score_customers('SELECT customer_id, ordered_on, total FROM orders', '2025-12-31') AS s RIGHT JOIN people AS p ON p.customer_id::text = s.customer_id WHERE p.agreed$$);
SELECT reason, affected, (SELECT count(DISTINCT customer_id) FROM orders AS o WHERE NOT EXISTS (SELECT FROM people AS p WHERE p.customer_id = o.customer_id AND p.agreed)) AS expected FROM m.data_quality WHERE reason = 'no_consent';
-- thresholds were taken from those who agreed
SELECT t.upper_bound = (SELECT (quantile_thresholds(monetary, 5))[1] FROM score_customers('SELECT o.customer_id, ordered_on, total FROM orders AS o JOIN people AS p USING (customer_id) WHERE agreed', '2025-12-31') WHERE frequency > 0) AS same
FROM m.thresholds AS t WHERE dimension = 'monetary' AND score = 1;
-- withdrawn and given: at the next statement, in every view and function
CREATE FUNCTION shopdata.seen(key text) RETURNS TABLE (place text, times bigint) LANGUAGE sql AS $$
  SELECT 'customer_scores', count(*) FROM m.customer_scores WHERE customer_key = key UNION ALL
  SELECT 'customer_segments', count(*) FROM m.customer_segments WHERE customer_key = key UNION ALL
  SELECT 'lists', (SELECT count(*) FROM m.vip_customers WHERE customer_key = key) + (SELECT count(*) FROM m.upsell_customers WHERE customer_key = key)
    + (SELECT count(*) FROM m.new_customers WHERE customer_key = key) + (SELECT count(*) FROM m.at_risk_customers WHERE customer_key = key) UNION ALL
  SELECT 'customers in segment_summary', sum(customers)::bigint FROM m.segment_summary UNION ALL
  SELECT 'customers in score_distribution', sum(customers)::bigint FROM m.score_distribution WHERE dimension = 'recency' UNION ALL
  SELECT 'customers in rfm_grid', sum(customers)::bigint FROM m.rfm_grid UNION ALL
  SELECT 'customer_scores_at', count(*) FROM m.customer_scores_at('2025-06-30') WHERE customer_key = key UNION ALL
  SELECT 'customers in segment_history', sum(customers)::bigint FROM m.segment_history('2025-12-31', '2025-12-31') UNION ALL
  SELECT 'customers in segment_transitions', sum(customers)::bigint FROM m.segment_transitions('2025-06-30', '2025-12-31') UNION ALL
  SELECT 'customers in cohort_retention', sum(customers)::bigint FROM m.cohort_retention() WHERE months_since = 0
$$;
SELECT min(customer_key::int) AS key FROM m.at_risk_customers \gset
CREATE TABLE before AS SELECT * FROM seen(:'key');
UPDATE people SET agreed = false WHERE customer_id = :key;
SELECT place, b.times AS agreed, s.times - b.times AS withdrawn FROM before AS b JOIN seen(:'key') AS s USING (place);
UPDATE people SET agreed = NULL WHERE customer_id = :key;
SELECT sum(s.times - b.times) AS unknown FROM before AS b JOIN seen(:'key') AS s USING (place);
UPDATE people SET agreed = true WHERE customer_id = :key;
SELECT count(*) AS different FROM before AS b JOIN seen(:'key') AS s USING (place) WHERE s.times <> b.times;
DROP TABLE before;
SELECT item FROM drop_model('m');

-- A table of customers in which some are more than once: the most careful row counts.
CREATE TABLE shopdata.contacts AS
SELECT format('%s', customer_id) AS number, agreed, city, 1 AS line FROM people
UNION ALL SELECT customer_id::text, true, 'Aix', 2 FROM people WHERE customer_id <= 60
UNION ALL SELECT NULL, true, 'Ghost', 3;
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total',
  customers => 'contacts', customers_key => 'number', consent => 'agreed', attributes => '{city,line}', as_of => '2025-12-31');
SELECT count(*) AS rows, count(DISTINCT customer_key) AS customers, count(*) FILTER (WHERE city = 'Ghost') AS ghosts,
       count(*) FILTER (WHERE customer_key::int <= 60) AS doubles, count(*) FILTER (WHERE customer_key::int <= 60 AND line = 2) AS second_lines FROM m.customer_scores;
SELECT * FROM differ('SELECT customer_key, city, line FROM m.customer_scores',
  $$SELECT DISTINCT ON (number) number, city, line FROM contacts WHERE number IS NOT NULL AND number NOT IN (SELECT number FROM contacts WHERE agreed IS NOT TRUE AND number IS NOT NULL) ORDER BY number, city, line$$);
SELECT item FROM drop_model('m');

-- Keys of the two tables are compared as text: numeric 7.00 is integer 7. An
-- expression, a query and a primary key of another name find the column too.
CREATE TABLE shopdata.members (member numeric PRIMARY KEY, town text, "order" text, level int, c text, "a$1" text, "Über ""Maß""" text);
INSERT INTO members SELECT (customer_id || '.00')::numeric, city, 'o' || customer_id, customer_id % 5, 'w', '$1', 'x' FROM people;
CREATE FUNCTION shopdata.compare(arguments text) RETURNS TABLE (rows bigint, different bigint) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT FROM create_model(''m'', ''orders'', customer => ''customer_id'', day => ''ordered_on'', value => ''total'', as_of => ''2025-12-31'', %s)', arguments);
  RETURN QUERY SELECT * FROM differ('SELECT customer_key, town FROM m.customer_scores', 'SELECT coalesce(p.customer_id, o.customer_id)::text, city FROM people AS p FULL JOIN (SELECT DISTINCT customer_id FROM orders) AS o USING (customer_id)');
  PERFORM FROM drop_model('m');
END $$;
SELECT arguments, d.* FROM unnest(ARRAY[$$customers => 'members', attributes => '{town}'$$,
  $$customers => 'SELECT member, town FROM members', attributes => '{town}'$$,
  $$customers => 'SELECT town, member AS "Customer Nr" FROM members;', customers_key => 'Customer Nr', attributes => '{town}'$$,
  $$customers => 'SELECT customer_id, city AS town FROM people', attributes => '{town}'$$,
  $$customers => 'members', customers_key => 'member + 0', attributes => '{town}'$$,
  $$customers => 'members', attributes => '{town,order,level,c,a$1}'$$,
  $$customers => 'members', attributes => '{"Über \"Maß\"",town}'$$]) AS arguments, compare(arguments) AS d;

-- Attributes in the conditions of a map, by name and as attributes.name, also
-- where a view and a function of another day compute the segment.
CREATE SCHEMA maps;
SELECT create_segment_map('maps.mine', copy_of => 'essential');
INSERT INTO maps.segment_rule (map, position, segment, conditions) VALUES
  ('mine', -3, 'vip', '{"column": "town", "op": "=", "value": "Lyon"}'),
  ('mine', -2, 'regular', '{"and": [{"column": "attributes.visits", "op": ">=", "value": 5}, {"column": "town", "op": "=", "value": "Nice"}]}'),
  ('mine', -1, 'lapsed', '{"column": "attributes.town", "op": "=", "value": "Lille"}'),
  ('mine', 0, 'occasional', '{"column": "nobody_knows", "op": "=", "value": 1}');
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', segment_map => 'maps.mine',
  customers => 'SELECT customer_id, city AS town, visits FROM people', attributes => '{town,visits}', as_of => '2025-12-31');
SELECT count(*) AS rows, count(*) FILTER (WHERE segment IS DISTINCT FROM CASE WHEN r_score IS NULL THEN 'prospects' WHEN town = 'Lyon' THEN 'vip' WHEN visits >= 5 AND town = 'Nice' THEN 'regular' WHEN town = 'Lille' THEN 'lapsed'
         ELSE segment(r_score, f_score, m_score, 'essential', jsonb_build_object('tenure_days', tenure_days)) END) AS different FROM m.customer_scores;
SELECT count(*) AS rows, count(*) FILTER (WHERE a IS DISTINCT FROM s) AS different FROM m.customer_scores AS s FULL JOIN m.customer_scores_at('2025-12-31') AS a USING (customer_key);
SELECT item FROM drop_model('m');

-- Attributes of other types: what tools take for no text is text; conditions on them
CREATE TYPE shopdata.mood AS ENUM ('sad', 'glad');
CREATE DOMAIN shopdata.level AS int;
CREATE TABLE shopdata.typed AS SELECT customer_id, (CASE WHEN customer_id % 3 = 0 THEN 'sad' ELSE 'glad' END)::mood AS mood, city::char(20) AS town, customer_id::name AS nick,
  'x'::"char" AS letter, born_on, agreed, visits::real AS weight, (customer_id % 9)::level AS level, born_on + time '12:00' AS at, visits::numeric AS visits FROM people;
SELECT create_segment_map('maps.typed', copy_of => 'essential');
INSERT INTO maps.segment_rule (map, position, segment, conditions) SELECT 'typed', n - 20, 'rule ' || n, c::jsonb FROM unnest(ARRAY[
  '{"and": [{"column": "mood", "op": "=", "value": "sad"}, {"column": "town", "op": "in", "value": ["Lyon", "Nice"]}]}',
  '{"and": [{"column": "born_on", "op": "between", "value": ["1960-01-01", "1965-12-31"]}, {"column": "agreed", "op": "=", "value": true}]}',
  '{"and": [{"column": "weight", "op": ">=", "value": 5}, {"column": "level", "op": "<", "value": 3}]}',
  '{"and": [{"column": "nick", "op": "=", "value": "7"}, {"column": "letter", "op": "=", "value": "x"}]}',
  '{"or": [{"column": "visits", "op": "=", "value": 6}, {"not": {"column": "at", "op": ">", "value": "1951-01-01"}}]}']) WITH ORDINALITY AS u (c, n);
SELECT count(*) > 0 AS done FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', segment_map => 'maps.typed',
  customers => 'typed', customers_key => 'customer_id', attributes => '{mood,town,nick,letter,born_on,agreed,weight,level,at,visits}', as_of => '2025-12-31');
SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) AS attributes FROM information_schema.columns
WHERE table_schema = 'm' AND table_name = 'customer_scores' AND column_name IN (SELECT attname FROM pg_attribute WHERE attrelid = 'typed'::regclass AND attnum > 0);
SELECT count(*) AS rows, count(*) FILTER (WHERE s.segment IS DISTINCT FROM CASE WHEN r_score IS NULL THEN 'prospects'
  WHEN t.mood = 'sad' AND t.town IN ('Lyon', 'Nice') THEN 'rule 1' WHEN t.born_on BETWEEN '1960-01-01' AND '1965-12-31' AND t.agreed THEN 'rule 2' WHEN t.weight >= 5 AND t.level < 3 THEN 'rule 3'
  WHEN t.customer_id = 7 THEN 'rule 4' WHEN t.visits = 6 OR t.at <= '1951-01-01' THEN 'rule 5' ELSE segment(r_score, f_score, m_score, 'essential', jsonb_build_object('tenure_days', tenure_days)) END) AS different,
  count(DISTINCT s.segment) AS segments FROM m.customer_scores AS s LEFT JOIN typed AS t ON t.customer_id::text = s.customer_key;
SELECT attribute, count(*) > 0 AS summed FROM m.attribute_summary GROUP BY 1 ORDER BY 1;
SELECT item FROM drop_model('m');
DROP TABLE typed;
DROP TYPE mood;
DROP DOMAIN level;
DROP SCHEMA maps CASCADE;

-- An attribute that every model has already, by any name it goes by inside
SELECT refused(format('create_model(''m'', ''SELECT customer_id, ordered_on, total FROM orders'', customers => ''SELECT 1 AS customer_id, 2 AS %I'', attributes => %L)', a, ARRAY[a]))
FROM unnest('{segment,as_of,r_score,tenant,history,clv_12m,role,version,weights,then_frequency,attributes.city}'::text[]) AS a;
DROP TABLE contacts, members;
DROP FUNCTION compare(text), seen(text);

-- A table of customers that is dropped with all that stands on it takes the
-- views along; alter_model makes them again, over another table or none.
CREATE TABLE shopdata.members AS SELECT DISTINCT customer_id, customer_id % 2 = 0 AS agreed FROM orders WHERE customer_id IS NOT NULL;
CREATE TABLE shopdata.members_too AS TABLE members;
SELECT count(*) > 0 AS made FROM create_model('m', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', customers => 'members', consent => 'agreed');
CREATE TABLE before AS SELECT customer_key, segment FROM m.customer_scores;
DROP TABLE members CASCADE;
SELECT item, detail FROM alter_model('m', customers => 'members_too') WHERE item !~ '^(segment|made again)';
SELECT count(*) AS differences FROM ((TABLE before EXCEPT SELECT customer_key, segment FROM m.customer_scores) UNION ALL (SELECT customer_key, segment FROM m.customer_scores EXCEPT TABLE before)) AS d;
DROP TABLE members_too CASCADE;
SELECT item, detail FROM alter_model('m', reset => '{customers,consent}') WHERE item !~ '^(segment|made again)';
SELECT (SELECT sum(customers) FROM m.segment_summary) = (SELECT count(DISTINCT customer_id) FROM orders WHERE ordered_on <= '2025-12-31' AND total IS NOT NULL) AS all_are_shown;
SELECT count(*) FROM check_model('m');
SELECT item FROM drop_model('m');
DROP TABLE before;
