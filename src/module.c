/*
 * module.c
 *		The library's entry: what PostgreSQL checks when it loads us.
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"
#include "bulk/parallel_source.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	parallel_source_register();
}
