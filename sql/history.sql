/*
 * Layer 1: history, one customer's days with their events and totals.
 */

CREATE TYPE @extschema@.history;
COMMENT ON TYPE @extschema@.history IS
  'One customer''s daily history of a stream of events: day:events:total, packed';

-- ---- the type ----

CREATE FUNCTION @extschema@.history_in(cstring) RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_in'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_in(cstring) IS
  'Text input: {2025-01-03:1:19.90,2025-02-11:2:45.00}';

CREATE FUNCTION @extschema@.history_out(@extschema@.history) RETURNS pg_catalog.cstring
  AS 'MODULE_PATHNAME', 'history_out'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_out(@extschema@.history) IS
  'Text output, days ascending, in ISO form';

CREATE FUNCTION @extschema@.history_recv(internal) RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_recv'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_recv(internal) IS
  'Binary input; refuses anything but the canonical form';

CREATE FUNCTION @extschema@.history_send(@extschema@.history) RETURNS pg_catalog.bytea
  AS 'MODULE_PATHNAME', 'history_send'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_send(@extschema@.history) IS
  'Binary output: the packed form';

CREATE TYPE @extschema@.history (
  INPUT = @extschema@.history_in,
  OUTPUT = @extschema@.history_out,
  RECEIVE = @extschema@.history_recv,
  SEND = @extschema@.history_send,
  INTERNALLENGTH = VARIABLE,
  STORAGE = extended,
  -- preferred to domains over it, which are in forms that explain an error (sql/arguments.sql)
  CATEGORY = 'h',
  PREFERRED = true
);

CREATE FUNCTION @extschema@.history(day pg_catalog.date, value pg_catalog.numeric, counts pg_catalog.bool DEFAULT NULL)
  RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_of_row'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history(pg_catalog.date, pg_catalog.numeric, pg_catalog.bool) IS
  'The history of one row: an event, or a correction (counts; NULL: an event if value >= 0); NULL where day or value '
  'is NULL; an error beyond 9 decimals of numeric or 18 digits';

-- ---- the group: histories add and subtract exactly ----

CREATE FUNCTION @extschema@.history_pl(@extschema@.history, @extschema@.history) RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_pl'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_pl(@extschema@.history, @extschema@.history) IS
  'Sum of two histories (operator +)';

CREATE FUNCTION @extschema@.history_mi(@extschema@.history, @extschema@.history) RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_mi'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_mi(@extschema@.history, @extschema@.history) IS
  'Difference of two histories (operator -)';

CREATE FUNCTION @extschema@.history_um(@extschema@.history) RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_um'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_um(@extschema@.history) IS
  'Negative of a history (unary operator -)';

CREATE OPERATOR @extschema@.+ (
  FUNCTION = @extschema@.history_pl, LEFTARG = @extschema@.history, RIGHTARG = @extschema@.history,
  COMMUTATOR = OPERATOR(@extschema@.+)
);
COMMENT ON OPERATOR @extschema@.+ (@extschema@.history, @extschema@.history) IS 'Sum of two histories, day by day';

CREATE OPERATOR @extschema@.- (
  FUNCTION = @extschema@.history_mi, LEFTARG = @extschema@.history, RIGHTARG = @extschema@.history
);
COMMENT ON OPERATOR @extschema@.- (@extschema@.history, @extschema@.history) IS
  'Difference of two histories, day by day; a - a = ''{}''';

CREATE OPERATOR @extschema@.- (
  FUNCTION = @extschema@.history_um, RIGHTARG = @extschema@.history
);
COMMENT ON OPERATOR @extschema@.- (NONE, @extschema@.history) IS 'Negative of a history: negative counts and totals';

-- ---- comparison: by the packed bytes, which are canonical ----

CREATE FUNCTION @extschema@.history_lt(@extschema@.history, @extschema@.history) RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_lt'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_lt(@extschema@.history, @extschema@.history) IS
  'Less than (operator <)';

CREATE FUNCTION @extschema@.history_le(@extschema@.history, @extschema@.history) RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_le'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_le(@extschema@.history, @extschema@.history) IS
  'Less than or equal (operator <=)';

CREATE FUNCTION @extschema@.history_eq(@extschema@.history, @extschema@.history) RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_eq'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_eq(@extschema@.history, @extschema@.history) IS
  'Equal (operator =)';

CREATE FUNCTION @extschema@.history_ne(@extschema@.history, @extschema@.history) RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_ne'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_ne(@extschema@.history, @extschema@.history) IS
  'Not equal (operator <>)';

