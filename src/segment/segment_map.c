/*
 * segment_map.c
 *		Segment maps in tables: find a map by name, read and compile it, and
 *		the SQL functions over it.
 *
 * An unqualified name is a map shipped with the extension, found through the
 * schema of the calling function, never through search_path. 'crm.winter' is
 * the map winter in the tables segment_map, segment_rule and segment_label of
 * schema crm.
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
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

#include "arguments.h"
#include "compat.h"
#include "foreign.h"
#include "segment.h"

PG_FUNCTION_INFO_V1(segment_of_scores);
PG_FUNCTION_INFO_V1(segment_map_case);
PG_FUNCTION_INFO_V1(segment_map_rule_case);
PG_FUNCTION_INFO_V1(segment_map_check);

/*
 * ---- Names
 */

typedef struct MapName
{
	char	   *shown;			/* for messages: "essential", "crm.winter" */
	char	   *schema;			/* quoted for SQL */
	char	   *map;
	Oid			schema_oid;
	bool		shipped;
} MapName;

static const char *const map_tables[] = {"segment_map", "segment_rule", "segment_label"};

static void
resolve_map_name(text *argument, Oid function, MapName *name)
{
	char	   *raw = text_to_cstring(argument);
	List	   *parts;
	Oid			home = get_func_namespace(function);
	Oid			schema = home;
	const char *schema_name;

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
				 errmsg("segment_map \"%.*s\" is not the name of a segment map",
						pg_mbcliplen(raw, strlen(raw), 100), raw),
				 errhint("Write the name of a shipped map, such as 'essential', or schema.map for a map of your own; other names than plain ones go in double quotes.")));

	name->map = llast(parts);
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
	name->shown = name->shipped ? psprintf("\"%s\"", name->map) :
		psprintf("%s.%s", name->schema, quote_identifier(name->map));

	if (!OidIsValid(schema) ||
		!OidIsValid(get_relname_relid("segment_map", schema)) ||
		!OidIsValid(get_relname_relid("segment_rule", schema)) ||
		!OidIsValid(get_relname_relid("segment_label", schema)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 OidIsValid(schema) ?
				 errmsg("segment_map %s: schema %s has no segment maps", name->shown, name->schema) :
				 errmsg("segment_map %s: schema %s does not exist", name->shown, name->schema),
				 errhint("Make a map of your own in a schema of yours with create_segment_map('schema.map', copy_of => 'essential').")));
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
 * A map is data: tables that would run something of their owner's with the
 * rights of their reader are no map. They stay locked until the transaction
 * ends, so that they are what they were found to be.
 */
static void
check_map_tables(const MapName *name, Oid home)
{
	for (int i = 0; i < (int) lengthof(map_tables); i++)
	{
		Oid			oid = get_relname_relid(map_tables[i], name->schema_oid);
		AclResult	allowed = object_aclcheck(NamespaceRelationId, name->schema_oid, GetUserId(),
											  ACL_USAGE);
		Relation	table;
		Relation	shipped;
		const char *problem;

		/* A query would be planned before it is refused. */
		if (allowed != ACLCHECK_OK)
			aclcheck_error(allowed, OBJECT_SCHEMA, name->schema);
		if (pg_class_aclcheck(oid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, map_tables[i]);
		table = relation_open(oid, AccessShareLock);
		shipped = relation_open(get_relname_relid(map_tables[i], home), AccessShareLock);
		problem = relation_trap(table);
		if (problem == NULL)
			problem = foreign_column(table, shipped);
		if (problem)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("segment_map %s: table %s.%s can't hold segment maps", name->shown, name->schema, map_tables[i]),
					 errdetail("A segment map is data, and this table is more: %s.", problem),
					 errhint("Make a map in a schema of yours with create_segment_map, and copy the rows into its tables.")));
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
typedef struct Reading
{
	Oid			user;
	int			security;
	int			guc_level;
} Reading;

static void
begin_reading(const MapName *name, Oid function, Reading *reading)
{
	GetUserIdAndSecContext(&reading->user, &reading->security);
	if (name->shipped)
	{
		Oid			table = get_relname_relid("segment_map", get_func_namespace(function));
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
		check_map_tables(name, get_func_namespace(function));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

static void
end_reading(const Reading *reading)
{
	SPI_finish();
	AtEOXact_GUC(false, reading->guc_level);
	SetUserIdAndSecContext(reading->user, reading->security);
}

/* Runs a query whose $1 is the name of a map. */
static uint64
run_query(const char *query, const char *map)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(map)};

	if (SPI_execute_with_args(query, 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading a segment map failed: %s", query);
	return SPI_processed;
}

static char *
result_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

static int32
result_int(uint64 row, int column, int32 if_null)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
									  &isnull);

	return isnull ? if_null : DatumGetInt32(value);
}

static void
unknown_map(const MapName *name)
{
	uint64		n = run_query(psprintf("SELECT pg_catalog.string_agg(pg_catalog.quote_ident(map), ', ' ORDER BY map) FROM %s.segment_map"
									   " WHERE $1 IS NOT NULL", name->schema),
							  name->map);
	char	   *known = n > 0 ? result_text(0, 1) : NULL;

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("segment_map %s does not exist", name->shown),
			 known == NULL ? errhint("There are no maps in schema %s.", name->schema) :
			 name->shipped ? errhint("Maps shipped with the extension: %s. A map of your own is named schema.map.", known) :
			 errhint("Maps in schema %s: %s.", name->schema, known)));
}

