/*
 * aggregate.c
 *		What the support functions of all aggregates share.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/memutils.h"

#include "aggregate.h"
#include "compat.h"

void
corrupt_state(const char *owner)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid state of %s", owner)));
}

void
state_write(StringInfo buffer, int64 size, const char *what, int64 count)
{
	if (VARHDRSZ + size >= (int64) MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many %s for one worker of a parallel aggregate: " INT64_FORMAT, what, count),
				 errhint("Set max_parallel_workers_per_gather to 0 for this query.")));
	pq_begintypsend(buffer);
	enlargeStringInfo(buffer, (int) size);
}

void
state_read(FunctionCallInfo fcinfo, StringInfo buffer)
{
	bytea	   *bytes;

	(void) aggregate_context(fcinfo);
	bytes = PG_GETARG_BYTEA_PP(0);
	buffer->data = VARDATA_ANY(bytes);
	buffer->len = buffer->maxlen = VARSIZE_ANY_EXHDR(bytes);
	buffer->cursor = 0;
}
