/*
 * interval.c
 *		Between which values a prediction lies among the fits of a bootstrap,
 *		and why there is no saying.
 *
 * Each function has a bare form, in the unit of the fits, and one that takes a
 * history and asks in days. What differs between predictions is one function of
 * a fit, and what it needs to know.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "btyd.h"

/* Of the fits, so many in ten must have parameters: the rest would make intervals too narrow. */
#define NEEDED_TENTHS	9

/* Days with an event within a horizon that an interval of their number goes to */
#define MAX_DAYS		10000

/* What is asked of each fit */
typedef struct Question
{
	Customer	customer;
	double		horizon;		/* or the rate of a discount */
	int32		n;
	bool		m_known;
	double		m;
	Terms		terms;
} Question;

/* NaN: no answer. spend_of is NULL unless two kinds of fits answer together. */
typedef double (*Answer) (const Fit *fit, const Fit *spend_of, const Question *question);

static double
answer_alive(const Fit *fit, const Fit *spend_of, const Question *question)
{
	(void) spend_of;
	return alive(fit, &question->customer);
}

static double
answer_expected(const Fit *fit, const Fit *spend_of, const Question *question)
{
	(void) spend_of;
	return expected(fit, &question->customer, question->horizon);
}

static double
answer_probability(const Fit *fit, const Fit *spend_of, const Question *question)
{
	(void) spend_of;
	return probability_after(fit, question->n, &question->customer, question->horizon);
}

static double
answer_residual(const Fit *fit, const Fit *spend_of, const Question *question)
{
	(void) spend_of;
	return residual(fit, &question->customer, question->horizon);
}

static double
answer_spend(const Fit *fit, const Fit *spend_of, const Question *question)
{
	const char *reason;

	(void) spend_of;
	return mean_spend(fit, question->customer.x, question->m_known, question->m, &reason);
}

static double
answer_clv(const Fit *fit, const Fit *spend_of, const Question *question)
{
	double		mean = answer_spend(spend_of, NULL, question);

	return isnan(mean) ? NAN : lifetime_value(fit, &question->customer, mean, &question->terms);
}

/* ---- bounds ---- */

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Quantile of type 7 of sorted values */
static double
quantile(const double *values, int n, double share)
{
	double		position = share * (n - 1);
	int			at = (int) floor(position);

	if (at >= n - 1)
		return values[n - 1];
	return values[at] + (values[at + 1] - values[at]) * (position - at);
}

static bool
are_enough(int found, int count)
{
	return found > 0 && 10 * (int64) found >= NEEDED_TENTHS * (int64) count;
}

static Datum
row_of(FunctionCallInfo fcinfo, Datum lower, Datum upper)
{
	Datum		bounds[2] = {lower, upper};
	bool		nulls[2] = {false, false};

	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(fit_result_desc(fcinfo), bounds, nulls)));
}

/* The middle of the answers of the fits, or of fits and fits of spend, pair by pair */
static Datum
interval(FunctionCallInfo fcinfo, const Fit *fits, const Fit *spend_of, int count, Answer answer,
		 const Question *question, double level)
{
	double	   *values = palloc((Size) Max(count, 1) * sizeof(double));
	int			found = 0;
	double		lower;
	double		upper;

	for (int i = 0; i < count; i++)
	{
		double		value = NAN;

		if (fits[i].usable && (spend_of == NULL || spend_of[i].usable))
			value = answer(&fits[i], spend_of ? &spend_of[i] : NULL, question);
		if (isfinite(value))
			values[found++] = value;
	}
	if (!are_enough(found, count))
	{
		pfree(values);
		PG_RETURN_NULL();
	}
	qsort(values, (size_t) found, sizeof(double), compare_doubles);
	lower = quantile(values, found, (1 - level) / 2);
	upper = quantile(values, found, (1 + level) / 2);
	pfree(values);
	return row_of(fcinfo, Float8GetDatum(lower), Float8GetDatum(upper));
}

