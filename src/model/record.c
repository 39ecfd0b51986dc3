/*
 * record.c
 *		The language of the trigger functions of live models. A function in it
 *		says what its model reads of a row; a statement trigger that calls it
 *		appends to the table pending what the statement changes.
 *
 * It is a language, and not a trigger function of the extension, for the sake of
 * rights: record_differences() of a model is a function of the model's owner,
 * SECURITY DEFINER, with a pinned search_path, that nobody else may call or hang
 * on a table. PostgreSQL sees to all of it. The body is data:
 *
 *	model		the schema with the tables pending and rejects
 *	stream		the number of a stream, whose differences go to pending_events;
 *				null, or not there, for the orders
 *	query		customer_key, day, value and perhaps counts of changed_rows,
 *				which are the rows that the statement has written or removed; of
 *				a stream the key begins with the kind, as pending.c reads it
 *	time_zone	in which a point in time becomes a day, or null
 *	on_error	reject: no statement fails because of a row; raise: it does
 *	tenants		whether customer_key begins with a tenant
 *	enums		[schema, name] of those that must belong to the owner
 *	keys		of a model with a ledger: [schema, table, column] of each table
 *				that it follows. Then the keys of the rows go to touched, and the
 *				query, which may be null, is asked for those of them, $1, that
 *				can't be scored
 *
 * What it names runs with the rights of the function's owner, or of who calls
 * it, as in any trusted language.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "bulk/customer_history.h"
#include "compat.h"
#include "live.h"
#include "memory.h"
#include "pending.h"
#include "touched.h"

PG_FUNCTION_INFO_V1(live_call_handler);
PG_FUNCTION_INFO_V1(live_validator);

/* The name under which a query finds the rows that a statement changed */
#define CHANGED_ROWS "changed_rows"

/* Up to so many rows need no hash table. */
#define FEW_ROWS 8

/* So often a TRUNCATE of a stream tries to get by those who fold it in. */
#define TRUNCATE_ATTEMPTS 10

/* A table that a ledger follows, and its column with the key of the event */
typedef struct KeyColumn
{
	char	   *schema;
	char	   *table;
	char	   *column;
} KeyColumn;

typedef struct EnumName
{
	char	   *schema;
	char	   *name;
} EnumName;

/* What a function says, and the plan of its query */
typedef struct Program
{
	MemoryContext context;
	TransactionId xmin;			/* of the function as it was read */
	ItemPointerData tid;
	int			uses;			/* by calls that have not ended */
	char	   *model;
	int			stream_no;		/* 0: the orders */
	char	   *query;
	text	   *time_zone;
	bool		lenient;
	bool		tenanted;
	int			nenums;
	EnumName   *enums;
	int			nkeys;			/* of a ledger: its tables */
	KeyColumn  *keys;
	Oid			extension;		/* the schema of the extension whose language it is in */
	Oid			history_type;
	SPIPlanPtr	plan;			/* NULL until first needed */
} Program;

/* ---- what a function says ---- */

static void
program_error(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
			 errmsg("this is no trigger function of a live model"),
			 errdetail("%s", detail),
			 errhint("create_model and alter_model make it: live => true.")));
}

static JsonbValue *
field(Jsonb *body, const char *name, enum jbvType type)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&body->root, name, (int) strlen(name), NULL);

	if (value == NULL || (value->type != type && value->type != jbvNull))
		program_error(psprintf("Its field \"%s\" is missing, or not what it has to be.", name));
	return value;
}

