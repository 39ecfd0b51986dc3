/*
 * category_sums.c
 *		What many customers did of each category: how many they are, their
 *		interest, and that of the two windows that a trend compares.
 *
 * One customer has dozens of categories, so that rows of them, sorted by segment
 * and category, would cost far more than the sums do.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "category.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "memory.h"

PG_FUNCTION_INFO_V1(category_sums_transition);
PG_FUNCTION_INFO_V1(category_sums_combine);
PG_FUNCTION_INFO_V1(category_sums_serialize);
PG_FUNCTION_INFO_V1(category_sums_deserialize);
PG_FUNCTION_INFO_V1(category_sums_final);

typedef struct CategorySum
{
	int64		customers;		/* with an event of the category */
	ExactSum	weight;
	ExactSum	recent;
	ExactSum	before;
} CategorySum;

typedef struct CategorySums
{
	int			n;
	CategorySum sums[FLEXIBLE_ARRAY_MEMBER];
} CategorySums;

/* What is added of a category, in the order of the result's columns */
#define SUMS 3

static ExactSum *
get_sum(CategorySum *sum, int i)
{
	return i == 0 ? &sum->weight : i == 1 ? &sum->recent : &sum->before;
}

static CategorySums *
make_sums(MemoryContext context, int n)
{
	CategorySums *state = MemoryContextAllocHuge(context, offsetof(CategorySums, sums) +
												 (Size) n * sizeof(CategorySum));

	state->n = n;
	for (int i = 0; i < n; i++)
	{
		state->sums[i].customers = 0;
		for (int j = 0; j < SUMS; j++)
			exact_sum_init(get_sum(&state->sums[i], j), resize_memory);
	}
	return state;
}

/* The state of a call with n categories, a new one in the first */
static CategorySums *
get_state(FunctionCallInfo fcinfo, MemoryContext context, int n)
{
	CategorySums *state;

	if (PG_ARGISNULL(0))
		return make_sums(context, n);
	state = (CategorySums *) PG_GETARG_POINTER(0);
	if (state->n != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("categories of one group must be the same"),
				 errhint("Group by tenant.")));
	return state;
}

/* Arguments: state, categories, streams, as_of */
Datum
category_sums_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	const Categories *categories;
	CategorySums *state;
	CategoryFacts *facts;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		RETURN_STATE();
	categories = get_categories(fcinfo, 1);
	state = get_state(fcinfo, context, categories->n);
	facts = category_facts(fcinfo, categories, 2, false);
	old_context = MemoryContextSwitchTo(context);
	for (int i = 0; i < categories->n; i++)
	{
		CategorySum *sum = &state->sums[i];

		if (!facts[i].active)
			continue;
		sum->customers++;
		exact_sum_add(&sum->weight, facts[i].weight);
		exact_sum_add(&sum->recent, facts[i].recent);
		exact_sum_add(&sum->before, facts[i].before);
	}
	MemoryContextSwitchTo(old_context);
	pfree(facts);
	PG_RETURN_POINTER(state);
}

Datum
category_sums_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	CategorySums *state;
	CategorySums *other;

	RETURN_ONLY_STATE();
	other = (CategorySums *) PG_GETARG_POINTER(1);
	old_context = MemoryContextSwitchTo(context);
	state = get_state(fcinfo, context, other->n);
	for (int i = 0; i < state->n; i++)
	{
		state->sums[i].customers += other->sums[i].customers;
		for (int j = 0; j < SUMS; j++)
			exact_sum_merge(get_sum(&state->sums[i], j), get_sum(&other->sums[i], j));
	}
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(state);
}

Datum
category_sums_serialize(PG_FUNCTION_ARGS)
{
	CategorySums *state;
	StringInfoData buffer;
	unsigned char bytes[EXACT_SUM_MAX_BYTES];

	(void) aggregate_context(fcinfo);
	state = (CategorySums *) PG_GETARG_POINTER(0);
	state_write(&buffer, 4 + state->n * (int64) (8 + SUMS * EXACT_SUM_MAX_BYTES), "categories", state->n);
	pq_sendint32(&buffer, state->n);
	for (int i = 0; i < state->n; i++)
	{
		pq_sendint64(&buffer, state->sums[i].customers);
		for (int j = 0; j < SUMS; j++)
			pq_sendbytes(&buffer, (char *) bytes,
						 (int) exact_sum_write(get_sum(&state->sums[i], j), bytes));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* The bytes of a category without events: a sum takes three at least. */
#define LEAST_BYTES (8 + 3 * SUMS)

Datum
category_sums_deserialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	CategorySums *state;
	int			n;

	(void) aggregate_context(fcinfo);
	state_read(fcinfo, &buffer);
	n = buffer.len < 4 ? -1 : (int) pq_getmsgint(&buffer, 4);
	if (n < 0 || n > (buffer.len - buffer.cursor) / LEAST_BYTES)
		corrupt_state("categories");
	state = make_sums(CurrentMemoryContext, n);
	for (int i = 0; i < n; i++)
	{
		CategorySum *sum = &state->sums[i];

		if (buffer.len - buffer.cursor < 8)
			corrupt_state("categories");
		sum->customers = pq_getmsgint64(&buffer);
		if (sum->customers < 0 || sum->customers > AGGREGATE_MAX_ROWS)
			corrupt_state("categories");
		for (int j = 0; j < SUMS; j++)
		{
			size_t		taken = exact_sum_read(get_sum(sum, j),
											   (unsigned char *) buffer.data + buffer.cursor,
											   buffer.len - buffer.cursor);

			if (taken == 0)
				corrupt_state("categories");
			buffer.cursor += (int) taken;
		}
	}
	if (buffer.cursor != buffer.len)
		corrupt_state("categories");
	PG_RETURN_POINTER(state);
}

/* Arrays of the categories, in their order: customers, weight, recent, before */
Datum
category_sums_final(PG_FUNCTION_ARGS)
{
	CategorySums *state;
	TupleDesc	desc;
	Datum	   *elements;
	Datum		values[1 + SUMS];
	bool		nulls[lengthof(values)] = {false};

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (CategorySums *) PG_GETARG_POINTER(0);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != lengthof(values))
		elog(ERROR, "return type must be a row of arrays");
	elements = palloc(Max(state->n, 1) * sizeof(Datum));
	for (int i = 0; i < state->n; i++)
		elements[i] = Int64GetDatum(state->sums[i].customers);
	values[0] = PointerGetDatum(construct_array(elements, state->n, INT8OID, 8, FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	for (int j = 0; j < SUMS; j++)
	{
		for (int i = 0; i < state->n; i++)
			elements[i] = Float8GetDatum(exact_sum_double(get_sum(&state->sums[i], j)) + 0.0);
		values[1 + j] = PointerGetDatum(construct_array(elements, state->n, FLOAT8OID, 8,
														FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
