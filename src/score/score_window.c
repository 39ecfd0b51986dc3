/*
 * score_window.c
 *		Scores of a row among the rows of its partition: quantile_score,
 *		rank_score, minmax_score, z_score.
 *
 * Each reads its argument once over the whole partition, at the partition's
 * first row, and keeps a few numbers by which every row is then scored. The
 * order of the rows plays no part, so no sort is needed; nor does a frame.
 * quantile_score and rank_score score all rows at once, a byte for each, for
 * it can cost more to evaluate the argument of a row again (a numeric cast to
 * float8) than everything else.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "arguments.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "memory.h"
#include "quantile.h"
#include "score.h"
#include "window.h"

PG_FUNCTION_INFO_V1(quantile_score);
PG_FUNCTION_INFO_V1(rank_score);
PG_FUNCTION_INFO_V1(minmax_score);
PG_FUNCTION_INFO_V1(z_score);

/* Rows between two resets of the memory that the argument's evaluation takes. */
#define ROWS_PER_RESET	64

/* What quantile_score and rank_score keep of a partition. */
typedef struct ScoreWindow
{
	bool		ready;
	int			bins;
	bool		higher_is_better;
	RankTies	ties;
	bool		bins_fixed;		/* can't change from row to row */
	bool		higher_fixed;
	bool		ties_fixed;
	uint8	   *scores;			/* of every row, 0 for NULL; or NULL: too many */
	Thresholds	thresholds;
} ScoreWindow;

typedef struct MinmaxWindow
{
	bool		ready;
	bool		constant;
	double		lowest;
	double		highest;
} MinmaxWindow;

typedef struct ZWindow
{
	bool		ready;
	bool		constant;
	double		scale[2];		/* multiply by both: near 1 / deviation, a power of 2 */
	double		mean;			/* times scale, in two parts */
	double		mean_rest;
	double		deviation;		/* times scale */
} ZWindow;

void
read_partition(WindowObject window, TakeValue take, void *state)
{
	int64		rows = WinGetPartitionRowCount(window);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "argument of a window function",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(scratch);

	/* Rows are asked for by an int. */
	if (rows > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a partition of " INT64_FORMAT " rows is too large", rows),
				 errdetail("At most %d rows of a partition can be scored together.", PG_INT32_MAX)));

	for (int64 row = 0; row < rows; row++)
	{
		bool		isnull;
		bool		isout;
		Datum		value;

		/* Mark nothing: later rows are reached by the executor's own pointer. */
		value = WinGetFuncArgInPartition(window, 0, (int) row, WINDOW_SEEK_HEAD, false,
										 &isnull, &isout);
		if (!isnull)
			check_finite("value", DatumGetFloat8(value));
		MemoryContextSwitchTo(old_context);
		take(state, isnull ? 0.0 : DatumGetFloat8(value), isnull);
		MemoryContextSwitchTo(scratch);
		if (row % ROWS_PER_RESET == 0)
		{
			MemoryContextReset(scratch);
			CHECK_FOR_INTERRUPTS();
		}
	}
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(scratch);
}

/*
 * quantile_score and rank_score
 */

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

void
argument_varies(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be the same for all rows of a partition", name),
			 errhint("Give a constant, or an expression over the columns of PARTITION BY.")));
}

static RankTies
parse_ties(Datum argument)
{
	text	   *name = DatumGetTextPP(argument);
	int			length = VARSIZE_ANY_EXHDR(name);
	const char *characters = VARDATA_ANY(name);

	if (length == 3 && memcmp(characters, "low", 3) == 0)
		return RANK_TIES_LOW;
	if (length == 3 && memcmp(characters, "mid", 3) == 0)
		return RANK_TIES_MID;
	if (length == 4 && memcmp(characters, "high", 4) == 0)
		return RANK_TIES_HIGH;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("ties must be low, mid or high, not \"%s\"",
					text_to_cstring(DatumGetTextPSlice(argument, 0, 60)))));
}

static void
take_key(void *state, double value, bool isnull)
{
	if (isnull)
		quantile_values_add_null((QuantileValues *) state);
	else
		quantile_values_add((QuantileValues *) state, value);
}