/* A rule with a condition that can't be read, for check_segment_map. */
typedef struct Malformed
{
	int32		position;
	char	   *segment;
	char	   *problem;
} Malformed;

/*
 * Read and compile a map into the current memory context, between
 * begin_reading and end_reading. Malformed conditions are an error, unless
 * the caller wants a list of them.
 */
static SegmentMap *
read_map(const MapName *name, MemoryContext target, List **malformed)
{
	SegmentMap *map;
	MemoryContext reading = CurrentMemoryContext;
	char	   *prospect;
	int32		bins;
	uint64		n;

	if (run_query(psprintf("SELECT bins::pg_catalog.int4 FROM %s.segment_map WHERE map OPERATOR(pg_catalog.=) $1", name->schema),
				  name->map) == 0)
		unknown_map(name);
	bins = result_int(0, 1, 0);
	if (bins < SEGMENT_MIN_BINS || bins > SEGMENT_MAX_BINS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment_map %s has %d bins", name->shown, bins),
				 errdetail("A segment map has between %d and %d bins.", SEGMENT_MIN_BINS, SEGMENT_MAX_BINS)));

	MemoryContextSwitchTo(target);
	map = segment_map_begin(name->shown, bins);
	MemoryContextSwitchTo(reading);

	n = run_query(psprintf("SELECT \"position\"::pg_catalog.int4, segment::pg_catalog.text,"
						   " r_min::pg_catalog.int4, r_max::pg_catalog.int4, f_min::pg_catalog.int4,"
						   " f_max::pg_catalog.int4, m_min::pg_catalog.int4, m_max::pg_catalog.int4,"
						   " conditions::pg_catalog.jsonb,"
						   " EXISTS (SELECT FROM %1$s.segment_label AS l WHERE l.map OPERATOR(pg_catalog.=) rule.map"
						   " AND l.segment OPERATOR(pg_catalog.=) rule.segment AND l.role OPERATOR(pg_catalog.=) 'prospect')"
						   " FROM %1$s.segment_rule AS rule"
						   " WHERE map OPERATOR(pg_catalog.=) $1 ORDER BY rule.\"position\"", name->schema),
				  name->map);
	for (uint64 i = 0; i < n; i++)
	{
		int32		position = result_int(i, 1, 0);
		char	   *segment = result_text(i, 2);
		int32		min[3],
					max[3];
		bool		isnull;
		Datum		conditions = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 9,
											   &isnull);
		bool		unknown;
		bool		prospect = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc, 10, &unknown));
		char	   *problem;

		if (segment == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("segment_map %s, position %d: the rule has no segment", name->shown, position)));
		for (int k = 0; k < 3; k++)
		{
			min[k] = result_int(i, 3 + 2 * k, SEGMENT_NO_MIN);
			max[k] = result_int(i, 4 + 2 * k, SEGMENT_NO_MAX);
		}
		MemoryContextSwitchTo(target);
		problem = segment_map_add(map, position, segment, prospect, min, max,
								  isnull ? NULL : DatumGetJsonbP(conditions));
		if (problem && malformed == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("segment_map %s, position %d: %s", name->shown, position, problem),
					 errhint("check_segment_map lists every problem of a map.")));
		if (problem)
		{
			Malformed  *one = palloc(sizeof(Malformed));

			one->position = position;
			one->segment = pstrdup(segment);
			one->problem = problem;
			*malformed = lappend(*malformed, one);
		}
		MemoryContextSwitchTo(reading);
	}

	/* sql/model/dated.sql asks the same */
	n = run_query(psprintf("SELECT l.segment::pg_catalog.text FROM %1$s.segment_label AS l"
						   " WHERE l.map OPERATOR(pg_catalog.=) $1 AND l.role OPERATOR(pg_catalog.=) 'prospect'"
						   " ORDER BY EXISTS (SELECT FROM %1$s.segment_rule AS r WHERE r.map OPERATOR(pg_catalog.=) l.map"
						   " AND r.segment OPERATOR(pg_catalog.=) l.segment), l.display_order, l.segment LIMIT 1", name->schema),
				  name->map);
	prospect = n > 0 ? result_text(0, 1) : NULL;
	MemoryContextSwitchTo(target);
	segment_map_finish(map, prospect);
	MemoryContextSwitchTo(reading);
	return map;
}

