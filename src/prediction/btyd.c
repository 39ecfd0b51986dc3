/*
 * btyd.c
 *		Buy-till-you-die models in SQL: what a history says for them, and what
 *		a fit says about a customer.
 *
 * Each function has a bare form, in the fit's unit of time, and one that takes
 * a history and asks in days.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"

#include "arguments.h"
#include "btyd.h"
#include "compat.h"
#include "fixed.h"

#define MAX_PERIODS		1200

#define DAYS_PER_YEAR	365.25

/* ---- one customer ---- */

/*
 * What stands on a day without an event is a correction, and counts on the most
 * recent event day before it. One that follows the first event day therefore
 * counts in m as little as that day does; one before it has no day to count on.
 */
bool
read_repeats(const History *history, DateADT as_of, Repeats *repeats)
{
	OpenHistory open;
	int64		active = 0;
	int64		first = 0;
	int64		last = 0;
	int128		sum = 0;

	check_day("as_of", as_of);
	history_open(&open, history);
	for (size_t i = 0; i < open.n && open.days[i].day <= as_of; i++)
	{
		const HistoryDay *day = &open.days[i];

		if (day->events > 0)
		{
			last = day->day;
			if (active++ == 0)
				first = last;
		}
		if (active > 1)
			sum += day->total;
	}
	if (active > 0)
	{
		repeats->x = (int32) (active - 1);
		repeats->t_x = (int32) (last - first);
		repeats->t = (int32) (as_of - first);
		if (active == 1)
			repeats->m = 0;
		else if (sum >= PG_INT64_MIN + 1 && sum <= PG_INT64_MAX)
			repeats->m = fixed_to_float8((int64) sum, open.decimals) / (double) (active - 1);
		else
			repeats->m =
				(double) sum / (double) history_power_of_ten(open.decimals) / (double) (active - 1);
	}
	history_close(&open);
	return active > 0;
}

bool
customer_of_history(FunctionCallInfo fcinfo, int argument, const Fit *fit, Customer *customer,
					Repeats *repeats)
{
	Repeats		own;

	if (repeats == NULL)
		repeats = &own;
	if (fit->family == FIT_BGBB)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("family bgbb counts opportunities, and a history does not know them"),
				 errhint("Use the form with x, t_x and t, of btyd_opportunities.")));
	if (fit->unit_days == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fit does not say how long its unit of time is"),
				 errhint("Add \"unit_days\" to the document; 7 if it was fitted to weeks.")));
	if (!read_repeats(PG_GETARG_HISTORY_PP(argument), PG_GETARG_DATEADT(argument + 1), repeats))
		return false;
	customer->x = repeats->x;
	customer->t_x = (double) repeats->t_x / fit->unit_days;
	customer->t = (double) repeats->t / fit->unit_days;
	return true;
}

void
customer_of_arguments(FunctionCallInfo fcinfo, int argument, const Fit *fit, Customer *customer)
{
	customer->x = PG_GETARG_FLOAT8(argument);
	customer->t_x = PG_GETARG_FLOAT8(argument + 1);
	customer->t = PG_GETARG_FLOAT8(argument + 2);
	check_customer(fit ? fit->family : FIT_MBGNBD, customer->x, customer->t_x, customer->t);
}

