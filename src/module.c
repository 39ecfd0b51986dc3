/*
 * module.c
 *		The library's entry: what PostgreSQL checks when it loads us.
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"

PG_MODULE_MAGIC;
