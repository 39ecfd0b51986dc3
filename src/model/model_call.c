/*
 * model_call.c
 *		Call a function of a model by its name, and nothing else.
 *
 * explain_score(), near_misses() and score_parity() work on anybody's model
 * and ask SECURITY DEFINER functions in its schema. Their owner can replace
 * them by whatever they like: by one that runs with the rights of its caller,
 * or by one with a further parameter whose default the caller evaluates. So the
 * function is looked for by its exact signature, must be what the extension
 * makes, and is called in the same breath: a query that checks pg_proc first
 * would go by its snapshot, and the call by the catalogs as they are then.
 *
 * What the function does is still up to the owner of the model. It does it with
 * that owner's rights, as a security-restricted operation, so that it leaves no
 * temporary table or deferred trigger behind for its caller to run, and what it
 * sets is undone.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "caller.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(call_model_function);

/* What model_put_function() sets, in its order. */
static const char *const function_settings[] = {"search_path=pg_catalog, pg_temp", "jit=off"};

/* The columns of a RETURNS TABLE, or what else is no input, as in pg_proc. */
typedef struct Outputs
{
	int			count;
	const Oid  *types;
	const char *modes;
} Outputs;

static Outputs
outputs_of(HeapTuple function)
{
	Outputs		outputs = {0};
	int			inputs = ((Form_pg_proc) GETSTRUCT(function))->pronargs;
	bool		isnull;
	Datum		types = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proallargtypes, &isnull);

	if (!isnull)
	{
		ArrayType  *type_array = DatumGetArrayTypeP(types);
		ArrayType  *mode_array = DatumGetArrayTypeP(SysCacheGetAttr(PROCOID, function,
																	Anum_pg_proc_proargmodes,
																	&isnull));

		outputs.count = ARR_DIMS(type_array)[0] - inputs;
		outputs.types = (Oid *) ARR_DATA_PTR(type_array) + inputs;
		outputs.modes = (char *) ARR_DATA_PTR(mode_array) + inputs;
	}
	return outputs;
}

static bool
has_our_settings(HeapTuple function)
{
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	bool	   *nulls;
	int			n;

	if (isnull)
		return false;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings,
					  &nulls, &n);
	if (n != lengthof(function_settings))
		return false;
	for (int i = 0; i < n; i++)
		if (nulls[i] || strcmp(TextDatumGetCString(settings[i]), function_settings[i]) != 0)
			return false;
	return true;
}

/*
 * Is the function of the model what the extension makes? "declared" is the
 * function of ours that stands for it; the two must have the same result.
 */
static bool
is_as_made(HeapTuple function, Oid owner, HeapTuple declared)
{
	Form_pg_proc it = (Form_pg_proc) GETSTRUCT(function);
	Outputs		outputs = outputs_of(function);
	Outputs		wanted = outputs_of(declared);
	bool		is_text;

	(void) SysCacheGetAttr(PROCOID, function, Anum_pg_proc_prosqlbody, &is_text);
	return it->prokind == PROKIND_FUNCTION && it->prolang == SQLlanguageId && !is_text &&
		it->prosecdef && it->proowner == owner && !it->proisstrict &&
		it->pronargdefaults == 0 && !OidIsValid(it->provariadic) &&
		it->proretset && it->prorettype == ((Form_pg_proc) GETSTRUCT(declared))->prorettype &&
		outputs.count == wanted.count &&
		(outputs.count == 0 ||
		 (memcmp(outputs.types, wanted.types, outputs.count * sizeof(Oid)) == 0 &&
		  memcmp(outputs.modes, wanted.modes, outputs.count) == 0)) &&
		has_our_settings(function);
}

/*
 * The function with the name of the declared one and arguments of these types in
 * the schema of a model, if the caller may call it; InvalidOid if there is none.
 * "owner" is set to the owner of the schema.
 */
