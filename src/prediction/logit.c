/*
 * logit.c
 *		Logistic regression: the aggregate logit_fit, with a state that holds
 *		the rows, and logit_predict. The mathematics are in math/logit_newton.c.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "aggregate.h"
#include "arguments.h"
#include "compat.h"
#include "json_members.h"
#include "logit.h"
#include "math/logit_newton.h"
#include "math/ridge_choice.h"
#include "memory.h"
#include "number_text.h"
#include "score/score.h"

PG_FUNCTION_INFO_V1(logit_fit_transition);
PG_FUNCTION_INFO_V1(logit_fit_options_transition);
PG_FUNCTION_INFO_V1(logit_fit_combine);
PG_FUNCTION_INFO_V1(logit_fit_serialize);
PG_FUNCTION_INFO_V1(logit_fit_deserialize);
PG_FUNCTION_INFO_V1(logit_fit_final);
PG_FUNCTION_INFO_V1(logit_covariance_final);
PG_FUNCTION_INFO_V1(choose_ridge_transition);
PG_FUNCTION_INFO_V1(choose_ridge_final);
PG_FUNCTION_INFO_V1(logit_predict);
PG_FUNCTION_INFO_V1(logit_coefficients);

/*
 * What the rows of one fit may take: then equal ones are added up, and an
 * error follows if the different ones take more than the second limit.
 */
#define MAX_ROWS_MB		1000
#define MAX_DIFFERENT_MB	750
#define MEGABYTE		((Size) 1024 * 1024)

/* Rows to make room for at first: a group may well be a small one. */
#define FIRST_ROWS		16

#define UNKNOWN_FEATURES	(-1)

/* State of logit_fit: every row, in the form of math/logit_newton.h. */
typedef struct LogitState
{
	MemoryContext context;
	int32		features;		/* of each row; unknown until there is one */
	LogitOptions options;
	int64		left_out;		/* rows without a label, a feature or a weight above 0 */
	size_t		n;
	size_t		room;
	double	   *rows;

	/* of choose_ridge, whose options have none */
	int			folds;			/* 0: of another aggregate */
	int			nridges;
	double	   *ridges;
} LogitState;

/* ---- checks ---- */

/* How many features an array has */
static int
check_features(ArrayType *array)
{
	int			count = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features must be an array of one dimension, not %d", ARR_NDIM(array))));
	if (count > LOGIT_MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("features must have at most %d elements, not %d", LOGIT_MAX_FEATURES, count)));
	return count;
}

static void
check_same_features(int expected, int count)
{
	if (unlikely(expected != count))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features must have the same number of elements in all rows, not %d and %d",
						Min(expected, count), Max(expected, count)),
				 errhint("A feature that a row does not have is a NULL in features.")));
}

#define OPTIONS_HINT	"Use firth, firth_if_separated, drop_aliased, or drop_aliased with one of the others behind a comma."

static bool
is_word(const char *word, int length, const char *wanted)
{
	return length == (int) strlen(wanted) && memcmp(word, wanted, (size_t) length) == 0;
}

/* Argument n: words with commas between them */
static void
read_options(FunctionCallInfo fcinfo, int n, LogitOptions *options)
{
	text	   *value;
	const char *word;
	const char *end;

	if (PG_ARGISNULL(n))
		null_argument("options", OPTIONS_HINT);
	value = PG_GETARG_TEXT_PP(n);
	word = VARDATA_ANY(value);
	end = word + VARSIZE_ANY_EXHDR(value);
	for (;;)
	{
		const char *comma = memchr(word, ',', (size_t) (end - word));
		int			length = (int) ((comma != NULL ? comma : end) - word);

		if (is_word(word, length, "drop_aliased") && !options->drop_aliased)
			options->drop_aliased = true;
		else if (is_word(word, length, "firth") && options->firth == LOGIT_FIRTH_NEVER)
			options->firth = LOGIT_FIRTH_ALWAYS;
		else if (is_word(word, length, "firth_if_separated") && options->firth == LOGIT_FIRTH_NEVER)
			options->firth = LOGIT_FIRTH_IF_SEPARATED;
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("options are \"%s\"", text_to_cstring(value)),
					 errhint(OPTIONS_HINT)));
		if (comma == NULL)
			break;
		word = comma + 1;
	}
	PG_FREE_IF_COPY(value, n);
}

static void
check_same_setting(const LogitOptions *options, const LogitOptions *other)
{
	if (unlikely(options->ridge != other->ridge))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ridge must be the same for all rows, not %.15g and %.15g",
						Min(options->ridge, other->ridge), Max(options->ridge, other->ridge))));
	if (unlikely(options->firth != other->firth || options->drop_aliased != other->drop_aliased))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options must be the same for all rows")));
}

/* ---- the state ---- */

