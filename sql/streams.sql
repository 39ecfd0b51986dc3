/*
 * Layer 1: stream_histories, what one customer did by stream and kind: a history
 * for each. A stream and a kind in it are numbers here; their names are a model's.
 */

CREATE TYPE @extschema@.stream_histories;
COMMENT ON TYPE @extschema@.stream_histories IS
  'One customer''s daily histories by stream (1 to 255) and kind (0 to 1023), packed';

-- ---- the type; what looks at bytes alone is the C of history ----

CREATE FUNCTION @extschema@.stream_histories_in(cstring) RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_histories_in'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_in(cstring) IS
  'Text input: {1/0={2025-01-03:1:1},1/3={2025-02-11:2:2}}';

CREATE FUNCTION @extschema@.stream_histories_out(@extschema@.stream_histories) RETURNS pg_catalog.cstring
  AS 'MODULE_PATHNAME', 'stream_histories_out'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_out(@extschema@.stream_histories) IS
  'Text output, streams, kinds and days ascending, in ISO form';

CREATE FUNCTION @extschema@.stream_histories_recv(internal) RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_histories_recv'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_recv(internal) IS
  'Binary input; refuses anything but the canonical form';

CREATE FUNCTION @extschema@.stream_histories_send(@extschema@.stream_histories) RETURNS pg_catalog.bytea
  AS 'MODULE_PATHNAME', 'history_send'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_send(@extschema@.stream_histories) IS
  'Binary output: the packed form';

CREATE TYPE @extschema@.stream_histories (
  INPUT = @extschema@.stream_histories_in,
  OUTPUT = @extschema@.stream_histories_out,
  RECEIVE = @extschema@.stream_histories_recv,
  SEND = @extschema@.stream_histories_send,
  INTERNALLENGTH = VARIABLE,
  STORAGE = extended,
  -- of literals that both may be, last_activity('{}') takes history, which is preferred
  CATEGORY = 'h'
);

-- ---- the group: stream and kind by stream and kind ----

