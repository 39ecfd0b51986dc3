/*
 * kmeans_window.c
 *		Clusters of the rows of a partition: kmeans, silhouette.
 *
 * Each reads its partition at the partition's first row, and keeps what every
 * row is then looked up by. The order of the rows plays no part, so no sort is
 * needed; nor does a frame.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "arguments.h"
#include "kmeans_fit.h"
#include "math/distinct.h"
#include "math/silhouette.h"
#include "memory.h"
#include "points.h"
#include "score/window.h"

PG_FUNCTION_INFO_V1(kmeans_window);
PG_FUNCTION_INFO_V1(silhouette);

/* Rows between two resets of the memory that the arguments' evaluation takes. */
#define ROWS_PER_RESET	64

typedef struct KmeansWindow
{
	bool		ready;
	bool		empty;			/* no row has a point */
	bool		fixed[4];		/* arguments that can't change from row to row */
	ClusterSettings settings;
	KmeansModel model;
} KmeansWindow;

typedef struct SilhouetteWindow
{
	bool		ready;
	bool		scaling_fixed;
	ClusterSettings settings;
	Points		points;			/* of coordinates and the cluster */
	size_t		distinct;
	size_t	   *order;
	double	   *value;			/* of each distinct one */
} SilhouetteWindow;

/* ---- arguments ---- */

/* Arguments of kmeans beside the point */
enum
{
	ARGUMENT_K,
	ARGUMENT_SEED,
	ARGUMENT_SCALING,
	ARGUMENT_STARTS
};

/* An argument of the current row, which must not be NULL. */
static Datum
current_argument(WindowObject window, int number, const char *name)
{
	bool		isnull;
	Datum		value = WinGetFuncArgCurrent(window, number, &isnull);

	if (isnull)
		null_argument(name, NULL);
	return value;
}

static void
read_window_scaling(WindowObject window, int number, ClusterSettings *settings)
{
	read_scaling(DatumGetArrayTypeP(current_argument(window, number, "scaling")), settings);
}

static void
check_window_scaling(WindowObject window, int number, const ClusterSettings *settings)
{
	ClusterSettings now = {0};

	read_window_scaling(window, number, &now);
	if (now.nmethods != settings->nmethods ||
		memcmp(now.method, settings->method, sizeof(now.method)) != 0)
		argument_varies("scaling");
}

static void
check_window_int(WindowObject window, int number, const char *name, int value)
{
	if (DatumGetInt32(current_argument(window, number, name)) != value)
		argument_varies(name);
}

/* ---- reading the partition ---- */

/*
 * The point of a row, or of the current one for -1, and its cluster where that
 * is asked for; false if anything of it is NULL.
 */
static bool
row_point(WindowObject window, int64 row, const double **x, int *dimensions, int32 *cluster)
{
	ArrayType  *array;
	bool		isnull;
	bool		isout;
	Datum		value;

	/* Mark nothing: later rows are reached by the executor's own pointer. */
	value = row < 0 ? WinGetFuncArgCurrent(window, 0, &isnull) :
		WinGetFuncArgInPartition(window, 0, (int) row, WINDOW_SEEK_HEAD, false, &isnull, &isout);
	if (isnull)
		return false;
	array = DatumGetArrayTypeP(value);
	*dimensions = check_point(array);
	if (point_has_null(array))
		return false;
	*x = (const double *) ARR_DATA_PTR(array);
	if (cluster == NULL)
		return true;
	value = row < 0 ? WinGetFuncArgCurrent(window, 1, &isnull) :
		WinGetFuncArgInPartition(window, 1, (int) row, WINDOW_SEEK_HEAD, false, &isnull, &isout);
	*cluster = isnull ? 0 : DatumGetInt32(value);
	return !isnull;
}

static void
read_points(WindowObject window, Points *points)
{
	int64		rows = WinGetPartitionRowCount(window);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "arguments of a window function",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(scratch);

	/* Rows are asked for by an int. */
	if (rows > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a partition of " INT64_FORMAT " rows is too large", rows),
				 errdetail("At most %d rows of a partition can be clustered together.", PG_INT32_MAX)));
	for (int64 row = 0; row < rows; row++)
	{
		double		coordinates[KMEANS_MAX_DIMENSIONS + 1];
		const double *x;
		int			dimensions;
		int32		cluster;

		if (row_point(window, row, &x, &dimensions, points->extra > 0 ? &cluster : NULL))
		{
			memcpy(coordinates, x, dimensions * sizeof(double));
			if (points->extra > 0)
				coordinates[dimensions] = cluster;
			points_add(points, coordinates, dimensions + points->extra);
		}
		if (row % ROWS_PER_RESET == 0)
		{
			MemoryContextReset(scratch);
			CHECK_FOR_INTERRUPTS();
		}
	}
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(scratch);
}

/* ---- kmeans ---- */