/*
 * The bounds of one customer's count: of the mean of what each fit says of it.
 * The fits differ by what is not known of the parameters, and each says how far
 * a count may be from its expectation.
 */
static Datum
count_interval(FunctionCallInfo fcinfo, const Fit *fits, int count, const Question *question,
			   double level)
{
	double		below = 0;		/* P(up to n) */
	int			lower = -1;
	int			usable = 0;

	for (int n = 0; n <= MAX_DAYS; n++)
	{
		double		sum = 0;
		int			found = 0;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < count; i++)
		{
			double		value = NAN;

			if (fits[i].usable)
				value = probability_after(&fits[i], n, &question->customer, question->horizon);
			if (!isnan(value))
			{
				sum += value;
				found++;
			}
		}
		if (n == 0)
			usable = found;
		if (found != usable || !are_enough(found, count))
			PG_RETURN_NULL();
		below += sum / usable;
		/* what rounding takes from the sum must not move a bound */
		if (lower < 0 && below + 1e-12 >= (1 - level) / 2)
			lower = n;
		if (below + 1e-12 >= (1 + level) / 2)
			return row_of(fcinfo, Int32GetDatum(lower), Int32GetDatum(n));
	}
	PG_RETURN_NULL();
}

/* ---- arguments ---- */

static double
check_level(double level)
{
	if (!(level > 0 && level < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("level must be between 0 and 1, but is %g", level),
				 errhint("With 0.9, nine of ten fits lie within the interval.")));
	return level;
}

/* History and as_of in the unit of the fits, which all have that of the first */
static bool
customer_of_fits(FunctionCallInfo fcinfo, int argument, const Fit *fits, int count,
				 Question *question, Repeats *repeats)
{
	for (int i = 1; i < count; i++)
	{
		if (fits[i].unit_days != fits[0].unit_days)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("fits must have the same unit_days, not %d and %d",
							fits[0].unit_days, fits[i].unit_days)));
	}
	return count > 0 && customer_of_history(fcinfo, argument, fits, &question->customer, repeats);
}

/*
 * fits, [n,] x, t_x, t or history, as_of, [amount,] level: the customer begins at
 * argument at; amount is a horizon, a rate or a discount a year, and NULL where
 * there is none. Of a history it is in days. False: there is no event.
 */
static bool
read_question(FunctionCallInfo fcinfo, int at, bool of_history, const char *amount, const Fit *fits,
			  int count, Question *question, double *level)
{
	int			next = at + (of_history ? 2 : 3);

	if (amount)
		question->horizon = check_amount(amount, PG_GETARG_FLOAT8(next++));
	*level = check_level(PG_GETARG_FLOAT8(next));
	if (of_history)
		return customer_of_fits(fcinfo, at, fits, count, question, NULL);
	customer_of_arguments(fcinfo, at, count > 0 ? fits : NULL, &question->customer);
	return true;
}

static Datum
interval_of(FunctionCallInfo fcinfo, bool of_history, const char *amount, Answer answer)
{
	int			count;
	const Fit  *fits = fits_argument(fcinfo, 0, FIT_OF_ORDERS, &count);
	Question	question = {0};
	double		level;

	if (!read_question(fcinfo, 1, of_history, amount, fits, count, &question, &level))
		PG_RETURN_NULL();
	if (of_history && answer == answer_residual)
		question.horizon = rate_of_discount(question.horizon, fits);
	else if (of_history)
		question.horizon /= fits->unit_days;
	return interval(fcinfo, fits, NULL, count, answer, &question, level);
}

/* fits, x, t_x, t, horizon, level */
PG_FUNCTION_INFO_V1(btyd_interval);
Datum
btyd_interval(PG_FUNCTION_ARGS)
{
	return interval_of(fcinfo, false, "horizon", answer_expected);
}

/* fits, history, as_of, horizon_days, level */
PG_FUNCTION_INFO_V1(btyd_interval_history);
Datum
btyd_interval_history(PG_FUNCTION_ARGS)
{
	return interval_of(fcinfo, true, "horizon_days", answer_expected);
}