/* For ranks that count from the highest value down. */
static void
take_negated_key(void *state, double value, bool isnull)
{
	take_key(state, -value, isnull);
}

/* Number of the argument that holds ties, or 0 for quantiles. */
static Datum
score_in_window(FunctionCallInfo fcinfo, int ties_argument, int higher_argument)
{
	WindowObject window = PG_WINDOW_OBJECT();
	bool		by_rank = ties_argument > 0;
	ScoreWindow *state;
	double		value;
	bool		isnull;

	Assert(WindowObjectIsValid(window));
	state = WinGetPartitionLocalMemory(window, sizeof(ScoreWindow));
	if (!state->ready)
	{
		QuantileValues values;
		int64		rows = WinGetPartitionRowCount(window);

		state->bins_fixed = get_fn_expr_arg_stable(fcinfo->flinfo, 1);
		state->higher_fixed = get_fn_expr_arg_stable(fcinfo->flinfo, higher_argument);
		state->ties_fixed = !by_rank || get_fn_expr_arg_stable(fcinfo->flinfo, ties_argument);
		state->bins = DatumGetInt32(current_argument(window, 1, "bins"));
		check_bins(state->bins);
		state->higher_is_better = DatumGetBool(current_argument(window, higher_argument, "higher_is_better"));
		if (by_rank)
			state->ties = parse_ties(current_argument(window, ties_argument, "ties"));

		quantile_values_init(&values, rows, get_hash_memory_limit());
		read_partition(window, by_rank && !state->higher_is_better ? take_negated_key : take_key,
					   &values);
		if (quantile_values_count(&values) == 0)
			state->thresholds.count = 0;
		else if (by_rank)
			find_rank_thresholds(&values, state->bins, state->ties, &state->thresholds);
		else
			find_quantile_thresholds(&values, state->bins, &state->thresholds);
		if ((Size) rows <= get_hash_memory_limit())
		{
			/* In the memory of the partition, like the state itself. */
			state->scores = MemoryContextAllocHuge(GetMemoryChunkContext(state), (Size) rows);
			quantile_values_score(&values, &state->thresholds, by_rank || state->higher_is_better,
								  state->scores);
		}
		quantile_values_free(&values);
		state->ready = true;
	}
	else
	{
		if (!state->bins_fixed &&
			DatumGetInt32(current_argument(window, 1, "bins")) != state->bins)
			argument_varies("bins");
		if (!state->higher_fixed &&
			DatumGetBool(current_argument(window, higher_argument, "higher_is_better")) != state->higher_is_better)
			argument_varies("higher_is_better");
		if (!state->ties_fixed &&
			parse_ties(current_argument(window, ties_argument, "ties")) != state->ties)
			argument_varies("ties");
	}

	if (state->scores)
	{
		int			score = state->scores[WinGetCurrentPosition(window)];

		if (score == 0)
			PG_RETURN_NULL();
		PG_RETURN_INT32(score);
	}
	value = DatumGetFloat8(WinGetFuncArgCurrent(window, 0, &isnull));
	if (isnull)
		PG_RETURN_NULL();
	if (by_rank)
		PG_RETURN_INT32(score_by_thresholds(state->higher_is_better ? value : -value,
									  state->thresholds.value, state->thresholds.count, true));
	PG_RETURN_INT32(score_by_thresholds(value, state->thresholds.value, state->thresholds.count,
										state->higher_is_better));
}

/* (value, bins, higher_is_better) */
Datum
quantile_score(PG_FUNCTION_ARGS)
{
	return score_in_window(fcinfo, 0, 2);
}

/* (value, bins, ties, higher_is_better) */
Datum
rank_score(PG_FUNCTION_ARGS)
{
	return score_in_window(fcinfo, 2, 3);
}

/*
 * minmax_score
 */

static void
take_extremes(void *state, double value, bool isnull)
{
	MinmaxWindow *window = state;

	if (isnull)
		return;
	window->lowest = Min(window->lowest, value);
	window->highest = Max(window->highest, value);
}

