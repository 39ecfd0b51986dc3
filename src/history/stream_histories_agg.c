/*
 * stream_histories_agg.c
 *		stream_histories_agg, which puts the histories of streams and kinds
 *		together, and sum and try_sum of stream_histories. They have the same
 *		state, a log of histories, and differ in what they add to it and in what
 *		becomes of a total that doesn't fit.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "history.h"
#include "stream_histories.h"
#include "stream_log.h"

#include "compat.h"

StreamLog *
stream_log_create(MemoryContext context)
{
	StreamLog  *log = MemoryContextAlloc(context, STREAM_LOG_FIRST_SIZE);

	stream_log_init(log, STREAM_LOG_FIRST_SIZE - STREAM_LOG_HEADER);
	return log;
}

StreamHistories *
stream_histories_of_log(const StreamLog *log, StreamOverflow overflow)
{
	uint8	   *bytes;
	size_t		size;

	stream_histories_check(stream_log_pack(&server_host, log, overflow, VARHDRSZ, &bytes, &size));
	return stream_histories_of_bytes(bytes, size);
}

/* The state of a transition function, made if there is none */
static StreamLog *
get_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);

	return PG_ARGISNULL(0) ? stream_log_create(context) : (StreamLog *) PG_GETARG_POINTER(0);
}

/* Rows without a history are left out, whatever stands beside it. */
PG_FUNCTION_INFO_V1(stream_histories_agg_add);
Datum
stream_histories_agg_add(PG_FUNCTION_ARGS)
{
	StreamLog  *log = get_state(fcinfo);
	History    *history;
	StreamEntry entry;
	uint32		key;

	if (PG_ARGISNULL(3))
		PG_RETURN_POINTER(log);
	if (PG_ARGISNULL(1))
		null_argument("stream", "Leave such rows out with FILTER (WHERE stream IS NOT NULL).");
	if (PG_ARGISNULL(2))
		null_argument("kind", "Give 0, which is for all kinds that have no number.");
	key = STREAM_KEY(stream_check_stream(PG_GETARG_INT32(1)),
					 stream_check_kind(PG_GETARG_INT32(2)));
	history = PG_GETARG_HISTORY_PP(3);
	stream_histories_check(stream_entry_of_history(&entry, key, HISTORY_BYTES(history),
												   HISTORY_LENGTH(history)));
	if (HISTORY_LENGTH(history) > HISTORY_EMPTY_SIZE)
		stream_histories_check(stream_log_add(&server_host, &log, &entry));
	PG_FREE_IF_COPY(history, 3);
	PG_RETURN_POINTER(log);
}

/* Transition function of sum and try_sum */
PG_FUNCTION_INFO_V1(stream_histories_sum_add);
Datum
stream_histories_sum_add(PG_FUNCTION_ARGS)
{
	StreamLog  *log = get_state(fcinfo);
	StreamHistories *added;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(log);
	added = PG_GETARG_STREAM_HISTORIES_PP(1);
	stream_histories_check(stream_log_add_all(&server_host, &log,
											  (const uint8 *) VARDATA_ANY(added),
											  VARSIZE_ANY_EXHDR(added), false));
	PG_FREE_IF_COPY(added, 1);
	PG_RETURN_POINTER(log);
}

/* ---- states that travel: like a value, but the same key may come again ---- */

PG_FUNCTION_INFO_V1(stream_histories_agg_combine);
Datum
stream_histories_agg_combine(PG_FUNCTION_ARGS)
{
	StreamLog  *log;
	uint8	   *bytes;
	size_t		size;

	aggregate_context(fcinfo);
	RETURN_ONLY_STATE();
	log = get_state(fcinfo);
	stream_histories_check(stream_log_pack(&server_host, (StreamLog *) PG_GETARG_POINTER(1),
										   STREAM_KEEP, 0, &bytes, &size));
	stream_histories_check(stream_log_add_all(&server_host, &log, bytes, size, true));
	pfree(bytes);
	PG_RETURN_POINTER(log);
}

PG_FUNCTION_INFO_V1(stream_histories_agg_serialize);
Datum
stream_histories_agg_serialize(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P((bytea *) stream_histories_of_log((StreamLog *) PG_GETARG_POINTER(0),
														STREAM_KEEP));
}

PG_FUNCTION_INFO_V1(stream_histories_agg_deserialize);
Datum
stream_histories_agg_deserialize(PG_FUNCTION_ARGS)
{
	StreamLog  *log = stream_log_create(CurrentMemoryContext);
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);

	aggregate_context(fcinfo);
	/* trusts no byte */
	stream_histories_check(stream_check(&server_host, (const uint8 *) VARDATA_ANY(bytes),
										VARSIZE_ANY_EXHDR(bytes), true));
	stream_histories_check(stream_log_add_all(&server_host, &log,
											  (const uint8 *) VARDATA_ANY(bytes),
											  VARSIZE_ANY_EXHDR(bytes), true));
	PG_RETURN_POINTER(log);
}

/* ---- results ---- */

static Datum
finish(FunctionCallInfo fcinfo, StreamOverflow overflow)
{
	MemoryContext context = aggregate_context(fcinfo);
	StreamLog  *log = PG_ARGISNULL(0) ? stream_log_create(context) :
		(StreamLog *) PG_GETARG_POINTER(0);

	PG_RETURN_STREAM_HISTORIES_P(stream_histories_of_log(log, overflow));
}

PG_FUNCTION_INFO_V1(stream_histories_agg_final);
Datum
stream_histories_agg_final(PG_FUNCTION_ARGS)
{
	return finish(fcinfo, STREAM_RAISE);
}

PG_FUNCTION_INFO_V1(stream_histories_try_sum_final);
Datum
stream_histories_try_sum_final(PG_FUNCTION_ARGS)
{
	return finish(fcinfo, STREAM_LEAVE_OUT);
}
