/*
 * distribution.c
 *		The normal, chi-square, Student's and beta distributions, and
 *		probabilities of counts.
 *
 * A tail is a leading factor, computed so that large parameters cost no digits,
 * times a series or a continued fraction of the literature (Abramowitz and
 * Stegun 6.5.29, 6.5.31, 26.5.8). What remains is the error of exp: a tail of
 * 1e-300 has 13 digits, one of 1e-10 has 15.
 */
#include "distribution.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "gamma.h"

/* From here on Stirling's series is at its best: see gamma.c. */
#define LARGE	16

/* From so many degrees of freedom on Student's t goes by a series around the normal. */
#define NEARLY_NORMAL	1e4

/* Continued fractions never divide by 0, and end: 1e10 for a parameter takes 1e6 terms. */
#define TINY	1e-300
#define MAX_TERMS	1e7

/* u - ln(1 + u), of which u - log1p(u) would leave no digits beside 0; "one" is 1 + u */
static double
log1p_rest(double u, double one)
{
	double		r,
				square,
				power = 1.0,
				sum = 0.0;

	if (u < -0.5 || u > 1.0)
		return u - log(one);
	/* ln(1 + u) = 2 artanh(r) */
	r = u / (2.0 + u);
	square = r * r;
	for (int i = 3; power > DBL_EPSILON / 4; i += 2)
	{
		sum += power / i;
		power *= square;
	}
	return r * (u - 2.0 * square * sum);
}

/* x ln(x / mean) + mean - x: by how much x has less of a chance than its mean */
static double
deviance(double x, double mean)
{
	return x * log1p_rest((mean - x) / x, mean / x);
}

/* ---- normal ---- */

/* P(X > x), x / sqrt(2) being rounded: what that loses is put back. */
static double
normal_upper(double x)
{
	double		y = x * M_SQRT1_2;
	/* sqrt(1/2) in two doubles: M_SQRT1_2 and -4.8e-17 */
	double		rest = fma(x, M_SQRT1_2, -y) + x * -4.833646656726458e-17;

	return 0.5 * (erfc(y) - M_2_SQRTPI * exp(-y * y) * rest);
}

Tails
normal_tails(double x)
{
	if (isinf(x))
		return (Tails) {x > 0.0, x < 0.0, 0.0};
	return (Tails) {normal_upper(-x), normal_upper(x),
	exp(-0.5 * x * x) * (0.5 * M_2_SQRTPI * M_SQRT1_2)};
}

/* ln P(X > x), x >= 2: Laplace's continued fraction */
static double
log_normal_upper(double x)
{
	double		fraction = x;

	for (int i = 200; i > 0; i--)
		fraction = x + i / fraction;
	return -0.5 * x * x - log(fraction) - 0.5 * log(2.0 * M_PI);
}

/* Newton's steps: from above, where ln P(X > x) is concave, on the scale of that */
double
normal_quantile(double p)
{
	double		tail = fmin(p, 1.0 - p);
	double		x;

	if (tail == 0.0)
		return p > 0.5 ? INFINITY : -INFINITY;
	if (tail > 0.02)
	{
		double		middle = 0.5 - tail;

		/* P(0 < X < x) = erf(x / sqrt(2)) / 2 */
		x = middle / (0.5 * M_2_SQRTPI * M_SQRT1_2);
		for (int i = 0; i < 20; i++)
		{
			double		step = (middle - 0.5 * erf(x * M_SQRT1_2)) /
				(0.5 * M_2_SQRTPI * M_SQRT1_2 * exp(-0.5 * x * x));

			x += step;
			if (fabs(step) <= 1e-9 * x)
				break;
		}
	}
	else
	{
		double		log_tail = log(tail);

		x = sqrt(-2.0 * log_tail);
		for (int i = 0; i < 20; i++)
		{
			double		upper = log_normal_upper(x);
			double		step = (upper - log_tail) *
				exp(upper + 0.5 * x * x + 0.5 * log(2.0 * M_PI));

			x += step;
			if (fabs(step) <= 1e-9 * x)
				break;
		}
	}
	return p > 0.5 ? x : -x;
}

/* ---- gamma and chi-square ---- */

