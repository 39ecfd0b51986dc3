/*
 * Answers to surveys, summed up with an interval: net promoter score, share of
 * satisfied customers, effort, stars. Needs no model.
 */

CREATE TYPE @extschema@.satisfaction AS (value float8, low float8, high float8, n bigint);
COMMENT ON TYPE @extschema@.satisfaction IS
'what answers say: the value, the interval of 95 % around it, and from how many answers it is';

-- ---- from numbers of answers ----

CREATE FUNCTION @extschema@.nps(promoters bigint, passives bigint, detractors bigint)
RETURNS @extschema@.satisfaction
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'nps_of_counts';
COMMENT ON FUNCTION @extschema@.nps(bigint, bigint, bigint) IS
'net promoter score: 100 times (share of promoters - share of detractors), -100 to 100, with its interval of 95 %'
' (normal) and the number of answers; value NULL without an answer; NULL if an argument is; an error for a negative'
' one';

CREATE FUNCTION @extschema@.csat(satisfied bigint, answers bigint)
RETURNS @extschema@.satisfaction
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'csat_of_counts';
COMMENT ON FUNCTION @extschema@.csat(bigint, bigint) IS
'share of the satisfied among the answers, 0 to 1, with its interval of 95 % (Wilson) and the number of answers;'
' value NULL without an answer; NULL if an argument is; an error for a negative one, and for more satisfied than'
' answers';

CREATE FUNCTION @extschema@._mean_of_ratings(answers bigint, mean float8, variance float8, low float8, high float8)
RETURNS @extschema@.satisfaction
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mean_of_ratings';
COMMENT ON FUNCTION @extschema@._mean_of_ratings(bigint, float8, float8, float8, float8) IS
'internal: a mean of so many answers between two bounds, with its interval of 95 % (Student)';

-- ---- aggregates over answers: how often each was given, so in any order and plan the same ----

CREATE FUNCTION @extschema@._nps_transition(internal, float8) RETURNS internal
AS 'MODULE_PATHNAME', 'nps_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._nps_transition(internal, float8) IS 'internal: transition function of nps';

CREATE FUNCTION @extschema@._csat_transition(internal, float8) RETURNS internal
AS 'MODULE_PATHNAME', 'csat_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._csat_transition(internal, float8) IS 'internal: transition function of csat';

CREATE FUNCTION @extschema@._ces_transition(internal, float8) RETURNS internal
AS 'MODULE_PATHNAME', 'ces_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._ces_transition(internal, float8) IS 'internal: transition function of ces';

CREATE FUNCTION @extschema@._stars_transition(internal, float8) RETURNS internal
AS 'MODULE_PATHNAME', 'stars_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._stars_transition(internal, float8) IS 'internal: transition function of stars';

CREATE FUNCTION @extschema@._ratings_combine(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'ratings_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._ratings_combine(internal, internal) IS
'internal: combine function of the aggregates of answers';

CREATE FUNCTION @extschema@._ratings_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'ratings_serialize'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._ratings_serialize(internal) IS
'internal: serialize function of the aggregates of answers';

CREATE FUNCTION @extschema@._ratings_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'ratings_deserialize'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._ratings_deserialize(bytea, internal) IS
'internal: deserialize function of the aggregates of answers; trusts none of the bytes';

CREATE FUNCTION @extschema@._nps_final(internal) RETURNS @extschema@.satisfaction
AS 'MODULE_PATHNAME', 'nps_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._nps_final(internal) IS 'internal: final function of nps';

CREATE FUNCTION @extschema@._csat_final(internal) RETURNS @extschema@.satisfaction
AS 'MODULE_PATHNAME', 'csat_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._csat_final(internal) IS 'internal: final function of csat';

CREATE FUNCTION @extschema@._ces_final(internal) RETURNS @extschema@.satisfaction
AS 'MODULE_PATHNAME', 'ces_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._ces_final(internal) IS 'internal: final function of ces';

CREATE FUNCTION @extschema@._stars_final(internal) RETURNS @extschema@.satisfaction
AS 'MODULE_PATHNAME', 'stars_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._stars_final(internal) IS 'internal: final function of stars';

CREATE AGGREGATE @extschema@.nps(rating float8) (
	SFUNC = @extschema@._nps_transition, STYPE = internal, SSPACE = 128,
	FINALFUNC = @extschema@._nps_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = @extschema@._ratings_combine, SERIALFUNC = @extschema@._ratings_serialize,
	DESERIALFUNC = @extschema@._ratings_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.nps(float8) IS
'net promoter score of answers from 0 to 10: 100 times (share of 9 and 10 - share of 0 to 6), with its interval of'
' 95 % (normal) and the number of answers; NULLs are ignored; value NULL without an answer; an error for a rating that'
' is not on the scale';

CREATE AGGREGATE @extschema@.csat(rating float8) (
	SFUNC = @extschema@._csat_transition, STYPE = internal, SSPACE = 128,
	FINALFUNC = @extschema@._csat_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = @extschema@._ratings_combine, SERIALFUNC = @extschema@._ratings_serialize,
	DESERIALFUNC = @extschema@._ratings_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.csat(float8) IS
'satisfaction of answers from 1 to 5: the share of 4 and 5, 0 to 1, with its interval of 95 % (Wilson) and the number'
' of answers; NULLs are ignored; value NULL without an answer; an error for a rating that is not on the scale';

CREATE AGGREGATE @extschema@.ces(rating float8) (
	SFUNC = @extschema@._ces_transition, STYPE = internal, SSPACE = 128,
	FINALFUNC = @extschema@._ces_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = @extschema@._ratings_combine, SERIALFUNC = @extschema@._ratings_serialize,
	DESERIALFUNC = @extschema@._ratings_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.ces(float8) IS
'customer effort score of answers from 1 (very hard) to 7 (very easy): the mean, with its interval of 95 % (Student)'
' and the number of answers; no interval of fewer than two; NULLs are ignored; value NULL without an answer; an error'
' for a rating that is not on the scale';

CREATE AGGREGATE @extschema@.stars(rating float8) (
	SFUNC = @extschema@._stars_transition, STYPE = internal, SSPACE = 128,
	FINALFUNC = @extschema@._stars_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = @extschema@._ratings_combine, SERIALFUNC = @extschema@._ratings_serialize,
	DESERIALFUNC = @extschema@._ratings_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.stars(float8) IS
'mean of answers from 1 to 5 stars, with its interval of 95 % (Student) and the number of answers; no interval of fewer'
' than two; NULLs are ignored; value NULL without an answer; an error for a rating that is not on the scale; csat() of'
' the same answers is the share of 4 and 5';