static void
fit_partition(FunctionCallInfo fcinfo, WindowObject window, KmeansWindow *state)
{
	ClusterSettings *settings = &state->settings;
	MemoryContext old_context;
	Points		points;
	int64		clusters;

	for (int i = 0; i < 4; i++)
		state->fixed[i] = get_fn_expr_arg_stable(fcinfo->flinfo, i + 1);
	settings->least_k = settings->greatest_k =
		check_k("k", DatumGetInt32(current_argument(window, 1 + ARGUMENT_K, "k")));
	settings->seed = DatumGetInt32(current_argument(window, 1 + ARGUMENT_SEED, "seed"));
	read_window_scaling(window, 1 + ARGUMENT_SCALING, settings);
	settings->starts = check_starts(DatumGetInt32(current_argument(window, 1 + ARGUMENT_STARTS, "starts")));

	points_init(&points, CurrentMemoryContext, "kmeans", 0);
	read_points(window, &points);
	state->empty = points.n == 0;
	if (!state->empty)
	{
		/* In the memory of the partition, like the state itself */
		old_context = MemoryContextSwitchTo(GetMemoryChunkContext(state));
		clusters = kmeans_make(&points, settings, 0, &state->model, NULL);
		if (clusters < settings->greatest_k)
			too_few_points(settings->greatest_k, clusters);
		MemoryContextSwitchTo(old_context);
		pfree(points.rows);
	}
	state->ready = true;
}

/* (point, k, seed, scaling, starts) */
Datum
kmeans_window(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	KmeansWindow *state;
	const double *x;
	double		distance;
	int			dimensions;

	Assert(WindowObjectIsValid(window));
	state = WinGetPartitionLocalMemory(window, sizeof(KmeansWindow));
	if (!state->ready)
		fit_partition(fcinfo, window, state);
	else
	{
		if (!state->fixed[ARGUMENT_K])
			check_window_int(window, 1 + ARGUMENT_K, "k", state->settings.greatest_k);
		if (!state->fixed[ARGUMENT_SEED])
			check_window_int(window, 1 + ARGUMENT_SEED, "seed", state->settings.seed);
		if (!state->fixed[ARGUMENT_SCALING])
			check_window_scaling(window, 1 + ARGUMENT_SCALING, &state->settings);
		if (!state->fixed[ARGUMENT_STARTS])
			check_window_int(window, 1 + ARGUMENT_STARTS, "starts", state->settings.starts);
	}
	if (state->empty || !row_point(window, -1, &x, &dimensions, NULL))
		PG_RETURN_NULL();
	/* a volatile argument may be anything the second time */
	check_same_dimensions(state->model.dimensions, dimensions);
	check_coordinates(x, dimensions);
	PG_RETURN_INT32(kmeans_cluster(&state->model, x, &distance));
}

/* ---- silhouette ---- */

/* Numbers of clusters as they are given become 0 .. k - 1; returns k. */
static int
number_clusters(const SilhouetteWindow *state, const size_t *order, size_t distinct, int *cluster)
{
	Size		width = (Size) state->points.dimensions + POINT_HEAD;
	double		given[KMEANS_MAX_CLUSTERS];
	int			k = 0;

	for (size_t i = 0; i < distinct; i++)
	{
		double		number = state->points.rows[(order[i] + 1) * width - 1];
		int			at = 0;

		while (at < k && given[at] != number)
			at++;
		if (at == KMEANS_MAX_CLUSTERS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("there must be at most %d clusters", KMEANS_MAX_CLUSTERS)));
		if (at == k)
			given[k++] = number;
		cluster[i] = at;
	}
	return k;
}

static void
measure_partition(WindowObject window, SilhouetteWindow *state)
{
	MemoryContext partition = GetMemoryChunkContext(state);
	InputScaling scaling[KMEANS_MAX_DIMENSIONS] = {{0}};
	MemoryContext work;
	MemoryContext old_context;
	ScaledPoints scaled;
	int		   *cluster;
	int			k;

	points_init(&state->points, partition, "silhouette", 1);
	read_points(window, &state->points);
	state->ready = true;
	if (state->points.n == 0)
		return;
	work = AllocSetContextCreate(CurrentMemoryContext, "silhouette", ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(work);
	points_scale(&state->points, &state->settings, scaling, &scaled);
	state->distinct = scaled.points.n;
	cluster = resize_memory(NULL, state->distinct * sizeof(int));
	k = number_clusters(state, scaled.order, state->distinct, cluster);
	state->value = MemoryContextAllocHuge(partition, state->distinct * sizeof(double));
	silhouettes(&scaled.points, cluster, k, state->value, &server_host);
	state->order = MemoryContextAllocHuge(partition, state->distinct * sizeof(size_t));
	memcpy(state->order, scaled.order, state->distinct * sizeof(size_t));
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(work);
}

/* (point, cluster, scaling) */
Datum
silhouette(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	SilhouetteWindow *state;
	double		row[KMEANS_MAX_DIMENSIONS + 1 + POINT_HEAD];
	const double *x;
	int			dimensions;
	int32		cluster;
	size_t		at;

	Assert(WindowObjectIsValid(window));
	state = WinGetPartitionLocalMemory(window, sizeof(SilhouetteWindow));
	if (!state->ready)
	{
		state->scaling_fixed = get_fn_expr_arg_stable(fcinfo->flinfo, 2);
		read_window_scaling(window, 2, &state->settings);
		measure_partition(window, state);
	}
	else if (!state->scaling_fixed)
		check_window_scaling(window, 2, &state->settings);
	if (state->distinct == 0 || !row_point(window, -1, &x, &dimensions, &cluster))
		PG_RETURN_NULL();
	/* a volatile argument may be anything the second time */
	check_same_dimensions(state->points.dimensions - 1, dimensions);
	row[0] = 1.0;
	for (int i = 0; i < dimensions; i++)
		row[POINT_HEAD + i] = x[i] + 0.0;
	row[POINT_HEAD + dimensions] = cluster;
	at = distinct_find(state->points.rows, state->distinct, (size_t) dimensions + 1 + POINT_HEAD, 0,
					   state->order, row);
	if (at == state->distinct || isnan(state->value[at]))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(state->value[at]);
}
