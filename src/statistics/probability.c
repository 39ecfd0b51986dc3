/*
 * probability.c
 *		Distributions, intervals and tests as SQL functions of plain numbers.
 *		The mathematics are in math/distribution.c and math/two_groups.c.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "arguments.h"
#include "compat.h"
#include "math/distribution.h"
#include "math/two_groups.h"
#include "number_text.h"
#include "score/score.h"
#include "statistics.h"

PG_FUNCTION_INFO_V1(statistics_normal_cdf);
PG_FUNCTION_INFO_V1(statistics_normal_quantile);
PG_FUNCTION_INFO_V1(statistics_chi_square_cdf);
PG_FUNCTION_INFO_V1(statistics_chi_square_quantile);
PG_FUNCTION_INFO_V1(statistics_student_t_cdf);
PG_FUNCTION_INFO_V1(statistics_student_t_quantile);
PG_FUNCTION_INFO_V1(statistics_beta_cdf);
PG_FUNCTION_INFO_V1(statistics_beta_quantile);
PG_FUNCTION_INFO_V1(statistics_wilson_interval);
PG_FUNCTION_INFO_V1(statistics_exact_interval);
PG_FUNCTION_INFO_V1(statistics_newcombe_interval);
PG_FUNCTION_INFO_V1(statistics_rates_test);
PG_FUNCTION_INFO_V1(statistics_fisher_exact);
PG_FUNCTION_INFO_V1(statistics_welch_test);
PG_FUNCTION_INFO_V1(statistics_always_valid_test);
PG_FUNCTION_INFO_V1(statistics_compare_rates_row);
PG_FUNCTION_INFO_V1(statistics_compare_means_row);
PG_FUNCTION_INFO_V1(statistics_compare_control);
PG_FUNCTION_INFO_V1(statistics_confidence_z);
PG_FUNCTION_INFO_V1(statistics_holm_adjust);
PG_FUNCTION_INFO_V1(statistics_sample_ratio);

/* Groups whose sizes have a smaller p than this were not drawn as was said. */
#define SAMPLE_RATIO_P	0.001

/* With so many degrees of freedom Student's t is the normal distribution to the last digit. */
#define NORMAL_DF	1e20

/* ---- checks ---- */

static double
check_probability(double p)
{
	if (!(p >= 0.0 && p <= 1.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("p must be between 0 and 1, but is %s", number_text(p))));
	return p;
}

static double
check_parameter(const char *argument, double value)
{
	if (!(value > 0.0 && value <= MAX_PARAMETER))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be above 0 and at most %.0f, but is %s", argument, MAX_PARAMETER,
						number_text(value))));
	return value;
}

static double
check_t_df(double df)
{
	if (!(df > 0.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("degrees_of_freedom must be above 0, but is %s", number_text(df))));
	return Min(df, NORMAL_DF);
}

double
check_confidence(double confidence)
{
	if (!(confidence > 0.0 && confidence < 1.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("confidence must be between 0 and 1, but is %s", number_text(confidence)),
				 errhint("Use 0.95 for intervals that hold the true value in 95 cases of 100.")));
	return 1.0 - confidence;
}

static double
check_not_negative(const char *argument, double value)
{
	check_finite(argument, value);
	if (value < 0.0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative, but is %s", argument, number_text(value))));
	return value;
}

/* A group of n by two arguments, of bigint */
static Rate
rate_argument(FunctionCallInfo fcinfo, int number, const char *successes_name, const char *n_name)
{
	int64		successes = PG_GETARG_INT64(number);
	int64		n = PG_GETARG_INT64(number + 1);

	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative, but is " INT64_FORMAT, n_name, n)));
	if (successes < 0 || successes > n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 0 and %s, but is " INT64_FORMAT " of " INT64_FORMAT,
						successes_name, n_name, successes, n)));
	return (Rate) {(double) successes, (double) n};
}

