/*
 * score.c
 *		Scores of one row (score, rfm_code, weighted_score) and the aggregates
 *		beside them (quantile_thresholds, weighted_mean).
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "memory.h"
#include "number_text.h"
#include "quantile.h"
#include "score.h"

PG_FUNCTION_INFO_V1(score);
PG_FUNCTION_INFO_V1(rfm_code);
PG_FUNCTION_INFO_V1(weighted_score);
PG_FUNCTION_INFO_V1(rfm_score);
PG_FUNCTION_INFO_V1(quantile_thresholds_transition);
PG_FUNCTION_INFO_V1(quantile_thresholds_combine);
PG_FUNCTION_INFO_V1(quantile_thresholds_serialize);
PG_FUNCTION_INFO_V1(quantile_thresholds_deserialize);
PG_FUNCTION_INFO_V1(quantile_thresholds_final);
PG_FUNCTION_INFO_V1(weighted_mean_transition);
PG_FUNCTION_INFO_V1(weighted_mean_combine);
PG_FUNCTION_INFO_V1(weighted_mean_serialize);
PG_FUNCTION_INFO_V1(weighted_mean_deserialize);
PG_FUNCTION_INFO_V1(weighted_mean_final);

/* State of quantile_thresholds: every value, and the bins of every row. */
typedef struct ThresholdsState
{
	int			bins;
	QuantileValues values;
} ThresholdsState;

/* Values to make room for at first: a group may well be a small one. */
#define THRESHOLDS_EXPECTED	64

#define NO_WEIGHT	"Use a weight of 0 to leave a score out."

/* State of weighted_mean, and the work of weighted_score. */
typedef struct WeightedMean
{
	ExactSum	total;			/* of score * weight */
	ExactSum	weight;
	double		lowest;			/* of the scores with a positive weight */
	double		highest;
} WeightedMean;

/*
 * Checks
 */

/* "argument" is the SQL name of the argument. */
void
check_finite(const char *argument, double value)
{
	if (unlikely(!isfinite(value)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite, not %s", argument, number_text(value)),
				 errhint("Give NULL in its place, to leave it out.")));
}

static void
check_weight(const char *argument, double weight)
{
	if (unlikely(!isfinite(weight) || weight < 0.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite and not negative, not %s", argument,
						number_text(weight)),
				 errhint(NO_WEIGHT)));
}

int
bins_argument(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		null_argument("bins", psprintf("Give a number between %d and %d.", MIN_BINS, MAX_BINS));
	return PG_GETARG_INT32(n);
}

/* One dimension or none; "argument" is the SQL name. */
static int
check_vector(const char *argument, ArrayType *array)
{
	if (ARR_NDIM(array) == 0)
		return 0;
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be an array of one dimension, not %d", argument, ARR_NDIM(array))));
	return ARR_DIMS(array)[0];
}

/* Returns the thresholds and their number; "argument" is the SQL name. */
const double *
check_thresholds(const char *argument, ArrayType *array, int *count)
{
	const double *threshold = (const double *) ARR_DATA_PTR(array);

	*count = check_vector(argument, array);
	if (*count == 0)
		return threshold;
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		null_element(argument, NULL);
	for (int i = 0; i < *count; i++)
	{
		if (unlikely(!isfinite(threshold[i])))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must be finite, not %s", argument, number_text(threshold[i]))));
		if (unlikely(i > 0 && threshold[i] < threshold[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must be in ascending order, but %.15g follows %.15g", argument,
							threshold[i], threshold[i - 1]),
					 errhint("Sort them in ascending order, also where low values are good.")));
	}
	return threshold;
}

/*
 * Scores of one row
 */

Datum
score(PG_FUNCTION_ARGS)
{
	double		value = PG_GETARG_FLOAT8(0);
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	int			count;
	const double *threshold = check_thresholds("thresholds", array, &count);
	int			result;

	check_finite("value", value);
	result = score_by_thresholds(value, threshold, count, PG_GETARG_BOOL(2));
	PG_FREE_IF_COPY(array, 1);
	PG_RETURN_INT32(result);
}

Datum
rfm_code(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"r", "f", "m"};
	const char *separator = "";
	int			scores[3];
	char		code[3 * 11 + 3];
	int			length = 0;

	for (int i = 0; i < 3; i++)
	{
		scores[i] = PG_GETARG_INT32(i);
		if (scores[i] < 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must be a score of 1 or more, not %d", names[i], scores[i])));
		if (scores[i] > 9)
			separator = "-";
	}
	for (int i = 0; i < 3; i++)
	{
		if (i > 0 && *separator)
			code[length++] = *separator;
		length += pg_ltoa(scores[i], code + length);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(code, length));
}

