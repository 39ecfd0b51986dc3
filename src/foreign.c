/*
 * foreign.c
 *		Relations of other roles: are they data alone?
 *
 * Reading a table runs more than a scan: policies of row-level security, the
 * expressions of virtual columns, what inherits from it. And the planner folds
 * the constants in the expressions of every index and of extended statistics
 * before it knows whether it wants them: an index on ((f('x'))), with an f that
 * claims to be IMMUTABLE, calls f with the rights of the role that reads the
 * table. So where the extension reads a relation that a name or the catalogs
 * lead it to, it asks here first whether its owner has put anything there that
 * would run.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic_ext.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "foreign.h"

PG_FUNCTION_INFO_V1(relation_trap_of);

static bool
has_expressions(int cache, Oid object, AttrNumber attribute)
{
	HeapTuple	tuple = SearchSysCache1(cache, ObjectIdGetDatum(object));
	bool		isnull = true;

	if (HeapTupleIsValid(tuple))
	{
		(void) SysCacheGetAttr(cache, tuple, attribute, &isnull);
		ReleaseSysCache(tuple);
	}
	return !isnull;
}

/*
 * What would run when the relation is read with a plain query, in words; NULL if
 * nothing would. Looks at the catalogs as they are, and has to be asked with a
 * lock on the relation that is kept until it is read. The types of its columns
 * are left to those who know which they want, and so are CHECK constraints,
 * which the planner looks at when constraint_exclusion is on.
 */
const char *
relation_trap(Relation relation)
{
	Oid			oid = RelationGetRelid(relation);
	ListCell   *lc;

	if (relation->rd_rel->relkind != RELKIND_RELATION &&
		relation->rd_rel->relkind != RELKIND_MATVIEW)
		return "it is no ordinary table";
	if (relation->rd_rel->relrowsecurity)
		return "it has row-level security";
	if (has_subclass(oid) && find_inheritance_children(oid, NoLock) != NIL)
		return "other tables inherit from it";
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), i);

		if (!attribute->attisdropped && attribute->attgenerated != '\0')
			return "it has generated columns";
	}
	foreach(lc, RelationGetIndexList(relation))
	{
		if (has_expressions(INDEXRELID, lfirst_oid(lc), Anum_pg_index_indexprs) ||
			has_expressions(INDEXRELID, lfirst_oid(lc), Anum_pg_index_indpred))
			return "it has an index with an expression or a condition";
	}
	foreach(lc, RelationGetStatExtList(relation))
	{
		if (has_expressions(STATEXTOID, lfirst_oid(lc), Anum_pg_statistic_ext_stxexprs))
			return "it has statistics on an expression";
	}
	return NULL;
}

/*
 * _relation_trap(relation oid): the same, for a relation that the caller may
 * read. It stays locked until the transaction ends, so that the answer holds.
 */
Datum
relation_trap_of(PG_FUNCTION_ARGS)
{
	Oid			oid = PG_GETARG_OID(0);
	char		kind = get_rel_relkind(oid);
	Relation	relation;
	const char *trap;

	if ((kind != RELKIND_RELATION && kind != RELKIND_MATVIEW) ||
		pg_class_aclcheck(oid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		PG_RETURN_TEXT_P(cstring_to_text("it is no table that you may read"));
	relation = try_relation_open(oid, AccessShareLock);
	if (relation == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("it is gone"));
	trap = relation_trap(relation);
	relation_close(relation, NoLock);
	if (trap == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(trap));
}
