/*
 * scored_rows.c
 *		What needs more of a row than its score and its label: auc with weights,
 *		and how sure an AUC or a difference of two is, after DeLong (delong).
 *
 * The state holds every row, the scores as keys whose order is theirs. Results are
 * counted in integers, or summed over sorted rows: the order of the rows plays no part.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "compat.h"
#include "memory.h"
#include "number_text.h"
#include "ranked.h"
#include "score/score.h"

PG_FUNCTION_INFO_V1(weighted_auc_transition);
PG_FUNCTION_INFO_V1(weighted_auc_final);
PG_FUNCTION_INFO_V1(delong_transition);
PG_FUNCTION_INFO_V1(delong_final);
PG_FUNCTION_INFO_V1(delong_pair_final);
PG_FUNCTION_INFO_V1(scored_rows_combine);
PG_FUNCTION_INFO_V1(scored_rows_serialize);
PG_FUNCTION_INFO_V1(scored_rows_deserialize);

#define STATE_OWNER	"an aggregate over scores and labels"

#define FIRST_ROWS	64

/* So many rows of a label at most: their products with those of the other fit 128 bits. */
#define MAX_SCORED_ROWS	INT64CONST(1000000000)

/* Keys of quantile.h: the score, and the weight or the other score */
typedef struct ScoredRow
{
	uint64		score;
	uint64		beside;
} ScoredRow;

typedef struct ScoredRows
{
	ScoredRow  *rows;
	int64		n;
	int64		room;
} ScoredRows;

typedef struct ScoredState
{
	MemoryContext context;
	ScoredRows	of[2];			/* by label */
} ScoredState;

static inline int
compare_rows(const ScoredRow *a, const ScoredRow *b)
{
	if (a->score != b->score)
		return a->score < b->score ? -1 : 1;
	return (a->beside > b->beside) - (a->beside < b->beside);
}

#define ST_SORT sort_rows
#define ST_ELEMENT_TYPE ScoredRow
#define ST_COMPARE(a, b) compare_rows(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* ---- the rows ---- */

static ScoredState *
scored_make(MemoryContext context)
{
	ScoredState *state = MemoryContextAllocZero(context, sizeof(ScoredState));

	state->context = context;
	return state;
}

static void
add_rows(ScoredState *state, int label, const ScoredRow *more, int64 n)
{
	ScoredRows *rows = &state->of[label];

	if (unlikely(n > MAX_SCORED_ROWS - rows->n))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than " INT64_FORMAT " rows have the same label", MAX_SCORED_ROWS)));
	if (rows->n + n > rows->room)
	{
		MemoryContext old_context = MemoryContextSwitchTo(state->context);

		rows->room = Max(Max(rows->room * 2, rows->n + n), FIRST_ROWS);
		rows->rows = resize_memory(rows->rows, (size_t) rows->room * sizeof(ScoredRow));
		MemoryContextSwitchTo(old_context);
	}
	if (n > 0)
		memcpy(rows->rows + rows->n, more, (size_t) n * sizeof(ScoredRow));
	rows->n += n;
}

static inline void
add_row(ScoredState *state, int label, uint64 score, uint64 beside)
{
	ScoredRow	row = {score, beside};

	add_rows(state, label, &row, 1);
}

Datum
scored_rows_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ScoredState *state = PG_ARGISNULL(0) ? NULL : (ScoredState *) PG_GETARG_POINTER(0);
	const ScoredState *other = (ScoredState *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	if (state == NULL)
		state = scored_make(context);
	for (int label = 0; label < 2; label++)
		add_rows(state, label, other->of[label].rows, other->of[label].n);
	PG_RETURN_POINTER(state);
}

