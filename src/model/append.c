/*
 * append.c
 *		The first reading of a model: the histories that a query gives go into the
 *		table of histories, which has just been made.
 *
 * INSERT would keep all customers aside, and go through them several times, to know what
 * else the query has: rows without a history, which say what was left out. Here each
 * row is written or handed back as it comes, and the indexes are built at the end.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "bulk/source.h"
#include "compat.h"
#include "live.h"
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

		place->table = row_column(RelationGetDescr(receiver->writer.relation),
								  NameStr(column->attname), column->atttypid);
		place->result = row_column(receiver->rest_desc, NameStr(column->attname),
								   column->atttypid);
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

		if (receiver->places[i].table >= 0 && !slot->tts_isnull[i])
			row_put(row, receiver->places[i].table,
					row_writer_copy(writer, slot->tts_values[i], column->attbyval, column->attlen));
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
 * Only the owner's, asked before it is locked; and only a table that nobody else can
 * see yet, since its indexes are not kept while it is filled.
 */
static Relation
open_new_table(Oid relid)
{
	Relation	relation;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation %u does not exist", relid)));
	if (!live_is_own_relation(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of relation %s", get_rel_name(relid))));
	relation = relation_open(relid, RowExclusiveLock);
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(relation))));
	if (relation->rd_createSubid == InvalidSubTransactionId)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s was not made in this transaction",
						RelationGetRelationName(relation))));
	return relation;
}

/* Not by parallel workers: beside them nobody writes. What the query calls may have its own. */
static void
run_query(const char *query, Receiver *receiver)
{
	SPIPlanPtr	plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare_cursor(query, 0, NULL, 0);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	if (list_length(SPI_plan_get_plan_sources(plan)) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("query must be one statement")));
	source_run_plan(plan, &receiver->dest);
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
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", PG_ARGISNULL(0) ? "relation" : "query")));
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