static Mean
mean_argument(FunctionCallInfo fcinfo, int number, const char *n_name, const char *mean_name,
			  const char *variance_name)
{
	int64		n = PG_GETARG_INT64(number);

	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative, but is " INT64_FORMAT, n_name, n)));
	check_finite(mean_name, PG_GETARG_FLOAT8(number + 1));
	check_not_negative(variance_name, PG_GETARG_FLOAT8(number + 2));
	return (Mean) {(double) n, PG_GETARG_FLOAT8(number + 1), PG_GETARG_FLOAT8(number + 2)};
}

static const void *
check_array(const char *argument, ArrayType *array, Oid type, int *count)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must have one dimension, but has %d", argument, ARR_NDIM(array))));
	if (array_contains_nulls(array))
		null_element(argument, NULL);
	if (ARR_ELEMTYPE(array) != type)
		elog(ERROR, "%s has elements of another type", argument);
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return ARR_DATA_PTR(array);
}

const double *
check_float8s(const char *argument, ArrayType *array, int *count)
{
	return check_array(argument, array, FLOAT8OID, count);
}

const int64 *
check_int8s(const char *argument, ArrayType *array, int *count)
{
	return check_array(argument, array, INT8OID, count);
}

#define SHARES_HINT	"Use '{0.5,0.5}' for two groups of one half each."

const double *
check_shares(ArrayType *array, int *count)
{
	const double *shares = check_float8s("shares", array, count);
	double		sum = 0.0;

	for (int i = 0; i < *count; i++)
	{
		if (!(shares[i] > 0.0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("shares must be above 0, but one is %s", number_text(shares[i])),
					 errhint(SHARES_HINT)));
		sum += shares[i];
	}
	if (!(fabs(sum - 1.0) <= 1e-9))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("shares must add up to 1, not to %s", number_text(sum)),
				 errhint(SHARES_HINT)));
	return shares;
}

/* ---- results ---- */