/* fits, x, t_x, t, level */
PG_FUNCTION_INFO_V1(btyd_alive_interval);
Datum
btyd_alive_interval(PG_FUNCTION_ARGS)
{
	return interval_of(fcinfo, false, NULL, answer_alive);
}

/* fits, history, as_of, level */
PG_FUNCTION_INFO_V1(btyd_alive_interval_history);
Datum
btyd_alive_interval_history(PG_FUNCTION_ARGS)
{
	return interval_of(fcinfo, true, NULL, answer_alive);
}

/* fits, x, t_x, t, rate, level */
PG_FUNCTION_INFO_V1(btyd_residual_interval);
Datum
btyd_residual_interval(PG_FUNCTION_ARGS)
{
	return interval_of(fcinfo, false, "rate", answer_residual);
}

/* fits, history, as_of, discount_per_year, level */
PG_FUNCTION_INFO_V1(btyd_residual_interval_history);
Datum
btyd_residual_interval_history(PG_FUNCTION_ARGS)
{
	return interval_of(fcinfo, true, "discount_per_year", answer_residual);
}

/* fits, n, the customer, horizon or horizon_days, level */
static Datum
probability_interval(FunctionCallInfo fcinfo, bool of_history)
{
	int			count;
	const Fit  *fits = fits_argument(fcinfo, 0, FIT_OF_ORDERS, &count);
	Question	question = {.n = check_days_with_event(PG_GETARG_INT32(1))};
	double		level;

	if (!read_question(fcinfo, 2, of_history, of_history ? "horizon_days" : "horizon", fits, count,
					   &question, &level))
		PG_RETURN_NULL();
	if (of_history)
		question.horizon /= fits->unit_days;
	return interval(fcinfo, fits, NULL, count, answer_probability, &question, level);
}

PG_FUNCTION_INFO_V1(btyd_probability_interval);
Datum
btyd_probability_interval(PG_FUNCTION_ARGS)
{
	return probability_interval(fcinfo, false);
}

PG_FUNCTION_INFO_V1(btyd_probability_interval_history);
Datum
btyd_probability_interval_history(PG_FUNCTION_ARGS)
{
	return probability_interval(fcinfo, true);
}

/* fits, the customer, horizon or horizon_days, level */
static Datum
count_interval_of(FunctionCallInfo fcinfo, bool of_history)
{
	int			count;
	const Fit  *fits = fits_argument(fcinfo, 0, FIT_OF_ORDERS, &count);
	Question	question = {0};
	double		level;

	if (!read_question(fcinfo, 1, of_history, of_history ? "horizon_days" : "horizon", fits, count,
					   &question, &level))
		PG_RETURN_NULL();
	if (of_history)
		question.horizon /= fits->unit_days;
	return count_interval(fcinfo, fits, count, &question, level);
}

PG_FUNCTION_INFO_V1(btyd_count_interval);
Datum
btyd_count_interval(PG_FUNCTION_ARGS)
{
	return count_interval_of(fcinfo, false);
}

PG_FUNCTION_INFO_V1(btyd_count_interval_history);
Datum
btyd_count_interval_history(PG_FUNCTION_ARGS)
{
	return count_interval_of(fcinfo, true);
}

/* Argument m, NULL where x is 0 */
static void
read_mean(FunctionCallInfo fcinfo, int argument, Question *question)
{
	question->m_known = !PG_ARGISNULL(argument);
	if (question->m_known)
	{
		question->m = PG_GETARG_FLOAT8(argument);
		check_mean(question->m);
	}
}

/* What a history says of spend */
static void
read_repeat_mean(const Repeats *repeats, Question *question)
{
	question->customer.x = repeats->x;
	question->m_known = true;
	question->m = repeats->m;
}

static bool
is_any_null(FunctionCallInfo fcinfo, int but)
{
	for (int i = 0; i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i) && i != but)
			return true;
	}
	return false;
}

