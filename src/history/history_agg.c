/*
 * history_agg.c
 *		history_agg, which makes a history from rows, and sum(history), which
 *		merges histories.
 */
#include "postgres.h"

#include "fixed.h"
#include "history.h"
#include "history_wide.h"
#include "utils/date.h"
#include "utils/expandeddatum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "compat.h"

/* ---- history_agg ---- */

/* How to read argument n, by its type; found once for all rows */
static const FixedReader *
value_reader(FunctionCallInfo fcinfo, int n)
{
	const FixedReader *reader = fcinfo->flinfo->fn_extra;

	if (unlikely(reader == NULL))
	{
		Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);

		reader = fixed_reader(OidIsValid(type) ? getBaseType(type) : type);
		if (reader == NULL)
			elog(ERROR, "no way to read values of type %u", type);
		fcinfo->flinfo->fn_extra = unconstify(FixedReader *, reader);
	}
	return reader;
}

/*
 * Transition and inverse: arguments are the state, day, value and maybe counts.
 * The four cases of NULL: the first row makes the state, even if it is ignored
 * because it lacks a day or value, since a moving aggregate may not return
 * NULL; later such rows leave the state alone.
 */
static inline Datum
accumulate(FunctionCallInfo fcinfo, int sign)
{
	MemoryContext context = aggregate_context(fcinfo);
	HistoryLog *log = PG_ARGISNULL(0) ? NULL : (HistoryLog *) PG_GETARG_POINTER(0);
	const FixedReader *reader;
	HistoryDay	day;
	int			decimals;

	if (log == NULL)
		log = history_log_create(context);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(log);
	day.day = history_check_day(PG_GETARG_DATEADT(1));
	reader = value_reader(fcinfo, 2);
	fixed_check(reader->read(PG_GETARG_DATUM(2), &day.total, &decimals), reader->type,
				PG_GETARG_DATUM(2));
	if (PG_NARGS() > 3 && !PG_ARGISNULL(3))
		day.events = PG_GETARG_BOOL(3);
	else
		day.events = day.total >= 0;
	day.events *= sign;
	day.total *= sign;
	if (day.events != 0 || day.total != 0)
		history_check(history_log_append(&server_host, &log, &day, decimals));
	PG_RETURN_POINTER(log);
}

PG_FUNCTION_INFO_V1(history_agg_add);
Datum
history_agg_add(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, 1);
}

PG_FUNCTION_INFO_V1(history_agg_remove);
Datum
history_agg_remove(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, -1);
}

/* Append the days of a history. */
static void
log_add_days(HistoryLog **log, OpenHistory *open)
{
	for (size_t i = 0; i < open->n; i++)
		history_check(history_log_append(&server_host, log, &open->days[i], open->decimals));
	history_close(open);
}

/* Combine: the same four cases. The second state is not changed. */
PG_FUNCTION_INFO_V1(history_agg_combine);
Datum
history_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	HistoryLog *log = PG_ARGISNULL(0) ? NULL : (HistoryLog *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		OpenHistory open;

		if (log == NULL)
			log = history_log_create(context);
		history_check(history_log_open(&server_host, &open, (HistoryLog *) PG_GETARG_POINTER(1)));
		log_add_days(&log, &open);
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
	aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P((bytea *) history_of_log((HistoryLog *) PG_GETARG_POINTER(0)));
}

PG_FUNCTION_INFO_V1(history_agg_deserialize);
Datum
history_agg_deserialize(PG_FUNCTION_ARGS)
{
	OpenHistory open;
	HistoryLog *log = history_log_create(CurrentMemoryContext);

	aggregate_context(fcinfo);
	history_open(&open, (History *) PG_GETARG_BYTEA_PP(0));	/* trusts no byte */
	history_check(history_log_replace(&server_host, &log, &open));
	history_close(&open);
	PG_RETURN_POINTER(log);
}

PG_FUNCTION_INFO_V1(history_agg_final);
Datum
history_agg_final(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_HISTORY_P(history_pack(NULL, 0, 0));
	PG_RETURN_HISTORY_P(history_of_log((HistoryLog *) PG_GETARG_POINTER(0)));
}

/*
 * _is_scorable(day, value): can a row become part of a model's history? What it
 * accepts is what source_histories takes.
 */
PG_FUNCTION_INFO_V1(is_scorable);
Datum
is_scorable(PG_FUNCTION_ARGS)
{
	int64		value;
	int			decimals;

	PG_RETURN_BOOL(is_scorable_day(PG_GETARG_DATEADT(0)) &&
				   value_reader(fcinfo, 1)->read(PG_GETARG_DATUM(1), &value,
												 &decimals) == FIXED_OK &&
				   fixed_is_sane(value, decimals));
}

/*
 * _scorable_history(day, value, counts): the history of such a row alone; NULL: it
 * can't be scored
 */
