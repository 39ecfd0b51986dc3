/*
 * disclosure.c
 *		Which sums over classes of people can be told without telling one of
 *		too few of them.
 *
 * A class is a set of people that no published table tells apart. Every number
 * that is published is a sum over some classes: a vector of 0 and 1. What a
 * reader can compute from several of them by adding, subtracting and multiplying
 * is their linear span, for numbers of people as for revenue and for whatever
 * else adds up. A vector of 0 and 1 is small if its classes together have at least
 * one person and fewer than the minimum. So a further sum may be told if no
 * small vector comes into the span.
 *
 * The span is held as a basis in reduced row echelon form: every row has a
 * pivot, a column in which it has 1 and all others have 0. A vector of 0 and 1
 * in the span is the sum of those rows whose pivots it contains. So it is quick
 * to say of a given set whether it follows. That is asked of every set that is
 * to be protected. To find whatever else is small is as hard as to find the
 * lightest words of a code; as is done there, the rows and the sums of two of
 * them are looked at. With the class of most people as the pivot of each row,
 * a small set has few pivots.
 *
 * Numbers are taken modulo a prime. That a set is found to follow and doesn't
 * would need a coincidence of one in 2^31, and cost one number. The other way
 * round it would need coefficients that are multiples of the prime.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "disclosure.h"
#include "memory.h"

#define PRIME UINT64CONST(2147483647)	/* 2^31 - 1 */

/* What is done in all, in numbers touched: a second or two. Then no more is told. */
#define MAX_EFFORT INT64CONST(400000000)

typedef struct Row
{
	int			pivot;
	int			n;
	int		   *column;			/* ascending */
	uint32	   *value;			/* never 0 */
} Row;

typedef struct ProtectedSet
{
	int			n;
	int		   *classes;		/* ascending */
} ProtectedSet;

struct Disclosure
{
	MemoryContext context;
	int			classes;
	int64		minimum;
	int64	   *people;			/* by class */
	int		   *row_of;			/* by class: the row whose pivot it is, or -1 */
	Row		   *rows;
	int			nrows;
	int			maxrows;
	int64		effort;

	/* The vector at hand, dense, and the columns in which it is not 0, or was */
	uint32	   *vector;
	int		   *touched;
	int			ntouched;
	bool	   *is_touched;

	bool	   *changed;		/* by row: by the vector added last */

	/* The sets that must not follow */
	ProtectedSet *sets;
	int			nsets;
	int			maxsets;
};

static uint32
multiply(uint32 a, uint32 b)
{
	return (uint64) a * b % PRIME;
}

static uint32
subtract(uint32 a, uint32 b)
{
	return a >= b ? a - b : a + (uint32) PRIME - b;
}

/* By Fermat's little theorem */
static uint32
inverse(uint32 a)
{
	uint32		result = 1;

	for (uint64 exponent = PRIME - 2; exponent > 0; exponent >>= 1)
	{
		if (exponent & 1)
			result = multiply(result, a);
		a = multiply(a, a);
	}
	return result;
}