/* How many rows have the label true, and the rows: those first. */
Datum
scored_rows_serialize(PG_FUNCTION_ARGS)
{
	const ScoredState *state;
	StringInfoData buffer;
	int64		count;

	(void) aggregate_context(fcinfo);
	state = (ScoredState *) PG_GETARG_POINTER(0);
	count = state->of[POSITIVE].n + state->of[NEGATIVE].n;
	state_write(&buffer, 8 + count * (int64) sizeof(ScoredRow), "scores", count);
	pq_sendint64(&buffer, state->of[POSITIVE].n);
	for (int label = POSITIVE; label >= NEGATIVE; label--)
	{
		for (int64 i = 0; i < state->of[label].n; i++)
		{
			pq_sendint64(&buffer, (int64) state->of[label].rows[i].score);
			pq_sendint64(&buffer, (int64) state->of[label].rows[i].beside);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

static uint64
receive_key(StringInfo buffer)
{
	uint64		key = (uint64) pq_getmsgint64(buffer);

	if (!isfinite(quantile_key_value(key)) || quantile_key(quantile_key_value(key)) != key)
		corrupt_state(STATE_OWNER);
	return key;
}

Datum
scored_rows_deserialize(PG_FUNCTION_ARGS)
{
	ScoredState *state;
	StringInfoData buffer;
	int64		positive;
	int64		count;

	(void) aggregate_context(fcinfo);
	state_read(fcinfo, &buffer);
	if (buffer.len < 8 || (buffer.len - 8) % (int) sizeof(ScoredRow) != 0)
		corrupt_state(STATE_OWNER);
	positive = pq_getmsgint64(&buffer);
	count = (buffer.len - 8) / (int) sizeof(ScoredRow);
	if (positive < 0 || positive > count)
		corrupt_state(STATE_OWNER);
	state = scored_make(CurrentMemoryContext);
	for (int64 i = 0; i < count; i++)
	{
		uint64		score = receive_key(&buffer);

		add_row(state, i < positive ? POSITIVE : NEGATIVE, score, receive_key(&buffer));
	}
	PG_RETURN_POINTER(state);
}

/* The state, or NULL if one of the labels has no row */
static ScoredState *
both_labels(FunctionCallInfo fcinfo)
{
	ScoredState *state = PG_ARGISNULL(0) ? NULL : (ScoredState *) PG_GETARG_POINTER(0);

	(void) aggregate_context(fcinfo);
	if (state == NULL || state->of[POSITIVE].n == 0 || state->of[NEGATIVE].n == 0)
		return NULL;
	return state;
}

/* ---- auc with weights ---- */

/* Rows without a score or a label, or of weight 0, are left out. */
Datum
weighted_auc_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ScoredState *state;
	double		weight = weight_argument(fcinfo, 3);

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || weight == 0.0)
		RETURN_STATE();
	check_finite("score", PG_GETARG_FLOAT8(1));
	state = PG_ARGISNULL(0) ? scored_make(context) : (ScoredState *) PG_GETARG_POINTER(0);
	add_row(state, PG_GETARG_BOOL(2) ? POSITIVE : NEGATIVE, quantile_key(PG_GETARG_FLOAT8(1)),
			quantile_key(weight));
	PG_RETURN_POINTER(state);
}

static double
largest_weight(const ScoredRows *rows)
{
	uint64		largest = 0;

	for (int64 i = 0; i < rows->n; i++)
		largest = Max(largest, rows->rows[i].beside);
	return quantile_key_value(largest);
}

/*
 * The weight, as a part of the unit, of the rows from *next on that have this
 * score; *next goes behind them.
 */
static double
weight_here(const ScoredRows *rows, int64 *next, uint64 score, double unit)
{
	double		weight = 0.0;

	for (; *next < rows->n && rows->rows[*next].score == score; (*next)++)
	{
		if (*next % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		weight += quantile_key_value(rows->rows[*next].beside) / unit;
	}
	return weight;
}

/* The share of the weight of pairs where the positive row has the higher score, ties one half */
Datum
weighted_auc_final(PG_FUNCTION_ARGS)
{
	ScoredState *state = both_labels(fcinfo);
	const ScoredRows *positive;
	const ScoredRows *negative;
	int64		next[2] = {0, 0};
	double		weight = 0.0;	/* of positive rows */
	double		below = 0.0;	/* of negative rows with a lower score */
	double		won = 0.0;
	double		unit[2];		/* no sum overflows, and none is 0 */

	if (state == NULL)
		PG_RETURN_NULL();
	for (int label = 0; label < 2; label++)
	{
		sort_rows(state->of[label].rows, (size_t) state->of[label].n);
		unit[label] = largest_weight(&state->of[label]);
	}
	positive = &state->of[POSITIVE];
	negative = &state->of[NEGATIVE];
	while (next[POSITIVE] < positive->n || next[NEGATIVE] < negative->n)
	{
		uint64		score = PG_UINT64_MAX;
		double		here;
		double		equal;

		if (next[POSITIVE] < positive->n)
			score = positive->rows[next[POSITIVE]].score;
		if (next[NEGATIVE] < negative->n)
			score = Min(score, negative->rows[next[NEGATIVE]].score);
		here = weight_here(positive, &next[POSITIVE], score, unit[POSITIVE]);
		equal = weight_here(negative, &next[NEGATIVE], score, unit[NEGATIVE]);
		won += here * (below + 0.5 * equal);
		weight += here;
		below += equal;
	}
	PG_RETURN_FLOAT8(won / (weight * below));
}

/* ---- DeLong ---- */

/* Arguments: score, label; or score, other score, label. Rows with a NULL are left out. */
Datum
delong_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ScoredState *state;
	int			label = PG_NARGS() - 1;
	double		other = 0.0;

	for (int i = 1; i <= label; i++)
	{
		if (PG_ARGISNULL(i))
			RETURN_STATE();
	}
	check_finite("score", PG_GETARG_FLOAT8(1));
	if (label == 3)
	{
		other = PG_GETARG_FLOAT8(2);
		check_finite("other_score", other);
	}
	state = PG_ARGISNULL(0) ? scored_make(context) : (ScoredState *) PG_GETARG_POINTER(0);
	add_row(state, PG_GETARG_BOOL(label) ? POSITIVE : NEGATIVE, quantile_key(PG_GETARG_FLOAT8(1)),
			quantile_key(other));
	PG_RETURN_POINTER(state);
}

static inline uint64
key_of(const ScoredRow *row, int which)
{
	return which == 0 ? row->score : row->beside;
}

/* One of the two scores of all rows, sorted */
static uint64 *
sorted_keys(const ScoredRows *rows, int which)
{
	uint64	   *keys = resize_memory(NULL, (size_t) rows->n * sizeof(uint64));

	for (int64 i = 0; i < rows->n; i++)
		keys[i] = key_of(&rows->rows[i], which);
	quantile_sort_keys(keys, (size_t) rows->n);
	return keys;
}

/* How many keys are below this one, or, with "through", not above */
static int64
count_below(const uint64 *keys, int64 n, uint64 key, bool through)
{
	int64		low = 0;
	int64		high = n;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (keys[middle] < key || (through && keys[middle] == key))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The placements of the rows of one label among those of the other: twice the
 * number of rows there with a lower score, ties one half. Their sums, and those
 * of their squares and products, are whole numbers.
 */
typedef struct Placements
{
	int64		rows;
	int64		others;
	int128		sum[2];
	int128		square[2];
	int128		product;
} Placements;

static void
find_placements(const ScoredState *state, int label, int scores, Placements *result)
{
	const ScoredRows *rows = &state->of[label];
	const ScoredRows *others = &state->of[1 - label];
	uint64	   *keys[2] = {NULL, NULL};

	memset(result, 0, sizeof(Placements));
	result->rows = rows->n;
	result->others = others->n;
	for (int which = 0; which < scores; which++)
		keys[which] = sorted_keys(others, which);
	for (int64 i = 0; i < rows->n; i++)
	{
		int64		place[2] = {0, 0};

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		for (int which = 0; which < scores; which++)
		{
			uint64		key = key_of(&rows->rows[i], which);

			place[which] = count_below(keys[which], others->n, key, false) +
				count_below(keys[which], others->n, key, true);
			result->sum[which] += place[which];
			result->square[which] += (int128) place[which] * place[which];
		}
		result->product += (int128) place[0] * place[1];
	}
	for (int which = 0; which < scores; which++)
		pfree(keys[which]);
}

/* Covariance of the mean placements of two scores, as shares; NAN of a single row */
static double
covariance(const Placements *places, int which, int other)
{
	double		n = (double) places->rows;
	double		unit = 2.0 * (double) places->others;
	int128		product = which == other ? places->square[which] : places->product;

	if (places->rows < 2)
		return NAN;
	/* a whole number below 2^123 */
	product = places->rows * product - places->sum[which] * places->sum[other];
	return (double) product / (n * n * (n - 1.0)) / (unit * unit);
}

/* A document of one score or of two */
static Datum
delong_document(FunctionCallInfo fcinfo, int scores)
{
	static const char *const auc_names[] = {"auc", "other_auc"};
	static const char *const variance_names[] = {"variance", "other_variance"};
	ScoredState *state = both_labels(fcinfo);
	Placements	of[2];
	StringInfoData out;

	if (state == NULL)
		PG_RETURN_NULL();
	for (int label = 0; label < 2; label++)
		find_placements(state, label, scores, &of[label]);
	initStringInfo(&out);
	appendStringInfo(&out, "{\"customers\": " INT64_FORMAT ", \"positive\": " INT64_FORMAT,
					 of[POSITIVE].rows + of[NEGATIVE].rows, of[POSITIVE].rows);
	for (int which = 0; which < scores; which++)
	{
		append_member(&out, auc_names[which], (double) of[POSITIVE].sum[which] /
					  (2.0 * (double) of[POSITIVE].rows * (double) of[POSITIVE].others));
		append_member(&out, variance_names[which],
					  covariance(&of[POSITIVE], which, which) +
					  covariance(&of[NEGATIVE], which, which));
	}
	if (scores == 2)
		append_member(&out, "covariance",
					  covariance(&of[POSITIVE], 0, 1) + covariance(&of[NEGATIVE], 0, 1));
	appendStringInfoChar(&out, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

/* For auc_interval */
Datum
delong_final(PG_FUNCTION_ARGS)
{
	return delong_document(fcinfo, 1);
}

/* For auc_interval and auc_difference */
Datum
delong_pair_final(PG_FUNCTION_ARGS)
{
	return delong_document(fcinfo, 2);
}
