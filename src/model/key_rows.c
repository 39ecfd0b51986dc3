/*
 * key_rows.c
 *		The rows that a query has of some keys, without reading the others.
 *
 * A ledger (sql/model/ledger.sql) follows a query over several tables, each of
 * which has a column with the key of the event that its rows belong to. Of the
 * events that statements have touched it asks again. A condition on the key that
 * the query gives would be right, and slow: the planner takes it into no
 * aggregate of a joined table, and finds no index where the key is an
 * expression. So the condition is put where the tables are read, inside of views
 * too, as the server does it for row-level security: each of them has only rows
 * of these keys.
 *
 * The query runs with the rights of the caller, by the snapshot of the statement
 * that calls. All that it reads and calls has to belong to the caller or to a
 * superuser: a view or a function that was given away could run what its new owner
 * likes, whenever somebody reads the model; and so could a partition, by a
 * function in an index or a CHECK that the planner looks at.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

#include "compat.h"
#include "live.h"

PG_FUNCTION_INFO_V1(rows_of_keys);

/* With more keys all rows are read, and those of other keys are left to the query. */
#define MAX_KEYS 20000

/*
 * With more keys a subquery that is run for each row of another query has no
 * condition: where it finds rows by an index, it would look for every key each time,
 * and not only for those of that row. create_model checks with fewer.
 */
#define MAX_KEYS_FOR_EACH_ROW 200

/* A table and the column that has the key */
typedef struct KeyTable
{
	Oid			relation;
	AttrNumber	column;
	Oid			type;			/* below domains, and text for varchar */
	Oid			array_type;
	Oid			equal;
	Oid			collation;
	ArrayType  *keys;			/* those that a value of that type can have */
} KeyTable;

typedef struct KeyTables
{
	KeyTable   *tables;
	int			n;
	bool		many;			/* more than MAX_KEYS_FOR_EACH_ROW */
	bool		is_for_each_row;	/* where we are in the query */
} KeyTables;

/* As numeric writes what is no finite number; each of them equals itself. */
static bool
is_not_finite(const char *key, int length)
{
	static const char *const words[] = {"NaN", "Infinity", "-Infinity"};

	for (size_t i = 0; i < lengthof(words); i++)
	{
		if ((size_t) length == strlen(words[i]) && memcmp(key, words[i], length) == 0)
			return true;
	}
	return false;
}

/* Digits with a sign and perhaps a point, as an integer or numeric is written */
static bool
is_number(const char *key, int length, bool fraction)
{
	int			digits = 0;

	if (length > 1 && *key == '-')
	{
		key++;
		length--;
	}
	for (int i = 0; i < length; i++)
	{
		if (fraction && key[i] == '.' && digits > 0 && i + 1 < length)
			fraction = false;
		else if (key[i] < '0' || key[i] > '9')
			return false;
		else
			digits++;
	}
	return digits > 0;
}

static bool
is_uuid(const char *key, int length)
{
	for (int i = 0; i < length; i++)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23 ? key[i] != '-' :
			strchr("0123456789abcdef", key[i]) == NULL)
			return false;
	}
	return length == 36;
}

/* The key as a value of a column's type. False: no value of that type has this text. */
static bool
read_key(Oid type, text *key, Datum *value)
{
	char	   *string = VARDATA_ANY(key);
	int			length = VARSIZE_ANY_EXHDR(key);
	int64		number;

	switch (type)
	{
		case TEXTOID:
		case BPCHAROID:
			*value = PointerGetDatum(key);
			return true;
		case UUIDOID:
			if (!is_uuid(string, length))
				return false;
			*value = DirectFunctionCall1(uuid_in, CStringGetDatum(text_to_cstring(key)));
			return true;
		case NUMERICOID:
			if (!is_number(string, length, true) && !is_not_finite(string, length))
				return false;
			*value = DirectFunctionCall3(numeric_in, CStringGetDatum(text_to_cstring(key)),
										 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
			return true;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			if (!is_number(string, length, false))
				return false;
			errno = 0;
			number = strtoll(text_to_cstring(key), NULL, 10);
			if (errno != 0)		/* out of range */
				return false;
			if (type == INT2OID && (number < PG_INT16_MIN || number > PG_INT16_MAX))
				return false;
			if (type == INT4OID && (number < PG_INT32_MIN || number > PG_INT32_MAX))
				return false;
			*value = type == INT2OID ? Int16GetDatum((int16) number) :
				type == INT4OID ? Int32GetDatum((int32) number) : Int64GetDatum(number);
			return true;
	}
	return false;
}

static ArrayType *
keys_of_type(Oid type, ArrayType *keys)
{
	Datum	   *texts;
	Datum	   *values;
	bool	   *nulls;
	int			n;
	int			found = 0;
	int16		length;
	bool		by_value;
	char		align;

	deconstruct_array(keys, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &n);
	values = palloc(Max(n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i] && read_key(type, DatumGetTextPP(texts[i]), &values[found]))
			found++;
	}
	get_typlenbyvalalign(type, &length, &by_value, &align);
	return construct_array(values, found, type, length, by_value, align);
}

