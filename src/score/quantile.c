/*
 * quantile.c
 *		Thresholds for scores 1..n: the values at given positions of a sorted
 *		set, found by selection within a fixed amount of memory.
 *
 * Quantiles and rank scores need the values at a few positions only, so
 * nothing is sorted. A pass over the keys counts them in 2048 equal ranges
 * between the lowest and the highest; another copies the keys of the few ranges
 * that hold a wanted position to a small scratch area, where the same is done
 * within each of them. A range too large for that is counted again in 2048
 * ranges of its own. This is linear for any distribution, for a range becomes
 * 2048 times narrower each time; it reads the keys in sequence, so that they
 * may as well be in a temporary file; and it leaves them as they are.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#include "compat.h"
#include "memory.h"
#include "quantile.h"

#define ST_SORT sort_keys
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

void
quantile_sort_keys(uint64 *keys, size_t n)
{
	sort_keys(keys, n);
}

#define RANGE_BITS		11
#define RANGES			(1 << RANGE_BITS)

/* Below this many keys, sorting them is the faster way. */
#define SORT_BELOW		512

/* Keys handled between two looks at interrupts. */
#define CHUNK			65536

/* Keys read from a file at a time. */
#define FILE_BLOCK		1024

/* A type-7 quantile needs two neighbours, for each of the thresholds. */
#define MAX_POSITIONS	(2 * (MAX_BINS - 1))

/* What is asked of a sorted set, and the answer. */
typedef struct Position
{
	int64		position;		/* in: 0 .. n - 1 */
	uint64		key;			/* out: the key there */
	int64		below;			/* out: keys less than that */
	int64		through;		/* out: keys less than or equal to that */
} Position;

/* Keys that lie in one of the ranges of interest, or in none of them. */
typedef struct KeyClass
{
	int64		start;
	int64		count;
	int64		offset;			/* keys of the whole set that are less */
	Position   *positions;
	int			npositions;
} KeyClass;

typedef struct Ranges
{
	uint64		lowest;
	uint64		width;			/* highest - lowest */
	int			shift;
	int64		count[RANGES];
	uint8		class_of[RANGES];	/* 0: of no interest */
} Ranges;

/* All keys of a set in sequence, a chunk at a time. */
typedef struct KeyStream
{
	const QuantileValues *values;
	uint64	   *block;			/* for keys that come from a file */
	int64		next;
} KeyStream;

void
check_bins(int bins)
{
	if (bins < MIN_BINS || bins > MAX_BINS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must be between %d and %d, not %d", MIN_BINS, MAX_BINS, bins)));
}

/*
 * Collecting values
 */

/* The values will live in the current memory context. */
void
quantile_values_init(QuantileValues *values, int64 expected, Size budget)
{
	memset(values, 0, sizeof(*values));
	values->context = CurrentMemoryContext;
	budget = Min(budget, MaxAllocHugeSize);
	values->scratch = Min(Max((int64) (budget / 32 / sizeof(uint64)), FILE_BLOCK), CHUNK);
	values->limit = Max((int64) (budget / sizeof(uint64)) - values->scratch, FILE_BLOCK);
	values->capacity = Min(Max(expected, 1), values->limit);
	values->keys = MemoryContextAllocHuge(values->context,
										  (Size) values->capacity * sizeof(uint64));
}

/* Move the keys in memory to the end of the file. */
static void
spill(QuantileValues *values)
{
	if (values->file == NULL)
	{
		MemoryContext old_context = MemoryContextSwitchTo(values->context);

		values->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old_context);
	}
	for (int64 i = 0; i < values->count; i += CHUNK)
	{
		CHECK_FOR_INTERRUPTS();
		BufFileWrite(values->file, values->keys + i,
					 (size_t) Min(CHUNK, values->count - i) * sizeof(uint64));
	}
	values->in_file += values->count;
	values->count = 0;
}

void
quantile_values_make_room(QuantileValues *values)
{
	int64		capacity;

	if (values->capacity >= values->limit)
	{
		if (values->limit >= (int64) (MaxAllocHugeSize / sizeof(uint64)) - values->scratch)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many values for quantiles")));
		spill(values);
		return;
	}
	capacity = values->capacity > values->limit / 2 ? values->limit : values->capacity * 2;
	values->keys = resize_memory(values->keys, (Size) capacity * sizeof(uint64));
	values->capacity = capacity;
}

