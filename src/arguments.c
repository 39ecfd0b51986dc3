/*
 * arguments.c
 *		What functions of all kinds ask of their arguments; and forms of
 *		functions that take a timestamp where a day is asked for, to say what to
 *		give instead: see sql/arguments.sql.
 */
#include "postgres.h"

#include <math.h>

#include "arguments.h"
#include "number_text.h"

void
null_argument(const char *argument, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", argument),
			 hint != NULL ? errhint("%s", hint) : 0));
}

void
settings_differ(const char *argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be the same for all rows", argument)));
}

/* An array that has a NULL in it */
void
null_element(const char *argument, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not contain null", argument),
			 hint != NULL ? errhint("%s", hint) : 0));
}

double
setting_argument(FunctionCallInfo fcinfo, int n, const char *argument, const char *hint)
{
	double		value;

	if (PG_ARGISNULL(n))
		null_argument(argument, hint);
	value = PG_GETARG_FLOAT8(n);
	if (!isfinite(value) || value < 0.0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite and not negative, not %s", argument, number_text(value)),
				 errhint("%s", hint)));
	return value + 0.0;
}

double
weight_argument(FunctionCallInfo fcinfo, int n)
{
	return setting_argument(fcinfo, n, "weight", "Use a weight of 0 to leave a row out.");
}

DateADT
check_day(const char *argument, DateADT day)
{
	if (DATE_NOT_FINITE(day))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite here, but is %s", argument,
						DATE_IS_NOBEGIN(day) ? "-infinity" : "infinity"),
				 errdetail("Without a day there is no number of days before it."),
				 errhint("Name a day, for example current_date.")));
	return day;
}

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
