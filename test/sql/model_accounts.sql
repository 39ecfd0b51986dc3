-- Accounts, the products that prospects look at, and what dated functions say of
-- people who may not have been known then: all compared with plain SQL over the
-- tables. Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never

-- 500 contacts of some 60 companies, of clubs of one, or of nobody; some have a
-- second row. A third has never ordered; some orders are of people who are in no table.
CREATE SCHEMA b2b;
CREATE FUNCTION b2b.u(i int, seed int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint8extended(i, seed) & 1073741823) / 1073741824.0::float8 $$;
CREATE TABLE b2b.contacts AS
SELECT i AS contact_id, CASE WHEN i % 9 = 0 THEN NULL WHEN i % 23 = 0 THEN '' WHEN i % 17 = 0 THEN 'club of ' || i
       ELSE 'company ' || floor(60 * b2b.u(i, 1) * b2b.u(i, 2)) END AS company,
       i / 25 AS company_no, CASE WHEN i % 10 > 0 THEN date '2024-01-01' + (b2b.u(i, 3) * 700)::int END AS registered_on,
       i % 13 > 0 AS agrees, (ARRAY['north', 'south'])[1 + i % 2] AS branch
FROM generate_series(1, 500) AS i;
INSERT INTO b2b.contacts SELECT contact_id, CASE WHEN contact_id % 2 = 0 THEN company || ' too' END, company_no, registered_on, agrees, branch FROM b2b.contacts WHERE contact_id % 41 = 0;
CREATE TABLE b2b.orders AS
SELECT e AS order_id, c AS contact_id, date '2024-02-01' + (b2b.u(e, 5) * 690)::int AS ordered_on, round((b2b.u(e, 6) * 900 - 60)::numeric, 2) AS total, (ARRAY['north', 'south'])[1 + c % 2] AS branch
FROM (SELECT e, 1 + floor(520 * b2b.u(e, 4))::int AS c FROM generate_series(1, 1500) AS e) AS s WHERE c % 3 > 0;
CREATE TABLE b2b.acts AS
SELECT e AS act_id, 1 + floor(530 * power(b2b.u(e, 7), 2))::int AS contact_id, date '2024-03-01' + (b2b.u(e, 8) * 665)::int AS done_on,
       (ARRAY['view_item', 'email_open', 'email_click', 'Viewed Product', 'pricing_page', 'demo_request', NULL])[1 + floor(7 * b2b.u(e, 9))::int] AS what
FROM generate_series(1, 9000) AS e;
CREATE TABLE b2b.catalogue AS SELECT act_id, contact_id, done_on AS seen_on FROM b2b.acts WHERE contact_id % 6 = 0;
-- one row a person counts: the first known, then the first company by name
CREATE VIEW b2b.people AS SELECT DISTINCT ON (contact_id) contact_id, nullif(company, '') AS company, registered_on, branch, agrees FROM b2b.contacts
ORDER BY contact_id, registered_on NULLS FIRST, nullif(company, '') COLLATE "C";