/* x^a e^-x / Gamma(a + 1) */
static double
gamma_factor(double x, double a)
{
	double		ratio = x / a;
	double		exponent;

	if (a < LARGE)
	{
		int			sign;

		if (x > 2000.0)
			return 0.0;
		/* in two steps: e^-x alone may vanish */
		return pow(x, a) * exp(-0.5 * x) * exp(-lgamma_r(a + 1.0, &sign)) * exp(-0.5 * x);
	}
	if (ratio < 0.5 || ratio > 2.0)
		exponent = a * log(ratio) + (a - x);
	else
		exponent = -a * log1p_rest((x - a) / a, ratio);
	return exp(exponent - stirling_rest(a)) / sqrt(2.0 * M_PI * a);
}

/* 1 + x/(a + 1) + x^2/((a + 1)(a + 2)) + ... */
static double
gamma_series(double x, double a)
{
	double		term = 1.0;
	double		sum = 1.0;

	for (double n = a + 1.0; term > sum * DBL_EPSILON / 8; n++)
	{
		term *= x / n;
		sum += term;
	}
	return sum;
}

/* 1/(x + 1 - a - 1(1 - a)/(x + 3 - a - ...)), by Lentz's method */
static double
gamma_fraction(double x, double a)
{
	double		b = x + 1.0 - a;
	double		c = 1.0 / TINY;
	double		d = 1.0 / b;
	double		result = d;
	double		change;

	for (double i = 1.0;; i++)
	{
		double		numerator = -i * (i - a);

		b += 2.0;
		d = numerator * d + b;
		if (fabs(d) < TINY)
			d = TINY;
		c = b + numerator / c;
		if (fabs(c) < TINY)
			c = TINY;
		d = 1.0 / d;
		change = d * c;
		result *= change;
		if (!(fabs(change - 1.0) >= DBL_EPSILON) || i > MAX_TERMS)
			return result;
	}
}

Tails
gamma_tails(double x, double shape)
{
	Tails		tails;
	double		factor;

	if (!(x > 0.0))
		return (Tails) {0.0, 1.0, shape < 1.0 ? INFINITY : shape > 1.0 ? 0.0 : 1.0};
	if (isinf(x))
		return (Tails) {1.0, 0.0, 0.0};
	factor = gamma_factor(x, shape);
	tails.density = factor * shape / x;
	if (shape < 1.0 && x < 1.1)
	{
		/* 1 - lower, by what x^a / Gamma(1 + a) and the alternating series are beside 1 */
		double		lead = shape * log(x) - log_gamma1p(shape);
		double		term = 1.0;
		double		sum = 0.0;

		for (int n = 1; n < 30; n++)
		{
			term *= -x / n;
			sum += term / (shape + n);
		}
		tails.lower = factor * gamma_series(x, shape);
		tails.upper = -expm1(lead) - exp(lead) * shape * sum;
	}
	else if (x < shape + 1.0)
	{
		tails.lower = factor * gamma_series(x, shape);
		tails.upper = 1.0 - tails.lower;
	}
	else
	{
		tails.upper = factor > 0.0 ? factor * shape * gamma_fraction(x, shape) : 0.0;
		tails.lower = 1.0 - tails.upper;
	}
	return tails;
}

Tails
chi_square_tails(double x, double df)
{
	Tails		tails = gamma_tails(0.5 * x, 0.5 * df);

	tails.density *= 0.5;
	return tails;
}

/* ---- beta ---- */

/* x and 1 - x, with their logarithms */
typedef struct Share
{
	double		x;
	double		y;
	double		log_x;
	double		log_y;
	double		mean_off;		/* a - (a + b) x */
} Share;

static Share
mirrored(Share share)
{
	return (Share) {share.y, share.x, share.log_y, share.log_x, -share.mean_off};
}

/* x^a y^b / B(a, b) */
static double
beta_factor(Share s, double a, double b)
{
	double		sum = a + b;

	if (a < LARGE || b < LARGE)
		return exp(a * s.log_x + b * s.log_y - log_beta(a, b));
	return exp(-(a * log1p_rest(-s.mean_off / a, s.x * sum / a) +
				 b * log1p_rest(s.mean_off / b, s.y * sum / b)) -
			   (stirling_rest(a) + stirling_rest(b) - stirling_rest(sum))) *
		sqrt(a / sum * b / (2.0 * M_PI));
}

/*
 * The continued fraction of the lower tail, in its even part, in which a y - b x
 * appears as such; by Lentz's method. x is at most (a + 1) / (a + b + 2).
 */
