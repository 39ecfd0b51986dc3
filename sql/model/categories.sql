--
-- Layer 4: categories of products. The kinds of a stream are categories if all of them
-- have one and the same role: order lines, baskets or views. What is said of all
-- customers, the share of each category and percentiles of interest, is taken when
-- a model is calibrated and stands in the table calibration; the rest is a
-- function of what a customer did.
--

CREATE TYPE @extschema@._categories AS (taken_on date, names text[], keys int[], numbers int[], weights int[],
	shares float8[]);
COMMENT ON TYPE @extschema@._categories IS
	'internal: the categories of a model: their names in the order of bytes; for each kind its key '
	'(1024 * stream + kind), its category (0 is the first) and the weight of an event; the share of each category in '
	'all that customers do, as of a day';

-- The streams whose kinds are categories, and what an event of them weighs.
CREATE FUNCTION @extschema@._category_streams(settings jsonb)
	RETURNS TABLE (stream_no int, weight int)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT s.stream_no, w.weight
	  FROM @extschema@._streams(settings) AS s
	  JOIN (VALUES ('line', 10), ('basket', 3), ('view', 1)) AS w (role, weight)
		ON w.role OPERATOR(pg_catalog.=) (s.row_settings OPERATOR(pg_catalog.->>) 'role')
	   AND s.row_settings OPERATOR(pg_catalog.->>) 'kind' IS NOT NULL;
END;
COMMENT ON FUNCTION @extschema@._category_streams(jsonb) IS
	'internal: the streams of a model whose kinds are categories of products';

