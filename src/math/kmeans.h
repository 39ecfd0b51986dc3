/*
 * kmeans.h
 *		k-means: the centers from which points are least far away, in squares.
 *		Pure C, no server headers.
 *
 * Points are distinct, in an order that depends on their content alone, each
 * coordinate within -1 .. 1; a weight is a number of rows. Then everything
 * follows from the set of rows and the seed.
 */
#ifndef KMEANS_H
#define KMEANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"

#define KMEANS_MAX_CLUSTERS		256
#define KMEANS_MAX_DIMENSIONS	256
#define KMEANS_MAX_STARTS		1000

/* Points that each start works on; beyond, a sample of rows */
#define KMEANS_START_POINTS		20000

/* Rounds of one start */
#define KMEANS_MAX_ITERATIONS	300

typedef struct KmeansPoints
{
	size_t		n;
	int			dimensions;
	const double *x;			/* point by point */
	const double *weight;
	double		total;			/* of the weights */
} KmeansPoints;

/* The arrays are the caller's: centers is k by dimensions, cluster has room for n. */
typedef struct KmeansRun
{
	double	   *centers;
	int		   *cluster;		/* of each point, from 0 on */
	double		inertia;		/* weights times squared distances */
	int			iterations;
	bool		converged;		/* the last round changed nothing */
} KmeansRun;

/*
 * The centers that k-means++ draws for that start. Returns how many it found:
 * less than k where no more points can be told apart.
 */
extern int	kmeans_seed(const KmeansPoints *points, int k, int32_t seed, int start,
						double *centers, const Host *host);

/*
 * Lloyd's algorithm from the centers that are there, to the end: what a round
 * without any bounds would compute, to the bit. Returns the clusters that have
 * points.
 */
extern int	kmeans_improve(const KmeansPoints *points, int k, KmeansRun *run, const Host *host);

/*
 * The best of so many starts; equal ones: the first. Of more points than
 * KMEANS_START_POINTS the starts see a sample of so many rows, and the best of
 * them goes on with all points (Bradley and Fayyad 1998). Centers are in ascending
 * order, by their first coordinate, then the next. "agreeing" is how many
 * starts came within one part in 10,000 of the best. Returns as the functions
 * above do; anything less than k is no result.
 */
extern int	kmeans_best(const KmeansPoints *points, int k, int32_t seed, int starts,
						KmeansRun *run, int *agreeing, const Host *host);

/*
 * So many rows of the points, evenly over their order, which looks random: how
 * many of each point. Fewer where there aren't as many.
 */
extern void sample_rows(const double *weight, size_t n, double total, double rows, double *sample);

/* The center that a point is nearest to, the first of equals, and the square of the distance */
extern int	kmeans_nearest(const double *x, const double *centers, int k, int dimensions,
						   double *square);

/* Of every point; returns the inertia */
extern double kmeans_assign_all(const KmeansPoints *points, int k, const double *centers,
								int *cluster, const Host *host);

#endif							/* KMEANS_H */