/*
 * The map of that name, in the current memory context. "function" is any
 * function of the extension: shipped maps are in its schema.
 */
SegmentMap *
segment_map_load(text *argument, Oid function)
{
	MapName		name;
	Reading		reading;
	SegmentMap *map;
	MemoryContext target = CurrentMemoryContext;

	resolve_map_name(argument, function, &name);
	begin_reading(&name, function, &reading);
	map = read_map(&name, target, NULL);
	end_reading(&reading);
	return map;
}

/*
 * ---- segment()
 *
 * The maps that a call site has used stay compiled for as long as it sees the
 * same data: a query reads a map once, however many rows it has. A call site
 * of plpgsql lives longer than a statement, so the data seen is part of the
 * key: the transactions that the active snapshot takes for finished, and within
 * our own transaction the command and the subtransaction (a rollback to a
 * savepoint takes changes back without a new command).
 *
 * With each transaction that ends, a snapshot's xmax grows, or it stays and one
 * transaction less is in progress below it. (snapXactCompletionCount would say
 * the same, but is lost when a snapshot is copied.)
 */
typedef struct CachedMap
{
	struct CachedMap *next;
	text	   *argument;
	SegmentMap *map;
} CachedMap;

typedef struct MapCache
{
	MemoryContext context;
	TimestampTz transaction;
	SubTransactionId subtransaction;
	TransactionId xmax;
	uint32		in_progress;
	CommandId	command;
	Oid			user;
	CachedMap  *maps;			/* latest used first */
} MapCache;

static bool
same_argument(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

static const SegmentMap *
cached_map(FunctionCallInfo fcinfo, text *argument)
{
	MapCache   *cache = fcinfo->flinfo->fn_extra;
	Snapshot	snapshot = GetActiveSnapshot();
	uint32		in_progress = snapshot->takenDuringRecovery ? (uint32) snapshot->subxcnt :
		snapshot->xcnt;
	CachedMap  *cached;
	MemoryContext caller;
	Size		length;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MapCache));
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
		cache->maps = NULL;
		if (cache->context)
			MemoryContextReset(cache->context);
		else
			cache->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "segment maps",
												   ALLOCSET_SMALL_SIZES);
		cache->command = snapshot->curcid;
		cache->xmax = snapshot->xmax;
		cache->in_progress = in_progress;
		cache->subtransaction = GetCurrentSubTransactionId();
		cache->transaction = GetCurrentTransactionStartTimestamp();
		cache->user = GetUserId();
	}

	if (cache->maps && same_argument(cache->maps->argument, argument))
		return cache->maps->map;
	for (CachedMap **link = &cache->maps; *link; link = &(*link)->next)
		if (same_argument((*link)->argument, argument))
		{
			cached = *link;
			*link = cached->next;
			cached->next = cache->maps;
			cache->maps = cached;
			return cached->map;
		}

	/* Entered only when it is complete: an error leaves the cache as it was. */
	caller = MemoryContextSwitchTo(cache->context);
	cached = palloc(sizeof(CachedMap));
	length = VARSIZE_ANY(argument);
	cached->argument = memcpy(palloc(length), argument, length);
	cached->map = segment_map_load(argument, fcinfo->flinfo->fn_oid);
	cached->next = cache->maps;
	cache->maps = cached;
	MemoryContextSwitchTo(caller);
	return cached->map;
}

