/*
 * erlang.c
 *		Counts of orders that are each k-th event of a Poisson process.
 *
 * The rate of the process being Gamma, the number of its events is negative
 * binomial. Its terms are had one from the other, upwards from the first that
 * is wanted, and carried with a scale of their own, as the first may be far
 * below the range of a double.
 */
#include "erlang.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "gamma.h"
#include "hypergeometric.h"

/* Terms at most: some 5 milliseconds for each weight */
#define MAX_TERMS		1e6

/* Relative to the sum, what the terms not taken are below */
#define NEGLIGIBLE		1e-17

#define LARGE			1e200

double
erlang_silence(int k, double shape, double u, double *weights)
{
	double		sum = 0;
	double		term = 1;

	for (int j = 0; j < k; j++)
	{
		weights[j] = term;
		sum += term;
		term *= (shape + j) / (j + 1) * u;
	}
	return sum;
}

double
log_erlang_silence(int k, double shape, double u, double inverse, int second, double *by)
{
	double		sum = 1;
	double		term = 1;
	double		slope = 0;		/* of ln term by shape */
	double		bend = 0;		/* minus its second derivative */
	double		s[5] = {0};

	for (int j = 1; j < k; j++)
	{
		const double factor = 1 / (shape + (j - 1));

		term *= u / (j * factor);
		slope += factor;
		sum += term;
		s[0] += term * slope;
		s[1] += term * j;
		if (second)
		{
			bend += factor * factor;
			s[2] += term * (slope * slope - bend);
			s[3] += term * slope * j;
			s[4] += term * j * (j + 1);
		}
	}
	by[0] = s[0] / sum;
	by[1] = -s[1] / sum * inverse;
	if (second)
	{
		by[2] = s[2] / sum - by[0] * by[0];
		by[3] = -s[3] / sum * inverse - by[0] * by[1];
		by[4] = s[4] / sum * inverse * inverse - by[1] * by[1];
	}
	return log(sum);
}

/* Terms of a negative binomial, P(m) at y, from m on */
typedef struct Terms
{
	double		shape;
	double		z;				/* y / (1 + y) */
	double		m;
	double		term;			/* P(m), by exp(scale) */
	double		scale;
} Terms;

static void
terms_start(Terms *terms, double shape, double y, double m)
{
	terms->shape = shape;
	terms->z = y / (1 + y);
	terms->m = m;
	terms->term = 1;
	terms->scale = m == 0 ? -shape * log1p(y) : log_negative_binomial(shape, y, m);
}

/* P(m + 1) from P(m); returns their ratio. sum is kept by the same scale. */
static inline double
terms_next(Terms *terms, double *sum)
{
	double		ratio = (terms->shape + terms->m) / (terms->m + 1) * terms->z;

	terms->term *= ratio;
	terms->m += 1;
	if (terms->term > LARGE)
	{
		terms->term /= LARGE;
		*sum /= LARGE;
		terms->scale += 200 * M_LN10;
	}
	return ratio;
}

/* Those after the mean are halved at best in each (1 + y) of them. */
static bool
are_too_many(double shape, double y)
{
	return !((shape + 40) * y < MAX_TERMS);
}

/* Of one whose hidden events are j: the sum of P(m) times E[orders that m + j events let happen] */
static double
expected_from(int k, int j, double shape, double y, double a, double b)
{
	Terms		terms;
	double		sum = 0;
	double		orders = 0;
	double		stays = 1;		/* until the next order */
	int			rest = k - j;	/* events to the next order */

	if (are_too_many(shape + j, y))
		return NAN;
	terms_start(&terms, shape + j, y, 0);
	for (double n = 0; terms.m < MAX_TERMS;)
	{
		double		ratio = terms_next(&terms, &sum);

		if (--rest == 0)
		{
			orders += stays;
			stays *= (b + n) / (a + b + n);
			n++;
			rest = k;
		}
		sum += terms.term * orders;
		if (ratio < 1 && terms.term * orders <= NEGLIGIBLE * (1 - ratio) * sum && orders > 0)
			return sum * exp(terms.scale);
		/* P(m) is nothing before there is an order */
		if (terms.term == 0)
			return sum * exp(terms.scale);
	}
	return NAN;
}