/*
 * Weighted means
 */

static void
weighted_mean_init(WeightedMean *mean)
{
	exact_sum_init(&mean->total, resize_memory);
	exact_sum_init(&mean->weight, resize_memory);
	mean->lowest = INFINITY;
	mean->highest = -INFINITY;
}

/* The one door into a mean. */
static void
weighted_mean_add(WeightedMean *mean, double value, double weight)
{
	check_finite("score", value);
	check_weight("weight", weight);
	if (weight == 0.0)
		return;
	value += 0.0;				/* -0 becomes 0 */
	exact_sum_add_product(&mean->total, value, weight);
	exact_sum_add(&mean->weight, weight);
	mean->lowest = Min(mean->lowest, value);
	mean->highest = Max(mean->highest, value);
}

static void
weighted_mean_merge(WeightedMean *mean, const WeightedMean *other)
{
	exact_sum_merge(&mean->total, &other->total);
	exact_sum_merge(&mean->weight, &other->weight);
	mean->lowest = Min(mean->lowest, other->lowest);
	mean->highest = Max(mean->highest, other->highest);
}

/* False if no score has a positive weight. */
static bool
weighted_mean_result(const WeightedMean *mean, double *result)
{
	int			total_exponent;
	int			weight_exponent;
	double		total = exact_sum_scaled(&mean->total, &total_exponent);
	double		weight = exact_sum_scaled(&mean->weight, &weight_exponent);

	if (mean->lowest > mean->highest || weight == 0.0)
		return false;
	*result = ldexp(total / weight, total_exponent - weight_exponent);

	/* A mean lies among its scores; the division may round it just out of there. */
	*result = Min(Max(*result, mean->lowest), mean->highest);
	return true;
}

/* x + y if that is exact; else sets *exact to false. */
static inline double
exact_plus(double x, double y, bool *exact)
{
	double		sum = x + y;
	double		y_part = sum - x;

	if ((x - (sum - y_part)) + (y - y_part) != 0.0)
		*exact = false;
	return sum;
}

/* x * y if both are small integers, else sets *exact to false. */
static inline double
exact_times(double x, double y, bool *exact)
{
	if (!(fabs(x) <= 0x1p26 && y <= 0x1p26 && x == rint(x) && y == rint(y)))
		*exact = false;
	return x * y;
}

static inline bool
is_null(const bits8 *bitmap, int i)
{
	return bitmap != NULL && !(bitmap[i / 8] & (1 << (i % 8)));
}

/* The same mean, however long the sums are */
static bool
wide_mean(const double *scores, const bits8 *bitmap, const double *weights, int count,
		  double *result)
{
	WeightedMean mean;
	bool		found;

	weighted_mean_init(&mean);
	for (int i = 0; i < count; i++)
	{
		if (!is_null(bitmap, i))
			weighted_mean_add(&mean, *scores++, weights[i]);
	}
	found = weighted_mean_result(&mean, result);
	if (mean.total.limb)
		pfree(mean.total.limb);
	if (mean.weight.limb)
		pfree(mean.weight.limb);
	return found;
}

/*
 * Whole scores and weights, the common case, need no wide arithmetic to give
 * the very same result. The scores that are NULL have no place in "scores".
 */
bool
weighted_mean(const double *scores, const bits8 *bitmap, const double *weights, int count,
			  double *result)
{
	const double *next = scores;
	bool		exact = true;
	double		total = 0.0;
	double		weight = 0.0;

	for (int i = 0; i < count; i++)
	{
		if (is_null(bitmap, i))
			continue;
		check_finite("scores", *next);
		total = exact_plus(total, exact_times(*next++, weights[i], &exact), &exact);
		weight = exact_plus(weight, weights[i], &exact);
	}
	if (!exact)
		return wide_mean(scores, bitmap, weights, count, result);
	if (weight > 0.0)
		*result = total / weight;
	return weight > 0.0;
}

const double *
check_weights(ArrayType *array, int *count)
{
	const double *weights = (const double *) ARR_DATA_PTR(array);

	*count = check_vector("weights", array);
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		null_element("weights", NO_WEIGHT);
	for (int i = 0; i < *count; i++)
		check_weight("weights", weights[i]);
	return weights;
}

static void
check_as_many_weights(int scores, int weights)
{
	if (scores != weights)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weights must have as many elements as scores, not %d for %d", weights, scores),
				 errhint("A missing score is a NULL in scores.")));
}

