/*
 * btyd_agg.c
 *		The aggregates that fit: btyd_fit, spend_fit, and their bootstraps.
 *
 * The state is the set of different patterns with their numbers of customers,
 * as a log that is sorted and compressed when it is full, and grows only if that
 * doesn't free half of it. What is fitted is the sorted set, so neither order
 * nor workers change a bit of the result.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "btyd.h"
#include "compat.h"
#include "math/exact_sum.h"
#include "math/opportunity.h"
#include "math/random.h"
#include "memory.h"

#define DEFAULT_UNIT_DAYS 7
#define MAX_REPLICATES	10000

#define CS_ELEMENT BtydPattern
#define CS_COMPARE(a, b) compare_patterns(a, b)
#define CS_COUNT(a) (a)->count
#include "counted_set.h"

typedef struct FitState
{
	bool		spend;
	BtydFamily	family;			/* these five: not of spend */
	int32		k;				/* of MBG/CNBD-k, 0 to choose it; else 1 */
	int32		unit_days;
	bool		gaps_known;
	ExactSum	ln_gaps;		/* over all customers, if known */
	double		ridge;
	int64		customers;
	int32		replicates;		/* 0: one fit */
	int32		seed;
	SpendLeftOut left_out;		/* of spend */
	CountedSet	patterns;
} FitState;

/* ---- the set of patterns ---- */

static FitState *
state_make(MemoryContext context, int64 room)
{
	FitState   *state = MemoryContextAllocZero(context, sizeof(FitState));

	exact_sum_init(&state->ln_gaps, resize_memory);
	counted_set_init(&state->patterns, context, room);
	return state;
}

static inline void
append(FitState *state, double x, double t_x, double t, int64 weight)
{
	BtydPattern pattern = {x, t_x, t, weight};

	counted_set_add(&state->patterns, &pattern);
	state->customers += weight;
}

/* A state without rows may have been made for its settings alone. */
static void
check_same_settings(const FitState *state, const FitState *other)
{
	if (state->family != other->family || state->k != other->k)
		settings_differ("family");
	if (state->unit_days != other->unit_days)
		settings_differ("unit_days");
	if (state->ridge != other->ridge)
		settings_differ("ridge");
	if (state->replicates != other->replicates)
		settings_differ("replicates");
	if (state->seed != other->seed)
		settings_differ("seed");
}

/* ---- transition ---- */

static int32
check_replicates(int32 replicates)
{
	if (replicates < 1 || replicates > MAX_REPLICATES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("replicates must be from 1 to %d, but is %d", MAX_REPLICATES, replicates)));
	return replicates;
}

/*
 * The settings in the arguments: family, unit_days, replicates, seed; they are
 * checked on every row, whatever else is NULL in it. The first nsettings of the
 * last three are there.
 */
static void
read_settings(FunctionCallInfo fcinfo, int nsettings, FitState *settings)
{
	static const char *const names[] = {"unit_days", "replicates", "seed"};
	int32		values[] = {DEFAULT_UNIT_DAYS, 0, 0};

	if (PG_ARGISNULL(1))
		null_argument("family", NULL);
	settings->family = check_btyd_family(PG_GETARG_TEXT_PP(1), &settings->k);
	for (int i = 0; i < nsettings; i++)
	{
		if (PG_ARGISNULL(i + 5))
			null_argument(names[i], NULL);
		values[i] = PG_GETARG_INT32(i + 5);
	}
	settings->unit_days = check_unit_days(values[0]);
	settings->replicates = nsettings > 1 ? check_replicates(values[1]) : 0;
	settings->seed = values[2];
	if (settings->k == 0 && !settings->gaps_known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("family mbgcnbd needs ln_gaps to choose k"),
				 nsettings > 1 ?
				 errhint("Draw fits with the k that btyd_fit has found, for example as mbgcnbd-2.") :
				 errhint("Use btyd_fit(family, x, t_x, t, unit_days, ln_gaps), the last as ln_gaps(history, as_of, unit_days) says, or a k of your own, for example mbgcnbd-2.")));
}

/* Adds weight * ln_gaps exactly, so that a weight is as many rows. */
static void
add_ln_gaps(FitState *state, MemoryContext context, double ln_gaps, int64 weight)
{
	MemoryContext old_context = MemoryContextSwitchTo(context);
	double		product = (double) weight * ln_gaps;

	exact_sum_add(&state->ln_gaps, product);
	exact_sum_add(&state->ln_gaps, fma((double) weight, ln_gaps, -product));
	MemoryContextSwitchTo(old_context);
}

/*
 * Arguments: state, family, x, t_x, t [, unit_days [, replicates, seed]]; or after unit_days
 * [ln_gaps] [, weight, ridge]
 */
