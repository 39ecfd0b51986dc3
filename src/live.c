/*
 * live.c
 *		What the triggers of live models ask for every statement.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/syscache.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(owned_by_current_user);

/*
 * Is the current user the owner of a relation, himself, not as a member or a
 * superuser? A query of pg_class would cost a trigger as much as all of its
 * arithmetic.
 */
Datum
owned_by_current_user(PG_FUNCTION_ARGS)
{
	HeapTuple	relation = SearchSysCache1(RELOID, ObjectIdGetDatum(PG_GETARG_OID(0)));
	bool		owned;

	if (!HeapTupleIsValid(relation))
		PG_RETURN_NULL();
	owned = ((Form_pg_class) GETSTRUCT(relation))->relowner == GetUserId();
	ReleaseSysCache(relation);
	PG_RETURN_BOOL(owned);
}
