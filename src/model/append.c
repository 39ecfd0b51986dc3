/*
 * append.c
 *		The first reading of a model: the histories that a query gives go into the
 *		table of histories, which is new and empty.
 *
 * INSERT would keep all customers aside first, to know what else the query has:
 * rows without a history, which say what was left out. Here they go by as they come,
 * and the indexes are built at the end, from what is there.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "row_writer.h"

PG_FUNCTION_INFO_V1(append_histories);

/* Where a column of the query goes: in the table, or else in the result; from 0 on, or -1 */
typedef struct Place
{
	int			table;
	int			result;
} Place;

typedef struct Receiver
{
	DestReceiver dest;
	RowWriter	writer;
	Place	   *places;
	int			nplaces;
	int			history;		/* that column of the query */
	TupleDesc	rest_desc;
	Tuplestorestate *rest;		/* rows without a history */
	Datum	   *values;			/* room for one of these */
	bool	   *nulls;
	int64		appended;
} Receiver;

static int
find_column(TupleDesc desc, Form_pg_attribute wanted)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute it = TupleDescAttr(desc, i);

		if (!it->attisdropped && it->attgenerated == '\0' && it->atttypid == wanted->atttypid &&
			strcmp(NameStr(it->attname), NameStr(wanted->attname)) == 0)
			return i;
	}
	return -1;
}

static void
receiver_startup(DestReceiver *self, int operation pg_attribute_unused(), TupleDesc desc)
{
	Receiver   *receiver = (Receiver *) self;

	receiver->nplaces = desc->natts;
	receiver->places = palloc(desc->natts * sizeof(Place));
	receiver->history = -1;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Place	   *place = &receiver->places[i];

		place->table = find_column(RelationGetDescr(receiver->writer.relation), column);
		place->result = find_column(receiver->rest_desc, column);
		if (place->table < 0 && place->result < 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of the query is neither one of the table nor one of the result",
							NameStr(column->attname))));
		if (place->table >= 0 && strcmp(NameStr(column->attname), "history") == 0)
			receiver->history = i;
	}
	if (receiver->history < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the query has no column \"history\" of the table's type")));
}

static void
append(Receiver *receiver, TupleTableSlot *slot)
{
	RowWriter  *writer = &receiver->writer;
	TupleTableSlot *row = row_writer_new(writer);

	for (int i = 0; i < receiver->nplaces; i++)
	{
		Form_pg_attribute column = TupleDescAttr(slot->tts_tupleDescriptor, i);
		Datum		value = slot->tts_values[i];

		if (receiver->places[i].table < 0 || slot->tts_isnull[i])
			continue;
		if (column->attlen == -1)
			value = row_writer_copy(writer, DatumGetPointer(value));
		else if (!column->attbyval)
		{
			MemoryContext old = MemoryContextSwitchTo(row_writer_context(writer));

			value = datumCopy(value, false, column->attlen);
			MemoryContextSwitchTo(old);
		}
		row_put(row, receiver->places[i].table, value);
	}
	row_writer_add(writer, row);
	receiver->appended++;
}

static void
hand_back(Receiver *receiver, TupleTableSlot *slot)
{
	memset(receiver->nulls, true, receiver->rest_desc->natts * sizeof(bool));
	for (int i = 0; i < receiver->nplaces; i++)
	{
		int			column = receiver->places[i].result;

		if (column >= 0)
		{
			receiver->values[column] = slot->tts_values[i];
			receiver->nulls[column] = slot->tts_isnull[i];
		}
	}
	tuplestore_putvalues(receiver->rest, receiver->rest_desc, receiver->values, receiver->nulls);
}

static bool
receiver_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Receiver   *receiver = (Receiver *) self;

	slot_getallattrs(slot);
	if (slot->tts_isnull[receiver->history])
		hand_back(receiver, slot);
	else
		append(receiver, slot);
	return true;
}

static void
receiver_nothing(DestReceiver *self pg_attribute_unused())
{
}

/*
 * Only the owner, and only a table that nobody else can see yet: its indexes are
 * not kept while it is filled, and where it was empty nobody's rows are in the way.
 */
static Relation
open_new_table(Oid relid)
{
	Relation	relation = try_relation_open(relid, RowExclusiveLock);

	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation %u does not exist", relid)));
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(relation))));
	if (relation->rd_rel->relowner != GetUserId())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", RelationGetRelationName(relation))));
	if (relation->rd_createSubid == InvalidSubTransactionId ||
		RelationGetNumberOfBlocks(relation) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s is not new and empty", RelationGetRelationName(relation))));
	return relation;
}

/* Not by parallel workers: beside them nobody writes. What the query calls may have its own. */
static void
run_query(const char *query, Receiver *receiver)
{
	SPIExecuteOptions options = {0};
	SPIPlanPtr	plan;
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare_cursor(query, 0, NULL, 0);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	options.read_only = true;
	options.must_return_tuples = true;
	options.dest = &receiver->dest;
	result = SPI_execute_plan_extended(plan, &options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(result));
	SPI_finish();
}

/*
 * _model_append_histories(relation oid, query text): its rows with a history go into the
 * table, by the names of the columns. The others are the result, and a last
 * row says how many went in.
 */
Datum
append_histories(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	relation;
	Receiver	receiver = {.dest = {
		receiver_receive, receiver_startup, receiver_nothing, receiver_nothing, DestTuplestore
	}};

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	relation = open_new_table(PG_GETARG_OID(0));
	receiver.rest = result->setResult;
	receiver.rest_desc = result->setDesc;
	receiver.values = palloc0(result->setDesc->natts * sizeof(Datum));
	receiver.nulls = palloc(result->setDesc->natts * sizeof(bool));
	row_writer_open(&receiver.writer, relation, false);
	run_query(text_to_cstring(PG_GETARG_TEXT_PP(1)), &receiver);
	row_writer_close(&receiver.writer);
	relation_close(relation, NoLock);
	build_indexes(PG_GETARG_OID(0));

	memset(receiver.nulls, true, result->setDesc->natts * sizeof(bool));
	receiver.values[0] = Int64GetDatum(receiver.appended);
	receiver.nulls[0] = false;
	tuplestore_putvalues(receiver.rest, receiver.rest_desc, receiver.values, receiver.nulls);
	return (Datum) 0;
}