static LogitState *
state_make(MemoryContext context, const LogitOptions *options)
{
	LogitState *state = MemoryContextAllocZero(context, sizeof(LogitState));

	state->context = context;
	state->features = UNKNOWN_FEATURES;
	state->options = *options;
	return state;
}

static inline size_t
row_width(const LogitState *state)
{
	return (size_t) state->features + LOGIT_HEAD;
}

static inline size_t
rows_in(const LogitState *state, Size megabytes)
{
	return megabytes * MEGABYTE / (row_width(state) * sizeof(double));
}

/* Add up equal rows. */
static void
compress(LogitState *state)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "equal rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(work);
	size_t		width = row_width(state);
	size_t	   *order = resize_memory(NULL, state->n * sizeof(size_t));
	double	   *counts = resize_memory(NULL, state->n * sizeof(double));
	size_t		distinct = logit_distinct(state->rows, state->n, state->features, order, counts,
										  &server_host);
	size_t		room = Max(distinct, FIRST_ROWS);
	double	   *rows = MemoryContextAllocHuge(state->context, room * width * sizeof(double));

	for (size_t i = 0; i < distinct; i++)
	{
		memcpy(rows + i * width, state->rows + order[i] * width, width * sizeof(double));
		rows[i * width + 1] = counts[i];
	}
	pfree(state->rows);
	state->rows = rows;
	state->n = distinct;
	state->room = room;
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(work);
}

/* Room for "more" rows of so many features. */
static void
make_room(LogitState *state, int features, size_t more)
{
	MemoryContext old_context;
	size_t		limit;
	size_t		room;

	if (state->features == UNKNOWN_FEATURES)
		state->features = features;
	check_same_features(state->features, features);
	if (likely(state->room - state->n >= more))
		return;

	limit = rows_in(state, MAX_ROWS_MB);
	if (state->n + more > limit)
	{
		if (state->n > 0)
			compress(state);
		if (state->n + more > limit || state->n > rows_in(state, MAX_DIFFERENT_MB))
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many different rows for logit_fit: " UINT64_FORMAT " of %d features",
							(uint64) state->n, features),
					 errdetail("The different rows of a fit may take %d MB.", MAX_DIFFERENT_MB),
					 errhint("Fit a sample of the rows, or round the features.")));
	}
	room = Min(Max(Max(state->room * 2, state->n + more), FIRST_ROWS), limit);
	old_context = MemoryContextSwitchTo(state->context);
	state->rows = resize_memory(state->rows, room * row_width(state) * sizeof(double));
	MemoryContextSwitchTo(old_context);
	state->room = room;
}

/* The one door into the state. */
static void
add_row(LogitState *state, bool label, const double *x, int features, double weight)
{
	double	   *row;

	for (int i = 0; i < features; i++)
		check_finite("features", x[i]);
	make_room(state, features, 1);
	row = state->rows + state->n++ * row_width(state);
	row[0] = label ? weight : -weight;
	row[1] = 1.0;
	for (int i = 0; i < features; i++)
		row[LOGIT_HEAD + i] = x[i] + 0.0;	/* -0 becomes 0 */
}

/* The state, with the options of this row, which are those of all */
static LogitState *
argument_state(FunctionCallInfo fcinfo, const LogitOptions *options)
{
	MemoryContext context = aggregate_context(fcinfo);
	LogitState *state = PG_ARGISNULL(0) ? NULL : (LogitState *) PG_GETARG_POINTER(0);

	if (state == NULL)
		return state_make(context, options);
	check_same_setting(&state->options, options);
	return state;
}

static Datum
add_argument_row(FunctionCallInfo fcinfo, LogitState *state, double weight)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		state->left_out++;
	else
	{
		ArrayType  *array = PG_GETARG_ARRAYTYPE_P(2);
		int			features = check_features(array);

		if (state->features != UNKNOWN_FEATURES)
			check_same_features(state->features, features);
		if (weight == 0.0 || (ARR_HASNULL(array) && array_contains_nulls(array)))
			state->left_out++;
		else
			add_row(state, PG_GETARG_BOOL(1), (const double *) ARR_DATA_PTR(array), features,
					weight);
	}
	PG_RETURN_POINTER(state);
}

/* (label, features[, weight[, ridge]]) */
Datum
logit_fit_transition(PG_FUNCTION_ARGS)
{
	LogitOptions options = {0};
	double		weight = PG_NARGS() > 3 ? weight_argument(fcinfo, 3) : 1.0;

	if (PG_NARGS() > 4)
		options.ridge = setting_argument(fcinfo, 4, "ridge",
										 "Use a ridge of 0 for the plain maximum likelihood.");
	return add_argument_row(fcinfo, argument_state(fcinfo, &options), weight);
}