typedef struct Facts
{
	Datum		datum;
	Jsonb	   *json;			/* NULL until first needed */
} Facts;

static void
value_of_json(const JsonbValue *json, SegmentValue *value)
{
	switch (json->type)
	{
		case jbvNull:
			value->kind = SEGMENT_NULL;
			break;
		case jbvNumeric:
			value->kind = SEGMENT_NUMERIC;
			value->u.n = json->val.numeric;
			break;
		case jbvString:
			value->kind = SEGMENT_STRING;
			value->u.s.p = json->val.string.val;
			value->u.s.len = json->val.string.len;
			break;
		case jbvBool:
			value->kind = SEGMENT_BOOL;
			value->u.b = json->val.boolean;
			break;
		default:
			value->kind = SEGMENT_OTHER;
			break;
	}
}

/* SegmentFetch for facts in jsonb. */
static void
fetch_from_facts(void *arg, const SegmentColumn *columns, int column, SegmentValue *value)
{
	Facts	   *facts = arg;
	const SegmentColumn *wanted = &columns[column];
	JsonbValue	json,
				inner;

	if (facts->json == NULL)
	{
		facts->json = DatumGetJsonbP(facts->datum);
		if (!JB_ROOT_IS_OBJECT(facts->json))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("facts must be a JSON object"),
					 errhint("Build it with jsonb_build_object('tenure_days', ...) or to_jsonb(row).")));
	}
	if (getKeyJsonValueFromContainer(&facts->json->root, wanted->name, wanted->len, &json))
		value_of_json(&json, value);
	else if (wanted->attribute != 0 &&
			 getKeyJsonValueFromContainer(&facts->json->root, "attributes", 10, &json) &&
			 json.type == jbvBinary && JsonContainerIsObject(json.val.binary.data) &&
			 getKeyJsonValueFromContainer(json.val.binary.data, wanted->name + wanted->attribute,
										  wanted->len - wanted->attribute, &inner))
		value_of_json(&inner, value);
}

static int
score_argument(FunctionCallInfo fcinfo, int argument, const char *name, const SegmentMap *map)
{
	int32		score;

	if (PG_ARGISNULL(argument))
		return 0;
	score = PG_GETARG_INT32(argument);
	if (score < 1 || score > map->bins)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d for segment_map %s, not %d",
						name, map->bins, map->name, score),
				 errhint("The map has %d bins: make scores with as many, or name a map with other bins.",
						 map->bins)));
	return score;
}

/* segment(r int, f int, m int, segment_map text, facts jsonb) -> text; not strict */
Datum
segment_of_scores(PG_FUNCTION_ARGS)
{
	const SegmentMap *map;
	Facts		facts = {0};
	int			r,
				f,
				m,
				rule;

	if (PG_ARGISNULL(3))
		PG_RETURN_NULL();
	map = cached_map(fcinfo, PG_GETARG_TEXT_PP(3));
	r = score_argument(fcinfo, 0, "r", map);
	f = score_argument(fcinfo, 1, "f", map);
	m = score_argument(fcinfo, 2, "m", map);
	if (!PG_ARGISNULL(4))
		facts.datum = PG_GETARG_DATUM(4);

	rule = segment_match(map, r, f, m, PG_ARGISNULL(4) ? NULL : fetch_from_facts, &facts);
	if (rule >= 0)
		PG_RETURN_TEXT_P(cstring_to_text_with_len(map->rules[rule].segment,
												  map->rules[rule].segment_len));
	if (rule == SEGMENT_PROSPECT && map->prospect)
		PG_RETURN_TEXT_P(cstring_to_text_with_len(map->prospect, map->prospect_len));
	PG_RETURN_NULL();
}

