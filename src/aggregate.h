/*
 * aggregate.h
 *		What the support functions of all aggregates begin with.
 */
#ifndef AGGREGATE_H
#define AGGREGATE_H

#include "fmgr.h"
#include "lib/stringinfo.h"

#include "compat.h"

/* The memory context of the state; an error where there is none. */
static inline MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this function can be called by an aggregate only")));
	return context;
}

/*
 * A state that claims to come from more rows is corrupt: no table has so many,
 * and counts up to here can be added without an overflow.
 */
#define AGGREGATE_MAX_ROWS INT64CONST(1000000000000000)

/* The bytes of a state are none that its serialize function writes. */
pg_noreturn extern void corrupt_state(const char *owner);

/* Begin the serialised form of a state, of so many bytes; "what" is what it has so many of. */
extern void state_write(StringInfo buffer, int64 size, const char *what, int64 count);

/* The argument of a deserialize function, to be read; nothing of it is copied. */
extern void state_read(FunctionCallInfo fcinfo, StringInfo buffer);

/* The state as it was, which may be none */
#define RETURN_STATE() \
	do { \
		if (PG_ARGISNULL(0)) \
			PG_RETURN_NULL(); \
		PG_RETURN_DATUM(PG_GETARG_DATUM(0)); \
	} while (0)

/* In a combine function: without a second state the first is the result. */
#define RETURN_ONLY_STATE() \
	do { \
		if (PG_ARGISNULL(1)) \
			RETURN_STATE(); \
	} while (0)

#endif							/* AGGREGATE_H */
