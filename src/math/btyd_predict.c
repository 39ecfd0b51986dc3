/*
 * btyd_predict.c
 *		Buy-till-you-die models: BG/NBD, MBG/NBD, Pareto/NBD, and Gamma-Gamma.
 *
 * Everything is a product of positive numbers, kept as a sum of logarithms,
 * and one mixture of two cases: still a customer at t, or gone before. The log
 * of the odds of "gone" is what likelihood, gradient and P(alive) share.
 */
#include "btyd_predict.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "gamma.h"
#include "hypergeometric.h"

/* Beyond these nothing is promised, and the products below might overflow. */
#define MIN_PARAMETER	1e-15
#define MAX_PARAMETER	1e15
#define MAX_TIME		1e15
#define MAX_COUNT		1e9

static inline double
finite_or_nan(double value)
{
	return isfinite(value) ? value : NAN;
}

static bool
are_parameters(const double *parameters, int n)
{
	for (int i = 0; i < n; i++)
		if (!(parameters[i] >= MIN_PARAMETER && parameters[i] <= MAX_PARAMETER))
			return false;
	return true;
}

static bool
is_time(double t)
{
	return t >= 0.0 && t <= MAX_TIME;
}

/* x = 0 exactly when t_x = 0 is not asked for: a repeat at age 0 is odd, not wrong */
static bool
is_customer(double x, double t_x, double t)
{
	return x >= 0.0 && x <= MAX_COUNT && x == floor(x) &&
		t_x >= 0.0 && t_x <= t && is_time(t) && (x > 0.0 || t_x == 0.0);
}

/* ln(1 + exp(v)) */
static inline double
softplus(double v)
{
	return (v > 0.0 ? v : 0.0) + log1p(exp(-fabs(v)));
}

static inline double
logistic(double v)
{
	return v > 0.0 ? 1.0 / (1.0 + exp(-v)) : exp(v) / (1.0 + exp(v));
}

/*
 * ln of the odds that the customer left before t; -infinity where that can't
 * be. For Pareto/NBD the integral behind them is left in *integral.
 */
static double
log_odds_gone(BtydFamily family, const double *parameters, double x, double t_x, double t,
			  bool moments, ParetoIntegral *integral)
{
	double		r = parameters[0];
	double		alpha = parameters[1];
	double		silence;

	if (family == BTYD_PARETONBD)
	{
		double		s = parameters[2];
		double		beta = parameters[3];

		if (t_x == t)
			return -INFINITY;
		pareto_integral(r + x, s, alpha + t_x, beta + t_x, t - t_x, moments, integral);
		return log(s) + (r + x) * integral->whole_log_alpha + s * integral->whole_log_beta +
			integral->log_value;
	}
	silence = (r + x) * log1p((t - t_x) / (alpha + t_x));
	if (family == BTYD_MBGNBD)
		return log(parameters[2] / (parameters[3] + x)) + silence;
	if (x == 0.0)
		return -INFINITY;
	return log(parameters[2] / (parameters[3] + (x - 1.0))) + silence;
}

