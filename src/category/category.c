/*
 * category.c
 *		Categories of products: what a customer did of each until a day, which
 *		one they prefer, and why they prefer none.
 *
 * The interest of customer i in category c is the sum, over the streams of
 * categories, of weight * events * 2^(-age / half-life). Its share among all
 * categories is shrunk to the share that c has with all customers,
 *
 *		share = (interest in c + PRIOR * share of all) / (interest in all + PRIOR)
 *
 * so that one view says little and many orders say nearly all. The lift is the
 * share divided by the share of all.
 *
 * Days ascend in a history and histories in a value, so that sums are made in one
 * order: the same events give the same bits.
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "arguments.h"
#include "category.h"
#include "compat.h"
#include "fixed.h"

PG_FUNCTION_INFO_V1(plain_value);
PG_FUNCTION_INFO_V1(customer_categories);
PG_FUNCTION_INFO_V1(preferred_category);
PG_FUNCTION_INFO_V1(preferred_category_reason);

/* ---- the value of type _categories ---- */

/* Its attributes, in their order */
enum
{
	TAKEN_ON, NAMES, KEYS, NUMBERS, WEIGHTS, SHARES, ATTRIBUTES
};

pg_noreturn static void
malformed(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("malformed value of type _categories"),
			 errdetail_internal("%s", detail)));
}

/* An array of a type without NULLs; its elements where they are */
static ArrayType *
get_array(Datum value, bool isnull, Oid type, const char *name, int *n)
{
	ArrayType  *array;

	if (isnull)
		malformed(psprintf("%s is NULL.", name));
	array = DatumGetArrayTypeP(value);
	if (ARR_ELEMTYPE(array) != type || ARR_NDIM(array) > 1 || array_contains_nulls(array))
		malformed(psprintf("%s is no list.", name));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return array;
}

static const int32 *
get_numbers(Datum value, bool isnull, const char *name, int n)
{
	int			found;
	ArrayType  *array = get_array(value, isnull, INT4OID, name, &found);

	if (found != n)
		malformed(psprintf("%s has another number of elements.", name));
	return (const int32 *) ARR_DATA_PTR(array);
}

/* All of it in the current memory context */
static Categories *
read_categories(HeapTupleHeader header)
{
	Categories *result = palloc0(sizeof(Categories));
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											  HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header),.t_data = header};
	Datum		values[ATTRIBUTES];
	bool		nulls[ATTRIBUTES];
	Datum	   *names;
	const int32 *keys;

	if (desc->natts != ATTRIBUTES)
		malformed("It has another number of attributes.");
	heap_deform_tuple(&tuple, desc, values, nulls);
	ReleaseTupleDesc(desc);

	deconstruct_array(get_array(values[NAMES], nulls[NAMES], TEXTOID, "names", &result->n),
					  TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &result->n);
	result->names = palloc(Max(result->n, 1) * sizeof(text *));
	for (int i = 0; i < result->n; i++)
		result->names[i] = DatumGetTextPCopy(names[i]);

	get_array(values[KEYS], nulls[KEYS], INT4OID, "keys", &result->nkeys);
	keys = get_numbers(values[KEYS], false, "keys", result->nkeys);
	result->keys = palloc(Max(result->nkeys, 1) * sizeof(uint32));
	result->numbers = palloc(Max(result->nkeys, 1) * sizeof(int32));
	result->weights = palloc(Max(result->nkeys, 1) * sizeof(int32));
	memcpy(result->numbers, get_numbers(values[NUMBERS], nulls[NUMBERS], "numbers", result->nkeys),
		   result->nkeys * sizeof(int32));
	memcpy(result->weights, get_numbers(values[WEIGHTS], nulls[WEIGHTS], "weights", result->nkeys),
		   result->nkeys * sizeof(int32));
	result->other = -1;
	for (int i = 0; i < result->nkeys; i++)
	{
		if (keys[i] < (int32) STREAM_MIN_KEY || keys[i] > (int32) STREAM_MAX_KEY ||
			(i > 0 && keys[i] <= keys[i - 1]))
			malformed("keys do not ascend.");
		if (result->numbers[i] < 0 || result->numbers[i] >= result->n)
			malformed("numbers are none of a category.");
		if (result->weights[i] < 1 || result->weights[i] > 1000)
			malformed("weights are out of range.");
		result->keys[i] = (uint32) keys[i];
		if (STREAM_KIND_OF_KEY(result->keys[i]) == 0)
			result->other = result->numbers[i];
		result->has_lines |= result->weights[i] == CATEGORY_LINE;
	}
	if (!nulls[SHARES])
	{
		int			n;
		ArrayType  *shares = get_array(values[SHARES], false, FLOAT8OID, "shares", &n);

		if (n != result->n)
			malformed("shares has another number of elements.");
		result->shares = palloc(Max(n, 1) * sizeof(double));
		memcpy(result->shares, ARR_DATA_PTR(shares), n * sizeof(double));
		for (int i = 0; i < n; i++)
		{
			if (!(result->shares[i] >= 0 && result->shares[i] <= 1))
				malformed("shares are out of range.");
		}
	}
	for (int age = 0; age < CATEGORY_AGES; age++)
		result->decay[age] = exp2(-(double) age / CATEGORY_HALF_LIFE);
	return result;
}

