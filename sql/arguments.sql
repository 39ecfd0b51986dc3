--
-- Arguments as people write them at first: a moment where a day is asked for,
-- and a customer's number where the key is text. The first gets an error that
-- says what to write, in place of "function ... does not exist ... add explicit
-- type casts": the cast that comes to mind, to date, takes the session's time
-- zone. The second is what it means.
--
-- These forms must not stand in the way of the others: no call that has worked
-- without them may become ambiguous, with literals and NULL of no type least of
-- all. A literal goes to text where a form takes text, so numbers are safe. For
-- moments the arguments are domains, which are exact for nobody and preferred
-- for nothing: a typed argument then finds the true form exactly, and literals
-- find it through another argument whose type is preferred in its category:
-- text, double precision, or history, which therefore is in its own.
--

CREATE DOMAIN @extschema@.argument_moment AS timestamptz;
COMMENT ON DOMAIN @extschema@.argument_moment IS
	'internal: a timestamp given where a day is asked for; the forms that take it say what to give';
CREATE DOMAIN @extschema@.argument_number AS float8;
COMMENT ON DOMAIN @extschema@.argument_number IS 'internal: a number beside a timestamp given where a day is asked for';
CREATE DOMAIN @extschema@.argument_text AS text;
COMMENT ON DOMAIN @extschema@.argument_text IS 'internal: a text beside a timestamp given where a day is asked for';
CREATE DOMAIN @extschema@.argument_history AS @extschema@.history;
COMMENT ON DOMAIN @extschema@.argument_history IS
	'internal: a history beside a timestamp given where a day is asked for';

/* ---- a moment for a day ---- */

CREATE FUNCTION @extschema@._history_agg_of_moments(state internal, day @extschema@.argument_moment,
	value @extschema@.argument_number)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_day';
COMMENT ON FUNCTION @extschema@._history_agg_of_moments(internal, @extschema@.argument_moment,
	@extschema@.argument_number) IS
	'internal: says that a timestamp is no day';

CREATE FUNCTION @extschema@._history_agg_of_moments(state internal, day @extschema@.argument_moment,
	value @extschema@.argument_number, counts bool)
	RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_day';
COMMENT ON FUNCTION @extschema@._history_agg_of_moments(internal, @extschema@.argument_moment,
	@extschema@.argument_number, bool) IS
	'internal: says that a timestamp is no day';

-- of no rows, too
CREATE FUNCTION @extschema@._history_agg_of_moments(state internal)
	RETURNS @extschema@.history
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_day';
COMMENT ON FUNCTION @extschema@._history_agg_of_moments(internal) IS 'internal: says that a timestamp is no day';