/* Both must be in memory, and unlimited. */
void
quantile_values_merge(QuantileValues *values, const QuantileValues *other)
{
	Assert(values->file == NULL && other->file == NULL);
	while (values->capacity - values->count < other->count)
		quantile_values_make_room(values);
	memcpy(values->keys + values->count, other->keys, (Size) other->count * sizeof(uint64));
	values->count += other->count;
	values->nulls += other->nulls;
}

void
quantile_values_free(QuantileValues *values)
{
	if (values->file)
		BufFileClose(values->file);
	if (values->keys)
		pfree(values->keys);
	values->file = NULL;
	values->keys = NULL;
	values->count = values->capacity = values->in_file = values->nulls = 0;
}

/*
 * Reading them in sequence
 */

static void
stream_open(KeyStream *stream, const QuantileValues *values)
{
	stream->values = values;
	stream->next = 0;
	stream->block = NULL;
	if (values->file == NULL)
		return;
	Assert(values->count == 0);
	stream->block = palloc(FILE_BLOCK * sizeof(uint64));
	if (BufFileSeek(values->file, 0, 0, SEEK_SET) != 0)
		elog(ERROR, "could not rewind a temporary file");
}

/* The next keys and their number, or 0 at the end. */
static int
stream_next(KeyStream *stream, const uint64 **keys)
{
	int64		left = quantile_values_places(stream->values) - stream->next;
	int			count;

	CHECK_FOR_INTERRUPTS();
	if (stream->block == NULL)
	{
		count = (int) Min(left, CHUNK);
		*keys = stream->values->keys + stream->next;
	}
	else
	{
		size_t		size;

		count = (int) Min(left, FILE_BLOCK);
		size = (size_t) count * sizeof(uint64);
		if (count > 0 && BufFileRead(stream->values->file, stream->block, size) != size)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read from a temporary file: it is too short")));
		*keys = stream->block;
	}
	stream->next += count;
	return count;
}

static void
stream_close(KeyStream *stream)
{
	if (stream->block)
		pfree(stream->block);
}

/*
 * Selection
 */

/* All keys are equal: every position has the same answer. */
static void
answer_constant(uint64 key, int64 offset, int64 n, Position *positions, int npositions)
{
	for (int i = 0; i < npositions; i++)
	{
		positions[i].key = key;
		positions[i].below = offset;
		positions[i].through = offset + n;
	}
}

static void
answer_sorted(const uint64 *keys, int64 offset, int64 n, Position *positions, int npositions)
{
	for (int i = 0; i < npositions; i++)
	{
		int64		at = positions[i].position - offset;
		int64		from = at;
		int64		to = at;

		while (from > 0 && keys[from - 1] == keys[at])
			from--;
		while (to < n && keys[to] == keys[at])
			to++;
		positions[i].key = keys[at];
		positions[i].below = offset + from;
		positions[i].through = offset + to;
	}
}

/* Divide lowest .. highest, which differ, into at most 2048 ranges. */
static void
set_ranges(Ranges *ranges, uint64 lowest, uint64 highest)
{
	int			bits = pg_leftmost_one_pos64(highest - lowest) + 1;

	ranges->lowest = lowest;
	ranges->width = highest - lowest;
	ranges->shift = Max(bits - RANGE_BITS, 0);
	memset(ranges->count, 0, sizeof(ranges->count));
	memset(ranges->class_of, 0, sizeof(ranges->class_of));
}

static inline int
range_of(const Ranges *ranges, uint64 key)
{
	return (int) ((key - ranges->lowest) >> ranges->shift);
}

/*
 * The ranges that hold a position become classes 1, 2, ... in their order.
 * Returns how many there are; class 0 is what is in none of them.
 */