Datum
weighted_score(PG_FUNCTION_ARGS)
{
	ArrayType  *score_array = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *weight_array = PG_GETARG_ARRAYTYPE_P(1);
	int			count = check_vector("scores", score_array);
	int			nweights = check_vector("weights", weight_array);
	const double *weights;
	bool		found;
	double		result;

	check_as_many_weights(count, nweights);
	weights = check_weights(weight_array, &nweights);
	found = weighted_mean((const double *) ARR_DATA_PTR(score_array), ARR_NULLBITMAP(score_array),
						  weights, count, &result);
	PG_FREE_IF_COPY(score_array, 0);
	PG_FREE_IF_COPY(weight_array, 1);
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(result + 0.0);
}

/*
 * Arguments: r, f, m, weights. weighted_score of three scores, without an array
 * made for it: models ask for three of them for each customer.
 */
Datum
rfm_score(PG_FUNCTION_ARGS)
{
	ArrayType  *weight_array;
	double		scores[3];
	bits8		bitmap = 0;
	int			found = 0;
	int			count;
	const double *weights;
	bool		any;
	double		result;

	if (PG_ARGISNULL(3))
		PG_RETURN_NULL();
	weight_array = PG_GETARG_ARRAYTYPE_P(3);
	weights = check_weights(weight_array, &count);
	check_as_many_weights((int) lengthof(scores), count);
	for (int i = 0; i < (int) lengthof(scores); i++)
	{
		if (PG_ARGISNULL(i))
			continue;
		scores[found++] = PG_GETARG_INT32(i);
		bitmap |= (bits8) (1 << i);
	}
	any = weighted_mean(scores, &bitmap, weights, count, &result);
	PG_FREE_IF_COPY(weight_array, 3);
	if (!any)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(result + 0.0);
}

/*
 * Aggregates
 */

static ThresholdsState *
thresholds_state_make(MemoryContext context, int bins, int64 expected)
{
	MemoryContext old_context = MemoryContextSwitchTo(context);
	ThresholdsState *state = palloc(sizeof(ThresholdsState));

	check_bins(bins);
	state->bins = bins;
	quantile_values_init(&state->values, expected, QUANTILE_UNLIMITED);
	MemoryContextSwitchTo(old_context);
	return state;
}

static void
check_same_bins(int bins, int other)
{
	if (unlikely(bins != other))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must be the same for all rows, not %d and %d",
						Min(bins, other), Max(bins, other))));
}

Datum
quantile_thresholds_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ThresholdsState *state = PG_ARGISNULL(0) ? NULL : (ThresholdsState *) PG_GETARG_POINTER(0);
	int			bins = bins_argument(fcinfo, 2);

	if (state == NULL)
		state = thresholds_state_make(context, bins, THRESHOLDS_EXPECTED);
	else
		check_same_bins(state->bins, bins);
	if (!PG_ARGISNULL(1))
	{
		check_finite("value", PG_GETARG_FLOAT8(1));
		quantile_values_add(&state->values, PG_GETARG_FLOAT8(1));
	}
	PG_RETURN_POINTER(state);
}

/* The result is in the context of the aggregate, whichever side is empty. */
Datum
quantile_thresholds_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ThresholdsState *state = PG_ARGISNULL(0) ? NULL : (ThresholdsState *) PG_GETARG_POINTER(0);
	ThresholdsState *other = (ThresholdsState *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	if (state == NULL)
		state = thresholds_state_make(context, other->bins, other->values.count);
	check_same_bins(state->bins, other->bins);
	quantile_values_merge(&state->values, &other->values);
	PG_RETURN_POINTER(state);
}