/*
 * ---- segment_case()
 */

static SegmentCaseColumn *
read_case_columns(ArrayType *array, int *count)
{
	SegmentCaseColumn *columns;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("columns must be a one-dimensional array")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	if (n < 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns has %d names, but needs at least three", n),
				 errhint("Name the columns of the r, f and m score first, then the columns that conditions may read.")));
	columns = palloc(sizeof(SegmentCaseColumn) * n);
	for (int i = 0; i < n; i++)
	{
		StringInfoData sql;
		char	   *raw;
		List	   *parts;
		ListCell   *part;

		if (nulls[i])
			null_argument(psprintf("columns[%d]", i + 1), NULL);
		raw = TextDatumGetCString(elements[i]);
		if (!SplitIdentifierString(pstrdup(raw), '.', &parts) || parts == NIL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns[%d] \"%.*s\" is not the name of a column", i + 1,
							pg_mbcliplen(raw, strlen(raw), 100), raw),
					 errhint("Names may be qualified, as in 's.tenure_days'; other names than plain ones go in double quotes.")));
		initStringInfo(&sql);
		foreach(part, parts)
		{
			if (sql.len > 0)
				appendStringInfoChar(&sql, '.');
			appendStringInfoString(&sql, quote_identifier(lfirst(part)));
		}
		columns[i].name = llast(parts);
		columns[i].sql = sql.data;
	}
	*count = n;
	return columns;
}

/* segment_case(segment_map text, columns text[]) -> text; strict */
Datum
segment_map_case(PG_FUNCTION_ARGS)
{
	int			ncolumns;
	SegmentCaseColumn *columns = read_case_columns(PG_GETARG_ARRAYTYPE_P(1), &ncolumns);
	SegmentMap *map = segment_map_load(PG_GETARG_TEXT_PP(0), fcinfo->flinfo->fn_oid);

	PG_RETURN_TEXT_P(cstring_to_text(segment_map_as_case(map, columns, ncolumns)));
}

/*
 * _segment_rule_case(segment_map text, columns text[]) -> text; strict
 *
 * The same rules, each of which gives its position instead of its segment:
 * which of them decided is then known from what decides.
 */
Datum
segment_map_rule_case(PG_FUNCTION_ARGS)
{
	int			ncolumns;
	SegmentCaseColumn *columns = read_case_columns(PG_GETARG_ARRAYTYPE_P(1), &ncolumns);
	SegmentMap *map = segment_map_load(PG_GETARG_TEXT_PP(0), fcinfo->flinfo->fn_oid);

	map->prospect = NULL;
	for (int i = 0; i < map->nrules; i++)
		map->rules[i].segment = psprintf("%d", map->rules[i].position);
	PG_RETURN_TEXT_P(cstring_to_text(segment_map_as_case(map, columns, ncolumns)));
}

/*
 * ---- check_segment_map()
 */

/*
 * The columns of customer_scores that make sense in a condition, but for the
 * scores. The build makes the list of the rows of sql/model/columns.sql.
 */
static const struct
{
	const char *name;
	SegmentValueKind kind;
	bool		needs_order;	/* NULL without one */
}			known_columns[] =
{
#include "known_columns.h"
};