static pg_attribute_always_inline Datum
transition(FunctionCallInfo fcinfo, bool with_gaps, bool weighted)
{
	MemoryContext context = aggregate_context(fcinfo);
	FitState   *state = PG_ARGISNULL(0) ? NULL : (FitState *) PG_GETARG_POINTER(0);
	FitState	settings = {.gaps_known = with_gaps};
	const int	weight = with_gaps ? 7 : 6;

	read_settings(fcinfo, with_gaps || weighted ? 1 : PG_NARGS() - 5, &settings);
	if (weighted)
		settings.ridge = ridge_argument(fcinfo, weight + 1);
	if (state == NULL)
	{
		state = state_make(context, 0);
		state->family = settings.family;
		state->k = settings.k;
		state->unit_days = settings.unit_days;
		state->ridge = settings.ridge;
		state->replicates = settings.replicates;
		state->seed = settings.seed;
		state->gaps_known = with_gaps;
	}
	else
		check_same_settings(state, &settings);
	if (!PG_ARGISNULL(2) && !PG_ARGISNULL(3) && !PG_ARGISNULL(4) &&
		!(with_gaps && PG_ARGISNULL(6)) && !(weighted && PG_ARGISNULL(weight)))
	{
		double		x = PG_GETARG_FLOAT8(2);
		double		t_x = PG_GETARG_FLOAT8(3);
		double		t = PG_GETARG_FLOAT8(4);
		int64		customers = weighted ?
			check_weight(PG_GETARG_INT64(weight), state->customers) : 1;

		check_customer((FitFamily) settings.family, x, t_x, t);
		if (with_gaps)
			check_ln_gaps(PG_GETARG_FLOAT8(6), x, t_x);
		if (customers > 0)
		{
			/* -0 is 0 */
			append(state, x + 0.0, t_x + 0.0, t + 0.0, customers);
			if (with_gaps)
				add_ln_gaps(state, context, PG_GETARG_FLOAT8(6), customers);
		}
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(btyd_fit_transition);
Datum
btyd_fit_transition(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, false, false);
}

/* The same with unit_days, ln_gaps */
PG_FUNCTION_INFO_V1(btyd_fit_gaps_transition);
Datum
btyd_fit_gaps_transition(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, true, false);
}

/* With unit_days, weight, ridge */
PG_FUNCTION_INFO_V1(btyd_fit_weighted_transition);
Datum
btyd_fit_weighted_transition(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, false, true);
}

/* With unit_days, ln_gaps, weight, ridge */
PG_FUNCTION_INFO_V1(btyd_fit_gaps_weighted_transition);
Datum
btyd_fit_gaps_weighted_transition(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, true, true);
}

