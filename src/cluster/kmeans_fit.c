/*
 * kmeans_fit.c
 *		The document of a k-means fit, and what is read from it: kmeans_assign,
 *		kmeans_distance, kmeans_scaled, kmeans_match, and for models, where a
 *		customer who can't be put to a cluster is no error.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "kmeans_fit.h"
#include "math/least_matching.h"
#include "memory.h"
#include "number_text.h"

PG_FUNCTION_INFO_V1(kmeans_assign);
PG_FUNCTION_INFO_V1(kmeans_distance);
PG_FUNCTION_INFO_V1(kmeans_scaled);
PG_FUNCTION_INFO_V1(kmeans_matching);
PG_FUNCTION_INFO_V1(usable_point);
PG_FUNCTION_INFO_V1(customer_cluster);
PG_FUNCTION_INFO_V1(cluster_distances);

/* ---- making ---- */

static void
append_row(StringInfo out, const double *values, int n)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		append_number(out, values[i]);
	}
	appendStringInfoChar(out, ']');
}

/* "name": one row for each cluster */
static void
append_rows(StringInfo out, const char *name, const double *values, int k, int dimensions)
{
	appendStringInfo(out, ", \"%s\": [", name);
	for (int c = 0; c < k; c++)
	{
		if (c > 0)
			appendStringInfoString(out, ", ");
		append_row(out, values + c * dimensions, dimensions);
	}
	appendStringInfoChar(out, ']');
}