/* What a call site remembers of the value that it was given last */
typedef struct KnownCategories
{
	MemoryContext context;
	char	   *bytes;
	Size		length;
	Categories *categories;
} KnownCategories;

const Categories *
get_categories(FunctionCallInfo fcinfo, int argument)
{
	KnownCategories *known = fcinfo->flinfo->fn_extra;
	HeapTupleHeader header = PG_GETARG_HEAPTUPLEHEADER(argument);
	Size		length = HeapTupleHeaderGetDatumLength(header);
	MemoryContext context,
				old;
	Categories *categories;

	if (known && known->length == length && memcmp(known->bytes, header, length) == 0)
		return known->categories;

	/* all of it is read before anything is replaced: this may fail */
	context = AllocSetContextCreate(CurrentMemoryContext, "categories", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	categories = read_categories(header);
	if (known == NULL)
		known = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
																  sizeof(KnownCategories));
	if (known->context)
		MemoryContextDelete(known->context);
	known->length = 0;
	known->bytes = memcpy(palloc(length), header, length);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, fcinfo->flinfo->fn_mcxt);
	known->context = context;
	known->categories = categories;
	known->length = length;
	return categories;
}

bool
category_of_entry(const Categories *categories, const StreamEntry *entry, int *number, int *weight)
{
	int			low = 0;
	int			high = categories->nkeys;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (categories->keys[middle] < entry->key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == categories->nkeys || categories->keys[low] != entry->key)
		return false;
	*number = categories->numbers[low];
	*weight = categories->weights[low];
	return true;
}

/*
 * A value that is not looked up or decompressed again for each row that it is
 * joined to
 */