double
btyd_log_likelihood(BtydFamily family, const double *parameters, double x, double t_x, double t,
					double *gradient)
{
	double		r = parameters[0];
	double		alpha = parameters[1];
	double		age;
	double		by_r;
	double		odds;
	double		gone;
	double		result;
	ParetoIntegral integral;

	if (!are_parameters(parameters, BTYD_PARAMETERS) || !is_customer(x, t_x, t))
	{
		for (int i = 0; gradient != NULL && i < BTYD_PARAMETERS; i++)
			gradient[i] = NAN;
		return NAN;
	}

	/* x purchases, and none since t_x, of somebody who is still a customer */
	age = log1p(t / alpha);
	result = log_rising(r, x, alpha + t, &by_r) - r * age;
	odds = log_odds_gone(family, parameters, x, t_x, t, gradient != NULL, &integral);
	gone = logistic(odds);
	if (gradient != NULL)
	{
		gradient[0] = by_r - age;
		gradient[1] = (r * t - x * alpha) / (alpha * (alpha + t));
	}

	if (family == BTYD_PARETONBD)
	{
		double		s = parameters[2];
		double		beta = parameters[3];

		double		chance = log1p(t / beta);

		result -= s * chance;
		if (gradient != NULL)
		{
			gradient[2] = -chance;
			gradient[3] = s * t / (beta * (beta + t));
			if (gone > 0.0)
			{
				gradient[0] += gone * (integral.whole_log_alpha - integral.log_alpha);
				gradient[1] += gone * (r + x) * (1.0 / (alpha + t) - integral.per_alpha);
				gradient[2] += gone * (1.0 / s + integral.whole_log_beta - integral.log_beta);
				gradient[3] += gone * (s / (beta + t) - (s + 1.0) * integral.per_beta);
			}
		}
	}
	else
	{
		double		a = parameters[2];
		double		b = parameters[3];
		double		trials = family == BTYD_MBGNBD ? x + 1.0 : x;
		double		by_b;
		double		by_sum;

		/* ... after each of which, for MBG/NBD also at the first, they stayed */
		result += log_rising_ratio(b, a, trials, &by_b, &by_sum);
		if (gradient != NULL)
		{
			gradient[0] += gone * log1p((t - t_x) / (alpha + t_x));
			gradient[1] -= gone * (r + x) * (t - t_x) / ((alpha + t_x) * (alpha + t));
			gradient[2] = by_sum + gone / a;
			gradient[3] = by_b + by_sum;
			if (gone > 0.0)
				gradient[3] -= gone / (b + (trials - 1.0));
		}
	}
	result += softplus(odds);

	for (int i = 0; gradient != NULL && i < BTYD_PARAMETERS; i++)
		gradient[i] = finite_or_nan(gradient[i]);
	return finite_or_nan(result);
}

double
btyd_alive(BtydFamily family, const double *parameters, double x, double t_x, double t)
{
	ParetoIntegral integral;

	if (!are_parameters(parameters, BTYD_PARAMETERS) || !is_customer(x, t_x, t))
		return NAN;
	return finite_or_nan(logistic(-log_odds_gone(family, parameters, x, t_x, t, false, &integral)));
}

/* The integral over u from 0 to length of (1 + u/beta)^-s */
static double
pareto_time(double s, double beta, double length)
{
	double		v = log1p(length / beta);

	/* (1 - exp((1 - s) v)) / (s - 1), v where s = 1 */
	return beta * (s == 1.0 ? v : expm1((1.0 - s) * v) / (1.0 - s));
}

double
btyd_expected(BtydFamily family, const double *parameters, double x, double t_x, double t,
			  double horizon)
{
	double		alive = btyd_alive(family, parameters, x, t_x, t);
	double		n = parameters[0] + x;
	double		rate = parameters[1] + t;
	double		b = parameters[3] + x;

	if (isnan(alive) || !is_time(horizon))
		return NAN;
	switch (family)
	{
		case BTYD_MBGNBD:
			b += 1.0;
			/* FALLTHROUGH */
		case BTYD_BGNBD:
			return finite_or_nan(alive * beta_geometric_count(n, parameters[2], b, horizon / rate));
		case BTYD_PARETONBD:
			return finite_or_nan(alive * n / rate *
								 pareto_time(parameters[2], parameters[3] + t, horizon));
	}
	return NAN;
}

double
btyd_unconditional(BtydFamily family, const double *parameters, double t)
{
	double		r = parameters[0];
	double		alpha = parameters[1];
	double		a = parameters[2];
	double		b = parameters[3];

	if (!are_parameters(parameters, BTYD_PARAMETERS) || !is_time(t))
		return NAN;
	switch (family)
	{
		case BTYD_MBGNBD:
			return finite_or_nan(b / (a + b) * beta_geometric_count(r, a, b + 1.0, t / alpha));
		case BTYD_BGNBD:
			return finite_or_nan(beta_geometric_count(r, a, b, t / alpha));
		case BTYD_PARETONBD:
			return finite_or_nan(r / alpha * pareto_time(a, b, t));
	}
	return NAN;
}