Datum
minmax_score(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	MinmaxWindow *state;
	double		value;
	bool		isnull;

	Assert(WindowObjectIsValid(window));
	state = WinGetPartitionLocalMemory(window, sizeof(MinmaxWindow));
	if (!state->ready)
	{
		state->lowest = INFINITY;
		state->highest = -INFINITY;
		read_partition(window, take_extremes, state);
		state->constant = !(state->lowest < state->highest);
		state->ready = true;
	}
	value = DatumGetFloat8(WinGetFuncArgCurrent(window, 0, &isnull));
	if (isnull || state->constant)
		PG_RETURN_NULL();
	if (isinf(state->highest - state->lowest))
		PG_RETURN_FLOAT8((value / 2 - state->lowest / 2) / (state->highest / 2 -
															state->lowest / 2));
	PG_RETURN_FLOAT8((value - state->lowest) / (state->highest - state->lowest));
}

/*
 * z_score
 */

typedef struct Moments
{
	int64		count;
	ExactSum	sum;
	ExactSum	squares;
} Moments;

static void
take_moments(void *state, double value, bool isnull)
{
	Moments    *moments = state;

	if (isnull)
		return;
	moments->count++;
	exact_sum_add(&moments->sum, value);
	exact_sum_add_product(&moments->squares, value, value);
}

/*
 * With n values, sum S and sum of squares Q, the deviation is
 * sqrt(n * Q - S * S) / n, whose radicand is exact here; the mean S / n is kept
 * in two doubles. All is scaled by a power of 2 that brings the deviation near
 * 1, so that nothing overflows and nothing of weight underflows.
 */
static void
set_z_window(ZWindow *state, Moments *moments)
{
	ExactSum	radicand;
	ExactSum	rest;
	double		n = (double) moments->count;
	double		square,
				mean,
				mean_rest;
	int			exponent,
				mean_exponent,
				power;

	exact_sum_init(&radicand, resize_memory);
	exact_sum_add_multiple(&radicand, &moments->squares, (uint64) moments->count);
	exact_sum_subtract_square(&radicand, &moments->sum);
	square = exact_sum_scaled(&radicand, &exponent);
	state->constant = square == 0.0;
	if (state->constant)
		return;
	if (exponent % 2 != 0)
	{
		square *= 2;
		exponent--;
	}
	state->deviation = sqrt(square) / n;
	power = -exponent / 2;		/* the true deviation is deviation * 2^-power */
	state->scale[0] = ldexp(1.0, power / 2);
	state->scale[1] = ldexp(1.0, power - power / 2);

	/* The mean, rounded; what is left of S after n times that, over n. */
	mean = exact_sum_scaled(&moments->sum, &mean_exponent) / n;
	mean = ldexp(mean, mean_exponent);
	if (isinf(mean))
		mean = copysign(DBL_MAX, mean);
	exact_sum_init(&rest, resize_memory);
	exact_sum_merge(&rest, &moments->sum);
	exact_sum_add_product(&rest, mean, -n);
	mean_rest = exact_sum_scaled(&rest, &mean_exponent) / n;
	state->mean = mean * state->scale[0] * state->scale[1];
	state->mean_rest = ldexp(mean_rest, mean_exponent + power);
}

Datum
z_score(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	ZWindow    *state;
	double		value;
	bool		isnull;

	Assert(WindowObjectIsValid(window));
	state = WinGetPartitionLocalMemory(window, sizeof(ZWindow));
	if (!state->ready)
	{
		Moments		moments = {0};

		exact_sum_init(&moments.sum, resize_memory);
		exact_sum_init(&moments.squares, resize_memory);
		read_partition(window, take_moments, &moments);
		set_z_window(state, &moments);
		state->ready = true;
	}
	value = DatumGetFloat8(WinGetFuncArgCurrent(window, 0, &isnull));
	if (isnull || state->constant)
		PG_RETURN_NULL();
	value = value * state->scale[0] * state->scale[1];
	PG_RETURN_FLOAT8(((value - state->mean) - state->mean_rest) / state->deviation + 0.0);
}
