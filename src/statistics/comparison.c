/*
 * comparison.c
 *		The aggregates compare_rates and compare_means: what is needed of each
 *		group of a test, as a document that comparison_table reads.
 *
 * Counts are integers and sums are not rounded, so that no order of the rows
 * and no plan changes a digit.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "memory.h"
#include "number_text.h"
#include "score/score.h"

PG_FUNCTION_INFO_V1(compare_rates_transition);
PG_FUNCTION_INFO_V1(compare_means_transition);
PG_FUNCTION_INFO_V1(compare_means_before_transition);
PG_FUNCTION_INFO_V1(comparison_combine);
PG_FUNCTION_INFO_V1(comparison_serialize);
PG_FUNCTION_INFO_V1(comparison_deserialize);
PG_FUNCTION_INFO_V1(compare_rates_final);
PG_FUNCTION_INFO_V1(compare_means_final);
PG_FUNCTION_INFO_V1(compare_means_before_final);

/* More than these are no groups of a test, but keys. */
#define MAX_GROUPS	1000

#define STATE_OWNER	"aggregates compare_rates and compare_means"

/* Sums of a group: of values, of values before, and of their products */
enum
{
	SUM_Y,
	SUM_YY,
	SUM_X,
	SUM_XX,
	SUM_XY,
	SUMS
};

typedef struct Group
{
	int32		number;
	int64		n;
	int64		successes;
	ExactSum	sums[SUMS];
} Group;

/* Groups in the order of their numbers */
typedef struct ComparisonState
{
	int64		left_out;		/* rows with a NULL */
	int			count;
	int			room;
	int			last;			/* the group of the last row: often of the next, too */
	Group	   *groups;
} ComparisonState;

/* ---- state ---- */

/* In the current memory context, as are all of its parts */
static ComparisonState *
state_make(void)
{
	return palloc0(sizeof(ComparisonState));
}

static Group *
find_group(ComparisonState *state, int32 number)
{
	int			low = 0;
	int			high = state->count;
	Group	   *group;

	if (state->count > 0 && state->groups[state->last].number == number)
		return &state->groups[state->last];
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (state->groups[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	state->last = low;
	if (low < state->count && state->groups[low].number == number)
		return &state->groups[low];
	if (state->count >= MAX_GROUPS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d groups can't be compared", MAX_GROUPS),
				 errhint("group_no is the number of a group, as ab_group gives it, not the key of a customer.")));
	ARRAY_ROOM(state->groups, state->count, state->room, 4);
	group = &state->groups[low];
	memmove(group + 1, group, sizeof(Group) * (Size) (state->count - low));
	memset(group, 0, sizeof(Group));
	group->number = number;
	for (int i = 0; i < SUMS; i++)
		exact_sum_init(&group->sums[i], resize_memory);
	state->count++;
	return group;
}

/* The one door: a row, or one that lacks something, which is counted */
static Datum
add_row(FunctionCallInfo fcinfo, int values)
{
	MemoryContext old_context = MemoryContextSwitchTo(aggregate_context(fcinfo));
	ComparisonState *state = PG_ARGISNULL(0) ? state_make() :
		(ComparisonState *) PG_GETARG_POINTER(0);
	bool		complete = !PG_ARGISNULL(1) && !PG_ARGISNULL(2) && (values < 2 || !PG_ARGISNULL(3));

	if (!complete)
		state->left_out++;
	else if (values == 0)
	{
		Group	   *group = find_group(state, PG_GETARG_INT32(1));

		group->n++;
		group->successes += PG_GETARG_BOOL(2) ? 1 : 0;
	}
	else
	{
		double		y = PG_GETARG_FLOAT8(2);
		Group	   *group;

		check_finite("value", y);
		if (values == 2)
			check_finite("before", PG_GETARG_FLOAT8(3));
		group = find_group(state, PG_GETARG_INT32(1));
		group->n++;
		exact_sum_add(&group->sums[SUM_Y], y);
		exact_sum_add_product(&group->sums[SUM_YY], y, y);
		if (values == 2)
		{
			double		x = PG_GETARG_FLOAT8(3);

			exact_sum_add(&group->sums[SUM_X], x);
			exact_sum_add_product(&group->sums[SUM_XX], x, x);
			exact_sum_add_product(&group->sums[SUM_XY], x, y);
		}
	}
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(state);
}

/* (group_no, success) */
Datum
compare_rates_transition(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, 0);
}

