/*
 * btyd_covariates.h
 *		Maximum likelihood for buy-till-you-die models whose rates depend on what
 *		is known of a customer from the start. Pure C, no server headers.
 *
 * With covariates z, alpha is alpha exp(-orders z): the rate of orders is exp(orders z) times as
 * large. Of Pareto/NBD, beta is beta exp(-leaving z): so is the rate of leaving (Fader and
 * Hardie 2007). Of BG/NBD and MBG/NBD, a is exp(leaving z) times as large, and with it the odds
 * a/b of leaving after an order. CLVTools does the same to b, too, which leaves the chance to leave
 * as it is, and changes only how much customers differ in it: often that has no maximum.
 */
#ifndef BTYD_COVARIATES_H
#define BTYD_COVARIATES_H

#include "btyd_fit.h"

#define MAX_COVARIATES	50

typedef struct CovariateFit
{
	BtydFit		fit;			/* of a customer whose covariates are 0; its errors */
	int			ncovariates;
	double		orders[MAX_COVARIATES];
	double		leaving[MAX_COVARIATES];
	double		orders_errors[MAX_COVARIATES];
	double		leaving_errors[MAX_COVARIATES];
} CovariateFit;

/* Families that have covariates */
extern bool btyd_has_covariates(BtydFamily family);

/*
 * The patterns of each of ncells different vectors of covariates, z + i * ncovariates, are those
 * from starts[i] to before starts[i + 1], sorted by x, t_x, t and different. The ridge is that of
 * BtydSearch, of effects by standard deviations of their covariates, too.
 */
extern void btyd_fit_covariates(BtydFamily family, const BtydPattern *patterns,
								const size_t *starts, const double *z, size_t ncells,
								int ncovariates, double ridge, const Host *host,
								CovariateFit *result);

/* The parameters of a customer with these covariates */
extern void btyd_parameters_at(BtydFamily family, const double *parameters, const double *orders,
							   const double *leaving, int ncovariates, const double *z,
							   double *at);

#endif							/* BTYD_COVARIATES_H */
