-- Arguments as people write them at first: what they are told, and that the
-- forms for this make no call ambiguous that is right.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET search_path = public, scoring;
CREATE TABLE bought (customer int, at timestamptz, local_at timestamp, day date, amount numeric, paid float8, points int, kept bool);
INSERT INTO bought SELECT i % 40, '2025-03-01 12:00+00'::timestamptz + i * interval '1 day', timestamp '2025-03-01 12:00' + i * interval '1 day', date '2025-03-01' + i, 10 + i, 10 + i, i, true FROM generate_series(1, 200) AS i;
CREATE TABLE h AS SELECT customer, history_agg(day, amount) AS history FROM bought GROUP BY customer;

-- a moment is no day
SELECT history_agg(at, amount) FROM bought;
\set VERBOSITY terse
SELECT history_agg(local_at, amount) FROM bought;
SELECT history_agg(at, paid) FROM bought;
SELECT history_agg(at, points, kept) FROM bought;
SELECT history_agg(at, amount) FROM bought WHERE false;
SELECT recency(history, now()) FROM h;
SELECT recency(history, localtimestamp) FROM h;
SELECT b.x FROM h, btyd(history, now()) AS b;
SELECT frequency(history, now(), window_days => 30) FROM h;
SELECT monetary(history, now() - interval '1 day', 30) FROM h;
SELECT customer_id FROM score_customers('bought', now()) WHERE r_score > 2;
SELECT * FROM score_customers('SELECT customer, day, amount FROM bought', NULL::int, now(), bins => 3);
\set VERBOSITY default
SELECT silence_ratio(history, current_timestamp) > 2 FROM h;
SELECT * FROM score_customers('SELECT customer, day, amount FROM bought', now());
SELECT count(*) AS forms FROM pg_proc AS p WHERE p.prosrc LIKE 'refuse\_moment%' OR p.oid IN (SELECT a.aggfnoid FROM pg_aggregate AS a JOIN pg_proc AS f ON f.oid = a.aggfinalfn WHERE f.prosrc LIKE 'refuse\_moment%');

-- Literals, NULLs and parameters of no type find the forms that they found before
SELECT recency('{2025-01-01:1:1}', '2025-01-02'), tenure('{2025-01-01:1:1}', '2025-01-05'), frequency('{2025-01-01:1:1}', '2025-01-02'), frequency('{2025-01-01:1:1}', '2025-01-02', 30),
       monetary('{2025-01-01:1:1}', '2025-01-02', NULL), trend('{2025-01-01:1:1}', '2025-01-02', 30), decayed_sum('{2025-01-01:1:1}', '2025-01-01', 30) AS decayed, last_day('{2025-01-01:1:1}', 'infinity') = '2025-01-01' AS last;
SELECT recency(NULL, NULL) IS NULL AS none, recency(history, NULL) IS NULL AS no_day, recency(NULL, '2025-01-02') IS NULL AS no_history, recency(NULL, date '2025-01-02') IS NULL AS no_typed_history,
       recency('{2025-01-01:1:1}', date '2025-01-02') AS day FROM h LIMIT 1;
SELECT recency(history, as_of => '2025-12-31') - recency(history, current_date) = date '2025-12-31' - current_date AS named, recency(history, day) >= 0 AS column FROM h JOIN bought USING (customer) ORDER BY day DESC LIMIT 1;
SELECT history_agg('2025-01-01', 5) AS int, history_agg('2025-01-01', 5.5) AS numeric, history_agg('2025-01-01', '5') AS literal, history_agg('2025-01-01', 5::bigint) AS bigint, history_agg('2025-01-01', 5::smallint) AS smallint,
       history_agg('2025-01-01', 5::real) AS real, history_agg('2025-01-01', 5::float8) AS double, history_agg(NULL, NULL) AS nothing, history_agg('2025-01-01', 5, true) AS counts, history_agg('2025-01-01', '5', 't') AS literals,
       history_agg('2025-01-01', NULL) AS no_value, history_agg(date '2025-01-01', 5) AS day;
