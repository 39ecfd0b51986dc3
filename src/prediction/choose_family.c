/*
 * choose_family.c
 *		The aggregate choose_family: every family fitted to what was known on a
 *		day, and held against what has come since.
 *
 * The state is a log of customers, as many of a kind as there are, which is
 * sorted and compressed when it is full. Sums run over the sorted kinds, so
 * neither order nor workers change a bit of the result.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "btyd.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "number_text.h"

/* Weeks, as in models; another unit would choose the same */
#define UNIT_DAYS		7

#define OWNER			"aggregate choose_family"

/* So many customers with this past, in weeks, and so many days with an event in the hold-out */
typedef struct Kind
{
	BtydPattern past;
	double		orders;
} Kind;

static inline int
compare_kinds(const Kind *a, const Kind *b)
{
	int			result = compare_patterns(&a->past, &b->past);

	return result != 0 ? result : (a->orders > b->orders) - (a->orders < b->orders);
}

#define CS_ELEMENT Kind
#define CS_COMPARE(a, b) compare_kinds(a, b)
#define CS_COUNT(a) (a)->past.count
#include "counted_set.h"

typedef struct ChoiceState
{
	DateADT		split_on;
	DateADT		until;
	ExactSum	ln_gaps;
	CountedSet	kinds;
} ChoiceState;

static ChoiceState *
state_make(MemoryContext context, int64 room)
{
	ChoiceState *state = MemoryContextAllocZero(context, sizeof(ChoiceState));

	exact_sum_init(&state->ln_gaps, resize_memory);
	counted_set_init(&state->kinds, context, room);
	return state;
}

static void
check_same_days(const ChoiceState *state, DateADT split_on, DateADT until)
{
	if (state->split_on != split_on)
		settings_differ("split_on");
	if (state->until != until)
		settings_differ("until");
}

/* Days with an event after split_on up to until */
static uint32
orders_between(const History *history, DateADT split_on, DateADT until)
{
	HistoryActivity activity;

	history_check(history_activity(HISTORY_BYTES(history), HISTORY_LENGTH(history), split_on, until,
								   &activity));
	return activity.active_days;
}

/* Arguments: state, history, split_on, until */
PG_FUNCTION_INFO_V1(choose_family_transition);
Datum
choose_family_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	ChoiceState *state = PG_ARGISNULL(0) ? NULL : (ChoiceState *) PG_GETARG_POINTER(0);
	DateADT		split_on;
	DateADT		until;
	Repeats		repeats;
	Kind		kind;
	double		ln_gaps;

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		null_argument(PG_ARGISNULL(2) ? "split_on" : "until", NULL);
	split_on = check_day("split_on", PG_GETARG_DATEADT(2));
	until = check_day("until", PG_GETARG_DATEADT(3));
	if (until <= split_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("until must be after split_on")));
	if (state == NULL)
	{
		state = state_make(context, 0);
		state->split_on = split_on;
		state->until = until;
	}
	else
		check_same_days(state, split_on, until);
	if (PG_ARGISNULL(1) || !read_repeats(PG_GETARG_HISTORY_PP(1), split_on, &repeats))
		PG_RETURN_POINTER(state);
	(void) read_ln_gaps(PG_GETARG_HISTORY_PP(1), split_on, UNIT_DAYS, &ln_gaps);
	kind.past = (BtydPattern) {repeats.x, (double) repeats.t_x / UNIT_DAYS,
		(double) repeats.t / UNIT_DAYS, 1};
	kind.orders = orders_between(PG_GETARG_HISTORY_PP(1), split_on, until);
	old_context = MemoryContextSwitchTo(context);
	exact_sum_add(&state->ln_gaps, ln_gaps);
	counted_set_add(&state->kinds, &kind);
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(state);
}

/* The result is in the context of the aggregate; the second is not changed. */
PG_FUNCTION_INFO_V1(choose_family_combine);
Datum
choose_family_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	MemoryContext old_context;
	ChoiceState *state = PG_ARGISNULL(0) ? NULL : (ChoiceState *) PG_GETARG_POINTER(0);
	ChoiceState *other = PG_ARGISNULL(1) ? NULL : (ChoiceState *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	old_context = MemoryContextSwitchTo(context);
	if (state == NULL)
	{
		state = state_make(context, other->kinds.n);
		state->split_on = other->split_on;
		state->until = other->until;
	}
	else
		check_same_days(state, other->split_on, other->until);
	exact_sum_merge(&state->ln_gaps, &other->ln_gaps);
	for (int64 i = 0; i < other->kinds.n; i++)
		counted_set_add(&state->kinds, &other->kinds.elements[i]);
	MemoryContextSwitchTo(old_context);
	PG_RETURN_POINTER(state);
}

/* ---- serialise ---- */

/* Days, and not weeks, are whole numbers. */
#define KIND_BYTES		24
#define HEADER_BYTES	8