/* fits, x, m, level. Not strict: m is NULL where x is 0. */
PG_FUNCTION_INFO_V1(btyd_spend_interval);
Datum
btyd_spend_interval(PG_FUNCTION_ARGS)
{
	int			count;
	const Fit  *fits;
	Question	question = {0};

	if (is_any_null(fcinfo, 2))
		PG_RETURN_NULL();
	fits = fits_argument(fcinfo, 0, FIT_OF_SPEND, &count);
	question.customer.x = PG_GETARG_FLOAT8(1);
	check_count(question.customer.x);
	read_mean(fcinfo, 2, &question);
	return interval(fcinfo, fits, NULL, count, answer_spend, &question,
					check_level(PG_GETARG_FLOAT8(3)));
}

/* fits, history, as_of, level */
PG_FUNCTION_INFO_V1(btyd_spend_interval_history);
Datum
btyd_spend_interval_history(PG_FUNCTION_ARGS)
{
	int			count;
	const Fit  *fits = fits_argument(fcinfo, 0, FIT_OF_SPEND, &count);
	double		level = check_level(PG_GETARG_FLOAT8(3));
	Question	question = {0};
	Repeats		repeats;

	if (!read_repeats(PG_GETARG_HISTORY_PP(1), PG_GETARG_DATEADT(2), &repeats))
		PG_RETURN_NULL();
	read_repeat_mean(&repeats, &question);
	return interval(fcinfo, fits, NULL, count, answer_spend, &question, level);
}

/* Fit i of orders goes with fit i of spend: the two models have no parameter in common. */
static const Fit *
pair_fits(FunctionCallInfo fcinfo, const Fit **spend_of, int *count)
{
	int			count_of_spend;
	const Fit  *fits = fits_argument(fcinfo, 0, FIT_OF_ORDERS, count);

	*spend_of = fits_argument(fcinfo, 1, FIT_OF_SPEND, &count_of_spend);
	if (count_of_spend != *count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("btyd_fits and spend_fits must have as many fits, not %d and %d",
						*count, count_of_spend),
				 errhint("Give btyd_fit_bootstrap and spend_fit_bootstrap the same replicates.")));
	return fits;
}

/*
 * btyd_fits, spend_fits, x, t_x, t, m, periods, period_units, discount_per_period,
 * margin, level. Not strict: m is NULL where x is 0.
 */
PG_FUNCTION_INFO_V1(btyd_clv_interval);
Datum
btyd_clv_interval(PG_FUNCTION_ARGS)
{
	int			count;
	const Fit  *fits;
	const Fit  *spend_of;
	Question	question = {0};

	if (is_any_null(fcinfo, 5))
		PG_RETURN_NULL();
	fits = pair_fits(fcinfo, &spend_of, &count);
	customer_of_arguments(fcinfo, 2, count > 0 ? fits : NULL, &question.customer);
	read_mean(fcinfo, 5, &question);
	read_terms(fcinfo, 6, "period_units", &question.terms);
	return interval(fcinfo, fits, spend_of, count, answer_clv, &question,
					check_level(PG_GETARG_FLOAT8(10)));
}

/*
 * btyd_fits, spend_fits, history, as_of, periods, period_days, discount_per_period,
 * margin, level
 */
PG_FUNCTION_INFO_V1(btyd_clv_interval_history);
Datum
btyd_clv_interval_history(PG_FUNCTION_ARGS)
{
	int			count;
	const Fit  *spend_of;
	const Fit  *fits = pair_fits(fcinfo, &spend_of, &count);
	double		level = check_level(PG_GETARG_FLOAT8(8));
	Question	question = {0};
	Repeats		repeats;

	read_terms(fcinfo, 4, "period_days", &question.terms);
	if (!customer_of_fits(fcinfo, 2, fits, count, &question, &repeats))
		PG_RETURN_NULL();
	question.terms.period /= fits->unit_days;
	read_repeat_mean(&repeats, &question);
	return interval(fcinfo, fits, spend_of, count, answer_clv, &question, level);
}

