-- kmeans_fit, kmeans_assign, kmeans, silhouette, choose_k, kmeans_match: against
-- plain SQL and published figures; independence of order and plan; arguments.

CREATE FUNCTION close_to(a float8, b float8, tolerance float8) RETURNS bool LANGUAGE sql AS
  $$ SELECT coalesce(abs(a - b) <= tolerance * (1 + abs(b)), false) $$;

/* ---- published ---- */

-- The iris data of Anderson (1935) and Fisher (1936): 150 flowers, in tenths of centimetres: length and width of
-- sepals, then of petals, two digits each. Facts as measured, flowers 35 and 38 as in Fisher's paper.
CREATE TABLE iris AS
SELECT i, ARRAY[substr(f, 1, 2)::int / 10.0, substr(f, 3, 2)::int / 10.0, substr(f, 5, 2)::int / 10.0, substr(f, 7, 2)::int / 10.0]::float8[] AS x
FROM (SELECT i, substr(text, 8 * i - 7, 8) AS f FROM generate_series(1, 150) i, (SELECT
  '513514024930140247321302463115025036140254391704463414035034150244291402493115015437150248341602483014014330110158401202'
  '574415045439130451351403573817035138150354341702513715044636100251331705483419025030160250341604523515025234140247321602'
  '483116025434150452411501554214024931150250321202553513024936140144301302513415025035130345231303443213025035160651381904'
  '483014035138160246321402533715025033140270324714643245156931491555234013652846155728451363334716492433106629461352273914'
  '502035105930421560224010612947145629361367314414563045155827411062224515562539115932481861284013632549156128471264294313'
  '663044146828481467305017602945155726351055243811552437105827391260275116543045156034451667314715632344135630411355254013'
  '552644126130461458264012502333105627421357304212572942136229431351253011572841136333602558275119713059216329561865305822'
  '763066214925451773296318672558187236612565325120642753196830552157255020582851246432532365305518773867227726692360225015'
  '693257235628492077286720632749186733572172326018622848186130491864285621723058167428611979386420642856226328511561265614'
  '773061236334562464315518603048186931542167315624693151235827511968325923673357256730522363255019653052206234542359305118' AS text) t) s;
-- scikit-learn 1.2.1 says of 3 clusters: inertia 78.851441, standardised 139.820496; silhouette 0.552819, Calinski-Harabasz 561.627757
CREATE TABLE fit AS SELECT kmeans_fit(x, 3, 1, '{none}') AS f FROM iris;
SELECT round((f -> 'inertia')::numeric, 6) AS inertia, f -> 'sizes' AS sizes, round((f -> 'total_inertia')::numeric, 4) AS total, f -> 'notes' AS notes FROM fit;
SELECT round((kmeans_fit(x, 3) -> 'inertia')::numeric, 6) AS standardised, round((kmeans_fit(x, 3) -> 'total_inertia')::numeric, 6) AS total FROM iris;
SELECT round(avg(s)::numeric, 6) AS silhouette FROM (SELECT silhouette(x, kmeans_assign(f, x), '{none}') OVER () AS s FROM iris, fit) s;
SELECT k, round(inertia::numeric, 4) AS inertia, round(silhouette::numeric, 6) AS silhouette, round(calinski_harabasz::numeric, 6) AS calinski_harabasz, smallest,
       round(stability::numeric, 3) AS stability, round(least_stability::numeric, 3) AS least_stability
FROM choose_k_table((SELECT choose_k(x, 1, 6, 1, '{none}') FROM iris));
-- The document
SELECT key, jsonb_typeof(value) AS type, CASE WHEN jsonb_typeof(value) = 'array' THEN jsonb_array_length(value)::text
  WHEN key IN ('inertia', 'total_inertia') THEN '' ELSE value::text END AS value FROM fit, jsonb_each(f) ORDER BY key COLLATE "C";
