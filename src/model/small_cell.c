/*
 * small_cell.c
 *		Which numbers of people are not to be shown, because they are about too
 *		few of them, or because they would give such a number away.
 *
 * shown_groups decides for all tables about the same people at once: every
 * person is in some groups, and the numbers of a group are shown if nothing
 * that is shown before tells, together with them, the number of a group, or of
 * any other set of people, that has somebody and fewer than the minimum.
 *
 * is_small_cell decides for one table alone, with totals that are known.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "aggregate.h"
#include "arguments.h"
#include "compat.h"
#include "disclosure.h"
#include "memory.h"

PG_FUNCTION_INFO_V1(is_small_cell);
PG_FUNCTION_INFO_V1(shown_groups_transition);
PG_FUNCTION_INFO_V1(shown_groups_final);

/*
 * More people than any minimum are all the same; so that sums over as many cells
 * as there can be stay below the limit.
 */
#define MANY_PEOPLE ((int64) PG_UINT32_MAX)

/*
 * With more classes of people than these, the groups beyond the common ones are
 * looked at by themselves.
 */
#define MAX_CLASSES 5000

/* In a table of more cells than these only its lines are looked at. */
#define MAX_CELLS 2000

/* A table has no more columns than this, so no model has as many attributes. */
#define MAX_KINDS 1600

/* ---- groups of people ---- */

typedef struct Group
{
	text	   *name;
	int			position;
	int64		people;
	bool		shown;
} Group;

typedef struct GroupKey
{
	uint64		hash;			/* of position and name, or a later one that is free */
	int			group;
} GroupKey;

typedef struct Groups
{
	MemoryContext context;
	int			positions;
	int			common;
	int			known;
	int64		minimum;
	HTAB	   *keys;
	Group	   *groups;
	int			ngroups;
	int			maxgroups;
	int64	   *people;			/* by class */
	int		   *members;		/* by class and position: a group, or -1 */
	int64		nclasses;
	int64		maxclasses;
} Groups;

static int
find_group(Groups *s, int position, text *name)
{
	const unsigned char *bytes = (const unsigned char *) VARDATA_ANY(name);
	int			length = VARSIZE_ANY_EXHDR(name);
	uint64		hash = DatumGetUInt64(hash_any_extended(bytes, length, (uint64) position));
	GroupKey   *key;
	bool		found;
	Group	   *group;

	for (;; hash++)
	{
		key = hash_search(s->keys, &hash, HASH_ENTER, &found);
		if (!found)
			break;
		group = &s->groups[key->group];
		if (group->position == position && (int) VARSIZE_ANY_EXHDR(group->name) == length &&
			memcmp(VARDATA_ANY(group->name), bytes, length) == 0)
			return key->group;
	}
	ARRAY_ROOM(s->groups, s->ngroups, s->maxgroups, 64);
	group = &s->groups[s->ngroups];
	group->name = (text *) MemoryContextAlloc(s->context, VARHDRSZ + length);
	SET_VARSIZE(group->name, VARHDRSZ + length);
	memcpy(VARDATA(group->name), bytes, length);
	group->position = position;
	group->people = 0;
	group->shown = false;
	key->group = s->ngroups;
	return s->ngroups++;
}

