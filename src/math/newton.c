/*
 * newton.c
 *		Newton's method, up to a maximum. See newton.h.
 */
#include "newton.h"

#include "cholesky.h"

#include <math.h>
#include <string.h>

/* What a step must promise to gain to be worth another, of a log-likelihood */
#define SMALL_GAIN		1e-9

/* A pivot of the information must be above this part of its entry on the diagonal. */
#define LEAST_PIVOT		1e-12

bool
newton_step(Newton *newton, const NewtonPoint *point, double damping)
{
	const int	n = newton->n;

	for (int j = 0; j < n; j++)
	{
		for (int i = j; i < n; i++)
			newton->factor[i + j * n] = point->information[i + j * newton->stride] +
				(i == j ? damping : 0);
	}
	if (!cholesky_factor(newton->factor, n, LEAST_PIVOT))
		return false;
	memcpy(newton->step, point->gradient, (size_t) n * sizeof(double));
	cholesky_solve(newton->factor, n, newton->step);
	return true;
}

/* A step that leads uphill: the damping that it took, not finite if none is enough */
static double
damped_step(Newton *newton, const NewtonPoint *point)
{
	double		damping = 0;

	while (isfinite(damping) && !newton_step(newton, point, damping))
	{
		double		size = 1e-300;

		for (int j = 0; j < newton->n; j++)
			size = fmax(size, fabs(point->information[j + j * newton->stride]));
		damping = damping == 0 ? size * newton->first_damping : damping * 10;
	}
	return damping;
}

bool
newton_climb(Newton *newton, NewtonPoint **point, NewtonPoint *spare, int *iterations)
{
	NewtonPoint *here = *point;
	NewtonPoint *next = spare;

	if (!newton->evaluate(newton->arg, here))
	{
		here->value = -INFINITY;
		return false;
	}
	for (int iteration = 0; iteration < newton->max_iterations; iteration++)
	{
		double		damping = damped_step(newton, here);
		double		longest = 0;
		double		gain = 0;
		double		factor = 1;
		double		noise = 1e-12 * (1 + fabs(here->value));

		if (!isfinite(damping))
			return false;
		for (int j = 0; j < newton->n; j++)
		{
			longest = fmax(longest, fabs(newton->step[j]));
			gain += newton->step[j] * here->gradient[j];
		}
		if (!isfinite(longest))
			return false;
		if (longest > 1)
			factor = 1 / longest;
		for (;; factor /= 2)
		{
			/* no better point in sight: a maximum to within rounding? */
			if (factor < 1e-10)
				return damping == 0 && gain <= noise;
			for (int j = 0; j < newton->n; j++)
				next->at[j] = here->at[j] + factor * newton->step[j];
			if (newton->evaluate(newton->arg, next) && next->value >= here->value - noise)
				break;
		}
		*point = next;
		next = here;
		here = *point;
		(*iterations)++;
		if (damping == 0 && gain <= SMALL_GAIN)
			return true;
		if (newton->out_of_bounds(newton->arg, here->at))
			return false;
	}
	return false;
}
