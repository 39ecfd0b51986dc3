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

/* What is done in all, in numbers touched: about a second. Then no more is told. */
#define MAX_EFFORT INT64CONST(400000000)

/*
 * Values by class, and the classes in which they are not 0, in any order. What is
 * done to a row takes time by what it has, and what is asked of it is at hand.
 */
typedef struct Row
{
	int			pivot;
	uint32	   *value;			/* by class */
	int		   *column;
	int			n;
} Row;

typedef struct ProtectedSet
{
	int			n;
	int		   *classes;		/* ascending */
	int			witness;		/* a class by which its sum doesn't follow; -1 if it does */
	bool		inside;			/* is that one of its own? */
} ProtectedSet;

/* The sets of a class, as a list */
typedef struct Link
{
	int			set;
	int			next;			/* -1 at the end */
} Link;

/* What a set's witness was before the last row */
typedef struct OldWitness
{
	int			set;
	int			witness;
	bool		inside;
} OldWitness;

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

	uint64	   *vector;			/* the vector at hand, by class */

	bool	   *changed;		/* by row: by the vector added last */

	/* The sets that must not follow */
	ProtectedSet *sets;
	int			nsets;
	int			maxsets;
	int		   *first_link;		/* by class, -1 if no set has it */
	Link	   *links;
	int			nlinks;
	int			maxlinks;
	OldWitness *old;
	int			nold;
	int			maxold;
};

/* Of anything below 2^62, as the product of two numbers and a third are */
static inline uint32
modulo(uint64 a)
{
	a = (a & PRIME) + (a >> 31);
	a = (a & PRIME) + (a >> 31);
	return (uint32) (a >= PRIME ? a - PRIME : a);
}

static inline uint32
multiply(uint32 a, uint32 b)
{
	return modulo((uint64) a * b);
}

static inline uint32
negative(uint32 a)
{
	return a == 0 ? 0 : (uint32) PRIME - a;
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
	d->first_link = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
	for (int c = 0; c < classes; c++)
	{
		d->people[c] = people[c];
		d->row_of[c] = -1;
		d->first_link[c] = -1;
	}
	d->vector = palloc_extended(n * sizeof(uint64), MCXT_ALLOC_HUGE);
	d->maxrows = 64;
	d->rows = palloc(d->maxrows * sizeof(Row));
	d->changed = palloc0(d->maxrows);
	d->maxsets = 64;
	d->sets = palloc(d->maxsets * sizeof(ProtectedSet));
	d->maxlinks = 256;
	d->links = palloc(d->maxlinks * sizeof(Link));
	d->maxold = 64;
	d->old = palloc(d->maxold * sizeof(OldWitness));
	MemoryContextSwitchTo(old);
	return d;
}

void
disclosure_end(Disclosure *d)
{
	MemoryContextDelete(d->context);
}

/* row += factor * other */
static void
add_to_row(Disclosure *d, Row *row, uint32 factor, const Row *other)
{
	int			gone = 0;

	for (int i = 0; i < other->n; i++)
	{
		int			c = other->column[i];
		uint32		was = row->value[c];
		uint32		value = modulo((uint64) factor * other->value[c] + was);

		row->value[c] = value;
		if (was == 0)
			row->column[row->n++] = c;
		else if (value == 0)
			gone++;
	}
	if (gone > 0)
	{
		int			n = 0;

		for (int i = 0; i < row->n; i++)
		{
			if (row->value[row->column[i]] != 0)
				row->column[n++] = row->column[i];
		}
		d->effort += row->n;
		row->n = n;
	}
	d->effort += other->n;
}

static void
free_row(Row *row)
{
	pfree(row->column);
	pfree(row->value);
}

static int
compare_ints(const void *a, const void *b)
{
	int			x = *(const int *) a;
	int			y = *(const int *) b;

	return (x > y) - (x < y);
}

/* A class in the sum of the rows with pivots in a set */
static uint32
sum_of_rows(Disclosure *d, const ProtectedSet *set, int column)
{
	uint64		sum = 0;

	for (int i = 0; i < set->n; i++)
	{
		int			r = d->row_of[set->classes[i]];

		if (r >= 0)
			sum += d->rows[r].value[column];
	}
	d->effort += set->n;
	return (uint32) (sum % PRIME);
}

/*
 * The sum over a set follows if the rows with pivots in the set add up to 1 in all
 * its classes, and to 0 in all others. A class in which they don't is a witness that
 * it doesn't; for nearly all sets the first class that is looked at is one.
 */