PG_FUNCTION_INFO_V1(btyd_summary);
Datum
btyd_summary(PG_FUNCTION_ARGS)
{
	int			unit_days = check_unit_days(PG_GETARG_INT32(2));
	TupleDesc	desc = fit_result_desc(fcinfo);
	Repeats		repeats;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	if (!read_repeats(PG_GETARG_HISTORY_PP(0), PG_GETARG_DATEADT(1), &repeats))
		PG_RETURN_NULL();
	values[0] = Int32GetDatum(repeats.x);
	values[1] = Float8GetDatum((double) repeats.t_x / unit_days);
	values[2] = Float8GetDatum((double) repeats.t / unit_days);
	values[3] = Float8GetDatum(repeats.m);
	nulls[3] = repeats.x == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* ---- opportunities ---- */

/* The days between which opportunities lie: ascending and finite, two or more. */
static const DateADT *
read_bounds(ArrayType *array, int *n)
{
	const DateADT *bounds;

	if (ARR_HASNULL(array))
		null_element("bounds", NULL);
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_NDIM(array) != 1 || *n < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bounds must be a list of at least two days"),
				 errhint("The first opportunity lasts from the first day to the one before the second.")));
	bounds = (const DateADT *) ARR_DATA_PTR(array);
	for (int i = 0; i < *n; i++)
	{
		if (DATE_NOT_FINITE(bounds[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("bounds must be finite, but element %d is not", i + 1)));
		if (i > 0 && bounds[i] <= bounds[i - 1])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("bounds must ascend"),
					 errdetail("Element %d is not after the one before it.", i + 1)));
	}
	return bounds;
}

/*
 * What BG/BB needs to know: opportunities that are over by as_of, counted from that of the
 * first event. One that still goes on says nothing yet. Corrections count as in
 * read_repeats, on the opportunity of the most recent event day before them.
 */