Datum
plain_value(PG_FUNCTION_ARGS)
{
	if (get_typlen(get_fn_expr_argtype(fcinfo->flinfo, 0)) != -1)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	PG_RETURN_POINTER(PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
}

/* ---- one customer ---- */

/* Add the totals of days up to one; sums that don't fit become numeric. */
static void
add_revenue(CategoryFacts *facts, const OpenHistory *open, int64 upto)
{
	int64		sum = 0;
	bool		fits = facts->revenue == NULL &&
		(!facts->has_total || facts->decimals == open->decimals);

	for (size_t i = 0; fits && i < open->n && open->days[i].day <= upto; i++)
		fits = !__builtin_add_overflow(sum, open->days[i].total, &sum);
	if (fits)
		fits = !__builtin_add_overflow(facts->total, sum, &sum);
	if (fits)
	{
		facts->total = sum;
		facts->decimals = open->decimals;
		facts->has_total = true;
		return;
	}
	if (facts->revenue == NULL)
		facts->revenue = fixed_to_numeric(facts->total, facts->decimals);
	for (size_t i = 0; i < open->n && open->days[i].day <= upto; i++)
	{
		Numeric		total = fixed_to_numeric(open->days[i].total, open->decimals);

		facts->revenue = DatumGetNumeric(DirectFunctionCall2(numeric_add,
															 NumericGetDatum(facts->revenue),
															 NumericGetDatum(total)));
	}
}

static double
decay(const Categories *categories, int64 age)
{
	return age < CATEGORY_AGES ? categories->decay[age] :
		exp2(-(double) age / CATEGORY_HALF_LIFE);
}

static void
add_count(int64 *sum, int64 events)
{
	if (__builtin_add_overflow(*sum, events, sum))
		history_too_many_events();
}

/* Add what one history says of a category. */
static void
add_entry(const Categories *categories, CategoryFacts *facts, const StreamEntry *entry, int weight,
		  int64 as_of, bool with_revenue)
{
	OpenHistory open;
	double		decayed = 0;

	stream_histories_check(stream_unpack(&server_host, &open, entry));
	for (size_t i = 0; i < open.n && open.days[i].day <= as_of; i++)
	{
		const HistoryDay *day = &open.days[i];
		int64		age = as_of - day->day;

		add_count(&facts->events, day->events);
		if (weight == CATEGORY_LINE)
			add_count(&facts->orders, day->events);
		if (day->events <= 0)
			continue;			/* a correction */
		decayed += (double) day->events * decay(categories, age);
		if (age < CATEGORY_TREND_DAYS)
			facts->recent += (double) weight * (double) day->events;
		else if (age < 2 * CATEGORY_TREND_DAYS)
			facts->before += (double) weight * (double) day->events;
		if (!facts->active || day->day > facts->last_day)
			facts->last_day = day->day;
		facts->active = true;
		facts->bought |= weight == CATEGORY_LINE;
	}
	facts->weight += weight * decayed;
	if (with_revenue && weight == CATEGORY_LINE)
		add_revenue(facts, &open, as_of);
	history_close(&open);
}

CategoryFacts *
category_facts(FunctionCallInfo fcinfo, const Categories *categories, int streams,
			   bool with_revenue)
{
	CategoryFacts *facts = palloc0(Max(categories->n, 1) * sizeof(CategoryFacts));
	int64		as_of = check_day("as_of", PG_GETARG_DATEADT(streams + 1));
	StreamReader reader;
	StreamEntry entry;

	stream_histories_open(&reader, PG_GETARG_STREAM_HISTORIES_PP(streams));
	while (stream_histories_read(&reader, &entry))
	{
		int			number,
					weight;

		if (category_of_entry(categories, &entry, &number, &weight))
			add_entry(categories, &facts[number], &entry, weight, as_of, with_revenue);
		CHECK_FOR_INTERRUPTS();
	}
	return facts;
}

static double
weight_of_all(const Categories *categories, const CategoryFacts *facts)
{
	double		sum = 0;

	for (int i = 0; i < categories->n; i++)
		sum += facts[i].weight;
	return sum;
}

/* Among everything that the customer did; shares are known */
static double
share_of(const Categories *categories, const CategoryFacts *facts, int number, double all)
{
	return (facts[number].weight + CATEGORY_PRIOR * categories->shares[number]) /
		(all + CATEGORY_PRIOR);
}

/* The category that a customer prefers; -1: none */
static int
find_preferred(const Categories *categories, const CategoryFacts *facts)
{
	double		all = weight_of_all(categories, facts);
	double		best = 0;
	int			preferred = -1;

	if (categories->shares == NULL)
		return -1;
	/* of several the first by name */
	for (int i = 0; i < categories->n; i++)
	{
		double		share;

		if (i == categories->other || !facts[i].active || facts[i].events < CATEGORY_ENOUGH ||
			categories->shares[i] == 0)
			continue;
		share = share_of(categories, facts, i, all);
		if (share / categories->shares[i] > 1 && (preferred < 0 || share > best))
		{
			best = share;
			preferred = i;
		}
	}
	return preferred;
}

/* Arguments: categories, streams, as_of */
Datum
preferred_category(PG_FUNCTION_ARGS)
{
	const Categories *categories = get_categories(fcinfo, 0);
	CategoryFacts *facts = category_facts(fcinfo, categories, 1, false);
	int			preferred = find_preferred(categories, facts);

	pfree(facts);
	if (preferred < 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PointerGetDatum(categories->names[preferred]));
}

/* Why there is none; NULL if there is one */
Datum
preferred_category_reason(PG_FUNCTION_ARGS)
{
	const Categories *categories = get_categories(fcinfo, 0);
	CategoryFacts *facts = category_facts(fcinfo, categories, 1, false);
	bool		active = false;

	if (find_preferred(categories, facts) >= 0)
		PG_RETURN_NULL();
	for (int i = 0; i < categories->n; i++)
		active |= facts[i].active;
	pfree(facts);
	PG_RETURN_TEXT_P(cstring_to_text(active ? "no_preference" : "no_event"));
}

/* ---- a row for each category ---- */

typedef struct RankKey
{
	double		share;
	int			number;
} RankKey;

/* The largest share first, of equal ones the first by name */
static int
compare_ranks(const void *a, const void *b)
{
	const RankKey *left = a;
	const RankKey *right = b;

	if (left->share != right->share)
		return left->share > right->share ? -1 : 1;
	return left->number < right->number ? -1 : left->number > right->number;
}

/* The percentage of thresholds below the interest; -1: not known */
static int
appetence(const double *thresholds, int n, double weight)
{
	int			low = 0;
	int			high = n;

	if (n == 0 || isnan(thresholds[0]))
		return -1;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (thresholds[middle] < weight)
			low = middle + 1;
		else
			high = middle;
	}
	return (200 * low + n) / (2 * n);
}

