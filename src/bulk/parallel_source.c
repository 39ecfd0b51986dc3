/*
 * parallel_source.c
 *		Read a source by parallel workers: each adds up the rows that it gets, and
 *		hands over one part for each customer instead of their rows.
 *
 * The planner decides, by its own rules, whether the query is worth workers: it
 * is told that rows cost nothing on their way to the leader, because they don't
 * travel. If its answer is Gather over a plan that can be split, a node of ours
 * is put in between. In a worker it reads all rows of the plan below, makes a
 * customer table of its own of them, and returns chunks: rows of one bytea with
 * as many customers as fit. When its table is full, it hands over what it has
 * and starts with an empty one, so workers need no files. In the leader the same node feeds
 * the one table that all parts end up in, and returns an empty row from time to
 * time, so that Gather looks at what the workers have sent.
 *
 * Everything else is the executor's: starting workers, their snapshot, rights
 * and settings, errors and notices, cancelling, and cleaning up.
 *
 * The answer must not depend on who has read which row. Sums are exact, and so
 * is everything that is kept of a customer. But of customers that are equal and
 * look different (1.0 and 1.00, or by a collation) the one that comes first is
 * shown: such sources are read by one process.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "compat.h"
#include "customer_history.h"
#include "parallel_source.h"
#include "score_customers.h"

/* The name of our node, in EXPLAIN and for workers */
#define NODE_NAME		"Customer Scoring Share"

/* Four chunks fill the queue of a worker. */
#define CHUNK_SIZE		16000

/* How many rows the leader reads before it looks at the queues */
#define LEADER_ROWS		4096

/* How many rows a worker reads before it tells how far it is */
#define WORKER_ROWS		131072

/* The varlena header, and what makes the rest of a chunk aligned in a tuple */
#define CHUNK_PADDING	4
#define CHUNK_START		(VARHDRSZ + CHUNK_PADDING)

/* A chunk is its head and entries. */
typedef struct ChunkHead
{
	SourceCounts counts;		/* since the chunk before */
} ChunkHead;

/* Followed by the key and the part, each aligned */
typedef struct ChunkEntry
{
	uint64		hash;
	uint32		key_size;		/* 0: by value */
	uint16		part_size;
	uint8		decimals;
} ChunkEntry;

/* What a worker must know of the reader; the settings of its share follow. */
typedef struct WorkerSettings
{
	Oid			schema;
	Oid			key_type;
	bool		for_model;
	bool		keep_going;
} WorkerSettings;

/* Places in the node's private list */
enum
{
	PRIVATE_SHARE,
	PRIVATE_FUNCTION,
	PRIVATE_TIME_ZONE,
	PRIVATE_SETTINGS
};

typedef struct ShareState
{
	CustomScanState css;
	PlanState  *child;
	SourceReceiver *receiver;	/* in the leader the caller's */
	bool		finished;		/* no more rows below */

	/* only in a worker */
	const SourceShare *share;
	const void *share_settings;
	SourceReader reader;
	SourceCounts counts;
	SourceCounts told;			/* what chunks have told of them */
	CustomerTable *table;
	bool		handing_over;
	int64		next;			/* the customer to hand over */
	StringInfoData chunk;
} ShareState;

static const SourceShare *const shares[] = {&history_share, &score_share};