PG_FUNCTION_INFO_V1(btyd_opportunities);
Datum
btyd_opportunities(PG_FUNCTION_ARGS)
{
	DateADT		as_of = check_day("as_of", PG_GETARG_DATEADT(1));
	int			n;
	const DateADT *bounds = read_bounds(PG_GETARG_ARRAYTYPE_P(2), &n);
	TupleDesc	desc = fit_result_desc(fcinfo);
	OpenHistory open;
	int			over = 0;		/* opportunities 0 to over - 1 are over */
	int			at = -1;		/* that of the last event day; -1 lies before the first */
	int			first = -1;
	int			last = -1;
	int32		x = 0;
	bool		any = false;
	int128		sum = 0;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	while (over + 1 < n && (int64) bounds[over + 1] <= (int64) as_of + 1)
		over++;
	history_open(&open, PG_GETARG_HISTORY_PP(0));
	for (size_t i = 0; i < open.n && open.days[i].day <= as_of; i++)
	{
		const HistoryDay *day = &open.days[i];

		if (day->events > 0)
		{
			while (at + 1 < n && bounds[at + 1] <= day->day)
				at++;
			if (!any)
				first = last = at;
			any = true;
			if (at > last && at < over)
			{
				last = at;
				x++;
			}
		}
		if (any && at > first && at < over)
			sum += day->total;
	}
	values[0] = Int32GetDatum(x);
	values[1] = Int32GetDatum(last - first);
	values[2] = Int32GetDatum(Max(over - 1 - first, 0));
	values[3] =
		Float8GetDatum((double) sum / (double) history_power_of_ten(open.decimals) / Max(x, 1));
	nulls[3] = x == 0;
	history_close(&open);
	if (!any)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * What came of a prediction: the event days after split_on, and their totals
 * with the corrections that count on them. A correction before the first of
 * them takes back what was bought by split_on, which nobody has predicted.
 */
PG_FUNCTION_INFO_V1(btyd_actual);
Datum
btyd_actual(PG_FUNCTION_ARGS)
{
	DateADT		split_on = check_day("split_on", PG_GETARG_DATEADT(1));
	DateADT		until = check_day("until", PG_GETARG_DATEADT(2));
	TupleDesc	desc = fit_result_desc(fcinfo);
	OpenHistory open;
	int32		orders = 0;
	int128		sum = 0;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (until < split_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("until must not be before split_on")));
	history_open(&open, PG_GETARG_HISTORY_PP(0));
	for (size_t i = 0; i < open.n && open.days[i].day <= until; i++)
	{
		const HistoryDay *day = &open.days[i];

		if (day->day <= split_on)
			continue;
		if (day->events > 0)
			orders++;
		if (orders > 0)
			sum += day->total;
	}
	values[0] = Int32GetDatum(orders);
	values[1] = NumericGetDatum(fixed_wide_to_numeric(sum, open.decimals));
	history_close(&open);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* ---- predictions ---- */

/* A number, or NULL for NaN: there is no answer, or none to full accuracy */
#define RETURN_PREDICTION(value) \
	do { \
		double		prediction_ = (value); \
		if (isnan(prediction_) || isinf(prediction_)) \
			PG_RETURN_NULL(); \
		PG_RETURN_FLOAT8(prediction_); \
	} while (0)

/*
 * The fit and the customer of a call, whose first argument is fit, and from
 * argument on x, t_x, t or history, as_of. NULL: they give no prediction.
 */
static const Fit *
read_prediction_at(FunctionCallInfo fcinfo, int argument, bool of_history, Customer *customer)
{
	const Fit  *fit = fit_argument(fcinfo, 0, FIT_OF_ORDERS);

	if (!of_history)
		customer_of_arguments(fcinfo, argument, fit, customer);
	else if (!customer_of_history(fcinfo, argument, fit, customer, NULL))
		return NULL;
	return fit->usable ? fit : NULL;
}

static const Fit *
read_prediction(FunctionCallInfo fcinfo, bool of_history, Customer *customer)
{
	return read_prediction_at(fcinfo, 1, of_history, customer);
}

static Datum
predict_alive(FunctionCallInfo fcinfo, bool of_history, bool opposite)
{
	Customer	customer;
	const Fit  *fit = read_prediction(fcinfo, of_history, &customer);

	if (fit == NULL)
		PG_RETURN_NULL();
	RETURN_PREDICTION(opposite ? 1 - alive(fit, &customer) : alive(fit, &customer));
}

PG_FUNCTION_INFO_V1(btyd_predict_alive);
Datum
btyd_predict_alive(PG_FUNCTION_ARGS)
{
	return predict_alive(fcinfo, false, false);
}

PG_FUNCTION_INFO_V1(btyd_predict_alive_history);
Datum
btyd_predict_alive_history(PG_FUNCTION_ARGS)
{
	return predict_alive(fcinfo, true, false);
}

PG_FUNCTION_INFO_V1(btyd_churn_probability);
Datum
btyd_churn_probability(PG_FUNCTION_ARGS)
{
	return predict_alive(fcinfo, true, true);
}

PG_FUNCTION_INFO_V1(btyd_predict_expected);
Datum
btyd_predict_expected(PG_FUNCTION_ARGS)
{
	double		horizon = check_amount("horizon", PG_GETARG_FLOAT8(4));
	Customer	customer;
	const Fit  *fit = read_prediction(fcinfo, false, &customer);

	if (fit == NULL)
		PG_RETURN_NULL();
	RETURN_PREDICTION(expected(fit, &customer, horizon));
}

PG_FUNCTION_INFO_V1(btyd_predict_expected_history);
Datum
btyd_predict_expected_history(PG_FUNCTION_ARGS)
{
	double		horizon_days = check_amount("horizon_days", PG_GETARG_FLOAT8(3));
	Customer	customer;
	const Fit  *fit = read_prediction(fcinfo, true, &customer);

	if (fit == NULL)
		PG_RETURN_NULL();
	RETURN_PREDICTION(expected(fit, &customer, horizon_days / fit->unit_days));
}

PG_FUNCTION_INFO_V1(btyd_predict_new);
Datum
btyd_predict_new(PG_FUNCTION_ARGS)
{
	const Fit  *fit = fit_argument(fcinfo, 0, FIT_OF_ORDERS);
	double		t = check_amount("horizon", PG_GETARG_FLOAT8(1));

	if (!fit->usable)
		PG_RETURN_NULL();
	RETURN_PREDICTION(btyd_unconditional((BtydFamily) fit->family, fit->parameters, t));
}

int32
check_days_with_event(int32 n)
{
	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must be at least 0, but is %d", n)));
	return n;
}

PG_FUNCTION_INFO_V1(btyd_predict_probability);
Datum
btyd_predict_probability(PG_FUNCTION_ARGS)
{
	const Fit  *fit = fit_argument(fcinfo, 0, FIT_OF_ORDERS);
	int32		n = check_days_with_event(PG_GETARG_INT32(1));
	double		t = check_amount("t", PG_GETARG_FLOAT8(2));

	if (!fit->usable)
		PG_RETURN_NULL();
	RETURN_PREDICTION(btyd_probability((BtydFamily) fit->family, fit->parameters, n, t));
}

/* Arguments fit, n, the customer, horizon or horizon_days */
static Datum
predict_probability_after(FunctionCallInfo fcinfo, bool of_history)
{
	int32		n = check_days_with_event(PG_GETARG_INT32(1));
	double		horizon = of_history ? check_amount("horizon_days", PG_GETARG_FLOAT8(4)) :
		check_amount("horizon", PG_GETARG_FLOAT8(5));
	Customer	customer;
	const Fit  *fit = read_prediction_at(fcinfo, 2, of_history, &customer);

	if (fit == NULL)
		PG_RETURN_NULL();
	if (of_history)
		horizon /= fit->unit_days;
	RETURN_PREDICTION(probability_after(fit, n, &customer, horizon));
}

PG_FUNCTION_INFO_V1(btyd_predict_probability_after);
Datum
btyd_predict_probability_after(PG_FUNCTION_ARGS)
{
	return predict_probability_after(fcinfo, false);
}

PG_FUNCTION_INFO_V1(btyd_predict_probability_history);
Datum
btyd_predict_probability_history(PG_FUNCTION_ARGS)
{
	return predict_probability_after(fcinfo, true);
}

PG_FUNCTION_INFO_V1(btyd_predict_residual);
Datum
btyd_predict_residual(PG_FUNCTION_ARGS)
{
	double		rate = check_amount("rate", PG_GETARG_FLOAT8(4));
	Customer	customer;
	const Fit  *fit = read_prediction(fcinfo, false, &customer);

	if (fit == NULL)
		PG_RETURN_NULL();
	RETURN_PREDICTION(residual(fit, &customer, rate));
}

double
rate_of_discount(double discount_per_year, const Fit *fit)
{
	return log1p(discount_per_year) / DAYS_PER_YEAR * fit->unit_days;
}

PG_FUNCTION_INFO_V1(btyd_predict_residual_history);
Datum
btyd_predict_residual_history(PG_FUNCTION_ARGS)
{
	double		discount = check_amount("discount_per_year", PG_GETARG_FLOAT8(3));
	Customer	customer;
	const Fit  *fit = read_prediction(fcinfo, true, &customer);

	if (fit == NULL)
		PG_RETURN_NULL();
	RETURN_PREDICTION(residual(fit, &customer, rate_of_discount(discount, fit)));
}

/* fit, x, t_x, t, rate, horizon */
PG_FUNCTION_INFO_V1(btyd_predict_residual_within);
Datum
btyd_predict_residual_within(PG_FUNCTION_ARGS)
{
	double		rate = check_amount("rate", PG_GETARG_FLOAT8(4));
	double		horizon = check_amount("horizon", PG_GETARG_FLOAT8(5));
	Customer	customer;
	const Fit  *fit = read_prediction(fcinfo, false, &customer);

	if (fit == NULL)
		PG_RETURN_NULL();
	RETURN_PREDICTION(residual_within(fit, &customer, rate, horizon));
}

/* fit, history, as_of, discount_per_year, horizon_days */
PG_FUNCTION_INFO_V1(btyd_predict_residual_within_history);
Datum
btyd_predict_residual_within_history(PG_FUNCTION_ARGS)
{
	double		discount = check_amount("discount_per_year", PG_GETARG_FLOAT8(3));
	double		horizon_days = check_amount("horizon_days", PG_GETARG_FLOAT8(4));
	Customer	customer;
	const Fit  *fit = read_prediction(fcinfo, true, &customer);

	if (fit == NULL)
		PG_RETURN_NULL();
	RETURN_PREDICTION(residual_within(fit, &customer, rate_of_discount(discount, fit),
									  horizon_days / fit->unit_days));
}

/*
 * The first day by which one further event is expected. E[Y] rises ever more
 * slowly with the horizon, so that the line through 0 and a horizon where it is
 * past 1 meets 1 no earlier than E[Y] does: every such guess is an upper bound.
 */
PG_FUNCTION_INFO_V1(btyd_next_order);
Datum
btyd_next_order(PG_FUNCTION_ARGS)
{
	const Fit  *fit;
	DateADT		as_of = PG_GETARG_DATEADT(2);
	Customer	customer;
	int			low = 0;		/* too early */
	int			high = PG_GETARG_INT32(3);	/* late enough */
	double		at_high;

	if (high < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("within_days must be at least 1, but is %d", high)));
	fit = read_prediction(fcinfo, true, &customer);
	if (fit == NULL)
		PG_RETURN_NULL();
	at_high = expected(fit, &customer, (double) high / fit->unit_days);
	if (!(at_high >= 1))
		PG_RETURN_NULL();
	for (int step = 0; high - low > 1; step++)
	{
		int			at = (int) ceil(high / at_high);
		double		here;

		/* a guess that doesn't help, or helps too slowly: the middle */
		if (at <= low || at >= high || step % 3 == 2)
			at = low + (high - low) / 2;
		here = expected(fit, &customer, (double) at / fit->unit_days);
		if (isnan(here))
			PG_RETURN_NULL();
		if (here >= 1)
		{
			high = at;
			at_high = here;
		}
		else
			low = at;
	}
	if ((int64) as_of + high > HISTORY_MAX_DAY)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(as_of + high);
}