static char *
string_of(const JsonbValue *value)
{
	if (value == NULL || value->type != jbvString)
		program_error("A name or a text is missing.");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static char *
string_field(Jsonb *body, const char *name)
{
	return string_of(field(body, name, jbvString));
}

static bool
boolean_field(Jsonb *body, const char *name)
{
	JsonbValue *value = field(body, name, jbvBool);

	return value->type == jbvBool && value->val.boolean;
}

static void
read_enums(Program *program, Jsonb *body)
{
	JsonbValue *list = field(body, "enums", jbvBinary);

	if (list->type == jbvNull)
		return;
	if (!JsonContainerIsArray(list->val.binary.data))
		program_error("Its enums are no list.");
	program->nenums = (int) JsonContainerSize(list->val.binary.data);
	program->enums = palloc0(program->nenums * sizeof(EnumName));
	for (int i = 0; i < program->nenums; i++)
	{
		JsonbValue *pair = getIthJsonbValueFromContainer(list->val.binary.data, i);
		JsonbContainer *names = pair->val.binary.data;

		if (pair->type != jbvBinary || !JsonContainerIsArray(names))
			program_error("An enum is no pair of names.");
		program->enums[i].schema = string_of(getIthJsonbValueFromContainer(names, 0));
		program->enums[i].name = string_of(getIthJsonbValueFromContainer(names, 1));
	}
}

/* Without a ledger there is no such field. */
static void
read_keys(Program *program, Jsonb *body)
{
	JsonbValue *list = getKeyJsonValueFromContainer(&body->root, "keys", 4, NULL);

	if (list == NULL || list->type == jbvNull)
		return;
	list = field(body, "keys", jbvBinary);
	if (!JsonContainerIsArray(list->val.binary.data))
		program_error("Its keys are no list.");
	program->nkeys = (int) JsonContainerSize(list->val.binary.data);
	program->keys = palloc0(Max(program->nkeys, 1) * sizeof(KeyColumn));
	for (int i = 0; i < program->nkeys; i++)
	{
		JsonbValue *names = getIthJsonbValueFromContainer(list->val.binary.data, i);
		JsonbContainer *three = names->val.binary.data;

		if (names->type != jbvBinary || !JsonContainerIsArray(three))
			program_error("A key is no list of names.");
		program->keys[i].schema = string_of(getIthJsonbValueFromContainer(three, 0));
		program->keys[i].table = string_of(getIthJsonbValueFromContainer(three, 1));
		program->keys[i].column = string_of(getIthJsonbValueFromContainer(three, 2));
	}
}

/* Those that were made before there were streams say nothing of one. */
static void
read_stream(Program *program, Jsonb *body)
{
	JsonbValue *stream = getKeyJsonValueFromContainer(&body->root, "stream", 6, NULL);

	if (stream == NULL || stream->type == jbvNull)
		return;
	stream = field(body, "stream", jbvNumeric);
	program->stream_no = DatumGetInt32(DirectFunctionCall1(numeric_int4,
												NumericGetDatum(stream->val.numeric)));
	if (program->stream_no < 1)
		program_error("Its stream is no number of one.");
}

/* Read a body into the current memory context. */
static void
read_body(Program *program, const char *source)
{
	Jsonb	   *body = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(source)));
	JsonbValue *time_zone;

	if (!JB_ROOT_IS_OBJECT(body))
		program_error("Its body is no object.");
	program->model = string_field(body, "model");
	read_stream(program, body);
	read_keys(program, body);
	if (program->keys == NULL || field(body, "query", jbvString)->type != jbvNull)
		program->query = string_field(body, "query");
	time_zone = field(body, "time_zone", jbvString);
	if (time_zone->type == jbvString)
		program->time_zone = cstring_to_text(string_of(time_zone));
	program->lenient = strcmp(string_field(body, "on_error"), "raise") != 0;
	program->tenanted = boolean_field(body, "tenants");
	read_enums(program, body);
}

/* The schema of the extension whose language the function is written in */
static Oid
schema_of(Oid language)
{
	HeapTuple	tuple = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	Oid			handler;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for language %u", language);
	handler = ((Form_pg_language) GETSTRUCT(tuple))->lanplcallfoid;
	ReleaseSysCache(tuple);
	return get_func_namespace(handler);
}

static char *
source_of(HeapTuple function)
{
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_prosrc, &isnull);

	return isnull ? "" : TextDatumGetCString(source);
}

