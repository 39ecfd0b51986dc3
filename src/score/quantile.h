/*
 * quantile.h
 *		Thresholds for scores 1..n: the values at given positions of a sorted
 *		set, found by selection within a fixed amount of memory.
 */
#ifndef CUSTOMER_SCORING_QUANTILE_H
#define CUSTOMER_SCORING_QUANTILE_H

#include "storage/buffile.h"

#define MIN_BINS	1
#define MAX_BINS	100

/* No limit on the memory of a QuantileValues but the machine's. */
#define QUANTILE_UNLIMITED	MaxAllocHugeSize

/* Whose rank counts for equal values. */
typedef enum RankTies
{
	RANK_TIES_LOW,
	RANK_TIES_MID,
	RANK_TIES_HIGH
} RankTies;

/*
 * Values whose quantiles will be asked for, as keys: unsigned integers in the
 * order of the values. Past the budget they move to a temporary file. NULLs
 * may stand between them, to keep the place of a row; they count for nothing.
 */
typedef struct QuantileValues
{
	MemoryContext context;
	uint64	   *keys;
	int64		count;			/* keys in memory, NULLs included */
	int64		capacity;		/* keys allocated */
	int64		limit;			/* keys that the budget allows */
	int64		scratch;		/* keys that may be copied at a time */
	BufFile    *file;			/* NULL while everything is in memory */
	int64		in_file;		/* NULLs included */
	int64		nulls;
} QuantileValues;

/* The key of NULL: no finite value has it. */
#define QUANTILE_NULL_KEY	UINT64CONST(0)

/* The thresholds that a value is scored against, ascending. */
typedef struct Thresholds
{
	int			count;
	double		value[MAX_BINS - 1];
} Thresholds;

extern void check_bins(int bins);

extern void quantile_sort_keys(uint64 *keys, size_t n);
extern void quantile_values_init(QuantileValues *values, int64 expected, Size budget);
extern void quantile_values_make_room(QuantileValues *values);
extern void quantile_values_merge(QuantileValues *values, const QuantileValues *other);
extern void quantile_values_free(QuantileValues *values);

/* There must be a value that is not NULL. */
extern void find_quantile_thresholds(QuantileValues *values, int bins, Thresholds *thresholds);
extern void find_rank_thresholds(QuantileValues *values, int bins, RankTies ties,
								 Thresholds *thresholds);

/* The score of every value in the order they came, 0 for NULL. */
extern void quantile_values_score(QuantileValues *values, const Thresholds *thresholds,
								  bool higher_is_better, uint8 *scores);

/*
 * The key of a finite value: flipping the sign bit of positive numbers, and
 * all bits of negative ones, makes the bit patterns sort as the numbers do.
 */
static inline uint64
quantile_key(double value)
{
	uint64		bits;

	value += 0.0;				/* -0 becomes 0 */
	memcpy(&bits, &value, sizeof(bits));
	return (bits >> 63) ? ~bits : bits | UINT64CONST(0x8000000000000000);
}

static inline double
quantile_key_value(uint64 key)
{
	double		value;

	key = (key >> 63) ? key & ~UINT64CONST(0x8000000000000000) : ~key;
	memcpy(&value, &key, sizeof(value));
	return value;
}

static inline void
quantile_values_add_key(QuantileValues *values, uint64 key)
{
	if (unlikely(values->count == values->capacity))
		quantile_values_make_room(values);
	values->keys[values->count++] = key;
}

static inline void
quantile_values_add(QuantileValues *values, double value)
{
	quantile_values_add_key(values, quantile_key(value));
}

static inline void
quantile_values_add_null(QuantileValues *values)
{
	quantile_values_add_key(values, QUANTILE_NULL_KEY);
	values->nulls++;
}

/* NULLs included. */
static inline int64
quantile_values_places(const QuantileValues *values)
{
	return values->in_file + values->count;
}

static inline int64
quantile_values_count(const QuantileValues *values)
{
	return quantile_values_places(values) - values->nulls;
}

/* Up to this many thresholds, looking at all of them is faster than searching. */
#define FEW_THRESHOLDS	16

/* How many of the ascending thresholds are below the value. */
static inline int
thresholds_below(double value, const double *thresholds, int count)
{
	int			low = 0;

	if (count <= FEW_THRESHOLDS)
	{
		for (int i = 0; i < count; i++)
			low += thresholds[i] < value;
		return low;
	}
	while (count > 0)
	{
		int			half = count / 2;

		if (thresholds[low + half] < value)
		{
			low += half + 1;
			count -= half + 1;
		}
		else
			count = half;
	}
	return low;
}

/* How many of the ascending thresholds are above the value. */
static inline int
thresholds_above(double value, const double *thresholds, int count)
{
	int			low = 0;
	int			left = count;

	if (count <= FEW_THRESHOLDS)
	{
		for (int i = 0; i < count; i++)
			low += thresholds[i] > value;
		return low;
	}
	while (left > 0)
	{
		int			half = left / 2;

		if (thresholds[low + half] <= value)
		{
			low += half + 1;
			left -= half + 1;
		}
		else
			left = half;
	}
	return count - low;
}

/* The tie rule: one more than the number of thresholds strictly beaten. */
static inline int
score_by_thresholds(double value, const double *thresholds, int count, bool higher_is_better)
{
	return 1 + (higher_is_better ? thresholds_below(value, thresholds, count)
				: thresholds_above(value, thresholds, count));
}

#endif							/* CUSTOMER_SCORING_QUANTILE_H */
