/*
 * metrics.c
 *		How well a score tells two labels apart (auc, lift, score_curve) and how
 *		true it is as a probability (brier_score, log_loss, calibration_bins).
 *
 * Nothing here depends on the order of the rows: what goes by ranks counts
 * rows, and what is summed is summed without rounding.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "memory.h"
#include "number_text.h"
#include "ranked.h"
#include "score/score.h"

PG_FUNCTION_INFO_V1(ranked_transition);
PG_FUNCTION_INFO_V1(ranked_combine);
PG_FUNCTION_INFO_V1(ranked_serialize);
PG_FUNCTION_INFO_V1(ranked_deserialize);
PG_FUNCTION_INFO_V1(auc_final);
PG_FUNCTION_INFO_V1(lift_transition);
PG_FUNCTION_INFO_V1(lift_final);
PG_FUNCTION_INFO_V1(score_curve_transition);
PG_FUNCTION_INFO_V1(score_curve_final);
PG_FUNCTION_INFO_V1(calibration_bins_transition);
PG_FUNCTION_INFO_V1(calibration_bins_final);
PG_FUNCTION_INFO_V1(brier_score_transition);
PG_FUNCTION_INFO_V1(log_loss_transition);
PG_FUNCTION_INFO_V1(mean_loss_combine);
PG_FUNCTION_INFO_V1(mean_loss_serialize);
PG_FUNCTION_INFO_V1(mean_loss_deserialize);
PG_FUNCTION_INFO_V1(mean_loss_final);

#define FIRST_KEYS	64

/* A share of the rows that is that near to a whole number of rows is one. */
#define WHOLE_ROWS	1e-9

#define STATE_OWNER	"an aggregate over scores and labels"

/* The mean of what each row costs */
typedef struct MeanLoss
{
	int64		rows;
	int64		impossible;		/* rows with an infinite loss */
	ExactSum	sum;
	ExactSum	weights;		/* 0 where rows have none */
} MeanLoss;

/* ---- checks ---- */

#define CURVE_HINT	"Use 100 for the rows of the highest score, of the two highest hundredths, and so on."

#define TOP_SHARE_HINT	"Use 0.1 for the tenth of the rows with the highest scores."

static double
check_top_share(FunctionCallInfo fcinfo, int n)
{
	double		share;

	if (PG_ARGISNULL(n))
		null_argument("top_share", TOP_SHARE_HINT);
	share = PG_GETARG_FLOAT8(n);
	if (!(share > 0.0 && share <= 1.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("top_share must be above 0 and at most 1, but is %.15g", share),
				 errhint(TOP_SHARE_HINT)));
	return share;
}

static double
check_bins_argument(FunctionCallInfo fcinfo, int n)
{
	int			bins = bins_argument(fcinfo, n);

	check_bins(bins);
	return bins;
}

static double
check_probability(double score)
{
	check_finite("score", score);
	if (unlikely(score < 0.0 || score > 1.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("score must be a probability between 0 and 1, but is %.15g", score)));
	return score;
}

int
points_argument(FunctionCallInfo fcinfo, int n, const char *hint)
{
	int32		points;

	if (PG_ARGISNULL(n))
		null_argument("points", hint);
	points = PG_GETARG_INT32(n);
	if (points < 1 || points > MAX_RANKED_PARAMETER)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("points must be between 1 and %d, but is %d", MAX_RANKED_PARAMETER, points),
				 errhint("%s", hint)));
	return points;
}

/* ---- scores and labels, for what goes by ranks ---- */

static RankedState *
ranked_make(MemoryContext context, double parameter)
{
	MemoryContext old_context = MemoryContextSwitchTo(context);
	RankedState *state = palloc(sizeof(RankedState));

	state->parameter = parameter;
	for (int label = 0; label < 2; label++)
		quantile_values_init(&state->scores[label], FIRST_KEYS, QUANTILE_UNLIMITED);
	MemoryContextSwitchTo(old_context);
	return state;
}

/* "argument" is the SQL name of what all rows share. */
static void
check_same_parameter(const char *argument, double parameter, double other)
{
	if (unlikely(parameter != other))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be the same for all rows, not %.15g and %.15g", argument,
						Min(parameter, other), Max(parameter, other))));
}

int
ranked_label(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return LEFT_OUT;
	return PG_GETARG_BOOL(2) ? POSITIVE : NEGATIVE;
}