double
btyd_probability(BtydFamily family, const double *parameters, int n, double t)
{
	double		r = parameters[0];
	double		y = t / parameters[1];
	double		stayed;
	double		left;
	double		result;

	if (!are_parameters(parameters, BTYD_PARAMETERS) || n < 0 || n > MAX_COUNT || !is_time(t))
		return NAN;
	if (family == BTYD_PARETONBD)
	{
		double		s = parameters[2];
		double		beta = parameters[3];

		stayed = log_negative_binomial(r, y, n) - s * log1p(t / beta);
		left = log_negative_binomial_stopped(r, parameters[1], s, beta, n, t);
	}
	else
	{
		double		a = parameters[2];
		double		b = parameters[3];
		double		trials = family == BTYD_MBGNBD ? n + 1.0 : n;
		double		by_b;
		double		by_sum;
		double		all = log_rising_ratio(b, a, trials, &by_b, &by_sum);

		stayed = all + log_negative_binomial(r, y, n);
		/* the last trial failed instead: a/(b + trials - 1) times as likely */
		left = trials == 0.0 ? -INFINITY :
			all + log(a / (b + (trials - 1.0))) + log_negative_binomial_tail(r, y, n);
	}
	result = exp(stayed) + exp(left);
	return result > 1.0 ? 1.0 : result;
}

double
btyd_residual(BtydFamily family, const double *parameters, double x, double t_x, double t,
			  double rate)
{
	double		alive;
	double		s = parameters[2];
	double		beta = parameters[3] + t;
	double		time;

	if (family != BTYD_PARETONBD || !(rate >= 0.0 && rate <= MAX_PARAMETER))
		return NAN;
	alive = btyd_alive(family, parameters, x, t_x, t);
	if (isnan(alive))
		return NAN;
	if (rate > 0.0)
		time = tricomi_integral(s, rate * beta) * beta;
	else if (s > 1.0)
		time = beta / (s - 1.0);
	else
		return NAN;
	return finite_or_nan(alive * (parameters[0] + x) / (parameters[1] + t) * time);
}

/* x = 0 says nothing of spend: m is not looked at */
static bool
is_spend(double x, double m)
{
	return x >= 0.0 && x <= MAX_COUNT && x == floor(x) &&
		(x == 0.0 || (m >= MIN_PARAMETER && m <= MAX_PARAMETER));
}

double
spend_log_likelihood(const double *parameters, double x, double m, double *gradient)
{
	double		p = parameters[0];
	double		q = parameters[1];
	double		gamma = parameters[2];
	double		shape = p * x;
	double		odds = x * m / gamma;
	double		log_above;
	double		log_below;

	if (!are_parameters(parameters, SPEND_PARAMETERS) || !is_spend(x, m))
	{
		for (int i = 0; gradient != NULL && i < SPEND_PARAMETERS; i++)
			gradient[i] = NAN;
		return NAN;
	}
	if (x == 0.0)
	{
		for (int i = 0; gradient != NULL && i < SPEND_PARAMETERS; i++)
			gradient[i] = 0.0;
		return 0.0;
	}

	/* x m/gamma has a beta distribution of the second kind */
	log_above = -log1p(1.0 / odds);
	log_below = -log1p(odds);
	if (gradient != NULL)
	{
		gradient[0] = finite_or_nan(x * (digamma_difference(shape, q) + log_above));
		gradient[1] = finite_or_nan(digamma_difference(q, shape) + log_below);
		gradient[2] = finite_or_nan((q * (x * m) - shape * gamma) / (gamma * (x * m + gamma)));
	}
	return finite_or_nan(shape * log_above + q * log_below - log(m) - log_beta(shape, q));
}

double
spend_expected(const double *parameters, double x, double m)
{
	double		p = parameters[0];
	double		q = parameters[1];
	double		gamma = parameters[2];
	double		shape = p * x;

	if (!are_parameters(parameters, SPEND_PARAMETERS) || !is_spend(x, m))
		return NAN;
	if (!(shape + q > 1.0))
		return NAN;
	return finite_or_nan((gamma + (x > 0.0 ? x * m : 0.0)) * p / (shape + (q - 1.0)));
}