static int
constant_argument(FunctionCallInfo fcinfo, int n, const char *name, int lowest, bool first,
				  int before)
{
	int			value = PG_ARGISNULL(n) ? lowest - 1 : PG_GETARG_INT32(n);

	if (value < lowest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at least %d", name, lowest)));
	if (!first && value != before)
		settings_differ(name);
	return value;
}

/*
 * shown_groups(customers bigint, groups text[], minimum int, common int, known int)
 *
 * A row is some customers and the groups they are in, each kind of group at a
 * position of its own; NULL where they are in none. What comes first is shown
 * first. The numbers of the first "known" kinds are known from elsewhere.
 */
Datum
shown_groups_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	Groups	   *s = PG_ARGISNULL(0) ? NULL : (Groups *) PG_GETARG_POINTER(0);
	int64		people;
	ArrayType  *array;
	Datum	   *names;
	bool	   *nulls;
	int			n;
	int			minimum = constant_argument(fcinfo, 3, "minimum", 1, s == NULL, s == NULL ? 0 : (int) s->minimum);
	int			common = constant_argument(fcinfo, 4, "common", 0, s == NULL, s == NULL ? 0 : s->common);
	int			known = constant_argument(fcinfo, 5, "known", 0, s == NULL, s == NULL ? 0 : s->known);

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	people = PG_GETARG_INT64(1);
	array = PG_GETARG_ARRAYTYPE_P(2);
	if (people < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("customers must not be negative")));
	people = Min(people, MANY_PEOPLE);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("groups must have one dimension")));
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > MAX_KINDS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("groups has %d elements, more than %d",
						ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), MAX_KINDS)));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	if (s == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(uint64), .entrysize = sizeof(GroupKey),
			.hcxt = context};
		MemoryContext old = MemoryContextSwitchTo(context);

		s = palloc0(sizeof(Groups));
		s->context = context;
		s->positions = n;
		s->minimum = minimum;
		s->common = common;
		s->known = known;
		s->keys = hash_create("groups", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		s->maxgroups = 64;
		s->groups = palloc(s->maxgroups * sizeof(Group));
		s->maxclasses = 64;
		s->people = palloc(s->maxclasses * sizeof(int64));
		s->members = palloc(s->maxclasses * Max(n, 1) * sizeof(int));
		MemoryContextSwitchTo(old);
	}
	if (n != s->positions)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("groups must have the same length in all rows")));
	if (s->nclasses == s->maxclasses)
	{
		if (s->maxclasses > PG_INT32_MAX / 4)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("more than %d classes of customers", PG_INT32_MAX / 4)));
		s->maxclasses *= 2;
		s->people = resize_memory(s->people, s->maxclasses * sizeof(int64));
		s->members = resize_memory(s->members, s->maxclasses * Max(n, 1) * sizeof(int));
	}
	s->people[s->nclasses] = people;
	for (int p = 0; p < n; p++)
	{
		int			g = nulls[p] ? -1 : find_group(s, p, DatumGetTextPP(names[p]));

		s->members[s->nclasses * n + p] = g;
		if (g >= 0)
			s->groups[g].people += people;
	}
	s->nclasses++;
	PG_RETURN_POINTER(s);
}

/* ---- which of them are shown ---- */

typedef struct Order
{
	const Groups *s;
	const bool *wanted;			/* by position */
} Order;

/* Classes that are in the same groups of the wanted kinds are alike. */
static int
compare_classes(const void *a, const void *b, void *arg)
{
	const Order *order = arg;
	const Groups *s = order->s;
	const int  *x = &s->members[*(const int64 *) a * s->positions];
	const int  *y = &s->members[*(const int64 *) b * s->positions];

	for (int p = 0; p < s->positions; p++)
	{
		if (order->wanted[p] && x[p] != y[p])
			return x[p] < y[p] ? -1 : 1;
	}
	return 0;
}

/* What is shown first: by position, then the larger ones, then by name */
static int
compare_groups(const void *a, const void *b, void *arg)
{
	const Groups *s = arg;
	const Group *x = &s->groups[*(const int *) a];
	const Group *y = &s->groups[*(const int *) b];
	int			length;
	int			result;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	if (x->people != y->people)
		return x->people > y->people ? -1 : 1;
	length = Min(VARSIZE_ANY_EXHDR(x->name), VARSIZE_ANY_EXHDR(y->name));
	result = memcmp(VARDATA_ANY(x->name), VARDATA_ANY(y->name), length);
	return result != 0 ? result :
		(int) VARSIZE_ANY_EXHDR(x->name) - (int) VARSIZE_ANY_EXHDR(y->name);
}