CREATE FUNCTION @extschema@.history_ge(@extschema@.history, @extschema@.history) RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_ge'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_ge(@extschema@.history, @extschema@.history) IS
  'Greater than or equal (operator >=)';

CREATE FUNCTION @extschema@.history_gt(@extschema@.history, @extschema@.history) RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_gt'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_gt(@extschema@.history, @extschema@.history) IS
  'Greater than (operator >)';

CREATE FUNCTION @extschema@.history_cmp(@extschema@.history, @extschema@.history) RETURNS pg_catalog.int4
  AS 'MODULE_PATHNAME', 'history_cmp'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_cmp(@extschema@.history, @extschema@.history) IS
  'Three-way comparison for btree: any order will do, as long as it is total';

CREATE FUNCTION @extschema@.history_hash(@extschema@.history) RETURNS pg_catalog.int4
  AS 'MODULE_PATHNAME', 'history_hash'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_hash(@extschema@.history) IS
  'Hash value';

CREATE FUNCTION @extschema@.history_hash_extended(@extschema@.history, pg_catalog.int8) RETURNS pg_catalog.int8
  AS 'MODULE_PATHNAME', 'history_hash_extended'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_hash_extended(@extschema@.history, pg_catalog.int8) IS
  'Hash value with a seed';

CREATE OPERATOR @extschema@.< (
  FUNCTION = @extschema@.history_lt, LEFTARG = @extschema@.history, RIGHTARG = @extschema@.history,
  COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=),
  RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR @extschema@.< (@extschema@.history, @extschema@.history) IS 'Less than';

CREATE OPERATOR @extschema@.<= (
  FUNCTION = @extschema@.history_le, LEFTARG = @extschema@.history, RIGHTARG = @extschema@.history,
  COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>),
  RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR @extschema@.<= (@extschema@.history, @extschema@.history) IS 'Less than or equal';

CREATE OPERATOR @extschema@.= (
  FUNCTION = @extschema@.history_eq, LEFTARG = @extschema@.history, RIGHTARG = @extschema@.history,
  COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>),
  RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR @extschema@.= (@extschema@.history, @extschema@.history) IS 'Equal';

CREATE OPERATOR @extschema@.<> (
  FUNCTION = @extschema@.history_ne, LEFTARG = @extschema@.history, RIGHTARG = @extschema@.history,
  COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=),
  RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<> (@extschema@.history, @extschema@.history) IS 'Not equal';

CREATE OPERATOR @extschema@.>= (
  FUNCTION = @extschema@.history_ge, LEFTARG = @extschema@.history, RIGHTARG = @extschema@.history,
  COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<),
  RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR @extschema@.>= (@extschema@.history, @extschema@.history) IS 'Greater than or equal';

CREATE OPERATOR @extschema@.> (
  FUNCTION = @extschema@.history_gt, LEFTARG = @extschema@.history, RIGHTARG = @extschema@.history,
  COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=),
  RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.> (@extschema@.history, @extschema@.history) IS 'Greater than';

CREATE OPERATOR CLASS @extschema@.history_btree_ops DEFAULT FOR TYPE @extschema@.history USING btree AS
  OPERATOR 1 @extschema@.<, OPERATOR 2 @extschema@.<=, OPERATOR 3 @extschema@.=,
  OPERATOR 4 @extschema@.>=, OPERATOR 5 @extschema@.>,
  FUNCTION 1 @extschema@.history_cmp(@extschema@.history, @extschema@.history);
COMMENT ON OPERATOR CLASS @extschema@.history_btree_ops USING btree IS
  'Sorts histories, so that DISTINCT, UNION and concurrent refresh of materialized views work';

CREATE OPERATOR CLASS @extschema@.history_hash_ops DEFAULT FOR TYPE @extschema@.history USING hash AS
  OPERATOR 1 @extschema@.=,
  FUNCTION 1 @extschema@.history_hash(@extschema@.history),
  FUNCTION 2 @extschema@.history_hash_extended(@extschema@.history, pg_catalog.int8);
COMMENT ON OPERATOR CLASS @extschema@.history_hash_ops USING hash IS
  'Hashes histories, so that DISTINCT, EXCEPT and hash joins work';

