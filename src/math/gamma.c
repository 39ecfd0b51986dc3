/*
 * gamma.c
 *		Ratios of gamma functions, in logarithms, and their derivatives.
 *
 * Up to SHIFT factors are multiplied out; beyond, and for arguments of at least
 * SHIFT, Stirling's series, differences of which are taken term by term. Nothing
 * is the difference of two numbers much larger than the result.
 */
#include "gamma.h"

#include <math.h>
#include <stdbool.h>

#define SHIFT	16

/* lnGamma(z) - ((z - 1/2) ln z - z + ln(2 pi)/2), z >= SHIFT; next term below 1e-18 */
static double
stirling(double z)
{
	double		y = 1.0 / z;
	double		y2 = y * y;

	return y *
		(1.0 / 12 + y2 *
		 (-1.0 / 360 + y2 *
		  (1.0 / 1260 + y2 * (-1.0 / 1680 + y2 * (1.0 / 1188 + y2 * (-691.0 / 360360))))));
}

/* ln z - psi(z), z >= SHIFT */
static double
digamma_rest(double z)
{
	double		y = 1.0 / z;
	double		y2 = y * y;

	return y * 0.5 + y2 *
		(1.0 / 12 + y2 *
		 (-1.0 / 120 + y2 *
		  (1.0 / 252 + y2 * (-1.0 / 240 + y2 * (1.0 / 132 + y2 * (-691.0 / 32760))))));
}

/* lnGamma(z + d) - lnGamma(z) - d ln(scale), z and z + d >= SHIFT */
static double
log_gamma_ratio(double z, double d, double scale)
{
	return (z - 0.5) * log1p(d / z) + d * (log((z + d) / scale) - 1.0) +
		(stirling(z + d) - stirling(z));
}

/* psi(z + d) - psi(z), z and z + d >= SHIFT */
static double
digamma_step(double z, double d)
{
	return log1p(d / z) - (digamma_rest(z + d) - digamma_rest(z));
}

/*
 * A product of factors (z + i) / scale with its logarithmic derivative by z.
 * It is folded into sums long before it can leave the range of a double, as
 * callers keep every factor within 1e-100 and 1e100.
 */
typedef struct Product
{
	double		value;
	double		slope;
	double		log_folded;
	double		slope_folded;
} Product;

static inline void
fold(Product *product)
{
	product->log_folded += log(product->value);
	product->slope_folded += product->slope / product->value;
	product->value = 1.0;
	product->slope = 0.0;
}

static inline Product
multiply_out(double z, int n, double per_scale)
{
	Product		product = {1.0, 0.0, 0.0, 0.0};

	for (int i = 0; i < n; i++)
	{
		double		factor = (z + i) * per_scale;

		product.slope = product.slope * factor + product.value * per_scale;
		product.value *= factor;
		if (product.value > 1e100 || product.value < 1e-100)
			fold(&product);
	}
	return product;
}

double
log_rising(double z, double n, double scale, double *slope)
{
	bool		beyond = n > SHIFT;
	Product		product = multiply_out(z, beyond ? SHIFT : (int) n, 1.0 / scale);
	double		result = product.log_folded + log(product.value);

	*slope = product.slope_folded + product.slope / product.value;
	if (beyond)
	{
		result += log_gamma_ratio(z + SHIFT, n - SHIFT, scale);
		*slope += digamma_step(z + SHIFT, n - SHIFT);
	}
	return result;
}

double
log_rising_ratio(double b, double a, double n, double *by_b, double *by_sum)
{
	bool		beyond = n > SHIFT;
	int			steps = beyond ? SHIFT : (int) n;
	double		sum = a + b;
	Product		above = multiply_out(b, steps, 1.0);
	Product		below = multiply_out(sum, steps, 1.0);
	double		result = above.log_folded - below.log_folded + log(above.value / below.value);

	*by_b = above.slope_folded + above.slope / above.value;
	*by_sum = -(below.slope_folded + below.slope / below.value);
	if (beyond)
	{
		/* Gamma(b + n) Gamma(sum + SHIFT) / (Gamma(b + SHIFT) Gamma(sum + n)), by small steps */
		if (a < n)
			result += log_gamma_ratio(b + SHIFT, a, 1.0) - log_gamma_ratio(b + n, a, 1.0);
		else
			result += log_gamma_ratio(b + SHIFT, n - SHIFT, b + n) - log_gamma_ratio(sum + SHIFT,
																					 n - SHIFT,
																					 b + n);
		*by_b += digamma_step(b + SHIFT, n - SHIFT);
		*by_sum -= digamma_step(sum + SHIFT, n - SHIFT);
	}
	return result;
}

double
log_rising_factorial(double z, double n)
{
	double		result = 0.0;
	double		value = 1.0;

	if (n > SHIFT)
		return -log(n) - log_beta(z, n);
	for (int i = 0; i < n; i++)
	{
		value *= (z + i) / (1.0 + i);
		if (value > 1e100 || value < 1e-100)
		{
			result += log(value);
			value = 1.0;
		}
	}
	return result + log(value);
}

double
log_beta(double a, double b)
{
	double		small = fmin(a, b);
	double		large = fmax(a, b);
	int			sign;

	if (large < SHIFT)
		return lgamma_r(small, &sign) + lgamma_r(large, &sign) - lgamma_r(a + b, &sign);
	if (small < SHIFT)
		return lgamma_r(small, &sign) - log_gamma_ratio(large, small, 1.0);
	return 0.5 * log(2.0 * M_PI * (a + b) / a / b) - a * log1p(b / a) - b * log1p(a / b) +
		stirling(a) + stirling(b) - stirling(a + b);
}

double
log_gamma1p(double a)
{
	double		logs = 0.0;

	for (int i = 1; i <= SHIFT; i++)
		logs += log1p(a / i);
	return log_gamma_ratio(SHIFT + 1, a, 1.0) - logs;
}

double
stirling_rest(double z)
{
	double		logs = 0.0;

	for (; z < SHIFT; z++)
		logs += (z + 0.5) * log1p(1.0 / z) - 1.0;
	return stirling(z) + logs;
}

double
digamma_difference(double z, double d)
{
	double		sum = 0.0;

	if (z < SHIFT)
	{
		for (int i = 0; i < SHIFT; i++)
			sum += d / (z + i) / (z + d + i);
		z += SHIFT;
	}
	return sum + digamma_step(z, d);
}
