/*
 * kmeans_agg.c
 *		The aggregates kmeans_fit and choose_k. Their state holds the points;
 *		the mathematics are in math/kmeans.c and math/kmeans_choice.c.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "kmeans_fit.h"
#include "math/kmeans_choice.h"
#include "memory.h"
#include "number_text.h"
#include "points.h"

PG_FUNCTION_INFO_V1(kmeans_fit_transition);
PG_FUNCTION_INFO_V1(kmeans_fit_final);
PG_FUNCTION_INFO_V1(kmeans_fit_or_reason);
PG_FUNCTION_INFO_V1(choose_k_transition);
PG_FUNCTION_INFO_V1(choose_k_final);
PG_FUNCTION_INFO_V1(points_combine);
PG_FUNCTION_INFO_V1(points_serialize);
PG_FUNCTION_INFO_V1(points_deserialize);

typedef struct ClusterState
{
	Points		points;
	ClusterSettings settings;
	ArrayType  *scaling;		/* the argument, to see whether it is the same; or NULL */
	int64		left_out;		/* rows without a point, or with a NULL in it */
} ClusterState;

/* ---- settings ---- */

/* Argument n, or its default where the call has none */
static int
int_argument(FunctionCallInfo fcinfo, int n, const char *argument, int otherwise)
{
	if (PG_NARGS() <= n)
		return otherwise;
	if (PG_ARGISNULL(n))
		null_argument(argument, NULL);
	return PG_GETARG_INT32(n);
}

static ArrayType *
scaling_argument(FunctionCallInfo fcinfo, int n)
{
	if (PG_NARGS() <= n)
		return NULL;
	if (PG_ARGISNULL(n))
		null_argument("scaling", "Use '{none}' for points that are taken as they are.");
	return PG_GETARG_ARRAYTYPE_P(n);
}

static void
check_same(const char *argument, int value, int other)
{
	if (unlikely(value != other))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be the same for all rows, not %d and %d", argument,
						Min(value, other), Max(value, other))));
}

static void
check_same_scaling(bool same)
{
	if (unlikely(!same))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("scaling must be the same for all rows")));
}

/* Those of the first row, which all others must have: arguments from number "first" on */
static void
set_settings(ClusterState *state, FunctionCallInfo fcinfo, bool choice, int first)
{
	ClusterSettings *settings = &state->settings;
	int			others = first + (choice ? 2 : 1);
	ArrayType  *scaling;

	settings->least_k = check_k(choice ? "least_k" : "k",
								int_argument(fcinfo, first, choice ? "least_k" : "k", 0));
	settings->greatest_k = settings->least_k;
	if (choice)
	{
		settings->greatest_k = check_k("greatest_k",
									   int_argument(fcinfo, first + 1, "greatest_k", 0));
		if (settings->greatest_k < settings->least_k)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("greatest_k must not be below least_k: %d and %d",
							settings->greatest_k, settings->least_k)));
	}
	settings->seed = int_argument(fcinfo, others, "seed", DEFAULT_SEED);
	settings->starts = check_starts(int_argument(fcinfo, others + 2, "starts", DEFAULT_STARTS));
	scaling = scaling_argument(fcinfo, others + 1);
	if (scaling == NULL)
	{
		settings->nmethods = 1;
		settings->method[0] = SCALING_ZSCORE;
	}
	else
	{
		read_scaling(scaling, settings);
		state->scaling = MemoryContextAlloc(state->points.context, VARSIZE(scaling));
		memcpy(state->scaling, scaling, VARSIZE(scaling));
	}
}

static void
check_settings(ClusterState *state, FunctionCallInfo fcinfo, bool choice, int first)
{
	const ClusterSettings *settings = &state->settings;
	int			others = first + (choice ? 2 : 1);
	ArrayType  *scaling;

	check_same(choice ? "least_k" : "k", settings->least_k,
			   int_argument(fcinfo, first, choice ? "least_k" : "k", 0));
	if (choice)
		check_same("greatest_k", settings->greatest_k,
				   int_argument(fcinfo, first + 1, "greatest_k", 0));
	if (likely(PG_NARGS() <= others))
		return;
	check_same("seed", settings->seed, int_argument(fcinfo, others, "seed", DEFAULT_SEED));
	check_same("starts", settings->starts,
			   int_argument(fcinfo, others + 2, "starts", DEFAULT_STARTS));
	scaling = scaling_argument(fcinfo, others + 1);
	if (scaling != NULL)
		check_same_scaling(VARSIZE(scaling) == VARSIZE(state->scaling) &&
						   memcmp(scaling, state->scaling, VARSIZE(scaling)) == 0);
}

