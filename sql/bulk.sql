/*
 * Layer 3b: the whole job in one scan of the source.
 *
 * These run the caller's query with the caller's rights and snapshot: they are
 * not parallel safe. They are not strict, because most arguments may be NULL.
 */

CREATE FUNCTION @extschema@.histories(source text, id anyelement, time_zone text DEFAULT NULL)
	RETURNS TABLE (customer_id anyelement, history @extschema@.history)
	LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 100000
	AS 'MODULE_PATHNAME', 'histories';
COMMENT ON FUNCTION @extschema@.histories(text, anyelement, text) IS
	'the history of every customer of a table or query of customer, day, value, or of customer, history, which are '
	'added up; id says the type of customer: NULL::int; rows with a NULL are left out; time_zone NULL: days are of '
	'type date; an error for a row that cannot be converted, or if source is NULL';

-- For programs: no NOTICE about rows left out, but a last row with the counts.
CREATE FUNCTION @extschema@.source_histories(source text, id anyelement, time_zone text DEFAULT NULL,
	keep_going boolean DEFAULT false)
	RETURNS TABLE (customer_id anyelement, history @extschema@.history, rows_read bigint,
		no_customer bigint, no_day bigint, no_value bigint, unconvertible bigint)
	LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 100000
	AS 'MODULE_PATHNAME', 'source_histories';
COMMENT ON FUNCTION @extschema@.source_histories(text, anyelement, text, boolean) IS
	'histories, and as last row, with customer_id and history NULL, how many rows were read and left out; '
	'keep_going: rows that cannot be converted are left out too, and a customer with a total out of range has a NULL '
	'history';

CREATE FUNCTION @extschema@.score_customers(source text, as_of date,
	bins int DEFAULT 5, segment_map text DEFAULT 'essential', window_days int DEFAULT NULL,
	monetary text DEFAULT 'total', frequency text DEFAULT 'events',
	recency_thresholds float8[] DEFAULT NULL, frequency_thresholds float8[] DEFAULT NULL,
	monetary_thresholds float8[] DEFAULT NULL,
	weights float8[] DEFAULT '{1,1,1}', time_zone text DEFAULT NULL)
	RETURNS TABLE (customer_id text, recency_days int, frequency bigint, monetary numeric,
		mean_value numeric, tenure_days int, r_score int, f_score int, m_score int,
		rfm_code text, rfm_score float8, segment text)
	LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 100000
	AS 'MODULE_PATHNAME', 'score_customers';
COMMENT ON FUNCTION @extschema@.score_customers(text, date, int, text, int, text, text, float8[], float8[], float8[],
	float8[], text) IS
	'every customer of a query of customer, day, value, or of customer, history, scored and segmented as of a day; '
	'customers are shown as text; recency and tenure are in days, money in the unit of the values; thresholds NULL: '
	'the usual ones; {}: quantiles; segment_map NULL: no segments; an error if source or as_of is NULL';

CREATE FUNCTION @extschema@.score_customers(source text, id anyelement, as_of date,
	bins int DEFAULT 5, segment_map text DEFAULT 'essential', window_days int DEFAULT NULL,
	monetary text DEFAULT 'total', frequency text DEFAULT 'events',
	recency_thresholds float8[] DEFAULT NULL, frequency_thresholds float8[] DEFAULT NULL,
	monetary_thresholds float8[] DEFAULT NULL,
	weights float8[] DEFAULT '{1,1,1}', time_zone text DEFAULT NULL)
	RETURNS TABLE (customer_id anyelement, recency_days int, frequency bigint, monetary numeric,
		mean_value numeric, tenure_days int, r_score int, f_score int, m_score int,
		rfm_code text, rfm_score float8, segment text)
	LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 100000
	AS 'MODULE_PATHNAME', 'score_customers_typed';
COMMENT ON FUNCTION @extschema@.score_customers(text, anyelement, date, int, text, int, text, text, float8[], float8[],
	float8[], float8[], text) IS
	'every customer of a query of customer, day, value, or of customer, history, scored and segmented as of a day; '
	'id says the type of customer: NULL::int; the rest as above';
