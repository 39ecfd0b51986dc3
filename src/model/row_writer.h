/*
 * row_writer.h
 *		Append rows to a table of a model, without a statement.
 */
#ifndef CUSTOMER_SCORING_ROW_WRITER_H
#define CUSTOMER_SCORING_ROW_WRITER_H

#include "executor/tuptable.h"
#include "nodes/execnodes.h"

/* So many rows are written at a time, or fewer that have so many bytes. */
#define ROW_BATCH		64
#define ROW_BATCH_BYTES 65536

typedef struct RowWriter
{
	Relation	relation;		/* open for as long as rows are written */
	EState	   *estate;
	ResultRelInfo *target;
	TupleTableSlot *slots[ROW_BATCH];	/* rows that wait to be written together */
	int			nslots;			/* that have been made */
	int			waiting;
	Size		bytes;			/* of what row_writer_copy() has made for them */
} RowWriter;

/* The column of that name and type, from 0 on, that rows can be given; -1: there is none */
extern int	row_column(TupleDesc desc, const char *name, Oid type);

/* Without indexes they have to be built by somebody else before the table is read. */
extern void row_writer_open(RowWriter *writer, Relation relation, bool with_indexes);

/*
 * A row of NULLs to be filled. What its values refer to lasts until the row is
 * written: row_writer_context() does, and copies are made there.
 */
extern TupleTableSlot *row_writer_new(RowWriter *writer);
extern MemoryContext row_writer_context(RowWriter *writer);
extern Datum row_writer_copy(RowWriter *writer, Datum value, bool by_value, int16 length);
extern void row_writer_add(RowWriter *writer, TupleTableSlot *slot);

/* The relation stays open. */
extern void row_writer_close(RowWriter *writer);

static inline void
row_put(TupleTableSlot *slot, int column, Datum value)
{
	slot->tts_values[column] = value;
	slot->tts_isnull[column] = false;
}

#endif							/* CUSTOMER_SCORING_ROW_WRITER_H */