SELECT cluster, size, round(share::numeric, 4) AS share, input, name, round(mean::numeric, 4) AS mean, round(center::numeric, 4) AS center, round(center_scaled::numeric, 4) AS scaled
FROM kmeans_table((SELECT f FROM fit), '{sepal length,sepal width,petal length}');

/* ---- against plain SQL ---- */

-- Customers: many have the same values; amounts have a long tail.
CREATE TABLE sample AS
SELECT i, ARRAY[draw(i, 1, 40) * 9, CASE WHEN draw(i, 2, 10) < 5 THEN 1 ELSE 1 + draw(i, 3, 6) END, 10 * (1 + draw(i, 4, 8) * draw(i, 5, 9))]::float8[] AS x
FROM generate_series(1, 1000) i;

-- One round of Lloyd's algorithm: scaled by hand, to the nearest center, the means of the clusters
CREATE FUNCTION slow_round(f jsonb, scaling text) RETURNS TABLE (cluster int, size bigint, inertia float8, center float8[], mean float8[]) LANGUAGE sql AS $$
  WITH value AS (
    SELECT i, n AS input, v AS own, CASE WHEN scaling ~ 'log1p' THEN ln(1 + v) ELSE v END AS v FROM sample, unnest(x) WITH ORDINALITY AS u (v, n)),
  scaled AS (
    SELECT i, input, own, CASE WHEN scaling ~ 'zscore' THEN (v - avg(v) OVER w) / stddev_pop(v) OVER w
                               WHEN scaling ~ 'robust' THEN (v - q[2]) / ((q[3] - q[1]) / 1.3489795003921634) ELSE v END AS v
      FROM value JOIN (SELECT input, percentile_cont('{0.25,0.5,0.75}'::float8[]) WITHIN GROUP (ORDER BY v) AS q FROM value GROUP BY input) AS q USING (input)
    WINDOW w AS (PARTITION BY input)),
  center AS (SELECT c.n AS cluster, i.n AS input, i.v::float8 AS v FROM jsonb_array_elements(f -> 'centers_scaled') WITH ORDINALITY AS c (center, n), jsonb_array_elements_text(center) WITH ORDINALITY AS i (v, n)),
  distance AS (SELECT s.i, c.cluster, sum((s.v - c.v) ^ 2) AS square FROM scaled AS s JOIN center AS c USING (input) GROUP BY s.i, c.cluster),
  nearest AS (SELECT DISTINCT ON (i) i, d.cluster, square FROM distance AS d ORDER BY i, square, d.cluster),
  means AS (SELECT n.cluster, s.input, avg(s.v) AS center, avg(s.own) AS mean FROM nearest AS n JOIN scaled AS s USING (i) GROUP BY 1, 2)
  SELECT n.cluster::int, n.size, n.inertia, array_agg(m.center ORDER BY m.input), array_agg(m.mean ORDER BY m.input)
    FROM (SELECT n.cluster, count(*) AS size, sum(square) AS inertia FROM nearest AS n GROUP BY 1) AS n JOIN means AS m USING (cluster) GROUP BY 1, 2, 3
$$;
SET jit = off;		-- the slow way would be compiled for each fit
CREATE TABLE slow AS
SELECT scaling, k, f, s.* FROM unnest('{none,log1p,zscore,log1p_zscore,robust,log1p_robust}'::text[]) AS scaling, unnest('{1,4,7}'::int[]) AS k,
       LATERAL (SELECT kmeans_fit(x, k, 3, ARRAY[scaling]) AS f FROM sample) AS fit, slow_round(f, scaling) AS s;
