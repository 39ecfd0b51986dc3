/*
 * btyd_covariate_agg.c
 *		btyd_fit with covariates, and the fit of customers who have these.
 *
 * The state is a log of rows: the covariates, x, t_x, t, and how many customers are like that. It
 * is sorted and compressed when it is full, and what is fitted is the sorted set, so neither order
 * nor workers change a bit of the result.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "port.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "arguments.h"
#include "btyd.h"
#include "compat.h"
#include "memory.h"

/* Room for so many rows to begin with */
#define FIRST_ROWS		32

/* What is in a row after the covariates */
enum
{
	ROW_X, ROW_T_X, ROW_T, ROW_COUNT, ROW_NUMBERS
};

typedef struct CovariateState
{
	BtydFamily	family;
	int32		unit_days;
	double		ridge;
	int			ncovariates;	/* 0: no row yet */
	int			width;			/* doubles in a row */
	double	   *rows;
	int64		n;
	int64		room;
	int64		sorted;			/* so many from the first on are a sorted set */
	int64		customers;
} CovariateState;

static int
compare_rows(const void *a, const void *b, void *compared)
{
	const double *one = a;
	const double *other = b;

	for (int i = 0; i < *(int *) compared; i++)
	{
		if (one[i] != other[i])
			return one[i] < other[i] ? -1 : 1;
	}
	return 0;
}

/* Make the log a sorted set; rows are equal but for the count, their last number. */
static void
compress(CovariateState *state)
{
	int			compared = state->width - 1;
	Size		size = (Size) state->width * sizeof(double);
	int64		out = 0;

	if (state->sorted == state->n)
		return;
	qsort_arg(state->rows, (size_t) state->n, size, compare_rows, &compared);
	for (int64 i = 0; i < state->n; i++)
	{
		double	   *row = state->rows + i * state->width;
		double	   *last = state->rows + (out - 1) * state->width;

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (out > 0 && compare_rows(last, row, &compared) == 0)
			last[compared] += row[compared];
		else
			memmove(state->rows + out++ * state->width, row, size);
	}
	state->n = state->sorted = out;
}

static void
set_covariates(CovariateState *state, MemoryContext context, int ncovariates, int64 room)
{
	state->ncovariates = ncovariates;
	state->width = ncovariates + ROW_NUMBERS;
	state->room = Max(room, FIRST_ROWS);
	state->rows = MemoryContextAllocHuge(context,
										 (Size) state->room * state->width * sizeof(double));
}

static void
check_ncovariates(const CovariateState *state, int ncovariates)
{
	if (ncovariates != state->ncovariates)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("covariates must be as many in all rows, but are %d and %d",
						state->ncovariates, ncovariates)));
}

/* Room for one more row, to be filled */
static double *
next_row(CovariateState *state)
{
	if (state->n == state->room)
	{
		compress(state);
		if (state->n > state->room / 2)
		{
			state->room *= 2;
			state->rows = resize_memory(state->rows,
										(Size) state->room * state->width * sizeof(double));
		}
	}
	return state->rows + state->n++ * state->width;
}

/* ---- transition ---- */

/* Arguments: state, family, x, t_x, t, unit_days, covariates [, weight, ridge] */
static void
read_settings(FunctionCallInfo fcinfo, bool weighted, CovariateState *settings)
{
	int32		k;

	if (PG_ARGISNULL(1))
		null_argument("family", NULL);
	if (PG_ARGISNULL(5))
		null_argument("unit_days", NULL);
	settings->family = check_btyd_family(PG_GETARG_TEXT_PP(1), &k);
	if (!btyd_has_covariates(settings->family))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("family \"%s\" has no covariates", text_to_cstring(PG_GETARG_TEXT_PP(1))),
				 errhint("Families with covariates are mbgnbd, bgnbd and paretonbd.")));
	settings->unit_days = check_unit_days(PG_GETARG_INT32(5));
	settings->ridge = weighted ? ridge_argument(fcinfo, 8) : 0;
}

static void
check_same_settings(const CovariateState *state, const CovariateState *other)
{
	if (state->family != other->family)
		settings_differ("family");
	if (state->unit_days != other->unit_days)
		settings_differ("unit_days");
	if (state->ridge != other->ridge)
		settings_differ("ridge");
}

