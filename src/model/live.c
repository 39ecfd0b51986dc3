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
#include "catalog/pg_inherits.h"
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
#include "live.h"

PG_FUNCTION_INFO_V1(owned_by_current_user);

/* Is the current user itself the owner of a relation, not as a member or a superuser? */
bool
live_is_own_relation(Oid relid)
{
	HeapTuple	relation = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		owned;

	if (!HeapTupleIsValid(relation))
		return false;
	owned = ((Form_pg_class) GETSTRUCT(relation))->relowner == GetUserId();
	ReleaseSysCache(relation);
	return owned;
}

/* _owned_by_current_user(relation oid): the same; NULL if there is none */
Datum
owned_by_current_user(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(live_is_own_relation(relid));
}

/*
 * Does this type exist, is it an enum and does it belong to the current user? By
 * name, because the trigger's expressions name it so: a type of somebody else
 * could have taken its place.
 */
bool
live_is_own_enum(const char *schema_name, const char *name)
{
	Oid			schema = get_namespace_oid(schema_name, true);
	HeapTuple	type = SearchSysCache2(TYPENAMENSP, CStringGetDatum(name),
									   ObjectIdGetDatum(schema));
	bool		result = false;

	if (HeapTupleIsValid(type))
	{
		result = ((Form_pg_type) GETSTRUCT(type))->typtype == TYPTYPE_ENUM &&
			((Form_pg_type) GETSTRUCT(type))->typowner == GetUserId();
		ReleaseSysCache(type);
	}
	return result;
}

/*
 * Does the table have a trigger of this name, on the root without arguments,
 * on a partition with one?
 */
static bool
has_trigger(Relation triggers, Oid relation, const char *name, bool is_root)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&key[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	ScanKeyInit(&key[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 2, key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple) &&
		(((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs == 0) == is_root;
	systable_endscan(scan);
	return found;
}

/*
 * The partitioned table above this one that is the source of the trigger's
 * model; InvalidOid if the table is no part of it any more. Takes no lock on
 * it: TRUNCATE locks from there down.
 */
Oid
live_source_root(Oid relation, const char *trigger)
{
	Oid			root = InvalidOid;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool		is_part = HeapTupleIsValid(tuple) &&
		((Form_pg_class) GETSTRUCT(tuple))->relispartition;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	if (is_part)
	{
		Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
		ListCell   *cell;

		foreach(cell, get_partition_ancestors(relation))
		{
			if (has_trigger(triggers, lfirst_oid(cell), trigger, true))
				root = lfirst_oid(cell);
		}
		table_close(triggers, AccessShareLock);
	}
	return root;
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

static bool
seen_before(const SeenParts *seen, List *parts)
{
	ListCell   *cell;
	int			i = 0;

	if (seen == NULL || seen->n != list_length(parts))
		return false;
	foreach(cell, parts)
	{
		if (seen->parts[i++] != lfirst_oid(cell))
			return false;
	}
	return true;
}

static bool
have_trigger(List *parts, const char *trigger)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	ListCell   *cell;
	bool		result = true;

	foreach(cell, parts)
	{
		if (!has_trigger(triggers, lfirst_oid(cell), trigger, false))
			result = false;
	}
	table_close(triggers, AccessShareLock);
	return result;
}

static void
remember(HTAB *table, const SeenPartsKey *key, List *parts)
{
	Oid		   *copy = MemoryContextAlloc(TopMemoryContext,
									  Max(list_length(parts), 1) * sizeof(Oid));
	bool		found;
	SeenParts  *entry = hash_search(table, key, HASH_ENTER, &found);
	ListCell   *cell;
	int			i = 0;

	if (found)
		pfree(entry->parts);
	entry->parts = copy;
	entry->n = list_length(parts);
	foreach(cell, parts)
		copy[i++] = lfirst_oid(cell);
}

/*
 * Do all partitions below a table have this trigger of the model? One that was
 * attached lately has not: rows that reach it through the root are seen, those
 * that it brings or takes along are not, and once it is detached nothing in the
 * catalogs tells of it.
 *
 * Partitions are looked at once a session. The list of them comes from the
 * relation cache each time, so what is kept is compared with what is there.
 */
bool
live_parts_have_trigger(Oid relation, const char *trigger)
{
	static HTAB *seen = NULL;
	SeenPartsKey key;
	List	   *parts;

	if (get_rel_relkind(relation) != RELKIND_PARTITIONED_TABLE)
		return true;
	memset(&key, 0, sizeof(key));
	key.relation = relation;
	namestrcpy(&key.trigger, trigger);
	parts = add_parts(NIL, relation);
	if (seen == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(SeenPartsKey);
		control.entrysize = sizeof(SeenParts);
		seen = hash_create("partitions with triggers of live models", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	if (seen_before(hash_search(seen, &key, HASH_FIND, NULL), parts))
		return true;
	if (!have_trigger(parts, trigger))
		return false;
	remember(seen, &key, parts);
	return true;
}

/*
 * Do ordinary tables inherit from this one? Takes no lock on them: a session that
 * holds one of them is about to change it.
 */
bool
live_has_children(Oid relation)
{
	return has_subclass(relation) && get_rel_relkind(relation) == RELKIND_RELATION &&
		find_inheritance_children(relation, NoLock) != NIL;
}
