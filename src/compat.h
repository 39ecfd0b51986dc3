/*
 * compat.h
 *		What differs between the PostgreSQL majors we build on, and nowhere
 *		else. Code is written in the newest dialect; this header defines the
 *		new name on old servers.
 */
#ifndef CUSTOMER_SCORING_COMPAT_H
#define CUSTOMER_SCORING_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "customer_scoring needs PostgreSQL 15 or later"
#endif

/* Sums of money are exact beyond 64 bits. */
#ifndef HAVE_INT128
#error "customer_scoring needs a 64-bit processor, whose compilers have integers of 128 bits"
#endif

#include "fmgr.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#else

/* 16 hides every symbol but the entry points; here we say so ourselves. */
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))

#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(funcname) \
extern __attribute__((visibility("default"))) Datum funcname(PG_FUNCTION_ARGS); \
extern __attribute__((visibility("default"))) const Pg_finfo_record *CppConcat(pg_finfo_,funcname)(void); \
const Pg_finfo_record * \
CppConcat(pg_finfo_,funcname) (void) \
{ \
	static const Pg_finfo_record my_finfo = { 1 }; \
	return &my_finfo; \
} \
extern int no_such_variable

#undef PG_MODULE_MAGIC
#define PG_MODULE_MAGIC \
extern __attribute__((visibility("default"))) const Pg_magic_struct *PG_MAGIC_FUNCTION_NAME(void); \
const Pg_magic_struct * \
PG_MAGIC_FUNCTION_NAME(void) \
{ \
	static const Pg_magic_struct Pg_magic_data = PG_MODULE_MAGIC_DATA; \
	return &Pg_magic_data; \
} \
extern int no_such_variable

/* Soft errors came with 16: before, every input error is a hard one. */
#define ereturn(escontext, dummy_value, ...) \
	do { \
		(void) (escontext); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)

/* One function asks for the rights on any object from 16 on; here for these. */
#define object_aclcheck(classid, objectid, roleid, mode) \
	((classid) == NamespaceRelationId ? pg_namespace_aclcheck(objectid, roleid, mode) : \
	 pg_proc_aclcheck(objectid, roleid, mode))

/* Likewise who owns any object; here a relation. */
#define object_ownercheck(classid, objectid, roleid) \
	((void) (classid), pg_class_ownercheck(objectid, roleid))

#endif							/* before 16 */

/* 18 runs each plan once anyway. */
#if PG_VERSION_NUM >= 180000
#define run_plan(description) ExecutorRun(description, ForwardScanDirection, 0)
#else
#define run_plan(description) ExecutorRun(description, ForwardScanDirection, 0, true)
#endif

/* From 16 on ExecInsertIndexTuples() can be asked for summarizing indexes alone. */
#if PG_VERSION_NUM >= 160000
#define insert_index_tuples(target, slot, estate) \
	list_free(ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL, false))
#else
#define insert_index_tuples(target, slot, estate) \
	list_free(ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL))
#endif

/* From 17 on reindex_relation() is given the statement, if there is one. */
#if PG_VERSION_NUM >= 170000
#define build_indexes(relid) \
	reindex_relation(NULL, relid, REINDEX_REL_CHECK_CONSTRAINTS, &(ReindexParams) {0})
#else
#define build_indexes(relid) \
	reindex_relation(relid, REINDEX_REL_CHECK_CONSTRAINTS, &(ReindexParams) {0})
#endif

/* 18 has no pg_attribute_noreturn() any more. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

#endif							/* CUSTOMER_SCORING_COMPAT_H */