-- ---- history_agg: from rows ----
--
-- The state is a log in one chunk of memory; SSPACE tells the planner how
-- small it is, since otherwise it would assume 8 kB a group. The final
-- function may sort the log in place: the same value, the same chunk, which
-- READ_ONLY allows.

CREATE FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.numeric) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.numeric) IS
  'Adds a row to the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.numeric) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_remove'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.numeric) IS
  'Removes a row from the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.numeric, pg_catalog.bool)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.numeric, pg_catalog.bool) IS
  'Adds a row to the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.numeric, pg_catalog.bool)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_remove'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.numeric, pg_catalog.bool) IS
  'Removes a row from the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.float8) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.float8) IS
  'Adds a row to the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.float8) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_remove'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.float8) IS
  'Removes a row from the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.float8, pg_catalog.bool)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.float8, pg_catalog.bool) IS
  'Adds a row to the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.float8, pg_catalog.bool)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_remove'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.float8, pg_catalog.bool) IS
  'Removes a row from the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.float4) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.float4) IS
  'Adds a row to the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.float4) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_remove'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.float4) IS
  'Removes a row from the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.float4, pg_catalog.bool)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.float4, pg_catalog.bool) IS
  'Adds a row to the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.float4, pg_catalog.bool)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_remove'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.float4, pg_catalog.bool) IS
  'Removes a row from the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.int8) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.int8) IS
  'Adds a row to the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.int8) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_remove'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.int8) IS
  'Removes a row from the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.int8, pg_catalog.bool)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_add(internal, pg_catalog.date, pg_catalog.int8, pg_catalog.bool) IS
  'Adds a row to the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.int8, pg_catalog.bool)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_remove'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_remove(internal, pg_catalog.date, pg_catalog.int8, pg_catalog.bool) IS
  'Removes a row from the state of history_agg';