/* Arguments: categories, thresholds or NULL, streams, as_of */
Datum
customer_categories(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const Categories *categories;
	CategoryFacts *facts;
	const double *thresholds = NULL;
	RankKey    *order;
	int			per_category = 0;
	int			n = 0;
	int			rank = 0;
	double		all;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return (Datum) 0;
	categories = get_categories(fcinfo, 0);
	if (!PG_ARGISNULL(1))
	{
		ArrayType  *array = get_array(PG_GETARG_DATUM(1), false, FLOAT8OID, "thresholds", &n);

		if (categories->n > 0 && n % categories->n != 0)
			malformed("thresholds are not as many for each category.");
		per_category = categories->n > 0 ? n / categories->n : 0;
		thresholds = (const double *) ARR_DATA_PTR(array);
	}
	facts = category_facts(fcinfo, categories, 2, true);
	all = weight_of_all(categories, facts);

	order = palloc(Max(categories->n, 1) * sizeof(RankKey));
	n = 0;
	for (int i = 0; i < categories->n; i++)
	{
		if (!facts[i].active)
			continue;
		order[n].number = i;
		order[n++].share = categories->shares ? share_of(categories, facts, i, all) :
			facts[i].weight;
	}
	qsort(order, n, sizeof(RankKey), compare_ranks);
	for (int i = 0; i < n; i++)
	{
		const CategoryFacts *fact = &facts[order[i].number];
		double		share = order[i].share;
		double		of_all = categories->shares ? categories->shares[order[i].number] : 0;
		bool		is_other = order[i].number == categories->other;
		int			percentile = thresholds == NULL ? -1 :
			appetence(thresholds + (size_t) order[i].number * per_category, per_category,
					  fact->weight);
		Numeric		revenue = !categories->has_lines ? NULL : fact->revenue ? fact->revenue :
			fixed_to_numeric(fact->total, fact->decimals);
		Datum		values[] = {
			PointerGetDatum(categories->names[order[i].number]),
			Int64GetDatum(fact->orders),
			Int64GetDatum(fact->events),
			NumericGetDatum(revenue),
			DateADTGetDatum(fact->last_day),
			Float8GetDatum(share),
			Float8GetDatum(of_all > 0 ? share / of_all : 0),
			Int32GetDatum(percentile),
			Int32GetDatum(is_other ? 0 : ++rank),
			Float8GetDatum(fact->weight),
			Float8GetDatum(fact->recent),
			Float8GetDatum(fact->before),
			BoolGetDatum(fact->bought)
		};
		bool		nulls[lengthof(values)] = {
			[3] = revenue == NULL,
			[5] = categories->shares == NULL,
			[6] = of_all == 0,
			[7] = percentile < 0,
			[8] = is_other
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		if (revenue)
			pfree(revenue);
	}
	pfree(order);
	pfree(facts);
	return (Datum) 0;
}
