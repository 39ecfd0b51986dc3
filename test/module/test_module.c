/*
 * test_module.c
 *		What tests need and SQL can't do: hand raw bytes to receive and
 *		deserialise functions, and commit the memory errors by which the
 *		sanitizer stage proves that it can see.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(test_receive);
PG_FUNCTION_INFO_V1(test_deserialize);
PG_FUNCTION_INFO_V1(test_memory_error);

/*
 * test_receive(bytes bytea, type regtype) returns bytea: the value that the
 * type reads from these bytes, sent again. As in COPY and the protocol, bytes
 * left unread are an error.
 */
Datum
test_receive(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	Oid			type = PG_GETARG_OID(1);
	Oid			receive,
				param,
				send;
	bool		varlena;
	StringInfoData buf;
	Datum		value;

	getTypeBinaryInputInfo(type, &receive, &param);
	getTypeBinaryOutputInfo(type, &send, &varlena);
	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	value = OidReceiveFunctionCall(receive, &buf, param, -1);
	if (buf.cursor != buf.len)
		elog(ERROR, "%d bytes left unread", buf.len - buf.cursor);
	PG_RETURN_BYTEA_P(OidSendFunctionCall(send, value));
}

static Datum
call_in_aggregate(Oid function, AggState *aggregate, int nargs, NullableDatum *args, bool *isnull)
{
	FmgrInfo	flinfo;
	LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);
	Datum		result;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, nargs, InvalidOid, (Node *) aggregate, NULL);
	for (int i = 0; i < nargs; i++)
	{
		if (flinfo.fn_strict && args[i].isnull)
		{
			*isnull = true;
			return (Datum) 0;
		}
		fcinfo->args[i] = args[i];
	}
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}

/*
 * test_deserialize(bytes bytea, aggregate regprocedure) returns bytea: takes
 * the bytes for a worker's state, combines two of them, computes the result,
 * and returns a fresh state serialised again.
 */
Datum
test_deserialize(PG_FUNCTION_ARGS)
{
	Datum		bytes = PG_GETARG_DATUM(0);
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(PG_GETARG_OID(1)));
	FormData_pg_aggregate form;
	AggState   *aggregate = makeNode(AggState);
	NullableDatum args[FUNC_MAX_ARGS] = {0};
	NullableDatum state[3];
	bool		isnull;
	Datum		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "no such aggregate");
	form = *(Form_pg_aggregate) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);
	aggregate->curaggcontext = CreateStandaloneExprContext();
	aggregate->tmpcontext = CreateStandaloneExprContext();

	for (int i = 0; i < 3; i++)
	{
		args[0].value = bytes;
		args[0].isnull = false;
		args[1].value = (Datum) 0;
		args[1].isnull = false;
		state[i].value = call_in_aggregate(form.aggdeserialfn, aggregate, 2, args,
										   &state[i].isnull);
	}

	args[0] = state[0];
	args[1] = state[1];
	args[0].value = call_in_aggregate(form.aggcombinefn, aggregate, 2, args, &args[0].isnull);
	for (int i = 1; i < FUNC_MAX_ARGS; i++)
		args[i].isnull = true;
	if (OidIsValid(form.aggfinalfn))
		(void) call_in_aggregate(form.aggfinalfn, aggregate,
								 form.aggfinalextra ? get_func_nargs(form.aggfinalfn) :
								 1, args, &isnull);

	args[0] = state[2];
	result = call_in_aggregate(form.aggserialfn, aggregate, 1, args, &isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

static volatile int beyond;

/* test_memory_error(kind text): does what the sanitizers and Valgrind are there to catch. */
Datum
test_memory_error(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	volatile char *heap = malloc(16);
	volatile char stack[16];

	beyond = 16;
	stack[0] = heap[0] = 0;
	(void) stack[0];
	if (strcmp(kind, "heap") == 0)
		memset((char *) heap, 1, beyond + 1);	/* left to AddressSanitizer alone */
	else if (strcmp(kind, "stack") == 0)
		stack[beyond] = 1;
	else if (strcmp(kind, "shift") == 0)
		beyond = 1 << (beyond * 3);
	else if (strcmp(kind, "cast") == 0)
		beyond = (int) (beyond * 1e300);
	else if (strcmp(kind, "unset") == 0)
	{
		if (heap[8] == 1)		/* left to Valgrind alone */
			elog(NOTICE, "memory that nobody wrote");
	}
	else
		elog(ERROR, "no such error: %s", kind);
	beyond = heap[0];
	free((char *) heap);
	PG_RETURN_VOID();
}