/* ---- the state ---- */

static ClusterState *
state_make(MemoryContext context, const char *owner)
{
	ClusterState *state = MemoryContextAllocZero(context, sizeof(ClusterState));

	points_init(&state->points, context, owner, 0);
	return state;
}

static Datum
transition(FunctionCallInfo fcinfo, bool choice)
{
	MemoryContext context = aggregate_context(fcinfo);
	ClusterState *state = PG_ARGISNULL(0) ? NULL : (ClusterState *) PG_GETARG_POINTER(0);

	if (state == NULL)
	{
		state = state_make(context, choice ? "choose_k" : "kmeans_fit");
		set_settings(state, fcinfo, choice, 2);
	}
	else
		check_settings(state, fcinfo, choice, 2);
	if (PG_ARGISNULL(1))
		state->left_out++;
	else
	{
		ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
		int			dimensions = check_point(array);

		if (state->points.dimensions != 0)
			check_same_dimensions(state->points.dimensions, dimensions);
		if (point_has_null(array))
			state->left_out++;
		else
			points_add(&state->points, (const double *) ARR_DATA_PTR(array), dimensions);
	}
	PG_RETURN_POINTER(state);
}

Datum
kmeans_fit_transition(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, false);
}

Datum
choose_k_transition(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, true);
}

/* The result is in the context of the aggregate, whichever side is empty. */
Datum
points_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ClusterState *state = PG_ARGISNULL(0) ? NULL : (ClusterState *) PG_GETARG_POINTER(0);
	ClusterState *other = (ClusterState *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	if (state == NULL)
	{
		state = state_make(context, other->points.owner);
		state->settings = other->settings;
	}
	check_same("k", state->settings.least_k, other->settings.least_k);
	check_same("greatest_k", state->settings.greatest_k, other->settings.greatest_k);
	check_same("seed", state->settings.seed, other->settings.seed);
	check_same("starts", state->settings.starts, other->settings.starts);
	check_same_scaling(state->settings.nmethods == other->settings.nmethods &&
					   memcmp(state->settings.method, other->settings.method,
							  sizeof(state->settings.method)) == 0);
	state->left_out += other->left_out;
	points_merge(&state->points, &other->points);
	PG_RETURN_POINTER(state);
}

/* What a serialised state begins with; the rows follow. */
typedef struct ClusterStateHead
{
	int64		left_out;
	int32		dimensions;
	ClusterSettings settings;
} ClusterStateHead;

/* In this machine's own form: it goes to another process, no further. */
Datum
points_serialize(PG_FUNCTION_ARGS)
{
	ClusterState *state;
	ClusterStateHead head;
	StringInfoData bytes;

	(void) aggregate_context(fcinfo);
	state = (ClusterState *) PG_GETARG_POINTER(0);
	memset(&head, 0, sizeof(head));
	head.left_out = state->left_out;
	head.dimensions = state->points.dimensions;
	head.settings = state->settings;
	state_write(&bytes, (int64) (sizeof(head) + points_size(&state->points)), "points",
				(int64) state->points.n);
	appendBinaryStringInfo(&bytes, (const char *) &head, sizeof(head));
	if (state->points.n > 0)
		appendBinaryStringInfo(&bytes, (const char *) state->points.rows,
							   (int) points_size(&state->points));
	PG_RETURN_BYTEA_P(pq_endtypsend(&bytes));
}

static bool
good_head(const ClusterStateHead *head)
{
	const ClusterSettings *settings = &head->settings;
	bool		good = head->left_out >= 0 && head->left_out <= AGGREGATE_MAX_ROWS &&
		head->dimensions >= 0 && head->dimensions <= KMEANS_MAX_DIMENSIONS &&
		settings->least_k >= 1 && settings->greatest_k >= settings->least_k &&
		settings->greatest_k <= KMEANS_MAX_CLUSTERS &&
		settings->starts >= 1 && settings->starts <= KMEANS_MAX_STARTS &&
		settings->nmethods >= 1 && settings->nmethods <= KMEANS_MAX_DIMENSIONS;

	for (int i = 0; i < KMEANS_MAX_DIMENSIONS; i++)
		good &= settings->method[i] < (good && i < settings->nmethods ? SCALING_METHODS : 1);
	return good;
}