Datum
ranked_add(FunctionCallInfo fcinfo, double value, int label, const char *argument,
		   double parameter)
{
	MemoryContext context = aggregate_context(fcinfo);
	RankedState *state = PG_ARGISNULL(0) ? NULL : (RankedState *) PG_GETARG_POINTER(0);

	if (state == NULL)
		state = ranked_make(context, parameter);
	check_same_parameter(argument, state->parameter, parameter);
	if (label != LEFT_OUT)
		quantile_values_add(&state->scores[label], value);
	PG_RETURN_POINTER(state);
}

/* Rows without a score or a label are left out. */
static Datum
ranked_add_score(FunctionCallInfo fcinfo, const char *argument, double parameter)
{
	int			label = ranked_label(fcinfo);

	if (label != LEFT_OUT)
		check_finite("score", PG_GETARG_FLOAT8(1));
	return ranked_add(fcinfo, label == LEFT_OUT ? 0.0 : PG_GETARG_FLOAT8(1), label, argument,
					  parameter);
}

Datum
ranked_transition(PG_FUNCTION_ARGS)
{
	return ranked_add_score(fcinfo, "nothing", 0.0);
}

Datum
lift_transition(PG_FUNCTION_ARGS)
{
	return ranked_add_score(fcinfo, "top_share", check_top_share(fcinfo, 3));
}

Datum
calibration_bins_transition(PG_FUNCTION_ARGS)
{
	if (ranked_label(fcinfo) != LEFT_OUT)
		check_probability(PG_GETARG_FLOAT8(1));
	return ranked_add_score(fcinfo, "bins", check_bins_argument(fcinfo, 3));
}

Datum
score_curve_transition(PG_FUNCTION_ARGS)
{
	return ranked_add_score(fcinfo, "points", points_argument(fcinfo, 3, CURVE_HINT));
}

/* The result is in the context of the aggregate, whichever side is empty. */
Datum
ranked_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	RankedState *state = PG_ARGISNULL(0) ? NULL : (RankedState *) PG_GETARG_POINTER(0);
	RankedState *other = (RankedState *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	if (state == NULL)
		state = ranked_make(context, other->parameter);
	check_same_parameter("top_share, bins or points", state->parameter, other->parameter);
	for (int label = 0; label < 2; label++)
		quantile_values_merge(&state->scores[label], &other->scores[label]);
	PG_RETURN_POINTER(state);
}

