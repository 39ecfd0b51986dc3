/*
 * btyd.h
 *		A customer as the arguments of a function say, and what a fit predicts
 *		of them. Shared by predictions and their intervals.
 */
#ifndef BTYD_H
#define BTYD_H

#include "fmgr.h"
#include "utils/date.h"

#include "fit.h"
#include "history/history.h"

/* Why there is no prediction although the fit has parameters */
#define NO_EVENT		"no_event_by_as_of"
#define MEAN_UNKNOWN	"mean_unknown"
#define MEAN_NOT_POSITIVE "mean_not_positive"
#define NOT_COMPUTABLE	"not_computable"

/* In days; m is set if x > 0 */
typedef struct Repeats
{
	int32		x;
	int32		t_x;
	int32		t;
	double		m;
} Repeats;

/* In the fit's unit */
typedef struct Customer
{
	double		x;
	double		t_x;
	double		t;
} Customer;

/* What lifetime value is asked for */
typedef struct Terms
{
	int			periods;
	double		period;			/* in the fit's unit, or in days */
	double		discount;
	double		margin;
} Terms;

/* False if the history has no event by as_of */
extern bool read_repeats(const History *history, DateADT as_of, Repeats *repeats);

/* Arguments history, as_of; in the fit's unit. False if there is no event. repeats may be NULL. */
extern bool customer_of_history(FunctionCallInfo fcinfo, int argument, const Fit *fit,
								Customer *customer, Repeats *repeats);

/* Arguments x, t_x, t, for the family of the fit, which may be NULL */
extern void customer_of_arguments(FunctionCallInfo fcinfo, int argument, const Fit *fit,
								  Customer *customer);

/* The sum of the logarithms of times between event days; false if there is no such day */
extern bool read_ln_gaps(const History *history, DateADT as_of, int unit_days, double *ln_gaps);

/* Argument n of btyd_probability */
extern int32 check_days_with_event(int32 n);

/* Arguments periods, period_units or period_days, discount_per_period, margin */
extern void read_terms(FunctionCallInfo fcinfo, int argument, const char *period, Terms *terms);

/* A discount of so much a year as a continuous rate per unit of the fit */
extern double rate_of_discount(double discount_per_year, const Fit *fit);

/* Mean spend of a customer with x repeat days; NaN: no answer, *reason says why. */
extern double mean_spend(const Fit *fit, double x, bool m_known, double m, const char **reason);

/* What is expected within each period counts at the period's end. */
extern double lifetime_value(const Fit *fit, const Customer *customer, double mean,
							 const Terms *terms);

static inline double
alive(const Fit *fit, const Customer *customer)
{
	return btyd_alive((BtydFamily) fit->family, fit->parameters, customer->x, customer->t_x,
					  customer->t);
}

static inline double
expected(const Fit *fit, const Customer *customer, double horizon)
{
	return btyd_expected((BtydFamily) fit->family, fit->parameters,
						 customer->x, customer->t_x, customer->t, horizon);
}

static inline double
probability_after(const Fit *fit, int n, const Customer *customer, double horizon)
{
	return btyd_probability_after((BtydFamily) fit->family, fit->parameters, n,
								  customer->x, customer->t_x, customer->t, horizon);
}

static inline double
residual_within(const Fit *fit, const Customer *customer, double rate, double horizon)
{
	return btyd_residual_within((BtydFamily) fit->family, fit->parameters,
								customer->x, customer->t_x, customer->t, rate, horizon);
}

static inline double
residual(const Fit *fit, const Customer *customer, double rate)
{
	return btyd_residual((BtydFamily) fit->family, fit->parameters,
						 customer->x, customer->t_x, customer->t, rate);
}

#endif							/* BTYD_H */