static Oid
find_model_function(const char *model, Form_pg_proc declaration, const Oid *types, int nargs,
					Oid *owner)
{
	HeapTuple	home = SearchSysCache1(NAMESPACENAME, CStringGetDatum(model));
	Oid			schema;
	Oid			function;
	AclResult	allowed;

	if (!HeapTupleIsValid(home))
		return InvalidOid;
	schema = ((Form_pg_namespace) GETSTRUCT(home))->oid;
	*owner = ((Form_pg_namespace) GETSTRUCT(home))->nspowner;
	ReleaseSysCache(home);
	allowed = object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_USAGE);
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_SCHEMA, model);
	function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
							   CStringGetDatum(NameStr(declaration->proname)),
							   PointerGetDatum(buildoidvector(types, nargs)),
							   ObjectIdGetDatum(schema));
	if (!OidIsValid(function))
		return InvalidOid;
	allowed = object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE);
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_FUNCTION, NameStr(declaration->proname));
	return function;
}

/*
 * FUNCTION(model name, ...): the function of that name in the schema of the
 * model, with the same arguments after the model, and the caller as the last.
 */
Datum
call_model_function(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ReturnSetInfo inner = {.type = T_ReturnSetInfo};
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	FmgrInfo	flinfo;
	int			nargs = PG_NARGS();
	Oid			types[FUNC_MAX_ARGS];
	char	   *model;
	HeapTuple	declared;
	Form_pg_proc declaration;
	Oid			owner = InvalidOid;
	Oid			function;
	HeapTuple	tuple;
	Oid			user;
	int			security;
	int			settings;

	if (result == NULL || !IsA(result, ReturnSetInfo) || !(result->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	if (PG_ARGISNULL(0))
		null_argument("model", NULL);
	model = NameStr(*PG_GETARG_NAME(0));

	declared = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	if (!HeapTupleIsValid(declared))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	declaration = (Form_pg_proc) GETSTRUCT(declared);
	for (int i = 1; i < nargs; i++)
	{
		types[i - 1] = declaration->proargtypes.values[i];
		call->args[i - 1] = fcinfo->args[i];
	}
	types[nargs - 1] = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("caller"),
									   ObjectIdGetDatum(declaration->pronamespace));

	function = find_model_function(model, declaration, types, nargs, &owner);

	/* From here to the call nothing is locked, so that no catalog changes. */
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple) || !is_as_made(tuple, owner, declared))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("function %s of model \"%s\" is missing, or not what the extension has made",
						NameStr(declaration->proname), model),
				 errhint("Its owner makes it again: SELECT upgrade_model(%s) after an update of the extension, "
						 "else SELECT alter_model(%s).", quote_literal_cstr(model),
						 quote_literal_cstr(model))));
	/* The rows that it returns live as long as what it remembers. */
	fmgr_info_cxt(function, &flinfo, result->econtext->ecxt_per_query_memory);
	ReleaseSysCache(tuple);
	ReleaseSysCache(declared);

	call->args[nargs - 1].value = make_caller(owner);
	call->args[nargs - 1].isnull = false;
	inner.econtext = result->econtext;
	inner.expectedDesc = result->expectedDesc;
	inner.allowedModes = SFRM_Materialize | SFRM_Materialize_Preferred | SFRM_ValuePerCall;
	inner.returnMode = SFRM_ValuePerCall;
	InitFunctionCallInfoData(*call, &flinfo, nargs, PG_GET_COLLATION(), NULL, (fmNodePtr) &inner);

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(user, security | SECURITY_RESTRICTED_OPERATION);
	settings = NewGUCNestLevel();
	(void) FunctionCallInvoke(call);
	AtEOXact_GUC(false, settings);
	SetUserIdAndSecContext(user, security);

	/* A function of SQL answers whole where it is asked to. */
	if (inner.returnMode != SFRM_Materialize)
		elog(ERROR, "function %u did not return its rows at once", function);
	result->returnMode = SFRM_Materialize;
	result->setResult = inner.setResult;
	result->setDesc = inner.setDesc;
	return (Datum) 0;
}