CREATE AGGREGATE @extschema@.history_agg(day @extschema@.argument_moment, value @extschema@.argument_number) (
	SFUNC = @extschema@._history_agg_of_moments,
	STYPE = internal,
	FINALFUNC = @extschema@._history_agg_of_moments,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE @extschema@.history_agg(@extschema@.argument_moment, @extschema@.argument_number) IS
	'an error that says how to make a day of a timestamp';

CREATE AGGREGATE @extschema@.history_agg(day @extschema@.argument_moment,
	value @extschema@.argument_number, counts bool) (
	SFUNC = @extschema@._history_agg_of_moments,
	STYPE = internal,
	FINALFUNC = @extschema@._history_agg_of_moments,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE @extschema@.history_agg(@extschema@.argument_moment, @extschema@.argument_number, bool) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.first_day(history @extschema@.argument_history, as_of @extschema@.argument_moment)
	RETURNS date
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.first_day(@extschema@.argument_history, @extschema@.argument_moment) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.last_day(history @extschema@.argument_history, as_of @extschema@.argument_moment)
	RETURNS date
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.last_day(@extschema@.argument_history, @extschema@.argument_moment) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.recency(history @extschema@.argument_history, as_of @extschema@.argument_moment)
	RETURNS int
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.recency(@extschema@.argument_history, @extschema@.argument_moment) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.tenure(history @extschema@.argument_history, as_of @extschema@.argument_moment)
	RETURNS int
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.tenure(@extschema@.argument_history, @extschema@.argument_moment) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.frequency(history @extschema@.argument_history, as_of @extschema@.argument_moment,
	window_days int DEFAULT NULL)
	RETURNS bigint
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.frequency(@extschema@.argument_history, @extschema@.argument_moment, int) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.active_days(history @extschema@.argument_history, as_of @extschema@.argument_moment,
	window_days int DEFAULT NULL)
	RETURNS int
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.active_days(@extschema@.argument_history, @extschema@.argument_moment, int) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.monetary(history @extschema@.argument_history, as_of @extschema@.argument_moment,
	window_days int DEFAULT NULL)
	RETURNS numeric
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.monetary(@extschema@.argument_history, @extschema@.argument_moment, int) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.mean_value(history @extschema@.argument_history, as_of @extschema@.argument_moment,
	window_days int DEFAULT NULL)
	RETURNS numeric
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.mean_value(@extschema@.argument_history, @extschema@.argument_moment, int) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.mean_gap(history @extschema@.argument_history, as_of @extschema@.argument_moment)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.mean_gap(@extschema@.argument_history, @extschema@.argument_moment) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.silence_ratio(history @extschema@.argument_history, as_of @extschema@.argument_moment)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.silence_ratio(@extschema@.argument_history, @extschema@.argument_moment) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.trend(history @extschema@.argument_history, as_of @extschema@.argument_moment,
	window_days int)
	RETURNS bigint
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.trend(@extschema@.argument_history, @extschema@.argument_moment, int) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.decayed_sum(history @extschema@.argument_history, as_of @extschema@.argument_moment,
	half_life_days float8)
	RETURNS float8
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.decayed_sum(@extschema@.argument_history, @extschema@.argument_moment, float8) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.score_customers(source @extschema@.argument_text, as_of @extschema@.argument_moment,
	bins int DEFAULT 5, segment_map text DEFAULT 'essential', window_days int DEFAULT NULL,
	monetary text DEFAULT 'total', frequency text DEFAULT 'events',
	recency_thresholds float8[] DEFAULT NULL, frequency_thresholds float8[] DEFAULT NULL,
	monetary_thresholds float8[] DEFAULT NULL,
	weights float8[] DEFAULT '{1,1,1}', time_zone text DEFAULT NULL)
	RETURNS TABLE (customer_id text, recency_days int, frequency bigint, monetary numeric,
		mean_value numeric, tenure_days int, r_score int, f_score int, m_score int,
		rfm_code text, rfm_score float8, segment text)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.score_customers(@extschema@.argument_text, @extschema@.argument_moment, int, text, int,
	text, text, float8[], float8[], float8[], float8[], text) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.score_customers(source @extschema@.argument_text, id anyelement,
	as_of @extschema@.argument_moment,
	bins int DEFAULT 5, segment_map text DEFAULT 'essential', window_days int DEFAULT NULL,
	monetary text DEFAULT 'total', frequency text DEFAULT 'events',
	recency_thresholds float8[] DEFAULT NULL, frequency_thresholds float8[] DEFAULT NULL,
	monetary_thresholds float8[] DEFAULT NULL,
	weights float8[] DEFAULT '{1,1,1}', time_zone text DEFAULT NULL)
	RETURNS TABLE (customer_id anyelement, recency_days int, frequency bigint, monetary numeric,
		mean_value numeric, tenure_days int, r_score int, f_score int, m_score int,
		rfm_code text, rfm_score float8, segment text)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.score_customers(@extschema@.argument_text, anyelement, @extschema@.argument_moment, int,
	text, int, text, text, float8[], float8[], float8[], float8[], text) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.btyd(history @extschema@.argument_history, as_of @extschema@.argument_moment,
	unit_days int DEFAULT 7,
	OUT x int, OUT t_x float8, OUT t float8, OUT m float8)
	RETURNS record
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.btyd(@extschema@.argument_history, @extschema@.argument_moment, int) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.explain_score(model @extschema@.argument_text, customer text,
	as_of @extschema@.argument_moment,
	audience text DEFAULT 'manager', language text DEFAULT NULL)
	RETURNS TABLE ("position" int, topic text, value text, explanation text, score int, weight float8,
		contribution float8, last_day date)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.explain_score(@extschema@.argument_text, text,
	@extschema@.argument_moment, text, text) IS
	'an error that says how to make a day of a timestamp';

CREATE FUNCTION @extschema@.near_misses(model @extschema@.argument_text, segment text, amount numeric DEFAULT NULL,
	as_of @extschema@.argument_moment DEFAULT NULL, language text DEFAULT NULL)
	RETURNS SETOF @extschema@.near_miss
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'refuse_moment_for_as_of';
COMMENT ON FUNCTION @extschema@.near_misses(@extschema@.argument_text, text, numeric,
	@extschema@.argument_moment, text) IS
	'an error that says how to make a day of a timestamp';

/* ---- a number for a customer ---- */

CREATE FUNCTION @extschema@.explain_score(model text, customer numeric, as_of date DEFAULT NULL,
	audience text DEFAULT 'manager', language text DEFAULT NULL)
	RETURNS TABLE ("position" int, topic text, value text, explanation text, score int, weight float8,
		contribution float8, last_day date)
	LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
	SELECT e.* FROM @extschema@.explain_score(explain_score.model, explain_score.customer::pg_catalog.text,
		explain_score.as_of, explain_score.audience, explain_score.language) AS e;
END;
COMMENT ON FUNCTION @extschema@.explain_score(text, numeric, date, text, text) IS
	'the same of a customer whose key is a number';

CREATE FUNCTION @extschema@.override_segment(model text, customer numeric, segment text, reason text,
	until date DEFAULT NULL)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT o.* FROM @extschema@.override_segment(override_segment.model, override_segment.customer::pg_catalog.text,
		override_segment.segment, override_segment.reason, override_segment.until) AS o;
END;
COMMENT ON FUNCTION @extschema@.override_segment(text, numeric, text, text, date) IS
	'the same of a customer whose key is a number';

CREATE FUNCTION @extschema@.clear_override(model text, customer numeric)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT o.* FROM @extschema@.clear_override(clear_override.model, clear_override.customer::pg_catalog.text) AS o;
END;
COMMENT ON FUNCTION @extschema@.clear_override(text, numeric) IS
	'the same of a customer whose key is a number';

CREATE FUNCTION @extschema@.forget_customer(model text, customer numeric)
	RETURNS TABLE (object text, erased bigint, note text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT o.* FROM @extschema@.forget_customer(forget_customer.model, forget_customer.customer::pg_catalog.text) AS o;
END;
COMMENT ON FUNCTION @extschema@.forget_customer(text, numeric) IS
	'the same of a customer whose key is a number';

CREATE FUNCTION @extschema@.allow_customer(model text, customer numeric)
	RETURNS TABLE (item text, detail text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT o.* FROM @extschema@.allow_customer(allow_customer.model, allow_customer.customer::pg_catalog.text) AS o;
END;
COMMENT ON FUNCTION @extschema@.allow_customer(text, numeric) IS
	'the same of a customer whose key is a number';

CREATE FUNCTION @extschema@.erasure_report(model text, customer numeric)
	RETURNS TABLE (object text, kind text, found bigint)
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT o.* FROM @extschema@.erasure_report(erasure_report.model, erasure_report.customer::pg_catalog.text) AS o;
END;
COMMENT ON FUNCTION @extschema@.erasure_report(text, numeric) IS
	'the same of a customer whose key is a number';

CREATE FUNCTION @extschema@.export_customer(model text, customer numeric)
	RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT @extschema@.export_customer(export_customer.model, export_customer.customer::pg_catalog.text);
END;
COMMENT ON FUNCTION @extschema@.export_customer(text, numeric) IS
	'the same of a customer whose key is a number';