static Program *
make_program(HeapTuple function)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "trigger function of a live model",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Program    *program = palloc0(sizeof(Program));

	program->context = context;
	program->xmin = HeapTupleHeaderGetRawXmin(function->t_data);
	program->tid = function->t_self;
	program->extension = schema_of(((Form_pg_proc) GETSTRUCT(function))->prolang);
	program->history_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("history"),
											ObjectIdGetDatum(program->extension));
	read_body(program, source_of(function));
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	return program;
}

static void
free_program(Program *program)
{
	if (program->plan != NULL)
		SPI_freeplan(program->plan);
	MemoryContextDelete(program->context);
}

/* The plan depends on the columns of the table too. */
typedef struct ProgramKey
{
	Oid			function;
	Oid			relation;
} ProgramKey;

typedef struct ProgramEntry
{
	ProgramKey	key;
	Program    *program;
} ProgramEntry;

/*
 * A session reads each function once, and again when it has been replaced. Not
 * inlined into the handler, whose PG_TRY could clobber a variable.
 */
static pg_noinline Program *
find_program(Oid function, Oid relation)
{
	static HTAB *programs = NULL;
	ProgramKey	key = {function, relation};
	ProgramEntry *entry;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Program    *program;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	if (programs == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(ProgramKey);
		control.entrysize = sizeof(ProgramEntry);
		programs = hash_create("trigger functions of live models", 16, &control,
							   HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(programs, &key, HASH_FIND, NULL);
	if (entry != NULL && entry->program->xmin == HeapTupleHeaderGetRawXmin(tuple->t_data) &&
		ItemPointerEquals(&entry->program->tid, &tuple->t_self))
	{
		ReleaseSysCache(tuple);
		return entry->program;
	}
	program = make_program(tuple);
	ReleaseSysCache(tuple);
	if (entry == NULL)
		entry = hash_search(programs, &key, HASH_ENTER, NULL);
	else if (entry->program->uses == 0)	/* else it is lost, for a call that has replaced itself */
		free_program(entry->program);
	entry->program = program;
	return program;
}

/* ---- a call ---- */

/* A customer whose difference is complete */
typedef struct Difference
{
	text	   *key;
	History    *history;
} Difference;

typedef struct Call
{
	TriggerData *trigger;
	const char *operation;
	Program    *program;
	MemoryContext context;
	EphemeralNamedRelationData rows;
	bool		one_by_one;		/* a row for each row */
	bool		gone;			/* the rows at hand are those before the statement */
	int64		rejected;		/* rows that can't be scored: more than before */
	Pending    *pending;		/* if rows are written as they come */

	/* customers so far: few of them, or a table */
	CustomerHistory few[FEW_ROWS];
	int			nfew;
	CustomerTable *customers;
	CustomerOps ops;

	Difference *ready;
	int			nready;
	int			max_ready;
} Call;

/* Run something so that an error undoes only what it did; the SQLSTATE, 0 if there was none. */
static int
attempt(void (*work) (Call *call), Call *call)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile int state = 0;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(call);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		state = error->sqlerrcode;
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return state;
}

/* A statement on the tables of the model, whose schema is @; that of the extension is #. */
static char *
statement_of(Call *call, const char *statement)
{
	StringInfoData text;
	const char *schema = quote_identifier(call->program->model);
	const char *extension = quote_identifier(get_namespace_name(call->program->extension));

	initStringInfo(&text);
	for (const char *c = statement; *c != '\0'; c++)
	{
		if (*c == '@')
			appendStringInfoString(&text, schema);
		else if (*c == '#')
			appendStringInfoString(&text, extension);
		else
			appendStringInfoChar(&text, *c);
	}
	return text.data;
}

static void
run(Call *call, const char *statement)
{
	char	   *text = statement_of(call, statement);
	int			result = SPI_execute(text, false, 0);

	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	pfree(text);
}

/*
 * The same by a snapshot of now, also where the transaction has one of its own,
 * as TRUNCATE goes by none. Returns how many rows there were.
 */
static uint64
run_by_now(Call *call, const char *statement)
{
	char	   *text = statement_of(call, statement);
	SPIPlanPtr	plan = SPI_prepare(text, 0, NULL);
	int			result;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	CommandCounterIncrement();
	result = SPI_execute_snapshot(plan, NULL, NULL, GetLatestSnapshot(), InvalidSnapshot,
								  false, true, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
	SPI_freeplan(plan);
	pfree(text);
	return SPI_processed;
}

/* A row of rejects: what the model has not taken over, never with a customer or an amount */
static void
reject(Call *call, const char *reason, int64 affected, bool needs_rebuild)
{
	if (call->program->stream_no > 0)
		reason = psprintf("stream %d: %s", call->program->stream_no, reason);
	run(call, psprintf("INSERT INTO @.rejects (operation, reason, affected, needs_rebuild)"
					   " VALUES ('%s', '%s', " INT64_FORMAT ", %s)",
					   call->operation, reason, affected, needs_rebuild ? "true" : "false"));
}

/* ---- rows in ---- */

static void
start_rows(void *arg, const SourceKey *key, bool of_histories pg_attribute_unused())
{
	Call	   *call = arg;

	if (call->customers != NULL)
		customers_set_key(call->customers, key);
}

static bool
is_same_text(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

static CustomerHistory *
find_few(Call *call, text *key)
{
	MemoryContext old;
	CustomerHistory *customer;

	for (int i = 0; i < call->nfew; i++)
	{
		if (is_same_text((text *) DatumGetPointer(call->few[i].key), key))
			return &call->few[i];
	}
	/* not the query of a model, which makes one row of each */
	if (call->nfew == FEW_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("the query of the trigger function has more rows than the statement has changed")));
	old = MemoryContextSwitchTo(call->context);
	customer = &call->few[call->nfew++];
	customer->key = datumCopy(PointerGetDatum(key), false, -1);
	customer->log = history_log_create(call->context);
	MemoryContextSwitchTo(old);
	return customer;
}

static void
write_difference(Call *call, text *key, const HistoryLog *log)
{
	OpenHistory open;

	history_check(history_log_open(&server_host, &open, log));
	if (open.n > 0)
		pending_append(call->pending, key, history_pack(open.days, open.n, open.decimals));
	history_close(&open);
}

static void
take_rows(void *arg, SourceRow *rows, int n)
{
	Call	   *call = arg;

	for (int i = 0; i < n && call->gone; i++)
	{
		rows[i].value = -rows[i].value;
		rows[i].events = -rows[i].events;
	}
	if (call->one_by_one)
	{
		for (int i = 0; i < n; i++)
		{
			CustomerHistory one = {rows[i].key, history_log_create(CurrentMemoryContext)};
			void	   *entry = &one;

			customer_history_add(NULL, &entry, &rows[i], 1);
			write_difference(call, (text *) DatumGetPointer(one.key), one.log);
		}
	}
	else if (call->customers != NULL)
		customers_add(call->customers, rows, n);
	else
	{
		for (int i = 0; i < n; i++)
		{
			void	   *entry = find_few(call, (text *) DatumGetPointer(rows[i].key));

			customer_history_add(NULL, &entry, &rows[i], 1);
		}
	}
}

static void
read_rows(Call *call, Tuplestorestate *rows, bool gone)
{
	Program    *program = call->program;
	bool		keep_going = program->lenient || gone;
	SourceReader reader = {.function = "record_differences", .key_type = TEXTOID,
		.time_zone = program->time_zone, .for_model = true, .keep_going = keep_going,
		.start = start_rows, .take = take_rows, .arg = call, .quiet = true};
	SourceCounts counts;

	if (rows == NULL)
		return;
	call->rows.reldata = rows;
	call->gone = gone;
	if (program->plan == NULL)
	{
		SPIPlanPtr	plan = source_prepare(program->query);

		SPI_keepplan(plan);
		program->plan = plan;
	}
	source_read_plan(program->plan, &reader, &counts);
	if (program->lenient)
		call->rejected += gone ? -counts.unconvertible : counts.unconvertible;
}

/* ---- differences out ---- */

static void
add_ready(Call *call, Datum key, const HistoryLog *log)
{
	MemoryContext old = MemoryContextSwitchTo(call->context);
	OpenHistory open;

	history_check(history_log_open(&server_host, &open, log));
	if (open.n > 0)
	{
		ARRAY_ROOM(call->ready, call->nready, call->max_ready, FEW_ROWS);
		call->ready[call->nready].key = (text *) DatumGetPointer(datumCopy(key, false, -1));
		call->ready[call->nready++].history = history_pack(open.days, open.n, open.decimals);
	}
	history_close(&open);
	MemoryContextSwitchTo(old);
}

static void
emit_customer(CustomerTable *table, void *entry)
{
	Call	   *call = table->ops->arg;
	CustomerHistory *customer = entry;

	if (call->pending != NULL)
		write_difference(call, (text *) DatumGetPointer(customer->key), customer->log);
	else
		add_ready(call, customer->key, customer->log);
}

static void
open_pending(Call *call, Pending *pending)
{
	pending_open(pending, call->program->model, call->program->stream_no,
				 call->program->tenanted, call->program->history_type);
	call->pending = pending;
}

static void
close_pending(Call *call)
{
	pending_close(call->pending);
	call->pending = NULL;
}

/*
 * Read what the statement changed. The differences are then ready to be written,
 * unless there are more of them than fit memory.
 */
static void
read_changes(Call *call)
{
	TriggerData *trigger = call->trigger;
	int64		n = (trigger->tg_newtable ? tuplestore_tuple_count(trigger->tg_newtable) : 0) +
		(trigger->tg_oldtable ? tuplestore_tuple_count(trigger->tg_oldtable) : 0);

	if (n > FEW_ROWS)
	{
		call->ops = (CustomerOps) {
			sizeof(CustomerHistory), customer_history_create, customer_history_add,
			customer_history_memory, customer_history_put_aside, emit_customer, call
		};
		call->customers = customers_create(&call->ops, get_hash_memory_limit());
	}
	read_rows(call, trigger->tg_newtable, false);
	read_rows(call, trigger->tg_oldtable, true);
	if (call->customers == NULL)
	{
		for (int i = 0; i < call->nfew; i++)
			add_ready(call, call->few[i].key, call->few[i].log);
		return;
	}
	if (customers_spilled(call->customers))
	{
		Pending		pending;

		open_pending(call, &pending);
		customers_emit(call->customers);
		close_pending(call);
	}
	else
		customers_emit(call->customers);
	customers_free(call->customers);
	call->customers = NULL;
}

/* Rows of some customer don't fit one history. One by one they do. */
static void
write_one_by_one(Call *call)
{
	Pending		pending;

	call->one_by_one = true;
	call->customers = NULL;
	call->rejected = call->nready = 0;
	open_pending(call, &pending);
	read_rows(call, call->trigger->tg_newtable, false);
	read_rows(call, call->trigger->tg_oldtable, true);
	close_pending(call);
}

static void
write_ready(Call *call)
{
	Pending		pending;

	if (call->nready == 0)
		return;
	open_pending(call, &pending);
	for (int i = 0; i < call->nready; i++)
		pending_append(call->pending, call->ready[i].key, call->ready[i].history);
	close_pending(call);
}

static void
register_rows(Call *call)
{
	TriggerData *trigger = call->trigger;

	call->rows.md.name = CHANGED_ROWS;
	call->rows.md.reliddesc = RelationGetRelid(trigger->tg_relation);
	call->rows.md.enrtype = ENR_NAMED_TUPLESTORE;
	call->rows.md.enrtuples = tuplestore_tuple_count(trigger->tg_newtable ? trigger->tg_newtable
													 : trigger->tg_oldtable);
	if (SPI_register_relation(&call->rows) != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI_register_relation failed");
}

static void
record_rows(Call *call)
{
	int			state = 0;

	TriggerData *trigger = call->trigger;

	if ((trigger->tg_newtable == NULL && !TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) ||
		(trigger->tg_oldtable == NULL && !TRIGGER_FIRED_BY_INSERT(trigger->tg_event)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("the trigger of a live model needs all rows that the statement has changed")));
	register_rows(call);
	if (call->program->lenient)
	{
		/*
		 * Only for very many customers does this write anything: it costs the
		 * transaction no number of its own.
		 */
		state = attempt(read_changes, call);
		if (state == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE)
			state = attempt(write_one_by_one, call);
	}
	else
		read_changes(call);
	if (state != 0)
	{
		/*
		 * For every statement: a row that is there may be gone when this one is
		 * committed, by a refresh that has not seen it. apply_changes makes them
		 * few.
		 */
		reject(call, psprintf("error %s", unpack_sql_state(state)), 0, true);
		return;
	}
	if (call->rejected != 0)
		reject(call, "unconvertible", call->rejected, false);
	write_ready(call);
}

/* ---- a ledger ---- */

/* The column of the table that has the key; NULL: the ledger doesn't follow the table */
static const char *
find_key_column(const Program *program, Oid relation)
{
	const char *schema = get_namespace_name(get_rel_namespace(relation));
	const char *table = get_rel_name(relation);

	for (int i = 0; i < program->nkeys && schema != NULL && table != NULL; i++)
	{
		if (strcmp(program->keys[i].schema, schema) == 0 &&
			strcmp(program->keys[i].table, table) == 0)
			return program->keys[i].column;
	}
	return NULL;
}

/* With on_error => raise: the events as they are now, to this transaction */
static void
check_keys(Call *call, ArrayBuildState *keys)
{
	Oid			type = TEXTARRAYOID;
	Datum		value = makeArrayResult(keys, CurrentMemoryContext);

	if (SPI_execute_with_args(call->program->query, 1, &type, &value, NULL, false, 1) !=
		SPI_OK_SELECT)
		program_error("Its query is no SELECT.");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a row of the source can't be scored"),
				 errhint("Mend it, or let such rows be left out and counted: alter_model(..., on_error => 'reject').")));
}

/* Of a partition the names are those of the table that it belongs to. */
static void
record_keys(Call *call)
{
	Program    *program = call->program;
	TriggerData *trigger = call->trigger;
	Oid			relation = RelationGetRelid(trigger->tg_relation);
	Oid			root = trigger->tg_trigger->tgnargs == 0 ? relation :
		live_source_root(relation, trigger->tg_trigger->tgname);
	const char *column = find_key_column(program, root);
	ArrayBuildState *keys = NULL;

	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		touched_all(program->model);
	else if (column != NULL && touched_record(trigger, program->model, column,
											  program->query != NULL ? &keys : NULL))
	{
		if (keys != NULL)
			check_keys(call, keys);
	}
	else if (program->lenient)
		reject(call, "the column of event keys is gone", 0, true);
	else
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model %s is live, but the column of its event keys is gone from %s",
						program->model, get_rel_name(relation)),
				 errhint("Give its new name: alter_model(..., live_on => ...).")));
}

