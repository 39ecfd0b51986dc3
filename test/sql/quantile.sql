-- quantile_thresholds against percentile_cont and against type-7 quantiles in
-- plain SQL; its independence of order and plan; its arguments.

CREATE TABLE sample (kind text, id int, v float8);
INSERT INTO sample
  SELECT 'one', 1, 42
  UNION ALL SELECT 'two', i, i FROM generate_series(1, 2) i
  UNION ALL SELECT 'equal', i, 7.25 FROM generate_series(1, 3000) i
  UNION ALL SELECT 'all null', i, NULL FROM generate_series(1, 10) i
  UNION ALL SELECT 'zeros', i, CASE i % 3 WHEN 0 THEN '-0' WHEN 1 THEN 0 ELSE i % 2 END::float8 FROM generate_series(1, 700) i
  UNION ALL SELECT 'dense', i, i FROM generate_series(1, 2001) i
  UNION ALL SELECT 'few values', i, draw(i, 5) FROM generate_series(1, 4000) i
  UNION ALL SELECT 'mostly one', i, CASE WHEN draw(i, 10) < 6 THEN 1 ELSE draw(i + 100000, 30) END FROM generate_series(1, 5000) i
  UNION ALL SELECT 'money', i, round((-ln(1 - draw(i, 1000000) / 1e6) * 150)::numeric, 2) FROM generate_series(1, 9000) i
  UNION ALL SELECT 'money with null', i, CASE WHEN draw(i + 7, 3) > 0 THEN draw(i, 100000) / 100.0 END FROM generate_series(1, 3000) i
  UNION ALL SELECT 'negative', i, draw(i, 1000) - 500 FROM generate_series(1, 2500) i
  UNION ALL SELECT 'every scale', i, (draw(i, 2) * 2 - 1) * power(10::float8, (draw(i + 5000, 600) - 300)::float8) * (1 + draw(i + 9000, 1000)) FROM generate_series(1, 6000) i
  UNION ALL SELECT 'extremes', i, (ARRAY['-1.7976931348623157e308', '1.7976931348623157e308', '1e-290', '-1e-290', '0', '5', '1e308', '-1e308'])[1 + draw(i, 8)]::float8 FROM generate_series(1, 900) i
  UNION ALL SELECT 'denormal', i, (ARRAY['4.9e-324', '-4.9e-324', '2.3e-308', '0'])[1 + draw(i, 4)]::float8 FROM generate_series(1, 60) i
  UNION ALL SELECT 'outlier', i, CASE i WHEN 17 THEN '1e300'::float8 ELSE 100 + draw(i, 1000000) / 1e9 END FROM generate_series(1, 5000) i
  UNION ALL SELECT 'size ' || n, i, draw(i * 31 + n, n * 2) FROM generate_series(3, 40) n, generate_series(1, n) i;