SELECT pg_typeof(history_agg('2025-01-01', 12345678901234567)) AS type, history_agg('2025-01-01', 12345678901234567) AS all_digits;
SELECT count(*) FROM score_customers('SELECT customer, day, amount FROM bought', '2025-12-31');
SELECT count(*) FROM score_customers('SELECT customer, day, amount FROM bought'::varchar, '2025-12-31', 5, 'essential');
SELECT count(*) FROM score_customers('SELECT customer, day, amount FROM bought', NULL::int, '2025-12-31', bins => 4, segment_map => NULL);
SELECT count(*) FROM score_customers(source => 'SELECT customer, day, amount FROM bought', as_of => '2025-12-31');
SELECT count(*) FROM score_customers('SELECT customer, day, amount FROM bought', '2025-12-31', 4, NULL);
SELECT score_customers(NULL, NULL);
PREPARE asked AS SELECT recency($1, $2), history_agg($2, $3::numeric);
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'asked';
PREPARE scored AS SELECT count(*) FROM score_customers($1, $2);
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'scored';
DEALLOCATE ALL;
-- whatever is called with nothing but NULLs of no type; score_customers with three
-- of them may be either of its true forms
CREATE FUNCTION ambiguous(call text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'SELECT ' || call;
  RETURN false;
EXCEPTION WHEN ambiguous_function THEN RETURN true;
  WHEN OTHERS THEN RETURN false;
END $$;
SELECT count(*) > 30 AS calls, string_agg(c.call, ', ') FILTER (WHERE ambiguous(c.call)) AS ambiguous
  FROM (SELECT format('%I(%s)', p.proname, array_to_string(array_fill('NULL'::text, ARRAY[n]), ', ')) AS call
          FROM pg_proc AS p CROSS JOIN LATERAL generate_series(greatest(1, p.pronargs - p.pronargdefaults), p.pronargs) AS n
         WHERE p.pronamespace = 'scoring'::regnamespace AND p.prokind IN ('f', 'a') AND p.pronargs > 0
           AND p.proname IN (SELECT o.proname FROM pg_proc AS o, pg_type AS t WHERE o.pronamespace = 'scoring'::regnamespace AND t.typname IN ('argument_moment', 'numeric') AND t.oid = ANY (o.proargtypes)) OFFSET 0) AS c
 WHERE c.call !~ '^_' AND c.call !~ '^score_customers.NULL, NULL, NULL';
DROP FUNCTION ambiguous;

-- Customers whose keys are numbers
SELECT count(*) > 0 AS done FROM create_model('shop_of_numbers', 'bought', customer => 'customer', day => 'day', value => 'amount', as_of => '2025-12-31');
SELECT (SELECT jsonb_agg(to_jsonb(e)) FROM explain_score('shop_of_numbers', 5) AS e) = (SELECT jsonb_agg(to_jsonb(e)) FROM explain_score('shop_of_numbers', '5') AS e) AS explained,
       (SELECT count(*) FROM explain_score('shop_of_numbers', 5::bigint, language => 'fr', audience => 'customer')) > 3 AS french;
SELECT count(DISTINCT b.customer) AS customers FROM (SELECT DISTINCT customer FROM bought WHERE customer < 3) AS b, explain_score('shop_of_numbers', b.customer) AS e WHERE e.topic = 'segment';
SELECT item FROM override_segment('shop_of_numbers', 5, 'vip', 'knows us well');
SELECT segment, segment_overridden FROM shop_of_numbers.customer_scores WHERE customer_key = '5';
SELECT item FROM clear_override('shop_of_numbers', customer => 5);
SELECT export_customer('shop_of_numbers', 5) = export_customer('shop_of_numbers', '5') AS exported;
SELECT object, erased FROM forget_customer('shop_of_numbers', 5) WHERE erased > 0;
SELECT sum(found) AS found FROM erasure_report('shop_of_numbers', 5);
SELECT item FROM allow_customer('shop_of_numbers', 5);
SELECT count(*) FROM near_misses('shop_of_numbers', 'vip') AS a, near_misses(model => 'shop_of_numbers', segment => 'vip', as_of => '2025-12-30') AS b;
SELECT count(*) > 0 AS dated FROM explain_score('shop_of_numbers', '7', '2025-12-30') AS a, explain_score('shop_of_numbers', 7, '2025-12-30') AS b, explain_score('shop_of_numbers', '7', NULL, 'manager', NULL) AS c;
\set VERBOSITY terse
SELECT * FROM explain_score('shop_of_numbers', '7', now());
SELECT * FROM near_misses('shop_of_numbers', 'vip', as_of => now());
\set VERBOSITY default
SELECT explain_score('shop_of_numbers', 4711);
SELECT explain_score('shop_of_numbers', NULL);
SELECT count(*) > 0 AS done FROM drop_model('shop_of_numbers');
DROP TABLE bought, h;
