/*
 * opportunity.c
 *		BG/BB: sums over the opportunity before which a customer left, each term
 *		from the one before. All terms are positive.
 */
#include "opportunity.h"

#include <math.h>

#include "gamma.h"

#define LARGE			1e200

/* Relative to the sum, what the terms not taken are below */
#define NEGLIGIBLE		1e-17

/* Terms of a sum without a horizon */
#define MAX_TERMS		1000000

bool
are_opportunities(double x, double t_x, double t)
{
	return t_x == floor(t_x) && t == floor(t) && x <= t_x && t <= MAX_OPPORTUNITIES;
}

/* From the last opportunity back to the one after t_x: how much likelier than that they stayed */
double
opportunity_log_odds_gone(const double *parameters, double x, double t_x, double t)
{
	const double beta = parameters[1];
	const double both = parameters[0] + beta;
	const double gamma = parameters[2];
	const double delta = parameters[3];
	double		term = 1;
	double		sum = 0;
	double		scale = 0;

	for (double j = t - 1; j >= t_x; j--)
	{
		term *= (both + j) / (beta + j - x) *
			(j == t - 1 ? gamma : gamma + delta + j + 1) / (delta + j);
		sum += term;
		if (sum > LARGE)
		{
			sum /= LARGE;
			term /= LARGE;
			scale += log(LARGE);
		}
	}
	return log(sum) + scale;
}

double
opportunity_log_stayed(const double *parameters, double x, double t)
{
	double		slope;
	double		by_sum;

	return log_rising(parameters[0], x, 1, &slope) + log_rising(parameters[1], t - x, 1, &slope) -
		log_rising(parameters[0] + parameters[1], t, 1, &slope) +
		log_rising_ratio(parameters[3], parameters[2], t, &slope, &by_sum);
}

double
opportunity_expected(const double *parameters, double horizon, double rate)
{
	const double gamma = parameters[2];
	const double delta = parameters[3];
	const double discount = exp(-rate);
	double		stays = 1;
	double		sum = 0;

	if (isinf(horizon) && rate == 0)
		return gamma > 1 ? parameters[0] / (parameters[0] + parameters[1]) * delta / (gamma - 1) :
			NAN;
	for (double i = 0; i < horizon; i++)
	{
		if (i >= MAX_TERMS)
			return NAN;
		stays *= (delta + i) / (gamma + delta + i) * discount;
		sum += stays;
		if (isinf(horizon) && stays <= NEGLIGIBLE * (1 - discount) * sum)
			break;
	}
	return parameters[0] / (parameters[0] + parameters[1]) * sum;
}

double
opportunity_probability(const double *parameters, double n, double horizon)
{
	const double beta = parameters[1];
	const double both = parameters[0] + beta;
	const double gamma = parameters[2];
	const double delta = parameters[3];
	double		slope;
	double		by_sum;
	double		term;
	double		sum = 0;

	if (n > horizon)
		return 0;
	if (horizon > MAX_TERMS)
		return NAN;
	/* n of the first n, and still there */
	term = exp(log_rising_ratio(parameters[0], beta, n, &slope, &by_sum) +
			   log_rising_ratio(delta, gamma, n, &slope, &by_sum));
	for (double i = n; i < horizon; i++)
	{
		sum += term * gamma / (gamma + delta + i);
		term *= (i + 1) / (i + 1 - n) * (beta + i - n) / (both + i) * (delta + i) /
			(gamma + delta + i);
	}
	return sum + term;
}