CREATE FUNCTION @extschema@._has_categories(settings jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT EXISTS (SELECT 1 FROM @extschema@._category_streams(settings));
END;
COMMENT ON FUNCTION @extschema@._has_categories(jsonb) IS 'internal: has a model categories of products?';

-- A large value of a table, read once: it would be looked up and decompressed again for each row
-- that it is joined to.
CREATE FUNCTION @extschema@._plain(value anyelement)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'plain_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._plain(anyelement) IS 'internal: a value as it is, in memory';

CREATE FUNCTION @extschema@._customer_categories(categories @extschema@._categories, thresholds float8[],
	streams @extschema@.stream_histories, as_of date,
	OUT category text, OUT orders bigint, OUT events bigint, OUT revenue numeric, OUT last_on date,
	OUT share float8, OUT lift float8, OUT appetence int, OUT rank int,
	OUT weight float8, OUT recent float8, OUT before float8, OUT bought boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'customer_categories'
	LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION @extschema@._customer_categories(@extschema@._categories, float8[], @extschema@.stream_histories,
	date) IS
	'internal: a row for each category of which a customer has an event on or before as_of: weight is the interest, '
	'of events half of which is left after 180 days; recent and before are that of 90 days and of the 90 days before, '
	'without decay; bought: has one of them an order line?';

CREATE FUNCTION @extschema@._preferred_category(categories @extschema@._categories,
	streams @extschema@.stream_histories, as_of date)
	RETURNS text
	AS 'MODULE_PATHNAME', 'preferred_category'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._preferred_category(@extschema@._categories, @extschema@.stream_histories, date) IS
	'internal: the category with the highest share of those with two events at least and a lift above 1';

CREATE FUNCTION @extschema@._preferred_category_reason(categories @extschema@._categories,
	streams @extschema@.stream_histories, as_of date)
	RETURNS text
	AS 'MODULE_PATHNAME', 'preferred_category_reason'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._preferred_category_reason(@extschema@._categories, @extschema@.stream_histories,
	date) IS
	'internal: why a customer prefers no category: no_event or no_preference; NULL: they prefer one';

-- The columns that categories add to customer_scores. An attribute of the name takes the
-- place of one.
CREATE FUNCTION @extschema@._category_columns(settings jsonb)
	RETURNS TABLE (name text, type text, condition text, expression text, meaning text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT c.name, 'text', c.condition, c.expression, c.meaning
	  FROM (VALUES
		(1, 'preferred_category', 'string', '@extschema@._preferred_category(q.categories, h.streams, q.as_of)',
			'the category with the highest share of those with two events at least and a lift above 1'),
		(2, 'preferred_category_reason', NULL,
			'@extschema@._preferred_category_reason(q.categories, h.streams, q.as_of)',
			'why there is no preferred_category: no_event (of any category), no_preference'))
		AS c ("position", name, condition, expression, meaning)
	 WHERE @extschema@._has_categories(settings)
	   AND c.name OPERATOR(pg_catalog.<>) ALL (@extschema@._model_attributes(settings))
	 ORDER BY c.position;
END;
COMMENT ON FUNCTION @extschema@._category_columns(jsonb) IS
	'internal: the columns of customer_scores about categories of products';

-- What a calibration k says of categories, as items of SELECT.
CREATE FUNCTION @extschema@._category_question(settings jsonb)
	RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN @extschema@._has_streams(settings) THEN
		', CASE WHEN k.category_names IS NOT NULL THEN ROW(k.categories_on, k.category_names, k.category_keys,'
		' k.category_numbers, k.category_weights, k.category_shares)::@extschema@._categories END AS categories,'
		' @extschema@._plain(k.appetence_thresholds) AS appetence_thresholds' ELSE '' END;
END;
COMMENT ON FUNCTION @extschema@._category_question(jsonb) IS
	'internal: what the question says of categories, as items of SELECT';

-- ---- what many customers did ----

CREATE TYPE @extschema@._category_sums AS (customers bigint[], weight float8[], recent float8[], before float8[]);
COMMENT ON TYPE @extschema@._category_sums IS
	'internal: for each category the number of customers with an event of it and the sums of their interest, of 90 '
	'days and of the 90 days before';

CREATE FUNCTION @extschema@._category_sums_transition(state internal, categories @extschema@._categories,
	streams @extschema@.stream_histories, as_of date)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'category_sums_transition'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._category_sums_transition(internal, @extschema@._categories,
	@extschema@.stream_histories, date) IS
	'part of aggregate _category_sums';

CREATE FUNCTION @extschema@._category_sums_combine(state internal, other internal)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'category_sums_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._category_sums_combine(internal, internal) IS
	'part of aggregate _category_sums';

CREATE FUNCTION @extschema@._category_sums_serialize(state internal)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'category_sums_serialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._category_sums_serialize(internal) IS
	'part of aggregate _category_sums';

CREATE FUNCTION @extschema@._category_sums_deserialize(bytes bytea, unused internal)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'category_sums_deserialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._category_sums_deserialize(bytea, internal) IS
	'part of aggregate _category_sums';

CREATE FUNCTION @extschema@._category_sums_final(state internal)
	RETURNS @extschema@._category_sums
	AS 'MODULE_PATHNAME', 'category_sums_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._category_sums_final(internal) IS
	'part of aggregate _category_sums';

CREATE AGGREGATE @extschema@._category_sums(categories @extschema@._categories, streams @extschema@.stream_histories,
	as_of date) (
	SFUNC = @extschema@._category_sums_transition, STYPE = internal, SSPACE = 16384,
	COMBINEFUNC = @extschema@._category_sums_combine, SERIALFUNC = @extschema@._category_sums_serialize,
	DESERIALFUNC = @extschema@._category_sums_deserialize, FINALFUNC = @extschema@._category_sums_final,
	FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@._category_sums(@extschema@._categories, @extschema@.stream_histories, date) IS
	'internal: what customers did of each category, added up; in the order of the categories'' names';

-- ---- pairs and steps ----

CREATE FUNCTION @extschema@._category_pairs_add(counts bigint[], categories @extschema@._categories,
	streams @extschema@.stream_histories, as_of date)
	RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'category_pairs_add'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._category_pairs_add(bigint[], @extschema@._categories, @extschema@.stream_histories,
	date) IS 'internal: transition function of _category_pairs';

CREATE FUNCTION @extschema@._category_counts_combine(counts bigint[], others bigint[])
	RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'category_counts_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._category_counts_combine(bigint[], bigint[]) IS
	'internal: combine function of _category_pairs and _category_steps';

CREATE AGGREGATE @extschema@._category_pairs(categories @extschema@._categories, streams @extschema@.stream_histories,
	as_of date) (
	SFUNC = @extschema@._category_pairs_add, STYPE = bigint[], SSPACE = 16384,
	COMBINEFUNC = @extschema@._category_counts_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@._category_pairs(@extschema@._categories, @extschema@.stream_histories, date) IS
	'internal: number of customers who have bought of any category, then of those who have bought both of two, by '
	'rows, where the first is not above the second; in a model without order lines: those with an event';

CREATE FUNCTION @extschema@._category_steps_add(counts bigint[], categories @extschema@._categories,
	streams @extschema@.stream_histories, as_of date, "from" int[])
	RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'category_steps_add'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._category_steps_add(bigint[], @extschema@._categories, @extschema@.stream_histories,
	date, int[]) IS 'internal: transition function of _category_steps';

CREATE AGGREGATE @extschema@._category_steps(categories @extschema@._categories, streams @extschema@.stream_histories,
	as_of date, "from" int[]) (
	SFUNC = @extschema@._category_steps_add, STYPE = bigint[], SSPACE = 1024,
	COMBINEFUNC = @extschema@._category_counts_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@._category_steps(@extschema@._categories, @extschema@.stream_histories, date, int[]) IS
	'internal: how often a day with one of these categories had a next one, how often each category came on that, '
	'and with how many customers it did';

CREATE FUNCTION @extschema@._category_last(categories @extschema@._categories, streams @extschema@.stream_histories,
	as_of date)
	RETURNS int[]
	AS 'MODULE_PATHNAME', 'category_last'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._category_last(@extschema@._categories, @extschema@.stream_histories, date) IS
	'internal: the categories of a customer''s last day with an order line, by number, 1 is the first; NULL: there is '
	'no such day';