/* ---- TRUNCATE ---- */

#define MODEL_TABLES "@.customer_histories, @.pending"

/* What a TRUNCATE makes good: not what is said of streams */
static void
forget_rejects(Call *call)
{
	run_by_now(call, "DELETE FROM @.rejects AS r WHERE r.reason !~ '^(stream [0-9]+|events): '");
}

static void
truncate_at_once(Call *call)
{
	run(call, "LOCK TABLE " MODEL_TABLES " IN ACCESS EXCLUSIVE MODE NOWAIT");
	run(call, "TRUNCATE " MODEL_TABLES);
}

static bool
is_filled(Call *call, const char *table)
{
	Oid			relid = get_relname_relid(table, get_namespace_oid(call->program->model, true));
	Relation	relation = OidIsValid(relid) ? try_relation_open(relid, AccessShareLock) : NULL;
	bool		filled;

	if (relation == NULL)
		return false;
	filled = RelationGetNumberOfBlocks(relation) > 0;
	relation_close(relation, AccessShareLock);
	return filled;
}

/*
 * The events of one stream, among those of others. Pending first: what is just
 * being folded in is waited for there.
 */
static void
forget_events(Call *call)
{
	int			no = call->program->stream_no;

	run_by_now(call, psprintf("DELETE FROM @.pending_events WHERE stream_no = %d", no));
	run_by_now(call, psprintf("DELETE FROM @.stream_histories AS h"
							  " WHERE #.without_stream(h.streams, %d) OPERATOR(#.=) '{}'", no));
	run_by_now(call, psprintf("UPDATE @.stream_histories AS h"
							  " SET streams = #.without_stream(h.streams, %d)"
							  " WHERE #.stream_history(h.streams, %d) OPERATOR(#.<>) '{}'", no, no));
	run_by_now(call, psprintf("DELETE FROM @.rejects AS r WHERE starts_with(r.reason, 'stream %d: ')", no));
}

