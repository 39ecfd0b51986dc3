/*
 * arguments.c
 *		Forms of functions that take a timestamp where a day is asked for, to
 *		say what to give instead: see sql/arguments.sql.
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(refuse_moment_for_day);
PG_FUNCTION_INFO_V1(refuse_moment_for_as_of);

Datum
refuse_moment_for_day(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("day is a point in time, and no time zone says which day that is"),
			 errhint("Write (ordered_at AT TIME ZONE 'Europe/Paris')::date with your column and the time zone of the shop; ordered_at::date if it is a timestamp without time zone by the clock of the shop.")));
	PG_RETURN_NULL();
}

Datum
refuse_moment_for_as_of(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("as_of is a point in time, and no time zone says which day that is"),
			 errhint("Write (now() AT TIME ZONE 'Europe/Paris')::date with the time zone of the shop, or current_date.")));
	PG_RETURN_NULL();
}
