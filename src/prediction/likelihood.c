/*
 * likelihood.c
 *		The likelihood of customers at given parameters, and the likelihood ratio
 *		of fits.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"

#include "btyd.h"
#include "math/distribution.h"

static Datum
likelihood_datum(FunctionCallInfo fcinfo, double value)
{
	if (!isfinite(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* NaN ln_gaps: not known */
static double
log_likelihood(const Fit *fit, const Customer *customer, double ln_gaps)
{
	if (!fit->usable)
		return NAN;
	return btyd_log_likelihood((BtydFamily) fit->family, fit->parameters, customer->x,
							   customer->t_x, customer->t, ln_gaps);
}

/* fit, x, t_x, t, ln_gaps. Not strict: ln_gaps is needed for regular buyers alone. */
PG_FUNCTION_INFO_V1(btyd_log_likelihood_customer);
Datum
btyd_log_likelihood_customer(PG_FUNCTION_ARGS)
{
	const Fit  *fit;
	Customer	customer;
	double		ln_gaps = NAN;

	for (int i = 0; i < 4; i++)
	{
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	}
	fit = fit_argument(fcinfo, 0, FIT_OF_ORDERS);
	customer_of_arguments(fcinfo, 1, fit, &customer);
	if (!PG_ARGISNULL(4))
	{
		ln_gaps = PG_GETARG_FLOAT8(4);
		check_ln_gaps(ln_gaps, customer.x, customer.t_x);
	}
	return likelihood_datum(fcinfo, log_likelihood(fit, &customer, ln_gaps));
}

/* fit, history, as_of */
PG_FUNCTION_INFO_V1(btyd_log_likelihood_history);
Datum
btyd_log_likelihood_history(PG_FUNCTION_ARGS)
{
	const Fit  *fit = fit_argument(fcinfo, 0, FIT_OF_ORDERS);
	Customer	customer;
	double		ln_gaps = 0;

	if (!customer_of_history(fcinfo, 1, fit, &customer, NULL))
		PG_RETURN_NULL();
	if (fit->family == FIT_MBGCNBD)
		(void) read_ln_gaps(PG_GETARG_HISTORY_PP(1), PG_GETARG_DATEADT(2), fit->unit_days,
							&ln_gaps);
	return likelihood_datum(fcinfo, log_likelihood(fit, &customer, ln_gaps));
}

static double
spend_likelihood(const Fit *fit, double x, double m)
{
	return fit->usable && x > 0 && m > 0 ? spend_log_likelihood(fit->parameters, x, m) : NAN;
}

/* fit, x, m */
PG_FUNCTION_INFO_V1(btyd_spend_log_likelihood);
Datum
btyd_spend_log_likelihood(PG_FUNCTION_ARGS)
{
	const Fit  *fit = fit_argument(fcinfo, 0, FIT_OF_SPEND);
	double		x = PG_GETARG_FLOAT8(1);
	double		m = PG_GETARG_FLOAT8(2);

	check_count(x);
	check_mean(m);
	return likelihood_datum(fcinfo, spend_likelihood(fit, x, m));
}

/* fit, history, as_of */
PG_FUNCTION_INFO_V1(btyd_spend_log_likelihood_history);
Datum
btyd_spend_log_likelihood_history(PG_FUNCTION_ARGS)
{
	const Fit  *fit = fit_argument(fcinfo, 0, FIT_OF_SPEND);
	Repeats		repeats;

	if (!read_repeats(PG_GETARG_HISTORY_PP(1), PG_GETARG_DATEADT(2), &repeats))
		PG_RETURN_NULL();
	return likelihood_datum(fcinfo, spend_likelihood(fit, repeats.x, repeats.m));
}

/* ---- of a fit ---- */

static bool
has_maximum(const Fit *fit)
{
	return fit->usable && !fit->ended;
}

/* Of one fit, or of several to different customers */
typedef struct Likelihood
{
	bool		of_spend;
	int			degrees;
	double		log_likelihood; /* NaN if one of them has none */
	double		n;
} Likelihood;

static void
add_up(FunctionCallInfo fcinfo, int argument, Likelihood *sum)
{
	int			count;
	const Fit  *fits = fit_or_fits_argument(fcinfo, argument, &count);

	memset(sum, 0, sizeof(Likelihood));
	for (int i = 0; i < count; i++)
	{
		bool		of_spend = fits[i].family == FIT_GAMMAGAMMA;

		if (i > 0 && of_spend != sum->of_spend)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("fits of orders and fits of spend can't be added up")));
		if (fits[i].ridge > 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a fit with a ridge has no likelihood ratio"),
					 errdetail("Its likelihood is not the greatest there is.")));
		sum->of_spend = of_spend;
		sum->degrees += fits[i].degrees;
		sum->log_likelihood += has_maximum(&fits[i]) ? fits[i].log_likelihood : NAN;
		sum->n += fits[i].n;
	}
	if (count == 0)
		sum->log_likelihood = NAN;
}

/* restricted, full_fit */
PG_FUNCTION_INFO_V1(btyd_likelihood_ratio);
Datum
btyd_likelihood_ratio(PG_FUNCTION_ARGS)
{
	Likelihood	restricted;
	Likelihood	full;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	double		statistic;

	add_up(fcinfo, 0, &restricted);
	add_up(fcinfo, 1, &full);
	if (isnan(restricted.log_likelihood) || isnan(full.log_likelihood))
		PG_RETURN_NULL();
	if (restricted.of_spend != full.of_spend)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a fit of orders and a fit of spend have no likelihood ratio")));
	if (restricted.n != full.n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the fits must be of the same customers, but are of %.0f and %.0f", restricted.n, full.n)));
	if (full.degrees <= restricted.degrees)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("full_fit must have more parameters than restricted, but has %d, not more than %d", full.degrees, restricted.degrees),
				 errdetail("One must be a special case of the other."),
				 errhint("Compare other fits by their aic or bic.")));
	/* two searches that end at the same point may differ in the last digit */
	statistic = Max(2 * (full.log_likelihood - restricted.log_likelihood), 0);
	values[0] = Float8GetDatum(statistic);
	values[1] = Int32GetDatum(full.degrees - restricted.degrees);
	values[2] = Float8GetDatum(chi_square_tails(statistic,
												full.degrees - restricted.degrees).upper);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(fit_result_desc(fcinfo), values, nulls)));
}