/* bins, then the values. */
Datum
quantile_thresholds_serialize(PG_FUNCTION_ARGS)
{
	ThresholdsState *state;
	StringInfoData buffer;

	(void) aggregate_context(fcinfo);
	state = (ThresholdsState *) PG_GETARG_POINTER(0);
	state_write(&buffer, (int64) sizeof(int32) + state->values.count * (int64) sizeof(double),
				"values", state->values.count);
	pq_sendint32(&buffer, (uint32) state->bins);
	for (int64 i = 0; i < state->values.count; i++)
		pq_sendfloat8(&buffer, quantile_key_value(state->values.keys[i]));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

Datum
quantile_thresholds_deserialize(PG_FUNCTION_ARGS)
{
	ThresholdsState *state;
	StringInfoData buffer;
	int			bins;
	int64		count;

	state_read(fcinfo, &buffer);
	if (buffer.len < 4 || (buffer.len - 4) % 8 != 0)
		corrupt_state("aggregate quantile_thresholds");
	bins = (int) pq_getmsgint(&buffer, 4);
	count = (buffer.len - 4) / 8;
	if (bins < MIN_BINS || bins > MAX_BINS)
		corrupt_state("aggregate quantile_thresholds");
	state = thresholds_state_make(CurrentMemoryContext, bins, count);
	for (int64 i = 0; i < count; i++)
	{
		double		value = pq_getmsgfloat8(&buffer);

		if (!isfinite(value))
			corrupt_state("aggregate quantile_thresholds");
		quantile_values_add(&state->values, value);
	}
	PG_RETURN_POINTER(state);
}

/*
 * May reorder the values of the state, which mean the same in any order: for
 * the planner it only reads.
 */
Datum
quantile_thresholds_final(PG_FUNCTION_ARGS)
{
	ThresholdsState *state;
	Thresholds	thresholds;
	Datum		elements[MAX_BINS - 1];

	(void) aggregate_context(fcinfo);
	state = PG_ARGISNULL(0) ? NULL : (ThresholdsState *) PG_GETARG_POINTER(0);
	if (state == NULL || state->values.count == 0)
		PG_RETURN_NULL();
	find_quantile_thresholds(&state->values, state->bins, &thresholds);
	for (int i = 0; i < thresholds.count; i++)
		elements[i] = Float8GetDatum(thresholds.value[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, thresholds.count, FLOAT8OID,
										  sizeof(double), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static WeightedMean *
weighted_mean_make(MemoryContext context)
{
	WeightedMean *mean = MemoryContextAlloc(context, sizeof(WeightedMean));

	weighted_mean_init(mean);
	return mean;
}

Datum
weighted_mean_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	WeightedMean *mean = PG_ARGISNULL(0) ? NULL : (WeightedMean *) PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(1))
		RETURN_STATE();
	if (PG_ARGISNULL(2))
		null_argument("weight", NO_WEIGHT);
	old_context = MemoryContextSwitchTo(context);
	if (mean == NULL)
		mean = weighted_mean_make(context);
	weighted_mean_add(mean, PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2));
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(mean);
}

Datum
weighted_mean_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	WeightedMean *mean = PG_ARGISNULL(0) ? NULL : (WeightedMean *) PG_GETARG_POINTER(0);
	WeightedMean *other = (WeightedMean *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	old_context = MemoryContextSwitchTo(context);
	if (mean == NULL)
		mean = weighted_mean_make(context);
	weighted_mean_merge(mean, other);
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(mean);
}

/* lowest, highest, total, weight. */
Datum
weighted_mean_serialize(PG_FUNCTION_ARGS)
{
	WeightedMean *mean;
	StringInfoData buffer;
	unsigned char bytes[EXACT_SUM_MAX_BYTES];

	(void) aggregate_context(fcinfo);
	mean = (WeightedMean *) PG_GETARG_POINTER(0);
	pq_begintypsend(&buffer);
	pq_sendfloat8(&buffer, mean->lowest);
	pq_sendfloat8(&buffer, mean->highest);
	pq_sendbytes(&buffer, (char *) bytes, (int) exact_sum_write(&mean->total, bytes));
	pq_sendbytes(&buffer, (char *) bytes, (int) exact_sum_write(&mean->weight, bytes));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

Datum
weighted_mean_deserialize(PG_FUNCTION_ARGS)
{
	WeightedMean *mean;
	StringInfoData buffer;
	ExactSum   *sums[2];
	bool		empty;

	state_read(fcinfo, &buffer);
	if (buffer.len < 16)
		corrupt_state("aggregate weighted_mean");
	mean = weighted_mean_make(CurrentMemoryContext);
	mean->lowest = pq_getmsgfloat8(&buffer);
	mean->highest = pq_getmsgfloat8(&buffer);
	sums[0] = &mean->total;
	sums[1] = &mean->weight;
	for (int i = 0; i < 2; i++)
	{
		size_t		taken = exact_sum_read(sums[i], (unsigned char *) buffer.data + buffer.cursor,
										   (size_t) (buffer.len - buffer.cursor));

		if (taken == 0)
			corrupt_state("aggregate weighted_mean");
		buffer.cursor += (int) taken;
	}

	/* Either nothing has a weight, or scores and weights are what they can be. */
	empty = mean->weight.count == 0;
	if (buffer.cursor != buffer.len ||
		(empty ? mean->total.count != 0 || mean->lowest != INFINITY || mean->highest != -INFINITY :
		 mean->weight.limb[0] < 0 || !isfinite(mean->lowest) || !isfinite(mean->highest) ||
		 mean->lowest > mean->highest))
		corrupt_state("aggregate weighted_mean");
	PG_RETURN_POINTER(mean);
}

Datum
weighted_mean_final(PG_FUNCTION_ARGS)
{
	double		result;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0) || !weighted_mean_result((WeightedMean *) PG_GETARG_POINTER(0), &result))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(result + 0.0);
}
