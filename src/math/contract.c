/*
 * contract.c
 *		The shifted-beta-geometric model of contracts: its likelihood needs of the
 *		customers only how many stood at each renewal and how many renewed.
 */
#include "contract.h"
#include "cholesky.h"
#include "gamma.h"
#include "newton.h"

#include <math.h>
#include <string.h>

#define MAX_ITERATIONS	200
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
static bool
evaluate(void *arg, NewtonPoint *point)
{
	const Renewals *renewals = arg;
	double		alpha = exp(point->at[0]);
	double		beta = exp(point->at[1]);
	double		value = renewals->ended * point->at[0];
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
	point->information[3] = -(beta * beta * (bb + both) + point->gradient[1]);
	return isfinite(value);
}

static bool
out_of_bounds(void *arg, const double *at)
{
	(void) arg;
	return !(fabs(at[0]) <= LOG_BOUND && fabs(at[1]) <= LOG_BOUND);
}

/* Climb from logarithms of alpha and beta. The fit counts steps, and is set at a maximum. */
static ContractStatus
fit_from(Renewals *renewals, const double *start, ContractFit *fit)
{
	double		memory[2][8];
	double		factor[4];
	double		inverse[4];
	double		step[2];
	NewtonPoint points[2];
	NewtonPoint *end = &points[0];
	Newton		newton = {
		.n = 2,.stride = 2,.max_iterations = MAX_ITERATIONS,.first_damping = 1e-3,
		.evaluate = evaluate,.out_of_bounds = out_of_bounds,.arg = renewals,
		.factor = factor,.step = step
	};

	for (int i = 0; i < 2; i++)
	{
		points[i].at = memory[i];
		points[i].gradient = memory[i] + 2;
		points[i].information = memory[i] + 4;
	}
	memcpy(end->at, start, 2 * sizeof(double));
	if (!newton_climb(&newton, &end, &points[1], &fit->iterations) ||
		!newton_step(&newton, end, 0.0))
		return out_of_bounds(NULL, end->at) ? CONTRACT_AT_BOUNDARY : CONTRACT_NOT_CONVERGED;
	cholesky_invert(factor, 2, inverse);
	fit->log_likelihood = end->value;
	fit->alpha = exp(end->at[0]);
	fit->beta = exp(end->at[1]);
	fit->alpha_error = fit->alpha * sqrt(inverse[0]);
	fit->beta_error = fit->beta * sqrt(inverse[3]);
	return sqrt(inverse[0]) > MAX_LOG_ERROR || sqrt(inverse[3]) > MAX_LOG_ERROR ?
		CONTRACT_AT_BOUNDARY : CONTRACT_CONVERGED;
}

void
contract_fit(const ContractCounts *counts, ContractFit *fit)
{
	/* first as many leave as stay, or few; alike, or different */
	static const double starts[][2] = {{0.0, 0.0}, {0.0, 1.5}, {1.5, 3.0}, {-1.5, 0.0}};
	Renewals	renewals;
	double		renewed = 0.0;
	bool		refused;

	memset(fit, 0, sizeof(*fit));
	fit->log_likelihood = -INFINITY;
	count_renewals(counts, &renewals);
	for (int i = 0; i < renewals.n; i++)
		renewed += renewals.renewed[i];
	fit->status = renewals.n == 0 ? CONTRACT_TOO_FEW :
		renewals.ended == 0.0 ? CONTRACT_NOBODY_ENDED :
		renewed == 0.0 ? CONTRACT_NOBODY_RENEWED :
		renewals.n < 2 ? CONTRACT_TOO_FEW : CONTRACT_NOT_CONVERGED;
	refused = fit->status != CONTRACT_NOT_CONVERGED;
	for (size_t s = 0; !refused && s < sizeof(starts) / sizeof(starts[0]); s++)
	{
		ContractFit found = *fit;

		found.status = fit_from(&renewals, starts[s], &found);
		/* the best maximum, the first of equals; or else what an end without one tells */
		if (found.log_likelihood > fit->log_likelihood)
			*fit = found;
		else if (!isfinite(fit->log_likelihood) && found.status == CONTRACT_AT_BOUNDARY)
			fit->status = found.status;
		fit->iterations = found.iterations;
	}
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
