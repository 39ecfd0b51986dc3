/*
 * pending.c
 *		Append rows to the table pending of a model, to pending_events, or to touched.
 *
 * Rows are written as logical replication and COPY write them, without a statement:
 * to plan and start an INSERT would cost more than the row. Constraints, indexes
 * and triggers are served all the same.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "live.h"
#include "pending.h"

/*
 * The table, if the current user is its owner: where the schema has been
 * renamed, a stranger's may have its name. By the catalogs as they are now,
 * without a lock.
 */
static Oid
find_own(const char *model, const char *table)
{
	Oid			schema = get_namespace_oid(model, true);
	Oid			relation = OidIsValid(schema) ? get_relname_relid(table, schema) : InvalidOid;

	return live_is_own_relation(relation) ? relation : InvalidOid;
}

Oid
pending_find(const char *model, int stream_no)
{
	return find_own(model, PENDING_TABLE(stream_no));
}

/* The table of the events that a ledger has to look at again */
Oid
touched_find(const char *model)
{
	return find_own(model, "touched");
}

/* Rows are formed by position: where is the column, and is it of that type? */
static int
column(Relation relation, const char *name, Oid type)
{
	TupleDesc	desc = RelationGetDescr(relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute it = TupleDescAttr(desc, i);

		if (!it->attisdropped && it->attgenerated == '\0' && it->atttypid == type &&
			strcmp(NameStr(it->attname), name) == 0)
			return i;
	}
	return -1;
}

/* False if it is not what the extension makes */
static bool
find_columns(Pending *pending, bool tenanted, Oid history_type)
{
	Relation	relation = pending->relation;

	pending->key = column(relation, "customer_key", TEXTOID);
	pending->tenant = column(relation, "tenant", TEXTOID);
	pending->customer = tenanted ? column(relation, "customer_id", TEXTOID) : -1;
	pending->difference = column(relation, "difference", history_type);
	if (pending->stream_no > 0)
	{
		pending->stream = column(relation, "stream_no", INT4OID);
		pending->kind = column(relation, "kind", TEXTOID);
		if (pending->stream < 0 || pending->kind < 0)
			return false;
	}
	return relation->rd_rel->relkind == RELKIND_RELATION &&
		relation->rd_rel->relowner == GetUserId() &&
		pending->key >= 0 && pending->tenant >= 0 && pending->difference >= 0 &&
		(!tenanted || pending->customer >= 0);
}

static pg_noreturn void
table_error(const char *model, const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s of model \"%s\" is missing, or not what the extension has made",
					table, model)));
}

static void
start_writing(Pending *pending)
{
	PreventCommandIfReadOnly("INSERT");
	pending->estate = CreateExecutorState();
	pending->target = makeNode(ResultRelInfo);
	InitResultRelInfo(pending->target, pending->relation, 0, NULL, 0);
	ExecOpenIndices(pending->target, false);
	pending->nslots = pending->waiting = 0;
	pending->bytes = 0;
	AfterTriggerBeginQuery();
	ExecBSInsertTriggers(pending->estate, pending->target);
}

void
pending_open(Pending *pending, const char *model, int stream_no, bool tenanted, Oid history_type)
{
	Oid			relid = pending_find(model, stream_no);

	pending->relation = OidIsValid(relid) ? try_relation_open(relid, RowExclusiveLock) : NULL;
	pending->stream_no = stream_no;
	if (pending->relation == NULL || !find_columns(pending, tenanted, history_type))
		table_error(model, PENDING_TABLE(stream_no));
	start_writing(pending);
}

void
touched_open(Pending *touched, const char *model)
{
	Oid			relid = touched_find(model);

	touched->relation = OidIsValid(relid) ? try_relation_open(relid, RowExclusiveLock) : NULL;
	if (touched->relation != NULL)
		touched->key = column(touched->relation, "event", TEXTOID);
	if (touched->relation == NULL || touched->key < 0 ||
		touched->relation->rd_rel->relkind != RELKIND_RELATION ||
		touched->relation->rd_rel->relowner != GetUserId())
		table_error(model, "touched");
	start_writing(touched);
}

/* What a colon of the key divides: \ and : of the tenant have a \ before them. */
static void
divide_key(const text *key, Datum *tenant, Datum *customer)
{
	const char *p = VARDATA_ANY(key);
	const char *end = p + VARSIZE_ANY_EXHDR(key);
	char	   *plain = palloc(end - p + 1);
	int			length = 0;

	while (p < end && *p != ':')
	{
		if (*p == '\\' && p + 1 < end)
			p++;
		plain[length++] = *p++;
	}
	if (p < end)
		p++;
	*tenant = PointerGetDatum(cstring_to_text_with_len(plain, length));
	*customer = PointerGetDatum(cstring_to_text_with_len(p, end - p));
}

/* Are rows of the table written one by one, because each may have more to it? */
static bool
is_served_one_by_one(const ResultRelInfo *target)
{
	Relation	relation = target->ri_RelationDesc;
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;

	return target->ri_TrigDesc != NULL || relation->rd_rel->relispartition ||
		(constraints != NULL && constraints->has_generated_stored);
}

