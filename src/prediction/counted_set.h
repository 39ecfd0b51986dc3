/*
 * counted_set.h
 *		A set of different elements, each with how many there are of it, as a
 *		template. It is a log that is sorted and compressed when it is full, and
 *		grows only if that doesn't free half of it.
 *
 * To be defined before: CS_ELEMENT, the type; CS_COMPARE(a, b), of two pointers; and
 * CS_COUNT(a), the count of one.
 */
#include "utils/memutils.h"

#include "memory.h"

/* Room for so many to begin with: a small shop's group */
#define CS_FIRST		32

/* Different customers that are fitted at most: 3 GB of them */
#define CS_MAX			100000000

#define ST_SORT sort_elements
#define ST_ELEMENT_TYPE CS_ELEMENT
#define ST_COMPARE(a, b) CS_COMPARE(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

typedef struct CountedSet
{
	CS_ELEMENT *elements;
	int64		n;
	int64		room;
	int64		sorted;			/* so many from the first on are a sorted set */
} CountedSet;

static void
counted_set_init(CountedSet *set, MemoryContext context, int64 room)
{
	set->n = set->sorted = 0;
	set->room = Max(room, CS_FIRST);
	set->elements = MemoryContextAllocHuge(context, (Size) set->room * sizeof(CS_ELEMENT));
}

/* Make the log a sorted set. */
static void
counted_set_compress(CountedSet *set)
{
	int64		out = 0;

	if (set->sorted == set->n)
		return;
	sort_elements(set->elements, (size_t) set->n);
	for (int64 i = 0; i < set->n; i++)
	{
		if (out > 0 && CS_COMPARE(&set->elements[out - 1], &set->elements[i]) == 0)
			CS_COUNT(&set->elements[out - 1]) += CS_COUNT(&set->elements[i]);
		else
			set->elements[out++] = set->elements[i];
	}
	set->n = set->sorted = out;
}

static inline void
counted_set_add(CountedSet *set, const CS_ELEMENT *element)
{
	if (set->n == set->room)
	{
		counted_set_compress(set);
		if (set->n > set->room / 2)
		{
			if (set->n > CS_MAX)
				ereport(ERROR,
						(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						 errmsg("too many different customers to fit: more than %d", CS_MAX),
						 errhint("Fit a sample of them.")));
			set->room *= 2;
			set->elements = resize_memory(set->elements, (Size) set->room * sizeof(CS_ELEMENT));
		}
	}
	set->elements[set->n++] = *element;
}
