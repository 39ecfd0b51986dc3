/*
 * live_expression.c
 *		What the expressions of a live model's source depend on, beyond what
 *		pg_depend tells.
 *
 * People who write orders may have any TimeZone and DateStyle: a row must mean
 * the same to them, to those who delete it, and to refresh_model. Some functions
 * are marked immutable although their result follows settings: texts of
 * floating-point numbers, bytea, intervals and what consists of them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(live_expressions);

typedef struct Findings
{
	bool		whole_row;
	int			windows;		/* window functions */
	bool		recursive;		/* WITH RECURSIVE */
	ArrayBuildState *unsteady;	/* texts: what follows settings of the session */
} Findings;

static void
add_unsteady(Findings *findings, const char *what)
{
	findings->unsteady = accumArrayResult(findings->unsteady, CStringGetTextDatum(what), false,
										  TEXTOID, CurrentMemoryContext);
}

static bool
reads_type(Form_pg_proc function, Oid type)
{
	for (int i = 0; i < function->pronargs; i++)
	{
		if (function->proargtypes.values[i] == type)
			return true;
	}
	return false;
}

/* For check_functions_in_node(): all of them are looked at. */
static bool
check_function(Oid function, void *context)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc it;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	it = (Form_pg_proc) GETSTRUCT(tuple);
	if (it->provolatile != PROVOLATILE_IMMUTABLE || function == F_QUOTE_IDENT ||
		it->prorettype == CSTRINGOID || it->prorettype == XMLOID ||
		reads_type(it, CSTRINGOID) || reads_type(it, XMLOID))
		add_unsteady(context, format_procedure(function));
	ReleaseSysCache(tuple);
	return false;
}

static bool
is_read_alike(Oid type)
{
	Oid			input;
	Oid			argument;

	getTypeInputInfo(type, &input, &argument);
	return func_volatile(input) == PROVOLATILE_IMMUTABLE;
}

/* Do all sessions write a value of this type as the same text? */
static bool
is_written_alike(Oid type)
{
	switch (getBaseType(type))
	{
		case BOOLOID:
		case CHAROID:
		case NAMEOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case UUIDOID:
		case BITOID:
		case VARBITOID:
		case TIMEOID:
		case TIMETZOID:
		case INETOID:
		case CIDROID:
		case MACADDROID:
		case MACADDR8OID:
		case JSONOID:
		case JSONBOID:
			return true;
	}
	return false;
}

static void
check_conversion(CoerceViaIO *conversion, Findings *findings)
{
	Node	   *argument = (Node *) conversion->arg;

	if (!is_read_alike(conversion->resulttype))
		add_unsteady(findings, psprintf("text as %s", format_type_be(conversion->resulttype)));
	if (IsA(argument, RowExpr))
		add_unsteady(findings, "row as text");	/* its columns may be of any type */
	else if (!is_written_alike(exprType(argument)))
		add_unsteady(findings, psprintf("%s as text", format_type_be(exprType(argument))));
}

/* Every session that writes a row reads a constant again, in the way in which it is printed. */
static void
check_constant(Const *constant, Findings *findings)
{
	Oid			element = get_element_type(constant->consttype);
	Oid			type = OidIsValid(element) ? element : constant->consttype;

	switch (type)
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case TIMEOID:
		case TIMETZOID:
		case INTERVALOID:
			return;
	}
	if (!type_is_enum(type) && !is_read_alike(type))
		add_unsteady(findings, psprintf("a constant of type %s", format_type_be(constant->consttype)));
}

/* The sum of floating-point numbers depends on the order of the rows, which no query fixes. */
static void
check_aggregate(Node *node, Findings *findings)
{
	Oid			aggregate = IsA(node, Aggref) ? ((Aggref *) node)->aggfnoid :
		IsA(node, WindowFunc) ? ((WindowFunc *) node)->winfnoid : InvalidOid;

	switch (aggregate)
	{
		case F_SUM_FLOAT4:
		case F_SUM_FLOAT8:
		case F_AVG_FLOAT4:
		case F_AVG_FLOAT8:
			add_unsteady(findings, format_procedure(aggregate));
			break;
	}
}

static bool find_unsteady(Node *node, void *context);

