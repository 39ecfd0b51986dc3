/*
 * btyd_predict.c
 *		Buy-till-you-die models: BG/NBD, MBG/NBD, Pareto/NBD, MBG/CNBD-k, and
 *		Gamma-Gamma.
 *
 * Everything is a product of positive numbers, kept as a sum of logarithms,
 * and one mixture of two cases: still a customer at t, or gone before. The log
 * of the odds of "gone" is what likelihood, gradient and P(alive) share.
 */
#include "btyd_predict.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "erlang.h"
#include "gamma.h"
#include "gauss_legendre.h"
#include "hypergeometric.h"
#include "opportunity.h"

/* Beyond these nothing is promised, and the products below might overflow. */
#define MIN_PARAMETER	1e-15
#define MAX_PARAMETER	1e15
#define MAX_TIME		1e15
#define MAX_COUNT		1e9

/* Panels of an integral over time */
#define MAX_PANELS		2000

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
are_parameters_of(BtydFamily family, const double *parameters)
{
	return are_parameters(parameters, BTYD_PARAMETERS) &&
		(family != BTYD_MBGCNBD || (parameters[4] >= 1 && parameters[4] <= ERLANG_MAX_K &&
									parameters[4] == floor(parameters[4])));
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
	return fmax(v, 0.0) + log1p(exp(-fabs(v)));
}

static inline double
logistic(double v)
{
	return v > 0.0 ? 1.0 / (1.0 + exp(-v)) : exp(v) / (1.0 + exp(v));
}

/* Of one who has just ordered, no event is hidden */
static const double no_silence[ERLANG_MAX_K] = {1.0};

/* A customer that the family can have seen */
static bool
is_customer_of(BtydFamily family, double x, double t_x, double t)
{
	return is_customer(x, t_x, t) && (family != BTYD_BGBB || are_opportunities(x, t_x, t));
}

/* What is known of p and theta of one who is still there after t opportunities */
static void
opportunity_posterior(const double *parameters, double x, double t, double *posterior)
{
	posterior[0] = parameters[0] + x;
	posterior[1] = parameters[1] + t - x;
	posterior[2] = parameters[2];
	posterior[3] = parameters[3] + t;
}

/* ln of the odds that the customer left before t; -infinity where that can't be */
static double
log_odds_gone(BtydFamily family, const double *parameters, double x, double t_x, double t)
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
		return log(s) + (r + x) * log1p((t - t_x) / (alpha + t_x)) +
			s * log1p((t - t_x) / (beta + t_x)) +
			log_pareto_integral(r + x, s, alpha + t_x, beta + t_x, t - t_x);
	}
	if (family == BTYD_BGBB)
		return opportunity_log_odds_gone(parameters, x, t_x, t);
	if (family == BTYD_MBGCNBD)
	{
		int			k = (int) parameters[4];
		double		weights[ERLANG_MAX_K];
		double		shape = r + k * x;

		return log(parameters[2] / (parameters[3] + x)) +
			shape * log1p((t - t_x) / (alpha + t_x)) -
			log(erlang_silence(k, shape, (t - t_x) / (alpha + t), weights));
	}
	silence = (r + x) * log1p((t - t_x) / (alpha + t_x));
	if (family == BTYD_MBGNBD)
		return log(parameters[2] / (parameters[3] + x)) + silence;
	if (x == 0.0)
		return -INFINITY;
	return log(parameters[2] / (parameters[3] + (x - 1.0))) + silence;
}

/*
 * What the fit sums up (btyd_likelihood.c), by another path: it is the likelihood
 * of those who are still there, and 1 + the odds that they have gone.
 */
double
btyd_log_likelihood(BtydFamily family, const double *parameters, double x, double t_x, double t,
					double ln_gaps)
{
	double		r = parameters[0];
	double		alpha = parameters[1];
	double		events = x;
	double		value = 0.0;
	double		slope;
	double		by_sum;

	if (!are_parameters_of(family, parameters) || !is_customer_of(family, x, t_x, t))
		return NAN;
	if (family == BTYD_BGBB)
		return finite_or_nan(opportunity_log_stayed(parameters, x, t) +
							 softplus(log_odds_gone(family, parameters, x, t_x, t)));
	if (family == BTYD_MBGCNBD)
	{
		int			k = (int) parameters[4];
		double		weights[ERLANG_MAX_K];

		events = k * x;
		value = log(erlang_silence(k, r + events, (t - t_x) / (alpha + t), weights));
		if (k > 1)
			value += (k - 1) * ln_gaps - x * log_rising(1.0, k - 1, 1.0, &slope);
	}
	value += log_rising(r, events, 1.0, &slope) - events * log(alpha) -
		(r + events) * log1p(t / alpha);
	if (family == BTYD_PARETONBD)
		value -= parameters[2] * log1p(t / parameters[3]);
	else
		value += log_rising_ratio(parameters[3], parameters[2], family == BTYD_BGNBD ? x : x + 1.0,
								  &slope, &by_sum);
	return finite_or_nan(value + softplus(log_odds_gone(family, parameters, x, t_x, t)));
}