static void
append_scaling(StringInfo out, const InputScaling *scaling, int dimensions)
{
	appendStringInfoString(out, ", \"scaling\": [");
	for (int i = 0; i < dimensions; i++)
	{
		appendStringInfo(out, "%s{\"method\": \"%s\", \"shift\": ", i == 0 ? "" : ", ",
						 scaling_names[scaling[i].method]);
		append_number(out, scaling[i].shift);
		appendStringInfoString(out, ", \"scale\": ");
		append_number(out, scaling[i].scale);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/* One more note; the text is ours, and needs no quoting. */
static void
append_note(StringInfo out, int input, const char *code, const char *text)
{
	if (out->data[out->len - 1] != '[')
		appendStringInfoString(out, ", ");
	appendStringInfoString(out, "{\"input\": ");
	if (input > 0)
		appendStringInfo(out, "%d", input);
	else
		appendStringInfoString(out, "null");
	appendStringInfo(out, ", \"note\": \"%s\", \"text\": \"%s\"}", code, text);
}

/* What may surprise in the answer */
static void
append_notes(StringInfo out, const ScaledPoints *scaled, const KmeansRun *run, int k)
{
	appendStringInfoString(out, ", \"notes\": [");
	for (int i = 1; i <= scaled->points.dimensions; i++)
	{
		const InputFacts *facts = &scaled->facts[i - 1];

		if (facts->distinct == 1)
			append_note(out, i, "constant",
						psprintf("input %d is the same in every row: it tells no clusters apart", i));
		else
		{
			if (facts->distinct < k)
				append_note(out, i, "few_values",
							psprintf("input %d has %d different values, fewer than there are clusters: it splits in steps", i, facts->distinct));
			if (facts->most_common_share > 0.0)
				append_note(out, i, "most_are_equal",
							psprintf("input %d is %s in %.1f %% of the rows: clusters may only tell these from the others", i,
									 number_text(facts->most_common),
									 100 * facts->most_common_share));
			if (facts->middle_is_one)
				append_note(out, i, "quartiles_are_equal",
							psprintf("input %d has equal quartiles: it is divided by its standard deviation instead", i));
		}
	}
	if (!run->converged)
		append_note(out, 0, "not_converged",
					psprintf("the best start still changed after %d rounds", KMEANS_MAX_ITERATIONS));
	appendStringInfoChar(out, ']');
}

/* Of each cluster: rows, inertia, means in the inputs' own units */
typedef struct ClusterSums
{
	double	   *sizes;
	double	   *within;
	double	   *means;
} ClusterSums;

static void
sum_clusters(const Points *points, const ScaledPoints *scaled, const KmeansRun *run, int k,
			 ClusterSums *sums)
{
	int			dimensions = scaled->points.dimensions;
	Size		width = (Size) (dimensions + points->extra) + POINT_HEAD;
	double		unit = ldexp(1.0, 2 * scaled->exponent);

	sums->sizes = palloc0(k * sizeof(double));
	sums->within = palloc0(k * sizeof(double));
	sums->means = palloc0((Size) k * dimensions * sizeof(double));
	for (size_t i = 0; i < scaled->points.n; i++)
	{
		int			c = run->cluster[i];
		const double *row = points->rows + scaled->order[i] * width + POINT_HEAD;
		double		square = 0.0;

		for (int j = 0; j < dimensions; j++)
		{
			double		off = scaled->x[i * dimensions + j] - run->centers[c * dimensions + j];

			square += off * off;
			sums->means[c * dimensions + j] += scaled->counts[i] * row[j];
		}
		sums->sizes[c] += scaled->counts[i];
		sums->within[c] += scaled->counts[i] * square * unit;
	}
	for (int c = 0; c < k; c++)
		for (int j = 0; j < dimensions; j++)
			sums->means[c * dimensions + j] /= sums->sizes[c];
}

/* The inertia of one cluster of all */
static double
total_inertia(const ScaledPoints *scaled)
{
	double		center[KMEANS_MAX_DIMENSIONS];
	KmeansRun	run = {.centers = center};

	run.cluster = resize_memory(NULL, scaled->points.n * sizeof(int));
	memcpy(center, scaled->x, scaled->points.dimensions * sizeof(double));
	(void) kmeans_improve(&scaled->points, 1, &run, &server_host);
	pfree(run.cluster);
	return ldexp(run.inertia, 2 * scaled->exponent);
}

/* A mean in its own unit: not of the values, but of the scaled ones */
static double *
own_centers(const KmeansModel *model)
{
	double	   *own = palloc((Size) model->k * model->dimensions * sizeof(double));

	for (int i = 0; i < model->k * model->dimensions; i++)
		own[i] = scaling_invert(&model->scaling[i % model->dimensions], model->centers[i]);
	return own;
}

int64
kmeans_make(const Points *points, const ClusterSettings *settings, int64 left_out,
			KmeansModel *model, StringInfo out)
{
	int			k = settings->greatest_k;
	int			dimensions = points->dimensions - points->extra;
	int			coordinates = k * dimensions;
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "k-means", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_context;
	ScaledPoints scaled;
	KmeansRun	run;
	ClusterSums sums = {NULL, NULL, NULL};	/* gcc 14 does not see that both uses ask for out */
	int			agreeing;
	int64		clusters;

	model->k = k;
	model->dimensions = dimensions;
	model->scaling = palloc0(dimensions * sizeof(InputScaling));
	model->centers = palloc((Size) coordinates * sizeof(double));
	old_context = MemoryContextSwitchTo(work);
	points_scale(points, settings, model->scaling, &scaled);
	clusters = (int64) scaled.points.n;
	if (clusters >= k)
	{
		run.centers = model->centers;
		run.cluster = resize_memory(NULL, scaled.points.n * sizeof(int));
		clusters = kmeans_best(&scaled.points, k, settings->seed, settings->starts, &run, &agreeing,
							   &server_host);
	}
	if (clusters < k)
	{
		MemoryContextSwitchTo(old_context);
		MemoryContextDelete(work);
		return clusters;
	}
	if (out != NULL)
		sum_clusters(points, &scaled, &run, k, &sums);
	for (int i = 0; i < coordinates; i++)
		model->centers[i] = ldexp(model->centers[i], scaled.exponent);
	if (out != NULL)
	{
		appendStringInfo(out, "{\"family\": \"kmeans\", \"k\": %d, \"dimensions\": %d, \"seed\": %d, \"starts\": %d, \"agreeing_starts\": %d, \"iterations\": %d, \"converged\": %s",
						 k, dimensions, settings->seed, settings->starts, agreeing, run.iterations,
						 run.converged ? "true" : "false");
		appendStringInfo(out, ", \"n\": " INT64_FORMAT ", \"distinct\": " INT64_FORMAT ", \"left_out\": " INT64_FORMAT ", \"inertia\": ",
						 (int64) scaled.points.total, (int64) scaled.points.n, left_out);
		append_number(out, ldexp(run.inertia, 2 * scaled.exponent));
		appendStringInfoString(out, ", \"total_inertia\": ");
		append_number(out, total_inertia(&scaled));
		append_scaling(out, model->scaling, dimensions);
		append_rows(out, "centers", own_centers(model), k, dimensions);
		append_rows(out, "centers_scaled", model->centers, k, dimensions);
		append_rows(out, "means", sums.means, k, dimensions);
		appendStringInfoString(out, ", \"sizes\": ");
		append_row(out, sums.sizes, k);
		appendStringInfoString(out, ", \"within\": ");
		append_row(out, sums.within, k);
		append_notes(out, &scaled, &run, k);
		appendStringInfoChar(out, '}');
	}
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(work);
	return k;
}

/* ---- reading ---- */

pg_noreturn static void
not_a_fit(const char *argument, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s is not a document of kmeans_fit: %s", argument, what),
			 errhint("Give what kmeans_fit or kmeans_match returned.")));
}

