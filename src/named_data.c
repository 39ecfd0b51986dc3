/*
 * named_data.c
 *		Data that SQL functions find by a name: segment maps and scorecards.
 *
 * An unqualified name is shipped with the extension, found through the schema
 * of the calling function, never through search_path. 'crm.winter' is the map
 * winter in the tables segment_map, segment_rule and segment_label of schema
 * crm, and so with the other kinds.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "compat.h"
#include "foreign.h"
#include "named_data.h"

/*
 * ---- Names
 */

void
data_name_resolve(const DataKind *kind, text *argument, Oid function, DataName *name)
{
	char	   *raw = text_to_cstring(argument);
	List	   *parts;
	Oid			home = get_func_namespace(function);
	Oid			schema = home;
	const char *schema_name;
	bool		found;

	/*
	 * Quotes and letter case as in any SQL name. Two names, each quoted and
	 * with every byte doubled, are the most that can be meant; splitting takes
	 * time that is quadratic in the number of quotes.
	 */
	if (strlen(raw) > 2 * (2 * NAMEDATALEN + 2) ||
		!SplitIdentifierString(pstrdup(raw), '.', &parts) ||
		list_length(parts) < 1 || list_length(parts) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s \"%.*s\" is not the name of a %s", kind->argument,
						pg_mbcliplen(raw, strlen(raw), 100), raw, kind->title),
				 errhint("Write the name of a shipped %s, such as '%s', or schema.%s for a %s of your own; other names than plain ones go in double quotes.",
						 kind->noun, kind->example, kind->noun, kind->noun)));

	name->kind = kind;
	name->name = llast(parts);
	schema_name = get_namespace_name(home);
	if (list_length(parts) == 2)
	{
		schema_name = linitial(parts);
		schema = get_namespace_oid(schema_name, true);
	}
	else if (schema_name == NULL)
		elog(ERROR, "function %u has no schema", function);
	name->schema_oid = schema;
	name->shipped = schema == home;
	name->schema = pstrdup(quote_identifier(schema_name));
	name->shown = name->shipped ? psprintf("\"%s\"", name->name) :
		psprintf("%s.%s", name->schema, quote_identifier(name->name));

	found = OidIsValid(schema);
	for (int i = 0; found && i < kind->ntables; i++)
		found = OidIsValid(get_relname_relid(kind->tables[i], schema));
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 OidIsValid(schema) ?
				 errmsg("%s %s: schema %s has no %s", kind->argument, name->shown, name->schema, kind->titles) :
				 errmsg("%s %s: schema %s does not exist", kind->argument, name->shown, name->schema),
				 errhint("Make a %s of your own in a schema of yours with %s('schema.%s', copy_of => '%s').",
						 kind->noun, kind->create, kind->noun, kind->example)));
}

/*
 * ---- Reading
 */

/* The first column that we read and that isn't of a type of PostgreSQL's own, in words */
static const char *
foreign_column(Relation table, Relation shipped)
{
	TupleDesc	columns = RelationGetDescr(table);

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (column->attisdropped || column->atttypid < FirstUnpinnedObjectId)
			continue;
		for (int j = 0; j < RelationGetDescr(shipped)->natts; j++)
			if (namestrcmp(&column->attname,
						   NameStr(TupleDescAttr(RelationGetDescr(shipped), j)->attname)) == 0)
				return psprintf("its column %s is of type %s, which is none of PostgreSQL's own",
								NameStr(column->attname), format_type_be(column->atttypid));
	}
	return NULL;
}

/*
 * What is named is data: tables that would run something of their owner's with
 * the rights of their reader hold none. They stay locked until the transaction
 * ends, so that they are what they were found to be.
 */
static void
check_tables(const DataName *name, Oid home)
{
	const DataKind *kind = name->kind;

	for (int i = 0; i < kind->ntables; i++)
	{
		Oid			oid = get_relname_relid(kind->tables[i], name->schema_oid);
		AclResult	allowed = object_aclcheck(NamespaceRelationId, name->schema_oid, GetUserId(),
											  ACL_USAGE);
		Relation	table;
		Relation	shipped;
		const char *problem;

		/* A query would be planned before it is refused. */
		if (allowed != ACLCHECK_OK)
			aclcheck_error(allowed, OBJECT_SCHEMA, name->schema);
		if (pg_class_aclcheck(oid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, kind->tables[i]);
		table = relation_open(oid, AccessShareLock);
		shipped = relation_open(get_relname_relid(kind->tables[i], home), AccessShareLock);
		problem = relation_trap(table);
		if (problem == NULL)
			problem = foreign_column(table, shipped);
		if (problem)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("%s %s: table %s.%s can't hold %s", kind->argument, name->shown,
							name->schema, kind->tables[i], kind->titles),
					 errdetail("A %s is data, and this table is more: %s.", kind->title, problem),
					 errhint("Make a %s in a schema of yours with %s, and copy the rows into its tables.",
							 kind->noun, kind->create)));
		relation_close(shipped, AccessShareLock);
		relation_close(table, NoLock);
	}
}

/*
 * Queries run with a pinned search_path, in the active snapshot. What ships
 * with the extension is public and read as its owner, so that a view over
 * segment() works for readers who have no rights on the extension's schema; a
 * user's map is read with the caller's rights.
 */