/* (label, features, weight, options) */
Datum
logit_fit_options_transition(PG_FUNCTION_ARGS)
{
	LogitOptions options = {0};
	double		weight = weight_argument(fcinfo, 3);

	read_options(fcinfo, 4, &options);
	return add_argument_row(fcinfo, argument_state(fcinfo, &options), weight);
}

/* ---- the choice of a ridge ---- */

#define RIDGES_HINT	"Use '{0.1,1,10,100}', for example."
#define FOLDS_HINT	"With 10, each tenth of the rows is predicted by a fit of the other nine."

/* Argument n, checked: an array of numbers */
static const double *
ridges_argument(FunctionCallInfo fcinfo, int n, int *count)
{
	ArrayType  *array;
	const double *ridges;

	if (PG_ARGISNULL(n))
		null_argument("ridges", RIDGES_HINT);
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		null_element("ridges", RIDGES_HINT);
	*count = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	if (ARR_NDIM(array) > 1 || *count < 1 || *count > RIDGE_MAX_CHOICES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ridges must be an array of one dimension with 1 to %d elements",
						RIDGE_MAX_CHOICES),
				 errhint(RIDGES_HINT)));
	ridges = (const double *) ARR_DATA_PTR(array);
	for (int i = 0; i < *count; i++)
	{
		if (!isfinite(ridges[i]) || ridges[i] < 0.0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("ridges must be finite and not negative, not %s", number_text(ridges[i])),
					 errhint(RIDGES_HINT)));
	}
	return ridges;
}

static void
set_choices(LogitState *state, int folds, const double *ridges, int nridges)
{
	state->folds = folds;
	state->nridges = nridges;
	state->ridges = MemoryContextAlloc(state->context, (Size) nridges * sizeof(double));
	for (int i = 0; i < nridges; i++)
		state->ridges[i] = ridges[i] + 0.0;
}

static void
check_same_choices(const LogitState *state, int folds, const double *ridges, int nridges)
{
	bool		same = state->folds == folds && state->nridges == nridges;

	for (int i = 0; i < nridges && same; i++)
		same = state->ridges[i] == ridges[i];
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ridges and folds must be the same for all rows")));
}

/* (label, features, weight, ridges, folds) */
Datum
choose_ridge_transition(PG_FUNCTION_ARGS)
{
	LogitOptions options = {0};
	double		weight = weight_argument(fcinfo, 3);
	LogitState *state;
	int			nridges;
	const double *ridges = ridges_argument(fcinfo, 4, &nridges);
	int32		folds;

	if (PG_ARGISNULL(5))
		null_argument("folds", FOLDS_HINT);
	folds = PG_GETARG_INT32(5);
	if (folds < 2 || folds > RIDGE_MAX_FOLDS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("folds must be between 2 and %d, but is %d", RIDGE_MAX_FOLDS, folds),
				 errhint(FOLDS_HINT)));
	state = argument_state(fcinfo, &options);
	if (state->folds == 0)
		set_choices(state, folds, ridges, nridges);
	else
		check_same_choices(state, folds, ridges, nridges);
	return add_argument_row(fcinfo, state, weight);
}

/* The result is in the context of the aggregate, whichever side is empty. */
Datum
logit_fit_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	LogitState *state = PG_ARGISNULL(0) ? NULL : (LogitState *) PG_GETARG_POINTER(0);
	LogitState *other = (LogitState *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	if (state == NULL)
	{
		state = state_make(context, &other->options);
		if (other->folds > 0)
			set_choices(state, other->folds, other->ridges, other->nridges);
	}
	check_same_setting(&state->options, &other->options);
	check_same_choices(state, other->folds, other->ridges, other->nridges);
	state->left_out += other->left_out;
	if (other->n > 0)
	{
		if (state->n + other->n > rows_in(other, MAX_ROWS_MB))
			compress(other);
		make_room(state, other->features, other->n);
		memcpy(state->rows + state->n * row_width(state), other->rows,
			   other->n * row_width(state) * sizeof(double));
		state->n += other->n;
	}
	PG_RETURN_POINTER(state);
}

/* What a serialised state begins with */
typedef struct LogitStateHead
{
	int64		left_out;
	double		ridge;
	int32		features;
	int16		firth;
	int16		drop_aliased;
	int32		folds;
	int32		nridges;		/* these follow, and then the rows */
} LogitStateHead;