/* ---- reasons ---- */

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The commonest reason of the fits without parameters, the first of equals by its letters */
static const char *
commonest_reason(const Fit *fits, int count)
{
	const char **reasons = palloc((Size) Max(count, 1) * sizeof(char *));
	const char *reason = "no_fit";
	int			n = 0;
	int			most = 0;
	int			like = 0;

	for (int i = 0; i < count; i++)
	{
		if (!fits[i].usable)
			reasons[n++] = fits[i].reason;
	}
	qsort(reasons, (size_t) n, sizeof(char *), compare_strings);
	for (int i = 0; i < n; i++)
	{
		like = i > 0 && strcmp(reasons[i], reasons[i - 1]) == 0 ? like + 1 : 1;
		if (like > most)
		{
			most = like;
			reason = reasons[i];
		}
	}
	pfree(reasons);
	return reason;
}

static const char *
reason_of_fits(const Fit *fits, int count)
{
	int			usable = 0;

	for (int i = 0; i < count; i++)
		usable += fits[i].usable;
	return are_enough(usable, count) ? NULL : commonest_reason(fits, count);
}

/* The fits of an argument, which may be of orders or of spend, but not of both */
static const Fit *
fits_of_one_kind(FunctionCallInfo fcinfo, int *count)
{
	const Fit  *fits = fits_argument(fcinfo, 0, FIT_OF_ANY, count);

	if (*count == 0)
		return fits;
	return fits_argument(fcinfo, 0, fits->family == FIT_GAMMAGAMMA ? FIT_OF_SPEND : FIT_OF_ORDERS,
						 count);
}

static Datum
reason_datum(FunctionCallInfo fcinfo, const char *reason)
{
	if (reason == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(reason));
}

/* fits; not strict */
PG_FUNCTION_INFO_V1(btyd_interval_reason);
Datum
btyd_interval_reason(PG_FUNCTION_ARGS)
{
	int			count;
	const Fit  *fits;

	if (PG_ARGISNULL(0))
		return reason_datum(fcinfo, "no_fit");
	fits = fits_of_one_kind(fcinfo, &count);
	return reason_datum(fcinfo, reason_of_fits(fits, count));
}

/* Why fits that say something say nothing of a history; NULL if they do */
static const char *
reason_of_history(FunctionCallInfo fcinfo, const Fit *fits, int count)
{
	Question	question = {0};
	Repeats		repeats;
	const char *reason = NULL;
	int			found = 0;

	if (fits->family == FIT_GAMMAGAMMA)
	{
		if (!read_repeats(PG_GETARG_HISTORY_PP(1), PG_GETARG_DATEADT(2), &repeats))
			return NO_EVENT;
	}
	else if (!customer_of_fits(fcinfo, 1, fits, count, &question, NULL))
		return NO_EVENT;
	for (int i = 0; i < count; i++)
	{
		if (!fits[i].usable)
			continue;
		if (fits->family != FIT_GAMMAGAMMA)
			found += !isnan(alive(&fits[i], &question.customer));
		else
			found += !isnan(mean_spend(&fits[i], repeats.x, true, repeats.m, &reason));
	}
	if (are_enough(found, count))
		return NULL;
	return reason ? reason : NOT_COMPUTABLE;
}

/* fits, history, as_of; not strict */
PG_FUNCTION_INFO_V1(btyd_interval_reason_history);
Datum
btyd_interval_reason_history(PG_FUNCTION_ARGS)
{
	int			count;
	const Fit  *fits;
	const char *reason;

	if (PG_ARGISNULL(0))
		return reason_datum(fcinfo, "no_fit");
	fits = fits_of_one_kind(fcinfo, &count);
	reason = reason_of_fits(fits, count);
	if (reason == NULL && (PG_ARGISNULL(1) || PG_ARGISNULL(2)))
		reason = NO_EVENT;
	return reason_datum(fcinfo, reason ? reason : reason_of_history(fcinfo, fits, count));
}
