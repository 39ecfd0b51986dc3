/*
 * contract.c
 *		The shifted-beta-geometric model of contracts: its likelihood needs of the
 *		customers only how many stood at each renewal and how many renewed.
 */
#include "contract.h"
#include "gamma.h"

#include <math.h>
#include <string.h>

#define MAX_ITERATIONS	200
#define SMALL_GAIN		1e-12
#define LOG_BOUND		11.5	/* a parameter beyond exp(this), or its inverse, has run away */
#define MAX_LOG_ERROR	10.0	/* a parameter whose logarithm is known no better isn't known */

/* Of renewal i: so many stood there, and so many of them renewed */
typedef struct Renewals
{
	int			n;				/* renewals that somebody stood at */
	double		ended;
	double		stood[CONTRACT_MAX_PERIODS];
	double		renewed[CONTRACT_MAX_PERIODS];
} Renewals;

static void
count_renewals(const ContractCounts *counts, Renewals *renewals)
{
	double		later = 0.0;

	memset(renewals, 0, sizeof(*renewals));
	for (int i = CONTRACT_MAX_PERIODS - 1; i >= 0; i--)
	{
		later += (double) counts->running[i + 1];
		renewals->renewed[i] = later;
		later += (double) counts->ended[i];
		renewals->stood[i] = later;
		renewals->ended += (double) counts->ended[i];
		if (later > 0.0 && renewals->n == 0)
			renewals->n = i + 1;
	}
}

/* At the logarithms of alpha and beta */
typedef struct Point
{
	double		log_alpha;
	double		log_beta;
	double		value;
	double		gradient[2];
	double		information[3]; /* aa, ab, bb: minus the Hessian */
} Point;

static void
evaluate(const Renewals *renewals, Point *point)
{
	double		alpha = exp(point->log_alpha);
	double		beta = exp(point->log_beta);
	double		value = renewals->ended * point->log_alpha;
	double		by_alpha = renewals->ended / alpha;
	double		by_beta = 0.0;
	double		aa = -renewals->ended / (alpha * alpha);
	double		both = 0.0;
	double		bb = 0.0;

	for (int i = 0; i < renewals->n; i++)
	{
		double		up = beta + i;
		double		down = alpha + beta + i;

		value += renewals->renewed[i] * log(up) - renewals->stood[i] * log(down);
		by_alpha -= renewals->stood[i] / down;
		by_beta += renewals->renewed[i] / up - renewals->stood[i] / down;
		both += renewals->stood[i] / (down * down);
		bb -= renewals->renewed[i] / (up * up);
	}
	point->value = value;
	point->gradient[0] = alpha * by_alpha;
	point->gradient[1] = beta * by_beta;
	point->information[0] = -(alpha * alpha * (aa + both) + point->gradient[0]);
	point->information[1] = -(alpha * beta * both);
	point->information[2] = -(beta * beta * (bb + both) + point->gradient[1]);
}

/* Solve with so much added to the diagonal; false if that isn't positive definite. */
static bool
solve(const Point *point, double damping, double *step)
{
	double		a = point->information[0] + damping;
	double		b = point->information[1];
	double		c = point->information[2] + damping;
	double		determinant = a * c - b * b;

	if (!(a > 0.0 && determinant > 1e-12 * a * c))
		return false;
	step[0] = (c * point->gradient[0] - b * point->gradient[1]) / determinant;
	step[1] = (a * point->gradient[1] - b * point->gradient[0]) / determinant;
	return true;
}

/*
 * Climb by damped Newton steps; true at a top. Not by newton.c, which begins each step
 * without damping: where of a hundred thousand contracts a few end, the likelihood is
 * a long valley, and what damping it takes there is kept from one step to the next.
 */
