/*
 * scaled_points.h
 *		From rows of values to the points of kmeans.h: equal rows are added up
 *		and put in order, inputs are scaled, and all brought to -1 .. 1. Pure C,
 *		no server headers.
 */
#ifndef SCALED_POINTS_H
#define SCALED_POINTS_H

#include "host.h"
#include "math/kmeans.h"
#include "math/point_scaling.h"

/* A row is how many such rows there are, then the values. */
#define POINT_HEAD		1

typedef struct ScaledPoints
{
	KmeansPoints points;
	double	   *x;				/* of points: scaled values times 2^-exponent */
	double	   *counts;
	int			exponent;
	size_t	   *order;			/* the row of each point */
	InputFacts *facts;			/* of each input */
} ScaledPoints;

/*
 * A row may end with "extra" values that tell rows apart, but are no inputs.
 * scaling has the method of each input, and gets the rest. Returns -1, or the
 * number of an input whose scaled values are beyond the range of doubles.
 */
extern int	scale_points(const double *rows, size_t n, int dimensions, int extra,
						 InputScaling *scaling, ScaledPoints *result, const Host *host);

#endif							/* SCALED_POINTS_H */
