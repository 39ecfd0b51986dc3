/*
 * regularity.c
 *		What the times between orders say of how regular these are: ln_gaps for
 *		MBG/CNBD-k, and the aggregate regularity, by the last two times of each
 *		customer (Wheat and Morrison 1990).
 *
 * Where gaps are Erlang-k, the share of one in the sum of two has the
 * distribution Beta(k, k), whatever the customer's rate, with the variance
 * 1 / (8 k + 4). Which of the two is the one makes no difference to its square
 * distance from 1/2, which is summed without rounding.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "utils/float.h"

#include "aggregate.h"
#include "arguments.h"
#include "btyd.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "memory.h"

bool
read_ln_gaps(const History *history, DateADT as_of, int unit_days, double *ln_gaps)
{
	OpenHistory open;
	int			active = 0;
	DateADT		last = 0;

	*ln_gaps = 0;
	history_open(&open, history);
	for (size_t i = 0; i < open.n && open.days[i].day <= as_of; i++)
	{
		if (open.days[i].events <= 0)
			continue;
		if (active++ > 0)
			*ln_gaps += log(((double) open.days[i].day - last) / unit_days);
		last = open.days[i].day;
	}
	history_close(&open);
	return active > 0;
}

/* Arguments: history, as_of, unit_days */
PG_FUNCTION_INFO_V1(btyd_ln_gaps);
Datum
btyd_ln_gaps(PG_FUNCTION_ARGS)
{
	DateADT		as_of = check_day("as_of", PG_GETARG_DATEADT(1));
	int			unit_days = check_unit_days(PG_GETARG_INT32(2));
	double		sum;

	if (!read_ln_gaps(PG_GETARG_HISTORY_PP(0), as_of, unit_days, &sum))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sum);
}

typedef struct RegularityState
{
	int64		n;				/* customers with two gaps */
	ExactSum	squares;
} RegularityState;

static RegularityState *
state_make(MemoryContext context)
{
	RegularityState *state = MemoryContextAlloc(context, sizeof(RegularityState));

	state->n = 0;
	exact_sum_init(&state->squares, resize_memory);
	return state;
}

/* The last two gaps between event days by as_of; false if there are fewer */
static bool
last_gaps(const History *history, DateADT as_of, double *last, double *before)
{
	OpenHistory open;
	DateADT		days[3] = {0};	/* the last one first */
	int			found = 0;

	history_open(&open, history);
	for (size_t i = open.n; i > 0 && found < 3; i--)
	{
		if (open.days[i - 1].day <= as_of && open.days[i - 1].events > 0)
			days[found++] = open.days[i - 1].day;
	}
	history_close(&open);
	*last = (double) days[0] - days[1];
	*before = (double) days[1] - days[2];
	return found == 3;
}

/* Arguments: state, history, as_of */
PG_FUNCTION_INFO_V1(regularity_transition);
Datum
regularity_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	RegularityState *state = PG_ARGISNULL(0) ? state_make(context) :
		(RegularityState *) PG_GETARG_POINTER(0);
	double		last;
	double		before;

	if (!PG_ARGISNULL(2))
		check_day("as_of", PG_GETARG_DATEADT(2));
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) &&
		last_gaps(PG_GETARG_HISTORY_PP(1), PG_GETARG_DATEADT(2), &last, &before))
	{
		double		off = (last - before) / (last + before) / 2;

		old_context = MemoryContextSwitchTo(context);
		exact_sum_add(&state->squares, off * off);
		MemoryContextSwitchTo(old_context);
		state->n++;
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(regularity_combine);
Datum
regularity_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	RegularityState *state = PG_ARGISNULL(0) ? NULL : (RegularityState *) PG_GETARG_POINTER(0);
	RegularityState *other = PG_ARGISNULL(1) ? NULL : (RegularityState *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	old_context = MemoryContextSwitchTo(context);
	if (state == NULL)
		state = state_make(context);
	state->n += other->n;
	exact_sum_merge(&state->squares, &other->squares);
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(regularity_serialize);
Datum
regularity_serialize(PG_FUNCTION_ARGS)
{
	RegularityState *state;
	StringInfoData buffer;
	unsigned char bytes[EXACT_SUM_MAX_BYTES];

	(void) aggregate_context(fcinfo);
	state = (RegularityState *) PG_GETARG_POINTER(0);
	pq_begintypsend(&buffer);
	pq_sendint64(&buffer, state->n);
	pq_sendbytes(&buffer, (char *) bytes, (int) exact_sum_write(&state->squares, bytes));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

PG_FUNCTION_INFO_V1(regularity_deserialize);
Datum
regularity_deserialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	RegularityState *state;
	size_t		rest;
	double		sum;

	state_read(fcinfo, &buffer);
	if (buffer.len <= 8)
		corrupt_state("aggregate regularity");
	state = state_make(CurrentMemoryContext);
	state->n = pq_getmsgint64(&buffer);
	rest = (size_t) (buffer.len - buffer.cursor);
	if (exact_sum_read(&state->squares, (unsigned char *) buffer.data + buffer.cursor,
					   rest) != rest)
		corrupt_state("aggregate regularity");
	sum = exact_sum_double(&state->squares);
	/* each is less than 1/4 */
	if (state->n < 0 || state->n > AGGREGATE_MAX_ROWS ||
		!(sum >= 0 && sum <= 0.25 * (double) state->n))
		corrupt_state("aggregate regularity");
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(regularity_final);
Datum
regularity_final(PG_FUNCTION_ARGS)
{
	RegularityState *state;
	double		variance;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (RegularityState *) PG_GETARG_POINTER(0);
	if (state->n == 0)
		PG_RETURN_NULL();
	variance = exact_sum_double(&state->squares) / (double) state->n;
	if (variance == 0)
		PG_RETURN_FLOAT8(get_float8_infinity());
	PG_RETURN_FLOAT8((1 - 4 * variance) / (8 * variance));
}