/* From 18 on a column may stand for an expression, which its readers work out. */
static void
check_virtual_columns(Query *query, Findings *findings)
{
#if PG_VERSION_NUM >= 180000
	foreach_node(RTEPermissionInfo, permissions, query->rteperminfos)
	{
		Relation	relation = relation_open(permissions->relid, AccessShareLock);
		TupleDesc	desc = RelationGetDescr(relation);
		Bitmapset  *read = permissions->selectedCols;
		bool		all = bms_is_member(-FirstLowInvalidHeapAttributeNumber, read);

		for (AttrNumber i = 1; i <= desc->natts; i++)
		{
			if (TupleDescAttr(desc, i - 1)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL &&
				(all || bms_is_member(i - FirstLowInvalidHeapAttributeNumber, read)))
				(void) find_unsteady(build_generation_expression(relation, i), findings);
		}
		relation_close(relation, AccessShareLock);
	}
#else
	(void) query;
	(void) findings;
#endif
}

/* What isn't known here may follow settings: a later major has more kinds. */
static bool
find_unsteady(Node *node, void *context)
{
	Findings   *findings = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Query:
			findings->recursive |= ((Query *) node)->hasRecursive;
			check_virtual_columns((Query *) node, findings);
			return query_tree_walker((Query *) node, find_unsteady, context, 0);
		case T_Var:
			findings->whole_row |= ((Var *) node)->varattno == 0;
			break;
		case T_Const:
			check_constant((Const *) node, findings);
			break;
		case T_CoerceViaIO:
			check_conversion((CoerceViaIO *) node, findings);
			break;
		case T_SQLValueFunction:
			add_unsteady(findings, "the time of the statement or its user");
			break;
		case T_XmlExpr:
			add_unsteady(findings, "XML");
			break;
#if PG_VERSION_NUM >= 160000
		case T_JsonConstructorExpr:
			add_unsteady(findings, "JSON");
			break;
		case T_JsonValueExpr:
		case T_JsonIsPredicate:
			break;
#endif
#if PG_VERSION_NUM >= 170000
		case T_JsonExpr:
			add_unsteady(findings, "JSON");
			break;
#endif
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_RowCompareExpr:
		case T_Aggref:
		case T_WindowFunc:
			findings->windows += IsA(node, WindowFunc);
			check_aggregate(node, findings);
			check_functions_in_node(node, check_function, findings);
			break;
		case T_List:
		case T_TargetEntry:
		case T_FromExpr:
		case T_RangeTblRef:
		case T_RangeTblFunction:
		case T_JoinExpr:
		case T_CommonTableExpr:
		case T_SetOperationStmt:
		case T_SortGroupClause:
		case T_GroupingSet:
		case T_GroupingFunc:
		case T_WindowClause:
		case T_NamedArgExpr:
		case T_BoolExpr:
		case T_SubLink:
		case T_SubscriptingRef:
		case T_FieldSelect:
		case T_RelabelType:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_CollateExpr:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CoerceToDomain:
		case T_CoerceToDomainValue:
			break;
		default:
			add_unsteady(findings, "an expression of a kind that is not known");
			break;
	}
	return expression_tree_walker(node, find_unsteady, context);
}

/*
 * _live_expressions(view oid): has it a subquery, more than single columns of
 * its own row, and what in it follows settings of the session? How many window
 * functions, and WITH RECURSIVE?
 */
Datum
live_expressions(PG_FUNCTION_ARGS)
{
	Relation	view = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	Findings	findings = {0};
	Query	   *query;
	TupleDesc	desc;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (view == NULL || view->rd_rel->relkind != RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation %u is not a view", PG_GETARG_OID(0))));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	query = get_view_query(view);
	(void) find_unsteady((Node *) query, &findings);
	values[0] = BoolGetDatum(query->hasSubLinks);
	values[1] = BoolGetDatum(query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs ||
							 findings.whole_row);
	nulls[2] = findings.unsteady == NULL;
	if (!nulls[2])
		values[2] = makeArrayResult(findings.unsteady, CurrentMemoryContext);
	values[3] = Int32GetDatum(findings.windows);
	values[4] = BoolGetDatum(findings.recursive);
	relation_close(view, AccessShareLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