CREATE FUNCTION @extschema@.stream_histories_pl(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_histories_pl'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_pl(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Sum of the histories of each stream and kind (operator +)';

CREATE FUNCTION @extschema@.stream_histories_mi(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_histories_mi'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_mi(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Difference of the histories of each stream and kind (operator -)';

CREATE FUNCTION @extschema@.stream_histories_um(@extschema@.stream_histories) RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_histories_um'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_um(@extschema@.stream_histories) IS
  'Negative of the history of each stream and kind (unary operator -)';

CREATE OPERATOR @extschema@.+ (
  FUNCTION = @extschema@.stream_histories_pl,
  LEFTARG = @extschema@.stream_histories, RIGHTARG = @extschema@.stream_histories,
  COMMUTATOR = OPERATOR(@extschema@.+)
);
COMMENT ON OPERATOR @extschema@.+ (@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Sum of the histories of each stream and kind, day by day';

CREATE OPERATOR @extschema@.- (
  FUNCTION = @extschema@.stream_histories_mi,
  LEFTARG = @extschema@.stream_histories, RIGHTARG = @extschema@.stream_histories
);
COMMENT ON OPERATOR @extschema@.- (@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Difference of the histories of each stream and kind, day by day; a - a = ''{}''';

CREATE OPERATOR @extschema@.- (
  FUNCTION = @extschema@.stream_histories_um, RIGHTARG = @extschema@.stream_histories
);
COMMENT ON OPERATOR @extschema@.- (NONE, @extschema@.stream_histories) IS
  'Negative of the histories of each stream and kind';

-- ---- comparison: by the packed bytes, which are canonical ----

CREATE FUNCTION @extschema@.stream_histories_lt(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_lt'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_lt(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Less than (operator <)';

CREATE FUNCTION @extschema@.stream_histories_le(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_le'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_le(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Less than or equal (operator <=)';

CREATE FUNCTION @extschema@.stream_histories_eq(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_eq'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_eq(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Equal (operator =)';

CREATE FUNCTION @extschema@.stream_histories_ne(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_ne'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_ne(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Not equal (operator <>)';

CREATE FUNCTION @extschema@.stream_histories_ge(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_ge'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_ge(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Greater than or equal (operator >=)';

CREATE FUNCTION @extschema@.stream_histories_gt(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS pg_catalog.bool
  AS 'MODULE_PATHNAME', 'history_gt'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_gt(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Greater than (operator >)';

CREATE FUNCTION @extschema@.stream_histories_cmp(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS pg_catalog.int4
  AS 'MODULE_PATHNAME', 'history_cmp'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_cmp(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Three-way comparison for btree: any order will do, as long as it is total';

CREATE FUNCTION @extschema@.stream_histories_hash(@extschema@.stream_histories) RETURNS pg_catalog.int4
  AS 'MODULE_PATHNAME', 'history_hash'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_hash(@extschema@.stream_histories) IS
  'Hash value';

CREATE FUNCTION @extschema@.stream_histories_hash_extended(@extschema@.stream_histories, pg_catalog.int8)
  RETURNS pg_catalog.int8
  AS 'MODULE_PATHNAME', 'history_hash_extended'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_histories_hash_extended(@extschema@.stream_histories, pg_catalog.int8) IS
  'Hash value with a seed';

CREATE OPERATOR @extschema@.< (
  FUNCTION = @extschema@.stream_histories_lt,
  LEFTARG = @extschema@.stream_histories, RIGHTARG = @extschema@.stream_histories,
  COMMUTATOR = OPERATOR(@extschema@.>), NEGATOR = OPERATOR(@extschema@.>=),
  RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR @extschema@.< (@extschema@.stream_histories, @extschema@.stream_histories) IS 'Less than';

CREATE OPERATOR @extschema@.<= (
  FUNCTION = @extschema@.stream_histories_le,
  LEFTARG = @extschema@.stream_histories, RIGHTARG = @extschema@.stream_histories,
  COMMUTATOR = OPERATOR(@extschema@.>=), NEGATOR = OPERATOR(@extschema@.>),
  RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR @extschema@.<= (@extschema@.stream_histories, @extschema@.stream_histories) IS 'Less than or equal';

CREATE OPERATOR @extschema@.= (
  FUNCTION = @extschema@.stream_histories_eq,
  LEFTARG = @extschema@.stream_histories, RIGHTARG = @extschema@.stream_histories,
  COMMUTATOR = OPERATOR(@extschema@.=), NEGATOR = OPERATOR(@extschema@.<>),
  RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR @extschema@.= (@extschema@.stream_histories, @extschema@.stream_histories) IS 'Equal';

CREATE OPERATOR @extschema@.<> (
  FUNCTION = @extschema@.stream_histories_ne,
  LEFTARG = @extschema@.stream_histories, RIGHTARG = @extschema@.stream_histories,
  COMMUTATOR = OPERATOR(@extschema@.<>), NEGATOR = OPERATOR(@extschema@.=),
  RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR @extschema@.<> (@extschema@.stream_histories, @extschema@.stream_histories) IS 'Not equal';

CREATE OPERATOR @extschema@.>= (
  FUNCTION = @extschema@.stream_histories_ge,
  LEFTARG = @extschema@.stream_histories, RIGHTARG = @extschema@.stream_histories,
  COMMUTATOR = OPERATOR(@extschema@.<=), NEGATOR = OPERATOR(@extschema@.<),
  RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR @extschema@.>= (@extschema@.stream_histories, @extschema@.stream_histories) IS
  'Greater than or equal';

CREATE OPERATOR @extschema@.> (
  FUNCTION = @extschema@.stream_histories_gt,
  LEFTARG = @extschema@.stream_histories, RIGHTARG = @extschema@.stream_histories,
  COMMUTATOR = OPERATOR(@extschema@.<), NEGATOR = OPERATOR(@extschema@.<=),
  RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR @extschema@.> (@extschema@.stream_histories, @extschema@.stream_histories) IS 'Greater than';

CREATE OPERATOR CLASS @extschema@.stream_histories_btree_ops DEFAULT FOR TYPE @extschema@.stream_histories
  USING btree AS
  OPERATOR 1 @extschema@.<, OPERATOR 2 @extschema@.<=, OPERATOR 3 @extschema@.=,
  OPERATOR 4 @extschema@.>=, OPERATOR 5 @extschema@.>,
  FUNCTION 1 @extschema@.stream_histories_cmp(@extschema@.stream_histories, @extschema@.stream_histories);
COMMENT ON OPERATOR CLASS @extschema@.stream_histories_btree_ops USING btree IS
  'Sorts stream histories, so that DISTINCT, UNION and concurrent refresh of materialized views work';

CREATE OPERATOR CLASS @extschema@.stream_histories_hash_ops DEFAULT FOR TYPE @extschema@.stream_histories USING hash AS
  OPERATOR 1 @extschema@.=,
  FUNCTION 1 @extschema@.stream_histories_hash(@extschema@.stream_histories),
  FUNCTION 2 @extschema@.stream_histories_hash_extended(@extschema@.stream_histories, pg_catalog.int8);
COMMENT ON OPERATOR CLASS @extschema@.stream_histories_hash_ops USING hash IS
  'Hashes stream histories, so that DISTINCT, EXCEPT and hash joins work';

-- ---- aggregates ----
--
-- One state for all of them: a log of histories in one chunk of memory. What fits
-- in the end fits, in whatever order it came.

CREATE FUNCTION @extschema@._stream_histories_agg_add(internal, pg_catalog.int4, pg_catalog.int4, @extschema@.history)
  RETURNS internal
  AS 'MODULE_PATHNAME', 'stream_histories_agg_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._stream_histories_agg_add(
  internal, pg_catalog.int4, pg_catalog.int4, @extschema@.history) IS
  'part of aggregate stream_histories_agg: adds a row to the state';

CREATE FUNCTION @extschema@._stream_histories_sum_add(internal, @extschema@.stream_histories) RETURNS internal
  AS 'MODULE_PATHNAME', 'stream_histories_sum_add'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._stream_histories_sum_add(internal, @extschema@.stream_histories) IS
  'part of aggregates sum and try_sum of stream_histories: adds a value to the state';

CREATE FUNCTION @extschema@._stream_histories_agg_combine(internal, internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'stream_histories_agg_combine'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._stream_histories_agg_combine(internal, internal) IS
  'part of aggregate stream_histories_agg: merges two states';

CREATE FUNCTION @extschema@._stream_histories_agg_serialize(internal) RETURNS pg_catalog.bytea
  AS 'MODULE_PATHNAME', 'stream_histories_agg_serialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._stream_histories_agg_serialize(internal) IS
  'part of aggregate stream_histories_agg: the state as bytes';

CREATE FUNCTION @extschema@._stream_histories_agg_deserialize(pg_catalog.bytea, internal) RETURNS internal
  AS 'MODULE_PATHNAME', 'stream_histories_agg_deserialize'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._stream_histories_agg_deserialize(pg_catalog.bytea, internal) IS
  'part of aggregate stream_histories_agg: the state from bytes; trusts none of them';

CREATE FUNCTION @extschema@._stream_histories_agg_final(internal) RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_histories_agg_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._stream_histories_agg_final(internal) IS
  'part of aggregate stream_histories_agg: what the state holds';

CREATE FUNCTION @extschema@._stream_histories_try_sum_final(internal) RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_histories_try_sum_final'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._stream_histories_try_sum_final(internal) IS
  'part of aggregate try_sum(stream_histories): the result';

CREATE AGGREGATE @extschema@.stream_histories_agg(
  stream pg_catalog.int4, kind pg_catalog.int4, history @extschema@.history
) (
  SFUNC = @extschema@._stream_histories_agg_add, STYPE = internal, SSPACE = 256,
  FINALFUNC = @extschema@._stream_histories_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._stream_histories_agg_combine,
  SERIALFUNC = @extschema@._stream_histories_agg_serialize,
  DESERIALFUNC = @extschema@._stream_histories_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.stream_histories_agg(pg_catalog.int4, pg_catalog.int4, @extschema@.history) IS
  'The histories of a group by stream (1 to 255) and kind (0 to 1023); those of the same stream and kind are added; '
  'rows with a NULL history are ignored; {} for no rows; an error where a total is out of range';

CREATE AGGREGATE @extschema@._try_stream_histories_agg(
  stream pg_catalog.int4, kind pg_catalog.int4, history @extschema@.history
) (
  SFUNC = @extschema@._stream_histories_agg_add, STYPE = internal, SSPACE = 256,
  FINALFUNC = @extschema@._stream_histories_try_sum_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._stream_histories_agg_combine,
  SERIALFUNC = @extschema@._stream_histories_agg_serialize,
  DESERIALFUNC = @extschema@._stream_histories_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@._try_stream_histories_agg(pg_catalog.int4, pg_catalog.int4, @extschema@.history) IS
  'internal: stream_histories_agg, but what has a total out of range is left out';

CREATE AGGREGATE @extschema@.sum(@extschema@.stream_histories) (
  SFUNC = @extschema@._stream_histories_sum_add, STYPE = internal, SSPACE = 256,
  FINALFUNC = @extschema@._stream_histories_agg_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._stream_histories_agg_combine,
  SERIALFUNC = @extschema@._stream_histories_agg_serialize,
  DESERIALFUNC = @extschema@._stream_histories_agg_deserialize,
  MSFUNC = @extschema@.stream_histories_pl, MINVFUNC = @extschema@.stream_histories_mi,
  MSTYPE = @extschema@.stream_histories, MINITCOND = '{}', MSSPACE = 256,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.sum(@extschema@.stream_histories) IS
  'Sum of the histories of each stream and kind, day by day; rows with NULL are ignored; {} for no rows; an error '
  'where a total is out of range';

CREATE AGGREGATE @extschema@.try_sum(@extschema@.stream_histories) (
  SFUNC = @extschema@._stream_histories_sum_add, STYPE = internal, SSPACE = 256,
  FINALFUNC = @extschema@._stream_histories_try_sum_final, FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = @extschema@._stream_histories_agg_combine,
  SERIALFUNC = @extschema@._stream_histories_agg_serialize,
  DESERIALFUNC = @extschema@._stream_histories_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.try_sum(@extschema@.stream_histories) IS
  'Sum of the histories of each stream and kind, day by day; rows with NULL are ignored; {} for no rows; a stream and '
  'kind of which a total is out of range is left out';

CREATE FUNCTION @extschema@._try_add(@extschema@.stream_histories, @extschema@.stream_histories)
  RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_histories_try_add'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._try_add(@extschema@.stream_histories, @extschema@.stream_histories) IS
  'internal: sum of the histories of each stream and kind; one of which a total is out of range is left out';

-- ---- what they say ----

CREATE FUNCTION @extschema@.stream_history(
  streams @extschema@.stream_histories, stream pg_catalog.int4, kinds pg_catalog.int4[] DEFAULT NULL)
  RETURNS @extschema@.history
  AS 'MODULE_PATHNAME', 'stream_history'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_history(@extschema@.stream_histories, pg_catalog.int4, pg_catalog.int4[]) IS
  'The history of a stream (1 to 255), of these kinds (NULL: all) together; {} if there is none; NULL if streams or '
  'stream is NULL; an error if a total is out of range';

CREATE FUNCTION @extschema@.stream_kinds(
  streams @extschema@.stream_histories,
  OUT stream pg_catalog.int4, OUT kind pg_catalog.int4, OUT history @extschema@.history)
  RETURNS SETOF pg_catalog.record
  AS 'MODULE_PATHNAME', 'stream_kinds'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION @extschema@.stream_kinds(@extschema@.stream_histories) IS
  'The history of each stream and kind, ascending';

CREATE FUNCTION @extschema@.stream_last_day(
  streams @extschema@.stream_histories, stream pg_catalog.int4, as_of pg_catalog.date,
  kinds pg_catalog.int4[] DEFAULT NULL)
  RETURNS pg_catalog.date
  AS 'MODULE_PATHNAME', 'stream_last_day'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_last_day(
  @extschema@.stream_histories, pg_catalog.int4, pg_catalog.date, pg_catalog.int4[]) IS
  'Last day up to as_of with an event of a stream (1 to 255), of these kinds (NULL: all); NULL if none, or if streams, '
  'stream or as_of is NULL';

CREATE FUNCTION @extschema@.stream_events(
  streams @extschema@.stream_histories, stream pg_catalog.int4, as_of pg_catalog.date,
  window_days pg_catalog.int4, kinds pg_catalog.int4[] DEFAULT NULL)
  RETURNS pg_catalog.int8
  AS 'MODULE_PATHNAME', 'stream_events'
  LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_events(
  @extschema@.stream_histories, pg_catalog.int4, pg_catalog.date, pg_catalog.int4, pg_catalog.int4[]) IS
  'Number of events of a stream (1 to 255) up to as_of, in the last window_days (NULL: all), of these kinds (NULL: '
  'all); NULL if streams, stream or as_of is NULL; an error if window_days is below 1';

CREATE FUNCTION @extschema@.stream_first_day(
  streams @extschema@.stream_histories, as_of pg_catalog.date)
  RETURNS pg_catalog.date
  AS 'MODULE_PATHNAME', 'stream_first_day'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.stream_first_day(@extschema@.stream_histories, pg_catalog.date) IS
  'First day up to as_of with an event of any stream; NULL if none';

CREATE FUNCTION @extschema@.last_activity(streams @extschema@.stream_histories) RETURNS pg_catalog.date
  AS 'MODULE_PATHNAME', 'stream_last_activity'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.last_activity(@extschema@.stream_histories) IS
  'The last day with an event of any stream, without any the last with a correction; NULL if there are no histories';

-- ---- kinds of several streams that mean the same, by their roles in a model ----
--
-- Kinds are 1024 * stream + kind, ascending.

CREATE FUNCTION @extschema@._events_of_kinds(
  streams @extschema@.stream_histories, kinds pg_catalog.int4[], as_of pg_catalog.date, window_days pg_catalog.int4)
  RETURNS pg_catalog.int8
  AS 'MODULE_PATHNAME', 'stream_events_of_kinds'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._events_of_kinds(
  @extschema@.stream_histories, pg_catalog.int4[], pg_catalog.date, pg_catalog.int4) IS
  'internal: events of kinds of any streams in the window_days up to as_of';

CREATE FUNCTION @extschema@._response_rate_90d(
  streams @extschema@.stream_histories, sent pg_catalog.int4[], answers pg_catalog.int4[], as_of pg_catalog.date)
  RETURNS pg_catalog.float8
  AS 'MODULE_PATHNAME', 'stream_response_rate'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._response_rate_90d(
  @extschema@.stream_histories, pg_catalog.int4[], pg_catalog.int4[], pg_catalog.date) IS
  'internal: of the messages sent in the 90 days up to as_of, the part with an answer before the next message; NULL '
  'if none was sent';

CREATE FUNCTION @extschema@._unanswered_in_a_row(
  streams @extschema@.stream_histories, sent pg_catalog.int4[], answers pg_catalog.int4[], as_of pg_catalog.date)
  RETURNS pg_catalog.int8
  AS 'MODULE_PATHNAME', 'stream_unanswered'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._unanswered_in_a_row(
  @extschema@.stream_histories, pg_catalog.int4[], pg_catalog.int4[], pg_catalog.date) IS
  'internal: messages sent up to as_of on days after the last answer';

CREATE FUNCTION @extschema@._abandoned_baskets_30d(
  streams @extschema@.stream_histories, baskets pg_catalog.int4[], orders @extschema@.history, as_of pg_catalog.date)
  RETURNS pg_catalog.int8
  AS 'MODULE_PATHNAME', 'stream_abandoned_baskets'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@._abandoned_baskets_30d(
  @extschema@.stream_histories, pg_catalog.int4[], @extschema@.history, pg_catalog.date) IS
  'internal: days with a basket in the 30 days up to as_of that are after the last day with an order';

-- ---- less of them ----

CREATE FUNCTION @extschema@.without_stream(
  streams @extschema@.stream_histories, stream pg_catalog.int4)
  RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_without_stream'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.without_stream(@extschema@.stream_histories, pg_catalog.int4) IS
  'The histories without those of a stream (1 to 255)';

CREATE FUNCTION @extschema@.without_negative_days(
  streams @extschema@.stream_histories, before pg_catalog.date)
  RETURNS @extschema@.stream_histories
  AS 'MODULE_PATHNAME', 'stream_without_negative_days'
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.without_negative_days(@extschema@.stream_histories, pg_catalog.date) IS
  'The histories without those days before a day that have fewer than no events of a stream and kind';