/* NULL: one of them is */
static const double *
read_covariates(ArrayType *array, int *n)
{
	const double *z = (const double *) ARR_DATA_PTR(array);

	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_NDIM(array) != 1 || *n > MAX_COVARIATES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("covariates must be a list of 1 to %d numbers", MAX_COVARIATES)));
	if (ARR_HASNULL(array))
		return NULL;
	for (int i = 0; i < *n; i++)
	{
		if (!isfinite(z[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("covariates must be finite, but element %d is %g", i + 1, z[i])));
	}
	return z;
}

static Datum
transition(FunctionCallInfo fcinfo, bool weighted)
{
	MemoryContext context = aggregate_context(fcinfo);
	CovariateState *state = PG_ARGISNULL(0) ? NULL : (CovariateState *) PG_GETARG_POINTER(0);
	CovariateState settings = {0};
	const double *z;
	int			n;

	read_settings(fcinfo, weighted, &settings);
	if (state == NULL)
	{
		state = MemoryContextAlloc(context, sizeof(CovariateState));
		*state = settings;
	}
	else
		check_same_settings(state, &settings);
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4) || PG_ARGISNULL(6) ||
		(weighted && PG_ARGISNULL(7)))
		PG_RETURN_POINTER(state);
	z = read_covariates(PG_GETARG_ARRAYTYPE_P(6), &n);
	if (z != NULL)
	{
		double		x = PG_GETARG_FLOAT8(2);
		double		t_x = PG_GETARG_FLOAT8(3);
		double		t = PG_GETARG_FLOAT8(4);
		int64		weight = weighted ? check_weight(PG_GETARG_INT64(7), state->customers) : 1;

		check_customer((FitFamily) state->family, x, t_x, t);
		if (state->ncovariates == 0)
			set_covariates(state, context, n, 0);
		check_ncovariates(state, n);
		if (weight > 0)
		{
			double	   *row = next_row(state);

			/* -0 is 0 */
			for (int i = 0; i < n; i++)
				row[i] = z[i] + 0.0;
			row[n + ROW_X] = x + 0.0;
			row[n + ROW_T_X] = t_x + 0.0;
			row[n + ROW_T] = t + 0.0;
			row[n + ROW_COUNT] = (double) weight;
			state->customers += weight;
		}
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(btyd_covariate_fit_transition);
Datum
btyd_covariate_fit_transition(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, false);
}

PG_FUNCTION_INFO_V1(btyd_covariate_fit_weighted_transition);
Datum
btyd_covariate_fit_weighted_transition(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, true);
}

/* ---- combine, serialise ---- */

/* The result is in the context of the aggregate; the second is not changed. */
PG_FUNCTION_INFO_V1(btyd_covariate_fit_combine);
Datum
btyd_covariate_fit_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	CovariateState *state = PG_ARGISNULL(0) ? NULL : (CovariateState *) PG_GETARG_POINTER(0);
	CovariateState *other = PG_ARGISNULL(1) ? NULL : (CovariateState *) PG_GETARG_POINTER(1);

	RETURN_ONLY_STATE();
	if (state == NULL)
	{
		state = MemoryContextAllocZero(context, sizeof(CovariateState));
		state->family = other->family;
		state->unit_days = other->unit_days;
		state->ridge = other->ridge;
	}
	check_same_settings(state, other);
	if (other->ncovariates > 0)
	{
		if (state->ncovariates == 0)
			set_covariates(state, context, other->ncovariates, other->n);
		check_ncovariates(state, other->ncovariates);
		for (int64 i = 0; i < other->n; i++)
			memcpy(next_row(state), other->rows + i * other->width,
				   (Size) other->width * sizeof(double));
		state->customers += other->customers;
	}
	PG_RETURN_POINTER(state);
}

/* Family, unit_days, ridge, how many covariates; then the sorted set */
#define HEADER_SIZE		(1 + 4 + 8 + 1)