static bool
climb(const Renewals *renewals, Point *point, int *iterations)
{
	double		damping = 0.0;

	evaluate(renewals, point);
	while ((*iterations)++ < MAX_ITERATIONS)
	{
		double		step[2];
		double		gain;
		Point		next;

		while (!solve(point, damping, step) || fabs(step[0]) > 3.0 || fabs(step[1]) > 3.0)
		{
			damping = damping > 0.0 ? damping * 4.0 : 1e-3 * (1.0 + fabs(point->information[0]));
			if (damping > 1e300)
				return false;
		}
		gain = step[0] * point->gradient[0] + step[1] * point->gradient[1];
		next.log_alpha = point->log_alpha + step[0];
		next.log_beta = point->log_beta + step[1];
		if (fabs(next.log_alpha) > LOG_BOUND || fabs(next.log_beta) > LOG_BOUND)
			return false;
		evaluate(renewals, &next);
		if (!isfinite(next.value))
			return false;
		if (next.value < point->value && gain > SMALL_GAIN)
		{
			damping = damping > 0.0 ? damping * 4.0 : 1e-3 * (1.0 + fabs(point->information[0]));
			continue;
		}
		*point = next;
		if (gain <= SMALL_GAIN && damping == 0.0)
			return true;
		damping = damping > 1e-6 ? damping / 8.0 : 0.0;
	}
	return false;
}

void
contract_fit(const ContractCounts *counts, ContractFit *fit)
{
	/* first as many leave as stay, or few; alike, or different */
	static const double starts[][2] = {{0.0, 0.0}, {0.0, 1.5}, {1.5, 3.0}, {-1.5, 0.0}};
	Renewals	renewals;
	bool		found = false;
	bool		bounded = false;
	double		renewed = 0.0;

	memset(fit, 0, sizeof(*fit));
	count_renewals(counts, &renewals);
	for (int i = 0; i < renewals.n; i++)
		renewed += renewals.renewed[i];
	fit->status = renewals.n == 0 ? CONTRACT_TOO_FEW :
		renewals.ended == 0.0 ? CONTRACT_NOBODY_ENDED :
		renewed == 0.0 ? CONTRACT_NOBODY_RENEWED :
		renewals.n < 2 ? CONTRACT_TOO_FEW : CONTRACT_CONVERGED;
	if (fit->status != CONTRACT_CONVERGED)
		return;
	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
	{
		Point		point = {.log_alpha = starts[s][0],.log_beta = starts[s][1]};
		double		determinant;

		if (!climb(&renewals, &point, &fit->iterations))
		{
			bounded |= fabs(point.log_alpha) > LOG_BOUND - 3.0 ||
				fabs(point.log_beta) > LOG_BOUND - 3.0;
			continue;
		}
		determinant = point.information[0] * point.information[2] -
			point.information[1] * point.information[1];
		if (found && point.value <= fit->log_likelihood)
			continue;
		found = true;
		fit->log_likelihood = point.value;
		fit->alpha = exp(point.log_alpha);
		fit->beta = exp(point.log_beta);
		fit->alpha_error = sqrt(point.information[2] / determinant);
		fit->beta_error = sqrt(point.information[0] / determinant);
	}
	if (!found)
		fit->status = bounded ? CONTRACT_AT_BOUNDARY : CONTRACT_NOT_CONVERGED;
	else if (fit->alpha_error > MAX_LOG_ERROR || fit->beta_error > MAX_LOG_ERROR)
		fit->status = CONTRACT_AT_BOUNDARY;
	/* so far they were of the logarithms */
	fit->alpha_error *= fit->alpha;
	fit->beta_error *= fit->beta;
}

double
contract_log_survival(double alpha, double beta, double periods)
{
	double		by_beta;
	double		by_sum;

	return periods == 0.0 ? 0.0 : log_rising_ratio(beta, alpha, periods, &by_beta, &by_sum);
}

/*
 * NAN where more than MAX_TERMS would be summed: for rates below some millionths.
 *
 * The sum over j from 1 on of S(periods + j) / S(periods) d^(j - 1). It is
 * (b / (a + b)) 2F1(1, b + 1; a + b + 1; d) with b = beta + periods, summed from
 * its start: all terms are positive. What is left after many terms is bounded by
 * a geometric series where d < 1.
 */
#define MAX_TERMS	10000000

double
contract_residual(double alpha, double beta, double periods, double rate)
{
	double		b = beta + periods;
	double		d = 1.0 / (1.0 + rate);
	double		term = b / (alpha + b);
	double		sum = 0.0;

	/* telescopes: sum of S(j)/S(0) is b / (alpha - 1) */
	if (rate == 0.0)
		return alpha > 1.0 ? b / (alpha - 1.0) : INFINITY;
	for (int j = 1; j < MAX_TERMS; j++)
	{
		double		next = term * d * (b + j) / (alpha + b + j);

		sum += term;
		if (next / (1.0 - d) < 1e-16 * sum)
			return sum;
		term = next;
	}
	return NAN;
}