double
btyd_alive(BtydFamily family, const double *parameters, double x, double t_x, double t)
{
	if (!are_parameters_of(family, parameters) || !is_customer_of(family, x, t_x, t))
		return NAN;
	return finite_or_nan(logistic(-log_odds_gone(family, parameters, x, t_x, t)));
}

/* The integral over u from 0 to length of (1 + u/beta)^-s */
static double
pareto_time(double s, double beta, double length)
{
	double		v = log1p(length / beta);

	/* (1 - exp((1 - s) v)) / (s - 1), v where s = 1 */
	return beta * (s == 1.0 ? v : expm1((1.0 - s) * v) / (1.0 - s));
}

/* E[repeat days in (t, t + horizon]] of one who is still there at t */
static double
expected_of_alive(BtydFamily family, const double *parameters, double x, double t_x, double t,
				  double horizon)
{
	double		n = parameters[0] + x;
	double		rate = parameters[1] + t;
	double		b = parameters[3] + x;

	switch (family)
	{
		case BTYD_MBGNBD:
			b += 1.0;
			/* FALLTHROUGH */
		case BTYD_BGNBD:
			return beta_geometric_count(n, parameters[2], b, horizon / rate);
		case BTYD_PARETONBD:
			return n / rate * pareto_time(parameters[2], parameters[3] + t, horizon);
		case BTYD_MBGCNBD:
			{
				int			k = (int) parameters[4];
				double		weights[ERLANG_MAX_K];
				double		shape = parameters[0] + k * x;
				double		total = erlang_silence(k, shape, (t - t_x) / rate, weights);

				return erlang_expected(k, shape, horizon / rate, parameters[2], b + 1.0, weights,
									   total);
			}
		case BTYD_BGBB:
			{
				double		posterior[BTYD_PARAMETERS];

				opportunity_posterior(parameters, x, t, posterior);
				return opportunity_expected(posterior, floor(horizon), 0.0);
			}
	}
	return NAN;
}

double
btyd_expected(BtydFamily family, const double *parameters, double x, double t_x, double t,
			  double horizon)
{
	double		alive = btyd_alive(family, parameters, x, t_x, t);

	if (isnan(alive) || !is_time(horizon))
		return NAN;
	return finite_or_nan(alive *
						 expected_of_alive(family, parameters, x, t_x, t, horizon));
}

double
btyd_unconditional(BtydFamily family, const double *parameters, double t)
{
	double		r = parameters[0];
	double		alpha = parameters[1];
	double		a = parameters[2];
	double		b = parameters[3];

	if (!are_parameters_of(family, parameters) || !is_time(t))
		return NAN;
	switch (family)
	{
		case BTYD_MBGNBD:
			return finite_or_nan(b / (a + b) * beta_geometric_count(r, a, b + 1.0, t / alpha));
		case BTYD_BGNBD:
			return finite_or_nan(beta_geometric_count(r, a, b, t / alpha));
		case BTYD_PARETONBD:
			return finite_or_nan(r / alpha * pareto_time(a, b, t));
		case BTYD_MBGCNBD:
			return finite_or_nan(b / (a + b) * erlang_expected((int) parameters[4], r, t / alpha, a,
															   b + 1.0, no_silence, 1.0));
		case BTYD_BGBB:
			return finite_or_nan(opportunity_expected(parameters, floor(t), 0.0));
	}
	return NAN;
}