RESET jit;
-- Only disagreements are printed: a round more changes nothing, and every figure is that of plain SQL.
SELECT scaling, k, s.cluster, v.*
FROM slow AS s,
     LATERAL (SELECT 'size', (f -> 'sizes' ->> s.cluster - 1)::float8, s.size
              UNION ALL SELECT 'within', (f -> 'within' ->> s.cluster - 1)::float8, s.inertia
              UNION ALL SELECT 'center', (f #>> ARRAY['centers_scaled', (s.cluster - 1)::text, (i - 1)::text])::float8, s.center[i] FROM generate_series(1, 3) i
              UNION ALL SELECT 'mean', (f #>> ARRAY['means', (s.cluster - 1)::text, (i - 1)::text])::float8, s.mean[i] FROM generate_series(1, 3) i) AS v (what, ours, theirs)
WHERE NOT close_to(ours, theirs, 1e-9);
SELECT count(*) AS fits, sum(clusters) AS clusters, bool_and(clusters = k) AS all_have_points, bool_and(converged) AS converged, bool_and(close_to(ours, theirs, 1e-9)) AS inertia
FROM (SELECT scaling, k, count(*) AS clusters, (f ->> 'inertia')::float8 AS ours, sum(inertia) AS theirs, (f -> 'converged')::bool AS converged FROM slow GROUP BY scaling, k, f) AS s;

-- A point to its cluster, by distances as they are written down
CREATE TABLE mixed AS SELECT kmeans_fit(x, 5, 1, '{log1p_zscore,zscore,robust}') AS f FROM sample;
CREATE TABLE customers AS SELECT i, x, kmeans_assign(f, x) AS cluster, kmeans_distance(f, x) AS distance, kmeans_scaled(f, x) AS scaled FROM sample, mixed;
SELECT count(*) AS wrong
FROM customers AS c, mixed,
     LATERAL (SELECT n AS cluster, (SELECT sqrt(sum((s - v::float8) ^ 2)) FROM unnest(scaled) WITH ORDINALITY AS s (s, m) JOIN jsonb_array_elements_text(center) WITH ORDINALITY AS e (v, m) USING (m)) AS distance
                FROM jsonb_array_elements(f -> 'centers_scaled') WITH ORDINALITY AS e (center, n) ORDER BY distance, n LIMIT 1) AS slow
WHERE slow.cluster IS DISTINCT FROM c.cluster OR NOT close_to(slow.distance, c.distance, 1e-9);
-- the window function says the same, in any window; so do sizes
SELECT count(*) FILTER (WHERE w IS DISTINCT FROM cluster) AS wrong, count(DISTINCT cluster) AS clusters
FROM (SELECT cluster, kmeans(x, 5, scaling => '{log1p_zscore,zscore,robust}') OVER (ORDER BY i DESC ROWS 2 PRECEDING) AS w FROM customers) AS s;
SELECT f -> 'sizes' = (SELECT jsonb_agg(n ORDER BY cluster) FROM (SELECT cluster, count(*) AS n FROM customers GROUP BY 1) AS s) AS sizes FROM mixed;
-- partitions for themselves
SELECT g, count(*) FILTER (WHERE w IS DISTINCT FROM kmeans_assign(f, x)) AS wrong, count(DISTINCT w) AS clusters
FROM (SELECT i % 3 AS g, x, kmeans(x, 2 + (i % 3)::int, 7) OVER (PARTITION BY i % 3) AS w FROM sample) AS s
     JOIN (SELECT i % 3 AS g, kmeans_fit(x, 2 + (i % 3)::int, 7) AS f FROM sample GROUP BY i % 3) AS fit USING (g) GROUP BY g ORDER BY g;

-- Silhouettes, all pairs. Only disagreements are printed.
WITH few AS (SELECT i, scaled, CASE WHEN i = 9 THEN 77 ELSE cluster END AS cluster FROM customers WHERE i <= 300 OR i % 100 = 0),
  far AS (SELECT a.i, a.cluster, b.cluster AS other, sum(sqrt((a.scaled[1] - b.scaled[1]) ^ 2 + (a.scaled[2] - b.scaled[2]) ^ 2 + (a.scaled[3] - b.scaled[3]) ^ 2)) AS sum, count(*) AS n
            FROM few AS a, few AS b GROUP BY 1, 2, 3),
  slow AS (SELECT i, max(sum / nullif(n - 1, 0)) FILTER (WHERE cluster = other) AS a, min(sum / n) FILTER (WHERE cluster <> other) AS b FROM far GROUP BY i)
SELECT i, ours, a, b FROM (SELECT i, silhouette(scaled, cluster, '{none}') OVER () AS ours FROM few) AS s JOIN slow USING (i)
WHERE NOT close_to(ours, coalesce((b - a) / greatest(a, b), 0), 1e-12);
-- the scaling of the partition is that of kmeans
SELECT count(*) FILTER (WHERE NOT close_to(a, b, 1e-12)) AS wrong, bool_or(a < 0) AS some_below_0, round(avg(a)::numeric, 6) AS mean
FROM (SELECT silhouette(x, cluster, '{log1p_zscore,zscore,robust}') OVER () AS a, silhouette(scaled, cluster, '{none}') OVER (ORDER BY cluster) AS b FROM customers) AS s;

/* ---- order and plans ---- */

CREATE TABLE result (how text, fit jsonb, choice jsonb);
INSERT INTO result SELECT 'as it comes', kmeans_fit(x, 4, 5), choose_k(x, 2, 3, 5) FROM sample;
INSERT INTO result SELECT 'ascending', kmeans_fit(x, 4, 5 ORDER BY i), choose_k(x, 2, 3, 5 ORDER BY i) FROM sample;
INSERT INTO result SELECT 'descending', kmeans_fit(x, 4, 5 ORDER BY i DESC), choose_k(x, 2, 3, 5 ORDER BY i DESC) FROM sample;
INSERT INTO result SELECT 'shuffled ' || n, kmeans_fit(x, 4, 5 ORDER BY draw(i + n * 100000)), choose_k(x, 2, 3, 5 ORDER BY draw(i + n * 100000)) FROM sample, generate_series(1, 3) n GROUP BY n;
INSERT INTO result SELECT 'window', kmeans_fit(x, 4, 5) OVER (), choose_k(x, 2, 3, 5) OVER () FROM sample LIMIT 1;
INSERT INTO result SELECT 'defaults said', kmeans_fit(x, 4, 5, '{zscore}', 10), choose_k(x, 2, 3, 5, '{zscore}', 10) FROM sample;
INSERT INTO result SELECT 'one for each', kmeans_fit(x, 4, 5, '{zscore,zscore,zscore}'), choose_k(x, 2, 3, 5, '{zscore,zscore,zscore}') FROM sample;
INSERT INTO result SELECT 'minus zero', kmeans_fit(y, 4, 5), choose_k(y, 2, 3, 5) FROM (SELECT ARRAY[CASE WHEN x[1] = 0 THEN '-0' ELSE x[1] END, x[2], x[3]] AS y FROM sample) AS s;
ANALYZE sample;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
CREATE FUNCTION plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; plan text := '';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP plan := plan || line; END LOOP;
  RETURN plan;
END $$;
INSERT INTO result SELECT 'workers', kmeans_fit(x, 4, 5), choose_k(x, 2, 3, 5) FROM sample;
SELECT plan_of('SELECT kmeans_fit(x, 4, 5), choose_k(x, 2, 3, 5) FROM sample') LIKE '%Finalize Aggregate%Gather%Partial Aggregate%' AS parallel;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SET enable_partitionwise_aggregate = on;
CREATE TABLE parts (LIKE sample) PARTITION BY HASH (i);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parts SELECT * FROM sample;
INSERT INTO result SELECT 'partitions', kmeans_fit(x, 4, 5), choose_k(x, 2, 3, 5) FROM parts;
RESET enable_partitionwise_aggregate;
SELECT count(*) AS ways, count(DISTINCT fit - 'scaling') AS fits, count(DISTINCT fit -> 'scaling') AS scalings, count(DISTINCT choice) AS choices FROM result;
-- another seed, another way; more starts are never worse
SELECT count(DISTINCT f ->> 'iterations') > 1 AS differ FROM (SELECT kmeans_fit(x, 6, seed, '{zscore}', 1) AS f FROM sample, generate_series(1, 20) AS seed GROUP BY seed) AS s;
SELECT bool_and(inertia <= before) AS never_worse, count(DISTINCT inertia) > 1 AS some_better
FROM (SELECT inertia, lag(inertia, 1, 'infinity') OVER (ORDER BY starts) AS before FROM (SELECT starts, (kmeans_fit(x, 9, 2, '{zscore}', starts) ->> 'inertia')::float8 AS inertia
        FROM sample, unnest('{1,2,4,8,16,32}'::int[]) AS starts GROUP BY starts) AS s) AS s;

/* ---- what is left out, what surprises ---- */

SELECT f -> 'n' AS n, f -> 'distinct' AS distinct, f -> 'left_out' AS left_out, f -> 'sizes' AS sizes
FROM (SELECT kmeans_fit(x, 2) AS f FROM (VALUES ('{1,2}'::float8[]), ('{1,2}'), (NULL), ('{5,NULL}'), ('{NULL,NULL}'), ('{7,8}'), ('{7,9}')) v (x)) AS s;
SELECT f IS NULL AS no_fit, c IS NULL AS no_choice, (SELECT count(*) FROM kmeans_table(f)) AS rows, (SELECT count(*) FROM choose_k_table(c)) AS rows
FROM (SELECT kmeans_fit(x, 2) AS f, choose_k(x, 2, 3) AS c FROM (VALUES (NULL::float8[]), ('{NULL,1}')) v (x)) AS s;
SELECT kmeans_fit(x, 2) IS NULL AS no_fit FROM iris WHERE false;
SELECT kmeans(x, 2) OVER (), silhouette(x, c) OVER () FROM (VALUES ('{1}'::float8[], 1), (NULL, 1), ('{2}', 1), ('{9}', NULL), ('{NULL}', 1)) v (x, c);
SELECT kmeans(x, 9) OVER (), silhouette(x, 1) OVER () FROM (VALUES (NULL::float8[])) v (x);
SELECT kmeans_assign(f, NULL), kmeans_assign(NULL, '{1,2,3,4}'), kmeans_assign(f, '{1,2,NULL,4}'), kmeans_distance(f, '{1,2,NULL,4}'), kmeans_scaled(f, '{1,2,NULL,4}'), kmeans_assign(f, '[5:8]={5,3.4,1.4,0.2}') FROM fit;
-- one cluster, a cluster for each point
SELECT k, round((f -> 'inertia')::numeric, 10) AS inertia, f -> 'sizes' AS sizes, f -> 'centers' AS centers FROM (SELECT k, kmeans_fit(x, k, 1, '{none}') AS f
  FROM (VALUES ('{1}'::float8[]), ('{2}'), ('{2}'), ('{12}')) v (x), unnest('{1,2,3}'::int[]) AS k GROUP BY k) AS s ORDER BY k;
SELECT n -> 'input' AS input, n ->> 'note' AS note, n ->> 'text' AS text
FROM (SELECT kmeans_fit(ARRAY[7, CASE WHEN i % 5 < 3 THEN 1 ELSE i % 4 END, x[1], CASE WHEN i % 5 < 4 THEN 1 ELSE i END, (i % 2)], 3, 1, '{zscore,zscore,zscore,robust,none}') AS f FROM sample) AS s, jsonb_array_elements(f -> 'notes') WITH ORDINALITY AS e (n, m) ORDER BY m;
-- figures end where points do
SELECT k, round(inertia::numeric, 6) AS inertia, calinski_harabasz IS NULL AS none, smallest FROM choose_k_table((SELECT choose_k(x, 2, 9) FROM (VALUES ('{1}'::float8[]), ('{2}'), ('{2}'), ('{12}')) v (x)));
-- a point as far as it goes
SELECT s AS scaling, f -> 'sizes' AS sizes, round((f #>> '{means,1,0}')::numeric / 1e150, 6) AS mean FROM (SELECT s, kmeans_fit(x, 2, 1, s) AS f FROM (VALUES ('{1e150}'::float8[]), ('{-1e150}'), ('{-9e149}'), ('{0.9e150}')) v (x), (VALUES ('{none}'::text[]), ('{zscore}'), ('{log1p}'), ('{robust}')) w (s) GROUP BY s) AS s ORDER BY s;
-- a sample starts, all points go on: the same bits from the other end
CREATE TABLE many AS SELECT i, ARRAY[draw(i, 1, 300), draw(i, 2, 300) + i % 5 * 400]::float8[] AS x FROM generate_series(1, 60000) i;
SELECT count(DISTINCT f) AS fits, bool_and((f ->> 'converged')::bool) AS converged, min(f ->> 'distinct') AS distinct, min(f ->> 'sizes') AS sizes
FROM (SELECT kmeans_fit(x, 5, 1, '{none}' ORDER BY i) AS f FROM many UNION ALL SELECT kmeans_fit(x, 5, 1, '{none}' ORDER BY i DESC) FROM many) AS s;
-- cancelled at any moment: this would take minutes
SET statement_timeout = '200ms';
SELECT choose_k(x, 100, 200) FROM many;
SELECT count(s) FROM (SELECT silhouette(x || x || x || x || x, (i % 200)::int) OVER () AS s FROM many, generate_series(1, 3)) AS s;
RESET statement_timeout;

/* ---- matching ---- */

-- The order of clusters reversed: each comes back under its number, with what is said of it.
CREATE TABLE years AS SELECT kmeans_fit(x, 4) AS before, kmeans_fit(ARRAY[-x[1], 1.1 * x[2], x[3]], 4) AS after FROM sample;
SELECT m -> 'cluster' AS cluster, m -> 'was' AS was, round((m -> 'moved')::numeric, 9) AS moved, f -> 'centers' -> (n - 1)::int = before -> 'centers' -> (n - 1)::int AS same
FROM years, LATERAL (SELECT before || jsonb_object_agg(key, value) AS reversed FROM (SELECT key, jsonb_agg(c ORDER BY n DESC) AS value
         FROM unnest('{sizes,within,means,centers,centers_scaled}'::text[]) AS key, jsonb_array_elements(before -> key) WITH ORDINALITY AS e (c, n) GROUP BY key) AS r) AS r,
     LATERAL (SELECT kmeans_match(before, reversed) AS f) AS s, jsonb_array_elements(f -> 'matched') WITH ORDINALITY AS e (m, n);
-- the least sum of distances, of all 24 ways
WITH distance AS (SELECT a AS new, b AS old, (SELECT sqrt(sum((((after #>> ARRAY['centers', a - 1, i - 1]::text[])::float8 - (before #>> ARRAY['scaling', (i - 1)::text, 'shift'])::float8)
                          / (before #>> ARRAY['scaling', (i - 1)::text, 'scale'])::float8 - (before #>> ARRAY['centers_scaled', b - 1, i - 1]::text[])::float8) ^ 2)) FROM generate_series(1, 3) AS i) AS d
    FROM years, generate_series(1, 4) AS a, generate_series(1, 4) AS b)
SELECT close_to((SELECT sum((m -> 'moved')::float8) FROM years, jsonb_array_elements(kmeans_match(before, after) -> 'matched') AS m),
  (SELECT min(p.d + q.d + r.d + s.d) FROM distance AS p, distance AS q, distance AS r, distance AS s WHERE p.new = 1 AND q.new = 2 AND r.new = 3 AND s.new = 4 AND cardinality(ARRAY(SELECT DISTINCT unnest(ARRAY[p.old, q.old, r.old, s.old]))) = 4), 1e-9) AS least;
SELECT key, (SELECT jsonb_agg(v ORDER BY v::text) FROM jsonb_array_elements(f -> key) AS v) = (SELECT jsonb_agg(v ORDER BY v::text) FROM jsonb_array_elements(after -> key) AS v) AS same_set,
       (SELECT bool_and(kmeans_assign(f, ARRAY(SELECT jsonb_array_elements_text(c)::float8)) = n) FROM jsonb_array_elements(f -> 'centers') WITH ORDINALITY AS e (c, n)) AS numbered
FROM years, LATERAL (SELECT kmeans_match(before, after) AS f) AS s, unnest('{sizes,within,means,centers,centers_scaled}'::text[]) AS key;
-- more clusters than before, and fewer
SELECT old_k, new_k, jsonb_path_query_array(f, '$.matched[*].cluster') AS clusters, jsonb_path_query_array(f, '$.matched[*].was') AS was
FROM (VALUES (2, 4), (4, 2), (3, 3)) AS v (old_k, new_k), LATERAL (SELECT kmeans_fit(x, old_k) AS before FROM iris) AS o, LATERAL (SELECT kmeans_match(before, kmeans_fit(x, new_k)) AS f FROM iris GROUP BY before) AS s;
SELECT kmeans_match(NULL, before) IS NULL AS none FROM years;

/* ---- arguments ---- */

SELECT error_of('SELECT kmeans_fit(' || arguments || ') FROM sample') FROM unnest(ARRAY['x, 0', 'x, -1', 'x, 257', 'x, NULL', 'x, i::int', 'x, 2, NULL', 'x, 2, i::int', 'x, 2, 1, NULL', 'x, 2, 1, ''{}''', 'x, 2, 1, ''{z}''',
  'x, 2, 1, ''{NULL}''', 'x, 2, 1, ''{{none}}''', 'x, 2, 1, ''{none,none}''', 'x, 2, 1, CASE WHEN i < 9 THEN ''{none}''::text[] ELSE ''{zscore}'' END', 'x, 2, 1, ''{none}'', 0', 'x, 2, 1, ''{none}'', 1001', 'x, 2, 1, ''{none}'', i::int',
  'ARRAY[x[1], ''NaN''], 2', 'ARRAY[x[1], ''-Infinity''], 2', 'ARRAY[1e151], 2', 'ARRAY[x, x], 2', '''{}'', 2', 'array_fill(1::float8, ARRAY[257]), 2', 'CASE WHEN i < 9 THEN x ELSE x[1:2] END, 2', 'CASE WHEN i < 9 THEN x ELSE ''{NULL}'' END, 2',
  'x[2:2], 9', 'ARRAY[7], 2', 'ARRAY[1e-300 * (i % 9) + CASE WHEN i = 9 THEN 1e149 ELSE 0 END], 2, 1, ''{robust}''']) arguments;
SELECT error_of('SELECT choose_k(' || arguments || ') FROM sample') FROM unnest(ARRAY['x, 0, 2', 'x, 3, 2', 'x, 2, 300', 'x, 2, NULL', 'x, NULL, 3', 'ARRAY[7], 2, 3', 'x, 2, 2 + i::int', 'x, 2, 3, 1, ''{none,none}''']) arguments;
SELECT error_of('SELECT ' || call || ' OVER () FROM sample') FROM unnest(ARRAY['kmeans(x, 0)', 'kmeans(x, NULL)', 'kmeans(x, 2, NULL)', 'kmeans(x, 1 + (i % 2)::int)', 'kmeans(x, 2, i::int)', 'kmeans(x, 2, scaling => NULL)', 'kmeans(x, 2, scaling => ''{a}'')', 'kmeans(x, 2, scaling => CASE WHEN i < 9 THEN ''{none}''::text[] ELSE ''{zscore}'' END)',
  'kmeans(x, 2, starts => 0)', 'kmeans(x, 2, starts => i::int)', 'kmeans(x[1:i::int], 2)', 'kmeans(ARRAY[7], 2)', 'silhouette(x, 1, NULL)', 'silhouette(x, i::int)', 'silhouette(x[1:i::int], 1)', 'silhouette(''{}'', 1)', 'silhouette(''{NaN}'', 1)',
  'silhouette(x, 1, CASE WHEN i < 9 THEN ''{none}''::text[] ELSE ''{zscore}'' END)']) call;
SELECT error_and_hint(format('SELECT kmeans_assign(%L, ''{1,2}'')', f)) FROM unnest(ARRAY['[]', '1', '{}', '{"family": "logit"}', '{"family": "kmeans"}', '{"family": "kmeans", "scaling": []}', '{"family": "kmeans", "scaling": [1], "centers_scaled": [[1]]}',
  '{"family": "kmeans", "scaling": [], "centers_scaled": [[1]]}', '{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1}], "centers_scaled": []}', '{"family": "kmeans", "scaling": [{"method": "z", "shift": 0, "scale": 1}], "centers_scaled": [[1]]}',
  '{"family": "kmeans", "scaling": [{"method": "none", "scale": 1}], "centers_scaled": [[1]]}', '{"family": "kmeans", "scaling": [{"method": "none", "shift": 1e400, "scale": 1}], "centers_scaled": [[1]]}', '{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 0}], "centers_scaled": [[1]]}',
  '{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1}], "centers_scaled": [1]}', '{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1}], "centers_scaled": [[1, 2]]}', '{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1}], "centers_scaled": [["a"]]}',
  '{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1}], "centers_scaled": [[1]]}']::text[]) f;
SELECT error_and_hint(format('SELECT kmeans_distance(f, %L) FROM fit', x)) FROM unnest(ARRAY['{1,2,3}', '{{1,2,3,4}}', '{}', '{1,2,3,NaN}', '{1,2,3,Infinity}', '{1,2,3,1e151}']) x;
SELECT error_and_hint($$SELECT kmeans_assign('{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1e-200}], "centers_scaled": [[1]]}', '{1e149}')$$);
SELECT error_and_hint($$SELECT kmeans_assign('{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1e-100}], "centers_scaled": [[1]]}', '{1e149}')$$);
SELECT error_and_hint('SELECT kmeans_match(f, ''{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1}], "centers_scaled": [[1]]}'') FROM fit');
SELECT error_and_hint('SELECT kmeans_match(f, ''{}'') FROM fit');
-- another fit in every row
SELECT kmeans_assign(f, x) FROM (VALUES ('{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1}], "centers_scaled": [[1], [3]]}'::jsonb, '{2}'::float8[]),
  ('{"family": "kmeans", "scaling": [{"method": "none", "shift": 0, "scale": 1}], "centers_scaled": [[3], [1]]}', '{1.5}'), ('{"family": "kmeans", "scaling": [{"method": "log1p", "shift": 0, "scale": 2}], "centers_scaled": [[0], [-1]]}', '{-100}')) AS v (f, x);
-- as many as there may be
SELECT jsonb_array_length(f -> 'sizes') AS clusters, f -> 'dimensions' AS dimensions FROM (SELECT kmeans_fit(ARRAY[i, draw(i)], 256, 1, '{zscore}', 1) AS f FROM generate_series(1, 600) i) AS s
UNION ALL SELECT jsonb_array_length(f -> 'sizes'), f -> 'dimensions' FROM (SELECT kmeans_fit(x, 2) AS f FROM (SELECT i, array_agg(draw(i * 1000 + j)) AS x FROM generate_series(1, 60) i, generate_series(1, 256) j GROUP BY i) s) AS f;
DROP TABLE iris, fit, sample, slow, mixed, customers, result, parts, many, years;
DROP FUNCTION close_to, slow_round, plan_of;