/* ---- spend ---- */

double
mean_spend(const Fit *fit, double x, bool m_known, double m, const char **reason)
{
	double		result;

	*reason = NULL;
	if (!fit->usable)
		*reason = fit->reason;
	else if (x > 0 && !m_known)
		*reason = MEAN_UNKNOWN;
	else if (x > 0 && m <= 0)
		*reason = MEAN_NOT_POSITIVE;
	if (*reason)
		return NAN;
	result = spend_expected(fit->parameters, x, x > 0 ? m : 0);
	if (isnan(result))
		*reason = NOT_COMPUTABLE;
	return result;
}

/* Not strict: m is NULL where x is 0. */
PG_FUNCTION_INFO_V1(btyd_spend_expected);
Datum
btyd_spend_expected(PG_FUNCTION_ARGS)
{
	const Fit  *fit;
	double		x;
	const char *reason;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	fit = fit_argument(fcinfo, 0, FIT_OF_SPEND);
	x = PG_GETARG_FLOAT8(1);
	check_count(x);
	if (!PG_ARGISNULL(2))
		check_mean(PG_GETARG_FLOAT8(2));
	RETURN_PREDICTION(mean_spend(fit, x, !PG_ARGISNULL(2),
								 PG_ARGISNULL(2) ? 0 : PG_GETARG_FLOAT8(2), &reason));
}