/* P(n days in (0, t]]; a and b are s and beta of Pareto/NBD */
static double
count_probability(BtydFamily family, double r, double alpha, double a, double b, int n, double t)
{
	double		y = t / alpha;
	double		stayed;
	double		left;
	double		result;

	if (family == BTYD_PARETONBD)
	{
		stayed = log_negative_binomial(r, y, n) - a * log1p(t / b);
		/* none before they left: the integral of P(alive), at a tenth of the cost */
		left = n == 0 ? log(a) + log_pareto_integral(r, a, alpha, b, t) :
			log_negative_binomial_stopped(r, alpha, a, b, n, t);
	}
	else
	{
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
btyd_probability(BtydFamily family, const double *parameters, int n, double t)
{
	if (!are_parameters_of(family, parameters) || n < 0 || n > MAX_COUNT || !is_time(t))
		return NAN;
	if (family == BTYD_MBGCNBD || family == BTYD_BGBB)
		return btyd_probability_after(family, parameters, n, 0.0, 0.0, 0.0, t);
	return count_probability(family, parameters[0], parameters[1], parameters[2], parameters[3], n,
							 t);
}

/*
 * Of a customer who is still there, what is known of rate and leaving has the
 * shape of what was known at first, with other parameters; and one who is still
 * there has not left after the last order, so that MBG/NBD is BG/NBD from then on.
 */
double
btyd_probability_after(BtydFamily family, const double *parameters, int n, double x, double t_x,
					   double t, double horizon)
{
	double		r = parameters[0] + x;
	double		alpha = parameters[1] + t;
	double		a = parameters[2];
	double		b = parameters[3];
	double		odds;
	double		result;

	if (!are_parameters_of(family, parameters) || !is_customer_of(family, x, t_x, t) ||
		n < 0 || n > MAX_COUNT || !is_time(horizon))
		return NAN;
	odds = log_odds_gone(family, parameters, x, t_x, t);
	switch (family)
	{
		case BTYD_MBGNBD:
		case BTYD_MBGCNBD:
			b += x + 1.0;
			break;
		case BTYD_BGNBD:
			b += x;
			break;
		case BTYD_PARETONBD:
			b += t;
			break;
		case BTYD_BGBB:
			break;
	}
	if (family == BTYD_MBGCNBD)
	{
		int			k = (int) parameters[4];
		double		weights[ERLANG_MAX_K];
		double		shape = parameters[0] + k * x;
		double		total = erlang_silence(k, shape, (t - t_x) / alpha, weights);

		result = erlang_probability(k, shape, horizon / alpha, a, b, weights, total, n);
	}
	else if (family == BTYD_BGBB)
	{
		double		posterior[BTYD_PARAMETERS];

		opportunity_posterior(parameters, x, t, posterior);
		result = opportunity_probability(posterior, n, floor(horizon));
	}
	else
		result = count_probability(family == BTYD_MBGNBD ? BTYD_BGNBD : family, r, alpha, a, b, n,
								   horizon);
	result *= logistic(-odds);
	if (n == 0)
		result += logistic(odds);
	return finite_or_nan(result > 1.0 ? 1.0 : result);
}

double
btyd_residual(BtydFamily family, const double *parameters, double x, double t_x, double t,
			  double rate)
{
	double		alive;
	double		s = parameters[2];
	double		beta = parameters[3] + t;
	double		time;

	if ((family != BTYD_PARETONBD && family != BTYD_BGBB) ||
		!(rate >= 0.0 && rate <= MAX_PARAMETER))
		return NAN;
	alive = btyd_alive(family, parameters, x, t_x, t);
	if (isnan(alive))
		return NAN;
	if (family == BTYD_BGBB)
	{
		double		posterior[BTYD_PARAMETERS];

		opportunity_posterior(parameters, x, t, posterior);
		return finite_or_nan(alive * opportunity_expected(posterior, INFINITY, rate));
	}
	if (rate > 0.0)
		time = tricomi_integral(s, rate * beta) * beta;
	else if (s > 1.0)
		time = beta / (s - 1.0);
	else
		return NAN;
	return finite_or_nan(alive * (parameters[0] + x) / (parameters[1] + t) * time);
}

/* The same at several times of a family that has no closed form of what is discounted */
static void
expected_of_alive_at(BtydFamily family, const double *parameters, double x, double t_x, double t,
					 int m, const double *times, double *counts)
{
	double		rate = parameters[1] + t;
	double		y[MOST_COUNTS];

	for (int i = 0; i < m; i++)
		y[i] = times[i] / rate;
	if (family == BTYD_MBGCNBD)
	{
		int			k = (int) parameters[4];
		double		weights[ERLANG_MAX_K];
		double		shape = parameters[0] + k * x;
		double		total = erlang_silence(k, shape, (t - t_x) / rate, weights);

		erlang_expected_at(k, shape, m, y, parameters[2], parameters[3] + x + 1.0, weights, total,
						   counts);
	}
	else
		beta_geometric_counts(parameters[0] + x, parameters[2],
							  parameters[3] + x + (family == BTYD_MBGNBD ? 1.0 : 0.0), m, y,
							  counts);
}

/*
 * A panel of time: from is its beginning; returns the integral of exp(-rate s) E(s), and E at
 * its end, which costs next to nothing here.
 */
static double
discounted_panel(BtydFamily family, const double *parameters, double x, double t_x, double t,
				 double rate, double from, double width, double *at_end)
{
	double		times[13];
	double		counts[13];
	double		sum = 0.0;

	for (int i = 0; i < 12; i++)
		times[i] = from + width / 2.0 * (1.0 + (i < 6 ? -gauss12[5 - i].x : gauss12[i - 6].x));
	times[12] = from + width;
	expected_of_alive_at(family, parameters, x, t_x, t, 13, times, counts);
	for (int i = 0; i < 12; i++)
		sum += gauss12[i < 6 ? 5 - i : i - 6].weight * exp(-rate * times[i]) * counts[i];
	*at_end = counts[12];
	return sum * width / 2.0;
}

/*
 * By parts: what comes until the horizon, discounted as if it came then, and the
 * interest on what comes before. Panels grow with the time passed, as the
 * expectation bends ever less; those of regular buyers are few gaps long, for it
 * rises in steps.
 */
double
btyd_residual_within(BtydFamily family, const double *parameters, double x, double t_x, double t,
					 double rate, double horizon)
{
	double		alive = btyd_alive(family, parameters, x, t_x, t);
	double		scale = parameters[1] + t;
	double		result;
	double		end;
	double		at_end = 0.0;
	double		gap = INFINITY;
	double		s = 0.0;

	if (isnan(alive) || !is_time(horizon) || !(rate >= 0.0 && rate <= MAX_PARAMETER))
		return NAN;
	if (family == BTYD_BGBB)
	{
		double		posterior[BTYD_PARAMETERS];

		opportunity_posterior(parameters, x, t, posterior);
		return finite_or_nan(alive * opportunity_expected(posterior, floor(horizon), rate));
	}
	if (family == BTYD_PARETONBD)
	{
		double		beta = parameters[3] + t;

		return finite_or_nan(alive * (parameters[0] + x) / scale * beta *
							 tricomi_integral_to(parameters[2], rate * beta, horizon / beta));
	}
	if (rate == 0.0 || horizon == 0.0)
		return finite_or_nan(alive *
							 expected_of_alive(family, parameters, x, t_x, t, horizon));
	if (family == BTYD_MBGCNBD && parameters[4] > 1.0)
		gap = parameters[4] * scale / (parameters[0] + parameters[4] * x);
	else
		scale /= 1.0 + (parameters[0] + x) * parameters[2] / (parameters[2] + parameters[3] + x);
	/* beyond that, the interest is nothing */
	end = fmin(horizon, 40.0 / rate);
	result = 0.0;
	for (int panel = 0; s < end; panel++)
	{
		double		width = fmin(fmin(fmin(end - s, 2.5 * (scale + s)), 4.0 * gap), 4.0 / rate);

		if (panel >= MAX_PANELS)
			return NAN;
		if (end - s - width < 0.2 * width)
			width = end - s;
		result += rate * discounted_panel(family, parameters, x, t_x, t, rate, s, width, &at_end);
		s += width;
	}
	if (end < horizon)
		at_end = expected_of_alive(family, parameters, x, t_x, t, horizon);
	return finite_or_nan(alive * (result + exp(-rate * horizon) * at_end));
}

/* x = 0 says nothing of spend: m is not looked at */
static bool
is_spend(double x, double m)
{
	return x >= 0.0 && x <= MAX_COUNT && x == floor(x) &&
		(x == 0.0 || (m >= MIN_PARAMETER && m <= MAX_PARAMETER));
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

double
spend_log_likelihood(const double *parameters, double x, double m)
{
	double		p = parameters[0];
	double		q = parameters[1];
	double		gamma = parameters[2];
	double		z = x * m;

	if (!are_parameters(parameters, SPEND_PARAMETERS) || !is_spend(x, m) || x == 0.0)
		return NAN;
	return finite_or_nan(-log_beta(p * x, q) - log(m) - p * x * log1p(gamma / z) -
						 q * log1p(z / gamma));
}