/* In this machine's own form: it goes to another process, no further. */
Datum
logit_fit_serialize(PG_FUNCTION_ARGS)
{
	LogitState *state;
	LogitStateHead head;
	Size		ridges;
	Size		size;
	bytea	   *bytes;

	(void) aggregate_context(fcinfo);
	state = (LogitState *) PG_GETARG_POINTER(0);
	head.left_out = state->left_out;
	head.ridge = state->options.ridge;
	head.features = state->features;
	head.firth = (int16) state->options.firth;
	head.drop_aliased = state->options.drop_aliased;
	head.folds = state->folds;
	head.nridges = state->nridges;
	ridges = (Size) state->nridges * sizeof(double);
	size = state->n == 0 ? 0 : state->n * row_width(state) * sizeof(double);
	bytes = palloc(VARHDRSZ + sizeof(head) + ridges + size);
	SET_VARSIZE(bytes, VARHDRSZ + sizeof(head) + ridges + size);
	memcpy(VARDATA(bytes), &head, sizeof(head));
	if (ridges > 0)
		memcpy(VARDATA(bytes) + sizeof(head), state->ridges, ridges);
	if (size > 0)
		memcpy(VARDATA(bytes) + sizeof(head) + ridges, state->rows, size);
	PG_RETURN_BYTEA_P(bytes);
}

/* The ridges behind the head, if the state has any; *size is what is left. */
static void
read_choices(LogitState *state, const LogitStateHead *head, const char *data, Size *size)
{
	Size		bytes = (Size) head->nridges * sizeof(double);

	if (head->folds == 0 && head->nridges == 0)
		return;
	if (head->folds < 2 || head->folds > RIDGE_MAX_FOLDS || head->nridges < 1 ||
		head->nridges > RIDGE_MAX_CHOICES || *size < bytes || state->options.ridge != 0.0 ||
		state->options.firth != LOGIT_FIRTH_NEVER || state->options.drop_aliased)
		corrupt_state("aggregate choose_ridge");
	state->folds = head->folds;
	state->nridges = head->nridges;
	state->ridges = MemoryContextAlloc(state->context, bytes);
	memcpy(state->ridges, data + sizeof(LogitStateHead), bytes);
	*size -= bytes;
	for (int i = 0; i < state->nridges; i++)
	{
		if (!isfinite(state->ridges[i]) || signbit(state->ridges[i]))
			corrupt_state("aggregate choose_ridge");
	}
}

Datum
logit_fit_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes;
	LogitStateHead head;
	LogitOptions options = {0};
	LogitState *state;
	Size		size;

	(void) aggregate_context(fcinfo);
	bytes = PG_GETARG_BYTEA_PP(0);
	size = VARSIZE_ANY_EXHDR(bytes);
	if (size < sizeof(head))
		corrupt_state("aggregate logit_fit");
	memcpy(&head, VARDATA_ANY(bytes), sizeof(head));
	size -= sizeof(head);
	if (head.left_out < 0 || head.left_out > AGGREGATE_MAX_ROWS || !isfinite(head.ridge) ||
		head.ridge < 0.0 || (head.ridge == 0.0 && signbit(head.ridge)) ||
		head.firth < LOGIT_FIRTH_NEVER || head.firth > LOGIT_FIRTH_ALWAYS ||
		head.drop_aliased < 0 || head.drop_aliased > 1 ||
		(head.ridge > 0.0 && (head.firth != LOGIT_FIRTH_NEVER || head.drop_aliased)) ||
		head.features < UNKNOWN_FEATURES || head.features > LOGIT_MAX_FEATURES ||
		(head.features == UNKNOWN_FEATURES && size > 0))
		corrupt_state("aggregate logit_fit");
	options.ridge = head.ridge;
	options.firth = (LogitFirth) head.firth;
	options.drop_aliased = head.drop_aliased;
	state = state_make(CurrentMemoryContext, &options);
	read_choices(state, &head, VARDATA_ANY(bytes), &size);
	state->left_out = head.left_out;
	state->features = head.features;
	if (size > 0)
	{
		Size		width = row_width(state);
		double		rows = 0;

		if (size % (width * sizeof(double)) != 0)
			corrupt_state("aggregate logit_fit");
		state->n = state->room = size / (width * sizeof(double));
		state->rows = MemoryContextAllocHuge(state->context, size);
		memcpy(state->rows, VARDATA_ANY(bytes) + VARSIZE_ANY_EXHDR(bytes) - size, size);
		for (size_t i = 0; i < state->n; i++)
		{
			const double *row = state->rows + i * width;
			bool		good = row[0] != 0.0 && row[1] >= 1.0 && row[1] == rint(row[1]);

			for (size_t j = 0; j < width; j++)
				good &= isfinite(row[j]) && !(row[j] == 0.0 && signbit(row[j]));
			rows += row[1];
			if (!good || rows > (double) AGGREGATE_MAX_ROWS)
				corrupt_state("aggregate logit_fit");
		}
	}
	PG_RETURN_POINTER(state);
}

/* ---- the document ---- */

typedef double (*OfEstimate) (double estimate, double error);

static double
estimate_itself(double estimate, double error pg_attribute_unused())
{
	return estimate;
}

