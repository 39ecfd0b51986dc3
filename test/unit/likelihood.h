/*
 * likelihood.h
 *		The log-likelihood that fits climb, at one point, with gradient[n] and
 *		hessian[n][n] by the parameters, where not NULL.
 */
#ifndef TEST_LIKELIHOOD_H
#define TEST_LIKELIHOOD_H

#include "math/btyd_likelihood.h"
#include "test_host.h"

static double
likelihood(Model model, const BtydPattern *patterns, size_t npatterns, const double *parameters,
		   double *gradient, double *hessian)
{
	Problem		problem;
	Derivatives d;
	int			n;

	likelihood_problem(&problem, model, patterns, npatterns, &host);
	if (model == MODEL_MBGCNBD)
		problem.k = (int) parameters[BTYD_PARAMETERS];
	likelihood_evaluate(&problem, parameters, hessian != NULL, &d);
	host.release(problem.groups);
	n = problem.nparameters;
	for (int j = 0; j < n; j++)
	{
		if (gradient)
			gradient[j] = total(&d.gradient[j]);
		for (int k = j; hessian && k < n; k++)
			hessian[j * n + k] = hessian[k * n + j] = total(&d.hessian[entry_of(j, k)]);
	}
	return total(&d.value);
}

#endif							/* TEST_LIKELIHOOD_H */
