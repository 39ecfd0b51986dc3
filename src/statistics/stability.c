/*
 * stability.c
 *		The population stability index: how far the shares of bins have moved.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "math/distribution.h"
#include "number_text.h"
#include "statistics.h"

PG_FUNCTION_INFO_V1(population_stability);

/* Added to each count: an empty bin is no infinite change. */
#define ADDED	0.5

/* Shares add up to 1; rounded ones nearly. */
#define SHARES_TOTAL	1e-9

/* The usual bands of the index */
#define MODERATE	0.1
#define LARGE		0.25

/* Numbers of bins: counts, or shares */
typedef struct Bins
{
	const double *numbers;
	int			count;
	double		total;
	bool		shares;
} Bins;

static Bins
bins_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	Bins		bins;

	bins.numbers = check_float8s(name, PG_GETARG_ARRAYTYPE_P(number), &bins.count);
	bins.total = 0.0;
	if (bins.count < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have two bins or more, but has %d", name, bins.count)));
	for (int i = 0; i < bins.count; i++)
	{
		if (!(bins.numbers[i] >= 0.0) || isinf(bins.numbers[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must be counts or shares, but one is %s", name,
							number_text(bins.numbers[i]))));
		bins.total += bins.numbers[i];
	}
	bins.shares = fabs(bins.total - 1.0) <= SHARES_TOTAL;
	return bins;
}

static double
share_of(Bins bins, int bin)
{
	return bins.shares ? bins.numbers[bin] :
		(bins.numbers[bin] + ADDED) / (bins.total + ADDED * bins.count);
}

/* (expected, actual) to psi, critical_value, band */
Datum
population_stability(PG_FUNCTION_ARGS)
{
	Bins		expected = bins_argument(fcinfo, 0, "expected");
	Bins		actual = bins_argument(fcinfo, 1, "actual");
	double		row[2] = {0.0, NAN};
	const char *band;

	if (expected.count != actual.count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("expected has %d bins, but actual has %d", expected.count, actual.count)));
	if (expected.shares != actual.shares)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("expected and actual must both be counts or both be shares"),
				 errdetail("Numbers that add up to 1 are shares.")));
	for (int i = 0; i < expected.count; i++)
	{
		double		p = share_of(expected, i);
		double		q = share_of(actual, i);

		if (p != q)
			row[0] += (q - p) * log(q / p);
	}
	/* of nobody, or of shares of an unknown number, chance has no size */
	if (!expected.shares && expected.total > 0.0 && actual.total > 0.0)
		row[1] = (1.0 / expected.total + 1.0 / actual.total) *
			chi_square_quantile(0.95, expected.count - 1);
	band = row[0] < MODERATE ? "stable" : row[0] < LARGE ? "moderate" : "large";
	if (!expected.shares && (expected.total == 0.0 || actual.total == 0.0))
	{
		row[0] = NAN;
		band = NULL;
	}
	return numbers_row(fcinfo, row, 2, &band, 1);
}