static int
make_classes(Ranges *ranges, int64 offset, int64 n, Position *positions, int npositions,
			 KeyClass *classes)
{
	int			nclasses = 0;
	int			range = 0;
	int64		before = offset;
	int64		start = 0;

	for (int i = 0; i < npositions;)
	{
		KeyClass   *class = &classes[++nclasses];

		while (before + ranges->count[range] <= positions[i].position)
			before += ranges->count[range++];
		ranges->class_of[range] = (uint8) nclasses;
		class->start = start;
		class->count = ranges->count[range];
		class->offset = before;
		class->positions = &positions[i];
		class->npositions = 0;
		while (i < npositions && positions[i].position < before + class->count)
		{
			class->npositions++;
			i++;
		}
		start += class->count;
	}
	classes[0].start = start;
	classes[0].count = n - start;
	return nclasses;
}

/*
 * Bring the keys of each class together, in place: class 1 first, class 0
 * last. A key in the wrong place is exchanged for the next key that is in the
 * wrong place where it belongs.
 */
static void
gather_classes(uint64 *keys, const Ranges *ranges, const KeyClass *classes, int nclasses)
{
	int64		next[MAX_POSITIONS + 1];
	int64		work = 0;

	for (int c = 0; c <= nclasses; c++)
		next[c] = classes[c].start;
	for (int c = 1; c <= nclasses; c++)
	{
		int64		end = classes[c].start + classes[c].count;

		while (next[c] < end)
		{
			uint64		key = keys[next[c]];
			int			class = ranges->class_of[range_of(ranges, key)];

			while (class != c)
			{
				uint64		displaced;
				int			displaced_class;

				do
				{
					displaced = keys[next[class]++];
					displaced_class = ranges->class_of[range_of(ranges, displaced)];
					if (++work >= CHUNK)
					{
						CHECK_FOR_INTERRUPTS();
						work = 0;
					}
				} while (displaced_class == class);
				keys[next[class] - 1] = key;
				key = displaced;
				class = displaced_class;
			}
			keys[next[c]++] = key;
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Answer for the positions, which are ascending and within offset .. offset +
 * n - 1, where keys[] are the keys of these places in any order.
 */
static void
select_in_memory(uint64 *keys, int64 offset, int64 n, Position *positions, int npositions)
{
	uint64		lowest = keys[0];
	uint64		highest = keys[0];
	Ranges	   *ranges;
	KeyClass	classes[MAX_POSITIONS + 1];
	int			nclasses;

	Assert(npositions <= MAX_POSITIONS);
	if (n < SORT_BELOW)
	{
		sort_keys(keys, (size_t) n);
		answer_sorted(keys, offset, n, positions, npositions);
		return;
	}

	for (int64 i = 0; i < n;)
	{
		int64		stop = Min(i + CHUNK, n);

		for (; i < stop; i++)
		{
			lowest = Min(lowest, keys[i]);
			highest = Max(highest, keys[i]);
		}
		CHECK_FOR_INTERRUPTS();
	}
	if (lowest == highest)
	{
		answer_constant(lowest, offset, n, positions, npositions);
		return;
	}

	ranges = palloc(sizeof(Ranges));
	set_ranges(ranges, lowest, highest);
	for (int64 i = 0; i < n;)
	{
		int64		stop = Min(i + CHUNK, n);

		for (; i < stop; i++)
			ranges->count[range_of(ranges, keys[i])]++;
		CHECK_FOR_INTERRUPTS();
	}
	nclasses = make_classes(ranges, offset, n, positions, npositions, classes);
	gather_classes(keys, ranges, classes, nclasses);
	pfree(ranges);

	for (int c = 1; c <= nclasses; c++)
		select_in_memory(keys + classes[c].start, classes[c].offset, classes[c].count,
						 classes[c].positions, classes[c].npositions);
}

/* The extremes of the keys in lowest .. highest, of which there must be one. */
static void
stream_extremes(const QuantileValues *values, uint64 *lowest, uint64 *highest)
{
	uint64		from = *lowest;
	uint64		width = *highest - *lowest;
	const uint64 *keys;
	KeyStream	stream;
	int			count;

	*lowest = PG_UINT64_MAX;
	*highest = 0;
	stream_open(&stream, values);
	while ((count = stream_next(&stream, &keys)) > 0)
	{
		for (int i = 0; i < count; i++)
		{
			if (keys[i] - from <= width)
			{
				*lowest = Min(*lowest, keys[i]);
				*highest = Max(*highest, keys[i]);
			}
		}
	}
	stream_close(&stream);
}

/*
 * Answer for the positions, which are ascending and within offset .. offset +
 * n - 1, where the n keys in lowest .. highest are those of these places. The
 * scratch area has room for values->scratch keys.
 */
static void
select_in_stream(const QuantileValues *values, uint64 lowest, uint64 highest, int64 offset, int64 n,
				 Position *positions, int npositions, uint64 *scratch)
{
	Ranges	   *ranges;
	KeyClass   *classes;
	int			nclasses;
	int			last;
	const uint64 *keys;
	KeyStream	stream;
	int			count;

	stream_extremes(values, &lowest, &highest);
	if (lowest == highest)
	{
		answer_constant(lowest, offset, n, positions, npositions);
		return;
	}

	ranges = palloc(sizeof(Ranges));
	classes = palloc((MAX_POSITIONS + 1) * sizeof(KeyClass));
	set_ranges(ranges, lowest, highest);
	stream_open(&stream, values);
	while ((count = stream_next(&stream, &keys)) > 0)
	{
		for (int i = 0; i < count; i++)
		{
			if (keys[i] - ranges->lowest <= ranges->width)
				ranges->count[range_of(ranges, keys[i])]++;
		}
	}
	stream_close(&stream);
	nclasses = make_classes(ranges, offset, n, positions, npositions, classes);

	/* As many classes at a time as scratch holds; one too large for it, alone. */
	for (int first = 1; first <= nclasses; first = last + 1)
	{
		int64		total = classes[first].count;
		int64		base = classes[first].start;
		int64		next[MAX_POSITIONS + 1];

		last = first;
		if (total > values->scratch)
		{
			int			range = 0;
			uint64		from;

			while (ranges->class_of[range] != first)
				range++;
			from = lowest + ((uint64) range << ranges->shift);
			select_in_stream(values, from,
							 Min(highest - from, (UINT64CONST(1) << ranges->shift) - 1) + from,
							 classes[first].offset, total,
							 classes[first].positions, classes[first].npositions, scratch);
			continue;
		}
		for (; last < nclasses && total + classes[last + 1].count <= values->scratch; last++)
			total += classes[last + 1].count;
		for (int c = first; c <= last; c++)
			next[c] = classes[c].start - base;
		stream_open(&stream, values);
		while ((count = stream_next(&stream, &keys)) > 0)
		{
			for (int i = 0; i < count; i++)
			{
				int			c;

				if (keys[i] - ranges->lowest > ranges->width)
					continue;
				c = ranges->class_of[range_of(ranges, keys[i])];
				if (c >= first && c <= last)
					scratch[next[c]++] = keys[i];
			}
		}
		stream_close(&stream);
		for (int c = first; c <= last; c++)
			select_in_memory(scratch + classes[c].start - base, classes[c].offset, classes[c].count,
							 classes[c].positions, classes[c].npositions);
	}
	pfree(classes);
	pfree(ranges);
}

static void
find_positions(QuantileValues *values, Position *positions, int npositions)
{
	int64		n = quantile_values_count(values);
	uint64	   *scratch;

	if (npositions == 0)
		return;
	if (values->file != NULL && values->count > 0)
		spill(values);
	scratch = palloc((Size) Min(n, values->scratch) * sizeof(uint64));
	if (values->file == NULL && n <= values->scratch)
	{
		int64		copied = 0;

		for (int64 i = 0; i < values->count; i++)
		{
			if (values->keys[i] != QUANTILE_NULL_KEY)
				scratch[copied++] = values->keys[i];
		}
		select_in_memory(scratch, 0, n, positions, npositions);
	}
	else
		select_in_stream(values, QUANTILE_NULL_KEY + 1, PG_UINT64_MAX, 0, n,
						 positions, npositions, scratch);
	pfree(scratch);
}

/* A score is at most 100: a byte holds it. */
void
quantile_values_score(QuantileValues *values, const Thresholds *thresholds, bool higher_is_better,
					  uint8 *scores)
{
	const uint64 *keys;
	KeyStream	stream;
	int			count;

	if (values->file != NULL && values->count > 0)
		spill(values);
	stream_open(&stream, values);
	while ((count = stream_next(&stream, &keys)) > 0)
	{
		for (int i = 0; i < count; i++)
			*scores++ = keys[i] == QUANTILE_NULL_KEY ? 0 :
				(uint8) score_by_thresholds(quantile_key_value(keys[i]), thresholds->value,
											thresholds->count, higher_is_better);
	}
	stream_close(&stream);
}

/*
 * Thresholds
 */

/* Between two neighbours, numerator / denominator of the way up. */
static double
interpolate(double low, double high, int64 numerator, int64 denominator)
{
	double		fraction = (double) numerator / (double) denominator;
	double		value = low + (high - low) * fraction;

	if (isinf(high - low))
		value = low * (1.0 - fraction) + high * fraction;
	return Min(Max(value, low), high);
}

/*
 * The quantiles k/bins of type 7: position (n - 1) * k / bins, in integers, so
 * that a position without a remainder gives the value itself.
 */
void
find_quantile_thresholds(QuantileValues *values, int bins, Thresholds *thresholds)
{
	int64		last = quantile_values_count(values) - 1;
	Position	positions[MAX_POSITIONS];
	int			npositions = 0;

	thresholds->count = bins - 1;
	for (int k = 1; k < bins; k++)
	{
		/* last * k / bins without overflow */
		int64		at = last / bins * k + last % bins * k / bins;

		if (npositions == 0 || positions[npositions - 1].position < at)
			positions[npositions++].position = at;
		if (last % bins * k % bins != 0 && positions[npositions - 1].position == at)
			positions[npositions++].position = at + 1;
	}
	find_positions(values, positions, npositions);

	for (int k = 1, i = 0; k < bins; k++)
	{
		int64		at = last / bins * k + last % bins * k / bins;
		int64		remainder = last % bins * k % bins;

		while (positions[i].position < at)
			i++;
		thresholds->value[k - 1] = quantile_key_value(positions[i].key);
		if (remainder != 0)
			thresholds->value[k - 1] = interpolate(thresholds->value[k - 1],
												   quantile_key_value(positions[i + 1].key),
										   remainder, bins);
	}
}

/*
 * 1 + floor(bins * (rank - 1) / n) as thresholds that a value must strictly beat.
 * With L values less than v and H less than or equal to it, v has the low rank L + 1,
 * the high rank H, and half their sum for mid. It gets beyond score k when
 *		low		L >= c,					c = ceil(k * n / bins)
 *		high	H >= c + 1
 *		mid		L + H >= t,				t = ceil(2 * k * n / bins) + 1
 * which means, with x the value at position c - 1, c and t / 2 (from 0), that v
 * beats x, reaches x, and one or the other by x's own L + H. To reach x is to
 * beat the number just below it.
 */
void
find_rank_thresholds(QuantileValues *values, int bins, RankTies ties, Thresholds *thresholds)
{
	int64		n = quantile_values_count(values);
	Position	positions[MAX_BINS - 1];
	Position   *found[MAX_BINS - 1];
	int64		sum_needed[MAX_BINS - 1];
	int			npositions = 0;

	thresholds->count = 0;
	for (int k = 1; k < bins; k++)
	{
		int64		at;

		/* ceil(k * n / bins) and ceil(2 * k * n / bins), without overflow */
		int64		c = n / bins * k + (n % bins * k + bins - 1) / bins;
		int64		t = n / bins * 2 * k + (n % bins * 2 * k + bins - 1) / bins + 1;

		if (ties == RANK_TIES_LOW)
			at = c - 1;
		else if (ties == RANK_TIES_HIGH)
			at = c;
		else
			at = t / 2;

		/* With fewer values than bins, high and mid may ask for more than there are. */
		if (at >= n)
			break;
		if (npositions == 0 || positions[npositions - 1].position < at)
			positions[npositions++].position = at;
		found[thresholds->count] = &positions[npositions - 1];
		sum_needed[thresholds->count] = t;
		thresholds->count++;
	}
	find_positions(values, positions, npositions);

	for (int i = 0; i < thresholds->count; i++)
	{
		const Position *x = found[i];
		bool		reach = ties == RANK_TIES_HIGH ||
			(ties == RANK_TIES_MID && x->below + x->through >= sum_needed[i]);

		thresholds->value[i] = quantile_key_value(x->key);
		if (reach)
			thresholds->value[i] = nextafter(thresholds->value[i], -INFINITY);
	}
}