PG_FUNCTION_INFO_V1(scorable_history);
Datum
scorable_history(PG_FUNCTION_ARGS)
{
	HistoryDay	day;
	int			decimals;
	size_t		n = 1;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || !is_scorable_day(PG_GETARG_DATEADT(0)) ||
		value_reader(fcinfo, 1)->read(PG_GETARG_DATUM(1), &day.total, &decimals) != FIXED_OK ||
		!fixed_is_sane(day.total, decimals))
		PG_RETURN_NULL();
	day.day = PG_GETARG_DATEADT(0);
	day.events = PG_ARGISNULL(2) ? day.total >= 0 : PG_GETARG_BOOL(2);
	history_check(history_normalise(&day, &n, NULL));
	PG_RETURN_HISTORY_P(history_pack(&day, n, decimals));
}

/* ---- sum(history) ---- */

/*
 * The state of sum is a history, so that it travels between workers and
 * servers like any value. While it is short, adding to it means unpacking and
 * packing it again. From this size on that would be too much work for each row,
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

		expanded->flat = history_of_log(expanded->log);
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
	expanded->log = history_log_create(context);
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
	log_add_days(&expanded->log, &open);
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

/* ---- sums that may be too large ---- */

/*
 * try_sum(history) and _try_add(history, history): like sum and +, but NULL
 * where a total doesn't fit. What they say must not depend on the order of the
 * histories: from the first total that doesn't fit on, numbers are wider.
 */
typedef struct TrySum
{
	HistoryLog *log;			/* NULL once a total didn't fit */
	HistoryWide wide;			/* from then on */
	MemoryContext context;
} TrySum;

/* From the log, which an append that fails has left as it was */
static void
wide_start(TrySum *state)
{
	HistoryLog *log = state->log;
	size_t		n = history_log_count(log);
	HistoryDay *days = history_alloc_days(n);

	history_log_read(log, days);
	history_check(history_wide_add(&server_host, &state->wide, days, n, log->decimals));
	state->log = NULL;
	pfree(days);
	pfree(log);
}

static void
try_sum_add(TrySum *state, const OpenHistory *open)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);
	size_t		i = 0;

	while (i < open->n && state->log != NULL)
	{
		HistoryDay	day = open->days[i];
		HistoryError error = history_log_append(&server_host, &state->log, &day, open->decimals);

		if (error == HISTORY_OK)
			i++;
		else if (error == HISTORY_OVERFLOW)
			wide_start(state);
		else
			history_raise(error);
	}
	history_check(history_wide_add(&server_host, &state->wide, open->days + i, open->n - i,
								   open->decimals));
	MemoryContextSwitchTo(old);
}

static TrySum *
try_sum_create(MemoryContext context)
{
	TrySum	   *state = MemoryContextAlloc(context, sizeof(TrySum));

	state->log = history_log_create(context);
	history_wide_init(&state->wide);
	state->context = context;
	return state;
}

/* The sum, or NULL; the state remains the same value */
static History *
try_sum_result(TrySum *state)
{
	History    *result = state->log != NULL ? history_of_log_if_it_fits(state->log) : NULL;
	OpenHistory open;
	HistoryError error;

	if (result != NULL)
		return result;
	if (state->log != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(state->context);

		wide_start(state);
		MemoryContextSwitchTo(old);
	}
	error = history_wide_open(&server_host, &open, &state->wide);
	if (error == HISTORY_OVERFLOW)
		return NULL;
	history_check(error);
	result = history_pack(open.days, open.n, open.decimals);
	history_close(&open);
	return result;
}

PG_FUNCTION_INFO_V1(history_try_sum);
Datum
history_try_sum(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	TrySum	   *state = PG_ARGISNULL(0) ? try_sum_create(context) : (TrySum *) PG_GETARG_POINTER(0);
	OpenHistory open;

	if (!PG_ARGISNULL(1))
	{
		history_open(&open, PG_GETARG_HISTORY_PP(1));
		try_sum_add(state, &open);
		history_close(&open);
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(history_try_sum_final);
Datum
history_try_sum_final(PG_FUNCTION_ARGS)
{
	History    *result;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_HISTORY_P(history_pack(NULL, 0, 0));
	result = try_sum_result((TrySum *) PG_GETARG_POINTER(0));
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_HISTORY_P(result);
}

PG_FUNCTION_INFO_V1(history_try_add);
Datum
history_try_add(PG_FUNCTION_ARGS)
{
	TrySum	   *state = try_sum_create(CurrentMemoryContext);
	OpenHistory open;
	History    *result;

	for (int i = 0; i < 2; i++)
	{
		history_open(&open, PG_GETARG_HISTORY_PP(i));
		try_sum_add(state, &open);
		history_close(&open);
	}
	result = try_sum_result(state);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_HISTORY_P(result);
}