/* The parameter, how many scores have the label true, and the scores: those first. */
Datum
ranked_serialize(PG_FUNCTION_ARGS)
{
	RankedState *state;
	StringInfoData buffer;
	int64		count;

	(void) aggregate_context(fcinfo);
	state = (RankedState *) PG_GETARG_POINTER(0);
	count = state->scores[POSITIVE].count + state->scores[NEGATIVE].count;
	state_write(&buffer, (count + 2) * (int64) sizeof(double), "scores", count);
	pq_sendfloat8(&buffer, state->parameter);
	pq_sendint64(&buffer, (uint64) state->scores[POSITIVE].count);
	for (int label = POSITIVE; label >= NEGATIVE; label--)
	{
		for (int64 i = 0; i < state->scores[label].count; i++)
			pq_sendint64(&buffer, state->scores[label].keys[i]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

Datum
ranked_deserialize(PG_FUNCTION_ARGS)
{
	RankedState *state;
	StringInfoData buffer;
	double		parameter;
	int64		positive;
	int64		count;

	state_read(fcinfo, &buffer);
	if (buffer.len < 16 || buffer.len % 8 != 0)
		corrupt_state(STATE_OWNER);
	parameter = pq_getmsgfloat8(&buffer);
	positive = pq_getmsgint64(&buffer);
	count = buffer.len / 8 - 2;
	if (positive < 0 || positive > count ||
		!(parameter >= 0.0 && parameter <= MAX_RANKED_PARAMETER))
		corrupt_state(STATE_OWNER);
	state = ranked_make(CurrentMemoryContext, parameter);
	for (int64 i = 0; i < count; i++)
	{
		uint64		key = (uint64) pq_getmsgint64(&buffer);

		if (!isfinite(quantile_key_value(key)) || quantile_key(quantile_key_value(key)) != key)
			corrupt_state(STATE_OWNER);
		quantile_values_add_key(&state->scores[i < positive ? POSITIVE : NEGATIVE], key);
	}
	PG_RETURN_POINTER(state);
}

RankedState *
ranked_sorted(FunctionCallInfo fcinfo)
{
	RankedState *state;

	(void) aggregate_context(fcinfo);
	state = PG_ARGISNULL(0) ? NULL : (RankedState *) PG_GETARG_POINTER(0);
	if (state == NULL || state->scores[POSITIVE].count + state->scores[NEGATIVE].count == 0)
		return NULL;
	for (int label = 0; label < 2; label++)
		quantile_sort_keys(state->scores[label].keys, (size_t) state->scores[label].count);
	return state;
}

void
descent_start(Descent *descent, const RankedState *state)
{
	descent->state = state;
	for (int label = 0; label < 2; label++)
		descent->left[label] = state->scores[label].count;
}

bool
descent_next(Descent *descent)
{
	const QuantileValues *scores = descent->state->scores;

	if (descent->left[0] == 0 && descent->left[1] == 0)
		return false;
	descent->key = 0;
	for (int label = 0; label < 2; label++)
	{
		if (descent->left[label] > 0)
			descent->key = Max(descent->key, scores[label].keys[descent->left[label] - 1]);
	}
	for (int label = 0; label < 2; label++)
	{
		int64		before = descent->left[label];

		while (descent->left[label] > 0 &&
			   scores[label].keys[descent->left[label] - 1] == descent->key)
			descent->left[label]--;
		descent->here[label] = before - descent->left[label];
	}
	return true;
}

/*
 * The share of pairs of a positive and a negative row where the positive one
 * has the higher score, equal scores counting one half. Counted in integers.
 */
Datum
auc_final(PG_FUNCTION_ARGS)
{
	RankedState *state = ranked_sorted(fcinfo);
	Descent		descent;
	int128		twice = 0;
	int64		work = 0;
	double		pairs;

	if (state == NULL || state->scores[POSITIVE].count == 0 || state->scores[NEGATIVE].count == 0)
		PG_RETURN_NULL();
	descent_start(&descent, state);
	while (descent_next(&descent))
	{
		if (++work % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		/* negatives left are those with a lower score */
		twice += (int128) descent.here[POSITIVE] *
			(2 * descent.left[NEGATIVE] + descent.here[NEGATIVE]);
	}
	pairs = (double) state->scores[POSITIVE].count * (double) state->scores[NEGATIVE].count;
	PG_RETURN_FLOAT8((double) twice / (2.0 * pairs));
}

/*
 * How much more frequent the label is among the rows of the highest scores
 * than among all. Of rows that share the score at the border, so many as are
 * needed count, each with their mean label.
 */
Datum
lift_final(PG_FUNCTION_ARGS)
{
	RankedState *state = ranked_sorted(fcinfo);
	Descent		descent;
	double		total,
				top,
				positives = 0.0,
				share;
	int64		all_positives;
	int64		wanted;
	int64		left;

	if (state == NULL || state->scores[POSITIVE].count == 0)
		PG_RETURN_NULL();
	all_positives = state->scores[POSITIVE].count;
	total = (double) (all_positives + state->scores[NEGATIVE].count);
	top = ceil(state->parameter * total - WHOLE_ROWS * total);
	top = Min(Max(top, 1.0), total);
	wanted = left = (int64) top;
	descent_start(&descent, state);
	while (left > 0 && descent_next(&descent))
	{
		int64		here = descent.here[POSITIVE] + descent.here[NEGATIVE];

		share = here <= left ? 1.0 : (double) left / (double) here;
		positives += share * (double) descent.here[POSITIVE];
		left -= Min(here, left);
	}
	PG_RETURN_FLOAT8((positives / (double) wanted) / ((double) all_positives / total));
}

static bool
has_more_scores(const RankedState *state, int64 limit)
{
	Descent		descent;

	descent_start(&descent, state);
	while (limit >= 0 && descent_next(&descent))
		limit--;
	return limit < 0;
}

/*
 * How many rows have at least this score, and how many of them have the label,
 * for descending scores: for each that there is, or, where these are more than
 * points, for the first that reaches each of so many equal parts of the rows.
 */
Datum
score_curve_final(PG_FUNCTION_ARGS)
{
	RankedState *state = ranked_sorted(fcinfo);
	Descent		descent;
	StringInfoData out;
	int64		rows;
	int64		selected = 0;
	int64		positive = 0;
	int64		part = 1;		/* the next one to be reached */
	int64		parts;
	bool		all;

	if (state == NULL)
		PG_RETURN_NULL();
	rows = state->scores[POSITIVE].count + state->scores[NEGATIVE].count;
	parts = (int64) state->parameter;
	if (parts < 1)
		corrupt_state(STATE_OWNER);
	all = !has_more_scores(state, parts);
	initStringInfo(&out);
	appendStringInfo(&out, "{\"customers\": " INT64_FORMAT ", \"positive\": " INT64_FORMAT ", \"curve\": [",
					 rows, state->scores[POSITIVE].count);
	descent_start(&descent, state);
	for (int64 work = 1; descent_next(&descent); work++)
	{
		if (work % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		selected += descent.here[POSITIVE] + descent.here[NEGATIVE];
		positive += descent.here[POSITIVE];
		if (!all && (int128) selected * parts < (int128) part * rows)
			continue;
		appendStringInfoString(&out, part == 1 ? "[" : ", [");
		append_number(&out, quantile_key_value(descent.key));
		appendStringInfo(&out, ", " INT64_FORMAT ", " INT64_FORMAT "]", selected, positive);
		part = all ? 2 : (int64) ((int128) selected * parts / rows) + 1;
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* ---- calibration ---- */

/*
 * One object for each bin that has rows, in the order of scores. Bins are
 * those of quantile_score(score, bins): equal scores share one.
 */
Datum
calibration_bins_final(PG_FUNCTION_ARGS)
{
	RankedState *state = ranked_sorted(fcinfo);
	QuantileValues all;
	Thresholds	thresholds;
	StringInfoData out;
	int64		next[2] = {0, 0};

	if (state == NULL)
		PG_RETURN_NULL();
	quantile_values_init(&all, state->scores[0].count + state->scores[1].count, QUANTILE_UNLIMITED);
	for (int label = 0; label < 2; label++)
		quantile_values_merge(&all, &state->scores[label]);
	find_quantile_thresholds(&all, (int) state->parameter, &thresholds);
	quantile_values_free(&all);

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (int bin = 1; bin <= (int) state->parameter; bin++)
	{
		int64		count[2] = {0, 0};
		double		lowest = INFINITY;
		double		highest = -INFINITY;
		ExactSum	sum;

		exact_sum_init(&sum, resize_memory);
		for (int label = 0; label < 2; label++)
		{
			const QuantileValues *scores = &state->scores[label];

			while (next[label] < scores->count)
			{
				double		score = quantile_key_value(scores->keys[next[label]]);

				if (bin <= thresholds.count && score > thresholds.value[bin - 1])
					break;
				if (next[label] % 65536 == 0)
					CHECK_FOR_INTERRUPTS();
				exact_sum_add(&sum, score);
				lowest = Min(lowest, score);
				highest = Max(highest, score);
				count[label]++;
				next[label]++;
			}
		}
		if (count[0] + count[1] > 0)
		{
			double		rows = (double) (count[0] + count[1]);
			double		mean = exact_sum_double(&sum) / rows;

			appendStringInfo(&out, "%s{\"bin\": %d, \"from_score\": ", out.len > 1 ? ", " : "", bin);
			append_number(&out, lowest);
			appendStringInfoString(&out, ", \"to_score\": ");
			append_number(&out, highest);
			appendStringInfo(&out, ", \"customers\": " INT64_FORMAT ", \"positive\": " INT64_FORMAT ", \"predicted\": ",
							 count[0] + count[1], count[POSITIVE]);
			append_number(&out, Min(Max(mean, lowest), highest));
			appendStringInfoString(&out, ", \"actual\": ");
			append_number(&out, (double) count[POSITIVE] / rows);
			appendStringInfoChar(&out, '}');
		}
		if (sum.limb)
			pfree(sum.limb);
	}
	appendStringInfoChar(&out, ']');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* ---- mean losses ---- */

static MeanLoss *
mean_loss_make(MemoryContext context)
{
	MeanLoss   *mean = MemoryContextAllocZero(context, sizeof(MeanLoss));

	exact_sum_init(&mean->sum, resize_memory);
	exact_sum_init(&mean->weights, resize_memory);
	return mean;
}

static Datum
mean_loss_add(FunctionCallInfo fcinfo, bool logarithmic)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	MeanLoss   *mean = PG_ARGISNULL(0) ? NULL : (MeanLoss *) PG_GETARG_POINTER(0);
	double		weight = PG_NARGS() > 3 ? weight_argument(fcinfo, 3) : 1.0;
	double		score;
	bool		label;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || weight == 0.0)
		RETURN_STATE();
	score = check_probability(PG_GETARG_FLOAT8(1));
	label = PG_GETARG_BOOL(2);
	old_context = MemoryContextSwitchTo(context);
	if (mean == NULL)
		mean = mean_loss_make(context);
	mean->rows++;
	if (PG_NARGS() > 3)
		exact_sum_add(&mean->weights, weight);
	if (!logarithmic)
	{
		double		difference = score - (label ? 1.0 : 0.0);

		/* without a weight the square is not rounded */
		if (weight == 1.0)
			exact_sum_add_product(&mean->sum, difference, difference);
		else
			exact_sum_add_product(&mean->sum, weight, difference * difference);
	}
	else if (score == (label ? 0.0 : 1.0))
		mean->impossible++;
	else
		exact_sum_add_product(&mean->sum, weight, label ? -log(score) : -log1p(-score));
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(mean);
}

Datum
brier_score_transition(PG_FUNCTION_ARGS)
{
	return mean_loss_add(fcinfo, false);
}

Datum
log_loss_transition(PG_FUNCTION_ARGS)
{
	return mean_loss_add(fcinfo, true);
}

Datum
mean_loss_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	MeanLoss   *mean = PG_ARGISNULL(0) ? NULL : (MeanLoss *) PG_GETARG_POINTER(0);
	MeanLoss   *other = PG_ARGISNULL(1) ? NULL : (MeanLoss *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	old_context = MemoryContextSwitchTo(context);
	if (mean == NULL)
		mean = mean_loss_make(context);
	mean->rows += other->rows;
	mean->impossible += other->impossible;
	exact_sum_merge(&mean->sum, &other->sum);
	exact_sum_merge(&mean->weights, &other->weights);
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(mean);
}

Datum
mean_loss_serialize(PG_FUNCTION_ARGS)
{
	MeanLoss   *mean;
	StringInfoData buffer;
	unsigned char bytes[EXACT_SUM_MAX_BYTES];

	(void) aggregate_context(fcinfo);
	mean = (MeanLoss *) PG_GETARG_POINTER(0);
	pq_begintypsend(&buffer);
	pq_sendint64(&buffer, (uint64) mean->rows);
	pq_sendint64(&buffer, (uint64) mean->impossible);
	pq_sendbytes(&buffer, (char *) bytes, (int) exact_sum_write(&mean->sum, bytes));
	pq_sendbytes(&buffer, (char *) bytes, (int) exact_sum_write(&mean->weights, bytes));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* The next sum, which is not negative */
static bool
read_sum(StringInfo buffer, ExactSum *sum)
{
	size_t		taken = exact_sum_read(sum, (unsigned char *) buffer->data + buffer->cursor,
									   (size_t) (buffer->len - buffer->cursor));

	buffer->cursor += (int) taken;
	return taken > 0 && (sum->count == 0 || sum->limb[0] >= 0);
}

Datum
mean_loss_deserialize(PG_FUNCTION_ARGS)
{
	MeanLoss   *mean;
	StringInfoData buffer;

	state_read(fcinfo, &buffer);
	if (buffer.len < 16)
		corrupt_state(STATE_OWNER);
	mean = mean_loss_make(CurrentMemoryContext);
	mean->rows = pq_getmsgint64(&buffer);
	mean->impossible = pq_getmsgint64(&buffer);
	if (mean->rows < 1 || mean->rows > AGGREGATE_MAX_ROWS || mean->impossible < 0 ||
		mean->impossible > mean->rows ||
		!read_sum(&buffer, &mean->sum) || !read_sum(&buffer, &mean->weights) ||
		buffer.cursor != buffer.len)
		corrupt_state(STATE_OWNER);
	PG_RETURN_POINTER(mean);
}

Datum
mean_loss_final(PG_FUNCTION_ARGS)
{
	MeanLoss   *mean;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	mean = (MeanLoss *) PG_GETARG_POINTER(0);
	if (mean->impossible > 0)
		PG_RETURN_FLOAT8(get_float8_infinity());
	if (mean->weights.count > 0)
		PG_RETURN_FLOAT8(exact_sum_ratio(&mean->sum, &mean->weights) + 0.0);
	PG_RETURN_FLOAT8(exact_sum_double(&mean->sum) / (double) mean->rows + 0.0);
}