/* (group_no, value) */
Datum
compare_means_transition(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, 1);
}

/* (group_no, value, before) */
Datum
compare_means_before_transition(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, 2);
}

Datum
comparison_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	ComparisonState *state = PG_ARGISNULL(0) ? NULL : (ComparisonState *) PG_GETARG_POINTER(0);
	ComparisonState *other = PG_ARGISNULL(1) ? NULL : (ComparisonState *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	old_context = MemoryContextSwitchTo(context);
	if (state == NULL)
		state = state_make();
	state->left_out += other->left_out;
	for (int i = 0; i < other->count; i++)
	{
		Group	   *group = find_group(state, other->groups[i].number);

		group->n += other->groups[i].n;
		group->successes += other->groups[i].successes;
		for (int j = 0; j < SUMS; j++)
			exact_sum_merge(&group->sums[j], &other->groups[i].sums[j]);
	}
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(state);
}

Datum
comparison_serialize(PG_FUNCTION_ARGS)
{
	ComparisonState *state;
	StringInfoData buffer;
	unsigned char bytes[EXACT_SUM_MAX_BYTES];

	(void) aggregate_context(fcinfo);
	state = (ComparisonState *) PG_GETARG_POINTER(0);
	pq_begintypsend(&buffer);
	pq_sendint64(&buffer, (uint64) state->left_out);
	pq_sendint32(&buffer, (uint32) state->count);
	for (int i = 0; i < state->count; i++)
	{
		Group	   *group = &state->groups[i];

		pq_sendint32(&buffer, (uint32) group->number);
		pq_sendint64(&buffer, (uint64) group->n);
		pq_sendint64(&buffer, (uint64) group->successes);
		for (int j = 0; j < SUMS; j++)
			pq_sendbytes(&buffer, (char *) bytes,
						 (int) exact_sum_write(&group->sums[j], bytes));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

Datum
comparison_deserialize(PG_FUNCTION_ARGS)
{
	ComparisonState *state;
	StringInfoData buffer;
	uint32		count;

	state_read(fcinfo, &buffer);
	if (buffer.len < 12)
		corrupt_state(STATE_OWNER);
	state = state_make();
	state->left_out = pq_getmsgint64(&buffer);
	count = pq_getmsgint(&buffer, 4);
	if (state->left_out < 0 || state->left_out > AGGREGATE_MAX_ROWS || count > MAX_GROUPS)
		corrupt_state(STATE_OWNER);
	for (uint32 i = 0; i < count; i++)
	{
		int32		number;
		Group	   *group;

		if (buffer.len - buffer.cursor < 20)
			corrupt_state(STATE_OWNER);
		number = (int32) pq_getmsgint(&buffer, 4);
		if (i > 0 && number <= state->groups[i - 1].number)
			corrupt_state(STATE_OWNER);
		group = find_group(state, number);
		group->n = pq_getmsgint64(&buffer);
		group->successes = pq_getmsgint64(&buffer);
		if (group->n < 1 || group->n > AGGREGATE_MAX_ROWS || group->successes < 0 ||
			group->successes > group->n)
			corrupt_state(STATE_OWNER);
		for (int j = 0; j < SUMS; j++)
		{
			size_t		taken = exact_sum_read(&group->sums[j],
											   (unsigned char *) buffer.data + buffer.cursor,
											   (size_t) (buffer.len - buffer.cursor));

			if (taken == 0)
				corrupt_state(STATE_OWNER);
			buffer.cursor += (int) taken;
		}
	}
	if (buffer.cursor != buffer.len)
		corrupt_state(STATE_OWNER);
	PG_RETURN_POINTER(state);
}

/* ---- documents ---- */

/* n times the sum of the products, less the product of the sums; over n */
static double
deviation_products(const Group *group, int products, int one, int other)
{
	ExactSum	numerator;
	int			exponent;
	double		mantissa;

	exact_sum_init(&numerator, resize_memory);
	exact_sum_add_multiple(&numerator, &group->sums[products], (uint64) group->n);
	exact_sum_subtract_product(&numerator, &group->sums[one], &group->sums[other]);
	mantissa = exact_sum_scaled(&numerator, &exponent);
	if (numerator.limb)
		pfree(numerator.limb);
	return ldexp(mantissa / (double) group->n, exponent) + 0.0;
}

/* Sums that leave the range may well have a mean that doesn't. */
static double
mean_of(const ExactSum *sum, int64 n)
{
	int			exponent;
	double		mantissa = exact_sum_scaled(sum, &exponent);

	return ldexp(mantissa / (double) n, exponent) + 0.0;
}

static Datum
comparison_final(FunctionCallInfo fcinfo, const char *kind, int values)
{
	ComparisonState *state;
	StringInfoData out;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (ComparisonState *) PG_GETARG_POINTER(0);
	initStringInfo(&out);
	appendStringInfo(&out, "{\"kind\": \"%s\", \"left_out\": " INT64_FORMAT, kind, state->left_out);
	if (values == 2)
	{
		ExactSum	before;
		int64		n = 0;
		double		xx = 0.0;
		double		xy = 0.0;

		exact_sum_init(&before, resize_memory);
		for (int i = 0; i < state->count; i++)
		{
			n += state->groups[i].n;
			exact_sum_merge(&before, &state->groups[i].sums[SUM_X]);
			xx += deviation_products(&state->groups[i], SUM_XX, SUM_X, SUM_X);
			xy += deviation_products(&state->groups[i], SUM_XY, SUM_X, SUM_Y);
		}
		append_member(&out, "mean_before", n > 0 ? mean_of(&before, n) : NAN);
		/* the same for all groups; none where everything before is the same */
		append_member(&out, "theta", xx > 0.0 ? xy / xx : NAN);
	}
	appendStringInfoString(&out, ", \"groups\": [");
	for (int i = 0; i < state->count; i++)
	{
		Group	   *group = &state->groups[i];
		double		degrees = (double) (group->n - 1);

		appendStringInfo(&out, "%s{\"group_no\": %d, \"n\": " INT64_FORMAT, i > 0 ? ", " : "",
						 group->number, group->n);
		if (values == 0)
			appendStringInfo(&out, ", \"successes\": " INT64_FORMAT, group->successes);
		else
		{
			append_member(&out, "mean", mean_of(&group->sums[SUM_Y], group->n));
			append_member(&out, "variance",
						  deviation_products(group, SUM_YY, SUM_Y, SUM_Y) / degrees);
		}
		if (values == 2)
		{
			append_member(&out, "mean_before", mean_of(&group->sums[SUM_X], group->n));
			append_member(&out, "variance_before",
						  deviation_products(group, SUM_XX, SUM_X, SUM_X) / degrees);
			append_member(&out, "covariance",
						  deviation_products(group, SUM_XY, SUM_X, SUM_Y) / degrees);
		}
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

Datum
compare_rates_final(PG_FUNCTION_ARGS)
{
	return comparison_final(fcinfo, "rates", 0);
}

Datum
compare_means_final(PG_FUNCTION_ARGS)
{
	return comparison_final(fcinfo, "means", 1);
}

Datum
compare_means_before_final(PG_FUNCTION_ARGS)
{
	return comparison_final(fcinfo, "means with before", 2);
}
