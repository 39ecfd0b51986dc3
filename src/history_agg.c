/*
 * history_agg.c
 *		history_agg, which makes a history from rows, and sum(history), which
 *		merges histories.
 *
 * history_agg keeps a HistoryLog per group. Its size is what decides whether
 * a million customers fit the memory of a hash aggregate, so it starts at 64
 * bytes and doubles.
 */
#include "postgres.h"

#include "fixed.h"
#include "history.h"
#include "history_log.h"
#include "miscadmin.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "compat.h"

/* The first chunk: eight or so orders of a shop */
#define LOG_FIRST_SIZE		64

/*
 * A log at least so large is added up before it doubles: one customer may
 * have a million events on a few thousand days. Below, that costs more than
 * the bytes it saves.
 */
#define LOG_COALESCE_SIZE	1024

#define LOG_MAX_SIZE		(MaxAllocSize / 2)

/* ---- the log and its memory ---- */

static HistoryLog *
log_create(MemoryContext context)
{
	HistoryLog *log = MemoryContextAlloc(context, LOG_FIRST_SIZE);

	history_log_init(log, LOG_FIRST_SIZE - HISTORY_LOG_HEADER);
	return log;
}

static HistoryLog *
log_enlarge(HistoryLog *log, size_t capacity)
{
	size_t		size = HISTORY_LOG_HEADER + log->capacity;

	while (size < HISTORY_LOG_HEADER + capacity)
	{
		if (size > LOG_MAX_SIZE)
			history_raise(HISTORY_TOO_MANY_DAYS);
		size *= 2;
	}
	log = repalloc(log, size);
	log->capacity = (uint32) (size - HISTORY_LOG_HEADER);
	return log;
}

/* The log's days, normalised */
static void
log_open(OpenHistory *open, const HistoryLog *log)
{
	HistoryDay	short_scratch[SHORT_HISTORY_DAYS];

	open->n = history_log_count(log);
	open->decimals = log->decimals;
	open->days = open->n <= SHORT_HISTORY_DAYS ? open->short_days : history_alloc_days(open->n);
	history_log_read(log, open->days);
	if (!log->sorted)
	{
		HistoryDay *scratch = open->n <= SHORT_HISTORY_DAYS ? short_scratch : history_alloc_days(open->n);

		history_check(history_normalise(open->days, &open->n, scratch));
		if (scratch != short_scratch)
			pfree(scratch);
	}
}

/* Make room for one more entry. */
static HistoryLog *
log_make_room(HistoryLog *log)
{
	if (log->capacity >= LOG_COALESCE_SIZE - HISTORY_LOG_HEADER && !log->sorted)
	{
		OpenHistory open;

		CHECK_FOR_INTERRUPTS();
		log_open(&open, log);
		history_log_write(log, open.days, open.n, open.decimals);
		history_close(&open);
		/* else the next time would come too soon */
		if (log->used <= log->capacity / 2)
			return log;
	}
	return log_enlarge(log, log->capacity + HISTORY_LOG_MAX_ENTRY);
}

/* Replace the contents by these days, with as much room as they need. */
static HistoryLog *
log_rewrite(HistoryLog *log, const OpenHistory *open)
{
	size_t		size = history_log_size(open->days, open->n);

	if (size > log->capacity)
		log = log_enlarge(log, size);
	history_log_write(log, open->days, open->n, open->decimals);
	return log;
}

/* Express all totals with more decimals. */
static HistoryLog *
log_rescale(HistoryLog *log, int decimals)
{
	OpenHistory open;

	log_open(&open, log);
	history_check(history_rescale(open.days, open.n, open.decimals, decimals));
	open.decimals = decimals;
	log = log_rewrite(log, &open);
	history_close(&open);
	return log;
}

/*
 * Give up the decimals that no total needs any more, because what needed them
 * has left a moving window or has been cancelled out.
 */
static HistoryLog *
log_reduce(HistoryLog *log)
{
	OpenHistory open;

	log_open(&open, log);
	open.decimals = history_reduce_decimals(open.days, open.n, open.decimals);
	log = log_rewrite(log, &open);
	history_close(&open);
	return log;
}

