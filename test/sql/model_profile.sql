-- Profiles of segments, against plain SQL over customer_scores: fifths by percentile_cont,
-- shares and medians by counting. Needs the shop of model.sql.
SET client_min_messages = warning;
SET jit = off;
SET extra_float_digits = 0;
\set SHOW_CONTEXT never
SET search_path = public, scoring, shopdata;
CREATE SCHEMA prof;
CREATE TABLE prof.people AS
SELECT p AS customer_id, (ARRAY['Lyon', 'Lille', 'Nice', NULL])[1 + (hashint8extended(p, 1) & 3)::int] AS city, (hashint8extended(p, 2) & 63)::int AS age,
       CASE p % 40 WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' WHEN 3 THEN NULL ELSE (hashint8extended(p, 3) & 1023) / 7.0 - 20 END AS income,
       CASE p % 40 WHEN 1 THEN 'infinity' WHEN 2 THEN NULL ELSE date '2020-01-01' + (hashint8extended(p, 4) & 1023)::int END AS joined_on,
       timestamptz '2024-12-31 23:30+00' + (hashint8extended(p, 5) & 255) * interval '6 hours' AS seen_at,
       (hashint8extended(p, 6) & 7)::int / 4 AS children, p % 2 = 0 AS mail
FROM generate_series(1, 450) AS p;
SELECT count(*) > 0 AS done FROM create_model('pr', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', time_zone => 'Asia/Tokyo',
  customers => 'prof.people', customers_key => 'customer_id', attributes => '{city,age,income,joined_on,seen_at,children,mail}');

-- each value of each attribute of each person, numbers by the fifth that percentile_cont gives
CREATE TABLE prof.numbers AS SELECT c.customer_key, c.segment, a.attribute, a.number FROM pr.customer_scores AS c, LATERAL (VALUES ('age', age::float8), ('income', CASE WHEN income NOT IN ('NaN', 'Infinity') THEN income END::float8),
  ('joined_on', CASE WHEN isfinite(joined_on) THEN joined_on - date '2000-01-01' END), ('seen_at', (seen_at AT TIME ZONE 'Asia/Tokyo')::date - date '2000-01-01'), ('children', children)) AS a (attribute, number);
CREATE TABLE prof.cuts AS SELECT attribute, percentile_cont('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY number) AS cuts FROM prof.numbers GROUP BY 1;
CREATE TABLE prof.cells AS
  SELECT n.customer_key, n.segment, n.attribute, CASE WHEN n.number IS NOT NULL THEN (1 + (SELECT count(*) FROM unnest(c.cuts) AS u (cut) WHERE n.number > cut))::text END AS cell, n.number FROM prof.numbers AS n JOIN prof.cuts AS c USING (attribute)
  UNION ALL SELECT customer_key, segment, a.attribute, a.value, NULL FROM pr.customer_scores, LATERAL (VALUES ('city', city), ('mail', mail::text)) AS a (attribute, value);
CREATE TABLE prof.slow AS
  WITH n AS (SELECT segment, attribute, cell, count(*)::numeric AS x FROM prof.cells GROUP BY 1, 2, 3),
  t AS (SELECT n.*, sum(x) OVER (PARTITION BY attribute) AS everybody, sum(x) OVER (PARTITION BY attribute, segment) AS s, sum(x) OVER (PARTITION BY attribute, cell) AS v FROM n)
  SELECT segment, attribute, cell, x::bigint AS customers, round(x / s, 9) AS share, round(100 * (x / s) / (v / everybody), 6) AS index,
         -- two proportions, those of the segment and of the rest, with a pooled variance; of a sample without replacement
         round((x / s - (v - x) / (everybody - s)) / nullif(sqrt(v / everybody * (1 - v / everybody) * (1 / s + 1 / (everybody - s)) * everybody / (everybody - 1)), 0), 6) AS z,
         (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY c.number) FROM prof.cells AS c WHERE c.segment = t.segment AND c.attribute = t.attribute AND t.cell IS NOT NULL) AS median FROM t;
-- its place is that of the fifth among those that have people
CREATE VIEW prof.fifths AS SELECT attribute, cell AS fifth, row_number() OVER (PARTITION BY attribute ORDER BY cell) AS position FROM prof.cells WHERE number IS NOT NULL GROUP BY 1, 2;
CREATE TABLE prof.fast AS SELECT p.segment, p.attribute, CASE WHEN p.attribute IN ('city', 'mail') THEN p.value WHEN p.value IS NOT NULL THEN (SELECT f.fifth FROM prof.fifths AS f WHERE f.attribute = p.attribute AND f.position = p.position) END AS cell,
  customers, round(share::numeric, 9) AS share, round(index::numeric, 6) AS index, round(z::numeric, 6) AS z, coalesce(median, median_on - date '2000-01-01') AS median FROM pr.segment_profile AS p;