static double
estimate_error(double estimate pg_attribute_unused(), double error)
{
	return error;
}

static double
estimate_z(double estimate, double error)
{
	return error > 0.0 ? estimate / error : NAN;
}

/* that a coefficient of 0 would be at least that far off, either way */
static double
estimate_p(double estimate, double error)
{
	return erfc(fabs(estimate_z(estimate, error)) / M_SQRT2);
}

/* {"intercept": ..., "coefficients": [...]} */
static void
append_estimates(StringInfo out, const char *name, const LogitFit *fit, OfEstimate of)
{
	appendStringInfo(out, ", \"%s\": ", name);
	if (fit->status != LOGIT_CONVERGED)
	{
		appendStringInfoString(out, "null");
		return;
	}
	appendStringInfoString(out, "{\"intercept\": ");
	for (int i = 0; i <= fit->features; i++)
	{
		if (i == 1)
			appendStringInfoString(out, ", \"coefficients\": [");
		else if (i > 1)
			appendStringInfoString(out, ", ");
		append_number(out, of(fit->coefficients[i], fit->standard_errors[i]));
	}
	appendStringInfoString(out, fit->features == 0 ? ", \"coefficients\": []}" : "]}");
}

/* Of each feature, from which its part in a prediction is counted */
static void
append_means(StringInfo out, const LogitFit *fit)
{
	appendStringInfoString(out, ", \"means\": ");
	if (fit->status != LOGIT_CONVERGED)
	{
		appendStringInfoString(out, "null");
		return;
	}
	appendStringInfoChar(out, '[');
	for (int i = 1; i <= fit->features; i++)
	{
		if (i > 1)
			appendStringInfoString(out, ", ");
		append_number(out, fit->means[i]);
	}
	appendStringInfoChar(out, ']');
}

/* "features 1, 4 and 5", so many of them at most */
static const char *
features_in_words(const int *feature, int count, int most)
{
	StringInfoData out;
	int			shown = Min(count, most);

	initStringInfo(&out);
	appendStringInfoString(&out, count == 1 ? "feature" : "features");
	for (int i = 0; i < shown; i++)
		appendStringInfo(&out, "%s %d",
						 i == 0 ? "" : i == count - 1 ? " and" : ",", feature[i]);
	if (shown < count)
		appendStringInfo(&out, " and %d more", count - shown);
	return out.data;
}

static const char *
named_features(const LogitFit *fit)
{
	return features_in_words(fit->named, fit->named_count, 10);
}

/* All of them, so that the next fit doesn't name more. */
static const char *
features_to_leave_out(const LogitFit *fit)
{
	return features_in_words(fit->leave, fit->leave_count, LOGIT_MAX_FEATURES);
}

static const char *
reason(const LogitFit *fit)
{
	switch (fit->status)
	{
		case LOGIT_CONVERGED:
			break;
		case LOGIT_NO_ROWS:
			return "no rows: no row has a label, all features and a weight above 0";
		case LOGIT_ONE_LABEL:
			return psprintf("one label: it is %s in every row", fit->n_positive > 0 ? "true" : "false");
		case LOGIT_TOO_FEW:
			return psprintf("too few %ss: " INT64_FORMAT " for the intercept and %d features; a ridge above 0 or option firth makes do with fewer",
							fit->n_positive <= fit->n - fit->n_positive ? "positive" : "negative",
							Min(fit->n_positive, fit->n - fit->n_positive), fit->features);
		case LOGIT_CONSTANT:
			return psprintf("constant: the same in every row: %s;%s leave out %s, as option drop_aliased does, or use a ridge above 0", named_features(fit),
							fit->leave_count > fit->named_count ? " others are linear combinations of one another;" : "",
							features_to_leave_out(fit));
		case LOGIT_COLLINEAR:
			return psprintf("collinear: each of %s is a linear combination of the others; leave out %s, as option drop_aliased does, or use a ridge above 0",
							named_features(fit), features_to_leave_out(fit));
		case LOGIT_COMPLETE_SEPARATION:
			return fit->named_count == 0 ? "complete separation" :
				psprintf("complete separation: the labels can be told apart without an error by %s, and the best coefficients are infinite; leave out what knows the answer, or use a ridge above 0 or option firth", named_features(fit));
		case LOGIT_QUASI_SEPARATION:
			return psprintf("quasi-complete separation: some labels can be told without a doubt by %s, and the best coefficients are infinite; leave out what knows the answer, or use a ridge above 0 or option firth", named_features(fit));
		case LOGIT_NOT_CONVERGED:
			return psprintf("not converged after %d iterations; a ridge above 0 helps", fit->iterations);
		case LOGIT_OUT_OF_RANGE:
			return fit->named_count == 0 ? "out of range: the weights are too large, too small or too different" :
				psprintf("out of range: the coefficient of %s can't be written as a double; give it in another unit", named_features(fit));
	}
	return NULL;
}