Datum
numbers_row(FunctionCallInfo fcinfo, const double *numbers, int count, const char *const *texts,
			int text_count)
{
	TupleDesc	desc;
	Datum		values[8];
	bool		nulls[8];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "the function must return a row type");
	Assert(desc->natts == count + text_count && desc->natts <= 8);
	for (int i = 0; i < count; i++)
	{
		values[i] = Float8GetDatum(numbers[i] + 0.0);
		nulls[i] = isnan(numbers[i]);
	}
	for (int i = 0; i < text_count; i++)
	{
		nulls[count + i] = texts[i] == NULL;
		values[count + i] = nulls[count + i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* NULL for an interval of nobody */
static Datum
interval_row(FunctionCallInfo fcinfo, bool known, Bounds interval)
{
	double		numbers[] = {known ? interval.low : NAN, known ? interval.high : NAN};

	return numbers_row(fcinfo, numbers, 2, NULL, 0);
}

/* One tail of two, of x in the first argument; NaN stays NaN */
static Datum
one_tail(double x, Tails tails, bool upper)
{
	if (isnan(x))
		PG_RETURN_FLOAT8(x);
	PG_RETURN_FLOAT8(upper ? tails.upper : tails.lower);
}

/* ---- distributions ---- */

/* (x, upper_tail) */
Datum
statistics_normal_cdf(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(0);

	return one_tail(x, normal_tails(x), PG_GETARG_BOOL(1));
}

/* (p) */
Datum
statistics_normal_quantile(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(normal_quantile(check_probability(PG_GETARG_FLOAT8(0))) + 0.0);
}

/* (x, degrees_of_freedom, upper_tail) */
Datum
statistics_chi_square_cdf(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(0);
	double		df = check_parameter("degrees_of_freedom", PG_GETARG_FLOAT8(1));

	return one_tail(x, chi_square_tails(x, df), PG_GETARG_BOOL(2));
}

/* (p, degrees_of_freedom) */
Datum
statistics_chi_square_quantile(PG_FUNCTION_ARGS)
{
	double		p = check_probability(PG_GETARG_FLOAT8(0));

	PG_RETURN_FLOAT8(chi_square_quantile(p, check_parameter("degrees_of_freedom",
															PG_GETARG_FLOAT8(1))));
}

/* (x, degrees_of_freedom, upper_tail) */
Datum
statistics_student_t_cdf(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(0);
	double		df = check_t_df(PG_GETARG_FLOAT8(1));

	return one_tail(x, student_t_tails(isnan(x) ? 0.0 : x, df), PG_GETARG_BOOL(2));
}

/* (p, degrees_of_freedom) */
Datum
statistics_student_t_quantile(PG_FUNCTION_ARGS)
{
	double		p = check_probability(PG_GETARG_FLOAT8(0));

	PG_RETURN_FLOAT8(student_t_quantile(p, check_t_df(PG_GETARG_FLOAT8(1))));
}

/* (x, a, b, upper_tail) */
Datum
statistics_beta_cdf(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(0);
	double		a = check_parameter("a", PG_GETARG_FLOAT8(1));
	double		b = check_parameter("b", PG_GETARG_FLOAT8(2));

	return one_tail(x, beta_tails(x, a, b), PG_GETARG_BOOL(3));
}

/* (p, a, b) */
Datum
statistics_beta_quantile(PG_FUNCTION_ARGS)
{
	double		p = check_probability(PG_GETARG_FLOAT8(0));
	double		a = check_parameter("a", PG_GETARG_FLOAT8(1));

	PG_RETURN_FLOAT8(beta_quantile(p, a, check_parameter("b", PG_GETARG_FLOAT8(2))));
}

/* ---- intervals and tests ---- */

/* (confidence) */
Datum
statistics_confidence_z(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-normal_quantile(0.5 * check_confidence(PG_GETARG_FLOAT8(0))));
}

/* (successes, n, confidence) */
Datum
statistics_wilson_interval(PG_FUNCTION_ARGS)
{
	Rate		group = rate_argument(fcinfo, 0, "successes", "n");
	double		alpha = check_confidence(PG_GETARG_FLOAT8(2));

	return interval_row(fcinfo, group.n > 0.0,
						wilson_interval(group, -normal_quantile(0.5 * alpha)));
}

/* (successes, n, confidence) */
Datum
statistics_exact_interval(PG_FUNCTION_ARGS)
{
	Rate		group = rate_argument(fcinfo, 0, "successes", "n");
	double		alpha = check_confidence(PG_GETARG_FLOAT8(2));

	check_parameter("n + 1", group.n + 1.0);
	return interval_row(fcinfo, group.n > 0.0, exact_interval(group, 0.5 * alpha));
}

/* (successes_1, n_1, successes_2, n_2, confidence) */
Datum
statistics_newcombe_interval(PG_FUNCTION_ARGS)
{
	Rate		first = rate_argument(fcinfo, 0, "successes_1", "n_1");
	Rate		second = rate_argument(fcinfo, 2, "successes_2", "n_2");
	double		alpha = check_confidence(PG_GETARG_FLOAT8(4));

	return interval_row(fcinfo, first.n > 0.0 && second.n > 0.0,
						newcombe_interval(first, second, -normal_quantile(0.5 * alpha)));
}

/* (successes_1, n_1, successes_2, n_2) to difference, z, p */
Datum
statistics_rates_test(PG_FUNCTION_ARGS)
{
	Rate		first = rate_argument(fcinfo, 0, "successes_1", "n_1");
	Rate		second = rate_argument(fcinfo, 2, "successes_2", "n_2");
	double		z = pooled_z(first, second);
	double		row[] = {second.successes / second.n - first.successes / first.n, z,
	2.0 * normal_tails(fabs(z)).upper};

	return numbers_row(fcinfo, row, 3, NULL, 0);
}

/* (successes_1, n_1, successes_2, n_2) */
Datum
statistics_fisher_exact(PG_FUNCTION_ARGS)
{
	Rate		first = rate_argument(fcinfo, 0, "successes_1", "n_1");
	Rate		second = rate_argument(fcinfo, 2, "successes_2", "n_2");

	check_parameter("n_1 + n_2 + 1", first.n + second.n + 1.0);
	if (first.n == 0.0 || second.n == 0.0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(fisher_exact(first, second));
}

/*
 * (n_1, mean_1, variance_1, n_2, mean_2, variance_2, confidence) to difference, t,
 * degrees_of_freedom, p, low, high
 */
Datum
statistics_welch_test(PG_FUNCTION_ARGS)
{
	Mean		first = mean_argument(fcinfo, 0, "n_1", "mean_1", "variance_1");
	Mean		second = mean_argument(fcinfo, 3, "n_2", "mean_2", "variance_2");
	Comparison	comparison = compare_two_means(first, second, 0.0,
											   check_confidence(PG_GETARG_FLOAT8(6)));
	double		difference = second.mean - first.mean;
	double		row[] = {first.n > 0.0 && second.n > 0.0 ? difference : NAN,
		comparison.why ? NAN : difference / sqrt(difference_variance(first, second)),
		comparison.why ? NAN : satterthwaite_df(first, second),
	comparison.p, comparison.low, comparison.high};

	return numbers_row(fcinfo, row, 6, NULL, 0);
}

/* (difference, variance, spread, confidence) to p, low, high */
Datum
statistics_always_valid_test(PG_FUNCTION_ARGS)
{
	double		difference = PG_GETARG_FLOAT8(0);
	double		variance = check_not_negative("variance", PG_GETARG_FLOAT8(1));
	double		spread = check_not_negative("spread", PG_GETARG_FLOAT8(2));
	double		alpha = check_confidence(PG_GETARG_FLOAT8(3));
	double		row[3] = {1.0, NAN, NAN};

	check_finite("difference", difference);
	/* no effect is thought of: no p says so, and no interval ends */
	if (spread > 0.0)
	{
		double		half = always_valid_half_width(variance, spread, alpha);

		row[0] = always_valid_p(difference, variance, spread);
		row[1] = difference - half;
		row[2] = difference + half;
	}
	return numbers_row(fcinfo, row, 3, NULL, 0);
}

/* Numbers and note of a row of comparison_table */
static Datum
comparison_row(FunctionCallInfo fcinfo, Comparison comparison)
{
	double		row[] = {comparison.low, comparison.high, comparison.p};
	const char *note = comparison.how;

	if (comparison.why)
		note = *note ? psprintf("%s; %s", note, comparison.why) : comparison.why;
	return numbers_row(fcinfo, row, 3, &note, 1);
}

/*
 * From argument "number" on: always_valid, relative_effect. 0 for one look; how
 * large an effect is thought of, relative to the first group, otherwise
 */
static double
effect_argument(FunctionCallInfo fcinfo, int number)
{
	double		effect = PG_GETARG_FLOAT8(number + 1);

	if (!PG_GETARG_BOOL(number))
		return 0.0;
	if (!(effect > 0.0 && effect <= 100.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("relative_effect must be above 0 and at most 100, but is %s",
						number_text(effect)),
				 errhint("Use 0.02 where an effect of 2 %% is what you think of.")));
	return effect;
}

/*
 * (successes_1, n_1, successes_2, n_2, always_valid, relative_effect, confidence)
 * to low, high, p, note
 */
Datum
statistics_compare_rates_row(PG_FUNCTION_ARGS)
{
	Rate		first = rate_argument(fcinfo, 0, "successes_1", "n_1");
	Rate		second = rate_argument(fcinfo, 2, "successes_2", "n_2");
	double		effect = effect_argument(fcinfo, 4);

	check_parameter("n_1 + n_2 + 1", first.n + second.n + 1.0);
	return comparison_row(fcinfo, compare_two_rates(first, second, effect,
													check_confidence(PG_GETARG_FLOAT8(6))));
}

/* (n_1, mean_1, variance_1, n_2, mean_2, variance_2, always_valid, relative_effect, confidence) */
Datum
statistics_compare_means_row(PG_FUNCTION_ARGS)
{
	Mean		first = mean_argument(fcinfo, 0, "n_1", "mean_1", "variance_1");
	Mean		second = mean_argument(fcinfo, 3, "n_2", "mean_2", "variance_2");
	double		effect = effect_argument(fcinfo, 6);

	return comparison_row(fcinfo, compare_two_means(first, second, effect,
													check_confidence(PG_GETARG_FLOAT8(8))));
}

/* (control, group_numbers): NULL without groups */
Datum
statistics_compare_control(PG_FUNCTION_ARGS)
{
	ArrayType  *array;
	const int32 *numbers;
	int			count;
	int32		lowest = PG_INT32_MAX;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	array = PG_GETARG_ARRAYTYPE_P(1);
	numbers = check_array("group_no", array, INT4OID, &count);
	for (int i = 0; i < count; i++)
	{
		if (!PG_ARGISNULL(0) && numbers[i] == PG_GETARG_INT32(0))
			PG_RETURN_INT32(numbers[i]);
		lowest = Min(lowest, numbers[i]);
	}
	if (count == 0)
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("control must be the number of a group, but none has the number %d",
						PG_GETARG_INT32(0))));
	PG_RETURN_INT32(lowest);
}