/* A group within another one */
typedef struct Inclusion
{
	int			inner;
	int			outer;
} Inclusion;

/* Groups as sets of classes, and how they lie to each other */
typedef struct Sets
{
	int			nclasses;
	int64	   *people;			/* by class */
	const int **groups;			/* by class: its groups by position */
	int		   *start;			/* by group: its classes in members */
	int		   *count;
	int		   *members;
	Inclusion  *inclusions;		/* by inner */
	int			ninclusions;
	int		   *first_inclusion;	/* by inner */
	int64	   *rest;			/* by group and position: people in no shown group within it */
} Sets;

typedef struct PairKey
{
	int			one;
	int			other;
} PairKey;

typedef struct Pair
{
	PairKey		key;
	int64		people;			/* in both */
} Pair;

static int
compare_inclusions(const void *a, const void *b)
{
	const Inclusion *x = a;
	const Inclusion *y = b;

	if (x->inner != y->inner)
		return x->inner < y->inner ? -1 : 1;
	return (x->outer > y->outer) - (x->outer < y->outer);
}

/* The classes of a group that are in another, or are not, must not be told. */
static void
protect_part(const Groups *s, const Sets *sets, Disclosure *d, int one, int other, bool inside,
			 int *buffer)
{
	int			position = other < 0 ? 0 : s->groups[other].position;
	int			n = 0;

	for (int i = 0; i < sets->count[one]; i++)
	{
		int			c = sets->members[sets->start[one] + i];

		if (other < 0 || (sets->groups[c][position] == other) == inside)
			buffer[n++] = c;
	}
	disclosure_protect(d, buffer, n);
}

/*
 * Which groups lie within which; and what of fewer people than the minimum comes
 * of two groups is protected: people in both, or in one and not in the other.
 */
