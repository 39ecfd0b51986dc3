/*
 * large_memory.h
 *		Memory for millions of customers, in huge pages where there are any.
 */
#ifndef CUSTOMER_SCORING_LARGE_MEMORY_H
#define CUSTOMER_SCORING_LARGE_MEMORY_H

#include "nodes/execnodes.h"

extern void *large_memory_alloc(MemoryContext context, Size size);
extern void large_memory_grown(MemoryContext context, Size *known, void *latest);
extern void large_memory_result(ReturnSetInfo *result, int64 rows);

#endif							/* CUSTOMER_SCORING_LARGE_MEMORY_H */
