/*
 * category_agg.c
 *		Which categories go together: of how many customers two of them are, and
 *		which one comes on the next day after which.
 *
 * The states are arrays of counts, so that workers send and add them as they are.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "aggregate.h"
#include "arguments.h"
#include "category.h"
#include "compat.h"
#include "memory.h"

PG_FUNCTION_INFO_V1(category_pairs_add);
PG_FUNCTION_INFO_V1(category_steps_add);
PG_FUNCTION_INFO_V1(category_counts_combine);
PG_FUNCTION_INFO_V1(category_last);

/* Categories whose pairs are counted: 72 MB */
#define MAX_PAIRED 3000

/* ---- states ---- */

static int64 *
counts_of(ArrayType *state)
{
	return (int64 *) ARR_DATA_PTR(state);
}

static inline void
count(int64 *counts, int64 n)
{
	if (unlikely(__builtin_add_overflow(*counts, n, counts)))
		history_too_many_events();
}

static int
number_of_counts(const ArrayType *state)
{
	if (ARR_ELEMTYPE(state) != INT8OID || ARR_NDIM(state) != 1 || ARR_HASNULL(state))
		corrupt_state("categories");
	return ARR_DIMS(state)[0];
}

/* The state of a call with n counts, all 0 in the first; a copy, unless an aggregate calls */
static ArrayType *
get_state(FunctionCallInfo fcinfo, int n)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + (Size) n * sizeof(int64);
	MemoryContext context;
	bool		in_aggregate = AggCheckCallContext(fcinfo, &context) != 0;
	ArrayType  *state;

	if (!PG_ARGISNULL(0))
	{
		state = in_aggregate ? PG_GETARG_ARRAYTYPE_P(0) : PG_GETARG_ARRAYTYPE_P_COPY(0);
		if (number_of_counts(state) != n)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("categories of one group must be the same"),
					 errhint("Group by tenant.")));
		return state;
	}
	state = MemoryContextAllocZero(in_aggregate ? context : CurrentMemoryContext, size);
	SET_VARSIZE(state, size);
	state->ndim = 1;
	state->elemtype = INT8OID;
	ARR_DIMS(state)[0] = n;
	ARR_LBOUND(state)[0] = 1;
	return state;
}

Datum
category_counts_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *state,
			   *other;
	int			n;

	RETURN_ONLY_STATE();
	other = PG_GETARG_ARRAYTYPE_P(1);
	n = number_of_counts(other);
	state = get_state(fcinfo, n);
	for (int i = 0; i < n; i++)
		count(&counts_of(state)[i], counts_of(other)[i]);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* ---- pairs ---- */

/* Does the history have an event up to a day? */
static bool
is_active(const StreamEntry *entry, int64 as_of)
{
	HistoryActivity activity;

	stream_histories_check(history_activity(entry->bytes, entry->len, HISTORY_SINCE_EVER, as_of,
											&activity));
	return activity.active_days > 0;
}

/*
 * Arguments: state, categories, streams, as_of. The counts are the number of
 * customers with any category, and for each two categories that of those with
 * both, by rows; those with the one in the diagonal, and only where the first is
 * not above the second.
 */
Datum
category_pairs_add(PG_FUNCTION_ARGS)
{
	const Categories *categories;
	ArrayType  *state;
	StreamReader reader;
	StreamEntry entry;
	bool	   *has;
	int		   *mine;
	int			n = 0;
	int64		as_of;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		RETURN_STATE();
	categories = get_categories(fcinfo, 1);
	if (categories->n > MAX_PAIRED)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%d categories are too many to count their pairs", categories->n),
				 errdetail("At most %d are counted.", MAX_PAIRED)));
	state = get_state(fcinfo, 1 + categories->n * categories->n);
	as_of = PG_GETARG_DATEADT(3);
	has = palloc0(Max(categories->n, 1) * sizeof(bool));
	mine = palloc(Max(categories->n, 1) * sizeof(int));

	stream_histories_open(&reader, PG_GETARG_STREAM_HISTORIES_PP(2));
	while (stream_histories_read(&reader, &entry))
	{
		int			number,
					weight;

		if (category_of_entry(categories, &entry, &number, &weight) && !has[number] &&
			category_is_step(categories, weight) && is_active(&entry, as_of))
			has[number] = true;
	}
	for (int i = 0; i < categories->n; i++)
	{
		if (has[i])
			mine[n++] = i;
	}
	if (n > 0)
		count(counts_of(state), 1);
	for (int i = 0; i < n; i++)
	{
		int64	   *row = counts_of(state) + 1 + (Size) mine[i] * categories->n;

		for (int j = i; j < n; j++)
			count(&row[mine[j]], 1);
	}
	pfree(has);
	pfree(mine);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* ---- steps ---- */

typedef struct Step
{
	int32		day;
	int32		number;
} Step;

typedef struct Steps
{
	Step	   *steps;			/* by day and category, each once */
	int			n;
	int			room;
} Steps;

static int
compare_steps(const void *a, const void *b)
{
	const Step *left = a;
	const Step *right = b;

	if (left->day != right->day)
		return left->day < right->day ? -1 : 1;
	return left->number < right->number ? -1 : left->number > right->number;
}