/* Arguments: state, x, m [, replicates, seed], or [, weight, ridge] */
static Datum
spend_transition(FunctionCallInfo fcinfo, bool weighted)
{
	MemoryContext context = aggregate_context(fcinfo);
	FitState   *state = PG_ARGISNULL(0) ? NULL : (FitState *) PG_GETARG_POINTER(0);
	FitState	settings = {0};

	if (weighted)
		settings.ridge = ridge_argument(fcinfo, 4);
	else if (PG_NARGS() > 3)
	{
		static const char *const names[] = {"replicates", "seed"};

		for (int i = 0; i < 2; i++)
		{
			if (PG_ARGISNULL(i + 3))
				null_argument(names[i], NULL);
		}
		settings.replicates = check_replicates(PG_GETARG_INT32(3));
		settings.seed = PG_GETARG_INT32(4);
	}
	if (state == NULL)
	{
		state = state_make(context, 0);
		state->spend = true;
		state->ridge = settings.ridge;
		state->replicates = settings.replicates;
		state->seed = settings.seed;
	}
	else
		check_same_settings(state, &settings);
	if (!PG_ARGISNULL(1) && !(weighted && PG_ARGISNULL(3)))
	{
		double		x = PG_GETARG_FLOAT8(1);
		int64		weight = weighted ? check_weight(PG_GETARG_INT64(3), state->customers) : 1;

		check_count(x);
		if (x == 0)
			state->left_out.no_repeat += weight;
		else if (!PG_ARGISNULL(2))
		{
			double		m = PG_GETARG_FLOAT8(2);

			check_mean(m);
			if (m == 0)
				state->left_out.zero_mean += weight;
			else if (m < 0)
				state->left_out.negative_mean += weight;
			else if (weight > 0)
				append(state, x, m, 0, weight);
		}
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(spend_fit_transition);
Datum
spend_fit_transition(PG_FUNCTION_ARGS)
{
	return spend_transition(fcinfo, false);
}

PG_FUNCTION_INFO_V1(spend_fit_weighted_transition);
Datum
spend_fit_weighted_transition(PG_FUNCTION_ARGS)
{
	return spend_transition(fcinfo, true);
}

/* ---- combine, serialise ---- */

/* The result is in the context of the aggregate; the second is not changed. */
PG_FUNCTION_INFO_V1(btyd_fit_combine);
Datum
btyd_fit_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	FitState   *state = PG_ARGISNULL(0) ? NULL : (FitState *) PG_GETARG_POINTER(0);
	FitState   *other = PG_ARGISNULL(1) ? NULL : (FitState *) PG_GETARG_POINTER(1);
	MemoryContext old_context;

	RETURN_ONLY_STATE();
	old_context = MemoryContextSwitchTo(context);
	if (state == NULL)
	{
		CountedSet	patterns;

		state = state_make(context, other->patterns.n);
		patterns = state->patterns;
		*state = *other;
		patterns.n = other->patterns.n;
		patterns.sorted = other->patterns.sorted;
		state->patterns = patterns;
		memcpy(patterns.elements, other->patterns.elements,
			   (Size) patterns.n * sizeof(BtydPattern));
		exact_sum_init(&state->ln_gaps, resize_memory);
		exact_sum_merge(&state->ln_gaps, &other->ln_gaps);
		MemoryContextSwitchTo(old_context);
		PG_RETURN_POINTER(state);
	}
	exact_sum_merge(&state->ln_gaps, &other->ln_gaps);
	MemoryContextSwitchTo(old_context);
	check_same_settings(state, other);
	state->customers += other->customers;
	state->left_out.no_repeat += other->left_out.no_repeat;
	state->left_out.zero_mean += other->left_out.zero_mean;
	state->left_out.negative_mean += other->left_out.negative_mean;
	for (int64 i = 0; i < other->patterns.n; i++)
		counted_set_add(&state->patterns, &other->patterns.elements[i]);
	PG_RETURN_POINTER(state);
}

/*
 * What both kinds send: family, k, whether the gaps are known, ridge, the settings, what
 * is left out, the sum of ln_gaps, then the sorted set
 */
#define HEADER_NUMBERS	6
#define HEADER_SIZE		(3 + 8 + 8 * HEADER_NUMBERS)

PG_FUNCTION_INFO_V1(btyd_fit_serialize);
Datum
btyd_fit_serialize(PG_FUNCTION_ARGS)
{
	FitState   *state;
	StringInfoData buffer;
	unsigned char sum[EXACT_SUM_MAX_BYTES];

	(void) aggregate_context(fcinfo);
	state = (FitState *) PG_GETARG_POINTER(0);
	counted_set_compress(&state->patterns);
	state_write(&buffer, 64 + EXACT_SUM_MAX_BYTES + state->patterns.n * (int64) sizeof(BtydPattern),
				"different customers", state->patterns.n);
	pq_sendbyte(&buffer, state->spend ? FIT_GAMMAGAMMA : (uint8) state->family);
	pq_sendbyte(&buffer, (uint8) state->k);
	pq_sendbyte(&buffer, state->gaps_known);
	pq_sendfloat8(&buffer, state->ridge);
	pq_sendint64(&buffer, state->unit_days);
	pq_sendint64(&buffer, state->replicates);
	pq_sendint64(&buffer, state->seed);
	pq_sendint64(&buffer, state->left_out.no_repeat);
	pq_sendint64(&buffer, state->left_out.zero_mean);
	pq_sendint64(&buffer, state->left_out.negative_mean);
	pq_sendbytes(&buffer, (char *) sum, (int) exact_sum_write(&state->ln_gaps, sum));
	for (int64 i = 0; i < state->patterns.n; i++)
	{
		const BtydPattern *pattern = &state->patterns.elements[i];

		pq_sendfloat8(&buffer, pattern->x);
		pq_sendfloat8(&buffer, pattern->t_x);
		if (!state->spend)
			pq_sendfloat8(&buffer, pattern->t);
		pq_sendint64(&buffer, pattern->count);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

static bool
is_spender(double x, double m)
{
	return is_count(x) && x > 0 && m > 0 && isfinite(m);
}

/* The state of one kind or the other, with every byte checked */
static FitState *
deserialize(FunctionCallInfo fcinfo, bool spend)
{
	StringInfoData buffer;
	FitState   *state;
	int			family;
	int			k;
	int			gaps_known;
	double		ridge;
	ExactSum	ln_gaps;
	int			sum_size;
	int64		header[HEADER_NUMBERS];
	const char *owner = spend ? "aggregate spend_fit" : "aggregate btyd_fit";
	int			size = spend ? 24 : 32;
	int64		npatterns;
	int64		customers = 0;
	bool		valid;

	state_read(fcinfo, &buffer);
	if (buffer.len < HEADER_SIZE)
		corrupt_state(owner);
	family = pq_getmsgbyte(&buffer);
	k = pq_getmsgbyte(&buffer);
	gaps_known = pq_getmsgbyte(&buffer);
	ridge = pq_getmsgfloat8(&buffer);
	for (int i = 0; i < HEADER_NUMBERS; i++)
		header[i] = pq_getmsgint64(&buffer);
	exact_sum_init(&ln_gaps, resize_memory);
	sum_size = (int) exact_sum_read(&ln_gaps, (unsigned char *) buffer.data + buffer.cursor,
									(size_t) (buffer.len - buffer.cursor));
	buffer.cursor += sum_size;
	if (sum_size == 0 || (buffer.len - buffer.cursor) % size != 0)
		corrupt_state(owner);
	npatterns = (buffer.len - buffer.cursor) / size;
	state = state_make(CurrentMemoryContext, npatterns);
	state->spend = spend;
	state->k = k;
	state->gaps_known = gaps_known == 1;
	state->ln_gaps = ln_gaps;
	/* unit_days, family, k and gaps are of orders alone, what is left out of spend */
	valid = (spend ? family == FIT_GAMMAGAMMA : family < FIT_GAMMAGAMMA) &&
		k >= (family == FIT_MBGCNBD && gaps_known ? 0 : !spend) &&
		k <= (family == FIT_MBGCNBD ? ERLANG_MAX_K : !spend) &&
		gaps_known <= !spend && (gaps_known || exact_sum_double(&ln_gaps) == 0) &&
		header[0] >= (spend ? 0 : 1) && header[0] <= (spend ? 0 : PG_INT32_MAX) &&
		ridge >= 0 && isfinite(ridge) && !signbit(ridge) && (ridge == 0 || header[1] == 0) &&
		header[1] >= 0 && header[1] <= MAX_REPLICATES &&
		header[2] >= PG_INT32_MIN && header[2] <= PG_INT32_MAX;
	for (int i = 3; i < HEADER_NUMBERS; i++)
		valid = valid && header[i] >= 0 && header[i] <= (spend ? AGGREGATE_MAX_ROWS : 0);
	state->family = spend ? 0 : (BtydFamily) family;
	state->unit_days = (int32) header[0];
	state->ridge = ridge;
	state->replicates = (int32) header[1];
	state->seed = (int32) header[2];
	state->left_out.no_repeat = header[3];
	state->left_out.zero_mean = header[4];
	state->left_out.negative_mean = header[5];
	for (int64 i = 0; valid && i < npatterns; i++)
	{
		BtydPattern *pattern = &state->patterns.elements[i];

		pattern->x = pq_getmsgfloat8(&buffer);
		pattern->t_x = pq_getmsgfloat8(&buffer);
		pattern->t = spend ? 0 : pq_getmsgfloat8(&buffer);
		pattern->count = pq_getmsgint64(&buffer);
		valid = (spend ? is_spender(pattern->x, pattern->t_x) :
				 is_customer(pattern->x, pattern->t_x, pattern->t)) &&
			(family != FIT_BGBB || are_opportunities(pattern->x, pattern->t_x, pattern->t)) &&
			pattern->count > 0 && pattern->count <= AGGREGATE_MAX_ROWS - customers &&
			(i == 0 || compare_patterns(pattern - 1, pattern) < 0);
		customers += pattern->count;
	}
	if (!valid)
		corrupt_state(owner);
	state->patterns.n = state->patterns.sorted = npatterns;
	state->customers = customers;
	return state;
}

PG_FUNCTION_INFO_V1(btyd_fit_deserialize);
Datum
btyd_fit_deserialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(deserialize(fcinfo, false));
}

PG_FUNCTION_INFO_V1(spend_fit_deserialize);
Datum
spend_fit_deserialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(deserialize(fcinfo, true));
}

/* ---- final ---- */

/* With these patterns of the state, all or drawn ones; a k above 0 is given. */
static void
fit_patterns(const FitState *state, int k, const BtydPattern *patterns, int64 n,
			 const double *start, BtydFit *fit)
{
	const BtydSearch how = {start, state->ridge};

	if (state->spend)
		spend_fit(patterns, (size_t) n, &how, &server_host, fit);
	else if (state->family == BTYD_MBGCNBD)
		btyd_fit_regular(k, state->gaps_known ? exact_sum_double(&state->ln_gaps) : NAN, patterns,
						 (size_t) n, &how, &server_host, fit);
	else
		btyd_fit(state->family, patterns, (size_t) n, &how, &server_host, fit);
}

static void
print_fit(StringInfo document, const FitState *state, const BtydFit *fit)
{
	fit_print(document, state->spend ? FIT_GAMMAGAMMA : (FitFamily) state->family, fit,
			  state->replicates > 0, state->unit_days, state->spend ? &state->left_out : NULL,
			  NULL);
}

/* The final functions compress the state, which remains the same set. */
PG_FUNCTION_INFO_V1(btyd_fit_final);
Datum
btyd_fit_final(PG_FUNCTION_ARGS)
{
	FitState   *state;
	BtydFit		fit;
	StringInfoData document;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (FitState *) PG_GETARG_POINTER(0);
	counted_set_compress(&state->patterns);
	initStringInfo(&document);
	fit_patterns(state, state->k, state->patterns.elements, state->patterns.n, NULL, &fit);
	print_fit(&document, state, &fit);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(document.data)));
}

