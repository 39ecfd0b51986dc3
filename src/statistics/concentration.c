/*
 * concentration.c
 *		Who has how much of the total: cumulative_share and abc_class over a
 *		window, gini and lorenz over rows.
 *
 * A value below 0 counts as 0, as in the shares of revenue of a model: a customer
 * with more refunds than orders has nothing of the total, and takes nothing
 * from the shares of others. Sums are not rounded.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "memory.h"
#include "number_text.h"
#include "prediction/ranked.h"
#include "score/score.h"
#include "score/window.h"
#include "statistics.h"

PG_FUNCTION_INFO_V1(cumulative_share);
PG_FUNCTION_INFO_V1(abc_class);
PG_FUNCTION_INFO_V1(concentration_transition);
PG_FUNCTION_INFO_V1(lorenz_transition);
PG_FUNCTION_INFO_V1(gini_final);
PG_FUNCTION_INFO_V1(lorenz_final);

/* Classes have one letter. */
#define MAX_CUTS	25

/* A part of a total above 0 */
static double
part_of(const ExactSum *part, const ExactSum *total)
{
	return Min(exact_sum_ratio(part, total), 1.0);
}

/* ---- cumulative_share ---- */

typedef struct ShareWindow
{
	bool		ready;
	double	   *shares;			/* of every row, its ties included; NaN for NULL */
} ShareWindow;

/* Values of all rows, NaN for NULL */
typedef struct ShareValues
{
	double	   *values;
	int64		count;
	ExactSum	total;
} ShareValues;

static void
take_share(void *state, double value, bool isnull)
{
	ShareValues *values = state;

	value = isnull ? NAN : Max(value, 0.0);
	values->values[values->count++] = value;
	if (value > 0.0)
		exact_sum_add(&values->total, value);
}

/* Replace values by shares of the total up to and including the peers of the row. */
static void
cumulate(WindowObject window, ShareValues *values)
{
	ExactSum	through;
	int64		first = 0;

	exact_sum_init(&through, resize_memory);
	for (int64 row = 0; row < values->count; row++)
	{
		double		share;

		if (row % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		if (values->values[row] > 0.0)
			exact_sum_add(&through, values->values[row]);
		if (row + 1 < values->count && WinRowsArePeers(window, row, row + 1))
			continue;
		share = values->total.count == 0 ? NAN : part_of(&through, &values->total);
		for (; first <= row; first++)
		{
			if (!isnan(values->values[first]))
				values->values[first] = share;
		}
	}
	if (through.limb)
		pfree(through.limb);
}

/* (value) OVER (ORDER BY value DESC) */
Datum
cumulative_share(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	ShareWindow *state = WinGetPartitionLocalMemory(window, sizeof(ShareWindow));
	double		share;

	Assert(WindowObjectIsValid(window));
	if (!state->ready)
	{
		ShareValues values = {NULL, 0, {0}};
		Size		rows = (Size) WinGetPartitionRowCount(window);

		/* In the memory of the partition, like the state itself. */
		values.values = MemoryContextAllocHuge(GetMemoryChunkContext(state),
											   rows * sizeof(double));
		exact_sum_init(&values.total, resize_memory);
		read_partition(window, take_share, &values);
		cumulate(window, &values);
		state->shares = values.values;
		state->ready = true;
	}
	share = state->shares[WinGetCurrentPosition(window)];
	if (isnan(share))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(share);
}

/* ---- abc_class ---- */

typedef struct AbcWindow
{
	bool		ready;
	bool		cuts_fixed;		/* can't change from row to row */
	int			cuts;
	double		cut[MAX_CUTS];
	double		least[MAX_CUTS];	/* the least value of each class but the last */
} AbcWindow;

typedef struct PositiveKeys
{
	uint64	   *keys;
	int64		count;
	int64		room;
	ExactSum	total;
} PositiveKeys;

static void
take_positive(void *state, double value, bool isnull)
{
	PositiveKeys *keys = state;

	if (isnull || value <= 0.0)
		return;
	ARRAY_ROOM(keys->keys, keys->count, keys->room, 64);
	keys->keys[keys->count++] = quantile_key(value);
	exact_sum_add(&keys->total, value);
}

#define CUTS_HINT	"Use '{0.8,0.95}': A has four fifths of the total."

static int
cuts_argument(WindowObject window, double *cut)
{
	bool		isnull;
	Datum		argument = WinGetFuncArgCurrent(window, 1, &isnull);
	const double *cuts;
	int			count;

	if (isnull)
		null_argument("cuts", CUTS_HINT);
	cuts = check_float8s("cuts", DatumGetArrayTypeP(argument), &count);
	if (count < 1 || count > MAX_CUTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cuts must have from 1 to %d elements, but has %d", MAX_CUTS, count),
				 errhint(CUTS_HINT)));
	for (int i = 0; i < count; i++)
	{
		if (!(cuts[i] > (i > 0 ? cuts[i - 1] : 0.0) && cuts[i] <= 1.0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cuts must ascend above 0 and up to 1, but one is %s",
							number_text(cuts[i])),
					 errhint(CUTS_HINT)));
		cut[i] = cuts[i];
	}
	return count;
}