CREATE FUNCTION @extschema@.history_agg_combine(internal, internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_combine'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_combine(internal, internal) IS
  'Merges two states of history_agg';

CREATE FUNCTION @extschema@._history_agg_serialize(internal) RETURNS pg_catalog.bytea
  AS 'MODULE_PATHNAME', 'history_agg_serialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._history_agg_serialize(internal) IS
  'part of aggregate history_agg: the state of history_agg as bytes: the packed history';

CREATE FUNCTION @extschema@._history_agg_deserialize(pg_catalog.bytea, internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_agg_deserialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._history_agg_deserialize(pg_catalog.bytea, internal) IS
  'part of aggregate history_agg: the state of history_agg from bytes; trusts none of them';

CREATE FUNCTION @extschema@.history_agg_final(internal) RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_agg_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_agg_final(internal) IS
  'The history that the state of history_agg holds';

CREATE AGGREGATE @extschema@.history_agg(day pg_catalog.date, value pg_catalog.numeric) (
  SFUNC = @extschema@.history_agg_add, STYPE = internal, SSPACE = 128,
  FINALFUNC = @extschema@.history_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@.history_agg_combine,
  SERIALFUNC = @extschema@._history_agg_serialize, DESERIALFUNC = @extschema@._history_agg_deserialize,
  MSFUNC = @extschema@.history_agg_add, MINVFUNC = @extschema@.history_agg_remove,
  MSTYPE = internal, MSSPACE = 128,
  MFINALFUNC = @extschema@.history_agg_final, MFINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.history_agg(pg_catalog.date, pg_catalog.numeric) IS
  'The history of the rows of a group: value >= 0 is an event, below 0 a correction; exact; rows with a NULL day or '
  'value are ignored';

CREATE AGGREGATE @extschema@.history_agg(day pg_catalog.date, value pg_catalog.numeric, counts pg_catalog.bool) (
  SFUNC = @extschema@.history_agg_add, STYPE = internal, SSPACE = 128,
  FINALFUNC = @extschema@.history_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@.history_agg_combine,
  SERIALFUNC = @extschema@._history_agg_serialize, DESERIALFUNC = @extschema@._history_agg_deserialize,
  MSFUNC = @extschema@.history_agg_add, MINVFUNC = @extschema@.history_agg_remove,
  MSTYPE = internal, MSSPACE = 128,
  MFINALFUNC = @extschema@.history_agg_final, MFINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.history_agg(pg_catalog.date, pg_catalog.numeric, pg_catalog.bool) IS
  'The history of the rows of a group: counts says which rows are events; exact; rows with a NULL day or value are '
  'ignored';

CREATE AGGREGATE @extschema@.history_agg(day pg_catalog.date, value pg_catalog.float8) (
  SFUNC = @extschema@.history_agg_add, STYPE = internal, SSPACE = 128,
  FINALFUNC = @extschema@.history_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@.history_agg_combine,
  SERIALFUNC = @extschema@._history_agg_serialize, DESERIALFUNC = @extschema@._history_agg_deserialize,
  MSFUNC = @extschema@.history_agg_add, MINVFUNC = @extschema@.history_agg_remove,
  MSTYPE = internal, MSSPACE = 128,
  MFINALFUNC = @extschema@.history_agg_final, MFINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.history_agg(pg_catalog.date, pg_catalog.float8) IS
  'The history of the rows of a group: value >= 0 is an event, below 0 a correction; double values are rounded to 9 '
  'decimals; rows with a NULL day or value are ignored';

CREATE AGGREGATE @extschema@.history_agg(day pg_catalog.date, value pg_catalog.float8, counts pg_catalog.bool) (
  SFUNC = @extschema@.history_agg_add, STYPE = internal, SSPACE = 128,
  FINALFUNC = @extschema@.history_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@.history_agg_combine,
  SERIALFUNC = @extschema@._history_agg_serialize, DESERIALFUNC = @extschema@._history_agg_deserialize,
  MSFUNC = @extschema@.history_agg_add, MINVFUNC = @extschema@.history_agg_remove,
  MSTYPE = internal, MSSPACE = 128,
  MFINALFUNC = @extschema@.history_agg_final, MFINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.history_agg(pg_catalog.date, pg_catalog.float8, pg_catalog.bool) IS
  'The history of the rows of a group: counts says which rows are events; double values are rounded to 9 decimals; '
  'rows with a NULL day or value are ignored';

CREATE AGGREGATE @extschema@.history_agg(day pg_catalog.date, value pg_catalog.float4) (
  SFUNC = @extschema@.history_agg_add, STYPE = internal, SSPACE = 128,
  FINALFUNC = @extschema@.history_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@.history_agg_combine,
  SERIALFUNC = @extschema@._history_agg_serialize, DESERIALFUNC = @extschema@._history_agg_deserialize,
  MSFUNC = @extschema@.history_agg_add, MINVFUNC = @extschema@.history_agg_remove,
  MSTYPE = internal, MSSPACE = 128,
  MFINALFUNC = @extschema@.history_agg_final, MFINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.history_agg(pg_catalog.date, pg_catalog.float4) IS
  'The history of the rows of a group: value >= 0 is an event, below 0 a correction; real values are rounded to 9 '
  'decimals; rows with a NULL day or value are ignored';

CREATE AGGREGATE @extschema@.history_agg(day pg_catalog.date, value pg_catalog.float4, counts pg_catalog.bool) (
  SFUNC = @extschema@.history_agg_add, STYPE = internal, SSPACE = 128,
  FINALFUNC = @extschema@.history_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@.history_agg_combine,
  SERIALFUNC = @extschema@._history_agg_serialize, DESERIALFUNC = @extschema@._history_agg_deserialize,
  MSFUNC = @extschema@.history_agg_add, MINVFUNC = @extschema@.history_agg_remove,
  MSTYPE = internal, MSSPACE = 128,
  MFINALFUNC = @extschema@.history_agg_final, MFINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.history_agg(pg_catalog.date, pg_catalog.float4, pg_catalog.bool) IS
  'The history of the rows of a group: counts says which rows are events; real values are rounded to 9 decimals; '
  'rows with a NULL day or value are ignored';

CREATE AGGREGATE @extschema@.history_agg(day pg_catalog.date, value pg_catalog.int8) (
  SFUNC = @extschema@.history_agg_add, STYPE = internal, SSPACE = 128,
  FINALFUNC = @extschema@.history_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@.history_agg_combine,
  SERIALFUNC = @extschema@._history_agg_serialize, DESERIALFUNC = @extschema@._history_agg_deserialize,
  MSFUNC = @extschema@.history_agg_add, MINVFUNC = @extschema@.history_agg_remove,
  MSTYPE = internal, MSSPACE = 128,
  MFINALFUNC = @extschema@.history_agg_final, MFINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.history_agg(pg_catalog.date, pg_catalog.int8) IS
  'The history of the rows of a group: value >= 0 is an event, below 0 a correction; exact; rows with a NULL day or '
  'value are ignored';

CREATE AGGREGATE @extschema@.history_agg(day pg_catalog.date, value pg_catalog.int8, counts pg_catalog.bool) (
  SFUNC = @extschema@.history_agg_add, STYPE = internal, SSPACE = 128,
  FINALFUNC = @extschema@.history_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@.history_agg_combine,
  SERIALFUNC = @extschema@._history_agg_serialize, DESERIALFUNC = @extschema@._history_agg_deserialize,
  MSFUNC = @extschema@.history_agg_add, MINVFUNC = @extschema@.history_agg_remove,
  MSTYPE = internal, MSSPACE = 128,
  MFINALFUNC = @extschema@.history_agg_final, MFINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.history_agg(pg_catalog.date, pg_catalog.int8, pg_catalog.bool) IS
  'The history of the rows of a group: counts says which rows are events; exact; rows with a NULL day or value are '
  'ignored';

-- ---- sum: merges histories. The state is the type itself, so that it travels. ----

CREATE FUNCTION @extschema@._history_sum(@extschema@.history, @extschema@.history) RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_sum'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._history_sum(@extschema@.history, @extschema@.history) IS
  'part of aggregate sum(history): adds a history to the state, or merges two states';

CREATE AGGREGATE @extschema@.sum(@extschema@.history) (
  SFUNC = @extschema@._history_sum, STYPE = @extschema@.history, INITCOND = '{}', SSPACE = 128,
  COMBINEFUNC = @extschema@._history_sum,
  MSFUNC = @extschema@.history_pl, MINVFUNC = @extschema@.history_mi,
  MSTYPE = @extschema@.history, MINITCOND = '{}', MSSPACE = 128,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.sum(@extschema@.history) IS
  'Sum of histories, day by day; rows with NULL are ignored; {} for no rows; an error where a total is out of range';

-- ---- sums that may be too large: NULL instead of an error ----

CREATE FUNCTION @extschema@._try_add(@extschema@.history, @extschema@.history) RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_try_add'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._try_add(@extschema@.history, @extschema@.history) IS
  'internal: sum of two histories; NULL where + would raise an error because a total is out of range';

CREATE FUNCTION @extschema@._history_try_sum(internal, @extschema@.history) RETURNS internal
  AS 'MODULE_PATHNAME', 'history_try_sum'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._history_try_sum(internal, @extschema@.history) IS
  'part of aggregate try_sum: adds a history to the state';
CREATE FUNCTION @extschema@.history_try_sum_final(internal) RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'history_try_sum_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.history_try_sum_final(internal) IS 'The result of try_sum';

CREATE AGGREGATE @extschema@.try_sum(@extschema@.history) (
  SFUNC = @extschema@._history_try_sum, STYPE = internal, SSPACE = 128,
  FINALFUNC = @extschema@.history_try_sum_final,
  PARALLEL = RESTRICTED		-- no state that moves between processes
);
COMMENT ON AGGREGATE @extschema@.try_sum(@extschema@.history) IS
  'Sum of histories, day by day; rows with NULL are ignored; {} for no rows, NULL where sum would raise an error '
  'because a total is out of range';

-- ---- what a history says ----

CREATE FUNCTION @extschema@.days(history @extschema@.history, OUT day pg_catalog.date, OUT events pg_catalog.int8,
  OUT total pg_catalog.numeric) RETURNS SETOF pg_catalog.record
  AS 'MODULE_PATHNAME', 'history_days'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION @extschema@.days(@extschema@.history) IS
  'The days of a history, ascending';

CREATE FUNCTION @extschema@.cohort_periods(history @extschema@.history, as_of pg_catalog.date,
  unit pg_catalog.text DEFAULT 'month', OUT cohort pg_catalog.date, OUT periods_since pg_catalog.int4,
  OUT events pg_catalog.int8, OUT total pg_catalog.numeric) RETURNS SETOF pg_catalog.record
  AS 'MODULE_PATHNAME', 'history_cohort_periods'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 5;
COMMENT ON FUNCTION @extschema@.cohort_periods(@extschema@.history, pg_catalog.date, pg_catalog.text) IS
  'A history by months, or by weeks that begin on Monday, up to as_of: the first day of the month of the first event '
  '(cohort), how many months later (periods_since), events and total of those months that have any; corrections from '
  'before the first event count in its month; no rows without an event';

CREATE FUNCTION @extschema@.first_day(history @extschema@.history, as_of pg_catalog.date) RETURNS pg_catalog.date
  AS 'MODULE_PATHNAME', 'history_first_day'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.first_day(@extschema@.history, pg_catalog.date) IS
  'First day with an event up to as_of; NULL if none';

CREATE FUNCTION @extschema@.last_day(history @extschema@.history, as_of pg_catalog.date) RETURNS pg_catalog.date
  AS 'MODULE_PATHNAME', 'history_latest_day'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.last_day(@extschema@.history, pg_catalog.date) IS
  'Last day with an event up to as_of; NULL if none';

CREATE FUNCTION @extschema@.recency(history @extschema@.history, as_of pg_catalog.date) RETURNS pg_catalog.int4
  AS 'MODULE_PATHNAME', 'history_recency'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.recency(@extschema@.history, pg_catalog.date) IS
  'Recency in days: from the last event to as_of (small = good); NULL if none';

CREATE FUNCTION @extschema@.tenure(history @extschema@.history, as_of pg_catalog.date) RETURNS pg_catalog.int4
  AS 'MODULE_PATHNAME', 'history_tenure'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.tenure(@extschema@.history, pg_catalog.date) IS
  'Days from the first event to as_of; NULL if none';

CREATE FUNCTION @extschema@.frequency(history @extschema@.history, as_of pg_catalog.date,
  window_days pg_catalog.int4 DEFAULT NULL) RETURNS pg_catalog.int8
  AS 'MODULE_PATHNAME', 'history_frequency'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.frequency(@extschema@.history, pg_catalog.date, pg_catalog.int4) IS
  'Number of events up to as_of, in the last window_days (NULL: all); NULL if history or as_of is NULL; an error if '
  'window_days is below 1';

CREATE FUNCTION @extschema@.active_days(history @extschema@.history, as_of pg_catalog.date,
  window_days pg_catalog.int4 DEFAULT NULL) RETURNS pg_catalog.int4
  AS 'MODULE_PATHNAME', 'history_active_days'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.active_days(@extschema@.history, pg_catalog.date, pg_catalog.int4) IS
  'Number of days with an event up to as_of, in the last window_days (NULL: all); NULL if history or as_of is NULL; '
  'an error if window_days is below 1';

CREATE FUNCTION @extschema@.monetary(history @extschema@.history, as_of pg_catalog.date,
  window_days pg_catalog.int4 DEFAULT NULL) RETURNS pg_catalog.numeric
  AS 'MODULE_PATHNAME', 'history_monetary'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.monetary(@extschema@.history, pg_catalog.date, pg_catalog.int4) IS
  'Total up to as_of in the unit of the values, corrections included, in the last window_days (NULL: all); 0 if '
  'there is nothing; NULL if history or as_of is NULL; an error if window_days is below 1';

-- For thresholds: the cast goes by way of text, and takes longer than all the rest.
CREATE FUNCTION @extschema@._monetary_float8(history @extschema@.history, as_of pg_catalog.date,
  window_days pg_catalog.int4 DEFAULT NULL) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'history_monetary_float8'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._monetary_float8(@extschema@.history, pg_catalog.date, pg_catalog.int4) IS
  'internal: monetary, cast to double precision';

CREATE FUNCTION @extschema@.mean_value(history @extschema@.history, as_of pg_catalog.date,
  window_days pg_catalog.int4 DEFAULT NULL) RETURNS pg_catalog.numeric
  AS 'MODULE_PATHNAME', 'history_mean_value'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.mean_value(@extschema@.history, pg_catalog.date, pg_catalog.int4) IS
  'Total divided by number of events (the basket), up to as_of, in the last window_days (NULL: all); NULL if no '
  'event, or if history or as_of is NULL';

CREATE FUNCTION @extschema@._mean_value_float8(history @extschema@.history, as_of pg_catalog.date,
  window_days pg_catalog.int4 DEFAULT NULL) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'history_mean_value_float8'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._mean_value_float8(@extschema@.history, pg_catalog.date, pg_catalog.int4) IS
  'internal: mean_value, cast to double precision';

CREATE FUNCTION @extschema@.mean_gap(history @extschema@.history, as_of pg_catalog.date) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'history_mean_gap'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.mean_gap(@extschema@.history, pg_catalog.date) IS
  'Mean days between consecutive active days up to as_of; NULL below two';

CREATE FUNCTION @extschema@.silence_ratio(history @extschema@.history, as_of pg_catalog.date) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'history_silence_ratio'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.silence_ratio(@extschema@.history, pg_catalog.date) IS
  'recency / mean_gap: how many times longer silent than usual, a ratio without unit; NULL as mean_gap';

CREATE FUNCTION @extschema@.no_order_reason(history @extschema@.history, as_of pg_catalog.date) RETURNS pg_catalog.text
  AS 'MODULE_PATHNAME', 'history_no_order_reason'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.no_order_reason(@extschema@.history, pg_catalog.date) IS
  'Why there is no event up to as_of: all_refunded where money came and went, else no_order; NULL if there is one';

CREATE FUNCTION @extschema@.trend(history @extschema@.history, as_of pg_catalog.date, window_days pg_catalog.int4)
  RETURNS pg_catalog.int8
  AS 'MODULE_PATHNAME', 'history_trend'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.trend(@extschema@.history, pg_catalog.date, pg_catalog.int4) IS
  'Events in the last window_days minus events in the window_days before; an error if window_days is below 1';

CREATE FUNCTION @extschema@.decayed_sum(history @extschema@.history, as_of pg_catalog.date,
  half_life_days pg_catalog.float8) RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'history_decayed_sum'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.decayed_sum(@extschema@.history, pg_catalog.date, pg_catalog.float8) IS
  'Sum over the days up to as_of of total * 2^(-age / half_life_days), age in days, corrections included: in the '
  'unit of the values; an error if half_life_days is not positive';

-- ---- _is_scorable: can a row become part of a model's history? ----

CREATE FUNCTION @extschema@._is_scorable("day" pg_catalog.date, value pg_catalog.numeric) RETURNS boolean
  AS 'MODULE_PATHNAME', 'is_scorable'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._is_scorable(pg_catalog.date, pg_catalog.numeric) IS
  'internal: whether a model keeps a row of this day and value: from 4714-12-01 BC to 294276-12-31, finite, at most '
  '9 decimals, at most 10^12';

CREATE FUNCTION @extschema@._is_scorable("day" pg_catalog.date, value pg_catalog.float8) RETURNS boolean
  AS 'MODULE_PATHNAME', 'is_scorable'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._is_scorable(pg_catalog.date, pg_catalog.float8) IS
  'internal: whether a model keeps a row of this day and value: from 4714-12-01 BC to 294276-12-31, finite, at most '
  '10^12';

CREATE FUNCTION @extschema@._is_scorable("day" pg_catalog.date, value pg_catalog.float4) RETURNS boolean
  AS 'MODULE_PATHNAME', 'is_scorable'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._is_scorable(pg_catalog.date, pg_catalog.float4) IS
  'internal: whether a model keeps a row of this day and value: from 4714-12-01 BC to 294276-12-31, finite, at most '
  '10^12';

CREATE FUNCTION @extschema@._is_scorable("day" pg_catalog.date, value pg_catalog.int8) RETURNS boolean
  AS 'MODULE_PATHNAME', 'is_scorable'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._is_scorable(pg_catalog.date, pg_catalog.int8) IS
  'internal: whether a model keeps a row of this day and value: from 4714-12-01 BC to 294276-12-31, finite, at most '
  '10^12';

CREATE FUNCTION @extschema@._scorable_history("day" pg_catalog.date, value pg_catalog.numeric, counts pg_catalog.bool)
  RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'scorable_history'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._scorable_history(pg_catalog.date, pg_catalog.numeric, pg_catalog.bool) IS
  'internal: the history of one row; NULL where a model keeps no such row';

CREATE FUNCTION @extschema@._scorable_history("day" pg_catalog.date, value pg_catalog.float8, counts pg_catalog.bool)
  RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'scorable_history'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._scorable_history(pg_catalog.date, pg_catalog.float8, pg_catalog.bool) IS
  'internal: the history of one row; NULL where a model keeps no such row';

CREATE FUNCTION @extschema@._scorable_history("day" pg_catalog.date, value pg_catalog.float4, counts pg_catalog.bool)
  RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'scorable_history'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._scorable_history(pg_catalog.date, pg_catalog.float4, pg_catalog.bool) IS
  'internal: the history of one row; NULL where a model keeps no such row';

CREATE FUNCTION @extschema@._scorable_history("day" pg_catalog.date, value pg_catalog.int8, counts pg_catalog.bool)
  RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'scorable_history'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._scorable_history(pg_catalog.date, pg_catalog.int8, pg_catalog.bool) IS
  'internal: the history of one row; NULL where a model keeps no such row';