/* The type that a column of keys is compared in; InvalidOid: it can't be one */
Oid
live_key_type(Oid type)
{
	switch (getBaseType(type))
	{
		case VARCHAROID:
			return TEXTOID;
		case TEXTOID:
		case BPCHAROID:
		case UUIDOID:
		case NUMERICOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return getBaseType(type);
	}
	return InvalidOid;
}

static void
find_table(KeyTable *table, const char *name, const char *column, ArrayType *keys)
{
	Oid			type;
	int32		typmod;
	List	   *names = textToQualifiedNameList(cstring_to_text(name));

	table->relation = RangeVarGetRelid(makeRangeVarFromNameList(names), AccessShareLock, false);
	table->column = get_attnum(table->relation, column);
	if (table->column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", column,
						get_rel_name(table->relation))));
	get_atttypetypmodcoll(table->relation, table->column, &type, &typmod, &table->collation);
	table->type = live_key_type(type);
	if (!OidIsValid(table->type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" is of type %s, which no key has", column,
						get_rel_name(table->relation), format_type_be(type))));
	table->array_type = get_array_type(table->type);
	table->equal = lookup_type_cache(table->type, TYPECACHE_EQ_OPR)->eq_opr;
	table->keys = keys_of_type(table->type, keys);
}

/* column = ANY (keys), of an item of FROM */
static Node *
make_condition(const KeyTable *table, int item)
{
	ScalarArrayOpExpr *condition = makeNode(ScalarArrayOpExpr);
	Oid			type;
	int32		typmod;
	Oid			collation;
	Expr	   *column;

	get_atttypetypmodcoll(table->relation, table->column, &type, &typmod, &collation);
	column = (Expr *) makeVar(item, table->column, type, typmod, collation, 0);
	if (type != table->type)
		column = (Expr *) makeRelabelType(column, table->type, -1, collation, COERCE_IMPLICIT_CAST);
	condition->opno = table->equal;
	condition->opfuncid = get_opcode(table->equal);
	condition->useOr = true;
	condition->inputcollid = collation;
	condition->args = list_make2(column,
								 makeConst(table->array_type, -1, collation, -1,
										   PointerGetDatum(table->keys), false, false));
	condition->location = -1;
	return (Node *) condition;
}

/* ---- whose it is ---- */

static void
refuse_owner(Oid owner, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s belongs to role %s", name, GetUserNameFromId(owner, true)),
			 errdetail("It would be used with the rights of role %s.",
					   GetUserNameFromId(GetUserId(), true))));
}

static bool
is_trusted(Oid owner)
{
	return owner == GetUserId() || superuser_arg(owner);
}

/*
 * A policy may hide rows from one session and not from another, or from today on:
 * what it hides would be taken for removed.
 */
static void
check_one_relation(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (!is_trusted(owner))
		refuse_owner(owner, get_rel_name(relation));
	if (check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row-level security hides rows of %s from role %s", get_rel_name(relation),
						GetUserNameFromId(GetUserId(), true)),
				 errhint("ALTER TABLE ... NO FORCE ROW LEVEL SECURITY, or BYPASSRLS for the role.")));
}

/* A view is among the items of its own query, in one way or another. */
static void
check_relation(Oid relation)
{
	ListCell   *cell;

	check_one_relation(relation);
	if (!has_subclass(relation))
		return;
	foreach(cell, find_all_inheritors(relation, AccessShareLock, NULL))
		check_one_relation(lfirst_oid(cell));
}

static Oid
owner_of_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* "extension" is the owner of this extension's functions, which the query has too. */
static bool
check_function(Oid function, void *extension)
{
	Oid			owner;

	if (function < FirstNormalObjectId)
		return false;
	owner = owner_of_function(function);
	if (owner != *(Oid *) extension && !is_trusted(owner))
		refuse_owner(owner, get_func_name(function));
	return false;
}

/* A domain has conditions, and what a type is read and written by is its owner's. */
static void
check_type(Oid type, Oid extension)
{
	HeapTuple	tuple;
	Oid			owner;
	Oid			part;

	if (type < FirstNormalObjectId)
		return;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	owner = ((Form_pg_type) GETSTRUCT(tuple))->typowner;
	part = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
	if (!OidIsValid(part))
		part = ((Form_pg_type) GETSTRUCT(tuple))->typelem;
	ReleaseSysCache(tuple);
	if (owner != extension && !is_trusted(owner))
		refuse_owner(owner, format_type_be(type));
	check_type(part, extension);
}

static void
check_result(Node *node, Oid extension)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_Aggref:
		case T_WindowFunc:
		case T_FuncExpr:
		case T_OpExpr:
		case T_CoerceToDomain:
		case T_CoerceViaIO:
		case T_RelabelType:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_RowExpr:
		case T_FieldSelect:
			check_type(exprType(node), extension);
			break;
		default:
			break;
	}
}