double
erlang_expected(int k, double shape, double y, double a, double b, const double *weights,
				double total)
{
	double		result = 0;

	for (int j = 0; y > 0 && j < k; j++)
	{
		if (weights[j] > 0)
			result += weights[j] / total * expected_from(k, j, shape, y, a, b);
	}
	return result;
}

/* Terms that begin at 1 stay within the range of a double: so much by ln P(0). */
#define MOST_RISE		600

/*
 * expected_from for several y, ascending, in one pass: what orders are expected of is the same for
 * all. Adds up by weight; false if it does not end, or not within the range of a double.
 */
static bool
add_expected_from(int k, int j, double shape, int m, const double *y, double a, double b,
				  double weight, double *counts)
{
	double		z[MOST_COUNTS] = {0};	/* the rest stays 0: a loop of fixed length is vectorised */
	double		term[MOST_COUNTS] = {0};
	double		sum[MOST_COUNTS] = {0};
	double		orders = 0;
	double		stays = 1;
	double		n = 0;
	int			rest = k - j;

	shape += j;
	if (are_too_many(shape, y[m - 1]) || !(shape * log1p(y[m - 1]) < MOST_RISE))
		return false;
	for (int i = 0; i < m; i++)
	{
		z[i] = y[i] / (1 + y[i]);
		term[i] = 1;
	}
	for (double events = 0; events < MAX_TERMS; events++)
	{
		double		step = (shape + events) / (events + 1);
		double		ratio = step * z[m - 1];

		if (--rest == 0)
		{
			orders += stays;
			stays *= (b + n) / (a + b + n);
			n++;
			rest = k;
		}
		for (int i = 0; i < MOST_COUNTS; i++)
		{
			term[i] *= step * z[i];
			sum[i] += term[i] * orders;
		}
		if (ratio < 1 && orders > 0 &&
			term[m - 1] * orders <= NEGLIGIBLE * (1 - ratio) * sum[m - 1])
		{
			for (int i = 0; i < m; i++)
				counts[i] += weight * sum[i] * exp(-shape * log1p(y[i]));
			return true;
		}
	}
	return false;
}

void
erlang_expected_at(int k, double shape, int m, const double *y, double a, double b,
				   const double *weights, double total, double *counts)
{
	bool		done = y[0] > 0;

	for (int i = 0; i < m; i++)
		counts[i] = 0;
	for (int j = 0; done && j < k; j++)
		done = weights[j] == 0 ||
			add_expected_from(k, j, shape, m, y, a, b, weights[j] / total, counts);
	for (int i = 0; !done && i < m; i++)
		counts[i] = erlang_expected(k, shape, y[i], a, b, weights, total);
}

/* The sum of P(m) for m from "from" to "to"; *all, if not NULL, gets that of all from "from" on */
static double
sum_terms(double shape, double y, double from, double to, double *all)
{
	Terms		terms;
	double		within = 0;
	double		sum = 0;

	if (y == 0)
	{
		within = from == 0 ? 1 : 0;
		if (all)
			*all = within;
		return within;
	}
	if (all && are_too_many(shape, y))
		return NAN;
	terms_start(&terms, shape, y, from);
	while (terms.m < from + MAX_TERMS)
	{
		double		ratio;

		sum += terms.term;
		if (terms.m == to)
		{
			within = sum * exp(terms.scale);
			if (all == NULL)
				return within;
		}
		ratio = terms_next(&terms, &sum);
		if (terms.m > to && ratio < 1 && terms.term <= NEGLIGIBLE * (1 - ratio) * sum)
		{
			*all = sum * exp(terms.scale);
			return within;
		}
	}
	return NAN;
}

double
erlang_probability(int k, double shape, double y, double a, double b, const double *weights,
				   double total, double n)
{
	double		by_b;
	double		by_sum;
	double		stays = exp(log_rising_ratio(b, a, n, &by_b, &by_sum));
	double		leaves = n == 0 ? 0 : stays * a / (b + (n - 1));
	double		result = 0;

	for (int j = 0; j < k; j++)
	{
		double		all = 0;
		double		within;

		if (weights[j] == 0)
			continue;
		within = sum_terms(shape + j, y, fmax(0, n * k - j), (n + 1) * k - 1 - j,
						   n == 0 ? NULL : &all);
		/* with the events of n orders they stay or leave after the last; with more, they left */
		result += weights[j] / total * (stays * within + leaves * all);
	}
	return result;
}