static double
beta_fraction(Share s, double a, double b)
{
	double		result = a * (s.mean_off + 1.0) / (a + 1.0);
	double		c = result;
	double		d = 0.0;
	double		change;

	for (double m = 1.0;; m++)
	{
		double		part = m * (b - m) * s.x / (a + 2.0 * m - 1.0);
		double		above = (a + m - 1.0) * (a + b + m - 1.0) * part * s.x / (a + 2.0 * m - 1.0);
		double		below = m + part +
			(a + m) * (s.mean_off + 1.0 + m * (1.0 + s.y)) / (a + 2.0 * m + 1.0);

		d = below + above * d;
		if (fabs(d) < TINY)
			d = TINY;
		c = below + above / c;
		if (fabs(c) < TINY)
			c = TINY;
		d = 1.0 / d;
		change = d * c;
		result *= change;
		if (!(fabs(change - 1.0) >= DBL_EPSILON) || m > MAX_TERMS)
			return result;
	}
}

static Tails
share_tails(Share s, double a, double b)
{
	double		factor = beta_factor(s, a, b);
	Tails		tails;

	tails.density = factor / s.x / s.y;
	if (s.x < (a + 1.0) / (a + b + 2.0))
	{
		tails.lower = fmin(factor / beta_fraction(s, a, b), 1.0);
		tails.upper = 1.0 - tails.lower;
	}
	else
	{
		tails.upper = fmin(factor / beta_fraction(mirrored(s), b, a), 1.0);
		tails.lower = 1.0 - tails.upper;
	}
	return tails;
}

/* a - (a + b) x, where that is nearly nothing */
static double
mean_off(double x, double a, double b)
{
	double		ax = a * x;
	double		bx = b * x;
	double		rest = a - ax;
	double		lost = (a - (rest + ax));

	return (rest - bx) + (lost - fma(a, x, -ax) - fma(b, x, -bx));
}

Tails
beta_tails(double x, double a, double b)
{
	Share		share = {x, 1.0 - x, log(x), log1p(-x), mean_off(x, a, b)};

	if (!(x > 0.0))
		return (Tails) {0.0, 1.0, 0.0};
	if (x >= 1.0)
		return (Tails) {1.0, 0.0, 0.0};
	return share_tails(share, a, b);
}

/* ---- Student's t ---- */

/* The tails of |T|: t >= 0 */
static Tails
absolute_t_tails(double t, double df)
{
	double		ratio = t * t / df;
	Share		share;
	Tails		tails;

	if (t == 0.0)
		tails = (Tails) {0.0, 1.0, 0.0};
	else if (isinf(t))
		return (Tails) {1.0, 0.0, 0.0};
	else if (df > NEARLY_NORMAL)
	{
		/*
		 * G. W. Hill, Student's t-distribution, CACM 13 (1970), 617-619: the
		 * normal deviate with the same tail
		 */
		double		w2 = fmin((df - 0.5) * log1p(ratio), 2000.0);
		double		b = 48.0 * (df - 0.5) * (df - 0.5);
		double		z = sqrt(w2) *
			(1.0 + ((w2 + 3.0) -
					((((4.0 * w2 + 33.0) * w2 + 240.0) * w2 + 855.0) / 10.0 -
					 (((((64.0 * w2 + 788.0) * w2 + 9801.0) * w2 + 89775.0) * w2 + 543375.0) * w2 +
					  1788885.0) / (210.0 * b)) / b) / b);

		tails.lower = erf(z * M_SQRT1_2);
		tails.upper = 2.0 * normal_upper(z);
	}
	else
	{
		if (ratio < 1.0)
			share = (Share) {1.0 / (1.0 + ratio), ratio / (1.0 + ratio), -log1p(ratio),
			log(ratio) - log1p(ratio), 0.5 * (t * t - 1.0) / (1.0 + ratio)};
		else
		{
			/* the square of t may be out of range */
			double		inverse = df / t / t;

			share = (Share) {inverse / (1.0 + inverse), 1.0 / (1.0 + inverse),
			log(df) - 2.0 * log(t) - log1p(inverse), -log1p(inverse),
			0.5 * (df - inverse) / (1.0 + inverse)};
		}
		tails = share_tails(mirrored(share), 0.5, 0.5 * df);
	}
	tails.density = 2.0 / sqrt(df) *
		exp(-log_beta(0.5 * df, 0.5) - 0.5 * (df + 1.0) * log1p(ratio));
	return tails;
}

