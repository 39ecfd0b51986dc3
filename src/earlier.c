/*
 * earlier.c
 *		What SQL functions of earlier versions call.
 *
 * A server has the library of this version as soon as the package is there; a
 * database has the SQL functions of the version that it was made with until
 * ALTER EXTENSION customer_scoring UPDATE. In between, what the triggers of live
 * models call has to work, or the shop couldn't write its orders; the rest says
 * what to do.
 *
 * Each version adds here what it takes out: a function whose arguments, result
 * or state change gets a new name in C, and its old name moves to this file.
 * test/t/006_upgrade.pl finds names of a released version that are missing.
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"
#include "model/live.h"

/* The same function under its old name, which told the type of the value. */
#define ALIAS(name, function) \
	extern Datum function(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name); \
	Datum name(PG_FUNCTION_ARGS) { return function(fcinfo); } \
	extern int no_such_variable

static void
refuse(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("function \"%s\" belongs to an earlier version of customer_scoring", name),
			 errdetail("The library is of a later version than the extension in this database."),
			 errhint("ALTER EXTENSION customer_scoring UPDATE;")));
}

#define GONE(name) \
	PG_FUNCTION_INFO_V1(name); \
	Datum name(PG_FUNCTION_ARGS) { (void) fcinfo; refuse(#name); PG_RETURN_NULL(); } \
	extern int no_such_variable

/* ---- 0.1.0 ---- */

ALIAS(history_agg_add_int8, history_agg_add);
ALIAS(history_agg_add_float4, history_agg_add);
ALIAS(history_agg_add_float8, history_agg_add);
ALIAS(history_agg_add_numeric, history_agg_add);
ALIAS(history_agg_remove_int8, history_agg_remove);
ALIAS(history_agg_remove_float4, history_agg_remove);
ALIAS(history_agg_remove_float8, history_agg_remove);
ALIAS(history_agg_remove_numeric, history_agg_remove);
ALIAS(is_scorable_int8, is_scorable);
ALIAS(is_scorable_float4, is_scorable);
ALIAS(is_scorable_float8, is_scorable);
ALIAS(is_scorable_numeric, is_scorable);

/* live_root(relation oid, trigger name): of a trigger on a partition */
PG_FUNCTION_INFO_V1(live_root);
Datum
live_root(PG_FUNCTION_ARGS)
{
	Oid			root = live_source_root(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(1)));

	if (!OidIsValid(root))
		PG_RETURN_NULL();
	PG_RETURN_OID(root);
}

/* Its values were shorter. */
GONE(caller);
GONE(history_try_sum_combine);
GONE(history_try_sum_serialize);
GONE(history_try_sum_deserialize);
GONE(segment_map_rule_case);
