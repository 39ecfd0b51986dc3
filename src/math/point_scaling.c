/*
 * point_scaling.c
 *		The coordinates of points brought to one measure.
 */
#include "point_scaling.h"
#include "distinct.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* in the order of ScalingMethod */
const char *const scaling_names[SCALING_METHODS] = {
	"none", "log1p", "zscore", "log1p_zscore", "robust", "log1p_robust"
};

/* The quartiles of a normal distribution are so many deviations apart. */
#define NORMAL_QUARTILES	1.3489795003921634

/* Rows between two looks at interrupts */
#define ROWS_PER_CHECK		65536

/* Values in a hash table of that size at most half fill it. */
#define VALUE_SLOTS			1024

/* The values of one input, in order, and how many rows have each */
typedef struct Values
{
	double	   *value;
	const double *counts;
	size_t		n;
	const Host *host;
} Values;

static inline bool
takes_logarithm(ScalingMethod method)
{
	return method == SCALING_LOG1P || method == SCALING_LOG1P_ZSCORE ||
		method == SCALING_LOG1P_ROBUST;
}

static inline bool
is_centred(ScalingMethod method)
{
	return method != SCALING_NONE && method != SCALING_LOG1P;
}

/* log(1 + x), and its mirror image for negative amounts */
static inline double
signed_log1p(double x)
{
	return copysign(log1p(fabs(x)), x);
}

static inline void
check_row(const Values *values, size_t i)
{
	if (i % ROWS_PER_CHECK == 0)
		values->host->check();
}

/* ---- facts ---- */