static void
add_steps(Steps *steps, const StreamEntry *entry, int number, int64 as_of)
{
	OpenHistory open;

	stream_histories_check(stream_unpack(&server_host, &open, entry));
	for (size_t i = 0; i < open.n && open.days[i].day <= as_of; i++)
	{
		if (open.days[i].events <= 0)
			continue;
		ARRAY_ROOM(steps->steps, steps->n, steps->room, 64);
		steps->steps[steps->n].day = open.days[i].day;
		steps->steps[steps->n++].number = number;
	}
	history_close(&open);
}

/* On which days a customer came for what; "wanted" NULL: or nothing, if not for one of these */
static void
read_steps(Steps *steps, const Categories *categories, const StreamHistories *streams, int64 as_of,
		   const bool *wanted)
{
	StreamReader reader;
	StreamEntry entry;
	bool		found = wanted == NULL;
	int			number,
				weight,
				n = 0;

	steps->steps = NULL;
	steps->n = steps->room = 0;
	/* most customers have none of them, which the keys say */
	stream_histories_open(&reader, streams);
	while (!found && stream_histories_read(&reader, &entry))
		found = category_of_entry(categories, &entry, &number, &weight) && wanted[number];
	if (!found)
		return;
	stream_histories_open(&reader, streams);
	while (stream_histories_read(&reader, &entry))
	{
		if (category_of_entry(categories, &entry, &number, &weight) &&
			category_is_step(categories, weight))
			add_steps(steps, &entry, number, as_of);
		CHECK_FOR_INTERRUPTS();
	}
	if (steps->n == 0)
		return;
	qsort(steps->steps, steps->n, sizeof(Step), compare_steps);
	for (int i = 1; i < steps->n; i++)
	{
		if (compare_steps(&steps->steps[n], &steps->steps[i]) != 0)
			steps->steps[++n] = steps->steps[i];
	}
	steps->n = n + 1;
}

/* The end of the day that begins at a step */
static int
end_of_day(const Steps *steps, int start)
{
	int			end = start;

	while (end < steps->n && steps->steps[end].day == steps->steps[start].day)
		end++;
	return end;
}

/*
 * Arguments: state, categories, streams, as_of, from: numbers of categories, from 1
 * on. The counts are how often one of these had a next day, then how often
 * each category came on it, and of how many customers.
 */
Datum
category_steps_add(PG_FUNCTION_ARGS)
{
	const Categories *categories;
	ArrayType  *state;
	ArrayType  *from;
	int64	   *counts;
	bool	   *wanted,
			   *came;
	Steps		steps;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		RETURN_STATE();
	categories = get_categories(fcinfo, 1);
	state = get_state(fcinfo, 1 + 2 * categories->n);
	counts = counts_of(state);
	wanted = palloc0(Max(categories->n, 1) * sizeof(bool));
	came = palloc0(Max(categories->n, 1) * sizeof(bool));
	from = PG_GETARG_ARRAYTYPE_P(4);
	if (ARR_NDIM(from) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("from must be a one-dimensional array")));
	if (array_contains_nulls(from))
		null_element("from", NULL);
	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(from), ARR_DIMS(from)); i++)
	{
		int32		number = ((int32 *) ARR_DATA_PTR(from))[i];

		if (number < 1 || number > categories->n)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("from must hold numbers between 1 and %d, but has %d", categories->n,
							number)));
		wanted[number - 1] = true;
	}

	read_steps(&steps, categories, PG_GETARG_STREAM_HISTORIES_PP(2), PG_GETARG_DATEADT(3), wanted);
	for (int start = 0; start < steps.n;)
	{
		int			next = end_of_day(&steps, start);
		int			end = end_of_day(&steps, next);
		int64		n = 0;

		for (int i = start; i < next && next < steps.n; i++)
			n += wanted[steps.steps[i].number];
		count(&counts[0], n);
		for (int i = next; n > 0 && i < end; i++)
		{
			count(&counts[1 + steps.steps[i].number], n);
			came[steps.steps[i].number] = true;
		}
		start = next;
	}
	for (int i = 0; i < categories->n; i++)
		count(&counts[1 + categories->n + i], came[i]);
	if (steps.steps)
		pfree(steps.steps);
	pfree(wanted);
	pfree(came);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* The categories of a customer's last day, by number; NULL: there is no such day */
Datum
category_last(PG_FUNCTION_ARGS)
{
	Steps		steps;
	Datum	   *numbers;
	int			n = 0;

	read_steps(&steps, get_categories(fcinfo, 0), PG_GETARG_STREAM_HISTORIES_PP(1),
			   check_day("as_of", PG_GETARG_DATEADT(2)), NULL);
	if (steps.n == 0)
		PG_RETURN_NULL();
	numbers = palloc(steps.n * sizeof(Datum));
	for (int i = steps.n - 1; i >= 0 && steps.steps[i].day == steps.steps[steps.n - 1].day; i--)
		numbers[n++] = Int32GetDatum(steps.steps[i].number + 1);
	PG_RETURN_ARRAYTYPE_P(construct_array(numbers, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