static JsonbContainer *
container(const char *argument, const JsonbValue *value, bool array, const char *what)
{
	JsonbContainer *data = NULL;

	if (value != NULL && value->type == jbvBinary)
		data = value->val.binary.data;
	if (data == NULL || !(array ? JsonContainerIsArray(data) : JsonContainerIsObject(data)))
		not_a_fit(argument, what);
	return data;
}

static double
number(const char *argument, const JsonbValue *value, const char *what)
{
	double		result;

	if (value == NULL || value->type != jbvNumeric)
		not_a_fit(argument, what);
	result = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	if (!isfinite(result))
		not_a_fit(argument, what);
	return result;
}

static JsonbValue *
member(JsonbContainer *object, const char *name)
{
	return getKeyJsonValueFromContainer(object, name, (int) strlen(name), NULL);
}

static bool
is_string(const JsonbValue *value, const char *wanted)
{
	return value != NULL && value->type == jbvString &&
		value->val.string.len == (int) strlen(wanted) &&
		memcmp(value->val.string.val, wanted, strlen(wanted)) == 0;
}

static void
parse_scaling(const char *argument, JsonbContainer *object, InputScaling *scaling)
{
	JsonbValue *method = member(object, "method");
	int			found = -1;

	for (int i = 0; i < SCALING_METHODS; i++)
	{
		if (is_string(method, scaling_names[i]))
			found = i;
	}
	if (found < 0)
		not_a_fit(argument, "a scaling has no method");
	scaling->method = (ScalingMethod) found;
	scaling->shift = number(argument, member(object, "shift"), "a scaling has no shift");
	scaling->scale = number(argument, member(object, "scale"), "a scaling has no scale");
	if (!(scaling->scale > 0.0))
		not_a_fit(argument, "a scale is not positive");
}

static KmeansModel *
parse_model(const char *argument, Jsonb *document)
{
	JsonbContainer *fit = &document->root;
	JsonbContainer *scaling;
	JsonbContainer *centers;
	KmeansModel *model = palloc(sizeof(KmeansModel));

	if (!JsonContainerIsObject(fit))
		not_a_fit(argument, "it is not an object");
	if (!is_string(member(fit, "family"), "kmeans"))
		not_a_fit(argument, "its family is not \"kmeans\"");
	scaling = container(argument, member(fit, "scaling"), true, "it has no scaling");
	centers = container(argument, member(fit, "centers_scaled"), true, "it has no scaled centers");
	if (JsonContainerSize(scaling) < 1 || JsonContainerSize(scaling) > KMEANS_MAX_DIMENSIONS)
		not_a_fit(argument, "it has no inputs, or too many");
	if (JsonContainerSize(centers) < 1 || JsonContainerSize(centers) > KMEANS_MAX_CLUSTERS)
		not_a_fit(argument, "it has no clusters, or too many");
	model->dimensions = (int) JsonContainerSize(scaling);
	model->k = (int) JsonContainerSize(centers);
	model->scaling = palloc(model->dimensions * sizeof(InputScaling));
	model->centers = palloc((Size) model->k * model->dimensions * sizeof(double));
	for (int i = 0; i < model->dimensions; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(scaling, i);

		parse_scaling(argument, container(argument, value, false, "a scaling is not an object"),
					  &model->scaling[i]);
	}
	for (int c = 0; c < model->k; c++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(centers, c);
		JsonbContainer *center = container(argument, value, true, "a center is not an array");

		if ((int) JsonContainerSize(center) != model->dimensions)
			not_a_fit(argument, "a center has another number of elements than there are inputs");
		for (int i = 0; i < model->dimensions; i++)
			model->centers[c * model->dimensions + i] =
				number(argument, getIthJsonbValueFromContainer(center, i), "a center is not of numbers");
	}
	return model;
}

typedef struct ModelCache
{
	MemoryContext context;		/* of the two below */
	Jsonb	   *document;
	KmeansModel *model;
} ModelCache;