/* The least value before which less than each cut of the total is had */
static void
find_classes(AbcWindow *state, PositiveKeys *keys)
{
	ExactSum	before;
	int64		left = keys->count;

	for (int i = 0; i < state->cuts; i++)
		state->least[i] = INFINITY;
	quantile_sort_keys(keys->keys, (size_t) keys->count);
	exact_sum_init(&before, resize_memory);
	while (left > 0)
	{
		uint64		key = keys->keys[left - 1];
		double		value = quantile_key_value(key);
		double		share = part_of(&before, &keys->total);

		if (share >= state->cut[state->cuts - 1])
			break;
		for (int i = 0; i < state->cuts; i++)
		{
			if (share < state->cut[i])
				state->least[i] = value;
		}
		for (; left > 0 && keys->keys[left - 1] == key; left--)
		{
			if (left % 65536 == 0)
				CHECK_FOR_INTERRUPTS();
			exact_sum_add(&before, value);
		}
	}
	if (before.limb)
		pfree(before.limb);
}

/* (value, cuts) OVER () */
Datum
abc_class(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	AbcWindow  *state = WinGetPartitionLocalMemory(window, sizeof(AbcWindow));
	double		cut[MAX_CUTS];
	double		value;
	bool		isnull;
	char		letter[2] = "A";

	Assert(WindowObjectIsValid(window));
	if (!state->ready)
	{
		PositiveKeys keys = {0};

		state->cuts_fixed = get_fn_expr_arg_stable(fcinfo->flinfo, 1);
		state->cuts = cuts_argument(window, state->cut);
		exact_sum_init(&keys.total, resize_memory);
		read_partition(window, take_positive, &keys);
		find_classes(state, &keys);
		if (keys.keys)
			pfree(keys.keys);
		state->ready = true;
	}
	else if (!state->cuts_fixed &&
			 (cuts_argument(window, cut) != state->cuts ||
			  memcmp(cut, state->cut, sizeof(double) * (Size) state->cuts) != 0))
		argument_varies("cuts");
	value = DatumGetFloat8(WinGetFuncArgCurrent(window, 0, &isnull));
	if (isnull)
		PG_RETURN_NULL();
	for (int i = 0; i < state->cuts && value < state->least[i]; i++)
		letter[0]++;
	PG_RETURN_TEXT_P(cstring_to_text(letter));
}

/* ---- gini and lorenz ---- */

static Datum
concentration_add(FunctionCallInfo fcinfo, const char *argument, double parameter)
{
	bool		isnull = PG_ARGISNULL(1);

	if (!isnull)
		check_finite("value", PG_GETARG_FLOAT8(1));
	return ranked_add(fcinfo, isnull ? 0.0 : Max(PG_GETARG_FLOAT8(1), 0.0),
					  isnull ? LEFT_OUT : POSITIVE, argument, parameter);
}

/* (value) */
Datum
concentration_transition(PG_FUNCTION_ARGS)
{
	return concentration_add(fcinfo, "nothing", 0.0);
}

#define POINTS_HINT	"Use 10 for the shares of the lowest tenth, of the lowest two tenths, and so on."

/* (value, points) */
Datum
lorenz_transition(PG_FUNCTION_ARGS)
{
	return concentration_add(fcinfo, "points", points_argument(fcinfo, 2, POINTS_HINT));
}

/* The sum of (2 i - n - 1) x_i over ascending x, i from 1 on, as a part of n sum x */
Datum
gini_final(PG_FUNCTION_ARGS)
{
	RankedState *state = ranked_sorted(fcinfo);
	ExactSum	total;
	ExactSum	spread;
	int64		n;

	if (state == NULL)
		PG_RETURN_NULL();
	n = state->scores[POSITIVE].count;
	exact_sum_init(&total, resize_memory);
	exact_sum_init(&spread, resize_memory);
	for (int64 i = 0; i < n; i++)
	{
		double		value = quantile_key_value(state->scores[POSITIVE].keys[i]);

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		exact_sum_add(&total, value);
		exact_sum_add_product(&spread, (double) (2 * i + 1 - n), value);
	}
	if (total.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(exact_sum_ratio(&spread, &total) / (double) n);
}

/* Of the lowest 0, 1/points, 2/points, ... of the rows; between two rows in proportion */
Datum
lorenz_final(PG_FUNCTION_ARGS)
{
	RankedState *state = ranked_sorted(fcinfo);
	ExactSum	total;
	ExactSum	below;
	int64		n;
	int64		row = 0;
	int			points;
	Datum	   *shares;

	if (state == NULL)
		PG_RETURN_NULL();
	n = state->scores[POSITIVE].count;
	points = (int) state->parameter;
	if (points < 1 || points > MAX_RANKED_PARAMETER)
		corrupt_state("lorenz");
	exact_sum_init(&total, resize_memory);
	exact_sum_init(&below, resize_memory);
	for (int64 i = 0; i < n; i++)
	{
		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		exact_sum_add(&total, quantile_key_value(state->scores[POSITIVE].keys[i]));
	}
	if (total.count == 0)
		PG_RETURN_NULL();
	shares = palloc(sizeof(Datum) * ((Size) points + 1));
	for (int point = 0; point <= points; point++)
	{
		int64		whole = (int64) ((int128) n * point / points);
		double		rest = (double) ((int128) n * point % points) / points;
		ExactSum	here;

		for (; row < whole; row++)
			exact_sum_add(&below, quantile_key_value(state->scores[POSITIVE].keys[row]));
		exact_sum_init(&here, resize_memory);
		exact_sum_merge(&here, &below);
		if (rest > 0.0)
			exact_sum_add_product(&here, rest,
								  quantile_key_value(state->scores[POSITIVE].keys[row]));
		shares[point] = Float8GetDatum(here.count == 0 ? 0.0 : part_of(&here, &total));
		if (here.limb)
			pfree(here.limb);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(shares, points + 1, FLOAT8OID, sizeof(float8),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
