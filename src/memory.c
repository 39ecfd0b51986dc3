/*
 * memory.c
 *		Memory of the server: for growing arrays, and for pure C.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "memory.h"

void *
resize_memory(void *memory, size_t size)
{
	return memory != NULL ? repalloc_huge(memory, size) :
		MemoryContextAllocHuge(CurrentMemoryContext, size);
}

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

const Host server_host = {resize_memory, pfree, check_interrupts};
