/*
 * relations.c
 *		What a model asks and says of its views and tables: a lock, comments, the
 *		columns that a query would give a view.
 *
 * A model has some forty views and tables with hundreds of columns. A statement
 * COMMENT for each of them, and views made only to be looked at and dropped, took
 * a good part of create_model and alter_model.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "arguments.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(lock_relation);
PG_FUNCTION_INFO_V1(put_comments);
PG_FUNCTION_INFO_V1(query_columns);

static void
check_owner(Oid relation)
{
	if (get_rel_name(relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	if (!object_ownercheck(RelationRelationId, relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relation)),
					   get_rel_name(relation));
}

/*
 * lock_relation(relation): nobody else reads it until the transaction ends. LOCK
 * TABLE on a view locks the tables below it too, those of others among them.
 */
Datum
lock_relation(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);

	if (PG_ARGISNULL(0))
		null_argument("relation", NULL);
	PreventCommandDuringRecovery("LOCK TABLE");
	check_owner(relation);
	LockRelationOid(relation, AccessExclusiveLock);
	check_owner(relation);		/* it may be gone by now, or somebody else's */
	PG_RETURN_VOID();
}

static void
put_comment(Oid relation, int column, const char *comment)
{
	char	   *earlier = GetComment(relation, RelationRelationId, column);

	if (earlier == NULL || strcmp(earlier, comment) != 0)
		CreateComments(relation, RelationRelationId, column, comment);
}

/*
 * put_comments(relation, meaning, columns, meanings): what COMMENT ON would write
 * on a relation and its columns.
 */
Datum
put_comments(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	Datum	   *columns;
	Datum	   *meanings;
	bool	   *column_nulls;
	bool	   *meaning_nulls;
	int			n;
	int			m;

	for (int i = 0; i < PG_NARGS(); i++)
	{
		static const char *const names[] = {"relation", "meaning", "columns", "meanings"};

		if (PG_ARGISNULL(i))
			null_argument(names[i], NULL);
	}
	PreventCommandIfReadOnly("COMMENT");
	check_owner(relation);
	LockRelationOid(relation, ShareUpdateExclusiveLock);
	check_owner(relation);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT,
					  &columns, &column_nulls, &n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, -1, false, TYPALIGN_INT,
					  &meanings, &meaning_nulls, &m);
	if (n != m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d columns have %d comments", n, m)));
	put_comment(relation, 0, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	for (int i = 0; i < n; i++)
	{
		AttrNumber	column = column_nulls[i] ? InvalidAttrNumber :
			get_attnum(relation, TextDatumGetCString(columns[i]));

		CHECK_FOR_INTERRUPTS();
		if (column <= 0 || meaning_nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("comment %d of relation \"%s\" is on no column, or null", i + 1,
							get_rel_name(relation))));
		put_comment(relation, column, TextDatumGetCString(meanings[i]));
	}
	PG_RETURN_VOID();
}

/*
 * query_columns(query): the columns that a view with this query would have, in
 * their order. The query is analysed, and neither planned nor run.
 */
Datum
query_columns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *text_of_query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	List	   *statements = pg_parse_query(text_of_query);
	Query	   *query;
	TupleDesc	columns;

	InitMaterializedSRF(fcinfo, 0);
	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the query of a view is not one statement")));
	query = parse_analyze_fixedparams(linitial_node(RawStmt, statements), text_of_query, NULL, 0,
									  NULL);
	if (query->commandType != CMD_SELECT)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the query of a view is no SELECT")));
	columns = ExecCleanTypeFromTL(query->targetList);
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);
		Datum		values[5];
		bool		nulls[5] = {false};

		values[0] = NameGetDatum(&column->attname);
		values[1] = Int16GetDatum(i + 1);
		values[2] = ObjectIdGetDatum(column->atttypid);
		values[3] = Int32GetDatum(column->atttypmod);
		values[4] = ObjectIdGetDatum(column->attcollation);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