PG_FUNCTION_INFO_V1(btyd_spend_expected_history);
Datum
btyd_spend_expected_history(PG_FUNCTION_ARGS)
{
	const Fit  *fit = fit_argument(fcinfo, 0, FIT_OF_SPEND);
	Repeats		repeats;
	const char *reason;

	if (!read_repeats(PG_GETARG_HISTORY_PP(1), PG_GETARG_DATEADT(2), &repeats))
		PG_RETURN_NULL();
	RETURN_PREDICTION(mean_spend(fit, repeats.x, true, repeats.m, &reason));
}

/* ---- lifetime value ---- */

void
read_terms(FunctionCallInfo fcinfo, int argument, const char *period, Terms *terms)
{
	terms->periods = PG_GETARG_INT32(argument);
	if (terms->periods < 1 || terms->periods > MAX_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("periods must be from 1 to %d, but is %d", MAX_PERIODS, terms->periods)));
	terms->period = check_amount(period, PG_GETARG_FLOAT8(argument + 1));
	terms->discount = check_amount("discount_per_period", PG_GETARG_FLOAT8(argument + 2));
	terms->margin = check_amount("margin", PG_GETARG_FLOAT8(argument + 3));
}

double
lifetime_value(const Fit *fit, const Customer *customer, double mean, const Terms *terms)
{
	double		sum = 0;
	double		before = 0;
	double		factor = 1;

	for (int i = 1; i <= terms->periods; i++)
	{
		double		upto = expected(fit, customer, i * terms->period);

		factor /= 1 + terms->discount;
		sum += Max(upto - before, 0) * factor;
		if (isnan(upto))
			return NAN;
		before = upto;
	}
	return sum * mean * terms->margin;
}