static bool
has_events(Call *call)
{
	int			no = call->program->stream_no;

	return run_by_now(call, psprintf("SELECT 1 FROM @.pending_events WHERE stream_no = %d LIMIT 1", no)) > 0 ||
		run_by_now(call, psprintf("SELECT 1 FROM @.stream_histories AS h"
								  " WHERE #.stream_history(h.streams, %d) OPERATOR(#.<>) '{}' LIMIT 1", no)) > 0;
}

static void
truncate_stream(Call *call)
{
	int			state = 0;

	if (call->trigger->tg_trigger->tgnargs > 0)
	{
		/* not that of the root, which comes here after it has forgotten them */
		if (has_events(call))
			reject(call, "a partition was truncated", 0, true);
		return;
	}

	/*
	 * With a snapshot of its own the transaction may not change what another
	 * has just changed: then that one has ended, and there is a newer snapshot.
	 */
	for (int i = 0; i < TRUNCATE_ATTEMPTS; i++)
	{
		state = attempt(forget_events, call);
		if (state != ERRCODE_T_R_SERIALIZATION_FAILURE)
			break;
	}
	if (state == 0)
		return;
	if (!call->program->lenient)
		forget_events(call);	/* the error */
	else
		reject(call, psprintf("error %s", unpack_sql_state(state)), 0, true);
}