static const char *const status_names[] = {
	[LOGIT_CONVERGED] = "converged",
	[LOGIT_NO_ROWS] = "no_rows",
	[LOGIT_ONE_LABEL] = "one_label",
	[LOGIT_TOO_FEW] = "too_few",
	[LOGIT_CONSTANT] = "constant",
	[LOGIT_COLLINEAR] = "collinear",
	[LOGIT_COMPLETE_SEPARATION] = "complete_separation",
	[LOGIT_QUASI_SEPARATION] = "quasi_separation",
	[LOGIT_NOT_CONVERGED] = "not_converged",
	[LOGIT_OUT_OF_RANGE] = "out_of_range",
};

/*
 * Fit the rows of the state, which stays as it is. "covariance" is set to room for
 * it if it is wanted.
 */
static LogitFit *
fit_state(const LogitState *state, double **covariance)
{
	LogitFit   *fit = palloc0(sizeof(LogitFit));
	Size		size;

	if (state == NULL || state->n == 0)
	{
		fit->status = LOGIT_NO_ROWS;
		return fit;
	}
	if (covariance != NULL)
	{
		size = (Size) state->features + 1;
		*covariance = palloc_extended(size * size * sizeof(double), MCXT_ALLOC_HUGE);
	}
	logit_fit_rows(state->rows, state->n, state->features, &state->options, fit,
				   covariance != NULL ? *covariance : NULL, &server_host);
	return fit;
}

/* So much for each parameter, less twice the log-likelihood; none of a penalised fit */
static void
append_criterion(StringInfo out, const char *name, const LogitState *state, const LogitFit *fit,
				 double each)
{
	int			parameters = fit->features + 1 - fit->leave_count;

	append_member(out, name, fit->status != LOGIT_CONVERGED || fit->firth ||
				  state->options.ridge > 0.0 ? NAN : each * parameters - 2.0 * fit->log_likelihood);
}