/* The one way into a log */
static HistoryLog *
log_add(HistoryLog *log, HistoryDay *day, int decimals)
{
	if (decimals < log->decimals)
	{
		int64		total = day->total;

		if (history_rescale(day, 1, decimals, log->decimals) == HISTORY_OK)
			decimals = log->decimals;
		else
		{
			day->total = total;
			log = log_reduce(log);
			if (decimals < log->decimals)
				history_check(history_rescale(day, 1, decimals, log->decimals));
		}
	}
	if (decimals > log->decimals)
	{
		if (log->used > 0)
			log = log_rescale(log, decimals);
		else
			log->decimals = (uint8) decimals;
	}
	while (!history_log_add(log, day))
		log = log_make_room(log);
	return log;
}

/* The one way from a log into another */
static HistoryLog *
log_merge(HistoryLog *log, const HistoryLog *other)
{
	OpenHistory open;

	log_open(&open, other);
	for (size_t i = 0; i < open.n; i++)
		log = log_add(log, &open.days[i], open.decimals);
	history_close(&open);
	return log;
}

static History *
log_pack(HistoryLog *log)
{
	OpenHistory open;
	History    *result;

	log_open(&open, log);

	/*
	 * Keep the sorted form of a long log, for a moving window asks again after
	 * a row or two. The state's value remains the same, and so does its chunk.
	 */
	if (!log->sorted && log->used > LOG_FIRST_SIZE)
		history_log_write(log, open.days, open.n, open.decimals);
	result = history_pack(open.days, open.n, open.decimals);
	history_close(&open);
	return result;
}

/* ---- history_agg ---- */

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo, const char *function)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s can be called as part of an aggregate only", function)));
	return context;
}

/*
 * Transition and inverse: arguments are the state, day, value and maybe counts.
 * The four cases of NULL: the first row makes the state, even if it is ignored
 * for want of a day or value, since a moving aggregate may not return NULL;
 * later such rows leave the state alone.
 */
static Datum
accumulate(FunctionCallInfo fcinfo, void (*read) (Datum, int64 *, int *), int sign)
{
	MemoryContext context = aggregate_context(fcinfo, "history_agg");
	HistoryLog *log = PG_ARGISNULL(0) ? NULL : (HistoryLog *) PG_GETARG_POINTER(0);
	HistoryDay	day;
	int			decimals;

	if (log == NULL)
		log = log_create(context);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(log);
	day.day = history_check_day(PG_GETARG_DATEADT(1));
	read(PG_GETARG_DATUM(2), &day.total, &decimals);
	if (PG_NARGS() > 3 && !PG_ARGISNULL(3))
		day.events = PG_GETARG_BOOL(3);
	else
		day.events = day.total >= 0;
	day.events *= sign;
	day.total *= sign;
	if (day.events != 0 || day.total != 0)
		log = log_add(log, &day, decimals);
	PG_RETURN_POINTER(log);
}

PG_FUNCTION_INFO_V1(history_agg_add_numeric);
Datum
history_agg_add_numeric(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, fixed_from_numeric, 1);
}

PG_FUNCTION_INFO_V1(history_agg_remove_numeric);
Datum
history_agg_remove_numeric(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, fixed_from_numeric, -1);
}

PG_FUNCTION_INFO_V1(history_agg_add_float8);
Datum
history_agg_add_float8(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, fixed_from_float8, 1);
}

PG_FUNCTION_INFO_V1(history_agg_remove_float8);
Datum
history_agg_remove_float8(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, fixed_from_float8, -1);
}

PG_FUNCTION_INFO_V1(history_agg_add_float4);
Datum
history_agg_add_float4(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, fixed_from_float4, 1);
}

PG_FUNCTION_INFO_V1(history_agg_remove_float4);
Datum
history_agg_remove_float4(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, fixed_from_float4, -1);
}

PG_FUNCTION_INFO_V1(history_agg_add_int8);
Datum
history_agg_add_int8(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, fixed_from_int8, 1);
}

PG_FUNCTION_INFO_V1(history_agg_remove_int8);
Datum
history_agg_remove_int8(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, fixed_from_int8, -1);
}

/* Combine: the same four cases. The second state is not changed. */
PG_FUNCTION_INFO_V1(history_agg_combine);
Datum
history_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo, "history_agg_combine");
	HistoryLog *log = PG_ARGISNULL(0) ? NULL : (HistoryLog *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		if (log == NULL)
			log = log_create(context);
		log = log_merge(log, (HistoryLog *) PG_GETARG_POINTER(1));
	}
	if (log == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(log);
}