static Node *share_create(CustomScan *scan);
static void share_begin(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *share_next(CustomScanState *node);
static void share_end(CustomScanState *node);
static void share_rescan(CustomScanState *node);

static const CustomScanMethods scan_methods = {NODE_NAME, share_create};

static const CustomExecMethods exec_methods = {
	.CustomName = NODE_NAME,
	.BeginCustomScan = share_begin,
	.ExecCustomScan = share_next,
	.EndCustomScan = share_end,
	.ReScanCustomScan = share_rescan
};

/* Workers find the node by its name. */
void
parallel_source_register(void)
{
	if (GetCustomScanMethods(NODE_NAME, true) == NULL)
		RegisterCustomScanMethods(&scan_methods);
}

/* ---- chunks ---- */

static void
align_chunk(StringInfo chunk)
{
	while ((chunk->len - CHUNK_START) % MAXIMUM_ALIGNOF != 0)
		appendStringInfoCharMacro(chunk, 0);
}

/*
 * Write what is known of a customer. A part of no bytes is one, too; it isn't
 * larger than SOURCE_MAX_PART.
 */
void
parallel_source_put(StringInfo chunk, CustomerTable *table, Datum key, int decimals,
					const void *part, Size size)
{
	ChunkEntry	entry = {0};

	Assert(size <= SOURCE_MAX_PART);
	entry.hash = source_key_hash(&table->key, key);
	entry.key_size = table->key.by_value ? 0 : (uint32) source_key_size(&table->key, key);
	entry.part_size = (uint16) size;
	entry.decimals = (uint8) decimals;
	appendBinaryStringInfo(chunk, (const char *) &entry, sizeof(entry));
	if (table->key.by_value)
		appendBinaryStringInfo(chunk, (const char *) &key, sizeof(key));
	else
		appendBinaryStringInfo(chunk, DatumGetPointer(key), (int) entry.key_size);
	align_chunk(chunk);
	appendBinaryStringInfo(chunk, part, (int) size);
	align_chunk(chunk);
}

static void
add_counts(SourceCounts *counts, const SourceCounts *more, int sign)
{
	counts->rows += sign * more->rows;
	counts->no_customer += sign * more->no_customer;
	counts->no_day += sign * more->no_day;
	counts->no_value += sign * more->no_value;
	counts->unconvertible += sign * more->unconvertible;
}

/* ---- in the leader: what comes out of Gather ---- */

typedef struct ChunkReceiver
{
	DestReceiver dest;
	const SourceReader *reader;
	SourceReceiver *receiver;
	SourceCounts *counts;
	MemoryContext context;		/* of a chunk that isn't aligned */
} ChunkReceiver;

static void
take_chunk(ChunkReceiver *chunks, const char *bytes, Size size)
{
	const SourceReader *reader = chunks->reader;
	const char *end = bytes + size;
	ChunkHead	head;
	SourceRow	rows[SOURCE_BATCH];
	int			n = 0;

	memcpy(&head, bytes, sizeof(head));
	bytes += sizeof(head);
	add_counts(chunks->counts, &head.counts, 1);
	while (bytes < end)
	{
		ChunkEntry	entry;
		SourceRow  *row = &rows[n++];

		memcpy(&entry, bytes, sizeof(entry));
		bytes += sizeof(entry);
		if (entry.key_size == 0)
		{
			memcpy(&row->key, bytes, sizeof(row->key));
			bytes += sizeof(row->key);
		}
		else
		{
			row->key = PointerGetDatum(bytes);
			bytes += MAXALIGN(entry.key_size);
		}
		row->hash = entry.hash;
		row->value = row->events = 0;
		row->day = SOURCE_NO_DAY;
		row->decimals = entry.decimals;
		row->part = bytes;
		row->part_size = entry.part_size;
		bytes += MAXALIGN(entry.part_size);
		if (n == SOURCE_BATCH)
		{
			reader->take(reader->arg, rows, n);
			n = 0;
		}
	}
	if (n > 0)
		reader->take(reader->arg, rows, n);
	source_receiver_look(chunks->receiver);
}

static bool
chunks_receive(TupleTableSlot *slot, DestReceiver *self)
{
	ChunkReceiver *chunks = (ChunkReceiver *) self;
	MemoryContext old_context;
	bool		isnull;
	Datum		datum = slot_getattr(slot, 1, &isnull);
	char	   *bytes;
	Size		size;

	if (isnull)
		return true;
	old_context = MemoryContextSwitchTo(chunks->context);
	/* a small one has got a short header on its way */
	bytes = VARDATA_ANY(DatumGetPointer(datum)) + CHUNK_PADDING;
	size = VARSIZE_ANY_EXHDR(DatumGetPointer(datum)) - CHUNK_PADDING;
	if ((uintptr_t) bytes % MAXIMUM_ALIGNOF != 0)
		bytes = memcpy(palloc_extended(size, MCXT_ALLOC_HUGE), bytes, size);
	take_chunk(chunks, bytes, size);
	MemoryContextSwitchTo(old_context);
	MemoryContextReset(chunks->context);
	return true;
}

static void
chunks_startup(DestReceiver *self pg_attribute_unused(), int operation pg_attribute_unused(),
			   TupleDesc desc pg_attribute_unused())
{
}

static void
chunks_nothing(DestReceiver *self pg_attribute_unused())
{
}

/* ---- the node ---- */

static Node *
share_create(CustomScan *scan pg_attribute_unused())
{
	ShareState *state = (ShareState *) newNode(sizeof(ShareState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

static void
start_in_worker(void *arg, const SourceKey *key, bool of_histories)
{
	ShareState *state = arg;

	state->table = state->share->start(state->share_settings, key, of_histories);
	state->table->hands_over = true;
}

static void
take_in_worker(void *arg, SourceRow *rows, int n)
{
	ShareState *state = arg;

	state->share->take(state->table, rows, n);
}

/* Make of the plan what the leader knows of the reader. */
static void
begin_in_worker(ShareState *state)
{
	CustomScan *scan = castNode(CustomScan, state->css.ss.ps.plan);
	const char *name = strVal(list_nth(scan->custom_private, PRIVATE_SHARE));
	Const	   *time_zone = list_nth_node(Const, scan->custom_private, PRIVATE_TIME_ZONE);
	char	   *settings = VARDATA(DatumGetPointer(list_nth_node(Const, scan->custom_private,
																  PRIVATE_SETTINGS)->constvalue));
	WorkerSettings common;

	for (int i = 0; i < (int) lengthof(shares); i++)
	{
		if (strcmp(shares[i]->name, name) == 0)
			state->share = shares[i];
	}
	if (state->share == NULL)
		elog(ERROR, "unknown share \"%s\" of a source", name);
	memcpy(&common, settings, sizeof(common));
	state->share_settings = memcpy(palloc(Max(state->share->settings_size, 1)),
								   settings + sizeof(common), state->share->settings_size);
	state->reader = (SourceReader) {
		.function = strVal(list_nth(scan->custom_private, PRIVATE_FUNCTION)),
		.schema = common.schema,
		.key_type = common.key_type,
		.time_zone = time_zone->constisnull ? NULL : DatumGetTextPP(time_zone->constvalue),
		.for_model = common.for_model,
		.keep_going = common.keep_going,
		.start = start_in_worker,
		.take = take_in_worker,
		.arg = state,
		.quiet = true,
	};
	state->receiver = source_receiver_create(&state->reader, &state->counts);
	source_receiver_understand(state->receiver, ExecGetResultType(state->child));
	source_receiver_start(state->receiver);
	initStringInfo(&state->chunk);
}

static void
share_begin(CustomScanState *node, EState *estate, int eflags)
{
	ShareState *state = (ShareState *) node;
	CustomScan *scan = castNode(CustomScan, node->ss.ps.plan);

	state->child = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	node->custom_ps = list_make1(state->child);
	if (IsParallelWorker())
		begin_in_worker(state);
}

/* The leader's share goes into its table at once. */
static TupleTableSlot *
next_in_leader(ShareState *state)
{
	if (state->receiver == NULL)
		elog(ERROR, "node \"%s\" was run without its reader", NODE_NAME);
	for (int i = 0; i < LEADER_ROWS && !state->finished; i++)
	{
		TupleTableSlot *slot = ExecProcNode(state->child);

		/* what waits for its batch to be full is the caller's to flush */
		if (TupIsNull(slot))
			state->finished = true;
		else
			source_receiver_receive(state->receiver, slot);
	}
	if (state->finished)
		return NULL;
	return ExecStoreAllNullTuple(state->css.ss.ss_ScanTupleSlot);
}

/* Read until the table is full, there are no more rows, or there is something to tell. */
static void
read_in_worker(ShareState *state)
{
	int64		stop = state->told.rows + WORKER_ROWS;

	while (!state->table->full && state->counts.rows < stop)
	{
		TupleTableSlot *slot = ExecProcNode(state->child);

		if (TupIsNull(slot))
		{
			source_receiver_flush(state->receiver);
			state->finished = true;
			break;
		}
		source_receiver_receive(state->receiver, slot);
	}
	state->handing_over = state->finished || state->table->full;
	state->next = 0;
}

/* Fill a chunk, with customers if it is time to hand them over. */
static void
make_chunk(ShareState *state)
{
	StringInfo	chunk = &state->chunk;
	ChunkHead	head = {state->counts};

	add_counts(&head.counts, &state->told, -1);
	state->told = state->counts;
	resetStringInfo(chunk);
	/* one giant customer must not be kept until the end */
	if (chunk->maxlen > 16 * CHUNK_SIZE)
	{
		pfree(chunk->data);
		initStringInfo(chunk);
	}
	appendStringInfoSpaces(chunk, CHUNK_START);
	appendBinaryStringInfo(chunk, (const char *) &head, sizeof(head));
	while (state->handing_over && state->next < state->table->entries && chunk->len < CHUNK_SIZE)
		state->share->put(state->table, customers_entry(state->table, state->next++), chunk);
	if (state->handing_over && state->next == state->table->entries)
	{
		customers_reset(state->table);
		state->handing_over = false;
	}
	SET_VARSIZE(chunk->data, chunk->len);
}

static TupleTableSlot *
next_in_worker(ShareState *state)
{
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;
	MemoryContext old_context;

	CHECK_FOR_INTERRUPTS();
	if (!state->handing_over)
	{
		if (state->finished)
			return NULL;
		read_in_worker(state);
	}
	old_context = MemoryContextSwitchTo(state->css.ss.ps.state->es_query_cxt);
	make_chunk(state);
	MemoryContextSwitchTo(old_context);
	ExecClearTuple(slot);
	slot->tts_values[0] = PointerGetDatum(state->chunk.data);
	slot->tts_isnull[0] = false;
	return ExecStoreVirtualTuple(slot);
}

static TupleTableSlot *
share_next(CustomScanState *node)
{
	ShareState *state = (ShareState *) node;

	return IsParallelWorker() ? next_in_worker(state) : next_in_leader(state);
}

static void
share_end(CustomScanState *node)
{
	ShareState *state = (ShareState *) node;

	if (state->table != NULL)
		customers_free(state->table);
	ExecEndNode(state->child);
}

static void
share_rescan(CustomScanState *node pg_attribute_unused())
{
	elog(ERROR, "node \"%s\" can't be run twice", NODE_NAME);
}

/* ---- the plan ---- */

/* The plan of a query where rows cost nothing on their way to the leader */
static PlannedStmt *
plan_for_workers(CachedPlanSource *source)
{
	int			level = NewGUCNestLevel();
	PlannedStmt *statement;

	(void) set_config_option("parallel_tuple_cost", "0", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* the planner scribbles on its input */
	statement = pg_plan_query(copyObject(linitial_node(Query, source->query_list)),
							  source->query_string, CURSOR_OPT_PARALLEL_OK, NULL);
	AtEOXact_GUC(true, level);
	return statement;
}

/* Does Gather return just what its plan below does? */
static bool
returns_as_it_is(const Plan *gather)
{
	const List *below = outerPlan(gather)->targetlist;
	ListCell   *cell;

	if (gather->qual != NIL || list_length(gather->targetlist) != list_length(below))
		return false;
	foreach(cell, gather->targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		Var		   *var = (Var *) entry->expr;
		TargetEntry *same = list_nth_node(TargetEntry, below, foreach_current_index(cell));

		if (entry->resjunk)
			return false;
		/* a constant isn't fetched from below, but it is there */
		if (IsA(var, Const) ? !equal(var, same->expr) :
			!(IsA(var, Var) && var->varno == OUTER_VAR &&
			  var->varattno == foreach_current_index(cell) + 1))
			return false;
	}
	return true;
}

/* Is the last thing to be done to gather the rows? Then our node can do it. */
static bool
is_split(const PlannedStmt *statement)
{
	const Gather *gather = (const Gather *) statement->planTree;

	return IsA(gather, Gather) && !gather->single_copy && returns_as_it_is(&gather->plan);
}

/*
 * May any process be the first to see a customer, and be the one that hashes
 * them? Where all that is equal has the same bytes, whose key is kept makes no
 * difference.
 */
static bool
splits_by_key(const SourceKey *key, int32 typmod)
{
	TypeCacheEntry *type;
	Oid			function;

	if (key->integer || key->plain_array)
		return true;
	/* blanks at the end have no meaning, and of a length there is always the same number */
	if (getBaseType(key->type) == BPCHAROID && typmod < 0)
		return false;
	if (func_parallel(key->hash.fn_oid) != PROPARALLEL_SAFE ||
		func_parallel(key->equal.fn_oid) != PROPARALLEL_SAFE)
		return false;
	type = lookup_type_cache(key->type, TYPECACHE_BTREE_OPFAMILY | TYPECACHE_EQ_OPR);
	if (!OidIsValid(type->btree_opf) ||
		get_op_opfamily_strategy(type->eq_opr, type->btree_opf) != BTEqualStrategyNumber)
		return false;
	function = get_opfamily_proc(type->btree_opf, type->btree_opintype, type->btree_opintype,
								 BTEQUALIMAGE_PROC);
	return OidIsValid(function) &&
		DatumGetBool(OidFunctionCall1Coll(function, key->collation,
										  ObjectIdGetDatum(type->btree_opintype)));
}

static Const *
bytes_const(Oid type, const struct varlena *bytes)
{
	return makeConst(type, -1, InvalidOid, -1, PointerGetDatum(bytes), bytes == NULL, false);
}

/* Put our node between Gather and the plan below. */
static void
put_node(Gather *gather, const SourceReader *reader)
{
	Plan	   *child = outerPlan(gather);
	CustomScan *scan = makeNode(CustomScan);
	Plan	   *plan = &scan->scan.plan;
	Expr	   *chunk = (Expr *) bytes_const(BYTEAOID, NULL);
	WorkerSettings common = {reader->schema, reader->key_type, reader->for_model,
	reader->keep_going};
	Size		size = VARHDRSZ + sizeof(common) + reader->share->settings_size;
	struct varlena *settings = palloc(size);

	SET_VARSIZE(settings, size);
	memcpy(VARDATA(settings), &common, sizeof(common));
	memcpy(VARDATA(settings) + sizeof(common), reader->share_settings,
		   reader->share->settings_size);

	plan->startup_cost = child->startup_cost;
	plan->total_cost = child->total_cost;
	plan->plan_rows = child->plan_rows;
	plan->plan_width = child->plan_width;
	plan->parallel_safe = true;
	plan->plan_node_id = PG_INT32_MAX;	/* no other has it */
	plan->extParam = bms_copy(child->extParam);
	plan->allParam = bms_copy(child->allParam);
	scan->custom_plans = list_make1(child);
	scan->custom_scan_tlist = list_make1(makeTargetEntry(chunk, 1, pstrdup("chunk"), false));
	plan->targetlist = list_make1(makeTargetEntry((Expr *) makeVar(INDEX_VAR, 1, BYTEAOID, -1,
																   InvalidOid, 0),
												  1, pstrdup("chunk"), false));
	scan->custom_private = list_make4(makeString(pstrdup(reader->share->name)),
									  makeString(pstrdup(reader->function)),
									  bytes_const(TEXTOID, reader->time_zone),
									  bytes_const(BYTEAOID, settings));
	scan->methods = &scan_methods;

	outerPlan(gather) = plan;
	gather->plan.targetlist = list_make1(makeTargetEntry((Expr *) makeVar(OUTER_VAR, 1, BYTEAOID,
																		  -1, InvalidOid, 0),
														 1, pstrdup("chunk"), false));
}

/* ---- running it ---- */

/* Where an error comes from, as SPI says it */
static void
name_query(void *arg)
{
	const char *query = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(query);
	}
	else
		errcontext("SQL statement \"%s\"", query);
}

/* Run the plan that the planner prefers although it could have workers. */
static void
run_alone(PlannedStmt *statement, const char *query, DestReceiver *dest)
{
	QueryDesc  *description = CreateQueryDesc(statement, query, GetActiveSnapshot(),
											  InvalidSnapshot, dest, NULL, NULL, 0);

	ExecutorStart(description, 0);
	run_plan(description);
	ExecutorFinish(description);
	ExecutorEnd(description);
	FreeQueryDesc(description);
}

/* Returns how many workers there have been. */
static int
run_shared(PlannedStmt *statement, const char *query, const SourceReader *reader,
	SourceReceiver *receiver, SourceCounts *counts)
{
	ChunkReceiver chunks = {
		.dest = {
			.receiveSlot = chunks_receive,
			.rStartup = chunks_startup,
			.rShutdown = chunks_nothing,
			.rDestroy = chunks_nothing,
			.mydest = DestTuplestore
		},
		.reader = reader,
		.receiver = receiver,
		.counts = counts
	};
	QueryDesc  *description;
	GatherState *gather;
	int			workers;

	chunks.context = AllocSetContextCreate(CurrentMemoryContext, "chunk of a source",
										   ALLOCSET_DEFAULT_SIZES);
	description = CreateQueryDesc(statement, query, GetActiveSnapshot(), InvalidSnapshot,
								  &chunks.dest, NULL, NULL, 0);
	ExecutorStart(description, 0);
	gather = castNode(GatherState, description->planstate);
	((ShareState *) castNode(CustomScanState, outerPlanState(gather)))->receiver = receiver;
	run_plan(description);
	workers = gather->nworkers_launched;
	ExecutorFinish(description);
	ExecutorEnd(description);
	FreeQueryDesc(description);
	MemoryContextDelete(chunks.context);
	return workers;
}

/*
 * Read what a source that was prepared returns, by parallel workers. False if it
 * isn't worth them, or can't be split: then nothing has happened.
 */
bool
parallel_source_read(SPIPlanPtr plan, const SourceReader *reader, SourceCounts *counts)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));
	ErrorContextCallback callback;
	PlannedStmt *statement;
	SourceReceiver *receiver;
	int			workers = 0;
	bool		done = false;

	if (reader->share == NULL || max_parallel_workers_per_gather == 0 || IsInParallelMode() ||
		IsParallelWorker() || list_length(source->query_list) != 1)
		return false;
	callback.callback = name_query;
	callback.arg = unconstify(char *, source->query_string);
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	statement = plan_for_workers(source);
	/* SPI says what is wrong with a query that writes or locks */
	if (!CommandIsReadOnly(statement))
	{
		error_context_stack = callback.previous;
		return false;
	}
	receiver = source_receiver_create(reader, counts);
	if (!statement->parallelModeNeeded)
	{
		run_alone(statement, source->query_string, source_receiver_dest(receiver));
		done = true;
	}
	else if (is_split(statement))
	{
		Gather	   *gather = castNode(Gather, statement->planTree);
		TupleDesc	desc = ExecCleanTypeFromTL(gather->plan.targetlist);
		const SourceKey *key = source_receiver_understand(receiver, desc);

		if (splits_by_key(key, TupleDescAttr(desc, 0)->atttypmod))
		{
			source_receiver_start(receiver);
			put_node(gather, reader);
			workers = run_shared(statement, source->query_string, reader, receiver, counts);
			done = true;
		}
	}
	error_context_stack = callback.previous;
	if (done)
	{
		source_receiver_flush(receiver);
		source_report_workers(reader, counts, workers);
	}
	source_receiver_free(receiver);
	return done;
}