static bool
check_owners(Node *node, void *extension)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		ListCell   *cell;

		foreach(cell, ((Query *) node)->rtable)
		{
			RangeTblEntry *entry = lfirst(cell);

			if (OidIsValid(entry->relid))
				check_relation(entry->relid);
		}
		return query_tree_walker((Query *) node, check_owners, extension, 0);
	}
	(void) check_functions_in_node(node, check_function, extension);
	check_result(node, *(Oid *) extension);
	return expression_tree_walker(node, check_owners, extension);
}

/* ---- conditions ---- */

static void
add_to_tables(Query *query, const KeyTables *tables)
{
	ListCell   *cell;
	int			item = 0;

	foreach(cell, query->rtable)
	{
		RangeTblEntry *entry = lfirst(cell);

		item++;
		for (int i = 0; i < tables->n && entry->rtekind == RTE_RELATION; i++)
		{
			if (entry->relid == tables->tables[i].relation)
				entry->securityQuals = lcons(make_condition(&tables->tables[i], item),
											 entry->securityQuals);
		}
	}
}

static bool
add_conditions(Node *node, void *context)
{
	KeyTables  *tables = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		bool		was_for_each_row = tables->is_for_each_row;

		if (tables->many && contain_vars_of_level(node, 1))
			tables->is_for_each_row = true;
		if (!tables->is_for_each_row)
			add_to_tables((Query *) node, tables);
		(void) query_tree_walker((Query *) node, add_conditions, context, 0);
		tables->is_for_each_row = was_for_each_row;
		return false;
	}
	return expression_tree_walker(node, add_conditions, context);
}

static Query *
read_query(const char *statement, Oid extension)
{
	List	   *statements = pg_parse_query(statement);
	Query	   *query;

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the query is not one statement")));
	statements = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, statements),
													statement, NULL, 0, NULL);
	query = list_length(statements) == 1 ? linitial_node(Query, statements) : NULL;
	if (query == NULL || query->commandType != CMD_SELECT || query->utilityStmt != NULL ||
		query->hasModifyingCTE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the query is not a SELECT")));
	(void) check_owners((Node *) query, &extension);
	return query;
}

static void
check_columns(TupleDesc given, TupleDesc expected)
{
	bool		same = given->natts == expected->natts;

	for (int i = 0; i < given->natts && same; i++)
		same = TupleDescAttr(given, i)->atttypid == TupleDescAttr(expected, i)->atttypid;
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the query has other columns than it is asked for")));
}

static void
run_query(Query *query, const char *statement, ReturnSetInfo *result)
{
	PlannedStmt *plan = pg_plan_query(query, statement, 0, NULL);
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);
	QueryDesc  *description;

	SetTuplestoreDestReceiverParams(dest, result->setResult,
									result->econtext->ecxt_per_query_memory, false, NULL, NULL);
	description = CreateQueryDesc(plan, statement, GetActiveSnapshot(), InvalidSnapshot, dest,
								  NULL, NULL, 0);
	ExecutorStart(description, 0);
	check_columns(description->tupDesc, result->setDesc);
	run_plan(description);
	ExecutorFinish(description);
	ExecutorEnd(description);
	FreeQueryDesc(description);
	dest->rDestroy(dest);
}

static Datum *
texts_of(ArrayType *array, int *n)
{
	Datum	   *texts;
	bool	   *nulls;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, n);
	for (int i = 0; i < *n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("names of tables and columns must not be null")));
	}
	return texts;
}

/*
 * _rows_of_keys(query text, relations text[], columns text[], keys text[]): the
 * rows of the query when these tables have only rows whose column is one of the
 * keys; keys NULL: all rows. What the query gives of other keys, from other
 * tables, is the caller's to leave out.
 */
Datum
rows_of_keys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *statement;
	Query	   *query;
	KeyTables	tables = {0};
	Datum	   *relations;
	Datum	   *columns;
	int			n;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int i = 0; i < 3; i++)
	{
		if (PG_ARGISNULL(i))
			return (Datum) 0;
	}
	statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
	relations = texts_of(PG_GETARG_ARRAYTYPE_P(1), &tables.n);
	columns = texts_of(PG_GETARG_ARRAYTYPE_P(2), &n);
	if (n != tables.n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there are %d tables and %d columns", tables.n, n)));
	query = read_query(statement, owner_of_function(fcinfo->flinfo->fn_oid));
	if (!PG_ARGISNULL(3))
	{
		ArrayType  *keys = PG_GETARG_ARRAYTYPE_P(3);
		int			nkeys = ArrayGetNItems(ARR_NDIM(keys), ARR_DIMS(keys));

		if (nkeys <= MAX_KEYS)
		{
			tables.many = nkeys > MAX_KEYS_FOR_EACH_ROW;
			tables.tables = palloc0(Max(n, 1) * sizeof(KeyTable));
			for (int i = 0; i < n; i++)
				find_table(&tables.tables[i], TextDatumGetCString(relations[i]),
						   TextDatumGetCString(columns[i]), keys);
			(void) add_conditions((Node *) query, &tables);
		}
	}
	run_query(query, statement, result);
	return (Datum) 0;
}