Datum
points_deserialize(PG_FUNCTION_ARGS)
{
	StringInfoData bytes;
	ClusterStateHead head;
	ClusterState *state;

	state_read(fcinfo, &bytes);
	if (bytes.len < (int) sizeof(head))
		corrupt_state("aggregates kmeans_fit and choose_k");
	memcpy(&head, bytes.data, sizeof(head));
	if (!good_head(&head))
		corrupt_state("aggregates kmeans_fit and choose_k");
	state = state_make(CurrentMemoryContext,
					   head.settings.least_k == head.settings.greatest_k ? "kmeans_fit" : "choose_k");
	state->left_out = head.left_out;
	state->settings = head.settings;
	state->points.dimensions = head.dimensions;
	if (!points_read(&state->points, bytes.data + sizeof(head), bytes.len - sizeof(head)))
		corrupt_state("aggregates kmeans_fit and choose_k");
	PG_RETURN_POINTER(state);
}

/* ---- results ---- */

/* Reads the state, and leaves it as it is. NULL without a point. */
static const ClusterState *
final_state(FunctionCallInfo fcinfo)
{
	const ClusterState *state;

	(void) aggregate_context(fcinfo);
	state = PG_ARGISNULL(0) ? NULL : (const ClusterState *) PG_GETARG_POINTER(0);
	return state != NULL && state->points.n > 0 ? state : NULL;
}

Datum
kmeans_fit_final(PG_FUNCTION_ARGS)
{
	const ClusterState *state = final_state(fcinfo);
	KmeansModel model;
	StringInfoData out;
	int64		clusters;

	if (state == NULL)
		PG_RETURN_NULL();
	initStringInfo(&out);
	clusters = kmeans_make(&state->points, &state->settings, state->left_out, &model, &out);
	if (clusters < state->settings.greatest_k)
		too_few_points(state->settings.greatest_k, clusters);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* The same for a model, which has tenants of all sizes: too few points are no error. */
Datum
kmeans_fit_or_reason(PG_FUNCTION_ARGS)
{
	const ClusterState *state = final_state(fcinfo);
	KmeansModel model;
	StringInfoData out;
	int64		clusters = 0;

	initStringInfo(&out);
	if (state != NULL)
		clusters = kmeans_make(&state->points, &state->settings, state->left_out, &model, &out);
	if (state == NULL || clusters < state->settings.greatest_k)
	{
		resetStringInfo(&out);
		appendStringInfo(&out, "{\"reason\": \"too_few_points\", \"distinct\": " INT64_FORMAT "}",
						 clusters);
	}
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

static void
append_figure(StringInfo out, const char *name, double value)
{
	appendStringInfo(out, ", \"%s\": ", name);
	append_number(out, value);
}

Datum
choose_k_final(PG_FUNCTION_ARGS)
{
	const ClusterState *state = final_state(fcinfo);
	const ClusterSettings *settings;
	MemoryContext work;
	MemoryContext old_context;
	StringInfoData out;
	ScaledPoints scaled;
	InputScaling scaling[KMEANS_MAX_DIMENSIONS];
	KmeansChoice choices[KMEANS_MAX_CLUSTERS];
	int			count;

	if (state == NULL)
		PG_RETURN_NULL();
	settings = &state->settings;
	initStringInfo(&out);
	work = AllocSetContextCreate(CurrentMemoryContext, "choose_k", ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(work);
	memset(scaling, 0, sizeof(scaling));
	points_scale(&state->points, settings, scaling, &scaled);
	if (scaled.points.n < (Size) settings->least_k)
		too_few_points(settings->least_k, (int64) scaled.points.n);
	count = settings->greatest_k - settings->least_k + 1;
	for (int i = 0; i < count; i++)
		choices[i].k = settings->least_k + i;
	count = kmeans_choices(&scaled.points, choices, count, settings->seed, settings->starts,
						   &server_host);
	appendStringInfo(&out, "{\"family\": \"choose_k\", \"n\": " INT64_FORMAT ", \"distinct\": " INT64_FORMAT ", \"left_out\": " INT64_FORMAT ", \"seed\": %d, \"starts\": %d, \"choices\": [",
					 (int64) scaled.points.total, (int64) scaled.points.n, state->left_out,
					 settings->seed, settings->starts);
	for (int i = 0; i < count; i++)
	{
		appendStringInfo(&out, "%s{\"k\": %d", i == 0 ? "" : ", ", choices[i].k);
		append_figure(&out, "inertia", ldexp(choices[i].inertia, 2 * scaled.exponent));
		append_figure(&out, "silhouette", choices[i].silhouette);
		append_figure(&out, "calinski_harabasz", choices[i].calinski_harabasz);
		append_figure(&out, "smallest", choices[i].smallest);
		append_figure(&out, "stability", choices[i].stability);
		append_figure(&out, "least_stability", choices[i].least_stability);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoString(&out, "]}");
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(work);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}
