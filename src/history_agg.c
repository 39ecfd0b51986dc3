/*
 * history_agg.c
 *		history_agg, which makes a history from rows, and sum(history), which
 *		merges histories.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fixed.h"
#include "history_build.h"
#include "utils/date.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "compat.h"

/* ---- history_agg ---- */

/*
 * Transition and inverse: arguments are the state, day, value and maybe counts.
 * The four cases of NULL: the first row makes the state, even if it is ignored
 * for want of a day or value, since a moving aggregate may not return NULL;
 * later such rows leave the state alone.
 */
static Datum
accumulate(FunctionCallInfo fcinfo, Oid type, FixedError (*read) (Datum, int64 *, int *), int sign)
{
	MemoryContext context = aggregate_context(fcinfo);
	HistoryLog *log = PG_ARGISNULL(0) ? NULL : (HistoryLog *) PG_GETARG_POINTER(0);
	HistoryDay	day;
	int			decimals;

	if (log == NULL)
		log = history_log_create(context);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(log);
	day.day = history_check_day(PG_GETARG_DATEADT(1));
	fixed_check(read(PG_GETARG_DATUM(2), &day.total, &decimals), type, PG_GETARG_DATUM(2));
	if (PG_NARGS() > 3 && !PG_ARGISNULL(3))
		day.events = PG_GETARG_BOOL(3);
	else
		day.events = day.total >= 0;
	day.events *= sign;
	day.total *= sign;
	if (day.events != 0 || day.total != 0)
		log = history_log_append(log, &day, decimals);
	PG_RETURN_POINTER(log);
}

PG_FUNCTION_INFO_V1(history_agg_add_numeric);
Datum
history_agg_add_numeric(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, NUMERICOID, fixed_from_numeric, 1);
}

PG_FUNCTION_INFO_V1(history_agg_remove_numeric);
Datum
history_agg_remove_numeric(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, NUMERICOID, fixed_from_numeric, -1);
}

PG_FUNCTION_INFO_V1(history_agg_add_float8);
Datum
history_agg_add_float8(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, FLOAT8OID, fixed_from_float8, 1);
}

PG_FUNCTION_INFO_V1(history_agg_remove_float8);
Datum
history_agg_remove_float8(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, FLOAT8OID, fixed_from_float8, -1);
}

PG_FUNCTION_INFO_V1(history_agg_add_float4);
Datum
history_agg_add_float4(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, FLOAT4OID, fixed_from_float4, 1);
}

PG_FUNCTION_INFO_V1(history_agg_remove_float4);
Datum
history_agg_remove_float4(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, FLOAT4OID, fixed_from_float4, -1);
}

PG_FUNCTION_INFO_V1(history_agg_add_int8);
Datum
history_agg_add_int8(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, INT8OID, fixed_from_int8, 1);
}

PG_FUNCTION_INFO_V1(history_agg_remove_int8);
Datum
history_agg_remove_int8(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, INT8OID, fixed_from_int8, -1);
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
		if (log == NULL)
			log = history_log_create(context);
		log = history_log_merge(log, (HistoryLog *) PG_GETARG_POINTER(1));
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
	PG_RETURN_BYTEA_P((bytea *) history_log_pack((HistoryLog *) PG_GETARG_POINTER(0)));
}

PG_FUNCTION_INFO_V1(history_agg_deserialize);
Datum
history_agg_deserialize(PG_FUNCTION_ARGS)
{
	OpenHistory open;
	HistoryLog *log;

	aggregate_context(fcinfo);
	history_open(&open, (History *) PG_GETARG_BYTEA_PP(0));	/* trusts no byte */
	log = history_log_of(&open);
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
	PG_RETURN_HISTORY_P(history_log_pack((HistoryLog *) PG_GETARG_POINTER(0)));
}

/*
 * is_scorable(day, value): can a row become part of a history? What it accepts
 * is what keep_going of source_histories keeps.
 */
