/*
 * points.h
 *		Points that aggregates and window functions collect, and how they are
 *		to be clustered.
 */
#ifndef CUSTOMER_SCORING_POINTS_H
#define CUSTOMER_SCORING_POINTS_H

#include "fmgr.h"
#include "utils/array.h"

#include "compat.h"
#include "math/kmeans.h"
#include "math/scaled_points.h"

#define DEFAULT_SEED	1
#define DEFAULT_STARTS	10

/* What the arguments beside the points say */
typedef struct ClusterSettings
{
	int			least_k;
	int			greatest_k;		/* the same, but for choose_k */
	int			seed;
	int			starts;
	int			nmethods;		/* one for all inputs, or one for each */
	uint8		method[KMEANS_MAX_DIMENSIONS];
} ClusterSettings;

/* Rows as math/scaled_points.h has them */
typedef struct Points
{
	MemoryContext context;
	const char *owner;			/* the function that errors name */
	int			dimensions;		/* unknown until there is a point: 0 */
	int			extra;			/* the last so many are no coordinates */
	size_t		n;
	size_t		room;
	double	   *rows;
} Points;

/* ---- checks of arguments ---- */

extern int	check_k(const char *argument, int k);
extern int	check_starts(int starts);

/* The methods in a text array; an error for others */
extern void read_scaling(ArrayType *scaling, ClusterSettings *settings);

/* How many elements a point has */
extern int	check_point(ArrayType *point);
extern void check_coordinates(const double *x, int dimensions);
extern void check_same_dimensions(int expected, int dimensions);

static inline bool
point_has_null(ArrayType *point)
{
	return ARR_HASNULL(point) && array_contains_nulls(point);
}

/* ---- points ---- */

extern void points_init(Points *points, MemoryContext context, const char *owner,
						int extra);

/* Finite values; the array is checked already. */
extern void points_add(Points *points, const double *x, int dimensions);

/* Adds the others; "other" may be made smaller on the way. */
extern void points_merge(Points *points, Points *other);

/* So many rows as bytes of a state; false if they are none */
extern bool points_read(Points *points, const char *bytes, Size size);

static inline Size
points_size(const Points *points)
{
	return points->n * ((Size) points->dimensions + POINT_HEAD) * sizeof(double);
}

/*
 * Scaled and in order, in the current memory context; scaling has room for all
 * inputs. An error for another number of methods than inputs.
 */
extern void points_scale(const Points *points, const ClusterSettings *settings,
						 InputScaling *scaling, ScaledPoints *result);

/* An error: there are only so many distinct points. */
pg_noreturn extern void too_few_points(int k, int64 distinct);

#endif							/* CUSTOMER_SCORING_POINTS_H */