/* Argument 0, parsed once as long as it stays the same */
static const KmeansModel *
fit_argument(FunctionCallInfo fcinfo)
{
	Jsonb	   *document = PG_GETARG_JSONB_P(0);
	ModelCache *cache = fcinfo->flinfo->fn_extra;
	MemoryContext old_context;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(ModelCache));
		cache->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "fit", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = cache;
	}
	if (cache->document == NULL || VARSIZE(cache->document) != VARSIZE(document) ||
		memcmp(cache->document, document, VARSIZE(document)) != 0)
	{
		cache->document = NULL;
		MemoryContextReset(cache->context);
		old_context = MemoryContextSwitchTo(cache->context);
		cache->model = parse_model("fit", document);
		cache->document = palloc(VARSIZE(document));
		memcpy(cache->document, document, VARSIZE(document));
		MemoryContextSwitchTo(old_context);
	}
	PG_FREE_IF_COPY(document, 0);
	return cache->model;
}

/* ---- points ---- */

void
kmeans_scale(const KmeansModel *model, const double *x, double *scaled)
{
	for (int i = 0; i < model->dimensions; i++)
	{
		scaled[i] = scaling_apply(&model->scaling[i], x[i]);
		if (unlikely(!isfinite(scaled[i])))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("input %d is out of range when it is scaled", i + 1)));
	}
}

int
kmeans_cluster(const KmeansModel *model, const double *x, double *distance)
{
	double		scaled[KMEANS_MAX_DIMENSIONS];
	double		square;
	int			cluster;

	kmeans_scale(model, x, scaled);
	cluster = kmeans_nearest(scaled, model->centers, model->k, model->dimensions, &square);
	if (unlikely(!isfinite(square)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("point is out of range: its distance from the centers exceeds double precision")));
	*distance = sqrt(square);
	return cluster + 1;
}

/* Argument 1, which is as long as the model wants; NULL if one of its elements is. */
static const double *
point_argument(FunctionCallInfo fcinfo, const KmeansModel *model)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	int			dimensions = check_point(array);

	if (dimensions != model->dimensions)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("point must have as many elements as the fit, not %d for %d",
						dimensions, model->dimensions)));
	if (point_has_null(array))
		return NULL;
	check_coordinates((const double *) ARR_DATA_PTR(array), dimensions);
	return (const double *) ARR_DATA_PTR(array);
}