/* ---- several tests ---- */

typedef struct TestResult
{
	double		p;
	int			position;
} TestResult;

static int
compare_results(const void *a, const void *b)
{
	const TestResult *one = a;
	const TestResult *other = b;

	if (one->p != other->p)
		return one->p < other->p ? -1 : 1;
	return one->position - other->position;
}

/* (p[]): NULLs stay, and count for nothing */
Datum
statistics_holm_adjust(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			tests = 0;
	TestResult *results;
	double		adjusted = 0.0;
	int			dimensions[1];
	int			bounds[1] = {1};

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must have one dimension, but has %d", "p", ARR_NDIM(array))));
	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values,
					  &nulls, &count);
	if (count == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT8OID));
	results = palloc(sizeof(TestResult) * (Size) count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			results[tests++] = (TestResult) {check_probability(DatumGetFloat8(values[i])), i};
	}
	qsort(results, (size_t) tests, sizeof(TestResult), compare_results);
	for (int i = 0; i < tests; i++)
	{
		adjusted = Max(adjusted, Min(1.0, results[i].p * (tests - i)));
		values[results[i].position] = Float8GetDatum(adjusted);
	}
	dimensions[0] = count;
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, 1, dimensions, bounds, FLOAT8OID,
											 sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* (n[], shares[]) to chi2, p, flagged; shares NULL: all the same */