/* What comes of two fits and a customer: arguments 0 to 5, or to 3 with a history */
typedef struct Value
{
	const Fit  *fit;
	Customer	customer;
	double		mean;			/* of what they spend */
} Value;

/*
 * btyd_fit, spend_fit, x, t_x, t, m, and others. Not strict: m is NULL where x is 0.
 * False if another argument is NULL.
 */
static bool
read_value(FunctionCallInfo fcinfo, Value *value)
{
	const Fit  *spend_of;
	const char *reason;

	for (int i = 0; i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i) && i != 5)
			return false;
	}
	value->fit = fit_argument(fcinfo, 0, FIT_OF_ORDERS);
	spend_of = fit_argument(fcinfo, 1, FIT_OF_SPEND);
	customer_of_arguments(fcinfo, 2, value->fit, &value->customer);
	if (!PG_ARGISNULL(5))
		check_mean(PG_GETARG_FLOAT8(5));
	value->mean = mean_spend(spend_of, value->customer.x, !PG_ARGISNULL(5),
							 PG_ARGISNULL(5) ? 0 : PG_GETARG_FLOAT8(5), &reason);
	return true;
}

/* btyd_fit, spend_fit, history, as_of. False if there is no event by as_of. */
static bool
read_value_of_history(FunctionCallInfo fcinfo, Value *value)
{
	const Fit  *spend_of;
	Repeats		repeats;
	const char *reason;

	value->fit = fit_argument(fcinfo, 0, FIT_OF_ORDERS);
	spend_of = fit_argument(fcinfo, 1, FIT_OF_SPEND);
	if (!customer_of_history(fcinfo, 2, value->fit, &value->customer, &repeats))
		return false;
	value->mean = mean_spend(spend_of, repeats.x, true, repeats.m, &reason);
	return true;
}

/* Do both fits answer? */
static inline bool
has_value(const Value *value)
{
	return !isnan(value->mean) && value->fit->usable;
}

/* ..., periods, period_units, discount_per_period, margin */
PG_FUNCTION_INFO_V1(btyd_clv);
Datum
btyd_clv(PG_FUNCTION_ARGS)
{
	Value		value;
	Terms		terms;

	if (!read_value(fcinfo, &value))
		PG_RETURN_NULL();
	read_terms(fcinfo, 6, "period_units", &terms);
	if (!has_value(&value))
		PG_RETURN_NULL();
	RETURN_PREDICTION(lifetime_value(value.fit, &value.customer, value.mean, &terms));
}

/* ..., periods, period_days, discount_per_period, margin */
PG_FUNCTION_INFO_V1(btyd_clv_history);
Datum
btyd_clv_history(PG_FUNCTION_ARGS)
{
	Value		value;
	Terms		terms;

	read_terms(fcinfo, 4, "period_days", &terms);
	if (!read_value_of_history(fcinfo, &value) || !has_value(&value))
		PG_RETURN_NULL();
	terms.period /= value.fit->unit_days;
	RETURN_PREDICTION(lifetime_value(value.fit, &value.customer, value.mean, &terms));
}

