/*
 * caller.c
 *		Who calls a SECURITY DEFINER function.
 *
 * Inside such a function current_user is its owner, and session_user is the
 * role that opened the session: in REFRESH MATERIALIZED VIEW, in ANALYZE or
 * inside another SECURITY DEFINER function neither is the role that made the
 * call. That role is known where the call is written: a parameter that is given
 * _caller_for() is evaluated there. So that nobody can give another role's name
 * instead, the type of the parameter has no input function: its only source is
 * _caller_for(). A value counts only in the transaction in which it was made, and
 * only while the session has the role that it had then: what was kept before
 * SET ROLE is worth nothing after it. And it counts only for the owner of the
 * model that it was made for: the owner who is asked can't use it to ask another
 * role's model, as if the caller did.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "caller.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(caller_in);
PG_FUNCTION_INFO_V1(caller_out);
PG_FUNCTION_INFO_V1(caller_for);
PG_FUNCTION_INFO_V1(caller_role);

/* As it is passed on: INTERNALLENGTH = 24, ALIGNMENT = double. */
typedef struct Caller
{
	TimestampTz transaction_start;
	int32		pid;			/* of the session, in its parallel workers too */
	Oid			role;
	Oid			outer_role;		/* of the session, by SET ROLE, whatever function runs */
	Oid			audience;		/* the owner of the model that is asked */
} Caller;

StaticAssertDecl(sizeof(Caller) == 24, "the type is created with this length");

static int32
session_pid(void)
{
	PGPROC	   *leader = MyProc->lockGroupLeader;

	return leader != NULL ? leader->pid : MyProcPid;
}

Datum
caller_in(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a value of type %s can't be written down", "caller"),
			 errhint("Give _caller_for(), or call the function without an underscore, which does.")));
	PG_RETURN_VOID();			/* not reached */
}

Datum
caller_out(PG_FUNCTION_ARGS)
{
	Caller	   *caller = (Caller *) PG_GETARG_POINTER(0);
	char	   *name = GetUserNameFromId(caller->role, true);

	PG_RETURN_CSTRING(name != NULL ? name : pstrdup("-"));
}

/* The role that runs this, for functions of the role "audience" */
Datum
make_caller(Oid audience)
{
	Caller	   *value = (Caller *) palloc(sizeof(Caller));

	value->transaction_start = GetCurrentTransactionStartTimestamp();
	value->pid = session_pid();
	value->role = GetUserId();
	value->outer_role = GetOuterUserId();
	value->audience = audience;
	return PointerGetDatum(value);
}

/* _caller_for(model regnamespace) */
Datum
caller_for(PG_FUNCTION_ARGS)
{
	HeapTuple	model = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(PG_GETARG_OID(0)));
	Oid			owner;

	if (!HeapTupleIsValid(model))
		PG_RETURN_NULL();
	owner = ((Form_pg_namespace) GETSTRUCT(model))->nspowner;
	ReleaseSysCache(model);
	return make_caller(owner);
}

Datum
caller_role(PG_FUNCTION_ARGS)
{
	Caller	   *caller = (Caller *) PG_GETARG_POINTER(0);

	if (caller->transaction_start != GetCurrentTransactionStartTimestamp() ||
		caller->pid != session_pid())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the value of type %s is of another transaction", "caller"),
				 errhint("Give _caller_for() itself, or call the function without an underscore, which does.")));
	if (caller->outer_role != GetOuterUserId())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the value of type %s was made under another role", "caller"),
				 errhint("Give _caller_for() itself, or call the function without an underscore, which does.")));
	if (caller->audience != GetUserId())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the value of type %s was made for a model of another role", "caller"),
				 errhint("Give _caller_for() of the model, or call the function without an underscore, which does.")));
	PG_RETURN_OID(caller->role);
}
