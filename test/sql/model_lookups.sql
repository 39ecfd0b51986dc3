-- One customer: found by indexes in every kind of model, with the same answer
-- as by reading everybody. Plans are asked for single facts.
SET extra_float_digits = 0;
SET search_path = shopdata, scoring, public;
SET client_min_messages = warning;
CREATE TABLE buys (id int, code text, short varchar(20), uid uuid, num numeric, shop text, ordered_on date, total numeric);
INSERT INTO buys SELECT c, 'K:' || c, 'v' || c, md5(c::text)::uuid, c * 1.50, E's\\:' || c % 3, date '2025-12-30' - i % 700, 5 + i % 90
  FROM generate_series(1, 4500) AS i, LATERAL (SELECT i * 7 % 3000 AS c) AS x;
CREATE TABLE folk (id int PRIMARY KEY, code text UNIQUE, short varchar(20), uid uuid, num numeric(10,3), shop text, town text, agreed boolean, objects boolean);
INSERT INTO folk SELECT c, 'K:' || c, 'v' || c, md5(c::text)::uuid, c * 1.50, E's\\:' || c % 3, 'town ' || c % 9, c % 10 <> 0, c % 100 = 7
  FROM generate_series(500, 3999) AS c;
CREATE VIEW folk_view AS SELECT id AS "Id", code, town FROM folk AS f;
ANALYZE;