/* ..., rate, margin */
PG_FUNCTION_INFO_V1(btyd_residual_value);
Datum
btyd_residual_value(PG_FUNCTION_ARGS)
{
	Value		value;
	double		rate;
	double		margin;

	if (!read_value(fcinfo, &value))
		PG_RETURN_NULL();
	rate = check_amount("rate", PG_GETARG_FLOAT8(6));
	margin = check_amount("margin", PG_GETARG_FLOAT8(7));
	if (!has_value(&value))
		PG_RETURN_NULL();
	RETURN_PREDICTION(residual(value.fit, &value.customer, rate) * value.mean * margin);
}

/* ..., discount_per_year, margin */
PG_FUNCTION_INFO_V1(btyd_residual_value_history);
Datum
btyd_residual_value_history(PG_FUNCTION_ARGS)
{
	double		discount = check_amount("discount_per_year", PG_GETARG_FLOAT8(4));
	double		margin = check_amount("margin", PG_GETARG_FLOAT8(5));
	Value		value;

	if (!read_value_of_history(fcinfo, &value) || !has_value(&value))
		PG_RETURN_NULL();
	RETURN_PREDICTION(residual(value.fit, &value.customer, rate_of_discount(discount, value.fit)) *
					  value.mean * margin);
}

/* ---- reasons ---- */

static Datum
reason_datum(FunctionCallInfo fcinfo, const char *reason)
{
	if (reason == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(reason));
}

static const char *
reason_of_orders(const Fit *fit, const Customer *customer)
{
	if (!fit->usable)
		return fit->reason;
	return isnan(alive(fit, customer)) ? NOT_COMPUTABLE : NULL;
}

/* fit: why it predicts nothing; NULL if it does. Not strict. */
PG_FUNCTION_INFO_V1(btyd_reason);
Datum
btyd_reason(PG_FUNCTION_ARGS)
{
	const Fit  *fit;

	if (PG_ARGISNULL(0))
		return reason_datum(fcinfo, "no_fit");
	fit = fit_argument(fcinfo, 0, FIT_OF_ANY);
	return reason_datum(fcinfo, fit->usable ? NULL : fit->reason);
}

/* fit, x, t_x, t */
PG_FUNCTION_INFO_V1(btyd_reason_customer);
Datum
btyd_reason_customer(PG_FUNCTION_ARGS)
{
	const Fit  *fit;
	Customer	customer;

	if (PG_ARGISNULL(0))
		return reason_datum(fcinfo, "no_fit");
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return reason_datum(fcinfo, NO_EVENT);
	fit = fit_argument(fcinfo, 0, FIT_OF_ORDERS);
	customer_of_arguments(fcinfo, 1, fit, &customer);
	return reason_datum(fcinfo, reason_of_orders(fit, &customer));
}

/* fit, history, as_of; the fit may be of spend, too */
PG_FUNCTION_INFO_V1(btyd_reason_history);
Datum
btyd_reason_history(PG_FUNCTION_ARGS)
{
	const Fit  *fit;
	Customer	customer;
	Repeats		repeats;
	const char *reason;

	if (PG_ARGISNULL(0))
		return reason_datum(fcinfo, "no_fit");
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return reason_datum(fcinfo, NO_EVENT);
	fit = fit_argument(fcinfo, 0, FIT_OF_ANY);
	if (fit->family == FIT_GAMMAGAMMA)
	{
		if (!read_repeats(PG_GETARG_HISTORY_PP(1), PG_GETARG_DATEADT(2), &repeats))
			return reason_datum(fcinfo, NO_EVENT);
		(void) mean_spend(fit, repeats.x, true, repeats.m, &reason);
		return reason_datum(fcinfo, reason);
	}
	if (!customer_of_history(fcinfo, 1, fit, &customer, NULL))
		return reason_datum(fcinfo, NO_EVENT);
	return reason_datum(fcinfo, reason_of_orders(fit, &customer));
}