static void
record_truncate(Call *call)
{
	if (call->program->stream_no > 0)
	{
		truncate_stream(call);
		return;
	}
	if (call->trigger->tg_trigger->tgnargs > 0)
	{
		/* not that of the root, which comes here after it has emptied these tables */
		if (is_filled(call, "customer_histories") || is_filled(call, "pending"))
			reject(call, "a partition was truncated", 0, true);
	}
	else if (IsolationUsesXactSnapshot())
	{
		run(call, "TRUNCATE " MODEL_TABLES);	/* a DELETE would go by the snapshot */
		(void) attempt(forget_rejects, call);
	}
	else
	{
		int			state = attempt(truncate_at_once, call);

		/*
		 * Somebody reads the model, and may be about to write the source, which we
		 * hold. Pending first: what is just being folded in is waited for there.
		 */
		if (state == ERRCODE_LOCK_NOT_AVAILABLE)
		{
			run(call, "DELETE FROM @.pending");
			run(call, "DELETE FROM @.customer_histories");
		}
		(void) attempt(forget_rejects, call);
	}
}

/* ---- whether ---- */

static bool
enums_are_own(const Program *program)
{
	for (int i = 0; i < program->nenums; i++)
	{
		if (!live_is_own_enum(program->enums[i].schema, program->enums[i].name))
			return false;
	}
	return true;
}