SELECT d.* FROM differ('SELECT segment, attribute, cell, customers, share, index, z FROM prof.fast', 'SELECT segment, attribute, cell, customers, share, index, z FROM prof.slow') AS d;
SELECT d.* FROM differ('SELECT segment, attribute, cell, round(median::numeric, 6) FROM prof.fast', 'SELECT segment, attribute, cell, CASE WHEN attribute IN (''joined_on'', ''seen_at'') THEN floor(median)::numeric ELSE round(median::numeric, 6) END FROM prof.slow') AS d;
-- values in words: each person is in the range that is said of their fifth
SELECT DISTINCT attribute, position, value FROM pr.segment_profile WHERE attribute NOT IN ('income', 'city', 'mail') ORDER BY 1, 2;
SELECT attribute, count(DISTINCT value) AS ranges, count(*) FILTER (WHERE (low IS NULL OR number > low) AND (high IS NULL OR number < high + 0.01)) = count(*) AS all_in_them FROM (
  SELECT c.attribute, c.number, p.value, substring(p.value, 'above (-?[0-9.]+)')::numeric AS low, substring(p.value, 'to (-?[0-9.]+)')::numeric AS high
  FROM prof.cells AS c JOIN prof.fifths AS f ON f.attribute = c.attribute AND f.fifth = c.cell JOIN (SELECT DISTINCT attribute, position, value FROM pr.segment_profile) AS p ON p.attribute = c.attribute AND p.position = f.position
  WHERE c.attribute = 'income') AS x GROUP BY 1;
-- the shares of an attribute add up to 1 in each segment; text values stand by how many have them, nothing last
SELECT attribute, bool_and(abs(total - 1) < 1e-12) AS adds_up FROM (SELECT segment, attribute, sum(share) AS total FROM pr.segment_profile GROUP BY 1, 2) AS s GROUP BY 1 ORDER BY 1;
SELECT position, value, sum(customers) AS customers FROM pr.segment_profile WHERE attribute = 'city' GROUP BY 1, 2 ORDER BY 1;
SELECT segment_order, segment_label, count(*) AS rows FROM pr.segment_profile GROUP BY 1, 2 ORDER BY 1;
-- in words of their own
SELECT kind, fifth, _fifth_range(kind, cuts, fifth, 'en') AS english, _fifth_range(kind, cuts, fifth, 'fr') AS french FROM (VALUES ('whole', '{0,2,2,4.5}'::float8[]), ('number', '{-1.5,0,0.00123456,1234.5678}'), ('day', '{-366,0,0,31.4}')) AS k (kind, cuts), generate_series(1, 5) AS fifth;
SELECT _fifth_range('whole', NULL, 1, 'en') IS NULL AS no_cuts, _fifth_range('day', '{1}', NULL, 'en') IS NULL AS no_fifth;

-- small groups: what is shown is as without hiding, and of no fewer than five
SELECT count(*) > 0 AS done FROM create_model('prs', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31', time_zone => 'Asia/Tokyo',
  customers => 'prof.people', customers_key => 'customer_id', attributes => '{city,age,children,mail}', minimum_group_size => 5);
SELECT count(*) > 50 AS some_shown, count(*) < (SELECT count(*) FROM pr.segment_profile WHERE attribute IN ('city', 'age', 'children', 'mail')) AS some_hidden, min(s.customers) >= 5 AS large, count(DISTINCT s.attribute) AS attributes,
       count(*) FILTER (WHERE (s.customers, s.share, s.index, s.z, s.median, s.median_on) IS DISTINCT FROM (p.customers, p.share, p.index, p.z, p.median, p.median_on)) AS different
FROM prs.segment_profile AS s LEFT JOIN pr.segment_profile AS p ON p.segment = s.segment AND p.attribute = s.attribute AND p.value IS NOT DISTINCT FROM s.value;

-- categories: what category_by_segment says, the five that a segment prefers most
CREATE TABLE prof.lines AS SELECT 1 + (hashint8extended(e, 11) & 511)::int AS customer_id, date '2025-01-01' + (e * 7919 % 360) AS bought_on, 'category ' || chr(97 + ((hashint8extended(e, 12) & 255) / 20)::int) AS category, 10 AS price FROM generate_series(1, 5000) AS e;
SELECT count(*) > 0 AS done FROM add_stream('pr', 'lines', 'prof.lines', customer => 'customer_id', day => 'bought_on', kind => 'category', value => 'price', role => 'line');
SELECT d.* FROM differ('SELECT segment, value, position, customers, share, round(index::numeric, 6) AS index, z, median FROM pr.segment_profile WHERE attribute = ''category''', $q$SELECT segment, category, place, customers, share, round(100 * lift::numeric, 6), NULL::float8, NULL::float8
  FROM (SELECT *, row_number() OVER (PARTITION BY segment ORDER BY lift DESC, category) AS place FROM pr.category_by_segment WHERE lift > 1 AND customers >= 10) AS c WHERE place <= 5$q$) AS d;
-- none to tell: no row, and the same columns
SELECT count(*) > 0 AS altered FROM alter_model('pr', reset => '{attributes}');
SELECT array_agg(DISTINCT attribute) AS attributes FROM pr.segment_profile;
SELECT count(*) > 0 AS done FROM create_model('pre', 'orders', customer => 'customer_id', day => 'ordered_on', value => 'total', as_of => '2025-12-31');
SELECT count(*) AS nothing FROM pre.segment_profile;
SELECT count(*) > 0 AS altered FROM alter_model('pre', customers => 'prof.people', attributes => '{age}', language => 'fr');
SELECT position, value, sum(customers) AS customers FROM pre.segment_profile GROUP BY 1, 2 ORDER BY 1;
DROP VIEW prof.fifths;
DROP TABLE prof.fast, prof.slow, prof.cells, prof.cuts, prof.numbers;
SELECT item FROM drop_model('pr') UNION ALL SELECT item FROM drop_model('prs') UNION ALL SELECT item FROM drop_model('pre');
DROP SCHEMA prof CASCADE;