PG_FUNCTION_INFO_V1(choose_family_serialize);
Datum
choose_family_serialize(PG_FUNCTION_ARGS)
{
	ChoiceState *state;
	StringInfoData buffer;
	unsigned char sum[EXACT_SUM_MAX_BYTES];

	(void) aggregate_context(fcinfo);
	state = (ChoiceState *) PG_GETARG_POINTER(0);
	counted_set_compress(&state->kinds);
	state_write(&buffer, 64 + EXACT_SUM_MAX_BYTES + state->kinds.n * KIND_BYTES, "different customers",
				state->kinds.n);
	pq_sendint32(&buffer, (uint32) state->split_on);
	pq_sendint32(&buffer, (uint32) state->until);
	pq_sendbytes(&buffer, (char *) sum, (int) exact_sum_write(&state->ln_gaps, sum));
	for (int64 i = 0; i < state->kinds.n; i++)
	{
		const Kind *kind = &state->kinds.elements[i];

		pq_sendint32(&buffer, (uint32) kind->past.x);
		pq_sendint32(&buffer, (uint32) rint(kind->past.t_x * UNIT_DAYS));
		pq_sendint32(&buffer, (uint32) rint(kind->past.t * UNIT_DAYS));
		pq_sendint32(&buffer, (uint32) kind->orders);
		pq_sendint64(&buffer, kind->past.count);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

PG_FUNCTION_INFO_V1(choose_family_deserialize);
Datum
choose_family_deserialize(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;
	ChoiceState *state;
	ExactSum	ln_gaps;
	DateADT		split_on;
	DateADT		until;
	int			sum_size;
	int64		n;
	int64		customers = 0;
	bool		valid;

	state_read(fcinfo, &buffer);
	if (buffer.len < HEADER_BYTES)
		corrupt_state(OWNER);
	split_on = (DateADT) pq_getmsgint(&buffer, 4);
	until = (DateADT) pq_getmsgint(&buffer, 4);
	exact_sum_init(&ln_gaps, resize_memory);
	sum_size = (int) exact_sum_read(&ln_gaps, (unsigned char *) buffer.data + buffer.cursor,
									(size_t) (buffer.len - buffer.cursor));
	buffer.cursor += sum_size;
	if (sum_size == 0 || (buffer.len - buffer.cursor) % KIND_BYTES != 0)
		corrupt_state(OWNER);
	n = (buffer.len - buffer.cursor) / KIND_BYTES;
	valid = split_on >= HISTORY_MIN_DAY && until <= HISTORY_MAX_DAY && split_on < until;
	state = state_make(CurrentMemoryContext, n);
	state->split_on = split_on;
	state->until = until;
	state->ln_gaps = ln_gaps;
	for (int64 i = 0; valid && i < n; i++)
	{
		Kind	   *kind = &state->kinds.elements[i];
		int32		x = (int32) pq_getmsgint(&buffer, 4);
		int32		t_x = (int32) pq_getmsgint(&buffer, 4);
		int32		t = (int32) pq_getmsgint(&buffer, 4);
		int32		orders = (int32) pq_getmsgint(&buffer, 4);

		kind->past = (BtydPattern) {x, (double) t_x / UNIT_DAYS, (double) t / UNIT_DAYS,
			pq_getmsgint64(&buffer)};
		kind->orders = orders;
		valid = x >= 0 && t_x >= x && t_x <= t && (x > 0 || t_x == 0) && orders >= 0 &&
			orders <= (int64) until - split_on && kind->past.count > 0 &&
			kind->past.count <= AGGREGATE_MAX_ROWS - customers &&
			(i == 0 || compare_kinds(kind - 1, kind) < 0);
		customers += kind->past.count;
	}
	if (!valid)
		corrupt_state(OWNER);
	state->kinds.n = state->kinds.sorted = n;
	PG_RETURN_POINTER(state);
}

/* ---- final ---- */

/* What came of the predictions of a fit; NaN where one customer's can't be had */
typedef struct HoldOut
{
	double		expected;
	double		expected_active;
	double		error;			/* sum of the absolute ones */
	double		squares;		/* of the errors of who comes at all */
	double		log_likelihood;
} HoldOut;

static void
hold_out(const ChoiceState *state, BtydFamily family, const BtydFit *fit, HoldOut *out)
{
	double		horizon = ((double) state->until - state->split_on) / UNIT_DAYS;

	memset(out, 0, sizeof(HoldOut));
	for (int64 i = 0; i < state->kinds.n; i++)
	{
		const Kind *kind = &state->kinds.elements[i];
		const BtydPattern *past = &kind->past;
		double		expected = btyd_expected(family, fit->parameters, past->x, past->t_x, past->t,
											 horizon);
		double		none = btyd_probability_after(family, fit->parameters, 0, past->x, past->t_x,
												  past->t, horizon);
		double		actual = kind->orders == 0 ? none :
			btyd_probability_after(family, fit->parameters, (int) kind->orders, past->x, past->t_x,
								   past->t, horizon);
		double		off = none - (kind->orders == 0);
		double		count = (double) past->count;

		CHECK_FOR_INTERRUPTS();
		out->expected += count * expected;
		out->expected_active += count * (1 - none);
		out->error += count * fabs(expected - kind->orders);
		out->squares += count * off * off;
		out->log_likelihood += count * log(actual);
	}
}

/* The families in the order of their age; the first of equals is chosen. */
static const char *const family_names[] = {"mbgnbd", "bgnbd", "paretonbd", "mbgcnbd"};

#define FAMILIES		((int) lengthof(family_names))

/* Errors within this part of the least are alike: which of them is the least is chance. */
#define ALIKE			0.01

/* What of a likelihood is more than rounding: mbgcnbd with k = 1 is mbgnbd */
#define LEAST_GAIN		1e-9

/*
 * The family of the least error; of those that are alike, the one that gave the
 * greatest probability to what came. -1 if none has predicted.
 */
static int
choose(const HoldOut *outs)
{
	double		least = INFINITY;
	int			chosen = -1;

	for (int i = 0; i < FAMILIES; i++)
	{
		if (outs[i].error < least)
			least = outs[i].error;
	}
	for (int i = 0; i < FAMILIES; i++)
	{
		if (!(outs[i].error <= least * (1 + ALIKE)))
			continue;
		if (chosen < 0 || outs[i].log_likelihood - outs[chosen].log_likelihood >
			LEAST_GAIN * fabs(outs[chosen].log_likelihood))
			chosen = i;
	}
	return chosen;
}

/* The final function compresses the state, which remains the same set. */
PG_FUNCTION_INFO_V1(choose_family_final);
Datum
choose_family_final(PG_FUNCTION_ARGS)
{
	ChoiceState *state;
	StringInfoData document;
	StringInfoData families;
	BtydPattern *patterns;
	int64		npatterns = 0;
	double		customers = 0;
	double		orders = 0;
	double		active = 0;
	double		as_before = 0;
	double		horizon;
	HoldOut		outs[FAMILIES];
	int			chosen;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (ChoiceState *) PG_GETARG_POINTER(0);
	counted_set_compress(&state->kinds);
	horizon = ((double) state->until - state->split_on) / UNIT_DAYS;
	patterns = resize_memory(NULL, (Size) Max(state->kinds.n, 1) * sizeof(BtydPattern));
	for (int64 i = 0; i < state->kinds.n; i++)
	{
		const Kind *kind = &state->kinds.elements[i];
		const BtydPattern *past = &kind->past;
		double		count = (double) past->count;
		double		rate = past->t > 0 ? past->x / past->t : 0;

		if (npatterns > 0 && patterns[npatterns - 1].x == past->x &&
			patterns[npatterns - 1].t_x == past->t_x && patterns[npatterns - 1].t == past->t)
			patterns[npatterns - 1].count += past->count;
		else
			patterns[npatterns++] = *past;
		customers += count;
		orders += count * kind->orders;
		active += count * (kind->orders > 0);
		as_before += count * fabs(rate * horizon - kind->orders);
	}

	initStringInfo(&families);
	for (int family = 0; family < FAMILIES; family++)
	{
		BtydFit		fit;
		HoldOut    *out = &outs[family];

		if (family == BTYD_MBGCNBD)
			btyd_fit_regular(0, exact_sum_double(&state->ln_gaps), patterns, (size_t) npatterns,
							 NULL, &server_host, &fit);
		else
			btyd_fit((BtydFamily) family, patterns, (size_t) npatterns, NULL, &server_host, &fit);
		*out = (HoldOut) {NAN, NAN, NAN, NAN, NAN};
		if (fit.status == BTYD_CONVERGED)
			hold_out(state, (BtydFamily) family, &fit, out);
		appendStringInfo(&families, "%s{\"family\":\"%s\",\"fit\":", family > 0 ? "," : "",
						 family_names[family]);
		fit_print(&families, (FitFamily) family, &fit, false, UNIT_DAYS, NULL, NULL);
		append_member(&families, "expected_orders", out->expected);
		append_member(&families, "expected_active", out->expected_active);
		append_member(&families, "mean_absolute_error", out->error / customers);
		append_member(&families, "brier_score", out->squares / customers);
		append_member(&families, "holdout_log_likelihood", out->log_likelihood);
		appendStringInfoChar(&families, '}');
	}

	initStringInfo(&document);
	appendStringInfoString(&document, "{\"chosen\":");
	chosen = choose(outs);
	if (chosen >= 0)
		appendStringInfo(&document, "\"%s\"", family_names[chosen]);
	else
		appendStringInfoString(&document, "null");
	append_member(&document, "days", (double) state->until - state->split_on);
	append_member(&document, "customers", customers);
	append_member(&document, "actual_orders", orders);
	append_member(&document, "actual_active", active);
	append_member(&document, "baseline_absolute_error", as_before / customers);
	appendStringInfo(&document, ",\"families\":[%s]}", families.data);
	pfree(patterns);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(document.data)));
}