/* The serialised state is the history itself. */
PG_FUNCTION_INFO_V1(history_agg_serialize);
Datum
history_agg_serialize(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo, "history_agg_serialize");
	PG_RETURN_BYTEA_P((bytea *) log_pack((HistoryLog *) PG_GETARG_POINTER(0)));
}

PG_FUNCTION_INFO_V1(history_agg_deserialize);
Datum
history_agg_deserialize(PG_FUNCTION_ARGS)
{
	OpenHistory open;
	HistoryLog *log;

	aggregate_context(fcinfo, "history_agg_deserialize");
	history_open(&open, (History *) PG_GETARG_BYTEA_PP(0));	/* trusts no byte */
	log = log_create(CurrentMemoryContext);
	log->decimals = (uint8) open.decimals;
	log = log_enlarge(log, history_log_size(open.days, open.n));
	history_log_write(log, open.days, open.n, open.decimals);
	history_close(&open);
	PG_RETURN_POINTER(log);
}

PG_FUNCTION_INFO_V1(history_agg_final);
Datum
history_agg_final(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo, "history_agg_final");
	if (PG_ARGISNULL(0))
		PG_RETURN_HISTORY_P(history_pack(NULL, 0, 0));
	PG_RETURN_HISTORY_P(log_pack((HistoryLog *) PG_GETARG_POINTER(0)));
}

/* ---- sum(history) ---- */

/*
 * The state of sum is a history, so that it travels between workers and
 * servers like any value. While it is short, adding to it means unpacking and
 * packing it anew. From this size on that would be too much work for each row,
 * and the state becomes a log behind an expanded datum, which turns into a
 * plain history whenever somebody looks at it.
 */
#define EXPAND_SIZE		256

typedef struct ExpandedHistory
{
	ExpandedObjectHeader header;
	HistoryLog *log;
	History    *flat;			/* the same, packed; NULL if not asked for */
} ExpandedHistory;

static Size
expanded_flat_size(ExpandedObjectHeader *header)
{
	ExpandedHistory *expanded = (ExpandedHistory *) header;

	if (expanded->flat == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(header->eoh_context);

		expanded->flat = log_pack(expanded->log);
		MemoryContextSwitchTo(old);
	}
	return VARSIZE(expanded->flat);
}

static void
expanded_flatten(ExpandedObjectHeader *header, void *result, Size size)
{
	memcpy(result, ((ExpandedHistory *) header)->flat, size);
}

static const ExpandedObjectMethods expanded_methods = {
	expanded_flat_size,
	expanded_flatten
};

static ExpandedHistory *
expanded_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "expanded history",
												  ALLOCSET_START_SMALL_SIZES);
	ExpandedHistory *expanded = MemoryContextAlloc(context, sizeof(ExpandedHistory));

	EOH_init_header(&expanded->header, &expanded_methods, context);
	expanded->log = log_create(context);
	expanded->flat = NULL;
	return expanded;
}

static void
expanded_add(ExpandedHistory *expanded, const History *history)
{
	OpenHistory open;

	if (expanded->flat != NULL)
		pfree(expanded->flat);
	expanded->flat = NULL;
	history_open(&open, history);
	for (size_t i = 0; i < open.n; i++)
		expanded->log = log_add(expanded->log, &open.days[i], open.decimals);
	history_close(&open);
}

/* Transition and combine function of sum(history); outside of it, plain + */
PG_FUNCTION_INFO_V1(history_sum);
Datum
history_sum(PG_FUNCTION_ARGS)
{
	Pointer		state = PG_GETARG_POINTER(0);
	History    *added = PG_GETARG_HISTORY_PP(1);
	MemoryContext context;
	ExpandedHistory *expanded;

	if (!AggCheckCallContext(fcinfo, &context))
		return history_pl(fcinfo);
	if (VARATT_IS_EXTERNAL_EXPANDED_RW(state))
		expanded = (ExpandedHistory *) DatumGetEOHP(PointerGetDatum(state));
	else
	{
		History    *sum = PG_GETARG_HISTORY_PP(0);

		if (HISTORY_LENGTH(sum) + HISTORY_LENGTH(added) < EXPAND_SIZE)
			return history_pl(fcinfo);
		expanded = expanded_create(context);
		expanded_add(expanded, sum);
	}
	expanded_add(expanded, added);
	PG_FREE_IF_COPY(added, 1);
	return EOHPGetRWDatum(&expanded->header);
}
