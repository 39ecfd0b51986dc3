/*
 * two_groups.c
 *		Two groups compared.
 *
 *	E. B. Wilson, Probable inference, JASA 22 (1927)
 *	R. G. Newcombe, Bounds estimation for the difference between independent
 *	proportions, Statistics in Medicine 17 (1998), method 10
 *	C. J. Clopper, E. S. Pearson, Biometrika 26 (1934)
 *	R. A. Fisher, Statistical Methods for Research Workers, 5th edition, 1934
 *	B. L. Welch, Biometrika 34 (1947); F. E. Satterthwaite, Biometrics 2 (1946)
 *	R. Johari, L. Pekelis, D. J. Walsh, Always valid inference, 2015
 */
#include "two_groups.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

#include "distribution.h"

/*
 * The roots of (1 + zz/n) x^2 - (2 p + zz/n) x + p^2: of x and of 1 - x the
 * smaller one, which loses no digit beside 0 and beside 1
 */
Bounds
wilson_interval(Rate group, double z)
{
	double		p = group.successes / group.n;
	double		q = (group.n - group.successes) / group.n;
	double		shift = z * z / (2.0 * group.n);
	double		half = z * sqrt(p * q / group.n + z * z / (4.0 * group.n * group.n));

	return (Bounds) {p * p / (p + shift + half), 1.0 - q * q / (q + shift + half)};
}

Bounds
newcombe_interval(Rate first, Rate second, double z)
{
	double		p1 = first.successes / first.n;
	double		p2 = second.successes / second.n;
	Bounds	one = wilson_interval(first, z);
	Bounds	two = wilson_interval(second, z);

	return (Bounds) {(p2 - p1) - hypot(p2 - two.low, one.high - p1),
	(p2 - p1) + hypot(two.high - p2, p1 - one.low)};
}

Bounds
exact_interval(Rate group, double tail)
{
	double		failures = group.n - group.successes;

	return (Bounds) {
		group.successes == 0.0 ? 0.0 : beta_quantile(tail, group.successes, failures + 1.0),
		failures == 0.0 ? 1.0 : 1.0 - beta_quantile(tail, failures, group.successes + 1.0)
	};
}

double
least_expected(Rate first, Rate second)
{
	double		n = first.n + second.n;
	double		successes = first.successes + second.successes;

	return fmin(first.n, second.n) / n * fmin(successes, n - successes);
}

double
pooled_z(Rate first, Rate second)
{
	double		n = first.n + second.n;
	double		p = (first.successes + second.successes) / n;
	double		q = ((first.n - first.successes) + (second.n - second.successes)) / n;

	return (second.successes / second.n - first.successes / first.n) /
		sqrt(p * q * (1.0 / first.n + 1.0 / second.n));
}

/*
 * The tables with the same margins that are no likelier than this one: from the
 * table on to its side, and on the other side of the likeliest from the first
 * one that is. As R does, a difference of 1e-7 counts as none.
 */
#define AS_LIKELY	(1.0 + 1e-7)

typedef struct Margins
{
	double		white;			/* successes of both */
	double		black;
	double		drawn;			/* the first group */
	double		least;			/* successes of the first group may be */
	double		most;
} Margins;

static double
table_probability(const Margins *m, double k)
{
	return hypergeometric_probability(k, m->white, m->black, m->drawn);
}

/* The sum from k on to one side, until what follows is too little to matter */
static double
sum_outwards(const Margins *m, double k, int step)
{
	double		term = table_probability(m, k);
	double		sum = 0.0;

	while (term > sum * DBL_EPSILON / 16)
	{
		sum += term;
		/* the next table over this one */
		if (step > 0)
			term *= (m->white - k) / (k + 1.0) * (m->drawn - k) / (m->black - m->drawn + k + 1.0);
		else
			term *= k / (m->white - k + 1.0) * (m->black - m->drawn + k) / (m->drawn - k + 1.0);
		k += step;
	}
	return sum;
}

double
fisher_exact(Rate first, Rate second)
{
	double		n = first.n + second.n;
	Margins		m = {first.successes + second.successes, 0.0, first.n, 0.0, 0.0};
	double		likeliest,
				limit,
				near,
				far;
	int			side;

	m.black = n - m.white;
	m.least = fmax(0.0, m.drawn - m.black);
	m.most = fmin(m.drawn, m.white);
	likeliest = floor((m.drawn + 1.0) / (n + 2.0) * (m.white + 1.0));
	likeliest = fmin(fmax(likeliest, m.least), m.most);
	limit = table_probability(&m, first.successes) * AS_LIKELY;
	if (first.successes == likeliest || table_probability(&m, likeliest) <= limit)
		return 1.0;
	side = first.successes > likeliest ? 1 : -1;

	/* Where the other side begins: "far" is rare enough, "near" is not. */
	near = likeliest;
	far = side > 0 ? m.least : m.most;
	if (far == near || table_probability(&m, far) > limit)
		return fmin(sum_outwards(&m, first.successes, side), 1.0);
	while (fabs(far - near) > 1.0)
	{
		double		middle = floor((near + far) / 2.0);

		if (table_probability(&m, middle) > limit)
			near = middle;
		else
			far = middle;
	}
	return fmin(sum_outwards(&m, first.successes, side) + sum_outwards(&m, far, -side), 1.0);
}