static int
count_distinct(const Values *values)
{
	double		seen[VALUE_SLOTS];
	bool		used[VALUE_SLOTS] = {false};
	int			distinct = 0;

	for (size_t i = 0; i < values->n; i++)
	{
		double		x = values->value[i];
		uint64_t	bits;
		size_t		slot;

		check_row(values, i);
		memcpy(&bits, &x, sizeof(bits));
		slot = (size_t) ((bits * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % VALUE_SLOTS;
		while (used[slot] && seen[slot] != x)
			slot = (slot + 1) % VALUE_SLOTS;
		if (used[slot])
			continue;
		used[slot] = true;
		seen[slot] = x;
		if (++distinct == SCALING_MAX_DISTINCT)
			break;
	}
	return distinct;
}

/*
 * The value that more than half of the rows have, by the vote of Boyer and
 * Moore: every row of another value takes one of its votes, so that a value of
 * more than half is what is left.
 */
static void
find_most_common(const Values *values, InputFacts *facts)
{
	double		candidate = 0.0;
	double		votes = 0.0;
	double		has = 0.0;
	double		total = 0.0;

	for (size_t i = 0; i < values->n; i++)
	{
		double		x = values->value[i];

		check_row(values, i);
		if (x == candidate)
			votes += values->counts[i];
		else if (values->counts[i] > votes)
		{
			votes = values->counts[i] - votes;
			candidate = x;
		}
		else
			votes -= values->counts[i];
	}
	for (size_t i = 0; i < values->n; i++)
	{
		check_row(values, i);
		total += values->counts[i];
		if (values->value[i] == candidate)
			has += values->counts[i];
	}
	facts->most_common = candidate;
	facts->most_common_share = has > total / 2 ? has / total : 0.0;
}

/* ---- mean and deviation, quartiles ---- */

/* By values scaled by a power of two, so that no square over- or underflows */
static void
mean_and_deviation(const Values *values, double *mean, double *deviation)
{
	double		largest = 0.0;
	double		total = 0.0;
	double		sum = 0.0;
	double		rest = 0.0;
	double		squares = 0.0;
	double		factor;
	double		scaled_mean;
	int			exponent;

	for (size_t i = 0; i < values->n; i++)
	{
		check_row(values, i);
		largest = fmax(largest, fabs(values->value[i]));
		total += values->counts[i];
	}
	(void) frexp(largest, &exponent);
	if (exponent < -1000)
		exponent = -1000;
	factor = ldexp(1.0, -exponent);
	for (size_t i = 0; i < values->n; i++)
	{
		check_row(values, i);
		sum += values->counts[i] * (values->value[i] * factor);
	}
	scaled_mean = sum / total;
	/* what rounding has left behind */
	for (size_t i = 0; i < values->n; i++)
	{
		check_row(values, i);
		rest += values->counts[i] * (values->value[i] * factor - scaled_mean);
	}
	scaled_mean += rest / total;
	for (size_t i = 0; i < values->n; i++)
	{
		double		off = values->value[i] * factor - scaled_mean;

		check_row(values, i);
		squares += values->counts[i] * off * off;
	}
	*mean = ldexp(scaled_mean, exponent);
	*deviation = ldexp(sqrt(squares / total), exponent);
}

/* Unsigned numbers in the order of the doubles, and back */
static inline uint64_t
key_of(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits ^ ((uint64_t) -(int64_t) (bits >> 63) | UINT64_C(0x8000000000000000));
}

static inline double
value_of_key(uint64_t key)
{
	uint64_t	bits = key ^ (((key >> 63) - 1) | UINT64_C(0x8000000000000000));
	double		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* Quantiles p (ascending) of type 7 of Hyndman and Fan, as everywhere here */
static void
find_quantiles(const Values *values, const double *p, int quantiles, double *result)
{
	const Host *host = values->host;
	Entry	   *entries = host_allocate(host, 2 * (values->n + 1) * sizeof(Entry));
	Entry	   *sorted;
	double		total = 0.0;
	double		before = 0.0;	/* rows before entry i */
	size_t		i = 0;

	for (size_t row = 0; row < values->n; row++)
	{
		check_row(values, row);
		entries[row].key = key_of(values->value[row]);
		entries[row].row = row;
		total += values->counts[row];
	}
	sorted = sort_by_key(entries, entries + values->n, values->n, host);
	for (int q = 0; q < quantiles; q++)
	{
		double		position = (total - 1) * p[q];
		double		rank = floor(position);
		double		low,
					high;

		while (before + values->counts[sorted[i].row] <= rank && i + 1 < values->n)
			before += values->counts[sorted[i++].row];
		low = high = value_of_key(sorted[i].key);
		if (before + values->counts[sorted[i].row] <= rank + 1 && i + 1 < values->n)
			high = value_of_key(sorted[i + 1].key);
		result[q] = low + (position - rank) * (high - low);
	}
	host->release(entries);
}

void
scaling_fit(InputScaling *scaling, InputFacts *facts, const double *rows,
			const size_t *order, const double *counts, size_t n, size_t width,
			size_t at, const Host *host)
{
	static const double quarters[] = {0.25, 0.5, 0.75};
	Values		values = {host_allocate(host, (n + 1) * sizeof(double)), counts, n, host};
	double		quartile[3];

	for (size_t i = 0; i < n; i++)
	{
		check_row(&values, i);
		values.value[i] = rows[order[i] * width + at];
	}
	facts->distinct = count_distinct(&values);
	find_most_common(&values, facts);
	facts->middle_is_one = false;
	for (size_t i = 0; i < n && takes_logarithm(scaling->method); i++)
	{
		check_row(&values, i);
		values.value[i] = signed_log1p(values.value[i]);
	}
	scaling->shift = 0.0;
	scaling->scale = 1.0;
	switch (scaling->method)
	{
		case SCALING_NONE:
		case SCALING_LOG1P:
			break;
		case SCALING_ZSCORE:
		case SCALING_LOG1P_ZSCORE:
			mean_and_deviation(&values, &scaling->shift, &scaling->scale);
			break;
		case SCALING_ROBUST:
		case SCALING_LOG1P_ROBUST:
			find_quantiles(&values, quarters, 3, quartile);
			mean_and_deviation(&values, &scaling->shift, &scaling->scale);
			scaling->shift = quartile[1];
			if (quartile[2] > quartile[0])
				scaling->scale = (quartile[2] - quartile[0]) / NORMAL_QUARTILES;
			else
				facts->middle_is_one = facts->distinct > 1;
			break;
	}
	/* Where all are equal, or as good as, the input is 0 everywhere. */
	if (is_centred(scaling->method) && facts->distinct == 1)
	{
		scaling->shift = values.value[0];
		scaling->scale = 1.0;
	}
	if (!(scaling->scale > 0.0))
		scaling->scale = 1.0;
	host->release(values.value);
}

double
scaling_apply(const InputScaling *scaling, double x)
{
	if (takes_logarithm(scaling->method))
		x = signed_log1p(x);
	return (x - scaling->shift) / scaling->scale + 0.0;
}

double
scaling_invert(const InputScaling *scaling, double scaled)
{
	double		x = scaled * scaling->scale + scaling->shift;

	if (takes_logarithm(scaling->method))
		x = copysign(expm1(fabs(x)), x);
	return x + 0.0;
}