/*
 * May the rows be read, and taken over? With on_error => raise the shop's
 * statement fails instead.
 */
static bool
is_to_be_recorded(Call *call)
{
	Trigger    *trigger = call->trigger->tg_trigger;
	Oid			relation = RelationGetRelid(call->trigger->tg_relation);
	Oid			root = relation;

	/*
	 * Where the schema has been renamed, or tables dropped, nothing may fail in
	 * the shop; and what has this name now may be a stranger's.
	 */
	if (!OidIsValid(call->program->keys != NULL ? touched_find(call->program->model) :
					pending_find(call->program->model, call->program->stream_no)))
	{
		if (call->program->lenient)
			return false;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model %s is live, but its tables are gone", call->program->model),
				 errhint("DROP TRIGGER, or give its schema back the name that it had.")));
	}
	if (trigger->tgnargs > 0)
	{
		/* straight into a partition, which may have been detached since, and may come back */
		root = live_source_root(relation, trigger->tgname);
		if (!OidIsValid(root))
		{
			reject(call, "a detached partition was written", 0, true);
			return false;
		}
	}

	/*
	 * A role that was given the source could give its columns types with
	 * functions of its own, and would have them run here; and what is stored is
	 * not that role's.
	 */
	if (!live_is_own_relation(root))
	{
		if (!call->program->lenient)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("model %s is live, but its source belongs to another role", call->program->model),
					 errhint("DROP TRIGGER, or ask the owner of the model to alter it: live => false.")));
		reject(call, "the source belongs to another role", 0, true);
		return false;
	}
	if (!enums_are_own(call->program))
	{
		reject(call, "an enum of the source belongs to another role", 0, true);
		return false;
	}
	/* one that is detached again leaves no trace in the catalogs */
	if (!live_parts_have_trigger(relation, trigger->tgname))
		reject(call, "a partition was attached", 0, true);

	/*
	 * Nor does a table that inherits from the source once it is dropped. What was
	 * written straight into it was not seen, what goes through the source is. And
	 * TRUNCATE ONLY leaves its rows: so does create_hypertable of TimescaleDB when
	 * it has moved all rows to such tables, and the source has them still.
	 */
	if (live_has_children(relation))
	{
		reject(call, "a table inherited from the source", 0, true);
		return !TRIGGER_FIRED_BY_TRUNCATE(call->trigger->tg_event) || call->program->keys != NULL;
	}
	return true;
}

