/*
 * rating.c
 *		What answers to a survey say, with intervals of 95 %.
 */
#include "rating.h"

#include <math.h>

#include "distribution.h"
#include "two_groups.h"

/* The quantile 0.975 of the normal distribution */
#define Z	1.959963984540054

/* No answer, or one, says how far answers lie apart. */
static RatingInterval
no_interval(double value)
{
	return (RatingInterval) {value, NAN, NAN};
}

RatingInterval
rating_nps(int64_t promoters, int64_t passives, int64_t detractors)
{
	double		n = (double) promoters + passives + detractors;
	double		difference = (promoters - (double) detractors) / n;
	double		both = (promoters + (double) detractors) / n;
	double		margin;

	if (n == 0)
		return no_interval(NAN);
	margin = 100 * Z * sqrt(fmax(both - difference * difference, 0) / n);
	return (RatingInterval) {100 * difference, fmax(100 * difference - margin, -100),
		fmin(100 * difference + margin, 100)};
}

RatingInterval
rating_share(int64_t of_these, int64_t all)
{
	Bounds		bounds;

	if (all == 0)
		return no_interval(NAN);
	bounds = wilson_interval((Rate) {of_these, all}, Z);
	return (RatingInterval) {of_these / (double) all, bounds.low, bounds.high};
}

RatingInterval
rating_mean(int64_t n, double mean, double variance, double low, double high)
{
	double		margin;

	if (n < 2)
		return no_interval(n == 0 ? NAN : mean);
	margin = student_t_quantile(0.975, fmin(n - 1, MAX_PARAMETER)) * sqrt(fmax(variance, 0) / n);
	return (RatingInterval) {mean, fmax(mean - margin, low), fmin(mean + margin, high)};
}