void
reading_begin(const DataName *name, Oid function, Reading *reading)
{
	GetUserIdAndSecContext(&reading->user, &reading->security);
	if (name->shipped)
	{
		Oid			table = get_relname_relid(name->kind->tables[0],
												  get_func_namespace(function));
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
		Oid			owner;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for relation %u", table);
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
		SetUserIdAndSecContext(owner, reading->security | SECURITY_LOCAL_USERID_CHANGE);
	}
	reading->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	/* The planner would fold the constants in CHECK constraints. */
	(void) set_config_option("constraint_exclusion", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (!name->shipped)
		check_tables(name, get_func_namespace(function));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
reading_end(const Reading *reading)
{
	SPI_finish();
	AtEOXact_GUC(false, reading->guc_level);
	SetUserIdAndSecContext(reading->user, reading->security);
}

/* Runs a query whose $1 is the name, without its schema. */
uint64
reading_query(const DataName *name, const char *query)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name->name)};

	if (SPI_execute_with_args(query, 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading a %s failed: %s", name->kind->title, query);
	return SPI_processed;
}

char *
reading_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

int32
reading_int(uint64 row, int column, int32 if_null)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
									  &isnull);

	return isnull ? if_null : DatumGetInt32(value);
}

void
data_name_unknown(const DataName *name)
{
	const DataKind *kind = name->kind;
	uint64		n = reading_query(name, psprintf("SELECT pg_catalog.string_agg(pg_catalog.quote_ident(%1$s), ', ' ORDER BY %1$s) FROM %2$s.%3$s"
												 " WHERE $1 IS NOT NULL",
												 kind->noun, name->schema, kind->tables[0]));
	char	   *known = n > 0 ? reading_text(0, 1) : NULL;

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("%s %s does not exist", kind->argument, name->shown),
			 known == NULL ? errhint("There are no %ss in schema %s.", kind->noun, name->schema) :
			 name->shipped ? errhint("%s shipped with the extension: %s. A %s of your own is named schema.%s.",
									 kind->nouns, known, kind->noun, kind->noun) :
			 errhint("%s in schema %s: %s.", kind->nouns, name->schema, known)));
}

/*
 * ---- What a call site remembers
 *
 * What a call site has read stays compiled for as long as it sees the same
 * data: a query reads a map once, however many rows it has. A call site
 * of plpgsql lives longer than a statement, so the data seen is part of the
 * key: the transactions that the active snapshot takes for finished, and within
 * our own transaction the command and the subtransaction (a rollback to a
 * savepoint takes changes back without a new command).
 *
 * With each transaction that ends, a snapshot's xmax grows, or it stays and one
 * transaction less is in progress below it. (snapXactCompletionCount would say
 * the same, but is lost when a snapshot is copied.)
 */
typedef struct CachedData
{
	struct CachedData *next;
	text	   *argument;
	void	   *data;
} CachedData;

typedef struct DataCache
{
	MemoryContext context;
	TimestampTz transaction;
	SubTransactionId subtransaction;
	TransactionId xmax;
	uint32		in_progress;
	CommandId	command;
	Oid			user;
	CachedData *list;			/* latest used first */
} DataCache;

static bool
same_argument(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

void *
cached_data(FunctionCallInfo fcinfo, text *argument,
			void *(*load) (text *argument, Oid function))
{
	DataCache  *cache = fcinfo->flinfo->fn_extra;
	Snapshot	snapshot = GetActiveSnapshot();
	uint32		in_progress = snapshot->takenDuringRecovery ? (uint32) snapshot->subxcnt :
		snapshot->xcnt;
	CachedData *cached;
	MemoryContext caller;
	Size		length;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(DataCache));
		fcinfo->flinfo->fn_extra = cache;
	}
	if (cache->context == NULL ||
		cache->command != snapshot->curcid ||
		cache->xmax != snapshot->xmax ||
		cache->in_progress != in_progress ||
		cache->subtransaction != GetCurrentSubTransactionId() ||
		cache->transaction != GetCurrentTransactionStartTimestamp() ||
		cache->user != GetUserId())
	{
		cache->list = NULL;
		if (cache->context)
			MemoryContextReset(cache->context);
		else
			cache->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "named data",
												   ALLOCSET_SMALL_SIZES);
		cache->command = snapshot->curcid;
		cache->xmax = snapshot->xmax;
		cache->in_progress = in_progress;
		cache->subtransaction = GetCurrentSubTransactionId();
		cache->transaction = GetCurrentTransactionStartTimestamp();
		cache->user = GetUserId();
	}

	if (cache->list && same_argument(cache->list->argument, argument))
		return cache->list->data;
	for (CachedData **link = &cache->list; *link; link = &(*link)->next)
		if (same_argument((*link)->argument, argument))
		{
			cached = *link;
			*link = cached->next;
			cached->next = cache->list;
			cache->list = cached;
			return cached->data;
		}

	/* Entered only when it is complete: an error leaves the cache as it was. */
	caller = MemoryContextSwitchTo(cache->context);
	cached = palloc(sizeof(CachedData));
	length = VARSIZE_ANY(argument);
	cached->argument = memcpy(palloc(length), argument, length);
	cached->data = load(argument, fcinfo->flinfo->fn_oid);
	cached->next = cache->list;
	cache->list = cached;
	MemoryContextSwitchTo(caller);
	return cached->data;
}
