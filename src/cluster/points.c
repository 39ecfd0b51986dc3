/*
 * points.c
 *		Points that aggregates and window functions collect.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "math/distinct.h"
#include "memory.h"
#include "number_text.h"
#include "points.h"
#include "score/score.h"

/*
 * What the rows of one fit may take: then equal ones are added up, and an
 * error follows if the different ones take more than the second limit.
 */
#define MAX_ROWS_MB			1000
#define MAX_DIFFERENT_MB	750
#define MEGABYTE			((Size) 1024 * 1024)

/* Rows to make room for at first: a group may well be a small one. */
#define FIRST_ROWS			16

/* ---- checks of arguments ---- */

int
check_k(const char *argument, int k)
{
	if (k < 1 || k > KMEANS_MAX_CLUSTERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d, not %d", argument, KMEANS_MAX_CLUSTERS, k)));
	return k;
}

int
check_starts(int starts)
{
	if (starts < 1 || starts > KMEANS_MAX_STARTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("starts must be between 1 and %d, not %d", KMEANS_MAX_STARTS, starts)));
	return starts;
}

static ScalingMethod
parse_method(const text *name)
{
	int			length = VARSIZE_ANY_EXHDR(name);

	for (int method = 0; method < SCALING_METHODS; method++)
	{
		if (length == (int) strlen(scaling_names[method]) &&
			memcmp(VARDATA_ANY(name), scaling_names[method], length) == 0)
			return (ScalingMethod) method;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("scaling must be none, log1p, zscore, log1p_zscore, robust or log1p_robust, not \"%s\"",
					text_to_cstring(DatumGetTextPSlice(PointerGetDatum(name), 0, 60)))));
}

void
read_scaling(ArrayType *scaling, ClusterSettings *settings)
{
	int			count = ARR_NDIM(scaling) == 0 ? 0 : ARR_DIMS(scaling)[0];
	Datum	   *names;
	bool	   *nulls;

	if (ARR_NDIM(scaling) > 1 || count < 1 || count > KMEANS_MAX_DIMENSIONS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("scaling must be an array of one method, or of one for each input"),
				 errhint("For example '{log1p_zscore}'.")));
	deconstruct_array(scaling, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &count);
	settings->nmethods = count;
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			null_element("scaling", "Use none for an input that is taken as it is.");
		settings->method[i] = (uint8) parse_method((text *) DatumGetPointer(names[i]));
	}
	pfree(names);
	pfree(nulls);
}

int
check_point(ArrayType *point)
{
	int			count = ARR_NDIM(point) == 0 ? 0 : ARR_DIMS(point)[0];

	if (ARR_NDIM(point) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("point must be an array of one dimension, not %d", ARR_NDIM(point))));
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("point must have at least one element")));
	if (count > KMEANS_MAX_DIMENSIONS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("point must have at most %d elements, not %d", KMEANS_MAX_DIMENSIONS, count)));
	return count;
}

void
check_coordinates(const double *x, int dimensions)
{
	for (int i = 0; i < dimensions; i++)
	{
		check_finite("point", x[i]);
		if (unlikely(fabs(x[i]) > POINT_MAX_VALUE))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("point must have elements between -%.15g and %.15g, not %.15g",
							POINT_MAX_VALUE, POINT_MAX_VALUE, x[i])));
	}
}

void
check_same_dimensions(int expected, int dimensions)
{
	if (unlikely(expected != dimensions))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("point must have the same number of elements in all rows, not %d and %d",
						Min(expected, dimensions), Max(expected, dimensions)),
				 errhint("A value that is not known is a NULL in point: then the row is left out.")));
}

void
too_few_points(int k, int64 distinct)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("k must not be above the number of distinct points: %d for " INT64_FORMAT, k, distinct),
			 errhint("Use a smaller k, or inputs that differ more.")));
}

/* ---- points ---- */

void
points_init(Points *points, MemoryContext context, const char *owner, int extra)
{
	memset(points, 0, sizeof(*points));
	points->context = context;
	points->owner = owner;
	points->extra = extra;
}

static inline Size
row_width(const Points *points)
{
	return (Size) points->dimensions + POINT_HEAD;
}

static inline Size
rows_in(const Points *points, Size megabytes)
{
	return megabytes * MEGABYTE / (row_width(points) * sizeof(double));
}

