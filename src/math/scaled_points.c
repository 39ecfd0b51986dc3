/*
 * scaled_points.c
 *		From rows of values to the points of kmeans.h.
 */
#include "scaled_points.h"
#include "distinct.h"

#include <math.h>

/* Points between two looks at interrupts */
#define POINTS_PER_CHECK	16384

int
scale_points(const double *rows, size_t n, int dimensions, int extra,
			 InputScaling *scaling, ScaledPoints *result, const Host *host)
{
	size_t		width = (size_t) (dimensions + extra) + POINT_HEAD;
	size_t		inputs = (size_t) dimensions;
	size_t		distinct;
	double		largest = 0.0;
	double		factor;

	result->order = host_allocate(host, n * sizeof(size_t));
	result->counts = host_allocate(host, n * sizeof(double));
	distinct = distinct_rows(rows, n, width, 0, result->order, result->counts, host);
	result->facts = host_allocate(host, inputs * sizeof(InputFacts));
	result->x = host_allocate(host, distinct * inputs * sizeof(double));
	result->points = (KmeansPoints) {distinct, dimensions, result->x, result->counts, 0.0};

	for (size_t j = 0; j < inputs; j++)
		scaling_fit(&scaling[j], &result->facts[j], rows, result->order, result->counts, distinct,
					width, POINT_HEAD + j, host);
	for (size_t i = 0; i < distinct; i++)
	{
		const double *row = rows + result->order[i] * width + POINT_HEAD;

		if (i % POINTS_PER_CHECK == 0)
			host->check();
		result->points.total += result->counts[i];
		for (size_t j = 0; j < inputs; j++)
		{
			double		x = scaling_apply(&scaling[j], row[j]);

			if (!isfinite(x))
				return (int) j;
			largest = fmax(largest, fabs(x));
			result->x[i * inputs + j] = x;
		}
	}

	/* By a power of two, which changes nothing but the exponent. */
	(void) frexp(largest, &result->exponent);
	if (result->exponent < -1000)
		result->exponent = -1000;
	factor = ldexp(1.0, -result->exponent);
	for (size_t i = 0; i < distinct * inputs; i++)
	{
		if (i % POINTS_PER_CHECK == 0)
			host->check();
		result->x[i] *= factor;
	}
	return -1;
}