SELECT item, detail FROM create_model('ac', 'b2b.orders', customer => 'contact_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'b2b.contacts', customers_key => 'contact_id', known_since => 'registered_on', account => 'company') WHERE item IN ('customers', 'accounts', 'note');
SELECT count(DISTINCT company) AS accounts, count(company) AS contacts FROM b2b.people;

-- The slow way. Thresholds are the model's; a score is how many of them are beaten.
CREATE FUNCTION b2b.score(value float8, thresholds float8[], falls boolean) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN value IS NOT NULL THEN (count(*) FILTER (WHERE CASE WHEN falls THEN value < t ELSE value > t END))::int + 1 END FROM unnest(thresholds) AS t $$;
CREATE FUNCTION b2b.there(as_of date) RETURNS TABLE (contact_id int, company text, branch text) LANGUAGE sql AS $$
  SELECT p.contact_id, p.company, p.branch FROM b2b.people AS p
  WHERE p.registered_on IS NULL OR p.registered_on <= $1 OR EXISTS (SELECT FROM b2b.orders AS o WHERE o.contact_id = p.contact_id AND o.ordered_on <= $1)
     OR to_regclass('ac.stream_histories') IS NOT NULL AND EXISTS (SELECT FROM b2b.acts AS a WHERE a.contact_id = p.contact_id AND a.done_on <= $1) $$;
CREATE FUNCTION b2b.slow(as_of date, window_days int DEFAULT 100000, version int DEFAULT 1, mean boolean DEFAULT false) RETURNS TABLE (account text, contacts bigint, last_order_on date, recency_days int,
  frequency bigint, monetary numeric(24,2), mean_value numeric(24,2), r_score int, f_score int, m_score int, rfm_code text, rfm_score numeric, score_reason text) LANGUAGE sql AS $$
  SELECT f.company, f.contacts, f.last_order_on, f.recency_days, f.frequency, f.monetary, round(f.mean_value, 2), s.r, s.f, s.m, concat(s.r, s.f, s.m), round((s.r + s.f + s.m) / 3.0, 9),
         CASE WHEN f.last_order_on IS NULL THEN 'no_order' WHEN f.frequency = 0 THEN 'no_order_in_window' END
  FROM (SELECT t.company, count(DISTINCT t.contact_id) AS contacts, max(o.ordered_on) FILTER (WHERE o.total >= 0) AS last_order_on, $1 - max(o.ordered_on) FILTER (WHERE o.total >= 0) AS recency_days,
               count(*) FILTER (WHERE o.total >= 0 AND o.ordered_on > $1 - $2) AS frequency, coalesce(sum(o.total) FILTER (WHERE o.ordered_on > $1 - $2), 0) AS monetary,
               sum(o.total) FILTER (WHERE o.ordered_on > $1 - $2) / nullif(count(*) FILTER (WHERE o.total >= 0 AND o.ordered_on > $1 - $2), 0) AS mean_value
        FROM b2b.there($1) AS t LEFT JOIN b2b.orders AS o ON o.contact_id = t.contact_id AND o.ordered_on <= $1 WHERE t.company IS NOT NULL GROUP BY t.company) AS f
  CROSS JOIN ac.calibration AS k
  CROSS JOIN LATERAL (SELECT b2b.score(f.recency_days, k.recency_thresholds, true) AS r,
    CASE WHEN f.last_order_on IS NULL THEN NULL WHEN f.frequency = 0 THEN 1 ELSE b2b.score(f.frequency, k.frequency_thresholds, false) END AS f,
    CASE WHEN f.last_order_on IS NULL THEN NULL WHEN f.frequency = 0 THEN 1 ELSE b2b.score(CASE WHEN $4 THEN f.mean_value ELSE f.monetary END, k.monetary_thresholds, false) END AS m) AS s
  WHERE k.version = $3
$$;
\set facts 'account, contacts, last_order_on, recency_days, frequency, monetary, mean_value, r_score, f_score, m_score, coalesce(rfm_code, \'\'), round(rfm_score::numeric, 9), score_reason'
SELECT * FROM shopdata.differ('SELECT ' || :'facts' || ' FROM ac.account_scores', 'SELECT * FROM b2b.slow(''2025-12-31'')');
SELECT shopdata.iso(day) AS day, d.* FROM unnest('{2024-01-15,2024-06-30,2025-03-31,2025-12-31,2026-06-30}'::date[]) AS day, shopdata.differ(
  format('SELECT ' || :'facts' || ' FROM ac.account_scores_at(%L, 1)', day), format('SELECT * FROM b2b.slow(%L)', day)) AS d;
SELECT count(*) FROM ac.account_scores_at(NULL);
SELECT account, contacts, active_contacts_90d, frequency, score_reason FROM ac.account_scores WHERE account IN ('club of 34', 'club of 51') ORDER BY account;

-- With streams and a scorecard: sums of what customer_scores has; who did something
-- within 90 days.
SELECT count(*) FROM add_stream('ac', 'web', 'b2b.acts', customer => 'contact_id', day => 'done_on', kind => 'what');
SELECT count(*) FROM alter_model('ac', scorecards => '{engagement,maturity}');
SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'ac.account_scores'::regclass AND attnum > 15;
SELECT shopdata.iso(day) AS day, d.*, e.different AS facts, s.lowest < s.highest AS spread FROM unnest('{2024-06-30,2025-03-31,2025-12-31}'::date[]) AS day, shopdata.differ(
  format('SELECT account, active_contacts_90d, engagement_score_sum, engagement_score_max, round(engagement_score_mean::numeric, 9), engagement_band, maturity_score_max, maturity_band FROM ac.account_scores_at(%L, 2)', day),
  format('SELECT t.company, count(*) FILTER (WHERE greatest((SELECT max(ordered_on) FROM b2b.orders AS o WHERE o.contact_id = t.contact_id AND total >= 0 AND ordered_on <= %1$L),
                                                            (SELECT max(done_on) FROM b2b.acts AS a WHERE a.contact_id = t.contact_id AND done_on <= %1$L)) > date %1$L - 90),
            exact_sum(s.engagement_score), max(s.engagement_score), round(avg(s.engagement_score)::numeric, 9),
            (SELECT b.band FROM ac.scorecard_band AS b WHERE b.card = ''engagement_v2'' AND b.language = ''en'' AND b.band = ANY (array_agg(s.engagement_band)) ORDER BY b.enter DESC LIMIT 1), max(s.maturity_score),
            (SELECT b.band FROM ac.scorecard_band AS b WHERE b.card = ''maturity_v2'' AND b.language = ''en'' AND b.band = ANY (array_agg(s.maturity_band)) ORDER BY b.enter DESC LIMIT 1)
          FROM b2b.there(%1$L) AS t JOIN ac.customer_scores_at(%1$L, 2) AS s ON s.customer_key = t.contact_id::text WHERE t.company IS NOT NULL GROUP BY t.company', day)) AS d,
  shopdata.differ(format('SELECT ' || :'facts' || ' FROM ac.account_scores_at(%L, 1)', day), format('SELECT * FROM b2b.slow(%L)', day)) AS e,
  LATERAL (SELECT min(engagement_score_sum) AS lowest, max(engagement_score_sum) AS highest FROM ac.account_scores_at(day, 2)) AS s;
-- without an order of anybody, and without points
SELECT count(*) > 0 AS some, bool_and(frequency = 0 AND r_score IS NULL AND rfm_score IS NULL AND score_reason = 'no_order') AS so FROM ac.account_scores_at('2024-06-30') WHERE last_order_on IS NULL;

-- A window, means, other thresholds; the version of then by number.
SELECT count(*) FROM alter_model('ac', window_days => 200, monetary => 'mean', monetary_thresholds => '{100,250,400,600}');
SELECT shopdata.iso(day) AS day, d.* FROM unnest('{2025-03-31,2025-12-31}'::date[]) AS day, shopdata.differ(
  format('SELECT ' || :'facts' || ' FROM ac.account_scores_at(%L, 3)', day), format('SELECT * FROM b2b.slow(%L, 200, 3, true)', day)) AS d;
SELECT * FROM shopdata.differ('SELECT ' || :'facts' || ' FROM ac.account_scores_at(''2025-12-31'', 1)', 'SELECT * FROM b2b.slow(''2025-12-31'')');
SELECT count(*) FROM alter_model('ac', reset => '{window_days,monetary,monetary_thresholds}');

-- Somebody moves to another company, somebody is the same person as another.
UPDATE b2b.contacts SET company = 'company 1' WHERE contact_id = 1;
SELECT contacts - (SELECT count(*) FROM b2b.there('2025-12-31') WHERE company = 'company 1') AS differ FROM ac.account_scores WHERE account = 'company 1';
SELECT (SELECT company FROM b2b.people WHERE contact_id = 7) AS "from", (SELECT company FROM b2b.people WHERE contact_id = 10) AS "into";
SELECT account, contacts, frequency FROM ac.account_scores WHERE account IN (SELECT company FROM b2b.people WHERE contact_id IN (7, 10)) ORDER BY 1;
SELECT merge_customers('ac', '7', '10') IS NOT NULL AS merged;
SELECT account, contacts, frequency, (SELECT count(*) FROM b2b.orders WHERE contact_id = 7 AND total >= 0) AS moved FROM ac.account_scores WHERE account IN (SELECT company FROM b2b.people WHERE contact_id IN (7, 10)) ORDER BY 1;
SELECT unmerge_customers('ac', '7') IS NOT NULL AS parted;
SELECT count(*) FROM refresh_model('ac');
SELECT * FROM shopdata.differ('SELECT ' || :'facts' || ' FROM ac.account_scores_at(''2025-12-31'', 1)', 'SELECT * FROM b2b.slow(''2025-12-31'')');
-- erased people are contacts of nobody
SELECT contacts FROM ac.account_scores WHERE account = 'club of 34';
SELECT count(*) > 0 AS forgotten FROM forget_customer('ac', '34');
SELECT count(*) FROM ac.account_scores WHERE account = 'club of 34';
DELETE FROM b2b.contacts WHERE contact_id = 34; DELETE FROM b2b.orders WHERE contact_id = 34; DELETE FROM b2b.acts WHERE contact_id = 34;

-- Another column, of another type; none; back again.
SELECT item, detail FROM alter_model('ac', account => 'company_no') WHERE item IN ('account', 'accounts');
SELECT * FROM shopdata.differ('SELECT account, contacts FROM ac.account_scores',
  'SELECT (contact_id / 25)::text, count(*) FROM b2b.there(''2025-12-31'') GROUP BY 1');
SELECT item, detail FROM alter_model('ac', reset => '{account}') WHERE item ~ '^account';
SELECT (SELECT count(*) FROM ac.account_scores) AS now, (SELECT count(*) FROM ac.account_scores_at('2025-06-30')) AS earlier;
SELECT item, detail FROM alter_model('ac', account => $$lower(company)$$) WHERE item ~ '^account';
SELECT * FROM shopdata.differ('SELECT ' || :'facts' || ' FROM ac.account_scores_at(''2025-12-31'', 1)', 'SELECT * FROM b2b.slow(''2025-12-31'')');
SELECT count(*) FROM alter_model('ac', reset => '{scorecards}');
SELECT count(engagement_score_sum), count(engagement_band), count(*) > 0 AS accounts FROM ac.account_scores;

-- More than a history can hold is no error: the account says so.
INSERT INTO b2b.orders SELECT 9000 + c, c, '2025-12-01', 900000000.000000001, 'north' FROM generate_series(51, 87, 3) AS c;
UPDATE b2b.contacts SET company = 'too rich' WHERE contact_id IN (SELECT generate_series(51, 87, 3));
SELECT count(*) FROM refresh_model('ac');
SELECT account, contacts, active_contacts_90d, shopdata.iso(last_order_on) AS last_order_on, frequency, monetary, r_score, rfm_score, score_reason FROM ac.account_scores WHERE account = 'too rich';
SELECT count(*) FROM drop_model('ac');

-- Tenants: an account is of one. Consent, and a live model.
DELETE FROM b2b.orders WHERE order_id > 9000;
SELECT item, detail FROM create_model('act', 'b2b.orders', customer => 'contact_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', tenant => 'branch', live => true,
  customers => 'b2b.contacts', customers_key => 'contact_id', consent => 'agrees', account => 'company') WHERE item IN ('customers', 'accounts');
CREATE FUNCTION b2b.tenants() RETURNS TABLE (tenant text, account text, contacts bigint, active_contacts_90d bigint, frequency bigint, monetary numeric(24,2)) LANGUAGE sql AS $$
  SELECT p.branch, p.company, count(*), count(*) FILTER (WHERE o.last_on > '2025-10-02'), coalesce(sum(o.n), 0)::bigint, coalesce(sum(o.total), 0)
  FROM (SELECT DISTINCT ON (branch, contact_id) branch, contact_id, agrees, nullif(company, '') AS company FROM b2b.contacts ORDER BY branch, contact_id, agrees, nullif(company, '') COLLATE "C") AS p
  LEFT JOIN (SELECT branch, contact_id, max(ordered_on) FILTER (WHERE total >= 0) AS last_on, count(*) FILTER (WHERE total >= 0) AS n, sum(total) AS total
             FROM b2b.orders WHERE ordered_on <= '2025-12-31' GROUP BY 1, 2) AS o USING (branch, contact_id)
  WHERE p.agrees AND p.company IS NOT NULL GROUP BY 1, 2 $$;
SELECT * FROM shopdata.differ('SELECT tenant, account, contacts, active_contacts_90d, frequency, monetary FROM act.account_scores', 'SELECT * FROM b2b.tenants()');
SELECT count(*) > 0 AS in_both FROM act.account_scores AS a JOIN act.account_scores AS b USING (account) WHERE a.tenant < b.tenant;
INSERT INTO b2b.orders SELECT 9000 + c, c, '2025-12-30', c, branch FROM b2b.people AS p (c) WHERE c < 60;
DELETE FROM b2b.orders WHERE order_id % 5 = 0;
UPDATE b2b.contacts SET agrees = NOT agrees WHERE contact_id % 7 = 0;
SELECT * FROM shopdata.differ('SELECT tenant, account, contacts, active_contacts_90d, frequency, monetary FROM act.account_scores', 'SELECT * FROM b2b.tenants()');
SELECT * FROM shopdata.differ('SELECT tenant, account, contacts, active_contacts_90d, frequency, monetary FROM act.account_scores_at(''2025-12-31'')', 'SELECT * FROM b2b.tenants()');
SELECT count(*) FROM drop_model('act');

-- What can't be an account.
SELECT count(*) > 0 AS made FROM create_model('ac', 'b2b.orders', customer => 'contact_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', segment_map => 'essential_hybrid');
SELECT shopdata.refused($$alter_model('ac', account => 'company')$$, true);
SELECT shopdata.refused($$alter_model('ac', customers => 'b2b.contacts', customers_key => 'contact_id', account => 'no_column')$$);
SELECT shopdata.refused($$alter_model('ac', customers => 'b2b.contacts', customers_key => 'contact_id', account => 'registered_on')$$, true);
SELECT shopdata.refused($$alter_model('ac', customers => 'b2b.contacts', customers_key => 'contact_id', account => 'count(*)')$$);
SELECT shopdata.refused($$alter_model('ac', customers => 'SELECT contact_id, company AS of_account FROM b2b.contacts', attributes => '{of_account}')$$);

-- Dated functions tell, once a call, that people may not have been known then; not of
-- the day of the model, not without such people, and not with known_since.
SET client_min_messages = notice;
SELECT count(*) > 0 AS without_people FROM ac.customer_scores_at('2025-06-30');
SELECT count(*) > 0 AS altered FROM alter_model('ac', customers => 'b2b.contacts', customers_key => 'contact_id', account => 'company');
SELECT count(*) > 0 AS some FROM ac.customer_scores_at('2025-06-30');
SELECT count(*) > 0 AS some FROM ac.segment_transitions('2025-06-30', '2025-12-31');
SELECT count(*) > 0 AS some FROM ac.segment_history('2025-06-30', '2025-12-31');
SELECT count(*) > 0 AS some FROM ac.account_scores_at('2025-06-30');
SELECT shopdata.iso(day) AS day, (SELECT count(*) > 0 FROM ac.customer_scores_at(day)) AS some FROM unnest('{2025-12-31,2026-01-01,NULL}'::date[]) AS day;
SELECT count(*) > 0 AS some FROM ac.segment_transitions('2025-12-31', '2025-12-31');
SELECT count(*) > 0 AS some FROM ac.customer_scores;
SELECT count(*) > 0 AS altered FROM alter_model('ac', minimum_group_size => 5);
SELECT count(*) > 0 AS some FROM ac.segment_transitions('2025-06-30', '2025-12-31');
SELECT count(*) > 0 AS some FROM ac.segment_history('2025-06-30', '2025-12-31');
SELECT count(*) > 0 AS altered FROM alter_model('ac', known_since => 'registered_on', minimum_group_size => 1);
SELECT count(*) > 0 AS some FROM ac.segment_history('2025-06-30', '2025-12-31');
SELECT count(*) > 0 AS some FROM ac.customer_scores_at('2025-06-30');
SET client_min_messages = warning;

-- product_views_30d: of all streams, by role, on any day; and who they make of prospects.
SELECT count(*) FROM pg_attribute WHERE attrelid = 'ac.customer_scores'::regclass AND attname = 'product_views_30d';
SELECT count(*) FROM add_stream('ac', 'mail', 'SELECT contact_id, done_on, what FROM b2b.acts WHERE what LIKE ''email%''', customer => 'contact_id', day => 'done_on', kind => 'what');
-- nobody could have looked at products
SELECT count(*), count(product_views_30d) FROM ac.customer_scores;
SELECT count(*) FROM add_stream('ac', 'web', 'b2b.acts', customer => 'contact_id', day => 'done_on', kind => 'what');
SELECT count(*) FROM add_stream('ac', 'app', 'b2b.catalogue', customer => 'contact_id', day => 'seen_on', role => 'view');
CREATE FUNCTION b2b.views(as_of date) RETURNS TABLE (customer_key text, views bigint) LANGUAGE sql AS $$
  SELECT v.c::text, count(*) FROM (SELECT contact_id AS c, done_on AS d FROM b2b.acts WHERE what IN ('view_item', 'Viewed Product', 'looked') UNION ALL SELECT contact_id, seen_on FROM b2b.catalogue) AS v
  WHERE v.d BETWEEN $1 - 29 AND $1 GROUP BY 1 $$;
SELECT shopdata.iso(day) AS day, d.*, e.rows > 0 AS some, e.different FROM unnest('{2024-03-29,2024-06-30,2025-12-31}'::date[]) AS day,
  shopdata.differ(format('SELECT customer_key, product_views_30d FROM ac.customer_scores_at(%L) WHERE product_views_30d > 0', day), format('SELECT * FROM b2b.views(%L)', day)) AS d,
  shopdata.differ(format('SELECT customer_key FROM ac.customer_scores_at(%L) WHERE segment = ''interested_prospects''', day),
    format('SELECT customer_key FROM b2b.views(%1$L) WHERE views > 3 AND customer_key NOT IN (SELECT contact_id::text FROM b2b.orders WHERE ordered_on <= %1$L)', day)) AS e;
SELECT count(*) FILTER (WHERE product_views_30d IS NULL) AS unknown, min(product_views_30d) FROM ac.customer_scores;
SELECT count(*) FILTER (WHERE segment = 'prospects') > 0 AS others, count(*) FILTER (WHERE segment = 'prospects' AND product_views_30d > 3) AS wrong FROM ac.customer_scores;
SELECT a.different AS in_history FROM shopdata.differ('SELECT as_of, customers FROM ac.segment_history(''2025-06-30'', ''2025-12-31'') WHERE segment = ''interested_prospects''',
  'SELECT d::date, count(*) FROM generate_series(timestamp ''2025-06-30'', ''2025-12-30'', ''1 month'') AS d, b2b.views(d::date) AS v
   WHERE views > 3 AND customer_key NOT IN (SELECT contact_id::text FROM b2b.orders WHERE ordered_on <= d::date) GROUP BY 1') AS a;
SELECT value, explanation FROM explain_score('ac', (SELECT min(customer_key) FROM ac.customer_scores WHERE segment = 'interested_prospects')) WHERE topic ~ '^segment';
-- a kind that is new, after a refresh; a stream that is dropped
UPDATE b2b.acts SET what = 'looked' WHERE what = 'view_item' AND act_id % 2 = 0;
SELECT count(*) FROM alter_stream('ac', 'web', role => '{"looked": "view"}');
SELECT count(*) FROM refresh_model('ac');
SELECT * FROM shopdata.differ('SELECT customer_key, product_views_30d FROM ac.customer_scores WHERE product_views_30d > 0', 'SELECT * FROM b2b.views(''2025-12-31'')');
SELECT count(*) FROM drop_stream('ac', 'web');
SELECT * FROM shopdata.differ('SELECT customer_key, product_views_30d FROM ac.customer_scores WHERE product_views_30d > 0',
  'SELECT contact_id::text, count(*) FROM b2b.catalogue WHERE seen_on BETWEEN ''2025-12-02'' AND ''2025-12-31'' GROUP BY 1');
SELECT count(*) FROM drop_stream('ac', 'app');
SELECT count(*) > 0 AS customers, count(product_views_30d) FROM ac.customer_scores;
SELECT count(*) FROM drop_model('ac');
-- an attribute of that name is what the map reads
SELECT count(*) > 0 AS made FROM create_model('ac', 'b2b.orders', customer => 'contact_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', segment_map => 'essential_hybrid',
  customers => 'SELECT contact_id, contact_id % 6 AS product_views_30d FROM b2b.people', attributes => '{product_views_30d}');
SELECT count(*) FROM add_stream('ac', 'app', 'b2b.catalogue', customer => 'contact_id', day => 'seen_on', role => 'view');
SELECT segment, min(product_views_30d), max(product_views_30d) FROM ac.customer_scores WHERE segment ~ 'prospects' GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM drop_model('ac');

-- One account is found by an index of the model's, and is as among all
CREATE TABLE b2b.firms AS SELECT contact_id, coalesce(company, '') AS company, registered_on FROM b2b.people;
ALTER TABLE b2b.firms ADD PRIMARY KEY (contact_id);
CREATE FUNCTION b2b.finds_by(query text) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  plan json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF) ' || query INTO plan;
  RETURN (SELECT string_agg(DISTINCT n #>> '{}', ', ') FROM jsonb_path_query(plan::jsonb, 'strict $.**."Index Name" ? (@ like_regex "^(firms|scoring_key)")') AS n);
END $$;
SELECT item, detail FROM create_model('ac', 'b2b.orders', customer => 'contact_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31',
  customers => 'b2b.firms', known_since => 'registered_on', account => 'company', scorecards => '{engagement}') WHERE item IN ('accounts', 'index');
SELECT count(*) FROM add_stream('ac', 'app', 'b2b.acts', customer => 'contact_id', day => 'done_on', kind => 'what');
SELECT b2b.finds_by('SELECT * FROM ac.account_scores WHERE account = ''company 3''');
SELECT count(*) AS accounts, count(*) FILTER (WHERE NOT o.same) AS different FROM (SELECT a.account, (SELECT to_jsonb(b) = to_jsonb(a) FROM ac.account_scores AS b WHERE b.account = a.account) AS same FROM ac.account_scores AS a) AS o;
SELECT count(*) AS of_nobody FROM ac.account_scores WHERE account = '';
SELECT count(*) > 0 AS altered FROM alter_model('ac', account => 'upper(company)');
SELECT b2b.finds_by('SELECT * FROM ac.account_scores WHERE account = ''COMPANY 3'''), string_agg(pg_get_indexdef(indexrelid), '; ' ORDER BY indexrelid::regclass::text) AS indexes FROM pg_index WHERE indrelid = 'b2b.firms'::regclass AND NOT indisprimary;
SELECT count(*) > 0 AS altered FROM alter_model('ac', reset => '{account}');
SELECT string_agg(indexrelid::regclass::text, ', ') AS indexes FROM pg_index WHERE indrelid = 'b2b.firms'::regclass AND NOT indisprimary;
SELECT count(*) FROM drop_model('ac');
SELECT count(*) AS indexes FROM pg_index WHERE indrelid = 'b2b.firms'::regclass AND NOT indisprimary;
DROP SCHEMA b2b CASCADE;