static void
report(ReturnSetInfo *result, const char *problem, const int *cell, List *segments)
{
	Datum		values[5];
	bool		nulls[5] = {0};

	values[0] = CStringGetTextDatum(problem);
	for (int i = 0; i < 3; i++)
	{
		nulls[1 + i] = cell == NULL;
		values[1 + i] = Int32GetDatum(cell ? cell[i] : 0);
	}
	nulls[4] = segments == NIL;
	if (segments)
	{
		Datum	   *names = palloc(sizeof(Datum) * list_length(segments));
		ListCell   *lc;
		int			n = 0;

		foreach(lc, segments)
			names[n++] = CStringGetTextDatum(lfirst(lc));
		values[4] = PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Every cell against every rule: holes, overlaps and which rules are reached. */
static void
check_cells(const SegmentMap *map, ReturnSetInfo *result, bool *reached)
{
	for (int r = 1; r <= map->bins; r++)
		for (int f = 1; f <= map->bins; f++)
			for (int m = 1; m <= map->bins; m++)
			{
				int			cell[] = {r, f, m};
				List	   *settling = NIL;
				bool		open = true;

				for (int i = 0; i < map->nrules; i++)
				{
					if (!segment_rule_covers(map, i, r, f, m))
						continue;
					if (open)
						reached[i] = true;
					if (map->rules[i].refinement)
						continue;
					if (open || !segment_rule_is_else(map, i))
						settling = lappend(settling, map->rules[i].segment);
					open = false;
				}
				if (open)
					report(result, "hole", cell, NIL);
				else if (list_length(settling) > 1)
					report(result, "overlap", cell, settling);
				list_free(settling);
				CHECK_FOR_INTERRUPTS();
			}
}

/*
 * Which rules people without an order can reach. A rule of role prospect speaks
 * of nobody else: what keeps it from doing so is told.
 */
static void
check_without_order(const SegmentMap *map, ReturnSetInfo *result, bool *reached)
{
	static const char *const scores[] = {"r", "f", "m"};
	bool	   *known = palloc(sizeof(bool) * map->ncolumns);

	for (int i = 0; i < map->ncolumns; i++)
	{
		known[i] = true;
		for (int k = 0; k < (int) lengthof(known_columns); k++)
			if (strcmp(known_columns[k].name, map->columns[i].name) == 0)
				known[i] = !known_columns[k].needs_order;
	}
	for (int i = 0; i < map->nrules; i++)
	{
		const SegmentRule *rule = &map->rules[i];
		bool		taken = false;

		CHECK_FOR_INTERRUPTS();
		if (segment_rule_without_order(map, i) && segment_rule_can_apply(map, i, known, true))
		{
			for (int j = 0; j < i && !taken; j++)
				taken = segment_rule_without_order(map, j) && segment_rules_equal(map, j, i);
			reached[i] = reached[i] || !taken;
		}
		if (!rule->prospect || rule->malformed)
			continue;
		if (rule->condition == NULL)
		{
			report(result, psprintf("rule of role prospect without a condition: position %d", rule->position),
				   NULL, list_make1(rule->segment));
			reached[i] = true;	/* one problem is enough */
		}
		for (int k = 0; k < 3; k++)
			if (rule->min[k] != SEGMENT_NO_MIN || rule->max[k] != SEGMENT_NO_MAX)
			{
				report(result, psprintf("rule of role prospect with a bound: position %d, %s", rule->position, scores[k]),
					   NULL, list_make1(rule->segment));
				reached[i] = true;
			}
	}
}

static void
check_rules(const SegmentMap *map, ReturnSetInfo *result, const bool *reached)
{
	static const char *const scores[] = {"r", "f", "m"};

	for (int i = 0; i < map->nrules; i++)
	{
		const SegmentRule *rule = &map->rules[i];
		List	   *segment = list_make1(rule->segment);
		ListCell   *lc;

		for (int k = 0; k < 3; k++)
			if ((rule->min[k] != SEGMENT_NO_MIN &&
				 (rule->min[k] < 1 || rule->min[k] > map->bins)) ||
				(rule->max[k] != SEGMENT_NO_MAX && (rule->max[k] < 1 || rule->max[k] > map->bins)))
				report(result, psprintf("bound outside 1 to %d: position %d, %s",
										map->bins, rule->position, scores[k]), NULL, segment);
		if (!reached[i] && !rule->malformed && !segment_rule_is_else(map, i))
			report(result, psprintf("unreachable rule: position %d", rule->position), NULL, segment);

		foreach(lc, segment_rule_columns(map, i))
		{
			const SegmentColumn *column = &map->columns[lfirst_int(lc)];
			bool		known = column->attribute != 0;

			for (int k = 0; k < (int) lengthof(known_columns); k++)
			{
				SegmentValueKind other;

				if (strcmp(known_columns[k].name, column->name) != 0)
					continue;
				known = true;
				other = segment_column_constant(map, i, lfirst_int(lc), known_columns[k].kind);
				if (other != SEGMENT_NULL)
					report(result, psprintf("wrong type: position %d compares %s with a %s",
											rule->position, column->name,
											other == SEGMENT_NUMERIC ? "number" :
											other == SEGMENT_STRING ? "string" : "boolean"),
						   NULL, segment);
			}
			if (!known)
				report(result, psprintf("unknown column: position %d reads \"%.*s\"", rule->position,
										pg_mbcliplen(column->name, strlen(column->name), 100),
										column->name),
					   NULL, segment);
		}
	}
}

/* One column of problems, one of arrays; $1 is the map, schema %1$s. */
static const char label_query[] =
"WITH label AS (SELECT segment::text, language::text, role::text, display_order, color"
"               FROM %1$s.segment_label WHERE map = $1),"
" rule AS (SELECT DISTINCT segment::text FROM %1$s.segment_rule WHERE map = $1),"
" language AS (SELECT DISTINCT language FROM label"
"              UNION ALL SELECT 'en' WHERE NOT EXISTS (SELECT FROM label)),"
" used AS (SELECT segment FROM rule UNION SELECT segment FROM label)"
" SELECT 1 AS kind, 'missing label: language ' || language AS problem, ARRAY[segment] AS segments"
"   FROM used CROSS JOIN language"
"  WHERE (segment, language) NOT IN (SELECT segment, language FROM label)"
" UNION ALL"
" SELECT 2, 'label without a rule', ARRAY[segment] FROM label"
"  WHERE segment NOT IN (SELECT segment FROM rule) GROUP BY segment HAVING bool_and(role <> 'prospect')"
" UNION ALL"
" SELECT 4, 'several segments of role prospect without a rule', array_agg(DISTINCT segment) FROM label"
"  WHERE role = 'prospect' AND segment NOT IN (SELECT segment FROM rule) HAVING count(DISTINCT segment) > 1"
" UNION ALL"
" SELECT 5, 'label differs between languages: role, display_order or color', ARRAY[segment] FROM label"
"  GROUP BY segment HAVING count(DISTINCT (role, display_order, color)) > 1"
" ORDER BY kind, problem, segments";

static void
check_labels(const MapName *name, ReturnSetInfo *result)
{
	uint64		n = run_query(psprintf(label_query, name->schema), name->map);

	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		values[5] = {0};
		bool		nulls[5] = {false, true, true, true, false};

		values[0] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);
		values[4] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* check_segment_map(segment_map text) -> SETOF (problem, r, f, m, segments); not strict */
Datum
segment_map_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MapName		name;
	Reading		reading;
	SegmentMap *map;
	List	   *malformed = NIL;
	ListCell   *lc;
	bool	   *reached;

	/* No rows would say that all is well. */
	if (PG_ARGISNULL(0))
		null_argument("segment_map", NULL);
	InitMaterializedSRF(fcinfo, 0);
	resolve_map_name(PG_GETARG_TEXT_PP(0), fcinfo->flinfo->fn_oid, &name);
	begin_reading(&name, fcinfo->flinfo->fn_oid, &reading);
	map = read_map(&name, CurrentMemoryContext, &malformed);

	foreach(lc, malformed)
	{
		Malformed  *one = lfirst(lc);

		report(result, psprintf("malformed condition: position %d, %s", one->position, one->problem),
			   NULL, list_make1(one->segment));
	}
	reached = palloc0(sizeof(bool) * Max(1, map->nrules));
	check_cells(map, result, reached);
	check_without_order(map, result, reached);
	check_rules(map, result, reached);
	check_labels(&name, result);
	for (int i = 0; i < map->nrules; i++)
		if (map->rules[i].refinement && !map->rules[i].no_order)
			report(result, psprintf("refinement: position %d", map->rules[i].position),
				   NULL, list_make1(map->rules[i].segment));
	end_reading(&reading);
	return (Datum) 0;
}
