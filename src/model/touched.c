/*
 * touched.c
 *		Which events a statement has touched: the key of every row that it wrote
 *		or removed, appended to the table touched of a model with a ledger.
 *
 * What has become of these events nobody asks here: the statement may be one of
 * several, and another transaction may be at the same event. Who reads the model
 * asks, by their own snapshot.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "live.h"
#include "pending.h"
#include "touched.h"

/* Longer ones are no keys of events: the ledger has an index on them. */
#define MAX_KEY 1000

/* So many keys of the same statement are remembered, not to be written again. */
#define REMEMBERED 8

typedef struct Writer
{
	Pending		pending;
	MemoryContext context;		/* of a row */
	text	   *remembered[REMEMBERED];
	int			next;
	ArrayBuildState **keys;		/* to be checked too; NULL: not */
} Writer;

typedef struct Rows
{
	Tuplestorestate *store;
	TupleTableSlot *slot;
	int			column;			/* from 1 on */
	Oid			type;
} Rows;

/* The text of a key, as the query of the ledger has it: see _model_key_text */
static text *
key_text(Datum key, Oid type)
{
	Oid			output;
	bool		is_varlena;

	switch (getBaseType(type))
	{
		case TEXTOID:
		case VARCHAROID:
			return DatumGetTextPP(key);
		case BPCHAROID:
			return DatumGetTextPP(DirectFunctionCall1(rtrim1, key));
		case NUMERICOID:
			key = DirectFunctionCall1(numeric_trim_scale, key);
			break;
	}
	getTypeOutputInfo(getBaseType(type), &output, &is_varlena);
	return cstring_to_text(OidOutputFunctionCall(output, key));
}

static bool
is_same(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

static void
write_key(Writer *writer, text *key)
{
	MemoryContext old;
	text	   *copy;

	if (key == NULL || VARSIZE_ANY_EXHDR(key) > MAX_KEY)
		return;
	for (int i = 0; i < REMEMBERED; i++)
	{
		if (writer->remembered[i] != NULL && is_same(writer->remembered[i], key))
			return;
	}
	touched_append(&writer->pending, key);
	old = MemoryContextSwitchTo(writer->context->parent);
	copy = cstring_to_text_with_len(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	if (writer->keys != NULL)
		*writer->keys = accumArrayResult(*writer->keys, PointerGetDatum(copy), false, TEXTOID,
										 CurrentMemoryContext);
	if (writer->remembered[writer->next] != NULL)
		pfree(writer->remembered[writer->next]);
	writer->remembered[writer->next] = copy;
	writer->next = (writer->next + 1) % REMEMBERED;
	MemoryContextSwitchTo(old);
}

static void
start_rows(Rows *rows, Tuplestorestate *store, TupleDesc desc, int column)
{
	rows->store = store;
	rows->column = column;
	rows->type = TupleDescAttr(desc, column - 1)->atttypid;
	if (store == NULL)
		return;
	rows->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	/* the pointer at hand is that of the trigger that read them last */
	tuplestore_select_read_pointer(store, tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
	tuplestore_rescan(store);
}

/*
 * False: there are no more. The key is made in "context", or is in the row. The row
 * is not made there: the slot frees it when it gets the next one, and a row that
 * was on disk is a copy of its own.
 */
static bool
next_key(Rows *rows, MemoryContext context, text **key)
{
	Datum		value;
	bool		isnull;

	*key = NULL;
	if (rows->store == NULL || !tuplestore_gettupleslot(rows->store, true, false, rows->slot))
		return false;
	value = slot_getattr(rows->slot, rows->column, &isnull);
	if (!isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		*key = key_text(value, rows->type);
		MemoryContextSwitchTo(old);
	}
	return true;
}

static void
end_rows(Rows *rows)
{
	if (rows->store != NULL)
		ExecDropSingleTupleTableSlot(rows->slot);
}

static int
find_column(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0 &&
			OidIsValid(live_key_type(column->atttypid)))
			return i + 1;
	}
	return 0;
}

/*
 * Write the keys of the rows before and after a statement, and add them to
 * "keys". An UPDATE has both in the same order, and mostly the same keys. False,
 * and nothing is written: the table has no such column that can be a key.
 */
bool
touched_record(TriggerData *trigger, const char *model, const char *column, ArrayBuildState **keys)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			number = find_column(desc, column);
	Writer		writer = {0};
	Rows		new_rows = {0};
	Rows		old_rows = {0};
	bool		more = true;

	if (number == 0)
		return false;
	if ((trigger->tg_newtable == NULL || tuplestore_tuple_count(trigger->tg_newtable) == 0) &&
		(trigger->tg_oldtable == NULL || tuplestore_tuple_count(trigger->tg_oldtable) == 0))
		return true;
	writer.keys = keys;
	writer.context = AllocSetContextCreate(CurrentMemoryContext, "key of a touched event",
										   ALLOCSET_SMALL_SIZES);
	start_rows(&new_rows, trigger->tg_newtable, desc, number);
	start_rows(&old_rows, trigger->tg_oldtable, desc, number);
	touched_open(&writer.pending, model);
	while (more)
	{
		MemoryContext old;
		text	   *new_key;
		text	   *old_key;

		MemoryContextReset(writer.context);
		more = next_key(&new_rows, writer.context, &new_key);
		more = next_key(&old_rows, writer.context, &old_key) || more;
		old = MemoryContextSwitchTo(writer.context);
		write_key(&writer, new_key);
		write_key(&writer, old_key);
		MemoryContextSwitchTo(old);
	}
	pending_close(&writer.pending);
	end_rows(&new_rows);
	end_rows(&old_rows);
	MemoryContextDelete(writer.context);
	return true;
}

/* Any event may be another now: the table is empty. */
void
touched_all(const char *model)
{
	Pending		pending;

	touched_open(&pending, model);
	touched_append(&pending, NULL);
	pending_close(&pending);
}
