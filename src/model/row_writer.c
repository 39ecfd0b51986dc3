/*
 * row_writer.c
 *		Append rows to a table of a model.
 *
 * Rows are written as logical replication and COPY write them, without a statement:
 * to plan and start an INSERT would cost more than the row. Constraints, indexes
 * and triggers are served all the same.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/rel.h"

#include "compat.h"
#include "row_writer.h"

int
row_column(TupleDesc desc, const char *name, Oid type)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute it = TupleDescAttr(desc, i);

		if (!it->attisdropped && it->attgenerated == '\0' && it->atttypid == type &&
			strcmp(NameStr(it->attname), name) == 0)
			return i;
	}
	return -1;
}

void
row_writer_open(RowWriter *writer, Relation relation, bool with_indexes)
{
	PreventCommandIfReadOnly("INSERT");
	writer->relation = relation;
	writer->estate = CreateExecutorState();
	writer->target = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->target, relation, 0, NULL, 0);
	/* where AFTER triggers find it */
	writer->estate->es_opened_result_relations = list_make1(writer->target);
	if (with_indexes)
		ExecOpenIndices(writer->target, false);
	writer->nslots = writer->waiting = 0;
	writer->bytes = 0;
	AfterTriggerBeginQuery();
	ExecBSInsertTriggers(writer->estate, writer->target);
}

MemoryContext
row_writer_context(RowWriter *writer)
{
	return GetPerTupleMemoryContext(writer->estate);
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
write_together(RowWriter *writer)
{
	ResultRelInfo *target = writer->target;
	bool		is_constrained = RelationGetDescr(writer->relation)->constr != NULL;

	for (int i = 0; i < writer->waiting && is_constrained; i++)
		ExecConstraints(target, writer->slots[i], writer->estate);
	table_multi_insert(writer->relation, writer->slots, writer->waiting,
					   GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < writer->waiting && target->ri_NumIndices > 0; i++)
		insert_index_tuples(target, writer->slots[i], writer->estate);
}

static void
write_waiting(RowWriter *writer)
{
	MemoryContext old = MemoryContextSwitchTo(row_writer_context(writer));

	if (writer->waiting > 1 && !is_served_one_by_one(writer->target))
		write_together(writer);
	else
	{
		for (int i = 0; i < writer->waiting; i++)
			ExecSimpleRelationInsert(writer->target, writer->estate, writer->slots[i]);
	}
	for (int i = 0; i < writer->waiting; i++)
		ExecClearTuple(writer->slots[i]);
	writer->waiting = 0;
	writer->bytes = 0;
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(writer->estate);
}

TupleTableSlot *
row_writer_new(RowWriter *writer)
{
	TupleTableSlot *slot;

	if (writer->waiting == writer->nslots)
	{
		MemoryContext old = MemoryContextSwitchTo(writer->estate->es_query_cxt);

		writer->slots[writer->nslots++] =
			table_slot_create(writer->relation, NULL);
		MemoryContextSwitchTo(old);
	}
	slot = writer->slots[writer->waiting];
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	return slot;
}

/* A copy, flat if the value is an expanded object */
Datum
row_writer_copy(RowWriter *writer, Datum value, bool by_value, int16 length)
{
	MemoryContext old = MemoryContextSwitchTo(row_writer_context(writer));
	Datum		copy = datumCopy(value, by_value, length);

	MemoryContextSwitchTo(old);
	if (!by_value)
		writer->bytes += datumGetSize(copy, by_value, length);
	return copy;
}

void
row_writer_add(RowWriter *writer, TupleTableSlot *slot)
{
	ExecStoreVirtualTuple(slot);
	if (++writer->waiting == ROW_BATCH || writer->bytes > ROW_BATCH_BYTES)
		write_waiting(writer);
}

void
row_writer_close(RowWriter *writer)
{
	write_waiting(writer);
	ExecASInsertTriggers(writer->estate, writer->target, NULL);
	AfterTriggerEndQuery(writer->estate);
	for (int i = 0; i < writer->nslots; i++)
		ExecDropSingleTupleTableSlot(writer->slots[i]);
	ExecCloseIndices(writer->target);
	ExecResetTupleTable(writer->estate->es_tupleTable, false);
	FreeExecutorState(writer->estate);
	/* statements that follow see them */
	CommandCounterIncrement();
}