double
difference_variance(Mean first, Mean second)
{
	return first.variance / first.n + second.variance / second.n;
}

/* In shares of the variance: no square overflows. */
double
satterthwaite_df(Mean first, Mean second)
{
	double		all = difference_variance(first, second);
	double		one = first.variance / first.n / all;
	double		two = second.variance / second.n / all;

	if (!(all > 0.0))
		return NAN;
	return 1.0 / ((one > 0.0 ? one * one / (first.n - 1.0) : 0.0) +
				  (two > 0.0 ? two * two / (second.n - 1.0) : 0.0));
}

double
always_valid_p(double difference, double variance, double spread)
{
	double		share = spread * spread / (variance + spread * spread);
	double		z2 = difference * difference / variance;

	if (variance == 0.0)
		return difference == 0.0 ? 1.0 : 0.0;
	/* 1/L = sqrt((V + t2)/V) exp(-t2 d^2 / (2 V (V + t2))) */
	return fmin(1.0, exp(-0.5 * log1p(-share) - 0.5 * share * z2));
}

double
always_valid_half_width(double variance, double spread, double alpha)
{
	double		share = spread * spread / (variance + spread * spread);

	return variance == 0.0 ? 0.0 :
		sqrt(variance / share * (-2.0 * log(alpha) - log1p(-share)));
}

/* ---- the whole comparison ---- */

/* Below so many expected in a cell the normal distribution is no guide. */
#define FEW_EXPECTED	5.0

static void
compare_always(Comparison *result, double difference, double variance, double spread, double alpha)
{
	double		half = always_valid_half_width(variance, spread, alpha);

	result->p = always_valid_p(difference, variance, spread);
	result->low = difference - half;
	result->high = difference + half;
}

/*
 * Whatever is looked at every day says nothing before the normal distribution
 * is a guide: a p of 1 keeps the promise.
 */
Comparison
compare_two_rates(Rate first, Rate second, double effect, double alpha)
{
	Comparison	result = {NAN, NAN, NAN, "", NULL};
	Bounds	interval;
	double		p1 = first.successes / first.n;
	double		p2 = second.successes / second.n;
	int			few;

	if (!(first.n > 0.0 && second.n > 0.0))
	{
		result.why = "empty group";
		return result;
	}
	few = least_expected(first, second) < FEW_EXPECTED;
	if (effect > 0.0)
	{
		result.how = "always valid";
		result.p = 1.0;
		if (few || first.successes == 0.0)
			result.why = "too few so far";
		else
			compare_always(&result, p2 - p1,
						   p1 * (1.0 - p1) / first.n + p2 * (1.0 - p2) / second.n, effect * p1,
						   alpha);
		return result;
	}
	interval = newcombe_interval(first, second, -normal_quantile(0.5 * alpha));
	result.low = interval.low;
	result.high = interval.high;
	if (few)
	{
		result.how = "Fisher's exact test";
		result.p = fisher_exact(first, second);
	}
	else
	{
		result.how = "z test";
		result.p = fmin(2.0 * normal_tails(fabs(pooled_z(first, second))).upper, 1.0);
	}
	return result;
}

Comparison
compare_two_means(Mean first, Mean second, double effect, double alpha)
{
	Comparison	result = {NAN, NAN, NAN, effect > 0.0 ? "always valid" : "Welch's t test", NULL};
	double		difference = second.mean - first.mean;
	double		variance = difference_variance(first, second);

	if (!(first.n > 0.0 && second.n > 0.0))
		result.why = "empty group";
	else if (first.n < 2.0 || second.n < 2.0)
		result.why = "group of one";
	else if (variance == 0.0)
		result.why = "no variance";
	else if (!isfinite(variance) || !isfinite(difference))
		result.why = "out of range";
	else if (effect > 0.0)
	{
		if (first.mean == 0.0)
		{
			result.p = 1.0;
			result.why = "relative to 0";
		}
		else
			compare_always(&result, difference, variance, effect * first.mean, alpha);
	}
	else
	{
		double		df = satterthwaite_df(first, second);
		double		half = -student_t_quantile(0.5 * alpha, df) * sqrt(variance);

		result.p = fmin(2.0 * student_t_tails(fabs(difference) / sqrt(variance), df).upper, 1.0);
		result.low = difference - half;
		result.high = difference + half;
	}
	return result;
}