static void
compare_pairs(const Groups *s, Sets *sets, Disclosure *d, const bool *wanted)
{
	HASHCTL		control = {.keysize = sizeof(PairKey), .entrysize = sizeof(Pair),
		.hcxt = CurrentMemoryContext};
	HTAB	   *pairs = hash_create("pairs of groups", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	HASH_SEQ_STATUS scan;
	Pair	   *pair;
	int			maxinclusions = 64;
	int		   *buffer = palloc_extended(Max(sets->nclasses, 1) * sizeof(int), MCXT_ALLOC_HUGE);

	sets->inclusions = palloc(maxinclusions * sizeof(Inclusion));
	for (int c = 0; c < sets->nclasses; c++)
	{
		for (int p = 0; p < s->positions; p++)
		{
			for (int q = p + 1; q < s->positions; q++)
			{
				PairKey		key = {sets->groups[c][p], sets->groups[c][q]};
				bool		found;

				if (!wanted[p] || !wanted[q] || key.one < 0 || key.other < 0)
					continue;
				pair = hash_search(pairs, &key, HASH_ENTER, &found);
				if (!found)
					pair->people = 0;
				pair->people += sets->people[c];
			}
		}
		CHECK_FOR_INTERRUPTS();
	}
	hash_seq_init(&scan, pairs);
	while ((pair = hash_seq_search(&scan)) != NULL)
	{
		int64		one = s->groups[pair->key.one].people;
		int64		other = s->groups[pair->key.other].people;

		/* for two */
		ARRAY_ROOM(sets->inclusions, sets->ninclusions + 1, maxinclusions, 64);
		if (pair->people == one)
			sets->inclusions[sets->ninclusions++] = (Inclusion) {pair->key.one, pair->key.other};
		if (pair->people == other)
			sets->inclusions[sets->ninclusions++] = (Inclusion) {pair->key.other, pair->key.one};
		if (pair->people > 0 && pair->people < s->minimum && pair->people < one &&
			pair->people < other)
			protect_part(s, sets, d, pair->key.one, pair->key.other, true, buffer);
		if (one - pair->people > 0 && one - pair->people < s->minimum)
			protect_part(s, sets, d, pair->key.one, pair->key.other, false, buffer);
		if (other - pair->people > 0 && other - pair->people < s->minimum)
			protect_part(s, sets, d, pair->key.other, pair->key.one, false, buffer);
	}
	hash_destroy(pairs);
	for (int g = 0; g < s->ngroups; g++)
	{
		if (wanted[s->groups[g].position] && s->groups[g].people > 0 &&
			s->groups[g].people < s->minimum)
			protect_part(s, sets, d, g, -1, true, buffer);
	}
	pfree(buffer);

	qsort(sets->inclusions, sets->ninclusions, sizeof(Inclusion), compare_inclusions);
	sets->first_inclusion = palloc_extended((s->ngroups + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	for (int g = 0, i = 0; g <= s->ngroups; g++)
	{
		while (i < sets->ninclusions && sets->inclusions[i].inner < g)
			i++;
		sets->first_inclusion[g] = i;
	}
	sets->rest = palloc_extended(Max((Size) s->ngroups * s->positions, 1) * sizeof(int64),
								 MCXT_ALLOC_HUGE);
	for (int g = 0; g < s->ngroups; g++)
	{
		for (int p = 0; p < s->positions; p++)
			sets->rest[(Size) g * s->positions + p] = s->groups[g].people;
	}
}

/*
 * If a group is shown, does it, or a group around it, have enough people beyond
 * those of its parts that are shown?
 */
static bool
leaves_enough(const Groups *s, const Sets *sets, int g)
{
	const Group *group = &s->groups[g];

	for (int p = 0; p < s->positions; p++)
	{
		int64		rest = sets->rest[(Size) g * s->positions + p];

		if (rest > 0 && rest < s->minimum)
			return false;
	}
	for (int i = sets->first_inclusion[g]; i < sets->first_inclusion[g + 1]; i++)
	{
		int			outer = sets->inclusions[i].outer;
		int64		rest = sets->rest[(Size) outer * s->positions + group->position] -
			group->people;

		if (s->groups[outer].shown && rest > 0 && rest < s->minimum)
			return false;
	}
	return true;
}

static void
note_shown(const Groups *s, Sets *sets, int g)
{
	const Group *group = &s->groups[g];

	for (int i = sets->first_inclusion[g]; i < sets->first_inclusion[g + 1]; i++)
		sets->rest[(Size) sets->inclusions[i].outer * s->positions + group->position] -=
			group->people;
}

/*
 * The classes of people that the groups at some positions don't tell apart, and
 * of which classes each of these groups is made.
 */
static void
find_sets(Groups *s, const bool *wanted, Sets *sets)
{
	Order		arg = {s, wanted};
	int64	   *classes = palloc_extended(s->nclasses * sizeof(int64), MCXT_ALLOC_HUGE);
	int			nmembers = 0;

	sets->people = palloc_extended(s->nclasses * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	sets->groups = palloc_extended(s->nclasses * sizeof(int *), MCXT_ALLOC_HUGE);
	sets->start = palloc_extended(Max(s->ngroups, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	sets->count = palloc_extended(Max(s->ngroups, 1) * sizeof(int),
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int64 i = 0; i < s->nclasses; i++)
		classes[i] = i;
	qsort_arg(classes, s->nclasses, sizeof(int64), compare_classes, &arg);
	for (int64 i = 0; i < s->nclasses; i++)
	{
		if (i == 0 || compare_classes(&classes[i - 1], &classes[i], &arg) != 0)
		{
			const int  *groups = &s->members[classes[i] * s->positions];

			for (int p = 0; p < s->positions; p++)
			{
				if (wanted[p] && groups[p] >= 0)
				{
					sets->count[groups[p]]++;
					nmembers++;
				}
			}
			sets->groups[sets->nclasses++] = groups;
		}
		sets->people[sets->nclasses - 1] += s->people[classes[i]];
	}
	/* the classes of each group */
	sets->members = palloc_extended(Max(nmembers, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	nmembers = 0;
	for (int g = 0; g < s->ngroups; g++)
	{
		sets->start[g] = nmembers;
		nmembers += sets->count[g];
		sets->count[g] = 0;
	}
	for (int c = 0; c < sets->nclasses; c++)
	{
		for (int p = 0; p < s->positions; p++)
		{
			int			g = sets->groups[c][p];

			if (wanted[p] && g >= 0)
				sets->members[sets->start[g] + sets->count[g]++] = c;
		}
	}
}

/*
 * Decide on the groups at some positions; those at positions that have been
 * decided on are known if they are shown.
 */
static void
show_groups(Groups *s, const bool *wanted, const bool *decided, const int *order)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "groups of people", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Sets		sets = {0};
	Disclosure *d;

	find_sets(s, wanted, &sets);
	d = disclosure_start(sets.nclasses, sets.people, s->minimum);
	compare_pairs(s, &sets, d, wanted);
	for (int i = 0; i < s->ngroups; i++)
	{
		int			g = order[i];
		Group	   *group = &s->groups[g];

		if (!wanted[group->position])
			continue;
		if (decided[group->position])
		{
			if (!group->shown)
				continue;
			disclosure_know(d, &sets.members[sets.start[g]], sets.count[g]);
		}
		else if (group->position < s->known)
		{
			group->shown = true;
			disclosure_know(d, &sets.members[sets.start[g]], sets.count[g]);
		}
		else if (!leaves_enough(s, &sets, g))
			continue;
		else if (disclosure_tell(d, &sets.members[sets.start[g]], sets.count[g]))
			group->shown = true;
		else
			continue;
		note_shown(s, &sets, g);
	}
	disclosure_end(d);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

Datum
shown_groups_final(PG_FUNCTION_ARGS)
{
	Groups	   *s = PG_ARGISNULL(0) ? NULL : (Groups *) PG_GETARG_POINTER(0);
	int		   *order;
	bool	   *wanted;
	bool	   *decided;
	Datum	   *names;
	int			n = 0;

	(void) aggregate_context(fcinfo);
	if (s == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
	order = palloc_extended(Max(s->ngroups, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	wanted = palloc(Max(s->positions, 1));
	decided = palloc0(Max(s->positions, 1));
	for (int g = 0; g < s->ngroups; g++)
		order[g] = g;
	qsort_arg(order, s->ngroups, sizeof(int), compare_groups, s);
	if (s->nclasses <= MAX_CLASSES || s->common >= s->positions)
	{
		memset(wanted, true, s->positions);
		show_groups(s, wanted, decided, order);
	}
	else
	{
		/*
		 * The common groups together, and each kind beyond them with what is
		 * shown of the first three, and of the kind before it: cells of values
		 * beside values, weeks beside months.
		 */
		for (int p = 0; p < s->positions; p++)
			wanted[p] = p < s->common;
		show_groups(s, wanted, decided, order);
		for (int p = 0; p < s->common; p++)
		{
			wanted[p] = p < 3;
			decided[p] = true;
		}
		for (int p = s->common; p < s->positions; p++)
		{
			wanted[p] = true;
			show_groups(s, wanted, decided, order);
			decided[p] = true;
			if (p > s->common)
				wanted[p - 1] = false;
		}
	}
	names = palloc_extended(Max(s->ngroups, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (int i = 0; i < s->ngroups; i++)
	{
		if (s->groups[order[i]].shown)
			names[n++] = PointerGetDatum(s->groups[order[i]].name);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* ---- a table alone ---- */

typedef struct Cell
{
	int64		customers;
	int64		position;
	int64		line[2];		/* as given */
} Cell;

typedef struct SmallCells
{
	bool		ready;
	bool	   *hidden;			/* by position */
} SmallCells;

static int
compare_int64(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

/* The larger ones first */
static int
by_customers(const void *a, const void *b)
{
	const Cell *x = a;
	const Cell *y = b;
	int			result = -compare_int64(x->customers, y->customers);

	return result != 0 ? result : compare_int64(x->position, y->position);
}

typedef struct Direction
{
	const Cell *cells;
	int			line;			/* 0 or 1 */
} Direction;

static int
by_line(const void *a, const void *b, void *arg)
{
	const Direction *d = arg;
	const Cell *x = &d->cells[*(const int *) a];
	const Cell *y = &d->cells[*(const int *) b];
	int			result = compare_int64(x->line[d->line], y->line[d->line]);

	return result != 0 ? result : compare_int64(*(const int *) a, *(const int *) b);
}

/* The number of a line by its first cell, for each cell and direction */
static void
find_lines(const Cell *cells, int n, int *line_of)
{
	int		   *all = palloc_extended(Max(n, 1) * sizeof(int), MCXT_ALLOC_HUGE);

	for (int line = 0; line < 2; line++)
	{
		Direction	direction = {cells, line};
		int			from = 0;

		for (int i = 0; i < n; i++)
			all[i] = i;
		qsort_arg(all, n, sizeof(int), by_line, &direction);
		for (int i = 0; i < n; i++)
		{
			if (cells[all[i]].line[line] != cells[all[from]].line[line])
				from = i;
			line_of[2 * all[i] + line] = all[from];
		}
	}
	pfree(all);
}

/*
 * In a large table: of what is hidden in a line there are two cells at least,
 * and enough people together. Where not, the smallest of the others is hidden
 * too, line after line, until nothing changes any more.
 */
static void
hide_by_lines(const Cell *cells, int n, int64 minimum, const int *line_of, bool *is_hidden)
{
	int		   *count = palloc_extended((2 * (Size) n + 1) * sizeof(int),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int64	   *people = palloc_extended((2 * (Size) n + 1) * sizeof(int64),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	bool		changed;

	do
	{
		changed = false;
		for (int i = n - 1; i >= 0; i--)
		{
			Size		lines[3] = {2 * (Size) line_of[2 * i], 2 * (Size) line_of[2 * i + 1] + 1,
				2 * (Size) n};
			bool		hide = cells[i].customers < minimum;

			if (is_hidden[i] || cells[i].customers == 0)
				continue;
			for (int j = 0; j < 3; j++)
				hide = hide || count[lines[j]] == 1 ||
					(count[lines[j]] > 0 && people[lines[j]] < minimum);
			if (!hide)
				continue;
			is_hidden[i] = changed = true;
			for (int j = 0; j < 3; j++)
			{
				count[lines[j]]++;
				people[lines[j]] += cells[i].customers;
			}
		}
		CHECK_FOR_INTERRUPTS();
	} while (changed);
	pfree(count);
	pfree(people);
}

/* The totals of every line are known, and by them that of the table. */
static void
hide_by_equations(const Cell *cells, int n, int64 minimum, const int *line_of, bool *is_hidden)
{
	int64	   *people = palloc_extended(Max(n, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	int		   *members = palloc_extended(Max(n, 1) * sizeof(int), MCXT_ALLOC_HUGE);
	int64	   *rest = palloc_extended((2 * (Size) n + 1) * sizeof(int64),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	Disclosure *d;

	for (int i = 0; i < n; i++)
		people[i] = cells[i].customers;
	d = disclosure_start(n, people, minimum);
	for (int i = 0; i < n; i++)
	{
		if (people[i] > 0 && people[i] < minimum)
			disclosure_protect(d, &i, 1);
		rest[2 * (Size) n] += people[i];
	}
	for (int line = 0; line < 2; line++)
	{
		for (int first = 0; first < n; first++)
		{
			int			nmembers = 0;

			if (line_of[2 * first + line] != first)
				continue;
			for (int i = first; i < n; i++)
			{
				if (line_of[2 * i + line] == first)
				{
					members[nmembers++] = i;
					rest[2 * (Size) first + line] += people[i];
				}
			}
			disclosure_know(d, members, nmembers);
		}
	}
	/* what is hidden of each must be of enough people together, and no cell follow */
	for (int i = 0; i < n; i++)
	{
		Size		lines[3] = {2 * (Size) line_of[2 * i], 2 * (Size) line_of[2 * i + 1] + 1,
			2 * (Size) n};
		bool		shown = true;

		for (int j = 0; j < 3; j++)
			shown = shown && (rest[lines[j]] == people[i] || rest[lines[j]] - people[i] >= minimum);
		shown = shown && disclosure_tell(d, &i, 1);
		for (int j = 0; j < 3 && shown; j++)
			rest[lines[j]] -= people[i];
		is_hidden[i] = !shown;
	}
	disclosure_end(d);
	pfree(people);
	pfree(members);
	pfree(rest);
}

static void
hide_cells(Cell *cells, int n, int64 minimum, bool *hidden)
{
	int		   *line_of = palloc_extended(Max(n, 1) * 2 * sizeof(int), MCXT_ALLOC_HUGE);
	bool	   *is_hidden = palloc_extended(Max(n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	qsort(cells, n, sizeof(Cell), by_customers);
	find_lines(cells, n, line_of);
	if (n <= MAX_CELLS)
		hide_by_equations(cells, n, minimum, line_of, is_hidden);
	else
		hide_by_lines(cells, n, minimum, line_of, is_hidden);
	for (int i = 0; i < n; i++)
		hidden[cells[i].position] = is_hidden[i];
	pfree(line_of);
	pfree(is_hidden);
}

/* An argument of any row of the partition */
static Datum
argument_at(WindowObject window, int argument, int64 position, bool *isnull)
{
	bool		is_out;

	return WinGetFuncArgInPartition(window, argument, (int) position, WINDOW_SEEK_HEAD, false,
									isnull, &is_out);
}

/*
 * is_small_cell(customers bigint, minimum int, line int, cross_line int)
 * OVER (PARTITION BY table): cells with the same line, or cross_line, have a
 * total that is known. Without lines that cross give every row the same.
 */
Datum
is_small_cell(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	SmallCells *state;

	(void) fcinfo;
	Assert(WindowObjectIsValid(window));
	state = WinGetPartitionLocalMemory(window, sizeof(SmallCells));
	if (!state->ready)
	{
		int64		n = WinGetPartitionRowCount(window);
		Cell	   *cells;
		int64		minimum;
		bool		isnull;

		if (n > PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("more than %d cells", PG_INT32_MAX)));
		minimum = DatumGetInt32(WinGetFuncArgCurrent(window, 1, &isnull));
		if (isnull)
			minimum = 1;
		cells = palloc_extended(n * sizeof(Cell), MCXT_ALLOC_HUGE);
		state->hidden = MemoryContextAllocExtended(GetMemoryChunkContext(state), n,
												   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		for (int64 i = 0; i < n; i++)
		{
			cells[i].position = i;
			cells[i].customers = DatumGetInt64(argument_at(window, 0, i, &isnull));
			if (isnull || cells[i].customers < 0)
				cells[i].customers = 0;
			cells[i].customers = Min(cells[i].customers, MANY_PEOPLE);
			for (int l = 0; l < 2; l++)
			{
				int32		line = DatumGetInt32(argument_at(window, 2 + l, i, &isnull));

				cells[i].line[l] = isnull ? PG_INT64_MAX : line;
			}
			CHECK_FOR_INTERRUPTS();
		}
		if (minimum > 1)
			hide_cells(cells, (int) n, minimum, state->hidden);
		pfree(cells);
		state->ready = true;
	}
	PG_RETURN_BOOL(state->hidden[WinGetCurrentPosition(window)]);
}