Datum
statistics_sample_ratio(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	const int64 *n;
	const double *shares = NULL;
	int			count;
	double		total = 0.0;
	double		chi2 = 0.0;
	double		p;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "the function must return a row type");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	n = check_int8s("n", PG_GETARG_ARRAYTYPE_P(0), &count);
	if (count < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must have the sizes of two groups or more, but has %d", count)));
	if (!PG_ARGISNULL(1))
	{
		int			groups;

		shares = check_shares(PG_GETARG_ARRAYTYPE_P(1), &groups);
		if (groups != count)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("n has %d groups, but shares has %d", count, groups)));
	}
	for (int i = 0; i < count; i++)
	{
		if (n[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("n must not be negative, but one is " INT64_FORMAT, n[i])));
		total += (double) n[i];
	}
	for (int i = 0; i < count; i++)
	{
		double		expected = total * (shares ? shares[i] : 1.0 / count);

		if (total > 0.0)
			chi2 += ((double) n[i] - expected) * (((double) n[i] - expected) / expected);
	}
	p = chi_square_tails(chi2, count - 1).upper;
	values[0] = Float8GetDatum(chi2);
	values[1] = Float8GetDatum(p);
	values[2] = BoolGetDatum(p < SAMPLE_RATIO_P);
	/* of nobody */
	nulls[0] = nulls[1] = nulls[2] = total == 0.0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
