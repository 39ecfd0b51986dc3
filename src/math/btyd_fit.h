/*
 * btyd_fit.h
 *		Maximum likelihood for the buy-till-you-die models and for the
 *		Gamma-Gamma model of spend. Pure C, no server headers.
 */
#ifndef BTYD_FIT_H
#define BTYD_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "btyd_predict.h"
#include "erlang.h"
#include "host.h"

/*
 * So many customers with the same history: x repeat days, the last of them at
 * age t_x, seen until age t. For spend: x repeat days with the mean t_x; t is 0.
 */
typedef struct BtydPattern
{
	double		x;
	double		t_x;
	double		t;
	int64_t		count;
} BtydPattern;

/* The order of patterns in a set of them */
static inline int
compare_patterns(const BtydPattern *a, const BtydPattern *b)
{
	if (a->x != b->x)
		return a->x < b->x ? -1 : 1;
	if (a->t_x != b->t_x)
		return a->t_x < b->t_x ? -1 : 1;
	if (a->t != b->t)
		return a->t < b->t ? -1 : 1;
	return 0;
}

typedef enum BtydFitStatus
{
	BTYD_CONVERGED,
	BTYD_NOT_CONVERGED,
	BTYD_REFUSED				/* the data can't be fitted; nothing was tried */
} BtydFitStatus;

typedef enum BtydFitReason
{
	BTYD_REASON_NONE,
	BTYD_TOO_FEW_CUSTOMERS,
	BTYD_EVERYONE_BOUGHT_ONCE,
	BTYD_TOO_FEW_REPEAT_CUSTOMERS,
	BTYD_CONSTANT_DATA,
	BTYD_PARAMETER_AT_BOUNDARY,
	BTYD_FLAT_LIKELIHOOD,
	BTYD_NO_MAXIMUM_FOUND,
	BTYD_MEAN_UNDEFINED,
	BTYD_CONSTANT_COVARIATE,
	BTYD_COLLINEAR_COVARIATES,
	BTYD_COVARIATES_FAR_FROM_ZERO
} BtydFitReason;

/* There must be more customers, and more repeat customers, than parameters. */
#define BTYD_MIN_CUSTOMERS	(BTYD_PARAMETERS + 1)
#define SPEND_MIN_CUSTOMERS	(SPEND_PARAMETERS + 1)

typedef struct BtydFit
{
	BtydFitStatus status;
	BtydFitReason reason;
	int			nparameters;

	/*
	 * If it converged, or else if ended: the search ended at this point of a
	 * likelihood that goes on rising, or is flat. No maximum, but all points
	 * further on predict the same.
	 */
	double		parameters[BTYD_NUMBERS];
	double		standard_errors[BTYD_PARAMETERS];	/* if converged */
	bool		ended;
	double		ridge;			/* of the search */
	double		log_likelihood; /* where the search ended, without the ridge; NaN if refused */
	double		gradient_norm;	/* by the logarithms of the parameters */
	int			iterations;
	int64_t		n;				/* customers */

	/* Of MBG/CNBD-k with k chosen: the log-likelihoods at k = 1 and so on */
	int			nchoices;
	double		choices[ERLANG_MAX_K];
} BtydFit;

/*
 * How to search. start, if not NULL, is where, instead of the usual starts. A ridge takes half of
 * it times the square of each parameter's logarithm from the likelihood, alpha and beta being
 * counted in mean ages (gamma in mean spends), so that the unit doesn't matter: a normal
 * distribution of that logarithm, known before, with the variance 1 / ridge.
 */
typedef struct BtydSearch
{
	const double *start;
	double		ridge;
} BtydSearch;

/*
 * The patterns must be sorted by x, t_x, t and be different; the result is a
 * function of them and of how to search, NULL for the usual starts and no ridge.
 */
extern void btyd_fit(BtydFamily family, const BtydPattern *patterns, size_t n,
					 const BtydSearch *how, const Host *host, BtydFit *fit);

/*
 * MBG/CNBD-k with this k; 0 is the k of the greatest likelihood. ln_gaps is the
 * sum over all customers of the logarithms of the times between their orders. It
 * can be NaN, where that is not known, if k is given: the likelihood then isn't
 * known either, but for k = 1. With start, k is given.
 */
extern void btyd_fit_regular(int k, double ln_gaps, const BtydPattern *patterns, size_t n,
							 const BtydSearch *how, const Host *host, BtydFit *fit);
extern void spend_fit(const BtydPattern *patterns, size_t n,
					  const BtydSearch *how, const Host *host, BtydFit *fit);

#endif							/* BTYD_FIT_H */