Disclosure *
disclosure_start(int classes, const int64 *people, int64 minimum)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "disclosure", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Disclosure *d = palloc0(sizeof(Disclosure));
	Size		n = Max(classes, 1);

	d->context = context;
	d->classes = classes;
	d->minimum = minimum;
	d->people = palloc_extended(n * sizeof(int64), MCXT_ALLOC_HUGE);
	d->row_of = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
	for (int c = 0; c < classes; c++)
	{
		d->people[c] = people[c];
		d->row_of[c] = -1;
	}
	d->vector = palloc_extended(n * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	d->touched = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
	d->is_touched = palloc_extended(n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	d->maxrows = 64;
	d->rows = palloc(d->maxrows * sizeof(Row));
	d->changed = palloc0(d->maxrows);
	d->maxsets = 64;
	d->sets = palloc(d->maxsets * sizeof(ProtectedSet));
	MemoryContextSwitchTo(old);
	return d;
}

void
disclosure_end(Disclosure *d)
{
	MemoryContextDelete(d->context);
}

static void
clear_vector(Disclosure *d)
{
	for (int i = 0; i < d->ntouched; i++)
	{
		d->vector[d->touched[i]] = 0;
		d->is_touched[d->touched[i]] = false;
	}
	d->ntouched = 0;
}

static inline void
touch(Disclosure *d, int column)
{
	if (!d->is_touched[column])
	{
		d->is_touched[column] = true;
		d->touched[d->ntouched++] = column;
	}
}

/* vector -= factor * row */
static void
subtract_row(Disclosure *d, const Row *row, uint32 factor)
{
	for (int i = 0; i < row->n; i++)
	{
		int			column = row->column[i];

		touch(d, column);
		d->vector[column] = subtract(d->vector[column], multiply(factor, row->value[i]));
	}
	d->effort += row->n;
}

static int
compare_ints(const void *a, const void *b)
{
	int			x = *(const int *) a;
	int			y = *(const int *) b;

	return (x > y) - (x < y);
}

/* The vector as a row, times a factor; forgets the vector. */
static void
store_vector(Disclosure *d, Row *row, uint32 factor)
{
	int			n = 0;

	qsort(d->touched, d->ntouched, sizeof(int), compare_ints);
	for (int i = 0; i < d->ntouched; i++)
		n += d->vector[d->touched[i]] != 0;
	row->column = MemoryContextAllocExtended(d->context, Max(n, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	row->value = MemoryContextAllocExtended(d->context, Max(n, 1) * sizeof(uint32),
											MCXT_ALLOC_HUGE);
	row->n = 0;
	for (int i = 0; i < d->ntouched; i++)
	{
		uint32		value = d->vector[d->touched[i]];

		if (value != 0)
		{
			row->column[row->n] = d->touched[i];
			row->value[row->n++] = multiply(value, factor);
		}
	}
	d->effort += d->ntouched;
	clear_vector(d);
}

static void
free_row(Row *row)
{
	pfree(row->column);
	pfree(row->value);
}

static uint32
value_at(const Row *row, int column)
{
	int		   *found;

	if (row->n == 1)
		return row->column[0] == column ? row->value[0] : 0;
	found = bsearch(&column, row->column, row->n, sizeof(int), compare_ints);
	return found == NULL ? 0 : row->value[found - row->column];
}

void
disclosure_protect(Disclosure *d, const int *classes, int n)
{
	ProtectedSet *set;

	ARRAY_ROOM(d->sets, d->nsets, d->maxsets, 64);
	set = &d->sets[d->nsets++];
	set->n = n;
	set->classes = MemoryContextAllocExtended(d->context, Max(n, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	memcpy(set->classes, classes, n * sizeof(int));
	qsort(set->classes, n, sizeof(int), compare_ints);
}

/* Does the sum over a set follow, by a row that has changed? */
static bool
follows(Disclosure *d, const ProtectedSet *set)
{
	bool		changed = false;
	bool		result = true;

	for (int i = 0; i < set->n && !changed; i++)
	{
		int			r = d->row_of[set->classes[i]];

		changed = r >= 0 && d->changed[r];
	}
	d->effort += set->n;
	if (!changed)
		return false;
	for (int i = 0; i < set->n; i++)
	{
		int			r = d->row_of[set->classes[i]];

		/* fewer than the minimum have few classes */
		if (r >= 0)
			subtract_row(d, &d->rows[r], (uint32) PRIME - 1);
	}
	for (int i = 0; i < set->n && result; i++)
	{
		result = d->vector[set->classes[i]] == 1;
		d->vector[set->classes[i]] = 0;
	}
	for (int i = 0; i < d->ntouched && result; i++)
		result = d->vector[d->touched[i]] == 0;
	clear_vector(d);
	return result;
}

/*
 * The people in a row, or in the sum of two, if it is a small set; 0 if not.
 * "column" is set to one that another row would have to cancel.
 */
static int64
small_row(Disclosure *d, const Row *row, int *column)
{
	int64		people = 0;

	for (int i = 0; i < row->n; i++)
	{
		int			c = row->column[i];

		if (row->value[i] != 1 || d->people[c] >= d->minimum)
		{
			*column = c;
			return 0;
		}
		people += d->people[c];
	}
	*column = -1;
	return people < d->minimum ? people : 0;
}

static bool
small_sum(Disclosure *d, const Row *x, const Row *y)
{
	int64		people = 0;
	int			i = 0;
	int			j = 0;

	while (i < x->n || j < y->n)
	{
		int			c;
		uint64		value = 0;

		c = j == y->n || (i < x->n && x->column[i] < y->column[j]) ? x->column[i] : y->column[j];
		if (i < x->n && x->column[i] == c)
			value += x->value[i++];
		if (j < y->n && y->column[j] == c)
			value += y->value[j++];
		value %= PRIME;
		d->effort++;
		if (value == 0)
			continue;
		if (value != 1)
			return false;
		people += d->people[c];
		if (people >= d->minimum)
			return false;
	}
	return people > 0;
}

/* Is a row that has changed a small set, or with another one? */
static bool
small_set_with(Disclosure *d, int r)
{
	const Row  *row = &d->rows[r];
	int			column;

	if (d->people[row->pivot] >= d->minimum)
		return false;
	if (small_row(d, row, &column) > 0)
		return true;
	if (column < 0)
		return false;
	for (int other = 0; other < d->nrows; other++)
	{
		if (other != r && d->people[d->rows[other].pivot] + d->people[row->pivot] < d->minimum &&
			value_at(&d->rows[other], column) != 0 && small_sum(d, row, &d->rows[other]))
			return true;
	}
	d->effort += d->nrows;
	return false;
}

/*
 * The sum over some classes, less what the rows say of it. Returns the column
 * for the pivot of a row of it, that of most people; -1 if nothing is left: the sum
 * follows.
 */
static int
reduce(Disclosure *d, const int *classes, int n)
{
	int			pivot = -1;

	for (int i = 0; i < n; i++)
	{
		touch(d, classes[i]);
		d->vector[classes[i]] = 1;
	}
	/* no row has a pivot of another, so that the order doesn't matter */
	for (int i = 0; i < n; i++)
	{
		int			r = d->row_of[classes[i]];

		if (r >= 0)
			subtract_row(d, &d->rows[r], d->vector[classes[i]]);
	}
	for (int i = 0; i < d->ntouched; i++)
	{
		int			c = d->touched[i];

		if (d->vector[c] != 0 &&
			(pivot < 0 || d->people[c] > d->people[pivot] ||
			 (d->people[c] == d->people[pivot] && c < pivot)))
			pivot = c;
	}
	return pivot;
}

/* What a new row has done to the basis */
typedef struct Change
{
	int			n;
	int		   *at;				/* the rows that are others now */
	Row		   *was;			/* as they were */
} Change;

/* The vector at hand as a new row; its pivot goes out of all others. */
static Change
add_row(Disclosure *d, int pivot)
{
	MemoryContext old = MemoryContextSwitchTo(d->context);
	Change		change = {0};
	Row		   *new;

	if (d->nrows == d->maxrows)
	{
		d->changed = resize_memory(d->changed, 2 * d->maxrows);
		memset(d->changed + d->maxrows, 0, d->maxrows);
		ARRAY_ROOM(d->rows, d->nrows, d->maxrows, 64);
	}
	new = &d->rows[d->nrows];
	new->pivot = pivot;
	store_vector(d, new, inverse(d->vector[pivot]));
	d->row_of[pivot] = d->nrows;
	change.was = palloc(Max(d->nrows, 1) * sizeof(Row));
	change.at = palloc(Max(d->nrows, 1) * sizeof(int));
	for (int r = 0; r < d->nrows; r++)
	{
		Row		   *row = &d->rows[r];
		uint32		value = value_at(row, pivot);

		if (value == 0)
			continue;
		change.was[change.n] = *row;
		change.at[change.n++] = r;
		subtract_row(d, row, (uint32) PRIME - 1);
		subtract_row(d, new, value);
		store_vector(d, row, 1);
	}
	d->effort += d->nrows;
	d->nrows++;
	MemoryContextSwitchTo(old);
	return change;
}

/* A set that follows now and didn't before has the new row in it, or one that has changed. */
static bool
tells_too_much(Disclosure *d, const Change *change)
{
	int			new = d->nrows - 1;
	bool		small = d->effort > MAX_EFFORT;

	d->changed[new] = true;
	for (int i = 0; i < change->n; i++)
		d->changed[change->at[i]] = true;
	for (int i = 0; i < d->nsets && !small; i++)
		small = follows(d, &d->sets[i]);
	if (!small)
		small = small_set_with(d, new);
	for (int i = 0; i < change->n && !small; i++)
		small = small_set_with(d, change->at[i]);
	d->changed[new] = false;
	for (int i = 0; i < change->n; i++)
		d->changed[change->at[i]] = false;
	return small;
}

/* All as it was before the last row. */
static void
take_back(Disclosure *d, Change *change)
{
	Row		   *new = &d->rows[--d->nrows];

	d->row_of[new->pivot] = -1;
	free_row(new);
	for (int i = 0; i < change->n; i++)
	{
		Row			is = d->rows[change->at[i]];

		d->rows[change->at[i]] = change->was[i];
		change->was[i] = is;
	}
}

/*
 * Add a vector to the basis. If it is to be safe and is not, all stays as it
 * was.
 */
static bool
add_vector(Disclosure *d, const int *classes, int n, bool safe)
{
	int			pivot;
	Change		change;
	bool		small;

	CHECK_FOR_INTERRUPTS();
	pivot = reduce(d, classes, n);
	if (pivot < 0)
	{
		/* follows from what is known */
		clear_vector(d);
		return true;
	}
	change = add_row(d, pivot);
	small = safe && tells_too_much(d, &change);
	if (small)
		take_back(d, &change);
	for (int i = 0; i < change.n; i++)
		free_row(&change.was[i]);
	pfree(change.was);
	pfree(change.at);
	return !small;
}

void
disclosure_know(Disclosure *d, const int *classes, int n)
{
	(void) add_vector(d, classes, n, false);
}

bool
disclosure_tell(Disclosure *d, const int *classes, int n)
{
	int64		people = 0;

	for (int i = 0; i < n; i++)
		people += d->people[classes[i]];
	if ((people > 0 && people < d->minimum) || d->effort > MAX_EFFORT)
		return false;
	return add_vector(d, classes, n, true);
}
