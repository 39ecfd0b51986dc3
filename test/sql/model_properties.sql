-- However orders come, are changed and go, in whatever batches and with
-- whatever refreshes between: in the end the model is the one that is made of
-- what is left. Random, with fixed seeds.
SET client_min_messages = warning;
SET jit = off;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;

-- A number from 0 to n - 1 that depends on the seed and the name alone
CREATE FUNCTION shopdata.draw(seed int, name text, n int) RETURNS int LANGUAGE sql IMMUTABLE AS
  $$ SELECT ((hashtextextended(name, seed) % n + n) % n)::int $$;

-- One run: settings drawn by lot, ten batches of inserts, updates and deletes.
CREATE FUNCTION shopdata.run(seed int) RETURNS TABLE (settings text, statements int, refreshes bigint, customers bigint, problems bigint, histories_differ bigint, scores_differ bigint, counts_wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
  tenanted constant boolean := draw(seed, 'tenanted', 3) = 0;
  is_live constant boolean := draw(seed, 'live', 2) = 0;
  id int := 0;
  counts record;
  what text;
BEGIN
  settings := concat_ws(', ', 'customer => ''customer'', day => ''day'', value => ''value''', 'as_of => ''2025-06-30''', CASE WHEN tenanted THEN 'tenant => ''shop''' END,
    (ARRAY[NULL, 'window_days => 90', 'window_days => 365'])[1 + draw(seed, 'window', 3)], (ARRAY[NULL, 'monetary => ''mean'''])[1 + draw(seed, 'monetary', 2)],
    (ARRAY[NULL, 'frequency => ''active_days'''])[1 + draw(seed, 'frequency', 2)], (ARRAY[NULL, 'counts => ''kind > 0'''])[1 + draw(seed, 'counts', 2)],
    (ARRAY[NULL, 'bins => 3, segment_map => ''klaviyo'''])[1 + draw(seed, 'bins', 2)]);
  CREATE TABLE events (id int PRIMARY KEY, shop text, customer text, day date, value numeric, kind int);
  EXECUTE format('SELECT FROM create_model(''batches'', ''events'', %s, live => %L)', settings, is_live);
  statements := 0;
  counts_wrong := 0;
  FOR batch IN 1 .. 10 LOOP
    FOR step IN 1 .. 1 + draw(seed, 'steps' || batch, 4) LOOP
      what := format('%s.%s', batch, step);
      statements := statements + 1;
      CASE draw(seed, what, 8)
        WHEN 0 THEN	-- some are deleted
          DELETE FROM events WHERE draw(seed, what || 'delete' || events.id, 5) = 0;
        WHEN 1 THEN	-- some get another customer, another day, another value
          UPDATE events SET customer = CASE WHEN draw(seed, what || 'who' || events.id, 2) = 0 THEN customer ELSE format('c%s', draw(seed, what || 'c' || events.id, 30)) END,
                 day = day + draw(seed, what || 'day' || events.id, 40) - 20, value = value + draw(seed, what || 'value' || events.id, 3) - 1, shop = CASE WHEN draw(seed, what || 's' || events.id, 4) = 0 THEN 'b' ELSE shop END
           WHERE draw(seed, what || 'update' || events.id, 4) = 0;
        WHEN 2 THEN	-- what was left out comes in, and the other way round
          UPDATE events SET customer = CASE WHEN customer IS NULL THEN 'c1' ELSE CASE WHEN draw(seed, what || 'lose' || events.id, 3) = 0 THEN NULL ELSE customer END END, value = coalesce(value, 1), kind = 1 - kind
           WHERE draw(seed, what || 'gap' || events.id, 6) = 0;
        ELSE
          INSERT INTO events
          SELECT id + g, (ARRAY['a', 'b', 'a:b', NULL])[1 + least(draw(seed, what || 'shop' || g, 20), 3)], CASE WHEN draw(seed, what || 'nobody' || g, 25) > 0 THEN format('c%s', draw(seed, what || 'customer' || g, 30)) END,
                 CASE WHEN draw(seed, what || 'never' || g, 40) > 0 THEN date '2024-01-01' + draw(seed, what || 'at' || g, 700) END,
                 CASE WHEN draw(seed, what || 'nothing' || g, 40) > 0 THEN (draw(seed, what || 'amount' || g, 20000) - 2000) / 100.0 END, draw(seed, what || 'kind' || g, 3)
            FROM generate_series(1, 1 + draw(seed, what || 'rows', 60)) AS g;
          id := id + 60;
      END CASE;
    END LOOP;
    IF draw(seed, 'refresh' || batch, 2) = 0 THEN
      CREATE TEMP TABLE earlier AS SELECT customer_key, history::text AS history FROM batches.customer_histories;
      SELECT r.customers_added, r.customers_changed, r.customers_removed INTO counts FROM refresh_model('batches') AS r;
      SELECT counts_wrong + count(*) INTO counts_wrong
        FROM (SELECT count(*) FILTER (WHERE e.customer_key IS NULL) AS a, count(*) FILTER (WHERE e.history <> h.history::text) AS c, count(*) FILTER (WHERE h.customer_key IS NULL) AS r
                FROM earlier AS e FULL JOIN batches.customer_histories AS h USING (customer_key)) AS d
       WHERE (d.a, d.c, d.r) <> (counts.customers_added, counts.customers_changed, counts.customers_removed);
      DROP TABLE earlier;
    ELSIF is_live AND draw(seed, 'apply' || batch, 2) = 0 THEN
      PERFORM apply_changes('batches');
    ELSIF draw(seed, 'record' || batch, 2) = 0 THEN
      PERFORM record_changes('batches');
    END IF;
    IF draw(seed, 'calibrate' || batch, 3) = 0 THEN
      PERFORM calibrate_model('batches');
    END IF;
  END LOOP;
  IF NOT is_live THEN
    PERFORM refresh_model('batches');
  END IF;
  PERFORM calibrate_model('batches');
  EXECUTE format('SELECT FROM create_model(''once'', ''events'', %s)', settings);
  SELECT count(*) INTO problems FROM check_model('batches');
  SELECT d.rows, d.different INTO customers, scores_differ FROM differ('SELECT * FROM batches.customer_scores', 'SELECT * FROM once.customer_scores') AS d;
  IF is_live THEN
    PERFORM apply_changes('batches');
  END IF;
  SELECT d.different INTO histories_differ FROM differ('SELECT customer_key, tenant, history::text FROM batches.customer_histories', 'SELECT customer_key, tenant, history::text FROM once.customer_histories') AS d;
  SELECT count(*) INTO refreshes FROM batches.refreshes;
  settings := concat_ws(', ', CASE WHEN is_live THEN 'live' ELSE 'refreshed' END, nullif(regexp_replace(settings, '^.*as_of => ''2025-06-30'',? ?', ''), ''));
  PERFORM drop_model('once'), drop_model('batches');
  DROP TABLE events;
  RETURN NEXT;
END $$;
-- a transaction each, for the locks on all that is made and dropped
CREATE TABLE shopdata.runs AS SELECT 0 AS seed, r.* FROM run(0) AS r;
SELECT format('INSERT INTO runs SELECT %s, r.* FROM run(%1$s) AS r', seed) FROM unnest('{1,2,3,5,6,8,18,19,23,26,45}'::int[]) AS seed \gexec
SELECT * FROM runs ORDER BY seed;
DROP TABLE runs;
DROP FUNCTION run(int), draw(int, text, int);
