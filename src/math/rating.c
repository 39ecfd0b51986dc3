/*
 * rating.c
 *		What answers to a survey say, with intervals of 95 %.
 */
#include "rating.h"

#include <math.h>

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

/* E. B. Wilson, Journal of the American Statistical Association 22, 1927 */
RatingInterval
rating_share(int64_t of_these, int64_t all)
{
	double		n = all;
	double		share = of_these / n;
	double		middle;
	double		margin;

	if (n == 0)
		return no_interval(NAN);
	middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n);
	margin = Z / (1 + Z * Z / n) * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n));
	return (RatingInterval) {share, fmax(middle - margin, 0), fmin(middle + margin, 1)};
}

/*
 * The quantile 0.975 of Student's t: the first from tables, then the expansion by
 * 1 / freedom (Abramowitz and Stegun, 26.7.5), whose error is below 2e-7 there.
 */
static double
student_quantile(int64_t freedom)
{
	static const double table[] = {
		12.706204736175, 4.302652729749, 3.182446305284, 2.776445105198, 2.570581835636,
		2.446911851145, 2.364624251593, 2.306004135204, 2.262157162798, 2.228138851986,
		2.200985160092, 2.178812829667, 2.160368656463, 2.144786687918, 2.131449545560,
		2.119905299221, 2.109815577833, 2.100922040241, 2.093024054408, 2.085963447266
	};
	double		x = 1.0 / freedom;
	double		z2 = Z * Z;
	double		terms[4];

	if (freedom <= (int64_t) (sizeof(table) / sizeof(table[0])))
		return table[freedom - 1];
	terms[0] = (z2 + 1) / 4;
	terms[1] = ((5 * z2 + 16) * z2 + 3) / 96;
	terms[2] = (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
	terms[3] = ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
	return Z * (1 + x * (terms[0] + x * (terms[1] + x * (terms[2] + x * terms[3]))));
}

RatingInterval
rating_mean(int64_t n, double mean, double variance, double low, double high)
{
	double		margin;

	if (n < 2)
		return no_interval(n == 0 ? NAN : mean);
	margin = student_quantile(n - 1) * sqrt(fmax(variance, 0) / n);
	return (RatingInterval) {mean, fmax(mean - margin, low), fmin(mean + margin, high)};
}
