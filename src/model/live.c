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
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(owned_by_current_user);
PG_FUNCTION_INFO_V1(is_own_enum);
PG_FUNCTION_INFO_V1(live_root);
PG_FUNCTION_INFO_V1(live_parts_have_triggers);

/*
 * Is the current user itself the owner of a relation, not as a member or a
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

/*
 * _is_own_enum(schema name, type name): does this type exist, is it an enum and
 * does it belong to the current user? By name, for the trigger's expressions
 * name it so: a type of somebody else could have taken its place.
 */
Datum
is_own_enum(PG_FUNCTION_ARGS)
{
	Oid			schema = get_namespace_oid(NameStr(*PG_GETARG_NAME(0)), true);
	HeapTuple	type = SearchSysCache2(TYPENAMENSP, NameGetDatum(PG_GETARG_NAME(1)), ObjectIdGetDatum(schema));
	bool		result = false;

	if (HeapTupleIsValid(type))
	{
		result = ((Form_pg_type) GETSTRUCT(type))->typtype == TYPTYPE_ENUM &&
			((Form_pg_type) GETSTRUCT(type))->typowner == GetUserId();
		ReleaseSysCache(type);
	}
	PG_RETURN_BOOL(result);
}

/* Does the table have a trigger of this name, on the root without arguments, on a partition with one? */
static bool
has_trigger(Relation triggers, Oid relation, Name name, bool is_root)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&key[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	ScanKeyInit(&key[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(name));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 2, key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple) && (((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs == 0) == is_root;
	systable_endscan(scan);
	return found;
}

/*
 * _live_root(relation oid, trigger name): the partitioned table above this one
 * that is the source of the trigger's model; NULL if the table is no part of it
 * any more. Takes no lock on it: TRUNCATE locks from there down.
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
			if (has_trigger(triggers, lfirst_oid(cell), name, true))
				root = lfirst_oid(cell);
		}
		table_close(triggers, AccessShareLock);
	}
	if (!OidIsValid(root))
		PG_RETURN_NULL();
	PG_RETURN_OID(root);
}

/* The partitions below a table, at any depth. */
static List *
add_parts(List *parts, Oid relation)
{
	/* the trigger's statement has locked the first one; other callers may not have */
	Relation	parent = RelationIdGetRelation(relation);
	PartitionDesc desc;

	if (!RelationIsValid(parent))
		return parts;
	desc = RelationGetPartitionDesc(parent, false);
	for (int i = 0; i < desc->nparts; i++)
	{
		parts = lappend_oid(parts, desc->oids[i]);

		/*
		 * A session that holds one of them against us is about to change it:
		 * model_status tells of that, and nobody waits for it here.
		 */
		if (!desc->is_leaf[i] && ConditionalLockRelationOid(desc->oids[i], AccessShareLock))
			parts = add_parts(parts, desc->oids[i]);
	}
	RelationClose(parent);
	return parts;
}

/* Partitions that were seen to have their triggers, by table and trigger */
typedef struct SeenPartsKey
{
	Oid			relation;
	NameData	trigger;
} SeenPartsKey;

typedef struct SeenParts
{
	SeenPartsKey key;
	int			n;
	Oid		   *parts;
} SeenParts;

/*
 * _live_parts_have_triggers(relation oid, trigger name): do all partitions below
 * a table have this trigger of the model? One that was attached lately has not:
 * rows that reach it through the root are seen, those that it brings or takes
 * along are not, and once it is detached nothing in the catalogs tells of it.
 *
 * Partitions are looked at once a session. The list of them comes from the
 * relation cache each time, so what is kept is compared with what is there.
 */
Datum
live_parts_have_triggers(PG_FUNCTION_ARGS)
{
	static HTAB *seen = NULL;
	SeenPartsKey key;
	SeenParts  *entry;
	List	   *parts;
	ListCell   *cell;
	Relation	triggers;
	bool		found;
	int			i = 0;

	if (get_rel_relkind(PG_GETARG_OID(0)) != RELKIND_PARTITIONED_TABLE)
		PG_RETURN_BOOL(true);
	memset(&key, 0, sizeof(key));
	key.relation = PG_GETARG_OID(0);
	namestrcpy(&key.trigger, NameStr(*PG_GETARG_NAME(1)));
	parts = add_parts(NIL, key.relation);
	if (seen == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(SeenPartsKey);
		control.entrysize = sizeof(SeenParts);
		seen = hash_create("partitions with triggers of live models", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(seen, &key, HASH_FIND, NULL);
	if (entry != NULL && entry->n == list_length(parts))
	{
		foreach(cell, parts)
		{
			if (entry->parts[i] != lfirst_oid(cell))
				break;
			i++;
		}
		if (i == entry->n)
			PG_RETURN_BOOL(true);
	}

	triggers = table_open(TriggerRelationId, AccessShareLock);
	found = true;
	foreach(cell, parts)
	{
		if (!has_trigger(triggers, lfirst_oid(cell), PG_GETARG_NAME(1), false))
		{
			found = false;
			break;
		}
	}
	table_close(triggers, AccessShareLock);
	if (found)
	{
		Oid		   *copy = MemoryContextAlloc(TopMemoryContext, Max(list_length(parts), 1) * sizeof(Oid));

		i = 0;
		foreach(cell, parts)
			copy[i++] = lfirst_oid(cell);
		entry = hash_search(seen, &key, HASH_ENTER, &found);
		if (found)
			pfree(entry->parts);
		entry->n = list_length(parts);
		entry->parts = copy;
		found = true;
	}
	PG_RETURN_BOOL(found);
}