/* Add up equal rows. */
static void
compress(Points *points)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "equal points", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(work);
	size_t		width = row_width(points);
	size_t	   *order = resize_memory(NULL, points->n * sizeof(size_t));
	double	   *counts = resize_memory(NULL, points->n * sizeof(double));
	size_t		distinct = distinct_rows(points->rows, points->n, width, 0, order, counts,
										 &server_host);
	size_t		room = Max(distinct, FIRST_ROWS);
	double	   *rows = MemoryContextAllocHuge(points->context, room * width * sizeof(double));

	for (size_t i = 0; i < distinct; i++)
	{
		memcpy(rows + i * width, points->rows + order[i] * width, width * sizeof(double));
		rows[i * width] = counts[i];
	}
	pfree(points->rows);
	points->rows = rows;
	points->n = distinct;
	points->room = room;
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(work);
}

/* Room for "more" rows of so many dimensions. */
static void
make_room(Points *points, int dimensions, size_t more)
{
	MemoryContext old_context;
	size_t		limit;
	size_t		room;

	if (points->dimensions == 0)
		points->dimensions = dimensions;
	check_same_dimensions(points->dimensions, dimensions);
	if (likely(points->room - points->n >= more))
		return;

	limit = rows_in(points, MAX_ROWS_MB);
	if (points->n + more > limit)
	{
		if (points->n > 0)
			compress(points);
		if (points->n + more > limit || points->n > rows_in(points, MAX_DIFFERENT_MB))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many different points for %s: " UINT64_FORMAT " of %d dimensions",
							points->owner, (uint64) points->n, dimensions - points->extra),
					 errdetail("The different points may take %d MB.", MAX_DIFFERENT_MB),
					 errhint("Use a sample of the rows, or round the values.")));
	}
	room = Min(Max(Max(points->room * 2, points->n + more), FIRST_ROWS), limit);
	old_context = MemoryContextSwitchTo(points->context);
	points->rows = resize_memory(points->rows, room * row_width(points) * sizeof(double));
	MemoryContextSwitchTo(old_context);
	points->room = room;
}

void
points_add(Points *points, const double *x, int dimensions)
{
	double	   *row;

	check_coordinates(x, dimensions);
	make_room(points, dimensions, 1);
	row = points->rows + points->n++ * row_width(points);
	row[0] = 1.0;
	for (int i = 0; i < dimensions; i++)
		row[POINT_HEAD + i] = x[i] + 0.0;	/* -0 becomes 0 */
}

void
points_merge(Points *points, Points *other)
{
	if (other->n == 0)
		return;
	if (points->n + other->n > rows_in(other, MAX_ROWS_MB))
		compress(other);
	make_room(points, other->dimensions, other->n);
	memcpy(points->rows + points->n * row_width(points), other->rows, points_size(other));
	points->n += other->n;
}

bool
points_read(Points *points, const char *bytes, Size size)
{
	Size		width = row_width(points);
	double		rows = 0.0;

	if (size == 0)
		return true;
	if (points->dimensions == 0 || size % (width * sizeof(double)) != 0)
		return false;
	points->n = points->room = size / (width * sizeof(double));
	points->rows = MemoryContextAllocHuge(points->context, size);
	memcpy(points->rows, bytes, size);
	for (size_t i = 0; i < points->n; i++)
	{
		const double *row = points->rows + i * width;

		if (!(row[0] >= 1.0) || row[0] != rint(row[0]))
			return false;
		rows += row[0];
		for (Size j = POINT_HEAD; j < width; j++)
			if (!(fabs(row[j]) <= POINT_MAX_VALUE) || (row[j] == 0.0 && signbit(row[j])))
				return false;
	}
	return rows <= (double) AGGREGATE_MAX_ROWS;
}

void
points_scale(const Points *points, const ClusterSettings *settings, InputScaling *scaling,
			 ScaledPoints *result)
{
	int			dimensions = points->dimensions - points->extra;
	int			input;

	if (settings->nmethods != 1 && settings->nmethods != dimensions)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("scaling has %d methods for points of %d dimensions",
						settings->nmethods, dimensions),
				 errhint("Give one method for all, or one for each.")));
	for (int i = 0; i < dimensions; i++)
		scaling[i].method = settings->method[settings->nmethods == 1 ? 0 : i];
	input = scale_points(points->rows, points->n, dimensions, points->extra, scaling, result,
						 &server_host);
	if (input >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("input %d is out of range when it is scaled", input + 1),
				 errhint("Its values are too different: use another scaling, for example log1p_zscore.")));
}