/* ---- bootstrap ---- */

/* So many customers drawn at most in one replicate */
#define MAX_DRAWS		10000000

/*
 * As many customers as there are, drawn with replacement: counts[] per pattern.
 * starts[] has the number of customers before each pattern, and guide[] the
 * pattern of each customer i * total / n, from where a draw's own is near.
 */
static void
resample(Random *random, const int64 *starts, const int64 *guide, int64 n, int64 total,
		 int64 *counts)
{
	memset(counts, 0, (Size) n * sizeof(int64));
	for (int64 i = 0; i < total; i++)
	{
		int64		customer = (int64) random_below(random, (uint64) total);
		int64		at = guide[(int64) ((__int128) customer * n / total)];

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		while (starts[at + 1] <= customer)
			at++;
		counts[at]++;
	}
}

PG_FUNCTION_INFO_V1(btyd_fit_bootstrap_final);
Datum
btyd_fit_bootstrap_final(PG_FUNCTION_ARGS)
{
	FitState   *state;
	BtydFit		whole;
	StringInfoData document;
	BtydPattern *drawn;
	int64	   *starts;
	int64	   *guide;
	int64	   *counts;
	int64		n;
	int64		total = 0;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (FitState *) PG_GETARG_POINTER(0);
	counted_set_compress(&state->patterns);
	n = state->patterns.n;
	fit_patterns(state, state->k, state->patterns.elements, n, NULL, &whole);
	if (whole.n > MAX_DRAWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many customers for a bootstrap: " INT64_FORMAT ", at most %d", (int64) whole.n, MAX_DRAWS),
				 errhint("Their standard errors are good enough.")));

	drawn = resize_memory(NULL, (Size) Max(n, 1) * sizeof(BtydPattern));
	counts = resize_memory(NULL, (Size) Max(n, 1) * sizeof(int64));
	guide = resize_memory(NULL, (Size) Max(n, 1) * sizeof(int64));
	starts = resize_memory(NULL, (Size) (n + 1) * sizeof(int64));
	for (int64 i = 0; i < n; i++)
	{
		starts[i] = total;
		total += state->patterns.elements[i].count;
	}
	starts[n] = total;
	/* cell i holds the customers whose number * n / total is i */
	for (int64 i = 0, at = 0; i < n; i++)
	{
		int64		first = (int64) (((__int128) i * total + n - 1) / n);

		while (starts[at + 1] <= first)
			at++;
		guide[i] = at;
	}

	initStringInfo(&document);
	appendStringInfoChar(&document, '[');
	for (int32 replicate = 0; replicate < state->replicates; replicate++)
	{
		Random		random;
		BtydFit		fit;
		int64		ndrawn = 0;

		random_seed(&random, state->seed, replicate);
		resample(&random, starts, guide, n, total, counts);
		for (int64 i = 0; i < n; i++)
		{
			if (counts[i] > 0)
			{
				drawn[ndrawn] = state->patterns.elements[i];
				drawn[ndrawn++].count = counts[i];
			}
		}
		/* near the fit of everyone; if there is nothing there, anywhere */
		if (whole.status == BTYD_CONVERGED)
			fit_patterns(state, state->k, drawn, ndrawn, whole.parameters, &fit);
		if (whole.status != BTYD_CONVERGED || fit.status == BTYD_NOT_CONVERGED)
			fit_patterns(state, state->k, drawn, ndrawn, NULL, &fit);
		if (replicate > 0)
			appendStringInfoChar(&document, ',');
		print_fit(&document, state, &fit);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(&document, ']');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(document.data)));
}