static void
find_witness(Disclosure *d, ProtectedSet *set)
{
	for (int i = 0; i < set->n; i++)
	{
		/* in its own pivot a row has 1, and the others 0 */
		if (d->row_of[set->classes[i]] < 0 && sum_of_rows(d, set, set->classes[i]) != 1)
		{
			set->witness = set->classes[i];
			set->inside = true;
			return;
		}
	}
	set->inside = false;
	for (int i = 0; i < set->n; i++)
	{
		int			r = d->row_of[set->classes[i]];

		for (int j = 0; r >= 0 && j < d->rows[r].n; j++)
		{
			int			c = d->rows[r].column[j];

			if (sum_of_rows(d, set, c) != 0 &&
				bsearch(&c, set->classes, set->n, sizeof(int), compare_ints) == NULL)
			{
				set->witness = c;
				return;
			}
		}
	}
	set->witness = -1;
}

void
disclosure_protect(Disclosure *d, const int *classes, int n)
{
	ProtectedSet *set;

	ARRAY_ROOM(d->sets, d->nsets, d->maxsets, 64);
	set = &d->sets[d->nsets];
	set->n = n;
	set->classes = MemoryContextAllocExtended(d->context, Max(n, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	memcpy(set->classes, classes, n * sizeof(int));
	qsort(set->classes, n, sizeof(int), compare_ints);
	for (int i = 0; i < n; i++)
	{
		ARRAY_ROOM(d->links, d->nlinks, d->maxlinks, 256);
		d->links[d->nlinks] = (Link) {d->nsets, d->first_link[classes[i]]};
		d->first_link[classes[i]] = d->nlinks++;
	}
	find_witness(d, set);
	d->nsets++;
}

/* Does the sum over a set follow that didn't before? */
static bool
follows_now(Disclosure *d, int number)
{
	ProtectedSet *set = &d->sets[number];
	OldWitness	old = {number, set->witness, set->inside};

	find_witness(d, set);
	if (set->witness != old.witness)
	{
		ARRAY_ROOM(d->old, d->nold, d->maxold, 64);
		d->old[d->nold++] = old;
	}
	return set->witness < 0;
}

/* A set of which a row has changed, that followed before */
static bool
has_changed(Disclosure *d, const ProtectedSet *set)
{
	for (int i = 0; i < set->n; i++)
	{
		int			r = d->row_of[set->classes[i]];

		if (r >= 0 && d->changed[r])
			return true;
	}
	return false;
}

/*
 * Does the sum over a set follow by the new row? The sum of the rows of a set is
 * another one in its witness only if the new row has something there; and it has one
 * row more if the new pivot is in the set. The first set that follows is enough where
 * the row will be taken back.
 */
static bool
set_follows(Disclosure *d, bool safe)
{
	const Row  *new = &d->rows[d->nrows - 1];
	bool		result = false;

	d->nold = 0;
	d->effort += d->nsets;
	for (int l = d->first_link[new->pivot]; l >= 0 && !(result && safe); l = d->links[l].next)
		result |= d->sets[d->links[l].set].witness < 0 || follows_now(d, d->links[l].set);
	for (int i = 0; i < d->nsets && !(result && safe); i++)
	{
		const ProtectedSet *set = &d->sets[i];

		if (set->witness < 0)
			result = result || has_changed(d, set);
		else if (new->value[set->witness] != 0 &&
				 sum_of_rows(d, set, set->witness) == (set->inside ? 1 : 0))
			result |= follows_now(d, i);
	}
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

		if (row->value[c] != 1 || d->people[c] >= d->minimum)
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

	for (int i = 0; i < x->n + y->n; i++)
	{
		int			c = i < x->n ? x->column[i] : y->column[i - x->n];
		uint64		value = (uint64) x->value[c] + y->value[c];

		d->effort++;
		if (value == PRIME || (i >= x->n && x->value[c] != 0))
			continue;			/* nobody, or counted with x */
		if (value % PRIME != 1)
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
			d->rows[other].value[column] != 0 && small_sum(d, row, &d->rows[other]))
			return true;
	}
	d->effort += d->nrows;
	return false;
}

/*
 * The sum over some classes, less what the rows say of it, is the vector at hand.
 * Returns the column for the pivot of a row of it, that of most people; -1 if
 * nothing is left: the sum follows.
 */
static int
reduce(Disclosure *d, const int *classes, int n)
{
	int			pivot = -1;

	/* what is taken away; no row has a pivot of another, so each is taken once */
	memset(d->vector, 0, d->classes * sizeof(uint64));
	for (int i = 0; i < n; i++)
	{
		int			r = d->row_of[classes[i]];
		const Row  *row = r < 0 ? NULL : &d->rows[r];

		if (row == NULL)
			continue;
		if (row->n > d->classes / 4)
		{
			for (int c = 0; c < d->classes; c++)
				d->vector[c] += row->value[c];
		}
		else
		{
			for (int j = 0; j < row->n; j++)
				d->vector[row->column[j]] += row->value[row->column[j]];
		}
		d->effort += row->n;
	}
	for (int c = 0; c < d->classes; c++)
		d->vector[c] = negative((uint32) (d->vector[c] % PRIME));
	for (int i = 0; i < n; i++)
		d->vector[classes[i]] = (d->vector[classes[i]] + 1) % PRIME;
	for (int c = 0; c < d->classes; c++)
	{
		if (d->vector[c] != 0 && (pivot < 0 || d->people[c] > d->people[pivot]))
			pivot = c;
	}
	return pivot;
}

/* What a new row has done to the basis */
typedef struct Change
{
	int			n;
	int		   *at;				/* the rows that are others now */
	uint32	   *factor;			/* how often the new one has been added to each */
} Change;

/* The vector at hand as a new row; its pivot goes out of all others. */
static Change
add_row(Disclosure *d, int pivot)
{
	MemoryContext old = MemoryContextSwitchTo(d->context);
	Change		change = {0};
	uint32		factor = inverse((uint32) d->vector[pivot]);
	Row		   *new;

	if (d->nrows == d->maxrows)
	{
		d->changed = resize_memory(d->changed, 2 * d->maxrows);
		memset(d->changed + d->maxrows, 0, d->maxrows);
		ARRAY_ROOM(d->rows, d->nrows, d->maxrows, 64);
	}
	new = &d->rows[d->nrows];
	new->pivot = pivot;
	new->n = 0;
	new->value = palloc_extended(d->classes * sizeof(uint32), MCXT_ALLOC_HUGE);
	new->column = palloc_extended(d->classes * sizeof(int), MCXT_ALLOC_HUGE);
	for (int c = 0; c < d->classes; c++)
	{
		new->value[c] = multiply((uint32) d->vector[c], factor);
		if (new->value[c] != 0)
			new->column[new->n++] = c;
	}
	d->row_of[pivot] = d->nrows;
	change.at = palloc(Max(d->nrows, 1) * sizeof(int));
	change.factor = palloc(Max(d->nrows, 1) * sizeof(uint32));
	for (int r = 0; r < d->nrows; r++)
	{
		uint32		value = d->rows[r].value[pivot];

		if (value == 0)
			continue;
		change.at[change.n] = r;
		change.factor[change.n++] = negative(value);
		add_to_row(d, &d->rows[r], negative(value), new);
	}
	d->effort += d->nrows;
	d->nrows++;
	MemoryContextSwitchTo(old);
	return change;
}

/*
 * A set that follows now and didn't before has the new row in it, or one that has
 * changed. What need not be safe is looked at for the witnesses alone.
 */
static bool
tells_too_much(Disclosure *d, const Change *change, bool safe)
{
	int			new = d->nrows - 1;
	bool		small;

	d->changed[new] = true;
	for (int i = 0; i < change->n; i++)
		d->changed[change->at[i]] = true;
	small = set_follows(d, safe) || d->effort > MAX_EFFORT;
	small = safe && (small || small_set_with(d, new));
	for (int i = 0; i < change->n && safe && !small; i++)
		small = small_set_with(d, change->at[i]);
	d->changed[new] = false;
	for (int i = 0; i < change->n; i++)
		d->changed[change->at[i]] = false;
	return small;
}

/* All as it was before the last row. */
static void
take_back(Disclosure *d, const Change *change)
{
	Row		   *new = &d->rows[--d->nrows];

	for (int i = 0; i < change->n; i++)
		add_to_row(d, &d->rows[change->at[i]], negative(change->factor[i]), new);
	d->row_of[new->pivot] = -1;
	free_row(new);
	/* a set may be there twice: the first time with what it was */
	for (int i = d->nold - 1; i >= 0; i--)
	{
		d->sets[d->old[i].set].witness = d->old[i].witness;
		d->sets[d->old[i].set].inside = d->old[i].inside;
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
		return true;
	}
	change = add_row(d, pivot);
	small = tells_too_much(d, &change, safe);
	if (small)
		take_back(d, &change);
	pfree(change.at);
	pfree(change.factor);
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
