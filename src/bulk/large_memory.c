/*
 * large_memory.c
 *		Memory for millions of customers, in huge pages where there are any.
 *
 * Rows of customers come in no order, so each of them looks at another page of
 * the table. With huge pages they are found without a walk through page tables,
 * and a large table doesn't come in thousands of page faults, which cost virtual
 * machines more than all the rest. Linux has to be asked for them, unless they are
 * always on. Where there are none, nothing changes.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "large_memory.h"

#define HUGE_PAGE		((Size) 2 * 1024 * 1024)

/* Results smaller than that stay where they are. */
#define LARGE_RESULT	(4 * HUGE_PAGE)

static void
advise(char *memory, Size size)
{
#ifdef MADV_HUGEPAGE
	char	   *first = (char *) TYPEALIGN(HUGE_PAGE, memory);
	char	   *end = (char *) TYPEALIGN_DOWN(HUGE_PAGE, memory + size);

	/* its failure is no news */
	if (first < end)
		(void) madvise(first, (size_t) (end - first), MADV_HUGEPAGE);
#endif
}

void *
large_memory_alloc(MemoryContext context, Size size)
{
	void	   *memory = MemoryContextAllocHuge(context, size);

	advise(memory, size);
	return memory;
}

/*
 * A chunk has been allocated in a context of small ones. If that took a new block,
 * it is the first one of it. "known" is what the context had before.
 */
void
large_memory_grown(MemoryContext context, Size *known, void *latest)
{
	Size		allocated = MemoryContextMemAllocated(context, false);

	if (allocated > *known)
		advise(latest, allocated - *known);
	*known = allocated;
}

/* About what a row of a result takes: a customer with scores, or with a short history */
#define ROW_SIZE	144

/*
 * Make the tuplestore of a result again, now that it is known how much will come:
 * in a context whose first block has room for it. From 17 on, a tuplestore has a
 * context of its own, which is out of reach.
 */
void
large_memory_result(ReturnSetInfo *result pg_attribute_unused(), int64 rows pg_attribute_unused())
{
#if PG_VERSION_NUM < 170000
	Size		size = MAXALIGN(Min((Size) rows * ROW_SIZE, (Size) work_mem * 1024));
	MemoryContext old_context;
	MemoryContext context;

	if (size < LARGE_RESULT || size > MaxAllocSize / 2)
		return;
	context = AllocSetContextCreate(result->econtext->ecxt_per_query_memory, "scored customers", 0,
									size, size);
	old_context = MemoryContextSwitchTo(context);
	/* the first chunk of the first block */
	advise(palloc(1), size - 1024);
	tuplestore_end(result->setResult);
	result->setResult = tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0,
											  false, work_mem);
	MemoryContextSwitchTo(old_context);
#endif
}