/* ---- the language ---- */

static void
record(TriggerData *trigger, Program *program)
{
	Call		call = {0};

	call.trigger = trigger;
	call.program = program;
	call.context = CurrentMemoryContext;
	call.operation = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? "INSERT" :
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? "DELETE" :
		TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "UPDATE" : "TRUNCATE";
	if (!is_to_be_recorded(&call))
		return;
	if (program->keys != NULL)
		record_keys(&call);
	else if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		record_truncate(&call);
	else
		record_rows(&call);
}

Datum
live_call_handler(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Program    *program;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("trigger functions can only be called as triggers")));
	if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("the trigger function of a live model must be called after a statement")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	program = find_program(fcinfo->flinfo->fn_oid, RelationGetRelid(trigger->tg_relation));
	program->uses++;
	PG_TRY();
	{
		record(trigger, program);
	}
	PG_FINALLY();
	{
		program->uses--;
	}
	PG_END_TRY();
	SPI_finish();
	return PointerGetDatum(NULL);
}

Datum
live_validator(PG_FUNCTION_ARGS)
{
	Oid			function = PG_GETARG_OID(0);
	HeapTuple	tuple;
	Program		program = {0};

	if (!CheckFunctionValidatorAccess(fcinfo->flinfo->fn_oid, function))
		PG_RETURN_VOID();
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	if (((Form_pg_proc) GETSTRUCT(tuple))->prorettype != TRIGGEROID)
		program_error("It returns no trigger.");
	if (check_function_bodies)
		read_body(&program, source_of(tuple));
	ReleaseSysCache(tuple);
	PG_RETURN_VOID();
}