Tails
student_t_tails(double x, double df)
{
	Tails		both = absolute_t_tails(fabs(x), df);
	double		beyond = 0.5 * both.upper;
	double		rest = 0.5 + 0.5 * both.lower;

	return x < 0.0 ? (Tails) {beyond, rest, 0.5 * both.density} :
		(Tails) {rest, beyond, 0.5 * both.density};
}

/* ---- quantiles ---- */

typedef Tails (*TailsOf) (double x, const double *parameters);

/*
 * Where the tails are p and q, between 0 and "highest". Newton's method on the
 * logarithms of the smaller tail and of x, kept within what is known already.
 */
static double
find_quantile(TailsOf tails_of, const double *parameters, double p, double q, double highest,
			  double x)
{
	double		low = 0.0;
	double		high = highest;

	if (p == 0.0)
		return 0.0;
	if (q == 0.0)
		return highest;
	for (int i = 0; i < 1200; i++)
	{
		Tails		tails = tails_of(x, parameters);
		double		off = p <= q ? log(tails.lower / p) : -log(tails.upper / q);
		double		slope = x * tails.density / (p <= q ? tails.lower : tails.upper);
		double		next;

		if (off == 0.0)
			break;
		if (off > 0.0)
			high = x;
		else
			low = x;
		next = x * exp(-off / slope);
		if (fabs(next - x) <= 2.0 * DBL_EPSILON * x)
			return next;
		if (!(next > low && next < high))
			next = low == 0.0 ? high / 16.0 : isinf(high) ? low * 16.0 : 0.5 * (low + high);
		if (next <= low || next >= high)
			break;
		x = next;
	}
	return x;
}

static Tails
chi_square_of(double x, const double *parameters)
{
	return chi_square_tails(x, parameters[0]);
}

static Tails
beta_of(double x, const double *parameters)
{
	return beta_tails(x, parameters[0], parameters[1]);
}

static Tails
absolute_t_of(double x, const double *parameters)
{
	return absolute_t_tails(x, parameters[0]);
}

double
chi_square_quantile(double p, double df)
{
	/* Wilson and Hilferty's cube, where it is one */
	double		third = 2.0 / (9.0 * df);
	double		root = p > 0.0 && p < 1.0 ? 1.0 - third + normal_quantile(p) * sqrt(third) : 1.0;

	return find_quantile(chi_square_of, &df, p, 1.0 - p, INFINITY,
						 root > 0.01 ? df * root * root * root : df * 1e-6);
}

double
student_t_quantile(double p, double df)
{
	double		tail = fmin(p, 1.0 - p);
	double		t;

	if (tail == 0.5)
		return 0.0;
	t = find_quantile(absolute_t_of, &df, 1.0 - 2.0 * tail, 2.0 * tail, INFINITY, 1.0);
	return p < 0.5 ? -t : t;
}

double
beta_quantile(double p, double a, double b)
{
	double		parameters[] = {a, b};

	return find_quantile(beta_of, parameters, p, 1.0 - p, 1.0, a / (a + b));
}

/* ---- counts ---- */

double
log_factorial(double n)
{
	int			sign;

	return lgamma_r(n + 1.0, &sign);
}

/* C. Loader, Fast and accurate computation of binomial probabilities, 2000 */
double
binomial_probability(double k, double n, double p, double q)
{
	if (k < 0.0 || k > n)
		return 0.0;
	if (k == 0.0)
		return p < q ? exp(n * log1p(-p)) : pow(q, n);
	if (k == n)
		return q < p ? exp(n * log1p(-q)) : pow(p, n);
	return exp(stirling_rest(n) - stirling_rest(k) - stirling_rest(n - k) -
			   deviance(k, n * p) - deviance(n - k, n * q)) * sqrt(n / (2.0 * M_PI * k) / (n - k));
}

double
hypergeometric_probability(double k, double white, double black, double drawn)
{
	double		all = white + black;
	double		p = drawn / all;
	double		q = (all - drawn) / all;

	if (k < 0.0 || k > white || drawn - k < 0.0 || drawn - k > black)
		return 0.0;
	if (drawn == 0.0 || drawn == all)
		return 1.0;
	return binomial_probability(k, white, p, q) * binomial_probability(drawn - k, black, p, q) /
		binomial_probability(drawn, all, p, q);
}
