/*
 * live.c
 *		What the triggers of live models ask for every statement.
 *
 * A query over the catalogs would answer as of the snapshot of the
 * transaction, which at REPEATABLE READ may be an old one: of triggers or an
 * owner that have changed since. Statements go by the catalogs as they are
 * now, and so does this.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(owned_by_current_user);
PG_FUNCTION_INFO_V1(live_root);

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

/* Does the table have a trigger of this name that has no arguments? */
static bool
has_root_trigger(Relation triggers, Oid relation, Name name)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&key[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	ScanKeyInit(&key[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(name));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 2, key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple) && ((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs == 0;
	systable_endscan(scan);
	return found;
}

/*
 * live_root(relation oid, trigger name): the partitioned table above this one
 * that is the source of the model whose trigger this is; NULL if the table is
 * no part of it any more. Takes no lock on it: TRUNCATE locks from there down.
 */
Datum
live_root(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	Name		name = PG_GETARG_NAME(1);
	Oid			root = InvalidOid;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool		is_part = HeapTupleIsValid(tuple) && ((Form_pg_class) GETSTRUCT(tuple))->relispartition;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	if (is_part)
	{
		Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
		ListCell   *cell;

		foreach(cell, get_partition_ancestors(relation))
		{
			if (has_root_trigger(triggers, lfirst_oid(cell), name))
				root = lfirst_oid(cell);
		}
		table_close(triggers, AccessShareLock);
	}
	if (!OidIsValid(root))
		PG_RETURN_NULL();
	PG_RETURN_OID(root);
}
