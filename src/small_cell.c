/*
 * small_cell.c
 *		Which cells of a table of counts are not to be shown, because they are
 *		about too few people, or because they would give such a cell away.
 *
 * A cell of fewer people than the minimum is hidden. The totals of its line,
 * and of the line that crosses it, are known from elsewhere (from shares, from
 * another table): so the cells hidden in a line must be two at least, and of as
 * many people together as the minimum says. Where they are not, the smallest of
 * the others is hidden too, line after line, until nothing changes any more.
 * Cells of nobody are about nobody, and shown.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(is_small_cell);

typedef struct Cell
{
	int64		customers;
	int64		position;
	int64		line[2];		/* as given, then numbered from 0 on */
	bool		hidden;
} Cell;

typedef struct Line
{
	int64		hidden;			/* cells */
	int64		customers;		/* in them */
} Line;

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

static int
by_customers(const void *a, const void *b)
{
	const Cell *x = a;
	const Cell *y = b;
	int			result = compare_int64(x->customers, y->customers);

	return result != 0 ? result : compare_int64(x->position, y->position);
}

static int
by_value(const void *a, const void *b)
{
	return compare_int64(*(const int64 *) a, *(const int64 *) b);
}

/* Number the lines of one direction; returns how many there are. */
static int64
number_lines(Cell *cells, int64 n, int direction)
{
	int64	   *ids = palloc_extended(Max(n, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	int64		count = 0;

	for (int64 i = 0; i < n; i++)
		ids[i] = cells[i].line[direction];
	qsort(ids, n, sizeof(int64), by_value);
	for (int64 i = 0; i < n; i++)
	{
		if (count == 0 || ids[i] != ids[count - 1])
			ids[count++] = ids[i];
	}
	for (int64 i = 0; i < n; i++)
	{
		int64	   *found = bsearch(&cells[i].line[direction], ids, count, sizeof(int64), by_value);

		cells[i].line[direction] = found - ids;
	}
	pfree(ids);
	return count;
}

static void
hide(Cell *cell, Line *lines[2])
{
	cell->hidden = true;
	for (int d = 0; d < 2; d++)
	{
		lines[d][cell->line[d]].hidden++;
		lines[d][cell->line[d]].customers += cell->customers;
	}
}

/* Would what is shown of the line tell too much about what is hidden in it? */
static bool
gives_away(const Line *line, int64 minimum)
{
	return line->hidden == 1 || (line->hidden > 0 && line->customers < minimum);
}

static void
hide_cells(Cell *cells, int64 n, int64 minimum)
{
	Line	   *lines[2];
	bool		changed;

	for (int d = 0; d < 2; d++)
		lines[d] = MemoryContextAllocExtended(CurrentMemoryContext,
											  Max(number_lines(cells, n, d), 1) * sizeof(Line),
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	qsort(cells, n, sizeof(Cell), by_customers);
	for (int64 i = 0; i < n; i++)
	{
		if (cells[i].customers > 0 && cells[i].customers < minimum)
			hide(&cells[i], lines);
	}
	do
	{
		changed = false;
		for (int64 i = 0; i < n; i++)
		{
			if (!cells[i].hidden && cells[i].customers > 0 &&
				(gives_away(&lines[0][cells[i].line[0]], minimum) ||
				 gives_away(&lines[1][cells[i].line[1]], minimum)))
			{
				hide(&cells[i], lines);
				changed = true;
			}
		}
		CHECK_FOR_INTERRUPTS();
	} while (changed);
	for (int d = 0; d < 2; d++)
		pfree(lines[d]);
}

/* An argument of any row of the partition */
static Datum
argument_at(WindowObject window, int argument, int64 position, bool *isnull)
{
	bool		is_out;

	return WinGetFuncArgInPartition(window, argument, (int) position, WINDOW_SEEK_HEAD, false, isnull, &is_out);
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
		state->hidden = MemoryContextAllocExtended(GetMemoryChunkContext(state), n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		for (int64 i = 0; i < n; i++)
		{
			cells[i].position = i;
			cells[i].hidden = false;
			cells[i].customers = DatumGetInt64(argument_at(window, 0, i, &isnull));
			if (isnull)
				cells[i].customers = 0;
			for (int d = 0; d < 2; d++)
			{
				int32		line = DatumGetInt32(argument_at(window, 2 + d, i, &isnull));

				cells[i].line[d] = isnull ? PG_INT64_MAX : line;
			}
			CHECK_FOR_INTERRUPTS();
		}
		hide_cells(cells, n, minimum);
		for (int64 i = 0; i < n; i++)
			state->hidden[cells[i].position] = cells[i].hidden;
		pfree(cells);
		state->ready = true;
	}
	PG_RETURN_BOOL(state->hidden[WinGetCurrentPosition(window)]);
}