static Datum
is_scorable(FunctionCallInfo fcinfo, FixedError (*read) (Datum, int64 *, int *))
{
	int64		value;
	int			decimals;

	PG_RETURN_BOOL(!DATE_NOT_FINITE(PG_GETARG_DATEADT(0)) &&
				   read(PG_GETARG_DATUM(1), &value, &decimals) == FIXED_OK &&
				   fixed_is_sane(value, decimals));
}

PG_FUNCTION_INFO_V1(is_scorable_numeric);
Datum
is_scorable_numeric(PG_FUNCTION_ARGS)
{
	return is_scorable(fcinfo, fixed_from_numeric);
}

PG_FUNCTION_INFO_V1(is_scorable_float8);
Datum
is_scorable_float8(PG_FUNCTION_ARGS)
{
	return is_scorable(fcinfo, fixed_from_float8);
}

PG_FUNCTION_INFO_V1(is_scorable_float4);
Datum
is_scorable_float4(PG_FUNCTION_ARGS)
{
	return is_scorable(fcinfo, fixed_from_float4);
}

PG_FUNCTION_INFO_V1(is_scorable_int8);
Datum
is_scorable_int8(PG_FUNCTION_ARGS)
{
	return is_scorable(fcinfo, fixed_from_int8);
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

		expanded->flat = history_log_pack(expanded->log);
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
	for (size_t i = 0; i < open.n; i++)
		expanded->log = history_log_append(expanded->log, &open.days[i], open.decimals);
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

/* ---- sums that may be too large ---- */

/*
 * try_sum(history) and try_add(history, history): like sum and +, but NULL
 * where a total doesn't fit. The state is a log, or NULL once that happened;
 * between processes it travels as the history, and overflow as no bytes.
 */
typedef struct TrySum
{
	HistoryLog *log;
} TrySum;

static void
try_sum_add(TrySum *state, const OpenHistory *open)
{
	for (size_t i = 0; state->log != NULL && i < open->n; i++)
	{
		HistoryDay	day = open->days[i];

		if (history_log_try_append(&state->log, &day, open->decimals) != HISTORY_OK)
		{
			pfree(state->log);
			state->log = NULL;
		}
	}
}

static TrySum *
try_sum_create(MemoryContext context)
{
	TrySum	   *state = MemoryContextAlloc(context, sizeof(TrySum));

	state->log = history_log_create(context);
	return state;
}

/* The sum, or NULL; the state remains the same value */
static History *
try_sum_result(TrySum *state)
{
	return state->log != NULL ? history_log_try_pack(state->log) : NULL;
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

PG_FUNCTION_INFO_V1(history_try_sum_combine);
Datum
history_try_sum_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	TrySum	   *state = PG_ARGISNULL(0) ? NULL : (TrySum *) PG_GETARG_POINTER(0);
	TrySum	   *other = PG_ARGISNULL(1) ? NULL : (TrySum *) PG_GETARG_POINTER(1);
	OpenHistory open;

	RETURN_ONLY_STATE();
	if (state == NULL)
		state = try_sum_create(context);
	if (other->log == NULL || history_log_try_open(&open, other->log) != HISTORY_OK)
		state->log = NULL;
	else
	{
		try_sum_add(state, &open);
		history_close(&open);
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(history_try_sum_serialize);
Datum
history_try_sum_serialize(PG_FUNCTION_ARGS)
{
	TrySum	   *state = (TrySum *) PG_GETARG_POINTER(0);
	bytea	   *result;

	aggregate_context(fcinfo);
	result = (bytea *) try_sum_result(state);
	if (result == NULL)
	{
		result = palloc(VARHDRSZ);
		SET_VARSIZE(result, VARHDRSZ);
	}
	PG_RETURN_BYTEA_P(result);
}

PG_FUNCTION_INFO_V1(history_try_sum_deserialize);
Datum
history_try_sum_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	TrySum	   *state;
	OpenHistory open;

	aggregate_context(fcinfo);
	state = try_sum_create(CurrentMemoryContext);
	if (VARSIZE_ANY_EXHDR(data) == 0)
		state->log = NULL;
	else
	{
		history_open(&open, (History *) data);	/* trusts no byte */
		state->log = history_log_of(&open);
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