PG_FUNCTION_INFO_V1(btyd_covariate_fit_serialize);
Datum
btyd_covariate_fit_serialize(PG_FUNCTION_ARGS)
{
	CovariateState *state;
	StringInfoData buffer;

	(void) aggregate_context(fcinfo);
	state = (CovariateState *) PG_GETARG_POINTER(0);
	compress(state);
	state_write(&buffer, HEADER_SIZE + state->n * state->width * (int64) sizeof(double),
				"different customers", state->n);
	pq_sendbyte(&buffer, (uint8) state->family);
	pq_sendint32(&buffer, (uint32) state->unit_days);
	pq_sendfloat8(&buffer, state->ridge);
	pq_sendbyte(&buffer, (uint8) state->ncovariates);
	for (int64 i = 0; i < state->n * state->width; i++)
		pq_sendfloat8(&buffer, state->rows[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* What a row may be, which comes after another */
static bool
is_row(const CovariateState *state, const double *row, const double *before)
{
	const double *customer = row + state->ncovariates;
	int			compared = state->width - 1;
	double		count = customer[ROW_COUNT];

	for (int i = 0; i < state->width; i++)
	{
		if (!isfinite(row[i]) || (row[i] == 0 && signbit(row[i])))
			return false;
	}
	return is_customer(customer[ROW_X], customer[ROW_T_X], customer[ROW_T]) &&
		count >= 1 && count == floor(count) &&
		count <= (double) (AGGREGATE_MAX_ROWS - state->customers) &&
		(before == NULL || compare_rows(before, row, &compared) < 0);
}

PG_FUNCTION_INFO_V1(btyd_covariate_fit_deserialize);
Datum
btyd_covariate_fit_deserialize(PG_FUNCTION_ARGS)
{
	const char *owner = "aggregate btyd_fit";
	StringInfoData buffer;
	CovariateState *state = palloc0(sizeof(CovariateState));
	int64		numbers;
	int			family;

	state_read(fcinfo, &buffer);
	if (buffer.len < HEADER_SIZE)
		corrupt_state(owner);
	family = pq_getmsgbyte(&buffer);
	state->unit_days = (int32) pq_getmsgint(&buffer, 4);
	state->ridge = pq_getmsgfloat8(&buffer);
	state->ncovariates = pq_getmsgbyte(&buffer);
	numbers = (buffer.len - HEADER_SIZE) / (int64) sizeof(double);
	if (family >= FIT_GAMMAGAMMA || !btyd_has_covariates((BtydFamily) family) ||
		state->unit_days < 1 || !(state->ridge >= 0) || isinf(state->ridge) ||
		signbit(state->ridge) || state->ncovariates > MAX_COVARIATES ||
		(buffer.len - HEADER_SIZE) % (int64) sizeof(double) != 0)
		corrupt_state(owner);
	state->family = (BtydFamily) family;
	if (state->ncovariates == 0)
	{
		if (numbers > 0)
			corrupt_state(owner);
		PG_RETURN_POINTER(state);
	}
	if (numbers % (state->ncovariates + ROW_NUMBERS) != 0)
		corrupt_state(owner);
	set_covariates(state, CurrentMemoryContext, state->ncovariates,
				   numbers / (state->ncovariates + ROW_NUMBERS));
	for (int64 i = 0; i < numbers; i++)
		state->rows[i] = pq_getmsgfloat8(&buffer);
	state->n = state->sorted = numbers / state->width;
	for (int64 i = 0; i < state->n; i++)
	{
		const double *row = state->rows + i * state->width;

		if (!is_row(state, row, i > 0 ? row - state->width : NULL))
			corrupt_state(owner);
		state->customers += (int64) row[state->width - 1];
	}
	PG_RETURN_POINTER(state);
}

/* ---- final ---- */

/* The final function compresses the state, which remains the same set. */
PG_FUNCTION_INFO_V1(btyd_covariate_fit_final);
Datum
btyd_covariate_fit_final(PG_FUNCTION_ARGS)
{
	CovariateState *state;
	CovariateFit result;
	StringInfoData document;
	BtydPattern *patterns;
	double	   *z;
	size_t	   *starts;
	size_t		ncells = 0;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (CovariateState *) PG_GETARG_POINTER(0);
	compress(state);
	patterns = resize_memory(NULL, (Size) (state->n + 1) * sizeof(BtydPattern));
	starts = resize_memory(NULL, (Size) (state->n + 1) * sizeof(size_t));
	z = resize_memory(NULL, (Size) (state->n + 1) * (state->ncovariates + 1) * sizeof(double));
	for (int64 i = 0; i < state->n; i++)
	{
		const double *row = state->rows + i * state->width;
		const double *customer = row + state->ncovariates;

		if (i == 0 || compare_rows(row - state->width, row, &state->ncovariates) != 0)
		{
			memcpy(z + ncells * (size_t) state->ncovariates, row,
				   (Size) state->ncovariates * sizeof(double));
			starts[ncells++] = (size_t) i;
		}
		patterns[i] = (BtydPattern) {customer[ROW_X], customer[ROW_T_X], customer[ROW_T],
			(int64) customer[ROW_COUNT]};
	}
	starts[ncells] = (size_t) state->n;
	btyd_fit_covariates(state->family, patterns, starts, z, ncells, state->ncovariates,
						state->ridge, &server_host, &result);
	initStringInfo(&document);
	fit_print(&document, (FitFamily) state->family, &result.fit, false, state->unit_days, NULL,
			  &result);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(document.data)));
}

/* ---- the fit of some customers ---- */

/* Customers have few different covariates, as a rule: the last documents are kept. */
#define KEPT_DOCUMENTS	16

typedef struct KeptDocuments
{
	uint64		serial;			/* of the fit */
	int			n;
	int			next;
	double	   *z[KEPT_DOCUMENTS];
	Datum		documents[KEPT_DOCUMENTS];
} KeptDocuments;

static KeptDocuments *
kept_documents(FunctionCallInfo fcinfo, const Fit *fit)
{
	void	  **extra = fit_call_extra(fcinfo);
	KeptDocuments *kept = *extra;

	if (kept == NULL)
		*extra = kept = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(KeptDocuments));
	if (kept->serial != fit->serial)
	{
		for (int i = 0; i < kept->n; i++)
		{
			pfree(kept->z[i]);
			pfree(DatumGetPointer(kept->documents[i]));
		}
		kept->serial = fit->serial;
		kept->n = kept->next = 0;
	}
	return kept;
}