Datum
logit_fit_final(PG_FUNCTION_ARGS)
{
	LogitState *state;
	MemoryContext work;
	MemoryContext old_context;
	StringInfoData out;
	LogitFit   *fit;
	const char *why;
	bool		fitted;

	(void) aggregate_context(fcinfo);
	state = PG_ARGISNULL(0) ? NULL : (LogitState *) PG_GETARG_POINTER(0);
	initStringInfo(&out);
	work = AllocSetContextCreate(CurrentMemoryContext, "logit_fit", ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(work);
	fit = fit_state(state, NULL);
	MemoryContextSwitchTo(old_context);

	fitted = fit->status == LOGIT_CONVERGED;
	/* features have no common unit; the key is that of all fits */
	appendStringInfoString(&out, "{\"family\": \"logit\", \"unit_days\": null");
	append_estimates(&out, "parameters", fit, estimate_itself);
	append_estimates(&out, "standard_errors", fit, estimate_error);
	append_estimates(&out, "z", fit, estimate_z);
	append_estimates(&out, "p", fit, estimate_p);
	append_means(&out, fit);
	append_member(&out, "ridge", state == NULL ? 0.0 : state->options.ridge);
	appendStringInfo(&out, ", \"firth\": %s", fit->firth ? "true" : "false");
	appendStringInfo(&out, ", \"n\": " INT64_FORMAT ", \"n_positive\": " INT64_FORMAT ", \"left_out\": " INT64_FORMAT,
					 fit->n, fit->n_positive, state == NULL ? 0 : state->left_out);
	append_member(&out, "weight_sum", fit->weight_sum);
	append_member(&out, "log_likelihood", fitted ? fit->log_likelihood : NAN);
	append_member(&out, "null_log_likelihood", fitted ? fit->null_log_likelihood : NAN);
	append_criterion(&out, "aic", state, fit, 2.0);
	append_criterion(&out, "bic", state, fit, log(fit->weight_sum));
	appendStringInfo(&out, ", \"iterations\": %d, \"gradient_norm\": ", fit->iterations);
	append_number(&out, fitted ? fit->gradient_norm : NAN);
	appendStringInfo(&out, ", \"status\": \"%s\", \"reason\": ", status_names[fit->status]);
	why = reason(fit);
	if (why == NULL)
		appendStringInfoString(&out, "null");
	else
		appendStringInfo(&out, "\"%s\"", why);
	appendStringInfoString(&out, ", \"named_features\": [");
	for (int i = 0; i < fit->named_count; i++)
		appendStringInfo(&out, "%s%d", i == 0 ? "" : ", ", fit->named[i]);
	appendStringInfoString(&out, "], \"leave_out\": [");
	for (int i = 0; i < fit->leave_count; i++)
		appendStringInfo(&out, "%s%d", i == 0 ? "" : ", ", fit->leave[i]);
	appendStringInfoString(&out, "]}");
	MemoryContextDelete(work);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* The trial with the least loss; of equals the one with the larger ridge. -1: none has one */
static int
best_trial(const RidgeTrial *trials, int n)
{
	int			best = -1;

	for (int i = 0; i < n; i++)
	{
		if (trials[i].status == LOGIT_CONVERGED &&
			(best < 0 || trials[i].log_loss < trials[best].log_loss ||
			 (trials[i].log_loss == trials[best].log_loss && trials[i].ridge > trials[best].ridge)))
			best = i;
	}
	return best;
}

/* The largest ridge whose loss is within a standard error of the least */
static double
simplest_ridge(const RidgeTrial *trials, int n, int best)
{
	double		ridge = trials[best].ridge;

	for (int i = 0; i < n; i++)
	{
		if (trials[i].status == LOGIT_CONVERGED && trials[i].ridge > ridge &&
			trials[i].log_loss <= trials[best].log_loss + trials[best].standard_error)
			ridge = trials[i].ridge;
	}
	return ridge;
}

Datum
choose_ridge_final(PG_FUNCTION_ARGS)
{
	LogitState *state;
	MemoryContext work;
	MemoryContext old_context;
	RidgeTrial *trials;
	StringInfoData out;
	double		rows = 0.0;
	int			best = -1;

	(void) aggregate_context(fcinfo);
	state = PG_ARGISNULL(0) ? NULL : (LogitState *) PG_GETARG_POINTER(0);
	if (state == NULL)
		PG_RETURN_NULL();
	trials = palloc0((Size) state->nridges * sizeof(RidgeTrial));
	for (int i = 0; i < state->nridges; i++)
	{
		trials[i].ridge = state->ridges[i];
		trials[i].status = LOGIT_NO_ROWS;
	}
	for (size_t i = 0; i < state->n; i++)
		rows += state->rows[i * row_width(state) + 1];
	if (rows >= state->folds)
	{
		work = AllocSetContextCreate(CurrentMemoryContext, "choose_ridge", ALLOCSET_DEFAULT_SIZES);
		old_context = MemoryContextSwitchTo(work);
		ridge_cross_validate(state->rows, state->n, state->features, state->folds, trials,
							 state->nridges, &server_host);
		MemoryContextSwitchTo(old_context);
		MemoryContextDelete(work);
		best = best_trial(trials, state->nridges);
	}
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"ridge\": ");
	append_number(&out, best < 0 ? NAN : trials[best].ridge);
	append_member(&out, "simplest_ridge", best < 0 ? NAN : simplest_ridge(trials, state->nridges, best));
	appendStringInfo(&out, ", \"folds\": %d, \"n\": %.0f, \"left_out\": " INT64_FORMAT ", \"choices\": [",
					 state->folds, rows, state->left_out);
	for (int i = 0; i < state->nridges; i++)
	{
		bool		known = trials[i].status == LOGIT_CONVERGED;

		appendStringInfo(&out, "%s{\"ridge\": ", i == 0 ? "" : ", ");
		append_number(&out, trials[i].ridge);
		appendStringInfoString(&out, ", \"log_loss\": ");
		append_number(&out, known ? trials[i].log_loss : NAN);
		appendStringInfoString(&out, ", \"standard_error\": ");
		append_number(&out, known ? trials[i].standard_error : NAN);
		appendStringInfo(&out, ", \"status\": \"%s\"}", rows < state->folds ?
						 "fewer_rows_than_folds" : status_names[trials[i].status]);
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* As rows of an array: intercept, then features. NULL where the fit has no meaning. */
Datum
logit_covariance_final(PG_FUNCTION_ARGS)
{
	LogitState *state;
	MemoryContext work;
	MemoryContext old_context;
	LogitFit   *fit;
	double	   *covariance = NULL;
	ArrayType  *result = NULL;

	(void) aggregate_context(fcinfo);
	state = PG_ARGISNULL(0) ? NULL : (LogitState *) PG_GETARG_POINTER(0);
	work = AllocSetContextCreate(CurrentMemoryContext, "logit_covariance", ALLOCSET_DEFAULT_SIZES);
	old_context = MemoryContextSwitchTo(work);
	fit = fit_state(state, &covariance);
	if (fit->status == LOGIT_CONVERGED)
	{
		int			dims[2] = {fit->features + 1, fit->features + 1};
		int			lower_bounds[2] = {1, 1};
		Size		n = (Size) dims[0] * dims[1];
		Datum	   *elements = palloc(n * sizeof(Datum));
		bool	   *nulls = palloc(n * sizeof(bool));

		for (Size i = 0; i < n; i++)
		{
			elements[i] = Float8GetDatum(covariance[i]);
			nulls[i] = isnan(covariance[i]);
		}
		MemoryContextSwitchTo(old_context);
		result = construct_md_array(elements, nulls, 2, dims, lower_bounds, FLOAT8OID, 8,
									FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	}
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(work);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(result);
}

/* ---- predictions ---- */

pg_noreturn static void
not_a_fit(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("fit is not a document of logit_fit: %s", what),
			 errhint("Give what logit_fit or propensity_fit returned.")));
}

static double
coefficient(const JsonbValue *value)
{
	double		result = json_number(value);

	if (isnan(result))
		not_a_fit("a coefficient is not a number");
	if (isinf(result))
		not_a_fit("a coefficient is not finite");
	return result;
}

static LogitModel *
parse_model(Jsonb *document)
{
	JsonbContainer *fit = &document->root;
	JsonbContainer *coefficients;
	JsonbValue	value;
	JsonbValue *found;
	LogitModel *model;
	bool		propensity;
	int			n;

	if (!JsonContainerIsObject(fit))
		not_a_fit("it is not an object");
	propensity = json_is_string(json_member(fit, "family", &value), "propensity");
	if (propensity)
	{
		fit = json_as_object(json_member(fit, "fit", &value));
		if (fit == NULL)
			not_a_fit("it has no fit");
	}
	if (!json_is_string(json_member(fit, "family", &value), "logit"))
		not_a_fit("its family is not \"logit\"");
	found = json_member(fit, "status", &value);
	if (found == NULL || found->type != jbvString)
		not_a_fit("it has no status");
	if (!json_is_string(found, status_names[LOGIT_CONVERGED]))
	{
		model = palloc0(sizeof(LogitModel));
		model->propensity = propensity;
		return model;
	}
	fit = json_as_object(json_member(fit, "parameters", &value));
	if (fit == NULL)
		not_a_fit("it has no parameters");
	coefficients = json_as_array(json_member(fit, "coefficients", &value));
	if (coefficients == NULL)
		not_a_fit("it has no coefficients");
	n = (int) JsonContainerSize(coefficients);
	if (n > LOGIT_MAX_FEATURES)
		not_a_fit("it has too many coefficients");
	model = palloc0(offsetof(LogitModel, coefficients) + (Size) (n + 1) * sizeof(double));
	model->meaningful = true;
	model->propensity = propensity;
	model->features = n;
	model->coefficients[0] = coefficient(json_member(fit, "intercept", &value));
	for (int i = 0; i < n; i++)
		model->coefficients[i + 1] = coefficient(getIthJsonbValueFromContainer(coefficients,
																			   (uint32) i));
	return model;
}

typedef struct ModelCache
{
	MemoryContext context;		/* of the two below */
	Jsonb	   *document;
	LogitModel *model;
} ModelCache;

const LogitModel *
logit_model(FunctionCallInfo fcinfo, int n)
{
	Jsonb	   *document = PG_GETARG_JSONB_P(n);
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
		cache->model = parse_model(document);
		cache->document = palloc(VARSIZE(document));
		memcpy(cache->document, document, VARSIZE(document));
		MemoryContextSwitchTo(old_context);
	}
	PG_FREE_IF_COPY(document, n);
	return cache->model;
}

void
logit_out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("prediction is out of range: features times coefficients exceed double precision")));
}