-- The relations of more than a thousand rows that are not read by an index.
CREATE FUNCTION read_as_a_whole(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan	json;
BEGIN
	EXECUTE 'EXPLAIN (VERBOSE, FORMAT JSON) ' || query INTO plan;
	RETURN (SELECT string_agg(DISTINCT c.relname, ', ')
			  FROM jsonb_path_query(plan::jsonb, 'strict $.** ? (exists (@."Relation Name"))') AS n
			  JOIN pg_class AS c ON c.relnamespace::regnamespace::text = n ->> 'Schema' AND c.relname = n ->> 'Relation Name' AND c.reltuples > 1000
			 WHERE NOT jsonb_path_exists(n, 'strict $.** ? (exists (@."Index Cond"))'));
END
$$;
-- Customers one by one, by some views: what is read as a whole, how many rows
-- there are, and whether they are those of the view without a condition.
CREATE FUNCTION looked_up(model text, keys text[], views text[] DEFAULT '{customer_scores}', OUT read text, OUT rows bigint, OUT differ bigint) LANGUAGE plpgsql AS $$
DECLARE
	v	text;
	k	text;
	n	bigint;
	d	bigint;
BEGIN
	rows := 0;
	differ := 0;
	FOREACH v IN ARRAY views LOOP
		EXECUTE format('CREATE TEMP TABLE everybody AS SELECT * FROM %I.%I', model, v);
		FOREACH k IN ARRAY keys LOOP
			read := concat_ws(', ', read, read_as_a_whole(format('SELECT * FROM %I.%I WHERE customer_key = %L', model, v, k)));
			EXECUTE format('CREATE TEMP TABLE one AS SELECT * FROM %I.%I WHERE customer_key = %L', model, v, k);
			EXECUTE format('SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM ((TABLE one EXCEPT ALL SELECT * FROM everybody)'
				' UNION ALL (SELECT * FROM everybody WHERE customer_key = %L EXCEPT ALL TABLE one)) AS d)', k) INTO n, d;
			rows := rows + n;
			differ := differ + d;
			DROP TABLE one;
		END LOOP;
		DROP TABLE everybody;
	END LOOP;
END
$$;
CREATE FUNCTION made(model text, VARIADIC arguments text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT concat(item, '': '', detail) FROM create_model(%L, ''buys'', day => ''ordered_on'', value => ''total'', as_of => ''2025-12-31'', %s)'
		' WHERE item = ''index'' OR detail ~ ''^one customer is found''', model, array_to_string(arguments, ', '));
END
$$;

-- Every type of key
SELECT made('by_int', 'customer => ''id''', 'customers => ''folk''', 'attributes => ''{town}''');
SELECT made('by_text', 'customer => ''code''', 'customers => ''folk''', 'attributes => ''{town}''');
SELECT made('by_varchar', 'customer => ''short''', 'customers => ''folk''', 'attributes => ''{town}''');
SELECT made('by_uuid', 'customer => ''uid''', 'customers => ''folk''', 'attributes => ''{town}''');
SELECT made('by_numeric', 'customer => ''num''', 'customers => ''folk''', 'attributes => ''{town}''');
-- ... and kind of model: what is there already is not made again
SELECT made('careful', 'customer => ''id''', 'customers => ''folk''', 'consent => ''agreed''', 'objection => ''objects''', 'minimum_group_size => 5', 'retention_days => 2000');
SELECT made('alive', 'customer => ''id''', 'customers => ''folk''', 'attributes => ''{town}''', 'live => true', 'prediction => ''mbgnbd''');
SELECT made('strict', 'customer => ''id''', 'customers => ''folk''', 'live => true', 'consent => ''agreed''', 'objection => ''objects''', 'retention_days => 2000');
SELECT made('branches', 'customer => ''code''', 'customers => ''folk''', 'attributes => ''{town}''', 'tenant => ''shop''', 'live => true');
SELECT made('viewed', 'customer => ''id''', 'customers => ''folk_view''', 'customers_key => ''Id''', 'attributes => ''{town}''');
SELECT made('alone', 'customer => ''id''', 'live => true');

SELECT status FROM record_changes('alive');
SELECT count(*) FROM override_segment('alive', '700', 'vip', 'because');
SELECT count(*) > 0 AS done FROM merge_customers('alive', '600', '701');
SELECT count(*) > 0 AS done FROM forget_customer('alive', '702');
ANALYZE;
SELECT m, l.* FROM (VALUES ('by_int', '{700,7,3500,9999}'::text[]), ('by_text', '{K:700,K:7,K:3500,K:9999}'),
	('by_varchar', '{v700,v7,v3500,v9999}'), ('by_uuid', ARRAY[md5('700')::uuid::text, md5('7')::uuid::text, md5('3500')::uuid::text, md5('9999')::uuid::text]),
	('by_numeric', '{1050,10.5,5250,1}'), ('careful', '{700,701,7,607,3501,3500}'),
	('alive', '{700,701,702,600,7,3500}'), ('strict', '{700,701,7,607,3501,3500}'), ('branches', ARRAY[E's\\\\\\:1:K:700', E's\\\\\\:1:K:7', E's\\\\\\:2:K:3500', 'K:700']),
	('viewed', '{700,7,3500,9999}'), ('alone', '{700,7,3500,9999}')) AS v (m, k), looked_up(m, k) AS l;

-- A reader of one tenant: their own by the index, nobody else's at all.
CREATE ROLE regress_lookup_reader;
SELECT grant_reader('branches', 'regress_lookup_reader', E's\\:1');
GRANT USAGE ON SCHEMA shopdata TO regress_lookup_reader;
SET ROLE regress_lookup_reader;
SELECT customer_key, segment, town FROM branches.customer_scores WHERE customer_key IN (E's\\\\\\:1:K:700', E's\\\\\\:2:K:701', E's\\\\\\:1:K:3502');
SELECT read_as_a_whole($$SELECT * FROM branches.customer_scores WHERE customer_key = E's\\\\\\:1:K:700'$$);
RESET ROLE;

-- Thousands of pending differences are no reason to read everybody: new
-- customers, cancelled ones who are known or not, merged ones.
INSERT INTO buys SELECT c, 'K:' || c, NULL, NULL, NULL, E's\\:' || c % 3, '2025-12-30', 20 FROM generate_series(2500, 5499) AS c;
DELETE FROM buys WHERE id IN (7, 700, 600, 703);
INSERT INTO buys (id, code, shop, ordered_on, total) VALUES (600, 'K:600', E's\\:0', '2025-12-30', 3), (702, 'K:702', E's\\:0', '2025-12-30', 3);
ANALYZE;
SELECT m, l.* FROM (VALUES ('alive', '{700,701,702,703,600,7,3500,5000,2600}'::text[]), ('strict', '{700,701,7,607,3501,3500,5000}'),
	('branches', ARRAY[E's\\\\\\:1:K:700', E's\\\\\\:1:K:7', E's\\\\\\:2:K:3500', E's\\\\\\:1:K:703', E's\\\\\\:2:K:5000']), ('alone', '{700,7,3500,9999}')) AS v (m, k), looked_up(m, k) AS l;
SELECT m, l.* FROM (VALUES ('alive', '{700,5000}'::text[]),
	('strict', '{701,3501}'), ('branches', ARRAY[E's\\\\\\:2:K:5000'])) AS v (m, k), looked_up(m, k, '{customer_segments,vip_customers,upsell_customers,new_customers,at_risk_customers}') AS l;
-- ... nor do the rows depend on whether they are pending
CREATE TABLE pending AS SELECT 'alive' AS m, to_jsonb(s) AS row FROM alive.customer_scores AS s UNION ALL SELECT 'strict', to_jsonb(s) FROM strict.customer_scores AS s
	UNION ALL SELECT 'branches', to_jsonb(s) FROM branches.customer_scores AS s;
SELECT status FROM unnest('{alive,strict,branches}'::text[]) AS m, apply_changes(m);
SELECT count(*), count(*) FILTER (WHERE row ->> 'segment' = 'prospects' AND row ->> 'customer_key' ~ '(^|:)70[03]$') AS cancelled, count(*) - count(DISTINCT (m, row ->> 'customer_key')) AS twice FROM pending;
SELECT count(*) AS differences FROM (SELECT * FROM pending EXCEPT ALL (SELECT 'alive' AS m, to_jsonb(s) FROM alive.customer_scores AS s UNION ALL SELECT 'strict', to_jsonb(s) FROM strict.customer_scores AS s
	UNION ALL SELECT 'branches', to_jsonb(s) FROM branches.customer_scores AS s)) AS d;
DROP TABLE pending;

-- The index is the model's: it goes with the model, or to another that uses it.
CREATE VIEW key_indexes AS SELECT indexrelid::regclass::text AS index, obj_description(indexrelid) AS comment FROM pg_index WHERE indexrelid::regclass::text ~ 'scoring_key_';
SELECT * FROM key_indexes ORDER BY 1;
SELECT item FROM drop_model('by_int');
SELECT item FROM drop_model('by_text');
SELECT item, detail FROM alter_model('by_uuid', reset => '{customers,attributes}') WHERE item !~ '^segment';
SELECT item, detail FROM alter_model('by_uuid', customers => 'folk', dry_run => true) WHERE item !~ '^segment';
SELECT * FROM key_indexes ORDER BY 1;
-- Keys of any length are no error for who writes people.
ALTER TABLE folk DROP CONSTRAINT folk_code_key;
INSERT INTO folk (id, code, short) SELECT 100000, string_agg(md5(i::text), ''), 'long' FROM generate_series(1, 300) AS i;
DELETE FROM folk WHERE id = 100000;

-- What can give an error, or belongs to another role, gets no index unasked.
CREATE ROLE regress_lookup_owner;
ALTER TABLE folk OWNER TO regress_lookup_owner;
SELECT made('others', 'customer => ''code''', 'customers => ''folk''', 'customers_key => ''code''');
ALTER TABLE folk OWNER TO CURRENT_USER;
SELECT made('cast', 'customer => ''id''', 'customers => ''SELECT substr(code, 3)::int AS id, town FROM folk''', 'attributes => ''{town}''');
SELECT made('numbered', 'customer => ''id''', 'customers => ''SELECT id, row_number() OVER (ORDER BY town, id) AS n FROM folk''', 'attributes => ''{n}''');
-- The statement of the note works.
CREATE INDEX scoring_key_others ON shopdata.folk USING hash ((code) COLLATE "C");
SELECT read_as_a_whole('SELECT * FROM others.customer_scores WHERE customer_key = ''K:3500''');
CREATE INDEX scoring_key_cast ON shopdata.folk USING hash (((substr(code, 3))::integer::text) COLLATE "C");
SELECT read_as_a_whole('SELECT * FROM "cast".customer_scores WHERE customer_key = ''3500''');

-- A customers table with a collation of its own, with parts, a materialized view
CREATE TABLE odd ("K ey" text COLLATE "und-x-icu", n int) PARTITION BY RANGE (n);
CREATE TABLE odd_1 PARTITION OF odd FOR VALUES FROM (0) TO (2000);
CREATE TABLE odd_2 PARTITION OF odd DEFAULT;
INSERT INTO odd SELECT code, id FROM folk;
SELECT made('odd_model', 'customer => ''code''', 'customers => ''odd''', 'customers_key => ''K ey''', 'attributes => ''{n}''');
CREATE MATERIALIZED VIEW stored AS SELECT id, town FROM folk;
SELECT made('stored_model', 'customer => ''id''', 'customers => ''stored''', 'attributes => ''{town}''');
ANALYZE;
SELECT read_as_a_whole('SELECT * FROM odd_model.customer_scores WHERE customer_key = ''K:3500'''), read_as_a_whole('SELECT * FROM stored_model.customer_scores WHERE customer_key = ''3500''');
SELECT customer_key, customer_id, n, segment FROM odd_model.customer_scores WHERE customer_key IN ('K:700', 'K:3500') ORDER BY 1;

SELECT count(*) FROM models() AS m, drop_model(m.model);
SELECT * FROM key_indexes ORDER BY 1;
DROP VIEW key_indexes;
DROP MATERIALIZED VIEW stored;
DROP TABLE odd, buys, folk CASCADE;
DROP FUNCTION read_as_a_whole(text), looked_up(text, text[], text[]), made(text, text[]);
DROP OWNED BY regress_lookup_owner, regress_lookup_reader;
DROP ROLE regress_lookup_owner, regress_lookup_reader;
