/*
 * exact_sum_agg.c
 *		The aggregate exact_sum: the sum of doubles, rounded once, which no
 *		order of the rows and no plan changes. A dump that is restored has its
 *		rows in another order, and sum(float8) another last digit.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "memory.h"
#include "score.h"

PG_FUNCTION_INFO_V1(exact_sum_transition);
PG_FUNCTION_INFO_V1(exact_sum_combine);
PG_FUNCTION_INFO_V1(exact_sum_serialize);
PG_FUNCTION_INFO_V1(exact_sum_deserialize);
PG_FUNCTION_INFO_V1(exact_sum_final);

static ExactSum *
sum_make(MemoryContext context)
{
	ExactSum   *sum = MemoryContextAlloc(context, sizeof(ExactSum));

	exact_sum_init(sum, resize_memory);
	return sum;
}

/* There is no state as long as there is no value. */
Datum
exact_sum_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	ExactSum   *sum = PG_ARGISNULL(0) ? NULL : (ExactSum *) PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(1))
		RETURN_STATE();
	check_finite("value", PG_GETARG_FLOAT8(1));
	old_context = MemoryContextSwitchTo(context);
	if (sum == NULL)
		sum = sum_make(context);
	exact_sum_add(sum, PG_GETARG_FLOAT8(1));
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(sum);
}

Datum
exact_sum_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	ExactSum   *sum = PG_ARGISNULL(0) ? NULL : (ExactSum *) PG_GETARG_POINTER(0);
	ExactSum   *other = PG_ARGISNULL(1) ? NULL : (ExactSum *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	old_context = MemoryContextSwitchTo(context);
	if (sum == NULL)
		sum = sum_make(context);
	exact_sum_merge(sum, other);
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(sum);
}

Datum
exact_sum_serialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	unsigned char bytes[EXACT_SUM_MAX_BYTES];

	(void) aggregate_context(fcinfo);
	pq_begintypsend(&buffer);
	pq_sendbytes(&buffer, (char *) bytes,
				 (int) exact_sum_write((ExactSum *) PG_GETARG_POINTER(0), bytes));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

Datum
exact_sum_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes;
	ExactSum   *sum;

	(void) aggregate_context(fcinfo);
	bytes = PG_GETARG_BYTEA_PP(0);
	sum = sum_make(CurrentMemoryContext);
	if (VARSIZE_ANY_EXHDR(bytes) == 0 ||
		exact_sum_read(sum, (unsigned char *) VARDATA_ANY(bytes),
					   VARSIZE_ANY_EXHDR(bytes)) != VARSIZE_ANY_EXHDR(bytes))
		corrupt_state("aggregate exact_sum");
	PG_RETURN_POINTER(sum);
}

Datum
exact_sum_final(PG_FUNCTION_ARGS)
{
	double		result;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	result = exact_sum_double((ExactSum *) PG_GETARG_POINTER(0));
	if (isinf(result))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("sum is out of range for type double precision")));
	PG_RETURN_FLOAT8(result + 0.0);
}