double
logit_model_predict(const LogitModel *model, const double *features)
{
	double		result = logit_predict_row(model->coefficients, features, model->features);

	if (isnan(result))
		logit_out_of_range();
	return result;
}

Datum
logit_predict(PG_FUNCTION_ARGS)
{
	const LogitModel *model = logit_model(fcinfo, 0);
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	int			features = check_features(array);
	const double *x = (const double *) ARR_DATA_PTR(array);
	double		result;

	if (model->meaningful && features != model->features)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features must have as many elements as the fit, not %d for %d", features, model->features)));
	if (!model->meaningful || (ARR_HASNULL(array) && array_contains_nulls(array)))
		PG_RETURN_NULL();
	for (int i = 0; i < features; i++)
		check_finite("features", x[i]);
	result = logit_model_predict(model, x);
	PG_FREE_IF_COPY(array, 1);
	PG_RETURN_FLOAT8(result);
}

/* The intercept, then the coefficients; NULL where the fit has none. */
Datum
logit_coefficients(PG_FUNCTION_ARGS)
{
	const LogitModel *model = logit_model(fcinfo, 0);
	Datum		elements[LOGIT_MAX_FEATURES + 1];

	if (!model->meaningful)
		PG_RETURN_NULL();
	for (int i = 0; i <= model->features; i++)
		elements[i] = Float8GetDatum(model->coefficients[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, model->features + 1, FLOAT8OID,
										  sizeof(double), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