static void
keep_document(FunctionCallInfo fcinfo, KeptDocuments *kept, const double *z, int n, Datum document)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	double	   *key = palloc((Size) n * sizeof(double));
	Datum		copy = PointerGetDatum(PG_DETOAST_DATUM_COPY(document));

	memcpy(key, z, (Size) n * sizeof(double));
	if (kept->n == KEPT_DOCUMENTS)
	{
		pfree(kept->z[kept->next]);
		pfree(DatumGetPointer(kept->documents[kept->next]));
	}
	else
		kept->n++;
	kept->z[kept->next] = key;
	kept->documents[kept->next] = copy;
	kept->next = (kept->next + 1) % KEPT_DOCUMENTS;
	MemoryContextSwitchTo(old);
}

/* fit, covariates */
PG_FUNCTION_INFO_V1(btyd_fit_at);
Datum
btyd_fit_at(PG_FUNCTION_ARGS)
{
	const double *orders;
	const double *leaving;
	const Fit  *fit = covariate_fit_argument(fcinfo, 0, &orders, &leaving);
	const double *z;
	int			n;
	double		parameters[BTYD_NUMBERS] = {0};
	StringInfoData document;
	KeptDocuments *kept;
	Datum		result;

	z = read_covariates(PG_GETARG_ARRAYTYPE_P(1), &n);
	if (!fit->usable)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	if (z == NULL)
		PG_RETURN_NULL();
	if (n != fit->ncovariates)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("covariates must be %d, as many as the fit has, but are %d", fit->ncovariates, n)));
	kept = kept_documents(fcinfo, fit);
	for (int i = 0; i < kept->n; i++)
	{
		if (memcmp(kept->z[i], z, (Size) n * sizeof(double)) == 0)
			PG_RETURN_DATUM(kept->documents[i]);
	}
	btyd_parameters_at((BtydFamily) fit->family, fit->parameters, orders, leaving, n, z,
					   parameters);
	for (int i = 0; i < BTYD_PARAMETERS; i++)
	{
		if (!(parameters[i] > 0) || isinf(parameters[i]))
			PG_RETURN_NULL();
	}
	initStringInfo(&document);
	fit_print_at(&document, fit, parameters);
	result = DirectFunctionCall1(jsonb_in, CStringGetDatum(document.data));
	keep_document(fcinfo, kept, z, n, result);
	PG_RETURN_DATUM(result);
}