/* Rows that wait, as COPY writes its own: many into a page at a time */
static void
write_together(Pending *pending)
{
	ResultRelInfo *target = pending->target;
	bool		is_constrained = RelationGetDescr(pending->relation)->constr != NULL;

	for (int i = 0; i < pending->waiting && is_constrained; i++)
		ExecConstraints(target, pending->slots[i], pending->estate);
	table_multi_insert(pending->relation, pending->slots, pending->waiting,
					   GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < pending->waiting && target->ri_NumIndices > 0; i++)
		insert_index_tuples(target, pending->slots[i], pending->estate);
}

static void
write_waiting(Pending *pending)
{
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(pending->estate));

	if (pending->waiting > 1 && !is_served_one_by_one(pending->target))
		write_together(pending);
	else
	{
		for (int i = 0; i < pending->waiting; i++)
			ExecSimpleRelationInsert(pending->target, pending->estate, pending->slots[i]);
	}
	for (int i = 0; i < pending->waiting; i++)
		ExecClearTuple(pending->slots[i]);
	pending->waiting = 0;
	pending->bytes = 0;
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(pending->estate);
}

/*
 * A row of NULLs to be filled, in memory that lasts until it is written: that of
 * each tuple of the estate.
 */
static TupleTableSlot *
new_row(Pending *pending)
{
	TupleTableSlot *slot;

	if (pending->waiting == pending->nslots)
	{
		MemoryContext old = MemoryContextSwitchTo(pending->estate->es_query_cxt);

		pending->slots[pending->nslots++] =
			MakeSingleTupleTableSlot(RelationGetDescr(pending->relation), &TTSOpsVirtual);
		MemoryContextSwitchTo(old);
	}
	slot = pending->slots[pending->waiting];
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	return slot;
}

static void
end_row(Pending *pending, TupleTableSlot *slot)
{
	ExecStoreVirtualTuple(slot);
	if (++pending->waiting == PENDING_BATCH || pending->bytes > PENDING_BATCH_BYTES)
		write_waiting(pending);
}

/* A value of variable length, in the current memory context */
static void *
copy_of(Pending *pending, const void *value)
{
	Size		size = VARSIZE_ANY(value);

	pending->bytes += size;
	return memcpy(palloc(size), value, size);
}

static void
put(TupleTableSlot *slot, int column, Datum value)
{
	slot->tts_values[column] = value;
	slot->tts_isnull[column] = false;
}

/*
 * Of a stream the key that its query gives has the kind before the customer's:
 * its length in bytes, a colon, the kind.
 */
static text *
divide_kind(const text *key, Datum *kind)
{
	const char *p = VARDATA_ANY(key);
	const char *end = p + VARSIZE_ANY_EXHDR(key);
	int64		length = 0;

	while (p < end && *p >= '0' && *p <= '9' && length <= end - p)
		length = length * 10 + *p++ - '0';
	if (p == end || *p != ':' || length > end - p - 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("the query of the trigger function gives a key without a kind")));
	p++;
	*kind = PointerGetDatum(cstring_to_text_with_len(p, (int) length));
	p += length;
	return cstring_to_text_with_len(p, (int) (end - p));
}

void
pending_append(Pending *pending, const text *key, const History *difference)
{
	TupleTableSlot *slot = new_row(pending);
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(pending->estate));
	Datum		tenant = PointerGetDatum(cstring_to_text_with_len("", 0));
	Datum		customer;
	Datum		kind = (Datum) 0;

	key = pending->stream_no > 0 ? divide_kind(key, &kind) : copy_of(pending, key);
	put(slot, pending->key, PointerGetDatum(key));
	if (pending->customer >= 0)
	{
		divide_key(key, &tenant, &customer);
		put(slot, pending->customer, customer);
	}
	put(slot, pending->tenant, tenant);
	put(slot, pending->difference, PointerGetDatum(copy_of(pending, difference)));
	if (pending->stream_no > 0)
	{
		put(slot, pending->stream, Int32GetDatum(pending->stream_no));
		put(slot, pending->kind, kind);
	}
	MemoryContextSwitchTo(old);
	end_row(pending, slot);
}

/* event NULL: any event */
void
touched_append(Pending *touched, const text *event)
{
	TupleTableSlot *slot = new_row(touched);
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(touched->estate));

	if (event != NULL)
		put(slot, touched->key, PointerGetDatum(copy_of(touched, event)));
	MemoryContextSwitchTo(old);
	end_row(touched, slot);
}

void
pending_close(Pending *pending)
{
	write_waiting(pending);
	ExecASInsertTriggers(pending->estate, pending->target, NULL);
	AfterTriggerEndQuery(pending->estate);
	for (int i = 0; i < pending->nslots; i++)
		ExecDropSingleTupleTableSlot(pending->slots[i]);
	ExecCloseIndices(pending->target);
	FreeExecutorState(pending->estate);
	table_close(pending->relation, NoLock);
	/* statements of other triggers see them */
	CommandCounterIncrement();
}