Datum
kmeans_assign(PG_FUNCTION_ARGS)
{
	const KmeansModel *model = fit_argument(fcinfo);
	const double *x = point_argument(fcinfo, model);
	double		distance;

	if (x == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(kmeans_cluster(model, x, &distance));
}

Datum
kmeans_distance(PG_FUNCTION_ARGS)
{
	const KmeansModel *model = fit_argument(fcinfo);
	const double *x = point_argument(fcinfo, model);
	double		distance;

	if (x == NULL)
		PG_RETURN_NULL();
	(void) kmeans_cluster(model, x, &distance);
	PG_RETURN_FLOAT8(distance);
}

Datum
kmeans_scaled(PG_FUNCTION_ARGS)
{
	const KmeansModel *model = fit_argument(fcinfo);
	const double *x = point_argument(fcinfo, model);
	double		scaled[KMEANS_MAX_DIMENSIONS];
	Datum		elements[KMEANS_MAX_DIMENSIONS];

	if (x == NULL)
		PG_RETURN_NULL();
	kmeans_scale(model, x, scaled);
	for (int i = 0; i < model->dimensions; i++)
		elements[i] = Float8GetDatum(scaled[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, model->dimensions, FLOAT8OID, sizeof(double),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* ---- customers of a model ---- */

static bool
is_usable(ArrayType *array)
{
	const double *x = (const double *) ARR_DATA_PTR(array);
	int			dimensions = check_point(array);

	if (point_has_null(array))
		return false;
	for (int i = 0; i < dimensions; i++)
	{
		if (!(fabs(x[i]) <= POINT_MAX_VALUE))
			return false;
	}
	return true;
}

/* (point): itself, if all elements are numbers that a fit takes; else NULL */
Datum
usable_point(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);

	if (!is_usable(array))
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(array);
}

/*
 * The squares of the distances of a point from all centers; the number of centers, or
 * 0: the document says why there is no fit, or the point can't be compared.
 */
static int
squares_of_customer(FunctionCallInfo fcinfo, double *squares)
{
	Jsonb	   *document = PG_GETARG_JSONB_P(0);
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	const KmeansModel *model;
	const double *x;
	double		scaled[KMEANS_MAX_DIMENSIONS];

	if (!JsonContainerIsObject(&document->root) || member(&document->root, "family") == NULL ||
		!is_usable(array))
		return 0;
	model = fit_argument(fcinfo);
	x = point_argument(fcinfo, model);
	for (int i = 0; i < model->dimensions; i++)
	{
		scaled[i] = scaling_apply(&model->scaling[i], x[i]);
		if (!isfinite(scaled[i]))
			return 0;
	}
	for (int c = 0; c < model->k; c++)
	{
		(void) kmeans_nearest(scaled, model->centers + c * model->dimensions, 1,
							  model->dimensions, &squares[c]);
		if (!isfinite(squares[c]))
			return 0;
	}
	return model->k;
}

Datum
customer_cluster(PG_FUNCTION_ARGS)
{
	double		squares[KMEANS_MAX_CLUSTERS];
	int			k = squares_of_customer(fcinfo, squares);
	int			nearest = 0;

	if (k == 0)
		PG_RETURN_NULL();
	for (int c = 1; c < k; c++)
	{
		if (squares[c] < squares[nearest])
			nearest = c;
	}
	PG_RETURN_INT32(nearest + 1);
}

Datum
cluster_distances(PG_FUNCTION_ARGS)
{
	double		squares[KMEANS_MAX_CLUSTERS];
	Datum		elements[KMEANS_MAX_CLUSTERS];
	int			k = squares_of_customer(fcinfo, squares);

	if (k == 0)
		PG_RETURN_NULL();
	for (int c = 0; c < k; c++)
		elements[c] = Float8GetDatum(sqrt(squares[c]));
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, k, FLOAT8OID, sizeof(double),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* ---- matching ---- */

/* From each center of the new fit to each of the old one, as the old one scales; new by old */
static double *
center_distances(const KmeansModel *old, const KmeansModel *new)
{
	double	   *own = own_centers(new);
	double	   *distances = palloc((Size) new->k * old->k * sizeof(double));

	for (int c = 0; c < new->k; c++)
	{
		double		scaled[KMEANS_MAX_DIMENSIONS];

		for (int i = 0; i < new->dimensions; i++)
			scaled[i] = scaling_apply(&old->scaling[i], own[c * new->dimensions + i]);
		for (int other = 0; other < old->k; other++)
		{
			double		square;

			(void) kmeans_nearest(scaled, old->centers + other * old->dimensions, 1,
								  old->dimensions, &square);
			if (!isfinite(square))
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("centers are out of range: a distance between them exceeds double precision")));
			distances[c * old->k + other] = sqrt(square);
		}
	}
	return distances;
}

/*
 * Which old cluster each new one is, -1 for none: the least total distance.
 * The fewer ones are made as many by some that are at no distance from any.
 */
static int *
match_centers(const double *distances, int new_k, int old_k)
{
	int			n = Max(new_k, old_k);
	double	   *cost = palloc0((Size) n * n * sizeof(double));
	int		   *match = palloc(n * sizeof(int));

	for (int c = 0; c < new_k; c++)
		memcpy(cost + c * n, distances + c * old_k, old_k * sizeof(double));
	least_matching(cost, n, match, &server_host);
	for (int c = 0; c < new_k; c++)
	{
		if (match[c] >= old_k)
			match[c] = -1;
	}
	return match;
}

/*
 * (old_fit, new_fit): an object for each cluster of the new fit in its order:
 * the number that it gets, the old one's that it is, how far its center moved.
 * A number that is above the new k can't be kept; those without take what is left.
 */
Datum
kmeans_matching(PG_FUNCTION_ARGS)
{
	const KmeansModel *old = parse_model("old_fit", PG_GETARG_JSONB_P(0));
	const KmeansModel *new = parse_model("new_fit", PG_GETARG_JSONB_P(1));
	bool		taken[KMEANS_MAX_CLUSTERS] = {false};
	double	   *distances;
	int		   *match;
	int			next = 0;
	StringInfoData out;

	if (old->dimensions != new->dimensions)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("old_fit and new_fit must have the same inputs, not %d and %d",
						old->dimensions, new->dimensions)));
	distances = center_distances(old, new);
	match = match_centers(distances, new->k, old->k);
	for (int c = 0; c < new->k; c++)
	{
		if (match[c] >= 0 && match[c] < new->k)
			taken[match[c]] = true;
	}
	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (int c = 0; c < new->k; c++)
	{
		int			number = match[c];

		if (number < 0 || number >= new->k)
		{
			while (taken[next])
				next++;
			number = next++;
		}
		appendStringInfo(&out, "%s{\"cluster\": %d, \"was\": ", c == 0 ? "" : ", ", number + 1);
		if (match[c] < 0)
			appendStringInfoString(&out, "null, \"moved\": null}");
		else
		{
			appendStringInfo(&out, "%d, \"moved\": ", match[c] + 1);
			append_number(&out, distances[c * old->k + match[c]]);
			appendStringInfoChar(&out, '}');
		}
	}
	appendStringInfoChar(&out, ']');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}