-- Type 7 in plain SQL: position (N - 1) k / n, in whole numbers. A difference
-- that would overflow is avoided.
CREATE FUNCTION slow_thresholds(sorted float8[], bins int) RETURNS float8[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  thresholds float8[] := '{}';
  position bigint;
  low float8;
  high float8;
  part float8;
BEGIN
  FOR k IN 1 .. bins - 1 LOOP
    position := (cardinality(sorted) - 1)::bigint * k;
    part := (position % bins) / bins::float8;
    low := sorted[1 + position / bins];
    IF part > 0 THEN
      high := sorted[2 + position / bins];
      IF low < -1e300 AND high > 1e300 AND high / 2 - low / 2 > 8.988465674311579e307 THEN
        low := least(greatest(low * (1 - part) + high * part, low), high);
      ELSE
        low := least(greatest(low + (high - low) * part, low), high);
      END IF;
    END IF;
    thresholds := thresholds || (low + 0::float8);
  END LOOP;
  RETURN thresholds;
END $$;
CREATE TABLE fast AS SELECT kind, bins, (SELECT quantile_thresholds(v, bins) FROM sample s WHERE s.kind = k.kind) AS t
  FROM (SELECT DISTINCT kind FROM sample) k, (VALUES (1), (2), (3), (5), (7), (10), (17), (100)) b(bins);
SELECT count(*) AS compared, count(t) AS with_values FROM fast;
SELECT f.kind, f.bins, f.t, slow.t
  FROM (SELECT kind, array_agg(v ORDER BY v) FILTER (WHERE v IS NOT NULL) AS sorted FROM sample GROUP BY kind) s JOIN fast f USING (kind),
    LATERAL (SELECT slow_thresholds(sorted, f.bins) AS t WHERE sorted IS NOT NULL) slow
  WHERE kind <> 'denormal' AND f.t IS DISTINCT FROM slow.t;

-- percentile_cont rounds otherwise, by 1e-15 of the larger neighbour.
SELECT kind, k, f.t[k], p.c[k] FROM fast f
  JOIN (SELECT kind, percentile_cont(array[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) WITHIN GROUP (ORDER BY v) AS c, max(abs(v)) AS largest
        FROM sample WHERE kind NOT IN ('extremes', 'every scale', 'outlier', 'denormal') GROUP BY kind) p USING (kind), generate_series(1, 9) k
  WHERE bins = 10 AND (f.t[k] IS NULL <> (p.c[k] IS NULL) OR abs(f.t[k] - p.c[k]) > 1e-15 * largest);
SELECT kind, k, f.t[k], p.c[k] FROM fast f
  JOIN (SELECT kind, percentile_cont(array[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY v) AS c
        FROM sample WHERE kind IN ('every scale', 'outlier') GROUP BY kind) p USING (kind), generate_series(1, 4) k
  WHERE bins = 5 AND abs(f.t[k] - p.c[k]) > 1e-12 * abs(p.c[k]);

-- Ascending, within the values, and no -0 (its text would show it).
SELECT kind, bins FROM fast f JOIN (SELECT kind, min(v), max(v) FROM sample GROUP BY kind) s USING (kind), generate_series(1, bins - 1) k
  WHERE f.t[k] > f.t[k + 1] OR f.t[k]::text = '-0' OR f.t[k] NOT BETWEEN min AND max;

-- Any order of the rows gives the same bytes.
SELECT kind, count(DISTINCT t::text) FROM (
  SELECT kind, shuffle, quantile_thresholds(v, 7 ORDER BY draw(id * 13 + shuffle, 1000003), id) AS t
  FROM sample, generate_series(1, 4) shuffle GROUP BY kind, shuffle) s GROUP BY kind HAVING count(DISTINCT t::text) > 1;

-- So does any plan. Workers that get few rows or none take part.
CREATE TABLE spread AS SELECT kind, id, v FROM sample ORDER BY draw(id, 10007);
ANALYZE spread;
CREATE FUNCTION plan_has(statement text, what text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
    IF line LIKE '%' || what || '%' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial_result AS SELECT kind, quantile_thresholds(v, 9) AS t FROM spread GROUP BY kind;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
SELECT plan_has('SELECT kind, quantile_thresholds(v, 9) FROM spread GROUP BY kind', 'Partial') AS partial;
SELECT kind, s.t, p.t FROM serial_result s JOIN (SELECT kind, quantile_thresholds(v, 9) AS t FROM spread GROUP BY kind) p USING (kind)
  WHERE s.t IS DISTINCT FROM p.t;
SET parallel_leader_participation = off;
SELECT kind, s.t, p.t FROM serial_result s JOIN (SELECT kind, quantile_thresholds(v, 9) AS t FROM spread GROUP BY kind) p USING (kind)
  WHERE s.t IS DISTINCT FROM p.t;
SELECT quantile_thresholds(v, 5) FROM spread WHERE v IS NULL;
SELECT quantile_thresholds(v, 5) FROM spread WHERE kind = 'no such';
SELECT error_and_hint('SELECT quantile_thresholds(v, 2 + id % 2) FROM spread');
SELECT error_and_hint($$SELECT quantile_thresholds(CASE WHEN kind = 'one' THEN 'NaN' ELSE v END, 5) FROM spread$$);
RESET parallel_leader_participation;
RESET max_parallel_workers_per_gather;
RESET min_parallel_table_scan_size;
RESET parallel_tuple_cost;
RESET parallel_setup_cost;

CREATE TABLE parted (kind text, id int, v float8) PARTITION BY HASH (id);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parted SELECT * FROM sample;
SET enable_partitionwise_aggregate = on;
SELECT kind, s.t, p.t FROM serial_result s JOIN (SELECT kind, quantile_thresholds(v, 9) AS t FROM parted GROUP BY kind) p USING (kind)
  WHERE s.t IS DISTINCT FROM p.t;
RESET enable_partitionwise_aggregate;

-- The final function may be called again and again on a growing state.
WITH few AS MATERIALIZED (SELECT id, v FROM sample WHERE kind = 'money' AND id <= 300)
SELECT id, running, alone FROM (SELECT id, quantile_thresholds(v, 4) OVER (ORDER BY id) AS running FROM few) r,
  LATERAL (SELECT quantile_thresholds(v, 4) AS alone FROM few s WHERE s.id <= r.id) a
  WHERE running IS DISTINCT FROM alone;
WITH few AS MATERIALIZED (SELECT id, v FROM sample WHERE kind = 'money with null' AND id <= 200)
SELECT id, moving, alone FROM (SELECT id, quantile_thresholds(v, 4) OVER (ORDER BY id ROWS 20 PRECEDING) AS moving FROM few) r,
  LATERAL (SELECT quantile_thresholds(v, 4) AS alone FROM few s WHERE s.id BETWEEN r.id - 20 AND r.id) a
  WHERE moving IS DISTINCT FROM alone;

-- Edges.
SELECT quantile_thresholds(v, 1), quantile_thresholds(v, 2) FROM (VALUES (3::float8), (1), (NULL)) t(v);
SELECT quantile_thresholds(v, 5) FROM (VALUES (5::float8)) t(v);
SELECT quantile_thresholds(v, 4) FROM (VALUES ('-1.7976931348623157e308'::float8), ('1.7976931348623157e308')) t(v);
SELECT quantile_thresholds(NULL::float8, 5) FROM generate_series(1, 3);
SELECT quantile_thresholds(1, 5) WHERE false;
SELECT quantile_thresholds(v, 5) FILTER (WHERE v > 100) FROM generate_series(1, 10) v;
SELECT statement, error_and_hint(statement) FROM unnest(ARRAY[
  'SELECT quantile_thresholds(1, 0)', 'SELECT quantile_thresholds(1, 101)', 'SELECT quantile_thresholds(1, -2147483648)',
  'SELECT quantile_thresholds(1, NULL)', 'SELECT quantile_thresholds(NULL, 0)', 'SELECT quantile_thresholds(NULL, NULL)',
  'SELECT quantile_thresholds(''NaN'', 5)', 'SELECT quantile_thresholds(''Infinity'', 5)', 'SELECT quantile_thresholds(''-Infinity'', 5)',
  'SELECT quantile_thresholds(v, v) FROM generate_series(4, 5) v']) WITH ORDINALITY s(statement, n) ORDER BY n;

-- The parts of an aggregate are for aggregates only. Which error depends on the server.
SELECT statement FROM unnest(ARRAY[
  'SELECT _quantile_thresholds_transition(NULL, 1, 5)', 'SELECT _quantile_thresholds_combine(NULL, NULL)',
  'SELECT _quantile_thresholds_final(NULL)', 'SELECT _quantile_thresholds_deserialize(''\x'', NULL)',
  'SELECT _quantile_thresholds_serialize(NULL)', 'SELECT _weighted_mean_transition(NULL, 1, 1)', 'SELECT _weighted_mean_combine(NULL, NULL)',
  'SELECT _weighted_mean_final(NULL)']) statement
  WHERE error_and_hint(statement) = 'no error' AND statement !~ 'serialize';

DROP TABLE sample, fast, spread, serial_result, parted;
DROP FUNCTION slow_thresholds, plan_has;
